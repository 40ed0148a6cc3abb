/* SPDX-License-Identifier: Apache-2.0 */
/* The list as the gates fetch it: the signed manifest, and the snapshots in state_dir/lists, named
 * by their SHA-256. Built when a gate asks and something has changed. */
#ifndef GATEHOUSE_SRC_SERVER_SNAPSHOT_H
#define GATEHOUSE_SRC_SERVER_SNAPSHOT_H

#include "gatehouse/clock.h"
#include "gatehouse/list.h"
#include "server/db.h"
#include "server/keys.h"

#define GH_MANIFEST_FRESH_S 60 /* an older one is signed anew */

struct gh_snapshots; /* opaque */

/* All pointers outlive it. Makes the folder. */
GH_MUST_CHECK enum gh_status gh_snapshots_new(const char *folder, struct gh_db *db,
                                              struct gh_server_keys *keys, const char *area,
                                              const struct gh_clock *clock,
                                              struct gh_snapshots **out, struct gh_error *err);
void gh_snapshots_free(struct gh_snapshots *snapshots);

/* The policy from now on; a changed one (or another area, or other keys than the last manifest's)
 * is a new generation. */
GH_MUST_CHECK enum gh_status gh_snapshots_set_policy(struct gh_snapshots *snapshots,
                                                     const struct gh_policy *policy);

/* The manifest of the current generation, whose snapshot is there; borrowed until the next call. */
GH_MUST_CHECK enum gh_status gh_snapshots_manifest(struct gh_snapshots *snapshots,
                                                   struct gh_bytes *out, struct gh_error *err);

/* A snapshot by name (64 lower-case hex digits), for reading; the caller closes *fd.
 * GH_ERR_NOTFOUND. */
GH_MUST_CHECK enum gh_status gh_snapshots_open(const struct gh_snapshots *snapshots,
                                               const char *name, int *fd, uint64_t *size);

#endif
