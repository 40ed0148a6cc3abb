/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <zstd.h>

#include "gatehouse/compress.h"
#include "list/snapshot.h"

#define HIGH (UINT64_C(1) << 63)

/* --- what was read, as text --- */

struct seen {
    char text[4096];
    size_t size;
    uint64_t rows, further;
    enum gh_status status; /* of every row */
};

static void say(struct seen *seen, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void say(struct seen *seen, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int size =
        vsnprintf(seen->text + seen->size, sizeof(seen->text) - seen->size, format, arguments);
    va_end(arguments);
    seen->size += seen->size + (size_t)size < sizeof(seen->text) ? (size_t)size : 0;
}

static enum gh_status see(void *context, const struct gh_record *record)
{
    struct seen *seen = context;
    seen->rows++;
    seen->further += record->home_count > 0 ? record->home_count - 1 : 0;
    say(seen, "%d %llx", (int)record->kind, (unsigned long long)record->id);
    switch (record->kind) {
    case GH_RECORD_SUBJECT:
        say(seen, " %s", gh_colour_name(record->colour));
        for (size_t i = 0; i < record->home_count; i++)
            say(seen, " %llx", (unsigned long long)record->homes[i]);
        break;
    case GH_RECORD_RECALLED:
        say(seen, " %lld", (long long)record->before_s);
        break;
    case GH_RECORD_HASH:
        say(seen, " %02x%02x %lld", record->hash.data[0], record->hash.data[15],
            (long long)record->before_s);
        break;
    case GH_RECORD_HOLDER:
        say(seen, " %llx", (unsigned long long)record->subject);
        break;
    case GH_RECORD_KEY:
        say(seen, " %d %.*s", (int)record->key.purpose, (int)record->key.issuer.size,
            (const char *)record->key.issuer.data);
        break;
    default:
        break;
    }
    say(seen, "\n");
    return seen->status;
}

static int file_of(struct gh_bytes bytes)
{
    int fd = memfd_create("snapshot", MFD_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes.data, bytes.size), (ssize_t)bytes.size);
    assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
    return fd;
}

static enum gh_status read_file(struct gh_bytes bytes, struct seen *seen, struct gh_error *err)
{
    int fd = file_of(bytes);
    *seen = (struct seen){0};
    *err = (struct gh_error){0};
    enum gh_status status = gh_snapshot_read(fd, see, seen, NULL, err);
    assert_int_equal(err->status, status); /* the sentence belongs to the status */
    close(fd);
    return status;
}

static enum gh_status read_blocks(struct gh_bytes blocks, struct seen *seen, struct gh_error *err)
{
    struct gh_bytes frame = {0};
    uint8_t *data;
    assert_int_equal(gh_zstd_compress(blocks, &data, &frame.size), GH_OK);
    frame.data = data;
    enum gh_status status = read_file(frame, seen, err);
    free(data);
    return status;
}

static enum gh_status read_hex(const char *hex, struct seen *seen, struct gh_error *err)
{
    size_t size = strlen(hex) / 2;
    uint8_t *data = malloc(size + 1);
    assert_non_null(data);
    assert_int_equal(gh_hex_decode(hex, strlen(hex), data, size), GH_OK);
    enum gh_status status = read_blocks((struct gh_bytes){data, size}, seen, err);
    free(data);
    return status;
}

/* --- writing --- */

struct written {
    int fd;
    struct gh_snapshot_writer *writer;
    uint8_t sha256[GH_SHA256_BYTES];
    uint64_t bytes;
    struct gh_bytes file; /* mapped */
};

static void start(struct written *written)
{
    *written = (struct written){.fd = memfd_create("snapshot", MFD_CLOEXEC)};
    assert_true(written->fd >= 0);
    assert_int_equal(gh_snapshot_writer_new(written->fd, &written->writer), GH_OK);
}

static enum gh_status finish(struct written *written)
{
    enum gh_status status =
        gh_snapshot_writer_finish(written->writer, written->sha256, &written->bytes);
    gh_snapshot_writer_free(written->writer);
    off_t size = lseek(written->fd, 0, SEEK_END);
    written->file.size = (size_t)size;
    if (status == GH_OK) {
        uint8_t hash[GH_SHA256_BYTES];
        written->file.data = mmap(NULL, (size_t)size, PROT_READ, MAP_SHARED, written->fd, 0);
        assert_true(written->file.data != MAP_FAILED);
        assert_int_equal(written->bytes, size);
        gh_sha256(written->file, hash);
        assert_memory_equal(written->sha256, hash, sizeof(hash));
    } else {
        assert_int_equal(written->bytes, 0);
    }
    return status;
}

