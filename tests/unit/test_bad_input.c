/* SPDX-License-Identifier: Apache-2.0 */
/* What bad input is called, in all three formats side by side: each in turn is a good code but for
 * one thing. The same thing has the same name everywhere, and different things have different ones.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "code/base45.h"
#include "fakes/hcert_writer.h"
#include "fakes/shc_writer.h"
#include "gatehouse/code.h"

#define NOW (HCERT_IAT + 3600)
#define NONE GH_REASON_COUNT /* the format has no such thing */
#define ZERO32 "0000000000000000000000000000000000000000000000000000000000000000"
#define ONE32 "0000000000000000000000000000000000000000000000000000000000000001"
#define MAX32 "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"
#define DEEP "x'8181818181818181818181818181818181818100'"

/* In headers %A is the true algorithm, %K the true key's id, %O that of another trusted key. */
static const struct row {
    const char *what;
    enum gh_reason own, hcert, shc;
    const char *header, *signature, *frame; /* of COSE; NULL: the good ones */
    const char *times;                      /* of the CWT */
    const char *jose;                       /* a card's header; NULL: the good one */
    const char *jwt_times;                  /* NULL: the good ones */
    const char *behind;                     /* the end of a card's JSON */
    size_t cut;                             /* off it */
} rows[] = {
    {"good", GH_REASON_OK, GH_REASON_OK, GH_REASON_OK, .header = NULL},
    {"a huge length", GH_REASON_TRUNCATED, GH_REASON_TRUNCATED, NONE,
     .frame = "18([%P, x'ba1000000001', %C, %S])"},
    {"an early end", GH_REASON_TRUNCATED, GH_REASON_TRUNCATED, GH_REASON_TRUNCATED,
     .frame = "18([%P, %U, %C, x'58ff00'])", .cut = 1},
    {"deep nesting", GH_REASON_TOO_DEEP, GH_REASON_TOO_DEEP, GH_REASON_TOO_DEEP,
     .times = "4: 1651536000, 6: 1620000000, 9: " DEEP,
     .jwt_times = "\"nbf\":1620000000,\"x\":[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]"
                  "]]]]]]]]]]]"},
    {"a key twice", GH_REASON_DUPLICATE_KEY, GH_REASON_DUPLICATE_KEY, GH_REASON_DUPLICATE_KEY,
     .times = "4: 1651536000, 6: 1620000000, x'1806': 1620000000",
     .jwt_times = "\"nbf\":1620000000,\"nbf\":1620000000"},
    {"trailing bytes", GH_REASON_TRAILING, GH_REASON_TRAILING, GH_REASON_TRAILING,
     .frame = "18([%P, %U, %C, %S])x'00'", .behind = "0"},
    {"alg none", GH_REASON_BAD_ALGORITHM, GH_REASON_BAD_ALGORITHM, GH_REASON_BAD_ALGORITHM,
     .header = "{1: 'none', 4: %K}", .jose = "{\"zip\":\"DEF\",\"alg\":\"none\",\"kid\":\"%K\"}"},
    {"no alg", GH_REASON_BAD_ALGORITHM, GH_REASON_BAD_ALGORITHM, GH_REASON_BAD_ALGORITHM,
     .header = "{4: %K}", .jose = "{\"zip\":\"DEF\",\"kid\":\"%K\"}"},
    {"Ed25519 said, P-256 signed", GH_REASON_WRONG_ALGORITHM, GH_REASON_BAD_ALGORITHM,
     GH_REASON_BAD_ALGORITHM, .header = "{1: -8, 4: %K}",
     .jose = "{\"zip\":\"DEF\",\"alg\":\"EdDSA\",\"kid\":\"%K\"}"},
    {"RSA said, P-256 signed", GH_REASON_BAD_ALGORITHM, GH_REASON_WRONG_ALGORITHM,
     GH_REASON_BAD_ALGORITHM, .header = "{1: -37, 4: %K}",
     .jose = "{\"zip\":\"DEF\",\"alg\":\"PS256\",\"kid\":\"%K\"}"},
    {"no kid", GH_REASON_KEY_ID_MISSING, GH_REASON_KEY_ID_MISSING, GH_REASON_KEY_ID_MISSING,
     .header = "{1: %A}", .jose = "{\"zip\":\"DEF\",\"alg\":\"ES256\"}"},
    {"nobody's kid", GH_REASON_FOREIGN, GH_REASON_FOREIGN, GH_REASON_FOREIGN,
     .header = "{1: %A, 4: h'0102030405060708'}",
     .jose = "{\"zip\":\"DEF\",\"alg\":\"ES256\",\"kid\":"
             "\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"}"},
    {"another issuer's kid", GH_REASON_FORGED, GH_REASON_FORGED, GH_REASON_FORGED,
     .header = "{1: %A, 4: %O}", .jose = "{\"zip\":\"DEF\",\"alg\":\"ES256\",\"kid\":\"%O\"}"},
    {"a signature in DER", GH_REASON_SIGNATURE_FORM, GH_REASON_SIGNATURE_FORM,
     GH_REASON_SIGNATURE_FORM, .signature = "h'3044022001" ONE32 "022001" ONE32 "'"},
    {"r of 0", GH_REASON_SIGNATURE_RANGE, GH_REASON_SIGNATURE_RANGE, GH_REASON_SIGNATURE_RANGE,
     .signature = "h'" ZERO32 ONE32 "'"},
    {"s of 0", GH_REASON_SIGNATURE_RANGE, GH_REASON_SIGNATURE_RANGE, GH_REASON_SIGNATURE_RANGE,
     .signature = "h'" ONE32 ZERO32 "'"},
    {"the greatest r", GH_REASON_SIGNATURE_RANGE, GH_REASON_SIGNATURE_RANGE,
     GH_REASON_SIGNATURE_RANGE, .signature = "h'" MAX32 ONE32 "'"},
    {"the greatest s", GH_REASON_SIGNATURE_RANGE, GH_REASON_SIGNATURE_RANGE,
     GH_REASON_SIGNATURE_RANGE, .signature = "h'" ONE32 MAX32 "'"},
    {"another signature", GH_REASON_FORGED, GH_REASON_FORGED, GH_REASON_FORGED,
     .signature = "h'" ONE32 ONE32 "'"},
    {"exp before iat", GH_REASON_TIMES_CONTRADICT, GH_REASON_TIMES_CONTRADICT,
     GH_REASON_TIMES_CONTRADICT, .times = "4: 1619999999, 6: 1620000000",
     .jwt_times = "\"nbf\":1620000000,\"exp\":1619999999"},
    {"iat in the far future", GH_REASON_NOT_YET_VALID, GH_REASON_NOT_YET_VALID,
     GH_REASON_NOT_YET_VALID, .times = "4: 9007199254740992, 6: 9007199254740991",
     .jwt_times = "\"nbf\":9007199254740991"},
    {"over", GH_REASON_EXPIRED, GH_REASON_EXPIRED, GH_REASON_EXPIRED,
     .times = "4: 1620000001, 6: 1620000000", .jwt_times = "\"nbf\":1620000000,\"exp\":1620000001"},
    {"a fraction of a second", GH_REASON_BAD_TIME, GH_REASON_OK, GH_REASON_OK,
     .times = "4: 1651536000.5, 6: 1620000000.5",
     .jwt_times = "\"nbf\":1620000000.5,\"exp\":1651536000.5"},
    {"not a number", GH_REASON_BAD_TIME, GH_REASON_BAD_TIME, GH_REASON_MALFORMED,
     .times = "4: 1651536000, 6: NaN", .jwt_times = "\"nbf\":NaN"},
    {"infinite", GH_REASON_BAD_TIME, GH_REASON_BAD_TIME, GH_REASON_BAD_TIME,
     .times = "4: Infinity, 6: 1620000000", .jwt_times = "\"nbf\":1620000000,\"exp\":1e999"},
    {"negative", GH_REASON_BAD_TIME, GH_REASON_BAD_TIME, GH_REASON_BAD_TIME,
     .times = "4: 1651536000, 6: -1", .jwt_times = "\"nbf\":-1"},
};

