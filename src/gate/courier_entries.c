/* SPDX-License-Identifier: Apache-2.0 */
/* The entries lane: what is in the journal goes out, in batches, one after the other. */
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gate/courier_parts.h"
#include "gatehouse/compress.h"
#include "gatehouse/file.h"
#include "gatehouse/log.h"

#define BATCH_MAX_ENTRIES 500
#define BATCH_MAX_BYTES ((size_t)1 << 20)
#define DAMAGED_MAX_BYTES 64
#define TIMEOUT_MS 300000 /* a megabyte on a thin line */
#define STALL_MS 30000
#define IDLE_MS 60000 /* a kick comes with every entry; this is only for a kick that was lost */
#define LONGEST_WAIT_MS 60000

/* --- a batch --- */

/* Entries are sent exactly as they stand in the journal: their hash is over these bytes. */
struct batch {
    struct gh_writer body;
    uint64_t last; /* looked at */
    unsigned count, seen;
    bool full;
};

/* Whether the row still is what was written: an entry in canonical form under its own number. */
static bool whole(uint64_t sequence, struct gh_bytes row)
{
    json_t *object = json_loadb((const char *)row.data, row.size, JSON_REJECT_DUPLICATES, NULL);
    json_int_t named = json_integer_value(json_object_get(object, "seq"));
    char *text = NULL;
    size_t size = 0;

    bool good = object && gh_entry_canonical(object, &text, &size) == GH_OK && size == row.size &&
                memcmp(text, row.data, size) == 0 && named > 0 && (uint64_t)named == sequence;
    free(text);
    json_decref(object);
    return good;
}

static bool add_entry(void *context, uint64_t sequence, struct gh_bytes canonical)
{
    struct batch *batch = context;
    char damaged[DAMAGED_MAX_BYTES];

    batch->seen++;
    if (canonical.size == 0) { /* pruned: it has been acknowledged, and there is nothing to send */
        batch->last = sequence;
        return true;
    }
    size_t need = canonical.size < GH_ENTRY_MAX_BYTES ? GH_ENTRY_MAX_BYTES : DAMAGED_MAX_BYTES;
    batch->full = batch->count == BATCH_MAX_ENTRIES ||
                  batch->body.capacity - batch->body.size < need + sizeof(",]}");
    if (batch->full)
        return false;
    gh_writer_put_text(&batch->body, batch->count == 0 ? "{\"entries\":[" : ",");
    if (whole(sequence, canonical)) {
        gh_writer_put(&batch->body, canonical.data, canonical.size);
    } else {
        /* The server keeps it aside and lets those behind it through. */
        snprintf(damaged, sizeof(damaged), "\"damaged in the journal: entry %" PRIu64 "\"",
                 sequence);
        gh_writer_put_text(&batch->body, damaged);
        gh_log(GH_LOG_ERR, GH_COURIER_MODULE, "entry %" PRIu64 " is damaged in the journal",
               sequence);
    }
    batch->last = sequence;
    batch->count++;
    return true;
}

static enum gh_status open_journal(struct gh_courier *courier, struct gh_error *err)
{
    struct gh_outbox *outbox = &courier->outbox;
    char path[PATH_MAX];

    if (outbox->journal)
        return GH_OK;
    enum gh_status status =
        gh_courier_journal_path(courier->options.state_dir, courier->entries.identity.gate, path);
    if (status == GH_OK)
        status = gh_journal_open_reader(path, &outbox->journal, err);
    if (status == GH_OK)
        gh_outbox_check(courier);
    return status;
}

void gh_outbox_close(struct gh_courier *courier)
{
    gh_journal_close(courier->outbox.journal);
    courier->outbox.journal = NULL;
}

/* Fills the batch; count 0: there is nothing to send. */
static enum gh_status collect(struct gh_courier *courier, struct batch *batch, struct gh_error *err)
{
    enum gh_status status = open_journal(courier, err);

    if (status != GH_OK)
        return status;
    batch->last = courier->outbox.acknowledged;
    unsigned seen;
    do {
        seen = batch->seen;
        status = gh_journal_read(courier->outbox.journal, batch->last, BATCH_MAX_ENTRIES, add_entry,
                                 batch);
        /* Again where rows were passed over, until there is something, or nothing more. */
    } while (status == GH_OK && batch->count == 0 && batch->seen > seen);
    gh_writer_put_text(&batch->body, "]}");
    if (status == GH_OK && batch->body.overflow)
        status = GH_ERR_CORRUPT;
    if (status != GH_OK)
        return gh_fail(err, status, "the journal cannot be read: %s", gh_status_text(status));
    return GH_OK;
}

