/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "decide_scene.h"

static void test_good(void **state)
{
    (void)state;
    struct scene scene;

    good_scene(&scene);
    struct gh_decision decision = gh_decide(&scene.in);
    assert_int_equal(decision.outcome, GH_OUTCOME_OPEN);
    assert_int_equal(decision.reason, GH_REASON_OK);
    assert_int_equal(decision.colour, GH_COLOUR_GREEN);
    assert_int_equal(decision.kind, GH_KIND_HEALTH);
    scene.in.final = true;
    assert_decision(&scene, GH_REASON_OK);
}

/* Spoil everything, then mend one thing after the other: what is named must come up in the order of
 * the header. */
static void spoil(struct scene *scene)
{
    scene->health.expires_at_s = NOW;
    scene->health.colour = GH_COLOUR_RED;
    scene->answers = (struct gh_answers){.have_list = false,
                                         .issued_at_s = NOW - MAX_AGE - 1,
                                         .subject_colour = GH_COLOUR_RED,
                                         .health_revoked = true,
                                         .housing_revoked = true};
    scene->policy.passback.rule = GH_PASSBACK_HARD;
    scene->policy.temperature = (struct gh_temperature_policy){
        .rule = GH_TEMPERATURE_REQUIRED, .limit_millic = 37300, .valid_ms = 10000};
    scene->in.interlocked = scene->in.passed_back = true;
    scene->in.clock_trusted = false;
    scene->in.final = true;
}

static void test_order(void **state)
{
    (void)state;
    struct scene scene;

    good_scene(&scene);
    spoil(&scene);
    scene.in.clock_trusted = true;
    assert_decision(&scene, GH_REASON_EXPIRED);
    scene.in.clock_trusted = false; /* then that says nothing */
    assert_decision(&scene, GH_REASON_REVOKED);
    assert_int_equal(gh_decide(&scene.in).kind, GH_KIND_HEALTH);
    scene.answers.health_revoked = false; /* the housing code still is */
    assert_decision(&scene, GH_REASON_REVOKED);
    assert_int_equal(gh_decide(&scene.in).kind, GH_KIND_HOUSING);
    scene.answers.housing_revoked = false;
    assert_decision(&scene, GH_REASON_RED);
    scene.health.colour = GH_COLOUR_YELLOW; /* red on the list alone, as old as it is */
    scene.answers.have_list = true;
    assert_decision(&scene, GH_REASON_RED);
    scene.answers.subject_colour = GH_COLOUR_NONE;
    scene.answers.have_list = false;
    assert_decision(&scene, GH_REASON_LIST_MISSING);
    scene.answers.have_list = true;
    assert_decision(&scene, GH_REASON_CLOCK_UNTRUSTED);
    scene.policy.clock = GH_CLOCK_DENY;
    assert_decision(&scene, GH_REASON_CLOCK_REFUSED);
    scene.in.clock_trusted = true;
    assert_decision(&scene, GH_REASON_EXPIRED);
    scene.health.expires_at_s = NOW + 1;
    assert_decision(&scene, GH_REASON_LIST_TOO_OLD);
    scene.answers.issued_at_s = NOW - MAX_AGE;
    assert_decision(&scene, GH_REASON_YELLOW);
    scene.health.colour = GH_COLOUR_GREEN;
    scene.answers.subject_colour = GH_COLOUR_YELLOW;
    assert_decision(&scene, GH_REASON_YELLOW);
    scene.answers.subject_colour = GH_COLOUR_NONE;
    assert_decision(&scene, GH_REASON_SUBJECT_UNKNOWN);
    scene.answers.subject_known = true;
    scene.answers.subject_colour = GH_COLOUR_GREEN;
    assert_decision(&scene, GH_REASON_NO_HOME);
    scene.answers.subject_has_home = true;
    assert_decision(&scene, GH_REASON_HOME_UNKNOWN);
    scene.answers.home_approved = true;
    assert_decision(&scene, GH_REASON_NOT_MEMBER);
    scene.answers.member = true;
    assert_decision(&scene, GH_REASON_TEMPERATURE_MISSING);
    scene.in.final = false;
    assert_decision(&scene, GH_REASON_WAIT_TEMPERATURE);
    scene.in.measured = true;
    scene.in.temperature_millic = 37300;
    assert_decision(&scene, GH_REASON_FEVER);
    scene.in.temperature_millic = 37299;
    assert_decision(&scene, GH_REASON_PASSBACK);
    scene.in.passed_back = false;
    assert_decision(&scene, GH_REASON_INTERLOCK);
    scene.in.interlocked = false;
    assert_decision(&scene, GH_REASON_OK);
}

