/* SPDX-License-Identifier: Apache-2.0 */
/* How often a gate may ask: so many at once, then so many a second. In memory only. Unlike the
 * throttle of passwords it counts every question, and one gate's never slow another's down. */
#ifndef GATEHOUSE_SRC_SERVER_PACE_H
#define GATEHOUSE_SRC_SERVER_PACE_H

#include "gatehouse/bucket.h"
#include "gatehouse/bytes.h"

#define GH_PACE_BURST 20 /* questions at once */
#define GH_PACE_PER_S 2  /* and then so many a second */
#define GH_PACE_SLOTS 512

/* Zero it first. With more gates than slots the one that has rested longest is forgotten. */
struct gh_pace {
    struct gh_pace_slot {
        gh_id who; /* 0: free */
        struct gh_bucket questions;
    } slots[GH_PACE_SLOTS];
};

/* 0: go on, it is counted; else after how many seconds to come again. now_ns is monotonic. */
int64_t gh_pace_wait_s(struct gh_pace *pace, gh_id who, int64_t now_ns);

#endif
