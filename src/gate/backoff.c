/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/backoff.h"

#include "gatehouse/clock.h"
#include "gatehouse/crypto.h"

#define RETRY_AFTER_MAX_S 3600

static int64_t random_below(int64_t bound)
{
    return bound > 0 ? (int64_t)(gh_random_id() % (uint64_t)bound) : 0;
}

void gh_backoff_succeeded(struct gh_backoff *backoff, int64_t now_ns, int64_t after_ms)
{
    backoff->delay_ms = 0;
    int64_t around_ms = after_ms - after_ms / 4 + random_below(after_ms / 2 + 1);
    backoff->next_ns = now_ns + around_ms * GH_NS_PER_MS;
}

void gh_backoff_failed(struct gh_backoff *backoff, int64_t now_ns, int64_t retry_after_s)
{
    int64_t doubled = backoff->delay_ms * 2;

    if (doubled < backoff->first_ms)
        doubled = backoff->first_ms;
    if (doubled > backoff->greatest_ms)
        doubled = backoff->greatest_ms;
    backoff->delay_ms = doubled;

    int64_t pause_ms = doubled / 2 + random_below(doubled / 2 + 1);
    if (retry_after_s > RETRY_AFTER_MAX_S)
        retry_after_s = RETRY_AFTER_MAX_S;
    if (retry_after_s * 1000 > pause_ms)
        pause_ms = retry_after_s * 1000 + random_below(backoff->first_ms);
    backoff->next_ns = now_ns + pause_ms * GH_NS_PER_MS;
}
