/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "gate/door_inputs.h"

#define MS GH_NS_PER_MS
#define DEBOUNCE_MS 50
#define ALL (GH_INPUT_BIT(GH_INPUT_COUNT) - 1)
#define EXIT GH_INPUT_BIT(GH_INPUT_EXIT)
#define FIRE GH_INPUT_BIT(GH_INPUT_FIRE)
#define CONTACT GH_INPUT_BIT(GH_INPUT_CONTACT)
#define OTHER GH_INPUT_BIT(GH_INPUT_OTHER_DOOR)
#define TAMPER GH_INPUT_BIT(GH_INPUT_TAMPER)

static struct gh_door_watch watch;
static struct gh_door_inputs found;
static int64_t now_ms;

static unsigned look(void)
{
    return gh_door_watch_look(&watch, &found, true, now_ms * MS);
}

static unsigned look_at_ms(int64_t ms)
{
    now_ms = ms;
    return look();
}

static unsigned on(void)
{
    return gh_door_watch_at(&watch, GH_LEVEL_ON);
}

static int setup(void **state)
{
    (void)state;
    gh_door_watch_init(&watch, ALL, DEBOUNCE_MS);
    found = (struct gh_door_inputs){.known = ALL};
    now_ms = 1000;
    (void)look();
    (void)look_at_ms(2000);
    assert_int_equal(gh_door_watch_at(&watch, GH_LEVEL_OFF), ALL);
    return 0;
}

static void nothing_is_known_before_it_has_been_the_same(void **state)
{
    (void)state;
    gh_door_watch_init(&watch, ALL & ~EXIT, DEBOUNCE_MS);
    found = (struct gh_door_inputs){.active = FIRE | EXIT, .known = ALL & ~TAMPER};
    assert_int_equal(look_at_ms(5000), 0);
    assert_int_equal(gh_door_watch_at(&watch, GH_LEVEL_UNKNOWN), ALL & ~EXIT);
    assert_true(gh_door_watch_next_ns(&watch) == (5000 + DEBOUNCE_MS) * MS);
    assert_int_equal(look_at_ms(5000 + DEBOUNCE_MS - 1), 0);
    assert_int_equal(look_at_ms(5000 + DEBOUNCE_MS), ALL & ~EXIT & ~TAMPER);
    assert_int_equal(on(), FIRE);
    assert_int_equal(gh_door_watch_at(&watch, GH_LEVEL_UNKNOWN), TAMPER);
    assert_true(gh_door_watch_next_ns(&watch) == INT64_MAX);
}

static void an_input_counts_once_it_has_been_the_same_for_long_enough(void **state)
{
    (void)state;
    found.active = EXIT;
    assert_int_equal(look_at_ms(3000), 0);
    assert_false(gh_door_watch_is_settled(&watch, GH_INPUT_EXIT));
    assert_true(gh_door_watch_is_settled(&watch, GH_INPUT_CONTACT));
    assert_int_equal(look_at_ms(3049), 0);
    assert_int_equal(look_at_ms(3050), EXIT);
    assert_int_equal(on(), EXIT);
    assert_true(watch.inputs[GH_INPUT_EXIT].since_ns == 3000 * MS);
    assert_int_equal(look_at_ms(9000), 0);
    found.active = 0;
    found.known &= ~EXIT;
    assert_int_equal(look_at_ms(9001), 0);
    assert_int_equal(look_at_ms(9051), EXIT); /* not known is a level, too */
    assert_int_equal(gh_door_watch_at(&watch, GH_LEVEL_UNKNOWN), EXIT);
}

static void bouncing_begins_anew_each_time(void **state)
{
    (void)state;
    for (int i = 0; i < 30; i++) {
        found.active = i % 2 == 0 ? CONTACT : 0;
        assert_int_equal(look_at_ms(3000 + i * 49), 0);
    }
    found.active = CONTACT;
    assert_int_equal(look_at_ms(4500), 0);
    assert_int_equal(look_at_ms(4550), CONTACT);
    assert_true(watch.inputs[GH_INPUT_CONTACT].since_ns == 4500 * MS);
    assert_false(watch.inputs[GH_INPUT_CONTACT].chatters);
}

static void an_edge_that_came_and_went_is_counted_and_no_more(void **state)
{
    (void)state;
    assert_int_equal(watch.blinks, 1); /* of setup, which told without a change */
    assert_int_equal(look_at_ms(3000), 0);
    assert_int_equal(watch.blinks, 2);
    assert_int_equal(gh_door_watch_look(&watch, &found, false, 3001 * MS), 0);
    assert_int_equal(watch.blinks, 2); /* nobody had said anything */
    found.active = EXIT;
    (void)look_at_ms(3002);
    found.active = 0;
    (void)look_at_ms(3003);
    assert_int_equal(look_at_ms(4000), 0);
    assert_int_equal(on(), 0);
}

