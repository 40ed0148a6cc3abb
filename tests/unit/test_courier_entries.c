/* SPDX-License-Identifier: Apache-2.0 */
/* courier_entries.c: every entry goes out, once counted, whatever the server says. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "courier_scene.h"

static void acknowledge(const char *answer)
{
    desk_answer(&desk, ENTRIES_PATH, 200, answer);
}

/* --- what should be --- */

static void test_sends(void **state)
{
    (void)state;
    char bearer[GH_BEARER_BYTES];

    desk_append(&desk, 3);
    desk_serve_entries(&desk, GH_FAKE_FOREVER);
    desk_start(&desk);
    desk_run_ms(&desk, 1000);
    assert_int_equal(desk_asked(&desk, ENTRIES_PATH), 1);
    desk_assert_batch(&desk, 0, 1, 3);
    const struct gh_fake_request *request =
        gh_fake_transport_request(&desk.server, ENTRIES_PATH, 0);
    gh_identity_bearer(&desk.fixture.identity, bearer);
    assert_string_equal(request->bearer, bearer);
    assert_string_equal(request->method, "POST");
    assert_string_equal(request->content_type, "application/json");
    desk_append(&desk, 2);
    (void)desk_turn(&desk); /* a kick: at once */
    assert_int_equal(desk_asked(&desk, ENTRIES_PATH), 2);
    desk_assert_batch(&desk, 1, 4, 2);
    desk_run_ms(&desk, 3600 * 1000); /* and nothing twice */
    assert_int_equal(desk_asked(&desk, ENTRIES_PATH), 2);
}

/* A kick that was lost: it looks by itself, now and then. */
static void test_without_a_kick(void **state)
{
    (void)state;

    desk_serve_entries(&desk, GH_FAKE_FOREVER);
    desk_start(&desk);
    desk_run_ms(&desk, 1000); /* there is no journal yet */
    fixture_append(&desk.fixture, 1);
    desk_run_ms(&desk, 120 * 1000);
    assert_int_equal(desk.entries.known, 1);
    fixture_append(&desk.fixture, 1);
    desk_run_ms(&desk, 120 * 1000);
    assert_int_equal(desk.entries.known, 2);
}

static void test_many(void **state)
{
    (void)state;

    desk_append(&desk, FIXTURE_ENTRIES_MAX);
    desk_serve_entries(&desk, GH_FAKE_FOREVER);
    desk_start(&desk);
    desk_run_ms(&desk, 1000); /* one batch after the other, without a pause */
    assert_int_equal(desk.entries.known, FIXTURE_ENTRIES_MAX);
    assert_true(desk_asked(&desk, ENTRIES_PATH) >= 2);
    assert_int_equal(desk.entries.stored, FIXTURE_ENTRIES_MAX);
}

static void test_acknowledged_is_kept(void **state)
{
    (void)state;

    desk_append(&desk, 3);
    desk_serve_entries(&desk, GH_FAKE_FOREVER);
    desk_start(&desk);
    desk_run_ms(&desk, 1000);
    desk_stop(&desk);
    desk_append(&desk, 1);
    desk_start(&desk);
    desk_run_ms(&desk, 1000);
    assert_int_equal(desk_asked(&desk, ENTRIES_PATH), 2);
    desk_assert_batch(&desk, 1, 4, 1);
}

static void test_partly_acknowledged(void **state)
{
    (void)state;

    desk_append(&desk, 5);
    acknowledge("{\"acknowledged\": 2, \"stored\": 2, \"known\": 0, \"refused\": []}");
    acknowledge("{\"acknowledged\": 5, \"stored\": 3, \"known\": 0, \"refused\": []}");
    desk_start(&desk);
    desk_run_ms(&desk, 1000);
    assert_int_equal(desk_asked(&desk, ENTRIES_PATH), 2);
    desk_assert_batch(&desk, 0, 1, 5);
    desk_assert_batch(&desk, 1, 3, 3);
}

