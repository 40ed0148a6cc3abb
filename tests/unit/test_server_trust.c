/* SPDX-License-Identifier: Apache-2.0 */
/* Foreign issuers' keys, whose certificates are whose, and certificates that were revoked: through
 * the API, and as the gates see it. */
#include "test_server_issuer.h"

#define PEM "Content-Type: application/x-pem-file"
#define JWKS "Content-Type: application/jwk-set+json; charset=utf-8"
#define FAMILY "Quackenbush"
#define RID "mW3vEqZ0rTk"

static struct card_issuer issuer;
static struct hcert_signer *signer, *other_signer;

static json_t *send_keys(long status, const char *header, const char *body)
{
    struct answer answer;
    const struct call call = {.method = "POST",
                              .path = "/api/v1/trust",
                              .token = harness.admin,
                              .body = body,
                              .header = header};
    assert_int_equal(harness_perform(&harness, &call, &answer), CURLE_OK);
    if (answer.status != status)
        fail_msg("%ld instead of %ld: %s", answer.status, status, answer.body);
    json_t *json = json_incref(answer.json);
    answer_free(&answer);
    return json;
}

static void add_keys(const char *header, const char *body, int added, int known)
{
    json_t *json = send_keys(200, header, body);
    assert_int_equal(number_of(json, "added"), added);
    assert_int_equal(number_of(json, "known"), known);
    json_decref(json);
}

static void refuse_keys(const char *header, const char *body, long status, const char *error)
{
    json_t *json = send_keys(status, header, body);
    assert_string_equal(text_of(json, "error"), error);
    assert_true(json_string_length(json_object_get(json, "message")) > 0);
    json_decref(json);
}

/* The key of that issuer or with that id; NULL: there is none. The caller's. */
static json_t *find_key(const char *member, const char *value)
{
    size_t i;
    json_t *json = admin("GET", "/api/v1/trust", NULL), *key, *found = NULL;
    json_array_foreach(json_object_get(json, "keys"), i, key)
    {
        if (strcmp(text_of(key, member), value) == 0)
            found = json_incref(key);
    }
    json_decref(json);
    return found;
}

static int set_up_trust(void **state)
{
    open_issuer(&issuer, "https://cards.example");
    signer = hcert_signer_new(GH_KEY_P256, 0, 0);
    other_signer = hcert_signer_new(GH_KEY_PS256, 2048, GH_GROUP(GH_FACT_TEST));
    return set_up_town(state);
}

static int tear_down_trust(void **state)
{
    gh_private_key_free(issuer.key);
    hcert_signer_free(signer);
    hcert_signer_free(other_signer);
    return tear_down_town(state);
}

/* --- keys --- */

static void test_certificates(void **state)
{
    (void)state;
    uint8_t first[GH_SHA256_BYTES], second[GH_SHA256_BYTES];
    char both[8192], key_id[2 * GH_KEY_ID_BYTES + 1];
    char *pem = pem_of(signer, first);
    snprintf(both, sizeof(both), "%s# and another one\n%s", pem, pem_of(other_signer, second));
    long long generation = metric("gatehouse_list_generation");
    add_keys(PEM, pem, 1, 0);
    add_keys(PEM, both, 1, 1);
    add_keys(PEM, both, 0, 2);
    assert_int_equal(metric("gatehouse_list_generation"), generation + 2);
    gh_hex_encode(first, GH_KEY_ID_BYTES, key_id);
    json_t *key = find_key("key_id", key_id);
    assert_non_null(key);
    assert_string_equal(text_of(key, "kind"), "hcert");
    assert_string_equal(text_of(key, "type"), "ES256");
    assert_string_equal(text_of(key, "state"), "trusted");
    assert_string_equal(text_of(key, "issuer"), "");
    assert_int_equal(json_array_size(json_object_get(key, "groups")), 3);
    int64_t until;
    assert_int_equal(gh_time_parse(text_of(key, "not_after"), &until), GH_OK);
    json_decref(key);
    /* as a gate has them */
    struct gh_list *list = fetch_list();
    struct gh_trust *trust;
    struct gh_trusted_key found;
    assert_int_equal(gh_list_trust(list, &trust), GH_OK);
    assert_true(gh_trust_find(trust, GH_KIND_HCERT, first, 0, &found));
    assert_true(found.issuer->not_after_s == until && until > town_now());
    assert_true(gh_trust_find(trust, GH_KIND_HCERT, second, 0, &found));
    assert_int_equal(found.issuer->type, GH_KEY_PS256);
    assert_int_equal(found.issuer->groups, GH_GROUP(GH_FACT_TEST));
    assert_false(gh_trust_find(trust, GH_KIND_SHC, second, 0, &found));
    gh_trust_unref(trust);
    gh_list_close(list);
}

