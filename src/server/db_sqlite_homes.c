/* SPDX-License-Identifier: Apache-2.0 */
#include "server/db_sqlite.h"

#define COLUMNS "id, address, owner, state, credential, code"

static void read_row(sqlite3_stmt *row, struct gh_db_home *home)
{
    *home = (struct gh_db_home){
        .id = gh_sql_id(row, 0),
        .address = gh_sql_text(row, 1),
        .owner = gh_sql_text(row, 2),
        .state = (enum gh_home_state)sqlite3_column_int(row, 3),
        .credential = gh_sql_id(row, 4),
        .code = gh_sql_text(row, 5),
    };
}

enum gh_status gh_db_home_add(struct gh_db *db, gh_id id, const char *address, const char *owner,
                              int64_t now)
{
    return gh_sql_run(db, NULL,
                      "INSERT INTO homes (id, address, owner, state, created_at) "
                      "VALUES (?, ?, ?, ?, ?)",
                      "dttii", id, address, owner, (int64_t)GH_HOME_STATE_APPLIED, now);
}

enum gh_status gh_db_homes_read(struct gh_db *db, const char *owner, gh_db_home_fn *each,
                                void *context)
{
    GH_SQL sqlite3_stmt *row = NULL;
    struct gh_db_home home;
    enum gh_status status =
        owner != NULL
            ? gh_sql_open(db, &row, "SELECT " COLUMNS " FROM homes WHERE owner = ? ORDER BY id",
                          "t", owner)
            : gh_sql_open(db, &row, "SELECT " COLUMNS " FROM homes ORDER BY id", "");
    while (status == GH_OK && (status = gh_sql_step(db, row)) == GH_OK) {
        read_row(row, &home);
        if (!each(context, &home))
            return GH_OK;
    }
    return status == GH_ERR_END ? GH_OK : status;
}

enum gh_status gh_db_home_read(struct gh_db *db, gh_id id, gh_db_home_fn *each, void *context)
{
    GH_SQL sqlite3_stmt *row = NULL;
    struct gh_db_home home;
    enum gh_status status =
        gh_sql_open(db, &row, "SELECT " COLUMNS " FROM homes WHERE id = ?", "d", id);
    if (status == GH_OK)
        status = gh_sql_step(db, row);
    if (status != GH_OK)
        return status == GH_ERR_END ? GH_ERR_NOTFOUND : status;
    read_row(row, &home);
    (void)each(context, &home);
    return GH_OK;
}

enum gh_status gh_db_home_members(struct gh_db *db, gh_id id, gh_db_id_fn *each, void *context)
{
    GH_SQL sqlite3_stmt *row = NULL;
    enum gh_status status =
        gh_sql_open(db, &row, "SELECT person FROM members WHERE home = ? ORDER BY person", "d", id);
    while (status == GH_OK && (status = gh_sql_step(db, row)) == GH_OK)
        if (!each(context, gh_sql_id(row, 0)))
            return GH_OK;
    return status == GH_ERR_END ? GH_OK : status;
}

/* The home has another state: it, and what its members may do. */
static enum gh_status changed_with_members(struct gh_db *db, gh_id id)
{
    GH_SQL sqlite3_stmt *members = NULL;
    enum gh_status status = gh_sql_changed(db, GH_SQL_HOME, id);
    if (status == GH_OK)
        status = gh_sql_open(db, &members, "SELECT person FROM members WHERE home = ?", "d", id);
    return status == GH_OK ? gh_sql_changed_rows(db, GH_SQL_SUBJECT, members) : status;
}

/* GH_ERR_NOTFOUND: no such home; GH_ERR_REFUSED: it is in another state. */
static enum gh_status expect_state(struct gh_db *db, gh_id id, enum gh_home_state wanted)
{
    int64_t state;
    enum gh_status status =
        gh_sql_number(db, &state, "SELECT state FROM homes WHERE id = ?", "d", id);
    return status == GH_OK && state != (int64_t)wanted ? GH_ERR_REFUSED : status;
}

