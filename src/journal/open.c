/* SPDX-License-Identifier: Apache-2.0 */
/* Opening the journal: the writer's lock, the file, its settings. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/sqlite.h"
#include "gatehouse/file.h"
#include "journal/store.h"

#define APPLICATION_ID 0x47484a31 /* "GHJ1" */
#define SCHEMA_VERSION 1

static const char *const queries[GH_JOURNAL_QUERIES] = {
    [GH_JOURNAL_APPEND] = ("INSERT INTO entry(sequence, body, hash, " GH_JOURNAL_TRUSTED_COLUMN ")"
                           " VALUES (?1, ?2, ?3, ?4)"),
    [GH_JOURNAL_HEAD] = "SELECT sequence, body, hash FROM entry ORDER BY sequence DESC LIMIT 2",
    [GH_JOURNAL_READ] = ("SELECT sequence, body, hash FROM entry WHERE sequence > ?1"
                         " AND NOT " GH_JOURNAL_BLANK " ORDER BY sequence LIMIT ?2"),
};

/* --- SQLite's errors -------------------------------------------------------------------------- */

static enum gh_status status_of_errno(int err)
{
    enum gh_status status = gh_status_from_errno(err);
    return status == GH_OK ? GH_ERR_IO : status == GH_ERR_DENIED ? GH_ERR_READONLY : status;
}

enum gh_status gh_journal_status(struct gh_journal *journal, int result)
{
    enum gh_status status = gh_sqlite_status(journal->db, result);
    switch (status) {
    case GH_ERR_END:
        return GH_OK;
    case GH_ERR_EXISTS: /* the sequence number is there: somebody else wrote it */
        return GH_ERR_BUSY;
    case GH_ERR_DENIED:
        return GH_ERR_READONLY;
    default:
        return status;
    }
}

enum gh_status gh_journal_fail(struct gh_journal *journal, int result, const char *what,
                               struct gh_error *err)
{
    enum gh_status status = gh_journal_status(journal, result);
    bool plain = status == GH_ERR_NOSPACE || status == GH_ERR_READONLY || status == GH_ERR_NOTFOUND;
    return gh_fail(err, status, "cannot %s the journal: %s", what,
                   plain ? gh_status_text(status) : sqlite3_errstr(result));
}

/* --- opening ---------------------------------------------------------------------------------- */

static enum gh_status fail_file(const char *what, const char *path, struct gh_error *err)
{
    return gh_fail(err, status_of_errno(errno), "cannot %s %s: %m", what, path);
}

/* A file of its own: closing any descriptor of the database itself would drop the locks that SQLite
 * holds on it (POSIX locks belong to the process). It stays behind, empty. */
static enum gh_status lock_writer(struct gh_journal *journal, const char *path,
                                  struct gh_error *err)
{
    char name[PATH_MAX];
    if (snprintf(name, sizeof(name), "%s.lock", path) >= (int)sizeof(name)) {
        return gh_fail(err, GH_ERR_INVALID, "the journal's path is too long");
    }
    journal->lock = open(name, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (journal->lock < 0) {
        return fail_file("open", name, err);
    }
    if (flock(journal->lock, LOCK_EX | LOCK_NB) != 0) {
        if (errno == EWOULDBLOCK) {
            return gh_fail(err, GH_ERR_BUSY, "another process has the journal %s open for writing",
                           path);
        }
        return fail_file("lock", name, err);
    }
    return GH_OK;
}

static bool sync_file_and_folder(int fd, const char *path)
{
    char folder[PATH_MAX];
    const char *slash = strrchr(path, '/');
    (void)snprintf(folder, sizeof(folder), "%.*s", slash == NULL ? 1 : (int)(slash - path) + 1,
                   slash == NULL ? "." : path);
    int folder_fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    /* EINVAL: a file system that has nothing to sync for a folder. */
    bool good = folder_fd >= 0 && fsync(fd) == 0 && (fsync(folder_fd) == 0 || errno == EINVAL);
    gh_cleanup_fd(&folder_fd);
    return good;
}

/* A new journal is private from the start, and its name is durable before an entry is. Only the
 * creator's descriptor is closed here (see above): nobody can have the file open yet. */
static enum gh_status create_file(const char *path, struct gh_error *err)
{
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0) {
        return errno == EEXIST ? GH_OK : fail_file("create", path, err);
    }
    bool good = sync_file_and_folder(fd, path);
    gh_cleanup_fd(&fd);
    return good ? GH_OK : fail_file("create", path, err);
}

