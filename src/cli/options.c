/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/options.h"

#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "cli/complete.h"
#include "cli/output.h"

int gh_misuse(const char *command, const char *format, ...)
{
    char text[512];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    (void)fprintf(stderr, "gatehouse %s: %s (--help says more)\n", command, text);
    return GH_EXIT_USAGE;
}

/* The numbers that getopt_long answers with: the option's place in the table behind these. */
#define VAL_HELP 1000
#define VAL_FIRST 1001
#define SHORT_BYTES (2 * GH_OPTIONS_MAX + 3)

static void long_options(const struct gh_syntax *syntax, struct option *out)
{
    for (size_t i = 0; i < syntax->option_count; i++) {
        out[i] = (struct option){
            .name = syntax->options[i].name,
            .has_arg = syntax->options[i].value != NULL ? required_argument : no_argument,
            .val = VAL_FIRST + (int)i,
        };
    }
    out[syntax->option_count] = (struct option){.name = "help", .val = VAL_HELP};
}

/* ":h" and the table's letters, those with a value as "x:". */
static void short_options(const struct gh_syntax *syntax, char out[SHORT_BYTES])
{
    size_t size = 0;
    out[size++] = ':';
    out[size++] = 'h';
    for (size_t i = 0; i < syntax->option_count; i++) {
        if (syntax->options[i].letter == 0) {
            continue;
        }
        out[size++] = syntax->options[i].letter;
        if (syntax->options[i].value != NULL) {
            out[size++] = ':';
        }
    }
    out[size] = '\0';
}

/* The table's row for what getopt_long answered; NULL when it is none of the table's. */
static const struct gh_option *option_of(const struct gh_syntax *syntax, int answer)
{
    for (size_t i = 0; i < syntax->option_count; i++) {
        if (answer != 0 && syntax->options[i].letter == answer) {
            return &syntax->options[i];
        }
    }
    bool listed = answer >= VAL_FIRST && (size_t)(answer - VAL_FIRST) < syntax->option_count;
    return listed ? &syntax->options[answer - VAL_FIRST] : NULL;
}

/* What getopt_long disliked: an option without its value, one that is unknown, or a flag with one.
 */
static int bad_option(const struct gh_syntax *syntax, int answer, char **argv)
{
    const struct gh_option *option = option_of(syntax, optopt);
    if (answer == ':' && option != NULL) {
        return gh_misuse(syntax->command, "--%s needs a value", option->name);
    }
    if (optopt >= VAL_FIRST || optopt == VAL_HELP) {
        return gh_misuse(syntax->command, "%s: this option takes no value", argv[optind - 1]);
    }
    if (optopt != 0) {
        return gh_misuse(syntax->command, "unknown option -%c", optopt);
    }
    return gh_misuse(syntax->command, "unknown option %s", argv[optind - 1]);
}

static int parse_options(const struct gh_syntax *syntax, int argc, char **argv)
{
    struct option options[GH_OPTIONS_MAX + 2] = {{0}};
    char letters[SHORT_BYTES];
    long_options(syntax, options);
    short_options(syntax, letters);
    optind = 0; /* glibc: begin anew */
    opterr = 0;
    for (;;) {
        /* The tool has one thread. NOLINTNEXTLINE(concurrency-mt-unsafe) */
        int answer = getopt_long(argc, argv, letters, options, NULL);
        if (answer == -1) {
            return GH_GO_ON;
        }
        if (answer == 'h' || answer == VAL_HELP) {
            (void)fputs(syntax->usage, stdout);
            return GH_EXIT_OK;
        }
        const struct gh_option *option = option_of(syntax, answer);
        if (option == NULL) {
            return bad_option(syntax, answer, argv);
        }
        if (option->value != NULL) {
            *option->value = optarg;
        } else {
            *option->flag = true;
        }
    }
}

int gh_options_parse(const struct gh_syntax *syntax, int argc, char **argv, char ***operands,
                     int *operand_count)
{
    *operands = argv + argc;
    *operand_count = 0;
    if (syntax->option_count > GH_OPTIONS_MAX) {
        return gh_misuse(syntax->command, "too many options in the table");
    }
    if (gh_completing()) {
        return gh_complete_options(syntax, argc, argv);
    }
    int answer = parse_options(syntax, argc, argv);
    if (answer != GH_GO_ON) {
        return answer;
    }
    *operands = argv + optind;
    *operand_count = argc - optind;
    if (*operand_count < syntax->operands_min) {
        return gh_misuse(syntax->command, "something is missing");
    }
    if (*operand_count > syntax->operands_max) {
        return gh_misuse(syntax->command, "'%s' is one word too many",
                         argv[optind + syntax->operands_max]);
    }
    return GH_GO_ON;
}

int gh_subcommand_run(const char *command, const char *usage, const struct gh_subcommand *table,
                      size_t count, int argc, char **argv)
{
    if (gh_completing()) {
        return gh_complete_subcommand(table, count, argc, argv);
    }
    if (argc < 2) {
        return gh_misuse(command, "which command?");
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
        (void)fputs(usage, stdout);
        return GH_EXIT_OK;
    }
    for (size_t i = 0; i < count; i++) {
        if (strcmp(argv[1], table[i].name) == 0) {
            return table[i].run(argc - 1, argv + 1);
        }
    }
    return gh_misuse(command, "there is no command '%s'", argv[1]);
}

enum gh_status gh_duration_parse(const char *text, int64_t max_s, int64_t *seconds)
{
    static const struct {
        char letter;
        int64_t seconds;
    } units[] = {{'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86400}};

    int64_t number = 0;
    const char *at = text;
    for (; *at >= '0' && *at <= '9'; at++) {
        number = number * 10 + (*at - '0');
        if (number > max_s) {
            return GH_ERR_TOOBIG;
        }
    }
    if (number == 0 || at[0] == 0 || at[1] != 0) {
        return GH_ERR_INVALID;
    }
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        if (at[0] == units[i].letter) {
            if (number > max_s / units[i].seconds) {
                return GH_ERR_TOOBIG;
            }
            *seconds = number * units[i].seconds;
            return GH_OK;
        }
    }
    return GH_ERR_INVALID;
}

int gh_run_on_operand(const char *command, const char *usage, int argc, char **argv,
                      gh_operand_fn *act)
{
    const struct gh_syntax syntax = {command, usage, NULL, 0, 1, 1};
    char **operands;
    int count;
    int code = gh_options_parse(&syntax, argc, argv, &operands, &count);
    if (code != GH_GO_ON) {
        return code;
    }
    struct gh_error err = {0};
    return act(operands[0], &err) == GH_OK ? GH_EXIT_OK : gh_complain(&err);
}
