/* SPDX-License-Identifier: Apache-2.0 */
/* News, as gates ask for them (docs/protocol.md, section 7). */
#include <microhttpd.h>
#include <stdlib.h>

#include "server/api.h"
#include "server/db_news.h"
#include "server/news.h"
#include "server/server.h"

#define MOST 1000

struct page {
    json_t *presence, *announcements;
    size_t count;
    uint64_t last;
    bool more;
    enum gh_status status;
};

static json_t *movement(const struct gh_db_news_row *row)
{
    json_t *json = json_pack("{s:o, s:o, s:s, s:I}", "gate", gh_json_id(row->gate), "subject",
                             gh_json_id(row->subject), "direction",
                             gh_direction_name(row->direction), "at_ms", (json_int_t)row->at_ms);
    if (json != NULL && row->undone)
        (void)json_object_set_new(json, "undone", json_true());
    return json;
}

static json_t *announcement(struct gh_bytes signature)
{
    char text[(GH_ANNOUNCEMENT_SIGNED_BYTES * 4 + 2) / 3 + 1];
    if (signature.size > GH_ANNOUNCEMENT_SIGNED_BYTES)
        return NULL;
    gh_base64url_encode(signature.data, signature.size, text);
    return json_string(text);
}

static bool append(void *context, const struct gh_db_news_row *row)
{
    struct page *page = context;
    if (page->count == MOST) {
        page->more = true;
        return false;
    }
    page->count++;
    page->last = row->number;
    int failed = row->announcement.size > 0
                     ? json_array_append_new(page->announcements, announcement(row->announcement))
                     : json_array_append_new(page->presence, movement(row));
    if (failed != 0)
        page->status = GH_ERR_NOMEM;
    return failed == 0;
}

void gh_api_news(struct gh_request *request)
{
    struct gh_server *server = request->server;
    struct gh_roster_gate *gate = gh_roster_find(server->roster, request->gate);
    int64_t after = 0;
    if (!gh_request_query_number(request, "after", 0, INT64_MAX, &after))
        return;
    struct page page = {.presence = json_array(), .announcements = json_array()};
    enum gh_status status = gh_db_news_read(
        server->db, request->gate, gh_news_after(server->news, gate, (uint64_t)after),
        gh_news_through(server->news, gate), gh_clock_wall_s(server->clock), MOST + 1, append,
        &page);
    if (status == GH_OK)
        status = page.status;
    if (status != GH_OK) {
        json_decref(page.presence);
        json_decref(page.announcements);
        gh_answer_status(request, status);
        return;
    }
    uint64_t number = page.more ? page.last : gh_news_number(server->news, gate);
    if (number > gate->news_asked)
        gate->news_asked = number;
    gh_answer_json(request, MHD_HTTP_OK,
                   json_pack("{s:I, s:o, s:o, s:b}", "news", (json_int_t)number, "presence",
                             page.presence, "announcements", page.announcements, "more",
                             (int)page.more));
}

void gh_api_sound(struct gh_request *request)
{
    int fd;
    uint64_t size;
    enum gh_status status = gh_news_open_sound(request->server->news, request->text, &fd, &size);
    if (status == GH_OK)
        gh_answer_file(request, "audio/wav", request->text, fd, size);
    else
        gh_answer_status(request, status);
}
