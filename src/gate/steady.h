/* SPDX-License-Identifier: Apache-2.0 */
/* Time that goes back: what is pending goes back with it, so that as much of it is left as was. */
#ifndef GATEHOUSE_SRC_GATE_STEADY_H
#define GATEHOUSE_SRC_GATE_STEADY_H

#include <stdint.h>

/* How far now_ns is before *last_ns, the latest time heard of (INT64_MIN: none yet), which becomes
 * now_ns; else 0. */
static inline int64_t gh_steady_hear(int64_t *last_ns, int64_t now_ns)
{
    int64_t back_ns = 0;

    if (now_ns < *last_ns && __builtin_sub_overflow(*last_ns, now_ns, &back_ns))
        back_ns = INT64_MAX;
    *last_ns = now_ns;
    return back_ns;
}

/* INT64_MIN says "none" and INT64_MAX "without end": these stay, and nothing else becomes one. */
static inline void gh_steady_take_back(int64_t *time_ns, int64_t back_ns)
{
    int64_t difference;

    if (*time_ns == INT64_MIN || *time_ns == INT64_MAX)
        return;
    if (__builtin_sub_overflow(*time_ns, back_ns, &difference) || difference == INT64_MIN)
        difference = INT64_MIN + 1;
    *time_ns = difference;
}

#endif
