/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/passage.h"

#include <string.h>

#include "gate/decide.h"
#include "gate/passage_parts.h"
#include "gatehouse/clock.h"

void gh_passage_set_policy(struct gh_passage *passage, const struct gh_policy *policy)
{
    passage->timeout_ns = policy->passage_timeout_ms * GH_NS_PER_MS;
    passage->debounce_ns = policy->debounce_ms * GH_NS_PER_MS;
}

void gh_passage_init(struct gh_passage *passage, const struct gh_policy *policy)
{
    memset(passage, 0, sizeof(*passage));
    passage->decided_ns = INT64_MIN;
    gh_passage_set_policy(passage, policy);
}

/* --- sightings --- */

/* Whether somebody is there to whom a card that is shown now would belong. */
static bool somebody_is_here(const struct gh_passage *passage, int64_t now_ns)
{
    if (passage->decided_ns != INT64_MIN && now_ns - passage->decided_ns < passage->debounce_ns)
        return true;
    for (size_t i = 0; i < GH_PASSAGE_CODES_MAX; i++) {
        const struct gh_passage_code *code = &passage->codes[i];
        if (gh_passage_is_person(code) &&
            (code->state == GH_PASSAGE_WAITING ||
             (code->state == GH_PASSAGE_RESTING && gh_passage_in_sight(passage, code, now_ns))))
            return true;
    }
    return false;
}

/* Who has shown everything and waits to be measured need not show it again. */
static void inherit(struct gh_passage_code *code, const struct gh_passage_code *before)
{
    if (!before->unmeasured)
        return;
    code->unmeasured = true;
    code->has_card = before->has_card;
    code->card = before->card;
}

/* Another code of a person who is here already: a phone shows a new one every few seconds. It takes
 * the place of the one before, and neither waits anew nor enters again. */
static void succeed(struct gh_passage *passage, struct gh_passage_code *code, int64_t now_ns)
{
    for (size_t i = 0; i < GH_PASSAGE_CODES_MAX; i++) {
        struct gh_passage_code *before = &passage->codes[i];
        if (before == code || !gh_passage_is_person(before) ||
            !gh_passage_same_person(&before->credential, &code->credential))
            continue;
        if (before->state == GH_PASSAGE_WAITING) {
            code->timeout_at_ns = before->timeout_at_ns;
            gh_passage_wait_until(code, before->deadline_ns);
            code->asked = before->asked;
            inherit(code, before);
        } else if (before->state == GH_PASSAGE_SPENT && !before->denied &&
                   gh_passage_in_sight(passage, before, now_ns)) {
            code->state = GH_PASSAGE_SPENT;
        } else if (before->state == GH_PASSAGE_RESTING &&
                   gh_passage_in_sight(passage, before, now_ns)) {
            gh_passage_rest(code);
            inherit(code, before);
        }
        before->state = GH_PASSAGE_SPENT;
        before->denied = true;
    }
}

bool gh_passage_see(struct gh_passage *passage, const struct gh_credential *credential,
                    int64_t now_ns)
{
    struct gh_passage_code *code = gh_passage_remember(passage, credential, now_ns);

    if (!code)
        return false;
    if (gh_passage_is_person(code)) {
        code->timeout_at_ns = now_ns + passage->timeout_ns;
        gh_passage_wait_until(code, code->timeout_at_ns);
        succeed(passage, code, now_ns);
    } else if (gh_passage_is_card(code)) {
        if (!somebody_is_here(passage, now_ns))
            gh_passage_wait_until(code, now_ns + passage->timeout_ns);
    } else if (!gh_passage_is_waited_for(credential)) {
        passage->other = *credential;
        passage->has_other = true;
    }
    return true;
}

