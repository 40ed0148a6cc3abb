/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/voice.h"

#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "gate/audio.h"
#include "gate/voice_parts.h"
#include "gate/voice_queue.h"
#include "gatehouse/file.h"
#include "gatehouse/log.h"

#define RETRY_NS (5 * GH_NS_PER_S)
#define CHUNK_MS 50
#define LANGUAGES_MAX 4

struct gh_voice {
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t changed; /* CLOCK_MONOTONIC */
    const struct gh_clock *clock;
    struct gh_queue *announced;
    struct gh_audio audio;
    bool has_device;
    char languages[LANGUAGES_MAX][16];
    size_t language_count;
    const char *folders[GH_VOICE_FOLDERS];
    /* behind the lock */
    struct gh_voice_queue queue;
    struct gh_voice_state state;
    bool stop;
    /* the thread's own */
    int64_t retry_ns; /* a device that failed is left alone until then */
};

/* --- from outside --- */

void gh_voice_prompt(struct gh_voice *voice, enum gh_prompt prompt)
{
    if (!voice->has_device)
        return;
    pthread_mutex_lock(&voice->lock);
    gh_voice_queue_prompt(&voice->queue, prompt, gh_clock_monotonic_ns(voice->clock));
    pthread_cond_signal(&voice->changed);
    pthread_mutex_unlock(&voice->lock);
}

static void tell(struct gh_voice *voice, gh_id id, enum gh_announcement_event event)
{
    struct gh_announced announced = {.id = id, .event = event};

    if (!gh_queue_push(voice->announced, &announced))
        gh_log(GH_LOG_ERR, "voice", "the gate is busy: what became of an announcement is lost");
}

void gh_voice_announce(struct gh_voice *voice, const struct gh_announcement_job *job)
{
    const struct gh_announcement *announcement = &job->announcement;

    if (!voice->has_device && !announcement->cancelled) {
        tell(voice, announcement->id, GH_ANNOUNCEMENT_SILENT);
        return;
    }
    pthread_mutex_lock(&voice->lock);
    bool taken = gh_voice_queue_announce(&voice->queue, job);
    pthread_cond_signal(&voice->changed);
    pthread_mutex_unlock(&voice->lock);
    if (!taken)
        tell(voice, announcement->id, GH_ANNOUNCEMENT_FAILED);
}

struct gh_voice_state gh_voice_look(struct gh_voice *voice)
{
    pthread_mutex_lock(&voice->lock);
    struct gh_voice_state state = voice->state;
    pthread_mutex_unlock(&voice->lock);
    return state;
}

/* --- the thread: playing --- */

static void set_trouble(struct gh_voice *voice, const char *text)
{
    pthread_mutex_lock(&voice->lock);
    bool news = strcmp(voice->state.trouble, text) != 0;
    snprintf(voice->state.trouble, sizeof(voice->state.trouble), "%s", text);
    voice->state.device_open = text[0] == '\0';
    pthread_mutex_unlock(&voice->lock);
    if (news && text[0] != '\0')
        gh_log(GH_LOG_WARNING, "voice", "%s", text);
    else if (news)
        gh_log(GH_LOG_NOTICE, "voice", "the sound device is heard again");
}

static bool goes_on(struct gh_voice *voice, const struct gh_voice_turn *turn)
{
    pthread_mutex_lock(&voice->lock);
    bool on = !voice->stop &&
              gh_voice_queue_goes_on(&voice->queue, turn, gh_clock_monotonic_ns(voice->clock),
                                     gh_clock_wall_s(voice->clock));
    pthread_mutex_unlock(&voice->lock);
    return on;
}

/* In pieces, so that what comes first need not wait. GH_ERR_AGAIN: it was broken off. */
static enum gh_status play_frames(struct gh_voice *voice, const struct gh_voice_turn *turn,
                                  const struct gh_wav *wav, struct gh_error *err)
{
    size_t frame_bytes = wav->sound.size / wav->frames;
    size_t most = (size_t)wav->rate * CHUNK_MS / 1000;

    for (size_t played = 0; played < wav->frames;) {
        if (!goes_on(voice, turn))
            return GH_ERR_AGAIN;
        size_t count = wav->frames - played < most ? wav->frames - played : most;
        enum gh_status status = voice->audio.write(
            voice->audio.context, wav->sound.data + played * frame_bytes, count, err);
        if (status != GH_OK)
            return status;
        played += count;
    }
    return GH_OK;
}

