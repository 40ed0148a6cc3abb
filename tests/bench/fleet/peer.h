/* SPDX-License-Identifier: Apache-2.0 */
/* HTTP clients without threads: thousands of connections in one epoll loop, one request at a time
 * on each. Only what the server's answers need is read, strictly: status, Content-Length,
 * Retry-After, Connection; anything that is not HTTP/1.1 as we know it ends the program. */
#ifndef GATEHOUSE_TESTS_BENCH_FLEET_PEER_H
#define GATEHOUSE_TESTS_BENCH_FLEET_PEER_H

#include <netinet/in.h>
#include <stdbool.h>

#include "gatehouse/bytes.h"

/* How it went. */
enum fleet_outcome {
    FLEET_ANSWERED, /* a whole answer, of any status */
    FLEET_LOST,     /* no connection, or it ended before the answer did */
    FLEET_LATE,     /* the time given was over; the connection is closed */
    FLEET_RESTED,   /* fleet_peer_rest is over */
};

struct fleet_peer;
typedef void fleet_peer_fn(struct fleet_peer *peer, enum fleet_outcome outcome);

struct fleet_loop {
    int epoll;
    struct fleet_peer *first; /* all that there are, for their times */
    int64_t looked_ns;        /* at the times */
    uint64_t connects;        /* connections begun */
};

#define FLEET_HEAD_BYTES 512

struct fleet_peer {
    struct fleet_loop *loop;
    struct fleet_peer *next;
    struct sockaddr_in server, own;
    fleet_peer_fn *done;
    void *context;
    int fd; /* -1: not connected */
    enum { FLEET_IDLE, FLEET_CONNECTING, FLEET_SENDING, FLEET_READING } state;
    unsigned watched; /* epoll events */
    bool used;        /* the connection has had an answer before */
    int64_t due_ns;   /* of the request's end, or the rest's; 0: none */
    /* the request */
    char head[FLEET_HEAD_BYTES];
    size_t head_size, sent;
    struct gh_bytes body; /* borrowed until it is answered */
    /* the answer; status and answer are valid in `done` */
    uint8_t *in;
    size_t in_size, in_capacity, body_at, body_size;
    bool head_read, closes;
    int status;
    int64_t retry_after_s; /* -1: not said */
    struct gh_bytes answer;
};

void fleet_loop_open(struct fleet_loop *loop);
/* Handle what there is, waiting for it at most wait_ms. */
void fleet_loop_turn(struct fleet_loop *loop, int wait_ms);
void fleet_loop_close(struct fleet_loop *loop);

/* number tells peers apart: it chooses the loopback address that the peer comes from, so that tens
 * of thousands of connections do not run out of ports. */
void fleet_peer_open(struct fleet_peer *peer, struct fleet_loop *loop,
                     const struct sockaddr_in *server, unsigned number, fleet_peer_fn *done,
                     void *context);
/* Disconnects and forgets what was asked. */
void fleet_peer_shut(struct fleet_peer *peer);
void fleet_peer_free(struct fleet_peer *peer); /* shut, and out of the loop */

struct fleet_request {
    const char *method, *path;
    const char *bearer;       /* NULL: none */
    const char *content_type; /* of body; NULL without one */
    bool zstd;                /* body is compressed */
    struct gh_bytes body;     /* borrowed until the answer */
    int64_t timeout_ms;
};
/* Ask; `done` is called later, never from within. Connects where it is not connected. */
void fleet_peer_ask(struct fleet_peer *peer, const struct fleet_request *request);
/* Ask and turn the loop until this one is answered; ends the program if it never is. `done` is not
 * called. The answer lives until the peer's next question. */
void fleet_peer_exchange(struct fleet_peer *peer, const struct fleet_request *request);
/* `done` with FLEET_RESTED then. */
void fleet_peer_rest(struct fleet_peer *peer, int64_t until_ns);

#endif
