/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "gate/door.h"
#include "gatehouse/bytes.h"

#define MS GH_NS_PER_MS
#define T0 (1000 * GH_NS_PER_S)

#define RELAY GH_LINE_BIT(GH_LINE_RELAY)
#define BUZZER GH_LINE_BIT(GH_LINE_BUZZER)
#define GREEN GH_LINE_BIT(GH_LINE_GREEN)
#define YELLOW GH_LINE_BIT(GH_LINE_YELLOW)
#define RED GH_LINE_BIT(GH_LINE_RED)

static struct gh_door new_door(int64_t pulse_ms, bool fail_safe)
{
    struct gh_door door;
    struct gh_door_options options = {.pulse_ms = pulse_ms, .fail_safe = fail_safe};
    gh_door_init(&door, &options);
    return door;
}

static const struct gh_reason_info *of(enum gh_reason reason)
{
    return gh_reason_info(reason);
}

static unsigned lines_at(struct gh_door *door, int64_t ms)
{
    int64_t next_ns;
    return gh_door_lines(door, T0 + ms * MS, &next_ns);
}

static void names_are_those_of_the_configuration(void **state)
{
    (void)state;
    assert_string_equal(gh_line_name(GH_LINE_RELAY), "relay");
    assert_string_equal(gh_line_name(GH_LINE_BUZZER), "buzzer");
    assert_string_equal(gh_line_name(GH_LINE_GREEN), "lamp_green");
    assert_string_equal(gh_line_name(GH_LINE_YELLOW), "lamp_yellow");
    assert_string_equal(gh_line_name(GH_LINE_RED), "lamp_red");
    assert_non_null(gh_line_name((enum gh_line)99));
}

static void a_new_door_rests(void **state)
{
    (void)state;
    for (int fail_safe = 0; fail_safe < 2; fail_safe++) {
        struct gh_door door = new_door(3000, fail_safe);
        int64_t next_ns = 0;
        assert_int_equal(gh_door_lines(&door, T0, &next_ns), fail_safe ? RELAY : 0);
        assert_int_equal(gh_door_lines(&door, T0, &next_ns), gh_door_rest_lines(&door.options));
        assert_true(next_ns == INT64_MAX);
    }
}

/* The run of a line: the milliseconds at which it changed, beginning inactive at 0. */
static void assert_changes(struct gh_door door, unsigned bit, int64_t until_ms,
                           const int64_t *changes, size_t count)
{
    bool on = false;
    size_t seen = 0;
    for (int64_t ms = 0; ms < until_ms; ms++) {
        bool now = (lines_at(&door, ms) & bit) != 0;
        if (now != on) {
            assert_true(seen < count);
            assert_int_equal(ms, changes[seen]);
            seen++;
            on = now;
        }
    }
    assert_int_equal(seen, count);
}

#define ASSERT_CHANGES(door, bit, until_ms, ...)                                                   \
    do {                                                                                           \
        static const int64_t changes[] = {__VA_ARGS__};                                            \
        assert_changes(door, bit, until_ms, changes, GH_ARRAY_SIZE(changes));                      \
    } while (0)

static void welcome_unlocks_for_the_pulse_with_green_and_one_beep(void **state)
{
    (void)state;
    struct gh_door door = new_door(3000, false);
    gh_door_signal(&door, of(GH_REASON_OK), true, T0);
    ASSERT_CHANGES(door, RELAY, 70000, 0, 3000);
    ASSERT_CHANGES(door, GREEN, 70000, 0, 3000);
    ASSERT_CHANGES(door, BUZZER, 70000, 0, 150);
    assert_changes(door, YELLOW | RED, 70000, NULL, 0);
}

static void without_unlock_the_relay_rests_whatever_the_reason(void **state)
{
    (void)state;
    for (int fail_safe = 0; fail_safe < 2; fail_safe++) {
        for (unsigned reason = 0; reason < GH_REASON_COUNT; reason++) {
            struct gh_door door = new_door(3000, fail_safe);
            gh_door_signal(&door, of((enum gh_reason)reason), false, T0);
            for (int64_t ms = 0; ms < 70000; ms += 10) {
                assert_int_equal(lines_at(&door, ms) & RELAY, fail_safe ? RELAY : 0);
            }
        }
    }
}

