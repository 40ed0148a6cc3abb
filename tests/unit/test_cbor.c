/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cbor_fixture.h"

/* --- RFC 8949, appendix A ----------------------------------------------------------------------
 */

static const struct {
    const char *hex;
    uint64_t value;
} uints[] = {
    {"00", 0},
    {"01", 1},
    {"0a", 10},
    {"17", 23},
    {"1818", 24},
    {"1819", 25},
    {"1864", 100},
    {"1903e8", 1000},
    {"1a000f4240", 1000000},
    {"1b000000e8d4a51000", 1000000000000},
    {"1bffffffffffffffff", UINT64_MAX},
};

static const struct {
    const char *hex;
    int64_t value;
} negints[] = {
    {"20", -1}, {"29", -10}, {"3863", -100}, {"3903e7", -1000}, {"3b7fffffffffffffff", INT64_MIN},
};

static const struct {
    const char *hex, *text;
} texts[] = {
    {"60", ""},
    {"6161", "a"},
    {"6449455446", "IETF"},
    {"62225c", "\"\\"},
    {"62c3bc", "\xc3\xbc"},
    {"63e6b0b4", "\xe6\xb0\xb4"},
    {"64f0908591", "\xf0\x90\x85\x91"},
};

/* Everything else in the table that has a definite length and an assigned meaning. */
static const struct {
    const char *hex;
    enum gh_cbor_type type;
} others[] = {
    {"c249010000000000000000", GH_CBOR_TAG},
    {"c349010000000000000000", GH_CBOR_TAG},
    {"3bffffffffffffffff", GH_CBOR_NEGINT},
    {"f90000", GH_CBOR_FLOAT},
    {"f98000", GH_CBOR_FLOAT},
    {"f93c00", GH_CBOR_FLOAT},
    {"fb3ff199999999999a", GH_CBOR_FLOAT},
    {"f97bff", GH_CBOR_FLOAT},
    {"fa47c35000", GH_CBOR_FLOAT},
    {"fa7f7fffff", GH_CBOR_FLOAT},
    {"fb7e37e43c8800759c", GH_CBOR_FLOAT},
    {"f90001", GH_CBOR_FLOAT},
    {"f90400", GH_CBOR_FLOAT},
    {"f9c400", GH_CBOR_FLOAT},
    {"fbc010666666666666", GH_CBOR_FLOAT},
    {"f97c00", GH_CBOR_FLOAT},
    {"f97e00", GH_CBOR_FLOAT},
    {"f9fc00", GH_CBOR_FLOAT},
    {"fa7f800000", GH_CBOR_FLOAT},
    {"fb7ff8000000000000", GH_CBOR_FLOAT},
    {"f4", GH_CBOR_BOOL},
    {"f5", GH_CBOR_BOOL},
    {"f6", GH_CBOR_NULL},
    {"f7", GH_CBOR_NULL},
    {"c074323031332d30332d32315432303a30343a30305a", GH_CBOR_TAG},
    {"c11a514b67b0", GH_CBOR_TAG},
    {"c1fb41d452d9ec200000", GH_CBOR_TAG},
    {"d74401020304", GH_CBOR_TAG},
    {"d818456449455446", GH_CBOR_TAG},
    {"d82076687474703a2f2f7777772e6578616d706c652e636f6d", GH_CBOR_TAG},
    {"d200", GH_CBOR_TAG}, /* not in the table: libcbor before 0.11 refuses the tags 6 to 20 */
    {"c600", GH_CBOR_TAG},
    {"d400", GH_CBOR_TAG},
    {"d83d00", GH_CBOR_TAG},
    {"dbffffffffffffffff00", GH_CBOR_TAG},
    {"40", GH_CBOR_BYTES},
    {"4401020304", GH_CBOR_BYTES},
    {"80", GH_CBOR_ARRAY},
    {"83010203", GH_CBOR_ARRAY},
    {"8301820203820405", GH_CBOR_ARRAY},
    {"98190102030405060708090a0b0c0d0e0f101112131415161718181819", GH_CBOR_ARRAY},
    {"a0", GH_CBOR_MAP},
    {"a201020304", GH_CBOR_MAP},
    {"a26161016162820203", GH_CBOR_MAP},
    {"826161a161626163", GH_CBOR_ARRAY},
    {"a56161614161626142616361436164614461656145", GH_CBOR_MAP},
};

