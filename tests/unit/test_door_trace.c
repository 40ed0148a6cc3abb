/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "gate/door.h"

static int64_t fake_now_ns;

static int64_t fake_time(void *context)
{
    (void)context;
    return fake_now_ns;
}

static const struct gh_clock fake_clock = {.wall_ns = fake_time, .monotonic_ns = fake_time};

/* What the trace prints between begin and end, in place of the terminal. */
static int real_stdout = -1;
static FILE *captured;

static void begin_capture(void)
{
    fflush(stdout);
    captured = tmpfile();
    assert_non_null(captured);
    real_stdout = dup(STDOUT_FILENO);
    assert_true(dup2(fileno(captured), STDOUT_FILENO) >= 0);
}

static void restore_stdout(void)
{
    dup2(real_stdout, STDOUT_FILENO);
    close(real_stdout);
    real_stdout = -1;
}

/* Without flushing: the trace has to do that itself. */
static void end_capture(char *text, size_t text_bytes)
{
    restore_stdout();
    rewind(captured);
    size_t size = fread(text, 1, text_bytes - 1, captured);
    text[size] = '\0';
    fclose(captured);
}

static void every_change_is_one_line(void **state)
{
    (void)state;
    struct gh_door_io io;
    fake_now_ns = 50 * GH_NS_PER_S;
    assert_int_equal(gh_door_trace_new(&fake_clock, "", &io, NULL), GH_OK);

    begin_capture();
    enum gh_status status = io.set(io.context, 0, NULL);
    fake_now_ns += 12345 * GH_NS_PER_MS;
    unsigned open = GH_LINE_BIT(GH_LINE_RELAY) | GH_LINE_BIT(GH_LINE_GREEN);
    status |= io.set(io.context, open, NULL);
    status |= io.set(io.context, open, NULL);
    fake_now_ns += 5 * GH_NS_PER_MS;
    status |=
        io.set(io.context, GH_LINE_BIT(GH_LINE_GREEN) | GH_LINE_BIT(GH_LINE_BUZZER) | 0x8000, NULL);
    char text[512];
    end_capture(text, sizeof(text));

    assert_int_equal(status, GH_OK);
    assert_string_equal(text, "door +12.345 relay on\n"
                              "door +12.345 lamp_green on\n"
                              "door +12.350 relay off\n"
                              "door +12.350 buzzer on\n");
    begin_capture();
    io.free(io.context);
    end_capture(text, sizeof(text));
    assert_string_equal(text, "door +12.350 buzzer off\n"
                              "door +12.350 lamp_green off\n");
}

static void a_full_device_is_an_error_and_the_line_comes_later(void **state)
{
    (void)state;
    struct gh_door_io io;
    struct gh_error err = {0};
    char text[512];
    fake_now_ns = 0;
    assert_int_equal(gh_door_trace_new(&fake_clock, "", &io, NULL), GH_OK);

    fflush(stdout);
    real_stdout = dup(STDOUT_FILENO);
    int full = open("/dev/full", O_WRONLY | O_CLOEXEC);
    assert_true(full >= 0);
    dup2(full, STDOUT_FILENO);
    close(full);
    enum gh_status status = io.set(io.context, GH_LINE_BIT(GH_LINE_RED), &err);
    restore_stdout();
    assert_int_equal(status, GH_ERR_NOSPACE);
    assert_non_null(strstr(err.text, "door"));

    begin_capture();
    status = io.set(io.context, GH_LINE_BIT(GH_LINE_RED), NULL);
    end_capture(text, sizeof(text));
    assert_int_equal(status, GH_OK);
    assert_string_equal(text, "door +0.000 lamp_red on\n");
    begin_capture();
    io.free(io.context);
    end_capture(text, sizeof(text));
}

static void write_contact(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static void the_contact_is_a_word_in_a_file(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum gh_contact contact;
    } cases[] = {
        {"open", GH_CONTACT_OPEN},
        {"shut\n", GH_CONTACT_SHUT},
        {"open\r\n", GH_CONTACT_OPEN},
        {"shut is what it is", GH_CONTACT_SHUT},
        {"", GH_CONTACT_UNKNOWN},
        {"\n", GH_CONTACT_UNKNOWN},
        {"opened\n", GH_CONTACT_UNKNOWN},
        {"shu", GH_CONTACT_UNKNOWN},
        {"OPEN", GH_CONTACT_UNKNOWN},
        {"1", GH_CONTACT_UNKNOWN},
        {"openopenopenopen", GH_CONTACT_UNKNOWN},
    };
    char folder[] = "/tmp/gatehouse-trace-XXXXXX", path[64], fifo[64];
    struct gh_door_io io;

    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof(path), "%s/contact", folder);
    snprintf(fifo, sizeof(fifo), "%s/fifo", folder);
    assert_int_equal(gh_door_trace_new(&fake_clock, path, &io, NULL), GH_OK);
    assert_int_equal(io.contact(io.context), GH_CONTACT_UNKNOWN); /* nobody has written it yet */
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        write_contact(path, cases[i].text);
        assert_int_equal(io.contact(io.context), cases[i].contact);
    }
    assert_int_equal(unlink(path), 0);
    assert_int_equal(io.contact(io.context), GH_CONTACT_UNKNOWN);
    assert_int_equal(mkfifo(fifo, 0600), 0);
    assert_int_equal(rename(fifo, path), 0);
    assert_int_equal(io.contact(io.context), GH_CONTACT_UNKNOWN); /* at once */
    io.free(io.context);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(rmdir(folder), 0);

    assert_int_equal(gh_door_trace_new(&fake_clock, "", &io, NULL), GH_OK);
    assert_null(io.contact);
    io.free(io.context);
}

static void a_contact_needs_a_name_that_fits(void **state)
{
    (void)state;
    static char name[PATH_MAX + 1];
    struct gh_door_io io = {.context = &io};
    memset(name, 'x', PATH_MAX);
    assert_int_equal(gh_door_trace_new(&fake_clock, name, &io, NULL), GH_ERR_TOOBIG);
    assert_null(io.context);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_change_is_one_line),
        cmocka_unit_test(the_contact_is_a_word_in_a_file),
        cmocka_unit_test(a_contact_needs_a_name_that_fits),
        cmocka_unit_test(a_full_device_is_an_error_and_the_line_comes_later),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
