/* SPDX-License-Identifier: Apache-2.0 */
/* What hangs on the wall, and a whole gate behind it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

#include "gate_door_scene.h"

static char log_text[16384];

static const char *take_log(void)
{
    fixture_take_log(&rig.fixture, log_text, sizeof(log_text));
    return log_text;
}

/* --- buttons --- */

static void test_exit_button(void **state)
{
    (void)state;

    start();
    rig_input(&rig, GH_INPUT_EXIT, true);
    assert_false(rig_is_open(&rig));
    rig_pass_ms(&rig, DEBOUNCE_MS);
    assert_true(rig_is_open(&rig));
    assert_true(lit(GH_LINE_GREEN));
    assert_int_equal(rig.prompts, 0); /* nobody is welcomed who goes */
    settle(GH_INPUT_EXIT, false);
    rig_pass_ms(&rig, 2949);
    assert_true(rig_is_open(&rig));
    rig_pass_ms(&rig, 1);
    assert_false(rig_is_open(&rig));
    rig_assert_door_entries(&rig, "exit");
    assert_true(rig_last_entry(&rig)->about == 0 && rig_last_entry(&rig)->clock_trusted);

    for (int i = 0; i < 5; i++)
        press(GH_INPUT_EXIT); /* again while it is unlocked: one opening */
    rig_pass_ms(&rig, 10000);
    assert_false(rig_is_open(&rig));
    rig_assert_door_entries(&rig, "exit exit");
}

static void test_who_goes_is_not_forcing(void **state)
{
    (void)state;

    start();
    press(GH_INPUT_EXIT);
    settle(GH_INPUT_CONTACT, true);
    rig_pass_ms(&rig, 5000);
    settle(GH_INPUT_CONTACT, false);
    rig_pass_ms(&rig, 5000);
    rig_assert_door_entries(&rig, "exit");
    settle(GH_INPUT_CONTACT, true);
    rig_assert_door_entries(&rig, "exit forced");
}

static void test_a_button_that_hangs(void **state)
{
    (void)state;

    start();
    fixture_capture_log(&rig.fixture);
    settle(GH_INPUT_EXIT, true);
    rig_pass_ms(&rig, 59 * 1000);
    assert_true(rig_is_open(&rig));
    rig_pass_ms(&rig, 1500);
    assert_false(rig_is_open(&rig));
    rig_pass_ms(&rig, 3600 * 1000);
    assert_false(rig_is_open(&rig));
    rig_assert_door_entries(&rig, "exit");
    assert_int_equal(rig_count_openings(&rig), 1);
    settle(GH_INPUT_EXIT, false);
    const char *said = strstr(take_log(), "has been pressed for 60 s");
    assert_non_null(said);
    assert_null(strstr(said + 1, "has been pressed"));
    assert_non_null(strstr(said, "does not hang any more"));
    press(GH_INPUT_EXIT);
    assert_true(rig_is_open(&rig));
    rig_assert_door_entries(&rig, "exit exit");
}

static void test_guard_button(void **state)
{
    (void)state;

    start();
    settle(GH_INPUT_CONTACT, true); /* forced */
    rig_pass_ms(&rig, 10000);
    bool red = false;
    for (int i = 0; i < 10; i++, rig_pass_ms(&rig, 100))
        red = red || lit(GH_LINE_RED);
    assert_true(red);
    press(GH_INPUT_GUARD);
    assert_true(rig_is_open(&rig));
    rig_pass_ms(&rig, 5000);
    for (int i = 0; i < 700; i++, rig_pass_ms(&rig, 100))
        assert_false(lit(GH_LINE_RED) || lit(GH_LINE_BUZZER));
    rig_assert_door_entries(&rig, "forced guard");
}

/* Life first: who wants out is let out, and what is written follows. */
static void test_buttons_with_a_full_disk(void **state)
{
    (void)state;
    static const enum gh_input buttons[] = {GH_INPUT_EXIT, GH_INPUT_GUARD};

    start();
    rig.unwritten_is_fine = true;
    fixture_fill_disk(&rig.fixture);
    for (int i = 0; i < 2; i++) {
        press(buttons[i]);
        assert_true(rig_is_open(&rig));
        rig_pass_ms(&rig, 10000);
        assert_false(rig_is_open(&rig));
    }
    assert_int_equal(rig_count_entries(&rig), 1);
    fixture_empty_disk();
    rig_pass_ms(&rig, 10000);
    rig_assert_door_entries(&rig, "exit guard");
}

static void test_a_door_that_fails(void **state)
{
    (void)state;

    start();
    gh_fake_door_fail(&rig.door, UINT_MAX, GH_ERR_IO);
    settle(GH_INPUT_EXIT, true);
    assert_false(rig_is_open(&rig));
    rig_assert_door_entries(&rig, "exit fault");
    gh_fake_door_fail(&rig.door, 0, GH_OK);
    rig_pass_ms(&rig, 1000); /* who stands there still wants out */
    assert_true(rig_is_open(&rig));
    settle(GH_INPUT_EXIT, false);
    rig_pass_ms(&rig, 10000);
    assert_false(rig_is_open(&rig));
    rig_assert_door_entries(&rig, "exit fault");
}

