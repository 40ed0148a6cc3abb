/* SPDX-License-Identifier: Apache-2.0 */
/* Time behind an interface, so that tests own it. Wall time is int64 nanoseconds or seconds since
 * 1970-01-01T00:00:00Z (UTC, no leap seconds). */
#ifndef GATEHOUSE_CLOCK_H
#define GATEHOUSE_CLOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gatehouse/status.h"

#define GH_NS_PER_S INT64_C(1000000000)
#define GH_NS_PER_MS INT64_C(1000000)

/* Contract: monotonic_ns never goes back and goes on during suspend (CLOCK_BOOTTIME); wall_ns may
 * jump. synchronised: whether the kernel says that something (NTP, PTP, GPS) keeps the wall clock
 * right, now; where the kernel may not be asked, whether systemd-timesyncd does. All may be called
 * from any thread and never fail. */
struct gh_clock {
    int64_t (*wall_ns)(void *context);
    int64_t (*monotonic_ns)(void *context);
    bool (*synchronised)(void *context);
    void *context;
};

/* The machine's clock; static lifetime. */
const struct gh_clock *gh_clock_system(void);

static inline int64_t gh_clock_wall_ns(const struct gh_clock *clock)
{
    return clock->wall_ns(clock->context);
}

static inline int64_t gh_clock_wall_s(const struct gh_clock *clock)
{
    return clock->wall_ns(clock->context) / GH_NS_PER_S;
}

static inline int64_t gh_clock_monotonic_ns(const struct gh_clock *clock)
{
    return clock->monotonic_ns(clock->context);
}

/* Of systemd-timesyncd's file: whether it was touched in the last two hours, by that wall time, and
 * not later than it. */
bool gh_clock_file_fresh(const char *path, int64_t wall_s);

static inline bool gh_clock_synchronised(const struct gh_clock *clock)
{
    return clock->synchronised(clock->context);
}

#define GH_TIME_TEXT_BYTES 32 /* "2020-03-01T07:00:00Z" and its NUL, years 0000 to 9999 */

/* RFC 3339 in UTC, whole seconds. Times outside years 0000-9999 are written as "@SECONDS". */
void gh_time_format(int64_t seconds, char out[GH_TIME_TEXT_BYTES]);

/* RFC 3339 with `Z` or a numeric offset; a fraction is accepted and cut off (towards the past).
 * Leap second 60 is accepted as 59. GH_ERR_INVALID otherwise (also for days that do not exist). */
GH_MUST_CHECK enum gh_status gh_time_parse(const char *text, int64_t *seconds);

/* The kernel's boot id, 32 lower-case hex digits and NUL; all zeros where the kernel gives none. */
#define GH_BOOT_ID_TEXT_BYTES 33
void gh_boot_id(char out[GH_BOOT_ID_TEXT_BYTES]);

#endif