/* The same for a housing code that is alone. */
static void test_order_housing_alone(void **state)
{
    (void)state;
    struct scene scene;

    good_scene(&scene);
    spoil(&scene);
    scene.in.health = NULL;
    scene.answers.health_revoked = false;
    scene.answers.subject_colour = GH_COLOUR_NONE;
    scene.housing.expires_at_s = NOW;
    scene.in.clock_trusted = true;
    assert_decision(&scene, GH_REASON_EXPIRED);
    scene.in.clock_trusted = false;
    assert_decision(&scene, GH_REASON_REVOKED);
    scene.answers.housing_revoked = false;
    assert_decision(&scene, GH_REASON_LIST_MISSING);
    scene.answers.have_list = true;
    assert_decision(&scene, GH_REASON_CLOCK_UNTRUSTED);
    scene.in.clock_trusted = true;
    assert_decision(&scene, GH_REASON_EXPIRED);
    scene.housing.expires_at_s = NOW + 1;
    assert_decision(&scene, GH_REASON_LIST_TOO_OLD);
    scene.answers.issued_at_s = NOW - MAX_AGE;
    assert_decision(&scene, GH_REASON_HOME_UNKNOWN);
    scene.answers.home_approved = true;
    assert_decision(&scene, GH_REASON_HEALTH_MISSING);
    scene.in.final = false;
    assert_decision(&scene, GH_REASON_WAIT_HEALTH);
    assert_int_equal(gh_decide(&scene.in).kind, GH_KIND_HOUSING);
    assert_int_equal(gh_decide(&scene.in).colour, GH_COLOUR_NONE);
}

/* Red on either is red: with no list, an old one, or a clock that nobody believes. */
static void test_red_needs_no_certainty(void **state)
{
    (void)state;
    struct scene scene;

    good_scene(&scene);
    scene.answers.subject_colour = GH_COLOUR_RED;
    scene.answers.issued_at_s = NOW - 100 * MAX_AGE;
    scene.in.clock_trusted = false;
    assert_decision(&scene, GH_REASON_RED);
    good_scene(&scene);
    scene.health.colour = GH_COLOUR_RED;
    scene.answers = (struct gh_answers){.have_list = false};
    assert_decision(&scene, GH_REASON_RED);
    scene.in.housing = NULL; /* nobody red is asked for a second code first */
    assert_decision(&scene, GH_REASON_RED);
}

static void test_worse_of_code_and_list(void **state)
{
    (void)state;
    static const enum gh_reason reasons[] = {
        [GH_COLOUR_GREEN] = GH_REASON_OK,
        [GH_COLOUR_YELLOW] = GH_REASON_YELLOW,
        [GH_COLOUR_RED] = GH_REASON_RED,
    };
    struct scene scene;

    for (int code = GH_COLOUR_GREEN; code <= GH_COLOUR_RED; code++) {
        for (int list = GH_COLOUR_GREEN; list <= GH_COLOUR_RED; list++) {
            good_scene(&scene);
            scene.health.colour = (enum gh_colour)code;
            scene.answers.subject_colour = (enum gh_colour)list;
            int worse = code > list ? code : list;
            assert_decision(&scene, reasons[worse]);
            assert_int_equal(gh_decide(&scene.in).colour, worse);
        }
    }
}

static void test_age_edges(void **state)
{
    (void)state;
    struct scene scene;

    good_scene(&scene);
    scene.answers.issued_at_s = NOW - MAX_AGE;
    assert_decision(&scene, GH_REASON_OK);
    scene.answers.issued_at_s = NOW - MAX_AGE - 1;
    assert_decision(&scene, GH_REASON_LIST_TOO_OLD);
    scene.answers.issued_at_s = NOW + 30; /* the server's clock is ahead of ours */
    assert_decision(&scene, GH_REASON_OK);
    scene.policy.list_max_age_s = INT64_MAX;
    scene.answers.issued_at_s = 0;
    assert_decision(&scene, GH_REASON_OK);
}

static void assert_age(struct scene *scene, int64_t age_s, enum gh_reason reason, int64_t told_s)
{
    scene->answers.issued_at_s = NOW - age_s;
    assert_decision(scene, reason);
    assert_true(gh_decide(&scene->in).list_age_s == told_s);
}

