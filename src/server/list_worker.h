/* SPDX-License-Identifier: Apache-2.0 */
/* One thread, with a connection of its own, for what takes long about the list: snapshots, and
 * deltas of many changes. One thing after the other, in the order in which it was asked for. All
 * functions here are for the server's thread. */
#ifndef GATEHOUSE_SRC_SERVER_LIST_WORKER_H
#define GATEHOUSE_SRC_SERVER_LIST_WORKER_H

#include "gatehouse/clock.h"
#include "server/list_files.h"

struct gh_list_job {
    enum gh_list_job_kind { GH_LIST_JOB_SNAPSHOT, GH_LIST_JOB_DELTA } kind;
    struct gh_generation from; /* of a delta */
    /* done: */
    enum gh_status status; /* as gh_list_write_snapshot or gh_list_make_delta */
    struct gh_db_snapshot snapshot;
    struct gh_list_delta delta; /* of whoever takes the job */
};

struct gh_list_worker; /* opaque */

/* db: a connection is opened beside it. folder, area and clock outlive the worker. */
GH_MUST_CHECK enum gh_status gh_list_worker_new(const struct gh_db *db, const char *folder,
                                                const char *area, const struct gh_clock *clock,
                                                struct gh_list_worker **out, struct gh_error *err);
void gh_list_worker_free(struct gh_list_worker *worker); /* breaks off; NULL is fine */

#define GH_LIST_JOBS_MAX 8
/* list_key: borrowed until the job is taken. GH_ERR_EXISTS: such a job waits, runs or is to be
 * taken already; GH_ERR_BUSY: GH_LIST_JOBS_MAX do; GH_ERR_NOMEM. */
GH_MUST_CHECK enum gh_status gh_list_worker_ask(struct gh_list_worker *worker,
                                                enum gh_list_job_kind kind,
                                                const struct gh_generation *from,
                                                const struct gh_private_key *list_key);
int gh_list_worker_fd(const struct gh_list_worker *worker); /* readable: take */
/* The next one that is done, malloc'ed; NULL: none is. */
struct gh_list_job *gh_list_worker_take(struct gh_list_worker *worker);
void gh_list_job_free(struct gh_list_job *job); /* with its delta */
/* Break off and forget whatever was asked for: then nothing borrows a key any more. */
void gh_list_worker_drop(struct gh_list_worker *worker);

#endif
