/* SPDX-License-Identifier: Apache-2.0 */
/* upstream.c, pace.c, api_verify.c: questions are in time, in the way of nothing else, even of a
 * stop or a reload, and leave nothing behind. */
#include "test_server_authority.h"

#include "server/pace.h"
#include "server/upstream.h"

/* --- slow ones --- */

struct asker {
    pthread_t thread;
    int fd;
    int64_t took_ms;
    char answer[2048];
};

static void *wait_for_answer(void *context)
{
    struct asker *asker = context;
    int64_t before = now_ms();
    (void)read_answer(asker->fd, asker->answer, sizeof(asker->answer), DEADLINE_MS);
    asker->took_ms = now_ms() - before;
    return NULL;
}

static void start_asker(const struct harness *harness, const struct test_gate *gate,
                        struct asker *asker)
{
    char request[1024];
    snprintf(request, sizeof(request),
             "POST " VERIFY " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
             "Authorization: Bearer %s\r\nContent-Length: %zu\r\n\r\n{\"code\":\"%s\"}",
             gate->bearer, strlen("{\"code\":\"" CODE "\"}"), CODE);
    asker->fd = connect_to(harness);
    send_text(asker->fd, request);
    assert_int_equal(pthread_create(&asker->thread, NULL, wait_for_answer, asker), 0);
}

static void join_asker(struct asker *asker)
{
    assert_int_equal(pthread_join(asker->thread, NULL), 0);
    close(asker->fd);
}

/* All that was sent so far has been read by the server, too: it has one thread, and turns to each
 * connection in turn. */
static void let_it_read(struct harness *harness)
{
    for (int i = 0; i < 3; i++)
        json_decref(ask(harness, 200, "GET", "/api/v1/list", north.bearer, NULL));
}

/* While as many questions hang as there may be, everything else goes on. */
static void test_a_slow_authority_delays_nobody(void **state)
{
    struct harness *harness = *state;
    enum { GATES = 5, ASKERS = 80, DEADLINE = 5000 };
    static struct test_gate gates[GATES];
    static struct asker askers[ASKERS];
    start_town(harness, DEADLINE);
    for (int i = 0; i < GATES; i++) {
        add_gate(harness, "Another", &gates[i]);
        json_decref(enrol_with(harness, 200, &gates[i], gates[i].secret));
    }
    fault_server_set(authority.server, FAULT_HANG);
    for (int i = 0; i < ASKERS; i++)
        start_asker(harness, &gates[i % GATES], &askers[i]);
    assert_true(fault_server_wait(authority.server, 4, 10000));
    int64_t before = now_ms();
    for (int i = 0; i < 5; i++) {
        json_decref(ask(harness, 200, "GET", "/api/v1/list", north.bearer, NULL));
        json_decref(ask(harness, 200, "POST", "/api/v1/entries", north.bearer, "{\"entries\":[]}"));
    }
    assert_true(now_ms() - before < DEADLINE); /* none of them hung */
    unsigned late = 0, busy = 0;
    for (int i = 0; i < ASKERS; i++) {
        join_asker(&askers[i]);
        assert_non_null(strstr(askers[i].answer, "HTTP/1.1 503 "));
        assert_true(askers[i].took_ms < 3 * DEADLINE);
        late += strstr(askers[i].answer, "in time") != NULL;
        busy += strstr(askers[i].answer, "too many codes wait") != NULL;
    }
    assert_int_equal(late + busy, ASKERS);
    assert_true(busy > 0); /* the queue has an end */
    assert_true(late >= GH_UPSTREAM_WAITING_MAX);
    fault_server_set(authority.server, FAULT_NONE);
    json_decref(verify(harness, 200));
    harness_stop(harness);
}

static void test_a_gate_that_asks_too_much(void **state)
{
    struct harness *harness = *state;
    struct test_gate south;
    start_town(harness, 5000);
    add_gate(harness, "South gate", &south);
    json_decref(enrol_with(harness, 200, &south, south.secret));
    harness_freeze(harness, true);
    for (int i = 0; i < GH_PACE_BURST; i++)
        json_decref(verify(harness, 200));
    ask_error(harness, 429, "too_many", "POST", VERIFY, north.bearer, "{\"code\":\"" CODE "\"}");
    assert_int_equal(asked_so_far(), GH_PACE_BURST);
    json_decref(ask(harness, 200, "POST", VERIFY, south.bearer, "{\"code\":\"" CODE "\"}"));
    json_decref(ask(harness, 200, "GET", "/api/v1/list", north.bearer, NULL));
    harness_forward(harness, 2);
    json_decref(verify(harness, 200));
    harness_freeze(harness, false);
    harness_stop(harness);
}

/* A server that is told to stop, or to reload, does not wait for the authority. */
static void test_stopping_and_reloading_meanwhile(void **state)
{
    struct harness *harness = *state;
    enum { ASKERS = 10 };
    static struct asker askers[ASKERS];
    start_town(harness, 5000);
    fault_server_set(authority.server, FAULT_HANG);
    for (int i = 0; i < ASKERS; i++)
        start_asker(harness, &north, &askers[i]);
    assert_true(fault_server_wait(authority.server, 4, 10000));
    let_it_read(harness);
    int64_t before = now_ms();
    kill(harness->pid, SIGHUP);
    for (int i = 0; i < ASKERS; i++) {
        join_asker(&askers[i]);
        assert_non_null(strstr(askers[i].answer, "HTTP/1.1 503 "));
        assert_non_null(strstr(askers[i].answer, "called off"));
    }
    assert_true(now_ms() - before < 4000);
    fault_server_set(authority.server, FAULT_NONE);
    harness_forward(harness, 60);
    json_decref(verify(harness, 200));

    fault_server_set(authority.server, FAULT_HANG);
    unsigned requests = fault_server_requests(authority.server);
    for (int i = 0; i < ASKERS; i++)
        start_asker(harness, &north, &askers[i]);
    assert_true(fault_server_wait(authority.server, requests + 4, 10000));
    before = now_ms();
    harness_stop(harness);
    assert_true(now_ms() - before < 4000);
    for (int i = 0; i < ASKERS; i++)
        join_asker(&askers[i]);
}

