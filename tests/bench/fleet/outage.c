/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/fleet/outage.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench/fleet/polls.h"
#include "gate/backoff.h"
#include "gate/courier_parts.h"
#include "gatehouse/receipt.h"

#define BACKOFF_FIRST_MS 1000
#define BACKOFF_GREATEST_MS 300000
#define CHANGE_EVERY_NS GH_NS_PER_S
#define CHANGES_MAX 600
#define TAKES_AT_MOST_S 1800

struct sender {
    struct fleet_peer peer;
    struct sending *all;
    const struct fleet_gate *gate;
    const struct fleet_batch *batch;
    struct gh_backoff backoff; /* the gate's own */
    uint8_t *answer;
    size_t answer_bytes;
};
struct sending {
    struct fleet_outage *out;
    struct sender *senders;
    size_t count, done;
    int64_t began_ns;
    int64_t *times_ns;
};

/* --- entries --- */

static void send_batch(struct sender *sender)
{
    fleet_peer_ask(&sender->peer, &(const struct fleet_request){
                                      .method = "POST",
                                      .path = "/api/v1/entries",
                                      .bearer = sender->gate->token,
                                      .content_type = "application/json",
                                      .zstd = true,
                                      .body = {sender->batch->frame, sender->batch->frame_bytes},
                                      .timeout_ms = GH_COURIER_TIMEOUT_MS,
                                  });
}

static void try_later(struct sender *sender, int64_t retry_after_s)
{
    gh_backoff_failed(&sender->backoff, fleet_now_ns(), retry_after_s);
    fleet_peer_rest(&sender->peer, sender->backoff.next_ns);
}

/* It is looked at when the clock has stopped. */
static void keep_answer(struct sender *sender)
{
    struct gh_bytes answer = sender->peer.answer;
    sender->answer = fleet_allocate(answer.size, 1);
    sender->answer_bytes = answer.size;
    memcpy(sender->answer, answer.data, answer.size);
    sender->all->times_ns[sender->all->done++] = fleet_now_ns() - sender->all->began_ns;
    fleet_peer_shut(&sender->peer);
}

static void on_batch(struct fleet_peer *peer, enum fleet_outcome outcome)
{
    struct sender *sender = peer->context;
    struct fleet_outage *out = sender->all->out;
    if (outcome == FLEET_RESTED) {
        send_batch(sender);
    } else if (outcome == FLEET_ANSWERED && peer->status == 200) {
        keep_answer(sender);
    } else if (outcome == FLEET_ANSWERED) {
        if (peer->status != 503 && peer->status != 429)
            fleet_fail("a batch is answered %d %.*s", peer->status, (int)peer->answer.size,
                       (const char *)peer->answer.data);
        out->refused_for_now++;
        try_later(sender, peer->retry_after_s);
    } else {
        out->late += outcome == FLEET_LATE;
        out->lost += outcome == FLEET_LOST;
        try_later(sender, -1);
    }
}

static int64_t integer_in(const json_t *json, const char *name)
{
    const json_t *value = json_object_get(json, name);
    if (!json_is_integer(value))
        fleet_fail("an answer to a batch without %s", name);
    return json_integer_value(value);
}

static void read_hex(const json_t *json, const char *name, void *out, size_t size)
{
    const char *text = json_string_value(json_object_get(json, name));
    if (text == NULL || gh_hex_decode(text, strlen(text), out, size) != GH_OK)
        fleet_fail("a receipt without %s", name);
}

static void check_receipt(const struct sender *sender, const json_t *json,
                          const struct gh_public_key *list_key)
{
    struct gh_receipt receipt = {.through = (uint64_t)integer_in(json, "through")};
    read_hex(json, "hash", receipt.hash, sizeof(receipt.hash));
    read_hex(json, "signature", receipt.signature, sizeof(receipt.signature));
    if (receipt.through != FLEET_BATCH_ENTRIES ||
        memcmp(receipt.hash, sender->batch->last_hash, sizeof(receipt.hash)) != 0)
        fleet_fail("a receipt for something else than what was sent");
    fleet_must(gh_receipt_verify(list_key, sender->gate->id, &receipt), "a receipt");
}

static void check_answer(const struct sender *sender, const struct gh_public_key *list_key)
{
    json_t *json = json_loadb((const char *)sender->answer, sender->answer_bytes, 0, NULL);
    int64_t stored = integer_in(json, "stored"), known = integer_in(json, "known");
    if (integer_in(json, "acknowledged") != FLEET_BATCH_ENTRIES ||
        stored + known != FLEET_BATCH_ENTRIES ||
        json_array_size(json_object_get(json, "refused")) != 0)
        fleet_fail("a batch is not acknowledged whole: %.*s", (int)sender->answer_bytes,
                   (const char *)sender->answer);
    sender->all->out->again += known > 0;
    check_receipt(sender, json_object_get(json, "receipt"), list_key);
    json_decref(json);
}

/* --- the list meanwhile --- */

struct listener {
    struct fleet_town *town;
    struct fleet_peer poll, changer;
    struct fleet_gate gate; /* the reference gate, which catches up afterwards */
    struct fleet_words words;
    bool changing, saved;
    int64_t changed_ns, next_ns;
    int64_t times_ns[CHANGES_MAX];
    size_t changes;
};

