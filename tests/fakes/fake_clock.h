/* SPDX-License-Identifier: Apache-2.0 */
/* A clock that stands still until a test moves it. Obeys gatehouse/clock.h: monotonic time never
 * goes back, wall time may jump, any thread may look. */
#ifndef GATEHOUSE_TESTS_FAKE_CLOCK_H
#define GATEHOUSE_TESTS_FAKE_CLOCK_H

#include <stdatomic.h>

#include "gatehouse/clock.h"

#define GH_FAKE_CLOCK_START_NS (1000 * GH_NS_PER_S) /* monotonic, at first */

struct gh_fake_clock {
    struct gh_clock clock; /* hand this one out; valid where the fake lies */
    _Atomic int64_t wall_ns, monotonic_ns;
    atomic_bool synchronised; /* true at first */
};

void gh_fake_clock_init(struct gh_fake_clock *fake, int64_t wall_s);
/* Time goes by: both go on. ms is not negative. */
void gh_fake_clock_advance_ms(struct gh_fake_clock *fake, int64_t ms);
void gh_fake_clock_advance_ns(struct gh_fake_clock *fake, int64_t ns);
/* Somebody sets the clock: only wall time jumps. */
void gh_fake_clock_set_wall_s(struct gh_fake_clock *fake, int64_t wall_s);
void gh_fake_clock_set_synchronised(struct gh_fake_clock *fake, bool synchronised);

#endif
