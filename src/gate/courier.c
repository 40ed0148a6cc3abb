/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/courier.h"

#include <errno.h>
#include <jansson.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gate/courier_parts.h"
#include "gatehouse/file.h"
#include "gatehouse/log.h"

#define LONGEST_WAIT_MS 60000
#define CONNECT_AGAIN_MS 10000
#define CLOCK_MS 60000 /* between two words about the server's time */

struct order {
    enum { ORDER_KICK, ORDER_ENROL } type;
    struct gh_enrolment enrolment;
};

enum gh_status gh_courier_identity_path(const char *state_dir, char *path)
{
    return gh_path_join(state_dir, "identity.json", path, PATH_MAX);
}

enum gh_status gh_courier_list_path(const char *state_dir, char *path)
{
    return gh_path_join(state_dir, "list.db", path, PATH_MAX);
}

enum gh_status gh_courier_journal_path(const char *state_dir, gh_id gate, char *path)
{
    char id[GH_ID_TEXT_BYTES], name[GH_ID_TEXT_BYTES + 16];

    gh_id_format(gate, id);
    snprintf(name, sizeof(name), "journal-%s.db", id);
    return gh_path_join(state_dir, name, path, PATH_MAX);
}

static void push(struct gh_courier *courier, struct gh_courier_event *event)
{
    if (!gh_queue_push(courier->options.events, event))
        gh_log(GH_LOG_ERR, GH_COURIER_MODULE, "the gate does not listen: an event was dropped");
    gh_wipe(event, sizeof(*event));
}

void gh_courier_tell(struct gh_courier *courier, enum gh_courier_event_type type)
{
    struct gh_courier_event event = {.type = type, .identity = courier->identity};

    push(courier, &event);
}

/* Any whole answer tells the time, whatever else it says. */
static void tell_time(struct gh_courier *courier, const struct gh_http_response *response,
                      int64_t began_ns, int64_t now_ns)
{
    struct gh_courier_event event = {
        .type = GH_COURIER_CLOCK,
        .server_s = response->date_s,
        .round_trip_ns = now_ns - began_ns,
        .received_ns = now_ns,
    };

    if (!courier->authenticated || response->date_s < 0 || now_ns < courier->clock_next_ns)
        return;
    courier->clock_next_ns = now_ns + CLOCK_MS * GH_NS_PER_MS;
    push(courier, &event);
}

/* The server's own word for what is wrong, for the log. */
static void refusal(const struct gh_http_response *response, const char *path, struct gh_error *err)
{
    json_t *object = json_loadb((const char *)response->body, response->size, 0, NULL);
    const char *token = json_string_value(json_object_get(object, "error"));

    gh_fail(err, GH_ERR_REFUSED, "%s: the server answered %d%s%.40s", path, response->status,
            token ? " " : "", token ? token : "");
    json_decref(object);
}

enum gh_status gh_courier_request(struct gh_courier *courier, struct gh_http_request *request,
                                  struct gh_http_response *response, struct gh_error *err)
{
    char bearer[GH_BEARER_BYTES];

    memset(response, 0, sizeof(*response));
    response->retry_after_s = response->date_s = -1;
    /* One cancel ends one request: none may follow it. */
    if (atomic_load(&courier->stop))
        return GH_ERR_AGAIN;
    gh_identity_bearer(&courier->identity, bearer);
    if (courier->identity.enrolled)
        request->bearer = bearer;
    if (request->timeout_ms == 0)
        request->timeout_ms = GH_COURIER_TIMEOUT_MS;
    int64_t began_ns = gh_clock_monotonic_ns(courier->options.clock);
    enum gh_status status =
        courier->transport.perform(courier->transport.context, request, response, err);
    gh_wipe(bearer, sizeof(bearer));
    if (status != GH_OK) {
        courier->clock_next_ns = 0;
        return status;
    }
    tell_time(courier, response, began_ns, gh_clock_monotonic_ns(courier->options.clock));
    if (response->status == 200)
        return GH_OK;
    refusal(response, request->path, err);
    return GH_ERR_REFUSED;
}

/* --- orders and schedule --- */

static void disconnect(struct gh_courier *courier)
{
    pthread_mutex_lock(&courier->transport_lock);
    if (courier->transport.free)
        courier->transport.free(courier->transport.context);
    memset(&courier->transport, 0, sizeof(courier->transport));
    pthread_mutex_unlock(&courier->transport_lock);
    gh_public_key_free(courier->list_key);
    courier->list_key = NULL;
    courier->connected = false;
    gh_courier_entries_close(courier);
}

