/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "gatehouse/certificate.h"

#define HOURS_MAX GH_RULE_HOURS_MAX
/* 159 characters, as long as a list of names gets; and one more */
#define NAMES_20 "abcdefghi,jklmnopqr,"
#define NAMES_159                                                                                  \
    NAMES_20 NAMES_20 NAMES_20 NAMES_20 NAMES_20 NAMES_20 NAMES_20 "abcdefghi,jklmnopqr"
#define NAMES_160 NAMES_159 "s"

static struct gh_rule parse(const char *text)
{
    struct gh_rule rule;
    struct gh_error err = {0};
    if (gh_rule_parse(text, &rule, &err) != GH_OK) {
        fail_msg("%s: %s", text, err.text);
    }
    assert_int_equal(err.status, GH_OK);
    return rule;
}

static void assert_same(const char *text, const struct gh_rule *a, const struct gh_rule *b)
{
    if (a->colour != b->colour || a->group != b->group || a->test != b->test ||
        a->result != b->result || a->series != b->series || a->from_h != b->from_h ||
        a->until_h != b->until_h || strcmp(a->disease, b->disease) != 0 ||
        strcmp(a->products, b->products) != 0 || strcmp(a->issuers, b->issuers) != 0) {
        fail_msg("%s: not the same", text);
    }
}

/* --- what lines say --------------------------------------------------------------------------- */

/* The line, what it says, and its one spelling (NULL: the line itself). */
static const struct {
    const char *text, *canonical;
    struct gh_rule rule;
} lines[] = {
    {"green vaccination", NULL, {.colour = GH_COLOUR_GREEN, .group = GH_FACT_VACCINATION}},
    {"yellow recovery", NULL, {.colour = GH_COLOUR_YELLOW, .group = GH_FACT_RECOVERY}},
    {"red test",
     NULL,
     {.colour = GH_COLOUR_RED, .group = GH_FACT_TEST, .result = GH_RESULT_NEGATIVE}},
    {"green test negative",
     "green test",
     {.colour = GH_COLOUR_GREEN, .group = GH_FACT_TEST, .result = GH_RESULT_NEGATIVE}},
    {"red test positive until 14d",
     NULL,
     {.colour = GH_COLOUR_RED,
      .group = GH_FACT_TEST,
      .result = GH_RESULT_POSITIVE,
      .until_h = 336}},
    {"green test naat until 72h",
     "green test naat until 3d",
     {.colour = GH_COLOUR_GREEN,
      .group = GH_FACT_TEST,
      .test = GH_TEST_NAAT,
      .result = GH_RESULT_NEGATIVE,
      .until_h = 72}},
    {"yellow test antigen positive from 1h until 25h",
     NULL,
     {.colour = GH_COLOUR_YELLOW,
      .group = GH_FACT_TEST,
      .test = GH_TEST_ANTIGEN,
      .result = GH_RESULT_POSITIVE,
      .from_h = 1,
      .until_h = 25}},
    {"green vaccination complete from 14d until 270d",
     NULL,
     {.colour = GH_COLOUR_GREEN,
      .group = GH_FACT_VACCINATION,
      .series = GH_SERIES_COMPLETE,
      .from_h = 336,
      .until_h = 6480}},
    {"green vaccination booster of EU/1/20/1528,EU/1/20/1507 by DE,FR against 6142004 from 7d",
     NULL,
     {.colour = GH_COLOUR_GREEN,
      .group = GH_FACT_VACCINATION,
      .series = GH_SERIES_BOOSTER,
      .products = "EU/1/20/1528,EU/1/20/1507",
      .issuers = "DE,FR",
      .disease = "6142004",
      .from_h = 168}},
    {"green vaccination of cvx-208 by https://smarthealth.example/issuer",
     NULL,
     {.colour = GH_COLOUR_GREEN,
      .group = GH_FACT_VACCINATION,
      .products = "cvx-208",
      .issuers = "https://smarthealth.example/issuer"}},
    {"green recovery against 840539006 from 0d until 36600d",
     "green recovery",
     {.colour = GH_COLOUR_GREEN, .group = GH_FACT_RECOVERY}},
    {"green recovery from 0h until 878400h",
     "green recovery",
     {.colour = GH_COLOUR_GREEN, .group = GH_FACT_RECOVERY}},
    {"  green   test  from   024h   until 1d  ",
     "green test from 1d until 1d",
     {.colour = GH_COLOUR_GREEN,
      .group = GH_FACT_TEST,
      .result = GH_RESULT_NEGATIVE,
      .from_h = 24,
      .until_h = 24}},
    {"green test until 0h",
     "green test until 0d",
     {.colour = GH_COLOUR_GREEN,
      .group = GH_FACT_TEST,
      .result = GH_RESULT_NEGATIVE,
      .until_h = -1}}, /* here: 0, which otherwise stands for nothing said */
    {"green recovery by complete",
     NULL,
     {.colour = GH_COLOUR_GREEN, .group = GH_FACT_RECOVERY, .issuers = "complete"}},
    {"green vaccination of " NAMES_159,
     NULL,
     {.colour = GH_COLOUR_GREEN, .group = GH_FACT_VACCINATION, .products = NAMES_159}},
    {"green recovery by " NAMES_159 " against 1234567890123456789",
     NULL,
     {.colour = GH_COLOUR_GREEN,
      .group = GH_FACT_RECOVERY,
      .issuers = NAMES_159,
      .disease = "1234567890123456789"}},
};

