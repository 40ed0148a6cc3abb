/* SPDX-License-Identifier: Apache-2.0 */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "gatehouse/bytes.h"
#include "gatehouse/log.h"

/* Standard error goes to a file without a name while a test runs; what the modules said last stays
 * for the life of the process, so each test speaks as a module of its own. */
static char captured[256 * 1024];
static int real_stderr = -1;
static FILE *file;

static int capture(void **state)
{
    (void)state;
    unsetenv("JOURNAL_STREAM");
    gh_log_set_level(GH_LOG_INFO);
    fflush(stderr);
    real_stderr = dup(STDERR_FILENO);
    file = tmpfile();
    return real_stderr < 0 || file == NULL || dup2(fileno(file), STDERR_FILENO) < 0 ? -1 : 0;
}

static int release(void **state)
{
    (void)state;
    dup2(real_stderr, STDERR_FILENO);
    close(real_stderr);
    fclose(file);
    return 0;
}

/* Everything said since the last call. */
static const char *said(void)
{
    ssize_t size = pread(fileno(file), captured, sizeof(captured) - 1, 0);
    captured[size < 0 ? 0 : size] = '\0';
    assert_int_equal(ftruncate(fileno(file), 0), 0);
    lseek(STDERR_FILENO, 0, SEEK_SET);
    return captured;
}

/* What is said, without the times in front: those are checked in a test of their own. */
static const char *said_untimed(void)
{
    static char out[sizeof(captured)];
    size_t used = 0;
    const char *line = said();
    while (*line != '\0') {
        const char *end = strchr(line, '\n');
        assert_non_null(end);
        const char *text = memchr(line, ' ', (size_t)(end - line));
        assert_non_null(text);
        size_t size = (size_t)(end - text);
        memcpy(out + used, text + 1, size);
        used += size;
        line = end + 1;
    }
    out[used] = '\0';
    return out;
}

static void a_line_has_time_level_module_text(void **state)
{
    (void)state;
    gh_log(GH_LOG_WARNING, "form", "list is %d days old", 3);
    const char *line = said();
    static const char pattern[] = "dddd-dd-ddTdd:dd:dd.dddZ warning form: list is 3 days old\n";
    assert_int_equal(strlen(line), strlen(pattern));
    for (size_t i = 0; i < sizeof("dddd-dd-ddTdd:dd:dd.dddZ") - 1; i++) {
        assert_true(pattern[i] == 'd' ? isdigit((unsigned char)line[i]) != 0
                                      : line[i] == pattern[i]);
    }
    assert_string_equal(line + 24, pattern + 24);
}

static void levels_have_names(void **state)
{
    (void)state;
    gh_log_set_level(GH_LOG_DEBUG);
    gh_log(GH_LOG_ERR, "names", "a");
    gh_log(GH_LOG_NOTICE, "names", "b");
    gh_log(GH_LOG_INFO, "names", "c");
    gh_log(GH_LOG_DEBUG, "names", "d");
    assert_string_equal(said_untimed(),
                        "err names: a\nnotice names: b\ninfo names: c\ndebug names: d\n");
}

static void less_urgent_lines_are_dropped(void **state)
{
    (void)state;
    gh_log(GH_LOG_DEBUG, "levels", "not at start");
    assert_string_equal(said(), "");
    gh_log_set_level(GH_LOG_ERR);
    gh_log(GH_LOG_WARNING, "levels", "dropped");
    gh_log(GH_LOG_ERR, "levels", "kept");
    gh_log_set_level(GH_LOG_DEBUG);
    gh_log(GH_LOG_DEBUG, "levels", "all");
    assert_string_equal(said_untimed(), "err levels: kept\ndebug levels: all\n");
}

static void repeats_are_said_once_and_counted(void **state)
{
    (void)state;
    for (int i = 0; i < 5; i++) {
        gh_log(GH_LOG_WARNING, "repeat", "server away: %s", "timeout");
    }
    assert_string_equal(said_untimed(), "warning repeat: server away: timeout\n");
    gh_log(GH_LOG_INFO, "repeat", "server back");
    gh_log(GH_LOG_INFO, "repeat", "next");
    assert_string_equal(said_untimed(), "warning repeat: (repeated 4 times)\n"
                                        "info repeat: server back\n"
                                        "info repeat: next\n");
    gh_log(GH_LOG_WARNING, "repeat", "server away: timeout");
    assert_string_equal(said_untimed(), "warning repeat: server away: timeout\n");
}

