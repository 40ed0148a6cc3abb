/* SPDX-License-Identifier: Apache-2.0 */
/* A phone's presentation of its health code: the phone signs the moment, and the code itself stands
 * in the protected header, so that one signature is over all of it. */
#include <string.h>

#include "code/base45.h"
#include "code/cbor.h"
#include "code/parts.h"
#include "gatehouse/file.h"

#define LABEL_ALG 1
#define LABEL_KCWT 13
#define TAG_SIGN1_BYTE 0xd2 /* the one spelling of tag 18 here */
#define PAYLOAD_BYTES 24    /* two keys, a time and an identifier are 20 at most */

static const struct gh_bytes no_aad = {.size = 0};

/* --- reading --------------------------------------------------------------------------------- */

/* Exactly {6: iat, 7: cti}, in this order. */
static enum gh_reason read_payload(struct gh_presentation *presentation)
{
    struct gh_cbor_reader reader = gh_cbor_reader_over(presentation->cose.payload);
    struct gh_cbor_keys seen = {.count = 0};
    if (gh_cbor_map(&reader) != 2 || gh_cbor_map_key(&reader, &seen).number != GH_CLAIM_IAT)
        gh_cbor_fail(&reader, GH_ERR_INVALID);
    presentation->at_s = gh_code_seconds(&reader);
    if (gh_cbor_map_key(&reader, &seen).number != GH_CLAIM_CTI)
        gh_cbor_fail(&reader, GH_ERR_INVALID);
    presentation->id = gh_code_id(&reader);
    return gh_code_form_reason(gh_cbor_finish(&reader));
}

enum gh_reason gh_presentation_parse(struct gh_code_parts *parts)
{
    struct gh_bytes code = parts->presentation.cose.cwt;
    parts->presentation.is_one = true;
    if (code.size == 0 || code.data[0] != TAG_SIGN1_BYTE)
        return GH_REASON_MALFORMED;
    enum gh_reason reason = gh_code_parse_issued(code, parts);
    if (reason != GH_REASON_OK)
        return reason;
    if (!parts->claims.bound) /* paper, or no health code at all */
        return GH_REASON_MALFORMED;
    return read_payload(&parts->presentation);
}

enum gh_reason gh_presentation_authenticate(const struct gh_code_parts *parts)
{
    const struct gh_cose_sign1 *cose = &parts->presentation.cose;
    const struct gh_cnf *cnf = &parts->claims.cnf;
    GH_CLEANUP_PUBLIC_KEY struct gh_public_key *key = NULL;
    if (cose->algorithm != (int64_t)cnf->type)
        return GH_REASON_WRONG_ALGORITHM; /* before the key costs anything */
    enum gh_status status = gh_cnf_key(cnf, &key);
    if (status == GH_OK)
        return gh_code_signature_reason(gh_cose_verify(cose, key, no_aad));
    return status == GH_ERR_INVALID ? GH_REASON_BAD_CONTENT : GH_REASON_FORGED;
}

/* Over what was signed, not over the text or the signature: ECDSA signs one thing in many ways, and
 * of each signature anybody can make a second, so that a copy would look like another presentation.
 * Both parts are one CBOR item, so that none runs into the other. */
void gh_presentation_identify(const struct gh_presentation *presentation,
                              uint8_t identity[GH_IDENTITY_BYTES])
{
    uint8_t buffer[GH_CODE_OWN_MAX_BYTES];
    struct gh_bytes header = presentation->cose.protected_bytes;
    struct gh_bytes payload = presentation->cose.payload;
    struct gh_writer writer = gh_writer_over(buffer, sizeof(buffer));
    gh_writer_put(&writer, header.data, header.size);
    gh_writer_put(&writer, payload.data, payload.size); /* both fit into one code: so here too */
    gh_code_hash((struct gh_bytes){.data = buffer, .size = writer.size}, identity);
}

/* --- writing --------------------------------------------------------------------------------- */

/* Whether the code names this key. */
static enum gh_status check_key(const struct gh_private_key *phone, const struct gh_cnf *named)
{
    GH_CLEANUP_PUBLIC_KEY struct gh_public_key *key = NULL;
    struct gh_cnf own;
    enum gh_status status = gh_private_key_public(phone, &key);
    if (status == GH_OK)
        status = gh_cnf_of(key, &own);
    if (status != GH_OK)
        return status;
    bool same = own.type == named->type && own.y_is_odd == named->y_is_odd &&
                memcmp(own.x, named->x, sizeof(own.x)) == 0;
    return same ? GH_OK : GH_ERR_SIGNATURE;
}

static enum gh_status put_presentation(struct gh_writer *message,
                                       const struct gh_private_key *phone,
                                       const struct gh_cose_sign1 *code, int64_t at_s)
{
    uint8_t header_buffer[GH_CODE_OWN_MAX_BYTES], payload_buffer[PAYLOAD_BYTES];
    uint8_t id[sizeof(gh_id)];
    struct gh_writer header = gh_writer_over(header_buffer, sizeof(header_buffer));
    struct gh_writer payload = gh_writer_over(payload_buffer, sizeof(payload_buffer));
    gh_cbor_put_map(&header, 2);
    gh_cbor_put_uint(&header, LABEL_ALG);
    gh_cbor_put_int(&header, gh_private_key_type(phone));
    gh_cbor_put_uint(&header, LABEL_KCWT);
    gh_cose_put(&header, code);
    gh_put_be64(id, gh_random_id());
    gh_cbor_put_map(&payload, 2);
    gh_cbor_put_uint(&payload, GH_CLAIM_IAT);
    gh_cbor_put_int(&payload, at_s);
    gh_cbor_put_uint(&payload, GH_CLAIM_CTI);
    gh_cbor_put_bytes(&payload, id, sizeof(id));
    if (header.overflow || payload.overflow)
        return GH_ERR_TOOBIG;
    return gh_cose_write_under(message, phone, (struct gh_bytes){header.data, header.size},
                               (struct gh_bytes){payload.data, payload.size}, no_aad);
}

enum gh_status gh_code_present(const struct gh_private_key *phone, struct gh_bytes code,
                               int64_t at_s, char *out, size_t out_bytes)
{
    struct gh_code_parts parts;
    struct gh_bytes body;
    uint8_t buffer[GH_CODE_OWN_MAX_BYTES];
    struct gh_writer message = gh_writer_over(buffer, sizeof(buffer));
    if (out_bytes > 0)
        out[0] = '\0';
    if (at_s < 0 || at_s > GH_CODE_SECONDS_MAX)
        return GH_ERR_INVALID;
    if (gh_code_parse(code, &body, &parts) != GH_REASON_OK || parts.kind != GH_KIND_HEALTH ||
        !parts.claims.bound || parts.presentation.is_one)
        return GH_ERR_INVALID;
    enum gh_status status = check_key(phone, &parts.claims.cnf);
    if (status == GH_OK)
        status = put_presentation(&message, phone, &parts.cose, at_s);
    if (status != GH_OK)
        return status;
    struct gh_writer text = gh_code_text_over(out, out_bytes);
    gh_writer_put_text(&text, GH_CODE_PRESENTATION_PREFIX);
    gh_base45_put(&text, (struct gh_bytes){.data = buffer, .size = message.size});
    return gh_code_text_finish(&text, out, out_bytes);
}
