/* SPDX-License-Identifier: Apache-2.0 */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gatehouse/file.h"
#include "gatehouse/jwk.h"

#define PUBLISHED "../shared/vectors/shc/issuer.jwks.json"

/* RFC 7515, appendix A.3. */
#define EC_X "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU"
#define EC_Y "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"
/* `{"crv":"P-256","kty":"EC","x":"...","y":"..."}` through openssl sha256. */
#define EC_THUMBPRINT "oKIywvGUpTVTyxMQ3bwIIeQUudfr_CkLMjCE19ECD-U"
/* RFC 8037, appendices A.2 and A.3. */
#define OKP_X "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"
#define OKP_THUMBPRINT "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"

#define EC_KEY "\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"" EC_X "\",\"y\":\"" EC_Y "\""
#define OKP_KEY "\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"" OKP_X "\""

static enum gh_status parse(const char *text, struct gh_jwk *out)
{
    struct gh_error err = {.status = GH_OK};
    json_t *json = json_loads(text, JSON_DECODE_ANY, NULL);
    assert_non_null(json);
    enum gh_status status = gh_jwk_parse(json, out, &err);
    assert_int_equal(err.status, status);
    json_decref(json);
    return status;
}

static void assert_thumbprint(const struct gh_jwk *jwk, const char *expected)
{
    uint8_t hash[GH_SHA256_BYTES];
    char text[44];
    gh_jwk_thumbprint(jwk, hash);
    gh_base64url_encode(hash, sizeof(hash), text);
    assert_string_equal(text, expected);
}

static void known_keys_are_read(void **state)
{
    (void)state;
    struct gh_jwk jwk;
    uint8_t raw[65] = {4};
    size_t size = 32;
    assert_int_equal(parse("{" OKP_KEY "}", &jwk), GH_OK);
    assert_int_equal(jwk.type, GH_KEY_ED25519);
    assert_int_equal(jwk.raw_bytes, 32);
    assert_int_equal(gh_base64url_decode(OKP_X, strlen(OKP_X), raw, &size), GH_OK);
    assert_memory_equal(jwk.raw, raw, 32);
    assert_thumbprint(&jwk, OKP_THUMBPRINT);

    assert_int_equal(parse("{" EC_KEY "}", &jwk), GH_OK);
    assert_int_equal(jwk.type, GH_KEY_P256);
    assert_int_equal(jwk.raw_bytes, 65);
    raw[0] = 4;
    size = 32;
    assert_int_equal(gh_base64url_decode(EC_X, strlen(EC_X), raw + 1, &size), GH_OK);
    assert_int_equal(gh_base64url_decode(EC_Y, strlen(EC_Y), raw + 33, &size), GH_OK);
    assert_memory_equal(jwk.raw, raw, 65);
    assert_thumbprint(&jwk, EC_THUMBPRINT);
}

/* What browsers export besides. */
static void other_members_are_passed_over(void **state)
{
    (void)state;
    struct gh_jwk jwk;
    assert_int_equal(parse("{\"ext\":true,\"key_ops\":[\"verify\"],\"kid\":7,\"alg\":null," EC_KEY
                           ",\"use\":{},\"x5c\":[\"d\"]}",
                           &jwk),
                     GH_OK);
    assert_thumbprint(&jwk, EC_THUMBPRINT);
    assert_int_equal(parse("{\"y\":\"none\"," OKP_KEY "}", &jwk), GH_OK);
    assert_thumbprint(&jwk, OKP_THUMBPRINT);
}

static void assert_refused(const char *text, enum gh_status expected)
{
    static const struct gh_jwk nothing;
    struct gh_jwk jwk = {.raw_bytes = 1};
    enum gh_status status = parse(text, &jwk);
    if (status != expected)
        fail_msg("%s: %s", text, gh_status_text(status));
    assert_memory_equal(&jwk, &nothing, sizeof(jwk));
}

