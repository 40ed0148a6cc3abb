/* SPDX-License-Identifier: Apache-2.0 */
/* Foreign issuers' keys: whose certificates are true. */
#include <microhttpd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "gatehouse/file.h"
#include "gatehouse/jwk.h"
#include "server/api.h"
#include "server/server.h"
#include "server/trusted.h"

#define TYPE_PEM "application/x-pem-file"
#define TYPE_JWKS "application/jwk-set+json"

/* --- what came --- */

struct taking {
    struct gh_issuer_key *keys;
    size_t count, capacity;
    size_t passed_over; /* of a type that no codes are signed with */
    enum gh_status status;
};

static bool take(struct taking *taking, const struct gh_issuer_key *key)
{
    if (taking->count == GH_FOREIGN_KEYS_MAX) {
        taking->status = GH_ERR_TOOBIG;
        return false;
    }
    if (taking->count == taking->capacity) {
        size_t wanted = taking->capacity * 2 + 16;
        struct gh_issuer_key *larger = realloc(taking->keys, wanted * sizeof(*larger));
        if (larger == NULL) {
            taking->status = GH_ERR_NOMEM;
            return false;
        }
        taking->keys = larger;
        taking->capacity = wanted;
    }
    taking->keys[taking->count++] = *key;
    return true;
}

/* Also for what was signed before the certificate: it may have been renewed, under an old key. */
static bool take_signer(void *context, const struct gh_signer *signer)
{
    const struct gh_issuer_key key = gh_issuer_key_of_signer(signer, signer->not_after_s);
    return take(context, &key);
}

static bool take_jwk(void *context, const struct gh_issuer_key *key)
{
    return take(context, key);
}

/* A bundle may be long: say which one it is that is wrong. */
static enum gh_status read_certificates(struct gh_bytes text, struct taking *taking,
                                        struct gh_error *err)
{
    struct gh_error why = {0};
    enum gh_status status =
        gh_signers_from_pem(text, take_signer, taking, &taking->passed_over, &why);
    if (status == GH_OK || status == GH_ERR_NOTFOUND)
        return status == GH_OK ? GH_OK : gh_fail(err, status, "%s", why.text);
    return gh_fail(err, status, "certificate %zu: %.200s", taking->count + taking->passed_over + 1,
                   why.text);
}

static bool is_type(const char *header, const char *type)
{
    size_t size = strlen(type);
    return header != NULL && strncasecmp(header, type, size) == 0 &&
           (header[size] == '\0' || header[size] == ';' || header[size] == ' ');
}

static void answer_too_many(struct gh_request *request)
{
    char message[96];
    snprintf(message, sizeof(message),
             "there would be more than %d foreign keys, which is all that a list holds",
             GH_FOREIGN_KEYS_MAX);
    gh_answer_error(request, MHD_HTTP_UNPROCESSABLE_CONTENT, "too_many_keys", message);
}

/* False after having answered. */
static bool read_keys(struct gh_request *request, struct taking *taking)
{
    struct gh_error why = {0};
    const uint8_t *nothing = (const uint8_t *)"";
    const struct gh_bytes body = {request->body != NULL ? request->body : nothing,
                                  request->body_size};
    const char *type = MHD_lookup_connection_value(request->connection, MHD_HEADER_KIND,
                                                   MHD_HTTP_HEADER_CONTENT_TYPE);
    enum gh_status status;
    if (is_type(type, TYPE_PEM)) {
        status = read_certificates(body, taking, &why);
    } else if (is_type(type, TYPE_JWKS)) {
        status = gh_jwks_read(body, take_jwk, taking, &taking->passed_over, &why);
    } else {
        gh_answer_error(request, MHD_HTTP_UNSUPPORTED_MEDIA_TYPE, "unsupported_type",
                        "keys come as " TYPE_PEM " or as " TYPE_JWKS);
        return false;
    }
    if (status == GH_OK)
        status = taking->status;
    if (status == GH_OK && taking->count == 0)
        status = gh_fail(&why, GH_ERR_NOTFOUND, "there is no key in it that codes are signed with");
    if (status == GH_OK)
        return true;
    if (status == GH_ERR_NOMEM)
        gh_answer_status(request, status);
    else if (taking->status == GH_ERR_TOOBIG)
        answer_too_many(request);
    else
        gh_answer_error(request, MHD_HTTP_UNPROCESSABLE_CONTENT, "bad_key",
                        why.text[0] != '\0' ? why.text : gh_status_text(status));
    return false;
}

