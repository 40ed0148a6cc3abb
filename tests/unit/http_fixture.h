/* SPDX-License-Identifier: Apache-2.0 */
/* What the tests of the transport share: a server that misbehaves, and requests to it. */
#ifndef GATEHOUSE_TESTS_HTTP_FIXTURE_H
#define GATEHOUSE_TESTS_HTTP_FIXTURE_H

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fakes/fault_server.h"
#include "gatehouse/clock.h"
#include "gatehouse/http.h"

#define BEARER "0123456789abcdef.this-is-the-secret"
#define LIMIT_BYTES ((size_t)1 << 20)

static inline int64_t now_ms(void)
{
    return gh_clock_monotonic_ns(gh_clock_system()) / GH_NS_PER_MS;
}

static inline struct gh_transport transport_to(const char *url)
{
    struct gh_http_options options = {.base_url = url};
    struct gh_transport transport;
    struct gh_error err = {0};
    if (gh_http_new(&options, &transport, &err) != GH_OK) {
        fail_msg("%s: %s", url, err.text);
    }
    return transport;
}

static inline struct gh_http_request get(const char *path)
{
    return (struct gh_http_request){.method = "GET",
                                    .path = path,
                                    .bearer = BEARER,
                                    .timeout_ms = 20000,
                                    .max_response_bytes = LIMIT_BYTES};
}

/* Performs, and checks what holds after any end. */
static inline enum gh_status perform(const struct gh_transport *transport,
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
static inline int expect(const struct gh_transport *transport, enum gh_status expected)
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

static inline int start_pair(void **state)
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

static inline int stop_pair(void **state)
{
    struct pair *pair = *state;
    pair->transport.free(pair->transport.context);
    fault_server_stop(pair->server);
    free(pair);
    return 0;
}

static inline struct fault_answer answer_oddly(void *context, const struct fault_request *request)
{
    const char *text = context;
    (void)request;
    return (struct fault_answer){.bytes = strdup(text), .size = strlen(text)};
}

/* One answer, word for word, and how long is waited for more. */
static inline enum gh_status answered_with(const char *text, int64_t timeout_ms,
                                           struct gh_http_response *response)
{
    struct fault_server *server = fault_server_start(answer_oddly, (void *)(uintptr_t)text);
    struct gh_transport transport = transport_to(fault_server_url(server));
    struct gh_http_request request = get("/x");
    request.timeout_ms = timeout_ms;
    enum gh_status status = perform(&transport, &request, response);
    transport.free(transport.context);
    fault_server_stop(server);
    return status;
}

struct performing {
    struct pair *pair;
    struct gh_http_request request;
    enum gh_status status;
    int64_t ended_ms;
};

static inline void *perform_in_thread(void *context)
{
    struct performing *performing = context;
    struct gh_http_response response;
    performing->status = performing->pair->transport.perform(performing->pair->transport.context,
                                                             &performing->request, &response, NULL);
    performing->ended_ms = now_ms();
    gh_http_response_free(&response);
    return NULL;
}

static inline int start_http(void **state)
{
    (void)state;
    return gh_http_global_init() != GH_OK;
}

#define WITH_SERVER(function) cmocka_unit_test_setup_teardown(function, start_pair, stop_pair)

#endif
