/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/gate_state.h"

#include <stdio.h>
#include <string.h>

#include "gate/decide.h"
#include "gate/gate_parts.h"

void gh_gate_count(struct gh_gate *gate, const struct gh_entry *entry)
{
    struct gh_gate_tally *tally = &gate->tally;

    if ((unsigned)entry->outcome < GH_ARRAY_SIZE(tally->decided))
        tally->decided[entry->outcome]++;
    tally->any = true;
    tally->outcome = entry->outcome;
    tally->reason = entry->reason;
    tally->at_ms = entry->wall_ms;
    tally->entry = entry->sequence;
}

static void describe_age(const struct gh_gate *gate, struct gh_gate_state *out)
{
    const struct gh_policy *policy = &gate->policy;

    out->list.stale_age_s = policy->list_stale_age_s;
    if (!gate->keeper.trusted)
        return;
    out->list.age_s = gh_list_age_s(out->list.issued_at_s, out->clock.now_s);
    out->list.too_old = out->list.age_s > policy->list_max_age_s;
    out->list.stale = !out->list.too_old && out->list.age_s > policy->list_stale_age_s;
}

static void describe_list(const struct gh_gate *gate, struct gh_gate_state *out)
{
    struct gh_list_counts counts;

    if (!gate->list)
        return;
    const struct gh_manifest *manifest = gh_list_manifest(gate->list);
    out->list.usable = gate->trust != NULL;
    out->list.generation = manifest->generation;
    out->list.issued_at_s = manifest->issued_at_s;
    describe_age(gate, out);
    if (gh_list_count(gate->list, &counts) == GH_OK) {
        out->list.persons = counts.subjects;
        out->list.homes = counts.homes;
    }
}

static void describe_journal(struct gh_gate *gate, struct gh_gate_state *out)
{
    struct gh_journal_size size;

    out->journal.waiting = gate->record.count;
    out->journal.lost = gate->record.lost;
    out->journal.omitted = gate->record.omitted;
    out->journal.acknowledged = gate->keep.receipt.through;
    out->journal.large = gate->keep.said_bytes != 0;
    if (!gate->record.journal || gh_journal_measure(gate->record.journal, &size) != GH_OK)
        return;
    out->journal.open = true;
    out->journal.last = size.last;
    out->journal.bytes = size.bytes;
}

struct gh_gate_health gh_gate_health(const struct gh_gate *gate)
{
    return (struct gh_gate_health){
        .enrolled = gate->identity.enrolled,
        .list_usable = gate->list != NULL && gate->trust != NULL,
        .clock_trusted = gate->keeper.trusted,
        .journal_open = gate->record.journal != NULL,
        .waiting = gate->record.count,
    };
}

void gh_gate_describe(struct gh_gate *gate, struct gh_gate_state *out)
{
    const struct gh_identity *identity = &gate->identity;

    *out = (struct gh_gate_state){
        .enrolled = identity->enrolled,
        .clock = {.trusted = gate->keeper.trusted,
                  .zone_missing = gate->options.zone_missing,
                  .now_s = gh_clock_wall_s(gate->options.clock)},
        .passages = gate->tally,
        .door = gh_gate_look_at_door(gate),
    };
    if (!identity->enrolled)
        return;
    out->id = identity->gate;
    snprintf(out->name, sizeof(out->name), "%s", identity->name);
    snprintf(out->area, sizeof(out->area), "%s", identity->area);
    snprintf(out->url, sizeof(out->url), "%s", identity->url);
    describe_list(gate, out);
    describe_journal(gate, out);
}
