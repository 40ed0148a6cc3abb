/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "gatehouse/bytes.h"
#include "gatehouse/hours.h"

#define DAY_MIN 1440

/* --- words --- */

static void hours_have_one_spelling(void **state)
{
    (void)state;
    static const struct {
        const char *text, *spelling;
    } rows[] = {
        {"mon-fri 07:30-19:00", "mon-fri 07:30-19:00"},
        {"sat,sun 22:00-02:00", "sat,sun 22:00-02:00"},
        {"holiday 10:00-24:00", "holiday 10:00-24:00"},
        {"mon-sun 00:00-24:00", "mon-sun 00:00-24:00"},
        {"mon 00:00-00:01", "mon 00:00-00:01"},
        {"mon 23:59-24:00", "mon 23:59-24:00"},
        {"wed 08:00-08:00", "wed 08:00-08:00"}, /* round the clock, from then on */
        {"mon,tue,thu,fri,sun 08:00-09:00", "mon,tue,thu,fri,sun 08:00-09:00"},
        /* said otherwise */
        {"  mon-fri   07:30-19:00  ", "mon-fri 07:30-19:00"},
        {"mon,tue,wed 08:00-09:00", "mon-wed 08:00-09:00"},
        {"mon-tue 08:00-09:00", "mon,tue 08:00-09:00"},
        {"sun,mon 08:00-09:00", "mon,sun 08:00-09:00"},
        {"fri-mon 08:00-09:00", "mon,fri-sun 08:00-09:00"},
        {"sun-tue,fri 08:00-09:00", "mon,tue,fri,sun 08:00-09:00"},
        {"wed-wed 08:00-09:00", "wed 08:00-09:00"},
        {"mon 22:00-00:00", "mon 22:00-24:00"},
        {"mon 00:00-00:00", "mon 00:00-24:00"},
    };
    for (size_t i = 0; i < GH_ARRAY_SIZE(rows); i++) {
        struct gh_hours hours;
        struct gh_error err = {0};
        char spelling[GH_HOURS_TEXT_BYTES];
        if (gh_hours_parse(rows[i].text, &hours, &err) != GH_OK)
            fail_msg("%s: %s", rows[i].text, err.text);
        assert_int_equal(gh_hours_format(&hours, spelling), GH_OK);
        assert_string_equal(spelling, rows[i].spelling);
    }
}

static void what_is_no_hours_is_said(void **state)
{
    (void)state;
    static const struct {
        const char *text, *says;
    } rows[] = {
        {"", "must begin with days"},
        {"07:30-19:00", "must begin with days"},
        {"monday 07:30-19:00", "must say a time"},
        {"Mon 07:30-19:00", "must begin with days"},
        {"mo 07:30-19:00", "must begin with days"},
        {"mon- 07:30-19:00", "must begin with days"},
        {"mon, tue 07:30-19:00", "must begin with days"},
        {"mon,holiday 07:30-19:00", "must begin with days"},
        {"holiday,mon 07:30-19:00", "must say a time"},
        {"mon,mon 07:30-19:00", "a day twice"},
        {"mon-fri,wed 07:30-19:00", "a day twice"},
        {"mon", "must say a time"},
        {"mon07:30-19:00", "must say a time"},
        {"mon 7:30-19:00", "must say a time"},
        {"mon 07:30", "must say a time"},
        {"mon 07:30 - 19:00", "must say a time"},
        {"mon 07.30-19.00", "must say a time"},
        {"mon 07:60-19:00", "must say a time"},
        {"mon 24:00-19:00", "must say a time"},
        {"mon 07:30-24:01", "must say a time"},
        {"mon 07:30-25:00", "must say a time"},
        {"mon 07:30-19:000", "must say a time"},
        {"mon 07:30-19:00 tue", "must say a time"},
        {"mon 07:30-19:00\n", "must say a time"},
        {"mon -7:30-19:00", "must say a time"},
        {"mon +7:30-19:00", "must say a time"},
    };
    for (size_t i = 0; i < GH_ARRAY_SIZE(rows); i++) {
        struct gh_hours hours;
        struct gh_error err = {0};
        assert_int_equal(gh_hours_parse(rows[i].text, &hours, &err), GH_ERR_INVALID);
        assert_int_equal(hours.days, 0);
        if (strstr(err.text, rows[i].says) == NULL)
            fail_msg("%s: %s", rows[i].text, err.text);
    }
    char endless[4096];
    struct gh_hours hours;
    memset(endless, 'x', sizeof(endless) - 1);
    endless[sizeof(endless) - 1] = '\0';
    assert_int_equal(gh_hours_parse(endless, &hours, NULL), GH_ERR_INVALID);
    assert_int_equal(gh_hours_parse("mon", &hours, NULL), GH_ERR_INVALID);
}

