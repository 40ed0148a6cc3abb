/* SPDX-License-Identifier: Apache-2.0 */
/* The decision: a pure function of policy, list, credentials, time and the gate's own state. */
#ifndef GATEHOUSE_SRC_GATE_DECIDE_H
#define GATEHOUSE_SRC_GATE_DECIDE_H

#include <stdbool.h>

#include "gatehouse/credential.h"
#include "gatehouse/list.h"
#include "gatehouse/policy.h"

/* What a person is known by: our own health code, a foreign certificate, or what the health
 * authority answered for. */
static inline bool gh_is_person(const struct gh_credential *credential)
{
    return gh_kind_is_health(credential->kind) || credential->upstream;
}

struct gh_decide_input {
    const struct gh_policy *policy;
    const struct gh_answers *answers;    /* what the list says about health and housing, or about
                                            other where that is an authentic one of these */
    const struct gh_credential *health;  /* an authentic gh_is_person code in time, or NULL */
    const struct gh_credential *housing; /* an authentic housing code in time, or NULL */
    const struct gh_credential
        *other; /* a code that is neither: decided alone, health and housing are NULL */
    /* Of the gate and its door. */
    bool interlocked; /* the other door of a lock is not shut */
    bool passed_back; /* the person, known by an identifier, went this way last, and has not come
                         back since, as far as policy.passback remembers */
    bool measured;    /* a temperature that still counts, of nobody else: */
    int64_t temperature_millic;
    int64_t now_s;
    bool clock_trusted; /* and has been since the codes were read */
    bool
        final; /* no further code will come: the time-out passed, or somebody else is at the gate */
};

struct gh_decision {
    enum gh_outcome outcome; /* WAIT never when final or when other is given */
    enum gh_reason reason;
    enum gh_colour colour; /* the worse of code and list; NONE where not known */
    enum gh_kind kind;     /* of the code that decided */
    int64_t list_age_s; /* of a list that is stale, or too old; 0: it is neither, there is none, or
                           the clock that would tell is not trusted */
};

/* Since the server last spoke for the list, in s; INT64_MAX: longer than can be told. One that was
 * signed a moment ahead of this clock is new: 0. */
int64_t gh_list_age_s(int64_t issued_at_s, int64_t now_s);

/* Checked in this order, the first that applies decides:
 *  1. what is wrong with the code itself (expiry is looked at again; whether a presentation was
 *     fresh is not: that was when it was shown);
 *  2. revocation;
 *  3. red, on the code, by the rules for certificates or on the list, even an old one: a refusal
 *     needs less certainty than an opening;
 *  4. a missing list;
 *  5. a clock that is not trusted: CLOCK_UNTRUSTED or CLOCK_REFUSED, by policy.clock. What 1 has to
 *     say about the time of an authentic code (EXPIRED, NOT_YET_VALID, STALE) counts only here,
 * since then it says nothing;
 *  6. a list that is too old: LIST_TOO_OLD or LIST_REFUSED, by policy.old_list. Only a trusted
 *     clock gets here: the age by another one is no age. A list that is merely stale changes
 *     nothing but list_age_s;
 *  7. yellow, on either;
 *  8. a certificate that does not count (no rule made it green);
 *  9. a person who is on no list: SUBJECT_UNKNOWN, but that policy.holder may ask holders of green
 *     certificates for the housing code of any approved home, or for nothing;
 * 10. the home rule, for everybody else;
 * 11. paper: what would open or wait by our own code, not presented by a phone, does what
 *     policy.paper says.
 * What would open after all that:
 * 12. temperature: FEVER from policy.temperature.limit_millic on, unless the rule is off; where it
 *     is required and there is none, WAIT_TEMPERATURE, and TEMPERATURE_MISSING when final;
 * 13. anti-passback, for people known by an identifier: PASSBACK, or PASSBACK_NOTED;
 * 14. the other door: INTERLOCK. */
struct gh_decision gh_decide(const struct gh_decide_input *input);

/* Whether rules 12 to 14 gave this reason, or nothing is left to be said: the person has shown what
 * there is to be shown, and it is good. */
bool gh_codes_in_order(enum gh_reason reason);

#endif
