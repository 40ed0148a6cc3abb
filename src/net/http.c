/* SPDX-License-Identifier: Apache-2.0 */
/* The transport over libcurl: one connection that is kept, one request at a time, and a way to call
 * it off from another thread. */
#include "gatehouse/http.h"

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "gatehouse/clock.h"
#include "gatehouse/file.h"
#include "net/answer.h"
#include "net/http_parts.h"

#define POLL_MS 1000 /* nothing waits for it: sockets, curl's timers and cancel wake it up */

enum gh_status gh_http_global_init(void)
{
    return curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK ? GH_OK : GH_ERR_NOMEM;
}

void gh_http_response_free(struct gh_http_response *response)
{
    free(response->body);
    *response = (struct gh_http_response){.retry_after_s = -1, .date_s = -1};
}

/* --- the body that comes in ------------------------------------------------------------------- */

/* All of it at once where the answer says how long it is; else twice as much each time. */
static bool make_room(struct gh_exchange *exchange, size_t size)
{
    if (size < exchange->capacity - exchange->size) { /* one byte is left for the NUL */
        return true;
    }
    curl_off_t said = -1;
    size_t wanted = exchange->capacity * 2;
    if (wanted < exchange->size + size + 1) {
        wanted = exchange->size + size + 1;
    }
    curl_easy_getinfo(exchange->http->easy, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &said);
    if (said > 0 && (uint64_t)said >= wanted && (uint64_t)said <= exchange->limit) {
        wanted = (size_t)said + 1;
    }
    if (wanted - 1 > exchange->limit) {
        wanted = exchange->limit + 1;
    }
    uint8_t *bigger = realloc(exchange->body, wanted);
    if (bigger == NULL) {
        return false;
    }
    exchange->body = bigger;
    exchange->capacity = wanted;
    return true;
}

static enum gh_status keep(struct gh_exchange *exchange, const char *data, size_t size)
{
    if (size > exchange->limit - exchange->size) {
        return GH_ERR_TOOBIG;
    }
    if (!make_room(exchange, size)) {
        return GH_ERR_NOMEM;
    }
    memcpy(exchange->body + exchange->size, data, size);
    exchange->size += size;
    return GH_OK;
}

/* Where the answer's first byte belongs, and whether it is the one that was asked for. */
static enum gh_status begin(struct gh_exchange *exchange, long status)
{
    const struct gh_http_request *request = exchange->request;
    uint64_t from = 0;
    if (status == 206 &&
        (request->range_from == 0 || !gh_answer_range(exchange->http->easy, &from) ||
         from != request->range_from)) {
        return GH_ERR_NETWORK;
    }
    exchange->began = true;
    return request->begin == NULL || request->begin(request->sink_context, (int)status, from)
               ? GH_OK
               : GH_ERR_AGAIN;
}

static enum gh_status hand_over(struct gh_exchange *exchange, long status, const char *data,
                                size_t size)
{
    const struct gh_http_request *request = exchange->request;
    if (size > exchange->limit - exchange->sunk) {
        return GH_ERR_TOOBIG;
    }
    enum gh_status began = exchange->began ? GH_OK : begin(exchange, status);
    if (began != GH_OK) {
        return began;
    }
    exchange->sunk += size;
    struct gh_bytes piece = {(const uint8_t *)data, size};
    return request->sink(request->sink_context, piece) ? GH_OK : GH_ERR_AGAIN;
}

static size_t on_body(char *data, size_t one, size_t size, void *context)
{
    struct gh_exchange *exchange = context;
    long status = 0;
    size *= one;
    curl_easy_getinfo(exchange->http->easy, CURLINFO_RESPONSE_CODE, &status);
    bool sinks = exchange->request->sink != NULL && (status == 200 || status == 206);
    exchange->broken = sinks ? hand_over(exchange, status, data, size) : keep(exchange, data, size);
    return exchange->broken == GH_OK ? size : CURL_WRITEFUNC_ERROR;
}

/* --- the exchange ----------------------------------------------------------------------------- */

/* How long may be waited until nothing has moved for too long, in ms; below 0: that is so. */
static int64_t patience_ms(struct gh_exchange *exchange)
{
    CURL *easy = exchange->http->easy;
    curl_off_t down = 0, up = 0;
    long head = 0;
    int64_t now_ns = gh_clock_monotonic_ns(gh_clock_system());
    if (exchange->request->stall_ms == 0) {
        return POLL_MS;
    }
    curl_easy_getinfo(easy, CURLINFO_SIZE_DOWNLOAD_T, &down);
    curl_easy_getinfo(easy, CURLINFO_SIZE_UPLOAD_T, &up);
    curl_easy_getinfo(easy, CURLINFO_HEADER_SIZE, &head);
    if (exchange->moved != down + up + head) {
        exchange->moved = down + up + head;
        exchange->moved_ns = now_ns;
    }
    int64_t left_ms = exchange->request->stall_ms - (now_ns - exchange->moved_ns) / GH_NS_PER_MS;
    return left_ms < POLL_MS ? left_ms : POLL_MS;
}

