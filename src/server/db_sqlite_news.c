/* SPDX-License-Identifier: Apache-2.0 */
/* News: movements, as entries make them, and what a gate hears of all. */
#include <string.h>

#include "server/db_sqlite.h"

#define KEPT_MOVEMENTS 8 /* of a person: what is undone uncovers the one before */

/* --- numbers --- */

static void note(struct gh_db_news *news, uint64_t number, gh_id gate)
{
    if (number > news->moved) {
        if (gate != news->moved_at)
            news->moved_before = news->moved;
        news->moved = number;
        news->moved_at = gate;
    } else if (gate != news->moved_at && number > news->moved_before) {
        news->moved_before = number;
    }
}

void gh_sql_merge_news(struct gh_db_news *known, const struct gh_db_news *fresh)
{
    if (fresh->common > known->common)
        known->common = fresh->common;
    if (fresh->moved == 0)
        return;
    note(known, fresh->moved, fresh->moved_at);
    /* That was at another gate than fresh's last. Where it was at the known last's, note has put
     * fresh's last there, which is higher. */
    if (fresh->moved_before > known->moved_before)
        known->moved_before = fresh->moved_before;
}

uint64_t gh_db_news_number(const struct gh_db_news *news, gh_id gate)
{
    uint64_t moved = gate == news->moved_at ? news->moved_before : news->moved;
    return moved > news->common ? moved : news->common;
}

enum gh_status gh_sql_begin_news(struct gh_db *db)
{
    int64_t last = 0;
    enum gh_status status = gh_sql_number(
        db, &last, "SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'news'", "");
    db->shared->tidings.news.common = (uint64_t)last;
    return status;
}

void gh_db_movements_keep(struct gh_db *db, int64_t forgive_s)
{
    atomic_store(&db->shared->forgive_s, forgive_s);
}

/* The earliest time that counts, in ms. */
static int64_t since_ms(const struct gh_db *db, int64_t now)
{
    int64_t forgive_s = atomic_load(&db->shared->forgive_s);
    return forgive_s > 0 ? (now - forgive_s) * 1000 : INT64_MAX;
}

/* --- movements --- */

struct movement {
    gh_id gate, subject;
    int64_t sequence, direction, at_ms;
    bool undone;
};

static enum gh_status put(struct gh_db *db, const struct movement *movement)
{
    enum gh_status status = gh_sql_run(
        db, NULL,
        "INSERT INTO news (gate, subject, seq, direction, at_ms, undone) VALUES (?, ?, ?, ?, ?, ?)",
        "ddiiii", movement->gate, movement->subject, movement->sequence, movement->direction,
        movement->at_ms, (int64_t)movement->undone);
    if (status == GH_OK)
        note(&db->tidings.news, (uint64_t)sqlite3_last_insert_rowid(db->handle), movement->gate);
    return status;
}

/* So that a person who comes and goes all day is a few rows. */
static enum gh_status thin_out(struct gh_db *db, gh_id subject)
{
    return gh_sql_run(db, NULL,
                      "DELETE FROM news WHERE number IN (SELECT number FROM news WHERE subject = ? "
                      "ORDER BY at_ms DESC, number DESC LIMIT -1 OFFSET ?)",
                      "di", subject, (int64_t)KEPT_MOVEMENTS);
}

/* A gate's clock may be ahead: nothing happened later than now. */
static enum gh_status move(struct gh_db *db, gh_id gate, const struct gh_db_item *item, int64_t now)
{
    int64_t at_ms = item->time_ms < now * 1000 ? item->time_ms : now * 1000;
    if (item->time_ms == 0 || at_ms < since_ms(db, now))
        return GH_OK;
    enum gh_status status = put(db, &(struct movement){.gate = gate,
                                                       .subject = item->subject,
                                                       .sequence = (int64_t)item->sequence,
                                                       .direction = (int64_t)item->direction,
                                                       .at_ms = at_ms});
    return status == GH_OK ? thin_out(db, item->subject) : status;
}

/* The one that a query of number, gate, subject, seq, direction and at_ms finds, out of the table.
 * GH_ERR_NOTFOUND. */
static enum gh_status take_out(struct gh_db *db, sqlite3_stmt *row, struct movement *out)
{
    enum gh_status status = gh_sql_step(db, row);
    if (status != GH_OK)
        return status == GH_ERR_END ? GH_ERR_NOTFOUND : status;
    int64_t number = sqlite3_column_int64(row, 0);
    *out = (struct movement){.gate = gh_sql_id(row, 1),
                             .subject = gh_sql_id(row, 2),
                             .sequence = sqlite3_column_int64(row, 3),
                             .direction = sqlite3_column_int64(row, 4),
                             .at_ms = sqlite3_column_int64(row, 5)};
    return gh_sql_run(db, NULL, "DELETE FROM news WHERE number = ?", "i", number);
}

#define MOVEMENT "SELECT number, gate, subject, seq, direction, at_ms FROM news WHERE "

/* Nobody went through. Gates that have heard of it forget it; and the one before it, which they may
 * never have heard of, is the person's last again: both are news. */
