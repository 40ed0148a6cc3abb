/* SPDX-License-Identifier: Apache-2.0 */
#include "fakes/wav_writer.h"

#include <stdlib.h>
#include <string.h>

#define HEAD_MAX_BYTES 256

static void put(struct wav_file *file, const void *data, size_t size)
{
    memcpy(file->data + file->size, data, size);
    file->size += size;
}

static void put16(struct wav_file *file, unsigned value)
{
    put(file, (uint8_t[]){(uint8_t)value, (uint8_t)(value >> 8)}, 2);
}

static void put32(struct wav_file *file, uint32_t value)
{
    put16(file, value & 0xffff);
    put16(file, value >> 16);
}

static void put_chunk(struct wav_file *file, const char *name, const char *text)
{
    size_t size = strlen(text);
    put(file, name, 4);
    put32(file, (uint32_t)size);
    put(file, text, size);
    if (size % 2)
        put(file, "", 1);
}

static void put_format(struct wav_file *file, const struct wav_shape *shape)
{
    static const uint8_t family[] = {0x00, 0x00, 0x00, 0x00, 0x10, 0x00, 0x80,
                                     0x00, 0x00, 0xaa, 0x00, 0x38, 0x9b, 0x71};
    unsigned coding = shape->coding ? shape->coding : 1;
    unsigned channels = shape->channels ? shape->channels : 1;
    unsigned bits = shape->bits ? shape->bits : 16;
    uint32_t rate = shape->rate ? shape->rate : 16000;
    unsigned frame = shape->frame_bytes ? shape->frame_bytes : channels * bits / 8;
    uint32_t size = shape->extensible ? 40 : 16;
    put(file, "fmt ", 4);
    put32(file, shape->format_bytes ? shape->format_bytes : size);
    put16(file, shape->extensible ? 0xfffe : coding);
    put16(file, channels);
    put32(file, rate);
    put32(file, rate * frame);
    put16(file, frame);
    put16(file, bits);
    if (!shape->extensible)
        return;
    put16(file, 22);
    put16(file, bits);
    put32(file, 3); /* which channels */
    put16(file, coding);
    put(file, family, sizeof(family));
}

struct wav_file wav_file_make(const struct wav_shape *shape)
{
    unsigned channels = shape->channels == 2 ? 2 : 1;
    size_t sound = shape->frames * channels * 2;
    struct wav_file file = {.data = malloc(HEAD_MAX_BYTES + sound)};
    if (file.data == NULL)
        abort();
    put(&file, "RIFF", 4);
    put32(&file, shape->riff_bytes ? shape->riff_bytes : (uint32_t)(36 + sound));
    put(&file, "WAVE", 4);
    if (shape->list_before)
        put_chunk(&file, "LIST", "INFOISFT");
    if (shape->odd_chunk)
        put_chunk(&file, "note", "odd");
    if (!shape->no_format)
        put_format(&file, shape);
    put(&file, "data", 4);
    put32(&file, shape->sound_bytes ? shape->sound_bytes : (uint32_t)sound);
    file.sound = file.size;
    for (size_t i = 0; i < sound / 2; i++)
        put16(&file, (unsigned)((i / channels % 40 < 20 ? 800 : -800) + (int)(i % 7)));
    if (shape->list_behind)
        put_chunk(&file, "LIST", "INFOISFT");
    return file;
}

void wav_file_free(struct wav_file *file)
{
    free(file->data);
    *file = (struct wav_file){0};
}
