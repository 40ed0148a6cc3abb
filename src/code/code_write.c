/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "code/base32.h"
#include "code/base45.h"
#include "code/parts.h"

enum gh_status gh_code_sign(const struct gh_private_key *key, const struct gh_code_claims *claims,
                            struct gh_writer *message)
{
    uint8_t payload[GH_CLAIMS_MAX_BYTES];
    struct gh_writer writer = gh_writer_over(payload, sizeof(payload));
    enum gh_status status = gh_code_claims_write(&writer, claims);
    if (status != GH_OK)
        return status;
    struct gh_bytes bytes = {.data = payload, .size = writer.size};
    return gh_cose_write(message, key, bytes, (struct gh_bytes){.size = 0});
}

struct gh_writer gh_code_text_over(char *out, size_t out_bytes)
{
    return gh_writer_over(out, out_bytes > 0 ? out_bytes - 1 : 0);
}

enum gh_status gh_code_text_finish(const struct gh_writer *writer, char *out, size_t out_bytes)
{
    bool fits = out_bytes > 0 && !writer->overflow && writer->size <= GH_CODE_OWN_MAX_BYTES;
    if (out_bytes > 0)
        out[fits ? writer->size : 0] = '\0';
    return fits ? GH_OK : GH_ERR_TOOBIG;
}

static void put_host(struct gh_writer *writer, struct gh_bytes host)
{
    for (size_t i = 0; i < host.size; i++) {
        uint8_t c = host.data[i];
        gh_writer_put_byte(writer, c >= 'a' && c <= 'z' ? (uint8_t)(c - 'a' + 'A') : c);
    }
}

/* A QR code holds upper-case letters, digits and a few signs in 5.5 bits each: so all is upper
 * case. */
static enum gh_status put_link(struct gh_writer *writer, const char *host, struct gh_bytes message)
{
    struct gh_bytes name = {.data = (const uint8_t *)host, .size = host ? strlen(host) : 0};
    if (!gh_code_host_valid(name))
        return GH_ERR_INVALID;
    gh_writer_put_text(writer, GH_CODE_LINK_SCHEME);
    put_host(writer, name);
    gh_writer_put_text(writer, GH_CODE_LINK_PATH);
    gh_base32_put(writer, message);
    return GH_OK;
}

enum gh_status gh_code_write(const struct gh_private_key *key, const struct gh_claims *claims,
                             char *out, size_t out_bytes)
{
    struct gh_writer text = gh_code_text_over(out, out_bytes);
    if (out_bytes > 0)
        out[0] = '\0';
    if (claims->issuer == NULL || claims->kind == GH_KIND_ENROLMENT)
        return GH_ERR_INVALID;
    struct gh_code_claims signing = {
        .kind = claims->kind,
        .id = claims->id,
        .about = claims->about,
        .colour = claims->colour,
        .issued_at_s = claims->issued_at_s,
        .expires_at_s = claims->expires_at_s,
        .issuer = {.data = (const uint8_t *)claims->issuer, .size = strlen(claims->issuer)},
    };
    uint8_t buffer[GH_CODE_OWN_MAX_BYTES];
    struct gh_writer message = gh_writer_over(buffer, sizeof(buffer));
    enum gh_status status = gh_code_sign(key, &signing, &message);
    if (status != GH_OK)
        return status;
    struct gh_bytes bytes = {.data = buffer, .size = message.size};
    if (claims->kind == GH_KIND_HOUSING) {
        status = put_link(&text, claims->host, bytes);
        if (status != GH_OK)
            return status;
    } else {
        gh_writer_put_text(&text, GH_CODE_PREFIX);
        gh_base45_put(&text, bytes);
    }
    return gh_code_text_finish(&text, out, out_bytes);
}
