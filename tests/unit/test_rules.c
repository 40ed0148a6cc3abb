/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "gatehouse/certificate.h"

#define NOW INT64_C(1640995200) /* 2022-01-01T00:00:00Z */
#define HOUR INT64_C(3600)
#define DAY (24 * HOUR)

#define NEW GH_REASON_CERTIFICATE_TOO_NEW
#define OLD GH_REASON_CERTIFICATE_TOO_OLD
#define NOT GH_REASON_CERTIFICATE_NOT_COUNTED

static struct gh_fact vaccination(int64_t age_s, unsigned dose, unsigned doses)
{
    return (struct gh_fact){.group = GH_FACT_VACCINATION,
                            .at_s = NOW - age_s,
                            .from_s = INT64_MIN,
                            .until_s = INT64_MAX,
                            .dose = dose,
                            .doses = doses,
                            .disease = GH_DISEASE_COVID19,
                            .product = "EU/1/20/1528"};
}

static struct gh_fact test(int64_t age_s, enum gh_test_kind kind, enum gh_test_result result)
{
    return (struct gh_fact){.group = GH_FACT_TEST,
                            .test = kind,
                            .result = result,
                            .at_s = NOW - age_s,
                            .from_s = INT64_MIN,
                            .until_s = INT64_MAX,
                            .disease = GH_DISEASE_COVID19};
}

static struct gh_fact recovery(int64_t age_s, int64_t from_s, int64_t until_s)
{
    return (struct gh_fact){.group = GH_FACT_RECOVERY,
                            .at_s = NOW - age_s,
                            .from_s = from_s,
                            .until_s = until_s,
                            .disease = GH_DISEASE_COVID19};
}

/* Lines, each ended by a semicolon but the last. */
static struct gh_judgement judge_facts(const char *lines, const struct gh_fact *facts, size_t count,
                                       const char *issuer, int64_t now_s)
{
    struct gh_rule rules[GH_RULES_MAX];
    size_t rule_count = 0;
    while (*lines != '\0') {
        char line[GH_RULE_TEXT_BYTES];
        struct gh_error err = {0};
        size_t size = strcspn(lines, ";");
        snprintf(line, sizeof(line), "%.*s", (int)size, lines);
        if (gh_rule_parse(line, &rules[rule_count++], &err) != GH_OK) {
            fail_msg("%s: %s", line, err.text);
        }
        lines += size + (lines[size] == ';');
    }
    return gh_rules_judge(rules, rule_count, facts, count, issuer, now_s);
}

static struct gh_judgement judge(const char *lines, struct gh_fact fact)
{
    return judge_facts(lines, &fact, 1, "DE", NOW);
}

static void assert_colour(struct gh_judgement judgement, enum gh_colour colour)
{
    assert_int_equal(judgement.reason, GH_REASON_OK);
    assert_int_equal(judgement.colour, colour);
}

static void assert_reason(struct gh_judgement judgement, enum gh_reason reason)
{
    assert_int_equal(judgement.reason, reason);
    assert_int_equal(judgement.colour, GH_COLOUR_NONE);
}

static void without_rules_nothing_counts(void **state)
{
    (void)state;
    struct gh_fact fact = vaccination(20 * DAY, 2, 2);
    assert_reason(judge("", fact), NOT);
    assert_reason(gh_rules_judge(NULL, 0, &fact, 1, "", NOW), NOT);
    assert_reason(judge_facts("green vaccination", NULL, 0, "DE", NOW), NOT);
}

static void groups_are_told_apart(void **state)
{
    (void)state;
    const struct gh_fact facts[] = {vaccination(HOUR, 1, 1),
                                    test(HOUR, GH_TEST_NAAT, GH_RESULT_NEGATIVE),
                                    recovery(HOUR, INT64_MIN, INT64_MAX)};
    static const char *const lines[] = {"green vaccination", "green test", "green recovery"};
    for (size_t i = 0; i < 3; i++) {
        for (size_t j = 0; j < 3; j++) {
            struct gh_judgement judgement = judge(lines[i], facts[j]);
            assert_int_equal(judgement.reason, i == j ? GH_REASON_OK : NOT);
        }
    }
    struct gh_fact none = {.group = GH_FACT_NONE, .disease = GH_DISEASE_COVID19};
    assert_reason(judge("green vaccination;green test;green recovery", none), NOT);
}

