/* SPDX-License-Identifier: Apache-2.0 */
/* What changed in the list, by generation. A transaction that changes the list makes one
 * generation, and names in `changes` each thing that may stand otherwise since; how it stands is
 * read from the tables when a delta is made. `generations.changes` counts the rows (and the
 * generations themselves) since ever, so that the distance of two is one subtraction.
 */
#include <inttypes.h>

#include "gatehouse/log.h"
#include "server/db_sqlite.h"

/* More in one transaction are not worth their rows: gates take the snapshot then. */
#define BULK 50000
/* Rows from which deltas are made; what is behind them goes in pieces. */
#define KEPT INT64_C(200000)
#define SWEPT_AT_ONCE INT64_C(2000)

/* --- in a transaction --- */

enum gh_status gh_sql_bump(struct gh_db *db)
{
    int64_t number;
    if (db->making.number != 0)
        return GH_OK;
    enum gh_status status = gh_sql_run(db, NULL, "UPDATE meta SET generation = generation + 1", "");
    if (status == GH_OK)
        status = gh_sql_number(db, &number, "SELECT generation FROM meta", "");
    if (status == GH_OK)
        db->making.number = number;
    return status;
}

enum gh_status gh_sql_bump_to(struct gh_db *db, int64_t number)
{
    enum gh_status status = gh_sql_run(db, NULL, "UPDATE meta SET generation = ?", "i", number);
    if (status == GH_OK)
        db->making.number = number;
    return status;
}

static enum gh_status begin_change(struct gh_db *db)
{
    enum gh_status status = gh_sql_bump(db);
    if (status == GH_OK && !db->making.bulk && db->making.rows == BULK) {
        db->making.bulk = true;
        status = gh_sql_run(db, NULL, "DELETE FROM changes WHERE generation = ?", "i",
                            db->making.number);
    }
    return status;
}

enum gh_status gh_sql_changed(struct gh_db *db, enum gh_sql_thing kind, gh_id id)
{
    int rows = 0;
    enum gh_status status = begin_change(db);
    if (status == GH_OK && !db->making.bulk)
        status = gh_sql_run(db, &rows, "INSERT OR IGNORE INTO changes VALUES (?, ?, ?)", "iii",
                            db->making.number, (int64_t)kind, gh_sql_from_id(id));
    db->making.rows += rows;
    return status;
}

enum gh_status gh_sql_changed_hash(struct gh_db *db, const uint8_t hash[GH_REVOCATION_BYTES])
{
    int rows = 0;
    enum gh_status status = begin_change(db);
    if (status == GH_OK && !db->making.bulk)
        status = gh_sql_run(db, &rows, "INSERT OR IGNORE INTO changes VALUES (?, ?, ?)", "iib",
                            db->making.number, (int64_t)GH_SQL_HASH, (const void *)hash,
                            (size_t)GH_REVOCATION_BYTES);
    db->making.rows += rows;
    return status;
}

enum gh_status gh_sql_changed_rows(struct gh_db *db, enum gh_sql_thing kind, sqlite3_stmt *ids)
{
    enum gh_status status;
    while ((status = gh_sql_step(db, ids)) == GH_OK) {
        status = gh_sql_changed(db, kind, gh_sql_id(ids, 0));
        if (status != GH_OK)
            return status;
    }
    return status == GH_ERR_END ? GH_OK : status;
}

/* --- before it is committed --- */

/* Deltas lead from `floor` on, and from no earlier one: what was named until then is not needed. */
static enum gh_status move_floor(struct gh_db *db, int64_t total)
{
    int64_t floor = db->making.number;
    if (!db->making.bulk) {
        enum gh_status status =
            gh_sql_number(db, &floor,
                          "SELECT number FROM generations WHERE number >= (SELECT floor FROM meta) "
                          "AND changes >= ? ORDER BY number LIMIT 1",
                          "i", total - KEPT);
        if (status != GH_OK)
            return status == GH_ERR_NOTFOUND ? GH_ERR_CORRUPT : status;
    }
    return gh_sql_run(db, NULL, "UPDATE meta SET floor = ?1 WHERE floor < ?1", "i", floor);
}

