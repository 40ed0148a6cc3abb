/* SPDX-License-Identifier: Apache-2.0 */
/* Our own issuers' keys. Of each purpose the spans follow one another without a gap: a key that is
 * not revoked ends (not_after) when the next one begins (not_before), the last one never. */
#include <stdio.h>
#include <string.h>

#include "server/db_sqlite.h"

#define COLUMNS "id, purpose, raw, file, not_before, not_after, revoked_at"

static enum gh_status read_row(sqlite3_stmt *row, struct gh_db_key *key)
{
    *key = (struct gh_db_key){
        .id = gh_sql_id(row, 0),
        .purpose = (enum gh_kind)sqlite3_column_int(row, 1),
        .not_before = sqlite3_column_int64(row, 4),
        .not_after = sqlite3_column_int64(row, 5),
        .revoked_at = sqlite3_column_int64(row, 6),
    };
    const char *file = gh_sql_text(row, 3);
    if (file == NULL || strlen(file) >= sizeof(key->file) ||
        !gh_sql_blob(row, 2, key->raw, sizeof(key->raw)))
        return GH_ERR_CORRUPT;
    memcpy(key->file, file, strlen(file));
    return GH_OK;
}

enum gh_status gh_db_keys_read(struct gh_db *db, gh_db_key_fn *each, void *context)
{
    GH_SQL sqlite3_stmt *row = NULL;
    struct gh_db_key key;
    enum gh_status status = gh_sql_open(db, &row,
                                        "SELECT " COLUMNS " FROM issuer_keys "
                                        "ORDER BY purpose, not_before, not_after, id",
                                        "");
    while (status == GH_OK && (status = gh_sql_step(db, row)) == GH_OK) {
        status = read_row(row, &key);
        if (status == GH_OK && !each(context, &key))
            return GH_OK;
    }
    return status == GH_ERR_END ? GH_OK : status;
}

static enum gh_status find(struct gh_db *db, gh_id id, struct gh_db_key *key)
{
    GH_SQL sqlite3_stmt *row = NULL;
    enum gh_status status =
        gh_sql_open(db, &row, "SELECT " COLUMNS " FROM issuer_keys WHERE id = ?", "d", id);
    if (status == GH_OK)
        status = gh_sql_step(db, row);
    if (status == GH_OK)
        return read_row(row, key);
    return status == GH_ERR_END ? GH_ERR_NOTFOUND : status;
}

/* --- one more --- */

static enum gh_status none_waits(struct gh_db *db, enum gh_kind purpose, int64_t now)
{
    int64_t waiting = 0;
    enum gh_status status = gh_sql_number(db, &waiting,
                                          "SELECT count(*) FROM issuer_keys WHERE purpose = ? AND "
                                          "revoked_at = 0 AND not_before > ?",
                                          "ii", (int64_t)purpose, now);
    return status == GH_OK && waiting > 0 ? GH_ERR_REFUSED : status;
}

enum gh_status gh_db_key_add(struct gh_db *db, const struct gh_db_key *key, int64_t now)
{
    enum gh_status status = gh_sql_begin(db);
    if (status == GH_OK)
        status = none_waits(db, key->purpose, now);
    if (status == GH_OK)
        status = gh_sql_run(db, NULL,
                            "UPDATE issuer_keys SET not_after = ? WHERE purpose = ? AND "
                            "revoked_at = 0 AND not_after = 9223372036854775807",
                            "ii", key->not_before, (int64_t)key->purpose);
    if (status == GH_OK)
        status = gh_sql_run(db, NULL,
                            "INSERT INTO issuer_keys (" COLUMNS ") VALUES (?, ?, ?, ?, ?, ?, 0)",
                            "dibtii", key->id, (int64_t)key->purpose, (const void *)key->raw,
                            sizeof(key->raw), key->file, key->not_before, INT64_MAX);
    if (status == GH_OK)
        status = gh_sql_bump(db);
    return gh_sql_end(db, status);
}

/* --- one less --- */

/* The last one: only if it has not begun, and the one before it can go on. */
static enum gh_status reopen_before(struct gh_db *db, const struct gh_db_key *key, int64_t now)
{
    int changes = 0;
    if (key->not_before <= now)
        return GH_ERR_REFUSED;
    enum gh_status status = gh_sql_run(db, &changes,
                                       "UPDATE issuer_keys SET not_after = 9223372036854775807 "
                                       "WHERE purpose = ? AND revoked_at = 0 AND not_after = ?",
                                       "ii", (int64_t)key->purpose, key->not_before);
    return status == GH_OK && changes == 0 ? GH_ERR_REFUSED : status;
}

/* One that ends in time to come: what follows it begins at once. */
static enum gh_status begin_next(struct gh_db *db, const struct gh_db_key *key, int64_t now)
{
    int changes = 0;
    enum gh_status status =
        gh_sql_run(db, &changes,
                   "UPDATE issuer_keys SET not_before = ? WHERE purpose = ? AND revoked_at = 0 AND "
                   "not_before = ? AND id <> ?",
                   "iiid", now, (int64_t)key->purpose, key->not_after, key->id);
    return status == GH_OK && changes == 0 ? GH_ERR_REFUSED : status;
}

static enum gh_status revoke(struct gh_db *db, const struct gh_db_key *key, int64_t now)
{
    enum gh_status status = GH_OK;
    if (key->not_after == INT64_MAX)
        status = reopen_before(db, key, now);
    else if (key->not_after > now)
        status = begin_next(db, key, now);
    if (status == GH_OK)
        status = gh_sql_run(db, NULL, "UPDATE issuer_keys SET revoked_at = ? WHERE id = ?", "id",
                            now > 0 ? now : (int64_t)1, key->id);
    return status == GH_OK ? gh_sql_bump(db) : status;
}

enum gh_status gh_db_key_revoke(struct gh_db *db, gh_id id, int64_t now)
{
    struct gh_db_key key;
    enum gh_status status = gh_sql_begin(db);
    if (status == GH_OK)
        status = find(db, id, &key);
    if (status == GH_OK && key.revoked_at == 0)
        status = revoke(db, &key, now);
    return gh_sql_end(db, status);
}

/* --- the holder secret --- */

enum gh_status gh_db_secret_find(struct gh_db *db, uint8_t sha256[GH_SHA256_BYTES])
{
    GH_SQL sqlite3_stmt *row = NULL;
    enum gh_status status = gh_sql_open(db, &row, "SELECT holder_secret FROM meta", "");
    if (status == GH_OK)
        status = gh_sql_step(db, row);
    if (status != GH_OK)
        return status == GH_ERR_END ? GH_ERR_CORRUPT : status;
    return gh_sql_blob(row, 0, sha256, GH_SHA256_BYTES) ? GH_OK : GH_ERR_NOTFOUND;
}

enum gh_status gh_db_secret_set(struct gh_db *db, const uint8_t sha256[GH_SHA256_BYTES])
{
    return gh_sql_run(db, NULL, "UPDATE meta SET holder_secret = ?", "h", sha256);
}
