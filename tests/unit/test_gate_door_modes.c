/* SPDX-License-Identifier: Apache-2.0 */
/* Two doors of a lock, the relay's modes, what is spoken, and a person at the board. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "gate_door_scene.h"

/* --- two doors of a lock --- */

static void test_interlocked(void **state)
{
    (void)state;

    start();
    rig_input(&rig, GH_INPUT_OTHER_DOOR, true); /* counts at once for who is decided about now */
    let_anna_in(GH_REASON_INTERLOCK);
    assert_false(rig_is_open(&rig));
    assert_int_equal(rig.prompt, GH_PROMPT_OTHER_DOOR);
    rig_pass_ms(&rig, 5000);
    press(GH_INPUT_EXIT);
    assert_false(rig_is_open(&rig));
    assert_true(lit(GH_LINE_RED));
    rig_pass_ms(&rig, 5000);
    settle(GH_INPUT_OTHER_DOOR, false);
    assert_true(rig_is_open(&rig)); /* who waited at the exit */
    rig_assert_door_entries(&rig, "exit");
    rig_pass_ms(&rig, 3000);
    assert_false(rig_is_open(&rig));

    settle(GH_INPUT_OTHER_DOOR, true);
    press(GH_INPUT_EXIT);
    rig_pass_ms(&rig, 11000);
    settle(GH_INPUT_OTHER_DOOR, false);
    rig_pass_ms(&rig, 1000);
    assert_false(rig_is_open(&rig)); /* in vain */
    settle(GH_INPUT_OTHER_DOOR, true);
    press(GH_INPUT_GUARD);
    assert_true(rig_is_open(&rig));
    rig_pass_ms(&rig, 5000);
    settle(GH_INPUT_OTHER_DOOR, false);
    let_anna_in(GH_REASON_OK);
    assert_true(rig_is_open(&rig));
    settle(GH_INPUT_OTHER_DOOR, true); /* the guard opens it there */
    assert_false(rig_is_open(&rig));
}

static void other_claims_too(void *context, unsigned active)
{
    (void)context;
    gh_fake_door_input(&rig.door, GH_INPUT_OTHER_DOOR, (active & THIS_DOOR) == 0);
}

/* Both doors in one moment: whoever says so second finds the other one. */
static void test_a_race(void **state)
{
    (void)state;

    start();
    size_t sets = rig.door.count;
    rig.door.before = other_claims_too;
    let_anna_in(GH_REASON_INTERLOCK);
    press(GH_INPUT_EXIT);
    for (size_t i = sets; i < rig.door.count; i++)
        assert_false(rig.door.sets[i].active & RELAY);
    assert_false(rig_is_open(&rig));
    assert_true(lit(GH_LINE_THIS_DOOR)); /* and gives way */
    rig.door.before = NULL;
    settle(GH_INPUT_OTHER_DOOR, false);
    rig_pass_ms(&rig, 5000);
    rig.door.count = 0;
    let_anna_in(GH_REASON_OK);
    size_t told = 0, unlocked = 0;
    while (told < rig.door.count && (rig.door.sets[told].active & THIS_DOOR))
        told++;
    while (unlocked < rig.door.count && !(rig.door.sets[unlocked].active & RELAY))
        unlocked++;
    assert_true(told < unlocked && unlocked < rig.door.count); /* before the relay */
}

/* The one who decides is the first to see that the other door has been shut for long enough. */
static void test_shut_a_moment_ago(void **state)
{
    (void)state;

    start();
    settle(GH_INPUT_OTHER_DOOR, true);
    rig_input(&rig, GH_INPUT_OTHER_DOOR, false);
    gh_fake_clock_advance_ns(&rig.fixture.clock, (DEBOUNCE_MS + 1) * GH_NS_PER_MS);
    let_anna_in(GH_REASON_OK);
    assert_true(rig_is_open(&rig)); /* as the entry says */
    rig_pass_ms(&rig, 10000);
    assert_false(rig_is_open(&rig));
    settle(GH_INPUT_OTHER_DOOR, true);
    rig_input(&rig, GH_INPUT_OTHER_DOOR, false);
    gh_fake_clock_advance_ns(&rig.fixture.clock, (DEBOUNCE_MS + 1) * GH_NS_PER_MS);
    assert_int_equal(gh_gate_test_relay(rig.gate, NULL), GH_OK);
    assert_true(rig_is_open(&rig));
}

