/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>
#include <unistd.h>

#include "fakes/gate_rig.h"
#include "gatehouse/file.h"

static struct rig rig;

static int setup(void **state)
{
    (void)state;
    rig_init(&rig);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    rig_destroy(&rig);
    return 0;
}

static bool lit(enum gh_line line)
{
    return gh_fake_door_is_active(&rig.door, line);
}

/* --- one passage --- */

static void test_opens(void **state)
{
    (void)state;

    rig_start_with_list(&rig);
    assert_int_equal(rig.trusts, 1);
    assert_non_null(rig.trust);
    rig_pass_ms(&rig, 1000);
    unsigned kicks = rig.kicks;
    rig_show(&rig, rig.anna);
    rig_pass_ms(&rig, 700);
    assert_int_equal(rig_count_entries(&rig), 1); /* waiting is no decision */
    assert_false(rig_is_open(&rig));
    rig_show(&rig, rig.home1);
    assert_true(rig_is_open(&rig));
    assert_true(lit(GH_LINE_GREEN));
    assert_int_equal(rig.kicks, kicks + 1);

    rig_assert_last(&rig, 2, GH_REASON_OK);
    const struct gh_entry *entry = rig_last_entry(&rig);
    assert_true(entry->gate == FIXTURE_GATE);
    assert_true(entry->wall_ms == FIXTURE_NOW_S * 1000 + 1700);
    assert_true(entry->clock_trusted);
    assert_int_equal(entry->kind, GH_KIND_HEALTH);
    assert_int_equal(entry->colour, GH_COLOUR_GREEN);
    assert_true(entry->subject == ANNA && entry->home == HOME_1);
    assert_true(entry->health_code == CODE_ID(ANNA));
    assert_true(entry->housing_code == CODE_ID(HOME_1));
    assert_true(entry->generation == 5);

    rig_pass_ms(&rig, 2999);
    assert_true(rig_is_open(&rig));
    rig_pass_ms(&rig, 1);
    assert_false(rig_is_open(&rig));
    rig_pass_ms(&rig, 60000); /* and it comes to rest */
    assert_int_equal(rig.door.active, 0);
    int64_t pause_ns = gh_gate_tick(rig.gate) - gh_clock_monotonic_ns(rig.options.clock);
    assert_in_range(pause_ns, GH_NS_PER_S, 10 * GH_NS_PER_S); /* but for a look at the clock */
    assert_int_equal(rig_count_entries(&rig), 2);
    assert_int_equal(rig_count_openings(&rig), 1);
}

static void test_same_code_again(void **state)
{
    (void)state;

    rig_start_with_list(&rig);
    for (int frame = 0; frame < 100; frame++) {
        rig_show(&rig, rig.anna);
        rig_show(&rig, rig.home1);
        rig_pass_ms(&rig, 33);
    }
    rig_assert_last(&rig, 2, GH_REASON_OK);
    rig_pass_ms(&rig, 3000);
    rig_show(&rig, rig.home1); /* out of sight for long enough */
    rig_show(&rig, rig.anna);
    rig_assert_last(&rig, 3, GH_REASON_OK);
    assert_int_equal(rig_count_openings(&rig), 2);
}

static void test_timeouts(void **state)
{
    (void)state;

    rig.fixture.manifest.policy.passage_timeout_ms = 7777; /* no lamp blinks just then */
    rig_start_with_list(&rig);
    rig_show(&rig, rig.anna);
    rig_pass_ms(&rig, 7776);
    assert_int_equal(rig_count_entries(&rig), 1);
    rig_pass_ms(&rig, 1111); /* it says itself when to call */
    rig_assert_last(&rig, 2, GH_REASON_HOUSING_MISSING);
    assert_true(rig_last_entry(&rig)->wall_ms == FIXTURE_NOW_S * 1000 + 7777);
    rig_pass_ms(&rig, 10000);
    rig_show(&rig, rig.home2);
    /* Somebody sets the clock: what is waited for is not. */
    gh_fake_clock_set_wall_s(&rig.fixture.clock, FIXTURE_NOW_S + 1000);
    rig_pass_ms(&rig, 7776);
    assert_int_equal(rig_last_entry(&rig)->type, GH_ENTRY_CLOCK);
    assert_int_equal(rig.entries.count, 3);
    rig_pass_ms(&rig, 1);
    rig_assert_last(&rig, 4, GH_REASON_HEALTH_MISSING);
    assert_true(rig_last_entry(&rig)->home == HOME_2);
    assert_int_equal(rig_count_openings(&rig), 0);
}

