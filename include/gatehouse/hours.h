/* SPDX-License-Identifier: Apache-2.0 */
/* Opening hours and holidays: when a door stands unlocked by itself. Texts as an administrator
 * writes them, each with one spelling (docs/protocol.md, section 4), and a pure question. All by
 * the wall clock of the gate's time zone, whatever daylight saving makes of it: hours that a clock
 * put forward leaps over do not happen, those that one put back repeats happen twice. */
#ifndef GATEHOUSE_HOURS_H
#define GATEHOUSE_HOURS_H

#include <stdbool.h>
#include <stddef.h>

#include "gatehouse/status.h"

#define GH_HOURS_MAX 16
#define GH_HOLIDAYS_MAX 64
#define GH_HOURS_TEXT_BYTES 64
#define GH_HOLIDAY_TEXT_BYTES 16

/* Bits of days: Monday is bit 0, Sunday bit 6. */
#define GH_DAY_HOLIDAY 7 /* holidays, on which no others begin; stands alone in a set */

struct gh_hours {
    unsigned days;           /* a set of 1u << day */
    int from_min, until_min; /* minutes since midnight: 0..1439, and 1..1440. until <= from: into
                                the next morning, as part of the day that they began on */
};
struct gh_holiday {
    int year; /* 0: every year */
    int month, day;
};
struct gh_opening {
    struct gh_hours hours[GH_HOURS_MAX];
    size_t hours_count;
    struct gh_holiday holidays[GH_HOLIDAYS_MAX];
    size_t holiday_count;
};

/* "mon-fri 07:30-19:00", "sat,sun 22:00-02:00", "holiday 10:00-24:00". Days may come in any order,
 * a range may go over the end of the week, blanks do no harm, and 00:00 is an end, too.
 * GH_ERR_INVALID with a sentence; what format writes of it is the one spelling. Format:
 * GH_ERR_INVALID for what cannot be said, with an empty text. */
GH_MUST_CHECK enum gh_status gh_hours_parse(const char *text, struct gh_hours *out,
                                            struct gh_error *err);
GH_MUST_CHECK enum gh_status gh_hours_format(const struct gh_hours *hours,
                                             char out[GH_HOURS_TEXT_BYTES]);
/* "2026-12-25", or "12-25" for every year. "02-29" is one in the years that have it. Errors as
 * above. */
GH_MUST_CHECK enum gh_status gh_holiday_parse(const char *text, struct gh_holiday *out,
                                              struct gh_error *err);
GH_MUST_CHECK enum gh_status gh_holiday_format(const struct gh_holiday *holiday,
                                               char out[GH_HOLIDAY_TEXT_BYTES]);
/* Below 0, 0 or above: those of every year come first, the others by their date. */
int gh_holiday_compare(const struct gh_holiday *a, const struct gh_holiday *b);

/* A moment as the wall clock at the gate shows it. */
struct gh_local_time {
    int year, month, day; /* 2026, 1..12, 1..31 */
    int minute;           /* of the day, 0..1439 */
};
/* Hours that go over midnight are their first day's alone: those that began on Friday evening go on
 * into a Saturday that is a holiday, and none go on from a holiday into the day after but those for
 * holidays. A moment that is none (month 13, minute -1) is shut. */
bool gh_opening_is_open(const struct gh_opening *opening, const struct gh_local_time *at);

#endif
