/* SPDX-License-Identifier: Apache-2.0 */
/* decide.c: certificates of others, codes on paper, codes by a clock that nobody has confirmed, and
 * what the health authority answered. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "decide_scene.h"

#define DAY 86400

/* --- certificates --- */

static void add_rule(struct scene *scene, const char *text)
{
    struct gh_error err = {0};

    if (gh_rule_parse(text, &scene->policy.rules[scene->policy.rule_count++], &err) != GH_OK)
        fail_msg("%s: %s", text, err.text);
}

/* A vaccination of 100 days ago, whose holder is Anna on the list; it counts from 14 to 270 days.
 */
static void certificate_scene(struct scene *scene)
{
    good_scene(scene);
    add_rule(scene, "red test positive until 14d");
    add_rule(scene, "yellow recovery until 30d");
    add_rule(scene, "green vaccination from 14d until 270d");
    scene->health.kind = GH_KIND_HCERT;
    scene->health.colour = GH_COLOUR_NONE;
    scene->health.subject = 0x1234;
    scene->answers.subject = 2;
    scene->health.fact_count = 1;
    scene->health.facts[0] = (struct gh_fact){.group = GH_FACT_VACCINATION,
                                              .at_s = NOW - 100 * DAY,
                                              .from_s = INT64_MIN,
                                              .until_s = INT64_MAX,
                                              .dose = 2,
                                              .doses = 2,
                                              .disease = GH_DISEASE_COVID19};
}

static void stranger(struct scene *scene)
{
    scene->answers.subject_known = scene->answers.subject_has_home = scene->answers.member = false;
    scene->answers.subject_colour = GH_COLOUR_NONE;
    scene->answers.subject = scene->health.subject;
}

static void test_certificate(void **state)
{
    (void)state;
    static const enum gh_kind kinds[] = {GH_KIND_HCERT, GH_KIND_SHC};
    static const struct {
        int64_t days;
        enum gh_reason reason;
        enum gh_colour colour;
    } ages[] = {
        {-1, GH_REASON_CERTIFICATE_TOO_NEW, GH_COLOUR_GREEN},
        {13, GH_REASON_CERTIFICATE_TOO_NEW, GH_COLOUR_GREEN},
        {14, GH_REASON_OK, GH_COLOUR_GREEN},
        {270, GH_REASON_OK, GH_COLOUR_GREEN},
        {271, GH_REASON_CERTIFICATE_TOO_OLD, GH_COLOUR_GREEN},
    };
    struct scene scene;

    for (size_t k = 0; k < GH_ARRAY_SIZE(kinds); k++) {
        for (size_t i = 0; i < GH_ARRAY_SIZE(ages); i++) {
            certificate_scene(&scene);
            scene.health.kind = kinds[k];
            scene.health.facts[0].at_s = NOW - ages[i].days * DAY;
            assert_decision(&scene, ages[i].reason);
            assert_int_equal(gh_decide(&scene.in).kind, kinds[k]);
            assert_int_equal(gh_decide(&scene.in).colour, ages[i].colour);
        }
    }
    certificate_scene(&scene);
    scene.policy.rule_count = 0;
    assert_decision(&scene, GH_REASON_CERTIFICATE_NOT_COUNTED);
    certificate_scene(&scene);
    scene.health.fact_count = 0;
    assert_decision(&scene, GH_REASON_CERTIFICATE_NOT_COUNTED);
    certificate_scene(&scene);
    scene.health.colour = GH_COLOUR_GREEN; /* not its own word: there is no such word */
    scene.health.fact_count = 0;
    assert_decision(&scene, GH_REASON_CERTIFICATE_NOT_COUNTED);
}

