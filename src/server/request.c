/* SPDX-License-Identifier: Apache-2.0 */
#include "server/request.h"

#include <errno.h>
#include <inttypes.h>
#include <microhttpd.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "gatehouse/clock.h"

/* --- life --- */

struct gh_request *gh_request_new(struct gh_server *server, struct MHD_Connection *connection,
                                  const char *path)
{
    struct gh_request *request = calloc(1, sizeof(*request));
    char *own_path = strdup(path);
    if (request == NULL || own_path == NULL) {
        free(request);
        free(own_path);
        return NULL;
    }
    request->server = server;
    request->connection = connection;
    request->path = own_path;
    return request;
}

static void wipe_text(const json_t *value)
{
    if (json_is_string(value))
        gh_wipe((char *)(uintptr_t)json_string_value(value), json_string_length(value));
}

/* jansson leaves its texts as they are when it frees them. Passwords, tokens and codes are members,
 * or items of one. */
static void wipe_json(json_t *json)
{
    const char *name;
    const json_t *value, *item;
    size_t i;
    json_object_foreach(json, name, value)
    {
        wipe_text(value);
        json_array_foreach(value, i, item)
        {
            wipe_text(item);
        }
    }
}

static void drop_response(struct gh_request *request)
{
    if (request->shared != NULL)
        gh_answer_free(request->shared);
    else if (request->response != NULL)
        MHD_destroy_response(request->response);
    request->shared = NULL;
    request->response = NULL;
}

void gh_request_free(struct gh_request *request)
{
    if (request->gone != NULL)
        request->gone(request->waits_for);
    drop_response(request);
    wipe_json(request->json);
    json_decref(request->json);
    if (request->body != NULL) {
        gh_wipe(request->body, request->body_size);
        free(request->body);
    }
    free(request->path);
    free(request);
}

/* --- reading: the body --- */

GH_PRINTF(2, 3) static bool bad(struct gh_request *request, const char *format, ...)
{
    char message[192];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(message, sizeof(message), format, arguments);
    va_end(arguments);
    gh_answer_error(request, MHD_HTTP_BAD_REQUEST, "bad_request", message);
    return false;
}

/* A member's name as the client wrote it, harmless in an answer. */
static void show_name(const char *name, char out[48])
{
    size_t i = 0;
    for (; i < 40 && name[i] != '\0'; i++)
        out[i] = name[i] >= 0x20 && name[i] < 0x7f ? name[i] : '?';
    out[i] = '\0';
}

static bool parse_body(struct gh_request *request)
{
    json_error_t error;
    const char *text = request->body_size > 0 ? (const char *)request->body : "{}";
    size_t size = request->body_size > 0 ? request->body_size : 2;
    request->json = json_loadb(text, size, JSON_REJECT_DUPLICATES, &error);
    if (request->json == NULL && json_error_code(&error) == json_error_duplicate_key)
        return bad(request, "the body has a member twice");
    if (!json_is_object(request->json))
        return bad(request, "the body is not a JSON object");
    return true;
}

static bool text_fits(const struct gh_member *member, const json_t *value)
{
    size_t size = json_string_length(value);
    const unsigned char *text = (const unsigned char *)json_string_value(value);
    if (!json_is_string(value) || size < (size_t)member->minimum ||
        size > (size_t)member->maximum || strlen((const char *)text) != size)
        return false;
    for (size_t i = 0; member->type == GH_MEMBER_LINE && i < size; i++)
        if (text[i] < 0x20 || text[i] == 0x7f)
            return false;
    *(const char **)member->out = (const char *)text;
    return true;
}

