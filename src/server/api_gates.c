/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <microhttpd.h>
#include <stdio.h>
#include <string.h>

#include "gatehouse/code.h"
#include "gatehouse/log.h"
#include "server/api.h"
#include "server/auth.h"
#include "server/polls.h"
#include "server/server.h"

#define ENROLMENT_S (INT64_C(24) * 3600)

static const char *state_name(enum gh_gate_state state)
{
    switch (state) {
    case GH_GATE_WAITING:
        return "waiting";
    case GH_GATE_ENROLLED:
        return "enrolled";
    case GH_GATE_SHUT_OUT:
        return "shut_out";
    }
    return "shut_out";
}

static enum gh_status write_enrolment(struct gh_server *server, struct gh_db_gate *gate,
                                      int64_t now, char *code, size_t code_bytes)
{
    struct gh_enrolment enrolment = {
        .gate = gate->id,
        .has_pin = server->has_pin,
        .issued_at_s = now,
        .expires_at_s = now + ENROLMENT_S,
    };
    snprintf(enrolment.url, sizeof(enrolment.url), "%s", server->public_url);
    memcpy(enrolment.list_key, server->keys.list_raw, sizeof(enrolment.list_key));
    memcpy(enrolment.pin, server->pin, sizeof(enrolment.pin));
    gh_random(enrolment.token, sizeof(enrolment.token));
    gh_sha256((struct gh_bytes){enrolment.token, sizeof(enrolment.token)}, gate->token_sha256);
    gate->token_expires_at = enrolment.expires_at_s;
    enum gh_status status = gh_enrolment_write(server->keys.list, &enrolment, code, code_bytes);
    gh_wipe(&enrolment, sizeof(enrolment));
    return status;
}

void gh_api_gate_add(struct gh_request *request)
{
    struct gh_server *server = request->server;
    const char *name;
    char code[GH_CODE_OWN_MAX_BYTES * 2];
    struct gh_db_gate gate = {.id = gh_random_id()};
    const struct gh_member members[] = {
        {"name", GH_MEMBER_LINE, false, 1, GH_GATE_NAME_BYTES - 1, &name},
    };
    if (!gh_request_members(request, members, GH_ARRAY_SIZE(members)))
        return;
    int64_t now = gh_clock_wall_s(server->clock);
    snprintf(gate.name, sizeof(gate.name), "%s", name);
    enum gh_status status = write_enrolment(server, &gate, now, code, sizeof(code));
    if (status == GH_OK)
        status = gh_db_gate_add(server->db, &gate, now);
    if (status == GH_OK)
        gh_answer_json(request, MHD_HTTP_OK,
                       json_pack("{s:o, s:s, s:s, s:o}", "id", gh_json_id(gate.id), "name",
                                 gate.name, "enrolment_code", code, "expires_at",
                                 gh_json_time(gate.token_expires_at)));
    else
        gh_answer_status(request, status);
    gh_wipe(code, sizeof(code));
}

struct listing {
    const struct gh_roster *roster;
    json_t *gates;
};

static bool append_gate(void *context, const struct gh_db_gate *gate)
{
    static const struct gh_roster_gate never;
    struct listing *listing = context;
    const struct gh_roster_gate *known = gh_roster_find(listing->roster, gate->id);
    const struct gh_roster_gate *now = known != NULL ? known : &never;
    int64_t seen_at = now->seen_is_new ? now->seen_at : gate->last_seen_at;
    json_t *json = json_pack("{s:o, s:s, s:s, s:o, s:b, s:I, s:I, s:I}", "id", gh_json_id(gate->id),
                             "name", gate->name, "state", state_name(gate->state), "last_seen",
                             gh_json_time(seen_at), "connected", now->poll != NULL, "generation",
                             (json_int_t)now->generation, "last_sequence",
                             (json_int_t)gate->last_sequence, "alarms", (json_int_t)gate->alarms);
    return json_array_append_new(listing->gates, json) == 0;
}

void gh_api_gates_get(struct gh_request *request)
{
    struct listing listing = {request->server->roster, json_array()};
    enum gh_status status = gh_db_gates_read(request->server->db, append_gate, &listing);
    if (status == GH_OK) {
        gh_answer_json(request, MHD_HTTP_OK, json_pack("{s:o}", "gates", listing.gates));
        return;
    }
    json_decref(listing.gates);
    gh_answer_status(request, status);
}

