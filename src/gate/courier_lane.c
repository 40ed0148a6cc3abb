/* SPDX-License-Identifier: Apache-2.0 */
/* A lane's connection, its requests, and its words to the gate. */
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "gate/courier_parts.h"
#include "gate/timekeeper.h"
#include "gatehouse/log.h"

#define CLOCK_MS 60000 /* between two words about the server's time */
#define SNAPSHOT_NAME_BYTES 64

void gh_lane_push(struct gh_lane *lane, struct gh_courier_event *event)
{
    if (!gh_queue_push(lane->courier->options.events, event))
        gh_log(GH_LOG_ERR, GH_COURIER_MODULE, "the gate does not listen: an event was dropped");
    gh_wipe(event, sizeof(*event));
}

void gh_lane_tell(struct gh_lane *lane, enum gh_courier_event_type type)
{
    struct gh_courier_event event = {.type = type, .identity = lane->identity};

    gh_lane_push(lane, &event);
}

void gh_lane_wake(struct gh_lane *lane)
{
    struct gh_order order = {.type = GH_ORDER_WAKE};

    (void)gh_queue_push(lane->orders, &order); /* full: it is awake already */
}

/* --- connection --- */

enum gh_status gh_lane_use_key(struct gh_lane *lane)
{
    struct gh_bytes raw = {lane->identity.list_key, sizeof(lane->identity.list_key)};
    struct gh_public_key *key = NULL;

    enum gh_status status = gh_public_key_from_raw(GH_KEY_ED25519, raw, &key);
    if (status != GH_OK)
        return status;
    gh_public_key_free(lane->list_key);
    lane->list_key = key;
    return GH_OK;
}

void gh_lane_disconnect(struct gh_lane *lane)
{
    pthread_mutex_lock(&lane->transport_lock);
    if (lane->transport.free)
        lane->transport.free(lane->transport.context);
    memset(&lane->transport, 0, sizeof(lane->transport));
    pthread_mutex_unlock(&lane->transport_lock);
    gh_public_key_free(lane->list_key);
    lane->list_key = NULL;
    lane->connected = false;
}

enum gh_status gh_lane_connect(struct gh_lane *lane)
{
    const struct gh_courier_options *with = &lane->courier->options;
    const struct gh_identity *identity = &lane->identity;
    struct gh_http_options options = {
        .base_url = identity->url,
        .ca_file = with->ca_file,
        .pin = identity->has_pin ? identity->pin : NULL,
        .allow_insecure = with->allow_insecure,
    };
    struct gh_transport transport;
    struct gh_error err = {0};

    enum gh_status status = gh_lane_use_key(lane);
    if (status == GH_OK)
        status = with->connect(&options, &transport, &err);
    if (status != GH_OK) {
        gh_log(GH_LOG_ERR, GH_COURIER_MODULE, "the enrolment cannot be used: %s",
               err.text[0] ? err.text : gh_status_text(status));
        gh_lane_disconnect(lane);
        return status;
    }
    pthread_mutex_lock(&lane->transport_lock);
    lane->transport = transport;
    /* A stop that came before there was something to cancel. */
    if (atomic_load(&lane->courier->stop))
        transport.cancel(transport.context);
    pthread_mutex_unlock(&lane->transport_lock);
    lane->connected = true;
    /* Over plain HTTP through a network anybody may have said what time it is. */
    lane->authenticated = gh_http_check_url(identity->url, false, NULL) == GH_OK;
    lane->clock_next_ns = 0;
    return GH_OK;
}

void gh_lane_cancel(struct gh_lane *lane)
{
    pthread_mutex_lock(&lane->transport_lock);
    if (lane->transport.cancel)
        lane->transport.cancel(lane->transport.context);
    pthread_mutex_unlock(&lane->transport_lock);
}

/* --- requests --- */

/* Any whole answer tells the time, whatever else it says; not if it took so long that nobody
 * believes it, as one that waited for news did. */
