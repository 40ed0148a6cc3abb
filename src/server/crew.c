/* SPDX-License-Identifier: Apache-2.0 */
#include "server/crew.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "gatehouse/file.h"

#define THREADS_MAX 8

struct list {
    struct gh_job *first, **end;
};

struct gh_crew {
    int fd; /* eventfd: something is done */
    pthread_t threads[THREADS_MAX];
    unsigned running;
    pthread_mutex_t lock; /* of all below */
    pthread_cond_t changed;
    struct list waiting, done;
    bool stop;
};

static void append(struct list *list, struct gh_job *job)
{
    job->next = NULL;
    *list->end = job;
    list->end = &job->next;
}

static struct gh_job *take(struct list *list)
{
    struct gh_job *job = list->first;
    if (job == NULL)
        return NULL;
    list->first = job->next;
    if (list->first == NULL)
        list->end = &list->first;
    return job;
}

/* --- the threads --- */

static void *work(void *argument)
{
    struct gh_crew *crew = argument;
    pthread_mutex_lock(&crew->lock);
    while (!crew->stop) {
        struct gh_job *job = take(&crew->waiting);
        if (job == NULL) {
            pthread_cond_wait(&crew->changed, &crew->lock);
            continue;
        }
        pthread_mutex_unlock(&crew->lock);
        job->work(job);
        pthread_mutex_lock(&crew->lock);
    }
    pthread_mutex_unlock(&crew->lock);
    return NULL;
}

void gh_crew_finish(struct gh_crew *crew, struct gh_job *job)
{
    const uint64_t one = 1;
    pthread_mutex_lock(&crew->lock);
    append(&crew->done, job);
    pthread_mutex_unlock(&crew->lock);
    ssize_t written = write(crew->fd, &one, sizeof(one));
    (void)written; /* full: it has been told */
}

/* --- the server's side --- */

void gh_crew_give(struct gh_crew *crew, struct gh_job *job)
{
    job->called_off = false;
    pthread_mutex_lock(&crew->lock);
    append(&crew->waiting, job);
    pthread_cond_signal(&crew->changed);
    pthread_mutex_unlock(&crew->lock);
}

int gh_crew_fd(const struct gh_crew *crew)
{
    return crew->fd;
}

void gh_crew_deliver(struct gh_crew *crew)
{
    uint64_t count;
    ssize_t got = read(crew->fd, &count, sizeof(count));
    (void)got; /* nothing there: nothing is done either */
    for (;;) {
        pthread_mutex_lock(&crew->lock);
        struct gh_job *job = take(&crew->done);
        pthread_mutex_unlock(&crew->lock);
        if (job == NULL)
            return;
        job->done(job);
    }
}

/* --- life --- */

/* Signals are the server's thread's. */
static enum gh_status start(struct gh_crew *crew, unsigned threads, struct gh_error *err)
{
    sigset_t all, before;
    int failed = 0;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    while (failed == 0 && crew->running < threads && crew->running < THREADS_MAX) {
        failed = pthread_create(&crew->threads[crew->running], NULL, work, crew);
        crew->running += failed == 0;
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return failed == 0 ? GH_OK
                       : gh_fail(err, gh_status_from_errno(failed), "a thread cannot start: %s",
                                 strerror(failed));
}

enum gh_status gh_crew_new(unsigned threads, struct gh_crew **out, struct gh_error *err)
{
    *out = NULL;
    struct gh_crew *crew = calloc(1, sizeof(*crew));
    if (crew == NULL)
        return gh_fail(err, GH_ERR_NOMEM, "no memory for threads");
    pthread_mutex_init(&crew->lock, NULL);
    pthread_cond_init(&crew->changed, NULL);
    crew->waiting.end = &crew->waiting.first;
    crew->done.end = &crew->done.first;
    crew->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    enum gh_status status =
        crew->fd >= 0 ? GH_OK
                      : gh_fail(err, gh_status_from_errno(errno), "eventfd: %s", strerror(errno));
    if (status == GH_OK)
        status = start(crew, threads, err);
    if (status != GH_OK) {
        gh_crew_free(crew);
        return status;
    }
    *out = crew;
    return GH_OK;
}

void gh_crew_free(struct gh_crew *crew)
{
    struct gh_job *job;
    if (crew == NULL)
        return;
    pthread_mutex_lock(&crew->lock);
    crew->stop = true;
    pthread_cond_broadcast(&crew->changed);
    pthread_mutex_unlock(&crew->lock);
    for (unsigned i = 0; i < crew->running; i++)
        pthread_join(crew->threads[i], NULL);
    while ((job = take(&crew->waiting)) != NULL) {
        job->called_off = true;
        append(&crew->done, job);
    }
    gh_crew_deliver(crew);
    gh_cleanup_fd(&crew->fd);
    pthread_cond_destroy(&crew->changed);
    pthread_mutex_destroy(&crew->lock);
    free(crew);
}
