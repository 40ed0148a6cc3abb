/* SPDX-License-Identifier: Apache-2.0 */
/* A server that answers from a script, and writes down what it was asked, over any number of
 * connections. Obeys gh_transport of gatehouse/http.h: after GH_OK the body is there and ends in a
 * NUL, after an error there is no response, a longer answer than allowed is GH_ERR_TOOBIG, one
 * cancel ends one perform of its connection; a body goes to the sink in pieces, from the byte that
 * was asked for. */
#ifndef GATEHOUSE_TESTS_FAKE_TRANSPORT_H
#define GATEHOUSE_TESTS_FAKE_TRANSPORT_H

#include <pthread.h>

#include "fakes/fake_clock.h"
#include "gatehouse/http.h"

#define GH_FAKE_ANSWERS_MAX 64
#define GH_FAKE_REQUESTS_MAX 512
#define GH_FAKE_FOREVER UINT32_MAX

/* Makes an answer: fills status, retry_after_s and, with malloc'ed bytes, body and size. */
typedef enum gh_status gh_fake_handler_fn(void *context, const struct gh_http_request *request,
                                          struct gh_http_response *response);

struct gh_fake_answer {
    const char *path;       /* exactly this one, but for its query; all pointers are borrowed */
    uint32_t times;         /* used so often, then passed over; 0: once */
    enum gh_status failure; /* not GH_OK: instead of an answer */
    int status;             /* 0: 200 */
    const void *body;
    size_t size;              /* 0 with a body: it is a text */
    int64_t retry_after_s;    /* 0: not said */
    int64_t date_s;           /* likewise */
    int64_t takes_ms;         /* so much time goes by on the fake clock */
    const char *content_type; /* NULL: "application/cbor" */
    bool no_ranges;           /* all of the body, whatever was asked for */
    bool cut;                 /* the line breaks after so many bytes of what goes to the sink: */
    size_t cut_after;
    bool blocks;                 /* until cancelled, or until the request's time-out in real time */
    gh_fake_handler_fn *handler; /* instead of status and body */
    void *context;
};

struct gh_fake_request {
    char method[8], path[256], content_type[64], content_encoding[16]; /* path: with its query */
    char bearer[256];                                                  /* "" without one */
    uint8_t *body;                       /* NUL-terminated behind size; unpacked */
    size_t size, sent_bytes;             /* sent: as it came */
    int64_t timeout_ms, stall_ms, at_ns; /* at_ns: when it came, monotonic */
    uint64_t range_from;
    unsigned connection; /* that it came by, from 1 */
    size_t max_response_bytes;
};

struct gh_fake_transport {
    struct gh_fake_clock *clock;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct gh_fake_answer answers[GH_FAKE_ANSWERS_MAX];
    size_t answer_count;
    struct gh_fake_request requests[GH_FAKE_REQUESTS_MAX];
    size_t request_count;
    unsigned connects, frees, waiting; /* waiting: performs that block right now */
    enum gh_status connect_failure;    /* GH_OK: connects */
    char base_url[256], ca_file[256];  /* of the last connect */
    bool has_pin, allow_insecure;
    uint8_t pin[GH_SHA256_BYTES];
};

/* Makes it the one that gh_fake_connect gives out. */
void gh_fake_transport_init(struct gh_fake_transport *fake, struct gh_fake_clock *clock);
void gh_fake_transport_destroy(struct gh_fake_transport *fake);
/* Answers of one path are used in the order in which they were added; where there is none (any
 * more), the server is not reached. */
void gh_fake_transport_add(struct gh_fake_transport *fake, const struct gh_fake_answer *answer);
void gh_fake_transport_forget_answers(struct gh_fake_transport *fake);
void gh_fake_transport_forget_requests(struct gh_fake_transport *fake);
void gh_fake_transport_forget(struct gh_fake_transport *fake); /* both */
/* The index-th request for this path, from 0; NULL: there were fewer. */
const struct gh_fake_request *gh_fake_transport_request(struct gh_fake_transport *fake,
                                                        const char *path, size_t index);
size_t gh_fake_transport_count(struct gh_fake_transport *fake, const char *path);
/* Wait until one perform blocks, or so many at once; false after timeout_ms in real time. */
bool gh_fake_transport_wait_blocked(struct gh_fake_transport *fake, int64_t timeout_ms);
bool gh_fake_transport_wait_all_blocked(struct gh_fake_transport *fake, unsigned count,
                                        int64_t timeout_ms);

/* A gh_connect_fn. */
enum gh_status gh_fake_connect(const struct gh_http_options *options, struct gh_transport *out,
                               struct gh_error *err);

#endif
