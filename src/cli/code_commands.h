/* SPDX-License-Identifier: Apache-2.0 */
/* What the commands `gatehouse code ...` share. */
#ifndef GATEHOUSE_SRC_CLI_CODE_COMMANDS_H
#define GATEHOUSE_SRC_CLI_CODE_COMMANDS_H

#include <jansson.h>

#include "cli/options.h"
#include "gatehouse/code.h"

extern const char gh_code_usage[];

int gh_command_code_read(int argc, char **argv);
int gh_command_code_key(int argc, char **argv);
int gh_command_code_present(int argc, char **argv);

/* --at: the time to go by, now when it was not given. GH_GO_ON, or GH_EXIT_USAGE. */
int gh_code_at(const char *command, const char *at, int64_t *at_s);

/* The operand, or all of standard input when it is missing (NULL) or "-": without one newline at
 * its end. What does not fit into the buffer is cut off, which leaves the text too long for a code.
 */
GH_MUST_CHECK enum gh_status gh_code_text(const char *operand, char *buffer, size_t buffer_bytes,
                                          struct gh_bytes *text, struct gh_error *err);

/* What `code read` says of a code; text is the code's own (of a certificate it is not looked at).
 * NULL: no memory. */
json_t *gh_code_describe(const struct gh_credential *credential, struct gh_bytes text);

#endif
