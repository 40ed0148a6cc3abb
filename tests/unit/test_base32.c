/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base_text_fixture.h"
#include "code/base32.h"

static size_t text_bytes(size_t size)
{
    return (size * 8 + 4) / 5;
}

static const struct base_text base32 = {gh_base32_put, gh_base32_decode, text_bytes, 'A'};

static enum gh_status decode(const char *text, size_t size, char *out, size_t *out_size)
{
    return decode_with(&base32, text, size, out, out_size);
}

/* RFC 4648, section 10, without the padding. */
static const struct base_example examples[] = {
    {"", ""},
    {"f", "MY"},
    {"fo", "MZXQ"},
    {"foo", "MZXW6"},
    {"foob", "MZXW6YQ"},
    {"fooba", "MZXW6YTB"},
    {"foobar", "MZXW6YTBOI"},
};

static void test_rfc_4648(void **state)
{
    (void)state;
    assert_examples(&base32, examples, GH_ARRAY_SIZE(examples));
}

static void test_upper_case_only(void **state)
{
    (void)state;
    char out[64];
    size_t size;
    assert_int_equal(decode("MZXW6YTBOI", 10, out, &size), GH_OK);
    assert_int_equal(decode("mzxw6ytboi", 10, out, &size), GH_ERR_INVALID);
    for (size_t i = 0; i < 10; i++) {
        char text[] = "MZXW6YTBOI";
        text[i] = (char)(text[i] | 0x20);
        assert_int_equal(decode(text, 10, out, &size), i == 4 ? GH_OK : GH_ERR_INVALID);
    }
}

static void test_every_size_comes_back(void **state)
{
    (void)state;
    assert_every_size_comes_back(&base32);
}

static void test_refused(void **state)
{
    (void)state;
    static const struct base_case cases[] = {
        {"M", 1},        {"MZX", 3},      {"MZXW6Y", 6}, {"MZXW6YTBO", 9}, /* lengths */
        {"MZ", 2},       {"MZXR", 4},     {"MZXW7", 5},  {"MZXW6YR", 7},   /* unused bits */
        {"MY======", 8}, {"MZXW6YQ=", 8}, {"M0", 2},     {"M1", 2},        {"M8", 2},
        {"M9", 2},       {"MZ W6", 5},    {"MZ\0W6", 5}, {"MZ\xc3W6", 5},  {"M[", 2},
        {"M@", 2},       {"M`", 2},       {"M{", 2},     {"MY\n", 3},      {"MZ-W6", 5},
    };
    assert_refused(&base32, cases, GH_ARRAY_SIZE(cases));
}

/* One text for one message: of all pairs of characters, exactly 256 are a byte. */
static void test_no_second_spelling(void **state)
{
    (void)state;
    int accepted = 0;
    for (int a = 1; a < 256; a++) {
        for (int b = 1; b < 256; b++) {
            char text[2] = {(char)a, (char)b}, out[64];
            size_t size;
            accepted += decode(text, 2, out, &size) == GH_OK;
        }
    }
    assert_int_equal(accepted, 256);
}

static void test_does_not_fit(void **state)
{
    (void)state;
    uint8_t out[6] = {0, 0, 0, 0, 0, 0x55};
    struct gh_writer writer = gh_writer_over(out, 5);
    assert_int_equal(gh_base32_decode(bytes_of("MZXW6YTBOI"), &writer), GH_ERR_TOOBIG);
    assert_int_equal(out[5], 0x55);
    writer = gh_writer_over(out, 6);
    assert_int_equal(gh_base32_decode(bytes_of("MZXW6YTBOI"), &writer), GH_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rfc_4648),
        cmocka_unit_test(test_upper_case_only),
        cmocka_unit_test(test_every_size_comes_back),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_no_second_spelling),
        cmocka_unit_test(test_does_not_fit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
