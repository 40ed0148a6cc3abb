/* SPDX-License-Identifier: Apache-2.0 */
/* Reading a snapshot as it comes out of the decompressor, one block after the other, with
 * everything checked that docs/protocol.md promises. Nothing grows but the table of homes. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zstd.h>
#include <zstd_errors.h>

#include "list/leb128.h"
#include "list/snapshot.h"

#define ROWS GH_SNAPSHOT_BLOCK_ROWS
#define PLAIN_BYTES (2 * GH_SNAPSHOT_BLOCK_MAX_BYTES)

/* A block, in the file's order. people: their columns are kept until their further homes are
 * known. */
struct people {
    size_t count;
    gh_id id[ROWS];
    uint32_t home[ROWS]; /* its number; 0: none */
    uint8_t colour[ROWS];
};

struct reader {
    gh_snapshot_fn *each;
    void *context;
    struct gh_error *err;
    int fd;
    ZSTD_DCtx *zstd;
    ZSTD_inBuffer in;
    bool ended; /* the frame */
    uint8_t compressed[1 << 17];
    uint8_t plain[PLAIN_BYTES]; /* from..to: what is not read yet */
    size_t from, to;

    struct gh_cbor_reader cbor; /* over the block */
    enum gh_record_kind kind;   /* of the block before */
    uint64_t blocks;
    gh_id last; /* row of this kind */
    uint8_t last_hash[GH_REVOCATION_BYTES];
    uint8_t last_key[GH_DELTA_RECORD_MAX_BYTES];
    size_t last_key_bytes;
    uint64_t counts[GH_RECORD_KINDS];

    gh_id *homes;
    size_t home_capacity;
    struct people people;
};

static enum gh_status fail(struct reader *reader, const char *what)
{
    return gh_fail(reader->err, GH_ERR_CORRUPT, "block %llu of the snapshot %s",
                   (unsigned long long)reader->blocks + 1, what);
}

/* --- bytes in --------------------------------------------------------------------------------- */

/* *size 0: the file ends here. */
static enum gh_status read_in(struct reader *reader, size_t *size)
{
    ssize_t got;
    do {
        got = read(reader->fd, reader->compressed, sizeof(reader->compressed));
    } while (got < 0 && errno == EINTR);
    if (got < 0)
        return gh_fail(reader->err, GH_ERR_IO, "cannot read the snapshot: %m");
    *size = (size_t)got;
    reader->in = (ZSTD_inBuffer){.src = reader->compressed, .size = *size};
    return GH_OK;
}

/* The frame has ended, and so must the file. */
static enum gh_status check_end(struct reader *reader)
{
    size_t size = 0;
    enum gh_status status = GH_OK;
    reader->ended = true;
    if (reader->in.pos == reader->in.size)
        status = read_in(reader, &size);
    if (status == GH_OK && reader->in.pos != reader->in.size)
        status = gh_fail(reader->err, GH_ERR_CORRUPT, "something follows the snapshot's frame");
    return status;
}

static enum gh_status decompress(struct reader *reader)
{
    size_t size = 0;
    if (reader->in.pos == reader->in.size) {
        enum gh_status status = read_in(reader, &size);
        if (status != GH_OK)
            return status;
        if (size == 0)
            return gh_fail(reader->err, GH_ERR_CORRUPT, "the snapshot's frame ends too early");
    }
    ZSTD_outBuffer out = {.dst = reader->plain, .size = PLAIN_BYTES, .pos = reader->to};
    size_t left = ZSTD_decompressStream(reader->zstd, &out, &reader->in);
    reader->to = out.pos;
    if (ZSTD_isError(left))
        return ZSTD_getErrorCode(left) == ZSTD_error_memory_allocation
                   ? gh_fail(reader->err, GH_ERR_NOMEM, "no memory to decompress the snapshot")
                   : gh_fail(reader->err, GH_ERR_CORRUPT, "the snapshot cannot be decompressed: %s",
                             ZSTD_getErrorName(left));
    return left == 0 ? check_end(reader) : GH_OK;
}

