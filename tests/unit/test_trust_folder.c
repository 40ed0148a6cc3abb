/* SPDX-License-Identifier: Apache-2.0 */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "certificate_fixture.h"
#include "gatehouse/file.h"
#include "gatehouse/jwk.h"
#include "gatehouse/trust.h"

#define VECTORS "tests/vectors/codes"
#define PUBLISHED "../shared/vectors"

static char folder[64];
static char files[16][128];
static size_t files_count;

static int make_folder(void **state)
{
    (void)state;
    strcpy(folder, "/tmp/gh-trust-XXXXXX");
    files_count = 0;
    return mkdtemp(folder) == NULL;
}

static int remove_folder(void **state)
{
    (void)state;
    while (files_count > 0)
        (void)remove(files[--files_count]);
    return rmdir(folder);
}

static void put_file(const char *name, const void *data, size_t size)
{
    assert_true(files_count < GH_ARRAY_SIZE(files));
    char *path = files[files_count++];
    assert_int_equal(gh_path_join(folder, name, path, sizeof(files[0])), GH_OK);
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(data, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}

static void put_text(const char *name, const char *text)
{
    put_file(name, text, strlen(text));
}

static void copy_file(const char *from, const char *name)
{
    uint8_t *data = NULL;
    size_t size = 0;
    assert_int_equal(gh_file_read(from, 100000, &data, &size, NULL), GH_OK);
    put_file(name, data, size);
    free(data);
}

static struct gh_trust *load(void)
{
    struct gh_trust *trust = NULL;
    struct gh_error err = {.status = GH_OK};
    if (gh_trust_load(folder, &trust, &err) != GH_OK)
        fail_msg("%s", err.text);
    assert_non_null(trust);
    return trust;
}

/* --- our own keys --- */

static void test_load_vectors(void **state)
{
    (void)state;
    struct gh_trust *trust = NULL;
    struct gh_error err = {.status = GH_OK};
    assert_int_equal(gh_trust_load(VECTORS "/trust", &trust, &err), GH_OK);
    static const char *const names[] = {VECTORS "/trust/issuer.ed25519.pem",
                                        VECTORS "/trust/issuer.p256.pem"};
    for (size_t i = 0; i < GH_ARRAY_SIZE(names); i++) {
        struct gh_public_key *key = NULL;
        assert_int_equal(gh_public_key_load(names[i], &key, NULL), GH_OK);
        uint8_t id[GH_KEY_ID_BYTES];
        gh_public_key_id(key, id);
        struct gh_trusted_key found;
        assert_true(gh_trust_find(trust, GH_KIND_HEALTH, id, 0, &found));
        assert_string_equal(found.issuer->issuer, ""); /* any: a file's name proves nothing */
        assert_int_equal(found.issuer->purposes,
                         GH_PURPOSE(GH_KIND_HEALTH) | GH_PURPOSE(GH_KIND_HOUSING) |
                             GH_PURPOSE(GH_KIND_VISITOR) | GH_PURPOSE(GH_KIND_STAFF));
        assert_true(found.issuer->not_before_s <= 0);
        assert_true(found.issuer->not_after_s >= INT64_C(1) << 53);
        gh_public_key_free(key);
    }
    gh_trust_unref(trust);
}

static void test_load_empty(void **state)
{
    (void)state;
    struct gh_trust *trust = NULL;
    assert_int_equal(gh_trust_load(folder, &trust, NULL), GH_OK);
    gh_trust_unref(trust);
}

/* A folder that is trusted in part would look like one that is trusted. */
static void check_refused(enum gh_status expected, const char *word)
{
    struct gh_trust *trust = (struct gh_trust *)1;
    struct gh_error err = {.status = GH_OK};
    assert_int_equal(gh_trust_load(folder, &trust, &err), expected);
    assert_null(trust);
    assert_int_equal(err.status, expected);
    assert_non_null(strstr(err.text, word));
}

static void test_load_garbage(void **state)
{
    (void)state;
    copy_file(VECTORS "/trust/issuer.p256.pem", "good.pem");
    put_text("bad.pem", "not a key at all\n");
    check_refused(GH_ERR_CORRUPT, "bad.pem");
}

static void test_load_private_key(void **state)
{
    (void)state;
    copy_file(VECTORS "/issuer.ed25519.key", "private.pem");
    check_refused(GH_ERR_CORRUPT, "private.pem");
}

static void test_load_same_key_twice(void **state)
{
    (void)state;
    copy_file(VECTORS "/trust/issuer.p256.pem", "a.pem");
    copy_file(VECTORS "/trust/issuer.p256.pem", "b.pem");
    check_refused(GH_ERR_EXISTS, "same key");
}

static void test_load_no_folder(void **state)
{
    (void)state;
    struct gh_trust *trust = (struct gh_trust *)1;
    struct gh_error err = {.status = GH_OK};
    assert_int_equal(gh_trust_load("/nowhere/at/all", &trust, &err), GH_ERR_NOTFOUND);
    assert_null(trust);
    assert_non_null(strstr(err.text, "/nowhere/at/all"));
    assert_int_not_equal(gh_trust_load(VECTORS "/issuer.ed25519.key", &trust, NULL), GH_OK);
    assert_null(trust);
}

static void test_load_unsupported_key(void **state)
{
    (void)state;
    copy_file(VECTORS "/trust/issuer.p256.pem", "a.pem");
    put_text("rsa.pem", /* of 1024 bits */
             "-----BEGIN PUBLIC KEY-----\n"
             "MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQC754VleR0Z9wASOuOXJOT09QFwnfDiq5sgZB0Z0MhY\n"
             "3NqoYxIoMb8IhoxKa2KRMOBXbrdkrdUx2AftnUOee39u4hyIQ3DEqMOTxveNXhlHWDrj0wEJTciJdB/R\n"
             "SeSMp0kO2GaVC7vQ7xyMQ1B9VP41YO7RkXb/efrpY9WAiRKoewIDAQAB\n"
             "-----END PUBLIC KEY-----\n");
    gh_trust_unref(load());
}

static void test_load_two_keys_in_a_file(void **state)
{
    (void)state;
    GH_CLEANUP_FREE uint8_t *key = NULL;
    char text[1000];
    size_t size = 0;
    assert_int_equal(gh_file_read(VECTORS "/trust/issuer.p256.pem", 400, &key, &size, NULL), GH_OK);
    snprintf(text, sizeof(text), "%s%s", key, key);
    put_text("two.pem", text);
    check_refused(GH_ERR_INVALID, "two.pem");
}

/* --- document signers --- */

static EVP_PKEY *p256, *rsa, *p384;

static int make_keys(void **state)
{
    (void)state;
    p256 = EVP_EC_gen("P-256");
    p384 = EVP_EC_gen("P-384");
    rsa = EVP_RSA_gen(2048);
    return p256 == NULL || p384 == NULL || rsa == NULL;
}

static int free_keys(void **state)
{
    (void)state;
    EVP_PKEY_free(p256);
    EVP_PKEY_free(p384);
    EVP_PKEY_free(rsa);
    return 0;
}

/* How many keys the trust holds for this certificate's kid. */
static size_t count_of(const struct gh_trust *trust, const struct certificate *certificate,
                       struct gh_trusted_key *last)
{
    uint8_t hash[GH_SHA256_BYTES];
    struct gh_trusted_key found;
    size_t count = 0;
    gh_sha256(der_of(certificate), hash);
    for (; gh_trust_find(trust, GH_KIND_HCERT, hash, count, &found); count++)
        if (last != NULL)
            *last = found;
    return count;
}

static void test_load_certificates(void **state)
{
    (void)state;
    struct certificate_options options = {.usages = "1.3.6.1.4.1.0.1847.2021.1.3"};
    struct certificate one = make_certificate(p256, NULL), two = make_certificate(rsa, &options);
    char *pem = pem_of(&two);
    put_file("one.der", one.der, one.size);
    put_text("two.pem", pem);
    struct gh_trust *trust = load();
    struct gh_trusted_key found;
    assert_int_equal(count_of(trust, &one, &found), 1);
    assert_int_equal(found.issuer->type, GH_KEY_P256);
    assert_int_equal(found.issuer->purposes, GH_PURPOSE(GH_KIND_HCERT));
    assert_int_equal(found.issuer->groups, GH_GROUPS_ALL);
    assert_string_equal(found.issuer->issuer, "");
    assert_int_equal(gh_public_key_type(found.key), GH_KEY_P256);
    /* at any time: published codes are older than the certificates that came with them */
    assert_true(found.issuer->not_before_s == INT64_MIN);
    assert_true(found.issuer->not_after_s == INT64_MAX);
    assert_int_equal(count_of(trust, &two, &found), 1);
    assert_int_equal(found.issuer->type, GH_KEY_PS256);
    assert_int_equal(found.issuer->groups, GH_GROUP(GH_FACT_RECOVERY));
    /* and none of them is one of our own */
    uint8_t id[GH_KEY_ID_BYTES];
    gh_public_key_id(found.key, id);
    assert_false(gh_trust_find(trust, GH_KIND_HEALTH, id, 0, &found));
    gh_trust_unref(trust);
    free(pem);
    free_certificate(&one);
    free_certificate(&two);
}

static void test_load_bundle(void **state)
{
    (void)state;
    struct certificate one = make_certificate(p256, NULL), other = make_certificate(p384, NULL),
                       renewed = make_certificate(p256, NULL), two = make_certificate(rsa, NULL);
    char text[16384], *pems[] = {pem_of(&one), pem_of(&other), pem_of(&renewed), pem_of(&two)};
    snprintf(text, sizeof(text), "one:\n%s%s# and\n%s%s%s", pems[0], pems[1], pems[2], pems[0],
             pems[3]);
    put_text("bundle.pem", text);
    put_file("again.der", one.der, one.size);
    put_file("other.der", other.der, other.size);
    put_text("zero.pem", pems[2]);
    struct gh_trust *trust = load();
    assert_int_equal(count_of(trust, &one, NULL), 1); /* thrice in there */
    assert_int_equal(count_of(trust, &renewed, NULL), 1);
    assert_int_equal(count_of(trust, &two, NULL), 1);
    assert_int_equal(count_of(trust, &other, NULL), 0); /* P-384: passed over, not in the way */
    gh_trust_unref(trust);
    for (size_t i = 0; i < GH_ARRAY_SIZE(pems); i++)
        free(pems[i]);
    free_certificate(&one);
    free_certificate(&other);
    free_certificate(&renewed);
    free_certificate(&two);
}

static void test_load_broken_certificates(void **state)
{
    (void)state;
    struct certificate one = make_certificate(p256, NULL);
    char text[8192], *pem = pem_of(&one);
    put_file("trailing.der", one.der, one.size);
    gh_trust_unref(load());
    FILE *file = fopen(files[0], "ab");
    assert_non_null(file);
    assert_int_equal(fputc(0, file), 0);
    assert_int_equal(fclose(file), 0);
    check_refused(GH_ERR_CORRUPT, "trailing.der");
    assert_int_equal(remove(files[--files_count]), 0);

    put_file("pem.der", pem, strlen(pem)); /* not what its ending says */
    check_refused(GH_ERR_CORRUPT, "pem.der");
    assert_int_equal(remove(files[--files_count]), 0);

    put_text("empty.der", "");
    check_refused(GH_ERR_CORRUPT, "empty.der");
    assert_int_equal(remove(files[--files_count]), 0);

    static const char *const behind[] = {
        "-----BEGIN CERTIFICATE-----\nMA==\n-----END CERTIFICATE-----\n",
        "-----BEGIN CERTIFICATE-----\nMIIB\n",
        "-----BEGIN CERTIFICATE-----",
    };
    for (size_t i = 0; i < GH_ARRAY_SIZE(behind); i++) {
        snprintf(text, sizeof(text), "%s%s", pem, behind[i]);
        put_text("half.pem", text);
        check_refused(GH_ERR_CORRUPT, "half.pem");
        assert_int_equal(remove(files[--files_count]), 0);
    }
    free(pem);
    free_certificate(&one);
}

/* As `openssl x509 -pubkey` writes it: the foreign key must not become one of our own. */
static void test_load_key_beside_certificate(void **state)
{
    (void)state;
    GH_CLEANUP_FREE uint8_t *key = NULL;
    size_t size = 0;
    struct certificate one = make_certificate(p256, NULL);
    char text[4096], *pem = pem_of(&one);
    assert_int_equal(gh_file_read(VECTORS "/trust/issuer.p256.pem", 400, &key, &size, NULL), GH_OK);
    snprintf(text, sizeof(text), "%s%s", key, pem);
    put_text("both.pem", text);
    check_refused(GH_ERR_INVALID, "both.pem");
    free(pem);
    free_certificate(&one);
}

/* --- issuers of cards --- */

/* RFC 7515, appendix A.3. */
#define CARD_SET(issuer)                                                                           \
    "{\"iss\":\"" issuer "\",\"keys\":[{\"kty\":\"EC\",\"crv\":\"P-256\",\"use\":\"sig\","         \
    "\"alg\":\"ES256\",\"kid\":\"oKIywvGUpTVTyxMQ3bwIIeQUudfr_CkLMjCE19ECD-U\","                   \
    "\"x\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\","                                       \
    "\"y\":\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0\"}]}"

static void test_load_cards(void **state)
{
    (void)state;
    static const uint8_t id[] = {0xa0, 0xa2, 0x32, 0xc2, 0xf1, 0x94, 0xa5, 0x35};
    struct gh_trusted_key found;
    put_text("a.jwks.json", CARD_SET("https://a"));
    put_text("b.jwks.json", CARD_SET("https://b"));
    put_text("c.jwks.json", CARD_SET("https://a")); /* the same once more */
    struct gh_trust *trust = load();
    static const char *const issuers[] = {"https://a", "https://b"};
    for (size_t nth = 0; nth < GH_ARRAY_SIZE(issuers); nth++) {
        assert_true(gh_trust_find(trust, GH_KIND_SHC, id, nth, &found));
        assert_string_equal(found.issuer->issuer, issuers[nth]);
        assert_int_equal(found.issuer->purposes, GH_PURPOSE(GH_KIND_SHC));
    }
    assert_false(gh_trust_find(trust, GH_KIND_SHC, id, 2, &found));
    gh_trust_unref(trust);

    put_text("d.jwks.json", "{}");
    check_refused(GH_ERR_INVALID, "d.jwks.json");
}

/* --- what is in a folder --- */

static void test_load_passes_over(void **state)
{
    (void)state;
    copy_file(VECTORS "/trust/issuer.p256.pem", "a.pem");
    static const char *const names[] = {
        "README.md", ".hidden.pem",  ".pem",      "key.pem.bak", "key.PEM", "keypem",
        ".der",      ".x.jwks.json", "jwks.json", "a.json",      "a.jwks",  ".jwks.json",
    };
    for (size_t i = 0; i < GH_ARRAY_SIZE(names); i++)
        put_text(names[i], "no key");
    gh_trust_unref(load());
}

static void test_load_files_have_limits(void **state)
{
    (void)state;
    GH_CLEANUP_FREE char *text = malloc(GH_JWKS_MAX_BYTES + 2);
    assert_non_null(text);
    memset(text, ' ', GH_JWKS_MAX_BYTES + 1);
    text[GH_JWKS_MAX_BYTES + 1] = '\0';
    static const char *const names[] = {"a.der", "b.jwks.json"};
    for (size_t i = 0; i < GH_ARRAY_SIZE(names); i++) {
        put_text(names[i], text);
        check_refused(GH_ERR_TOOBIG, names[i]);
        assert_int_equal(remove(files[--files_count]), 0);
    }
}

/* More than a gate may have: refused, not trusted in part. Each is a certificate of its own by its
 * last byte, which lies in a signature that nobody checks. */
static void test_load_too_many(void **state)
{
    (void)state;
    struct certificate one = make_certificate(p256, NULL);
    for (size_t count = GH_TRUST_KEYS_MAX; count <= GH_TRUST_KEYS_MAX + 1; count++) {
        char *path = files[0];
        assert_int_equal(gh_path_join(folder, "many.pem", path, sizeof(files[0])), GH_OK);
        files_count = 1;
        FILE *file = fopen(path, "wb");
        assert_non_null(file);
        for (size_t i = 0; i < count; i++) {
            one.der[one.size - 1] = (uint8_t)i;
            one.der[one.size - 2] = (uint8_t)(i >> 8);
            char *pem = pem_of(&one);
            assert_true(fputs(pem, file) >= 0);
            free(pem);
        }
        assert_int_equal(fclose(file), 0);
        if (count == GH_TRUST_KEYS_MAX) {
            struct gh_trust *trust = load();
            one.der[one.size - 1] = one.der[one.size - 2] = 3; /* the 771st */
            assert_int_equal(count_of(trust, &one, NULL), 1);
            gh_trust_unref(trust);
        } else {
            check_refused(GH_ERR_TOOBIG, "4096");
        }
    }
    free_certificate(&one);
}

/* Everything published, at once. */
static void test_load_published(void **state)
{
    (void)state;
    size_t count = 0;
    struct gh_trust *trust = NULL;
    DIR *certificates = opendir(PUBLISHED "/hcert/certs");
    if (certificates == NULL) {
        print_message("../shared is absent\n");
        skip();
    }
    assert_int_equal(gh_trust_load(PUBLISHED "/hcert/certs", &trust, NULL), GH_OK);
    for (struct dirent *entry; (entry = readdir(certificates)) != NULL;) {
        uint8_t kid[GH_KEY_ID_BYTES];
        struct gh_trusted_key found;
        if (strlen(entry->d_name) != 20)
            continue;
        assert_int_equal(gh_hex_decode(entry->d_name, 16, kid, sizeof(kid)), GH_OK);
        assert_true(gh_trust_find(trust, GH_KIND_HCERT, kid, 0, &found));
        count++;
    }
    closedir(certificates);
    gh_trust_unref(trust);
    assert_int_equal(count, 35);
    assert_int_equal(gh_trust_load(PUBLISHED "/shc", &trust, NULL), GH_OK);
    static const uint8_t kid[] = {0xdc, 0xa7, 0xdd, 0x83, 0xe5, 0xf0, 0x3f, 0xee};
    struct gh_trusted_key found;
    assert_true(gh_trust_find(trust, GH_KIND_SHC, kid, 0, &found));
    assert_string_equal(found.issuer->issuer, "https://spec.smarthealth.cards/examples/issuer");
    gh_trust_unref(trust);
}

#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, make_folder, remove_folder)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_load_vectors),
        IN_FOLDER(test_load_empty),
        IN_FOLDER(test_load_garbage),
        IN_FOLDER(test_load_private_key),
        IN_FOLDER(test_load_same_key_twice),
        IN_FOLDER(test_load_unsupported_key),
        IN_FOLDER(test_load_two_keys_in_a_file),
        IN_FOLDER(test_load_certificates),
        IN_FOLDER(test_load_bundle),
        IN_FOLDER(test_load_broken_certificates),
        IN_FOLDER(test_load_key_beside_certificate),
        IN_FOLDER(test_load_cards),
        IN_FOLDER(test_load_passes_over),
        IN_FOLDER(test_load_files_have_limits),
        IN_FOLDER(test_load_too_many),
        cmocka_unit_test(test_load_no_folder),
        cmocka_unit_test(test_load_published),
    };
    return cmocka_run_group_tests(tests, make_keys, free_keys);
}
