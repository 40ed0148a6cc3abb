/* SPDX-License-Identifier: Apache-2.0 */
/* after.c: a door that is unlocked, but by no decision. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "after_scene.h"

static void open_and_shut(int64_t open_ms)
{
    move_to(GH_CONTACT_OPEN);
    pass_ms(open_ms);
    move_to(GH_CONTACT_SHUT);
    pass_ms(500);
}

/* Whoever goes through by a button has the button's entry, and no other; nor has who does not. */
static void test_by_a_button(void **state)
{
    (void)state;
    unlocked_until_ns = (now_ms + PULSE_MS) * GH_NS_PER_MS;
    pass_ms(PULSE_MS + GH_AFTER_GRACE_MS);
    open_and_shut(500);
    assert_told("");
    pass_ms(60000);
    open_and_shut(500);
    assert_told("forced, shut");

    unlocked_until_ns = (now_ms + PULSE_MS) * GH_NS_PER_MS;
    move_to(GH_CONTACT_OPEN);
    pass_ms(HELD_MS - 1 + SETTLE_MS);
    assert_told("held");
    assert_true(gh_after_is_held(&after) && !gh_after_is_forced(&after));
    move_to(GH_CONTACT_SHUT);
    pass_ms(500);
    assert_told("shut");
    assert_false(gh_after_is_held(&after));
}

/* Nobody knows which of the two it was: it is theirs who was let in. */
static void test_button_and_decision(void **state)
{
    (void)state;
    let_in(7);
    unlocked_until_ns = (now_ms + 60000) * GH_NS_PER_MS;
    open_and_shut(500);
    assert_told("opened 7 +0, passed 7 +500");
    pass_ms(PULSE_MS + GH_AFTER_GRACE_MS);
    open_and_shut(500); /* but not once the decision's pulse is over */
    assert_told("");
    let_in(8); /* and nobody waits for the button's */
    pass_ms(60000);
    assert_told("unused 8 +4001");
}

/* Opening hours: people come and go, and the door may stand open. */
static void test_meant_to_be_open(void **state)
{
    (void)state;
    unlocked_until_ns = free_until_ns = INT64_MAX;
    open_and_shut(3600 * 1000);
    assert_told("");
    let_in(7);
    for (int i = 0; i < 5; i++)
        open_and_shut(500);
    assert_told("opened 7 +0, passed 7 +500"); /* the others are nobody's */
    move_to(GH_CONTACT_OPEN);
    pass_ms(3600 * 1000);
    unlocked_until_ns = free_until_ns = now_ms * GH_NS_PER_MS;
    look();
    pass_ms(HELD_MS - 1);
    assert_told("");
    pass_ms(1);
    assert_told("held");
    move_to(GH_CONTACT_SHUT);
    pass_ms(500);
    assert_told("shut");
    open_and_shut(500);
    assert_told("forced, shut");
}

static void test_let_in_while_it_may_stand_open(void **state)
{
    (void)state;
    unlocked_until_ns = free_until_ns = INT64_MAX;
    let_in(7);
    move_to(GH_CONTACT_OPEN);
    pass_ms(3600 * 1000);
    assert_told("opened 7 +0");
    unlocked_until_ns = free_until_ns = now_ms * GH_NS_PER_MS;
    look();
    pass_ms(HELD_MS);
    assert_told("held 7 +3630000");
    move_to(GH_CONTACT_SHUT);
    pass_ms(500);
    assert_told("shut 7 +3630000");
}

/* As much time is left as was. */
static void test_time_goes_back(void **state)
{
    (void)state;
    let_in(7);
    move_to(GH_CONTACT_OPEN);
    pass_ms(HELD_MS - 1000);
    assert_told("opened 7 +0");
    now_ms -= 500000;
    decided_until_ns -= 500000 * GH_NS_PER_MS;
    look();
    pass_ms(999);
    assert_told("");
    pass_ms(1);
    assert_told("held 7 +30000");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_by_a_button, setup),
        cmocka_unit_test_setup(test_button_and_decision, setup),
        cmocka_unit_test_setup(test_meant_to_be_open, setup),
        cmocka_unit_test_setup(test_let_in_while_it_may_stand_open, setup),
        cmocka_unit_test_setup(test_time_goes_back, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
