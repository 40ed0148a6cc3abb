/* SPDX-License-Identifier: Apache-2.0 */
#include "gatehouse/y4m.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "gatehouse/bytes.h"
#include "gatehouse/file.h"
#include "picture_formats.h"

#define LINE_BYTES 1024 /* the longest line of parameters; real ones have less than 100 */

struct gh_y4m {
    FILE *file;
    struct gh_y4m_info info;
    size_t chroma_bytes;   /* a frame's, behind its luma */
    enum gh_status failed; /* what every later call gives */
    char line[LINE_BYTES];
    uint8_t skipped[16384];
};

/* The names that mean 8 bits without an alpha plane; the part behind 420 says only where the chroma
 * samples lie. */
struct colours {
    const char *name;
    unsigned across; /* one chroma sample for so many pixels, 0 for no chroma */
    unsigned down;
};

static const struct colours known_colours[] = {
    {"420", 2, 2}, {"420jpeg", 2, 2}, {"420mpeg2", 2, 2}, {"420paldv", 2, 2},
    {"422", 2, 1}, {"444", 1, 1},     {"mono", 0, 0},
};

static enum gh_status read_failed(const struct gh_y4m *stream, struct gh_error *err)
{
    if (ferror(stream->file))
        return gh_fail(err, GH_ERR_IO, "the Y4M stream cannot be read");
    return gh_fail(err, GH_ERR_TRUNCATED, "the Y4M stream ends within a frame or its header");
}

/* One line without its end into stream->line. *at_end (may be NULL): nothing at all was left. */
static enum gh_status read_line(struct gh_y4m *stream, bool *at_end, struct gh_error *err)
{
    size_t size = 0;

    for (;;) {
        int byte = getc(stream->file);
        if (byte == EOF) {
            if (size == 0 && at_end != NULL && !ferror(stream->file)) {
                *at_end = true;
                return GH_OK;
            }
            return read_failed(stream, err);
        }
        if (byte == '\n')
            break;
        if (byte == '\0' || size == LINE_BYTES - 1)
            return gh_fail(err, GH_ERR_CORRUPT, "the Y4M stream has a damaged line");
        stream->line[size++] = (char)byte;
    }
    stream->line[size] = '\0';
    return GH_OK;
}

/* A decimal number that ends at `end`; too large ones become UINT32_MAX. */
static bool parse_number(const char **text, char end, uint32_t *number)
{
    const char *start = *text;
    uint64_t value = 0;

    for (; **text >= '0' && **text <= '9'; (*text)++) {
        value = value * 10 + (uint64_t)(**text - '0');
        if (value > UINT32_MAX)
            value = UINT32_MAX;
    }
    *number = (uint32_t)value;
    return *text != start && **text == end;
}

static bool parse_rate(const char *text, struct gh_y4m_info *info)
{
    if (!parse_number(&text, ':', &info->rate_frames))
        return false;
    text++;
    if (!parse_number(&text, '\0', &info->rate_seconds))
        return false;
    if (info->rate_frames == 0 || info->rate_seconds == 0)
        info->rate_frames = info->rate_seconds = 0;
    return true;
}

static enum gh_status find_colours(const char *name, const struct colours **out,
                                   struct gh_error *err)
{
    for (size_t i = 0; i < GH_ARRAY_SIZE(known_colours); i++) {
        if (strcmp(name, known_colours[i].name) == 0) {
            *out = &known_colours[i];
            return GH_OK;
        }
    }
    return gh_fail(err, GH_ERR_UNSUPPORTED,
                   "the Y4M stream's colours C%.32s are not read, only 8-bit C420, C422, C444 and "
                   "Cmono",
                   name);
}

static enum gh_status parse_parameter(struct gh_y4m *stream, const char *word,
                                      const struct colours **colours, struct gh_error *err)
{
    const char *value = word + 1;
    bool good = true;

    switch (word[0]) {
    case 'W':
        good = parse_number(&value, '\0', &stream->info.width);
        break;
    case 'H':
        good = parse_number(&value, '\0', &stream->info.height);
        break;
    case 'F':
        good = parse_rate(value, &stream->info);
        break;
    case 'C':
        return find_colours(value, colours, err);
    default: /* interlacing, aspect, comments: brightness is the same */
        break;
    }
    if (!good)
        return gh_fail(err, GH_ERR_CORRUPT, "the Y4M stream's header is damaged at %.32s", word);
    return GH_OK;
}

