/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/after.h"

#include <string.h>

#define SETTLE_NS (GH_AFTER_SETTLE_MS * GH_NS_PER_MS)
#define GRACE_NS (GH_AFTER_GRACE_MS * GH_NS_PER_MS)

struct telling {
    struct gh_after_event *events;
    size_t count;
};

static void tell(struct telling *telling, enum gh_door_event event, uint64_t about,
                 int64_t since_ns, int64_t at_ns)
{
    telling->events[telling->count++] = (struct gh_after_event){
        .event = event,
        .about = about,
        /* A door may have been opening already in the moment of the decision. */
        .after_ms = about != 0 && at_ns > since_ns ? (at_ns - since_ns) / GH_NS_PER_MS : 0,
    };
}

static void tell_of(struct telling *telling, enum gh_door_event event,
                    const struct gh_after_place *place, int64_t at_ns)
{
    tell(telling, event, place->about, place->decided_ns, at_ns);
}

void gh_after_set_held_open(struct gh_after *after, int64_t held_open_s)
{
    after->held_open_s = held_open_s > 0 ? held_open_s : GH_AFTER_HELD_OPEN_S;
}

void gh_after_init(struct gh_after *after, int64_t held_open_s)
{
    memset(after, 0, sizeof(*after));
    gh_after_set_held_open(after, held_open_s);
    after->until_ns = INT64_MIN;
}

/* --- who is followed --- */

static void remove_place(struct gh_after *after, size_t at)
{
    after->count--;
    memmove(&after->places[at], &after->places[at + 1],
            (after->count - at) * sizeof(after->places[0]));
}

static struct gh_after_place *add_place(struct gh_after *after, const struct gh_after_place *place,
                                        struct telling *telling, int64_t now_ns)
{
    if (after->count == GH_AFTER_PLACES) {
        const struct gh_after_place *oldest = &after->places[0];
        if (oldest->state != GH_AFTER_HELD)
            tell_of(telling,
                    oldest->state == GH_AFTER_WAITS ? GH_DOOR_EVENT_UNUSED : GH_DOOR_EVENT_HELD,
                    oldest, now_ns);
        remove_place(after, 0);
    }
    after->places[after->count] = *place;
    return &after->places[after->count++];
}

size_t gh_after_opening(struct gh_after *after, uint64_t about, int64_t decided_ns,
                        int64_t until_ns, struct gh_after_event events[GH_AFTER_EVENTS])
{
    struct telling telling = {.events = events};

    after->last =
        (struct gh_after_place){.state = GH_AFTER_WAITS, .about = about, .decided_ns = decided_ns};
    after->until_ns = until_ns; /* the pulse starts anew */
    add_place(after, &after->last, &telling, decided_ns);
    return telling.count;
}

/* --- the door moves --- */

static bool unlocked_at(const struct gh_after *after, int64_t at_ns)
{
    return after->until_ns != INT64_MIN && at_ns - GRACE_NS <= after->until_ns;
}

static size_t let_through(struct gh_after *after, int64_t at_ns, struct telling *telling)
{
    size_t through = 0;

    for (size_t i = 0; i < after->count; i++) {
        struct gh_after_place *place = &after->places[i];
        if (place->state != GH_AFTER_WAITS)
            continue;
        place->state = GH_AFTER_OPENED;
        place->opened_ns = at_ns;
        tell_of(telling, GH_DOOR_EVENT_OPENED, place, at_ns);
        through++;
    }
    return through;
}

/* It is locked again: nobody waits any more. */
static void look_at_locked(struct gh_after *after, bool known, int64_t now_ns,
                           struct telling *telling)
{
    size_t left = 0;

    for (size_t i = 0; i < after->count; i++) {
        const struct gh_after_place *place = &after->places[i];
        if (place->state != GH_AFTER_WAITS)
            after->places[left++] = *place;
        else if (known)
            tell_of(telling, GH_DOOR_EVENT_UNUSED, place, now_ns);
    }
    after->count = left;
}

