/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fakes/qr_picture.h"
#include "gatehouse/decode.h"
#include "gatehouse/file.h"
#include "gatehouse/picture.h"
#include "gatehouse/qr.h"

static char folder[] = "/tmp/gatehouse-qr-XXXXXX";
static char path[64];

static int make_folder(void **state)
{
    (void)state;
    if (mkdtemp(folder) == NULL)
        return -1;
    snprintf(path, sizeof(path), "%s/symbol", folder);
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    (void)unlink(path);
    return rmdir(folder); /* which also says that no temporary file stayed */
}

static struct gh_qr encode(const char *text)
{
    struct gh_qr qr;

    assert_int_equal(
        gh_qr_encode((struct gh_bytes){(const uint8_t *)text, strlen(text)}, GH_QR_MEDIUM, &qr),
        GH_OK);
    return qr;
}

/* --- encoding -------------------------------------------------------------------------------- */

static enum gh_status encode_run(uint8_t byte, size_t size, enum gh_qr_level level,
                                 unsigned *version)
{
    uint8_t bytes[8000];
    struct gh_qr qr = {1, 1, bytes};

    assert_in_range(size, 0, sizeof(bytes));
    memset(bytes, byte, sizeof(bytes));
    enum gh_status status = gh_qr_encode((struct gh_bytes){bytes, size}, level, &qr);
    if (status == GH_OK)
        assert_int_equal(qr.side, 17 + 4 * qr.version);
    else
        assert_null(qr.modules);
    *version = qr.version;
    gh_qr_free(&qr);
    return status;
}

/* Capacities from ISO/IEC 18004, table 7: one more needs the next version, or none is left. */
static void test_capacities(void **state)
{
    static const struct {
        uint8_t byte;
        enum gh_qr_level level;
        size_t size;
        unsigned version;
    } rows[] = {
        {'7', GH_QR_LOW, 41, 1},         {'A', GH_QR_LOW, 25, 1},
        {'a', GH_QR_LOW, 17, 1},         {'7', GH_QR_HIGH, 17, 1},
        {'A', GH_QR_HIGH, 10, 1},        {'a', GH_QR_HIGH, 7, 1},
        {'A', GH_QR_MEDIUM, 262, 9},     {0, GH_QR_MEDIUM, 180, 9},
        {'A', GH_QR_MEDIUM, 311, 10},    {'a', GH_QR_QUARTILE, 151, 10},
        {'7', GH_QR_QUARTILE, 1804, 26}, {'A', GH_QR_LOW, 1990, 26},
        {'A', GH_QR_LOW, 2132, 27},      {'a', GH_QR_HIGH, 625, 27},
        {'7', GH_QR_LOW, 7089, 40},      {'A', GH_QR_LOW, 4296, 40},
        {0xff, GH_QR_LOW, 2953, 40},     {0, GH_QR_LOW, 2953, 40},
        {'7', GH_QR_MEDIUM, 5596, 40},   {'A', GH_QR_QUARTILE, 2420, 40},
        {'a', GH_QR_HIGH, 1273, 40},
    };

    (void)state;
    for (size_t i = 0; i < GH_ARRAY_SIZE(rows); i++) {
        unsigned version = 0;
        assert_int_equal(encode_run(rows[i].byte, rows[i].size, rows[i].level, &version), GH_OK);
        assert_int_equal(version, rows[i].version);
        enum gh_status status = encode_run(rows[i].byte, rows[i].size + 1, rows[i].level, &version);
        assert_int_equal(status, rows[i].version == 40 ? GH_ERR_TOOBIG : GH_OK);
        assert_int_equal(version, rows[i].version == 40 ? 0 : rows[i].version + 1);
    }
}

