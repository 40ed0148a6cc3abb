/* SPDX-License-Identifier: Apache-2.0 */
/* gate_list.c: the list's age, what changes in place, and what the courier tells. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "gate/gate_state.h"
#include "gate_list_fixture.h"

/* --- age and clock --- */

/* What `gatehouse gate status` is told of it. */
static void assert_described(bool stale, bool too_old, int64_t age_s)
{
    struct gh_gate_state state;

    gh_gate_describe(rig.gate, &state);
    assert_int_equal(state.list.stale, stale);
    assert_int_equal(state.list.too_old, too_old);
    assert_true(state.list.age_s == age_s);
    assert_true(state.list.stale_age_s == fixture->manifest.policy.list_stale_age_s);
}

static void test_too_old(void **state)
{
    (void)state;

    fixture->manifest.policy.list_max_age_s = 3600;
    rig_start_with_list(&rig); /* issued 10 s ago */
    gh_fake_clock_advance_ms(&fixture->clock, (3600 - 10) * 1000);
    assert_described(false, false, 3600);
    assert_reason(try_anna(), GH_REASON_OK); /* and 20 s later */
    assert_described(false, true, 3620);
    assert_reason(try_anna(), GH_REASON_LIST_TOO_OLD);
    assert_true(rig_last_entry(&rig)->generation == 5);
    assert_int_equal(rig_count_openings(&rig), 1);

    /* The server is there again: nothing has changed but the time. */
    fixture_renew_list(fixture, gh_clock_wall_s(&fixture->clock.clock));
    fixture_pin_list(fixture);
    rig_news(&rig, GH_COURIER_AGE);
    assert_reason(try_anna(), GH_REASON_OK);

    fixture->manifest.policy.old_list = GH_OLD_LIST_DENY;
    swap_list();
    gh_fake_clock_advance_ms(&fixture->clock, 3600 * 1000);
    assert_reason(try_anna(), GH_REASON_LIST_REFUSED);
    assert_int_equal(rig_last_passage(&rig)->outcome, GH_OUTCOME_DENY);
}

/* With a stale list everything goes on, and the entry says how old it was. */
static void test_stale(void **state)
{
    (void)state;

    fixture->manifest.policy.list_stale_age_s = 3600;
    rig_start_with_list(&rig); /* issued 10 s ago */
    gh_fake_clock_advance_ms(&fixture->clock, (3600 - 10) * 1000);
    assert_described(false, false, 3600);
    assert_reason(try_anna(), GH_REASON_OK);
    assert_true(rig_last_passage(&rig)->list_age_s == 0);
    assert_described(true, false, 3620);
    assert_reason(try_anna(), GH_REASON_OK); /* 20 s later */
    assert_true(rig_last_passage(&rig)->list_age_s == 3620);
    rig_show(&rig, "hello");
    assert_reason(rig_last_entry(&rig)->reason, GH_REASON_NOT_A_CODE);
    assert_true(rig_last_entry(&rig)->list_age_s == 3640);
    fixture_renew_list(fixture, gh_clock_wall_s(&fixture->clock.clock));
    fixture_pin_list(fixture);
    rig_news(&rig, GH_COURIER_AGE);
    assert_reason(try_anna(), GH_REASON_OK);
    assert_true(rig_last_passage(&rig)->list_age_s == 0);

    gh_fake_clock_set_synchronised(&fixture->clock, false);
    gh_fake_clock_set_wall_s(&fixture->clock, FIXTURE_NOW_S + 3600 * 24 * 300);
    assert_reason(try_anna(), GH_REASON_CLOCK_UNTRUSTED); /* whose years are they? */
    assert_described(false, false, 0);
    assert_true(rig_last_passage(&rig)->list_age_s == 0);
}

/* The card is spared: what it says of the list's age may be minutes behind what the courier knows.
 */