static void show_health(gh_id subject, enum gh_colour colour)
{
    struct gh_claims claims = fixture_claims(&rig.fixture, GH_KIND_HEALTH, subject, colour);
    char text[FIXTURE_CODE_BYTES];

    fixture_write(rig.fixture.issuer_key, &claims, text);
    rig_show(&rig, text);
    rig_pass_ms(&rig, 4000); /* out of sight again */
}

static void test_guard_and_deny(void **state)
{
    (void)state;
    size_t count = 1;

    rig_start_with_list(&rig);
    show_health(RITA, GH_COLOUR_GREEN); /* red on the list */
    rig_assert_last(&rig, ++count, GH_REASON_RED);
    assert_int_equal(rig_last_entry(&rig)->colour, GH_COLOUR_RED);
    assert_true(rig_last_entry(&rig)->subject == RITA);
    show_health(ANNA, GH_COLOUR_RED); /* red on the code */
    rig_assert_last(&rig, ++count, GH_REASON_RED);
    show_health(YORK, GH_COLOUR_GREEN);
    rig_assert_last(&rig, ++count, GH_REASON_YELLOW);
    show_health(DORA, GH_COLOUR_YELLOW);
    rig_assert_last(&rig, ++count, GH_REASON_YELLOW);
    show_health(STRANGER, GH_COLOUR_GREEN);
    rig_assert_last(&rig, ++count, GH_REASON_SUBJECT_UNKNOWN);
    show_health(HUGO, GH_COLOUR_GREEN);
    rig_assert_last(&rig, ++count, GH_REASON_NO_HOME);
    rig_show(&rig, rig.anna);
    rig_pass_ms(&rig, 100);
    rig_show(&rig, rig.home2);
    rig_pass_ms(&rig, 3000); /* there might have been another card */
    rig_assert_last(&rig, ++count, GH_REASON_NOT_MEMBER);
    assert_true(rig_last_entry(&rig)->home == HOME_2);
    assert_int_equal(rig_count_openings(&rig), 0);
}

static void test_lamps(void **state)
{
    (void)state;

    rig_start_with_list(&rig);
    show_health(RITA, GH_COLOUR_GREEN);
    bool red = false, buzzed = false;
    for (size_t i = 0; i < rig.door.count; i++) {
        red = red || (rig.door.sets[i].active & GH_LINE_BIT(GH_LINE_RED));
        buzzed = buzzed || (rig.door.sets[i].active & GH_LINE_BIT(GH_LINE_BUZZER));
        assert_false(rig.door.sets[i].active & GH_LINE_BIT(GH_LINE_GREEN));
    }
    assert_true(red && buzzed);
    rig_pass_ms(&rig, 60000);
    rig_show(&rig, rig.anna); /* waiting: says so at once, without an entry */
    assert_true(lit(GH_LINE_YELLOW));
    rig_show(&rig, rig.home1);
    assert_true(lit(GH_LINE_GREEN));
    assert_false(lit(GH_LINE_YELLOW));
}

/* --- codes that open nothing --- */

