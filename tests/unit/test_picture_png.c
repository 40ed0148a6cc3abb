/* SPDX-License-Identifier: Apache-2.0 */
/* picture_png.c: every form of PNG, and those that are damaged or hostile. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <png.h>

#include "picture_fixture.h"

struct png_form {
    int bits;
    int colours;
    int interlace;
    bool transparent; /* by tRNS */
};

/* Rows as libpng takes them; palette entry i is grey i * 5, red for 0 when transparent. */
static struct file make_png(const struct png_form *form, const uint8_t *rows, size_t row_bytes)
{
    struct file file = {NULL, 0};
    FILE *stream = open_memstream(&file.data, &file.size);
    assert_non_null(stream);
    png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, NULL, NULL, NULL);
    png_infop info = png_create_info_struct(png);
    assert_non_null(info);
    png_init_io(png, stream);
    png_set_IHDR(png, info, WIDTH, HEIGHT, form->bits, form->colours, form->interlace, 0, 0);
    if (form->colours == PNG_COLOR_TYPE_PALETTE) {
        png_color palette[16];
        for (int i = 0; i < 16; i++)
            palette[i] = (png_color){(png_byte)(i * 5), (png_byte)(i * 5), (png_byte)(i * 5)};
        png_set_PLTE(png, info, palette, 1 << form->bits);
    }
    if (form->transparent) {
        png_byte alpha[] = {0, 128};
        png_color_16 key = {.gray = 7, .red = 7, .green = 7, .blue = 7};
        png_set_tRNS(png, info, alpha, form->colours == PNG_COLOR_TYPE_PALETTE ? 2 : 0, &key);
    }
    png_bytep pointers[HEIGHT];
    for (size_t y = 0; y < HEIGHT; y++)
        pointers[y] = (png_bytep)(uintptr_t)(rows + y * row_bytes);
    png_set_rows(png, info, pointers);
    png_write_png(png, info, PNG_TRANSFORM_IDENTITY, NULL);
    png_destroy_write_struct(&png, &info);
    assert_int_equal(fclose(stream), 0);
    return file;
}

static void assert_png(const struct png_form *form, const uint8_t *rows, size_t row_bytes,
                       const uint8_t *luma, unsigned within)
{
    for (int interlace = 0; interlace < 2; interlace++) {
        struct png_form both = *form;
        both.interlace = interlace ? PNG_INTERLACE_ADAM7 : PNG_INTERLACE_NONE;
        struct file file = make_png(&both, rows, row_bytes);
        struct gh_picture picture = parse(file.data, file.size);
        assert_pixels(&picture, luma, within);
        gh_picture_free(&picture);
        free(file.data);
    }
}

static void test_png_grey_of_every_depth(void **state)
{
    static const int depths[] = {1, 2, 4, 8};

    (void)state;
    for (size_t i = 0; i < GH_ARRAY_SIZE(depths); i++) {
        unsigned bits = (unsigned)depths[i], top = (1u << bits) - 1;
        size_t row_bytes = (WIDTH * bits + 7) / 8;
        uint8_t rows[WIDTH * HEIGHT] = {0}, luma[WIDTH * HEIGHT];
        for (size_t y = 0; y < HEIGHT; y++) {
            for (size_t x = 0; x < WIDTH; x++) {
                unsigned value = (unsigned)(x * 7 + y * 3) & top;
                size_t bit = x * bits;
                rows[y * row_bytes + bit / 8] |= (uint8_t)(value << (8 - bits - bit % 8));
                luma[y * WIDTH + x] = (uint8_t)(value * 255 / top);
            }
        }
        assert_png(&(struct png_form){depths[i], PNG_COLOR_TYPE_GRAY, 0, false}, rows, row_bytes,
                   luma, 0);
    }
}

static void test_png_16_bits(void **state)
{
    uint8_t rows[WIDTH * HEIGHT * 2], luma[WIDTH * HEIGHT];

    (void)state;
    for (size_t i = 0; i < WIDTH * HEIGHT; i++) {
        unsigned value = (unsigned)i * 76;
        rows[2 * i] = (uint8_t)(value >> 8);
        rows[2 * i + 1] = (uint8_t)value;
        luma[i] = (uint8_t)((value * 255 + 32767) / 65535);
    }
    assert_png(&(struct png_form){16, PNG_COLOR_TYPE_GRAY, 0, false}, rows, WIDTH * 2, luma, 0);
}

