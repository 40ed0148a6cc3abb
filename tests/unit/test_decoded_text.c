/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "gatehouse/decode.h"

static void assert_text(const char *bytes, size_t size, const char *expected, size_t expected_size)
{
    char *text = NULL;
    size_t text_size = 99;

    assert_int_equal(
        gh_decoded_text((struct gh_bytes){(const uint8_t *)bytes, size}, &text, &text_size), GH_OK);
    assert_non_null(text);
    assert_int_equal(text[text_size], '\0');
    if (text_size == strlen(text) && expected_size == strlen(expected))
        assert_string_equal(text, expected);
    assert_int_equal(text_size, expected_size);
    assert_memory_equal(text, expected, expected_size);
    free(text);
}

#define ASSERT_TEXT(bytes, expected)                                                               \
    assert_text("" bytes, sizeof(bytes) - 1, "" expected, sizeof(expected) - 1)

static void test_utf8_stays_as_it_is(void **state)
{
    (void)state;
    ASSERT_TEXT("", "");
    ASSERT_TEXT("HTTPS://GATE.EXAMPLE/H/ABC", "HTTPS://GATE.EXAMPLE/H/ABC");
    ASSERT_TEXT("a\\b~\r\n", "a\\b~\r\n");
    ASSERT_TEXT("Gr\u00f6\u00dfe \u65e5\u672c \U0001f600",
                "Gr\u00f6\u00dfe \u65e5\u672c \U0001f600");
    ASSERT_TEXT("a\0b\0", "a\0b\0");
    ASSERT_TEXT("\0", "\0");
    assert_text(NULL, 0, "", 0);
}

static void test_latin_1(void **state)
{
    (void)state;
    ASSERT_TEXT("f\xfcr", "f\u00fcr");
    ASSERT_TEXT("Gr\xf6\xdf"
                "e",
                "Gr\u00f6\u00dfe");
    ASSERT_TEXT("caf\xe9", "caf\u00e9");
    ASSERT_TEXT("\xe9t\xe9", "\u00e9t\u00e9");
    ASSERT_TEXT("gar\xe7on, d\xe9j\xe0 vu", "gar\u00e7on, d\u00e9j\u00e0 vu");
    ASSERT_TEXT("20 \xb0"
                "C",
                "20 \u00b0C");
    ASSERT_TEXT("\xa3"
                "5",
                "\u00a3"
                "5");
    ASSERT_TEXT("\xe4\xf6\xfc\xdf", "\u00e4\u00f6\u00fc\u00df");
    ASSERT_TEXT("f\xfcr\0 dich", "f\u00fcr\0 dich");
}

static void test_shift_jis(void **state)
{
    (void)state;
    /* nihongo; konnichiha; its wave dash; half-width katakana; ASCII's backslash and tilde */
    ASSERT_TEXT("\x93\xfa\x96\x7b\x8c\xea", "\u65e5\u672c\u8a9e");
    ASSERT_TEXT("\x93\xfa", "\u65e5");
    ASSERT_TEXT("\x82\xb1\x82\xf1\x82\xc9\x82\xbf\x82\xcd", "\u3053\u3093\u306b\u3061\u306f");
    ASSERT_TEXT("\x82\xdf\x81\x60\x82\xe9", "\u3081\u301c\u308b");
    ASSERT_TEXT("MECARD:N:\x8e\x52\x93\x63;SOUND:\xd4\xcf\xc0\xde;;",
                "MECARD:N:\u5c71\u7530;SOUND:\uff94\uff8f\uff80\uff9e;;");
    ASSERT_TEXT("URL:http\\://x/~\x83\x58", "URL:http\\://x/~\u30b9");
    ASSERT_TEXT("\xc3\xde\xa8\xb0\xcc\xdf", "\uff83\uff9e\uff68\uff70\uff8c\uff9f");
    ASSERT_TEXT("\xbd\xb6\xb2", "\uff7d\uff76\uff72");
    ASSERT_TEXT("\x87\x40\x82\xa0\x82\xa2", "\u2460\u3042\u3044"); /* a sign of Microsoft's */
    ASSERT_TEXT("\xb6\xde\xb6\xde", "\uff76\uff9e\uff76\uff9e"); /* two hanzi, but for the marks */
    ASSERT_TEXT("\x82\xa0\0\x82\xa2", "\u3042\0\u3044");
}

static void test_gb_2312(void **state)
{
    (void)state;
    ASSERT_TEXT("\xc4\xe3\xba\xc3", "\u4f60\u597d");
    ASSERT_TEXT("\xc4\xe3\xba\xc3\xca\xc0\xbd\xe7", "\u4f60\u597d\u4e16\u754c");
    ASSERT_TEXT("\xbd\xa1\xbf\xb5\xc2\xeb A12\xa3\xac\xc2\xcc\xc9\xab",
                "\u5065\u5eb7\u7801 A12\uff0c\u7eff\u8272");
    ASSERT_TEXT("\xd6\xd0\xb9\xfa", "\u4e2d\u56fd");
}

/* Whatever a code holds, the text is UTF-8 (JSON and terminals rely on it) and nothing is lost to
 * a NUL. */
static void test_any_bytes_become_utf8(void **state)
{
    uint32_t random = 2463534242;
    uint8_t bytes[300];

    (void)state;
    for (int round = 0; round < 3000; round++) {
        size_t size = (size_t)round % sizeof(bytes);
        for (size_t i = 0; i < size; i++) {
            random ^= random << 13;
            random ^= random >> 17;
            random ^= random << 5;
            bytes[i] = (uint8_t)(round % 2 ? random : random % 3 ? random | 0x80 : random & 0x7f);
        }
        char *text = NULL;
        size_t text_size = 0;
        assert_int_equal(gh_decoded_text((struct gh_bytes){bytes, size}, &text, &text_size), GH_OK);
        assert_true(gh_utf8_valid(text, text_size));
        assert_true(text_size > 0 || size == 0);
        assert_int_equal(text[text_size], '\0');
        free(text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_utf8_stays_as_it_is),
        cmocka_unit_test(test_latin_1),
        cmocka_unit_test(test_shift_jis),
        cmocka_unit_test(test_gb_2312),
        cmocka_unit_test(test_any_bytes_become_utf8),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
