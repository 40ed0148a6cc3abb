/* SPDX-License-Identifier: Apache-2.0 */
/* The scanner and jansson say the same of every text, or the scanner leaves it to jansson. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gatehouse/entry.h"

#define GATE UINT64_C(0xfedcba9876543210)

static struct gh_entry one_of(enum gh_entry_type type)
{
    struct gh_entry entry = {
        .type = type,
        .gate = GATE,
        .sequence = 1000,
        .previous = {1, 2, 3},
        .wall_ms = INT64_C(1600000000000),
        .clock_trusted = true,
        .monotonic_ms = 123456,
        .boot_id = "00112233445566778899aabbccddeeff",
        .outcome = GH_OUTCOME_DENY,
        .reason = GH_REASON_NOT_A_CODE,
        .kind = GH_KIND_HEALTH,
        .colour = GH_COLOUR_GREEN,
        .form = GH_FORM_PHONE,
        .subject = 0x1234,
        .home = 0x5678,
        .health_code = 0x9abc,
        .housing_code = 0xdef0,
        .generation = 42,
        .jump_ms = -5,
        .list_age_s = 90000,
        .omitted = 123,
        .door = GH_DOOR_EVENT_PASSED,
        .about = 999,
        .after_ms = 1500,
        .direction = GH_DIRECTION_IN,
        .announced = GH_ANNOUNCEMENT_EXPIRED,
        .announcement = 0x77,
        .trouble = GH_LIST_TROUBLE_AREA,
        .offered = 7,
        .through = 10,
        .erased = 20,
        .receipt = {.through = 30, .hash = {4}, .signature = {5}},
    };
    return entry;
}

static struct gh_bytes bytes_of(const char *text, size_t size)
{
    return (struct gh_bytes){(const uint8_t *)text, size};
}

/* Whatever the scanner takes, jansson takes, canonical as it stands, with the same meaning. */
static bool agree(const char *text, size_t size)
{
    struct gh_entry scanned, parsed;
    size_t used = 0, canonical_size;
    char *canonical;
    struct gh_error err = {0}, other_err = {0};
    enum gh_status status = gh_entry_scan(bytes_of(text, size), &scanned, &used, &err);
    if (status == GH_ERR_UNSUPPORTED)
        return false;
    assert_true(used > 0 && used <= size);
    json_t *json = json_loadb(text, used, JSON_REJECT_DUPLICATES, NULL);
    assert_non_null(json);
    assert_int_equal(gh_entry_canonical(json, &canonical, &canonical_size), GH_OK);
    assert_int_equal(canonical_size, used);
    assert_memory_equal(canonical, text, used);
    assert_int_equal(gh_entry_parse(json, &parsed, &other_err), status);
    char one[GH_ENTRY_MAX_BYTES], other[GH_ENTRY_MAX_BYTES];
    (void)gh_entry_format(&scanned, one);
    (void)gh_entry_format(&parsed, other);
    assert_string_equal(one, other);
    assert_string_equal(err.text, other_err.text);
    free(canonical);
    json_decref(json);
    return status == GH_OK;
}

static void test_every_type(void **state)
{
    (void)state;
    for (int type = 0; type < GH_ENTRY_TYPES; type++) {
        char text[GH_ENTRY_MAX_BYTES];
        struct gh_entry entry = one_of((enum gh_entry_type)type);
        size_t size = gh_entry_format(&entry, text);
        if (!agree(text, size))
            fail_msg("%s", text);
    }
}

/* Each byte by others: whatever comes out, the two agree. */
static void test_altered(void **state)
{
    (void)state;
    static const char others[] = {0,   '"', '\\', '{', '}', ',', ':', '0', '1',    '9',       '-',
                                  '.', 'e', 'a',  'z', ' ', '[', ']', 'u', '\x7f', (char)0xc3};
    size_t taken = 0;
    for (int type = 0; type < GH_ENTRY_TYPES; type++) {
        char text[GH_ENTRY_MAX_BYTES];
        struct gh_entry entry = one_of((enum gh_entry_type)type);
        size_t size = gh_entry_format(&entry, text);
        for (size_t i = 0; i < size; i++) {
            char kept = text[i];
            for (size_t k = 0; k < sizeof(others); k++) {
                text[i] = others[k];
                taken += agree(text, size);
            }
            text[i] = kept;
        }
        for (size_t cut = 0; cut < size; cut++) {
            char *exact = malloc(cut + 1);
            assert_non_null(exact);
            memcpy(exact, text, cut);
            assert_false(agree(exact, cut));
            free(exact);
        }
    }
    assert_true(taken > 1000); /* other digits, other letters */
}

