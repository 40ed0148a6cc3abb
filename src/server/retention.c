/* SPDX-License-Identifier: Apache-2.0 */
#include "server/retention.h"

#include "gatehouse/log.h"
#include "server/db_entries.h"
#include "server/db_news.h"

#define ENTRIES_MAX 2048
#define BESIDE_MAX 256 /* dead letters, and alarms */
#define NEWS_MAX 2048
#define HUSKS_MAX 1000 /* of one gate */
#define DAY_S INT64_C(86400)

static int64_t days_before(int64_t now, int64_t days)
{
    return now - days * DAY_S;
}

/* Every type gets its turn first. */
static enum gh_status erase(struct gh_db *db, const struct gh_retention_days *days, int64_t now,
                            struct gh_retention_run *run)
{
    enum gh_status status = GH_OK;
    unsigned left = ENTRIES_MAX, idle = 0, erased;
    while (status == GH_OK && left > 0 && idle < GH_ENTRY_TYPES) {
        enum gh_entry_type type = run->type;
        unsigned limit = left < GH_DB_ERASE_MAX ? left : GH_DB_ERASE_MAX;
        status = gh_db_entries_erase(db, type, days_before(now, days->entries[type]), now, limit,
                                     &run->after[type], &erased);
        left -= erased;
        idle = erased > 0 ? 0 : idle + 1;
        if (erased < limit)
            run->type = (enum gh_entry_type)((type + 1) % GH_ENTRY_TYPES);
    }
    return status;
}

static enum gh_status set_checkpoints(struct gh_db *db, struct gh_retention_run *run)
{
    enum gh_status status = GH_OK;
    for (size_t i = 0; status == GH_OK && i < run->wanted_count; i++) {
        const struct gh_wanted *wanted = &run->wanted[i];
        if (wanted->receipt.through == 0)
            continue;
        status = gh_db_checkpoint_set(db, wanted->gate, &wanted->receipt);
        if (status == GH_ERR_REFUSED)
            gh_log(GH_LOG_ERR, "retention", "gate %016llx: a checkpoint that does not fit",
                   (unsigned long long)wanted->gate);
        status = status == GH_ERR_REFUSED ? GH_OK : status;
    }
    run->wanted_count = 0;
    return status;
}

static enum gh_status find_checkpoints(struct gh_db *db, struct gh_retention_run *run)
{
    enum gh_status status = GH_OK;
    for (int i = 0; status == GH_OK && i < GH_RETENTION_CHECKPOINTS; i++) {
        struct gh_wanted *wanted = &run->wanted[run->wanted_count];
        status = gh_db_husks_find(db, &run->gate, HUSKS_MAX, &wanted->receipt);
        wanted->gate = run->gate;
        if (status != GH_OK || run->gate == 0) /* from the first again, the next time */
            return status;
        run->wanted_count += wanted->receipt.through > 0;
    }
    return status;
}

enum gh_status gh_retention_step(struct gh_db *db, const struct gh_retention_days *days,
                                 int64_t now, struct gh_retention_run *run)
{
    enum gh_status status = set_checkpoints(db, run);
    if (status == GH_OK)
        status = erase(db, days, now, run);
    if (status == GH_OK)
        status = gh_db_refused_drop(db, days_before(now, days->refused), BESIDE_MAX);
    if (status == GH_OK)
        status = gh_db_alarms_drop(db, days_before(now, days->alarms), BESIDE_MAX);
    if (status == GH_OK)
        status = gh_db_news_drop(db, now, days_before(now, days->entries[GH_ENTRY_ANNOUNCEMENT]),
                                 NEWS_MAX);
    if (status == GH_OK)
        status = find_checkpoints(db, run);
    return status;
}
