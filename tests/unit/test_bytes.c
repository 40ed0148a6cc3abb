/* SPDX-License-Identifier: Apache-2.0 */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */
#include <stdlib.h>
#include <string.h>

#include "gatehouse/bytes.h"

static struct gh_bytes view(const char *text)
{
    return (struct gh_bytes){(const uint8_t *)text, strlen(text)};
}

static void bytes_are_compared(void **state)
{
    (void)state;
    struct gh_bytes none = {NULL, 0};
    assert_true(gh_bytes_equal(none, none));
    assert_true(gh_bytes_equal(none, view("")));
    assert_true(gh_bytes_equal(view("gate"), view("gate")));
    assert_false(gh_bytes_equal(view("gate"), view("gatf")));
    assert_false(gh_bytes_equal(view("gate"), view("gat")));
    assert_false(gh_bytes_equal(none, view("g")));
    assert_false(gh_bytes_equal((struct gh_bytes){(const uint8_t *)"a\0b", 3},
                                (struct gh_bytes){(const uint8_t *)"a\0c", 3}));
}

static void a_writer_appends(void **state)
{
    (void)state;
    char buffer[12];
    memset(buffer, '~', sizeof(buffer));
    struct gh_writer writer = gh_writer_over(buffer, 10);
    gh_writer_put_text(&writer, "gate");
    gh_writer_put_byte(&writer, '-');
    gh_writer_put(&writer, "house", 5);
    gh_writer_put(&writer, NULL, 0); /* full, but nothing still fits */
    assert_false(writer.overflow);
    assert_int_equal(writer.size, 10);
    assert_memory_equal(buffer, "gate-house~~", 12);
}

static void a_full_writer_stays_as_it_was(void **state)
{
    (void)state;
    char buffer[8];
    memset(buffer, '~', sizeof(buffer));
    struct gh_writer writer = gh_writer_over(buffer, 6);
    gh_writer_put_text(&writer, "gate");
    gh_writer_put_text(&writer, "house");
    assert_true(writer.overflow);
    gh_writer_put_byte(&writer, 'x'); /* would fit, but something is missing before it */
    gh_writer_put(&writer, "x", SIZE_MAX);
    assert_true(writer.overflow);
    assert_int_equal(writer.size, 4);
    assert_memory_equal(buffer, "gate~~~~", 8);
}

static void a_writer_over_nothing_overflows(void **state)
{
    (void)state;
    struct gh_writer writer = gh_writer_over(NULL, 0);
    gh_writer_put_text(&writer, "");
    assert_false(writer.overflow);
    gh_writer_put_byte(&writer, 1);
    assert_true(writer.overflow);
    assert_int_equal(writer.size, 0);
}

static void identifiers_have_one_text(void **state)
{
    (void)state;
    static const gh_id ids[] = {1, 0x0123456789abcdef, UINT64_MAX, INT64_MAX,
                                UINT64_C(0x8000000000000000)};
    static const char *const texts[] = {"0000000000000001", "0123456789abcdef", "ffffffffffffffff",
                                        "7fffffffffffffff", "8000000000000000"};
    for (size_t i = 0; i < GH_ARRAY_SIZE(ids); i++) {
        char text[GH_ID_TEXT_BYTES];
        gh_id_format(ids[i], text);
        assert_string_equal(text, texts[i]);
        gh_id id = 0;
        assert_int_equal(gh_id_parse(text, 16, &id), GH_OK);
        assert_true(id == ids[i]);
    }
}