/* Stopped, or held up by its disk: two looks are no loose wire, and no fire. */
static void a_gate_that_was_busy_for_long_does_not_take_it_for_chatter(void **state)
{
    (void)state;
    found.active = ALL;
    assert_int_equal(look_at_ms(3000), 0);
    found.active = 0;
    assert_int_equal(look_at_ms(3000 + 2 * GH_INPUT_CHATTER_MS), 0);
    assert_false(watch.inputs[GH_INPUT_FIRE].chatters);
    found.active = ALL;
    assert_int_equal(look_at_ms(3000 + 4 * GH_INPUT_CHATTER_MS), 0);
    assert_int_equal(look_at_ms(3000 + 4 * GH_INPUT_CHATTER_MS + DEBOUNCE_MS), ALL);
}

/* A loose wire: those whose safe side is active are so, the others stay as they were. */
static void one_that_never_comes_to_rest_chatters(void **state)
{
    (void)state;
    unsigned changed = 0;
    int64_t ms = 3000;

    for (int i = 0; ms < 3000 + GH_INPUT_CHATTER_MS; i++, ms += 20) {
        assert_int_equal(changed, 0);
        found.active = i % 2 == 0 ? ALL : 0;
        changed = look_at_ms(ms);
    }
    for (int i = 0; i < 10; i++, ms += 20) {
        found.active = i % 2 == 0 ? ALL : 0;
        changed |= look_at_ms(ms);
    }
    assert_int_equal(changed, GH_INPUTS_SAFE_ACTIVE);
    assert_int_equal(on(), FIRE | TAMPER | OTHER);
    assert_true(watch.inputs[GH_INPUT_CONTACT].chatters && watch.inputs[GH_INPUT_FIRE].chatters);
    int64_t rest_ms = ms - 20; /* it was off at the last look */
    assert_int_equal(look_at_ms(rest_ms + GH_INPUT_QUIET_MS - 1), 0);
    assert_true(gh_door_watch_next_ns(&watch) == (rest_ms + GH_INPUT_QUIET_MS) * MS);
    assert_int_equal(look_at_ms(rest_ms + GH_INPUT_QUIET_MS), FIRE | TAMPER | OTHER);
    assert_int_equal(on(), 0);
    assert_false(watch.inputs[GH_INPUT_FIRE].chatters);
}

static void without_a_pause_each_look_counts(void **state)
{
    (void)state;
    gh_door_watch_set_debounce(&watch, 0);
    found.active = FIRE;
    assert_int_equal(look_at_ms(3000), FIRE);
    found.active = 0;
    assert_int_equal(look_at_ms(3000), FIRE);
    gh_door_watch_set_debounce(&watch, -5);
    assert_true(watch.debounce_ns == 0);
    gh_door_watch_set_debounce(&watch, 5000);
    assert_true(watch.debounce_ns == 1000 * MS);
}

static void time_that_goes_back_takes_no_time_away(void **state)
{
    (void)state;
    found.active = EXIT;
    assert_int_equal(look_at_ms(3000), 0);
    assert_int_equal(look_at_ms(3030), 0);
    assert_int_equal(look_at_ms(1030), 0);
    assert_true(gh_door_watch_next_ns(&watch) == 1050 * MS);
    assert_int_equal(look_at_ms(1049), 0);
    assert_int_equal(look_at_ms(1050), EXIT);
}

/* A loose wire goes on being one: for how long it has not come to rest is not forgotten. */
static void time_that_goes_back_takes_no_chatter_away(void **state)
{
    (void)state;
    int64_t ms = 10000;

    for (int i = 0; i < GH_INPUT_CHATTER_MS / 20; i++, ms += 20) {
        if (i == GH_INPUT_CHATTER_MS / 40)
            ms -= 5000;
        found.active = i % 2 == 0 ? ALL : 0;
        assert_int_equal(look_at_ms(ms), 0);
    }
    found.active = 0;
    assert_int_equal(look_at_ms(ms + 20), GH_INPUTS_SAFE_ACTIVE);
}

/* On and off, each time for long enough to count: how often in all it counted as something else. */
static unsigned flap(enum gh_input input, unsigned times, int64_t every_ms)
{
    unsigned counted = 0;

    for (unsigned i = 0; i < times; i++) {
        found.active ^= GH_INPUT_BIT(input);
        counted += look_at_ms(now_ms + every_ms - DEBOUNCE_MS) != 0;
        counted += look_at_ms(now_ms + DEBOUNCE_MS) != 0;
    }
    return counted;
}

