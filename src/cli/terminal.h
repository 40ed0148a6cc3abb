/* SPDX-License-Identifier: Apache-2.0 */
/* Passwords: from a terminal without echo, or from a file. */
#ifndef GATEHOUSE_SRC_CLI_TERMINAL_H
#define GATEHOUSE_SRC_CLI_TERMINAL_H

#include <stddef.h>

#include "gatehouse/status.h"

#define GH_PASSWORD_BYTES 1024

/* One line from the controlling terminal, without echo. The terminal is put back as it was whatever
 * happens, also on a signal, which is then obeyed. GH_ERR_NOTFOUND: there is no terminal;
 * GH_ERR_END: it was closed; GH_ERR_TOOBIG. */
GH_MUST_CHECK enum gh_status gh_ask_password(const char *prompt, char out[GH_PASSWORD_BYTES],
                                             struct gh_error *err);

/* The first line of a file (anything that can be read; "-" is standard input), without its end.
 * GH_ERR_INVALID for an empty one. */
GH_MUST_CHECK enum gh_status gh_read_password(const char *path, char out[GH_PASSWORD_BYTES],
                                              struct gh_error *err);

#endif
