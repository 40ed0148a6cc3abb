/* SPDX-License-Identifier: Apache-2.0 */
/* Inside of the replay: the files of a folder, one after the other, also those that come later. */
#ifndef GATEHOUSE_SRC_GATE_CAMERA_REPLAY_H
#define GATEHOUSE_SRC_GATE_CAMERA_REPLAY_H

#include <stdbool.h>

#include "gatehouse/status.h"

struct gh_replay_folder; /* opaque */

/* The regular files that are there now, in name order; names that start with a dot or end in
 * ".part" are passed over. With follow, also those renamed or written and closed into it later, in
 * the order in which that happens. A file comes again only when another one of its name was put
 * there. */
GH_MUST_CHECK enum gh_status gh_replay_folder_open(const char *path, bool follow,
                                                   struct gh_replay_folder **out,
                                                   struct gh_error *err);
void gh_replay_folder_close(struct gh_replay_folder *folder);
/* The path of the next file, malloc'ed, the caller's; NULL: none now. */
char *gh_replay_folder_next(struct gh_replay_folder *folder);
/* Readable when something happened: then call update. -1 without follow, and while the folder is
 * not there. */
int gh_replay_folder_fd(const struct gh_replay_folder *folder);
/* Without waiting. GH_ERR_GONE: the folder was deleted or moved away, or still is; once it is there
 * again, all of its files are new. */
GH_MUST_CHECK enum gh_status gh_replay_folder_update(struct gh_replay_folder *folder,
                                                     struct gh_error *err);

#endif