static void test_age_is_kept_over_a_reload(void **state)
{
    (void)state;

    fixture->manifest.policy.list_max_age_s = 60;
    rig_start_with_list(&rig);
    gh_fake_clock_advance_ms(&fixture->clock, 55 * 1000);
    fixture->identity.list_issued_at_s = gh_clock_wall_s(&fixture->clock.clock);
    rig_news(&rig, GH_COURIER_AGE); /* nothing was written */
    gh_fake_clock_advance_ms(&fixture->clock, 30 * 1000);
    assert_reason(try_anna(), GH_REASON_OK);
    rig_news(&rig, GH_COURIER_LIST);
    rig_show(&rig, rig.dora);
    rig_show(&rig, rig.home2);
    assert_reason(rig_last_passage(&rig)->reason, GH_REASON_OK);
}

/* News about another list than the one in use makes that no younger. */
static void test_age_of_another_list(void **state)
{
    (void)state;

    fixture->manifest.policy.list_max_age_s = 60;
    rig_start_with_list(&rig);
    gh_fake_clock_advance_ms(&fixture->clock, 60 * 1000);
    fixture->identity.list_tag[0] ^= 1;
    fixture->identity.list_issued_at_s = gh_clock_wall_s(&fixture->clock.clock);
    rig_news(&rig, GH_COURIER_AGE);
    assert_reason(try_anna(), GH_REASON_LIST_TOO_OLD);
    fixture->identity.list_tag[0] ^= 1;
    fixture->identity.generation++;
    rig_news(&rig, GH_COURIER_AGE);
    assert_reason(try_anna(), GH_REASON_LIST_TOO_OLD);
}

/* It was told of once, when it could not be opened: the next word of it does as well. */
static void test_age_of_a_list_that_was_missed(void **state)
{
    (void)state;

    rig_start_with_list(&rig);
    fixture->manifest.generation++;
    fixture->colours[ANNA] = GH_COLOUR_RED;
    fixture_install_list(fixture);
    fixture_pin_list(fixture);
    assert_reason(try_anna(), GH_REASON_OK); /* by the one that is not there any more */
    unsigned trusts = rig.trusts;
    rig_news(&rig, GH_COURIER_AGE);
    assert_reason(try_anna(), GH_REASON_RED);
    rig_news(&rig, GH_COURIER_AGE);
    assert_int_equal(rig.trusts, trusts + 1); /* once is enough */
}

/* --- deltas --- */

/* Applied, and the news of it has not come yet: whoever is there is decided about by the new one,
 * by its policy too. */
static void test_changed_in_place(void **state)
{
    (void)state;

    rig_start_with_list(&rig);
    assert_reason(try_anna(), GH_REASON_OK);
    unsigned trusts = rig.trusts;
    fixture_apply_colour(fixture, ANNA, GH_COLOUR_RED);
    assert_reason(try_anna(), GH_REASON_RED);
    assert_true(rig_last_passage(&rig)->generation == 6);
    assert_int_equal(rig.trusts, trusts + 1);
    fixture_pin_list(fixture);
    rig_news(&rig, GH_COURIER_LIST);

    fixture->manifest.policy.home_rule = GH_HOME_NONE;
    fixture_apply_colour(fixture, ANNA, GH_COLOUR_GREEN);
    fixture_apply_colour(fixture, YORK, GH_COLOUR_GREEN); /* two at once */
    rig_show(&rig, rig.anna);
    assert_reason(rig_last_passage(&rig)->reason, GH_REASON_OK);
    assert_true(rig_last_passage(&rig)->generation == 8);
    assert_int_equal(rig.policy.home_rule, GH_HOME_NONE);
}

/* The issuer of both codes is withdrawn by the delta that is found in the middle of the decision.
 */
static void test_delta_drops_the_issuer(void **state)
{
    (void)state;

    rig_start_with_list(&rig);
    rig_show(&rig, rig.anna);
    fixture->manifest.keys[0].revoked = true;
    fixture_apply_colour(fixture, DORA, GH_COLOUR_YELLOW);
    rig_show(&rig, rig.home1);
    rig_pass_ms(&rig, 20000);
    assert_reason(rig_last_passage(&rig)->reason, GH_REASON_KEY_REVOKED);
    assert_int_equal(rig_count_openings(&rig), 0);
}

