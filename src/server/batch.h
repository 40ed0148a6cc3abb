/* SPDX-License-Identifier: Apache-2.0 */
/* A batch of entries as a gate sent it: each looked at by itself. What is wrong with one never
 * keeps another from being stored. Any thread. */
#ifndef GATEHOUSE_SRC_SERVER_BATCH_H
#define GATEHOUSE_SRC_SERVER_BATCH_H

#include <jansson.h>

#include "server/db_entries.h"

#define GH_BATCH_MAX_ENTRIES 500
#define GH_BATCH_MAX_BYTES (INT64_C(1) << 20) /* of a body, as it is sent and unpacked */

struct gh_batch {
    struct gh_db_item *items;
    size_t count;
    char *texts; /* NULL: each item's text is malloc'ed; else they all stand in here */
};

/* The list keys that receipts may be signed with. */
struct gh_receipt_keys {
    const struct gh_public_key *const *keys;
    size_t count;
};

/* body: {"entries": [...]}, JSON; gate: whose batch it is. GH_ERR_INVALID: it is not that, with one
 * sentence in err. GH_ERR_NOMEM. */
GH_MUST_CHECK enum gh_status gh_batch_read(struct gh_bytes body, gh_id gate,
                                           const struct gh_receipt_keys *keys, struct gh_batch *out,
                                           struct gh_error *err);
/* The same of an array of anything. */
GH_MUST_CHECK enum gh_status gh_batch_open(const json_t *entries, gh_id gate,
                                           const struct gh_receipt_keys *keys,
                                           struct gh_batch *out);
void gh_batch_close(struct gh_batch *batch); /* leaves it empty; twice is fine */

#endif
