/* SPDX-License-Identifier: Apache-2.0 */
#include "fakes/fake_clock.h"

#include <stdlib.h>

static int64_t wall_ns(void *context)
{
    struct gh_fake_clock *fake = context;
    return atomic_load(&fake->wall_ns);
}

static int64_t monotonic_ns(void *context)
{
    struct gh_fake_clock *fake = context;
    return atomic_load(&fake->monotonic_ns);
}

static bool synchronised(void *context)
{
    struct gh_fake_clock *fake = context;
    return atomic_load(&fake->synchronised);
}

void gh_fake_clock_init(struct gh_fake_clock *fake, int64_t wall_s)
{
    fake->clock = (struct gh_clock){
        .wall_ns = wall_ns,
        .monotonic_ns = monotonic_ns,
        .synchronised = synchronised,
        .context = fake,
    };
    atomic_init(&fake->synchronised, true);
    atomic_init(&fake->wall_ns, wall_s * GH_NS_PER_S);
    atomic_init(&fake->monotonic_ns, GH_FAKE_CLOCK_START_NS);
}

void gh_fake_clock_advance_ns(struct gh_fake_clock *fake, int64_t ns)
{
    if (ns < 0)
        abort(); /* a test that breaks the contract proves nothing */
    atomic_fetch_add(&fake->wall_ns, ns);
    atomic_fetch_add(&fake->monotonic_ns, ns);
}

void gh_fake_clock_advance_ms(struct gh_fake_clock *fake, int64_t ms)
{
    gh_fake_clock_advance_ns(fake, ms * GH_NS_PER_MS);
}

void gh_fake_clock_set_wall_s(struct gh_fake_clock *fake, int64_t wall_s)
{
    atomic_store(&fake->wall_ns, wall_s * GH_NS_PER_S);
}

void gh_fake_clock_set_synchronised(struct gh_fake_clock *fake, bool synchronised)
{
    atomic_store(&fake->synchronised, synchronised);
}