static void drop(struct written *written)
{
    if (written->file.data != NULL)
        munmap((void *)(uintptr_t)written->file.data, written->file.size);
    close(written->fd);
}

static struct gh_issuer_key key_of(enum gh_kind kind, const char *issuer)
{
    struct gh_issuer_key key = {.type = GH_KEY_P256,
                                .raw = {1, 2},
                                .raw_bytes = 2,
                                .purposes = GH_PURPOSE(kind),
                                .groups = kind == GH_KIND_HCERT ? GH_GROUP(GH_FACT_TEST) : 0,
                                .not_before_s = 5,
                                .not_after_s = 6};
    snprintf(key.issuer, sizeof(key.issuer), "%s", issuer);
    return key;
}

static const uint8_t hash_1[GH_REVOCATION_BYTES] = {1}, hash_2[GH_REVOCATION_BYTES] = {1, [15] = 7};

static void write_all_kinds(struct gh_snapshot_writer *writer)
{
    const struct gh_issuer_key hcert = key_of(GH_KIND_HCERT, ""), shc = key_of(GH_KIND_SHC, "i");
    gh_snapshot_writer_home(writer, 5);
    gh_snapshot_writer_home(writer, 300);
    gh_snapshot_writer_home(writer, HIGH + 6);
    gh_snapshot_writer_subject(writer, 1, GH_COLOUR_GREEN, (gh_id[]){300}, 1);
    gh_snapshot_writer_subject(writer, 2, GH_COLOUR_YELLOW, NULL, 0);
    gh_snapshot_writer_subject(writer, 130, GH_COLOUR_RED, (gh_id[]){5, 300, HIGH + 6}, 3);
    gh_snapshot_writer_subject(writer, UINT64_MAX, GH_COLOUR_GREEN, (gh_id[]){5, HIGH + 6}, 2);
    gh_snapshot_writer_revoked(writer, 90);
    gh_snapshot_writer_revoked(writer, HIGH + 91);
    gh_snapshot_writer_recalled(writer, 1, -2);
    gh_snapshot_writer_recalled(writer, 3, 1583046000);
    gh_snapshot_writer_hash(writer, hash_1, INT64_MAX);
    gh_snapshot_writer_hash(writer, hash_2, 0);
    gh_snapshot_writer_holder(writer, 7, HIGH + 1);
    gh_snapshot_writer_holder(writer, 8, 1);
    gh_snapshot_writer_key(writer, &hcert);
    gh_snapshot_writer_key(writer, &shc);
}

/* The same, block by block, as docs/protocol.md says: another program can read it. */
#define ZEROS_8 "0000000000000000"
static const char all_kinds[] = "830203"
                                "4c05a702dafdffffffffffff7f"
                                "850104"
                                "4e01018001fdfeffffffffffffff01"
                                "4401020301"
                                "4402000101"
                                "840303"
                                "43020001"
                                "43020303"
                                "830402"
                                "4b5a81808080808080808001"
                                "840502"
                                "420102"
                                "50feffffffffffffff705d5b5e00000000"
                                "840602"
                                "582001000000000000000000000000000000"
                                "01000000000000000000000000000007"
                                "50ffffffffffffff7f" ZEROS_8 "840702"
                                "420701"
                                "5001000000000000800100000000000000"
                                "8a08062648" ZEROS_8 "420102040506f460"
                                "8a08072648" ZEROS_8 "420102000506f46169"
                                "8a00020304030202020202";

static void comes_back_as_written(void **state)
{
    (void)state;
    struct written written;
    struct seen seen;
    struct gh_error err;
    start(&written);
    write_all_kinds(written.writer);
    assert_int_equal(finish(&written), GH_OK);
    if (read_file(written.file, &seen, &err) != GH_OK)
        fail_msg("%s", err.text);
    assert_string_equal(seen.text, "2 5\n"
                                   "2 12c\n"
                                   "2 8000000000000006\n"
                                   "1 1 green 12c\n"
                                   "1 2 yellow\n"
                                   "1 82 red 5 12c 8000000000000006\n"
                                   "1 ffffffffffffffff green 5 8000000000000006\n"
                                   "4 5a\n"
                                   "4 800000000000005b\n"
                                   "5 1 -2\n"
                                   "5 3 1583046000\n"
                                   "6 0 0100 9223372036854775807\n"
                                   "6 0 0107 0\n"
                                   "7 7 8000000000000001\n"
                                   "7 8 1\n"
                                   "8 0 6 \n"
                                   "8 0 7 i\n");
    drop(&written);
}

