/* SPDX-License-Identifier: Apache-2.0 */
/* courier_list.c: one question stays open at the server; where that cannot be, it asks now and
 * then. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "fakes/courier_desk.h"

#define WAIT_MS 50000
#define MINUTE_MS 60000

static struct desk desk;
static struct fixture *const fixture = &desk.fixture;

/* The server behind whatever is on the way to it. */
static struct {
    int64_t cut_ms;       /* who waits is cut off after so long; 0: not */
    int cut_status;       /* and gets this; 0: nothing */
    int64_t early_ms;     /* who waits is answered after so long; 0: in the end */
    unsigned cuts, early; /* so many were cut, and answered too early, */
    unsigned whole;       /* and waited as long as they wanted */
    unsigned briefly;     /* asked without waiting */
    unsigned changes;     /* to come, each 3 s after somebody began to wait */
    unsigned full;        /* so many more are told that too many wait already */
} way;

static int setup(void **state)
{
    (void)state;
    memset(&way, 0, sizeof(way));
    desk_init(&desk);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    desk_destroy(&desk);
    return 0;
}

static void pass_ms(int64_t ms)
{
    gh_fake_clock_advance_ms(&fixture->clock, ms);
    fixture->manifest.issued_at_s += ms / 1000; /* it is signed anew all the time */
}

static enum gh_status answer(struct gh_http_response *response)
{
    struct gh_fake_answer made;

    gh_fake_transport_forget_answers(&desk.server);
    desk_offer_answer(&desk, 1);
    made = desk.server.answers[0];
    gh_fake_transport_forget_answers(&desk.server);
    return made.handler(made.context,
                        &(struct gh_http_request){.method = "GET", .bearer = "known already"},
                        response);
}

static enum gh_status wait_there(struct gh_http_response *response)
{
    if (way.full > 0) {
        way.full--;
        *response = (struct gh_http_response){
            .status = 503, .body = calloc(1, 1), .retry_after_s = 5, .date_s = -1};
        return GH_OK;
    }
    if (way.changes > 0) {
        way.changes--;
        pass_ms(3000);
        desk_make_delta(&desk, desk_generation(&desk), GH_COLOUR_RED);
        return answer(response);
    }
    if (way.cut_ms > 0) {
        way.cuts++;
        pass_ms(way.cut_ms);
        response->status = way.cut_status;
        response->body = calloc(1, 1);
        return way.cut_status == 0 ? GH_ERR_NETWORK : GH_OK;
    }
    way.whole += way.early_ms == 0;
    way.early += way.early_ms > 0;
    pass_ms(way.early_ms > 0 ? way.early_ms : WAIT_MS);
    desk_forget_delta(&desk);
    return answer(response);
}

static enum gh_status on_list(void *context, const struct gh_http_request *request,
                              struct gh_http_response *response)
{
    const struct gh_fake_answer again = {
        .path = LIST_PATH, .times = GH_FAKE_FOREVER, .handler = on_list};
    enum gh_status status;

    (void)context;
    if (strstr(request->path, "&wait_s=50&")) {
        status = wait_there(response);
    } else {
        way.briefly++;
        desk_forget_delta(&desk);
        status = answer(response);
    }
    gh_fake_transport_forget_answers(&desk.server);
    gh_fake_transport_add(&desk.server, &again);
    return status;
}

static void serve(void)
{
    struct gh_fake_answer first = {.path = LIST_PATH, .times = 1, .handler = on_list};

    desk_start_with_list(&desk);
    desk.without_ages = true;
    gh_fake_transport_add(&desk.server, &first);
}

/* At least so long: a question that waits ends when it ends. What was asked is counted here; there
 * is room for so much only. */
static void run_ms(int64_t ms)
{
    const struct gh_clock *clock = &fixture->clock.clock;
    int64_t end_ns = gh_clock_monotonic_ns(clock) + ms * GH_NS_PER_MS, left_ms;

    while ((left_ms = (end_ns - gh_clock_monotonic_ns(clock)) / GH_NS_PER_MS) > 0) {
        desk_run_ms(&desk, left_ms < MINUTE_MS ? left_ms : MINUTE_MS);
        gh_fake_transport_forget_requests(&desk.server);
    }
}

static void test_waits(void **state)
{
    (void)state;

    serve();
    run_ms(60 * MINUTE_MS);
    assert_in_range(way.whole, 68, 72); /* one behind the other */
    assert_in_range(way.briefly, 3, 4); /* now and then, for the time of day */
    assert_int_equal(desk_count_events(&desk, GH_COURIER_TROUBLE), 0);
    assert_int_equal(desk_count_events(&desk, GH_COURIER_LIST), 0);
}

/* Each is here before the next question is asked. */
static void test_news(void **state)
{
    (void)state;

    way.changes = 20;
    serve();
    run_ms(61 * 1000);
    assert_int_equal(desk_count_events(&desk, GH_COURIER_LIST), 20);
    assert_true(desk_saved_manifest(&desk).generation == 25);
    assert_true(desk_saved_identity(&desk).generation == 25);
    assert_int_equal(way.cuts, 0);
    assert_true(way.briefly <= 1);
}

static unsigned lines(const char *log, const char *text)
{
    unsigned count = 0;

    for (const char *at = log; (at = strstr(at, text)); at++)
        count++;
    return count;
}

