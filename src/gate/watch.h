/* SPDX-License-Identifier: Apache-2.0 */
/* What systemd's watchdog is told. Pure: no clock, no I/O, no log. The gate's loop looks every
 * third of the watchdog's time, and pings only when all is well: a loop that hangs (as it does in a
 * write to the journal that does not come back) does not look, and a camera's thread or a door's
 * keeper that hangs is seen here. What merely fails (a camera that is gone, a journal that cannot
 * be written, a list that is missing) is no better after a restart: it is said in words, and
 * pinged. The courier is not watched: a network that hangs is nothing unusual. */
#ifndef GATEHOUSE_SRC_GATE_WATCH_H
#define GATEHOUSE_SRC_GATE_WATCH_H

#include <stdbool.h>
#include <stdint.h>

#define GH_WATCH_STUCK_MS 10000 /* without a turn, of which there should be one a second */
#define GH_WATCH_BLIND_MS 10000 /* without a picture: said, no more */
#define GH_WATCH_KEEPER_LOOKS 2 /* at which the door's keeper has not answered the one before */
#define GH_WATCH_STATUS_BYTES 320

/* As things are now. */
struct gh_watch_facts {
    int64_t monotonic_ns;
    int64_t wall_s;
    int64_t every_ms;     /* how often the loop means to look */
    bool keeper_answered; /* the door's keeper, what the last look has asked it */
    bool eyes;            /* the thread that sees is to turn: its replay is not over */
    bool camera;          /* there is one */
    uint64_t turns;       /* of the camera's thread (see.h) */
    uint64_t frames;
    bool enrolled;
    bool list_usable, clock_trusted, journal_open; /* when enrolled */
    uint64_t waiting;                              /* entries that could not be written yet */
};

struct gh_watch {
    bool began;
    uint64_t turns, frames;
    int64_t turned_ns, turned_s; /* when they grew last, by both clocks */
    int64_t seen_ns, seen_s;
    int64_t looked_ns;
    unsigned unanswered; /* looks in a row, without those that came too late or too soon to tell */
};

void gh_watch_init(struct gh_watch *watch);
/* true: all is well, as far as a restart could make it so. status: one line for people, without a
 * name or an identifier of anybody. */
bool gh_watch_look(struct gh_watch *watch, const struct gh_watch_facts *facts,
                   char status[GH_WATCH_STATUS_BYTES]);
/* As of the last look: the keeper is stopped, or stuck. Not one that had no time: when the loop
 * comes late (the machine, or both processes, were stopped), nothing is held against it. */
bool gh_watch_keeper_is_silent(const struct gh_watch *watch);

#endif