static void test_unsigned(void **state)
{
    (void)state;
    for (size_t i = 0; i < GH_ARRAY_SIZE(uints); i++) {
        struct block block = block_of(uints[i].hex);
        struct gh_cbor_reader reader = reader_over(&block);
        assert_int_equal(gh_cbor_peek(&reader), GH_CBOR_UINT);
        assert_true(gh_cbor_uint(&reader) == uints[i].value);
        assert_int_equal(gh_cbor_finish(&reader), GH_OK);
        reader = reader_over(&block);
        int64_t value = gh_cbor_int(&reader);
        bool fits = uints[i].value <= INT64_MAX;
        assert_int_equal(reader.status, fits ? GH_OK : GH_ERR_INVALID);
        assert_true(value == (fits ? (int64_t)uints[i].value : 0));
        uint8_t out[9];
        struct gh_writer writer = gh_writer_over(out, sizeof(out));
        gh_cbor_put_uint(&writer, uints[i].value);
        assert_int_equal(writer.size, block.size);
        assert_memory_equal(out, block.data, block.size);
        free(block.data);
    }
}

static void test_negative(void **state)
{
    (void)state;
    for (size_t i = 0; i < GH_ARRAY_SIZE(negints); i++) {
        struct block block = block_of(negints[i].hex);
        struct gh_cbor_reader reader = reader_over(&block);
        assert_int_equal(gh_cbor_peek(&reader), GH_CBOR_NEGINT);
        assert_true(gh_cbor_int(&reader) == negints[i].value);
        assert_int_equal(gh_cbor_finish(&reader), GH_OK);
        reader = reader_over(&block);
        assert_true(gh_cbor_uint(&reader) == 0);
        assert_int_equal(reader.status, GH_ERR_INVALID);
        uint8_t out[9];
        struct gh_writer writer = gh_writer_over(out, sizeof(out));
        gh_cbor_put_int(&writer, negints[i].value);
        assert_int_equal(writer.size, block.size);
        assert_memory_equal(out, block.data, block.size);
        free(block.data);
    }
    struct block block = block_of("3b8000000000000000"); /* -2^63 - 1 */
    struct gh_cbor_reader reader = reader_over(&block);
    assert_true(gh_cbor_int(&reader) == 0);
    assert_int_equal(reader.status, GH_ERR_INVALID);
    free(block.data);
}

static void test_texts(void **state)
{
    (void)state;
    for (size_t i = 0; i < GH_ARRAY_SIZE(texts); i++) {
        struct block block = block_of(texts[i].hex);
        struct gh_cbor_reader reader = reader_over(&block);
        assert_int_equal(gh_cbor_peek(&reader), GH_CBOR_TEXT);
        struct gh_bytes text = gh_cbor_text(&reader);
        assert_int_equal(gh_cbor_finish(&reader), GH_OK);
        assert_int_equal(text.size, strlen(texts[i].text));
        assert_memory_equal(text.data, texts[i].text, text.size);
        reader = reader_over(&block);
        assert_int_equal(gh_cbor_bytes(&reader).size, 0);
        assert_int_equal(reader.status, GH_ERR_INVALID);
        uint8_t out[9];
        struct gh_writer writer = gh_writer_over(out, sizeof(out));
        gh_cbor_put_text(&writer, texts[i].text);
        assert_int_equal(writer.size, block.size);
        assert_memory_equal(out, block.data, block.size);
        free(block.data);
    }
}

