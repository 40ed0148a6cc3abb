/* SPDX-License-Identifier: Apache-2.0 */
/* RFC 4648 section 6, unpadded. */
#ifndef GATEHOUSE_SRC_CODE_BASE32_H
#define GATEHOUSE_SRC_CODE_BASE32_H

#include "gatehouse/bytes.h"

void gh_base32_put(struct gh_writer *writer, struct gh_bytes data);
/* Upper case only, no padding, no other characters, impossible lengths (1, 3, 6 mod 8) refused,
 * unused bits must be zero: every message has one text. */
GH_MUST_CHECK enum gh_status gh_base32_decode(struct gh_bytes text, struct gh_writer *out);

#endif