static void other_texts_are_no_identifiers(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",
        "0000000000000000",
        "000000000000001",
        "00000000000000001",
        "0123456789ABCDEF",
        "0123456789abcdeF",
        "0x23456789abcdef",
        " 123456789abcdef",
        "0123456789abcde ",
        "-123456789abcdef",
        "0123456789abcdeg",
        "0123456789abcde/",
        "0123456789abcde:",
        "0123456789abcde`",
    };
    for (size_t i = 0; i < GH_ARRAY_SIZE(texts); i++) {
        gh_id id = 42;
        assert_int_equal(gh_id_parse(texts[i], strlen(texts[i]), &id), GH_ERR_INVALID);
        assert_true(id == 42);
    }
    gh_id id;
    assert_int_equal(gh_id_parse("0123456789abcde\0", 16, &id), GH_ERR_INVALID);
    assert_int_equal(gh_id_parse("0123456789abcdef0", 15, &id), GH_ERR_INVALID);
    assert_int_equal(gh_id_parse(NULL, 0, &id), GH_ERR_INVALID);
}

static void hex_goes_there_and_back(void **state)
{
    (void)state;
    uint8_t bytes[256], back[256];
    char text[513];
    for (int i = 0; i < 256; i++) {
        bytes[i] = (uint8_t)i;
    }
    gh_hex_encode(bytes, sizeof(bytes), text);
    assert_int_equal(strlen(text), 512);
    assert_memory_equal(text, "000102030405060708090a0b0c0d0e0f10", 34);
    assert_string_equal(text + 508, "feff");
    assert_int_equal(gh_hex_decode(text, 512, back, 256), GH_OK);
    assert_memory_equal(bytes, back, 256);
    assert_int_equal(gh_hex_decode("DeadBEEF", 8, back, 4), GH_OK);
    assert_memory_equal(back, "\xde\xad\xbe\xef", 4);
    assert_int_equal(gh_hex_decode("", 0, NULL, 0), GH_OK);
    gh_hex_encode(NULL, 0, text);
    assert_string_equal(text, "");
}

static void bad_hex_is_refused(void **state)
{
    (void)state;
    uint8_t out[4];
    assert_int_equal(gh_hex_decode("deadbee", 7, out, 4), GH_ERR_INVALID);
    assert_int_equal(gh_hex_decode("deadbe", 6, out, 4), GH_ERR_INVALID);
    assert_int_equal(gh_hex_decode("deadbeef0", 9, out, 4), GH_ERR_INVALID);
    assert_int_equal(gh_hex_decode("deadbeef00", 10, out, 4), GH_ERR_INVALID);
    assert_int_equal(gh_hex_decode("deadbeef", 8, out, SIZE_MAX / 2 + 5), GH_ERR_INVALID);
    for (int c = 0; c < 256; c++) {
        char text[] = "00000000";
        text[5] = (char)c;
        bool good = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
        assert_int_equal(gh_hex_decode(text, 8, out, 4), good ? GH_OK : GH_ERR_INVALID);
    }
}

/* RFC 4648, section 10, without padding; and the two digits that set base64url apart. */
static void base64url_vectors(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"", ""},           {"f", "Zg"},          {"fo", "Zm8"},          {"foo", "Zm9v"},
        {"foob", "Zm9vYg"}, {"fooba", "Zm9vYmE"}, {"foobar", "Zm9vYmFy"}, {"\xfb\xff\xbf", "-_-_"},
    };
    for (size_t i = 0; i < GH_ARRAY_SIZE(cases); i++) {
        char text[32];
        uint8_t bytes[32];
        size_t plain_size = strlen(cases[i][0]), size = plain_size;
        gh_base64url_encode(cases[i][0], plain_size, text);
        assert_string_equal(text, cases[i][1]);
        assert_int_equal(gh_base64url_text_bytes(plain_size), strlen(text) + 1);
        assert_int_equal(gh_base64url_decode(text, strlen(text), bytes, &size), GH_OK);
        assert_int_equal(size, plain_size);
        assert_memory_equal(bytes, cases[i][0], size);
    }
}

