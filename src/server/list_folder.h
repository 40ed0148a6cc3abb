/* SPDX-License-Identifier: Apache-2.0 */
/* The folder of snapshots: files named by their SHA-256. */
#ifndef GATEHOUSE_SRC_SERVER_LIST_FOLDER_H
#define GATEHOUSE_SRC_SERVER_LIST_FOLDER_H

#include "server/db_list.h"

/* Whether the snapshot's file is there, in its size. */
bool gh_list_folder_has(const char *folder, const struct gh_db_snapshot *snapshot);
/* Remove all but the newest few, and never the one in use: a gate that has just read an older
 * manifest finds its snapshot. */
void gh_list_folder_clean(const char *folder, const struct gh_db_snapshot *in_use);
/* For reading; the caller closes *fd. GH_ERR_NOTFOUND also for what is no name. */
GH_MUST_CHECK enum gh_status gh_list_folder_open(const char *folder, const char *name, int *fd,
                                                 uint64_t *size);

#endif