static void connect_server(struct gh_courier *courier)
{
    const struct gh_identity *identity = &courier->identity;
    struct gh_http_options options = {
        .base_url = identity->url,
        .ca_file = courier->options.ca_file,
        .pin = identity->has_pin ? identity->pin : NULL,
        .allow_insecure = courier->options.allow_insecure,
    };
    struct gh_transport transport;
    struct gh_error err = {0};

    struct gh_bytes raw = {identity->list_key, sizeof(identity->list_key)};
    enum gh_status status = gh_public_key_from_raw(GH_KEY_ED25519, raw, &courier->list_key);
    if (status == GH_OK)
        status = courier->options.connect(&options, &transport, &err);
    if (status != GH_OK) {
        gh_log(GH_LOG_ERR, GH_COURIER_MODULE, "the enrolment cannot be used: %s",
               err.text[0] ? err.text : gh_status_text(status));
        disconnect(courier);
        if (!identity->enrolled)
            gh_courier_tell(courier, GH_COURIER_REFUSED);
        return;
    }
    pthread_mutex_lock(&courier->transport_lock);
    courier->transport = transport;
    /* A stop that came before there was something to cancel. */
    if (atomic_load(&courier->stop))
        transport.cancel(transport.context);
    pthread_mutex_unlock(&courier->transport_lock);
    courier->connected = true;
    /* Over plain HTTP through a network anybody may have said what time it is. */
    courier->authenticated = gh_http_check_url(identity->url, false, NULL) == GH_OK;
    courier->clock_next_ns = 0;
    if (identity->enrolled)
        gh_courier_entries_open(courier);
}

static void take_enrolment(struct gh_courier *courier, const struct gh_enrolment *enrolment)
{
    struct gh_identity *identity = &courier->identity;
    struct gh_error err = {0};

    if (identity->enrolled)
        return;
    if (identity->gate == enrolment->gate &&
        gh_crypto_equal(identity->token, enrolment->token, sizeof(identity->token))) {
        /* The same code again: its secret may be known to the server already, keep it. Somebody
         * stands there: ask now. */
        courier->enrol.next_ns = 0;
        return;
    }

    struct gh_identity fresh;
    gh_identity_from_enrolment(enrolment, &fresh);
    /* Saved before it is used: were the answer lost with the power, the same secret asks again. */
    if (gh_identity_save(courier->identity_path, &fresh, &err) != GH_OK) {
        gh_log(GH_LOG_ERR, GH_COURIER_MODULE, "the enrolment cannot be saved: %s", err.text);
        gh_courier_tell(courier, GH_COURIER_REFUSED);
        return;
    }
    *identity = fresh;
    gh_wipe(&fresh, sizeof(fresh));
    disconnect(courier);
    connect_server(courier);
    courier->enrol.next_ns = courier->list.next_ns = courier->entries.next_ns = 0;
}

static void take_orders(struct gh_courier *courier)
{
    struct order order;

    while (gh_queue_pop(courier->orders, &order)) {
        if (order.type == ORDER_ENROL)
            take_enrolment(courier, &order.enrolment);
        else if (courier->entries.delay_ms == 0)
            courier->entries.next_ns = 0;
    }
    gh_wipe(&order, sizeof(order));
}