/* Slower than a wire that is loose, and each time an entry: it must not fill the card. */
static void an_alarm_that_flaps_chatters(void **state)
{
    (void)state;
    static const enum gh_input alarms[] = {GH_INPUT_TAMPER, GH_INPUT_FIRE};

    for (size_t i = 0; i < sizeof(alarms) / sizeof(alarms[0]); i++) {
        enum gh_input alarm = alarms[i];
        assert_int_equal(setup(NULL), 0);
        assert_int_equal(flap(alarm, GH_INPUT_FLAPS_IN_A_ROW, 200), GH_INPUT_FLAPS_IN_A_ROW);
        assert_false(watch.inputs[alarm].chatters);
        assert_int_equal(flap(alarm, 1, 200), 1);
        assert_true(on() == GH_INPUT_BIT(alarm) && watch.inputs[alarm].chatters);
        assert_int_equal(flap(alarm, 1, 200), 0); /* off is believed no more, */
        assert_true(gh_door_watch_next_ns(&watch) ==
                    (now_ms - DEBOUNCE_MS + GH_INPUT_QUIET_MS) * MS);
        assert_int_equal(look_at_ms(now_ms - DEBOUNCE_MS + GH_INPUT_QUIET_MS - 1), 0);
        assert_int_equal(look_at_ms(now_ms + 1), GH_INPUT_BIT(alarm)); /* until it stays so */
        assert_true(on() == 0 && !watch.inputs[alarm].chatters);
        assert_int_equal(flap(alarm, 1, 200), 1); /* on is, at once */
        assert_true(on() == GH_INPUT_BIT(alarm) && watch.inputs[alarm].chatters);
        assert_int_equal(flap(alarm, 1001, 200), 0);
    }
}

/* However long it went on, half an hour later all is forgotten. */
/* Without a token the end of an alarm comes all the same, once it has been quiet; not before. */
static void an_alarm_that_rests_has_an_end_each_time(void **state)
{
    (void)state;
    (void)flap(GH_INPUT_FIRE, 4 * GH_INPUT_FLAPS_IN_A_ROW, 200);
    found.active &= ~FIRE;
    (void)look_at_ms(now_ms + 200);
    (void)look_at_ms(now_ms + GH_INPUT_QUIET_MS);
    for (int i = 0; i < 100; i++) {
        assert_int_equal(on(), 0);
        found.active = FIRE;
        (void)look_at_ms(now_ms + 200);
        assert_int_equal(look_at_ms(now_ms + DEBOUNCE_MS), FIRE);
        assert_int_equal(on(), FIRE);
        found.active = 0;
        (void)look_at_ms(now_ms + 200);
        assert_int_equal(look_at_ms(now_ms + GH_INPUT_QUIET_MS - 1), 0);
        assert_int_equal(look_at_ms(now_ms + 1), FIRE);
    }
}

static void flapping_is_forgotten(void **state)
{
    (void)state;
    for (int i = 0; i < 1000; i++) {
        (void)flap(GH_INPUT_TAMPER, 1, 200);
        (void)look_at_ms(now_ms + GH_INPUT_QUIET_MS);
        assert_int_equal(on(), found.active);
    }
    assert_int_equal(look_at_ms(now_ms + GH_INPUT_FLAPS_IN_A_ROW * GH_INPUT_FLAP_ALARM_MS), 0);
    assert_int_equal(flap(GH_INPUT_TAMPER, GH_INPUT_FLAPS_IN_A_ROW, 200), GH_INPUT_FLAPS_IN_A_ROW);
    assert_false(watch.inputs[GH_INPUT_TAMPER].chatters);
}

static void a_contact_that_flaps_chatters(void **state)
{
    (void)state;
    /* Five a second, of which one a second is forgotten. */
    unsigned counted = flap(GH_INPUT_CONTACT, 1000, 200);
    assert_in_range(counted, GH_INPUT_FLAPS_IN_A_ROW * 5 / 4 - 1,
                    GH_INPUT_FLAPS_IN_A_ROW * 5 / 4 + 1);
    assert_true(watch.inputs[GH_INPUT_CONTACT].chatters);
    assert_int_equal((on() & CONTACT) != 0, counted % 2); /* as it was */
    found.active |= CONTACT;
    (void)look_at_ms(now_ms + 1);
    (void)look_at_ms(now_ms + GH_INPUT_QUIET_MS);
    assert_true((on() & CONTACT) != 0 && !watch.inputs[GH_INPUT_CONTACT].chatters);
}

