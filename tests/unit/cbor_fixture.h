/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes and readers that the tests of CBOR share. Include it after cmocka.h. */
#ifndef GATEHOUSE_TESTS_UNIT_CBOR_FIXTURE_H
#define GATEHOUSE_TESTS_UNIT_CBOR_FIXTURE_H

#include <stdlib.h>
#include <string.h>

#include "code/cbor.h"

/* Bytes in a block of exactly their size, so that a sanitizer sees a read past the end. */
struct block {
    uint8_t *data;
    size_t size;
};

static inline struct block block_of(const char *hex)
{
    struct block block = {.size = strlen(hex) / 2};
    block.data = malloc(block.size + (block.size == 0));
    assert_non_null(block.data);
    assert_int_equal(gh_hex_decode(hex, strlen(hex), block.data, block.size), GH_OK);
    return block;
}

static inline struct gh_cbor_reader reader_over(const struct block *block)
{
    return gh_cbor_reader_over((struct gh_bytes){.data = block->data, .size = block->size});
}

static inline enum gh_status skip_as(const uint8_t *data, size_t size, bool indefinite_too)
{
    uint8_t *copy = malloc(size + (size == 0));
    assert_non_null(copy);
    memcpy(copy, data, size);
    struct gh_cbor_reader reader =
        gh_cbor_reader_over((struct gh_bytes){.data = copy, .size = size});
    reader.indefinite = indefinite_too;
    gh_cbor_skip(&reader);
    enum gh_status status = gh_cbor_finish(&reader);
    free(copy);
    return status;
}

static inline enum gh_status skip_status(const uint8_t *data, size_t size)
{
    return skip_as(data, size, false);
}

static inline enum gh_status skip_hex(const char *hex)
{
    struct block block = block_of(hex);
    enum gh_status status = skip_status(block.data, block.size);
    free(block.data);
    return status;
}

#endif
