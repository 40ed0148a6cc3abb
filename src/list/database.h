/* SPDX-License-Identifier: Apache-2.0 */
/* What builder and reader of the list file share: its schema and SQLite's errors.
 *
 * How the file is kept: it is written once, whole, under another name, and renamed into place; from
 * then on nobody ever writes to it. So it is opened as immutable: SQLite takes no locks, and never
 * looks for a rollback journal or a WAL beside it, whatever an earlier file of this name may have
 * left there. Whoever has the old file open goes on reading the old inode.
 *
 * A newer manifest of the same snapshot (gh_list_refresh) therefore does not go into the file:
 * changing it in place would need a journal, which readers would have to honour, and rewriting it
 * whole would wear the SD card out by megabytes for some 300 new bytes. It goes into a file of its
 * own, `<path>.manifest`, replaced whole, and counts only where it verifies, names the very
 * snapshot of the list file, and is not older than the manifest in there. Left over from another
 * list, damaged or lost it changes nothing but that the list counts as older than it is: the safe
 * side. */
#ifndef GATEHOUSE_SRC_LIST_DATABASE_H
#define GATEHOUSE_SRC_LIST_DATABASE_H

#include <limits.h>
#include <sqlite3.h>

#include "gatehouse/list.h"

#define GH_LIST_APPLICATION_ID 0x47484c31 /* "GHL1" */
/* Another version is no list: the gate fetches it anew, as when there is none. */
#define GH_LIST_SCHEMA_VERSION 2

/* SQLite's result, the newest of db, as a status; while_writing: a missing permission is then
 * GH_ERR_READONLY. */
enum gh_status gh_list_sqlite_status(sqlite3 *db, int result, bool while_writing);

/* path with a suffix; GH_ERR_INVALID when it gets too long. */
GH_MUST_CHECK enum gh_status gh_list_path(const char *path, const char *suffix, char out[PATH_MAX],
                                          struct gh_error *err);
#define GH_LIST_TEMPORARY_SUFFIX ".new"
#define GH_LIST_MANIFEST_SUFFIX ".manifest"

enum gh_list_query {
    GH_LIST_SUBJECT,
    GH_LIST_HAS_HOME,
    GH_LIST_HOME,
    GH_LIST_MEMBER,
    GH_LIST_REVOKED,
    GH_LIST_RECALLED,
    GH_LIST_HASH,
    GH_LIST_HOLDER,
    GH_LIST_QUERIES
};

struct gh_list {
    sqlite3 *db;
    sqlite3_stmt *query[GH_LIST_QUERIES];
    struct gh_manifest manifest;
    uint8_t *bytes; /* the manifest as received */
    size_t size;
};

/* Prepare a statement on an open list. path: for the sentence. */
GH_MUST_CHECK enum gh_status gh_list_prepare(struct gh_list *list, const char *sql,
                                             sqlite3_stmt **statement, const char *path,
                                             struct gh_error *err);
/* All the look-ups (ask.c). */
GH_MUST_CHECK enum gh_status gh_list_prepare_queries(struct gh_list *list, const char *path,
                                                     struct gh_error *err);

/* The newest manifest of an open list, as received. */
struct gh_bytes gh_list_manifest_bytes(const struct gh_list *list);

#endif
