/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/wall.h"

#include <string.h>

#include "gate/steady.h"

#define STUCK_NS (GH_WALL_STUCK_S * GH_NS_PER_S)
#define WAIT_NS (GH_WALL_WAIT_S * GH_NS_PER_S)
#define STILL_NS (GH_WALL_FIRE_STILL_S * GH_NS_PER_S)

struct telling {
    enum gh_wall_event *events;
    size_t count;
};

static void tell(struct telling *telling, enum gh_wall_event event)
{
    telling->events[telling->count++] = event;
}

static void release(struct gh_button *button)
{
    button->pressed_ns = button->down_ns = INT64_MIN;
}

void gh_wall_init(struct gh_wall *wall)
{
    memset(wall, 0, sizeof(*wall));
    release(&wall->exit);
    release(&wall->guard);
    wall->asked_ns = wall->wait_ns = wall->fire_said_ns = wall->last_ns = INT64_MIN;
}

static void hear_time(struct gh_wall *wall, int64_t now_ns)
{
    int64_t back_ns = gh_steady_hear(&wall->last_ns, now_ns);

    if (back_ns == 0)
        return;
    gh_steady_take_back(&wall->exit.pressed_ns, back_ns);
    gh_steady_take_back(&wall->exit.down_ns, back_ns);
    gh_steady_take_back(&wall->guard.pressed_ns, back_ns);
    gh_steady_take_back(&wall->guard.down_ns, back_ns);
    gh_steady_take_back(&wall->asked_ns, back_ns);
    gh_steady_take_back(&wall->wait_ns, back_ns);
    gh_steady_take_back(&wall->fire_said_ns, back_ns);
}

/* Tells LET_GO, STUCK and FREE, which follow `pressed` in the enum; returns whether it was pressed
 * just now. */
static bool look_at_button(struct gh_button *button, enum gh_level level, int64_t now_ns,
                           enum gh_wall_event pressed, struct telling *telling)
{
    enum gh_level before = button->level;

    button->level = level;
    if (level != GH_LEVEL_ON) {
        if (button->pressed_ns != INT64_MIN)
            tell(telling, pressed + 1);
        if (button->stuck)
            tell(telling, pressed + 3);
        release(button);
        button->stuck = false;
        return false;
    }
    if (before != GH_LEVEL_ON)
        button->down_ns = now_ns;
    if (before == GH_LEVEL_OFF) {
        button->pressed_ns = now_ns;
        return true;
    }
    if (!button->stuck && now_ns - button->down_ns >= STUCK_NS) {
        if (button->pressed_ns != INT64_MIN)
            tell(telling, pressed + 1);
        tell(telling, pressed + 2);
        button->stuck = true;
        button->pressed_ns = INT64_MIN;
    }
    return false;
}

static void look_at_exit(struct gh_wall *wall, enum gh_level level, bool interlocked,
                         int64_t now_ns, struct telling *telling)
{
    bool pressed = look_at_button(&wall->exit, level, now_ns, GH_WALL_EXIT, telling);
    bool waited = wall->wait_ns != INT64_MIN;

    if (pressed)
        wall->asked_ns = now_ns;
    if (pressed && interlocked) {
        wall->wait_ns = now_ns;
        tell(telling, GH_WALL_EXIT_WAITS);
    } else if (waited && !pressed && now_ns - wall->wait_ns >= WAIT_NS) {
        wall->wait_ns = INT64_MIN;
        tell(telling, GH_WALL_EXIT_IN_VAIN);
    } else if (!interlocked && (pressed || waited)) {
        wall->wait_ns = INT64_MIN;
        tell(telling, GH_WALL_EXIT);
    }
}

static void look_at_fire(struct gh_wall *wall, enum gh_level level, int64_t now_ns,
                         struct telling *telling)
{
    bool fire = level == GH_LEVEL_UNKNOWN ? wall->fire : level == GH_LEVEL_ON;

    if (fire && !wall->fire)
        tell(telling, GH_WALL_FIRE);
    else if (fire && now_ns - wall->fire_said_ns >= STILL_NS)
        tell(telling, GH_WALL_FIRE_STILL);
    else if (!fire && wall->fire)
        tell(telling, GH_WALL_FIRE_OVER);
    else
        return;
    wall->fire = fire;
    wall->fire_said_ns = now_ns;
}

static void look_at_tamper(struct gh_wall *wall, enum gh_level level, struct telling *telling)
{
    bool tamper = level == GH_LEVEL_UNKNOWN ? wall->tamper : level == GH_LEVEL_ON;

    if (tamper != wall->tamper)
        tell(telling, tamper ? GH_WALL_TAMPER : GH_WALL_TAMPER_OVER);
    wall->tamper = tamper;
}

size_t gh_wall_look(struct gh_wall *wall, const struct gh_door_watch *watch, bool interlocked,
                    int64_t now_ns, enum gh_wall_event events[GH_WALL_EVENTS])
{
    struct telling telling = {.events = events};
    const struct gh_door_input *inputs = watch->inputs;

    hear_time(wall, now_ns);
    look_at_fire(wall, inputs[GH_INPUT_FIRE].level, now_ns, &telling);
    if (look_at_button(&wall->guard, inputs[GH_INPUT_GUARD].level, now_ns, GH_WALL_GUARD, &telling))
        tell(&telling, GH_WALL_GUARD);
    look_at_exit(wall, inputs[GH_INPUT_EXIT].level, interlocked, now_ns, &telling);
    look_at_tamper(wall, inputs[GH_INPUT_TAMPER].level, &telling);
    return telling.count;
}

void gh_wall_wait(struct gh_wall *wall, int64_t now_ns)
{
    hear_time(wall, now_ns);
    wall->wait_ns = wall->asked_ns != INT64_MIN ? wall->asked_ns : now_ns;
}

bool gh_button_is_pressed(const struct gh_button *button)
{
    return button->pressed_ns != INT64_MIN;
}

static int64_t earlier(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t button_next_ns(const struct gh_button *button)
{
    return button->stuck || button->down_ns == INT64_MIN ? INT64_MAX : button->down_ns + STUCK_NS;
}

int64_t gh_wall_next_ns(const struct gh_wall *wall)
{
    int64_t next_ns = earlier(button_next_ns(&wall->exit), button_next_ns(&wall->guard));

    if (wall->wait_ns != INT64_MIN)
        next_ns = earlier(next_ns, wall->wait_ns + WAIT_NS);
    if (wall->fire)
        next_ns = earlier(next_ns, wall->fire_said_ns + STILL_NS);
    return next_ns;
}
