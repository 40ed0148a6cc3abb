/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/fleet/outage.h"
#include "gatehouse/compress.h"
#include "gatehouse/entry.h"

#define DOOR_EACH 4 /* one entry of so many says what the door did; the others are passages */
#define PERSON_EVERY_MS 7000
#define BODY_BYTES (FLEET_BATCH_ENTRIES * (GH_ENTRY_MAX_BYTES + 1) + 64)

static void fill_passage(struct gh_entry *entry, const struct fleet_town *town)
{
    entry->type = GH_ENTRY_PASSAGE;
    entry->outcome = GH_OUTCOME_OPEN;
    entry->reason = GH_REASON_OK;
    entry->kind = GH_KIND_HOUSING;
    entry->colour = GH_COLOUR_GREEN;
    entry->form = GH_FORM_PHONE;
    entry->subject = town->people[gh_random_id() % FLEET_PEOPLE];
    entry->home = gh_random_id();
    entry->health_code = gh_random_id();
    entry->housing_code = gh_random_id();
}

static void fill_door(struct gh_entry *entry)
{
    entry->type = GH_ENTRY_DOOR;
    entry->door = GH_DOOR_EVENT_PASSED;
    entry->about = entry->sequence - 1;
    entry->after_ms = 3200;
}

/* The next of a gate's journal. */
static void fill(struct gh_entry *entry, const struct fleet_town *town,
                 const struct fleet_gate *gate, uint64_t sequence, int64_t now_ms)
{
    int64_t ago_ms = (int64_t)(FLEET_BATCH_ENTRIES - sequence) * PERSON_EVERY_MS;
    uint8_t previous[GH_SHA256_BYTES];
    memcpy(previous, entry->previous, sizeof(previous));
    *entry = (struct gh_entry){
        .type = GH_ENTRY_START,
        .gate = gate->id,
        .sequence = sequence,
        .wall_ms = now_ms - ago_ms,
        .clock_trusted = true,
        .monotonic_ms = 86400000 - ago_ms,
        .generation = gate->list.number,
    };
    memcpy(entry->previous, previous, sizeof(previous));
    memcpy(entry->boot_id, gate->boot, sizeof(entry->boot_id));
    if (sequence % DOOR_EACH == 0)
        fill_door(entry);
    else if (sequence > 1)
        fill_passage(entry, town);
}

static void make(struct fleet_batch *batch, struct fleet_batches *all, char *body,
                 const struct fleet_town *town, const struct fleet_gate *gate, int64_t now_ms)
{
    struct gh_writer writer = gh_writer_over(body, BODY_BYTES);
    struct gh_entry entry = {0};
    char text[GH_ENTRY_MAX_BYTES];
    gh_writer_put_text(&writer, "{\"entries\":[");
    for (uint64_t sequence = 1; sequence <= FLEET_BATCH_ENTRIES; sequence++) {
        fill(&entry, town, gate, sequence, now_ms);
        size_t size = gh_entry_format(&entry, text);
        if (sequence > 1)
            gh_writer_put_byte(&writer, ',');
        gh_writer_put(&writer, text, size);
        gh_entry_hash((struct gh_bytes){(const uint8_t *)text, size}, entry.previous);
    }
    gh_writer_put_text(&writer, "]}");
    if (writer.overflow)
        fleet_fail("a batch that is too large");
    memcpy(batch->last_hash, entry.previous, sizeof(batch->last_hash));
    fleet_must(gh_zstd_compress((struct gh_bytes){writer.data, writer.size}, &batch->frame,
                                &batch->frame_bytes),
               "compressing");
    all->plain_bytes += writer.size;
    all->frame_bytes += batch->frame_bytes;
}

void fleet_batches_make(struct fleet_batches *batches, const struct fleet_town *town)
{
    char *body = fleet_allocate(BODY_BYTES, 1);
    int64_t now_ms = gh_clock_wall_ns(gh_clock_system()) / GH_NS_PER_MS;
    *batches = (struct fleet_batches){.count = town->gate_count};
    batches->batch = fleet_allocate(batches->count, sizeof(*batches->batch));
    for (size_t i = 0; i < batches->count; i++) {
        make(&batches->batch[i], batches, body, town, &town->gates[i], now_ms);
        fleet_check_stopped();
    }
    free(body);
}

void fleet_batches_free(struct fleet_batches *batches)
{
    for (size_t i = 0; i < batches->count; i++)
        free(batches->batch[i].frame);
    free(batches->batch);
}
