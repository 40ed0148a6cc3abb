/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/complete.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <unistd.h>

#include <cmocka.h>

#include "gatehouse/bytes.h"

static const char *png;
static bool json, acted;

static int run_draw(int argc, char **argv)
{
    const struct gh_option options[] = {{.name = "png", .letter = 'p', .value = &png},
                                        {.name = "json", .flag = &json}};
    const struct gh_syntax syntax = {"home draw", "usage\n", options, GH_ARRAY_SIZE(options), 1, 2};
    char **operands;
    int count;
    int code = gh_options_parse(&syntax, argc, argv, &operands, &count);
    if (code == GH_GO_ON) {
        acted = true;
    }
    return code;
}

static int run_drop(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    return GH_EXIT_NO;
}

/* What is answered to these words behind the command of commands; NULL ends them. */
static char *complete(const char *const *words)
{
    static const struct gh_subcommand table[] = {{"draw", run_draw}, {"drop", run_drop}};
    static char answer[256];
    char *argv[10] = {(char *)"home"};
    int argc = 1;
    for (; words[argc - 1] != NULL; argc++) {
        argv[argc] = (char *)words[argc - 1];
    }
    FILE *file = tmpfile();
    assert_non_null(file);
    assert_int_equal(fflush(stdout), 0);
    int kept = dup(STDOUT_FILENO);
    assert_true(kept >= 0);
    assert_true(dup2(fileno(file), STDOUT_FILENO) >= 0);
    int code = gh_subcommand_run("home", "usage\n", table, GH_ARRAY_SIZE(table), argc, argv);
    assert_int_equal(fflush(stdout), 0);
    assert_true(dup2(kept, STDOUT_FILENO) >= 0);
    assert_int_equal(close(kept), 0);
    assert_int_equal(code, GH_EXIT_OK);
    rewind(file);
    answer[fread(answer, 1, sizeof(answer) - 1, file)] = '\0';
    assert_int_equal(fclose(file), 0);
    return answer;
}
#define COMPLETE(...) complete((const char *const[]){__VA_ARGS__, NULL})

static void offers_the_commands_that_begin_so(void **state)
{
    (void)state;
    assert_string_equal(COMPLETE(""), "draw\ndrop\n");
    assert_string_equal(COMPLETE("dr"), "draw\ndrop\n");
    assert_string_equal(COMPLETE("dra"), "draw\n");
    assert_string_equal(COMPLETE("x"), "");
    assert_string_equal(COMPLETE("-"), "--help\n");
    assert_string_equal(COMPLETE("x", ""), "");
}

static void offers_the_options_that_begin_so(void **state)
{
    (void)state;
    assert_string_equal(COMPLETE("draw", "-"), "--png\n--json\n--help\n");
    assert_string_equal(COMPLETE("draw", "--"), "--png\n--json\n--help\n");
    assert_string_equal(COMPLETE("draw", "--j"), "--json\n");
    assert_string_equal(COMPLETE("draw", "operand", "--pn"), "--png\n");
    assert_string_equal(COMPLETE("draw", "-j"), "");
    assert_string_equal(COMPLETE("draw", "--png="), "");
}

static void leaves_operands_and_values_to_the_shell(void **state)
{
    (void)state;
    assert_string_equal(COMPLETE("draw", ""), "");
    assert_string_equal(COMPLETE("draw", "--png", "-"), "");
    assert_string_equal(COMPLETE("draw", "-p", "--"), "");
    assert_string_equal(COMPLETE("draw", "--png", "--png", "--j"), "--json\n");
    assert_string_equal(COMPLETE("draw", "--json", "--p"), "--png\n");
    assert_string_equal(COMPLETE("draw", "--", "--"), "");
    assert_string_equal(COMPLETE("draw", "--png", "--", "--j"), "--json\n");
}

static void acts_on_nothing(void **state)
{
    (void)state;
    (void)COMPLETE("draw", "operand");
    (void)COMPLETE("draw", "--json", "operand");
    (void)COMPLETE("draw", "--help");
    assert_false(acted);
    assert_false(json);
    assert_null(png);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(offers_the_commands_that_begin_so),
        cmocka_unit_test(offers_the_options_that_begin_so),
        cmocka_unit_test(leaves_operands_and_values_to_the_shell),
        cmocka_unit_test(acts_on_nothing),
    };
    gh_complete_begin();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
