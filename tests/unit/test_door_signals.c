/* SPDX-License-Identifier: Apache-2.0 */
/* door.c: which of several signals is seen and heard. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "gate/door.h"

#define MS GH_NS_PER_MS
#define BUZZER GH_LINE_BIT(GH_LINE_BUZZER)
#define GREEN GH_LINE_BIT(GH_LINE_GREEN)
#define YELLOW GH_LINE_BIT(GH_LINE_YELLOW)
#define RED GH_LINE_BIT(GH_LINE_RED)
#define RELAY GH_LINE_BIT(GH_LINE_RELAY)
#define ALARM_MS 1900 /* ten beeps */
#define ROUND_MS 30000

static struct gh_door door;
static int64_t now_ms;

static int setup(void **state)
{
    (void)state;
    struct gh_door_options options = {.pulse_ms = 3000};
    gh_door_init(&door, &options);
    now_ms = 100000;
    return 0;
}

static unsigned lines(void)
{
    int64_t next_ns;
    return gh_door_lines(&door, now_ms * MS, &next_ns);
}

/* All that is lit or sounds within so many ms from now on. */
static unsigned within(int64_t ms)
{
    unsigned all = 0;
    for (int64_t end_ms = now_ms + ms; now_ms < end_ms; now_ms++)
        all |= lines();
    return all & ~RELAY;
}

static bool show(enum gh_reason reason)
{
    return gh_door_signal(&door, gh_reason_info(reason), reason == GH_REASON_OK, now_ms * MS);
}

static void stand(enum gh_standing standing, bool on)
{
    gh_door_stand(&door, standing, on, now_ms * MS);
}

static void each_has_the_row_of_its_name(void **state)
{
    (void)state;
    static const struct {
        enum gh_standing standing;
        enum gh_reason reason;
        unsigned lines;
    } rows[] = {
        {GH_STANDING_HELD, GH_REASON_DOOR_HELD, YELLOW | BUZZER},
        {GH_STANDING_FORCED, GH_REASON_DOOR_FORCED, RED | BUZZER},
        {GH_STANDING_TAMPER, GH_REASON_TAMPER, RED | BUZZER},
        {GH_STANDING_FIRE, GH_REASON_FIRE, GREEN | BUZZER},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_int_equal(gh_standing_reason(rows[i].standing), rows[i].reason);
        assert_int_equal(gh_door_top_standing(&door), GH_STANDING_COUNT);
        stand(rows[i].standing, true);
        assert_int_equal(gh_door_top_standing(&door), rows[i].standing);
        assert_int_equal(within(2000), rows[i].lines);
        stand(rows[i].standing, false);
        assert_int_equal(within(2000), 0);
    }
}

static void what_stands_is_heard_again(void **state)
{
    (void)state;
    stand(GH_STANDING_FORCED, true);
    for (int i = 0; i < 200; i++) {
        assert_int_equal(within(ALARM_MS), RED | BUZZER);
        assert_int_equal(within(ROUND_MS - ALARM_MS), RED);
    }
    stand(GH_STANDING_FORCED, true); /* it stands already: its round goes on */
    assert_int_equal(within(100), RED | BUZZER);
    assert_int_equal(within(99), RED);
    stand(GH_STANDING_FORCED, false);
    assert_int_equal(within(ROUND_MS), 0);
}

static void the_more_urgent_is_seen(void **state)
{
    (void)state;
    stand(GH_STANDING_HELD, true);
    stand(GH_STANDING_FIRE, true);
    stand(GH_STANDING_TAMPER, true);
    assert_int_equal(gh_door_top_standing(&door), GH_STANDING_FIRE);
    assert_int_equal(within(3 * ROUND_MS), GREEN | BUZZER);
    stand(GH_STANDING_FIRE, false);
    assert_int_equal(within(250), RED | (lines() & BUZZER));
    stand(GH_STANDING_TAMPER, false);
    assert_int_equal(within(ROUND_MS), YELLOW | BUZZER);
}

static void nothing_comes_before_a_fire(void **state)
{
    (void)state;
    stand(GH_STANDING_FIRE, true);
    assert_false(show(GH_REASON_OK));
    assert_false(show(GH_REASON_RED));
    assert_int_equal(within(ROUND_MS), GREEN | BUZZER);
    gh_door_silence(&door, now_ms * MS);
    assert_int_equal(within(ROUND_MS), GREEN | BUZZER);
}

/* A gate that is forced still tells people what becomes of them, once its sound is over. */
static void people_are_told_between_the_alarms(void **state)
{
    (void)state;
    static const enum gh_standing standings[] = {GH_STANDING_FORCED, GH_STANDING_TAMPER};
    for (int i = 0; i < 2; i++) {
        setup(NULL);
        stand(standings[i], true);
        assert_false(show(GH_REASON_OK)); /* unlocked all the same */
        assert_true(lines() & RELAY);
        assert_int_equal(within(ALARM_MS), RED | BUZZER);
        assert_int_equal(within(3000 - ALARM_MS), GREEN);
        assert_int_equal(within(2000), RED);
        assert_true(show(GH_REASON_OK));
        assert_int_equal(within(150), GREEN | BUZZER);
        assert_int_equal(within(2850), GREEN);
        assert_int_equal(within(1000), RED);
    }
}

static void a_door_that_stands_open_gives_way_to_people(void **state)
{
    (void)state;
    stand(GH_STANDING_HELD, true);
    now_ms += 10;
    assert_true(show(GH_REASON_FORGED));
    assert_int_equal(within(800), RED | BUZZER);
    assert_int_equal(within(3200), RED);
    assert_int_equal(within(1000), YELLOW);
}

