/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "gatehouse/code.h"
#include "gatehouse/policy.h"

static void starts_strict(void **state)
{
    (void)state;
    struct gh_policy policy = gh_policy_initial();
    assert_int_equal(policy.home_rule, GH_HOME_CODE);
    assert_int_equal(policy.passage_timeout_ms, 8000);
    assert_int_equal(policy.debounce_ms, 3000);
    assert_int_equal(policy.list_stale_age_s, 86400);
    assert_int_equal(policy.list_max_age_s, 604800);
    assert_int_equal(policy.old_list, GH_OLD_LIST_GUARD);
    assert_int_equal(policy.retention.passages_days, 30);
    assert_int_equal(policy.retention.others_days, 365);
    assert_int_equal(policy.paper, GH_PAPER_OPEN);
    assert_int_equal(policy.clock, GH_CLOCK_GUARD);
    assert_int_equal(policy.holder, GH_HOLDER_GUARD);
    assert_int_equal(policy.rule_count, 0);
    assert_int_equal(policy.upstream.deadline_ms, 0);
    assert_int_equal(policy.upstream.offline, GH_OFFLINE_GUARD);
    assert_string_equal(policy.upstream.prefixes, "");
    assert_int_equal(policy.opening.hours_count, 0);
    assert_int_equal(policy.opening.holiday_count, 0);
    assert_int_equal(policy.passback.rule, GH_PASSBACK_OFF);
    assert_int_equal(policy.passback.forgive_s, 12 * 3600);
    assert_int_equal(policy.temperature.rule, GH_TEMPERATURE_OFF);
    assert_int_equal(policy.temperature.limit_millic, 37300);
    assert_int_equal(policy.temperature.valid_ms, 10000);
    assert_null(gh_policy_misfit(&policy));
}

/* The numbers are on the wire: they never change. */
static void numbers_are_those_on_the_wire(void **state)
{
    (void)state;
    assert_int_equal(GH_HOME_NONE, 0);
    assert_int_equal(GH_HOME_MEMBER, 1);
    assert_int_equal(GH_HOME_CODE, 2);
    assert_int_equal(GH_OLD_LIST_GUARD, 0);
    assert_int_equal(GH_OLD_LIST_DENY, 1);
    assert_int_equal(GH_PAPER_OPEN, 0);
    assert_int_equal(GH_PAPER_GUARD, 1);
    assert_int_equal(GH_PAPER_DENY, 2);
    assert_int_equal(GH_CLOCK_GUARD, 0);
    assert_int_equal(GH_CLOCK_DENY, 1);
    assert_int_equal(GH_HOLDER_GUARD, 0);
    assert_int_equal(GH_HOLDER_HOME, 1);
    assert_int_equal(GH_HOLDER_OPEN, 2);
    assert_int_equal(GH_OFFLINE_GUARD, 0);
    assert_int_equal(GH_OFFLINE_DENY, 1);
    assert_int_equal(GH_PASSBACK_OFF, 0);
    assert_int_equal(GH_PASSBACK_SOFT, 1);
    assert_int_equal(GH_PASSBACK_HARD, 2);
    assert_int_equal(GH_TEMPERATURE_OFF, 0);
    assert_int_equal(GH_TEMPERATURE_OPTIONAL, 1);
    assert_int_equal(GH_TEMPERATURE_REQUIRED, 2);
}

static void assert_misfit(const struct gh_policy *policy, const char *expected)
{
    const char *what = gh_policy_misfit(policy);
    if (expected == NULL) {
        assert_null(what);
    } else if (what == NULL) {
        fail_msg("fits, against \"%s\"", expected);
    } else {
        assert_string_equal(what, expected);
    }
}

/* Each number at both ends, and one beyond. */
#define ASSERT_RANGE(member, type, least, greatest, name)                                          \
    do {                                                                                           \
        static const int64_t values[] = {(least), (greatest)};                                     \
        for (size_t i = 0; i < 2; i++) {                                                           \
            struct gh_policy policy = gh_policy_initial();                                         \
            policy.member = (type)values[i];                                                       \
            assert_misfit(&policy, NULL);                                                          \
            policy.member = (type)(values[i] + (i == 0 ? -1 : 1));                                 \
            assert_misfit(&policy, (name));                                                        \
        }                                                                                          \
    } while (0)