static void test_this_door(void **state)
{
    (void)state;

    start();
    assert_true(lit(GH_LINE_THIS_DOOR));
    let_anna_in(GH_REASON_OK);
    assert_false(lit(GH_LINE_THIS_DOOR));
    rig_input(&rig, GH_INPUT_CONTACT, true); /* from the first edge on */
    rig_pass_ms(&rig, 10000);
    assert_false(rig_is_open(&rig));
    assert_false(lit(GH_LINE_THIS_DOOR));
    rig_input(&rig, GH_INPUT_CONTACT, false);
    assert_false(lit(GH_LINE_THIS_DOOR));
    rig_pass_ms(&rig, DEBOUNCE_MS);
    assert_true(lit(GH_LINE_THIS_DOOR)); /* when it is sure */
    gh_fake_door_lose(&rig.door, GH_INPUT_CONTACT);
    gh_gate_inputs(rig.gate);
    assert_false(lit(GH_LINE_THIS_DOOR));
}

/* Of a set that failed some lines may have moved, on another chip than the relay's. */
static void assert_not_told_since(size_t first)
{
    assert_true(rig.door.count > first && rig.door.count < GH_FAKE_DOOR_SETS_MAX);
    for (size_t i = first; i < rig.door.count; i++)
        assert_int_equal(rig.door.sets[i].active & THIS_DOOR, 0);
}

static void test_a_relay_that_cannot_be_moved_is_not_locked(void **state)
{
    (void)state;

    start();
    let_anna_in(GH_REASON_OK);
    size_t first = rig.door.count;
    gh_fake_door_fail(&rig.door, UINT_MAX, GH_ERR_IO);
    rig_pass_ms(&rig, 10000); /* the pulse is over */
    assert_not_told_since(first);
    gh_fake_door_fail(&rig.door, 0, GH_OK);
    rig_pass_ms(&rig, 1000);
    assert_false(rig_is_open(&rig));
    assert_true(lit(GH_LINE_THIS_DOOR));
    /* One that is gone while the door is locked may have unlocked it. */
    first = rig.door.count;
    gh_fake_door_fail(&rig.door, UINT_MAX, GH_ERR_GONE);
    rig.door.inputs.lines_gone = true;
    gh_gate_inputs(rig.gate);
    rig_pass_ms(&rig, 1000);
    assert_not_told_since(first);
}

/* --- relay modes --- */

static void test_hold(void **state)
{
    (void)state;

    rig.options.door.relay_mode = GH_RELAY_HOLD;
    rig.options.door.hold_max_s = 60;
    start();
    let_anna_in(GH_REASON_OK);
    rig_pass_ms(&rig, 30000);
    assert_true(rig_is_open(&rig));
    assert_true(rig.door.granted_ms == GH_DOOR_RENEW_MS);
    assert_in_range(rig.door.renews, 29, 33); /* a hang ends within 3 s */
    settle(GH_INPUT_CONTACT, true);
    rig_pass_ms(&rig, 5000);
    assert_true(rig_is_open(&rig));
    settle(GH_INPUT_CONTACT, false);
    assert_false(rig_is_open(&rig));
    rig_pass_ms(&rig, 10000);
    rig_assert_door_entries(&rig, "opened passed");
    let_anna_in(GH_REASON_OK);
    rig_pass_ms(&rig, 59999);
    assert_true(rig_is_open(&rig));
    rig_pass_ms(&rig, 5000);
    assert_false(rig_is_open(&rig));
    rig_assert_door_entries(&rig, "opened passed unused");
}

