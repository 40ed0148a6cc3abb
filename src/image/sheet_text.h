/* SPDX-License-Identifier: Apache-2.0 */
/* Text of any length set in a box whose font nobody knows: the width of its characters is guessed
 * from the widest of the usual sans-serif fonts, so that nothing leaves the box. */
#ifndef GATEHOUSE_SRC_IMAGE_SHEET_TEXT_H
#define GATEHOUSE_SRC_IMAGE_SHEET_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define GH_SHEET_MAX_CHARACTERS 512
#define GH_SHEET_MAX_LINES 5

/* Up to so many lines with fonts of these sizes, in micrometres; the earlier choice is the nicer.
 */
struct gh_sheet_choice {
    unsigned lines;
    unsigned largest_um;
    unsigned smallest_um;
};

struct gh_sheet_text {
    uint32_t characters[GH_SHEET_MAX_CHARACTERS + 1]; /* one more for an ellipsis */
    size_t count;
    struct {
        size_t start;
        size_t end;
    } lines[GH_SHEET_MAX_LINES];
    unsigned line_count; /* 0 for an empty text */
    unsigned font_um;
    bool cut; /* the last line is followed by an ellipsis */
};

/* text is UTF-8 (damaged bytes become U+FFFD) or NULL; control characters are dropped. */
void gh_sheet_fit(struct gh_sheet_text *out, const char *text, unsigned width_um,
                  const struct gh_sheet_choice *choices, size_t choice_count);

/* Characters from start to end as UTF-8, with XML's own characters escaped. */
void gh_sheet_put(FILE *stream, const struct gh_sheet_text *text, size_t start, size_t end);

#endif
