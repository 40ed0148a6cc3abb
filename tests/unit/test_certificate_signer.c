/* SPDX-License-Identifier: Apache-2.0 */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */
#include <dirent.h>
#include <openssl/err.h>
#include <openssl/rsa.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "certificate_fixture.h"
#include "gatehouse/file.h"

#define PUBLISHED "../shared/vectors/hcert/certs"

static EVP_PKEY *p256, *rsa;

static int make_keys(void **state)
{
    (void)state;
    p256 = EVP_EC_gen("P-256");
    rsa = EVP_RSA_gen(2048);
    return p256 == NULL || rsa == NULL;
}

static int free_keys(void **state)
{
    (void)state;
    EVP_PKEY_free(p256);
    EVP_PKEY_free(rsa);
    return 0;
}

static struct gh_signer read_signer(const struct certificate *certificate)
{
    struct gh_signer signer;
    struct gh_error err = {.status = GH_OK};
    assert_int_equal(gh_signer_from_der(der_of(certificate), &signer, &err), GH_OK);
    assert_int_equal(err.status, GH_OK);
    return signer;
}

static void assert_refused(struct gh_bytes der, enum gh_status expected)
{
    static const struct gh_signer nothing;
    struct gh_signer signer = {.raw_bytes = 1};
    struct gh_error err = {.status = GH_OK};
    assert_int_equal(gh_signer_from_der(der, &signer, &err), expected);
    assert_int_equal(err.status, expected);
    assert_true(strlen(err.text) > 0);
    assert_memory_equal(&signer, &nothing, sizeof(signer));
    assert_true(ERR_peek_error() == 0);
}

/* --- what is read --- */

static void keys_and_hashes_are_read(void **state)
{
    (void)state;
    EVP_PKEY *keys[] = {p256, rsa};
    static const enum gh_key_type types[] = {GH_KEY_P256, GH_KEY_PS256};
    for (size_t i = 0; i < GH_ARRAY_SIZE(keys); i++) {
        struct certificate certificate = make_certificate(keys[i], NULL);
        struct gh_signer signer = read_signer(&certificate);
        uint8_t hash[GH_SHA256_BYTES], *raw = NULL;
        int raw_bytes = i2d_PublicKey(keys[i], &raw);
        assert_int_equal(signer.type, types[i]);
        assert_int_equal(signer.raw_bytes, raw_bytes);
        assert_memory_equal(signer.raw, raw, signer.raw_bytes);
        gh_sha256(der_of(&certificate), hash);
        assert_memory_equal(signer.sha256, hash, sizeof(hash));
        assert_int_equal(signer.not_before_s, CERTIFICATE_FROM_S);
        assert_int_equal(signer.not_after_s, CERTIFICATE_UNTIL_S);
        OPENSSL_free(raw);
        free_certificate(&certificate);
    }
}

/* The times are two forms in X.509: UTCTime until 2049, GeneralizedTime from then on. */
static void validity_is_read(void **state)
{
    (void)state;
    static const struct {
        const char *from, *until;
        int64_t from_s, until_s;
    } spans[] = {
        {"19700101000000Z", "20380119031408Z", 0, INT64_C(2147483648)},
        {"19500101000000Z", "20491231235959Z", INT64_C(-631152000), INT64_C(2524607999)},
        {"20500101000000Z", "99991231235959Z", INT64_C(2524608000), INT64_C(253402300799)},
    };
    for (size_t i = 0; i < GH_ARRAY_SIZE(spans); i++) {
        struct certificate_options options = {.from = spans[i].from, .until = spans[i].until};
        struct certificate certificate = make_certificate(p256, &options);
        struct gh_signer signer = read_signer(&certificate);
        assert_int_equal(signer.not_before_s, spans[i].from_s);
        assert_int_equal(signer.not_after_s, spans[i].until_s);
        free_certificate(&certificate);
    }
}

#define EU "1.3.6.1.4.1.1847.2021.1."
#define SLIP "1.3.6.1.4.1.0.1847.2021.1."
#define FOREIGN "1.3.6.1.5.5.7.3.2"