static void store(struct gh_request *request, const struct taking *taking)
{
    uint64_t added = 0;
    enum gh_status status = gh_db_trust_add(request->server->db, taking->keys, taking->count,
                                            GH_FOREIGN_KEYS_MAX, &added);
    if (status == GH_OK && added > 0)
        status = gh_server_renew_trust(request->server);
    if (status == GH_OK)
        gh_answer_json(request, MHD_HTTP_OK,
                       json_pack("{s:I, s:I, s:I}", "added", (json_int_t)added, "known",
                                 (json_int_t)(taking->count - added), "passed_over",
                                 (json_int_t)taking->passed_over));
    else if (status == GH_ERR_TOOBIG)
        answer_too_many(request);
    else
        gh_answer_status(request, status);
}

void gh_api_trust_add(struct gh_request *request)
{
    struct taking taking = {.status = GH_OK};
    if (read_keys(request, &taking))
        store(request, &taking);
    free(taking.keys);
}

/* --- what is there --- */

static json_t *groups_json(unsigned groups)
{
    static const struct {
        unsigned group;
        const char *name;
    } names[] = {{GH_GROUP(GH_FACT_VACCINATION), "vaccination"},
                 {GH_GROUP(GH_FACT_TEST), "test"},
                 {GH_GROUP(GH_FACT_RECOVERY), "recovery"}};
    json_t *list = json_array();
    for (size_t i = 0; i < GH_ARRAY_SIZE(names); i++)
        if ((groups & names[i].group) != 0)
            (void)json_array_append_new(list, json_string(names[i].name));
    return list;
}

static const char *type_name(enum gh_key_type type)
{
    return type == GH_KEY_P256 ? "ES256" : type == GH_KEY_PS256 ? "PS256" : "EdDSA";
}

static bool append_key(void *context, const struct gh_db_trusted *trusted)
{
    const struct gh_issuer_key *key = &trusted->key;
    bool hcert = key->purposes == GH_PURPOSE(GH_KIND_HCERT);
    char key_id[2 * GH_KEY_ID_BYTES + 1];
    gh_hex_encode(key->key_id, sizeof(key->key_id), key_id);
    json_t *json = json_pack(
        "{s:o, s:s, s:s, s:s, s:s, s:o, s:s, s:o, s:o}", "id", gh_json_id(trusted->id), "kind",
        gh_kind_name(hcert ? GH_KIND_HCERT : GH_KIND_SHC), "type", type_name(key->type), "key_id",
        key_id, "issuer", key->issuer, "groups", groups_json(key->groups), "state",
        key->revoked ? "revoked" : "trusted", "not_after",
        key->not_after_s == INT64_MAX ? json_null() : gh_json_time(key->not_after_s), "revoked_at",
        gh_json_time(trusted->revoked_at));
    return json_array_append_new(context, json) == 0;
}

void gh_api_trust_get(struct gh_request *request)
{
    json_t *keys = json_array();
    enum gh_status status = gh_db_trust_read(request->server->db, append_key, keys);
    if (status == GH_OK) {
        gh_answer_json(request, MHD_HTTP_OK, json_pack("{s:o}", "keys", keys));
        return;
    }
    json_decref(keys);
    gh_answer_status(request, status);
}

void gh_api_trust_drop(struct gh_request *request)
{
    struct gh_server *server = request->server;
    const char *forget = gh_request_query(request, "forget");
    if (forget != NULL && strcmp(forget, "true") != 0) {
        gh_answer_error(request, MHD_HTTP_BAD_REQUEST, "bad_request",
                        "the parameter \"forget\" can only be true");
        return;
    }
    enum gh_status status = forget != NULL ? gh_db_trust_forget(server->db, request->id[0])
                                           : gh_db_trust_revoke(server->db, request->id[0],
                                                                gh_clock_wall_s(server->clock));
    if (status == GH_OK)
        status = gh_server_renew_trust(server);
    if (status == GH_OK)
        gh_answer_empty(request, MHD_HTTP_NO_CONTENT);
    else if (status == GH_ERR_NOTFOUND)
        gh_answer_error(request, MHD_HTTP_NOT_FOUND, "not_found", "there is no such key");
    else
        gh_answer_status(request, status);
}
