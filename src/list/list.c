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

enum query { QUERY_SUBJECT, QUERY_HAS_HOME, QUERY_HOME, QUERY_MEMBER, QUERY_REVOKED, QUERIES };

static const char *const queries[QUERIES] = {
    [QUERY_SUBJECT] = "SELECT colour FROM subject WHERE id = ?1",
    [QUERY_HAS_HOME] = ("SELECT 1 FROM member JOIN home ON home.id = member.home"
                        " WHERE member.subject = ?1 LIMIT 1"),
    [QUERY_HOME] = "SELECT 1 FROM home WHERE id = ?1",
    [QUERY_MEMBER] = "SELECT 1 FROM member WHERE subject = ?1 AND home = ?2",
    [QUERY_REVOKED] = "SELECT 1 FROM revoked WHERE id = ?1",
};

struct gh_list {
    sqlite3 *db;
    sqlite3_stmt *query[QUERIES];
    struct gh_manifest manifest;
    uint8_t *bytes; /* the manifest as received */
    size_t size;
};

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

static enum gh_status prepare(struct gh_list *list, const char *sql, sqlite3_stmt **statement,
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
        enum gh_status status = prepare(list, marks[i].sql, &statement, path, err);
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
        prepare(list, "SELECT bytes FROM manifest WHERE one = 1", &statement, path, err);
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
    for (size_t i = 0; i < QUERIES && status == GH_OK; i++) {
        status = prepare(list, queries[i], &list->query[i], path, err);
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
    for (size_t i = 0; i < QUERIES; i++) {
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

/* --- asking ----------------------------------------------------------------------------------- */

/* One row's first column; *found says whether there is a row. Identifiers are kept as the signed
 * numbers of the same bits. */
static enum gh_status look_up(struct gh_list *list, enum query which, gh_id first, gh_id second,
                              bool *found, int64_t *value)
{
    *found = false;
    sqlite3_stmt *statement = list->query[which];
    int result = sqlite3_bind_int64(statement, 1, (sqlite3_int64)first);
    if (result == SQLITE_OK && sqlite3_bind_parameter_count(statement) > 1) {
        result = sqlite3_bind_int64(statement, 2, (sqlite3_int64)second);
    }
    if (result == SQLITE_OK) {
        result = sqlite3_step(statement);
    }
    if (result == SQLITE_ROW) {
        *found = true;
        *value = sqlite3_column_int64(statement, 0);
    }
    sqlite3_reset(statement);
    return result == SQLITE_ROW || result == SQLITE_DONE
               ? GH_OK
               : gh_list_sqlite_status(list->db, result, false);
}

static enum gh_status is_there(struct gh_list *list, enum query which, gh_id first, gh_id second,
                               bool *found)
{
    int64_t ignored;
    return look_up(list, which, first, second, found, &ignored);
}

static enum gh_status ask_health(struct gh_list *list, const struct gh_credential *health,
                                 struct gh_answers *answers)
{
    int64_t colour = GH_COLOUR_NONE;
    enum gh_status status =
        look_up(list, QUERY_SUBJECT, health->subject, 0, &answers->subject_known, &colour);
    if (status == GH_OK && answers->subject_known) {
        if (colour < GH_COLOUR_GREEN || colour > GH_COLOUR_RED) {
            return GH_ERR_CORRUPT;
        }
        answers->subject_colour = (enum gh_colour)colour;
    }
    if (status == GH_OK) {
        status = is_there(list, QUERY_HAS_HOME, health->subject, 0, &answers->subject_has_home);
    }
    if (status == GH_OK) {
        status = is_there(list, QUERY_REVOKED, health->id, 0, &answers->health_revoked);
    }
    return status;
}

static enum gh_status ask_housing(struct gh_list *list, const struct gh_credential *housing,
                                  struct gh_answers *answers)
{
    enum gh_status status = is_there(list, QUERY_HOME, housing->home, 0, &answers->home_approved);
    if (status == GH_OK) {
        status = is_there(list, QUERY_REVOKED, housing->id, 0, &answers->housing_revoked);
    }
    return status;
}

enum gh_status gh_list_ask(struct gh_list *list, const struct gh_credential *health,
                           const struct gh_credential *housing, struct gh_answers *out)
{
    memset(out, 0, sizeof(*out));
    if (list == NULL) {
        return GH_OK;
    }
    struct gh_answers answers = {
        .have_list = true,
        .issued_at_s = list->manifest.issued_at_s,
        .generation = list->manifest.generation,
    };
    enum gh_status status = GH_OK;
    if (health != NULL) {
        status = ask_health(list, health, &answers);
    }
    if (status == GH_OK && housing != NULL) {
        status = ask_housing(list, housing, &answers);
    }
    if (status == GH_OK && health != NULL && housing != NULL) {
        status = is_there(list, QUERY_MEMBER, health->subject, housing->home, &answers.member);
    }
    if (status == GH_OK) {
        *out = answers;
    }
    return status == GH_OK || status == GH_ERR_CORRUPT || status == GH_ERR_NOMEM ? status
                                                                                 : GH_ERR_IO;
}

enum gh_status gh_list_count(struct gh_list *list, struct gh_list_counts *out)
{
    memset(out, 0, sizeof(*out));
    sqlite3_stmt *statement = NULL;
    enum gh_status status =
        prepare(list,
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