static void usages_say_what_may_be_signed(void **state)
{
    (void)state;
    static const struct {
        const char *usages;
        bool test, vaccination, recovery;
    } cases[] = {
        {NULL, true, true, true}, /* no extension */
        {"", true, true, true},   /* an empty one */
        {EU "1", true, false, false},
        {EU "2", false, true, false},
        {EU "3", false, false, true},
        {SLIP "1", true, false, false},
        {SLIP "2", false, true, false},
        {SLIP "3", false, false, true},
        {EU "1," EU "3", true, false, true},
        {EU "1," SLIP "2", true, true, false},
        {SLIP "1," SLIP "2," SLIP "3", true, true, true},
        {EU "2," EU "2", false, true, false},
        {FOREIGN, true, true, true},
        {FOREIGN ",2.5.29.37.0", true, true, true},
        {FOREIGN "," EU "3", false, false, true}, /* one of ours counts, whatever else there is */
        {EU "3," FOREIGN, false, false, true},
        /* near misses are foreign */
        {EU "4", true, true, true},
        {EU "0", true, true, true},
        {EU "1.1", true, true, true},
        {EU "11", true, true, true},
        {"1.3.6.1.4.1.1847.2021.1", true, true, true},
        {"1.3.6.1.4.1.1847.2021.2.1", true, true, true},
        {"1.3.6.1.4.1.1.1847.2021.1.1", true, true, true},
        {EU "4," EU "2", false, true, false},
        {EU "1.2.3.4.5.6.7.8.9.10.11.12.13.14.15.16.17.18.19.20.21.22", true, true, true},
    };
    for (size_t i = 0; i < GH_ARRAY_SIZE(cases); i++) {
        struct certificate_options options = {.usages = cases[i].usages};
        struct certificate certificate = make_certificate(p256, &options);
        struct gh_signer signer = read_signer(&certificate);
        if (signer.may_test != cases[i].test || signer.may_vaccination != cases[i].vaccination ||
            signer.may_recovery != cases[i].recovery)
            fail_msg("usages \"%s\"", cases[i].usages != NULL ? cases[i].usages : "none");
        free_certificate(&certificate);
    }
}

static void a_usage_that_cannot_be_read_is_no_permission(void **state)
{
    (void)state;
    static const struct certificate_options cases[] = {
        {.usage_der = "0500"},                   /* NULL */
        {.usage_der = "3003020101"},             /* a number */
        {.usage_der = "300506"},                 /* cut */
        {.usages = EU "1", .usage_der = "3000"}, /* twice */
    };
    for (size_t i = 0; i < GH_ARRAY_SIZE(cases); i++) {
        struct certificate certificate = make_certificate(p256, &cases[i]);
        assert_refused(der_of(&certificate), GH_ERR_CORRUPT);
        free_certificate(&certificate);
    }
}

/* --- keys of all kinds --- */

static void compressed_points_are_keys(void **state)
{
    (void)state;
    uint8_t *raw = NULL;
    EVP_PKEY *key = EVP_PKEY_dup(p256);
    assert_int_equal(EVP_PKEY_set_utf8_string_param(key, "point-format", "compressed"), 1);
    struct certificate certificate = make_certificate(key, NULL);
    struct gh_signer signer = read_signer(&certificate);
    assert_int_equal(signer.type, GH_KEY_P256);
    assert_int_equal(i2d_PublicKey(p256, &raw), 65);
    assert_memory_equal(signer.raw, raw, 65);
    OPENSSL_free(raw);
    free_certificate(&certificate);
    EVP_PKEY_free(key);
}

static void keys_that_sign_no_codes(void **state)
{
    (void)state;
    EVP_PKEY *keys[] = {EVP_EC_gen("P-384"), EVP_EC_gen("secp256k1"),
                        EVP_PKEY_Q_keygen(NULL, NULL, "ED25519"), EVP_RSA_gen(1024)};
    for (size_t i = 0; i < GH_ARRAY_SIZE(keys); i++) {
        assert_non_null(keys[i]);
        struct certificate certificate = make_certificate(keys[i], NULL);
        assert_refused(der_of(&certificate), GH_ERR_UNSUPPORTED);
        free_certificate(&certificate);
        EVP_PKEY_free(keys[i]);
    }
}

static EVP_PKEY *make_pss_key(const char *hash, const char *mgf1_hash, int salt_bytes)
{
    EVP_PKEY *key = NULL;
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, "RSA-PSS", NULL);
    assert_int_equal(EVP_PKEY_keygen_init(context), 1);
    assert_int_equal(EVP_PKEY_CTX_set_rsa_keygen_bits(context, 2048), 1);
    if (hash != NULL) {
        assert_int_equal(EVP_PKEY_CTX_set_rsa_pss_keygen_md_name(context, hash, NULL), 1);
        assert_int_equal(EVP_PKEY_CTX_set_rsa_pss_keygen_mgf1_md_name(context, mgf1_hash), 1);
        assert_int_equal(EVP_PKEY_CTX_set_rsa_pss_keygen_saltlen(context, salt_bytes), 1);
    }
    assert_int_equal(EVP_PKEY_generate(context, &key), 1);
    EVP_PKEY_CTX_free(context);
    return key;
}