bool gh_passage_is_here(const struct gh_passage *passage, const struct gh_credential *credential,
                        int64_t now_ns)
{
    for (size_t i = 0; i < GH_PASSAGE_CODES_MAX; i++) {
        const struct gh_passage_code *code = &passage->codes[i];
        if (code->state != GH_PASSAGE_FREE && gh_passage_same_code(&code->credential, credential) &&
            now_ns - code->last_ns < passage->timeout_ns)
            return true;
    }
    return false;
}

/* --- who is measured --- */

bool gh_passage_measured(struct gh_passage *passage, int64_t now_ns)
{
    struct gh_passage_code *next = NULL;

    for (size_t i = 0; i < GH_PASSAGE_CODES_MAX; i++) {
        struct gh_passage_code *code = &passage->codes[i];
        bool waits =
            gh_passage_is_person(code) && code->unmeasured &&
            (code->state == GH_PASSAGE_WAITING ||
             (code->state == GH_PASSAGE_RESTING && gh_passage_in_sight(passage, code, now_ns)));
        if (waits && (!next || code->last_ns > next->last_ns ||
                      (code->last_ns == next->last_ns && code->shown_ns > next->shown_ns)))
            next = code;
    }
    if (next)
        next->again = true;
    return next != NULL;
}

/* --- steps --- */

/* Whoever came first is served first. */
static struct gh_passage_code *person_after(struct gh_passage *passage,
                                            const struct gh_passage_code *before)
{
    struct gh_passage_code *next = NULL;

    for (size_t i = 0; i < GH_PASSAGE_CODES_MAX; i++) {
        struct gh_passage_code *code = &passage->codes[i];
        if (!gh_passage_is_person(code) || code->state == GH_PASSAGE_SPENT)
            continue;
        bool later = !before || code->shown_ns > before->shown_ns ||
                     (code->shown_ns == before->shown_ns && code > before);
        if (later && (!next || code->shown_ns < next->shown_ns))
            next = code;
    }
    return next;
}

/* The newest card that this person has not been tried with. */
static struct gh_passage_code *untried_card(struct gh_passage *passage,
                                            const struct gh_passage_code *person, int64_t now_ns)
{
    struct gh_passage_code *newest = NULL;

    for (size_t i = 0; i < GH_PASSAGE_CODES_MAX; i++) {
        struct gh_passage_code *card = &passage->codes[i];
        if (!gh_passage_is_card(card) || (person->tried & (UINT32_C(1) << i)))
            continue;
        if ((card->state == GH_PASSAGE_WAITING || gh_passage_in_sight(passage, card, now_ns)) &&
            (!newest || card->last_ns > newest->last_ns))
            newest = card;
    }
    return newest;
}

static bool ask_person(struct gh_passage *passage, struct gh_passage_code *person, int64_t now_ns,
                       struct gh_passage_step *step)
{
    bool waiting = person->state == GH_PASSAGE_WAITING;
    bool shows = !person->unmeasured && (waiting || gh_passage_in_sight(passage, person, now_ns));
    struct gh_passage_code *card = shows ? untried_card(passage, person, now_ns) : NULL;

    passage->asked_code = person;
    passage->asked_card = card;
    step->has_health = true;
    step->health = person->credential;
    step->seen_ns = person->last_ns;
    if (card) {
        passage->asked = GH_ASKED_PAIR;
        step->has_housing = true;
        step->housing = card->credential;
        return true;
    }
    if (waiting && !person->asked) {
        passage->asked = GH_ASKED_ALONE;
        return true;
    }
    if (waiting && now_ns >= person->deadline_ns) {
        passage->asked = GH_ASKED_FINAL;
        step->final = true;
        step->has_housing = person->has_card;
        step->housing = person->card;
        return true;
    }
    return false;
}

static bool ask_card(struct gh_passage *passage, struct gh_passage_code *card, int64_t now_ns,
                     struct gh_passage_step *step)
{
    bool over = now_ns >= card->deadline_ns;

