/* SPDX-License-Identifier: Apache-2.0 */
#include "sheet_text.h"

#include <string.h>

#include "gatehouse/bytes.h"

#define REPLACEMENT 0xfffdu
#define ELLIPSIS 0x2026u
#define FONT_STEP_UM 250u
#define BALANCE_STEP_UM 1000u

/* --- characters ------------------------------------------------------------------------------ */

/* The character at *at, which moves on by at least one byte. */
static uint32_t next_character(const char **at)
{
    const uint8_t *bytes = (const uint8_t *)*at;
    size_t size = bytes[0] < 0x80 ? 1 : bytes[0] < 0xe0 ? 2 : bytes[0] < 0xf0 ? 3 : 4;

    if (strnlen(*at, size) < size || !gh_utf8_valid(bytes, size)) {
        *at += 1;
        return REPLACEMENT;
    }
    *at += size;
    uint32_t character = size == 1 ? bytes[0] : bytes[0] & (0x7fu >> size);
    for (size_t i = 1; i < size; i++)
        character = character << 6 | (bytes[i] & 0x3f);
    return character;
}

static bool is_blank(uint32_t character)
{
    return character == ' ' || (character >= '\t' && character <= '\r') || character == 0x85 ||
           character == 0x2028 || character == 0x2029;
}

/* What has no place on a sheet: control characters, marks that turn the direction of what follows,
 * and what XML does not allow. */
static bool is_dropped(uint32_t character)
{
    return character < 0x20 || (character >= 0x7f && character <= 0x9f) || character == 0x200e ||
           character == 0x200f || (character >= 0x202a && character <= 0x202e) ||
           (character >= 0x2066 && character <= 0x2069) || character == 0xfeff ||
           (character & 0xfffe) == 0xfffe;
}

static void take_characters(struct gh_sheet_text *out, const char *text)
{
    bool blank = false;

    while (*text != '\0' && out->count < GH_SHEET_MAX_CHARACTERS) {
        uint32_t character = next_character(&text);
        if (is_blank(character)) {
            blank = out->count > 0;
            continue;
        }
        if (is_dropped(character))
            continue;
        if (blank)
            out->characters[out->count++] = ' ';
        blank = false;
        if (out->count < GH_SHEET_MAX_CHARACTERS)
            out->characters[out->count++] = character;
    }
    out->cut = *text != '\0';
}

static bool is_combining(uint32_t character) /* drawn with the one before */
{
    return (character >= 0x300 && character <= 0x36f) ||
           (character >= 0x20d0 && character <= 0x20ff) || character == 0x200d ||
           (character >= 0xfe00 && character <= 0xfe0f);
}

static bool is_ideograph(uint32_t character) /* a line may break on either side */
{
    return (character >= 0x2e80 && character <= 0xa4cf) ||
           (character >= 0xac00 && character <= 0xd7a3) ||
           (character >= 0xf900 && character <= 0xfaff) ||
           (character >= 0x20000 && character <= 0x3ffff);
}

/* Hundredths of the font's size, DejaVu Sans Bold and a little more. */
static unsigned width_of(uint32_t character)
{
    static const uint8_t ascii[] = {
        35,  46, 53, 84, 70, 101, 88, 31,  46, 46, 53, 84, 39, 42,  39, 38, /* space to / */
        71,  71, 71, 71, 71, 71,  71, 71,  71, 71, 41, 41, 84, 84,  84, 59, /* 0 to ? */
        101, 78, 77, 74, 84, 69,  69, 83,  84, 39, 39, 78, 65, 101, 85, 86, /* @ to O */
        74,  86, 78, 73, 69, 82,  78, 113, 78, 73, 73, 46, 38, 46,  84, 51, /* P to _ */
        51,  68, 72, 60, 72, 69,  44, 72,  72, 35, 35, 68, 35, 106, 72, 70, /* ` to o */
        72,  72, 51, 60, 49, 72,  66, 99,  66, 66, 60, 72, 38, 72,  84,     /* p to ~ */
    };

    if (character >= 0x20 && character < 0x7f)
        return ascii[character - 0x20];
    if (is_combining(character))
        return 0;
    if (character < 0x250)
        return 86;
    if (character < 0x900 || is_ideograph(character))
        return 101;
    return character < 0x1f000 ? 115 : 135;
}

/* --- lines ----------------------------------------------------------------------------------- */

struct measure {
    unsigned width_um;
    unsigned font_um;
    unsigned max_lines;
    bool break_words;
};

static uint64_t set_width_um(uint32_t character, unsigned font_um)
{
    return (uint64_t)width_of(character) * font_um / 100;
}

