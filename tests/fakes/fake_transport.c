/* SPDX-License-Identifier: Apache-2.0 */
#include "fakes/fake_transport.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "fakes/deadline.h"
#include "gatehouse/compress.h"

#define PIECE_BYTES 100 /* of what goes to a sink */

static struct gh_fake_transport *current; /* a gh_connect_fn has no context */

struct connection {
    struct gh_fake_transport *fake;
    unsigned number;
    bool cancelled, performing; /* under the fake's lock */
};

/* --- what was asked --- */

static void copy_body(struct gh_fake_request *note, const struct gh_http_request *request)
{
    note->sent_bytes = note->size = request->body.size;
    if (strcmp(note->content_encoding, "zstd") == 0) {
        if (gh_zstd_decompress(request->body, 16 << 20, &note->body, &note->size) != GH_OK)
            abort();
        return;
    }
    note->body = calloc(1, request->body.size + 1);
    if (!note->body)
        abort();
    if (request->body.size > 0)
        memcpy(note->body, request->body.data, request->body.size);
}

static void write_down(struct connection *connection, const struct gh_http_request *request)
{
    struct gh_fake_transport *fake = connection->fake;

    /* What no caller may do. */
    if (!request->method || !request->path || request->path[0] != '/' || request->timeout_ms <= 0)
        abort();
    if (fake->request_count == GH_FAKE_REQUESTS_MAX)
        abort();
    struct gh_fake_request *note = &fake->requests[fake->request_count++];
    *note = (struct gh_fake_request){
        .timeout_ms = request->timeout_ms,
        .stall_ms = request->stall_ms,
        .at_ns = gh_clock_monotonic_ns(&fake->clock->clock),
        .max_response_bytes = request->max_response_bytes,
        .range_from = request->range_from,
        .connection = connection->number,
    };
    snprintf(note->method, sizeof(note->method), "%s", request->method);
    snprintf(note->path, sizeof(note->path), "%s", request->path);
    snprintf(note->bearer, sizeof(note->bearer), "%s", request->bearer ? request->bearer : "");
    snprintf(note->content_type, sizeof(note->content_type), "%s",
             request->content_type ? request->content_type : "");
    snprintf(note->content_encoding, sizeof(note->content_encoding), "%s",
             request->content_encoding ? request->content_encoding : "");
    copy_body(note, request);
}

/* But for the query, unless it is asked for. */
static bool is_path(const char *asked, const char *path)
{
    size_t size = strchr(path, '?') ? strlen(asked) : strcspn(asked, "?");

    return strlen(path) == size && strncmp(asked, path, size) == 0;
}

/* --- what is answered --- */

static bool find_answer(struct gh_fake_transport *fake, const char *path,
                        struct gh_fake_answer *out)
{
    for (size_t i = 0; i < fake->answer_count; i++) {
        struct gh_fake_answer *answer = &fake->answers[i];
        if (answer->times == 0 || !is_path(path, answer->path))
            continue;
        *out = *answer;
        if (answer->times != GH_FAKE_FOREVER)
            answer->times--;
        return true;
    }
    return false;
}

static enum gh_status scripted(const struct gh_fake_answer *answer,
                               struct gh_http_response *response)
{
    size_t size = answer->body && answer->size == 0 ? strlen(answer->body) : answer->size;

    response->status = answer->status == 0 ? 200 : answer->status;
    response->retry_after_s = answer->retry_after_s == 0 ? -1 : answer->retry_after_s;
    response->date_s = answer->date_s == 0 ? -1 : answer->date_s;
    response->body = calloc(1, size + 1);
    if (!response->body)
        abort();
    if (size > 0)
        memcpy(response->body, answer->body, size);
    response->size = size;
    return GH_OK;
}

/* As the server of a snapshot does: from where it was asked for, in pieces. */
static enum gh_status sink(const struct gh_fake_answer *answer,
                           const struct gh_http_request *request, struct gh_http_response *made,
                           struct gh_error *err)
{
    uint64_t from = answer->no_ranges ? 0 : request->range_from;

