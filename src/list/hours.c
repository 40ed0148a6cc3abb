/* SPDX-License-Identifier: Apache-2.0 */
#include "gatehouse/hours.h"

#include <stdio.h>
#include <string.h>

#define DAYS_A_WEEK 7
#define DAY_MIN (24 * 60)
#define HOLIDAYS (1u << GH_DAY_HOLIDAY)
#define RANGE_LEAST 3 /* so many days in a row are written with a hyphen */
#define YEAR_MAX 9999
#define SHOWN 40 /* of a text in an error's sentence */

static const char day_names[DAYS_A_WEEK][4] = {"mon", "tue", "wed", "thu", "fri", "sat", "sun"};

/* --- digits ----------------------------------------------------------------------------------- */

/* Exactly so many digits, and past them; -1: they are not there. */
static int take_digits(const char **at, int count)
{
    int value = 0;
    for (int i = 0; i < count; i++) {
        if ((*at)[i] < '0' || (*at)[i] > '9') {
            return -1;
        }
        value = value * 10 + ((*at)[i] - '0');
    }
    *at += count;
    return value;
}

static bool take_letter(const char **at, char letter)
{
    if (**at != letter) {
        return false;
    }
    (*at)++;
    return true;
}

/* --- reading hours ---------------------------------------------------------------------------- */

/* Monday is 0; -1: none of the seven. */
static int take_day(const char **at)
{
    for (int day = 0; day < DAYS_A_WEEK; day++) {
        if (strncmp(*at, day_names[day], 3) == 0) {
            *at += 3;
            return day;
        }
    }
    return -1;
}

/* "mon", or "mon-fri", which may go over the end of the week: "sat-mon". 0: neither. */
static unsigned take_range(const char **at)
{
    int day = take_day(at);
    int last = day >= 0 && take_letter(at, '-') ? take_day(at) : day;
    if (day < 0 || last < 0) {
        return 0;
    }
    unsigned days = 1u << day;
    while (day != last) {
        day = (day + 1) % DAYS_A_WEEK;
        days |= 1u << day;
    }
    return days;
}

static enum gh_status take_days(const char **at, unsigned *days, struct gh_error *err)
{
    const char *text = *at;
    if (strncmp(*at, "holiday", 7) == 0) {
        *at += 7;
        *days = HOLIDAYS;
        return GH_OK;
    }
    *days = 0;
    do {
        unsigned range = take_range(at);
        if (range == 0) {
            return gh_fail(err, GH_ERR_INVALID,
                           "\"%.*s\" must begin with days, as mon-fri or sat,sun, or with holiday",
                           SHOWN, text);
        }
        if ((*days & range) != 0) {
            return gh_fail(err, GH_ERR_INVALID, "\"%.*s\" names a day twice", SHOWN, text);
        }
        *days |= range;
    } while (take_letter(at, ','));
    return GH_OK;
}

/* Minutes since midnight, 24:00 included; -1: no time. */
static int take_time(const char **at)
{
    int hour = take_digits(at, 2);
    if (hour < 0 || !take_letter(at, ':')) {
        return -1;
    }
    int minute = take_digits(at, 2);
    if (minute < 0 || minute > 59 || hour * 60 + minute > DAY_MIN) {
        return -1;
    }
    return hour * 60 + minute;
}

/* What has a spelling, so that two that say the same are the same: who ends at midnight ends at
 * 24:00. */
static bool hours_fit(const struct gh_hours *hours)
{
    bool days = hours->days == HOLIDAYS || (hours->days != 0 && hours->days < HOLIDAYS);
    return days && hours->from_min >= 0 && hours->from_min < DAY_MIN && hours->until_min > 0 &&
           hours->until_min <= DAY_MIN;
}

enum gh_status gh_hours_parse(const char *text, struct gh_hours *out, struct gh_error *err)
{
    struct gh_hours hours = {0};
    const char *at = text + strspn(text, " ");
    *out = (struct gh_hours){0};
    enum gh_status status = take_days(&at, &hours.days, err);
    if (status != GH_OK) {
        return status;
    }
    size_t blanks = strspn(at, " ");
    at += blanks;
    hours.from_min = take_time(&at);
    hours.until_min = hours.from_min >= 0 && take_letter(&at, '-') ? take_time(&at) : -1;
    if (hours.until_min == 0) {
        hours.until_min = DAY_MIN;
    }
    at += strspn(at, " ");
    if (blanks == 0 || *at != '\0' || !hours_fit(&hours)) {
        return gh_fail(err, GH_ERR_INVALID,
                       "\"%.*s\" must say a time behind the days, as 07:30-19:00", SHOWN, text);
    }
    *out = hours;
    return GH_OK;
}

/* --- writing hours ---------------------------------------------------------------------------- */

/* How many days in a row from this one on, up to Sunday. */
static int run_of(unsigned days, int day)
{
    int count = 0;
    while (day + count < DAYS_A_WEEK && (days & (1u << (day + count))) != 0) {
        count++;
    }
    return count;
}

static void put(char out[GH_HOURS_TEXT_BYTES], const char *text)
{
    size_t used = strlen(out);
    snprintf(out + used, GH_HOURS_TEXT_BYTES - used, "%s", text);
}

static void put_days(char out[GH_HOURS_TEXT_BYTES], unsigned days)
{
    for (int day = 0; day < DAYS_A_WEEK; day++) {
        int run = run_of(days, day);
        if (run == 0) {
            continue;
        }
        put(out, out[0] != '\0' ? "," : "");
        put(out, day_names[day]);
        if (run >= RANGE_LEAST) {
            put(out, "-");
            put(out, day_names[day + run - 1]);
            day += run - 1;
        }
    }
}

