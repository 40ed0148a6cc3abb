/* SPDX-License-Identifier: Apache-2.0 */
/* Who gets which answer: the newest manifest, with a delta that leads to it or without one. */
#include <stdatomic.h>

#include "gatehouse/log.h"
#include "server/list_answer.h"
#include "server/publish_parts.h"

#define MODULE "list"
#define INLINE_CHANGES 300 /* a delta of so many is a matter of a few milliseconds */

/* --- deltas --- */

/* Until the manifest is signed anew: thousands of gates ask for the same one. */
static struct gh_cached_delta *note_failure(struct gh_publisher *publisher,
                                            const struct gh_generation *from, enum gh_status status)
{
    return gh_delta_cache_note(&publisher->deltas, from,
                               status == GH_ERR_TOOBIG ? GH_ERR_NOTFOUND : status);
}

/* One that leads from there, in *out. GH_ERR_AGAIN: it is being made; GH_ERR_NOTFOUND: there can be
 * none. */
static enum gh_status delta_from(struct gh_publisher *publisher, const struct gh_generation *from,
                                 struct gh_cached_delta **out)
{
    static const atomic_bool never;
    uint64_t changes;
    struct gh_list_delta delta;
    *out = gh_delta_cache_find(&publisher->deltas, from);
    if (*out != NULL)
        return (*out)->status;
    enum gh_status status = gh_db_list_distance(publisher->db, from, &changes);
    if (status == GH_OK && changes > INLINE_CHANGES) {
        status =
            gh_list_worker_ask(publisher->worker, GH_LIST_JOB_DELTA, from, publisher->keys->list);
        if (status == GH_ERR_BUSY)
            return GH_ERR_AGAIN;
        if (status == GH_OK || status == GH_ERR_EXISTS)
            *out = gh_delta_cache_note(&publisher->deltas, from, GH_ERR_AGAIN);
        return status == GH_OK || status == GH_ERR_EXISTS ? GH_ERR_AGAIN : status;
    }
    if (status == GH_OK)
        status = gh_list_make_delta(publisher->db, publisher->keys->list, publisher->manifest.area,
                                    from, &never, &delta);
    *out = status == GH_OK ? gh_delta_cache_put(&publisher->deltas, &delta)
                           : note_failure(publisher, from, status);
    return (*out)->status;
}

/* It was made while the list went on: true all the same, with a manifest of where it leads to. */
static void take_late_delta(struct gh_publisher *publisher, struct gh_list_delta *delta)
{
    uint8_t bytes[GH_MANIFEST_MAX_BYTES];
    struct gh_writer writer = gh_writer_over(bytes, sizeof(bytes));
    struct gh_answer *answer = NULL;
    enum gh_status status = gh_publisher_sign_for(publisher, &delta->to, &writer);
    if (status == GH_OK)
        status = gh_list_answer((struct gh_bytes){writer.data, writer.size}, delta, publisher->keys,
                                publisher->news, &answer);
    if (status == GH_OK)
        gh_delta_cache_put_late(&publisher->deltas, &delta->from, answer,
                                gh_publisher_now_ns(publisher));
    gh_list_delta_clear(delta);
}

static void take_delta(struct gh_publisher *publisher, struct gh_list_job *job)
{
    gh_delta_cache_drop(&publisher->deltas, &job->from);
    enum gh_status status = gh_publisher_renew(publisher);
    if (job->status != GH_OK) {
        (void)note_failure(publisher, &job->from, job->status);
        if (job->status != GH_ERR_TOOBIG && job->status != GH_ERR_NOTFOUND)
            gh_log(GH_LOG_ERR, MODULE, "a delta cannot be made: %s", gh_status_text(job->status));
        return;
    }
    if (status != GH_OK)
        return;
    if (gh_generation_same(&job->delta.to, &publisher->state.now))
        (void)gh_delta_cache_put(&publisher->deltas, &job->delta);
    else if (job->delta.to.number < publisher->state.now.number &&
             job->delta.to.number >= publisher->state.snapshot.generation.number)
        take_late_delta(publisher, &job->delta);
}

int gh_publisher_fd(const struct gh_publisher *publisher)
{
    return gh_list_worker_fd(publisher->worker);
}

