/* SPDX-License-Identifier: Apache-2.0 */
/* Building a new list file, whole, beside the old one. See database.h. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "gatehouse/file.h"
#include "gatehouse/list.h"
#include "list/database.h"
#include "list/keys.h"
#include "list/snapshot.h"

/* Durability is gh_file_commit's: until then the file is nobody's, and a broken one is thrown away.
 * So SQLite neither journals nor syncs. Members are sorted by home but kept by subject: the larger
 * page cache keeps that from wandering through the file. */
static const char schema[] =
    "PRAGMA journal_mode = OFF;"
    "PRAGMA synchronous = OFF;"
    "PRAGMA locking_mode = EXCLUSIVE;"
    "PRAGMA temp_store = MEMORY;"
    "PRAGMA cache_size = -8192;"
    "BEGIN;"
    "CREATE TABLE manifest(one INTEGER PRIMARY KEY CHECK (one = 1), bytes BLOB NOT NULL);"
    "CREATE TABLE subject(id INTEGER PRIMARY KEY, colour INTEGER NOT NULL);"
    "CREATE TABLE home(id INTEGER PRIMARY KEY);"
    "CREATE TABLE member(subject INTEGER NOT NULL, home INTEGER NOT NULL,"
    " PRIMARY KEY (subject, home)) WITHOUT ROWID;"
    "CREATE TABLE revoked(id INTEGER PRIMARY KEY);"
    "CREATE TABLE recalled(subject INTEGER PRIMARY KEY, before_s INTEGER NOT NULL);"
    "CREATE TABLE revoked_hash(hash BLOB PRIMARY KEY, before_s INTEGER NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE holder(id INTEGER PRIMARY KEY, subject INTEGER NOT NULL);"
    "CREATE TABLE issuer_key(number INTEGER PRIMARY KEY, record BLOB NOT NULL);";

static const char *const inserts[] = {
    [GH_RECORD_SUBJECT] = "INSERT INTO subject(id, colour) VALUES (?1, ?2)",
    [GH_RECORD_HOME] = "INSERT INTO home(id) VALUES (?1)",
    [GH_RECORD_MEMBER] = "INSERT INTO member(home, subject) VALUES (?1, ?2)",
    [GH_RECORD_REVOKED] = "INSERT INTO revoked(id) VALUES (?1)",
    [GH_RECORD_RECALLED] = "INSERT INTO recalled(subject, before_s) VALUES (?1, ?2)",
    [GH_RECORD_HASH] = "INSERT INTO revoked_hash(hash, before_s) VALUES (?1, ?2)",
    [GH_RECORD_HOLDER] = "INSERT INTO holder(id, subject) VALUES (?1, ?2)",
    [GH_RECORD_KEY] = "INSERT INTO issuer_key(record) VALUES (?1)",
};

struct builder {
    sqlite3 *db;
    sqlite3_stmt *insert[GH_ARRAY_SIZE(inserts)];
    struct gh_list_keys keys;
    const char *path;
    struct gh_error *err;
};

static enum gh_status fail_building(struct builder *builder, int result)
{
    enum gh_status status = gh_list_sqlite_status(builder->db, result, true);
    if (status == GH_ERR_CORRUPT) { /* of a file that was empty a moment ago */
        status = GH_ERR_IO;
    }
    return gh_fail(builder->err, status, "cannot build the list %s: %s", builder->path,
                   status == GH_ERR_NOSPACE || status == GH_ERR_READONLY ? gh_status_text(status)
                                                                         : sqlite3_errstr(result));
}

static enum gh_status execute(struct builder *builder, const char *sql)
{
    int result = sqlite3_exec(builder->db, sql, NULL, NULL, NULL);
    return result == SQLITE_OK ? GH_OK : fail_building(builder, result);
}

static enum gh_status open_database(struct builder *builder, const char *temporary)
{
    int result =
        sqlite3_open_v2(temporary, &builder->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);
    if (result != SQLITE_OK) {
        return fail_building(builder, result);
    }
    sqlite3_extended_result_codes(builder->db, 1);
    enum gh_status status = execute(builder, schema);
    for (size_t i = 0; i < GH_ARRAY_SIZE(inserts) && status == GH_OK; i++) {
        if (inserts[i] == NULL) {
            continue;
        }
        result = sqlite3_prepare_v2(builder->db, inserts[i], -1, &builder->insert[i], NULL);
        status = result == SQLITE_OK ? GH_OK : fail_building(builder, result);
    }
    return status;
}

