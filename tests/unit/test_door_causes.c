/* SPDX-License-Identifier: Apache-2.0 */
/* door.c: what keeps the door unlocked, and for how long. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "gate/door.h"

#define MS GH_NS_PER_MS
#define PULSE_MS 3000
#define HOLD_S 20
#define RELAY GH_LINE_BIT(GH_LINE_RELAY)
#define THIS_DOOR GH_LINE_BIT(GH_LINE_THIS_DOOR)

static struct gh_door door;
static int64_t now_ms;

static int64_t now_ns(void)
{
    return now_ms * MS;
}

static void start(enum gh_relay_mode mode)
{
    struct gh_door_options options = {
        .relay_mode = mode, .hold_max_s = HOLD_S, .pulse_ms = PULSE_MS, .this_door = true};

    gh_door_init(&door, &options);
    now_ms = 100000;
}

static int setup(void **state)
{
    (void)state;
    start(GH_RELAY_PULSE);
    return 0;
}

static unsigned lines(void)
{
    int64_t next_ns;
    return gh_door_lines(&door, now_ns(), &next_ns);
}

static bool is_unlocked(void)
{
    bool causes = gh_door_causes(&door, now_ns()) != 0;
    assert_int_equal((lines() & RELAY) != 0, causes);
    assert_int_equal((lines() & THIS_DOOR) == 0, causes || door.claimed || door.not_shut);
    return causes;
}

static enum gh_unlocked unlock(enum gh_cause cause)
{
    return gh_door_unlock(&door, cause, now_ns());
}

static void assert_unlocked_for(int64_t ms)
{
    assert_true(is_unlocked());
    now_ms += ms - 1;
    assert_true(is_unlocked());
    now_ms++;
    assert_false(is_unlocked());
}

static void everybody_has_a_pulse(void **state)
{
    (void)state;
    static const enum gh_cause causes[] = {GH_CAUSE_DECISION, GH_CAUSE_EXIT, GH_CAUSE_TEST,
                                           GH_CAUSE_GUARD};
    for (int i = 0; i < 4; i++) {
        assert_int_equal(unlock(causes[i]), GH_UNLOCKED);
        assert_int_equal(gh_door_causes(&door, now_ns()), GH_CAUSE_BIT(causes[i]));
        assert_true(gh_door_unlocked_until(&door, GH_CAUSE_BIT(causes[i])) ==
                    (now_ms + PULSE_MS) * MS);
        assert_true(gh_door_grant_ms(&door, now_ns()) == PULSE_MS + GH_DOOR_GRACE_MS);
        assert_unlocked_for(PULSE_MS);
        assert_true(gh_door_grant_ms(&door, now_ns()) == 0);
    }
    assert_true(gh_door_unlocked_until(&door, GH_CAUSE_BIT(GH_CAUSE_FIRE)) == INT64_MIN);
}

static void one_cause_does_not_end_the_other(void **state)
{
    (void)state;
    (void)unlock(GH_CAUSE_DECISION);
    now_ms += 1000;
    (void)unlock(GH_CAUSE_EXIT);
    gh_door_lock(&door);
    assert_int_equal(gh_door_causes(&door, now_ns()), GH_CAUSE_BIT(GH_CAUSE_EXIT));
    assert_unlocked_for(PULSE_MS);
}

static void a_button_that_is_pressed_on_keeps_it_unlocked(void **state)
{
    (void)state;
    (void)unlock(GH_CAUSE_EXIT);
    gh_door_press(&door, GH_CAUSE_EXIT, true, now_ns());
    assert_true(gh_door_grant_ms(&door, now_ns()) == GH_DOOR_RENEW_MS);
    assert_true(gh_door_unlocked_until(&door, GH_CAUSES_ALL) == INT64_MAX);
    now_ms += 20000;
    assert_true(is_unlocked());
    gh_door_press(&door, GH_CAUSE_EXIT, false, now_ns());
    assert_false(is_unlocked());
    assert_true(gh_door_unlocked_until(&door, GH_CAUSES_ALL) == now_ns());
    (void)unlock(GH_CAUSE_EXIT); /* a short press has the whole pulse */
    gh_door_press(&door, GH_CAUSE_EXIT, true, now_ns());
    now_ms += 10;
    gh_door_press(&door, GH_CAUSE_EXIT, false, now_ns());
    assert_unlocked_for(PULSE_MS - 10);
    gh_door_press(&door, GH_CAUSE_EXIT, true, now_ns()); /* alone it unlocks nothing */
    assert_false(is_unlocked());
}