static void test_certificate_colours(void **state)
{
    (void)state;
    struct scene scene;

    certificate_scene(&scene);
    scene.health.facts[0].group = GH_FACT_TEST;
    scene.health.facts[0].test = GH_TEST_NAAT;
    scene.health.facts[0].result = GH_RESULT_POSITIVE;
    scene.health.facts[0].at_s = NOW - DAY;
    assert_decision(&scene, GH_REASON_RED);
    scene.in.clock_trusted = false; /* refusing needs less certainty */
    assert_decision(&scene, GH_REASON_RED);
    certificate_scene(&scene);
    scene.health.facts[0].group = GH_FACT_RECOVERY;
    scene.health.facts[0].at_s = NOW - 20 * DAY;
    assert_decision(&scene, GH_REASON_YELLOW);
    scene.answers.subject_colour = GH_COLOUR_RED; /* the worse wins */
    assert_decision(&scene, GH_REASON_RED);

    certificate_scene(&scene);
    scene.answers.subject_colour = GH_COLOUR_YELLOW;
    assert_decision(&scene, GH_REASON_YELLOW);
    scene.health.fact_count = 0; /* also where the certificate says nothing */
    assert_decision(&scene, GH_REASON_YELLOW);
    scene.answers.subject_colour = GH_COLOUR_RED;
    assert_decision(&scene, GH_REASON_RED);
    certificate_scene(&scene);
    scene.answers.subject_colour = GH_COLOUR_NONE; /* known without a colour: nobody's word */
    assert_decision(&scene, GH_REASON_UNSUPPORTED);
    certificate_scene(&scene);
    scene.answers.health_revoked = true;
    assert_decision(&scene, GH_REASON_REVOKED);
    certificate_scene(&scene);
    scene.health.expires_at_s = NOW;
    assert_decision(&scene, GH_REASON_EXPIRED);
}

/* Linked to a person: as everybody else. */
static void test_linked_holder(void **state)
{
    (void)state;
    struct scene scene;

    certificate_scene(&scene);
    scene.policy.holder = GH_HOLDER_OPEN; /* not for those who are known */
    scene.answers.member = false;
    assert_decision(&scene, GH_REASON_NOT_MEMBER);
    scene.in.housing = NULL;
    assert_decision(&scene, GH_REASON_WAIT_HOUSING);
    scene.answers.subject_has_home = false;
    assert_decision(&scene, GH_REASON_NO_HOME);
}

static void test_unknown_holder(void **state)
{
    (void)state;
    struct scene scene;

    certificate_scene(&scene);
    stranger(&scene);
    assert_decision(&scene, GH_REASON_SUBJECT_UNKNOWN);
    scene.policy.holder = (enum gh_holder_rule)9; /* of a later version */
    assert_decision(&scene, GH_REASON_SUBJECT_UNKNOWN);

    scene.policy.holder = GH_HOLDER_HOME;
    assert_decision(&scene, GH_REASON_OK); /* whose home it is, is not asked */
    scene.answers.home_approved = false;
    assert_decision(&scene, GH_REASON_HOME_UNKNOWN);
    scene.in.housing = NULL;
    assert_decision(&scene, GH_REASON_WAIT_HOUSING);
    scene.in.final = true;
    assert_decision(&scene, GH_REASON_HOUSING_MISSING);
    scene.policy.home_rule = GH_HOME_NONE; /* for members */
    assert_decision(&scene, GH_REASON_HOUSING_MISSING);
    scene.policy.holder = GH_HOLDER_OPEN;
    scene.policy.home_rule = GH_HOME_CODE;
    assert_decision(&scene, GH_REASON_OK);

    scene.health.facts[0].at_s = NOW - 300 * DAY; /* only those that are green */
    assert_decision(&scene, GH_REASON_CERTIFICATE_TOO_OLD);
    scene.policy.rule_count = 0;
    assert_decision(&scene, GH_REASON_CERTIFICATE_NOT_COUNTED);
    good_scene(&scene); /* and never one of our own, whom we would know */
    stranger(&scene);
    scene.policy.holder = GH_HOLDER_OPEN;
    assert_decision(&scene, GH_REASON_SUBJECT_UNKNOWN);
}

/* --- what the health authority answered --- */

