/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "fakes/passage_world.h"
#include "gatehouse/clock.h"

struct gh_policy world_policy(int64_t timeout_ms, int64_t debounce_ms)
{
    return (struct gh_policy){.home_rule = GH_HOME_CODE,
                              .passage_timeout_ms = timeout_ms,
                              .debounce_ms = debounce_ms,
                              .list_stale_age_s = 1800,
                              .list_max_age_s = 3600};
}

void world_init(struct world *world)
{
    memset(world, 0, sizeof(*world));
    world->policy = world_policy(TIMEOUT_MS, DEBOUNCE_MS);
    world->home_code = true;
    world->now_ms = 1000000;
    gh_passage_init(&world->passage, &world->policy);
}

struct gh_credential world_code(char name)
{
    struct gh_credential code = {
        .reason = GH_REASON_OK, .authentic = true, .id = (gh_id)name, .expires_at_s = INT64_MAX};

    memset(code.identity, name, sizeof(code.identity));
    if (name >= 'A' && name <= 'Z') {
        code.kind = GH_KIND_HEALTH;
        code.subject = (gh_id)name;
        code.colour = GH_COLOUR_GREEN;
    } else if (name >= '1' && name <= '9') {
        code.kind = GH_KIND_HOUSING;
        code.home = (gh_id)(name - '0');
    } else {
        code.kind = GH_KIND_UNKNOWN;
        code.reason = GH_REASON_NOT_A_CODE;
        code.authentic = false;
    }
    return code;
}

bool world_lives_in(gh_id subject, gh_id home)
{
    return (home == 1 && ((subject >= 'A' && subject <= 'C') || subject == 'P')) ||
           (home == 2 && subject == 'D');
}

/* All is in order: but for what is measured. 'P' has gone this way before. */
static enum gh_reason decide_person(const struct world *world, const struct gh_passage_step *step)
{
    if (world->temperature && !world->measured)
        return step->final ? GH_REASON_TEMPERATURE_MISSING : GH_REASON_WAIT_TEMPERATURE;
    if (world->temperature && world->fever)
        return GH_REASON_FEVER;
    return step->health.subject == 'P' ? GH_REASON_PASSBACK : GH_REASON_OK;
}

static enum gh_reason decide(const struct world *world, const struct gh_passage_step *step)
{
    if (step->has_other)
        return GH_REASON_NOT_A_CODE;
    if (step->has_health && step->health.subject == 'R')
        return GH_REASON_RED;
    if (!step->has_health)
        return step->final ? GH_REASON_HEALTH_MISSING : GH_REASON_WAIT_HEALTH;
    if (!world->home_code)
        return decide_person(world, step);
    if (!step->has_housing)
        return step->final ? GH_REASON_HOUSING_MISSING : GH_REASON_WAIT_HOUSING;
    return world_lives_in(step->health.subject, step->housing.home) ? decide_person(world, step)
                                                                    : GH_REASON_NOT_MEMBER;
}

static void write_down(struct world *world, const struct gh_passage_step *step,
                       enum gh_outcome outcome)
{
    char *at = world->trace + strlen(world->trace);
    size_t left = sizeof(world->trace) - (size_t)(at - world->trace);
    char codes[8] = "";
    size_t count = 0;

    if (step->has_health)
        codes[count++] = (char)step->health.id;
    if (step->has_housing)
        codes[count++] = (char)step->housing.id;
    if (step->has_other)
        codes[count++] = (char)step->other.id;
    if (step->final && !step->has_other)
        codes[count++] = '!';
    snprintf(at, left, "%s%s(%s)", at == world->trace ? "" : " ", gh_outcome_token(outcome), codes);
    if (outcome == GH_OUTCOME_OPEN)
        world->opened++;
}

static void settle(struct world *world)
{
    struct gh_passage_step step;
    int rounds = 0;

    while (gh_passage_next(&world->passage, world->now_ms * GH_NS_PER_MS, &step)) {
        /* Nothing is decided that nobody showed, and what stands alone stands alone. */
        assert_true(step.has_health || step.has_housing || step.has_other);
        assert_false(step.has_other && (step.has_health || step.has_housing));
        enum gh_reason reason = decide(world, &step);
        enum gh_outcome outcome = gh_reason_info(reason)->outcome;
        assert_true(++rounds < 10 * GH_PASSAGE_CODES_MAX); /* it comes to an end */
        if (!gh_passage_answer(&world->passage, reason, world->now_ms * GH_NS_PER_MS))
            continue;
        write_down(world, &step, outcome);
        if (step.has_health && outcome != GH_OUTCOME_WAIT)
            world->measured = false; /* a reading is one person's */
    }
}

void world_see_code(struct world *world, const struct gh_credential *code)
{
    gh_passage_see(&world->passage, code, world->now_ms * GH_NS_PER_MS);
    settle(world);
}

void world_see(struct world *world, const char *names)
{
    for (; *names; names++) {
        struct gh_credential code = world_code(*names);
        world_see_code(world, &code);
    }
}

void world_pass_ms(struct world *world, int64_t ms)
{
    world->now_ms += ms;
    settle(world);
}

void world_hold(struct world *world, const char *names, int64_t ms)
{
    for (int64_t gone = 0; gone < ms; gone += FRAME_MS) {
        world_see(world, names);
        world_pass_ms(world, FRAME_MS);
    }
}

void world_measure(struct world *world, bool fever)
{
    world->measured = true;
    world->fever = fever;
    (void)gh_passage_measured(&world->passage, world->now_ms * GH_NS_PER_MS);
    settle(world);
}

int64_t world_deadline_ms(const struct world *world)
{
    return gh_passage_deadline_ns(&world->passage) / GH_NS_PER_MS;
}

void world_assert_quiet(const struct world *world)
{
    assert_true(gh_passage_deadline_ns(&world->passage) == INT64_MAX);
}