static void test_stale_and_too_old(void **state)
{
    (void)state;
    struct scene scene;

    good_scene(&scene);
    assert_age(&scene, STALE_AGE, GH_REASON_OK, 0);
    assert_age(&scene, STALE_AGE + 1, GH_REASON_OK, STALE_AGE + 1); /* the same, but told */
    assert_age(&scene, MAX_AGE, GH_REASON_OK, MAX_AGE);
    assert_age(&scene, MAX_AGE + 1, GH_REASON_LIST_TOO_OLD, MAX_AGE + 1);
    scene.policy.old_list = GH_OLD_LIST_DENY;
    assert_age(&scene, MAX_AGE, GH_REASON_OK, MAX_AGE);
    assert_age(&scene, MAX_AGE + 1, GH_REASON_LIST_REFUSED, MAX_AGE + 1);
    scene.policy.list_stale_age_s = 2 * MAX_AGE; /* never stale before it is too old */
    assert_age(&scene, MAX_AGE, GH_REASON_OK, 0);
    assert_age(&scene, MAX_AGE + 1, GH_REASON_LIST_REFUSED, MAX_AGE + 1);

    /* Refusals stand as they are, and say what they were based on. */
    good_scene(&scene);
    scene.health.colour = GH_COLOUR_RED;
    assert_age(&scene, MAX_AGE + 1, GH_REASON_RED, MAX_AGE + 1);

    /* The age by a clock that nobody believes is none: what is said is that about the clock. */
    good_scene(&scene);
    scene.in.clock_trusted = false;
    scene.policy.old_list = GH_OLD_LIST_DENY;
    assert_age(&scene, MAX_AGE + 1, GH_REASON_CLOCK_UNTRUSTED, 0);
    scene.policy.clock = GH_CLOCK_DENY;
    scene.policy.old_list = GH_OLD_LIST_GUARD;
    assert_age(&scene, MAX_AGE + 1, GH_REASON_CLOCK_REFUSED, 0);
    scene.answers.have_list = false;
    scene.in.clock_trusted = true;
    assert_age(&scene, MAX_AGE + 1, GH_REASON_LIST_MISSING, 0);

    good_scene(&scene); /* no sum of impossible times is one either */
    scene.answers.issued_at_s = INT64_MIN;
    assert_decision(&scene, GH_REASON_LIST_TOO_OLD);
    scene.answers.issued_at_s = INT64_MAX;
    scene.in.now_s = INT64_MIN;
    assert_int_equal(gh_decide(&scene.in).list_age_s, 0);
}

/* A code was in time when it was seen; the decision may come seconds later. */
static void test_expiry_edges(void **state)
{
    (void)state;
    struct scene scene;

    good_scene(&scene);
    scene.health.expires_at_s = NOW + 1;
    scene.housing.expires_at_s = NOW + 1;
    assert_decision(&scene, GH_REASON_OK);
    scene.health.expires_at_s = NOW;
    assert_decision(&scene, GH_REASON_EXPIRED);
    scene.health.expires_at_s = INT64_MAX;
    assert_decision(&scene, GH_REASON_OK);
    scene.housing.expires_at_s = NOW;
    assert_decision(&scene, GH_REASON_EXPIRED);
    scene.in.health = NULL;
    assert_decision(&scene, GH_REASON_EXPIRED);
}

static void test_home_rules(void **state)
{
    (void)state;
    struct scene scene;

    good_scene(&scene);
    scene.policy.home_rule = GH_HOME_NONE;
    scene.answers.subject_has_home = scene.answers.member = scene.answers.home_approved = false;
    assert_decision(&scene, GH_REASON_OK);
    scene.in.housing = NULL;
    assert_decision(&scene, GH_REASON_OK);

    scene.policy.home_rule = GH_HOME_MEMBER;
    assert_decision(&scene, GH_REASON_NO_HOME);
    scene.answers.subject_has_home = true;
    assert_decision(&scene, GH_REASON_OK);

    scene.policy.home_rule = GH_HOME_CODE;
    assert_decision(&scene, GH_REASON_WAIT_HOUSING);
    scene.in.final = true;
    assert_decision(&scene, GH_REASON_HOUSING_MISSING);
    scene.in.housing = &scene.housing;
    assert_decision(&scene, GH_REASON_HOME_UNKNOWN);
    scene.answers.member = true; /* of a home that is not approved */
    assert_decision(&scene, GH_REASON_HOME_UNKNOWN);
    scene.answers.home_approved = true;
    scene.answers.member = false;
    assert_decision(&scene, GH_REASON_NOT_MEMBER);
    scene.answers.member = true;
    assert_decision(&scene, GH_REASON_OK);
    scene.answers.housing_revoked = true;
    assert_decision(&scene, GH_REASON_REVOKED);

    good_scene(&scene);
    scene.policy.home_rule = (enum gh_home_rule)9; /* of a later version: not less strict */
    scene.in.housing = NULL;
    scene.in.final = true;
    assert_int_not_equal(gh_decide(&scene.in).outcome, GH_OUTCOME_OPEN);
}