static enum gh_status insert_manifest(struct builder *builder, struct gh_bytes manifest)
{
    sqlite3_stmt *statement = NULL;
    int result = sqlite3_prepare_v2(builder->db, "INSERT INTO manifest(one, bytes) VALUES (1, ?1)",
                                    -1, &statement, NULL);
    if (result == SQLITE_OK) {
        result = sqlite3_bind_blob(statement, 1, manifest.data, (int)manifest.size, SQLITE_STATIC);
    }
    if (result == SQLITE_OK) {
        result = sqlite3_step(statement);
    }
    enum gh_status status = result == SQLITE_DONE ? GH_OK : fail_building(builder, result);
    sqlite3_finalize(statement);
    return status;
}

static int bind_bytes(sqlite3_stmt *statement, struct gh_bytes bytes)
{
    return sqlite3_bind_blob(statement, 1, bytes.data, (int)bytes.size, SQLITE_STATIC);
}

/* Identifiers are the signed numbers of the same bits. A key is kept as its record, and read again
 * by the same rules. */
static int bind_record(sqlite3_stmt *statement, const struct gh_record *record)
{
    if (record->kind == GH_RECORD_KEY) {
        return bind_bytes(statement, record->item);
    }
    bool has_time = record->kind == GH_RECORD_RECALLED || record->kind == GH_RECORD_HASH;
    int result = record->kind == GH_RECORD_HASH
                     ? bind_bytes(statement, record->hash)
                     : sqlite3_bind_int64(statement, 1, (sqlite3_int64)record->id);
    if (result == SQLITE_OK && sqlite3_bind_parameter_count(statement) > 1) {
        result = sqlite3_bind_int64(statement, 2,
                                    has_time ? record->before_s : (sqlite3_int64)record->second);
    }
    return result;
}

static enum gh_status insert_record(struct builder *builder, const struct gh_record *record)
{
    sqlite3_stmt *statement = builder->insert[record->kind];
    int result = bind_record(statement, record);
    if (result == SQLITE_OK) {
        result = sqlite3_step(statement);
    }
    if (result != SQLITE_DONE) {
        return fail_building(builder, result);
    }
    sqlite3_reset(statement);
    return record->kind == GH_RECORD_KEY ? gh_list_keys_add(&builder->keys, record, builder->err)
                                         : GH_OK;
}

static enum gh_status insert_records(struct builder *builder, struct gh_bytes snapshot)
{
    struct gh_snapshot_reader reader = gh_snapshot_reader_over(snapshot);
    struct gh_record record;
    enum gh_status status;
    while ((status = gh_snapshot_next(&reader, &record, builder->err)) == GH_OK) {
        status = insert_record(builder, &record);
        if (status != GH_OK) {
            return status;
        }
    }
    return status == GH_ERR_END ? GH_OK : status;
}

/* A list whose keys make no trust would shut everybody out. */
static enum gh_status try_keys(struct builder *builder, const struct gh_manifest *manifest)
{
    struct gh_trust *trust = NULL;
    enum gh_status status = gh_list_keys_trust(&builder->keys, manifest, &trust, builder->err);
    gh_trust_unref(trust);
    return status;
}

/* The marks come last: a file without them is no list. */
static enum gh_status finish(struct builder *builder)
{
    char sql[128];
    (void)snprintf(sql, sizeof(sql),
                   "PRAGMA application_id = %d; PRAGMA user_version = %d; COMMIT;",
                   GH_LIST_APPLICATION_ID, GH_LIST_SCHEMA_VERSION);
    return execute(builder, sql);
}

/* What is built: a manifest, read and as received, and its snapshot. */
struct offer {
    const struct gh_manifest *manifest;
    struct gh_bytes bytes, snapshot;
};

