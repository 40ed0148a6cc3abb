/* SPDX-License-Identifier: Apache-2.0 */
/* What may stand next on a half-written command line, for shells: `gatehouse --complete WORD...`,
 * where the words are those behind `gatehouse`, up to the one at the cursor (as much of it as there
 * is, maybe empty). The answer, a word a line on standard output, comes from the very tables by
 * which commands and options are taken; none means that the shell may offer files. */
#ifndef GATEHOUSE_SRC_CLI_COMPLETE_H
#define GATEHOUSE_SRC_CLI_COMPLETE_H

#include <stdbool.h>

#include "cli/options.h"

/* From here on, for the rest of the process, commands are asked what they take and do nothing:
 * gh_subcommand_run() and gh_options_parse(), which every command calls first, answer in their
 * place. */
void gh_complete_begin(void);
bool gh_completing(void);

/* argv[0] is a command of commands, argv[1] and on what follows: the names that begin like argv[1]
 * if that is the last word, else what the command of that name says. Always GH_EXIT_OK. */
int gh_complete_subcommand(const struct gh_subcommand *table, size_t count, int argc, char **argv);

/* argv[0] is a command: its options that begin like the last word, or nothing if that is an operand
 * or an option's value. Always GH_EXIT_OK. */
int gh_complete_options(const struct gh_syntax *syntax, int argc, char **argv);

#endif