static int64_t earlier(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

int64_t gh_courier_turn(struct gh_courier *courier)
{
    take_orders(courier);
    if (!courier->connected && courier->identity.gate != 0)
        connect_server(courier); /* a file that was missing at the start may be there now */
    if (!courier->connected)
        return CONNECT_AGAIN_MS;

    int64_t now_ns = gh_clock_monotonic_ns(courier->options.clock);
    int64_t next_ns;
    if (!courier->identity.enrolled) {
        if (now_ns >= courier->enrol.next_ns)
            gh_courier_turn_enrol(courier, now_ns);
        next_ns = courier->enrol.next_ns;
    } else {
        if (now_ns >= courier->list.next_ns)
            gh_courier_turn_list(courier, now_ns);
        if (now_ns >= courier->entries.next_ns)
            gh_courier_turn_entries(courier, now_ns);
        next_ns = earlier(courier->list.next_ns, courier->entries.next_ns);
    }
    now_ns = gh_clock_monotonic_ns(courier->options.clock);
    int64_t wait_ms = next_ns > now_ns ? (next_ns - now_ns) / GH_NS_PER_MS + 1 : 0;
    return earlier(wait_ms, LONGEST_WAIT_MS);
}

static void *courier_main(void *argument)
{
    struct gh_courier *courier = argument;

    while (!atomic_load(&courier->stop)) {
        int64_t wait_ms = gh_courier_turn(courier);
        struct pollfd orders = {.fd = gh_queue_fd(courier->orders), .events = POLLIN};
        if (!atomic_load(&courier->stop) && poll(&orders, 1, (int)wait_ms) < 0 && errno != EINTR)
            break;
    }
    return NULL;
}

/* --- life --- */

/* The file may be newer than what the identity remembers: it is renamed into place first. */
static void remember_list(struct gh_courier *courier)
{
    struct gh_list *list;

    if (!courier->list_key ||
        gh_list_open(courier->list_path, courier->list_key, &list, NULL) != GH_OK)
        return;
    const struct gh_manifest *manifest = gh_list_manifest(list);
    struct gh_identity *identity = &courier->identity;
    if (manifest->generation >= identity->generation &&
        manifest->issued_at_s >= identity->list_issued_at_s) {
        identity->generation = manifest->generation;
        identity->list_issued_at_s = manifest->issued_at_s;
        memcpy(courier->list_sha256, manifest->snapshot_sha256, GH_SHA256_BYTES);
    }
    gh_list_close(list);
}

enum gh_status gh_courier_new(const struct gh_courier_options *options,
                              const struct gh_identity *identity, struct gh_courier **out,
                              struct gh_error *err)
{
    *out = NULL;
    struct gh_courier *courier = calloc(1, sizeof(*courier));
    if (!courier)
        return gh_fail(err, GH_ERR_NOMEM, "no memory for the courier");
    courier->options = *options;
    courier->identity = *identity;
    pthread_mutex_init(&courier->transport_lock, NULL);
    struct gh_backoff backoff = {.first_ms = options->backoff_first_ms,
                                 .greatest_ms = options->backoff_max_ms};
    courier->enrol = courier->list = courier->entries = backoff;

    enum gh_status status = gh_courier_identity_path(options->state_dir, courier->identity_path);
    if (status == GH_OK)
        status = gh_courier_list_path(options->state_dir, courier->list_path);
    if (status == GH_OK)
        status =
            gh_path_join(options->state_dir, "acknowledged", courier->acknowledged_path, PATH_MAX);
    if (status == GH_OK)
        status = gh_queue_new(sizeof(struct order), 16, &courier->orders);
    if (status != GH_OK) {
        gh_courier_stop(courier);
        return gh_fail(err, status, "the courier cannot start: %s", gh_status_text(status));
    }
    if (identity->gate != 0) {
        connect_server(courier);
        remember_list(courier);
    }
    *out = courier;
    return GH_OK;
}

enum gh_status gh_courier_start(struct gh_courier *courier, struct gh_error *err)
{
    sigset_t all, before;

    sigfillset(&all); /* signals are the main loop's */
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int failed = pthread_create(&courier->thread, NULL, courier_main, courier);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (failed)
        return gh_fail(err, gh_status_from_errno(failed), "the courier cannot start: %s",
                       strerror(failed));
    courier->thread_runs = true;
    return GH_OK;
}

void gh_courier_enrol(struct gh_courier *courier, const struct gh_enrolment *enrolment)
{
    struct order order = {.type = ORDER_ENROL, .enrolment = *enrolment};

    /* Full: the code is still held up, and comes again. */
    (void)gh_queue_push(courier->orders, &order);
    gh_wipe(&order, sizeof(order));
}

void gh_courier_kick(struct gh_courier *courier)
{
    struct order order = {.type = ORDER_KICK};

    (void)gh_queue_push(courier->orders, &order); /* full: it is awake already */
}

void gh_courier_stop(struct gh_courier *courier)
{
    if (!courier)
        return;
    atomic_store(&courier->stop, true);
    if (courier->thread_runs) {
        pthread_mutex_lock(&courier->transport_lock);
        if (courier->transport.cancel)
            courier->transport.cancel(courier->transport.context);
        pthread_mutex_unlock(&courier->transport_lock);
        gh_courier_kick(courier);
        pthread_join(courier->thread, NULL);
    }
    disconnect(courier);
    gh_queue_free(courier->orders);
    pthread_mutex_destroy(&courier->transport_lock);
    gh_wipe(courier, sizeof(*courier));
    free(courier);
}
