/* SPDX-License-Identifier: Apache-2.0 */
/* Lists of revoked foreign certificates, as those who issued them publish them:
 * - a batch of the EU's gateway (dgc-gateway): {"country"?, "expires"?, "kid", "hashType",
 * "entries":
 *   [{"hash": base64 of a SHA-256 or of its first half}]};
 * - a SMART Health Card issuer's list: {"kid", "method": "rid", "ctr", "rids": ["rid" or
 *   "rid.seconds"]}. */
#ifndef GATEHOUSE_SRC_SERVER_REVOCATION_BATCH_H
#define GATEHOUSE_SRC_SERVER_REVOCATION_BATCH_H

#include <jansson.h>

#include "server/db.h"

/* The members of a body, as gh_request_members takes them; NULL: not there. */
struct gh_revocation_body {
    const char *country, *expires, *kid, *hash_type, *method;
    json_t *ctr, *entries, *rids; /* the last two: arrays */
};

struct gh_revocation_batch {
    struct gh_db_revocation *list;
    size_t count;
};

/* GH_ERR_INVALID with one sentence in err, naming the entry; GH_ERR_NOMEM. *out is empty then. */
GH_MUST_CHECK enum gh_status gh_revocation_batch_read(const struct gh_revocation_body *body,
                                                      struct gh_revocation_batch *out,
                                                      struct gh_error *err);
void gh_revocation_batch_close(struct gh_revocation_batch *batch); /* twice is fine */

#endif