static void test_text_is_utf8(void **state)
{
    (void)state;
    static const char *const broken[] = {"61ff",   "62c328", "63eda080",
                                         "62c080", "61c3",   "64f4908080"};
    for (size_t i = 0; i < GH_ARRAY_SIZE(broken); i++) {
        struct block block = block_of(broken[i]);
        struct gh_cbor_reader reader = reader_over(&block);
        gh_cbor_text(&reader);
        assert_int_equal(reader.status, GH_ERR_INVALID);
        reader = reader_over(&block);
        gh_cbor_skip(&reader); /* also where nobody looks */
        assert_int_equal(reader.status, GH_ERR_INVALID);
        free(block.data);
    }
}

static void test_the_rest_of_the_table(void **state)
{
    (void)state;
    for (size_t i = 0; i < GH_ARRAY_SIZE(others); i++) {
        struct block block = block_of(others[i].hex);
        struct gh_cbor_reader reader = reader_over(&block);
        assert_int_equal(gh_cbor_peek(&reader), others[i].type);
        gh_cbor_skip(&reader);
        assert_int_equal(gh_cbor_finish(&reader), GH_OK);
        free(block.data);
    }
}

static void test_structures(void **state)
{
    (void)state;
    struct block block = block_of("84d818456449455446f5a1016161f4");
    struct gh_cbor_reader reader = reader_over(&block);
    assert_int_equal(gh_cbor_array(&reader), 4);
    assert_int_equal(gh_cbor_tag(&reader), 24);
    assert_int_equal(gh_cbor_bytes(&reader).size, 5);
    assert_true(gh_cbor_bool(&reader));
    assert_int_equal(gh_cbor_map(&reader), 1);
    assert_int_equal(gh_cbor_uint(&reader), 1);
    assert_int_equal(gh_cbor_text(&reader).size, 1);
    assert_false(gh_cbor_bool(&reader));
    assert_int_equal(gh_cbor_peek(&reader), GH_CBOR_NONE);
    assert_int_equal(gh_cbor_finish(&reader), GH_OK);
    uint8_t out[32];
    struct gh_writer writer = gh_writer_over(out, sizeof(out));
    gh_cbor_put_array(&writer, 4);
    gh_cbor_put_tag(&writer, 24);
    gh_cbor_put_bytes(&writer, "\x64IETF", 5);
    gh_cbor_put_bool(&writer, true);
    gh_cbor_put_map(&writer, 1);
    gh_cbor_put_int(&writer, 1);
    gh_cbor_put_text(&writer, "a");
    gh_cbor_put_bool(&writer, false);
    assert_int_equal(writer.size, block.size);
    assert_memory_equal(out, block.data, block.size);
    free(block.data);
}

/* --- what is refused ---------------------------------------------------------------------------
 */

static void test_not_well_formed(void **state)
{
    (void)state;
    /* RFC 8949, appendix F: reserved heads, a break that ends nothing; and simple values that mean
     * nothing to us. */
    static const char *const broken[] = {"1c",   "1d", "1e", "1f",   "3c",   "3f",  "5c", "7d",
                                         "9e",   "bc", "dc", "df",   "ff",   "fc",  "fd", "fe",
                                         "81ff", "f0", "e0", "f8ff", "f818", "f800"};
    for (size_t i = 0; i < GH_ARRAY_SIZE(broken); i++)
        assert_int_equal(skip_hex(broken[i]), GH_ERR_INVALID);
}

static void test_trailing(void **state)
{
    (void)state;
    assert_int_equal(skip_hex("0001"), GH_ERR_TRAILING);
    assert_int_equal(skip_hex("a00102"), GH_ERR_TRAILING);
    assert_int_equal(skip_hex("80ff"), GH_ERR_TRAILING);
}

/* Every item cut short anywhere is noticed. */
static void test_truncated(void **state)
{
    (void)state;
    assert_int_equal(skip_hex(""), GH_ERR_TRUNCATED);
    for (size_t i = 0; i < GH_ARRAY_SIZE(others); i++) {
        struct block block = block_of(others[i].hex);
        for (size_t size = 0; size < block.size; size++)
            assert_int_equal(skip_status(block.data, size), GH_ERR_TRUNCATED);
        free(block.data);
    }
}