static bool take_member(struct gh_request *request, const struct gh_member *member, json_t *value)
{
    switch (member->type) {
    case GH_MEMBER_LINE:
    case GH_MEMBER_TEXT:
        return text_fits(member, value) ||
               bad(request, "%s must be a text of %" PRId64 " to %" PRId64 " bytes%s", member->name,
                   member->minimum, member->maximum,
                   member->type == GH_MEMBER_LINE ? " on one line" : "");
    case GH_MEMBER_BOOL:
        if (!json_is_boolean(value))
            return bad(request, "%s must be true or false", member->name);
        *(bool *)member->out = json_is_true(value);
        return true;
    case GH_MEMBER_INT:
        if (!json_is_integer(value) || json_integer_value(value) < member->minimum ||
            json_integer_value(value) > member->maximum)
            return bad(request, "%s must be a whole number from %" PRId64 " to %" PRId64,
                       member->name, member->minimum, member->maximum);
        *(int64_t *)member->out = json_integer_value(value);
        return true;
    case GH_MEMBER_ARRAY:
        if (!json_is_array(value) || json_array_size(value) > (size_t)member->maximum)
            return bad(request, "%s must be an array of at most %" PRId64 " items", member->name,
                       member->maximum);
        *(json_t **)member->out = value;
        return true;
    case GH_MEMBER_JSON:
        *(json_t **)member->out = value;
        return true;
    }
    return bad(request, "%s cannot be read", member->name);
}

bool gh_request_members(struct gh_request *request, const struct gh_member *members, size_t count)
{
    const char *name;
    json_t *value;
    char shown[48];
    if (!parse_body(request))
        return false;
    json_object_foreach(request->json, name, value)
    {
        size_t i = 0;
        while (i < count && strcmp(members[i].name, name) != 0)
            i++;
        show_name(name, shown);
        if (i == count)
            return bad(request, "unknown member \"%s\"", shown);
        if (!take_member(request, &members[i], value))
            return false;
    }
    for (size_t i = 0; i < count; i++)
        if (!members[i].optional && json_object_get(request->json, members[i].name) == NULL)
            return bad(request, "the member \"%s\" is missing", members[i].name);
    return true;
}

/* --- reading: the head --- */

const char *gh_request_header(const struct gh_request *request, const char *name)
{
    return MHD_lookup_connection_value(request->connection, MHD_HEADER_KIND, name);
}

const char *gh_request_query(const struct gh_request *request, const char *name)
{
    return MHD_lookup_connection_value(request->connection, MHD_GET_ARGUMENT_KIND, name);
}

bool gh_request_query_number(struct gh_request *request, const char *name, int64_t minimum,
                             int64_t maximum, int64_t *out)
{
    const char *text = gh_request_query(request, name);
    if (text == NULL)
        return true;
    errno = 0;
    long long value = strtoll(text, NULL, 10);
    if (*text == '\0' || text[strspn(text, "0123456789")] != '\0' || errno != 0 ||
        value < minimum || value > maximum)
        return bad(request, "the parameter \"%s\" is not a number in its range", name);
    *out = value;
    return true;
}

bool gh_request_query_id(struct gh_request *request, const char *name, gh_id *out)
{
    const char *text = gh_request_query(request, name);
    if (text == NULL || gh_id_parse(text, strlen(text), out) == GH_OK)
        return true;
    return bad(request, "the parameter \"%s\" is not an identifier", name);
}

/* --- answering --- */

static void set_response(struct gh_request *request, unsigned status, struct MHD_Response *response)
{
    drop_response(request);
    request->response = response;
    request->status = status;
}

bool gh_response_headers(struct MHD_Response *response)
{
    return MHD_add_response_header(response, "X-Content-Type-Options", "nosniff") == MHD_YES &&
           MHD_add_response_header(response, "Referrer-Policy", "no-referrer") == MHD_YES;
}

void gh_answer_header(struct gh_request *request, const char *name, const char *value)
{
    if (request->response != NULL)
        (void)MHD_add_response_header(request->response, name, value);
}

