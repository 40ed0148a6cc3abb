/* SPDX-License-Identifier: Apache-2.0 */
#include "server/list_worker.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "gatehouse/file.h"

struct asked {
    struct gh_list_job job; /* first: it stands for all of it */
    const struct gh_private_key *key;
};

struct gh_list_worker {
    struct gh_db *db; /* the thread's */
    const char *folder, *area;
    const struct gh_clock *clock;
    pthread_t thread;
    bool started;
    int ready;        /* eventfd */
    atomic_bool stop; /* what is being done */
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    /* under the mutex: */
    struct asked *jobs[GH_LIST_JOBS_MAX]; /* waiting, in order */
    size_t waiting;
    struct asked *running;
    struct asked *done[GH_LIST_JOBS_MAX];
    size_t done_count;
    bool end;
};

/* Of one or more. */
static struct asked *take_first(struct asked *queue[GH_LIST_JOBS_MAX], size_t *count)
{
    struct asked *first = queue[0];
    --*count;
    for (size_t i = 0; i < *count; i++)
        queue[i] = queue[i + 1];
    return first;
}

/* --- the thread --- */

static void work_on(struct gh_list_worker *worker, struct asked *asked)
{
    struct gh_list_job *job = &asked->job;
    if (job->kind == GH_LIST_JOB_SNAPSHOT)
        job->status =
            gh_list_write_snapshot(worker->db, worker->folder, gh_clock_wall_s(worker->clock),
                                   &worker->stop, &job->snapshot);
    else
        job->status = gh_list_make_delta(worker->db, asked->key, worker->area, &job->from,
                                         &worker->stop, &job->delta);
}

static void tell(const struct gh_list_worker *worker)
{
    const uint64_t one = 1;
    ssize_t written = write(worker->ready, &one, sizeof(one));
    (void)written; /* full: it has been told */
}

static struct asked *next(struct gh_list_worker *worker)
{
    while (worker->waiting == 0 && !worker->end)
        pthread_cond_wait(&worker->changed, &worker->mutex);
    if (worker->end)
        return NULL;
    worker->running = take_first(worker->jobs, &worker->waiting);
    return worker->running;
}

static void *run(void *context)
{
    struct gh_list_worker *worker = context;
    struct asked *asked;
    pthread_mutex_lock(&worker->mutex);
    while ((asked = next(worker)) != NULL) {
        pthread_mutex_unlock(&worker->mutex);
        work_on(worker, asked);
        pthread_mutex_lock(&worker->mutex);
        worker->running = NULL;
        worker->done[worker->done_count++] = asked;
        pthread_cond_broadcast(&worker->changed);
        tell(worker);
    }
    pthread_mutex_unlock(&worker->mutex);
    return NULL;
}

/* --- life --- */

static enum gh_status start_thread(struct gh_list_worker *worker)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before); /* signals are the server's */
    worker->started = pthread_create(&worker->thread, NULL, run, worker) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return worker->started ? GH_OK : GH_ERR_NOMEM;
}

enum gh_status gh_list_worker_new(const struct gh_db *db, const char *folder, const char *area,
                                  const struct gh_clock *clock, struct gh_list_worker **out,
                                  struct gh_error *err)
{
    *out = NULL;
    struct gh_list_worker *worker = calloc(1, sizeof(*worker));
    if (worker == NULL)
        return gh_fail(err, GH_ERR_NOMEM, "no memory for the list");
    worker->folder = folder;
    worker->area = area;
    worker->clock = clock;
    pthread_mutex_init(&worker->mutex, NULL);
    pthread_cond_init(&worker->changed, NULL);
    worker->ready = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    enum gh_status status = worker->ready < 0 ? GH_ERR_NOMEM : GH_OK;
    if (status == GH_OK)
        status = gh_db_open_beside(db, true, &worker->db, err);
    if (status == GH_OK)
        status = start_thread(worker);
    if (status != GH_OK) {
        gh_list_worker_free(worker);
        return gh_fail(err, status, "the list's thread does not start");
    }
    *out = worker;
    return GH_OK;
}

