/* SPDX-License-Identifier: Apache-2.0 */
/* Anti-passback at a gate that leads one way: its own openings and the other gates' go into a
 * presence; what the journal holds of the time before the start, too. Without a network a gate
 * knows its own movements alone. Where there is no door contact, or it cannot be read, whoever the
 * door was unlocked for counts as gone through. */
#ifndef GATEHOUSE_SRC_GATE_PASSBACK_H
#define GATEHOUSE_SRC_GATE_PASSBACK_H

#include "gate/presence.h"
#include "gatehouse/journal.h"
#include "gatehouse/policy.h"

/* Openings of which the door may say yet that nobody used them. */
#define GH_PASSBACK_OPENINGS 128
/* Entries of the journal that are read in one step, */
#define GH_PASSBACK_STEP 500
/* and at most, from the newest back. */
#define GH_PASSBACK_ENTRIES_MAX 200000

struct gh_passback_opening {
    uint64_t sequence; /* of the entry; 0: none */
    struct gh_presence_record record;
};

struct gh_passback {
    enum gh_direction direction;  /* NONE: leads both ways, and nothing is remembered */
    struct gh_presence *presence; /* NULL then */
    bool forgetful;               /* no memory for more people, and that was said */
    struct gh_passback_opening openings[GH_PASSBACK_OPENINGS];
    size_t next;
    enum { GH_RECALL_WAITS, GH_RECALL_RUNS, GH_RECALL_DONE } recall;
    uint64_t recall_to;                    /* entries behind this one were read */
    uint64_t recall_least;                 /* to go no further back than this one */
    uint64_t unused[GH_PASSBACK_OPENINGS]; /* entries to be read yet: nobody went through */
    size_t unused_count;
};

GH_MUST_CHECK enum gh_status gh_passback_init(struct gh_passback *passback,
                                              enum gh_direction direction);
void gh_passback_clear(struct gh_passback *passback);

/* The door was unlocked by this entry, which is in the journal. */
void gh_passback_went(struct gh_passback *passback, const struct gh_entry *passage);
/* And was not opened, says the door: forget that. */
void gh_passback_unused(struct gh_passback *passback, uint64_t sequence);
/* Movements at the area's other gates. */
void gh_passback_heard(struct gh_passback *passback, const struct gh_presence_record *records,
                       size_t count);
/* Whether this person went this way last, as long as the policy remembers. subject 0: nobody. */
bool gh_passback_passed(const struct gh_passback *passback, const struct gh_passback_policy *policy,
                        gh_id subject, int64_t now_ms);
/* Read one step of what the journal holds from before the start, the newest first, as far as the
 * policy remembers at now_ms. true: there is more. Does nothing while the policy does not ask. What
 * cannot be read is said, and is not known then. */
bool gh_passback_recall(struct gh_passback *passback, const struct gh_passback_policy *policy,
                        struct gh_journal *journal, int64_t now_ms);

#endif
