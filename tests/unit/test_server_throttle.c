/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "gatehouse/bytes.h"
#include "gatehouse/clock.h"
#include "server/password.h"
#include "server/throttle.h"

#define S GH_NS_PER_S

static struct gh_throttle *make(void)
{
    struct gh_throttle *throttle;
    assert_int_equal(gh_throttle_new(&throttle), GH_OK);
    return throttle;
}

static void test_waits_grow(void **state)
{
    (void)state;
    struct gh_throttle *throttle = make();
    int64_t now = 1000 * S;
    static const int64_t waits[] = {1, 2, 4, 8, 16, 32, 60, 60, 60};
    for (int i = 0; i < GH_THROTTLE_FREE; i++) {
        assert_int_equal(gh_throttle_wait_s(throttle, "ada", now), 0);
        gh_throttle_failed(throttle, "ada", now);
    }
    for (size_t i = 0; i < GH_ARRAY_SIZE(waits); i++) {
        assert_int_equal(gh_throttle_wait_s(throttle, "ada", now), waits[i]);
        assert_int_equal(gh_throttle_wait_s(throttle, "bob", now), 0);
        now += waits[i] * S - 1;
        assert_int_equal(gh_throttle_wait_s(throttle, "ada", now), 1);
        now += 1;
        assert_int_equal(gh_throttle_wait_s(throttle, "ada", now), 0);
        gh_throttle_failed(throttle, "ada", now);
    }
    gh_throttle_free(throttle);
}

static void test_success_forgives(void **state)
{
    (void)state;
    struct gh_throttle *throttle = make();
    for (int i = 0; i < GH_THROTTLE_FREE; i++)
        gh_throttle_failed(throttle, "ada", S);
    assert_int_equal(gh_throttle_wait_s(throttle, "ada", S), 1);
    gh_throttle_succeeded(throttle, "ada");
    assert_int_equal(gh_throttle_wait_s(throttle, "ada", S), 0);
    gh_throttle_failed(throttle, "ada", S);
    assert_int_equal(gh_throttle_wait_s(throttle, "ada", S), 0);
    gh_throttle_free(throttle);
}

static void test_time_forgives(void **state)
{
    (void)state;
    struct gh_throttle *throttle = make();
    for (int i = 0; i < GH_THROTTLE_FREE + 5; i++)
        gh_throttle_failed(throttle, "ada", S);
    int64_t later = 3600 * S;
    gh_throttle_failed(throttle, "ada", later);
    assert_int_equal(gh_throttle_wait_s(throttle, "ada", later), 0);
    gh_throttle_free(throttle);
}

/* Many names, one guess each: bounded over all. */
static void test_many_names(void **state)
{
    (void)state;
    struct gh_throttle *throttle = make();
    char name[32];
    int checked = 0;
    for (int i = 0; i < 1000; i++) {
        int64_t now = 100 * S + i * (S / 100); /* ten seconds in all */
        snprintf(name, sizeof(name), "user%d", i);
        if (gh_throttle_wait_s(throttle, name, now) == 0) {
            gh_throttle_failed(throttle, name, now);
            checked++;
        }
    }
    assert_in_range(checked, GH_THROTTLE_BURST, GH_THROTTLE_BURST + 10 * GH_THROTTLE_PER_S + 1);
    /* and a right password costs nothing of it */
    for (int i = 0; i < 1000; i++) {
        assert_int_equal(gh_throttle_wait_s(throttle, "ada", 200 * S), 0);
        gh_throttle_succeeded(throttle, "ada");
    }
    gh_throttle_free(throttle);
}

/* More names than there are slots: nothing breaks. */
static void test_more_names_than_slots(void **state)
{
    (void)state;
    struct gh_throttle *throttle = make();
    char name[32];
    for (int i = 0; i < 5000; i++) {
        snprintf(name, sizeof(name), "user%d", i);
        gh_throttle_failed(throttle, name, (i + 1) * S);
    }
    for (int i = 0; i < GH_THROTTLE_FREE; i++)
        gh_throttle_failed(throttle, "ada", 6000 * S);
    assert_int_equal(gh_throttle_wait_s(throttle, "ada", 6000 * S), 1);
    gh_throttle_free(throttle);
}

static int set_up(void **state)
{
    (void)state;
    return gh_password_init() == GH_OK ? 0 : -1;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_waits_grow),
        cmocka_unit_test(test_success_forgives),
        cmocka_unit_test(test_time_forgives),
        cmocka_unit_test(test_many_names),
        cmocka_unit_test(test_more_names_than_slots),
    };
    return cmocka_run_group_tests(tests, set_up, NULL);
}