static void tests_by_kind_and_result(void **state)
{
    (void)state;
    static const struct {
        const char *line;
        enum gh_test_kind kind;
        enum gh_test_result result;
        bool counts;
    } cases[] = {
        {"green test", GH_TEST_NAAT, GH_RESULT_NEGATIVE, true},
        {"green test", GH_TEST_ANTIGEN, GH_RESULT_NEGATIVE, true},
        {"green test", GH_TEST_OTHER, GH_RESULT_NEGATIVE, true},
        {"green test", GH_TEST_NAAT, GH_RESULT_POSITIVE, false},
        {"green test", GH_TEST_NAAT, GH_RESULT_OTHER, false},
        {"green test naat", GH_TEST_NAAT, GH_RESULT_NEGATIVE, true},
        {"green test naat", GH_TEST_ANTIGEN, GH_RESULT_NEGATIVE, false},
        {"green test naat", GH_TEST_OTHER, GH_RESULT_NEGATIVE, false},
        {"green test antigen", GH_TEST_ANTIGEN, GH_RESULT_NEGATIVE, true},
        {"green test antigen", GH_TEST_NAAT, GH_RESULT_NEGATIVE, false},
        {"red test positive", GH_TEST_OTHER, GH_RESULT_POSITIVE, true},
        {"red test positive", GH_TEST_NAAT, GH_RESULT_NEGATIVE, false},
        {"red test positive", GH_TEST_NAAT, GH_RESULT_OTHER, false},
        {"red test naat positive", GH_TEST_NAAT, GH_RESULT_POSITIVE, true},
        {"red test naat positive", GH_TEST_ANTIGEN, GH_RESULT_POSITIVE, false},
    };
    for (size_t i = 0; i < GH_ARRAY_SIZE(cases); i++) {
        struct gh_judgement judgement =
            judge(cases[i].line, test(HOUR, cases[i].kind, cases[i].result));
        if ((judgement.reason == GH_REASON_OK) != cases[i].counts) {
            fail_msg("case %zu: %s", i, cases[i].line);
        }
    }
}

static void series_by_dose_and_doses(void **state)
{
    (void)state;
    static const struct {
        unsigned dose, doses;
        bool complete, booster;
    } cases[] = {
        {0, 0, false, false},
        {1, 0, false, false}, /* of how many is not said */
        {3, 0, false, false},
        {0, 2, false, false}, /* which one is not said */
        {1, 2, false, false},
        {2, 2, true, false},
        {1, 1, true, false},
        {2, 1, true, true}, /* a booster after a series of one */
        {3, 2, true, true},
        {3, 3, true, true}, /* a booster after a series of two, as the EU writes it */
        {2, 3, false, false},
        {4, 4, true, true},
        {3, 4, false, false},
        {UINT32_MAX, 1, true, true},
        {1, UINT32_MAX, false, false},
    };
    for (size_t i = 0; i < GH_ARRAY_SIZE(cases); i++) {
        struct gh_fact fact = vaccination(DAY, cases[i].dose, cases[i].doses);
        struct gh_judgement complete = judge("green vaccination complete", fact);
        struct gh_judgement booster = judge("green vaccination booster", fact);
        if ((complete.reason == GH_REASON_OK) != cases[i].complete ||
            (booster.reason == GH_REASON_OK) != cases[i].booster) {
            fail_msg("%u/%u", cases[i].dose, cases[i].doses);
        }
        assert_colour(judge("green vaccination", fact), GH_COLOUR_GREEN);
    }
}

static void names_are_whole_and_exact(void **state)
{
    (void)state;
    static const struct {
        const char *list, *name;
        bool counts;
    } cases[] = {
        {"EU/1/20/1528", "EU/1/20/1528", true},
        {"EU/1/20/1507,EU/1/20/1528", "EU/1/20/1528", true},
        {"EU/1/20/1528,EU/1/20/1507", "EU/1/20/1528", true},
        {"a,EU/1/20/1528,b", "EU/1/20/1528", true},
        {"EU/1/20/15", "EU/1/20/1528", false},
        {"EU/1/20/15288", "EU/1/20/1528", false},
        {"xEU/1/20/1528", "EU/1/20/1528", false},
        {"eu/1/20/1528", "EU/1/20/1528", false},
        {"a,b", "a,b", false}, /* a name with a comma is nobody's */
        {"a,b", "", false},
        {"a", "", false},
    };
    for (size_t i = 0; i < GH_ARRAY_SIZE(cases); i++) {
        struct gh_fact fact = vaccination(DAY, 1, 1);
        char line[GH_RULE_TEXT_BYTES];
        snprintf(fact.product, sizeof(fact.product), "%s", cases[i].name);
        snprintf(line, sizeof(line), "green vaccination of %s", cases[i].list);
        struct gh_judgement product = judge_facts(line, &fact, 1, "DE", NOW);
        snprintf(line, sizeof(line), "green vaccination by %s", cases[i].list);
        struct gh_judgement issuer = judge_facts(line, &fact, 1, cases[i].name, NOW);
        if ((product.reason == GH_REASON_OK) != cases[i].counts ||
            (issuer.reason == GH_REASON_OK) != cases[i].counts) {
            fail_msg("%s: %s", cases[i].list, cases[i].name);
        }
    }
    /* A rule that names none takes any, also none. */
    struct gh_fact bare = vaccination(DAY, 1, 1);
    bare.product[0] = '\0';
    assert_colour(judge_facts("green vaccination", &bare, 1, "", NOW), GH_COLOUR_GREEN);
}

