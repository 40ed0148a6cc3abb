/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/decide.h"

static enum gh_colour worse(enum gh_colour a, enum gh_colour b)
{
    return a > b ? a : b;
}

int64_t gh_list_age_s(int64_t issued_at_s, int64_t now_s)
{
    int64_t age_s;

    if (now_s <= issued_at_s)
        return 0;
    return __builtin_sub_overflow(now_s, issued_at_s, &age_s) ? INT64_MAX : age_s;
}

static int64_t list_age(const struct gh_decide_input *in)
{
    return gh_list_age_s(in->answers->issued_at_s, in->now_s);
}

/* What the entry says of it. Too old is stale, whatever the policy calls stale. */
static int64_t told_age(const struct gh_decide_input *in)
{
    const struct gh_policy *policy = in->policy;

    if (!in->answers->have_list || !in->clock_trusted)
        return 0;
    int64_t age_s = list_age(in);
    return age_s > policy->list_stale_age_s || age_s > policy->list_max_age_s ? age_s : 0;
}

static enum gh_reason old_list_reason(const struct gh_policy *policy)
{
    return policy->old_list == GH_OLD_LIST_GUARD ? GH_REASON_LIST_TOO_OLD : GH_REASON_LIST_REFUSED;
}

static bool is_of_time(enum gh_reason reason)
{
    return reason == GH_REASON_EXPIRED || reason == GH_REASON_NOT_YET_VALID ||
           reason == GH_REASON_STALE;
}

static enum gh_reason clock_reason(const struct gh_policy *policy)
{
    return policy->clock == GH_CLOCK_GUARD ? GH_REASON_CLOCK_UNTRUSTED : GH_REASON_CLOCK_REFUSED;
}

/* What a person's code says by itself: its colour, or that of the rules; NONE and why not. */
static struct gh_judgement judge(const struct gh_decide_input *in, const struct gh_credential *code)
{
    if (gh_kind_is_certificate(code->kind) && !code->upstream)
        return gh_rules_judge(in->policy->rules, in->policy->rule_count, code->facts,
                              code->fact_count, code->issuer, in->now_s);
    return (struct gh_judgement){.colour = code->colour, .reason = GH_REASON_OK};
}

/* What is wrong with a code by itself. It was in time when it was read, which may be a while ago:
 * the other one was waited for. */
static enum gh_reason code_reason(const struct gh_decide_input *in,
                                  const struct gh_credential *code, bool of_the_kind)
{
    if (code->reason != GH_REASON_OK)
        return code->reason;
    if (!code->authentic || !of_the_kind)
        return GH_REASON_UNSUPPORTED;
    bool expired = code->expires_at_s != INT64_MAX && in->now_s >= code->expires_at_s;
    return expired && in->clock_trusted ? GH_REASON_EXPIRED : GH_REASON_OK;
}

/* What is wrong with the codes that were shown, whatever they are needed for, and with which. */
static enum gh_reason codes_reason(const struct gh_decide_input *in, enum gh_kind *kind)
{
    enum gh_reason health = GH_REASON_OK, housing = GH_REASON_OK;

    if (in->health)
        health = code_reason(in, in->health, gh_is_person(in->health));
    if (in->housing)
        housing = code_reason(in, in->housing, in->housing->kind == GH_KIND_HOUSING);
    if (health == GH_REASON_OK && housing == GH_REASON_OK) {
        if (in->health && in->answers->health_revoked)
            health = GH_REASON_REVOKED;
        else if (in->housing && in->answers->housing_revoked)
            housing = GH_REASON_REVOKED;
    }
    if (health != GH_REASON_OK)
        return health;
    if (housing != GH_REASON_OK)
        *kind = GH_KIND_HOUSING;
    return housing;
}

/* What has to hold before any code is believed in favour of its bearer. */
static enum gh_reason gate_reason(const struct gh_decide_input *in)
{
    if (!in->answers->have_list)
        return GH_REASON_LIST_MISSING;
    if (!in->clock_trusted)
        return clock_reason(in->policy);
    if (list_age(in) > in->policy->list_max_age_s)
        return old_list_reason(in->policy);
    return GH_REASON_OK;
}

