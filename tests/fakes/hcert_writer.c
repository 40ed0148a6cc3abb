/* SPDX-License-Identifier: Apache-2.0 */
#include "fakes/hcert_writer.h"

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "code/base45.h"
#include "code/cbor.h"
#include "fakes/cbor_text.h"

#define NOTATION_BYTES (2 * HCERT_BYTES + 4096)
#define NUMBER_BYTES 32 /* r and s */

#define MUST(expression)                                                                           \
    do {                                                                                           \
        if (!(expression)) {                                                                       \
            fprintf(stderr, "hcert_writer: %s: failed\n", #expression);                            \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

struct hcert_signer {
    enum gh_key_type type;
    EVP_PKEY *pkey;
    unsigned char *der;
    size_t der_size;
    struct gh_signer description;
};

/* --- signers --------------------------------------------------------------------------------- */

static void add_usages(X509 *certificate, unsigned groups)
{
    static const char *const oids[] = {
        [GH_FACT_TEST] = "1.3.6.1.4.1.1847.2021.1.1",
        [GH_FACT_VACCINATION] = "1.3.6.1.4.1.1847.2021.1.2",
        [GH_FACT_RECOVERY] = "1.3.6.1.4.1.1847.2021.1.3",
    };
    char text[128] = "";
    for (unsigned group = GH_FACT_VACCINATION; group <= GH_FACT_RECOVERY; group++)
        if ((groups & GH_GROUP(group)) != 0)
            snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s%s",
                     text[0] != '\0' ? "," : "", oids[group]);
    if (groups == 0)
        return;
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, NULL, NID_ext_key_usage, text);
    MUST(extension != NULL && X509_add_ext(certificate, extension, -1) == 1);
    X509_EXTENSION_free(extension);
}

static X509 *certify(EVP_PKEY *pkey, unsigned groups)
{
    X509 *certificate = X509_new();
    MUST(certificate != NULL && X509_set_version(certificate, 2) == 1);
    uint64_t serial = 0;
    gh_random(&serial, sizeof(serial));
    MUST(ASN1_INTEGER_set_uint64(X509_get_serialNumber(certificate), serial) == 1);
    MUST(ASN1_TIME_set_string(X509_getm_notBefore(certificate), "20200101000000Z") == 1);
    MUST(ASN1_TIME_set_string(X509_getm_notAfter(certificate), "20400101000000Z") == 1);
    X509_NAME *name = X509_get_subject_name(certificate);
    MUST(X509_NAME_add_entry_by_txt(name, "C", MBSTRING_ASC, (const unsigned char *)"AT", -1, -1,
                                    0) == 1);
    MUST(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)"test signer",
                                    -1, -1, 0) == 1);
    MUST(X509_set_issuer_name(certificate, name) == 1);
    MUST(X509_set_pubkey(certificate, pkey) == 1);
    add_usages(certificate, groups);
    MUST(X509_sign(certificate, pkey, EVP_sha256()) > 0);
    return certificate;
}

struct hcert_signer *hcert_signer_new(enum gh_key_type type, unsigned rsa_bits, unsigned groups)
{
    struct hcert_signer *signer = calloc(1, sizeof(*signer));
    MUST(signer != NULL);
    signer->type = type;
    signer->pkey = type == GH_KEY_P256 ? EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256")
                                       : EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)rsa_bits);
    MUST(signer->pkey != NULL);
    X509 *certificate = certify(signer->pkey, groups);
    int size = i2d_X509(certificate, &signer->der);
    X509_free(certificate);
    MUST(size > 0);
    signer->der_size = (size_t)size;
    MUST(gh_signer_from_der(hcert_signer_der(signer), &signer->description, NULL) == GH_OK);
    MUST(signer->description.type == type);
    return signer;
}

void hcert_signer_free(struct hcert_signer *signer)
{
    if (signer == NULL)
        return;
    EVP_PKEY_free(signer->pkey);
    OPENSSL_free(signer->der);
    free(signer);
}

struct gh_bytes hcert_signer_der(const struct hcert_signer *signer)
{
    return (struct gh_bytes){signer->der, signer->der_size};
}

