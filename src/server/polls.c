/* SPDX-License-Identifier: Apache-2.0 */
#include "server/polls.h"

#include <microhttpd.h>
#include <stdlib.h>
#include <systemd/sd-event.h>

#include "gatehouse/clock.h"
#include "gatehouse/log.h"
#include "server/http.h"
#include "server/news.h"
#include "server/publish.h"
#include "server/server.h"

/* A wheel: who is due in the same TICK_NS hangs at the same spoke. */
#define TICK_NS (GH_NS_PER_S / 4)
#define TICK_US (TICK_NS / 1000)
#define SPOKES 256 /* beyond GH_POLL_WAIT_MAX_S */
#define MAKING_S 5
/* When nothing can be said: by chance, so that not all come again at once. */
#define RETRY_FROM_S 2
#define RETRY_TO_S 20

struct gh_poll {
    struct gh_poll *before, *after; /* at the spoke */
    struct gh_request *request;
    struct gh_roster_gate *gate;
    struct gh_generation have;
    uint64_t news;
    bool at_once; /* it would not wait for a change, only for what is being made */
    struct gh_polls *polls;
};

struct gh_polls {
    struct gh_server *server;
    size_t most, open;
    uint64_t answered;
    struct gh_poll spokes[SPOKES]; /* heads of rings, no polls themselves */
    int64_t tick;                  /* all until this one have been let go */
    sd_event_source *timer;
};

static int64_t tick_now(const struct gh_polls *polls)
{
    return gh_clock_monotonic_ns(polls->server->clock) / TICK_NS;
}

/* --- answers --- */

static void answer_later(struct gh_request *request, const char *why)
{
    gh_answer_error(request, MHD_HTTP_SERVICE_UNAVAILABLE, "unavailable", why);
    gh_answer_retry_after(request, RETRY_FROM_S +
                                       (int64_t)(gh_random_id() % (RETRY_TO_S - RETRY_FROM_S + 1)));
}

/* False: not answered. last: there is no more waiting for a change. */
static bool look(struct gh_polls *polls, struct gh_request *request,
                 const struct gh_roster_gate *gate, const struct gh_generation *have, uint64_t news,
                 bool last)
{
    struct gh_answer *answer;
    bool other;
    uint64_t number = gh_news_number(polls->server->news, gate);
    /* A number that is lower than the gate's: the database is an older copy, and counts anew. */
    bool stale = news != GH_POLL_NO_NEWS && news != number;
    enum gh_status status =
        gh_publisher_answer(polls->server->publisher, have, number, &answer, &other);
    if (status == GH_OK && !other && !stale && !last)
        return false;
    /* A disk that is full, say, makes what was true not less true. */
    if (status != GH_OK && last)
        status = gh_publisher_last(polls->server->publisher, have, number, &answer);
    if (status != GH_OK)
        return false;
    gh_answer_shared(request, answer);
    polls->answered++;
    return true;
}

static bool look_for(const struct gh_poll *poll, bool last)
{
    return look(poll->polls, poll->request, poll->gate, &poll->have, poll->news, last);
}

/* --- waiting --- */

static void take_out(struct gh_poll *poll)
{
    poll->before->after = poll->after;
    poll->after->before = poll->before;
    poll->gate->poll = NULL;
    poll->polls->open--;
    free(poll);
}

/* Its request is answered. */
static void let_go(struct gh_poll *poll)
{
    struct gh_request *request = poll->request;
    take_out(poll);
    gh_request_resume(request);
}

static void gone(void *context)
{
    take_out(context);
}

static void keep(struct gh_polls *polls, struct gh_request *request, struct gh_roster_gate *gate,
                 const struct gh_generation *have, uint64_t news, int64_t wait_s)
{
    struct gh_poll *poll = calloc(1, sizeof(*poll));
    if (poll == NULL) {
        gh_answer_status(request, GH_ERR_NOMEM);
        return;
    }
    int64_t now = tick_now(polls);
    if (polls->open == 0) {
        polls->tick = now;
        (void)sd_event_source_set_time_relative(polls->timer, TICK_US);
        (void)sd_event_source_set_enabled(polls->timer, SD_EVENT_ON);
    }
    /* What is being made is waited for also by those who would not wait for a change. */
    int64_t due = now + (wait_s > 0 ? wait_s : MAKING_S) * GH_NS_PER_S / TICK_NS;
    struct gh_poll *spoke = &polls->spokes[(due > polls->tick ? due : polls->tick + 1) % SPOKES];
    *poll = (struct gh_poll){.before = spoke->before,
                             .after = spoke,
                             .request = request,
                             .gate = gate,
                             .have = *have,
                             .news = news,
                             .at_once = wait_s == 0,
                             .polls = polls};
    poll->before->after = poll;
    spoke->before = poll;
    gate->poll = poll;
    polls->open++;
    gh_request_wait(request, gone, poll);
}