/* GH_ERR_AGAIN: broken off. *of_device: what failed was not the file. */
static enum gh_status play_file(struct gh_voice *voice, const struct gh_voice_turn *turn,
                                const char *path, bool *of_device)
{
    struct gh_error err = {0};
    struct gh_wav wav;
    GH_CLEANUP_FREE uint8_t *data = NULL;

    *of_device = false;
    enum gh_status status = gh_voice_read_sound(path, &data, &wav, &err);
    if (status != GH_OK) {
        gh_log(GH_LOG_WARNING, "voice", "not played: %s", err.text);
        return status;
    }
    status = voice->audio.open(voice->audio.context, &wav, &err);
    if (status == GH_OK) {
        set_trouble(voice, "");
        status = play_frames(voice, turn, &wav, &err);
        voice->audio.close(voice->audio.context, status == GH_OK);
    }
    if (status != GH_OK && status != GH_ERR_AGAIN)
        set_trouble(voice, err.text);
    /* What it cannot play now it never can, and others are not to wait for that. */
    if (status != GH_OK && status != GH_ERR_AGAIN && status != GH_ERR_UNSUPPORTED) {
        *of_device = true;
        voice->retry_ns = gh_clock_monotonic_ns(voice->clock) + RETRY_NS;
    }
    return status;
}

/* A file that is no sound gives way to the next folder's. */
static enum gh_status play_in(struct gh_voice *voice, const struct gh_voice_turn *turn,
                              const char *language, bool *of_device)
{
    char path[PATH_MAX];
    size_t folder = 0;
    enum gh_status status = GH_ERR_NOTFOUND;

    *of_device = false;
    while (status != GH_OK && status != GH_ERR_AGAIN && !*of_device &&
           gh_voice_find_prompt(voice->folders, &folder, language, turn->prompt, path))
        status = play_file(voice, turn, path, of_device);
    return status;
}

static void play_prompt(struct gh_voice *voice, const struct gh_voice_turn *turn)
{
    bool of_device, heard = false;

    for (size_t i = 0; i < voice->language_count; i++) {
        enum gh_status status = play_in(voice, turn, voice->languages[i], &of_device);
        if (status == GH_ERR_AGAIN || of_device)
            return;
        heard = heard || status == GH_OK;
    }
    pthread_mutex_lock(&voice->lock);
    voice->state.prompts += heard;
    pthread_mutex_unlock(&voice->lock);
}

static void play_announcement(struct gh_voice *voice, const struct gh_voice_turn *turn)
{
    bool of_device;
    enum gh_status status = play_file(voice, turn, turn->path, &of_device);
    bool over = status == GH_OK, failed = status != GH_OK && status != GH_ERR_AGAIN && !of_device;

    pthread_mutex_lock(&voice->lock);
    if (over)
        over = gh_voice_queue_played(&voice->queue, turn->announcement,
                                     gh_clock_monotonic_ns(voice->clock));
    if (failed)
        gh_voice_queue_drop(&voice->queue, turn->announcement);
    voice->state.announcements += over;
    pthread_mutex_unlock(&voice->lock);
    if (over)
        tell(voice, turn->announcement, GH_ANNOUNCEMENT_PLAYED);
    if (failed)
        tell(voice, turn->announcement, GH_ANNOUNCEMENT_FAILED);
}

/* --- the thread: waiting --- */

static void wait_until(struct gh_voice *voice, int64_t until_ns)
{
    int64_t for_ns = until_ns - gh_clock_monotonic_ns(voice->clock);
    struct timespec at;

    if (until_ns == INT64_MAX) {
        pthread_cond_wait(&voice->changed, &voice->lock);
        return;
    }
    if (for_ns <= 0)
        return;
    clock_gettime(CLOCK_MONOTONIC, &at);
    for_ns += at.tv_nsec;
    at.tv_sec += (time_t)(for_ns / GH_NS_PER_S);
    at.tv_nsec = (long)(for_ns % GH_NS_PER_S);
    (void)pthread_cond_timedwait(&voice->changed, &voice->lock, &at);
}

