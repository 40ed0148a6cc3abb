/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <microhttpd.h>
#include <stdlib.h>

#include "gatehouse/code.h"
#include "gatehouse/jwk.h"
#include "gatehouse/log.h"
#include "server/api.h"
#include "server/db_list.h"
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

struct issuing {
    gh_id person;
    enum gh_colour colour;
    int64_t valid_s, now;
    struct gh_public_key *holder; /* of the phone; NULL: on paper */
    struct gh_db_credential credential;
    char code[GH_CODE_OWN_MAX_BYTES * 2];
};

static bool take_colour(void *context, const struct gh_db_person *person)
{
    *(enum gh_colour *)context = person->status;
    return true;
}

/* A recall is about all codes until its second has passed, so a code of this very second is dated
 * behind it. GH_ERR_REFUSED: so far ahead that gates would not take it; a clock was wrong. */
static enum gh_status choose_time(struct gh_db *db, struct issuing *issuing)
{
    int64_t before;
    enum gh_status status = gh_db_person_recalled(db, issuing->person, &before);
    issuing->credential.issued_at = before > issuing->now ? before : issuing->now;
    return status == GH_OK && before > issuing->now + GH_CODE_SKEW_S / 2 ? GH_ERR_REFUSED : status;
}

static enum gh_status sign_code(struct gh_server *server, struct issuing *issuing)
{
    const struct gh_private_key *key;
    struct gh_db_credential *credential = &issuing->credential;
    credential->id = gh_random_id();
    credential->kind = GH_KIND_HEALTH;
    credential->about = issuing->person;
    credential->expires_at = credential->issued_at + issuing->valid_s;
    const struct gh_claims claims = {
        .kind = credential->kind,
        .id = credential->id,
        .about = credential->about,
        .colour = issuing->colour,
        .issued_at_s = credential->issued_at,
        .expires_at_s = credential->expires_at,
        .holder = issuing->holder,
        .issuer = server->settings.issuer,
    };
    enum gh_status status =
        gh_server_keys_signer(&server->keys, claims.kind, claims.issued_at_s, &key);
    if (status == GH_OK)
        status = gh_code_write(key, &claims, issuing->code, sizeof(issuing->code));
    return status == GH_OK ? gh_db_credential_add(server->db, credential) : status;
}

static void issue_code(struct gh_request *request, struct issuing *issuing)
{
    struct gh_server *server = request->server;
    enum gh_status status =
        gh_db_person_read(server->db, issuing->person, take_colour, &issuing->colour);
    if (status == GH_OK)
        status = choose_time(server->db, issuing);
    if (status == GH_ERR_REFUSED) {
        gh_answer_error(request, MHD_HTTP_CONFLICT, "conflict",
                        "this person's codes are recalled until a time to come: a clock was wrong");
        return;
    }
    if (status == GH_OK)
        status = sign_code(server, issuing);
    if (status != GH_OK) {
        gh_answer_status(request, status);
        return;
    }
    const struct gh_db_credential *credential = &issuing->credential;
    enum gh_form form = issuing->holder != NULL ? GH_FORM_PHONE : GH_FORM_PAPER;
    gh_answer_json(request, MHD_HTTP_OK,
                   json_pack("{s:s, s:o, s:s, s:s, s:o, s:o}", "code", issuing->code, "credential",
                             gh_json_id(credential->id), "form", gh_form_name(form), "colour",
                             gh_colour_name(issuing->colour), "issued_at",
                             gh_json_time(credential->issued_at), "expires_at",
                             gh_json_time(credential->expires_at)));
}

/* The phone's key; *out stays NULL without one. False after having answered. */
static bool take_key(struct gh_request *request, const json_t *object, struct gh_public_key **out)
{
    struct gh_jwk jwk;
    struct gh_error why = {0};
    if (object == NULL)
        return true;
    enum gh_status status = gh_jwk_parse(object, &jwk, &why);
    if (status == GH_OK)
        status = gh_public_key_from_raw(jwk.type, (struct gh_bytes){jwk.raw, jwk.raw_bytes}, out);
    if (status == GH_OK)
        return true;
    if (status == GH_ERR_INVALID || status == GH_ERR_UNSUPPORTED)
        gh_answer_error(request, MHD_HTTP_UNPROCESSABLE_CONTENT, "bad_key",
                        why.text[0] != '\0' ? why.text : "this is no key that a phone may have");
    else
        gh_answer_status(request, status);
    return false;
}

void gh_api_health_code(struct gh_request *request)
{
    json_t *key = NULL;
    struct issuing issuing = {.person = request->id[0],
                              .now = gh_clock_wall_s(request->server->clock)};
    const struct gh_member members[] = {
        {"valid_s", GH_MEMBER_INT, false, 1, GH_HEALTH_VALID_MAX_S, &issuing.valid_s},
        {"key", GH_MEMBER_JSON, true, 0, 0, &key},
    };
    if (!gh_request_members(request, members, GH_ARRAY_SIZE(members)) ||
        !take_key(request, key, &issuing.holder))
        return;
    issue_code(request, &issuing);
    gh_public_key_free(issuing.holder);
}

void gh_api_credential_revoke(struct gh_request *request)
{
    enum gh_status status = gh_db_credential_revoke(request->server->db, request->id[0],
                                                    gh_clock_wall_s(request->server->clock));
    if (status == GH_OK)
        gh_answer_empty(request, MHD_HTTP_NO_CONTENT);
    else if (status == GH_ERR_NOTFOUND)
        gh_answer_error(request, MHD_HTTP_NOT_FOUND, "not_found", "no such code was issued here");
    else
        gh_answer_status(request, status);
}

void gh_api_codes_recall(struct gh_request *request)
{
    int64_t before;
    enum gh_status status = gh_db_person_recall(request->server->db, request->id[0],
                                                gh_clock_wall_s(request->server->clock), &before);
    if (status == GH_OK)
        gh_answer_empty(request, MHD_HTTP_NO_CONTENT);
    else
        gh_answer_status(request, status);
}
