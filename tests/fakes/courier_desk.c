/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "code/cbor.h"
#include "fakes/courier_desk.h"
#include "gatehouse/compress.h"
#include "gatehouse/cose.h"

void desk_init(struct desk *desk)
{
    memset(desk, 0, sizeof(*desk));
    fixture_init(&desk->fixture);
    gh_fake_transport_init(&desk->server, &desk->fixture.clock);
    assert_int_equal(gh_queue_new(sizeof(struct gh_courier_event), 32, &desk->queue), GH_OK);
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
    desk_forget_delta(desk);
    fixture_destroy(&desk->fixture);
}

/* --- running --- */

static void take_events(struct desk *desk)
{
    struct gh_courier_event event;

    while (gh_queue_pop(desk->queue, &event)) {
        if (desk->without_ages && event.type == GH_COURIER_AGE)
            continue;
        assert_true(desk->event_count < DESK_EVENTS_MAX);
        desk->events[desk->event_count++] = event;
    }
}

int64_t desk_turn(struct desk *desk)
{
    int64_t list_ms = gh_courier_turn(desk->courier, GH_COURIER_LANE_LIST);
    take_events(desk);
    int64_t entries_ms = gh_courier_turn(desk->courier, GH_COURIER_LANE_ENTRIES);
    take_events(desk);
    int64_t news_ms = gh_courier_turn(desk->courier, GH_COURIER_LANE_NEWS);

    assert_true(list_ms >= 0 && entries_ms >= 0 && news_ms >= 0);
    take_events(desk);
    int64_t least = list_ms < entries_ms ? list_ms : entries_ms;
    return news_ms < least ? news_ms : least;
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

static enum gh_status give_answer(void *context, const struct gh_http_request *request,
                                  struct gh_http_response *response)
{
    const struct desk *desk = context;

    assert_string_equal(request->method, "GET");
    assert_non_null(request->bearer);
    return copy_out(desk->answer, desk->answer_size, response);
}

/* For whoever knows its name: a token that is sent to a cache is a token too many. */
static enum gh_status give_snapshot(void *context, const struct gh_http_request *request,
                                    struct gh_http_response *response)
{
    const struct desk *desk = context;

    assert_string_equal(request->method, "GET");
    assert_null(request->bearer);
    return copy_out(desk->fixture.snapshot, desk->fixture.snapshot_size, response);
}

void desk_offer_same_answer(struct desk *desk, uint32_t times)
{
    struct gh_fake_answer answer = {
        .path = LIST_PATH, .times = times, .handler = give_answer, .context = desk};

    gh_fake_transport_add(&desk->server, &answer);
}

void desk_offer_answer(struct desk *desk, uint32_t times)
{
    struct gh_writer writer = gh_writer_over(desk->answer, sizeof(desk->answer));

    fixture_sign_manifest(&desk->fixture);
    gh_cbor_put_array(&writer, 5);
    gh_cbor_put_bytes(&writer, desk->fixture.manifest_bytes, desk->fixture.manifest_size);
    gh_cbor_put_bytes(&writer, desk->delta_header, desk->delta_header_size);
    gh_cbor_put_bytes(&writer, desk->delta_records, desk->delta_records_size);
    gh_cbor_put_array(&writer, desk->handover_count);
    gh_writer_put(&writer, desk->handovers, desk->handovers_size);
    gh_cbor_put_uint(&writer, desk->news);
    assert_false(writer.overflow);
    desk->answer_size = writer.size;
    desk_offer_same_answer(desk, times);
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
    fixture_make_list(&desk->fixture);
    desk_forget_delta(desk);
    desk_offer_answer(desk, times);
    desk_offer_snapshot(desk, times);
}

struct gh_generation desk_generation(const struct desk *desk)
{
    struct gh_generation generation = {.number = desk->fixture.manifest.generation};

    memcpy(generation.tag, desk->fixture.manifest.tag, GH_LIST_TAG_BYTES);
    return generation;
}

void desk_forget_delta(struct desk *desk)
{
    free(desk->delta_records);
    desk->delta_records = NULL;
    desk->delta_header_size = desk->delta_records_size = 0;
}

void desk_make_delta(struct desk *desk, struct gh_generation from, enum gh_colour anna)
{
    struct gh_manifest *manifest = &desk->fixture.manifest;
    struct gh_delta_header header = {.from = from};
    struct gh_writer out = gh_writer_over(desk->delta_header, sizeof(desk->delta_header));
    uint8_t records[GH_DELTA_RECORD_MAX_BYTES];
    struct gh_writer writer = gh_writer_over(records, sizeof(records));
    const gh_id home = HOME_1;

    manifest->generation++;
    manifest->tag[0]++;
    header.to = desk_generation(desk);
    snprintf(header.area, sizeof(header.area), "%s", manifest->area);
    gh_delta_put_subject(&writer, ANNA, anna, &home, 1);
    assert_false(writer.overflow);
    desk_forget_delta(desk);
    assert_int_equal(gh_delta_seal(desk->fixture.list_key, &header,
                                   (struct gh_bytes){records, writer.size}, &out,
                                   &desk->delta_records, &desk->delta_records_size),
                     GH_OK);
    desk->delta_header_size = out.size;
}

void desk_hand_over(struct desk *desk, const struct gh_private_key *by, uint64_t number,
                    const struct gh_private_key *next)
{
    static const char aad[] = "gatehouse list handover v1";
    uint8_t payload[256], message[512], raw[GH_PUBLIC_KEY_MAX_BYTES];
    struct gh_writer claims = gh_writer_over(payload, sizeof(payload));
    struct gh_writer whole = gh_writer_over(message, sizeof(message));
    struct gh_writer all = gh_writer_over(desk->handovers + desk->handovers_size,
                                          sizeof(desk->handovers) - desk->handovers_size);
    struct gh_public_key *key = NULL;

    assert_int_equal(gh_private_key_public(next, &key), GH_OK);
    size_t size = gh_public_key_raw(key, raw);
    gh_public_key_free(key);
    gh_cbor_put_map(&claims, 4);
    gh_cbor_put_uint(&claims, 1);
    gh_cbor_put_uint(&claims, 1);
    gh_cbor_put_uint(&claims, 2);
    gh_cbor_put_text(&claims, desk->fixture.manifest.area);
    gh_cbor_put_uint(&claims, 3);
    gh_cbor_put_uint(&claims, number);
    gh_cbor_put_uint(&claims, 4);
    gh_cbor_put_bytes(&claims, raw, size);
    assert_int_equal(gh_cose_write(&whole, by, (struct gh_bytes){payload, claims.size},
                                   (struct gh_bytes){(const uint8_t *)aad, sizeof(aad) - 1}),
                     GH_OK);
    gh_cbor_put_bytes(&all, message, whole.size);
    assert_false(all.overflow);
    desk->handovers_size += all.size;
    desk->handover_count++;
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

/* For all that it has: the entry behind which the next one would follow. */
static void give_receipt(const struct desk_server *server, gh_id gate,
                         const uint8_t hash[GH_SHA256_BYTES], char *out, size_t out_bytes)
{
    struct gh_receipt receipt = {.through = server->known};
    char hash_text[2 * GH_SHA256_BYTES + 1], signature[2 * GH_SIGNATURE_BYTES + 1];

    memcpy(receipt.hash, hash, GH_SHA256_BYTES);
    assert_int_equal(gh_receipt_sign(server->receipts_by, gate, &receipt), GH_OK);
    gh_hex_encode(receipt.hash, GH_SHA256_BYTES, hash_text);
    gh_hex_encode(receipt.signature, GH_SIGNATURE_BYTES, signature);
    snprintf(out, out_bytes,
             ", \"receipt\": {\"through\": %" PRIu64 ", \"hash\": \"%s\", \"signature\": \"%s\"}",
             receipt.through, hash_text, signature);
}

static void hash_last(const json_t *entries, uint8_t hash[GH_SHA256_BYTES])
{
    char *text = NULL;
    size_t size = 0;

    assert_int_equal(
        gh_entry_canonical(json_array_get(entries, json_array_size(entries) - 1), &text, &size),
        GH_OK);
    gh_entry_hash((struct gh_bytes){(const uint8_t *)text, size}, hash);
    free(text);
}

/* As they were before they were compressed. */
static json_t *unpack(const struct gh_http_request *request)
{
    uint8_t *plain = NULL;
    size_t size = 0;

    if (!request->content_encoding)
        return json_loadb((const char *)request->body.data, request->body.size,
                          JSON_REJECT_DUPLICATES, NULL);
    assert_string_equal(request->content_encoding, "zstd");
    assert_int_equal(gh_zstd_decompress(request->body, 1 << 20, &plain, &size), GH_OK);
    json_t *body = json_loadb((const char *)plain, size, JSON_REJECT_DUPLICATES, NULL);
    free(plain);
    return body;
}

static enum gh_status take_entries(void *context, const struct gh_http_request *request,
                                   struct gh_http_response *response)
{
    struct desk_server *server = context;
    char text[1024], refused[128] = "", receipt[512] = "";
    uint8_t hash[GH_SHA256_BYTES];

    assert_string_equal(request->method, "POST");
    assert_string_equal(request->content_type, "application/json");
    assert_true(request->body.size <= 1 << 20);
    json_t *body = unpack(request);
    const json_t *entries = json_object_get(body, "entries");
    assert_true(json_array_size(entries) >= 1 && json_array_size(entries) <= 500);
    unsigned stored_before = server->stored;
    store(server, entries);
    server->batches++;
    if (server->receipts_by) {
        hash_last(entries, hash);
        give_receipt(server, FIXTURE_GATE, hash, receipt, sizeof(receipt));
    }
    json_decref(body);
    if (server->refuses != 0 && server->refuses <= server->known)
        snprintf(refused, sizeof(refused),
                 "{\"seq\": %" PRIu64 ", \"reason\": \"does not follow\"}", server->refuses);
    snprintf(text, sizeof(text),
             "{\"acknowledged\": %" PRIu64 ", \"stored\": %u, \"known\": 0, \"refused\": [%s]%s}",
             server->known, server->stored - stored_before, refused, receipt);
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
    char folder[PATH_MAX];
    struct gh_manifest manifest;
    struct gh_identity identity = desk_saved_identity(desk);
    struct gh_public_key *key = NULL;

    assert_int_equal(
        gh_public_key_from_raw(
            GH_KEY_ED25519, (struct gh_bytes){identity.list_key, sizeof(identity.list_key)}, &key),
        GH_OK);
    assert_int_equal(gh_courier_list_path(desk->fixture.dir, folder), GH_OK);
    if (gh_list_head(folder, key, &manifest) != GH_OK)
        manifest = (struct gh_manifest){.generation = 0};
    gh_public_key_free(key);
    return manifest;
}

size_t desk_parts(const struct desk *desk)
{
    DIR *folder = opendir(desk->fixture.dir);
    const struct dirent *entry;
    size_t count = 0;

    assert_non_null(folder);
    while ((entry = readdir(folder)))
        count += strstr(entry->d_name, ".part") != NULL;
    closedir(folder);
    return count;
}

void desk_assert_asked(struct desk *desk, size_t n, uint64_t generation, int wait_s)
{
    const struct gh_fake_request *request = gh_fake_transport_request(&desk->server, LIST_PATH, n);
    char expected[64];

    assert_non_null(request);
    snprintf(expected, sizeof(expected), "?generation=%" PRIu64 "&", generation);
    if (!strstr(request->path, expected))
        fail_msg("%s: not %s", request->path, expected);
    snprintf(expected, sizeof(expected), "&wait_s=%d&", wait_s);
    if (!strstr(request->path, expected))
        fail_msg("%s: not %s", request->path, expected);
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
