/* SPDX-License-Identifier: Apache-2.0 */
/* The list lane: enrols, then asks for the list, and lets the question wait at the server until
 * there is something new. Where that cannot be, as behind some proxies, it asks now and then. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "gate/courier_parts.h"
#include "gatehouse/log.h"

#define WAIT_S 50
#define STALL_MS 60000 /* of a question that waits; nothing moves meanwhile */
#define BRIEF_STALL_MS 20000
#define EARLY_MS INT64_C(25000) /* to come back with no news before that is too early */
#define WHOLE_MS 600000         /* a delta of some megabytes on a thin line */
#define SPOILED_MAX 3
#define WAIT_AGAIN_NS (600 * GH_NS_PER_S)
#define BRIEF_AGAIN_NS (900 * GH_NS_PER_S)
#define LONGEST_WAIT_MS 60000
#define ANSWER_MAX_BYTES                                                                           \
    (GH_MANIFEST_MAX_BYTES + GH_DELTA_HEADER_MAX_BYTES + GH_DELTA_MAX_BYTES + 65536)

static int64_t now_ns(const struct gh_courier *courier)
{
    return gh_clock_monotonic_ns(courier->options.clock);
}

/* --- whether to wait --- */

/* Also without a need for the list, now and then: an answer that waited does not tell the time. */
static bool is_to_wait(const struct gh_courier *courier, int64_t at_ns)
{
    const struct gh_list_watch *watch = &courier->watch;

    if (watch->brief || at_ns >= watch->brief_next_ns)
        return false;
    return watch->waits || at_ns >= watch->wait_again_ns;
}

static void waiting_was_spoiled(struct gh_list_watch *watch, int64_t at_ns)
{
    watch->spoiled++;
    if (watch->waits && watch->spoiled < SPOILED_MAX)
        return;
    if (watch->waits)
        gh_log(GH_LOG_NOTICE, GH_COURIER_MODULE,
               "list: questions do not stay open on the way to the server: asking now and then");
    watch->waits = false;
    watch->wait_again_ns = at_ns + WAIT_AGAIN_NS;
}

static void waiting_went_well(struct gh_list_watch *watch)
{
    if (!watch->waits)
        gh_log(GH_LOG_NOTICE, GH_COURIER_MODULE, "list: questions stay open at the server again");
    watch->waits = true;
    watch->spoiled = 0;
}

/* Answered. Returns whether it was too early. */
static bool judge_answer(struct gh_list_watch *watch, bool waited, bool news, int64_t took_ms,
                         int64_t at_ns)
{
    bool early = waited && !news && took_ms < EARLY_MS;

    /* Where the last one broke and this one did not: the server is there, it was for the waiting.
     */
    if (early || (!waited && watch->wait_broke))
        waiting_was_spoiled(watch, at_ns);
    else if (waited)
        waiting_went_well(watch);
    watch->brief = watch->wait_broke = false;
    return early;
}

/* Not answered, or not well. The next question shows whether the server is there at all. */
static void judge_failure(struct gh_list_watch *watch, bool waited, bool full)
{
    if (!waited)
        watch->spoiled = 0;
    watch->wait_broke = waited && !full;
    watch->brief = true;
}

/* --- asking --- */

static enum gh_status ask(struct gh_courier *courier, bool wait, struct gh_http_response *response,
                          struct gh_error *err)
{
    const struct gh_generation *at_hand = &courier->watch.at_hand;
    char path[192], tag[2 * GH_LIST_TAG_BYTES + 1];
    struct gh_http_request request = {
        .method = "GET",
        .path = path,
        .timeout_ms = WHOLE_MS,
        .stall_ms = wait ? STALL_MS : BRIEF_STALL_MS,
        .max_response_bytes = ANSWER_MAX_BYTES,
    };

    gh_hex_encode(at_hand->tag, GH_LIST_TAG_BYTES, tag);
    snprintf(path, sizeof(path),
             "/api/v1/list?generation=%" PRIu64 "&tag=%s&wait_s=%d&boot=%s&news=%" PRIu64,
             at_hand->number, tag, wait ? WAIT_S : 0, courier->boot_id, courier->watch.news);
    return gh_lane_request(&courier->list, &request, response, err);
}

/* Once for each kind of trouble, not again until a list was accepted. */
static void tell_trouble(struct gh_courier *courier, const struct gh_list_outcome *outcome)
{
    struct gh_courier_event event = {.type = GH_COURIER_TROUBLE,
                                     .identity = courier->list.identity,
                                     .trouble = outcome->trouble,
                                     .offered = outcome->offered};
    unsigned bit = 1u << outcome->trouble;

    if (outcome->trouble == GH_LIST_TROUBLE_NONE || courier->watch.troubled & bit)
        return;
    courier->watch.troubled |= bit;
    gh_lane_push(&courier->list, &event);
}

static void failed(struct gh_courier *courier, bool waited, enum gh_status status,
                   const struct gh_list_outcome *outcome, const struct gh_error *err)
{
    struct gh_list_watch *watch = &courier->watch;

    if (status != GH_ERR_AGAIN)
        gh_log(GH_LOG_WARNING, GH_COURIER_MODULE, "list: %s",
               err->text[0] ? err->text : gh_status_text(status));
    tell_trouble(courier, outcome);
    judge_failure(watch, waited, outcome->retry_after_s >= 0);
    if (outcome->progress)
        watch->backoff.delay_ms = 0; /* a line that breaks often gets there all the same */
    gh_backoff_failed(&watch->backoff, now_ns(courier), outcome->retry_after_s);
}

