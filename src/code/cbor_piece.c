/* SPDX-License-Identifier: Apache-2.0 */
#include "code/cbor_piece.h"

#include <cbor.h>

/* The length in libcbor's callbacks; the two differ on a 32-bit board. */
#if CBOR_MAJOR_VERSION > 0 || CBOR_MINOR_VERSION >= 9
typedef uint64_t cbor_length;
#else
typedef size_t cbor_length;
#endif

/* --- libcbor's callbacks: each notes the one item that was decoded --------------------------- */

static void note(void *context, enum gh_cbor_type type, uint64_t value)
{
    struct gh_cbor_piece *item = context;
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
    ((struct gh_cbor_piece *)context)->content =
        (struct gh_bytes){.data = data, .size = (size_t)size};
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
    ((struct gh_cbor_piece *)context)->number = value;
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

/* Containers of indefinite length are read from their heads (gh_cbor_piece_decode), and strings of
 * one are passed over there: libcbor's callbacks for these are never called. */
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
    bool indefinite;
};

/* libcbor passes a container's length on as it stands, and before 0.9 cuts a 64-bit length to
 * size_t on a 32-bit board: look at the head ourselves first, against the bytes that are there (one
 * at least).
 */
static enum gh_status check_head(struct gh_bytes left, struct head *head)
{
    unsigned info = left.data[0] & 0x1f;
    *head = (struct head){.major = left.data[0] >> 5, .size_bytes = 1};
    head->indefinite = info == 31 && head->major >= 2 && head->major <= 5;
    if (head->indefinite)
        return GH_OK;
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

enum gh_status gh_cbor_piece_decode(struct gh_bytes left, bool indefinite,
                                    struct gh_cbor_piece *item)
{
    struct head head;
    enum gh_status status = check_head(left, &head);
    if (status != GH_OK)
        return status;
    if (head.indefinite) {
        static const enum gh_cbor_type types[] = {
            [2] = GH_CBOR_BYTES, [3] = GH_CBOR_TEXT, [4] = GH_CBOR_ARRAY, [5] = GH_CBOR_MAP};
        *item =
            (struct gh_cbor_piece){.type = types[head.major], .indefinite = true, .read_bytes = 1};
        return indefinite ? GH_OK : GH_ERR_UNSUPPORTED;
    }
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
