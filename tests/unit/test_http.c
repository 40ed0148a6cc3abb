/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <microhttpd.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "fakes/fault_server.h"
#include "gatehouse/clock.h"
#include "gatehouse/http.h"

#define BEARER "0123456789abcdef.this-is-the-secret"
#define LIMIT_BYTES ((size_t)1 << 20)

static int64_t now_ms(void)
{
    return gh_clock_monotonic_ns(gh_clock_system()) / GH_NS_PER_MS;
}

static struct gh_transport transport_to(const char *url)
{
    struct gh_http_options options = {.base_url = url};
    struct gh_transport transport;
    struct gh_error err = {0};
    if (gh_http_new(&options, &transport, &err) != GH_OK) {
        fail_msg("%s: %s", url, err.text);
    }
    return transport;
}

static struct gh_http_request get(const char *path)
{
    return (struct gh_http_request){.method = "GET",
                                    .path = path,
                                    .bearer = BEARER,
                                    .timeout_ms = 20000,
                                    .max_response_bytes = LIMIT_BYTES};
}

/* Performs, and checks what holds after any end. */
static enum gh_status perform(const struct gh_transport *transport,
                              const struct gh_http_request *request,
                              struct gh_http_response *response)
{
    struct gh_error err = {0};
    memset(response, 0xee, sizeof(*response));
    enum gh_status status = transport->perform(transport->context, request, response, &err);
    assert_int_equal(err.status, status);
    if (status == GH_OK) {
        assert_non_null(response->body);
        assert_int_equal(response->body[response->size], 0);
    } else {
        assert_null(response->body);
        assert_int_equal(response->size, 0);
        assert_int_equal(response->status, 0);
        assert_true(strlen(err.text) > 0);
        assert_null(strstr(err.text, "this-is-the-secret"));
        if (status != GH_ERR_INVALID && strstr(err.text, "127.0.0.1:") == NULL &&
            strstr(err.text, "localhost:") == NULL) {
            fail_msg("no host in: %s", err.text);
        }
    }
    return status;
}

/* One GET that must end so; returns the answer's status. */
static int expect(const struct gh_transport *transport, enum gh_status expected)
{
    struct gh_http_request request = get("/api/v1/x");
    struct gh_http_response response;
    enum gh_status status = perform(transport, &request, &response);
    if (status != expected) {
        fail_msg("%s instead of %s", gh_status_text(status), gh_status_text(expected));
    }
    int http_status = status == GH_OK ? response.status : 0;
    gh_http_response_free(&response);
    return http_status;
}

struct pair {
    struct fault_server *server;
    struct gh_transport transport;
};

static int start_pair(void **state)
{
    struct pair *pair = calloc(1, sizeof(*pair));
    if (pair == NULL) {
        return -1;
    }
    pair->server = fault_server_start(NULL, NULL);
    pair->transport = transport_to(fault_server_url(pair->server));
    *state = pair;
    return 0;
}

static int stop_pair(void **state)
{
    struct pair *pair = *state;
    pair->transport.free(pair->transport.context);
    fault_server_stop(pair->server);
    free(pair);
    return 0;
}

/* --- what goes well --------------------------------------------------------------------------- */

static void a_request_is_made_as_said(void **state)
{
    struct pair *pair = *state;
    struct gh_http_request request = get("/api/v1/list?after=a%20b");
    struct gh_http_response response;
    char head[4096];
    assert_int_equal(perform(&pair->transport, &request, &response), GH_OK);
    assert_int_equal(response.status, 200);
    assert_string_equal((char *)response.body, "GET /api/v1/list?after=a%20b\n");
    assert_int_equal(response.size, strlen((char *)response.body));
    assert_int_equal(response.retry_after_s, -1);
    gh_http_response_free(&response);
    gh_http_response_free(&response);
    assert_null(response.body);
    fault_server_last_head(pair->server, head, sizeof(head));
    assert_non_null(strstr(head, "GET /api/v1/list?after=a%20b HTTP/1.1\r\n"));
    assert_non_null(strstr(head, "\r\nAuthorization: Bearer " BEARER "\r\n"));
    assert_non_null(strstr(head, "\r\nHost: 127.0.0.1:"));
    assert_non_null(strstr(head, "\r\nUser-Agent: gatehouse/"));
    assert_null(strstr(head, "Content-Type"));
    request.bearer = NULL;
    assert_int_equal(perform(&pair->transport, &request, &response), GH_OK);
    gh_http_response_free(&response);
    fault_server_last_head(pair->server, head, sizeof(head));
    assert_null(strstr(head, "Authorization"));
}

