/* SPDX-License-Identifier: Apache-2.0 */
/* gate.c: the clock of a board, from boot to confirmation, and what is written down about it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "fakes/gate_rig.h"

#define DAY_S 86400

static struct rig rig;
static struct fixture *const fixture = &rig.fixture;

/* A board whose clock nobody keeps right. */
static int setup(void **state)
{
    (void)state;
    rig_init(&rig);
    gh_fake_clock_set_synchronised(&fixture->clock, false);
    fixture->manifest.policy.home_rule = GH_HOME_MEMBER;
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    rig_destroy(&rig);
    return 0;
}

static int64_t wall_s(void)
{
    return gh_clock_wall_s(&fixture->clock.clock);
}

static void assert_entry(size_t index, enum gh_entry_type type, bool trusted, int64_t jump_ms)
{
    assert_true(rig_count_entries(&rig) > index);
    const struct gh_entry *entry = &rig.entries.entry[index];
    assert_string_equal(gh_entry_type_name(entry->type), gh_entry_type_name(type));
    assert_int_equal(entry->clock_trusted, trusted);
    assert_true(entry->jump_ms == jump_ms);
}

/* Somebody with everything in order comes by. */
static void assert_anna(enum gh_reason reason)
{
    rig_show(&rig, rig.anna);
    rig_pass_ms(&rig, 4000);
    assert_string_equal(gh_reason_info(rig_last_passage(&rig)->reason)->token,
                        gh_reason_info(reason)->token);
}

static void test_server_confirms(void **state)
{
    (void)state;

    rig_start_with_list(&rig);
    assert_entry(0, GH_ENTRY_START, false, 0);
    assert_anna(GH_REASON_CLOCK_UNTRUSTED);
    rig_server_time(&rig, wall_s());
    assert_entry(2, GH_ENTRY_CLOCK, true, 0); /* at once */
    assert_anna(GH_REASON_OK);
    rig_pass_ms(&rig, 3600 * 1000); /* and it stays so without any network */
    assert_anna(GH_REASON_OK);
    assert_int_equal(rig_count_entries(&rig), 5);
}

static void test_kernel_confirms(void **state)
{
    (void)state;

    rig_start_with_list(&rig);
    rig_pass_ms(&rig, 60000);
    gh_fake_clock_set_synchronised(&fixture->clock, true);
    rig_pass_ms(&rig, 10000); /* found by itself */
    assert_entry(1, GH_ENTRY_CLOCK, true, 0);
    assert_anna(GH_REASON_OK);
}

static void test_battery(void **state)
{
    (void)state;

    rig.options.battery_clock = true;
    rig_start_with_list(&rig);
    assert_entry(0, GH_ENTRY_START, true, 0);
    assert_anna(GH_REASON_OK);
    rig_stop(&rig);
    gh_fake_clock_set_wall_s(&fixture->clock, 0); /* it was empty after all */
    rig_start(&rig);
    assert_entry(2, GH_ENTRY_START, false, 0);
    assert_anna(GH_REASON_CLOCK_UNTRUSTED);
}

/* 1970; the server tells the time, which the board does not take from it; then NTP comes. */
static void test_1970(void **state)
{
    (void)state;

    gh_fake_clock_set_wall_s(&fixture->clock, 42);
    rig_start_with_list(&rig);
    assert_entry(0, GH_ENTRY_START, false, 0);
    assert_anna(GH_REASON_CLOCK_UNTRUSTED);
    rig_server_time(&rig, FIXTURE_NOW_S);
    assert_anna(GH_REASON_CLOCK_UNTRUSTED);
    int64_t before_s = wall_s();
    gh_fake_clock_set_wall_s(&fixture->clock, FIXTURE_NOW_S + 60);
    gh_fake_clock_set_synchronised(&fixture->clock, true);
    rig_pass_ms(&rig, 1);
    assert_entry(3, GH_ENTRY_CLOCK, true, (FIXTURE_NOW_S + 60 - before_s) * 1000);
    assert_anna(GH_REASON_OK);
}