static void what_cannot_be_said_is_not_written(void **state)
{
    (void)state;
    static const struct gh_hours wrong[] = {
        {0, 0, 60},   {1, -1, 60},   {1, DAY_MIN, 60}, {1, 0, 0},     {1, 0, -1},
        {1, 0, 1441}, {0x81, 0, 60}, {0x180, 0, 60},   {0x100, 0, 1}, {~0u, 0, 60},
    };
    char out[GH_HOURS_TEXT_BYTES];
    for (size_t i = 0; i < GH_ARRAY_SIZE(wrong); i++) {
        assert_int_equal(gh_hours_format(&wrong[i], out), GH_ERR_INVALID);
        assert_string_equal(out, "");
    }
}

/* Every set of days with every pair of some times: what is written is read as the same. */
static void every_hours_come_back(void **state)
{
    (void)state;
    static const int times[] = {0, 1, 59, 60, 450, 719, 720, 1439, 1440};
    for (unsigned days = 1; days <= 0x80; days++)
        for (size_t from = 0; from < GH_ARRAY_SIZE(times) - 1; from++)
            for (size_t until = 1; until < GH_ARRAY_SIZE(times); until++) {
                const struct gh_hours in = {days, times[from], times[until]};
                struct gh_hours out;
                char text[GH_HOURS_TEXT_BYTES];
                assert_int_equal(gh_hours_format(&in, text), GH_OK);
                assert_int_equal(gh_hours_parse(text, &out, NULL), GH_OK);
                assert_memory_equal(&in, &out, sizeof(in));
            }
}

static void holidays_have_one_spelling(void **state)
{
    (void)state;
    static const char *const good[] = {"2026-12-25", "12-25",      "02-29",
                                       "2028-02-29", "0001-01-01", "9999-12-31"};
    static const char *const wrong[] = {
        "",           "2026-02-29", "2100-02-29", "02-30",       "13-01",     "00-01",
        "01-00",      "2026-04-31", "0000-01-01", "26-12-25",    "2026-12-5", "2026/12/25",
        "12-25 ",     " 12-25",     "12-2",       "20261225",    "2026-12",   "2026-12-255",
        "-026-12-25", "+026-12-25", "12-25-2026", "2026-12-25x", "christmas", "12",
    };
    struct gh_holiday holiday;
    struct gh_error err = {0};
    char text[GH_HOLIDAY_TEXT_BYTES];
    for (size_t i = 0; i < GH_ARRAY_SIZE(good); i++) {
        assert_int_equal(gh_holiday_parse(good[i], &holiday, NULL), GH_OK);
        assert_int_equal(gh_holiday_format(&holiday, text), GH_OK);
        assert_string_equal(text, good[i]);
    }
    for (size_t i = 0; i < GH_ARRAY_SIZE(wrong); i++) {
        if (gh_holiday_parse(wrong[i], &holiday, &err) != GH_ERR_INVALID)
            fail_msg("%s", wrong[i]);
        assert_int_equal(holiday.month, 0);
        assert_non_null(strstr(err.text, "12-25 for every year"));
    }
    static const struct gh_holiday bad[] = {{-1, 1, 1}, {10000, 1, 1}, {0, 0, 1},    {0, 13, 1},
                                            {0, 1, 0},  {0, 1, 32},    {1900, 2, 29}};
    for (size_t i = 0; i < GH_ARRAY_SIZE(bad); i++) {
        assert_int_equal(gh_holiday_format(&bad[i], text), GH_ERR_INVALID);
        assert_string_equal(text, "");
    }
}

static void holidays_have_an_order(void **state)
{
    (void)state;
    static const struct gh_holiday in_order[] = {{0, 1, 31},   {0, 2, 1},    {2026, 1, 1},
                                                 {2026, 1, 2}, {2026, 2, 1}, {2027, 1, 1}};
    for (size_t i = 0; i < GH_ARRAY_SIZE(in_order); i++)
        for (size_t j = 0; j < GH_ARRAY_SIZE(in_order); j++) {
            int difference = gh_holiday_compare(&in_order[i], &in_order[j]);
            assert_true(i < j ? difference < 0 : i > j ? difference > 0 : difference == 0);
        }
}

