/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <dirent.h>
#include <qrencode.h>

#include "fakes/qr_picture.h"
#include "gatehouse/decode.h"
#include "gatehouse/file.h"
#include "gatehouse/picture.h"
#include "gatehouse/qr.h"

#define MAX_CODES 8

/* What a scan reported, copied out of the callback. */
struct codes {
    unsigned count;
    size_t sizes[MAX_CODES];
    uint8_t bytes[MAX_CODES][8192];
};

static void on_code(void *context, struct gh_bytes text)
{
    struct codes *codes = context;

    assert_in_range(codes->count, 0, MAX_CODES - 1);
    assert_in_range(text.size, 0, sizeof(codes->bytes[0]));
    codes->sizes[codes->count] = text.size;
    if (text.size > 0)
        memcpy(codes->bytes[codes->count], text.data, text.size);
    codes->count++;
}

static struct codes *scan(struct gh_decoder *decoder, const struct gh_frame *frame)
{
    static struct codes codes;
    unsigned count = 99;

    memset(&codes, 0, sizeof(codes));
    assert_int_equal(gh_decoder_scan(decoder, frame, on_code, &codes, &count), GH_OK);
    assert_int_equal(count, codes.count);
    return &codes;
}

static void assert_one(const struct codes *codes, struct gh_bytes text)
{
    assert_int_equal(codes->count, 1);
    assert_int_equal(codes->sizes[0], text.size);
    assert_memory_equal(codes->bytes[0], text.data, text.size);
}

static struct gh_decoder *new_decoder(uint32_t width, uint32_t height)
{
    struct gh_decoder *decoder = NULL;

    assert_int_equal(gh_decoder_new(width, height, &decoder), GH_OK);
    assert_non_null(decoder);
    return decoder;
}

static struct gh_bytes text_bytes(const char *text)
{
    return (struct gh_bytes){(const uint8_t *)text, strlen(text)};
}

/* A white canvas of brightness to paint symbols on; free luma. */
struct canvas {
    uint8_t *luma;
    uint32_t width;
    uint32_t height;
};

static struct canvas new_canvas(uint32_t width, uint32_t height)
{
    struct canvas canvas = {malloc((size_t)width * height), width, height};

    assert_non_null(canvas.luma);
    memset(canvas.luma, 255, (size_t)width * height);
    return canvas;
}

static struct gh_frame canvas_frame(const struct canvas *canvas)
{
    return (struct gh_frame){.luma = canvas->luma,
                             .width = canvas->width,
                             .height = canvas->height,
                             .stride_bytes = canvas->width,
                             .step_bytes = 1};
}

static void paint(struct canvas *canvas, uint32_t left, uint32_t top, const uint8_t *luma,
                  uint32_t side)
{
    assert_in_range(left + side, 0, canvas->width);
    assert_in_range(top + side, 0, canvas->height);
    for (uint32_t y = 0; y < side; y++)
        memcpy(canvas->luma + (size_t)(top + y) * canvas->width + left, luma + (size_t)y * side,
               side);
}

static void paint_code(struct canvas *canvas, uint32_t left, uint32_t top, const char *text)
{
    struct gh_qr qr;
    uint8_t *luma = NULL;
    uint32_t side = 0;

    assert_int_equal(gh_qr_encode(text_bytes(text), GH_QR_MEDIUM, &qr), GH_OK);
    assert_int_equal(qr_picture(&qr, 4, &luma, &side), GH_OK);
    paint(canvas, left, top, luma, side);
    free(luma);
    gh_qr_free(&qr);
}

/* --- round trips ----------------------------------------------------------------------------- */

static void assert_round_trip(struct gh_bytes text, enum gh_qr_level level, unsigned scale,
                              unsigned version)
{
    struct gh_qr qr;
    struct gh_picture picture = {0};
    uint32_t side = 0;

    assert_int_equal(gh_qr_encode(text, level, &qr), GH_OK);
    if (version != 0)
        assert_int_equal(qr.version, version);
    assert_int_equal(qr_picture(&qr, scale, &picture.luma, &side), GH_OK);
    picture.width = picture.height = side;
    struct gh_frame frame = gh_picture_frame(&picture);
    struct gh_decoder *decoder = new_decoder(side, side);
    assert_one(scan(decoder, &frame), text);
    gh_decoder_free(decoder);
    gh_picture_free(&picture);
    gh_qr_free(&qr);
}

static uint32_t next_random(uint32_t *random)
{
    *random ^= *random << 13;
    *random ^= *random >> 17;
    *random ^= *random << 5;
    return *random;
}