/* Nobody waits in the rain for a second code that cannot help. */
static void test_no_waiting_in_vain(void **state)
{
    (void)state;
    struct scene scene;

    good_scene(&scene);
    scene.in.housing = NULL;
    assert_decision(&scene, GH_REASON_WAIT_HOUSING);
    scene.answers.subject_colour = GH_COLOUR_YELLOW;
    assert_decision(&scene, GH_REASON_YELLOW);
    good_scene(&scene);
    scene.in.housing = NULL;
    scene.answers.subject_known = false;
    assert_decision(&scene, GH_REASON_SUBJECT_UNKNOWN);
    good_scene(&scene);
    scene.in.housing = NULL;
    scene.answers.subject_has_home = false;
    assert_decision(&scene, GH_REASON_NO_HOME);
}

static void test_other(void **state)
{
    (void)state;
    static const enum gh_reason wrong[] = {
        GH_REASON_EXPIRED,     GH_REASON_NOT_YET_VALID, GH_REASON_FORGED,     GH_REASON_FOREIGN,
        GH_REASON_WRONG_KEY,   GH_REASON_MALFORMED,     GH_REASON_NOT_A_CODE, GH_REASON_TOO_LONG,
        GH_REASON_UNSUPPORTED, GH_REASON_STALE,         GH_REASON_REPLAYED,   GH_REASON_UNPROVEN,
        GH_REASON_KEY_REVOKED,
    };
    struct scene scene;

    good_scene(&scene);
    scene.in.health = scene.in.housing = NULL;
    scene.in.other = &scene.other;
    for (int kind = GH_KIND_UNKNOWN; kind <= GH_KIND_SHC; kind++) {
        for (int final = 0; final < 2; final++) {
            scene.in.final = final;
            scene.other = scene.health;
            scene.other.kind = (enum gh_kind)kind;
            for (size_t i = 0; i < GH_ARRAY_SIZE(wrong); i++) {
                scene.other.reason = wrong[i];
                assert_decision(&scene, wrong[i]);
                assert_int_equal(gh_decide(&scene.in).kind, kind);
                assert_int_equal(gh_decide(&scene.in).outcome, GH_OUTCOME_DENY);
            }
            scene.other.reason = GH_REASON_OK; /* true, and still opens nothing */
            assert_decision(&scene, GH_REASON_UNSUPPORTED);
        }
    }
    scene.answers.have_list = false; /* then no issuer is known: it may be a true code of ours */
    for (size_t i = 0; i < GH_ARRAY_SIZE(wrong); i++) {
        scene.other.reason = wrong[i];
        assert_decision(&scene, wrong[i] == GH_REASON_FOREIGN ? GH_REASON_LIST_MISSING : wrong[i]);
    }
    scene.in.other = NULL; /* and nothing at all opens nothing */
    scene.in.final = true;
    assert_int_equal(gh_decide(&scene.in).outcome, GH_OUTCOME_DENY);
}

static void test_temperature(void **state)
{
    (void)state;
    static const struct {
        enum gh_temperature_rule rule;
        bool measured;
        int64_t millic;
        enum gh_reason reason, final_reason;
    } rows[] = {
        {GH_TEMPERATURE_OFF, false, 0, GH_REASON_OK, GH_REASON_OK},
        {GH_TEMPERATURE_OFF, true, 41000, GH_REASON_OK, GH_REASON_OK},
        {GH_TEMPERATURE_OPTIONAL, false, 41000, GH_REASON_OK, GH_REASON_OK},
        {GH_TEMPERATURE_OPTIONAL, true, 37499, GH_REASON_OK, GH_REASON_OK},
        {GH_TEMPERATURE_OPTIONAL, true, 37500, GH_REASON_FEVER, GH_REASON_FEVER},
        {GH_TEMPERATURE_REQUIRED, false, 36600, GH_REASON_WAIT_TEMPERATURE,
         GH_REASON_TEMPERATURE_MISSING},
        {GH_TEMPERATURE_REQUIRED, true, 37499, GH_REASON_OK, GH_REASON_OK},
        {GH_TEMPERATURE_REQUIRED, true, 37500, GH_REASON_FEVER, GH_REASON_FEVER},
        /* one that is none is not less strict */
        {(enum gh_temperature_rule)3, false, 36600, GH_REASON_WAIT_TEMPERATURE,
         GH_REASON_TEMPERATURE_MISSING},
    };
    struct scene scene;

    good_scene(&scene);
    for (size_t i = 0; i < GH_ARRAY_SIZE(rows); i++) {
        scene.policy.temperature = (struct gh_temperature_policy){
            .rule = rows[i].rule, .limit_millic = 37500, .valid_ms = 10000};
        scene.in.measured = rows[i].measured;
        scene.in.temperature_millic = rows[i].millic;
        scene.in.final = false;
        assert_decision(&scene, rows[i].reason);
        scene.in.final = true;
        assert_decision(&scene, rows[i].final_reason);
    }
}

