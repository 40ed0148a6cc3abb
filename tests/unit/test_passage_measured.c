/* SPDX-License-Identifier: Apache-2.0 */
/* passage.c: people whose codes are in order, and who have to be measured yet. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "fakes/passage_world.h"
#include "gatehouse/clock.h"
#include "random_below.h"

static struct world world;

static int set_up(void **state)
{
    (void)state;
    world_init(&world);
    world.temperature = true;
    return 0;
}

static void assert_trace(const char *expected)
{
    assert_string_equal(world.trace, expected);
    world.trace[0] = '\0';
}

static void test_waits_for_a_reading(void **state)
{
    (void)state;
    world_hold(&world, "A1", 1000);
    assert_trace("wait(A) wait(A1)");
    world_measure(&world, false);
    assert_trace("open(A1)");
    world_hold(&world, "A1", 20000);
    assert_trace("");
    world_assert_quiet(&world);
}

/* Where no second code is needed. */
static void test_one_code_is_enough(void **state)
{
    (void)state;
    world.home_code = false;
    world_see(&world, "A");
    world_pass_ms(&world, TIMEOUT_MS - 1);
    assert_trace("wait(A)");
    world_measure(&world, false);
    assert_trace("open(A)");
}

static void test_a_reading_before_the_code(void **state)
{
    (void)state;
    world_measure(&world, false);
    world_see(&world, "1A");
    assert_trace("wait(1) open(A1)");
    world_see(&world, "B1"); /* not theirs */
    assert_trace("wait(B1)");
}

/* The time for it begins when everything else is there. */
static void test_time_out(void **state)
{
    (void)state;
    world_see(&world, "A");
    world_pass_ms(&world, TIMEOUT_MS - 1);
    world_see(&world, "1");
    assert_trace("wait(A) wait(A1)");
    assert_int_equal(world_deadline_ms(&world), world.now_ms + TIMEOUT_MS);
    world_pass_ms(&world, TIMEOUT_MS - 1);
    assert_trace("");
    world_pass_ms(&world, 1);
    assert_trace("guard(A1!)");
    world_assert_quiet(&world);
    world_measure(&world, false); /* nobody is there any more */
    assert_trace("");
}

/* Who still stands there is measured late, but measured. */
static void test_measured_after_the_time_out(void **state)
{
    (void)state;
    world_hold(&world, "A1", TIMEOUT_MS + 1000);
    assert_trace("wait(A) wait(A1) guard(A1!)");
    world_hold(&world, "A1", 5000);
    assert_trace("");
    world_measure(&world, false);
    assert_trace("open(A1)");
    world_measure(&world, false);
    world_hold(&world, "A1", 1000);
    assert_trace("");
}

static void test_fever_stands_at_once(void **state)
{
    (void)state;
    world_hold(&world, "A1", 1000);
    world_measure(&world, true);
    assert_trace("wait(A) wait(A1) guard(A1)");
    world.measured = true;
    world.fever = false;
    world_hold(&world, "A1", 1000); /* nobody has another go */
    assert_trace("");
    /* Also when the reading is there before the card. */
    world_pass_ms(&world, 60000);
    world_measure(&world, true);
    world_see(&world, "B");
    assert_trace("wait(B)");
    world_see(&world, "1");
    assert_trace("guard(B1)");
    world_assert_quiet(&world);
}

/* One reading, two people: it is the one's whose code was seen last. */
static void test_one_reading_for_two(void **state)
{
    (void)state;
    world_see(&world, "A1");
    world_pass_ms(&world, 500);
    world_see(&world, "D2");
    assert_trace("wait(A) wait(A1) wait(D) wait(D2)");
    world_pass_ms(&world, 500);
    world_measure(&world, false);
    assert_trace("open(D2)");
    world_measure(&world, true);
    assert_trace("guard(A1)");
    world_assert_quiet(&world);
}

static void test_seen_last_not_shown_last(void **state)
{
    (void)state;
    world_see(&world, "A1");
    world_see(&world, "D2");
    world_pass_ms(&world, 100);
    world_see(&world, "A"); /* still holds it up */
    world.trace[0] = '\0';
    world_measure(&world, false);
    assert_trace("open(A1)");
    /* Both in each frame: who came last. */
    world_see(&world, "B1");
    world_pass_ms(&world, 100);
    world_see(&world, "BD");
    world.trace[0] = '\0';
    world_measure(&world, false);
    assert_trace("open(B1)");
}

