/* SPDX-License-Identifier: Apache-2.0 */
/* The texts of a SMART Health Card: `shc:/DIGITS`, or chunks `shc:/C/N/DIGITS`. */
#include <string.h>

#include "code/shc.h"
#include "gatehouse/clock.h"

#define PREFIX_BYTES (sizeof(GH_SHC_PREFIX) - 1)
#define DIGITS_MAX 4 /* of C or N: more is a number that cannot be, whatever it is */
#define PAIR_BASE 45 /* a pair of digits is a character's code less this */
#define PAIR_MAX 77  /* 'z' */

_Static_assert(GH_SHC_JWS_MAX_BYTES * 2 == GH_PARTS_TEXT_BYTES, "what fits must have room");

/* --- one text -------------------------------------------------------------------------------- */

struct chunk {
    size_t number, count; /* the number-th of count, from 1; 0 of 0: a card without chunk numbers */
    struct gh_bytes digits; /* not looked at yet */
};

static bool is_digit(uint8_t c)
{
    return c >= '0' && c <= '9';
}

static struct gh_bytes behind(struct gh_bytes text, size_t size)
{
    return (struct gh_bytes){.data = text.data + size, .size = text.size - size};
}

/* Cut `NUMBER/` off: decimal, no sign, no zeros in front. */
static bool cut_number(struct gh_bytes *text, size_t *number)
{
    size_t size = 0;
    *number = 0;
    while (size < text->size && size < DIGITS_MAX && is_digit(text->data[size]))
        *number = *number * 10 + (size_t)(text->data[size++] - '0');
    if (size == 0 || size == text->size || text->data[size] != '/' || text->data[0] == '0')
        return false;
    *text = behind(*text, size + 1);
    return true;
}

/* NOT_A_CODE: not `shc:/`, in these very letters; BAD_TEXT: numbers with zeros in front, or none;
 * BAD_PARTS: numbers that cannot be. */
static enum gh_reason parse_chunk(struct gh_bytes text, struct chunk *out)
{
    *out = (struct chunk){.count = 0};
    if (text.size < PREFIX_BYTES || memcmp(text.data, GH_SHC_PREFIX, PREFIX_BYTES) != 0)
        return GH_REASON_NOT_A_CODE;
    out->digits = behind(text, PREFIX_BYTES);
    if (out->digits.size == 0 || memchr(out->digits.data, '/', out->digits.size) == NULL)
        return GH_REASON_OK;
    if (!cut_number(&out->digits, &out->number) || !cut_number(&out->digits, &out->count))
        return GH_REASON_BAD_TEXT;
    if (out->number > out->count || out->count > GH_PARTS_MAX)
        return GH_REASON_BAD_PARTS;
    return GH_REASON_OK;
}

/* --- all texts ------------------------------------------------------------------------------- */

static bool decode_digits(struct gh_bytes digits, struct gh_writer *jws)
{
    if (digits.size == 0 || digits.size % 2 != 0)
        return false;
    for (size_t i = 0; i < digits.size; i += 2) {
        if (!is_digit(digits.data[i]) || !is_digit(digits.data[i + 1]))
            return false;
        int pair = (digits.data[i] - '0') * 10 + (digits.data[i + 1] - '0');
        if (pair > PAIR_MAX)
            return false;
        gh_writer_put_byte(jws, (uint8_t)(pair + PAIR_BASE));
    }
    return true;
}

static enum gh_reason check_sizes(const struct gh_bytes *texts, size_t count)
{
    size_t total = 0;
    if (count == 0 || count > GH_PARTS_MAX)
        return GH_REASON_BAD_PARTS;
    for (size_t i = 0; i < count; i++)
        total += texts[i].size; /* each has at most GH_CODE_TEXT_MAX_BYTES */
    return total <= GH_PARTS_TEXT_BYTES ? GH_REASON_OK : GH_REASON_BAD_PARTS;
}

