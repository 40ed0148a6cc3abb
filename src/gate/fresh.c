/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/fresh.h"

#include <string.h>

#include "gatehouse/clock.h"
#include "gatehouse/code.h"

void gh_fresh_init(struct gh_fresh *fresh, int64_t start_ns)
{
    memset(fresh, 0, sizeof(*fresh));
    fresh->start_ns = start_ns;
}

/* Held up for longer than it could be fresh, it is STALE meanwhile: the place is free. */
static bool is_over(const struct gh_fresh_place *place, int64_t now_ns)
{
    return now_ns >= place->until_ns;
}

static struct gh_fresh_place *find(struct gh_fresh *fresh, const struct gh_credential *credential,
                                   int64_t now_ns)
{
    for (size_t i = 0; i < GH_FRESH_PLACES; i++) {
        struct gh_fresh_place *place = &fresh->places[i];
        /* Public, like all identities: no constant time needed. */
        if (!is_over(place, now_ns) &&
            memcmp(place->presentation, credential->presentation, GH_IDENTITY_BYTES) == 0)
            return place;
    }
    return NULL;
}

/* NULL: none is free, or this person has their share. */
static struct gh_fresh_place *free_place(struct gh_fresh *fresh, gh_id subject, int64_t now_ns)
{
    struct gh_fresh_place *free = NULL;
    unsigned theirs = 0;

    for (size_t i = 0; i < GH_FRESH_PLACES; i++) {
        struct gh_fresh_place *place = &fresh->places[i];
        if (is_over(place, now_ns))
            free = place;
        else if (place->subject == subject)
            theirs++;
    }
    return theirs < GH_FRESH_PLACES_EACH ? free : NULL;
}

/* How long it may be fresh from now on, and a margin; 0: never again. Seconds: a phone may sign any
 * time. An untrusted clock cannot say. */
static int64_t keep_s(const struct gh_credential *credential, const struct gh_fresh_time *time)
{
    if (!time->trusted)
        return GH_FRESH_KEEP_S + GH_FRESH_AHEAD_S;
    int64_t ahead_s = credential->presented_at_s - time->wall_ns / GH_NS_PER_S;
    if (ahead_s < -GH_PRESENTATION_AGE_S - 1 || ahead_s > GH_PRESENTATION_AGE_S + GH_FRESH_AHEAD_S)
        return 0;
    return ahead_s > GH_PRESENTATION_AGE_S ? GH_FRESH_KEEP_S + GH_FRESH_AHEAD_S : GH_FRESH_KEEP_S;
}

static bool made_before_the_start(const struct gh_fresh *fresh,
                                  const struct gh_credential *credential,
                                  const struct gh_fresh_time *time)
{
    int64_t start_wall_ns = time->wall_ns - (time->seen_ns - fresh->start_ns);

    /* Signed in whole seconds: one of the very second of the start may be of before. */
    return time->trusted &&
           credential->presented_at_s < (start_wall_ns + GH_NS_PER_S - 1) / GH_NS_PER_S;
}

enum gh_fresh_verdict gh_fresh_see(struct gh_fresh *fresh, const struct gh_credential *credential,
                                   const struct gh_fresh_time *time, int64_t debounce_ns)
{
    if (!credential->authentic || credential->form != GH_FORM_PHONE)
        return GH_FRESH_FIRST;
    int64_t seconds = keep_s(credential, time);
    if (seconds == 0)
        return GH_FRESH_FIRST;
    if (made_before_the_start(fresh, credential, time))
        return GH_FRESH_EARLY;

    struct gh_fresh_place *place = find(fresh, credential, time->seen_ns);
    if (!place) {
        place = free_place(fresh, credential->subject, time->seen_ns);
        if (!place)
            return GH_FRESH_COPY;
        *place = (struct gh_fresh_place){.subject = credential->subject,
                                         .until_ns = time->seen_ns + seconds * GH_NS_PER_S};
        memcpy(place->presentation, credential->presentation, GH_IDENTITY_BYTES);
    } else if (time->seen_ns - place->last_ns >= debounce_ns) {
        place->copy = true;
    }
    place->last_ns = time->seen_ns;
    return place->copy ? GH_FRESH_COPY : GH_FRESH_FIRST;
}
