/* SPDX-License-Identifier: Apache-2.0 */
/* A snapshot: what its writer and its reader share, and the reader. docs/protocol.md, section 4. */
#ifndef GATEHOUSE_SRC_LIST_SNAPSHOT_H
#define GATEHOUSE_SRC_LIST_SNAPSHOT_H

#include "list/record.h"

#define GH_SNAPSHOT_VERSION 2
#define GH_SNAPSHOT_WINDOW_LOG 21 /* 2 MiB, for both sides */
#define GH_SNAPSHOT_BLOCK_ROWS 4096
/* No block is longer: the longest has a hash and a time in each row. */
#define GH_SNAPSHOT_BLOCK_MAX_BYTES                                                                \
    ((size_t)(GH_REVOCATION_BYTES + 8) * GH_SNAPSHOT_BLOCK_ROWS + 64)

/* What one file may hold, so that nothing that counts or points to a row overflows. */
#define GH_SNAPSHOT_HOMES_MAX (UINT64_C(16) << 20)
#define GH_SNAPSHOT_ROWS_MAX (UINT64_C(64) << 20) /* of any other kind */

/* The kinds of the last block's counts, in its order. */
#define GH_SNAPSHOT_COUNTS                                                                         \
    GH_RECORD_HOME, GH_RECORD_SUBJECT, GH_RECORD_FURTHER, GH_RECORD_REVOKED, GH_RECORD_RECALLED,   \
        GH_RECORD_HASH, GH_RECORD_HOLDER, GH_RECORD_KEY

/* Called for each row in turn, further homes being part of their person; what it borrows is there
 * until it returns. Anything but GH_OK ends the reading. */
typedef enum gh_status gh_snapshot_fn(void *context, const struct gh_record *record);

/* Reads fd (borrowed) from where it stands to its end. GH_ERR_CORRUPT, with a sentence, for
 * anything that is not a snapshot, whole; GH_ERR_IO, GH_ERR_NOMEM; GH_ERR_AGAIN when *cancel (NULL:
 * never) became true; or what each returned. Memory: window, one block, and 8 bytes a home. */
GH_MUST_CHECK enum gh_status gh_snapshot_read(int fd, gh_snapshot_fn *each, void *context,
                                              const atomic_bool *cancel, struct gh_error *err);

#endif
