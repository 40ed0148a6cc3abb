/* SPDX-License-Identifier: Apache-2.0 */
#include "gatehouse/decode.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <zbar.h>

#include "gatehouse/picture.h"

#define FORMAT_GREY 0x30303859ul /* the four characters Y800, as zbar packs them */
#define SMALLEST_CODE 21         /* modules of version 1; nothing smaller is worth a look */

struct gh_decoder {
    zbar_image_scanner_t *scanner;
    zbar_image_t *image;
    uint8_t *copy; /* luma of frames that are not planar, or have padded rows */
    size_t copy_bytes;
    uint32_t max_width;
    uint32_t max_height;
};

static bool set_up(struct gh_decoder *decoder)
{
    decoder->scanner = zbar_image_scanner_create();
    decoder->image = zbar_image_create();
    decoder->copy = malloc(decoder->copy_bytes);
    if (decoder->scanner == NULL || decoder->image == NULL || decoder->copy == NULL)
        return false;
    zbar_image_set_format(decoder->image, FORMAT_GREY);
    /* A frame's result depends on this frame alone: whoever sees several frames remembers. */
    zbar_image_scanner_enable_cache(decoder->scanner, 0);
    return zbar_image_scanner_set_config(decoder->scanner, ZBAR_NONE, ZBAR_CFG_ENABLE, 0) == 0 &&
           zbar_image_scanner_set_config(decoder->scanner, ZBAR_QRCODE, ZBAR_CFG_ENABLE, 1) == 0 &&
           zbar_image_scanner_set_config(decoder->scanner, ZBAR_QRCODE, ZBAR_CFG_BINARY, 1) == 0;
}

enum gh_status gh_decoder_new(uint32_t max_width, uint32_t max_height, struct gh_decoder **out)
{
    *out = NULL;
    if (max_width == 0 || max_height == 0 || max_width > GH_PICTURE_MAX_SIDE ||
        max_height > GH_PICTURE_MAX_SIDE)
        return GH_ERR_INVALID;
    struct gh_decoder *decoder = calloc(1, sizeof(*decoder));
    if (decoder == NULL)
        return GH_ERR_NOMEM;
    decoder->max_width = max_width;
    decoder->max_height = max_height;
    decoder->copy_bytes = (size_t)max_width * max_height;
    if (decoder->copy_bytes > GH_PICTURE_MAX_PIXELS)
        decoder->copy_bytes = GH_PICTURE_MAX_PIXELS;
    if (!set_up(decoder)) {
        gh_decoder_free(decoder);
        return GH_ERR_NOMEM;
    }
    *out = decoder;
    return GH_OK;
}

void gh_decoder_free(struct gh_decoder *decoder)
{
    if (decoder == NULL)
        return;
    if (decoder->image != NULL)
        zbar_image_destroy(decoder->image);
    if (decoder->scanner != NULL)
        zbar_image_scanner_destroy(decoder->scanner);
    free(decoder->copy);
    free(decoder);
}

static enum gh_status check_frame(const struct gh_decoder *decoder, const struct gh_frame *frame)
{
    if (frame->luma == NULL || frame->width == 0 || frame->height == 0 || frame->step_bytes == 0)
        return GH_ERR_INVALID;
    if (frame->width > decoder->max_width || frame->height > decoder->max_height ||
        (size_t)frame->width * frame->height > decoder->copy_bytes)
        return GH_ERR_TOOBIG;
    /* The last row may end at its last pixel; the others may not overlap. */
    if (frame->step_bytes > SIZE_MAX / GH_PICTURE_MAX_SIDE ||
        frame->stride_bytes < (frame->width - 1) * frame->step_bytes + 1)
        return GH_ERR_INVALID;
    return GH_OK;
}

static const uint8_t *copy_luma(struct gh_decoder *decoder, const struct gh_frame *frame)
{
    uint8_t *to = decoder->copy;

    for (uint32_t y = 0; y < frame->height; y++, to += frame->width) {
        const uint8_t *from = frame->luma + y * frame->stride_bytes;
        if (frame->step_bytes == 1) {
            memcpy(to, from, frame->width);
        } else {
            for (uint32_t x = 0; x < frame->width; x++)
                to[x] = from[x * frame->step_bytes];
        }
    }
    return decoder->copy;
}

/* Whole QR codes only: a group of linked codes of which one is missing has another type. */
static bool is_code(const zbar_symbol_t *symbol)
{
    return zbar_symbol_get_type(symbol) == ZBAR_QRCODE;
}

static struct gh_bytes symbol_bytes(const zbar_symbol_t *symbol)
{
    return (struct gh_bytes){
        .data = (const uint8_t *)zbar_symbol_get_data(symbol),
        .size = zbar_symbol_get_data_length(symbol),
    };
}

static bool seen_before(const zbar_symbol_t *first, const zbar_symbol_t *symbol)
{
    for (; first != symbol; first = zbar_symbol_next(first)) {
        if (is_code(first) && gh_bytes_equal(symbol_bytes(first), symbol_bytes(symbol)))
            return true;
    }
    return false;
}

static unsigned report(const zbar_image_t *image, gh_decoded_fn *found, void *context)
{
    const zbar_symbol_t *first = zbar_image_first_symbol(image);
    unsigned count = 0;

    for (const zbar_symbol_t *symbol = first; symbol != NULL; symbol = zbar_symbol_next(symbol)) {
        if (!is_code(symbol) || seen_before(first, symbol))
            continue;
        count++;
        if (found != NULL)
            found(context, symbol_bytes(symbol));
    }
    return count;
}

enum gh_status gh_decoder_scan(struct gh_decoder *decoder, const struct gh_frame *frame,
                               gh_decoded_fn *found, void *context, unsigned *count)
{
    if (count != NULL)
        *count = 0;
    enum gh_status status = check_frame(decoder, frame);
    if (status != GH_OK)
        return status;
    if (frame->width < SMALLEST_CODE || frame->height < SMALLEST_CODE)
        return GH_OK;

    bool as_it_lies = frame->step_bytes == 1 && frame->stride_bytes == frame->width;
    const uint8_t *luma = as_it_lies ? frame->luma : copy_luma(decoder, frame);
    zbar_image_set_size(decoder->image, frame->width, frame->height);
    zbar_image_set_data(decoder->image, luma, (unsigned long)frame->width * frame->height, NULL);
    int symbols = zbar_scan_image(decoder->scanner, decoder->image);
    if (symbols > 0) {
        unsigned codes = report(decoder->image, found, context);
        if (count != NULL)
            *count = codes;
    }
    /* Neither the frame nor its codes stay behind for the next one. */
    zbar_image_scanner_recycle_image(decoder->scanner, decoder->image);
    zbar_image_free_data(decoder->image);
    return symbols < 0 ? GH_ERR_INVALID : GH_OK;
}
