/* SPDX-License-Identifier: Apache-2.0 */
#include "server/db_sqlite.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/sqlite_status.h"
#include "gatehouse/file.h"
#include "gatehouse/log.h"

#define BUSY_MS 5000

/* --- results --- */

enum gh_status gh_sql_status(struct gh_db *db, int result)
{
    enum gh_status status = gh_sqlite_status(db->handle, result);
    /* "Not found" and the like are said here of rows, never of files. */
    if (status == GH_ERR_NOTFOUND || status == GH_ERR_DENIED || status == GH_ERR_AGAIN)
        status = GH_ERR_IO;
    if (status != GH_OK && status != GH_ERR_END && status != GH_ERR_EXISTS)
        gh_log(GH_LOG_ERR, "db", "%s (%d)", sqlite3_errmsg(db->handle), result);
    return status;
}

/* --- statements --- */

static enum gh_status prepare(struct gh_db *db, sqlite3_stmt **out, const char *text)
{
    for (size_t i = 0; i < db->cached; i++) {
        if (db->cache[i].text == text) {
            *out = db->cache[i].statement;
            return GH_OK;
        }
    }
    *out = NULL;
    if (db->cached == GH_SQL_CACHE)
        return GH_ERR_TOOBIG; /* more queries in the source than the cache was made for */
    int result = sqlite3_prepare_v3(db->handle, text, -1, SQLITE_PREPARE_PERSISTENT, out, NULL);
    if (result != SQLITE_OK)
        return gh_sql_status(db, result);
    db->cache[db->cached].text = text;
    db->cache[db->cached++].statement = *out;
    return GH_OK;
}

static int bind_one(sqlite3_stmt *statement, int index, char type, va_list *arguments)
{
    switch (type) {
    case 'i':
        return sqlite3_bind_int64(statement, index, va_arg(*arguments, int64_t));
    case 'd': {
        gh_id id = va_arg(*arguments, gh_id);
        return id == 0 ? sqlite3_bind_null(statement, index)
                       : sqlite3_bind_int64(statement, index, gh_sql_from_id(id));
    }
    case 't':
        return sqlite3_bind_text(statement, index, va_arg(*arguments, const char *), -1,
                                 SQLITE_STATIC);
    case 'h':
        return sqlite3_bind_blob(statement, index, va_arg(*arguments, const uint8_t *),
                                 GH_SHA256_BYTES, SQLITE_STATIC);
    case 'b': {
        const void *data = va_arg(*arguments, const void *);
        return sqlite3_bind_blob64(statement, index, data, va_arg(*arguments, size_t),
                                   SQLITE_STATIC);
    }
    default:
        return SQLITE_MISUSE;
    }
}

static enum gh_status open_with(struct gh_db *db, sqlite3_stmt **out, const char *text,
                                const char *format, va_list *arguments)
{
    enum gh_status status = prepare(db, out, text);
    for (int i = 0; status == GH_OK && format[i] != '\0'; i++)
        status = gh_sql_status(db, bind_one(*out, i + 1, format[i], arguments));
    return status;
}

enum gh_status gh_sql_open(struct gh_db *db, sqlite3_stmt **out, const char *text,
                           const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    enum gh_status status = open_with(db, out, text, format, &arguments);
    va_end(arguments);
    return status;
}

void gh_sql_release(sqlite3_stmt **statement)
{
    if (*statement != NULL) {
        sqlite3_reset(*statement);
        sqlite3_clear_bindings(*statement);
    }
}

enum gh_status gh_sql_step(struct gh_db *db, sqlite3_stmt *statement)
{
    return gh_sql_status(db, sqlite3_step(statement));
}

enum gh_status gh_sql_run(struct gh_db *db, int *changes, const char *text, const char *format, ...)
{
    GH_SQL sqlite3_stmt *statement = NULL;
    va_list arguments;
    va_start(arguments, format);
    enum gh_status status = open_with(db, &statement, text, format, &arguments);
    va_end(arguments);
    if (status == GH_OK)
        status = gh_sql_step(db, statement);
    if (changes != NULL)
        *changes = sqlite3_changes(db->handle);
    return status == GH_ERR_END ? GH_OK : status;
}

