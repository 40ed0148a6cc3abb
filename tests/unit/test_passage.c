/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "fakes/passage_world.h"
#include "gatehouse/clock.h"
#include "random_below.h"

/* --- one code --- */

static void test_held_up_counts_once(void **state)
{
    (void)state;
    struct world world;

    world_init(&world);
    world.home_code = false;
    world_hold(&world, "A", 100 * FRAME_MS);
    assert_string_equal(world.trace, "open(A)");
    world_assert_quiet(&world);

    world_init(&world);
    world_hold(&world, "x", 100 * FRAME_MS);
    assert_string_equal(world.trace, "deny(x)");

    world_init(&world); /* and for a day */
    world.home_code = false;
    world_hold(&world, "A1x", 24 * 3600 * 1000);
    assert_string_equal(world.trace, "open(A) deny(x)");
}

static void test_out_of_sight_counts_again(void **state)
{
    (void)state;
    struct world world;

    world_init(&world);
    world.home_code = false;
    world_see(&world, "A");
    world_pass_ms(&world, DEBOUNCE_MS - 1);
    world_see(&world, "A");
    world_pass_ms(&world, DEBOUNCE_MS - 1); /* since it was last seen, not since it was first */
    world_see(&world, "A");
    assert_string_equal(world.trace, "open(A)");
    world_pass_ms(&world, DEBOUNCE_MS);
    world_see(&world, "A");
    assert_string_equal(world.trace, "open(A) open(A)");

    world_init(&world);
    world_see(&world, "x");
    world_pass_ms(&world, DEBOUNCE_MS - 1);
    world_see(&world, "x");
    world_pass_ms(&world, DEBOUNCE_MS);
    world_see(&world, "x");
    assert_string_equal(world.trace, "deny(x) deny(x)");
}

/* Told apart by what they are, not by their identifiers: a forger may name any. */
static void test_identity_not_id(void **state)
{
    (void)state;
    struct world world;
    struct gh_credential code = world_code('A'), other = world_code('A');

    world_init(&world);
    world.home_code = false;
    other.identity[15] ^= 1;
    other.reason = GH_REASON_FORGED;
    world_see_code(&world, &other);
    world_see_code(&world, &code);
    world_see_code(&world, &other);
    assert_string_equal(world.trace, "deny(A) open(A)");
}

/* --- two codes --- */

static void test_both_orders(void **state)
{
    (void)state;
    struct world world;

    world_init(&world);
    world_hold(&world, "A", 1000);
    world_hold(&world, "A1", 1000);
    assert_string_equal(world.trace, "wait(A) open(A1)");
    world_assert_quiet(&world);

    world_init(&world);
    world_hold(&world, "1", 1000);
    world_hold(&world, "1A", 1000);
    assert_string_equal(world.trace, "wait(1) open(A1)");

    world_init(&world); /* one put away before the other */
    world_hold(&world, "A", 1000);
    world_pass_ms(&world, 1000);
    world_hold(&world, "1", 10 * 1000);
    assert_string_equal(world.trace, "wait(A) open(A1)");

    world_init(&world);
    world_hold(&world, "1", 1000);
    world_pass_ms(&world, 5000);
    world_hold(&world, "A", 10 * 1000);
    assert_string_equal(world.trace, "wait(1) open(A1)");
}

static void test_both_in_one_frame(void **state)
{
    (void)state;
    struct world world;

    world_init(&world);
    world_hold(&world, "A1", 5000);
    assert_string_equal(world.trace, "wait(A) open(A1)");
    world_init(&world);
    world_hold(&world, "1A", 5000);
    assert_string_equal(world.trace, "wait(1) open(A1)");
}

