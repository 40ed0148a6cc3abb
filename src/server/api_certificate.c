/* SPDX-License-Identifier: Apache-2.0 */
/* Whose a foreign certificate is. Of the certificate only the keyed hash of its holder is kept: its
 * text, and whom it names, are gone with the request. */
#include <microhttpd.h>
#include <stdio.h>
#include <string.h>

#include "gatehouse/code.h"
#include "server/api.h"
#include "server/server.h"
#include "server/trusted.h"

static bool take_texts(struct gh_request *request, const json_t *codes,
                       struct gh_bytes texts[GH_PARTS_MAX], size_t *count)
{
    size_t size = json_array_size(codes);
    bool good = size > 0;
    for (size_t i = 0; good && i < size; i++) {
        const json_t *text = json_array_get(codes, i);
        texts[i] =
            (struct gh_bytes){(const uint8_t *)json_string_value(text), json_string_length(text)};
        good = json_is_string(text) && texts[i].size > 0;
    }
    *count = size;
    if (!good)
        gh_answer_error(request, MHD_HTTP_BAD_REQUEST, "bad_request",
                        "codes must be the text of a certificate, or the texts of its chunks");
    return good;
}

/* Also what the gates would find: that it was revoked. */
static enum gh_status read_certificate(struct gh_server *server, const struct gh_bytes *texts,
                                       size_t count, struct gh_credential *out)
{
    int64_t now = gh_clock_wall_s(server->clock);
    enum gh_status status = server->trust != NULL ? GH_OK : gh_server_renew_trust(server);
    if (status != GH_OK)
        return status;
    gh_code_read_parts(server->trust, texts, count, now, out);
    if (out->reason == GH_REASON_OK && !gh_kind_is_certificate(out->kind))
        out->reason = GH_REASON_UNSUPPORTED;
    if (out->reason == GH_REASON_OK && out->subject == 0)
        out->reason = GH_REASON_BAD_CONTENT; /* nobody is named in it */
    for (size_t i = 0; status == GH_OK && i < out->revocation_count; i++) {
        bool revoked = false;
        status =
            gh_db_revocation_find(server->db, out->revocations[i], out->issued_at_s, now, &revoked);
        if (revoked)
            out->reason = GH_REASON_REVOKED;
    }
    return status;
}

/* The reason's text is for whoever stands at a gate. */
static void refuse(struct gh_request *request, enum gh_reason reason)
{
    char message[192];
    const struct gh_reason_info *info = gh_reason_info(reason);
    snprintf(message, sizeof(message), "the certificate is not taken: %s", info->text);
    gh_answer_error(request, MHD_HTTP_UNPROCESSABLE_CONTENT, info->token, message);
}

/* Each once: the doses of a vaccination are facts of one group. */
static json_t *groups_of(const struct gh_credential *credential)
{
    static const char *const names[] = {"none", "vaccination", "test", "recovery"};
    json_t *list = json_array();
    unsigned groups = 0;
    for (size_t i = 0; i < credential->fact_count; i++) {
        unsigned group = credential->facts[i].group;
        if (group < GH_ARRAY_SIZE(names) && (groups & GH_GROUP(group)) == 0)
            (void)json_array_append_new(list, json_string(names[group]));
        groups |= GH_GROUP(group);
    }
    return list;
}

static void link_holder(struct gh_request *request, const struct gh_credential *credential)
{
    enum gh_status status =
        gh_db_holder_link(request->server->db, credential->subject, request->id[0]);
    if (status == GH_OK)
        gh_answer_json(request, MHD_HTTP_OK,
                       json_pack("{s:s, s:s, s:o}", "kind", gh_kind_name(credential->kind),
                                 "issuer", credential->issuer, "facts", groups_of(credential)));
    else if (status == GH_ERR_EXISTS)
        gh_answer_error(request, MHD_HTTP_CONFLICT, "conflict",
                        "the holder of this certificate is another person's already");
    else
        gh_answer_status(request, status);
}

void gh_api_certificate_put(struct gh_request *request)
{
    json_t *codes = NULL;
    struct gh_bytes texts[GH_PARTS_MAX];
    size_t count;
    struct gh_credential credential;
    const struct gh_member members[] = {
        {"codes", GH_MEMBER_ARRAY, false, 0, GH_PARTS_MAX, &codes},
    };
    if (!gh_request_members(request, members, GH_ARRAY_SIZE(members)) ||
        !take_texts(request, codes, texts, &count))
        return;
    enum gh_status status = gh_db_person_read(request->server->db, request->id[0], NULL, NULL);
    if (status == GH_OK)
        status = read_certificate(request->server, texts, count, &credential);
    if (status != GH_OK) {
        gh_answer_status(request, status);
    } else if (credential.reason != GH_REASON_OK) {
        refuse(request, credential.reason);
    } else {
        link_holder(request, &credential);
    }
}

void gh_api_certificate_drop(struct gh_request *request)
{
    enum gh_status status = gh_db_holders_unlink(request->server->db, request->id[0]);
    if (status == GH_OK)
        gh_answer_empty(request, MHD_HTTP_NO_CONTENT);
    else
        gh_answer_status(request, status);
}
