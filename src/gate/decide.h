/* SPDX-License-Identifier: Apache-2.0 */
/* The decision: a pure function of policy, list, credentials, time and the gate's own state. */
#ifndef GATEHOUSE_SRC_GATE_DECIDE_H
#define GATEHOUSE_SRC_GATE_DECIDE_H

#include <stdbool.h>

#include "gatehouse/credential.h"
#include "gatehouse/list.h"
#include "gatehouse/policy.h"

struct gh_decide_input {
    const struct gh_policy *policy;
    const struct gh_answers *answers;    /* what the list says about health and housing */
    const struct gh_credential *health;  /* an authentic health code in time, or NULL */
    const struct gh_credential *housing; /* an authentic housing code in time, or NULL */
    const struct gh_credential
        *other; /* a code that is neither: decided alone, health and housing are NULL */
    int64_t now_s;
    bool clock_trusted;
    bool
        final; /* no further code will come: the time-out passed, or somebody else is at the gate */
};

struct gh_decision {
    enum gh_outcome outcome; /* WAIT never when final or when other is given */
    enum gh_reason reason;
    enum gh_colour colour; /* the worse of code and list; NONE where not known */
    enum gh_kind kind;     /* of the code that decided */
};

/* Checked in this order, the first that applies decides: what is wrong with the code itself;
 * revocation; red (on the code or on the list, even an old one: a refusal needs less certainty than
 * an opening); a missing list; an untrusted clock; a list that is too old; yellow; an unknown
 * person; the home rule. */
struct gh_decision gh_decide(const struct gh_decide_input *input);

#endif
