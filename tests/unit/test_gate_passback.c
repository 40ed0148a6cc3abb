/* SPDX-License-Identifier: Apache-2.0 */
/* A gate that leads one way: who went through it, or through another one, does not go so again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "fakes/gate_rig.h"

#define FORGIVE_S 3600

static struct rig rig;

static int setup(void **state)
{
    (void)state;
    rig_init(&rig);
    rig.fixture.manifest.policy.passback =
        (struct gh_passback_policy){.rule = GH_PASSBACK_HARD, .forgive_s = FORGIVE_S};
    rig.fixture.manifest.policy.home_rule = GH_HOME_MEMBER;
    rig.options.direction = GH_DIRECTION_IN;
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    rig_destroy(&rig);
    return 0;
}

static int64_t now_ms(void)
{
    return gh_clock_wall_ns(&rig.fixture.clock.clock) / GH_NS_PER_MS;
}

/* Out of sight, and here again. */
static enum gh_reason show_again(const char *code)
{
    rig_pass_ms(&rig, 5000);
    rig_show(&rig, code);
    return rig_last_passage(&rig)->reason;
}

static void hear(gh_id subject, enum gh_direction direction, int64_t at_ms, bool undone)
{
    struct gh_courier_event event = {.type = GH_COURIER_PRESENCE,
                                     .presence = {{subject, direction, at_ms, undone}},
                                     .presence_count = 1};
    gh_gate_news(rig.gate, &event);
}

static void test_not_twice(void **state)
{
    (void)state;
    rig_start_with_list(&rig);
    assert_int_equal(show_again(rig.anna), GH_REASON_OK);
    assert_int_equal(rig_last_entry(&rig)->direction, GH_DIRECTION_IN);
    assert_int_equal(show_again(rig.anna), GH_REASON_PASSBACK);
    assert_int_equal(rig_last_entry(&rig)->direction, GH_DIRECTION_IN);
    assert_int_equal(show_again(rig.dora), GH_REASON_OK);
    /* Being refused changes nothing about when she came in. */
    rig_pass_ms(&rig, (int64_t)(FORGIVE_S - 20) * 1000);
    assert_int_equal(show_again(rig.anna), GH_REASON_PASSBACK);
    rig_pass_ms(&rig, 20000);
    assert_int_equal(show_again(rig.anna), GH_REASON_OK);
    assert_int_equal(rig_count_openings(&rig), 3);
}

static void test_soft_only_says_so(void **state)
{
    (void)state;
    rig.fixture.manifest.policy.passback.rule = GH_PASSBACK_SOFT;
    rig_start_with_list(&rig);
    assert_int_equal(show_again(rig.anna), GH_REASON_OK);
    assert_int_equal(show_again(rig.anna), GH_REASON_PASSBACK_NOTED);
    assert_int_equal(rig_last_entry(&rig)->outcome, GH_OUTCOME_OPEN);
    assert_int_equal(rig_count_openings(&rig), 2);
}

static void test_both_ways_or_off(void **state)
{
    (void)state;
    rig.options.direction = GH_DIRECTION_NONE;
    rig_start_with_list(&rig);
    assert_int_equal(show_again(rig.anna), GH_REASON_OK);
    assert_int_equal(show_again(rig.anna), GH_REASON_OK);
    assert_int_equal(rig_last_entry(&rig)->direction, GH_DIRECTION_NONE);
    hear(DORA, GH_DIRECTION_IN, now_ms(), false);
    assert_int_equal(show_again(rig.dora), GH_REASON_OK);
}

/* What is remembered while nobody asks counts as soon as somebody does. */
static void test_switched_on(void **state)
{
    (void)state;
    rig.fixture.manifest.policy.passback.rule = GH_PASSBACK_OFF;
    rig_start_with_list(&rig);
    assert_int_equal(show_again(rig.anna), GH_REASON_OK);
    assert_int_equal(show_again(rig.anna), GH_REASON_OK);
    rig.fixture.manifest.policy.passback.rule = GH_PASSBACK_HARD;
    rig.fixture.manifest.generation++;
    fixture_install_list(&rig.fixture);
    fixture_pin_list(&rig.fixture);
    rig_news(&rig, GH_COURIER_LIST);
    assert_int_equal(show_again(rig.anna), GH_REASON_PASSBACK);
}

