/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "fakes/passage_world.h"
#include "gatehouse/bytes.h"

/* --- several persons --- */

/* One card on the counter, one phone after the other. */
static void test_family(void **state)
{
    (void)state;
    struct world world;

    world_init(&world);
    world_hold(&world, "1", 500);
    world_hold(&world, "1A", 1000);
    world_hold(&world, "1B", 1000);
    world_hold(&world, "1BC", 20 * 1000);
    assert_string_equal(world.trace, "wait(1) open(A1) open(B1) open(C1)");
    world_assert_quiet(&world);

    world_init(&world); /* all in one frame */
    world_hold(&world, "1ABC", 20 * 1000);
    assert_string_equal(world.trace, "wait(1) open(A1) open(B1) open(C1)");

    world_init(&world); /* the card is only there for the first, and shortly before the second */
    world_hold(&world, "A1", 1000);
    world_pass_ms(&world, DEBOUNCE_MS - FRAME_MS - 1);
    world_see(&world, "B");
    assert_string_equal(world.trace, "wait(A) open(A1) open(B1)");
    world_pass_ms(&world, DEBOUNCE_MS); /* now it is out of sight */
    world_see(&world, "C");
    assert_string_equal(world.trace, "wait(A) open(A1) open(B1) wait(C)");
}

/* The card of those before is still in sight, or was a moment ago: it speaks for whoever lives
 * there, and against nobody. */
static void test_next_person_has_own_card(void **state)
{
    (void)state;
    struct world world;

    world_init(&world);
    world_hold(&world, "A1", 1000);
    world_hold(&world, "D", 1000);
    world_hold(&world, "D2", 1000);
    assert_string_equal(world.trace, "wait(A) open(A1) wait(D) open(D2)");

    world_init(&world); /* the card first */
    world_hold(&world, "A1", 1000);
    world_hold(&world, "2", 1000);
    world_hold(&world, "2D", 1000);
    assert_string_equal(world.trace, "wait(A) open(A1) open(D2)");

    world_init(&world); /* the card first, for so long that it does not belong to A any more */
    world_hold(&world, "A1", 1000);
    world_hold(&world, "2", 20 * 1000);
    world_hold(&world, "2D", 1000);
    assert_string_equal(world.trace, "wait(A) open(A1) open(D2)");

    world_init(&world); /* who shows none is asked, and then called for */
    world_hold(&world, "A1", 1000);
    world_hold(&world, "1D", TIMEOUT_MS);
    world_pass_ms(&world, 1000);
    assert_string_equal(world.trace, "wait(A) open(A1) wait(D) guard(D!)");
}

/* Both cards lie on the counter: each serves those who live there. */
static void test_two_cards_in_sight(void **state)
{
    (void)state;
    struct world world;

    world_init(&world);
    world_hold(&world, "A12", 1000);
    world_hold(&world, "12D", 5000);
    world_hold(&world, "12B", 5000);
    assert_string_equal(world.trace, "wait(A) open(A1) open(D2) open(B1)");
    world_init(&world);
    world_hold(&world, "A12", 1000);
    world_hold(&world, "21D", 5000);
    world_hold(&world, "21B", 5000);
    assert_string_equal(world.trace, "wait(A) open(A1) open(D2) open(B1)");
}

/* Several wait at once; each has their own time, and their own card. */
static void test_several_wait(void **state)
{
    (void)state;
    struct world world;

    world_init(&world);
    world_hold(&world, "A", 1000);
    world_hold(&world, "AD", 1000);
    assert_string_equal(world.trace, "wait(A) wait(D)");
    world_hold(&world, "AD2", 1000);
    world_hold(&world, "AD1", 1000);
    world_pass_ms(&world, 2 * TIMEOUT_MS);
    assert_string_equal(world.trace, "wait(A) wait(D) open(D2) open(A1)");
    world_assert_quiet(&world);

    world_init(&world); /* nobody shows a card: each at the end of their own time */
    world_see(&world, "A");
    int64_t deadline = world.now_ms + TIMEOUT_MS;
    world_pass_ms(&world, 3000);
    world_see(&world, "D");
    assert_int_equal(world_deadline_ms(&world), deadline);
    world_pass_ms(&world, TIMEOUT_MS - 3000);
    assert_string_equal(world.trace, "wait(A) wait(D) guard(A!)");
    world_pass_ms(&world, 3000 - 1);
    assert_string_equal(world.trace, "wait(A) wait(D) guard(A!)");
    world_pass_ms(&world, 1);
    assert_string_equal(world.trace, "wait(A) wait(D) guard(A!) guard(D!)");
    world_assert_quiet(&world);

    world_init(&world); /* the loop was late: a time-out, and somebody else at once */
    world_see(&world, "A");
    world.now_ms += TIMEOUT_MS + 5;
    world_see(&world, "D");
    assert_string_equal(world.trace, "wait(A) guard(A!) wait(D)");
    assert_int_equal(world_deadline_ms(&world), world.now_ms + TIMEOUT_MS);

    world_init(&world); /* somebody red waits for nothing, and keeps nobody */
    world_hold(&world, "AR", 1000);
    assert_string_equal(world.trace, "wait(A) deny(R)");
    world_hold(&world, "1", 1000);
    assert_string_equal(world.trace, "wait(A) deny(R) open(A1)");
}

