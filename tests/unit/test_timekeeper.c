/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "gate/timekeeper.h"

#define BUILD_S INT64_C(1900000000)
#define NOW_S (BUILD_S + 30 * 86400)
#define BOOT "0123456789abcdef0123456789abcdef"

/* A clock in a test's hands. */
static struct gh_timekeeper keeper;
static struct gh_time_look at;

static int setup(void **state)
{
    (void)state;
    gh_timekeeper_init(&keeper, BUILD_S, false);
    at = (struct gh_time_look){.wall_ns = NOW_S * GH_NS_PER_S, .monotonic_ns = 100 * GH_NS_PER_S};
    return 0;
}

static bool look(void)
{
    return gh_timekeeper_look(&keeper, &at);
}

static void pass_ms(int64_t ms)
{
    at.wall_ns += ms * GH_NS_PER_MS;
    at.monotonic_ns += ms * GH_NS_PER_MS;
}

static void set_wall_s(int64_t wall_s)
{
    at.wall_ns = wall_s * GH_NS_PER_S;
}

/* What it says now; `ahead_s`: the server's clock is so far ahead of ours. */
static enum gh_server_time hear_server(int64_t ahead_s)
{
    int64_t ahead_ms;

    return gh_timekeeper_take_server(&keeper, at.wall_ns / GH_NS_PER_S + ahead_s, 0,
                                     at.monotonic_ns, &ahead_ms);
}

/* --- confirmation --- */

static void test_nobody_confirms(void **state)
{
    (void)state;

    for (int i = 0; i < 100; i++) {
        assert_false(look());
        pass_ms(5000);
    }
}

static void test_kernel_confirms(void **state)
{
    (void)state;

    assert_false(look());
    at.synchronised = true;
    assert_true(look());
    /* NTP goes away: the clock goes on as it was. */
    at.synchronised = false;
    for (int i = 0; i < 1000; i++) {
        pass_ms(5000);
        assert_true(look());
    }
}

static void test_battery(void **state)
{
    (void)state;

    gh_timekeeper_init(&keeper, BUILD_S, true);
    assert_true(look());
    /* Dead: 1970, and it does not come to be right by waiting. */
    gh_timekeeper_init(&keeper, BUILD_S, true);
    set_wall_s(0);
    assert_false(look());
    pass_ms((BUILD_S + 10) * 1000);
    assert_false(look());
    /* A little behind what is known: wrong, also when it will have crept past. */
    gh_timekeeper_init(&keeper, BUILD_S, true);
    set_wall_s(BUILD_S - 1);
    assert_false(look());
    pass_ms(5000);
    assert_false(look());
    at.synchronised = true;
    assert_true(look());
}

static void test_1970(void **state)
{
    (void)state;

    set_wall_s(0);
    assert_false(look());
    at.synchronised = true; /* with something that is lost in time too */
    assert_false(look());
    assert_int_equal(hear_server(0), GH_SERVER_TIME_NEAR);
    assert_false(look());
    at.synchronised = false;
    pass_ms(2000);
    set_wall_s(NOW_S); /* NTP steps it */
    at.synchronised = true;
    assert_true(look());
}

/* No battery, but the time of the last shutdown was saved: last March, after the build. */
static void test_last_march(void **state)
{
    (void)state;

    set_wall_s(BUILD_S + 86400);
    assert_false(look());
    gh_timekeeper_raise(&keeper, NOW_S * 1000);
    at.synchronised = true;
    assert_false(look()); /* below what the list knows, whoever says what */
    at.synchronised = false;
    pass_ms(5000);
    set_wall_s(NOW_S + 5);
    assert_false(look());
    assert_int_equal(hear_server(0), GH_SERVER_TIME_NEAR);
    assert_true(look());
}

/* --- the server's time --- */

