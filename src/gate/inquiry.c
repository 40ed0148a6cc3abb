/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/inquiry.h"

#include <errno.h>
#include <jansson.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "gatehouse/code.h"
#include "gatehouse/log.h"

#define MODULE "inquiry"
#define VERIFY_PATH "/api/v1/verify"
#define ANSWER_MAX_BYTES 4096
#define BODY_BYTES (2 * GH_CODE_TEXT_MAX_BYTES + 16) /* every character may need a `\` */
#define MEMORIES 16                                  /* more than can be open at once */

struct question {
    struct gh_credential as_read;
    int64_t deadline_ns;
    enum gh_offline_rule offline;
    size_t size;
    char text[GH_CODE_TEXT_MAX_BYTES];
};

/* A code that was asked about: open, or with its answer for a while. */
struct memory {
    bool used, open;
    int64_t until_ns;
    struct gh_credential answer; /* while open: only its identity */
};

struct gh_inquiry {
    struct gh_inquiry_options options;
    struct gh_queue *questions;
    pthread_t thread;
    bool thread_runs;
    atomic_bool stop;
    /* the thread's */
    bool connected;
    char bearer[GH_BEARER_BYTES];
    struct question question; /* that is being asked */
    char body[BODY_BYTES];
    pthread_mutex_t lock; /* of all below; never held over a request */
    struct gh_transport transport;
    struct gh_upstream_policy policy;
    struct gh_identity identity;
    bool identity_is_new;
    struct memory memories[MEMORIES];
};

/* --- what may be asked, and was --- */

/* What we cannot verify, and nothing that we can, or could if it were whole: the authority shall
 * not overrule a signature that is wrong. Our own kinds are nobody else's business. */
static bool is_a_riddle(const struct gh_credential *as_read)
{
    bool foreign = as_read->kind == GH_KIND_UNKNOWN || gh_kind_is_certificate(as_read->kind);
    return foreign && !as_read->authentic &&
           (as_read->reason == GH_REASON_NOT_A_CODE || as_read->reason == GH_REASON_FOREIGN);
}

static bool is_over(const struct memory *memory, int64_t now_ns)
{
    return !memory->used || (!memory->open && now_ns >= memory->until_ns);
}

static struct memory *remembered(struct gh_inquiry *inquiry, const uint8_t *identity)
{
    for (size_t i = 0; i < MEMORIES; i++) {
        struct memory *memory = &inquiry->memories[i];
        if (memory->used && memcmp(memory->answer.identity, identity, GH_IDENTITY_BYTES) == 0)
            return memory;
    }
    return NULL;
}

/* A free place, else that of the answer which would be forgotten first: there always is one. */
static struct memory *place(struct gh_inquiry *inquiry)
{
    struct memory *best = NULL;

    for (size_t i = 0; i < MEMORIES; i++) {
        struct memory *memory = &inquiry->memories[i];
        if (!memory->used)
            return memory;
        if (!memory->open && (!best || memory->until_ns < best->until_ns))
            best = memory;
    }
    return best;
}

static bool push_question(struct gh_inquiry *inquiry, struct gh_bytes text,
                          const struct gh_credential *as_read, int64_t now_ns)
{
    struct question question = {
        .as_read = *as_read,
        .deadline_ns = now_ns + inquiry->policy.deadline_ms * GH_NS_PER_MS,
        .offline = inquiry->policy.offline,
        .size = text.size,
    };

    memcpy(question.text, text.data, text.size);
    bool pushed = gh_queue_push(inquiry->questions, &question);
    gh_wipe(&question, sizeof(question));
    return pushed;
}

static bool begin(struct gh_inquiry *inquiry, struct gh_bytes text,
                  const struct gh_credential *as_read, int64_t now_ns)
{
    struct memory *memory = place(inquiry);

    if (!memory || !push_question(inquiry, text, as_read, now_ns))
        return false;
    *memory = (struct memory){.used = true, .open = true};
    memcpy(memory->answer.identity, as_read->identity, GH_IDENTITY_BYTES);
    return true;
}