static void test_toggle(void **state)
{
    (void)state;

    rig.options.door.relay_mode = GH_RELAY_TOGGLE;
    start();
    let_anna_in(GH_REASON_OK);
    uint64_t first = rig_last_passage(&rig)->sequence;
    settle(GH_INPUT_CONTACT, true);
    rig_pass_ms(&rig, 3600 * 1000); /* it may stand open */
    settle(GH_INPUT_CONTACT, false);
    rig_pass_ms(&rig, 3600 * 1000);
    assert_true(rig_is_open(&rig));
    rig_assert_door_entries(&rig, "opened passed");
    assert_true(rig_last_entry(&rig)->about == first);
    let_anna_in(GH_REASON_OK);
    assert_false(rig_is_open(&rig));
    assert_int_equal(rig_last_entry(&rig)->door, GH_DOOR_EVENT_TOGGLED);
    assert_true(rig_last_entry(&rig)->about == rig_last_passage(&rig)->sequence);
    rig_pass_ms(&rig, 10000);
    rig_assert_door_entries(&rig, "opened passed toggled");
}

static void test_two_codes_at_once(void **state)
{
    (void)state;

    rig.options.door.relay_mode = GH_RELAY_TOGGLE;
    rig.fixture.manifest.policy.home_rule = GH_HOME_NONE;
    start();
    rig_show(&rig, rig.anna);
    rig_show(&rig, rig.dora);
    assert_true(rig_is_open(&rig));
    rig_pass_ms(&rig, 10000);
    assert_true(rig_is_open(&rig));
    assert_int_equal(rig_count_entries(&rig), 3);
    rig_show(&rig, rig.anna);
    rig_show(&rig, rig.dora);
    assert_false(rig_is_open(&rig));
    rig_pass_ms(&rig, 2000);
    rig_assert_door_entries(&rig, "toggled toggled unused unused");
}

/* Configured anew while it is unlocked: no code would ever lock it again. */
static void test_no_toggle_any_more(void **state)
{
    (void)state;

    rig.options.door.relay_mode = GH_RELAY_TOGGLE;
    start();
    let_anna_in(GH_REASON_OK);
    rig_pass_ms(&rig, 60000);
    assert_true(rig_is_open(&rig));
    struct gh_door_options pulse = rig.options.door;
    pulse.relay_mode = GH_RELAY_PULSE;
    gh_gate_set_door(rig.gate, &pulse);
    rig_pass_ms(&rig, 0);
    assert_false(rig_is_open(&rig));
    let_anna_in(GH_REASON_OK);
    assert_true(rig_is_open(&rig));
    rig_pass_ms(&rig, 10000);
    assert_false(rig_is_open(&rig));
}

/* --- what is spoken --- */

static void test_prompts(void **state)
{
    (void)state;

    start();
    rig_show(&rig, rig.anna);
    assert_int_equal(rig.prompt, GH_PROMPT_SHOW_HOUSING);
    assert_int_equal(rig.prompts, 1);
    rig_show(&rig, rig.home1);
    assert_int_equal(rig.prompt, GH_PROMPT_WELCOME);
    assert_int_equal(rig.prompts, 2);
    rig_pass_ms(&rig, 10000);
    rig_show(&rig, "hello");
    rig_show(&rig, "hello, too"); /* the same reason within 2 s */
    assert_int_equal(rig.prompts, 3);
    rig_pass_ms(&rig, 2001);
    rig_show(&rig, "hello again");
    assert_int_equal(rig.prompts, 4);
    rig_pass_ms(&rig, 10000);

    press(GH_INPUT_EXIT);
    settle(GH_INPUT_CONTACT, true);
    unsigned prompts = rig.prompts;
    rig_pass_ms(&rig, 35000);
    assert_int_equal(rig.prompt, GH_PROMPT_CLOSE_DOOR);
    assert_int_equal(rig.prompts, prompts + 1);
    rig_pass_ms(&rig, 60000);
    assert_int_equal(rig.prompts, prompts + 3);
    settle(GH_INPUT_CONTACT, false);
    rig_pass_ms(&rig, 60000);
    assert_int_equal(rig.prompts, prompts + 3);
    rig_assert_door_entries(&rig, "unused exit held shut");
    rig.options.peers.prompt = NULL; /* nobody speaks: nothing is missed */
    rig_stop(&rig);
    rig_start(&rig);
    rig_show(&rig, "hello");
}

