/* SPDX-License-Identifier: Apache-2.0 */
#include <alsa/asoundlib.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "gate/audio.h"

#define LATENCY_US 200000 /* short enough to fall silent at once, long enough for a busy board */
#define WAIT_MS 2000
#define RECOVERIES_MAX 16 /* in a row: it takes nothing and never will */

struct alsa {
    char *device;
    snd_pcm_t *pcm; /* NULL: closed */
};

static enum gh_status fail(struct gh_error *err, const char *device, int code)
{
    bool none = code == -ENOENT || code == -ENODEV || code == -ENXIO;
    return gh_fail(err, none ? GH_ERR_NOTFOUND : gh_status_from_errno(-code),
                   "sound device %.80s: %s", device, snd_strerror(code));
}

static void alsa_close(void *context, bool drain)
{
    struct alsa *alsa = context;

    if (!alsa->pcm)
        return;
    if (!drain) {
        (void)snd_pcm_drop(alsa->pcm);
    } else if (snd_pcm_state(alsa->pcm) == SND_PCM_STATE_RUNNING ||
               snd_pcm_state(alsa->pcm) == SND_PCM_STATE_PREPARED) {
        /* Not blocking: a device that hangs must not hang the voice. */
        (void)snd_pcm_nonblock(alsa->pcm, 1);
        (void)snd_pcm_drain(alsa->pcm);
        for (int waited_ms = 0;
             waited_ms < WAIT_MS && snd_pcm_state(alsa->pcm) == SND_PCM_STATE_DRAINING;
             waited_ms += 20)
            (void)poll(NULL, 0, 20);
    }
    (void)snd_pcm_close(alsa->pcm);
    alsa->pcm = NULL;
}

static enum gh_status alsa_open(void *context, const struct gh_wav *form, struct gh_error *err)
{
    struct alsa *alsa = context;

    alsa_close(alsa, false);
    /* Opened without blocking, or a device that somebody else has would be waited for for ever. */
    int code = snd_pcm_open(&alsa->pcm, alsa->device, SND_PCM_STREAM_PLAYBACK, SND_PCM_NONBLOCK);
    if (code < 0) {
        alsa->pcm = NULL;
        return fail(err, alsa->device, code);
    }
    code = snd_pcm_set_params(alsa->pcm, SND_PCM_FORMAT_S16_LE, SND_PCM_ACCESS_RW_INTERLEAVED,
                              form->channels, form->rate, 1, LATENCY_US);
    if (code < 0) {
        alsa_close(alsa, false);
        return code == -EINVAL ? gh_fail(err, GH_ERR_UNSUPPORTED,
                                         "sound device %.80s takes no %u Hz with %u channels",
                                         alsa->device, form->rate, form->channels)
                               : fail(err, alsa->device, code);
    }
    return GH_OK;
}

static enum gh_status alsa_write(void *context, const void *frames, size_t count,
                                 struct gh_error *err)
{
    struct alsa *alsa = context;
    const char *at = frames;
    unsigned recoveries = 0;

    while (count > 0) {
        snd_pcm_sframes_t put = snd_pcm_writei(alsa->pcm, at, count);
        if (put == -EAGAIN) {
            int ready = snd_pcm_wait(alsa->pcm, WAIT_MS);
            if (ready == 0)
                return gh_fail(err, GH_ERR_IO, "sound device %.80s does not go on", alsa->device);
            put = ready < 0 ? ready : 0;
        }
        if (put == -ENODEV || put == -EBADFD)
            return gh_fail(err, GH_ERR_GONE, "sound device %.80s has gone", alsa->device);
        if (put < 0) { /* an underrun, or the board was asleep: it goes on after a gap */
            int code =
                recoveries++ < RECOVERIES_MAX ? snd_pcm_recover(alsa->pcm, (int)put, 1) : (int)put;
            if (code < 0)
                return fail(err, alsa->device, code);
            continue;
        }
        recoveries = put > 0 ? 0 : recoveries;
        at += snd_pcm_frames_to_bytes(alsa->pcm, put);
        count -= (size_t)put;
    }
    return GH_OK;
}

static void alsa_free(void *context)
{
    struct alsa *alsa = context;

    alsa_close(alsa, false);
    free(alsa->device);
    free(alsa);
    (void)snd_config_update_free_global();
}

/* ALSA says on stderr what its callers are told anyway. */
static void be_silent(const char *file, int line, const char *function, int code,
                      const char *format, ...)
{
    (void)file;
    (void)line;
    (void)function;
    (void)code;
    (void)format;
}

enum gh_status gh_audio_alsa_new(const char *device, struct gh_audio *out)
{
    struct alsa *alsa = calloc(1, sizeof(*alsa));

    *out = (struct gh_audio){0};
    if (alsa)
        alsa->device = strdup(device);
    if (!alsa || !alsa->device) {
        free(alsa);
        return GH_ERR_NOMEM;
    }
    (void)snd_lib_error_set_handler(be_silent);
    *out = (struct gh_audio){.open = alsa_open,
                             .write = alsa_write,
                             .close = alsa_close,
                             .free = alsa_free,
                             .context = alsa};
    return GH_OK;
}
