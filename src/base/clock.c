/* SPDX-License-Identifier: Apache-2.0 */
#include "gatehouse/clock.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/timex.h>
#include <time.h>
#include <unistd.h>

#include "gatehouse/file.h"

#define SECONDS_PER_DAY INT64_C(86400)
#define FIRST_SECOND INT64_C(-62167219200) /* 0000-01-01T00:00:00Z */
#define LAST_SECOND INT64_C(253402300799)  /* 9999-12-31T23:59:59Z */

static int64_t read_clock(clockid_t id)
{
    struct timespec now = {0};
    clock_gettime(id, &now);
    return (int64_t)now.tv_sec * GH_NS_PER_S + now.tv_nsec;
}

static int64_t system_wall_ns(void *context)
{
    (void)context;
    return read_clock(CLOCK_REALTIME);
}

static int64_t system_monotonic_ns(void *context)
{
    (void)context;
    return read_clock(CLOCK_BOOTTIME);
}

/* systemd-timesyncd touches it with every answer of a time server (systemd-timesyncd.service(8)):
 * every 34 minutes at the longest, unless it was told otherwise. */
#define TIMESYNC_FILE "/run/systemd/timesync/synchronized"
#define TIMESYNC_FRESH_S 7200

bool gh_clock_file_fresh(const char *path, int64_t wall_s)
{
    struct stat about;

    if (stat(path, &about) != 0) {
        return false;
    }
    int64_t age_s = wall_s - (int64_t)about.st_mtim.tv_sec;
    return age_s >= 0 && age_s < TIMESYNC_FRESH_S;
}

/* Reading the kernel's state of the clock needs no privilege, but systemd's ProtectClock= and
 * containers refuse it all the same: then the word of systemd's own time service counts. */
static bool system_synchronised(void *context)
{
    (void)context;
    struct timex state = {.modes = 0};
    int result = adjtimex(&state);
    if (result >= 0) {
        return result != TIME_ERROR && (state.status & STA_UNSYNC) == 0;
    }
    return gh_clock_file_fresh(TIMESYNC_FILE, read_clock(CLOCK_REALTIME) / GH_NS_PER_S);
}

const struct gh_clock *gh_clock_system(void)
{
    static const struct gh_clock clock = {
        .wall_ns = system_wall_ns,
        .monotonic_ns = system_monotonic_ns,
        .synchronised = system_synchronised,
    };
    return &clock;
}

/* --- days and dates, proleptic Gregorian ---------------------------------------------------- */

static bool is_leap_year(int year)
{
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

static int days_in_month(int year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    return days[month - 1] + (month == 2 && is_leap_year(year) ? 1 : 0);
}

/* Days from 0000-01-01 to the first day of a year, 0..10000. */
static int64_t days_before_year(int year)
{
    if (year == 0) {
        return 0;
    }
    int last = year - 1;
    return (int64_t)year * 365 + last / 4 - last / 100 + last / 400 +
           1; /* year 0 was a leap year */
}

void gh_time_format(int64_t seconds, char out[GH_TIME_TEXT_BYTES])
{
    if (seconds < FIRST_SECOND || seconds > LAST_SECOND) {
        (void)snprintf(out, GH_TIME_TEXT_BYTES, "@%" PRId64, seconds);
        return;
    }
    int64_t since_zero = seconds - FIRST_SECOND;
    int64_t day = since_zero / SECONDS_PER_DAY;
    int second_of_day = (int)(since_zero % SECONDS_PER_DAY);

    int year = (int)(day * 400 / 146097); /* right, or one too many or too few */
    while (days_before_year(year) > day) {
        year--;
    }
    while (days_before_year(year + 1) <= day) {
        year++;
    }
    int day_of_month = (int)(day - days_before_year(year));
    int month = 1;
    while (day_of_month >= days_in_month(year, month)) {
        day_of_month -= days_in_month(year, month);
        month++;
    }
    const int parts[] = {year / 100,        year % 100,           month,
                         day_of_month + 1,  second_of_day / 3600, second_of_day / 60 % 60,
                         second_of_day % 60};
    memcpy(out, "0000-00-00T00:00:00Z", sizeof("0000-00-00T00:00:00Z"));
    static const int places[] = {0, 2, 5, 8, 11, 14, 17};
    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        out[places[i]] = (char)('0' + parts[i] / 10);
        out[places[i] + 1] = (char)('0' + parts[i] % 10);
    }
}