static void test_empty_and_endless_are_refused(void **state)
{
    struct gh_qr qr = {1, 1, (uint8_t *)1};

    (void)state;
    assert_int_equal(gh_qr_encode((struct gh_bytes){NULL, 0}, GH_QR_LOW, &qr), GH_ERR_INVALID);
    assert_null(qr.modules);
    assert_int_equal(gh_qr_encode((struct gh_bytes){(const uint8_t *)"", 0}, GH_QR_LOW, &qr),
                     GH_ERR_INVALID);
    assert_int_equal(
        gh_qr_encode((struct gh_bytes){(const uint8_t *)"x", 1}, (enum gh_qr_level)4, &qr),
        GH_ERR_INVALID);
    uint8_t *endless = calloc(1, 1 << 20);
    assert_non_null(endless);
    assert_int_equal(gh_qr_encode((struct gh_bytes){endless, 1 << 20}, GH_QR_LOW, &qr),
                     GH_ERR_TOOBIG);
    free(endless);
    gh_qr_free(&qr);
    gh_qr_free(&qr);
    gh_qr_free(NULL);
}

/* A few bytes among digits cost a few bytes, not the whole text in bytes. */
static void test_modes_change_within_a_text(void **state)
{
    char text[1201] = "shc:/";

    (void)state;
    memset(text + 5, '5', sizeof(text) - 6);
    struct gh_qr digits = encode(text);
    memset(text, 'A', sizeof(text) - 1);
    struct gh_qr alphanumeric = encode(text);
    text[600] = 'a';
    struct gh_qr one_byte = encode(text);
    memset(text, 'a', sizeof(text) - 1);
    struct gh_qr bytes = encode(text);
    assert_true(digits.version < alphanumeric.version);
    assert_true(one_byte.version <= alphanumeric.version + 1);
    assert_true(one_byte.version < bytes.version);
    gh_qr_free(&digits);
    gh_qr_free(&alphanumeric);
    gh_qr_free(&one_byte);
    gh_qr_free(&bytes);

    /* Where a change does not pay, there is none: 17 bytes still are version 1. */
    struct gh_qr small = {0};
    assert_int_equal(gh_qr_encode((struct gh_bytes){(const uint8_t *)"a1b2C3d4e5F6g7h8i", 17},
                                  GH_QR_LOW, &small),
                     GH_OK);
    assert_int_equal(small.version, 1);
    gh_qr_free(&small);
}

static void test_render(void **state)
{
    uint8_t *luma = (uint8_t *)1;
    uint32_t side = 1;

    (void)state;
    struct gh_qr qr = encode("A");
    assert_int_equal(qr_picture(&qr, 2, &luma, &side), GH_OK);
    assert_int_equal(side, (21 + 8) * 2);
    for (uint32_t y = 0; y < side; y++) {
        for (uint32_t x = 0; x < side; x++) {
            bool quiet = x < 8 || y < 8 || x >= side - 8 || y >= side - 8;
            bool dark = !quiet && qr.modules[(y / 2 - 4) * 21 + x / 2 - 4] != 0;
            assert_int_equal(luma[y * side + x], dark ? 0 : 255);
        }
    }
    free(luma);
    assert_int_equal(qr_picture(&qr, 0, &luma, &side), GH_ERR_INVALID);
    assert_null(luma);
    assert_int_equal(qr_picture(&qr, 1000, &luma, &side), GH_ERR_TOOBIG);
    assert_int_equal(qr_picture(&qr, UINT32_MAX, &luma, &side), GH_ERR_TOOBIG);
    gh_qr_free(&qr);
    assert_int_equal(qr_picture(&qr, 1, &luma, &side), GH_ERR_INVALID);
}

/* --- PNG ------------------------------------------------------------------------------------- */

static void on_code(void *context, struct gh_bytes text)
{
    snprintf(context, 64, "%.*s", (int)text.size, (const char *)text.data);
}