/* Our own note was lost, the server's was not. */
static void test_server_knows_more(void **state)
{
    (void)state;

    desk_append(&desk, FIXTURE_ENTRIES_MAX);
    acknowledge("{\"acknowledged\": 510, \"stored\": 0, \"known\": 200, \"refused\": []}");
    acknowledge("{\"acknowledged\": 512, \"stored\": 2, \"known\": 0, \"refused\": []}");
    desk_start(&desk);
    desk_run_ms(&desk, 1000);
    assert_int_equal(desk_asked(&desk, ENTRIES_PATH), 2);
    desk_assert_batch(&desk, 1, 511, 2);
}

/* What the server cannot accept is said, and blocks nobody behind it. */
static void test_refused_entries(void **state)
{
    (void)state;
    char log[8192];

    desk_append(&desk, 3);
    desk.entries.refuses = 2;
    desk_serve_entries(&desk, GH_FAKE_FOREVER);
    desk_start(&desk);
    fixture_capture_log(&desk.fixture);
    desk_run_ms(&desk, 1000);
    fixture_take_log(&desk.fixture, log, sizeof(log));
    assert_non_null(strstr(log, "refused entry 2: does not follow"));
    desk_append(&desk, 2);
    desk.entries.refuses = 0;
    desk_run_ms(&desk, 1000);
    assert_int_equal(desk_asked(&desk, ENTRIES_PATH), 2);
    desk_assert_batch(&desk, 1, 4, 2);
}

/* Compressed, and what comes out of it is what stands in the journal. */
static void test_compressed(void **state)
{
    (void)state;

    desk_append(&desk, 200);
    desk_serve_entries(&desk, GH_FAKE_FOREVER);
    desk_start(&desk);
    desk_run_ms(&desk, 1000);
    const struct gh_fake_request *request =
        gh_fake_transport_request(&desk.server, ENTRIES_PATH, 0);
    assert_string_equal(request->content_encoding, "zstd");
    assert_true(request->sent_bytes * 3 < request->size);
    desk_assert_batch(&desk, 0, 1, 200);
}

/* A server, or something before it, that takes none: the same again at once, as it is, and from
 * then on. */
static void test_not_compressed(void **state)
{
    (void)state;
    struct gh_fake_answer never = {.path = ENTRIES_PATH,
                                   .times = 1,
                                   .status = 415,
                                   .body = "{\"error\": \"unsupported_encoding\"}"};

    desk_append(&desk, 3);
    gh_fake_transport_add(&desk.server, &never);
    desk_serve_entries(&desk, GH_FAKE_FOREVER);
    desk_start(&desk);
    (void)desk_turn(&desk);
    desk_append(&desk, 2);
    (void)desk_turn(&desk);
    static const char *const encodings[] = {"zstd", "", ""};
    for (size_t i = 0; i < GH_ARRAY_SIZE(encodings); i++)
        assert_string_equal(
            gh_fake_transport_request(&desk.server, ENTRIES_PATH, i)->content_encoding,
            encodings[i]);
    desk_assert_batch(&desk, 1, 1, 3);
    desk_assert_batch(&desk, 2, 4, 2);
    gh_fake_transport_forget(&desk.server);
    never.times = GH_FAKE_FOREVER; /* it says so whatever comes: no reason to hurry */
    gh_fake_transport_add(&desk.server, &never);
    desk_append(&desk, 1);
    desk_run_ms(&desk, 10000);
    assert_in_range(desk_asked(&desk, ENTRIES_PATH), 3, 5);
}

/* As many as may be in one, however small they are. */
static void test_batch_size(void **state)
{
    (void)state;

    desk_append(&desk, FIXTURE_ENTRIES_MAX);
    desk_serve_entries(&desk, GH_FAKE_FOREVER);
    desk_start(&desk);
    desk_run_ms(&desk, 1000);
    assert_int_equal(desk_asked(&desk, ENTRIES_PATH), 2);
    desk_assert_batch(&desk, 0, 1, 500);
    desk_assert_batch(&desk, 1, 501, FIXTURE_ENTRIES_MAX - 500);
}