/* --- RFC 3339 ----------------------------------------------------------------------------------
 */

/* Take exactly `digits` digits; false leaves *text somewhere. */
static bool take_number(const char **text, int digits, int *value)
{
    *value = 0;
    for (int i = 0; i < digits; i++) {
        char c = **text;
        if (c < '0' || c > '9') {
            return false;
        }
        *value = *value * 10 + (c - '0');
        (*text)++;
    }
    return true;
}

static bool take_one_of(const char **text, const char *choices)
{
    if (**text == '\0' || strchr(choices, **text) == NULL) {
        return false;
    }
    (*text)++;
    return true;
}

static bool take_fraction(const char **text)
{
    if (**text != '.') {
        return true;
    }
    (*text)++;
    size_t digits = strspn(*text, "0123456789");
    *text += digits;
    return digits > 0;
}

static bool take_offset(const char **text, int *offset_s)
{
    *offset_s = 0;
    if (take_one_of(text, "Zz")) {
        return true;
    }
    int sign = **text == '-' ? -1 : 1;
    int hours, minutes;
    if (!take_one_of(text, "+-") || !take_number(text, 2, &hours) || !take_one_of(text, ":") ||
        !take_number(text, 2, &minutes) || hours > 23 || minutes > 59) {
        return false;
    }
    *offset_s = sign * (hours * 3600 + minutes * 60);
    return true;
}

enum gh_status gh_time_parse(const char *text, int64_t *seconds)
{
    int year, month, day, hour, minute, second, offset_s;
    if (text == NULL || !take_number(&text, 4, &year) || !take_one_of(&text, "-") ||
        !take_number(&text, 2, &month) || !take_one_of(&text, "-") ||
        !take_number(&text, 2, &day) || !take_one_of(&text, "Tt") ||
        !take_number(&text, 2, &hour) || !take_one_of(&text, ":") ||
        !take_number(&text, 2, &minute) || !take_one_of(&text, ":") ||
        !take_number(&text, 2, &second) || !take_fraction(&text) ||
        !take_offset(&text, &offset_s) || *text != '\0') {
        return GH_ERR_INVALID;
    }
    if (month < 1 || month > 12 || day < 1 || day > days_in_month(year, month) || hour > 23 ||
        minute > 59 || second > 60) {
        return GH_ERR_INVALID;
    }
    if (second == 60) {
        second = 59;
    }
    int second_of_day = hour * 3600 + minute * 60 + second;
    int64_t days = days_before_year(year) + day - 1;
    for (int m = 1; m < month; m++) {
        days += days_in_month(year, m);
    }
    *seconds = FIRST_SECOND + days * SECONDS_PER_DAY + second_of_day - offset_s;
    return GH_OK;
}

/* --- boot id ------------------------------------------------------------------------------------
 */

void gh_boot_id(char out[GH_BOOT_ID_TEXT_BYTES])
{
    memset(out, '0', GH_BOOT_ID_TEXT_BYTES - 1);
    out[GH_BOOT_ID_TEXT_BYTES - 1] = '\0';

    GH_CLEANUP_FD int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
    char text[64];
    ssize_t size = fd < 0 ? -1 : read(fd, text, sizeof(text));
    char digits[GH_BOOT_ID_TEXT_BYTES - 1];
    size_t count = 0;
    for (ssize_t i = 0; i < size && text[i] != '\n'; i++) {
        char c = text[i] >= 'A' && text[i] <= 'F' ? (char)(text[i] - 'A' + 'a') : text[i];
        if (c == '-') {
            continue;
        }
        bool is_digit = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
        if (!is_digit || count == sizeof(digits)) {
            return;
        }
        digits[count++] = c;
    }
    if (count == sizeof(digits)) {
        memcpy(out, digits, sizeof(digits));
    }
}