static void test_png(void **state)
{
    struct gh_picture picture;
    struct gh_decoder *decoder = NULL;
    uint8_t *data = NULL, *luma = NULL;
    size_t size = 0;
    uint32_t side = 0;
    char text[64] = "";

    (void)state;
    struct gh_qr qr = encode("GH1:PNG");
    assert_int_equal(gh_qr_write_png(&qr, 3, path, NULL), GH_OK);
    assert_int_equal(gh_file_read(path, 1 << 20, &data, &size, NULL), GH_OK);
    assert_true(size > 33);
    assert_int_equal(data[24], 1); /* one bit */
    assert_int_equal(data[25], 0); /* grey */
    free(data);

    assert_int_equal(qr_picture(&qr, 3, &luma, &side), GH_OK);
    assert_int_equal(gh_picture_load(path, &picture, NULL), GH_OK);
    assert_int_equal(picture.width, side);
    assert_int_equal(picture.height, side);
    assert_memory_equal(picture.luma, luma, (size_t)side * side);
    struct gh_frame frame = gh_picture_frame(&picture);
    assert_int_equal(gh_decoder_new(side, side, &decoder), GH_OK);
    assert_int_equal(gh_decoder_scan(decoder, &frame, on_code, text, NULL), GH_OK);
    assert_string_equal(text, "GH1:PNG");
    gh_decoder_free(decoder);
    gh_picture_free(&picture);
    free(luma);
    gh_qr_free(&qr);
}

static void test_writing_fails_with_a_reason(void **state)
{
    char nowhere[80];

    (void)state;
    snprintf(nowhere, sizeof(nowhere), "%s/no/folder", folder);
    struct gh_qr qr = encode("GH1:NOWHERE");
    struct gh_error err = {0};
    assert_int_not_equal(gh_qr_write_png(&qr, 3, nowhere, &err), GH_OK);
    assert_int_not_equal(err.status, GH_OK);
    assert_true(strlen(err.text) > 0);
    err = (struct gh_error){0};
    assert_int_not_equal(gh_qr_write_svg(&qr, "t", "l", nowhere, &err), GH_OK);
    assert_int_not_equal(err.status, GH_OK);
    assert_int_equal(gh_qr_write_png(&qr, 0, path, NULL), GH_ERR_INVALID);
    assert_int_equal(gh_qr_write_png(&qr, 100000, path, NULL), GH_ERR_TOOBIG);
    FILE *full = fopen("/dev/full", "w");
    assert_non_null(full);
    assert_int_equal(gh_qr_print(&qr, full), GH_ERR_NOSPACE);
    (void)fclose(full);
    gh_qr_free(&qr);
    assert_int_equal(gh_qr_write_png(&qr, 1, path, NULL), GH_ERR_INVALID);
    assert_int_equal(gh_qr_write_svg(&qr, "t", "l", path, NULL), GH_ERR_INVALID);
    assert_int_equal(gh_qr_print(&qr, stdout), GH_ERR_INVALID);
}

/* --- SVG ------------------------------------------------------------------------------------- */

static char *write_svg(const struct gh_qr *qr, const char *title, const char *line)
{
    uint8_t *data = NULL;
    size_t size = 0;

    assert_int_equal(gh_qr_write_svg(qr, title, line, path, NULL), GH_OK);
    assert_int_equal(gh_file_read(path, 1 << 22, &data, &size, NULL), GH_OK);
    assert_int_equal(strlen((const char *)data), size);
    assert_true(gh_utf8_valid(data, size));
    return (char *)data;
}

static void assert_has(const char *svg, const char *part)
{
    if (strstr(svg, part) == NULL)
        fail_msg("no %s in %s", part, svg);
}