static void other_modules_do_not_end_a_repeat(void **state)
{
    (void)state;
    for (int i = 0; i < 3; i++) {
        gh_log(GH_LOG_INFO, "ours", "same");
        gh_log(GH_LOG_INFO, "theirs", "line %d", i);
    }
    gh_log(GH_LOG_INFO, "ours", "other");
    assert_string_equal(said_untimed(), "info ours: same\ninfo theirs: line 0\n"
                                        "info theirs: line 1\ninfo theirs: line 2\n"
                                        "info ours: (repeated 2 times)\ninfo ours: other\n");
}

static void a_module_is_known_by_its_name(void **state)
{
    (void)state;
    char copy[] = "twin";
    gh_log(GH_LOG_INFO, "twin", "same");
    gh_log(GH_LOG_INFO, copy, "same");
    assert_string_equal(said_untimed(), "info twin: same\n");
    gh_log(GH_LOG_INFO, "twin", "end"); /* copy is about to go */
}

static void a_dropped_line_is_no_repeat(void **state)
{
    (void)state;
    gh_log(GH_LOG_INFO, "dropped", "same");
    gh_log(GH_LOG_DEBUG, "dropped", "something else, unheard");
    gh_log(GH_LOG_INFO, "dropped", "same");
    gh_log(GH_LOG_INFO, "dropped", "end");
    assert_string_equal(said_untimed(), "info dropped: same\ninfo dropped: (repeated 1 times)\n"
                                        "info dropped: end\n");
}

static void a_text_at_another_level_is_no_repeat(void **state)
{
    (void)state;
    gh_log(GH_LOG_INFO, "urgent", "same");
    gh_log(GH_LOG_ERR, "urgent", "same");
    assert_string_equal(said_untimed(), "info urgent: same\nerr urgent: same\n");
}

static void the_journal_gets_priorities(void **state)
{
    (void)state;
    struct stat info;
    char stream[64];
    assert_int_equal(fstat(STDERR_FILENO, &info), 0);
    snprintf(stream, sizeof(stream), "%ju:%ju", (uintmax_t)info.st_dev, (uintmax_t)info.st_ino);
    setenv("JOURNAL_STREAM", stream, 1);
    gh_log(GH_LOG_INFO, "courier", "hello");
    gh_log(GH_LOG_ERR, "courier", "trouble");
    assert_string_equal(said(), "<6>courier: hello\n<3>courier: trouble\n");
}

static void a_stream_that_is_not_ours_is_not_the_journal(void **state)
{
    (void)state;
    struct stat info;
    char other[64];
    assert_int_equal(fstat(STDERR_FILENO, &info), 0);
    snprintf(other, sizeof(other), "%ju:%ju", (uintmax_t)info.st_dev, (uintmax_t)info.st_ino + 1);
    const char *const streams[] = {other, "", "x", "8", ":", "8:", ":5", "-1:-1"};
    for (size_t i = 0; i < GH_ARRAY_SIZE(streams); i++) {
        setenv("JOURNAL_STREAM", streams[i], 1);
        gh_log(GH_LOG_INFO, "stream", "line %zu", i);
        assert_true(isdigit((unsigned char)said()[0]));
    }
}

static void control_characters_are_escaped(void **state)
{
    (void)state;
    static const struct {
        const char *text, *shown;
    } cases[] = {
        {"a\nb\r\tc", "a\\x0ab\\x0d\\x09c"},
        {"\x1b[2Jgone\x7f", "\\x1b[2Jgone\\x7f"},
        {"caf\xC3\xA9 \xE2\x82\xAC \xF0\x9F\x9A\xAA", "caf\xC3\xA9 \xE2\x82\xAC \xF0\x9F\x9A\xAA"},
        {"c1 \xC2\x9B"
         "2J \xC2\xA0",
         "c1 \\xc2\\x9b2J \xC2\xA0"},
        {"not utf-8 \xFF\xC3", "not utf-8 \\xff\\xc3"},
        {"overlong \xC0\x8A", "overlong \\xc0\\x8a"},
        {"surrogate \xED\xA0\x80", "surrogate \\xed\\xa0\\x80"},
    };
    for (size_t i = 0; i < GH_ARRAY_SIZE(cases); i++) {
        char expected[100];
        gh_log(GH_LOG_INFO, "escape", "%s", cases[i].text);
        snprintf(expected, sizeof(expected), "info escape: %s\n", cases[i].shown);
        assert_string_equal(said_untimed(), expected);
    }
}

