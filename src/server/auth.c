/* SPDX-License-Identifier: Apache-2.0 */
#include "server/auth.h"

#include <microhttpd.h>
#include <string.h>
#include <strings.h>

#include "server/server.h"

#define ID_DIGITS (GH_ID_TEXT_BYTES - 1)

static void hash_text(const char *text, uint8_t out[GH_SHA256_BYTES])
{
    gh_sha256((struct gh_bytes){(const uint8_t *)text, strlen(text)}, out);
}

enum gh_status gh_auth_open_session(struct gh_db *db, const char *user, int64_t now,
                                    char token[GH_TOKEN_BYTES])
{
    uint8_t random[32], hash[GH_SHA256_BYTES];
    gh_random(random, sizeof(random));
    gh_base64url_encode(random, sizeof(random), token);
    gh_wipe(random, sizeof(random));
    hash_text(token, hash);
    return gh_db_session_add(db, hash, user, now, now + GH_SESSION_S);
}

static enum gh_who who_is(enum gh_role role)
{
    switch (role) {
    case GH_ROLE_ADMIN:
        return GH_WHO_ADMIN;
    case GH_ROLE_LANDLORD:
        return GH_WHO_LANDLORD;
    case GH_ROLE_INSPECTOR:
        return GH_WHO_INSPECTOR;
    default:
        return GH_WHO_ANYBODY;
    }
}

/* GH_ERR_REFUSED: no such session. The look-up is by hash: what it takes tells nothing of tokens.
 */
static enum gh_status know_person(struct gh_request *request, const char *token)
{
    uint8_t hash[GH_SHA256_BYTES];
    hash_text(token, hash);
    enum gh_status status =
        gh_db_session_find(request->server->db, hash, gh_clock_wall_s(request->server->clock),
                           request->user, &request->role);
    return status == GH_ERR_NOTFOUND ? GH_ERR_REFUSED : status;
}

/* GH_ERR_REFUSED: not a gate; GH_ERR_DENIED: one that was shut out. */
static enum gh_status know_gate(struct gh_request *request, const char *token)
{
    uint8_t secret[GH_GATE_SECRET_BYTES], hash[GH_SHA256_BYTES];
    gh_id id;
    if (gh_id_parse(token, ID_DIGITS, &id) != GH_OK ||
        gh_hex_decode(token + ID_DIGITS + 1, (size_t)2 * GH_GATE_SECRET_BYTES, secret,
                      sizeof(secret)) != GH_OK)
        return GH_ERR_REFUSED;
    gh_sha256((struct gh_bytes){secret, sizeof(secret)}, hash);
    gh_wipe(secret, sizeof(secret));
    struct gh_roster_gate *gate = gh_roster_find(request->server->roster, id);
    if (gate == NULL || !gh_crypto_equal(hash, gate->secret_sha256, sizeof(hash)))
        return GH_ERR_REFUSED;
    if (!gate->enrolled)
        return GH_ERR_DENIED;
    request->gate = id;
    gh_roster_seen(gate, gh_clock_wall_s(request->server->clock));
    return GH_OK;
}

static enum gh_status know(struct gh_request *request, const char *header)
{
    const char *token = header + strlen("Bearer ");
    if (strncasecmp(header, "Bearer ", strlen("Bearer ")) != 0)
        return GH_ERR_REFUSED;
    size_t size = strlen(token);
    if (size == GH_TOKEN_BYTES - 1)
        return know_person(request, token);
    if (size == ID_DIGITS + 1 + 2 * GH_GATE_SECRET_BYTES && token[ID_DIGITS] == '.')
        return know_gate(request, token);
    return GH_ERR_REFUSED;
}

bool gh_auth_check(struct gh_request *request, const char *header)
{
    if (request->route->who == GH_WHO_ANYBODY)
        return true;
    enum gh_status status = header != NULL ? know(request, header) : GH_ERR_REFUSED;
    if (status == GH_ERR_REFUSED) {
        gh_answer_error(request, MHD_HTTP_UNAUTHORIZED, "unauthorized",
                        header != NULL ? "this token is not valid, or no longer"
                                       : "a bearer token is needed");
        return false;
    }
    if (status == GH_ERR_DENIED) {
        gh_answer_error(request, MHD_HTTP_FORBIDDEN, "forbidden", "this gate was shut out");
        return false;
    }
    if (status != GH_OK) {
        gh_answer_status(request, status);
        return false;
    }
    enum gh_who who = request->gate != 0 ? GH_WHO_GATE : who_is(request->role);
    if ((request->route->who & who) == 0) {
        gh_answer_error(request, MHD_HTTP_FORBIDDEN, "forbidden",
                        "you may not do this with the role you have");
        return false;
    }
    return true;
}