static void tell(struct gh_inquiry *inquiry, const struct gh_credential *answer)
{
    if (!gh_queue_push(inquiry->options.answers, answer))
        gh_log(GH_LOG_WARNING, MODULE, "the gate is busy: an answer was dropped");
}

bool gh_inquiry_ask(struct gh_inquiry *inquiry, struct gh_bytes text,
                    const struct gh_credential *as_read)
{
    int64_t now_ns = gh_clock_monotonic_ns(inquiry->options.clock);
    bool asked = false;

    if (!is_a_riddle(as_read))
        return false;
    pthread_mutex_lock(&inquiry->lock);
    if (inquiry->identity.enrolled && gh_upstream_may_ask(&inquiry->policy, text)) {
        struct memory *memory = remembered(inquiry, as_read->identity);
        if (memory && is_over(memory, now_ns))
            memory->used = false;
        asked = true;
        if (!memory || !memory->used)
            asked = begin(inquiry, text, as_read, now_ns);
        else if (!memory->open)
            tell(inquiry, &memory->answer);
    }
    pthread_mutex_unlock(&inquiry->lock);
    return asked;
}

/* --- a question --- */

static void disconnect(struct gh_inquiry *inquiry)
{
    pthread_mutex_lock(&inquiry->lock);
    if (inquiry->transport.free)
        inquiry->transport.free(inquiry->transport.context);
    memset(&inquiry->transport, 0, sizeof(inquiry->transport));
    pthread_mutex_unlock(&inquiry->lock);
    inquiry->connected = false;
    gh_wipe(inquiry->bearer, sizeof(inquiry->bearer));
}

/* By the newest identity. */
static enum gh_status connect_server(struct gh_inquiry *inquiry, struct gh_error *err)
{
    struct gh_transport transport;
    struct gh_identity identity;

    pthread_mutex_lock(&inquiry->lock);
    bool again = inquiry->identity_is_new || !inquiry->connected;
    inquiry->identity_is_new = false;
    identity = inquiry->identity;
    pthread_mutex_unlock(&inquiry->lock);
    if (!again) {
        gh_wipe(&identity, sizeof(identity));
        return GH_OK;
    }
    disconnect(inquiry);
    struct gh_http_options options = {
        .base_url = identity.url,
        .ca_file = inquiry->options.ca_file,
        .pin = identity.has_pin ? identity.pin : NULL,
        .allow_insecure = inquiry->options.allow_insecure,
    };
    enum gh_status status = inquiry->options.connect(&options, &transport, err);
    if (status == GH_OK) {
        gh_identity_bearer(&identity, inquiry->bearer);
        inquiry->connected = true;
        pthread_mutex_lock(&inquiry->lock);
        inquiry->transport = transport;
        /* A stop that came before there was something to cancel. */
        if (atomic_load(&inquiry->stop))
            transport.cancel(transport.context);
        pthread_mutex_unlock(&inquiry->lock);
    }
    gh_wipe(&identity, sizeof(identity));
    return status;
}

/* 0: no memory. */
static size_t write_body(struct gh_inquiry *inquiry)
{
    json_t *code = json_stringn(inquiry->question.text, inquiry->question.size);
    json_t *object = json_pack("{s:O}", "code", code);
    size_t size = object ? json_dumpb(object, inquiry->body, BODY_BYTES, JSON_COMPACT) : 0;

    /* jansson leaves its texts as they are when it frees them. */
    if (code)
        gh_wipe((char *)(uintptr_t)json_string_value(code), json_string_length(code));
    json_decref(object);
    json_decref(code);
    return size <= BODY_BYTES ? size : 0;
}

