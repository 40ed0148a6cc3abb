/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/courier.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "gate/courier_parts.h"
#include "gatehouse/file.h"
#include "gatehouse/log.h"

#define ORDERS_MAX 48 /* of each announcement that there may be what became of it */
#define NICE 5        /* decoding and deciding come first */

enum gh_status gh_courier_identity_path(const char *state_dir, char *path)
{
    return gh_path_join(state_dir, "identity.json", path, PATH_MAX);
}

enum gh_status gh_courier_list_path(const char *state_dir, char *path)
{
    return gh_path_join(state_dir, "list", path, PATH_MAX);
}

enum gh_status gh_courier_journal_path(const char *state_dir, gh_id gate, char *path)
{
    char id[GH_ID_TEXT_BYTES], name[GH_ID_TEXT_BYTES + 16];

    gh_id_format(gate, id);
    snprintf(name, sizeof(name), "journal-%s.db", id);
    return gh_path_join(state_dir, name, path, PATH_MAX);
}

void gh_courier_publish(struct gh_courier *courier)
{
    pthread_mutex_lock(&courier->lock);
    courier->published = courier->list.identity;
    courier->publication++;
    pthread_mutex_unlock(&courier->lock);
}

/* --- threads --- */

int64_t gh_courier_turn(struct gh_courier *courier, enum gh_courier_lane lane)
{
    switch (lane) {
    case GH_COURIER_LANE_LIST:
        return gh_courier_list_lane(courier);
    case GH_COURIER_LANE_ENTRIES:
        return gh_courier_entries_lane(courier);
    default:
        return gh_courier_news_lane(courier);
    }
}

static void *lane_main(void *argument)
{
    struct gh_lane *lane = argument;
    const atomic_bool *stop = &lane->courier->stop;

    (void)setpriority(PRIO_PROCESS, (id_t)gettid(), NICE); /* of this thread */
    while (!atomic_load(stop)) {
        int64_t wait_ms = lane->turn(lane->courier);
        struct pollfd orders = {.fd = gh_queue_fd(lane->orders), .events = POLLIN};
        if (!atomic_load(stop) && poll(&orders, 1, (int)wait_ms) < 0 && errno != EINTR)
            break;
    }
    return NULL;
}

static enum gh_status start_lane(struct gh_lane *lane, struct gh_error *err)
{
    sigset_t all, before;

    sigfillset(&all); /* signals are the main loop's */
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int failed = pthread_create(&lane->thread, NULL, lane_main, lane);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (failed)
        return gh_fail(err, gh_status_from_errno(failed), "the courier cannot start: %s",
                       strerror(failed));
    lane->runs = true;
    return GH_OK;
}

enum gh_status gh_courier_start(struct gh_courier *courier, struct gh_error *err)
{
    enum gh_status status = start_lane(&courier->list, err);

    if (status == GH_OK)
        status = start_lane(&courier->entries, err);
    return status == GH_OK ? start_lane(&courier->news, err) : status;
}

/* --- life --- */

static enum gh_status init_lane(struct gh_courier *courier, struct gh_lane *lane,
                                int64_t (*turn)(struct gh_courier *courier))
{
    lane->courier = courier;
    lane->turn = turn;
    pthread_mutex_init(&lane->transport_lock, NULL);
    return gh_queue_new(sizeof(struct gh_order), ORDERS_MAX, &lane->orders);
}

static enum gh_status init(struct gh_courier *courier, const struct gh_courier_options *options)
{
    struct gh_backoff backoff = {.first_ms = options->backoff_first_ms,
                                 .greatest_ms = options->backoff_max_ms};

    courier->options = *options;
    courier->watch.enrol = courier->watch.backoff = courier->outbox.backoff =
        courier->desk.backoff = backoff;
    courier->watch.waits = courier->watch.brief = true;
    gh_boot_id(courier->boot_id);
    pthread_mutex_init(&courier->lock, NULL);
    enum gh_status list = init_lane(courier, &courier->list, gh_courier_list_lane);
    enum gh_status entries = init_lane(courier, &courier->entries, gh_courier_entries_lane);
    enum gh_status news = init_lane(courier, &courier->news, gh_courier_news_lane);
    enum gh_status status = list != GH_OK ? list : entries != GH_OK ? entries : news;
    if (status == GH_OK)
        status = gh_courier_identity_path(options->state_dir, courier->identity_path);
    if (status == GH_OK)
        status = gh_courier_list_path(options->state_dir, courier->list_path);
    if (status == GH_OK)
        status = gh_path_join(options->state_dir, "acknowledged", courier->note_path, PATH_MAX);
    if (status == GH_OK)
        status = gh_path_join(options->state_dir, "announcements", courier->desk.folder, PATH_MAX);
    return status;
}

