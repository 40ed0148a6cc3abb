/* SPDX-License-Identifier: Apache-2.0 */
/* What of a gate's state wants a person, in sentences that a guard understands: the meaning of
 * `gate status`'s exit code. gatehouse(1) has the same table. */
#ifndef GATEHOUSE_SRC_CLI_GATE_WRONG_H
#define GATEHOUSE_SRC_CLI_GATE_WRONG_H

#include <jansson.h>
#include <stddef.h>

#define GH_WRONG_MAX 40
#define GH_WRONG_BYTES 320

struct gh_wrong {
    char text[GH_WRONG_MAX][GH_WRONG_BYTES];
    size_t count; /* 0: all is well */
};

/* state: what the control socket answers to `status`. What it does not say is not wrong, where the
 * gate may be of an older version. */
void gh_gate_wrong(const json_t *state, struct gh_wrong *wrong);

#endif