static void other_types_are_unsupported(void **state)
{
    (void)state;
    static const char *const keys[] = {
        "{\"kty\":\"RSA\",\"n\":\"AQAB\",\"e\":\"AQAB\"}",
        "{\"kty\":\"oct\",\"k\":\"AQAB\"}",
        "{\"kty\":\"EC\",\"crv\":\"P-384\",\"x\":\"" EC_X "\",\"y\":\"" EC_Y "\"}",
        "{\"kty\":\"EC\",\"crv\":\"secp256k1\",\"x\":\"" EC_X "\",\"y\":\"" EC_Y "\"}",
        "{\"kty\":\"EC\",\"crv\":\"Ed25519\",\"x\":\"" OKP_X "\"}",
        "{\"kty\":\"OKP\",\"crv\":\"P-256\",\"x\":\"" EC_X "\",\"y\":\"" EC_Y "\"}",
        "{\"kty\":\"OKP\",\"crv\":\"X25519\",\"x\":\"" OKP_X "\"}",
        "{\"kty\":\"OKP\",\"crv\":\"Ed448\",\"x\":\"" OKP_X "\"}",
        "{\"kty\":\"ec\",\"crv\":\"P-256\",\"x\":\"" EC_X "\",\"y\":\"" EC_Y "\"}",
        "{\"kty\":\"EC2\",\"crv\":\"P-256\",\"x\":\"" EC_X "\",\"y\":\"" EC_Y "\"}",
        "{\"kty\":\"E\",\"crv\":\"P-256\",\"x\":\"" EC_X "\",\"y\":\"" EC_Y "\"}",
    };
    for (size_t i = 0; i < GH_ARRAY_SIZE(keys); i++)
        assert_refused(keys[i], GH_ERR_UNSUPPORTED);
}

static void private_keys_are_refused(void **state)
{
    (void)state;
    static const char *const keys[] = {
        "{" EC_KEY ",\"d\":\"jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI\"}",
        "{" OKP_KEY ",\"d\":\"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A\"}",
        "{\"d\":null," OKP_KEY "}",
        "{\"kty\":\"RSA\",\"n\":\"AQAB\",\"e\":\"AQAB\",\"d\":\"AQAB\"}",
    };
    for (size_t i = 0; i < GH_ARRAY_SIZE(keys); i++)
        assert_refused(keys[i], GH_ERR_INVALID);
}

#define A42 "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"

static void wrong_members_are_refused(void **state)
{
    (void)state;
    static const char *const keys[] = {
        "{}",
        "[]",
        "null",
        "\"EC\"",
        "{\"kty\":5,\"crv\":\"P-256\",\"x\":\"" EC_X "\",\"y\":\"" EC_Y "\"}",
        "{\"kty\":\"EC\",\"x\":\"" EC_X "\",\"y\":\"" EC_Y "\"}",
        "{\"kty\":\"EC\",\"crv\":[\"P-256\"],\"x\":\"" EC_X "\",\"y\":\"" EC_Y "\"}",
        "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"" EC_X "\"}",
        "{\"kty\":\"EC\",\"crv\":\"P-256\",\"y\":\"" EC_Y "\"}",
        "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"" EC_X "\",\"y\":true}", /* only COSE has that */
        "{\"kty\":\"OKP\",\"crv\":\"Ed25519\"}",
        "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"\"}",
        /* padded, with spaces, of base64's other alphabet, one digit less and more */
        "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"" OKP_X "=\"}",
        "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\" " OKP_X "\"}",
        "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"11qYAYKxCrfVS/"
        "7TyWQHOg7hcvPapiMlrwIaaPcHURo\"}",
        "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"11qYAYKxCrfVS_"
        "7TyWQHOg7hcvPapiMlrwIaaPcHUR\"}",
        "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"" OKP_X "A\"}",
        "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"" OKP_X "AA\"}",
        /* bits behind the last byte that are not 0: ..URo and ..URp are the same 32 bytes */
        "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"11qYAYKxCrfVS_"
        "7TyWQHOg7hcvPapiMlrwIaaPcHURp\"}",
        /* no points */
        "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"" A42 "A\"}",
        "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"" A42 "A\",\"y\":\"" A42 "A\"}",
        "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"" EC_Y "\",\"y\":\"" EC_X "\"}",
        /* a coordinate with its leading zero left out, or one before it */
        "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"" A42 "\",\"y\":\"" EC_Y "\"}",
        "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"" EC_X "\",\"y\":\"" A42 "AA\"}",
    };
    for (size_t i = 0; i < GH_ARRAY_SIZE(keys); i++)
        assert_refused(keys[i], GH_ERR_INVALID);
    struct gh_jwk jwk;
    assert_int_equal(gh_jwk_parse(NULL, &jwk, NULL), GH_ERR_INVALID);
}

