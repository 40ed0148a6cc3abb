/* SPDX-License-Identifier: Apache-2.0 */
/* The numbers in a snapshot's columns: LEB128 (unsigned, least significant group first, shortest
 * form) and le64. */
#ifndef GATEHOUSE_SRC_LIST_LEB128_H
#define GATEHOUSE_SRC_LIST_LEB128_H

#include "gatehouse/bytes.h"

#define GH_LEB128_MAX_BYTES 10

static inline size_t gh_leb128_put(uint8_t *out, uint64_t value)
{
    size_t size = 0;
    for (; value >= 0x80; value >>= 7)
        out[size++] = (uint8_t)(value | 0x80);
    out[size++] = (uint8_t)value;
    return size;
}

/* Takes one number off the front of *from; false for one that ends early, is longer than it has to
 * be, or is above 64 bits. */
static inline bool gh_leb128_get(struct gh_bytes *from, uint64_t *out)
{
    uint64_t value = 0;
    for (size_t i = 0; i < from->size && i < GH_LEB128_MAX_BYTES; i++) {
        uint8_t byte = from->data[i];
        if (i == GH_LEB128_MAX_BYTES - 1 && byte > 1)
            return false;
        value |= (uint64_t)(byte & 0x7f) << (7 * i);
        if (byte < 0x80) {
            from->data += i + 1;
            from->size -= i + 1;
            *out = value;
            return byte != 0 || i == 0;
        }
    }
    return false;
}

static inline void gh_le64_put(uint8_t out[8], uint64_t value)
{
    for (int i = 0; i < 8; i++)
        out[i] = (uint8_t)(value >> (8 * i));
}

static inline uint64_t gh_le64(const uint8_t bytes[8])
{
    uint64_t value = 0;
    for (int i = 0; i < 8; i++)
        value |= (uint64_t)bytes[i] << (8 * i);
    return value;
}

#endif
