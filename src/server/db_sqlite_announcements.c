/* SPDX-License-Identifier: Apache-2.0 */
/* Announcements, as the administrator sends them and sees what became of them. */
#include <string.h>

#include "server/db_sqlite.h"

/* Makes it the newest news. */
static enum gh_status tell(struct gh_db *db, gh_id id, gh_id gate, uint64_t *number)
{
    enum gh_status status =
        gh_sql_run(db, NULL, "DELETE FROM news WHERE announcement = ?", "d", id);
    if (status == GH_OK)
        status = gh_sql_run(db, NULL, "INSERT INTO news (announcement, gate) VALUES (?, ?)", "dd",
                            id, gate);
    *number = (uint64_t)sqlite3_last_insert_rowid(db->handle);
    if (status == GH_OK && gate == 0)
        db->tidings.news.common = *number;
    return status;
}

static enum gh_status add(struct gh_db *db, const struct gh_db_announcement *announcement,
                          uint64_t *number)
{
    const struct gh_announcement *said = &announcement->said;
    int64_t alive = 0;
    enum gh_status status = gh_sql_number(
        db, &alive, "SELECT count(*) FROM announcements WHERE until_s > ? AND NOT cancelled", "i",
        announcement->sent_at);
    if (status == GH_OK && alive >= GH_ANNOUNCEMENTS_MAX)
        return GH_ERR_TOOBIG;
    if (status == GH_OK)
        status = gh_sql_run(
            db, NULL,
            "INSERT INTO announcements (id, gate, text, sha256, bytes, ms, sent_at, from_s, "
            "until_s, repeat, cancelled, signed) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, ?)",
            "ddthiiiiiib", said->id, said->gate, announcement->text, said->sha256,
            (int64_t)said->bytes, announcement->ms, announcement->sent_at, said->from_s,
            said->until_s, (int64_t)said->repeat, (const void *)announcement->signature.data,
            announcement->signature.size);
    return status == GH_OK ? tell(db, said->id, said->gate, number) : status;
}

enum gh_status gh_db_announcement_add(struct gh_db *db,
                                      const struct gh_db_announcement *announcement,
                                      uint64_t *number)
{
    *number = 0;
    enum gh_status status = gh_sql_begin(db);
    if (status == GH_OK)
        status = add(db, announcement, number);
    return gh_sql_end(db, status);
}

static enum gh_status sign(struct gh_db *db, gh_id id, struct gh_bytes signature, bool cancelled,
                           uint64_t *number)
{
    GH_SQL sqlite3_stmt *row = NULL;
    enum gh_status status =
        gh_sql_open(db, &row, "SELECT gate FROM announcements WHERE id = ?", "d", id);
    if (status == GH_OK)
        status = gh_sql_step(db, row);
    if (status != GH_OK)
        return status == GH_ERR_END ? GH_ERR_NOTFOUND : status;
    gh_id gate = gh_sql_id(row, 0);
    status = gh_sql_run(
        db, NULL,
        "UPDATE announcements SET signed = ?2, cancelled = max(cancelled, ?3) WHERE id = ?1", "dbi",
        id, (const void *)signature.data, signature.size, (int64_t)cancelled);
    return status == GH_OK && cancelled ? tell(db, id, gate, number) : status;
}

enum gh_status gh_db_announcement_sign(struct gh_db *db, gh_id id, struct gh_bytes signature,
                                       bool cancelled, uint64_t *number)
{
    *number = 0;
    enum gh_status status = gh_sql_begin(db);
    if (status == GH_OK)
        status = sign(db, id, signature, cancelled, number);
    return gh_sql_end(db, status);
}

/* --- reading --- */

#define COUNT(event)                                                                               \
    "(SELECT count(*) FROM announced WHERE announcement = id AND event = " #event ")"
_Static_assert(GH_ANNOUNCEMENT_PLAYED == 1 && GH_ANNOUNCEMENT_EXPIRED == 2 &&
                   GH_ANNOUNCEMENT_FAILED == 3 && GH_ANNOUNCEMENT_SILENT == 4,
               "the columns below are these, in this order");
#define ANNOUNCEMENTS(condition)                                                                   \
    "SELECT id, gate, text, sha256, bytes, ms, sent_at, from_s, until_s, repeat, cancelled, "      \
    "signed, " COUNT(1) ", " COUNT(2) ", " COUNT(3) ", " COUNT(4) " FROM announcements "           \
                                                                  "WHERE until_s > ? " condition   \
                                                                  "ORDER BY sent_at DESC, id"

static bool get(sqlite3_stmt *row, struct gh_db_announcement *out)
{
    *out = (struct gh_db_announcement){
        .said = {.id = gh_sql_id(row, 0),
                 .gate = gh_sql_id(row, 1),
                 .bytes = (uint64_t)sqlite3_column_int64(row, 4),
                 .from_s = sqlite3_column_int64(row, 7),
                 .until_s = sqlite3_column_int64(row, 8),
                 .repeat = (unsigned)sqlite3_column_int(row, 9),
                 .cancelled = sqlite3_column_int(row, 10) != 0},
        .text = gh_sql_text(row, 2),
        .ms = sqlite3_column_int64(row, 5),
        .sent_at = sqlite3_column_int64(row, 6),
        .signature = {sqlite3_column_blob(row, 11), (size_t)sqlite3_column_bytes(row, 11)},
    };
    for (int event = GH_ANNOUNCEMENT_PLAYED; event <= GH_ANNOUNCEMENT_SILENT; event++)
        out->told[event] = (uint64_t)sqlite3_column_int64(row, 11 + event);
    return gh_sql_blob(row, 3, out->said.sha256, GH_SHA256_BYTES);
}

enum gh_status gh_db_announcements_read(struct gh_db *db, gh_id id, int64_t alive_at,
                                        gh_db_announcement_fn *each, void *context)
{
    GH_SQL sqlite3_stmt *row = NULL;
    struct gh_db_announcement announcement;
    enum gh_status status =
        id != 0 ? gh_sql_open(db, &row, ANNOUNCEMENTS("AND id = ? "), "id", alive_at, id)
                : gh_sql_open(db, &row, ANNOUNCEMENTS(""), "i", alive_at);
    while (status == GH_OK && (status = gh_sql_step(db, row)) == GH_OK) {
        if (!get(row, &announcement))
            return GH_ERR_CORRUPT;
        if (!each(context, &announcement))
            return GH_OK;
    }
    return status == GH_ERR_END ? GH_OK : status;
}
