/* SPDX-License-Identifier: Apache-2.0 */
/* RSA keys, as far as PS256 needs them: taken in, and made ready to verify. */
#include <openssl/asn1.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>
#include <string.h>

#include "crypto/keys.h"

#define MODULUS_BITS_MIN 2048
#define MODULUS_BITS_MAX 4096
#define EXPONENT_BITS_MAX 32
#define SALT_BYTES GH_SHA256_BYTES
#define DER_MAX_BYTES 4096 /* no key that is accepted comes near it */

/* The items of a SEQUENCE, NULL unless raw is exactly how DER spells them: one key has one text,
 * and so one key id. */
static ASN1_SEQUENCE_ANY *parse(struct gh_bytes raw)
{
    const unsigned char *cursor = raw.data;
    unsigned char *again = NULL;
    ASN1_SEQUENCE_ANY *items = d2i_ASN1_SEQUENCE_ANY(NULL, &cursor, (long)raw.size);
    int size = items != NULL ? i2d_ASN1_SEQUENCE_ANY(items, &again) : -1;
    if (size < 0 || (size_t)size != raw.size || memcmp(again, raw.data, raw.size) != 0) {
        sk_ASN1_TYPE_pop_free(items, ASN1_TYPE_free);
        items = NULL;
    }
    OPENSSL_free(again);
    return items;
}

/* NULL for what is no number above 0. */
static BIGNUM *number_of(const ASN1_TYPE *item)
{
    if (ASN1_TYPE_get(item) != V_ASN1_INTEGER)
        return NULL;
    BIGNUM *number = ASN1_INTEGER_to_BN(item->value.integer, NULL);
    if (number != NULL && (BN_is_negative(number) || BN_is_zero(number))) {
        BN_free(number);
        number = NULL;
    }
    return number;
}

static bool is_accepted(const BIGNUM *modulus, const BIGNUM *exponent)
{
    int bits = BN_num_bits(modulus);
    return bits >= MODULUS_BITS_MIN && bits <= MODULUS_BITS_MAX && BN_is_odd(modulus) &&
           BN_is_odd(exponent) && !BN_is_one(exponent) &&
           BN_num_bits(exponent) <= EXPONENT_BITS_MAX;
}

static EVP_PKEY *build(const BIGNUM *modulus, const BIGNUM *exponent)
{
    EVP_PKEY *pkey = NULL;
    OSSL_PARAM *params = NULL;
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
    OSSL_PARAM_BLD *builder = OSSL_PARAM_BLD_new();
    if (context != NULL && builder != NULL &&
        OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_N, modulus) == 1 &&
        OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_E, exponent) == 1 &&
        (params = OSSL_PARAM_BLD_to_param(builder)) != NULL &&
        EVP_PKEY_fromdata_init(context) == 1 &&
        EVP_PKEY_fromdata(context, &pkey, EVP_PKEY_PUBLIC_KEY, params) != 1)
        pkey = NULL;
    OSSL_PARAM_free(params);
    OSSL_PARAM_BLD_free(builder);
    EVP_PKEY_CTX_free(context);
    return pkey;
}

enum gh_status gh_rsa_import(struct gh_bytes raw, EVP_PKEY **out)
{
    if (raw.size > DER_MAX_BYTES)
        return GH_ERR_UNSUPPORTED;
    enum gh_status status = GH_ERR_CORRUPT;
    BIGNUM *modulus = NULL;
    BIGNUM *exponent = NULL;
    ASN1_SEQUENCE_ANY *items = parse(raw);
    if (sk_ASN1_TYPE_num(items) == 2) {
        modulus = number_of(sk_ASN1_TYPE_value(items, 0));
        exponent = number_of(sk_ASN1_TYPE_value(items, 1));
    }
    if (modulus != NULL && exponent != NULL)
        status = is_accepted(modulus, exponent) ? GH_OK : GH_ERR_UNSUPPORTED;
    if (status == GH_OK && (*out = build(modulus, exponent)) == NULL)
        status = GH_ERR_NOMEM;
    BN_free(exponent);
    BN_free(modulus);
    sk_ASN1_TYPE_pop_free(items, ASN1_TYPE_free);
    return status;
}

bool gh_rsa_verify_init(EVP_PKEY_CTX *context)
{
    return EVP_PKEY_verify_init(context) == 1 &&
           EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PSS_PADDING) == 1 &&
           EVP_PKEY_CTX_set_signature_md(context, EVP_sha256()) == 1 &&
           EVP_PKEY_CTX_set_rsa_mgf1_md(context, EVP_sha256()) == 1 &&
           EVP_PKEY_CTX_set_rsa_pss_saltlen(context, SALT_BYTES) == 1;
}
