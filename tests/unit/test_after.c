/* SPDX-License-Identifier: Apache-2.0 */
/* after.c: who is let in, one or several. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>

#include "after_scene.h"

/* --- one passage --- */

static void test_passed(void **state)
{
    (void)state;
    assert_false(is_near());
    let_in(7);
    assert_true(is_near());
    pass_ms(400);
    move_to(GH_CONTACT_OPEN);
    assert_told(""); /* it may be bouncing */
    pass_ms(SETTLE_MS);
    assert_told("opened 7 +400");
    pass_ms(1000 - SETTLE_MS);
    move_to(GH_CONTACT_SHUT);
    pass_ms(60000);
    assert_told("passed 7 +1400");
    assert_false(is_near());
}

static void test_unused(void **state)
{
    (void)state;
    let_in(7);
    pass_ms(PULSE_MS + GH_AFTER_GRACE_MS);
    assert_told("");
    pass_ms(60000);
    assert_told("unused 7 +4001");
    assert_false(is_near());
}

/* Pushed while it was still unlocked, and seen a moment later. */
static void test_in_the_last_moment(void **state)
{
    (void)state;
    let_in(7);
    pass_ms(PULSE_MS + GH_AFTER_GRACE_MS);
    move_to(GH_CONTACT_OPEN);
    pass_ms(500);
    move_to(GH_CONTACT_SHUT);
    pass_ms(500);
    assert_told("opened 7 +4000, passed 7 +4500");
}

static void test_after_the_last_moment(void **state)
{
    (void)state;
    let_in(7);
    now_ms += PULSE_MS + GH_AFTER_GRACE_MS + 1; /* nobody looked for so long */
    move_to(GH_CONTACT_OPEN);
    pass_ms(500);
    move_to(GH_CONTACT_SHUT);
    pass_ms(500);
    assert_told("unused 7 +4001, forced, shut");
}

static void test_held(void **state)
{
    (void)state;
    let_in(7);
    pass_ms(1000);
    move_to(GH_CONTACT_OPEN);
    pass_ms(HELD_MS - 1);
    assert_told("opened 7 +1000");
    pass_ms(1);
    assert_told("held 7 +31000");
    pass_ms(3600 * 1000); /* said once */
    assert_told("");
    assert_false(is_near());
    move_to(GH_CONTACT_SHUT);
    pass_ms(1000);
    assert_told("shut 7 +3631000");
    assert_false(is_near());
}

static void test_held_open_set(void **state)
{
    (void)state;
    gh_after_set_held_open(&after, 5);
    let_in(7);
    move_to(GH_CONTACT_OPEN);
    pass_ms(4950);
    assert_told("opened 7 +0");
    gh_after_set_held_open(&after, 6); /* read anew while it is open */
    pass_ms(1000);
    assert_told("");
    pass_ms(50);
    assert_told("held 7 +6000");
    gh_after_set_held_open(&after, 0);
    assert_true(after.held_open_s == GH_AFTER_HELD_OPEN_S);
}

/* --- without a decision --- */

static void test_forced(void **state)
{
    (void)state;
    move_to(GH_CONTACT_OPEN);
    pass_ms(500);
    assert_told("forced");
    pass_ms(2 * HELD_MS); /* worse than held */
    assert_told("");
    move_to(GH_CONTACT_SHUT);
    pass_ms(500);
    assert_told("shut");
    let_in(7); /* and all is as before */
    move_to(GH_CONTACT_OPEN);
    pass_ms(500);
    move_to(GH_CONTACT_SHUT);
    pass_ms(10000);
    assert_told("opened 7 +0, passed 7 +500");
    move_to(GH_CONTACT_OPEN);
    pass_ms(500);
    assert_told("forced");
}

/* Somebody is let in through a door that was forced. */
static void test_let_in_while_forced(void **state)
{
    (void)state;
    move_to(GH_CONTACT_OPEN);
    pass_ms(1000);
    let_in(7);
    pass_ms(1000);
    move_to(GH_CONTACT_SHUT);
    pass_ms(10000);
    assert_told("forced, opened 7 +0, passed 7 +1000, shut");
}

/* A moment before the decision: it was on its way. */
static void test_opening_while_decided(void **state)
{
    (void)state;
    move_to(GH_CONTACT_OPEN);
    pass_ms(50);
    let_in(7);
    pass_ms(500);
    assert_told("opened 7 +0");
}

static void test_bouncing(void **state)
{
    (void)state;
    let_in(7);
    for (int i = 0; i < 10; i++) {
        move_to(i % 2 ? GH_CONTACT_SHUT : GH_CONTACT_OPEN);
        pass_ms(SETTLE_MS - 1);
    }
    pass_ms(20000);
    assert_told("unused 7 +4001");
    move_to(GH_CONTACT_OPEN); /* the wind */
    pass_ms(SETTLE_MS - 1);
    move_to(GH_CONTACT_SHUT);
    pass_ms(20000);
    assert_told("");
}

static void start_open(void)
{
    start_anew();
    contact = GH_CONTACT_OPEN;
    look();
}