static enum gh_status connect_to(struct gh_journal *journal, const char *name, int flags,
                                 struct gh_error *err)
{
    sqlite3_close(journal->db);
    journal->db = NULL;
    int result = sqlite3_open_v2(name, &journal->db, flags | SQLITE_OPEN_NOMUTEX, NULL);
    if (result == SQLITE_OK) {
        sqlite3_extended_result_codes(journal->db, 1);
        sqlite3_db_config(journal->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
        sqlite3_db_config(journal->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
        result = sqlite3_busy_timeout(journal->db, GH_JOURNAL_BUSY_MS);
    }
    return result == SQLITE_OK ? GH_OK : gh_journal_fail(journal, result, "open", err);
}

enum gh_status gh_journal_integer(struct gh_journal *journal, const char *sql, int64_t *value,
                                  struct gh_error *err)
{
    sqlite3_stmt *statement = NULL;
    int result = sqlite3_prepare_v2(journal->db, sql, -1, &statement, NULL);
    if (result == SQLITE_OK) {
        result = sqlite3_step(statement);
        *value = result == SQLITE_ROW ? sqlite3_column_int64(statement, 0) : 0;
    }
    sqlite3_finalize(statement);
    return result == SQLITE_ROW ? GH_OK : gh_journal_fail(journal, result, "read", err);
}

/* Both marks 0: an empty file. */
static enum gh_status read_marks(struct gh_journal *journal, bool *fresh, struct gh_error *err)
{
    int64_t application = 0, version = 0, tables = 0;
    enum gh_status status = gh_journal_integer(journal, "PRAGMA application_id", &application, err);
    if (status == GH_OK) {
        status = gh_journal_integer(journal, "PRAGMA user_version", &version, err);
    }
    if (status == GH_OK) {
        status = gh_journal_integer(journal, "SELECT count(*) FROM sqlite_schema", &tables, err);
    }
    if (status != GH_OK) {
        return status;
    }
    *fresh = application == 0 && version == 0 && tables == 0;
    if (!*fresh && (application != APPLICATION_ID || version != SCHEMA_VERSION)) {
        return gh_fail(err, GH_ERR_CORRUPT, "the file is not a journal of this version");
    }
    return GH_OK;
}

enum gh_status gh_journal_execute(struct gh_journal *journal, const char *sql, const char *what,
                                  struct gh_error *err)
{
    int result = sqlite3_exec(journal->db, sql, NULL, NULL, NULL);
    if (result == SQLITE_OK) {
        return GH_OK;
    }
    enum gh_status status = gh_journal_fail(journal, result, what, err);
    if (sqlite3_get_autocommit(journal->db) == 0) {
        sqlite3_exec(journal->db, "ROLLBACK", NULL, NULL, NULL);
    }
    return status;
}

static enum gh_status require_wal(struct gh_journal *journal, struct gh_error *err)
{
    sqlite3_stmt *statement = NULL;
    int result = sqlite3_prepare_v2(journal->db, "PRAGMA journal_mode = WAL", -1, &statement, NULL);
    bool wal = false;
    if (result == SQLITE_OK) {
        result = sqlite3_step(statement);
        wal = result == SQLITE_ROW &&
              strcmp((const char *)sqlite3_column_text(statement, 0), "wal") == 0;
    }
    sqlite3_finalize(statement);
    if (result != SQLITE_ROW) {
        return gh_journal_fail(journal, result, "open", err);
    }
    return wal ? GH_OK
               : gh_fail(err, GH_ERR_UNSUPPORTED, "this file system cannot hold the journal's WAL");
}

/* Readers do without the column. */
static enum gh_status look_for_column(struct gh_journal *journal, struct gh_error *err)
{
    int64_t columns = 0;
    enum gh_status status = gh_journal_integer(journal,
                                               "SELECT count(*) FROM pragma_table_info('entry')"
                                               " WHERE name = '" GH_JOURNAL_TRUSTED_COLUMN "'",
                                               &columns, err);
    journal->has_trusted = columns != 0;
    return status;
}

/* No row is touched for it, however many there are. */
static enum gh_status add_column(struct gh_journal *journal, struct gh_error *err)
{
    enum gh_status status = look_for_column(journal, err);
    if (status == GH_OK && !journal->has_trusted) {
        status = gh_journal_execute(
            journal, "ALTER TABLE entry ADD COLUMN " GH_JOURNAL_TRUSTED_COLUMN " INTEGER", "open",
            err);
        journal->has_trusted = status == GH_OK;
    }
    return status;
}

/* A checkpoint is two fsyncs and some hundred sequential pages. It comes a while before the WAL has
 * its size, to which it is cut back after a long reader made it grow: what is cut off has to grow
 * again. SQLite counts pages, which are larger in the journals of earlier versions. */
static enum gh_status set_checkpoints(struct gh_journal *journal, struct gh_error *err)
{
    char sql[128];
    int64_t page_bytes = 0;
    enum gh_status status = gh_journal_integer(journal, "PRAGMA page_size", &page_bytes, err);
    if (status != GH_OK) {
        return status;
    }
    (void)snprintf(sql, sizeof(sql),
                   "PRAGMA wal_autocheckpoint = %" PRId64 "; PRAGMA journal_size_limit = %d",
                   page_bytes > 0 ? (int64_t)GH_JOURNAL_WAL_BYTES / 8 * 7 / page_bytes : 1,
                   GH_JOURNAL_WAL_BYTES);
    return gh_journal_execute(journal, sql, "open", err);
}

/* An append rewrites the last page, of which the smallest is the least to write for one entry: some
 * 1 KiB in place of 4 on a card that lasts for so many. */
static enum gh_status set_up_writer(struct gh_journal *journal, struct gh_error *err)
{
    bool fresh;
    enum gh_status status = read_marks(journal, &fresh, err);
    if (status == GH_OK && fresh) {
        status = gh_journal_execute(journal, "PRAGMA page_size = 1024", "open", err);
    }
    if (status == GH_OK) {
        status = require_wal(journal, err);
    }
    if (status == GH_OK) {
        status = gh_journal_execute(
            journal,
            "PRAGMA synchronous = FULL; PRAGMA secure_delete = ON;"
            /* What a statement over many rows notes to undo itself is no file. */
            "PRAGMA temp_store = MEMORY;",
            "open", err);
    }
    if (status == GH_OK) {
        status = set_checkpoints(journal, err);
    }
    if (status == GH_OK && fresh) {
        char sql[256];
        (void)snprintf(sql, sizeof(sql),
                       "BEGIN IMMEDIATE;"
                       "CREATE TABLE entry(sequence INTEGER PRIMARY KEY, body TEXT NOT NULL,"
                       " hash BLOB NOT NULL, " GH_JOURNAL_TRUSTED_COLUMN " INTEGER);"
                       "PRAGMA application_id = %d; PRAGMA user_version = %d; COMMIT;",
                       APPLICATION_ID, SCHEMA_VERSION);
        status = gh_journal_execute(journal, sql, "open", err);
    }
    return status == GH_OK ? add_column(journal, err) : status;
}

static enum gh_status prepare(struct gh_journal *journal, bool writer, struct gh_error *err)
{
    for (size_t i = writer ? GH_JOURNAL_APPEND : GH_JOURNAL_HEAD; i < GH_JOURNAL_QUERIES; i++) {
        int result = sqlite3_prepare_v3(journal->db, queries[i], -1, SQLITE_PREPARE_PERSISTENT,
                                        &journal->query[i], NULL);
        if (result != SQLITE_OK) {
            return gh_journal_fail(journal, result, "open", err);
        }
    }
    return GH_OK;
}

static struct gh_journal *journal_new(void)
{
    struct gh_journal *journal = calloc(1, sizeof(*journal));
    if (journal != NULL) {
        journal->lock = -1;
    }
    return journal;
}

static enum gh_status open_writer(struct gh_journal *journal, const char *path,
                                  struct gh_error *err)
{
    enum gh_status status = lock_writer(journal, path, err);
    if (status == GH_OK) {
        status = create_file(path, err);
    }
    if (status == GH_OK) {
        status = connect_to(journal, path, SQLITE_OPEN_READWRITE, err);
    }
    if (status == GH_OK) {
        status = set_up_writer(journal, err);
    }
    if (status == GH_OK) {
        status = prepare(journal, true, err);
    }
    if (status == GH_OK) {
        status = gh_journal_stored_head(journal, &journal->head);
        if (status == GH_OK) {
            status = gh_journal_find_trusted(journal, &journal->trusted);
        }
        journal->text_left = true; /* who was here before may have been killed */
        if (status != GH_OK) {
            return gh_fail(err, status, "the last entry of the journal cannot be read: %s",
                           gh_status_text(status));
        }
    }
    return status;
}

enum gh_status gh_journal_open(const char *path, struct gh_journal **out, struct gh_error *err)
{
    *out = NULL;
    struct gh_journal *journal = journal_new();
    if (journal == NULL) {
        return gh_fail(err, GH_ERR_NOMEM, "no memory for the journal");
    }
    enum gh_status status = open_writer(journal, path, err);
    if (status == GH_OK) {
        *out = journal;
    } else {
        gh_journal_close(journal);
    }
    return status;
}

/* A copy on a medium that cannot be written, without a WAL beside it, still can be read. */
static enum gh_status connect_immutable(struct gh_journal *journal, const char *path,
                                        struct gh_error *err)
{
    char wal[PATH_MAX], uri[3 * PATH_MAX + 32];
    if (snprintf(wal, sizeof(wal), "%s-wal", path) >= (int)sizeof(wal) || access(wal, F_OK) == 0) {
        return gh_fail(err, GH_ERR_READONLY,
                       "the journal %s can only be read where its folder "
                       "can be written",
                       path);
    }
    char *end = stpcpy(uri, path[0] == '/' ? "file://" : "file:");
    for (const char *at = path; *at != '\0'; at++) {
        /* Everything but the separator escaped: correct, if not pretty. */
        end += *at == '/' ? sprintf(end, "/") : sprintf(end, "%%%02X", (unsigned char)*at);
    }
    stpcpy(end, "?immutable=1");
    return connect_to(journal, uri, SQLITE_OPEN_READONLY | SQLITE_OPEN_URI, err);
}

static enum gh_status open_reader(struct gh_journal *journal, const char *path,
                                  struct gh_error *err)
{
    bool fresh;
    if (access(path, R_OK) != 0) {
        return gh_fail(err, gh_status_from_errno(errno), "cannot open %s: %m", path);
    }
    enum gh_status status = connect_to(journal, path, SQLITE_OPEN_READONLY, err);
    if (status != GH_OK) {
        return status;
    }
    /* The first look inside is what needs the WAL's index. */
    status = read_marks(journal, &fresh, NULL);
    if (status == GH_ERR_READONLY || status == GH_ERR_NOTFOUND) {
        status = connect_immutable(journal, path, err);
        if (status == GH_OK) {
            status = read_marks(journal, &fresh, err);
        }
    } else {
        status = read_marks(journal, &fresh, err);
    }
    if (status == GH_OK && fresh) {
        return gh_fail(err, GH_ERR_CORRUPT, "%s is not a journal", path);
    }
    if (status == GH_OK) {
        status = look_for_column(journal, err);
    }
    return status == GH_OK ? prepare(journal, false, err) : status;
}

enum gh_status gh_journal_open_reader(const char *path, struct gh_journal **out,
                                      struct gh_error *err)
{
    *out = NULL;
    struct gh_journal *journal = journal_new();
    if (journal == NULL) {
        return gh_fail(err, GH_ERR_NOMEM, "no memory for the journal");
    }
    enum gh_status status = open_reader(journal, path, err);
    if (status == GH_OK) {
        *out = journal;
    } else {
        gh_journal_close(journal);
    }
    return status;
}

void gh_journal_close(struct gh_journal *journal)
{
    if (journal == NULL) {
        return;
    }
    for (size_t i = 0; i < GH_JOURNAL_QUERIES; i++) {
        sqlite3_finalize(journal->query[i]);
    }
    sqlite3_close(journal->db);
    gh_cleanup_fd(&journal->lock); /* last: until here nobody else may write */
    free(journal);
}