/* One delta behind the other, while the list is opened again and again: each time with its keys. */
static void test_changed_while_it_is_opened(void **state)
{
    (void)state;
    int status;

    rig_start_with_list(&rig);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        for (int i = 0; i < 60; i++)
            fixture_apply_colour(fixture, ANNA, i % 2 ? GH_COLOUR_GREEN : GH_COLOUR_RED);
        _exit(0);
    }
    while (waitpid(child, &status, WNOHANG) == 0) {
        rig_news(&rig, GH_COURIER_LIST);
        assert_non_null(rig.trust);
    }
    assert_int_equal(status, 0);
    assert_reason(try_anna(), GH_REASON_OK);
    assert_true(rig_last_passage(&rig)->generation == 65);
}

/* Changed, and then not there any more: nobody is let in by what once was. */
static void test_changed_and_gone(void **state)
{
    (void)state;

    rig_start_with_list(&rig);
    fixture_apply_colour(fixture, ANNA, GH_COLOUR_RED);
    fixture_remove_list(fixture);
    assert_reason(try_anna(), GH_REASON_LIST_MISSING);
    assert_true(rig_last_passage(&rig)->generation == 0);
    assert_int_equal(rig_count_openings(&rig), 0);
}

/* --- what the courier tells besides --- */

/* The list key of now is retired, and another one is in its place. */
static void follow_key(void)
{
    uint8_t raw[GH_PUBLIC_KEY_MAX_BYTES];
    struct gh_public_key *next = NULL;

    assert_int_equal(gh_private_key_public(fixture->stranger_key, &next), GH_OK);
    assert_int_equal(gh_public_key_raw(next, raw), GH_LIST_KEY_BYTES);
    gh_public_key_free(next);
    gh_identity_follow(&fixture->identity, raw, 1);
}

/* The power went after the new key was written down, and before there was a list by it. */
static void test_key_followed_before_its_list(void **state)
{
    (void)state;

    rig_start_with_list(&rig);
    rig_stop(&rig);
    follow_key();
    rig_start(&rig);
    assert_reason(try_anna(), GH_REASON_OK);
    assert_true(rig_last_passage(&rig)->generation == 5);
}

/* Nothing else that the retired key signed, or signs, is let in by that. */
static void test_retired_key_signs_more(void **state)
{
    enum { NEWER, OLDER, TAG, AREA, WAYS };
    (void)state;

    for (int way = 0; way < WAYS; way++) {
        fixture_install_list(fixture);
        fixture_pin_list(fixture);
        follow_key();
        fixture->manifest.generation += way == NEWER ? 1 : way == OLDER ? (uint64_t)-1 : 0;
        fixture->manifest.tag[0] ^= way == TAG;
        fixture->manifest.area[0] ^= way == AREA;
        fixture_smuggle_list(fixture);
        rig_start(&rig);
        assert_reason(try_anna(), GH_REASON_LIST_MISSING);
        rig_destroy(&rig);
        rig_init(&rig);
    }
}

static void test_list_key_followed(void **state)
{
    (void)state;

    rig_start_with_list(&rig);
    assert_reason(try_anna(), GH_REASON_OK);
    struct gh_private_key *old = fixture->list_key;
    fixture->list_key = fixture->stranger_key;
    fixture->stranger_key = old;
    gh_public_key_free(fixture->list_public);
    assert_int_equal(gh_private_key_public(fixture->list_key, &fixture->list_public), GH_OK);
    fixture->colours[ANNA] = GH_COLOUR_RED;
    fixture->manifest.generation++;
    fixture_smuggle_list(fixture);
    rig_news(&rig, GH_COURIER_LIST); /* nobody has said that this key may sign */
    assert_reason(try_anna(), GH_REASON_OK);
    uint8_t raw[GH_PUBLIC_KEY_MAX_BYTES];
    assert_int_equal(gh_public_key_raw(fixture->list_public, raw), GH_LIST_KEY_BYTES);
    memcpy(fixture->identity.list_key, raw, GH_LIST_KEY_BYTES);
    fixture_pin_list(fixture);
    rig_news(&rig, GH_COURIER_LIST);
    assert_reason(try_anna(), GH_REASON_RED);
}

