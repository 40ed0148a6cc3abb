/* SPDX-License-Identifier: Apache-2.0 */
/* A token bucket: what may happen a few times in a row, and in the long run only so often. Pure: no
 * clock, no I/O. Times are monotonic, and may all the same go back: then the bucket is empty at
 * worst, and fills from there. */
#ifndef GATEHOUSE_BUCKET_H
#define GATEHOUSE_BUCKET_H

#include <stdbool.h>
#include <stdint.h>

struct gh_bucket {
    int64_t period_ns; /* a token comes back in this time */
    int64_t depth_ns;  /* all of them do in this */
    int64_t full_ns;   /* when they all are back; each one that is taken makes it a period later */
};

/* Full. tokens and period_ns: at least 1, and together less than 2^62 ns. */
void gh_bucket_init(struct gh_bucket *bucket, unsigned tokens, int64_t period_ns);
/* Takes a token; false: there is none. */
bool gh_bucket_take(struct gh_bucket *bucket, int64_t now_ns);
/* Nothing is missing. */
bool gh_bucket_is_full(const struct gh_bucket *bucket, int64_t now_ns);
/* From when on there is a token: now_ns, or later. */
int64_t gh_bucket_next_ns(const struct gh_bucket *bucket, int64_t now_ns);

#endif