static void free_asked(struct asked *asked)
{
    if (asked != NULL)
        gh_list_delta_clear(&asked->job.delta);
    free(asked);
}

/* Under the mutex. */
static void drop_all(struct gh_list_worker *worker)
{
    for (size_t i = 0; i < worker->waiting; i++)
        free_asked(worker->jobs[i]);
    for (size_t i = 0; i < worker->done_count; i++)
        free_asked(worker->done[i]);
    worker->waiting = worker->done_count = 0;
}

void gh_list_worker_drop(struct gh_list_worker *worker)
{
    pthread_mutex_lock(&worker->mutex);
    drop_all(worker);
    atomic_store(&worker->stop, true);
    while (worker->running != NULL)
        pthread_cond_wait(&worker->changed, &worker->mutex);
    atomic_store(&worker->stop, false);
    drop_all(worker);
    pthread_mutex_unlock(&worker->mutex);
}

void gh_list_worker_free(struct gh_list_worker *worker)
{
    if (worker == NULL)
        return;
    if (worker->started) {
        pthread_mutex_lock(&worker->mutex);
        worker->end = true;
        atomic_store(&worker->stop, true);
        pthread_cond_broadcast(&worker->changed);
        pthread_mutex_unlock(&worker->mutex);
        pthread_join(worker->thread, NULL);
    }
    drop_all(worker);
    gh_db_close(worker->db);
    gh_cleanup_fd(&worker->ready);
    pthread_cond_destroy(&worker->changed);
    pthread_mutex_destroy(&worker->mutex);
    free(worker);
}

/* --- asking --- */

static bool is_same(const struct asked *asked, enum gh_list_job_kind kind,
                    const struct gh_generation *from)
{
    return asked != NULL && asked->job.kind == kind &&
           (kind == GH_LIST_JOB_SNAPSHOT || gh_generation_same(&asked->job.from, from));
}

/* Under the mutex. */
static enum gh_status look(const struct gh_list_worker *worker, enum gh_list_job_kind kind,
                           const struct gh_generation *from)
{
    bool there = is_same(worker->running, kind, from);
    for (size_t i = 0; i < worker->waiting; i++)
        there |= is_same(worker->jobs[i], kind, from);
    for (size_t i = 0; i < worker->done_count; i++)
        there |= is_same(worker->done[i], kind, from);
    size_t count = worker->waiting + worker->done_count + (worker->running != NULL ? 1 : 0);
    return there ? GH_ERR_EXISTS : count == GH_LIST_JOBS_MAX ? GH_ERR_BUSY : GH_OK;
}

enum gh_status gh_list_worker_ask(struct gh_list_worker *worker, enum gh_list_job_kind kind,
                                  const struct gh_generation *from,
                                  const struct gh_private_key *list_key)
{
    struct asked *asked = calloc(1, sizeof(*asked));
    if (asked == NULL)
        return GH_ERR_NOMEM;
    asked->job.kind = kind;
    asked->job.from = from != NULL ? *from : (struct gh_generation){0};
    asked->key = list_key;
    pthread_mutex_lock(&worker->mutex);
    enum gh_status status = look(worker, kind, from);
    if (status == GH_OK) {
        worker->jobs[worker->waiting++] = asked;
        pthread_cond_broadcast(&worker->changed);
    }
    pthread_mutex_unlock(&worker->mutex);
    if (status != GH_OK)
        free(asked);
    return status;
}

int gh_list_worker_fd(const struct gh_list_worker *worker)
{
    return worker->ready;
}

struct gh_list_job *gh_list_worker_take(struct gh_list_worker *worker)
{
    struct asked *asked = NULL;
    uint64_t count;
    pthread_mutex_lock(&worker->mutex);
    if (worker->done_count > 0) {
        asked = take_first(worker->done, &worker->done_count);
    } else {
        ssize_t got = read(worker->ready, &count, sizeof(count));
        (void)got; /* nothing there: not told anew since */
    }
    pthread_mutex_unlock(&worker->mutex);
    return asked != NULL ? &asked->job : NULL;
}

void gh_list_job_free(struct gh_list_job *job)
{
    free_asked((struct asked *)job);
}
