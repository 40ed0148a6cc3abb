/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "code/base45.h"
#include "code/parts.h"

/* --- reading --------------------------------------------------------------------------------- */

enum gh_reason gh_enrolment_authenticate(const struct gh_code_parts *parts)
{
    GH_CLEANUP_PUBLIC_KEY struct gh_public_key *key = NULL;
    if (gh_public_key_from_raw(GH_KEY_ED25519, parts->claims.list_key, &key) != GH_OK)
        return GH_REASON_MALFORMED;
    uint8_t key_id[GH_KEY_ID_BYTES];
    gh_public_key_id(key, key_id);
    if (memcmp(key_id, parts->cose.key_id.data, sizeof(key_id)) != 0)
        return GH_REASON_WRONG_KEY;
    return gh_code_signature_reason(gh_cose_verify(&parts->cose, key, parts->beginning));
}

static void fill(const struct gh_code_claims *claims, struct gh_enrolment *out)
{
    out->gate = claims->about;
    memcpy(out->url, claims->issuer.data, claims->issuer.size); /* checked: leaves room for its 0 */
    memcpy(out->token, claims->token.data, sizeof(out->token));
    memcpy(out->list_key, claims->list_key.data, sizeof(out->list_key));
    out->has_pin = claims->pin.size > 0;
    if (out->has_pin)
        memcpy(out->pin, claims->pin.data, sizeof(out->pin));
    out->issued_at_s = claims->issued_at_s;
    out->expires_at_s = claims->expires_at_s;
}

static enum gh_reason read_parts(struct gh_bytes text, int64_t now_s, struct gh_code_parts *parts,
                                 struct gh_enrolment *out)
{
    struct gh_bytes body;
    enum gh_reason reason = gh_code_parse(text, &body, parts);
    if (parts->kind != GH_KIND_ENROLMENT)
        return GH_REASON_NOT_A_CODE;
    if (reason == GH_REASON_OK)
        reason = gh_enrolment_authenticate(parts);
    if (reason == GH_REASON_OK)
        reason = gh_code_check_expiry(&parts->claims, now_s);
    if (reason == GH_REASON_OK)
        fill(&parts->claims, out);
    return reason;
}

enum gh_reason gh_enrolment_read(struct gh_bytes text, int64_t now_s, struct gh_enrolment *out)
{
    memset(out, 0, sizeof(*out));
    struct gh_code_parts parts;
    enum gh_reason reason = read_parts(text, now_s, &parts, out);
    gh_wipe(&parts, sizeof(parts)); /* the token is a secret */
    return reason;
}

/* --- writing --------------------------------------------------------------------------------- */

/* Whether the code would be signed by the very key that it carries. */
static enum gh_status check_key(const struct gh_private_key *key,
                                const struct gh_enrolment *enrolment)
{
    if (gh_private_key_type(key) != GH_KEY_ED25519)
        return GH_ERR_INVALID;
    GH_CLEANUP_PUBLIC_KEY struct gh_public_key *public_key = NULL;
    enum gh_status status = gh_private_key_public(key, &public_key);
    if (status != GH_OK)
        return status;
    uint8_t raw[GH_PUBLIC_KEY_MAX_BYTES];
    size_t size = gh_public_key_raw(public_key, raw);
    bool same = size == sizeof(enrolment->list_key) &&
                memcmp(raw, enrolment->list_key, sizeof(enrolment->list_key)) == 0;
    return same ? GH_OK : GH_ERR_INVALID;
}

static struct gh_code_claims claims_of(const struct gh_enrolment *enrolment)
{
    return (struct gh_code_claims){
        .kind = GH_KIND_ENROLMENT,
        .about = enrolment->gate,
        .issued_at_s = enrolment->issued_at_s,
        .expires_at_s = enrolment->expires_at_s,
        .issuer = {.data = (const uint8_t *)enrolment->url,
                   .size = strnlen(enrolment->url, sizeof(enrolment->url))},
        .token = {.data = enrolment->token, .size = sizeof(enrolment->token)},
        .list_key = {.data = enrolment->list_key, .size = sizeof(enrolment->list_key)},
        .pin = {.data = enrolment->pin, .size = enrolment->has_pin ? sizeof(enrolment->pin) : 0},
    };
}

enum gh_status gh_enrolment_write(const struct gh_private_key *list_key,
                                  const struct gh_enrolment *enrolment, char *out, size_t out_bytes)
{
    if (out_bytes > 0)
        out[0] = '\0';
    enum gh_status status = check_key(list_key, enrolment);
    if (status != GH_OK)
        return status;
    struct gh_code_claims claims = claims_of(enrolment);
    uint8_t buffer[GH_CODE_OWN_MAX_BYTES];
    struct gh_writer message = gh_writer_over(buffer, sizeof(buffer));
    status = gh_code_sign(list_key, &claims, (struct gh_bytes){.size = 0}, &message);
    if (status == GH_OK) {
        struct gh_writer text = gh_code_text_over(out, out_bytes);
        gh_writer_put_text(&text, GH_CODE_ENROLMENT_PREFIX);
        gh_base45_put(&text, (struct gh_bytes){.data = buffer, .size = message.size});
        status = gh_code_text_finish(&text, out, out_bytes);
    }
    gh_wipe(buffer, sizeof(buffer));
    return status;
}
