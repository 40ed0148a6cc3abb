/* SPDX-License-Identifier: Apache-2.0 */
#include "fakes/fake_camera.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "fakes/deadline.h"

static enum gh_status take_step(struct gh_fake_camera *fake, struct gh_frame *frame,
                                struct gh_error *err)
{
    const struct gh_fake_camera_step *step = &fake->steps[fake->given++];

    if (step->status != GH_OK)
        return gh_fail(err, step->status, "the fake camera was told to fail");
    *frame = step->frame;
    frame->captured_ns = gh_clock_monotonic_ns(fake->clock);
    return GH_OK;
}

static enum gh_status next(void *context, int64_t timeout_ms, struct gh_frame *frame,
                           struct gh_error *err)
{
    struct gh_fake_camera *fake = context;
    struct timespec until = deadline_after(timeout_ms);
    enum gh_status status = GH_ERR_AGAIN;
    int waited = 0;

    pthread_mutex_lock(&fake->lock);
    if (timeout_ms > fake->longest_ms)
        fake->longest_ms = timeout_ms;
    while (fake->given == fake->count && fake->after == GH_ERR_AGAIN && !fake->woken &&
           waited != ETIMEDOUT)
        waited = pthread_cond_timedwait(&fake->changed, &fake->lock, &until);
    if (fake->woken)
        fake->woken = false;
    else if (fake->given < fake->count)
        status = take_step(fake, frame, err);
    else
        status = fake->after;
    pthread_mutex_unlock(&fake->lock);
    return status;
}

static void wake(void *context)
{
    struct gh_fake_camera *fake = context;

    pthread_mutex_lock(&fake->lock);
    fake->woken = true;
    fake->wakes++;
    pthread_cond_broadcast(&fake->changed);
    pthread_mutex_unlock(&fake->lock);
}

static void release(void *context)
{
    struct gh_fake_camera *fake = context;

    pthread_mutex_lock(&fake->lock);
    fake->freed = true;
    fake->frees++;
    pthread_mutex_unlock(&fake->lock);
}

void gh_fake_camera_init(struct gh_fake_camera *fake, const struct gh_clock *clock,
                         enum gh_status after)
{
    pthread_condattr_t attributes;

    memset(fake, 0, sizeof(*fake));
    fake->clock = clock;
    fake->after = after;
    pthread_mutex_init(&fake->lock, NULL);
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&fake->changed, &attributes);
    pthread_condattr_destroy(&attributes);
}

void gh_fake_camera_destroy(struct gh_fake_camera *fake)
{
    pthread_cond_destroy(&fake->changed);
    pthread_mutex_destroy(&fake->lock);
}

struct gh_camera gh_fake_camera(struct gh_fake_camera *fake, uint32_t max_width,
                                uint32_t max_height)
{
    return (struct gh_camera){next, wake, release, fake, max_width, max_height};
}

static void add(struct gh_fake_camera *fake, const struct gh_fake_camera_step *step)
{
    pthread_mutex_lock(&fake->lock);
    if (fake->count == GH_FAKE_CAMERA_STEPS_MAX)
        abort();
    fake->steps[fake->count++] = *step;
    pthread_cond_broadcast(&fake->changed);
    pthread_mutex_unlock(&fake->lock);
}

void gh_fake_camera_add_frame(struct gh_fake_camera *fake, const struct gh_frame *frame)
{
    struct gh_fake_camera_step step = {.status = GH_OK, .frame = *frame};
    add(fake, &step);
}

void gh_fake_camera_add_failure(struct gh_fake_camera *fake, enum gh_status status)
{
    struct gh_fake_camera_step step = {.status = status};
    add(fake, &step);
}
