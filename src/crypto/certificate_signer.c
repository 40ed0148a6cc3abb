/* SPDX-License-Identifier: Apache-2.0 */
/* Document signers' certificates: whose key it is and what it may sign, out of X.509. */
#include <limits.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <string.h>
#include <time.h>

#include "crypto/keys.h"

#define OID_TEXT_BYTES 64 /* longer ones are cut, and are none of ours */

/* --- the key --- */

static bool is_named_p256(const X509_ALGOR *algorithm)
{
    int type;
    const void *curve;
    X509_ALGOR_get0(NULL, &type, &curve, algorithm);
    return type == V_ASN1_OBJECT && curve != NULL && OBJ_obj2nid(curve) == NID_X9_62_prime256v1;
}

/* Certificates may also carry the point compressed (RFC 5480, section 2.2). */
static enum gh_status read_p256(struct gh_bytes point, struct gh_signer *out)
{
    out->type = GH_KEY_P256;
    out->raw_bytes = GH_P256_RAW_BYTES;
    if (point.size == 1 + GH_P256_NUMBER_BYTES && (point.data[0] == 2 || point.data[0] == 3)) {
        enum gh_status status = gh_p256_decompress(point.data + 1, point.data[0] == 3, out->raw);
        return status == GH_ERR_INVALID ? GH_ERR_CORRUPT : status;
    }
    if (point.size != GH_P256_RAW_BYTES)
        return GH_ERR_CORRUPT;
    memcpy(out->raw, point.data, point.size);
    return GH_OK;
}

/* A key marked as one for RSASSA-PSS may be for other hashes or salts only (RFC 4055, section 3.1):
 * libcrypto then refuses to be set up as PS256. */
static bool allows_ps256(X509 *certificate)
{
    EVP_PKEY *pkey = X509_get0_pubkey(certificate);
    EVP_PKEY_CTX *context = pkey != NULL ? EVP_PKEY_CTX_new_from_pkey(NULL, pkey, NULL) : NULL;
    bool allowed = context != NULL && gh_rsa_verify_init(context);
    EVP_PKEY_CTX_free(context);
    return allowed;
}

static enum gh_status read_rsa(struct gh_bytes der, struct gh_signer *out)
{
    EVP_PKEY *pkey = NULL;
    enum gh_status status = gh_rsa_import(der, &pkey);
    EVP_PKEY_free(pkey);
    if (status != GH_OK)
        return status;
    out->type = GH_KEY_PS256;
    out->raw_bytes = der.size;
    memcpy(out->raw, der.data, der.size);
    return GH_OK;
}

static enum gh_status read_key(X509 *certificate, struct gh_signer *out)
{
    ASN1_OBJECT *oid;
    X509_ALGOR *algorithm;
    const unsigned char *bits;
    int size;
    if (X509_PUBKEY_get0_param(&oid, &bits, &size, &algorithm, X509_get_X509_PUBKEY(certificate)) !=
        1)
        return GH_ERR_CORRUPT;
    struct gh_bytes raw = {bits, (size_t)size};
    switch (OBJ_obj2nid(oid)) {
    case NID_X9_62_id_ecPublicKey:
        return is_named_p256(algorithm) ? read_p256(raw, out) : GH_ERR_UNSUPPORTED;
    case NID_rsaEncryption:
        return read_rsa(raw, out);
    case NID_rsassaPss:
        return allows_ps256(certificate) ? read_rsa(raw, out) : GH_ERR_UNSUPPORTED;
    default:
        return GH_ERR_UNSUPPORTED;
    }
}

/* A point off the curve is seen by who uses it; here, so that what is given out is a key. */
static enum gh_status check_key(const struct gh_signer *signer)
{
    struct gh_public_key *key = NULL;
    enum gh_status status = gh_public_key_from_raw(
        signer->type, (struct gh_bytes){signer->raw, signer->raw_bytes}, &key);
    gh_public_key_free(key);
    return status == GH_ERR_INVALID ? GH_ERR_CORRUPT : status;
}

/* --- what it may sign --- */

/* The usages are these arcs with 1 (test), 2 (vaccination) or 3 (recovery) behind them. The second
 * is a slip of the pen that most certificates of the EU have. */
static const char *const usage_arcs[] = {"1.3.6.1.4.1.1847.2021.1.", "1.3.6.1.4.1.0.1847.2021.1."};

/* 1 to 3; 0 for a foreign one. */
static int usage_number(const ASN1_OBJECT *usage)
{
    char text[OID_TEXT_BYTES];
    if (OBJ_obj2txt(text, sizeof(text), usage, 1) <= 0)
        return 0;
    for (size_t i = 0; i < GH_ARRAY_SIZE(usage_arcs); i++) {
        size_t size = strlen(usage_arcs[i]);
        const char *last = text + size;
        if (strncmp(text, usage_arcs[i], size) == 0 && last[0] >= '1' && last[0] <= '3' &&
            last[1] == '\0')
            return last[0] - '0';
    }
    return 0;
}

static enum gh_status read_usage(const X509 *certificate, struct gh_signer *out)
{
    int state = 0;
    EXTENDED_KEY_USAGE *usages = X509_get_ext_d2i(certificate, NID_ext_key_usage, &state, NULL);
    if (usages == NULL && state != -1) /* -1: there is none; else twice, or not to be read */
        return GH_ERR_CORRUPT;
    bool seen[4] = {false};
    for (int i = 0; i < sk_ASN1_OBJECT_num(usages); i++)
        seen[usage_number(sk_ASN1_OBJECT_value(usages, i))] = true;
    EXTENDED_KEY_USAGE_free(usages);
    bool any = !seen[1] && !seen[2] && !seen[3];
    out->may_test = any || seen[1];
    out->may_vaccination = any || seen[2];
    out->may_recovery = any || seen[3];
    return GH_OK;
}

