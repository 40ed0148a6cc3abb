/* SPDX-License-Identifier: Apache-2.0 */
/* The transport over libcurl: one connection that is kept, one request at a time, and a way to call
 * it off from another thread. */
#include "gatehouse/http.h"

#include <curl/curl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "gatehouse/clock.h"
#include "gatehouse/file.h"
#include "net/answer.h"

#define POLL_MS 1000 /* nothing waits for it: sockets, curl's timers and cancel wake it up */
#define CONNECT_MS 10000
#define PIN_TEXT_BYTES (sizeof("sha256//") + 44)

struct http {
    CURLM *multi;
    CURL *easy;
    char *base_url;
    const char *host; /* in base_url, behind "://" */
    char *ca_file;    /* NULL: the system's */
    char pin[PIN_TEXT_BYTES];
    bool plain; /* http:// */
    atomic_bool cancelled;
};

/* One exchange. */
struct exchange {
    struct http *http;
    const struct gh_http_request *request;
    uint8_t *body;
    size_t size, capacity, limit;
    bool began;            /* the body goes to the sink, which knows */
    uint64_t sunk;         /* bytes that went there */
    enum gh_status broken; /* why the writing of the body stopped, else GH_OK */
    curl_off_t moved;      /* bytes, in both directions */
    int64_t moved_ns;      /* when one did last */
    struct curl_slist *headers;
    char cause[CURL_ERROR_SIZE];
};

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
static bool make_room(struct exchange *exchange, size_t size)
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

static enum gh_status keep(struct exchange *exchange, const char *data, size_t size)
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
static enum gh_status begin(struct exchange *exchange, long status)
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

static enum gh_status hand_over(struct exchange *exchange, long status, const char *data,
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
    struct exchange *exchange = context;
    long status = 0;
    size *= one;
    curl_easy_getinfo(exchange->http->easy, CURLINFO_RESPONSE_CODE, &status);
    bool sinks = exchange->request->sink != NULL && (status == 200 || status == 206);
    exchange->broken = sinks ? hand_over(exchange, status, data, size) : keep(exchange, data, size);
    return exchange->broken == GH_OK ? size : CURL_WRITEFUNC_ERROR;
}

/* --- the request ------------------------------------------------------------------------------ */

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

static enum gh_status check_request(const struct gh_http_request *request, struct gh_error *err)
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
static bool add_header(struct exchange *exchange, const char *name, const char *value)
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

static bool add_headers(struct exchange *exchange, const struct gh_http_request *request)
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

static void free_headers(struct curl_slist *headers)
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
static CURLcode set_route(const struct http *http)
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

static CURLcode set_request(struct exchange *exchange, const struct gh_http_request *request,
                            const char *url)
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

/* --- the exchange ----------------------------------------------------------------------------- */

/* How long may be waited until nothing has moved for too long, in ms; below 0: that is so. */
static int64_t patience_ms(struct exchange *exchange)
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
static enum gh_status drive(struct exchange *exchange, CURLcode *code)
{
    struct http *http = exchange->http;
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

static enum gh_status fail_exchange(const struct exchange *exchange, CURLcode code,
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

static enum gh_status take_response(struct exchange *exchange, struct gh_http_response *response,
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

static enum gh_status run(struct exchange *exchange, struct gh_http_response *response,
                          struct gh_error *err)
{
    struct http *http = exchange->http;
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
    struct http *http = context;
    *response = (struct gh_http_response){.retry_after_s = -1, .date_s = -1};
    enum gh_status status = check_request(request, err);
    if (status != GH_OK) {
        return status;
    }
    struct exchange exchange = {
        .http = http, .request = request, .limit = request->max_response_bytes, .capacity = 1024};
    GH_CLEANUP_FREE char *url = NULL;
    if (asprintf(&url, "%s%s", http->base_url, request->path) < 0) {
        url = NULL;
    }
    exchange.body = malloc(exchange.capacity);
    curl_easy_reset(http->easy);
    if (url == NULL || exchange.body == NULL || !add_headers(&exchange, request) ||
        set_request(&exchange, request, url) != CURLE_OK) {
        status = gh_fail(err, GH_ERR_NOMEM, "no memory for a request to %s", http->host);
    } else {
        status = run(&exchange, response, err);
    }
    curl_easy_reset(http->easy); /* its options point into what goes now */
    free_headers(exchange.headers);
    free(exchange.body);
    return status;
}

static void cancel(void *context)
{
    struct http *http = context;
    atomic_store(&http->cancelled, true);
    curl_multi_wakeup(http->multi);
}

/* --- making and freeing ----------------------------------------------------------------------- */

static void http_free(void *context)
{
    struct http *http = context;
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
static void format_pin(const uint8_t pin[GH_SHA256_BYTES], char out[PIN_TEXT_BYTES])
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
    struct http *http = calloc(1, sizeof(*http));
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
