/* SPDX-License-Identifier: Apache-2.0 */
/* People in an array; found through a table of places in it (open addressing), and through a heap
 * whose first is the one whose movement is longest ago. */
#include "gate/presence.h"

#include <stdlib.h>

#define FIRST_ROOM 256
#define NOBODY UINT32_MAX

struct person {
    gh_id subject;
    int64_t last_ms, before_ms;
    uint32_t heap_at;
    uint8_t last, before; /* enum gh_direction; before NONE: not known */
};

struct gh_presence {
    struct person *people;
    uint32_t *heap;  /* places of people, the earliest last_ms first */
    uint32_t *table; /* likewise, or NOBODY; twice as many as there is room for, at least */
    uint32_t count, room, mask;
};

/* --- the heap --- */

static void heap_set(struct gh_presence *presence, uint32_t at, uint32_t place)
{
    presence->heap[at] = place;
    presence->people[place].heap_at = at;
}

static bool earlier(const struct gh_presence *presence, uint32_t a, uint32_t b)
{
    return presence->people[presence->heap[a]].last_ms <
           presence->people[presence->heap[b]].last_ms;
}

static void heap_swap(struct gh_presence *presence, uint32_t a, uint32_t b)
{
    uint32_t place = presence->heap[a];
    heap_set(presence, a, presence->heap[b]);
    heap_set(presence, b, place);
}

/* The one there has another time now: to where it belongs. */
static void heap_mend(struct gh_presence *presence, uint32_t at)
{
    while (at > 0 && earlier(presence, at, (at - 1) / 2)) {
        heap_swap(presence, at, (at - 1) / 2);
        at = (at - 1) / 2;
    }
    for (;;) {
        uint32_t least = at, child = 2 * at + 1;
        for (uint32_t i = child; i < child + 2 && i < presence->count; i++)
            if (earlier(presence, i, least))
                least = i;
        if (least == at)
            return;
        heap_swap(presence, at, least);
        at = least;
    }
}

/* --- the table --- */

static uint32_t home_of(const struct gh_presence *presence, gh_id subject)
{
    return (uint32_t)(((uint64_t)subject * UINT64_C(0x9e3779b97f4a7c15)) >> 32) & presence->mask;
}

/* Where the person stands in the table, or would. */
static uint32_t slot_of(const struct gh_presence *presence, gh_id subject)
{
    uint32_t slot = home_of(presence, subject);

    while (presence->table[slot] != NOBODY &&
           presence->people[presence->table[slot]].subject != subject)
        slot = (slot + 1) & presence->mask;
    return slot;
}

static uint32_t place_of(const struct gh_presence *presence, gh_id subject)
{
    return presence->table[slot_of(presence, subject)];
}

/* Without a hole that a search would end at. */
static void table_remove(struct gh_presence *presence, gh_id subject)
{
    uint32_t hole = slot_of(presence, subject), slot = hole;

    for (;;) {
        slot = (slot + 1) & presence->mask;
        uint32_t place = presence->table[slot];
        if (place == NOBODY)
            break;
        uint32_t from_home = (slot - home_of(presence, presence->people[place].subject));
        if ((from_home & presence->mask) < ((slot - hole) & presence->mask))
            continue;
        presence->table[hole] = place;
        hole = slot;
    }
    presence->table[hole] = NOBODY;
}

/* --- coming and going --- */

static enum gh_status grow(struct gh_presence *presence)
{
    uint32_t room = presence->room == 0 ? FIRST_ROOM : presence->room * 2;
    if (room > GH_PRESENCE_MAX)
        room = GH_PRESENCE_MAX;
    uint32_t size = 2 * FIRST_ROOM;
    while (size < 2 * room)
        size *= 2;
    struct person *people = realloc(presence->people, room * sizeof(*people));
    if (people)
        presence->people = people;
    uint32_t *heap = people ? realloc(presence->heap, room * sizeof(*heap)) : NULL;
    if (heap)
        presence->heap = heap;
    uint32_t *table = heap ? malloc(size * sizeof(*table)) : NULL;
    if (!table)
        return GH_ERR_NOMEM; /* what grew already is as good as before */
    free(presence->table);
    presence->table = table;
    presence->room = room;
    presence->mask = size - 1;
    for (uint32_t i = 0; i < size; i++)
        table[i] = NOBODY;
    for (uint32_t i = 0; i < presence->count; i++)
        table[slot_of(presence, presence->people[i].subject)] = i;
    return GH_OK;
}

