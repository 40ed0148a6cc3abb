/* SPDX-License-Identifier: Apache-2.0 */
/* The JWS of a SMART Health Card: compact, ES256 over a payload that was deflated. */
#include <jansson.h>
#include <string.h>

#include "code/shc.h"

_Static_assert(GH_SHC_PACKED_MAX_BYTES * 4 == GH_SHC_JWS_MAX_BYTES * 3, "what fits must have room");

struct parts {
    struct gh_bytes header, payload, signature; /* base64url */
};

static bool cut_part(struct gh_bytes *rest, struct gh_bytes *part)
{
    const uint8_t *dot = rest->size > 0 ? memchr(rest->data, '.', rest->size) : NULL;
    if (dot == NULL)
        return false;
    *part = (struct gh_bytes){.data = rest->data, .size = (size_t)(dot - rest->data)};
    *rest = (struct gh_bytes){.data = dot + 1, .size = rest->size - part->size - 1};
    return true;
}

/* More than two dots are left in the signature, where they are no base64url. */
static bool split(struct gh_bytes text, struct parts *parts)
{
    parts->signature = text;
    return cut_part(&parts->signature, &parts->header) &&
           cut_part(&parts->signature, &parts->payload);
}

static enum gh_status decode(struct gh_bytes text, void *out, size_t *size)
{
    return gh_base64url_decode((const char *)text.data, text.size, out, size);
}

/* --- the header ------------------------------------------------------------------------------ */

/* A key id that is no thumbprint is nobody's. */
static enum gh_reason read_kid(const char *kid, struct gh_shc_jws *out)
{
    size_t size = sizeof(out->thumbprint);
    if (kid == NULL)
        return GH_REASON_KEY_ID_MISSING;
    if (strlen(kid) != sizeof(out->kid) - 1 ||
        gh_base64url_decode(kid, sizeof(out->kid) - 1, out->thumbprint, &size) != GH_OK)
        return GH_REASON_FOREIGN;
    memcpy(out->kid, kid, sizeof(out->kid));
    return GH_REASON_OK;
}

static enum gh_reason read_members(const json_t *header, struct gh_shc_jws *out)
{
    const char *algorithm = gh_shc_json_text(header, "alg");
    const char *compression = gh_shc_json_text(header, "zip");
    if (json_object_get(header, "crit") != NULL) /* no extension is known here (RFC 7515, 4.1.11) */
        return GH_REASON_UNSUPPORTED;
    if (algorithm == NULL || strcmp(algorithm, "ES256") != 0)
        return GH_REASON_BAD_ALGORITHM;
    if (compression == NULL || strcmp(compression, "DEF") != 0)
        return GH_REASON_BAD_COMPRESSION;
    return read_kid(gh_shc_json_text(header, "kid"), out);
}

static enum gh_reason read_header(struct gh_bytes text, struct gh_shc_jws *out)
{
    uint8_t json[GH_SHC_HEADER_MAX_BYTES];
    size_t size = sizeof(json);
    enum gh_status status = decode(text, json, &size);
    if (status != GH_OK)
        return status == GH_ERR_TOOBIG ? GH_REASON_TOO_LARGE : GH_REASON_BAD_TEXT;
    json_t *header = NULL;
    enum gh_reason reason = gh_shc_json_read((struct gh_bytes){json, size}, &header);
    if (reason == GH_REASON_OK)
        reason = read_members(header, out);
    gh_shc_json_free(header);
    return reason;
}

/* --- the whole ------------------------------------------------------------------------------- */

static enum gh_reason read_signature(struct gh_bytes text, struct gh_shc_jws *out)
{
    uint8_t
        any[GH_SHC_PACKED_MAX_BYTES]; /* so that what is no base64url is told from another length */
    size_t size = sizeof(any);
    if (decode(text, any, &size) != GH_OK)
        return GH_REASON_BAD_TEXT;
    if (size != sizeof(out->signature))
        return GH_REASON_SIGNATURE_FORM; /* in DER, for one */
    memcpy(out->signature, any, sizeof(out->signature));
    return GH_REASON_OK;
}

enum gh_reason gh_shc_jws_read(struct gh_bytes text, uint8_t packed[GH_SHC_PACKED_MAX_BYTES],
                               struct gh_shc_jws *out)
{
    *out = (struct gh_shc_jws){.kid = ""};
    struct parts parts;
    size_t size = GH_SHC_PACKED_MAX_BYTES;
    if (!split(text, &parts) || decode(parts.payload, packed, &size) != GH_OK)
        return GH_REASON_BAD_TEXT;
    out->packed = (struct gh_bytes){.data = packed, .size = size};
    out->signed_text =
        (struct gh_bytes){.data = text.data, .size = parts.header.size + 1 + parts.payload.size};
    enum gh_reason signature = read_signature(parts.signature, out);
    if (signature == GH_REASON_BAD_TEXT)
        return signature;
    enum gh_reason header = read_header(parts.header, out);
    return header == GH_REASON_OK ? signature : header;
}