static void test_passback_and_interlock(void **state)
{
    (void)state;
    static const struct {
        enum gh_passback_rule rule;
        bool passed_back, interlocked;
        enum gh_reason reason;
    } rows[] = {
        {GH_PASSBACK_OFF, true, false, GH_REASON_OK},
        {GH_PASSBACK_SOFT, false, false, GH_REASON_OK},
        {GH_PASSBACK_SOFT, true, false, GH_REASON_PASSBACK_NOTED},
        {GH_PASSBACK_HARD, false, false, GH_REASON_OK},
        {GH_PASSBACK_HARD, true, false, GH_REASON_PASSBACK},
        {(enum gh_passback_rule)3, true, false, GH_REASON_PASSBACK},
        {GH_PASSBACK_OFF, true, true, GH_REASON_INTERLOCK},
        {GH_PASSBACK_SOFT, true, true, GH_REASON_INTERLOCK},
        {GH_PASSBACK_HARD, true, true, GH_REASON_PASSBACK},
    };
    struct scene scene;

    good_scene(&scene);
    for (size_t i = 0; i < GH_ARRAY_SIZE(rows); i++) {
        scene.policy.passback.rule = rows[i].rule;
        scene.in.passed_back = rows[i].passed_back;
        scene.in.interlocked = rows[i].interlocked;
        assert_decision(&scene, rows[i].reason);
    }
}

/* Nobody is measured, or told about another door, who would not be let in. */
static void test_only_who_would_be_let_in(void **state)
{
    (void)state;
    struct scene scene;

    good_scene(&scene);
    spoil(&scene);
    scene.in.health = NULL;
    scene.answers =
        (struct gh_answers){.have_list = true, .issued_at_s = NOW, .home_approved = true};
    scene.in.clock_trusted = true;
    assert_decision(&scene, GH_REASON_HEALTH_MISSING);
    good_scene(&scene);
    scene.policy.temperature.rule = GH_TEMPERATURE_REQUIRED;
    scene.in.interlocked = true;
    scene.in.housing = NULL;
    assert_decision(&scene, GH_REASON_WAIT_HOUSING);
    scene.policy.paper = GH_PAPER_GUARD;
    assert_decision(&scene, GH_REASON_PAPER);
}

/* What the passage asks: by their code's own fault, or though that is in order. */
static void test_codes_in_order(void **state)
{
    (void)state;
    static const enum gh_reason in_order[] = {
        GH_REASON_OK,        GH_REASON_PASSBACK_NOTED,      GH_REASON_WAIT_TEMPERATURE,
        GH_REASON_FEVER,     GH_REASON_TEMPERATURE_MISSING, GH_REASON_PASSBACK,
        GH_REASON_INTERLOCK,
    };
    unsigned count = 0;

    for (int reason = 0; reason < GH_REASON_COUNT; reason++)
        count += gh_codes_in_order((enum gh_reason)reason);
    assert_int_equal(count, GH_ARRAY_SIZE(in_order));
    for (size_t i = 0; i < GH_ARRAY_SIZE(in_order); i++)
        assert_true(gh_codes_in_order(in_order[i]));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good),
        cmocka_unit_test(test_order),
        cmocka_unit_test(test_order_housing_alone),
        cmocka_unit_test(test_red_needs_no_certainty),
        cmocka_unit_test(test_worse_of_code_and_list),
        cmocka_unit_test(test_age_edges),
        cmocka_unit_test(test_stale_and_too_old),
        cmocka_unit_test(test_expiry_edges),
        cmocka_unit_test(test_home_rules),
        cmocka_unit_test(test_no_waiting_in_vain),
        cmocka_unit_test(test_temperature),
        cmocka_unit_test(test_passback_and_interlock),
        cmocka_unit_test(test_only_who_would_be_let_in),
        cmocka_unit_test(test_codes_in_order),
        cmocka_unit_test(test_other),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
