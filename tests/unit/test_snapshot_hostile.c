/* SPDX-License-Identifier: Apache-2.0 */
/* Snapshots as they may come: blocks and frames that the reader refuses, and when it ends. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <zstd.h>

#include "snapshot_fixture.h"

/* --- what the reader refuses --- */

#define END_OF(counts) "8a0002" counts
#define HOMES_5_6 "830202420501"
#define ONE_PERSON "8501014103410141"

/* Each is wrong in one place only; what it would be without that stands before it. */
static void hostile_blocks_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *hex;
        bool good;
    } cases[] = {
        {HOMES_5_6 END_OF("0200000000000000"), true},
        {"", false}, /* no end */
        {HOMES_5_6, false},
        {HOMES_5_6 END_OF("0100000000000000"), false}, /* another number of rows */
        {HOMES_5_6 END_OF("0300000000000000"), false},
        {HOMES_5_6 "8a00010200000000000000", false}, /* another version */
        {HOMES_5_6 "8a00030200000000000000", false},
        {HOMES_5_6 "89000202000000000000", false},          /* not all counts */
        {HOMES_5_6 "8b0002020000000000000000", false},      /* too many */
        {HOMES_5_6 END_OF("0200000000000000") "00", false}, /* something follows */
        {HOMES_5_6 END_OF("0200000000000000") END_OF("0200000000000000"), false},
        {"840202420501"
         "00" END_OF("0200000000000000"),
         false},                                              /* too many items */
        {"820202" END_OF("0200000000000000"), false},         /* too few */
        {"830201420501" END_OF("0100000000000000"), false},   /* more than it says */
        {"830203420501" END_OF("0300000000000000"), false},   /* less */
        {"83020040" END_OF("0000000000000000"), false},       /* no rows */
        {"830202420500" END_OF("0200000000000000"), false},   /* twice */
        {"830202420005" END_OF("0200000000000000"), false},   /* nobody */
        {"83020243058100" END_OF("0200000000000000"), false}, /* not the shortest form */
        {"83020142ff80" END_OF("0100000000000000"), false},   /* no end of a number */
        {"8302014affffffffffffffffff01" END_OF("0100000000000000"), true},
        {"8302014affffffffffffffffff02" END_OF("0100000000000000"), false}, /* above 64 bits */
        {"8302014bffffffffffffffffff8101" END_OF("0100000000000000"), false},
        {"8302024bffffffffffffffffff0101" END_OF("0200000000000000"), false}, /* a sum above */
        {"830202620501" END_OF("0200000000000000"), false},                   /* text */
        {"83020282050100" END_OF("0200000000000000"), false},                 /* numbers */
        {"830220420501" END_OF("0200000000000000"), false},                   /* -1 rows */
        {"8302191001420501" END_OF("0200000000000000"), false},               /* 4097 rows */
        {"830202"
         "5b7fffffffffffffff0501" END_OF("0200000000000000"),
         false},                                              /* a long column */
        {"9f0202420501ff" END_OF("0200000000000000"), false}, /* of no stated length */
        {HOMES_5_6 "83020141"
                   "01" END_OF("0300000000000000"),
         true}, /* goes on: 7 */
        {HOMES_5_6 "83020141"
                   "00" END_OF("0300000000000000"),
         false},
        {"83090141"
         "01" END_OF("0000000000000000"),
         false}, /* an unknown kind */
        {"83200141"
         "01" END_OF("0000000000000000"),
         false}, /* -1 */
        /* people: id 3 */
        {HOMES_5_6 ONE_PERSON "01" END_OF("0201000000000000"), true},
        {HOMES_5_6 ONE_PERSON "02" END_OF("0201000000000000"), true},
        {HOMES_5_6 ONE_PERSON "00" END_OF("0201000000000000"), true},
        {HOMES_5_6 ONE_PERSON "03" END_OF("0201000000000000"), false}, /* no such home */
        {HOMES_5_6 "8501014103410041"
                   "01" END_OF("0201000000000000"),
         false}, /* no colour */
        {HOMES_5_6 "8501014103410441"
                   "01" END_OF("0201000000000000"),
         false},
        {HOMES_5_6 "850101410342010141"
                   "01" END_OF("0201000000000000"),
         false},
        {HOMES_5_6 "850101410341014201"
                   "01" END_OF("0201000000000000"),
         false},
        {HOMES_5_6 "85010142030141014101" END_OF("0201000000000000"), false},
        {ONE_PERSON "00" HOMES_5_6 END_OF("0201000000000000"), false}, /* homes behind people */
        {HOMES_5_6 ONE_PERSON "01" END_OF("0200000000000000"), false},
        /* further homes */
        {HOMES_5_6 ONE_PERSON "01"
                              "84030141004102" END_OF("0201010000000000"),
         true},
        {HOMES_5_6 ONE_PERSON "01"
                              "84030141004102" END_OF("0201000000000000"),
         false},
        {HOMES_5_6 ONE_PERSON "01"
                              "84030141004101" END_OF("0201010000000000"),
         false}, /* twice */
        {HOMES_5_6 ONE_PERSON "01"
                              "84030141004103" END_OF("0201010000000000"),
         false},
        {HOMES_5_6 ONE_PERSON "01"
                              "84030141004100" END_OF("0201010000000000"),
         false},
        {HOMES_5_6 ONE_PERSON "01"
                              "84030141014102" END_OF("0201010000000000"),
         false}, /* row 1 */
        {HOMES_5_6 ONE_PERSON "01"
                              "8403014300808041"
                              "02" END_OF("0201010000000000"),
         false},
        {HOMES_5_6 ONE_PERSON "02"
                              "84030141004101" END_OF("0201010000000000"),
         false},
        {HOMES_5_6 ONE_PERSON "00"
                              "84030141004102" END_OF("0201010000000000"),
         false}, /* no first */
        {HOMES_5_6 ONE_PERSON "01"
                              "84030242000041"
                              "02" END_OF("0201020000000000"),
         false},
        {HOMES_5_6 ONE_PERSON "01"
                              "840302420000420202" END_OF("0201020000000000"),
         false},
        {HOMES_5_6 ONE_PERSON "01"
                              "840301420000"
                              "4102" END_OF("0201010000000000"),
         false},
        {HOMES_5_6 ONE_PERSON "01"
                              "840301410042"
                              "0202" END_OF("0201010000000000"),
         false},
        {HOMES_5_6 ONE_PERSON "01"
                              "84030141004102"
                              "84030141004102" END_OF("0201020000000000"),
         false},                                                        /* two of them */
        {HOMES_5_6 "84030141004102" END_OF("0200010000000000"), false}, /* of nobody */
        {HOMES_5_6 ONE_PERSON "01"
                              "83040141"
                              "09"
                              "84030141004102" END_OF("0201010100000000"),
         false}, /* not directly behind */
        /* the others */
        {"840501410148" ZEROS_8 END_OF("0000000001000000"), true},
        {"8405014101"
         "47"
         "00000000000000" END_OF("0000000001000000"),
         false},
        {"8405014101"
         "50" ZEROS_8 ZEROS_8 END_OF("0000000001000000"),
         false},
        {"84060150" ZEROS_8 ZEROS_8 "48" ZEROS_8 END_OF("0000000000010000"), true},
        {"8406014f" ZEROS_8 "00000000000000"
         "48" ZEROS_8 END_OF("0000000000010000"),
         false},
        {"8406025820" ZEROS_8 ZEROS_8 ZEROS_8 ZEROS_8
         "50" ZEROS_8 ZEROS_8 END_OF("0000000000020000"),
         false}, /* twice */
        {"840701410148"
         "0100000000000000" END_OF("0000000000000100"),
         true},
        {"840701410148" ZEROS_8 END_OF("0000000000000100"), false}, /* of nobody */
        {"830401410983040141"
         "01" END_OF("0000000200000000"),
         true},
        {"8304014109830401410"
         "0" END_OF("0000000200000000"),
         false},
        {"840701410148"
         "0100000000000000"
         "83040141"
         "01" END_OF("0000000100000100"),
         false},
        {"8a08062648" ZEROS_8 "420102040506f460" END_OF("0000000000000001"), true},
        {"8a08062648" ZEROS_8 "420102040506f460" END_OF("0000000000000000"), false},
        {"8a08062648" ZEROS_8 "420102000506f460" END_OF("0000000000000001"), false}, /* no group */
        {"8a08072648" ZEROS_8 "420102000506f460" END_OF("0000000000000001"), false}, /* no issuer */
        {"8a08012648" ZEROS_8 "420102000506f46169" END_OF("0000000000000001"), false}, /* our own */
        {"8a08062648" ZEROS_8 "420102040506f46162"
         "8a08062648" ZEROS_8 "420102040506f46161" END_OF("0000000000000002"),
         false},
        {"8a08062648" ZEROS_8 "420102040506f46161"
         "8a08062648" ZEROS_8 "420102040506f46161" END_OF("0000000000000002"),
         false},
        {"8127" END_OF("0000000000000000"), false}, /* a delta's record */
    };
    for (size_t i = 0; i < GH_ARRAY_SIZE(cases); i++) {
        struct seen seen;
        struct gh_error err;
        enum gh_status status = read_hex(cases[i].hex, &seen, &err);
        if (status != (cases[i].good ? GH_OK : GH_ERR_CORRUPT))
            fail_msg("case %zu, %s: %s: %s", i, cases[i].hex, gh_status_text(status), err.text);
    }
}

