/* SPDX-License-Identifier: Apache-2.0 */
/* A small HTTP/1.1 server on 127.0.0.1, in the test's own process, that misbehaves on demand. Each
 * connection has a thread; functions may be called from any thread, and from the handler where
 * nothing else is said. What cannot be set up at all ends the test (abort). */
#ifndef GATEHOUSE_TESTS_FAULT_SERVER_H
#define GATEHOUSE_TESTS_FAULT_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum fault {
    FAULT_NONE,      /* the handler's answer */
    FAULT_500,       /* without asking the handler */
    FAULT_503,       /* likewise, with Retry-After */
    FAULT_HANG,      /* takes the request and never answers; the handler is not asked */
    FAULT_HALF,      /* the handler's answer, broken off in the middle of its body */
    FAULT_GARBAGE,   /* bytes that are not HTTP, then close; the handler is not asked */
    FAULT_CLOSE,     /* closes at once; the handler is not asked */
    FAULT_OVERSIZED, /* 200 and a body without end, until the client breaks off */
    FAULT_UNENDED,   /* 200 and a body that ends when the connection does, without any length */
    FAULT_REDIRECT,  /* 302 to another path of this server */
};

struct fault_request {
    char method[16];
    char path[512];
    const char *head; /* request line and headers as received, NUL-terminated */
    const uint8_t *body;
    size_t size;
    int fd; /* the connection: a handler may write its answer there itself, and returns none. Once
               the client is gone, or is to be, poll says POLLRDHUP or POLLHUP: end then */
};

/* A whole answer, status line first, malloc'ed; the server frees it. */
struct fault_answer {
    char *bytes; /* NULL: the handler wrote it itself, or there is none */
    size_t size;
    bool close; /* close the connection after it */
};
/* An answer with Content-Length; content_type may be NULL. */
struct fault_answer fault_answer_make(int status, const char *content_type, const void *body,
                                      size_t size);
/* Called from the connections' threads, several at once. */
typedef struct fault_answer fault_handler(void *context, const struct fault_request *request);

struct fault_server; /* opaque */

/* handler NULL: 200 with "METHOD PATH" and, after a line feed, the request's body. */
struct fault_server *fault_server_start(fault_handler *handler, void *context);
/* Breaks off what still runs, joins all threads. Not from the handler. NULL is fine. */
void fault_server_stop(struct fault_server *server);

uint16_t fault_server_port(const struct fault_server *server);
/* "http://127.0.0.1:PORT"; lives as long as the server. */
const char *fault_server_url(const struct fault_server *server);

/* What every request gets from now on, until said otherwise. */
void fault_server_set(struct fault_server *server, enum fault fault);
/* Of FAULT_503; 7 at start. */
void fault_server_set_retry_after(struct fault_server *server, unsigned seconds);
/* Connections are refused (nobody listens; the port stays reserved) and open ones broken off; or
 * accepted again. Not from the handler. */
void fault_server_refuse(struct fault_server *server, bool refuse);

/* So far. */
unsigned fault_server_requests(struct fault_server *server);
unsigned fault_server_connections(struct fault_server *server);
/* Wait until there were so many requests; false when the time is over. */
bool fault_server_wait(struct fault_server *server, unsigned requests, int timeout_ms);
/* The head of the last request, cut if longer; "" when there was none. */
void fault_server_last_head(struct fault_server *server, char *out, size_t out_bytes);

#endif
