/* SPDX-License-Identifier: Apache-2.0 */
/* The list's SQLite file: its tables, and how they are filled and changed.
 *
 * A file is built whole under another name, without journal and without syncs, then marked as one
 * in WAL mode, synced and renamed to a name that no list had before (folder.h): so no WAL of
 * another file is ever taken for its own. From then on it changes by deltas, each one transaction;
 * readers see the state before it or the one after it. Readers hold no transaction open between two
 * calls, so that the WAL can begin anew and stays small. */
#ifndef GATEHOUSE_SRC_LIST_STORE_H
#define GATEHOUSE_SRC_LIST_STORE_H

#include <limits.h>
#include <sqlite3.h>

#include "list/keys.h"
#include "list/record.h"

#define GH_LIST_APPLICATION_ID 0x47484c31 /* "GHL1" */
/* Another version is no list: the gate fetches it anew, as when there is none. */
#define GH_LIST_SCHEMA_VERSION 3

/* Identifiers are stored with their top bit flipped: then SQLite's signed order is their unsigned
 * one, in which they come, and every row of a snapshot is appended behind the one before. */
static inline int64_t gh_list_from_id(gh_id id)
{
    return (int64_t)(id ^ (UINT64_C(1) << 63));
}
static inline gh_id gh_list_to_id(int64_t stored)
{
    return (gh_id)stored ^ (UINT64_C(1) << 63);
}

/* A person's state: the colour, and whether there are homes besides the first. */
#define GH_LIST_COLOUR 3
#define GH_LIST_MORE_HOMES 4

extern const char gh_list_tables[]; /* the statements that make them */

/* SQLite's result, the newest of db, as a status; while_writing: a missing permission is then
 * GH_ERR_READONLY. */
enum gh_status gh_list_sqlite_status(sqlite3 *db, int result, bool while_writing);

/* Opens a file and looks whether it is a list of this version. *db is the caller's, NULL on error.
 */
GH_MUST_CHECK enum gh_status gh_list_open_file(const char *path, sqlite3 **db,
                                               struct gh_error *err);
/* The manifest inside, verified, and of the generation that the rest of the file is of. */
GH_MUST_CHECK enum gh_status gh_list_read_manifest(sqlite3 *db, const char *path,
                                                   const struct gh_public_key *list_key,
                                                   struct gh_manifest *out, struct gh_error *err);
/* All foreign issuers' keys, behind what is there already. GH_ERR_CORRUPT, GH_ERR_IO,
 * GH_ERR_NOMEM. */
GH_MUST_CHECK enum gh_status gh_list_read_keys(sqlite3 *db, struct gh_list_keys *keys,
                                               struct gh_error *err);

enum gh_list_total {
    GH_LIST_HOMES,
    GH_LIST_SUBJECTS,
    GH_LIST_MEMBERS,
    GH_LIST_REVOKED_CREDENTIALS,
    GH_LIST_RECALLED_SUBJECTS,
    GH_LIST_REVOKED_HASHES,
    GH_LIST_HOLDERS,
    GH_LIST_ISSUER_KEYS,
    GH_LIST_TOTALS
};

enum gh_list_statement {
    GH_LIST_INSERT,                                    /* + kind of record */
    GH_LIST_DELETE = GH_LIST_INSERT + GH_RECORD_KINDS, /* likewise */
    GH_LIST_INSERT_FURTHER = GH_LIST_DELETE + GH_RECORD_KINDS,
    GH_LIST_DELETE_FURTHER,
    GH_LIST_FIND_SUBJECT,
    GH_LIST_FIND_HOME,
    GH_LIST_STATEMENTS
};

/* A file while it is written. Zero it, then gh_list_store_create or _open. */
struct gh_list_store {
    sqlite3 *db;
    const char *path; /* for sentences; borrowed, as err is */
    struct gh_error *err;
    sqlite3_stmt *statement[GH_LIST_STATEMENTS]; /* prepared when needed first */
    int64_t total[GH_LIST_TOTALS];
    bool created; /* by gh_list_store_create */
    bool keys_changed;
};
/* An empty file of this name becomes a list without anything, inside its one transaction. */
GH_MUST_CHECK enum gh_status gh_list_store_create(struct gh_list_store *store,
                                                  const char *temporary);
/* A list is opened, and a transaction begun. */
GH_MUST_CHECK enum gh_status gh_list_store_open(struct gh_list_store *store, const char *path);
/* A row that is not there yet, of a snapshot. */
GH_MUST_CHECK enum gh_status gh_list_store_insert(struct gh_list_store *store,
                                                  const struct gh_record *record);
/* A record of a delta, whatever was there before. GH_ERR_CORRUPT for a person's home that is not
 * on the list. */
GH_MUST_CHECK enum gh_status gh_list_store_change(struct gh_list_store *store,
                                                  const struct gh_record *record);
/* Homes (ascending) that were dropped: GH_ERR_CORRUPT if anybody is still said to live there. Reads
 * all people, so only if there are any. */
GH_MUST_CHECK enum gh_status gh_list_store_check_dropped(struct gh_list_store *store,
                                                         const gh_id *homes, size_t count);
/* Another manifest of the same generation, committed. */
GH_MUST_CHECK enum gh_status gh_list_store_renew(struct gh_list_store *store,
                                                 struct gh_bytes bytes);
/* What the file holds is this generation, the keys are tried, and the transaction is committed. */
GH_MUST_CHECK enum gh_status gh_list_store_commit(struct gh_list_store *store,
                                                  const struct gh_manifest *manifest,
                                                  struct gh_bytes bytes);
/* Closes it; what was not committed is as if it had not been. Returns status, or what closing came
 * to. */
enum gh_status gh_list_store_close(struct gh_list_store *store, enum gh_status status);

#endif