static void every_method_carries_its_body(void **state)
{
    struct pair *pair = *state;
    static const struct {
        const char *method, *body, *length;
    } cases[] = {
        {"POST", "{\"a\":1}", "\r\nContent-Length: 7\r\n"},
        {"PUT", "{\"b\":22}", "\r\nContent-Length: 8\r\n"},
        {"POST", "", "\r\nContent-Length: 0\r\n"},
        {"PUT", "", "\r\nContent-Length: 0\r\n"},
        {"DELETE", "", NULL},
        {"DELETE", "x", "\r\nContent-Length: 1\r\n"},
        {"GET", "", NULL},
    };
    for (size_t i = 0; i < GH_ARRAY_SIZE(cases); i++) {
        struct gh_http_request request = get("/p");
        struct gh_http_response response;
        char head[4096], expected[64];
        size_t size = strlen(cases[i].body);
        request.method = cases[i].method;
        request.body = (struct gh_bytes){(const uint8_t *)cases[i].body, size};
        request.content_type = size > 0 ? "application/json" : NULL;
        assert_int_equal(perform(&pair->transport, &request, &response), GH_OK);
        snprintf(expected, sizeof(expected), "%s /p\n%s", cases[i].method, cases[i].body);
        assert_string_equal((char *)response.body, expected);
        gh_http_response_free(&response);
        fault_server_last_head(pair->server, head, sizeof(head));
        assert_true(cases[i].length == NULL ? strstr(head, "Content-Length") == NULL
                                            : strstr(head, cases[i].length) != NULL);
        assert_true((strstr(head, "\r\nContent-Type: application/json\r\n") != NULL) == (size > 0));
        assert_true((strstr(head, "Content-Type") != NULL) == (size > 0));
        assert_null(strcasestr(head, "Expect"));
    }
}

static void a_large_body_comes_through_whole(void **state)
{
    struct pair *pair = *state;
    struct gh_http_request request = get("/big");
    struct gh_http_response response;
    size_t size = LIMIT_BYTES - strlen("POST /big\n");
    uint8_t *data = malloc(size);
    assert_non_null(data);
    for (size_t i = 0; i < size; i++) {
        data[i] = (uint8_t)(i * 2654435761u >> 13); /* NULs and line ends among it */
    }
    request.method = "POST";
    request.content_type = "application/cbor-seq";
    request.body = (struct gh_bytes){data, size};
    assert_int_equal(perform(&pair->transport, &request, &response), GH_OK); /* to the byte */
    assert_int_equal(response.size, LIMIT_BYTES);
    assert_memory_equal(response.body + strlen("POST /big\n"), data, size);
    gh_http_response_free(&response);
    request.max_response_bytes = LIMIT_BYTES - 1;
    assert_int_equal(perform(&pair->transport, &request, &response), GH_ERR_TOOBIG);
    free(data);
}

/* libcurl would ask first, and wait a second for servers that do not know the question. */
static void nobody_waits_for_a_100_continue(void **state)
{
    struct pair *pair = *state;
    struct gh_http_request request = get("/big");
    struct gh_http_response response;
    char head[4096];
    size_t size = 3 * LIMIT_BYTES;
    uint8_t *data = calloc(1, size);
    assert_non_null(data);
    request.method = "POST";
    request.body = (struct gh_bytes){data, size};
    request.max_response_bytes = size + 100;
    assert_int_equal(perform(&pair->transport, &request, &response), GH_OK);
    assert_true(response.size > size);
    fault_server_last_head(pair->server, head, sizeof(head));
    assert_null(strcasestr(head, "Expect"));
    gh_http_response_free(&response);
    free(data);
}

static void one_connection_is_kept(void **state)
{
    struct pair *pair = *state;
    for (int i = 0; i < 10; i++) {
        assert_int_equal(expect(&pair->transport, GH_OK), 200);
    }
    fault_server_set(pair->server, FAULT_500);
    assert_int_equal(expect(&pair->transport, GH_OK), 500);
    assert_int_equal(fault_server_requests(pair->server), 11);
    assert_int_equal(fault_server_connections(pair->server), 1);
}

static struct fault_answer answer_oddly(void *context, const struct fault_request *request)
{
    const char *text = context;
    (void)request;
    return (struct fault_answer){.bytes = strdup(text), .size = strlen(text)};
}

/* One answer, word for word. */
static enum gh_status answered_with(const char *text, struct gh_http_response *response)
{
    struct fault_server *server = fault_server_start(answer_oddly, (void *)(uintptr_t)text);
    struct gh_transport transport = transport_to(fault_server_url(server));
    struct gh_http_request request = get("/x");
    request.timeout_ms = 500;
    enum gh_status status = perform(&transport, &request, response);
    transport.free(transport.context);
    fault_server_stop(server);
    return status;
}

