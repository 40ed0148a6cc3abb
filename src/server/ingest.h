/* SPDX-License-Identifier: Apache-2.0 */
/* Batches of entries on their way into the database, beside the server's thread: two threads
 * unpack, read and check them, and whichever finds the store free writes all that are ready in one
 * transaction. All functions are for the server's thread. */
#ifndef GATEHOUSE_SRC_SERVER_INGEST_H
#define GATEHOUSE_SRC_SERVER_INGEST_H

#include "gatehouse/clock.h"
#include "server/batch.h"

/* A second of work on a board's disk, and well below the ten that a gate waits for. */
#define GH_INGEST_WAITING_MAX 256
#define GH_INGEST_WAITING_BYTES (INT64_C(32) << 20)
#define GH_INGEST_KEYS_MAX 64

enum gh_coding { GH_CODING_PLAIN, GH_CODING_ZSTD }; /* of a body */

struct gh_ingest_answer {
    /* GH_OK: durable. GH_ERR_INVALID: no batch, err says why; GH_ERR_TOOBIG: it unpacks to more
     * than GH_BATCH_MAX_BYTES; GH_ERR_AGAIN: called off. Else why nothing could be stored. */
    enum gh_status status;
    struct gh_error err;
    struct gh_batch batch; /* what became of each */
    struct gh_db_batch result;
};
/* Called once for each batch, by gh_ingest_deliver or gh_ingest_free. */
typedef void gh_ingest_done_fn(void *context, const struct gh_ingest_answer *answer);

struct gh_ingest;  /* opaque */
struct gh_sending; /* opaque: a batch on its way */

/* db and clock outlive *out. */
GH_MUST_CHECK enum gh_status gh_ingest_new(const struct gh_db *db, const struct gh_clock *clock,
                                           struct gh_ingest **out, struct gh_error *err);
/* What is being stored is stored, the rest called off; all is delivered. NULL is fine. */
void gh_ingest_free(struct gh_ingest *ingest);
/* One more list key that receipts may be signed with; raw, Ed25519. GH_ERR_TOOBIG: there are
 * GH_INGEST_KEYS_MAX; GH_OK also when it is known. */
GH_MUST_CHECK enum gh_status gh_ingest_add_key(struct gh_ingest *ingest, const uint8_t raw[32]);

/* All of them as of now; for any thread, as long as the ingest lives. */
struct gh_receipt_keys gh_ingest_keys(const struct gh_ingest *ingest);

/* Never blocks. Takes body over, malloc'ed; not on error. GH_ERR_BUSY: as many wait as may;
 * GH_ERR_NOMEM. */
GH_MUST_CHECK enum gh_status gh_ingest_give(struct gh_ingest *ingest, gh_id gate, uint8_t *body,
                                            size_t size, enum gh_coding coding,
                                            gh_ingest_done_fn *done, void *context,
                                            struct gh_sending **out);
/* Nobody waits for it any more: done is not called. It is stored all the same. */
void gh_ingest_forget(struct gh_sending *sending);
/* How many of the gate's are on their way. */
size_t gh_ingest_count(const struct gh_ingest *ingest, gh_id gate);
/* When one that was GH_ERR_BUSY should come again, in seconds: each is given a second of which not
 * too many were given away before, so that thousands that come at once come back at about the rate
 * at which they can be taken. */
int64_t gh_ingest_retry_s(struct gh_ingest *ingest);

int gh_ingest_fd(const struct gh_ingest *ingest); /* readable: deliver */
void gh_ingest_deliver(struct gh_ingest *ingest);

#endif