static void test_every_byte_comes_through(void **state)
{
    uint8_t bytes[256];

    (void)state;
    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (uint8_t)i;
    for (int level = GH_QR_LOW; level <= GH_QR_HIGH; level++)
        assert_round_trip((struct gh_bytes){bytes, sizeof(bytes)}, (enum gh_qr_level)level, 3, 0);
    for (size_t i = 0; i < sizeof(bytes); i++) {
        const uint8_t alone[] = {'x', (uint8_t)i, 'y'};
        assert_round_trip((struct gh_bytes){alone, sizeof(alone)}, GH_QR_MEDIUM, 4, 0);
        assert_round_trip((struct gh_bytes){alone + 1, 1}, GH_QR_MEDIUM, 4, 0);
    }
}

static void test_random_bytes_come_through(void **state)
{
    uint32_t random = 88172645;
    uint8_t bytes[1200];

    (void)state;
    for (int round = 0; round < 60; round++) {
        size_t size = 1 + next_random(&random) % (round % 4 == 0 ? sizeof(bytes) : 200);
        for (size_t i = 0; i < size; i++)
            bytes[i] = (uint8_t)(next_random(&random) >> 7);
        assert_round_trip((struct gh_bytes){bytes, size}, (enum gh_qr_level)(round % 4),
                          3 + (unsigned)round % 3, 0);
    }
}