/* --- when it is open --- */

static void add(struct gh_opening *opening, const char *text)
{
    struct gh_error err = {0};
    enum gh_status status;
    if (strpbrk(text, " ") != NULL)
        status = gh_hours_parse(text, &opening->hours[opening->hours_count++], &err);
    else
        status = gh_holiday_parse(text, &opening->holidays[opening->holiday_count++], &err);
    if (status != GH_OK)
        fail_msg("%s", err.text);
}

static bool open_at(const struct gh_opening *opening, const char *moment)
{
    struct gh_local_time at;
    int hour, minute;
    assert_int_equal(sscanf(moment, "%d-%d-%d %d:%d", &at.year, &at.month, &at.day, &hour, &minute),
                     5);
    at.minute = hour * 60 + minute;
    return gh_opening_is_open(opening, &at);
}

struct moment {
    const char *at;
    bool open;
};
#define ASSERT_MOMENTS(opening, rows)                                                              \
    do {                                                                                           \
        for (size_t i = 0; i < GH_ARRAY_SIZE(rows); i++)                                           \
            if (open_at(&(opening), (rows)[i].at) != (rows)[i].open)                               \
                fail_msg("%s", (rows)[i].at);                                                      \
    } while (0)

static void without_hours_it_is_shut(void **state)
{
    (void)state;
    struct gh_opening opening = {0};
    assert_false(open_at(&opening, "2026-11-23 12:00"));
    add(&opening, "11-23");
    assert_false(open_at(&opening, "2026-11-23 12:00"));
}

static void days_open_and_shut(void **state)
{
    (void)state;
    static const struct moment rows[] = {
        {"2026-11-23 07:29", false}, /* a Monday */
        {"2026-11-23 07:30", true},  {"2026-11-23 18:59", true},  {"2026-11-23 19:00", false},
        {"2026-11-27 12:00", true},  {"2026-11-28 12:00", false}, {"2026-11-29 12:00", false},
        {"2026-11-28 09:00", true},  {"2026-11-28 23:59", false},
    };
    struct gh_opening opening = {0};
    add(&opening, "mon-fri 07:30-19:00");
    add(&opening, "sat 08:00-10:00");
    ASSERT_MOMENTS(opening, rows);
}

static void nights_belong_to_the_day_that_they_began_on(void **state)
{
    (void)state;
    static const struct moment rows[] = {
        {"2026-12-24 21:59", false}, /* a Thursday */
        {"2026-12-24 22:00", true},  {"2026-12-24 23:59", true},
        {"2026-12-25 01:59", true},                              /* a holiday: goes on */
        {"2026-12-25 02:00", false}, {"2026-12-25 10:00", true}, /* only hours for holidays begin */
        {"2026-12-25 22:30", true},                              /* those */
        {"2026-12-26 02:30", true},                              /* into a day that is none */
        {"2026-12-26 03:00", false},                             /* and not Friday's own, until 2 */
        {"2026-12-26 22:00", true},  {"2026-12-28 01:30", true}, /* Sunday night */
        {"2026-12-28 22:00", false},                             /* Monday */
        {"2026-12-29 01:30", false},
    };
    struct gh_opening opening = {0};
    add(&opening, "thu-sun 22:00-02:00");
    add(&opening, "holiday 10:00-03:00");
    add(&opening, "12-25");
    ASSERT_MOMENTS(opening, rows);
}

static void years_and_months_turn(void **state)
{
    (void)state;
    static const struct moment rows[] = {
        {"2026-12-31 23:00", true}, /* a Thursday */
        {"2027-01-01 01:00", true},  {"2027-01-01 23:00", false},
        {"2028-02-29 01:00", false}, /* the night from Monday */
        {"2028-03-01 01:00", false}, /* from February 29, a holiday */
        {"2029-03-01 01:00", false}, /* from Wednesday */
        {"2029-03-02 01:00", true},  /* from Thursday, March 1: no holiday */
        {"2032-02-29 12:00", false},
    };
    struct gh_opening opening = {0};
    add(&opening, "tue,thu 22:00-02:00");
    add(&opening, "02-29");
    ASSERT_MOMENTS(opening, rows);
}

