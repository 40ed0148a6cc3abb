/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/record.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "gatehouse/log.h"

#define RETRY_NS (2 * GH_NS_PER_S)

/* What it held is told by a whole journal: one that cannot be read tells nothing, and cannot be
 * written to either. */
static void look_back(struct gh_record *record)
{
    struct gh_record_found found = {.trusted_ms = INT64_MIN};

    enum gh_status last = gh_journal_last(record->journal, &found.last);
    found.has_last = last == GH_OK;
    enum gh_status trusted = gh_journal_last_trusted(record->journal, &found.trusted_ms);
    if ((last != GH_OK && last != GH_ERR_NOTFOUND) ||
        (trusted != GH_OK && trusted != GH_ERR_NOTFOUND))
        gh_log(GH_LOG_ERR, "journal", "what it says about the time cannot be read");
    if (trusted != GH_OK)
        found.trusted_ms = INT64_MIN;
    record->found = found;
    record->has_found = true;
}

static enum gh_status open_journal(struct gh_record *record)
{
    struct gh_error err = {0};

    if (record->journal)
        return GH_OK;
    enum gh_status status = gh_journal_open(record->path, &record->journal, &err);
    if (status != GH_OK)
        gh_log(GH_LOG_ERR, "journal", "%s; nobody is let in until it can be written", err.text);
    else
        look_back(record);
    return status;
}

static enum gh_status append(struct gh_record *record, struct gh_entry *entry)
{
    struct gh_error err = {0};

    enum gh_status status = open_journal(record);
    if (status != GH_OK)
        return status;
    status = gh_journal_append(record->journal, entry, &err);
    if (status != GH_OK)
        gh_log(GH_LOG_ERR, "journal", "%s; nobody is let in until it can be written", err.text);
    return status;
}

/* Oldest first; stops at the first that fails. */
static enum gh_status write_waiting(struct gh_record *record)
{
    while (record->count > 0) {
        enum gh_status status = append(record, &record->waiting[record->first]);
        if (status != GH_OK) {
            record->retry_ns = gh_clock_monotonic_ns(record->clock) + RETRY_NS;
            return status;
        }
        record->first = (record->first + 1) % GH_RECORD_WAITING_MAX;
        if (--record->count == 0)
            gh_log(GH_LOG_NOTICE, "journal", "writing again; nothing waits any more");
    }
    record->retry_ns = INT64_MAX;
    return GH_OK;
}

/* What happened before the entry that comes now: the order of what happened is the order of the
 * chain. */
static enum gh_status write_before(struct gh_record *record)
{
    enum gh_status status = write_waiting(record);

    if (!record->counting)
        return status;
    record->counting = false;
    if (status == GH_OK)
        status = append(record, &record->counted);
    if (status != GH_OK)
        gh_record_later(record, &record->counted);
    else if (record->counted.omitted > 0)
        gh_log(GH_LOG_INFO, "journal", "entry %" PRIu64 " stands for %" PRIu64 " more like it",
               record->counted.sequence, record->counted.omitted);
    return status;
}

static void stamp(struct gh_record *record, struct gh_entry *entry)
{
    entry->gate = record->gate;
    entry->wall_ms = gh_clock_wall_ns(record->clock) / GH_NS_PER_MS;
    entry->monotonic_ms = gh_clock_monotonic_ns(record->clock) / GH_NS_PER_MS;
    memcpy(entry->boot_id, record->boot_id, sizeof(entry->boot_id));
}

void gh_record_try(struct gh_record *record)
{
    (void)open_journal(record); /* said */
}

enum gh_status gh_record_now(struct gh_record *record, struct gh_entry *entry)
{
    stamp(record, entry);
    enum gh_status status = write_before(record);
    return status == GH_OK ? append(record, entry) : status;
}

void gh_record_later(struct gh_record *record, const struct gh_entry *entry)
{
    if (record->count == GH_RECORD_WAITING_MAX) {
        record->lost += 1 + entry->omitted;
        gh_log(GH_LOG_ERR, "journal", "no room to keep another entry in memory: %" PRIu64 " lost",
               record->lost);
        return;
    }
    record->waiting[(record->first + record->count) % GH_RECORD_WAITING_MAX] = *entry;
    record->count++;
    if (record->retry_ns == INT64_MAX)
        record->retry_ns = gh_clock_monotonic_ns(record->clock) + RETRY_NS;
}

