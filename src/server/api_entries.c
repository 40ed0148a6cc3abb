/* SPDX-License-Identifier: Apache-2.0 */
#include <microhttpd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gatehouse/entry.h"
#include "server/api.h"
#include "server/batch.h"
#include "server/server.h"

#define PAGE_MAX 1000
#define PAGE_INITIAL 100

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

void gh_api_entries_post(struct gh_request *request)
{
    json_t *entries;
    struct gh_batch batch;
    struct gh_db_batch result;
    const struct gh_member members[] = {
        {"entries", GH_MEMBER_ARRAY, false, 0, GH_BATCH_MAX_ENTRIES, &entries},
    };
    if (!gh_request_members(request, members, GH_ARRAY_SIZE(members)))
        return;
    enum gh_status status = gh_batch_open(entries, request->gate, &batch);
    if (status == GH_OK)
        status = gh_db_entries_store(request->server->db, request->gate, batch.items, batch.count,
                                     gh_clock_wall_s(request->server->clock), &result);
    if (status == GH_OK) {
        json_t *refused = refusals(&batch);
        if (json_array_size(refused) > 0)
            gh_log(GH_LOG_WARNING, "entries", "refused %zu of gate %016llx",
                   json_array_size(refused), (unsigned long long)request->gate);
        gh_answer_json(request, MHD_HTTP_OK,
                       json_pack("{s:I, s:I, s:I, s:o}", "acknowledged",
                                 (json_int_t)result.acknowledged, "stored",
                                 (json_int_t)result.stored, "known", (json_int_t)result.known,
                                 "refused", refused));
    } else {
        gh_answer_status(request, status);
    }
    gh_batch_close(&batch);
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
static bool read_filter(struct gh_request *request, struct gh_db_entry_filter *filter)
{
    int64_t after = 0, limit = PAGE_INITIAL;
    *filter = (struct gh_db_entry_filter){.any_type = true};
    if (!gh_request_query_number(request, "after", 0, INT64_MAX, &after) ||
        !gh_request_query_number(request, "limit", 1, PAGE_MAX, &limit) ||
        !gh_request_query_id(request, "gate", &filter->gate))
        return false;
    filter->after = (uint64_t)after;
    filter->limit = (unsigned)limit + 1;
    const char *type = gh_request_query(request, "type");
    if (type == NULL)
        return true;
    for (int i = GH_ENTRY_PASSAGE; i <= GH_ENTRY_CLOCK; i++) {
        if (strcmp(type, gh_entry_type_name((enum gh_entry_type)i)) == 0) {
            filter->type = (enum gh_entry_type)i;
            filter->any_type = false;
            return true;
        }
    }
    gh_answer_error(request, MHD_HTTP_BAD_REQUEST, "bad_request",
                    "type must be passage, start, fault or clock");
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
