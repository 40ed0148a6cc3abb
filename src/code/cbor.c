/* SPDX-License-Identifier: Apache-2.0 */
#include "code/cbor.h"

#include <math.h>

#include "code/cbor_piece.h"

#define SECONDS_MAX (INT64_C(1) << 53)
#define BREAK 0xff

/* --- one item -------------------------------------------------------------------------------- */

static bool decode(struct gh_cbor_reader *reader, struct gh_cbor_piece *item)
{
    *item = (struct gh_cbor_piece){.type = GH_CBOR_NONE};
    if (reader->status == GH_OK && reader->offset == reader->input.size)
        reader->status = GH_ERR_TRUNCATED;
    if (reader->status != GH_OK)
        return false;
    struct gh_bytes left = {.data = reader->input.data + reader->offset,
                            .size = reader->input.size - reader->offset};
    reader->status = gh_cbor_piece_decode(left, reader->indefinite, item);
    return reader->status == GH_OK;
}

bool gh_cbor_take(struct gh_cbor_reader *reader, struct gh_cbor_piece *item)
{
    if (!decode(reader, item))
        return false;
    reader->offset += item->read_bytes;
    return true;
}

/* The next item if it is of this type; else *item is all zero and the reader fails. */
static bool take(struct gh_cbor_reader *reader, enum gh_cbor_type type, struct gh_cbor_piece *item)
{
    if (!gh_cbor_take(reader, item) || item->type != type) {
        *item = (struct gh_cbor_piece){.type = GH_CBOR_NONE};
        gh_cbor_fail(reader, GH_ERR_INVALID);
        return false;
    }
    return true;
}

/* Likewise, of definite length. */
static bool take_definite(struct gh_cbor_reader *reader, enum gh_cbor_type type,
                          struct gh_cbor_piece *item)
{
    if (!take(reader, type, item))
        return false;
    if (item->indefinite)
        gh_cbor_fail(reader, GH_ERR_UNSUPPORTED);
    return !item->indefinite;
}

/* --- the reader ------------------------------------------------------------------------------ */

struct gh_cbor_reader gh_cbor_reader_over(struct gh_bytes input)
{
    return (struct gh_cbor_reader){.input = input};
}

void gh_cbor_fail(struct gh_cbor_reader *reader, enum gh_status status)
{
    if (reader->status == GH_OK)
        reader->status = status;
}

enum gh_status gh_cbor_finish(const struct gh_cbor_reader *reader)
{
    if (reader->status != GH_OK)
        return reader->status;
    return reader->offset == reader->input.size ? GH_OK : GH_ERR_TRAILING;
}

enum gh_cbor_type gh_cbor_peek(struct gh_cbor_reader *reader)
{
    struct gh_cbor_piece item;
    if (reader->offset == reader->input.size || !decode(reader, &item))
        return GH_CBOR_NONE;
    return item.type;
}

uint64_t gh_cbor_uint(struct gh_cbor_reader *reader)
{
    struct gh_cbor_piece item;
    take(reader, GH_CBOR_UINT, &item);
    return item.value;
}

static int64_t signed_value(struct gh_cbor_reader *reader, const struct gh_cbor_piece *item)
{
    bool number = item->type == GH_CBOR_UINT || item->type == GH_CBOR_NEGINT;
    if (!number || item->value > INT64_MAX) {
        gh_cbor_fail(reader, GH_ERR_INVALID);
        return 0;
    }
    int64_t value = (int64_t)item->value;
    return item->type == GH_CBOR_UINT ? value : -1 - value;
}

int64_t gh_cbor_int(struct gh_cbor_reader *reader)
{
    struct gh_cbor_piece item;
    return gh_cbor_take(reader, &item) ? signed_value(reader, &item) : 0;
}

struct gh_bytes gh_cbor_bytes(struct gh_cbor_reader *reader)
{
    struct gh_cbor_piece item;
    take_definite(reader, GH_CBOR_BYTES, &item);
    return item.content;
}

struct gh_bytes gh_cbor_text(struct gh_cbor_reader *reader)
{
    struct gh_cbor_piece item;
    take_definite(reader, GH_CBOR_TEXT, &item);
    return item.content;
}

