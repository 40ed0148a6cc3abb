/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/fleet/polls.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define GROUP 256 /* connections opened at once */
#define MORE_S 15 /* that a gate waits for an answer longer than the server was asked to */
#define CHANGE_MAX_S 120
#define QUIET_MS 200
#define QUIET_NS (4 * GH_NS_PER_MS) /* of processor time in that time: nothing */

struct fleet_poller {
    struct fleet_peer peer;
    struct fleet_polls *polls;
    struct fleet_gate *gate;
    int64_t came_ns; /* when it got what it waits for; 0: not yet */
};

/* --- a poll --- */

void fleet_list_request(const struct fleet_gate *gate, int wait_s, char path[FLEET_LIST_PATH_BYTES],
                        struct fleet_request *request)
{
    char tag[2 * GH_LIST_TAG_BYTES + 1];
    gh_hex_encode(gate->list.tag, sizeof(gate->list.tag), tag);
    (void)snprintf(path, FLEET_LIST_PATH_BYTES,
                   "/api/v1/list?generation=%" PRIu64 "&tag=%s&wait_s=%d&boot=%s&news=0",
                   gate->list.number, tag, wait_s, gate->boot);
    *request = (struct fleet_request){
        .method = "GET",
        .path = path,
        .bearer = gate->token,
        .timeout_ms = (wait_s + MORE_S) * INT64_C(1000),
    };
}

void fleet_ask_for_list(struct fleet_peer *peer, const struct fleet_gate *gate, int wait_s)
{
    struct fleet_request request;
    char path[FLEET_LIST_PATH_BYTES];
    fleet_list_request(gate, wait_s, path, &request);
    fleet_peer_ask(peer, &request);
}

static void keep_answer(struct fleet_polls *polls, const struct fleet_peer *peer)
{
    if (polls->mirrored)
        return;
    uint8_t *copy = fleet_allocate(peer->in_size, 1);
    memcpy(copy, peer->in, peer->in_size);
    free((void *)(uintptr_t)polls->answer.data);
    polls->answer = (struct gh_bytes){copy, peer->in_size};
}

/* A word that is news to the gate must lead on from the list that it has; a gate that has none
 * takes it for the list's beginning. */
static void take_word(struct fleet_poller *poller, const struct fleet_word *word)
{
    struct fleet_polls *polls = poller->polls;
    bool begins = poller->gate->list.number == 0;
    if (!polls->mirrored) {
        if (gh_generation_same(&word->now, &poller->gate->list))
            return; /* signed anew */
        if (word->now.number <= poller->gate->list.number)
            fleet_fail("a gate was given an older list");
        if (!begins && !gh_generation_same(&word->from, &poller->gate->list))
            fleet_fail("a gate was given a delta that does not lead on from its list");
        poller->gate->list = word->now;
    }
    if (poller->came_ns == 0) {
        poller->came_ns = fleet_now_ns();
        polls->have++;
    }
    if (!begins && poller == polls->pollers)
        keep_answer(polls, &poller->peer);
}

static void on_poll(struct fleet_peer *peer, enum fleet_outcome outcome)
{
    struct fleet_poller *poller = peer->context;
    struct fleet_polls *polls = poller->polls;
    if (outcome == FLEET_LOST || outcome == FLEET_LATE) {
        polls->lost++;
        fleet_peer_rest(peer, fleet_now_ns() + GH_NS_PER_S);
        return;
    }
    if (outcome == FLEET_ANSWERED && peer->status == 503) {
        polls->refused++;
        fleet_peer_rest(peer, fleet_now_ns() + peer->retry_after_s * GH_NS_PER_S);
        return;
    }
    if (outcome == FLEET_ANSWERED) {
        if (peer->status != 200)
            fleet_fail("a poll is answered %d %.*s", peer->status, (int)peer->answer.size,
                       (const char *)peer->answer.data);
        take_word(poller, fleet_word_of(&polls->words, peer->answer));
    }
    fleet_ask_for_list(peer, poller->gate, FLEET_WAIT_S);
}

/* --- all of them --- */

static size_t on_their_way(const struct fleet_polls *polls, size_t count)
{
    size_t found = 0;
    for (size_t i = 0; i < count; i++)
        found += polls->pollers[i].peer.state != FLEET_READING;
    return found;
}