static void test_timeout_exactly(void **state)
{
    (void)state;
    struct world world;

    world_init(&world);
    world_assert_quiet(&world);
    world_see(&world, "A");
    int64_t deadline = world.now_ms + TIMEOUT_MS;
    assert_int_equal(world_deadline_ms(&world), deadline);
    world_hold(&world, "A", 4000); /* seen again: does not put it off */
    assert_int_equal(world_deadline_ms(&world), deadline);
    world_pass_ms(&world, deadline - 1 - world.now_ms);
    assert_string_equal(world.trace, "wait(A)");
    struct gh_passage_step step;
    assert_false(gh_passage_next(&world.passage, deadline * GH_NS_PER_MS - 1, &step));
    world_pass_ms(&world, 1);
    assert_string_equal(world.trace, "wait(A) guard(A!)");
    world_assert_quiet(&world);

    world_init(&world);
    world_see(&world, "1");
    world_pass_ms(&world, 2 * TIMEOUT_MS); /* called late */
    assert_string_equal(world.trace, "wait(1) guard(1!)");
    world_assert_quiet(&world);
}

/* With the second code a moment before the time is up, and a moment after. */
static void test_second_code_at_the_deadline(void **state)
{
    (void)state;
    struct world world;

    world_init(&world);
    world_see(&world, "A");
    world_pass_ms(&world, TIMEOUT_MS - 1);
    world_see(&world, "1");
    assert_string_equal(world.trace, "wait(A) open(A1)");

    world_init(&world);
    world_see(&world, "A");
    world_pass_ms(&world, TIMEOUT_MS);
    world_see(&world, "1"); /* A is out of sight by now */
    assert_string_equal(world.trace, "wait(A) guard(A!)");
    assert_int_equal(world.opened, 0);
}

/* A neighbour's, lifted by mistake: the right one may follow, for as long as a card is looked at.
 */
static void test_wrong_card_first(void **state)
{
    (void)state;
    struct world world;

    world_init(&world);
    world_hold(&world, "2", 1000);
    world_hold(&world, "1", 1000);
    world_hold(&world, "A", 1000);
    world_pass_ms(&world, 2 * TIMEOUT_MS);
    assert_string_equal(world.trace, "wait(2) wait(1) open(A1)");
    world_assert_quiet(&world);

    world_init(&world);
    world_hold(&world, "A", 1000);
    world_hold(&world, "2", DEBOUNCE_MS - 2 * FRAME_MS);
    world_hold(&world, "1", 1000);
    assert_string_equal(world.trace, "wait(A) open(A1)");

    world_init(&world); /* no other follows: not the whole time-out */
    world_see(&world, "A");
    world_pass_ms(&world, 500);
    world_see(&world, "2");
    assert_int_equal(world_deadline_ms(&world), world.now_ms + DEBOUNCE_MS);
    world_pass_ms(&world, DEBOUNCE_MS - 1);
    assert_string_equal(world.trace, "wait(A)");
    world_pass_ms(&world, 1);
    assert_string_equal(world.trace, "wait(A) guard(A2!)");
    world_assert_quiet(&world);

    world_init(&world); /* the card first: one answer for both */
    world_hold(&world, "2", 1000);
    world_hold(&world, "A", 1000);
    world_pass_ms(&world, 2 * TIMEOUT_MS);
    assert_string_equal(world.trace, "wait(2) wait(A) guard(A2!)");
    world_assert_quiet(&world);

    world_init(&world); /* the same card shown again: looked at again, the list may be another */
    world_hold(&world, "A", 1000);
    world_hold(&world, "A2", 500);
    world_hold(&world, "A", 5000);
    assert_string_equal(world.trace, "wait(A) guard(A2!)");
    world_hold(&world, "A2", 500);
    world_hold(&world, "A", 5000);
    assert_string_equal(world.trace, "wait(A) guard(A2!) guard(A2!)");

    world_init(&world); /* nor more than that */
    world_see(&world, "A");
    int64_t deadline = world.now_ms + TIMEOUT_MS;
    world_pass_ms(&world, TIMEOUT_MS - 1000);
    world_see(&world, "2");
    assert_int_equal(world_deadline_ms(&world), deadline);
}

/* --- others --- */

static void test_garbage_disturbs_nobody(void **state)
{
    (void)state;
    struct world world;

    world_init(&world);
    world_see(&world, "A");
    int64_t deadline = world_deadline_ms(&world);
    world_hold(&world, "Ax", 1000);
    world_hold(&world, "Axyz", 1000);
    assert_int_equal(world_deadline_ms(&world), deadline);
    world_hold(&world, "xyz1", 1000);
    assert_string_equal(world.trace, "wait(A) deny(x) deny(y) deny(z) open(A1)");

    world_init(&world);
    world_hold(&world, "1x", 1000);
    world_hold(&world, "A", 1000);
    assert_string_equal(world.trace, "wait(1) deny(x) open(A1)");
}