/* Runs the transfer to its end. GH_OK: *code is its result. */
static enum gh_status drive(struct gh_exchange *exchange, CURLcode *code)
{
    struct gh_http *http = exchange->http;
    exchange->moved_ns = gh_clock_monotonic_ns(gh_clock_system());
    for (;;) {
        int running = 0, waiting = 0;
        /* Looked at before each wait: a wake-up that comes between look and wait ends the wait. */
        if (atomic_exchange(&http->cancelled, false)) {
            return GH_ERR_AGAIN;
        }
        if (curl_multi_perform(http->multi, &running) != CURLM_OK) {
            return GH_ERR_NOMEM;
        }
        CURLMsg *message;
        while ((message = curl_multi_info_read(http->multi, &waiting)) != NULL) {
            if (message->msg == CURLMSG_DONE) {
                *code = message->data.result;
                return GH_OK;
            }
        }
        int64_t wait_ms = patience_ms(exchange);
        if (wait_ms <= 0) {
            return GH_ERR_TIMEOUT;
        }
        if (curl_multi_poll(http->multi, NULL, 0, (int)wait_ms, NULL) != CURLM_OK) {
            return GH_ERR_NOMEM;
        }
    }
}

static enum gh_status status_of(CURLcode code)
{
    switch (code) {
    case CURLE_OK:
        return GH_OK;
    case CURLE_OUT_OF_MEMORY:
        return GH_ERR_NOMEM;
    case CURLE_OPERATION_TIMEDOUT:
        return GH_ERR_TIMEOUT;
    case CURLE_URL_MALFORMAT:
        return GH_ERR_INVALID;
    default:
        return GH_ERR_NETWORK;
    }
}

static enum gh_status fail_exchange(const struct gh_exchange *exchange, CURLcode code,
                                    struct gh_error *err)
{
    const char *host = exchange->http->host;
    switch (exchange->broken) {
    case GH_OK:
        break;
    case GH_ERR_TOOBIG:
        return gh_fail(err, GH_ERR_TOOBIG, "%s sent more than %zu bytes", host, exchange->limit);
    case GH_ERR_AGAIN:
        return gh_fail(err, GH_ERR_AGAIN, "the answer of %s was broken off", host);
    case GH_ERR_NETWORK:
        return gh_fail(err, GH_ERR_NETWORK, "%s sent a part that was not asked for", host);
    default:
        return gh_fail(err, exchange->broken, "no memory for the answer of %s", host);
    }
    return gh_fail(err, status_of(code), "%s: %s", host,
                   exchange->cause[0] != '\0' ? exchange->cause : curl_easy_strerror(code));
}

static enum gh_status take_response(struct gh_exchange *exchange, struct gh_http_response *response,
                                    struct gh_error *err)
{
    CURL *easy = exchange->http->easy;
    long status = 0;
    curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
    if (status < 200 || !gh_answer_is_whole(easy, status)) {
        return gh_fail(err, GH_ERR_NETWORK, "%s sent an answer that does not say where it ends",
                       exchange->http->host);
    }
    exchange->body[exchange->size] = 0;
    response->status = (int)status;
    response->body = exchange->body;
    response->size = exchange->size;
    response->retry_after_s = gh_answer_retry_after_s(easy);
    gh_answer_content_type(easy, response->content_type);
    response->date_s = gh_answer_date_s(easy);
    exchange->body = NULL;
    return GH_OK;
}

static enum gh_status run(struct gh_exchange *exchange, struct gh_http_response *response,
                          struct gh_error *err)
{
    struct gh_http *http = exchange->http;
    if (curl_multi_add_handle(http->multi, http->easy) != CURLM_OK) {
        return gh_fail(err, GH_ERR_NOMEM, "no memory for a request to %s", http->host);
    }
    CURLcode code = CURLE_OK;
    enum gh_status status = drive(exchange, &code);
    if (status == GH_ERR_AGAIN) {
        gh_fail(err, status, "the request to %s was called off", http->host);
    } else if (status == GH_ERR_TIMEOUT) {
        gh_fail(err, status, "%s: nothing came or went for %" PRId64 " ms", http->host,
                exchange->request->stall_ms);
    } else if (status != GH_OK) {
        gh_fail(err, status, "the request to %s cannot go on: %s", http->host,
                gh_status_text(status));
    } else if (code != CURLE_OK || exchange->broken != GH_OK) {
        status = fail_exchange(exchange, code, err);
    } else {
        status = take_response(exchange, response, err);
    }
    curl_multi_remove_handle(http->multi, http->easy); /* keeps a connection that still is good */
    return status;
}

