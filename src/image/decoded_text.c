/* SPDX-License-Identifier: Apache-2.0 */
/* What a code's bytes say, for people. A QR code seldom names its character set. The standard says
 * ISO 8859-1, today's generators write UTF-8, older ones in Japan and China wrote Shift JIS and
 * GB 2312. UTF-8 gives itself away; the others are told apart by how their characters stand
 * together: Latin letters with accents stand alone between ASCII ones, kanji, kana and hanzi stand
 * in rows. */
#include <iconv.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "gatehouse/decode.h"

#define NO_CONVERTER ((iconv_t)-1) /* NOLINT(performance-no-int-to-ptr): POSIX says so */
#define MAX_GROWTH 3               /* bytes of UTF-8 for one byte of any of these character sets */

/* --- Shift JIS ------------------------------------------------------------------------------- */

static bool sjis_is_lead(uint8_t byte)
{
    return (byte >= 0x81 && byte <= 0x9f) || (byte >= 0xe0 && byte <= 0xfc);
}

static bool sjis_is_kana(uint8_t byte) /* half-width katakana, one byte each */
{
    return byte >= 0xa1 && byte <= 0xdf;
}

/* The sound marks follow a kana; the prolonged sound mark follows any. Pairs of hanzi have them by
 * chance only. */
static bool sjis_is_mark(uint8_t before, uint8_t byte)
{
    if (byte == 0xde || byte == 0xdf)
        return (before >= 0xb6 && before <= 0xc4) || (before >= 0xca && before <= 0xce);
    return byte == 0xb0 && sjis_is_kana(before) && before > 0xa5;
}

struct japanese {
    bool possible;
    bool kana_marks;
    size_t kana;        /* half-width ones in all */
    size_t kana_row;    /* the longest row of them */
    size_t doubles_row; /* the longest row of two-byte characters */
};

static size_t larger(size_t a, size_t b)
{
    return a > b ? a : b;
}

static struct japanese look_for_japanese(struct gh_bytes bytes)
{
    struct japanese seen = {.possible = true};
    size_t kana_row = 0, doubles_row = 0;

    for (size_t i = 0; i < bytes.size; i++) {
        uint8_t byte = bytes.data[i];
        if (byte < 0x80) {
            kana_row = doubles_row = 0;
        } else if (sjis_is_kana(byte)) {
            seen.kana++;
            seen.kana_marks |= kana_row > 0 && sjis_is_mark(bytes.data[i - 1], byte);
            seen.kana_row = larger(seen.kana_row, ++kana_row);
            doubles_row = 0;
        } else if (sjis_is_lead(byte) && i + 1 < bytes.size && bytes.data[i + 1] >= 0x40 &&
                   bytes.data[i + 1] <= 0xfc && bytes.data[i + 1] != 0x7f) {
            i++;
            seen.doubles_row = larger(seen.doubles_row, ++doubles_row);
            kana_row = 0;
        } else {
            seen.possible = false;
            break;
        }
    }
    return seen;
}

/* --- GB 2312, the part of GB 18030 that such codes hold -------------------------------------- */

/* Everything above ASCII in pairs, nearly all of them common hanzi (they come first in the table)
 * or punctuation, and at least two in a row. */
static bool looks_chinese(struct gh_bytes bytes)
{
    size_t row = 0, longest_row = 0, pairs = 0, common = 0;

    for (size_t i = 0; i < bytes.size; i++) {
        uint8_t lead = bytes.data[i];
        if (lead < 0x80) {
            row = 0;
            continue;
        }
        uint8_t trail = i + 1 < bytes.size ? bytes.data[i + 1] : 0;
        bool punctuation = lead >= 0xa1 && lead <= 0xa3;
        bool hanzi = lead >= 0xb0 && lead <= 0xf7;
        if ((!punctuation && !hanzi) || trail < 0xa1 || trail == 0xff)
            return false;
        i++;
        pairs++;
        common += punctuation || lead <= 0xd7;
        longest_row = larger(longest_row, ++row);
    }
    return longest_row >= 2 && common * 10 >= pairs * 8;
}

/* --- choosing -------------------------------------------------------------------------------- */

enum charset { LATIN_1, SHIFT_JIS, GB_18030 };

/* In ISO 8859-1 0x80 to 0x9F are control characters, which no text has. */
static bool latin_is_possible(struct gh_bytes bytes)
{
    for (size_t i = 0; i < bytes.size; i++) {
        if (bytes.data[i] >= 0x80 && bytes.data[i] <= 0x9f)
            return false;
    }
    return true;
}

static size_t count_latin_signs(struct gh_bytes bytes) /* above ASCII, and no letters */
{
    size_t signs = 0;

    for (size_t i = 0; i < bytes.size; i++) {
        uint8_t byte = bytes.data[i];
        signs += (byte >= 0xa0 && byte <= 0xbf) || byte == 0xd7 || byte == 0xf7;
    }
    return signs;
}

