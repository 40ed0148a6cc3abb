/* SPDX-License-Identifier: Apache-2.0 */
/* Containers and strings of indefinite length (RFC 8949, 3.2), which foreign certificates may have;
 * the rest of CBOR is in test_cbor.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cbor_fixture.h"

/* RFC 8949, appendix A. */
static const char *const indefinite[] = {
    "5f42010243030405ff", "7f657374726561646d696e67ff", "9fff", "9f018202039f0405ffff",
    "9f01820203820405ff", "bf61610161629f0203ffff",     "bfff", "bf6346756ef563416d7421ff",
};

static void test_indefinite_lengths(void **state)
{
    (void)state;
    for (size_t i = 0; i < GH_ARRAY_SIZE(indefinite); i++)
        assert_int_equal(skip_hex(indefinite[i]), GH_ERR_UNSUPPORTED);
    assert_int_equal(skip_hex("a1019fff"), GH_ERR_UNSUPPORTED);
}

static enum gh_status skip_foreign(const char *hex)
{
    struct block block = block_of(hex);
    enum gh_status status = skip_as(block.data, block.size, true);
    free(block.data);
    return status;
}

static void test_indefinite_lengths_of_others(void **state)
{
    (void)state;
    for (size_t i = 0; i < GH_ARRAY_SIZE(indefinite); i++) {
        struct block block = block_of(indefinite[i]);
        assert_int_equal(skip_as(block.data, block.size, true), GH_OK);
        for (size_t size = 0; size < block.size; size++)
            assert_int_equal(skip_as(block.data, size, true), GH_ERR_TRUNCATED);
        free(block.data);
    }
    static const char *const good[] = {
        "a1019fff", "bf01bf02030405ff0607ff", "9fbfff9fff80a0ff",
        "c19f01ff", "819f819fffff",           "5fff",
        "7fff",     "7f61c362c3bcff",
    };
    for (size_t i = 0; i < GH_ARRAY_SIZE(good); i++)
        assert_int_equal(skip_foreign(good[i]), i == 7 ? GH_ERR_INVALID : GH_OK);
}

static void test_breaks_where_none_may_be(void **state)
{
    (void)state;
    static const char *const broken[] = {
        "ff",             /* ends nothing */
        "81ff",           /* in an array of a length */
        "8201ff",         /* likewise, later */
        "a1ff00",         /* for a key */
        "a101ff",         /* for a value */
        "c1ff",           /* for what is tagged */
        "9fc1ffff",       /* likewise, in something that a break may end */
        "bf01ff",         /* a key without its value */
        "bf010203ff",     /* likewise, later */
        "bf019fffff02ff", /* the inner array's break is not the map's; a break, then more */
        "bfa1ffff",
        "9f81ffff",
        "9f8201ffff",
    };
    for (size_t i = 0; i < GH_ARRAY_SIZE(broken); i++)
        assert_int_equal(skip_foreign(broken[i]), i == 9 ? GH_ERR_TRAILING : GH_ERR_INVALID);
    assert_int_equal(skip_foreign("9fffff"), GH_ERR_TRAILING);
}

static void test_chunks(void **state)
{
    (void)state;
    static const char *const broken[] = {
        "5f6161ff",     /* text in bytes */
        "7f4161ff",     /* bytes in text */
        "5f00ff",       /* a number */
        "5f80ff",       /* an array */
        "5f5f4100ffff", /* chunks in chunks */
        "7f7fffff",     "5fc14100ff", "5ff6ff", "7f41", "7f61ffff" /* not UTF-8 */,
    };
    for (size_t i = 0; i < GH_ARRAY_SIZE(broken); i++)
        assert_int_equal(skip_foreign(broken[i]), i == 8 ? GH_ERR_TRUNCATED : GH_ERR_INVALID);
    /* As a value nobody gets them: they would have to be put together. */
    static const char *const strings[] = {"5f4100ff", "7f6161ff"};
    for (size_t i = 0; i < GH_ARRAY_SIZE(strings); i++) {
        struct block block = block_of(strings[i]);
        struct gh_cbor_reader reader = reader_over(&block);
        reader.indefinite = true;
        struct gh_bytes none = i == 0 ? gh_cbor_bytes(&reader) : gh_cbor_text(&reader);
        assert_int_equal(none.size, 0);
        assert_int_equal(reader.status, GH_ERR_UNSUPPORTED);
        free(block.data);
    }
}

/* --- containers of either length ------------------------------------------------------------- */

static enum gh_status sum(const char *hex, bool map, uint64_t *out)
{
    struct block block = block_of(hex);
    struct gh_cbor_reader reader = reader_over(&block);
    reader.indefinite = true;
    *out = 0;
    size_t left = map ? gh_cbor_open_map(&reader) : gh_cbor_open_array(&reader);
    while (gh_cbor_more(&reader, &left)) {
        *out += gh_cbor_uint(&reader);
        if (map)
            *out += 100 * gh_cbor_uint(&reader);
    }
    assert_false(gh_cbor_more(&reader, &left)); /* asked again: no more */
    enum gh_status status = gh_cbor_finish(&reader);
    free(block.data);
    return status;
}