static void test_before_it_is_enrolled(void **state)
{
    (void)state;

    rig.fixture.identity.enrolled = false;
    rig.unwritten_is_fine = true;
    rig_start(&rig);
    rig_pass_ms(&rig, 1000);
    press(GH_INPUT_EXIT);
    assert_true(rig_is_open(&rig));
    rig_pass_ms(&rig, 5000);
    assert_false(rig_is_open(&rig));
    settle(GH_INPUT_TAMPER, true);
    settle(GH_INPUT_CONTACT, true);
    settle(GH_INPUT_FIRE, true);
    assert_true(rig_is_open(&rig));
    settle(GH_INPUT_FIRE, false);
    assert_false(rig_is_open(&rig));
}

/* NTP sets the clock right in the middle of a pulse. */
static void test_wall_time_goes_back(void **state)
{
    (void)state;

    start();
    let_anna_in(GH_REASON_OK);
    rig_pass_ms(&rig, 1000);
    gh_fake_clock_set_wall_s(&rig.fixture.clock, FIXTURE_NOW_S - 86400);
    rig_pass_ms(&rig, 1999);
    assert_true(rig_is_open(&rig));
    rig_pass_ms(&rig, 1);
    assert_false(rig_is_open(&rig));
    rig_pass_ms(&rig, 5000);
    rig_assert_door_entries(&rig, "unused");
    assert_true(rig_last_entry(&rig)->after_ms == 4000);
}

/* --- alarms --- */

static void test_tamper(void **state)
{
    (void)state;

    start();
    settle(GH_INPUT_TAMPER, true);
    assert_true(lit(GH_LINE_RED) && lit(GH_LINE_BUZZER));
    assert_false(rig_is_open(&rig));
    rig_pass_ms(&rig, 1200 * 1000);
    rig_assert_door_entries(&rig, "tamper");
    settle(GH_INPUT_TAMPER, false);
    rig_pass_ms(&rig, 1000);
    assert_false(lit(GH_LINE_RED) || lit(GH_LINE_BUZZER));
    rig_assert_door_entries(&rig, "tamper tamper_over");
}

static size_t entries_at_unlock;
static void count_at_unlock(void *context, unsigned active)
{
    (void)context;
    if ((active & RELAY) && !(rig.door.active & RELAY))
        entries_at_unlock = rig_count_entries(&rig);
}

/* The door first. */
static void test_fire(void **state)
{
    (void)state;

    start();
    rig.door.before = count_at_unlock;
    fixture_capture_log(&rig.fixture);
    settle(GH_INPUT_FIRE, true);
    assert_true(rig_is_open(&rig));
    assert_int_equal(entries_at_unlock, 1);
    rig_assert_door_entries(&rig, "fire");
    assert_int_equal(rig.prompt, GH_PROMPT_FIRE);
    assert_true(lit(GH_LINE_GREEN));
    assert_true(rig.door.granted_ms == GH_DOOR_RENEW_FIRE);
    unsigned renews = rig.door.renews;
    rig_pass_ms(&rig, (2 * 3600 + 1800) * 1000);
    assert_true(rig_is_open(&rig));
    assert_int_equal(rig.door.renews, renews);
    assert_true(rig.prompts > 100); /* again and again */
    rig_assert_door_entries(&rig, "fire");
    settle(GH_INPUT_FIRE, false);
    assert_false(rig_is_open(&rig));
    rig_assert_door_entries(&rig, "fire fire_over");
    const char *said = strstr(take_log(), "the fire alarm has lasted for 1 h");
    assert_non_null(said);
    said = strstr(said + 1, "the fire alarm has lasted for 2 h");
    assert_non_null(said);
    assert_null(strstr(said + 1, "the fire alarm has lasted"));
}

static void test_fire_whatever_else(void **state)
{
    (void)state;

    start();
    settle(GH_INPUT_OTHER_DOOR, true);
    settle(GH_INPUT_EXIT, true); /* hangs */
    rig_pass_ms(&rig, 100000);
    fixture_fill_disk(&rig.fixture);
    gh_fake_clock_set_wall_s(&rig.fixture.clock, 1000);
    gh_fake_door_fail(&rig.door, 3, GH_ERR_IO);
    settle(GH_INPUT_FIRE, true);
    rig_pass_ms(&rig, 1000);
    assert_true(rig_is_open(&rig));
    gh_fake_door_lose(&rig.door, GH_INPUT_FIRE);
    gh_gate_inputs(rig.gate);
    rig_pass_ms(&rig, 3600 * 1000);
    assert_true(rig_is_open(&rig));
    fixture_empty_disk();
    settle(GH_INPUT_FIRE, false);
    assert_false(rig_is_open(&rig));
    rig_pass_ms(&rig, 10000);
    rig_assert_door_entries(&rig, "fire fault fire_over");
}

