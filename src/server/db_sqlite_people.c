/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "server/db_sqlite.h"

static void read_row(sqlite3_stmt *row, struct gh_db_person *person)
{
    *person = (struct gh_db_person){
        .id = gh_sql_id(row, 0),
        .ref = gh_sql_text(row, 1),
        .name = gh_sql_text(row, 2),
        .status = (enum gh_colour)sqlite3_column_int(row, 3),
    };
}

enum gh_status gh_db_people_read(struct gh_db *db, const char *ref, gh_id after, unsigned limit,
                                 gh_db_person_fn *each, void *context)
{
    GH_SQL sqlite3_stmt *row = NULL;
    struct gh_db_person person;
    /* No identifier is 0, so that `after` 0, which is the smallest number, begins at the first. */
    int64_t from = gh_sql_from_id(after);
    enum gh_status status =
        ref != NULL
            ? gh_sql_open(db, &row,
                          "SELECT id, ref, name, status FROM people WHERE ref = ? AND id > ? "
                          "LIMIT ?",
                          "tii", ref, from, (int64_t)limit)
            : gh_sql_open(db, &row,
                          "SELECT id, ref, name, status FROM people WHERE id > ? ORDER BY id "
                          "LIMIT ?",
                          "ii", from, (int64_t)limit);
    while (status == GH_OK && (status = gh_sql_step(db, row)) == GH_OK) {
        read_row(row, &person);
        if (!each(context, &person))
            return GH_OK;
    }
    return status == GH_ERR_END ? GH_OK : status;
}

enum gh_status gh_db_person_read(struct gh_db *db, gh_id id, gh_db_person_fn *each, void *context)
{
    GH_SQL sqlite3_stmt *row = NULL;
    struct gh_db_person person;
    enum gh_status status =
        gh_sql_open(db, &row, "SELECT id, ref, name, status FROM people WHERE id = ?", "d", id);
    if (status == GH_OK)
        status = gh_sql_step(db, row);
    if (status != GH_OK)
        return status == GH_ERR_END ? GH_ERR_NOTFOUND : status;
    read_row(row, &person);
    if (each != NULL)
        (void)each(context, &person);
    return GH_OK;
}

enum gh_status gh_db_person_homes(struct gh_db *db, gh_id id, gh_db_id_fn *each, void *context)
{
    GH_SQL sqlite3_stmt *row = NULL;
    enum gh_status status =
        gh_sql_open(db, &row, "SELECT home FROM members WHERE person = ? ORDER BY home", "d", id);
    while (status == GH_OK && (status = gh_sql_step(db, row)) == GH_OK)
        if (!each(context, gh_sql_id(row, 0)))
            return GH_OK;
    return status == GH_ERR_END ? GH_OK : status;
}

enum gh_status gh_db_person_set_status(struct gh_db *db, gh_id id, enum gh_colour status)
{
    int changes = 0;
    enum gh_status result = gh_sql_begin(db);
    if (result == GH_OK)
        result = gh_db_person_read(db, id, NULL, NULL);
    if (result == GH_OK)
        result =
            gh_sql_run(db, &changes, "UPDATE people SET status = ?1 WHERE id = ?2 AND status <> ?1",
                       "id", (int64_t)status, id);
    if (result == GH_OK && changes > 0)
        result = gh_sql_changed(db, GH_SQL_SUBJECT, id);
    return gh_sql_end(db, result);
}

/* --- import --- */

enum gh_status gh_db_import_begin(struct gh_db *db)
{
    return gh_sql_begin(db);
}

static enum gh_status add(struct gh_db *db, const char *ref, const char *name,
                          enum gh_colour status)
{
    const gh_id id = gh_random_id();
    enum gh_status result =
        gh_sql_run(db, NULL, "INSERT INTO people (id, ref, name, status) VALUES (?, ?, ?, ?)",
                   "dtti", id, ref, name, (int64_t)status);
    return result == GH_OK ? gh_sql_changed(db, GH_SQL_SUBJECT, id) : result;
}

