/* SPDX-License-Identifier: Apache-2.0 */
#include "server/upstream.h"

#include <errno.h>
#include <jansson.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "gatehouse/file.h"
#include "gatehouse/log.h"

#define MODULE "upstream"
#define WORKERS 4
#define ANSWER_MAX_BYTES 4096
#define BODY_BYTES (2 * GH_CODE_TEXT_MAX_BYTES + 64) /* every character may need a `\` */

struct gh_question {
    struct gh_question *next;
    gh_upstream_done_fn
        *done; /* NULL: nobody waits any more. The server's thread's, like context */
    void *context;
    int64_t deadline_ns;
    struct gh_upstream_answer answer;
    size_t size;
    char text[]; /* wiped when it is freed */
};

struct list {
    struct gh_question *first, **end;
    size_t count;
};

struct worker {
    struct gh_upstream *upstream;
    pthread_t thread;
    struct gh_transport transport; /* under the lock when it changes */
    bool connected;
    char body[BODY_BYTES];
};

struct gh_upstream {
    struct gh_upstream_settings settings;
    char token[GH_UPSTREAM_TOKEN_BYTES];
    int64_t deadline_ms;
    uint8_t holder_secret[GH_HOLDER_SECRET_BYTES];
    const struct gh_clock *clock;
    int fd; /* eventfd: something is done */
    struct worker workers[WORKERS];
    size_t running;
    pthread_mutex_t lock; /* of all below */
    pthread_cond_t changed;
    struct list waiting, done;
    bool stop;
};

/* --- lists of questions --- */

static void append(struct list *list, struct gh_question *question)
{
    question->next = NULL;
    *list->end = question;
    list->end = &question->next;
    list->count++;
}

static void empty(struct list *list)
{
    *list = (struct list){.end = &list->first};
}

static struct gh_question *take(struct list *list)
{
    struct gh_question *question = list->first;
    if (question == NULL)
        return NULL;
    list->first = question->next;
    if (--list->count == 0)
        list->end = &list->first;
    return question;
}

static void question_free(struct gh_question *question)
{
    gh_wipe(question, sizeof(*question) + question->size);
    free(question);
}

/* --- a worker --- */

/* Fits always: see BODY_BYTES. 0: no memory. */
static size_t write_body(const struct gh_question *question, char body[BODY_BYTES])
{
    json_t *code = json_stringn(question->text, question->size);
    json_t *json = json_pack("{s:O, s:s}", "code", code, "purpose", "entry");
    size_t size = json != NULL ? json_dumpb(json, body, BODY_BYTES, JSON_COMPACT) : 0;
    /* jansson leaves its texts as they are when it frees them. */
    if (code != NULL)
        gh_wipe((char *)(uintptr_t)json_string_value(code), json_string_length(code));
    json_decref(json);
    json_decref(code);
    return size <= BODY_BYTES ? size : 0;
}

static enum gh_status connect_worker(struct worker *worker, struct gh_error *err)
{
    struct gh_upstream *upstream = worker->upstream;
    struct gh_transport transport;
    const struct gh_http_options options = {
        .base_url = upstream->settings.base_url,
        .ca_file = upstream->settings.ca_file,
        .pin = upstream->settings.pin_text[0] != '\0' ? upstream->settings.pin : NULL,
    };
    if (worker->connected)
        return GH_OK;
    enum gh_status status = gh_http_new(&options, &transport, err);
    if (status != GH_OK)
        return status;
    pthread_mutex_lock(&upstream->lock);
    worker->transport = transport;
    worker->connected = true;
    if (upstream->stop) /* which came before there was something to cancel */
        transport.cancel(transport.context);
    pthread_mutex_unlock(&upstream->lock);
    return GH_OK;
}

