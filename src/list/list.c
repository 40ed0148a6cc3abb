/* SPDX-License-Identifier: Apache-2.0 */
/* The list file as a gate reads it. See database.h for how it is kept. */
#include "gatehouse/list.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/sqlite_status.h"
#include "gatehouse/file.h"
#include "list/database.h"
#include "list/keys.h"

/* --- shared with the builder ------------------------------------------------------------------ */

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

enum gh_status gh_list_path(const char *path, const char *suffix, char out[PATH_MAX],
                            struct gh_error *err)
{
    if (path[0] == '\0' || snprintf(out, PATH_MAX, "%s%s", path, suffix) >= PATH_MAX) {
        return gh_fail(err, GH_ERR_INVALID, "the list's path is empty or too long");
    }
    return GH_OK;
}

struct gh_bytes gh_list_manifest_bytes(const struct gh_list *list)
{
    return (struct gh_bytes){.data = list->bytes, .size = list->size};
}

/* --- opening ---------------------------------------------------------------------------------- */

static enum gh_status fail_reading(struct gh_list *list, int result, const char *path,
                                   struct gh_error *err)
{
    enum gh_status status = gh_list_sqlite_status(list->db, result, false);
    return gh_fail(err, status, "cannot read the list %s: %s", path,
                   status == GH_ERR_NOTFOUND ? gh_status_text(status) : sqlite3_errstr(result));
}

/* "file:" and path, with everything escaped that means something in a URI, and the word that the
 * file never changes. */