static void answers_are_read_as_http_says(void **state)
{
    static const struct {
        const char *text;
        enum gh_status status;
        int http_status;
        int64_t retry_after_s;
        const char *body;
    } cases[] = {
        {"HTTP/1.1 204 No Content\r\n\r\n", GH_OK, 204, -1, ""},
        {"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", GH_OK, 200, -1, ""},
        {"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n",
         GH_OK, 200, -1, "abcde"},
        {"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 201 Created\r\nContent-Length: 2\r\n\r\nok", GH_OK,
         201, -1, "ok"},
        {"HTTP/1.1 503 X\r\nretry-after: 0\r\nContent-Length: 0\r\n\r\n", GH_OK, 503, 0, ""},
        {"HTTP/1.1 429 X\r\nRetry-After:  120 \r\nContent-Length: 0\r\n\r\n", GH_OK, 429, 120, ""},
        {"HTTP/1.1 503 X\r\nRetry-After: 99999999999999999999\r\nContent-Length: 0\r\n\r\n", GH_OK,
         503, 999999999, ""},
        {"HTTP/1.1 503 X\r\nRetry-After: -5\r\nContent-Length: 0\r\n\r\n", GH_OK, 503, -1, ""},
        {"HTTP/1.1 503 X\r\nRetry-After: Fri, 31 Dec 2100 23:59:59 GMT\r\nContent-Length: "
         "0\r\n\r\n",
         GH_OK, 503, -1, ""},
        /* broken ones */
        {"HTTP/1.1 200 OK\r\nContent-Length: banana\r\n\r\nx", GH_ERR_NETWORK, 0, -1, NULL},
        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nabc", GH_ERR_NETWORK, 0, -1,
         NULL},
        {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabc", GH_ERR_TIMEOUT, 0, -1, NULL},
        {"HTTP/1.1 100 Continue\r\n\r\n", GH_ERR_TIMEOUT, 0, -1, NULL},
        {"\r\n\r\n", GH_ERR_NETWORK, 0, -1, NULL},
        {"<html>Welcome to our hotel</html>", GH_ERR_NETWORK, 0, -1, NULL},
        {"SSH-2.0-OpenSSH_9.2\r\n", GH_ERR_NETWORK, 0, -1, NULL},
    };
    (void)state;
    for (size_t i = 0; i < GH_ARRAY_SIZE(cases); i++) {
        struct gh_http_response response;
        enum gh_status status = answered_with(cases[i].text, &response);
        if (status != cases[i].status || response.status != cases[i].http_status ||
            response.retry_after_s != cases[i].retry_after_s) {
            fail_msg("%s: %s %d %lld", cases[i].text, gh_status_text(status), response.status,
                     (long long)response.retry_after_s);
        }
        if (status == GH_OK) {
            assert_string_equal((char *)response.body, cases[i].body);
        }
        gh_http_response_free(&response);
    }
}

static void the_type_of_an_answer_is_told(void **state)
{
    static const struct {
        const char *header, *type;
    } cases[] = {
        {"", ""},
        {"Content-Type: application/json\r\n", "application/json"},
        {"content-type: Application/JSON; charset=utf-8\r\n", "application/json"},
        {"Content-Type: text/html ;q\r\n", "text/html"},
        {"Content-Type:\r\n", ""},
        {"Content-Type: "
         "a/bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb\r\n",
         ""},
    };
    (void)state;
    for (size_t i = 0; i < GH_ARRAY_SIZE(cases); i++) {
        struct gh_http_response response;
        char text[256];
        snprintf(text, sizeof(text), "HTTP/1.1 200 OK\r\n%sContent-Length: 2\r\n\r\nok",
                 cases[i].header);
        assert_int_equal(answered_with(text, &response), GH_OK);
        assert_string_equal(response.content_type, cases[i].type);
        gh_http_response_free(&response);
    }
}

/* --- what goes wrong -------------------------------------------------------------------------- */

static void every_fault_has_its_status(void **state)
{
    struct pair *pair = *state;
    static const struct {
        enum fault fault;
        enum gh_status status;
        int http_status;
    } cases[] = {
        {FAULT_NONE, GH_OK, 200},
        {FAULT_500, GH_OK, 500},
        {FAULT_503, GH_OK, 503},
        {FAULT_HALF, GH_ERR_NETWORK, 0},
        {FAULT_GARBAGE, GH_ERR_NETWORK, 0},
        {FAULT_CLOSE, GH_ERR_NETWORK, 0},
        {FAULT_OVERSIZED, GH_ERR_TOOBIG, 0},
        {FAULT_UNENDED, GH_ERR_NETWORK, 0},
        {FAULT_REDIRECT, GH_OK, 302},
    };
    for (size_t i = 0; i < GH_ARRAY_SIZE(cases); i++) {
        fault_server_set(pair->server, cases[i].fault);
        struct gh_http_request request = get("/x");
        struct gh_http_response response;
        enum gh_status status = perform(&pair->transport, &request, &response);
        if (status != cases[i].status || response.status != cases[i].http_status) {
            fail_msg("fault %d: %s %d", (int)cases[i].fault, gh_status_text(status),
                     response.status);
        }
        gh_http_response_free(&response);
        /* Whatever happened, the next request is a new one. */
        fault_server_set(pair->server, FAULT_NONE);
        assert_int_equal(expect(&pair->transport, GH_OK), 200);
    }
}

static void redirects_are_not_followed(void **state)
{
    struct pair *pair = *state;
    fault_server_set(pair->server, FAULT_REDIRECT);
    assert_int_equal(expect(&pair->transport, GH_OK), 302);
    assert_int_equal(fault_server_requests(pair->server), 1);
}

static void date_is_read(void **state)
{
    static const struct {
        const char *text;
        int64_t date_s;
    } cases[] = {
        {"Sun, 06 Nov 1994 08:49:37 GMT", 784111777},
        {"Thu, 01 Jan 1970 00:00:00 GMT", 0},
        {"Fri, 31 Dec 2100 23:59:59 GMT", 4133980799},
        {"Sun, 06 Nov 1994 08:49:37 GMT+1", -1},
        {"Sun, 06 Nov 1994 08:49:37", -1},
        {"Sunday, 06-Nov-94 08:49:37 GMT", -1},
        {"Sun Nov  6 08:49:37 1994", -1},
        {"Sun, 31 Feb 1994 08:49:37 GMT", -1},
        {"Sun, 06 anF 1994 08:49:37 GMT", -1},
        {"Wed, 31 Dec 1969 23:59:59 GMT", -1},
        {"784111777", -1},
        {"", -1},
    };
    (void)state;
    for (size_t i = 0; i < GH_ARRAY_SIZE(cases); i++) {
        char text[256];
        struct gh_http_response response;
        (void)snprintf(text, sizeof(text),
                       "HTTP/1.1 200 OK\r\nDate: %s\r\nContent-Length: 0\r\n\r\n", cases[i].text);
        assert_int_equal(answered_with(text, &response), GH_OK);
        if (response.date_s != cases[i].date_s) {
            fail_msg("%s: %lld", cases[i].text, (long long)response.date_s);
        }
        gh_http_response_free(&response);
        assert_int_equal(response.date_s, -1);
    }
}

