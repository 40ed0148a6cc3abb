/* SPDX-License-Identifier: Apache-2.0 */
/* What the files about keys share: the two objects, and what is peculiar to a type of key. */
#ifndef GATEHOUSE_SRC_CRYPTO_KEYS_H
#define GATEHOUSE_SRC_CRYPTO_KEYS_H

#include <openssl/evp.h>

#include "gatehouse/crypto.h"

#define GH_ED25519_RAW_BYTES 32
#define GH_P256_RAW_BYTES 65
#define GH_P256_NUMBER_BYTES 32
#define GH_P256_DER_SIGNATURE_MAX_BYTES 72 /* SEQUENCE of two INTEGERs of at most 33 bytes each */

struct gh_private_key {
    enum gh_key_type type;
    EVP_PKEY *pkey;
    uint8_t raw[GH_HOLDER_KEY_MAX_BYTES]; /* of the public half; none of PS256 is ever private */
    size_t raw_size;
};

/* Carries a context that is ready to verify: copying it takes a tenth of a microsecond, setting a
 * new one up takes two, most of it looking algorithms up. */
struct gh_public_key {
    enum gh_key_type type;
    EVP_PKEY *pkey;
    EVP_MD_CTX *whole;    /* Ed25519, which signs the message itself; never used, only copied */
    EVP_PKEY_CTX *hashed; /* the same for the others, which sign the message's hash */
    size_t signature_bytes;
    uint8_t raw[GH_PUBLIC_KEY_MAX_BYTES];
    size_t raw_size;
    uint8_t id[GH_KEY_ID_BYTES];
};

/* Takes pkey over, also when it fails. */
GH_MUST_CHECK enum gh_status gh_private_key_wrap(enum gh_key_type type, EVP_PKEY *pkey,
                                                 struct gh_private_key **out);

/* Whether raw is a point of the curve, in its one spelling, and not of small order. */
bool gh_ed25519_is_point(const uint8_t raw[GH_ED25519_RAW_BYTES]);

/* NULL for what is no point. */
EVP_PKEY *gh_p256_import(const uint8_t raw[GH_P256_RAW_BYTES]);
/* Whether r and s are both above 0 and below the group's order. */
bool gh_p256_signature_in_range(const uint8_t signature[GH_SIGNATURE_BYTES]);
/* r||s from DER and into it; the latter returns its size. */
bool gh_p256_signature_from_der(const unsigned char *der, size_t der_size,
                                uint8_t signature[GH_SIGNATURE_BYTES]);
size_t gh_p256_signature_to_der(const uint8_t signature[GH_SIGNATURE_BYTES],
                                unsigned char der[GH_P256_DER_SIGNATURE_MAX_BYTES]);

/* From DER RSAPublicKey. GH_ERR_CORRUPT: it is none; GH_ERR_UNSUPPORTED: it is, but with a modulus
 * or an exponent that is not accepted; GH_ERR_NOMEM. */
GH_MUST_CHECK enum gh_status gh_rsa_import(struct gh_bytes raw, EVP_PKEY **out);
/* Make context verify as PS256 does; false when the key itself is for something else. */
bool gh_rsa_verify_init(EVP_PKEY_CTX *context);

#endif