static enum gh_status undo(struct gh_db *db, gh_id gate, uint64_t sequence)
{
    GH_SQL sqlite3_stmt *row = NULL, *last = NULL;
    struct movement undone, before;
    enum gh_status status = gh_sql_open(
        db, &row, MOVEMENT "gate = ? AND seq = ? AND subject IS NOT NULL AND undone = 0 LIMIT 1",
        "di", gate, (int64_t)sequence);
    if (status == GH_OK)
        status = take_out(db, row, &undone);
    if (status != GH_OK)
        return status == GH_ERR_NOTFOUND ? GH_OK : status;
    undone.undone = true;
    status = put(db, &undone);
    if (status == GH_OK)
        status = gh_sql_open(db, &last,
                             MOVEMENT "subject = ? AND undone = 0 ORDER BY at_ms DESC, number DESC "
                                      "LIMIT 1",
                             "d", undone.subject);
    if (status == GH_OK)
        status = take_out(db, last, &before);
    if (status == GH_OK)
        status = put(db, &before);
    return status == GH_ERR_NOTFOUND ? GH_OK : status;
}

/* Of an announcement that is not known here nothing became. */
static enum gh_status say_announced(struct gh_db *db, gh_id gate, const struct gh_db_item *item)
{
    return gh_sql_run(db, NULL,
                      "INSERT INTO announced SELECT id, ?2, ?3 FROM announcements WHERE id = ?1 "
                      "ON CONFLICT DO NOTHING",
                      "ddi", item->announcement, gate, (int64_t)item->announced);
}

enum gh_status gh_sql_take_news(struct gh_db *db, gh_id gate, const struct gh_db_item *item,
                                int64_t now, bool in_order)
{
    /* What fills a gap says nothing of where somebody is now. */
    if (item->direction != GH_DIRECTION_NONE && item->subject != 0 && in_order)
        return move(db, gate, item, now);
    if (item->unused != 0)
        return undo(db, gate, item->unused);
    if (item->announcement != 0)
        return say_announced(db, gate, item);
    return GH_OK;
}

/* --- reading --- */

enum gh_status gh_db_news_read(struct gh_db *db, gh_id gate, uint64_t after, uint64_t through,
                               int64_t now, unsigned limit, gh_db_news_fn *each, void *context)
{
    GH_SQL sqlite3_stmt *row = NULL;
    enum gh_status status = gh_sql_open(
        db, &row,
        "SELECT n.number, a.signed, n.gate, n.subject, n.direction, n.at_ms, n.undone "
        "FROM news AS n LEFT JOIN announcements AS a ON a.id = n.announcement "
        "WHERE n.number > ?1 AND n.number <= ?2 AND CASE WHEN n.subject IS NULL "
        "THEN (n.gate IS NULL OR n.gate = ?3) AND a.until_s > ?4 "
        "ELSE n.gate <> ?3 AND n.at_ms >= ?5 AND CASE WHEN n.undone THEN ?1 > 0 ELSE NOT EXISTS "
        "(SELECT 1 FROM news AS later WHERE later.subject = n.subject AND later.undone = 0 AND "
        "(later.at_ms, later.number) > (n.at_ms, n.number)) END END "
        "ORDER BY n.number LIMIT ?6",
        "iidiii", (int64_t)after, (int64_t)through, gate, now, since_ms(db, now), (int64_t)limit);
    while (status == GH_OK && (status = gh_sql_step(db, row)) == GH_OK) {
        const struct gh_db_news_row news = {
            .number = (uint64_t)sqlite3_column_int64(row, 0),
            .announcement = {sqlite3_column_blob(row, 1), (size_t)sqlite3_column_bytes(row, 1)},
            .gate = gh_sql_id(row, 2),
            .subject = gh_sql_id(row, 3),
            .direction = (enum gh_direction)sqlite3_column_int(row, 4),
            .at_ms = sqlite3_column_int64(row, 5),
            .undone = sqlite3_column_int(row, 6) != 0,
        };
        if (!each(context, &news))
            return GH_OK;
    }
    return status == GH_ERR_END ? GH_OK : status;
}

/* --- what is none any more --- */

enum gh_status gh_db_news_drop(struct gh_db *db, int64_t now, int64_t before, unsigned limit)
{
    const int64_t most = limit;
    enum gh_status status =
        gh_sql_run(db, NULL,
                   "DELETE FROM news WHERE number IN (SELECT number FROM news WHERE subject IS NOT "
                   "NULL AND at_ms < ? ORDER BY at_ms LIMIT ?)",
                   "ii", since_ms(db, now), most);
    if (status == GH_OK)
        status = gh_sql_run(db, NULL,
                            "DELETE FROM news WHERE number IN (SELECT number FROM announcements "
                            "JOIN news ON announcement = id WHERE until_s <= ? LIMIT ?)",
                            "ii", now, most);
    if (status == GH_OK)
        status = gh_sql_run(db, NULL,
                            "DELETE FROM announcements WHERE id IN (SELECT id FROM announcements "
                            "WHERE until_s <= ? AND sent_at < ? LIMIT ?)",
                            "iii", now, before, most);
    return status;
}