static const char p384[] = "-----BEGIN CERTIFICATE-----\n"
                           "MIIBsTCCATagAwIBAgIUOhRnC3jlB/pTxQyYSH2BOWxfkf0wCgYIKoZIzj0EAwIw\n"
                           "DzENMAsGA1UEAwwEcDM4NDAeFw0yNjExMjIwOTMwMTVaFw00NjExMTcwOTMwMTVa\n"
                           "MA8xDTALBgNVBAMMBHAzODQwdjAQBgcqhkjOPQIBBgUrgQQAIgNiAASoHQiLXJxq\n"
                           "9WFNSP+SMYSoAL/cRSgm4wJyBPhb+zKWeozIHv4LzG6P/xwKpLSwOiPgMfinCPQR\n"
                           "JUsNdTUdYyK/Hk/M/V3ROgpa49CSV7gEtGv06j33lBQ3Sz9u0zP4KCWjUzBRMB0G\n"
                           "A1UdDgQWBBQr7M1C0XAGNRGW2EeruT+2LxGZDjAfBgNVHSMEGDAWgBQr7M1C0XAG\n"
                           "NRGW2EeruT+2LxGZDjAPBgNVHRMBAf8EBTADAQH/MAoGCCqGSM49BAMCA2kAMGYC\n"
                           "MQCDDlOYzYuFUI4mDXX8Zt9909BD70oollXLaYLHBSJDyUcgOxlLmxVnSH4v4X9x\n"
                           "moQCMQCGvPgljvc85oSqfMQZaGRpNVW2xKpAseYwY6hcwCpd1AmoVqwX0V+oJqIG\n"
                           "KCmZY8A=\n"
                           "-----END CERTIFICATE-----\n";

/* Issuers publish all that they have: what signs no codes does not hide the rest, but it is said.
 */
