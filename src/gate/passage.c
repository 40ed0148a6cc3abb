/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/passage.h"

#include <string.h>

#include "gate/decide.h"
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

/* --- the codes in sight --- */

/* What a phone has shown, without the phone, as far as anybody can tell: a thing apart from the
 * phone itself, which may be in sight beside it and shows the same code. */
static bool is_copy(const struct gh_credential *credential)
{
    return credential->reason == GH_REASON_STALE || credential->reason == GH_REASON_REPLAYED ||
           credential->reason == GH_REASON_UNPROVEN;
}

static bool same_code(const struct gh_credential *a, const struct gh_credential *b)
{
    /* Identities are public: no constant time needed. */
    return a->kind == b->kind && is_copy(a) == is_copy(b) &&
           memcmp(a->identity, b->identity, GH_IDENTITY_BYTES) == 0;
}

static bool is_waited_for(const struct gh_credential *credential)
{
    return gh_reason_info(credential->reason)->outcome == GH_OUTCOME_WAIT;
}

/* The authority said yes or no; not that it cannot be reached, or knows nothing. */
static bool is_its_word(const struct gh_credential *credential)
{
    return credential->upstream &&
           (credential->reason == GH_REASON_OK || credential->reason == GH_REASON_UPSTREAM_REFUSED);
}

/* What was seen is no news of a code that is in sight as *known. The verdict is part of what was
 * seen: a code that expires, or whose key becomes known, while it is held up is news. But a copy
 * stays one however it is called; what the authority has answered for stays so, though the reader,
 * who cannot verify it, goes on saying less; and its word stands until it says another. */
static bool is_no_news(const struct gh_credential *known, const struct gh_credential *seen)
{
    return known->reason == seen->reason || is_copy(seen) || (known->upstream && !seen->upstream) ||
           (is_its_word(known) && !is_its_word(seen));
}

static bool is_card(const struct gh_passage_code *code)
{
    return code->state != GH_PASSAGE_FREE && code->credential.reason == GH_REASON_OK &&
           code->credential.kind == GH_KIND_HOUSING;
}

static bool is_person(const struct gh_passage_code *code)
{
    return code->state != GH_PASSAGE_FREE && code->credential.reason == GH_REASON_OK &&
           gh_is_person(&code->credential);
}

/* Codes that do not say whose they are are each somebody else's. */
static bool same_person(const struct gh_credential *a, const struct gh_credential *b)
{
    return a->subject == b->subject && (a->subject != 0 || same_code(a, b));
}

static bool in_sight(const struct gh_passage *passage, const struct gh_passage_code *code,
                     int64_t now_ns)
{
    return code->state != GH_PASSAGE_FREE && now_ns - code->last_ns < passage->debounce_ns;
}

/* Whether code may be forgotten for the sake of another one; the lower the better. */
static int worth(const struct gh_passage *passage, const struct gh_passage_code *code,
                 int64_t now_ns)
{
    if (code->state == GH_PASSAGE_FREE)
        return 0;
    if (!in_sight(passage, code, now_ns))
        return code->state == GH_PASSAGE_WAITING ? 2 : 1;
    return code->credential.authentic ? 4 : 3;
}

/* A place for a code that was not in sight; NULL: there is none for it. */
static struct gh_passage_code *place_for(struct gh_passage *passage,
                                         const struct gh_credential *credential, int64_t now_ns)
{
    struct gh_passage_code *place = &passage->codes[0];

    for (size_t i = 0; i < GH_PASSAGE_CODES_MAX; i++) {
        struct gh_passage_code *code = &passage->codes[i];
        if (code->state != GH_PASSAGE_FREE && same_code(&code->credential, credential))
            return code;
        int difference = worth(passage, code, now_ns) - worth(passage, place, now_ns);
        if (difference < 0 || (difference == 0 && code->last_ns < place->last_ns))
            place = code;
    }
    int least = worth(passage, place, now_ns);
    return least <= 2 || (least == 3 && credential->authentic) ? place : NULL;
}

/* The code's place, as if it had just been put there; NULL: it was in sight all along, or there is
 * no room. */
static struct gh_passage_code *remember(struct gh_passage *passage,
                                        const struct gh_credential *credential, int64_t now_ns)
{
    struct gh_passage_code *place = place_for(passage, credential, now_ns);

    if (!place)
        return NULL;
    if (in_sight(passage, place, now_ns) && same_code(&place->credential, credential) &&
        is_no_news(&place->credential, credential)) {
        place->last_ns = now_ns;
        return NULL;
    }
    *place = (struct gh_passage_code){
        .state = GH_PASSAGE_RESTING,
        .credential = *credential,
        .shown_ns = now_ns,
        .last_ns = now_ns,
        .deadline_ns = INT64_MAX,
    };
    for (size_t i = 0; i < GH_PASSAGE_CODES_MAX; i++)
        passage->codes[i].tried &= ~(UINT32_C(1) << (place - passage->codes));
    return place;
}