static enum gh_status sweep(struct gh_db *db)
{
    enum gh_status status = gh_sql_run(
        db, NULL,
        "DELETE FROM changes WHERE (generation, kind, thing) IN (SELECT generation, kind, thing "
        "FROM changes WHERE generation <= (SELECT floor FROM meta) ORDER BY generation LIMIT ?)",
        "i", SWEPT_AT_ONCE);
    if (status == GH_OK)
        status = gh_sql_run(
            db, NULL,
            "DELETE FROM generations WHERE number IN (SELECT number FROM generations WHERE "
            "number < (SELECT floor FROM meta) ORDER BY number LIMIT ?)",
            "i", SWEPT_AT_ONCE);
    return status;
}

enum gh_status gh_sql_finish_generation(struct gh_db *db)
{
    int64_t total = 0;
    uint8_t tag[GH_LIST_TAG_BYTES];
    if (db->making.number == 0)
        return GH_OK;
    gh_random(tag, sizeof(tag));
    enum gh_status status = gh_sql_number(
        db, &total, "SELECT changes FROM generations ORDER BY number DESC LIMIT 1", "");
    total += 1 + (db->making.bulk ? 0 : db->making.rows);
    if (status == GH_OK)
        status = gh_sql_run(db, NULL, "INSERT INTO generations VALUES (?, ?, unixepoch(), ?)",
                            "ibi", db->making.number, (const void *)tag, sizeof(tag), total);
    if (status == GH_OK)
        status = move_floor(db, total);
    return status == GH_OK ? sweep(db) : status;
}

/* --- what leaves the list by time --- */

enum gh_status gh_sql_cutoff(struct gh_db *db, int64_t *cutoff)
{
    return gh_sql_number(db, cutoff, "SELECT cutoff FROM meta", "");
}

static enum gh_status name_what_passes(struct gh_db *db, int64_t from, int64_t to)
{
    GH_SQL sqlite3_stmt *credentials = NULL, *recalls = NULL, *hashes = NULL;
    uint8_t hash[GH_REVOCATION_BYTES];
    enum gh_status status = gh_sql_open(db, &credentials,
                                        "SELECT id FROM credentials WHERE revoked_at <> 0 AND "
                                        "expires_at >= ? AND expires_at < ?",
                                        "ii", from, to);
    if (status == GH_OK)
        status = gh_sql_changed_rows(db, GH_SQL_REVOKED, credentials);
    if (status == GH_OK)
        status = gh_sql_open(db, &recalls,
                             "SELECT person FROM recalls WHERE before_s >= ? AND before_s < ?",
                             "ii", from - GH_HEALTH_VALID_MAX_S, to - GH_HEALTH_VALID_MAX_S);
    if (status == GH_OK)
        status = gh_sql_changed_rows(db, GH_SQL_RECALLED, recalls);
    if (status == GH_OK)
        status = gh_sql_open(
            db, &hashes, "SELECT hash FROM revocations WHERE expires_at >= ? AND expires_at < ?",
            "ii", from, to);
    while (status == GH_OK && (status = gh_sql_step(db, hashes)) == GH_OK)
        status = gh_sql_blob(hashes, 0, hash, sizeof(hash)) ? gh_sql_changed_hash(db, hash)
                                                            : GH_ERR_CORRUPT;
    return status == GH_ERR_END ? GH_OK : status;
}

enum gh_status gh_db_list_age(struct gh_db *db, int64_t cutoff)
{
    int64_t old = 0;
    enum gh_status status = gh_sql_begin(db);
    if (status == GH_OK)
        status = gh_sql_cutoff(db, &old);
    if (status == GH_OK)
        status = name_what_passes(db, old < cutoff ? old : cutoff, old < cutoff ? cutoff : old);
    if (status == GH_OK)
        status = gh_sql_run(db, NULL, "UPDATE meta SET cutoff = ?", "i", cutoff);
    if (status == GH_OK && db->making.number != 0)
        gh_log(GH_LOG_INFO, "list", "what has long expired leaves the list");
    return gh_sql_end(db, status);
}
