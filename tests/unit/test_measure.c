/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "gate/measure.h"
#include "gatehouse/clock.h"

static const struct gh_temperature_policy policy = {
    .rule = GH_TEMPERATURE_REQUIRED, .limit_millic = 37300, .valid_ms = 10000};
static struct gh_measure measure;
static int64_t now_ms;

static int set_up(void **state)
{
    (void)state;
    gh_measure_init(&measure);
    now_ms = 1000;
    return 0;
}

static void take(int64_t millic)
{
    gh_measure_take(&measure, &policy, now_ms * GH_NS_PER_MS, millic);
}

/* Read ten times a second. */
static void stand(int64_t millic, int64_t ms)
{
    for (int64_t gone = 0; gone < ms; gone += 100) {
        take(millic);
        now_ms += 100;
    }
}

/* 0: none counts. */
static int64_t counts(void)
{
    int64_t millic;
    bool there = gh_measure_counts(&measure, &policy, now_ms * GH_NS_PER_MS, &millic);
    assert_true(there || millic == 0);
    return millic;
}

static int64_t deadline_ms(void)
{
    int64_t deadline_ns = gh_measure_deadline_ns(&measure, now_ms * GH_NS_PER_MS);
    return deadline_ns == INT64_MAX ? -1 : deadline_ns / GH_NS_PER_MS;
}

static void test_nobody(void **state)
{
    (void)state;
    assert_int_equal(counts(), 0);
    assert_int_equal(deadline_ms(), -1);
    gh_measure_use(&measure);
    take(36000); /* the first after that is somebody */
    now_ms += GH_MEASURE_SETTLE_MS;
    assert_int_equal(counts(), 36000);
}

static void test_one_reading_settles(void **state)
{
    (void)state;
    take(36600);
    assert_int_equal(counts(), 0);
    assert_int_equal(deadline_ms(), now_ms + GH_MEASURE_SETTLE_MS);
    now_ms += GH_MEASURE_SETTLE_MS - 1;
    assert_int_equal(counts(), 0);
    now_ms++;
    assert_int_equal(counts(), 36600);
    assert_int_equal(deadline_ms(), -1);
}

/* A hand that comes closer is no cool forehead. */
static void test_the_highest_counts(void **state)
{
    (void)state;
    for (int64_t millic = 31000; millic <= 36600; millic += 200) {
        assert_int_equal(counts(), 0);
        take(millic);
        now_ms += 100;
    }
    stand(36550, 300);
    assert_int_equal(counts(), 0);
    stand(36580, 200);
    assert_int_equal(counts(), 36600);
    stand(33000, 500); /* and goes */
    assert_int_equal(counts(), 36600);
}

/* Noise is no rise, but counts. */
static void test_noise(void **state)
{
    (void)state;
    for (int i = 0; i <= GH_MEASURE_SETTLE_MS / 100; i++)
        stand(36600 + i * 10, 100);
    assert_int_equal(counts(), 36650);
    take(36701); /* a rise: it may go on */
    assert_int_equal(counts(), 0);
    now_ms += GH_MEASURE_SETTLE_MS;
    assert_int_equal(counts(), 36701);
}

static void test_fever_counts_at_once(void **state)
{
    (void)state;
    take(37299);
    assert_int_equal(counts(), 0);
    take(37300);
    assert_int_equal(counts(), 37300);
    stand(36000, 1000); /* it does not get less */
    assert_int_equal(counts(), 37300);
}

static void test_counts_for_its_time(void **state)
{
    (void)state;
    take(36600);
    now_ms += policy.valid_ms;
    assert_int_equal(counts(), 36600);
    now_ms++;
    assert_int_equal(counts(), 0);
    /* From when it was read last, and as good as that. */
    (void)set_up(NULL);
    take(36600);
    now_ms += 100;
    stand(36510, 5000);
    now_ms += policy.valid_ms - 100;
    assert_int_equal(counts(), 36600);
    now_ms++;
    assert_int_equal(counts(), 0);
}

/* Somebody warm stood there; somebody else has stepped in front of them without a gap. */
static void test_what_is_long_ago_is_forgotten(void **state)
{
    (void)state;
    stand(37800, 1000);
    stand(36400, policy.valid_ms - 200);
    assert_int_equal(counts(), 37800);
    stand(36400, 300); /* from now on */
    assert_int_equal(counts(), 0);
    stand(36400, GH_MEASURE_SETTLE_MS);
    assert_int_equal(counts(), 36400);
}

static void test_is_one_persons(void **state)
{
    (void)state;
    stand(36600, 1000);
    assert_int_equal(counts(), 36600);
    gh_measure_use(&measure);
    assert_int_equal(counts(), 0);
    assert_int_equal(measure.millic, 0); /* nothing of it is left */
    stand(36700, 20000);                 /* still there */
    assert_int_equal(measure.millic, 0);
    assert_int_equal(counts(), 0);
    assert_int_equal(deadline_ms(), -1);
    now_ms += GH_MEASURE_GAP_MS - 100;
    take(36700);
    now_ms += GH_MEASURE_SETTLE_MS;
    assert_int_equal(counts(), 0);
    now_ms += GH_MEASURE_GAP_MS - GH_MEASURE_SETTLE_MS + 1;
    take(36400); /* somebody else */
    now_ms += GH_MEASURE_SETTLE_MS;
    assert_int_equal(counts(), 36400);
}

/* Without being used up, too: who is read after a gap is somebody else. */
static void test_a_gap_is_somebody_else(void **state)
{
    (void)state;
    stand(37200, 1000);
    now_ms += GH_MEASURE_GAP_MS + 1;
    stand(36000, 600);
    assert_int_equal(counts(), 36000);
}

/* Readings that are not in their order take nothing out of its bounds. */
static void test_time_goes_back(void **state)
{
    (void)state;
    stand(36000, 600);
    gh_measure_take(&measure, &policy, 0, 36500);
    now_ms += GH_MEASURE_SETTLE_MS;
    assert_int_equal(counts(), 36500);
    now_ms = 0; /* a frame from before */
    assert_int_equal(counts(), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_nobody, set_up),
        cmocka_unit_test_setup(test_one_reading_settles, set_up),
        cmocka_unit_test_setup(test_the_highest_counts, set_up),
        cmocka_unit_test_setup(test_noise, set_up),
        cmocka_unit_test_setup(test_fever_counts_at_once, set_up),
        cmocka_unit_test_setup(test_counts_for_its_time, set_up),
        cmocka_unit_test_setup(test_what_is_long_ago_is_forgotten, set_up),
        cmocka_unit_test_setup(test_is_one_persons, set_up),
        cmocka_unit_test_setup(test_a_gap_is_somebody_else, set_up),
        cmocka_unit_test_setup(test_time_goes_back, set_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