/* The path's rectangles, painted, are the symbol. */
static void assert_svg_symbol(const char *svg, const struct gh_qr *qr)
{
    uint8_t painted[177 * 177] = {0};
    double left, top, scale;

    const char *at = strstr(svg, "<path ");
    assert_non_null(at);
    assert_null(strstr(at + 1, "<path "));
    assert_has(at, "shape-rendering=\"crispEdges\"");
    const char *transform = strstr(at, "translate(");
    assert_non_null(transform);
    assert_int_equal(sscanf(transform, "translate(%lf %lf) scale(%lf)", &left, &top, &scale), 3);
    double side = scale * (qr->side + 8);
    assert_true(left >= 0 && left + side <= 105 && top >= 20 && top + side <= 135);
    assert_true(scale * qr->side > 70);

    at = strstr(at, " d=\"");
    assert_non_null(at);
    at += 4;
    while (*at == 'M') {
        int x, y, width, back, used = 0;
        assert_int_equal(sscanf(at, "M%d %dh%dv1h-%dz%n", &x, &y, &width, &back, &used), 4);
        assert_int_equal(width, back);
        assert_in_range(x - 4 + width, 1, qr->side);
        assert_in_range(y - 4, 0, qr->side - 1);
        memset(painted + (size_t)(y - 4) * qr->side + x - 4, 1, (size_t)width);
        at += used;
    }
    assert_int_equal(*at, '"');
    assert_memory_equal(painted, qr->modules, (size_t)qr->side * qr->side);
}

static void test_svg_sheet(void **state)
{
    static const unsigned sizes[] = {1, 50, 300, 2900};
    char text[3000];

    (void)state;
    for (size_t i = 0; i < GH_ARRAY_SIZE(sizes); i++) {
        struct gh_qr qr;
        memset(text, 'x', sizeof(text));
        assert_int_equal(
            gh_qr_encode((struct gh_bytes){(const uint8_t *)text, sizes[i]}, GH_QR_LOW, &qr),
            GH_OK);
        char *svg = write_svg(&qr, "Rose Garden, house 12", "Show this at the gate");
        assert_has(svg, " width=\"105mm\" height=\"148mm\" viewBox=\"0 0 105 148\"");
        assert_has(svg, "font-family=\"sans-serif\"");
        assert_has(svg, ">Rose Garden, house 12</text>");
        assert_has(svg, ">Show this at the gate</text>");
        assert_svg_symbol(svg, &qr);
        free(svg);
        gh_qr_free(&qr);
    }
}

static void test_svg_escapes(void **state)
{
    (void)state;
    struct gh_qr qr = encode("GH1:X");
    char *svg = write_svg(&qr, "<script>&\"'\x01\x1b[0m\x7f</script>\tx\ny", "]]>&amp;");
    assert_null(strstr(svg, "<script"));
    assert_has(svg, ">&lt;script&gt;&amp;&quot;&#39;[0m&lt;/script&gt; x y<");
    assert_has(svg, ">]]&gt;&amp;amp;</text>");
    for (const char *at = svg; *at != '\0'; at++)
        assert_true(*at == '\n' || (unsigned char)*at >= ' ');
    free(svg);

    /* C1 controls, marks that turn the reading direction, what XML forbids, damaged UTF-8 */
    svg = write_svg(&qr,
                    "a\xc2\x85z\xc2\x9b"
                    "c\u202ed\ufffee\ufeff",
                    "x\xff y\xe2\x82z \U0001f3e0");
    assert_has(svg, ">a zcde</text>");
    assert_has(svg, ">x\ufffd y\ufffd\ufffdz \U0001f3e0</text>");
    free(svg);

    svg = write_svg(&qr, "", NULL);
    assert_null(strstr(svg, "<text"));
    free(svg);
    svg = write_svg(&qr, NULL, " \t ");
    assert_null(strstr(svg, "<text"));
    free(svg);
    gh_qr_free(&qr);
}

/* An average character is half as wide as the font is high; these lines must keep to that much, and
 * to the page, whatever the text. */