static void opens(struct gh_after *after, bool first, int64_t at_ns, struct telling *telling)
{
    bool unlocked = unlocked_at(after, at_ns);

    if (unlocked && let_through(after, at_ns, telling) > 0)
        return;
    if (unlocked) {
        struct gh_after_place *again = add_place(after, &after->last, telling, at_ns);
        again->state = GH_AFTER_OPENED;
        again->opened_ns = at_ns;
        tell_of(telling, GH_DOOR_EVENT_OPENED, again, at_ns);
        return;
    }
    look_at_locked(after, true, at_ns, telling);
    after->stray = first ? GH_STRAY_FOUND : GH_STRAY_TOLD;
    after->stray_ns = at_ns;
    if (!first)
        tell(telling, GH_DOOR_EVENT_FORCED, 0, 0, at_ns);
}

static void shuts(struct gh_after *after, int64_t at_ns, struct telling *telling)
{
    size_t left = 0;

    for (size_t i = 0; i < after->count; i++) {
        const struct gh_after_place *place = &after->places[i];
        if (place->state == GH_AFTER_WAITS)
            after->places[left++] = *place;
        else
            tell_of(telling,
                    place->state == GH_AFTER_HELD ? GH_DOOR_EVENT_SHUT : GH_DOOR_EVENT_PASSED,
                    place, at_ns);
    }
    after->count = left;
    if (after->stray == GH_STRAY_TOLD)
        tell(telling, GH_DOOR_EVENT_SHUT, 0, 0, at_ns);
    after->stray = GH_STRAY_NONE;
}

static void see_contact(struct gh_after *after, enum gh_contact contact, int64_t now_ns,
                        struct telling *telling)
{
    bool first = after->contact == GH_CONTACT_UNKNOWN;

    if (contact != after->seen) {
        after->seen = contact;
        after->seen_ns = now_ns;
    }
    if (contact == after->contact || now_ns - after->seen_ns < SETTLE_NS)
        return;
    after->contact = contact;
    if (contact == GH_CONTACT_OPEN)
        opens(after, first, after->seen_ns, telling);
    else
        shuts(after, after->seen_ns, telling);
}

/* --- time goes by --- */

/* The door is open, and has been. */
static void look_at_open(struct gh_after *after, int64_t now_ns, struct telling *telling)
{
    int64_t held_ns = after->held_open_s * GH_NS_PER_S;

    (void)let_through(after, now_ns, telling);
    for (size_t i = 0; i < after->count; i++) {
        struct gh_after_place *place = &after->places[i];
        if (place->state != GH_AFTER_OPENED || now_ns - place->opened_ns < held_ns)
            continue;
        place->state = GH_AFTER_HELD;
        tell_of(telling, GH_DOOR_EVENT_HELD, place, now_ns);
    }
    if (after->stray == GH_STRAY_FOUND && now_ns - after->stray_ns >= held_ns) {
        after->stray = GH_STRAY_TOLD;
        tell(telling, GH_DOOR_EVENT_HELD, 0, 0, now_ns);
    }
}

size_t gh_after_look(struct gh_after *after, enum gh_contact contact, int64_t now_ns,
                     struct gh_after_event events[GH_AFTER_EVENTS])
{
    struct telling telling = {.events = events};
    bool known = contact != GH_CONTACT_UNKNOWN;

    if (known)
        see_contact(after, contact, now_ns, &telling);
    bool settled = after->seen == after->contact;
    if (known && settled && contact == GH_CONTACT_OPEN)
        look_at_open(after, now_ns, &telling);
    if (!unlocked_at(after, now_ns) && (settled || !known))
        look_at_locked(after, known, now_ns, &telling);
    return telling.count;
}

bool gh_after_is_near(const struct gh_after *after)
{
    return after->count > 0 || after->contact == GH_CONTACT_OPEN || after->seen != after->contact;
}