/* Leading zeros of a coordinate are part of the text that is hashed. */
static void thumbprints_of_short_numbers(void **state)
{
    (void)state;
    struct gh_jwk jwk;
    /* x = 5 */
    assert_int_equal(parse("{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":"
                           "\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAU\","
                           "\"y\":\"RZJDuapYGAb-kTvOmYF63hHKUDxk2aPFM0FcCDJI-8w\"}",
                           &jwk),
                     GH_OK);
    assert_thumbprint(&jwk, "guMJItZlg4MfENFlqirJMHhU1fhV9FXPOI-WN59HrCo");
}

/* --- sets --- */

#define ISSUER "https://health.example/issuer"
#define SIGNS "\"use\":\"sig\",\"alg\":\"ES256\""
#define GOOD_KEY "{" EC_KEY "," SIGNS ",\"kid\":\"" EC_THUMBPRINT "\"}"
#define SET(keys) "{\"iss\":\"" ISSUER "\",\"keys\":[" keys "]}"

static struct gh_issuer_key given[4];
static size_t given_count, wanted_count, passed_over;

static bool take(void *context, const struct gh_issuer_key *key)
{
    assert_ptr_equal(context, given);
    assert_true(given_count < GH_ARRAY_SIZE(given));
    given[given_count++] = *key;
    return given_count < wanted_count;
}

static enum gh_status read_bytes(const void *text, size_t size)
{
    struct gh_error err = {.status = GH_OK};
    given_count = passed_over = 0;
    enum gh_status status =
        gh_jwks_read((struct gh_bytes){text, size}, take, given, &passed_over, &err);
    assert_int_equal(err.status, status);
    if (status != GH_OK)
        assert_true(strlen(err.text) > 0);
    return status;
}

static enum gh_status read_set(const char *text)
{
    wanted_count = 9;
    return read_bytes(text, strlen(text));
}

static void sets_are_read(void **state)
{
    (void)state;
    assert_int_equal(read_set(SET(GOOD_KEY)), GH_OK);
    assert_int_equal(given_count, 1);
    uint8_t thumbprint[GH_SHA256_BYTES];
    size_t size = sizeof(thumbprint);
    assert_int_equal(gh_base64url_decode(EC_THUMBPRINT, strlen(EC_THUMBPRINT), thumbprint, &size),
                     GH_OK);
    assert_int_equal(given[0].type, GH_KEY_P256);
    assert_int_equal(given[0].raw_bytes, 65);
    assert_int_equal(given[0].purposes, GH_PURPOSE(GH_KIND_SHC));
    assert_int_equal(given[0].groups, 0);
    assert_true(given[0].not_before_s == INT64_MIN && given[0].not_after_s == INT64_MAX);
    assert_false(given[0].revoked);
    assert_string_equal(given[0].issuer, ISSUER);
    assert_memory_equal(given[0].key_id, thumbprint, GH_KEY_ID_BYTES);
    struct gh_trust *trust = NULL;
    assert_int_equal(gh_trust_new(given, 1, NULL, &trust), GH_OK);
    gh_trust_unref(trust);

    assert_int_equal(read_set(SET("")), GH_OK);
    assert_int_equal(given_count, 0);
    assert_int_equal(read_set(SET(GOOD_KEY "," GOOD_KEY)), GH_OK);
    assert_int_equal(given_count, 2);
    wanted_count = 1;
    assert_int_equal(read_bytes(SET(GOOD_KEY "," GOOD_KEY), strlen(SET(GOOD_KEY "," GOOD_KEY))),
                     GH_OK);
    assert_int_equal(given_count, 1);
    assert_int_equal(read_set("{\"keys\":[" GOOD_KEY "],\"more\":[1],\"iss\":\"https://a\"}"),
                     GH_OK);
    assert_string_equal(given[0].issuer, "https://a");
}