static void assert_svg_texts_fit(const char *svg, double average_width)
{
    unsigned lines = 0;
    double before = 0;

    for (const char *at = svg; (at = strstr(at, "<text ")) != NULL; at++, lines++) {
        double x, y, size;
        assert_int_equal(sscanf(at, "<text x=\"%lf\" y=\"%lf\" font-size=\"%lf\"", &x, &y, &size),
                         3);
        const char *start = strchr(at, '>') + 1, *end = strchr(start, '<');
        unsigned characters = 0;
        for (const char *byte = start; byte < end; byte++)
            characters += ((unsigned char)*byte & 0xc0) != 0x80;
        assert_true(characters > 0);
        assert_true(x == 52.5);
        assert_true(characters * size * average_width <= 105 - 2 * 6);
        assert_true(y - size > 6 && y < 148 - 6);
        assert_true(size >= 2.5 && y - before >= size);
        before = y;
    }
    assert_true(lines >= 2 && lines <= 8);
}

static void test_svg_long_texts_stay_on_the_page(void **state)
{
    char text[2000] = "";

    (void)state;
    struct gh_qr qr = encode("GH1:X");
    for (size_t words = 1; words < 150; words += 7) {
        text[0] = '\0';
        for (size_t i = 0; i < words; i++)
            strcat(text, i % 3 ? "community " : "of ");
        char *svg = write_svg(&qr, text, text);
        assert_svg_texts_fit(svg, 0.5);
        if (words > 100)
            assert_has(svg, "\u2026</text>");
        free(svg);
    }
    for (size_t size = 1; size < sizeof(text); size = size * 3 / 2 + 1) {
        memset(text, 'W', sizeof(text));
        text[size] = '\0';
        char *svg = write_svg(&qr, text, text);
        assert_svg_texts_fit(svg, 0.95);
        free(svg);
    }
    text[0] = '\0';
    for (size_t i = 0; i < 40; i++)
        strcat(text, "\u9633\u5149");
    char *svg = write_svg(&qr, text, text);
    assert_svg_texts_fit(svg, 1.0);
    free(svg);
    gh_qr_free(&qr);
}

/* --- terminal -------------------------------------------------------------------------------- */

static void test_terminal(void **state)
{
    char *text = NULL;
    size_t size = 0;

    (void)state;
    struct gh_qr qr = encode("GH1:TERMINAL");
    FILE *stream = open_memstream(&text, &size);
    assert_non_null(stream);
    assert_int_equal(gh_qr_print(&qr, stream), GH_OK);
    assert_int_equal(fclose(stream), 0);

    int side = (int)qr.side, x = -4, y = -4, above = 0, below = 0;
    for (const char *at = text; *at != '\0';) {
        int used = 0;
        if (sscanf(at, "\x1b[38;5;%d;48;5;%dm%n", &above, &below, &used) == 2 && used > 0) {
            assert_true((above == 16 || above == 231) && (below == 16 || below == 231));
            at += used;
        } else if (strncmp(at, "\u2580", 3) == 0) {
            for (int half = 0; half < 2; half++) {
                bool inside = x >= 0 && x < side && y + half >= 0 && y + half < side;
                bool dark = inside && qr.modules[(y + half) * side + x] != 0;
                assert_int_equal(half ? below : above, dark ? 16 : 231);
            }
            x++;
            at += 3;
        } else {
            assert_int_equal(strncmp(at, "\x1b[0m\n", 5), 0);
            assert_int_equal(x, side + 4);
            x = -4;
            y += 2;
            at += 5;
        }
    }
    assert_int_equal(y, side + 5);
    free(text);
    gh_qr_free(&qr);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_capacities),
        cmocka_unit_test(test_empty_and_endless_are_refused),
        cmocka_unit_test(test_modes_change_within_a_text),
        cmocka_unit_test(test_render),
        cmocka_unit_test(test_png),
        cmocka_unit_test(test_writing_fails_with_a_reason),
        cmocka_unit_test(test_svg_sheet),
        cmocka_unit_test(test_svg_escapes),
        cmocka_unit_test(test_svg_long_texts_stay_on_the_page),
        cmocka_unit_test(test_terminal),
    };

    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
