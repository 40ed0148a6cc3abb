/* SPDX-License-Identifier: Apache-2.0 */
/* gate_hours.c, time_zone.c: the door stands unlocked by the clock on the wall. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "fakes/gate_rig.h"
#include "gate/time_zone.h"

/* FIXTURE_NOW_S is a Sunday, 17:46:40 in Greenwich. */
#define UNTIL_18_MS ((13 * 60 + 20) * 1000)
#define HOUR_MS (3600 * 1000)
#define MS GH_NS_PER_MS

static struct rig rig;

static void set_zone(const char *zone)
{
    setenv("TZ", zone, 1);
    tzset();
}

static void set_hours(const char *text)
{
    struct gh_opening *opening = &rig.fixture.manifest.policy.opening;

    opening->hours_count = 1;
    assert_int_equal(gh_hours_parse(text, &opening->hours[0], NULL), GH_OK);
}

static int setup(void **state)
{
    (void)state;
    set_zone("UTC0");
    rig_init(&rig);
    rig.options.door.debounce_ms = 50;
    set_hours("sun 18:00-19:00");
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    rig_destroy(&rig);
    return 0;
}

static void test_to_the_minute(void **state)
{
    (void)state;

    gh_fake_clock_advance_ms(&rig.fixture.clock, 1234); /* it looks at the clock at other times */
    rig_start_with_list(&rig);
    int64_t open_ns = gh_clock_monotonic_ns(rig.options.clock) + (UNTIL_18_MS - 1234) * MS;
    rig_pass_ms(&rig, UNTIL_18_MS - 1234 - 1);
    assert_false(rig_is_open(&rig));
    rig_assert_door_entries(&rig, "");
    rig_pass_ms(&rig, 1001); /* nobody calls at the minute but the gate itself */
    assert_true(rig_is_open(&rig));
    assert_true(rig.door.sets[rig.door.count - 1].at_ns == open_ns);
    rig_assert_door_entries(&rig, "hours_open");
    assert_true(rig_last_entry(&rig)->clock_trusted && rig_last_entry(&rig)->about == 0);
    unsigned renews = rig.door.renews;
    rig_pass_ms(&rig, HOUR_MS - 1001);
    assert_true(rig_is_open(&rig));
    assert_in_range(rig.door.renews - renews, 3590, 3610); /* a hang ends in the fail state */
    assert_true(rig.door.granted_ms == GH_DOOR_RENEW_MS);
    rig_pass_ms(&rig, 1);
    assert_false(rig_is_open(&rig));
    rig_assert_door_entries(&rig, "hours_open hours_shut");
    for (int hour = 0; hour < 24; hour++)
        rig_pass_ms(&rig, HOUR_MS);
    rig_assert_door_entries(&rig, "hours_open hours_shut");
    assert_int_equal(rig_count_openings(&rig), 1);
}

static void test_decisions_go_on(void **state)
{
    (void)state;

    set_hours("sun 17:00-18:00");
    rig_start_with_list(&rig);
    rig_pass_ms(&rig, 10);
    assert_true(rig_is_open(&rig));
    rig_show(&rig, rig.anna);
    rig_show(&rig, rig.home1);
    assert_int_equal(rig_last_entry(&rig)->reason, GH_REASON_OK);
    rig_pass_ms(&rig, 10000);
    assert_true(rig_is_open(&rig));
    rig_show(&rig, "hello");
    assert_int_equal(rig_last_entry(&rig)->reason, GH_REASON_NOT_A_CODE);
    assert_true(rig_is_open(&rig)); /* who is refused does not lock it */
    rig_pass_ms(&rig, UNTIL_18_MS);
    assert_false(rig_is_open(&rig));
}

static void test_another_list(void **state)
{
    (void)state;
    struct fixture *fixture = &rig.fixture;

    rig_start_with_list(&rig);
    rig_pass_ms(&rig, 1000);
    assert_false(rig_is_open(&rig));
    for (int i = 0; i < 2; i++) {
        set_hours(i == 0 ? "sun 17:00-19:00" : "mon 00:00-24:00");
        fixture->manifest.generation++;
        fixture_install_list(fixture);
        fixture_pin_list(fixture);
        rig_news(&rig, GH_COURIER_LIST);
        rig_pass_ms(&rig, 1); /* at once */
        assert_int_equal(rig_is_open(&rig), i == 0);
    }
    rig_assert_door_entries(&rig, "hours_open hours_shut");
}

static void test_a_clock_that_is_not_trusted(void **state)
{
    (void)state;

    set_hours("sun 00:00-24:00");
    gh_fake_clock_set_synchronised(&rig.fixture.clock, false);
    rig_start_with_list(&rig);
    rig_pass_ms(&rig, 60000);
    assert_false(rig_is_open(&rig));
    gh_fake_clock_set_synchronised(&rig.fixture.clock, true);
    rig_pass_ms(&rig, 5000);
    assert_true(rig_is_open(&rig));
    gh_fake_clock_set_synchronised(&rig.fixture.clock, false);
    gh_fake_clock_set_wall_s(&rig.fixture.clock, FIXTURE_NOW_S + 1000); /* by whom? */
    rig_pass_ms(&rig, 5000);
    assert_false(rig_is_open(&rig));
    rig_assert_door_entries(&rig, "hours_open hours_shut");
    assert_false(rig_last_entry(&rig)->clock_trusted);
}