/* id-RSASSA-PSS: what the key says of itself is kept. */
static void pss_keys_may_restrict_themselves(void **state)
{
    (void)state;
    static const struct {
        const char *hash, *mgf1_hash;
        int salt_bytes; /* at least */
        bool good;
    } cases[] = {
        {NULL, NULL, 0, true},          {"SHA256", "SHA256", 32, true},
        {"SHA256", "SHA256", 20, true}, {"SHA256", "SHA256", 33, false},
        {"SHA256", "SHA1", 32, false},  {"SHA384", "SHA384", 32, false},
    };
    for (size_t i = 0; i < GH_ARRAY_SIZE(cases); i++) {
        EVP_PKEY *key = make_pss_key(cases[i].hash, cases[i].mgf1_hash, cases[i].salt_bytes);
        struct certificate certificate = make_certificate(key, NULL);
        if (cases[i].good)
            assert_int_equal(read_signer(&certificate).type, GH_KEY_PS256);
        else
            assert_refused(der_of(&certificate), GH_ERR_UNSUPPORTED);
        free_certificate(&certificate);
        EVP_PKEY_free(key);
    }
}

/* --- what is no certificate --- */

static void a_point_off_the_curve_is_no_key(void **state)
{
    (void)state;
    struct certificate certificate = make_certificate(p256, NULL);
    uint8_t *raw = NULL;
    assert_int_equal(i2d_PublicKey(p256, &raw), 65);
    uint8_t *point = memmem(certificate.der, certificate.size, raw, 65);
    assert_non_null(point);
    point[64] ^= 1;
    assert_refused(der_of(&certificate), GH_ERR_CORRUPT);
    point[64] ^= 1;
    point[0] = 2; /* no such form at this length */
    assert_refused(der_of(&certificate), GH_ERR_CORRUPT);
    OPENSSL_free(raw);
    free_certificate(&certificate);
}

static void nothing_follows_and_nothing_is_missing(void **state)
{
    (void)state;
    struct certificate certificate = make_certificate(p256, NULL);
    uint8_t more[4096] = {0};
    for (size_t size = 0; size < certificate.size; size++) {
        uint8_t *cut = malloc(size > 0 ? size : 1); /* so that a sanitizer sees its end */
        assert_non_null(cut);
        memcpy(cut, certificate.der, size);
        assert_refused((struct gh_bytes){cut, size}, GH_ERR_CORRUPT);
        free(cut);
    }
    memcpy(more, certificate.der, certificate.size);
    assert_refused((struct gh_bytes){more, certificate.size + 1}, GH_ERR_CORRUPT);
    memcpy(more + certificate.size, certificate.der, certificate.size);
    assert_refused((struct gh_bytes){more, 2 * certificate.size}, GH_ERR_CORRUPT);
    assert_refused((struct gh_bytes){NULL, 0}, GH_ERR_CORRUPT);
    assert_refused((struct gh_bytes){(const uint8_t *)"certificate", 11}, GH_ERR_CORRUPT);
    free_certificate(&certificate);
}

/* Any one bit: refused, or a signer whose key is one; and nothing goes down. */
static void altered_certificates_take_nothing_down(void **state)
{
    (void)state;
    EVP_PKEY *keys[] = {p256, rsa};
    for (size_t k = 0; k < GH_ARRAY_SIZE(keys); k++) {
        struct certificate_options options = {.usages = EU "1," FOREIGN};
        struct certificate certificate = make_certificate(keys[k], &options);
        for (size_t bit = 0; bit < certificate.size * 8; bit++) {
            struct gh_signer signer;
            certificate.der[bit / 8] ^= (uint8_t)(1 << bit % 8);
            if (gh_signer_from_der(der_of(&certificate), &signer, NULL) == GH_OK) {
                struct gh_public_key *key = NULL;
                struct gh_bytes raw = {signer.raw, signer.raw_bytes};
                assert_int_equal(gh_public_key_from_raw(signer.type, raw, &key), GH_OK);
                gh_public_key_free(key);
            }
            certificate.der[bit / 8] ^= (uint8_t)(1 << bit % 8);
        }
        free_certificate(&certificate);
    }
    assert_true(ERR_peek_error() == 0);
}