/* --- a person at the board --- */

static void test_relay_test(void **state)
{
    (void)state;
    struct gh_error err = {0};

    start();
    assert_int_equal(gh_gate_test_relay(rig.gate, &err), GH_OK);
    assert_true(rig_is_open(&rig));
    assert_int_equal(gh_gate_look_at_door(rig.gate).causes, GH_CAUSE_BIT(GH_CAUSE_TEST));
    rig_pass_ms(&rig, 3000);
    assert_false(rig_is_open(&rig));
    rig_assert_door_entries(&rig, "test");

    settle(GH_INPUT_OTHER_DOOR, true);
    assert_int_equal(gh_gate_test_relay(rig.gate, &err), GH_ERR_BUSY);
    assert_non_null(strstr(err.text, "the other door"));
    settle(GH_INPUT_OTHER_DOOR, false);
    fixture_fill_disk(&rig.fixture);
    err = (struct gh_error){0};
    assert_int_not_equal(gh_gate_test_relay(rig.gate, &err), GH_OK);
    assert_non_null(strstr(err.text, "cannot be written"));
    assert_false(rig_is_open(&rig));
    fixture_empty_disk();
    rig_pass_ms(&rig, 5000);
    assert_false(rig_is_open(&rig));
    rig_assert_door_entries(&rig, "test");
    gh_fake_door_fail(&rig.door, 2, GH_ERR_IO); /* this_door, and the relay */
    assert_int_equal(gh_gate_test_relay(rig.gate, NULL), GH_ERR_IO);
    rig_pass_ms(&rig, 5000);
    rig_assert_door_entries(&rig, "test test fault");
    assert_int_equal(rig_count_openings(&rig), 1);
}

static void test_line_test(void **state)
{
    (void)state;
    struct gh_error err = {0};

    start();
    assert_int_equal(gh_gate_test_line(rig.gate, GH_LINE_YELLOW, &err), GH_OK);
    assert_true(lit(GH_LINE_YELLOW));
    rig_pass_ms(&rig, 5000);
    assert_false(lit(GH_LINE_YELLOW));
    assert_int_equal(gh_gate_test_line(rig.gate, GH_LINE_RELAY, &err), GH_ERR_INVALID);
    assert_non_null(strstr(err.text, "relay is no lamp"));
    gh_fake_door_fail(&rig.door, 1, GH_ERR_IO);
    assert_int_equal(gh_gate_test_line(rig.gate, GH_LINE_BUZZER, &err), GH_ERR_IO);
    assert_int_equal(rig_count_entries(&rig), 1);
}

static void test_how_the_door_is(void **state)
{
    (void)state;

    start();
    struct gh_gate_door door = gh_gate_look_at_door(rig.gate);
    assert_int_equal(door.wired, GH_INPUT_BIT(GH_INPUT_COUNT) - 1);
    assert_true(door.causes == 0 && door.lines == THIS_DOOR && door.lines_known);
    assert_true(door.active == 0 && door.unknown == 0 && !door.interlocked && !door.forced);
    gh_gate_inputs(rig.gate); /* told, and nothing is otherwise */
    settle(GH_INPUT_CONTACT, true);
    door = gh_gate_look_at_door(rig.gate);
    assert_int_equal(door.active, GH_INPUT_BIT(GH_INPUT_CONTACT));
    assert_true(door.forced && !door.held && door.blinks == 1);
    assert_false(door.lines & THIS_DOOR);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_interlocked),
        TEST(test_a_race),
        TEST(test_shut_a_moment_ago),
        TEST(test_no_toggle_any_more),
        TEST(test_this_door),
        TEST(test_a_relay_that_cannot_be_moved_is_not_locked),
        TEST(test_hold),
        TEST(test_toggle),
        TEST(test_two_codes_at_once),
        TEST(test_prompts),
        TEST(test_relay_test),
        TEST(test_line_test),
        TEST(test_how_the_door_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
