/* SPDX-License-Identifier: Apache-2.0 */
#include "gatehouse/reason.h"

#include <string.h>

#include "gatehouse/bytes.h"

static const struct gh_reason_info reasons[GH_REASON_COUNT] = {
#define X(NAME, TOKEN, OUTCOME, LAMP, SOUND, PROMPT, TEXT)                                         \
    [GH_REASON_##NAME] = {.token = (TOKEN),                                                        \
                          .outcome = GH_OUTCOME_##OUTCOME,                                         \
                          .lamp = GH_LAMP_##LAMP,                                                  \
                          .sound = GH_SOUND_##SOUND,                                               \
                          .prompt = GH_PROMPT_##PROMPT,                                            \
                          .text = (TEXT)},
    GH_REASONS(X)
#undef X
};

const struct gh_reason_info *gh_reason_info(enum gh_reason reason)
{
    if ((unsigned)reason >= GH_ARRAY_SIZE(reasons))
        reason = GH_REASON_JOURNAL_UNAVAILABLE;
    return &reasons[reason];
}

enum gh_status gh_reason_from_token(const char *token, enum gh_reason *reason)
{
    for (size_t i = 0; i < GH_ARRAY_SIZE(reasons); i++) {
        if (strcmp(reasons[i].token, token) == 0) {
            *reason = (enum gh_reason)i;
            return GH_OK;
        }
    }
    return GH_ERR_NOTFOUND;
}

const char *gh_outcome_token(enum gh_outcome outcome)
{
    switch (outcome) {
    case GH_OUTCOME_WAIT:
        return "wait";
    case GH_OUTCOME_OPEN:
        return "open";
    case GH_OUTCOME_GUARD:
        return "guard";
    case GH_OUTCOME_DENY:
        break;
    }
    return "deny"; /* also for a value outside the enum */
}

const char *gh_prompt_name(enum gh_prompt prompt)
{
    static const char *const names[GH_PROMPT_COUNT] = {
        [GH_PROMPT_NONE] = "none",
        [GH_PROMPT_WELCOME] = "welcome",
        [GH_PROMPT_SHOW_HOUSING] = "show_housing",
        [GH_PROMPT_SHOW_HEALTH] = "show_health",
        [GH_PROMPT_SHOW_PARTS] = "show_parts",
        [GH_PROMPT_MOMENT] = "moment",
        [GH_PROMPT_MEASURE] = "measure",
        [GH_PROMPT_GUARD] = "guard",
        [GH_PROMPT_RENEW] = "renew",
        [GH_PROMPT_AGAIN] = "again",
        [GH_PROMPT_REFUSED] = "refused",
        [GH_PROMPT_OTHER_DOOR] = "other_door",
        [GH_PROMPT_CLOSE_DOOR] = "close_door",
        [GH_PROMPT_FIRE] = "fire",
    };
    return (unsigned)prompt < GH_PROMPT_COUNT ? names[prompt] : names[GH_PROMPT_NONE];
}