/* --- PEM --- */

static struct gh_signer given[4];
static size_t given_count, wanted_count, passed_over;

static bool take(void *context, const struct gh_signer *signer)
{
    assert_ptr_equal(context, given);
    assert_true(given_count < GH_ARRAY_SIZE(given));
    given[given_count++] = *signer;
    return given_count < wanted_count;
}

static enum gh_status read_pem(const char *text, size_t wanted)
{
    struct gh_error err = {.status = GH_OK};
    given_count = passed_over = 0;
    wanted_count = wanted;
    enum gh_status status = gh_signers_from_pem(
        (struct gh_bytes){(const uint8_t *)text, strlen(text)}, take, given, &passed_over, &err);
    assert_int_equal(err.status, status);
    assert_true(ERR_peek_error() == 0);
    return status;
}

#define PRIVATE_KEY                                                                                \
    "-----BEGIN PRIVATE KEY-----\n"                                                                \
    "MC4CAQAwBQYDK2VwBCIEIJrB29GIhhIaT9uKAGMWtXlNZwG1kEcrGVgFu01b+lLQ\n"                           \
    "-----END PRIVATE KEY-----\n"

static void bundles_are_read_in_order(void **state)
{
    (void)state;
    struct certificate one = make_certificate(p256, NULL), two = make_certificate(rsa, NULL);
    char text[16384], *one_pem = pem_of(&one), *two_pem = pem_of(&two);
    snprintf(text, sizeof(text), "Bag Attributes\n    a: b\n%s\n" PRIVATE_KEY "# and\r\n%s%s",
             one_pem, two_pem, one_pem);
    assert_int_equal(read_pem(text, 9), GH_OK);
    assert_int_equal(given_count, 3);
    assert_int_equal(given[0].type, GH_KEY_P256);
    assert_int_equal(given[1].type, GH_KEY_PS256);
    assert_memory_equal(&given[2], &given[0], sizeof(given[0]));
    uint8_t hash[GH_SHA256_BYTES];
    gh_sha256(der_of(&two), hash);
    assert_memory_equal(given[1].sha256, hash, sizeof(hash));

    assert_int_equal(read_pem(text, 1), GH_OK); /* who has enough says so */
    assert_int_equal(given_count, 1);
    assert_int_equal(read_pem(text, 2), GH_OK);
    assert_int_equal(given_count, 2);
    free(one_pem);
    free(two_pem);
    free_certificate(&one);
    free_certificate(&two);
}

static void texts_without_certificates(void **state)
{
    (void)state;
    assert_int_equal(read_pem("", 9), GH_ERR_NOTFOUND);
    assert_int_equal(read_pem("nothing\n", 9), GH_ERR_NOTFOUND);
    assert_int_equal(read_pem(PRIVATE_KEY, 9), GH_ERR_NOTFOUND);
    assert_int_equal(gh_signers_from_pem((struct gh_bytes){NULL, 0}, take, given, NULL, NULL),
                     GH_ERR_NOTFOUND);
    assert_int_equal(given_count, 0);
}

/* A key of another type does not hide those behind it, nor does a block that is none of ours. */
static void others_are_passed_over(void **state)
{
    (void)state;
    EVP_PKEY *p384 = EVP_EC_gen("P-384");
    struct certificate good = make_certificate(p256, NULL), other = make_certificate(p384, NULL);
    char text[8192], *good_pem = pem_of(&good), *other_pem = pem_of(&other);
    snprintf(text, sizeof(text),
             "%s%s-----BEGIN PRIVATE KEY-----\nMIIB\n-----END CERTIFICATE-----\n%s%s", other_pem,
             good_pem, other_pem, good_pem);
    assert_int_equal(read_pem(text, 9), GH_OK);
    assert_int_equal(given_count, 2);
    assert_int_equal(passed_over, 2);
    assert_int_equal(read_pem(other_pem, 9), GH_OK);
    assert_int_equal(given_count, 0);
    assert_int_equal(passed_over, 1);
    free(good_pem);
    free(other_pem);
    free_certificate(&good);
    free_certificate(&other);
    EVP_PKEY_free(p384);
}

