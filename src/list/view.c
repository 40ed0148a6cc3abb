/* SPDX-License-Identifier: Apache-2.0 */
/* The list as a gate reads it. See store.h for how it is kept. */
#include "list/view.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "list/folder.h"

/* --- finding the list at hand ----------------------------------------------------------------- */

enum gh_status gh_list_open_verified(const char *path, const struct gh_public_key *list_key,
                                     sqlite3 **db, struct gh_manifest *manifest,
                                     struct gh_error *err)
{
    /* Not SQLITE_OPEN_READONLY: who may not write shares its index through a file, whatever
     * base/sqlite.h says. */
    enum gh_status status = gh_list_open_file(path, db, err);
    if (status == GH_OK) {
        sqlite3_db_config(*db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
        (void)sqlite3_exec(*db, "PRAGMA query_only = ON", NULL, NULL, NULL);
        status = gh_list_read_manifest(*db, path, list_key, manifest, err);
    }
    if (status != GH_OK) {
        sqlite3_close(*db);
        *db = NULL;
    }
    return status;
}

/* *gone: a file was removed meanwhile. Its WAL is removed after it, so that one which is still
 * there by its name was read with the WAL that belongs to it. */
static enum gh_status find_once(const char *folder, const struct gh_public_key *list_key,
                                sqlite3 **db, char path[PATH_MAX], struct gh_manifest *manifest,
                                bool *gone, struct gh_error *err)
{
    struct gh_list_file files[GH_LIST_FILES_MAX];
    size_t count = gh_list_files(folder, files);
    enum gh_status first = GH_ERR_NOTFOUND;
    *gone = false;
    for (size_t i = 0; i < count; i++) {
        enum gh_status status = gh_list_file_path(folder, files[i], path, err);
        if (status == GH_OK) {
            status = gh_list_open_verified(path, list_key, db, manifest, err);
        }
        if (access(path, F_OK) != 0) {
            *gone = true;
            sqlite3_close(*db);
            *db = NULL;
            return GH_ERR_NOTFOUND;
        }
        if (status == GH_OK) {
            return GH_OK;
        }
        first = i == 0 ? status : first;
    }
    return count > 0 ? first : gh_fail(err, GH_ERR_NOTFOUND, "there is no list in %s", folder);
}

enum gh_status gh_list_find(const char *folder, const struct gh_public_key *list_key, sqlite3 **db,
                            char path[PATH_MAX], struct gh_manifest *manifest, struct gh_error *err)
{
    *db = NULL;
    for (int attempt = 0;; attempt++) {
        struct gh_error reason = {0};
        bool gone;
        enum gh_status status = find_once(folder, list_key, db, path, manifest, &gone, &reason);
        if (!gone || attempt == 10) {
            return status == GH_OK ? GH_OK : gh_fail(err, status, "%s", reason.text);
        }
    }
}

enum gh_status gh_list_head(const char *folder, const struct gh_public_key *list_key,
                            struct gh_manifest *out)
{
    sqlite3 *db;
    char path[PATH_MAX];
    enum gh_status status = gh_list_find(folder, list_key, &db, path, out, NULL);
    sqlite3_close(db);
    if (status != GH_OK) {
        memset(out, 0, sizeof(*out));
    }
    return status == GH_OK || status == GH_ERR_NOMEM ? status : GH_ERR_NOTFOUND;
}

/* --- the view --------------------------------------------------------------------------------- */

static const char *const queries[GH_LIST_QUERIES] = {
    [GH_LIST_META] = "SELECT generation, tag FROM meta WHERE one = 1",
    [GH_LIST_SUBJECT] = "SELECT state, home FROM subject WHERE id = ?1",
    [GH_LIST_FURTHER] = "SELECT 1 FROM further_home WHERE subject = ?1 AND home = ?2",
    [GH_LIST_HOME] = "SELECT 1 FROM home WHERE id = ?1",
    [GH_LIST_REVOKED] = "SELECT 1 FROM revoked WHERE id = ?1",
    [GH_LIST_RECALLED] = "SELECT before_s FROM recalled WHERE subject = ?1",
    [GH_LIST_HASH] = "SELECT before_s FROM revoked_hash WHERE hash = ?1",
    [GH_LIST_HOLDER] = "SELECT subject FROM holder WHERE id = ?1",
};

static enum gh_status prepare_queries(struct gh_list *list, const char *path, struct gh_error *err)
{
    int result = SQLITE_OK;
    for (size_t i = 0; i < GH_LIST_QUERIES && result == SQLITE_OK; i++) {
        result = sqlite3_prepare_v3(list->db, queries[i], -1, SQLITE_PREPARE_PERSISTENT,
                                    &list->query[i], NULL);
    }
    return result == SQLITE_OK
               ? GH_OK
               : gh_fail(err, gh_list_sqlite_status(list->db, result, false),
                         "cannot read the list %s: %s", path, sqlite3_errstr(result));
}

enum gh_status gh_list_open_latest(const char *folder, const struct gh_public_key *list_key,
                                   struct gh_list **out, struct gh_error *err)
{
    char path[PATH_MAX];
    *out = NULL;
    struct gh_list *list = calloc(1, sizeof(*list));
    if (list == NULL) {
        return gh_fail(err, GH_ERR_NOMEM, "no memory for the list in %s", folder);
    }
    enum gh_status status = gh_list_find(folder, list_key, &list->db, path, &list->manifest, err);
    if (status == GH_OK) {
        status = prepare_queries(list, path, err);
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
    gh_wipe(list->manifest.holder_secret, sizeof(list->manifest.holder_secret));
    free(list);
}

const struct gh_manifest *gh_list_manifest(const struct gh_list *list)
{
    return &list->manifest;
}

void gh_list_touch(struct gh_list *list, int64_t issued_at_s)
{
    if (issued_at_s > list->manifest.issued_at_s) {
        list->manifest.issued_at_s = issued_at_s;
    }
}

enum gh_status gh_list_begin(struct gh_list *list)
{
    sqlite3_stmt *meta = list->query[GH_LIST_META];
    int result = sqlite3_step(meta);
    if (result == SQLITE_DONE) {
        return GH_ERR_CORRUPT;
    }
    if (result != SQLITE_ROW) {
        return gh_list_look_up_status(gh_list_sqlite_status(list->db, result, false));
    }
    const void *tag = sqlite3_column_blob(meta, 1);
    bool same = (uint64_t)sqlite3_column_int64(meta, 0) == list->manifest.generation &&
                sqlite3_column_bytes(meta, 1) == GH_LIST_TAG_BYTES &&
                memcmp(tag, list->manifest.tag, GH_LIST_TAG_BYTES) == 0;
    return same ? GH_OK : GH_ERR_AGAIN;
}

void gh_list_end(struct gh_list *list)
{
    sqlite3_reset(list->query[GH_LIST_META]);
}

enum gh_status gh_list_look_up_status(enum gh_status status)
{
    switch (status) {
    case GH_OK:
    case GH_ERR_AGAIN:
    case GH_ERR_CORRUPT:
    case GH_ERR_NOMEM:
        return status;
    default:
        return GH_ERR_IO;
    }
}

/* --- keys and counts -------------------------------------------------------------------------- */

static enum gh_status read_trust(struct gh_list *list, struct gh_trust **out)
{
    struct gh_list_keys keys = {.checked = true};
    enum gh_status status = gh_list_keys_add_manifest(&keys, &list->manifest, NULL);
    if (status == GH_OK) {
        status = gh_list_read_keys(list->db, &keys, NULL);
    }
    if (status == GH_OK) {
        status = gh_list_keys_trust(&keys, &list->manifest, out, NULL);
    }
    gh_list_keys_free(&keys);
    return gh_list_look_up_status(status);
}

enum gh_status gh_list_trust(struct gh_list *list, struct gh_trust **out)
{
    *out = NULL;
    enum gh_status status = gh_list_begin(list);
    if (status == GH_OK) {
        status = read_trust(list, out);
    }
    gh_list_end(list);
    return status;
}

static enum gh_status read_counts(struct gh_list *list, struct gh_list_counts *out)
{
    sqlite3_stmt *statement = NULL;
    int result = sqlite3_prepare_v2(list->db, "SELECT subjects, homes, members, revoked FROM meta",
                                    -1, &statement, NULL);
    if (result == SQLITE_OK) {
        result = sqlite3_step(statement);
    }
    if (result == SQLITE_ROW) {
        out->subjects = (uint64_t)sqlite3_column_int64(statement, 0);
        out->homes = (uint64_t)sqlite3_column_int64(statement, 1);
        out->members = (uint64_t)sqlite3_column_int64(statement, 2);
        out->revoked = (uint64_t)sqlite3_column_int64(statement, 3);
    }
    enum gh_status status = result == SQLITE_ROW ? GH_OK
                            : result == SQLITE_DONE
                                ? GH_ERR_CORRUPT
                                : gh_list_sqlite_status(list->db, result, false);
    sqlite3_finalize(statement);
    return gh_list_look_up_status(status);
}

enum gh_status gh_list_count(struct gh_list *list, struct gh_list_counts *out)
{
    memset(out, 0, sizeof(*out));
    enum gh_status status = gh_list_begin(list);
    if (status == GH_OK) {
        status = read_counts(list, out);
    }
    gh_list_end(list);
    return status;
}