/* --- what should not --- */

/* Answers that cannot be meant: nothing of them is believed, and the same is sent again. */
static void test_nonsense(void **state)
{
    (void)state;
    static const char *const answers[] = {
        "",
        "ok",
        "[]",
        "{}",
        "{\"acknowledged\": 4",
        "{\"acknowledged\": null}",
        "{\"acknowledged\": true}",
        "{\"acknowledged\": \"4\"}",
        "{\"acknowledged\": 4.0}",
        "{\"acknowledged\": [4]}",
        "{\"acknowledged\": -1}",
        "{\"acknowledged\": 2}", /* nothing new: would be sent for ever */
        "{\"acknowledged\": 5}", /* never written */
        "{\"acknowledged\": 9223372036854775807}",
        "{\"acknowledged\": 18446744073709551615}",
        "{\"acknowledged\": 3, \"acknowledged\": 4}",
    };

    desk_append(&desk, 2);
    desk_serve_entries(&desk, 1);
    desk_start(&desk);
    desk_run_ms(&desk, 1000);
    desk_append(&desk, 2);
    for (size_t i = 0; i < GH_ARRAY_SIZE(answers); i++) {
        acknowledge(answers[i]);
        assert_true(desk_turn(&desk) > 0);
        if (desk_asked(&desk, ENTRIES_PATH) != i + 2)
            fail_msg("asked %zu times", desk_asked(&desk, ENTRIES_PATH));
        desk_assert_batch(&desk, i + 1, 3, 2);
        gh_fake_clock_advance_ms(&desk.fixture.clock, DESK_MOST_MS);
        if (i % 3 == 2) { /* nothing of it was written down either */
            desk_stop(&desk);
            desk_start(&desk);
        }
    }
    desk_serve_entries(&desk, 1);
    (void)desk_turn(&desk);
    assert_int_equal(desk.entries.known, 4);
}

static void test_failures(void **state)
{
    (void)state;
    static const enum gh_status failures[] = {GH_ERR_NETWORK, GH_ERR_TIMEOUT, GH_ERR_TOOBIG,
                                              GH_ERR_AGAIN};
    static const int statuses[] = {201, 204, 302, 400, 401, 403, 413, 429, 500, 502, 503};
    size_t tries = 0;

    desk_append(&desk, 4);
    for (size_t i = 0; i < GH_ARRAY_SIZE(failures); i++, tries++)
        desk_fail(&desk, ENTRIES_PATH, failures[i]);
    for (size_t i = 0; i < GH_ARRAY_SIZE(statuses); i++, tries++)
        desk_answer(&desk, ENTRIES_PATH, statuses[i], "{\"acknowledged\": 4}");
    desk_start(&desk);
    for (size_t i = 0; i < tries; i++) {
        assert_true(desk_turn(&desk) > 0);
        assert_int_equal(desk_asked(&desk, ENTRIES_PATH), i + 1);
        desk_assert_batch(&desk, i, 1, 4);
        gh_fake_clock_advance_ms(&desk.fixture.clock, DESK_MOST_MS);
    }
    desk_serve_entries(&desk, 1);
    (void)desk_turn(&desk);
    assert_int_equal(desk.entries.known, 4);
}

