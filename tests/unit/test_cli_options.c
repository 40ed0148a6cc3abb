/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/options.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "gatehouse/bytes.h"

struct parsed {
    const char *png;
    bool json;
    char **operands;
    int count;
};

/* words: what follows the command's name; the last one is NULL. At most 8. */
static int parse(struct parsed *out, const char *const *words)
{
    static char *argv[10];
    int argc = 0;
    argv[argc++] = (char *)"issue";
    for (; words[argc - 1] != NULL; argc++) {
        argv[argc] = (char *)words[argc - 1];
    }
    argv[argc] = NULL;
    *out = (struct parsed){0};
    const struct gh_option options[] = {{.name = "png", .letter = 'p', .value = &out->png},
                                        {.name = "json", .letter = 'j', .flag = &out->json}};
    const struct gh_syntax syntax = {
        "home issue", "usage: the whole of it\n", options, GH_ARRAY_SIZE(options), 1, 2};
    return gh_options_parse(&syntax, argc, argv, &out->operands, &out->count);
}
#define PARSE(out, ...) parse((out), (const char *const[]){__VA_ARGS__, NULL})

static void takes_options_before_and_behind_operands(void **state)
{
    (void)state;
    struct parsed got;
    assert_int_equal(PARSE(&got, "a", "--png", "x.png", "b", "--json"), GH_GO_ON);
    assert_string_equal(got.png, "x.png");
    assert_true(got.json);
    assert_int_equal(got.count, 2);
    assert_string_equal(got.operands[0], "a");
    assert_string_equal(got.operands[1], "b");

    assert_int_equal(PARSE(&got, "--png=y.png", "a"), GH_GO_ON);
    assert_string_equal(got.png, "y.png");
    assert_false(got.json);
}

static void takes_everything_behind_two_hyphens_as_operands(void **state)
{
    (void)state;
    struct parsed got;
    assert_int_equal(PARSE(&got, "--", "--json"), GH_GO_ON);
    assert_false(got.json);
    assert_int_equal(got.count, 1);
    assert_string_equal(got.operands[0], "--json");
    assert_int_equal(PARSE(&got, "-"), GH_GO_ON);
    assert_string_equal(got.operands[0], "-");
}

static void takes_letters(void **state)
{
    (void)state;
    struct parsed got;
    assert_int_equal(PARSE(&got, "a", "-p", "x.png", "-j"), GH_GO_ON);
    assert_string_equal(got.png, "x.png");
    assert_true(got.json);
    assert_int_equal(got.count, 1);
    assert_int_equal(PARSE(&got, "-jpx.png", "a"), GH_GO_ON);
    assert_string_equal(got.png, "x.png");
    assert_true(got.json);
    assert_int_equal(PARSE(&got, "a", "-p"), GH_EXIT_USAGE);
}

static void begins_anew_each_time(void **state)
{
    (void)state;
    struct parsed got;
    assert_int_equal(PARSE(&got, "--json", "a", "b"), GH_GO_ON);
    assert_int_equal(PARSE(&got, "a"), GH_GO_ON);
    assert_int_equal(got.count, 1);
    assert_false(got.json);
}

static void refuses_mistakes(void **state)
{
    (void)state;
    struct parsed got;
    assert_int_equal(PARSE(&got, "a", "--png"), GH_EXIT_USAGE);
    assert_int_equal(PARSE(&got, "a", "--json=yes"), GH_EXIT_USAGE);
    assert_int_equal(PARSE(&got, "a", "--jpeg"), GH_EXIT_USAGE);
    assert_int_equal(PARSE(&got, "a", "-x"), GH_EXIT_USAGE);
    assert_int_equal(PARSE(&got, "--json"), GH_EXIT_USAGE);
    assert_int_equal(PARSE(&got, "a", "b", "c"), GH_EXIT_USAGE);
}

static void help_is_no_mistake(void **state)
{
    (void)state;
    struct parsed got;
    assert_int_equal(PARSE(&got, "--help"), GH_EXIT_OK);
    assert_int_equal(PARSE(&got, "a", "-h"), GH_EXIT_OK);
}

static int chosen;

static int choose_one(int argc, char **argv)
{
    (void)argv;
    chosen = argc;
    return 0;
}

static void a_word_chooses_the_command(void **state)
{
    (void)state;
    static const struct gh_subcommand table[] = {{"one", choose_one}};
    char *argv[] = {(char *)"home", (char *)"one", (char *)"x", NULL};
    assert_int_equal(gh_subcommand_run("home", "usage\n", table, 1, 3, argv), 0);
    assert_int_equal(chosen, 2);
    assert_int_equal(gh_subcommand_run("home", "usage\n", table, 1, 1, argv), GH_EXIT_USAGE);
    argv[1] = (char *)"two";
    assert_int_equal(gh_subcommand_run("home", "usage\n", table, 1, 3, argv), GH_EXIT_USAGE);
    argv[1] = (char *)"--help";
    assert_int_equal(gh_subcommand_run("home", "usage\n", table, 1, 2, argv), GH_EXIT_OK);
}

static void durations_have_a_unit(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t seconds;
    } good[] = {{"30s", 30}, {"15m", 900}, {"24h", 86400}, {"7d", 604800}, {"365d", 31536000}};
    static const char *const bad[] = {"",     "s",   "0s",    "-1s", "+1s", "1", "1w",
                                      "1.5h", "1 h", "1h30m", "1hh", " 1h", "1H"};
    int64_t seconds;
    for (size_t i = 0; i < GH_ARRAY_SIZE(good); i++) {
        assert_int_equal(gh_duration_parse(good[i].text, 31536000, &seconds), GH_OK);
        assert_int_equal(seconds, good[i].seconds);
    }
    for (size_t i = 0; i < GH_ARRAY_SIZE(bad); i++) {
        assert_int_equal(gh_duration_parse(bad[i], 31536000, &seconds), GH_ERR_INVALID);
    }
    assert_int_equal(gh_duration_parse("366d", 31536000, &seconds), GH_ERR_TOOBIG);
    assert_int_equal(gh_duration_parse("31536001s", 31536000, &seconds), GH_ERR_TOOBIG);
    assert_int_equal(gh_duration_parse("99999999999999999999999d", INT64_MAX / 100, &seconds),
                     GH_ERR_TOOBIG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes_options_before_and_behind_operands),
        cmocka_unit_test(takes_everything_behind_two_hyphens_as_operands),
        cmocka_unit_test(takes_letters),
        cmocka_unit_test(begins_anew_each_time),
        cmocka_unit_test(refuses_mistakes),
        cmocka_unit_test(help_is_no_mistake),
        cmocka_unit_test(a_word_chooses_the_command),
        cmocka_unit_test(durations_have_a_unit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
