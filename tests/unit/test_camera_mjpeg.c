/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fakes/jpeg_picture.h"
#include "gate/camera_v4l2.h"

static enum gh_status decode(struct gh_mjpeg *mjpeg, struct gh_bytes bytes)
{
    struct gh_frame frame = {0};
    struct gh_error err = {0};
    /* An exact copy: the sanitizer sees who reads beyond. */
    uint8_t *copy = (uint8_t *)malloc(bytes.size + 1);
    assert_non_null(copy);
    uint8_t *data = copy + 1;
    memcpy(data, bytes.data, bytes.size);
    enum gh_status status =
        gh_mjpeg_decode(mjpeg, (struct gh_bytes){data, bytes.size}, &frame, &err);
    free(copy);
    if (status == GH_OK) {
        assert_non_null(frame.luma);
        assert_true(frame.width > 0 && frame.width <= 320 && frame.height > 0 &&
                    frame.height <= 240);
        uint8_t all = 0;
        for (size_t i = 0; i < frame.stride_bytes * frame.height; i++) {
            all |= frame.luma[i];
        }
        (void)all;
    } else {
        assert_null(frame.luma);
        assert_int_not_equal(err.text[0], '\0');
        assert_true(status == GH_ERR_CORRUPT || status == GH_ERR_TOOBIG);
    }
    return status;
}

static void a_jpeg_becomes_its_brightness(void **state)
{
    (void)state;
    struct gh_mjpeg *mjpeg;
    assert_int_equal(gh_mjpeg_new(320, 240, &mjpeg), GH_OK);
    for (unsigned i = 0; i < 4; i++) {
        struct gh_frame frame;
        make_jpeg(317 - 16 * i, 203, i, i % 2 == 0, false);
        assert_int_equal(gh_mjpeg_decode(mjpeg, whole(), &frame, NULL), GH_OK);
        assert_hill(&frame, 317 - 16 * i, 203, i);
    }
    gh_mjpeg_free(mjpeg);
    gh_mjpeg_free(NULL);
}

static void what_is_not_a_whole_jpeg_is_corrupt(void **state)
{
    (void)state;
    struct gh_mjpeg *mjpeg;
    assert_int_equal(gh_mjpeg_new(320, 240, &mjpeg), GH_OK);
    make_jpeg(320, 240, 1, true, false);
    assert_int_equal(decode(mjpeg, (struct gh_bytes){jpeg_bytes, 0}), GH_ERR_CORRUPT);
    assert_int_equal(decode(mjpeg, (struct gh_bytes){jpeg_bytes, 1}), GH_ERR_CORRUPT);
    for (size_t size = 2; size < jpeg_size - 64; size += 61) {
        assert_int_equal(decode(mjpeg, (struct gh_bytes){jpeg_bytes, size}), GH_ERR_CORRUPT);
    }
    assert_int_equal(decode(mjpeg, (struct gh_bytes){(const uint8_t *)"no picture", 10}),
                     GH_ERR_CORRUPT);
    /* cut short, with an end marker where the camera gave up */
    uint8_t end[2] = {jpeg_bytes[jpeg_size / 2], jpeg_bytes[jpeg_size / 2 + 1]};
    jpeg_bytes[jpeg_size / 2] = 0xFF;
    jpeg_bytes[jpeg_size / 2 + 1] = 0xD9;
    assert_int_equal(decode(mjpeg, whole()), GH_ERR_CORRUPT);
    memcpy(jpeg_bytes + jpeg_size / 2, end, 2);
    /* and the decoder is as good as new */
    assert_int_equal(decode(mjpeg, whole()), GH_OK);
    gh_mjpeg_free(mjpeg);
}

static void larger_than_promised_is_refused(void **state)
{
    (void)state;
    struct gh_mjpeg *mjpeg;
    assert_int_equal(gh_mjpeg_new(320, 240, &mjpeg), GH_OK);
    make_jpeg(321, 8, 0, false, false);
    assert_int_equal(decode(mjpeg, whole()), GH_ERR_TOOBIG);
    make_jpeg(8, 241, 0, false, false);
    assert_int_equal(decode(mjpeg, whole()), GH_ERR_TOOBIG);
    make_jpeg(320, 240, 0, false, false);
    assert_int_equal(decode(mjpeg, whole()), GH_OK);
    gh_mjpeg_free(mjpeg);
}

