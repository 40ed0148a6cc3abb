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
#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>

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

    assert_int_equal(gh_door_trace_new(&fake_clock, "", &io, NULL), GH_OK);
    begin_capture();
    status = io.set(io.context, GH_LINE_BIT(GH_LINE_RELAY), NULL);
    io.leave(io.context);
    end_capture(text, sizeof(text));
    assert_int_equal(status, GH_OK);
    assert_string_equal(text, "door +0.000 relay on\n");
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

/* --- the inputs --- */

#define ALL (GH_INPUT_BIT(GH_INPUT_COUNT) - 1)

struct desk {
    char folder[32];
    char path[64];
    struct gh_door_io io;
};

static void open_desk(struct desk *desk)
{
    snprintf(desk->folder, sizeof(desk->folder), "/tmp/gatehouse-trace-XXXXXX");
    assert_non_null(mkdtemp(desk->folder));
    snprintf(desk->path, sizeof(desk->path), "%s/inputs", desk->folder);
    assert_int_equal(gh_door_trace_new(&fake_clock, desk->path, &desk->io, NULL), GH_OK);
    assert_true(desk->io.inputs_fd >= 0);
    assert_int_equal(desk->io.inputs_wired, ALL);
}

static void close_desk(struct desk *desk)
{
    desk->io.free(desk->io.context);
    (void)unlink(desk->path);
    assert_int_equal(rmdir(desk->folder), 0);
}

static void write_text(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static bool is_readable(int fd)
{
    struct pollfd wait = {.fd = fd, .events = POLLIN};
    return poll(&wait, 1, 0) == 1;
}

static void expect_inputs(struct desk *desk, unsigned active, unsigned known)
{
    struct gh_door_inputs inputs = desk->io.inputs(desk->io.context);
    assert_int_equal(inputs.active, active);
    assert_int_equal(inputs.known, known);
    assert_false(is_readable(desk->io.inputs_fd));
}

static void inputs_are_names_in_a_file(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        unsigned active, known;
    } cases[] = {
        {"\n", 0, ALL},
        {"contact\n", GH_INPUT_BIT(GH_INPUT_CONTACT), ALL},
        {"other_door fire\texit\r\nguard\ntamper\n", ALL & ~GH_INPUT_BIT(GH_INPUT_CONTACT), ALL},
        {"?contact fire\n", GH_INPUT_BIT(GH_INPUT_FIRE), ALL & ~GH_INPUT_BIT(GH_INPUT_CONTACT)},
        {"exit ?exit\n", 0, ALL & ~GH_INPUT_BIT(GH_INPUT_EXIT)},
        {"contact bell\n", 0, 0},
        {"Contact\n", 0, 0},
        {"??exit\n", 0, 0},
        {"?\n", 0, 0},
    };
    struct desk desk;
    open_desk(&desk);
    expect_inputs(&desk, 0, 0); /* nobody has written it yet */
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        write_text(desk.path, "guard\n");
        expect_inputs(&desk, GH_INPUT_BIT(GH_INPUT_GUARD), ALL);
        write_text(desk.path, cases[i].text);
        assert_true(is_readable(desk.io.inputs_fd));
        expect_inputs(&desk, cases[i].active, cases[i].known);
    }
    close_desk(&desk);
}

/* Renamed into its place, as a careful writer does it; removed; in place of something else. */
static void the_inputs_file_may_come_and_go(void **state)
{
    (void)state;
    char other[64];
    struct desk desk;
    open_desk(&desk);
    snprintf(other, sizeof(other), "%s/other", desk.folder);
    write_text(other, "exit\n");
    expect_inputs(&desk, 0, 0); /* somebody else's file */
    assert_int_equal(rename(other, desk.path), 0);
    assert_true(is_readable(desk.io.inputs_fd));
    expect_inputs(&desk, GH_INPUT_BIT(GH_INPUT_EXIT), ALL);
    assert_int_equal(rename(desk.path, other), 0);
    expect_inputs(&desk, 0, 0);
    assert_int_equal(rename(other, desk.path), 0);
    expect_inputs(&desk, GH_INPUT_BIT(GH_INPUT_EXIT), ALL);
    assert_int_equal(unlink(desk.path), 0);
    expect_inputs(&desk, 0, 0);
    assert_int_equal(mkfifo(other, 0600), 0);
    assert_int_equal(rename(other, desk.path), 0);
    expect_inputs(&desk, 0, 0); /* at once */
    close_desk(&desk);
}

/* Somebody who writes in place is seen half-way by nobody. */
static void half_a_file_does_not_count(void **state)
{
    (void)state;
    char large[2048];
    struct desk desk;
    open_desk(&desk);
    write_text(desk.path, "fire\n");
    expect_inputs(&desk, GH_INPUT_BIT(GH_INPUT_FIRE), ALL);
    FILE *file = fopen(desk.path, "w"); /* empty from here on */
    assert_non_null(file);
    expect_inputs(&desk, GH_INPUT_BIT(GH_INPUT_FIRE), ALL);
    assert_true(fputs("tamper", file) >= 0 && fflush(file) == 0);
    expect_inputs(&desk, GH_INPUT_BIT(GH_INPUT_FIRE), ALL);
    write_text(desk.path, ""); /* another one closes it */
    expect_inputs(&desk, GH_INPUT_BIT(GH_INPUT_FIRE), ALL);
    write_text(desk.path, "tam");
    expect_inputs(&desk, GH_INPUT_BIT(GH_INPUT_FIRE), ALL);
    fclose(file);
    write_text(desk.path, "tamper\n");
    expect_inputs(&desk, GH_INPUT_BIT(GH_INPUT_TAMPER), ALL);

    memset(large, ' ', sizeof(large) - 2);
    memcpy(large + sizeof(large) - 2, "\n", 2);
    write_text(desk.path, large);
    expect_inputs(&desk, 0, 0);
    close_desk(&desk);
}