static void diseases_are_told_apart(void **state)
{
    (void)state;
    struct gh_fact flu = vaccination(DAY, 1, 1);
    strcpy(flu.disease, "6142004");
    assert_reason(judge("green vaccination", flu), NOT);
    assert_colour(judge("green vaccination against 6142004", flu), GH_COLOUR_GREEN);
    assert_reason(judge("green vaccination against 6142004", vaccination(DAY, 1, 1)), NOT);
    flu.disease[0] = '\0';
    assert_reason(judge("green vaccination", flu), NOT);
}

static void ages_have_sharp_edges(void **state)
{
    (void)state;
    static const struct {
        const char *line;
        int64_t age_s;
        enum gh_reason reason;
    } cases[] = {
        {"green vaccination from 14d until 270d", 14 * DAY - 1, NEW},
        {"green vaccination from 14d until 270d", 14 * DAY, GH_REASON_OK},
        {"green vaccination from 14d until 270d", 270 * DAY, GH_REASON_OK},
        {"green vaccination from 14d until 270d", 270 * DAY + HOUR - 1, GH_REASON_OK},
        {"green vaccination from 14d until 270d", 270 * DAY + HOUR, OLD},
        {"green vaccination from 1h until 1h", HOUR - 1, NEW},
        {"green vaccination from 1h until 1h", HOUR, GH_REASON_OK},
        {"green vaccination from 1h until 1h", 2 * HOUR - 1, GH_REASON_OK},
        {"green vaccination from 1h until 1h", 2 * HOUR, OLD},
        {"green vaccination until 0h", 0, GH_REASON_OK},
        {"green vaccination until 0h", HOUR - 1, GH_REASON_OK},
        {"green vaccination until 0h", HOUR, OLD},
        {"green vaccination", 0, GH_REASON_OK},
        {"green vaccination", -1, NEW}, /* not cut to an age of 0 */
        {"green vaccination", -3 * DAY, NEW},
        {"green vaccination", 36600 * DAY + HOUR - 1, GH_REASON_OK},
        {"green vaccination", 36600 * DAY + HOUR, OLD},
    };
    for (size_t i = 0; i < GH_ARRAY_SIZE(cases); i++) {
        struct gh_judgement judgement = judge(cases[i].line, vaccination(cases[i].age_s, 2, 2));
        if (judgement.reason != cases[i].reason) {
            fail_msg("%s at %lld: %s", cases[i].line, (long long)cases[i].age_s,
                     gh_reason_info(judgement.reason)->token);
        }
    }
}

static void a_recovery_counts_within_its_own_validity(void **state)
{
    (void)state;
    static const struct {
        const char *line;
        int64_t age_s, from_s, until_s; /* from and until: seconds from now */
        enum gh_reason reason;
    } cases[] = {
        {"green recovery until 180d", 20 * DAY, -9 * DAY, 160 * DAY, GH_REASON_OK},
        {"green recovery until 180d", 20 * DAY, 0, 160 * DAY, GH_REASON_OK},
        {"green recovery until 180d", 20 * DAY, 1, 160 * DAY, NEW},
        {"green recovery until 180d", 20 * DAY, -9 * DAY, 0, GH_REASON_OK},
        {"green recovery until 180d", 20 * DAY, -9 * DAY, -1, OLD},
        {"green recovery from 11d until 180d", 10 * DAY, -2 * DAY, 160 * DAY, NEW},
        {"green recovery until 19d", 20 * DAY, -9 * DAY, 160 * DAY, OLD},
        /* The rule begins when the certificate has ended, or the other way round: never. */
        {"green recovery from 30d", 20 * DAY, -9 * DAY, 5 * DAY, NOT},
        {"green recovery until 30d", 20 * DAY, 11 * DAY, 50 * DAY, NOT},
        {"green recovery", 20 * DAY, 5 * DAY, 4 * DAY, NOT},
        {"green recovery from 30d", 20 * DAY, -9 * DAY, 10 * DAY, NEW}, /* for one second */
        {"green recovery from 30d", 20 * DAY, -9 * DAY, 10 * DAY - 1, NOT},
    };
    for (size_t i = 0; i < GH_ARRAY_SIZE(cases); i++) {
        struct gh_judgement judgement = judge(
            cases[i].line, recovery(cases[i].age_s, NOW + cases[i].from_s, NOW + cases[i].until_s));
        if (judgement.reason != cases[i].reason) {
            fail_msg("case %zu: %s", i, gh_reason_info(judgement.reason)->token);
        }
    }
}

