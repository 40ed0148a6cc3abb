/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <jpeglib.h>
#include <png.h>

#include "gatehouse/bytes.h"
#include "gatehouse/picture.h"

#define WIDTH 37
#define HEIGHT 23

static char folder[] = "/tmp/gatehouse-picture-XXXXXX";
static char path[64];

static int make_folder(void **state)
{
    (void)state;
    if (mkdtemp(folder) == NULL)
        return -1;
    snprintf(path, sizeof(path), "%s/picture", folder);
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    (void)unlink(path);
    return rmdir(folder);
}

static void write_file(const void *data, size_t size)
{
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(data, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}

/* The picture must be refused so, with a text, and left empty. */
static void assert_refused(const void *data, size_t size, enum gh_status status)
{
    struct gh_picture picture = {(uint8_t *)1, 1, 1};
    struct gh_error err = {0};

    assert_string_equal(gh_status_text(gh_picture_parse(data, size, &picture, &err)),
                        gh_status_text(status));
    assert_int_equal(err.status, status);
    assert_true(strlen(err.text) > 0);
    assert_null(picture.luma);
    assert_int_equal(picture.width, 0);
}

static struct gh_picture parse(const void *data, size_t size)
{
    struct gh_picture picture = {0};
    struct gh_error err = {0};

    if (gh_picture_parse(data, size, &picture, &err) != GH_OK)
        fail_msg("%s", err.text);
    return picture;
}

static void assert_pixels(const struct gh_picture *picture, const uint8_t *luma, unsigned within)
{
    assert_int_equal(picture->width, WIDTH);
    assert_int_equal(picture->height, HEIGHT);
    for (size_t i = 0; i < WIDTH * HEIGHT; i++)
        assert_in_range(picture->luma[i], luma[i] < within ? 0 : luma[i] - within,
                        luma[i] + within);
}

/* --- PNG ------------------------------------------------------------------------------------- */

struct file {
    char *data;
    size_t size;
};

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

/* --- JPEG ------------------------------------------------------------------------------------ */

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

/* --- PGM ------------------------------------------------------------------------------------- */

static void assert_pgm(const char *text, size_t size, uint32_t width, uint32_t height,
                       const char *luma)
{
    struct gh_picture picture = parse(text, size);

    assert_int_equal(picture.width, width);
    assert_int_equal(picture.height, height);
    assert_memory_equal(picture.luma, luma, (size_t)width * height);
    gh_picture_free(&picture);
}

#define PGM(text) "" text, sizeof(text) - 1

static void test_pgm_forms(void **state)
{
    (void)state;
    assert_pgm(PGM("P5\n2 3\n255\n\1\2\3\4\5\6"), 2, 3, "\1\2\3\4\5\6");
    assert_pgm(PGM("P5 2 1 255\n\n#"), 2, 1, "\n#"); /* pixels that look like blanks */
    assert_pgm(PGM("P5\n# a comment 9 9\n2#another\n 1\n#\n255 \0\xff and more"), 2, 1, "\0\xff");
    assert_pgm(PGM("P5\r\n2 1\r\n1\n\0\1"), 2, 1, "\0\xff");
    assert_pgm(PGM("P5 3 1 65535 \0\0\x80\x80\xff\xff"), 3, 1, "\0\x80\xff");
    assert_pgm(PGM("P5 2 1 256 \1\0\0\x80"), 2, 1, "\xff\x80");
    assert_pgm(PGM("P5 2 1 100 \0\x32"), 2, 1, "\0\x80");
    assert_pgm(PGM("P2\n2 2\n255\n0 7\n 255\n#c\n 12"), 2, 2, "\0\7\xff\14");
    assert_pgm(PGM("P2 2 1 65535 65535 32896 "), 2, 1, "\xff\x80");
    assert_pgm(PGM("P2 1 1 255\n7"), 1, 1, "\7");
}

static void test_pgm_hostile(void **state)
{
    (void)state;
    assert_refused(PGM("P5"), GH_ERR_TRUNCATED);
    assert_refused(PGM("P5 2"), GH_ERR_TRUNCATED);
    assert_refused(PGM("P5 2 3 255"), GH_ERR_TRUNCATED);
    assert_refused(PGM("P5 2 3 255 12345"), GH_ERR_TRUNCATED);
    assert_refused(PGM("P5 2 3 256 12345678901"), GH_ERR_TRUNCATED);
    assert_refused(PGM("P5 2 3 # without an end"), GH_ERR_TRUNCATED);
    assert_refused(PGM("P2 2 2 255 1 2 3"), GH_ERR_TRUNCATED);
    assert_refused(PGM("P2 9000 4000 255 1 2 3"), GH_ERR_TRUNCATED);
    assert_refused(PGM("P5 20000 20000 255 1"), GH_ERR_TOOBIG);
    assert_refused(PGM("P5 4294967297 1 255 1"), GH_ERR_TOOBIG);
    assert_refused(PGM("P5 1 99999999999999999999999999999 255 1"), GH_ERR_TOOBIG);
    assert_refused(PGM("P5 18446744073709551617 1 255 1"), GH_ERR_TOOBIG);
    assert_refused(PGM("P5 0 1 255 1"), GH_ERR_CORRUPT);
    assert_refused(PGM("P5 -1 1 255 1"), GH_ERR_CORRUPT);
    assert_refused(PGM("P5 +1 1 255 1"), GH_ERR_CORRUPT);
    assert_refused(PGM("P5 1.0 1 255 1"), GH_ERR_CORRUPT);
    assert_refused(PGM("P5 0x1 1 255 1"), GH_ERR_CORRUPT);
    assert_refused(PGM("P5 1 1 0 1"), GH_ERR_CORRUPT);
    assert_refused(PGM("P5 1 1 65536 11"), GH_ERR_CORRUPT);
    assert_refused(PGM("P5 1 1 255#1"), GH_ERR_CORRUPT);
    assert_refused(PGM("P52 1 255 11"), GH_ERR_CORRUPT);
    assert_refused(PGM("P5 1 1 100 \x65"), GH_ERR_CORRUPT);
    assert_refused(PGM("P2 1 1 255 256"), GH_ERR_CORRUPT);
    assert_refused(PGM("P2 1 1 255 4294967296"), GH_ERR_CORRUPT);
    assert_refused(PGM("P2 1 1 255 x"), GH_ERR_CORRUPT);
}

/* --- files ----------------------------------------------------------------------------------- */

static enum gh_status load_status(const char *name)
{
    struct gh_picture picture = {(uint8_t *)1, 1, 1};
    struct gh_error err = {0};
    enum gh_status status = gh_picture_load(name, &picture, &err);

    assert_int_equal(err.status, status);
    assert_true((status == GH_OK) == (picture.luma != NULL));
    gh_picture_free(&picture);
    return status;
}

static void test_load(void **state)
{
    (void)state;
    assert_int_equal(load_status(path), GH_ERR_NOTFOUND);
    assert_int_equal(load_status(folder), GH_ERR_INVALID);
    write_file("", 0);
    assert_int_equal(load_status(path), GH_ERR_TRUNCATED);
    write_file("GIF89a", 6);
    assert_int_equal(load_status(path), GH_ERR_UNSUPPORTED);
    write_file(PGM("P5 1 1 255 x"));
    assert_int_equal(load_status(path), GH_OK);
    assert_int_equal(truncate(path, GH_PICTURE_MAX_FILE_BYTES + 1l), 0);
    assert_int_equal(load_status(path), GH_ERR_TOOBIG);
}

static void test_frame_and_free(void **state)
{
    (void)state;
    struct gh_picture picture = parse(PGM("P5 3 2 255 abcdef"));
    struct gh_frame frame = gh_picture_frame(&picture);
    assert_ptr_equal(frame.luma, picture.luma);
    assert_int_equal(frame.width, 3);
    assert_int_equal(frame.height, 2);
    assert_int_equal(frame.stride_bytes, 3);
    assert_int_equal(frame.step_bytes, 1);
    gh_picture_free(&picture);
    gh_picture_free(&picture);
    assert_null(picture.luma);
    gh_picture_free(NULL);
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
        cmocka_unit_test(test_jpeg_grey_colour_and_progressive),
        cmocka_unit_test(test_jpeg_cut_anywhere_is_truncated),
        cmocka_unit_test(test_jpeg_damage_takes_nothing_down),
        cmocka_unit_test(test_jpeg_other_colours_are_refused),
        cmocka_unit_test(test_jpeg_size_is_checked_in_the_header),
        cmocka_unit_test(test_jpeg_with_scans_without_end_is_refused),
        cmocka_unit_test(test_pgm_forms),
        cmocka_unit_test(test_pgm_hostile),
        cmocka_unit_test(test_load),
        cmocka_unit_test(test_frame_and_free),
    };

    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
