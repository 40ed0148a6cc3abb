/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/thermometer.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "gate/thermometer_iio.h"
#include "gatehouse/log.h"

#define MODULE "thermometer"
#define NEAR_MS 200   /* somebody is in front of it */
#define IDLE_MS 500   /* nobody: often enough to notice who comes */
#define RETRY_MS 1000 /* it is not there, or not to be believed */
#define CURED_NS (60 * GH_NS_PER_S)

struct gh_thermometer {
    struct gh_thermometer_options options;
    pthread_t thread;
    bool thread_runs;
    atomic_bool stop;
    int wake_fd;
    /* the thread's */
    struct gh_iio iio;
    bool found;
    enum gh_status said; /* the trouble in the log; GH_OK: none, or that it is over */
    int64_t wrong_ns;    /* when it was last seen */
    int64_t body_ns;     /* nothing but bodies since then; INT64_MAX: no */
    pthread_mutex_t lock;
    struct gh_thermometer_state state;
    int64_t state_ns; /* as of then */
};

static bool is_body(const struct gh_thermometer_options *options, int64_t millic)
{
    return millic >= options->least_millic && millic <= GH_BODY_MAX_MILLIC;
}

/* A trouble is said once, and that it is over when nothing was wrong for a while: a loose wire, or
 * nonsense that reads differently each time, fills no log. */
static void say(struct gh_thermometer *thermometer, enum gh_status status, const char *trouble)
{
    int64_t now_ns = gh_clock_monotonic_ns(thermometer->options.clock);

    if (status != GH_OK) {
        if (status != thermometer->said)
            gh_log(GH_LOG_WARNING, MODULE, "%s", trouble);
        thermometer->said = status;
        thermometer->wrong_ns = now_ns;
    } else if (thermometer->said != GH_OK && now_ns - thermometer->wrong_ns >= CURED_NS) {
        gh_log(GH_LOG_NOTICE, MODULE, "%s measures", thermometer->iio.folder);
        thermometer->said = GH_OK;
    }
}

static void set_state(struct gh_thermometer *thermometer, const struct gh_thermometer_state *state)
{
    int64_t now_ns = gh_clock_monotonic_ns(thermometer->options.clock);

    pthread_mutex_lock(&thermometer->lock);
    thermometer->state = *state;
    thermometer->state_ns = now_ns;
    pthread_mutex_unlock(&thermometer->lock);
}

static void fail(struct gh_thermometer *thermometer, const struct gh_error *err)
{
    struct gh_thermometer_state state = {.reads = false};

    snprintf(state.trouble, sizeof(state.trouble), "%s", err->text);
    set_state(thermometer, &state);
    say(thermometer, err->status, state.trouble);
    thermometer->body_ns = INT64_MAX;
}

/* A wall in the sun, a summer's day: nobody ever goes away, so nobody new ever comes. */
static void succeed(struct gh_thermometer *thermometer,
                    const struct gh_temperature_reading *reading)
{
    struct gh_thermometer_state state = {.reads = true, .millic = reading->millic};
    enum gh_status status = GH_OK;

    if (!is_body(&thermometer->options, reading->millic))
        thermometer->body_ns = INT64_MAX;
    else if (thermometer->body_ns == INT64_MAX)
        thermometer->body_ns = reading->at_ns;
    else if (reading->at_ns - thermometer->body_ns >= GH_BODY_ALWAYS_S * GH_NS_PER_S)
        status = GH_ERR_TIMEOUT;
    if (status != GH_OK)
        snprintf(state.trouble, sizeof(state.trouble),
                 "somebody has stood before it for %d minutes; if nobody did, it sees something as "
                 "warm behind people: turn it away from that, or see least_millic",
                 GH_BODY_ALWAYS_S / 60);
    set_state(thermometer, &state);
    say(thermometer, status, state.trouble);
}

static enum gh_status sample(struct gh_thermometer *thermometer, int64_t *millic,
                             struct gh_error *err)
{
    const struct gh_thermometer_options *options = &thermometer->options;
    enum gh_status status = GH_OK;

    if (!thermometer->found)
        status = gh_iio_find(options->sensor, options->iio_root, &thermometer->iio, err);
    thermometer->found = status == GH_OK;
    if (status == GH_OK)
        status = gh_iio_read(&thermometer->iio, millic, err);
    /* Whatever comes back may be another device, or have another number. */
    if (status != GH_OK)
        thermometer->found = false;
    return status;
}

