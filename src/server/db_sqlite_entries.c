/* SPDX-License-Identifier: Apache-2.0 */
/* Entries as they come in. What goes on where a gate's chain has ended, which is nearly all, costs
 * one look-up a batch. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "server/db_sqlite.h"

#define KEPT_BYTES_MAX 4096 /* of what was refused: enough to see what it was */
#define GAP_CLAIMS_MAX 3
#define BOOTS_MAX 32
#define STEPS_MAX 4096 /* over what was stored ahead of a gap, in one batch */
#define SLACK_S 86400

/* A gate and its chain, as read at a batch's beginning and written at its end. */
struct progress {
    struct gh_db *db;
    gh_id gate;
    int64_t now;
    uint64_t acknowledged, last, claims;
    uint64_t whole;
    uint8_t head[GH_SHA256_BYTES];              /* of the entry `last`; zeros for none */
    uint8_t boots[BOOTS_MAX][GH_DB_BOOT_BYTES]; /* newest first */
    size_t boot_count;
    /* the checkpoint */
    uint64_t through;
    uint8_t through_hash[GH_SHA256_BYTES];
    int64_t through_received_at;
    sqlite3_stmt *insert;
    struct gh_db_batch *out;
};

/* What is stored under a number. */
struct stored {
    bool found;
    uint8_t hash[GH_SHA256_BYTES], previous[GH_SHA256_BYTES];
};

static void refuse(struct gh_db_item *item, enum gh_alarm alarm, const char *reason)
{
    item->alarm = alarm;
    snprintf(item->refusal, sizeof(item->refusal), "%s", reason);
}

static enum gh_status find(const struct progress *progress, uint64_t sequence, struct stored *out)
{
    GH_SQL sqlite3_stmt *row = NULL;
    struct gh_db *db = progress->db;
    *out = (struct stored){0};
    enum gh_status status =
        gh_sql_open(db, &row,
                    "SELECT hash, prev FROM entries WHERE gate = ?1 AND seq = ?2 UNION ALL "
                    "SELECT hash, prev FROM husks WHERE gate = ?1 AND seq = ?2",
                    "di", progress->gate, (int64_t)sequence);
    if (status == GH_OK)
        status = gh_sql_step(db, row);
    out->found = status == GH_OK;
    if (status == GH_OK && (!gh_sql_blob(row, 0, out->hash, GH_SHA256_BYTES) ||
                            !gh_sql_blob(row, 1, out->previous, GH_SHA256_BYTES)))
        return GH_ERR_CORRUPT;
    return status == GH_ERR_END ? GH_OK : status;
}

/* --- one item --- */

/* Of an item behind all that is stored: its predecessor is the last one, or is missing. */
static void check_end(const struct progress *progress, struct gh_db_item *item)
{
    if (item->sequence != progress->last + 1 ||
        memcmp(item->previous, progress->head, GH_SHA256_BYTES) == 0)
        return;
    refuse(item, GH_ALARM_BROKEN,
           item->sequence == 1 ? "does not follow: the first entry names a predecessor"
                               : "does not follow: names another predecessor than the stored one");
}

/* Of an item among what is stored: whether it fits between its neighbours, where there are any. */
static enum gh_status check_links(const struct progress *progress, struct gh_db_item *item)
{
    static const uint8_t zeros[GH_SHA256_BYTES];
    struct stored neighbour = {0};
    enum gh_status status = GH_OK;
    if (item->sequence == 1 && memcmp(item->previous, zeros, GH_SHA256_BYTES) != 0)
        refuse(item, GH_ALARM_BROKEN, "does not follow: the first entry names a predecessor");
    else
        status = find(progress, item->sequence - 1, &neighbour);
    if (neighbour.found && memcmp(neighbour.hash, item->previous, GH_SHA256_BYTES) != 0)
        refuse(item, GH_ALARM_BROKEN,
               "does not follow: names another predecessor than the stored one");
    if (status == GH_OK && item->refusal[0] == '\0')
        status = find(progress, item->sequence + 1, &neighbour);
    if (item->refusal[0] == '\0' && neighbour.found &&
        memcmp(neighbour.previous, item->hash, GH_SHA256_BYTES) != 0)
        refuse(item, GH_ALARM_BROKEN,
               "does not follow: the stored successor names another predecessor");
    return status;
}

