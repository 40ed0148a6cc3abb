/* SPDX-License-Identifier: Apache-2.0 */
/* What the buttons and alarms on the wall ask for: debounced inputs and time in, what is to be done
 * out. Pure: no thread, no clock, no I/O. Times are monotonic, and may all the same go back.
 *
 * A button asks once for each press. While it is pressed the door stays unlocked, for at most
 * GH_WALL_STUCK_S: what is pressed for longer hangs, and unlocks nothing until it has been let go.
 * One that is found pressed at the start, or when its line can be read again, was pressed by nobody
 * knows whom, and asks for nothing.
 * Somebody who presses the exit button while the other door of a lock is not shut waits for that
 * for at most GH_WALL_WAIT_S: the door is unlocked as soon as the other one is shut. Fire and
 * tamper alarms last until their input is known to be inactive; one that cannot be read any more
 * goes on as it was. */
#ifndef GATEHOUSE_SRC_GATE_WALL_H
#define GATEHOUSE_SRC_GATE_WALL_H

#include "gate/door_inputs.h"

#define GH_WALL_STUCK_S 60
#define GH_WALL_WAIT_S 10
#define GH_WALL_FIRE_STILL_S 3600

/* Fire is told first. */
enum gh_wall_event {
    GH_WALL_FIRE,
    GH_WALL_FIRE_STILL, /* once an hour while it lasts */
    GH_WALL_FIRE_OVER,
    GH_WALL_GUARD,        /* the guard's button was pressed */
    GH_WALL_GUARD_LET_GO, /* it does not keep the door unlocked any more: let go, or stuck */
    GH_WALL_GUARD_STUCK,
    GH_WALL_GUARD_FREE, /* not stuck any more */
    GH_WALL_EXIT,       /* the exit button was: unlock */
    GH_WALL_EXIT_LET_GO,
    GH_WALL_EXIT_STUCK,
    GH_WALL_EXIT_FREE,
    GH_WALL_EXIT_WAITS,   /* it was pressed, but the other door is not shut */
    GH_WALL_EXIT_IN_VAIN, /* nor did it become so in time */
    GH_WALL_TAMPER,
    GH_WALL_TAMPER_OVER,
    GH_WALL_EVENTS
};

struct gh_button {
    enum gh_level level;
    int64_t pressed_ns; /* since when; INT64_MIN: it is not, or was so when found */
    int64_t down_ns;    /* likewise, but also when found so */
    bool stuck;
};
struct gh_wall {
    struct gh_button exit, guard;
    int64_t asked_ns; /* when it was pressed last; INT64_MIN: never */
    int64_t wait_ns;  /* somebody waits at the exit since then; INT64_MIN: nobody */
    bool fire, tamper;
    int64_t fire_said_ns;
    int64_t last_ns;
};

void gh_wall_init(struct gh_wall *wall);
/* The inputs count so (a level each), and this door is interlocked, or not. Returns how many events
 * there are; each at most once. */
size_t gh_wall_look(struct gh_wall *wall, const struct gh_door_watch *watch, bool interlocked,
                    int64_t now_ns, enum gh_wall_event events[GH_WALL_EVENTS]);
/* The door could not be unlocked for who has pressed the exit button, because of the other door
 * after all: they wait for it. */
void gh_wall_wait(struct gh_wall *wall, int64_t now_ns);
/* It keeps the door unlocked: not when it was let go while its presser waited, nor when stuck. */
bool gh_button_is_pressed(const struct gh_button *button);
/* When to look again without a change; INT64_MAX: not. */
int64_t gh_wall_next_ns(const struct gh_wall *wall);

#endif
