/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/client.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gatehouse/clock.h"
#include "gatehouse/file.h"

/* An import of a whole town takes the server a while. */
#define TIMEOUT_MS 300000
#define ANSWER_MAX_BYTES (64u << 20)
#define API "/api/v1"

void gh_json_release(json_t **value)
{
    json_decref(*value);
    *value = NULL;
}

static void forget_answer(struct gh_client *client)
{
    client->http_status = 0;
    client->error_token[0] = 0;
    gh_json_release(&client->problem);
}

void gh_client_close(struct gh_client *client)
{
    if (client->transport.free != NULL) {
        client->transport.free(client->transport.context);
    }
    forget_answer(client);
    gh_wipe(client, sizeof(*client));
}

enum gh_status gh_client_connect(struct gh_client *client, struct gh_error *err)
{
    enum gh_status status = gh_http_global_init();
    if (status != GH_OK) {
        return gh_fail(err, status, "the HTTP library cannot be used");
    }
    struct gh_http_options options = {
        .base_url = client->session.server,
        .ca_file = client->session.ca_file,
        .pin = client->session.has_pin ? client->session.pin : NULL,
    };
    return gh_http_new(&options, &client->transport, err);
}

enum gh_status gh_client_open(struct gh_client *client, struct gh_error *err)
{
    enum gh_status status = gh_session_load(&client->session, err);
    return status != GH_OK ? status : gh_client_connect(client, err);
}

/* --- what an answer means ------------------------------------------------------------------------
 */

/* The sentence for an answer that is not a yes. */
static enum gh_status refused(struct gh_client *client, const struct gh_http_response *response,
                              struct gh_error *err)
{
    const char *message = gh_json_text(client->problem, "message");
    if (message[0] == 0) {
        return gh_fail(err, GH_ERR_REFUSED, "%.128s answered with HTTP status %d",
                       client->session.server, response->status);
    }
    if (strcmp(client->error_token, "unauthorized") == 0) {
        return gh_fail(err, GH_ERR_REFUSED,
                       "the login is no longer valid: run 'gatehouse login --server %.128s'",
                       client->session.server);
    }
    if (response->retry_after_s > 0) {
        return gh_fail(err, GH_ERR_REFUSED, "%.180s (try again in %lld s)", message,
                       (long long)response->retry_after_s);
    }
    return gh_fail(err, GH_ERR_REFUSED, "%s", message);
}

static enum gh_status understand(struct gh_client *client, const struct gh_http_response *response,
                                 json_t **answer, struct gh_error *err)
{
    client->http_status = response->status;
    json_t *value = response->size == 0
                        ? NULL
                        : json_loadb((const char *)response->body, response->size, 0, NULL);
    if (response->status >= 200 && response->status < 300) {
        if (value == NULL && response->size > 0) {
            return gh_fail(err, GH_ERR_CORRUPT, "%.128s gave an answer that is no JSON",
                           client->session.server);
        }
        *answer = value;
        return GH_OK;
    }
    client->problem = value;
    (void)snprintf(client->error_token, sizeof(client->error_token), "%s",
                   gh_json_text(value, "error"));
    return refused(client, response, err);
}

enum gh_status gh_client_send(struct gh_client *client, const char *method, const char *path,
                              const char *content_type, struct gh_bytes body, json_t **answer,
                              struct gh_error *err)
{
    char whole[GH_API_PATH_BYTES + sizeof(API)];
    forget_answer(client);
    json_t *value = NULL;
    if (answer != NULL) {
        *answer = NULL;
    }
    if ((size_t)snprintf(whole, sizeof(whole), API "%s", path) >= sizeof(whole)) {
        return gh_fail(err, GH_ERR_TOOBIG, "what was asked for is too long");
    }
    struct gh_http_request request = {
        .method = method,
        .path = whole,
        .bearer = client->session.token[0] != 0 ? client->session.token : NULL,
        .content_type = content_type,
        .body = body,
        .timeout_ms = TIMEOUT_MS,
        .max_response_bytes = ANSWER_MAX_BYTES,
    };
    struct gh_http_response response = {0};
    enum gh_status status =
        client->transport.perform(client->transport.context, &request, &response, err);
    if (status != GH_OK) {
        return status;
    }
    status = understand(client, &response, &value, err);
    gh_wipe(response.body, response.size); /* tokens, codes, passwords */
    gh_http_response_free(&response);
    if (status == GH_OK && answer != NULL) {
        *answer = value;
    } else {
        json_decref(value);
    }
    return status;
}

enum gh_status gh_client_call(struct gh_client *client, const char *method, const char *path,
                              json_t *body, json_t **answer, struct gh_error *err)
{
    if (answer != NULL) {
        *answer = NULL;
    }
    if (body == NULL && (strcmp(method, "POST") == 0 || strcmp(method, "PATCH") == 0)) {
        return gh_fail(err, GH_ERR_INVALID, "what was given is not UTF-8 text");
    }
    if (body == NULL) {
        return gh_client_send(client, method, path, NULL, (struct gh_bytes){0}, answer, err);
    }
    char *text = json_dumps(body, JSON_COMPACT);
    json_decref(body);
    if (text == NULL) {
        return gh_fail(err, GH_ERR_INVALID, "what was given is not UTF-8 text");
    }
    struct gh_bytes bytes = {(const uint8_t *)text, strlen(text)};
    enum gh_status status =
        gh_client_send(client, method, path, "application/json", bytes, answer, err);
    gh_wipe(text, bytes.size);
    free(text);
    return status;
}

/* --- small helpers
 * -------------------------------------------------------------------------------- */

const char *gh_json_text(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));
    return text != NULL ? text : "";
}

long long gh_json_number(const json_t *object, const char *name)
{
    return (long long)json_integer_value(json_object_get(object, name));
}

enum gh_status gh_json_need_text(const json_t *object, const char *name, const char **out,
                                 struct gh_error *err)
{
    *out = json_string_value(json_object_get(object, name));
    if (*out == NULL) {
        return gh_fail(err, GH_ERR_CORRUPT, "the server's answer has no '%s'", name);
    }
    return GH_OK;
}

void gh_url_put(struct gh_writer *writer, const char *text)
{
    for (; *text != 0; text++) {
        unsigned char byte = (unsigned char)*text;
        bool plain = (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
                     (byte >= '0' && byte <= '9') || strchr("-._~", byte) != NULL;
        if (plain) {
            gh_writer_put_byte(writer, byte);
        } else {
            char hex[4];
            (void)snprintf(hex, sizeof(hex), "%%%02X", byte);
            gh_writer_put_text(writer, hex);
        }
    }
}