/* The clock is set right by hours: what counts is what it says then. */
static void test_a_clock_that_leaps(void **state)
{
    (void)state;

    rig_start_with_list(&rig);
    gh_fake_clock_set_wall_s(&rig.fixture.clock, FIXTURE_NOW_S + 1800);
    rig_pass_ms(&rig, 5000);
    assert_true(rig_is_open(&rig));
    gh_fake_clock_set_wall_s(&rig.fixture.clock, FIXTURE_NOW_S + 3 * 3600);
    rig_pass_ms(&rig, 5000);
    assert_false(rig_is_open(&rig));
    rig_assert_door_entries(&rig, "hours_open hours_shut");
}

/* The entry first; and one of it. */
static void test_a_full_disk(void **state)
{
    (void)state;

    rig_start_with_list(&rig);
    rig_pass_ms(&rig, UNTIL_18_MS - 1000);
    fixture_fill_disk(&rig.fixture);
    rig_pass_ms(&rig, 60000);
    assert_false(rig_is_open(&rig));
    fixture_empty_disk();
    rig_pass_ms(&rig, 2000);
    assert_true(rig_is_open(&rig));
    rig_assert_door_entries(&rig, "hours_open");
    fixture_fill_disk(&rig.fixture);
    rig_pass_ms(&rig, HOUR_MS); /* it is locked all the same */
    assert_false(rig_is_open(&rig));
    fixture_empty_disk();
    rig_pass_ms(&rig, 5000);
    rig_assert_door_entries(&rig, "hours_open hours_shut");
}

static void test_a_door_that_fails(void **state)
{
    (void)state;

    set_hours("sun 00:00-24:00");
    gh_fake_door_fail(&rig.door, 3, GH_ERR_IO);
    rig_start_with_list(&rig);
    rig_pass_ms(&rig, 5000);
    assert_true(rig_is_open(&rig));
    rig_assert_door_entries(&rig, "hours_open fault");
}

static void move(enum gh_input input, bool active)
{
    rig_input(&rig, input, active);
    rig_pass_ms(&rig, 50);
}

static void test_the_other_door(void **state)
{
    (void)state;

    set_hours("sun 00:00-24:00");
    gh_fake_door_wire(&rig.door, &rig.io, GH_INPUT_BIT(GH_INPUT_OTHER_DOOR));
    gh_fake_door_input(&rig.door, GH_INPUT_OTHER_DOOR, true);
    rig_start_with_list(&rig);
    rig_pass_ms(&rig, 60000);
    assert_false(rig_is_open(&rig));
    rig_assert_door_entries(&rig, "");
    move(GH_INPUT_OTHER_DOOR, false);
    rig_pass_ms(&rig, 2000);
    assert_true(rig_is_open(&rig));
    move(GH_INPUT_OTHER_DOOR, true);
    assert_false(rig_is_open(&rig));
    rig_assert_door_entries(&rig, "hours_open hours_shut");
    move(GH_INPUT_OTHER_DOOR, false);
    rig_pass_ms(&rig, 2000);
    assert_true(rig_is_open(&rig));
    rig_assert_door_entries(&rig, "hours_open hours_shut hours_open");
}

/* Whoever comes in then forces nothing, and may leave the door open. */
static void test_people_come_and_go(void **state)
{
    (void)state;

    set_hours("sun 17:00-18:00");
    gh_fake_door_wire(&rig.door, &rig.io, GH_INPUT_BIT(GH_INPUT_CONTACT));
    rig_start_with_list(&rig);
    rig_pass_ms(&rig, 1000);
    for (int i = 0; i < 5; i++) {
        move(GH_INPUT_CONTACT, true);
        rig_pass_ms(&rig, 60000);
        if (i < 4)
            move(GH_INPUT_CONTACT, false);
    }
    rig_assert_door_entries(&rig, "hours_open");
    rig_pass_ms(&rig, UNTIL_18_MS - 5 * 60000);
    rig_assert_door_entries(&rig, "hours_open hours_shut");
    rig_pass_ms(&rig, 31000);
    rig_assert_door_entries(&rig, "hours_open hours_shut held");
}

static void test_nobody_asks_without_hours(void **state)
{
    (void)state;

    rig.fixture.manifest.policy.opening.hours_count = 0;
    rig_start_with_list(&rig);
    for (int hour = 0; hour < 24; hour++)
        rig_pass_ms(&rig, HOUR_MS);
    assert_false(rig_is_open(&rig));
    rig_assert_door_entries(&rig, "");
}

/* --- the gate's time zone --- */

static bool have_zones(void)
{
    struct gh_error err = {0};

    if (gh_time_zone_check("Asia/Shanghai", &err) == GH_OK)
        return true;
    print_message("skipped: this machine has no time zones (%s)\n", err.text);
    return false;
}

