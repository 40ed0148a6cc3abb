/* SPDX-License-Identifier: Apache-2.0 */
#include <microhttpd.h>
#include <stdio.h>
#include <string.h>

#include "gatehouse/code.h"
#include "server/api.h"
#include "server/server.h"

#define ADDRESS_MAX_BYTES 200
#define NOTE_MAX_BYTES 1000

static const char *state_name(enum gh_home_state state)
{
    switch (state) {
    case GH_HOME_STATE_APPLIED:
        return "applied";
    case GH_HOME_STATE_INSPECTED:
        return "inspected";
    case GH_HOME_STATE_REFUSED:
        return "refused";
    case GH_HOME_STATE_APPROVED:
        return "approved";
    }
    return "refused";
}

static bool append_id(void *context, gh_id id)
{
    return json_array_append_new(context, gh_json_id(id)) == 0;
}

struct homes {
    struct gh_db *db;
    json_t *list; /* array */
    enum gh_status status;
};

static bool append_home(void *context, const struct gh_db_home *home)
{
    struct homes *homes = context;
    json_t *members = json_array();
    homes->status = gh_db_home_members(homes->db, home->id, append_id, members);
    json_t *json =
        json_pack("{s:o, s:s, s:s, s:s, s:o}", "id", gh_json_id(home->id), "address", home->address,
                  "owner", home->owner, "state", state_name(home->state), "members", members);
    if (json_array_append_new(homes->list, json) != 0)
        homes->status = GH_ERR_NOMEM;
    return homes->status == GH_OK;
}

/* The home as it is now, unless what was done to it failed. */
static void answer_home(struct gh_request *request, enum gh_status status, gh_id id)
{
    struct homes homes = {.db = request->server->db, .list = json_array()};
    if (status == GH_OK)
        status = gh_db_home_read(homes.db, id, append_home, &homes);
    if (status == GH_OK)
        status = homes.status;
    if (status == GH_OK)
        gh_answer_json(request, MHD_HTTP_OK, json_incref(json_array_get(homes.list, 0)));
    else
        gh_answer_status(request, status);
    json_decref(homes.list);
}

void gh_api_home_add(struct gh_request *request)
{
    const char *address;
    gh_id id = gh_random_id();
    const struct gh_member members[] = {
        {"address", GH_MEMBER_LINE, false, 1, ADDRESS_MAX_BYTES, &address},
    };
    if (!gh_request_members(request, members, GH_ARRAY_SIZE(members)))
        return;
    enum gh_status status = gh_db_home_add(request->server->db, id, address, request->user,
                                           gh_clock_wall_s(request->server->clock));
    answer_home(request, status, id);
}

void gh_api_homes_get(struct gh_request *request)
{
    struct homes homes = {.db = request->server->db, .list = json_array()};
    const char *owner = request->role == GH_ROLE_LANDLORD ? request->user : NULL;
    enum gh_status status = gh_db_homes_read(homes.db, owner, append_home, &homes);
    if (status == GH_OK)
        status = homes.status;
    if (status == GH_OK) {
        gh_answer_json(request, MHD_HTTP_OK, json_pack("{s:o}", "homes", homes.list));
        return;
    }
    json_decref(homes.list);
    gh_answer_status(request, status);
}

void gh_api_home_inspect(struct gh_request *request)
{
    bool passed = false;
    const char *note = NULL;
    const struct gh_member members[] = {
        {"passed", GH_MEMBER_BOOL, false, 0, 0, &passed},
        {"note", GH_MEMBER_TEXT, true, 0, NOTE_MAX_BYTES, &note},
    };
    if (!gh_request_members(request, members, GH_ARRAY_SIZE(members)))
        return;
    enum gh_status status = gh_db_home_inspect(request->server->db, request->id[0], passed, note);
    answer_home(request, status, request->id[0]);
}

void gh_api_home_approve(struct gh_request *request)
{
    if (!gh_request_members(request, NULL, 0))
        return;
    enum gh_status status = gh_db_home_approve(request->server->db, request->id[0]);
    answer_home(request, status, request->id[0]);
}

/* --- what only the admin and the home's own landlord may --- */

struct ownership {
    const char *user;
    bool own;
    bool approved;
    gh_id credential;
    char code[GH_CODE_OWN_MAX_BYTES * 2]; /* "": none yet */
};