static void tell_time(struct gh_lane *lane, const struct gh_http_response *response,
                      int64_t began_ns, int64_t now_ns)
{
    struct gh_courier_event event = {
        .type = GH_COURIER_CLOCK,
        .server_s = response->date_s,
        .round_trip_ns = now_ns - began_ns,
        .received_ns = now_ns,
    };

    if (!lane->authenticated || response->date_s < 0 || now_ns < lane->clock_next_ns ||
        event.round_trip_ns > GH_TIME_TRIP_MS * GH_NS_PER_MS)
        return;
    lane->clock_next_ns = now_ns + CLOCK_MS * GH_NS_PER_MS;
    gh_lane_push(lane, &event);
}

/* The server's own word for what is wrong, for the log: without the query, and without a snapshot's
 * name, which is all that is needed to fetch it. */
static enum gh_status refusal(const struct gh_http_response *response, const char *path,
                              struct gh_error *err)
{
    json_t *object = json_loadb((const char *)response->body, response->size, 0, NULL);
    const char *token = json_string_value(json_object_get(object, "error"));
    size_t shown = strcspn(path, "?");
    const char *last = memrchr(path, '/', shown);

    if (last && path + shown - last > SNAPSHOT_NAME_BYTES)
        shown = (size_t)(last - path);
    gh_fail(err, GH_ERR_REFUSED, "%.*s: the server answered %d%s%.40s", (int)shown, path,
            response->status, token ? " " : "", token ? token : "");
    json_decref(object);
    return GH_ERR_REFUSED;
}

static enum gh_status perform(struct gh_lane *lane, struct gh_http_request *request,
                              struct gh_http_response *response, struct gh_error *err)
{
    *response = (struct gh_http_response){.retry_after_s = -1, .date_s = -1};
    /* One cancel ends one request: none may follow it. */
    if (atomic_load(&lane->courier->stop))
        return GH_ERR_AGAIN;
    if (request->timeout_ms == 0)
        request->timeout_ms = GH_COURIER_TIMEOUT_MS;
    return lane->transport.perform(lane->transport.context, request, response, err);
}

/* What a request came to that was not broken off by ourselves. http_status 0: nobody answered. */
static void note(struct gh_lane *lane, enum gh_status status, int http_status,
                 const struct gh_error *err)
{
    struct gh_lane_word *word = &lane->word;
    int64_t now_ns = gh_clock_monotonic_ns(lane->courier->options.clock);

    if (!lane->identity.enrolled || atomic_load(&lane->courier->stop))
        return;
    pthread_mutex_lock(&lane->courier->lock);
    if (status == GH_OK) {
        word->heard = true;
        word->heard_ns = now_ns;
    } else if (!word->failed) {
        word->failing_ns = now_ns;
    }
    word->failed = status != GH_OK;
    if (http_status != 0) /* it still holds when nobody answers */
        word->refused = http_status == 401 || http_status == 403;
    snprintf(word->trouble, sizeof(word->trouble), "%s",
             !word->failed                 ? ""
             : err != NULL && err->text[0] ? err->text
                                           : gh_status_text(status));
    pthread_mutex_unlock(&lane->courier->lock);
}

enum gh_status gh_lane_request(struct gh_lane *lane, struct gh_http_request *request,
                               struct gh_http_response *response, struct gh_error *err)
{
    const struct gh_clock *clock = lane->courier->options.clock;
    char bearer[GH_BEARER_BYTES];

    gh_identity_bearer(&lane->identity, bearer);
    if (lane->identity.enrolled)
        request->bearer = bearer;
    int64_t began_ns = gh_clock_monotonic_ns(clock);
    enum gh_status status = perform(lane, request, response, err);
    request->bearer = NULL;
    gh_wipe(bearer, sizeof(bearer));
    if (status != GH_OK) {
        lane->clock_next_ns = 0;
        note(lane, status, 0, err);
        return status;
    }
    tell_time(lane, response, began_ns, gh_clock_monotonic_ns(clock));
    if (response->status != 200 && (response->status != 206 || request->range_from == 0))
        status = refusal(response, request->path, err);
    note(lane, status, response->status, err);
    return status;
}

enum gh_status gh_lane_fetch(struct gh_lane *lane, struct gh_http_request *request,
                             struct gh_http_response *response, struct gh_error *err)
{
    enum gh_status status = perform(lane, request, response, err);
    if (status != GH_OK || response->status == 200 || response->status == 206)
        return status;
    return refusal(response, request->path, err);
}