static void test_png_colour(void **state)
{
    uint8_t rows[WIDTH * HEIGHT * 3], luma[WIDTH * HEIGHT];

    (void)state;
    for (size_t i = 0; i < WIDTH * HEIGHT; i++) {
        uint8_t red = (uint8_t)(i * 3), green = (uint8_t)(i * 5), blue = (uint8_t)(i * 11);
        rows[3 * i] = red;
        rows[3 * i + 1] = green;
        rows[3 * i + 2] = blue;
        luma[i] = (uint8_t)(0.299 * red + 0.587 * green + 0.114 * blue + 0.5);
    }
    assert_png(&(struct png_form){8, PNG_COLOR_TYPE_RGB, 0, false}, rows, WIDTH * 3, luma, 1);
}

static void test_png_alpha_lies_on_white(void **state)
{
    uint8_t rows[WIDTH * HEIGHT * 4], luma[WIDTH * HEIGHT];

    (void)state;
    for (size_t i = 0; i < WIDTH * HEIGHT; i++) {
        uint8_t grey = (uint8_t)(i * 3), alpha = (uint8_t)(i % 3 == 0 ? 0 : i % 3 == 1 ? 255 : 51);
        memset(rows + 4 * i, grey, 3);
        rows[4 * i + 3] = alpha;
        luma[i] = alpha == 0 ? 255 : alpha == 255 ? grey : (uint8_t)(0.2 * grey + 0.8 * 255 + 0.5);
    }
    assert_png(&(struct png_form){8, PNG_COLOR_TYPE_RGB_ALPHA, 0, false}, rows, WIDTH * 4, luma, 1);

    for (size_t i = 0; i < WIDTH * HEIGHT; i++)
        memmove(rows + 2 * i, rows + 4 * i + 2, 2);
    assert_png(&(struct png_form){8, PNG_COLOR_TYPE_GRAY_ALPHA, 0, false}, rows, WIDTH * 2, luma,
               1);
}

static void test_png_palette_and_trns(void **state)
{
    uint8_t rows[WIDTH * HEIGHT * 3], luma[WIDTH * HEIGHT];

    (void)state;
    for (size_t y = 0; y < HEIGHT; y++) {
        for (size_t x = 0; x < WIDTH; x++) {
            uint8_t index = (uint8_t)((x + y) % 16);
            size_t at = y * ((WIDTH + 1) / 2) + x / 2;
            rows[at] = x % 2 ? (uint8_t)(rows[at] | index) : (uint8_t)(index << 4);
            luma[y * WIDTH + x] = (uint8_t)(index * 5);
        }
    }
    assert_png(&(struct png_form){4, PNG_COLOR_TYPE_PALETTE, 0, false}, rows, (WIDTH + 1) / 2, luma,
               0);
    for (size_t i = 0; i < WIDTH * HEIGHT; i++)
        luma[i] = luma[i] == 0 ? 255 : luma[i] == 5 ? 130 : luma[i];
    assert_png(&(struct png_form){4, PNG_COLOR_TYPE_PALETTE, 0, true}, rows, (WIDTH + 1) / 2, luma,
               1);

    /* The one colour that is transparent, 7, becomes white. */
    for (size_t i = 0; i < WIDTH * HEIGHT; i++) {
        uint8_t grey = (uint8_t)(i % 9);
        memset(rows + 3 * i, grey, 3);
        luma[i] = grey == 7 ? 255 : grey;
    }
    assert_png(&(struct png_form){8, PNG_COLOR_TYPE_RGB, 0, true}, rows, WIDTH * 3, luma, 0);
    for (size_t i = 0; i < WIDTH * HEIGHT; i++)
        rows[i] = (uint8_t)(i % 9);
    assert_png(&(struct png_form){8, PNG_COLOR_TYPE_GRAY, 0, true}, rows, WIDTH, luma, 0);
}

static struct file grey_png(int interlace)
{
    uint8_t rows[WIDTH * HEIGHT];

    for (size_t i = 0; i < sizeof(rows); i++)
        rows[i] = (uint8_t)(i * 41 ^ i >> 3);
    return make_png(&(struct png_form){8, PNG_COLOR_TYPE_GRAY, interlace, false}, rows, WIDTH);
}

static void test_png_cut_anywhere_is_truncated(void **state)
{
    (void)state;
    for (int interlace = 0; interlace < 2; interlace++) {
        struct file file = grey_png(interlace);
        for (size_t size = 0; size < file.size; size++) {
            char *cut = malloc(size + 1); /* exact, so that a sanitizer sees reads behind it */
            assert_non_null(cut);
            memcpy(cut, file.data, size);
            cut = realloc(cut, size > 0 ? size : 1);
            assert_refused(cut, size, GH_ERR_TRUNCATED);
            free(cut);
        }
        free(file.data);
    }
}

