/* SPDX-License-Identifier: Apache-2.0 */
/* The gate's main loop on sd-event: signals, timers, watchdog, and the queues from the see thread
 * and the courier. */
#ifndef GATEHOUSE_SRC_GATE_DAEMON_H
#define GATEHOUSE_SRC_GATE_DAEMON_H

#include "gate/gate_config.h"

/* Run until SIGTERM or SIGINT; SIGHUP reads config_path again (log level, the relay's mode and the
 * door's times take effect). GH_OK after a clean end. */
GH_MUST_CHECK enum gh_status
gh_daemon_run(const char *config_path, const struct gh_gate_config *config, struct gh_error *err);

/* `--check`: say on stdout, a line each, what the configuration names and whether it is there;
 * GH_OK if a gate could start with it. */
GH_MUST_CHECK enum gh_status gh_daemon_check(const struct gh_gate_config *config);

/* `--rest`: request the door's lines, put all of them to their inactive level (the relay to the
 * side that unlocks, when the fire input is active), and let go of them. What the configuration
 * says of the lines that cannot be done: GH_ERR_BUSY while a gate runs, and so on. */
GH_MUST_CHECK enum gh_status gh_daemon_rest(const struct gh_gate_config *config,
                                            struct gh_error *err);

/* Takes from this process what a gate so configured does not need (sandbox.h), unless the
 * configuration says otherwise. Before any thread is made. */
GH_MUST_CHECK enum gh_status
gh_gate_sandbox(const char *config_path, const struct gh_gate_config *config, struct gh_error *err);

#endif
