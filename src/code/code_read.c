/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "code/parts.h"

/* --- identity -------------------------------------------------------------------------------- */

/* Of a text that is no message: hashed twice, so that no text can be made whose hash is that of an
 * authentic code's identity. */
static void identify_text(struct gh_bytes text, uint8_t identity[GH_IDENTITY_BYTES])
{
    uint8_t buffer[4 + GH_SHA256_BYTES] = {'t', 'e', 'x', 't'};
    gh_sha256(text, buffer + 4);
    gh_code_hash((struct gh_bytes){buffer, sizeof(buffer)}, identity);
}

/* An enrolment code has no cti. */
static void identify_authentic(const struct gh_code_parts *parts,
                               uint8_t identity[GH_IDENTITY_BYTES])
{
    uint8_t number[GH_SHA256_BYTES];
    bool has_id = parts->kind != GH_KIND_ENROLMENT;
    if (has_id)
        gh_put_be64(number, parts->claims.id);
    else
        gh_sha256(parts->cose.payload, number);
    gh_code_identify(parts->kind, parts->cose.key_id.data,
                     (struct gh_bytes){number, has_id ? sizeof(gh_id) : sizeof(number)}, identity);
}

/* --- whether to believe it ------------------------------------------------------------------- */

static enum gh_reason authenticate(const struct gh_trust *trust, const struct gh_code_parts *parts)
{
    if (parts->kind == GH_KIND_ENROLMENT)
        return gh_enrolment_authenticate(parts);
    struct gh_trusted_key found;
    const struct gh_code_claims *claims = &parts->claims;
    if (!gh_trust_find(trust, claims->kind, parts->cose.key_id.data, 0, &found))
        return GH_REASON_FOREIGN;
    enum gh_reason reason =
        gh_issuer_key_allows(found.issuer, claims->kind, 0, claims->issued_at_s, claims->issuer);
    if (reason == GH_REASON_OK)
        reason =
            gh_code_signature_reason(gh_cose_verify(&parts->cose, found.key, parts->beginning));
    if (reason == GH_REASON_OK && parts->presentation.is_one)
        reason = gh_presentation_authenticate(parts);
    return reason;
}

enum gh_reason gh_code_check_expiry(const struct gh_code_claims *claims, int64_t now_s)
{
    return now_s >= claims->expires_at_s && claims->expires_at_s != INT64_MAX ? GH_REASON_EXPIRED
                                                                              : GH_REASON_OK;
}

/* at_s is within 2^53, so that nothing overflows. */
static bool is_stale(const struct gh_presentation *presentation, int64_t now_s)
{
    return now_s < presentation->at_s - GH_PRESENTATION_AGE_S ||
           now_s > presentation->at_s + GH_PRESENTATION_AGE_S;
}

/* What is wrong with an authentic code at this time. */
static enum gh_reason check(const struct gh_code_parts *parts, int64_t now_s)
{
    const struct gh_code_claims *claims = &parts->claims;
    /* Bound to the key of a phone, which has proved nothing: as good as a screenshot. */
    if (claims->bound && !parts->presentation.is_one)
        return GH_REASON_UNPROVEN;
    /* A gate that enrols may not know the time yet; issued_at_s is within 2^53. */
    if (claims->kind != GH_KIND_ENROLMENT && claims->issued_at_s - GH_CODE_SKEW_S > now_s)
        return GH_REASON_NOT_YET_VALID;
    enum gh_reason reason = gh_code_check_expiry(claims, now_s);
    if (reason == GH_REASON_OK && parts->presentation.is_one &&
        is_stale(&parts->presentation, now_s))
        reason = GH_REASON_STALE;
    return reason;
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

static void fill_form(const struct gh_code_parts *parts, struct gh_credential *out)
{
    if (parts->claims.paper)
        out->form = GH_FORM_PAPER;
    if (!parts->presentation.is_one)
        return;
    out->form = GH_FORM_PHONE;
    out->presented_at_s = parts->presentation.at_s;
    gh_presentation_identify(&parts->presentation, out->presentation);
}

static void read_own(const struct gh_trust *trust, struct gh_bytes text, int64_t now_s,
                     struct gh_code_parts *parts, struct gh_credential *out)
{
    if (parts->message.size > 0)
        gh_code_hash(parts->message, out->identity);
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
    fill_form(parts, out);
    out->reason = check(parts, now_s);
}

/* Several texts are chunks of a SMART Health Card, each of them, or nothing at all. */
static enum gh_reason parse_all(const struct gh_bytes *texts, size_t count, struct gh_bytes *body,
                                struct gh_code_parts *parts)
{
    struct gh_bytes ignored;
    for (size_t i = 1; i < count && i < GH_PARTS_MAX; i++)
        if (gh_code_parse(texts[i], &ignored, parts) != GH_REASON_OK || parts->kind != GH_KIND_SHC)
            return GH_REASON_BAD_PARTS;
    enum gh_reason reason = gh_code_parse(texts[0], body, parts);
    bool whole = count == 1 || parts->kind == GH_KIND_SHC;
    return whole && count <= GH_PARTS_MAX ? reason : GH_REASON_BAD_PARTS;
}

void gh_code_read_parts(const struct gh_trust *trust, const struct gh_bytes *texts, size_t count,
                        int64_t now_s, struct gh_credential *out)
{
    memset(out, 0, sizeof(*out)); /* padding too: credentials are copied whole */
    struct gh_code_parts parts;
    struct gh_bytes body;
    out->reason = parse_all(texts, count, &body, &parts);
    out->kind = parts.kind;
    if (count == 1 && !gh_kind_is_certificate(out->kind)) {
        read_own(trust, texts[0], now_s, &parts, out);
    } else {
        identify_text(texts[0], out->identity);
        if (out->reason == GH_REASON_OK && out->kind == GH_KIND_SHC)
            gh_shc_read(trust, texts, count, now_s, out);
        else if (out->reason == GH_REASON_OK)
            gh_hcert_read(trust, body, now_s, out);
    }
    if (out->kind == GH_KIND_ENROLMENT)
        gh_wipe(&parts, sizeof(parts)); /* the token is a secret */
}

void gh_code_read(const struct gh_trust *trust, struct gh_bytes text, int64_t now_s,
                  struct gh_credential *out)
{
    gh_code_read_parts(trust, &text, 1, now_s, out);
}
