/* SPDX-License-Identifier: Apache-2.0 */
/* The codes in sight. */
#include <string.h>

#include "gate/decide.h"
#include "gate/passage_parts.h"

/* What a phone has shown, without the phone, as far as anybody can tell: a thing apart from the
 * phone itself, which may be in sight beside it and shows the same code. */
static bool is_copy(const struct gh_credential *credential)
{
    return credential->reason == GH_REASON_STALE || credential->reason == GH_REASON_REPLAYED ||
           credential->reason == GH_REASON_UNPROVEN;
}

bool gh_passage_same_code(const struct gh_credential *a, const struct gh_credential *b)
{
    /* Identities are public: no constant time needed. */
    return a->kind == b->kind && is_copy(a) == is_copy(b) &&
           memcmp(a->identity, b->identity, GH_IDENTITY_BYTES) == 0;
}

bool gh_passage_is_waited_for(const struct gh_credential *credential)
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

bool gh_passage_is_card(const struct gh_passage_code *code)
{
    return code->state != GH_PASSAGE_FREE && code->credential.reason == GH_REASON_OK &&
           code->credential.kind == GH_KIND_HOUSING;
}

bool gh_passage_is_person(const struct gh_passage_code *code)
{
    return code->state != GH_PASSAGE_FREE && code->credential.reason == GH_REASON_OK &&
           gh_is_person(&code->credential);
}

bool gh_passage_same_person(const struct gh_credential *a, const struct gh_credential *b)
{
    return a->subject == b->subject && (a->subject != 0 || gh_passage_same_code(a, b));
}

bool gh_passage_in_sight(const struct gh_passage *passage, const struct gh_passage_code *code,
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
    if (!gh_passage_in_sight(passage, code, now_ns))
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
        if (code->state != GH_PASSAGE_FREE && gh_passage_same_code(&code->credential, credential))
            return code;
        int difference = worth(passage, code, now_ns) - worth(passage, place, now_ns);
        if (difference < 0 || (difference == 0 && code->last_ns < place->last_ns))
            place = code;
    }
    int least = worth(passage, place, now_ns);
    return least <= 2 || (least == 3 && credential->authentic) ? place : NULL;
}

struct gh_passage_code *gh_passage_remember(struct gh_passage *passage,
                                            const struct gh_credential *credential, int64_t now_ns)
{
    struct gh_passage_code *place = place_for(passage, credential, now_ns);

    if (!place)
        return NULL;
    if (gh_passage_in_sight(passage, place, now_ns) &&
        gh_passage_same_code(&place->credential, credential) &&
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

void gh_passage_wait_until(struct gh_passage_code *code, int64_t deadline_ns)
{
    code->state = GH_PASSAGE_WAITING;
    code->deadline_ns = deadline_ns;
}

void gh_passage_rest(struct gh_passage_code *code)
{
    code->state = GH_PASSAGE_RESTING;
    code->deadline_ns = INT64_MAX;
}
