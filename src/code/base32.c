/* SPDX-License-Identifier: Apache-2.0 */
#include "code/base32.h"

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/* A character's value, or -1. */
static int digit(uint8_t character)
{
    if (character >= 'A' && character <= 'Z')
        return character - 'A';
    if (character >= '2' && character <= '7')
        return character - '2' + 26;
    return -1;
}

void gh_base32_put(struct gh_writer *writer, struct gh_bytes data)
{
    uint32_t bits = 0;
    unsigned count = 0; /* bits that wait in `bits`, the lowest ones */
    for (size_t i = 0; i < data.size; i++) {
        bits = (bits << 8 | data.data[i]) & 0xfff;
        for (count += 8; count >= 5; count -= 5)
            gh_writer_put_byte(writer, (uint8_t)alphabet[bits >> (count - 5) & 0x1f]);
    }
    if (count > 0)
        gh_writer_put_byte(writer, (uint8_t)alphabet[bits << (5 - count) & 0x1f]);
}

enum gh_status gh_base32_decode(struct gh_bytes text, struct gh_writer *out)
{
    size_t odd = text.size % 8;
    if (odd == 1 || odd == 3 || odd == 6)
        return GH_ERR_INVALID;
    uint32_t bits = 0;
    unsigned count = 0;
    for (size_t i = 0; i < text.size; i++) {
        int value = digit(text.data[i]);
        if (value < 0)
            return GH_ERR_INVALID;
        bits = (bits << 5 | (uint32_t)value) & 0xfff;
        count += 5;
        if (count >= 8) {
            count -= 8;
            gh_writer_put_byte(out, (uint8_t)(bits >> count & 0xff));
        }
    }
    /* Else one code would have several spellings that differ in bits nobody reads. */
    if ((bits & ((1u << count) - 1)) != 0)
        return GH_ERR_INVALID;
    return out->overflow ? GH_ERR_TOOBIG : GH_OK;
}