/* Digits, alphanumeric characters and bytes in turns: the cuts between modes. */
static void test_mixed_modes_come_through(void **state)
{
    static const char alphanumeric[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:";
    uint32_t random = 5332;
    uint8_t bytes[700];

    (void)state;
    for (int round = 0; round < 60; round++) {
        size_t size = 0;
        while (size < sizeof(bytes) - 64 && next_random(&random) % 12 != 0) {
            uint32_t kind = next_random(&random) % 3;
            for (uint32_t left = next_random(&random) % 40; left > 0; left--) {
                uint32_t value = next_random(&random) >> 5;
                bytes[size++] = kind == 0   ? (uint8_t)('0' + value % 10)
                                : kind == 1 ? (uint8_t)alphanumeric[value % 45]
                                            : (uint8_t)value;
            }
        }
        if (size > 0)
            assert_round_trip((struct gh_bytes){bytes, size}, GH_QR_LOW, 4, 0);
    }
}

static void test_largest_symbols_come_through(void **state)
{
    static const char alphanumeric[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:";
    uint32_t random = 40;
    uint8_t bytes[4296];

    (void)state;
    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (uint8_t)alphanumeric[10 + next_random(&random) % 35];
    assert_round_trip((struct gh_bytes){bytes, sizeof(bytes)}, GH_QR_LOW, 4, 40);
    for (size_t i = 0; i < 2953; i++)
        bytes[i] = (uint8_t)(128 + next_random(&random) % 128);
    assert_round_trip((struct gh_bytes){bytes, 2953}, GH_QR_LOW, 4, 40);
}

/* --- frames ---------------------------------------------------------------------------------- */

static void test_yuyv_and_padded_rows(void **state)
{
    static const struct {
        size_t step;
        size_t padding;
    } forms[] = {{2, 0}, {1, 7}, {2, 30}, {1, 1}, {3, 0}, {4, 5}};

    (void)state;
    struct canvas canvas = new_canvas(201, 160);
    paint_code(&canvas, 10, 10, "GH1:YUYV");
    struct gh_decoder *decoder = new_decoder(canvas.width, canvas.height);
    for (size_t i = 0; i < GH_ARRAY_SIZE(forms); i++) {
        size_t step = forms[i].step, stride = canvas.width * step + forms[i].padding;
        /* The last row ends at its last pixel: nothing behind it may be read. */
        size_t size = stride * (canvas.height - 1) + (canvas.width - 1) * step + 1;
        uint8_t *buffer = malloc(size);
        assert_non_null(buffer);
        for (size_t at = 0; at < size; at++)
            buffer[at] = (uint8_t)(at * 97 >> 2); /* chroma, padding: anything */
        for (size_t y = 0; y < canvas.height; y++) {
            for (size_t x = 0; x < canvas.width; x++)
                buffer[y * stride + x * step] = canvas.luma[y * canvas.width + x];
        }
        struct gh_frame frame = {.luma = buffer,
                                 .width = canvas.width,
                                 .height = canvas.height,
                                 .stride_bytes = stride,
                                 .step_bytes = step};
        assert_one(scan(decoder, &frame), text_bytes("GH1:YUYV"));
        free(buffer);
    }
    gh_decoder_free(decoder);
    free(canvas.luma);
}

/* A camera's buffer may be mapped for reading only. */
static void test_the_frame_is_only_read(void **state)
{
    (void)state;
    struct canvas canvas = new_canvas(160, 160);
    paint_code(&canvas, 20, 20, "GH1:READ ONLY");
    size_t size = (size_t)canvas.width * canvas.height;
    uint8_t *mapped = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_true(mapped != MAP_FAILED);
    memcpy(mapped, canvas.luma, size);
    assert_int_equal(mprotect(mapped, size, PROT_READ), 0);
    struct gh_frame frame = canvas_frame(&canvas);
    frame.luma = mapped;
    struct gh_decoder *decoder = new_decoder(160, 160);
    assert_one(scan(decoder, &frame), text_bytes("GH1:READ ONLY"));
    gh_decoder_free(decoder);
    assert_int_equal(munmap(mapped, size), 0);
    free(canvas.luma);
}

static void test_two_codes_in_one_frame(void **state)
{
    (void)state;
    struct canvas canvas = new_canvas(400, 200);
    paint_code(&canvas, 20, 20, "GH1:HEALTH");
    paint_code(&canvas, 220, 40, "HTTPS://GATE/H/HOME");
    struct gh_decoder *decoder = new_decoder(400, 200);
    struct gh_frame frame = canvas_frame(&canvas);
    const struct codes *codes = scan(decoder, &frame);
    assert_int_equal(codes->count, 2);
    bool first_is_health = codes->sizes[0] == strlen("GH1:HEALTH");
    assert_string_equal((const char *)codes->bytes[first_is_health ? 0 : 1], "GH1:HEALTH");
    assert_string_equal((const char *)codes->bytes[first_is_health ? 1 : 0], "HTTPS://GATE/H/HOME");
    gh_decoder_free(decoder);
    free(canvas.luma);
}

static void test_the_same_code_twice_is_one(void **state)
{
    (void)state;
    struct canvas canvas = new_canvas(400, 200);
    paint_code(&canvas, 20, 20, "GH1:HEALTH");
    paint_code(&canvas, 220, 40, "GH1:HEALTH");
    struct gh_decoder *decoder = new_decoder(400, 200);
    struct gh_frame frame = canvas_frame(&canvas);
    assert_one(scan(decoder, &frame), text_bytes("GH1:HEALTH"));
    gh_decoder_free(decoder);
    free(canvas.luma);
}

/* A result belongs to its frame: the last person's code is not the next one's. */
static void test_nothing_stays_from_the_frame_before(void **state)
{
    (void)state;
    struct canvas blank = new_canvas(200, 200), first = new_canvas(200, 200),
                  second = new_canvas(180, 160);
    paint_code(&first, 30, 30, "GH1:FIRST");
    paint_code(&second, 10, 10, "GH1:SECOND");
    struct gh_frame frames[] = {canvas_frame(&blank), canvas_frame(&first), canvas_frame(&second)};
    const char *texts[] = {NULL, "GH1:FIRST", "GH1:SECOND"};
    struct gh_decoder *decoder = new_decoder(200, 200);
    uint32_t random = 7;
    for (int round = 0; round < 100; round++) {
        size_t which = next_random(&random) % 3;
        const struct codes *codes = scan(decoder, &frames[which]);
        if (texts[which] == NULL)
            assert_int_equal(codes->count, 0);
        else
            assert_one(codes, text_bytes(texts[which]));
    }
    gh_decoder_free(decoder);
    free(blank.luma);
    free(first.luma);
    free(second.luma);
}

static void test_callback_and_count_are_optional(void **state)
{
    unsigned count = 0;

    (void)state;
    struct canvas canvas = new_canvas(160, 160);
    paint_code(&canvas, 20, 20, "GH1:X");
    struct gh_frame frame = canvas_frame(&canvas);
    struct gh_decoder *decoder = new_decoder(160, 160);
    assert_int_equal(gh_decoder_scan(decoder, &frame, NULL, NULL, &count), GH_OK);
    assert_int_equal(count, 1);
    assert_int_equal(gh_decoder_scan(decoder, &frame, NULL, NULL, NULL), GH_OK);
    gh_decoder_free(decoder);
    free(canvas.luma);
}

static void assert_frame_status(struct gh_decoder *decoder, struct gh_frame frame,
                                enum gh_status status)
{
    struct codes *codes = calloc(1, sizeof(*codes));
    unsigned count = 99;

    assert_non_null(codes);
    assert_int_equal(gh_decoder_scan(decoder, &frame, on_code, codes, &count), status);
    assert_int_equal(count, 0);
    assert_int_equal(codes->count, 0);
    free(codes);
}

static void test_wrong_frames_are_refused(void **state)
{
    (void)state;
    struct canvas canvas = new_canvas(100, 100);
    const uint8_t *luma = canvas.luma;
    struct gh_decoder *decoder = new_decoder(100, 80);
    assert_frame_status(decoder, (struct gh_frame){luma, 101, 80, 101, 1, 0}, GH_ERR_TOOBIG);
    assert_frame_status(decoder, (struct gh_frame){luma, 80, 100, 80, 1, 0}, GH_ERR_TOOBIG);
    assert_frame_status(decoder, (struct gh_frame){luma, UINT32_MAX, UINT32_MAX, 1, 1, 0},
                        GH_ERR_TOOBIG);
    assert_frame_status(decoder, (struct gh_frame){NULL, 80, 80, 80, 1, 0}, GH_ERR_INVALID);
    assert_frame_status(decoder, (struct gh_frame){luma, 0, 80, 80, 1, 0}, GH_ERR_INVALID);
    assert_frame_status(decoder, (struct gh_frame){luma, 80, 0, 80, 1, 0}, GH_ERR_INVALID);
    assert_frame_status(decoder, (struct gh_frame){luma, 80, 80, 80, 0, 0}, GH_ERR_INVALID);
    assert_frame_status(decoder, (struct gh_frame){luma, 80, 80, 79, 1, 0}, GH_ERR_INVALID);
    assert_frame_status(decoder, (struct gh_frame){luma, 80, 80, 158, 2, 0}, GH_ERR_INVALID);
    assert_frame_status(decoder, (struct gh_frame){luma, 80, 80, 158, SIZE_MAX / 2, 0},
                        GH_ERR_INVALID);
    gh_decoder_free(decoder);
    decoder = (struct gh_decoder *)1;
    assert_int_equal(gh_decoder_new(0, 10, &decoder), GH_ERR_INVALID);
    assert_null(decoder);
    assert_int_equal(gh_decoder_new(10, GH_PICTURE_MAX_SIDE + 1, &decoder), GH_ERR_INVALID);
    gh_decoder_free(NULL);
    free(canvas.luma);
}

static void test_small_and_noisy_frames(void **state)
{
    uint32_t random = 99;

    (void)state;
    struct canvas canvas = new_canvas(320, 240);
    struct gh_decoder *decoder = new_decoder(320, 240);
    for (uint32_t side = 1; side < 64; side++) {
        for (uint32_t i = 0; i < side * side; i++)
            canvas.luma[i] = (uint8_t)(next_random(&random) >> 9);
        struct gh_frame frame = {canvas.luma, side, side, side, 1, 0};
        assert_int_equal(scan(decoder, &frame)->count, 0);
        frame = (struct gh_frame){canvas.luma, side * side > 320 ? 320 : side * side, 1, 320, 1, 0};
        assert_int_equal(scan(decoder, &frame)->count, 0);
    }
    for (int round = 0; round < 8; round++) {
        for (uint32_t i = 0; i < 320 * 240; i++)
            canvas.luma[i] = next_random(&random) & 64 ? 255 : 0;
        struct gh_frame frame = canvas_frame(&canvas);
        assert_int_equal(scan(decoder, &frame)->count, 0);
    }
    gh_decoder_free(decoder);
    free(canvas.luma);
}

/* --- linked codes (structured append) -------------------------------------------------------- */

static void paint_linked(struct canvas *canvas, uint32_t left, const QRcode *code)
{
    struct gh_qr qr = {.side = (unsigned)code->width, .version = (unsigned)code->version};
    uint8_t *luma = NULL;
    uint32_t side = 0;

    qr.modules = malloc((size_t)qr.side * qr.side);
    assert_non_null(qr.modules);
    for (size_t i = 0; i < (size_t)qr.side * qr.side; i++)
        qr.modules[i] = code->data[i] & 1;
    assert_int_equal(qr_picture(&qr, 4, &luma, &side), GH_OK);
    paint(canvas, left, 10, luma, side);
    free(luma);
    gh_qr_free(&qr);
}

static void test_half_of_a_linked_code_is_none(void **state)
{
    static const char text[] = "half a sentence is no sentence at all";

    (void)state;
    QRcode_List *list = QRcode_encodeStringStructured(text, 2, QR_ECLEVEL_M, QR_MODE_8, 1);
    assert_non_null(list);
    assert_int_equal(QRcode_List_size(list), 2);
    struct canvas canvas = new_canvas(400, 200);
    struct gh_frame frame = canvas_frame(&canvas);
    struct gh_decoder *decoder = new_decoder(400, 200);
    paint_linked(&canvas, 10, list->code);
    assert_int_equal(scan(decoder, &frame)->count, 0);
    paint_linked(&canvas, 210, list->next->code);
    assert_one(scan(decoder, &frame), text_bytes(text));
    gh_decoder_free(decoder);
    free(canvas.luma);
    QRcode_List_free(list);
}

/* --- photographs ----------------------------------------------------------------------------- */

#define PHOTOGRAPHS 105
#define PHOTOGRAPHS_READ 95 /* what zbar 0.23.92 reads */

static const char *find_photographs(void)
{
    static char found[4096];
    const char *places[] = {getenv("GATEHOUSE_SHARED"), "../shared", "../../shared", "shared"};
    struct stat info;

    for (size_t i = 0; i < GH_ARRAY_SIZE(places); i++) {
        if (places[i] == NULL)
            continue;
        int size = snprintf(found, sizeof(found), "%s/images/qr", places[i]);
        if (size > 0 && (size_t)size < sizeof(found) && stat(found, &info) == 0 &&
            S_ISDIR(info.st_mode))
            return found;
    }
    return NULL;
}

/* path is changed to that of its text. */
static bool photograph_is_read(char *path)
{
    struct gh_picture picture = {0};
    uint8_t *expected = NULL;
    size_t expected_size = 0, text_size = 0;
    char *text = NULL;

    assert_int_equal(gh_picture_load(path, &picture, NULL), GH_OK);
    strcpy(strrchr(path, '.'), ".txt");
    assert_int_equal(gh_file_read(path, 1 << 20, &expected, &expected_size, NULL), GH_OK);
    struct gh_decoder *decoder = new_decoder(picture.width, picture.height);
    struct gh_frame frame = gh_picture_frame(&picture);
    const struct codes *codes = scan(decoder, &frame);
    bool read = false;
    if (codes->count == 1) {
        assert_int_equal(
            gh_decoded_text((struct gh_bytes){codes->bytes[0], codes->sizes[0]}, &text, &text_size),
            GH_OK);
        read = text_size == expected_size && memcmp(text, expected, text_size) == 0;
    }
    gh_decoder_free(decoder);
    gh_picture_free(&picture);
    free(expected);
    free(text);
    return read;
}

static void test_photographs(void **state)
{
    unsigned pictures = 0, read = 0;
    struct dirent *entry;

    (void)state;
    const char *folder = find_photographs();
    if (folder == NULL) {
        print_message("no photographs: GATEHOUSE_SHARED is not set and ../shared is not there\n");
        skip();
    }
    DIR *dir = opendir(folder);
    assert_non_null(dir);
    while ((entry = readdir(dir)) != NULL) {
        char path[4200];
        const char *suffix = strrchr(entry->d_name, '.');
        if (suffix == NULL || strcmp(suffix, ".png") != 0)
            continue;
        assert_int_equal(gh_path_join(folder, entry->d_name, path, sizeof(path)), GH_OK);
        pictures++;
        read += photograph_is_read(path);
    }
    closedir(dir);
    print_message("photographs: %u of %u read\n", read, pictures);
    assert_int_equal(pictures, PHOTOGRAPHS);
    assert_in_range(read, PHOTOGRAPHS_READ, PHOTOGRAPHS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_byte_comes_through),
        cmocka_unit_test(test_random_bytes_come_through),
        cmocka_unit_test(test_mixed_modes_come_through),
        cmocka_unit_test(test_largest_symbols_come_through),
        cmocka_unit_test(test_yuyv_and_padded_rows),
        cmocka_unit_test(test_the_frame_is_only_read),
        cmocka_unit_test(test_two_codes_in_one_frame),
        cmocka_unit_test(test_the_same_code_twice_is_one),
        cmocka_unit_test(test_nothing_stays_from_the_frame_before),
        cmocka_unit_test(test_callback_and_count_are_optional),
        cmocka_unit_test(test_wrong_frames_are_refused),
        cmocka_unit_test(test_small_and_noisy_frames),
        cmocka_unit_test(test_half_of_a_linked_code_is_none),
        cmocka_unit_test(test_photographs),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
