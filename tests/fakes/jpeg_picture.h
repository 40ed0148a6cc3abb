/* SPDX-License-Identifier: Apache-2.0 */
/* JPEG files made of hills, for tests of those who read them. To be included after cmocka. */
#ifndef GATEHOUSE_TESTS_FAKES_JPEG_PICTURE_H
#define GATEHOUSE_TESTS_FAKES_JPEG_PICTURE_H

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jpeglib.h>

#include "gatehouse/bytes.h"
#include "gatehouse/frame.h"

#define JPEG_MAX 60000

static uint8_t jpeg_bytes[JPEG_MAX];
static size_t jpeg_size;

/* A picture of soft hills, so that JPEG changes it only a little. */
static inline uint8_t hill(uint32_t x, uint32_t y, uint32_t which)
{
    return (uint8_t)(40 + (x * 2 + y + which * 16) % 160);
}

static inline void make_jpeg(uint32_t width, uint32_t height, uint32_t which, bool colour,
                             bool progressive)
{
    struct jpeg_compress_struct jpeg;
    struct jpeg_error_mgr errors;
    unsigned char *out = NULL;
    unsigned long size = 0;
    jpeg.err = jpeg_std_error(&errors);
    jpeg_create_compress(&jpeg);
    jpeg_mem_dest(&jpeg, &out, &size);
    jpeg.image_width = width;
    jpeg.image_height = height;
    jpeg.input_components = colour ? 3 : 1;
    jpeg.in_color_space = colour ? JCS_YCbCr : JCS_GRAYSCALE;
    jpeg_set_defaults(&jpeg);
    jpeg_set_quality(&jpeg, 95, TRUE);
    if (progressive) {
        jpeg_simple_progression(&jpeg);
    }
    jpeg_start_compress(&jpeg, TRUE);
    uint8_t row[3 * 2000];
    while (jpeg.next_scanline < height) {
        for (uint32_t x = 0; x < width; x++) {
            uint8_t luma = hill(x, jpeg.next_scanline, which);
            if (colour) {
                row[3 * x] = luma;
                row[3 * x + 1] = (uint8_t)(60 + x % 3);
                row[3 * x + 2] = 200;
            } else {
                row[x] = luma;
            }
        }
        JSAMPROW rows = row;
        jpeg_write_scanlines(&jpeg, &rows, 1);
    }
    jpeg_finish_compress(&jpeg);
    jpeg_destroy_compress(&jpeg);
    assert_true(size < JPEG_MAX);
    memcpy(jpeg_bytes, out, size);
    jpeg_size = size;
    free(out);
}

static inline void assert_hill(const struct gh_frame *frame, uint32_t width, uint32_t height,
                               uint32_t which)
{
    assert_int_equal(frame->width, width);
    assert_int_equal(frame->height, height);
    assert_int_equal(frame->step_bytes, 1);
    uint64_t difference = 0;
    for (uint32_t y = 0; y < height; y++) {
        for (uint32_t x = 0; x < width; x++) {
            difference +=
                (uint64_t)abs(frame->luma[y * frame->stride_bytes + x] - hill(x, y, which));
        }
    }
    assert_true(difference / (width * height) < 8);
}

static inline struct gh_bytes whole(void)
{
    return (struct gh_bytes){jpeg_bytes, jpeg_size};
}

#endif
