/* SPDX-License-Identifier: Apache-2.0 */
/* Gates' chains as they are kept: entries, husks, checkpoints. */
#include <string.h>

#include "server/db_sqlite.h"

/* --- reading --- */

static bool read_checkpoint(sqlite3_stmt *row, struct gh_db_chain *out)
{
    out->last = (uint64_t)sqlite3_column_int64(row, 0);
    out->checkpoint.through = (uint64_t)sqlite3_column_int64(row, 1); /* NULL: 0 */
    return out->checkpoint.through == 0 ||
           (gh_sql_blob(row, 2, out->checkpoint.hash, GH_SHA256_BYTES) &&
            gh_sql_blob(row, 3, out->checkpoint.signature, GH_SIGNATURE_BYTES));
}

enum gh_status gh_db_chain_find(struct gh_db *db, gh_id gate, struct gh_db_chain *out)
{
    GH_SQL sqlite3_stmt *row = NULL;
    *out = (struct gh_db_chain){0};
    enum gh_status status = gh_sql_open(db, &row,
                                        "SELECT last_sequence, through, hash, signature FROM gates "
                                        "LEFT JOIN chains ON gate = id WHERE id = ?",
                                        "d", gate);
    if (status == GH_OK)
        status = gh_sql_step(db, row);
    if (status != GH_OK)
        return status == GH_ERR_END ? GH_ERR_NOTFOUND : status;
    return read_checkpoint(row, out) ? GH_OK : GH_ERR_CORRUPT;
}

enum gh_status gh_db_chain_read(struct gh_db *db, gh_id gate, uint64_t after, unsigned limit,
                                gh_db_link_fn *each, void *context)
{
    GH_SQL sqlite3_stmt *row = NULL;
    enum gh_status status =
        gh_sql_open(db, &row,
                    "SELECT seq, hash, prev, text FROM entries WHERE gate = ?1 AND seq > ?2 "
                    "UNION ALL "
                    "SELECT seq, hash, prev, NULL FROM husks WHERE gate = ?1 AND seq > ?2 "
                    "ORDER BY seq LIMIT ?3",
                    "dii", gate, (int64_t)after, (int64_t)limit);
    while (status == GH_OK && (status = gh_sql_step(db, row)) == GH_OK) {
        struct gh_db_link link = {
            .sequence = (uint64_t)sqlite3_column_int64(row, 0),
            .text = {sqlite3_column_blob(row, 3), (size_t)sqlite3_column_bytes(row, 3)},
        };
        if (!gh_sql_blob(row, 1, link.hash, GH_SHA256_BYTES) ||
            !gh_sql_blob(row, 2, link.previous, GH_SHA256_BYTES))
            return GH_ERR_CORRUPT;
        if (!each(context, &link))
            return GH_OK;
    }
    return status == GH_ERR_END ? GH_OK : status;
}

/* --- contents go --- */

struct due {
    int64_t rows[GH_DB_ERASE_MAX];
    unsigned count;
};

/* Rows of one type come in the order of their times, but where the clock was set. */
static enum gh_status find_due(struct gh_db *db, enum gh_entry_type type, int64_t before,
                               int64_t now, unsigned limit, uint64_t *after, struct due *due)
{
    GH_SQL sqlite3_stmt *row = NULL;
    unsigned looked_at = 0;
    bool young = false;
    enum gh_status status =
        gh_sql_open(db, &row,
                    "SELECT row, received_at FROM entries WHERE type = ? AND row > ? "
                    "ORDER BY row LIMIT ?",
                    "iii", (int64_t)type, (int64_t)*after, (int64_t)limit);
    while (status == GH_OK && !young && (status = gh_sql_step(db, row)) == GH_OK) {
        int64_t received_at = sqlite3_column_int64(row, 1);
        young = received_at >= before && received_at <= now;
        if (received_at < before)
            due->rows[due->count++] = sqlite3_column_int64(row, 0);
        *after = (uint64_t)sqlite3_column_int64(row, 0);
        looked_at++;
    }
    if (young || looked_at < limit)
        *after = 0;
    return status == GH_ERR_END ? GH_OK : status;
}

static enum gh_status erase(struct gh_db *db, int64_t row)
{
    enum gh_status status =
        gh_sql_run(db, NULL,
                   "INSERT INTO husks (gate, seq, received_at, type, hash, prev) "
                   "SELECT gate, seq, received_at, type, hash, prev FROM entries WHERE row = ?",
                   "i", row);
    if (status == GH_OK)
        status = gh_sql_run(db, NULL, "DELETE FROM entries WHERE row = ?", "i", row);
    return status;
}

