/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/fleet/reference.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/fleet/fleet.h"
#include "bench/fleet/polls.h"
#include "gatehouse/file.h"

#define TIMEOUT_MS 30000
#define PATIENCE_S 60

static struct gh_delta delta_of(const struct fleet_word *word)
{
    return (struct gh_delta){word->delta_head, word->records};
}

/* --- the long poll --- */

static void on_poll(struct fleet_peer *peer, enum fleet_outcome outcome)
{
    struct fleet_reference *reference = peer->context;
    reference->waits = false;
    if (outcome != FLEET_ANSWERED || peer->status != 200)
        fleet_fail("the reference gate's poll is not answered (%d)",
                   outcome == FLEET_ANSWERED ? peer->status : 0);
    reference->came_ns = fleet_now_ns();
    reference->has_news = true;
}

void fleet_reference_wait(struct fleet_reference *reference)
{
    if (reference->waits || reference->has_news)
        return;
    reference->waits = true;
    fleet_ask_for_list(&reference->poll, reference->gate, FLEET_WAIT_S);
}

/* --- questions that do not wait --- */

/* A list that is being made is not there yet. */
static void ask_for_list(struct fleet_reference *reference, const struct fleet_gate *gate)
{
    struct fleet_request request;
    struct fleet_peer *peer = &reference->other;
    char path[FLEET_LIST_PATH_BYTES];
    int64_t end_ns = fleet_now_ns() + PATIENCE_S * GH_NS_PER_S;
    fleet_list_request(gate, 0, path, &request);
    fleet_peer_exchange(peer, &request);
    while (peer->status == 503 && fleet_now_ns() < end_ns) {
        int64_t until_ns = fleet_now_ns() + GH_NS_PER_S;
        while (fleet_now_ns() < until_ns)
            fleet_loop_turn(peer->loop, 100);
        fleet_peer_exchange(peer, &request);
    }
    if (peer->status != 200)
        fleet_fail("no list: %d", peer->status);
}

/* --- snapshots --- */

static void fetch_snapshot(struct fleet_reference *reference, struct gh_bytes manifest_bytes,
                           const char *path)
{
    static struct gh_manifest manifest;
    char url[160] = "/api/v1/list/snapshots/";
    struct fleet_peer *peer = &reference->other;
    fleet_must(gh_manifest_read(reference->town->list_key, manifest_bytes, &manifest, NULL),
               "a manifest");
    gh_hex_encode(manifest.snapshot_sha256, GH_SHA256_BYTES, url + strlen(url));
    fleet_peer_exchange(peer, &(const struct fleet_request){
                                  .method = "GET", .path = url, .timeout_ms = TIMEOUT_MS});
    if (peer->status != 200)
        fleet_fail("the snapshot is not there: %d", peer->status);
    fleet_must(gh_file_replace(path, 0600, peer->answer.data, peer->answer.size, NULL), path);
}

/* The answer to a poll of a gate that has nothing. */
static const struct fleet_word *ask_anew(struct fleet_reference *reference)
{
    struct fleet_gate gate = *reference->gate;
    gate.list = (struct gh_generation){0};
    ask_for_list(reference, &gate);
    return fleet_word_of(&reference->words, reference->other.answer);
}

/* Into folder, from the snapshot. */
static enum gh_status install_word(struct fleet_reference *reference, const char *folder,
                                   const struct fleet_word *word, struct gh_error *err)
{
    char path[640];
    const struct gh_delta delta = delta_of(word);
    snprintf(path, sizeof(path), "%s.snapshot", folder);
    fetch_snapshot(reference, word->manifest, path);
    enum gh_status status =
        gh_list_install(folder, reference->town->list_key, word->manifest, path, &delta, NULL, err);
    (void)remove(path);
    return status;
}

static struct gh_generation install_anew(struct fleet_reference *reference, const char *folder)
{
    struct gh_error err = {0};
    const struct fleet_word *word = ask_anew(reference);
    if (install_word(reference, folder, word, &err) != GH_OK)
        fleet_fail("the list cannot be installed: %s", err.text);
    return word->now;
}