/* Set by hand: nobody is let in until somebody confirms it, and it is an entry either way. */
static void test_jump(void **state)
{
    (void)state;

    rig_start_with_list(&rig);
    rig_server_time(&rig, wall_s());
    rig_pass_ms(&rig, 120000);
    gh_fake_clock_set_wall_s(&fixture->clock, wall_s() + 3600);
    assert_anna(GH_REASON_CLOCK_UNTRUSTED);
    assert_entry(2, GH_ENTRY_CLOCK, false, 3600 * 1000); /* before the decision */
    assert_int_equal(rig.entries.entry[3].type, GH_ENTRY_PASSAGE);
    rig_server_time(&rig, wall_s() - 3600); /* it was wrong */
    assert_anna(GH_REASON_CLOCK_UNTRUSTED);
    gh_fake_clock_set_wall_s(&fixture->clock, wall_s() - 3600);
    rig_server_time(&rig, wall_s());
    assert_anna(GH_REASON_OK);
    rig_pass_ms(&rig, 60000);
    assert_int_equal(rig_last_entry(&rig)->type, GH_ENTRY_CLOCK);
    assert_true(rig_last_entry(&rig)->jump_ms == -3600 * 1000);
    assert_true(rig_last_entry(&rig)->clock_trusted);
}

static void test_flapping(void **state)
{
    (void)state;

    rig_start_with_list(&rig);
    for (int i = 0; i < 600; i++) {
        gh_fake_clock_set_synchronised(&fixture->clock, i % 2);
        gh_fake_clock_set_wall_s(&fixture->clock, wall_s() + 5);
        rig_pass_ms(&rig, 1000);
    }
    assert_in_range(rig_count_entries(&rig), 10, 12); /* in ten minutes */
}

/* --- restarts --- */

static void test_restart_in_the_same_boot(void **state)
{
    (void)state;

    rig_start_with_list(&rig);
    rig_server_time(&rig, wall_s());
    rig_stop(&rig);
    gh_fake_clock_advance_ms(&fixture->clock, 5000);
    rig_start(&rig); /* without any network */
    assert_entry(2, GH_ENTRY_START, true, 0);
    assert_anna(GH_REASON_OK);
    rig_stop(&rig);
    gh_fake_clock_set_wall_s(&fixture->clock, wall_s() + 3600); /* set while it was down */
    rig_start(&rig);
    assert_entry(4, GH_ENTRY_START, false, 0);
    assert_anna(GH_REASON_CLOCK_UNTRUSTED);
    rig_stop(&rig);
    rig_start(&rig); /* what was not trusted is not inherited */
    assert_anna(GH_REASON_CLOCK_UNTRUSTED);
}

/* What the journal knows to have been is the floor, also when the list is older. */
static void test_floor_from_the_journal(void **state)
{
    (void)state;

    fixture->manifest.policy.list_max_age_s = 30 * DAY_S;
    gh_fake_clock_set_synchronised(&fixture->clock, true);
    rig_start_with_list(&rig);
    rig_pass_ms(&rig, INT64_C(1000) * DAY_S / 4);
    assert_anna(GH_REASON_OK);
    rig_stop(&rig);
    gh_fake_clock_set_wall_s(&fixture->clock, FIXTURE_NOW_S + DAY_S / 8);
    rig_start(&rig); /* hours back, and the kernel is content with it */
    assert_anna(GH_REASON_CLOCK_UNTRUSTED);
    gh_fake_clock_set_wall_s(&fixture->clock, FIXTURE_NOW_S + DAY_S / 4 + 10);
    rig_pass_ms(&rig, 1);
    assert_anna(GH_REASON_OK);
}

