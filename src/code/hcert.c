/* SPDX-License-Identifier: Apache-2.0 */
/* HCERT (`HC1:`): base45, zlib, COSE_Sign1, claims. Nothing of the claims is looked at before the
 * signature has held. */
#include "code/hcert.h"

#include <string.h>

#include "code/base45.h"
#include "code/inflate.h"
#include "code/parts.h"

#define PACKED_MAX_BYTES (GH_CODE_TEXT_MAX_BYTES / 3 * 2 + 2)
#define PLAIN_MAX_BYTES 16384 /* real ones are below 1 KB, and there the text is longer */

/* Both hold names in clear: wiped. */
struct buffers {
    uint8_t packed[PACKED_MAX_BYTES];
    uint8_t plain[PLAIN_MAX_BYTES];
    size_t packed_size, plain_size;
};

/* --- to the message -------------------------------------------------------------------------- */

static enum gh_reason unpack(struct gh_bytes body, struct buffers *buffers)
{
    struct gh_writer writer = gh_writer_over(buffers->packed, sizeof(buffers->packed));
    enum gh_status status = gh_base45_decode(body, &writer);
    buffers->packed_size = writer.size;
    if (status != GH_OK)
        return GH_REASON_BAD_TEXT;
    struct gh_bytes packed = {writer.data, writer.size};
    return gh_code_inflate_reason(gh_inflate(GH_DEFLATE_ZLIB, packed, buffers->plain,
                                             sizeof(buffers->plain), &buffers->plain_size));
}

/* --- whether to believe it ------------------------------------------------------------------- */

static enum gh_reason parse(struct gh_bytes bytes, struct gh_cose_sign1 *message)
{
    enum gh_status status = gh_cose_parse(bytes, true, message);
    if (status == GH_ERR_UNSUPPORTED) /* an alg that is no integer: "none" */
        return GH_REASON_BAD_ALGORITHM;
    if (status != GH_OK)
        return gh_code_form_reason(status);
    if (message->algorithm != GH_KEY_P256 && message->algorithm != GH_KEY_PS256)
        return GH_REASON_BAD_ALGORITHM;
    return message->key_id.size > 0 ? GH_REASON_OK : GH_REASON_KEY_ID_MISSING;
}

static enum gh_reason try_key(const struct gh_cose_sign1 *message, const struct gh_trusted_key *key)
{
    struct gh_bytes no_aad = {.size = 0};
    if (key->issuer->revoked)
        return GH_REASON_KEY_REVOKED;
    return gh_code_signature_reason(gh_cose_verify(message, key->key, no_aad));
}

/* Several certificates may share a key id, which is short: each is tried. What is told of those
 * that did not fit is the first that got further than its algorithm. */
#define KEYS_TRIED_MAX 4

static enum gh_reason authenticate(const struct gh_trust *trust,
                                   const struct gh_cose_sign1 *message,
                                   struct gh_trusted_key *found)
{
    enum gh_reason verdict = GH_REASON_FOREIGN;
    if (message->key_id.size != GH_KEY_ID_BYTES)
        return verdict; /* nobody's: ours are all of that size */
    for (size_t nth = 0; nth < KEYS_TRIED_MAX; nth++) {
        if (!gh_trust_find(trust, GH_KIND_HCERT, message->key_id.data, nth, found))
            return verdict;
        enum gh_reason reason = try_key(message, found);
        if (reason == GH_REASON_OK)
            return reason;
        if (verdict == GH_REASON_FOREIGN || verdict == GH_REASON_WRONG_ALGORITHM)
            verdict = reason;
    }
    return verdict;
}

/* --- what it says ---------------------------------------------------------------------------- */

static enum gh_reason content_reason(enum gh_status status)
{
    enum gh_reason reason = gh_code_form_reason(status);
    return reason == GH_REASON_MALFORMED ? GH_REASON_BAD_CONTENT : reason;
}

static void identify(const struct gh_cose_sign1 *message, uint8_t identity[GH_IDENTITY_BYTES])
{
    uint8_t number[GH_SHA256_BYTES];
    gh_sha256(message->payload, number);
    gh_code_identify(GH_KIND_HCERT, message->key_id.data, (struct gh_bytes){number, sizeof(number)},
                     identity);
}

static void put_revocation(struct gh_bytes what, struct gh_credential *out)
{
    uint8_t hash[GH_SHA256_BYTES];
    gh_sha256(what, hash);
    memcpy(out->revocations[out->revocation_count++], hash, GH_REVOCATION_BYTES);
}

/* The EU's three: UCI, COUNTRYCODEUCI, SIGNATURE (eu-digital-green-certificates/dgc-gateway,
 * RevocationHashTypeDto), of each SHA-256 the first 128 bits. As its verifiers have it
 * (dgca-verifier-app-android, getDccSignatureSha256; checked against the published values of
 * corona-warn-app/cwa-app-android, RevocationCalculationSampleData.json): the country is the claim
 * iss, the number is the first entry's, and an ES256 signature counts by its r alone, since from
 * (r, s) anybody can make (r, -s), which verifies too. */