/* The gate starts, and the door is open already: nobody knows by whom. */
static void test_open_at_the_start(void **state)
{
    (void)state;
    start_open();
    pass_ms(10000);
    move_to(GH_CONTACT_SHUT);
    pass_ms(1000);
    assert_told("");
    start_open();
    pass_ms(HELD_MS + SETTLE_MS);
    assert_told("held");
    move_to(GH_CONTACT_SHUT);
    pass_ms(1000);
    assert_told("shut");
    start_open();
    let_in(7); /* before the first look was settled */
    pass_ms(1000);
    move_to(GH_CONTACT_SHUT);
    pass_ms(1000);
    assert_told("opened 7 +0, passed 7 +1000");
}

/* --- several --- */

/* One behind the other through one opening of the door: each has their own end. */
static void test_shared(void **state)
{
    (void)state;
    let_in(7);
    pass_ms(2000);
    let_in(8); /* which unlocks it for longer: 7 goes on waiting */
    pass_ms(2500);
    move_to(GH_CONTACT_OPEN);
    pass_ms(500);
    assert_told("opened 7 +4500, opened 8 +2500");
    let_in(9); /* while it is open */
    pass_ms(500);
    move_to(GH_CONTACT_SHUT);
    pass_ms(10000);
    assert_told("opened 9 +0, passed 7 +5500, passed 8 +3500, passed 9 +500");
}

static void test_one_after_the_other(void **state)
{
    (void)state;
    let_in(7);
    move_to(GH_CONTACT_OPEN);
    pass_ms(500);
    move_to(GH_CONTACT_SHUT);
    pass_ms(500);
    let_in(8);
    pass_ms(500);
    move_to(GH_CONTACT_OPEN);
    pass_ms(500);
    move_to(GH_CONTACT_SHUT);
    pass_ms(500);
    let_in(9);
    pass_ms(10000);
    assert_told("opened 7 +0, passed 7 +500, opened 8 +500, passed 8 +1000, unused 9 +4001");
}

/* Let in while the door falls shut behind the one before. */
static void test_while_it_shuts(void **state)
{
    (void)state;
    let_in(7);
    move_to(GH_CONTACT_OPEN);
    pass_ms(500);
    move_to(GH_CONTACT_SHUT);
    pass_ms(50);
    let_in(8);
    pass_ms(450);
    move_to(GH_CONTACT_OPEN);
    pass_ms(500);
    move_to(GH_CONTACT_SHUT);
    pass_ms(10000);
    assert_told("opened 7 +0, passed 7 +500, opened 8 +450, passed 8 +950");
    let_in(9); /* or does not quite fall shut */
    move_to(GH_CONTACT_OPEN);
    pass_ms(500);
    move_to(GH_CONTACT_SHUT);
    pass_ms(50);
    let_in(10);
    move_to(GH_CONTACT_OPEN);
    pass_ms(450);
    move_to(GH_CONTACT_SHUT);
    pass_ms(10000);
    assert_told("opened 9 +0, opened 10 +0, passed 9 +1000, passed 10 +450");
}

/* Two movements for one decision: the second is told too. */
static void test_once_more(void **state)
{
    (void)state;
    let_in(7);
    let_in(8);
    for (int i = 0; i < 2; i++) {
        move_to(GH_CONTACT_OPEN);
        pass_ms(500);
        move_to(GH_CONTACT_SHUT);
        pass_ms(500);
    }
    pass_ms(10000);
    assert_told("opened 7 +0, opened 8 +0, passed 7 +500, passed 8 +500, "
                "opened 8 +1000, passed 8 +1500");
    move_to(GH_CONTACT_OPEN); /* but not once it is locked */
    pass_ms(500);
    assert_told("forced");
}

/* Propped open in the morning. */
static void test_held_for_several(void **state)
{
    (void)state;
    let_in(7);
    move_to(GH_CONTACT_OPEN);
    pass_ms(20000);
    let_in(8);
    pass_ms(20000);
    assert_told("opened 7 +0, opened 8 +0, held 7 +30000");
    pass_ms(20000);
    let_in(9);
    pass_ms(1000);
    move_to(GH_CONTACT_SHUT);
    pass_ms(1000);
    assert_told("held 8 +30000, opened 9 +0, shut 7 +61000, shut 8 +41000, passed 9 +1000");
}

static void test_too_many(void **state)
{
    (void)state;
    char expected[sizeof(told)] = "";

    for (uint64_t i = 1; i <= GH_AFTER_PLACES + 2; i++)
        let_in(i);
    assert_told("unused 1 +0, unused 2 +0");
    move_to(GH_CONTACT_OPEN);
    pass_ms(SETTLE_MS);
    for (unsigned i = 3; i <= GH_AFTER_PLACES + 2; i++)
        snprintf(expected + strlen(expected), sizeof(expected) - strlen(expected), "%sopened %u +0",
                 i == 3 ? "" : ", ", i);
    assert_told(expected);
    let_in(100);
    assert_told("held 3 +100, opened 100 +0");
    now_ms += HELD_MS + 1000; /* all at once, after a long wait for the disk */
    contact = GH_CONTACT_SHUT;
    look();
    assert_told("");
    contact = GH_CONTACT_OPEN;
    look();
    assert_true(strlen(told) > 0);
    told[0] = '\0';
    let_in(101); /* in place of one that has its end already */
    assert_told("opened 101 +0");
}

