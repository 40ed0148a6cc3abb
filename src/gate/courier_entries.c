/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gate/courier_parts.h"
#include "gatehouse/file.h"
#include "gatehouse/log.h"

#define BATCH_MAX_ENTRIES 200
#define BATCH_MAX_BYTES (BATCH_MAX_ENTRIES * (GH_ENTRY_MAX_BYTES + 1) + 64)
#define IDLE_MS 60000 /* a kick comes with every entry; this is only for a kick that was lost */

/* One file: `<gate id> <sequence>`. Losing it costs a few entries sent twice, which the server
 * counts once. */
void gh_courier_entries_open(struct gh_courier *courier)
{
    GH_CLEANUP_FREE uint8_t *data = NULL;
    size_t size;
    char gate[GH_ID_TEXT_BYTES], saved[GH_ID_TEXT_BYTES];
    uint64_t sequence;

    courier->acknowledged = 0;
    gh_id_format(courier->identity.gate, gate);
    if (gh_file_read(courier->acknowledged_path, 64, &data, &size, NULL) == GH_OK &&
        sscanf((const char *)data, "%16s %" SCNu64, saved, &sequence) == 2 &&
        strcmp(gate, saved) == 0)
        courier->acknowledged = sequence;
}

void gh_courier_entries_close(struct gh_courier *courier)
{
    gh_journal_close(courier->journal);
    courier->journal = NULL;
}

static void save_acknowledged(struct gh_courier *courier)
{
    char text[64], gate[GH_ID_TEXT_BYTES];
    struct gh_error err = {0};

    gh_id_format(courier->identity.gate, gate);
    int length = snprintf(text, sizeof(text), "%s %" PRIu64 "\n", gate, courier->acknowledged);
    if (gh_file_replace(courier->acknowledged_path, 0600, text, (size_t)length, &err) != GH_OK)
        gh_log(GH_LOG_WARNING, GH_COURIER_MODULE, "what was acknowledged cannot be saved: %s",
               err.text);
}

/* Entries are sent exactly as they stand in the journal: their hash is over these bytes. */
struct batch {
    struct gh_writer body;
    uint64_t last;
    unsigned count;
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
    char damaged[64];

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
    return !batch->body.overflow;
}

static enum gh_status open_journal(struct gh_courier *courier, struct gh_error *err)
{
    char path[PATH_MAX];
    uint8_t hash[GH_SHA256_BYTES];
    uint64_t head;

    if (courier->journal)
        return GH_OK;
    enum gh_status status =
        gh_courier_journal_path(courier->options.state_dir, courier->identity.gate, path);
    if (status == GH_OK)
        status = gh_journal_open_reader(path, &courier->journal, err);
    if (status != GH_OK)
        return status;
    /* More than there is was acknowledged of a journal that is not here any more: the entries of
     * this one would be left behind. */
    if (gh_journal_head(courier->journal, &head, hash) == GH_OK && courier->acknowledged > head) {
        courier->acknowledged = 0;
        save_acknowledged(courier);
    }
    return GH_OK;
}

static enum gh_status collect(struct gh_courier *courier, struct batch *batch, struct gh_error *err)
{
    enum gh_status status = open_journal(courier, err);

    if (status != GH_OK)
        return status;
    status = gh_journal_read(courier->journal, courier->acknowledged, BATCH_MAX_ENTRIES, add_entry,
                             batch);
    gh_writer_put_text(&batch->body, "]}");
    if (status == GH_OK && batch->body.overflow)
        status = GH_ERR_CORRUPT;
    if (status != GH_OK)
        return gh_fail(err, status, "the journal cannot be read: %s", gh_status_text(status));
    return GH_OK;
}

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

static void acknowledge(struct gh_courier *courier, uint64_t sequence)
{
    courier->acknowledged = sequence;
    save_acknowledged(courier);
}

static enum gh_status take_answer(struct gh_courier *courier, const struct batch *batch,
                                  const struct gh_http_response *response, struct gh_error *err)
{
    json_t *answer =
        json_loadb((const char *)response->body, response->size, JSON_REJECT_DUPLICATES, NULL);
    const json_t *member = json_object_get(answer, "acknowledged");
    json_int_t value = json_is_integer(member) ? json_integer_value(member) : -1;
    uint64_t head;
    uint8_t hash[GH_SHA256_BYTES];

    /* It may know more than this batch, where our own note was lost. */
    if (gh_journal_head(courier->journal, &head, hash) != GH_OK || head < batch->last)
        head = batch->last;
    bool forward = value > 0 && (uint64_t)value > courier->acknowledged && (uint64_t)value <= head;
    bool back = value >= 0 && (uint64_t)value < courier->acknowledged;
    if (forward)
        report_refused(answer);
    json_decref(answer);
    if (!forward && !back)
        return gh_fail(err, GH_ERR_CORRUPT, "the server's answer makes no sense");

    acknowledge(courier, (uint64_t)value);
    if (forward)
        return GH_OK;
    /* Its database may have been put back from a backup. That counts as a failure, so that a server
     * that is out of its mind has us send the same again ever more slowly. */
    return gh_fail(err, GH_ERR_REFUSED, "the server wants all entries after %" PRIu64 " again",
                   courier->acknowledged);
}

static enum gh_status send_batch(struct gh_courier *courier, const struct batch *batch,
                                 int64_t *retry_after_s, struct gh_error *err)
{
    struct gh_http_response response;
    struct gh_http_request request = {
        .method = "POST",
        .path = "/api/v1/entries",
        .content_type = "application/json",
        .body = {batch->body.data, batch->body.size},
        .max_response_bytes = 1 << 20,
    };

    enum gh_status status = gh_courier_request(courier, &request, &response, err);
    *retry_after_s = response.retry_after_s;
    if (status == GH_OK)
        status = take_answer(courier, batch, &response, err);
    gh_http_response_free(&response);
    return status;
}

void gh_courier_turn_entries(struct gh_courier *courier, int64_t now_ns)
{
    GH_CLEANUP_FREE uint8_t *buffer = malloc(BATCH_MAX_BYTES);
    struct batch batch = {.body = gh_writer_over(buffer, buffer ? BATCH_MAX_BYTES : 0)};
    struct gh_error err = {0};
    int64_t retry_after_s = -1;

    enum gh_status status = buffer ? collect(courier, &batch, &err) : GH_ERR_NOMEM;
    if (status == GH_ERR_NOTFOUND || (status == GH_OK && batch.count == 0)) {
        /* Opened anew the next time: a reader that was opened while the disk could not be written
         * sees no news. */
        gh_courier_entries_close(courier);
        gh_backoff_succeeded(&courier->entries, now_ns, IDLE_MS);
        return;
    }
    if (status == GH_OK)
        status = send_batch(courier, &batch, &retry_after_s, &err);
    now_ns = gh_clock_monotonic_ns(courier->options.clock); /* it took its time */
    if (status == GH_OK) {
        /* There may be more: come again at once. */
        gh_backoff_succeeded(&courier->entries, now_ns, 0);
        return;
    }
    if (status != GH_ERR_AGAIN)
        gh_log(GH_LOG_WARNING, GH_COURIER_MODULE, "entries: %s",
               err.text[0] ? err.text : gh_status_text(status));
    gh_backoff_failed(&courier->entries, now_ns, retry_after_s);
}