/* What the checkpoint stands for is known by its number; only the last one's hash is there. What
 * says that it happened after that one came is something else: a board that began anew. */
static void check_pruned(const struct progress *progress, struct gh_db_item *item)
{
    bool later = item->time_ms / 1000 > progress->through_received_at + SLACK_S;
    bool other = item->sequence == progress->through &&
                 memcmp(item->hash, progress->through_hash, GH_SHA256_BYTES) != 0;
    if (later || other)
        refuse(item, GH_ALARM_FORK, "fork: another entry was stored under this number");
    else
        progress->out->known++;
}

/* Whether it is new; a refusal where it contradicts what is stored. */
static enum gh_status place(const struct progress *progress, struct gh_db_item *item, bool *fresh)
{
    struct stored there;
    *fresh = false;
    if (item->sequence > progress->last) {
        check_end(progress, item);
        *fresh = item->refusal[0] == '\0';
        return GH_OK;
    }
    if (item->sequence <= progress->through) {
        check_pruned(progress, item);
        return GH_OK;
    }
    enum gh_status status = find(progress, item->sequence, &there);
    if (status != GH_OK)
        return status;
    if (!there.found) {
        status = check_links(progress, item);
        *fresh = item->refusal[0] == '\0';
    } else if (memcmp(there.hash, item->hash, GH_SHA256_BYTES) == 0) {
        progress->out->known++;
    } else {
        refuse(item, GH_ALARM_FORK, "fork: another entry is stored under this number");
    }
    return status;
}

static int bind_id(sqlite3_stmt *statement, int index, gh_id id)
{
    return id == 0 ? sqlite3_bind_null(statement, index)
                   : sqlite3_bind_int64(statement, index, gh_sql_from_id(id));
}

static enum gh_status insert(struct progress *progress, const struct gh_db_item *item)
{
    struct gh_db *db = progress->db;
    sqlite3_stmt *row = progress->insert;
    int failed = bind_id(row, 1, progress->gate);
    failed |= sqlite3_bind_int64(row, 2, (int64_t)item->sequence);
    failed |= sqlite3_bind_int64(row, 3, progress->now);
    failed |= sqlite3_bind_int64(row, 4, (int64_t)item->type);
    failed |= bind_id(row, 5, item->subject);
    failed |= bind_id(row, 6, item->home);
    failed |= sqlite3_bind_blob(row, 7, item->hash, GH_SHA256_BYTES, SQLITE_STATIC);
    failed |= sqlite3_bind_blob(row, 8, item->previous, GH_SHA256_BYTES, SQLITE_STATIC);
    failed |= sqlite3_bind_text(row, 9, item->text, (int)item->text_size, SQLITE_STATIC);
    enum gh_status status = failed == 0 ? gh_sql_step(db, row) : GH_ERR_NOMEM;
    (void)sqlite3_reset(row);
    return status == GH_ERR_END ? GH_OK : status;
}

/* Keep aside; an alarm once, however often it is sent. */
static enum gh_status keep_aside(struct progress *progress, const struct gh_db_item *item,
                                 bool *fresh)
{
    struct gh_db *db = progress->db;
    int64_t there;
    enum gh_status status =
        gh_sql_number(db, &there, "SELECT 1 FROM refused WHERE gate = ? AND seq = ? AND hash = ?",
                      "dih", progress->gate, (int64_t)item->sequence, item->hash);
    *fresh = status == GH_ERR_NOTFOUND;
    if (!*fresh)
        return status;
    status = gh_sql_run(
        db, NULL,
        "INSERT INTO refused (gate, seq, received_at, reason, hash, text) "
        "VALUES (?, ?, ?, ?, ?, ?)",
        "diithb", progress->gate, (int64_t)item->sequence, progress->now, item->refusal, item->hash,
        item->text, item->text_size < KEPT_BYTES_MAX ? item->text_size : (size_t)KEPT_BYTES_MAX);
    if (status == GH_OK)
        status = gh_db_alarm_add(db, progress->gate, item->alarm, item->sequence, item->refusal,
                                 progress->now);
    return status;
}