static bool look_at_owner(void *context, const struct gh_db_home *home)
{
    struct ownership *ownership = context;
    ownership->own = strcmp(home->owner, ownership->user) == 0;
    ownership->approved = home->state == GH_HOME_STATE_APPROVED;
    ownership->credential = home->credential;
    snprintf(ownership->code, sizeof(ownership->code), "%s", home->code != NULL ? home->code : "");
    return true;
}

/* False after having answered: another landlord's home is as good as none. */
static bool may_manage(struct gh_request *request, struct ownership *ownership)
{
    *ownership = (struct ownership){.user = request->user};
    enum gh_status status =
        gh_db_home_read(request->server->db, request->id[0], look_at_owner, ownership);
    if (status == GH_OK && request->role != GH_ROLE_ADMIN && !ownership->own)
        status = GH_ERR_NOTFOUND;
    if (status != GH_OK)
        gh_answer_status(request, status);
    return status == GH_OK;
}

void gh_api_member_put(struct gh_request *request)
{
    struct ownership ownership;
    if (!gh_request_members(request, NULL, 0) || !may_manage(request, &ownership))
        return;
    enum gh_status status =
        gh_db_home_put_member(request->server->db, request->id[0], request->id[1]);
    if (status == GH_ERR_TOOBIG) {
        gh_answer_error(request, MHD_HTTP_UNPROCESSABLE_CONTENT, "too_many_homes",
                        "the person is a member of 64 homes already");
        return;
    }
    answer_home(request, status, request->id[0]);
}

void gh_api_member_drop(struct gh_request *request)
{
    struct ownership ownership;
    if (!may_manage(request, &ownership))
        return;
    enum gh_status status =
        gh_db_home_drop_member(request->server->db, request->id[0], request->id[1]);
    answer_home(request, status, request->id[0]);
}

/* --- the housing code --- */

static void answer_code(struct gh_request *request, const char *code, gh_id credential,
                        int64_t issued_at)
{
    gh_answer_json(request, MHD_HTTP_OK,
                   json_pack("{s:s, s:o, s:o}", "code", code, "credential", gh_json_id(credential),
                             "issued_at", gh_json_time(issued_at)));
}

static void issue_code(struct gh_request *request)
{
    struct gh_server *server = request->server;
    char code[GH_CODE_OWN_MAX_BYTES * 2];
    const struct gh_claims claims = {
        .kind = GH_KIND_HOUSING,
        .id = gh_random_id(),
        .about = request->id[0],
        .issued_at_s = gh_clock_wall_s(server->clock),
        .expires_at_s = INT64_MAX,
        .issuer = server->settings.issuer,
        .host = server->code_host,
    };
    const struct gh_db_credential credential = {
        .id = claims.id,
        .kind = claims.kind,
        .about = claims.about,
        .issued_at = claims.issued_at_s,
        .expires_at = claims.expires_at_s,
    };
    const struct gh_private_key *key;
    enum gh_status status =
        gh_server_keys_signer(&server->keys, claims.kind, claims.issued_at_s, &key);
    if (status == GH_OK)
        status = gh_code_write(key, &claims, code, sizeof(code));
    if (status == GH_OK)
        status = gh_db_home_set_code(server->db, request->id[0], code, &credential);
    if (status == GH_OK)
        answer_code(request, code, claims.id, claims.issued_at_s);
    else
        gh_answer_status(request, status);
}

void gh_api_home_code(struct gh_request *request)
{
    struct ownership ownership;
    struct gh_db_credential credential;
    bool renew = false;
    const struct gh_member members[] = {{"renew", GH_MEMBER_BOOL, true, 0, 0, &renew}};
    if (!gh_request_members(request, members, GH_ARRAY_SIZE(members)) ||
        !may_manage(request, &ownership))
        return;
    if (!ownership.approved) {
        gh_answer_error(request, MHD_HTTP_CONFLICT, "conflict", "this home is not approved");
        return;
    }
    if (renew || ownership.code[0] == '\0') {
        issue_code(request);
        return;
    }
    enum gh_status status =
        gh_db_credential_find(request->server->db, ownership.credential, &credential);
    if (status == GH_OK)
        answer_code(request, ownership.code, credential.id, credential.issued_at);
    else
        gh_answer_status(request, status);
}
