/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>

#include "gatehouse/bucket.h"

#define TOKENS 3
#define PERIOD 1000
#define START 5000000

static struct gh_bucket bucket;

static int setup(void **state)
{
    (void)state;
    gh_bucket_init(&bucket, TOKENS, PERIOD);
    return 0;
}

static unsigned take_all(int64_t now_ns)
{
    unsigned taken = 0;

    while (taken < 100 && gh_bucket_take(&bucket, now_ns))
        taken++;
    return taken;
}

static void test_as_many_as_there_are(void **state)
{
    (void)state;

    assert_true(gh_bucket_is_full(&bucket, START));
    assert_int_equal(gh_bucket_next_ns(&bucket, START), START);
    assert_true(gh_bucket_take(&bucket, START));
    assert_false(gh_bucket_is_full(&bucket, START));
    assert_int_equal(gh_bucket_next_ns(&bucket, START), START);
    assert_int_equal(take_all(START), TOKENS - 1);
    assert_int_equal(gh_bucket_next_ns(&bucket, START), START + PERIOD);
    assert_false(gh_bucket_take(&bucket, START + PERIOD - 1));
    assert_int_equal(gh_bucket_next_ns(&bucket, START + PERIOD - 1), START + PERIOD);
    assert_int_equal(take_all(START + PERIOD), 1); /* one a period, and not more */
}

static void test_fills(void **state)
{
    (void)state;

    assert_int_equal(take_all(START), TOKENS);
    assert_int_equal(take_all(START + 2 * PERIOD), 2);
    assert_false(gh_bucket_is_full(&bucket, START + 5 * PERIOD - 1));
    assert_true(gh_bucket_is_full(&bucket, START + 5 * PERIOD));
    assert_int_equal(take_all(START + 100 * PERIOD), TOKENS); /* not more than there is room for */
}

/* Whoever asks often gets as much as who asks when it is time to, to the nanosecond. */
static void test_asking_often_costs_nothing(void **state)
{
    (void)state;
    unsigned taken = 0;

    for (int64_t now = START; now <= START + 10 * PERIOD; now += 7)
        taken += gh_bucket_take(&bucket, now);
    assert_int_equal(taken, TOKENS + 9); /* 10 periods later is between two asks */
    assert_int_equal(gh_bucket_next_ns(&bucket, START + 10 * PERIOD), START + 10 * PERIOD);
}

static void test_time_goes_back(void **state)
{
    (void)state;

    assert_int_equal(take_all(START), TOKENS);
    /* A little: what was missing is missing still. */
    assert_false(gh_bucket_take(&bucket, START - 10));
    /* By far: it is empty, and fills as from nothing, once it has been told. */
    assert_false(gh_bucket_take(&bucket, -START));
    assert_false(gh_bucket_is_full(&bucket, -START));
    assert_int_equal(gh_bucket_next_ns(&bucket, -START), -START + PERIOD);
    assert_int_equal(take_all(-START + PERIOD), 1);
    assert_int_equal(take_all(-START + 100 * PERIOD), TOKENS);
    /* Forwards: full. */
    assert_int_equal(take_all(START + INT64_C(1000000000000)), TOKENS);
}

static void test_ends_of_time(void **state)
{
    (void)state;
    static const int64_t ends[] = {INT64_MIN,     INT64_MIN + 1,     -1, 0, 1,
                                   INT64_MAX - 1, INT64_MAX - PERIOD};

    for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
        gh_bucket_init(&bucket, TOKENS, PERIOD);
        assert_true(gh_bucket_is_full(&bucket, ends[i]));
        assert_true(gh_bucket_take(&bucket, ends[i]));
        assert_true(gh_bucket_next_ns(&bucket, ends[i]) >= ends[i]);
        for (size_t j = 0; j < sizeof(ends) / sizeof(ends[0]); j++) {
            (void)gh_bucket_take(&bucket, ends[j]);
            assert_true(gh_bucket_next_ns(&bucket, ends[j]) >= ends[j]);
        }
    }
    /* From one end to the other, and back. */
    gh_bucket_init(&bucket, TOKENS, PERIOD);
    assert_int_equal(take_all(INT64_MIN), TOKENS);
    assert_int_equal(take_all(INT64_MAX - 10 * PERIOD), TOKENS);
    assert_int_equal(take_all(INT64_MIN), 0);
    assert_int_equal(take_all(INT64_MIN + PERIOD), 1);
}

/* Against counting tokens one by one, in random steps, forwards and back. */
static void test_against_counting(void **state)
{
    (void)state;
    unsigned seed = 20;

    for (int round = 0; round < 200; round++) {
        int64_t now = START, part = 0;
        unsigned tokens = TOKENS;
        gh_bucket_init(&bucket, TOKENS, PERIOD);
        for (int step = 0; step < 200; step++) {
            int64_t pause = rand_r(&seed) % (PERIOD / 2);
            now += pause;
            part += pause;
            for (; part >= PERIOD && tokens < TOKENS; part -= PERIOD)
                tokens++;
            if (tokens == TOKENS)
                part = 0;
            assert_int_equal(gh_bucket_is_full(&bucket, now), tokens == TOKENS);
            assert_int_equal(gh_bucket_take(&bucket, now), tokens > 0);
            tokens -= tokens > 0;
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_as_many_as_there_are, setup),
        cmocka_unit_test_setup(test_fills, setup),
        cmocka_unit_test_setup(test_asking_often_costs_nothing, setup),
        cmocka_unit_test_setup(test_time_goes_back, setup),
        cmocka_unit_test_setup(test_ends_of_time, setup),
        cmocka_unit_test_setup(test_against_counting, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