/* How long to wait before the next one. */
static int look(struct gh_thermometer *thermometer)
{
    const struct gh_thermometer_options *options = &thermometer->options;
    struct gh_error err = {0};
    struct gh_temperature_reading reading;

    if (sample(thermometer, &reading.millic, &err) != GH_OK) {
        fail(thermometer, &err);
        return RETRY_MS;
    }
    reading.at_ns = gh_clock_monotonic_ns(options->clock);
    reading.millic += options->offset_millic;
    succeed(thermometer, &reading);
    if (!is_body(options, reading.millic))
        return IDLE_MS;
    /* When the gate is that busy it has others to take. */
    (void)gh_queue_push(options->readings, &reading);
    return NEAR_MS;
}

static void *thermometer_main(void *argument)
{
    struct gh_thermometer *thermometer = argument;

    while (!atomic_load(&thermometer->stop)) {
        struct pollfd fd = {.fd = thermometer->wake_fd, .events = POLLIN};
        int wait_ms = look(thermometer);
        (void)poll(&fd, 1, wait_ms);
    }
    return NULL;
}

/* Signals are the main loop's: block them all before the thread starts. */
static enum gh_status start_thread(struct gh_thermometer *thermometer, struct gh_error *err)
{
    sigset_t all, before;

    thermometer->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (thermometer->wake_fd < 0)
        return gh_fail(err, gh_status_from_errno(errno), "no event descriptor: %s",
                       strerror(errno));
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int failed = pthread_create(&thermometer->thread, NULL, thermometer_main, thermometer);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (failed)
        return gh_fail(err, gh_status_from_errno(failed),
                       "the thermometer's thread cannot start: %s", strerror(failed));
    thermometer->thread_runs = true;
    return GH_OK;
}

enum gh_status gh_thermometer_start(const struct gh_thermometer_options *options,
                                    struct gh_thermometer **out, struct gh_error *err)
{
    *out = NULL;
    struct gh_thermometer *thermometer = calloc(1, sizeof(*thermometer));
    if (!thermometer)
        return gh_fail(err, GH_ERR_NOMEM, "no memory for the thermometer");
    thermometer->options = *options;
    thermometer->wake_fd = -1;
    thermometer->body_ns = INT64_MAX;
    thermometer->state_ns = gh_clock_monotonic_ns(options->clock);
    pthread_mutex_init(&thermometer->lock, NULL);
    enum gh_status status = start_thread(thermometer, err);
    if (status != GH_OK) {
        gh_thermometer_stop(thermometer);
        return status;
    }
    *out = thermometer;
    return GH_OK;
}

struct gh_thermometer_state gh_thermometer_look(struct gh_thermometer *thermometer)
{
    int64_t now_ns = gh_clock_monotonic_ns(thermometer->options.clock);

    pthread_mutex_lock(&thermometer->lock);
    struct gh_thermometer_state state = thermometer->state;
    bool silent = now_ns - thermometer->state_ns >= GH_THERMOMETER_SILENT_S * GH_NS_PER_S;
    pthread_mutex_unlock(&thermometer->lock);
    if (silent) { /* the thread is in a read that does not come back */
        state = (struct gh_thermometer_state){.reads = false};
        snprintf(state.trouble, sizeof(state.trouble), "the sensor does not answer");
    }
    return state;
}

void gh_thermometer_stop(struct gh_thermometer *thermometer)
{
    if (!thermometer)
        return;
    if (thermometer->thread_runs) {
        const uint64_t one = 1;
        atomic_store(&thermometer->stop, true);
        ssize_t written = write(thermometer->wake_fd, &one, sizeof(one));
        (void)written; /* it cannot fail: nobody else writes */
        pthread_join(thermometer->thread, NULL);
    }
    if (thermometer->wake_fd >= 0)
        close(thermometer->wake_fd);
    pthread_mutex_destroy(&thermometer->lock);
    free(thermometer);
}

enum gh_status gh_thermometer_check(const struct gh_thermometer_options *options,
                                    char says[GH_THERMOMETER_SAYS_BYTES], struct gh_error *err)
{
    struct gh_iio iio;
    int64_t millic;

    says[0] = '\0';
    enum gh_status status = gh_iio_find(options->sensor, options->iio_root, &iio, err);
    if (status == GH_OK)
        status = gh_iio_read(&iio, &millic, err);
    if (status != GH_OK)
        return status;
    millic += options->offset_millic;
    snprintf(says, GH_THERMOMETER_SAYS_BYTES, "%s%" PRId64 ".%03" PRId64 " degrees%s, %.80s",
             millic < 0 ? "-" : "", (millic < 0 ? -millic : millic) / 1000,
             (millic < 0 ? -millic : millic) % 1000,
             is_body(options, millic) ? ", which is somebody" : "", iio.folder);
    return GH_OK;
}
