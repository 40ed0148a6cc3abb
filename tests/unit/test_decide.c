/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "gate/decide.h"

#define NOW INT64_C(1600000000)
#define MAX_AGE 3600

/* Everything that a decision is made from, good unless a test spoils it. */
struct scene {
    struct gh_policy policy;
    struct gh_answers answers;
    struct gh_credential health, housing, other;
    struct gh_decide_input in;
};

static void good_scene(struct scene *scene)
{
    *scene = (struct scene){
        .policy = {.home_rule = GH_HOME_CODE,
                   .passage_timeout_ms = 8000,
                   .debounce_ms = 3000,
                   .list_max_age_s = MAX_AGE},
        .answers = {.have_list = true,
                    .issued_at_s = NOW - 10,
                    .generation = 7,
                    .subject_known = true,
                    .subject_colour = GH_COLOUR_GREEN,
                    .subject_has_home = true,
                    .home_approved = true,
                    .member = true},
        .health = {.kind = GH_KIND_HEALTH,
                   .reason = GH_REASON_OK,
                   .authentic = true,
                   .id = 1,
                   .subject = 2,
                   .colour = GH_COLOUR_GREEN,
                   .issued_at_s = NOW - 100,
                   .expires_at_s = NOW + 100},
        .housing = {.kind = GH_KIND_HOUSING,
                    .reason = GH_REASON_OK,
                    .authentic = true,
                    .id = 3,
                    .home = 4,
                    .issued_at_s = NOW - 100,
                    .expires_at_s = INT64_MAX},
    };
    scene->in = (struct gh_decide_input){
        .policy = &scene->policy,
        .answers = &scene->answers,
        .health = &scene->health,
        .housing = &scene->housing,
        .now_s = NOW,
        .clock_trusted = true,
    };
}

static void assert_decision(const struct scene *scene, enum gh_reason reason)
{
    struct gh_decision decision = gh_decide(&scene->in);

    assert_string_equal(gh_reason_info(decision.reason)->token, gh_reason_info(reason)->token);
    assert_int_equal(decision.outcome, gh_reason_info(reason)->outcome);
}

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
    scene->in.clock_trusted = false;
    scene->in.final = true;
}

