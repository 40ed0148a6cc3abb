/* SPDX-License-Identifier: Apache-2.0 */
/* The same numbers in every run, from random_state on. */
#ifndef GATEHOUSE_TESTS_UNIT_RANDOM_BELOW_H
#define GATEHOUSE_TESTS_UNIT_RANDOM_BELOW_H

#include <stdint.h>

static uint64_t random_state;

static inline unsigned random_below(unsigned bound)
{
    random_state = random_state * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)(random_state >> 33) % bound;
}

#endif