static void the_bytes_are_those_of_the_protocol(void **state)
{
    (void)state;
    struct written written;
    struct seen seen;
    struct gh_error err;
    uint8_t plain[1024];
    char hex[2 * sizeof(plain) + 1];
    start(&written);
    write_all_kinds(written.writer);
    assert_int_equal(finish(&written), GH_OK);
    ZSTD_DCtx *zstd = ZSTD_createDCtx(); /* the frame does not say how large its content is */
    ZSTD_inBuffer in = {.src = written.file.data, .size = written.file.size};
    ZSTD_outBuffer out = {.dst = plain, .size = sizeof(plain)};
    assert_int_equal(ZSTD_decompressStream(zstd, &out, &in), 0);
    assert_int_equal(in.pos, in.size);
    ZSTD_freeDCtx(zstd);
    gh_hex_encode(plain, out.pos, hex);
    assert_string_equal(hex, all_kinds);
    drop(&written);
    if (read_hex(all_kinds, &seen, &err) != GH_OK)
        fail_msg("%s", err.text);
    assert_int_equal(seen.rows, 17);
}

static void an_empty_list_is_one(void **state)
{
    (void)state;
    struct written written;
    struct seen seen;
    struct gh_error err;
    start(&written);
    assert_int_equal(finish(&written), GH_OK);
    assert_int_equal(read_file(written.file, &seen, &err), GH_OK);
    assert_int_equal(seen.rows, 0);
    drop(&written);
    assert_int_equal(read_hex("8a00020000000000000000", &seen, &err), GH_OK);
}

/* More than a block of each, and people whose further homes fill blocks of their own. */
static void many_rows_come_back(void **state)
{
    (void)state;
    struct written written;
    struct seen seen;
    struct gh_error err;
    gh_id homes[GH_LIST_HOMES_MAX];
    uint8_t hash[GH_REVOCATION_BYTES] = {0};
    start(&written);
    for (gh_id i = 1; i <= 9000; i++)
        gh_snapshot_writer_home(written.writer, i << 40);
    for (gh_id i = 1; i <= 9000; i++) {
        size_t count = i % 2 == 0 && i < 1000 ? GH_LIST_HOMES_MAX : i % 3;
        for (size_t k = 0; k < count; k++)
            homes[k] = (i % 100 + 1 + 100 * k) << 40;
        gh_snapshot_writer_subject(written.writer, i << 41, GH_COLOUR_GREEN, homes, count);
    }
    for (gh_id i = 1; i <= 9000; i++)
        gh_snapshot_writer_revoked(written.writer, i);
    for (gh_id i = 1; i <= 9000; i++)
        gh_snapshot_writer_recalled(written.writer, i, INT64_MIN);
    for (unsigned i = 0; i < 9000; i++) {
        hash[0] = (uint8_t)(i >> 8);
        hash[15] = (uint8_t)i;
        gh_snapshot_writer_hash(written.writer, hash, INT64_MAX);
    }
    for (gh_id i = 1; i <= 9000; i++)
        gh_snapshot_writer_holder(written.writer, i, UINT64_MAX);
    assert_int_equal(finish(&written), GH_OK);
    if (read_file(written.file, &seen, &err) != GH_OK)
        fail_msg("%s", err.text);
    assert_int_equal(seen.rows, 6 * 9000);
    assert_int_equal(seen.further, 499 * 63 + 2833);
    drop(&written);
}

/* --- what the writer refuses --- */

