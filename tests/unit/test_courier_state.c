/* SPDX-License-Identifier: Apache-2.0 */
/* courier.c: how it stands with the server, for whoever asks at the board. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "courier_scene.h"

static struct gh_courier_state look(void)
{
    return gh_courier_look(desk.courier);
}

static int64_t now_ns(void)
{
    return gh_clock_monotonic_ns(&fixture->clock.clock);
}

static void test_heard(void **state)
{
    (void)state;

    desk_start(&desk);
    assert_false(look().heard);
    assert_string_equal(look().trouble, ""); /* it was not asked yet */
    desk_offer_list(&desk, 1);
    (void)desk_turn(&desk);
    assert_true(look().heard);
    assert_true(look().heard_ns == now_ns());
    assert_false(look().refused);
    assert_string_equal(look().trouble, "");
}

static void test_unheard(void **state)
{
    (void)state;

    desk_start_with_list(&desk);
    int64_t heard_ns = look().heard_ns;
    desk_fail(&desk, LIST_PATH, GH_ERR_NETWORK);
    desk_run_ms(&desk, 5000);
    assert_true(look().heard && look().heard_ns == heard_ns);
    assert_false(look().refused);
    assert_string_not_equal(look().trouble, "");
    gh_fake_transport_forget_answers(&desk.server);
    desk_offer_list(&desk, 1);
    desk_run_ms(&desk, 600000); /* whenever it tries again */
    assert_true(look().heard_ns > heard_ns);
}

static void turn_until_asked(size_t times)
{
    while (desk_asked(&desk, LIST_PATH) < times) {
        int64_t wait_ms = desk_turn(&desk);
        if (desk_asked(&desk, LIST_PATH) < times)
            gh_fake_clock_advance_ms(&fixture->clock, wait_ms);
    }
}

/* The server's word, until it has another. */
static void refuse_with(int word)
{
    desk_start_with_list(&desk);
    desk_answer(&desk, LIST_PATH, word, "{\"error\": \"forbidden\"}");
    turn_until_asked(1);
    assert_true(look().refused);
    assert_non_null(strstr(look().trouble, "forbidden"));
    desk_fail(&desk, LIST_PATH, GH_ERR_NETWORK);
    turn_until_asked(2);
    assert_true(look().refused);              /* as far as is known */
    desk_answer(&desk, LIST_PATH, 500, "{}"); /* is not about us */
    turn_until_asked(3);
    assert_false(look().refused);
    assert_non_null(strstr(look().trouble, "500"));
}

static void test_refused_as_a_stranger(void **state)
{
    (void)state;

    refuse_with(401);
}

static void test_refused_as_removed(void **state)
{
    (void)state;

    refuse_with(403);
}

static void test_entries_that_fail(void **state)
{
    (void)state;

    desk_start_with_list(&desk);
    desk_append(&desk, 2);
    desk_answer(&desk, ENTRIES_PATH, 500, "{}");
    (void)desk_turn(&desk);
    assert_true(look().entries_fail);
    int64_t since_ns = look().entries_failing_ns;
    assert_true(since_ns == now_ns());
    gh_fake_transport_forget(&desk.server);
    struct gh_fake_answer no = {.path = ENTRIES_PATH, .times = 1000, .status = 503};
    gh_fake_transport_add(&desk.server, &no);
    while (desk_asked(&desk, ENTRIES_PATH) < 3)
        desk_run_ms(&desk, 1000);
    assert_true(look().entries_failing_ns == since_ns); /* since the first */
    gh_fake_transport_forget(&desk.server);
    desk_serve_entries(&desk, 1000);
    while (desk.entries.batches == 0)
        desk_run_ms(&desk, 1000);
    assert_false(look().entries_fail);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_heard, setup, teardown),
        cmocka_unit_test_setup_teardown(test_unheard, setup, teardown),
        cmocka_unit_test_setup_teardown(test_refused_as_a_stranger, setup, teardown),
        cmocka_unit_test_setup_teardown(test_refused_as_removed, setup, teardown),
        cmocka_unit_test_setup_teardown(test_entries_that_fail, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
