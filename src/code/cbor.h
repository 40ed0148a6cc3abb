/* SPDX-License-Identifier: Apache-2.0 */
/* CBOR (RFC 8949) without trees and without allocation, over libcbor's streaming decoder and
 * encoders: a pull reader that checks every length against what is there. Our own formats have
 * definite lengths only, and others are GH_ERR_UNSUPPORTED; foreign certificates may have
 * containers without one. Reading is sticky: after the first error every call fails with it, so
 * check once at the end. */
#ifndef GATEHOUSE_SRC_CODE_CBOR_H
#define GATEHOUSE_SRC_CODE_CBOR_H

#include <stdbool.h>
#include <stdint.h>

#include "gatehouse/bytes.h"
#include "gatehouse/status.h"

enum gh_cbor_type {
    GH_CBOR_NONE, /* at the end, or after an error */
    GH_CBOR_UINT,
    GH_CBOR_NEGINT,
    GH_CBOR_BYTES,
    GH_CBOR_TEXT,
    GH_CBOR_ARRAY,
    GH_CBOR_MAP,
    GH_CBOR_TAG,
    GH_CBOR_BOOL,
    GH_CBOR_NULL, /* null and undefined */
    GH_CBOR_FLOAT,
};

struct gh_cbor_reader {
    struct gh_bytes input;
    size_t offset;
    enum gh_status status;
    bool
        indefinite; /* maps and arrays may be of indefinite length (set it after
                       gh_cbor_reader_over); strings in chunks are read over by gh_cbor_skip only */
};

struct gh_cbor_reader gh_cbor_reader_over(struct gh_bytes input);
/* GH_OK if nothing failed and everything was read; GH_ERR_TRAILING for trailing bytes.
 * An input that ends too early is GH_ERR_TRUNCATED. */
GH_MUST_CHECK enum gh_status gh_cbor_finish(const struct gh_cbor_reader *reader);

enum gh_cbor_type gh_cbor_peek(struct gh_cbor_reader *reader);
/* Each reads one item head (and, for strings, the content); on a type mismatch the reader fails
 * with GH_ERR_INVALID. */
uint64_t gh_cbor_uint(struct gh_cbor_reader *reader);
int64_t gh_cbor_int(struct gh_cbor_reader *reader);           /* outside int64: fails */
struct gh_bytes gh_cbor_bytes(struct gh_cbor_reader *reader); /* borrowed from the input */
struct gh_bytes gh_cbor_text(struct gh_cbor_reader *reader);  /* borrowed; checked to be UTF-8 */
size_t gh_cbor_array(
    struct gh_cbor_reader *reader); /* number of items; refused when more than bytes are left */
size_t gh_cbor_map(struct gh_cbor_reader *reader); /* number of pairs; likewise */
uint64_t gh_cbor_tag(struct gh_cbor_reader *reader);
bool gh_cbor_bool(struct gh_cbor_reader *reader);
/* A container of either length: *left is handed to gh_cbor_more, which says whether an item (of an
 * array) or a pair (of a map) follows, and takes the break at the end:
 *     for (size_t left = gh_cbor_open_map(&r); gh_cbor_more(&r, &left);) */
size_t gh_cbor_open_array(struct gh_cbor_reader *reader);
size_t gh_cbor_open_map(struct gh_cbor_reader *reader);
bool gh_cbor_more(struct gh_cbor_reader *reader, size_t *left); /* false too after a failure */
/* A number of seconds: an integer or a float. Outside +-2^53, infinity and NaN too, fails with
 * GH_ERR_RANGE, another type with GH_ERR_INVALID as everywhere. A fraction is cut towards the past
 * (`up` false) or made whole towards the future. */
int64_t gh_cbor_seconds(struct gh_cbor_reader *reader, bool up);
/* Pass over one whole item, at most GH_CBOR_DEPTH_MAX containers and tags deep (GH_ERR_TOOBIG). */
#define GH_CBOR_DEPTH_MAX 16
void gh_cbor_skip(struct gh_cbor_reader *reader);
struct gh_bytes gh_cbor_item(struct gh_cbor_reader *reader); /* likewise; its bytes, borrowed */
/* Make the reader fail. */
void gh_cbor_fail(struct gh_cbor_reader *reader, enum gh_status status);

/* The keys of one map, so that none comes twice. All our maps have integer keys, or text ones that
 * we do not know; they are small. Start with a zeroed `seen`. */
#define GH_CBOR_KEYS_MAX 32
struct gh_cbor_key {
    bool is_text;
    int64_t number;       /* of an integer key, else 0 */
    struct gh_bytes text; /* of a text key; borrowed from the input */
};
struct gh_cbor_keys {
    struct gh_cbor_key key[GH_CBOR_KEYS_MAX];
    size_t count;
};
/* Read the next key. Fails with GH_ERR_EXISTS for one that was there before, GH_ERR_INVALID for one
 * that is neither an integer (of 64 bits with its sign) nor text, GH_ERR_UNSUPPORTED for more than
 * GH_CBOR_KEYS_MAX. After a failure, and for text keys, `number` is 0. */
struct gh_cbor_key gh_cbor_map_key(struct gh_cbor_reader *reader, struct gh_cbor_keys *seen);

/* Writing: shortest forms (RFC 8949, 4.2.1). The caller puts map keys in order. */
void gh_cbor_put_uint(struct gh_writer *writer, uint64_t value);
void gh_cbor_put_int(struct gh_writer *writer, int64_t value);
void gh_cbor_put_bytes(struct gh_writer *writer, const void *data, size_t size);
void gh_cbor_put_text(struct gh_writer *writer, const char *text);
void gh_cbor_put_array(struct gh_writer *writer, size_t items);
void gh_cbor_put_map(struct gh_writer *writer, size_t pairs);
void gh_cbor_put_tag(struct gh_writer *writer, uint64_t tag);
void gh_cbor_put_bool(struct gh_writer *writer, bool value);

#endif
