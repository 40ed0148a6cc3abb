/* SPDX-License-Identifier: Apache-2.0 */
/* The courier: the part of the gate that talks to the server. Three lanes, each a thread with a
 * connection and a pause after failures of its own, so that none waits for another: one enrols and
 * then brings lists in, one takes entries out, one fetches news. The first owns the identity's file
 * and writes the list's folder; the second only reads the journal; the third owns the folder of
 * announcements, and asks only when the list's answers say that there is something. It tells the
 * gate what happened through a queue of events.
 *
 * An announcement, once verified, is told when its sound is there; again after a restart, without
 * the server, from what is kept; and when it is cancelled. It is kept until gh_courier_announced
 * says what became of it, and never told again then, over restarts. One that expires before its
 * sound could be fetched is told then, with an empty path. */
#ifndef GATEHOUSE_SRC_GATE_COURIER_H
#define GATEHOUSE_SRC_GATE_COURIER_H

#include "gate/announcement.h"
#include "gate/identity.h"
#include "gate/presence.h"
#include "gate/queue.h"
#include "gatehouse/clock.h"
#include "gatehouse/entry.h"
#include "gatehouse/http.h"

struct gh_courier; /* opaque */

enum gh_courier_event_type {
    GH_COURIER_ENROLLED, /* identity is whole now */
    GH_COURIER_REFUSED,  /* the server refused the enrolment: another code is needed */
    GH_COURIER_LIST,     /* a new list is at hand */
    GH_COURIER_AGE,      /* the list at hand was issued anew: identity.list_issued_at_s */
    GH_COURIER_TROUBLE, /* a list was refused: trouble, offered. Said once for each, not again until
                           a list was accepted */
    GH_COURIER_RECEIPT, /* the server has stored what receipt says; verified, and the hash is that
                           of our own entry. At the start the last one, too. through 0: that does
                           not hold any more, the server has lost something */
    GH_COURIER_CLOCK,   /* what time it is at the server */
    GH_COURIER_PRESENCE,     /* movements at the area's other gates */
    GH_COURIER_ANNOUNCEMENT, /* one to be played, or not to be any more */
};
#define GH_COURIER_PRESENCES 32
struct gh_courier_event {
    enum gh_courier_event_type type;
    struct gh_identity identity;
    /* CLOCK only, by an answer whose sender is known (https, or this very machine): the time in it,
     * how long request and answer took, and when it came (monotonic) */
    int64_t server_s, round_trip_ns, received_ns;
    enum gh_list_trouble trouble;
    uint64_t offered;
    struct gh_receipt receipt;
    struct gh_presence_record presence[GH_COURIER_PRESENCES];
    size_t presence_count;
    struct gh_announcement_job announcement;
};

typedef enum gh_status gh_connect_fn(const struct gh_http_options *options,
                                     struct gh_transport *out, struct gh_error *err);

struct gh_courier_options {
    const char *state_dir; /* borrowed, like all pointers here; all outlive the courier */
    const char *ca_file;
    bool allow_insecure;
    int64_t poll_ms;          /* between two looks for a new list where the server cannot push */
    int64_t backoff_first_ms; /* after the first failure */
    int64_t backoff_max_ms;
    const struct gh_clock *clock;
    struct gh_queue *events; /* of struct gh_courier_event, room for at least 32 */
    gh_connect_fn *connect;  /* gh_http_new, or a fake's */
};

/* Files in the state folder, shared with the gate; the list is a folder (list.h). path holds
 * PATH_MAX bytes. */
GH_MUST_CHECK enum gh_status gh_courier_identity_path(const char *state_dir, char *path);
GH_MUST_CHECK enum gh_status gh_courier_list_path(const char *state_dir, char *path);
/* One journal a gate identity: a gate that is enrolled anew starts a new chain. */
GH_MUST_CHECK enum gh_status gh_courier_journal_path(const char *state_dir, gh_id gate, char *path);

/* Not started: for tests, which call gh_courier_turn themselves. identity is copied (all zero: not
 * enrolled). */
GH_MUST_CHECK enum gh_status gh_courier_new(const struct gh_courier_options *options,
                                            const struct gh_identity *identity,
                                            struct gh_courier **out, struct gh_error *err);
/* Do what is due now in one lane; returns after how many ms to call again. */
enum gh_courier_lane {
    GH_COURIER_LANE_LIST,
    GH_COURIER_LANE_ENTRIES,
    GH_COURIER_LANE_NEWS,
    GH_COURIER_LANES
};
int64_t gh_courier_turn(struct gh_courier *courier, enum gh_courier_lane lane);
/* All lanes as threads. On error what runs goes on until gh_courier_stop. */
GH_MUST_CHECK enum gh_status gh_courier_start(struct gh_courier *courier, struct gh_error *err);

/* From the gate's thread: an enrolment code was shown; there is a new entry. Never block. */
void gh_courier_enrol(struct gh_courier *courier, const struct gh_enrolment *enrolment);
void gh_courier_kick(struct gh_courier *courier);
/* What became of an announcement is written down: it is not told again. */
void gh_courier_announced(struct gh_courier *courier, gh_id announcement);
/* The list at hand is not what it was: bring it whole, with the next answer. */
void gh_courier_renew_list(struct gh_courier *courier);

/* How it stands with the server, by what was asked for lists and about entries since the start. */
struct gh_courier_state {
    bool heard;       /* it gave an answer that was good; the last one: */
    int64_t heard_ns; /* monotonic */
    bool refused;     /* its last answer to some lane: it does not know this gate, or shut it out */
    char trouble[GH_ERROR_TEXT_BYTES]; /* of what failed last, and has not gone well since; "" */
    bool entries_fail;                 /* they cannot be delivered: */
    int64_t entries_failing_ns;        /* since then, monotonic */
};
/* Any thread. */
struct gh_courier_state gh_courier_look(struct gh_courier *courier);

/* Cancels what runs, waits for the threads if there are any, frees. NULL is fine. */
void gh_courier_stop(struct gh_courier *courier);

#endif