/* --- keys ------------------------------------------------------------------------------------ */

static struct hcert_signer *signer,
    *other; /* of HCERTs and, with the same keys, of our own codes */
static struct gh_private_key *card_key, *other_card_key;
static struct gh_trust *trust;
static char own_kid[2][24]; /* as they stand in a header: h'...' */

static struct gh_issuer_key own_key(const struct hcert_signer *of, char kid[24])
{
    static const char digits[] = "0123456789abcdef";
    struct gh_issuer_key key = hcert_signer_key(of);
    uint8_t hash[GH_SHA256_BYTES];
    key.purposes = GH_PURPOSES_OWN;
    key.groups = 0;
    gh_sha256((struct gh_bytes){key.raw, key.raw_bytes}, hash);
    strcpy(kid, "h'");
    for (size_t i = 0; i < GH_KEY_ID_BYTES; i++) {
        kid[2 + 2 * i] = digits[hash[i] >> 4];
        kid[3 + 2 * i] = digits[hash[i] & 15];
    }
    strcpy(kid + 2 + 2 * GH_KEY_ID_BYTES, "'");
    return key;
}

static int setup(void **state)
{
    (void)state;
    signer = hcert_signer_new(GH_KEY_P256, 0, 0);
    other = hcert_signer_new(GH_KEY_P256, 0, 0);
    assert_int_equal(gh_private_key_generate(GH_KEY_P256, &card_key), GH_OK);
    assert_int_equal(gh_private_key_generate(GH_KEY_P256, &other_card_key), GH_OK);
    const struct gh_issuer_key keys[] = {
        hcert_signer_key(signer),          hcert_signer_key(other),
        own_key(signer, own_kid[0]),       own_key(other, own_kid[1]),
        shc_issuer_key(card_key, SHC_ISS), shc_issuer_key(other_card_key, SHC_ISS),
    };
    return gh_trust_new(keys, GH_ARRAY_SIZE(keys), NULL, &trust) != GH_OK;
}