enum gh_status gh_db_import_put(struct gh_db *db, const char *ref, const char *name,
                                enum gh_colour status, enum gh_db_change *change)
{
    GH_SQL sqlite3_stmt *row = NULL;
    enum gh_status result =
        gh_sql_open(db, &row, "SELECT id, name, status FROM people WHERE ref = ?", "t", ref);
    if (result == GH_OK)
        result = gh_sql_step(db, row);
    if (result == GH_ERR_END) {
        *change = GH_DB_ADDED;
        return add(db, ref, name, status);
    }
    if (result != GH_OK)
        return result;
    gh_id id = gh_sql_id(row, 0);
    bool same_name = strcmp(gh_sql_text(row, 1), name) == 0;
    bool same_status = sqlite3_column_int(row, 2) == (int)status;
    if (same_name && same_status) {
        *change = GH_DB_UNCHANGED;
        return GH_OK;
    }
    *change = GH_DB_UPDATED;
    result = gh_sql_run(db, NULL, "UPDATE people SET name = ?, status = ? WHERE id = ?", "tid",
                        name, (int64_t)status, id);
    if (result != GH_OK || same_status) /* names are not on the list */
        return result;
    return gh_sql_changed(db, GH_SQL_SUBJECT, id);
}

enum gh_status gh_db_import_end(struct gh_db *db, bool keep)
{
    if (!keep) {
        enum gh_status undone = gh_sql_end(db, GH_ERR_REFUSED);
        return undone == GH_ERR_REFUSED ? GH_OK : undone;
    }
    return gh_sql_end(db, GH_OK);
}

/* --- credentials --- */

enum gh_status gh_db_credential_add(struct gh_db *db, const struct gh_db_credential *credential)
{
    return gh_sql_run(db, NULL,
                      "INSERT INTO credentials (id, kind, about, issued_at, expires_at, "
                      "revoked_at) VALUES (?, ?, ?, ?, ?, 0)",
                      "didii", credential->id, (int64_t)credential->kind, credential->about,
                      credential->issued_at, credential->expires_at);
}

enum gh_status gh_db_credential_find(struct gh_db *db, gh_id id, struct gh_db_credential *out)
{
    GH_SQL sqlite3_stmt *row = NULL;
    memset(out, 0, sizeof(*out));
    enum gh_status status = gh_sql_open(
        db, &row,
        "SELECT kind, about, issued_at, expires_at, revoked_at FROM credentials WHERE id = ?", "d",
        id);
    if (status == GH_OK)
        status = gh_sql_step(db, row);
    if (status != GH_OK)
        return status == GH_ERR_END ? GH_ERR_NOTFOUND : status;
    out->id = id;
    out->kind = (enum gh_kind)sqlite3_column_int(row, 0);
    out->about = gh_sql_id(row, 1);
    out->issued_at = sqlite3_column_int64(row, 2);
    out->expires_at = sqlite3_column_int64(row, 3);
    out->revoked_at = sqlite3_column_int64(row, 4);
    return GH_OK;
}

enum gh_status gh_db_credential_latest(struct gh_db *db, enum gh_kind kind, int64_t *issued_at)
{
    enum gh_status status = gh_sql_number(
        db, issued_at,
        "SELECT issued_at FROM credentials WHERE kind = ? ORDER BY issued_at DESC LIMIT 1", "i",
        (int64_t)kind);
    if (status != GH_ERR_NOTFOUND)
        return status;
    *issued_at = INT64_MIN;
    return GH_OK;
}

static enum gh_status revoke(struct gh_db *db, gh_id id, int64_t now)
{
    int changes = 0;
    enum gh_status status = gh_sql_run(
        db, &changes, "UPDATE credentials SET revoked_at = ? WHERE id = ? AND revoked_at = 0", "id",
        now > 0 ? now : (int64_t)1, id);
    if (status == GH_OK && changes > 0)
        status = gh_sql_changed(db, GH_SQL_REVOKED, id);
    /* A home never hands out a revoked code again. */
    if (status == GH_OK)
        status = gh_sql_run(db, NULL,
                            "UPDATE homes SET code = NULL, credential = NULL WHERE credential = ?",
                            "d", id);
    return status;
}

enum gh_status gh_db_credential_revoke(struct gh_db *db, gh_id id, int64_t now)
{
    struct gh_db_credential credential;
    enum gh_status status = gh_sql_begin(db);
    if (status == GH_OK)
        status = gh_db_credential_find(db, id, &credential);
    if (status == GH_OK)
        status = revoke(db, id, now);
    return gh_sql_end(db, status);
}
