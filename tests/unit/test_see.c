/* SPDX-License-Identifier: Apache-2.0 */
/* see.c: what is in the camera's frames, and what is said of frames that do not come. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "see_scene.h"

static bool six_frames(const struct gh_see_counts *counts)
{
    return counts->frames + counts->broken_frames >= 6;
}

static bool is_over(const struct gh_see_counts *counts)
{
    return counts->over;
}

static void test_sees(void **state)
{
    (void)state;

    draw_health(picture);
    start();
    gh_see_set_trust(see, trust);
    gh_fake_clock_advance_ms(&fixture.clock, 77);
    add_frame(picture);
    struct gh_sighting sighting = next_sighting();
    assert_int_equal(sighting.credential.kind, GH_KIND_HEALTH);
    assert_int_equal(sighting.credential.reason, GH_REASON_OK);
    assert_true(sighting.credential.subject == ANNA);
    assert_true(sighting.captured_ns == GH_FAKE_CLOCK_START_NS + 77 * GH_NS_PER_MS);
    struct gh_see_counts counts = gh_see_count(see);
    assert_true(counts.codes == 1 && counts.broken_frames == 0 && !counts.over);
}

static void test_several_in_one_frame(void **state)
{
    (void)state;
    char text[FIXTURE_CODE_BYTES];
    bool health = false, housing = false;

    draw_health(picture);
    fixture_housing(&fixture, HOME_1, text);
    draw(picture, text, 4, 400, 400);
    start();
    gh_see_set_trust(see, trust);
    add_frame(picture);
    for (int i = 0; i < 2; i++) {
        struct gh_sighting sighting = next_sighting();
        assert_int_equal(sighting.credential.reason, GH_REASON_OK);
        health = health || sighting.credential.kind == GH_KIND_HEALTH;
        housing = housing || sighting.credential.kind == GH_KIND_HOUSING;
    }
    assert_true(health && housing);
}

static void test_trust_changes(void **state)
{
    (void)state;

    draw_health(picture);
    start();
    add_frame(picture); /* nothing is trusted yet */
    assert_int_equal(next_sighting().credential.reason, GH_REASON_FOREIGN);
    gh_see_set_trust(see, trust);
    gh_trust_unref(trust); /* the thread has its own reference */
    trust = NULL;
    add_frame(picture);
    assert_int_equal(next_sighting().credential.reason, GH_REASON_OK);
    gh_see_set_trust(see, NULL);
    add_frame(picture);
    assert_int_equal(next_sighting().credential.reason, GH_REASON_FOREIGN);
}

/* Blank, unplugged, broken, too large: none of it stops the next frame. */
static void test_goes_on(void **state)
{
    (void)state;
    static uint8_t large[2 * SIDE * 4];
    struct gh_frame too_large = {
        .luma = large, .width = 2 * SIDE, .height = 4, .stride_bytes = 2 * SIDE, .step_bytes = 1};

    draw_health(picture);
    add_frame(other_picture);
    gh_fake_camera_add_failure(&fake, GH_ERR_GONE);
    gh_fake_camera_add_failure(&fake, GH_ERR_AGAIN);
    gh_fake_camera_add_failure(&fake, GH_ERR_CORRUPT);
    gh_fake_camera_add_failure(&fake, GH_ERR_CORRUPT);
    gh_fake_camera_add_failure(&fake, GH_ERR_IO);
    gh_fake_camera_add_frame(&fake, &too_large);
    add_frame(other_picture);
    add_frame(picture);
    start();
    gh_see_set_trust(see, trust);
    (void)next_sighting();
    struct gh_see_counts counts = wait_for(six_frames);
    assert_true(counts.codes == 1);
    assert_true(counts.broken_frames == 3);
    assert_true(counts.frames >= 3);
    assert_false(counts.over);
}

static void test_end_of_a_replay(void **state)
{
    (void)state;

    draw_health(picture);
    fake.after = GH_ERR_END;
    add_frame(picture);
    start();
    (void)next_sighting();
    struct gh_see_counts counts = wait_for(is_over);
    assert_true(counts.frames == 1 && counts.codes == 1);
    gh_see_stop(see); /* also when the thread has ended by itself */
    see = NULL;
    assert_int_equal(fake.frees, 1);
}

/* The gate is busy: what is seen is dropped and counted, and the camera is not kept waiting. */
static void test_full_queue(void **state)
{
    (void)state;

    draw_health(picture);
    for (int i = 0; i < 10; i++)
        add_frame(picture);
    fake.after = GH_ERR_END;
    start();
    struct gh_see_counts counts = wait_for(is_over);
    assert_true(counts.frames == 10 && counts.codes == 10);
    assert_int_equal(gh_queue_dropped(queue), 6);
    for (int i = 0; i < 4; i++)
        (void)next_sighting();
}

/* A camera that gives nothing: the watchdog still sees that somebody looks. */
static void test_turns_without_frames(void **state)
{
    (void)state;

    start();
    turns_before = 0;
    turns_before = wait_for(turned).turns;
    (void)wait_for(turned);

    gh_see_stop(see); /* wakes a camera that waits */
    see = NULL;
    assert_in_range(fake.longest_ms, 1, 1000); /* at least once a second, however busy */
    assert_int_equal(fake.frees, 1);
}

static void test_stop(void **state)
{
    (void)state;

    gh_see_stop(NULL);
    for (int i = 0; i < 20; i++) { /* at once, before the thread has begun */
        start();
        gh_see_set_trust(see, trust);
        gh_see_stop(see);
        see = NULL;
        assert_int_equal(fake.frees, i + 1);
        assert_int_equal(fake.wakes, i + 1); /* not only after the camera's own time-out */
    }
}

/* --- trouble --- */

static void wait_for_trouble(bool wanted)
{
    char trouble[GH_ERROR_TEXT_BYTES];

    for (int ms = 0; ms < PATIENCE_MS; ms++) {
        gh_see_trouble(see, trouble);
        if ((trouble[0] != '\0') == wanted)
            return;
        nanosleep(&(struct timespec){.tv_nsec = GH_NS_PER_MS}, NULL);
    }
    fail_msg("there is %s trouble", wanted ? "no" : "still");
}

/* What the camera says is wrong stays until there is a picture. */
static void test_trouble(void **state)
{
    (void)state;
    char trouble[GH_ERROR_TEXT_BYTES];

    gh_fake_camera_add_failure(&fake, GH_ERR_GONE);
    start();
    wait_for_trouble(true);
    turns_before = gh_see_count(see).turns;
    (void)wait_for(turned);
    gh_see_trouble(see, trouble);
    assert_string_equal(trouble, "the fake camera was told to fail");
    add_frame(picture);
    wait_for_trouble(false);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_sees, setup, teardown),
        cmocka_unit_test_setup_teardown(test_several_in_one_frame, setup, teardown),
        cmocka_unit_test_setup_teardown(test_trust_changes, setup, teardown),
        cmocka_unit_test_setup_teardown(test_goes_on, setup, teardown),
        cmocka_unit_test_setup_teardown(test_end_of_a_replay, setup, teardown),
        cmocka_unit_test_setup_teardown(test_full_queue, setup, teardown),
        cmocka_unit_test_setup_teardown(test_turns_without_frames, setup, teardown),
        cmocka_unit_test_setup_teardown(test_stop, setup, teardown),
        cmocka_unit_test_setup_teardown(test_trouble, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
