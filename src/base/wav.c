/* SPDX-License-Identifier: Apache-2.0 */
#include "gatehouse/wav.h"

#include <string.h>

#define HEAD_BYTES 12 /* RIFF, size, WAVE */
#define CHUNK_HEAD_BYTES 8
#define FORMAT_BYTES 16
#define EXTENSIBLE_BYTES 40
#define CODING_PCM 1
#define CODING_EXTENSIBLE 0xfffe
#define SAMPLE_BYTES 2

struct format {
    bool found;
    unsigned coding, channels, frame_bytes, bits;
    uint32_t rate;
};

static unsigned le16(const uint8_t *bytes)
{
    return (unsigned)bytes[0] | (unsigned)bytes[1] << 8;
}

static uint32_t le32(const uint8_t *bytes)
{
    return (uint32_t)le16(bytes) | (uint32_t)le16(bytes + 2) << 16;
}

static bool begins_with(struct gh_bytes bytes, const char tag[4])
{
    return bytes.size >= 4 && memcmp(bytes.data, tag, 4) == 0;
}

/* The coding that an extensible format names by a GUID, if it is one of those that have a number.
 */
static unsigned extended_coding(struct gh_bytes chunk)
{
    static const uint8_t family[] = {0x00, 0x00, 0x00, 0x00, 0x10, 0x00, 0x80,
                                     0x00, 0x00, 0xaa, 0x00, 0x38, 0x9b, 0x71};
    const uint8_t *guid = chunk.data + EXTENSIBLE_BYTES - 2 - sizeof(family);
    return memcmp(guid + 2, family, sizeof(family)) == 0 ? le16(guid) : CODING_EXTENSIBLE;
}

static enum gh_status read_format(struct gh_bytes chunk, struct format *out, struct gh_error *err)
{
    if (chunk.size < FORMAT_BYTES)
        return gh_fail(err, GH_ERR_INVALID, "the WAV file does not say what its sound is");
    *out = (struct format){.found = true,
                           .coding = le16(chunk.data),
                           .channels = le16(chunk.data + 2),
                           .rate = le32(chunk.data + 4),
                           .frame_bytes = le16(chunk.data + 12),
                           .bits = le16(chunk.data + 14)};
    if (out->coding == CODING_EXTENSIBLE && chunk.size >= EXTENSIBLE_BYTES)
        out->coding = extended_coding(chunk);
    return GH_OK;
}

static enum gh_status check_format(const struct format *format, struct gh_error *err)
{
    if (!format->found)
        return gh_fail(err, GH_ERR_INVALID, "the WAV file does not say what its sound is");
    if (format->coding != CODING_PCM)
        return gh_fail(err, GH_ERR_UNSUPPORTED,
                       "the sound is coded in another way than PCM (coding %u)", format->coding);
    if (format->bits != 8 * SAMPLE_BYTES)
        return gh_fail(err, GH_ERR_UNSUPPORTED, "the sound has %u bits a sample, not 16",
                       format->bits);
    if (format->channels < 1 || format->channels > GH_WAV_CHANNELS_MAX)
        return gh_fail(err, GH_ERR_UNSUPPORTED, "the sound has %u channels, not one or two",
                       format->channels);
    if (format->rate < GH_WAV_RATE_MIN || format->rate > GH_WAV_RATE_MAX)
        return gh_fail(err, GH_ERR_UNSUPPORTED, "the sound has %u frames a second, not %d to %d",
                       (unsigned)format->rate, GH_WAV_RATE_MIN, GH_WAV_RATE_MAX);
    if (format->frame_bytes != format->channels * SAMPLE_BYTES)
        return gh_fail(err, GH_ERR_INVALID, "the WAV file contradicts itself about its frames");
    return GH_OK;
}

static enum gh_status take_sound(struct gh_bytes rest, uint32_t named, const struct format *format,
                                 struct gh_wav *out, struct gh_error *err)
{
    enum gh_status status = check_format(format, err);
    if (status != GH_OK)
        return status;
    if (named > rest.size)
        return gh_fail(err, GH_ERR_TRUNCATED, "the WAV file ends before its sound does");
    size_t frame_bytes = (size_t)format->channels * SAMPLE_BYTES;
    size_t frames = frame_bytes > 0 ? named / frame_bytes : 0;
    if (frames == 0)
        return gh_fail(err, GH_ERR_INVALID, "there is no sound in the WAV file");
    if (frames > (size_t)GH_WAV_LONGEST_S * format->rate)
        return gh_fail(err, GH_ERR_TOOBIG, "the sound is longer than %d s: %zu s", GH_WAV_LONGEST_S,
                       frames / format->rate);
    *out = (struct gh_wav){.rate = format->rate,
                           .channels = format->channels,
                           .frames = frames,
                           .sound = {rest.data, frames * frame_bytes}};
    return GH_OK;
}

static struct gh_bytes behind(struct gh_bytes bytes, size_t size)
{
    return (struct gh_bytes){bytes.data + size, bytes.size - size};
}

/* RIFF's own size is not looked at: what counts is where the chunks lie. */
enum gh_status gh_wav_parse(struct gh_bytes file, struct gh_wav *out, struct gh_error *err)
{
    struct format format = {0};
    *out = (struct gh_wav){0};
    if (file.size < HEAD_BYTES || !begins_with(file, "RIFF") ||
        !begins_with(behind(file, 8), "WAVE"))
        return gh_fail(err, GH_ERR_INVALID, "this is no WAV file");
    struct gh_bytes rest = behind(file, HEAD_BYTES);
    while (rest.size >= CHUNK_HEAD_BYTES) {
        struct gh_bytes head = rest;
        uint32_t size = le32(head.data + 4);
        rest = behind(rest, CHUNK_HEAD_BYTES);
        if (begins_with(head, "data"))
            return take_sound(rest, size, &format, out, err);
        if (size > rest.size)
            return gh_fail(err, GH_ERR_TRUNCATED, "the WAV file ends before its sound");
        if (begins_with(head, "fmt ")) {
            enum gh_status status = read_format((struct gh_bytes){rest.data, size}, &format, err);
            if (status != GH_OK)
                return status;
        }
        rest = behind(rest, size);
        if (size % 2 != 0 && rest.size > 0) /* chunks are padded to an even place */
            rest = behind(rest, 1);
    }
    return gh_fail(err, GH_ERR_INVALID, "there is no sound in the WAV file");
}

int64_t gh_wav_ms(const struct gh_wav *wav)
{
    return ((int64_t)wav->frames * 1000 + wav->rate - 1) / wav->rate;
}
