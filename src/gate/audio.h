/* SPDX-License-Identifier: Apache-2.0 */
/* What plays sound: ALSA, or a fake. Used by the voice's thread only. */
#ifndef GATEHOUSE_SRC_GATE_AUDIO_H
#define GATEHOUSE_SRC_GATE_AUDIO_H

#include <stdbool.h>

#include "gatehouse/status.h"
#include "gatehouse/wav.h"

/* Contract: open, then any number of writes, then close; again and again.
 * - open prepares for frames of the form that this file has.
 *   GH_ERR_NOTFOUND, GH_ERR_BUSY, GH_ERR_DENIED, GH_ERR_UNSUPPORTED (the form), GH_ERR_IO, said in
 *   err.
 * - write takes `count` whole frames and returns when there is room for more: sooner or later as
 *   long as they take to play, at most two seconds. A pause in between is no error. GH_ERR_GONE:
 * the device is not there any more; GH_ERR_IO.
 * - close: with drain what was written is heard to its end first (again two seconds at most), else
 *   it falls silent at once. */
struct gh_audio {
    enum gh_status (*open)(void *context, const struct gh_wav *form, struct gh_error *err);
    enum gh_status (*write)(void *context, const void *frames, size_t count, struct gh_error *err);
    void (*close)(void *context, bool drain);
    void (*free)(void *context);
    void *context;
};

/* device: an ALSA PCM ("default", "plughw:CARD=Device"). Nothing is opened yet. GH_ERR_NOMEM. */
GH_MUST_CHECK enum gh_status gh_audio_alsa_new(const char *device, struct gh_audio *out);

#endif