/* --- the server's answer --- */

static void report_refused(const json_t *answer)
{
    const json_t *refused = json_object_get(answer, "refused");
    size_t index;
    json_t *one;

    json_array_foreach(refused, index, one)
    {
        const char *reason = json_string_value(json_object_get(one, "reason"));
        gh_log(GH_LOG_ERR, GH_COURIER_MODULE,
               "the server refused entry %" JSON_INTEGER_FORMAT ": %.120s",
               json_integer_value(json_object_get(one, "seq")),
               reason ? reason : "no reason given");
    }
}

static enum gh_status take_acknowledged(struct gh_courier *courier, const struct batch *batch,
                                        const json_t *answer, struct gh_error *err)
{
    struct gh_outbox *outbox = &courier->outbox;
    const json_t *member = json_object_get(answer, "acknowledged");
    json_int_t value = json_is_integer(member) ? json_integer_value(member) : -1;
    uint64_t head;
    uint8_t hash[GH_SHA256_BYTES];

    /* It may know more than this batch, where our own note was lost. */
    if (gh_journal_head(outbox->journal, &head, hash) != GH_OK || head < batch->last)
        head = batch->last;
    if (value < 0 || (uint64_t)value > head)
        return gh_fail(err, GH_ERR_CORRUPT, "the server's answer makes no sense");
    if ((uint64_t)value > outbox->acknowledged) {
        report_refused(answer);
        outbox->acknowledged = (uint64_t)value;
        outbox->unsaved = true;
        gh_outbox_take_receipt(courier, json_object_get(answer, "receipt"));
        return GH_OK;
    }
    /* Its database may have been put back from a backup. That counts as a failure, so that a server
     * that is out of its mind has us send the same again ever more slowly. */
    if ((uint64_t)value < outbox->acknowledged)
        gh_outbox_go_back(courier, (uint64_t)value);
    return gh_fail(err, GH_ERR_REFUSED, "the server wants all entries after %" PRIu64 " again",
                   outbox->acknowledged);
}

static enum gh_status take_answer(struct gh_courier *courier, const struct batch *batch,
                                  const struct gh_http_response *response, struct gh_error *err)
{
    json_t *answer =
        json_loadb((const char *)response->body, response->size, JSON_REJECT_DUPLICATES, NULL);

    enum gh_status status = take_acknowledged(courier, batch, answer, err);
    json_decref(answer);
    return status;
}

/* --- sending --- */

static enum gh_status send_as(struct gh_courier *courier, struct gh_bytes body,
                              const char *encoding, struct gh_http_response *response,
                              struct gh_error *err)
{
    struct gh_http_request request = {
        .method = "POST",
        .path = "/api/v1/entries",
        .content_type = "application/json",
        .content_encoding = encoding,
        .body = body,
        .timeout_ms = TIMEOUT_MS,
        .stall_ms = STALL_MS,
        .max_response_bytes = 1 << 20,
    };

    return gh_lane_request(&courier->entries, &request, response, err);
}

static enum gh_status send_compressed(struct gh_courier *courier, struct gh_bytes body,
                                      struct gh_http_response *response, struct gh_error *err)
{
    GH_CLEANUP_FREE uint8_t *packed = NULL;
    size_t size;

    enum gh_status status = gh_zstd_compress(body, &packed, &size);
    if (status != GH_OK) {
        *response = (struct gh_http_response){.retry_after_s = -1, .date_s = -1};
        return gh_fail(err, status, "a batch cannot be compressed: %s", gh_status_text(status));
    }
    return send_as(courier, (struct gh_bytes){packed, size}, "zstd", response, err);
}