static void put_wrong(struct gh_snapshot_writer *writer, int which)
{
    struct gh_issuer_key hcert = key_of(GH_KIND_HCERT, "a"), other = hcert;
    gh_id homes[GH_LIST_HOMES_MAX + 1];
    gh_snapshot_writer_home(writer, 5);
    gh_snapshot_writer_home(writer, 6);
    gh_snapshot_writer_subject(writer, 3, GH_COLOUR_GREEN, (gh_id[]){5, 6}, 2);
    switch (which) {
    case 0: /* back to homes */
        gh_snapshot_writer_home(writer, 7);
        break;
    case 1: /* twice */
        gh_snapshot_writer_subject(writer, 3, GH_COLOUR_RED, NULL, 0);
        break;
    case 2: /* backwards */
        gh_snapshot_writer_subject(writer, 2, GH_COLOUR_RED, NULL, 0);
        break;
    case 3: /* no colour */
        gh_snapshot_writer_subject(writer, 4, GH_COLOUR_NONE, NULL, 0);
        break;
    case 4: /* a home that was not put */
        gh_snapshot_writer_subject(writer, 4, GH_COLOUR_RED, (gh_id[]){5, 7}, 2);
        break;
    case 5: /* homes backwards */
        gh_snapshot_writer_subject(writer, 4, GH_COLOUR_RED, (gh_id[]){6, 5}, 2);
        break;
    case 6: /* a home twice */
        gh_snapshot_writer_subject(writer, 4, GH_COLOUR_RED, (gh_id[]){5, 5}, 2);
        break;
    case 7: /* too many */
        for (size_t i = 0; i <= GH_LIST_HOMES_MAX; i++)
            homes[i] = 5 + i;
        gh_snapshot_writer_subject(writer, 4, GH_COLOUR_RED, homes, GH_LIST_HOMES_MAX + 1);
        break;
    case 8: /* nobody */
        gh_snapshot_writer_revoked(writer, 0);
        break;
    case 9:
        gh_snapshot_writer_holder(writer, 1, 0);
        break;
    case 10:
        gh_snapshot_writer_hash(writer, hash_2, 0);
        gh_snapshot_writer_hash(writer, hash_1, 0);
        break;
    case 11:
        gh_snapshot_writer_hash(writer, hash_1, 0);
        gh_snapshot_writer_hash(writer, hash_1, 1);
        break;
    case 12:
        gh_snapshot_writer_key(writer, &hcert);
        gh_snapshot_writer_key(writer, &hcert);
        break;
    case 13: /* by issuer backwards */
        hcert.issuer[0] = 'b';
        gh_snapshot_writer_key(writer, &hcert);
        gh_snapshot_writer_key(writer, &other);
        break;
    case 14: /* one of our own */
        hcert.purposes = GH_PURPOSE(GH_KIND_HEALTH);
        gh_snapshot_writer_key(writer, &hcert);
        break;
    case 15: /* a card's without an issuer */
        hcert = key_of(GH_KIND_SHC, "");
        gh_snapshot_writer_key(writer, &hcert);
        break;
    case 16:
        hcert.raw_bytes = GH_PUBLIC_KEY_MAX_BYTES + 1;
        gh_snapshot_writer_key(writer, &hcert);
        break;
    case 17:
        memset(hcert.issuer, 'i', sizeof(hcert.issuer));
        gh_snapshot_writer_key(writer, &hcert);
        break;
    case 18: /* after the keys, holders */
        gh_snapshot_writer_key(writer, &hcert);
        gh_snapshot_writer_holder(writer, 1, 2);
        break;
    }
}

static void disorder_is_not_written(void **state)
{
    (void)state;
    for (int i = 0; i <= 18; i++) {
        struct written written;
        start(&written);
        put_wrong(written.writer, i);
        gh_snapshot_writer_key(written.writer,
                               &(struct gh_issuer_key){0}); /* remembers the first */
        if (finish(&written) != GH_ERR_INVALID)
            fail_msg("case %d", i);
        drop(&written);
    }
    struct written written;
    start(&written);
    put_wrong(written.writer, 99); /* nothing is wrong */
    assert_int_equal(finish(&written), GH_OK);
    drop(&written);
}

static void a_full_disk_is_said_at_the_end(void **state)
{
    (void)state;
    struct gh_snapshot_writer *writer;
    uint8_t sha256[GH_SHA256_BYTES];
    uint64_t bytes;
    int fd = open("/dev/full", O_WRONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(gh_snapshot_writer_new(fd, &writer), GH_OK);
    for (gh_id i = 1; i < 100000; i++)
        gh_snapshot_writer_home(writer, i * UINT64_C(0x9e3779b97f4a));
    assert_int_equal(gh_snapshot_writer_finish(writer, sha256, &bytes), GH_ERR_NOSPACE);
    gh_snapshot_writer_free(writer);
    gh_snapshot_writer_free(NULL);
    close(fd);
}

static void it_is_finished_once(void **state)
{
    (void)state;
    struct gh_snapshot_writer *writer;
    uint8_t sha256[GH_SHA256_BYTES];
    uint64_t bytes;
    int fd = memfd_create("snapshot", MFD_CLOEXEC);
    assert_int_equal(gh_snapshot_writer_new(fd, &writer), GH_OK);
    assert_int_equal(gh_snapshot_writer_finish(writer, sha256, &bytes), GH_OK);
    assert_int_equal(gh_snapshot_writer_finish(writer, sha256, &bytes), GH_ERR_INVALID);
    gh_snapshot_writer_free(writer);
    close(fd);
}

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
        cmocka_unit_test(comes_back_as_written),
        cmocka_unit_test(the_bytes_are_those_of_the_protocol),
        cmocka_unit_test(an_empty_list_is_one),
        cmocka_unit_test(many_rows_come_back),
        cmocka_unit_test(disorder_is_not_written),
        cmocka_unit_test(a_full_disk_is_said_at_the_end),
        cmocka_unit_test(it_is_finished_once),
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