static enum gh_status perform(void *context, const struct gh_http_request *request,
                              struct gh_http_response *response, struct gh_error *err)
{
    struct gh_http *http = context;
    *response = (struct gh_http_response){.retry_after_s = -1, .date_s = -1};
    enum gh_status status = gh_http_request_check(request, err);
    if (status != GH_OK) {
        return status;
    }
    struct gh_exchange exchange = {
        .http = http, .request = request, .limit = request->max_response_bytes, .capacity = 1024};
    GH_CLEANUP_FREE char *url = NULL;
    if (asprintf(&url, "%s%s", http->base_url, request->path) < 0) {
        url = NULL;
    }
    exchange.body = malloc(exchange.capacity);
    curl_easy_reset(http->easy);
    if (url == NULL || exchange.body == NULL || !gh_http_request_set(&exchange, url, on_body)) {
        status = gh_fail(err, GH_ERR_NOMEM, "no memory for a request to %s", http->host);
    } else {
        status = run(&exchange, response, err);
    }
    curl_easy_reset(http->easy); /* its options point into what goes now */
    gh_http_headers_free(exchange.headers);
    free(exchange.body);
    return status;
}

static void cancel(void *context)
{
    struct gh_http *http = context;
    atomic_store(&http->cancelled, true);
    curl_multi_wakeup(http->multi);
}

/* --- making and freeing ----------------------------------------------------------------------- */

static void http_free(void *context)
{
    struct gh_http *http = context;
    if (http == NULL) {
        return;
    }
    curl_easy_cleanup(http->easy);
    curl_multi_cleanup(http->multi);
    free(http->base_url);
    free(http->ca_file);
    free(http);
}

/* RFC 4648 section 4, padded, as libcurl wants it: of 32 bytes always 43 digits and one `=`. Its
 * alphabet is base64url's but for two digits. */
static void format_pin(const uint8_t pin[GH_SHA256_BYTES], char out[GH_PIN_TEXT_BYTES])
{
    char *digits = stpcpy(out, "sha256//");
    gh_base64url_encode(pin, GH_SHA256_BYTES, digits);
    for (char *digit = digits; *digit != '\0'; digit++) {
        *digit = *digit == '-' ? '+' : *digit == '_' ? '/' : *digit;
    }
    stpcpy(digits + strlen(digits), "=");
}

static enum gh_status check_options(const struct gh_http_options *options, struct gh_error *err)
{
    enum gh_status status = gh_http_check_url(options->base_url, options->allow_insecure, err);
    if (status != GH_OK) {
        return status;
    }
    bool plain = strncasecmp(options->base_url, "http:", 5) == 0;
    if (plain && options->pin != NULL) {
        return gh_fail(err, GH_ERR_INVALID, "a pinned key needs https://, not http://");
    }
    if (options->ca_file != NULL && options->ca_file[0] != '\0' &&
        access(options->ca_file, R_OK) != 0) {
        return gh_fail(err, GH_ERR_NOTFOUND, "cannot read the certificates in %s",
                       options->ca_file);
    }
    return GH_OK;
}

enum gh_status gh_http_new(const struct gh_http_options *options, struct gh_transport *out,
                           struct gh_error *err)
{
    *out = (struct gh_transport){0};
    enum gh_status status = check_options(options, err);
    if (status != GH_OK) {
        return status;
    }
    struct gh_http *http = calloc(1, sizeof(*http));
    if (http == NULL) {
        return gh_fail(err, GH_ERR_NOMEM, "no memory for the transport");
    }
    atomic_init(&http->cancelled, false);
    http->plain = strncasecmp(options->base_url, "http:", 5) == 0;
    http->base_url = strdup(options->base_url);
    bool with_ca = options->ca_file != NULL && options->ca_file[0] != '\0';
    http->ca_file = with_ca ? strdup(options->ca_file) : NULL;
    http->multi = curl_multi_init();
    http->easy = curl_easy_init();
    if (http->base_url == NULL || (with_ca && http->ca_file == NULL) || http->multi == NULL ||
        http->easy == NULL) {
        http_free(http);
        return gh_fail(err, GH_ERR_NOMEM, "no memory for the transport");
    }
    http->host = strstr(http->base_url, "://") + 3;
    if (options->pin != NULL) {
        format_pin(options->pin, http->pin);
    }
    *out = (struct gh_transport){
        .perform = perform, .cancel = cancel, .free = http_free, .context = http};
    return GH_OK;
}