static void the_first_error_ends_it(void **state)
{
    (void)state;
    static const char *const broken[] = {
        "-----BEGIN CERTIFICATE-----\nMA==\n-----END CERTIFICATE-----\n",
        "-----BEGIN CERTIFICATE-----\n!!!!\n-----END CERTIFICATE-----\n",
        "-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n",
        "-----BEGIN CERTIFICATE-----\nMIIB\n",
        "-----BEGIN CERTIFICATE-----\nMIIB\n-----END PRIVATE KEY-----\n",
        "-----BEGIN CERTIFICATE-----and more\nMIIB\n-----END CERTIFICATE-----\n",
        "-----BEGIN CERTIFICATE-----and more\n" PRIVATE_KEY "-----END CERTIFICATE-----\n",
    };
    struct certificate good = make_certificate(p256, NULL);
    EVP_PKEY *p384 = EVP_EC_gen("P-384");
    struct certificate other = make_certificate(p384, NULL);
    char text[8192], *good_pem = pem_of(&good), *other_pem = pem_of(&other);
    for (size_t i = 0; i < GH_ARRAY_SIZE(broken); i++) {
        snprintf(text, sizeof(text), "%s%s", good_pem, broken[i]);
        assert_int_equal(read_pem(text, 9), GH_ERR_CORRUPT);
        assert_int_equal(given_count, 1);
    }
    snprintf(text, sizeof(text), "%s%s%s%s", good_pem, other_pem, good_pem, broken[0]);
    assert_int_equal(read_pem(text, 9), GH_ERR_CORRUPT);
    assert_int_equal(given_count, 2);
    assert_int_equal(passed_over, 1);
    /* cut anywhere, one is found or none, but never half a one */
    for (size_t size = 0; size < strlen(good_pem) - 1; size++) {
        snprintf(text, sizeof(text), "%.*s", (int)size, good_pem);
        assert_int_not_equal(read_pem(text, 9), GH_OK);
    }
    free(good_pem);
    free(other_pem);
    free_certificate(&good);
    free_certificate(&other);
    EVP_PKEY_free(p384);
}

/* --- published ones --- */

/* Real document signers; the files are named after their kid. */
static void published_certificates_are_read(void **state)
{
    (void)state;
    DIR *folder = opendir(PUBLISHED);
    size_t count = 0, restricted = 0, rsa_count = 0;
    if (folder == NULL) {
        print_message("../shared is absent\n");
        skip();
    }
    for (struct dirent *entry; (entry = readdir(folder)) != NULL;) {
        char name[512], kid[2 * GH_KEY_ID_BYTES + 1];
        uint8_t *der = NULL;
        size_t size = 0;
        if (strstr(entry->d_name, ".der") == NULL)
            continue;
        assert_int_equal(gh_path_join(PUBLISHED, entry->d_name, name, sizeof(name)), GH_OK);
        assert_int_equal(gh_file_read(name, 65536, &der, &size, NULL), GH_OK);
        struct gh_signer signer;
        struct gh_error err = {.status = GH_OK};
        if (gh_signer_from_der((struct gh_bytes){der, size}, &signer, &err) != GH_OK)
            fail_msg("%s: %s", entry->d_name, err.text);
        gh_hex_encode(signer.sha256, GH_KEY_ID_BYTES, kid);
        assert_memory_equal(entry->d_name, kid, 2 * GH_KEY_ID_BYTES);
        rsa_count += signer.type == GH_KEY_PS256;
        restricted += !signer.may_test || !signer.may_vaccination || !signer.may_recovery;
        free(der);
        count++;
    }
    closedir(folder);
    assert_int_equal(count, 35);
    assert_int_equal(rsa_count, 2);
    assert_int_equal(restricted, 8);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_and_hashes_are_read),
        cmocka_unit_test(validity_is_read),
        cmocka_unit_test(usages_say_what_may_be_signed),
        cmocka_unit_test(a_usage_that_cannot_be_read_is_no_permission),
        cmocka_unit_test(compressed_points_are_keys),
        cmocka_unit_test(keys_that_sign_no_codes),
        cmocka_unit_test(pss_keys_may_restrict_themselves),
        cmocka_unit_test(a_point_off_the_curve_is_no_key),
        cmocka_unit_test(nothing_follows_and_nothing_is_missing),
        cmocka_unit_test(altered_certificates_take_nothing_down),
        cmocka_unit_test(bundles_are_read_in_order),
        cmocka_unit_test(texts_without_certificates),
        cmocka_unit_test(others_are_passed_over),
        cmocka_unit_test(the_first_error_ends_it),
        cmocka_unit_test(published_certificates_are_read),
    };
    return cmocka_run_group_tests(tests, make_keys, free_keys);
}
