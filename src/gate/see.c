/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/see.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>

#include "gatehouse/decode.h"
#include "gatehouse/log.h"

#define TURN_MS 500

struct gh_see {
    pthread_t thread;
    atomic_bool stop;
    struct gh_camera camera;
    struct gh_decoder *decoder;
    struct gh_reading reading;
    struct gh_reading_source frame; /* the camera's */
    atomic_uint_fast64_t frames, broken_frames, turns;
    atomic_bool over;
    pthread_mutex_t lock; /* of what follows */
    char trouble[GH_ERROR_TEXT_BYTES];
};

static void found(void *context, struct gh_bytes text)
{
    struct gh_see *see = context;

    gh_reading_text(&see->reading, &see->frame, text);
}

static void look(struct gh_see *see, const struct gh_frame *frame)
{
    gh_reading_begin(&see->reading, &see->frame, frame->captured_ns);
    enum gh_status status = gh_decoder_scan(see->decoder, frame, found, see, NULL);
    atomic_fetch_add(&see->frames, 1);
    if (status != GH_OK) {
        atomic_fetch_add(&see->broken_frames, 1);
        gh_log(GH_LOG_WARNING, "see", "a frame could not be scanned: %s", gh_status_text(status));
    }
    gh_reading_end(&see->frame);
}

static void set_trouble(struct gh_see *see, const char *text)
{
    pthread_mutex_lock(&see->lock);
    snprintf(see->trouble, sizeof(see->trouble), "%s", text);
    pthread_mutex_unlock(&see->lock);
}

void gh_see_trouble(struct gh_see *see, char trouble[GH_ERROR_TEXT_BYTES])
{
    pthread_mutex_lock(&see->lock);
    memcpy(trouble, see->trouble, GH_ERROR_TEXT_BYTES);
    pthread_mutex_unlock(&see->lock);
}

static void *see_main(void *argument)
{
    struct gh_see *see = argument;

    (void)prctl(PR_SET_NAME, "camera");
    while (!atomic_load(&see->stop)) {
        struct gh_frame frame;
        struct gh_error err = {0};

        enum gh_status status = see->camera.next(see->camera.context, TURN_MS, &frame, &err);
        atomic_fetch_add(&see->turns, 1);
        if (status == GH_OK) {
            set_trouble(see, "");
            look(see, &frame);
        } else if (status == GH_ERR_CORRUPT) {
            atomic_fetch_add(&see->broken_frames, 1);
            gh_log(GH_LOG_WARNING, "camera", "%s", err.text);
        } else if (status == GH_ERR_END) {
            gh_log(GH_LOG_NOTICE, "camera", "the replay is over");
            atomic_store(&see->over, true);
            break;
        } else if (status != GH_ERR_AGAIN) {
            set_trouble(see, err.text);
            gh_log(GH_LOG_ERR, "camera", "%s", err.text);
        }
    }
    return NULL;
}

/* Signals are the main loop's: block them all before the thread starts, so that it never gets one.
 */
static int start_thread(struct gh_see *see)
{
    sigset_t all, before;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int failed = pthread_create(&see->thread, NULL, see_main, see);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return failed;
}

enum gh_status gh_see_start(const struct gh_camera *camera, const struct gh_clock *clock,
                            struct gh_queue *queue, struct gh_see **out, struct gh_error *err)
{
    *out = NULL;
    struct gh_see *see = calloc(1, sizeof(*see));
    if (!see)
        return gh_fail(err, GH_ERR_NOMEM, "no memory for the camera's thread");
    see->camera = *camera;
    enum gh_status status = gh_decoder_new(camera->max_width, camera->max_height, &see->decoder);
    if (status != GH_OK) {
        free(see);
        return gh_fail(err, status, "the decoder cannot start: %s", gh_status_text(status));
    }
    gh_reading_init(&see->reading, clock, queue);
    pthread_mutex_init(&see->lock, NULL);
    int failed = start_thread(see);
    if (failed) {
        pthread_mutex_destroy(&see->lock);
        gh_reading_destroy(&see->reading);
        gh_decoder_free(see->decoder);
        free(see);
        return gh_fail(err, gh_status_from_errno(failed), "the camera's thread cannot start: %s",
                       strerror(failed));
    }
    *out = see;
    return GH_OK;
}

void gh_see_set_trust(struct gh_see *see, struct gh_trust *trust)
{
    gh_reading_set_trust(&see->reading, trust);
}

void gh_see_set_asker(struct gh_see *see, gh_see_ask_fn *ask, void *context)
{
    gh_reading_set_asker(&see->reading, ask, context);
}

void gh_see_text(struct gh_see *see, struct gh_reading_source *source, struct gh_bytes text)
{
    gh_reading_begin(&see->reading, source, gh_clock_monotonic_ns(see->reading.clock));
    gh_reading_text(&see->reading, source, text);
    gh_reading_end(source);
}

struct gh_see_counts gh_see_count(const struct gh_see *see)
{
    return (struct gh_see_counts){
        .frames = atomic_load(&see->frames),
        .codes = atomic_load(&see->reading.codes),
        .broken_frames = atomic_load(&see->broken_frames),
        .turns = atomic_load(&see->turns),
        .over = atomic_load(&see->over),
    };
}

void gh_see_stop(struct gh_see *see)
{
    if (!see)
        return;
    atomic_store(&see->stop, true);
    see->camera.wake(see->camera.context);
    pthread_join(see->thread, NULL);
    see->camera.free(see->camera.context);
    gh_decoder_free(see->decoder);
    pthread_mutex_destroy(&see->lock);
    gh_reading_destroy(&see->reading);
    gh_reading_forget(&see->frame);
    free(see);
}
