/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base_text_fixture.h"
#include "code/base45.h"

static size_t text_bytes(size_t size)
{
    return size / 2 * 3 + size % 2 * 2;
}

static const struct base_text base45 = {gh_base45_put, gh_base45_decode, text_bytes, '0'};

static enum gh_status decode(const char *text, size_t size, char *out, size_t *out_size)
{
    return decode_with(&base45, text, size, out, out_size);
}

/* RFC 9285, sections 4.3 and 4.4. */
static const struct base_example examples[] = {
    {"AB", "BB8"}, {"Hello!!", "%69 VD92EX0"}, {"base-45", "UJCLQE7W581"}, {"ietf!", "QED8WEX0"},
    {"", ""},
};

static void test_rfc_9285(void **state)
{
    (void)state;
    assert_examples(&base45, examples, GH_ARRAY_SIZE(examples));
}

static void test_every_size_comes_back(void **state)
{
    (void)state;
    assert_every_size_comes_back(&base45);
}

static void test_largest_numbers(void **state)
{
    (void)state;
    char out[64];
    size_t size;
    assert_int_equal(decode("FGW", 3, out, &size), GH_OK); /* 65535 */
    assert_memory_equal(out, "\xff\xff", 2);
    assert_int_equal(decode("U5", 2, out, &size), GH_OK); /* 255 */
    assert_int_equal((uint8_t)out[0], 255);
}

static void test_refused(void **state)
{
    (void)state;
    static const struct base_case cases[] = {
        {"GGW", 3},                                  /* 65536 */
        {":::", 3},                                  /* 91124 */
        {"V5", 2},                                   /* 256 */
        {"::", 2},                                   /* 2024 */
        {"A", 1},      {"BB8A", 4},  {"BB8BB8B", 7}, /* 1 mod 3 */
        {"bb8", 3},    {"BB_", 3},   {"BB8=", 4},     {"B\0B", 3},
        {"BB\xc3", 3}, {"BB8\n", 4}, {"\x80\x81", 2}, {"BB8;;", 5},
    };
    assert_refused(&base45, cases, GH_ARRAY_SIZE(cases));
}

/* A space is a digit of the alphabet: nothing is trimmed. */
static void test_space_is_a_digit(void **state)
{
    (void)state;
    char out[64];
    size_t size;
    assert_int_equal(decode("   ", 3, out, &size), GH_ERR_INVALID); /* 74556 > 65535 */
    assert_int_equal(decode("  0", 3, out, &size), GH_OK);          /* 36 + 36 * 45 */
    assert_memory_equal(out, "\x06\x78", 2);
}

static void test_does_not_fit(void **state)
{
    (void)state;
    uint8_t out[4] = {0, 0, 0, 0x55};
    struct gh_writer writer = gh_writer_over(out, 3);
    assert_int_equal(gh_base45_decode(bytes_of("BB8BB8"), &writer), GH_ERR_TOOBIG);
    assert_int_equal(out[3], 0x55);
    writer = gh_writer_over(out, 4);
    assert_int_equal(gh_base45_decode(bytes_of("BB8BB8"), &writer), GH_OK);
    char text[5];
    writer = gh_writer_over(text, sizeof(text));
    gh_base45_put(&writer, bytes_of("ABAB"));
    assert_true(writer.overflow);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rfc_9285),         cmocka_unit_test(test_every_size_comes_back),
        cmocka_unit_test(test_largest_numbers),  cmocka_unit_test(test_refused),
        cmocka_unit_test(test_space_is_a_digit), cmocka_unit_test(test_does_not_fit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
