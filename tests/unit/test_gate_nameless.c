/* SPDX-License-Identifier: Apache-2.0 */
/* gate.c: codes that let nobody in and name nobody, held up without end. Each is shown and sounded,
 * all are counted, and few are written; whoever has a name gets an entry of their own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "fakes/gate_rig.h"
#include "gate/gate_state.h"
#include "gate/record.h"

#define EVERY_MS (GH_RECORD_SPARING_EVERY_NS / GH_NS_PER_MS)
#define BURST GH_RECORD_SPARING_BURST
/* As many as there are places for, and for others beside them (passage.h) */
#define PERIOD_MS 300

static struct rig rig;
static struct fixture *const fixture = &rig.fixture;
static unsigned number; /* of the picture that is shown next: no two are the same */

static int setup(void **state)
{
    (void)state;
    number = 0;
    rig_init(&rig);
    rig_start_with_list(&rig);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    rig_destroy(&rig);
    return 0;
}

static void nonsense(void)
{
    char text[32];

    (void)snprintf(text, sizeof(text), "nonsense %u", number++);
    rig_show(&rig, text);
    rig_pass_ms(&rig, PERIOD_MS);
}

static void much_nonsense(unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        nonsense();
}

/* How many decisions the entries that name nobody tell of, and how many such entries there are. */
static uint64_t told(size_t *count)
{
    uint64_t sum = 0;

    *count = 0;
    for (size_t i = 0, all = rig_count_entries(&rig); i < all; i++) {
        const struct gh_entry *entry = &rig.entries.entry[i];
        if (entry->type != GH_ENTRY_PASSAGE || entry->health_code != 0 || entry->home != 0)
            continue;
        sum += 1 + entry->omitted;
        ++*count;
    }
    return sum;
}

static struct gh_gate_state described(void)
{
    struct gh_gate_state state;

    gh_gate_describe(rig.gate, &state);
    return state;
}

/* Twenty minutes of it. */
static void test_few_entries_for_many(void **state)
{
    (void)state;
    size_t count;

    for (int i = 0; i < 4000; i++) {
        nonsense();
        assert_true(gh_fake_door_is_active(&rig.door, GH_LINE_RED)); /* each, at once */
    }
    rig_pass_ms(&rig, EVERY_MS);
    assert_true(told(&count) == 4000);
    assert_in_range(count, BURST + 1, BURST + 1200 / 20 + 1);
    assert_int_equal(rig.entries.count, 1 + count);
    assert_int_equal(described().passages.decided[GH_OUTCOME_DENY], 4000);
    assert_int_equal(described().journal.waiting, 0);
    assert_true(described().journal.omitted == 4000 - count);
    assert_int_equal(rig_count_openings(&rig), 0);
}

/* The courier is called for what is written, and for nothing else. */
static void test_nobody_is_called_for_nothing(void **state)
{
    (void)state;

    much_nonsense(BURST);
    unsigned kicks = rig.kicks;
    much_nonsense(10);
    assert_int_equal(rig.kicks, kicks);
    rig_pass_ms(&rig, EVERY_MS); /* by itself, though nobody comes any more */
    assert_int_equal(rig.kicks, kicks + 1);
    assert_int_equal(rig_last_entry(&rig)->omitted, 9);
}

static void test_somebody_among_it(void **state)
{
    (void)state;

    much_nonsense(BURST + 7);
    rig_show(&rig, rig.anna);
    rig_show(&rig, rig.home1); /* and the rig looks whether it is durable before it opens */
    assert_true(rig_is_open(&rig));
    rig_assert_last(&rig, 1 + BURST + 2, GH_REASON_OK);
    assert_true(rig_last_entry(&rig)->subject == ANNA);
    assert_int_equal(rig_last_entry(&rig)->omitted, 0);
    assert_int_equal(rig.entries.entry[1 + BURST].omitted, 6);
    assert_int_equal(rig.entries.entry[1 + BURST].reason, GH_REASON_NOT_A_CODE);
}

/* Red, yellow, revoked, expired, on no list, a card alone: however little room there is. */
static void test_whoever_has_a_name_has_an_entry(void **state)
{
    (void)state;
    char code[FIXTURE_CODE_BYTES];
    static const struct {
        gh_id subject;
        enum gh_reason reason;
    } people[] = {{RITA, GH_REASON_RED},
                  {YORK, GH_REASON_YELLOW},
                  {HUGO, GH_REASON_NO_HOME},
                  {STRANGER, GH_REASON_SUBJECT_UNKNOWN}};

    much_nonsense(BURST);
    for (size_t i = 0; i < GH_ARRAY_SIZE(people); i++) {
        much_nonsense(2);
        fixture_health(fixture, people[i].subject, code);
        rig_show(&rig, code);
        rig_assert_last(&rig, 1 + BURST + 2 * (i + 1), people[i].reason);
        assert_true(rig_last_entry(&rig)->subject == people[i].subject);
        assert_int_equal(rig_last_entry(&rig)->omitted, 0);
        assert_int_equal(rig.entries.entry[rig.entries.count - 2].omitted, 1);
    }
    struct gh_claims claims = fixture_claims(fixture, GH_KIND_HEALTH, ANNA, GH_COLOUR_GREEN);
    claims.issued_at_s = FIXTURE_NOW_S - 2000;
    claims.expires_at_s = FIXTURE_NOW_S - 1000;
    fixture_write(fixture->issuer_key, &claims, code);
    rig_show(&rig, code);
    assert_int_equal(rig_last_entry(&rig)->reason, GH_REASON_EXPIRED);
    assert_true(rig_last_entry(&rig)->subject == ANNA);
    rig_pass_ms(&rig, 5000); /* nobody is there to whom the card would belong */
    much_nonsense(2);
    rig_show(&rig, rig.home2);
    rig_pass_ms(&rig, 60000);
    size_t found = 0;
    for (size_t i = 0, all = rig_count_entries(&rig); i < all; i++)
        found += rig.entries.entry[i].home == HOME_2 &&
                 rig.entries.entry[i].reason == GH_REASON_HEALTH_MISSING;
    assert_int_equal(found, 1);
}

