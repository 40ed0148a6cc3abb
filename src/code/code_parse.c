/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "code/base32.h"
#include "code/base45.h"
#include "code/parts.h"

enum envelope {
    ENVELOPE_NONE,
    ENVELOPE_CODE,         /* GH1: */
    ENVELOPE_PRESENTATION, /* GHP1: */
    ENVELOPE_ENROLMENT,    /* GHE1: */
    ENVELOPE_LINK,         /* HTTPS://HOST/H/ */
    ENVELOPE_LINK_ODD,     /* the same in letters that neither a writer nor a browser gives it */
    ENVELOPE_HCERT,
    ENVELOPE_SHC,
};

/* --- what kind of text ----------------------------------------------------------------------- */

static bool is_lower(uint8_t c)
{
    return c >= 'a' && c <= 'z';
}

static uint8_t upper(uint8_t c)
{
    return is_lower(c) ? (uint8_t)(c - 'a' + 'A') : c;
}

/* Cut the prefix off if it is there. */
static bool cut(struct gh_bytes *text, const char *prefix)
{
    size_t size = strlen(prefix);
    if (text->size < size || memcmp(text->data, prefix, size) != 0)
        return false;
    *text = (struct gh_bytes){.data = text->data + size, .size = text->size - size};
    return true;
}

/* The same in any case of letters; the prefix is given in upper case. */
static bool cut_any_case(struct gh_bytes *text, const char *prefix)
{
    size_t size = strlen(prefix);
    if (text->size < size)
        return false;
    for (size_t i = 0; i < size; i++)
        if (upper(text->data[i]) != (uint8_t)prefix[i])
            return false;
    *text = (struct gh_bytes){.data = text->data + size, .size = text->size - size};
    return true;
}

