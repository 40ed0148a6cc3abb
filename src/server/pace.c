/* SPDX-License-Identifier: Apache-2.0 */
#include "server/pace.h"

#include "gatehouse/clock.h"

static struct gh_pace_slot *slot_of(struct gh_pace *pace, gh_id who)
{
    struct gh_pace_slot *rested = &pace->slots[0];
    for (size_t i = 0; i < GH_PACE_SLOTS; i++) {
        struct gh_pace_slot *slot = &pace->slots[i];
        if (slot->who == who)
            return slot;
        if (slot->questions.full_ns < rested->questions.full_ns)
            rested = slot;
    }
    rested->who = who;
    gh_bucket_init(&rested->questions, GH_PACE_BURST, GH_NS_PER_S / GH_PACE_PER_S);
    return rested;
}

int64_t gh_pace_wait_s(struct gh_pace *pace, gh_id who, int64_t now_ns)
{
    struct gh_bucket *questions = &slot_of(pace, who)->questions;

    if (gh_bucket_take(questions, now_ns))
        return 0;
    int64_t wait_ns = gh_bucket_next_ns(questions, now_ns) - now_ns;
    return (wait_ns + GH_NS_PER_S - 1) / GH_NS_PER_S;
}