static enum gh_status fill(const char *path, const char *temporary, const struct offer *offer,
                           struct gh_error *err)
{
    struct builder builder = {.path = path, .err = err};
    enum gh_status status = open_database(&builder, temporary);
    if (status == GH_OK) {
        status = insert_manifest(&builder, offer->bytes);
    }
    if (status == GH_OK) {
        status = gh_list_keys_add_manifest(&builder.keys, offer->manifest, err);
    }
    if (status == GH_OK) {
        status = insert_records(&builder, offer->snapshot);
    }
    if (status == GH_OK) {
        status = try_keys(&builder, offer->manifest);
    }
    if (status == GH_OK) {
        status = finish(&builder);
    }
    gh_list_keys_free(&builder.keys);
    for (size_t i = 0; i < GH_ARRAY_SIZE(inserts); i++) {
        sqlite3_finalize(builder.insert[i]);
    }
    int result = sqlite3_close(builder.db);
    if (status == GH_OK && result != SQLITE_OK) {
        status = gh_fail(err, GH_ERR_IO, "cannot close the new list %s", path);
    }
    return status;
}

/* --- the temporary file ----------------------------------------------------------------------- */

static enum gh_status fail_temporary(const char *temporary, struct gh_error *err)
{
    enum gh_status status = gh_status_from_errno(errno);
    return gh_fail(err, status == GH_ERR_DENIED ? GH_ERR_READONLY : status, "cannot write %s: %m",
                   temporary);
}

/* An empty file of ours alone, whatever lay there: a killed builder's, or something else (which is
 * never written through). The lock keeps a second builder off while SQLite writes by name. *fd is
 * the caller's to close, also after an error. */
static enum gh_status open_temporary(const char *temporary, int *fd, struct gh_error *err)
{
    for (int attempt = 0; attempt < 10; attempt++) {
        struct stat by_fd, by_name;
        gh_cleanup_fd(fd);
        *fd = open(temporary, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600);
        if (*fd < 0 && errno != ELOOP && errno != ENXIO && errno != EACCES) {
            return fail_temporary(temporary, err);
        }
        if (*fd < 0 || fstat(*fd, &by_fd) != 0 || !S_ISREG(by_fd.st_mode) || by_fd.st_nlink > 1) {
            int open_errno = *fd < 0 ? errno : EEXIST;
            if (unlink(temporary) != 0) {
                errno = open_errno;
                return fail_temporary(temporary, err);
            }
            continue;
        }
        if (flock(*fd, LOCK_EX | LOCK_NB) != 0) {
            return gh_fail(err, errno == EWOULDBLOCK ? GH_ERR_BUSY : GH_ERR_IO,
                           "cannot lock %s: %m", temporary);
        }
        if (lstat(temporary, &by_name) != 0 || by_name.st_dev != by_fd.st_dev ||
            by_name.st_ino != by_fd.st_ino) {
            continue; /* another builder has just renamed it: it is the live list now */
        }
        if (fchmod(*fd, 0600) != 0 || ftruncate(*fd, 0) != 0) {
            return fail_temporary(temporary, err);
        }
        return GH_OK;
    }
    return gh_fail(err, GH_ERR_BUSY, "somebody else is writing %s", temporary);
}

static enum gh_status build_file(const char *path, const struct offer *offer, struct gh_error *err)
{
    char temporary[PATH_MAX];
    enum gh_status status = gh_list_path(path, GH_LIST_TEMPORARY_SUFFIX, temporary, err);
    if (status != GH_OK) {
        return status;
    }
    GH_CLEANUP_FD int lock = -1;
    status = open_temporary(temporary, &lock, err);
    if (status != GH_OK) {
        return status;
    }
    status = fill(path, temporary, offer, err);
    if (status == GH_OK) {
        status = gh_file_commit(temporary, path, err);
    }
    struct stat by_fd, by_name;
    if (status != GH_OK && fstat(lock, &by_fd) == 0 && lstat(temporary, &by_name) == 0 &&
        by_fd.st_ino == by_name.st_ino && by_fd.st_dev == by_name.st_dev) {
        unlink(temporary);
    }
    return status;
}

/* --- what may replace what -------------------------------------------------------------------- */

static enum gh_status check_snapshot(const struct gh_manifest *manifest, struct gh_bytes snapshot,
                                     struct gh_error *err)
{
    uint8_t hash[GH_SHA256_BYTES];
    if (snapshot.size != manifest->snapshot_bytes) {
        return gh_fail(err, GH_ERR_CORRUPT,
                       "the snapshot has %zu bytes, not the manifest's %" PRIu64, snapshot.size,
                       manifest->snapshot_bytes);
    }
    gh_sha256(snapshot, hash);
    if (memcmp(hash, manifest->snapshot_sha256, sizeof(hash)) != 0) {
        return gh_fail(err, GH_ERR_CORRUPT, "the snapshot is not the one that the manifest names");
    }
    return GH_OK;
}