static void the_last_minute_of_a_day_counts(void **state)
{
    (void)state;
    static const struct moment rows[] = {
        {"2026-11-23 09:59", false}, {"2026-11-23 10:00", true},  {"2026-11-23 23:59", true},
        {"2026-11-24 00:00", false}, {"2026-11-25 07:59", false}, {"2026-11-25 08:00", true},
        {"2026-11-26 07:59", true},  {"2026-11-26 08:00", false},
    };
    struct gh_opening opening = {0};
    add(&opening, "mon 10:00-24:00");
    add(&opening, "wed 08:00-08:00"); /* round the clock */
    ASSERT_MOMENTS(opening, rows);
}

static void what_is_no_time_is_shut(void **state)
{
    (void)state;
    static const struct gh_local_time wrong[] = {
        {2026, 0, 1, 0},       {2026, 13, 1, 0},         {2026, 1, 0, 0}, {2026, 2, 29, 0},
        {2026, 1, 1, -1},      {2026, 1, 1, 1440},       {0, 1, 1, 0},    {-5, 1, 1, 0},
        {2147483647, 1, 1, 0}, {2026, 1, 1, 2147483647},
    };
    struct gh_opening opening = {0};
    add(&opening, "mon-sun 00:00-24:00");
    add(&opening, "holiday 00:00-24:00");
    for (size_t i = 0; i < GH_ARRAY_SIZE(wrong); i++)
        assert_false(gh_opening_is_open(&opening, &wrong[i]));
    assert_true(open_at(&opening, "9999-12-31 23:59"));
    opening.hours_count = GH_HOURS_MAX + 1;
    assert_false(open_at(&opening, "2026-01-01 12:00"));
    opening.hours_count = 1;
    opening.holiday_count = SIZE_MAX;
    assert_false(open_at(&opening, "2026-01-01 12:00"));
}

/* --- every minute, against another way of telling --- */

/* All minutes of some years, opened one after the other as a calendar on the wall would be filled:
 * days and their names come from the C library. */
#define YEARS_BEGIN 2027 /* to the end of 2028, which has a February 29 */
#define CALENDAR_DAYS (365 + 366 + 2)
struct calendar {
    bool open[CALENDAR_DAYS * DAY_MIN + 2 * DAY_MIN];
    struct tm days[CALENDAR_DAYS];
};

static bool is_holiday(const struct gh_opening *opening, const struct tm *day)
{
    char text[16], every_year[16];
    strftime(text, sizeof(text), "%Y-%m-%d", day);
    strftime(every_year, sizeof(every_year), "%m-%d", day);
    for (size_t i = 0; i < opening->holiday_count; i++) {
        char holiday[GH_HOLIDAY_TEXT_BYTES];
        assert_int_equal(gh_holiday_format(&opening->holidays[i], holiday), GH_OK);
        if (strcmp(holiday, text) == 0 || strcmp(holiday, every_year) == 0)
            return true;
    }
    return false;
}

static bool begins_on(const struct gh_opening *opening, const struct gh_hours *hours,
                      const struct tm *day)
{
    if (is_holiday(opening, day))
        return hours->days == 1u << GH_DAY_HOLIDAY;
    return (hours->days >> ((day->tm_wday + 6) % 7) & 1u) != 0;
}

static void fill(struct calendar *calendar, const struct gh_opening *opening)
{
    memset(calendar, 0, sizeof(*calendar));
    for (int day = 0; day < CALENDAR_DAYS; day++) {
        /* from the last day of the year before on */
        struct tm *date = &calendar->days[day];
        date->tm_year = YEARS_BEGIN - 1900;
        date->tm_mday = day;
        date->tm_isdst = -1;
        time_t seconds = timegm(date);
        assert_non_null(gmtime_r(&seconds, date));
        for (size_t i = 0; i < opening->hours_count; i++) {
            const struct gh_hours *hours = &opening->hours[i];
            if (!begins_on(opening, hours, date))
                continue;
            int until = hours->until_min;
            if (until <= hours->from_min)
                until += DAY_MIN;
            for (int minute = hours->from_min; minute < until; minute++)
                calendar->open[day * DAY_MIN + minute] = true;
        }
    }
}

