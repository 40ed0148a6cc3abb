/* SPDX-License-Identifier: Apache-2.0 */
/* What hangs on the wall, and a whole gate behind it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fakes/gate_rig.h"
#include "gate/door_inputs.h"

#define DEBOUNCE_MS 50
#define RELAY GH_LINE_BIT(GH_LINE_RELAY)
#define THIS_DOOR GH_LINE_BIT(GH_LINE_THIS_DOOR)

static struct rig rig;
static char log_text[16384];

static int setup(void **state)
{
    (void)state;
    rig_init(&rig);
    rig.options.door.debounce_ms = DEBOUNCE_MS;
    rig.options.door.this_door = true;
    gh_fake_door_wire(&rig.door, &rig.io, GH_INPUT_BIT(GH_INPUT_COUNT) - 1);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    rig_destroy(&rig);
    return 0;
}

static void start(void)
{
    rig_start_with_list(&rig);
    rig_pass_ms(&rig, 1000);
    assert_int_equal(rig_count_entries(&rig), 1);
}

static void settle(enum gh_input input, bool active)
{
    rig_input(&rig, input, active);
    rig_pass_ms(&rig, DEBOUNCE_MS);
}

static void press(enum gh_input button)
{
    settle(button, true);
    settle(button, false);
}

static void let_anna_in(enum gh_reason reason)
{
    rig_show(&rig, rig.anna);
    rig_show(&rig, rig.home1);
    assert_string_equal(gh_reason_info(rig_last_passage(&rig)->reason)->token,
                        gh_reason_info(reason)->token);
}

/* The door's entries after the start, in words. */
static void assert_door_entries(const char *expected)
{
    char words[1024] = "";

    (void)rig_count_entries(&rig);
    for (size_t i = 0; i < rig.entries.count; i++) {
        const struct gh_entry *entry = &rig.entries.entry[i];
        if (entry->type != GH_ENTRY_DOOR && entry->type != GH_ENTRY_FAULT)
            continue;
        if (words[0])
            strcat(words, " ");
        strcat(words, entry->type == GH_ENTRY_DOOR ? gh_door_event_name(entry->door) : "fault");
    }
    assert_string_equal(words, expected);
}

static bool lit(enum gh_line line)
{
    return gh_fake_door_is_active(&rig.door, line);
}

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
    assert_door_entries("exit");
    assert_true(rig_last_entry(&rig)->about == 0 && rig_last_entry(&rig)->clock_trusted);

    for (int i = 0; i < 5; i++)
        press(GH_INPUT_EXIT); /* again while it is unlocked: one opening */
    rig_pass_ms(&rig, 10000);
    assert_false(rig_is_open(&rig));
    assert_door_entries("exit exit");
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
    assert_door_entries("exit");
    settle(GH_INPUT_CONTACT, true);
    assert_door_entries("exit forced");
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
    assert_door_entries("exit");
    assert_int_equal(rig_count_openings(&rig), 1);
    settle(GH_INPUT_EXIT, false);
    const char *said = strstr(take_log(), "has been pressed for 60 s");
    assert_non_null(said);
    assert_null(strstr(said + 1, "has been pressed"));
    assert_non_null(strstr(said, "does not hang any more"));
    press(GH_INPUT_EXIT);
    assert_true(rig_is_open(&rig));
    assert_door_entries("exit exit");
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
    assert_door_entries("forced guard");
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
    assert_door_entries("exit guard");
}