static bool looks_japanese(struct gh_bytes bytes, const struct japanese *seen)
{
    if (!seen->possible)
        return false;
    if (seen->kana_row >= 3 || seen->doubles_row >= 3 || !latin_is_possible(bytes))
        return true;
    return seen->kana_row >= 2 && (seen->kana == 2 || count_latin_signs(bytes) * 10 >= bytes.size);
}

static enum charset guess_charset(struct gh_bytes bytes)
{
    struct japanese japanese = look_for_japanese(bytes);
    bool chinese = looks_chinese(bytes);

    if (chinese && !(japanese.possible && japanese.kana_marks))
        return GB_18030;
    if (looks_japanese(bytes, &japanese))
        return SHIFT_JIS;
    return latin_is_possible(bytes) ? LATIN_1 : GB_18030;
}

/* --- converting ------------------------------------------------------------------------------ */

static void put_latin_1(struct gh_writer *to, struct gh_bytes bytes)
{
    for (size_t i = 0; i < bytes.size; i++) {
        uint8_t byte = bytes.data[i];
        if (byte < 0x80) {
            gh_writer_put_byte(to, byte);
        } else {
            gh_writer_put_byte(to, (uint8_t)(0xc0 | byte >> 6));
            gh_writer_put_byte(to, (uint8_t)(0x80 | (byte & 0x3f)));
        }
    }
}

/* All of the bytes or nothing. false: not well-formed (or this system does not know the set). */
static bool put_by_iconv(struct gh_writer *to, iconv_t converter, struct gh_bytes bytes)
{
    char *in = (char *)bytes.data; /* iconv does not write to it */
    char *out = (char *)to->data + to->size;
    size_t in_left = bytes.size, out_left = to->capacity - to->size;

    if (converter == NO_CONVERTER)
        return false;
    (void)iconv(converter, NULL, NULL, NULL, NULL);
    if (iconv(converter, &in, &in_left, &out, &out_left) == (size_t)-1 || in_left != 0)
        return false;
    to->size = to->capacity - out_left;
    return true;
}

static void close_iconv(iconv_t *converter)
{
    if (*converter != NO_CONVERTER)
        (void)iconv_close(*converter);
}

#define CONVERTER_FROM(charset)                                                                    \
    __attribute__((cleanup(close_iconv))) iconv_t charset = iconv_open("UTF-8", #charset)

/* ASCII stays ASCII: JIS X 0201 has a yen sign where links and Wi-Fi codes mean a backslash. The
 * rest by the standard's table first, by Microsoft's larger one where that has no character. */
static bool put_shift_jis(struct gh_writer *to, struct gh_bytes bytes)
{
    CONVERTER_FROM(SJIS);
    CONVERTER_FROM(CP932);

    for (size_t i = 0; i < bytes.size;) {
        struct gh_bytes character = {bytes.data + i, sjis_is_lead(bytes.data[i]) ? 2 : 1};
        if (character.size > bytes.size - i)
            return false;
        if (character.data[0] < 0x80)
            gh_writer_put_byte(to, character.data[0]);
        else if (!put_by_iconv(to, SJIS, character) && !put_by_iconv(to, CP932, character))
            return false;
        i += character.size;
    }
    return true;
}

static bool put_gb_18030(struct gh_writer *to, struct gh_bytes bytes)
{
    CONVERTER_FROM(GB18030);

    return put_by_iconv(to, GB18030, bytes);
}

static void put_as_utf8(struct gh_writer *to, struct gh_bytes bytes)
{
    bool done = false;

    if (gh_utf8_valid(bytes.data, bytes.size)) {
        gh_writer_put(to, bytes.data, bytes.size);
        return;
    }
    switch (guess_charset(bytes)) {
    case SHIFT_JIS:
        done = put_shift_jis(to, bytes);
        break;
    case GB_18030:
        done = put_gb_18030(to, bytes);
        break;
    case LATIN_1:
        break;
    }
    if (!done) {
        to->size = 0;
        put_latin_1(to, bytes);
    }
}

enum gh_status gh_decoded_text(struct gh_bytes bytes, char **out, size_t *size)
{
    *out = NULL;
    *size = 0;
    if (bytes.size > SIZE_MAX / MAX_GROWTH - 1)
        return GH_ERR_TOOBIG;
    size_t capacity = bytes.size * MAX_GROWTH;
    uint8_t *text = malloc(capacity + 1);
    if (text == NULL)
        return GH_ERR_NOMEM;
    struct gh_writer to = gh_writer_over(text, capacity);
    put_as_utf8(&to, bytes);
    text[to.size] = '\0';
    *out = (char *)text;
    *size = to.size;
    return GH_OK;
}