/* What libcbor would have believed (its tree decoder took 2 GB for the first). */
static void test_huge_lengths(void **state)
{
    (void)state;
    static const char *const huge[] = {
        "9a10000000",         "9a1000000001",
        "9bffffffffffffffff", "9b0000000100000000",
        "ba10000000",         "bbffffffffffffffff",
        "bb8000000000000000", "bb0000000100000000",
        "5a10000000",         "5bffffffffffffffff",
        "5b0000000100000000", "7bffffffffffffffff",
        "7a7fffffff",         "8201",
        "a201020304a1",       "5b00000001000000024142",
        "9b8000000000000000", "b90001",
    };
    for (size_t i = 0; i < GH_ARRAY_SIZE(huge); i++) {
        struct block block = block_of(huge[i]);
        struct gh_cbor_reader reader = reader_over(&block);
        enum gh_status expected = i == 14 ? GH_ERR_TRAILING : GH_ERR_TRUNCATED;
        gh_cbor_skip(&reader);
        assert_int_equal(gh_cbor_finish(&reader), expected);
        free(block.data);
    }
    struct block block = block_of("9a10000000");
    struct gh_cbor_reader reader = reader_over(&block);
    assert_int_equal(gh_cbor_array(&reader), 0); /* so that no loop runs on it */
    assert_int_equal(reader.status, GH_ERR_TRUNCATED);
    free(block.data);
    block = block_of("a2000100"); /* two pairs need four bytes */
    reader = reader_over(&block);
    assert_int_equal(gh_cbor_map(&reader), 0);
    assert_int_equal(reader.status, GH_ERR_TRUNCATED);
    free(block.data);
}

static void test_depth(void **state)
{
    (void)state;
    static const uint8_t openers[] = {0x81, 0xc1};
    for (size_t i = 0; i < sizeof(openers); i++) {
        uint8_t data[20000];
        memset(data, openers[i], sizeof(data));
        data[GH_CBOR_DEPTH_MAX] = 0;
        assert_int_equal(skip_status(data, GH_CBOR_DEPTH_MAX + 1), GH_OK);
        data[GH_CBOR_DEPTH_MAX] = openers[i];
        data[GH_CBOR_DEPTH_MAX + 1] = 0;
        assert_int_equal(skip_status(data, GH_CBOR_DEPTH_MAX + 2), GH_ERR_TOOBIG);
        assert_int_equal(skip_status(data, sizeof(data)), GH_ERR_TOOBIG);
    }
    assert_int_equal(skip_hex("a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1000000000000000000000000000000"
                              "000000000000"),
                     GH_ERR_TOOBIG);
    /* An empty container opens nothing. */
    assert_int_equal(skip_hex("818181818181818181818181818181"
                              "8180"),
                     GH_OK);
}

static void test_errors_stick(void **state)
{
    (void)state;
    struct block block = block_of("0102");
    struct gh_cbor_reader reader = reader_over(&block);
    assert_int_equal(gh_cbor_text(&reader).size, 0);
    assert_int_equal(reader.status, GH_ERR_INVALID);
    assert_int_equal(gh_cbor_uint(&reader), 0);
    assert_int_equal(gh_cbor_peek(&reader), GH_CBOR_NONE);
    gh_cbor_skip(&reader);
    gh_cbor_fail(&reader, GH_ERR_TOOBIG); /* the first one stays */
    assert_int_equal(gh_cbor_finish(&reader), GH_ERR_INVALID);
    reader = reader_over(&block);
    assert_int_equal(gh_cbor_uint(&reader), 1);
    assert_int_equal(gh_cbor_finish(&reader), GH_ERR_TRAILING); /* a byte is left */
    assert_int_equal(gh_cbor_uint(&reader), 2);
    assert_int_equal(gh_cbor_finish(&reader), GH_OK);
    assert_int_equal(gh_cbor_uint(&reader), 0);
    assert_int_equal(gh_cbor_finish(&reader), GH_ERR_TRUNCATED);
    free(block.data);
}