static enum gh_status ask_server(struct gh_inquiry *inquiry, struct gh_http_response *response,
                                 struct gh_error *err)
{
    enum gh_status status = connect_server(inquiry, err);
    if (status != GH_OK)
        return status;
    size_t size = write_body(inquiry);
    if (size == 0)
        return GH_ERR_NOMEM;
    int64_t left_ns = inquiry->question.deadline_ns - gh_clock_monotonic_ns(inquiry->options.clock);
    struct gh_http_request request = {
        .method = "POST",
        .path = VERIFY_PATH,
        .bearer = inquiry->bearer,
        .content_type = "application/json",
        .body = {(const uint8_t *)inquiry->body, size},
        .timeout_ms = left_ns / GH_NS_PER_MS,
        .max_response_bytes = ANSWER_MAX_BYTES,
    };
    /* One cancel ends one request: none may follow it. */
    if (atomic_load(&inquiry->stop))
        status = GH_ERR_AGAIN;
    else if (request.timeout_ms < 1)
        status = GH_ERR_TIMEOUT;
    else
        status = inquiry->transport.perform(inquiry->transport.context, &request, response, err);
    gh_wipe(inquiry->body, size);
    return status;
}

/* --- its answer --- */

static bool take_valid(const json_t *object, int64_t now_s, struct gh_credential *out)
{
    const char *colour = json_string_value(json_object_get(object, "colour"));
    const json_t *subject = json_object_get(object, "subject");
    const json_t *end = json_object_get(object, "expires_at");

    if (!colour || gh_colour_parse(colour, &out->colour) != GH_OK ||
        out->colour == GH_COLOUR_NONE ||
        (subject && gh_id_parse(json_string_value(subject) ? json_string_value(subject) : "",
                                json_string_length(subject), &out->subject) != GH_OK))
        return false;
    out->expires_at_s = INT64_MAX;
    if (end && (!json_is_string(end) ||
                gh_time_parse(json_string_value(end), &out->expires_at_s) != GH_OK))
        return false;
    out->reason = GH_REASON_OK;
    out->authentic = out->upstream = true;
    out->issued_at_s = now_s;
    return true;
}

/* false: it is no answer, *out is as it was. */
static bool take_answer(const struct gh_http_response *response, int64_t now_s,
                        struct gh_credential *out)
{
    struct gh_credential said = *out;
    json_t *object =
        json_loadb((const char *)response->body, response->size, JSON_REJECT_DUPLICATES, NULL);
    const char *verdict = json_string_value(json_object_get(object, "verdict"));
    bool good = false;

    if (verdict && strcmp(verdict, "valid") == 0) {
        good = take_valid(object, now_s, &said);
    } else if (verdict && strcmp(verdict, "invalid") == 0) {
        said.reason = GH_REASON_UPSTREAM_REFUSED;
        good = true;
    } else if (verdict) {
        good = strcmp(verdict, "unknown") == 0;
    }
    json_decref(object);
    if (good)
        *out = said;
    return good;
}

/* Never what the code or its answer says. */
static void say_failure(enum gh_status status, const struct gh_http_response *response,
                        const struct gh_error *err)
{
    if (status == GH_OK && response->status != 200)
        gh_log(GH_LOG_WARNING, MODULE, "a code cannot be looked up: the server answered %d",
               response->status);
    else if (status == GH_OK)
        gh_log(GH_LOG_WARNING, MODULE, "a code cannot be looked up: the answer is none, or late");
    else if (status != GH_ERR_AGAIN)
        gh_log(GH_LOG_WARNING, MODULE, "a code cannot be looked up: %s",
               err->text[0] ? err->text : gh_status_text(status));
}

static void answer_question(struct gh_inquiry *inquiry)
{
    const struct question *question = &inquiry->question;
    struct gh_credential answer = question->as_read;
    struct gh_http_response response = {0};
    struct gh_error err = {0};

    enum gh_status status = ask_server(inquiry, &response, &err);
    int64_t now_ns = gh_clock_monotonic_ns(inquiry->options.clock);
    bool answered = status == GH_OK && response.status == 200 && now_ns <= question->deadline_ns &&
                    take_answer(&response, gh_clock_wall_s(inquiry->options.clock), &answer);
    if (!answered) {
        say_failure(status, &response, &err);
        if (question->offline != GH_OFFLINE_DENY)
            answer.reason = GH_REASON_UPSTREAM_UNREACHABLE;
    }
    gh_http_response_free(&response);

    int64_t keep_ms = answered ? GH_INQUIRY_MEMORY_MS : GH_INQUIRY_UNREACHED_MS;
    pthread_mutex_lock(&inquiry->lock);
    struct memory *memory = remembered(inquiry, answer.identity);
    if (memory)
        *memory = (struct memory){
            .used = true, .until_ns = now_ns + keep_ms * GH_NS_PER_MS, .answer = answer};
    /* Under the lock, so that a sighting that finds it answered comes behind it in the queue. */
    tell(inquiry, &answer);
    pthread_mutex_unlock(&inquiry->lock);
}

