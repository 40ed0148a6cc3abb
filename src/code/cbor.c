/* SPDX-License-Identifier: Apache-2.0 */
#include "code/cbor.h"

#include <cbor.h>
#include <math.h>
#include <string.h>

/* The length in libcbor's callbacks; the two differ on a 32-bit board. */
#if CBOR_MAJOR_VERSION > 0 || CBOR_MINOR_VERSION >= 9
typedef uint64_t cbor_length;
#else
typedef size_t cbor_length;
#endif

#define SECONDS_MAX (INT64_C(1) << 53)

/* One item head, and for strings their content. */
struct item {
    enum gh_cbor_type type;
    uint64_t value; /* of integers and tags; how many items or pairs a container holds; a bool */
    struct gh_bytes content;
    double number;
    size_t read_bytes;
};

/* --- libcbor's callbacks: each notes the one item that was decoded --------------------------- */

static void note(void *context, enum gh_cbor_type type, uint64_t value)
{
    struct item *item = context;
    item->type = type;
    item->value = value;
}

static void on_uint8(void *context, uint8_t value)
{
    note(context, GH_CBOR_UINT, value);
}

static void on_uint16(void *context, uint16_t value)
{
    note(context, GH_CBOR_UINT, value);
}

static void on_uint32(void *context, uint32_t value)
{
    note(context, GH_CBOR_UINT, value);
}

static void on_uint64(void *context, uint64_t value)
{
    note(context, GH_CBOR_UINT, value);
}

static void on_negint8(void *context, uint8_t value)
{
    note(context, GH_CBOR_NEGINT, value);
}

static void on_negint16(void *context, uint16_t value)
{
    note(context, GH_CBOR_NEGINT, value);
}

static void on_negint32(void *context, uint32_t value)
{
    note(context, GH_CBOR_NEGINT, value);
}

static void on_negint64(void *context, uint64_t value)
{
    note(context, GH_CBOR_NEGINT, value);
}

static void note_string(void *context, enum gh_cbor_type type, cbor_data data, cbor_length size)
{
    note(context, type, size);
    ((struct item *)context)->content = (struct gh_bytes){.data = data, .size = (size_t)size};
}

static void on_bytes(void *context, cbor_data data, cbor_length size)
{
    note_string(context, GH_CBOR_BYTES, data, size);
}

static void on_text(void *context, cbor_data data, cbor_length size)
{
    note_string(context, GH_CBOR_TEXT, data, size);
}

static void on_array(void *context, cbor_length items)
{
    note(context, GH_CBOR_ARRAY, items);
}

static void on_map(void *context, cbor_length pairs)
{
    note(context, GH_CBOR_MAP, pairs);
}

static void on_tag(void *context, uint64_t value)
{
    note(context, GH_CBOR_TAG, value);
}

static void on_double(void *context, double value)
{
    note(context, GH_CBOR_FLOAT, 0);
    ((struct item *)context)->number = value;
}

static void on_float(void *context, float value)
{
    on_double(context, (double)value);
}

static void on_null(void *context)
{
    note(context, GH_CBOR_NULL, 0);
}

static void on_bool(void *context, bool value)
{
    note(context, GH_CBOR_BOOL, value);
}

/* check_head lets no indefinite length through, so its callbacks stay libcbor's empty ones. */
static const struct cbor_callbacks callbacks = {
    .uint8 = on_uint8,
    .uint16 = on_uint16,
    .uint32 = on_uint32,
    .uint64 = on_uint64,
    .negint64 = on_negint64,
    .negint32 = on_negint32,
    .negint16 = on_negint16,
    .negint8 = on_negint8,
    .byte_string_start = cbor_null_byte_string_start_callback,
    .byte_string = on_bytes,
    .string = on_text,
    .string_start = cbor_null_string_start_callback,
    .indef_array_start = cbor_null_indef_array_start_callback,
    .array_start = on_array,
    .indef_map_start = cbor_null_indef_map_start_callback,
    .map_start = on_map,
    .tag = on_tag,
    .float2 = on_float,
    .float4 = on_float,
    .float8 = on_double,
    .undefined = on_null,
    .null = on_null,
    .boolean = on_bool,
    .indef_break = cbor_null_indef_break_callback,
};