static void assert_calendar(const struct calendar *calendar, const struct gh_opening *opening)
{
    for (int day = 1; day < CALENDAR_DAYS; day++) /* the first may go on from an unknown one */
        for (int minute = 0; minute < DAY_MIN; minute++) {
            const struct tm *date = &calendar->days[day];
            const struct gh_local_time at = {date->tm_year + 1900, date->tm_mon + 1, date->tm_mday,
                                             minute};
            if (gh_opening_is_open(opening, &at) != calendar->open[day * DAY_MIN + minute])
                fail_msg("%d-%d-%d, minute %d", at.year, at.month, at.day, minute);
        }
}

static uint32_t next_random(uint32_t *seed)
{
    *seed = *seed * 1664525u + 1013904223u;
    return *seed >> 8;
}

static struct gh_opening random_opening(uint32_t *seed)
{
    static const struct gh_holiday often[] = {{0, 2, 29},    {0, 1, 1},    {0, 12, 31},
                                              {2028, 2, 28}, {2028, 3, 1}, {2027, 3, 1}};
    struct gh_opening opening = {.hours_count = next_random(seed) % 5,
                                 .holiday_count = next_random(seed) % 20};
    for (size_t i = 0; i < opening.hours_count; i++) {
        unsigned days = next_random(seed) % 4 == 0 ? 0x80 : 1 + next_random(seed) % 127;
        opening.hours[i] = (struct gh_hours){days, (int)(next_random(seed) % DAY_MIN),
                                             1 + (int)(next_random(seed) % DAY_MIN)};
    }
    for (size_t i = 0; i < opening.holiday_count; i++) {
        opening.holidays[i] = (struct gh_holiday){
            next_random(seed) % 2 == 0 ? 0 : 2027 + (int)(i % 2), 1 + (int)(next_random(seed) % 12),
            1 + (int)(next_random(seed) % 28)};
        if (next_random(seed) % 3 == 0)
            opening.holidays[i] = often[next_random(seed) % GH_ARRAY_SIZE(often)];
    }
    return opening;
}

static void every_minute_of_two_years_is_told_the_same_in_two_ways(void **state)
{
    (void)state;
    uint32_t seed = 5;
    struct calendar *calendar = malloc(sizeof(*calendar));
    assert_non_null(calendar);
    for (int round = 0; round < 12; round++) {
        struct gh_opening opening = random_opening(&seed);
        fill(calendar, &opening);
        assert_calendar(calendar, &opening);
    }
    free(calendar);
}

/* --- the clocks of real places --- */

static struct gh_local_time local(time_t seconds)
{
    struct tm tm;
    assert_non_null(localtime_r(&seconds, &tm));
    return (struct gh_local_time){tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday,
                                  tm.tm_hour * 60 + tm.tm_min};
}

/* false: this machine does not know the place. */
static bool go_to(const char *zone, long winter_s)
{
    assert_int_equal(setenv("TZ", zone, 1), 0);
    tzset();
    struct tm tm;
    time_t january = 1767225600; /* 2026-01-01 */
    assert_non_null(localtime_r(&january, &tm));
    return tm.tm_gmtoff == winter_s;
}

static void leave(void)
{
    assert_int_equal(unsetenv("TZ"), 0);
    tzset();
}

/* How many minutes of real time it stands open, from `from` for so many hours. */
static int open_minutes(const struct gh_opening *opening, time_t from, int hours)
{
    int open = 0;
    for (int minute = 0; minute < hours * 60; minute++) {
        struct gh_local_time at = local(from + (time_t)minute * 60);
        open += gh_opening_is_open(opening, &at);
    }
    return open;
}

struct change {
    const char *zone;
    long winter_s;
    time_t forward_day, back_day; /* the midnight that the day of the change begins with */
    const char *hours;            /* over the hour that is leapt over, and repeated */
};
static const struct change changes[] = {
    /* 2026-03-29 and 2026-10-25; 2:00 is 3:00, 3:00 is 2:00 */
    {"Europe/Berlin", 3600, 1774738800, 1792879200, "sun 01:30-02:30"},
    /* 2026-03-08 and 2026-11-01; 2:00 is 3:00, 2:00 is 1:00 */
    {"America/New_York", -18000, 1772946000, 1793505600, "sun 01:30-02:30"},
};