static void each_signal_has_its_lamp_and_sound(void **state)
{
    (void)state;
    struct gh_door door = new_door(3000, false);

    gh_door_signal(&door, of(GH_REASON_YELLOW), false, T0);
    ASSERT_CHANGES(door, YELLOW, 70000, 0, 4000);
    ASSERT_CHANGES(door, BUZZER, 70000, 0, 200, 400, 600, 800, 1000);
    assert_changes(door, GREEN | RED | RELAY, 70000, NULL, 0);

    door = new_door(3000, false);
    gh_door_signal(&door, of(GH_REASON_FORGED), false, T0);
    ASSERT_CHANGES(door, RED, 70000, 0, 4000);
    ASSERT_CHANGES(door, BUZZER, 70000, 0, 800);

    door = new_door(3000, false);
    gh_door_signal(&door, of(GH_REASON_RED), false, T0);
    ASSERT_CHANGES(door, RED, 70000, 0, 250, 500, 750, 1000, 1250, 1500, 1750, 2000, 2250, 2500,
                   2750, 3000, 3250, 3500, 3750);
    ASSERT_CHANGES(door, BUZZER, 70000, 0, 100, 200, 300, 400, 500, 600, 700, 800, 900, 1000, 1100,
                   1200, 1300, 1400, 1500, 1600, 1700, 1800, 1900);
}

static void waiting_blinks_for_a_minute_at_most(void **state)
{
    (void)state;
    struct gh_door door = new_door(3000, false);
    gh_door_signal(&door, of(GH_REASON_WAIT_HOUSING), false, T0);
    ASSERT_CHANGES(door, BUZZER, 70000, 0, 40);
    unsigned changes = 0;
    bool on = false;
    for (int64_t ms = 0; ms < 70000; ms++) {
        bool now = (lines_at(&door, ms) & YELLOW) != 0;
        assert_int_equal(now, ms < 60000 && ms / 250 % 2 == 0);
        changes += now != on;
        on = now;
    }
    assert_int_equal(changes, 240);
}

static void a_later_signal_takes_the_place_of_the_one_before(void **state)
{
    (void)state;
    struct gh_door door = new_door(3000, false);
    gh_door_signal(&door, of(GH_REASON_WAIT_HEALTH), false, T0);
    assert_int_equal(lines_at(&door, 100), YELLOW);
    gh_door_signal(&door, of(GH_REASON_EXPIRED), false, T0 + 100 * MS);
    assert_int_equal(lines_at(&door, 100), RED | BUZZER);
    assert_int_equal(lines_at(&door, 899), RED | BUZZER);
    assert_int_equal(lines_at(&door, 900), RED);
    assert_int_equal(lines_at(&door, 4099), RED);
    assert_int_equal(lines_at(&door, 4100), 0);
}

static void refusing_the_next_person_does_not_lock_out_the_one_before(void **state)
{
    (void)state;
    struct gh_door door = new_door(3000, false);
    gh_door_signal(&door, of(GH_REASON_OK), true, T0);
    gh_door_signal(&door, of(GH_REASON_RED), false, T0 + 1000 * MS);
    assert_int_equal(lines_at(&door, 1000), RELAY | RED | BUZZER);
    assert_int_equal(lines_at(&door, 2999), RELAY); /* between blinks and beeps */
    assert_int_equal(lines_at(&door, 3000) & RELAY, 0);
    assert_int_equal(lines_at(&door, 4999) & (RED | RELAY), 0);
}

static void a_second_unlock_begins_the_pulse_anew(void **state)
{
    (void)state;
    struct gh_door door = new_door(3000, false);
    gh_door_signal(&door, of(GH_REASON_OK), true, T0);
    gh_door_signal(&door, of(GH_REASON_OK), true, T0 + 2000 * MS);
    assert_int_equal(lines_at(&door, 2000), RELAY | GREEN | BUZZER);
    assert_int_equal(lines_at(&door, 4999), RELAY | GREEN);
    assert_int_equal(lines_at(&door, 5000), 0);
}

