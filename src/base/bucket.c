/* SPDX-License-Identifier: Apache-2.0 */
#include "gatehouse/bucket.h"

void gh_bucket_init(struct gh_bucket *bucket, unsigned tokens, int64_t period_ns)
{
    *bucket = (struct gh_bucket){
        .period_ns = period_ns, .depth_ns = tokens * period_ns, .full_ns = INT64_MIN};
}

/* How long until it is full. Never longer than from empty: a time that is further away was set by a
 * clock that has gone back since. */
static int64_t missing_ns(const struct gh_bucket *bucket, int64_t now_ns)
{
    int64_t left_ns;

    if (bucket->full_ns <= now_ns) {
        return 0;
    }
    bool far = __builtin_sub_overflow(bucket->full_ns, now_ns, &left_ns);
    return far || left_ns > bucket->depth_ns ? bucket->depth_ns : left_ns;
}

static int64_t add(int64_t time_ns, int64_t more_ns)
{
    int64_t sum_ns;

    return __builtin_add_overflow(time_ns, more_ns, &sum_ns) ? INT64_MAX : sum_ns;
}

bool gh_bucket_take(struct gh_bucket *bucket, int64_t now_ns)
{
    int64_t left_ns = missing_ns(bucket, now_ns);
    bool has = left_ns <= bucket->depth_ns - bucket->period_ns;

    bucket->full_ns = add(now_ns, has ? left_ns + bucket->period_ns : left_ns);
    return has;
}

bool gh_bucket_is_full(const struct gh_bucket *bucket, int64_t now_ns)
{
    return missing_ns(bucket, now_ns) == 0;
}

int64_t gh_bucket_next_ns(const struct gh_bucket *bucket, int64_t now_ns)
{
    int64_t wait_ns = missing_ns(bucket, now_ns) - (bucket->depth_ns - bucket->period_ns);

    return wait_ns > 0 ? add(now_ns, wait_ns) : now_ns;
}