/* What versions before this one kept the list in. */
static void remove_old_list(const struct gh_courier *courier)
{
    static const char *const names[] = {"list.db", "list.db.manifest"};
    char path[PATH_MAX];

    for (size_t i = 0; i < GH_ARRAY_SIZE(names); i++) {
        if (gh_path_join(courier->options.state_dir, names[i], path, PATH_MAX) == GH_OK)
            (void)unlink(path);
    }
}

enum gh_status gh_courier_new(const struct gh_courier_options *options,
                              const struct gh_identity *identity, struct gh_courier **out,
                              struct gh_error *err)
{
    *out = NULL;
    struct gh_courier *courier = calloc(1, sizeof(*courier));
    if (!courier)
        return gh_fail(err, GH_ERR_NOMEM, "no memory for the courier");
    enum gh_status status = init(courier, options);
    if (status != GH_OK) {
        gh_courier_stop(courier);
        return gh_fail(err, status, "the courier cannot start: %s", gh_status_text(status));
    }
    courier->list.identity = *identity;
    remove_old_list(courier);
    gh_courier_publish(courier);
    *out = courier;
    return GH_OK;
}

void gh_courier_enrol(struct gh_courier *courier, const struct gh_enrolment *enrolment)
{
    struct gh_order order = {.type = GH_ORDER_ENROL, .enrolment = *enrolment};

    /* Full: the code is still held up, and comes again. */
    (void)gh_queue_push(courier->list.orders, &order);
    gh_wipe(&order, sizeof(order));
}

void gh_courier_renew_list(struct gh_courier *courier)
{
    struct gh_order order = {.type = GH_ORDER_LIST};

    (void)gh_queue_push(courier->list.orders, &order); /* full: the gate asks again */
}

void gh_courier_announced(struct gh_courier *courier, gh_id announcement)
{
    struct gh_order order = {.type = GH_ORDER_ANNOUNCED, .announcement = announcement};

    if (!gh_queue_push(courier->news.orders, &order))
        gh_log(GH_LOG_ERR, GH_COURIER_MODULE,
               "an announcement that was played may be played again after a restart");
}

void gh_courier_kick(struct gh_courier *courier)
{
    gh_lane_wake(&courier->entries);
}

static void add_word(struct gh_courier_state *state, const struct gh_lane_word *word)
{
    if (word->heard && (!state->heard || word->heard_ns > state->heard_ns))
        state->heard_ns = word->heard_ns;
    state->heard = state->heard || word->heard;
    state->refused = state->refused || word->refused;
    if (state->trouble[0] == '\0')
        memcpy(state->trouble, word->trouble, sizeof(state->trouble));
}

/* Not the news lane's: it asks so seldom that what failed there may be long over. */
struct gh_courier_state gh_courier_look(struct gh_courier *courier)
{
    struct gh_courier_state state = {.heard = false};

    pthread_mutex_lock(&courier->lock);
    add_word(&state, &courier->list.word);
    add_word(&state, &courier->entries.word);
    state.entries_fail = courier->entries.word.failed;
    state.entries_failing_ns = courier->entries.word.failing_ns;
    pthread_mutex_unlock(&courier->lock);
    return state;
}

static void end_lane(struct gh_lane *lane)
{
    if (lane->runs)
        pthread_join(lane->thread, NULL);
    gh_lane_disconnect(lane);
    gh_queue_free(lane->orders);
    pthread_mutex_destroy(&lane->transport_lock);
}

void gh_courier_stop(struct gh_courier *courier)
{
    if (!courier)
        return;
    struct gh_lane *lanes[] = {&courier->list, &courier->entries, &courier->news};
    atomic_store(&courier->stop, true);
    for (size_t i = 0; i < GH_ARRAY_SIZE(lanes); i++) {
        if (!lanes[i]->runs)
            continue;
        gh_lane_cancel(lanes[i]);
        gh_lane_wake(lanes[i]);
    }
    for (size_t i = 0; i < GH_ARRAY_SIZE(lanes); i++)
        end_lane(lanes[i]);
    gh_outbox_save(courier, true);
    gh_outbox_close(courier);
    pthread_mutex_destroy(&courier->lock);
    gh_wipe(courier, sizeof(*courier));
    free(courier);
}