static void test_a_door_that_fails(void **state)
{
    (void)state;

    start();
    gh_fake_door_fail(&rig.door, UINT_MAX, GH_ERR_IO);
    settle(GH_INPUT_EXIT, true);
    assert_false(rig_is_open(&rig));
    assert_door_entries("exit fault");
    gh_fake_door_fail(&rig.door, 0, GH_OK);
    rig_pass_ms(&rig, 1000); /* who stands there still wants out */
    assert_true(rig_is_open(&rig));
    settle(GH_INPUT_EXIT, false);
    rig_pass_ms(&rig, 10000);
    assert_false(rig_is_open(&rig));
    assert_door_entries("exit fault");
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

/* --- alarms --- */

static void test_tamper(void **state)
{
    (void)state;

    start();
    settle(GH_INPUT_TAMPER, true);
    assert_true(lit(GH_LINE_RED) && lit(GH_LINE_BUZZER));
    assert_false(rig_is_open(&rig));
    rig_pass_ms(&rig, 1200 * 1000);
    assert_door_entries("tamper");
    settle(GH_INPUT_TAMPER, false);
    rig_pass_ms(&rig, 1000);
    assert_false(lit(GH_LINE_RED) || lit(GH_LINE_BUZZER));
    assert_door_entries("tamper tamper_over");
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
    assert_door_entries("fire");
    assert_int_equal(rig.prompt, GH_PROMPT_FIRE);
    assert_true(lit(GH_LINE_GREEN));
    assert_true(rig.door.granted_ms == GH_DOOR_RENEW_FIRE);
    unsigned renews = rig.door.renews;
    rig_pass_ms(&rig, (2 * 3600 + 1800) * 1000);
    assert_true(rig_is_open(&rig));
    assert_int_equal(rig.door.renews, renews);
    assert_true(rig.prompts > 100); /* again and again */
    assert_door_entries("fire");
    settle(GH_INPUT_FIRE, false);
    assert_false(rig_is_open(&rig));
    assert_door_entries("fire fire_over");
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
    assert_door_entries("fire fault fire_over");
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
    assert_door_entries("");
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
    assert_door_entries("fire fire_over");
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
    assert_door_entries("");
}

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
    assert_door_entries("exit");
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
    gh_fake_door_input(&rig.door, GH_INPUT_OTHER_DOOR, (active & THIS_DOOR) != 0);
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
    assert_false(lit(GH_LINE_THIS_DOOR)); /* and gives way */
    rig.door.before = NULL;
    settle(GH_INPUT_OTHER_DOOR, false);
    rig_pass_ms(&rig, 5000);
    rig.door.count = 0;
    let_anna_in(GH_REASON_OK);
    size_t told = 0, unlocked = 0;
    while (told < rig.door.count && !(rig.door.sets[told].active & THIS_DOOR))
        told++;
    while (unlocked < rig.door.count && !(rig.door.sets[unlocked].active & RELAY))
        unlocked++;
    assert_true(told < unlocked && unlocked < rig.door.count); /* before the relay */
}

static void test_this_door(void **state)
{
    (void)state;

    start();
    assert_false(lit(GH_LINE_THIS_DOOR));
    let_anna_in(GH_REASON_OK);
    assert_true(lit(GH_LINE_THIS_DOOR));
    rig_input(&rig, GH_INPUT_CONTACT, true); /* from the first edge on */
    rig_pass_ms(&rig, 10000);
    assert_false(rig_is_open(&rig));
    assert_true(lit(GH_LINE_THIS_DOOR));
    rig_input(&rig, GH_INPUT_CONTACT, false);
    assert_true(lit(GH_LINE_THIS_DOOR));
    rig_pass_ms(&rig, DEBOUNCE_MS);
    assert_false(lit(GH_LINE_THIS_DOOR)); /* when it is sure */
    gh_fake_door_lose(&rig.door, GH_INPUT_CONTACT);
    gh_gate_inputs(rig.gate);
    assert_true(lit(GH_LINE_THIS_DOOR));
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
    assert_door_entries("opened passed");
    let_anna_in(GH_REASON_OK);
    rig_pass_ms(&rig, 59999);
    assert_true(rig_is_open(&rig));
    rig_pass_ms(&rig, 5000);
    assert_false(rig_is_open(&rig));
    assert_door_entries("opened passed unused");
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
    assert_door_entries("opened passed");
    assert_true(rig_last_entry(&rig)->about == first);
    let_anna_in(GH_REASON_OK);
    assert_false(rig_is_open(&rig));
    assert_int_equal(rig_last_entry(&rig)->door, GH_DOOR_EVENT_TOGGLED);
    assert_true(rig_last_entry(&rig)->about == rig_last_passage(&rig)->sequence);
    rig_pass_ms(&rig, 10000);
    assert_door_entries("opened passed toggled");
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
    assert_door_entries("toggled toggled unused unused");
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
    assert_door_entries("unused exit held shut");
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
    assert_door_entries("test");

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
    assert_door_entries("test");
    gh_fake_door_fail(&rig.door, 2, GH_ERR_IO); /* this_door, and the relay */
    assert_int_equal(gh_gate_test_relay(rig.gate, NULL), GH_ERR_IO);
    rig_pass_ms(&rig, 5000);
    assert_door_entries("test test fault");
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
    assert_true(door.causes == 0 && door.lines == 0 && door.lines_known);
    assert_true(door.active == 0 && door.unknown == 0 && !door.interlocked && !door.forced);
    gh_gate_inputs(rig.gate); /* told, and nothing is otherwise */
    settle(GH_INPUT_CONTACT, true);
    door = gh_gate_look_at_door(rig.gate);
    assert_int_equal(door.active, GH_INPUT_BIT(GH_INPUT_CONTACT));
    assert_true(door.forced && !door.held && door.blinks == 1);
    assert_true(door.lines & THIS_DOOR);
}

/* --- whatever happens --- */

