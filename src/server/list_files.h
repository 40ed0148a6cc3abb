/* SPDX-License-Identifier: Apache-2.0 */
/* The list out of the database: as a snapshot's file, or as a delta's records. Long readings: any
 * thread, with a connection of its own. */
#ifndef GATEHOUSE_SRC_SERVER_LIST_FILES_H
#define GATEHOUSE_SRC_SERVER_LIST_FILES_H

#include <stdatomic.h>

#include "server/db_list.h"

#define GH_SNAPSHOT_NAME_BYTES (2 * GH_SHA256_BYTES + 1) /* its SHA-256 in hex, and NUL */

/* Write the snapshot of the generation that is the newest when it begins, put it durably into
 * folder under its SHA-256. now_s: for out->made_at. *stop (looked at now and then): GH_ERR_AGAIN.
 * Besides as the database, gh_snapshot_writer_finish and gh_file_commit. */
GH_MUST_CHECK enum gh_status gh_list_write_snapshot(struct gh_db *db, const char *folder,
                                                    int64_t now_s, const atomic_bool *stop,
                                                    struct gh_db_snapshot *out);

/* A delta that leads from one generation to another, signed; freed by gh_list_delta_clear. */
struct gh_list_delta {
    struct gh_generation from, to;
    uint8_t header[GH_DELTA_HEADER_MAX_BYTES];
    size_t header_size;
    uint8_t *records;
    size_t records_size;
};
/* From `from` to the newest. GH_ERR_NOTFOUND: none leads from there; GH_ERR_TOOBIG: it would be
 * larger than deltas may be. */
GH_MUST_CHECK enum gh_status gh_list_make_delta(struct gh_db *db,
                                                const struct gh_private_key *list_key,
                                                const char *area, const struct gh_generation *from,
                                                const atomic_bool *stop, struct gh_list_delta *out);
void gh_list_delta_clear(struct gh_list_delta *delta);

#endif
