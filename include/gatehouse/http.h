/* SPDX-License-Identifier: Apache-2.0 */
/* HTTP requests behind an interface (transport); the real one is libcurl. Calls block: the gate
 * makes them in the courier's thread. */
#ifndef GATEHOUSE_HTTP_H
#define GATEHOUSE_HTTP_H

#include <stdbool.h>
#include <stdint.h>

#include "gatehouse/bytes.h"
#include "gatehouse/crypto.h"
#include "gatehouse/status.h"

struct gh_http_request {
    const char *method;           /* "GET", "POST", "PUT", "PATCH" or "DELETE" */
    const char *path;             /* from "/", already encoded */
    const char *bearer;           /* NULL: no Authorization header; never logged */
    const char *content_type;     /* of body; NULL without one */
    const char *content_encoding; /* of body, "zstd"; NULL: none */
    struct gh_bytes body;
    int64_t timeout_ms; /* for the whole exchange; more than 0. To connect: at most 10 s of it */
    int64_t stall_ms;   /* GH_ERR_TIMEOUT when no byte moves for so long; 0: no such limit */
    size_t max_response_bytes; /* a longer body is GH_ERR_TOOBIG; one that goes to sink, too */
    /* Of a body that goes to a file. With sink the body of status 200 and 206 is handed over in
     * pieces as it comes, in the thread that performs, and response.body stays empty; what other
     * statuses say is in response.body as ever. Pieces that were handed over before an error stay
     * with whoever took them: they are the first bytes of the body, and a later request can go on
     * behind them. */
    uint64_t range_from; /* more than 0: ask for the bytes from there on (RFC 9110, section 14.2) */
    /* Before the first piece; an empty body has none. from: the place of the first byte, range_from
     * (206, and only if that is what the answer says: any other range is GH_ERR_NETWORK) or 0 (200:
     * the server sends all of it). NULL: not asked. false: end, GH_ERR_AGAIN. */
    bool (*begin)(void *context, int status, uint64_t from);
    bool (*sink)(void *context, struct gh_bytes piece); /* false: end, GH_ERR_AGAIN */
    void *sink_context;
};

#define GH_CONTENT_TYPE_BYTES 64
struct gh_http_response {
    int status;            /* 200 and so on */
    uint8_t *body;         /* malloc'ed, NUL-terminated behind size; never NULL after GH_OK */
    size_t size;           /* 0 when the body went to sink */
    int64_t retry_after_s; /* from Retry-After in seconds; -1 without */
    int64_t date_s;        /* from Date: when the server made the answer; -1 without */
    char content_type[GH_CONTENT_TYPE_BYTES]; /* `type/subtype`, in lower case, without parameters;
                                                 "" when it is not said, or longer */
};
void gh_http_response_free(struct gh_http_response *response); /* leaves it empty; twice is fine */

/* Contract: GH_OK means that a whole HTTP answer of any status arrived (*response is then the
 * caller's to free). GH_ERR_NETWORK: not reached, broken off, half a body, TLS failure.
 * GH_ERR_TIMEOUT. GH_ERR_TOOBIG. GH_ERR_INVALID: the request cannot be made. GH_ERR_AGAIN:
 * cancelled, or begin or sink said that it is enough. Redirects are not followed. perform is called
 * from one thread at a time; cancel from any: the running or else the next perform ends at once. */
struct gh_transport {
    enum gh_status (*perform)(void *context, const struct gh_http_request *request,
                              struct gh_http_response *response, struct gh_error *err);
    void (*cancel)(void *context);
    void (*free)(void *context);
    void *context;
};

struct gh_http_options {
    const char
        *base_url; /* "https://host[:port]" without a trailing slash. "http://" only to 127.0.0.0/8,
                      ::1 or localhost, unless allow_insecure: else GH_ERR_INVALID */
    const char *ca_file; /* PEM bundle instead of the system's; NULL or "": the system's */
    const uint8_t *pin;  /* GH_SHA256_BYTES: SHA-256 of the server's SubjectPublicKeyInfo; then this
                            key, and no CA, is what is trusted; NULL: none; GH_ERR_INVALID with
                            "http://" */
    bool allow_insecure;
};
GH_MUST_CHECK enum gh_status gh_http_new(const struct gh_http_options *options,
                                         struct gh_transport *out, struct gh_error *err);

/* For programs: call before the first gh_http_new, from the only thread. */
GH_MUST_CHECK enum gh_status gh_http_global_init(void);

/* Whether url has the form that base_url must have (also its scheme and host rule). */
GH_MUST_CHECK enum gh_status gh_http_check_url(const char *url, bool allow_insecure,
                                               struct gh_error *err);

#endif