static enum gh_status check_not_older(const struct gh_manifest *newer,
                                      const struct gh_manifest *current, struct gh_error *err)
{
    if (newer->generation < current->generation) {
        return gh_fail(err, GH_ERR_ROLLBACK,
                       "generation %" PRIu64 " is older than the %" PRIu64 " that is here",
                       newer->generation, current->generation);
    }
    /* Within a generation only, so that one signed while the server's clock was ahead shuts out
     * none that follow. */
    if (newer->generation == current->generation && newer->issued_at_s < current->issued_at_s) {
        return gh_fail(err, GH_ERR_ROLLBACK, "the manifest was issued before the one that is here");
    }
    return GH_OK;
}

static enum gh_status build(const char *path, const struct gh_public_key *list_key,
                            const struct offer *offer, struct gh_error *err)
{
    enum gh_status status = check_snapshot(offer->manifest, offer->snapshot, err);
    if (status != GH_OK) {
        return status;
    }
    /* A list that cannot be read, or is of another key, is nothing to hold on to. */
    struct gh_list *current = NULL;
    if (gh_list_open(path, list_key, &current, NULL) == GH_OK) {
        status = check_not_older(offer->manifest, gh_list_manifest(current), err);
        gh_list_close(current);
    }
    if (status == GH_OK) {
        status = build_file(path, offer, err);
    }
    char beside[PATH_MAX];
    if (status == GH_OK && gh_list_path(path, GH_LIST_MANIFEST_SUFFIX, beside, NULL) == GH_OK) {
        unlink(beside); /* of the list before; would be passed over anyway */
    }
    return status;
}

/* A manifest is too large for the stack beside what else is there. NULL on error, with *status. */
static struct gh_manifest *read_new(const struct gh_public_key *list_key, struct gh_bytes bytes,
                                    enum gh_status *status, struct gh_error *err)
{
    struct gh_manifest *manifest = malloc(sizeof(*manifest));
    *status = manifest != NULL ? gh_manifest_read(list_key, bytes, manifest, err)
                               : gh_fail(err, GH_ERR_NOMEM, "no memory for the list's manifest");
    if (*status != GH_OK) {
        free(manifest);
        return NULL;
    }
    return manifest;
}

enum gh_status gh_list_build(const char *path, const struct gh_public_key *list_key,
                             struct gh_bytes manifest, struct gh_bytes snapshot,
                             struct gh_error *err)
{
    enum gh_status status;
    GH_CLEANUP_FREE struct gh_manifest *newer = read_new(list_key, manifest, &status, err);
    if (newer == NULL) {
        return status;
    }
    struct offer offer = {.manifest = newer, .bytes = manifest, .snapshot = snapshot};
    return build(path, list_key, &offer, err);
}

static enum gh_status check_same_list(const struct gh_manifest *newer,
                                      const struct gh_manifest *current, struct gh_error *err)
{
    if (strcmp(newer->area, current->area) != 0 ||
        memcmp(newer->snapshot_sha256, current->snapshot_sha256, GH_SHA256_BYTES) != 0) {
        return gh_fail(err, GH_ERR_INVALID, "the manifest is of another list than the one here");
    }
    return GH_OK;
}

enum gh_status gh_list_refresh(const char *path, const struct gh_public_key *list_key,
                               struct gh_bytes manifest, struct gh_error *err)
{
    char beside[PATH_MAX];
    struct gh_list *current = NULL;
    enum gh_status status = gh_list_path(path, GH_LIST_MANIFEST_SUFFIX, beside, err);
    if (status != GH_OK) {
        return status;
    }
    GH_CLEANUP_FREE struct gh_manifest *newer = read_new(list_key, manifest, &status, err);
    if (newer == NULL) {
        return status;
    }
    status = gh_list_open(path, list_key, &current, err);
    if (status == GH_OK) {
        status = check_not_older(newer, gh_list_manifest(current), err);
    }
    if (status == GH_OK) {
        status = check_same_list(newer, gh_list_manifest(current), err);
    }
    if (status == GH_OK && !gh_bytes_equal(manifest, gh_list_manifest_bytes(current))) {
        status = gh_file_replace(beside, 0600, manifest.data, manifest.size, err);
    }
    gh_list_close(current);
    return status;
}