static void test_bad_codes(void **state)
{
    (void)state;
    char text[FIXTURE_CODE_BYTES];
    size_t count = 1;

    rig_start_with_list(&rig);
    rig_show(&rig, "hello");
    rig_assert_last(&rig, ++count, GH_REASON_NOT_A_CODE);
    strcpy(text, rig.anna);
    text[strlen(text) / 2] = text[strlen(text) / 2] == 'A' ? 'B' : 'A';
    rig_show(&rig, text);
    assert_int_equal(rig_last_entry(&rig)->outcome, GH_OUTCOME_DENY);
    assert_int_equal(rig.entries.count, ++count);
    assert_true(rig_last_entry(&rig)->subject == 0); /* nobody's word for it */
    assert_true(rig_last_entry(&rig)->health_code == 0);

    struct gh_claims claims = fixture_claims(&rig.fixture, GH_KIND_HEALTH, ANNA, GH_COLOUR_GREEN);
    fixture_write(rig.fixture.stranger_key, &claims, text);
    rig_show(&rig, text);
    rig_assert_last(&rig, ++count, GH_REASON_FOREIGN);
    assert_true(rig_last_entry(&rig)->subject == 0);
    claims.expires_at_s = FIXTURE_NOW_S;
    fixture_write(rig.fixture.issuer_key, &claims, text);
    rig_show(&rig, text);
    rig_assert_last(&rig, ++count, GH_REASON_EXPIRED);
    assert_true(rig_last_entry(&rig)->subject == ANNA); /* a true code, of old */
    rig_show(&rig, rig.home1);                          /* and a card does not make up for it */
    rig_pass_ms(&rig, 20000);
    assert_int_equal(rig_count_openings(&rig), 0);
}

static void test_kinds_without_a_rule(void **state)
{
    (void)state;
    static const enum gh_kind kinds[] = {GH_KIND_VISITOR, GH_KIND_STAFF};
    char text[FIXTURE_CODE_BYTES];

    rig_start_with_list(&rig);
    for (size_t i = 0; i < GH_ARRAY_SIZE(kinds); i++) {
        struct gh_claims claims = fixture_claims(&rig.fixture, kinds[i], ANNA, GH_COLOUR_NONE);
        fixture_write(rig.fixture.issuer_key, &claims, text);
        rig_show(&rig, text);
        rig_assert_last(&rig, 2 + i, GH_REASON_UNSUPPORTED);
        assert_int_equal(rig_last_entry(&rig)->kind, kinds[i]);
    }
    assert_int_equal(rig_count_openings(&rig), 0);
}

/* A code that ran out between the one and the other. */
static void test_expires_while_waiting(void **state)
{
    (void)state;
    struct gh_claims claims = fixture_claims(&rig.fixture, GH_KIND_HEALTH, ANNA, GH_COLOUR_GREEN);
    char text[FIXTURE_CODE_BYTES];

    rig_start_with_list(&rig);
    claims.expires_at_s = FIXTURE_NOW_S + 2;
    fixture_write(rig.fixture.issuer_key, &claims, text);
    rig_show(&rig, text);
    rig_pass_ms(&rig, 2000);
    rig_show(&rig, rig.home1);
    rig_pass_ms(&rig, 20000);
    rig_assert_last(&rig, 2, GH_REASON_EXPIRED);
    assert_int_equal(rig_count_openings(&rig), 0);
}

/* --- sightings that come late --- */

static void show_captured(const char *text, int64_t captured_ns)
{
    struct gh_sighting sighting;

    gh_see_read((struct gh_bytes){(const uint8_t *)text, strlen(text)}, rig.trust,
                gh_clock_wall_s(rig.options.clock), captured_ns, &sighting);
    gh_gate_sighting(rig.gate, &sighting);
}

/* The disk stalled: whoever it was may have left, and the door would open for somebody else. */
static void test_old_sighting(void **state)
{
    (void)state;

    rig_start_with_list(&rig);
    int64_t seen_ns = gh_clock_monotonic_ns(rig.options.clock);
    gh_fake_clock_advance_ms(&rig.fixture.clock, 10000);
    show_captured(rig.anna, seen_ns);
    show_captured(rig.home1, seen_ns + GH_NS_PER_MS);
    rig_pass_ms(&rig, 20000);
    assert_int_equal(rig_count_entries(&rig), 1);
    assert_int_equal(rig_count_openings(&rig), 0);
    rig_show(&rig, rig.anna);
    rig_show(&rig, rig.home1);
    rig_assert_last(&rig, 2, GH_REASON_OK);
}