static void lines_say_what_they_say(void **state)
{
    (void)state;
    for (size_t i = 0; i < GH_ARRAY_SIZE(lines); i++) {
        struct gh_rule expected = lines[i].rule;
        struct gh_rule rule = parse(lines[i].text);
        if (expected.disease[0] == '\0') {
            strcpy(expected.disease, GH_DISEASE_COVID19);
        }
        expected.until_h = expected.until_h == 0    ? HOURS_MAX
                           : expected.until_h == -1 ? 0
                                                    : expected.until_h;
        assert_same(lines[i].text, &rule, &expected);
    }
}

static void each_rule_has_one_spelling(void **state)
{
    (void)state;
    for (size_t i = 0; i < GH_ARRAY_SIZE(lines); i++) {
        struct gh_rule rule = parse(lines[i].text);
        char text[GH_RULE_TEXT_BYTES];
        assert_int_equal(gh_rule_format(&rule, text), GH_OK);
        assert_string_equal(text, lines[i].canonical != NULL ? lines[i].canonical : lines[i].text);
        struct gh_rule again = parse(text);
        assert_same(text, &again, &rule);
    }
}

/* Every rule that can be made of a few values of each member: what can be said is read back. */
static void what_is_written_is_read_back(void **state)
{
    (void)state;
    static const int64_t ages[] = {0, 1, 23, 24, 25, 336, HOURS_MAX - 1, HOURS_MAX};
    unsigned said = 0, unsaid = 0;
    for (int colour = -1; colour <= 4; colour++) {
        for (unsigned mix = 0; mix < 5 * 4 * 4 * 4 * 8 * 8; mix++) {
            unsigned rest = mix;
            struct gh_rule again, rule = {.colour = (enum gh_colour)colour};
            rule.group = (enum gh_fact_group)(rest % 5), rest /= 5;
            rule.test = (enum gh_test_kind)(rest % 4), rest /= 4;
            rule.result = (enum gh_test_result)(rest % 4), rest /= 4;
            rule.series = (enum gh_series)(rest % 4), rest /= 4;
            rule.from_h = ages[rest % 8], rest /= 8;
            rule.until_h = ages[rest % 8];
            strcpy(rule.disease, mix % 3 ? GH_DISEASE_COVID19 : "77");
            strcpy(rule.products, mix % 7 ? "" : "a,b");
            strcpy(rule.issuers, mix % 11 ? "" : "XX");
            bool test = rule.group == GH_FACT_TEST, shot = rule.group == GH_FACT_VACCINATION;
            bool good =
                colour >= GH_COLOUR_GREEN && colour <= GH_COLOUR_RED &&
                rule.group >= GH_FACT_VACCINATION && rule.group <= GH_FACT_RECOVERY &&
                rule.test <= (test ? GH_TEST_ANTIGEN : GH_TEST_ANY) &&
                (test ? rule.result == GH_RESULT_NEGATIVE || rule.result == GH_RESULT_POSITIVE
                      : rule.result == GH_RESULT_ANY) &&
                rule.series <= (shot ? GH_SERIES_BOOSTER : GH_SERIES_ANY) &&
                (shot || rule.products[0] == '\0') && rule.from_h <= rule.until_h;
            char text[GH_RULE_TEXT_BYTES];
            enum gh_status status = gh_rule_format(&rule, text);
            if (status != (good ? GH_OK : GH_ERR_INVALID)) {
                fail_msg("%d/%u: %s (%s)", colour, mix, gh_status_text(status), text);
            }
            if (good) {
                again = parse(text);
                assert_same(text, &again, &rule);
                said++;
            } else {
                assert_string_equal(text, "");
                unsaid++;
            }
        }
    }
    assert_true(said > 500 && unsaid > 1000);
}

