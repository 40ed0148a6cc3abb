/* SPDX-License-Identifier: Apache-2.0 */
#include <microhttpd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "gatehouse/entry.h"
#include "gatehouse/receipt.h"
#include "server/api.h"
#include "server/http.h"
#include "server/records.h"
#include "server/server.h"

#define PAGE_MAX 1000
#define PAGE_INITIAL 100
/* Batches on their way: a gate sends one, and another one when the first answer was lost. */
#define A_GATE_MAX 4
#define A_GATE_RETRY_S 5

/* --- in --- */

static json_t *refusals(const struct gh_batch *batch)
{
    json_t *refused = json_array();
    for (size_t i = 0; i < batch->count; i++) {
        const struct gh_db_item *item = &batch->items[i];
        if (item->refusal[0] != '\0')
            (void)json_array_append_new(refused,
                                        json_pack("{s:I, s:s}", "seq", (json_int_t)item->sequence,
                                                  "reason", item->refusal));
    }
    return refused;
}

/* NULL: no receipt, or no memory for one: it can do without. */
static json_t *receipt_of(const struct gh_request *request, const struct gh_db_batch *result)
{
    struct gh_receipt receipt = {.through = result->acknowledged};
    char hash[2 * GH_SHA256_BYTES + 1], signature[2 * GH_SIGNATURE_BYTES + 1];
    if (!result->whole)
        return NULL;
    memcpy(receipt.hash, result->hash, GH_SHA256_BYTES);
    if (gh_receipt_sign(request->server->keys.list, request->gate, &receipt) != GH_OK)
        return NULL;
    gh_hex_encode(receipt.hash, sizeof(receipt.hash), hash);
    gh_hex_encode(receipt.signature, sizeof(receipt.signature), signature);
    return json_pack("{s:I, s:s, s:s}", "through", (json_int_t)receipt.through, "hash", hash,
                     "signature", signature);
}

static void answer_stored(struct gh_request *request, const struct gh_ingest_answer *answer)
{
    const struct gh_db_batch *result = &answer->result;
    json_t *refused = refusals(&answer->batch);
    if (json_array_size(refused) > 0)
        gh_log(GH_LOG_WARNING, "entries", "refused %zu of gate %016llx", json_array_size(refused),
               (unsigned long long)request->gate);
    gh_answer_json(request, MHD_HTTP_OK,
                   json_pack("{s:I, s:I, s:I, s:o, s:o*}", "acknowledged",
                             (json_int_t)result->acknowledged, "stored", (json_int_t)result->stored,
                             "known", (json_int_t)result->known, "refused", refused, "receipt",
                             receipt_of(request, result)));
}

static void answer_busy(struct gh_request *request, const char *why)
{
    gh_answer_error(request, MHD_HTTP_SERVICE_UNAVAILABLE, "unavailable", why);
    gh_answer_retry_after(request, gh_ingest_retry_s(gh_records_ingest(request->server->records)));
}

static void answered(void *context, const struct gh_ingest_answer *answer)
{
    struct gh_request *request = context;
    if (answer->status == GH_OK)
        answer_stored(request, answer);
    else if (answer->status == GH_ERR_INVALID)
        gh_answer_error(request, MHD_HTTP_BAD_REQUEST, "bad_request", answer->err.text);
    else if (answer->status == GH_ERR_TOOBIG)
        gh_answer_error(request, MHD_HTTP_CONTENT_TOO_LARGE, "too_large",
                        "the body unpacks to more than this path takes");
    else if (answer->status == GH_ERR_AGAIN)
        answer_busy(request, "the server is stopping, nothing was stored");
    else
        gh_answer_status(request, answer->status);
    gh_request_resume(request);
}

static void gone(void *sending)
{
    gh_ingest_forget(sending);
}

static bool read_coding(struct gh_request *request, enum gh_coding *coding)
{
    const char *name = gh_request_header(request, MHD_HTTP_HEADER_CONTENT_ENCODING);
    *coding = name != NULL && strcasecmp(name, "zstd") == 0 ? GH_CODING_ZSTD : GH_CODING_PLAIN;
    return name == NULL || *coding == GH_CODING_ZSTD || strcasecmp(name, "identity") == 0;
}

