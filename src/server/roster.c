/* SPDX-License-Identifier: Apache-2.0 */
#include "server/roster.h"

#include <stdlib.h>
#include <string.h>

#define FIRST_PLACES 256

struct gh_roster {
    struct gh_roster_gate **places; /* open addressing; a power of two, at most half full */
    size_t place_count, used;
};

/* Identifiers are random: any of their bits will do. */
static size_t place_of(const struct gh_roster *roster, gh_id id)
{
    size_t i = (size_t)id & (roster->place_count - 1);
    while (roster->places[i] != NULL && roster->places[i]->id != id)
        i = (i + 1) & (roster->place_count - 1);
    return i;
}

static enum gh_status grow(struct gh_roster *roster)
{
    struct gh_roster larger = {.place_count = roster->place_count * 2, .used = roster->used};
    larger.places = calloc(larger.place_count, sizeof(struct gh_roster_gate *));
    if (larger.places == NULL)
        return GH_ERR_NOMEM;
    for (size_t i = 0; i < roster->place_count; i++)
        if (roster->places[i] != NULL)
            larger.places[place_of(&larger, roster->places[i]->id)] = roster->places[i];
    free(roster->places);
    *roster = larger;
    return GH_OK;
}

struct gh_roster_gate *gh_roster_find(const struct gh_roster *roster, gh_id id)
{
    return roster->places[place_of(roster, id)];
}

static enum gh_status find_or_add(struct gh_roster *roster, gh_id id, struct gh_roster_gate **out)
{
    *out = gh_roster_find(roster, id);
    if (*out != NULL)
        return GH_OK;
    if (2 * (roster->used + 1) > roster->place_count && grow(roster) != GH_OK)
        return GH_ERR_NOMEM;
    struct gh_roster_gate *gate = calloc(1, sizeof(*gate));
    if (gate == NULL)
        return GH_ERR_NOMEM;
    gate->id = id;
    roster->places[place_of(roster, id)] = gate;
    roster->used++;
    *out = gate;
    return GH_OK;
}

enum gh_status gh_roster_enrol(struct gh_roster *roster, gh_id id,
                               const uint8_t secret_sha256[GH_SHA256_BYTES])
{
    struct gh_roster_gate *gate;
    enum gh_status status = find_or_add(roster, id, &gate);
    if (status != GH_OK)
        return status;
    memcpy(gate->secret_sha256, secret_sha256, sizeof(gate->secret_sha256));
    gate->enrolled = true;
    return GH_OK;
}

struct loading {
    struct gh_roster *roster;
    enum gh_status status;
};

static bool load(void *context, const struct gh_db_gate *row)
{
    struct loading *loading = context;
    struct gh_roster_gate *gate;
    if (row->state == GH_GATE_WAITING)
        return true;
    loading->status = find_or_add(loading->roster, row->id, &gate);
    if (loading->status != GH_OK)
        return false;
    gate->enrolled = row->state == GH_GATE_ENROLLED;
    gate->seen_at = row->last_seen_at;
    memcpy(gate->secret_sha256, row->secret_sha256, sizeof(gate->secret_sha256));
    return true;
}

enum gh_status gh_roster_new(struct gh_db *db, struct gh_roster **out)
{
    *out = NULL;
    struct gh_roster *roster = calloc(1, sizeof(*roster));
    struct gh_roster_gate **places = calloc(FIRST_PLACES, sizeof(struct gh_roster_gate *));
    if (roster == NULL || places == NULL) {
        free(roster);
        free(places);
        return GH_ERR_NOMEM;
    }
    roster->places = places;
    roster->place_count = FIRST_PLACES;
    struct loading loading = {.roster = roster};
    enum gh_status status = gh_db_gates_read(db, load, &loading);
    if (status == GH_OK)
        status = loading.status;
    if (status != GH_OK) {
        gh_roster_free(roster);
        return status;
    }
    *out = roster;
    return GH_OK;
}

void gh_roster_free(struct gh_roster *roster)
{
    if (roster == NULL)
        return;
    for (size_t i = 0; i < roster->place_count; i++)
        free(roster->places[i]);
    free(roster->places);
    free(roster);
}

/* --- what they say --- */

void gh_roster_seen(struct gh_roster_gate *gate, int64_t now)
{
    gate->seen_is_new |= gate->seen_at != now;
    gate->seen_at = now;
}

bool gh_roster_boot(struct gh_roster_gate *gate, const uint8_t boot[GH_BOOT_BYTES])
{
    size_t i = 0;
    while (i < gate->boot_count && memcmp(gate->boots[i], boot, GH_BOOT_BYTES) != 0)
        i++;
    bool came_back = i > 0 && i < gate->boot_count;
    if (i == gate->boot_count && gate->boot_count < GH_BOOTS_KEPT)
        gate->boot_count++;
    if (i == GH_BOOTS_KEPT)
        i--;
    memmove(gate->boots[1], gate->boots[0], i * GH_BOOT_BYTES);
    memmove(gate->boots[0], boot, GH_BOOT_BYTES);
    return came_back;
}

enum gh_status gh_roster_write(struct gh_roster *roster, struct gh_db *db)
{
    size_t count = 0;
    struct gh_db_seen *seen = calloc(roster->used + 1, sizeof(*seen));
    if (seen == NULL)
        return GH_ERR_NOMEM;
    for (size_t i = 0; i < roster->place_count; i++)
        if (roster->places[i] != NULL && roster->places[i]->seen_is_new)
            seen[count++] = (struct gh_db_seen){.gate = roster->places[i]->id,
                                                .at = roster->places[i]->seen_at};
    enum gh_status status = count > 0 ? gh_db_gates_seen(db, seen, count) : GH_OK;
    free(seen);
    for (size_t i = 0; status == GH_OK && i < roster->place_count; i++)
        if (roster->places[i] != NULL)
            roster->places[i]->seen_is_new = false;
    return status;
}

size_t gh_roster_connected(const struct gh_roster *roster)
{
    size_t count = 0;
    for (size_t i = 0; i < roster->place_count; i++)
        count += roster->places[i] != NULL && roster->places[i]->poll != NULL;
    return count;
}
