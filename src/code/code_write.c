/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "code/base32.h"
#include "code/base45.h"
#include "code/parts.h"

enum gh_status gh_code_sign(const struct gh_private_key *key, const struct gh_code_claims *claims,
                            struct gh_bytes beginning, struct gh_writer *message)
{
    uint8_t payload[GH_CLAIMS_MAX_BYTES];
    struct gh_writer writer = gh_writer_over(payload, sizeof(payload));
    enum gh_status status = gh_code_claims_write(&writer, claims);
    if (status != GH_OK)
        return status;
    struct gh_bytes bytes = {.data = payload, .size = writer.size};
    return gh_cose_write(message, key, bytes, beginning);
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

/* What stands before the message. A QR code holds upper-case letters, digits and a few signs in 5.5
 * bits each: so all is upper case. */
static enum gh_status put_beginning(struct gh_writer *writer, const struct gh_claims *claims)
{
    if (claims->kind != GH_KIND_HOUSING) {
        gh_writer_put_text(writer, GH_CODE_PREFIX);
        return GH_OK;
    }
    struct gh_bytes name = {.data = (const uint8_t *)claims->host,
                            .size = claims->host != NULL ? strlen(claims->host) : 0};
    if (!gh_code_host_valid(name))
        return GH_ERR_INVALID;
    gh_writer_put_text(writer, GH_CODE_LINK_SCHEME);
    put_host(writer, name);
    gh_writer_put_text(writer, GH_CODE_LINK_PATH);
    return GH_OK;
}

static enum gh_status signed_claims(const struct gh_claims *claims, struct gh_code_claims *out)
{
    if (claims->issuer == NULL || claims->kind == GH_KIND_ENROLMENT)
        return GH_ERR_INVALID;
    *out = (struct gh_code_claims){
        .kind = claims->kind,
        .id = claims->id,
        .about = claims->about,
        .colour = claims->colour,
        .issued_at_s = claims->issued_at_s,
        .expires_at_s = claims->expires_at_s,
        .paper = claims->kind == GH_KIND_HEALTH && claims->holder == NULL,
        .bound = claims->holder != NULL,
        .issuer = {.data = (const uint8_t *)claims->issuer, .size = strlen(claims->issuer)},
    };
    return claims->holder != NULL ? gh_cnf_of(claims->holder, &out->cnf) : GH_OK;
}

/* The text of a message behind its beginning. */
static void put_body(struct gh_writer *text, enum gh_kind kind, struct gh_bytes message)
{
    if (kind == GH_KIND_HOUSING)
        gh_base32_put(text, message);
    else
        gh_base45_put(text, message);
}

enum gh_status gh_code_write(const struct gh_private_key *key, const struct gh_claims *claims,
                             char *out, size_t out_bytes)
{
    uint8_t buffer[GH_CODE_OWN_MAX_BYTES];
    char begun[GH_CODE_OWN_MAX_BYTES];
    struct gh_writer message = gh_writer_over(buffer, sizeof(buffer));
    struct gh_writer beginning = gh_writer_over(begun, sizeof(begun));
    struct gh_code_claims signing;
    if (out_bytes > 0)
        out[0] = '\0';
    enum gh_status status = signed_claims(claims, &signing);
    if (status == GH_OK)
        status = put_beginning(&beginning, claims);
    if (status != GH_OK || beginning.overflow)
        return status != GH_OK ? status : GH_ERR_TOOBIG;
    struct gh_bytes front = {.data = beginning.data, .size = beginning.size};
    bool link = claims->kind == GH_KIND_HOUSING; /* only there could it be altered */
    status = gh_code_sign(key, &signing, link ? front : (struct gh_bytes){.size = 0}, &message);
    if (status != GH_OK)
        return status;
    struct gh_writer text = gh_code_text_over(out, out_bytes);
    gh_writer_put(&text, front.data, front.size);
    put_body(&text, claims->kind, (struct gh_bytes){.data = buffer, .size = message.size});
    return gh_code_text_finish(&text, out, out_bytes);
}