/* One gate waits once: of two the older one hangs in a connection that broke off unnoticed, or is
 * another board's, which is to come again slowly. */
static void end_older(const struct gh_roster_gate *gate)
{
    struct gh_poll *older = gate->poll;
    if (older == NULL)
        return;
    answer_later(older->request, "this gate has asked once more since");
    let_go(older);
}

void gh_polls_take(struct gh_polls *polls, struct gh_request *request, struct gh_roster_gate *gate,
                   const struct gh_generation *have, uint64_t news, int64_t wait_s)
{
    end_older(gate);
    if (look(polls, request, gate, have, news, wait_s == 0))
        return;
    if (polls->open >= polls->most) {
        answer_later(request, "too many gates wait");
        return;
    }
    keep(polls, request, gate, have, news, wait_s);
}

/* --- the end of waiting --- */

void gh_polls_wake(struct gh_polls *polls)
{
    for (size_t i = 0; i < SPOKES && polls->open > 0; i++) {
        struct gh_poll *spoke = &polls->spokes[i], *next;
        for (struct gh_poll *poll = spoke->after; poll != spoke; poll = next) {
            next = poll->after;
            if (look_for(poll, poll->at_once))
                let_go(poll);
        }
    }
}

static void let_go_of_spoke(struct gh_poll *spoke)
{
    while (spoke->after != spoke) {
        struct gh_poll *poll = spoke->after;
        if (!look_for(poll, true))
            answer_later(poll->request, "the list is being made");
        let_go(poll);
    }
}

static int on_tick(sd_event_source *source, uint64_t usec, void *context)
{
    struct gh_polls *polls = context;
    int64_t now = tick_now(polls);
    (void)usec;
    for (int i = 0; i < SPOKES && polls->tick < now; i++)
        let_go_of_spoke(&polls->spokes[++polls->tick % SPOKES]);
    polls->tick = now;
    (void)sd_event_source_set_time_relative(source, TICK_US);
    if (polls->open == 0)
        (void)sd_event_source_set_enabled(source, SD_EVENT_OFF);
    return 0;
}

void gh_polls_shut_out(struct gh_roster_gate *gate)
{
    struct gh_poll *poll = gate->poll;
    if (poll == NULL)
        return;
    gh_answer_error(poll->request, MHD_HTTP_FORBIDDEN, "forbidden", "this gate was shut out");
    let_go(poll);
}

/* --- life --- */

enum gh_status gh_polls_new(struct gh_server *server, size_t most, struct gh_polls **out)
{
    *out = NULL;
    struct gh_polls *polls = calloc(1, sizeof(*polls));
    if (polls == NULL)
        return GH_ERR_NOMEM;
    polls->server = server;
    polls->most = most;
    for (size_t i = 0; i < SPOKES; i++)
        polls->spokes[i].before = polls->spokes[i].after = &polls->spokes[i];
    if (sd_event_add_time(server->event, &polls->timer, CLOCK_MONOTONIC, 0, 1000, on_tick, polls) <
            0 ||
        sd_event_source_set_enabled(polls->timer, SD_EVENT_OFF) < 0) {
        gh_polls_free(polls);
        return GH_ERR_NOMEM;
    }
    *out = polls;
    return GH_OK;
}

void gh_polls_free(struct gh_polls *polls)
{
    if (polls == NULL)
        return;
    for (size_t i = 0; i < SPOKES; i++)
        while (polls->spokes[i].after != &polls->spokes[i])
            take_out(polls->spokes[i].after);
    sd_event_source_disable_unref(polls->timer);
    free(polls);
}

size_t gh_polls_open(const struct gh_polls *polls)
{
    return polls->open;
}

uint64_t gh_polls_answered(const struct gh_polls *polls)
{
    return polls->answered;
}