/* The last one takes the place of who goes. */
static void forget(struct gh_presence *presence, uint32_t place)
{
    uint32_t at = presence->people[place].heap_at, last = presence->count - 1;

    table_remove(presence, presence->people[place].subject);
    heap_set(presence, at, presence->heap[last]);
    presence->count = last;
    if (at < last)
        heap_mend(presence, at);
    if (place == last)
        return;
    uint32_t slot = slot_of(presence, presence->people[last].subject);
    presence->people[place] = presence->people[last];
    presence->heap[presence->people[place].heap_at] = place;
    presence->table[slot] = place;
}

static enum gh_status add(struct gh_presence *presence, const struct gh_presence_record *record)
{
    if (presence->count == GH_PRESENCE_MAX) {
        if (record->at_ms < presence->people[presence->heap[0]].last_ms)
            return GH_OK; /* it is the one to be forgotten */
        forget(presence, presence->heap[0]);
    }
    if (presence->count == presence->room) {
        enum gh_status status = grow(presence);
        if (status != GH_OK)
            return status;
    }
    uint32_t place = presence->count;
    presence->table[slot_of(presence, record->subject)] = place;
    presence->people[place] = (struct person){
        .subject = record->subject, .last_ms = record->at_ms, .last = (uint8_t)record->direction};
    presence->count++;
    heap_set(presence, place, place);
    heap_mend(presence, place);
    return GH_OK;
}

static void remember(struct gh_presence *presence, struct person *person,
                     const struct gh_presence_record *record)
{
    uint8_t direction = (uint8_t)record->direction;

    if ((person->last == direction && person->last_ms == record->at_ms) ||
        (person->before == direction && person->before_ms == record->at_ms))
        return;
    if (record->at_ms >= person->last_ms) {
        person->before = person->last;
        person->before_ms = person->last_ms;
        person->last = direction;
        person->last_ms = record->at_ms;
        heap_mend(presence, person->heap_at);
    } else if (person->before == GH_DIRECTION_NONE || record->at_ms > person->before_ms) {
        person->before = direction;
        person->before_ms = record->at_ms;
    }
}

/* As if it had not been: the movement before it is the last one again. */
static void undo(struct gh_presence *presence, struct person *person,
                 const struct gh_presence_record *record)
{
    bool last = person->last == record->direction && person->last_ms == record->at_ms;

    if (!last && person->before == record->direction && person->before_ms == record->at_ms)
        person->before = GH_DIRECTION_NONE;
    if (!last)
        return;
    if (person->before == GH_DIRECTION_NONE) {
        forget(presence, (uint32_t)(person - presence->people));
        return;
    }
    person->last = person->before;
    person->last_ms = person->before_ms;
    person->before = GH_DIRECTION_NONE;
    heap_mend(presence, person->heap_at);
}

/* --- the outside --- */

void gh_presence_free(struct gh_presence *presence)
{
    if (!presence)
        return;
    free(presence->people);
    free(presence->heap);
    free(presence->table);
    free(presence);
}

enum gh_status gh_presence_new(struct gh_presence **out)
{
    *out = NULL;
    struct gh_presence *presence = calloc(1, sizeof(*presence));
    if (!presence)
        return GH_ERR_NOMEM;
    if (grow(presence) != GH_OK) {
        gh_presence_free(presence);
        return GH_ERR_NOMEM;
    }
    *out = presence;
    return GH_OK;
}

enum gh_status gh_presence_take(struct gh_presence *presence,
                                const struct gh_presence_record *record)
{
    if (record->subject == 0 ||
        (record->direction != GH_DIRECTION_IN && record->direction != GH_DIRECTION_OUT))
        return GH_OK;
    uint32_t place = place_of(presence, record->subject);
    if (place == NOBODY)
        return record->undone ? GH_OK : add(presence, record);
    if (record->undone)
        undo(presence, &presence->people[place], record);
    else
        remember(presence, &presence->people[place], record);
    return GH_OK;
}

bool gh_presence_passed(const struct gh_presence *presence, gh_id subject,
                        enum gh_direction direction, int64_t since_ms, int64_t until_ms)
{
    uint32_t place = place_of(presence, subject);
    if (place == NOBODY)
        return false;
    const struct person *person = &presence->people[place];
    return person->last == direction && person->last_ms >= since_ms && person->last_ms <= until_ms;
}

size_t gh_presence_count(const struct gh_presence *presence)
{
    return presence->count;
}
