/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "gate/backoff.h"
#include "gatehouse/clock.h"

#define NOW INT64_C(5000000000000)
#define FIRST_MS 1000
#define GREATEST_MS 300000
#define SAMPLES 2000

static struct gh_backoff fresh(void)
{
    return (struct gh_backoff){.first_ms = FIRST_MS, .greatest_ms = GREATEST_MS};
}

/* What is waited for at least and at most, over many tries; pauses are in ns. */
struct span {
    int64_t least, most;
};

static struct span pauses(const struct gh_backoff *start, int64_t retry_after_s)
{
    struct span span = {INT64_MAX, INT64_MIN};

    for (int i = 0; i < SAMPLES; i++) {
        struct gh_backoff backoff = *start;
        gh_backoff_failed(&backoff, NOW, retry_after_s);
        int64_t pause = backoff.next_ns - NOW;
        span.least = pause < span.least ? pause : span.least;
        span.most = pause > span.most ? pause : span.most;
    }
    return span;
}

/* Half to all of it, and both ends are come near to: it is jitter and not a number. */
static void assert_jitter(const struct span *span, int64_t whole_ms)
{
    int64_t whole = whole_ms * GH_NS_PER_MS;

    assert_true(span->least >= whole / 2);
    assert_true(span->most <= whole);
    assert_true(span->least < whole / 2 + whole / 20);
    assert_true(span->most > whole - whole / 20);
}

static void test_doubles(void **state)
{
    (void)state;
    static const int64_t expected_ms[] = {1000,  2000,   4000,   8000,   16000,  32000,
                                          64000, 128000, 256000, 300000, 300000, 300000};
    struct gh_backoff backoff = fresh();

    for (size_t i = 0; i < sizeof(expected_ms) / sizeof(expected_ms[0]); i++) {
        struct span span = pauses(&backoff, -1);
        assert_jitter(&span, expected_ms[i]);
        gh_backoff_failed(&backoff, NOW, -1);
        assert_int_equal(backoff.delay_ms, expected_ms[i]);
    }
    for (int i = 0; i < 1000; i++) /* a server that is gone for months */
        gh_backoff_failed(&backoff, NOW, -1);
    assert_int_equal(backoff.delay_ms, GREATEST_MS);
    struct span span = pauses(&backoff, -1);
    assert_jitter(&span, GREATEST_MS);
}

static void test_success_starts_anew(void **state)
{
    (void)state;
    struct gh_backoff backoff = fresh();

    for (int i = 0; i < 5; i++)
        gh_backoff_failed(&backoff, NOW, -1);
    gh_backoff_succeeded(&backoff, NOW, 5000);
    assert_int_equal(backoff.delay_ms, 0);
    struct span span = pauses(&backoff, -1);
    assert_jitter(&span, FIRST_MS);
}

static void test_success_jitter(void **state)
{
    (void)state;
    struct span span = {INT64_MAX, INT64_MIN};

    for (int i = 0; i < SAMPLES; i++) {
        struct gh_backoff backoff = fresh();
        gh_backoff_succeeded(&backoff, NOW, 5000);
        int64_t pause = (backoff.next_ns - NOW) / GH_NS_PER_MS;
        span.least = pause < span.least ? pause : span.least;
        span.most = pause > span.most ? pause : span.most;
    }
    assert_true(span.least >= 3750 && span.most <= 6250);
    assert_true(span.least < 4250 &&
                span.most > 5750); /* a thousand gates do not come back at once */

    struct gh_backoff backoff = fresh();
    gh_backoff_succeeded(&backoff, NOW, 0); /* again at once */
    assert_true(backoff.next_ns == NOW);
    gh_backoff_succeeded(&backoff, NOW, 1);
    assert_true(backoff.next_ns - NOW <= 2 * GH_NS_PER_MS);
}

static void test_retry_after(void **state)
{
    (void)state;
    struct gh_backoff backoff = fresh();

    struct span span = pauses(&backoff, 30);
    assert_true(span.least >= 30 * GH_NS_PER_S);
    assert_true(span.most <= 40 * GH_NS_PER_S); /* obeyed, not made more of */
    assert_true(span.most > span.least);        /* but not by all gates at once */
    span = pauses(&backoff, 0);
    assert_jitter(&span, FIRST_MS);

    for (int i = 0; i < 6; i++) /* where our own pause is longer, it stays */
        gh_backoff_failed(&backoff, NOW, -1);
    span = pauses(&backoff, 1);
    assert_jitter(&span, 64000);

    /* At most an hour is believed: also of the greatest number there is. */
    static const int64_t ages_s[] = {3600, 3601, 100 * 24 * 3600, INT64_MAX / 1000, INT64_MAX};
    for (size_t i = 0; i < sizeof(ages_s) / sizeof(ages_s[0]); i++) {
        backoff = fresh();
        span = pauses(&backoff, ages_s[i]);
        assert_true(span.least >= 3600 * GH_NS_PER_S);
        assert_true(span.most <= 3610 * GH_NS_PER_S);
    }
}

/* It goes on doubling below what the server asked for. */
static void test_retry_after_does_not_reset(void **state)
{
    (void)state;
    struct gh_backoff backoff = fresh();

    for (int i = 0; i < 4; i++)
        gh_backoff_failed(&backoff, NOW, 60);
    assert_int_equal(backoff.delay_ms, 8000);
}

/* Odd settings do not stop the courier or make it hammer. */
static void test_odd_settings(void **state)
{
    (void)state;
    struct gh_backoff backoff = {.first_ms = 10, .greatest_ms = 10};

    for (int i = 0; i < 100; i++) {
        gh_backoff_failed(&backoff, NOW, -1);
        assert_true(backoff.next_ns >= NOW + 5 * GH_NS_PER_MS);
        assert_true(backoff.next_ns <= NOW + 10 * GH_NS_PER_MS);
    }
    backoff = (struct gh_backoff){.first_ms = 1, .greatest_ms = 3};
    for (int i = 0; i < 100; i++) {
        gh_backoff_failed(&backoff, NOW, -1);
        assert_true(backoff.next_ns >= NOW && backoff.next_ns <= NOW + 3 * GH_NS_PER_MS);
        gh_backoff_failed(&backoff, NOW, 2);
        assert_true(backoff.next_ns >= NOW + 2 * GH_NS_PER_S);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_doubles),
        cmocka_unit_test(test_success_starts_anew),
        cmocka_unit_test(test_success_jitter),
        cmocka_unit_test(test_retry_after),
        cmocka_unit_test(test_retry_after_does_not_reset),
        cmocka_unit_test(test_odd_settings),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
