/* SPDX-License-Identifier: Apache-2.0 */
#include "server/delta_cache.h"

#include <string.h>

static void empty(struct gh_cached_delta *place)
{
    gh_list_delta_clear(&place->delta);
    gh_answer_free(place->answer);
    memset(place, 0, sizeof(*place));
}

static size_t bytes_of(const struct gh_cached_delta *place)
{
    return place->delta.records_size + (place->answer != NULL ? place->answer->body.size : 0);
}

struct gh_cached_delta *gh_delta_cache_find(struct gh_delta_cache *cache,
                                            const struct gh_generation *from)
{
    for (size_t i = 0; i < GH_DELTAS_CACHED; i++) {
        struct gh_cached_delta *place = &cache->places[i];
        if (place->from.number != 0 && gh_generation_same(&place->from, from)) {
            place->used = ++cache->uses;
            return place;
        }
    }
    return NULL;
}

static struct gh_cached_delta *least_used(struct gh_delta_cache *cache, bool taken_only)
{
    struct gh_cached_delta *found = NULL;
    for (size_t i = 0; i < GH_DELTAS_CACHED; i++) {
        struct gh_cached_delta *place = &cache->places[i];
        if (taken_only && place->from.number == 0)
            continue;
        if (found == NULL || place->used < found->used) /* a free place: 0 */
            found = place;
    }
    return found;
}

/* An answer holds its delta once more: of a large one not many fit. */
static void make_room(struct gh_delta_cache *cache, size_t bytes)
{
    size_t total = bytes;
    for (size_t i = 0; i < GH_DELTAS_CACHED; i++)
        total += bytes_of(&cache->places[i]);
    while (total > GH_DELTAS_CACHED_BYTES) {
        struct gh_cached_delta *victim = least_used(cache, true);
        if (victim == NULL)
            return;
        total -= bytes_of(victim);
        empty(victim);
    }
}

static struct gh_cached_delta *place_for(struct gh_delta_cache *cache,
                                         const struct gh_generation *from, size_t bytes)
{
    gh_delta_cache_drop(cache, from);
    make_room(cache, bytes);
    struct gh_cached_delta *place = least_used(cache, false);
    empty(place);
    place->from = *from;
    place->used = ++cache->uses;
    return place;
}

struct gh_cached_delta *gh_delta_cache_note(struct gh_delta_cache *cache,
                                            const struct gh_generation *from, enum gh_status status)
{
    struct gh_cached_delta *place = place_for(cache, from, 0);
    place->status = status;
    return place;
}

struct gh_cached_delta *gh_delta_cache_put(struct gh_delta_cache *cache,
                                           struct gh_list_delta *delta)
{
    struct gh_cached_delta *place = place_for(cache, &delta->from, 2 * delta->records_size);
    place->delta = *delta;
    memset(delta, 0, sizeof(*delta));
    return place;
}

void gh_delta_cache_put_late(struct gh_delta_cache *cache, const struct gh_generation *from,
                             struct gh_answer *answer, int64_t now_ns)
{
    struct gh_cached_delta *place = place_for(cache, from, answer->body.size);
    place->answer = answer;
    place->late = true;
    place->made_at_ns = now_ns;
}

void gh_delta_cache_drop(struct gh_delta_cache *cache, const struct gh_generation *from)
{
    struct gh_cached_delta *place = gh_delta_cache_find(cache, from);
    if (place != NULL)
        empty(place);
}

static bool is_of_use(const struct gh_cached_delta *place, const struct gh_generation *newest,
                      int64_t now_ns)
{
    if (place->late)
        return now_ns - place->made_at_ns < GH_LATE_DELTA_NS;
    return place->status == GH_ERR_AGAIN ||
           (place->status == GH_OK && gh_generation_same(&place->delta.to, newest));
}

void gh_delta_cache_renew(struct gh_delta_cache *cache, const struct gh_generation *newest,
                          int64_t now_ns)
{
    for (size_t i = 0; i < GH_DELTAS_CACHED; i++) {
        struct gh_cached_delta *place = &cache->places[i];
        if (place->from.number == 0)
            continue;
        if (!is_of_use(place, newest, now_ns)) {
            empty(place);
        } else if (!place->late) {
            gh_answer_free(place->answer);
            place->answer = NULL;
        }
    }
}

void gh_delta_cache_clear(struct gh_delta_cache *cache)
{
    for (size_t i = 0; i < GH_DELTAS_CACHED; i++)
        empty(&cache->places[i]);
}
