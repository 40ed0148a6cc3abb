/* SPDX-License-Identifier: Apache-2.0 */
/* What is to be heard next. Pure: prompts, announcements and time in, the next thing to play out;
 * no thread, no clock, no I/O, no allocation.
 *
 * Announcements come before prompts, the one that was sent first before the others, and break off a
 * prompt; a later prompt takes the place of an earlier one. A prompt that could not begin within
 * GH_PROMPT_FRESH_MS is forgotten: who it was for has left. */
#ifndef GATEHOUSE_SRC_GATE_VOICE_QUEUE_H
#define GATEHOUSE_SRC_GATE_VOICE_QUEUE_H

#include <stdbool.h>

#include "gate/announcement.h"
#include "gatehouse/reason.h"

#define GH_PROMPT_FRESH_MS 3000
/* Pause between two rounds of one announcement. */
#define GH_VOICE_PAUSE_MS 1000

struct gh_voice_place {
    struct gh_announcement_job job; /* id 0: the place is free */
    uint64_t order;                 /* lower ones came before */
    unsigned played;                /* rounds */
    int64_t again_ns;               /* not before */
};
struct gh_voice_queue {
    enum gh_prompt prompt; /* NONE: nothing is to be prompted */
    int64_t prompt_ns;
    uint64_t prompts; /* counts them, so that a later one is known from the one that plays */
    struct gh_voice_place places[GH_ANNOUNCEMENTS_MAX]; /* all that the courier keeps */
    uint64_t announcements;
};

/* Something to play, or when to ask again. */
struct gh_voice_turn {
    enum { GH_TURN_NOTHING, GH_TURN_PROMPT, GH_TURN_ANNOUNCEMENT } type;
    enum gh_prompt prompt;
    uint64_t prompts;
    gh_id announcement;
    char path[512];
    int64_t wake_ns; /* NOTHING: monotonic; INT64_MAX: not without a call */
};

void gh_voice_queue_init(struct gh_voice_queue *queue);
void gh_voice_queue_prompt(struct gh_voice_queue *queue, enum gh_prompt prompt, int64_t now_ns);
/* One that is there already by its id stays as it is; cancelled, it goes, without a word.
 * false: all places are taken, and the caller tells it as failed. */
bool gh_voice_queue_announce(struct gh_voice_queue *queue, const struct gh_announcement_job *job);
/* One announcement whose time is over: true, and it has gone. Call until false. */
bool gh_voice_queue_expired(struct gh_voice_queue *queue, int64_t now_s, gh_id *id);
/* now_s: the wall clock, by which announcements may be played. A prompt is taken out by this. */
void gh_voice_queue_next(struct gh_voice_queue *queue, int64_t now_ns, int64_t now_s,
                         struct gh_voice_turn *turn);
/* Whether what plays is to go on. */
bool gh_voice_queue_goes_on(const struct gh_voice_queue *queue, const struct gh_voice_turn *turn,
                            int64_t now_ns, int64_t now_s);
/* An announcement was played once, to its end. true: that was the last round, and it has gone. */
bool gh_voice_queue_played(struct gh_voice_queue *queue, gh_id id, int64_t now_ns);
/* It cannot be played. */
void gh_voice_queue_drop(struct gh_voice_queue *queue, gh_id id);

#endif
