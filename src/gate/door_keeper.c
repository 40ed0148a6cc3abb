/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/door_keeper.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "gatehouse/log.h"

#define RETRY_MS 200

struct keeper {
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct gh_door_io inner;
    unsigned locked_relay; /* the relay's bit as it is while the door is locked */
    int64_t pulse_ms;
    unsigned lines; /* as they were set last */
    bool armed, stop;
    struct timespec deadline; /* CLOCK_MONOTONIC, while armed */
};

static struct timespec in_ms(int64_t ms)
{
    struct timespec at;

    clock_gettime(CLOCK_MONOTONIC, &at);
    int64_t ns = at.tv_nsec + ms * GH_NS_PER_MS;
    at.tv_sec += (time_t)(ns / GH_NS_PER_S);
    at.tv_nsec = (long)(ns % GH_NS_PER_S);
    return at;
}

static bool is_over(const struct timespec *deadline)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec > deadline->tv_sec ||
           (now.tv_sec == deadline->tv_sec && now.tv_nsec >= deadline->tv_nsec);
}

static void lock_door(struct keeper *keeper)
{
    struct gh_error err = {0};
    unsigned lines = (keeper->lines & ~GH_LINE_BIT(GH_LINE_RELAY)) | keeper->locked_relay;

    if (keeper->inner.set(keeper->inner.context, lines, &err) == GH_OK) {
        keeper->lines = lines;
        keeper->armed = false;
        gh_log(GH_LOG_WARNING, "door", "locked without the gate, which is busy");
    } else {
        gh_log(GH_LOG_ERR, "door", "it cannot be locked: %s", err.text);
        keeper->deadline = in_ms(RETRY_MS);
    }
}

static void *keeper_main(void *argument)
{
    struct keeper *keeper = argument;

    pthread_mutex_lock(&keeper->lock);
    while (!keeper->stop) {
        if (!keeper->armed)
            pthread_cond_wait(&keeper->changed, &keeper->lock);
        else if (is_over(&keeper->deadline))
            lock_door(keeper);
        else
            pthread_cond_timedwait(&keeper->changed, &keeper->lock, &keeper->deadline);
    }
    pthread_mutex_unlock(&keeper->lock);
    return NULL;
}

static enum gh_status keeper_set(void *context, unsigned active, struct gh_error *err)
{
    struct keeper *keeper = context;

    pthread_mutex_lock(&keeper->lock);
    /* Before the try: one that fails half-way may have unlocked. */
    keeper->lines = active;
    keeper->armed = (active & GH_LINE_BIT(GH_LINE_RELAY)) != keeper->locked_relay;
    keeper->deadline = in_ms(keeper->pulse_ms + GH_DOOR_GRACE_MS);
    enum gh_status status = keeper->inner.set(keeper->inner.context, active, err);
    pthread_cond_signal(&keeper->changed);
    pthread_mutex_unlock(&keeper->lock);
    return status;
}

/* Not behind the lock: a set may hang. */
static enum gh_contact keeper_contact(void *context)
{
    struct keeper *keeper = context;

    return keeper->inner.contact(keeper->inner.context);
}

static void keeper_free(void *context)
{
    struct keeper *keeper = context;

    pthread_mutex_lock(&keeper->lock);
    keeper->stop = true;
    pthread_cond_signal(&keeper->changed);
    pthread_mutex_unlock(&keeper->lock);
    pthread_join(keeper->thread, NULL);
    keeper->inner.free(keeper->inner.context);
    pthread_cond_destroy(&keeper->changed);
    pthread_mutex_destroy(&keeper->lock);
    free(keeper);
}

static int start_thread(struct keeper *keeper)
{
    sigset_t all, before;

    sigfillset(&all); /* signals are the main loop's */
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int failed = pthread_create(&keeper->thread, NULL, keeper_main, keeper);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return failed;
}

static void set_up(struct keeper *keeper)
{
    pthread_condattr_t attributes;

    pthread_mutex_init(&keeper->lock, NULL);
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&keeper->changed, &attributes);
    pthread_condattr_destroy(&attributes);
}

enum gh_status gh_door_keeper_new(const struct gh_door_io *inner,
                                  const struct gh_door_options *options, struct gh_door_io *out,
                                  struct gh_error *err)
{
    struct keeper *keeper = calloc(1, sizeof(*keeper));

    if (!keeper)
        return gh_fail(err, GH_ERR_NOMEM, "no memory for the door");
    keeper->inner = *inner;
    keeper->locked_relay = gh_door_rest_lines(options) & GH_LINE_BIT(GH_LINE_RELAY);
    keeper->pulse_ms = options->pulse_ms;
    set_up(keeper);
    int failed = start_thread(keeper);
    if (failed) {
        pthread_cond_destroy(&keeper->changed);
        pthread_mutex_destroy(&keeper->lock);
        free(keeper);
        return gh_fail(err, gh_status_from_errno(failed), "the door's thread cannot start: %s",
                       strerror(failed));
    }
    *out = (struct gh_door_io){.set = keeper_set,
                               .free = keeper_free,
                               .context = keeper,
                               .contact = inner->contact ? keeper_contact : NULL};
    return GH_OK;
}

void gh_door_keeper_set_pulse(struct gh_door_io *io, int64_t pulse_ms)
{
    struct keeper *keeper = io->context;

    pthread_mutex_lock(&keeper->lock);
    keeper->pulse_ms = pulse_ms;
    pthread_mutex_unlock(&keeper->lock);
}