static void numbers_have_ends(void **state)
{
    (void)state;
    ASSERT_RANGE(home_rule, enum gh_home_rule, 0, 2, "rule about homes");
    ASSERT_RANGE(passage_timeout_ms, int64_t, 1000, 60000, "time-out of a passage");
    ASSERT_RANGE(debounce_ms, int64_t, 500, 60000, "debounce time");
    ASSERT_RANGE(list_stale_age_s, int64_t, 60, INT64_C(100) * 366 * 86400, "age of a stale list");
    ASSERT_RANGE(old_list, enum gh_old_list_rule, 0, 1, "rule about old lists");
    ASSERT_RANGE(retention.passages_days, int64_t, 1, 3660, "days to keep passages");
    ASSERT_RANGE(retention.others_days, int64_t, 1, 3660, "days to keep other entries");
    ASSERT_RANGE(list_max_age_s, int64_t, 60, INT64_C(100) * 366 * 86400,
                 "greatest age of the list");
    ASSERT_RANGE(paper, enum gh_paper_rule, 0, 2, "rule about paper");
    ASSERT_RANGE(clock, enum gh_clock_rule, 0, 1, "rule about the clock");
    ASSERT_RANGE(holder, enum gh_holder_rule, 0, 2, "rule about holders");
    ASSERT_RANGE(upstream.deadline_ms, int64_t, 100, 5000, "deadline upstream");
    ASSERT_RANGE(upstream.offline, enum gh_offline_rule, 0, 1, "offline rule");
    ASSERT_RANGE(passback.rule, enum gh_passback_rule, 0, 2, "rule about passing back");
    ASSERT_RANGE(passback.forgive_s, int64_t, 60, 604800, "time after which a passage is forgiven");
    ASSERT_RANGE(temperature.rule, enum gh_temperature_rule, 0, 2, "rule about temperatures");
    ASSERT_RANGE(temperature.limit_millic, int64_t, 35000, 42000, "temperature limit");
    ASSERT_RANGE(temperature.valid_ms, int64_t, 500, 60000, "time that a temperature counts");
    struct gh_policy policy = gh_policy_initial();
    policy.upstream.deadline_ms = -1; /* 0 is nobody, and fits */
    assert_misfit(&policy, "deadline upstream");
}

static void rules_are_ones_that_can_be_said(void **state)
{
    (void)state;
    static const char name[] = "rules about certificates";
    struct gh_policy policy = gh_policy_initial();
    for (size_t i = 0; i < GH_RULES_MAX; i++) {
        assert_int_equal(gh_rule_parse("green test until 3d", &policy.rules[i], NULL), GH_OK);
    }
    policy.rule_count = GH_RULES_MAX;
    assert_misfit(&policy, NULL);
    policy.rule_count = GH_RULES_MAX + 1;
    assert_misfit(&policy, name);
    policy.rule_count = SIZE_MAX;
    assert_misfit(&policy, name);
    policy.rule_count = GH_RULES_MAX;
    policy.rules[GH_RULES_MAX - 1].until_h = -1;
    assert_misfit(&policy, name);
    policy.rule_count = GH_RULES_MAX - 1; /* nobody looks behind the last */
    assert_misfit(&policy, NULL);
}

static void hours_are_ones_that_can_be_said(void **state)
{
    (void)state;
    static const char name[] = "opening hours";
    struct gh_policy policy = gh_policy_initial();
    struct gh_opening *opening = &policy.opening;
    for (size_t i = 0; i < GH_HOURS_MAX; i++)
        assert_int_equal(gh_hours_parse("mon-fri 07:30-19:00", &opening->hours[i], NULL), GH_OK);
    opening->hours_count = GH_HOURS_MAX;
    assert_misfit(&policy, NULL);
    opening->hours_count = GH_HOURS_MAX + 1;
    assert_misfit(&policy, name);
    opening->hours_count = SIZE_MAX;
    assert_misfit(&policy, name);
    opening->hours_count = GH_HOURS_MAX;
    opening->hours[GH_HOURS_MAX - 1].until_min = 0;
    assert_misfit(&policy, name);
    opening->hours_count = GH_HOURS_MAX - 1; /* nobody looks behind the last */
    assert_misfit(&policy, NULL);
}