/* Any bytes: it ends, reads nothing past the end (the sanitizer's part), and says one of these. */
static void test_noise(void **state)
{
    (void)state;
    uint64_t random = 88172645463325252u;
    int well_formed = 0;
    for (int round = 0; round < 100000; round++) {
        uint8_t data[24];
        for (size_t i = 0; i < sizeof(data); i++) {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            data[i] = (uint8_t)random;
        }
        size_t size = 1 + random % sizeof(data);
        enum gh_status status = skip_status(data, size), foreign = skip_as(data, size, true);
        well_formed += status == GH_OK;
        assert_true(status == GH_OK || status == GH_ERR_INVALID || status == GH_ERR_TRUNCATED ||
                    status == GH_ERR_UNSUPPORTED || status == GH_ERR_TOOBIG ||
                    status == GH_ERR_TRAILING);
        assert_true(foreign == status || status == GH_ERR_UNSUPPORTED);
        assert_int_not_equal(foreign, GH_ERR_UNSUPPORTED);
    }
    assert_true(well_formed > 100);
}

/* --- seconds ------------------------------------------------------------------------------------
 */

static void test_seconds(void **state)
{
    (void)state;
    static const struct {
        const char *hex;
        int64_t value;
        enum gh_status status;
    } cases[] = {
        {"00", 0, GH_OK},
        {"1a514b67b0", 1363896240, GH_OK},
        {"fb41d452d9ec200000", 1363896240, GH_OK}, /* 1363896240.5, cut towards the past */
        {"20", -1, GH_OK},
        {"fbbfe0000000000000", -1, GH_OK}, /* -0.5 */
        {"f93e00", 1, GH_OK},              /* 1.5 */
        {"fa47c35000", 100000, GH_OK},
        {"1b0020000000000000", INT64_C(1) << 53, GH_OK},
        {"3b001fffffffffffff", -(INT64_C(1) << 53), GH_OK},
        {"fb4340000000000000", INT64_C(1) << 53, GH_OK},
        {"1b0020000000000001", 0, GH_ERR_RANGE},
        {"3b0020000000000000", 0, GH_ERR_RANGE},
        {"fb4340000000000001", 0, GH_ERR_RANGE},
        {"1bffffffffffffffff", 0, GH_ERR_RANGE},
        {"3bffffffffffffffff", 0, GH_ERR_RANGE},
        {"fb7e37e43c8800759c", 0, GH_ERR_RANGE},
        {"f97c00", 0, GH_ERR_RANGE}, /* infinity */
        {"f9fc00", 0, GH_ERR_RANGE},
        {"f97e00", 0, GH_ERR_RANGE}, /* not a number */
        {"fb7ff8000000000000", 0, GH_ERR_RANGE},
        {"c11a514b67b0", 0, GH_ERR_INVALID}, /* a tag is not allowed here (RFC 8392, section 2) */
        {"6131", 0, GH_ERR_INVALID},
        {"f6", 0, GH_ERR_INVALID},
        {"80", 0, GH_ERR_INVALID},
    };
    for (size_t i = 0; i < GH_ARRAY_SIZE(cases); i++) {
        struct block block = block_of(cases[i].hex);
        struct gh_cbor_reader reader = reader_over(&block);
        assert_true(gh_cbor_seconds(&reader, false) == cases[i].value);
        assert_int_equal(reader.status, cases[i].status);
        free(block.data);
    }
    /* towards the future */
    static const struct {
        const char *hex;
        int64_t value;
    } up[] = {{"fb41d452d9ec200000", 1363896241},
              {"fbbfe0000000000000", 0},
              {"f93c00", 1},
              {"f93c01", 2},
              {"1a514b67b0", 1363896240},
              {"20", -1}};
    for (size_t i = 0; i < GH_ARRAY_SIZE(up); i++) {
        struct block block = block_of(up[i].hex);
        struct gh_cbor_reader reader = reader_over(&block);
        assert_true(gh_cbor_seconds(&reader, true) == up[i].value);
        assert_int_equal(gh_cbor_finish(&reader), GH_OK);
        free(block.data);
    }
}