/* The server's database was put back from a backup: what it lacks is sent again. */
static void test_goes_back(void **state)
{
    (void)state;

    desk_append(&desk, 6);
    desk_serve_entries(&desk, GH_FAKE_FOREVER);
    desk_start(&desk);
    desk_run_ms(&desk, 1000);
    assert_int_equal(desk.entries.known, 6);
    gh_fake_transport_forget(&desk.server);
    desk_append(&desk, 1);
    desk.entries.known = 2;
    desk_answer(&desk, ENTRIES_PATH, 200, "{\"acknowledged\": 2, \"refused\": []}");
    desk_serve_entries(&desk, GH_FAKE_FOREVER);
    (void)desk_turn(&desk);
    desk_assert_batch(&desk, 0, 7, 1);
    desk_stop(&desk); /* it is written down, too */
    desk_start(&desk);
    desk_run_ms(&desk, 2 * DESK_FIRST_MS);
    desk_assert_batch(&desk, 1, 3, 5);
    assert_int_equal(desk.entries.known, 7);
    desk_run_ms(&desk, 100000);
    assert_int_equal(desk_asked(&desk, ENTRIES_PATH), 2);
}

/* A server that is out of its mind: the same again, ever more slowly. */
static void test_goes_back_for_ever(void **state)
{
    (void)state;
    struct gh_fake_answer nothing = {
        .path = ENTRIES_PATH, .times = GH_FAKE_FOREVER, .body = "{\"acknowledged\": 0}"};

    desk_append(&desk, 4);
    desk_start(&desk);
    acknowledge("{\"acknowledged\": 4}");
    (void)desk_turn(&desk);
    desk_append(&desk, 1);
    gh_fake_transport_add(&desk.server, &nothing);
    desk_run_ms(&desk, 60000);
    assert_in_range(desk_asked(&desk, ENTRIES_PATH), 6, 9);
}

/* --- when --- */

static void test_backs_off(void **state)
{
    (void)state;
    int64_t before_ns = 0, doubled_ms = DESK_FIRST_MS;

    desk_append(&desk, 1);
    desk_start(&desk);
    desk_run_ms(&desk, 3 * DESK_MOST_MS); /* nobody is there */
    size_t count = desk_asked(&desk, ENTRIES_PATH);
    assert_true(count >= 10);
    for (size_t i = 0; i < count; i++) {
        int64_t at_ns = gh_fake_transport_request(&desk.server, ENTRIES_PATH, i)->at_ns;
        int64_t pause_ms = (at_ns - before_ns) / GH_NS_PER_MS;
        before_ns = at_ns;
        if (i == 0)
            continue;
        assert_in_range(pause_ms, doubled_ms / 2, doubled_ms + 2);
        doubled_ms = 2 * doubled_ms < DESK_MOST_MS ? 2 * doubled_ms : DESK_MOST_MS;
    }
}

/* An entry a second while the server is down: each kicks, and none is heard. */
static void test_kicks_do_not_hammer(void **state)
{
    (void)state;

    desk_append(&desk, 1);
    desk_start(&desk);
    for (int second = 0; second < 60; second++) {
        for (int i = 0; i < 20; i++)
            gh_courier_kick(desk.courier);
        desk_run_ms(&desk, 1000);
    }
    assert_in_range(desk_asked(&desk, ENTRIES_PATH), 6,
                    8); /* 1, 2, 4, 8, 16, 32 s, half to all of each */
    desk_serve_entries(&desk, GH_FAKE_FOREVER);
    desk_run_ms(&desk, 64000);
    assert_int_equal(desk.entries.known, 1);
    size_t count = desk_asked(&desk, ENTRIES_PATH);
    desk_append(&desk, 1);
    (void)desk_turn(&desk); /* once it works again, a kick is heard again */
    assert_int_equal(desk_asked(&desk, ENTRIES_PATH), count + 1);
}

static void test_retry_after(void **state)
{
    (void)state;
    struct gh_fake_answer busy = {.path = ENTRIES_PATH,
                                  .status = 503,
                                  .body = "{\"error\": \"unavailable\"}",
                                  .retry_after_s = 30,
                                  .takes_ms = 8000};

    desk_append(&desk, 1);
    desk_start(&desk);
    gh_fake_transport_add(&desk.server, &busy);
    desk_serve_entries(&desk, GH_FAKE_FOREVER);
    (void)desk_turn(&desk); /* 30 s from when it was said, not from when it was asked */
    for (int i = 0; i < 299; i++) {
        gh_courier_kick(desk.courier);
        desk_run_ms(&desk, 100);
    }
    assert_int_equal(desk_asked(&desk, ENTRIES_PATH), 1);
    desk_run_ms(&desk, 10000);
    assert_int_equal(desk_asked(&desk, ENTRIES_PATH), 2);
    assert_int_equal(desk.entries.known, 1);
}

