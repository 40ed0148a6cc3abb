/* SPDX-License-Identifier: Apache-2.0 */
/* Motion JPEG into a luma plane that is there already. The bytes come over a cable. */
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>

#include <jpeglib.h>

#include <jerror.h>

#include "gate/camera_v4l2.h"

struct gh_mjpeg {
    struct jpeg_decompress_struct jpeg;
    struct jpeg_error_mgr errors;
    struct jpeg_source_mgr source;
    jmp_buf failed;
    int damage; /* the first message about damaged data; 0: none */
    uint8_t *luma;
    uint32_t max_width, max_height;
};

static struct gh_mjpeg *self(j_common_ptr jpeg)
{
    return (struct gh_mjpeg *)jpeg->client_data;
}

static void on_error(j_common_ptr jpeg)
{
    longjmp(self(jpeg)->failed, 1);
}

/* Warnings. Many cameras put padding between the data, which hurts nobody; the others mean that
 * part of the picture is not what the camera saw. */
static void on_message(j_common_ptr jpeg, int level)
{
    struct gh_mjpeg *mjpeg = self(jpeg);
    if (level >= 0 || mjpeg->damage != 0) {
        return;
    }
    switch (jpeg->err->msg_code) {
    case JWRN_HIT_MARKER:
    case JWRN_HUFF_BAD_CODE:
    case JWRN_JPEG_EOF:
    case JWRN_MUST_RESYNC:
    case JWRN_ARITH_BAD_CODE:
    case JWRN_BOGUS_PROGRESSION:
    case JWRN_NOT_SEQUENTIAL:
        mjpeg->damage = jpeg->err->msg_code;
        break;
    default:
        break;
    }
}

static void on_output(j_common_ptr jpeg)
{
    (void)jpeg; /* what there is to say goes into gh_error */
}

static void source_nothing(j_decompress_ptr jpeg)
{
    (void)jpeg;
}

/* Some cameras leave out the end marker. Where data is missing as well, the decoder says so itself.
 */
static boolean source_fill(j_decompress_ptr jpeg)
{
    static const JOCTET end[2] = {0xFF, JPEG_EOI};
    jpeg->src->next_input_byte = end;
    jpeg->src->bytes_in_buffer = sizeof(end);
    return TRUE;
}

static void source_skip(j_decompress_ptr jpeg, long count)
{
    if (count <= 0) {
        return;
    }
    if ((unsigned long)count >= jpeg->src->bytes_in_buffer) {
        (void)source_fill(jpeg);
        return;
    }
    jpeg->src->next_input_byte += count;
    jpeg->src->bytes_in_buffer -= (size_t)count;
}

enum gh_status gh_mjpeg_new(uint32_t max_width, uint32_t max_height, struct gh_mjpeg **out)
{
    *out = NULL;
    struct gh_mjpeg *mjpeg = (struct gh_mjpeg *)calloc(1, sizeof(*mjpeg));
    if (mjpeg == NULL) {
        return GH_ERR_NOMEM;
    }
    mjpeg->luma = (uint8_t *)malloc((size_t)max_width * max_height);
    mjpeg->max_width = max_width;
    mjpeg->max_height = max_height;
    mjpeg->jpeg.err = jpeg_std_error(&mjpeg->errors);
    mjpeg->errors.error_exit = on_error;
    mjpeg->errors.emit_message = on_message;
    mjpeg->errors.output_message = on_output;
    mjpeg->jpeg.client_data = mjpeg;
    if (mjpeg->luma == NULL || setjmp(mjpeg->failed) != 0) {
        gh_mjpeg_free(mjpeg);
        return GH_ERR_NOMEM;
    }
    jpeg_create_decompress(&mjpeg->jpeg);
    mjpeg->source.init_source = source_nothing;
    mjpeg->source.fill_input_buffer = source_fill;
    mjpeg->source.skip_input_data = source_skip;
    mjpeg->source.resync_to_restart = jpeg_resync_to_restart;
    mjpeg->source.term_source = source_nothing;
    mjpeg->jpeg.src = &mjpeg->source;
    *out = mjpeg;
    return GH_OK;
}

void gh_mjpeg_free(struct gh_mjpeg *mjpeg)
{
    if (mjpeg == NULL) {
        return;
    }
    jpeg_destroy_decompress(&mjpeg->jpeg); /* fine when it was never created: its mem is NULL */
    free(mjpeg->luma);
    free(mjpeg);
}

static enum gh_status fail_with(struct gh_mjpeg *mjpeg, int message, struct gh_error *err)
{
    char text[JMSG_LENGTH_MAX];
    mjpeg->errors.msg_code = message;
    mjpeg->errors.format_message((j_common_ptr)&mjpeg->jpeg, text);
    return gh_fail(err, GH_ERR_CORRUPT, "damaged JPEG frame: %s", text);
}

/* Everything that may end in on_error. */
static enum gh_status decode(struct gh_mjpeg *mjpeg, struct gh_error *err)
{
    struct jpeg_decompress_struct *jpeg = &mjpeg->jpeg;
    if (jpeg_read_header(jpeg, TRUE) != JPEG_HEADER_OK) {
        return gh_fail(err, GH_ERR_CORRUPT, "a JPEG frame without a picture");
    }
    if (jpeg->image_width > mjpeg->max_width || jpeg->image_height > mjpeg->max_height) {
        return gh_fail(err, GH_ERR_TOOBIG, "a JPEG frame of %ux%u pixels", jpeg->image_width,
                       jpeg->image_height);
    }
    /* Pictures that are sent in several passes cost time and memory without bound; no camera sends
     * them. */
    if (jpeg_has_multiple_scans(jpeg)) {
        return gh_fail(err, GH_ERR_CORRUPT, "a JPEG frame in several passes");
    }
    jpeg->out_color_space = JCS_GRAYSCALE;
    jpeg_start_decompress(jpeg);
    while (jpeg->output_scanline < jpeg->output_height) {
        JSAMPROW row = mjpeg->luma + (size_t)jpeg->output_scanline * jpeg->output_width;
        jpeg_read_scanlines(jpeg, &row, 1);
    }
    return GH_OK;
}

enum gh_status gh_mjpeg_decode(struct gh_mjpeg *mjpeg, struct gh_bytes bytes,
                               struct gh_frame *frame, struct gh_error *err)
{
    struct jpeg_decompress_struct *jpeg = &mjpeg->jpeg;
    enum gh_status status;

    *frame = (struct gh_frame){0};
    mjpeg->damage = 0;
    mjpeg->source.next_input_byte = bytes.data;
    mjpeg->source.bytes_in_buffer = bytes.size;
    if (setjmp(mjpeg->failed) != 0) {
        status = fail_with(mjpeg, mjpeg->errors.msg_code, err);
    } else {
        status = decode(mjpeg, err);
        if (status == GH_OK && mjpeg->damage != 0) {
            status = fail_with(mjpeg, mjpeg->damage, err);
        }
    }
    if (status == GH_OK) {
        *frame = (struct gh_frame){
            .luma = mjpeg->luma,
            .width = jpeg->output_width,
            .height = jpeg->output_height,
            .stride_bytes = jpeg->output_width,
            .step_bytes = 1,
        };
    }
    jpeg_abort_decompress(jpeg); /* gives the picture's memory back, keeps the decoder */
    return status;
}
