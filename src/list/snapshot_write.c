/* SPDX-License-Identifier: Apache-2.0 */
/* Writing a snapshot, block by block. */
#include <stdlib.h>
#include <string.h>
#include <zstd.h>

#include "gatehouse/file.h"
#include "gatehouse/list.h"
#include "list/leb128.h"
#include "list/snapshot.h"

#define ROWS GH_SNAPSHOT_BLOCK_ROWS

struct column {
    uint8_t data[ROWS * GH_REVOCATION_BYTES];
    size_t size;
};

struct gh_snapshot_writer {
    int fd;
    enum gh_status status; /* the first error */
    bool finished;
    ZSTD_CCtx *zstd;
    struct gh_sha256_context *sha256;
    uint64_t bytes;
    uint8_t out[1 << 16];

    enum gh_record_kind kind; /* of the rows in hand; END before the first */
    uint64_t counts[GH_RECORD_KINDS];
    gh_id last; /* row of this kind, what it is ordered by: */
    uint8_t last_hash[GH_REVOCATION_BYTES];
    uint8_t last_key[GH_DELTA_RECORD_MAX_BYTES];
    size_t last_key_bytes;

    size_t rows, further; /* in hand */
    size_t last_row;      /* of a further home */
    struct column first, second, third;
    struct column further_rows, further_homes;
    uint8_t block[GH_SNAPSHOT_BLOCK_MAX_BYTES];

    gh_id *homes;
    size_t home_capacity;
};

static void fail(struct gh_snapshot_writer *writer, enum gh_status status)
{
    if (writer->status == GH_OK)
        writer->status = status;
}

/* --- bytes out -------------------------------------------------------------------------------- */

static void write_out(struct gh_snapshot_writer *writer, size_t size)
{
    gh_sha256_update(writer->sha256, writer->out, size);
    writer->bytes += size;
    enum gh_status status = gh_file_write(writer->fd, writer->out, size, NULL);
    if (status != GH_OK)
        fail(writer, status);
}

static void compress(struct gh_snapshot_writer *writer, const void *data, size_t size,
                     ZSTD_EndDirective directive)
{
    ZSTD_inBuffer in = {.src = data, .size = size};
    bool done = false;
    while (!done && writer->status == GH_OK) {
        ZSTD_outBuffer out = {.dst = writer->out, .size = sizeof(writer->out)};
        size_t left = ZSTD_compressStream2(writer->zstd, &out, &in, directive);
        if (ZSTD_isError(left)) { /* all is set as it has to be: only memory can be wanting */
            fail(writer, GH_ERR_NOMEM);
            return;
        }
        write_out(writer, out.pos);
        done = directive == ZSTD_e_end ? left == 0 : in.pos == in.size;
    }
}

/* --- blocks ----------------------------------------------------------------------------------- */

static void put_bytes(struct column *column, const void *data, size_t size)
{
    memcpy(column->data + column->size, data, size);
    column->size += size;
}

static void put_number(struct column *column, uint64_t value)
{
    column->size += gh_leb128_put(column->data + column->size, value);
}

static void put_le64(struct column *column, uint64_t value)
{
    gh_le64_put(column->data + column->size, value);
    column->size += 8;
}

/* [kind, rows, column, ...] */
static void write_block(struct gh_snapshot_writer *writer, enum gh_record_kind kind, size_t rows,
                        struct column *const *columns, size_t column_count)
{
    struct gh_writer block = gh_writer_over(writer->block, sizeof(writer->block));
    gh_cbor_put_array(&block, 2 + column_count);
    gh_cbor_put_uint(&block, kind);
    gh_cbor_put_uint(&block, rows);
    for (size_t i = 0; i < column_count; i++) {
        gh_cbor_put_bytes(&block, columns[i]->data, columns[i]->size);
        columns[i]->size = 0;
    }
    compress(writer, block.data, block.size, ZSTD_e_continue);
}

static size_t columns_of(enum gh_record_kind kind)
{
    switch (kind) {
    case GH_RECORD_SUBJECT:
        return 3;
    case GH_RECORD_HOME:
    case GH_RECORD_REVOKED:
        return 1;
    default:
        return 2;
    }
}

static void flush(struct gh_snapshot_writer *writer)
{
    struct column *const columns[] = {&writer->first, &writer->second, &writer->third};
    struct column *const further[] = {&writer->further_rows, &writer->further_homes};
    if (writer->rows > 0)
        write_block(writer, writer->kind, writer->rows, columns, columns_of(writer->kind));
    if (writer->further > 0)
        write_block(writer, GH_RECORD_FURTHER, writer->further, further, 2);
    writer->rows = writer->further = writer->last_row = 0;
}

/* --- rows ------------------------------------------------------------------------------------- */

