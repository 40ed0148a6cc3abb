/* SPDX-License-Identifier: Apache-2.0 */
/* The HTTP API as the commands use it: JSON in, JSON out, and every refusal one sentence. */
#ifndef GATEHOUSE_SRC_CLI_CLIENT_H
#define GATEHOUSE_SRC_CLI_CLIENT_H

#include <jansson.h>

#include "cli/session.h"
#include "gatehouse/bytes.h"
#include "gatehouse/http.h"
#include "gatehouse/status.h"

#define GH_API_PATH_BYTES 1024
#define GH_ERROR_TOKEN_BYTES 48

struct gh_client {
    struct gh_session session;
    struct gh_transport transport;
    /* About the last call, if the server answered it: */
    int http_status;
    char error_token[GH_ERROR_TOKEN_BYTES]; /* of an error answer, else "" */
    json_t *problem;                        /* the whole error answer, or NULL */
};

/* Scoped: `GH_CLEANUP_CLIENT struct gh_client client = {0};` */
#define GH_CLEANUP_CLIENT __attribute__((cleanup(gh_client_close)))
#define GH_CLEANUP_JSON __attribute__((cleanup(gh_json_release)))
void gh_client_close(struct gh_client *client); /* an all-zero one and twice are fine */
void gh_json_release(json_t **value);

/* With the session that `login` left, or (connect) with client->session as it is. */
GH_MUST_CHECK enum gh_status gh_client_open(struct gh_client *client, struct gh_error *err);
GH_MUST_CHECK enum gh_status gh_client_connect(struct gh_client *client, struct gh_error *err);

/* path: below /api/v1, from "/". body: the reference is taken, also on errors; NULL: none, but for
 * POST and PATCH, which always have one: there it is GH_ERR_INVALID, since jansson makes NULL of
 * texts that are not UTF-8. *answer (may be NULL) belongs to the caller: the JSON of a 2xx, NULL
 * without a body. GH_ERR_REFUSED for any other answer, with the server's sentence in err;
 * GH_ERR_CORRUPT when it is no JSON; else as the transport says. */
GH_MUST_CHECK enum gh_status gh_client_call(struct gh_client *client, const char *method,
                                            const char *path, json_t *body, json_t **answer,
                                            struct gh_error *err);
/* The same with any body. */
GH_MUST_CHECK enum gh_status gh_client_send(struct gh_client *client, const char *method,
                                            const char *path, const char *content_type,
                                            struct gh_bytes body, json_t **answer,
                                            struct gh_error *err);

/* What a member says; "" when it is not there or not a text. */
const char *gh_json_text(const json_t *object, const char *name);
/* 0 when it is not there or not an integer. */
long long gh_json_number(const json_t *object, const char *name);
/* The same, for what must be there: GH_ERR_CORRUPT otherwise. */
GH_MUST_CHECK enum gh_status gh_json_need_text(const json_t *object, const char *name,
                                               const char **out, struct gh_error *err);

/* Append text to a path with everything percent-encoded but letters, digits and `-._~`. */
void gh_url_put(struct gh_writer *writer, const char *text);

#endif