static void say_failure(enum gh_status status, const struct gh_http_response *response,
                        const struct gh_error *err)
{
    if (status == GH_ERR_REFUSED)
        gh_log(GH_LOG_WARNING, MODULE, "the authority answered %d%s", response->status,
               response->status == 401 || response->status == 403 ? ": is the token right?" : "");
    else if (status == GH_ERR_CORRUPT)
        gh_log(GH_LOG_WARNING, MODULE, "what the authority answered is no answer");
    else if (status != GH_OK && status != GH_ERR_AGAIN)
        gh_log(GH_LOG_WARNING, MODULE, "the authority cannot be asked: %s",
               err->text[0] != '\0' ? err->text : gh_status_text(status));
}

static enum gh_status ask(struct worker *worker, const struct gh_question *question, int64_t now_ns,
                          struct gh_http_response *response, struct gh_error *err)
{
    const struct gh_upstream *upstream = worker->upstream;
    enum gh_status status = connect_worker(worker, err);
    size_t size = status == GH_OK ? write_body(question, worker->body) : 0;
    if (status != GH_OK || size == 0)
        return status != GH_OK ? status : GH_ERR_NOMEM;
    const struct gh_http_request request = {
        .method = "POST",
        .path = upstream->settings.path,
        .bearer = upstream->token,
        .content_type = "application/json",
        .body = {(const uint8_t *)worker->body, size},
        .timeout_ms = (question->deadline_ns - now_ns) / GH_NS_PER_MS + 1,
        .max_response_bytes = ANSWER_MAX_BYTES,
    };
    status = worker->transport.perform(worker->transport.context, &request, response, err);
    gh_wipe(worker->body, size);
    return status;
}

static void answer(struct worker *worker, struct gh_question *question)
{
    struct gh_upstream *upstream = worker->upstream;
    struct gh_http_response response = {0};
    struct gh_error err = {0};
    int64_t now_ns = gh_clock_monotonic_ns(upstream->clock);
    enum gh_status status = GH_ERR_TIMEOUT; /* in the queue already */
    if (now_ns < question->deadline_ns)
        status = ask(worker, question, now_ns, &response, &err);
    question->answer.status = status;
    if (status == GH_OK)
        question->answer =
            gh_upstream_read(&response, upstream->holder_secret, gh_clock_wall_s(upstream->clock));
    say_failure(question->answer.status, &response, &err);
    if (response.body != NULL)
        gh_wipe(response.body, response.size);
    gh_http_response_free(&response);
}

static void ring(const struct gh_upstream *upstream)
{
    const uint64_t one = 1;
    ssize_t written = write(upstream->fd, &one, sizeof(one));
    (void)written; /* full: it has been told */
}

static void *worker_main(void *argument)
{
    struct worker *worker = argument;
    struct gh_upstream *upstream = worker->upstream;
    pthread_mutex_lock(&upstream->lock);
    while (!upstream->stop) {
        struct gh_question *question = take(&upstream->waiting);
        if (question == NULL) {
            pthread_cond_wait(&upstream->changed, &upstream->lock);
            continue;
        }
        pthread_mutex_unlock(&upstream->lock);
        answer(worker, question);
        pthread_mutex_lock(&upstream->lock);
        append(&upstream->done, question);
        ring(upstream);
    }
    pthread_mutex_unlock(&upstream->lock);
    return NULL;
}

/* --- the server's side --- */

enum gh_status gh_upstream_ask(struct gh_upstream *upstream, struct gh_bytes text,
                               gh_upstream_done_fn *done, void *context, struct gh_question **out)
{
    *out = NULL;
    struct gh_question *question = calloc(1, sizeof(*question) + text.size);
    if (question == NULL)
        return GH_ERR_NOMEM;
    question->done = done;
    question->context = context;
    question->deadline_ns =
        gh_clock_monotonic_ns(upstream->clock) + upstream->deadline_ms * GH_NS_PER_MS;
    question->size = text.size;
    memcpy(question->text, text.data, text.size);
    pthread_mutex_lock(&upstream->lock);
    bool full = upstream->waiting.count >= GH_UPSTREAM_WAITING_MAX;
    if (!full) {
        append(&upstream->waiting, question);
        pthread_cond_signal(&upstream->changed);
    }
    pthread_mutex_unlock(&upstream->lock);
    if (full) {
        question_free(question);
        return GH_ERR_BUSY;
    }
    *out = question;
    return GH_OK;
}

