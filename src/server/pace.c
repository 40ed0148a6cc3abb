/* SPDX-License-Identifier: Apache-2.0 */
#include "server/pace.h"

#include "gatehouse/clock.h"

#define COST_NS (GH_NS_PER_S / GH_PACE_PER_S)

static struct gh_pace_slot *slot_of(struct gh_pace *pace, gh_id who)
{
    struct gh_pace_slot *rested = &pace->slots[0];
    for (size_t i = 0; i < GH_PACE_SLOTS; i++) {
        struct gh_pace_slot *slot = &pace->slots[i];
        if (slot->who == who)
            return slot;
        if (slot->spent_ns < rested->spent_ns)
            rested = slot;
    }
    *rested = (struct gh_pace_slot){.who = who};
    return rested;
}

int64_t gh_pace_wait_s(struct gh_pace *pace, gh_id who, int64_t now_ns)
{
    struct gh_pace_slot *slot = slot_of(pace, who);
    int64_t from_ns = slot->spent_ns > now_ns ? slot->spent_ns : now_ns;
    int64_t over_ns = from_ns - now_ns - (GH_PACE_BURST - 1) * COST_NS;
    if (over_ns > 0)
        return (over_ns + GH_NS_PER_S - 1) / GH_NS_PER_S;
    slot->spent_ns = from_ns + COST_NS;
    return 0;
}
