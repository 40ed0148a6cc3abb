/* SPDX-License-Identifier: Apache-2.0 */
/* The news lane: asks what is new when the list's answers say that something is, fetches the sounds
 * of announcements, and hands on what it has. */
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "gate/courier_parts.h"
#include "gatehouse/log.h"

#define LONGEST_WAIT_MS 60000
#define ANSWER_MAX_BYTES ((size_t)512 << 10)
#define STALL_MS 20000
#define WHOLE_MS 120000
/* Places in the queue of events that are left to the other lanes. */
#define ROOM_LEFT 16
#define ROOM_LOOKS_MAX                                                                             \
    500 /* ROOM_LOOK_MS each: then the gate is asked to listen some other time                     \
         */
#define ROOM_LOOK_MS 10

static int64_t now_ns(const struct gh_courier *courier)
{
    return gh_clock_monotonic_ns(courier->options.clock);
}

/* --- what the list lane hears --- */

void gh_courier_hear_of_news(struct gh_courier *courier, uint64_t number)
{
    pthread_mutex_lock(&courier->lock);
    if (number < courier->news_wanted)
        courier->news_resets++;
    courier->news_wanted = number;
    pthread_mutex_unlock(&courier->lock);
    gh_lane_wake(&courier->news);
}

bool gh_courier_has_news(struct gh_courier *courier)
{
    pthread_mutex_lock(&courier->lock);
    bool has =
        courier->news_wanted > courier->desk.known || courier->news_resets != courier->desk.resets;
    pthread_mutex_unlock(&courier->lock);
    return has;
}

/* Before a question. Where the server's database is an older copy of itself, what the numbers stood
 * for does not hold any more. Returns what is to be asked for. */
static uint64_t look_at_numbers(struct gh_courier *courier)
{
    struct gh_news_desk *desk = &courier->desk;

    pthread_mutex_lock(&courier->lock);
    if (desk->resets != courier->news_resets)
        desk->known = 0;
    desk->resets = courier->news_resets;
    uint64_t wanted = courier->news_wanted;
    pthread_mutex_unlock(&courier->lock);
    return wanted;
}

/* What was wanted is there, whatever number the answer has: if there is more by now, the list lane
 * has heard so, or will. */
static void take_number(struct gh_courier *courier, uint64_t number, uint64_t wanted, bool more)
{
    pthread_mutex_lock(&courier->lock);
    courier->desk.known = number;
    if (!more && courier->news_wanted == wanted && number < wanted)
        courier->news_wanted = number;
    pthread_mutex_unlock(&courier->lock);
}

/* --- movements --- */

/* The gate may be busy, and the others have more to say. */
static bool wait_for_room(const struct gh_courier *courier)
{
    const struct timespec pause = {.tv_nsec = ROOM_LOOK_MS * GH_NS_PER_MS};

    for (int i = 0; i < ROOM_LOOKS_MAX && !atomic_load(&courier->stop); i++) {
        if (gh_queue_room(courier->options.events) > ROOM_LEFT)
            return true;
        (void)nanosleep(&pause, NULL);
    }
    return false;
}

static enum gh_status push_presence(struct gh_courier *courier, struct gh_courier_event *event)
{
    if (event->presence_count == 0)
        return GH_OK;
    if (!wait_for_room(courier))
        return GH_ERR_BUSY;
    event->type = GH_COURIER_PRESENCE;
    event->identity = courier->news.identity;
    gh_lane_push(&courier->news, event); /* and wipes it */
    return GH_OK;
}

static bool read_id(const json_t *object, const char *name, gh_id *out)
{
    const json_t *value = json_object_get(object, name);

    return json_is_string(value) &&
           gh_id_parse(json_string_value(value), json_string_length(value), out) == GH_OK;
}

static bool read_movement(const json_t *object, struct gh_presence_record *out)
{
    const char *direction = json_string_value(json_object_get(object, "direction"));
    const json_t *at_ms = json_object_get(object, "at_ms");
    const json_t *undone = json_object_get(object, "undone");

    *out = (struct gh_presence_record){.undone = json_is_true(undone),
                                       .at_ms = json_integer_value(at_ms)};
    if (!direction || !json_is_integer(at_ms) || (undone && !json_is_boolean(undone)))
        return false;
    if (strcmp(direction, "in") == 0)
        out->direction = GH_DIRECTION_IN;
    else if (strcmp(direction, "out") == 0)
        out->direction = GH_DIRECTION_OUT;
    return out->direction != GH_DIRECTION_NONE && read_id(object, "subject", &out->subject);
}

static enum gh_status take_presence(struct gh_courier *courier, const json_t *presence)
{
    struct gh_courier_event event = {0};
    enum gh_status status = GH_OK;
    size_t i;
    const json_t *item;