static void fail_safe_turns_the_relay_round_and_nothing_else(void **state)
{
    (void)state;
    struct gh_door secure = new_door(1000, false);
    struct gh_door safe = new_door(1000, true);
    gh_door_signal(&secure, of(GH_REASON_OK), true, T0);
    gh_door_signal(&safe, of(GH_REASON_OK), true, T0);
    for (int64_t ms = 0; ms < 2000; ms++) {
        assert_int_equal(lines_at(&secure, ms) ^ RELAY, lines_at(&safe, ms));
    }
    assert_int_equal(lines_at(&safe, 2000), RELAY);
}

static void a_pulse_out_of_bounds_is_brought_back(void **state)
{
    (void)state;
    struct gh_door door = new_door(0, false);
    gh_door_signal(&door, of(GH_REASON_OK), true, T0);
    assert_int_equal(lines_at(&door, 99) & RELAY, RELAY);
    assert_int_equal(lines_at(&door, 100) & RELAY, 0);

    door = new_door(INT64_MAX, false);
    gh_door_signal(&door, of(GH_REASON_OK), true, T0);
    assert_int_equal(lines_at(&door, 59999) & RELAY, RELAY);
    assert_int_equal(lines_at(&door, 60000) & RELAY, 0);
}

static void a_lamp_and_a_sound_that_do_not_exist_are_dark_and_silent(void **state)
{
    (void)state;
    struct gh_reason_info info = {.token = "x",
                                  .outcome = GH_OUTCOME_DENY,
                                  .lamp = (enum gh_lamp)77,
                                  .sound = (enum gh_sound)77};
    struct gh_door door = new_door(3000, false);
    gh_door_signal(&door, &info, false, T0);
    assert_int_equal(lines_at(&door, 1), 0);
}

/* --- properties, over random days at the door --- */

static uint64_t dice;

static uint32_t roll(uint32_t sides)
{
    dice = dice * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(dice >> 33) % sides;
}

static bool unlocked(const struct gh_door *door, unsigned lines)
{
    return ((lines & RELAY) != 0) != door->options.fail_safe;
}

static void random_signal(struct gh_door *door, int64_t at_ns, int64_t *last_unlock_ns)
{
    bool unlock = roll(3) == 0;
    enum gh_reason reason = unlock ? GH_REASON_OK : (enum gh_reason)(1 + roll(GH_REASON_COUNT - 1));
    gh_door_signal(door, of(reason), unlock, at_ns);
    if (unlock) {
        *last_unlock_ns = at_ns;
    }
}

/* Never unlocked without an unlock, and exactly for pulse_ms after the last one; what next_ns says
 * is neither early (nothing changed) nor late (something changed before). */
static void every_millisecond_of_a_day_keeps_the_promises(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 60; seed++) {
        dice = seed;
        int64_t pulse_ms = 100 + roll(6000);
        struct gh_door door = new_door(pulse_ms, roll(2));
        int64_t last_unlock_ns = INT64_MIN;
        int64_t promised_ns = INT64_MAX;
        unsigned before = gh_door_rest_lines(&door.options);
        for (int64_t ms = 0; ms < 30000; ms++) {
            int64_t now_ns = T0 + ms * MS;
            bool signalled = roll(1500) == 0;
            if (signalled) {
                random_signal(&door, now_ns, &last_unlock_ns);
            }
            int64_t next_ns = 0;
            unsigned lines = gh_door_lines(&door, now_ns, &next_ns);
            bool open = last_unlock_ns != INT64_MIN && now_ns - last_unlock_ns < pulse_ms * MS;
            assert_int_equal(unlocked(&door, lines), open);
            if (!signalled) {
                assert_int_equal(lines != before, now_ns == promised_ns);
                if (lines == before) {
                    assert_true(next_ns == promised_ns);
                }
            }
            assert_true(next_ns > now_ns);
            before = lines;
            promised_ns = next_ns;
        }
    }
}

/* A nanosecond before and at next_ns: it changes then and not before, also between milliseconds. */
static void next_is_exact_to_the_nanosecond(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 2 * GH_REASON_COUNT; i++) {
        struct gh_door door = new_door(600, false); /* ends in the middle of a blink */
        int64_t now_ns = T0 + 123457;
        gh_door_signal(&door, of((enum gh_reason)(i / 2)), i % 2 == 0, now_ns);
        int64_t next_ns;
        unsigned steps = 0;
        unsigned lines = gh_door_lines(&door, now_ns, &next_ns);
        while (next_ns != INT64_MAX) {
            int64_t same_ns;
            assert_int_equal(gh_door_lines(&door, next_ns - 1, &same_ns), lines);
            assert_true(same_ns == next_ns);
            now_ns = next_ns;
            unsigned changed = gh_door_lines(&door, now_ns, &next_ns);
            assert_int_not_equal(changed, lines);
            lines = changed;
            assert_true(++steps < 1000);
        }
        assert_int_equal(lines, 0);
        assert_true(steps >= 2);
    }
}

