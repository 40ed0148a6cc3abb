/* SPDX-License-Identifier: Apache-2.0 */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "gatehouse/bytes.h"
#include "gatehouse/clock.h"

#define FIRST INT64_C(-62167219200)
#define LAST INT64_C(253402300799)

static void times_are_written(void **state)
{
    (void)state;
    static const struct {
        int64_t seconds;
        const char *text;
    } cases[] = {
        {0, "1970-01-01T00:00:00Z"},
        {-1, "1969-12-31T23:59:59Z"},
        {1583046000, "2020-03-01T07:00:00Z"},
        {951782399, "2000-02-28T23:59:59Z"},
        {951782400, "2000-02-29T00:00:00Z"},
        {951868800, "2000-03-01T00:00:00Z"},
        {4107542400, "2100-03-01T00:00:00Z"},
        {4107542399, "2100-02-28T23:59:59Z"},
        {INT64_C(2147483648), "2038-01-19T03:14:08Z"},
        {FIRST, "0000-01-01T00:00:00Z"},
        {LAST, "9999-12-31T23:59:59Z"},
        {FIRST - 1, "@-62167219201"},
        {LAST + 1, "@253402300800"},
        {INT64_MIN, "@-9223372036854775808"},
        {INT64_MAX, "@9223372036854775807"},
    };
    for (size_t i = 0; i < GH_ARRAY_SIZE(cases); i++) {
        char text[GH_TIME_TEXT_BYTES];
        memset(text, 'x', sizeof(text));
        gh_time_format(cases[i].seconds, text);
        assert_string_equal(text, cases[i].text);
    }
}

/* Every third day of ten thousand years, at an hour that moves, against the C library. */
static void written_times_agree_with_the_c_library(void **state)
{
    (void)state;
    for (int64_t seconds = FIRST; seconds <= LAST; seconds += 3 * 86400 + 7 * 3600 + 61) {
        char text[GH_TIME_TEXT_BYTES], expected[64];
        struct tm parts;
        time_t time = (time_t)seconds;
        assert_non_null(gmtime_r(&time, &parts));
        snprintf(expected, sizeof(expected), "%04d-%02d-%02dT%02d:%02d:%02dZ", parts.tm_year + 1900,
                 parts.tm_mon + 1, parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec);
        gh_time_format(seconds, text);
        if (strcmp(text, expected) != 0) {
            fail_msg("%" PRId64 " became %s, not %s", seconds, text, expected);
        }
        int64_t back;
        assert_int_equal(gh_time_parse(text, &back), GH_OK);
        assert_true(back == seconds);
    }
}

static void times_are_read(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t seconds;
    } cases[] = {
        {"1970-01-01T00:00:00Z", 0},
        {"1970-01-01t00:00:00z", 0},
        {"1970-01-01T00:00:00-00:00", 0},
        {"1970-01-01T01:00:00+01:00", 0},
        {"1969-12-31T18:30:00-05:30", 0},
        {"2020-03-01T15:00:00+08:00", 1583046000},
        {"2020-03-01T07:00:00.999999999999999999999999Z", 1583046000},
        {"2020-03-01T07:00:00.0+00:00", 1583046000},
        {"1969-12-31T23:59:59.9Z", -1}, /* towards the past, also before 1970 */
        {"2016-12-31T23:59:60Z", 1483228799},
        {"2016-12-31T23:59:60.5Z", 1483228799},
        {"2017-01-01T08:59:60+09:00", 1483228799},
        {"2000-02-29T00:00:00Z", 951782400},
        {"0000-02-29T00:00:00Z", FIRST + 59 * 86400},
        {"0000-01-01T00:00:00Z", FIRST},
        {"9999-12-31T23:59:59Z", LAST},
        {"0000-01-01T00:00:00+23:59", FIRST - 23 * 3600 - 59 * 60},
        {"9999-12-31T23:59:59-23:59", LAST + 23 * 3600 + 59 * 60},
    };
    for (size_t i = 0; i < GH_ARRAY_SIZE(cases); i++) {
        int64_t seconds = 42;
        if (gh_time_parse(cases[i].text, &seconds) != GH_OK || seconds != cases[i].seconds) {
            fail_msg("%s became %" PRId64, cases[i].text, seconds);
        }
    }
}

static void bad_times_are_refused(void **state)
{
    (void)state;
    static const char *const cases[] = {
        "",
        "Z",
        "2020",
        "2020-03-01",
        "2020-03-01T07:00:00", /* no zone: whose time? */
        "2020-03-01T07:00Z",
        "2020-03-01 07:00:00Z",
        "2020-03-01T07:00:00 Z",
        " 2020-03-01T07:00:00Z",
        "2020-03-01T07:00:00Z ",
        "2020-03-01T07:00:00Z\n",
        "2020-03-01T07:00:00ZZ",
        "2020-03-01T07:00:00.Z",
        "2020-03-01T07:00:00,5Z",
        "2020-03-01T07:00:00.-5Z",
        "2020-3-01T07:00:00Z",
        "2020-03-1T07:00:00Z",
        "20-03-01T07:00:00Z",
        "12020-03-01T07:00:00Z",
        "+2020-03-01T07:00:00Z",
        "-020-03-01T07:00:00Z",
        "2020/03/01T07:00:00Z",
        "20200301T070000Z",
        "2020-00-01T07:00:00Z",
        "2020-13-01T07:00:00Z",
        "2020-03-00T07:00:00Z",
        "2020-03-32T07:00:00Z",
        "2020-04-31T07:00:00Z",
        "2021-02-29T07:00:00Z",
        "2100-02-29T07:00:00Z",
        "1900-02-29T07:00:00Z",
        "2020-02-30T07:00:00Z",
        "2020-03-01T24:00:00Z",
        "2020-03-01T07:60:00Z",
        "2020-03-01T07:00:61Z",
        "2020-03-01T07:00:00+0800",
        "2020-03-01T07:00:00+08",
        "2020-03-01T07:00:00+24:00",
        "2020-03-01T07:00:00+08:60",
        "2020-03-01T07:00:00+8:00",
        "2020-03-01T07:00:00\xE2\x88\x92\x30\x38:00", /* a typographic minus */
        "2020-03-01T07:00:00+08:00Z",
        "@1583046000",
        "\xD9\xA2\xD9\xA0\xD9\xA2\xD9\xA0-03-01T07:00:00Z", /* digits, but not ours */
    };
    for (size_t i = 0; i < GH_ARRAY_SIZE(cases); i++) {
        int64_t seconds = 42;
        if (gh_time_parse(cases[i], &seconds) != GH_ERR_INVALID || seconds != 42) {
            fail_msg("\"%s\" was accepted as %" PRId64, cases[i], seconds);
        }
    }
    int64_t seconds;
    assert_int_equal(gh_time_parse(NULL, &seconds), GH_ERR_INVALID);
}

