/* SPDX-License-Identifier: Apache-2.0 */
/* Sound files, as gates play them: RIFF/WAVE, PCM of 16 bits, one or two channels, 8000 to 48000
 * Hz, at most a minute. One reader for what a server takes and what a gate plays. Pure: no I/O. */
#ifndef GATEHOUSE_WAV_H
#define GATEHOUSE_WAV_H

#include "gatehouse/bytes.h"

#define GH_WAV_RATE_MIN 8000
#define GH_WAV_RATE_MAX 48000
#define GH_WAV_CHANNELS_MAX 2
#define GH_WAV_LONGEST_S 60

struct gh_wav {
    unsigned rate;         /* frames a second */
    unsigned channels;     /* a frame is a sample of each, the left one first */
    size_t frames;         /* at least 1 */
    struct gh_bytes sound; /* the frames: samples of 16 bits with sign, least significant byte
                              first, at no particular alignment; borrowed from the file */
};

/* The whole file. GH_ERR_INVALID: it is no WAV file, or there is no sound in it; GH_ERR_TRUNCATED:
 * it ends before the sound that it names does; GH_ERR_UNSUPPORTED: another coding, rate, or number
 * of channels; GH_ERR_TOOBIG: longer than GH_WAV_LONGEST_S. *out is all zero on error, and err says
 * what is wrong. */
GH_MUST_CHECK enum gh_status gh_wav_parse(struct gh_bytes file, struct gh_wav *out,
                                          struct gh_error *err);

/* How long it takes to play once, in ms, a part of one counted whole. */
int64_t gh_wav_ms(const struct gh_wav *wav);

#endif
