/* SPDX-License-Identifier: Apache-2.0 */
/* decide.c: over everything there is, what opens is exactly what the promises allow. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "decide_scene.h"

/* --- the safety property, over everything there is --- */

/* Codes as they may come: of each kind the first one is good. */
struct form {
    enum gh_kind kind;
    enum gh_reason reason;
    bool authentic;
    int64_t expires_at_s;
    enum gh_form form;
    bool upstream;
};
/* The good ones come first. */
enum { PAPER, PHONE, BARE, CERTIFICATE, CARD, ANSWERED, GOOD_FORMS };
static const struct form health_forms[] = {
    [PAPER] = {GH_KIND_HEALTH, GH_REASON_OK, true, NOW + 1, GH_FORM_PAPER, false},
    [PHONE] = {GH_KIND_HEALTH, GH_REASON_OK, true, NOW + 1, GH_FORM_PHONE, false},
    [BARE] = {GH_KIND_HEALTH, GH_REASON_OK, true, NOW + 1, GH_FORM_NONE, false},
    [CERTIFICATE] = {GH_KIND_HCERT, GH_REASON_OK, true, NOW + 1, GH_FORM_NONE, false},
    [CARD] = {GH_KIND_SHC, GH_REASON_OK, true, INT64_MAX, GH_FORM_NONE, false},
    [ANSWERED] = {GH_KIND_UNKNOWN, GH_REASON_OK, true, INT64_MAX, GH_FORM_NONE, true},
    {GH_KIND_HCERT, GH_REASON_OK, true, NOW, GH_FORM_NONE, false},
    {GH_KIND_HCERT, GH_REASON_OK, false, NOW + 1, GH_FORM_NONE, false},
    {GH_KIND_UNKNOWN, GH_REASON_OK, true, NOW + 1, GH_FORM_NONE, false},
    {GH_KIND_HEALTH, GH_REASON_OK, true, NOW, GH_FORM_NONE, false},
    {GH_KIND_HEALTH, GH_REASON_OK, false, NOW + 1, GH_FORM_NONE, false},
    {GH_KIND_HEALTH, GH_REASON_FORGED, false, NOW + 1, GH_FORM_NONE, false},
    {GH_KIND_HEALTH, GH_REASON_NOT_YET_VALID, true, NOW + 1, GH_FORM_NONE, false},
    {GH_KIND_STAFF, GH_REASON_OK, true, NOW + 1, GH_FORM_NONE, false},
};
static const struct form housing_forms[] = {
    {GH_KIND_HOUSING, GH_REASON_OK, true, INT64_MAX, GH_FORM_NONE, false},
    {GH_KIND_HOUSING, GH_REASON_OK, true, NOW - 1, GH_FORM_NONE, false},
    {GH_KIND_HOUSING, GH_REASON_OK, false, INT64_MAX, GH_FORM_NONE, false},
    {GH_KIND_HOUSING, GH_REASON_WRONG_KEY, false, INT64_MAX, GH_FORM_NONE, false},
};

struct world {
    struct scene scene;
    size_t health_form, housing_form; /* one behind the last: none was shown */
    bool reached[GH_REASON_COUNT];
    unsigned long opened, decided;
};

/* What the code says, to the town's rules: a vaccination may be too new, too old or of a kind that
 * does not count. */
static enum gh_colour colour_of(const struct world *world)
{
    const struct gh_credential *health = &world->scene.health;

    if (!gh_kind_is_certificate(health->kind) || health->upstream)
        return health->colour;
    return health->facts[0].group == GH_FACT_VACCINATION && health->fact_count == 1
               ? GH_COLOUR_GREEN
               : GH_COLOUR_NONE;
}