/* Codes that look like ours, by whoever: one key makes as many as it likes. */
static void test_forged_ones_are_counted_too(void **state)
{
    (void)state;
    size_t count;
    char code[FIXTURE_CODE_BYTES];

    for (gh_id i = 0; i < 100; i++) {
        struct gh_claims claims =
            fixture_claims(fixture, GH_KIND_HEALTH, 5000 + i, GH_COLOUR_GREEN);
        fixture_write(fixture->stranger_key, &claims, code);
        rig_show(&rig, code);
        rig_pass_ms(&rig, PERIOD_MS);
    }
    rig_pass_ms(&rig, EVERY_MS);
    assert_true(told(&count) == 100);
    assert_in_range(count, BURST + 1, BURST + 2);
}

/* An enrolment code is signed by the key that stands in it: true, and yet anybody's. */
static void test_codes_that_vouch_for_themselves(void **state)
{
    (void)state;
    uint64_t sum = 0;

    for (unsigned i = 0; i < 100; i++) {
        struct gh_credential code = {.kind = GH_KIND_ENROLMENT,
                                     .reason = GH_REASON_OK,
                                     .authentic = true,
                                     .id = 7000 + i,
                                     .subject = 8000 + i,
                                     .expires_at_s = INT64_MAX};
        memset(code.identity, (int)i, sizeof(code.identity));
        rig_show_credential(&rig, &code);
        assert_true(gh_fake_door_is_active(&rig.door, GH_LINE_RED));
        rig_pass_ms(&rig, PERIOD_MS);
    }
    rig_pass_ms(&rig, EVERY_MS);
    assert_in_range(rig_count_entries(&rig), 1 + BURST + 1, 1 + BURST + 2);
    for (size_t i = 1; i < rig.entries.count; i++)
        sum += 1 + rig.entries.entry[i].omitted;
    assert_true(sum == 100);
}

static void test_button_comes_behind(void **state)
{
    (void)state;

    rig_stop(&rig);
    gh_fake_door_wire(&rig.door, &rig.io, GH_INPUT_BIT(GH_INPUT_EXIT));
    rig_start(&rig);
    rig_pass_ms(&rig, 1000);
    much_nonsense(BURST + 3);
    rig_input(&rig, GH_INPUT_EXIT, true);
    rig_pass_ms(&rig, 1000);
    assert_true(rig_is_open(&rig));
    assert_int_equal(rig_last_entry(&rig)->door, GH_DOOR_EVENT_EXIT);
    assert_int_equal(rig.entries.entry[rig.entries.count - 2].omitted, 2);
}

static void test_end(void **state)
{
    (void)state;
    size_t count;

    much_nonsense(BURST + 30);
    rig_stop(&rig);
    assert_true(told(&count) == BURST + 30);
    assert_int_equal(count, BURST + 1);
    rig_start(&rig);
    assert_int_equal(rig_last_entry(&rig)->type, GH_ENTRY_START);
}

/* What could not be written is not what hinders others: they wait in order, with what was counted
 * between them. */
static void test_full_disk(void **state)
{
    (void)state;
    size_t count;

    much_nonsense(BURST + 1);
    fixture_fill_disk(fixture);
    much_nonsense(300);
    assert_in_range(described().journal.waiting, 0, 2);
    rig_show(&rig, rig.anna);
    rig_show(&rig, rig.home1);
    assert_false(rig_is_open(&rig));
    much_nonsense(300);
    assert_in_range(described().journal.waiting, 1, 4);
    fixture_empty_disk();
    rig_pass_ms(&rig, 2 * EVERY_MS);
    assert_true(told(&count) == BURST + 601);
    assert_int_equal(described().journal.waiting, 0);
    assert_int_equal(described().journal.lost, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_few_entries_for_many, setup, teardown),
        cmocka_unit_test_setup_teardown(test_nobody_is_called_for_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(test_somebody_among_it, setup, teardown),
        cmocka_unit_test_setup_teardown(test_whoever_has_a_name_has_an_entry, setup, teardown),
        cmocka_unit_test_setup_teardown(test_forged_ones_are_counted_too, setup, teardown),
        cmocka_unit_test_setup_teardown(test_codes_that_vouch_for_themselves, setup, teardown),
        cmocka_unit_test_setup_teardown(test_button_comes_behind, setup, teardown),
        cmocka_unit_test_setup_teardown(test_end, setup, teardown),
        cmocka_unit_test_setup_teardown(test_full_disk, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
