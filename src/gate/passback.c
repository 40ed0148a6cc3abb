/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/passback.h"

#include <string.h>

#include "gatehouse/log.h"

#define MS_PER_S 1000

enum gh_status gh_passback_init(struct gh_passback *passback, enum gh_direction direction)
{
    memset(passback, 0, sizeof(*passback));
    passback->direction = direction;
    return direction == GH_DIRECTION_NONE ? GH_OK : gh_presence_new(&passback->presence);
}

void gh_passback_clear(struct gh_passback *passback)
{
    gh_presence_free(passback->presence);
    memset(passback, 0, sizeof(*passback));
}

static void take(struct gh_passback *passback, const struct gh_presence_record *record)
{
    bool forgetful = gh_presence_take(passback->presence, record) != GH_OK;

    if (forgetful && !passback->forgetful)
        gh_log(GH_LOG_ERR, "passback", "no memory for more people: they may pass back");
    passback->forgetful = forgetful;
}

/* --- what happens --- */

static struct gh_presence_record movement_of(const struct gh_entry *passage)
{
    return (struct gh_presence_record){
        .subject = passage->subject, .direction = passage->direction, .at_ms = passage->wall_ms};
}

void gh_passback_went(struct gh_passback *passback, const struct gh_entry *passage)
{
    if (!passback->presence || passage->subject == 0)
        return;
    struct gh_passback_opening *opening = &passback->openings[passback->next];
    *opening = (struct gh_passback_opening){passage->sequence, movement_of(passage)};
    passback->next = (passback->next + 1) % GH_PASSBACK_OPENINGS;
    take(passback, &opening->record);
}

void gh_passback_unused(struct gh_passback *passback, uint64_t sequence)
{
    for (size_t i = 0; i < GH_PASSBACK_OPENINGS && sequence != 0; i++) {
        struct gh_passback_opening *opening = &passback->openings[i];
        if (opening->sequence != sequence)
            continue;
        opening->record.undone = true;
        take(passback, &opening->record);
        opening->sequence = 0;
    }
}

void gh_passback_heard(struct gh_passback *passback, const struct gh_presence_record *records,
                       size_t count)
{
    for (size_t i = 0; i < count && passback->presence; i++)
        take(passback, &records[i]);
}

bool gh_passback_passed(const struct gh_passback *passback, const struct gh_passback_policy *policy,
                        gh_id subject, int64_t now_ms)
{
    int64_t forgive_ms = policy->forgive_s * MS_PER_S;

    if (!passback->presence || policy->rule == GH_PASSBACK_OFF || subject == 0)
        return false;
    return gh_presence_passed(passback->presence, subject, passback->direction, now_ms - forgive_ms,
                              now_ms + forgive_ms);
}

/* --- what happened before the start --- */

/* One step's entries, oldest first. */
struct step {
    uint64_t until;
    int64_t since_ms;
    bool old, any; /* one is older than what is remembered; there was one at all */
    struct gh_passback_opening openings[GH_PASSBACK_STEP];
    uint64_t unused[GH_PASSBACK_STEP];
    size_t opening_count, unused_count;
};

static bool take_entry(void *context, uint64_t sequence, struct gh_bytes canonical)
{
    struct step *step = context;
    struct gh_entry entry;
    size_t size;

    if (sequence > step->until)
        return false;
    step->any = true;
    if (canonical.size == 0 || gh_entry_scan(canonical, &entry, &size, NULL) != GH_OK)
        return true; /* pruned, or a later version's: nothing is known of it */
    if (entry.clock_trusted && entry.wall_ms < step->since_ms)
        step->old = true;
    else if (entry.type == GH_ENTRY_DOOR && entry.door == GH_DOOR_EVENT_UNUSED)
        step->unused[step->unused_count++] = entry.about;
    else if (entry.type == GH_ENTRY_PASSAGE && entry.outcome == GH_OUTCOME_OPEN)
        step->openings[step->opening_count++] =
            (struct gh_passback_opening){sequence, movement_of(&entry)};
    return true;
}

static bool among(const uint64_t *numbers, size_t count, uint64_t number)
{
    while (count > 0 && numbers[count - 1] != number)
        count--;
    return count > 0;
}

static void take_step(struct gh_passback *passback, const struct step *step)
{
    for (size_t i = 0; i < step->opening_count; i++) {
        const struct gh_passback_opening *opening = &step->openings[i];
        if (!among(step->unused, step->unused_count, opening->sequence) &&
            !among(passback->unused, passback->unused_count, opening->sequence))
            take(passback, &opening->record);
    }
    /* What is told of entries that come with the next step. */
    passback->unused_count = 0;
    for (size_t i = 0; i < step->unused_count && passback->unused_count < GH_PASSBACK_OPENINGS; i++)
        if (step->unused[i] <= passback->recall_to)
            passback->unused[passback->unused_count++] = step->unused[i];
}

static void begin(struct gh_passback *passback, struct gh_journal *journal)
{
    uint8_t hash[GH_SHA256_BYTES];
    uint64_t last = 0;

    passback->recall = GH_RECALL_RUNS;
    if (gh_journal_head(journal, &last, hash) != GH_OK)
        gh_log(GH_LOG_ERR, "passback", "who went which way before the start cannot be read");
    passback->recall_to = last;
    passback->recall_least = last > GH_PASSBACK_ENTRIES_MAX ? last - GH_PASSBACK_ENTRIES_MAX : 0;
}

bool gh_passback_recall(struct gh_passback *passback, const struct gh_passback_policy *policy,
                        struct gh_journal *journal, int64_t now_ms)
{
    struct step step = {0};

    if (!passback->presence || passback->recall == GH_RECALL_DONE ||
        policy->rule == GH_PASSBACK_OFF)
        return false;
    if (passback->recall == GH_RECALL_WAITS)
        begin(passback, journal);
    step.until = passback->recall_to;
    step.since_ms = now_ms - policy->forgive_s * MS_PER_S;
    passback->recall_to = step.until > GH_PASSBACK_STEP ? step.until - GH_PASSBACK_STEP : 0;
    enum gh_status status = step.until == 0 ? GH_OK
                                            : gh_journal_read(journal, passback->recall_to,
                                                              GH_PASSBACK_STEP, take_entry, &step);
    if (status != GH_OK)
        gh_log(GH_LOG_ERR, "passback", "who went which way before the start cannot be read: %s",
               gh_status_text(status));
    take_step(passback, &step);
    if (status != GH_OK || step.old || !step.any || passback->recall_to <= passback->recall_least)
        passback->recall = GH_RECALL_DONE;
    return passback->recall == GH_RECALL_RUNS;
}
