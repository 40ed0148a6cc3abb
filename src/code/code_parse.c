/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "code/base32.h"
#include "code/base45.h"
#include "code/parts.h"

enum envelope {
    ENVELOPE_NONE,
    ENVELOPE_CODE,      /* GH1: */
    ENVELOPE_ENROLMENT, /* GHE1: */
    ENVELOPE_LINK,      /* HTTPS://HOST/H/ */
    ENVELOPE_HCERT,
    ENVELOPE_SHC,
};

/* --- what kind of text ----------------------------------------------------------------------- */

static uint8_t upper(uint8_t c)
{
    return c >= 'a' && c <= 'z' ? (uint8_t)(c - 'a' + 'A') : c;
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

static bool cut_link(struct gh_bytes *text)
{
    struct gh_bytes rest = *text;
    if (!cut_any_case(&rest, GH_CODE_LINK_SCHEME))
        return false;
    size_t host = 0;
    while (host < rest.size && is_host_byte(rest.data[host]))
        host++;
    rest = (struct gh_bytes){.data = rest.data + host, .size = rest.size - host};
    if (host == 0 || !cut_any_case(&rest, GH_CODE_LINK_PATH))
        return false;
    *text = rest;
    return true;
}

/* Cut what tells the envelope off; what is left is its body. */
static enum envelope cut_envelope(struct gh_bytes *text)
{
    if (cut(text, GH_CODE_PREFIX))
        return ENVELOPE_CODE;
    if (cut(text, GH_CODE_ENROLMENT_PREFIX))
        return ENVELOPE_ENROLMENT;
    if (cut_link(text))
        return ENVELOPE_LINK;
    if (cut(text, "HC1:"))
        return ENVELOPE_HCERT;
    if (cut_any_case(text, "SHC:/"))
        return ENVELOPE_SHC;
    return ENVELOPE_NONE;
}

/* The kind that an envelope stands for before its inside was read. */
static enum gh_kind kind_of(enum envelope envelope)
{
    switch (envelope) {
    case ENVELOPE_ENROLMENT:
        return GH_KIND_ENROLMENT;
    case ENVELOPE_LINK:
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

static enum gh_status parse_body(enum envelope envelope, struct gh_bytes body,
                                 struct gh_code_parts *parts)
{
    struct gh_writer writer = gh_writer_over(parts->decoded, sizeof(parts->decoded));
    enum gh_status status = envelope == ENVELOPE_LINK ? gh_base32_decode(body, &writer)
                                                      : gh_base45_decode(body, &writer);
    if (status != GH_OK)
        return status;
    struct gh_bytes message = {.data = writer.data, .size = writer.size};
    status = gh_cose_parse(message, &parts->cose);
    if (status != GH_OK)
        return status;
    parts->message = message;
    if (!parts->cose.headers_protected || parts->cose.key_id.size != GH_KEY_ID_BYTES ||
        parts->cose.signature.size != GH_SIGNATURE_BYTES)
        return GH_ERR_INVALID;
    status = gh_code_claims_read(parts->cose.payload, &parts->claims);
    if (status != GH_OK)
        return status;
    if (!kind_fits(envelope, parts->claims.kind))
        return GH_ERR_INVALID;
    parts->kind = parts->claims.kind;
    return GH_OK;
}

enum gh_reason gh_code_parse(struct gh_bytes text, struct gh_code_parts *parts)
{
    struct gh_bytes body = text;
    enum envelope envelope = cut_envelope(&body);
    parts->kind = kind_of(envelope);
    parts->message = (struct gh_bytes){.size = 0};
    bool own =
        envelope == ENVELOPE_CODE || envelope == ENVELOPE_ENROLMENT || envelope == ENVELOPE_LINK;
    if (text.size > (own ? GH_CODE_OWN_MAX_BYTES : GH_CODE_TEXT_MAX_BYTES))
        return GH_REASON_TOO_LONG;
    if (envelope == ENVELOPE_NONE)
        return GH_REASON_NOT_A_CODE;
    if (!own)
        return GH_REASON_UNSUPPORTED;
    return parse_body(envelope, body, parts) == GH_OK ? GH_REASON_OK : GH_REASON_MALFORMED;
}
