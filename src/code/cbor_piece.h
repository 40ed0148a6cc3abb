/* SPDX-License-Identifier: Apache-2.0 */
/* One CBOR item as it stands in the bytes; the reader over many is cbor.h. Only this room's cbor
 * files include it. */
#ifndef GATEHOUSE_SRC_CODE_CBOR_PIECE_H
#define GATEHOUSE_SRC_CODE_CBOR_PIECE_H

#include "code/cbor.h"

/* One item head, and for strings their content. */
struct gh_cbor_piece {
    enum gh_cbor_type type;
    uint64_t value; /* of integers and tags; how many items or pairs a container holds; a bool */
    struct gh_bytes content;
    double number;
    bool indefinite; /* a container, or a string's chunks, until a break */
    size_t read_bytes;
};

/* The item that `left` (one byte at least) begins with. Its lengths are checked against the bytes
 * that are there, and its text to be UTF-8. GH_ERR_TRUNCATED, GH_ERR_INVALID; GH_ERR_UNSUPPORTED
 * for an indefinite length unless that is allowed. */
GH_MUST_CHECK enum gh_status gh_cbor_piece_decode(struct gh_bytes left, bool indefinite,
                                                  struct gh_cbor_piece *item);

/* The reader's next item, whatever it is; false when it failed. */
bool gh_cbor_take(struct gh_cbor_reader *reader, struct gh_cbor_piece *item);
/* Whether the next byte is a break, which is then taken. */
bool gh_cbor_take_break(struct gh_cbor_reader *reader);

#endif