static void sentences_say_which_block(void **state)
{
    (void)state;
    struct seen seen;
    struct gh_error err;
    assert_int_equal(read_hex(HOMES_5_6 "83020141"
                                        "00",
                              &seen, &err),
                     GH_ERR_CORRUPT);
    assert_string_equal(err.text, "block 2 of the snapshot has homes out of order");
    assert_int_equal(read_hex(HOMES_5_6, &seen, &err), GH_ERR_CORRUPT);
    assert_string_equal(err.text, "block 2 of the snapshot is none, or out of order");
}

/* --- the frame --- */

static struct gh_bytes compress_hex(const char *hex, uint8_t **data)
{
    uint8_t plain[1024];
    struct gh_bytes frame = {0};
    assert_int_equal(gh_hex_decode(hex, strlen(hex), plain, strlen(hex) / 2), GH_OK);
    assert_int_equal(gh_zstd_compress((struct gh_bytes){plain, strlen(hex) / 2}, data, &frame.size),
                     GH_OK);
    frame.data = *data;
    return frame;
}

static void every_cut_is_refused(void **state)
{
    (void)state;
    uint8_t *data;
    struct seen seen;
    struct gh_error err;
    struct gh_bytes frame = compress_hex(all_kinds, &data);
    for (size_t size = 0; size < frame.size; size++)
        assert_int_equal(read_file((struct gh_bytes){frame.data, size}, &seen, &err),
                         GH_ERR_CORRUPT);
    assert_int_equal(read_file(frame, &seen, &err), GH_OK);
    free(data);
    for (size_t size = 2; size < sizeof(all_kinds) - 1; size += 2) {
        char cut[sizeof(all_kinds)];
        memcpy(cut, all_kinds, size);
        cut[size] = '\0';
        assert_int_equal(read_hex(cut, &seen, &err), GH_ERR_CORRUPT);
    }
}

