/* SPDX-License-Identifier: Apache-2.0 */
/* picture_jpeg.c: the forms of JPEG, and those that are damaged or hostile. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jpeglib.h>

#include "picture_fixture.h"

struct jpeg_form {
    J_COLOR_SPACE in;
    J_COLOR_SPACE out;
    int components;
    bool progressive;
    const jpeg_scan_info *scans;
    int scan_count;
};

/* Every component of pixel i is luma[i]. */
static struct file make_jpeg(const struct jpeg_form *form, const uint8_t *luma)
{
    struct jpeg_compress_struct jpeg;
    struct jpeg_error_mgr errors;
    unsigned char *data = NULL;
    unsigned long size = 0;
    uint8_t row[WIDTH * 4];

    jpeg.err = jpeg_std_error(&errors);
    jpeg_create_compress(&jpeg);
    jpeg_mem_dest(&jpeg, &data, &size);
    jpeg.image_width = WIDTH;
    jpeg.image_height = HEIGHT;
    jpeg.input_components = form->components;
    jpeg.in_color_space = form->in;
    jpeg_set_defaults(&jpeg);
    jpeg_set_colorspace(&jpeg, form->out);
    jpeg_set_quality(&jpeg, 100, TRUE);
    if (form->progressive)
        jpeg_simple_progression(&jpeg);
    if (form->scans != NULL) {
        jpeg.scan_info = form->scans;
        jpeg.num_scans = form->scan_count;
    }
    jpeg_start_compress(&jpeg, TRUE);
    for (size_t y = 0; y < HEIGHT; y++) {
        for (size_t x = 0; x < WIDTH; x++)
            memset(row + x * (size_t)form->components, luma[y * WIDTH + x],
                   (size_t)form->components);
        JSAMPROW rows = row;
        jpeg_write_scanlines(&jpeg, &rows, 1);
    }
    jpeg_finish_compress(&jpeg);
    jpeg_destroy_compress(&jpeg);
    return (struct file){(char *)data, size};
}

static void fill_smooth(uint8_t *luma)
{
    for (size_t i = 0; i < WIDTH * HEIGHT; i++)
        luma[i] = (uint8_t)(20 + i % WIDTH * 4 + i / WIDTH * 3);
}

static const struct jpeg_form grey_jpeg = {JCS_GRAYSCALE, JCS_GRAYSCALE, 1, false, NULL, 0};

static void test_jpeg_grey_colour_and_progressive(void **state)
{
    static const struct jpeg_form forms[] = {
        {JCS_GRAYSCALE, JCS_GRAYSCALE, 1, false, NULL, 0},
        {JCS_GRAYSCALE, JCS_GRAYSCALE, 1, true, NULL, 0},
        {JCS_RGB, JCS_YCbCr, 3, false, NULL, 0},
        {JCS_RGB, JCS_YCbCr, 3, true, NULL, 0},
        {JCS_RGB, JCS_RGB, 3, false, NULL, 0},
    };
    uint8_t luma[WIDTH * HEIGHT];

    (void)state;
    fill_smooth(luma);
    for (size_t i = 0; i < GH_ARRAY_SIZE(forms); i++) {
        struct file file = make_jpeg(&forms[i], luma);
        struct gh_picture picture = parse(file.data, file.size);
        assert_pixels(&picture, luma, 3);
        gh_picture_free(&picture);
        free(file.data);
    }
}

static void test_jpeg_cut_anywhere_is_truncated(void **state)
{
    uint8_t luma[WIDTH * HEIGHT];

    (void)state;
    for (size_t i = 0; i < sizeof(luma); i++)
        luma[i] = (uint8_t)(i * i * 31 >> 3);
    for (int progressive = 0; progressive < 2; progressive++) {
        struct jpeg_form form = grey_jpeg;
        form.progressive = progressive != 0;
        struct file file = make_jpeg(&form, luma);
        for (size_t size = 0; size < file.size - 2; size++) { /* the last two only say "end" */
            char *cut = malloc(size > 0 ? size : 1);
            assert_non_null(cut);
            memcpy(cut, file.data, size);
            assert_refused(cut, size, GH_ERR_TRUNCATED);
            free(cut);
        }
        free(file.data);
    }
}

