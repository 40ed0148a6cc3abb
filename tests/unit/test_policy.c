/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "gatehouse/policy.h"

static void starts_strict(void **state)
{
    (void)state;
    struct gh_policy policy = gh_policy_initial();
    assert_int_equal(policy.home_rule, GH_HOME_CODE);
    assert_int_equal(policy.passage_timeout_ms, 8000);
    assert_int_equal(policy.debounce_ms, 3000);
    assert_int_equal(policy.list_max_age_s, 604800);
}

/* The numbers are on the wire: they never change. */
static void numbers_are_those_on_the_wire(void **state)
{
    (void)state;
    assert_int_equal(GH_HOME_NONE, 0);
    assert_int_equal(GH_HOME_MEMBER, 1);
    assert_int_equal(GH_HOME_CODE, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(starts_strict),
        cmocka_unit_test(numbers_are_those_on_the_wire),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