/* The journal could not be opened at the start: what it knows counts from when it can. */
static void test_floor_from_a_late_journal(void **state)
{
    (void)state;
    char path[PATH_MAX];
    struct gh_journal *other = NULL;

    fixture->manifest.policy.list_max_age_s = 30 * DAY_S;
    gh_fake_clock_set_synchronised(&fixture->clock, true);
    rig_start_with_list(&rig);
    rig_pass_ms(&rig, INT64_C(1000) * DAY_S / 4);
    assert_anna(GH_REASON_OK);
    rig_stop(&rig);
    assert_int_equal(gh_courier_journal_path(fixture->dir, FIXTURE_GATE, path), GH_OK);
    assert_int_equal(gh_journal_open(path, &other, NULL), GH_OK); /* somebody has it */
    gh_fake_clock_set_wall_s(&fixture->clock, FIXTURE_NOW_S + DAY_S / 8);
    rig_start(&rig);
    gh_journal_close(other);
    rig_pass_ms(&rig, 20000);
    assert_anna(GH_REASON_CLOCK_UNTRUSTED);
}

/* Also for the very first decision that it can be written for. */
static void test_floor_before_the_first_opening(void **state)
{
    (void)state;
    char path[PATH_MAX];
    struct gh_journal *other = NULL;

    fixture->manifest.policy.list_max_age_s = 30 * DAY_S;
    rig.options.battery_clock = true;
    rig_start_with_list(&rig);
    rig_pass_ms(&rig, INT64_C(1000) * DAY_S / 4);
    assert_anna(GH_REASON_OK);
    rig_stop(&rig);
    assert_int_equal(gh_courier_journal_path(fixture->dir, FIXTURE_GATE, path), GH_OK);
    assert_int_equal(gh_journal_open(path, &other, NULL), GH_OK); /* somebody has it */
    gh_fake_clock_set_wall_s(&fixture->clock, FIXTURE_NOW_S + DAY_S / 8);
    rig_start(&rig);
    gh_journal_close(other);
    rig_show(&rig, rig.anna);
    assert_int_equal(rig_last_passage(&rig)->reason, GH_REASON_CLOCK_UNTRUSTED);
}

/* Never back in one life either, not even when an older list is put in place of the newer. */
static void test_floor_from_the_list(void **state)
{
    (void)state;

    rig.options.battery_clock = true;
    fixture->identity.list_issued_at_s = FIXTURE_NOW_S + 3600; /* known once; the file is gone */
    rig_start(&rig);
    assert_entry(0, GH_ENTRY_START, false, 0);
    fixture->identity.list_issued_at_s = 0;
    fixture->identity.generation = 1;
    fixture_install_list(fixture);
    rig_news(&rig, GH_COURIER_LIST);
    gh_fake_clock_set_synchronised(&fixture->clock, true);
    assert_anna(GH_REASON_CLOCK_UNTRUSTED);
}

/* Signed while the server's clock was ahead: the gate stays shut until then or, once there is a
 * newer list, until it is started anew. Nothing of it stays in the journal. */
static void test_a_list_signed_ahead(void **state)
{
    (void)state;

    gh_fake_clock_set_synchronised(&fixture->clock, true);
    fixture->manifest.issued_at_s = FIXTURE_NOW_S + 100 * DAY_S;
    rig_start_with_list(&rig);
    assert_anna(GH_REASON_CLOCK_UNTRUSTED);
    fixture->manifest.issued_at_s = FIXTURE_NOW_S;
    fixture->manifest.generation++;
    fixture_install_list(fixture);
    fixture->identity.generation = fixture->manifest.generation;
    fixture->identity.list_issued_at_s = FIXTURE_NOW_S;
    rig_news(&rig, GH_COURIER_LIST);
    assert_anna(GH_REASON_CLOCK_UNTRUSTED);
    rig_stop(&rig);
    rig_start(&rig);
    assert_anna(GH_REASON_OK);
}

/* --- a gate that is not enrolled, a disk that is full --- */

