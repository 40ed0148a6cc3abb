/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <microhttpd.h>
#include <stdlib.h>

#include "gatehouse/code.h"
#include "gatehouse/log.h"
#include "server/api.h"
#include "server/people_csv.h"
#include "server/server.h"

#define PAGE_MAX 1000
#define PAGE_INITIAL 100

/* --- people as JSON --- */

static bool append_id(void *context, gh_id id)
{
    return json_array_append_new(context, gh_json_id(id)) == 0;
}

struct page {
    struct gh_server *server;
    json_t *people; /* array */
    size_t limit;
    gh_id last;
    bool more;
    enum gh_status status;
};

static bool append_person(void *context, const struct gh_db_person *person)
{
    struct page *page = context;
    if (json_array_size(page->people) == page->limit) {
        page->more = true;
        return false;
    }
    json_t *homes = json_array();
    page->status = gh_db_person_homes(page->server->db, person->id, append_id, homes);
    page->last = person->id;
    json_t *json =
        json_pack("{s:o, s:s, s:s, s:s, s:o}", "id", gh_json_id(person->id), "ref", person->ref,
                  "name", person->name, "status", gh_colour_name(person->status), "homes", homes);
    if (json_array_append_new(page->people, json) != 0)
        page->status = GH_ERR_NOMEM;
    return page->status == GH_OK;
}

void gh_api_people_get(struct gh_request *request)
{
    gh_id after = 0;
    int64_t limit = PAGE_INITIAL;
    if (!gh_request_query_id(request, "after", &after) ||
        !gh_request_query_number(request, "limit", 1, PAGE_MAX, &limit))
        return;
    struct page page = {.server = request->server, .people = json_array(), .limit = (size_t)limit};
    enum gh_status status = gh_db_people_read(request->server->db, gh_request_query(request, "ref"),
                                              after, (unsigned)limit + 1, append_person, &page);
    if (status == GH_OK)
        status = page.status;
    if (status != GH_OK) {
        json_decref(page.people);
        gh_answer_status(request, status);
        return;
    }
    gh_answer_json(request, MHD_HTTP_OK,
                   json_pack("{s:o, s:o}", "people", page.people, "next",
                             page.more ? gh_json_id(page.last) : json_null()));
}

void gh_api_person_change(struct gh_request *request)
{
    const char *text;
    enum gh_colour colour;
    const struct gh_member members[] = {{"status", GH_MEMBER_LINE, false, 1, 32, &text}};
    if (!gh_request_members(request, members, GH_ARRAY_SIZE(members)))
        return;
    if (gh_colour_parse(text, &colour) != GH_OK || colour == GH_COLOUR_NONE) {
        gh_answer_error(request, MHD_HTTP_BAD_REQUEST, "bad_request",
                        "status must be green, yellow or red");
        return;
    }
    struct page page = {.server = request->server, .people = json_array(), .limit = 1};
    enum gh_status status = gh_db_person_set_status(request->server->db, request->id[0], colour);
    if (status == GH_OK)
        status = gh_db_person_read(request->server->db, request->id[0], append_person, &page);
    if (status == GH_OK)
        status = page.status;
    if (status == GH_OK)
        gh_answer_json(request, MHD_HTTP_OK, json_incref(json_array_get(page.people, 0)));
    else
        gh_answer_status(request, status);
    json_decref(page.people);
}

/* --- import --- */

struct import {
    struct gh_db *db;
    uint64_t counts[3]; /* by enum gh_db_change */
};

static enum gh_status put_person(void *context, const char *ref, const char *name,
                                 enum gh_colour status)
{
    struct import *import = context;
    enum gh_db_change change;
    enum gh_status result = gh_db_import_put(import->db, ref, name, status, &change);
    if (result == GH_OK)
        import->counts[change]++;
    return result;
}

