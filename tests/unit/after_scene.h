/* SPDX-License-Identifier: Apache-2.0 */
/* after.c: what the door did, in one line of words: `opened 7 +400`, about the passage 7, 400 ms
 * after its decision. Include it after cmocka.h. */
#ifndef GATEHOUSE_TESTS_UNIT_AFTER_SCENE_H
#define GATEHOUSE_TESTS_UNIT_AFTER_SCENE_H

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "gate/after.h"
#include "gate/door_inputs.h"

#define PULSE_MS 3000
#define SETTLE_MS 100
#define HELD_MS (GH_AFTER_HELD_OPEN_S * 1000)
#define START_MS 1000000

static struct gh_after after;
static struct gh_door_watch watch; /* debounces, as at the gate */
static int64_t now_ms;
static enum gh_contact contact; /* as it is found */
static int64_t decided_until_ns, unlocked_until_ns, free_until_ns;
static char told[16384];

static inline const char *name_of(enum gh_door_event event)
{
    static const char *const names[] = {
        [GH_DOOR_EVENT_OPENED] = "opened", [GH_DOOR_EVENT_PASSED] = "passed",
        [GH_DOOR_EVENT_HELD] = "held",     [GH_DOOR_EVENT_SHUT] = "shut",
        [GH_DOOR_EVENT_UNUSED] = "unused", [GH_DOOR_EVENT_FORCED] = "forced",
    };
    assert_in_range(event, GH_DOOR_EVENT_OPENED, GH_DOOR_EVENT_FORCED);
    return names[event];
}

static inline void write_down(const struct gh_after_event *events, size_t count)
{
    assert_true(count <= GH_AFTER_EVENTS);
    for (size_t i = 0; i < count; i++) {
        size_t size = strlen(told);
        int more = snprintf(told + size, sizeof(told) - size, "%s%s", size > 0 ? ", " : "",
                            name_of(events[i].event));
        size += (size_t)more;
        assert_true(size < sizeof(told) - 64);
        if (events[i].about != 0)
            snprintf(told + size, sizeof(told) - size, " %" PRIu64 " +%" PRId64, events[i].about,
                     events[i].after_ms);
        else
            assert_true(events[i].after_ms == 0);
    }
}

static inline struct gh_after_view view_of(void)
{
    static const enum gh_contact contacts[] = {[GH_LEVEL_UNKNOWN] = GH_CONTACT_UNKNOWN,
                                               [GH_LEVEL_OFF] = GH_CONTACT_SHUT,
                                               [GH_LEVEL_ON] = GH_CONTACT_OPEN};
    struct gh_door_inputs found = {.active = contact == GH_CONTACT_OPEN,
                                   .known = contact != GH_CONTACT_UNKNOWN};
    const struct gh_door_input *input = &watch.inputs[GH_INPUT_CONTACT];

    (void)gh_door_watch_look(&watch, &found, false, now_ms * GH_NS_PER_MS);
    return (struct gh_after_view){
        .contact = contacts[input->level],
        .since_ns = input->since_ns,
        .settled = gh_door_watch_is_settled(&watch, GH_INPUT_CONTACT),
        .decided_until_ns = decided_until_ns,
        .unlocked_until_ns =
            unlocked_until_ns > decided_until_ns ? unlocked_until_ns : decided_until_ns,
        .free_until_ns = free_until_ns,
    };
}

static inline void look(void)
{
    struct gh_after_event events[GH_AFTER_EVENTS];
    struct gh_after_view view = view_of();

    write_down(events, gh_after_look(&after, &view, now_ms * GH_NS_PER_MS, events));
}

static int64_t next_ms(void)
{
    int64_t after_ns = gh_after_next_ns(&after), watch_ns = gh_door_watch_next_ns(&watch);
    int64_t next_ns = after_ns < watch_ns ? after_ns : watch_ns;

    return next_ns == INT64_MAX ? INT64_MAX : (next_ns + GH_NS_PER_MS - 1) / GH_NS_PER_MS;
}

static inline bool is_near(void)
{
    return next_ms() != INT64_MAX;
}

/* As the gate does: looks when it is asked to. */
static inline void pass_ms(int64_t ms)
{
    int64_t end_ms = now_ms + ms;
    int looks = 0;

    while (now_ms < end_ms) {
        int64_t at_ms = next_ms();
        now_ms = at_ms < end_ms ? at_ms : end_ms;
        look();
        assert_true(++looks < 1000); /* it must not spin */
    }
}

static inline void move_to(enum gh_contact to)
{
    contact = to;
    look();
}

static inline void let_in(uint64_t about)
{
    struct gh_after_event events[GH_AFTER_EVENTS];

    decided_until_ns = (now_ms + PULSE_MS) * GH_NS_PER_MS;
    write_down(events, gh_after_opening(&after, about, now_ms * GH_NS_PER_MS, events));
    look();
}

static inline void assert_told(const char *expected)
{
    assert_string_equal(told, expected);
    told[0] = '\0';
}

static inline void start_anew(void)
{
    gh_after_init(&after, GH_AFTER_HELD_OPEN_S);
    gh_door_watch_init(&watch, GH_INPUT_BIT(GH_INPUT_CONTACT), SETTLE_MS);
    decided_until_ns = unlocked_until_ns = free_until_ns = INT64_MIN;
}

static inline int setup(void **state)
{
    (void)state;
    start_anew();
    now_ms = START_MS;
    contact = GH_CONTACT_SHUT;
    told[0] = '\0';
    look();
    pass_ms(1000);
    assert_told("");
    return 0;
}

#endif