static void retry_after_is_read(void **state)
{
    struct pair *pair = *state;
    struct gh_http_request request = get("/x");
    struct gh_http_response response;
    fault_server_set(pair->server, FAULT_503);
    fault_server_set_retry_after(pair->server, 31);
    assert_int_equal(perform(&pair->transport, &request, &response), GH_OK);
    assert_int_equal(response.status, 503);
    assert_int_equal(response.retry_after_s, 31);
    assert_string_equal((char *)response.body, "fault");
    gh_http_response_free(&response);
}

static void silence_is_a_timeout(void **state)
{
    struct pair *pair = *state;
    struct gh_http_request request = get("/x");
    struct gh_http_response response;
    request.timeout_ms = 150;
    fault_server_set(pair->server, FAULT_HANG);
    int64_t before_ms = now_ms();
    assert_int_equal(perform(&pair->transport, &request, &response), GH_ERR_TIMEOUT);
    int64_t took_ms = now_ms() - before_ms;
    assert_true(took_ms >= 140 && took_ms < 5000);
    fault_server_set(pair->server, FAULT_NONE);
    assert_int_equal(expect(&pair->transport, GH_OK), 200);
}

/* A host that drops packets: the queue of a listener that nobody empties is full. */
static void a_connection_that_is_not_answered_is_a_timeout(void **state)
{
    (void)state;
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t size = sizeof(address);
    int listener = socket(AF_INET, SOCK_STREAM, 0), waiting[4];
    char url[64];
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(bind(listener, (struct sockaddr *)&address, size), 0);
    assert_int_equal(listen(listener, 0), 0);
    assert_int_equal(getsockname(listener, (struct sockaddr *)&address, &size), 0);
    for (size_t i = 0; i < GH_ARRAY_SIZE(waiting); i++) {
        waiting[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
        (void)connect(waiting[i], (struct sockaddr *)&address, size);
    }
    snprintf(url, sizeof(url), "http://127.0.0.1:%u", ntohs(address.sin_port));
    struct gh_transport transport = transport_to(url);
    struct gh_http_request request = get("/x");
    struct gh_http_response response;
    request.timeout_ms = 200;
    int64_t before_ms = now_ms();
    assert_int_equal(perform(&transport, &request, &response), GH_ERR_TIMEOUT);
    assert_true(now_ms() - before_ms < 5000);
    transport.free(transport.context);
    for (size_t i = 0; i < GH_ARRAY_SIZE(waiting); i++) {
        close(waiting[i]);
    }
    close(listener);
}

static void a_server_that_is_away_comes_back(void **state)
{
    struct pair *pair = *state;
    assert_int_equal(expect(&pair->transport, GH_OK), 200);
    fault_server_refuse(pair->server, true);
    expect(&pair->transport, GH_ERR_NETWORK);
    expect(&pair->transport, GH_ERR_NETWORK);
    fault_server_refuse(pair->server, false);
    assert_int_equal(expect(&pair->transport, GH_OK), 200);
    /* The connection that was kept is gone, but the server is there: nobody notices. */
    fault_server_refuse(pair->server, true);
    fault_server_refuse(pair->server, false);
    assert_int_equal(expect(&pair->transport, GH_OK), 200);
}

static void what_cannot_be_asked_is_not_sent(void **state)
{
    struct pair *pair = *state;
    for (int i = 0; i < 12; i++) {
        struct gh_http_request request = get("/x");
        struct gh_http_response response;
        switch (i) {
        case 0:
            request.method = "BREW";
            break;
        case 1:
            request.method = "get";
            break;
        case 2:
            request.path = "x";
            break;
        case 3:
            request.path = "";
            break;
        case 4:
            request.path = "@evil.com/";
            break;
        case 5:
            request.path = "/x HTTP/1.1\r\nX: y";
            break;
        case 6:
            request.path = "/a b";
            break;
        case 7:
            request.bearer = "secret\r\nX-Admin: yes";
            break;
        case 8:
            request.content_type = "text/plain\nX: y";
            break;
        case 9:
            request.timeout_ms = 0;
            break;
        case 10:
            request.timeout_ms = -1;
            break;
        case 11:
            request.path = "/\xc3\xbc";
            break;
        }
        enum gh_status status = perform(&pair->transport, &request, &response);
        if (status != GH_ERR_INVALID) {
            fail_msg("case %d: %s", i, gh_status_text(status));
        }
    }
    assert_int_equal(fault_server_requests(pair->server), 0);
}

/* --- cancelling ------------------------------------------------------------------------------- */

struct performing {
    struct pair *pair;
    struct gh_http_request request;
    enum gh_status status;
    int64_t ended_ms;
};

static void *perform_in_thread(void *context)
{
    struct performing *performing = context;
    struct gh_http_response response;
    performing->status = performing->pair->transport.perform(performing->pair->transport.context,
                                                             &performing->request, &response, NULL);
    performing->ended_ms = now_ms();
    gh_http_response_free(&response);
    return NULL;
}

static void cancel_ends_a_running_request(void **state)
{
    struct pair *pair = *state;
    for (unsigned i = 1; i <= 20; i++) {
        struct performing performing = {.pair = pair, .request = get("/slow")};
        pthread_t thread;
        fault_server_set(pair->server, FAULT_HANG);
        assert_int_equal(pthread_create(&thread, NULL, perform_in_thread, &performing), 0);
        assert_true(fault_server_wait(pair->server, 2 * i - 1, 10000));
        int64_t before_ms = now_ms();
        pair->transport.cancel(pair->transport.context);
        assert_int_equal(pthread_join(thread, NULL), 0);
        assert_int_equal(performing.status, GH_ERR_AGAIN);
        assert_true(performing.ended_ms - before_ms < 900); /* sooner than the poll's own end */
        fault_server_set(pair->server, FAULT_NONE);
        assert_int_equal(expect(&pair->transport, GH_OK), 200); /* used up */
    }
}

static void cancel_ends_a_body_that_does_not_end(void **state)
{
    struct pair *pair = *state;
    struct performing performing = {.pair = pair, .request = get("/endless")};
    pthread_t thread;
    performing.request.max_response_bytes = SIZE_MAX / 4;
    fault_server_set(pair->server, FAULT_OVERSIZED);
    assert_int_equal(pthread_create(&thread, NULL, perform_in_thread, &performing), 0);
    assert_true(fault_server_wait(pair->server, 1, 10000));
    pair->transport.cancel(pair->transport.context);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(performing.status, GH_ERR_AGAIN);
}

static void cancel_ends_the_next_request(void **state)
{
    struct pair *pair = *state;
    pair->transport.cancel(pair->transport.context);
    pair->transport.cancel(pair->transport.context); /* twice is once */
    expect(&pair->transport, GH_ERR_AGAIN);
    assert_int_equal(fault_server_requests(pair->server), 0);
    assert_int_equal(expect(&pair->transport, GH_OK), 200);
}

/* --- where to --------------------------------------------------------------------------------- */

static void only_plain_addresses_are_taken(void **state)
{
    (void)state;
    static const char *const good[] = {
        "https://gate.example",
        "https://gate.example:8443",
        "https://192.168.1.7",
        "https://[2001:db8::1]",
        "https://[2001:db8::1]:444",
        "HTTPS://GATE.EXAMPLE",
        "http://127.0.0.1",
        "http://127.0.0.1:8080",
        "http://127.255.255.254:1",
        "http://[::1]",
        "http://[::1]:8080",
        "http://localhost",
        "http://LOCALHOST:80",
        "http://127.1",
        "https://xn--mnchen-3ya.example",
        "http://2130706433", /* as libcurl, and all others, understand it: 127.0.0.1 */
    };
    static const char *const bad[] = {
        "",
        "gate.example",
        "//gate.example",
        "https:",
        "https://",
        "https:gate.example",
        "https:/gate.example",
        "https:///gate.example",
        "https://gate.example/",
        "https://gate.example/path",
        "https://gate.example?x",
        "https://gate.example#x",
        "https://gate.example:",
        "https://gate.example:0",
        "https://gate.example:65536",
        "https://gate.example:port",
        "https://gate.example:80:80",
        "https://:443",
        "https://user@gate.example",
        "https://user:secret@gate.example",
        "https://@gate.example",
        "https://gate.example\\@evil.com",
        "https://gate.example evil.com",
        " https://gate.example",
        "https://gate.example ",
        "https://gate.example\n",
        "https://gate.example\r\nHost: evil.com",
        "https://gate%2eexample",
        "https://gate.ex\xc3\xa4mple",
        "https://[::1",
        "https://::1",
        "https://[gate.example]",
        "ftp://gate.example",
        "file:///etc/passwd",
        "ws://127.0.0.1",
        "javascript://127.0.0.1",
    };
    /* Well formed, but not to be spoken to in clear. */
    static const char *const insecure[] = {
        "http://gate.example",
        "http://192.168.1.7",
        "http://10.0.0.1:8080",
        "http://localhost.evil.com",
        "http://127.0.0.1.evil.com",
        "http://127-0-0-1.evil.com",
        "http://localhostx",
        "http://128.0.0.1",
        "http://0.0.0.0",
        "http://[::]",
        "http://[::2]",
        "http://[::ffff:127.0.0.1]",
        "http://[2001:db8::1]",
        "http://126.255.255.255",
        "http://localhost.",
        "HTTP://EVIL.COM",
    };
    static const char *const never[] = {
        "http://127.0.0.1@evil.com",  "http://localhost@evil.com",   "http://127.0.0.1:80@evil.com",
        "http://127.0.0.1#@evil.com", "http://127.0.0.1\\.evil.com", "http://127.0.0.1%2eevil.com"};
    for (size_t i = 0; i < GH_ARRAY_SIZE(good); i++) {
        struct gh_error err = {0};
        if (gh_http_check_url(good[i], false, &err) != GH_OK) {
            fail_msg("%s: %s", good[i], err.text);
        }
    }
    for (size_t i = 0; i < GH_ARRAY_SIZE(bad); i++) {
        struct gh_error err = {0};
        if (gh_http_check_url(bad[i], false, &err) != GH_ERR_INVALID ||
            gh_http_check_url(bad[i], true, NULL) != GH_ERR_INVALID || err.text[0] == '\0') {
            fail_msg("taken: %s", bad[i]);
        }
    }
    for (size_t i = 0; i < GH_ARRAY_SIZE(insecure); i++) {
        if (gh_http_check_url(insecure[i], false, NULL) != GH_ERR_INVALID) {
            fail_msg("taken: %s", insecure[i]);
        }
        assert_int_equal(gh_http_check_url(insecure[i], true, NULL), GH_OK);
    }
    for (size_t i = 0; i < GH_ARRAY_SIZE(never); i++) {
        assert_int_equal(gh_http_check_url(never[i], false, NULL), GH_ERR_INVALID);
        assert_int_equal(gh_http_check_url(never[i], true, NULL), GH_ERR_INVALID);
    }
    char *endless = malloc(100000);
    memset(endless, 'a', 99999);
    memcpy(endless, "https://", 8);
    endless[99999] = '\0';
    assert_int_equal(gh_http_check_url(endless, true, NULL), GH_ERR_INVALID);
    free(endless);
}

static void bad_options_make_no_transport(void **state)
{
    (void)state;
    static const uint8_t pin[GH_SHA256_BYTES];
    const struct gh_http_options wrong[] = {
        {.base_url = "http://gate.example"},
        {.base_url = "https://gate.example/"},
        {.base_url = "http://127.0.0.1", .pin = pin}, /* there is no key to look at */
    };
    for (size_t i = 0; i < GH_ARRAY_SIZE(wrong); i++) {
        struct gh_transport transport = {.context = (void *)1};
        struct gh_error err = {0};
        assert_int_equal(gh_http_new(&wrong[i], &transport, &err), GH_ERR_INVALID);
        assert_null(transport.context);
        assert_null(transport.perform);
        assert_true(strlen(err.text) > 0);
    }
    struct gh_http_options no_file = {.base_url = "https://gate.example",
                                      .ca_file = "/nonexistent"};
    struct gh_transport transport;
    assert_int_equal(gh_http_new(&no_file, &transport, NULL), GH_ERR_NOTFOUND);
}

/* Neither proxies nor passwords from the environment. */
static void the_environment_changes_nothing(void **state)
{
    struct pair *pair = *state;
    struct fault_server *proxy = fault_server_start(NULL, NULL);
    static const char *const names[] = {"http_proxy", "HTTP_PROXY",  "all_proxy",
                                        "ALL_PROXY",  "https_proxy", "HTTPS_PROXY"};
    char folder[] = "/tmp/gatehouse-http-XXXXXX", netrc[64], head[4096];
    struct gh_http_response response;
    struct gh_http_request request = get("/x");
    const char *home = getenv("HOME");
    char *saved_home = home != NULL ? strdup(home) : NULL;
    assert_non_null(mkdtemp(folder));
    snprintf(netrc, sizeof(netrc), "%s/.netrc", folder);
    FILE *file = fopen(netrc, "w");
    assert_non_null(file);
    fputs("machine 127.0.0.1 login eve password eve\ndefault login eve password eve\n", file);
    fclose(file);
    setenv("HOME", folder, 1);
    for (size_t i = 0; i < GH_ARRAY_SIZE(names); i++) {
        setenv(names[i], fault_server_url(proxy), 1);
    }
    request.bearer = NULL;
    struct gh_transport transport = transport_to(fault_server_url(pair->server));
    assert_int_equal(perform(&transport, &request, &response), GH_OK);
    gh_http_response_free(&response);
    transport.free(transport.context);
    fault_server_last_head(pair->server, head, sizeof(head));
    assert_int_equal(fault_server_requests(pair->server), 1);
    assert_int_equal(fault_server_connections(proxy), 0);
    assert_null(strstr(head, "Authorization"));
    for (size_t i = 0; i < GH_ARRAY_SIZE(names); i++) {
        unsetenv(names[i]);
    }
    if (saved_home != NULL) {
        setenv("HOME", saved_home, 1);
    } else {
        unsetenv("HOME");
    }
    free(saved_home);
    unlink(netrc);
    rmdir(folder);
    fault_server_stop(proxy);
}

/* --- TLS -------------------------------------------------------------------------------------- */

/* A self-signed certificate for 127.0.0.1 alone, new for every run. */
struct certificate {
    char key_pem[1024], pem[2048];
    uint8_t pin[GH_SHA256_BYTES];
    char file[64];
};

static void write_pem(BIO *bio, char *out, size_t out_bytes)
{
    int size = BIO_read(bio, out, (int)out_bytes - 1);
    assert_true(size > 0 && size < (int)out_bytes - 1);
    out[size] = '\0';
    BIO_free(bio);
}

/* Valid from and until so many seconds from now. */
static void certificate_make_for(struct certificate *out, long from_s, long until_s)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *x509 = X509_new();
    BIO *key_bio = BIO_new(BIO_s_mem()), *bio = BIO_new(BIO_s_mem());
    assert_true(key != NULL && x509 != NULL && key_bio != NULL && bio != NULL);
    X509_NAME *name = X509_get_subject_name(x509);
    X509V3_CTX context;
    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, x509, x509, NULL, NULL, 0);
    static const struct {
        int nid;
        const char *value;
    } extensions[] = {{NID_subject_alt_name, "IP:127.0.0.1"}, {NID_basic_constraints, "CA:TRUE"}};
    assert_int_equal(X509_set_version(x509, 2), 1);
    assert_int_equal(ASN1_INTEGER_set(X509_get_serialNumber(x509), (long)(gh_random_id() >> 34)),
                     1);
    assert_non_null(X509_gmtime_adj(X509_getm_notBefore(x509), from_s));
    assert_non_null(X509_gmtime_adj(X509_getm_notAfter(x509), until_s));
    assert_int_equal(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
                                                (const unsigned char *)"gatehouse test", -1, -1, 0),
                     1);
    assert_int_equal(X509_set_issuer_name(x509, name), 1);
    assert_int_equal(X509_set_pubkey(x509, key), 1);
    for (size_t i = 0; i < GH_ARRAY_SIZE(extensions); i++) {
        X509_EXTENSION *extension =
            X509V3_EXT_conf_nid(NULL, &context, extensions[i].nid, extensions[i].value);
        assert_non_null(extension);
        assert_int_equal(X509_add_ext(x509, extension, -1), 1);
        X509_EXTENSION_free(extension);
    }
    assert_true(X509_sign(x509, key, EVP_sha256()) > 0);
    assert_int_equal(PEM_write_bio_PrivateKey(key_bio, key, NULL, NULL, 0, NULL, NULL), 1);
    assert_int_equal(PEM_write_bio_X509(bio, x509), 1);
    write_pem(key_bio, out->key_pem, sizeof(out->key_pem));
    write_pem(bio, out->pem, sizeof(out->pem));
    unsigned char *der = NULL;
    int size = i2d_PUBKEY(key, &der);
    assert_true(size > 0);
    gh_sha256((struct gh_bytes){der, (size_t)size}, out->pin);
    OPENSSL_free(der);
    strcpy(out->file, "/tmp/gatehouse-http-XXXXXX");
    int fd = mkstemp(out->file);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, out->pem, strlen(out->pem)), strlen(out->pem));
    close(fd);
    X509_free(x509);
    EVP_PKEY_free(key);
}

