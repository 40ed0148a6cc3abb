/* SPDX-License-Identifier: Apache-2.0 */
/* How the gate is, for whoever asks at the board. No identifiers of people, homes or codes. */
#ifndef GATEHOUSE_SRC_GATE_GATE_STATE_H
#define GATEHOUSE_SRC_GATE_GATE_STATE_H

#include "gate/gate.h"

/* Decisions since the start. */
struct gh_gate_tally {
    uint64_t decided[GH_OUTCOME_DENY + 1]; /* by outcome */
    bool any;                              /* then the last one: */
    enum gh_outcome outcome;
    enum gh_reason reason;
    int64_t at_ms;  /* wall clock */
    uint64_t entry; /* 0: none of its own, or not yet */
};

struct gh_gate_state {
    bool enrolled;
    gh_id id; /* and the following: when enrolled */
    char name[GH_GATE_NAME_BYTES], area[GH_AREA_BYTES], url[GH_URL_BYTES];
    struct {
        bool usable; /* one is in use */
        uint64_t generation, persons, homes;
        int64_t issued_at_s;
        int64_t age_s;       /* by a clock that is trusted; 0: it is not */
        int64_t stale_age_s; /* the policy's */
        bool stale, too_old; /* one of them: older than that; so old that nobody is let in by it */
    } list;
    struct {
        bool trusted, zone_missing; /* as gate.h's options have it */
        int64_t now_s;
    } clock;
    struct {
        bool open;
        uint64_t last, bytes;   /* of it, when open */
        uint64_t acknowledged;  /* by the server, with a receipt; 0: none */
        uint64_t waiting, lost; /* not written yet; never will be */
        bool large;             /* above its limit, with what the server has not acknowledged */
        uint64_t omitted;       /* decisions since the start that another one's entry tells of */
    } journal;
    struct gh_gate_tally passages;
    struct gh_gate_door door;
};
/* The same in short, without a look at any disk. */
struct gh_gate_health {
    bool enrolled;
    bool list_usable, clock_trusted, journal_open; /* when enrolled */
    uint64_t waiting;                              /* entries that could not be written yet */
};
struct gh_gate_health gh_gate_health(const struct gh_gate *gate);
void gh_gate_describe(struct gh_gate *gate, struct gh_gate_state *out);

#endif
