/* SPDX-License-Identifier: Apache-2.0 */
/* What the courier's own files share. */
#ifndef GATEHOUSE_SRC_GATE_COURIER_PARTS_H
#define GATEHOUSE_SRC_GATE_COURIER_PARTS_H

#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>

#include "gate/backoff.h"
#include "gate/courier.h"
#include "gatehouse/journal.h"

#define GH_COURIER_MODULE "courier"
#define GH_COURIER_TIMEOUT_MS 10000

struct gh_courier {
    struct gh_courier_options options;
    struct gh_identity identity;
    char identity_path[PATH_MAX], list_path[PATH_MAX], acknowledged_path[PATH_MAX];
    struct gh_queue *orders;
    struct gh_transport transport;
    struct gh_public_key *list_key;
    bool connected; /* transport and list_key are there */
    struct gh_backoff enrol, list, entries;
    bool authenticated;                   /* the server's answers are the server's */
    int64_t clock_next_ns;                /* when to tell the gate the server's time again */
    uint8_t list_sha256[GH_SHA256_BYTES]; /* of the snapshot in the file; zeros: none */
    struct gh_journal *journal;           /* reader; NULL until its file is there */
    uint64_t acknowledged;
    bool thread_runs;
    pthread_t thread;
    atomic_bool stop;
    pthread_mutex_t transport_lock; /* connecting against cancelling */
};

/* Each does its one thing and sets its backoff. */
void gh_courier_turn_enrol(struct gh_courier *courier, int64_t now_ns);
void gh_courier_turn_list(struct gh_courier *courier, int64_t now_ns);
void gh_courier_turn_entries(struct gh_courier *courier, int64_t now_ns);
void gh_courier_entries_open(struct gh_courier *courier); /* what was acknowledged so far */
void gh_courier_entries_close(struct gh_courier *courier);

/* Tell the gate; not of CLOCK, which gh_courier_request does. */
void gh_courier_tell(struct gh_courier *courier, enum gh_courier_event_type type);
/* One request with the gate's token. GH_OK only for status 200; anything else is said in err with
 * the server's own token, and *retry_after_s set. The response is the caller's to free in every
 * case. */
GH_MUST_CHECK enum gh_status gh_courier_request(struct gh_courier *courier,
                                                struct gh_http_request *request,
                                                struct gh_http_response *response,
                                                struct gh_error *err);

#endif