static void test_open_containers(void **state)
{
    (void)state;
    static const struct {
        const char *hex;
        bool map;
        enum gh_status status;
        uint64_t sum;
    } cases[] = {
        {"80", false, GH_OK, 0},
        {"83010203", false, GH_OK, 6},
        {"9fff", false, GH_OK, 0},
        {"9f010203ff", false, GH_OK, 6},
        {"a0", true, GH_OK, 0},
        {"a201020304", true, GH_OK, 604},
        {"bfff", true, GH_OK, 0},
        {"bf01020304ff", true, GH_OK, 604},
        {"9f01", false, GH_ERR_TRUNCATED, 1},
        {"9f", false, GH_ERR_TRUNCATED, 0},
        {"8201", false, GH_ERR_TRUNCATED, 0},
        {"bf0102", true, GH_ERR_TRUNCATED, 201},
        {"bf01ff", true, GH_ERR_INVALID, 1},
        {"81ff", false, GH_ERR_INVALID, 0},
        {"9fffff", false, GH_ERR_TRAILING, 0},
        {"9f01ff00", false, GH_ERR_TRAILING, 1},
        {"9f0160ff", false, GH_ERR_INVALID, 1},
        {"a0", false, GH_ERR_INVALID, 0}, /* a map is no array */
        {"bfff", false, GH_ERR_INVALID, 0},
        {"9fff", true, GH_ERR_INVALID, 0},
        {"5fff", false, GH_ERR_INVALID, 0},
        {"9a10000000", false, GH_ERR_TRUNCATED, 0},
        {"bbffffffffffffffff", true, GH_ERR_TRUNCATED, 0},
        {"", false, GH_ERR_TRUNCATED, 0},
    };
    for (size_t i = 0; i < GH_ARRAY_SIZE(cases); i++) {
        uint64_t total = 0;
        enum gh_status status = sum(cases[i].hex, cases[i].map, &total);
        if (status != cases[i].status || total != cases[i].sum)
            print_error("case %zu\n", i);
        assert_int_equal(status, cases[i].status);
        assert_true(total == cases[i].sum);
    }
    /* Where they are not allowed */
    struct block block = block_of("9fff");
    struct gh_cbor_reader reader = reader_over(&block);
    size_t left = gh_cbor_open_array(&reader);
    assert_int_equal(left, 0);
    assert_false(gh_cbor_more(&reader, &left));
    assert_int_equal(reader.status, GH_ERR_UNSUPPORTED);
    free(block.data);
}

static void test_items(void **state)
{
    (void)state;
    struct block block = block_of("83d28101bf016161ff00");
    struct gh_cbor_reader reader = reader_over(&block);
    reader.indefinite = true;
    assert_int_equal(gh_cbor_array(&reader), 3);
    struct gh_bytes item = gh_cbor_item(&reader);
    assert_int_equal(item.size, 3);
    assert_memory_equal(item.data, "\xd2\x81\x01", 3);
    item = gh_cbor_item(&reader);
    assert_int_equal(item.size, 5);
    assert_memory_equal(item.data, "\xbf\x01\x61\x61\xff", 5);
    assert_int_equal(gh_cbor_item(&reader).size, 1);
    assert_int_equal(gh_cbor_finish(&reader), GH_OK);
    item = gh_cbor_item(&reader);
    assert_null(item.data);
    assert_int_equal(item.size, 0);
    assert_int_equal(gh_cbor_finish(&reader), GH_ERR_TRUNCATED);
    free(block.data);
}

static void test_depth(void **state)
{
    (void)state;
    static const uint8_t openers[] = {0x9f, 0xbf};
    for (size_t i = 0; i < sizeof(openers); i++) {
        for (size_t depth = GH_CBOR_DEPTH_MAX; depth <= GH_CBOR_DEPTH_MAX + 1; depth++) {
            uint8_t data[8 * GH_CBOR_DEPTH_MAX];
            size_t size = 0;
            for (size_t level = 0; level < depth; level++) {
                data[size++] = openers[i];
                if (openers[i] == 0xbf && level + 1 < depth)
                    data[size++] = 0; /* the key of the next */
            }
            for (size_t level = 0; level < depth; level++)
                data[size++] = 0xff;
            assert_int_equal(skip_as(data, size, true),
                             depth == GH_CBOR_DEPTH_MAX ? GH_OK : GH_ERR_TOOBIG);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_indefinite_lengths_of_others),
        cmocka_unit_test(test_breaks_where_none_may_be),
        cmocka_unit_test(test_chunks),
        cmocka_unit_test(test_open_containers),
        cmocka_unit_test(test_items),
        cmocka_unit_test(test_indefinite_lengths),
        cmocka_unit_test(test_depth),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
