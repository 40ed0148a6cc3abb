/* SPDX-License-Identifier: Apache-2.0 */
/* Inside of door.c: the lamps and the buzzer. */
#ifndef GATEHOUSE_SRC_GATE_DOOR_SIGNALS_H
#define GATEHOUSE_SRC_GATE_DOOR_SIGNALS_H

#include "gate/door.h"

int64_t gh_door_add_ns(int64_t time_ns, int64_t more_ns); /* at most INT64_MAX */
/* The lamps' and the buzzer's lines at now_ns. *next_ns becomes earlier where they may change
 * sooner. */
unsigned gh_door_signal_lines(const struct gh_door *door, int64_t now_ns, int64_t *next_ns);
/* Take over a reason. lamp_ms: of the lamp; false when something more urgent is seen now. */
bool gh_door_take_signal(struct gh_door *door, const struct gh_reason_info *info, int64_t lamp_ms,
                         int64_t now_ns);
/* How long the lamp of a reason that does not unlock is lit. */
int64_t gh_door_lamp_ms(const struct gh_reason_info *info);

#endif