static void fill_revocations(const struct gh_cose_sign1 *message,
                             const struct gh_hcert_claims *claims, struct gh_credential *out)
{
    uint8_t buffer[GH_ISSUER_BYTES + GH_HCERT_NUMBER_MAX_BYTES];
    struct gh_writer writer = gh_writer_over(buffer, sizeof(buffer));
    gh_writer_put(&writer, claims->issuer.data, claims->issuer.size);
    gh_writer_put(&writer, claims->number.data, claims->number.size);
    struct gh_bytes signature = message->signature;
    if (message->algorithm == GH_KEY_P256)
        signature.size /= 2;
    if (claims->number.size > 0) {
        put_revocation(claims->number, out);
        put_revocation((struct gh_bytes){writer.data, writer.size}, out);
    }
    put_revocation(signature, out);
    gh_wipe(buffer, writer.size);
}

/* Its number; where the issuer gave none, all that was signed stands for it. */
static gh_id certificate_id(const struct gh_trust *trust, const struct gh_cose_sign1 *message,
                            const struct gh_hcert_claims *claims)
{
    uint8_t hash[GH_SHA256_BYTES];
    if (claims->number.size > 0)
        return gh_certificate_id(trust, GH_KIND_HCERT, claims->number);
    gh_sha256(message->payload, hash);
    return gh_certificate_id(trust, GH_KIND_HCERT, (struct gh_bytes){hash, sizeof(hash)});
}

static void fill(const struct gh_trust *trust, const struct gh_cose_sign1 *message,
                 const struct gh_hcert_claims *claims, struct gh_credential *out)
{
    out->authentic = true;
    out->id = certificate_id(trust, message, claims);
    out->subject = gh_holder_id(trust, claims->family_name, claims->given_name, claims->birth_date);
    out->issued_at_s = claims->issued_at_s;
    out->expires_at_s = claims->expires_at_s + 1; /* at most 2^53 */
    memcpy(out->facts, claims->facts, sizeof(out->facts));
    out->fact_count = claims->fact_count;
    if (claims->issuer.size > 0)
        memcpy(out->issuer, claims->issuer.data, claims->issuer.size); /* leaves room for 0 */
    identify(message, out->identity);
    fill_revocations(message, claims, out);
}

/* Both ends belong to it. */
static enum gh_reason check_times(const struct gh_hcert_claims *claims, int64_t now_s)
{
    if (claims->expires_at_s < claims->issued_at_s)
        return GH_REASON_TIMES_CONTRADICT;
    if (now_s < claims->issued_at_s)
        return GH_REASON_NOT_YET_VALID;
    return now_s > claims->expires_at_s ? GH_REASON_EXPIRED : GH_REASON_OK;
}

static enum gh_reason read_message(const struct gh_trust *trust, const struct buffers *buffers,
                                   int64_t now_s, struct gh_credential *out)
{
    struct gh_bytes packed = {buffers->packed, buffers->packed_size};
    struct gh_bytes bytes = {buffers->plain, buffers->plain_size};
    struct gh_cose_sign1 message;
    struct gh_trusted_key key;
    struct gh_hcert_claims claims;
    enum gh_reason reason = parse(bytes, &message);
    if (message.key_id.size == GH_KEY_ID_BYTES)
        memcpy(out->key_id, message.key_id.data, GH_KEY_ID_BYTES);
    if (reason == GH_REASON_OK)
        reason = authenticate(trust, &message, &key);
    if (reason == GH_REASON_OK && !gh_deflate_well_spelled(packed, bytes))
        reason = GH_REASON_BAD_COMPRESSION;
    if (reason == GH_REASON_OK)
        reason = content_reason(gh_hcert_claims_read(message.payload, &claims));
    if (reason == GH_REASON_OK)
        reason = gh_trust_allows(trust, &key, GH_KIND_HCERT, GH_GROUP(claims.group),
                                 claims.issued_at_s, claims.issuer);
    if (reason != GH_REASON_OK)
        return reason;
    fill(trust, &message, &claims, out);
    return check_times(&claims, now_s);
}

void gh_hcert_read(const struct gh_trust *trust, struct gh_bytes body, int64_t now_s,
                   struct gh_credential *out)
{
    struct buffers buffers;
    buffers.packed_size = buffers.plain_size = 0;
    out->reason = unpack(body, &buffers);
    if (out->reason == GH_REASON_OK)
        out->reason = read_message(trust, &buffers, now_s, out);
    gh_wipe(buffers.packed, buffers.packed_size);
    gh_wipe(buffers.plain, buffers.plain_size);
}