void gh_inquiry_turn(struct gh_inquiry *inquiry)
{
    while (!atomic_load(&inquiry->stop) && gh_queue_pop(inquiry->questions, &inquiry->question)) {
        answer_question(inquiry);
        gh_wipe(&inquiry->question, sizeof(inquiry->question));
    }
}

/* --- life --- */

static void *inquiry_main(void *argument)
{
    struct gh_inquiry *inquiry = argument;
    struct pollfd questions = {.fd = gh_queue_fd(inquiry->questions), .events = POLLIN};

    while (!atomic_load(&inquiry->stop)) {
        gh_inquiry_turn(inquiry);
        if (!atomic_load(&inquiry->stop) && poll(&questions, 1, -1) < 0 && errno != EINTR)
            break;
    }
    return NULL;
}

enum gh_status gh_inquiry_new(const struct gh_inquiry_options *options, struct gh_inquiry **out,
                              struct gh_error *err)
{
    *out = NULL;
    struct gh_inquiry *inquiry = calloc(1, sizeof(*inquiry));
    if (!inquiry)
        return gh_fail(err, GH_ERR_NOMEM, "no memory for the inquiry");
    inquiry->options = *options;
    enum gh_status status =
        gh_queue_new(sizeof(struct question), GH_INQUIRY_QUESTIONS_MAX, &inquiry->questions);
    if (status != GH_OK) {
        free(inquiry);
        return gh_fail(err, status, "the inquiry cannot start: %s", gh_status_text(status));
    }
    pthread_mutex_init(&inquiry->lock, NULL);
    *out = inquiry;
    return GH_OK;
}

enum gh_status gh_inquiry_start(struct gh_inquiry *inquiry, struct gh_error *err)
{
    sigset_t all, before;

    sigfillset(&all); /* signals are the main loop's */
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int failed = pthread_create(&inquiry->thread, NULL, inquiry_main, inquiry);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (failed)
        return gh_fail(err, gh_status_from_errno(failed), "the inquiry cannot start: %s",
                       strerror(failed));
    inquiry->thread_runs = true;
    return GH_OK;
}

void gh_inquiry_set_identity(struct gh_inquiry *inquiry, const struct gh_identity *identity)
{
    pthread_mutex_lock(&inquiry->lock);
    inquiry->identity = *identity;
    inquiry->identity_is_new = true;
    pthread_mutex_unlock(&inquiry->lock);
}

void gh_inquiry_set_policy(struct gh_inquiry *inquiry, const struct gh_upstream_policy *policy)
{
    pthread_mutex_lock(&inquiry->lock);
    inquiry->policy = *policy;
    pthread_mutex_unlock(&inquiry->lock);
}

/* An empty question: only so that the thread looks up. */
static void wake(struct gh_inquiry *inquiry)
{
    struct question nothing = {0};

    (void)gh_queue_push(inquiry->questions, &nothing); /* full: it is awake already */
}

void gh_inquiry_stop(struct gh_inquiry *inquiry)
{
    if (!inquiry)
        return;
    atomic_store(&inquiry->stop, true);
    if (inquiry->thread_runs) {
        pthread_mutex_lock(&inquiry->lock);
        if (inquiry->transport.cancel)
            inquiry->transport.cancel(inquiry->transport.context);
        pthread_mutex_unlock(&inquiry->lock);
        wake(inquiry);
        pthread_join(inquiry->thread, NULL);
    }
    disconnect(inquiry);
    while (gh_queue_pop(inquiry->questions, &inquiry->question))
        ; /* popped is wiped */
    gh_queue_free(inquiry->questions);
    pthread_mutex_destroy(&inquiry->lock);
    gh_wipe(inquiry, sizeof(*inquiry));
    free(inquiry);
}