static void hours_and_fire_last(void **state)
{
    (void)state;
    (void)unlock(GH_CAUSE_HOURS);
    assert_true(gh_door_grant_ms(&door, now_ns()) == GH_DOOR_RENEW_MS);
    (void)unlock(GH_CAUSE_FIRE);
    assert_true(gh_door_grant_ms(&door, now_ns()) == GH_DOOR_RENEW_FIRE);
    now_ms += 100 * 3600 * 1000;
    assert_true(is_unlocked());
    gh_door_end(&door, GH_CAUSE_FIRE, now_ns());
    assert_true(is_unlocked());
    assert_true(gh_door_grant_ms(&door, now_ns()) == GH_DOOR_RENEW_MS);
    gh_door_end(&door, GH_CAUSE_HOURS, now_ns());
    assert_false(is_unlocked());
}

static void hold_lasts_until_somebody_has_gone_through(void **state)
{
    (void)state;
    static const enum gh_cause causes[] = {GH_CAUSE_DECISION, GH_CAUSE_EXIT, GH_CAUSE_GUARD};

    start(GH_RELAY_HOLD);
    for (int i = 0; i < 3; i++) {
        (void)unlock(causes[i]);
        assert_true(gh_door_grant_ms(&door, now_ns()) == GH_DOOR_RENEW_MS);
        assert_unlocked_for(HOLD_S * 1000);
        (void)unlock(causes[i]);
        now_ms += 5000;
        gh_door_passed(&door, now_ns() - 50 * MS, now_ns());
        assert_false(is_unlocked());
    }
    (void)unlock(GH_CAUSE_DECISION); /* while the door falls shut behind the one before */
    now_ms += 40;
    gh_door_passed(&door, now_ns() - 50 * MS, now_ns());
    assert_true(is_unlocked());
    gh_door_lock(&door);
    (void)unlock(GH_CAUSE_TEST); /* is a pulse */
    gh_door_passed(&door, now_ns(), now_ns());
    assert_unlocked_for(PULSE_MS);
    (void)unlock(GH_CAUSE_HOURS);
    now_ms += 1000;
    gh_door_passed(&door, now_ns(), now_ns());
    assert_true(is_unlocked());
}

static void the_green_lamp_of_a_hold_ends_with_it(void **state)
{
    (void)state;
    start(GH_RELAY_HOLD);
    gh_door_signal(&door, gh_reason_info(GH_REASON_OK), true, now_ns());
    now_ms += HOLD_S * 1000 - 1;
    assert_true(lines() & GH_LINE_BIT(GH_LINE_GREEN));
    gh_door_passed(&door, now_ns(), now_ns());
    assert_false(lines() & GH_LINE_BIT(GH_LINE_GREEN));
}

static void toggle_unlocks_and_locks_in_turn(void **state)
{
    (void)state;
    start(GH_RELAY_TOGGLE);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(unlock(GH_CAUSE_DECISION), GH_UNLOCKED);
        assert_false(gh_door_has_locked_again(&door));
        now_ms += PULSE_MS - 1;
        assert_int_equal(unlock(GH_CAUSE_DECISION), GH_UNLOCKED); /* two at once */
        now_ms += 10 * 3600 * 1000;
        assert_true(is_unlocked());
        assert_int_equal(unlock(GH_CAUSE_DECISION), GH_LOCKED_AGAIN);
        assert_true(gh_door_has_locked_again(&door));
        assert_false(is_unlocked());
        now_ms += PULSE_MS - 1;
        assert_int_equal(unlock(GH_CAUSE_DECISION), GH_LOCKED_AGAIN);
        assert_false(is_unlocked());
        now_ms++;
    }
    (void)unlock(GH_CAUSE_EXIT); /* is a pulse */
    assert_unlocked_for(PULSE_MS);
    (void)unlock(GH_CAUSE_DECISION);
    gh_door_lock(&door); /* it could not be driven: the next one unlocks */
    now_ms += PULSE_MS;
    assert_int_equal(unlock(GH_CAUSE_DECISION), GH_UNLOCKED);
}

