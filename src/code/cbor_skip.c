/* SPDX-License-Identifier: Apache-2.0 */
/* Reading over what nobody knows, however it is nested, without recursion. */
#include "code/cbor_piece.h"

/* Items to come: no container of definite length has so many. */
#define ITEMS_UNTIL_BREAK UINT64_MAX

static uint64_t items_inside(const struct gh_cbor_piece *item)
{
    if (item->indefinite)
        return ITEMS_UNTIL_BREAK;
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

/* The containers that are open around what is read over, the outermost first. */
struct nesting {
    struct {
        uint64_t left;          /* items to come */
        enum gh_cbor_type type; /* of what is open; of chunks, those of the string */
        bool odd;               /* of a map until its break: a value must follow */
    } open[GH_CBOR_DEPTH_MAX];
    size_t depth;
};

/* Whether an item may stand here: a string's chunks are strings of the same type, of a length. */
static bool fits_in(const struct nesting *nesting, const struct gh_cbor_piece *item)
{
    if (nesting->depth == 0)
        return true;
    enum gh_cbor_type around = nesting->open[nesting->depth - 1].type;
    bool chunk = around == GH_CBOR_BYTES || around == GH_CBOR_TEXT;
    return !chunk || (item->type == around && !item->indefinite);
}

/* One item was read over: close what has ended with it. */
static void count_item(struct nesting *nesting)
{
    while (nesting->depth > 0) {
        size_t top = nesting->depth - 1;
        if (nesting->open[top].left == ITEMS_UNTIL_BREAK) {
            nesting->open[top].odd = !nesting->open[top].odd;
            return;
        }
        if (--nesting->open[top].left > 0)
            return;
        nesting->depth--;
    }
}

/* A break that ends the innermost container. */
static bool close_at_break(struct gh_cbor_reader *reader, struct nesting *nesting)
{
    if (reader->status != GH_OK || nesting->depth == 0)
        return false;
    size_t top = nesting->depth - 1;
    bool odd_map = nesting->open[top].type == GH_CBOR_MAP && nesting->open[top].odd;
    if (nesting->open[top].left != ITEMS_UNTIL_BREAK || odd_map || !gh_cbor_take_break(reader))
        return false;
    nesting->depth--;
    count_item(nesting);
    return true;
}

void gh_cbor_skip(struct gh_cbor_reader *reader)
{
    struct nesting nesting = {.depth = 0};
    do {
        struct gh_cbor_piece item;
        if (close_at_break(reader, &nesting))
            continue;
        if (!gh_cbor_take(reader, &item))
            return;
        if (!fits_in(&nesting, &item)) {
            gh_cbor_fail(reader, GH_ERR_INVALID);
            return;
        }
        uint64_t inside = items_inside(&item);
        if (inside == 0) {
            count_item(&nesting);
        } else if (nesting.depth == GH_CBOR_DEPTH_MAX) {
            gh_cbor_fail(reader, GH_ERR_TOOBIG);
            return;
        } else {
            nesting.open[nesting.depth].left = inside;
            nesting.open[nesting.depth].type = item.type;
            nesting.open[nesting.depth++].odd = false;
        }
    } while (nesting.depth > 0);
}

struct gh_bytes gh_cbor_item(struct gh_cbor_reader *reader)
{
    size_t start = reader->offset;
    gh_cbor_skip(reader);
    if (reader->status != GH_OK)
        return (struct gh_bytes){.size = 0};
    return (struct gh_bytes){.data = reader->input.data + start, .size = reader->offset - start};
}