void fleet_polls_open(struct fleet_polls *polls, struct fleet_town *town, pid_t server,
                      const struct sockaddr_in *address, bool mirrored)
{
    *polls = (struct fleet_polls){
        .town = town,
        .address = *address,
        .server = server,
        .mirrored = mirrored,
        .words.list_key = town->list_key,
        .pollers = fleet_allocate(town->gate_count, sizeof(struct fleet_poller)),
        .times_ns = fleet_allocate(town->gate_count, sizeof(int64_t)),
        .count = town->gate_count,
    };
    for (size_t i = 0; i < polls->count; i++) {
        struct fleet_poller *poller = &polls->pollers[i];
        poller->polls = polls;
        poller->gate = &town->gates[i];
        fleet_peer_open(&poller->peer, town->loop, address, (unsigned)i, on_poll, poller);
        fleet_ask_for_list(&poller->peer, poller->gate, FLEET_WAIT_S);
        while (i % GROUP == GROUP - 1 &&
               (on_their_way(polls, i + 1) > 0 || (!mirrored && polls->have <= i)))
            fleet_loop_turn(town->loop, 1000);
    }
    while (!mirrored && polls->have < polls->count)
        fleet_loop_turn(town->loop, 1000);
}

void fleet_polls_settle(struct fleet_polls *polls)
{
    int64_t spent_ns = 0;
    bool busy = true;
    while (busy) {
        int64_t until_ns = fleet_now_ns() + QUIET_MS * GH_NS_PER_MS;
        while (fleet_now_ns() < until_ns)
            fleet_loop_turn(polls->town->loop, QUIET_MS / 4);
        int64_t now_ns = fleet_cpu_ns(polls->server);
        busy = now_ns - spent_ns > QUIET_NS || on_their_way(polls, polls->count) > 0;
        spent_ns = now_ns;
    }
}

struct changing {
    int64_t saved_ns; /* when it was answered; 0: not yet */
};

static void on_changed(struct fleet_peer *peer, enum fleet_outcome outcome)
{
    if (outcome != FLEET_ANSWERED || peer->status != 200)
        fleet_fail("the change is not taken (%d)", outcome == FLEET_ANSWERED ? peer->status : 0);
    ((struct changing *)peer->context)->saved_ns = fleet_now_ns();
}

void fleet_polls_change(struct fleet_polls *polls, struct fleet_peer *changer,
                        const struct fleet_request *request, struct fleet_reference *reference,
                        struct fleet_change *out)
{
    struct changing changing = {0};
    polls->have = 0;
    for (size_t i = 0; i < polls->count; i++)
        polls->pollers[i].came_ns = 0;
    changer->done = on_changed;
    changer->context = &changing;
    int64_t began_ns = fleet_now_ns();
    fleet_peer_ask(changer, request);
    while (polls->have < polls->count || changing.saved_ns == 0 ||
           (reference != NULL && !reference->has_news)) {
        fleet_loop_turn(polls->town->loop, 1000);
        if (fleet_now_ns() - began_ns > CHANGE_MAX_S * GH_NS_PER_S)
            fleet_fail("%zu of %zu gates have the change after %d s", polls->have, polls->count,
                       CHANGE_MAX_S);
    }
    for (size_t i = 0; i < polls->count; i++)
        polls->times_ns[i] = polls->pollers[i].came_ns - began_ns;
    out->saved_ns = changing.saved_ns - began_ns;
    out->spread = fleet_spread_of(polls->times_ns, polls->count);
    if (reference != NULL) {
        fleet_reference_apply(reference);
        fleet_reference_wait(reference);
    }
    fleet_polls_settle(polls);
}

void fleet_polls_close(struct fleet_polls *polls)
{
    for (size_t i = 0; i < polls->count; i++)
        fleet_peer_shut(&polls->pollers[i].peer);
    /* All are in the loop's list, one behind the other: freed from the newest on, each is found at
     * once. */
    for (size_t i = polls->count; i-- > 0;)
        fleet_peer_free(&polls->pollers[i].peer);
    free(polls->pollers);
    free(polls->times_ns);
    fleet_words_free(&polls->words);
}