static void test_the_other_gates(void **state)
{
    (void)state;
    rig_start_with_list(&rig);
    hear(ANNA, GH_DIRECTION_IN, now_ms() - 1000, false);
    assert_int_equal(show_again(rig.anna), GH_REASON_PASSBACK);
    hear(ANNA, GH_DIRECTION_OUT, now_ms(), false);
    assert_int_equal(show_again(rig.anna), GH_REASON_OK);
    hear(ANNA, GH_DIRECTION_OUT, now_ms() - 100000, false); /* late news */
    assert_int_equal(show_again(rig.anna), GH_REASON_PASSBACK);
    int64_t out_ms = now_ms();
    hear(ANNA, GH_DIRECTION_OUT, out_ms, false);
    hear(ANNA, GH_DIRECTION_OUT, out_ms, true); /* she did not */
    assert_int_equal(show_again(rig.anna), GH_REASON_PASSBACK);
}

/* Stopped and started: what it did it knows from its journal. */
static void test_after_a_start(void **state)
{
    (void)state;
    rig_start_with_list(&rig);
    assert_int_equal(show_again(rig.anna), GH_REASON_OK);
    rig_stop(&rig);
    rig_start(&rig);
    assert_int_equal(show_again(rig.anna), GH_REASON_PASSBACK);
    assert_int_equal(show_again(rig.dora), GH_REASON_OK);
    rig_stop(&rig);
    /* The other way round, it is the other way round. */
    rig.options.direction = GH_DIRECTION_OUT;
    rig_start(&rig);
    assert_int_equal(show_again(rig.anna), GH_REASON_OK);
    assert_int_equal(show_again(rig.anna), GH_REASON_PASSBACK);
    rig_stop(&rig);
    rig.options.direction = GH_DIRECTION_IN;
    rig_start(&rig);
    assert_int_equal(show_again(rig.anna), GH_REASON_OK);
    assert_int_equal(show_again(rig.dora), GH_REASON_PASSBACK);
}

/* The very first code after the start: nobody is quicker than the journal. */
static void test_right_after_a_start(void **state)
{
    (void)state;
    struct gh_error err = {0};
    rig_start_with_list(&rig);
    assert_int_equal(show_again(rig.anna), GH_REASON_OK);
    rig_stop(&rig);
    assert_int_equal(gh_gate_new(&rig.options, &rig.fixture.identity, &rig.gate, &err), GH_OK);
    rig_show(&rig, rig.anna);
    assert_int_equal(rig_last_passage(&rig)->reason, GH_REASON_PASSBACK);
}

/* While the clock is not trusted nothing is forgotten, and nobody let in. */
static void test_after_a_start_without_the_time(void **state)
{
    (void)state;
    rig_start_with_list(&rig);
    assert_int_equal(show_again(rig.anna), GH_REASON_OK);
    rig_stop(&rig);
    gh_fake_clock_set_synchronised(&rig.fixture.clock, false);
    gh_fake_clock_set_wall_s(&rig.fixture.clock, 0);
    rig_start(&rig);
    assert_int_equal(show_again(rig.anna), GH_REASON_CLOCK_UNTRUSTED);
    gh_fake_clock_set_wall_s(&rig.fixture.clock, FIXTURE_NOW_S + 100);
    gh_fake_clock_set_synchronised(&rig.fixture.clock, true);
    assert_int_equal(show_again(rig.anna), GH_REASON_PASSBACK);
}

/* A door that nobody opened took nobody in. */
static void test_unused(void **state)
{
    (void)state;
    gh_fake_door_wire(&rig.door, &rig.io, GH_INPUT_BIT(GH_INPUT_CONTACT));
    rig_start_with_list(&rig);
    rig_pass_ms(&rig, 2000);
    assert_int_equal(show_again(rig.anna), GH_REASON_OK);
    rig_pass_ms(&rig, 1000);
    assert_int_equal(show_again(rig.anna), GH_REASON_OK);
    rig_pass_ms(&rig, 1000);
    rig_input(&rig, GH_INPUT_CONTACT, true);
    rig_pass_ms(&rig, 1000);
    rig_input(&rig, GH_INPUT_CONTACT, false);
    rig_pass_ms(&rig, 5000);
    assert_int_equal(rig_last_entry(&rig)->door, GH_DOOR_EVENT_PASSED);
    assert_int_equal(show_again(rig.anna), GH_REASON_PASSBACK);
}