    json_array_foreach(presence, i, item)
    {
        /* One that this build cannot read is none; the others are. */
        if (!read_movement(item, &event.presence[event.presence_count]))
            continue;
        if (++event.presence_count == GH_COURIER_PRESENCES)
            status = push_presence(courier, &event);
        if (status != GH_OK)
            return status;
    }
    return push_presence(courier, &event);
}

/* --- announcements --- */

/* Each for itself: one that cannot be kept now keeps none of the others waiting. The first error
 * is the one to tell. */
static enum gh_status take_announcements(struct gh_courier *courier, const json_t *announcements,
                                         struct gh_error *err)
{
    uint8_t bytes[GH_ANNOUNCEMENT_SIGNED_BYTES];
    enum gh_status first = GH_OK;
    size_t i;
    const json_t *item;

    json_array_foreach(announcements, i, item)
    {
        struct gh_error why = {0};
        size_t size = sizeof(bytes);
        enum gh_status status = json_is_string(item)
                                    ? gh_base64url_decode(json_string_value(item),
                                                          json_string_length(item), bytes, &size)
                                    : GH_ERR_INVALID;
        if (status == GH_OK)
            status = gh_kept_take(courier, (struct gh_bytes){bytes, size}, &why);
        else
            status = gh_fail(&why, GH_ERR_DENIED, "what should be a signed announcement is none");
        if (status == GH_ERR_DENIED)
            gh_log(GH_LOG_WARNING, GH_COURIER_MODULE, "news: passed over: %s", why.text);
        else if (status != GH_OK && first == GH_OK)
            first = gh_fail(err, status, "%s", why.text);
    }
    return first;
}

/* --- asking --- */

static enum gh_status take_answer(struct gh_courier *courier,
                                  const struct gh_http_response *response, uint64_t wanted,
                                  bool *more, struct gh_error *err)
{
    json_t *object =
        json_loadb((const char *)response->body, response->size, JSON_REJECT_DUPLICATES, NULL);
    const json_t *number = json_object_get(object, "news");
    const json_t *presence = json_object_get(object, "presence");
    const json_t *announcements = json_object_get(object, "announcements");
    const json_t *rest = json_object_get(object, "more");
    enum gh_status status = GH_OK;

    *more = json_is_true(rest);
    if (!json_is_integer(number) || json_integer_value(number) < 0 || !json_is_array(presence) ||
        !json_is_array(announcements) || !json_is_boolean(rest) ||
        /* or the next question would be this one */
        (*more && (uint64_t)json_integer_value(number) <= courier->desk.known))
        status = gh_fail(err, GH_ERR_REFUSED, "the server's answer makes no sense");
    if (status == GH_OK)
        status = take_announcements(courier, announcements, err);
    enum gh_status moved = status == GH_ERR_REFUSED ? status : take_presence(courier, presence);
    if (moved != GH_OK && status == GH_OK)
        status = gh_fail(err, moved, "the gate does not listen");
    if (status == GH_OK)
        take_number(courier, (uint64_t)json_integer_value(number), wanted, *more);
    json_decref(object);
    return status;
}

static enum gh_status ask(struct gh_courier *courier, int64_t *retry_after_s, struct gh_error *err)
{
    uint64_t wanted = look_at_numbers(courier);
    bool more;
    struct gh_http_response response;
    char path[64];
    struct gh_http_request request = {
        .method = "GET",
        .path = path,
        .timeout_ms = WHOLE_MS,
        .stall_ms = STALL_MS,
        .max_response_bytes = ANSWER_MAX_BYTES,
    };

    snprintf(path, sizeof(path), "/api/v1/news?after=%" PRIu64, courier->desk.known);
    enum gh_status status = gh_lane_request(&courier->news, &request, &response, err);
    *retry_after_s = response.retry_after_s;
    if (status == GH_OK)
        status = take_answer(courier, &response, wanted, &more, err);
    gh_http_response_free(&response);
    return status;
}

static void turn_news(struct gh_courier *courier)
{
    struct gh_backoff *backoff = &courier->desk.backoff;
    struct gh_error err = {0};
    int64_t retry_after_s = -1;

    enum gh_status status = ask(courier, &retry_after_s, &err);
    if (status == GH_OK) {
        gh_backoff_succeeded(backoff, now_ns(courier), 0);
        return;
    }
    if (status != GH_ERR_AGAIN)
        gh_log(GH_LOG_WARNING, GH_COURIER_MODULE, "news: %s",
               err.text[0] ? err.text : gh_status_text(status));
    gh_backoff_failed(backoff, now_ns(courier), retry_after_s);
}