/* A couple: two phones, one card, in any order, all in sight or not. */
static void test_couple(void **state)
{
    (void)state;
    static const char *const orders[] = {"AB1", "A1B", "1AB", "BA1", "B1A", "1BA"};
    struct world world;

    for (size_t i = 0; i < GH_ARRAY_SIZE(orders); i++) {
        for (int together = 0; together < 2; together++) {
            world_init(&world);
            for (const char *code = orders[i]; *code; code++) {
                world_hold(&world, (char[]){*code, '\0'}, 600);
                if (together)
                    world_hold(&world, orders[i], 600);
            }
            world_pass_ms(&world, 2 * TIMEOUT_MS);
            assert_int_equal(world.opened, 2);
            assert_null(strstr(world.trace, "guard"));
            world_assert_quiet(&world);
        }
    }
}

/* Whoever's card it was, the one beside them keeps the time that they had. */
static void test_somebody_elses_card(void **state)
{
    (void)state;
    struct world world;

    world_init(&world);
    world_see(&world, "A");
    int64_t deadline = world.now_ms + TIMEOUT_MS;
    world_pass_ms(&world, 1000);
    world_see(&world, "D");
    world_pass_ms(&world, 500);
    world_see(&world, "2");
    assert_string_equal(world.trace, "wait(A) wait(D) open(D2)");
    assert_int_equal(world_deadline_ms(&world), deadline);
    world_pass_ms(&world, deadline - 1 - world.now_ms);
    assert_string_equal(world.trace, "wait(A) wait(D) open(D2)");
    world_pass_ms(&world, 1);
    assert_string_equal(world.trace, "wait(A) wait(D) open(D2) guard(A!)");

    world_init(&world); /* the same for one whose time was over already */
    world_hold(&world, "A", TIMEOUT_MS + 1000);
    world_hold(&world, "A2", 500);
    world_hold(&world, "A2D", 500);
    world_hold(&world, "A", 2 * TIMEOUT_MS);
    assert_string_equal(world.trace, "wait(A) guard(A!) open(D2)");
    world_hold(&world, "A1", 500); /* and may still come in */
    assert_string_equal(world.trace, "wait(A) guard(A!) open(D2) open(A1)");
}

/* Put away to look for the card, held up again: it is not somebody else. */
static void test_the_same_person_again(void **state)
{
    (void)state;
    struct world world;
    struct gh_credential fresh = world_code('A');

    world_init(&world);
    world_hold(&world, "A", 500);
    world_pass_ms(&world, DEBOUNCE_MS + 100);
    world_hold(&world, "A", 500);
    world_hold(&world, "A1", 500);
    assert_null(strstr(world.trace, "guard"));
    assert_int_equal(world.opened, 1);

    world_init(&world); /* the phone shows its next code: it takes the place of the one before */
    world_see(&world, "A");
    int64_t deadline = world_deadline_ms(&world);
    fresh.id = 'Z';
    fresh.identity[3] ^= 0xff;
    world_pass_ms(&world, 1000);
    world_see_code(&world, &fresh);
    assert_string_equal(world.trace, "wait(A)");
    assert_int_equal(world_deadline_ms(&world), deadline);
    world_hold(&world, "1", 500);
    assert_string_equal(world.trace, "wait(A) open(Z1)");
    for (int i = 0; i < 20; i++) { /* and the one after that does not enter again */
        fresh.id = 'Y';
        fresh.identity[3] = (uint8_t)i;
        world_see_code(&world, &fresh);
        world_hold(&world, "12", 1000);
    }
    world_hold(&world, "A", 500); /* nor does the first one */
    world_pass_ms(&world, 2 * TIMEOUT_MS);
    assert_string_equal(world.trace, "wait(A) open(Z1)");
}