/* Three in a row, then it asks now and then, and tries to wait every ten minutes. */
static void push_is_impossible(int64_t wait_takes_ms)
{
    char log[8192];

    serve();
    fixture_capture_log(fixture);
    run_ms(5 * MINUTE_MS);
    assert_int_equal(way.cuts + way.early, 3);
    assert_in_range(way.briefly, (5 * MINUTE_MS - 4 * wait_takes_ms) / (DESK_POLL_MS * 5 / 4),
                    (5 * MINUTE_MS) / (DESK_POLL_MS * 3 / 4));
    way.cuts = way.early = 0;
    run_ms(30 * MINUTE_MS);
    assert_in_range(way.cuts + way.early, 2, 4);
    way.cut_ms = way.early_ms = 0;
    way.whole = 0;
    run_ms(25 * MINUTE_MS);
    assert_in_range(way.whole, 12, 28); /* it came to know within ten minutes */
    fixture_take_log(fixture, log, sizeof(log));
    assert_int_equal(lines(log, "asking now and then"), 1);
    assert_int_equal(lines(log, "stay open at the server again"), 1);
    assert_int_equal(desk_count_events(&desk, GH_COURIER_TROUBLE), 0);
}

static void test_cut(void **state)
{
    (void)state;

    way.cut_ms = 20000;
    push_is_impossible(20000);
}

/* A proxy that does not wait that long, and says so. */
static void test_gateway_timeout(void **state)
{
    (void)state;

    way.cut_ms = 30000;
    way.cut_status = 504;
    push_is_impossible(30000);
}

static void test_early(void **state)
{
    (void)state;

    way.early_ms = 10;
    push_is_impossible(10);
}

/* Twice is no proof, and a change in between shows that it works. */
static void test_cut_now_and_then(void **state)
{
    (void)state;

    serve();
    for (int i = 0; i < 10; i++) {
        way.cut_ms = 5000;
        run_ms(9000); /* one or two of them */
        way.cut_ms = 0;
        way.changes = 1;
        way.whole = 0;
        run_ms(3 * MINUTE_MS);
        assert_true(way.whole >= 2);
    }
    assert_int_equal(desk_count_events(&desk, GH_COURIER_LIST), 10);
}

/* It is down, for hours: that says nothing about waiting. */
static void test_server_down(void **state)
{
    (void)state;

    serve();
    run_ms(MINUTE_MS);
    for (int i = 0; i < 5; i++) {
        struct gh_fake_answer first = {.path = LIST_PATH, .times = 1, .handler = on_list};
        gh_fake_transport_forget(&desk.server);
        desk_run_ms(&desk, 3600 * 1000);
        size_t asked = desk_asked(&desk, LIST_PATH);
        assert_in_range(asked, 12, 40);
        for (size_t k = 1; k < asked; k++) /* it does not wait for somebody who is not there */
            desk_assert_asked(&desk, k, 5, 0);
        gh_fake_transport_forget(&desk.server);
        gh_fake_transport_add(&desk.server, &first);
        desk_run_ms(&desk, DESK_MOST_MS); /* the pause, at most */
        way.whole = 0;
        run_ms(5 * MINUTE_MS);
        assert_true(way.whole >= 5);
    }
}

/* Too many wait there already: however often it says so, it is no reason not to. */
static void test_full_house(void **state)
{
    (void)state;

    serve();
    run_ms(2 * MINUTE_MS);
    way.full = 8;
    way.whole = way.briefly = 0;
    desk_run_ms(&desk, 4 * MINUTE_MS);
    assert_int_equal(way.full, 0);
    assert_true(way.whole >= 2);
    assert_true(way.briefly >= 7); /* it asks, though */
    for (size_t i = 0; i + 1 < desk_asked(&desk, LIST_PATH); i++) {
        const struct gh_fake_request *one = gh_fake_transport_request(&desk.server, LIST_PATH, i);
        const struct gh_fake_request *next =
            gh_fake_transport_request(&desk.server, LIST_PATH, i + 1);
        if (strstr(one->path, "&wait_s=50&") && strstr(next->path, "&wait_s=0&"))
            assert_true(next->at_ns - one->at_ns >= 5 * GH_NS_PER_S); /* obeyed */
    }
}

/* Gates that poll do not come in step. */
static void test_poll_jitter(void **state)
{
    (void)state;
    int64_t least_ms = INT64_MAX, most_ms = 0, before_ns = 0;

    way.early_ms = 1;
    serve();
    run_ms(MINUTE_MS);
    desk_run_ms(&desk, 9 * MINUTE_MS);
    size_t count = desk_asked(&desk, LIST_PATH);
    for (size_t i = 0; i < count; i++) {
        int64_t at_ns = gh_fake_transport_request(&desk.server, LIST_PATH, i)->at_ns;
        int64_t pause_ms = (at_ns - before_ns) / GH_NS_PER_MS;
        before_ns = at_ns;
        if (i == 0)
            continue;
        least_ms = pause_ms < least_ms ? pause_ms : least_ms;
        most_ms = pause_ms > most_ms ? pause_ms : most_ms;
    }
    assert_in_range(least_ms, DESK_POLL_MS * 3 / 4, DESK_POLL_MS * 9 / 10);
    assert_in_range(most_ms, DESK_POLL_MS * 11 / 10, DESK_POLL_MS * 5 / 4 + 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_waits, setup, teardown),
        cmocka_unit_test_setup_teardown(test_news, setup, teardown),
        cmocka_unit_test_setup_teardown(test_cut, setup, teardown),
        cmocka_unit_test_setup_teardown(test_gateway_timeout, setup, teardown),
        cmocka_unit_test_setup_teardown(test_early, setup, teardown),
        cmocka_unit_test_setup_teardown(test_cut_now_and_then, setup, teardown),
        cmocka_unit_test_setup_teardown(test_server_down, setup, teardown),
        cmocka_unit_test_setup_teardown(test_full_house, setup, teardown),
        cmocka_unit_test_setup_teardown(test_poll_jitter, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
