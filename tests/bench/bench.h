/* SPDX-License-Identifier: Apache-2.0 */
/* What must not fail in a bench. */
#ifndef GATEHOUSE_TESTS_BENCH_BENCH_H
#define GATEHOUSE_TESTS_BENCH_BENCH_H

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "gatehouse/status.h"

#define MUST(expression)                                                                           \
    do {                                                                                           \
        enum gh_status must_ = (expression);                                                       \
        if (must_ != GH_OK)                                                                        \
            bench_stop(#expression, gh_status_text(must_));                                        \
    } while (0)

static inline _Noreturn void bench_stop(const char *what, const char *why)
{
    fprintf(stderr, "%s: %s: %s\n", program_invocation_short_name, what, why);
    exit(1);
}

#endif
