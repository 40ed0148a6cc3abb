/* SPDX-License-Identifier: Apache-2.0 */
/* Our own issuers' keys: one after the other. */
#include <inttypes.h>
#include <microhttpd.h>
#include <string.h>

#include "gatehouse/log.h"
#include "server/api.h"
#include "server/db_list.h"
#include "server/ingest.h"
#include "server/list_key.h"
#include "server/news.h"
#include "server/records.h"
#include "server/server.h"
#include "server/trusted.h"

/* A gate that was away for a day knows the new key in time. */
#define LEAD_INITIAL_S INT64_C(86400)
#define LEAD_MAX_S INT64_C(31536000)

/* A bound of a span; null where it has none. */
static json_t *bound(int64_t seconds)
{
    return seconds == INT64_MAX ? json_null() : gh_json_time(seconds);
}

/* Raw as PEM; NULL: no memory. */
static json_t *pem_json(const uint8_t raw[GH_OWN_KEY_BYTES], gh_id *id)
{
    struct gh_public_key *public = NULL;
    char pem[256] = "";
    uint8_t key_id[GH_KEY_ID_BYTES];
    enum gh_status status =
        gh_public_key_from_raw(GH_KEY_ED25519, (struct gh_bytes){raw, GH_OWN_KEY_BYTES}, &public);
    if (status == GH_OK)
        status = gh_public_key_pem(public, pem, sizeof(pem));
    if (status == GH_OK) {
        gh_public_key_id(public, key_id);
        *id = gh_be64(key_id);
    }
    gh_public_key_free(public);
    return status == GH_OK ? json_string(pem) : NULL;
}

static json_t *key_json(const struct gh_server_keys *keys, size_t index, int64_t now)
{
    const struct gh_db_key *row = &keys->own[index].row;
    gh_id id;
    return json_pack("{s:o, s:s, s:s, s:o, s:o, s:o, s:o}", "id", gh_json_id(row->id), "purpose",
                     gh_kind_name(row->purpose), "state",
                     gh_key_state_name(gh_server_keys_state(keys, index, now)), "not_before",
                     bound(row->not_before), "not_after", bound(row->not_after), "revoked_at",
                     gh_json_time(row->revoked_at), "pem", pem_json(row->raw, &id));
}

void gh_api_keys_get(struct gh_request *request)
{
    struct gh_server *server = request->server;
    json_t *list = json_array();
    int64_t now = gh_clock_wall_s(server->clock);
    enum gh_status status = gh_server_keys_refresh(&server->keys, now);
    for (size_t i = 0; status == GH_OK && i < server->keys.own_count; i++)
        if (json_array_append_new(list, key_json(&server->keys, i, now)) != 0)
            status = GH_ERR_NOMEM;
    if (status == GH_OK) {
        gh_answer_json(request, MHD_HTTP_OK, json_pack("{s:o}", "keys", list));
        return;
    }
    json_decref(list);
    gh_answer_status(request, status);
}

static void answer_key(struct gh_request *request, gh_id id, int64_t now)
{
    const struct gh_server_keys *keys = &request->server->keys;
    for (size_t i = 0; i < keys->own_count; i++) {
        if (keys->own[i].row.id == id) {
            gh_answer_json(request, MHD_HTTP_OK, key_json(keys, i, now));
            return;
        }
    }
    gh_answer_status(request, GH_ERR_CORRUPT);
}