/* --- one item -------------------------------------------------------------------------------- */

/* An item's first byte and the argument behind it (RFC 8949, section 3). */
struct head {
    unsigned major;
    uint64_t argument;
    size_t size_bytes;
};

/* libcbor passes a container's length on as it stands, and before 0.9 cuts a 64-bit length to
 * size_t on a 32-bit board: look at the head ourselves first, against the bytes that are there (one
 * at least).
 */
static enum gh_status check_head(struct gh_bytes left, struct head *head)
{
    unsigned info = left.data[0] & 0x1f;
    *head = (struct head){.major = left.data[0] >> 5, .size_bytes = 1};
    if (info == 31 && head->major >= 2 && head->major <= 5)
        return GH_ERR_UNSUPPORTED;
    if (info > 27)
        return GH_ERR_INVALID;
    if (info >= 24)
        head->size_bytes += (size_t)1 << (info - 24);
    if (left.size < head->size_bytes)
        return GH_ERR_TRUNCATED;
    head->argument = info < 24 ? info : 0;
    for (size_t i = 1; i < head->size_bytes; i++)
        head->argument = head->argument << 8 | left.data[i];
    size_t rest = left.size - head->size_bytes;
    if (head->major >= 2 && head->major <= 4 && head->argument > rest)
        return GH_ERR_TRUNCATED; /* a string's bytes; an array's items, of one byte at least */
    if (head->major == 5 && head->argument > rest / 2)
        return GH_ERR_TRUNCATED;
    return GH_OK;
}

static enum gh_status decode_item(struct gh_bytes left, struct item *item)
{
    struct head head;
    enum gh_status status = check_head(left, &head);
    if (status != GH_OK)
        return status;
    /* libcbor before 0.11 refuses the tags 6 to 20 as unassigned; 18 is COSE_Sign1's. */
    if (head.major == 6) {
        on_tag(item, head.argument);
        item->read_bytes = head.size_bytes;
        return GH_OK;
    }
    struct cbor_decoder_result result = cbor_stream_decode(left.data, left.size, &callbacks, item);
    /* After check_head only what CBOR does not assign is left to refuse. */
    if (result.status != CBOR_DECODER_FINISHED || item->type == GH_CBOR_NONE)
        return GH_ERR_INVALID;
    item->read_bytes = result.read;
    if (item->type == GH_CBOR_TEXT && !gh_utf8_valid(item->content.data, item->content.size))
        return GH_ERR_INVALID;
    return GH_OK;
}

static bool decode(struct gh_cbor_reader *reader, struct item *item)
{
    *item = (struct item){.type = GH_CBOR_NONE};
    if (reader->status == GH_OK && reader->offset == reader->input.size)
        reader->status = GH_ERR_TRUNCATED;
    if (reader->status != GH_OK)
        return false;
    struct gh_bytes left = {.data = reader->input.data + reader->offset,
                            .size = reader->input.size - reader->offset};
    reader->status = decode_item(left, item);
    return reader->status == GH_OK;
}

/* The next item, whatever it is. */
static bool take_any(struct gh_cbor_reader *reader, struct item *item)
{
    if (!decode(reader, item))
        return false;
    reader->offset += item->read_bytes;
    return true;
}

/* The next item if it is of this type; else *item is all zero and the reader fails. */
static bool take(struct gh_cbor_reader *reader, enum gh_cbor_type type, struct item *item)
{
    if (!take_any(reader, item) || item->type != type) {
        *item = (struct item){.type = GH_CBOR_NONE};
        gh_cbor_fail(reader, GH_ERR_INVALID);
        return false;
    }
    return true;
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
    return reader->offset == reader->input.size ? GH_OK : GH_ERR_INVALID;
}

