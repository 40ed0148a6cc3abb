/* SPDX-License-Identifier: Apache-2.0 */
/* Signatures: made and verified. */
#include <openssl/err.h>

#include "crypto/keys.h"

/* A pointer for libcrypto also where there is nothing to point to. */
static const unsigned char *bytes_of(struct gh_bytes message)
{
    return message.size > 0 ? message.data : (const unsigned char *)"";
}

enum gh_status gh_sign(const struct gh_private_key *key, struct gh_bytes message,
                       uint8_t signature[GH_SIGNATURE_BYTES])
{
    unsigned char der[GH_P256_DER_SIGNATURE_MAX_BYTES];
    bool is_p256 = key->type == GH_KEY_P256;
    unsigned char *out = is_p256 ? der : signature;
    size_t size = is_p256 ? sizeof(der) : GH_SIGNATURE_BYTES;
    ERR_set_mark();
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    bool good =
        context != NULL &&
        EVP_DigestSignInit_ex(context, NULL, is_p256 ? "SHA256" : NULL, NULL, NULL, key->pkey,
                              NULL) == 1 &&
        EVP_DigestSign(context, out, &size, bytes_of(message), message.size) == 1 &&
        (is_p256 ? gh_p256_signature_from_der(der, size, signature) : size == GH_SIGNATURE_BYTES);
    EVP_MD_CTX_free(context);
    ERR_pop_to_mark();
    return good ? GH_OK : GH_ERR_NOMEM;
}

static enum gh_status verify_whole(const struct gh_public_key *key, struct gh_bytes message,
                                   const uint8_t *signature)
{
    enum gh_status status = GH_ERR_NOMEM;
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    if (context != NULL && EVP_MD_CTX_copy_ex(context, key->whole) == 1) {
        int result = EVP_DigestVerify(context, signature, GH_SIGNATURE_BYTES, bytes_of(message),
                                      message.size);
        status = result == 1 ? GH_OK : GH_ERR_SIGNATURE;
    }
    EVP_MD_CTX_free(context);
    return status;
}

static enum gh_status verify_hash(const struct gh_public_key *key, struct gh_bytes message,
                                  struct gh_bytes signature)
{
    uint8_t hash[GH_SHA256_BYTES];
    gh_sha256(message, hash);
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_dup(key->hashed);
    if (context == NULL)
        return GH_ERR_NOMEM;
    int result = EVP_PKEY_verify(context, signature.data, signature.size, hash, sizeof(hash));
    EVP_PKEY_CTX_free(context);
    return result == 1 ? GH_OK : GH_ERR_SIGNATURE;
}

static enum gh_status verify_p256(const struct gh_public_key *key, struct gh_bytes message,
                                  const uint8_t *signature)
{
    if (!gh_p256_signature_in_range(signature))
        return GH_ERR_RANGE;
    unsigned char der[GH_P256_DER_SIGNATURE_MAX_BYTES];
    size_t der_size = gh_p256_signature_to_der(signature, der);
    return verify_hash(key, message, (struct gh_bytes){der, der_size});
}

static enum gh_status verify(const struct gh_public_key *key, struct gh_bytes message,
                             struct gh_bytes signature)
{
    switch (key->type) {
    case GH_KEY_ED25519:
        return verify_whole(key, message, signature.data);
    case GH_KEY_P256:
        return verify_p256(key, message, signature.data);
    case GH_KEY_PS256:
        return verify_hash(key, message, signature);
    }
    return GH_ERR_SIGNATURE;
}

enum gh_status gh_verify(const struct gh_public_key *key, struct gh_bytes message,
                         struct gh_bytes signature)
{
    if (signature.size != key->signature_bytes)
        return GH_ERR_INVALID;
    ERR_set_mark(); /* a forged code must not leave its traces for curl to find */
    enum gh_status status = verify(key, message, signature);
    ERR_pop_to_mark();
    return status;
}
