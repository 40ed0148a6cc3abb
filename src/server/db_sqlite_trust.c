/* SPDX-License-Identifier: Apache-2.0 */
/* Foreign issuers' keys, and whose certificates are whose. */
#include <string.h>

#include "server/db_sqlite.h"

/* --- foreign issuers' keys --- */

enum gh_status gh_sql_trusted(sqlite3_stmt *row, struct gh_db_trusted *out)
{
    memset(out, 0, sizeof(*out));
    struct gh_issuer_key *key = &out->key;
    const char *issuer = gh_sql_text(row, 4);
    const void *raw = sqlite3_column_blob(row, 3);
    key->raw_bytes = (size_t)sqlite3_column_bytes(row, 3);
    if (raw == NULL || key->raw_bytes > sizeof(key->raw) || issuer == NULL ||
        strlen(issuer) >= sizeof(key->issuer) ||
        !gh_sql_blob(row, 2, key->key_id, sizeof(key->key_id)))
        return GH_ERR_CORRUPT;
    memcpy(key->raw, raw, key->raw_bytes);
    memcpy(key->issuer, issuer, strlen(issuer));
    key->purposes = (unsigned)sqlite3_column_int(row, 1);
    key->type = (enum gh_key_type)sqlite3_column_int(row, 5);
    key->groups = (unsigned)sqlite3_column_int(row, 6);
    key->not_before_s = sqlite3_column_int64(row, 7);
    key->not_after_s = sqlite3_column_int64(row, 8);
    out->id = gh_sql_id(row, 0);
    out->revoked_at = sqlite3_column_int64(row, 9);
    key->revoked = out->revoked_at != 0;
    return GH_OK;
}

enum gh_status gh_db_trust_read(struct gh_db *db, gh_db_trusted_fn *each, void *context)
{
    GH_SQL sqlite3_stmt *row = NULL;
    struct gh_db_trusted trusted;
    enum gh_status status = gh_sql_open(db, &row, GH_SQL_TRUSTED, "");
    while (status == GH_OK && (status = gh_sql_step(db, row)) == GH_OK) {
        status = gh_sql_trusted(row, &trusted);
        if (status == GH_OK && !each(context, &trusted))
            return GH_OK;
    }
    return status == GH_ERR_END ? GH_OK : status;
}

static enum gh_status add(struct gh_db *db, const struct gh_issuer_key *key, uint64_t *added)
{
    int changes = 0;
    enum gh_status status =
        gh_sql_run(db, &changes,
                   "INSERT OR IGNORE INTO trust (id, purposes, key_id, raw, issuer, type, "
                   "fact_groups, not_before, not_after, revoked_at) "
                   "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 0)",
                   "dibbtiiii", gh_random_id(), (int64_t)key->purposes, (const void *)key->key_id,
                   sizeof(key->key_id), (const void *)key->raw, key->raw_bytes, key->issuer,
                   (int64_t)key->type, (int64_t)key->groups, key->not_before_s, key->not_after_s);
    if (status == GH_OK && changes > 0)
        ++*added;
    return status;
}

enum gh_status gh_db_trust_add(struct gh_db *db, const struct gh_issuer_key *keys, size_t count,
                               uint64_t limit, uint64_t *added)
{
    int64_t total = 0;
    *added = 0;
    enum gh_status status = gh_sql_begin(db);
    for (size_t i = 0; status == GH_OK && i < count; i++)
        status = add(db, &keys[i], added);
    if (status == GH_OK)
        status = gh_sql_number(db, &total, "SELECT count(*) FROM trust", "");
    if (status == GH_OK && *added > 0)
        status = (uint64_t)total > limit ? GH_ERR_TOOBIG : gh_sql_changed(db, GH_SQL_KEYS, 0);
    return gh_sql_end(db, status);
}

static enum gh_status is_there(struct gh_db *db, gh_id id)
{
    int64_t one;
    return gh_sql_number(db, &one, "SELECT 1 FROM trust WHERE id = ?", "d", id);
}

enum gh_status gh_db_trust_revoke(struct gh_db *db, gh_id id, int64_t now)
{
    int changes = 0;
    enum gh_status status = gh_sql_begin(db);
    if (status == GH_OK)
        status = is_there(db, id);
    if (status == GH_OK)
        status = gh_sql_run(db, &changes,
                            "UPDATE trust SET revoked_at = ? WHERE id = ? AND revoked_at = 0", "id",
                            now > 0 ? now : (int64_t)1, id);
    if (status == GH_OK && changes > 0)
        status = gh_sql_changed(db, GH_SQL_KEYS, 0);
    return gh_sql_end(db, status);
}

enum gh_status gh_db_trust_forget(struct gh_db *db, gh_id id)
{
    enum gh_status status = gh_sql_begin(db);
    if (status == GH_OK)
        status = is_there(db, id);
    if (status == GH_OK)
        status = gh_sql_run(db, NULL, "DELETE FROM trust WHERE id = ?", "d", id);
    if (status == GH_OK)
        status = gh_sql_changed(db, GH_SQL_KEYS, 0);
    return gh_sql_end(db, status);
}

/* --- holders --- */

static enum gh_status link_new(struct gh_db *db, gh_id holder, gh_id person)
{
    enum gh_status status =
        gh_sql_run(db, NULL, "INSERT INTO holders VALUES (?, ?)", "dd", holder, person);
    return status == GH_OK ? gh_sql_changed(db, GH_SQL_HOLDER, holder) : status;
}

enum gh_status gh_db_holder_link(struct gh_db *db, gh_id holder, gh_id person)
{
    int64_t same = 0;
    enum gh_status status = gh_sql_begin(db);
    if (status == GH_OK)
        status = gh_db_person_read(db, person, NULL, NULL);
    if (status == GH_OK) {
        status = gh_sql_number(db, &same, "SELECT person = ? FROM holders WHERE holder = ?", "dd",
                               person, holder);
        if (status == GH_ERR_NOTFOUND)
            status = link_new(db, holder, person);
        else if (status == GH_OK && same == 0)
            status = GH_ERR_EXISTS;
    }
    return gh_sql_end(db, status);
}

enum gh_status gh_db_holders_unlink(struct gh_db *db, gh_id person)
{
    GH_SQL sqlite3_stmt *row = NULL;
    enum gh_status status = gh_sql_begin(db);
    if (status == GH_OK)
        status = gh_db_person_read(db, person, NULL, NULL);
    if (status == GH_OK)
        status = gh_sql_open(db, &row, "DELETE FROM holders WHERE person = ? RETURNING holder", "d",
                             person);
    if (status == GH_OK)
        status = gh_sql_changed_rows(db, GH_SQL_HOLDER, row);
    return gh_sql_end(db, status);
}