static void several_passes_are_refused(void **state)
{
    (void)state;
    struct gh_mjpeg *mjpeg;
    assert_int_equal(gh_mjpeg_new(320, 240, &mjpeg), GH_OK);
    make_jpeg(320, 240, 0, true, true);
    assert_int_equal(decode(mjpeg, whole()), GH_ERR_CORRUPT);
    gh_mjpeg_free(mjpeg);
}

/* What real cameras do and what nobody is hurt by. */
static void sloppy_cameras_are_understood(void **state)
{
    (void)state;
    struct gh_mjpeg *mjpeg;
    assert_int_equal(gh_mjpeg_new(320, 240, &mjpeg), GH_OK);
    make_jpeg(320, 240, 3, true, false);
    size_t size = jpeg_size;
    assert_int_equal(jpeg_bytes[size - 2], 0xFF);
    /* no end marker */
    jpeg_size = size - 2;
    assert_int_equal(decode(mjpeg, whole()), GH_OK);
    /* padding before it, and behind it */
    memset(jpeg_bytes + size - 2, 0, 1000);
    jpeg_bytes[size + 100] = 0xFF;
    jpeg_bytes[size + 101] = 0xD9;
    jpeg_size = size + 900;
    assert_int_equal(decode(mjpeg, whole()), GH_OK);
    /* padding between the headers */
    make_jpeg(320, 240, 3, true, false);
    memmove(jpeg_bytes + 12, jpeg_bytes + 2, jpeg_size - 2);
    memset(jpeg_bytes + 2, 0, 10);
    jpeg_size += 10;
    assert_int_equal(decode(mjpeg, whole()), GH_OK);
    gh_mjpeg_free(mjpeg);
}

/* Without Huffman tables, as the AVI form of motion JPEG is. */
static void standard_tables_may_be_left_out(void **state)
{
    (void)state;
    struct gh_mjpeg *mjpeg;
    struct gh_frame frame;
    make_jpeg(160, 120, 5, true, false);
    size_t out = 2;
    size_t in = 2;
    while (jpeg_bytes[in + 1] != 0xDA) {
        size_t length = 2 + ((size_t)jpeg_bytes[in + 2] << 8) + jpeg_bytes[in + 3];
        if (jpeg_bytes[in + 1] != 0xC4) {
            memmove(jpeg_bytes + out, jpeg_bytes + in, length);
            out += length;
        }
        in += length;
    }
    assert_true(out < in);
    memmove(jpeg_bytes + out, jpeg_bytes + in, jpeg_size - in);
    jpeg_size -= in - out;
    assert_int_equal(gh_mjpeg_new(320, 240, &mjpeg), GH_OK); /* a new one: it has seen no tables */
    assert_int_equal(gh_mjpeg_decode(mjpeg, whole(), &frame, NULL), GH_OK);
    assert_hill(&frame, 160, 120, 5);
    gh_mjpeg_free(mjpeg);
}

static void hostile_bytes_take_nothing_down(void **state)
{
    (void)state;
    struct gh_mjpeg *mjpeg;
    assert_int_equal(gh_mjpeg_new(320, 240, &mjpeg), GH_OK);
    srand(4711);
    unsigned good = 0;
    for (unsigned i = 0; i < 4000; i++) {
        make_jpeg(96, 64, i, i % 2 == 0, i % 5 == 0);
        unsigned changes = 1 + (unsigned)rand() % 8;
        /* mostly in the headers: that is where the sizes are */
        size_t range = rand() % 4 == 0 ? jpeg_size : 700;
        for (unsigned k = 0; k < changes; k++) {
            jpeg_bytes[(size_t)rand() % (range < jpeg_size ? range : jpeg_size)] = (uint8_t)rand();
        }
        if (rand() % 4 == 0) {
            jpeg_size = (size_t)rand() % jpeg_size;
        }
        good += decode(mjpeg, whole()) == GH_OK;
    }
    assert_true(good > 100 && good < 3500); /* it looked at both kinds */
    make_jpeg(320, 240, 9, true, false);
    struct gh_frame frame;
    assert_int_equal(gh_mjpeg_decode(mjpeg, whole(), &frame, NULL), GH_OK);
    assert_hill(&frame, 320, 240, 9);
    gh_mjpeg_free(mjpeg);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_jpeg_becomes_its_brightness),
        cmocka_unit_test(what_is_not_a_whole_jpeg_is_corrupt),
        cmocka_unit_test(larger_than_promised_is_refused),
        cmocka_unit_test(several_passes_are_refused),
        cmocka_unit_test(sloppy_cameras_are_understood),
        cmocka_unit_test(standard_tables_may_be_left_out),
        cmocka_unit_test(hostile_bytes_take_nothing_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
