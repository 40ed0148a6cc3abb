/* SPDX-License-Identifier: Apache-2.0 */
#include "server/db_sqlite.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/sqlite.h"
#include "gatehouse/clock.h"
#include "gatehouse/file.h"
#include "gatehouse/log.h"

#define BUSY_NS (5 * GH_NS_PER_S)
#define RETRY_NS (GH_NS_PER_MS / 2)
#define YIELDS_MAX 8    /* times RETRY_NS */
#define CACHE_KIB 32768 /* the people of a large town */
#define CACHE_BESIDE_KIB 8192

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

/* --- taking turns ---
 * One connection writes at a time, and SQLite has no queue: who tries again at the right moment is
 * next. A thread that writes one transaction behind the other would so keep the main loop from its
 * turn for seconds. Hence a connection that yields rests after a commit while another one waits,
 * for longer than that one rests between two attempts. */

static void rest(void)
{
    const struct timespec time = {.tv_nsec = RETRY_NS};
    (void)nanosleep(&time, NULL);
}

static int64_t now_ns(void)
{
    return gh_clock_monotonic_ns(gh_clock_system());
}

static int on_busy(void *context, int count)
{
    struct gh_db *db = context;
    if (count == 0)
        db->waits_since_ns = now_ns();
    if (now_ns() - db->waits_since_ns >= BUSY_NS)
        return 0;
    if (!db->waits && !db->yields) {
        db->waits = true;
        atomic_fetch_add(&db->shared->waiting, 1);
    }
    rest();
    return 1;
}

static void stop_waiting(struct gh_db *db)
{
    if (db->waits)
        atomic_fetch_sub(&db->shared->waiting, 1);
    db->waits = false;
}

static void yield(const struct gh_db *db)
{
    for (int i = 0; db->yields && i < YIELDS_MAX && atomic_load(&db->shared->waiting) > 0; i++)
        rest();
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
    int result = sqlite3_step(statement);
    stop_waiting(db);
    return gh_sql_status(db, result);
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
    memset(&db->making, 0, sizeof(db->making));
    memset(&db->tidings, 0, sizeof(db->tidings));
    return gh_sql_run(db, NULL, "BEGIN IMMEDIATE", "");
}

enum gh_status gh_sql_begin_reading(struct gh_db *db)
{
    memset(&db->making, 0, sizeof(db->making));
    memset(&db->tidings, 0, sizeof(db->tidings));
    return gh_sql_run(db, NULL, "BEGIN", "");
}

static void tell_tidings(const struct gh_db *db)
{
    struct gh_sql_shared *shared = db->shared;
    pthread_mutex_lock(&shared->lock);
    gh_sql_merge_news(&shared->tidings.news, &db->tidings.news);
    for (size_t i = 0; i < GH_ALARM_END; i++)
        shared->tidings.raised[i] += db->tidings.raised[i];
    pthread_mutex_unlock(&shared->lock);
}

struct gh_db_news gh_db_news_now(const struct gh_db *db)
{
    pthread_mutex_lock(&db->shared->lock);
    struct gh_db_news news = db->shared->tidings.news;
    pthread_mutex_unlock(&db->shared->lock);
    return news;
}

void gh_db_alarms_raised(const struct gh_db *db, uint64_t out[GH_ALARM_END])
{
    pthread_mutex_lock(&db->shared->lock);
    memcpy(out, db->shared->tidings.raised, sizeof(db->shared->tidings.raised));
    pthread_mutex_unlock(&db->shared->lock);
}

static void tell_generation(const struct gh_db *db)
{
    unsigned long long made = (unsigned long long)db->making.number;
    unsigned long long known = atomic_load(&db->shared->generation);
    while (made > known && !atomic_compare_exchange_weak(&db->shared->generation, &known, made))
        ;
}

enum gh_status gh_sql_end(struct gh_db *db, enum gh_status status)
{
    if (status == GH_OK)
        status = gh_sql_finish_generation(db);
    if (status == GH_OK)
        status = gh_sql_run(db, NULL, "COMMIT", "");
    if (status == GH_OK) {
        tell_generation(db);
        tell_tidings(db);
        yield(db);
    }
    memset(&db->making, 0, sizeof(db->making));
    memset(&db->tidings, 0, sizeof(db->tidings));
    /* Some errors have rolled back already. */
    if (status != GH_OK && sqlite3_get_autocommit(db->handle) == 0) {
        enum gh_status undone = gh_sql_run(db, NULL, "ROLLBACK", "");
        (void)undone; /* the first error is the one to tell */
    }
    return status;
}

uint64_t gh_db_generation(const struct gh_db *db)
{
    return atomic_load(&db->shared->generation);
}