static void test_the_end_in_a_fire(void **state)
{
    (void)state;

    start();
    settle(GH_INPUT_FIRE, true);
    rig_stop(&rig);
    assert_true(rig_is_open(&rig));
    assert_false(lit(GH_LINE_GREEN));
    size_t sets = rig.door.count;
    rig_start(&rig);
    rig_pass_ms(&rig, DEBOUNCE_MS);
    assert_true(rig.door.count > sets);
    for (size_t i = sets; i < rig.door.count; i++) /* nor for the moment until the input counts */
        assert_true(rig.door.sets[i].active & RELAY);
    assert_true(rig_is_open(&rig));
    settle(GH_INPUT_FIRE, false);
    settle(GH_INPUT_EXIT, true);
    assert_true(rig_is_open(&rig));
    rig_stop(&rig);
    assert_false(rig_is_open(&rig));
}

/* A chip is gone, or its cable: known before somebody wants to go through. */
static void test_lines_that_are_gone(void **state)
{
    (void)state;

    start();
    assert_true(gh_gate_look_at_door(rig.gate).lines_known);
    rig.door.inputs.lines_gone = true;
    gh_fake_door_fail(&rig.door, UINT_MAX, GH_ERR_GONE);
    gh_gate_inputs(rig.gate);
    rig_pass_ms(&rig, 1000);
    assert_false(gh_gate_look_at_door(rig.gate).lines_known);
    rig.door.inputs.lines_gone = false;
    gh_fake_door_fail(&rig.door, 0, GH_OK);
    rig_pass_ms(&rig, 1000);
    assert_true(gh_gate_look_at_door(rig.gate).lines_known);
    let_anna_in(GH_REASON_OK);
    assert_true(rig_is_open(&rig));
}

/* --- inputs that cannot be relied on --- */

static void test_chattering(void **state)
{
    (void)state;

    start();
    fixture_capture_log(&rig.fixture);
    for (int i = 0; i < 200; i++) {
        rig_input(&rig, GH_INPUT_CONTACT, i % 2 == 0);
        rig_input(&rig, GH_INPUT_EXIT, i % 2 == 0);
        rig_pass_ms(&rig, 20);
    }
    assert_int_equal(rig_count_openings(&rig), 0);
    rig_assert_door_entries(&rig, "");
    struct gh_gate_door door = gh_gate_look_at_door(rig.gate);
    assert_int_equal(door.chattering, GH_INPUT_BIT(GH_INPUT_CONTACT) | GH_INPUT_BIT(GH_INPUT_EXIT));
    rig_pass_ms(&rig, 60000);
    take_log();
    const char *said = strstr(log_text, "its contact chatters");
    assert_non_null(said);
    assert_null(strstr(said + 1, "its contact chatters"));
    assert_non_null(strstr(log_text, "its exit is at rest again"));
    rig.unwritten_is_fine = true;
    for (int i = 0; i < 200; i++) { /* of a fire alarm: it is taken for one */
        rig_input(&rig, GH_INPUT_FIRE, i % 2 == 0);
        rig_pass_ms(&rig, 20);
    }
    assert_true(rig_is_open(&rig));
    rig_pass_ms(&rig, GH_INPUT_QUIET_MS);
    assert_false(rig_is_open(&rig));
    rig_assert_door_entries(&rig, "fire fire_over");
}

static void test_lost_inputs_are_said(void **state)
{
    (void)state;

    start();
    fixture_capture_log(&rig.fixture);
    for (int i = 0; i < GH_INPUT_COUNT; i++)
        gh_fake_door_lose(&rig.door, (enum gh_input)i);
    gh_gate_inputs(rig.gate);
    rig_pass_ms(&rig, 3600 * 1000);
    assert_int_equal(gh_gate_look_at_door(rig.gate).unknown, GH_INPUT_BIT(GH_INPUT_COUNT) - 1);
    assert_true(gh_gate_look_at_door(rig.gate).interlocked);
    take_log();
    for (int i = 0; i < GH_INPUT_COUNT; i++) {
        char text[64];
        snprintf(text, sizeof(text), "its %s cannot be read", gh_input_name((enum gh_input)i));
        const char *said = strstr(log_text, text);
        assert_non_null(said);
        assert_null(strstr(said + 1, text));
    }
    assert_int_equal(rig_count_openings(&rig), 0);
    fixture_capture_log(&rig.fixture);
    rig.door.inputs.known = GH_INPUT_BIT(GH_INPUT_COUNT) - 1;
    gh_gate_inputs(rig.gate);
    rig_pass_ms(&rig, 1000);
    assert_non_null(strstr(take_log(), "its fire is read again"));
    rig_assert_door_entries(&rig, "");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_exit_button),
        TEST(test_who_goes_is_not_forcing),
        TEST(test_a_button_that_hangs),
        TEST(test_guard_button),
        TEST(test_buttons_with_a_full_disk),
        TEST(test_a_door_that_fails),
        TEST(test_before_it_is_enrolled),
        TEST(test_wall_time_goes_back),
        TEST(test_tamper),
        TEST(test_fire),
        TEST(test_fire_whatever_else),
        TEST(test_the_end_in_a_fire),
        TEST(test_lines_that_are_gone),
        TEST(test_chattering),
        TEST(test_lost_inputs_are_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
