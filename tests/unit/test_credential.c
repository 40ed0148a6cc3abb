/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "gatehouse/credential.h"

static void test_kind_names(void **state)
{
    (void)state;
    static const char *const names[] = {"unknown", "health",    "housing", "visitor",
                                        "staff",   "enrolment", "hcert",   "shc"};
    for (size_t i = 0; i < GH_ARRAY_SIZE(names); i++)
        assert_string_equal(gh_kind_name((enum gh_kind)i), names[i]);
    assert_string_equal(gh_kind_name((enum gh_kind)8), "unknown");
    assert_string_equal(gh_kind_name((enum gh_kind) - 1), "unknown");
}

static void test_form_names(void **state)
{
    (void)state;
    static const char *const names[] = {"none", "paper", "phone"};
    for (size_t i = 0; i < GH_ARRAY_SIZE(names); i++)
        assert_string_equal(gh_form_name((enum gh_form)i), names[i]);
    assert_string_equal(gh_form_name((enum gh_form)3), "none");
    assert_string_equal(gh_form_name((enum gh_form) - 1), "none");
}

/* On the wire. */
static void test_numbers(void **state)
{
    (void)state;
    assert_int_equal(GH_KIND_HEALTH, 1);
    assert_int_equal(GH_KIND_HOUSING, 2);
    assert_int_equal(GH_KIND_VISITOR, 3);
    assert_int_equal(GH_KIND_STAFF, 4);
    assert_int_equal(GH_KIND_ENROLMENT, 5);
    assert_int_equal(GH_COLOUR_GREEN, 1);
    assert_int_equal(GH_COLOUR_YELLOW, 2);
    assert_int_equal(GH_COLOUR_RED, 3);
}

static void test_colours_come_back(void **state)
{
    (void)state;
    static const char *const names[] = {"none", "green", "yellow", "red"};
    for (size_t i = 0; i < GH_ARRAY_SIZE(names); i++) {
        enum gh_colour colour = (enum gh_colour)99;
        assert_string_equal(gh_colour_name((enum gh_colour)i), names[i]);
        assert_int_equal(gh_colour_parse(names[i], &colour), GH_OK);
        assert_int_equal(colour, i);
    }
}

static void test_colours_that_are_none(void **state)
{
    (void)state;
    static const char *const names[] = {"", "Green", "green ", "gree", "amber", "1"};
    for (size_t i = 0; i < GH_ARRAY_SIZE(names); i++) {
        enum gh_colour colour = GH_COLOUR_YELLOW;
        assert_int_equal(gh_colour_parse(names[i], &colour), GH_ERR_INVALID);
        assert_int_equal(colour, GH_COLOUR_YELLOW);
    }
    assert_string_equal(gh_colour_name((enum gh_colour)4), "red");
    assert_string_equal(gh_colour_name((enum gh_colour) - 1), "red");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_kind_names),
        cmocka_unit_test(test_form_names),
        cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_colours_come_back),
        cmocka_unit_test(test_colours_that_are_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