static enum gh_status read_header(struct gh_y4m *stream, struct gh_error *err)
{
    static const char signature[] = "YUV4MPEG2";
    const struct colours *colours = &known_colours[0]; /* what no C parameter means */

    /* The signature first: another kind of file need not have lines at all. */
    size_t size = fread(stream->line, 1, strlen(signature), stream->file);
    if (memcmp(stream->line, signature, size) != 0)
        return gh_fail(err, GH_ERR_UNSUPPORTED, "not a Y4M stream");
    if (size < strlen(signature))
        return read_failed(stream, err);
    enum gh_status status = read_line(stream, NULL, err);
    if (status != GH_OK)
        return status;
    if (stream->line[0] != '\0' && stream->line[0] != ' ')
        return gh_fail(err, GH_ERR_UNSUPPORTED, "not a Y4M stream");

    char *rest = stream->line;
    for (char *word; (word = strsep(&rest, " ")) != NULL;) {
        status = parse_parameter(stream, word, &colours, err);
        if (status != GH_OK)
            return status;
    }
    uint64_t width = stream->info.width, height = stream->info.height;
    status = gh_picture_check_size(width, height, err);
    if (status != GH_OK)
        return status;
    if (colours->across != 0)
        stream->chroma_bytes = 2 * (size_t)((width + colours->across - 1) / colours->across) *
                               ((height + colours->down - 1) / colours->down);
    return GH_OK;
}

enum gh_status gh_y4m_open(const char *path, struct gh_y4m **out, struct gh_error *err)
{
    *out = NULL;
    struct gh_y4m *stream = calloc(1, sizeof(*stream));
    if (stream == NULL)
        return gh_fail(err, GH_ERR_NOMEM, "no memory for a Y4M stream");
    enum gh_status status = GH_OK;
    stream->file = fopen(path, "rbe");
    if (stream->file == NULL) {
        status = gh_fail(err, gh_status_from_errno(errno), "cannot open %s: %m", path);
    } else {
        status = read_header(stream, err);
    }
    if (status != GH_OK) {
        gh_y4m_close(stream);
        return status;
    }
    *out = stream;
    return GH_OK;
}

void gh_y4m_close(struct gh_y4m *stream)
{
    if (stream == NULL)
        return;
    if (stream->file != NULL)
        (void)fclose(stream->file);
    free(stream);
}

const struct gh_y4m_info *gh_y4m_info(const struct gh_y4m *stream)
{
    return &stream->info;
}

/* Read, not seek: a pipe has no seek, and a seek does not notice the end. */
static enum gh_status skip_chroma(struct gh_y4m *stream, struct gh_error *err)
{
    for (size_t left = stream->chroma_bytes; left > 0;) {
        size_t part = left < sizeof(stream->skipped) ? left : sizeof(stream->skipped);
        if (fread(stream->skipped, 1, part, stream->file) != part)
            return read_failed(stream, err);
        left -= part;
    }
    return GH_OK;
}

static enum gh_status read_frame(struct gh_y4m *stream, uint8_t *luma, size_t bytes,
                                 struct gh_error *err)
{
    bool at_end = false;

    enum gh_status status = read_line(stream, &at_end, err);
    if (status != GH_OK)
        return status;
    if (at_end)
        return gh_fail(err, GH_ERR_END, "the Y4M stream is at its end");
    if (strncmp(stream->line, "FRAME", 5) != 0 ||
        (stream->line[5] != '\0' && stream->line[5] != ' '))
        return gh_fail(err, GH_ERR_CORRUPT, "the Y4M stream has no frame where one should begin");
    if (fread(luma, 1, bytes, stream->file) != bytes)
        return read_failed(stream, err);
    return skip_chroma(stream, err);
}

enum gh_status gh_y4m_next(struct gh_y4m *stream, uint8_t *luma, size_t luma_bytes,
                           struct gh_error *err)
{
    size_t bytes = (size_t)stream->info.width * stream->info.height;

    if (stream->failed != GH_OK)
        return gh_fail(err, stream->failed, "the Y4M stream ended: %s",
                       gh_status_text(stream->failed));
    if (luma_bytes < bytes)
        return gh_fail(err, GH_ERR_TOOBIG, "a frame of the Y4M stream needs %zu bytes", bytes);
    stream->failed = read_frame(stream, luma, bytes, err);
    return stream->failed;
}
