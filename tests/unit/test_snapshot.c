/* SPDX-License-Identifier: Apache-2.0 */
/* Snapshots as they are written: how they come back, and what the writer refuses. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <zstd.h>

#include "snapshot_fixture.h"

#define HIGH (UINT64_C(1) << 63)

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
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