static enum gh_status send_batch(struct gh_courier *courier, const struct batch *batch,
                                 int64_t *retry_after_s, struct gh_error *err)
{
    struct gh_outbox *outbox = &courier->outbox;
    struct gh_http_response response;
    struct gh_bytes body = {batch->body.data, batch->body.size};
    struct gh_error first = {0};

    enum gh_status status = outbox->plain ? send_as(courier, body, NULL, &response, err)
                                          : send_compressed(courier, body, &response, &first);
    if (!outbox->plain && status == GH_ERR_REFUSED && response.status == 415) {
        gh_log(GH_LOG_NOTICE, GH_COURIER_MODULE,
               "entries: the server takes no compressed ones: sending them as they are");
        outbox->plain = true;
        gh_http_response_free(&response);
        status = send_as(courier, body, NULL, &response, err);
    } else if (first.status != GH_OK) {
        gh_fail(err, first.status, "%s", first.text);
    }
    *retry_after_s = response.retry_after_s;
    if (status == GH_OK)
        status = take_answer(courier, batch, &response, err);
    gh_http_response_free(&response);
    return status;
}

static void turn_entries(struct gh_courier *courier)
{
    GH_CLEANUP_FREE uint8_t *buffer = malloc(BATCH_MAX_BYTES);
    struct batch batch = {.body = gh_writer_over(buffer, buffer ? BATCH_MAX_BYTES : 0)};
    struct gh_outbox *outbox = &courier->outbox;
    struct gh_error err = {0};
    int64_t retry_after_s = -1;

    enum gh_status status = buffer ? collect(courier, &batch, &err) : GH_ERR_NOMEM;
    bool nothing = status == GH_ERR_NOTFOUND || (status == GH_OK && batch.count == 0);
    if (status == GH_OK && !nothing)
        status = send_batch(courier, &batch, &retry_after_s, &err);
    /* It took its time. */
    int64_t now_ns = gh_clock_monotonic_ns(courier->options.clock);
    gh_outbox_tell(courier, nothing || status != GH_OK);
    gh_outbox_save(courier, false);
    if (nothing) {
        /* Opened anew the next time: a reader that was opened while the disk could not be written
         * sees no news. */
        gh_outbox_close(courier);
        gh_backoff_succeeded(&outbox->backoff, now_ns, IDLE_MS);
    } else if (status == GH_OK) {
        /* There may be more: come again at once. */
        gh_backoff_succeeded(&outbox->backoff, now_ns, 0);
    } else {
        if (status != GH_ERR_AGAIN)
            gh_log(GH_LOG_WARNING, GH_COURIER_MODULE, "entries: %s",
                   err.text[0] ? err.text : gh_status_text(status));
        gh_backoff_failed(&outbox->backoff, now_ns, retry_after_s);
    }
}

/* --- the lane --- */

static void take_identity(struct gh_courier *courier)
{
    struct gh_lane *lane = &courier->entries;
    bool news;

    pthread_mutex_lock(&courier->lock);
    news = courier->outbox.publication != courier->publication;
    if (news)
        lane->identity = courier->published;
    courier->outbox.publication = courier->publication;
    pthread_mutex_unlock(&courier->lock);
    if (news && lane->connected && gh_lane_use_key(lane) != GH_OK)
        gh_lane_disconnect(lane); /* and all anew */
}

static void take_orders(struct gh_courier *courier)
{
    struct gh_order order;
    bool woken = false;

    while (gh_queue_pop(courier->entries.orders, &order))
        woken = true;
    if (woken && courier->outbox.backoff.delay_ms == 0)
        courier->outbox.backoff.next_ns = 0;
}

int64_t gh_courier_entries_lane(struct gh_courier *courier)
{
    struct gh_lane *lane = &courier->entries;
    const struct gh_clock *clock = courier->options.clock;

    take_orders(courier);
    take_identity(courier);
    if (!lane->identity.enrolled)
        return LONGEST_WAIT_MS;
    if (!lane->connected) {
        if (gh_lane_connect(lane) != GH_OK)
            return GH_COURIER_AGAIN_MS;
        gh_outbox_load(courier);
    }
    if (gh_clock_monotonic_ns(clock) >= courier->outbox.backoff.next_ns)
        turn_entries(courier);
    int64_t left_ns = courier->outbox.backoff.next_ns - gh_clock_monotonic_ns(clock);
    int64_t wait_ms = left_ns > 0 ? left_ns / GH_NS_PER_MS + 1 : 0;
    return wait_ms < LONGEST_WAIT_MS ? wait_ms : LONGEST_WAIT_MS;
}