    if (card->asked && !over)
        return false;
    passage->asked = over ? GH_ASKED_FINAL : GH_ASKED_ALONE;
    passage->asked_code = card;
    step->final = over;
    step->has_housing = true;
    step->housing = card->credential;
    step->seen_ns = card->last_ns;
    return true;
}

/* The one for whom a reading came; before all others, whose it is not. */
static bool ask_again(struct gh_passage *passage, struct gh_passage_step *step)
{
    for (size_t i = 0; i < GH_PASSAGE_CODES_MAX; i++) {
        struct gh_passage_code *person = &passage->codes[i];
        if (!gh_passage_is_person(person) || person->state == GH_PASSAGE_SPENT || !person->again)
            continue;
        passage->asked = GH_ASKED_AGAIN;
        passage->asked_code = person;
        passage->asked_card = NULL;
        step->has_health = true;
        step->health = person->credential;
        step->has_housing = person->has_card;
        step->housing = person->card;
        step->seen_ns = person->last_ns;
        return true;
    }
    return false;
}

bool gh_passage_next(struct gh_passage *passage, int64_t now_ns, struct gh_passage_step *step)
{
    *step = (struct gh_passage_step){.final = false};
    if (passage->has_other) {
        passage->asked = GH_ASKED_OTHER;
        step->other = passage->other;
        step->seen_ns = now_ns;
        step->has_other = step->final = true;
        return true;
    }
    if (ask_again(passage, step))
        return true;
    for (struct gh_passage_code *person = person_after(passage, NULL); person;
         person = person_after(passage, person)) {
        if (ask_person(passage, person, now_ns, step))
            return true;
    }
    *step = (struct gh_passage_step){.final = false};
    for (size_t i = 0; i < GH_PASSAGE_CODES_MAX; i++) {
        struct gh_passage_code *card = &passage->codes[i];
        if (gh_passage_is_card(card) && card->state == GH_PASSAGE_WAITING &&
            ask_card(passage, card, now_ns, step))
            return true;
    }
    return false;
}

/* --- answers --- */

/* All codes of a person who was decided about; and cards that waited for somebody have found one.
 * Who went this way before is refused for what they did: another code of theirs does not help. */
static void spend(struct gh_passage *passage, const struct gh_credential *person,
                  enum gh_reason reason, int64_t now_ns)
{
    bool denied = gh_reason_info(reason)->outcome == GH_OUTCOME_DENY;

    passage->decided_ns = now_ns;
    for (size_t i = 0; i < GH_PASSAGE_CODES_MAX; i++) {
        struct gh_passage_code *code = &passage->codes[i];
        if (gh_passage_is_person(code) && gh_passage_same_person(&code->credential, person)) {
            code->state = GH_PASSAGE_SPENT;
            code->denied = denied && reason != GH_REASON_PASSBACK;
        } else if (gh_passage_is_card(code)) {
            gh_passage_rest(code);
        }
    }
}

/* The card was somebody else's, for whom it is in order: those beside them were not wrong, and keep
 * the time that they had. Unless it is theirs as well. */
static void forgive(struct gh_passage *passage, const struct gh_credential *card, int64_t now_ns)
{
    for (size_t i = 0; i < GH_PASSAGE_CODES_MAX; i++) {
        struct gh_passage_code *code = &passage->codes[i];
        if (!gh_passage_is_person(code) || !code->has_card || code->unmeasured ||
            !gh_passage_same_code(&code->card, card))
            continue;
        code->has_card = false;
        if (code->state == GH_PASSAGE_WAITING && now_ns < code->timeout_at_ns)
            gh_passage_wait_until(code, code->timeout_at_ns);
        else if (code->state == GH_PASSAGE_WAITING)
            gh_passage_rest(code);
    }
}

/* Everything was shown: what is missing is a reading, for which there is time anew. */
static void wait_for_reading(struct gh_passage *passage, struct gh_passage_code *person,
                             int64_t now_ns)
{
    if (person->unmeasured)
        return;
    person->unmeasured = true;
    person->timeout_at_ns = now_ns + passage->timeout_ns;
    gh_passage_wait_until(person, person->timeout_at_ns);
}