static void test_png_with_any_byte_changed_is_refused(void **state)
{
    (void)state;
    struct file file = grey_png(0);
    /* libpng 1.6.48 forgives a wrong checksum of the empty chunk at the very end: all pixels were
     * checked by then. */
    size_t checked = file.size - 4;
    for (size_t i = 0; i < checked; i++) {
        struct gh_picture picture;
        struct gh_error err = {0};
        file.data[i] ^= 0x20;
        enum gh_status status =
            gh_picture_parse((const uint8_t *)file.data, file.size, &picture, &err);
        assert_int_not_equal(status, GH_OK);
        assert_int_equal(status, err.status);
        assert_null(picture.luma);
        file.data[i] ^= 0x20;
    }
    free(file.data);
}

static void put_be32(uint8_t *to, uint32_t value)
{
    for (int i = 0; i < 4; i++)
        to[i] = (uint8_t)(value >> (24 - 8 * i));
}

/* A header and the beginning of its pixels, by hand: only the header may be looked at. */
static void assert_png_header(uint32_t width, uint32_t height, enum gh_status status)
{
    uint8_t file[8 + 25 + 12] = "\x89PNG\r\n\x1a\n\0\0\0\rIHDR";

    put_be32(file + 16, width);
    put_be32(file + 20, height);
    file[24] = 8; /* bits, grey */
    uint32_t crc = 0xffffffff;
    for (size_t i = 12; i < 29; i++) {
        crc ^= file[i];
        for (int bit = 0; bit < 8; bit++)
            crc = crc & 1 ? crc >> 1 ^ 0xedb88320 : crc >> 1;
    }
    put_be32(file + 29, ~crc);
    memcpy(file + 33, "\0\0\1\0IDAT\x78\x9c", 10);
    assert_refused(file, sizeof(file), status);
}

static void test_png_size_is_checked_in_the_header(void **state)
{
    (void)state;
    assert_png_header(20000, 20000, GH_ERR_TOOBIG);
    assert_png_header(16385, 1, GH_ERR_TOOBIG);
    assert_png_header(1, 16385, GH_ERR_TOOBIG);
    assert_png_header(16384, 16384, GH_ERR_TOOBIG);
    assert_png_header(0xffffffff, 0xffffffff, GH_ERR_TOOBIG);
    assert_png_header(0x80000000, 1, GH_ERR_TOOBIG);
    assert_png_header(0, 5, GH_ERR_CORRUPT);
    assert_png_header(5, 0, GH_ERR_CORRUPT);
    assert_png_header(6000, 6000, GH_ERR_TRUNCATED); /* more than these bytes can ever inflate to */
    assert_png_header(10, 10, GH_ERR_TRUNCATED);
}

/* Texts and profiles may inflate to anything: they are not looked at. */
static void test_png_text_bomb_is_skipped(void **state)
{
    uint8_t row[WIDTH] = {0};
    struct file file = {NULL, 0};
    png_text text = {.compression = PNG_TEXT_COMPRESSION_zTXt, .key = (png_charp) "Comment"};

    (void)state;
    text.text = calloc(1, 64 << 20);
    assert_non_null(text.text);
    memset(text.text, 'a', (64 << 20) - 1);
    FILE *stream = open_memstream(&file.data, &file.size);
    assert_non_null(stream);
    png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, NULL, NULL, NULL);
    png_infop info = png_create_info_struct(png);
    assert_non_null(info);
    png_init_io(png, stream);
    png_set_IHDR(png, info, WIDTH, 1, 8, PNG_COLOR_TYPE_GRAY, 0, 0, 0);
    png_set_text(png, info, &text, 1);
    png_write_info(png, info);
    png_write_row(png, row);
    png_write_end(png, info);
    png_destroy_write_struct(&png, &info);
    assert_int_equal(fclose(stream), 0);
    free(text.text);

    struct gh_picture picture = parse(file.data, file.size);
    assert_int_equal(picture.height, 1);
    gh_picture_free(&picture);
    free(file.data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_png_grey_of_every_depth),
        cmocka_unit_test(test_png_16_bits),
        cmocka_unit_test(test_png_colour),
        cmocka_unit_test(test_png_alpha_lies_on_white),
        cmocka_unit_test(test_png_palette_and_trns),
        cmocka_unit_test(test_png_cut_anywhere_is_truncated),
        cmocka_unit_test(test_png_with_any_byte_changed_is_refused),
        cmocka_unit_test(test_png_size_is_checked_in_the_header),
        cmocka_unit_test(test_png_text_bomb_is_skipped),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