static void base64url_goes_there_and_back(void **state)
{
    (void)state;
    for (size_t size = 0; size < 300; size++) {
        uint8_t *bytes = malloc(size + 1), *back = malloc(size + 1);
        char *text = malloc(gh_base64url_text_bytes(size)); /* exactly: sanitizers watch the edge */
        assert_true(bytes != NULL && back != NULL && text != NULL);
        for (size_t i = 0; i < size; i++) {
            bytes[i] = (uint8_t)(i * 151 + size * 7);
        }
        gh_base64url_encode(bytes, size, text);
        assert_int_equal(strlen(text) + 1, gh_base64url_text_bytes(size));
        size_t back_size = size + 1;
        assert_int_equal(gh_base64url_decode(text, strlen(text), back, &back_size), GH_OK);
        assert_int_equal(back_size, size);
        assert_memory_equal(bytes, back, size);
        free(text);
        free(back);
        free(bytes);
    }
}

static void bad_base64url_is_refused(void **state)
{
    (void)state;
    static const char *const cases[] = {
        "Z",    "Zm9vY", "Zg==",    "Zm8=", "Zm9v=", "=",   "Zm9v Zm9v", " Zm9v", "Zm9v\n", "Zm+v",
        "Zm/v", "Zm.v",  "Zm9\xC3", "Zh",   "Zv",    "Zm9", "Zm-_Zx",    "AB",    "AAB",
    };
    for (size_t i = 0; i < GH_ARRAY_SIZE(cases); i++) {
        uint8_t out[32];
        size_t size = sizeof(out);
        if (gh_base64url_decode(cases[i], strlen(cases[i]), out, &size) != GH_ERR_INVALID) {
            fail_msg("\"%s\" was accepted", cases[i]);
        }
    }
    uint8_t out[8];
    size_t size = sizeof(out);
    assert_int_equal(gh_base64url_decode("Zm\0v", 4, out, &size), GH_ERR_INVALID);
}

/* One text for one value: of all texts of two digits, exactly 256 are one byte. */
static void base64url_has_one_text_for_one_value(void **state)
{
    (void)state;
    int good = 0;
    for (int a = 1; a < 256; a++) {
        for (int b = 1; b < 256; b++) {
            const char text[] = {(char)a, (char)b};
            uint8_t out;
            size_t size = 1;
            good += gh_base64url_decode(text, 2, &out, &size) == GH_OK ? 1 : 0;
        }
    }
    assert_int_equal(good, 256);
}

static void base64url_keeps_to_the_capacity(void **state)
{
    (void)state;
    char out[4] = "~~~";
    size_t size = 2;
    assert_int_equal(gh_base64url_decode("Zm9v", 4, out, &size), GH_ERR_TOOBIG);
    assert_string_equal(out, "~~~");
    size = 3;
    assert_int_equal(gh_base64url_decode("Zm9v", 4, out, &size), GH_OK);
    size = 0;
    assert_int_equal(gh_base64url_decode("", 0, NULL, &size), GH_OK);
    assert_int_equal(gh_base64url_decode("Zg", 2, NULL, &size), GH_ERR_TOOBIG);
}

static void numbers_are_big_endian(void **state)
{
    (void)state;
    static const uint8_t bytes[] = {0x00, 0xF1, 0xE2, 0xD3, 0xC4, 0xB5, 0xA6, 0x97, 0x88};
    assert_int_equal(gh_be16(bytes + 1), 0xF1E2);
    assert_true(gh_be32(bytes + 1) == UINT32_C(0xF1E2D3C4));
    assert_true(gh_be64(bytes + 1) == UINT64_C(0xF1E2D3C4B5A69788));
    uint8_t out[10] = {0};
    gh_put_be64(out + 1, UINT64_C(0xF1E2D3C4B5A69788));
    assert_memory_equal(out + 1, bytes + 1, 8);
    assert_int_equal(out[9], 0);
}

