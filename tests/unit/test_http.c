/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include "http_fixture.h"

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
        /* A busy machine may answer late; what is to come to nothing is not waited for so long. */
        int64_t timeout_ms = cases[i].status == GH_ERR_TIMEOUT ? 500 : 20000;
        enum gh_status status = answered_with(cases[i].text, timeout_ms, &response);
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
        assert_int_equal(answered_with(text, 20000, &response), GH_OK);
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
        assert_int_equal(answered_with(text, 20000, &response), GH_OK);
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
    };
    return cmocka_run_group_tests(tests, start_http, NULL);
}