enum gh_status gh_db_entries_erase(struct gh_db *db, enum gh_entry_type type, int64_t before,
                                   int64_t now, unsigned limit, uint64_t *after, unsigned *erased)
{
    struct due due = {.count = 0};
    *erased = 0;
    if (limit > GH_DB_ERASE_MAX)
        limit = GH_DB_ERASE_MAX;
    enum gh_status status = find_due(db, type, before, now, limit, after, &due);
    if (status != GH_OK || due.count == 0)
        return status;
    status = gh_sql_begin(db);
    for (unsigned i = 0; status == GH_OK && i < due.count; i++)
        status = erase(db, due.rows[i]);
    status = gh_sql_end(db, status);
    if (status == GH_OK)
        *erased = due.count;
    return status;
}

/* --- numbers go --- */

static enum gh_status next_gate(struct gh_db *db, gh_id *gate)
{
    GH_SQL sqlite3_stmt *row = NULL;
    enum gh_status status =
        gh_sql_open(db, &row, "SELECT gate FROM husks WHERE gate > ? ORDER BY gate LIMIT 1", "i",
                    *gate != 0 ? gh_sql_from_id(*gate) : INT64_MIN);
    if (status == GH_OK)
        status = gh_sql_step(db, row);
    *gate = status == GH_OK ? gh_sql_id(row, 0) : 0;
    return status == GH_ERR_END ? GH_OK : status;
}

enum gh_status gh_db_husks_find(struct gh_db *db, gh_id *gate, unsigned limit,
                                struct gh_receipt *out)
{
    GH_SQL sqlite3_stmt *row = NULL;
    struct gh_db_chain chain;
    *out = (struct gh_receipt){0};
    enum gh_status status = next_gate(db, gate);
    if (status != GH_OK || *gate == 0)
        return status;
    status = gh_db_chain_find(db, *gate, &chain);
    uint64_t next = chain.checkpoint.through + 1;
    if (status == GH_OK)
        status = gh_sql_open(
            db, &row,
            "SELECT seq, hash FROM husks WHERE gate = ? AND seq >= ? ORDER BY seq LIMIT ?", "dii",
            *gate, (int64_t)next, (int64_t)limit);
    while (status == GH_OK && (status = gh_sql_step(db, row)) == GH_OK) {
        if ((uint64_t)sqlite3_column_int64(row, 0) != next)
            return GH_OK;
        if (!gh_sql_blob(row, 1, out->hash, GH_SHA256_BYTES))
            return GH_ERR_CORRUPT;
        out->through = next++;
    }
    return status == GH_ERR_END ? GH_OK : status;
}

static enum gh_status set_checkpoint(struct gh_db *db, gh_id gate, const struct gh_receipt *receipt)
{
    struct gh_db_chain chain;
    int changes = 0;
    enum gh_status status = gh_db_chain_find(db, gate, &chain);
    if (status == GH_OK)
        status = gh_sql_run(
            db, &changes,
            "UPDATE chains SET through = ?2, hash = ?3, signature = ?4, received_at = "
            "(SELECT received_at FROM husks WHERE gate = ?1 AND seq = ?2) WHERE gate = ?1 AND "
            "EXISTS (SELECT 1 FROM husks WHERE gate = ?1 AND seq = ?2 AND hash = ?3)",
            "dihb", gate, (int64_t)receipt->through, receipt->hash,
            (const void *)receipt->signature, sizeof(receipt->signature));
    if (status == GH_OK && changes != 1)
        return GH_ERR_REFUSED;
    if (status == GH_OK)
        status = gh_sql_run(db, &changes, "DELETE FROM husks WHERE gate = ? AND seq <= ?", "di",
                            gate, (int64_t)receipt->through);
    if (status == GH_OK && (uint64_t)changes != receipt->through - chain.checkpoint.through)
        return GH_ERR_REFUSED;
    return status;
}

enum gh_status gh_db_checkpoint_set(struct gh_db *db, gh_id gate, const struct gh_receipt *receipt)
{
    enum gh_status status = gh_sql_begin(db);
    if (status == GH_OK)
        status = set_checkpoint(db, gate, receipt);
    return gh_sql_end(db, status);
}

/* --- what is beside the chains goes --- */

enum gh_status gh_db_refused_drop(struct gh_db *db, int64_t before, unsigned limit)
{
    return gh_sql_run(db, NULL,
                      "DELETE FROM refused WHERE row IN (SELECT row FROM refused WHERE "
                      "received_at < ? ORDER BY received_at LIMIT ?)",
                      "ii", before, (int64_t)limit);
}

enum gh_status gh_db_alarms_drop(struct gh_db *db, int64_t before, unsigned limit)
{
    return gh_sql_run(db, NULL,
                      "DELETE FROM alarms WHERE row IN (SELECT row FROM alarms WHERE at < ? "
                      "ORDER BY at LIMIT ?)",
                      "ii", before, (int64_t)limit);
}