/* The card is theirs. */
static bool answer_in_order(struct gh_passage *passage, enum gh_reason reason, int64_t now_ns)
{
    struct gh_passage_code *person = passage->asked_code, *card = passage->asked_card;

    forgive(passage, &card->credential, now_ns);
    if (reason != GH_REASON_WAIT_TEMPERATURE) {
        spend(passage, &person->credential, reason, now_ns);
        return true;
    }
    person->asked = true;
    person->has_card = true;
    person->card = card->credential;
    gh_passage_rest(card);
    wait_for_reading(passage, person, now_ns);
    return true;
}

static bool answer_pair(struct gh_passage *passage, enum gh_reason reason, int64_t now_ns)
{
    struct gh_passage_code *person = passage->asked_code, *card = passage->asked_card;

    if (gh_codes_in_order(reason))
        return answer_in_order(passage, reason, now_ns);
    person->tried |= UINT32_C(1) << (card - passage->codes);
    /* A card that was shown for this person, and does not fit, wants an answer soon; one that
     * merely lies there does not. */
    if (card->state == GH_PASSAGE_WAITING || card->shown_ns > person->shown_ns) {
        int64_t soon_ns = now_ns + passage->debounce_ns;
        person->has_card = true;
        person->card = card->credential;
        if (person->state != GH_PASSAGE_WAITING || soon_ns < person->deadline_ns)
            gh_passage_wait_until(person, soon_ns);
    }
    gh_passage_rest(card);
    return false;
}

/* Nothing more will come in time. What a new card, or a reading, could change may still change. */
static void answer_final(struct gh_passage *passage, enum gh_reason reason, int64_t now_ns)
{
    struct gh_passage_code *person = passage->asked_code;

    if (gh_codes_in_order(reason) && reason != GH_REASON_TEMPERATURE_MISSING) {
        spend(passage, &person->credential, reason, now_ns);
        return;
    }
    person->unmeasured = reason == GH_REASON_TEMPERATURE_MISSING;
    passage->decided_ns = now_ns;
    gh_passage_rest(person);
}

static bool answer_code(struct gh_passage *passage, enum gh_reason reason, int64_t now_ns)
{
    struct gh_passage_code *code = passage->asked_code;
    bool waits = gh_reason_info(reason)->outcome == GH_OUTCOME_WAIT;

    code->asked = true;
    code->again = false;
    if (reason == GH_REASON_WAIT_TEMPERATURE)
        wait_for_reading(passage, code, now_ns);
    if (waits)
        return true;
    if (!gh_passage_is_person(code)) {
        gh_passage_rest(code);
    } else if (passage->asked == GH_ASKED_FINAL) {
        answer_final(passage, reason, now_ns);
    } else {
        spend(passage, &code->credential, reason, now_ns);
    }
    return true;
}

bool gh_passage_answer(struct gh_passage *passage, enum gh_reason reason, int64_t now_ns)
{
    bool stands = true;

    if (passage->asked == GH_ASKED_OTHER)
        passage->has_other = false;
    else if (passage->asked == GH_ASKED_PAIR)
        stands = answer_pair(passage, reason, now_ns);
    else if (passage->asked != GH_ASKED_NOTHING)
        stands = answer_code(passage, reason, now_ns);
    passage->asked = GH_ASKED_NOTHING;
    return stands;
}

int64_t gh_passage_deadline_ns(const struct gh_passage *passage)
{
    int64_t next_ns = INT64_MAX;

    for (size_t i = 0; i < GH_PASSAGE_CODES_MAX; i++) {
        const struct gh_passage_code *code = &passage->codes[i];
        if (code->state == GH_PASSAGE_WAITING && code->deadline_ns < next_ns)
            next_ns = code->deadline_ns;
    }
    return next_ns;
}