static void what_changes_as_often_as_it_may_does_not_chatter(void **state)
{
    (void)state;
    assert_int_equal(flap(GH_INPUT_CONTACT, 3600, GH_INPUT_FLAP_CONTACT_MS), 3600);
    assert_int_equal(flap(GH_INPUT_FIRE, 1440, GH_INPUT_FLAP_ALARM_MS), 1440);
    assert_int_equal(flap(GH_INPUT_EXIT, 1000, 200), 1000);
    assert_int_equal(flap(GH_INPUT_GUARD, 1000, 200), 1000);
    assert_int_equal(flap(GH_INPUT_OTHER_DOOR, 1000, 200), 1000);
}

static void time_that_goes_back_neither_forgives_nor_holds_against(void **state)
{
    (void)state;
    now_ms = 1000000;
    assert_int_equal(flap(GH_INPUT_TAMPER, GH_INPUT_FLAPS_IN_A_ROW, 200), GH_INPUT_FLAPS_IN_A_ROW);
    (void)look_at_ms(now_ms - 900000);
    assert_int_equal(look_at_ms(now_ms + GH_INPUT_FLAPS_IN_A_ROW * GH_INPUT_FLAP_ALARM_MS), 0);
    assert_int_equal(flap(GH_INPUT_TAMPER, GH_INPUT_FLAPS_IN_A_ROW, 200), GH_INPUT_FLAPS_IN_A_ROW);
    (void)look_at_ms(now_ms - 900000);
    assert_int_equal(flap(GH_INPUT_TAMPER, 2, 200), 1);
    assert_true(watch.inputs[GH_INPUT_TAMPER].chatters);
}

/* Against a second, naive way to say it: the last debounce_ms of looks were all the same. */
static void any_row_of_looks_counts_as_the_rule_says(void **state)
{
    (void)state;
    enum { LOOKS = 20000 };
    static bool seen[LOOKS];

    srand(4711);
    bool level = false, moving = false;
    int64_t restless_ms = 0;
    for (int i = 0; i < LOOKS; i++) { /* one a millisecond */
        if (rand() % (i % 4000 < 200 ? 5 : 150) == 0)
            level = !level;
        seen[i] = level;
        found.active = level ? EXIT : 0;
        bool before = (on() & EXIT) != 0;
        unsigned changed = look_at_ms(3000 + i);
        bool now = (on() & EXIT) != 0;
        assert_int_equal(changed == EXIT, before != now);
        bool same = i >= DEBOUNCE_MS;
        for (int back = 0; same && back <= DEBOUNCE_MS; back++)
            same = seen[i - back] == level;
        bool chatters = watch.inputs[GH_INPUT_EXIT].chatters;
        if (before != now)
            assert_true(same && now == level);
        if (same && !chatters)
            assert_int_equal(now, level);
        moving = gh_door_watch_next_ns(&watch) != INT64_MAX;
        restless_ms = moving ? restless_ms + 1 : 0;
        if (chatters)
            assert_true(restless_ms >= GH_INPUT_CHATTER_MS);
        if (moving)
            assert_true(gh_door_watch_next_ns(&watch) > now_ms * MS);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(nothing_is_known_before_it_has_been_the_same, setup),
        cmocka_unit_test_setup(an_input_counts_once_it_has_been_the_same_for_long_enough, setup),
        cmocka_unit_test_setup(bouncing_begins_anew_each_time, setup),
        cmocka_unit_test_setup(an_edge_that_came_and_went_is_counted_and_no_more, setup),
        cmocka_unit_test_setup(a_gate_that_was_busy_for_long_does_not_take_it_for_chatter, setup),
        cmocka_unit_test_setup(one_that_never_comes_to_rest_chatters, setup),
        cmocka_unit_test_setup(without_a_pause_each_look_counts, setup),
        cmocka_unit_test_setup(time_that_goes_back_takes_no_time_away, setup),
        cmocka_unit_test_setup(time_that_goes_back_takes_no_chatter_away, setup),
        cmocka_unit_test_setup(an_alarm_that_flaps_chatters, setup),
        cmocka_unit_test_setup(an_alarm_that_rests_has_an_end_each_time, setup),
        cmocka_unit_test_setup(flapping_is_forgotten, setup),
        cmocka_unit_test_setup(a_contact_that_flaps_chatters, setup),
        cmocka_unit_test_setup(what_changes_as_often_as_it_may_does_not_chatter, setup),
        cmocka_unit_test_setup(time_that_goes_back_neither_forgives_nor_holds_against, setup),
        cmocka_unit_test_setup(any_row_of_looks_counts_as_the_rule_says, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