/* --- keys ---------------------------------------------------------------------------------------
 */

static enum gh_status read_keys(const char *hex)
{
    struct block block = block_of(hex);
    struct gh_cbor_reader reader = reader_over(&block);
    struct gh_cbor_keys seen = {.count = 0};
    for (size_t pairs = gh_cbor_map(&reader); pairs > 0; pairs--) {
        gh_cbor_map_key(&reader, &seen);
        gh_cbor_skip(&reader);
    }
    enum gh_status status = gh_cbor_finish(&reader);
    free(block.data);
    return status;
}

static void test_keys(void **state)
{
    (void)state;
    assert_int_equal(read_keys("a0"), GH_OK);
    assert_int_equal(read_keys("a301002000613100"), GH_OK); /* 1, -1, "1" */
    assert_int_equal(read_keys("a200006000"), GH_OK);
}

static void test_keys_twice(void **state)
{
    (void)state;
    assert_int_equal(read_keys("a201000100"), GH_ERR_EXISTS);
    assert_int_equal(read_keys("a20100180100"), GH_ERR_EXISTS); /* one number, two spellings */
    assert_int_equal(read_keys("a201001b000000000000000100"), GH_ERR_EXISTS);
    assert_int_equal(read_keys("a220002000"), GH_ERR_EXISTS);
    assert_int_equal(read_keys("a2613100613100"), GH_ERR_EXISTS);
    assert_int_equal(read_keys("a260006000"), GH_ERR_EXISTS);
}

static void test_keys_of_other_types(void **state)
{
    (void)state;
    static const char *const maps[] = {"a1413100",   "a18000",   "a1f500",
                                       "a1f93c0000", "a1c10100", "a11bffffffffffffffff00"};
    for (size_t i = 0; i < GH_ARRAY_SIZE(maps); i++)
        assert_int_equal(read_keys(maps[i]), GH_ERR_INVALID);
}

static void test_too_many_keys(void **state)
{
    (void)state;
    for (unsigned pairs = GH_CBOR_KEYS_MAX; pairs <= GH_CBOR_KEYS_MAX + 1; pairs++) {
        uint8_t out[256];
        char hex[2 * sizeof(out) + 1];
        struct gh_writer writer = gh_writer_over(out, sizeof(out));
        gh_cbor_put_map(&writer, pairs);
        for (unsigned key = 0; key < pairs; key++) {
            gh_cbor_put_uint(&writer, key);
            gh_cbor_put_bool(&writer, true);
        }
        gh_hex_encode(out, writer.size, hex);
        assert_int_equal(read_keys(hex), pairs == GH_CBOR_KEYS_MAX ? GH_OK : GH_ERR_UNSUPPORTED);
    }
}

static void test_writer_is_full(void **state)
{
    (void)state;
    uint8_t out[4] = {0, 0, 0, 0x55};
    struct gh_writer writer = gh_writer_over(out, 3);
    gh_cbor_put_uint(&writer, 1000);
    assert_false(writer.overflow);
    gh_cbor_put_bool(&writer, true);
    assert_true(writer.overflow);
    assert_int_equal(out[3], 0x55);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_unsigned),
        cmocka_unit_test(test_negative),
        cmocka_unit_test(test_texts),
        cmocka_unit_test(test_text_is_utf8),
        cmocka_unit_test(test_the_rest_of_the_table),
        cmocka_unit_test(test_structures),
        cmocka_unit_test(test_not_well_formed),
        cmocka_unit_test(test_trailing),
        cmocka_unit_test(test_truncated),
        cmocka_unit_test(test_huge_lengths),
        cmocka_unit_test(test_depth),
        cmocka_unit_test(test_errors_stick),
        cmocka_unit_test(test_noise),
        cmocka_unit_test(test_seconds),
        cmocka_unit_test(test_keys),
        cmocka_unit_test(test_keys_twice),
        cmocka_unit_test(test_keys_of_other_types),
        cmocka_unit_test(test_too_many_keys),
        cmocka_unit_test(test_writer_is_full),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