static void expect_left(const char *text)
{
    struct gh_entry entry;
    size_t size;
    enum gh_status status = gh_entry_scan(bytes_of(text, strlen(text)), &entry, &size, NULL);
    if (status != GH_ERR_UNSUPPORTED)
        fail_msg("%d: %s", (int)status, text);
}

static void test_what_is_left_to_jansson(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",
        "{",
        "{}",
        "[]",
        " {\"a\":1}",
        "{ \"a\":1}",
        "{\"a\" :1}",
        "{\"a\": 1}",
        "{\"a\":1 }",
        "{\"a\":1,}",
        "{\"b\":1,\"a\":1}",
        "{\"a\":1,\"a\":1}",
        "{\"a\":01}",
        "{\"a\":-0}",
        "{\"a\":-}",
        "{\"a\":+1}",
        "{\"a\":1.0}",
        "{\"a\":1e3}",
        "{\"a\":9007199254740993}",
        "{\"a\":-9007199254740993}",
        "{\"a\":99999999999999999999999999}",
        "{\"a\":\"\\\"\"}",
        "{\"a\":\"\\u0041\"}",
        "{\"a\":\"\x01\"}",
        "{\"a\":\"\xc3\xb6\"}",
        "{\"a\":true}",
        "{\"a\":null}",
        "{\"a\":{}}",
        "{\"a\":[]}",
        "{a:1}",
        "{\"a\"}",
        "{\"a\":\"b}",
    };
    for (size_t i = 0; i < GH_ARRAY_SIZE(texts); i++)
        expect_left(texts[i]);
}

/* As long as an entry may be, and one byte more; as many members as fit, and one more. */
static void test_bounds(void **state)
{
    (void)state;
    char text[2 * GH_ENTRY_MAX_BYTES];
    struct gh_entry entry;
    size_t size, used = 0;
    for (size_t more = 0; more < 2; more++) {
        memset(text, 'x', sizeof(text));
        memcpy(text, "{\"a\":\"", 6);
        size = GH_ENTRY_MAX_BYTES - 1 + more;
        memcpy(text + size - 2, "\"}", 2);
        enum gh_status status = gh_entry_scan(bytes_of(text, size), &entry, &used, NULL);
        assert_int_equal(status, more == 0 ? GH_ERR_INVALID : GH_ERR_UNSUPPORTED);
    }
    for (size_t members = 48; members < 50; members++) {
        size = 0;
        for (size_t i = 0; i < members; i++)
            size += (size_t)sprintf(text + size, "%s\"m%02zu\":1", i == 0 ? "{" : ",", i);
        size += (size_t)sprintf(text + size, "}");
        enum gh_status status = gh_entry_scan(bytes_of(text, size), &entry, &used, NULL);
        assert_int_equal(status, members == 48 ? GH_ERR_INVALID : GH_ERR_UNSUPPORTED);
    }
}

/* In the middle of a body: what is behind it does not count. */
static void test_more_behind_it(void **state)
{
    (void)state;
    char text[2 * GH_ENTRY_MAX_BYTES];
    struct gh_entry entry = one_of(GH_ENTRY_DOOR), out;
    size_t size = gh_entry_format(&entry, text), used;
    memcpy(text + size, ",{\"boot\":\"", 11);
    assert_int_equal(gh_entry_scan(bytes_of(text, size + 11), &out, &used, NULL), GH_OK);
    assert_int_equal(used, size);
    assert_int_equal(out.about, 999);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_type),
        cmocka_unit_test(test_altered),
        cmocka_unit_test(test_what_is_left_to_jansson),
        cmocka_unit_test(test_bounds),
        cmocka_unit_test(test_more_behind_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