/* --- sounds --- */

/* The one that was sent last, of those whose time has come. */
static struct gh_kept *next_sound(struct gh_courier *courier)
{
    struct gh_news_desk *desk = &courier->desk;
    struct gh_kept *found = NULL;

    for (size_t i = 0; i < desk->kept_count; i++) {
        struct gh_kept *kept = &desk->kept[i];
        if (kept->state == GH_KEPT_WANTED && now_ns(courier) >= kept->backoff.next_ns &&
            (!found || kept->said.from_s > found->said.from_s))
            found = kept;
    }
    return found;
}

static void turn_sound(struct gh_courier *courier, struct gh_kept *kept)
{
    struct gh_error err = {0};
    int64_t retry_after_s = -1;
    bool progress = false;

    enum gh_status status = GH_OK;
    if (!gh_kept_has_sound(courier, &kept->said))
        status = gh_courier_fetch_sound(courier, &kept->said, &retry_after_s, &progress, &err);
    if (status == GH_OK) {
        kept->state = GH_KEPT_READY;
        kept->told = false;
        return;
    }
    if (status == GH_ERR_AGAIN) {
        gh_backoff_succeeded(&kept->backoff, now_ns(courier), 0);
        return;
    }
    gh_log(GH_LOG_WARNING, GH_COURIER_MODULE, "an announcement's sound: %s",
           err.text[0] ? err.text : gh_status_text(status));
    if (progress)
        kept->backoff.delay_ms = 0; /* a line that breaks often gets there all the same */
    gh_backoff_failed(&kept->backoff, now_ns(courier), retry_after_s);
}

/* --- the lane --- */

static void take_orders(struct gh_courier *courier)
{
    struct gh_order order;

    while (gh_queue_pop(courier->news.orders, &order)) {
        if (order.type == GH_ORDER_ANNOUNCED)
            gh_kept_done(courier, order.announcement);
    }
}

/* With another list key all that it has not signed yet is asked for anew, as the server signs it
 * now; with another gate's identity nothing that was here counts. */
static bool take_identity(struct gh_courier *courier)
{
    struct gh_lane *lane = &courier->news;
    struct gh_news_desk *desk = &courier->desk;

    pthread_mutex_lock(&courier->lock);
    bool fresh = desk->publication != courier->publication;
    bool other = memcmp(lane->identity.list_key, courier->published.list_key, GH_LIST_KEY_BYTES);
    if (fresh)
        lane->identity = courier->published;
    if (fresh && other && courier->news_wanted > 0)
        courier->news_resets++;
    desk->publication = courier->publication;
    pthread_mutex_unlock(&courier->lock);
    if (!lane->identity.enrolled)
        return false;
    if ((fresh && other) || !lane->list_key) {
        if (gh_lane_use_key(lane) != GH_OK)
            return false;
    }
    if (desk->gate != lane->identity.gate) {
        gh_kept_load(courier);
        desk->gate = lane->identity.gate;
    }
    return true;
}

static int64_t ms_until(const struct gh_courier *courier, int64_t at_ns)
{
    int64_t left_ns = at_ns - now_ns(courier);

    return left_ns > 0 ? left_ns / GH_NS_PER_MS + 1 : 0;
}

static int64_t wait_ms(struct gh_courier *courier, int64_t kept_ms)
{
    const struct gh_news_desk *desk = &courier->desk;
    int64_t least = kept_ms < LONGEST_WAIT_MS ? kept_ms : LONGEST_WAIT_MS;

    if (gh_courier_has_news(courier)) {
        int64_t ms = ms_until(courier, desk->backoff.next_ns);
        least = ms < least ? ms : least;
    }
    for (size_t i = 0; i < desk->kept_count; i++) {
        int64_t ms = ms_until(courier, desk->kept[i].backoff.next_ns);
        if (desk->kept[i].state == GH_KEPT_WANTED && ms < least)
            least = ms;
    }
    return least;
}

int64_t gh_courier_news_lane(struct gh_courier *courier)
{
    struct gh_lane *lane = &courier->news;

    if (!take_identity(courier))
        return LONGEST_WAIT_MS;
    take_orders(courier);
    (void)gh_kept_tick(courier);
    bool asks = gh_courier_has_news(courier) && now_ns(courier) >= courier->desk.backoff.next_ns;
    struct gh_kept *sound = asks ? NULL : next_sound(courier);
    if ((asks || sound) && !lane->connected && gh_lane_connect(lane) != GH_OK)
        return GH_COURIER_AGAIN_MS;
    if (asks)
        turn_news(courier);
    else if (sound)
        turn_sound(courier, sound);
    return wait_ms(courier, gh_kept_tick(courier));
}
