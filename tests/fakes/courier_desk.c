/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fakes/courier_desk.h"

void desk_init(struct desk *desk)
{
    memset(desk, 0, sizeof(*desk));
    fixture_init(&desk->fixture);
    gh_fake_transport_init(&desk->server, &desk->fixture.clock);
    assert_int_equal(gh_queue_new(sizeof(struct gh_courier_event), 8, &desk->queue), GH_OK);
    desk->options = (struct gh_courier_options){
        .state_dir = desk->fixture.dir,
        .ca_file = "",
        .poll_ms = DESK_POLL_MS,
        .backoff_first_ms = DESK_FIRST_MS,
        .backoff_max_ms = DESK_MOST_MS,
        .clock = &desk->fixture.clock.clock,
        .events = desk->queue,
        .connect = gh_fake_connect,
    };
}

static void save_identity(const struct desk *desk)
{
    char path[PATH_MAX];

    assert_int_equal(gh_courier_identity_path(desk->fixture.dir, path), GH_OK);
    assert_int_equal(gh_identity_save(path, &desk->fixture.identity, NULL), GH_OK);
}

void desk_start(struct desk *desk)
{
    struct gh_error err = {0};

    if (desk->fixture.identity.gate != 0) /* as it was loaded from its file */
        save_identity(desk);
    if (gh_courier_new(&desk->options, &desk->fixture.identity, &desk->courier, &err) != GH_OK)
        fail_msg("%s", err.text);
}

void desk_stop(struct desk *desk)
{
    gh_courier_stop(desk->courier);
    desk->courier = NULL;
    assert_int_equal(desk->server.connects,
                     desk->server.frees); /* what it was given, it gave back */
}

void desk_restart(struct desk *desk)
{
    desk_stop(desk);
    desk->fixture.identity = desk_saved_identity(desk);
    desk_start(desk);
}

void desk_destroy(struct desk *desk)
{
    gh_courier_stop(desk->courier);
    gh_queue_free(desk->queue);
    gh_fake_transport_destroy(&desk->server);
    fixture_destroy(&desk->fixture);
}

/* --- running --- */

static void take_events(struct desk *desk)
{
    struct gh_courier_event event;

    while (gh_queue_pop(desk->queue, &event)) {
        assert_true(desk->event_count < DESK_EVENTS_MAX);
        desk->events[desk->event_count++] = event;
    }
}

int64_t desk_turn(struct desk *desk)
{
    int64_t wait_ms = gh_courier_turn(desk->courier);

    assert_true(wait_ms >= 0);
    take_events(desk);
    return wait_ms;
}

void desk_run_ms(struct desk *desk, int64_t ms)
{
    const struct gh_clock *clock = &desk->fixture.clock.clock;
    int64_t end_ns = gh_clock_monotonic_ns(clock) + ms * GH_NS_PER_MS;
    int idle = 0;

    for (;;) {
        int64_t wait_ns = desk_turn(desk) * GH_NS_PER_MS, now_ns = gh_clock_monotonic_ns(clock);
        if (now_ns >= end_ns)
            return;
        if (wait_ns > end_ns - now_ns)
            wait_ns = end_ns - now_ns;
        idle = wait_ns == 0 ? idle + 1 : 0;
        assert_true(idle < 100); /* it must not spin */
        gh_fake_clock_advance_ns(&desk->fixture.clock, wait_ns);
    }
}

unsigned desk_count_events(const struct desk *desk, enum gh_courier_event_type type)
{
    unsigned count = 0;

    for (size_t i = 0; i < desk->event_count; i++)
        count += desk->events[i].type == type;
    return count;
}

void desk_forget_events(struct desk *desk)
{
    desk->event_count = 0;
}

/* --- the server --- */

void desk_answer(struct desk *desk, const char *path, int status, const char *body)
{
    struct gh_fake_answer answer = {.path = path, .status = status, .body = body};
    gh_fake_transport_add(&desk->server, &answer);
}

void desk_fail(struct desk *desk, const char *path, enum gh_status failure)
{
    struct gh_fake_answer answer = {.path = path, .failure = failure};
    gh_fake_transport_add(&desk->server, &answer);
}

static enum gh_status copy_out(const uint8_t *data, size_t size, struct gh_http_response *response)
{
    response->status = 200;
    response->body = calloc(1, size + 1);
    assert_non_null(response->body);
    memcpy(response->body, data, size);
    response->size = size;
    return GH_OK;
}

static enum gh_status give_manifest(void *context, const struct gh_http_request *request,
                                    struct gh_http_response *response)
{
    const struct desk *desk = context;

    assert_string_equal(request->method, "GET");
    return copy_out(desk->fixture.manifest_bytes, desk->fixture.manifest_size, response);
}

static enum gh_status give_snapshot(void *context, const struct gh_http_request *request,
                                    struct gh_http_response *response)
{
    const struct desk *desk = context;

    assert_string_equal(request->method, "GET");
    return copy_out(desk->fixture.snapshot, desk->fixture.snapshot_size, response);
}

void desk_offer_manifest(struct desk *desk, uint32_t times)
{
    struct gh_fake_answer answer = {
        .path = MANIFEST_PATH, .times = times, .handler = give_manifest, .context = desk};

    fixture_make_list(&desk->fixture);
    gh_fake_transport_add(&desk->server, &answer);
}

