/* SPDX-License-Identifier: Apache-2.0 */
#include "list/store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "list/manifest.h"

const char gh_list_tables[] =
    "CREATE TABLE meta(one INTEGER PRIMARY KEY CHECK (one = 1), generation INTEGER NOT NULL,"
    " tag BLOB NOT NULL, homes INTEGER NOT NULL, subjects INTEGER NOT NULL,"
    " members INTEGER NOT NULL, revoked INTEGER NOT NULL, recalled INTEGER NOT NULL,"
    " hashes INTEGER NOT NULL, holders INTEGER NOT NULL, issuer_keys INTEGER NOT NULL);"
    "CREATE TABLE manifest(one INTEGER PRIMARY KEY CHECK (one = 1), bytes BLOB NOT NULL);"
    "CREATE TABLE home(id INTEGER PRIMARY KEY);"
    "CREATE TABLE subject(id INTEGER PRIMARY KEY, state INTEGER NOT NULL, home INTEGER);"
    "CREATE TABLE further_home(subject INTEGER NOT NULL, home INTEGER NOT NULL,"
    " PRIMARY KEY (subject, home)) WITHOUT ROWID;"
    "CREATE TABLE revoked(id INTEGER PRIMARY KEY);"
    "CREATE TABLE recalled(subject INTEGER PRIMARY KEY, before_s INTEGER NOT NULL);"
    "CREATE TABLE revoked_hash(hash BLOB PRIMARY KEY, before_s INTEGER NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE holder(id INTEGER PRIMARY KEY, subject INTEGER NOT NULL);"
    "CREATE TABLE issuer_key(number INTEGER PRIMARY KEY, record BLOB NOT NULL);";

/* Durability is gh_file_commit's: until then the file is nobody's, and a broken one is thrown away.
 * Rows are appended, so that little of it is needed again. */
static const char when_building[] = "PRAGMA journal_mode = OFF;"
                                    "PRAGMA synchronous = OFF;"
                                    "PRAGMA locking_mode = EXCLUSIVE;"
                                    "PRAGMA temp_store = MEMORY;"
                                    "PRAGMA cache_size = -8192;"
                                    "BEGIN;";

/* The WAL is written back when it has 1 MiB, so that pages which each delta changes are written
 * back once for many; a large delta's is cut short afterwards. */
static const char when_changing[] = "PRAGMA synchronous = FULL;"
                                    "PRAGMA wal_autocheckpoint = 256;"
                                    "PRAGMA journal_size_limit = 4194304;"
                                    "PRAGMA temp_store = MEMORY;"
                                    "PRAGMA cache_size = -8192;"
                                    "BEGIN IMMEDIATE;";

static const char *const statements[GH_LIST_STATEMENTS] = {
    [GH_LIST_INSERT + GH_RECORD_HOME] = "INSERT INTO home(id) VALUES (?1)",
    [GH_LIST_INSERT + GH_RECORD_SUBJECT] =
        "INSERT INTO subject(id, state, home) VALUES (?1, ?2, ?3)",
    [GH_LIST_INSERT + GH_RECORD_REVOKED] = "INSERT INTO revoked(id) VALUES (?1)",
    [GH_LIST_INSERT + GH_RECORD_RECALLED] =
        "INSERT INTO recalled(subject, before_s) VALUES (?1, ?2)",
    [GH_LIST_INSERT + GH_RECORD_HASH] = "INSERT INTO revoked_hash(hash, before_s) VALUES (?1, ?2)",
    [GH_LIST_INSERT + GH_RECORD_HOLDER] = "INSERT INTO holder(id, subject) VALUES (?1, ?2)",
    [GH_LIST_INSERT + GH_RECORD_KEY] = "INSERT INTO issuer_key(record) VALUES (?1)",
    [GH_LIST_DELETE + GH_RECORD_HOME] = "DELETE FROM home WHERE id = ?1",
    [GH_LIST_DELETE + GH_RECORD_SUBJECT] = "DELETE FROM subject WHERE id = ?1",
    [GH_LIST_DELETE + GH_RECORD_REVOKED] = "DELETE FROM revoked WHERE id = ?1",
    [GH_LIST_DELETE + GH_RECORD_RECALLED] = "DELETE FROM recalled WHERE subject = ?1",
    [GH_LIST_DELETE + GH_RECORD_HASH] = "DELETE FROM revoked_hash WHERE hash = ?1",
    [GH_LIST_DELETE + GH_RECORD_HOLDER] = "DELETE FROM holder WHERE id = ?1",
    [GH_LIST_DELETE + GH_RECORD_KEY] = "DELETE FROM issuer_key",
    [GH_LIST_INSERT_FURTHER] = "INSERT INTO further_home(subject, home) VALUES (?1, ?2)",
    [GH_LIST_DELETE_FURTHER] = "DELETE FROM further_home WHERE subject = ?1",
    [GH_LIST_FIND_SUBJECT] = "SELECT state, home IS NOT NULL FROM subject WHERE id = ?1",
    [GH_LIST_FIND_HOME] = "SELECT 1 FROM home WHERE id = ?1",
};