static enum gh_reason no_housing_reason(const struct gh_decide_input *in)
{
    return in->final ? GH_REASON_HOUSING_MISSING : GH_REASON_WAIT_HOUSING;
}

static enum gh_reason home_reason(const struct gh_decide_input *in)
{
    const struct gh_answers *answers = in->answers;

    if (in->policy->home_rule == GH_HOME_NONE)
        return GH_REASON_OK;
    /* Who lives nowhere here need not stand and wait for a second code. */
    if (!answers->subject_has_home)
        return GH_REASON_NO_HOME;
    if (in->policy->home_rule == GH_HOME_MEMBER)
        return GH_REASON_OK;
    if (!in->housing)
        return no_housing_reason(in);
    if (!answers->home_approved)
        return GH_REASON_HOME_UNKNOWN;
    return answers->member ? GH_REASON_OK : GH_REASON_NOT_MEMBER;
}

/* Somebody who is on no list, green by somebody else's code. */
static enum gh_reason stranger_reason(const struct gh_decide_input *in)
{
    if (in->policy->holder == GH_HOLDER_OPEN)
        return GH_REASON_OK;
    if (in->policy->holder != GH_HOLDER_HOME)
        return GH_REASON_SUBJECT_UNKNOWN;
    if (!in->housing)
        return no_housing_reason(in);
    return in->answers->home_approved ? GH_REASON_OK : GH_REASON_HOME_UNKNOWN;
}

/* Our own code that no phone has presented can be copied. */
static enum gh_reason paper_reason(const struct gh_decide_input *in, enum gh_reason reason)
{
    enum gh_outcome outcome = gh_reason_info(reason)->outcome;

    if (in->health->kind != GH_KIND_HEALTH || in->health->form == GH_FORM_PHONE ||
        in->policy->paper == GH_PAPER_OPEN ||
        (outcome != GH_OUTCOME_OPEN && outcome != GH_OUTCOME_WAIT))
        return reason;
    return in->policy->paper == GH_PAPER_GUARD ? GH_REASON_PAPER : GH_REASON_PAPER_REFUSED;
}

static enum gh_reason temperature_reason(const struct gh_decide_input *in)
{
    const struct gh_temperature_policy *policy = &in->policy->temperature;

    if (policy->rule == GH_TEMPERATURE_OFF)
        return GH_REASON_OK;
    if (in->measured)
        return in->temperature_millic >= policy->limit_millic ? GH_REASON_FEVER : GH_REASON_OK;
    if (policy->rule == GH_TEMPERATURE_OPTIONAL)
        return GH_REASON_OK;
    return in->final ? GH_REASON_TEMPERATURE_MISSING : GH_REASON_WAIT_TEMPERATURE;
}

static enum gh_reason passback_reason(const struct gh_decide_input *in)
{
    enum gh_passback_rule rule = in->policy->passback.rule;

    if (!in->passed_back || rule == GH_PASSBACK_OFF)
        return GH_REASON_OK;
    return rule == GH_PASSBACK_SOFT ? GH_REASON_PASSBACK_NOTED : GH_REASON_PASSBACK;
}

/* The codes are in order: what else keeps this person from going through, now. */
static enum gh_reason person_reason(const struct gh_decide_input *in)
{
    enum gh_reason reason = temperature_reason(in);

    if (reason == GH_REASON_OK)
        reason = passback_reason(in);
    if (in->interlocked && gh_reason_info(reason)->outcome == GH_OUTCOME_OPEN)
        return GH_REASON_INTERLOCK;
    return reason;
}

bool gh_codes_in_order(enum gh_reason reason)
{
    switch (reason) {
    case GH_REASON_OK:
    case GH_REASON_WAIT_TEMPERATURE:
    case GH_REASON_FEVER:
    case GH_REASON_TEMPERATURE_MISSING:
    case GH_REASON_PASSBACK:
    case GH_REASON_PASSBACK_NOTED:
    case GH_REASON_INTERLOCK:
        return true;
    default:
        return false;
    }
}