/* A client that has gone while the authority thought disturbs nobody. */
static void test_clients_that_leave(void **state)
{
    struct harness *harness = *state;
    static struct asker askers[8];
    start_town(harness, 3000);
    fault_server_set(authority.server, FAULT_HANG);
    for (size_t i = 0; i < GH_ARRAY_SIZE(askers); i++) {
        start_asker(harness, &north, &askers[i]);
        shutdown(askers[i].fd, SHUT_RDWR);
    }
    for (size_t i = 0; i < GH_ARRAY_SIZE(askers); i++)
        join_asker(&askers[i]);
    verify_fails(harness, "in time");
    fault_server_set(authority.server, FAULT_NONE);
    json_decref(verify(harness, 200));
    harness_stop(harness);
}

static void test_reloading_upstream(void **state)
{
    struct harness *harness = *state;
    start_town(harness, 5000);
    ask_error(harness, 422, "not_asked", "POST", VERIFY, north.bearer, "{\"code\":\"XY:1\"}");
    configure_upstream(harness, 5000, "XY:");
    kill(harness->pid, SIGHUP);
    wait_for_status(harness, CODE, 422);
    json_decref(ask(harness, 200, "POST", VERIFY, north.bearer, "{\"code\":\"XY:1\"}"));
    /* a token that others can read changes nothing */
    assert_int_equal(chmod(in_folder(harness, "token"), 0644), 0);
    char *text = read_text(harness->config);
    char *prefixes = strstr(text, "prefixes = XY:");
    assert_non_null(prefixes);
    memcpy(prefixes, "prefixes = ZZ:", 14);
    write_text(harness->config, text);
    free(text);
    kill(harness->pid, SIGHUP);
    wait_for_log(harness, "not reloaded: [upstream] token_file");
    json_decref(ask(harness, 200, "POST", VERIFY, north.bearer, "{\"code\":\"XY:1\"}"));
    /* and none is asked any more */
    harness_configure(harness, "", "");
    kill(harness->pid, SIGHUP);
    wait_for_status(harness, CODE, 503);
    verify_fails(harness, "no authority");
    /* nor does a server start with it */
    harness_stop(harness);
    configure_upstream(harness, 5000, "HC1:");
    assert_int_equal(chmod(in_folder(harness, "token"), 0640), 0);
    expect_no_start(harness, "token_file");
}

/* --- what is left behind --- */

static const char *const forbidden[] = {CODE, "NOBODY-MAY-KEEP", HOLDER, TOKEN};

static int look_for_traces(const char *path, const struct stat *info, int type, struct FTW *ftw)
{
    (void)ftw;
    size_t size;
    uint8_t *data;
    if (type != FTW_F || strcmp(path + ftw->base, "token") == 0)
        return 0;
    assert_int_equal(gh_file_read(path, (size_t)info->st_size + 4096, &data, &size, NULL), GH_OK);
    for (size_t i = 0; i < GH_ARRAY_SIZE(forbidden); i++)
        if (memmem(data, size, forbidden[i], strlen(forbidden[i])) != NULL)
            fail_msg("%s holds \"%s\"", path, forbidden[i]);
    free(data);
    return 0;
}

static void test_nothing_is_left_behind(void **state)
{
    struct harness *harness = *state;
    start_town(harness, 3000);
    authority_says("{\"verdict\":\"valid\",\"colour\":\"green\",\"holder\":\"" HOLDER "\"}");
    json_decref(verify(harness, 200));
    authority_says("{\"verdict\":\"valid\",\"holder\":\"" HOLDER "\"}");
    verify_fails(harness, "no answer");
    static const enum fault faults[] = {FAULT_500, FAULT_HANG, FAULT_HALF, FAULT_GARBAGE,
                                        FAULT_REDIRECT};
    for (size_t i = 0; i < GH_ARRAY_SIZE(faults); i++) {
        fault_server_set(authority.server, faults[i]);
        verify_fails(harness, "the authority");
    }
    ask_error(harness, 400, "bad_request", "POST", VERIFY, north.bearer,
              "{\"code\":\"" CODE "\",\"x\":1}");
    ask_error(harness, 422, "not_asked", "POST", VERIFY, north.bearer, "{\"code\":\"x" CODE "\"}");
    assert_true(log_says(harness, "upstream: "));
    assert_int_equal(nftw(harness->folder, look_for_traces, 16, FTW_PHYS), 0);
    harness_stop(harness);
    assert_int_equal(nftw(harness->folder, look_for_traces, 16, FTW_PHYS), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_a_slow_authority_delays_nobody),
        TEST(test_a_gate_that_asks_too_much),
        TEST(test_stopping_and_reloading_meanwhile),
        TEST(test_clients_that_leave),
        TEST(test_reloading_upstream),
        TEST(test_nothing_is_left_behind),
    };
    curl_global_init(CURL_GLOBAL_DEFAULT);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
