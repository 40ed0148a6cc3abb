/* SPDX-License-Identifier: Apache-2.0 */
/* Which presentations were shown at this gate before: what a phone shows is worth something once.
 * Pure, of fixed size; by monotonic time, so that no setting of the clock brings one back.
 *
 * A presentation counts once, for as long as it is held up: unseen for debounce_ms or longer it is
 * a copy when it comes again, and stays one. Two alike that are held up at the same time (a phone
 * and a picture of its screen) cannot be told apart and count as one, for the person whose they
 * are; the passage lets that person in once. Each is remembered for as long as it could be fresh:
 * those of phones whose clock is ahead too, and all of them while the gate's own clock is not to
 * be trusted.
 *
 * Places are limited. Only authentic presentations take one, and each person's only so many, so
 * that nobody who waves self-made ones can make the gate forget those of others, nor keep others
 * out. What finds no place is refused like a copy, since it could not be told from one the next
 * time: never is a place given up that may still be needed. */
#ifndef GATEHOUSE_SRC_GATE_FRESH_H
#define GATEHOUSE_SRC_GATE_FRESH_H

#include <stdbool.h>
#include <stdint.h>

#include "gatehouse/credential.h"

#define GH_FRESH_PLACES 512
#define GH_FRESH_PLACES_EACH 64 /* a phone shows a new one every few seconds */
/* Fresh from GH_PRESENTATION_AGE_S before its time to as long after; and a margin. */
#define GH_FRESH_KEEP_S 40
/* By phones whose clock is ahead by up to GH_FRESH_AHEAD_S more: these are refused as STALE now,
 * and must not be good for whoever took a picture of them when their time has come. */
#define GH_FRESH_AHEAD_S 40

struct gh_fresh {
    int64_t start_ns; /* monotonic, of the daemon */
    struct gh_fresh_place {
        uint8_t presentation[GH_IDENTITY_BYTES];
        gh_id subject;
        int64_t last_ns, until_ns; /* until_ns: 0: free */
        bool copy;
    } places[GH_FRESH_PLACES];
};

enum gh_fresh_verdict {
    GH_FRESH_FIRST, /* or still held up; or nothing to remember: its own reason stands */
    GH_FRESH_COPY,  /* REPLAYED */
    GH_FRESH_EARLY, /* made before the daemon started, which may have seen it then: pass it over
                       without an answer; the phone shows another one soon */
};

/* The time at which it is asked: wall_s and whether it is trusted are those of seen_ns. */
struct gh_fresh_time {
    int64_t seen_ns; /* monotonic, never earlier than in the call before */
    int64_t wall_ns;
    bool trusted;
};

void gh_fresh_init(struct gh_fresh *fresh, int64_t start_ns);
/* A credential of form PHONE that is authentic was seen; what is not, is FIRST and not remembered.
 */
enum gh_fresh_verdict gh_fresh_see(struct gh_fresh *fresh, const struct gh_credential *credential,
                                   const struct gh_fresh_time *time, int64_t debounce_ns);

#endif
