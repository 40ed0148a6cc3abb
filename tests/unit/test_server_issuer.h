/* SPDX-License-Identifier: Apache-2.0 */
/* For the tests of the server: foreign issuers, of SMART Health Cards and of certificates that sign
 * HCERT. */
#ifndef GATEHOUSE_TESTS_SERVER_ISSUER_H
#define GATEHOUSE_TESTS_SERVER_ISSUER_H

#include <sodium.h>

#include "fakes/hcert_writer.h"
#include "fakes/shc_writer.h"
#include "test_server_gate_side.h"

struct card_issuer {
    struct gh_private_key *key;
    char url[64];
    char kid[48];
    char jwks[512];
};

static inline void open_issuer(struct card_issuer *issuer, const char *url)
{
    char x[48], y[48];
    snprintf(issuer->url, sizeof(issuer->url), "%s", url);
    assert_int_equal(gh_private_key_generate(GH_KEY_P256, &issuer->key), GH_OK);
    const struct gh_issuer_key key = shc_issuer_key(issuer->key, url);
    shc_kid(issuer->key, issuer->kid);
    gh_base64url_encode(key.raw + 1, 32, x);
    gh_base64url_encode(key.raw + 33, 32, y);
    snprintf(issuer->jwks, sizeof(issuer->jwks),
             "{\"iss\":\"%s\",\"keys\":[{\"kty\":\"EC\",\"use\":\"sig\",\"alg\":\"ES256\","
             "\"crv\":\"P-256\",\"kid\":\"%s\",\"x\":\"%s\",\"y\":\"%s\"}]}",
             url, issuer->kid, x, y);
}

/* A card about a vaccination of that person's, with the identifier `rid` to revoke it by. */
static inline const char *sign_card(const struct card_issuer *issuer, const char *family,
                                    const char *rid, int64_t from)
{
    static char card[4096];
    char payload[1024];
    snprintf(
        payload, sizeof(payload),
        "{\"iss\":\"%s\",\"nbf\":%lld,\"vc\":{\"type\":[\"https://smarthealth.cards#health-card\"],"
        "\"rid\":\"%s\",\"credentialSubject\":{\"fhirVersion\":\"4.0.1\",\"fhirBundle\":{"
        "\"resourceType\":\"Bundle\",\"type\":\"collection\",\"entry\":[{\"fullUrl\":\"resource:"
        "0\","
        "\"resource\":{\"resourceType\":\"Patient\",\"name\":[{\"family\":\"%s\",\"given\":"
        "[\"Zebedee\"]}],\"birthDate\":\"1951-01-20\"}},{\"fullUrl\":\"resource:1\",\"resource\":{"
        "\"resourceType\":\"Immunization\",\"status\":\"completed\",\"vaccineCode\":{\"coding\":[{"
        "\"system\":\"http://hl7.org/fhir/sid/cvx\",\"code\":\"208\"}]},\"occurrenceDateTime\":"
        "\"2021-01-01\"}}]}}}}",
        issuer->url, (long long)from, rid, family);
    const struct shc_spec spec = {.key = issuer->key, .kid = issuer->kid, .payload = payload};
    char *jws = shc_jws(&spec), *text = shc_text(jws);
    snprintf(card, sizeof(card), "%s", text);
    free(jws);
    free(text);
    return card;
}

/* A document signer's certificate as PEM; *sha256 is over its DER. */
static inline char *pem_of(const struct hcert_signer *signer, uint8_t sha256[GH_SHA256_BYTES])
{
    static char pems[2][4096];
    static unsigned next;
    char *pem = pems[next++ % 2];
    char base64[3072];
    struct gh_bytes der = hcert_signer_der(signer);
    gh_sha256(der, sha256);
    assert_non_null(sodium_bin2base64(base64, sizeof(base64), der.data, der.size,
                                      sodium_base64_VARIANT_ORIGINAL));
    size_t size = (size_t)snprintf(pem, sizeof(pems[0]), "-----BEGIN CERTIFICATE-----\n");
    for (const char *at = base64; *at != '\0'; at += strnlen(at, 64))
        size += (size_t)snprintf(pem + size, sizeof(pems[0]) - size, "%.64s\n", at);
    snprintf(pem + size, sizeof(pems[0]) - size, "-----END CERTIFICATE-----\n");
    return pem;
}

/* An HCERT that is in time for long, of the person in HCERT_NAME. */
static inline char *sign_hcert(const struct hcert_signer *signer)
{
    static char text[HCERT_TEXT_BYTES];
    hcert_write(signer,
                &(struct hcert){.claims = "{1: 'AT', 4: 4102444800, 6: 1620000000, -260: {1: {'v': "
                                          "[" HCERT_VACCINATION "], " HCERT_NAME "}}}"},
                text);
    return text;
}

#endif
