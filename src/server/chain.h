/* SPDX-License-Identifier: Apache-2.0 */
/* Whether a gate's chain is whole as it is stored now. Takes as long as there are entries: for a
 * thread of its own, with a connection of its own. */
#ifndef GATEHOUSE_SRC_SERVER_CHAIN_H
#define GATEHOUSE_SRC_SERVER_CHAIN_H

#include <stdatomic.h>

#include "server/batch.h"
#include "server/db.h"

struct gh_chain_report {
    uint64_t first, last;         /* numbers that are stored; both 0: none */
    struct gh_receipt checkpoint; /* through 0: none */
    uint64_t erased;              /* up to here some have no contents any more; 0: all have */
    uint64_t breaks_at;           /* the first that is altered, or missing; 0: whole */
};

/* keys: those that a checkpoint may be signed with. GH_ERR_NOTFOUND: no such gate. GH_ERR_AGAIN:
 * *stop became true. Else as the database. */
GH_MUST_CHECK enum gh_status gh_chain_check(struct gh_db *db, gh_id gate,
                                            const struct gh_receipt_keys *keys,
                                            const atomic_bool *stop, struct gh_chain_report *out);

#endif
