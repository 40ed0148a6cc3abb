/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "gatehouse/list.h"
#include "list/snapshot.h"

static void records_come_back_as_written(void **state)
{
    (void)state;
    uint8_t buffer[512];
    struct gh_writer writer = gh_writer_over(buffer, sizeof(buffer));
    gh_snapshot_put_subject(&writer, 1, GH_COLOUR_GREEN);
    gh_snapshot_put_subject(&writer, UINT64_MAX, GH_COLOUR_RED);
    gh_snapshot_put_home(&writer, 5);
    gh_snapshot_put_member(&writer, 5, 1);
    gh_snapshot_put_member(&writer, 5, UINT64_C(1) << 63);
    gh_snapshot_put_member(&writer, 6, 1);
    gh_snapshot_put_revoked(&writer, 9);
    static const struct gh_record expected[] = {
        {GH_RECORD_SUBJECT, 1, 1},
        {GH_RECORD_SUBJECT, UINT64_MAX, 3},
        {GH_RECORD_HOME, 5, 0},
        {GH_RECORD_MEMBER, 5, 1},
        {GH_RECORD_MEMBER, 5, UINT64_C(1) << 63},
        {GH_RECORD_MEMBER, 6, 1},
        {GH_RECORD_REVOKED, 9, 0},
    };
    struct gh_snapshot_reader reader =
        gh_snapshot_reader_over((struct gh_bytes){buffer, writer.size});
    struct gh_record record;
    for (size_t i = 0; i < GH_ARRAY_SIZE(expected); i++) {
        assert_int_equal(gh_snapshot_next(&reader, &record, NULL), GH_OK);
        assert_int_equal(record.kind, expected[i].kind);
        assert_true(record.id == expected[i].id);
        assert_true(record.second == expected[i].second);
    }
    assert_int_equal(gh_snapshot_next(&reader, &record, NULL), GH_ERR_END);
    assert_int_equal(gh_snapshot_next(&reader, &record, NULL), GH_ERR_END);
    assert_int_equal(reader.count, GH_ARRAY_SIZE(expected));
}

static void no_record_is_larger_than_said(void **state)
{
    (void)state;
    uint8_t buffer[64];
    struct gh_writer writer = gh_writer_over(buffer, sizeof(buffer));
    gh_snapshot_put_member(&writer, UINT64_MAX, UINT64_MAX);
    assert_true(writer.size <= GH_SNAPSHOT_RECORD_MAX_BYTES);
    assert_false(writer.overflow);
}

/* Reads to the end or to the first error. */
static enum gh_status read_all(const char *hex, struct gh_error *err)
{
    size_t size = strlen(hex) / 2;
    uint8_t *data = malloc(size > 0 ? size : 1); /* exactly so many, for the sanitizer */
    assert_non_null(data);
    assert_int_equal(gh_hex_decode(hex, strlen(hex), data, size), GH_OK);
    struct gh_snapshot_reader reader = gh_snapshot_reader_over((struct gh_bytes){data, size});
    struct gh_record record;
    enum gh_status status;
    do {
        status = gh_snapshot_next(&reader, &record, err);
    } while (status == GH_OK);
    if (status != GH_ERR_END) { /* and it stays that way, and gives nothing away */
        assert_int_equal(gh_snapshot_next(&reader, &record, NULL), status);
        assert_int_equal(record.kind, 0);
    }
    free(data);
    return status;
}

static void the_bytes_are_those_of_the_protocol(void **state)
{
    (void)state;
    struct gh_error err = {0};
    assert_int_equal(read_all("", &err), GH_ERR_END);
    /* [1, 1, 1] [1, 2^64-1, 3] [2, 5] [3, 5, 1] [4, 9] */
    assert_int_equal(read_all("830101018301"
                              "1bffffffffffffffff03"
                              "820205"
                              "83030501"
                              "820409",
                              &err),
                     GH_ERR_END);
    assert_int_equal(err.status, GH_OK);
}

static void bad_records_are_refused(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "00",                       /* no array */
        "80",                       /* empty */
        "8101",                     /* too short */
        "820101",                   /* a subject without a colour */
        "8401010101",               /* one item too many */
        "83010100",                 /* colour 0 */
        "83010104",                 /* colour 4 */
        "8301011b0000000100000001", /* colour 2^32 + 1 */
        "83010001",                 /* subject 0 */
        "820200",                   /* home 0 */
        "83030005",                 /* member of home 0 */
        "83030500",                 /* subject 0 as a member */
        "820400",                   /* credential 0 */
        "8302050a",                 /* a home with two ids */
        "820305",                   /* a member without a subject */
        "820005",                   /* kind 0 */
        "820505",                   /* kind 5: unknown */
        "821b000000010000000205",   /* kind 2^32 + 2 */
        "822005",                   /* kind -1 */
        "820220",                   /* home -1 */
        "8202fb4014000000000000",   /* home 5.0 */
        "8202c24105",               /* home as a bignum */
        "820265686f6d6531",         /* home as text */
        "9f0205ff",                 /* indefinite length */
        "9bffffffffffffffff",       /* an array without end */
        "9a80000000",               /* likewise */
        "83011bffffffffffffff",     /* cut in the middle of a number */
        "8301",                     /* cut behind the kind */
        "83",                       /* cut behind the head */
        "82020583",                 /* cut later */
        "d283010101",               /* a tag in front */
        "82020500",                 /* a stray byte behind */
    };
    for (size_t i = 0; i < GH_ARRAY_SIZE(wrong); i++) {
        struct gh_error err = {0};
        enum gh_status status = read_all(wrong[i], &err);
        if (status != GH_ERR_CORRUPT || err.status != GH_ERR_CORRUPT) {
            fail_msg("%s: %s", wrong[i], gh_status_text(status));
        }
    }
}

static void disorder_is_refused(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "8301020183010101",                 /* subjects backwards */
        "8301010183010101",                 /* twice */
        "8301010183010102",                 /* twice, of two colours */
        "83011bffffffffffffffff0183010101", /* backwards, beyond 2^63 */
        "820206820205",                     /* homes backwards */
        "820205820205",                     /* twice */
        "8202058301010183010201",           /* a subject behind a home */
        "8303060183030501",                 /* members by home backwards */
        "8303050283030501",                 /* members by subject backwards */
        "8303050183030501",                 /* twice */
        "83030501820206",                   /* a home behind a member */
        "820409820408",                     /* revocations backwards */
        "820409820409",                     /* twice */
        "82040983030501",                   /* a member behind a revocation */
    };
    for (size_t i = 0; i < GH_ARRAY_SIZE(wrong); i++) {
        struct gh_error err = {0};
        enum gh_status status = read_all(wrong[i], &err);
        if (status != GH_ERR_CORRUPT) {
            fail_msg("%s: %s", wrong[i], gh_status_text(status));
        }
        if (strstr(err.text, "order") == NULL) {
            fail_msg("%s: %s", wrong[i], err.text);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(records_come_back_as_written),
        cmocka_unit_test(no_record_is_larger_than_said),
        cmocka_unit_test(the_bytes_are_those_of_the_protocol),
        cmocka_unit_test(bad_records_are_refused),
        cmocka_unit_test(disorder_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
