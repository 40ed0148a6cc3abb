/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "code/base45.h"

static struct gh_bytes bytes_of(const char *text)
{
    return (struct gh_bytes){.data = (const uint8_t *)text, .size = strlen(text)};
}

static enum gh_status decode(const char *text, size_t size, char *out, size_t *out_size)
{
    uint8_t block[64]; /* digits behind it, which must not be read */
    memset(block, '0', sizeof(block));
    memcpy(block, text, size);
    struct gh_writer writer = gh_writer_over(out, 64);
    enum gh_status status =
        gh_base45_decode((struct gh_bytes){.data = block, .size = size}, &writer);
    *out_size = writer.size;
    return status;
}

/* RFC 9285, sections 4.3 and 4.4. */
static const struct {
    const char *plain, *encoded;
} examples[] = {
    {"AB", "BB8"}, {"Hello!!", "%69 VD92EX0"}, {"base-45", "UJCLQE7W581"}, {"ietf!", "QED8WEX0"},
    {"", ""},
};

static void test_rfc_9285(void **state)
{
    (void)state;
    for (size_t i = 0; i < GH_ARRAY_SIZE(examples); i++) {
        char out[64];
        size_t size;
        struct gh_writer writer = gh_writer_over(out, sizeof(out));
        gh_base45_put(&writer, bytes_of(examples[i].plain));
        assert_int_equal(writer.size, strlen(examples[i].encoded));
        assert_memory_equal(out, examples[i].encoded, writer.size);
        assert_int_equal(decode(examples[i].encoded, strlen(examples[i].encoded), out, &size),
                         GH_OK);
        assert_int_equal(size, strlen(examples[i].plain));
        assert_memory_equal(out, examples[i].plain, size);
    }
}

static void test_every_size_comes_back(void **state)
{
    (void)state;
    uint8_t data[70], back[70];
    char text[128];
    for (size_t i = 0; i < sizeof(data); i++)
        data[i] = (uint8_t)(i * 37 + 250);
    for (size_t size = 0; size <= sizeof(data); size++) {
        struct gh_writer writer = gh_writer_over(text, sizeof(text));
        gh_base45_put(&writer, (struct gh_bytes){.data = data, .size = size});
        assert_false(writer.overflow);
        struct gh_writer out = gh_writer_over(back, sizeof(back));
        struct gh_bytes encoded = {.data = writer.data, .size = writer.size};
        assert_int_equal(gh_base45_decode(encoded, &out), GH_OK);
        assert_int_equal(out.size, size);
        assert_memory_equal(back, data, size);
    }
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
    static const struct {
        const char *text;
        size_t size;
    } cases[] = {
        {"GGW", 3},                                  /* 65536 */
        {":::", 3},                                  /* 91124 */
        {"V5", 2},                                   /* 256 */
        {"::", 2},                                   /* 2024 */
        {"A", 1},      {"BB8A", 4},  {"BB8BB8B", 7}, /* 1 mod 3 */
        {"bb8", 3},    {"BB_", 3},   {"BB8=", 4},     {"B\0B", 3},
        {"BB\xc3", 3}, {"BB8\n", 4}, {"\x80\x81", 2}, {"BB8;;", 5},
    };
    for (size_t i = 0; i < GH_ARRAY_SIZE(cases); i++) {
        char out[64];
        size_t size;
        assert_int_equal(decode(cases[i].text, cases[i].size, out, &size), GH_ERR_INVALID);
    }
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
