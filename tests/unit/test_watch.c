/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants the four above */
#include <cmocka.h>
#include <string.h>

#include "gate/watch.h"
#include "gatehouse/clock.h"

#define EVERY_MS 3333               /* as under a unit with WatchdogSec=10 */
#define START_S INT64_C(1583046000) /* 2020-03-01T07:00:00Z */

struct scene {
    struct gh_watch watch;
    struct gh_watch_facts facts;
    char status[GH_WATCH_STATUS_BYTES];
};

static struct scene begin(void)
{
    struct scene scene = {.facts = {.monotonic_ns = 5 * GH_NS_PER_S,
                                    .wall_s = START_S,
                                    .every_ms = EVERY_MS,
                                    .keeper_answered = true,
                                    .eyes = true,
                                    .camera = true,
                                    .enrolled = true,
                                    .list_usable = true,
                                    .clock_trusted = true,
                                    .journal_open = true}};

    gh_watch_init(&scene.watch);
    return scene;
}

static bool look(struct scene *scene)
{
    memset(scene->status, 'x', sizeof(scene->status));
    return gh_watch_look(&scene->watch, &scene->facts, scene->status);
}

static bool look_after(struct scene *scene, int64_t ms, uint64_t turns, uint64_t frames)
{
    scene->facts.monotonic_ns += ms * GH_NS_PER_MS;
    scene->facts.wall_s += ms / 1000;
    scene->facts.turns += turns;
    scene->facts.frames += frames;
    return look(scene);
}

static void test_all_is_well(void **state)
{
    (void)state;
    struct scene scene = begin();
    assert_true(look(&scene)); /* before the first turn */
    assert_string_equal(scene.status, "waiting for somebody to come");
    for (int i = 0; i < 100; i++)
        assert_true(look_after(&scene, 3333, 6, 30));
    assert_string_equal(scene.status, "waiting for somebody to come");
}

static void test_a_stuck_camera_is_not_well(void **state)
{
    (void)state;
    struct scene scene = begin();
    assert_true(look(&scene));
    assert_true(look_after(&scene, 3000, 6, 6));
    assert_true(look_after(&scene, GH_WATCH_STUCK_MS - 1, 0, 0));
    assert_false(look_after(&scene, 1, 0, 0));
    assert_string_equal(scene.status, "the camera's thread is stuck since 2020-03-01T07:00:03Z");
    assert_false(look_after(&scene, 3600 * 1000, 0, 0));
    assert_true(look_after(&scene, 1000, 1, 1)); /* it came back */
    assert_string_equal(scene.status, "waiting for somebody to come");
}

static void test_a_loop_that_was_away_blames_nobody(void **state)
{
    (void)state;
    struct scene scene = begin();
    assert_true(look(&scene));
    /* a minute in one write to the disk: the thread went on meanwhile */
    assert_true(look_after(&scene, 60000, 120, 600));
}

static void test_never_a_turn(void **state)
{
    (void)state;
    struct scene scene = begin();
    assert_true(look(&scene));
    assert_false(look_after(&scene, GH_WATCH_STUCK_MS, 0, 0));
}

static void test_a_camera_that_is_gone_is_said_and_pinged(void **state)
{
    (void)state;
    struct scene scene = begin();
    assert_true(look(&scene));
    assert_true(look_after(&scene, 3000, 6, 6));
    assert_true(look_after(&scene, GH_WATCH_BLIND_MS - 1, 20, 0));
    assert_string_equal(scene.status, "waiting for somebody to come");
    assert_true(look_after(&scene, 1, 1, 0));
    assert_string_equal(scene.status, "no picture from the camera since 2020-03-01T07:00:03Z");
    assert_true(look_after(&scene, 1000, 2, 1));
    assert_string_equal(scene.status, "waiting for somebody to come");
}

static void test_no_camera(void **state)
{
    (void)state;
    struct scene scene = begin();
    scene.facts.eyes = false; /* its replay is over */
    for (int i = 0; i < 10; i++)
        assert_true(look_after(&scene, 60000, 0, 0));
    assert_string_equal(scene.status, "waiting for somebody to come");
    scene.facts.camera = false; /* none is configured: the thread turns all the same */
    scene.facts.eyes = true;
    assert_true(look_after(&scene, GH_WATCH_BLIND_MS, 20, 0));
    assert_string_equal(scene.status, "waiting for somebody to come");
    assert_false(look_after(&scene, GH_WATCH_STUCK_MS, 0, 0));
}

