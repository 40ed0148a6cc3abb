/* SPDX-License-Identifier: Apache-2.0 */
/* Anti-passback: which way each person went last, as far as this gate knows: by its own openings,
 * and by what the server tells of the area's other gates. Derived, in memory only: at a start it is
 * made anew from the journal and by asking the server from the beginning. Pure: no thread, no
 * clock, no I/O. */
#ifndef GATEHOUSE_SRC_GATE_PRESENCE_H
#define GATEHOUSE_SRC_GATE_PRESENCE_H

#include "gatehouse/entry.h"

/* So many people are remembered; the one whose movement is longest ago is forgotten first. */
#define GH_PRESENCE_MAX 100000

struct gh_presence_record {
    gh_id subject;
    enum gh_direction direction;
    int64_t at_ms; /* wall clock of the gate that saw it */
    bool undone;   /* the door was never opened for them: forget exactly this movement */
};

struct gh_presence; /* opaque */
GH_MUST_CHECK enum gh_status gh_presence_new(struct gh_presence **out);
void gh_presence_free(struct gh_presence *presence); /* NULL is fine */
/* The later movement of a person counts, by at_ms; the same one twice is one. The one before is
 * remembered, too: it is the last one again when that is undone. What names nobody, or no way, is
 * passed over. GH_ERR_NOMEM: nothing has changed. */
GH_MUST_CHECK enum gh_status gh_presence_take(struct gh_presence *presence,
                                              const struct gh_presence_record *record);
/* Whether the person went this way last, between the two, both included: what another gate's clock
 * says is in the future says nothing. */
bool gh_presence_passed(const struct gh_presence *presence, gh_id subject,
                        enum gh_direction direction, int64_t since_ms, int64_t until_ms);
size_t gh_presence_count(const struct gh_presence *presence); /* people remembered */

#endif