static bool home_allows(const struct world *world)
{
    const struct scene *scene = &world->scene;
    const struct gh_answers *answers = &scene->answers;
    bool housing_shown = world->housing_form < GH_ARRAY_SIZE(housing_forms);

    if (!answers->subject_known) {
        if (world->health_form < CERTIFICATE) /* our own, and nobody's */
            return false;
        if (scene->policy.holder == GH_HOLDER_OPEN)
            return true;
        return scene->policy.holder == GH_HOLDER_HOME && housing_shown && answers->home_approved;
    }
    if (answers->subject_colour != GH_COLOUR_GREEN)
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

/* Of the person and of the door, not of any code. */
static bool body_allows(const struct scene *scene)
{
    const struct gh_temperature_policy *temperature = &scene->policy.temperature;
    bool cool = scene->in.measured && scene->in.temperature_millic < temperature->limit_millic;

    if (scene->in.interlocked ||
        (scene->in.passed_back && scene->policy.passback.rule > GH_PASSBACK_SOFT))
        return false;
    if (temperature->rule == GH_TEMPERATURE_OFF)
        return true;
    return cool || (temperature->rule == GH_TEMPERATURE_OPTIONAL && !scene->in.measured);
}

/* Written from the promises, not from the body. */
static bool may_open(const struct world *world)
{
    const struct scene *scene = &world->scene;
    const struct gh_answers *answers = &scene->answers;
    bool housing_shown = world->housing_form < GH_ARRAY_SIZE(housing_forms);

    if (world->health_form >= GOOD_FORMS || colour_of(world) != GH_COLOUR_GREEN)
        return false;
    if (!answers->have_list || !scene->in.clock_trusted ||
        NOW - answers->issued_at_s > scene->policy.list_max_age_s)
        return false;
    /* What a list says of somebody holds, whether it calls them known or not. */
    if (answers->subject_colour > GH_COLOUR_GREEN || answers->health_revoked)
        return false;
    /* What is wrong with a code that was shown is never passed over. */
    if (housing_shown && (world->housing_form != 0 || answers->housing_revoked))
        return false;
    if ((world->health_form == PAPER || world->health_form == BARE) &&
        scene->policy.paper != GH_PAPER_OPEN)
        return false;
    return home_allows(world) && body_allows(scene);
}

/* The age is told whenever it may matter to whoever reads the entry, and only if it is one. */
static void check_age(const struct world *world, const struct gh_decision *decision)
{
    const struct scene *scene = &world->scene;
    int64_t age_s = NOW - scene->answers.issued_at_s;
    bool known = scene->answers.have_list && scene->in.clock_trusted;

    if (decision->list_age_s != (known && age_s > STALE_AGE ? age_s : 0))
        fail_msg("age %lld is told as %lld", (long long)age_s, (long long)decision->list_age_s);
    if ((decision->reason == GH_REASON_LIST_TOO_OLD ||
         decision->reason == GH_REASON_LIST_REFUSED) &&
        (!known || age_s <= MAX_AGE ||
         (decision->reason == GH_REASON_LIST_TOO_OLD) !=
             (scene->policy.old_list == GH_OLD_LIST_GUARD)))
        fail_msg("%s at %lld s", gh_reason_info(decision->reason)->token, (long long)age_s);
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
    check_age(world, &decision);
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
    static const int64_t ages[] = {STALE_AGE, MAX_AGE, MAX_AGE + 1, STALE_AGE + 1};
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

/* The rest of the policy, and what a certificate says: each of all there is, again and again, out
 * of step with everything else. */
static void vary(struct world *world)
{
    struct scene *scene = &world->scene;
    unsigned long n = world->decided / 7;

    scene->policy.paper = (enum gh_paper_rule)(n % 4); /* 3 is none: not less strict */
    scene->policy.holder = (enum gh_holder_rule)(n / 4 % 4);
    scene->policy.clock = (enum gh_clock_rule)(n / 16 % 3);
    scene->policy.old_list = (enum gh_old_list_rule)(n / 16 % 5 % 3);
    scene->health.facts[0].group = (enum gh_fact_group)(GH_FACT_VACCINATION + n / 48 % 2);
    scene->health.facts[0].test = n / 48 % 2 ? GH_TEST_NAAT : GH_TEST_ANY;
    scene->health.facts[0].result = n / 48 % 2 ? GH_RESULT_NEGATIVE : GH_RESULT_ANY;
    scene->health.fact_count = n / 96 % 3 != 0;
    /* Mostly as good as before, or too little of the rest would be seen. */
    unsigned long body = world->decided / 11 % 5 == 0 ? world->decided / 55 : 0;
    scene->policy.temperature.rule = (enum gh_temperature_rule)(body % 4);
    scene->policy.passback.rule = (enum gh_passback_rule)(body / 4 % 4);
    scene->in.measured = body / 16 % 2;
    scene->in.temperature_millic = body / 32 % 2 ? 37300 : 37299;
    scene->in.passed_back = body / 64 % 2;
    scene->in.interlocked = body / 128 % 7 == 1;
}

static void check_answers(struct world *world)
{
    struct scene *scene = &world->scene;

    for (unsigned bits = 0; bits < 1u << 11; bits++) {
        set_answers(world, bits);
        vary(world);
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
    code->form = form->form;
    code->upstream = form->upstream;
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
    /* The rest is not decided here, or only for a code that is alone: test_decide.c. */
    static const enum gh_reason reachable[] = {
        GH_REASON_OK,
        GH_REASON_PASSBACK_NOTED,
        GH_REASON_WAIT_HOUSING,
        GH_REASON_WAIT_HEALTH,
        GH_REASON_WAIT_TEMPERATURE,
        GH_REASON_YELLOW,
        GH_REASON_NO_HOME,
        GH_REASON_NOT_MEMBER,
        GH_REASON_HOME_UNKNOWN,
        GH_REASON_HOUSING_MISSING,
        GH_REASON_HEALTH_MISSING,
        GH_REASON_SUBJECT_UNKNOWN,
        GH_REASON_CERTIFICATE_NOT_COUNTED,
        GH_REASON_FEVER,
        GH_REASON_TEMPERATURE_MISSING,
        GH_REASON_PAPER,
        GH_REASON_LIST_MISSING,
        GH_REASON_LIST_TOO_OLD,
        GH_REASON_CLOCK_UNTRUSTED,
        GH_REASON_RED,
        GH_REASON_EXPIRED,
        GH_REASON_NOT_YET_VALID,
        GH_REASON_REVOKED,
        GH_REASON_PAPER_REFUSED,
        GH_REASON_CLOCK_REFUSED,
        GH_REASON_LIST_REFUSED,
        GH_REASON_PASSBACK,
        GH_REASON_INTERLOCK,
        GH_REASON_FORGED,
        GH_REASON_WRONG_KEY,
        GH_REASON_NOT_A_CODE,
        GH_REASON_UNSUPPORTED,
    };
    struct world world = {.decided = 0};

    good_scene(&world.scene);
    assert_int_equal(gh_rule_parse("green vaccination", &world.scene.policy.rules[0], NULL), GH_OK);
    world.scene.policy.rule_count = 1;
    world.scene.policy.temperature.limit_millic = 37300;
    strcpy(world.scene.health.facts[0].disease, GH_DISEASE_COVID19);
    world.scene.health.facts[0].at_s = NOW - 86400;
    world.scene.health.facts[0].from_s = INT64_MIN;
    world.scene.health.facts[0].until_s = INT64_MAX;
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
        bool expected = false;
        for (size_t i = 0; i < GH_ARRAY_SIZE(reachable); i++)
            expected = expected || (int)reachable[i] == reason;
        if (world.reached[reason] != expected)
            fail_msg("%s was %sreached", gh_reason_info((enum gh_reason)reason)->token,
                     expected ? "not " : "");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_opens_only_if),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
