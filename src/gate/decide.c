/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/decide.h"

static enum gh_colour worse(enum gh_colour a, enum gh_colour b)
{
    return a > b ? a : b;
}

static bool list_too_old(const struct gh_decide_input *in)
{
    return in->now_s - in->answers->issued_at_s > in->policy->list_max_age_s;
}

/* What is wrong with a code by itself. It was in time when it was read, which may be a while ago:
 * the other one was waited for. */
static enum gh_reason code_reason(const struct gh_credential *code, enum gh_kind kind,
                                  int64_t now_s)
{
    if (code->reason != GH_REASON_OK)
        return code->reason;
    if (!code->authentic || code->kind != kind)
        return GH_REASON_UNSUPPORTED;
    bool expired = code->expires_at_s != INT64_MAX && now_s >= code->expires_at_s;
    return expired ? GH_REASON_EXPIRED : GH_REASON_OK;
}

/* What is wrong with the codes that were shown, whatever they are needed for, and with which. */
static enum gh_reason codes_reason(const struct gh_decide_input *in, enum gh_kind *kind)
{
    enum gh_reason health = GH_REASON_OK, housing = GH_REASON_OK;

    if (in->health)
        health = code_reason(in->health, GH_KIND_HEALTH, in->now_s);
    if (in->housing)
        housing = code_reason(in->housing, GH_KIND_HOUSING, in->now_s);
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
        return GH_REASON_CLOCK_UNTRUSTED;
    if (list_too_old(in))
        return GH_REASON_LIST_TOO_OLD;
    return GH_REASON_OK;
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
        return in->final ? GH_REASON_HOUSING_MISSING : GH_REASON_WAIT_HOUSING;
    if (!answers->home_approved)
        return GH_REASON_HOME_UNKNOWN;
    return answers->member ? GH_REASON_OK : GH_REASON_NOT_MEMBER;
}

static enum gh_reason health_reason(const struct gh_decide_input *in, enum gh_colour colour)
{
    if (colour == GH_COLOUR_RED)
        return GH_REASON_RED;

    enum gh_reason reason = gate_reason(in);
    if (reason != GH_REASON_OK)
        return reason;
    if (colour == GH_COLOUR_YELLOW)
        return GH_REASON_YELLOW;
    if (!in->answers->subject_known)
        return GH_REASON_SUBJECT_UNKNOWN;
    /* A colour that is missing, on either, is none that anybody may be let in by. */
    if (colour != GH_COLOUR_GREEN || in->health->colour != in->answers->subject_colour)
        return GH_REASON_UNSUPPORTED;
    return home_reason(in);
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

static enum gh_reason other_reason(const struct gh_decide_input *in)
{
    /* True, but of a kind that opens nothing: visitors, staff, a second enrolment. */
    if (in->other->reason == GH_REASON_OK)
        return GH_REASON_UNSUPPORTED;
    /* Without a list no issuer is known: that is not the code's fault. */
    if (in->other->reason == GH_REASON_FOREIGN && !in->answers->have_list)
        return GH_REASON_LIST_MISSING;
    return in->other->reason;
}

struct gh_decision gh_decide(const struct gh_decide_input *in)
{
    struct gh_decision decision = {.colour = GH_COLOUR_NONE};

    if (in->other) {
        decision.kind = in->other->kind;
        decision.reason = other_reason(in);
    } else if (!in->health && !in->housing) {
        decision.kind = GH_KIND_UNKNOWN;
        decision.reason = GH_REASON_NOT_A_CODE;
    } else {
        decision.kind = in->health ? GH_KIND_HEALTH : GH_KIND_HOUSING;
        if (in->health)
            decision.colour = worse(in->health->colour, in->answers->subject_colour);
        decision.reason = codes_reason(in, &decision.kind);
        if (decision.reason == GH_REASON_OK)
            decision.reason =
                in->health ? health_reason(in, decision.colour) : housing_alone_reason(in);
    }
    decision.outcome = gh_reason_info(decision.reason)->outcome;
    return decision;
}
