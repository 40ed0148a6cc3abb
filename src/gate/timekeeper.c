/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/timekeeper.h"

#include <string.h>

static int64_t distance(int64_t a, int64_t b)
{
    return a > b ? a - b : b - a;
}

static int64_t wall_ms(const struct gh_time_look *look)
{
    return look->wall_ns / GH_NS_PER_MS;
}

/* How far the wall clock is ahead of the monotonic one: the same until somebody sets it. */
static int64_t offset_ms(const struct gh_time_look *look)
{
    return wall_ms(look) - look->monotonic_ns / GH_NS_PER_MS;
}

void gh_timekeeper_init(struct gh_timekeeper *keeper, int64_t build_s, bool battery)
{
    *keeper = (struct gh_timekeeper){
        .floor_ms = build_s * 1000, .confirmed = battery, .jumped_ns = INT64_MIN};
}

void gh_timekeeper_raise(struct gh_timekeeper *keeper, int64_t floor_ms)
{
    if (floor_ms > keeper->floor_ms)
        keeper->floor_ms = floor_ms;
}

bool gh_timekeeper_look(struct gh_timekeeper *keeper, const struct gh_time_look *look)
{
    int64_t jump_ms = keeper->looked ? offset_ms(look) - offset_ms(&keeper->last) : 0;

    if (distance(jump_ms, 0) > GH_TIME_JUMP_MS) {
        keeper->confirmed = false;
        keeper->jumped = true;
        keeper->jump_ms += jump_ms;
        keeper->jumped_ns = look->monotonic_ns;
    }
    keeper->looked = true;
    keeper->last = *look;
    if (look->synchronised)
        keeper->confirmed = true;
    /* It is wrong, whoever says what: also when it will have crept above the floor. */
    if (wall_ms(look) < keeper->floor_ms)
        keeper->confirmed = false;
    keeper->trusted = keeper->confirmed;
    if (keeper->trusted)
        gh_timekeeper_raise(keeper, wall_ms(look) - GH_TIME_JUMP_MS);
    return keeper->trusted;
}

void gh_timekeeper_take_entry(struct gh_timekeeper *keeper, const struct gh_entry *last,
                              const char *boot_id)
{
    /* All zeros: the kernel told no boot from another. */
    bool same_boot = strspn(boot_id, "0") != strlen(boot_id) && strcmp(boot_id, last->boot_id) == 0;

    if (same_boot && last->clock_trusted &&
        last->monotonic_ms <= keeper->last.monotonic_ns / GH_NS_PER_MS &&
        distance(offset_ms(&keeper->last), last->wall_ms - last->monotonic_ms) <= GH_TIME_JUMP_MS)
        keeper->confirmed = true;
}

enum gh_server_time gh_timekeeper_take_server(struct gh_timekeeper *keeper, int64_t server_s,
                                              int64_t round_trip_ns, int64_t received_ns,
                                              int64_t *ahead_ms)
{
    int64_t trip_ms = round_trip_ns / GH_NS_PER_MS;
    int64_t since_ms = (keeper->last.monotonic_ns - received_ns) / GH_NS_PER_MS;

    *ahead_ms = wall_ms(&keeper->last) - since_ms - server_s * 1000;
    if (trip_ms < 0 || trip_ms > GH_TIME_TRIP_MS)
        return GH_SERVER_TIME_NOTHING;
    if (distance(*ahead_ms, 0) <= GH_TIME_SERVER_MS + trip_ms) {
        keeper->confirmed = true;
        return GH_SERVER_TIME_NEAR;
    }
    if (distance(*ahead_ms, 0) > GH_TIME_WRONG_MS + trip_ms && !keeper->last.synchronised)
        keeper->confirmed = false;
    return GH_SERVER_TIME_FAR;
}

static bool untold(const struct gh_timekeeper *keeper)
{
    return keeper->jumped || keeper->trusted != keeper->told_trusted;
}

bool gh_timekeeper_tell(struct gh_timekeeper *keeper, int64_t now_ns, struct gh_entry *out)
{
    if (!untold(keeper) || now_ns < keeper->quiet_until_ns)
        return false;
    *out = (struct gh_entry){
        .type = GH_ENTRY_CLOCK, .clock_trusted = keeper->trusted, .jump_ms = keeper->jump_ms};
    gh_timekeeper_told(keeper);
    keeper->quiet_until_ns = now_ns + GH_TIME_QUIET_MS * GH_NS_PER_MS;
    return true;
}

void gh_timekeeper_told(struct gh_timekeeper *keeper)
{
    keeper->told_trusted = keeper->trusted;
    keeper->jumped = false;
    keeper->jump_ms = 0;
}

int64_t gh_timekeeper_deadline_ns(const struct gh_timekeeper *keeper)
{
    return untold(keeper) ? keeper->quiet_until_ns : INT64_MAX;
}