static void tell_expired(struct gh_voice *voice)
{
    gh_id id;

    while (gh_voice_queue_expired(&voice->queue, gh_clock_wall_s(voice->clock), &id))
        tell(voice, id, GH_ANNOUNCEMENT_EXPIRED);
}

/* With the lock. false: it is time to end. */
static bool next_turn(struct gh_voice *voice, struct gh_voice_turn *turn)
{
    while (!voice->stop) {
        tell_expired(voice);
        int64_t now_ns = gh_clock_monotonic_ns(voice->clock);
        gh_voice_queue_next(&voice->queue, now_ns, gh_clock_wall_s(voice->clock), turn);
        if (turn->type == GH_TURN_NOTHING)
            wait_until(voice, turn->wake_ns);
        else if (turn->type == GH_TURN_ANNOUNCEMENT && now_ns < voice->retry_ns)
            wait_until(voice, voice->retry_ns);
        else if (now_ns >= voice->retry_ns)
            return true;
    }
    return false;
}

/* err: of the installer's folder, if it cannot be read; or of a file that is there and is no sound,
 * if there is one. */
static unsigned missing(const struct gh_voice *voice, struct gh_error *err)
{
    const char *own = voice->folders[0];
    unsigned count = 0;

    if (own && own[0] != '\0' && access(own, R_OK | X_OK) != 0)
        (void)gh_fail(err, gh_status_from_errno(errno), "[sound] folder = %.120s: %s", own,
                      strerror(errno));
    for (int prompt = GH_PROMPT_NONE + 1; prompt < GH_PROMPT_COUNT; prompt++)
        for (size_t i = 0; i < voice->language_count; i++)
            count += !gh_voice_has_prompt(voice->folders, voice->languages[i],
                                          (enum gh_prompt)prompt, err);
    return count;
}

/* In the thread: reading them all takes a while on a slow card. */
static void count_missing(struct gh_voice *voice)
{
    struct gh_error err = {0};
    unsigned count = voice->has_device ? missing(voice, &err) : 0;

    if (err.status != GH_OK)
        gh_log(GH_LOG_WARNING, "voice", "%s", err.text);
    if (count > 0)
        gh_log(GH_LOG_WARNING, "voice", "%u prompts have no file and are not spoken", count);
    pthread_mutex_lock(&voice->lock);
    voice->state.prompts_missing = count;
    pthread_mutex_unlock(&voice->lock);
}

static void *voice_main(void *argument)
{
    struct gh_voice *voice = argument;
    struct gh_voice_turn turn;

    count_missing(voice);
    pthread_mutex_lock(&voice->lock);
    while (next_turn(voice, &turn)) {
        pthread_mutex_unlock(&voice->lock);
        if (turn.type == GH_TURN_ANNOUNCEMENT)
            play_announcement(voice, &turn);
        else
            play_prompt(voice, &turn);
        pthread_mutex_lock(&voice->lock);
    }
    pthread_mutex_unlock(&voice->lock);
    return NULL;
}

/* --- start and end --- */

static enum gh_status take_languages(struct gh_voice *voice, const char *languages,
                                     struct gh_error *err)
{
    char text[64], *rest = text;

