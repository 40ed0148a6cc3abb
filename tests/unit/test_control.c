/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "gate/control.h"

struct world {
    char folder[64], path[96];
    sd_event *event;
    struct gh_control *control;
    char asked[GH_CONTROL_LINE_BYTES];
    size_t answer_bytes; /* of 'x' before what was asked */
};

static void answer(void *context, const char *line, struct gh_writer *writer)
{
    struct world *world = context;

    snprintf(world->asked, sizeof(world->asked), "%s", line);
    for (size_t i = 0; i < world->answer_bytes; i++)
        gh_writer_put_byte(writer, 'x');
    gh_writer_put_text(writer, line);
}

static int setup(void **state)
{
    struct world *world = calloc(1, sizeof(*world));
    struct gh_error err = {0};

    snprintf(world->folder, sizeof(world->folder), "/tmp/gatehouse-control.XXXXXX");
    assert_non_null(mkdtemp(world->folder));
    snprintf(world->path, sizeof(world->path), "%s/control", world->folder);
    assert_true(sd_event_new(&world->event) >= 0);
    assert_int_equal(
        gh_control_new(world->event, world->path, answer, world, &world->control, &err), GH_OK);
    *state = world;
    return 0;
}

static int teardown(void **state)
{
    struct world *world = *state;

    gh_control_free(world->control);
    assert_int_equal(access(world->path, F_OK), -1);
    sd_event_unref(world->event);
    (void)rmdir(world->folder);
    free(world);
    return 0;
}

static int knock(const struct world *world)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    assert_true(fd >= 0);
    strcpy(address.sun_path, world->path);
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    return fd;
}

/* The loop, until nothing happens any more. */
static void run(const struct world *world)
{
    while (sd_event_run(world->event, 20 * 1000) > 0)
        continue;
}

/* Until the other side hangs up. */
static size_t take(const struct world *world, int fd, char *out, size_t room)
{
    size_t size = 0;

    for (;;) {
        run(world);
        ssize_t got = recv(fd, out + size, room - size, 0);
        if (got < 0 && errno == EAGAIN)
            continue;
        if (got <= 0)
            break;
        size += (size_t)got;
    }
    close(fd);
    return size;
}

static void test_one_line_one_answer(void **state)
{
    struct world *world = *state;
    char out[64] = "";
    int fd = knock(world);

    assert_int_equal(send(fd, "status\nand more", 15, 0), 15);
    assert_int_equal(take(world, fd, out, sizeof(out)), 6);
    assert_memory_equal(out, "status", 6);
    assert_string_equal(world->asked, "status");
}

/* The loop does not spin about somebody who cannot be let in. */
static void test_no_descriptor_left(void **state)
{
    struct world *world = *state;
    struct rlimit before, none;
    char out[64];
    int rounds = 0, fd = knock(world);

    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    none = before;
    none.rlim_cur = 0;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    while (rounds < 50 && sd_event_run(world->event, 0) > 0)
        rounds++;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    assert_in_range(rounds, 1, 10);
    assert_int_equal(send(fd, "status\n", 7, 0), 7);
    assert_int_equal(take(world, fd, out, sizeof(out)), 6); /* a second later */
}

static void test_in_pieces(void **state)
{
    struct world *world = *state;
    char out[64];
    int fd = knock(world);

    for (const char *at = "test relay\n"; *at; at++) {
        assert_int_equal(send(fd, at, 1, 0), 1);
        run(world);
    }
    assert_int_equal(take(world, fd, out, sizeof(out)), 10);
    assert_memory_equal(out, "test relay", 10);
}

static void test_a_long_answer_is_cut(void **state)
{
    struct world *world = *state;
    static char out[2 * GH_CONTROL_ANSWER_BYTES];
    int fd = knock(world);

    world->answer_bytes = GH_CONTROL_ANSWER_BYTES + 100;
    assert_int_equal(send(fd, "x\n", 2, 0), 2);
    assert_int_equal(take(world, fd, out, sizeof(out)), GH_CONTROL_ANSWER_BYTES);
}