    if (from >= made->size && from > 0) {
        made->status = 416;
        made->size = 0;
        return GH_OK;
    }
    made->status = from > 0 ? 206 : 200;
    size_t end = made->size;
    if (answer->cut && answer->cut_after < end - from)
        end = from + answer->cut_after;
    if (end > from && request->begin && !request->begin(request->sink_context, made->status, from))
        return gh_fail(err, GH_ERR_AGAIN, "it began, and that was enough");
    for (size_t at = from, size; at < end; at += size) {
        size = end - at < PIECE_BYTES ? end - at : PIECE_BYTES;
        if (!request->sink(request->sink_context, (struct gh_bytes){made->body + at, size}))
            return gh_fail(err, GH_ERR_AGAIN, "that was enough");
    }
    bool cut = answer->cut && end < made->size;
    made->size = 0;
    made->body[0] = 0;
    return cut ? gh_fail(err, GH_ERR_NETWORK, "the line broke") : GH_OK;
}

static enum gh_status make(const struct gh_fake_answer *answer,
                           const struct gh_http_request *request, struct gh_http_response *response,
                           struct gh_error *err)
{
    struct gh_http_response made = {.retry_after_s = -1, .date_s = -1};

    if (answer->failure != GH_OK)
        return gh_fail(err, answer->failure, "the fake server was told to fail");
    enum gh_status status = answer->handler ? answer->handler(answer->context, request, &made)
                                            : scripted(answer, &made);
    snprintf(made.content_type, sizeof(made.content_type), "%s",
             answer->content_type ? answer->content_type : "application/cbor");
    if (status == GH_OK && made.size > request->max_response_bytes)
        status = gh_fail(err, GH_ERR_TOOBIG, "the answer is too long");
    else if (status == GH_OK && request->sink && made.status == 200)
        status = sink(answer, request, &made, err);
    if (status != GH_OK) {
        free(made.body);
        return gh_fail(err, status, "the fake server's handler failed");
    }
    *response = made;
    return GH_OK;
}

/* With the lock. */
static enum gh_status block(struct connection *connection, const struct gh_http_request *request)
{
    struct gh_fake_transport *fake = connection->fake;
    struct timespec until = deadline_after(request->timeout_ms);
    int waited = 0;

    fake->waiting++;
    pthread_cond_broadcast(&fake->changed);
    while (!connection->cancelled && waited != ETIMEDOUT)
        waited = pthread_cond_timedwait(&fake->changed, &fake->lock, &until);
    fake->waiting--;
    return connection->cancelled ? GH_ERR_AGAIN : GH_ERR_TIMEOUT;
}

static enum gh_status perform(void *context, const struct gh_http_request *request,
                              struct gh_http_response *response, struct gh_error *err)
{
    struct connection *connection = context;
    struct gh_fake_transport *fake = connection->fake;
    struct gh_fake_answer answer = {.failure = GH_ERR_NETWORK};
    enum gh_status status = GH_OK;

    memset(response, 0, sizeof(*response));
    response->retry_after_s = response->date_s = -1;
    pthread_mutex_lock(&fake->lock);
    if (connection->performing)
        abort(); /* from one thread at a time */
    connection->performing = true;
    write_down(connection, request);
    (void)find_answer(fake, request->path, &answer);
    if (answer.blocks)
        status = block(connection, request);
    if (connection->cancelled) {
        connection->cancelled = false;
        status = GH_ERR_AGAIN;
    }
    pthread_mutex_unlock(&fake->lock);

    gh_fake_clock_advance_ms(fake->clock, answer.takes_ms);
    if (status == GH_OK)
        status = make(&answer, request, response, err);
    else
        gh_fail(err, status, "%s", gh_status_text(status));
    pthread_mutex_lock(&fake->lock);
    connection->performing = false;
    pthread_mutex_unlock(&fake->lock);
    return status;
}

static void cancel(void *context)
{
    struct connection *connection = context;
    struct gh_fake_transport *fake = connection->fake;

    pthread_mutex_lock(&fake->lock);
    connection->cancelled = true;
    pthread_cond_broadcast(&fake->changed);
    pthread_mutex_unlock(&fake->lock);
}

static void release(void *context)
{
    struct connection *connection = context;
    struct gh_fake_transport *fake = connection->fake;

    pthread_mutex_lock(&fake->lock);
    fake->frees++;
    pthread_mutex_unlock(&fake->lock);
    free(connection);
}

enum gh_status gh_fake_connect(const struct gh_http_options *options, struct gh_transport *out,
                               struct gh_error *err)
{
    struct gh_fake_transport *fake = current;
    struct connection *connection;