static void clocks_leap_over_hours_and_repeat_them(void **state)
{
    (void)state;
    int seen = 0;
    for (size_t i = 0; i < GH_ARRAY_SIZE(changes); i++) {
        const struct change *change = &changes[i];
        struct gh_opening opening = {0}, leapt = {0}, all = {0};
        add(&opening, change->hours);
        add(&leapt, "sun 02:00-03:00");
        add(&all, "sun 00:00-24:00");
        if (!go_to(change->zone, change->winter_s))
            continue;
        seen++;
        assert_int_equal(local(change->forward_day).minute, 0);
        assert_int_equal(local(change->back_day).minute, 0);
        /* The hour from 2 does not happen: 1:30 to 2:00 is left, of 2:00 to 3:00 nothing. */
        assert_int_equal(open_minutes(&opening, change->forward_day, 23), 30);
        assert_int_equal(open_minutes(&leapt, change->forward_day, 23), 0);
        assert_int_equal(open_minutes(&all, change->forward_day - 3600, 48), 23 * 60);
        /* An hour happens twice: in Berlin that from 2 to 3, in New York that from 1 to 2. */
        assert_int_equal(open_minutes(&opening, change->back_day, 25), 90);
        assert_int_equal(open_minutes(&leapt, change->back_day, 25), i == 0 ? 120 : 60);
        assert_int_equal(open_minutes(&all, change->back_day - 3600, 48), 25 * 60);
    }
    leave();
    if (seen == 0) {
        print_message("no time zones on this machine\n");
        skip();
    }
    assert_int_equal(seen, GH_ARRAY_SIZE(changes));
}

/* A night that the change lies in, and one over midnight. */
static void nights_over_a_change_end_by_the_wall_clock(void **state)
{
    (void)state;
    struct gh_opening opening = {0};
    add(&opening, "sat 22:00-04:00");
    if (!go_to("Europe/Berlin", 3600)) {
        leave();
        print_message("no time zones on this machine\n");
        skip();
    }
    assert_int_equal(open_minutes(&opening, changes[0].forward_day - 12 * 3600, 24), 5 * 60);
    assert_int_equal(open_minutes(&opening, changes[0].back_day - 12 * 3600, 24), 7 * 60);
    leave();
}

/* Where the clocks stay as they are, and what is one moment is another day. */
static void places_have_their_own_days(void **state)
{
    (void)state;
    struct gh_opening opening = {0};
    add(&opening, "mon-sun 07:00-08:00");
    add(&opening, "2026-10-01");
    time_t evening = 1790810400; /* 2026-09-30 23:20 UTC: 7:20 on October 1 in Shanghai */
    assert_true(go_to("UTC", 0));
    struct gh_local_time at = local(evening);
    assert_int_equal(at.minute, 23 * 60 + 20);
    assert_int_equal(at.day, 30);
    if (!go_to("Asia/Shanghai", 28800)) {
        leave();
        print_message("no time zones on this machine\n");
        skip();
    }
    at = local(evening);
    assert_int_equal(at.minute, 7 * 60 + 20);
    assert_int_equal(at.day, 1);
    assert_false(gh_opening_is_open(&opening, &at)); /* a holiday there */
    at = local(evening - 86400);
    assert_true(gh_opening_is_open(&opening, &at));
    /* A year without a change: every day but the holiday has its hour. */
    time_t january = 1767196800; /* 2026-01-01 there */
    assert_int_equal(local(january).minute, 0);
    assert_int_equal(open_minutes(&opening, january, 365 * 24), 364 * 60);
    leave();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hours_have_one_spelling),
        cmocka_unit_test(what_is_no_hours_is_said),
        cmocka_unit_test(what_cannot_be_said_is_not_written),
        cmocka_unit_test(every_hours_come_back),
        cmocka_unit_test(holidays_have_one_spelling),
        cmocka_unit_test(holidays_have_an_order),
        cmocka_unit_test(without_hours_it_is_shut),
        cmocka_unit_test(days_open_and_shut),
        cmocka_unit_test(nights_belong_to_the_day_that_they_began_on),
        cmocka_unit_test(years_and_months_turn),
        cmocka_unit_test(the_last_minute_of_a_day_counts),
        cmocka_unit_test(what_is_no_time_is_shut),
        cmocka_unit_test(every_minute_of_two_years_is_told_the_same_in_two_ways),
        cmocka_unit_test(clocks_leap_over_hours_and_repeat_them),
        cmocka_unit_test(nights_over_a_change_end_by_the_wall_clock),
        cmocka_unit_test(places_have_their_own_days),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