static void test_server(void **state)
{
    (void)state;
    static const struct {
        int64_t ahead_ms, trip_ms;
        enum gh_server_time word;
    } cases[] = {
        {0, 0, GH_SERVER_TIME_NEAR},
        {10000, 0, GH_SERVER_TIME_NEAR},
        {10001, 0, GH_SERVER_TIME_FAR},
        {-10000, 0, GH_SERVER_TIME_NEAR},
        {-10001, 0, GH_SERVER_TIME_FAR},
        {13000, 3000, GH_SERVER_TIME_NEAR},
        {13001, 3000, GH_SERVER_TIME_FAR},
        {20000, 10000, GH_SERVER_TIME_NEAR},
        {0, 10001, GH_SERVER_TIME_NOTHING},
        {0, -1, GH_SERVER_TIME_NOTHING},
        {86400000, 0, GH_SERVER_TIME_FAR},
        {-86400000, 0, GH_SERVER_TIME_FAR},
        {86400000, 20000, GH_SERVER_TIME_NOTHING},
    };

    for (size_t i = 0; i < GH_ARRAY_SIZE(cases); i++) {
        int64_t ahead_ms;
        (void)setup(NULL);
        assert_false(look());
        at.wall_ns += cases[i].ahead_ms * GH_NS_PER_MS;
        gh_timekeeper_init(&keeper, BUILD_S, false);
        assert_false(look());
        assert_int_equal(gh_timekeeper_take_server(&keeper, NOW_S, cases[i].trip_ms * GH_NS_PER_MS,
                                                   at.monotonic_ns, &ahead_ms),
                         cases[i].word);
        assert_true(ahead_ms == cases[i].ahead_ms);
        assert_int_equal(look(), cases[i].word == GH_SERVER_TIME_NEAR);
    }
}

/* The gate was busy when the answer came: it is compared with the time at which it came. */
static void test_server_heard_late(void **state)
{
    (void)state;
    int64_t ahead_ms, received_ns = at.monotonic_ns;

    pass_ms(3600 * 1000);
    assert_false(look());
    assert_int_equal(
        gh_timekeeper_take_server(&keeper, NOW_S, 50 * GH_NS_PER_MS, received_ns, &ahead_ms),
        GH_SERVER_TIME_NEAR);
    assert_true(ahead_ms == 0);
    assert_true(look());
}

/* A battery's word, or an old one, does not stand against the server's; the kernel's does. */
static void test_server_contradicts(void **state)
{
    (void)state;

    gh_timekeeper_init(&keeper, BUILD_S, true);
    assert_true(look());
    /* A clock that runs a little slow, for weeks, is no reason to shut the gate. */
    assert_int_equal(hear_server(60), GH_SERVER_TIME_FAR);
    assert_true(look());
    assert_int_equal(hear_server(-60), GH_SERVER_TIME_FAR);
    assert_true(look());
    assert_int_equal(hear_server(61), GH_SERVER_TIME_FAR);
    assert_false(look());
    assert_int_equal(hear_server(60), GH_SERVER_TIME_FAR); /* but none to open it either */
    assert_false(look());
    assert_int_equal(hear_server(0), GH_SERVER_TIME_NEAR);
    assert_true(look());
    at.synchronised = true;
    assert_true(look());
    assert_int_equal(hear_server(3600), GH_SERVER_TIME_FAR);
    assert_true(look());
}

/* --- jumps --- */

static void test_jump(void **state)
{
    (void)state;
    static const int64_t far_ms[] = {2001, -2001, 3600 * 1000, -3600 * 1000};

    for (size_t i = 0; i < GH_ARRAY_SIZE(far_ms); i++) {
        (void)setup(NULL);
        assert_false(look());
        (void)hear_server(0);
        assert_true(look());
        pass_ms(5000);
        at.wall_ns += far_ms[i] * GH_NS_PER_MS;
        assert_false(look());
        assert_true(keeper.jumped_ns == at.monotonic_ns);
        pass_ms(5000);
        assert_false(look()); /* and it stays so */
        assert_int_equal(hear_server(0), GH_SERVER_TIME_NEAR);
        assert_int_equal(look(), far_ms[i] > -5000); /* but never below what has been */
    }
}

/* NTP steps the clock: the kernel says so at that moment. */
static void test_ntp_step(void **state)
{
    (void)state;
    struct gh_entry entry;

    at.synchronised = true;
    assert_true(look());
    gh_timekeeper_told(&keeper);
    pass_ms(1000);
    at.wall_ns += 90 * GH_NS_PER_S;
    assert_true(look());
    assert_true(gh_timekeeper_tell(&keeper, at.monotonic_ns, &entry));
    assert_int_equal(entry.type, GH_ENTRY_CLOCK);
    assert_true(entry.clock_trusted);
    assert_true(entry.jump_ms == 90000);
}

