/* SPDX-License-Identifier: Apache-2.0 */
/* The passage: which codes belong together, and which were seen already. A state machine: sightings
 * and time in, steps to decide out; no thread, no clock, no I/O, no allocation.
 *
 *     gh_passage_see(p, credential, now) or nothing, when only time went by
 *     while (gh_passage_next(p, now, &step))
 *         decide; if (gh_passage_answer(p, reason, now)) the decision stands: record it, act on it
 *
 * A code that is held up is seen in many frames: it counts once, until it was out of sight for
 * debounce_ms. Each health code is a passage of its own; several may wait at once. Every housing
 * code in sight, or shown alone a moment before, is offered to every person who waits, but only in
 * their favour: where it does not open, they may still show another. So a family holds up one card,
 * a couple shows its codes in any order, and a neighbour's card on the counter hurts nobody. Who
 * shows no card that opens is decided about when passage_timeout_ms is over, or debounce_ms after a
 * card that did not fit. A person's next code takes the place of the one before. A housing code
 * alone asks for the health code, unless somebody was just decided about: then it is theirs. Codes
 * that are neither are steps of their own and disturb nobody; so is the picture of a phone's screen
 * (STALE, REPLAYED, UNPROVEN), also while the phone itself is in sight. "Health code" here is
 * whatever a person is known by (gh_is_person); codes that do not say whose they are count as a
 * person each.
 *
 * Whose codes are in order may have to be measured yet (WAIT_TEMPERATURE): they wait for a reading
 * for passage_timeout_ms more, whatever cards are shown meanwhile. One that comes
 * (gh_passage_measured) is for one of them, the one whose code was seen last, and among those seen
 * at once the one who came last: whoever waits longer has been asked to step up, and did not. Who
 * is still in sight when their time is over may be measured yet, as they may show another card.
 */
#ifndef GATEHOUSE_SRC_GATE_PASSAGE_H
#define GATEHOUSE_SRC_GATE_PASSAGE_H

#include <stdbool.h>

#include "gatehouse/credential.h"
#include "gatehouse/policy.h"

/* Codes remembered as in sight. While all places are taken by codes in sight a further one is
 * passed over, but that an authentic one takes the place of one that is not. */
#define GH_PASSAGE_CODES_MAX 16

enum gh_passage_state {
    GH_PASSAGE_FREE,    /* nothing here */
    GH_PASSAGE_WAITING, /* for its other half, until deadline_ns */
    GH_PASSAGE_RESTING, /* asks nothing: a card that serves others, or a person whose time was over,
                           whom a new card, or a reading, may still let in */
    GH_PASSAGE_SPENT,   /* decided about: must go out of sight before it counts again */
};

struct gh_passage_code {
    enum gh_passage_state state;
    struct gh_credential credential;
    int64_t shown_ns, last_ns; /* first and last seen */
    int64_t deadline_ns;
    int64_t timeout_at_ns; /* of a health code: the end of its whole time */
    bool denied;    /* SPENT by a refusal, which may have been the code's fault: another one of that
                       person counts */
    bool asked;     /* was decided about alone */
    uint32_t tried; /* of a health code: the cards, by place, that did not open for it */
    bool has_card;  /* of a health code: one of these was meant for it, */
    struct gh_credential card; /* the newest of those that was not somebody else's */
    bool unmeasured; /* of a health code: all is in order, with card if has_card: a reading is
                        missing */
    bool again;      /* one has come: to be decided about once more */
};

struct gh_passage {
    int64_t timeout_ns, debounce_ns;
    struct gh_passage_code codes[GH_PASSAGE_CODES_MAX];
    int64_t decided_ns; /* when a person was decided about last; INT64_MIN: never */
    bool has_other;
    struct gh_credential other; /* a code that is decided alone */
    /* what the last step asked */
    enum {
        GH_ASKED_NOTHING,
        GH_ASKED_OTHER,
        GH_ASKED_PAIR,
        GH_ASKED_ALONE,
        GH_ASKED_AGAIN,
        GH_ASKED_FINAL
    } asked;
    struct gh_passage_code *asked_code, *asked_card;
};

struct gh_passage_step {
    bool has_health, has_housing, has_other, final; /* as in gh_decide_input */
    struct gh_credential health, housing, other;
    int64_t seen_ns; /* when the one that it is about was in sight last, and was what it is */
};

void gh_passage_init(struct gh_passage *passage, const struct gh_policy *policy);
/* A new policy holds from the next code on; who waits keeps the deadline. */
void gh_passage_set_policy(struct gh_passage *passage, const struct gh_policy *policy);
/* now_ns: when the frame was captured; never earlier than in the call before. true: it is news, not
 * in sight as this before. A code whose reason is a WAIT (other parts, an answer) is remembered as
 * in sight and asks nothing: the caller says what is waited for. */
bool gh_passage_see(struct gh_passage *passage, const struct gh_credential *credential,
                    int64_t now_ns);
/* Whether this code was in sight less than passage_timeout_ms ago: what was asked about it in the
 * meantime still matters. */
bool gh_passage_is_here(const struct gh_passage *passage, const struct gh_credential *credential,
                        int64_t now_ns);
/* Somebody was measured. true: a person waits for that, and is the next step. */
bool gh_passage_measured(struct gh_passage *passage, int64_t now_ns);
/* true: *step has to be decided, and answered before the next call of see or next. */
bool gh_passage_next(struct gh_passage *passage, int64_t now_ns, struct gh_passage_step *step);
/* What gh_decide said. true: the decision stands (also a WAIT). false: forget it, another step may
 * follow. */
bool gh_passage_answer(struct gh_passage *passage, enum gh_reason reason, int64_t now_ns);
/* When next should be called though nothing was seen; INT64_MAX: never. */
int64_t gh_passage_deadline_ns(const struct gh_passage *passage);

#endif
