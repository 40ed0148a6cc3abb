/* SPDX-License-Identifier: Apache-2.0 */
/* A view of one generation, and how the list at hand is found. */
#ifndef GATEHOUSE_SRC_LIST_VIEW_H
#define GATEHOUSE_SRC_LIST_VIEW_H

#include "list/store.h"

enum gh_list_query {
    GH_LIST_META,
    GH_LIST_SUBJECT,
    GH_LIST_FURTHER,
    GH_LIST_HOME,
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
};

/* One file, open to be read, with its manifest. *db is NULL on error. */
GH_MUST_CHECK enum gh_status gh_list_open_verified(const char *path,
                                                   const struct gh_public_key *list_key,
                                                   sqlite3 **db, struct gh_manifest *manifest,
                                                   struct gh_error *err);
/* The last file in the folder that can be read and verified, open to be read, with its path and
 * its manifest. GH_ERR_NOTFOUND: there is none at all; else what is wrong with the last one. */
GH_MUST_CHECK enum gh_status gh_list_find(const char *folder, const struct gh_public_key *list_key,
                                          sqlite3 **db, char path[PATH_MAX],
                                          struct gh_manifest *manifest, struct gh_error *err);

/* All look-ups between the two are of one state of the file: a read transaction, held by the
 * statement that looks whether that state is still the view's (GH_ERR_AGAIN). End also after an
 * error. */
GH_MUST_CHECK enum gh_status gh_list_begin(struct gh_list *list);
void gh_list_end(struct gh_list *list);
/* A failing look-up is the disk's or the file's fault, whatever SQLite calls it. */
enum gh_status gh_list_look_up_status(enum gh_status status);

#endif