struct gh_issuer_key hcert_signer_key(const struct hcert_signer *signer)
{
    const struct gh_signer *description = &signer->description;
    struct gh_issuer_key key = {
        .type = description->type,
        .raw_bytes = description->raw_bytes,
        .purposes = GH_PURPOSE(GH_KIND_HCERT),
        .groups = (description->may_vaccination ? GH_GROUP(GH_FACT_VACCINATION) : 0) |
                  (description->may_test ? GH_GROUP(GH_FACT_TEST) : 0) |
                  (description->may_recovery ? GH_GROUP(GH_FACT_RECOVERY) : 0),
        .not_before_s = INT64_MIN,
        .not_after_s = INT64_MAX,
    };
    memcpy(key.raw, description->raw, sizeof(key.raw));
    memcpy(key.key_id, description->sha256, sizeof(key.key_id));
    return key;
}

struct gh_trust *hcert_signer_trust(const struct hcert_signer *signer, const uint8_t *holder_secret)
{
    struct gh_issuer_key key = hcert_signer_key(signer);
    struct gh_trust *trust = NULL;
    MUST(gh_trust_new(&key, 1, holder_secret, &trust) == GH_OK);
    return trust;
}

/* --- signatures ------------------------------------------------------------------------------ */

static size_t der_to_raw(const unsigned char *der, size_t der_size, uint8_t *out)
{
    ECDSA_SIG *parsed = d2i_ECDSA_SIG(NULL, &der, (long)der_size);
    MUST(parsed != NULL);
    MUST(BN_bn2binpad(ECDSA_SIG_get0_r(parsed), out, NUMBER_BYTES) > 0);
    MUST(BN_bn2binpad(ECDSA_SIG_get0_s(parsed), out + NUMBER_BYTES, NUMBER_BYTES) > 0);
    ECDSA_SIG_free(parsed);
    return 2 * NUMBER_BYTES;
}

static size_t sign(const struct hcert_signer *signer, struct gh_bytes message,
                   uint8_t out[GH_SIGNATURE_MAX_BYTES])
{
    unsigned char signature[GH_SIGNATURE_MAX_BYTES];
    size_t size = sizeof(signature);
    EVP_PKEY_CTX *padding = NULL;
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    MUST(context != NULL);
    MUST(EVP_DigestSignInit_ex(context, &padding, "SHA256", NULL, NULL, signer->pkey, NULL) == 1);
    if (signer->type == GH_KEY_PS256) {
        MUST(EVP_PKEY_CTX_set_rsa_padding(padding, RSA_PKCS1_PSS_PADDING) == 1);
        MUST(EVP_PKEY_CTX_set_rsa_pss_saltlen(padding, RSA_PSS_SALTLEN_DIGEST) == 1);
    }
    MUST(EVP_DigestSign(context, signature, &size, message.data, message.size) == 1);
    EVP_MD_CTX_free(context);
    if (signer->type == GH_KEY_P256)
        return der_to_raw(signature, size, out);
    memcpy(out, signature, size);
    return size;
}

static size_t sign_structure(const struct hcert_signer *signer, struct gh_bytes protected_bytes,
                             struct gh_bytes payload, uint8_t out[GH_SIGNATURE_MAX_BYTES])
{
    static uint8_t buffer[2 * HCERT_BYTES];
    struct gh_writer writer = gh_writer_over(buffer, sizeof(buffer));
    gh_cbor_put_array(&writer, 4);
    gh_cbor_put_text(&writer, "Signature1");
    gh_cbor_put_bytes(&writer, protected_bytes.data, protected_bytes.size);
    gh_cbor_put_bytes(&writer, NULL, 0);
    gh_cbor_put_bytes(&writer, payload.data, payload.size);
    MUST(!writer.overflow);
    return sign(signer, (struct gh_bytes){writer.data, writer.size}, out);
}

/* --- messages -------------------------------------------------------------------------------- */

/* Replace each %X by its text. */
static void expand(const char *notation, const char *letters, const char *const texts[],
                   char out[NOTATION_BYTES])
{
    size_t size = 0;
    for (const char *at = notation; *at != '\0'; at++) {
        const char *letter = *at == '%' ? strchr(letters, at[1]) : NULL;
        if (letter == NULL) {
            out[size++] = *at;
        } else {
            size +=
                (size_t)snprintf(out + size, NOTATION_BYTES - size, "%s", texts[letter - letters]);
            at++;
        }
        MUST(size < NOTATION_BYTES - 1);
    }
    out[size] = '\0';
}