void gh_api_entries_post(struct gh_request *request)
{
    enum gh_coding coding;
    struct gh_sending *sending;
    struct gh_ingest *ingest = gh_records_ingest(request->server->records);
    if (!read_coding(request, &coding)) {
        gh_answer_error(request, MHD_HTTP_UNSUPPORTED_MEDIA_TYPE, "unsupported_encoding",
                        "a body may be encoded by zstd, or not at all");
        return;
    }
    if (gh_ingest_count(ingest, request->gate) >= A_GATE_MAX) { /* the rest is for the others */
        gh_answer_error(request, MHD_HTTP_SERVICE_UNAVAILABLE, "unavailable",
                        "too many batches of this gate wait already, nothing was stored");
        gh_answer_retry_after(request, A_GATE_RETRY_S);
        return;
    }
    enum gh_status status = gh_ingest_give(ingest, request->gate, request->body, request->body_size,
                                           coding, answered, request, &sending);
    if (status == GH_OK) {
        request->body = NULL;
        request->body_size = request->body_capacity = 0;
        gh_request_wait(request, gone, sending);
    } else {
        answer_busy(request, "too many batches wait already, nothing was stored");
    }
}

/* --- out --- */

struct page {
    json_t *entries; /* array */
    size_t limit;
    uint64_t last;
    bool more;
    enum gh_status status;
};

static bool append_entry(void *context, const struct gh_db_entry *entry)
{
    struct page *page = context;
    if (json_array_size(page->entries) == page->limit) {
        page->more = true;
        return false;
    }
    page->last = entry->row;
    json_t *said = json_loads(entry->text, 0, NULL);
    if (said == NULL) {
        page->status = GH_ERR_CORRUPT;
        return false;
    }
    json_t *json = json_pack("{s:I, s:o, s:s, s:o, s:s?, s:s?, s:o}", "row", (json_int_t)entry->row,
                             "gate", gh_json_id(entry->gate), "gate_name", entry->gate_name,
                             "received_at", gh_json_time(entry->received_at), "name", entry->name,
                             "address", entry->address, "entry", said);
    if (json_array_append_new(page->entries, json) != 0)
        page->status = GH_ERR_NOMEM;
    return page->status == GH_OK;
}

/* False after having answered. */
static bool read_time(struct gh_request *request, const char *name, int64_t *out)
{
    char message[96];
    const char *text = gh_request_query(request, name);
    if (text == NULL || gh_time_parse(text, out) == GH_OK)
        return true;
    snprintf(message, sizeof(message), "the parameter \"%s\" is not a time such as %s", name,
             "2020-03-01T07:00:00Z");
    gh_answer_error(request, MHD_HTTP_BAD_REQUEST, "bad_request", message);
    return false;
}

/* Likewise. */
static bool read_filter(struct gh_request *request, struct gh_db_entry_filter *filter)
{
    int64_t after = 0, limit = PAGE_INITIAL;
    *filter = (struct gh_db_entry_filter){.any_type = true};
    if (!gh_request_query_number(request, "after", 0, INT64_MAX, &after) ||
        !gh_request_query_number(request, "limit", 1, PAGE_MAX, &limit) ||
        !gh_request_query_id(request, "gate", &filter->gate) ||
        !read_time(request, "from", &filter->from) || !read_time(request, "until", &filter->until))
        return false;
    filter->after = (uint64_t)after;
    filter->limit = (unsigned)limit + 1;
    const char *type = gh_request_query(request, "type");
    if (type == NULL)
        return true;
    for (int i = 0; i < GH_ENTRY_TYPES; i++) {
        if (strcmp(type, gh_entry_type_name((enum gh_entry_type)i)) == 0) {
            filter->type = (enum gh_entry_type)i;
            filter->any_type = false;
            return true;
        }
    }
    gh_answer_error(request, MHD_HTTP_BAD_REQUEST, "bad_request",
                    "type must be passage, start, fault, clock, door, list, prune or announcement");
    return false;
}

void gh_api_entries_get(struct gh_request *request)
{
    struct gh_db_entry_filter filter;
    if (!read_filter(request, &filter))
        return;
    struct page page = {.entries = json_array(), .limit = filter.limit - 1};
    enum gh_status status = gh_db_entries_read(request->server->db, &filter, append_entry, &page);
    if (status == GH_OK)
        status = page.status;
    if (status != GH_OK) {
        json_decref(page.entries);
        gh_answer_status(request, status);
        return;
    }
    gh_answer_json(request, MHD_HTTP_OK,
                   json_pack("{s:o, s:o}", "entries", page.entries, "next",
                             page.more ? json_integer((json_int_t)page.last) : json_null()));
}
