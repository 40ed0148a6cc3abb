/* SPDX-License-Identifier: Apache-2.0 */
#include "server/throttle.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "gatehouse/clock.h"
#include "gatehouse/crypto.h"

#define SLOTS 1024
#define FORGET_NS (INT64_C(15) * 60 * GH_NS_PER_S)

struct slot {
    uint64_t user; /* keyed hash of the name; 0: free */
    unsigned failures;
    int64_t last_ns;
    int64_t until_ns;
};

struct gh_throttle {
    unsigned char key[crypto_shorthash_KEYBYTES];
    struct slot slots[SLOTS];
    int64_t budget_ns; /* each failure costs GH_NS_PER_S / GH_THROTTLE_PER_S of it */
    int64_t filled_at_ns;
    bool started;
};

#define COST_NS (GH_NS_PER_S / GH_THROTTLE_PER_S)

enum gh_status gh_throttle_new(struct gh_throttle **out)
{
    *out = calloc(1, sizeof(**out));
    if (*out == NULL)
        return GH_ERR_NOMEM;
    gh_random((*out)->key, sizeof((*out)->key));
    return GH_OK;
}

void gh_throttle_free(struct gh_throttle *throttle)
{
    free(throttle);
}

static uint64_t hash_of(const struct gh_throttle *throttle, const char *user)
{
    uint64_t hash;
    crypto_shorthash((unsigned char *)&hash, (const unsigned char *)user, strlen(user),
                     throttle->key);
    return hash != 0 ? hash : 1;
}

static struct slot *find(struct gh_throttle *throttle, uint64_t user)
{
    for (size_t i = 0; i < SLOTS; i++)
        if (throttle->slots[i].user == user)
            return &throttle->slots[i];
    return NULL;
}

static int64_t seconds_until(int64_t then_ns, int64_t now_ns)
{
    return then_ns <= now_ns ? 0 : (then_ns - now_ns + GH_NS_PER_S - 1) / GH_NS_PER_S;
}

int64_t gh_throttle_wait_s(struct gh_throttle *throttle, const char *user, int64_t now_ns)
{
    const int64_t full = COST_NS * GH_THROTTLE_BURST;
    const struct slot *slot = find(throttle, hash_of(throttle, user));
    int64_t wait = slot != NULL ? seconds_until(slot->until_ns, now_ns) : 0;
    if (wait > 0)
        return wait;
    throttle->budget_ns += throttle->started ? now_ns - throttle->filled_at_ns : full;
    throttle->filled_at_ns = now_ns;
    throttle->started = true;
    if (throttle->budget_ns > full)
        throttle->budget_ns = full;
    return throttle->budget_ns < COST_NS ? 1 : 0;
}

/* A free slot, else the one whose last failure is the longest ago. */
static struct slot *claim(struct gh_throttle *throttle, uint64_t user)
{
    struct slot *oldest = &throttle->slots[0];
    for (size_t i = 0; i < SLOTS && oldest->user != 0; i++)
        if (throttle->slots[i].user == 0 || throttle->slots[i].last_ns < oldest->last_ns)
            oldest = &throttle->slots[i];
    *oldest = (struct slot){.user = user};
    return oldest;
}

void gh_throttle_failed(struct gh_throttle *throttle, const char *user, int64_t now_ns)
{
    uint64_t hash = hash_of(throttle, user);
    struct slot *slot = find(throttle, hash);
    throttle->budget_ns -= COST_NS;
    if (slot == NULL)
        slot = claim(throttle, hash);
    else if (now_ns - slot->last_ns > FORGET_NS)
        slot->failures = 0;
    slot->last_ns = now_ns;
    slot->failures++;
    if (slot->failures < GH_THROTTLE_FREE)
        return;
    unsigned over = slot->failures - GH_THROTTLE_FREE;
    int64_t wait_s = over < 6 ? INT64_C(1) << over : GH_THROTTLE_MAX_S;
    slot->until_ns = now_ns + wait_s * GH_NS_PER_S;
}

void gh_throttle_succeeded(struct gh_throttle *throttle, const char *user)
{
    struct slot *slot = find(throttle, hash_of(throttle, user));
    if (slot != NULL)
        memset(slot, 0, sizeof(*slot));
}
