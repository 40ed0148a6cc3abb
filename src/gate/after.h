/* SPDX-License-Identifier: Apache-2.0 */
/* What the door did after a decision, as its contact tells. Pure: openings, looks at the contact
 * and time in, what is to be written down out; no thread, no clock, no I/O, no allocation.
 *
 *     count = gh_after_opening(a, sequence, now, until, events)   the door was unlocked for
 * somebody count = gh_after_look(a, contact, now, events)              again and again
 *
 * A contact knows doors, not people. One movement of the door (it opens, and is shut again) is that
 * of everybody it was unlocked for and who has not been through yet, and of those who are let in
 * while it lasts: each gets `opened` and an end, `passed`, or `held` when the door is open for
 * longer than held_open_s since it opened for them (and `shut` when it is shut after that), or
 * `unused` when the lock is locked again and the door was never open for them. As long as the door
 * is unlocked by a later opening too, whoever waits goes on waiting. If it opens once more while it
 * is still unlocked and nobody waits, the last one who was let in is behind it, and gets another
 * `opened` and another end. What nobody was let in for is `forced`, and then `shut`.
 *
 * A door that is found open when the gate starts was opened by nobody knows whom: it is `held`
 * after held_open_s, and `shut`, without a passage. While the contact cannot be read nothing is
 * concluded: who waits in vain then gets no end, and what happened meanwhile is told by the next
 * look that finds the door otherwise than before. */
#ifndef GATEHOUSE_SRC_GATE_AFTER_H
#define GATEHOUSE_SRC_GATE_AFTER_H

#include "gate/door.h"
#include "gatehouse/entry.h"

/* Followed at once; the oldest is let go, with `held` or `unused`, when another one comes. */
#define GH_AFTER_PLACES 64
/* A contact counts once it has been the same for so long; it then is that since it was seen first.
 */
#define GH_AFTER_SETTLE_MS 100
/* Whoever pushed in the last moment is through the lock, and the contact comes a little later. */
#define GH_AFTER_GRACE_MS 1000
#define GH_AFTER_HELD_OPEN_S 30
/* How often to look: while somebody is followed, or the door is open; else. */
#define GH_AFTER_NEAR_MS 50
#define GH_AFTER_FAR_MS 500

/* One call of look tells at most so many. */
#define GH_AFTER_EVENTS (2 * GH_AFTER_PLACES + 2)
struct gh_after_event {
    enum gh_door_event event;
    uint64_t about;   /* the passage; 0: none */
    int64_t after_ms; /* since it was decided; 0 without one */
};

enum gh_after_state {
    GH_AFTER_WAITS,  /* the door has not opened for them yet */
    GH_AFTER_OPENED, /* it has, and is open */
    GH_AFTER_HELD,   /* for too long, which was told */
};
struct gh_after_place {
    enum gh_after_state state;
    uint64_t about;
    int64_t decided_ns, opened_ns;
};

/* A movement of the door that nobody was let in for. */
enum gh_after_stray {
    GH_STRAY_NONE,
    GH_STRAY_FOUND, /* open at the start, not told yet */
    GH_STRAY_TOLD,  /* as forced, or held */
};

struct gh_after {
    int64_t held_open_s;
    enum gh_contact contact;    /* what counts; UNKNOWN until the first look that told */
    enum gh_contact seen;       /* what was seen last, */
    int64_t seen_ns;            /* since then */
    int64_t until_ns;           /* unlocked until then; INT64_MIN: never was */
    struct gh_after_place last; /* who was let in last; about 0: nobody */
    struct gh_after_place places[GH_AFTER_PLACES]; /* oldest first */
    size_t count;
    enum gh_after_stray stray;
    int64_t stray_ns;
};

/* held_open_s: 1..3600; 0: GH_AFTER_HELD_OPEN_S. */
void gh_after_init(struct gh_after *after, int64_t held_open_s);
void gh_after_set_held_open(struct gh_after *after, int64_t held_open_s);
/* The door is unlocked until then, by the passage with this sequence number, which was decided at
 * decided_ns. Times are monotonic. Both return how many events there are, in their order. */
size_t gh_after_opening(struct gh_after *after, uint64_t about, int64_t decided_ns,
                        int64_t until_ns, struct gh_after_event events[GH_AFTER_EVENTS]);
size_t gh_after_look(struct gh_after *after, enum gh_contact contact, int64_t now_ns,
                     struct gh_after_event events[GH_AFTER_EVENTS]);
/* Whether to look again after GH_AFTER_NEAR_MS, or GH_AFTER_FAR_MS. */
bool gh_after_is_near(const struct gh_after *after);

#endif