static void holidays_ascend(void **state)
{
    (void)state;
    static const char name[] = "list of holidays";
    struct gh_policy policy = gh_policy_initial();
    struct gh_opening *opening = &policy.opening;
    for (int i = 0; i < GH_HOLIDAYS_MAX; i++)
        opening->holidays[i] =
            (struct gh_holiday){.year = i / 28 * 1000, .month = 2, .day = 1 + i % 28};
    opening->holiday_count = GH_HOLIDAYS_MAX;
    assert_misfit(&policy, NULL);
    opening->holiday_count = GH_HOLIDAYS_MAX + 1;
    assert_misfit(&policy, name);
    opening->holiday_count = SIZE_MAX;
    assert_misfit(&policy, name);
    opening->holiday_count = GH_HOLIDAYS_MAX;
    struct gh_holiday kept = opening->holidays[5];
    opening->holidays[5] = opening->holidays[4]; /* twice */
    assert_misfit(&policy, name);
    opening->holidays[5] = opening->holidays[7]; /* out of order */
    assert_misfit(&policy, name);
    opening->holidays[5] = kept;
    opening->holidays[GH_HOLIDAYS_MAX - 1].day = 30;
    assert_misfit(&policy, name);
}

static void beginnings_are_words(void **state)
{
    (void)state;
    static const struct {
        const char *prefixes;
        bool fits;
    } cases[] = {
        {"", true},       {"X1:", true},    {"X1: GB-1:", true},  {"a b c d", true},
        {" ", false},     {" X1:", false},  {"X1: ", false},      {"X1:  GB-1:", false},
        {"X1:\t", false}, {"X\x7f", false}, {"X\xc3\xa4", false}, {"~!", true},
    };
    struct gh_policy policy = gh_policy_initial();
    for (size_t i = 0; i < GH_ARRAY_SIZE(cases); i++) {
        memset(policy.upstream.prefixes, 0, sizeof(policy.upstream.prefixes));
        strcpy(policy.upstream.prefixes, cases[i].prefixes);
        assert_misfit(&policy, cases[i].fits ? NULL : "list of beginnings that may be asked about");
    }
    memset(policy.upstream.prefixes, 'x', sizeof(policy.upstream.prefixes)); /* without an end */
    assert_misfit(&policy, "list of beginnings that may be asked about");
    policy.upstream.prefixes[GH_PREFIXES_BYTES - 1] = '\0';
    assert_misfit(&policy, NULL);
}

static bool may_ask(const char *prefixes, int64_t deadline_ms, const void *text, size_t size)
{
    struct gh_upstream_policy upstream = {.deadline_ms = deadline_ms};
    strcpy(upstream.prefixes, prefixes);
    return gh_upstream_may_ask(&upstream, (struct gh_bytes){text, size});
}

static void only_what_the_policy_names_may_be_asked_about(void **state)
{
    (void)state;
    static const struct {
        const char *prefixes, *text;
        bool may;
    } rows[] = {
        {"HC1: shc:/", "HC1:6BF", true},
        {"HC1: shc:/", "shc:/5676", true},
        {"  HC1:   shc:/ ", "shc:/5676", true},
        {"HC1:", "HC1:", true},
        {"HC1:", "HC1:\xc3\xa9", true},
        {"HC1: shc:/", "HC1", false},
        {"HC1: shc:/", "HC1 shc:/", false},
        {"HC1: shc:/", "hc1:6BF", false},
        {"HC1: shc:/", " HC1:6BF", false},
        {"HC1: shc:/", "WIFI:T:WPA;S:home;P:secret;;", false},
        {"HC1: shc:/", "", false},
        {"", "HC1:6BF", false},
        {" ", " ", false},
        {"HC1:", "HC1:\n", false},
        {"HC1:", "HC1:\x7f", false},
        {"HC1:", "HC1:\xff", false},
    };
    for (size_t i = 0; i < GH_ARRAY_SIZE(rows); i++)
        if (may_ask(rows[i].prefixes, 800, rows[i].text, strlen(rows[i].text)) != rows[i].may)
            fail_msg("row %zu", i);
    assert_false(may_ask("HC1:", 0, "HC1:6BF", 7)); /* nobody is asked */
    assert_false(may_ask("HC1:", 800, "HC1:\0", 5));
    static char text[GH_CODE_TEXT_MAX_BYTES + 1];
    memset(text, 'A', sizeof(text));
    assert_true(may_ask("A", 800, text, GH_CODE_TEXT_MAX_BYTES));
    assert_false(may_ask("A", 800, text, GH_CODE_TEXT_MAX_BYTES + 1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_what_the_policy_names_may_be_asked_about),
        cmocka_unit_test(starts_strict),
        cmocka_unit_test(numbers_are_those_on_the_wire),
        cmocka_unit_test(numbers_have_ends),
        cmocka_unit_test(rules_are_ones_that_can_be_said),
        cmocka_unit_test(hours_are_ones_that_can_be_said),
        cmocka_unit_test(holidays_ascend),
        cmocka_unit_test(beginnings_are_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
