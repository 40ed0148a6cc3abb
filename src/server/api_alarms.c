/* SPDX-License-Identifier: Apache-2.0 */
/* What an administrator must hear of: alarms, dead letters, and whether a chain is whole. */
#include <microhttpd.h>
#include <string.h>

#include "server/api.h"
#include "server/http.h"
#include "server/records.h"
#include "server/server.h"

#define PAGE_MAX 1000
#define PAGE_INITIAL 100
#define RETRY_S 5

struct page {
    json_t *rows; /* array */
    size_t limit;
    uint64_t last;
    bool more;
    enum gh_status status;
};

struct question {
    uint64_t after;
    unsigned limit;
    gh_id gate;
};

/* False after having answered. */
static bool read_question(struct gh_request *request, struct question *question)
{
    int64_t after = 0, limit = PAGE_INITIAL;
    *question = (struct question){0};
    if (!gh_request_query_number(request, "after", 0, INT64_MAX, &after) ||
        !gh_request_query_number(request, "limit", 1, PAGE_MAX, &limit) ||
        !gh_request_query_id(request, "gate", &question->gate))
        return false;
    question->after = (uint64_t)after;
    question->limit = (unsigned)limit;
    return true;
}

/* Takes json over. */
static bool append(struct page *page, uint64_t row, json_t *json)
{
    page->last = row;
    if (json_array_append_new(page->rows, json) != 0)
        page->status = GH_ERR_NOMEM;
    return page->status == GH_OK;
}

static bool is_full(struct page *page)
{
    page->more = json_array_size(page->rows) == page->limit;
    return page->more;
}

static void answer_page(struct gh_request *request, enum gh_status status, struct page *page,
                        const char *name)
{
    if (status == GH_OK)
        status = page->status;
    if (status != GH_OK) {
        json_decref(page->rows);
        gh_answer_status(request, status);
        return;
    }
    gh_answer_json(request, MHD_HTTP_OK,
                   json_pack("{s:o, s:o}", name, page->rows, "next",
                             page->more ? json_integer((json_int_t)page->last) : json_null()));
}

static json_t *sequence_of(uint64_t sequence)
{
    return sequence != 0 ? json_integer((json_int_t)sequence) : json_null();
}

/* --- alarms --- */

static bool append_alarm(void *context, const struct gh_db_alarm *alarm)
{
    struct page *page = context;
    if (is_full(page))
        return false;
    return append(page, alarm->row,
                  json_pack("{s:I, s:o, s:o, s:I, s:o, s:s, s:s, s:s, s:o}", "row",
                            (json_int_t)alarm->row, "at", gh_json_time(alarm->at), "last_at",
                            gh_json_time(alarm->last_at), "count", (json_int_t)alarm->count, "gate",
                            gh_json_id(alarm->gate), "gate_name", alarm->gate_name, "kind",
                            gh_alarm_name(alarm->kind), "text", alarm->text, "seq",
                            sequence_of(alarm->sequence)));
}

void gh_api_alarms_get(struct gh_request *request)
{
    struct question question;
    if (!read_question(request, &question))
        return;
    struct page page = {.rows = json_array(), .limit = question.limit};
    enum gh_status status = gh_db_alarms_read(request->server->db, question.after, question.gate,
                                              question.limit + 1, append_alarm, &page);
    answer_page(request, status, &page, "alarms");
}

/* --- dead letters --- */

/* Any bytes as text: what is not printable ASCII is shown as `?`. */
static json_t *show(struct gh_bytes bytes)
{
    char text[4096];
    size_t size = bytes.size < sizeof(text) ? bytes.size : sizeof(text);
    for (size_t i = 0; i < size; i++)
        text[i] = (char)(bytes.data[i] >= 0x20 && bytes.data[i] < 0x7f ? bytes.data[i] : '?');
    return json_stringn(text, size);
}

static bool append_refused(void *context, const struct gh_db_refused *refused)
{
    struct page *page = context;
    if (is_full(page))
        return false;
    return append(page, refused->row,
                  json_pack("{s:I, s:o, s:o, s:s, s:o, s:s, s:o}", "row", (json_int_t)refused->row,
                            "received_at", gh_json_time(refused->received_at), "gate",
                            gh_json_id(refused->gate), "gate_name", refused->gate_name, "seq",
                            sequence_of(refused->sequence), "reason", refused->reason, "text",
                            show(refused->text)));
}

void gh_api_refused_get(struct gh_request *request)
{
    struct question question;
    if (!read_question(request, &question))
        return;
    struct page page = {.rows = json_array(), .limit = question.limit};
    enum gh_status status = gh_db_refused_read(request->server->db, question.after, question.gate,
                                               question.limit + 1, append_refused, &page);
    answer_page(request, status, &page, "refused");
}

/* --- a gate's chain --- */

static json_t *json_of_checkpoint(const struct gh_receipt *checkpoint)
{
    char hash[2 * GH_SHA256_BYTES + 1], signature[2 * GH_SIGNATURE_BYTES + 1];
    if (checkpoint->through == 0)
        return json_null();
    gh_hex_encode(checkpoint->hash, sizeof(checkpoint->hash), hash);
    gh_hex_encode(checkpoint->signature, sizeof(checkpoint->signature), signature);
    return json_pack("{s:I, s:s, s:s}", "through", (json_int_t)checkpoint->through, "hash", hash,
                     "signature", signature);
}

static void checked(void *context, enum gh_status status, const struct gh_chain_report *report)
{
    struct gh_request *request = context;
    if (status == GH_OK) {
        gh_answer_json(request, MHD_HTTP_OK,
                       json_pack("{s:I, s:I, s:o, s:I, s:b, s:o}", "first",
                                 (json_int_t)report->first, "last", (json_int_t)report->last,
                                 "checkpoint", json_of_checkpoint(&report->checkpoint), "erased",
                                 (json_int_t)report->erased, "whole", report->breaks_at == 0,
                                 "breaks_at", sequence_of(report->breaks_at)));
    } else if (status == GH_ERR_AGAIN) {
        gh_answer_error(request, MHD_HTTP_SERVICE_UNAVAILABLE, "unavailable",
                        "the server is stopping");
        gh_answer_retry_after(request, RETRY_S);
    } else {
        gh_answer_status(request, status);
    }
    gh_request_resume(request);
}

static void gone(void *check)
{
    gh_records_forget(check);
}

void gh_api_chain_get(struct gh_request *request)
{
    struct gh_check *check;
    enum gh_status status =
        gh_records_check(request->server->records, request->id[0], checked, request, &check);
    if (status == GH_OK) {
        gh_request_wait(request, gone, check);
        return;
    }
    gh_answer_error(request, MHD_HTTP_SERVICE_UNAVAILABLE, "unavailable",
                    "too many chains are being checked already");
    gh_answer_retry_after(request, RETRY_S);
}