void fleet_reference_open(struct fleet_reference *reference, struct fleet_town *town)
{
    *reference = (struct fleet_reference){
        .town = town,
        .gate = &town->gates[town->gate_count],
        .words.list_key = town->list_key,
    };
    snprintf(reference->folder, sizeof(reference->folder), "%s/list", fleet_folder());
    fleet_peer_open(&reference->poll, town->loop, &town->address, 0, on_poll, reference);
    fleet_peer_open(&reference->other, town->loop, &town->address, 0, on_poll, reference);
    reference->gate->list = install_anew(reference, reference->folder);
}

void fleet_reference_free(struct fleet_reference *reference)
{
    fleet_peer_free(&reference->poll);
    fleet_peer_free(&reference->other);
    fleet_words_free(&reference->words);
}

/* --- deltas --- */

static void apply(struct fleet_reference *reference, struct gh_bytes answer)
{
    const struct gh_public_key *key = reference->town->list_key;
    const struct fleet_word *word = fleet_word_of(&reference->words, answer);
    const struct gh_delta delta = delta_of(word);
    const struct gh_generation *have = &reference->gate->list;
    struct gh_error err = {0};
    enum gh_status status;
    if (gh_generation_same(&word->now, have)) {
        status = gh_list_renew(reference->folder, key, word->manifest, &err);
    } else if (word->delta_head.size > 0 && gh_generation_same(&word->from, have)) {
        status = gh_list_apply(reference->folder, key, word->manifest, &delta, &err);
        reference->deltas++;
    } else { /* too far behind */
        status = install_word(reference, reference->folder, word, &err);
        reference->snapshots++;
    }
    if (status != GH_OK)
        fleet_fail("the list cannot be brought up to date: %s",
                   err.text[0] != '\0' ? err.text : gh_status_text(status));
    reference->gate->list = word->now;
}

void fleet_reference_apply(struct fleet_reference *reference)
{
    apply(reference, reference->poll.answer);
    reference->has_news = false;
}

static void catch_up(struct fleet_reference *reference)
{
    struct gh_generation before;
    do {
        before = reference->gate->list;
        ask_for_list(reference, reference->gate);
        apply(reference, reference->other.answer);
    } while (!gh_generation_same(&before, &reference->gate->list));
}

/* --- the truth --- */

static void digest_of(const struct fleet_reference *reference, const char *folder,
                      uint8_t digest[GH_SHA256_BYTES])
{
    struct gh_list *list = NULL;
    struct gh_error err = {0};
    if (gh_list_open_latest(folder, reference->town->list_key, &list, &err) != GH_OK)
        fleet_fail("a list that cannot be opened: %s", err.text);
    fleet_must(gh_list_digest(list, digest), "a list's digest");
    gh_list_close(list);
}

static void check_colours(const struct fleet_reference *reference)
{
    struct gh_list *list = NULL;
    struct gh_error err = {0};
    if (gh_list_open_latest(reference->folder, reference->town->list_key, &list, &err) != GH_OK)
        fleet_fail("a list that cannot be opened: %s", err.text);
    for (size_t i = 0; i < FLEET_PEOPLE; i++) {
        const struct gh_credential shown = {.kind = GH_KIND_HEALTH,
                                            .authentic = true,
                                            .id = 1,
                                            .subject = reference->town->people[i],
                                            .colour = GH_COLOUR_GREEN};
        struct gh_answers answers;
        fleet_must(gh_list_ask(list, &shown, NULL, &answers), "a question to the list");
        enum gh_colour colour =
            i < reference->town->people_changed ? GH_COLOUR_RED : GH_COLOUR_GREEN;
        if (!answers.subject_known || answers.subject_colour != colour)
            fleet_fail("person %zu is not on the reference gate's list as it should be", i);
    }
    gh_list_close(list);
}

void fleet_reference_check(struct fleet_reference *reference)
{
    uint8_t followed[GH_SHA256_BYTES], anew[GH_SHA256_BYTES];
    char folder[600];
    fleet_peer_shut(&reference->poll); /* a gate asks once at a time */
    reference->waits = false;
    if (reference->has_news)
        fleet_reference_apply(reference);
    catch_up(reference);
    check_colours(reference);
    snprintf(folder, sizeof(folder), "%s-anew", reference->folder);
    (void)install_anew(reference, folder);
    digest_of(reference, reference->folder, followed);
    digest_of(reference, folder, anew);
    if (memcmp(followed, anew, sizeof(anew)) != 0)
        fleet_fail("the list that followed all changes is not the one that is installed anew");
}
