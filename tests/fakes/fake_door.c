/* SPDX-License-Identifier: Apache-2.0 */
#include "fakes/fake_door.h"

#include <limits.h>
#include <string.h>

static enum gh_status set(void *context, unsigned active, struct gh_error *err)
{
    struct gh_fake_door *fake = context;

    if (fake->before)
        fake->before(fake->before_context, active);
    enum gh_status status = fake->failing > 0 ? fake->failure : GH_OK;
    if (fake->failing > 0 && fake->failing != UINT_MAX)
        fake->failing--;
    if (fake->count < GH_FAKE_DOOR_SETS_MAX)
        fake->sets[fake->count] = (struct gh_fake_door_set){
            .at_ns = gh_clock_monotonic_ns(fake->clock), .active = active, .status = status};
    fake->count++;
    if (status != GH_OK)
        return gh_fail(err, status, "the fake door was told to fail");
    fake->active = active;
    return GH_OK;
}

static void release(void *context)
{
    struct gh_fake_door *fake = context;

    fake->active = 0;
    fake->freed = true;
}

void gh_fake_door_init(struct gh_fake_door *fake, const struct gh_clock *clock)
{
    memset(fake, 0, sizeof(*fake));
    fake->clock = clock;
}

struct gh_door_io gh_fake_door_io(struct gh_fake_door *fake)
{
    return (struct gh_door_io){.set = set, .free = release, .context = fake};
}

enum gh_contact gh_fake_door_contact(void *context)
{
    struct gh_fake_door *fake = context;

    fake->looks++;
    return fake->contact;
}

void gh_fake_door_fail(struct gh_fake_door *fake, unsigned times, enum gh_status status)
{
    fake->failing = times;
    fake->failure = status;
}

bool gh_fake_door_is_active(const struct gh_fake_door *fake, enum gh_line line)
{
    return (fake->active & GH_LINE_BIT(line)) != 0;
}