static void certificate_make(struct certificate *out)
{
    certificate_make_for(out, -3600, 3600);
}

static enum MHD_Result answer_tls(void *context, struct MHD_Connection *connection, const char *url,
                                  const char *method, const char *version, const char *data,
                                  size_t *size, void **request)
{
    (void)context, (void)url, (void)method, (void)version, (void)data, (void)request;
    static char body[] = "secure";
    *size = 0;
    struct MHD_Response *response =
        MHD_create_response_from_buffer(6, body, MHD_RESPMEM_PERSISTENT);
    enum MHD_Result result = MHD_queue_response(connection, 200, response);
    MHD_destroy_response(response);
    return result;
}

static struct MHD_Daemon *start_tls(const struct certificate *certificate, const char *priorities,
                                    uint16_t *port)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    struct MHD_Daemon *daemon =
        MHD_start_daemon(MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_TLS, 0, NULL, NULL, answer_tls,
                         NULL, MHD_OPTION_SOCK_ADDR, &address, MHD_OPTION_HTTPS_MEM_KEY,
                         certificate->key_pem, MHD_OPTION_HTTPS_MEM_CERT, certificate->pem,
                         MHD_OPTION_HTTPS_PRIORITIES, priorities, MHD_OPTION_END);
    assert_non_null(daemon);
    const union MHD_DaemonInfo *info = MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_BIND_PORT);
    assert_non_null(info);
    *port = info->port;
    return daemon;
}