static void what_no_line_says_is_not_written(void **state)
{
    (void)state;
    const struct gh_rule good = parse("green vaccination of a by b until 9d");
    char text[GH_RULE_TEXT_BYTES];
    for (int i = 0; i < 14; i++) {
        struct gh_rule rule = good;
        enum gh_status expected = GH_ERR_INVALID;
        switch (i) {
        case 0:
            strcpy(rule.products, "a b");
            break;
        case 1:
            strcpy(rule.products, "a,,b");
            break;
        case 2:
            strcpy(rule.issuers, ",b");
            break;
        case 3:
            strcpy(rule.issuers, "f\xc3\xbcr");
            break;
        case 4:
            strcpy(rule.issuers, "until");
            break;
        case 5:
            strcpy(rule.disease, "covid");
            break;
        case 6:
            rule.disease[0] = '\0';
            break;
        case 7:
            rule.from_h = -1;
            break;
        case 8:
            rule.until_h = HOURS_MAX + 1;
            break;
        case 9:
            rule.until_h = INT64_MAX;
            break;
        case 10:
            rule.from_h = INT64_MIN;
            break;
        case 11: /* without an end */
            memset(rule.products, 'p', sizeof(rule.products));
            break;
        case 12:
            memset(rule.disease, '7', sizeof(rule.disease));
            break;
        case 13: /* each fits, together they do not */
            strcpy(rule.products, NAMES_159);
            strcpy(rule.issuers, NAMES_159);
            expected = GH_ERR_TOOBIG;
            break;
        }
        enum gh_status status = gh_rule_format(&rule, text);
        if (status != expected) {
            fail_msg("case %d: %s (%s)", i, gh_status_text(status), text);
        }
        assert_string_equal(text, "");
    }
    assert_int_equal(gh_rule_format(&good, text), GH_OK);
}

/* --- what is wrong with a line ---------------------------------------------------------------- */