static void test_answered(void **state)
{
    (void)state;
    static const enum gh_kind kinds[] = {GH_KIND_UNKNOWN, GH_KIND_HCERT, GH_KIND_SHC};
    struct scene scene;

    for (size_t i = 0; i < GH_ARRAY_SIZE(kinds); i++) {
        good_scene(&scene);
        scene.health.kind = kinds[i];
        scene.health.upstream = true;
        scene.health.subject = 0;
        scene.health.expires_at_s = INT64_MAX;
        stranger(&scene);
        assert_decision(&scene, GH_REASON_SUBJECT_UNKNOWN);
        assert_int_equal(gh_decide(&scene.in).kind, kinds[i]);
        assert_int_equal(gh_decide(&scene.in).colour, GH_COLOUR_GREEN);
        scene.policy.holder = GH_HOLDER_HOME;
        assert_decision(&scene, GH_REASON_OK);
        scene.policy.holder = GH_HOLDER_OPEN;
        assert_decision(&scene, GH_REASON_OK);
        scene.policy.paper = GH_PAPER_DENY; /* about our own codes */
        assert_decision(&scene, GH_REASON_OK);
        scene.in.clock_trusted = false;
        assert_decision(&scene, GH_REASON_CLOCK_UNTRUSTED);
        scene.health.colour = GH_COLOUR_RED;
        assert_decision(&scene, GH_REASON_RED);
        scene.in.clock_trusted = true;
        scene.health.colour = GH_COLOUR_YELLOW;
        assert_decision(&scene, GH_REASON_YELLOW);
        scene.health.colour = GH_COLOUR_NONE;
        assert_decision(&scene, GH_REASON_UNSUPPORTED);
        scene.health.colour = GH_COLOUR_GREEN;
        scene.health.authentic = false;
        assert_decision(&scene, GH_REASON_UNSUPPORTED);
    }
    scene.in.other = &scene.other;
    scene.in.health = scene.in.housing = NULL;
    scene.other = scene.health;
    scene.other.reason = GH_REASON_UPSTREAM_REFUSED;
    assert_decision(&scene, GH_REASON_UPSTREAM_REFUSED);
    scene.other.reason = GH_REASON_UPSTREAM_UNREACHABLE;
    assert_decision(&scene, GH_REASON_UPSTREAM_UNREACHABLE);
}

/* --- paper --- */

static void test_paper(void **state)
{
    (void)state;
    static const enum gh_reason reasons[] = {
        [GH_PAPER_OPEN] = GH_REASON_OK,
        [GH_PAPER_GUARD] = GH_REASON_PAPER,
        [GH_PAPER_DENY] = GH_REASON_PAPER_REFUSED,
        [3] = GH_REASON_PAPER_REFUSED, /* of a later version: not less strict */
    };
    static const enum gh_form forms[] = {GH_FORM_PAPER, GH_FORM_NONE};
    struct scene scene;

    for (size_t rule = 0; rule < GH_ARRAY_SIZE(reasons); rule++) {
        for (size_t i = 0; i < GH_ARRAY_SIZE(forms); i++) {
            good_scene(&scene);
            scene.policy.paper = (enum gh_paper_rule)rule;
            scene.health.form = forms[i];
            assert_decision(&scene, reasons[rule]);
            scene.in.housing = NULL; /* nobody waits in vain */
            assert_decision(&scene, rule == GH_PAPER_OPEN ? GH_REASON_WAIT_HOUSING : reasons[rule]);
            scene.health.form = GH_FORM_PHONE;
            assert_decision(&scene, GH_REASON_WAIT_HOUSING);
            scene.health.form = forms[i];
            scene.answers.subject_has_home = false; /* what else is wrong stays what it is */
            assert_decision(&scene, GH_REASON_NO_HOME);
            scene.health.colour = GH_COLOUR_YELLOW;
            assert_decision(&scene, GH_REASON_YELLOW);
            scene.health.colour = GH_COLOUR_RED;
            assert_decision(&scene, GH_REASON_RED);
            good_scene(&scene);
            scene.policy.paper = (enum gh_paper_rule)rule;
            scene.health.form = forms[i];
            scene.in.clock_trusted = false;
            assert_decision(&scene, GH_REASON_CLOCK_UNTRUSTED);
        }
        certificate_scene(&scene); /* of which nobody can say what they are on */
        scene.policy.paper = (enum gh_paper_rule)rule;
        assert_decision(&scene, GH_REASON_OK);
    }
}