void gh_publisher_deliver(struct gh_publisher *publisher)
{
    struct gh_list_job *job;
    while ((job = gh_list_worker_take(publisher->worker)) != NULL) {
        if (job->kind == GH_LIST_JOB_SNAPSHOT)
            gh_publisher_take_snapshot(publisher, job);
        else
            take_delta(publisher, job);
        gh_list_job_free(job);
    }
}

/* --- answers --- */

static struct gh_bytes signed_manifest(const struct gh_publisher *publisher)
{
    return (struct gh_bytes){publisher->bytes, publisher->size};
}

void gh_publisher_set_news(struct gh_publisher *publisher, uint64_t number)
{
    publisher->news = number;
}

/* The answer with this number. Where it is the one of nearly every gate, it takes the place of the
 * one that they share. */
static enum gh_status number(struct gh_publisher *publisher, struct gh_answer **shared,
                             uint64_t news, struct gh_answer **out)
{
    struct gh_answer *fresh;
    *out = *shared;
    if (*shared == NULL)
        return GH_ERR_NOTFOUND;
    if (news == (*shared)->news)
        return GH_OK;
    enum gh_status status = gh_list_answer_renumber(*shared, news, &fresh);
    if (status != GH_OK)
        return status;
    struct gh_answer **place = news == publisher->news ? shared : &publisher->single;
    gh_answer_free(*place);
    *place = *out = fresh;
    return GH_OK;
}

static enum gh_status answer_with(struct gh_publisher *publisher, struct gh_cached_delta *cached,
                                  struct gh_answer ***shared)
{
    enum gh_status status = GH_OK;
    if (cached->answer == NULL)
        status = gh_list_answer(signed_manifest(publisher), &cached->delta, publisher->keys,
                                publisher->news, &cached->answer);
    *shared = &cached->answer;
    return status;
}

/* For those from whose list no delta leads: they fetch the snapshot. */
static enum gh_status answer_from_snapshot(struct gh_publisher *publisher,
                                           struct gh_answer ***shared)
{
    struct gh_cached_delta *cached = NULL;
    const struct gh_generation *snapshot = &publisher->state.snapshot.generation;
    *shared = &publisher->plain;
    if (gh_generation_same(snapshot, &publisher->state.now))
        return GH_OK;
    enum gh_status status = delta_from(publisher, snapshot, &cached);
    if (status == GH_OK)
        return answer_with(publisher, cached, shared);
    if (status != GH_ERR_NOTFOUND)
        return status;
    publisher->snapshot_lost = true;
    publisher->size = 0;
    return gh_publisher_renew(publisher);
}

/* *shared: where the answer stands that all get who have this list at hand. */
static enum gh_status find_answer(struct gh_publisher *publisher, const struct gh_generation *have,
                                  struct gh_answer ***shared, bool *other)
{
    struct gh_cached_delta *cached = NULL;
    *other = true;
    enum gh_status status = gh_publisher_renew(publisher);
    if (status != GH_OK)
        return status;
    if (gh_generation_same(have, &publisher->state.now)) {
        *other = false;
        *shared = &publisher->plain;
        return GH_OK;
    }
    status = have->number != 0 ? delta_from(publisher, have, &cached) : GH_ERR_NOTFOUND;
    if (status == GH_OK)
        return answer_with(publisher, cached, shared);
    return status == GH_ERR_NOTFOUND ? answer_from_snapshot(publisher, shared) : status;
}

enum gh_status gh_publisher_answer(struct gh_publisher *publisher, const struct gh_generation *have,
                                   uint64_t news, struct gh_answer **out, bool *other)
{
    struct gh_answer **shared = NULL;
    *out = NULL;
    enum gh_status status = find_answer(publisher, have, &shared, other);
    return status == GH_OK ? number(publisher, shared, news, out) : status;
}

enum gh_status gh_publisher_last(struct gh_publisher *publisher, const struct gh_generation *have,
                                 uint64_t news, struct gh_answer **out)
{
    *out = NULL;
    if (!gh_generation_same(have, &publisher->plain_of))
        return GH_ERR_NOTFOUND;
    return number(publisher, &publisher->plain, news, out);
}