/* A whole block lies in `plain`, or all that is left. */
static enum gh_status fill(struct reader *reader)
{
    enum gh_status status = GH_OK;
    if (reader->to - reader->from >= GH_SNAPSHOT_BLOCK_MAX_BYTES)
        return GH_OK;
    memmove(reader->plain, reader->plain + reader->from, reader->to - reader->from);
    reader->to -= reader->from;
    reader->from = 0;
    while (status == GH_OK && !reader->ended && reader->to < PLAIN_BYTES)
        status = decompress(reader);
    return status;
}

/* Other formats of the same library, and frames to be skipped, are none. */
static enum gh_status check_magic(struct reader *reader)
{
    static const uint8_t magic[] = {0x28, 0xb5, 0x2f, 0xfd};
    size_t size = 0;
    enum gh_status status = read_in(reader, &size);
    if (status == GH_OK && (size < sizeof(magic) || memcmp(reader->compressed, magic, 4) != 0))
        status = gh_fail(reader->err, GH_ERR_CORRUPT, "the snapshot is no Zstandard frame");
    return status;
}

/* --- columns ---------------------------------------------------------------------------------- */

/* Identifiers and numbers: what is behind the one before. */
static bool next_id(struct reader *reader, struct gh_bytes *ids)
{
    uint64_t step;
    if (!gh_leb128_get(ids, &step) || step == 0 || step > UINT64_MAX - reader->last)
        return false;
    reader->last += step;
    return true;
}

static bool next_home(struct reader *reader, struct gh_bytes *numbers, uint32_t *number)
{
    uint64_t value;
    if (!gh_leb128_get(numbers, &value) || value > reader->counts[GH_RECORD_HOME])
        return false;
    *number = (uint32_t)value;
    return true;
}

static struct gh_bytes column(struct reader *reader)
{
    return gh_cbor_bytes(&reader->cbor);
}

/* A column of so many bytes for each row; NULL when it is none. */
static const uint8_t *fixed_column(struct reader *reader, size_t rows, size_t row_bytes)
{
    struct gh_bytes bytes = column(reader);
    return bytes.size == rows * row_bytes ? bytes.data : NULL;
}

/* --- rows ------------------------------------------------------------------------------------- */

static enum gh_status add_home(struct reader *reader, gh_id home)
{
    size_t count = reader->counts[GH_RECORD_HOME];
    if (count == reader->home_capacity) {
        size_t capacity = count > 0 ? 2 * count : 1024;
        gh_id *more = realloc(reader->homes, capacity * sizeof(*more));
        if (more == NULL)
            return gh_fail(reader->err, GH_ERR_NOMEM, "no memory for the table of homes");
        reader->homes = more;
        reader->home_capacity = capacity;
    }
    reader->homes[count] = home;
    reader->counts[GH_RECORD_HOME]++;
    return GH_OK;
}

static enum gh_status read_homes(struct reader *reader, size_t rows)
{
    struct gh_bytes ids = column(reader);
    struct gh_record record = {.kind = GH_RECORD_HOME};
    enum gh_status status = GH_OK;
    for (size_t i = 0; i < rows && status == GH_OK; i++) {
        if (!next_id(reader, &ids))
            return fail(reader, "has homes out of order");
        record.id = reader->last;
        status = add_home(reader, record.id);
        if (status == GH_OK)
            status = reader->each(reader->context, &record);
    }
    return status == GH_OK && ids.size != 0 ? fail(reader, "says too much") : status;
}

static enum gh_status keep_people(struct reader *reader, size_t rows)
{
    struct people *people = &reader->people;
    struct gh_bytes ids = column(reader);
    const uint8_t *colours = fixed_column(reader, rows, 1);
    struct gh_bytes numbers = column(reader);
    if (colours == NULL)
        return fail(reader, "has a column of another size");
    for (size_t i = 0; i < rows; i++) {
        if (!next_id(reader, &ids))
            return fail(reader, "has people out of order");
        if (colours[i] < GH_COLOUR_GREEN || colours[i] > GH_COLOUR_RED)
            return fail(reader, "has a person without a colour");
        if (!next_home(reader, &numbers, &people->home[i]))
            return fail(reader, "has a person in a home that is none");
        people->id[i] = reader->last;
        people->colour[i] = colours[i];
    }
    people->count = rows;
    reader->counts[GH_RECORD_SUBJECT] += rows;
    return ids.size != 0 || numbers.size != 0 ? fail(reader, "says too much") : GH_OK;
}