static void one_sentence_names_what_is_wrong(void **state)
{
    (void)state;
    static const struct {
        const char *text, *sentence;
    } wrong[] = {
        {"", "a rule begins with green, yellow or red"},
        {"   ", "a rule begins with green, yellow or red"},
        {"blue vaccination", "\"blue\" is no colour: a rule begins with green, yellow or red"},
        {"Green vaccination", "\"Green\" is no colour: a rule begins with green, yellow or red"},
        {"none vaccination", "\"none\" is no colour: a rule begins with green, yellow or red"},
        {"vaccination", "\"vaccination\" is no colour: a rule begins with green, yellow or red"},
        {"green", "behind the colour comes vaccination, test or recovery"},
        {"green illness",
         "\"illness\" is not what a rule can be about: vaccination, test or recovery"},
        {"green green", "\"green\" is not what a rule can be about: vaccination, test or recovery"},
        {"green vaccination naat", "\"naat\" is said of a test only"},
        {"green recovery antigen", "\"antigen\" is said of a test only"},
        {"green vaccination negative", "\"negative\" is said of a test only"},
        {"red recovery positive", "\"positive\" is said of a test only"},
        {"green test complete", "\"complete\" is said of a vaccination only"},
        {"green recovery booster", "\"booster\" is said of a vaccination only"},
        {"green test of x", "\"of\" is said of a vaccination only"},
        {"green recovery of x", "\"of\" is said of a vaccination only"},
        {"green test rapid", "\"rapid\" is no word of a rule"},
        {"green test until 3d please", "\"please\" is no word of a rule"},
        {"green test negative naat", "\"naat\" stands in the wrong place, or twice"},
        {"green test naat antigen", "\"antigen\" stands in the wrong place, or twice"},
        {"green test until 3d from 1d", "\"from\" stands in the wrong place, or twice"},
        {"green test until 3d until 4d", "\"until\" stands in the wrong place, or twice"},
        {"green vaccination by DE of x", "\"of\" stands in the wrong place, or twice"},
        {"green vaccination of x complete", "\"complete\" stands in the wrong place, or twice"},
        {"green vaccination of", "\"of\" must be followed by the names of products"},
        {"green vaccination of by DE", "\"of\" must be followed by the names of products"},
        {"green vaccination by", "\"by\" must be followed by the names of issuers"},
        {"green test by until 3d", "\"by\" must be followed by the names of issuers"},
        {"green test against", "\"against\" must be followed by a disease"},
        {"green test against from 1d", "\"against\" must be followed by a disease"},
        {"green test from", "\"from\" must be followed by an age"},
        {"green test from until 3d", "\"from\" must be followed by an age"},
        {"green test until", "\"until\" must be followed by an age"},
        {"green vaccination of a,,b", "\"a,,b\" has a comma without a name beside it"},
        {"green vaccination of ,a", "\",a\" has a comma without a name beside it"},
        {"green vaccination of a,", "\"a,\" has a comma without a name beside it"},
        {"green vaccination of ,", "\",\" has a comma without a name beside it"},
        {"green vaccination of a, b", "\"a,\" has a comma without a name beside it"},
        {"green recovery by " NAMES_160,
         "\"abcdefghi,jklmnopqr,abcdefghi,jklmnopqr,\" is too long: make two rules of it"},
        {"green test against covid-19",
         "\"covid-19\" is no disease: SNOMED CT numbers them, COVID-19 is 840539006"},
        {"green test against 12345678901234567890",
         "\"12345678901234567890\" is no disease: SNOMED CT numbers them, COVID-19 is 840539006"},
        {"green test until 3",
         "\"3\" is no age: a number and h (hours) or d (days), like 72h or 14d"},
        {"green test until d",
         "\"d\" is no age: a number and h (hours) or d (days), like 72h or 14d"},
        {"green test until 3days",
         "\"3days\" is no age: a number and h (hours) or d (days), like 72h or 14d"},
        {"green test until 3w",
         "\"3w\" is no age: a number and h (hours) or d (days), like 72h or 14d"},
        {"green test until -3d",
         "\"-3d\" is no age: a number and h (hours) or d (days), like 72h or 14d"},
        {"green test until 1.5d",
         "\"1.5d\" is no age: a number and h (hours) or d (days), like 72h or 14d"},
        {"green test from 36601d", "\"36601d\" is more than 100 years"},
        {"green test until 878401h", "\"878401h\" is more than 100 years"},
        {"green test until 99999999999999999999999999d",
         "\"99999999999999999999999999d\" is more than 100 years"},
        {"green test until 18446744073709551617d",
         "\"18446744073709551617d\" is more than 100 years"},
        {"green test from 3d until 71h",
         "\"until\" names an age below that of \"from\": nothing would ever count"},
        {"green\ttest", "character 6 of the rule is not printable ASCII"},
        {"green test\n", "character 11 of the rule is not printable ASCII"},
        {"green test by \xc3\x84", "character 15 of the rule is not printable ASCII"},
    };
    for (size_t i = 0; i < GH_ARRAY_SIZE(wrong); i++) {
        static const struct gh_rule zero;
        struct gh_rule rule;
        struct gh_error err = {0};
        memset(&rule, 0xff, sizeof(rule));
        enum gh_status status = gh_rule_parse(wrong[i].text, &rule, &err);
        if (status != GH_ERR_INVALID || err.status != GH_ERR_INVALID ||
            strcmp(err.text, wrong[i].sentence) != 0) {
            fail_msg("%s: %s: %s", wrong[i].text, gh_status_text(status), err.text);
        }
        assert_memory_equal(&rule, &zero, sizeof(rule));
        assert_int_equal(gh_rule_parse(wrong[i].text, &rule, NULL), GH_ERR_INVALID);
    }
}

static void lines_have_a_greatest_length(void **state)
{
    (void)state;
    char text[GH_RULE_TEXT_BYTES + 1];
    struct gh_rule rule;
    struct gh_error err = {0};
    memset(text, ' ', sizeof(text));
    memcpy(text, "green test", 10);
    text[GH_RULE_TEXT_BYTES - 1] = '\0';
    assert_int_equal(gh_rule_parse(text, &rule, &err), GH_OK);
    text[GH_RULE_TEXT_BYTES - 1] = ' ';
    text[GH_RULE_TEXT_BYTES] = '\0';
    assert_int_equal(gh_rule_parse(text, &rule, &err), GH_ERR_INVALID);
    assert_string_equal(err.text, "a rule has at most 255 characters");
    /* One word that fills the line: the sentence shows its beginning. */
    memset(text, 'x', GH_RULE_TEXT_BYTES - 1);
    text[GH_RULE_TEXT_BYTES - 1] = '\0';
    err = (struct gh_error){0};
    assert_int_equal(gh_rule_parse(text, &rule, &err), GH_ERR_INVALID);
    assert_memory_equal(err.text, "\"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\" is no colour", 55);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_say_what_they_say),
        cmocka_unit_test(each_rule_has_one_spelling),
        cmocka_unit_test(what_is_written_is_read_back),
        cmocka_unit_test(what_no_line_says_is_not_written),
        cmocka_unit_test(one_sentence_names_what_is_wrong),
        cmocka_unit_test(lines_have_a_greatest_length),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
