/* SPDX-License-Identifier: Apache-2.0 */
/* What comes in of a request: its head, and its body piece by piece. */
#include "server/request_take.h"

#include <microhttpd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/auth.h"

struct query_check {
    const char *allowed;
    bool good;
};

static enum MHD_Result check_argument(void *context, enum MHD_ValueKind kind, const char *key,
                                      const char *value)
{
    struct query_check *check = context;
    char needle[32];
    (void)kind;
    int size = snprintf(needle, sizeof(needle), ",%s,", key);
    if (value == NULL || check->allowed == NULL || size >= (int)sizeof(needle) ||
        strchr(key, ',') != NULL || strstr(check->allowed, needle) == NULL)
        check->good = false;
    return MHD_YES;
}

/* False after having answered. */
static bool check_query(struct gh_request *request)
{
    struct query_check check = {.allowed = request->route->query, .good = true};
    (void)MHD_get_connection_values(request->connection, MHD_GET_ARGUMENT_KIND, check_argument,
                                    &check);
    if (!check.good)
        gh_answer_error(request, MHD_HTTP_BAD_REQUEST, "bad_request",
                        "the query has a parameter that is not known here");
    return check.good;
}

static bool find_route(struct gh_request *request, const char *method)
{
    char allow[GH_ALLOW_BYTES];
    request->route = gh_route_find(strcmp(method, "HEAD") == 0 ? "GET" : method, request, allow);
    if (request->route != NULL)
        return true;
    if (allow[0] == '\0') {
        gh_answer_error(request, MHD_HTTP_NOT_FOUND, "not_found", "there is no such path here");
    } else {
        gh_answer_error(request, MHD_HTTP_METHOD_NOT_ALLOWED, "method_not_allowed",
                        "this path knows other methods");
        gh_answer_header(request, MHD_HTTP_HEADER_ALLOW, allow);
    }
    return false;
}

static void too_large(struct gh_request *request)
{
    gh_answer_error(request, MHD_HTTP_CONTENT_TOO_LARGE, "too_large",
                    "the body is larger than this path takes");
}

void gh_request_look(struct gh_request *request, const char *method)
{
    const char *length = gh_request_header(request, MHD_HTTP_HEADER_CONTENT_LENGTH);
    request->declared = length != NULL ? strtoull(length, NULL, 10) : 0;
    if (!find_route(request, method) ||
        !gh_auth_check(request, gh_request_header(request, MHD_HTTP_HEADER_AUTHORIZATION)) ||
        !check_query(request))
        return;
    if (request->declared > request->route->body_bytes)
        too_large(request);
}

bool gh_request_take(struct gh_request *request, const char *data, size_t size)
{
    size_t limit = request->route != NULL ? request->route->body_bytes : 0;
    if (request->response == NULL && size > limit - request->body_size)
        too_large(request);
    if (request->response != NULL) {
        request->dropped += size;
        return request->dropped <= (size_t)GH_DRAIN_BYTES + limit;
    }
    if (request->body_size + size + 1 > request->body_capacity) {
        size_t wanted = request->body_capacity * 2 + 4096;
        if (wanted < request->body_size + size + 1)
            wanted = request->body_size + size + 1;
        if (wanted < request->declared + 1)
            wanted = (size_t)request->declared + 1;
        uint8_t *larger = realloc(request->body, wanted);
        if (larger == NULL) {
            gh_answer_status(request, GH_ERR_NOMEM);
            return true;
        }
        request->body = larger;
        request->body_capacity = wanted;
    }
    memcpy(request->body + request->body_size, data, size);
    request->body_size += size;
    request->body[request->body_size] = '\0';
    return true;
}