static void test_bundles_with_other_keys(void **state)
{
    (void)state;
    uint8_t hash[GH_SHA256_BYTES];
    char bundle[16384];
    struct hcert_signer *good = hcert_signer_new(GH_KEY_P256, 0, 0);
    refuse_keys(PEM, p384, 422, "bad_key");
    snprintf(bundle, sizeof(bundle),
             "%s-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n%s%s", p384,
             pem_of(good, hash), p384);
    json_t *json = send_keys(200, PEM, bundle);
    assert_int_equal(number_of(json, "added"), 1);
    assert_int_equal(number_of(json, "known"), 0);
    assert_int_equal(number_of(json, "passed_over"), 2);
    json_decref(json);
    /* what is broken is no key of another type, and the one is named */
    strcat(bundle, "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
    json = send_keys(422, PEM, bundle);
    assert_non_null(strstr(text_of(json, "message"), "certificate 4: "));
    json_decref(json);
    hcert_signer_free(good);
}

static void test_sets_with_other_keys(void **state)
{
    (void)state;
    struct card_issuer other;
    open_issuer(&other, "https://others.example");
    char body[4096];
    const char *set = other.jwks;
    const char *keys = strstr(set, "\"keys\"");
    assert_non_null(keys);
    keys = strchr(keys, '[') + 1;
    snprintf(body, sizeof(body), "%.*s{\"kty\":\"RSA\",\"use\":\"enc\"},%s", (int)(keys - set), set,
             keys);
    json_t *json = send_keys(200, JWKS, body);
    assert_int_equal(number_of(json, "added"), 1);
    assert_int_equal(number_of(json, "passed_over"), 1);
    json_decref(json);
    gh_private_key_free(other.key);
}

static void test_bodies_that_are_no_keys(void **state)
{
    (void)state;
    uint8_t hash[GH_SHA256_BYTES];
    char *pem = pem_of(signer, hash), damaged[8192];
    snprintf(damaged, sizeof(damaged),
             "%s-----BEGIN CERTIFICATE-----\nAAAA\n"
             "-----END CERTIFICATE-----\n",
             pem);
    long long generation = metric("gatehouse_list_generation");
    refuse_keys("Content-Type: text/plain", pem, 415, "unsupported_type");
    refuse_keys("Content-Type:", pem, 415, "unsupported_type");
    refuse_keys(PEM, "", 422, "bad_key");
    refuse_keys(PEM, "nothing of the kind", 422, "bad_key");
    refuse_keys(PEM, damaged, 422, "bad_key");
    refuse_keys(JWKS, pem, 422, "bad_key");
    refuse_keys(JWKS, "{\"keys\":[]}", 422, "bad_key");
    refuse_keys(JWKS, "{\"iss\":\"http://cards.example\",\"keys\":[]}", 422, "bad_key");
    refuse_keys(JWKS, "{\"iss\":\"https://cards.example\",\"keys\":[]}", 422, "bad_key");
    assert_int_equal(metric("gatehouse_list_generation"), generation);
    ask_error(&harness, 404, "not_found", "DELETE", "/api/v1/trust/" UNUSED_ID, harness.admin,
              NULL);
    ask_error(&harness, 404, "not_found", "DELETE", "/api/v1/trust/" UNUSED_ID "?forget=true",
              harness.admin, NULL);
    ask_error(&harness, 400, "bad_request", "DELETE", "/api/v1/trust/" UNUSED_ID "?forget=no",
              harness.admin, NULL);
}

static void add_revocations(const char *body, int added, int known, int expired)
{
    json_t *json = admin("POST", "/api/v1/revocations", body);
    assert_int_equal(number_of(json, "added"), added);
    assert_int_equal(number_of(json, "known"), known);
    assert_int_equal(number_of(json, "expired"), expired);
    json_decref(json);
}

/* --- certificates of people --- */

static char *certificate_body(const char *code)
{
    static char body[4200];
    snprintf(body, sizeof(body), "{\"codes\":[\"%s\"]}", code);
    return body;
}

static char *certificate_path(const char *person)
{
    return pathf("/api/v1/people/%s/certificate", person);
}

static void refuse_certificate(const char *person, const char *code, const char *error)
{
    ask_error(&harness, 422, error, "PUT", certificate_path(person), harness.admin,
              certificate_body(code));
}

static void link_certificate_of(const char *kind, const char *from, const char *person,
                                const char *code)
{
    json_t *json = admin("PUT", certificate_path(person), certificate_body(code));
    assert_string_equal(text_of(json, "kind"), kind);
    assert_string_equal(text_of(json, "issuer"), from);
    const json_t *facts = json_object_get(json, "facts");
    assert_int_equal(json_array_size(facts), 1);
    assert_string_equal(json_string_value(json_array_get(facts, 0)), "vaccination");
    assert_int_equal(json_object_size(json), 3); /* and nothing about whom */
    json_decref(json);
}

static void link_certificate(const char *person, const char *code)
{
    link_certificate_of("shc", issuer.url, person, code);
}

static void test_a_card_is_a_persons(void **state)
{
    (void)state;
    char ada[GH_ID_TEXT_BYTES], bob[GH_ID_TEXT_BYTES];
    gh_id subject;
    snprintf(ada, sizeof(ada), "%s", add_person("ada", "yellow"));
    snprintf(bob, sizeof(bob), "%s", add_person("bob", "green"));
    assert_int_equal(gh_id_parse(ada, 16, &subject), GH_OK);
    char card[4096];
    snprintf(card, sizeof(card), "%s", sign_card(&issuer, FAMILY, RID, 1650000000));
    refuse_certificate(ada, card, "foreign"); /* nobody knows this issuer yet */
    add_keys(JWKS, issuer.jwks, 1, 0);
    add_keys(JWKS, issuer.jwks, 0, 1);
    link_certificate(ada, card);
    long long generation = metric("gatehouse_list_generation");
    link_certificate(ada, card);
    /* another card of the same holder's says nothing new */
    link_certificate(ada, sign_card(&issuer, FAMILY, "another", 1660000000));
    assert_int_equal(metric("gatehouse_list_generation"), generation);
    ask_error(&harness, 409, "conflict", "PUT", certificate_path(bob), harness.admin,
              certificate_body(card));
    ask_error(&harness, 404, "not_found", "PUT", certificate_path(UNUSED_ID), harness.admin,
              certificate_body(card));
    /* the gate knows her by the card */
    struct gh_list *list = fetch_list();
    struct gh_credential said = read_with(list, card, town_now());
    assert_int_equal(said.reason, GH_REASON_OK);
    struct gh_answers answers = answers_of(list, &said);
    assert_true(answers.subject_known && answers.subject == subject);
    assert_int_equal(answers.subject_colour, GH_COLOUR_YELLOW);
    gh_list_close(list);
    json_decref(ask(&harness, 204, "DELETE", certificate_path(ada), harness.admin, NULL));
    json_decref(ask(&harness, 204, "DELETE", certificate_path(ada), harness.admin, NULL));
    ask_error(&harness, 404, "not_found", "DELETE", certificate_path(UNUSED_ID), harness.admin,
              NULL);
    list = fetch_list();
    assert_false(answers_of(list, &said).subject_known);
    gh_list_close(list);
    link_certificate(bob, card);
    json_decref(ask(&harness, 204, "DELETE", certificate_path(bob), harness.admin, NULL));
}

/* An HCERT, until the hash of its number is in a batch. */
static void test_an_hcert_is_a_persons(void **state)
{
    (void)state;
    static const char number[] = "ATURN:UVCI:01:AT:10807843F94AEE0EE5093FBC254BD813#B";
    char person[GH_ID_TEXT_BYTES], base64[64];
    uint8_t hash[GH_SHA256_BYTES];
    gh_id subject;
    snprintf(person, sizeof(person), "%s", add_person("hcert", "red"));
    assert_int_equal(gh_id_parse(person, 16, &subject), GH_OK);
    refuse_certificate(person, sign_hcert(other_signer), "wrong_key"); /* signs tests only */
    link_certificate_of("hcert", "AT", person, sign_hcert(signer));
    struct gh_list *list = fetch_list();
    struct gh_credential said = read_with(list, sign_hcert(signer), town_now());
    assert_int_equal(said.reason, GH_REASON_OK);
    struct gh_answers answers = answers_of(list, &said);
    assert_true(answers.subject == subject && !answers.health_revoked);
    assert_int_equal(answers.subject_colour, GH_COLOUR_RED);
    gh_list_close(list);
    gh_sha256((struct gh_bytes){(const uint8_t *)number, sizeof(number) - 1}, hash);
    sodium_bin2base64(base64, sizeof(base64), hash, sizeof(hash), sodium_base64_VARIANT_ORIGINAL);
    add_revocations(pathf("{\"kid\":\"UNKNOWN_KID\",\"hashType\":\"COUNTRYCODEUCI\",\"entries\":["
                          "{\"hash\":\"%s\"}]}",
                          base64),
                    1, 0, 0);
    list = fetch_list();
    assert_true(answers_of(list, &said).health_revoked);
    gh_list_close(list);
    refuse_certificate(person, sign_hcert(signer), "revoked");
}

/* An HCERT with that number, its text in text; and what a hash of a batch is over. */
static void sign_numbered(const struct hcert_signer *by, const char *number,
                          char text[HCERT_TEXT_BYTES], uint8_t *signature, size_t signature_bytes)
{
    static uint8_t message[HCERT_BYTES], packed[HCERT_BYTES];
    char claims[1024];
    snprintf(claims, sizeof(claims),
             "{1: 'AT', 4: 4102444800, 6: 1620000000, -260: {1: {'t': [{'tg': '840539006', 'tt': "
             "'LP6464-4', 'nm': 'x', 'sc': '2021-04-18T09:00:00Z', 'tr': '260415000', 'tc': 'y', "
             "'co': 'AT', 'is': 'z', 'ci': '%s'}], " HCERT_NAME "}}}",
             number);
    size_t size = hcert_message(by, &(struct hcert){.claims = claims}, message);
    memcpy(signature, message + size - signature_bytes, signature_bytes); /* it stands last */
    size = hcert_compress((struct gh_bytes){message, size}, 9, packed);
    hcert_text((struct gh_bytes){packed, size}, text);
}

static void revoke_by(const char *type, const void *data, size_t size, size_t hash_bytes)
{
    char base64[64];
    uint8_t hash[GH_SHA256_BYTES];
    gh_sha256((struct gh_bytes){data, size}, hash);
    sodium_bin2base64(base64, sizeof(base64), hash, hash_bytes, sodium_base64_VARIANT_ORIGINAL);
    add_revocations(pathf("{\"kid\":\"UNKNOWN_KID\",\"hashType\":\"%s\",\"entries\":[{\"hash\":"
                          "\"%s\"}]}",
                          type, base64),
                    1, 0, 0);
}

static void expect_revoked(const char *code, bool revoked)
{
    struct gh_list *list = fetch_list();
    struct gh_credential said = read_with(list, code, town_now());
    assert_int_equal(said.reason, GH_REASON_OK);
    assert_true(answers_of(list, &said).health_revoked == revoked);
    gh_list_close(list);
}

/* Each of the EU's three ways, from the batch to the gate; of a signature by P-256 it is the first
 * half (r) that is hashed, of one by RSA all of it. Whole hashes and halves. */
static void test_the_ways_of_the_eu(void **state)
{
    (void)state;
    uint8_t signature[256];
    static char text[HCERT_TEXT_BYTES];
    uint8_t hash[GH_SHA256_BYTES];
    add_keys(PEM, pem_of(signer, hash), 0, 1);
    sign_numbered(signer, "URN:UVCI:01:AT:ONE", text, signature, 64);
    expect_revoked(text, false);
    revoke_by("SIGNATURE", signature, 32, 16);
    expect_revoked(text, true);
    sign_numbered(other_signer, "URN:UVCI:01:AT:TWO", text, signature, 256);
    expect_revoked(text, false);
    revoke_by("SIGNATURE", signature, 256, 32);
    expect_revoked(text, true);
    sign_numbered(signer, "URN:UVCI:01:AT:THREE", text, signature, 64);
    revoke_by("UCI", "XXURN:UVCI:01:AT:THREE", 22, 32); /* of another country */
    expect_revoked(text, false);
    revoke_by("UCI", "URN:UVCI:01:AT:THREE", 20, 32);
    expect_revoked(text, true);
    sign_numbered(signer, "URN:UVCI:01:AT:FOUR", text, signature, 64);
    expect_revoked(text, false);
    revoke_by("COUNTRYCODEUCI", "ATURN:UVCI:01:AT:FOUR", 21, 16);
    expect_revoked(text, true);
}

static void test_codes_that_are_no_certificate(void **state)
{
    (void)state;
    char person[GH_ID_TEXT_BYTES];
    snprintf(person, sizeof(person), "%s", add_person("nocard", "green"));
    static const char *const bad[] = {"{}",
                                      "{\"codes\":[]}",
                                      "{\"codes\":\"x\"}",
                                      "{\"codes\":[1]}",
                                      "{\"codes\":[\"\"]}",
                                      "{\"codes\":[\"x\"],\"more\":1}"};
    for (size_t i = 0; i < GH_ARRAY_SIZE(bad); i++)
        ask_error(&harness, 400, "bad_request", "PUT", certificate_path(person), harness.admin,
                  bad[i]);
    refuse_certificate(person, "hello", "not_a_code");
    refuse_certificate(person, issue_code(person, 60), "unsupported"); /* one of our own */
    refuse_certificate(person, "shc:/1/2/5676", "wait_parts");
    struct card_issuer forger;
    open_issuer(&forger, issuer.url);
    refuse_certificate(person, sign_card(&forger, FAMILY, RID, 1650000000), "foreign");
    memcpy(forger.kid, issuer.kid, sizeof(forger.kid));
    refuse_certificate(person, sign_card(&forger, FAMILY, RID, 1650000000), "forged");
    gh_private_key_free(forger.key);
    refuse_certificate(person, sign_card(&issuer, FAMILY, RID, town_now() + 3600), "not_yet_valid");
}

/* --- revocations --- */

static void test_a_card_is_revoked(void **state)
{
    (void)state;
    char person[GH_ID_TEXT_BYTES], card[4096], body[512];
    snprintf(person, sizeof(person), "%s", add_person("revoked", "green"));
    snprintf(card, sizeof(card), "%s", sign_card(&issuer, "Somebody", "r3Voked", 1650000000));
    link_certificate(person, card);
    snprintf(body, sizeof(body),
             "{\"kid\":\"%s\",\"method\":\"rid\",\"ctr\":2,\"rids\":[\"r3Voked.1650000001\"]}",
             issuer.kid);
    long long generation = metric("gatehouse_list_generation");
    add_revocations(body, 1, 0, 0);
    add_revocations(body, 0, 1, 0);
    assert_int_equal(metric("gatehouse_list_generation"), generation + 1);
    refuse_certificate(person, card, "revoked");
    struct gh_list *list = fetch_list();
    struct gh_credential said = read_with(list, card, town_now());
    assert_true(answers_of(list, &said).health_revoked);
    /* one that was issued later, under the same id */
    said = read_with(list, sign_card(&issuer, "Somebody", "r3Voked", 1650000001), town_now());
    assert_int_equal(said.reason, GH_REASON_OK);
    assert_false(answers_of(list, &said).health_revoked);
    gh_list_close(list);
}

static void test_batches(void **state)
{
    (void)state;
    add_revocations("{\"country\":\"XX\",\"expires\":\"2099-01-01T00:00:00Z\",\"kid\":"
                    "\"5xUoB0hS7Sk=\",\"hashType\":\"SIGNATURE\",\"entries\":[{\"hash\":"
                    "\"AAECAwQFBgcICQoLDA0ODw==\"}]}",
                    1, 0, 0);
    add_revocations("{\"country\":\"XX\",\"expires\":\"2020-01-01T00:00:00Z\",\"kid\":"
                    "\"5xUoB0hS7Sk=\",\"hashType\":\"SIGNATURE\",\"entries\":[{\"hash\":"
                    "\"/wECAwQFBgcICQoLDA0ODw==\"}]}",
                    0, 0, 1);
    ask_error(&harness, 422, "bad_batch", "POST", "/api/v1/revocations", harness.admin,
              "{\"kid\":\"5xUoB0hS7Sk=\",\"hashType\":\"MD5\",\"entries\":[]}");
    static const char *const bad[] = {"{}", "{\"kid\":\"\"}", "{\"kid\":1}",
                                      "{\"kid\":\"x\",\"entries\":{}}",
                                      "{\"kid\":\"x\",\"surprise\":1}"};
    for (size_t i = 0; i < GH_ARRAY_SIZE(bad); i++)
        ask_error(&harness, 400, "bad_request", "POST", "/api/v1/revocations", harness.admin,
                  bad[i]);
}

/* As large as a request may be: in one go, and known the next time. */
static void test_a_large_batch(void **state)
{
    (void)state;
    enum { COUNT = 25000 };
    char *body = malloc(COUNT * 40 + 200);
    assert_non_null(body);
    size_t size =
        (size_t)sprintf(body, "{\"kid\":\"UNKNOWN_KID\",\"hashType\":\"UCI\",\"entries\":[");
    for (unsigned i = 0; i < COUNT; i++)
        size += (size_t)sprintf(body + size, "%s{\"hash\":\"%010uAAAAAAAAAAAA==\"}",
                                i > 0 ? "," : "", i);
    sprintf(body + size, "]}");
    add_revocations(body, COUNT, 0, 0);
    add_revocations(body, 0, COUNT, 0);
    gh_list_close(fetch_list());
    free(body);
}

/* --- the end of an issuer --- */

static void test_an_issuer_is_revoked(void **state)
{
    (void)state;
    char person[GH_ID_TEXT_BYTES], path[64], card[4096];
    snprintf(person, sizeof(person), "%s", add_person("gone", "green"));
    snprintf(card, sizeof(card), "%s", sign_card(&issuer, "Gone", "gone", 1650000000));
    json_t *key = find_key("issuer", issuer.url);
    assert_non_null(key);
    assert_string_equal(text_of(key, "kind"), "shc");
    assert_true(json_is_null(json_object_get(key, "not_after")));
    snprintf(path, sizeof(path), "/api/v1/trust/%s", text_of(key, "id"));
    json_decref(key);
    json_decref(ask(&harness, 204, "DELETE", path, harness.admin, NULL));
    key = find_key("issuer", issuer.url);
    assert_string_equal(text_of(key, "state"), "revoked");
    assert_true(json_is_string(json_object_get(key, "revoked_at")));
    json_decref(key);
    add_keys(JWKS, issuer.jwks, 0, 1); /* sent again by a nightly job: stays revoked */
    refuse_certificate(person, card, "key_revoked");
    struct gh_list *list = fetch_list();
    assert_int_equal(read_with(list, card, town_now()).reason, GH_REASON_KEY_REVOKED);
    gh_list_close(list);
    json_decref(ask(&harness, 204, "DELETE", pathf("%s?forget=true", path), harness.admin, NULL));
    assert_null(find_key("issuer", issuer.url));
    refuse_certificate(person, card, "foreign");
}

/* --- nothing of it stays --- */

/* The count of files below a folder in which the word is found. */
static const char *searched;
static int hits;

static int search_one(const char *path, const struct stat *info, int type, struct FTW *ftw)
{
    (void)ftw;
    uint8_t *data = NULL;
    size_t size = 0;
    if (type != FTW_F || info->st_size == 0)
        return 0;
    if (gh_file_read(path, 1 << 28, &data, &size, NULL) == GH_OK &&
        memmem(data, size, searched, strlen(searched)) != NULL) {
        print_message("%s holds \"%.20s\"\n", path, searched);
        hits++;
    }
    free(data);
    return 0;
}

static void test_no_word_of_it_is_kept(void **state)
{
    (void)state;
    char card[4096], hcert[64];
    snprintf(card, sizeof(card), "%s", sign_card(&issuer, FAMILY, RID, 1650000000));
    card[200] = '\0'; /* header and beginning are those of all cards so far */
    snprintf(hcert, sizeof(hcert), "%.40s", sign_hcert(signer)); /* likewise */
    const char *const words[] = {FAMILY,       "Zebedee",  "1951-01-20", RID,    "r3Voked", card,
                                 "Musterfrau", "GABRIELE", "1998-02-26", "UVCI", hcert};
    json_decref(admin("GET", "/api/v1/people", NULL)); /* so that the search finds its folder */
    hits = 0;
    for (size_t i = 0; i < GH_ARRAY_SIZE(words); i++) {
        searched = words[i];
        assert_int_equal(nftw(harness.folder, search_one, 16, FTW_PHYS), 0);
    }
    assert_int_equal(hits, 0);
    searched = "Name of ada"; /* imported by the administrator: where it should be */
    assert_int_equal(nftw(harness.folder, search_one, 16, FTW_PHYS), 0);
    assert_true(hits > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_certificates),
        cmocka_unit_test(test_bundles_with_other_keys),
        cmocka_unit_test(test_sets_with_other_keys),
        cmocka_unit_test(test_bodies_that_are_no_keys),
        cmocka_unit_test(test_a_card_is_a_persons),
        cmocka_unit_test(test_an_hcert_is_a_persons),
        cmocka_unit_test(test_the_ways_of_the_eu),
        cmocka_unit_test(test_codes_that_are_no_certificate),
        cmocka_unit_test(test_a_card_is_revoked),
        cmocka_unit_test(test_batches),
        cmocka_unit_test(test_a_large_batch),
        cmocka_unit_test(test_an_issuer_is_revoked),
        cmocka_unit_test(test_no_word_of_it_is_kept),
    };
    curl_global_init(CURL_GLOBAL_DEFAULT);
    return cmocka_run_group_tests(tests, set_up_trust, tear_down_trust);
}