/* Slewing, however long: each look is compared with the one before. */
static void test_slew_is_no_jump(void **state)
{
    (void)state;
    struct gh_entry entry;

    at.synchronised = true;
    assert_true(look());
    at.synchronised = false;
    gh_timekeeper_told(&keeper);
    for (int i = 0; i < 10000; i++) {
        pass_ms(5000);
        at.wall_ns += 3 * GH_NS_PER_MS; /* 30 s in all */
        assert_true(look());
    }
    assert_false(gh_timekeeper_tell(&keeper, at.monotonic_ns, &entry));
}

/* --- the floor --- */

static void test_floor_never_goes_back(void **state)
{
    (void)state;

    at.synchronised = true;
    assert_true(look());
    pass_ms(3600 * 1000);
    assert_true(look());
    gh_timekeeper_raise(&keeper, 0);
    gh_timekeeper_raise(&keeper, BUILD_S * 1000);
    at.wall_ns -= 1800 * GH_NS_PER_S; /* whoever set it, and whoever confirms it */
    assert_false(look());
    (void)hear_server(0);
    assert_false(look());
    pass_ms(1800 * 1000);
    assert_true(look()); /* the kernel still says so */
    /* A step back that is no jump is fine: clocks are set right all the time. */
    at.wall_ns -= 1500 * GH_NS_PER_MS;
    assert_true(look());
}

/* Set into the future by mistake, and believed: after that, no earlier time is. */
static void test_wrong_future(void **state)
{
    (void)state;

    at.synchronised = true;
    assert_true(look());
    at.wall_ns += 86400 * GH_NS_PER_S;
    at.synchronised = false;
    assert_false(look()); /* nobody confirmed it: it has not raised the floor */
    at.wall_ns -= 86400 * GH_NS_PER_S;
    at.synchronised = true;
    assert_true(look());
    at.wall_ns += 86400 * GH_NS_PER_S;
    assert_true(look()); /* confirmed: it has */
    at.wall_ns -= 86400 * GH_NS_PER_S;
    assert_false(look());
}

/* --- a restart --- */

static struct gh_entry last_entry(void)
{
    struct gh_entry entry = {.clock_trusted = true,
                             .wall_ms = at.wall_ns / GH_NS_PER_MS,
                             .monotonic_ms = at.monotonic_ns / GH_NS_PER_MS,
                             .boot_id = BOOT};
    return entry;
}

static bool restart_with(const struct gh_entry *last, const char *boot_id)
{
    gh_timekeeper_init(&keeper, BUILD_S, false);
    assert_false(look());
    gh_timekeeper_take_entry(&keeper, last, boot_id);
    return look();
}

static void test_restart(void **state)
{
    (void)state;
    struct gh_entry last = last_entry();

    pass_ms(60 * 1000);
    assert_true(restart_with(&last, BOOT));
    assert_false(restart_with(&last, "fedcba9876543210fedcba9876543210")); /* another boot */
    last.clock_trusted = false;
    assert_false(restart_with(&last, BOOT));
    last.clock_trusted = true;
    at.wall_ns += 2000 * GH_NS_PER_MS; /* slewed meanwhile */
    assert_true(restart_with(&last, BOOT));
    at.wall_ns += 1 * GH_NS_PER_MS; /* set meanwhile */
    assert_false(restart_with(&last, BOOT));
    at.wall_ns -= 3600 * GH_NS_PER_S;
    assert_false(restart_with(&last, BOOT));
    last = last_entry();
    memset(last.boot_id, '0', sizeof(last.boot_id) - 1); /* a kernel that tells no boots apart */
    assert_false(restart_with(&last, last.boot_id));
    last = last_entry();
    last.monotonic_ms += 1000; /* from after now: another boot, after all */
    last.wall_ms += 1000;
    assert_false(restart_with(&last, BOOT));
}

/* --- what is told --- */