static size_t put_header(const struct hcert_signer *signer, const char *notation,
                         uint8_t out[HCERT_BYTES])
{
    static char text[NOTATION_BYTES];
    char kid[2 * GH_KEY_ID_BYTES + 4] = "h'", alg[8];
    struct gh_writer writer = gh_writer_over(out, HCERT_BYTES);
    gh_hex_encode(signer->description.sha256, GH_KEY_ID_BYTES, kid + 2);
    memcpy(kid + 2 + 2 * GH_KEY_ID_BYTES, "'", 2);
    snprintf(alg, sizeof(alg), "%d", (int)signer->type);
    expand(notation, "KA", (const char *const[]){kid, alg}, text);
    if (text[0] != '\0')
        cbor_put_notation(&writer, text);
    return writer.size;
}

/* As notation: h'...' for a byte string, x'...' for what stands there as it is. */
static void hex_notation(char kind, struct gh_bytes bytes, char out[NOTATION_BYTES])
{
    out[0] = kind;
    out[1] = '\'';
    gh_hex_encode(bytes.data, bytes.size, out + 2);
    memcpy(out + 2 + 2 * bytes.size, "'", 2);
}

size_t hcert_message(const struct hcert_signer *signer, const struct hcert *hcert,
                     uint8_t out[HCERT_BYTES])
{
    static uint8_t protected_bytes[HCERT_BYTES], unprotected[HCERT_BYTES], payload[HCERT_BYTES];
    static char texts[4][NOTATION_BYTES], frame[NOTATION_BYTES];
    uint8_t signature[GH_SIGNATURE_MAX_BYTES];
    struct gh_writer writer = gh_writer_over(payload, sizeof(payload));
    cbor_put_notation(&writer, hcert->claims != NULL ? hcert->claims : HCERT_CLAIMS);
    struct gh_bytes inner = {protected_bytes, 0}, outer = {unprotected, 0},
                    claims = {payload, writer.size};
    inner.size = put_header(
        signer, hcert->protected_header != NULL ? hcert->protected_header : "{1: %A, 4: %K}",
        protected_bytes);
    outer.size = put_header(
        signer, hcert->unprotected_header != NULL ? hcert->unprotected_header : "{}", unprotected);
    struct gh_bytes signed_by = {signature, sign_structure(signer, inner, claims, signature)};
    hex_notation('h', inner, texts[0]);
    hex_notation('x', outer, texts[1]);
    hex_notation('h', claims, texts[2]);
    hex_notation('h', signed_by, texts[3]);
    const char *const parts[] = {texts[0], texts[1], texts[2],
                                 hcert->signature != NULL ? hcert->signature : texts[3]};
    expand(hcert->frame != NULL ? hcert->frame : "18([%P, %U, %C, %S])", "PUCS", parts, frame);
    writer = gh_writer_over(out, HCERT_BYTES);
    cbor_put_notation(&writer, frame);
    return writer.size;
}

size_t hcert_compress(struct gh_bytes bytes, int level, uint8_t out[HCERT_BYTES])
{
    uLongf size = HCERT_BYTES;
    int zlib_level = level < 0 ? 0 : (level == 0 ? 9 : level);
    MUST(compress2(out, &size, bytes.data, bytes.size, zlib_level) == Z_OK);
    return size;
}

void hcert_text(struct gh_bytes packed, char out[HCERT_TEXT_BYTES])
{
    struct gh_writer writer = gh_writer_over(out, HCERT_TEXT_BYTES - 1);
    gh_writer_put_text(&writer, "HC1:");
    gh_base45_put(&writer, packed);
    MUST(!writer.overflow);
    out[writer.size] = '\0';
}

void hcert_write(const struct hcert_signer *signer, const struct hcert *hcert,
                 char out[HCERT_TEXT_BYTES])
{
    static uint8_t message[HCERT_BYTES], packed[HCERT_BYTES];
    struct gh_bytes plain = {message, hcert_message(signer, hcert, message)};
    struct gh_bytes bytes = {packed, hcert_compress(plain, hcert->level, packed)};
    hcert_text(bytes, out);
}