static void the_other_door_keeps_this_one_locked(void **state)
{
    (void)state;
    for (unsigned cause = 0; cause < GH_CAUSE_COUNT; cause++) {
        bool heeds = (GH_CAUSES_INTERLOCKED & GH_CAUSE_BIT(cause)) != 0;
        start(GH_RELAY_PULSE);
        gh_door_interlock(&door, true, now_ns());
        assert_int_equal(unlock((enum gh_cause)cause), heeds ? GH_UNLOCKED_NOT : GH_UNLOCKED);
        assert_int_equal(is_unlocked(), !heeds);
        start(GH_RELAY_PULSE);
        (void)unlock((enum gh_cause)cause);
        gh_door_interlock(&door, true, now_ns()); /* while it is unlocked */
        assert_int_equal(is_unlocked(), !heeds);
        gh_door_interlock(&door, false, now_ns());
        assert_int_equal(is_unlocked(), !heeds); /* and it stays so */
    }
    start(GH_RELAY_PULSE);
    gh_door_interlock(&door, true, now_ns());
    gh_door_signal(&door, gh_reason_info(GH_REASON_OK), true, now_ns());
    assert_false(is_unlocked());
}

static void this_door_is_told(void **state)
{
    (void)state;
    assert_int_equal(lines(), THIS_DOOR);
    gh_door_claim(&door, true);
    assert_int_equal(lines(), 0); /* before the relay */
    (void)unlock(GH_CAUSE_DECISION);
    gh_door_claim(&door, false);
    assert_int_equal(lines(), RELAY);
    gh_door_set_not_shut(&door, true);
    now_ms += PULSE_MS;
    assert_int_equal(lines(), 0); /* locked, but open */
    gh_door_set_not_shut(&door, false);
    assert_int_equal(lines(), THIS_DOOR);
    door.options.this_door = false;
    assert_int_equal(lines(), 0); /* nobody listens */
}

/* Whatever a door is like without its gate, it does not count as shut and locked. */
static void at_rest_it_is_not_told(void **state)
{
    (void)state;
    struct gh_door_options options = {.pulse_ms = PULSE_MS, .this_door = true};

    assert_int_equal(gh_door_rest_lines(&options) & THIS_DOOR, 0);
    options.fail_safe = true;
    assert_int_equal(gh_door_rest_lines(&options) & THIS_DOOR, 0);
}

static void options_are_for_the_next_one(void **state)
{
    (void)state;
    struct gh_door_options options = {.pulse_ms = 1000, .fail_safe = true, .hold_max_s = 99999};

    (void)unlock(GH_CAUSE_DECISION);
    gh_door_set_options(&door, &options);
    assert_unlocked_for(PULSE_MS);
    (void)unlock(GH_CAUSE_DECISION);
    assert_unlocked_for(1000);
    assert_false(door.options.fail_safe); /* that takes a restart */
    assert_true(door.options.this_door);
    assert_true(door.options.hold_max_s == 3600);
}

/* What held before holds on, however short a pulse comes on top of it. */
static void a_hold_stays_one(void **state)
{
    (void)state;
    struct gh_door_options hold = {
        .relay_mode = GH_RELAY_HOLD, .hold_max_s = 3600, .pulse_ms = 1000};
    struct gh_door_options pulse = {.pulse_ms = 1000, .hold_max_s = 3600};

    gh_door_set_options(&door, &hold);
    (void)unlock(GH_CAUSE_DECISION);
    gh_door_set_options(&door, &pulse);
    (void)unlock(GH_CAUSE_DECISION);
    gh_door_passed(&door, now_ns(), now_ns());
    assert_int_equal(gh_door_causes(&door, now_ns()), 0);
    (void)unlock(GH_CAUSE_DECISION);
    assert_unlocked_for(1000);
}

/* --- random events, and a second way to say what is right --- */

struct model {
    int64_t most_ms[GH_CAUSE_COUNT]; /* left, at most: as time is seen to pass */
    bool pressed[GH_CAUSE_COUNT];
    bool interlocked;
};

static int64_t most_of(enum gh_relay_mode mode, enum gh_cause cause)
{
    if (cause == GH_CAUSE_HOURS || cause == GH_CAUSE_FIRE ||
        (cause == GH_CAUSE_DECISION && mode == GH_RELAY_TOGGLE))
        return INT64_MAX;
    return mode == GH_RELAY_HOLD && cause != GH_CAUSE_TEST ? HOLD_S * 1000 : PULSE_MS;
}