static void answer_csv_errors(struct gh_request *request, const struct gh_people_csv_errors *errors)
{
    json_t *lines = json_array();
    for (size_t i = 0; i < errors->count; i++)
        (void)json_array_append_new(lines, json_pack("{s:I, s:s}", "line",
                                                     (json_int_t)errors->list[i].line, "reason",
                                                     errors->list[i].reason));
    gh_answer_json(request, MHD_HTTP_UNPROCESSABLE_CONTENT,
                   json_pack("{s:s, s:s, s:o}", "error", "csv", "message",
                             "the file has mistakes, nothing was imported", "lines", lines));
}

void gh_api_people_import(struct gh_request *request)
{
    struct gh_db *db = request->server->db;
    struct import import = {.db = db};
    struct gh_people_csv_errors *errors = calloc(1, sizeof(*errors));
    enum gh_status status = errors != NULL ? gh_db_import_begin(db) : GH_ERR_NOMEM;
    if (status == GH_OK) {
        const struct gh_bytes body = {request->body, request->body_size};
        status = gh_people_csv_read(body, put_person, &import, errors);
        enum gh_status ended = gh_db_import_end(db, status == GH_OK);
        if (status == GH_OK)
            status = ended;
    }
    if (status == GH_OK)
        gh_answer_json(request, MHD_HTTP_OK,
                       json_pack("{s:I, s:I, s:I}", "added", (json_int_t)import.counts[GH_DB_ADDED],
                                 "updated", (json_int_t)import.counts[GH_DB_UPDATED], "unchanged",
                                 (json_int_t)import.counts[GH_DB_UNCHANGED]));
    else if (status == GH_ERR_INVALID)
        answer_csv_errors(request, errors);
    else
        gh_answer_status(request, status);
    free(errors);
}

/* --- health codes --- */

static bool take_colour(void *context, const struct gh_db_person *person)
{
    *(enum gh_colour *)context = person->status;
    return true;
}

void gh_api_health_code(struct gh_request *request)
{
    struct gh_server *server = request->server;
    char code[GH_CODE_OWN_MAX_BYTES * 2];
    enum gh_colour colour = GH_COLOUR_NONE;
    int64_t valid_s = 0;
    const struct gh_member members[] = {
        {"valid_s", GH_MEMBER_INT, false, 1, INT64_C(31536000), &valid_s},
    };
    if (!gh_request_members(request, members, GH_ARRAY_SIZE(members)))
        return;
    enum gh_status status = gh_db_person_read(server->db, request->id[0], take_colour, &colour);
    int64_t now = gh_clock_wall_s(server->clock);
    const struct gh_claims claims = {
        .kind = GH_KIND_HEALTH,
        .id = gh_random_id(),
        .about = request->id[0],
        .colour = colour,
        .issued_at_s = now,
        .expires_at_s = now + valid_s,
        .issuer = server->settings.issuer,
    };
    const struct gh_db_credential credential = {
        .id = claims.id,
        .kind = claims.kind,
        .about = claims.about,
        .issued_at = claims.issued_at_s,
        .expires_at = claims.expires_at_s,
    };
    if (status == GH_OK)
        status = gh_code_write(server->keys.health, &claims, code, sizeof(code));
    if (status == GH_OK)
        status = gh_db_credential_add(server->db, &credential);
    if (status != GH_OK) {
        gh_answer_status(request, status);
        return;
    }
    gh_answer_json(request, MHD_HTTP_OK,
                   json_pack("{s:s, s:o, s:s, s:o, s:o}", "code", code, "credential",
                             gh_json_id(claims.id), "colour", gh_colour_name(colour), "issued_at",
                             gh_json_time(now), "expires_at", gh_json_time(now + valid_s)));
}

void gh_api_credential_revoke(struct gh_request *request)
{
    enum gh_status status = gh_db_credential_revoke(request->server->db, request->id[0],
                                                    gh_clock_wall_s(request->server->clock));
    if (status == GH_OK)
        gh_answer_empty(request, MHD_HTTP_NO_CONTENT);
    else
        gh_answer_status(request, status);
}