static void keys_for_something_else_are_passed_over(void **state)
{
    (void)state;
    static const char *const sets[] = {
        SET("{\"kty\":\"RSA\",\"n\":\"AQAB\",\"e\":\"AQAB\",\"use\":\"sig\",\"alg\":\"RS256\"}"
            "," GOOD_KEY),
        SET("{\"kty\":\"oct\"," SIGNS "}," GOOD_KEY),
        SET("{" OKP_KEY "," SIGNS "}," GOOD_KEY),
        SET("{" OKP_KEY ",\"use\":\"sig\",\"alg\":\"EdDSA\"}," GOOD_KEY),
        SET("{\"kty\":\"EC\",\"crv\":\"P-384\"," SIGNS "}," GOOD_KEY),
        SET("{" EC_KEY ",\"use\":\"enc\",\"alg\":\"ES256\"}," GOOD_KEY),
        SET("{" EC_KEY ",\"alg\":\"ES256\"}," GOOD_KEY),
        SET("{" EC_KEY ",\"use\":\"sig\"}," GOOD_KEY),
        SET("{" EC_KEY ",\"use\":\"sig\",\"alg\":\"ECDH-ES\"}," GOOD_KEY),
        SET(GOOD_KEY ",{" EC_KEY ",\"use\":\"sig\",\"alg\":7}"),
    };
    for (size_t i = 0; i < GH_ARRAY_SIZE(sets); i++) {
        if (read_set(sets[i]) != GH_OK || given_count != 1)
            fail_msg("%s", sets[i]);
        assert_int_equal(given[0].type, GH_KEY_P256);
    }
}

static void wrong_sets_are_refused(void **state)
{
    (void)state;
    static const char *const sets[] = {
        "",
        "{",
        "[]",
        "null",
        "{}",
        "not JSON",
        SET(GOOD_KEY) " x",
        SET(GOOD_KEY) SET(GOOD_KEY),
        "{\"keys\":[" GOOD_KEY "]}",
        "{\"iss\":\"" ISSUER "\"}",
        "{\"iss\":\"" ISSUER "\",\"keys\":{}}",
        "{\"iss\":\"" ISSUER "\",\"keys\":[],\"keys\":[]}", /* twice */
        "{\"iss\":\"" ISSUER "\",\"iss\":\"" ISSUER "\",\"keys\":[]}",
        SET("{" EC_KEY "," EC_KEY "," SIGNS ",\"kid\":\"" EC_THUMBPRINT "\"}"),
        SET("7"),
        SET("[]"),
        /* the issuer */
        "{\"iss\":7,\"keys\":[]}",
        "{\"iss\":\"\",\"keys\":[]}",
        "{\"iss\":\"https://\",\"keys\":[]}",
        "{\"iss\":\"https:///\",\"keys\":[]}",
        "{\"iss\":\"" ISSUER "/\",\"keys\":[]}",
        "{\"iss\":\"http://health.example\",\"keys\":[]}",
        "{\"iss\":\"HTTPS://health.example\",\"keys\":[]}",
        "{\"iss\":\" " ISSUER "\",\"keys\":[]}",
        "{\"iss\":\"https://health example\",\"keys\":[]}",
        "{\"iss\":\"https://health.example\\n\",\"keys\":[]}",
        "{\"iss\":\"https://health.ex\\u00e4mple\",\"keys\":[]}",
        "{\"iss\":\"https://health.example\\u0000\",\"keys\":[]}",
        /* the kid */
        SET("{" EC_KEY "," SIGNS "}"),
        SET("{" EC_KEY "," SIGNS ",\"kid\":7}"),
        SET("{" EC_KEY "," SIGNS ",\"kid\":\"\"}"),
        SET("{" EC_KEY "," SIGNS ",\"kid\":\"" OKP_THUMBPRINT "\"}"),
        SET("{" EC_KEY "," SIGNS ",\"kid\":\"" EC_THUMBPRINT "=\"}"),
        /* the key */
        SET("{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"" EC_X "\"," SIGNS "}"),
        SET("{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"" EC_Y "\",\"y\":\"" EC_X "\"," SIGNS "}"),
        SET("{" EC_KEY ",\"d\":\"" EC_X "\"," SIGNS ",\"kid\":\"" EC_THUMBPRINT "\"}"),
        SET("{" EC_KEY ",\"d\":\"" EC_X "\",\"use\":\"enc\"}"),
        SET("{\"kty\":\"RSA\",\"d\":\"AQAB\"}"),
    };
    for (size_t i = 0; i < GH_ARRAY_SIZE(sets); i++) {
        enum gh_status status = read_set(sets[i]);
        if (status != GH_ERR_INVALID || given_count != 0)
            fail_msg("%s: %s", sets[i], gh_status_text(status));
    }
    wanted_count = 9;
    assert_int_equal(read_bytes(NULL, 0), GH_ERR_INVALID);
    assert_int_equal(read_bytes("{\"iss\":\"\0\"}", 10), GH_ERR_INVALID);
}

