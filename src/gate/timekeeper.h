/* SPDX-License-Identifier: Apache-2.0 */
/* How far the gate's clock is to be believed. Pure: looks at the clock and words about it in,
 * verdicts out; no clock, no I/O, no log.
 *
 * A clock is trusted while it was confirmed and is not below the floor.
 * - The floor is the newest time that is known to have been: of the build, of the list (less
 *   GH_CODE_SKEW_S), of trusted entries and of this run while it was trusted (less
 *   GH_TIME_JUMP_MS). It never goes back, whoever says so.
 * - A clock is confirmed by the kernel, by the server, by a trusted last entry of this very boot
 *   that fits, or at the start by the word that the board has a clock with a battery. A jump, or
 *   being found below the floor, undoes that, but for the kernel's own word at that moment: the
 *   jump of a clock that is being set right is no reason for doubt. */
#ifndef GATEHOUSE_SRC_GATE_TIMEKEEPER_H
#define GATEHOUSE_SRC_GATE_TIMEKEEPER_H

#include <stdbool.h>
#include <stdint.h>

#include "gatehouse/entry.h"

#define GH_TIME_JUMP_MS 2000 /* a clock that is slewed moves less between two looks */
/* So far may the server's time be from ours, besides the round trip; and so far, and one of the two
 * is wrong, not only inexact. */
#define GH_TIME_SERVER_MS 10000
#define GH_TIME_WRONG_MS 60000
#define GH_TIME_TRIP_MS 10000  /* an answer that took longer says nothing about the time */
#define GH_TIME_QUIET_MS 60000 /* between two entries about the clock */

/* One look at the clock: both times and the kernel's word, at one moment. */
struct gh_time_look {
    int64_t wall_ns, monotonic_ns;
    bool synchronised;
};

struct gh_timekeeper {
    int64_t floor_ms;
    bool confirmed, trusted;
    bool looked;
    struct gh_time_look last;
    int64_t jumped_ns; /* monotonic: when a jump was found last; INT64_MIN: never */
    /* what no entry has told yet */
    bool told_trusted, jumped;
    int64_t jump_ms, quiet_until_ns;
};

/* battery: believe the clock at the start. */
void gh_timekeeper_init(struct gh_timekeeper *keeper, int64_t build_s, bool battery);
/* It is at least this late: holds from the next look on. Earlier than the floor: changes nothing.
 */
void gh_timekeeper_raise(struct gh_timekeeper *keeper, int64_t wall_ms);
/* Whether the clock is trusted now. monotonic_ns is never earlier than in the look before. */
bool gh_timekeeper_look(struct gh_timekeeper *keeper, const struct gh_time_look *look);

/* The journal's last entry, for the next look: confirms if it was trusted, is of this boot and the
 * clock has not been set since. Call it after a look. */
void gh_timekeeper_take_entry(struct gh_timekeeper *keeper, const struct gh_entry *last,
                              const char *boot_id);

enum gh_server_time {
    GH_SERVER_TIME_NOTHING, /* took too long to say anything */
    GH_SERVER_TIME_NEAR,    /* confirms, for the next look */
    GH_SERVER_TIME_FAR,     /* does not confirm; from GH_TIME_WRONG_MS on undoes what others but the
                               kernel have confirmed */
};
/* The server's time by its answer that came at received_ns (monotonic). Call it after a look.
 * *ahead_ms: how far our clock is ahead of the server's. */
enum gh_server_time gh_timekeeper_take_server(struct gh_timekeeper *keeper, int64_t server_s,
                                              int64_t round_trip_ns, int64_t received_ns,
                                              int64_t *ahead_ms);

/* true: *out is an entry (type, clock_trusted and jump_ms only) that is to be written now: the
 * clock jumped, or became trusted, or is no longer. The first at once, later ones GH_TIME_QUIET_MS
 * apart, with the sum of the jumps between. */
bool gh_timekeeper_tell(struct gh_timekeeper *keeper, int64_t now_ns, struct gh_entry *out);
/* Another entry (the start) says how things are now. */
void gh_timekeeper_told(struct gh_timekeeper *keeper);
/* When tell has something; INT64_MAX: nothing is untold. */
int64_t gh_timekeeper_deadline_ns(const struct gh_timekeeper *keeper);

#endif
