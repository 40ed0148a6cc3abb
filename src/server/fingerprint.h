/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GATEHOUSE_SRC_SERVER_FINGERPRINT_H
#define GATEHOUSE_SRC_SERVER_FINGERPRINT_H

#include "gatehouse/list.h"

/* A hash of what a manifest says that is not about its snapshot or its moment: area, policy,
 * issuers' keys, holder secret. Another one means another list. GH_ERR_NOMEM. */
GH_MUST_CHECK enum gh_status gh_manifest_fingerprint(const struct gh_manifest *manifest,
                                                     uint8_t out[GH_SHA256_BYTES]);

#endif