static void the_first_rule_that_applies_decides(void **state)
{
    (void)state;
    struct gh_fact shot = vaccination(20 * DAY, 2, 2);
    assert_colour(judge("yellow vaccination;green vaccination", shot), GH_COLOUR_YELLOW);
    assert_colour(judge("green vaccination;yellow vaccination", shot), GH_COLOUR_GREEN);
    assert_colour(judge("green vaccination booster;green vaccination from 30d;"
                        "red vaccination of x;yellow vaccination",
                        shot),
                  GH_COLOUR_YELLOW);
    /* By the order of the rules, not of the facts. */
    const struct gh_fact both[] = {test(HOUR, GH_TEST_NAAT, GH_RESULT_POSITIVE), shot};
    const struct gh_fact turned[] = {both[1], both[0]};
    for (size_t i = 0; i < 2; i++) {
        const struct gh_fact *facts = i == 0 ? both : turned;
        assert_colour(judge_facts("red test positive;green vaccination", facts, 2, "DE", NOW),
                      GH_COLOUR_RED);
        assert_colour(judge_facts("green vaccination;red test positive", facts, 2, "DE", NOW),
                      GH_COLOUR_GREEN);
    }
}

static void any_fact_may_be_the_one(void **state)
{
    (void)state;
    const struct gh_fact facts[] = {vaccination(2 * DAY, 3, 3), vaccination(100 * DAY, 2, 2),
                                    vaccination(130 * DAY, 1, 2)};
    assert_colour(judge_facts("green vaccination complete from 14d", facts, 3, "DE", NOW),
                  GH_COLOUR_GREEN);
    assert_reason(judge_facts("green vaccination complete from 14d", facts, 1, "DE", NOW), NEW);
    assert_reason(judge_facts("green vaccination complete until 1d", facts, 3, "DE", NOW), OLD);
}

/* Whoever need only wait hears that. */
static void too_new_goes_before_too_old(void **state)
{
    (void)state;
    const struct gh_fact facts[] = {test(100 * HOUR, GH_TEST_NAAT, GH_RESULT_NEGATIVE),
                                    vaccination(DAY, 2, 2)};
    assert_reason(
        judge_facts("green test until 72h;green vaccination from 14d", facts, 2, "DE", NOW), NEW);
    assert_reason(
        judge_facts("green vaccination from 14d;green test until 72h", facts, 2, "DE", NOW), NEW);
    assert_reason(
        judge_facts("green test until 72h;green vaccination booster", facts, 2, "DE", NOW), OLD);
    assert_reason(judge_facts("green test antigen;green vaccination booster", facts, 2, "DE", NOW),
                  NOT);
    /* What another issuer's, or another test, would have been does not count as either. */
    assert_reason(judge_facts("green vaccination by FR from 14d", facts, 2, "DE", NOW), NOT);
}

