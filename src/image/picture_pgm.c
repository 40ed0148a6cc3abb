/* SPDX-License-Identifier: Apache-2.0 */
/* PGM: P5 (bytes) and P2 (decimal numbers), white up to 65535. */
#include <stdlib.h>
#include <string.h>

#include "picture_formats.h"

#define MAX_WHITE 65535

struct cursor {
    const uint8_t *at;
    const uint8_t *end;
};

static bool is_space(uint8_t byte)
{
    return byte == ' ' || (byte >= '\t' && byte <= '\r');
}

static void skip_blanks_and_comments(struct cursor *cursor)
{
    while (cursor->at < cursor->end) {
        if (*cursor->at == '#') {
            while (cursor->at < cursor->end && *cursor->at != '\n' && *cursor->at != '\r')
                cursor->at++;
        } else if (is_space(*cursor->at)) {
            cursor->at++;
        } else {
            break;
        }
    }
}

/* Digits too many for 32 bits stay at the largest value, which every limit refuses. */
static enum gh_status read_number(struct cursor *cursor, uint32_t *number, struct gh_error *err)
{
    uint64_t value = 0;

    skip_blanks_and_comments(cursor);
    if (cursor->at == cursor->end)
        return gh_fail(err, GH_ERR_TRUNCATED, "the PGM file ends too early");
    const uint8_t *start = cursor->at;
    for (; cursor->at < cursor->end && *cursor->at >= '0' && *cursor->at <= '9'; cursor->at++) {
        value = value * 10 + (uint64_t)(*cursor->at - '0');
        if (value > UINT32_MAX)
            value = UINT32_MAX;
    }
    bool delimited = cursor->at == cursor->end || is_space(*cursor->at) || *cursor->at == '#';
    if (cursor->at == start || !delimited)
        return gh_fail(err, GH_ERR_CORRUPT, "the PGM file has something else than a number");
    *number = (uint32_t)value;
    return GH_OK;
}

static uint8_t to_8_bits(uint32_t value, uint32_t white)
{
    return (uint8_t)((value * 255 + white / 2) / white);
}

static enum gh_status read_bytes(struct cursor *cursor, uint32_t white, uint8_t *luma,
                                 size_t pixels, struct gh_error *err)
{
    /* Exactly one blank stands between the header and the pixels. */
    if (cursor->at < cursor->end && !is_space(*cursor->at))
        return gh_fail(err, GH_ERR_CORRUPT, "the PGM file has no blank before its pixels");
    if (cursor->at < cursor->end)
        cursor->at++;
    size_t bytes_a_pixel = white > 255 ? 2 : 1;
    if ((size_t)(cursor->end - cursor->at) / bytes_a_pixel < pixels)
        return gh_fail(err, GH_ERR_TRUNCATED, "the PGM file ends too early");
    if (white == 255) {
        memcpy(luma, cursor->at, pixels);
        return GH_OK;
    }
    for (size_t i = 0; i < pixels; i++, cursor->at += bytes_a_pixel) {
        uint32_t value = bytes_a_pixel == 2 ? gh_be16(cursor->at) : *cursor->at;
        if (value > white)
            return gh_fail(err, GH_ERR_CORRUPT, "the PGM file has a pixel brighter than white");
        luma[i] = to_8_bits(value, white);
    }
    return GH_OK;
}

static enum gh_status read_decimals(struct cursor *cursor, uint32_t white, uint8_t *luma,
                                    size_t pixels, struct gh_error *err)
{
    for (size_t i = 0; i < pixels; i++) {
        uint32_t value = 0;
        enum gh_status status = read_number(cursor, &value, err);
        if (status != GH_OK)
            return status;
        if (value > white)
            return gh_fail(err, GH_ERR_CORRUPT, "the PGM file has a pixel brighter than white");
        luma[i] = to_8_bits(value, white);
    }
    return GH_OK;
}

struct header {
    uint32_t width;
    uint32_t height;
    uint32_t white;
};

static enum gh_status read_header(struct cursor *cursor, struct header *header,
                                  struct gh_error *err)
{
    uint32_t *const fields[] = {&header->width, &header->height, &header->white};

    if (cursor->at < cursor->end && !is_space(*cursor->at) && *cursor->at != '#')
        return gh_fail(err, GH_ERR_CORRUPT, "the PGM file's header is damaged");
    for (size_t i = 0; i < GH_ARRAY_SIZE(fields); i++) {
        enum gh_status status = read_number(cursor, fields[i], err);
        if (status != GH_OK)
            return status;
    }
    if (header->white == 0 || header->white > MAX_WHITE)
        return gh_fail(err, GH_ERR_CORRUPT, "the PGM file's white is not from 1 to 65535");
    return gh_picture_check_size(header->width, header->height, err);
}

enum gh_status gh_picture_parse_pgm(struct gh_bytes file, struct gh_picture *out,
                                    struct gh_error *err)
{
    struct cursor cursor = {file.data + 2, file.data + file.size};
    struct header header = {0};
    bool decimal = file.data[1] == '2';

    enum gh_status status = read_header(&cursor, &header, err);
    if (status != GH_OK)
        return status;
    size_t pixels = (size_t)header.width * header.height;
    if (pixels == 0 ||
        (size_t)(cursor.end - cursor.at) < pixels) /* a byte a pixel is the least in both forms */
        return gh_fail(err, GH_ERR_TRUNCATED, "the PGM file ends too early");
    uint8_t *luma = malloc(pixels);
    if (luma == NULL)
        return gh_fail(err, GH_ERR_NOMEM, "no memory for the PGM picture");
    status = decimal ? read_decimals(&cursor, header.white, luma, pixels, err)
                     : read_bytes(&cursor, header.white, luma, pixels, err);
    if (status != GH_OK) {
        free(luma);
        return status;
    }
    *out = (struct gh_picture){luma, header.width, header.height};
    return GH_OK;
}