/* Further homes, in two columns: taken off as their people's turn comes. */
struct further {
    size_t left;
    uint64_t row; /* of the next one */
    struct gh_bytes rows, homes;
};

static bool next_row(struct further *further)
{
    uint64_t step = 0;
    if (further->left == 0)
        return true;
    if (!gh_leb128_get(&further->rows, &step) || step >= ROWS)
        return false;
    further->row += step;
    return true;
}

static bool add_further(struct reader *reader, struct further *further, uint32_t *last,
                        gh_id homes[GH_LIST_HOMES_MAX], size_t *count)
{
    uint32_t number;
    if (*last == 0 || *count == GH_LIST_HOMES_MAX || !next_home(reader, &further->homes, &number) ||
        number <= *last)
        return false;
    homes[(*count)++] = reader->homes[number - 1];
    *last = number;
    further->left--;
    return next_row(further);
}

/* All that were kept, with their further homes. */
static enum gh_status give_people(struct reader *reader, struct further *further)
{
    const struct people *people = &reader->people;
    gh_id homes[GH_LIST_HOMES_MAX];
    struct gh_record record = {.kind = GH_RECORD_SUBJECT, .homes = homes};
    enum gh_status status = GH_OK;
    for (size_t i = 0; i < people->count && status == GH_OK; i++) {
        uint32_t last = people->home[i];
        record.id = people->id[i];
        record.colour = (enum gh_colour)people->colour[i];
        record.home_count = last != 0 ? 1 : 0;
        homes[0] = last != 0 ? reader->homes[last - 1] : 0;
        while (further->left > 0 && further->row == i)
            if (!add_further(reader, further, &last, homes, &record.home_count))
                return fail(reader, "has further homes that are none");
        status = reader->each(reader->context, &record);
    }
    reader->people.count = 0;
    return status;
}

static enum gh_status read_further(struct reader *reader, size_t rows)
{
    struct further further = {.left = rows};
    further.rows = column(reader);
    further.homes = column(reader);
    reader->counts[GH_RECORD_FURTHER] += rows;
    if (!next_row(&further))
        return fail(reader, "has further homes that are none");
    enum gh_status status = give_people(reader, &further);
    return status == GH_OK && (further.left | further.rows.size | further.homes.size) != 0
               ? fail(reader, "has further homes that are none")
               : status;
}

/* Revoked credentials, recalled people and holders: identifiers, and 8 bytes for each row of the
 * latter two. */
static enum gh_status read_ids(struct reader *reader, enum gh_record_kind kind, size_t rows)
{
    struct gh_bytes ids = column(reader);
    const bool alone = kind == GH_RECORD_REVOKED;
    const uint8_t *seconds = alone ? NULL : fixed_column(reader, rows, 8);
    struct gh_record record = {.kind = kind};
    enum gh_status status = GH_OK;
    if (!alone && seconds == NULL)
        return fail(reader, "has a column of another size");
    for (size_t i = 0; i < rows && status == GH_OK; i++) {
        uint64_t second = alone ? 1 : gh_le64(seconds + 8 * i);
        if (!next_id(reader, &ids) || (kind == GH_RECORD_HOLDER && second == 0))
            return fail(reader, "has rows out of order, or of nobody");
        record.id = reader->last;
        record.before_s = (int64_t)second;
        record.subject = second;
        status = reader->each(reader->context, &record);
    }
    reader->counts[kind] += rows;
    return status == GH_OK && ids.size != 0 ? fail(reader, "says too much") : status;
}

