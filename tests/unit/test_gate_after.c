/* SPDX-License-Identifier: Apache-2.0 */
/* gate_door.c: what the contact tells is written down, and holds nobody up. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "fakes/gate_rig.h"

static struct rig rig;

static int setup(void **state)
{
    (void)state;
    rig_init(&rig);
    rig.options.door.debounce_ms = 50;
    gh_fake_door_wire(&rig.door, &rig.io, GH_INPUT_BIT(GH_INPUT_CONTACT));
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    rig_destroy(&rig);
    return 0;
}

static uint64_t let_anna_in(void)
{
    rig_show(&rig, rig.anna);
    rig_show(&rig, rig.home1);
    const struct gh_entry *entry = rig_last_passage(&rig);
    assert_int_equal(entry->reason, GH_REASON_OK);
    return entry->sequence;
}

static void assert_last(enum gh_door_event event, uint64_t about, int64_t least_ms, int64_t most_ms)
{
    const struct gh_entry *entry = rig_last_entry(&rig);

    assert_int_equal(entry->type, GH_ENTRY_DOOR);
    assert_string_equal(gh_door_event_name(entry->door), gh_door_event_name(event));
    assert_true(entry->about == about);
    assert_in_range(entry->after_ms, least_ms, most_ms);
    assert_true(entry->clock_trusted);
    assert_true(entry->generation == 0 && entry->subject == 0 && entry->home == 0);
}

static void test_through_the_door(void **state)
{
    (void)state;

    rig_start_with_list(&rig);
    rig_pass_ms(&rig, 1000);
    assert_int_equal(rig_count_entries(&rig), 1);
    uint64_t anna = let_anna_in();
    unsigned kicks = rig.kicks;
    rig_pass_ms(&rig, 1000);
    rig_input(&rig, GH_INPUT_CONTACT, true);
    rig_pass_ms(&rig, 200);
    assert_last(GH_DOOR_EVENT_OPENED, anna, 1000, 1050);
    assert_int_equal(rig.kicks, kicks + 1);
    rig_input(&rig, GH_INPUT_CONTACT, false);
    rig_pass_ms(&rig, 20000);
    assert_last(GH_DOOR_EVENT_PASSED, anna, 1200, 1250);
    assert_int_equal(rig.entries.count, 4);

    anna = let_anna_in();
    rig_pass_ms(&rig, 20000);
    assert_last(GH_DOOR_EVENT_UNUSED, anna, 4000, 4100);

    anna = let_anna_in();
    rig_input(&rig, GH_INPUT_CONTACT, true);
    rig_pass_ms(&rig, 40000);
    assert_last(GH_DOOR_EVENT_HELD, anna, 30000, 30100);
    rig_input(&rig, GH_INPUT_CONTACT, false);
    rig_pass_ms(&rig, 1000);
    assert_last(GH_DOOR_EVENT_SHUT, anna, 40000, 40050);

    rig_input(&rig, GH_INPUT_CONTACT, true);
    rig_pass_ms(&rig, 1000);
    assert_last(GH_DOOR_EVENT_FORCED, 0, 0, 0);
    rig_input(&rig, GH_INPUT_CONTACT, false);
    rig_pass_ms(&rig, 1000);
    assert_last(GH_DOOR_EVENT_SHUT, 0, 0, 0);
}

/* The time is from the reload on. */
static void test_held_open_is_read_anew(void **state)
{
    (void)state;
    struct gh_door_options door = {.pulse_ms = 3000, .held_open_s = 2, .debounce_ms = 50};

    rig.options.door.held_open_s = 3600;
    rig_start_with_list(&rig);
    uint64_t anna = let_anna_in();
    rig_input(&rig, GH_INPUT_CONTACT, true);
    rig_pass_ms(&rig, 1000);
    gh_gate_set_door(rig.gate, &door);
    rig_pass_ms(&rig, 2000);
    assert_last(GH_DOOR_EVENT_HELD, anna, 2000, 2100);
}

/* Without one nothing is followed, and nobody is woken for it. */
static void test_no_contact(void **state)
{
    (void)state;

    rig.io.inputs = NULL;
    rig_start_with_list(&rig);
    (void)let_anna_in();
    rig_pass_ms(&rig, 60000);
    assert_int_equal(rig_count_entries(&rig), 2);
    assert_int_equal(rig.door.looks, 0);
}