enum gh_cbor_type gh_cbor_peek(struct gh_cbor_reader *reader)
{
    struct item item;
    if (reader->offset == reader->input.size || !decode(reader, &item))
        return GH_CBOR_NONE;
    return item.type;
}

uint64_t gh_cbor_uint(struct gh_cbor_reader *reader)
{
    struct item item;
    take(reader, GH_CBOR_UINT, &item);
    return item.value;
}

static int64_t signed_value(struct gh_cbor_reader *reader, const struct item *item)
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
    struct item item;
    return take_any(reader, &item) ? signed_value(reader, &item) : 0;
}

struct gh_bytes gh_cbor_bytes(struct gh_cbor_reader *reader)
{
    struct item item;
    take(reader, GH_CBOR_BYTES, &item);
    return item.content;
}

struct gh_bytes gh_cbor_text(struct gh_cbor_reader *reader)
{
    struct item item;
    take(reader, GH_CBOR_TEXT, &item);
    return item.content;
}

size_t gh_cbor_array(struct gh_cbor_reader *reader)
{
    struct item item;
    take(reader, GH_CBOR_ARRAY, &item);
    return (size_t)item.value;
}

size_t gh_cbor_map(struct gh_cbor_reader *reader)
{
    struct item item;
    take(reader, GH_CBOR_MAP, &item);
    return (size_t)item.value;
}

uint64_t gh_cbor_tag(struct gh_cbor_reader *reader)
{
    struct item item;
    take(reader, GH_CBOR_TAG, &item);
    return item.value;
}

bool gh_cbor_bool(struct gh_cbor_reader *reader)
{
    struct item item;
    take(reader, GH_CBOR_BOOL, &item);
    return item.value != 0;
}

int64_t gh_cbor_seconds(struct gh_cbor_reader *reader)
{
    struct item item;
    if (!take_any(reader, &item))
        return 0;
    int64_t seconds = 0;
    if (item.type != GH_CBOR_FLOAT)
        seconds = signed_value(reader, &item);
    else if (fabs(item.number) <= (double)SECONDS_MAX) /* false for NaN */
        seconds = (int64_t)floor(item.number);
    else
        gh_cbor_fail(reader, GH_ERR_INVALID);
    if (seconds < -SECONDS_MAX || seconds > SECONDS_MAX) {
        gh_cbor_fail(reader, GH_ERR_INVALID);
        return 0;
    }
    return seconds;
}

static uint64_t items_inside(const struct item *item)
{
    switch (item->type) {
    case GH_CBOR_ARRAY:
        return item->value;
    case GH_CBOR_MAP:
        return 2 * item->value; /* checked against the bytes left: cannot overflow */
    case GH_CBOR_TAG:
        return 1;
    default:
        return 0;
    }
}

void gh_cbor_skip(struct gh_cbor_reader *reader)
{
    uint64_t open[GH_CBOR_DEPTH_MAX]; /* items to come in each container that is open */
    size_t depth = 0;
    do {
        struct item item;
        if (!take_any(reader, &item))
            return;
        uint64_t inside = items_inside(&item);
        if (inside > 0) {
            if (depth == GH_CBOR_DEPTH_MAX) {
                gh_cbor_fail(reader, GH_ERR_TOOBIG);
                return;
            }
            open[depth++] = inside;
            continue;
        }
        while (depth > 0 && --open[depth - 1] == 0)
            depth--;
    } while (depth > 0);
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
            gh_cbor_fail(reader, GH_ERR_INVALID);
    if (seen->count == GH_CBOR_KEYS_MAX)
        gh_cbor_fail(reader, GH_ERR_TOOBIG);
    if (reader->status != GH_OK)
        return (struct gh_cbor_key){.number = 0};
    seen->key[seen->count++] = key;
    return key;
}