/* Nor did one that could not be driven; and the other gates are told. */
static void test_door_failed(void **state)
{
    (void)state;
    rig_start_with_list(&rig);
    rig_pass_ms(&rig, 1000);
    gh_fake_door_fail(&rig.door, UINT32_MAX, GH_ERR_IO);
    rig_show(&rig, rig.anna);
    const struct gh_entry *last = rig_last_entry(&rig);
    assert_int_equal(last->type, GH_ENTRY_DOOR);
    assert_int_equal(last->door, GH_DOOR_EVENT_UNUSED);
    assert_int_equal(rig.entries.entry[rig.entries.count - 2].type, GH_ENTRY_FAULT);
    assert_true(last->about == rig_last_passage(&rig)->sequence);
    gh_fake_door_fail(&rig.door, 0, GH_OK);
    assert_int_equal(show_again(rig.anna), GH_REASON_OK);
    rig_stop(&rig);
    rig_start(&rig);
    assert_int_equal(show_again(rig.anna), GH_REASON_PASSBACK);
}

/* Whom the journal knows nothing of was not let in, and did not go anywhere. */
static void test_no_journal(void **state)
{
    (void)state;
    rig_start_with_list(&rig);
    rig_pass_ms(&rig, 1000);
    fixture_fill_disk(&rig.fixture);
    rig_show(&rig, rig.anna);
    fixture_empty_disk();
    rig_pass_ms(&rig, 5000);
    assert_int_equal(rig_last_passage(&rig)->reason, GH_REASON_JOURNAL_UNAVAILABLE);
    assert_int_equal(show_again(rig.anna), GH_REASON_OK);
}

/* Known by nothing but what stands for the holder of a certificate, or not even that. */
static void test_holders(void **state)
{
    (void)state;
    struct gh_credential certificate = {.kind = GH_KIND_UNKNOWN,
                                        .upstream = true,
                                        .reason = GH_REASON_OK,
                                        .authentic = true,
                                        .colour = GH_COLOUR_GREEN,
                                        .subject = 4711,
                                        .id = 12,
                                        .identity = {1},
                                        .expires_at_s = INT64_MAX};
    rig.fixture.manifest.policy.holder = GH_HOLDER_OPEN;
    rig_start_with_list(&rig);
    rig_show_credential(&rig, &certificate);
    assert_int_equal(rig_last_passage(&rig)->reason, GH_REASON_OK);
    assert_true(rig_last_passage(&rig)->subject == 4711);
    rig_pass_ms(&rig, 5000);
    rig_show_credential(&rig, &certificate);
    assert_int_equal(rig_last_passage(&rig)->reason, GH_REASON_PASSBACK);
    certificate.subject = 0;
    for (uint8_t i = 2; i < 4; i++) {
        certificate.identity[0] = i;
        rig_pass_ms(&rig, 5000);
        rig_show_credential(&rig, &certificate);
        assert_int_equal(rig_last_passage(&rig)->reason, GH_REASON_OK);
    }
}

/* Held up all the while, by a phone that makes a new code every few seconds: one refusal. */
static void test_refused_once(void **state)
{
    (void)state;
    rig_start_with_list(&rig);
    assert_int_equal(show_again(rig.anna), GH_REASON_OK);
    rig_pass_ms(&rig, 5000);
    size_t before = rig_count_entries(&rig);
    for (int i = 0; i < 40; i++) {
        struct gh_claims claims =
            fixture_claims(&rig.fixture, GH_KIND_HEALTH, ANNA, GH_COLOUR_GREEN);
        char code[FIXTURE_CODE_BYTES];
        claims.id += (gh_id)(i / 10);
        fixture_write(rig.fixture.issuer_key, &claims, code);
        rig_show(&rig, code);
        rig_pass_ms(&rig, 200);
    }
    rig_assert_last(&rig, before + 1, GH_REASON_PASSBACK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_not_twice, setup, teardown),
        cmocka_unit_test_setup_teardown(test_soft_only_says_so, setup, teardown),
        cmocka_unit_test_setup_teardown(test_both_ways_or_off, setup, teardown),
        cmocka_unit_test_setup_teardown(test_switched_on, setup, teardown),
        cmocka_unit_test_setup_teardown(test_the_other_gates, setup, teardown),
        cmocka_unit_test_setup_teardown(test_after_a_start, setup, teardown),
        cmocka_unit_test_setup_teardown(test_right_after_a_start, setup, teardown),
        cmocka_unit_test_setup_teardown(test_after_a_start_without_the_time, setup, teardown),
        cmocka_unit_test_setup_teardown(test_unused, setup, teardown),
        cmocka_unit_test_setup_teardown(test_door_failed, setup, teardown),
        cmocka_unit_test_setup_teardown(test_no_journal, setup, teardown),
        cmocka_unit_test_setup_teardown(test_holders, setup, teardown),
        cmocka_unit_test_setup_teardown(test_refused_once, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
