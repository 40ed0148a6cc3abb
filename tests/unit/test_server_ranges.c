/* SPDX-License-Identifier: Apache-2.0 */
/* Snapshots, for whoever carries them: whole, in parts, and the same for ever. */
#include "test_server_town.h"

#include "test_server_list_http.h"

static char path[160];
static uint8_t *whole;
static size_t size;

static int set_up_snapshot(void **state)
{
    struct answer answer;
    char name[65];
    int result = set_up_town(state);
    add_person("in-it", "green");
    snapshot_name(manifest_now(&harness, &gate), name);
    snprintf(path, sizeof(path), "/api/v1/list/snapshots/%s", name);
    const struct call call = {.method = "GET", .path = path};
    assert_int_equal(harness_perform(&harness, &call, &answer), CURLE_OK);
    assert_int_equal(answer.status, 200);
    whole = malloc(answer.size);
    assert_non_null(whole);
    memcpy(whole, answer.body, answer.size);
    size = answer.size;
    assert_true(size > 10);
    answer_free(&answer);
    return result;
}

static int tear_down_snapshot(void **state)
{
    free(whole);
    return tear_down_town(state);
}

static void get(const char *header, struct answer *answer)
{
    const struct call call = {.method = "GET", .path = path, .header = header};
    assert_int_equal(harness_perform(&harness, &call, answer), CURLE_OK);
}

static void expect_whole(const char *header)
{
    struct answer answer;
    get(header, &answer);
    assert_int_equal(answer.status, 200);
    assert_int_equal(answer.size, size);
    assert_memory_equal(answer.body, whole, size);
    assert_null(answer_header(&answer, "Content-Range"));
    answer_free(&answer);
}

static void expect_part(const char *header, size_t from, size_t count)
{
    struct answer answer;
    char range[80];
    get(header, &answer);
    if (answer.status != 206)
        fail_msg("%s: %ld", header, answer.status);
    assert_int_equal(answer.size, count);
    assert_memory_equal(answer.body, whole + from, count);
    snprintf(range, sizeof(range), "bytes %zu-%zu/%zu", from, from + count - 1, size);
    assert_string_equal(answer_header(&answer, "Content-Range"), range);
    assert_string_equal(answer_header(&answer, "Cache-Control"),
                        "public, max-age=31536000, immutable");
    answer_free(&answer);
}

static void test_parts(void **state)
{
    (void)state;
    expect_part("Range: bytes=0-0", 0, 1);
    expect_part("Range: bytes=3-", 3, size - 3);
    expect_part("Range: bytes=2-4", 2, 3);
    expect_part("Range: bytes=-2", size - 2, 2);
    expect_part("Range: bytes=-99999999", 0, size);
    expect_part("Range: bytes=5-99999999", 5, size - 5);
    expect_part("Range: BYTES=1-1", 1, 1);
}

static void test_what_is_no_range(void **state)
{
    (void)state;
    static const char *const headers[] = {
        "Range: bytes=",       "Range: bytes=x-1",    "Range: bytes=1",
        "Range: bytes=4-2",    "Range: bytes=0-0,2-", "Range: lines=0-1",
        "Range: bytes=1-2 ,3", "Range: bytes=--1",    "Range: bytes=99999999999999999999-",
    };
    for (size_t i = 0; i < GH_ARRAY_SIZE(headers); i++)
        expect_whole(headers[i]);
}

static void test_outside(void **state)
{
    (void)state;
    static const char *const headers[] = {"Range: bytes=99999999-", "Range: bytes=-0"};
    char range[48];
    snprintf(range, sizeof(range), "bytes */%zu", size);
    for (size_t i = 0; i < GH_ARRAY_SIZE(headers); i++) {
        struct answer answer;
        get(headers[i], &answer);
        assert_int_equal(answer.status, 416);
        assert_string_equal(answer_header(&answer, "Content-Range"), range);
        answer_free(&answer);
    }
}

/* A condition that does not hold gives the whole; none of ours ever changes. */
static void test_conditions(void **state)
{
    (void)state;
    struct answer answer;
    char tag[128], header[256];
    get(NULL, &answer);
    snprintf(tag, sizeof(tag), "%.120s", answer_header(&answer, "ETag"));
    assert_string_equal(answer_header(&answer, "Accept-Ranges"), "bytes");
    answer_free(&answer);
    snprintf(header, sizeof(header), "Range: bytes=1-2\r\nIf-Range: %s", tag);
    expect_part(header, 1, 2);
    expect_whole("Range: bytes=1-2\r\nIf-Range: \"other\"");
    expect_whole("Range: bytes=1-2\r\nIf-Range: Wed, 21 Oct 2015 07:28:00 GMT");
}

static void test_head(void **state)
{
    (void)state;
    struct answer answer;
    char length[32];
    const struct call call = {.method = "HEAD", .path = path};
    snprintf(length, sizeof(length), "%zu", size);
    assert_int_equal(harness_perform(&harness, &call, &answer), CURLE_OK);
    assert_int_equal(answer.status, 200);
    assert_int_equal(answer.size, 0);
    assert_string_equal(answer_header(&answer, "Content-Length"), length);
    assert_string_equal(answer_header(&answer, "Content-Type"), "application/zstd");
    answer_free(&answer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parts),   cmocka_unit_test(test_what_is_no_range),
        cmocka_unit_test(test_outside), cmocka_unit_test(test_conditions),
        cmocka_unit_test(test_head),
    };
    curl_global_init(CURL_GLOBAL_DEFAULT);
    return cmocka_run_group_tests(tests, set_up_snapshot, tear_down_snapshot);
}
