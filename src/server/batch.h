/* SPDX-License-Identifier: Apache-2.0 */
/* A batch of entries as a gate sent it: each looked at by itself. What is wrong with one never
 * keeps another from being stored. */
#ifndef GATEHOUSE_SRC_SERVER_BATCH_H
#define GATEHOUSE_SRC_SERVER_BATCH_H

#include <jansson.h>

#include "server/db.h"

#define GH_BATCH_MAX_ENTRIES 500

struct gh_batch {
    struct gh_db_item *items;
    size_t count;
};

/* entries: an array of anything; gate: whose batch it is. GH_ERR_NOMEM. */
GH_MUST_CHECK enum gh_status gh_batch_open(const json_t *entries, gh_id gate, struct gh_batch *out);
void gh_batch_close(struct gh_batch *batch); /* leaves it empty; twice is fine */

#endif