static void wait_until(struct gh_passage_code *code, int64_t deadline_ns)
{
    code->state = GH_PASSAGE_WAITING;
    code->deadline_ns = deadline_ns;
}

static void rest(struct gh_passage_code *code)
{
    code->state = GH_PASSAGE_RESTING;
    code->deadline_ns = INT64_MAX;
}

/* Whether somebody is there to whom a card that is shown now would belong. */
static bool somebody_is_here(const struct gh_passage *passage, int64_t now_ns)
{
    if (passage->decided_ns != INT64_MIN && now_ns - passage->decided_ns < passage->debounce_ns)
        return true;
    for (size_t i = 0; i < GH_PASSAGE_CODES_MAX; i++) {
        const struct gh_passage_code *code = &passage->codes[i];
        if (is_person(code) &&
            (code->state == GH_PASSAGE_WAITING ||
             (code->state == GH_PASSAGE_RESTING && in_sight(passage, code, now_ns))))
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
        if (before == code || !is_person(before) ||
            !same_person(&before->credential, &code->credential))
            continue;
        if (before->state == GH_PASSAGE_WAITING) {
            code->timeout_at_ns = before->timeout_at_ns;
            wait_until(code, before->deadline_ns);
            code->asked = before->asked;
            inherit(code, before);
        } else if (before->state == GH_PASSAGE_SPENT && !before->denied &&
                   in_sight(passage, before, now_ns)) {
            code->state = GH_PASSAGE_SPENT;
        } else if (before->state == GH_PASSAGE_RESTING && in_sight(passage, before, now_ns)) {
            rest(code);
            inherit(code, before);
        }
        before->state = GH_PASSAGE_SPENT;
        before->denied = true;
    }
}

bool gh_passage_see(struct gh_passage *passage, const struct gh_credential *credential,
                    int64_t now_ns)
{
    struct gh_passage_code *code = remember(passage, credential, now_ns);

    if (!code)
        return false;
    if (is_person(code)) {
        code->timeout_at_ns = now_ns + passage->timeout_ns;
        wait_until(code, code->timeout_at_ns);
        succeed(passage, code, now_ns);
    } else if (is_card(code)) {
        if (!somebody_is_here(passage, now_ns))
            wait_until(code, now_ns + passage->timeout_ns);
    } else if (!is_waited_for(credential)) {
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
        if (code->state != GH_PASSAGE_FREE && same_code(&code->credential, credential) &&
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
        bool waits = is_person(code) && code->unmeasured &&
                     (code->state == GH_PASSAGE_WAITING ||
                      (code->state == GH_PASSAGE_RESTING && in_sight(passage, code, now_ns)));
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
        if (!is_person(code) || code->state == GH_PASSAGE_SPENT)
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
        if (!is_card(card) || (person->tried & (UINT32_C(1) << i)))
            continue;
        if ((card->state == GH_PASSAGE_WAITING || in_sight(passage, card, now_ns)) &&
            (!newest || card->last_ns > newest->last_ns))
            newest = card;
    }
    return newest;
}

static bool ask_person(struct gh_passage *passage, struct gh_passage_code *person, int64_t now_ns,
                       struct gh_passage_step *step)
{
    bool waiting = person->state == GH_PASSAGE_WAITING;
    bool shows = !person->unmeasured && (waiting || in_sight(passage, person, now_ns));
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
        if (!is_person(person) || person->state == GH_PASSAGE_SPENT || !person->again)
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
        if (is_card(card) && card->state == GH_PASSAGE_WAITING &&
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
        if (is_person(code) && same_person(&code->credential, person)) {
            code->state = GH_PASSAGE_SPENT;
            code->denied = denied && reason != GH_REASON_PASSBACK;
        } else if (is_card(code)) {
            rest(code);
        }
    }
}

/* The card was somebody else's, for whom it is in order: those beside them were not wrong, and keep
 * the time that they had. Unless it is theirs as well. */
static void forgive(struct gh_passage *passage, const struct gh_credential *card, int64_t now_ns)
{
    for (size_t i = 0; i < GH_PASSAGE_CODES_MAX; i++) {
        struct gh_passage_code *code = &passage->codes[i];
        if (!is_person(code) || !code->has_card || code->unmeasured ||
            !same_code(&code->card, card))
            continue;
        code->has_card = false;
        if (code->state == GH_PASSAGE_WAITING && now_ns < code->timeout_at_ns)
            wait_until(code, code->timeout_at_ns);
        else if (code->state == GH_PASSAGE_WAITING)
            rest(code);
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
    wait_until(person, person->timeout_at_ns);
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
    rest(card);
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
            wait_until(person, soon_ns);
    }
    rest(card);
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
    rest(person);
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
    if (!is_person(code)) {
        rest(code);
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
