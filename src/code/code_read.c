/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "code/parts.h"

/* --- identity -------------------------------------------------------------------------------- */

static void put_identity(uint8_t identity[GH_IDENTITY_BYTES], const void *data, size_t size)
{
    uint8_t hash[GH_SHA256_BYTES];
    gh_sha256((struct gh_bytes){.data = data, .size = size}, hash);
    memcpy(identity, hash, GH_IDENTITY_BYTES);
}

/* Of a text that is no message: hashed twice, so that no text can be made whose hash is that of an
 * authentic code's identity. */
static void identify_text(struct gh_bytes text, uint8_t identity[GH_IDENTITY_BYTES])
{
    uint8_t buffer[4 + GH_SHA256_BYTES] = {'t', 'e', 'x', 't'};
    gh_sha256(text, buffer + 4);
    put_identity(identity, buffer, sizeof(buffer));
}

/* Of a code that is its issuer's word: what was signed, however it was spelled. */
static void identify_authentic(const struct gh_code_parts *parts,
                               uint8_t identity[GH_IDENTITY_BYTES])
{
    uint8_t buffer[3 + GH_KEY_ID_BYTES + GH_SHA256_BYTES];
    struct gh_writer writer = gh_writer_over(buffer, sizeof(buffer));
    gh_writer_put_text(&writer, "id");
    gh_writer_put_byte(&writer, (uint8_t)parts->kind);
    gh_writer_put(&writer, parts->cose.key_id.data, GH_KEY_ID_BYTES);
    uint8_t tail[GH_SHA256_BYTES];
    if (parts->kind == GH_KIND_ENROLMENT) { /* has no cti */
        gh_sha256(parts->cose.payload, tail);
        gh_writer_put(&writer, tail, sizeof(tail));
    } else {
        gh_put_be64(tail, parts->claims.id);
        gh_writer_put(&writer, tail, sizeof(gh_id));
    }
    put_identity(identity, buffer, writer.size);
}

/* --- whether to believe it ------------------------------------------------------------------- */

static enum gh_reason authenticate(const struct gh_trust *trust, const struct gh_code_parts *parts)
{
    if (parts->kind == GH_KIND_ENROLMENT)
        return gh_enrolment_authenticate(parts);
    struct gh_trusted_key found;
    if (!gh_trust_find(trust, parts->cose.key_id.data, &found))
        return GH_REASON_FOREIGN;
    const struct gh_code_claims *claims = &parts->claims;
    if (!gh_issuer_key_may_sign(found.issuer, claims->kind, claims->issued_at_s, claims->issuer))
        return GH_REASON_WRONG_KEY;
    struct gh_bytes no_aad = {.size = 0};
    /* No memory to verify with is "not verified" too. */
    if (gh_cose_verify(&parts->cose, found.key, no_aad) != GH_OK)
        return GH_REASON_FORGED;
    return GH_REASON_OK;
}

enum gh_reason gh_code_check_expiry(const struct gh_code_claims *claims, int64_t now_s)
{
    return now_s >= claims->expires_at_s && claims->expires_at_s != INT64_MAX ? GH_REASON_EXPIRED
                                                                              : GH_REASON_OK;
}

/* What is wrong with an authentic code at this time. */
static enum gh_reason check(const struct gh_code_claims *claims, int64_t now_s)
{
    /* Bound to the key of a phone, which has proved nothing: as good as a screenshot. */
    if (claims->bound)
        return GH_REASON_UNSUPPORTED;
    /* A gate that enrols may not know the time yet; issued_at_s is within +-2^53. */
    if (claims->kind != GH_KIND_ENROLMENT && claims->issued_at_s - GH_CODE_SKEW_S > now_s)
        return GH_REASON_NOT_YET_VALID;
    return gh_code_check_expiry(claims, now_s);
}

/* --- the credential -------------------------------------------------------------------------- */

static void fill_claims(const struct gh_code_claims *claims, struct gh_credential *out)
{
    out->id = claims->id;
    out->colour = claims->colour;
    out->issued_at_s = claims->issued_at_s;
    out->expires_at_s = claims->expires_at_s;
    if (claims->kind == GH_KIND_ENROLMENT)
        return; /* about a gate, from a URL: see gh_enrolment_read */
    if (claims->kind == GH_KIND_HOUSING)
        out->home = claims->about;
    else
        out->subject = claims->about;
    memcpy(out->issuer, claims->issuer.data, claims->issuer.size); /* checked: leaves room for 0 */
}

static void read_parts(const struct gh_trust *trust, struct gh_bytes text, int64_t now_s,
                       struct gh_code_parts *parts, struct gh_credential *out)
{
    out->reason = gh_code_parse(text, parts);
    out->kind = parts->kind;
    if (parts->message.size > 0)
        put_identity(out->identity, parts->message.data, parts->message.size);
    else
        identify_text(text, out->identity);
    if (out->reason != GH_REASON_OK)
        return;
    memcpy(out->key_id, parts->cose.key_id.data, GH_KEY_ID_BYTES);
    out->reason = authenticate(trust, parts);
    if (out->reason != GH_REASON_OK)
        return;
    out->authentic = true;
    identify_authentic(parts, out->identity);
    fill_claims(&parts->claims, out);
    out->reason = check(&parts->claims, now_s);
}

void gh_code_read(const struct gh_trust *trust, struct gh_bytes text, int64_t now_s,
                  struct gh_credential *out)
{
    memset(out, 0, sizeof(*out)); /* padding too: credentials are copied whole */
    struct gh_code_parts parts;
    read_parts(trust, text, now_s, &parts, out);
    if (out->kind == GH_KIND_ENROLMENT)
        gh_wipe(&parts, sizeof(parts)); /* the token is a secret */
}