static void on_list(struct fleet_peer *peer, enum fleet_outcome outcome)
{
    struct listener *listener = peer->context;
    if (outcome != FLEET_ANSWERED || peer->status != 200)
        fleet_fail("the list is not given while entries come (%d)",
                   outcome == FLEET_ANSWERED ? peer->status : 0);
    int64_t now_ns = fleet_now_ns();
    const struct fleet_word *word = fleet_word_of(&listener->words, peer->answer);
    if (word->now.number > listener->gate.list.number && listener->changing) {
        listener->times_ns[listener->changes++] = now_ns - listener->changed_ns;
        listener->changing = false;
    }
    listener->gate.list = word->now;
    fleet_ask_for_list(peer, &listener->gate, FLEET_WAIT_S);
}

static void on_saved(struct fleet_peer *peer, enum fleet_outcome outcome)
{
    if (outcome != FLEET_ANSWERED || peer->status != 200)
        fleet_fail("a change is not taken while entries come (%d)",
                   outcome == FLEET_ANSWERED ? peer->status : 0);
    ((struct listener *)peer->context)->saved = true;
}

static void change_now_and_then(struct listener *listener)
{
    struct fleet_request request;
    int64_t now_ns = fleet_now_ns();
    if (listener->changing || !listener->saved || now_ns < listener->next_ns ||
        listener->changes == CHANGES_MAX)
        return;
    fleet_town_next_change(listener->town, &request);
    listener->changing = true;
    listener->saved = false;
    listener->changed_ns = now_ns;
    listener->next_ns = now_ns + CHANGE_EVERY_NS;
    fleet_peer_ask(&listener->changer, &request);
}

static void listen_open(struct listener *listener, struct fleet_town *town)
{
    *listener = (struct listener){
        .town = town,
        .gate = town->gates[town->gate_count],
        .words.list_key = town->list_key,
        .saved = true,
    };
    fleet_peer_open(&listener->poll, town->loop, &town->address, 0, on_list, listener);
    fleet_peer_open(&listener->changer, town->loop, &town->address, 0, on_saved, listener);
    fleet_ask_for_list(&listener->poll, &listener->gate, FLEET_WAIT_S);
    /* The administrator is at work already: what is measured is the list, not the queue of those
     * who want to connect. */
    fleet_peer_exchange(&listener->changer, &(const struct fleet_request){
                                                .method = "GET",
                                                .path = "/api/v1/people?limit=1",
                                                .bearer = town->admin_token,
                                                .timeout_ms = 60000,
                                            });
    listener->next_ns = fleet_now_ns() + CHANGE_EVERY_NS / 4;
}

static void listen_close(struct listener *listener, struct fleet_outage *out)
{
    while (listener->changing || !listener->saved)
        fleet_loop_turn(listener->town->loop, 1000);
    out->changes = listener->changes;
    out->list = fleet_spread_of(listener->times_ns, listener->changes);
    fleet_peer_free(&listener->changer);
    fleet_peer_free(&listener->poll);
    fleet_words_free(&listener->words);
}

/* --- both --- */

static void open_senders(struct sending *all, const struct fleet_batches *batches,
                         struct fleet_town *town)
{
    all->count = batches->count;
    all->senders = fleet_allocate(all->count, sizeof(*all->senders));
    all->times_ns = fleet_allocate(all->count, sizeof(*all->times_ns));
    for (size_t i = 0; i < all->count; i++) {
        struct sender *sender = &all->senders[i];
        sender->all = all;
        sender->gate = &town->gates[i];
        sender->batch = &batches->batch[i];
        sender->backoff =
            (struct gh_backoff){.first_ms = BACKOFF_FIRST_MS, .greatest_ms = BACKOFF_GREATEST_MS};
        fleet_peer_open(&sender->peer, town->loop, &town->address, (unsigned)i, on_batch, sender);
    }
}

static void close_senders(struct sending *all)
{
    for (size_t i = all->count; i-- > 0;) {
        fleet_peer_free(&all->senders[i].peer);
        free(all->senders[i].answer);
    }
    free(all->senders);
    free(all->times_ns);
}

static void send_all(struct sending *all, struct listener *listener)
{
    struct fleet_loop *loop = listener->town->loop;
    int64_t end_ns = all->began_ns + TAKES_AT_MOST_S * GH_NS_PER_S;
    for (size_t i = 0; i < all->count; i++)
        send_batch(&all->senders[i]);
    while (all->done < all->count) {
        fleet_loop_turn(loop, 50);
        change_now_and_then(listener);
        if (fleet_now_ns() > end_ns)
            fleet_fail("%zu of %zu batches are acknowledged after %d s", all->done, all->count,
                       TAKES_AT_MOST_S);
    }
}

void fleet_outage_run(const struct fleet_batches *batches, struct fleet_town *town,
                      struct fleet_outage *out)
{
    struct sending all = {.out = out};
    struct listener *listener = fleet_allocate(1, sizeof(*listener));
    *out = (struct fleet_outage){0};
    open_senders(&all, batches, town);
    listen_open(listener, town);
    out->server_cpu_ns = -fleet_cpu_ns(town->pid);
    out->own_cpu_ns = -fleet_cpu_ns(getpid());
    all.began_ns = fleet_now_ns();
    send_all(&all, listener);
    out->took_ns = fleet_now_ns() - all.began_ns;
    out->server_cpu_ns += fleet_cpu_ns(town->pid);
    out->own_cpu_ns += fleet_cpu_ns(getpid());
    listen_close(listener, out);
    free(listener);
    for (size_t i = 0; i < all.count; i++)
        check_answer(&all.senders[i], town->list_key);
    out->acknowledged = fleet_spread_of(all.times_ns, all.count);
    close_senders(&all);
}
