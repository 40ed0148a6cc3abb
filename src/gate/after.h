/* SPDX-License-Identifier: Apache-2.0 */
/* What the door did after a decision, as its contact tells. Pure: openings, the debounced contact
 * and time in, what is to be written down out; no thread, no clock, no I/O, no allocation.
 *
 *     count = gh_after_opening(a, sequence, decided, events)  the door was unlocked for somebody
 *     count = gh_after_look(a, view, now, events)             at each change, and at next_ns
 *
 * A contact knows doors, not people. One movement of the door (it opens, and is shut again) is that
 * of everybody it was unlocked for and who has not been through yet, and of those who are let in
 * while it lasts: each gets `opened` and an end, `passed`, or `held` when the door is open for
 * longer than held_open_s since it opened for them (and `shut` when it is shut after that), or
 * `unused` when no decision keeps it unlocked any more and the door was never open for them. As
 * long as the door is unlocked by a later decision too, whoever waits goes on waiting. If it opens
 * once more while a decision keeps it unlocked and nobody waits, the last one who was let in is
 * behind it, and gets another `opened` and another end.
 *
 * What nobody was let in for is `forced`, and then `shut`, unless anything else had unlocked the
 * door: a button, the opening hours, a fire, a person at the board. Who comes and goes by these is
 * nobody's passage: their entry is that of the button, and there is no second one that says whether
 * the door was used. Only when they leave it open for longer than held_open_s is it `held`, and
 * then `shut`, about nobody. Where the door is meant to stand unlocked (opening hours, fire, a
 * relay that toggles) it may stand open too: the time until `held` begins when that ends, and each
 * who is let in gets one movement.
 *
 * A door that is found open when the gate starts was opened by nobody knows whom: it is `held`
 * after held_open_s, and `shut`, without a passage. While the contact cannot be read nothing is
 * concluded: who waits in vain then gets no end, and what happened meanwhile is told by the next
 * look that finds the door otherwise than before. */
#ifndef GATEHOUSE_SRC_GATE_AFTER_H
#define GATEHOUSE_SRC_GATE_AFTER_H

#include "gate/door.h"
#include "gatehouse/entry.h"

enum gh_contact {
    GH_CONTACT_UNKNOWN, /* cannot be read now */
    GH_CONTACT_OPEN,
    GH_CONTACT_SHUT,
};

/* Followed at once; the oldest is let go, with `held` or `unused`, when another one comes. */
#define GH_AFTER_PLACES 64
/* Whoever pushed in the last moment is through the lock, and the contact comes a little later. */
#define GH_AFTER_GRACE_MS 1000
#define GH_AFTER_HELD_OPEN_S 30

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
    GH_STRAY_FOUND,  /* open at the start, or unlocked without a decision; not told yet */
    GH_STRAY_FORCED, /* told as forced */
    GH_STRAY_HELD,   /* told as held */
};

/* How door and lock are. Until when something keeps it unlocked, or did: INT64_MIN, it never did;
 * INT64_MAX, it goes on (gh_door_unlocked_until). */
struct gh_after_view {
    enum gh_contact contact;   /* what counts */
    int64_t since_ns;          /* since then */
    bool settled;              /* and it was not found otherwise just now */
    int64_t decided_until_ns;  /* by a decision */
    int64_t unlocked_until_ns; /* by anything */
    int64_t free_until_ns;     /* by what lets it stand open, too */
};

struct gh_after {
    int64_t held_open_s;
    enum gh_contact contact;                       /* UNKNOWN until the first look that told */
    struct gh_after_view view;                     /* of the last look */
    struct gh_after_place last;                    /* who was let in last; about 0: nobody */
    struct gh_after_place places[GH_AFTER_PLACES]; /* oldest first */
    size_t count;
    enum gh_after_stray stray;
    int64_t stray_ns;
    int64_t last_ns;
};

/* held_open_s: 1..3600; 0: GH_AFTER_HELD_OPEN_S. */
void gh_after_init(struct gh_after *after, int64_t held_open_s);
void gh_after_set_held_open(struct gh_after *after, int64_t held_open_s);
/* The door was unlocked by the passage with this sequence number, which was decided at decided_ns;
 * the next look says until when. Times are monotonic, and may all the same go back. Both return how
 * many events there are, in their order. */
size_t gh_after_opening(struct gh_after *after, uint64_t about, int64_t decided_ns,
                        struct gh_after_event events[GH_AFTER_EVENTS]);
size_t gh_after_look(struct gh_after *after, const struct gh_after_view *view, int64_t now_ns,
                     struct gh_after_event events[GH_AFTER_EVENTS]);
/* When to look again without a change; INT64_MAX: not. */
int64_t gh_after_next_ns(const struct gh_after *after);
/* The door was forced open, or is open for longer than it may be, and is not shut again. */
bool gh_after_is_forced(const struct gh_after *after);
bool gh_after_is_held(const struct gh_after *after);

#endif