/* --- two boards with one identity --- */

/* A board says one boot id until it starts again, with another that never was. One that comes back
 * is another board's. */
static enum gh_status look_at_boot(struct progress *progress, const struct gh_db_item *item)
{
    static const uint8_t zeros[GH_DB_BOOT_BYTES];
    size_t i = 0;
    if (memcmp(item->boot, zeros, GH_DB_BOOT_BYTES) == 0)
        return GH_OK;
    while (i < progress->boot_count &&
           memcmp(progress->boots[i], item->boot, GH_DB_BOOT_BYTES) != 0)
        i++;
    if (i == 0 && progress->boot_count > 0)
        return GH_OK;
    bool back = i < progress->boot_count;
    if (!back && progress->boot_count < BOOTS_MAX)
        progress->boot_count++;
    size_t before = back ? i : progress->boot_count - 1;
    memmove(progress->boots[1], progress->boots[0], before * GH_DB_BOOT_BYTES);
    memcpy(progress->boots[0], item->boot, GH_DB_BOOT_BYTES);
    if (!back)
        return GH_OK;
    return gh_db_alarm_add(progress->db, progress->gate, GH_ALARM_CLONED, item->sequence,
                           "a boot id came back after another one: two boards have this identity",
                           progress->now);
}

/* --- storing --- */

/* The receipt that a gate removed entries by must be about what is stored here. */
static enum gh_status check_receipt(const struct progress *progress, struct gh_db_item *item)
{
    struct stored named = {0};
    uint64_t through = item->receipt_through;
    enum gh_status status = GH_OK;
    if (through == 0)
        return GH_OK;
    if (through == progress->through) {
        named.found = true;
        memcpy(named.hash, progress->through_hash, GH_SHA256_BYTES);
    } else {
        status = find(progress, through, &named);
    }
    if (named.found && memcmp(named.hash, item->receipt_hash, GH_SHA256_BYTES) != 0) {
        item->alarm = GH_ALARM_PRUNED_EARLY;
        item->alarm_text = "entries were removed by a receipt for another chain";
    }
    return status;
}

static enum gh_status store(struct progress *progress, struct gh_db_item *item)
{
    enum gh_status status = insert(progress, item);
    if (status == GH_OK)
        status = gh_sql_take_news(progress->db, progress->gate, item, progress->now,
                                  item->sequence > progress->last);
    if (status == GH_OK && item->type == GH_ENTRY_PRUNE)
        status = check_receipt(progress, item);
    if (status == GH_OK && item->alarm != 0)
        status = gh_db_alarm_add(progress->db, progress->gate, item->alarm, item->sequence,
                                 item->alarm_text, progress->now);
    progress->out->stored++;
    if (item->sequence == progress->whole + 1)
        progress->whole++;
    if (item->sequence < progress->last) /* a gap is filled: it says nothing of now */
        return status;
    progress->last = item->sequence;
    memcpy(progress->head, item->hash, GH_SHA256_BYTES);
    return status == GH_OK ? look_at_boot(progress, item) : status;
}

static enum gh_status take(struct progress *progress, struct gh_db_item *item)
{
    bool fresh = false;
    enum gh_status status = GH_OK;
    if (item->refusal[0] == '\0')
        status = place(progress, item, &fresh);
    if (status == GH_OK && fresh)
        status = store(progress, item);
    if (status == GH_OK && item->refusal[0] != '\0') {
        status = keep_aside(progress, item, &fresh);
        if (status == GH_OK && fresh)
            status = look_at_boot(progress, item);
    }
    if (item->sequence == progress->acknowledged + 1) {
        progress->acknowledged++;
        progress->claims = 0;
    }
    return status;
}

/* Lead the numbers over what came before its time. What is left of it when the steps end is the
 * next batch's: until then the gate sends it again. */
