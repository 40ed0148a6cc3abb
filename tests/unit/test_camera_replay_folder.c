/* SPDX-License-Identifier: Apache-2.0 */
/* Files that come while the replay runs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <sys/stat.h>

#include "fakes/replay_rig.h"
#include "gate/camera_replay.h"

static const struct gh_replay_options follow = {.frames_a_still = 1, .follow = true};

static void later_files_come_in_the_order_of_their_arrival(void **state)
{
    (void)state;
    write_pgm("m.pgm", 1);
    open_with(folder, &follow, &fake_clock);
    expect_grey(1);
    expect_status(GH_ERR_AGAIN);
    write_pgm("z.pgm", 2);
    rename_in("a.pgm", 3);
    write_pgm("x.part", 99);
    write_pgm(".y", 99);
    assert_int_equal(mkdir(path_of("folder"), 0755), 0);
    write_pgm("k.pgm", 4);
    expect_grey(2);
    expect_grey(3);
    expect_grey(4);
    expect_status(GH_ERR_AGAIN);
    assert_int_equal(rename(path_of("x.part"), path_of("x.pgm")), 0);
    expect_grey(99);
    expect_status(GH_ERR_AGAIN);
}

static void a_file_is_taken_when_it_is_closed(void **state)
{
    (void)state;
    char bytes[128];
    size_t size = pgm(bytes, sizeof(bytes), SIDE, SIDE, 5);
    open_with(folder, &follow, &fake_clock);
    int fd = open(path_of("a.pgm"), O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes, 20), 20);
    expect_status(GH_ERR_AGAIN);
    assert_int_equal(write(fd, bytes + 20, size - 20), size - 20);
    expect_status(GH_ERR_AGAIN);
    assert_int_equal(close(fd), 0);
    expect_grey(5);
    expect_status(GH_ERR_AGAIN);
}

/* The scan and an event speak of the same file. */
static void a_file_is_not_given_twice(void **state)
{
    (void)state;
    write_pgm("a.pgm", 5);
    int fd = open(path_of("a.pgm"), O_WRONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    open_with(folder, &follow, &fake_clock); /* found by the scan */
    assert_int_equal(close(fd), 0);          /* written and closed, says the event */
    expect_grey(5);
    expect_status(GH_ERR_AGAIN);
}

static void a_name_that_comes_again_is_another_file(void **state)
{
    (void)state;
    open_with(folder, &follow, &fake_clock);
    for (unsigned i = 0; i < 20; i++) {
        rename_in("same.pgm", i);
        expect_grey(i);
        expect_status(GH_ERR_AGAIN);
    }
    assert_int_equal(unlink(path_of("same.pgm")), 0);
    expect_status(GH_ERR_AGAIN);
    rename_in("same.pgm", 21);
    expect_grey(21);
    expect_status(GH_ERR_AGAIN);
}

static void what_went_before_its_turn_is_not_missed(void **state)
{
    (void)state;
    write_pgm("a.pgm", 1);
    open_with(folder, &follow, &fake_clock);
    expect_grey(1);
    write_pgm("b.pgm", 2);
    write_pgm("c.pgm", 3);
    assert_int_equal(unlink(path_of("b.pgm")), 0);
    assert_int_equal(rename(path_of("c.pgm"), path_of("d.pgm")), 0);
    expect_grey(3);
    expect_status(GH_ERR_AGAIN);

    write_pgm("e.pgm", 4);
    write_pgm("f.pgm", 5);
    write_pgm("g.pgm", 6);
    expect_grey(4); /* now the others are known */
    assert_int_equal(unlink(path_of("f.pgm")), 0);
    assert_int_equal(rename(path_of("g.pgm"), path_of("h.pgm")), 0);
    expect_grey(6);
    expect_status(GH_ERR_AGAIN);
}

/* Between its event and its turn a file is written once more: the second event is of what was read.
 */
static void a_file_that_changed_before_its_turn(void **state)
{
    (void)state;
    struct gh_replay_folder *files;
    assert_int_equal(gh_replay_folder_open(folder, true, &files, NULL), GH_OK);
    write_pgm("a.pgm", 1);
    assert_int_equal(gh_replay_folder_update(files, NULL), GH_OK);
    write_bytes("a.pgm", "P5 1 1 255\n?", 12);
    char *name = gh_replay_folder_next(files);
    assert_non_null(name);
    assert_string_equal(name, path_of("a.pgm"));
    free(name);
    assert_int_equal(gh_replay_folder_update(files, NULL), GH_OK);
    assert_null(gh_replay_folder_next(files));
    gh_replay_folder_close(files);
    gh_replay_folder_close(NULL);
}

static void broken_files_that_come_later(void **state)
{
    (void)state;
    open_with(folder, &follow, &fake_clock);
    write_bytes("a.pgm", "P5 1", 4);
    write_pgm("b.pgm", 2);
    expect_corrupt("a.pgm");
    expect_grey(2);
    write_pgm("a.pgm", 3); /* and mended */
    expect_grey(3);
    expect_status(GH_ERR_AGAIN);
}

/* The kernel's queue of events is finite: then the folder is looked through. */
static void more_events_than_the_kernel_keeps(void **state)
{
    (void)state;
    unsigned limit = 0;
    FILE *file = fopen("/proc/sys/fs/inotify/max_queued_events", "r");
    if (file == NULL || fscanf(file, "%u", &limit) != 1 || limit > 100000) {
        if (file != NULL) {
            fclose(file);
        }
        skip(); /* the kernel keeps more than a test can make */
    }
    fclose(file);
    open_with(folder, &follow, &fake_clock);
    write_pgm("p.pgm", 8);
    write_pgm("q.pgm", 9);
    expect_grey(8);
    for (unsigned i = 0; i < limit + 10; i++) {
        int fd =
            open(path_of(i % 2 == 0 ? "x.part" : "y.part"), O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
        assert_true(fd >= 0);
        close(fd);
    }
    assert_int_equal(unlink(path_of("q.pgm")), 0); /* nobody is told */
    rename_in("b.pgm", 2);
    rename_in("a.pgm", 1);
    expect_grey(1);
    expect_grey(2);
    expect_status(GH_ERR_AGAIN);
    rename_in("c.pgm", 3);
    expect_grey(3);
    expect_status(GH_ERR_AGAIN);
}

static void a_folder_that_goes_and_comes_back(void **state)
{
    (void)state;
    write_pgm("a.pgm", 1);
    open_with(folder, &follow, &fake_clock);
    expect_grey(1);
    remove_files();
    assert_int_equal(rmdir(folder), 0);
    struct gh_frame frame;
    struct gh_error err = {0};
    assert_int_equal(camera.next(camera.context, 0, &frame, &err), GH_ERR_GONE);
    assert_non_null(strstr(err.text, folder));
    expect_status(GH_ERR_AGAIN);
    fake_now_ns += GH_NS_PER_S;
    expect_status(GH_ERR_GONE); /* still */
    expect_status(GH_ERR_AGAIN);
    assert_int_equal(mkdir(folder, 0755), 0);
    write_pgm("a.pgm", 2);
    expect_status(GH_ERR_AGAIN);
    fake_now_ns += GH_NS_PER_S;
    expect_grey(2);
    write_pgm("b.pgm", 3);
    expect_grey(3);
    expect_status(GH_ERR_AGAIN);
}

#define CROWD 200

static void *send_crowd(void *context)
{
    bool *failed = (bool *)context;
    for (unsigned i = 1; i <= CROWD; i++) {
        char bytes[128];
        char from[160];
        char to[160];
        snprintf(from, sizeof(from), "%s/%u%s", folder, i, i % 2 == 0 ? ".part" : ".pgm");
        snprintf(to, sizeof(to), "%s/%u.pgm", folder, i);
        int head = snprintf(bytes, sizeof(bytes), "P5 1 2 255\n%c%c", i & 0xFF, i >> 4);
        FILE *file = fopen(from, "wb");
        *failed = *failed || file == NULL || fwrite(bytes, 1, (size_t)head, file) != (size_t)head ||
                  fclose(file) != 0 || rename(from, to) != 0;
    }
    return NULL;
}

/* Everybody comes through, once and in turn, while more are coming. */
static void none_of_a_crowd_is_missed_or_comes_twice(void **state)
{
    (void)state;
    bool failed = false;
    pthread_t thread;
    open_with(folder, &follow, gh_clock_system());
    assert_int_equal(pthread_create(&thread, NULL, send_crowd, &failed), 0);
    enum gh_status status = GH_OK;
    unsigned wrong = 0;
    for (unsigned i = 1; i <= CROWD && status == GH_OK; i++) {
        struct gh_frame frame;
        do {
            status = next(LONG_MS, &frame);
        } while (status == GH_ERR_AGAIN);
        if (status == GH_OK) {
            wrong +=
                frame.luma[0] != (uint8_t)i || frame.luma[frame.stride_bytes] != (uint8_t)(i >> 4);
        }
    }
    pthread_join(thread, NULL);
    assert_false(failed);
    assert_int_equal(status, GH_OK);
    assert_int_equal(wrong, 0);
    expect_status(GH_ERR_AGAIN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(later_files_come_in_the_order_of_their_arrival),
        TEST(a_file_is_taken_when_it_is_closed),
        TEST(a_file_is_not_given_twice),
        TEST(a_name_that_comes_again_is_another_file),
        TEST(what_went_before_its_turn_is_not_missed),
        TEST(a_file_that_changed_before_its_turn),
        TEST(broken_files_that_come_later),
        TEST(more_events_than_the_kernel_keeps),
        TEST(a_folder_that_goes_and_comes_back),
        TEST(none_of_a_crowd_is_missed_or_comes_twice),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
