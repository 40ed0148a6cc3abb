/* SPDX-License-Identifier: Apache-2.0 */
#include "code/base45.h"

static const char alphabet[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:";

/* A character's value by its place behind the space; looking through the alphabet took longer than
 * unpacking what it spells. */
#define NO 45
static const uint8_t digits_from_space[] = {
    36, NO, NO, NO, 37, 38, NO, NO, NO, NO, 39, 40, NO, 41, 42, 43, 0,  1,  2,  3,  4,  5,
    6,  7,  8,  9,  44, NO, NO, NO, NO, NO, NO, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20,
    21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, NO, NO, NO, NO, NO,
};

/* A character's value, or -1. */
static int digit(uint8_t character)
{
    unsigned place = (unsigned)character - ' ';
    if (character < ' ' || place >= GH_ARRAY_SIZE(digits_from_space))
        return -1;
    return digits_from_space[place] == NO ? -1 : digits_from_space[place];
}

/* `digits` characters, the least significant first (RFC 9285, section 4). */
static void put_number(struct gh_writer *writer, unsigned number, int digits)
{
    for (; digits > 0; digits--) {
        gh_writer_put_byte(writer, (uint8_t)alphabet[number % 45]);
        number /= 45;
    }
}

void gh_base45_put(struct gh_writer *writer, struct gh_bytes data)
{
    size_t i = 0;
    for (; data.size - i >= 2; i += 2)
        put_number(writer, data.data[i] * 256u + data.data[i + 1], 3);
    if (i < data.size)
        put_number(writer, data.data[i], 2);
}

/* The number that `digits` characters stand for, or UINT32_MAX when one is not in the alphabet. */
static uint32_t number_of(const uint8_t *characters, size_t digits)
{
    uint32_t number = 0;
    while (digits > 0) {
        int value = digit(characters[--digits]);
        if (value < 0)
            return UINT32_MAX;
        number = number * 45 + (uint32_t)value;
    }
    return number;
}

enum gh_status gh_base45_decode(struct gh_bytes text, struct gh_writer *out)
{
    if (text.size % 3 == 1)
        return GH_ERR_INVALID;
    for (size_t i = 0; i < text.size; i += 3) {
        size_t digits = text.size - i < 3 ? 2 : 3;
        uint32_t number = number_of(text.data + i, digits);
        if (number > (digits == 3 ? 0xffffu : 0xffu))
            return GH_ERR_INVALID;
        if (digits == 3)
            gh_writer_put_byte(out, (uint8_t)(number >> 8));
        gh_writer_put_byte(out, (uint8_t)(number & 0xff));
    }
    return out->overflow ? GH_ERR_TOOBIG : GH_OK;
}