void desk_offer_snapshot(struct desk *desk, uint32_t times)
{
    char digest[2 * GH_SHA256_BYTES + 1];
    struct gh_fake_answer answer = {
        .path = desk->snapshot_path, .times = times, .handler = give_snapshot, .context = desk};

    gh_hex_encode(desk->fixture.manifest.snapshot_sha256, GH_SHA256_BYTES, digest);
    snprintf(desk->snapshot_path, sizeof(desk->snapshot_path), "/api/v1/list/snapshots/%s", digest);
    gh_fake_transport_add(&desk->server, &answer);
}

void desk_offer_list(struct desk *desk, uint32_t times)
{
    desk_offer_manifest(desk, times);
    desk_offer_snapshot(desk, times);
}

/* Stored once by number, none of them passed over. */
static void store(struct desk_server *server, const json_t *entries)
{
    size_t index;
    json_t *entry;

    json_array_foreach(entries, index, entry)
    {
        uint64_t sequence = (uint64_t)json_integer_value(json_object_get(entry, "seq"));
        if (sequence > server->known + 1)
            fail_msg("entry %" PRIu64 " comes after %" PRIu64, sequence, server->known);
        if (sequence == server->known + 1) {
            server->known = sequence;
            server->stored++;
        }
    }
}

static enum gh_status take_entries(void *context, const struct gh_http_request *request,
                                   struct gh_http_response *response)
{
    struct desk_server *server = context;
    char text[256], refused[128] = "";

    assert_string_equal(request->method, "POST");
    assert_string_equal(request->content_type, "application/json");
    assert_true(request->body.size <= 1 << 20);
    json_t *body = json_loadb((const char *)request->body.data, request->body.size,
                              JSON_REJECT_DUPLICATES, NULL);
    const json_t *entries = json_object_get(body, "entries");
    assert_true(json_array_size(entries) >= 1 && json_array_size(entries) <= 500);
    unsigned stored_before = server->stored;
    store(server, entries);
    server->batches++;
    json_decref(body);
    if (server->refuses != 0 && server->refuses <= server->known)
        snprintf(refused, sizeof(refused),
                 "{\"seq\": %" PRIu64 ", \"reason\": \"does not follow\"}", server->refuses);
    snprintf(text, sizeof(text),
             "{\"acknowledged\": %" PRIu64 ", \"stored\": %u, \"known\": 0, \"refused\": [%s]}",
             server->known, server->stored - stored_before, refused);
    return copy_out((const uint8_t *)text, strlen(text), response);
}

void desk_serve_entries(struct desk *desk, uint32_t times)
{
    struct gh_fake_answer answer = {
        .path = ENTRIES_PATH, .times = times, .handler = take_entries, .context = &desk->entries};
    gh_fake_transport_add(&desk->server, &answer);
}

void desk_start_with_list(struct desk *desk)
{
    desk_start(desk);
    desk_offer_list(desk, 1);
    (void)desk_turn(desk);
    assert_int_equal(desk_count_events(desk, GH_COURIER_LIST), 1);
    desk_forget_events(desk);
    gh_fake_transport_forget(&desk->server);
}

void desk_append(struct desk *desk, unsigned count)
{
    fixture_append(&desk->fixture, count);
    if (desk->courier)
        gh_courier_kick(desk->courier);
}

size_t desk_asked(struct desk *desk, const char *path)
{
    return gh_fake_transport_count(&desk->server, path);
}

/* --- what stands in the state folder --- */

struct gh_identity desk_saved_identity(const struct desk *desk)
{
    char path[PATH_MAX];
    struct gh_identity identity;

    assert_int_equal(gh_courier_identity_path(desk->fixture.dir, path), GH_OK);
    assert_int_equal(gh_identity_load(path, &identity, NULL), GH_OK);
    return identity;
}

struct gh_manifest desk_saved_manifest(const struct desk *desk)
{
    char path[PATH_MAX];
    struct gh_manifest manifest = {.generation = 0};
    struct gh_list *list = NULL;

    assert_int_equal(gh_courier_list_path(desk->fixture.dir, path), GH_OK);
    if (gh_list_open(path, desk->fixture.list_public, &list, NULL) == GH_OK)
        manifest = *gh_list_manifest(list);
    gh_list_close(list);
    return manifest;
}

void desk_assert_at_hand(const struct desk *desk, uint64_t generation, int64_t issued_at_s)
{
    struct gh_manifest manifest = desk_saved_manifest(desk);
    struct gh_identity identity = desk_saved_identity(desk);

    assert_true(manifest.generation == generation);
    assert_true(manifest.issued_at_s == issued_at_s);
    assert_true(identity.generation == generation);
    /* A refresh is in the list's own file: the card is spared a write. */
    assert_true(identity.list_issued_at_s <= issued_at_s);
}

void desk_assert_batch(struct desk *desk, size_t n, size_t first, size_t count)
{
    const struct gh_fake_request *request =
        gh_fake_transport_request(&desk->server, ENTRIES_PATH, n);
    char *expected = calloc(1, 64 + count * (GH_ENTRY_MAX_BYTES + 1)), *end = expected;
    struct fixture_entries *entries = calloc(1, sizeof(*entries));

    assert_non_null(request);
    assert_non_null(expected);
    assert_non_null(entries);
    fixture_read_journal(&desk->fixture, entries);
    assert_true(first >= 1 && first - 1 + count <= entries->count);
    end = stpcpy(end, "{\"entries\":[");
    for (size_t i = 0; i < count; i++) {
        end = stpcpy(end, i == 0 ? "" : ",");
        end = stpcpy(end, entries->text[first - 1 + i]);
    }
    end = stpcpy(end, "]}");
    assert_string_equal((const char *)request->body, expected);
    assert_int_equal(request->size, strlen(expected));
    fixture_free_entries(entries);
    free(entries);
    free(expected);
}