void gh_upstream_forget(struct gh_question *question)
{
    question->done = NULL;
}

int gh_upstream_fd(const struct gh_upstream *upstream)
{
    return upstream->fd;
}

void gh_upstream_deliver(struct gh_upstream *upstream)
{
    uint64_t count;
    ssize_t got = read(upstream->fd, &count, sizeof(count));
    (void)got; /* nothing there: nothing is done either */
    for (;;) {
        pthread_mutex_lock(&upstream->lock);
        struct gh_question *question = take(&upstream->done);
        pthread_mutex_unlock(&upstream->lock);
        if (question == NULL)
            return;
        if (question->done != NULL)
            question->done(question->context, &question->answer);
        question_free(question);
    }
}

/* --- life --- */

/* Signals are the server's thread's. */
static enum gh_status start_workers(struct gh_upstream *upstream, struct gh_error *err)
{
    sigset_t all, before;
    int failed = 0;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    while (failed == 0 && upstream->running < WORKERS) {
        struct worker *worker = &upstream->workers[upstream->running];
        worker->upstream = upstream;
        failed = pthread_create(&worker->thread, NULL, worker_main, worker);
        upstream->running += failed == 0;
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return failed == 0 ? GH_OK
                       : gh_fail(err, gh_status_from_errno(failed), "a thread cannot start: %s",
                                 strerror(failed));
}

enum gh_status gh_upstream_new(const struct gh_upstream_settings *settings, int64_t deadline_ms,
                               const uint8_t holder_secret[GH_HOLDER_SECRET_BYTES],
                               const struct gh_clock *clock, struct gh_upstream **out,
                               struct gh_error *err)
{
    *out = NULL;
    struct gh_upstream *upstream = calloc(1, sizeof(*upstream));
    if (upstream == NULL)
        return gh_fail(err, GH_ERR_NOMEM, "no memory to ask upstream");
    upstream->settings = *settings;
    upstream->deadline_ms = deadline_ms;
    memcpy(upstream->holder_secret, holder_secret, sizeof(upstream->holder_secret));
    upstream->clock = clock;
    pthread_mutex_init(&upstream->lock, NULL);
    pthread_cond_init(&upstream->changed, NULL);
    empty(&upstream->waiting);
    empty(&upstream->done);
    upstream->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    enum gh_status status = upstream->fd >= 0 ? GH_OK
                                              : gh_fail(err, gh_status_from_errno(errno),
                                                        "eventfd: %s", strerror(errno));
    if (status == GH_OK)
        status = gh_upstream_token_load(settings, upstream->token, err);
    if (status == GH_OK)
        status = start_workers(upstream, err);
    if (status != GH_OK) {
        gh_upstream_free(upstream);
        return status;
    }
    *out = upstream;
    return GH_OK;
}

static void stop_workers(struct gh_upstream *upstream)
{
    pthread_mutex_lock(&upstream->lock);
    upstream->stop = true;
    pthread_cond_broadcast(&upstream->changed);
    for (size_t i = 0; i < upstream->running; i++)
        if (upstream->workers[i].connected)
            upstream->workers[i].transport.cancel(upstream->workers[i].transport.context);
    pthread_mutex_unlock(&upstream->lock);
    for (size_t i = 0; i < upstream->running; i++) {
        struct worker *worker = &upstream->workers[i];
        pthread_join(worker->thread, NULL);
        if (worker->connected)
            worker->transport.free(worker->transport.context);
    }
}

void gh_upstream_free(struct gh_upstream *upstream)
{
    struct gh_question *question;
    if (upstream == NULL)
        return;
    stop_workers(upstream);
    while ((question = take(&upstream->waiting)) != NULL) {
        question->answer.status = GH_ERR_AGAIN;
        append(&upstream->done, question);
    }
    gh_upstream_deliver(upstream);
    gh_cleanup_fd(&upstream->fd);
    pthread_cond_destroy(&upstream->changed);
    pthread_mutex_destroy(&upstream->lock);
    gh_wipe(upstream, sizeof(*upstream));
    free(upstream);
}