static enum gh_status advance(struct progress *progress)
{
    enum gh_status status = GH_OK;
    int64_t there;
    struct stored next = {.found = true};
    for (int i = 0; i < STEPS_MAX && progress->acknowledged < progress->last; i++) {
        status = gh_sql_number(progress->db, &there,
                               "SELECT 1 FROM entries WHERE gate = ?1 AND seq = ?2 UNION ALL "
                               "SELECT 1 FROM refused WHERE gate = ?1 AND seq = ?2",
                               "di", progress->gate, (int64_t)progress->acknowledged + 1);
        if (status != GH_OK)
            break;
        progress->acknowledged++;
        progress->claims = 0;
    }
    status = status == GH_ERR_NOTFOUND ? GH_OK : status;
    for (int i = 0;
         i < STEPS_MAX && status == GH_OK && next.found && progress->whole < progress->acknowledged;
         i++) {
        status = find(progress, progress->whole + 1, &next);
        progress->whole += next.found;
    }
    return status;
}

/* The gate begins behind what we have: entries between are missing here (this database is an older
 * copy of itself, say). It is told so, by what is acknowledged, and can send them. One that comes
 * again and again without them does not have them: that is an alarm, and the way is free. */
static enum gh_status close_gap(struct progress *progress, uint64_t first)
{
    uint64_t missing = progress->acknowledged + 1;
    bool fresh;
    if (first <= missing)
        return GH_OK;
    if (++progress->claims <= GAP_CLAIMS_MAX)
        return GH_OK;
    struct gh_db_item item = {.sequence = missing, .text = "", .text_size = 0};
    char text[64];
    snprintf(text, sizeof(text), "missing: %" PRIu64 " to %" PRIu64, missing, first - 1);
    refuse(&item, GH_ALARM_GAP, text);
    enum gh_status status = keep_aside(progress, &item, &fresh);
    progress->acknowledged = first - 1;
    return status == GH_OK ? advance(progress) : status;
}

/* --- a batch --- */

static bool read_chain(sqlite3_stmt *row, struct progress *progress)
{
    if (sqlite3_column_type(row, 3) == SQLITE_NULL) /* its first batch */
        return true;
    int boots = sqlite3_column_bytes(row, 5);
    const void *boot = sqlite3_column_blob(row, 5);
    progress->whole = (uint64_t)sqlite3_column_int64(row, 3);
    progress->through = (uint64_t)sqlite3_column_int64(row, 6);
    progress->through_received_at = sqlite3_column_int64(row, 8);
    if (boots % GH_DB_BOOT_BYTES != 0 || boots > (int)sizeof(progress->boots))
        return false;
    progress->boot_count = (size_t)boots / GH_DB_BOOT_BYTES;
    if (boots > 0)
        memcpy(progress->boots, boot, (size_t)boots);
    return gh_sql_blob(row, 4, progress->head, GH_SHA256_BYTES) &&
           (progress->through == 0 || gh_sql_blob(row, 7, progress->through_hash, GH_SHA256_BYTES));
}

static enum gh_status read_progress(struct progress *progress)
{
    GH_SQL sqlite3_stmt *row = NULL;
    struct gh_db *db = progress->db;
    enum gh_status status =
        gh_sql_open(db, &row,
                    "SELECT acknowledged, last_sequence, gap_claims, whole, head, boots, through, "
                    "hash, received_at FROM gates LEFT JOIN chains ON gate = id WHERE id = ?",
                    "d", progress->gate);
    if (status == GH_OK)
        status = gh_sql_step(db, row);
    if (status != GH_OK)
        return status == GH_ERR_END ? GH_ERR_NOTFOUND : status;
    progress->acknowledged = (uint64_t)sqlite3_column_int64(row, 0);
    progress->last = (uint64_t)sqlite3_column_int64(row, 1);
    progress->claims = (uint64_t)sqlite3_column_int64(row, 2);
    return read_chain(row, progress) ? GH_OK : GH_ERR_CORRUPT;
}

