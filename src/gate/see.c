/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/see.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "gatehouse/decode.h"
#include "gatehouse/log.h"

#define TURN_MS 500

struct gh_see {
    pthread_t thread;
    atomic_bool stop;
    struct gh_camera camera;
    const struct gh_clock *clock;
    struct gh_queue *queue;
    struct gh_decoder *decoder;
    pthread_mutex_t trust_lock;
    struct gh_trust *trust;
    gh_see_ask_fn *ask; /* NULL: nobody is asked */
    void *ask_context;
    /* the frame that is being looked at */
    struct gh_trust *frame_trust;
    gh_see_ask_fn *frame_ask;
    void *frame_ask_context;
    int64_t captured_ns;
    struct gh_parts parts; /* of a card that is shown one chunk after the other */
    atomic_uint_fast64_t frames, codes, broken_frames, turns;
    atomic_bool over;
};

void gh_see_read(struct gh_bytes text, const struct gh_trust *trust, int64_t now_s,
                 int64_t captured_ns, struct gh_sighting *out)
{
    memset(out, 0, sizeof(*out));
    out->captured_ns = captured_ns;
    gh_code_read(trust, text, now_s, &out->credential);
    if (out->credential.kind == GH_KIND_ENROLMENT && out->credential.reason == GH_REASON_OK)
        out->credential.reason = gh_enrolment_read(text, now_s, &out->enrolment);
}

static void push(struct gh_see *see, struct gh_sighting *sighting)
{
    if (!gh_queue_push(see->queue, sighting))
        gh_log(GH_LOG_WARNING, "see", "the gate is busy: a code that was seen was dropped");
    gh_wipe(&sighting->enrolment.token, sizeof(sighting->enrolment.token));
}

/* A chunk of a card: as long as others are missing, the chunk itself says that they are waited for.
 */
static void found_chunk(struct gh_see *see, struct gh_bytes text, int64_t now_s)
{
    const struct gh_parts *parts = &see->parts;
    struct gh_sighting sighting = {.captured_ns = see->captured_ns};

    if (parts->have == parts->count)
        gh_code_read_parts(see->frame_trust, parts->part, parts->count, now_s,
                           &sighting.credential);
    else
        gh_code_read(see->frame_trust, text, now_s, &sighting.credential);
    push(see, &sighting);
}

/* Codes that mean nothing here may mean something to the health authority. */
static void ask_about(const struct gh_see *see, struct gh_bytes text,
                      struct gh_credential *credential)
{
    bool unknown =
        credential->reason == GH_REASON_NOT_A_CODE || credential->reason == GH_REASON_FOREIGN;

    if (unknown && see->frame_ask && see->frame_ask(see->frame_ask_context, text, credential))
        credential->reason = GH_REASON_WAIT_ANSWER;
}

static void found(void *context, struct gh_bytes text)
{
    struct gh_see *see = context;
    int64_t now_s = gh_clock_wall_s(see->clock);
    struct gh_sighting sighting;

    atomic_fetch_add(&see->codes, 1);
    if (gh_parts_take(&see->parts, text, see->captured_ns)) {
        found_chunk(see, text, now_s);
        return;
    }
    gh_see_read(text, see->frame_trust, now_s, see->captured_ns, &sighting);
    ask_about(see, text, &sighting.credential);
    push(see, &sighting);
}

static void look(struct gh_see *see, const struct gh_frame *frame)
{
    pthread_mutex_lock(&see->trust_lock);
    see->frame_trust = see->trust ? gh_trust_ref(see->trust) : NULL;
    see->frame_ask = see->ask;
    see->frame_ask_context = see->ask_context;
    pthread_mutex_unlock(&see->trust_lock);

    see->captured_ns = frame->captured_ns;
    /* Who has walked away leaves nothing behind. */
    if (see->parts.count > 0 &&
        frame->captured_ns - see->parts.last_ns >= GH_PARTS_PAUSE_S * GH_NS_PER_S)
        gh_parts_forget(&see->parts);
    enum gh_status status = gh_decoder_scan(see->decoder, frame, found, see, NULL);
    atomic_fetch_add(&see->frames, 1);
    if (status != GH_OK) {
        atomic_fetch_add(&see->broken_frames, 1);
        gh_log(GH_LOG_WARNING, "see", "a frame could not be scanned: %s", gh_status_text(status));
    }
    gh_trust_unref(see->frame_trust);
    see->frame_trust = NULL;
}

static void *see_main(void *argument)
{
    struct gh_see *see = argument;

    while (!atomic_load(&see->stop)) {
        struct gh_frame frame;
        struct gh_error err = {0};

        enum gh_status status = see->camera.next(see->camera.context, TURN_MS, &frame, &err);
        atomic_fetch_add(&see->turns, 1);
        if (status == GH_OK) {
            look(see, &frame);
        } else if (status == GH_ERR_CORRUPT) {
            atomic_fetch_add(&see->broken_frames, 1);
            gh_log(GH_LOG_WARNING, "camera", "%s", err.text);
        } else if (status == GH_ERR_END) {
            gh_log(GH_LOG_NOTICE, "camera", "the replay is over");
            atomic_store(&see->over, true);
            break;
        } else if (status != GH_ERR_AGAIN) {
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
    see->clock = clock;
    see->queue = queue;
    enum gh_status status = gh_decoder_new(camera->max_width, camera->max_height, &see->decoder);
    if (status != GH_OK) {
        free(see);
        return gh_fail(err, status, "the decoder cannot start: %s", gh_status_text(status));
    }
    pthread_mutex_init(&see->trust_lock, NULL);
    int failed = start_thread(see);
    if (failed) {
        pthread_mutex_destroy(&see->trust_lock);
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
    struct gh_trust *taken = trust ? gh_trust_ref(trust) : NULL;

    pthread_mutex_lock(&see->trust_lock);
    struct gh_trust *before = see->trust;
    see->trust = taken;
    pthread_mutex_unlock(&see->trust_lock);
    gh_trust_unref(before);
}

void gh_see_set_asker(struct gh_see *see, gh_see_ask_fn *ask, void *context)
{
    pthread_mutex_lock(&see->trust_lock);
    see->ask = ask;
    see->ask_context = context;
    pthread_mutex_unlock(&see->trust_lock);
}

struct gh_see_counts gh_see_count(const struct gh_see *see)
{
    return (struct gh_see_counts){
        .frames = atomic_load(&see->frames),
        .codes = atomic_load(&see->codes),
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
    gh_trust_unref(see->trust);
    pthread_mutex_destroy(&see->trust_lock);
    gh_parts_forget(&see->parts);
    free(see);
}