/* It has room for 255 letters, and is never cut. */
static void issuers_have_a_limit(void **state)
{
    (void)state;
    char text[1000], name[GH_ISSUER_BYTES + 1] = "https://";
    memset(name + 8, 'x', sizeof(name) - 9);
    name[GH_ISSUER_BYTES] = '\0';
    snprintf(text, sizeof(text), "{\"iss\":\"%s\",\"keys\":[" GOOD_KEY "]}", name);
    assert_int_equal(read_set(text), GH_ERR_INVALID);
    name[GH_ISSUER_BYTES - 1] = '\0';
    snprintf(text, sizeof(text), "{\"iss\":\"%s\",\"keys\":[" GOOD_KEY "]}", name);
    assert_int_equal(read_set(text), GH_OK);
    assert_string_equal(given[0].issuer, name);
}

static void sets_have_a_limit(void **state)
{
    (void)state;
    char *text = malloc(GH_JWKS_MAX_BYTES + 1);
    assert_non_null(text);
    memset(text, ' ', GH_JWKS_MAX_BYTES + 1);
    memcpy(text, SET(GOOD_KEY), strlen(SET(GOOD_KEY)));
    wanted_count = 9;
    assert_int_equal(read_bytes(text, GH_JWKS_MAX_BYTES), GH_OK);
    assert_int_equal(read_bytes(text, GH_JWKS_MAX_BYTES + 1), GH_ERR_TOOBIG);
    memset(text, '[', GH_JWKS_MAX_BYTES); /* nested as deep as it goes */
    assert_int_equal(read_bytes(text, GH_JWKS_MAX_BYTES), GH_ERR_INVALID);
    free(text);
}

/* Real ones: gh_jwks_read itself compares each kid with the thumbprint. */
static void published_keys_are_read(void **state)
{
    (void)state;
    uint8_t *text = NULL;
    size_t size = 0;
    if (gh_file_read(PUBLISHED, GH_JWKS_MAX_BYTES, &text, &size, NULL) == GH_ERR_NOTFOUND) {
        print_message("../shared is absent\n");
        skip();
    }
    wanted_count = 9;
    assert_int_equal(read_bytes(text, size), GH_OK);
    assert_int_equal(given_count, 2);
    for (size_t i = 0; i < given_count; i++) {
        static const char *const kids[] = {"3Kfdg-XwP-7gXyywtUfUADwBumDOPKMQx-iELL11W9s",
                                           "EBKOr72QQDcTBUuVzAzkfBTGew0ZA16GuWty64nS-sw"};
        struct gh_jwk jwk = {.type = given[i].type, .raw_bytes = given[i].raw_bytes};
        memcpy(jwk.raw, given[i].raw, jwk.raw_bytes);
        assert_thumbprint(&jwk, kids[i]);
        assert_string_equal(given[i].issuer, "https://spec.smarthealth.cards/examples/issuer");
    }
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_keys_are_read),
        cmocka_unit_test(other_members_are_passed_over),
        cmocka_unit_test(other_types_are_unsupported),
        cmocka_unit_test(private_keys_are_refused),
        cmocka_unit_test(wrong_members_are_refused),
        cmocka_unit_test(thumbprints_of_short_numbers),
        cmocka_unit_test(sets_are_read),
        cmocka_unit_test(keys_for_something_else_are_passed_over),
        cmocka_unit_test(wrong_sets_are_refused),
        cmocka_unit_test(issuers_have_a_limit),
        cmocka_unit_test(sets_have_a_limit),
        cmocka_unit_test(published_keys_are_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
