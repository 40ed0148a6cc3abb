/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <sys/stat.h>

#include "fakes/replay_rig.h"
#include "gatehouse/bytes.h"

static const struct gh_replay_options once = {.frames_a_still = 1};

/* --- one file --- */

static void a_still_once_and_then_the_end(void **state)
{
    (void)state;
    write_pgm("a.pgm", 9);
    open_with(path_of("a.pgm"), &once, &fake_clock);
    expect_grey(9);
    expect_status(GH_ERR_END);
    expect_status(GH_ERR_END);
}

static void frames_and_blanks_of_a_still(void **state)
{
    (void)state;
    write_pgm("a.pgm", 9);
    write_pgm("b.pgm", 8);
    struct gh_replay_options options = {.frames_a_still = 3, .blanks_a_still = 2};
    open_with(folder, &options, &fake_clock);
    for (unsigned still = 0; still < 2; still++) {
        for (unsigned i = 0; i < 3; i++) {
            expect_grey(9 - still);
        }
        expect_grey(WHITE);
        expect_grey(WHITE);
    }
    expect_status(GH_ERR_END);
}

/* It is loaded once: deleting it afterwards changes nothing. */
static void a_still_is_read_once(void **state)
{
    (void)state;
    write_pgm("a.pgm", 9);
    struct gh_replay_options options = {.frames_a_still = 5, .blanks_a_still = 1};
    open_with(path_of("a.pgm"), &options, &fake_clock);
    expect_grey(9);
    assert_int_equal(unlink(path_of("a.pgm")), 0);
    for (unsigned i = 1; i < 5; i++) {
        expect_grey(9);
    }
    expect_grey(WHITE);
    expect_status(GH_ERR_END);
}

static void blanks_have_the_size_of_their_still(void **state)
{
    (void)state;
    static const unsigned sides[][2] = {{3, 5}, {40, 30}, {7, 2}, {41, 31}};
    for (unsigned i = 0; i < GH_ARRAY_SIZE(sides); i++) {
        char bytes[2000];
        char name[16];
        snprintf(name, sizeof(name), "%u.pgm", i);
        write_bytes(name, bytes, pgm(bytes, sizeof(bytes), sides[i][0], sides[i][1], 100 + i));
    }
    struct gh_replay_options options = {.frames_a_still = 1, .blanks_a_still = 1};
    open_with(folder, &options, &fake_clock);
    for (unsigned i = 0; i < GH_ARRAY_SIZE(sides); i++) {
        expect_size(sides[i][0], sides[i][1], 100 + i);
        expect_size(sides[i][0], sides[i][1], WHITE);
    }
}

static void a_stream_gives_each_frame_once(void **state)
{
    (void)state;
    write_y4m("a.y4m", 5, 20, 0);
    struct gh_replay_options options = {.frames_a_still = 3, .blanks_a_still = 2};
    open_with(path_of("a.y4m"), &options, &fake_clock);
    for (unsigned i = 0; i < 5; i++) {
        expect_size(4, 2, 20 + i);
    }
    expect_status(GH_ERR_END);
}

static void a_stream_by_its_content_not_its_name(void **state)
{
    (void)state;
    write_y4m("a.png", 1, 20, 0);
    write_pgm("b.y4m", 21);
    open_with(folder, &once, &fake_clock);
    expect_size(4, 2, 20);
    expect_grey(21);
    expect_status(GH_ERR_END);
}

static void a_stream_that_breaks_off(void **state)
{
    (void)state;
    write_y4m("a.y4m", 3, 20, 1);
    write_pgm("b.pgm", 7);
    open_with(folder, &once, &fake_clock);
    expect_size(4, 2, 20);
    expect_size(4, 2, 21);
    expect_corrupt("a.y4m");
    expect_grey(7);
    expect_status(GH_ERR_END);
}

