/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "code/base32.h"

static struct gh_bytes bytes_of(const char *text)
{
    return (struct gh_bytes){.data = (const uint8_t *)text, .size = strlen(text)};
}

static enum gh_status decode(const char *text, size_t size, char *out, size_t *out_size)
{
    uint8_t block[64]; /* characters behind it, which must not be read */
    memset(block, 'A', sizeof(block));
    memcpy(block, text, size);
    struct gh_writer writer = gh_writer_over(out, 64);
    enum gh_status status =
        gh_base32_decode((struct gh_bytes){.data = block, .size = size}, &writer);
    *out_size = writer.size;
    return status;
}

/* RFC 4648, section 10, without the padding. */
static const struct {
    const char *plain, *encoded;
} examples[] = {
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
    for (size_t i = 0; i < GH_ARRAY_SIZE(examples); i++) {
        char out[64];
        size_t size;
        struct gh_writer writer = gh_writer_over(out, sizeof(out));
        gh_base32_put(&writer, bytes_of(examples[i].plain));
        assert_int_equal(writer.size, strlen(examples[i].encoded));
        assert_memory_equal(out, examples[i].encoded, writer.size);
        assert_int_equal(decode(examples[i].encoded, strlen(examples[i].encoded), out, &size),
                         GH_OK);
        assert_int_equal(size, strlen(examples[i].plain));
        assert_memory_equal(out, examples[i].plain, size);
    }
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
    uint8_t data[70], back[70];
    char text[128];
    for (size_t i = 0; i < sizeof(data); i++)
        data[i] = (uint8_t)(i * 37 + 250);
    for (size_t size = 0; size <= sizeof(data); size++) {
        struct gh_writer writer = gh_writer_over(text, sizeof(text));
        gh_base32_put(&writer, (struct gh_bytes){.data = data, .size = size});
        assert_int_equal(writer.size, (size * 8 + 4) / 5);
        struct gh_writer out = gh_writer_over(back, sizeof(back));
        struct gh_bytes encoded = {.data = writer.data, .size = writer.size};
        assert_int_equal(gh_base32_decode(encoded, &out), GH_OK);
        assert_int_equal(out.size, size);
        assert_memory_equal(back, data, size);
    }
}

static void test_refused(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t size;
    } cases[] = {
        {"M", 1},        {"MZX", 3},      {"MZXW6Y", 6}, {"MZXW6YTBO", 9}, /* lengths */
        {"MZ", 2},       {"MZXR", 4},     {"MZXW7", 5},  {"MZXW6YR", 7},   /* unused bits */
        {"MY======", 8}, {"MZXW6YQ=", 8}, {"M0", 2},     {"M1", 2},        {"M8", 2},
        {"M9", 2},       {"MZ W6", 5},    {"MZ\0W6", 5}, {"MZ\xc3W6", 5},  {"M[", 2},
        {"M@", 2},       {"M`", 2},       {"M{", 2},     {"MY\n", 3},      {"MZ-W6", 5},
    };
    for (size_t i = 0; i < GH_ARRAY_SIZE(cases); i++) {
        char out[64];
        size_t size;
        assert_int_equal(decode(cases[i].text, cases[i].size, out, &size), GH_ERR_INVALID);
    }
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
