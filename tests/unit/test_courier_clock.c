/* SPDX-License-Identifier: Apache-2.0 */
/* courier.c: the server's time, by its answers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "courier_scene.h"

#define SERVER_S (FIXTURE_NOW_S + 77)

/* Answers that say no, and what time it is: any whole answer tells. */
static void answer_times(uint32_t times, int64_t takes_ms)
{
    struct gh_fake_answer answer = {.path = LIST_PATH,
                                    .times = times,
                                    .status = 404,
                                    .body = "{}",
                                    .date_s = SERVER_S,
                                    .takes_ms = takes_ms};
    gh_fake_transport_add(&desk.server, &answer);
}

static void use_url(const char *url)
{
    snprintf(desk.fixture.identity.url, sizeof(desk.fixture.identity.url), "%s", url);
}

static void test_told(void **state)
{
    (void)state;

    answer_times(1, 250);
    desk_start(&desk);
    (void)desk_turn(&desk);
    assert_int_equal(desk_count_events(&desk, GH_COURIER_CLOCK), 1);
    const struct gh_courier_event *event = &desk.events[0];
    assert_true(event->server_s == SERVER_S);
    assert_true(event->round_trip_ns == 250 * GH_NS_PER_MS);
    assert_true(event->received_ns == GH_FAKE_CLOCK_START_NS + 250 * GH_NS_PER_MS);
    assert_false(event->identity.enrolled); /* no secrets where none are needed */
}

static void test_no_date(void **state)
{
    (void)state;

    desk_answer(&desk, LIST_PATH, 404, "{}");
    desk_start(&desk);
    (void)desk_turn(&desk);
    assert_int_equal(desk_asked(&desk, LIST_PATH), 1);
    assert_int_equal(desk_count_events(&desk, GH_COURIER_CLOCK), 0);
}

/* Only who is known to be the server may say what time it is. */
static void test_who_says_so(void **state)
{
    (void)state;
    static const struct {
        const char *url;
        unsigned told;
    } cases[] = {
        {"https://gate.example", 1},
        {"http://127.0.0.1:8080", 1},
        {"http://localhost", 1},
        {"http://[::1]:8080", 1},
        {"http://gate.example", 0},
        {"http://192.168.1.1", 0},
        {"http://127.0.0.1.evil.example", 0},
    };

    for (size_t i = 0; i < GH_ARRAY_SIZE(cases); i++) {
        desk.options.allow_insecure = true;
        use_url(cases[i].url);
        answer_times(1, 0);
        desk_start(&desk);
        (void)desk_turn(&desk);
        assert_int_equal(desk_asked(&desk, LIST_PATH), 1);
        if (desk_count_events(&desk, GH_COURIER_CLOCK) != cases[i].told)
            fail_msg("%s", cases[i].url);
        (void)teardown(NULL);
        (void)setup(NULL);
    }
}

static void test_once_a_minute(void **state)
{
    (void)state;

    desk.options.backoff_max_ms = 1000;
    answer_times(GH_FAKE_FOREVER, 0);
    desk_start(&desk);
    desk_run_ms(&desk, 175 * 1000);
    assert_true(desk_asked(&desk, LIST_PATH) > 100);
    assert_int_equal(desk_count_events(&desk, GH_COURIER_CLOCK), 3);
}

/* And with the first answer after the network was away. */
static void test_after_a_failure(void **state)
{
    (void)state;

    desk.options.backoff_max_ms = 1000;
    answer_times(1, 0);
    desk_fail(&desk, LIST_PATH, GH_ERR_NETWORK);
    answer_times(GH_FAKE_FOREVER, 0);
    desk_start(&desk);
    desk_run_ms(&desk, 10 * 1000);
    assert_int_equal(desk_count_events(&desk, GH_COURIER_CLOCK), 2);
}

/* The enrolment's own answer: heard before the enrolment, so that the gate starts with it. */
static void test_enrolment(void **state)
{
    (void)state;
    struct gh_enrolment enrolment = fixture_enrolment(&desk.fixture);
    struct gh_fake_answer answer = {
        .path = ENROL_PATH,
        .date_s = SERVER_S,
        .body = "{\"gate\": \"00000000000000a1\", \"name\": \"North\", \"area\": \"" FIXTURE_AREA
                "\"}"};

    memset(&desk.fixture.identity, 0, sizeof(desk.fixture.identity));
    gh_fake_transport_add(&desk.server, &answer);
    desk_start(&desk);
    gh_courier_enrol(desk.courier, &enrolment);
    (void)desk_turn(&desk);
    assert_int_equal(desk.event_count, 2);
    assert_int_equal(desk.events[0].type, GH_COURIER_CLOCK);
    assert_int_equal(desk.events[1].type, GH_COURIER_ENROLLED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_told, setup, teardown),
        cmocka_unit_test_setup_teardown(test_no_date, setup, teardown),
        cmocka_unit_test_setup_teardown(test_who_says_so, setup, teardown),
        cmocka_unit_test_setup_teardown(test_once_a_minute, setup, teardown),
        cmocka_unit_test_setup_teardown(test_after_a_failure, setup, teardown),
        cmocka_unit_test_setup_teardown(test_enrolment, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
