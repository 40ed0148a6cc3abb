/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/after.h"

#include <string.h>

#include "gate/steady.h"

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
    after->last_ns = INT64_MIN;
    after->view.decided_until_ns = after->view.unlocked_until_ns = after->view.free_until_ns =
        INT64_MIN;
}

/* The view is of the door, which has heard of it itself. */
static void hear_time(struct gh_after *after, int64_t now_ns)
{
    int64_t back_ns = gh_steady_hear(&after->last_ns, now_ns);

    if (back_ns == 0)
        return;
    gh_steady_take_back(&after->last.decided_ns, back_ns);
    gh_steady_take_back(&after->stray_ns, back_ns);
    for (size_t i = 0; i < after->count; i++) {
        gh_steady_take_back(&after->places[i].decided_ns, back_ns);
        gh_steady_take_back(&after->places[i].opened_ns, back_ns);
    }
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
                        struct gh_after_event events[GH_AFTER_EVENTS])
{
    struct telling telling = {.events = events};

    after->last =
        (struct gh_after_place){.state = GH_AFTER_WAITS, .about = about, .decided_ns = decided_ns};
    add_place(after, &after->last, &telling, decided_ns);
    return telling.count;
}

/* --- the door moves --- */

/* Until then it may come from this unlocking. */
static int64_t grace_end_ns(int64_t until_ns)
{
    return until_ns > INT64_MAX - GRACE_NS ? INT64_MAX : until_ns + GRACE_NS;
}

static bool counts_at(int64_t until_ns, int64_t at_ns)
{
    return until_ns != INT64_MIN && at_ns <= grace_end_ns(until_ns);
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

static void goes_again(struct gh_after *after, int64_t at_ns, struct telling *telling)
{
    struct gh_after_place *again = add_place(after, &after->last, telling, at_ns);

    again->state = GH_AFTER_OPENED;
    again->opened_ns = at_ns;
    tell_of(telling, GH_DOOR_EVENT_OPENED, again, at_ns);
}

static void opens(struct gh_after *after, bool first, int64_t at_ns, struct telling *telling)
{
    const struct gh_after_view *view = &after->view;
    bool decided = counts_at(view->decided_until_ns, at_ns);

    if (decided && let_through(after, at_ns, telling) > 0)
        return;
    if (!decided)
        look_at_locked(after, true, at_ns, telling);
    if (decided && after->last.about != 0 && !counts_at(view->free_until_ns, at_ns)) {
        goes_again(after, at_ns, telling);
        return;
    }
    bool forced = !first && !counts_at(view->unlocked_until_ns, at_ns);
    after->stray = forced ? GH_STRAY_FORCED : GH_STRAY_FOUND;
    after->stray_ns = at_ns;
    if (forced)
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
    if (after->stray == GH_STRAY_FORCED || after->stray == GH_STRAY_HELD)
        tell(telling, GH_DOOR_EVENT_SHUT, 0, 0, at_ns);
    after->stray = GH_STRAY_NONE;
}

static void see_contact(struct gh_after *after, struct telling *telling)
{
    const struct gh_after_view *view = &after->view;
    bool first = after->contact == GH_CONTACT_UNKNOWN;

    if (view->contact == GH_CONTACT_UNKNOWN || view->contact == after->contact)
        return;
    after->contact = view->contact;
    if (view->contact == GH_CONTACT_OPEN)
        opens(after, first, view->since_ns, telling);
    else
        shuts(after, view->since_ns, telling);
}

/* --- time goes by --- */

/* When a door that has been open since then is held open; INT64_MAX: it may be for now. */
static int64_t held_ns(const struct gh_after *after, int64_t opened_ns)
{
    int64_t free_ns = after->view.free_until_ns;

    if (free_ns == INT64_MAX)
        return INT64_MAX;
    return (free_ns > opened_ns ? free_ns : opened_ns) + after->held_open_s * GH_NS_PER_S;
}

/* The door is open, and has been. */
static void look_at_open(struct gh_after *after, int64_t now_ns, struct telling *telling)
{
    if (counts_at(after->view.decided_until_ns, now_ns))
        (void)let_through(after, now_ns, telling);
    for (size_t i = 0; i < after->count; i++) {
        struct gh_after_place *place = &after->places[i];
        if (place->state != GH_AFTER_OPENED || now_ns < held_ns(after, place->opened_ns))
            continue;
        place->state = GH_AFTER_HELD;
        tell_of(telling, GH_DOOR_EVENT_HELD, place, now_ns);
    }
    if (after->stray == GH_STRAY_FOUND && now_ns >= held_ns(after, after->stray_ns)) {
        after->stray = GH_STRAY_HELD;
        tell(telling, GH_DOOR_EVENT_HELD, 0, 0, now_ns);
    }
}

size_t gh_after_look(struct gh_after *after, const struct gh_after_view *view, int64_t now_ns,
                     struct gh_after_event events[GH_AFTER_EVENTS])
{
    struct telling telling = {.events = events};
    bool known = view->contact != GH_CONTACT_UNKNOWN;

    hear_time(after, now_ns);
    after->view = *view;
    see_contact(after, &telling);
    if (known && view->settled && view->contact == GH_CONTACT_OPEN)
        look_at_open(after, now_ns, &telling);
    if (!counts_at(view->decided_until_ns, now_ns) && (view->settled || !known))
        look_at_locked(after, known, now_ns, &telling);
    return telling.count;
}

static int64_t earlier(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

int64_t gh_after_next_ns(const struct gh_after *after)
{
    bool open = after->view.contact == GH_CONTACT_OPEN;
    int64_t next_ns = INT64_MAX;

    /* There will be a look when it has settled. */
    if (after->view.contact != GH_CONTACT_UNKNOWN && !after->view.settled)
        return next_ns;
    for (size_t i = 0; i < after->count; i++) {
        const struct gh_after_place *place = &after->places[i];
        int64_t grace_ns = grace_end_ns(after->view.decided_until_ns);
        if (place->state == GH_AFTER_OPENED && open)
            next_ns = earlier(next_ns, held_ns(after, place->opened_ns));
        else if (place->state == GH_AFTER_WAITS && grace_ns != INT64_MAX)
            next_ns = earlier(next_ns, grace_ns + 1);
    }
    if (after->stray == GH_STRAY_FOUND && open)
        next_ns = earlier(next_ns, held_ns(after, after->stray_ns));
    return next_ns;
}

bool gh_after_is_forced(const struct gh_after *after)
{
    return after->stray == GH_STRAY_FORCED;
}

bool gh_after_is_held(const struct gh_after *after)
{
    bool held = after->stray == GH_STRAY_HELD;

    for (size_t i = 0; i < after->count; i++)
        held = held || after->places[i].state == GH_AFTER_HELD;
    return held;
}