/* A look at a keeper that has not answered. */
static bool miss_after(struct scene *scene, int64_t ms)
{
    scene->facts.keeper_answered = false;
    return look_after(scene, ms, 1, 1);
}

static void test_a_silent_keeper_is_not_well(void **state)
{
    (void)state;
    struct scene scene = begin();
    assert_true(look(&scene));
    assert_true(look_after(&scene, EVERY_MS, 6, 30));
    assert_true(miss_after(&scene, EVERY_MS)); /* it may have been busy */
    assert_string_equal(scene.status, "waiting for somebody to come");
    assert_false(gh_watch_keeper_is_silent(&scene.watch));
    assert_false(miss_after(&scene, EVERY_MS));
    assert_string_equal(scene.status, "the door's keeper does not answer");
    assert_true(gh_watch_keeper_is_silent(&scene.watch));
    assert_false(miss_after(&scene, EVERY_MS));
    scene.facts.keeper_answered = true;
    assert_true(look_after(&scene, EVERY_MS, 6, 30));
    assert_false(gh_watch_keeper_is_silent(&scene.watch));
    assert_true(miss_after(&scene, EVERY_MS)); /* counted from the beginning */
}

/* The machine slept, or both were stopped, again and again: a look that comes late or right behind
 * another says nothing about a keeper that had no time to answer. */
static void test_a_keeper_that_had_no_time_is_not_silent(void **state)
{
    (void)state;
    struct scene scene = begin();
    assert_true(look(&scene));
    for (int i = 0; i < 20; i++) {
        assert_true(miss_after(&scene, 2 * EVERY_MS + 1));
        assert_true(miss_after(&scene, 3600 * 1000));
        assert_true(miss_after(&scene, 0)); /* the timer was overdue */
        assert_true(miss_after(&scene, EVERY_MS / 2 - 1));
    }
    /* On a machine that is slow, but turns, it is. */
    assert_true(miss_after(&scene, 2 * EVERY_MS));
    assert_true(miss_after(&scene, 2 * EVERY_MS + 1));
    assert_false(miss_after(&scene, 2 * EVERY_MS));
}

static void test_failures_are_said_and_pinged(void **state)
{
    (void)state;
    struct scene scene = begin();
    scene.facts.clock_trusted = scene.facts.list_usable = scene.facts.journal_open = false;
    scene.facts.waiting = 3;
    assert_true(look(&scene));
    assert_string_equal(scene.status,
                        "the journal cannot be opened; 3 entries could not be written "
                        "yet; there is no list that can be used; "
                        "the clock is not trusted");
    assert_false(look_after(&scene, GH_WATCH_STUCK_MS, 0, 0));
    assert_non_null(strstr(scene.status, "stuck since 2020-03-01T07:00:00Z; the journal"));
    scene.facts.enrolled = false;
    assert_true(look_after(&scene, 1, 1, 1));
    assert_string_equal(scene.status, "not enrolled: waits for its enrolment code");
}

static void test_the_longest_status_fits(void **state)
{
    (void)state;
    struct scene scene = begin();
    scene.facts.clock_trusted = scene.facts.list_usable = scene.facts.journal_open = false;
    scene.facts.waiting = UINT64_MAX;
    scene.facts.wall_s = INT64_MAX / 2;
    scene.facts.keeper_answered = false;
    scene.facts.every_ms = GH_WATCH_STUCK_MS;
    assert_true(look(&scene));
    assert_false(look_after(&scene, GH_WATCH_STUCK_MS, 0, 0));
    assert_false(look_after(&scene, GH_WATCH_STUCK_MS, 0, 0));
    assert_non_null(strstr(scene.status, "keeper does not answer; the camera's thread is stuck"));
    assert_non_null(strstr(scene.status, "the clock is not trusted"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_is_well),
        cmocka_unit_test(test_a_stuck_camera_is_not_well),
        cmocka_unit_test(test_a_loop_that_was_away_blames_nobody),
        cmocka_unit_test(test_never_a_turn),
        cmocka_unit_test(test_a_camera_that_is_gone_is_said_and_pinged),
        cmocka_unit_test(test_no_camera),
        cmocka_unit_test(test_a_silent_keeper_is_not_well),
        cmocka_unit_test(test_a_keeper_that_had_no_time_is_not_silent),
        cmocka_unit_test(test_failures_are_said_and_pinged),
        cmocka_unit_test(test_the_longest_status_fits),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