static void what_cannot_be_replayed(void **state)
{
    (void)state;
    struct gh_error err = {0};
    assert_int_equal(gh_camera_replay_new(path_of("none"), &once, &fake_clock, &camera, &err),
                     GH_ERR_NOTFOUND);
    assert_non_null(strstr(err.text, "none"));
    assert_null(camera.context);
    assert_int_equal(gh_camera_replay_new("/dev/null", &once, &fake_clock, &camera, NULL),
                     GH_ERR_INVALID);
    struct gh_replay_options options = {.frames_a_still = 0};
    assert_int_equal(gh_camera_replay_new(folder, &options, &fake_clock, &camera, NULL),
                     GH_ERR_INVALID);
    options = (struct gh_replay_options){.frames_a_still = 1, .frame_interval_ms = -1};
    assert_int_equal(gh_camera_replay_new(folder, &options, &fake_clock, &camera, NULL),
                     GH_ERR_INVALID);
    assert_null(camera.context);
}

static void a_single_broken_file(void **state)
{
    (void)state;
    write_bytes("a.pgm", "P5 9", 4);
    open_with(path_of("a.pgm"), &once, &fake_clock);
    expect_corrupt("a.pgm");
    expect_status(GH_ERR_END);
}

/* --- a folder --- */

static void a_folder_in_name_order(void **state)
{
    (void)state;
    write_pgm("b.pgm", 2);
    write_pgm("B.pgm", 1); /* by bytes, whatever the locale thinks */
    write_pgm("c10.pgm", 3);
    write_pgm("c9.pgm", 4);
    write_pgm(".hidden.pgm", 99);
    write_pgm("x.part", 98);
    write_pgm(".part", 98);
    write_pgm("part", 5); /* a name like any other */
    assert_int_equal(mkdir(path_of("a.pgm"), 0755), 0);
    assert_int_equal(symlink("c9.pgm", path_of("z.pgm")), 0);
    open_with(folder, &once, &fake_clock);
    for (unsigned i = 1; i <= 5; i++) {
        expect_grey(i);
    }
    expect_grey(4);
    expect_status(GH_ERR_END);
}

static void broken_files_are_passed_over(void **state)
{
    (void)state;
    write_pgm("a.pgm", 1);
    write_bytes("b.txt", "Good morning\n", 13);
    write_bytes("c.pgm", "", 0);
    write_bytes("d.pgm", "P5 20000 20000 255\n", 19);
    write_bytes("e.png", "\x89PNG\r\n\x1a\n", 8);
    write_bytes("f.y4m", "YUV4MPEG2 W0 H0\n", 16);
    write_pgm("g.pgm", 2);
    assert_int_equal(symlink("nowhere", path_of("h.pgm")), 0);
    write_pgm("i.pgm", 3);
    open_with(folder, &once, &fake_clock);
    expect_grey(1);
    expect_corrupt("b.txt");
    expect_corrupt("c.pgm");
    expect_corrupt("d.pgm");
    expect_corrupt("e.png");
    expect_corrupt("f.y4m");
    expect_grey(2);
    assert_int_equal(unlink(path_of("i.pgm")), 0);
    expect_corrupt("i.pgm");
    expect_status(GH_ERR_END);
}

static void an_empty_folder_is_at_its_end(void **state)
{
    (void)state;
    open_with(folder, &once, &fake_clock);
    expect_status(GH_ERR_END);
}

/* --- pace --- */

static void frames_come_at_their_time(void **state)
{
    (void)state;
    write_pgm("a.pgm", 1);
    write_y4m("b.y4m", 2, 20, 0);
    struct gh_replay_options options = {
        .frame_interval_ms = 100, .frames_a_still = 1, .blanks_a_still = 1};
    open_with(folder, &options, &fake_clock);
    static const unsigned greys[] = {1, WHITE, 20, 21};
    for (unsigned i = 0; i < 4; i++) {
        struct gh_frame frame;
        if (i > 0) {
            expect_status(GH_ERR_AGAIN);
            fake_now_ns += 100 * GH_NS_PER_MS - 1;
            expect_status(GH_ERR_AGAIN);
            fake_now_ns += 1;
        }
        assert_int_equal(next(0, &frame), GH_OK);
        assert_int_equal(frame.luma[0], greys[i]);
        assert_true(frame.captured_ns == fake_now_ns);
    }
    expect_status(GH_ERR_END); /* the end does not keep anybody waiting */
}