static void expect_tls(const char *host, uint16_t port, const char *ca_file, const uint8_t *pin,
                       enum gh_status expected)
{
    char url[64];
    struct gh_transport transport;
    struct gh_http_request request = get("/x");
    struct gh_http_response response;
    snprintf(url, sizeof(url), "https://%s:%u", host, port);
    struct gh_http_options options = {.base_url = url, .ca_file = ca_file, .pin = pin};
    assert_int_equal(gh_http_new(&options, &transport, NULL), GH_OK);
    for (int i = 0; i < 2; i++) { /* also with what the first left behind: session, connection */
        enum gh_status status = perform(&transport, &request, &response);
        if (status != expected) {
            fail_msg("%s, CA %s, pin %s: %s", url, ca_file != NULL ? ca_file : "none",
                     pin != NULL ? "given" : "none", gh_status_text(status));
        }
        if (status == GH_OK) {
            assert_string_equal((char *)response.body, "secure");
        }
        gh_http_response_free(&response);
    }
    transport.free(transport.context);
}

static void a_server_is_believed_by_ca_or_pin(void **state)
{
    (void)state;
    struct certificate one, two;
    uint16_t port;
    certificate_make(&one);
    certificate_make(&two);
    struct MHD_Daemon *daemon = start_tls(&one, "NORMAL", &port);
    uint8_t near_pin[GH_SHA256_BYTES];
    memcpy(near_pin, one.pin, sizeof(near_pin));
    near_pin[31] ^= 1;
    /* by the system's authorities: nobody knows it */
    expect_tls("127.0.0.1", port, NULL, NULL, GH_ERR_NETWORK);
    expect_tls("127.0.0.1", port, "", NULL, GH_ERR_NETWORK);
    /* by a file */
    expect_tls("127.0.0.1", port, one.file, NULL, GH_OK);
    expect_tls("127.0.0.1", port, two.file, NULL, GH_ERR_NETWORK);
    expect_tls("localhost", port, one.file, NULL, GH_ERR_NETWORK); /* of another name */
    /* by the pin, and by nothing else then */
    expect_tls("127.0.0.1", port, NULL, one.pin, GH_OK);
    expect_tls("localhost", port, NULL, one.pin, GH_OK);
    expect_tls("127.0.0.1", port, NULL, two.pin, GH_ERR_NETWORK);
    expect_tls("127.0.0.1", port, NULL, near_pin, GH_ERR_NETWORK);
    expect_tls("127.0.0.1", port, one.file, two.pin, GH_ERR_NETWORK);
    expect_tls("127.0.0.1", port, two.file, one.pin, GH_OK);
    MHD_stop_daemon(daemon);
    /* TLS 1.1 is not spoken, whoever it is. */
    daemon = start_tls(&one, "NORMAL:-VERS-ALL:+VERS-TLS1.1:+VERS-TLS1.0:%COMPAT", &port);
    expect_tls("127.0.0.1", port, NULL, one.pin, GH_ERR_NETWORK);
    MHD_stop_daemon(daemon);
    daemon = start_tls(&one, "NORMAL:-VERS-ALL:+VERS-TLS1.2", &port);
    expect_tls("127.0.0.1", port, NULL, one.pin, GH_OK);
    expect_tls("127.0.0.1", port, NULL, two.pin, GH_ERR_NETWORK);
    MHD_stop_daemon(daemon);
    unlink(one.file);
    unlink(two.file);
}