/* No file of the list key's is altered, since its hash is; but nothing falls over. */
static void altered_bytes_take_nothing_down(void **state)
{
    (void)state;
    struct seen seen;
    struct gh_error err;
    uint8_t plain[sizeof(all_kinds) / 2];
    assert_int_equal(gh_hex_decode(all_kinds, sizeof(all_kinds) - 1, plain, sizeof(plain)), GH_OK);
    for (size_t i = 0; i < sizeof(plain) * 8; i++) {
        plain[i / 8] ^= (uint8_t)(1 << i % 8);
        enum gh_status status = read_blocks((struct gh_bytes){plain, sizeof(plain)}, &seen, &err);
        assert_true(status == GH_OK || status == GH_ERR_CORRUPT);
        plain[i / 8] ^= (uint8_t)(1 << i % 8);
    }
    uint8_t *data;
    struct gh_bytes frame = compress_hex(all_kinds, &data);
    for (size_t i = 0; i < frame.size * 8; i++) {
        data[i / 8] ^= (uint8_t)(1 << i % 8);
        enum gh_status status = read_file(frame, &seen, &err);
        assert_true(status == GH_OK || status == GH_ERR_CORRUPT);
        data[i / 8] ^= (uint8_t)(1 << i % 8);
    }
    free(data);
}

static void it_is_one_frame_and_nothing_else(void **state)
{
    (void)state;
    static const uint8_t skippable[] = {0x50, 0x2a, 0x4d, 0x18, 4, 0, 0, 0, 1, 2, 3, 4};
    uint8_t *data, twice[2048];
    struct seen seen;
    struct gh_error err;
    struct gh_bytes frame = compress_hex(all_kinds, &data);
    memcpy(twice, data, frame.size);
    twice[frame.size] = 0;
    assert_int_equal(read_file((struct gh_bytes){twice, frame.size + 1}, &seen, &err),
                     GH_ERR_CORRUPT);
    memcpy(twice + frame.size, data, frame.size);
    assert_int_equal(read_file((struct gh_bytes){twice, 2 * frame.size}, &seen, &err),
                     GH_ERR_CORRUPT);
    memcpy(twice + frame.size, skippable, sizeof(skippable));
    assert_int_equal(
        read_file((struct gh_bytes){twice, frame.size + sizeof(skippable)}, &seen, &err),
        GH_ERR_CORRUPT);
    memcpy(twice, skippable, sizeof(skippable));
    memcpy(twice + sizeof(skippable), data, frame.size);
    assert_int_equal(
        read_file((struct gh_bytes){twice, frame.size + sizeof(skippable)}, &seen, &err),
        GH_ERR_CORRUPT);
    assert_int_equal(read_file((struct gh_bytes){(const uint8_t *)"plain text", 10}, &seen, &err),
                     GH_ERR_CORRUPT);
    free(data);
}

