/* SPDX-License-Identifier: Apache-2.0 */
/* The gate on this very board, by its control socket (src/gate/control.h). */
#ifndef GATEHOUSE_SRC_CLI_LOCAL_H
#define GATEHOUSE_SRC_CLI_LOCAL_H

#include <jansson.h>

#include "gatehouse/status.h"

#define GH_LOCAL_SOCKET "/run/gatehouse-gate/control"

/* One question, one answer, within ten seconds. *answer: malloc'ed, a text; the caller's.
 * GH_ERR_NOTFOUND: no gate runs here; GH_ERR_DENIED; GH_ERR_TIMEOUT; GH_ERR_IO, said in err. */
GH_MUST_CHECK enum gh_status gh_local_ask(const char *socket_path, const char *question,
                                          char **answer, struct gh_error *err);
/* Its state, as JSON (docs/operations.md); the caller's. */
GH_MUST_CHECK enum gh_status gh_local_state(const char *socket_path, json_t **state,
                                            struct gh_error *err);

/* `gate status`, `gate test`: usage is gate's. */
int gh_command_gate_status(const char *usage, int argc, char **argv);
int gh_command_gate_test(const char *usage, int argc, char **argv);

#endif
