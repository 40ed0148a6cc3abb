/* SPDX-License-Identifier: Apache-2.0 */
/* WAV files to test with, right and wrong ones. */
#ifndef GATEHOUSE_TESTS_FAKES_WAV_WRITER_H
#define GATEHOUSE_TESTS_FAKES_WAV_WRITER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* 0: what a good file has: 16000 frames a second, one channel, 16 bits, PCM, sizes as they are. */
struct wav_shape {
    size_t frames; /* a soft tone */
    uint32_t rate;
    unsigned channels, bits, coding, frame_bytes;
    uint32_t riff_bytes, format_bytes, sound_bytes; /* as said */
    bool extensible;                                /* the coding is named by a GUID */
    bool no_format;
    bool list_before, list_behind; /* a chunk that says something else */
    bool odd_chunk;                /* likewise, before, with an odd size */
};
struct wav_file {
    uint8_t *data; /* malloc'ed */
    size_t size;
    size_t sound; /* where it begins */
};
struct wav_file wav_file_make(const struct wav_shape *shape);
void wav_file_free(struct wav_file *file);

#endif
