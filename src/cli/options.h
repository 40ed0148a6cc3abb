/* SPDX-License-Identifier: Apache-2.0 */
/* A command's options and operands, by a table over getopt_long. */
#ifndef GATEHOUSE_SRC_CLI_OPTIONS_H
#define GATEHOUSE_SRC_CLI_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gatehouse/status.h"

#define GH_EXIT_OK 0
#define GH_EXIT_NO 1
#define GH_EXIT_USAGE 2
#define GH_GO_ON (-1) /* the options were fine: the command may run */

/* One long option: exactly one of value and flag is set. */
struct gh_option {
    const char *name;
    char letter;        /* the same as one letter, or 0; not h */
    const char **value; /* takes a value; the last one given counts */
    bool *flag;
};

/* What a command takes. */
struct gh_syntax {
    const char *command; /* its words: "people import" */
    const char *usage;   /* printed whole for --help */
    const struct gh_option *options;
    size_t option_count;
    int operands_min, operands_max;
};

#define GH_OPTIONS_MAX 16

/* GH_GO_ON, or the exit code after --help (usage on standard output, 0), a completion (complete.h)
 * or a mistake (one line on standard error, 2). *operands points into argv, which is permuted.
 * Every command calls this before it does anything. */
int gh_options_parse(const struct gh_syntax *syntax, int argc, char **argv, char ***operands,
                     int *operand_count);

/* A whole command of exactly one operand and no options: parse, act, complain. Returns the exit
 * code. */
typedef enum gh_status gh_operand_fn(const char *operand, struct gh_error *err);
int gh_run_on_operand(const char *command, const char *usage, int argc, char **argv,
                      gh_operand_fn *act);

/* Say on standard error what is wrong with how a command was called: GH_EXIT_USAGE. */
int gh_misuse(const char *command, const char *format, ...) GH_PRINTF(2, 3);

/* A command of commands: argv[1] chooses; without one, or with an unknown one, a line on standard
 * error and 2. */
struct gh_subcommand {
    const char *name;
    int (*run)(int argc, char **argv);
};
int gh_subcommand_run(const char *command, const char *usage, const struct gh_subcommand *table,
                      size_t count, int argc, char **argv);

/* "30s", "15m", "24h", "7d": a whole number above 0 and its unit. GH_ERR_INVALID, GH_ERR_TOOBIG
 * when it is above max_s. */
GH_MUST_CHECK enum gh_status gh_duration_parse(const char *text, int64_t max_s, int64_t *seconds);

#endif
