/* SPDX-License-Identifier: Apache-2.0 */
/* The wall clock, shifted by order. */
#include <stdlib.h>
#include <sys/time.h>
#include <sys/timex.h>
#include <time.h>

#include "chaos/shim.h"

static void shift(struct timespec *time)
{
    int64_t off_ms = shim_shift_ms();
    int64_t ns = time->tv_nsec + off_ms % 1000 * 1000000;
    time->tv_sec += off_ms / 1000 + (ns >= 1000000000) - (ns < 0);
    time->tv_nsec = ns >= 1000000000 ? ns - 1000000000 : ns < 0 ? ns + 1000000000 : ns;
}

SHIM_EXPORT int clock_gettime(clockid_t id, struct timespec *now)
{
    static __typeof__(&clock_gettime) next;
    if (next == NULL)
        next = SHIM_NEXT(clock_gettime);
    int result = next(id, now);
    if (result == 0 && (id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE))
        shift(now);
    return result;
}

SHIM_EXPORT int gettimeofday(struct timeval *now, void *zone)
{
    struct timespec precise;
    (void)zone;
    int result = clock_gettime(CLOCK_REALTIME, &precise);
    *now = (struct timeval){.tv_sec = precise.tv_sec, .tv_usec = precise.tv_nsec / 1000};
    return result;
}

SHIM_EXPORT time_t time(time_t *out)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (out != NULL)
        *out = now.tv_sec;
    return now.tv_sec;
}

/* The kernel of this machine may say that its clock is right. Of a shifted one it says nothing. */
SHIM_EXPORT int adjtimex(struct timex *request)
{
    static __typeof__(&adjtimex) next;
    if (next == NULL)
        next = SHIM_NEXT(adjtimex);
    int state = next(request);
    if (shim_shift_ms() == 0)
        return state;
    request->status |= STA_UNSYNC;
    return TIME_ERROR;
}