/* What unlocks it, as the journal and the inputs tell; on every set. */
static void check_set(void *context, unsigned active)
{
    (void)context;
    bool opens = (active & RELAY) != 0 && (rig.door.active & RELAY) == 0;
    unsigned said = 0, openings = 0;

    if (!opens)
        return;
    (void)rig_count_entries(&rig);
    for (size_t i = 0; i < rig.entries.count; i++) {
        const struct gh_entry *entry = &rig.entries.entry[i];
        said += entry->type == GH_ENTRY_PASSAGE && entry->outcome == GH_OUTCOME_OPEN;
        said += entry->type == GH_ENTRY_DOOR &&
                (entry->door == GH_DOOR_EVENT_EXIT || entry->door == GH_DOOR_EVENT_GUARD ||
                 entry->door == GH_DOOR_EVENT_TEST || entry->door == GH_DOOR_EVENT_FIRE);
    }
    openings = rig_count_openings(&rig);
    bool fire = (gh_gate_look_at_door(rig.gate).causes & GH_CAUSE_BIT(GH_CAUSE_FIRE)) != 0;
    assert_true(said + fire > openings);
}

static void check_promises(void)
{
    struct gh_gate_door door = gh_gate_look_at_door(rig.gate);

    assert_int_equal(rig_is_open(&rig), door.causes != 0); /* never without a cause */
    if (door.interlocked)
        assert_int_equal(door.causes & GH_CAUSES_INTERLOCKED, 0);
    if (door.active & GH_INPUT_BIT(GH_INPUT_FIRE))
        assert_true(rig_is_open(&rig));
    assert_int_equal(lit(GH_LINE_THIS_DOOR), door.causes != 0 ||
                                                 (rig.door.inputs.active & 1) != 0 ||
                                                 (rig.door.inputs.known & 1) == 0 ||
                                                 (door.active & 1) != 0 || (door.unknown & 1) != 0);
}

static void do_something(unsigned dice)
{
    if (dice < 70)
        rig_input(&rig, (enum gh_input)(rand() % GH_INPUT_COUNT), rand() % 2);
    else if (dice < 74)
        gh_fake_door_lose(&rig.door, (enum gh_input)(rand() % GH_INPUT_COUNT));
    else if (dice < 90)
        rig_show(&rig, rand() % 2 ? rig.anna : rig.home1);
    else if (dice < 93 && gh_gate_test_relay(rig.gate, NULL) != GH_OK)
        return;
    else if (dice < 95 &&
             gh_gate_test_line(rig.gate, (enum gh_line)(rand() % GH_LINE_COUNT), NULL) != GH_OK)
        return;
}

static void test_whatever_happens(void **state)
{
    (void)state;

    for (unsigned seed = 1; seed <= 15; seed++) {
        enum gh_relay_mode mode = (enum gh_relay_mode)(seed % 3);
        if (seed > 1)
            setup(NULL);
        srand(seed);
        rig.options.door.relay_mode = mode;
        rig.options.door.hold_max_s = 20;
        rig.door.before = check_set;
        rig_start_with_list(&rig);
        for (int i = 0; i < 120; i++) {
            do_something((unsigned)rand() % 100);
            rig_pass_ms(&rig, rand() % 5 == 0 ? rand() % 30000 : rand() % 200);
            check_promises();
            if (i % 40 == 39) { /* nobody comes, and what is pressed hangs */
                unsigned lasting = GH_CAUSE_BIT(GH_CAUSE_FIRE);
                if (mode == GH_RELAY_TOGGLE)
                    lasting |= GH_CAUSE_BIT(GH_CAUSE_DECISION);
                rig_pass_ms(&rig, 90000);
                assert_int_equal(gh_gate_look_at_door(rig.gate).causes & ~lasting, 0);
            }
        }
        for (int i = 0; i < GH_INPUT_COUNT; i++)
            rig_input(&rig, (enum gh_input)i, false);
        rig_pass_ms(&rig, 100000);
        if (mode != GH_RELAY_TOGGLE)
            assert_false(rig_is_open(&rig)); /* every cause ends */
        if (seed < 15)
            teardown(NULL);
    }
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
        TEST(test_tamper),
        TEST(test_fire),
        TEST(test_fire_whatever_else),
        TEST(test_chattering),
        TEST(test_lost_inputs_are_said),
        TEST(test_interlocked),
        TEST(test_a_race),
        TEST(test_this_door),
        TEST(test_hold),
        TEST(test_toggle),
        TEST(test_two_codes_at_once),
        TEST(test_prompts),
        TEST(test_relay_test),
        TEST(test_line_test),
        TEST(test_how_the_door_is),
        TEST(test_whatever_happens),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