static enum gh_status read_hashes(struct reader *reader, size_t rows)
{
    const uint8_t *hashes = fixed_column(reader, rows, GH_REVOCATION_BYTES);
    const uint8_t *times = fixed_column(reader, rows, 8);
    struct gh_record record = {.kind = GH_RECORD_HASH};
    enum gh_status status = GH_OK;
    if (hashes == NULL || times == NULL)
        return fail(reader, "has a column of another size");
    for (size_t i = 0; i < rows && status == GH_OK; i++) {
        const uint8_t *hash = hashes + i * GH_REVOCATION_BYTES;
        if (reader->counts[GH_RECORD_HASH] > 0 &&
            memcmp(hash, reader->last_hash, GH_REVOCATION_BYTES) <= 0)
            return fail(reader, "has hashes out of order");
        memcpy(reader->last_hash, hash, GH_REVOCATION_BYTES);
        reader->counts[GH_RECORD_HASH]++;
        record.hash = (struct gh_bytes){hash, GH_REVOCATION_BYTES};
        record.before_s = (int64_t)gh_le64(times + 8 * i);
        status = reader->each(reader->context, &record);
    }
    return status;
}

/* A key is a record of its own, as in a delta. */
static enum gh_status read_key(struct reader *reader)
{
    struct gh_record record, before;
    reader->cbor = gh_cbor_reader_over(reader->cbor.input);
    if (!gh_record_read(&reader->cbor, NULL, &record) || record.drop ||
        record.item.size > sizeof(reader->last_key))
        return fail(reader, "has an issuer's key that is not valid");
    struct gh_cbor_reader last =
        gh_cbor_reader_over((struct gh_bytes){reader->last_key, reader->last_key_bytes});
    if (reader->last_key_bytes > 0 &&
        (!gh_record_read(&last, NULL, &before) || gh_record_compare(&record, &before) <= 0))
        return fail(reader, "has an issuer's key out of order");
    memcpy(reader->last_key, record.item.data, record.item.size);
    reader->last_key_bytes = record.item.size;
    reader->counts[GH_RECORD_KEY]++;
    return reader->each(reader->context, &record);
}

/* --- blocks ----------------------------------------------------------------------------------- */

static const uint64_t most[GH_RECORD_KINDS] = {
    [GH_RECORD_HOME] = GH_SNAPSHOT_HOMES_MAX,    [GH_RECORD_SUBJECT] = GH_SNAPSHOT_ROWS_MAX,
    [GH_RECORD_FURTHER] = GH_SNAPSHOT_ROWS_MAX,  [GH_RECORD_REVOKED] = GH_SNAPSHOT_ROWS_MAX,
    [GH_RECORD_RECALLED] = GH_SNAPSHOT_ROWS_MAX, [GH_RECORD_HASH] = GH_SNAPSHOT_ROWS_MAX,
    [GH_RECORD_HOLDER] = GH_SNAPSHOT_ROWS_MAX,   [GH_RECORD_KEY] = GH_TRUST_KEYS_MAX,
};

static enum gh_status read_rows(struct reader *reader, enum gh_record_kind kind, size_t items)
{
    static const size_t columns[GH_RECORD_KINDS] = {
        [GH_RECORD_SUBJECT] = 3, [GH_RECORD_HOME] = 1,     [GH_RECORD_FURTHER] = 2,
        [GH_RECORD_REVOKED] = 1, [GH_RECORD_RECALLED] = 2, [GH_RECORD_HASH] = 2,
        [GH_RECORD_HOLDER] = 2};
    uint64_t rows = gh_cbor_uint(&reader->cbor);
    if (reader->cbor.status != GH_OK || items != 2 + columns[kind] || rows == 0 || rows > ROWS)
        return fail(reader, "has a head that is none");
    if (rows > most[kind] - reader->counts[kind])
        return fail(reader, "is one too many of its kind");
    switch (kind) {
    case GH_RECORD_HOME:
        return read_homes(reader, rows);
    case GH_RECORD_SUBJECT:
        return keep_people(reader, rows);
    case GH_RECORD_FURTHER:
        return read_further(reader, rows);
    case GH_RECORD_HASH:
        return read_hashes(reader, rows);
    default:
        return read_ids(reader, kind, rows);
    }
}