/* One moment good, the next not: that is news, and what it was good for is over. */
static void test_verdict_changes(void **state)
{
    (void)state;
    struct world world;
    struct gh_credential expired = world_code('A'), card = world_code('1');

    expired.reason = GH_REASON_EXPIRED;
    card.reason = GH_REASON_EXPIRED;
    world_init(&world);
    world_hold(&world, "A", 500);
    for (int i = 0; i < 10; i++) {
        world_see_code(&world, &expired);
        world_pass_ms(&world, FRAME_MS);
    }
    world_see(&world, "1");
    world_pass_ms(&world, 2 * TIMEOUT_MS);
    assert_non_null(strstr(world.trace, "wait(A) deny(A)"));
    assert_null(strstr(world.trace + strlen("wait(A) deny(A)"), "A")); /* once is enough */
    assert_int_equal(world.opened, 0);

    world_init(&world);
    world_hold(&world, "1", 500);
    world_see_code(&world, &card);
    world_pass_ms(&world, FRAME_MS);
    world_hold(&world, "A", 500);
    assert_string_equal(world.trace, "wait(1) deny(1) wait(A)");

    world_init(&world); /* for the better: a key became known, the clock was set */
    world_see_code(&world, &expired);
    world_pass_ms(&world, FRAME_MS);
    world_hold(&world, "A", 500);
    assert_string_equal(world.trace, "deny(A) wait(A)");
}

static const char garbage[] = "abcdefghijklmnopqrstuvwxyz";

/* So many different health codes, none of which lets anybody in: letters beyond D. */
static void see_persons(struct world *world, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        struct gh_credential code = world_code('E');
        code.subject = code.id = 1000 + i;
        memset(code.identity, (int)i, sizeof(code.identity));
        code.identity[0] = 0xee;
        world_see_code(world, &code);
    }
}

/* All places are taken by what is in sight: a further one is passed over, nothing breaks, and what
 * is there is not forgotten. */
static void test_more_codes_than_places(void **state)
{
    (void)state;
    struct world world;

    world_init(&world);
    world.home_code = false;
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < GH_PASSAGE_CODES_MAX; i++) {
            world_see(&world, (char[]){garbage[i], '\0'});
            world_pass_ms(&world, 1);
        }
        if (round == 0)
            world.trace[0] = '\0';
        world_see(&world, "y");
    }
    assert_string_equal(world.trace, "");
    world_see(&world, "A"); /* but what is true takes the place of what is not */
    assert_string_equal(world.trace, "open(A)");
    world_see(&world, "A");
    assert_string_equal(world.trace, "open(A)");
    world_pass_ms(&world, DEBOUNCE_MS);
    world_see(&world, "y"); /* and in the end there is room for everybody */
    assert_string_equal(world.trace, "open(A) deny(y)");

    world_init(&world);
    see_persons(&world, GH_PASSAGE_CODES_MAX);
    world.trace[0] = '\0';
    world_see(&world, "A1x");
    assert_string_equal(world.trace, "");
    world_pass_ms(&world, TIMEOUT_MS);
    world.trace[0] = '\0';
    world_see(&world, "A1");
    assert_string_equal(world.trace, "wait(A) open(A1)");
}

/* A wait survives any number of other codes. */
static void test_waiting_among_many(void **state)
{
    (void)state;
    struct world world;

    world_init(&world);
    world_see(&world, "A");
    world_hold(&world, garbage, 1000);
    world_see(&world, "1");
    assert_int_equal(world.opened, 1);
    assert_null(strstr(world.trace, "guard"));

    world_init(&world); /* also with the waiting code among them, again and again */
    for (int i = 0; i < 10; i++) {
        world_see(&world, "A");
        world_see(&world, garbage);
    }
    world_see(&world, "1");
    assert_int_equal(world.opened, 1);
    assert_null(strstr(world.trace, "guard"));
}