static bool seconds_of(const ASN1_TIME *time, int64_t *out)
{
    struct tm parts;
    if (ASN1_TIME_to_tm(time, &parts) != 1)
        return false;
    *out = timegm(&parts);
    return true;
}

/* --- certificates --- */

static enum gh_status read_all(X509 *certificate, struct gh_signer *out, struct gh_error *err)
{
    enum gh_status status = read_key(certificate, out);
    if (status == GH_OK)
        status = check_key(out);
    if (status == GH_ERR_UNSUPPORTED)
        return gh_fail(err, status,
                       "the certificate's key is neither P-256 nor RSA for PSS of 2048 "
                       "to 4096 bits");
    if (status == GH_ERR_NOMEM)
        return gh_fail(err, status, "no memory for a certificate's key");
    if (status != GH_OK)
        return gh_fail(err, status, "the certificate's key is none");
    if (read_usage(certificate, out) != GH_OK)
        return gh_fail(err, GH_ERR_CORRUPT, "the certificate's extended key usage cannot be read");
    if (!seconds_of(X509_get0_notBefore(certificate), &out->not_before_s) ||
        !seconds_of(X509_get0_notAfter(certificate), &out->not_after_s))
        return gh_fail(err, GH_ERR_CORRUPT, "the certificate's validity is no time");
    return GH_OK;
}

enum gh_status gh_signer_from_der(struct gh_bytes der, struct gh_signer *out, struct gh_error *err)
{
    struct gh_signer signer = {.raw_bytes = 0};
    const unsigned char *cursor = der.data;
    enum gh_status status;
    *out = signer;
    ERR_set_mark();
    X509 *certificate = der.size <= INT_MAX ? d2i_X509(NULL, &cursor, (long)der.size) : NULL;
    if (certificate == NULL)
        status = gh_fail(err, GH_ERR_CORRUPT, "not a certificate");
    else if (cursor != der.data + der.size)
        status = gh_fail(err, GH_ERR_CORRUPT, "bytes follow behind the certificate");
    else
        status = read_all(certificate, &signer, err);
    X509_free(certificate);
    ERR_pop_to_mark();
    if (status == GH_OK) {
        gh_sha256(der, signer.sha256);
        *out = signer;
    }
    return status;
}

/* --- bundles --- */

#define PEM_BEGIN "-----BEGIN " PEM_STRING_X509 "-----"
#define PEM_END "-----END " PEM_STRING_X509 "-----"

/* What is left of the text from the word on, or from behind it; empty when it is not there. */
static struct gh_bytes cut(struct gh_bytes text, const char *word, bool behind)
{
    const uint8_t *at = text.size > 0 ? memmem(text.data, text.size, word, strlen(word)) : NULL;
    if (at == NULL)
        return (struct gh_bytes){.size = 0};
    at += behind ? strlen(word) : 0;
    return (struct gh_bytes){at, text.size - (size_t)(at - text.data)};
}

static enum gh_status read_block(struct gh_bytes block, struct gh_signer *out, struct gh_error *err)
{
    char *name = NULL;
    char *header = NULL;
    unsigned char *data = NULL;
    long size = 0;
    enum gh_status status;
    ERR_set_mark();
    BIO *bio = BIO_new_mem_buf(block.data, (int)block.size);
    if (bio == NULL)
        status = gh_fail(err, GH_ERR_NOMEM, "no memory to read certificates");
    else if (PEM_read_bio(bio, &name, &header, &data, &size) != 1 ||
             strcmp(name, PEM_STRING_X509) != 0)
        status = gh_fail(err, GH_ERR_CORRUPT, "a PEM block in it is broken");
    else
        status = gh_signer_from_der((struct gh_bytes){data, (size_t)size}, out, err);
    BIO_free(bio);
    OPENSSL_free(name);
    OPENSSL_free(header);
    OPENSSL_clear_free(data, (size_t)size); /* where the blocks are a muddle, maybe a private key */
    ERR_pop_to_mark();
    return status;
}

enum gh_status gh_signers_from_pem(struct gh_bytes text, gh_signer_fn *each, void *context,
                                   size_t *passed_over, struct gh_error *err)
{
    if (text.size > INT_MAX)
        return gh_fail(err, GH_ERR_TOOBIG, "too large for a PEM text");
    text = cut(text, PEM_BEGIN, false);
    if (text.size == 0)
        return gh_fail(err, GH_ERR_NOTFOUND, "no certificate is in it");
    for (bool more = true; more && text.size > 0; text = cut(text, PEM_BEGIN, false)) {
        struct gh_bytes rest = cut(text, PEM_END, true);
        struct gh_error why = {.status = GH_OK};
        struct gh_signer signer;
        enum gh_status status =
            read_block((struct gh_bytes){text.data, text.size - rest.size}, &signer, &why);
        if (status == GH_OK)
            more = each(context, &signer);
        else if (status != GH_ERR_UNSUPPORTED)
            return gh_fail(err, status, "%s", why.text);
        else if (passed_over != NULL)
            ++*passed_over;
        text = rest;
    }
    return GH_OK;
}
