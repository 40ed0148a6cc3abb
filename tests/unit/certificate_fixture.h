/* SPDX-License-Identifier: Apache-2.0 */
/* Certificates of document signers, made by libcrypto itself. Include it after cmocka.h. */
#ifndef GATEHOUSE_TESTS_CERTIFICATE_FIXTURE_H
#define GATEHOUSE_TESTS_CERTIFICATE_FIXTURE_H

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

#include "gatehouse/crypto.h"

#define CERTIFICATE_FROM "20210101000000Z"
#define CERTIFICATE_UNTIL "20230101000000Z"
#define CERTIFICATE_FROM_S INT64_C(1609459200)
#define CERTIFICATE_UNTIL_S INT64_C(1672531200)

struct certificate {
    uint8_t *der;
    size_t size;
};

struct certificate_options {
    const char *usages;    /* object identifiers, separated by commas; "": empty; NULL: none */
    const char *usage_der; /* hex: this as the extension, besides */
    const char *from, *until;
};

static inline struct gh_bytes der_of(const struct certificate *certificate)
{
    return (struct gh_bytes){certificate->der, certificate->size};
}

static inline void free_certificate(struct certificate *certificate)
{
    OPENSSL_free(certificate->der);
}

static inline void add_usages(X509 *x509, const char *usages)
{
    char text[512];
    STACK_OF(ASN1_OBJECT) *objects = sk_ASN1_OBJECT_new_null();
    assert_true(strlen(usages) < sizeof(text));
    strcpy(text, usages);
    for (char *rest = NULL, *one = strtok_r(text, ",", &rest); one != NULL;
         one = strtok_r(NULL, ",", &rest)) {
        ASN1_OBJECT *object = OBJ_txt2obj(one, 1);
        assert_non_null(object);
        assert_true(sk_ASN1_OBJECT_push(objects, object) > 0);
    }
    assert_int_equal(X509_add1_ext_i2d(x509, NID_ext_key_usage, objects, 0, X509V3_ADD_DEFAULT), 1);
    sk_ASN1_OBJECT_pop_free(objects, ASN1_OBJECT_free);
}

static inline void add_usage_der(X509 *x509, const char *hex)
{
    uint8_t der[64];
    size_t size = strlen(hex) / 2;
    assert_int_equal(gh_hex_decode(hex, 2 * size, der, size), GH_OK);
    ASN1_OCTET_STRING *value = ASN1_OCTET_STRING_new();
    assert_int_equal(ASN1_OCTET_STRING_set(value, der, (int)size), 1);
    X509_EXTENSION *extension = X509_EXTENSION_create_by_NID(NULL, NID_ext_key_usage, 0, value);
    assert_int_equal(X509_add_ext(x509, extension, -1), 1);
    X509_EXTENSION_free(extension);
    ASN1_OCTET_STRING_free(value);
}

/* Signed by an issuer that nobody asks for: no chain is checked. options may be NULL. */
static inline struct certificate make_certificate(EVP_PKEY *key,
                                                  const struct certificate_options *options)
{
    static const struct certificate_options none;
    struct certificate certificate = {.der = NULL};
    EVP_PKEY *issuer = EVP_EC_gen("P-256");
    X509 *x509 = X509_new();
    if (options == NULL)
        options = &none;
    assert_int_equal(X509_set_version(x509, X509_VERSION_3), 1);
    assert_int_equal(ASN1_INTEGER_set(X509_get_serialNumber(x509), 7), 1);
    assert_int_equal(ASN1_TIME_set_string_X509(X509_getm_notBefore(x509),
                                               options->from ? options->from : CERTIFICATE_FROM),
                     1);
    assert_int_equal(ASN1_TIME_set_string_X509(X509_getm_notAfter(x509),
                                               options->until ? options->until : CERTIFICATE_UNTIL),
                     1);
    assert_int_equal(X509_set_pubkey(x509, key), 1);
    if (options->usages != NULL)
        add_usages(x509, options->usages);
    if (options->usage_der != NULL)
        add_usage_der(x509, options->usage_der);
    assert_true(X509_sign(x509, issuer, EVP_sha256()) > 0);
    int size = i2d_X509(x509, &certificate.der);
    assert_true(size > 0);
    certificate.size = (size_t)size;
    X509_free(x509);
    EVP_PKEY_free(issuer);
    return certificate;
}

/* The caller frees it. */
static inline char *pem_of(const struct certificate *certificate)
{
    char *text = NULL;
    BIO *bio = BIO_new(BIO_s_mem());
    assert_int_equal(
        PEM_write_bio(bio, PEM_STRING_X509, "", certificate->der, (long)certificate->size) > 0, 1);
    long size = BIO_get_mem_data(bio, &text);
    char *out = strndup(text, (size_t)size);
    assert_non_null(out);
    BIO_free(bio);
    return out;
}

#endif