/* A couple with one card. */
static void test_a_card_serves_all_who_wait(void **state)
{
    (void)state;
    world_see(&world, "A");
    world_pass_ms(&world, 100);
    world_see(&world, "B");
    world_pass_ms(&world, 100);
    world_see(&world, "1");
    assert_trace("wait(A) wait(B) wait(A1) wait(B1)");
    world_pass_ms(&world, 4000); /* the card is put away */
    world_measure(&world, false);
    world_measure(&world, false);
    assert_trace("open(B1) open(A1)");
    world_assert_quiet(&world);
}

/* Whose time is over at the very moment in which another's reading comes. */
static void test_a_reading_is_nobody_elses(void **state)
{
    (void)state;
    world_see(&world, "A1");
    world_pass_ms(&world, 1000);
    world_see(&world, "D2");
    world.trace[0] = '\0';
    world.now_ms += TIMEOUT_MS - 1000;
    world_measure(&world, false);
    assert_trace("open(D2) guard(A1!)");
}

/* The next person's card is nothing to who is in order already. */
static void test_other_cards_change_nothing(void **state)
{
    (void)state;
    world_see(&world, "A1");
    world_pass_ms(&world, 1000);
    world_see(&world, "2");
    world_pass_ms(&world, DEBOUNCE_MS + 1000);
    assert_trace("wait(A) wait(A1)");
    world_measure(&world, false);
    assert_trace("open(A1)");
}

/* A wrong card first: then the right one, and the whole time to be measured in. */
static void test_wrong_card_first(void **state)
{
    (void)state;
    world_see(&world, "A2");
    world_pass_ms(&world, 1000);
    world_see(&world, "1");
    assert_trace("wait(A) wait(A1)");
    assert_int_equal(world_deadline_ms(&world), world.now_ms + TIMEOUT_MS);
    world_pass_ms(&world, TIMEOUT_MS);
    assert_trace("guard(A1!)");
}

/* Somebody else's card was no mistake of who stands beside. */
static void test_a_card_that_is_found_to_be_anothers(void **state)
{
    (void)state;
    world_see(&world, "D");
    world_see(&world, "1");
    world_pass_ms(&world, 1000);
    world_see(&world, "A"); /* whose it is */
    assert_trace("wait(D) wait(A1)");
    world_pass_ms(&world, TIMEOUT_MS - 1001);
    assert_trace("");
    world_pass_ms(&world, 1);
    assert_trace("guard(D!)");
}

static struct gh_credential renewed(char name, uint8_t number)
{
    struct gh_credential code = world_code(name);
    code.identity[1] = number;
    return code;
}

/* A phone that shows another code every few seconds neither waits longer nor loses the card. */
static void test_a_code_that_is_renewed(void **state)
{
    (void)state;
    world_see(&world, "A1");
    int64_t deadline = world_deadline_ms(&world);
    for (uint8_t i = 1; i < 4; i++) {
        struct gh_credential code = renewed('A', i);
        world_pass_ms(&world, 2000);
        world_see(&world, "1");
        world_see_code(&world, &code);
        assert_int_equal(world_deadline_ms(&world), deadline);
    }
    assert_trace("wait(A) wait(A1)");
    world_measure(&world, false);
    assert_trace("open(A1)");
}

static void test_renewed_after_the_time_out(void **state)
{
    (void)state;
    struct gh_credential code = renewed('A', 1);
    world_hold(&world, "A1", TIMEOUT_MS + 1000);
    world_see_code(&world, &code);
    assert_trace("wait(A) wait(A1) guard(A1!)");
    world_measure(&world, false);
    assert_trace("open(A1)");
    code = renewed('A', 2);
    world_see_code(&world, &code);
    world_assert_quiet(&world);
}