/* Once, until there is every token again. */
static void say_counting(struct gh_record *record)
{
    if (!record->said_counting)
        gh_log(GH_LOG_WARNING, "journal",
               "codes that name nobody come one after the other: what is not written at once is "
               "counted, and one entry in %d s says how many there were",
               (int)(GH_RECORD_SPARING_EVERY_NS / GH_NS_PER_S));
    record->said_counting = true;
}

bool gh_record_sparingly(struct gh_record *record, struct gh_entry *entry)
{
    int64_t now_ns = gh_clock_monotonic_ns(record->clock);

    stamp(record, entry);
    entry->sequence = 0;
    if (record->counting) {
        record->counted.omitted++;
        record->omitted++;
    } else {
        record->counting = true;
        record->counted = *entry;
    }
    if (gh_bucket_is_full(&record->sparing, now_ns))
        record->said_counting = false;
    if (record->count > 0) /* it takes no room from those who have a name */
        return false;
    if (!gh_bucket_take(&record->sparing, now_ns)) {
        say_counting(record);
        return false;
    }
    if (write_before(record) == GH_OK)
        entry->sequence = record->counted.sequence;
    return true;
}

size_t gh_record_unwritten(const struct gh_record *record)
{
    return record->count + (record->counting ? 1 : 0);
}

bool gh_record_tick(struct gh_record *record)
{
    int64_t now_ns = gh_clock_monotonic_ns(record->clock);
    size_t before = gh_record_unwritten(record);
    enum gh_status status;

    if (record->count > 0 && now_ns >= record->retry_ns)
        status = write_waiting(record);
    else if (record->count == 0 && record->counting && gh_bucket_take(&record->sparing, now_ns))
        status = write_before(record);
    else
        return false;
    return status == GH_OK || gh_record_unwritten(record) < before;
}

int64_t gh_record_next_ns(const struct gh_record *record)
{
    if (record->count > 0 || !record->counting)
        return record->retry_ns;
    return gh_bucket_next_ns(&record->sparing, gh_clock_monotonic_ns(record->clock));
}

void gh_record_somehow(struct gh_record *record, struct gh_entry *entry)
{
    if (gh_record_now(record, entry) != GH_OK)
        gh_record_later(record, entry);
}

enum gh_status gh_record_measure(struct gh_record *record, struct gh_journal_size *out)
{
    enum gh_status status = open_journal(record);

    if (status != GH_OK)
        return status;
    status = gh_journal_measure(record->journal, out);
    if (status != GH_OK)
        gh_log(GH_LOG_ERR, "journal", "its size cannot be told: %s", gh_status_text(status));
    return status;
}

enum gh_status gh_record_prune(struct gh_record *record, const struct gh_journal_cut *cut,
                               struct gh_entry *entry, uint64_t *removed, bool *more)
{
    struct gh_error err = {0};

    *removed = 0;
    *more = false;
    enum gh_status status = write_before(record);
    if (status == GH_OK)
        status = open_journal(record);
    if (status != GH_OK)
        return status;
    stamp(record, entry);
    status = gh_journal_prune(record->journal, cut, entry, removed, more, &err);
    if (status != GH_OK && status != GH_ERR_INVALID)
        gh_log(GH_LOG_ERR, "journal", "acknowledged entries stay: %s",
               err.text[0] ? err.text : gh_status_text(status));
    return status;
}

bool gh_record_take_found(struct gh_record *record, struct gh_record_found *found)
{
    if (!record->has_found)
        return false;
    *found = record->found;
    record->has_found = false;
    return true;
}

void gh_record_open(struct gh_record *record, const struct gh_clock *clock, const char *path,
                    gh_id gate)
{
    memset(record, 0, sizeof(*record));
    record->clock = clock;
    record->gate = gate;
    record->retry_ns = INT64_MAX;
    snprintf(record->path, sizeof(record->path), "%s", path);
    gh_boot_id(record->boot_id);
    gh_bucket_init(&record->sparing, GH_RECORD_SPARING_BURST, GH_RECORD_SPARING_EVERY_NS);
    (void)open_journal(record); /* said, and tried again with the first entry */
}

void gh_record_close(struct gh_record *record)
{
    if (gh_record_unwritten(record) > 0 && write_before(record) != GH_OK)
        gh_log(GH_LOG_ERR, "journal", "%zu entries could not be written before the end",
               record->count);
    gh_journal_close(record->journal);
    record->journal = NULL;
}
