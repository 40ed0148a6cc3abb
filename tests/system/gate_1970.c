/* SPDX-License-Identifier: Apache-2.0 */
/* gate_1970 CONFIG FILE: the gate, on a board that woke up in 1970: for the daemon and all
 * libraries in it the time is that since boot, until FILE is there, and then the right one. The
 * kernel says that the clock is kept right only while there is something in FILE. */
#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/timex.h>
#include <time.h>
#include <unistd.h>

#include "gate/daemon.h"
#include "gatehouse/log.h"

static const char *file;

static bool is_set(bool by_kernel)
{
    struct stat status;
    int saved_errno = errno;
    bool there = stat(file, &status) == 0 && (!by_kernel || status.st_size > 0);
    errno = saved_errno;
    return there;
}

/* A program's own functions go before those of the libraries, for all that is in it. */
int clock_gettime(clockid_t id, struct timespec *now)
{
    bool wrong = (id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE) && !is_set(false);
#ifdef SYS_clock_gettime64
    return (int)syscall(SYS_clock_gettime64, wrong ? CLOCK_BOOTTIME : id, now);
#else
    return (int)syscall(SYS_clock_gettime, wrong ? CLOCK_BOOTTIME : id, now);
#endif
}

time_t time(time_t *out)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    if (out != NULL)
        *out = now.tv_sec;
    return now.tv_sec;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone)
{
    struct timespec exact;
    (void)zone;
    (void)clock_gettime(CLOCK_REALTIME, &exact);
    now->tv_sec = exact.tv_sec;
    now->tv_usec = exact.tv_nsec / 1000;
    return 0;
}

int adjtimex(struct timex *state)
{
    state->status = is_set(true) ? 0 : STA_UNSYNC;
    return is_set(true) ? TIME_OK : TIME_ERROR;
}

int main(int argc, char **argv)
{
    struct gh_gate_config config;
    struct gh_error err = {0};

    if (argc != 3) {
        fprintf(stderr, "usage: gate_1970 CONFIG FILE\n");
        return 2;
    }
    file = argv[2];
    if (gh_gate_config_load(argv[1], &config, &err) == GH_OK &&
        gh_daemon_run(argv[1], &config, &err) == GH_OK)
        return 0;
    gh_log(GH_LOG_ERR, "gate", "%s", err.text);
    return 1;
}