enum gh_status gh_db_home_inspect(struct gh_db *db, gh_id id, bool passed, const char *note)
{
    enum gh_status status = gh_sql_begin(db);
    if (status == GH_OK)
        status = expect_state(db, id, GH_HOME_STATE_APPLIED);
    if (status == GH_OK)
        status = gh_sql_run(db, NULL, "UPDATE homes SET state = ?, note = ? WHERE id = ?", "itd",
                            (int64_t)(passed ? GH_HOME_STATE_INSPECTED : GH_HOME_STATE_REFUSED),
                            note, id);
    return gh_sql_end(db, status);
}

enum gh_status gh_db_home_approve(struct gh_db *db, gh_id id)
{
    enum gh_status status = gh_sql_begin(db);
    if (status == GH_OK)
        status = expect_state(db, id, GH_HOME_STATE_INSPECTED);
    if (status == GH_OK)
        status = gh_sql_run(db, NULL, "UPDATE homes SET state = ? WHERE id = ?", "id",
                            (int64_t)GH_HOME_STATE_APPROVED, id);
    if (status == GH_OK)
        status = changed_with_members(db, id);
    return gh_sql_end(db, status);
}

static enum gh_status has_room(struct gh_db *db, gh_id person)
{
    int64_t homes = 0;
    enum gh_status status =
        gh_sql_number(db, &homes, "SELECT count(*) FROM members WHERE person = ?", "d", person);
    return status == GH_OK && homes > GH_LIST_HOMES_MAX ? GH_ERR_TOOBIG : status;
}

enum gh_status gh_db_home_put_member(struct gh_db *db, gh_id id, gh_id person)
{
    int changes = 0;
    enum gh_status status = gh_sql_begin(db);
    if (status == GH_OK)
        status = expect_state(db, id, GH_HOME_STATE_APPROVED);
    if (status == GH_OK)
        status = gh_db_person_read(db, person, NULL, NULL);
    if (status == GH_OK)
        status = gh_sql_run(db, &changes, "INSERT OR IGNORE INTO members VALUES (?, ?)", "dd", id,
                            person);
    if (status == GH_OK && changes > 0)
        status = has_room(db, person);
    if (status == GH_OK && changes > 0)
        status = gh_sql_changed(db, GH_SQL_SUBJECT, person);
    return gh_sql_end(db, status);
}

enum gh_status gh_db_home_drop_member(struct gh_db *db, gh_id id, gh_id person)
{
    int64_t state;
    int changes = 0;
    enum gh_status status = gh_sql_begin(db);
    if (status == GH_OK)
        status = gh_sql_number(db, &state, "SELECT state FROM homes WHERE id = ?", "d", id);
    if (status == GH_OK)
        status = gh_sql_run(db, &changes, "DELETE FROM members WHERE home = ? AND person = ?", "dd",
                            id, person);
    if (status == GH_OK && changes > 0)
        status = gh_sql_changed(db, GH_SQL_SUBJECT, person);
    return gh_sql_end(db, status);
}

static enum gh_status revoke_current(struct gh_db *db, gh_id home, int64_t now)
{
    GH_SQL sqlite3_stmt *row = NULL;
    enum gh_status status =
        gh_sql_open(db, &row,
                    "UPDATE credentials SET revoked_at = ? WHERE revoked_at = 0 AND id = "
                    "(SELECT credential FROM homes WHERE id = ?) RETURNING id",
                    "id", now, home);
    return status == GH_OK ? gh_sql_changed_rows(db, GH_SQL_REVOKED, row) : status;
}

enum gh_status gh_db_home_set_code(struct gh_db *db, gh_id id, const char *code,
                                   const struct gh_db_credential *credential)
{
    enum gh_status status = gh_sql_begin(db);
    if (status == GH_OK)
        status = expect_state(db, id, GH_HOME_STATE_APPROVED);
    if (status == GH_OK)
        status = revoke_current(db, id, credential->issued_at > 0 ? credential->issued_at : 1);
    if (status == GH_OK)
        status = gh_db_credential_add(db, credential);
    if (status == GH_OK)
        status = gh_sql_run(db, NULL, "UPDATE homes SET code = ?, credential = ? WHERE id = ?",
                            "tdd", code, credential->id, id);
    return gh_sql_end(db, status);
}