/* --- a clock that is not trusted --- */

static const enum gh_reason timely[] = {GH_REASON_EXPIRED, GH_REASON_NOT_YET_VALID,
                                        GH_REASON_STALE};

static void lost_in_time(struct scene *scene, enum gh_clock_rule rule)
{
    good_scene(scene);
    scene->policy.clock = rule;
    scene->in.clock_trusted = false;
    scene->in.health = scene->in.housing = NULL;
    scene->in.other = &scene->other;
    scene->other = scene->health;
}

static void test_clock(void **state)
{
    (void)state;
    struct scene scene;

    for (int rule = GH_CLOCK_GUARD; rule <= GH_CLOCK_DENY + 1; rule++) {
        enum gh_reason expected =
            rule == GH_CLOCK_GUARD ? GH_REASON_CLOCK_UNTRUSTED : GH_REASON_CLOCK_REFUSED;
        for (size_t i = 0; i < GH_ARRAY_SIZE(timely); i++) {
            lost_in_time(&scene, (enum gh_clock_rule)rule);
            scene.other.reason = timely[i];
            assert_decision(&scene, expected);
            scene.in.clock_trusted = true;
            assert_decision(&scene, timely[i]);
            scene.in.clock_trusted = false;
            scene.other.authentic = false; /* then it is not even a true code */
            assert_decision(&scene, timely[i]);
            scene.other.authentic = true;
            scene.answers.have_list = false;
            assert_decision(&scene, GH_REASON_LIST_MISSING);
            scene.answers.have_list = true;
            scene.other.colour = GH_COLOUR_RED;
            assert_decision(&scene, GH_REASON_RED);
            scene.other.colour = GH_COLOUR_GREEN;
            scene.answers.subject_colour = GH_COLOUR_RED;
            assert_decision(&scene, GH_REASON_RED);
            assert_int_equal(gh_decide(&scene.in).colour, GH_COLOUR_RED);
            scene.answers.health_revoked = true;
            assert_decision(&scene, GH_REASON_REVOKED);
        }
        /* What would open, and what would wait. */
        good_scene(&scene);
        scene.policy.clock = (enum gh_clock_rule)rule;
        scene.in.clock_trusted = false;
        assert_decision(&scene, expected);
        scene.health.expires_at_s = NOW - 1;
        assert_decision(&scene, expected);
        scene.in.housing = NULL;
        assert_decision(&scene, expected);
        scene.in.housing = &scene.housing;
        scene.in.health = NULL;
        scene.housing.expires_at_s = NOW - 1;
        assert_decision(&scene, expected);
    }
}

/* Forged stays forged; and what was shown before is a copy at any time. */
static void test_clock_is_no_excuse(void **state)
{
    (void)state;
    struct scene scene;

    for (int reason = GH_REASON_RED; reason < GH_REASON_DOOR_FAILED; reason++) {
        bool of_time = false;
        for (size_t i = 0; i < GH_ARRAY_SIZE(timely); i++)
            of_time = of_time || (int)timely[i] == reason;
        if (of_time)
            continue;
        for (int authentic = 0; authentic < 2; authentic++) {
            lost_in_time(&scene, GH_CLOCK_GUARD);
            scene.other.reason = (enum gh_reason)reason;
            scene.other.authentic = authentic;
            assert_decision(&scene, (enum gh_reason)reason);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_certificate),   cmocka_unit_test(test_certificate_colours),
        cmocka_unit_test(test_linked_holder), cmocka_unit_test(test_unknown_holder),
        cmocka_unit_test(test_answered),      cmocka_unit_test(test_paper),
        cmocka_unit_test(test_clock),         cmocka_unit_test(test_clock_is_no_excuse),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