static enum gh_reason health_reason(const struct gh_decide_input *in,
                                    const struct gh_judgement *judgement, enum gh_colour colour)
{
    const struct gh_answers *answers = in->answers;

    if (colour == GH_COLOUR_RED)
        return GH_REASON_RED;

    enum gh_reason reason = gate_reason(in);
    if (reason != GH_REASON_OK)
        return reason;
    if (colour == GH_COLOUR_YELLOW)
        return GH_REASON_YELLOW;
    if (judgement->reason != GH_REASON_OK)
        return judgement->reason;
    if (!answers->subject_known && in->health->kind == GH_KIND_HEALTH)
        return GH_REASON_SUBJECT_UNKNOWN;
    /* A colour that is missing, on either, is none that anybody may be let in by. */
    if (colour != GH_COLOUR_GREEN || judgement->colour != GH_COLOUR_GREEN ||
        (answers->subject_known && answers->subject_colour != GH_COLOUR_GREEN))
        return GH_REASON_UNSUPPORTED;
    reason = paper_reason(in, answers->subject_known ? home_reason(in) : stranger_reason(in));
    return reason == GH_REASON_OK ? person_reason(in) : reason;
}

static enum gh_reason housing_alone_reason(const struct gh_decide_input *in)
{
    enum gh_reason reason = gate_reason(in);
    if (reason != GH_REASON_OK)
        return reason;
    if (!in->answers->home_approved)
        return GH_REASON_HOME_UNKNOWN;
    return in->final ? GH_REASON_HEALTH_MISSING : GH_REASON_WAIT_HEALTH;
}

static enum gh_reason other_reason(const struct gh_decide_input *in, enum gh_colour colour)
{
    const struct gh_credential *other = in->other;

    /* True, but of a kind that opens nothing: visitors, staff, a second enrolment. */
    if (other->reason == GH_REASON_OK)
        return GH_REASON_UNSUPPORTED;
    /* Without a list no issuer is known: that is not the code's fault. */
    if (other->reason == GH_REASON_FOREIGN && !in->answers->have_list)
        return GH_REASON_LIST_MISSING;
    if (in->clock_trusted || !other->authentic || !is_of_time(other->reason))
        return other->reason;
    /* What does not hang on the time stands; what does means nothing. */
    if (in->answers->health_revoked || in->answers->housing_revoked)
        return GH_REASON_REVOKED;
    if (colour == GH_COLOUR_RED)
        return GH_REASON_RED;
    return in->answers->have_list ? clock_reason(in->policy) : GH_REASON_LIST_MISSING;
}

struct gh_decision gh_decide(const struct gh_decide_input *in)
{
    struct gh_decision decision = {.colour = GH_COLOUR_NONE, .list_age_s = told_age(in)};
    const struct gh_credential *code = in->other    ? in->other
                                       : in->health ? in->health
                                                    : in->housing;
    struct gh_judgement judgement = {.colour = GH_COLOUR_NONE};

    if (!code) {
        decision.kind = GH_KIND_UNKNOWN;
        decision.reason = GH_REASON_NOT_A_CODE;
        decision.outcome = gh_reason_info(decision.reason)->outcome;
        return decision;
    }
    decision.kind = code->kind;
    if (code->authentic && gh_is_person(code)) {
        judgement = judge(in, code);
        decision.colour = worse(judgement.colour, in->answers->subject_colour);
    }
    if (in->other) {
        decision.reason = other_reason(in, decision.colour);
    } else {
        decision.reason = codes_reason(in, &decision.kind);
        if (decision.reason == GH_REASON_OK)
            decision.reason = in->health ? health_reason(in, &judgement, decision.colour)
                                         : housing_alone_reason(in);
    }
    decision.outcome = gh_reason_info(decision.reason)->outcome;
    return decision;
}