/* The texts in the order of their numbers; *expected: how many there should be. */
static enum gh_reason sort(const struct gh_bytes *texts, size_t count,
                           struct gh_bytes digits[GH_PARTS_MAX], size_t *expected)
{
    bool taken[GH_PARTS_MAX] = {false};
    for (size_t i = 0; i < count; i++) {
        struct chunk chunk;
        enum gh_reason reason = parse_chunk(texts[i], &chunk);
        if (reason == GH_REASON_NOT_A_CODE)
            return count > 1 ? GH_REASON_BAD_PARTS : GH_REASON_BAD_TEXT;
        if (reason != GH_REASON_OK)
            return reason;
        if (i == 0)
            *expected = chunk.count;
        if (chunk.count != *expected || (chunk.count == 0 && count > 1))
            return GH_REASON_BAD_PARTS;
        size_t at = chunk.count > 0 ? chunk.number - 1 : 0;
        if (taken[at])
            return GH_REASON_BAD_PARTS;
        taken[at] = true;
        digits[at] = chunk.digits;
    }
    return GH_REASON_OK;
}

enum gh_reason gh_shc_join(const struct gh_bytes *texts, size_t count, struct gh_writer *jws)
{
    struct gh_bytes digits[GH_PARTS_MAX] = {{.size = 0}};
    size_t expected = 0;
    enum gh_reason reason = check_sizes(texts, count);
    if (reason == GH_REASON_OK)
        reason = sort(texts, count, digits, &expected);
    if (reason != GH_REASON_OK)
        return reason;
    if (count < expected)
        return GH_REASON_WAIT_PARTS;
    for (size_t i = 0; i < count; i++)
        if (!decode_digits(digits[i], jws))
            return GH_REASON_BAD_TEXT;
    return jws->overflow ? GH_REASON_BAD_PARTS : GH_REASON_OK;
}

/* --- as a camera meets them ------------------------------------------------------------------ */

void gh_parts_forget(struct gh_parts *parts)
{
    gh_wipe(parts, sizeof(*parts));
}

/* Whether the chunk may be one more of those that are here. */
static bool goes_on(const struct gh_parts *parts, const struct chunk *chunk, struct gh_bytes text,
                    int64_t now_ns)
{
    /* Unsigned: a clock that went back is a pause too. */
    uint64_t pause_ns = (uint64_t)now_ns - (uint64_t)parts->last_ns;
    if (chunk->count != parts->count || pause_ns >= GH_PARTS_PAUSE_S * (uint64_t)GH_NS_PER_S)
        return false;
    struct gh_bytes known = parts->part[chunk->number - 1];
    return known.size == 0 || gh_bytes_equal(known, text);
}

static void keep(struct gh_parts *parts, struct gh_bytes *part, struct gh_bytes text)
{
    uint8_t *copy = parts->text + parts->used;
    memcpy(copy, text.data, text.size);
    *part = (struct gh_bytes){.data = copy, .size = text.size};
    parts->used += text.size;
    parts->have++;
}

/* More than a card may be: what is missing is filled up with what is here, so that whoever reads
 * the card now gets BAD_PARTS for it, instead of waiting for ever. */
static void give_up(struct gh_parts *parts)
{
    struct gh_bytes some = {.size = 0};
    for (size_t i = 0; i < parts->count; i++)
        if (parts->part[i].size > 0)
            some = parts->part[i];
    for (size_t i = 0; i < parts->count; i++)
        if (parts->part[i].size == 0)
            parts->part[i] = some;
    parts->have = parts->count;
}

bool gh_parts_take(struct gh_parts *parts, struct gh_bytes text, int64_t now_ns)
{
    struct chunk chunk;
    if (text.size > GH_CODE_TEXT_MAX_BYTES || parse_chunk(text, &chunk) != GH_REASON_OK ||
        chunk.count < 2)
        return false;
    if (!goes_on(parts, &chunk, text, now_ns)) {
        gh_parts_forget(parts);
        parts->count = chunk.count;
    }
    parts->last_ns = now_ns;
    struct gh_bytes *part = &parts->part[chunk.number - 1];
    if (part->size > 0)
        return true;
    if (text.size > sizeof(parts->text) - parts->used)
        give_up(parts);
    else
        keep(parts, part, text);
    return true;
}