/* Who went this way before is told once, not with every code that their phone shows. */
static void test_passed_back_once(void **state)
{
    (void)state;
    world.temperature = false;
    world_see(&world, "1P");
    assert_trace("wait(1) deny(P1)");
    for (uint8_t i = 1; i < 5; i++) {
        struct gh_credential code = renewed('P', i);
        world_pass_ms(&world, 1000);
        world_see_code(&world, &code);
        world_see(&world, "1");
    }
    assert_trace("");
    world_pass_ms(&world, DEBOUNCE_MS);
    world_see(&world, "1P"); /* again */
    assert_trace("wait(1) deny(P1)");
}

/* Measured in time, but decided about at its end: nobody has another go, whatever they show. */
static void test_fever_at_the_end(void **state)
{
    (void)state;
    world_hold(&world, "A1", TIMEOUT_MS - FRAME_MS);
    world.trace[0] = '\0';
    world.measured = world.fever = true;
    world_hold(&world, "A", FRAME_MS);
    assert_trace("guard(A1!)");
    world_hold(&world, "A2", 1000);
    world_hold(&world, "A", 2 * DEBOUNCE_MS);
    assert_trace("");
    world_assert_quiet(&world);
}

/* The rules have changed meanwhile: what is missing now may still be shown. */
static void test_other_rules_meanwhile(void **state)
{
    (void)state;
    world.home_code = false;
    world_see(&world, "A");
    assert_trace("wait(A)");
    world.home_code = true;
    world.temperature = false;
    world_hold(&world, "A", TIMEOUT_MS + FRAME_MS);
    assert_trace("guard(A!)");
    world_hold(&world, "A1", FRAME_MS);
    assert_trace("open(A1)");
}

/* --- anything, in any order --- */

/* As many are let in as were measured, at most; and nobody is waited for without end. */
static void test_random(void **state)
{
    (void)state;
    static const char names[] = "ABCDRP12x";
    unsigned opened = 0;

    for (unsigned seed = 1; seed <= 300; seed++) {
        unsigned readings = 0, measured_opened = 0;
        random_state = seed;
        (void)set_up(NULL);
        for (int i = 0; i < 300; i++) {
            char name[2] = {names[random_below(sizeof(names) - 1)], '\0'};
            world_pass_ms(&world, random_below(4) ? random_below(300) : random_below(6000));
            world.trace[0] = '\0';
            if (random_below(4) == 0) {
                readings += !world.measured;
                world_measure(&world, random_below(5) == 0);
            } else {
                world_see(&world, name);
            }
            for (const char *at = world.trace; (at = strstr(at, "open(")) != NULL; at++) {
                assert_true(world_lives_in((gh_id)at[5], (gh_id)(at[6] - '0')));
                measured_opened++;
            }
            assert_true(measured_opened <= readings);
        }
        opened += measured_opened;
        world.measured = false;
        world_pass_ms(&world, 2 * TIMEOUT_MS);
        world_assert_quiet(&world);
    }
    assert_true(opened > 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_waits_for_a_reading, set_up),
        cmocka_unit_test_setup(test_one_code_is_enough, set_up),
        cmocka_unit_test_setup(test_a_reading_before_the_code, set_up),
        cmocka_unit_test_setup(test_time_out, set_up),
        cmocka_unit_test_setup(test_measured_after_the_time_out, set_up),
        cmocka_unit_test_setup(test_fever_stands_at_once, set_up),
        cmocka_unit_test_setup(test_one_reading_for_two, set_up),
        cmocka_unit_test_setup(test_seen_last_not_shown_last, set_up),
        cmocka_unit_test_setup(test_a_card_serves_all_who_wait, set_up),
        cmocka_unit_test_setup(test_a_reading_is_nobody_elses, set_up),
        cmocka_unit_test_setup(test_other_cards_change_nothing, set_up),
        cmocka_unit_test_setup(test_wrong_card_first, set_up),
        cmocka_unit_test_setup(test_a_card_that_is_found_to_be_anothers, set_up),
        cmocka_unit_test_setup(test_a_code_that_is_renewed, set_up),
        cmocka_unit_test_setup(test_renewed_after_the_time_out, set_up),
        cmocka_unit_test_setup(test_passed_back_once, set_up),
        cmocka_unit_test_setup(test_fever_at_the_end, set_up),
        cmocka_unit_test_setup(test_other_rules_meanwhile, set_up),
        cmocka_unit_test_setup(test_random, set_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