/* A window of 4 MiB, which costs whoever reads it as much memory. */
static void a_large_window_is_refused(void **state)
{
    (void)state;
    struct seen seen;
    struct gh_error err;
    static uint8_t plain[16], frame[256];
    for (int window = 21; window <= 22; window++) {
        ZSTD_CCtx *zstd = ZSTD_createCCtx();
        ZSTD_outBuffer out = {.dst = frame, .size = sizeof(frame)};
        assert_int_equal(gh_hex_decode("8a00020000000000000000", 22, plain, 11), GH_OK);
        ZSTD_CCtx_setParameter(zstd, ZSTD_c_windowLog, window);
        ZSTD_CCtx_setParameter(zstd, ZSTD_c_contentSizeFlag, 0);
        ZSTD_inBuffer in = {.src = plain, .size = 5};
        assert_false(ZSTD_isError(ZSTD_compressStream2(zstd, &out, &in, ZSTD_e_flush)));
        in = (ZSTD_inBuffer){.src = plain + 5, .size = 6};
        assert_int_equal(ZSTD_compressStream2(zstd, &out, &in, ZSTD_e_end), 0);
        ZSTD_freeCCtx(zstd);
        assert_int_equal(read_file((struct gh_bytes){frame, out.pos}, &seen, &err),
                         window == 21 ? GH_OK : GH_ERR_CORRUPT);
    }
}

/* 64 MiB in a few KiB: nothing is kept of it, and it is refused at its first block. */
static void bombs_are_refused(void **state)
{
    (void)state;
    static const uint8_t beginnings[][5] = {{0},
                                            {0x83, 0x02, 0x19, 0x10, 0x00},
                                            {0x83, 0x02, 0x01, 0x5a, 0x04},
                                            {0x9b, 0x00, 0x00},
                                            {0x5b, 0x00, 0x00, 0x00, 0x00}};
    const size_t size = 64 << 20;
    uint8_t *plain = calloc(1, size);
    assert_non_null(plain);
    for (size_t i = 0; i < GH_ARRAY_SIZE(beginnings); i++) {
        struct seen seen;
        struct gh_error err;
        memcpy(plain, beginnings[i], sizeof(beginnings[i]));
        assert_int_equal(read_blocks((struct gh_bytes){plain, size}, &seen, &err), GH_ERR_CORRUPT);
        assert_int_equal(seen.rows, 0);
    }
    free(plain);
}

/* --- the caller's word --- */

static void what_the_caller_says_ends_it(void **state)
{
    (void)state;
    uint8_t *data;
    struct seen seen = {.status = GH_ERR_NOSPACE};
    struct gh_error err = {0};
    int fd = file_of(compress_hex(all_kinds, &data));
    assert_int_equal(gh_snapshot_read(fd, see, &seen, NULL, &err), GH_ERR_NOSPACE);
    assert_int_equal(seen.rows, 1);
    atomic_bool cancel = true;
    seen = (struct seen){0};
    assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
    assert_int_equal(gh_snapshot_read(fd, see, &seen, &cancel, &err), GH_ERR_AGAIN);
    assert_int_equal(seen.rows, 0);
    cancel = false;
    assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
    assert_int_equal(gh_snapshot_read(fd, see, &seen, &cancel, &err), GH_OK);
    close(fd);
    assert_int_equal(gh_snapshot_read(fd, see, &seen, NULL, &err), GH_ERR_IO);
    free(data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hostile_blocks_are_refused),
        cmocka_unit_test(sentences_say_which_block),
        cmocka_unit_test(every_cut_is_refused),
        cmocka_unit_test(altered_bytes_take_nothing_down),
        cmocka_unit_test(it_is_one_frame_and_nothing_else),
        cmocka_unit_test(a_large_window_is_refused),
        cmocka_unit_test(bombs_are_refused),
        cmocka_unit_test(what_the_caller_says_ends_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