/* --- a contact that cannot be read --- */

static void test_unknown(void **state)
{
    (void)state;
    let_in(7);
    move_to(GH_CONTACT_UNKNOWN);
    pass_ms(60000);
    assert_told(""); /* used or not: nobody knows */
    assert_false(is_near());
    move_to(GH_CONTACT_SHUT);
    pass_ms(60000);
    assert_told("");

    let_in(8);
    move_to(GH_CONTACT_OPEN);
    pass_ms(500);
    assert_told("opened 8 +0");
    move_to(GH_CONTACT_UNKNOWN);
    pass_ms(2 * HELD_MS);
    assert_told(""); /* nor whether it is still open */
    move_to(GH_CONTACT_OPEN);
    pass_ms(SETTLE_MS);
    assert_told("held 8 +60600");
    move_to(GH_CONTACT_UNKNOWN);
    move_to(GH_CONTACT_SHUT);
    pass_ms(1000);
    assert_told("shut 8 +60600");

    let_in(9); /* a reading that fails now and then does no harm */
    for (int i = 0; i < 20; i++) {
        move_to(i % 3 == 0 ? GH_CONTACT_UNKNOWN : GH_CONTACT_OPEN);
        pass_ms(50);
    }
    move_to(GH_CONTACT_SHUT);
    pass_ms(1000);
    assert_told("opened 9 +50, passed 9 +1000");
}

static void test_never_known(void **state)
{
    (void)state;
    start_anew();
    contact = GH_CONTACT_UNKNOWN;
    let_in(7);
    pass_ms(60000);
    assert_told("");
    assert_int_equal(after.count, 0);
}

/* --- whatever happens --- */

/* Every passage that was opened for gets exactly one end for each `opened`, and what is shut was
 * open. */
static void test_any_order(void **state)
{
    (void)state;
    struct gh_after_event events[GH_AFTER_EVENTS];
    static int balance[100000];
    uint64_t about = 0;

    srand(4711);
    for (int i = 0; i < 200000; i++) {
        size_t count = 0;
        int dice = rand() % 100;
        if (dice < 3)
            contact = (enum gh_contact)(rand() % 3);
        now_ms += rand() % (dice == 50 ? 50000 : 200);
        int64_t now_ns = now_ms * GH_NS_PER_MS;
        struct gh_after_view view = view_of();
        if (dice == 51)
            unlocked_until_ns = now_ns + (rand() % 5000) * GH_NS_PER_MS;
        if (dice == 52)
            free_until_ns = free_until_ns == INT64_MAX ? now_ns : INT64_MAX;
        if (dice > 90) {
            decided_until_ns = now_ns + PULSE_MS * GH_NS_PER_MS;
            count = gh_after_opening(&after, ++about, now_ns, events);
        } else {
            count = gh_after_look(&after, &view, now_ns, events);
        }
        assert_true(count <= GH_AFTER_EVENTS && after.count <= GH_AFTER_PLACES);
        for (size_t e = 0; e < count; e++) {
            assert_true(events[e].after_ms >= 0);
            if (events[e].about == 0)
                continue;
            int *open = &balance[events[e].about];
            if (events[e].event == GH_DOOR_EVENT_OPENED)
                assert_int_equal((*open)++, 0);
            else if (events[e].event == GH_DOOR_EVENT_PASSED)
                assert_int_equal((*open)--, 1);
            else if (events[e].event == GH_DOOR_EVENT_HELD)
                assert_int_equal((*open)++, 1);
            else if (events[e].event == GH_DOOR_EVENT_SHUT)
                assert_int_equal(*open, 2), *open = 0;
            else
                assert_int_equal(*open, 0);
        }
    }
    assert_true(about > 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_passed, setup),
        cmocka_unit_test_setup(test_unused, setup),
        cmocka_unit_test_setup(test_in_the_last_moment, setup),
        cmocka_unit_test_setup(test_after_the_last_moment, setup),
        cmocka_unit_test_setup(test_held, setup),
        cmocka_unit_test_setup(test_held_open_set, setup),
        cmocka_unit_test_setup(test_forced, setup),
        cmocka_unit_test_setup(test_let_in_while_forced, setup),
        cmocka_unit_test_setup(test_opening_while_decided, setup),
        cmocka_unit_test_setup(test_bouncing, setup),
        cmocka_unit_test_setup(test_open_at_the_start, setup),
        cmocka_unit_test_setup(test_shared, setup),
        cmocka_unit_test_setup(test_one_after_the_other, setup),
        cmocka_unit_test_setup(test_while_it_shuts, setup),
        cmocka_unit_test_setup(test_once_more, setup),
        cmocka_unit_test_setup(test_held_for_several, setup),
        cmocka_unit_test_setup(test_too_many, setup),
        cmocka_unit_test_setup(test_unknown, setup),
        cmocka_unit_test_setup(test_never_known, setup),
        cmocka_unit_test_setup(test_any_order, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
