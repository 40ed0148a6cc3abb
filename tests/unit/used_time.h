/* SPDX-License-Identifier: Apache-2.0 */
/* What a piece of work takes, whoever else uses this machine. */
#ifndef GATEHOUSE_TESTS_UNIT_USED_TIME_H
#define GATEHOUSE_TESTS_UNIT_USED_TIME_H

#include <stdint.h>
#include <time.h>

#include "gatehouse/clock.h"

/* Processor time that this thread has used. */
static inline int64_t used_ns(void)
{
    struct timespec used;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
    return used.tv_sec * GH_NS_PER_S + used.tv_nsec;
}

#endif