/* A little late, and all at once: it counts when it was seen. */
static void test_late_sightings(void **state)
{
    (void)state;

    rig_start_with_list(&rig);
    rig_pass_ms(&rig, 1000);
    int64_t seen_ns = gh_clock_monotonic_ns(rig.options.clock);
    show_captured(rig.anna, seen_ns);
    gh_fake_clock_advance_ms(&rig.fixture.clock, 8500); /* nobody called for longer than a wait */
    show_captured("hello", seen_ns + 7000 * GH_NS_PER_MS);
    show_captured(rig.home1, seen_ns + 7900 * GH_NS_PER_MS);
    rig_assert_last(&rig, 3, GH_REASON_OK);
    show_captured(rig.dora, seen_ns); /* time does not go back for anybody */
    show_captured(rig.dora, INT64_MAX);
    rig_pass_ms(&rig, 20000);
    rig_assert_last(&rig, 4, GH_REASON_HOUSING_MISSING);
}

/* --- what is told --- */

/* The log is read by whoever looks after the machine: nobody's health is theirs to know. */
static void test_log_is_discreet(void **state)
{
    (void)state;
    static const char *const words[] = {"red",   "Red",  "yellow", "Health", "health",
                                        "HTTPS", "GH1:", "home",   "member"};
    char log[8192], id[GH_ID_TEXT_BYTES];

    rig_start_with_list(&rig);
    fixture_capture_log(&rig.fixture);
    show_health(RITA, GH_COLOUR_GREEN);
    show_health(YORK, GH_COLOUR_GREEN);
    show_health(HUGO, GH_COLOUR_GREEN);
    rig_show(&rig, rig.anna);
    rig_show(&rig, rig.home1);
    fixture_take_log(&rig.fixture, log, sizeof(log));
    assert_non_null(strstr(log, "deny")); /* something is told */
    assert_non_null(strstr(log, "open"));
    for (size_t i = 0; i < GH_ARRAY_SIZE(words); i++) {
        if (strstr(log, words[i]))
            fail_msg("\"%s\" stands in the log: %s", words[i], log);
    }
    gh_id_format(RITA, id);
    assert_null(strstr(log, id));
}

/* --- the door --- */

static void test_door_fails(void **state)
{
    (void)state;

    rig_start_with_list(&rig);
    rig_show(&rig, rig.anna);
    gh_fake_door_fail(&rig.door, UINT_MAX, GH_ERR_IO);
    rig_show(&rig, rig.home1);
    const struct gh_entry *fault = rig_last_entry(&rig);
    assert_int_equal(rig.entries.count, 3);
    assert_int_equal(rig.entries.entry[1].outcome, GH_OUTCOME_OPEN);
    assert_int_equal(fault->type, GH_ENTRY_FAULT);
    assert_int_equal(fault->outcome, GH_OUTCOME_GUARD);
    assert_int_equal(fault->reason, GH_REASON_DOOR_FAILED);
    assert_true(fault->subject == ANNA);
    rig_pass_ms(&rig, 10000);
    assert_int_equal(rig_count_openings(&rig), 0);
    assert_int_equal(rig_count_entries(&rig), 3); /* said once */

    gh_fake_door_fail(&rig.door, 0, GH_OK);
    rig_pass_ms(&rig, 1000); /* found by itself, and locked: the pulse is long over */
    assert_int_equal(rig.door.sets[rig.door.count - 1].status, GH_OK);
    assert_false(rig_is_open(&rig));
    rig_show(&rig, rig.dora);
    rig_show(&rig, rig.home2);
    assert_true(rig_is_open(&rig));
    rig_assert_last(&rig, 4, GH_REASON_OK);
}

/* It fails once, and would work a moment later: by then the entry says that nobody got in. */
static void test_door_fails_once(void **state)
{
    (void)state;

    rig_start_with_list(&rig);
    rig_show(&rig, rig.anna);
    gh_fake_door_fail(&rig.door, 1, GH_ERR_IO);
    rig_show(&rig, rig.home1);
    assert_int_equal(rig_last_entry(&rig)->type, GH_ENTRY_FAULT);
    rig_pass_ms(&rig, 10000);
    assert_int_equal(rig_count_openings(&rig), 0);
    assert_int_equal(rig_count_entries(&rig), 3);
    rig_show(&rig, rig.dora);
    rig_show(&rig, rig.home2);
    rig_assert_last(&rig, 4, GH_REASON_OK);
    assert_true(rig_is_open(&rig));
}

