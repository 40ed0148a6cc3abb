/* SPDX-License-Identifier: Apache-2.0 */
/* wall.c: what buttons and alarms ask for, in one line of words. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "gate/wall.h"

static struct gh_wall wall;
static struct gh_door_watch watch;
static bool interlocked;
static int64_t now_ms;
static char told[1024];

static const char *name_of(enum gh_wall_event event)
{
    static const char *const names[GH_WALL_EVENTS] = {
        [GH_WALL_FIRE] = "fire",
        [GH_WALL_FIRE_STILL] = "still",
        [GH_WALL_FIRE_OVER] = "fire_over",
        [GH_WALL_GUARD] = "guard",
        [GH_WALL_GUARD_LET_GO] = "guard_let_go",
        [GH_WALL_GUARD_STUCK] = "guard_stuck",
        [GH_WALL_GUARD_FREE] = "guard_free",
        [GH_WALL_EXIT] = "exit",
        [GH_WALL_EXIT_LET_GO] = "let_go",
        [GH_WALL_EXIT_STUCK] = "stuck",
        [GH_WALL_EXIT_FREE] = "free",
        [GH_WALL_EXIT_WAITS] = "waits",
        [GH_WALL_EXIT_IN_VAIN] = "in_vain",
        [GH_WALL_TAMPER] = "tamper",
        [GH_WALL_TAMPER_OVER] = "tamper_over",
    };
    return names[event];
}

static void look(void)
{
    enum gh_wall_event events[GH_WALL_EVENTS];

    size_t count = gh_wall_look(&wall, &watch, interlocked, now_ms * GH_NS_PER_MS, events);
    assert_true(count <= GH_WALL_EVENTS);
    for (size_t i = 0; i < count; i++) {
        size_t size = strlen(told);
        snprintf(told + size, sizeof(told) - size, "%s%s", size > 0 ? " " : "", name_of(events[i]));
    }
}

static void move(enum gh_input input, enum gh_level level)
{
    watch.inputs[input].level = level;
    look();
}

/* Looks when it is asked to, and at the end. */
static void pass_ms(int64_t ms)
{
    int64_t end_ms = now_ms + ms;
    int looks = 0;

    while (now_ms < end_ms) {
        int64_t next_ns = gh_wall_next_ns(&wall);
        assert_true(next_ns > now_ms * GH_NS_PER_MS);
        now_ms = next_ns < end_ms * GH_NS_PER_MS ? next_ns / GH_NS_PER_MS : end_ms;
        look();
        assert_true(++looks < 100);
    }
}

static void assert_told(const char *expected)
{
    assert_string_equal(told, expected);
    told[0] = '\0';
}

static int setup(void **state)
{
    (void)state;
    gh_wall_init(&wall);
    gh_door_watch_init(&watch, GH_INPUT_BIT(GH_INPUT_COUNT) - 1, 50);
    now_ms = 1000;
    interlocked = false;
    told[0] = '\0';
    look();
    for (int i = 0; i < GH_INPUT_COUNT; i++)
        watch.inputs[i].level = GH_LEVEL_OFF;
    look();
    assert_told("");
    return 0;
}

static void a_press_asks_once(void **state)
{
    (void)state;
    move(GH_INPUT_EXIT, GH_LEVEL_ON);
    assert_told("exit");
    pass_ms(5000);
    assert_told("");
    move(GH_INPUT_EXIT, GH_LEVEL_OFF);
    assert_told("let_go");
    move(GH_INPUT_EXIT, GH_LEVEL_ON);
    move(GH_INPUT_EXIT, GH_LEVEL_OFF);
    assert_told("exit let_go");
    move(GH_INPUT_GUARD, GH_LEVEL_ON);
    move(GH_INPUT_GUARD, GH_LEVEL_OFF);
    assert_told("guard guard_let_go");
    assert_true(gh_wall_next_ns(&wall) == INT64_MAX);
}

static void a_button_that_hangs_is_said_once(void **state)
{
    (void)state;
    move(GH_INPUT_EXIT, GH_LEVEL_ON);
    move(GH_INPUT_GUARD, GH_LEVEL_ON);
    assert_told("exit guard");
    pass_ms(GH_WALL_STUCK_S * 1000 - 1);
    assert_told("");
    pass_ms(1);
    assert_told("guard_let_go guard_stuck let_go stuck");
    pass_ms(3600 * 1000);
    assert_told("");
    move(GH_INPUT_EXIT, GH_LEVEL_OFF);
    move(GH_INPUT_GUARD, GH_LEVEL_UNKNOWN); /* let go, as far as anybody knows */
    assert_told("free guard_free");
    move(GH_INPUT_EXIT, GH_LEVEL_ON);
    assert_told("exit");
}