/* A board that wakes up in 1970 takes every certificate for one of the future. By its pin the
 * server is reached all the same, so that a gate can enrol and hear what time it is. */
static void a_pin_does_not_hang_on_the_time(void **state)
{
    (void)state;
    static const struct {
        long from_s, until_s;
    } spans[] = {{3600, 7200}, {-7200, -3600}};
    for (size_t i = 0; i < GH_ARRAY_SIZE(spans); i++) {
        struct certificate one;
        uint16_t port;
        certificate_make_for(&one, spans[i].from_s, spans[i].until_s);
        struct MHD_Daemon *daemon = start_tls(&one, "NORMAL", &port);
        expect_tls("127.0.0.1", port, one.file, NULL, GH_ERR_NETWORK);
        expect_tls("127.0.0.1", port, NULL, one.pin, GH_OK);
        MHD_stop_daemon(daemon);
        unlink(one.file);
    }
}

/* TLS asked of a server that speaks none, and the other way round. */
static void tls_and_plain_do_not_mix(void **state)
{
    struct pair *pair = *state;
    struct certificate one;
    uint16_t port;
    certificate_make(&one);
    expect_tls("127.0.0.1", fault_server_port(pair->server), one.file, NULL, GH_ERR_NETWORK);
    struct MHD_Daemon *daemon = start_tls(&one, "NORMAL", &port);
    char url[64];
    snprintf(url, sizeof(url), "http://127.0.0.1:%u", port);
    struct gh_transport transport = transport_to(url);
    expect(&transport, GH_ERR_NETWORK);
    transport.free(transport.context);
    MHD_stop_daemon(daemon);
    unlink(one.file);
}