static void test_nonsense_is_hung_up_on(void **state)
{
    struct world *world = *state;
    char out[64], line[GH_CONTROL_LINE_BYTES + 10];
    int fd = knock(world);

    memset(line, 'a', sizeof(line)); /* no end */
    assert_true(send(fd, line, sizeof(line), 0) > 0);
    assert_int_equal(take(world, fd, out, sizeof(out)), 0);
    fd = knock(world);
    assert_int_equal(send(fd, "\x01\n", 2, 0), 2);
    assert_int_equal(take(world, fd, out, sizeof(out)), 0);
    fd = knock(world);
    assert_int_equal(send(fd, "hello\0there\n", 12, 0), 12); /* a text ends where the line does */
    assert_int_equal(take(world, fd, out, sizeof(out)), 0);
    fd = knock(world);
    assert_int_equal(send(fd, "\n", 1, 0), 1); /* nothing was asked: nothing is answered */
    assert_int_equal(take(world, fd, out, sizeof(out)), 0);
    fd = knock(world);
    assert_int_equal(shutdown(fd, SHUT_WR), 0);
    assert_int_equal(take(world, fd, out, sizeof(out)), 0);
    assert_string_equal(world->asked, "");
}

/* Who comes when all places are taken is hung up on; and those who hold them lose nothing. */
static void test_a_crowd(void **state)
{
    struct world *world = *state;
    char out[64];
    int held[GH_CONTROL_CLIENTS];

    for (size_t i = 0; i < GH_CONTROL_CLIENTS; i++) {
        held[i] = knock(world);
        run(world);
    }
    assert_int_equal(take(world, knock(world), out, sizeof(out)), 0);
    for (size_t i = 0; i < GH_CONTROL_CLIENTS; i++) {
        assert_int_equal(send(held[i], "hello\n", 6, 0), 6);
        assert_int_equal(take(world, held[i], out, sizeof(out)), 5);
    }
    int fd = knock(world);
    assert_int_equal(send(fd, "again\n", 6, 0), 6);
    assert_int_equal(take(world, fd, out, sizeof(out)), 5);
}

/* Silent ones are hung up on after a while. */
static void test_patience_ends(void **state)
{
    struct world *world = *state;
    char out[8];

    assert_int_equal(take(world, knock(world), out, sizeof(out)), 0);
}

static void test_who_may_come_in(void **state)
{
    struct world *world = *state;
    struct stat about;

    assert_int_equal(stat(world->path, &about), 0);
    assert_int_equal(about.st_mode & 0777, 0660);
}

static void test_what_lies_at_the_path(void **state)
{
    struct world *world = *state;
    struct gh_control *second = NULL;
    struct gh_error err = {0};
    char path[96];

    /* a socket that was left there */
    snprintf(path, sizeof(path), "%s/left", world->folder);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    strcpy(address.sun_path, path);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    close(fd);
    assert_int_equal(gh_control_new(world->event, path, answer, world, &second, &err), GH_OK);
    gh_control_free(second);

    /* something else */
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fclose(file);
    assert_int_equal(gh_control_new(world->event, path, answer, world, &second, &err),
                     GH_ERR_EXISTS);
    assert_null(second);
    assert_int_equal(unlink(path), 0);

    snprintf(path, sizeof(path), "%s/no/folder", world->folder);
    assert_int_equal(gh_control_new(world->event, path, answer, world, &second, &err),
                     GH_ERR_NOTFOUND);
    assert_int_equal(
        gh_control_new(world->event,
                       "/tmp/a-path-that-is-longer-than-any-socket-may-have-a-path-that-is-longer-"
                       "than-any-socket-may-have-a-path-that-is-longer",
                       answer, world, &second, &err),
        GH_ERR_TOOBIG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_one_line_one_answer, setup, teardown),
        cmocka_unit_test_setup_teardown(test_no_descriptor_left, setup, teardown),
        cmocka_unit_test_setup_teardown(test_in_pieces, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_long_answer_is_cut, setup, teardown),
        cmocka_unit_test_setup_teardown(test_nonsense_is_hung_up_on, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_crowd, setup, teardown),
        cmocka_unit_test_setup_teardown(test_patience_ends, setup, teardown),
        cmocka_unit_test_setup_teardown(test_who_may_come_in, setup, teardown),
        cmocka_unit_test_setup_teardown(test_what_lies_at_the_path, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