/* Whether a row of this kind may come now, and has room. */
static bool begin(struct gh_snapshot_writer *writer, enum gh_record_kind kind)
{
    static const uint64_t most[GH_RECORD_KINDS] = {
        [GH_RECORD_HOME] = GH_SNAPSHOT_HOMES_MAX, [GH_RECORD_KEY] = GH_TRUST_KEYS_MAX};
    bool first = writer->kind == GH_RECORD_END;
    if (writer->status != GH_OK)
        return false;
    if (writer->finished || (!first && gh_record_rank(kind) < gh_record_rank(writer->kind)) ||
        writer->counts[kind] == (most[kind] != 0 ? most[kind] : GH_SNAPSHOT_ROWS_MAX)) {
        fail(writer, GH_ERR_INVALID);
        return false;
    }
    if (kind != writer->kind || writer->rows == ROWS)
        flush(writer);
    if (kind != writer->kind)
        writer->last = 0;
    writer->kind = kind;
    return writer->status == GH_OK;
}

static void count(struct gh_snapshot_writer *writer)
{
    writer->rows++;
    writer->counts[writer->kind]++;
}

static bool begin_id(struct gh_snapshot_writer *writer, enum gh_record_kind kind, gh_id id)
{
    if (!begin(writer, kind))
        return false;
    if (id <= writer->last) {
        fail(writer, GH_ERR_INVALID);
        return false;
    }
    put_number(&writer->first, id - writer->last);
    writer->last = id;
    count(writer);
    return true;
}

void gh_snapshot_writer_home(struct gh_snapshot_writer *writer, gh_id home)
{
    size_t number = writer->counts[GH_RECORD_HOME];
    if (number == writer->home_capacity) {
        size_t capacity = number > 0 ? 2 * number : 1024;
        gh_id *more = realloc(writer->homes, capacity * sizeof(*more));
        if (more == NULL) {
            fail(writer, GH_ERR_NOMEM);
            return;
        }
        writer->homes = more;
        writer->home_capacity = capacity;
    }
    if (begin_id(writer, GH_RECORD_HOME, home))
        writer->homes[number] = home;
}

/* From 1; 0: it is none of them. */
static size_t home_number(const struct gh_snapshot_writer *writer, gh_id home)
{
    size_t from = 0, to = writer->counts[GH_RECORD_HOME];
    while (from < to) {
        size_t middle = from + (to - from) / 2;
        if (writer->homes[middle] == home)
            return middle + 1;
        if (writer->homes[middle] < home)
            from = middle + 1;
        else
            to = middle;
    }
    return 0;
}

/* False unless they are ascending, and all put before. */
static bool number_homes(const struct gh_snapshot_writer *writer, const gh_id *homes, size_t count,
                         size_t numbers[GH_LIST_HOMES_MAX])
{
    for (size_t i = 0; i < count; i++) {
        numbers[i] = home_number(writer, homes[i]);
        if (numbers[i] <= (i > 0 ? numbers[i - 1] : 0))
            return false;
    }
    return true;
}

void gh_snapshot_writer_subject(struct gh_snapshot_writer *writer, gh_id subject,
                                enum gh_colour colour, const gh_id *homes, size_t home_count)
{
    size_t numbers[GH_LIST_HOMES_MAX] = {0};
    size_t further = home_count > 0 ? home_count - 1 : 0;
    if (colour < GH_COLOUR_GREEN || colour > GH_COLOUR_RED || home_count > GH_LIST_HOMES_MAX ||
        !number_homes(writer, homes, home_count, numbers) ||
        writer->counts[GH_RECORD_FURTHER] + further > GH_SNAPSHOT_ROWS_MAX) {
        fail(writer, GH_ERR_INVALID);
        return;
    }
    if (writer->further + further > ROWS) /* what goes with a block of people is one block */
        flush(writer);
    if (!begin_id(writer, GH_RECORD_SUBJECT, subject))
        return;
    put_bytes(&writer->second, &(uint8_t){(uint8_t)colour}, 1);
    put_number(&writer->third, numbers[0]);
    for (size_t i = 1; i < home_count; i++) {
        size_t row = writer->rows - 1;
        put_number(&writer->further_rows, row - writer->last_row);
        put_number(&writer->further_homes, numbers[i]);
        writer->last_row = row;
        writer->further++;
        writer->counts[GH_RECORD_FURTHER]++;
    }
}

void gh_snapshot_writer_revoked(struct gh_snapshot_writer *writer, gh_id credential)
{
    (void)begin_id(writer, GH_RECORD_REVOKED, credential);
}

void gh_snapshot_writer_recalled(struct gh_snapshot_writer *writer, gh_id subject, int64_t before_s)
{
    if (begin_id(writer, GH_RECORD_RECALLED, subject))
        put_le64(&writer->second, (uint64_t)before_s);
}

