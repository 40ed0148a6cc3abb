/* SPDX-License-Identifier: Apache-2.0 */
/* The gate itself: sightings, time and the courier's news in; decisions, entries and the door's
 * lines out. One thread, no loop of its own: the daemon (daemon.h) calls it, tests and benches do
 * so too. */
#ifndef GATEHOUSE_SRC_GATE_GATE_H
#define GATEHOUSE_SRC_GATE_GATE_H

#include "gate/announcement.h"
#include "gate/courier.h"
#include "gate/door.h"
#include "gate/see.h"

struct gh_gate; /* opaque */

/* Whom the gate calls, from inside its own calls. */
struct gh_gate_peers {
    void (*trust)(void *context, struct gh_trust *trust); /* the issuers' keys from now on */
    void (*enrol)(void *context,
                  const struct gh_enrolment *enrolment); /* an enrolment code was shown */
    void (*entry)(void *context);                        /* a new entry stands in the journal */
    void (*policy)(void *context,
                   const struct gh_policy *policy); /* of a new list; NULL: nobody wants to know */
    void (*prompt)(void *context, enum gh_prompt prompt); /* to be spoken; NULL: likewise */
    void (*unreadable)(void *context); /* the list at hand: at most once an hour; NULL: likewise */
    void *context;
};

#define GH_GATE_JOURNAL_LIMIT_BYTES (UINT64_C(512) << 20)
struct gh_gate_options {
    const char *state_dir; /* borrowed, like all pointers here; all outlive the gate */
    const struct gh_clock *clock;
    struct gh_door_options door;
    const struct gh_door_io *io; /* the caller's to free, after the gate */
    struct gh_gate_peers peers;
    int64_t time_floor_s;         /* no wall time before this is believed: gh_build_time_s() */
    uint64_t journal_limit_bytes; /* 0: GH_GATE_JOURNAL_LIMIT_BYTES */
    bool battery_clock; /* the board's clock goes on without power: believed at the start */
    enum gh_direction direction; /* which way the gate leads; NONE: both */
    bool zone_missing; /* this machine does not know the gate's time zone: opening hours unlock
                          nothing, since nobody can tell when they are */
    bool no_hours;     /* this door does not obey the opening hours */
};

/* A journal that cannot be opened, or a list that is missing or broken, does not keep the gate from
 * starting: it says so, and calls the guard. */
GH_MUST_CHECK enum gh_status gh_gate_new(const struct gh_gate_options *options,
                                         const struct gh_identity *identity, struct gh_gate **out,
                                         struct gh_error *err);
void gh_gate_free(struct gh_gate *gate); /* locks the door, but in a fire; NULL is fine */

/* A sighting that waits (WAIT_PARTS, WAIT_ANSWER) is shown on the lamps and is no entry: nobody was
 * decided about, also if what is waited for never comes. */
void gh_gate_sighting(struct gh_gate *gate, const struct gh_sighting *sighting);
/* The health authority was asked about a code that was sighted with reason WAIT_ANSWER, and this is
 * what is known now: the sighting's credential with reason (OK, or why not), colour and whatever
 * else the answer tells. It counts as seen now, unless its bearer has left. Every question is owed
 * an answer: without one nothing is decided, and nothing written down. */
void gh_gate_answered(struct gh_gate *gate, const struct gh_credential *credential);
/* The door's inputs may have changed (door.h: inputs_fd). */
void gh_gate_inputs(struct gh_gate *gate);
/* A temperature was measured, in thousandths of a degree Celsius, of whoever stands there: what it
 * means is in measure.h. Whoever waits for it is decided about. It is written down nowhere. */
void gh_gate_temperature(struct gh_gate *gate, int64_t at_ns, int64_t millic);
/* What became of an announcement: writes the entry. */
void gh_gate_announced(struct gh_gate *gate, const struct gh_announced *announced);
void gh_gate_news(struct gh_gate *gate, const struct gh_courier_event *event);
/* Let time go by: returns the monotonic time at which to call again (INT64_MAX: not without a
 * sighting or news). */
int64_t gh_gate_tick(struct gh_gate *gate);
void gh_gate_set_door(struct gh_gate *gate,
                      const struct gh_door_options *door); /* from the next opening on */

/* --- for a person at the board; call gh_gate_tick after each --- */

/* Unlocks the door for pulse_ms, with an entry `test` that is durable before (a gate that is not
 * enrolled has no journal, and only says so in the log). GH_ERR_BUSY: the other door of a lock is
 * not shut. Any error of the journal; GH_ERR_IO: the door could not be driven. The door is left as
 * it was then. */
GH_MUST_CHECK enum gh_status gh_gate_test_relay(struct gh_gate *gate, struct gh_error *err);
/* Three times on and off: a lamp or the buzzer. GH_ERR_INVALID: no such; GH_ERR_IO: it could not be
 * driven. */
GH_MUST_CHECK enum gh_status gh_gate_test_line(struct gh_gate *gate, enum gh_line line,
                                               struct gh_error *err);
/* How the door is, as it was looked at last. */
struct gh_gate_door {
    unsigned causes;     /* what keeps it unlocked: a set of GH_CAUSE_BIT; 0: locked */
    unsigned lines;      /* a set of GH_LINE_BIT, as they were set last */
    bool lines_known;    /* they could be */
    unsigned wired;      /* inputs: sets of GH_INPUT_BIT */
    unsigned active;     /* those that count as active, */
    unsigned unknown;    /* and those that cannot be read */
    unsigned chattering; /* do not come to rest */
    uint64_t blinks;     /* changes that came and went between two looks */
    bool interlocked;    /* the other door of a lock is not shut and locked */
    bool forced, held;   /* and the door is not shut again */
};
struct gh_gate_door gh_gate_look_at_door(const struct gh_gate *gate);

int64_t gh_build_time_s(void); /* when this program was built, at the earliest */

#endif
