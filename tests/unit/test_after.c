/* SPDX-License-Identifier: Apache-2.0 */
/* after.c: what the door did, in one line of words: `opened 7 +400`, about the passage 7, 400 ms
 * after its decision. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gate/after.h"
#include "gate/door_inputs.h"
#include "gatehouse/bytes.h"

#define PULSE_MS 3000
#define SETTLE_MS 100
#define HELD_MS (GH_AFTER_HELD_OPEN_S * 1000)
#define START_MS 1000000

static struct gh_after after;
static struct gh_door_watch watch; /* debounces, as at the gate */
static int64_t now_ms;
static enum gh_contact contact; /* as it is found */
static int64_t decided_until_ns, unlocked_until_ns, free_until_ns;
static char told[16384];

static const char *name_of(enum gh_door_event event)
{
    static const char *const names[] = {
        [GH_DOOR_EVENT_OPENED] = "opened", [GH_DOOR_EVENT_PASSED] = "passed",
        [GH_DOOR_EVENT_HELD] = "held",     [GH_DOOR_EVENT_SHUT] = "shut",
        [GH_DOOR_EVENT_UNUSED] = "unused", [GH_DOOR_EVENT_FORCED] = "forced",
    };
    assert_in_range(event, GH_DOOR_EVENT_OPENED, GH_DOOR_EVENT_FORCED);
    return names[event];
}

static void write_down(const struct gh_after_event *events, size_t count)
{
    assert_true(count <= GH_AFTER_EVENTS);
    for (size_t i = 0; i < count; i++) {
        size_t size = strlen(told);
        int more = snprintf(told + size, sizeof(told) - size, "%s%s", size > 0 ? ", " : "",
                            name_of(events[i].event));
        size += (size_t)more;
        assert_true(size < sizeof(told) - 64);
        if (events[i].about != 0)
            snprintf(told + size, sizeof(told) - size, " %" PRIu64 " +%" PRId64, events[i].about,
                     events[i].after_ms);
        else
            assert_true(events[i].after_ms == 0);
    }
}

static struct gh_after_view view_of(void)
{
    static const enum gh_contact contacts[] = {[GH_LEVEL_UNKNOWN] = GH_CONTACT_UNKNOWN,
                                               [GH_LEVEL_OFF] = GH_CONTACT_SHUT,
                                               [GH_LEVEL_ON] = GH_CONTACT_OPEN};
    struct gh_door_inputs found = {.active = contact == GH_CONTACT_OPEN,
                                   .known = contact != GH_CONTACT_UNKNOWN};
    const struct gh_door_input *input = &watch.inputs[GH_INPUT_CONTACT];

    (void)gh_door_watch_look(&watch, &found, false, now_ms * GH_NS_PER_MS);
    return (struct gh_after_view){
        .contact = contacts[input->level],
        .since_ns = input->since_ns,
        .settled = gh_door_watch_is_settled(&watch, GH_INPUT_CONTACT),
        .decided_until_ns = decided_until_ns,
        .unlocked_until_ns =
            unlocked_until_ns > decided_until_ns ? unlocked_until_ns : decided_until_ns,
        .free_until_ns = free_until_ns,
    };
}

static void look(void)
{
    struct gh_after_event events[GH_AFTER_EVENTS];
    struct gh_after_view view = view_of();

    write_down(events, gh_after_look(&after, &view, now_ms * GH_NS_PER_MS, events));
}

static int64_t next_ms(void)
{
    int64_t after_ns = gh_after_next_ns(&after), watch_ns = gh_door_watch_next_ns(&watch);
    int64_t next_ns = after_ns < watch_ns ? after_ns : watch_ns;

    return next_ns == INT64_MAX ? INT64_MAX : (next_ns + GH_NS_PER_MS - 1) / GH_NS_PER_MS;
}

static bool is_near(void)
{
    return next_ms() != INT64_MAX;
}

/* As the gate does: looks when it is asked to. */
static void pass_ms(int64_t ms)
{
    int64_t end_ms = now_ms + ms;
    int looks = 0;

    while (now_ms < end_ms) {
        int64_t at_ms = next_ms();
        now_ms = at_ms < end_ms ? at_ms : end_ms;
        look();
        assert_true(++looks < 1000); /* it must not spin */
    }
}

static void move_to(enum gh_contact to)
{
    contact = to;
    look();
}

static void let_in(uint64_t about)
{
    struct gh_after_event events[GH_AFTER_EVENTS];

    decided_until_ns = (now_ms + PULSE_MS) * GH_NS_PER_MS;
    write_down(events, gh_after_opening(&after, about, now_ms * GH_NS_PER_MS, events));
    look();
}

static void assert_told(const char *expected)
{
    assert_string_equal(told, expected);
    told[0] = '\0';
}

static void start_anew(void)
{
    gh_after_init(&after, GH_AFTER_HELD_OPEN_S);
    gh_door_watch_init(&watch, GH_INPUT_BIT(GH_INPUT_CONTACT), SETTLE_MS);
    decided_until_ns = unlocked_until_ns = free_until_ns = INT64_MIN;
}

static int setup(void **state)
{
    (void)state;
    start_anew();
    now_ms = START_MS;
    contact = GH_CONTACT_SHUT;
    told[0] = '\0';
    look();
    pass_ms(1000);
    assert_told("");
    return 0;
}

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

/* --- unlocked, but by no decision --- */

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
        cmocka_unit_test_setup(test_by_a_button, setup),
        cmocka_unit_test_setup(test_button_and_decision, setup),
        cmocka_unit_test_setup(test_meant_to_be_open, setup),
        cmocka_unit_test_setup(test_let_in_while_it_may_stand_open, setup),
        cmocka_unit_test_setup(test_time_goes_back, setup),
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