enum gh_status gh_hours_format(const struct gh_hours *hours, char out[GH_HOURS_TEXT_BYTES])
{
    char times[16];
    out[0] = '\0';
    if (!hours_fit(hours)) {
        return GH_ERR_INVALID;
    }
    if (hours->days == HOLIDAYS) {
        put(out, "holiday");
    } else {
        put_days(out, hours->days);
    }
    snprintf(times, sizeof(times), " %02u:%02u-%02u:%02u", (unsigned)hours->from_min / 60 % 100,
             (unsigned)hours->from_min % 60, (unsigned)hours->until_min / 60 % 100,
             (unsigned)hours->until_min % 60);
    put(out, times);
    return GH_OK;
}

/* --- days ------------------------------------------------------------------------------------- */

static bool is_leap(int year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static int days_in(int year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    return month == 2 && is_leap(year) ? 29 : days[month - 1];
}

/* February 29 of every year is one where there is one. */
static bool holiday_fits(const struct gh_holiday *holiday)
{
    return holiday->year >= 0 && holiday->year <= YEAR_MAX && holiday->month >= 1 &&
           holiday->month <= 12 && holiday->day >= 1 &&
           holiday->day <= days_in(holiday->year, holiday->month);
}

enum gh_status gh_holiday_parse(const char *text, struct gh_holiday *out, struct gh_error *err)
{
    struct gh_holiday holiday = {0};
    const char *at = text;
    bool good = true;
    *out = holiday;
    if (strlen(text) > strlen("12-25")) {
        holiday.year = take_digits(&at, 4);
        good = holiday.year > 0 && take_letter(&at, '-');
    }
    holiday.month = good ? take_digits(&at, 2) : -1;
    holiday.day = holiday.month > 0 && take_letter(&at, '-') ? take_digits(&at, 2) : -1;
    if (!good || *at != '\0' || !holiday_fits(&holiday)) {
        return gh_fail(err, GH_ERR_INVALID,
                       "\"%.*s\" must be a day, as 2026-12-25, or 12-25 for every year", SHOWN,
                       text);
    }
    *out = holiday;
    return GH_OK;
}

enum gh_status gh_holiday_format(const struct gh_holiday *holiday, char out[GH_HOLIDAY_TEXT_BYTES])
{
    unsigned year = (unsigned)holiday->year, month = (unsigned)holiday->month;
    unsigned day = (unsigned)holiday->day;
    out[0] = '\0';
    if (!holiday_fits(holiday)) {
        return GH_ERR_INVALID;
    }
    if (year == 0) {
        snprintf(out, GH_HOLIDAY_TEXT_BYTES, "%02u-%02u", month % 100, day % 100);
    } else {
        snprintf(out, GH_HOLIDAY_TEXT_BYTES, "%04u-%02u-%02u", year % 10000, month % 100,
                 day % 100);
    }
    return GH_OK;
}

int gh_holiday_compare(const struct gh_holiday *a, const struct gh_holiday *b)
{
    int difference = a->year - b->year;
    if (difference == 0) {
        difference = a->month - b->month;
    }
    return difference != 0 ? difference : a->day - b->day;
}

/* Monday is 0 (Sakamoto's method). */
static int weekday_of(int year, int month, int day)
{
    static const int offsets[] = {0, 3, 2, 5, 0, 3, 5, 1, 4, 6, 2, 4};
    int y = month < 3 ? year - 1 : year;
    return (y + y / 4 - y / 100 + y / 400 + offsets[month - 1] + day + 6) % DAYS_A_WEEK;
}

/* --- asking ----------------------------------------------------------------------------------- */

/* The bit of the rules that begin on this day. */
static unsigned kind_of(const struct gh_opening *opening, int year, int month, int day)
{
    for (size_t i = 0; i < opening->holiday_count; i++) {
        const struct gh_holiday *holiday = &opening->holidays[i];
        if ((holiday->year == 0 || holiday->year == year) && holiday->month == month &&
            holiday->day == day) {
            return HOLIDAYS;
        }
    }
    return 1u << weekday_of(year, month, day);
}

static unsigned kind_of_the_day_before(const struct gh_opening *opening,
                                       const struct gh_local_time *at)
{
    if (at->day > 1) {
        return kind_of(opening, at->year, at->month, at->day - 1);
    }
    if (at->month > 1) {
        return kind_of(opening, at->year, at->month - 1, days_in(at->year, at->month - 1));
    }
    return kind_of(opening, at->year - 1, 12, 31);
}

/* What a broken clock may hold is no time at all. */
static bool is_time(const struct gh_local_time *at)
{
    const struct gh_holiday date = {.year = at->year, .month = at->month, .day = at->day};
    return at->year > 1 && holiday_fits(&date) && at->minute >= 0 && at->minute < DAY_MIN;
}

bool gh_opening_is_open(const struct gh_opening *opening, const struct gh_local_time *at)
{
    if (opening->hours_count > GH_HOURS_MAX || opening->holiday_count > GH_HOLIDAYS_MAX ||
        !is_time(at)) {
        return false;
    }
    unsigned today = kind_of(opening, at->year, at->month, at->day);
    unsigned yesterday = kind_of_the_day_before(opening, at);
    for (size_t i = 0; i < opening->hours_count; i++) {
        const struct gh_hours *hours = &opening->hours[i];
        bool overnight = hours->until_min <= hours->from_min;
        if ((hours->days & today) != 0 && at->minute >= hours->from_min &&
            (overnight || at->minute < hours->until_min)) {
            return true;
        }
        if ((hours->days & yesterday) != 0 && overnight && at->minute < hours->until_min) {
            return true;
        }
    }
    return false;
}
