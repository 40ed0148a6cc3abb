/* SPDX-License-Identifier: Apache-2.0 */
/* What reader and writer of a list's file have in common. */
#include <string.h>

#include "base/sqlite.h"
#include "list/store.h"

enum gh_status gh_list_sqlite_status(sqlite3 *db, int result, bool while_writing)
{
    enum gh_status status = gh_sqlite_status(db, result);
    switch (status) {
    case GH_ERR_END:
        return GH_OK;
    case GH_ERR_EXISTS:
        return GH_ERR_CORRUPT;
    case GH_ERR_DENIED:
        return while_writing ? GH_ERR_READONLY : GH_ERR_DENIED;
    default:
        return status;
    }
}

static enum gh_status fail_reading(sqlite3 *db, int result, const char *path, struct gh_error *err)
{
    enum gh_status status = gh_list_sqlite_status(db, result, false);
    return gh_fail(err, status, "cannot read the list %s: %s", path,
                   status == GH_ERR_NOTFOUND ? gh_status_text(status) : sqlite3_errstr(result));
}

static enum gh_status check_mark(sqlite3 *db, const char *sql, int64_t expected, const char *path,
                                 struct gh_error *err)
{
    sqlite3_stmt *statement = NULL;
    enum gh_status status = GH_OK;
    int result = sqlite3_prepare_v2(db, sql, -1, &statement, NULL);
    if (result == SQLITE_OK) {
        result = sqlite3_step(statement);
    }
    if (result != SQLITE_ROW) {
        status = fail_reading(db, result, path, err);
    } else if (sqlite3_column_int64(statement, 0) != expected) {
        status = gh_fail(err, GH_ERR_CORRUPT, "%s is not a list of this version", path);
    }
    sqlite3_finalize(statement);
    return status;
}

enum gh_status gh_list_open_file(const char *path, sqlite3 **db, struct gh_error *err)
{
    enum gh_status status = GH_OK;
    int result = sqlite3_open_v2(path, db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);
    if (result != SQLITE_OK) {
        status = fail_reading(*db, *db != NULL ? sqlite3_extended_errcode(*db) : result, path, err);
    } else {
        sqlite3_extended_result_codes(*db, 1);
        sqlite3_db_config(*db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
        /* Others hold it for moments only: the first one, after a cut, to read the WAL anew. */
        sqlite3_busy_timeout(*db, 5000);
        status = check_mark(*db, "PRAGMA application_id", GH_LIST_APPLICATION_ID, path, err);
    }
    if (status == GH_OK) {
        status = check_mark(*db, "PRAGMA user_version", GH_LIST_SCHEMA_VERSION, path, err);
    }
    if (status != GH_OK) {
        sqlite3_close(*db);
        *db = NULL;
    }
    return status;
}

static enum gh_status check_manifest(sqlite3_stmt *row, const struct gh_public_key *list_key,
                                     struct gh_manifest *out, struct gh_error *err)
{
    struct gh_bytes bytes = {sqlite3_column_blob(row, 0), (size_t)sqlite3_column_bytes(row, 0)};
    const void *tag = sqlite3_column_blob(row, 2);
    enum gh_status status = gh_manifest_read(list_key, bytes, out, err);
    if (status == GH_OK && ((uint64_t)sqlite3_column_int64(row, 1) != out->generation ||
                            sqlite3_column_bytes(row, 2) != GH_LIST_TAG_BYTES ||
                            memcmp(tag, out->tag, GH_LIST_TAG_BYTES) != 0)) {
        status = gh_fail(err, GH_ERR_CORRUPT, "the list is not of its manifest's generation");
    }
    return status == GH_ERR_TOOBIG ? GH_ERR_CORRUPT : status;
}

enum gh_status gh_list_read_manifest(sqlite3 *db, const char *path,
                                     const struct gh_public_key *list_key, struct gh_manifest *out,
                                     struct gh_error *err)
{
    sqlite3_stmt *statement = NULL;
    enum gh_status status;
    int result =
        sqlite3_prepare_v2(db, "SELECT bytes, generation, tag FROM manifest JOIN meta USING (one)",
                           -1, &statement, NULL);
    if (result == SQLITE_OK) {
        result = sqlite3_step(statement);
    }
    if (result == SQLITE_ROW) {
        status = check_manifest(statement, list_key, out, err);
    } else if (result == SQLITE_DONE) {
        status = gh_fail(err, GH_ERR_CORRUPT, "the list %s holds no manifest", path);
    } else {
        status = fail_reading(db, result, path, err);
    }
    sqlite3_finalize(statement);
    if (status != GH_OK) {
        memset(out, 0, sizeof(*out));
    }
    return status;
}

/* One stored record, by the rules of a snapshot. */
static enum gh_status add_stored_key(struct gh_list_keys *keys, sqlite3_stmt *statement,
                                     struct gh_error *err)
{
    struct gh_bytes bytes = {.data = sqlite3_column_blob(statement, 0),
                             .size = (size_t)sqlite3_column_bytes(statement, 0)};
    struct gh_cbor_reader cbor = gh_cbor_reader_over(bytes);
    struct gh_record record;
    if (!gh_record_read(&cbor, NULL, &record) || record.kind != GH_RECORD_KEY || record.drop ||
        record.item.size != bytes.size) {
        return gh_fail(err, GH_ERR_CORRUPT, "the list holds an issuer's key that is none");
    }
    return gh_list_keys_add(keys, &record, err);
}

enum gh_status gh_list_read_keys(sqlite3 *db, struct gh_list_keys *keys, struct gh_error *err)
{
    sqlite3_stmt *statement = NULL;
    enum gh_status status = GH_OK;
    int result = sqlite3_prepare_v2(db, "SELECT record FROM issuer_key ORDER BY number", -1,
                                    &statement, NULL);
    if (result == SQLITE_OK) {
        while ((result = sqlite3_step(statement)) == SQLITE_ROW && status == GH_OK) {
            status = add_stored_key(keys, statement, err);
        }
    }
    if (status == GH_OK && result != SQLITE_DONE) {
        status = fail_reading(db, result, "", err);
    }
    sqlite3_finalize(statement);
    return status;
}