/* Who knows since when. */
static void one_found_pressed_asks_for_nothing(void **state)
{
    (void)state;
    gh_wall_init(&wall);
    watch.inputs[GH_INPUT_GUARD].level = GH_LEVEL_UNKNOWN;
    look();
    move(GH_INPUT_EXIT, GH_LEVEL_ON);
    assert_told("exit"); /* it was known to be off at the first look */
    setup(NULL);
    gh_wall_init(&wall);
    watch.inputs[GH_INPUT_EXIT].level = GH_LEVEL_ON;
    look();
    assert_told("");
    pass_ms(GH_WALL_STUCK_S * 1000);
    assert_told("stuck");
    move(GH_INPUT_EXIT, GH_LEVEL_OFF);
    move(GH_INPUT_EXIT, GH_LEVEL_ON);
    assert_told("free exit");
    move(GH_INPUT_EXIT, GH_LEVEL_UNKNOWN);
    assert_told("let_go");
    move(GH_INPUT_EXIT, GH_LEVEL_ON);
    assert_told("");
}

static void who_wants_out_waits_for_the_other_door(void **state)
{
    (void)state;
    interlocked = true;
    move(GH_INPUT_EXIT, GH_LEVEL_ON);
    move(GH_INPUT_EXIT, GH_LEVEL_OFF); /* pressed and let go: they stand there */
    assert_told("waits let_go");
    pass_ms(GH_WALL_WAIT_S * 1000 - 1);
    assert_told("");
    interlocked = false;
    look();
    assert_told("exit");
    pass_ms(60000);
    assert_told("");

    interlocked = true;
    move(GH_INPUT_EXIT, GH_LEVEL_ON);
    pass_ms(GH_WALL_WAIT_S * 1000);
    assert_told("waits in_vain");
    interlocked = false;
    look();
    assert_told(""); /* nor later */
    move(GH_INPUT_EXIT, GH_LEVEL_OFF);
    assert_told("let_go");

    move(GH_INPUT_EXIT, GH_LEVEL_ON);
    assert_told("exit");
    for (int i = 0; i < GH_WALL_WAIT_S; i++) { /* each time it is lost in a race */
        gh_wall_wait(&wall, now_ms * GH_NS_PER_MS);
        pass_ms(1000);
        told[0] = '\0';
    }
    gh_wall_wait(&wall, now_ms * GH_NS_PER_MS);
    look();
    assert_told("in_vain"); /* not for ever */
}

static void the_guard_waits_for_nobody(void **state)
{
    (void)state;
    interlocked = true;
    move(GH_INPUT_GUARD, GH_LEVEL_ON);
    assert_told("guard");
    move(GH_INPUT_FIRE, GH_LEVEL_ON);
    assert_told("fire");
}

static void fire_lasts_until_it_is_known_to_be_over(void **state)
{
    (void)state;
    move(GH_INPUT_FIRE, GH_LEVEL_ON);
    assert_told("fire");
    pass_ms(2 * 3600 * 1000 + 1);
    assert_told("still still");
    move(GH_INPUT_FIRE, GH_LEVEL_UNKNOWN); /* the cable has burnt */
    pass_ms(3600 * 1000);
    assert_told("still");
    move(GH_INPUT_FIRE, GH_LEVEL_OFF);
    assert_told("fire_over");
    pass_ms(24 * 3600 * 1000);
    move(GH_INPUT_FIRE, GH_LEVEL_UNKNOWN);
    assert_told("");
    move(GH_INPUT_TAMPER, GH_LEVEL_ON);
    move(GH_INPUT_TAMPER, GH_LEVEL_UNKNOWN);
    move(GH_INPUT_TAMPER, GH_LEVEL_ON);
    pass_ms(24 * 3600 * 1000);
    move(GH_INPUT_TAMPER, GH_LEVEL_OFF);
    assert_told("tamper tamper_over");
}

static void fire_and_tamper_at_the_start_are_alarms(void **state)
{
    (void)state;
    gh_wall_init(&wall);
    watch.inputs[GH_INPUT_TAMPER].level = GH_LEVEL_ON;
    watch.inputs[GH_INPUT_FIRE].level = GH_LEVEL_ON;
    look();
    assert_told("fire tamper"); /* fire first */
}

static void time_that_goes_back_lengthens_nothing(void **state)
{
    (void)state;
    interlocked = true;
    move(GH_INPUT_EXIT, GH_LEVEL_ON);
    pass_ms(9000);
    now_ms -= 5000000;
    look();
    assert_told("waits");
    pass_ms(999);
    assert_told("");
    pass_ms(1);
    assert_told("in_vain");
    pass_ms((GH_WALL_STUCK_S - 10) * 1000);
    assert_told("let_go stuck");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_press_asks_once, setup),
        cmocka_unit_test_setup(a_button_that_hangs_is_said_once, setup),
        cmocka_unit_test_setup(one_found_pressed_asks_for_nothing, setup),
        cmocka_unit_test_setup(who_wants_out_waits_for_the_other_door, setup),
        cmocka_unit_test_setup(the_guard_waits_for_nobody, setup),
        cmocka_unit_test_setup(fire_lasts_until_it_is_known_to_be_over, setup),
        cmocka_unit_test_setup(fire_and_tamper_at_the_start_are_alarms, setup),
        cmocka_unit_test_setup(time_that_goes_back_lengthens_nothing, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