    if (strlen(languages) >= sizeof(text))
        return gh_fail(err, GH_ERR_TOOBIG, "the list of languages is too long");
    snprintf(text, sizeof(text), "%s", languages);
    for (char *word = strtok_r(text, ", ", &rest); word; word = strtok_r(NULL, ", ", &rest)) {
        if (voice->language_count == LANGUAGES_MAX || strlen(word) >= sizeof(voice->languages[0]) ||
            strspn(word, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-_") != strlen(word))
            return gh_fail(err, GH_ERR_INVALID,
                           "languages are at most %d folders' names such as zh,en; not \"%s\"",
                           LANGUAGES_MAX, languages);
        snprintf(voice->languages[voice->language_count++], sizeof(voice->languages[0]), "%s",
                 word);
    }
    return GH_OK;
}

enum gh_status gh_voice_check_languages(const char *languages, struct gh_error *err)
{
    struct gh_voice voice = {.language_count = 0};

    return take_languages(&voice, languages, err);
}

static int start_thread(struct gh_voice *voice)
{
    sigset_t all, before;
    pthread_condattr_t attributes;

    pthread_mutex_init(&voice->lock, NULL);
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&voice->changed, &attributes);
    pthread_condattr_destroy(&attributes);
    sigfillset(&all); /* signals are the main loop's */
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int failed = pthread_create(&voice->thread, NULL, voice_main, voice);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (failed) {
        pthread_cond_destroy(&voice->changed);
        pthread_mutex_destroy(&voice->lock);
    }
    return failed;
}

enum gh_status gh_voice_start_with(const struct gh_voice_options *options,
                                   const struct gh_audio *audio, struct gh_voice **out,
                                   struct gh_error *err)
{
    *out = NULL;
    struct gh_voice *voice = calloc(1, sizeof(*voice));
    if (!voice)
        return gh_fail(err, GH_ERR_NOMEM, "no memory for the voice");
    voice->clock = options->clock;
    voice->announced = options->announced;
    voice->has_device = audio != NULL;
    voice->retry_ns = INT64_MIN;
    memcpy(voice->folders, options->folders, sizeof(voice->folders));
    gh_voice_queue_init(&voice->queue);
    enum gh_status status = take_languages(voice, options->languages, err);
    if (audio)
        voice->audio = *audio;
    int failed = status == GH_OK ? start_thread(voice) : 0;
    if (failed)
        status = gh_fail(err, gh_status_from_errno(failed), "the voice's thread cannot start: %s",
                         strerror(failed));
    if (status != GH_OK) {
        free(voice);
        return status;
    }
    *out = voice;
    return GH_OK;
}

enum gh_status gh_voice_start(const struct gh_voice_options *options, struct gh_voice **out,
                              struct gh_error *err)
{
    struct gh_audio audio;

    *out = NULL;
    if (options->device[0] == '\0')
        return gh_voice_start_with(options, NULL, out, err);
    enum gh_status status = gh_audio_alsa_new(options->device, &audio);
    if (status != GH_OK)
        return gh_fail(err, status, "no memory for the sound device");
    status = gh_voice_start_with(options, &audio, out, err);
    if (status != GH_OK)
        audio.free(audio.context);
    return status;
}

enum gh_status gh_voice_check(const struct gh_voice_options *options,
                              char says[GH_VOICE_SAYS_BYTES], struct gh_error *err)
{
    static const struct gh_wav form = {.rate = 22050, .channels = 1}; /* the prompts' */
    struct gh_voice voice = {.language_count = 0};
    struct gh_audio audio;

    memcpy(voice.folders, options->folders, sizeof(voice.folders));
    enum gh_status status = take_languages(&voice, options->languages, err);
    if (status != GH_OK)
        return status;
    status = gh_audio_alsa_new(options->device, &audio);
    if (status != GH_OK)
        return gh_fail(err, status, "no memory for the sound device");
    status = audio.open(audio.context, &form, err);
    audio.free(audio.context);
    bool busy = status == GH_ERR_BUSY;
    if (status != GH_OK && !busy)
        return status;
    struct gh_error wrong = {0};
    unsigned count = missing(&voice, &wrong);
    if (busy && err)
        *err = (struct gh_error){0};
    if (wrong.status != GH_OK)
        return gh_fail(err, wrong.status, "%s", wrong.text);
    int length = snprintf(says, GH_VOICE_SAYS_BYTES, "%s%s", options->device,
                          busy ? " is in use by another program" : "");
    if (count > 0 && length > 0 && length < GH_VOICE_SAYS_BYTES)
        snprintf(says + length, GH_VOICE_SAYS_BYTES - (size_t)length,
                 "; %u prompts have no sound file", count);
    return GH_OK;
}

void gh_voice_stop(struct gh_voice *voice)
{
    if (!voice)
        return;
    pthread_mutex_lock(&voice->lock);
    voice->stop = true;
    pthread_cond_signal(&voice->changed);
    pthread_mutex_unlock(&voice->lock);
    pthread_join(voice->thread, NULL);
    if (voice->has_device)
        voice->audio.free(voice->audio.context);
    pthread_cond_destroy(&voice->changed);
    pthread_mutex_destroy(&voice->lock);
    free(voice);
}