static void do_something(struct model *model, enum gh_relay_mode mode)
{
    enum gh_cause cause = (enum gh_cause)(rand() % GH_CAUSE_COUNT);

    switch (rand() % 8) {
    case 0:
    case 1:
        if (unlock(cause) == GH_UNLOCKED) {
            assert_false(model->interlocked && (GH_CAUSES_INTERLOCKED & GH_CAUSE_BIT(cause)) != 0);
            if (model->most_ms[cause] < most_of(mode, cause))
                model->most_ms[cause] = most_of(mode, cause);
        }
        break;
    case 2:
        gh_door_end(&door, cause, now_ns());
        model->most_ms[cause] = 0;
        model->pressed[cause] = false;
        break;
    case 3:
        cause = rand() % 2 ? GH_CAUSE_EXIT : GH_CAUSE_GUARD;
        model->pressed[cause] = rand() % 2;
        gh_door_press(&door, cause, model->pressed[cause], now_ns());
        break;
    case 4:
        model->interlocked = !model->interlocked;
        gh_door_interlock(&door, model->interlocked, now_ns());
        for (unsigned i = 0; model->interlocked && i < GH_CAUSE_COUNT; i++) {
            if (GH_CAUSES_INTERLOCKED & GH_CAUSE_BIT(i))
                model->most_ms[i] = model->pressed[i] = 0;
        }
        break;
    case 5:
        gh_door_passed(&door, now_ns(), now_ns());
        break;
    case 6:
        gh_door_signal(&door, gh_reason_info((enum gh_reason)(rand() % GH_REASON_COUNT)), false,
                       now_ns());
        gh_door_stand(&door, (enum gh_standing)(rand() % GH_STANDING_COUNT), rand() % 2, now_ns());
        break;
    default:
        break;
    }
}

/* Time goes on, leaps, or goes back; only what is seen to pass counts. */
static void let_time_go(struct model *model)
{
    int64_t ms = rand() % 10 == 0 ? rand() % 40000 : rand() % 500;
    bool back = rand() % 20 == 0;

    now_ms += back ? -(int64_t)(rand() % 1000000) : ms;
    for (int i = 0; i < GH_CAUSE_COUNT; i++) {
        if (!back && model->most_ms[i] != INT64_MAX)
            model->most_ms[i] = model->most_ms[i] > ms ? model->most_ms[i] - ms : 0;
    }
}

static void whatever_happens(void **state)
{
    (void)state;
    for (unsigned seed = 1; seed <= 90; seed++) {
        enum gh_relay_mode mode = (enum gh_relay_mode)(seed % 3);
        struct model model = {0};
        srand(seed);
        start(mode);
        now_ms = 1000000000;
        for (int i = 0; i < 4000; i++) {
            int64_t next_ns;
            do_something(&model, mode);
            let_time_go(&model);
            /* The door hears of the time by this. */
            bool open = (gh_door_lines(&door, now_ns(), &next_ns) & RELAY) != 0;
            unsigned causes = gh_door_causes(&door, now_ns());
            assert_int_equal(open, causes != 0);
            assert_true(next_ns > now_ns());
            for (unsigned c = 0; c < GH_CAUSE_COUNT; c++) {
                bool may = model.most_ms[c] > 0 || model.pressed[c];
                assert_true(may || (causes & GH_CAUSE_BIT(c)) == 0);
            }
            assert_false(model.interlocked && (causes & GH_CAUSES_INTERLOCKED) != 0);
            if (model.most_ms[GH_CAUSE_FIRE] > 0)
                assert_true(open);
            if (open)
                assert_true(gh_door_grant_ms(&door, now_ns()) > 0);
        }
        gh_door_press(&door, GH_CAUSE_EXIT, false, now_ns());
        gh_door_press(&door, GH_CAUSE_GUARD, false, now_ns());
        for (int i = 0; i < GH_CAUSE_COUNT; i++) {
            if (most_of(mode, (enum gh_cause)i) == INT64_MAX)
                gh_door_end(&door, (enum gh_cause)i, now_ns());
        }
        now_ms += HOLD_S * 1000;
        assert_int_equal(lines() & RELAY, 0); /* every cause has ended */
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(everybody_has_a_pulse, setup),
        cmocka_unit_test_setup(one_cause_does_not_end_the_other, setup),
        cmocka_unit_test_setup(a_button_that_is_pressed_on_keeps_it_unlocked, setup),
        cmocka_unit_test_setup(hours_and_fire_last, setup),
        cmocka_unit_test_setup(hold_lasts_until_somebody_has_gone_through, setup),
        cmocka_unit_test_setup(the_green_lamp_of_a_hold_ends_with_it, setup),
        cmocka_unit_test_setup(toggle_unlocks_and_locks_in_turn, setup),
        cmocka_unit_test_setup(the_other_door_keeps_this_one_locked, setup),
        cmocka_unit_test_setup(this_door_is_told, setup),
        cmocka_unit_test_setup(at_rest_it_is_not_told, setup),
        cmocka_unit_test_setup(options_are_for_the_next_one, setup),
        cmocka_unit_test_setup(a_hold_stays_one, setup),
        cmocka_unit_test_setup(whatever_happens, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
