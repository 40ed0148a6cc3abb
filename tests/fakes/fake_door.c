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

static struct gh_door_inputs inputs(void *context)
{
    struct gh_fake_door *fake = context;

    fake->looks++;
    return fake->inputs;
}

static enum gh_status renew(void *context, int64_t for_ms, struct gh_error *err)
{
    struct gh_fake_door *fake = context;

    (void)err;
    fake->renews++;
    fake->granted_ms = for_ms;
    return GH_OK;
}

struct gh_door_io gh_fake_door_io(struct gh_fake_door *fake)
{
    return (struct gh_door_io){
        .set = set, .free = release, .context = fake, .inputs_fd = -1, .renew = renew};
}

/* A descriptor that is never used: the gate only asks whether there is one. */
#define SOME_FD 1000

void gh_fake_door_wire(struct gh_fake_door *fake, struct gh_door_io *io, unsigned wired)
{
    io->inputs_wired = wired;
    io->inputs = inputs;
    io->inputs_fd = SOME_FD;
    fake->inputs = (struct gh_door_inputs){.known = wired};
}

void gh_fake_door_input(struct gh_fake_door *fake, enum gh_input input, bool active)
{
    fake->inputs.known |= GH_INPUT_BIT(input);
    if (active)
        fake->inputs.active |= GH_INPUT_BIT(input);
    else
        fake->inputs.active &= ~GH_INPUT_BIT(input);
}

void gh_fake_door_lose(struct gh_fake_door *fake, enum gh_input input)
{
    fake->inputs.known &= ~GH_INPUT_BIT(input);
    fake->inputs.active &= ~GH_INPUT_BIT(input);
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