/* Where the line that begins at start ends, at most at limit_um; start itself when no word fits. */
static size_t line_end(const struct gh_sheet_text *text, size_t start, uint64_t limit_um,
                       const struct measure *measure)
{
    uint64_t width_um = 0;
    size_t best = start;

    for (size_t i = start; i < text->count; i++) {
        uint32_t character = text->characters[i];
        bool joined = is_combining(character) ||
                      (i > start && text->characters[i - 1] == 0x200d); /* an emoji of several */
        bool between_ideographs =
            i > start && (is_ideograph(character) || is_ideograph(text->characters[i - 1]));
        if (!joined && (character == ' ' || between_ideographs || measure->break_words))
            best = i;
        width_um += set_width_um(character, measure->font_um);
        if (width_um > limit_um)
            return best;
    }
    return text->count;
}

/* Words first: within a word a line breaks only where a word alone is too long for it. */
static size_t next_line(const struct gh_sheet_text *text, size_t start,
                        const struct measure *measure)
{
    struct measure whole_words = *measure;

    whole_words.break_words = false;
    size_t end = line_end(text, start, measure->width_um, &whole_words);
    if (end == start && measure->break_words)
        end = line_end(text, start, measure->width_um, measure);
    return end;
}

/* true when all of the text is in the lines. */
static bool wrap(struct gh_sheet_text *text, const struct measure *measure)
{
    size_t start = 0;

    text->line_count = 0;
    text->font_um = measure->font_um;
    while (start < text->count && text->line_count < measure->max_lines) {
        size_t end = next_line(text, start, measure);
        if (end == start)
            return false;
        text->lines[text->line_count].start = start;
        text->lines[text->line_count].end = end;
        text->line_count++;
        start = end < text->count && text->characters[end] == ' ' ? end + 1 : end;
    }
    return start >= text->count;
}

/* Two lines of like length are nicer than a full one and a word. */
static void balance(struct gh_sheet_text *text, struct measure measure)
{
    unsigned lines = text->line_count;

    if (lines < 2)
        return;
    measure.max_lines = lines;
    do {
        measure.width_um -= BALANCE_STEP_UM;
    } while (measure.width_um > BALANCE_STEP_UM && wrap(text, &measure));
    measure.width_um += BALANCE_STEP_UM;
    (void)wrap(text, &measure);
}

/* The last line gives way until its ellipsis fits. */
static void cut_last_line(struct gh_sheet_text *text, unsigned width_um)
{
    size_t start = text->lines[text->line_count - 1].start;
    size_t end = text->lines[text->line_count - 1].end;
    uint64_t used_um = set_width_um(ELLIPSIS, text->font_um);

    text->cut = true;
    for (size_t i = start; i < end; i++)
        used_um += set_width_um(text->characters[i], text->font_um);
    while (end > start + 1 && (used_um > width_um || text->characters[end - 1] == ' '))
        used_um -= set_width_um(text->characters[--end], text->font_um);
    text->lines[text->line_count - 1].end = end;
}

static bool fit_one(struct gh_sheet_text *text, unsigned width_um,
                    const struct gh_sheet_choice *choice, bool break_words)
{
    for (unsigned font_um = choice->largest_um; font_um >= choice->smallest_um;
         font_um -= FONT_STEP_UM) {
        struct measure measure = {width_um, font_um, choice->lines, break_words};
        if (wrap(text, &measure)) {
            if (!break_words)
                balance(text, measure);
            return true;
        }
    }
    return false;
}

void gh_sheet_fit(struct gh_sheet_text *out, const char *text, unsigned width_um,
                  const struct gh_sheet_choice *choices, size_t choice_count)
{
    memset(out, 0, sizeof(*out));
    take_characters(out, text != NULL ? text : "");
    if (out->count == 0)
        return;
    if (out->cut)
        out->characters[out->count++] = ELLIPSIS;
    out->cut = false;
    for (int break_words = 0; break_words < 2; break_words++) {
        for (size_t i = 0; i < choice_count; i++) {
            if (fit_one(out, width_um, &choices[i], break_words != 0))
                return;
        }
    }
    cut_last_line(out, width_um);
}

/* --- XML ------------------------------------------------------------------------------------- */

static void put_character(FILE *stream, uint32_t character)
{
    static const unsigned lead[] = {0, 0xc0, 0xe0, 0xf0};

    switch (character) {
    case '&':
        (void)fputs("&amp;", stream);
        return;
    case '<':
        (void)fputs("&lt;", stream);
        return;
    case '>':
        (void)fputs("&gt;", stream);
        return;
    case '"':
        (void)fputs("&quot;", stream);
        return;
    case '\'':
        (void)fputs("&#39;", stream);
        return;
    default:
        break;
    }
    if (character < 0x80) {
        (void)putc((int)character, stream);
        return;
    }
    unsigned more = character < 0x800 ? 1 : character < 0x10000 ? 2 : 3;
    (void)putc((int)(lead[more] | character >> 6 * more), stream);
    while (more-- > 0)
        (void)putc((int)(0x80 | (character >> 6 * more & 0x3f)), stream);
}

void gh_sheet_put(FILE *stream, const struct gh_sheet_text *text, size_t start, size_t end)
{
    for (size_t i = start; i < end; i++)
        put_character(stream, text->characters[i]);
}
