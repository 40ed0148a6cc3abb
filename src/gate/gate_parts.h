/* SPDX-License-Identifier: Apache-2.0 */
/* What the gate's own files share. */
#ifndef GATEHOUSE_SRC_GATE_GATE_PARTS_H
#define GATEHOUSE_SRC_GATE_GATE_PARTS_H

#include "gate/after.h"
#include "gate/fresh.h"
#include "gate/gate.h"
#include "gate/gate_state.h"
#include "gate/keep.h"
#include "gate/measure.h"
#include "gate/passage.h"
#include "gate/passback.h"
#include "gate/record.h"
#include "gate/timekeeper.h"
#include "gate/wall.h"

struct gh_gate {
    struct gh_gate_options options;
    struct gh_identity identity;
    struct gh_policy policy;
    struct gh_public_key *list_key;
    struct gh_list *list; /* NULL: none */
    int64_t complain_ns;  /* when to say the next time that it cannot be read */
    struct gh_trust *trust;
    int64_t keys_ns;         /* since when */
    struct gh_record record; /* open once the gate is enrolled */
    struct gh_keep keep;     /* likewise */
    struct gh_timekeeper keeper;
    bool server_far; /* the server's time is far from ours, and that was said */
    int64_t look_ns; /* when to look at the clock again */
    struct gh_passage passage;
    int64_t passage_ns; /* the passage's own time: that of the frames, which never goes back */
    struct gh_fresh fresh;
    struct gh_measure measure;
    struct gh_passback passback;
    struct gh_door door;
    unsigned applied; /* lines as they were set last */
    bool applied_known;
    int64_t door_retry_ns;
    int64_t granted_ms; /* what the door's keeper was told last; 0: nothing that counts now */
    int64_t granted_until_ns;
    int64_t renew_ns; /* when to tell it again; INT64_MAX: not */
    struct gh_door_watch watch;
    unsigned
        input_changes; /* inputs that count as something else, which nobody has looked at yet */
    unsigned inputs_lost, inputs_chattering; /* said in the log */
    struct gh_wall wall;
    struct gh_after after;
    bool hours_open;           /* as the journal says */
    int64_t hours_retry_ns;    /* they could not unlock it: not again before */
    enum gh_reason prompted;   /* what was spoken about last, */
    int64_t prompted_ns;       /* then; INT64_MIN: nothing was */
    enum gh_standing standing; /* what stands; COUNT: nothing */
    int64_t standing_ns;       /* and was spoken about then */
    struct gh_gate_tally tally;
    /* a code shown to a gate that is not enrolled, so that it is answered once while it is held up
     */
    uint8_t stranger[GH_IDENTITY_BYTES];
    int64_t stranger_ns;
};

int64_t gh_gate_now_ns(const struct gh_gate *gate);
/* Write down what happened by itself, now or as soon as that is possible; nobody is let in by it.
 * By the clock as it was looked at last. */
void gh_gate_write(struct gh_gate *gate, struct gh_entry *entry);
/* Read on in the journal who went which way before the start: one step. Returns when to go on;
 * INT64_MAX: nothing is left, or it cannot be known yet. */
int64_t gh_gate_recall(struct gh_gate *gate);

/* --- door: gate_door.c --- */

/* Moves the lines to where they should be; false when they could not be moved. *next_ns: when they
 * should be moved next. */
bool gh_gate_apply_door(struct gh_gate *gate, int64_t now_ns, int64_t *next_ns);
/* Show the reason, and unlock as a decision does; false when the lines could not be moved. */
bool gh_gate_show(struct gh_gate *gate, enum gh_reason reason, bool unlock);
/* The door was unlocked, or by a relay that toggles locked again, by this entry, which is in the
 * journal: what does it do now? */
