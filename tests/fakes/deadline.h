/* SPDX-License-Identifier: Apache-2.0 */
/* For fakes in which real threads wait. */
#ifndef GATEHOUSE_TESTS_FAKES_DEADLINE_H
#define GATEHOUSE_TESTS_FAKES_DEADLINE_H

#include <time.h>

#include "gatehouse/clock.h"

/* Real time, CLOCK_MONOTONIC. */
static inline struct timespec deadline_after(int64_t timeout_ms)
{
    struct timespec at;

    clock_gettime(CLOCK_MONOTONIC, &at);
    int64_t ns = at.tv_nsec + timeout_ms % 1000 * GH_NS_PER_MS;
    at.tv_sec += timeout_ms / 1000 + ns / GH_NS_PER_S;
    at.tv_nsec = ns % GH_NS_PER_S;
    return at;
}

#endif
