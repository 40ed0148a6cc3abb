/* SPDX-License-Identifier: Apache-2.0 */
/* How long the gate keeps its entries: removes what the server has acknowledged once it is as old
 * as the policy says, in small steps between other work; sooner, as far as it has to, while the
 * journal is larger than it may be. What the server has not acknowledged is never removed: then the
 * journal grows on, and that is said. */
#ifndef GATEHOUSE_SRC_GATE_KEEP_H
#define GATEHOUSE_SRC_GATE_KEEP_H

#include "gate/record.h"
#include "gatehouse/policy.h"

#define GH_KEEP_STEP_ENTRIES 200    /* looked at in one step, */
#define GH_KEEP_STEP_NS GH_NS_PER_S /* of which there is one in this time while more is due */
#define GH_KEEP_PAUSE_NS (3600 * GH_NS_PER_S) /* else, for its size; */
/* for what is old, since each time costs the journal's WAL anew, half a megabyte of a card. */
#define GH_KEEP_OLD_NS (24 * GH_KEEP_PAUSE_NS)
#define GH_KEEP_RETRY_NS (60 * GH_NS_PER_S) /* after one that failed: the disk may be full */

struct gh_keep {
    uint64_t limit_bytes;
    struct gh_receipt receipt; /* the newest; through 0: none */
    int64_t next_ns;           /* when tick has something to do */
    int64_t stepped_ns;        /* when it did it last */
    int64_t old_next_ns;       /* when what is old enough goes */
    uint64_t said_bytes;       /* how large the journal was when that was said; 0: not too large */
};

/* Call gh_keep_tick from now_ns on. */
void gh_keep_init(struct gh_keep *keep, uint64_t limit_bytes, int64_t now_ns);
/* A receipt that was verified, or none (through 0). The newest counts, also if it covers less than
 * one before: the server may have lost what that one was about. */
void gh_keep_receipt(struct gh_keep *keep, const struct gh_receipt *receipt);
/* Does one step, if it is time to. By a clock that is not trusted nothing grows old; a journal that
 * is too large is cut back all the same. true: an entry was written: one that had waited for room,
 * one of type prune, or the fault journal_large: once, and again whenever the journal has grown by
 * a tenth of the limit more. */
bool gh_keep_tick(struct gh_keep *keep, struct gh_record *record,
                  const struct gh_retention *retention, bool clock_trusted);

#endif