static enum gh_status write_progress(const struct progress *progress)
{
    enum gh_status status = gh_sql_run(
        progress->db, NULL,
        "UPDATE gates SET acknowledged = ?, last_sequence = ?, gap_claims = ?, last_seen_at = ? "
        "WHERE id = ?",
        "iiiid", (int64_t)progress->acknowledged, (int64_t)progress->last,
        (int64_t)progress->claims, progress->now, progress->gate);
    if (status == GH_OK)
        status = gh_sql_run(progress->db, NULL,
                            "INSERT INTO chains VALUES (?1, ?2, ?3, ?4, 0, NULL, NULL, NULL) "
                            "ON CONFLICT (gate) DO UPDATE SET whole = ?2, head = ?3, boots = ?4",
                            "dihb", progress->gate, (int64_t)progress->whole, progress->head,
                            (const void *)progress->boots, progress->boot_count * GH_DB_BOOT_BYTES);
    return status;
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

/* Where the answer ends, and whether a receipt can be given for that. */
static enum gh_status conclude(const struct progress *progress, uint64_t end)
{
    struct gh_db_batch *out = progress->out;
    struct stored last = {0};
    enum gh_status status = GH_OK;
    out->acknowledged = end < progress->acknowledged ? end : progress->acknowledged;
    if (out->acknowledged == 0 || progress->whole < out->acknowledged)
        return GH_OK;
    if (out->acknowledged == progress->last) {
        out->whole = true;
        memcpy(out->hash, progress->head, GH_SHA256_BYTES);
    } else if (out->acknowledged == progress->through) {
        out->whole = true;
        memcpy(out->hash, progress->through_hash, GH_SHA256_BYTES);
    } else if (out->acknowledged > progress->through) {
        status = find(progress, out->acknowledged, &last);
        out->whole = last.found;
        memcpy(out->hash, last.hash, GH_SHA256_BYTES);
    }
    return status;
}

static enum gh_status store_all(struct progress *progress, struct gh_db_item *items, size_t count)
{
    GH_SQL sqlite3_stmt *insert_row = NULL;
    uint64_t first = UINT64_MAX, end = 0;
    enum gh_status status = read_progress(progress);
    if (status == GH_OK)
        status = gh_sql_open(progress->db, &insert_row,
                             "INSERT INTO entries (gate, seq, received_at, type, subject, home, "
                             "hash, prev, text) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                             "");
    progress->insert = insert_row;
    guess_sequences(items, count, progress->acknowledged);
    for (size_t i = 0; status == GH_OK && i < count; i++) {
        first = items[i].sequence < first ? items[i].sequence : first;
        end = items[i].sequence > end ? items[i].sequence : end;
        status = take(progress, &items[i]);
    }
    if (status == GH_OK)
        status = advance(progress);
    if (status == GH_OK && count > 0)
        status = close_gap(progress, first);
    if (status == GH_OK)
        status = write_progress(progress);
    return status == GH_OK ? conclude(progress, count > 0 ? end : UINT64_MAX) : status;
}

/* --- several batches --- */

enum gh_status gh_db_group_begin(struct gh_db *db, struct gh_db_group *out)
{
    *out = (struct gh_db_group){.db = db};
    return gh_sql_begin(db);
}

enum gh_status gh_db_group_put(struct gh_db_group *group, gh_id gate, struct gh_db_item *items,
                               size_t count, int64_t now, struct gh_db_batch *out)
{
    struct gh_db *db = group->db;
    struct progress progress = {.db = db, .gate = gate, .now = now, .out = out};
    const struct gh_sql_tidings before = db->tidings;
    memset(out, 0, sizeof(*out));
    if (group->lost != GH_OK)
        return group->lost;
    enum gh_status status = gh_sql_run(db, NULL, "SAVEPOINT batch", "");
    if (status == GH_OK)
        status = store_all(&progress, items, count);
    if (sqlite3_get_autocommit(db->handle) != 0) { /* a full disk, say, undoes all at once */
        group->lost = status != GH_OK ? status : GH_ERR_IO;
        return group->lost;
    }
    if (status != GH_OK) {
        enum gh_status undone = gh_sql_run(db, NULL, "ROLLBACK TO batch", "");
        db->tidings = before;
        group->lost = undone;
    }
    enum gh_status released = gh_sql_run(db, NULL, "RELEASE batch", "");
    if (group->lost == GH_OK)
        group->lost = released;
    return status != GH_OK ? status : released;
}

bool gh_db_group_is_waited_for(const struct gh_db_group *group)
{
    return atomic_load(&group->db->shared->waiting) > 0;
}

enum gh_status gh_db_group_end(struct gh_db_group *group)
{
    return gh_sql_end(group->db, group->lost);
}
