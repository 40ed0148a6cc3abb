/* SPDX-License-Identifier: Apache-2.0 */
/* A door that locks itself: between the gate and the lines, with a process of its own. The gate may
 * hang, be stopped or killed, or crash: the keeper has the same lines, and nothing else to do. */
#ifndef GATEHOUSE_SRC_GATE_DOOR_KEEPER_H
#define GATEHOUSE_SRC_GATE_DOOR_KEEPER_H

#include "gate/door.h"

#define GH_DOOR_KEEPER_RETRY_MS 200
/* The fire input is looked at so often; the gate is late when it has been active for so long (more
 * than any debounce_ms). */
#define GH_DOOR_KEEPER_LOOK_MS 250
#define GH_DOOR_KEEPER_LATE_MS 1250

/* Obeys the contract of gh_door_io, renew included. Forks: before any other thread is made, with
 * the lines already requested, and before secrets are read.
 *
 * - The gate is there, but neither set nor renew came in time: the relay alone goes to its locked
 *   level. At once: options->pulse_ms + GH_DOOR_GRACE_MS after the set that unlocked, or what the
 *   last renew said. The gate's next set or renew moves it again.
 * - The gate is gone without free: all lines become inactive, at once; that is the door's fail
 *   state. Then the keeper ends.
 * - Not while there is a fire, though: unlocked stays unlocked while the gate hangs, and when the
 *   gate is gone, or frees it, the relay is left (or put) where it unlocks. What the fire input
 * says at that moment counts; where it is not wired or cannot be read, whether GH_DOOR_RENEW_FIRE
 * was said last. (What becomes of the line when the last process that holds it has ended is the
 * chip's affair; systemd starts the gate anew.)
 * - The fire input has been active for GH_DOOR_KEEPER_LATE_MS, and the gate, which is there, has
 * not unlocked the door: the relay goes to its unlocked level, and this_door to its inactive one;
 *   and back, when the input has
 *   been inactive for as long and the gate has still not said anything.
 *
 * A move that fails is tried again every GH_DOOR_KEEPER_RETRY_MS (for a fire at the next look), for
 * five times when the gate is gone. inner becomes the keeper's (freed or left with it), but on
 * error stays the caller's. GH_ERR_NOMEM, or what the system says to the fork. */
GH_MUST_CHECK enum gh_status gh_door_keeper_new(const struct gh_door_io *inner,
                                                const struct gh_door_options *options,
                                                struct gh_door_io *out, struct gh_error *err);
/* Readable, for ever, once the keeper's process has ended by itself: somebody killed it. Nothing
 * guards the door any more; a new one cannot be made among threads, so end the program. */
int gh_door_keeper_fd(const struct gh_door_io *keeper);
/* Ask it for a sign of life, which takes it a moment; and whether it has given the last one that
 * was asked for. One that is stopped, or stuck in a driver, does not. Only the gate's thread; never
 * block. */
void gh_door_keeper_ask(struct gh_door_io *keeper);
bool gh_door_keeper_answered(const struct gh_door_io *keeper);
/* The pulse was configured anew: holds from the next set on. */
void gh_door_keeper_set_pulse(struct gh_door_io *keeper, int64_t pulse_ms);

#endif