static int start_http(void **state)
{
    (void)state;
    return gh_http_global_init() != GH_OK;
}

#define WITH_SERVER(function) cmocka_unit_test_setup_teardown(function, start_pair, stop_pair)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_SERVER(a_request_is_made_as_said),
        WITH_SERVER(every_method_carries_its_body),
        WITH_SERVER(a_large_body_comes_through_whole),
        WITH_SERVER(nobody_waits_for_a_100_continue),
        WITH_SERVER(one_connection_is_kept),
        cmocka_unit_test(answers_are_read_as_http_says),
        cmocka_unit_test(the_type_of_an_answer_is_told),
        cmocka_unit_test(date_is_read),
        WITH_SERVER(every_fault_has_its_status),
        WITH_SERVER(redirects_are_not_followed),
        WITH_SERVER(retry_after_is_read),
        WITH_SERVER(silence_is_a_timeout),
        cmocka_unit_test(a_connection_that_is_not_answered_is_a_timeout),
        WITH_SERVER(a_server_that_is_away_comes_back),
        WITH_SERVER(what_cannot_be_asked_is_not_sent),
        WITH_SERVER(cancel_ends_a_running_request),
        WITH_SERVER(cancel_ends_a_body_that_does_not_end),
        WITH_SERVER(cancel_ends_the_next_request),
        cmocka_unit_test(only_plain_addresses_are_taken),
        cmocka_unit_test(bad_options_make_no_transport),
        WITH_SERVER(the_environment_changes_nothing),
        cmocka_unit_test(a_server_is_believed_by_ca_or_pin),
        cmocka_unit_test(a_pin_does_not_hang_on_the_time),
        WITH_SERVER(tls_and_plain_do_not_mix),
    };
    return cmocka_run_group_tests(tests, start_http, NULL);
}