static enum gh_status read_last_block(struct reader *reader, size_t items)
{
    static const enum gh_record_kind order[] = {GH_SNAPSHOT_COUNTS};
    bool good =
        items == 2 + GH_ARRAY_SIZE(order) && gh_cbor_uint(&reader->cbor) == GH_SNAPSHOT_VERSION;
    for (size_t i = 0; i < GH_ARRAY_SIZE(order) && good; i++)
        good = gh_cbor_uint(&reader->cbor) == reader->counts[order[i]];
    if (!good || reader->cbor.status != GH_OK)
        return fail(reader, "is the last, but of another version or another number of rows");
    return reader->from + reader->cbor.offset == reader->to
               ? GH_OK
               : fail(reader, "is followed by something");
}

/* Kinds come in their order; further homes directly behind people. */
static bool may_follow(const struct reader *reader, uint64_t kind)
{
    if (kind >= GH_RECORD_KINDS)
        return false;
    if (kind == GH_RECORD_FURTHER)
        return reader->people.count > 0;
    return gh_record_rank((enum gh_record_kind)kind) >= gh_record_rank(reader->kind);
}

/* Reads one block; its kind is then reader->kind. */
static enum gh_status read_block(struct reader *reader)
{
    size_t left = reader->to - reader->from;
    reader->cbor = gh_cbor_reader_over(
        (struct gh_bytes){reader->plain + reader->from,
                          left < GH_SNAPSHOT_BLOCK_MAX_BYTES ? left : GH_SNAPSHOT_BLOCK_MAX_BYTES});
    size_t items = gh_cbor_array(&reader->cbor);
    uint64_t number = gh_cbor_uint(&reader->cbor);
    if (reader->cbor.status != GH_OK || !may_follow(reader, number))
        return fail(reader, "is none, or out of order");
    enum gh_record_kind kind = (enum gh_record_kind)number;
    enum gh_status status = GH_OK;
    if (kind != GH_RECORD_FURTHER)
        status = give_people(reader, &(struct further){0});
    if (status != GH_OK)
        return status;
    if (kind != GH_RECORD_FURTHER && kind != reader->kind)
        reader->last = 0;
    status = kind == GH_RECORD_END   ? read_last_block(reader, items)
             : kind == GH_RECORD_KEY ? read_key(reader)
                                     : read_rows(reader, kind, items);
    if (status == GH_OK && reader->cbor.status != GH_OK)
        status = fail(reader, "ends too early");
    reader->from += reader->cbor.offset;
    reader->kind = kind == GH_RECORD_FURTHER ? GH_RECORD_SUBJECT : kind;
    reader->blocks++;
    return status;
}

static enum gh_status read_blocks(struct reader *reader, const atomic_bool *cancel)
{
    enum gh_status status = check_magic(reader);
    bool last = false;
    while (status == GH_OK && !last) {
        if (cancel != NULL && atomic_load(cancel))
            return gh_fail(reader->err, GH_ERR_AGAIN, "the list was not read to its end");
        status = fill(reader);
        if (status == GH_OK)
            status = read_block(reader);
        last = reader->kind == GH_RECORD_END;
    }
    return status;
}

enum gh_status gh_snapshot_read(int fd, gh_snapshot_fn *each, void *context,
                                const atomic_bool *cancel, struct gh_error *err)
{
    enum gh_status status = GH_ERR_NOMEM;
    struct reader *reader = calloc(1, sizeof(*reader));
    ZSTD_DCtx *zstd = ZSTD_createDCtx();
    if (reader != NULL && zstd != NULL &&
        !ZSTD_isError(ZSTD_DCtx_setParameter(zstd, ZSTD_d_windowLogMax, GH_SNAPSHOT_WINDOW_LOG))) {
        reader->each = each;
        reader->context = context;
        reader->err = err;
        reader->fd = fd;
        reader->zstd = zstd;
        reader->kind = GH_RECORD_HOME;
        status = read_blocks(reader, cancel);
        free(reader->homes);
    } else {
        gh_fail(err, status, "no memory to read the snapshot");
    }
    ZSTD_freeDCtx(zstd);
    free(reader);
    return status;
}