static void test_policy_changes(void **state)
{
    (void)state;
    struct world world;

    world_init(&world);
    world_see(&world, "A");
    int64_t deadline = world_deadline_ms(&world);
    world.policy = world_policy(1000, DEBOUNCE_MS);
    gh_passage_set_policy(&world.passage, &world.policy);
    assert_int_equal(world_deadline_ms(&world), deadline);
    world_pass_ms(&world, deadline - world.now_ms - 1);
    assert_string_equal(world.trace, "wait(A)");
    world_pass_ms(&world, 1);
    assert_string_equal(world.trace, "wait(A) guard(A!)");
    world_see(&world, "D");
    assert_int_equal(world_deadline_ms(&world), world.now_ms + 1000);
}

/* A WAIT stands: it is not asked again until there is something new. */
static void test_next_is_quiet_while_waiting(void **state)
{
    (void)state;
    struct world world;
    struct gh_credential code = world_code('A');
    struct gh_passage_step step;

    world_init(&world);
    int64_t now = world.now_ms * GH_NS_PER_MS;
    gh_passage_see(&world.passage, &code, now);
    assert_true(gh_passage_next(&world.passage, now, &step));
    assert_true(step.has_health && !step.has_housing && !step.has_other && !step.final);
    assert_memory_equal(&step.health, &code, sizeof(code));
    assert_true(gh_passage_answer(&world.passage, GH_REASON_WAIT_HOUSING, now));
    assert_false(gh_passage_next(&world.passage, now, &step));
    gh_passage_see(&world.passage, &code, now);
    assert_false(gh_passage_next(&world.passage, now, &step));
}

/* --- anything, in any order --- */

/* Whoever is let in showed a code of theirs and a card of their home, both a short while ago; and a
 * health code that stays in sight lets in once. */
static void test_random(void **state)
{
    (void)state;
    static const char names[] = "ABCDR12xyz";
    int64_t shown_ms[128], opened_ms[128];
    struct world world;
    unsigned opened = 0;

    for (unsigned seed = 1; seed <= 200; seed++) {
        random_state = seed;
        world_init(&world);
        memset(shown_ms, 0x80, sizeof(shown_ms));
        memset(opened_ms, 0x80, sizeof(opened_ms));
        for (int i = 0; i < 500; i++) {
            char name[2] = {names[random_below(sizeof(names) - 1)], '\0'};
            world_pass_ms(&world, random_below(4) ? random_below(300) : random_below(6000));
            bool again = world.now_ms - shown_ms[(int)name[0]] < DEBOUNCE_MS;
            int64_t seen_before_ms = shown_ms[(int)name[0]];
            world.trace[0] = '\0';
            world_see(&world, name);
            shown_ms[(int)name[0]] = world.now_ms;
            const char *open = strstr(world.trace, "open(");
            opened += open != NULL;
            if (!open)
                continue;
            char person = open[5], card = open[6];
            assert_true(world_lives_in((gh_id)person, (gh_id)(card - '0')));
            assert_true(person == name[0] || card == name[0]);
            assert_true(world.now_ms - shown_ms[(int)person] <= TIMEOUT_MS);
            assert_true(world.now_ms - shown_ms[(int)card] <= TIMEOUT_MS);
            if (again && person == name[0])
                assert_true(seen_before_ms > opened_ms[(int)person]);
            opened_ms[(int)person] = world.now_ms;
        }
        world_pass_ms(&world, TIMEOUT_MS);
        world_assert_quiet(&world);
    }
    assert_true(opened > 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_held_up_counts_once),
        cmocka_unit_test(test_out_of_sight_counts_again),
        cmocka_unit_test(test_identity_not_id),
        cmocka_unit_test(test_both_orders),
        cmocka_unit_test(test_both_in_one_frame),
        cmocka_unit_test(test_timeout_exactly),
        cmocka_unit_test(test_second_code_at_the_deadline),
        cmocka_unit_test(test_wrong_card_first),
        cmocka_unit_test(test_garbage_disturbs_nobody),
        cmocka_unit_test(test_verdict_changes),
        cmocka_unit_test(test_more_codes_than_places),
        cmocka_unit_test(test_waiting_among_many),
        cmocka_unit_test(test_policy_changes),
        cmocka_unit_test(test_next_is_quiet_while_waiting),
        cmocka_unit_test(test_random),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