/* A writer in a hurry fills the kernel's queue (16384 events by default) or a good part of it:
 * no call takes all of it, the last state is what counts in the end. */
static void many_changes_are_taken_in_parts(void **state)
{
    (void)state;
    struct desk desk;
    open_desk(&desk);
    for (int i = 0; i < 2000; i++) {
        char other[64];
        snprintf(other, sizeof(other), "%s/o%d", desk.folder, i & 1);
        write_text(other, i & 1 ? "exit\n" : "guard\n");
        assert_int_equal(rename(other, desk.path), 0);
    }
    int calls = 0;
    struct gh_door_inputs inputs = {0};
    while (is_readable(desk.io.inputs_fd)) {
        inputs = desk.io.inputs(desk.io.context);
        calls++;
    }
    assert_int_equal(inputs.active, GH_INPUT_BIT(GH_INPUT_EXIT));
    assert_true(calls > 1 && calls < 4000);
    close_desk(&desk);
}

static void a_folder_that_is_not_there_is_named(void **state)
{
    (void)state;
    struct gh_door_io io;
    struct gh_error err = {0};
    assert_int_equal(gh_door_trace_new(&fake_clock, "/gatehouse/none/inputs", &io, &err),
                     GH_ERR_NOTFOUND);
    assert_non_null(strstr(err.text, "/gatehouse/none/inputs"));
    assert_null(io.context);
    assert_int_equal(gh_door_trace_new(&fake_clock, "inputs-of-nobody", &io, NULL), GH_OK);
    struct gh_door_inputs inputs = io.inputs(io.context); /* in the folder where we are */
    assert_int_equal(inputs.known, 0);
    io.free(io.context);
}

/* The keeper of the door is a child that goes on when its parent cannot. */
static void a_child_and_its_parent_know_what_is_on(void **state)
{
    (void)state;
    struct gh_door_io io;
    char text[512];
    fake_now_ns = 0;
    assert_int_equal(gh_door_trace_new(&fake_clock, "", &io, NULL), GH_OK);
    int go[2], result = -1;
    assert_int_equal(pipe(go), 0);
    begin_capture();
    pid_t child = fork();
    if (child == 0) { /* what the parent turns on after the fork is the child's to turn off */
        char byte;
        bool told = read(go[0], &byte, 1) == 1;
        _exit(told && io.set(io.context, 0, NULL) == GH_OK ? 0 : 1);
    }
    enum gh_status status = io.set(io.context, GH_LINE_BIT(GH_LINE_RELAY), NULL);
    bool told = write(go[1], "!", 1) == 1;
    close(go[1]);
    waitpid(child, &result, 0);
    status |= io.set(io.context, 0, NULL); /* is so already */
    status |= io.set(io.context, GH_LINE_BIT(GH_LINE_RELAY), NULL);
    io.free(io.context);
    end_capture(text, sizeof(text));
    close(go[0]);
    assert_true(told && result == 0 && status == GH_OK);
    assert_string_equal(text, "door +0.000 relay on\ndoor +0.000 relay off\n"
                              "door +0.000 relay on\ndoor +0.000 relay off\n");
}

static void a_child_looks_for_itself(void **state)
{
    (void)state;
    int result = -1;
    struct desk desk;
    open_desk(&desk);
    write_text(desk.path, "exit\n");
    pid_t child = fork();
    if (child == 0) {
        struct gh_door_inputs inputs = desk.io.inputs(desk.io.context);
        bool good = inputs.active == GH_INPUT_BIT(GH_INPUT_EXIT) && inputs.known == ALL;
        write_text(desk.path, "fire\n");
        inputs = desk.io.inputs(desk.io.context);
        _exit(good && inputs.active == GH_INPUT_BIT(GH_INPUT_FIRE) ? 0 : 1);
    }
    assert_int_equal(waitpid(child, &result, 0), child);
    assert_int_equal(result, 0);
    assert_true(is_readable(desk.io.inputs_fd)); /* the words were for the parent */
    expect_inputs(&desk, GH_INPUT_BIT(GH_INPUT_FIRE), ALL);
    close_desk(&desk);
}

static void inputs_need_a_name_that_fits(void **state)
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
        cmocka_unit_test(inputs_need_a_name_that_fits),
        cmocka_unit_test(inputs_are_names_in_a_file),
        cmocka_unit_test(the_inputs_file_may_come_and_go),
        cmocka_unit_test(half_a_file_does_not_count),
        cmocka_unit_test(many_changes_are_taken_in_parts),
        cmocka_unit_test(a_folder_that_is_not_there_is_named),
        cmocka_unit_test(a_child_and_its_parent_know_what_is_on),
        cmocka_unit_test(a_child_looks_for_itself),
        cmocka_unit_test(a_full_device_is_an_error_and_the_line_comes_later),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