/* Refused, and then another code of the same person: a new attempt, with its own answer. */
static void test_another_code_after_a_refusal(void **state)
{
    (void)state;
    struct world world;
    struct gh_credential fresh = world_code('R');

    world_init(&world);
    world_hold(&world, "R", 500);
    fresh.identity[3] ^= 0xff;
    fresh.id = 'Q';
    world_see_code(&world, &fresh);
    assert_string_equal(world.trace, "deny(R) deny(Q)");
    world_hold(&world, "1", 20000);
    assert_int_equal(world.opened, 0);
}

/* A phone renews its code all the time: one person, one wait, one entry. */
static void test_a_code_that_is_renewed(void **state)
{
    (void)state;
    struct world world;
    struct gh_credential code = world_code('A');

    world_init(&world); /* no wait is drawn out by it */
    for (int i = 0; i < 30; i++) {
        code.identity[3] = (uint8_t)i;
        world_see_code(&world, &code);
        world_pass_ms(&world, 500);
    }
    assert_string_equal(world.trace, "wait(A) guard(A!)");

    world_init(&world); /* and nobody enters twice */
    for (int i = 0; i < 100; i++) {
        code.identity[3] = (uint8_t)i;
        world_see(&world, "1");
        world_see_code(&world, &code);
        world_pass_ms(&world, 500);
    }
    assert_int_equal(world.opened, 1);
    assert_null(strstr(world.trace, "guard"));

    world_init(&world); /* but what was refused may have been the code's fault */
    struct gh_credential refused = world_code('R');
    world_see_code(&world, &refused);
    refused.identity[3] ^= 1;
    world_see_code(&world, &refused);
    assert_string_equal(world.trace, "deny(R) deny(R)");
}

/* --- after a decision --- */

static void test_housing_right_after_opening(void **state)
{
    (void)state;
    struct world world;

    world_init(&world);
    world.home_code = false;
    world_hold(&world, "A", 500);
    world_hold(&world, "1", 20 * 1000);
    assert_string_equal(world.trace, "open(A)");
    world_assert_quiet(&world);

    world_init(&world); /* long after: somebody's who comes without a health code */
    world.home_code = false;
    world_hold(&world, "A", 500);
    world_pass_ms(&world, DEBOUNCE_MS);
    world_hold(&world, "1", 500);
    assert_string_equal(world.trace, "open(A) wait(1)");

    world_init(&world); /* whoever is refused is not asked for a card either */
    world_hold(&world, "R", 500);
    world_hold(&world, "1", 500);
    assert_string_equal(world.trace, "deny(R)");
}

/* Too slow: the card comes after the guard was called. Nobody has to start again. */
static void test_housing_after_the_timeout(void **state)
{
    (void)state;
    struct world world;

    world_init(&world);
    world_hold(&world, "A", TIMEOUT_MS + 2000);
    assert_string_equal(world.trace, "wait(A) guard(A!)");
    world_hold(&world, "A1", 10 * 1000);
    assert_string_equal(world.trace, "wait(A) guard(A!) open(A1)");

    world_init(&world); /* with the phone put away, the card alone opens nothing */
    world_hold(&world, "A", 500);
    world_pass_ms(&world, TIMEOUT_MS);
    world_hold(&world, "1", 2 * TIMEOUT_MS);
    assert_int_equal(world.opened, 0);

    world_init(&world); /* the other way round */
    world_hold(&world, "1", TIMEOUT_MS + 2000);
    assert_string_equal(world.trace, "wait(1) guard(1!)");
    world_hold(&world, "1A", 10 * 1000);
    assert_string_equal(world.trace, "wait(1) guard(1!) open(A1)");
}

/* The opening is one person's: their health code, still in sight, opens no second time, whatever
 * card comes by. */
static void test_spent(void **state)
{
    (void)state;
    struct world world;

    world_init(&world);
    world_hold(&world, "A1", 1000);
    world_hold(&world, "A", DEBOUNCE_MS + 1000);
    world_hold(&world, "A1", 1000);
    world_hold(&world, "A12", 2 * TIMEOUT_MS);
    assert_int_equal(world.opened, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_family),
        cmocka_unit_test(test_next_person_has_own_card),
        cmocka_unit_test(test_two_cards_in_sight),
        cmocka_unit_test(test_several_wait),
        cmocka_unit_test(test_couple),
        cmocka_unit_test(test_somebody_elses_card),
        cmocka_unit_test(test_the_same_person_again),
        cmocka_unit_test(test_a_code_that_is_renewed),
        cmocka_unit_test(test_another_code_after_a_refusal),
        cmocka_unit_test(test_housing_right_after_opening),
        cmocka_unit_test(test_housing_after_the_timeout),
        cmocka_unit_test(test_spent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
