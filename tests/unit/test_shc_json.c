/* SPDX-License-Identifier: Apache-2.0 */
/* JSON's tree stays within its bound, whatever is written: measured, since the bound is counted
 * from what jansson is known to take. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <jansson.h>
#include <malloc.h>

#include "code/shc.h"
#include "shc_fixture.h"
#include "used_time.h"

/* The limit for reading anything; sanitizers cost what they cost. */
#if defined(__SANITIZE_ADDRESS__)
#define TIME_MAX_NS INT64_MAX
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define TIME_MAX_NS INT64_MAX
#endif
#endif
#ifndef TIME_MAX_NS
#define TIME_MAX_NS 2000000
#endif

/* --- what jansson takes ---------------------------------------------------------------------- */

static size_t in_use, peak;

static void *count_in(size_t size)
{
    void *memory = malloc(size);
    in_use += memory != NULL ? malloc_usable_size(memory) + sizeof(size_t) : 0;
    peak = in_use > peak ? in_use : peak;
    return memory;
}

static void count_out(void *memory)
{
    in_use -= memory != NULL ? malloc_usable_size(memory) + sizeof(size_t) : 0;
    free(memory);
}

static int setup_counting(void **state)
{
    json_set_alloc_funcs(count_in, count_out);
    return setup(state);
}

/* Reads, and says how much was taken at most; what was taken is given back. */
static enum gh_reason read_json(const char *text, size_t size)
{
    json_t *tree = NULL;
    peak = in_use;
    size_t before = in_use;
    enum gh_reason reason = gh_shc_json_read((struct gh_bytes){(const uint8_t *)text, size}, &tree);
    peak -= before;
    assert_true((reason == GH_REASON_OK) == (tree != NULL && json_is_object(tree)));
    gh_shc_json_free(tree);
    assert_true(in_use == before);
    return reason;
}

/* The unit again and again, as often as is still read. */
static void check_worst(const char *before, const char *unit, const char *behind)
{
    char *text = malloc(GH_SHC_JSON_MAX_BYTES);
    assert_non_null(text);
    size_t size = strlen(before), step = strlen(unit), end = strlen(behind), most = 0;
    for (size_t times = 1; size + times * step + end <= GH_SHC_JSON_MAX_BYTES;
         times += times / 8 + 1) {
        memcpy(text, before, size);
        for (size_t i = 0; i < times; i++)
            memcpy(text + size + i * step, unit, step);
        size_t all = size + times * step;
        memcpy(text + all - (unit[step - 1] == ','), behind, end);
        enum gh_reason reason = read_json(text, all + end - (unit[step - 1] == ','));
        if (reason == GH_REASON_TOO_LARGE)
            assert_true(peak == 0);
        if (reason == GH_REASON_TOO_LARGE || reason == GH_REASON_BAD_TIME)
            break;
        assert_int_equal(reason, GH_REASON_OK);
        most = peak > most ? peak : most;
    }
    free(text);
    if (most > GH_SHC_TREE_MAX_BYTES)
        fail_msg("%zu bytes for %s%s...", most, before, unit);
}

static void a_tree_stays_within_its_bound(void **state)
{
    (void)state;
    check_worst("{\"a\":[", "{},", "]}");
    check_worst("{\"a\":[", "[],", "]}");
    check_worst("{\"a\":[", "\"\",", "]}");
    check_worst("{\"a\":[", "1,", "]}");
    check_worst("{\"a\":[", "null,", "]}");
    check_worst("{\"a\":[", "{\"\":1},", "]}");
    check_worst("{\"a\":[", "{\"\":\"\"},", "]}");
    check_worst("{\"a\":[", "[1],", "]}");
    check_worst("{\"a\":[", "[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]],", "]}");
    check_worst("{\"a\":[", "{\"\":{\"\":{\"\":{\"\":{\"\":{\"\":\"\"}}}}}},", "]}");
    check_worst("{\"a\":[", "[\"12345678901234567890123456789012\"],", "]}");
    check_worst("{\"a\":\"", "x", "\"}");
    check_worst("{\"a\":\"", "\\u00e9", "\"}");
    check_worst("{\"", "x", "\":1}");
    check_worst("{\"a\":1", "0", "}"); /* up to where a number is none any more */
    check_worst("{\"a\":0.", "1", "}");
    check_worst("{", "   ", "}");
}