/* It fails to lock again: that is tried until it works. */
static void test_door_fails_to_lock(void **state)
{
    (void)state;

    rig_start_with_list(&rig);
    rig_show(&rig, rig.anna);
    rig_show(&rig, rig.home1);
    gh_fake_door_fail(&rig.door, UINT_MAX, GH_ERR_IO);
    rig_pass_ms(&rig, 5000);
    assert_true(rig_is_open(&rig));
    int64_t next_ns = gh_gate_tick(rig.gate);
    assert_true(next_ns <= gh_clock_monotonic_ns(rig.options.clock) + GH_NS_PER_S);
    gh_fake_door_fail(&rig.door, 0, GH_OK);
    rig_pass_ms(&rig, 1000);
    assert_false(rig_is_open(&rig));
}

/* Nobody was let in: a lamp that fails is no entry. */
static void test_lamp_fails(void **state)
{
    (void)state;

    rig_start_with_list(&rig);
    gh_fake_door_fail(&rig.door, UINT_MAX, GH_ERR_IO);
    show_health(RITA, GH_COLOUR_GREEN);
    rig_assert_last(&rig, 2, GH_REASON_RED);
}

static void test_free_locks(void **state)
{
    (void)state;

    rig_start_with_list(&rig);
    rig_show(&rig, rig.anna);
    rig_show(&rig, rig.home1);
    assert_true(rig_is_open(&rig));
    rig_stop(&rig);
    assert_int_equal(rig.door.active, 0);
    assert_false(rig.door.freed); /* the door is the caller's */
    gh_gate_free(NULL);
}

static void test_fail_safe(void **state)
{
    (void)state;

    rig.options.door.fail_safe = true;
    rig_start_with_list(&rig);
    assert_true(lit(GH_LINE_RELAY)); /* energised is locked */
    rig_show(&rig, rig.anna);
    rig_show(&rig, rig.home1);
    assert_false(lit(GH_LINE_RELAY));
    rig_pass_ms(&rig, 3000);
    assert_true(lit(GH_LINE_RELAY));
    rig_stop(&rig);
    assert_int_equal(rig.door.active, GH_LINE_BIT(GH_LINE_RELAY));
}

static void test_set_door(void **state)
{
    (void)state;
    struct gh_door_options door = {.pulse_ms = 500};

    rig_start_with_list(&rig);
    rig_show(&rig, rig.anna);
    rig_show(&rig, rig.home1);
    gh_gate_set_door(rig.gate, &door);
    rig_pass_ms(&rig, 2999); /* this one goes on as it began */
    assert_true(rig_is_open(&rig));
    rig_pass_ms(&rig, 4000);
    rig_show(&rig, rig.dora);
    rig_show(&rig, rig.home2);
    rig_pass_ms(&rig, 499);
    assert_true(rig_is_open(&rig));
    rig_pass_ms(&rig, 1);
    assert_false(rig_is_open(&rig));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_opens, setup, teardown),
        cmocka_unit_test_setup_teardown(test_same_code_again, setup, teardown),
        cmocka_unit_test_setup_teardown(test_timeouts, setup, teardown),
        cmocka_unit_test_setup_teardown(test_guard_and_deny, setup, teardown),
        cmocka_unit_test_setup_teardown(test_lamps, setup, teardown),
        cmocka_unit_test_setup_teardown(test_bad_codes, setup, teardown),
        cmocka_unit_test_setup_teardown(test_kinds_without_a_rule, setup, teardown),
        cmocka_unit_test_setup_teardown(test_expires_while_waiting, setup, teardown),
        cmocka_unit_test_setup_teardown(test_old_sighting, setup, teardown),
        cmocka_unit_test_setup_teardown(test_late_sightings, setup, teardown),
        cmocka_unit_test_setup_teardown(test_log_is_discreet, setup, teardown),
        cmocka_unit_test_setup_teardown(test_door_fails, setup, teardown),
        cmocka_unit_test_setup_teardown(test_door_fails_once, setup, teardown),
        cmocka_unit_test_setup_teardown(test_door_fails_to_lock, setup, teardown),
        cmocka_unit_test_setup_teardown(test_lamp_fails, setup, teardown),
        cmocka_unit_test_setup_teardown(test_free_locks, setup, teardown),
        cmocka_unit_test_setup_teardown(test_fail_safe, setup, teardown),
        cmocka_unit_test_setup_teardown(test_set_door, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