static void hostile_times_overflow_nothing(void **state)
{
    (void)state;
    static const int64_t times[] = {INT64_MIN, INT64_MIN + 1, -1,       0, 1,
                                    NOW,       INT64_MAX - 1, INT64_MAX};
    const size_t count = GH_ARRAY_SIZE(times);
    for (size_t i = 0; i < count * count * count * count; i++) {
        int64_t at_s = times[i % count], from_s = times[i / count % count];
        int64_t until_s = times[i / count / count % count],
                now_s = times[i / count / count / count];
        struct gh_fact fact = recovery(0, from_s, until_s);
        fact.at_s = at_s;
        struct gh_judgement judgement =
            judge_facts("green recovery until 1d", &fact, 1, "DE", now_s);
        bool before = now_s < at_s;
        bool old = !before && (uint64_t)now_s - (uint64_t)at_s >= (uint64_t)(25 * HOUR);
        bool counts = !before && !old && now_s >= from_s && now_s <= until_s;
        if ((judgement.reason == GH_REASON_OK) != counts) {
            fail_msg("at %lld from %lld until %lld now %lld", (long long)at_s, (long long)from_s,
                     (long long)until_s, (long long)now_s);
        }
        if (!counts && judgement.reason == NEW) {
            assert_true(before || now_s < from_s);
        }
        if (!counts && judgement.reason == OLD) {
            assert_true(old || now_s > until_s);
        }
    }
    /* Rules that no line gives do no harm either. */
    struct gh_rule rule = {.colour = GH_COLOUR_GREEN,
                           .group = GH_FACT_VACCINATION,
                           .disease = GH_DISEASE_COVID19,
                           .from_h = INT64_MIN,
                           .until_h = INT64_MAX};
    struct gh_fact fact = vaccination(DAY, 1, 1);
    assert_colour(gh_rules_judge(&rule, 1, &fact, 1, "DE", NOW), GH_COLOUR_GREEN);
    rule.from_h = INT64_MAX;
    assert_reason(gh_rules_judge(&rule, 1, &fact, 1, "DE", NOW), NEW);
    rule.until_h = INT64_MIN;
    assert_reason(gh_rules_judge(&rule, 1, &fact, 1, "DE", NOW), NOT);
}

/* The set that docs/codes.md shows. */
static void the_example_does_what_is_said_of_it(void **state)
{
    (void)state;
    static const char rules[] = "red test positive until 11d;"
                                "green vaccination booster;"
                                "green vaccination complete of EU/1/20/1525 from 28d until 270d;"
                                "yellow vaccination complete of EU/1/20/1525 until 27d;"
                                "green vaccination complete from 14d until 270d;"
                                "green recovery from 11d until 180d;"
                                "green test naat until 72h;"
                                "green test antigen until 24h";
    struct gh_fact single = vaccination(20 * DAY, 1, 1);
    strcpy(single.product, "EU/1/20/1525");
    assert_colour(judge(rules, test(5 * DAY, GH_TEST_NAAT, GH_RESULT_POSITIVE)), GH_COLOUR_RED);
    assert_reason(judge(rules, test(12 * DAY, GH_TEST_NAAT, GH_RESULT_POSITIVE)), OLD);
    assert_colour(judge(rules, vaccination(0, 3, 3)), GH_COLOUR_GREEN);
    assert_colour(judge(rules, vaccination(400 * DAY, 2, 1)), GH_COLOUR_GREEN);
    assert_colour(judge(rules, single), GH_COLOUR_YELLOW);
    single.at_s = NOW - 28 * DAY;
    assert_colour(judge(rules, single), GH_COLOUR_GREEN);
    assert_colour(judge(rules, vaccination(20 * DAY, 2, 2)), GH_COLOUR_GREEN);
    assert_reason(judge(rules, vaccination(13 * DAY, 2, 2)), NEW);
    assert_reason(judge(rules, vaccination(271 * DAY, 2, 2)), OLD);
    assert_reason(judge(rules, vaccination(20 * DAY, 1, 2)), NOT);
    assert_colour(judge(rules, recovery(20 * DAY, NOW - DAY, NOW + DAY)), GH_COLOUR_GREEN);
    assert_colour(judge(rules, test(72 * HOUR, GH_TEST_NAAT, GH_RESULT_NEGATIVE)), GH_COLOUR_GREEN);
    assert_reason(judge(rules, test(26 * HOUR, GH_TEST_ANTIGEN, GH_RESULT_NEGATIVE)), OLD);
    assert_reason(judge(rules, test(HOUR, GH_TEST_OTHER, GH_RESULT_NEGATIVE)), NOT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_rules_nothing_counts),
        cmocka_unit_test(groups_are_told_apart),
        cmocka_unit_test(tests_by_kind_and_result),
        cmocka_unit_test(series_by_dose_and_doses),
        cmocka_unit_test(names_are_whole_and_exact),
        cmocka_unit_test(diseases_are_told_apart),
        cmocka_unit_test(ages_have_sharp_edges),
        cmocka_unit_test(a_recovery_counts_within_its_own_validity),
        cmocka_unit_test(the_first_rule_that_applies_decides),
        cmocka_unit_test(any_fact_may_be_the_one),
        cmocka_unit_test(too_new_goes_before_too_old),
        cmocka_unit_test(hostile_times_overflow_nothing),
        cmocka_unit_test(the_example_does_what_is_said_of_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