    memset(out, 0, sizeof(*out));
    pthread_mutex_lock(&fake->lock);
    if (fake->connect_failure != GH_OK) {
        pthread_mutex_unlock(&fake->lock);
        return gh_fail(err, fake->connect_failure, "the fake server was told not to connect");
    }
    connection = calloc(1, sizeof(*connection));
    if (!connection)
        abort();
    connection->fake = fake;
    connection->number = ++fake->connects;
    snprintf(fake->base_url, sizeof(fake->base_url), "%s", options->base_url);
    snprintf(fake->ca_file, sizeof(fake->ca_file), "%s", options->ca_file ? options->ca_file : "");
    fake->allow_insecure = options->allow_insecure;
    fake->has_pin = options->pin != NULL;
    if (options->pin)
        memcpy(fake->pin, options->pin, sizeof(fake->pin));
    pthread_mutex_unlock(&fake->lock);
    *out = (struct gh_transport){perform, cancel, release, connection};
    return GH_OK;
}

/* --- for tests --- */

void gh_fake_transport_init(struct gh_fake_transport *fake, struct gh_fake_clock *clock)
{
    pthread_condattr_t attributes;

    memset(fake, 0, sizeof(*fake));
    fake->clock = clock;
    pthread_mutex_init(&fake->lock, NULL);
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&fake->changed, &attributes);
    pthread_condattr_destroy(&attributes);
    current = fake;
}

void gh_fake_transport_forget_answers(struct gh_fake_transport *fake)
{
    pthread_mutex_lock(&fake->lock);
    fake->answer_count = 0;
    pthread_mutex_unlock(&fake->lock);
}

void gh_fake_transport_forget_requests(struct gh_fake_transport *fake)
{
    pthread_mutex_lock(&fake->lock);
    for (size_t i = 0; i < fake->request_count; i++)
        free(fake->requests[i].body);
    fake->request_count = 0;
    pthread_mutex_unlock(&fake->lock);
}

void gh_fake_transport_forget(struct gh_fake_transport *fake)
{
    gh_fake_transport_forget_answers(fake);
    gh_fake_transport_forget_requests(fake);
}

void gh_fake_transport_destroy(struct gh_fake_transport *fake)
{
    gh_fake_transport_forget(fake);
    pthread_cond_destroy(&fake->changed);
    pthread_mutex_destroy(&fake->lock);
    if (current == fake)
        current = NULL;
}

void gh_fake_transport_add(struct gh_fake_transport *fake, const struct gh_fake_answer *answer)
{
    pthread_mutex_lock(&fake->lock);
    if (fake->answer_count == GH_FAKE_ANSWERS_MAX)
        abort();
    struct gh_fake_answer *added = &fake->answers[fake->answer_count++];
    *added = *answer;
    if (added->times == 0)
        added->times = 1;
    pthread_mutex_unlock(&fake->lock);
}

const struct gh_fake_request *gh_fake_transport_request(struct gh_fake_transport *fake,
                                                        const char *path, size_t index)
{
    const struct gh_fake_request *found = NULL;

    pthread_mutex_lock(&fake->lock);
    for (size_t i = 0; i < fake->request_count && !found; i++) {
        if (is_path(fake->requests[i].path, path) && index-- == 0)
            found = &fake->requests[i];
    }
    pthread_mutex_unlock(&fake->lock);
    return found;
}

size_t gh_fake_transport_count(struct gh_fake_transport *fake, const char *path)
{
    size_t count = 0;

    pthread_mutex_lock(&fake->lock);
    for (size_t i = 0; i < fake->request_count; i++)
        count += is_path(fake->requests[i].path, path);
    pthread_mutex_unlock(&fake->lock);
    return count;
}

bool gh_fake_transport_wait_all_blocked(struct gh_fake_transport *fake, unsigned count,
                                        int64_t timeout_ms)
{
    struct timespec until = deadline_after(timeout_ms);
    int waited = 0;

    pthread_mutex_lock(&fake->lock);
    while (fake->waiting < count && waited != ETIMEDOUT)
        waited = pthread_cond_timedwait(&fake->changed, &fake->lock, &until);
    bool blocked = fake->waiting >= count;
    pthread_mutex_unlock(&fake->lock);
    return blocked;
}

bool gh_fake_transport_wait_blocked(struct gh_fake_transport *fake, int64_t timeout_ms)
{
    return gh_fake_transport_wait_all_blocked(fake, 1, timeout_ms);
}