/* The clock goes where it likes; what counts is the time that is seen to pass. A step back hides
 * the tick before it. */
static void time_that_goes_back_never_keeps_the_door_open_longer(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 200; seed++) {
        dice = seed;
        struct gh_door door = new_door(2000, roll(2));
        int64_t clock_ns = T0;
        gh_door_signal(&door, of(GH_REASON_OK), true, clock_ns);
        int64_t open_ms = 0;
        int64_t hidden_ms = 0;
        for (int64_t ms = 0; ms < 6000; ms++) {
            int64_t next_ns;
            if (roll(50) == 0) {
                clock_ns -= (int64_t)(1 + roll(100000)) * MS;
                hidden_ms += open_ms <= 2000 + hidden_ms;
            }
            bool open = unlocked(&door, gh_door_lines(&door, clock_ns, &next_ns));
            open_ms += open;
            clock_ns += MS;
        }
        assert_true(open_ms <= 2000 + hidden_ms);
        assert_true(open_ms >= 2000); /* and nobody is shut out by it */
        assert_int_equal(lines_at(&door, (clock_ns - T0) / MS), gh_door_rest_lines(&door.options));
    }
}

static void a_moment_old_time_after_an_unlock_does_no_harm(void **state)
{
    (void)state;
    struct gh_door door = new_door(1000, false);
    gh_door_signal(&door, of(GH_REASON_OK), true, T0);
    int64_t next_ns;
    assert_int_equal(gh_door_lines(&door, T0 - 20000, &next_ns), RELAY | GREEN | BUZZER);
    assert_int_equal(gh_door_lines(&door, T0 + 999 * MS, &next_ns), RELAY | GREEN);
    assert_int_equal(gh_door_lines(&door, T0 + 1000 * MS, &next_ns), 0);
}

static void the_ends_of_time_are_no_trouble(void **state)
{
    (void)state;
    struct gh_door door = new_door(1000, false);
    int64_t next_ns;
    gh_door_signal(&door, of(GH_REASON_OK), true, INT64_MAX - 5);
    assert_int_equal(gh_door_lines(&door, INT64_MAX - 2, &next_ns) & RELAY, RELAY);
    assert_int_equal(gh_door_lines(&door, INT64_MIN + 7, &next_ns) & BUZZER, BUZZER);
    gh_door_signal(&door, of(GH_REASON_RED), false, 0);
    assert_int_equal(gh_door_lines(&door, 0, &next_ns), RED | BUZZER);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_those_of_the_configuration),
        cmocka_unit_test(a_new_door_rests),
        cmocka_unit_test(welcome_unlocks_for_the_pulse_with_green_and_one_beep),
        cmocka_unit_test(without_unlock_the_relay_rests_whatever_the_reason),
        cmocka_unit_test(each_signal_has_its_lamp_and_sound),
        cmocka_unit_test(waiting_blinks_for_a_minute_at_most),
        cmocka_unit_test(a_later_signal_takes_the_place_of_the_one_before),
        cmocka_unit_test(refusing_the_next_person_does_not_lock_out_the_one_before),
        cmocka_unit_test(a_second_unlock_begins_the_pulse_anew),
        cmocka_unit_test(fail_safe_turns_the_relay_round_and_nothing_else),
        cmocka_unit_test(a_pulse_out_of_bounds_is_brought_back),
        cmocka_unit_test(a_lamp_and_a_sound_that_do_not_exist_are_dark_and_silent),
        cmocka_unit_test(every_millisecond_of_a_day_keeps_the_promises),
        cmocka_unit_test(next_is_exact_to_the_nanosecond),
        cmocka_unit_test(time_that_goes_back_never_keeps_the_door_open_longer),
        cmocka_unit_test(a_moment_old_time_after_an_unlock_does_no_harm),
        cmocka_unit_test(the_ends_of_time_are_no_trouble),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