/* The inputs say themselves when they change; those that do not are asked. */
static void test_how_often(void **state)
{
    (void)state;

    rig_start_with_list(&rig);
    rig_pass_ms(&rig, 10000); /* settled */
    unsigned looks = rig.door.looks;
    rig_pass_ms(&rig, 60000);
    assert_in_range(rig.door.looks - looks, 1, 20);
    rig_stop(&rig);
    rig.io.inputs_fd = -1;
    rig.io.inputs_poll_ms = 20;
    rig_start(&rig);
    looks = rig.door.looks;
    rig_pass_ms(&rig, 10000);
    assert_in_range(rig.door.looks - looks, 500, 510);
    gh_fake_door_input(&rig.door, GH_INPUT_CONTACT, true);
    rig_pass_ms(&rig, 70);
    assert_last(GH_DOOR_EVENT_FORCED, 0, 0, 0);
}

/* A door that could not be moved let nobody in: nobody is followed. */
static void test_door_failed(void **state)
{
    (void)state;

    rig_start_with_list(&rig);
    rig_pass_ms(&rig, 1000);
    gh_fake_door_fail(&rig.door, UINT_MAX, GH_ERR_IO);
    rig_show(&rig, rig.anna);
    rig_show(&rig, rig.home1);
    gh_fake_door_fail(&rig.door, 0, GH_OK);
    rig_pass_ms(&rig, 10000);
    assert_int_equal(rig_last_entry(&rig)->type, GH_ENTRY_FAULT);
    assert_int_equal(rig.entries.count, 3);
}

/* While the disk is full what the door does waits with everything else, in order. */
static void test_full_disk(void **state)
{
    (void)state;

    rig_start_with_list(&rig);
    uint64_t anna = let_anna_in();
    fixture_fill_disk(&rig.fixture);
    rig_input(&rig, GH_INPUT_CONTACT, true);
    rig_pass_ms(&rig, 1000);
    rig_input(&rig, GH_INPUT_CONTACT, false);
    rig_pass_ms(&rig, 1000);
    assert_int_equal(rig_count_entries(&rig), 2);
    fixture_empty_disk();
    rig_pass_ms(&rig, 60000);
    assert_last(GH_DOOR_EVENT_PASSED, anna, 1000, 1100);
    assert_int_equal(rig.entries.count, 4);
    assert_int_equal(rig.entries.entry[2].door, GH_DOOR_EVENT_OPENED);
    assert_true(rig.entries.entry[3].wall_ms < FIXTURE_NOW_S * 1000 + 3000);
}

static void test_clock_not_trusted(void **state)
{
    (void)state;

    rig_start_with_list(&rig);
    rig_pass_ms(&rig, 1000);
    gh_fake_clock_set_wall_s(&rig.fixture.clock, 1000);
    rig_input(&rig, GH_INPUT_CONTACT, true);
    rig_pass_ms(&rig, 10000);
    size_t i = rig_count_entries(&rig);
    while (i > 0 && rig.entries.entry[i - 1].type != GH_ENTRY_DOOR)
        i--;
    assert_true(i > 0);
    assert_int_equal(rig.entries.entry[i - 1].door, GH_DOOR_EVENT_FORCED);
}

static void test_lost_contact_is_said(void **state)
{
    (void)state;
    char log[4096];

    rig_start_with_list(&rig);
    fixture_capture_log(&rig.fixture);
    (void)let_anna_in();
    gh_fake_door_lose(&rig.door, GH_INPUT_CONTACT);
    gh_gate_inputs(rig.gate);
    rig_pass_ms(&rig, 10000);
    rig_input(&rig, GH_INPUT_CONTACT, false);
    rig_pass_ms(&rig, 10000);
    fixture_take_log(&rig.fixture, log, sizeof(log));
    assert_int_equal(rig_count_entries(&rig), 2); /* used or not: nobody knows */
    const char *lost = strstr(log, "its contact cannot be read");
    assert_non_null(lost);
    assert_null(strstr(lost + 1, "its contact cannot be read"));
    assert_non_null(strstr(lost, "is read again"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_through_the_door, setup, teardown),
        cmocka_unit_test_setup_teardown(test_held_open_is_read_anew, setup, teardown),
        cmocka_unit_test_setup_teardown(test_no_contact, setup, teardown),
        cmocka_unit_test_setup_teardown(test_how_often, setup, teardown),
        cmocka_unit_test_setup_teardown(test_door_failed, setup, teardown),
        cmocka_unit_test_setup_teardown(test_full_disk, setup, teardown),
        cmocka_unit_test_setup_teardown(test_clock_not_trusted, setup, teardown),
        cmocka_unit_test_setup_teardown(test_lost_contact_is_said, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
