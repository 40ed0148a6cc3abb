/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/voice_queue.h"

#include <stdio.h>
#include <string.h>

#include "gatehouse/clock.h"

void gh_voice_queue_init(struct gh_voice_queue *queue)
{
    memset(queue, 0, sizeof(*queue));
}

void gh_voice_queue_prompt(struct gh_voice_queue *queue, enum gh_prompt prompt, int64_t now_ns)
{
    if (prompt == GH_PROMPT_NONE)
        return;
    queue->prompt = prompt;
    queue->prompt_ns = now_ns;
    queue->prompts++;
}

static struct gh_voice_place *find(struct gh_voice_queue *queue, gh_id id)
{
    for (size_t i = 0; i < GH_ANNOUNCEMENTS_MAX; i++)
        if (queue->places[i].job.announcement.id == id)
            return &queue->places[i];
    return NULL;
}

static void leave(struct gh_voice_place *place)
{
    memset(place, 0, sizeof(*place));
}

bool gh_voice_queue_announce(struct gh_voice_queue *queue, const struct gh_announcement_job *job)
{
    struct gh_voice_place *place = find(queue, job->announcement.id);

    if (job->announcement.cancelled) {
        if (place)
            leave(place);
        return true;
    }
    if (place)
        return true;
    place = find(queue, 0);
    if (!place)
        return false;
    *place = (struct gh_voice_place){
        .job = *job, .order = ++queue->announcements, .again_ns = INT64_MIN};
    return true;
}

bool gh_voice_queue_expired(struct gh_voice_queue *queue, int64_t now_s, gh_id *id)
{
    for (size_t i = 0; i < GH_ANNOUNCEMENTS_MAX; i++) {
        struct gh_voice_place *place = &queue->places[i];
        if (place->job.announcement.id == 0 || now_s < place->job.announcement.until_s)
            continue;
        *id = place->job.announcement.id;
        leave(place);
        return true;
    }
    return false;
}

/* What may be played now, of the one that came first; else when that may be, at the latest in a
 * second: the wall clock may be set meanwhile. */
static const struct gh_voice_place *due(const struct gh_voice_queue *queue, int64_t now_ns,
                                        int64_t now_s, int64_t *wake_ns)
{
    const struct gh_voice_place *first = NULL;

    for (size_t i = 0; i < GH_ANNOUNCEMENTS_MAX; i++) {
        const struct gh_voice_place *place = &queue->places[i];
        const struct gh_announcement *announcement = &place->job.announcement;
        if (announcement->id == 0)
            continue;
        *wake_ns = now_ns + GH_NS_PER_S;
        if (now_s >= announcement->from_s && now_s < announcement->until_s &&
            now_ns >= place->again_ns && (!first || place->order < first->order))
            first = place;
    }
    return first;
}

void gh_voice_queue_next(struct gh_voice_queue *queue, int64_t now_ns, int64_t now_s,
                         struct gh_voice_turn *turn)
{
    *turn = (struct gh_voice_turn){.type = GH_TURN_NOTHING, .wake_ns = INT64_MAX};
    const struct gh_voice_place *place = due(queue, now_ns, now_s, &turn->wake_ns);
    if (place) {
        turn->type = GH_TURN_ANNOUNCEMENT;
        turn->announcement = place->job.announcement.id;
        snprintf(turn->path, sizeof(turn->path), "%s", place->job.path);
        return;
    }
    enum gh_prompt prompt = queue->prompt;
    queue->prompt = GH_PROMPT_NONE;
    if (prompt == GH_PROMPT_NONE || now_ns - queue->prompt_ns > GH_PROMPT_FRESH_MS * GH_NS_PER_MS)
        return;
    turn->type = GH_TURN_PROMPT;
    turn->prompt = prompt;
    turn->prompts = queue->prompts;
}

bool gh_voice_queue_goes_on(const struct gh_voice_queue *queue, const struct gh_voice_turn *turn,
                            int64_t now_ns, int64_t now_s)
{
    if (turn->type == GH_TURN_ANNOUNCEMENT) {
        for (size_t i = 0; i < GH_ANNOUNCEMENTS_MAX; i++)
            if (queue->places[i].job.announcement.id == turn->announcement)
                return now_s < queue->places[i].job.announcement.until_s;
        return false;
    }
    int64_t wake_ns;
    return turn->prompts == queue->prompts && !due(queue, now_ns, now_s, &wake_ns);
}

bool gh_voice_queue_played(struct gh_voice_queue *queue, gh_id id, int64_t now_ns)
{
    struct gh_voice_place *place = find(queue, id);

    if (!place)
        return false;
    place->again_ns = now_ns + GH_VOICE_PAUSE_MS * GH_NS_PER_MS;
    if (++place->played < place->job.announcement.repeat)
        return false;
    leave(place);
    return true;
}

void gh_voice_queue_drop(struct gh_voice_queue *queue, gh_id id)
{
    struct gh_voice_place *place = find(queue, id);

    if (place)
        leave(place);
}