enum gh_status gh_sql_number(struct gh_db *db, int64_t *out, const char *text, const char *format,
                             ...)
{
    GH_SQL sqlite3_stmt *statement = NULL;
    va_list arguments;
    va_start(arguments, format);
    enum gh_status status = open_with(db, &statement, text, format, &arguments);
    va_end(arguments);
    *out = 0;
    if (status == GH_OK)
        status = gh_sql_step(db, statement);
    if (status == GH_OK)
        *out = sqlite3_column_int64(statement, 0);
    return status == GH_ERR_END ? GH_ERR_NOTFOUND : status;
}

gh_id gh_sql_id(sqlite3_stmt *statement, int column)
{
    if (sqlite3_column_type(statement, column) != SQLITE_INTEGER)
        return 0;
    return (gh_id)sqlite3_column_int64(statement, column) ^ (UINT64_C(1) << 63);
}

const char *gh_sql_text(sqlite3_stmt *statement, int column)
{
    return (const char *)sqlite3_column_text(statement, column);
}

bool gh_sql_blob(sqlite3_stmt *statement, int column, void *out, size_t size)
{
    const void *data = sqlite3_column_blob(statement, column);
    memset(out, 0, size);
    if (data == NULL || (size_t)sqlite3_column_bytes(statement, column) != size)
        return false;
    memcpy(out, data, size);
    return true;
}

/* --- transactions --- */

enum gh_status gh_sql_begin(struct gh_db *db)
{
    return gh_sql_run(db, NULL, "BEGIN IMMEDIATE", "");
}

enum gh_status gh_sql_end(struct gh_db *db, enum gh_status status)
{
    if (status == GH_OK)
        status = gh_sql_run(db, NULL, "COMMIT", "");
    /* Some errors have rolled back already. */
    if (status != GH_OK && sqlite3_get_autocommit(db->handle) == 0) {
        enum gh_status undone = gh_sql_run(db, NULL, "ROLLBACK", "");
        (void)undone; /* the first error is the one to tell */
    }
    return status;
}

enum gh_status gh_db_probe(struct gh_db *db)
{
    enum gh_status status = gh_sql_begin(db);
    if (status == GH_OK)
        status = gh_sql_run(db, NULL, "UPDATE meta SET probes = probes + 1", "");
    return gh_sql_end(db, status);
}

enum gh_status gh_sql_bump(struct gh_db *db)
{
    return gh_sql_run(db, NULL, "UPDATE meta SET generation = generation + 1", "");
}

/* --- opening --- */

static enum gh_status configure(struct gh_db *db)
{
    static const char *const pragmas[] = {
        "PRAGMA journal_mode = WAL",
        "PRAGMA synchronous = FULL",
        "PRAGMA foreign_keys = ON",
        "PRAGMA trusted_schema = OFF",
        "PRAGMA cache_size = -32768", /* KiB: the people of a large town */
        "PRAGMA journal_size_limit = 67108864",
        "PRAGMA secure_delete = ON",
    };
    sqlite3_extended_result_codes(db->handle, 1);
    sqlite3_busy_timeout(db->handle, BUSY_MS);
    sqlite3_db_config(db->handle, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    for (size_t i = 0; i < GH_ARRAY_SIZE(pragmas); i++) {
        enum gh_status status =
            gh_sql_status(db, sqlite3_exec(db->handle, pragmas[i], NULL, NULL, NULL));
        if (status != GH_OK)
            return status;
    }
    return GH_OK;
}

enum gh_status gh_db_open(const char *path, struct gh_db **out, struct gh_error *err)
{
    *out = NULL;
    struct gh_db *db = calloc(1, sizeof(*db));
    if (db == NULL)
        return gh_fail(err, GH_ERR_NOMEM, "no memory for the database");
    /* SQLite would make it readable to all; its WAL takes over the mode. */
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    gh_cleanup_fd(&fd);
    int result = sqlite3_open_v2(
        path, &db->handle, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, NULL);
    enum gh_status status = db->handle == NULL ? GH_ERR_NOMEM : gh_sql_status(db, result);
    if (status == GH_OK)
        status = configure(db);
    if (status == GH_OK)
        status = gh_sql_migrate(db, err);
    if (status != GH_OK) {
        gh_db_close(db);
        return gh_fail(err, status, "the database %.150s: %s", path, gh_status_text(status));
    }
    *out = db;
    return GH_OK;
}

void gh_db_close(struct gh_db *db)
{
    if (db == NULL)
        return;
    for (size_t i = 0; i < db->cached; i++)
        sqlite3_finalize(db->cache[i].statement);
    sqlite3_close(db->handle);
    free(db);
}
