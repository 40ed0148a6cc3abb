/* SPDX-License-Identifier: Apache-2.0 */
/* A SMART Health Card, from its texts to what it says. Nothing of it is unpacked before its
 * signature was verified; nothing is allocated but JSON's tree, which is bounded. */
#include "code/shc.h"

#include <jansson.h>
#include <math.h>
#include <string.h>

#include "code/inflate.h"
#include "gatehouse/jwk.h"

#define HEALTH_CARD_TYPE "https://smarthealth.cards#health-card"
#define TIME_MAX 9007199254740992.0 /* 2^53 */

struct card {
    struct gh_shc_jws jws;
    size_t json_size;
    uint8_t packed[GH_SHC_PACKED_MAX_BYTES];
    uint8_t json[GH_SHC_JSON_MAX_BYTES];
};

/* --- whose key, and its signature ------------------------------------------------------------ */

/* Whether it is the very key that the card names, not only one whose id begins likewise. */
static bool is_named(const struct gh_trusted_key *found, const struct gh_shc_jws *jws)
{
    struct gh_jwk jwk = {.type = found->issuer->type, .raw_bytes = found->issuer->raw_bytes};
    uint8_t thumbprint[GH_SHA256_BYTES];
    if (jwk.raw_bytes > sizeof(jwk.raw))
        return false;
    memcpy(jwk.raw, found->issuer->raw, jwk.raw_bytes);
    gh_jwk_thumbprint(&jwk, thumbprint);
    return memcmp(thumbprint, jws->thumbprint, sizeof(thumbprint)) == 0;
}

static enum gh_reason verify(const struct gh_trust *trust, const struct gh_shc_jws *jws,
                             struct gh_trusted_key *found)
{
    for (size_t nth = 0; gh_trust_find(trust, GH_KIND_SHC, jws->thumbprint, nth, found); nth++) {
        struct gh_bytes signature = {.data = jws->signature, .size = sizeof(jws->signature)};
        if (is_named(found, jws))
            return gh_code_signature_reason(gh_verify(found->key, jws->signed_text, signature));
    }
    return GH_REASON_FOREIGN;
}

/* --- what it says ---------------------------------------------------------------------------- */

/* A NumericDate (RFC 7519), possibly with a fraction. */
static bool read_time(const json_t *value, double *out)
{
    *out = json_number_value(value);
    return json_is_number(value) && *out >= 0 && *out <= TIME_MAX;
}

/* Whole seconds: the first at which it is valid, and the first at which it is over. Refused is
 * now < nbf and exp < now, now in whole seconds. */
static enum gh_reason read_times(const json_t *payload, struct gh_credential *out)
{
    double from, until;
    const json_t *nbf = json_object_get(payload, "nbf"), *exp = json_object_get(payload, "exp");
    if (nbf == NULL)
        return GH_REASON_BAD_CONTENT;
    if (!read_time(nbf, &from) || (exp != NULL && !read_time(exp, &until)))
        return GH_REASON_BAD_TIME;
    if (exp != NULL && until < from)
        return GH_REASON_TIMES_CONTRADICT;
    out->issued_at_s = (int64_t)ceil(from);
    out->expires_at_s = exp != NULL ? (int64_t)floor(until) + 1 : INT64_MAX;
    return GH_REASON_OK;
}

/* An https URL without a slash at its end; it gets into entries, so nothing that is not printable.
 */
static enum gh_reason read_issuer(const json_t *payload, struct gh_credential *out)
{
    static const char scheme[] = "https://";
    const char *issuer = gh_shc_json_text(payload, "iss");
    size_t size = issuer != NULL ? strlen(issuer) : 0;
    if (size < sizeof(scheme) || size >= sizeof(out->issuer) || issuer[size - 1] == '/' ||
        memcmp(issuer, scheme, sizeof(scheme) - 1) != 0)
        return GH_REASON_BAD_CONTENT;
    for (size_t i = 0; i < size; i++)
        if (issuer[i] <= ' ' || issuer[i] > '~')
            return GH_REASON_BAD_CONTENT;
    memcpy(out->issuer, issuer, size);
    return GH_REASON_OK;
}

static bool is_health_card(const json_t *vc)
{
    const json_t *types = json_object_get(vc, "type");
    for (size_t i = 0; i < json_array_size(types); i++) {
        const char *type = json_string_value(json_array_get(types, i));
        if (type != NULL && strcmp(type, HEALTH_CARD_TYPE) == 0)
            return true;
    }
    return false;
}

/* A card may name an id under which its issuer can revoke it; one that nobody could revoke it by is
 * no such id. */
static enum gh_reason read_revocation(const struct gh_shc_jws *jws, const json_t *vc,
                                      struct gh_credential *out)
{
    if (json_object_get(vc, "rid") == NULL)
        return GH_REASON_OK;
    const char *rid = gh_shc_json_text(vc, "rid");
    if (rid == NULL || gh_shc_revocation(jws->kid, rid, out->revocations[0]) != GH_OK)
        return GH_REASON_BAD_CONTENT;
    out->revocation_count = 1;
    return GH_REASON_OK;
}

