/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "server/db_sqlite.h"

#define KEPT_BYTES_MAX 4096 /* of what was refused: enough to see what it was */
#define GAP_CLAIMS_MAX 3

struct progress {
    uint64_t acknowledged, last, alarms, claims;
};

static void refuse(struct gh_db_item *item, const char *reason)
{
    snprintf(item->refusal, sizeof(item->refusal), "%s", reason);
}

/* *found with the hash (and, if asked, the predecessor's hash) of what is stored as that number. */
static enum gh_status find(struct gh_db *db, gh_id gate, uint64_t sequence, bool *found,
                           uint8_t hash[GH_SHA256_BYTES], uint8_t previous[GH_SHA256_BYTES])
{
    GH_SQL sqlite3_stmt *row = NULL;
    enum gh_status status =
        gh_sql_open(db, &row, "SELECT hash, prev FROM entries WHERE gate = ? AND seq = ?", "di",
                    gate, (int64_t)sequence);
    if (status == GH_OK)
        status = gh_sql_step(db, row);
    *found = status == GH_OK;
    if (status == GH_OK && (!gh_sql_blob(row, 0, hash, GH_SHA256_BYTES) ||
                            !gh_sql_blob(row, 1, previous, GH_SHA256_BYTES)))
        return GH_ERR_CORRUPT;
    return status == GH_ERR_END ? GH_OK : status;
}

/* Whether the item fits between its stored neighbours, where there are any. */
static enum gh_status check_links(struct gh_db *db, gh_id gate, struct gh_db_item *item)
{
    static const uint8_t zeros[GH_SHA256_BYTES];
    uint8_t hash[GH_SHA256_BYTES], previous[GH_SHA256_BYTES];
    bool found = false;
    enum gh_status status = GH_OK;

    if (item->sequence == 1) {
        if (memcmp(item->previous, zeros, GH_SHA256_BYTES) != 0)
            refuse(item, "does not follow: the first entry names a predecessor");
        return GH_OK;
    }
    status = find(db, gate, item->sequence - 1, &found, hash, previous);
    if (status == GH_OK && found && memcmp(hash, item->previous, GH_SHA256_BYTES) != 0) {
        refuse(item, "does not follow: names another predecessor than the stored one");
        return GH_OK;
    }
    if (status == GH_OK)
        status = find(db, gate, item->sequence + 1, &found, hash, previous);
    if (status == GH_OK && found && memcmp(previous, item->hash, GH_SHA256_BYTES) != 0)
        refuse(item, "does not follow: the stored successor names another predecessor");
    return status;
}

static enum gh_status insert(struct gh_db *db, gh_id gate, const struct gh_db_item *item,
                             int64_t now)
{
    return gh_sql_run(db, NULL,
                      "INSERT INTO entries (gate, seq, received_at, type, subject, home, hash, "
                      "prev, text) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                      "diiiddhht", gate, (int64_t)item->sequence, now, (int64_t)item->type,
                      item->subject, item->home, item->hash, item->previous, item->text);
}

/* Keep aside; counted once, however often it is sent. */
static enum gh_status keep_aside(struct gh_db *db, gh_id gate, const struct gh_db_item *item,
                                 int64_t now, struct progress *progress)
{
    int64_t there;
    enum gh_status status =
        gh_sql_number(db, &there, "SELECT 1 FROM refused WHERE gate = ? AND seq = ? AND hash = ?",
                      "dih", gate, (int64_t)item->sequence, item->hash);
    if (status != GH_ERR_NOTFOUND)
        return status;
    progress->alarms++;
    return gh_sql_run(db, NULL,
                      "INSERT INTO refused (gate, seq, received_at, reason, hash, text) "
                      "VALUES (?, ?, ?, ?, ?, ?)",
                      "diithb", gate, (int64_t)item->sequence, now, item->refusal, item->hash,
                      item->text,
                      item->text_size < KEPT_BYTES_MAX ? item->text_size : (size_t)KEPT_BYTES_MAX);
}

