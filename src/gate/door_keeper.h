/* SPDX-License-Identifier: Apache-2.0 */
/* A door that locks itself: between the gate and the lines, with a thread of its own. The gate's
 * thread also waits for the disk; should it wait longer than the door may be unlocked, the keeper
 * locks in its stead. */
#ifndef GATEHOUSE_SRC_GATE_DOOR_KEEPER_H
#define GATEHOUSE_SRC_GATE_DOOR_KEEPER_H

#include "gate/door.h"

/* Obeys the contract of gh_door_io. Whenever the last set left the door unlocked and
 * options->pulse_ms and GH_DOOR_GRACE_MS have passed without another, the relay alone is put to its
 * locked level; a failure is tried again every 200 ms. inner becomes the keeper's (freed with it),
 * but on error stays the caller's. */
GH_MUST_CHECK enum gh_status gh_door_keeper_new(const struct gh_door_io *inner,
                                                const struct gh_door_options *options,
                                                struct gh_door_io *out, struct gh_error *err);
/* The pulse was configured anew: holds from the next set on. */
void gh_door_keeper_set_pulse(struct gh_door_io *keeper, int64_t pulse_ms);

#endif