static void test_order(void **state)
{
    (void)state;
    struct scene scene;

    good_scene(&scene);
    spoil(&scene);
    assert_decision(&scene, GH_REASON_EXPIRED);
    scene.health.expires_at_s = NOW + 1;
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
    scene.in.clock_trusted = true;
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
    assert_decision(&scene, GH_REASON_EXPIRED);
    scene.housing.expires_at_s = NOW + 1;
    assert_decision(&scene, GH_REASON_REVOKED);
    scene.answers.housing_revoked = false;
    assert_decision(&scene, GH_REASON_LIST_MISSING);
    scene.answers.have_list = true;
    assert_decision(&scene, GH_REASON_CLOCK_UNTRUSTED);
    scene.in.clock_trusted = true;
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
        GH_REASON_EXPIRED,    GH_REASON_NOT_YET_VALID, GH_REASON_FORGED,
        GH_REASON_FOREIGN,    GH_REASON_WRONG_KEY,     GH_REASON_MALFORMED,
        GH_REASON_NOT_A_CODE, GH_REASON_TOO_LONG,      GH_REASON_UNSUPPORTED,
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

/* --- the safety property, over everything there is --- */

/* Codes as they may come: of each kind the first one is good. */
struct form {
    enum gh_kind kind;
    enum gh_reason reason;
    bool authentic;
    int64_t expires_at_s;
};
static const struct form health_forms[] = {
    {GH_KIND_HEALTH, GH_REASON_OK, true, NOW + 1},
    {GH_KIND_HEALTH, GH_REASON_OK, true, NOW},
    {GH_KIND_HEALTH, GH_REASON_OK, false, NOW + 1},
    {GH_KIND_HEALTH, GH_REASON_FORGED, false, NOW + 1},
    {GH_KIND_HEALTH, GH_REASON_NOT_YET_VALID, true, NOW + 1},
    {GH_KIND_STAFF, GH_REASON_OK, true, NOW + 1},
};
static const struct form housing_forms[] = {
    {GH_KIND_HOUSING, GH_REASON_OK, true, INT64_MAX},
    {GH_KIND_HOUSING, GH_REASON_OK, true, NOW - 1},
    {GH_KIND_HOUSING, GH_REASON_OK, false, INT64_MAX},
    {GH_KIND_HOUSING, GH_REASON_WRONG_KEY, false, INT64_MAX},
};

struct world {
    struct scene scene;
    size_t health_form, housing_form; /* one behind the last: none was shown */
    bool reached[GH_REASON_COUNT];
    unsigned long opened, decided;
};

/* Written from the promises, not from the body. */
static bool may_open(const struct world *world)
{
    const struct scene *scene = &world->scene;
    const struct gh_answers *answers = &scene->answers;
    bool housing_shown = world->housing_form < GH_ARRAY_SIZE(housing_forms);

    if (world->health_form != 0 || scene->health.colour != GH_COLOUR_GREEN)
        return false;
    if (!answers->have_list || !scene->in.clock_trusted ||
        NOW - answers->issued_at_s > scene->policy.list_max_age_s)
        return false;
    if (!answers->subject_known || answers->subject_colour != GH_COLOUR_GREEN ||
        answers->health_revoked)
        return false;
    /* What is wrong with a code that was shown is never passed over. */
    if (housing_shown && (world->housing_form != 0 || answers->housing_revoked))
        return false;
    switch (scene->policy.home_rule) {
    case GH_HOME_NONE:
        return true;
    case GH_HOME_MEMBER:
        return answers->subject_has_home;
    case GH_HOME_CODE:
        return housing_shown && answers->subject_has_home && answers->home_approved &&
               answers->member;
    }
    return false;
}

static void check_one(struct world *world)
{
    struct scene *scene = &world->scene;
    struct gh_decision decision = gh_decide(&scene->in);

    world->decided++;
    world->opened += decision.outcome == GH_OUTCOME_OPEN;
    if ((unsigned)decision.reason >= GH_REASON_COUNT)
        fail_msg("reason %d", decision.reason);
    world->reached[decision.reason] = true;
    if ((decision.outcome == GH_OUTCOME_OPEN) != may_open(world))
        fail_msg("%s (%s)", gh_outcome_token(decision.outcome),
                 gh_reason_info(decision.reason)->token);
    if (decision.outcome != gh_reason_info(decision.reason)->outcome)
        fail_msg("outcome and reason disagree: %s", gh_reason_info(decision.reason)->token);
    if (decision.outcome == GH_OUTCOME_WAIT && scene->in.final)
        fail_msg("waits for ever");
}

/* One bit a question. */
static void set_answers(struct world *world, unsigned bits)
{
    static const int64_t ages[] = {0, MAX_AGE, MAX_AGE + 1, MAX_AGE};
    struct scene *scene = &world->scene;

    scene->answers = (struct gh_answers){
        .generation = 7,
        .have_list = bits & 1,
        .subject_known = bits & 2,
        .subject_has_home = bits & 4,
        .home_approved = bits & 8,
        .member = bits & 16,
        .health_revoked = bits & 32,
        .housing_revoked = bits & 64,
    };
    scene->in.clock_trusted = bits & 128;
    scene->in.final = bits & 256;
    scene->answers.issued_at_s = NOW - ages[bits >> 9 & 3];
}

static void check_answers(struct world *world)
{
    struct scene *scene = &world->scene;

    for (unsigned bits = 0; bits < 1u << 11; bits++) {
        set_answers(world, bits);
        for (int list = GH_COLOUR_NONE; list <= GH_COLOUR_RED + 1; list++) {
            scene->answers.subject_colour = (enum gh_colour)list;
            for (int code = GH_COLOUR_NONE; code <= GH_COLOUR_RED + 1; code++) {
                scene->health.colour = (enum gh_colour)code;
                check_one(world);
            }
        }
    }
}

static const struct gh_credential *formed(struct gh_credential *code, const struct form *form)
{
    code->kind = form->kind;
    code->reason = form->reason;
    code->authentic = form->authentic;
    code->expires_at_s = form->expires_at_s;
    return code;
}

static void set_forms(struct world *world)
{
    struct scene *scene = &world->scene;
    size_t health = world->health_form, housing = world->housing_form;

    scene->in.health = scene->in.housing = NULL;
    if (health < GH_ARRAY_SIZE(health_forms))
        scene->in.health = formed(&scene->health, &health_forms[health]);
    if (housing < GH_ARRAY_SIZE(housing_forms))
        scene->in.housing = formed(&scene->housing, &housing_forms[housing]);
}

static void test_opens_only_if(void **state)
{
    (void)state;
    static const enum gh_reason never[] = {
        /* not decided here, or (the rest) only for a code that is alone: test_other */
        GH_REASON_JOURNAL_UNAVAILABLE, GH_REASON_NOT_ENROLLED,
        GH_REASON_DOOR_FAILED,         GH_REASON_FOREIGN,
        GH_REASON_MALFORMED,           GH_REASON_TOO_LONG,
    };
    struct world world = {.decided = 0};

    good_scene(&world.scene);
    for (int rule = GH_HOME_NONE; rule <= GH_HOME_CODE; rule++) {
        world.scene.policy.home_rule = (enum gh_home_rule)rule;
        for (size_t health = 0; health <= GH_ARRAY_SIZE(health_forms); health++) {
            for (size_t housing = 0; housing <= GH_ARRAY_SIZE(housing_forms); housing++) {
                world.health_form = health;
                world.housing_form = housing;
                set_forms(&world);
                check_answers(&world);
            }
        }
    }
    assert_true(world.opened > 0);
    assert_true(world.decided > 5000000);
    for (int reason = 0; reason < GH_REASON_COUNT; reason++) {
        bool expected = true;
        for (size_t i = 0; i < GH_ARRAY_SIZE(never); i++)
            expected = expected && (int)never[i] != reason;
        if (world.reached[reason] != expected)
            fail_msg("%s was %sreached", gh_reason_info((enum gh_reason)reason)->token,
                     expected ? "not " : "");
    }
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
        cmocka_unit_test(test_expiry_edges),
        cmocka_unit_test(test_home_rules),
        cmocka_unit_test(test_no_waiting_in_vain),
        cmocka_unit_test(test_other),
        cmocka_unit_test(test_opens_only_if),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