static int teardown(void **state)
{
    (void)state;
    gh_trust_unref(trust);
    gh_private_key_free(card_key);
    gh_private_key_free(other_card_key);
    hcert_signer_free(signer);
    hcert_signer_free(other);
    return 0;
}

/* --- codes ----------------------------------------------------------------------------------- */

/* The text with what %K and %O stand for. */
static void fill_in(const char *text, const char *kid, const char *other_kid, char out[512])
{
    size_t size = 0;
    for (; *text != '\0'; text++) {
        const char *put = strncmp(text, "%K", 2) == 0   ? kid
                          : strncmp(text, "%O", 2) == 0 ? other_kid
                                                        : NULL;
        if (put == NULL) {
            out[size++] = *text;
        } else {
            memcpy(out + size, put, strlen(put));
            size += strlen(put);
            text++;
        }
    }
    out[size] = '\0';
}

static void check(const struct row *row, const char *format, const char *text,
                  enum gh_reason expected)
{
    struct gh_credential credential;
    gh_code_read(trust, (struct gh_bytes){(const uint8_t *)text, strlen(text)}, NOW, &credential);
    if (credential.reason != expected)
        fail_msg("%s, %s: %s", format, row->what, gh_reason_info(credential.reason)->token);
}

static const char *times_of(const struct row *row)
{
    return row->times != NULL ? row->times : "4: 1651536000, 6: 1620000000";
}

static struct hcert form_of(const struct row *row, const char *claims, const char *header)
{
    return (struct hcert){.claims = claims,
                          .protected_header = header,
                          .signature = row->signature,
                          .frame = row->frame};
}

static void test_own(void **state)
{
    (void)state;
    static uint8_t message[HCERT_BYTES];
    for (const struct row *row = rows; row < rows + GH_ARRAY_SIZE(rows); row++) {
        char claims[1024], header[512], text[4096];
        snprintf(claims, sizeof(claims),
                 "{1: 'test', 2: 'a1b2c3d4e5f60718', %s, 7: h'1122334455667788', "
                 "-65537: {1: 1, 2: 1, 6: true}}",
                 times_of(row));
        fill_in(row->header != NULL ? row->header : "{1: %A, 4: %K}", own_kid[0], own_kid[1],
                header);
        struct hcert form = form_of(row, claims, header);
        struct gh_writer writer = gh_writer_over(text, sizeof(text) - 1);
        gh_writer_put_text(&writer, "GH1:");
        gh_base45_put(&writer, (struct gh_bytes){message, hcert_message(signer, &form, message)});
        assert_false(writer.overflow);
        text[writer.size] = '\0';
        check(row, "own", text, row->own);
    }
}

static void test_hcert(void **state)
{
    (void)state;
    static char text[HCERT_TEXT_BYTES];
    struct gh_issuer_key key = hcert_signer_key(other);
    char other_kid[24];
    snprintf(other_kid, sizeof(other_kid), "h'%016llx'", (unsigned long long)gh_be64(key.key_id));
    for (const struct row *row = rows; row < rows + GH_ARRAY_SIZE(rows); row++) {
        char claims[1024], header[512];
        snprintf(claims, sizeof(claims),
                 "{1: 'AT', %s, -260: {1: {'v': [" HCERT_VACCINATION "], " HCERT_NAME "}}}",
                 times_of(row));
        fill_in(row->header != NULL ? row->header : "{1: %A, 4: %K}", "%K", other_kid, header);
        struct hcert form = form_of(row, claims, header);
        hcert_write(signer, &form, text);
        check(row, "HCERT", text, row->hcert);
    }
}

/* The bytes of h'...'. */
static size_t bytes_of(const char *notation, uint8_t out[128])
{
    size_t size = 0;
    unsigned byte;
    for (notation += 2; sscanf(notation, "%2x", &byte) == 1; notation += 2)
        out[size++] = (uint8_t)byte;
    return size;
}

static void test_shc(void **state)
{
    (void)state;
    char kid[SHC_KID_BYTES], other_kid[SHC_KID_BYTES];
    shc_kid(card_key, kid);
    shc_kid(other_card_key, other_kid);
    for (const struct row *row = rows; row < rows + GH_ARRAY_SIZE(rows); row++) {
        if (row->shc == NONE)
            continue;
        char header[512], whole[4096];
        uint8_t signature[128];
        char *payload = shc_payload(
            SHC_ISS, row->jwt_times != NULL ? row->jwt_times : "\"nbf\":1620000000", "");
        snprintf(whole, sizeof(whole), "%s%s", payload, row->behind != NULL ? row->behind : "");
        whole[strlen(whole) - row->cut] = '\0';
        struct shc_spec spec = {.key = card_key, .payload = whole};
        if (row->jose != NULL) {
            fill_in(row->jose, kid, other_kid, header);
            spec.header = header;
        }
        if (row->signature != NULL) {
            spec.signature = signature;
            spec.signature_bytes = bytes_of(row->signature, signature);
        }
        char *jws = shc_jws(&spec), *text = shc_text(jws);
        check(row, "SMART card", text, row->shc);
        free(text);
        free(jws);
        free(payload);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_own),
        cmocka_unit_test(test_hcert),
        cmocka_unit_test(test_shc),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