size_t gh_cbor_array(struct gh_cbor_reader *reader)
{
    struct gh_cbor_piece item;
    take_definite(reader, GH_CBOR_ARRAY, &item);
    return (size_t)item.value;
}

size_t gh_cbor_map(struct gh_cbor_reader *reader)
{
    struct gh_cbor_piece item;
    take_definite(reader, GH_CBOR_MAP, &item);
    return (size_t)item.value;
}

#define UNTIL_BREAK SIZE_MAX

static size_t open_container(struct gh_cbor_reader *reader, enum gh_cbor_type type)
{
    struct gh_cbor_piece item;
    if (!take(reader, type, &item))
        return 0;
    return item.indefinite ? UNTIL_BREAK : (size_t)item.value;
}

size_t gh_cbor_open_array(struct gh_cbor_reader *reader)
{
    return open_container(reader, GH_CBOR_ARRAY);
}

size_t gh_cbor_open_map(struct gh_cbor_reader *reader)
{
    return open_container(reader, GH_CBOR_MAP);
}

bool gh_cbor_take_break(struct gh_cbor_reader *reader)
{
    if (reader->offset == reader->input.size || reader->input.data[reader->offset] != BREAK)
        return false;
    reader->offset++;
    return true;
}

bool gh_cbor_more(struct gh_cbor_reader *reader, size_t *left)
{
    if (reader->status != GH_OK || *left == 0)
        return false;
    if (*left != UNTIL_BREAK) {
        --*left;
        return true;
    }
    if (reader->offset == reader->input.size)
        gh_cbor_fail(reader, GH_ERR_TRUNCATED);
    if (reader->status != GH_OK || gh_cbor_take_break(reader))
        *left = 0;
    return *left != 0;
}

uint64_t gh_cbor_tag(struct gh_cbor_reader *reader)
{
    struct gh_cbor_piece item;
    take(reader, GH_CBOR_TAG, &item);
    return item.value;
}

bool gh_cbor_bool(struct gh_cbor_reader *reader)
{
    struct gh_cbor_piece item;
    take(reader, GH_CBOR_BOOL, &item);
    return item.value != 0;
}

static int64_t whole_seconds(struct gh_cbor_reader *reader, double number, bool up)
{
    if (fabs(number) <= (double)SECONDS_MAX) /* false for NaN */
        return (int64_t)(up ? ceil(number) : floor(number));
    gh_cbor_fail(reader, GH_ERR_RANGE);
    return 0;
}

int64_t gh_cbor_seconds(struct gh_cbor_reader *reader, bool up)
{
    struct gh_cbor_piece item;
    if (!gh_cbor_take(reader, &item))
        return 0;
    if (item.type == GH_CBOR_FLOAT)
        return whole_seconds(reader, item.number, up);
    bool integer = item.type == GH_CBOR_UINT || item.type == GH_CBOR_NEGINT;
    /* -1 - value: the negative end lies one further. */
    uint64_t most = (uint64_t)SECONDS_MAX - (item.type == GH_CBOR_NEGINT);
    if (integer && item.value <= most)
        return signed_value(reader, &item);
    gh_cbor_fail(reader, integer ? GH_ERR_RANGE : GH_ERR_INVALID);
    return 0;
}

/* --- keys ------------------------------------------------------------------------------------ */

static bool same_key(const struct gh_cbor_key *a, const struct gh_cbor_key *b)
{
    return a->is_text == b->is_text && a->number == b->number && gh_bytes_equal(a->text, b->text);
}

struct gh_cbor_key gh_cbor_map_key(struct gh_cbor_reader *reader, struct gh_cbor_keys *seen)
{
    struct gh_cbor_key key = {.is_text = gh_cbor_peek(reader) == GH_CBOR_TEXT};
    if (key.is_text)
        key.text = gh_cbor_text(reader);
    else
        key.number = gh_cbor_int(reader);
    for (size_t i = 0; i < seen->count; i++)
        if (same_key(&seen->key[i], &key))
            gh_cbor_fail(reader, GH_ERR_EXISTS);
    if (seen->count == GH_CBOR_KEYS_MAX)
        gh_cbor_fail(reader, GH_ERR_UNSUPPORTED);
    if (reader->status != GH_OK)
        return (struct gh_cbor_key){.number = 0};
    seen->key[seen->count++] = key;
    return key;
}