static enum gh_status store_one(struct gh_db *db, gh_id gate, struct gh_db_item *item, int64_t now,
                                struct progress *progress, struct gh_db_batch *out)
{
    uint8_t hash[GH_SHA256_BYTES], previous[GH_SHA256_BYTES];
    bool found = false;
    enum gh_status status = GH_OK;

    if (item->refusal[0] == '\0')
        status = find(db, gate, item->sequence, &found, hash, previous);
    if (status == GH_OK && found) {
        if (memcmp(hash, item->hash, GH_SHA256_BYTES) == 0) {
            out->known++;
            return GH_OK;
        }
        refuse(item, "fork: another entry is stored under this number");
    }
    if (status == GH_OK && item->refusal[0] == '\0')
        status = check_links(db, gate, item);
    if (status != GH_OK)
        return status;
    if (item->refusal[0] != '\0')
        return keep_aside(db, gate, item, now, progress);
    if (item->sequence > progress->last)
        progress->last = item->sequence;
    out->stored++;
    return insert(db, gate, item, now);
}

/* Lead the acknowledged number over everything that is here now. */
static enum gh_status advance(struct gh_db *db, gh_id gate, struct progress *progress)
{
    int64_t there;
    enum gh_status status;
    while (true) {
        int64_t next = (int64_t)progress->acknowledged + 1;
        status = gh_sql_number(db, &there,
                               "SELECT 1 FROM entries WHERE gate = ?1 AND seq = ?2 UNION ALL "
                               "SELECT 1 FROM refused WHERE gate = ?1 AND seq = ?2",
                               "di", gate, next);
        if (status != GH_OK)
            return status == GH_ERR_NOTFOUND ? GH_OK : status;
        progress->acknowledged++;
        progress->claims = 0;
    }
}

/* The gate begins behind what we have: entries between are missing here (this database is an older
 * copy of itself, say). It is told so, by what is acknowledged, and can send them. One that comes
 * again and again without them does not have them: that is an alarm, and the way is free. */
static enum gh_status close_gap(struct gh_db *db, gh_id gate, uint64_t first, int64_t now,
                                struct progress *progress)
{
    uint64_t missing = progress->acknowledged + 1;
    if (first <= missing)
        return GH_OK;
    if (++progress->claims <= GAP_CLAIMS_MAX)
        return GH_OK;
    struct gh_db_item item = {.sequence = missing, .text = "", .text_size = 0};
    char text[64];
    snprintf(text, sizeof(text), "missing: %llu to %llu", (unsigned long long)missing,
             (unsigned long long)(first - 1));
    refuse(&item, text);
    enum gh_status status = keep_aside(db, gate, &item, now, progress);
    progress->acknowledged = first - 1;
    return status == GH_OK ? advance(db, gate, progress) : status;
}

static enum gh_status read_progress(struct gh_db *db, gh_id gate, struct progress *progress)
{
    GH_SQL sqlite3_stmt *row = NULL;
    enum gh_status status = gh_sql_open(
        db, &row, "SELECT acknowledged, last_sequence, alarms, gap_claims FROM gates WHERE id = ?",
        "d", gate);
    if (status == GH_OK)
        status = gh_sql_step(db, row);
    if (status != GH_OK)
        return status == GH_ERR_END ? GH_ERR_NOTFOUND : status;
    progress->acknowledged = (uint64_t)sqlite3_column_int64(row, 0);
    progress->last = (uint64_t)sqlite3_column_int64(row, 1);
    progress->alarms = (uint64_t)sqlite3_column_int64(row, 2);
    progress->claims = (uint64_t)sqlite3_column_int64(row, 3);
    return GH_OK;
}

/* What was refused and has no number gets the one it must have from its neighbours: a batch is a
 * run of the journal. */
static void guess_sequences(struct gh_db_item *items, size_t count, uint64_t acknowledged)
{
    size_t known = 0;
    while (known < count && items[known].sequence == 0)
        known++;
    for (size_t i = 0; i < known; i++) {
        uint64_t back = known - i;
        if (known == count)
            items[i].sequence = acknowledged + 1 + i;
        else if (items[known].sequence > back)
            items[i].sequence = items[known].sequence - back;
    }
    for (size_t i = known; i < count; i++)
        if (items[i].sequence == 0)
            items[i].sequence = items[i - 1].sequence + 1;
}

