/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/record.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "gatehouse/log.h"

#define RETRY_NS (2 * GH_NS_PER_S)

static enum gh_status open_journal(struct gh_record *record)
{
    struct gh_error err = {0};

    if (record->journal)
        return GH_OK;
    enum gh_status status = gh_journal_open(record->path, &record->journal, &err);
    if (status != GH_OK)
        gh_log(GH_LOG_ERR, "journal", "%s; nobody is let in until it can be written", err.text);
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

static void stamp(struct gh_record *record, struct gh_entry *entry)
{
    entry->gate = record->gate;
    entry->wall_ms = gh_clock_wall_ns(record->clock) / GH_NS_PER_MS;
    entry->monotonic_ms = gh_clock_monotonic_ns(record->clock) / GH_NS_PER_MS;
    memcpy(entry->boot_id, record->boot_id, sizeof(entry->boot_id));
}

enum gh_status gh_record_now(struct gh_record *record, struct gh_entry *entry)
{
    stamp(record, entry);
    /* The order of what happened is the order of the chain. */
    enum gh_status status = write_waiting(record);
    return status == GH_OK ? append(record, entry) : status;
}

void gh_record_later(struct gh_record *record, const struct gh_entry *entry)
{
    if (record->count == GH_RECORD_WAITING_MAX) {
        record->lost++;
        gh_log(GH_LOG_ERR, "journal", "no room to keep another entry in memory: %" PRIu64 " lost",
               record->lost);
        return;
    }
    record->waiting[(record->first + record->count) % GH_RECORD_WAITING_MAX] = *entry;
    record->count++;
    if (record->retry_ns == INT64_MAX)
        record->retry_ns = gh_clock_monotonic_ns(record->clock) + RETRY_NS;
}

bool gh_record_tick(struct gh_record *record)
{
    if (record->count == 0 || gh_clock_monotonic_ns(record->clock) < record->retry_ns)
        return false;
    size_t before = record->count;
    return write_waiting(record) == GH_OK || record->count < before;
}

void gh_record_open(struct gh_record *record, const struct gh_clock *clock, const char *path,
                    gh_id gate, bool clock_trusted)
{
    struct gh_entry entry = {.type = GH_ENTRY_START, .clock_trusted = clock_trusted};

    memset(record, 0, sizeof(*record));
    record->clock = clock;
    record->gate = gate;
    record->retry_ns = INT64_MAX;
    snprintf(record->path, sizeof(record->path), "%s", path);
    gh_boot_id(record->boot_id);
    if (gh_record_now(record, &entry) != GH_OK)
        gh_record_later(record, &entry);
}

void gh_record_close(struct gh_record *record)
{
    if (record->count > 0 && write_waiting(record) != GH_OK)
        gh_log(GH_LOG_ERR, "journal", "%zu entries could not be written before the end",
               record->count);
    gh_journal_close(record->journal);
    record->journal = NULL;
}