static void test_jpeg_damage_takes_nothing_down(void **state)
{
    uint8_t luma[WIDTH * HEIGHT];
    unsigned refused = 0;

    (void)state;
    fill_smooth(luma);
    struct file file = make_jpeg(&(struct jpeg_form){JCS_RGB, JCS_YCbCr, 3, true, NULL, 0}, luma);
    for (size_t i = 0; i < file.size; i++) {
        struct gh_picture picture;
        struct gh_error err = {0};
        char kept = file.data[i];
        file.data[i] = (char)0xff;
        enum gh_status status =
            gh_picture_parse((const uint8_t *)file.data, file.size, &picture, &err);
        file.data[i] = kept;
        assert_int_equal(status, err.status);
        assert_true((status == GH_OK) == (picture.luma != NULL));
        refused += status != GH_OK;
        gh_picture_free(&picture);
    }
    assert_true(refused > file.size / 4);
    free(file.data);
}

static void test_jpeg_other_colours_are_refused(void **state)
{
    uint8_t luma[WIDTH * HEIGHT];

    (void)state;
    fill_smooth(luma);
    struct file cmyk = make_jpeg(&(struct jpeg_form){JCS_CMYK, JCS_CMYK, 4, false, NULL, 0}, luma);
    assert_refused(cmyk.data, cmyk.size, GH_ERR_UNSUPPORTED);
    free(cmyk.data);
    struct file ycck = make_jpeg(&(struct jpeg_form){JCS_CMYK, JCS_YCCK, 4, false, NULL, 0}, luma);
    assert_refused(ycck.data, ycck.size, GH_ERR_UNSUPPORTED);
    free(ycck.data);
}

static void test_jpeg_size_is_checked_in_the_header(void **state)
{
    uint8_t luma[WIDTH * HEIGHT];

    (void)state;
    fill_smooth(luma);
    struct file file = make_jpeg(&grey_jpeg, luma);
    char *frame = memmem(file.data, file.size, "\xff\xc0", 2); /* then length, precision, size */
    assert_non_null(frame);
    memcpy(frame + 5, "\xff\xdc\xff\xdc", 4);
    assert_refused(file.data, file.size, GH_ERR_TOOBIG);
    memcpy(frame + 5, "\x10\x00\xff\xdc", 4); /* a side */
    assert_refused(file.data, file.size, GH_ERR_TOOBIG);
    memcpy(frame + 5, "\x00\x17\x00\x00", 4);
    struct gh_picture picture;
    assert_int_not_equal(gh_picture_parse((const uint8_t *)file.data, file.size, &picture, NULL),
                         GH_OK);
    free(file.data);
}

/* Each scan of a progressive file goes over all pixels again. */
static void test_jpeg_with_scans_without_end_is_refused(void **state)
{
    jpeg_scan_info scans[128];
    int count = 0;
    uint8_t luma[WIDTH * HEIGHT];

    (void)state;
    for (int finer = 0; finer < 2; finer++) {
        for (int coefficient = 0; coefficient < 64; coefficient++)
            scans[count++] = (jpeg_scan_info){.comps_in_scan = 1,
                                              .Ss = coefficient,
                                              .Se = coefficient,
                                              .Ah = finer,
                                              .Al = 1 - finer};
    }
    fill_smooth(luma);
    struct file file =
        make_jpeg(&(struct jpeg_form){JCS_GRAYSCALE, JCS_GRAYSCALE, 1, false, scans, count}, luma);
    assert_refused(file.data, file.size, GH_ERR_TOOBIG);
    free(file.data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_jpeg_grey_colour_and_progressive),
        cmocka_unit_test(test_jpeg_cut_anywhere_is_truncated),
        cmocka_unit_test(test_jpeg_damage_takes_nothing_down),
        cmocka_unit_test(test_jpeg_other_colours_are_refused),
        cmocka_unit_test(test_jpeg_size_is_checked_in_the_header),
        cmocka_unit_test(test_jpeg_with_scans_without_end_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