static void utf8_edges(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool valid;
    } cases[] = {
        {"", true},
        {"plain", true},
        {"\x7F", true},
        {"\xC2\x80", true},
        {"\xDF\xBF", true},
        {"\xE0\xA0\x80", true},
        {"\xED\x9F\xBF", true},
        {"\xEE\x80\x80", true},
        {"\xEF\xBF\xBF", true},
        {"\xF0\x90\x80\x80", true},
        {"\xF4\x8F\xBF\xBF", true},
        {"a\xC3\xA9\xE2\x82\xAC\xF0\x9F\x9A\xAA", true},
        {"\x80", false}, /* a continuation alone */
        {"a\xBF", false},
        {"\xC0\x80", false},         /* overlong NUL */
        {"\xC1\xBF", false},         /* overlong */
        {"\xE0\x9F\xBF", false},     /* overlong */
        {"\xF0\x8F\xBF\xBF", false}, /* overlong */
        {"\xED\xA0\x80", false},     /* surrogates */
        {"\xED\xBF\xBF", false},
        {"\xF4\x90\x80\x80", false}, /* U+110000 */
        {"\xF5\x80\x80\x80", false},
        {"\xF8\x88\x80\x80\x80", false},
        {"\xFE", false},
        {"\xFF", false},
        {"\xC3", false}, /* cut off */
        {"\xE2\x82", false},
        {"\xF0\x9F\x9A", false},
        {"\xC3(", false},
        {"\xE2\x82(", false},
        {"\xF0\x9F\x9A(", false},
        {"\xE2(\xAC", false},
    };
    for (size_t i = 0; i < GH_ARRAY_SIZE(cases); i++) {
        /* A copy of exactly that size: sanitizers see a byte read too far. */
        size_t size = strlen(cases[i].text);
        char *copy = malloc(size + (size == 0));
        assert_non_null(copy);
        memcpy(copy, cases[i].text, size);
        if (gh_utf8_valid(copy, size) != cases[i].valid) {
            fail_msg("case %zu", i);
        }
        free(copy);
    }
    assert_true(gh_utf8_valid(NULL, 0));
    assert_true(gh_utf8_valid("a\0b", 3)); /* U+0000 is a character */
}

/* RFC 3629 by arithmetic: every three bytes that start with E0..EF, and every pair. */
static void utf8_agrees_with_the_definition(void **state)
{
    (void)state;
    for (unsigned int lead = 0x80; lead < 0x100; lead++) {
        for (unsigned int second = 0; second < 0x100; second++) {
            uint8_t text[] = {(uint8_t)lead, (uint8_t)second, 0xBF};
            bool tail = (second & 0xC0) == 0x80;
            unsigned int pair = (lead & 0x1F) << 6 | (second & 0x3F);
            assert_int_equal(gh_utf8_valid(text, 2), (lead & 0xE0) == 0xC0 && tail && pair >= 0x80);
            unsigned int triple = (lead & 0x0F) << 12 | (second & 0x3F) << 6 | 0x3F;
            assert_int_equal(gh_utf8_valid(text, 3), (lead & 0xF0) == 0xE0 && tail &&
                                                         triple >= 0x800 &&
                                                         !(triple >= 0xD800 && triple <= 0xDFFF));
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_are_compared),
        cmocka_unit_test(a_writer_appends),
        cmocka_unit_test(a_full_writer_stays_as_it_was),
        cmocka_unit_test(a_writer_over_nothing_overflows),
        cmocka_unit_test(identifiers_have_one_text),
        cmocka_unit_test(other_texts_are_no_identifiers),
        cmocka_unit_test(hex_goes_there_and_back),
        cmocka_unit_test(bad_hex_is_refused),
        cmocka_unit_test(base64url_vectors),
        cmocka_unit_test(base64url_goes_there_and_back),
        cmocka_unit_test(bad_base64url_is_refused),
        cmocka_unit_test(base64url_has_one_text_for_one_value),
        cmocka_unit_test(base64url_keeps_to_the_capacity),
        cmocka_unit_test(numbers_are_big_endian),
        cmocka_unit_test(utf8_edges),
        cmocka_unit_test(utf8_agrees_with_the_definition),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