/* The list key is followed at once: gates go from one to the next by the handover. */
static void rotate_list_key(struct gh_request *request)
{
    struct gh_server *server = request->server;
    struct gh_error err = {0};
    gh_id id = 0;
    gh_publisher_forget_key(server->publisher);
    enum gh_status status = gh_list_key_rotate(&server->keys, server->settings.area, &err);
    if (status != GH_OK) {
        gh_log(GH_LOG_ERR, "server", "%s", err.text);
        if (status == GH_ERR_TOOBIG)
            gh_answer_error(request, MHD_HTTP_CONFLICT, "conflict", err.text);
        else
            gh_answer_status(request, status);
        return;
    }
    gh_log(GH_LOG_NOTICE, "server", "another list key signs from now on");
    gh_news_sign_again(server->news);
    if (gh_ingest_add_key(gh_records_ingest(server->records), server->keys.list_raw) != GH_OK)
        gh_log(GH_LOG_ERR, "server", "receipts of the new list key are known after a restart only");
    /* So that all hear of it now. Else they do when they ask next. */
    if (gh_db_list_bump(server->db) != GH_OK)
        gh_log(GH_LOG_WARNING, "server", "gates hear of the new list key later");
    int64_t now = gh_clock_wall_s(server->clock);
    json_t *pem = pem_json(server->keys.list_raw, &id);
    gh_answer_json(request, MHD_HTTP_OK,
                   json_pack("{s:o, s:s, s:s, s:o, s:n, s:n, s:o}", "id", gh_json_id(id), "purpose",
                             "list", "state", "active", "not_before", gh_json_time(now),
                             "not_after", "revoked_at", "pem", pem));
}

void gh_api_key_add(struct gh_request *request)
{
    struct gh_server *server = request->server;
    const char *name;
    int64_t lead_s = -1; /* not said */
    gh_id id = 0;
    struct gh_error err = {0};
    const struct gh_member members[] = {
        {"purpose", GH_MEMBER_LINE, false, 1, 32, &name},
        {"lead_s", GH_MEMBER_INT, true, 0, LEAD_MAX_S, &lead_s},
    };
    if (!gh_request_members(request, members, GH_ARRAY_SIZE(members)))
        return;
    if (strcmp(name, "list") == 0 && lead_s != -1) {
        gh_answer_error(request, MHD_HTTP_BAD_REQUEST, "bad_request",
                        "the list key is followed at once: there is no lead_s");
        return;
    }
    if (strcmp(name, "list") == 0) {
        rotate_list_key(request);
        return;
    }
    lead_s = lead_s == -1 ? LEAD_INITIAL_S : lead_s;
    enum gh_kind purpose = strcmp(name, "health") == 0    ? GH_KIND_HEALTH
                           : strcmp(name, "housing") == 0 ? GH_KIND_HOUSING
                                                          : GH_KIND_UNKNOWN;
    if (purpose == GH_KIND_UNKNOWN) {
        gh_answer_error(request, MHD_HTTP_BAD_REQUEST, "bad_request",
                        "purpose must be health, housing or list");
        return;
    }
    int64_t now = gh_clock_wall_s(server->clock);
    enum gh_status status =
        gh_server_keys_rotate(&server->keys, purpose, now + lead_s, now, &id, &err);
    if (status == GH_OK)
        status = gh_server_renew_trust(server);
    if (status == GH_OK)
        answer_key(request, id, now);
    else if (status == GH_ERR_REFUSED)
        gh_answer_error(request, MHD_HTTP_CONFLICT, "conflict",
                        "another new key of this purpose waits for its time: revoke it first");
    else if (status == GH_ERR_INVALID)
        gh_answer_error(request, MHD_HTTP_CONFLICT, "conflict", err.text);
    else
        gh_answer_status(request, status);
    if (status != GH_OK && err.text[0] != '\0')
        gh_log(GH_LOG_ERR, "server", "%s", err.text);
}

void gh_api_key_revoke(struct gh_request *request)
{
    struct gh_server *server = request->server;
    enum gh_status status =
        gh_server_keys_revoke(&server->keys, request->id[0], gh_clock_wall_s(server->clock));
    if (status == GH_OK)
        status = gh_server_renew_trust(server);
    if (status == GH_OK) {
        gh_log(GH_LOG_NOTICE, "server", "key %016" PRIx64 " is revoked", request->id[0]);
        gh_answer_empty(request, MHD_HTTP_NO_CONTENT);
    } else if (status == GH_ERR_REFUSED) {
        gh_answer_error(request, MHD_HTTP_CONFLICT, "conflict",
                        "no other key could sign then: rotate first, with a lead of 0");
    } else if (status == GH_ERR_NOTFOUND) {
        gh_answer_error(request, MHD_HTTP_NOT_FOUND, "not_found", "there is no such key");
    } else {
        gh_answer_status(request, status);
    }
}
