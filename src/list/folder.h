/* SPDX-License-Identifier: Apache-2.0 */
/* The folder in which a list is kept. A list's file is named by the generation that it was built
 * at and a serial number, `<16 hex digits>-<4 hex digits>.db`, so that a new one always has a new
 * name; with the `-wal` and `-shm` that SQLite puts beside it. The one to read is the last by that
 * order that can be read. */
#ifndef GATEHOUSE_SRC_LIST_FOLDER_H
#define GATEHOUSE_SRC_LIST_FOLDER_H

#include <limits.h>

#include "gatehouse/list.h"

struct gh_list_file {
    uint64_t generation;
    unsigned serial;
};

/* Whoever writes holds the folder. *lock is the caller's to close. GH_ERR_BUSY; GH_ERR_NOTFOUND: no
 * such folder. */
GH_MUST_CHECK enum gh_status gh_list_lock(const char *folder, int *lock, struct gh_error *err);

/* The path of a file; GH_ERR_INVALID when it gets too long. */
GH_MUST_CHECK enum gh_status gh_list_file_path(const char *folder, struct gh_list_file file,
                                               char out[PATH_MAX], struct gh_error *err);
/* The other way round; false: it is no list's path. */
bool gh_list_file_of(const char *path, struct gh_list_file *out);
/* The newest files that are there, the last one first; returns how many. More than these there
 * never are, if nobody puts them there. */
#define GH_LIST_FILES_MAX 8
size_t gh_list_files(const char *folder, struct gh_list_file out[GH_LIST_FILES_MAX]);
/* A file of this generation behind all that left a trace. */
struct gh_list_file gh_list_new_file(const char *folder, uint64_t generation);
/* Remove every other list, and what belongs to none. Lists go before what lies beside them: one
 * that is there has all that belongs to it. */
void gh_list_remove_others(const char *folder, struct gh_list_file keep);

/* A file that did not become a list. The folder is locked. */
void gh_list_remove_temporary(int folder);
/* An empty file that becomes a list, ours alone, whatever lay there. *fd is the caller's to close,
 * also after an error. The folder is locked. */
GH_MUST_CHECK enum gh_status gh_list_temporary(const char *folder, char path[PATH_MAX], int *fd,
                                               struct gh_error *err);

#endif
