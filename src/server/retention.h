/* SPDX-License-Identifier: Apache-2.0 */
/* What is older than it may be goes, a little at a time: first entries' contents, and then, where a
 * gate's entries up to one have none any more, the entries, for a signed checkpoint. For one
 * thread, with a connection of its own. */
#ifndef GATEHOUSE_SRC_SERVER_RETENTION_H
#define GATEHOUSE_SRC_SERVER_RETENTION_H

#include "gatehouse/entry.h"
#include "server/db.h"

#define GH_RETENTION_DAYS_MAX 36500
#define GH_RETENTION_CHECKPOINTS 16 /* in one step */

struct gh_retention_days {
    int64_t entries[GH_ENTRY_TYPES]; /* by type */
    int64_t refused, alarms;
};

/* Where one step has ended, for the next. All zero: at the beginning. */
struct gh_retention_run {
    enum gh_entry_type type;
    uint64_t after[GH_ENTRY_TYPES];
    gh_id gate;
    /* What the step has found, for the caller to sign before the next step; through 0: the caller
     * could not. */
    struct gh_wanted {
        gh_id gate;
        struct gh_receipt receipt;
    } wanted[GH_RETENTION_CHECKPOINTS];
    size_t wanted_count;
};

/* One step: at most some thousand rows, in many transactions. Errors as of the database; what was
 * done until then is done. */
GH_MUST_CHECK enum gh_status gh_retention_step(struct gh_db *db,
                                               const struct gh_retention_days *days, int64_t now,
                                               struct gh_retention_run *run);

#endif