void gh_gate_follow(struct gh_gate *gate, const struct gh_entry *passage);
/* What the contact tells, and what stands on the lamps because of it. */
void gh_gate_look_after(struct gh_gate *gate);
/* What happened at the door is written down, now or as soon as that is possible. A gate that is not
 * enrolled has no journal. */
void gh_gate_write_door(struct gh_gate *gate, enum gh_door_event event);
/* After an entry had said that the door opens. */
void gh_gate_write_door_fault(struct gh_gate *gate);

/* --- the door's inputs: gate_inputs.c --- */

void gh_gate_init_inputs(struct gh_gate *gate);
/* How are they, and what is asked for by them? told: they said that they had changed. */
void gh_gate_look_at_inputs(struct gh_gate *gate, bool told);
/* When to look again, whatever they say. */
int64_t gh_gate_inputs_next_ns(const struct gh_gate *gate);
/* The other door of a lock is not shut and locked, or not known to be: now, or as it counts. */
bool gh_gate_is_interlocked(struct gh_gate *gate);
/* Before the door is unlocked by a decision, the exit button, the hours or a test: tells the other
 * door of a lock, and looks at it once more. false: not now. Holds until the lines are moved by
 * gh_gate_show, or the next tick. */
bool gh_gate_claim_door(struct gh_gate *gate);

/* --- opening hours: gate_hours.c --- */

void gh_gate_look_at_hours(struct gh_gate *gate);
int64_t gh_gate_hours_next_ns(const struct gh_gate *gate);

/* --- list: gate_list.c --- */

#define GH_GATE_LIST_TRIES                                                                         \
    5 /* with one that changes meanwhile: the second is nearly always enough */
/* Take the list in the state folder into use; where that cannot be, the one in use stays. */
void gh_gate_load_list(struct gh_gate *gate);
/* The courier's news: another list is at hand; it was issued anew; one was refused. */
void gh_gate_list_came(struct gh_gate *gate, const struct gh_identity *identity);
void gh_gate_list_renewed(struct gh_gate *gate, const struct gh_identity *identity);
void gh_gate_list_refused(struct gh_gate *gate, enum gh_list_trouble trouble, uint64_t offered);
/* It could not be asked: another copy is needed. */
void gh_gate_list_unreadable(struct gh_gate *gate, enum gh_status status);
/* A code may have been read under the list before: its issuer's key may be withdrawn, or allowed
 * less, since. */
void gh_gate_believe_again(const struct gh_gate *gate, struct gh_credential *credential);
/* Read before this list's keys had reached the see thread: the next frame will be read with them.
 */
bool gh_gate_read_too_early(const struct gh_gate *gate, const struct gh_sighting *sighting);

/* --- time: gate_time.c --- */

/* Look at the clock: whether it is trusted now. What is to be said about it is said, and written.
 */
bool gh_gate_look(struct gh_gate *gate);
/* The journal is open: write the start entry, which says how far the clock is trusted. */
void gh_gate_write_start(struct gh_gate *gate);
void gh_gate_server_time(struct gh_gate *gate, const struct gh_courier_event *event);

/* --- state: gate_state.c --- */

/* A decision, as it was written down. */
void gh_gate_count(struct gh_gate *gate, const struct gh_entry *entry);

/* --- decisions: gate_decide.c --- */

/* at_ns: when what is decided about happened; a disk that stalled in between makes nobody stand
 * there longer than they did. */
void gh_gate_decide(struct gh_gate *gate, int64_t at_ns);

/* --- temperatures: gate_measure.c --- */

/* Whoever waits for the reading that counts now is decided about next. Returns when there may be
 * one without another word of the thermometer; INT64_MAX: not so. */
int64_t gh_gate_measured(struct gh_gate *gate);
/* What the decision is to know. */
struct gh_decide_input;
void gh_gate_put_temperature(const struct gh_gate *gate, struct gh_decide_input *input);
/* Somebody was decided about. */
void gh_gate_use_temperature(struct gh_gate *gate, enum gh_reason reason);

#endif