static char *immutable_uri(const char *path)
{
    static const char plain[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789/._-~";
    static const char query[] = "?immutable=1";
    char *uri = malloc(sizeof("file://") + 3 * strlen(path) + sizeof(query));
    if (uri == NULL) {
        return NULL;
    }
    char *end = stpcpy(uri, path[0] == '/' ? "file://" : "file:");
    for (; *path != '\0'; path++) {
        if (strchr(plain, *path) != NULL) {
            *end++ = *path;
        } else {
            end += sprintf(end, "%%%02X", (unsigned char)*path);
        }
    }
    memcpy(end, query, sizeof(query));
    return uri;
}

static enum gh_status open_database(struct gh_list *list, const char *path, struct gh_error *err)
{
    char *uri = immutable_uri(path);
    if (uri == NULL) {
        return gh_fail(err, GH_ERR_NOMEM, "no memory for the list %s", path);
    }
    int result = sqlite3_open_v2(
        uri, &list->db, SQLITE_OPEN_READONLY | SQLITE_OPEN_URI | SQLITE_OPEN_NOMUTEX, NULL);
    free(uri);
    if (result == SQLITE_OK) {
        sqlite3_extended_result_codes(list->db, 1);
        sqlite3_db_config(list->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
        return GH_OK;
    }
    return fail_reading(list, list->db != NULL ? sqlite3_extended_errcode(list->db) : result, path,
                        err);
}

enum gh_status gh_list_prepare(struct gh_list *list, const char *sql, sqlite3_stmt **statement,
                               const char *path, struct gh_error *err)
{
    int result = sqlite3_prepare_v3(list->db, sql, -1, SQLITE_PREPARE_PERSISTENT, statement, NULL);
    return result == SQLITE_OK ? GH_OK : fail_reading(list, result, path, err);
}

/* Is it a list file, and one of ours? */
static enum gh_status check_format(struct gh_list *list, const char *path, struct gh_error *err)
{
    static const struct {
        const char *sql;
        int64_t expected;
    } marks[] = {
        {"PRAGMA application_id", GH_LIST_APPLICATION_ID},
        {"PRAGMA user_version", GH_LIST_SCHEMA_VERSION},
    };
    for (size_t i = 0; i < GH_ARRAY_SIZE(marks); i++) {
        sqlite3_stmt *statement = NULL;
        enum gh_status status = gh_list_prepare(list, marks[i].sql, &statement, path, err);
        if (status == GH_OK) {
            int result = sqlite3_step(statement);
            if (result != SQLITE_ROW) {
                status = fail_reading(list, result, path, err);
            } else if (sqlite3_column_int64(statement, 0) != marks[i].expected) {
                status = gh_fail(err, GH_ERR_CORRUPT, "%s is not a list of this version", path);
            }
        }
        sqlite3_finalize(statement);
        if (status != GH_OK) {
            return status;
        }
    }
    return GH_OK;
}

static enum gh_status keep_bytes(struct gh_list *list, const void *data, size_t size,
                                 struct gh_error *err)
{
    uint8_t *copy = malloc(size + 1);
    if (copy == NULL) {
        return gh_fail(err, GH_ERR_NOMEM, "no memory for the list's manifest");
    }
    memcpy(copy, data, size);
    free(list->bytes);
    list->bytes = copy;
    list->size = size;
    return GH_OK;
}

static enum gh_status read_manifest(struct gh_list *list, const char *path,
                                    const struct gh_public_key *list_key, struct gh_error *err)
{
    sqlite3_stmt *statement = NULL;
    enum gh_status status =
        gh_list_prepare(list, "SELECT bytes FROM manifest WHERE one = 1", &statement, path, err);
    if (status == GH_OK) {
        int result = sqlite3_step(statement);
        const void *data = result == SQLITE_ROW ? sqlite3_column_blob(statement, 0) : NULL;
        if (data != NULL) {
            status = keep_bytes(list, data, (size_t)sqlite3_column_bytes(statement, 0), err);
        } else if (result == SQLITE_ROW || result == SQLITE_DONE) {
            status = gh_fail(err, GH_ERR_CORRUPT, "the list %s holds no manifest", path);
        } else {
            status = fail_reading(list, result, path, err);
        }
    }
    sqlite3_finalize(statement);
    if (status == GH_OK) {
        status = gh_manifest_read(list_key, gh_list_manifest_bytes(list), &list->manifest, err);
    }
    return status;
}

/* A newer manifest beside the list file counts if it is true and names the very same snapshot. */
static enum gh_status read_newer_manifest(struct gh_list *list, const char *path,
                                          const struct gh_public_key *list_key,
                                          struct gh_error *err)
{
    char beside[PATH_MAX];
    enum gh_status status = gh_list_path(path, GH_LIST_MANIFEST_SUFFIX, beside, err);
    if (status != GH_OK) {
        return status;
    }
    GH_CLEANUP_FREE uint8_t *data = NULL;
    size_t size;
    struct gh_manifest *newer = malloc(sizeof(*newer));
    if (newer == NULL) {
        return gh_fail(err, GH_ERR_NOMEM, "no memory for the list's manifest");
    }
    if (gh_file_read(beside, GH_MANIFEST_MAX_BYTES, &data, &size, NULL) == GH_OK &&
        gh_manifest_read(list_key, (struct gh_bytes){.data = data, .size = size}, newer, NULL) ==
            GH_OK &&
        strcmp(newer->area, list->manifest.area) == 0 &&
        newer->generation >= list->manifest.generation &&
        (newer->generation > list->manifest.generation ||
         newer->issued_at_s >= list->manifest.issued_at_s) &&
        memcmp(newer->snapshot_sha256, list->manifest.snapshot_sha256, GH_SHA256_BYTES) == 0) {
        status = keep_bytes(list, data, size, err);
        if (status == GH_OK) {
            list->manifest = *newer;
        }
    }
    free(newer);
    return status;
}

enum gh_status gh_list_open(const char *path, const struct gh_public_key *list_key,
                            struct gh_list **out, struct gh_error *err)
{
    *out = NULL;
    struct gh_list *list = calloc(1, sizeof(*list));
    if (list == NULL) {
        return gh_fail(err, GH_ERR_NOMEM, "no memory for the list %s", path);
    }
    enum gh_status status = open_database(list, path, err);
    if (status == GH_OK) {
        status = check_format(list, path, err);
    }
    if (status == GH_OK) {
        status = gh_list_prepare_queries(list, path, err);
    }
    if (status == GH_OK) {
        status = read_manifest(list, path, list_key, err);
    }
    if (status == GH_OK) {
        status = read_newer_manifest(list, path, list_key, err);
    }
    if (status != GH_OK) {
        gh_list_close(list);
        return status;
    }
    *out = list;
    return GH_OK;
}

void gh_list_close(struct gh_list *list)
{
    if (list == NULL) {
        return;
    }
    for (size_t i = 0; i < GH_LIST_QUERIES; i++) {
        sqlite3_finalize(list->query[i]);
    }
    sqlite3_close(list->db);
    free(list->bytes);
    free(list);
}

const struct gh_manifest *gh_list_manifest(const struct gh_list *list)
{
    return &list->manifest;
}

/* --- keys ------------------------------------------------------------------------------------- */

/* One stored record, by the rules of a snapshot. */
static enum gh_status add_stored_key(struct gh_list_keys *keys, sqlite3_stmt *statement)
{
    struct gh_bytes bytes = {.data = sqlite3_column_blob(statement, 0),
                             .size = (size_t)sqlite3_column_bytes(statement, 0)};
    struct gh_snapshot_reader reader = gh_snapshot_reader_over(bytes);
    struct gh_record record;
    if (gh_snapshot_next(&reader, &record, NULL) != GH_OK || record.kind != GH_RECORD_KEY ||
        record.item.size != bytes.size) {
        return GH_ERR_CORRUPT;
    }
    return gh_list_keys_add(keys, &record, NULL);
}

static enum gh_status add_stored_keys(struct gh_list *list, struct gh_list_keys *keys)
{
    sqlite3_stmt *statement = NULL;
    enum gh_status status = gh_list_prepare(list, "SELECT record FROM issuer_key ORDER BY number",
                                            &statement, "", NULL);
    int result = SQLITE_ROW;
    while (status == GH_OK && (result = sqlite3_step(statement)) == SQLITE_ROW) {
        status = add_stored_key(keys, statement);
    }
    if (status == GH_OK && result != SQLITE_DONE) {
        status = gh_list_sqlite_status(list->db, result, false);
    }
    sqlite3_finalize(statement);
    return status == GH_OK || status == GH_ERR_CORRUPT || status == GH_ERR_NOMEM ? status
                                                                                 : GH_ERR_IO;
}

enum gh_status gh_list_trust(struct gh_list *list, struct gh_trust **out)
{
    *out = NULL;
    struct gh_list_keys keys = {.checked = true};
    enum gh_status status = gh_list_keys_add_manifest(&keys, &list->manifest, NULL);
    if (status == GH_OK) {
        status = add_stored_keys(list, &keys);
    }
    if (status == GH_OK) {
        status = gh_list_keys_trust(&keys, &list->manifest, out, NULL);
    }
    gh_list_keys_free(&keys);
    return status;
}

/* --- counting --------------------------------------------------------------------------------- */

enum gh_status gh_list_count(struct gh_list *list, struct gh_list_counts *out)
{
    memset(out, 0, sizeof(*out));
    sqlite3_stmt *statement = NULL;
    enum gh_status status =
        gh_list_prepare(list,
                        "SELECT (SELECT count(*) FROM subject), (SELECT count(*) FROM home),"
                        " (SELECT count(*) FROM member), (SELECT count(*) FROM revoked)",
                        &statement, "", NULL);
    if (status == GH_OK) {
        int result = sqlite3_step(statement);
        if (result == SQLITE_ROW) {
            out->subjects = (uint64_t)sqlite3_column_int64(statement, 0);
            out->homes = (uint64_t)sqlite3_column_int64(statement, 1);
            out->members = (uint64_t)sqlite3_column_int64(statement, 2);
            out->revoked = (uint64_t)sqlite3_column_int64(statement, 3);
        } else {
            status = gh_list_sqlite_status(list->db, result, false);
        }
    }
    sqlite3_finalize(statement);
    return status;
}
