/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "server/db_sqlite.h"

static const char *const role_names[] = {"none", "admin", "landlord", "inspector"};

const char *gh_role_name(enum gh_role role)
{
    return (size_t)role < GH_ARRAY_SIZE(role_names) ? role_names[role] : "none";
}

enum gh_status gh_role_parse(const char *name, enum gh_role *role)
{
    for (size_t i = GH_ROLE_ADMIN; i < GH_ARRAY_SIZE(role_names); i++) {
        if (strcmp(name, role_names[i]) == 0) {
            *role = (enum gh_role)i;
            return GH_OK;
        }
    }
    return GH_ERR_INVALID;
}

enum gh_status gh_db_user_add(struct gh_db *db, const struct gh_db_user *user)
{
    return gh_sql_run(db, NULL, "INSERT INTO users VALUES (?, ?, ?, ?)", "titi", user->name,
                      (int64_t)user->role, user->password, (int64_t)user->one_time);
}

enum gh_status gh_db_user_find(struct gh_db *db, const char *name, struct gh_db_user *out)
{
    GH_SQL sqlite3_stmt *statement = NULL;
    memset(out, 0, sizeof(*out));
    enum gh_status status =
        gh_sql_open(db, &statement,
                    "SELECT name, role, password, one_time FROM users WHERE name = ?", "t", name);
    if (status == GH_OK)
        status = gh_sql_step(db, statement);
    if (status != GH_OK)
        return status == GH_ERR_END ? GH_ERR_NOTFOUND : status;
    snprintf(out->name, sizeof(out->name), "%s", gh_sql_text(statement, 0));
    out->role = (enum gh_role)sqlite3_column_int(statement, 1);
    snprintf(out->password, sizeof(out->password), "%s", gh_sql_text(statement, 2));
    out->one_time = sqlite3_column_int(statement, 3) != 0;
    return GH_OK;
}

enum gh_status gh_db_user_set_password(struct gh_db *db, const char *name, const char *password)
{
    enum gh_status status = gh_sql_begin(db);
    if (status == GH_OK)
        status = gh_sql_run(db, NULL, "UPDATE users SET password = ?, one_time = 0 WHERE name = ?",
                            "tt", password, name);
    if (status == GH_OK)
        status = gh_sql_run(db, NULL, "DELETE FROM sessions WHERE user = ?", "t", name);
    return gh_sql_end(db, status);
}

enum gh_status gh_db_user_count(struct gh_db *db, uint64_t *count)
{
    int64_t number;
    enum gh_status status = gh_sql_number(db, &number, "SELECT count(*) FROM users", "");
    *count = (uint64_t)number;
    return status;
}

enum gh_status gh_db_session_add(struct gh_db *db, const uint8_t token_sha256[GH_SHA256_BYTES],
                                 const char *user, int64_t now, int64_t expires_at)
{
    enum gh_status status = gh_sql_begin(db);
    if (status == GH_OK)
        status = gh_sql_run(db, NULL, "DELETE FROM sessions WHERE expires_at <= ?", "i", now);
    if (status == GH_OK)
        status = gh_sql_run(db, NULL, "INSERT INTO sessions VALUES (?, ?, ?)", "hti", token_sha256,
                            user, expires_at);
    return gh_sql_end(db, status);
}

enum gh_status gh_db_session_find(struct gh_db *db, const uint8_t token_sha256[GH_SHA256_BYTES],
                                  int64_t now, char user[GH_USER_BYTES], enum gh_role *role)
{
    GH_SQL sqlite3_stmt *statement = NULL;
    enum gh_status status =
        gh_sql_open(db, &statement,
                    "SELECT users.name, users.role FROM sessions JOIN users ON users.name = "
                    "sessions.user WHERE token = ? AND expires_at > ?",
                    "hi", token_sha256, now);
    if (status == GH_OK)
        status = gh_sql_step(db, statement);
    if (status != GH_OK)
        return status == GH_ERR_END ? GH_ERR_NOTFOUND : status;
    snprintf(user, GH_USER_BYTES, "%s", gh_sql_text(statement, 0));
    *role = (enum gh_role)sqlite3_column_int(statement, 1);
    return GH_OK;
}