/* Whatever is cut off or altered in a good text, nothing is read behind its end (sanitizers). */
static void every_prefix_is_refused(void **state)
{
    (void)state;
    static const char good[] = "2020-03-01T07:00:00.25+08:00";
    for (size_t size = 0; size < sizeof(good) - 1; size++) {
        char text[sizeof(good)];
        memcpy(text, good, size);
        text[size] = '\0';
        int64_t seconds;
        assert_int_equal(gh_time_parse(text, &seconds), GH_ERR_INVALID);
    }
}

static void the_system_clock_runs(void **state)
{
    (void)state;
    const struct gh_clock *clock = gh_clock_system();
    assert_ptr_equal(clock, gh_clock_system());
    int64_t before = (int64_t)time(NULL);
    int64_t wall_ns = gh_clock_wall_ns(clock);
    int64_t wall_s = gh_clock_wall_s(clock);
    int64_t after = (int64_t)time(NULL);
    assert_true(wall_ns / GH_NS_PER_S >= before - 1 && wall_ns / GH_NS_PER_S <= after + 1);
    assert_true(wall_s >= before - 1 && wall_s <= after + 1);

    struct timespec boot;
    assert_int_equal(clock_gettime(CLOCK_BOOTTIME, &boot), 0);
    int64_t last = gh_clock_monotonic_ns(clock);
    int64_t first = last;
    assert_true(first >= (int64_t)boot.tv_sec * GH_NS_PER_S + boot.tv_nsec);
    assert_true(first < ((int64_t)boot.tv_sec + 60) * GH_NS_PER_S);
    int64_t rounds = 0;
    while (last < first + GH_NS_PER_MS) { /* it moves on, and never back */
        int64_t now = gh_clock_monotonic_ns(clock);
        assert_true(now >= last);
        last = now;
        assert_true(++rounds < INT64_C(1000000000));
    }
}

static void the_boot_id_is_the_kernels(void **state)
{
    (void)state;
    char id[GH_BOOT_ID_TEXT_BYTES + 1], again[GH_BOOT_ID_TEXT_BYTES], expected[64] = "";
    id[GH_BOOT_ID_TEXT_BYTES] = '!';
    gh_boot_id(id);
    gh_boot_id(again);
    assert_int_equal(id[GH_BOOT_ID_TEXT_BYTES], '!');
    assert_int_equal(strlen(id), 32);
    assert_int_equal(strspn(id, "0123456789abcdef"), 32);
    assert_string_equal(id, again);

    FILE *file = fopen("/proc/sys/kernel/random/boot_id", "re");
    if (file == NULL) {
        assert_string_equal(id, "00000000000000000000000000000000");
        return;
    }
    unsigned int a, b, c, d, e, f;
    assert_int_equal(fscanf(file, "%8x-%4x-%4x-%4x-%8x%4x", &a, &b, &c, &d, &e, &f), 6);
    fclose(file);
    snprintf(expected, sizeof(expected), "%08x%04x%04x%04x%08x%04x", a, b, c, d, e, f);
    assert_string_equal(id, expected);
}

/* The word of systemd-timesyncd: a file that it touches. */
static void a_file_is_fresh_for_a_while(void **state)
{
    (void)state;
    char path[] = "/tmp/gatehouse-clock.XXXXXX";
    struct timespec times[2] = {{.tv_sec = 1900000000}, {.tv_sec = 1900000000}};
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(futimens(fd, times), 0);
    close(fd);
    assert_true(gh_clock_file_fresh(path, 1900000000));
    assert_true(gh_clock_file_fresh(path, 1900000000 + 7199));
    assert_false(gh_clock_file_fresh(path, 1900000000 + 7200));
    assert_false(gh_clock_file_fresh(path, 1900000000 - 1)); /* the clock was put back since */
    assert_int_equal(unlink(path), 0);
    assert_false(gh_clock_file_fresh(path, 1900000000));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(times_are_written),
        cmocka_unit_test(written_times_agree_with_the_c_library),
        cmocka_unit_test(times_are_read),
        cmocka_unit_test(bad_times_are_refused),
        cmocka_unit_test(every_prefix_is_refused),
        cmocka_unit_test(the_system_clock_runs),
        cmocka_unit_test(the_boot_id_is_the_kernels),
        cmocka_unit_test(a_file_is_fresh_for_a_while),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
