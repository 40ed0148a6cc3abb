/* SPDX-License-Identifier: Apache-2.0 */
/* What the tests of decide share: a scene in which everything is good. Include it after cmocka.h.
 */
#ifndef GATEHOUSE_TESTS_UNIT_DECIDE_SCENE_H
#define GATEHOUSE_TESTS_UNIT_DECIDE_SCENE_H

#include "gate/decide.h"

#define NOW INT64_C(1600000000)
#define STALE_AGE 1200
#define MAX_AGE 3600

/* Everything that a decision is made from, good unless a test spoils it. */
struct scene {
    struct gh_policy policy;
    struct gh_answers answers;
    struct gh_credential health, housing, other;
    struct gh_decide_input in;
};

static inline void good_scene(struct scene *scene)
{
    *scene = (struct scene){
        .policy = {.home_rule = GH_HOME_CODE,
                   .passage_timeout_ms = 8000,
                   .debounce_ms = 3000,
                   .list_stale_age_s = STALE_AGE,
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

static inline void assert_decision(const struct scene *scene, enum gh_reason reason)
{
    struct gh_decision decision = gh_decide(&scene->in);

    assert_string_equal(gh_reason_info(decision.reason)->token, gh_reason_info(reason)->token);
    assert_int_equal(decision.outcome, gh_reason_info(reason)->outcome);
}

#endif
