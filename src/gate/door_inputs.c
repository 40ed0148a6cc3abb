/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/door_inputs.h"

#include <string.h>

#include "gate/steady.h"

#define CHATTER_NS (GH_INPUT_CHATTER_MS * GH_NS_PER_MS)
#define QUIET_NS (GH_INPUT_QUIET_MS * GH_NS_PER_MS)
#define DEBOUNCE_MAX_MS 1000

void gh_door_watch_set_debounce(struct gh_door_watch *watch, int64_t debounce_ms)
{
    if (debounce_ms < 0)
        debounce_ms = 0;
    if (debounce_ms > DEBOUNCE_MAX_MS)
        debounce_ms = DEBOUNCE_MAX_MS;
    watch->debounce_ns = debounce_ms * GH_NS_PER_MS;
}

/* After how long it may count otherwise once more; 0: as often as it likes. */
static int64_t flap_ms(enum gh_input input)
{
    if (input == GH_INPUT_CONTACT)
        return GH_INPUT_FLAP_CONTACT_MS;
    return input == GH_INPUT_TAMPER || input == GH_INPUT_FIRE ? GH_INPUT_FLAP_ALARM_MS : 0;
}

void gh_door_watch_init(struct gh_door_watch *watch, unsigned wired, int64_t debounce_ms)
{
    memset(watch, 0, sizeof(*watch));
    watch->wired = wired;
    watch->last_ns = INT64_MIN;
    for (int i = 0; i < GH_INPUT_COUNT; i++) {
        struct gh_door_input *input = &watch->inputs[i];
        input->since_ns = input->seen_ns = input->restless_ns = INT64_MIN;
        int64_t each_ms = flap_ms((enum gh_input)i);
        if (each_ms > 0)
            gh_bucket_init(&input->flaps, GH_INPUT_FLAPS_IN_A_ROW, each_ms * GH_NS_PER_MS);
    }
    gh_door_watch_set_debounce(watch, debounce_ms);
}

static void hear_time(struct gh_door_watch *watch, int64_t now_ns)
{
    int64_t back_ns = gh_steady_hear(&watch->last_ns, now_ns);

    for (int i = 0; back_ns != 0 && i < GH_INPUT_COUNT; i++) {
        gh_steady_take_back(&watch->inputs[i].since_ns, back_ns);
        gh_steady_take_back(&watch->inputs[i].seen_ns, back_ns);
        gh_steady_take_back(&watch->inputs[i].restless_ns, back_ns);
        gh_steady_take_back(&watch->inputs[i].flaps.full_ns, back_ns);
    }
}

static enum gh_level level_of(const struct gh_door_inputs *found, unsigned bit)
{
    if ((found->known & bit) == 0)
        return GH_LEVEL_UNKNOWN;
    return found->active & bit ? GH_LEVEL_ON : GH_LEVEL_OFF;
}

/* Whether it counts as something else now. */
static bool become(struct gh_door_input *input, enum gh_level level, int64_t since_ns)
{
    if (input->level == level)
        return false;
    input->level = level;
    input->since_ns = since_ns;
    return true;
}

/* When it has been the same for long enough to count. */
static int64_t rest_ns(const struct gh_door_watch *watch, const struct gh_door_input *input)
{
    return input->seen_ns + (input->chatters ? QUIET_NS : watch->debounce_ns);
}

/* It is about to count as something else: was it too often? One that chatters has been at rest for
 * long before. */
static bool flaps(struct gh_door_input *input, int64_t now_ns)
{
    if (input->flaps.period_ns == 0 || input->seen == input->level ||
        input->level == GH_LEVEL_UNKNOWN)
        return false;
    bool too_often = !gh_bucket_take(&input->flaps, now_ns);
    return too_often && !input->chatters;
}

static bool chatter(struct gh_door_input *input, unsigned bit, int64_t now_ns)
{
    input->chatters = true;
    return (GH_INPUTS_SAFE_ACTIVE & bit) != 0 && become(input, GH_LEVEL_ON, now_ns);
}

static bool look_at(const struct gh_door_watch *watch, struct gh_door_input *input, unsigned bit,
                    int64_t now_ns)
{
    bool rests = now_ns >= rest_ns(watch, input);

    if (rests && !flaps(input, now_ns)) {
        input->restless_ns = INT64_MIN;
        input->changes = 0;
        input->chatters = false;
        return become(input, input->seen, input->seen_ns);
    }
    if (input->restless_ns == INT64_MIN)
        input->restless_ns = now_ns;
    if (rests ||
        (now_ns - input->restless_ns >= CHATTER_NS && input->changes >= GH_INPUT_CHATTER_CHANGES))
        return chatter(input, bit, now_ns);
    return false;
}

unsigned gh_door_watch_look(struct gh_door_watch *watch, const struct gh_door_inputs *found,
                            bool told, int64_t now_ns)
{
    unsigned changed = 0, moved = 0;

    hear_time(watch, now_ns);
    for (unsigned i = 0; i < GH_INPUT_COUNT; i++) {
        struct gh_door_input *input = &watch->inputs[i];
        unsigned bit = GH_INPUT_BIT(i);
        if ((watch->wired & bit) == 0)
            continue;
        enum gh_level level = level_of(found, bit);
        if (level != input->seen || input->seen_ns == INT64_MIN) {
            input->seen = level;
            input->seen_ns = now_ns;
            input->changes += input->changes < GH_INPUT_CHATTER_CHANGES;
            moved |= bit;
        }
        changed |= look_at(watch, input, bit, now_ns) ? bit : 0;
    }
    if (told && moved == 0)
        watch->blinks++;
    return changed;
}

int64_t gh_door_watch_next_ns(const struct gh_door_watch *watch)
{
    int64_t next_ns = INT64_MAX;

    for (unsigned i = 0; i < GH_INPUT_COUNT; i++) {
        const struct gh_door_input *input = &watch->inputs[i];
        if (input->restless_ns != INT64_MIN && rest_ns(watch, input) < next_ns)
            next_ns = rest_ns(watch, input);
    }
    return next_ns;
}

unsigned gh_door_watch_at(const struct gh_door_watch *watch, enum gh_level level)
{
    unsigned inputs = 0;

    for (unsigned i = 0; i < GH_INPUT_COUNT; i++) {
        if ((watch->wired & GH_INPUT_BIT(i)) != 0 && watch->inputs[i].level == level)
            inputs |= GH_INPUT_BIT(i);
    }
    return inputs;
}

bool gh_door_watch_is_settled(const struct gh_door_watch *watch, enum gh_input input)
{
    return watch->inputs[input].seen == watch->inputs[input].level;
}