enum gh_status gh_db_probe(struct gh_db *db)
{
    enum gh_status status = gh_sql_begin(db);
    if (status == GH_OK)
        status = gh_sql_run(db, NULL, "UPDATE meta SET probes = probes + 1", "");
    return gh_sql_end(db, status);
}

/* --- opening --- */

static void release(struct gh_sql_shared *shared)
{
    if (atomic_fetch_sub(&shared->connections, 1) > 1)
        return;
    pthread_mutex_destroy(&shared->lock);
    free(shared->path);
    free(shared);
}

static enum gh_status configure(struct gh_db *db, int cache_kib)
{
    static const char *const pragmas[] = {
        "PRAGMA journal_mode = WAL",
        "PRAGMA synchronous = FULL",
        "PRAGMA foreign_keys = ON",
        "PRAGMA trusted_schema = OFF",
        "PRAGMA journal_size_limit = 67108864",
        "PRAGMA secure_delete = ON",
    };
    char cache[48];
    sqlite3_extended_result_codes(db->handle, 1);
    sqlite3_busy_handler(db->handle, on_busy, db);
    sqlite3_db_config(db->handle, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    snprintf(cache, sizeof(cache), "PRAGMA cache_size = -%d", cache_kib);
    int result = sqlite3_exec(db->handle, cache, NULL, NULL, NULL);
    for (size_t i = 0; result == SQLITE_OK && i < GH_ARRAY_SIZE(pragmas); i++)
        result = sqlite3_exec(db->handle, pragmas[i], NULL, NULL, NULL);
    stop_waiting(db);
    return gh_sql_status(db, result);
}

/* shared: one more user of it; given back also on error. */
static enum gh_status open_one(struct gh_sql_shared *shared, bool yields, int cache_kib,
                               struct gh_db **out)
{
    *out = NULL;
    struct gh_db *db = calloc(1, sizeof(*db));
    if (db == NULL) {
        release(shared);
        return GH_ERR_NOMEM;
    }
    db->shared = shared;
    db->yields = yields;
    int result =
        sqlite3_open_v2(shared->path, &db->handle,
                        SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, NULL);
    enum gh_status status = db->handle == NULL ? GH_ERR_NOMEM : gh_sql_status(db, result);
    if (status == GH_OK)
        status = configure(db, cache_kib);
    if (status != GH_OK) {
        gh_db_close(db);
        return status;
    }
    *out = db;
    return GH_OK;
}

static enum gh_status share(const char *path, struct gh_sql_shared **out)
{
    struct gh_sql_shared *shared = calloc(1, sizeof(*shared));
    if (shared != NULL)
        shared->path = strdup(path);
    if (shared == NULL || shared->path == NULL) {
        free(shared);
        return GH_ERR_NOMEM;
    }
    atomic_init(&shared->connections, 1);
    pthread_mutex_init(&shared->lock, NULL);
    *out = shared;
    return GH_OK;
}

enum gh_status gh_db_open(const char *path, struct gh_db **out, struct gh_error *err)
{
    struct gh_sql_shared *shared = NULL;
    struct gh_db *db = NULL;
    int64_t generation = 0;
    *out = NULL;
    /* SQLite would make it readable to all; its WAL takes over the mode. */
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    gh_cleanup_fd(&fd);
    enum gh_status status = share(path, &shared);
    if (status == GH_OK)
        status = open_one(shared, false, CACHE_KIB, &db);
    if (status == GH_OK)
        status = gh_sql_migrate(db, err);
    if (status == GH_OK)
        status = gh_sql_number(db, &generation, "SELECT generation FROM meta", "");
    if (status == GH_OK)
        status = gh_sql_begin_news(db);
    if (status != GH_OK) {
        gh_db_close(db);
        return gh_fail(err, status, "the database %.150s: %s", path, gh_status_text(status));
    }
    atomic_store(&shared->generation, (unsigned long long)generation);
    *out = db;
    return GH_OK;
}

enum gh_status gh_db_open_beside(const struct gh_db *db, bool yields, struct gh_db **out,
                                 struct gh_error *err)
{
    atomic_fetch_add(&db->shared->connections, 1);
    enum gh_status status = open_one(db->shared, yields, CACHE_BESIDE_KIB, out);
    return status == GH_OK ? GH_OK
                           : gh_fail(err, status, "the database cannot be opened once more: %s",
                                     gh_status_text(status));
}

void gh_db_close(struct gh_db *db)
{
    if (db == NULL)
        return;
    for (size_t i = 0; i < db->cached; i++)
        sqlite3_finalize(db->cache[i].statement);
    sqlite3_close(db->handle);
    release(db->shared);
    free(db);
}