static void a_long_text_is_cut_and_marked(void **state)
{
    (void)state;
    char text[5000];
    for (size_t shift = 0; shift < 3; shift++) { /* the cut falls on each byte of a character */
        for (size_t i = 0; i < sizeof(text) - 1; i++) {
            text[i] = i < shift ? 'x' : "\xE2\x82\xAC"[(i - shift) % 3];
        }
        text[sizeof(text) - 1] = '\0';
        gh_log(GH_LOG_INFO, "long", "%s", text);
        const char *line = said_untimed();
        size_t size = strlen(line);
        assert_in_range(size, 1000, 1100);
        assert_string_equal(line + size - 4, "...\n");
        assert_null(strstr(line, "\\x"));
        assert_true(gh_utf8_valid(line, size));
    }
    memset(text, '\x01', sizeof(text) - 1); /* the longest line: every byte becomes four */
    gh_log(GH_LOG_INFO, "long", "%s", text);
    const char *line = said_untimed();
    assert_in_range(strlen(line), 4000, 4200);
    assert_string_equal(line + strlen(line) - 4, "...\n");
}

static void errno_is_kept(void **state)
{
    (void)state;
    int full = open("/dev/full", O_WRONLY | O_CLOEXEC);
    assert_true(full >= 0);
    dup2(full, STDERR_FILENO);
    errno = 77;
    gh_log(GH_LOG_ERR, "errno", "nobody hears this");
    assert_int_equal(errno, 77);
    close(STDERR_FILENO);
    gh_log(GH_LOG_ERR, "errno", "nor this");
    assert_int_equal(errno, 77);
    dup2(fileno(file), STDERR_FILENO);
    close(full);
    errno = ENOENT;
    gh_log(GH_LOG_ERR, "errno", "%m");
    assert_string_equal(said_untimed(), "err errno: No such file or directory\n");
}

static void more_modules_than_slots_still_speak(void **state)
{
    (void)state;
    static char names[100][16];
    for (int i = 0; i < 100; i++) {
        snprintf(names[i], sizeof(names[i]), "m%d", i);
        gh_log(GH_LOG_INFO, names[i], "hello");
    }
    const char *lines = said();
    for (int i = 0; i < 100; i++) {
        char expected[32];
        snprintf(expected, sizeof(expected), " m%d: hello\n", i);
        assert_non_null(strstr(lines, expected));
    }
}

#define THREADS 8
#define LINES 200

static void *speak(void *argument)
{
    const int *number = argument;
    for (int i = 0; i < LINES; i++) {
        gh_log(GH_LOG_INFO, "threads", "thread %d line %d", *number, i);
    }
    return NULL;
}

static void threads_do_not_mix_their_lines(void **state)
{
    (void)state;
    pthread_t threads[THREADS];
    int numbers[THREADS];
    for (int i = 0; i < THREADS; i++) {
        numbers[i] = i;
        assert_int_equal(pthread_create(&threads[i], NULL, speak, &numbers[i]), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
    }
    bool seen[THREADS][LINES] = {{false}};
    int count = 0;
    char *rest = NULL;
    char *text = strdup(said());
    for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
        int thread, number, end = 0;
        assert_int_equal(
            sscanf(line, "%*s info threads: thread %d line %d%n", &thread, &number, &end), 2);
        assert_int_equal(line[end], '\0');
        assert_false(seen[thread][number]);
        seen[thread][number] = true;
        count++;
    }
    free(text);
    assert_int_equal(count, THREADS * LINES);
}

#define LOG_TEST(name) cmocka_unit_test_setup_teardown(name, capture, release)

int main(void)
{
    const struct CMUnitTest tests[] = {
        LOG_TEST(a_line_has_time_level_module_text),
        LOG_TEST(levels_have_names),
        LOG_TEST(less_urgent_lines_are_dropped),
        LOG_TEST(repeats_are_said_once_and_counted),
        LOG_TEST(other_modules_do_not_end_a_repeat),
        LOG_TEST(a_module_is_known_by_its_name),
        LOG_TEST(a_dropped_line_is_no_repeat),
        LOG_TEST(a_text_at_another_level_is_no_repeat),
        LOG_TEST(the_journal_gets_priorities),
        LOG_TEST(a_stream_that_is_not_ours_is_not_the_journal),
        LOG_TEST(control_characters_are_escaped),
        LOG_TEST(a_long_text_is_cut_and_marked),
        LOG_TEST(errno_is_kept),
        LOG_TEST(threads_do_not_mix_their_lines),
        LOG_TEST(more_modules_than_slots_still_speak), /* last: it takes every slot */
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