static bool told(bool trusted, int64_t jump_ms)
{
    struct gh_entry entry;

    if (!gh_timekeeper_tell(&keeper, at.monotonic_ns, &entry))
        return false;
    assert_int_equal(entry.type, GH_ENTRY_CLOCK);
    assert_int_equal(entry.clock_trusted, trusted);
    assert_true(entry.jump_ms == jump_ms);
    return true;
}

static void test_tells(void **state)
{
    (void)state;

    assert_false(look());
    gh_timekeeper_told(&keeper); /* the start entry */
    assert_false(told(false, 0));
    assert_true(gh_timekeeper_deadline_ns(&keeper) == INT64_MAX);
    at.synchronised = true;
    assert_true(look());
    assert_true(gh_timekeeper_deadline_ns(&keeper) <= at.monotonic_ns);
    assert_true(told(true, 0));  /* at once */
    assert_false(told(true, 0)); /* and once */
    assert_true(gh_timekeeper_deadline_ns(&keeper) == INT64_MAX);

    pass_ms(1000);
    at.wall_ns += 10 * GH_NS_PER_S;
    assert_true(look());
    assert_false(told(true, 10000)); /* not yet: a minute apart */
    assert_true(gh_timekeeper_deadline_ns(&keeper) == at.monotonic_ns + 59 * GH_NS_PER_S);
    pass_ms(1000);
    at.wall_ns += 5 * GH_NS_PER_S;
    at.synchronised = false;
    assert_false(look());
    pass_ms(58 * 1000);
    assert_false(look());
    assert_true(told(false, 15000)); /* the sum, and how it is now */
    assert_true(gh_timekeeper_deadline_ns(&keeper) == INT64_MAX);
}

/* There and back: the state is as before, but it was set, and that is told. */
static void test_tells_of_there_and_back(void **state)
{
    (void)state;

    at.synchronised = true;
    assert_true(look());
    assert_true(told(true, 0));
    at.wall_ns += 3600 * GH_NS_PER_S;
    assert_true(look());
    at.wall_ns -= 3600 * GH_NS_PER_S;
    assert_false(look()); /* below what was believed */
    pass_ms(3600 * 1000);
    assert_true(look());
    assert_true(told(true, 0));
    assert_false(told(true, 0));
}

/* A clock that flaps every second: an entry a minute, and none that is lost in the sum. */
static void test_flapping(void **state)
{
    (void)state;
    int entries = 0;
    int64_t sum_ms = 0;

    at.synchronised = true;
    assert_true(look());
    for (int i = 0; i < 3600; i++) {
        struct gh_entry entry;
        pass_ms(1000);
        at.wall_ns += (i % 2 ? 4 : -3) * GH_NS_PER_S;
        at.synchronised = i % 3 != 0;
        (void)look();
        if (gh_timekeeper_tell(&keeper, at.monotonic_ns, &entry)) {
            entries++;
            sum_ms += entry.jump_ms;
        }
    }
    assert_in_range(entries, 59, 61);
    pass_ms(60000);
    (void)look();
    struct gh_entry entry;
    if (gh_timekeeper_tell(&keeper, at.monotonic_ns, &entry))
        sum_ms += entry.jump_ms;
    assert_true(sum_ms == 1800 * 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_nobody_confirms, setup),
        cmocka_unit_test_setup(test_kernel_confirms, setup),
        cmocka_unit_test_setup(test_battery, setup),
        cmocka_unit_test_setup(test_1970, setup),
        cmocka_unit_test_setup(test_last_march, setup),
        cmocka_unit_test_setup(test_server, setup),
        cmocka_unit_test_setup(test_server_heard_late, setup),
        cmocka_unit_test_setup(test_server_contradicts, setup),
        cmocka_unit_test_setup(test_jump, setup),
        cmocka_unit_test_setup(test_ntp_step, setup),
        cmocka_unit_test_setup(test_slew_is_no_jump, setup),
        cmocka_unit_test_setup(test_floor_never_goes_back, setup),
        cmocka_unit_test_setup(test_wrong_future, setup),
        cmocka_unit_test_setup(test_restart, setup),
        cmocka_unit_test_setup(test_tells, setup),
        cmocka_unit_test_setup(test_tells_of_there_and_back, setup),
        cmocka_unit_test_setup(test_flapping, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