static enum gh_reason read_payload(const struct gh_trust *trust, const struct gh_shc_jws *jws,
                                   const struct gh_trusted_key *key, const json_t *payload,
                                   struct gh_credential *out)
{
    enum gh_reason reason = read_issuer(payload, out);
    if (reason == GH_REASON_OK)
        reason = read_times(payload, out);
    if (reason == GH_REASON_OK)
        reason =
            gh_trust_allows(trust, key, GH_KIND_SHC, 0, out->issued_at_s,
                            (struct gh_bytes){(const uint8_t *)out->issuer, strlen(out->issuer)});
    if (reason != GH_REASON_OK)
        return reason;
    const json_t *vc = json_object_get(payload, "vc");
    if (!is_health_card(vc))
        return GH_REASON_BAD_CONTENT;
    reason = read_revocation(jws, vc, out);
    if (reason != GH_REASON_OK)
        return reason;
    const json_t *subject = json_object_get(vc, "credentialSubject");
    return gh_shc_bundle_read(trust, json_object_get(subject, "fhirBundle"), out);
}

/* What was signed by a trusted key; out gets it all, or parts of it when it is refused. */
static enum gh_reason read_signed(const struct gh_trust *trust, struct card *card,
                                  const struct gh_trusted_key *key, struct gh_credential *out)
{
    enum gh_reason reason = gh_code_inflate_reason(gh_inflate(
        GH_DEFLATE_RAW, card->jws.packed, card->json, sizeof(card->json), &card->json_size));
    json_t *payload = NULL;
    if (reason == GH_REASON_OK)
        reason = gh_shc_json_read((struct gh_bytes){card->json, card->json_size}, &payload);
    if (reason == GH_REASON_OK)
        reason = read_payload(trust, &card->jws, key, payload, out);
    gh_shc_json_free(payload);
    return reason;
}

/* --- the credential -------------------------------------------------------------------------- */

/* What was signed is the card, whatever its chunks and its signature (of which ES256 has many). A
 * card has no number of its own: the hash of what was signed is its number too. */
static void put_authentic(const struct gh_trust *trust, const struct gh_shc_jws *jws,
                          const struct gh_credential *word, struct gh_credential *out)
{
    uint8_t identity[GH_IDENTITY_BYTES], number[GH_SHA256_BYTES];
    gh_sha256(jws->signed_text, number);
    gh_code_identify(GH_KIND_SHC, jws->thumbprint, (struct gh_bytes){number, sizeof(number)},
                     identity);
    uint8_t key_id[GH_KEY_ID_BYTES];
    memcpy(key_id, out->key_id, sizeof(key_id));
    *out = *word;
    memcpy(out->key_id, key_id, sizeof(key_id));
    memcpy(out->identity, identity, sizeof(identity));
    out->kind = GH_KIND_SHC;
    out->authentic = true;
    out->id = gh_certificate_id(trust, GH_KIND_SHC, (struct gh_bytes){number, sizeof(number)});
}

/* Of a card that could be put together, but is not its issuer's word. */
static void identify_jws(struct gh_bytes text, uint8_t identity[GH_IDENTITY_BYTES])
{
    uint8_t input[3 + GH_SHA256_BYTES] = {'j', 'w', 's'};
    gh_sha256(text, input + 3);
    gh_code_hash((struct gh_bytes){input, sizeof(input)}, identity);
}

static enum gh_reason check_time(const struct gh_credential *card, int64_t now_s)
{
    if (now_s < card->issued_at_s)
        return GH_REASON_NOT_YET_VALID;
    return now_s >= card->expires_at_s && card->expires_at_s != INT64_MAX ? GH_REASON_EXPIRED
                                                                          : GH_REASON_OK;
}

static enum gh_reason read_card(const struct gh_trust *trust, struct gh_bytes text,
                                struct card *card, int64_t now_s, struct gh_credential *out)
{
    struct gh_trusted_key key;
    identify_jws(text, out->identity);
    enum gh_reason reason = gh_shc_jws_read(text, card->packed, &card->jws);
    if (card->jws.kid[0] != '\0')
        memcpy(out->key_id, card->jws.thumbprint, sizeof(out->key_id));
    if (reason == GH_REASON_OK)
        reason = verify(trust, &card->jws, &key);
    struct gh_credential word; /* a card that is refused must leave nothing of it behind */
    memset(&word, 0, sizeof(word));
    if (reason == GH_REASON_OK)
        reason = read_signed(trust, card, &key, &word);
    if (reason != GH_REASON_OK)
        return reason;
    put_authentic(trust, &card->jws, &word, out);
    return check_time(out, now_s);
}

/* Names and dates, which anybody could unpack. */
static void wipe_card(struct card *card)
{
    gh_wipe(card->packed, sizeof(card->packed));
    gh_wipe(card->json, card->json_size);
}

void gh_shc_read(const struct gh_trust *trust, const struct gh_bytes *texts, size_t count,
                 int64_t now_s, struct gh_credential *out)
{
    uint8_t jws[GH_SHC_JWS_MAX_BYTES];
    struct gh_writer writer = gh_writer_over(jws, sizeof(jws));
    out->reason = gh_shc_join(texts, count, &writer);
    if (out->reason == GH_REASON_OK) {
        struct card card;
        card.json_size = 0;
        struct gh_bytes text = {.data = jws, .size = writer.size};
        out->reason = read_card(trust, text, &card, now_s, out);
        wipe_card(&card);
    }
    gh_wipe(jws, writer.size);
}
