/* SPDX-License-Identifier: Apache-2.0 */
/* PNG by libpng. libpng leaves an error by longjmp: everything that outlives the jump is in struct
 * reader, and the function that calls setjmp has no locals of its own that change after it. */
#include <png.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "picture_formats.h"

#define HEADER_BYTES 33            /* signature, and the chunk IHDR with its length and CRC */
#define CHUNK_MAX_BYTES (8u << 20) /* what one chunk may make libpng allocate */
#define DEFLATE_MAX_RATIO 1032     /* no deflate stream grows more than this */

struct reader {
    jmp_buf jump;
    png_structp png;
    png_infop info;
    struct gh_bytes file;
    size_t at;
    bool ended;     /* libpng wanted more bytes than there are */
    bool no_memory; /* ours, not libpng's */
    char text[128];
    uint32_t width;
    uint32_t height;
    unsigned channels; /* after the transformations: 1 grey, 2 grey+alpha, 3 RGB, 4 RGBA */
    int passes;
    size_t row_bytes;
    uint8_t *rows; /* one row, or all of them for an interlaced picture */
    uint8_t *luma;
};

static _Noreturn void on_error(png_structp png, png_const_charp text)
{
    struct reader *reader = png_get_error_ptr(png);

    (void)snprintf(reader->text, sizeof(reader->text), "%s", text);
    longjmp(reader->jump, 1);
}

static void on_warning(png_structp png, png_const_charp text)
{
    (void)png;
    (void)text;
}

static void on_read(png_structp png, png_bytep data, size_t size)
{
    struct reader *reader = png_get_io_ptr(png);

    if (size > reader->file.size - reader->at) {
        reader->ended = true;
        png_error(png, "the file ends too early");
    }
    memcpy(data, reader->file.data + reader->at, size);
    reader->at += size;
}

/* The size from the header, before libpng or anybody else takes memory for it. */
static enum gh_status check_header(struct gh_bytes file, struct gh_error *err)
{
    if (file.size < HEADER_BYTES)
        return gh_fail(err, GH_ERR_TRUNCATED, "the PNG file ends in its header");
    const uint8_t *header = file.data + 8;
    if (gh_be32(header) != 13 || memcmp(header + 4, "IHDR", 4) != 0)
        return gh_fail(err, GH_ERR_CORRUPT, "the PNG file has no header");

    uint64_t width = gh_be32(header + 8), height = gh_be32(header + 12);
    enum gh_status status = gh_picture_check_size(width, height, err);
    if (status != GH_OK)
        return status;
    /* At least one bit a pixel has to be inflated from what is there. */
    if ((width + 7) / 8 * height / DEFLATE_MAX_RATIO > file.size)
        return gh_fail(err, GH_ERR_TRUNCATED, "the PNG file is too short for its size in pixels");
    return GH_OK;
}

/* Everything becomes 8 bits of grey or RGB, with alpha where there is transparency. */
static void set_up(struct reader *reader)
{
    png_structp png = reader->png;

    png_set_user_limits(png, GH_PICTURE_MAX_SIDE, GH_PICTURE_MAX_SIDE);
    png_set_chunk_malloc_max(png, CHUNK_MAX_BYTES);
    png_set_chunk_cache_max(png, 1);
    /* Texts, profiles and the like are not looked at: only what makes pixels. */
    png_set_keep_unknown_chunks(png, PNG_HANDLE_CHUNK_NEVER, NULL, -1);
    png_set_read_fn(png, reader, on_read);

    png_read_info(png, reader->info);
    png_set_expand(png);
    png_set_scale_16(png);
    reader->passes = png_set_interlace_handling(png);
    png_read_update_info(png, reader->info);

    reader->width = png_get_image_width(png, reader->info);
    reader->height = png_get_image_height(png, reader->info);
    reader->channels = png_get_channels(png, reader->info);
    reader->row_bytes = png_get_rowbytes(png, reader->info);
    if (reader->row_bytes != (size_t)reader->width * reader->channels)
        png_error(png, "rows of an unexpected size");
}

static uint8_t on_white(unsigned luma, unsigned alpha)
{
    return (uint8_t)((luma * alpha + 255 * (255 - alpha) + 127) / 255);
}

static void row_to_luma(const uint8_t *row, unsigned channels, uint8_t *luma, uint32_t width)
{
    switch (channels) {
    case 1:
        memcpy(luma, row, width);
        break;
    case 2:
        for (uint32_t x = 0; x < width; x++, row += 2)
            luma[x] = on_white(row[0], row[1]);
        break;
    case 3:
        for (uint32_t x = 0; x < width; x++, row += 3)
            luma[x] = gh_picture_luma(row[0], row[1], row[2]);
        break;
    default:
        for (uint32_t x = 0; x < width; x++, row += 4)
            luma[x] = on_white(gh_picture_luma(row[0], row[1], row[2]), row[3]);
        break;
    }
}

static void read_pixels(struct reader *reader)
{
    size_t stored = reader->passes > 1 ? reader->height : 1;

    reader->luma = malloc((size_t)reader->width * reader->height);
    reader->rows = malloc(stored * reader->row_bytes);
    reader->no_memory = reader->luma == NULL || reader->rows == NULL;
    if (reader->no_memory)
        png_error(reader->png, "no memory");

    /* Adam7 comes in passes over the whole picture; only the last one makes it complete. */
    for (int pass = 0; pass < reader->passes; pass++) {
        for (uint32_t y = 0; y < reader->height; y++) {
            uint8_t *row = reader->rows + (reader->passes > 1 ? y * reader->row_bytes : 0);
            png_read_row(reader->png, row, NULL);
            if (pass == reader->passes - 1)
                row_to_luma(row, reader->channels, reader->luma + (size_t)y * reader->width,
                            reader->width);
        }
    }
    png_read_end(reader->png, NULL);
}

static bool read_png(struct reader *reader)
{
    if (setjmp(reader->jump) != 0)
        return false;
    reader->png = png_create_read_struct(PNG_LIBPNG_VER_STRING, reader, on_error, on_warning);
    reader->info = reader->png != NULL ? png_create_info_struct(reader->png) : NULL;
    reader->no_memory = reader->info == NULL;
    if (reader->no_memory)
        return false;
    set_up(reader);
    read_pixels(reader);
    return true;
}

static enum gh_status failure(const struct reader *reader, struct gh_error *err)
{
    if (reader->no_memory)
        return gh_fail(err, GH_ERR_NOMEM, "no memory for the PNG picture");
    if (reader->ended)
        return gh_fail(err, GH_ERR_TRUNCATED, "the PNG file ends too early");
    return gh_fail(err, GH_ERR_CORRUPT, "the PNG file is damaged: %s", reader->text);
}

enum gh_status gh_picture_parse_png(struct gh_bytes file, struct gh_picture *out,
                                    struct gh_error *err)
{
    struct reader reader = {.file = file};

    enum gh_status status = check_header(file, err);
    if (status != GH_OK)
        return status;
    if (read_png(&reader)) {
        *out = (struct gh_picture){reader.luma, reader.width, reader.height};
        reader.luma = NULL;
    } else {
        status = failure(&reader, err);
    }
    png_destroy_read_struct(&reader.png, &reader.info, NULL);
    free(reader.rows);
    free(reader.luma);
    return status;
}