static void succeeded(struct gh_courier *courier, bool waited, bool woken, int64_t took_ms,
                      const struct gh_list_outcome *outcome)
{
    struct gh_list_watch *watch = &courier->watch;
    int64_t at_ns = now_ns(courier), pause_ms = 0;

    bool early =
        judge_answer(watch, waited, outcome->news || outcome->ask_again || woken, took_ms, at_ns);
    if (!waited)
        watch->brief_next_ns = at_ns + BRIEF_AGAIN_NS;
    if (outcome->ask_again)
        watch->brief = true;
    else if (!watch->waits)
        pause_ms = courier->options.poll_ms;
    else if (early)
        pause_ms = courier->options.backoff_first_ms;
    gh_backoff_succeeded(&watch->backoff, at_ns, pause_ms);
}

/* Whoever fetches them does so in a lane of its own: the next question can be asked at once. False:
 * there are none since the last answer. */
static bool hear_of_news(struct gh_courier *courier, const struct gh_list_outcome *outcome)
{
    if (!outcome->says_number || outcome->number == courier->watch.news)
        return false;
    courier->watch.news = outcome->number;
    gh_courier_hear_of_news(courier, outcome->number);
    return true;
}

static void turn_list(struct gh_courier *courier)
{
    struct gh_list_outcome outcome = {.retry_after_s = -1};
    struct gh_http_response response;
    struct gh_error err = {0};
    int64_t began_ns = now_ns(courier);
    bool wait = is_to_wait(courier, began_ns);

    enum gh_status status = ask(courier, wait, &response, &err);
    int64_t took_ms = (now_ns(courier) - began_ns) / GH_NS_PER_MS;
    bool answered = status == GH_OK;
    outcome.retry_after_s = response.retry_after_s;
    if (answered && strcmp(response.content_type, "application/cbor") != 0)
        status = gh_fail(&err, GH_ERR_REFUSED, "somebody answered who is not the server");
    else if (answered)
        status = gh_courier_take_list(courier, (struct gh_bytes){response.body, response.size},
                                      &outcome, &err);
    gh_http_response_free(&response);
    bool woken = hear_of_news(courier, &outcome);
    if (status == GH_OK)
        succeeded(courier, wait, woken, took_ms, &outcome);
    else /* what cannot be taken has come all the same: the waiting was well */
        failed(courier, wait && !answered, status, &outcome, &err);
}

/* --- the lane --- */

static void take_enrolment(struct gh_courier *courier, const struct gh_enrolment *enrolment)
{
    struct gh_lane *lane = &courier->list;
    struct gh_identity *identity = &lane->identity;
    struct gh_error err = {0};

    if (identity->enrolled)
        return;
    if (identity->gate == enrolment->gate &&
        gh_crypto_equal(identity->token, enrolment->token, sizeof(identity->token))) {
        /* The same code again: its secret may be known to the server already, keep it. Somebody
         * stands there: ask now. */
        courier->watch.enrol.next_ns = 0;
        return;
    }

    struct gh_identity fresh;
    gh_identity_from_enrolment(enrolment, &fresh);
    /* Saved before it is used: were the answer lost with the power, the same secret asks again. */
    if (gh_identity_save(courier->identity_path, &fresh, &err) != GH_OK) {
        gh_log(GH_LOG_ERR, GH_COURIER_MODULE, "the enrolment cannot be saved: %s", err.text);
        gh_lane_tell(lane, GH_COURIER_REFUSED);
        return;
    }
    *identity = fresh;
    gh_wipe(&fresh, sizeof(fresh));
    gh_lane_disconnect(lane);
    courier->watch.enrol.next_ns = 0;
}

static void take_orders(struct gh_courier *courier)
{
    struct gh_order order;

    while (gh_queue_pop(courier->list.orders, &order)) {
        if (order.type == GH_ORDER_ENROL)
            take_enrolment(courier, &order.enrolment);
        if (order.type == GH_ORDER_LIST)
            courier->watch.at_hand = (struct gh_generation){0};
    }
    gh_wipe(&order, sizeof(order));
}

static bool connect_lane(struct gh_courier *courier)
{
    struct gh_lane *lane = &courier->list;

    if (lane->connected)
        return true;
    if (lane->identity.gate == 0)
        return false;
    if (gh_lane_connect(lane) != GH_OK) { /* a file that is missing may be there later */
        if (!lane->identity.enrolled)
            gh_lane_tell(lane, GH_COURIER_REFUSED);
        return false;
    }
    gh_courier_remember_list(courier);
    return true;
}

int64_t gh_courier_list_lane(struct gh_courier *courier)
{
    struct gh_list_watch *watch = &courier->watch;

    take_orders(courier);
    if (!connect_lane(courier))
        return GH_COURIER_AGAIN_MS;
    bool enrolled = courier->list.identity.enrolled;
    const struct gh_backoff *due = enrolled ? &watch->backoff : &watch->enrol;
    if (now_ns(courier) >= due->next_ns) {
        if (enrolled)
            turn_list(courier);
        else
            gh_courier_turn_enrol(courier);
    }
    due = courier->list.identity.enrolled ? &watch->backoff : &watch->enrol;
    int64_t left_ns = due->next_ns - now_ns(courier);
    int64_t wait_ms = left_ns > 0 ? left_ns / GH_NS_PER_MS + 1 : 0;
    return wait_ms < LONGEST_WAIT_MS ? wait_ms : LONGEST_WAIT_MS;
}