/* --- what went wrong -------------------------------------------------------------------------- */

static enum gh_status fail_writing(struct gh_list_store *store, int result)
{
    enum gh_status status = gh_list_sqlite_status(store->db, result, true);
    if (store->created && status == GH_ERR_CORRUPT) { /* of a file that was empty a moment ago */
        status = GH_ERR_IO;
    }
    return gh_fail(store->err, status, "cannot write the list %s: %s", store->path,
                   status == GH_ERR_NOSPACE || status == GH_ERR_READONLY ? gh_status_text(status)
                                                                         : sqlite3_errstr(result));
}

/* --- beginning -------------------------------------------------------------------------------- */

static enum gh_status execute(struct gh_list_store *store, const char *sql)
{
    int result = sqlite3_exec(store->db, sql, NULL, NULL, NULL);
    return result == SQLITE_OK ? GH_OK : fail_writing(store, result);
}

enum gh_status gh_list_store_create(struct gh_list_store *store, const char *temporary)
{
    char marks[96];
    (void)snprintf(marks, sizeof(marks), "PRAGMA application_id = %d; PRAGMA user_version = %d",
                   GH_LIST_APPLICATION_ID, GH_LIST_SCHEMA_VERSION);
    store->path = temporary;
    store->created = true;
    int result =
        sqlite3_open_v2(temporary, &store->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);
    if (result != SQLITE_OK) {
        return fail_writing(store, result);
    }
    sqlite3_extended_result_codes(store->db, 1);
    enum gh_status status = execute(store, when_building);
    if (status == GH_OK) {
        status = execute(store, gh_list_tables);
    }
    if (status == GH_OK) {
        status = execute(store, "INSERT INTO meta VALUES (1, 0, x'', 0, 0, 0, 0, 0, 0, 0, 0)");
    }
    if (status == GH_OK) {
        status = execute(store, marks);
    }
    return status;
}

static enum gh_status read_totals(struct gh_list_store *store)
{
    sqlite3_stmt *statement = NULL;
    int result =
        sqlite3_prepare_v2(store->db,
                           "SELECT homes, subjects, members, revoked, recalled, hashes, holders,"
                           " issuer_keys FROM meta",
                           -1, &statement, NULL);
    if (result == SQLITE_OK) {
        result = sqlite3_step(statement);
    }
    for (int i = 0; i < GH_LIST_TOTALS && result == SQLITE_ROW; i++) {
        store->total[i] = sqlite3_column_int64(statement, i);
    }
    enum gh_status status = result == SQLITE_ROW ? GH_OK : fail_writing(store, result);
    sqlite3_finalize(statement);
    return status;
}