void gh_answer_data(struct gh_request *request, unsigned status, const char *type,
                    struct gh_bytes data)
{
    /* The library does not write to what it copies. */
    set_response(request, status,
                 MHD_create_response_from_buffer(data.size, (void *)(uintptr_t)data.data,
                                                 MHD_RESPMEM_MUST_COPY));
    gh_answer_header(request, MHD_HTTP_HEADER_CONTENT_TYPE, type);
    gh_answer_header(request, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
}

void gh_answer_shared(struct gh_request *request, struct gh_answer *answer)
{
    set_response(request, MHD_HTTP_OK, answer->response);
    request->shared = gh_answer_ref(answer);
}

void gh_answer_empty(struct gh_request *request, unsigned status)
{
    set_response(request, status, MHD_create_response_from_buffer(0, NULL, MHD_RESPMEM_PERSISTENT));
    gh_answer_header(request, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
}

void gh_answer_json(struct gh_request *request, unsigned status, json_t *json)
{
    char *text = json != NULL ? json_dumps(json, JSON_COMPACT) : NULL;
    json_decref(json);
    if (text == NULL) {
        static const char sorry[] = "{\"error\":\"internal\",\"message\":\"out of memory\"}";
        gh_answer_data(request, MHD_HTTP_INTERNAL_SERVER_ERROR, "application/json",
                       (struct gh_bytes){(const uint8_t *)sorry, sizeof(sorry) - 1});
        return;
    }
    set_response(request, status,
                 MHD_create_response_from_buffer(strlen(text), text, MHD_RESPMEM_MUST_FREE));
    if (request->response == NULL)
        free(text);
    gh_answer_header(request, MHD_HTTP_HEADER_CONTENT_TYPE, "application/json");
    gh_answer_header(request, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
}

void gh_answer_descriptor(struct gh_request *request, unsigned status, int fd, uint64_t from,
                          uint64_t size)
{
    set_response(request, status, MHD_create_response_from_fd_at_offset64(size, fd, from));
    if (request->response == NULL)
        close(fd);
}

void gh_answer_error(struct gh_request *request, unsigned status, const char *token,
                     const char *message)
{
    gh_answer_json(request, status, json_pack("{s:s, s:s}", "error", token, "message", message));
    if (status == MHD_HTTP_UNAUTHORIZED)
        gh_answer_header(request, MHD_HTTP_HEADER_WWW_AUTHENTICATE, "Bearer");
}

void gh_answer_retry_after(struct gh_request *request, int64_t seconds)
{
    char text[24];
    snprintf(text, sizeof(text), "%" PRId64, seconds);
    gh_answer_header(request, MHD_HTTP_HEADER_RETRY_AFTER, text);
}

void gh_answer_status(struct gh_request *request, enum gh_status status)
{
    switch (status) {
    case GH_ERR_NOTFOUND:
        gh_answer_error(request, MHD_HTTP_NOT_FOUND, "not_found", "there is no such thing here");
        return;
    case GH_ERR_REFUSED:
    case GH_ERR_EXISTS:
        gh_answer_error(request, MHD_HTTP_CONFLICT, "conflict",
                        status == GH_ERR_EXISTS ? "it is there already"
                                                : "the state it is in does not allow this");
        return;
    case GH_ERR_NOSPACE:
    case GH_ERR_READONLY:
    case GH_ERR_IO:
    case GH_ERR_BUSY:
    case GH_ERR_NOMEM:
        gh_answer_error(request, MHD_HTTP_SERVICE_UNAVAILABLE, "unavailable",
                        status == GH_ERR_NOSPACE ? "the server's disk is full, nothing was stored"
                                                 : "not now, nothing was stored");
        gh_answer_retry_after(request, 30);
        return;
    default:
        gh_answer_error(request, MHD_HTTP_INTERNAL_SERVER_ERROR, "internal",
                        "something went wrong in the server, its log says what");
    }
}

json_t *gh_json_id(gh_id id)
{
    char text[GH_ID_TEXT_BYTES];
    if (id == 0)
        return json_null();
    gh_id_format(id, text);
    return json_string(text);
}

json_t *gh_json_time(int64_t seconds)
{
    char text[GH_TIME_TEXT_BYTES];
    if (seconds == 0)
        return json_null();
    gh_time_format(seconds, text);
    return json_string(text);
}
