/* SPDX-License-Identifier: Apache-2.0 */
/* One request, as the handlers see it: who asks, what for, and how to answer. A handler answers
 * exactly once, or says that the answer comes later (gh_request_wait in http.h). */
#ifndef GATEHOUSE_SRC_SERVER_REQUEST_H
#define GATEHOUSE_SRC_SERVER_REQUEST_H

#include <jansson.h>

#include "gatehouse/bytes.h"
#include "server/answer.h"
#include "server/db.h"

struct gh_server;
struct gh_request;
struct MHD_Connection;
struct MHD_Response;

/* Who may ask: a set. */
enum gh_who {
    GH_WHO_ANYBODY = 0,
    GH_WHO_ADMIN = 1,
    GH_WHO_LANDLORD = 2,
    GH_WHO_INSPECTOR = 4,
    GH_WHO_GATE = 8,
};

typedef void gh_handler(struct gh_request *request);

struct gh_route {
    const char *method;
    const char *pattern; /* segments: `#` is an identifier, `*` any text, others themselves */
    unsigned who;
    size_t body_bytes; /* the most that is read; 0: this route takes no body */
    int64_t time_s;    /* for the body to arrive */
    const char *query; /* the names that may be asked for, ",a,b,"; NULL: none */
    gh_handler *handler;
};
/* NULL with *allow[0] == '\0': no such path; NULL with the methods that exist in allow (for the
 * header Allow): another method is needed. Fills the request's path parameters. */
#define GH_ALLOW_BYTES 64
const struct gh_route *gh_route_find(const char *method, struct gh_request *request,
                                     char allow[GH_ALLOW_BYTES]);
/* For tests: every route; ends with method NULL. */
const struct gh_route *gh_routes(void);

struct gh_request {
    struct gh_server *server;
    struct MHD_Connection *connection;
    const struct gh_route *route;
    char *path;       /* cut in segments by gh_route_find */
    gh_id id[2];      /* the path's identifiers, in order */
    const char *text; /* the path's text */
    /* who asks */
    enum gh_role role; /* GH_ROLE_NONE: not a person */
    char user[GH_USER_BYTES];
    gh_id gate; /* 0: not a gate */
    /* the body */
    uint8_t *body; /* with a NUL behind it; NULL when empty */
    size_t body_size, body_capacity;
    json_t *json; /* parsed by gh_request_members; freed with the request */
    /* the answer */
    struct MHD_Response *response;
    struct gh_answer *shared; /* the response is of this one; NULL: it is the request's own */
    unsigned status;
    /* while the answer is waited for */
    bool waiting;
    void (*gone)(void *waits_for); /* NULL: nobody needs to be told */
    void *waits_for;
    struct gh_request *before_waiting, *after_waiting; /* http.c */
    /* what http.c and request_take.c need */
    uint64_t declared; /* Content-Length; 0 without one */
    size_t dropped;    /* bytes of the body that were read and thrown away */
};

/* --- life: for http.c --- */

/* path is copied. NULL: no memory. */
struct gh_request *gh_request_new(struct gh_server *server, struct MHD_Connection *connection,
                                  const char *path);
/* Whoever would have answered it is told; what came in is wiped. */
void gh_request_free(struct gh_request *request);

/* --- reading --- */

/* One member of a JSON body. Only the fields of its type count. */
struct gh_member {
    const char *name;
    enum {
        GH_MEMBER_LINE, /* text without control characters, minimum..maximum bytes */
        GH_MEMBER_TEXT, /* any text likewise */
        GH_MEMBER_BOOL,
        GH_MEMBER_INT,   /* minimum..maximum */
        GH_MEMBER_ARRAY, /* borrowed json_t; at most maximum items */
        GH_MEMBER_JSON,  /* borrowed json_t of any type */
    } type;
    bool optional; /* then *out stays what it was */
    int64_t minimum, maximum;
    void *out; /* const char **, bool *, int64_t *, json_t ** */
};
/* Take the body apart: exactly these members. An empty body counts as {}. Texts live as long as the
 * request. False after having answered 400. */
GH_MUST_CHECK bool gh_request_members(struct gh_request *request, const struct gh_member *members,
                                      size_t count);

/* A header; NULL without one. */
const char *gh_request_header(const struct gh_request *request, const char *name);
/* A parameter of the query; NULL without one. */
const char *gh_request_query(const struct gh_request *request, const char *name);
/* Likewise as a number, or an identifier; absent: *out stays. False after having answered 400. */
GH_MUST_CHECK bool gh_request_query_number(struct gh_request *request, const char *name,
                                           int64_t minimum, int64_t maximum, int64_t *out);
GH_MUST_CHECK bool gh_request_query_id(struct gh_request *request, const char *name, gh_id *out);

/* --- answering --- */

/* Takes json over; NULL answers 500. */
void gh_answer_json(struct gh_request *request, unsigned status, json_t *json);
void gh_answer_empty(struct gh_request *request, unsigned status);
/* data is copied; type has static lifetime. */
void gh_answer_data(struct gh_request *request, unsigned status, const char *type,
                    struct gh_bytes data);
/* A file that is named by its content: it never changes, and anybody may keep it. name: for the
 * ETag. Whole, or the one range that is asked for (RFC 9110, section 14). Takes the descriptor
 * over. */
void gh_answer_file(struct gh_request *request, const char *type, const char *name, int fd,
                    uint64_t size);
/* A part of an open file, which is taken over. */
void gh_answer_descriptor(struct gh_request *request, unsigned status, int fd, uint64_t from,
                          uint64_t size);
/* {"error": token, "message": one sentence}. */
void gh_answer_error(struct gh_request *request, unsigned status, const char *token,
                     const char *message);
/* What a failed database, disk and so on mean to the client: 404, 409, 503, 500. */
void gh_answer_status(struct gh_request *request, enum gh_status status);
void gh_answer_header(struct gh_request *request, const char *name, const char *value);
/* Status 200, shared with others. */
void gh_answer_shared(struct gh_request *request, struct gh_answer *answer);
void gh_answer_retry_after(struct gh_request *request, int64_t seconds);

/* For answer.c: what every answer says about itself. False: no memory. */
GH_MUST_CHECK bool gh_response_headers(struct MHD_Response *response);

/* An identifier, or a time in RFC 3339 (null for 0), as JSON. */
json_t *gh_json_id(gh_id id);
json_t *gh_json_time(int64_t seconds);

#endif
