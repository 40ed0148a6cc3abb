/* SPDX-License-Identifier: Apache-2.0 */
#include "code/cbor.h"

#include <cbor.h>
#include <string.h>

#define HEAD_BYTES 9 /* the longest item head: a byte and a 64-bit argument */

void gh_cbor_put_uint(struct gh_writer *writer, uint64_t value)
{
    unsigned char head[HEAD_BYTES];
    gh_writer_put(writer, head, cbor_encode_uint(value, head, sizeof(head)));
}

void gh_cbor_put_int(struct gh_writer *writer, int64_t value)
{
    unsigned char head[HEAD_BYTES];
    if (value >= 0)
        gh_cbor_put_uint(writer, (uint64_t)value);
    else
        gh_writer_put(writer, head, cbor_encode_negint((uint64_t)(-1 - value), head, sizeof(head)));
}

void gh_cbor_put_bytes(struct gh_writer *writer, const void *data, size_t size)
{
    unsigned char head[HEAD_BYTES];
    gh_writer_put(writer, head, cbor_encode_bytestring_start(size, head, sizeof(head)));
    gh_writer_put(writer, data, size);
}

void gh_cbor_put_text(struct gh_writer *writer, const char *text)
{
    unsigned char head[HEAD_BYTES];
    gh_writer_put(writer, head, cbor_encode_string_start(strlen(text), head, sizeof(head)));
    gh_writer_put_text(writer, text);
}

void gh_cbor_put_array(struct gh_writer *writer, size_t items)
{
    unsigned char head[HEAD_BYTES];
    gh_writer_put(writer, head, cbor_encode_array_start(items, head, sizeof(head)));
}

void gh_cbor_put_map(struct gh_writer *writer, size_t pairs)
{
    unsigned char head[HEAD_BYTES];
    gh_writer_put(writer, head, cbor_encode_map_start(pairs, head, sizeof(head)));
}

void gh_cbor_put_tag(struct gh_writer *writer, uint64_t tag)
{
    unsigned char head[HEAD_BYTES];
    gh_writer_put(writer, head, cbor_encode_tag(tag, head, sizeof(head)));
}

void gh_cbor_put_bool(struct gh_writer *writer, bool value)
{
    unsigned char head[HEAD_BYTES];
    gh_writer_put(writer, head, cbor_encode_bool(value, head, sizeof(head)));
}