static bool is_host_byte(uint8_t c)
{
    uint8_t up = upper(c);
    return (up >= 'A' && up <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '-' || c == ':';
}

bool gh_code_host_valid(struct gh_bytes host)
{
    for (size_t i = 0; i < host.size; i++)
        if (!is_host_byte(host.data[i]))
            return false;
    return host.size > 0;
}

/* Scheme and host all in upper case, as they are written, or all in lower case, as a browser spells
 * them: nothing between, so that no letter can be altered. */
static bool is_one_case(struct gh_bytes text)
{
    bool any_lower = false, any_upper = false;
    for (size_t i = 0; i < text.size; i++) {
        any_lower |= is_lower(text.data[i]);
        any_upper |= text.data[i] >= 'A' && text.data[i] <= 'Z';
    }
    return any_lower != any_upper;
}

static enum envelope cut_link(struct gh_bytes *text)
{
    struct gh_bytes rest = *text;
    if (!cut_any_case(&rest, GH_CODE_LINK_SCHEME))
        return ENVELOPE_NONE;
    size_t host = 0;
    while (host < rest.size && is_host_byte(rest.data[host]))
        host++;
    rest = (struct gh_bytes){.data = rest.data + host, .size = rest.size - host};
    struct gh_bytes front = {.data = text->data, .size = text->size - rest.size}, path = rest;
    if (host == 0 || !cut_any_case(&rest, GH_CODE_LINK_PATH))
        return ENVELOPE_NONE;
    *text = rest;
    return is_one_case(front) && cut(&path, GH_CODE_LINK_PATH) ? ENVELOPE_LINK : ENVELOPE_LINK_ODD;
}

/* Cut what tells the envelope off; what is left is its body. */
static enum envelope cut_envelope(struct gh_bytes *text)
{
    if (cut(text, GH_CODE_PREFIX))
        return ENVELOPE_CODE;
    if (cut(text, GH_CODE_PRESENTATION_PREFIX))
        return ENVELOPE_PRESENTATION;
    if (cut(text, GH_CODE_ENROLMENT_PREFIX))
        return ENVELOPE_ENROLMENT;
    if (cut(text, "HC1:"))
        return ENVELOPE_HCERT;
    if (cut(text, "shc:/"))
        return ENVELOPE_SHC;
    return cut_link(text);
}

/* The kind that an envelope stands for before its inside was read. */
static enum gh_kind kind_of(enum envelope envelope)
{
    switch (envelope) {
    case ENVELOPE_PRESENTATION:
        return GH_KIND_HEALTH;
    case ENVELOPE_ENROLMENT:
        return GH_KIND_ENROLMENT;
    case ENVELOPE_LINK:
    case ENVELOPE_LINK_ODD:
        return GH_KIND_HOUSING;
    case ENVELOPE_HCERT:
        return GH_KIND_HCERT;
    case ENVELOPE_SHC:
        return GH_KIND_SHC;
    case ENVELOPE_NONE:
    case ENVELOPE_CODE: /* health, visitor or staff: not known yet */
        break;
    }
    return GH_KIND_UNKNOWN;
}

static bool kind_fits(enum envelope envelope, enum gh_kind kind)
{
    if (envelope == ENVELOPE_CODE)
        return kind == GH_KIND_HEALTH || kind == GH_KIND_VISITOR || kind == GH_KIND_STAFF;
    return kind == kind_of(envelope);
}

/* --- what is inside -------------------------------------------------------------------------- */

/* COSE says UNSUPPORTED for an alg that is no number. */
static enum gh_reason cose_reason(enum gh_status status)
{
    return status == GH_ERR_UNSUPPORTED ? GH_REASON_BAD_ALGORITHM : gh_code_form_reason(status);
}

/* What every one of our messages needs, whoever signed it. */
static enum gh_reason check_envelope(const struct gh_cose_sign1 *cose)
{
    if (!cose->unprotected_empty)
        return GH_REASON_MALFORMED;
    if (cose->algorithm != GH_KEY_ED25519 && cose->algorithm != GH_KEY_P256)
        return GH_REASON_BAD_ALGORITHM;
    return cose->signature.size == GH_SIGNATURE_BYTES ? GH_REASON_OK : GH_REASON_SIGNATURE_FORM;
}

static enum gh_reason check_issued(struct gh_code_parts *parts)
{
    enum gh_reason reason = check_envelope(&parts->cose);
    if (reason == GH_REASON_OK && parts->cose.key_id.size != GH_KEY_ID_BYTES)
        reason = GH_REASON_KEY_ID_MISSING;
    if (reason == GH_REASON_OK)
        reason = gh_code_claims_read(parts->cose.payload, &parts->claims);
    return reason;
}

enum gh_reason gh_code_parse_issued(struct gh_bytes message, struct gh_code_parts *parts)
{
    enum gh_reason reason = cose_reason(gh_cose_parse(message, false, &parts->cose));
    return reason == GH_REASON_OK ? check_issued(parts) : reason;
}

static enum gh_reason parse_message(bool presented, struct gh_bytes message,
                                    struct gh_code_parts *parts)
{
    struct gh_cose_sign1 *cose = presented ? &parts->presentation.cose : &parts->cose;
    enum gh_status status = gh_cose_parse(message, false, cose);
    if (status != GH_OK)
        return cose_reason(status);
    parts->message = message;
    if (!presented)
        return check_issued(parts);
    enum gh_reason reason = check_envelope(cose);
    return reason == GH_REASON_OK ? gh_presentation_parse(parts) : reason;
}

/* The beginning of a link as it is signed. */
static void keep_beginning(struct gh_bytes text, struct gh_bytes body, struct gh_code_parts *parts)
{
    size_t size = text.size - body.size;
    for (size_t i = 0; i < size; i++)
        parts->link[i] = upper(text.data[i]);
    parts->beginning = (struct gh_bytes){.data = parts->link, .size = size};
}

static enum gh_reason parse_body(enum envelope envelope, struct gh_bytes body,
                                 struct gh_code_parts *parts)
{
    struct gh_writer writer = gh_writer_over(parts->decoded, sizeof(parts->decoded));
    enum gh_status status = envelope == ENVELOPE_LINK ? gh_base32_decode(body, &writer)
                                                      : gh_base45_decode(body, &writer);
    if (status != GH_OK)
        return GH_REASON_BAD_TEXT;
    struct gh_bytes message = {.data = writer.data, .size = writer.size};
    enum gh_reason reason = parse_message(envelope == ENVELOPE_PRESENTATION, message, parts);
    if (reason != GH_REASON_OK)
        return reason;
    if (!kind_fits(envelope, parts->claims.kind))
        return GH_REASON_MALFORMED;
    parts->kind = parts->claims.kind;
    return GH_REASON_OK;
}

enum gh_reason gh_code_parse(struct gh_bytes text, struct gh_bytes *body,
                             struct gh_code_parts *parts)
{
    *body = text;
    enum envelope envelope = cut_envelope(body);
    parts->kind = kind_of(envelope);
    parts->message = (struct gh_bytes){.size = 0};
    parts->beginning = (struct gh_bytes){.size = 0};
    parts->presentation = (struct gh_presentation){.is_one = false};
    bool foreign = envelope == ENVELOPE_HCERT || envelope == ENVELOPE_SHC;
    bool own = envelope != ENVELOPE_NONE && !foreign;
    if (text.size > (own ? GH_CODE_OWN_MAX_BYTES : GH_CODE_TEXT_MAX_BYTES))
        return GH_REASON_TOO_LONG;
    if (envelope == ENVELOPE_NONE)
        return GH_REASON_NOT_A_CODE;
    if (envelope == ENVELOPE_LINK_ODD)
        return GH_REASON_MALFORMED;
    if (envelope == ENVELOPE_LINK)
        keep_beginning(text, *body, parts);
    return own ? parse_body(envelope, *body, parts) : GH_REASON_OK;
}