static void test_refused_list_is_an_entry(void **state)
{
    (void)state;
    struct gh_courier_event event = {
        .type = GH_COURIER_TROUBLE, .trouble = GH_LIST_TROUBLE_RETIRED_KEY, .offered = 77};

    rig_start_with_list(&rig);
    unsigned kicks = rig.kicks;
    gh_gate_news(rig.gate, &event);
    const struct gh_entry *entry = rig_last_entry(&rig);
    assert_int_equal(entry->type, GH_ENTRY_LIST);
    assert_int_equal(entry->trouble, GH_LIST_TROUBLE_RETIRED_KEY);
    assert_true(entry->offered == 77);
    assert_true(entry->clock_trusted);
    assert_int_equal(rig.kicks, kicks + 1);
    assert_reason(try_anna(), GH_REASON_OK); /* the one in use goes on being used */
}

/* One second before the floor the gate does not know the time; codes may be in time all the same.
 */
static void test_clock_before_the_floor(void **state)
{
    (void)state;

    rig.options.time_floor_s = FIXTURE_NOW_S + 1;
    rig_start_with_list(&rig);
    assert_reason(try_anna(), GH_REASON_CLOCK_UNTRUSTED);
    assert_false(rig_last_passage(&rig)->clock_trusted);
    assert_int_equal(rig_count_openings(&rig), 0);
    assert_reason(try_anna(), GH_REASON_OK); /* the time has come */
    assert_true(rig_last_passage(&rig)->clock_trusted);
}

/* Nor does it believe a time before its list was made, but for what clocks may differ. */
static void test_clock_before_the_list(void **state)
{
    (void)state;

    fixture->manifest.issued_at_s = FIXTURE_NOW_S;
    gh_fake_clock_set_wall_s(&fixture->clock, FIXTURE_NOW_S - GH_CODE_SKEW_S - 21);
    rig_start_with_list(&rig);
    rig_show(&rig, rig.dora);
    rig_assert_last(&rig, 2, GH_REASON_CLOCK_UNTRUSTED);
    rig_pass_ms(&rig, 20999);
    rig_show(&rig, rig.dora);
    rig_assert_last(&rig, 3, GH_REASON_CLOCK_UNTRUSTED);
    rig_pass_ms(&rig, 5001);
    assert_int_equal(rig_last_entry(&rig)->type, GH_ENTRY_CLOCK);
    assert_reason(try_anna(), GH_REASON_OK);

    /* Set back to before the codes were issued: by that clock they are not valid yet, which says
     * nothing. */
    static const int64_t before[] = {0, -1000};
    for (size_t i = 0; i < GH_ARRAY_SIZE(before); i++) {
        gh_fake_clock_set_wall_s(&fixture->clock, before[i]);
        assert_reason(try_anna(), GH_REASON_CLOCK_UNTRUSTED);
    }
    assert_int_equal(rig_count_openings(&rig), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_too_old, setup, teardown),
        cmocka_unit_test_setup_teardown(test_stale, setup, teardown),
        cmocka_unit_test_setup_teardown(test_age_is_kept_over_a_reload, setup, teardown),
        cmocka_unit_test_setup_teardown(test_age_of_another_list, setup, teardown),
        cmocka_unit_test_setup_teardown(test_age_of_a_list_that_was_missed, setup, teardown),
        cmocka_unit_test_setup_teardown(test_changed_in_place, setup, teardown),
        cmocka_unit_test_setup_teardown(test_delta_drops_the_issuer, setup, teardown),
        cmocka_unit_test_setup_teardown(test_changed_while_it_is_opened, setup, teardown),
        cmocka_unit_test_setup_teardown(test_changed_and_gone, setup, teardown),
        cmocka_unit_test_setup_teardown(test_list_key_followed, setup, teardown),
        cmocka_unit_test_setup_teardown(test_key_followed_before_its_list, setup, teardown),
        cmocka_unit_test_setup_teardown(test_retired_key_signs_more, setup, teardown),
        cmocka_unit_test_setup_teardown(test_refused_list_is_an_entry, setup, teardown),
        cmocka_unit_test_setup_teardown(test_clock_before_the_floor, setup, teardown),
        cmocka_unit_test_setup_teardown(test_clock_before_the_list, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
