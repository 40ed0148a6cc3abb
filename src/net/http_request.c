/* SPDX-License-Identifier: Apache-2.0 */
/* A request, as libcurl's options: what is asked for, and of whom alone. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gatehouse/file.h"
#include "net/http_parts.h"

#define CONNECT_MS 10000

/* What goes into a request's head: nothing that could end a line and begin another header. */
static bool plain_text(const char *text)
{
    for (; *text != '\0'; text++) {
        if (*text < 0x20 || *text > 0x7e) {
            return false;
        }
    }
    return true;
}

enum gh_status gh_http_request_check(const struct gh_http_request *request, struct gh_error *err)
{
    static const char *const methods[] = {"GET", "POST", "PUT", "PATCH", "DELETE"};
    size_t i = 0;
    while (i < GH_ARRAY_SIZE(methods) && strcmp(request->method, methods[i]) != 0) {
        i++;
    }
    if (i == GH_ARRAY_SIZE(methods) || request->path[0] != '/' || !plain_text(request->path) ||
        strpbrk(request->path, " #") != NULL || request->timeout_ms <= 0 || request->stall_ms < 0 ||
        request->range_from > INT64_MAX ||
        (request->content_encoding != NULL && !plain_text(request->content_encoding)) ||
        (request->content_type != NULL && !plain_text(request->content_type)) ||
        (request->bearer != NULL && !plain_text(request->bearer))) {
        return gh_fail(err, GH_ERR_INVALID, "a request that cannot be made");
    }
    return GH_OK;
}

/* Adds "name: value"; the text is wiped, as it may hold a secret. */
static bool add_header(struct gh_exchange *exchange, const char *name, const char *value)
{
    char *line;
    if (asprintf(&line, "%s%s", name, value) < 0) {
        return false;
    }
    struct curl_slist *longer = curl_slist_append(exchange->headers, line);
    gh_wipe(line, strlen(line));
    free(line);
    if (longer == NULL) {
        return false;
    }
    exchange->headers = longer;
    return true;
}

static bool add_headers(struct gh_exchange *exchange, const struct gh_http_request *request)
{
    char range[40];
    (void)snprintf(range, sizeof(range), "bytes=%" PRIu64 "-", request->range_from);
    /* "Expect:" alone takes out the waiting for 100 Continue that libcurl would put before a larger
     * body; "Content-Type:" its guess at a type. */
    return add_header(exchange, "Expect:", "") &&
           add_header(exchange, request->content_type != NULL ? "Content-Type: " : "Content-Type:",
                      request->content_type != NULL ? request->content_type : "") &&
           (request->content_encoding == NULL ||
            add_header(exchange, "Content-Encoding: ", request->content_encoding)) &&
           (request->range_from == 0 || add_header(exchange, "Range: ", range)) &&
           (request->bearer == NULL ||
            add_header(exchange, "Authorization: Bearer ", request->bearer));
}

void gh_http_headers_free(struct curl_slist *headers)
{
    for (struct curl_slist *header = headers; header != NULL; header = header->next) {
        gh_wipe(header->data, strlen(header->data));
    }
    curl_slist_free_all(headers);
}

static long clamp_ms(int64_t ms)
{
    return ms > INT32_MAX ? INT32_MAX : (long)ms;
}

/* Whatever the environment or somebody's files say: this server, and no other way to it. */
static CURLcode set_route(const struct gh_http *http)
{
    CURL *easy = http->easy;
    CURLcode code = CURLE_OK;
#define SET(option, value) code = code != CURLE_OK ? code : curl_easy_setopt(easy, option, value)
    SET(CURLOPT_NOSIGNAL, 1L);
    SET(CURLOPT_QUICK_EXIT, 1L); /* a cancelled request does not wait for the resolver's thread */
    SET(CURLOPT_PROTOCOLS_STR, http->plain ? "http" : "https");
    SET(CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    SET(CURLOPT_HTTP09_ALLOWED, 0L);
    SET(CURLOPT_FOLLOWLOCATION, 0L);
    SET(CURLOPT_DISALLOW_USERNAME_IN_URL, 1L);
    SET(CURLOPT_PROXY, "");
    SET(CURLOPT_NOPROXY, "*");
    SET(CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
    /* A request that waits for news is silence, which some routers forget after half a minute. */
    SET(CURLOPT_TCP_KEEPALIVE, 1L);
    SET(CURLOPT_TCP_KEEPIDLE, 20L);
    SET(CURLOPT_TCP_KEEPINTVL, 10L);
    SET(CURLOPT_USERAGENT, "gatehouse/" GH_VERSION);
    SET(CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    if (http->ca_file != NULL) {
        SET(CURLOPT_CAINFO, http->ca_file);
        SET(CURLOPT_CAPATH, NULL); /* else the system's folder would be trusted besides */
    }
    bool by_name = http->pin[0] == '\0';
    if (!by_name) {
        SET(CURLOPT_PINNEDPUBLICKEY, http->pin);
    }
    SET(CURLOPT_SSL_VERIFYPEER, by_name ? 1L : 0L);
    SET(CURLOPT_SSL_VERIFYHOST, by_name ? 2L : 0L);
    return code;
}

static CURLcode set_request(struct gh_exchange *exchange, const struct gh_http_request *request,
                            const char *url, curl_write_callback on_body)
{
    CURL *easy = exchange->http->easy;
    CURLcode code = set_route(exchange->http);
    SET(CURLOPT_URL, url);
    SET(CURLOPT_PATH_AS_IS, 1L);
    SET(CURLOPT_TIMEOUT_MS, clamp_ms(request->timeout_ms));
    SET(CURLOPT_CONNECTTIMEOUT_MS,
        clamp_ms(request->timeout_ms < CONNECT_MS ? request->timeout_ms : CONNECT_MS));
    SET(CURLOPT_HTTPHEADER, exchange->headers);
    SET(CURLOPT_ERRORBUFFER, exchange->cause);
    SET(CURLOPT_WRITEFUNCTION, on_body);
    SET(CURLOPT_WRITEDATA, exchange);
    if (request->body.size > 0 || strcmp(request->method, "POST") == 0 ||
        strcmp(request->method, "PUT") == 0) {
        SET(CURLOPT_POST, 1L);
        SET(CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body.size);
        SET(CURLOPT_POSTFIELDS, request->body.size > 0 ? (const char *)request->body.data : "");
    }
    SET(CURLOPT_CUSTOMREQUEST, request->method);
#undef SET
    return code;
}

bool gh_http_request_set(struct gh_exchange *exchange, const char *url, curl_write_callback on_body)
{
    const struct gh_http_request *request = exchange->request;
    return add_headers(exchange, request) &&
           set_request(exchange, request, url, on_body) == CURLE_OK;
}