/* Names that differ, since the same one twice is refused. */
static void an_object_of_many_members_stays_within_it(void **state)
{
    (void)state;
    char *text = malloc(GH_SHC_JSON_MAX_BYTES);
    assert_non_null(text);
    size_t most = 0;
    for (int count = 1; count < 6000; count += count / 16 + 1) {
        int size = sprintf(text, "{\"x\":0");
        for (int i = 0; i < count; i++)
            size += sprintf(text + size, ",\"%x\":\"\"", i);
        size += sprintf(text + size, "}");
        enum gh_reason reason = read_json(text, (size_t)size);
        if (reason == GH_REASON_TOO_LARGE)
            break;
        assert_int_equal(reason, GH_REASON_OK);
        most = peak > most ? peak : most;
    }
    free(text);
    assert_true(most > GH_SHC_TREE_MAX_BYTES / 4); /* it was not refused early on */
    assert_in_range(most, 0, GH_SHC_TREE_MAX_BYTES);
}

/* A quote or a bracket inside a text is no structure. */
static void texts_are_no_structure(void **state)
{
    (void)state;
    static const char deep[] = "{\"a\":\"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[\"}";
    static const char quote[] = "{\"a\":\"\\\"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[\\\\\"}";
    assert_int_equal(read_json(deep, strlen(deep)), GH_REASON_OK);
    assert_int_equal(read_json(quote, strlen(quote)), GH_REASON_OK);
    assert_int_equal(read_json("{\"a\\", 4), GH_REASON_MALFORMED);
    assert_int_equal(read_json("", 0), GH_REASON_TRUNCATED);
}

static void texts_are_wiped(void **state)
{
    (void)state;
    json_t *tree = NULL;
    static const char json[] = "{\"a\":[{\"b\":\"Muster\"}]}";
    struct gh_bytes text = {(const uint8_t *)json, strlen(json)};
    assert_int_equal(gh_shc_json_read(text, &tree), GH_REASON_OK);
    json_t *kept = json_incref(json_object_get(json_array_get(json_object_get(tree, "a"), 0), "b"));
    assert_string_equal(json_string_value(kept), "Muster");
    gh_shc_json_free(tree);
    assert_string_equal(json_string_value(kept), "");
    json_decref(kept);
}

/* --- what a whole reading takes -------------------------------------------------------------- */

/* Signed by a trusted key: a stranger's is not even unpacked. The thread's own time, and the best
 * of some runs, since others use this machine too. */
static void check_time(const char *payload)
{
    char *jws = shc_jws(&(struct shc_spec){.key = issuer_key, .payload = payload});
    int64_t best = INT64_MAX;
    for (int i = 0; i < 20; i++) {
        int64_t start = used_ns();
        struct gh_credential card = read_jws(trust, jws, NOW);
        int64_t took = used_ns() - start;
        assert_int_not_equal(card.reason, GH_REASON_OK);
        best = took < best ? took : best;
    }
    free(jws);
    if (best > TIME_MAX_NS)
        fail_msg("%lld ns for %.20s...", (long long)best, payload);
}

static void repeat(char *text, const char *before, const char *unit, size_t bytes)
{
    size_t step = strlen(unit), size = strlen(before);
    memcpy(text, before, size);
    for (; size + step < bytes; size += step)
        memcpy(text + size, unit, step);
    text[size] = '\0';
}

static void nothing_takes_long(void **state)
{
    (void)state;
    static const char *const units[] = {"{},",   "[],",   "[", "{\"\":", "1,",
                                        "\"\",", "1e99,", "9", "x",      " ",
                                        "\"",    "\\",    ":", ",",      "\"\\u0041\","};
    char *text = malloc(GH_SHC_JSON_MAX_BYTES + 1);
    assert_non_null(text);
    for (size_t i = 0; i < GH_ARRAY_SIZE(units); i++) {
        for (size_t bytes = 4096; bytes <= GH_SHC_JSON_MAX_BYTES; bytes *= 2) {
            repeat(text, "{\"a\":[", units[i], bytes);
            check_time(text);
        }
    }
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_tree_stays_within_its_bound),
        cmocka_unit_test(an_object_of_many_members_stays_within_it),
        cmocka_unit_test(texts_are_no_structure),
        cmocka_unit_test(texts_are_wiped),
        cmocka_unit_test(nothing_takes_long),
    };
    return cmocka_run_group_tests(tests, setup_counting, teardown);
}