void gh_api_gate_shut_out(struct gh_request *request)
{
    struct gh_server *server = request->server;
    struct gh_roster_gate *gate = gh_roster_find(server->roster, request->id[0]);
    enum gh_status status = gh_db_gate_shut_out(server->db, request->id[0]);
    if (status != GH_OK) {
        gh_answer_status(request, status);
        return;
    }
    if (gate != NULL) {
        gate->enrolled = false;
        gh_polls_shut_out(gate);
    }
    gh_answer_empty(request, MHD_HTTP_NO_CONTENT);
}

/* --- enrolment --- */

/* GH_ERR_REFUSED: unknown, expired, used, another secret. Every step of it is in constant time. */
static enum gh_status enrol(struct gh_server *server, gh_id id,
                            const uint8_t token[GH_SHA256_BYTES],
                            const uint8_t secret[GH_SHA256_BYTES], struct gh_db_gate *gate)
{
    int64_t now = gh_clock_wall_s(server->clock);
    enum gh_status status = gh_db_gate_find(server->db, id, gate);
    if (status != GH_OK)
        return status == GH_ERR_NOTFOUND ? GH_ERR_REFUSED : status;
    if (!gh_crypto_equal(token, gate->token_sha256, GH_SHA256_BYTES))
        return GH_ERR_REFUSED;
    if (gate->state == GH_GATE_ENROLLED) /* the first answer may have been lost */
        return gh_crypto_equal(secret, gate->secret_sha256, GH_SHA256_BYTES)
                   ? gh_roster_enrol(server->roster, id, secret)
                   : GH_ERR_REFUSED;
    if (gate->state != GH_GATE_WAITING || now >= gate->token_expires_at)
        return GH_ERR_REFUSED;
    status = gh_db_gate_enrol(server->db, id, secret, now);
    if (status == GH_OK)
        status = gh_roster_enrol(server->roster, id, secret);
    if (status == GH_OK)
        gh_log(GH_LOG_NOTICE, "server", "gate %016" PRIx64 " has enrolled", id);
    return status;
}

/* False unless text is exactly size bytes in hex; *hash is of these bytes. */
static bool hash_of_hex(const char *text, size_t size, uint8_t hash[GH_SHA256_BYTES])
{
    uint8_t bytes[GH_GATE_SECRET_BYTES];
    bool good = size <= sizeof(bytes) && gh_hex_decode(text, strlen(text), bytes, size) == GH_OK;
    if (good)
        gh_sha256((struct gh_bytes){bytes, size}, hash);
    gh_wipe(bytes, sizeof(bytes));
    return good;
}

void gh_api_enrol(struct gh_request *request)
{
    struct gh_server *server = request->server;
    const char *gate_text, *token_text, *secret_text, *version = NULL;
    uint8_t token[GH_SHA256_BYTES], secret[GH_SHA256_BYTES];
    struct gh_db_gate gate;
    gh_id id;
    const struct gh_member members[] = {
        {"gate", GH_MEMBER_LINE, false, 16, 16, &gate_text},
        {"token", GH_MEMBER_LINE, false, 32, 32, &token_text},
        {"secret", GH_MEMBER_LINE, false, 64, 64, &secret_text},
        {"version", GH_MEMBER_LINE, true, 1, 64, &version},
    };
    if (!gh_request_members(request, members, GH_ARRAY_SIZE(members)))
        return;
    if (gh_id_parse(gate_text, strlen(gate_text), &id) != GH_OK ||
        !hash_of_hex(token_text, GH_ENROLMENT_TOKEN_BYTES, token) ||
        !hash_of_hex(secret_text, GH_GATE_SECRET_BYTES, secret)) {
        gh_answer_error(request, MHD_HTTP_BAD_REQUEST, "bad_request",
                        "gate, token and secret are hex digits");
        return;
    }
    enum gh_status status = enrol(server, id, token, secret, &gate);
    if (status == GH_OK)
        gh_answer_json(request, MHD_HTTP_OK,
                       json_pack("{s:o, s:s, s:s}", "gate", gh_json_id(id), "name", gate.name,
                                 "area", server->settings.area));
    else if (status == GH_ERR_REFUSED)
        gh_answer_error(request, MHD_HTTP_FORBIDDEN, "enrolment_refused",
                        "this enrolment code is not valid, or no longer");
    else
        gh_answer_status(request, status);
}