/* A little late is made up for; after a long gap there is no rush. */
static void the_pace_is_kept_on_average(void **state)
{
    (void)state;
    write_pgm("a.pgm", 1);
    struct gh_replay_options options = {.frame_interval_ms = 100, .frames_a_still = 100};
    struct gh_frame frame;
    open_with(folder, &options, &fake_clock);
    assert_int_equal(next(0, &frame), GH_OK);
    fake_now_ns += 160 * GH_NS_PER_MS;
    assert_int_equal(next(0, &frame), GH_OK);
    fake_now_ns += 40 * GH_NS_PER_MS;
    assert_int_equal(next(0, &frame), GH_OK);
    expect_status(GH_ERR_AGAIN);
    fake_now_ns += 10000 * GH_NS_PER_MS;
    assert_int_equal(next(0, &frame), GH_OK);
    expect_status(GH_ERR_AGAIN);
    fake_now_ns += 100 * GH_NS_PER_MS;
    assert_int_equal(next(0, &frame), GH_OK);
}

static void next_waits_for_the_pace_itself(void **state)
{
    (void)state;
    write_pgm("a.pgm", 1);
    struct gh_replay_options options = {.frame_interval_ms = 30, .frames_a_still = 4};
    open_with(folder, &options, gh_clock_system());
    int64_t began_ns = gh_clock_monotonic_ns(gh_clock_system());
    for (unsigned i = 0; i < 4; i++) {
        expect_grey(1);
    }
    assert_true(gh_clock_monotonic_ns(gh_clock_system()) - began_ns >= 90 * GH_NS_PER_MS);
    expect_status(GH_ERR_END);
}

static void waiting_is_no_longer_than_asked_for(void **state)
{
    (void)state;
    write_pgm("a.pgm", 1);
    struct gh_replay_options options = {.frame_interval_ms = 3600 * 1000, .frames_a_still = 4};
    struct gh_frame frame;
    open_with(folder, &options, gh_clock_system());
    expect_grey(1);
    int64_t began_ns = gh_clock_monotonic_ns(gh_clock_system());
    assert_int_equal(next(20, &frame), GH_ERR_AGAIN);
    int64_t waited_ns = gh_clock_monotonic_ns(gh_clock_system()) - began_ns;
    assert_in_range(waited_ns / GH_NS_PER_MS, 20, LONG_MS);
}

/* --- wake --- */

static void *wake_it(void *context)
{
    (void)context;
    camera.wake(camera.context);
    return NULL;
}

static void expect_woken(void)
{
    struct gh_frame frame;
    pthread_t thread;
    int64_t began_ns = gh_clock_monotonic_ns(gh_clock_system());
    assert_int_equal(pthread_create(&thread, NULL, wake_it, NULL), 0);
    assert_int_equal(next(600 * 1000, &frame), GH_ERR_AGAIN);
    pthread_join(thread, NULL);
    assert_true(gh_clock_monotonic_ns(gh_clock_system()) - began_ns < LONG_MS * GH_NS_PER_MS);
}

static void wake_ends_every_wait(void **state)
{
    (void)state;
    struct gh_replay_options options = {
        .frame_interval_ms = 3600 * 1000, .frames_a_still = 2, .follow = true};
    open_with(folder, &options, gh_clock_system());
    expect_woken(); /* for files */
    write_pgm("a.pgm", 1);
    expect_grey(1);
    expect_woken(); /* for its time */
    expect_status(GH_ERR_AGAIN);
}

static void wake_before_the_wait_is_not_lost(void **state)
{
    (void)state;
    write_pgm("a.pgm", 1);
    open_with(folder, &once, &fake_clock);
    camera.wake(camera.context);
    camera.wake(camera.context);
    expect_status(GH_ERR_AGAIN);
    expect_grey(1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_still_once_and_then_the_end),  TEST(frames_and_blanks_of_a_still),
        TEST(a_still_is_read_once),           TEST(blanks_have_the_size_of_their_still),
        TEST(a_stream_gives_each_frame_once), TEST(a_stream_by_its_content_not_its_name),
        TEST(a_stream_that_breaks_off),       TEST(what_cannot_be_replayed),
        TEST(a_single_broken_file),           TEST(a_folder_in_name_order),
        TEST(broken_files_are_passed_over),   TEST(an_empty_folder_is_at_its_end),
        TEST(frames_come_at_their_time),      TEST(the_pace_is_kept_on_average),
        TEST(next_waits_for_the_pace_itself), TEST(waiting_is_no_longer_than_asked_for),
        TEST(wake_ends_every_wait),           TEST(wake_before_the_wait_is_not_lost),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