void gh_snapshot_writer_hash(struct gh_snapshot_writer *writer,
                             const uint8_t hash[GH_REVOCATION_BYTES], int64_t before_s)
{
    if (!begin(writer, GH_RECORD_HASH))
        return;
    if (writer->counts[GH_RECORD_HASH] > 0 &&
        memcmp(hash, writer->last_hash, GH_REVOCATION_BYTES) <= 0) {
        fail(writer, GH_ERR_INVALID);
        return;
    }
    memcpy(writer->last_hash, hash, GH_REVOCATION_BYTES);
    put_bytes(&writer->first, hash, GH_REVOCATION_BYTES);
    put_le64(&writer->second, (uint64_t)before_s);
    count(writer);
}

void gh_snapshot_writer_holder(struct gh_snapshot_writer *writer, gh_id holder, gh_id subject)
{
    if (subject == 0)
        fail(writer, GH_ERR_INVALID);
    if (begin_id(writer, GH_RECORD_HOLDER, holder))
        put_le64(&writer->second, subject);
}

/* Behind the one before it, by what makes a key. */
static bool key_follows(const struct gh_snapshot_writer *writer, struct gh_bytes key)
{
    struct gh_bytes last = {writer->last_key, writer->last_key_bytes};
    struct gh_cbor_reader cbor = gh_cbor_reader_over(key), last_cbor = gh_cbor_reader_over(last);
    struct gh_record record, before;
    return last.size == 0 ||
           (gh_record_read(&cbor, NULL, &record) && gh_record_read(&last_cbor, NULL, &before) &&
            gh_record_compare(&record, &before) > 0);
}

void gh_snapshot_writer_key(struct gh_snapshot_writer *writer, const struct gh_issuer_key *key)
{
    uint8_t buffer[GH_DELTA_RECORD_MAX_BYTES];
    struct gh_writer record = gh_writer_over(buffer, sizeof(buffer));
    if (!begin(writer, GH_RECORD_KEY))
        return;
    if (!gh_record_put_key(&record, key) ||
        !key_follows(writer, (struct gh_bytes){buffer, record.size})) {
        fail(writer, GH_ERR_INVALID);
        return;
    }
    memcpy(writer->last_key, buffer, record.size);
    writer->last_key_bytes = record.size;
    writer->counts[GH_RECORD_KEY]++;
    compress(writer, buffer, record.size, ZSTD_e_continue);
}

/* --- beginning and end ------------------------------------------------------------------------ */

enum gh_status gh_snapshot_writer_new(int fd, struct gh_snapshot_writer **out)
{
    struct gh_snapshot_writer *writer = calloc(1, sizeof(*writer));
    *out = NULL;
    if (writer == NULL)
        return GH_ERR_NOMEM;
    writer->fd = fd;
    writer->zstd = ZSTD_createCCtx();
    if (writer->zstd == NULL || gh_sha256_new(&writer->sha256) != GH_OK ||
        ZSTD_isError(
            ZSTD_CCtx_setParameter(writer->zstd, ZSTD_c_windowLog, GH_SNAPSHOT_WINDOW_LOG))) {
        gh_snapshot_writer_free(writer);
        return GH_ERR_NOMEM;
    }
    *out = writer;
    return GH_OK;
}

static void write_last_block(struct gh_snapshot_writer *writer)
{
    static const enum gh_record_kind order[] = {GH_SNAPSHOT_COUNTS};
    uint8_t buffer[128];
    struct gh_writer block = gh_writer_over(buffer, sizeof(buffer));
    gh_cbor_put_array(&block, 2 + GH_ARRAY_SIZE(order));
    gh_cbor_put_uint(&block, GH_RECORD_END);
    gh_cbor_put_uint(&block, GH_SNAPSHOT_VERSION);
    for (size_t i = 0; i < GH_ARRAY_SIZE(order); i++)
        gh_cbor_put_uint(&block, writer->counts[order[i]]);
    compress(writer, buffer, block.size, ZSTD_e_end);
}

enum gh_status gh_snapshot_writer_finish(struct gh_snapshot_writer *writer,
                                         uint8_t sha256[GH_SHA256_BYTES], uint64_t *bytes)
{
    memset(sha256, 0, GH_SHA256_BYTES);
    *bytes = 0;
    if (writer->finished)
        fail(writer, GH_ERR_INVALID);
    writer->finished = true;
    flush(writer);
    write_last_block(writer);
    if (writer->status != GH_OK)
        return writer->status;
    gh_sha256_finish(writer->sha256, sha256);
    writer->sha256 = NULL;
    *bytes = writer->bytes;
    return GH_OK;
}

void gh_snapshot_writer_free(struct gh_snapshot_writer *writer)
{
    if (writer == NULL)
        return;
    uint8_t unused[GH_SHA256_BYTES];
    if (writer->sha256 != NULL)
        gh_sha256_finish(writer->sha256, unused);
    ZSTD_freeCCtx(writer->zstd);
    free(writer->homes);
    free(writer);
}