static enum gh_status store_all(struct gh_db *db, gh_id gate, struct gh_db_item *items,
                                size_t count, int64_t now, struct gh_db_batch *out)
{
    struct progress progress = {0};
    uint64_t first = UINT64_MAX, last = 0;
    enum gh_status status = read_progress(db, gate, &progress);
    guess_sequences(items, count, progress.acknowledged);
    for (size_t i = 0; status == GH_OK && i < count; i++) {
        first = items[i].sequence < first ? items[i].sequence : first;
        last = items[i].sequence > last ? items[i].sequence : last;
        status = store_one(db, gate, &items[i], now, &progress, out);
    }
    if (status == GH_OK)
        status = advance(db, gate, &progress);
    if (status == GH_OK && count > 0)
        status = close_gap(db, gate, first, now, &progress);
    if (status == GH_OK)
        status = gh_sql_run(db, NULL,
                            "UPDATE gates SET acknowledged = ?, last_sequence = ?, alarms = ?, "
                            "gap_claims = ?, last_seen_at = ? WHERE id = ?",
                            "iiiiid", (int64_t)progress.acknowledged, (int64_t)progress.last,
                            (int64_t)progress.alarms, (int64_t)progress.claims, now, gate);
    out->acknowledged = count > 0 && last < progress.acknowledged ? last : progress.acknowledged;
    return status;
}

enum gh_status gh_db_entries_store(struct gh_db *db, gh_id gate, struct gh_db_item *items,
                                   size_t count, int64_t now, struct gh_db_batch *out)
{
    memset(out, 0, sizeof(*out));
    enum gh_status status = gh_sql_begin(db);
    if (status == GH_OK)
        status = store_all(db, gate, items, count, now, out);
    return gh_sql_end(db, status);
}

/* --- reading --- */

static enum gh_status open_reading(struct gh_db *db, const struct gh_db_entry_filter *filter,
                                   sqlite3_stmt **row)
{
    /* Each combination its own query, so that each uses the index that fits. */
#define QUERY(conditions)                                                                          \
    "SELECT entries.row, entries.gate, gates.name, entries.received_at, people.name, "             \
    "homes.address, entries.text FROM entries JOIN gates ON gates.id = entries.gate "              \
    "LEFT JOIN people ON people.id = entries.subject "                                             \
    "LEFT JOIN homes ON homes.id = entries.home "                                                  \
    "WHERE entries.row > ? " conditions " ORDER BY entries.row LIMIT ?"
    int64_t after = (int64_t)filter->after, limit = filter->limit, type = filter->type;
    if (filter->gate != 0 && !filter->any_type)
        return gh_sql_open(db, row, QUERY("AND entries.gate = ? AND entries.type = ?"), "idii",
                           after, filter->gate, type, limit);
    if (filter->gate != 0)
        return gh_sql_open(db, row, QUERY("AND entries.gate = ?"), "idi", after, filter->gate,
                           limit);
    if (!filter->any_type)
        return gh_sql_open(db, row, QUERY("AND entries.type = ?"), "iii", after, type, limit);
    return gh_sql_open(db, row, QUERY(""), "ii", after, limit);
}

enum gh_status gh_db_entries_read(struct gh_db *db, const struct gh_db_entry_filter *filter,
                                  gh_db_entry_fn *each, void *context)
{
    GH_SQL sqlite3_stmt *row = NULL;
    enum gh_status status = open_reading(db, filter, &row);
    while (status == GH_OK && (status = gh_sql_step(db, row)) == GH_OK) {
        const struct gh_db_entry entry = {
            .row = (uint64_t)sqlite3_column_int64(row, 0),
            .gate = gh_sql_id(row, 1),
            .gate_name = gh_sql_text(row, 2),
            .received_at = sqlite3_column_int64(row, 3),
            .name = gh_sql_text(row, 4),
            .address = gh_sql_text(row, 5),
            .text = gh_sql_text(row, 6),
        };
        if (!each(context, &entry))
            return GH_OK;
    }
    return status == GH_ERR_END ? GH_OK : status;
}
