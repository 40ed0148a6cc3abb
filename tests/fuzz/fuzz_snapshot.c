/* SPDX-License-Identifier: Apache-2.0 */
/* Lists. First byte: `0` a snapshot's file as it is; `1` its blocks, to be compressed; `2` a
 * delta's records. */
#include <sys/mman.h>
#include <unistd.h>

#include "fuzz.h"
#include "gatehouse/compress.h"
#include "list/snapshot.h"

/* What must hold of each row: everybody is somebody, and lives where approved homes are. */
struct rows {
    gh_id last[GH_RECORD_KINDS];
    uint64_t homes;
};

static void check_homes(const struct gh_record *record)
{
    fuzz_require(record->home_count <= GH_LIST_HOMES_MAX);
    for (size_t i = 0; i < record->home_count; i++)
        fuzz_require(record->homes[i] > (i > 0 ? record->homes[i - 1] : 0));
}

static void check(const struct gh_record *record)
{
    bool named = record->kind != GH_RECORD_HASH && record->kind != GH_RECORD_KEY;
    fuzz_require(record->kind > GH_RECORD_END && record->kind < GH_RECORD_KINDS &&
                 record->kind != GH_RECORD_FURTHER);
    fuzz_require(!named || record->id != 0);
    if (record->drop)
        return;
    if (record->kind == GH_RECORD_SUBJECT) {
        fuzz_require(record->colour >= GH_COLOUR_GREEN && record->colour <= GH_COLOUR_RED);
        check_homes(record);
    }
    fuzz_require(record->kind != GH_RECORD_HOLDER || record->subject != 0);
    fuzz_require(record->kind != GH_RECORD_HASH || record->hash.size == GH_REVOCATION_BYTES);
    if (record->kind == GH_RECORD_KEY) {
        struct gh_issuer_key key;
        gh_record_key(record, &key);
        fuzz_require(key.raw_bytes <= sizeof(key.raw) &&
                     memchr(key.issuer, 0, sizeof(key.issuer)) != NULL);
    }
}

static enum gh_status see(void *context, const struct gh_record *record)
{
    struct rows *rows = context;
    check(record);
    fuzz_require(!record->drop);
    rows->homes += record->kind == GH_RECORD_HOME;
    fuzz_require(record->home_count <= rows->homes);
    if (record->kind != GH_RECORD_HASH && record->kind != GH_RECORD_KEY) {
        fuzz_require(record->id > rows->last[record->kind]);
        rows->last[record->kind] = record->id;
    }
    return GH_OK;
}

static void read_file(struct gh_bytes file)
{
    static int fd = -1;
    struct rows rows = {0};
    struct gh_error err = {0};
    if (fd < 0)
        fd = memfd_create("snapshot", MFD_CLOEXEC);
    fuzz_require(ftruncate(fd, 0) == 0 && pwrite(fd, file.data, file.size, 0) >= 0 &&
                 lseek(fd, 0, SEEK_SET) == 0);
    enum gh_status status = gh_snapshot_read(fd, see, &rows, NULL, &err);
    fuzz_require(status == GH_OK || status == GH_ERR_CORRUPT);
    fuzz_require(err.status == status);
}

static void read_blocks(struct gh_bytes blocks)
{
    uint8_t *frame;
    size_t size;
    if (gh_zstd_compress(blocks, &frame, &size) == GH_OK)
        read_file((struct gh_bytes){frame, size});
    free(frame);
}

static void read_records(struct gh_bytes records)
{
    struct gh_cbor_reader cbor = gh_cbor_reader_over(records);
    gh_id homes[GH_LIST_HOMES_MAX], last_homes[GH_LIST_HOMES_MAX];
    struct gh_record record, last;
    size_t last_start = 0;
    for (size_t count = 0; cbor.offset < records.size; count++) {
        size_t start = cbor.offset;
        if (!gh_record_read(&cbor, homes, &record))
            return;
        check(&record);
        if (count > 0) { /* an order has two directions */
            struct gh_cbor_reader again = gh_cbor_reader_over(
                (struct gh_bytes){records.data + last_start, records.size - last_start});
            fuzz_require(gh_record_read(&again, last_homes, &last));
            int order = gh_record_compare(&last, &record);
            int other = gh_record_compare(&record, &last);
            fuzz_require((order > 0) == (other < 0) && (order == 0) == (other == 0));
        }
        last_start = start;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    struct gh_bytes rest = {data + 1, size - 1};
    switch (data[0]) {
    case '0':
        read_file(rest);
        break;
    case '1':
        read_blocks(rest);
        break;
    case '2':
        read_records(rest);
        break;
    default:
        break;
    }
    return 0;
}