enum gh_status gh_list_store_open(struct gh_list_store *store, const char *path)
{
    store->path = path;
    enum gh_status status = gh_list_open_file(path, &store->db, store->err);
    if (status != GH_OK) {
        return status;
    }
    sqlite3_db_config(store->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    status = execute(store, when_changing);
    return status == GH_OK ? read_totals(store) : status;
}

/* --- rows ------------------------------------------------------------------------------------- */

static int prepare(struct gh_list_store *store, int which, sqlite3_stmt **out)
{
    int result = SQLITE_OK;
    if (store->statement[which] == NULL) {
        result = sqlite3_prepare_v3(store->db, statements[which], -1, SQLITE_PREPARE_PERSISTENT,
                                    &store->statement[which], NULL);
    }
    *out = store->statement[which];
    return result;
}

/* Steps a bound statement that gives at most one row, and resets it unless that is so. */
static enum gh_status step(struct gh_list_store *store, sqlite3_stmt *statement, int bound,
                           bool *found)
{
    int result = bound == SQLITE_OK ? sqlite3_step(statement) : bound;
    *found = result == SQLITE_ROW;
    if (result == SQLITE_ROW) {
        return GH_OK;
    }
    enum gh_status status = result == SQLITE_DONE ? GH_OK : fail_writing(store, result);
    sqlite3_reset(statement);
    return status;
}

static enum gh_status run(struct gh_list_store *store, sqlite3_stmt *statement, int bound)
{
    bool found;
    return step(store, statement, bound, &found);
}

/* What names the thing goes first, what is said of it second. */
static int bind_name(sqlite3_stmt *statement, const struct gh_record *record)
{
    switch (record->kind) {
    case GH_RECORD_HASH:
        return sqlite3_bind_blob(statement, 1, record->hash.data, (int)record->hash.size,
                                 SQLITE_STATIC);
    case GH_RECORD_KEY:
        return sqlite3_bind_blob(statement, 1, record->item.data, (int)record->item.size,
                                 SQLITE_STATIC);
    default:
        return sqlite3_bind_int64(statement, 1, gh_list_from_id(record->id));
    }
}

static int bind_rest(sqlite3_stmt *statement, const struct gh_record *record)
{
    switch (record->kind) {
    case GH_RECORD_SUBJECT: {
        int state = (int)record->colour | (record->home_count > 1 ? GH_LIST_MORE_HOMES : 0);
        int result = sqlite3_bind_int(statement, 2, state);
        if (result != SQLITE_OK) {
            return result;
        }
        return record->home_count == 0
                   ? sqlite3_bind_null(statement, 3)
                   : sqlite3_bind_int64(statement, 3, gh_list_from_id(record->homes[0]));
    }
    case GH_RECORD_RECALLED:
    case GH_RECORD_HASH:
        return sqlite3_bind_int64(statement, 2, record->before_s);
    case GH_RECORD_HOLDER:
        return sqlite3_bind_int64(statement, 2, gh_list_from_id(record->subject));
    default:
        return SQLITE_OK;
    }
}

static enum gh_list_total total_of(enum gh_record_kind kind)
{
    static const enum gh_list_total totals[GH_RECORD_KINDS] = {
        [GH_RECORD_SUBJECT] = GH_LIST_SUBJECTS,
        [GH_RECORD_HOME] = GH_LIST_HOMES,
        [GH_RECORD_REVOKED] = GH_LIST_REVOKED_CREDENTIALS,
        [GH_RECORD_RECALLED] = GH_LIST_RECALLED_SUBJECTS,
        [GH_RECORD_HASH] = GH_LIST_REVOKED_HASHES,
        [GH_RECORD_HOLDER] = GH_LIST_HOLDERS,
        [GH_RECORD_KEY] = GH_LIST_ISSUER_KEYS,
    };
    return totals[kind];
}

static enum gh_status insert_further(struct gh_list_store *store, const struct gh_record *record)
{
    sqlite3_stmt *statement;
    enum gh_status status = GH_OK;
    for (size_t i = 1; i < record->home_count && status == GH_OK; i++) {
        int result = prepare(store, GH_LIST_INSERT_FURTHER, &statement);
        if (result == SQLITE_OK) {
            result = sqlite3_bind_int64(statement, 1, gh_list_from_id(record->id));
        }
        if (result == SQLITE_OK) {
            result = sqlite3_bind_int64(statement, 2, gh_list_from_id(record->homes[i]));
        }
        status = run(store, statement, result);
    }
    return status;
}

enum gh_status gh_list_store_insert(struct gh_list_store *store, const struct gh_record *record)
{
    sqlite3_stmt *statement;
    int result = prepare(store, (int)(GH_LIST_INSERT + record->kind), &statement);
    if (result == SQLITE_OK) {
        result = bind_name(statement, record);
    }
    if (result == SQLITE_OK) {
        result = bind_rest(statement, record);
    }
    enum gh_status status = run(store, statement, result);
    store->total[total_of(record->kind)]++;
    store->keys_changed = store->keys_changed || record->kind == GH_RECORD_KEY;
    if (status == GH_OK && record->kind == GH_RECORD_SUBJECT) {
        store->total[GH_LIST_MEMBERS] += (int64_t)record->home_count;
        status = insert_further(store, record);
    }
    return status;
}

/* --- what a delta changes --------------------------------------------------------------------- */

static enum gh_status delete_further(struct gh_list_store *store, gh_id subject)
{
    sqlite3_stmt *statement;
    int result = prepare(store, GH_LIST_DELETE_FURTHER, &statement);
    if (result == SQLITE_OK) {
        result = sqlite3_bind_int64(statement, 1, gh_list_from_id(subject));
    }
    enum gh_status status = run(store, statement, result);
    if (status == GH_OK) {
        store->total[GH_LIST_MEMBERS] -= sqlite3_changes(store->db);
    }
    return status;
}

/* The homes of a person that is about to change. */
static enum gh_status forget_homes(struct gh_list_store *store, gh_id subject)
{
    sqlite3_stmt *statement;
    bool found;
    int result = prepare(store, GH_LIST_FIND_SUBJECT, &statement);
    if (result == SQLITE_OK) {
        result = sqlite3_bind_int64(statement, 1, gh_list_from_id(subject));
    }
    enum gh_status status = step(store, statement, result, &found);
    if (status != GH_OK || !found) {
        return status;
    }
    bool more = (sqlite3_column_int(statement, 0) & GH_LIST_MORE_HOMES) != 0;
    store->total[GH_LIST_MEMBERS] -= sqlite3_column_int(statement, 1);
    sqlite3_reset(statement);
    return more ? delete_further(store, subject) : GH_OK;
}

static enum gh_status delete_one(struct gh_list_store *store, const struct gh_record *record)
{
    sqlite3_stmt *statement;
    int result = prepare(store, (int)(GH_LIST_DELETE + record->kind), &statement);
    if (result == SQLITE_OK && record->kind != GH_RECORD_KEY) {
        result = bind_name(statement, record);
    }
    enum gh_status status = run(store, statement, result);
    if (status == GH_OK) {
        store->total[total_of(record->kind)] -= sqlite3_changes(store->db);
    }
    return status;
}

static enum gh_status check_homes(struct gh_list_store *store, const struct gh_record *record)
{
    enum gh_status status = GH_OK;
    for (size_t i = 0; i < record->home_count && status == GH_OK; i++) {
        sqlite3_stmt *statement;
        bool found;
        int result = prepare(store, GH_LIST_FIND_HOME, &statement);
        if (result == SQLITE_OK) {
            result = sqlite3_bind_int64(statement, 1, gh_list_from_id(record->homes[i]));
        }
        status = step(store, statement, result, &found);
        sqlite3_reset(statement);
        if (status == GH_OK && !found) {
            status = gh_fail(store->err, GH_ERR_CORRUPT,
                             "the delta has a person in a home that is not on the list");
        }
    }
    return status;
}

enum gh_status gh_list_store_change(struct gh_list_store *store, const struct gh_record *record)
{
    enum gh_status status = GH_OK;
    if (record->kind == GH_RECORD_SUBJECT) {
        status = forget_homes(store, record->id);
    }
    if (status == GH_OK && (record->drop || record->kind != GH_RECORD_KEY)) {
        status = delete_one(store, record);
    }
    store->keys_changed = store->keys_changed || record->kind == GH_RECORD_KEY;
    if (status == GH_OK && !record->drop) {
        status = check_homes(store, record);
    }
    return status == GH_OK && !record->drop ? gh_list_store_insert(store, record) : status;
}

static int compare_ids(const void *a, const void *b)
{
    gh_id x = *(const gh_id *)a, y = *(const gh_id *)b;
    return (x > y) - (x < y);
}

enum gh_status gh_list_store_check_dropped(struct gh_list_store *store, const gh_id *homes,
                                           size_t count)
{
    sqlite3_stmt *statement = NULL;
    int result = sqlite3_prepare_v2(store->db,
                                    "SELECT home FROM subject WHERE home IS NOT NULL"
                                    " UNION ALL SELECT home FROM further_home",
                                    -1, &statement, NULL);
    bool found = false;
    if (result == SQLITE_OK) {
        while (!found && (result = sqlite3_step(statement)) == SQLITE_ROW) {
            gh_id home = gh_list_to_id(sqlite3_column_int64(statement, 0));
            found = bsearch(&home, homes, count, sizeof(*homes), compare_ids) != NULL;
        }
    }
    enum gh_status status = result == SQLITE_DONE ? GH_OK
                            : found               ? gh_fail(store->err, GH_ERR_CORRUPT,
                                                            "the delta drops a home that somebody lives in")
                                                  : fail_writing(store, result);
    sqlite3_finalize(statement);
    return status;
}

/* --- the end ---------------------------------------------------------------------------------- */

static enum gh_status put_manifest(struct gh_list_store *store, struct gh_bytes bytes)
{
    sqlite3_stmt *statement = NULL;
    int result =
        sqlite3_prepare_v2(store->db, "INSERT OR REPLACE INTO manifest(one, bytes) VALUES (1, ?1)",
                           -1, &statement, NULL);
    if (result == SQLITE_OK) {
        result = sqlite3_bind_blob(statement, 1, bytes.data, (int)bytes.size, SQLITE_STATIC);
    }
    enum gh_status status = run(store, statement, result);
    sqlite3_finalize(statement);
    return status;
}

enum gh_status gh_list_store_renew(struct gh_list_store *store, struct gh_bytes bytes)
{
    enum gh_status status = put_manifest(store, bytes);
    return status == GH_OK ? execute(store, "COMMIT") : status;
}

static enum gh_status put_meta(struct gh_list_store *store, const struct gh_manifest *manifest)
{
    sqlite3_stmt *statement = NULL;
    int result = sqlite3_prepare_v2(
        store->db,
        "UPDATE meta SET homes = ?1, subjects = ?2, members = ?3, revoked = ?4, recalled = ?5,"
        " hashes = ?6, holders = ?7, issuer_keys = ?8, generation = ?9, tag = ?10",
        -1, &statement, NULL);
    for (int i = 0; i < GH_LIST_TOTALS && result == SQLITE_OK; i++) {
        result = sqlite3_bind_int64(statement, i + 1, store->total[i]);
    }
    if (result == SQLITE_OK) {
        result = sqlite3_bind_int64(statement, GH_LIST_TOTALS + 1, (int64_t)manifest->generation);
    }
    if (result == SQLITE_OK) {
        result = sqlite3_bind_blob(statement, GH_LIST_TOTALS + 2, manifest->tag, GH_LIST_TAG_BYTES,
                                   SQLITE_STATIC);
    }
    enum gh_status status = run(store, statement, result);
    sqlite3_finalize(statement);
    return status;
}

/* A list whose keys make no trust would shut everybody out. Those that are as they were made one
 * before: then only their number is new, with the manifest's. */
static enum gh_status try_keys(struct gh_list_store *store, const struct gh_manifest *manifest)
{
    struct gh_list_keys keys = {.checked = !store->keys_changed};
    struct gh_trust *trust = NULL;
    enum gh_status status = gh_list_keys_add_manifest(&keys, manifest, store->err);
    if (status == GH_OK) {
        status = gh_list_read_keys(store->db, &keys, store->err);
    }
    if (status == GH_OK) {
        status = gh_list_keys_trust(&keys, manifest, &trust, store->err);
    }
    gh_trust_unref(trust);
    gh_list_keys_free(&keys);
    return status;
}

enum gh_status gh_list_store_commit(struct gh_list_store *store, const struct gh_manifest *manifest,
                                    struct gh_bytes bytes)
{
    enum gh_status status = try_keys(store, manifest);
    if (status == GH_OK) {
        status = put_manifest(store, bytes);
    }
    if (status == GH_OK) {
        status = put_meta(store, manifest);
    }
    return status == GH_OK ? execute(store, "COMMIT") : status;
}

enum gh_status gh_list_store_close(struct gh_list_store *store, enum gh_status status)
{
    for (size_t i = 0; i < GH_LIST_STATEMENTS; i++) {
        sqlite3_finalize(store->statement[i]);
        store->statement[i] = NULL;
    }
    int result = sqlite3_close(store->db); /* an open transaction is rolled back */
    store->db = NULL;
    if (status == GH_OK && result != SQLITE_OK) {
        status = gh_fail(store->err, GH_ERR_IO, "cannot close the list %s", store->path);
    }
    return status;
}