/* A time-out of ten seconds is no pause: it begins when the request has failed. */
static void test_pause_after_a_timeout(void **state)
{
    (void)state;
    struct gh_fake_answer slow = {.path = ENTRIES_PATH,
                                  .times = GH_FAKE_FOREVER,
                                  .failure = GH_ERR_TIMEOUT,
                                  .takes_ms = 10000};

    desk_append(&desk, 1);
    desk_start(&desk);
    gh_fake_transport_add(&desk.server, &slow);
    (void)desk_turn(&desk);
    int64_t ended_ns = gh_clock_monotonic_ns(&desk.fixture.clock.clock);
    desk_run_ms(&desk, 2 * DESK_FIRST_MS);
    const struct gh_fake_request *again = gh_fake_transport_request(&desk.server, ENTRIES_PATH, 1);
    assert_non_null(again);
    assert_true(again->at_ns - ended_ns >= DESK_FIRST_MS / 2 * GH_NS_PER_MS);
}

/* The list's trouble is not the entries', nor the other way round. */
static void test_list_does_not_hold_up(void **state)
{
    (void)state;

    desk_start(&desk);
    desk_run_ms(&desk, DESK_MOST_MS); /* no list for a long time */
    desk_serve_entries(&desk, GH_FAKE_FOREVER);
    desk_append(&desk, 1);
    (void)desk_turn(&desk);
    assert_int_equal(desk.entries.known, 1);

    gh_fake_transport_forget(&desk.server);
    desk_append(&desk, 1);
    desk_run_ms(&desk, 2 * DESK_MOST_MS); /* no entries for a long time */
    desk_offer_list(&desk, 1);
    desk_run_ms(&desk, 2 * DESK_MOST_MS);
    assert_int_equal(desk_count_events(&desk, GH_COURIER_LIST), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_sends, setup, teardown),
        cmocka_unit_test_setup_teardown(test_without_a_kick, setup, teardown),
        cmocka_unit_test_setup_teardown(test_many, setup, teardown),
        cmocka_unit_test_setup_teardown(test_acknowledged_is_kept, setup, teardown),
        cmocka_unit_test_setup_teardown(test_partly_acknowledged, setup, teardown),
        cmocka_unit_test_setup_teardown(test_server_knows_more, setup, teardown),
        cmocka_unit_test_setup_teardown(test_refused_entries, setup, teardown),
        cmocka_unit_test_setup_teardown(test_compressed, setup, teardown),
        cmocka_unit_test_setup_teardown(test_not_compressed, setup, teardown),
        cmocka_unit_test_setup_teardown(test_batch_size, setup, teardown),
        cmocka_unit_test_setup_teardown(test_nonsense, setup, teardown),
        cmocka_unit_test_setup_teardown(test_failures, setup, teardown),
        cmocka_unit_test_setup_teardown(test_goes_back, setup, teardown),
        cmocka_unit_test_setup_teardown(test_goes_back_for_ever, setup, teardown),
        cmocka_unit_test_setup_teardown(test_backs_off, setup, teardown),
        cmocka_unit_test_setup_teardown(test_kicks_do_not_hammer, setup, teardown),
        cmocka_unit_test_setup_teardown(test_retry_after, setup, teardown),
        cmocka_unit_test_setup_teardown(test_pause_after_a_timeout, setup, teardown),
        cmocka_unit_test_setup_teardown(test_list_does_not_hold_up, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