static void the_last_one_of_people_is_seen(void **state)
{
    (void)state;
    assert_true(show(GH_REASON_YELLOW));
    now_ms += 10;
    assert_true(show(GH_REASON_RED)); /* whoever stands there now */
    assert_int_equal(within(300), RED | BUZZER);
}

/* But the guard is called to the end. */
static void a_wait_comes_after_the_call(void **state)
{
    (void)state;
    assert_true(show(GH_REASON_YELLOW));
    now_ms += 500;
    assert_false(show(GH_REASON_WAIT_HOUSING));
    assert_true(lines() & YELLOW);
    int64_t start_ms = now_ms;
    while (now_ms < start_ms + 500)
        assert_true(within(1) & YELLOW); /* steadily */
    assert_int_equal(within(40), YELLOW | BUZZER);
    assert_int_equal(within(210), YELLOW);
    assert_int_equal(within(250), 0); /* blinks */
    assert_true(show(GH_REASON_WAIT_HEALTH));
    assert_true(show(GH_REASON_YELLOW));
    assert_false(show(GH_REASON_WAIT_HEALTH));
    assert_true(show(GH_REASON_OK)); /* in place of both */
    assert_int_equal(within(3000), GREEN | BUZZER);
    assert_int_equal(within(60000), 0);
}

static void the_guard_switches_the_call_off(void **state)
{
    (void)state;
    (void)show(GH_REASON_YELLOW);
    stand(GH_STANDING_HELD, true);
    stand(GH_STANDING_FORCED, true);
    gh_door_silence(&door, now_ms * MS);
    assert_int_equal(within(2 * ROUND_MS), 0);
    assert_int_equal(gh_door_top_standing(&door), GH_STANDING_COUNT);
    stand(GH_STANDING_FORCED, true); /* still the same one */
    assert_int_equal(within(1000), 0);
    stand(GH_STANDING_FORCED, false);
    stand(GH_STANDING_FORCED, true);
    assert_int_equal(within(1000), RED | BUZZER);
    stand(GH_STANDING_FORCED, false);
    (void)show(GH_REASON_FORGED); /* calls nobody */
    gh_door_silence(&door, now_ms * MS);
    assert_int_equal(within(1000), RED | BUZZER);
    stand(GH_STANDING_TAMPER, true);
    gh_door_silence(&door, now_ms * MS);
    assert_int_equal(within(1000), RED | BUZZER);
}

static void a_test_blinks_over_everything(void **state)
{
    (void)state;
    static const enum gh_line no[] = {GH_LINE_RELAY, GH_LINE_THIS_DOOR, GH_LINE_COUNT};
    static const enum gh_line yes[] = {GH_LINE_BUZZER, GH_LINE_GREEN, GH_LINE_YELLOW, GH_LINE_RED};

    for (int i = 0; i < 3; i++)
        assert_int_equal(gh_door_blink(&door, no[i], now_ms * MS), GH_ERR_INVALID);
    stand(GH_STANDING_FIRE, true);
    now_ms += 5000;
    for (int i = 0; i < 4; i++) {
        unsigned bit = GH_LINE_BIT(yes[i]);
        assert_int_equal(gh_door_blink(&door, yes[i], now_ms * MS), GH_OK);
        for (int blink = 0; blink < 3; blink++) {
            assert_int_equal(within(300) & bit, bit);
            if (blink < 2)
                assert_int_equal(within(300) & bit, 0);
        }
        now_ms += 1000;
        assert_int_equal(lines(), GREEN);
    }
}

/* What it says is when it changes next. */
static void next_is_exact_whatever_stands(void **state)
{
    (void)state;
    for (unsigned seed = 1; seed <= 40; seed++) {
        srand(seed);
        setup(NULL);
        int64_t promised_ns = INT64_MAX;
        unsigned before = lines();
        for (int i = 0; i < 40000; i++, now_ms++) {
            bool moved = rand() % 700 == 0;
            int64_t next_ns;
            if (moved && rand() % 2)
                stand((enum gh_standing)(rand() % GH_STANDING_COUNT), rand() % 2);
            else if (moved && rand() % 5)
                (void)show((enum gh_reason)(rand() % GH_REASON_COUNT));
            else if (moved && rand() % 2)
                gh_door_silence(&door, now_ms * MS);
            else if (moved)
                assert_int_equal(gh_door_blink(&door, GH_LINE_RED, now_ms * MS), GH_OK);
            unsigned now = gh_door_lines(&door, now_ms * MS, &next_ns);
            if (!moved)
                assert_int_equal(now != before, now_ms * MS == promised_ns);
            assert_true(next_ns > now_ms * MS);
            before = now;
            promised_ns = next_ns;
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(each_has_the_row_of_its_name, setup),
        cmocka_unit_test_setup(what_stands_is_heard_again, setup),
        cmocka_unit_test_setup(the_more_urgent_is_seen, setup),
        cmocka_unit_test_setup(nothing_comes_before_a_fire, setup),
        cmocka_unit_test_setup(people_are_told_between_the_alarms, setup),
        cmocka_unit_test_setup(a_door_that_stands_open_gives_way_to_people, setup),
        cmocka_unit_test_setup(the_last_one_of_people_is_seen, setup),
        cmocka_unit_test_setup(a_wait_comes_after_the_call, setup),
        cmocka_unit_test_setup(the_guard_switches_the_call_off, setup),
        cmocka_unit_test_setup(a_test_blinks_over_everything, setup),
        cmocka_unit_test_setup(next_is_exact_whatever_stands, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
