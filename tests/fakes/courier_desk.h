/* SPDX-License-Identifier: Apache-2.0 */
/* A courier at a desk: real files in a state folder of its own, a fake clock, a fake server. */
#ifndef GATEHOUSE_TESTS_COURIER_DESK_H
#define GATEHOUSE_TESTS_COURIER_DESK_H

#include "fakes/fake_transport.h"
#include "fakes/gate_fixture.h"
#include "gate/courier.h"

#define ENROL_PATH "/api/v1/enrol"
#define LIST_PATH "/api/v1/list"
#define ENTRIES_PATH "/api/v1/entries"

#define DESK_POLL_MS 5000
#define DESK_FIRST_MS 1000
#define DESK_MOST_MS 300000
#define DESK_EVENTS_MAX 64

/* A server that keeps entries as docs/protocol.md says. */
struct desk_server {
    uint64_t known;   /* the last sequence number that it has */
    uint64_t refuses; /* this one it cannot accept, and keeps aside; 0: none */
    unsigned batches, stored;
    const struct gh_private_key *receipts_by; /* NULL: it gives none */
};

struct desk {
    struct fixture fixture;
    struct gh_fake_transport server;
    struct gh_queue *queue; /* of events */
    struct gh_courier_options options;
    struct gh_courier *courier;
    struct gh_courier_event events[DESK_EVENTS_MAX]; /* all so far, but since desk_forget_events */
    size_t event_count;
    bool without_ages; /* nor those of type AGE */
    struct desk_server entries;
    /* What the server answers about the list, besides fixture's manifest; as it was made last. */
    uint8_t delta_header[GH_DELTA_HEADER_MAX_BYTES];
    size_t delta_header_size; /* 0: no delta */
    uint8_t *delta_records;   /* malloc'ed */
    size_t delta_records_size;
    uint8_t handovers[4096]; /* CBOR byte strings, one behind the other */
    size_t handovers_size, handover_count;
    uint64_t news; /* the number of the last */
    uint8_t answer[65536];
    size_t answer_size;
    char snapshot_path[128]; /* of fixture's snapshot */
};

void desk_init(struct desk *desk);
void desk_destroy(struct desk *desk);
void desk_start(struct desk *desk); /* not as a thread; with fixture.identity */
void desk_stop(struct desk *desk);
/* As after a cut of power: with the identity as it was saved. */
void desk_restart(struct desk *desk);

/* All lanes, one after the other, and takes the events. Returns the shortest wait. */
int64_t desk_turn(struct desk *desk);
/* Let time go by as the thread does: turn, wait for as long as it said, turn again. */
void desk_run_ms(struct desk *desk, int64_t ms);
unsigned desk_count_events(const struct desk *desk, enum gh_courier_event_type type);
void desk_forget_events(struct desk *desk);

/* Script the server. */
void desk_answer(struct desk *desk, const char *path, int status, const char *body);
void desk_fail(struct desk *desk, const char *path, enum gh_status failure);
/* Make fixture's list and offer it, with its snapshot, each so often. */
void desk_offer_list(struct desk *desk, uint32_t times);
/* Only what is answered about it: made anew from fixture's manifest, as it stands, and the delta
 * and the handovers here; and as it was made last. */
void desk_offer_answer(struct desk *desk, uint32_t times);
void desk_offer_same_answer(struct desk *desk, uint32_t times);
void desk_offer_snapshot(struct desk *desk, uint32_t times);
/* The next generation: fixture's manifest leads there by a delta from `from` that sets ANNA to this
 * colour; the snapshot stays the one that was made last. */
void desk_make_delta(struct desk *desk, struct gh_generation from, enum gh_colour anna);
void desk_forget_delta(struct desk *desk);
/* One more handover: `by` says that its follower, of this number, is `next`. */
void desk_hand_over(struct desk *desk, const struct gh_private_key *by, uint64_t number,
                    const struct gh_private_key *next);
struct gh_generation desk_generation(const struct desk *desk); /* of fixture's manifest */
/* desk->entries answers from now on. */
void desk_serve_entries(struct desk *desk, uint32_t times);

/* Fixture's list, fetched as it should be; what was asked and told is forgotten. */
void desk_start_with_list(struct desk *desk);
void desk_append(struct desk *desk, unsigned count);    /* entries, and a kick */
size_t desk_asked(struct desk *desk, const char *path); /* how often */

/* What stands in the state folder. */
struct gh_identity desk_saved_identity(const struct desk *desk);
struct gh_manifest desk_saved_manifest(const struct desk *desk); /* generation 0: no list */
size_t desk_parts(const struct desk *desk);                      /* how many parts of snapshots */
/* The n-th request for ENTRIES_PATH was, to the byte, these entries as they stand in the journal.
 */
void desk_assert_batch(struct desk *desk, size_t n, size_t first, size_t count);
/* The n-th question about the list named this generation, and so many seconds to wait. */
void desk_assert_asked(struct desk *desk, size_t n, uint64_t generation, int wait_s);
/* The list in its folder, its pin in the identity: this one, and no other. */
void desk_assert_at_hand(const struct desk *desk, uint64_t generation, int64_t issued_at_s);

#endif
