/* SPDX-License-Identifier: Apache-2.0 */
/* P-256: points, and signatures between COSE's form and libcrypto's. */
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <string.h>

#include "crypto/keys.h"

EVP_PKEY *gh_p256_import(const uint8_t raw[GH_P256_RAW_BYTES])
{
    char group[] = "prime256v1";
    uint8_t point[GH_P256_RAW_BYTES];
    memcpy(point, raw, sizeof(point));
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, group, 0),
        OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, point, sizeof(point)),
        OSSL_PARAM_construct_end(),
    };
    EVP_PKEY *pkey = NULL;
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
    if (context == NULL || EVP_PKEY_fromdata_init(context) != 1 ||
        EVP_PKEY_fromdata(context, &pkey, EVP_PKEY_PUBLIC_KEY, params) != 1) {
        pkey = NULL;
    }
    EVP_PKEY_CTX_free(context);
    return pkey;
}

enum gh_status gh_p256_decompress(const uint8_t x[32], bool y_is_odd, uint8_t out[65])
{
    uint8_t compressed[1 + GH_P256_NUMBER_BYTES];
    compressed[0] = y_is_odd ? 3 : 2;
    memcpy(compressed + 1, x, GH_P256_NUMBER_BYTES);
    enum gh_status status = GH_ERR_NOMEM;
    ERR_set_mark();
    EC_GROUP *group = EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1);
    EC_POINT *point = group != NULL ? EC_POINT_new(group) : NULL;
    if (point != NULL) {
        bool found = EC_POINT_oct2point(group, point, compressed, sizeof(compressed), NULL) == 1 &&
                     EC_POINT_point2oct(group, point, POINT_CONVERSION_UNCOMPRESSED, out,
                                        GH_P256_RAW_BYTES, NULL) == GH_P256_RAW_BYTES;
        status = found ? GH_OK : GH_ERR_INVALID;
    }
    EC_POINT_free(point);
    EC_GROUP_free(group);
    ERR_pop_to_mark();
    return status;
}

/* --- signatures --- */

/* n, the order of the group that the curve's points form. */
static const uint8_t order[GH_P256_NUMBER_BYTES] = {
    0xff, 0xff, 0xff, 0xff, 0x00, 0x00, 0x00, 0x00, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
    0xbc, 0xe6, 0xfa, 0xad, 0xa7, 0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51,
};

static bool number_in_range(const uint8_t number[GH_P256_NUMBER_BYTES])
{
    static const uint8_t zero[GH_P256_NUMBER_BYTES];
    return memcmp(number, zero, sizeof(zero)) != 0 && memcmp(number, order, sizeof(order)) < 0;
}

bool gh_p256_signature_in_range(const uint8_t signature[GH_SIGNATURE_BYTES])
{
    return number_in_range(signature) && number_in_range(signature + GH_P256_NUMBER_BYTES);
}

bool gh_p256_signature_from_der(const unsigned char *der, size_t der_size,
                                uint8_t signature[GH_SIGNATURE_BYTES])
{
    ECDSA_SIG *parsed = d2i_ECDSA_SIG(NULL, &der, (long)der_size);
    bool good = parsed != NULL &&
                BN_bn2binpad(ECDSA_SIG_get0_r(parsed), signature, GH_P256_NUMBER_BYTES) >= 0 &&
                BN_bn2binpad(ECDSA_SIG_get0_s(parsed), signature + GH_P256_NUMBER_BYTES,
                             GH_P256_NUMBER_BYTES) >= 0;
    ECDSA_SIG_free(parsed);
    return good;
}

/* One DER INTEGER from 32 big-endian bytes; returns its size. */
static size_t put_integer(const uint8_t number[GH_P256_NUMBER_BYTES], unsigned char *out)
{
    size_t skip = 0;
    while (skip < GH_P256_NUMBER_BYTES - 1 && number[skip] == 0) {
        skip++;
    }
    size_t size = GH_P256_NUMBER_BYTES - skip;
    size_t pad = number[skip] >= 0x80 ? 1 : 0; /* a leading 1 bit would mean a negative number */
    out[0] = 0x02;
    out[1] = (unsigned char)(size + pad);
    out[2] = 0;
    memcpy(out + 2 + pad, number + skip, size);
    return 2 + pad + size;
}

size_t gh_p256_signature_to_der(const uint8_t signature[GH_SIGNATURE_BYTES],
                                unsigned char der[GH_P256_DER_SIGNATURE_MAX_BYTES])
{
    size_t size = put_integer(signature, der + 2);
    size += put_integer(signature + GH_P256_NUMBER_BYTES, der + 2 + size);
    der[0] = 0x30;
    der[1] = (unsigned char)size;
    return size + 2;
}
