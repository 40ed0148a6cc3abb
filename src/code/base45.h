/* SPDX-License-Identifier: Apache-2.0 */
/* RFC 9285. */
#ifndef GATEHOUSE_SRC_CODE_BASE45_H
#define GATEHOUSE_SRC_CODE_BASE45_H

#include "gatehouse/bytes.h"

void gh_base45_put(struct gh_writer *writer, struct gh_bytes data);
/* Refused: length 1 mod 3, characters outside the alphabet (a space is inside), a triple over
 * 65535, a pair over 255. */
GH_MUST_CHECK enum gh_status gh_base45_decode(struct gh_bytes text, struct gh_writer *out);

#endif