static void test_enrolment(void **state)
{
    (void)state;
    struct gh_identity identity = fixture->identity;

    fixture->identity = (struct gh_identity){.enrolled = false};
    rig_start(&rig);
    rig_server_time(&rig, wall_s()); /* the answer to the enrolment itself tells the time */
    fixture->identity = identity;
    rig_news(&rig, GH_COURIER_ENROLLED);
    assert_entry(0, GH_ENTRY_START, true, 0);
    fixture_install_list(fixture);
    fixture->identity.generation = fixture->manifest.generation;
    rig_news(&rig, GH_COURIER_LIST);
    assert_anna(GH_REASON_OK);
    assert_int_equal(rig_count_entries(&rig), 2);
}

static void test_full_disk(void **state)
{
    (void)state;

    rig_start_with_list(&rig);
    assert_anna(GH_REASON_CLOCK_UNTRUSTED);
    fixture_fill_disk(fixture);
    rig_server_time(&rig, wall_s());
    rig_pass_ms(&rig, 10000);
    fixture_empty_disk();
    rig_pass_ms(&rig, 10000);
    assert_entry(2, GH_ENTRY_CLOCK, true, 0);
    assert_true(rig.entries.entry[2].wall_ms == FIXTURE_NOW_S * 1000 + 4000);
}

/* --- what is said --- */

static unsigned count(const char *text, const char *word)
{
    unsigned found = 0;

    for (text = strstr(text, word); text; text = strstr(text + 1, word))
        found++;
    return found;
}

static void test_log(void **state)
{
    (void)state;
    char log[8192];

    rig_start_with_list(&rig);
    fixture_capture_log(fixture);
    for (int i = 0; i < 10; i++) {
        rig_server_time(&rig, wall_s() + 7200 + i);
        rig_pass_ms(&rig, 60000);
    }
    fixture_take_log(fixture, log, sizeof(log));
    assert_int_equal(count(log, "behind the server's"), 1);
    assert_non_null(strstr(log, "7200 s behind the server's"));
    fixture_capture_log(fixture);
    rig_server_time(&rig, wall_s());
    rig_server_time(&rig, wall_s() - 7200);
    fixture_take_log(fixture, log, sizeof(log));
    assert_non_null(strstr(log, "7200 s ahead of the server's"));
    assert_non_null(strstr(log, "clock: trusted"));
}

static void test_log_names_the_floor(void **state)
{
    (void)state;
    char log[8192];

    gh_fake_clock_set_wall_s(&fixture->clock, 0);
    fixture_capture_log(fixture);
    rig_start_with_list(&rig);
    rig_pass_ms(&rig, 600000);
    fixture_take_log(fixture, log, sizeof(log));
    assert_int_equal(count(log, "at least 2030-03-17T17:45:"), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_server_confirms, setup, teardown),
        cmocka_unit_test_setup_teardown(test_kernel_confirms, setup, teardown),
        cmocka_unit_test_setup_teardown(test_battery, setup, teardown),
        cmocka_unit_test_setup_teardown(test_1970, setup, teardown),
        cmocka_unit_test_setup_teardown(test_jump, setup, teardown),
        cmocka_unit_test_setup_teardown(test_flapping, setup, teardown),
        cmocka_unit_test_setup_teardown(test_restart_in_the_same_boot, setup, teardown),
        cmocka_unit_test_setup_teardown(test_floor_from_the_journal, setup, teardown),
        cmocka_unit_test_setup_teardown(test_floor_from_a_late_journal, setup, teardown),
        cmocka_unit_test_setup_teardown(test_floor_before_the_first_opening, setup, teardown),
        cmocka_unit_test_setup_teardown(test_floor_from_the_list, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_list_signed_ahead, setup, teardown),
        cmocka_unit_test_setup_teardown(test_enrolment, setup, teardown),
        cmocka_unit_test_setup_teardown(test_full_disk, setup, teardown),
        cmocka_unit_test_setup_teardown(test_log, setup, teardown),
        cmocka_unit_test_setup_teardown(test_log_names_the_floor, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
