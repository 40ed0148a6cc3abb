/* SPDX-License-Identifier: Apache-2.0 */
/* JPEG by libjpeg-turbo, decoded to its brightness alone. libjpeg leaves an error by longjmp:
 * everything that outlives the jump is in struct reader. */
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>

#include <jpeglib.h>

#include <jerror.h> /* its numbers depend on what jpeglib.h has defined */

#include "picture_formats.h"

/* A progressive file of a few kilobytes can ask for a pass over all pixels in every scan; real ones
 * have about ten. */
#define MAX_SCANS 100
#define MAX_MEMORY_BYTES (512l << 20)

struct reader {
    struct jpeg_decompress_struct jpeg;
    struct jpeg_error_mgr errors;
    struct jpeg_progress_mgr progress;
    jmp_buf jump;
    enum gh_status status; /* the first thing that went wrong */
    char text[JMSG_LENGTH_MAX];
    uint8_t *luma;
};

static _Noreturn void leave(struct reader *reader, enum gh_status status)
{
    reader->status = status;
    reader->jpeg.err->format_message((j_common_ptr)&reader->jpeg, reader->text);
    longjmp(reader->jump, 1);
}

static _Noreturn void on_error(j_common_ptr jpeg)
{
    switch (jpeg->err->msg_code) {
    case JERR_OUT_OF_MEMORY:
    case JERR_NO_BACKING_STORE:
        leave(jpeg->client_data, GH_ERR_NOMEM);
    case JERR_BAD_PRECISION:
    case JERR_SOF_UNSUPPORTED:
    case JERR_CONVERSION_NOTIMPL:
    case JERR_ARITH_NOTIMPL:
    case JERR_NOT_COMPILED:
    case JERR_CCIR601_NOTIMPL:
    case JERR_FRACT_SAMPLE_NOTIMPL:
        leave(jpeg->client_data, GH_ERR_UNSUPPORTED);
    case JERR_INPUT_EOF:
    case JERR_INPUT_EMPTY:
        leave(jpeg->client_data, GH_ERR_TRUNCATED);
    case JERR_IMAGE_TOO_BIG:
        leave(jpeg->client_data, GH_ERR_TOOBIG);
    default:
        leave(jpeg->client_data, GH_ERR_CORRUPT);
    }
}

/* libjpeg goes on with grey after most damage; half a code is no use to anybody. */
static void on_message(j_common_ptr jpeg, int level)
{
    if (level >= 0)
        return;
    switch (jpeg->err->msg_code) {
    case JWRN_JPEG_EOF:
        leave(jpeg->client_data, GH_ERR_TRUNCATED);
    case JWRN_HIT_MARKER:
    case JWRN_HUFF_BAD_CODE:
    case JWRN_MUST_RESYNC:
    case JWRN_ARITH_BAD_CODE:
        leave(jpeg->client_data, GH_ERR_CORRUPT);
    default:
        break; /* odd, but the pixels are whole */
    }
}

static void on_progress(j_common_ptr jpeg)
{
    struct reader *reader = jpeg->client_data;

    if (reader->jpeg.input_scan_number > MAX_SCANS) {
        reader->status = GH_ERR_TOOBIG;
        (void)snprintf(reader->text, sizeof(reader->text), "more than %d scans", MAX_SCANS);
        longjmp(reader->jump, 1);
    }
}

/* false with reader->status and reader->text, or with *err filled already. */
static bool check_header(struct reader *reader, struct gh_error *err)
{
    const struct jpeg_decompress_struct *jpeg = &reader->jpeg;

    reader->status = gh_picture_check_size(jpeg->image_width, jpeg->image_height, err);
    if (reader->status != GH_OK)
        return false;
    /* CMYK needs the inks' profile; phones and cameras do not write it. */
    if (jpeg->data_precision != 8 ||
        (jpeg->jpeg_color_space != JCS_GRAYSCALE && jpeg->jpeg_color_space != JCS_YCbCr &&
         jpeg->jpeg_color_space != JCS_RGB)) {
        reader->status = GH_ERR_UNSUPPORTED;
        (void)snprintf(reader->text, sizeof(reader->text),
                       "its colours are not grey, YCbCr or RGB");
        return false;
    }
    return true;
}

static bool read_jpeg(struct reader *reader, struct gh_bytes file, struct gh_error *err)
{
    struct jpeg_decompress_struct *jpeg = &reader->jpeg;

    if (setjmp(reader->jump) != 0)
        return false;
    jpeg_create_decompress(jpeg);
    jpeg->mem->max_memory_to_use = MAX_MEMORY_BYTES;
    jpeg->progress = &reader->progress;
    jpeg_mem_src(jpeg, file.data, (unsigned long)file.size);
    (void)jpeg_read_header(jpeg, TRUE);
    if (!check_header(reader, err))
        return false;

    jpeg->out_color_space = JCS_GRAYSCALE;
    reader->luma = malloc((size_t)jpeg->image_width * jpeg->image_height);
    if (reader->luma == NULL) {
        reader->status = GH_ERR_NOMEM;
        return false;
    }
    (void)jpeg_start_decompress(jpeg);
    while (jpeg->output_scanline < jpeg->output_height) {
        JSAMPROW row = reader->luma + (size_t)jpeg->output_scanline * jpeg->output_width;
        (void)jpeg_read_scanlines(jpeg, &row, 1);
    }
    (void)jpeg_finish_decompress(jpeg);
    return true;
}

enum gh_status gh_picture_parse_jpeg(struct gh_bytes file, struct gh_picture *out,
                                     struct gh_error *err)
{
    struct reader reader = {.status = GH_OK};

    reader.jpeg.err = jpeg_std_error(&reader.errors);
    reader.jpeg.client_data = &reader;
    reader.errors.error_exit = on_error;
    reader.errors.emit_message = on_message;
    reader.progress.progress_monitor = on_progress;

    if (read_jpeg(&reader, file, err)) {
        *out =
            (struct gh_picture){reader.luma, reader.jpeg.output_width, reader.jpeg.output_height};
        reader.luma = NULL;
    } else if (reader.status == GH_ERR_NOMEM) {
        (void)gh_fail(err, reader.status, "no memory for the JPEG picture");
    } else {
        (void)gh_fail(err, reader.status, "the JPEG file is not read: %s", reader.text);
    }
    jpeg_destroy_decompress(&reader.jpeg);
    free(reader.luma);
    return reader.status;
}