static void test_the_zone_counts(void **state)
{
    (void)state;

    if (!have_zones())
        skip();
    set_hours("mon 01:00-02:00"); /* in Shanghai it is 01:46:40 on Monday */
    assert_int_equal(gh_time_zone_use("Asia/Shanghai", NULL), GH_OK);
    rig_start_with_list(&rig);
    rig_pass_ms(&rig, 10);
    assert_true(rig_is_open(&rig));
    rig_pass_ms(&rig, UNTIL_18_MS);
    assert_false(rig_is_open(&rig));
}

/* In Berlin clocks are put forward on 2030-03-31, from 02:00 to 03:00. */
static void test_daylight_saving(void **state)
{
    (void)state;
    static const int64_t at_0055_utc = 1901148900; /* 01:55 */

    if (!have_zones())
        skip();
    set_hours("sun 03:00-04:00");
    assert_int_equal(gh_time_zone_use("Europe/Berlin", NULL), GH_OK);
    rig_start_with_list(&rig);
    gh_fake_clock_set_wall_s(&rig.fixture.clock, at_0055_utc);
    rig_pass_ms(&rig, 5 * 60 * 1000 - 1);
    assert_false(rig_is_open(&rig));
    rig_pass_ms(&rig, 1);
    assert_true(rig_is_open(&rig)); /* it is 03:00 now */
    rig_pass_ms(&rig, HOUR_MS);
    assert_false(rig_is_open(&rig));
}

static void test_zones_that_are_none(void **state)
{
    (void)state;
    static const struct {
        const char *zone;
        enum gh_status status;
    } cases[] = {
        {"", GH_OK},
        {"Asia/Nowhere", GH_ERR_NOTFOUND},
        {"Asia", GH_ERR_NOTFOUND},    /* a folder */
        {"zone.tab", GH_ERR_INVALID}, /* a file that is no zone */
        {"tzdata", GH_ERR_NOTFOUND},
        {"../../../etc/localtime", GH_ERR_INVALID},
        {"/etc/localtime", GH_ERR_INVALID},
        {"CET-1CEST,M3.5.0,M10.5.0/3", GH_ERR_INVALID},
        {":UTC", GH_ERR_INVALID},
        {"Asia/Shanghai ", GH_ERR_INVALID},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct gh_error err = {0};
        set_zone("UTC0");
        assert_int_equal(gh_time_zone_check(cases[i].zone, &err), cases[i].status);
        assert_int_equal(gh_time_zone_use(cases[i].zone, &err), cases[i].status);
        assert_string_equal(getenv("TZ"), "UTC0");
        if (cases[i].status != GH_OK)
            assert_non_null(strstr(err.text, "time_zone = "));
    }
}

/* A file that the C library would take for UTC. */
static void test_a_file_that_is_no_zone(void **state)
{
    (void)state;
    char folder[] = "/tmp/gatehouse-zones-XXXXXX", path[64];
    struct gh_error err = {0};

    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof(path), "%s/Home", folder);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs("UTC is not a zone", file) >= 0 && fclose(file) == 0);
    setenv("TZDIR", folder, 1);
    assert_int_equal(gh_time_zone_check("Home", &err), GH_ERR_NOTFOUND);
    assert_non_null(strstr(err.text, "/Home"));
    file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs("TZif2", file) >= 0 && fclose(file) == 0);
    assert_int_equal(gh_time_zone_check("Home", NULL), GH_OK);
    unsetenv("TZDIR");
    assert_int_equal(remove(path), 0);
    assert_int_equal(remove(folder), 0);
}

/* Nobody can tell when they are. */
static void test_a_zone_that_is_missing(void **state)
{
    (void)state;

    set_hours("mon-sun 00:00-24:00");
    rig.options.zone_missing = true;
    rig_start_with_list(&rig);
    rig_pass_ms(&rig, 2 * HOUR_MS);
    assert_false(rig_is_open(&rig));
}

static void test_a_door_that_does_not_obey_them(void **state)
{
    (void)state;

    set_hours("mon-sun 00:00-24:00");
    rig.options.no_hours = true;
    rig_start_with_list(&rig);
    rig_pass_ms(&rig, 2 * HOUR_MS);
    assert_false(rig_is_open(&rig));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_to_the_minute),
        TEST(test_decisions_go_on),
        TEST(test_another_list),
        TEST(test_a_clock_that_is_not_trusted),
        TEST(test_a_clock_that_leaps),
        TEST(test_a_full_disk),
        TEST(test_a_door_that_fails),
        TEST(test_the_other_door),
        TEST(test_people_come_and_go),
        TEST(test_nobody_asks_without_hours),
        TEST(test_the_zone_counts),
        TEST(test_daylight_saving),
        TEST(test_zones_that_are_none),
        TEST(test_a_file_that_is_no_zone),
        TEST(test_a_door_that_does_not_obey_them),
        TEST(test_a_zone_that_is_missing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
