/* SPDX-License-Identifier: Apache-2.0 */
/* Keys: made, taken in, given out. Files are key_pem.c's, signatures sign.c's. */
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/keys.h"

/* --- public keys --- */

static enum gh_status import_ed25519(struct gh_bytes raw, EVP_PKEY **out)
{
    if (raw.size != GH_ED25519_RAW_BYTES || !gh_ed25519_is_point(raw.data))
        return GH_ERR_INVALID;
    *out = EVP_PKEY_new_raw_public_key_ex(NULL, "ED25519", NULL, raw.data, raw.size);
    return *out != NULL ? GH_OK : GH_ERR_NOMEM;
}

/* Only the uncompressed form: one key, one text. */
static enum gh_status import_p256(struct gh_bytes raw, EVP_PKEY **out)
{
    if (raw.size != GH_P256_RAW_BYTES || raw.data[0] != 4)
        return GH_ERR_INVALID;
    *out = gh_p256_import(raw.data);
    return *out != NULL ? GH_OK : GH_ERR_INVALID;
}

static enum gh_status import_ps256(struct gh_bytes raw, EVP_PKEY **out)
{
    enum gh_status status = gh_rsa_import(raw, out);
    return status == GH_OK || status == GH_ERR_NOMEM ? status : GH_ERR_INVALID;
}

static enum gh_status import_raw(struct gh_public_key *key, struct gh_bytes raw)
{
    switch (key->type) {
    case GH_KEY_ED25519:
        return import_ed25519(raw, &key->pkey);
    case GH_KEY_P256:
        return import_p256(raw, &key->pkey);
    case GH_KEY_PS256:
        return import_ps256(raw, &key->pkey);
    }
    return GH_ERR_INVALID;
}

static bool make_ready(struct gh_public_key *key)
{
    if (key->type == GH_KEY_ED25519) {
        key->whole = EVP_MD_CTX_new();
        return key->whole != NULL &&
               EVP_DigestVerifyInit_ex(key->whole, NULL, NULL, NULL, NULL, key->pkey, NULL) == 1;
    }
    key->hashed = EVP_PKEY_CTX_new_from_pkey(NULL, key->pkey, NULL);
    return key->hashed != NULL && (key->type == GH_KEY_P256 ? EVP_PKEY_verify_init(key->hashed) == 1
                                                            : gh_rsa_verify_init(key->hashed));
}

enum gh_status gh_public_key_from_raw(enum gh_key_type type, struct gh_bytes raw,
                                      struct gh_public_key **out)
{
    *out = NULL;
    struct gh_public_key *key = calloc(1, sizeof(*key));
    if (key == NULL) {
        return GH_ERR_NOMEM;
    }
    key->type = type;
    ERR_set_mark();
    enum gh_status status = import_raw(key, raw);
    if (status == GH_OK && !make_ready(key)) {
        status = GH_ERR_NOMEM;
    }
    ERR_pop_to_mark();
    if (status != GH_OK) {
        gh_public_key_free(key);
        return status;
    }
    memcpy(key->raw, raw.data, raw.size);
    key->raw_size = raw.size;
    key->signature_bytes =
        type == GH_KEY_PS256 ? (size_t)EVP_PKEY_get_size(key->pkey) : GH_SIGNATURE_BYTES;
    uint8_t hash[GH_SHA256_BYTES];
    gh_sha256(raw, hash);
    memcpy(key->id, hash, sizeof(key->id));
    *out = key;
    return GH_OK;
}

enum gh_key_type gh_public_key_type(const struct gh_public_key *key)
{
    return key->type;
}

size_t gh_public_key_raw(const struct gh_public_key *key, uint8_t out[GH_PUBLIC_KEY_MAX_BYTES])
{
    memcpy(out, key->raw, key->raw_size);
    return key->raw_size;
}

void gh_public_key_id(const struct gh_public_key *key, uint8_t out[GH_KEY_ID_BYTES])
{
    memcpy(out, key->id, GH_KEY_ID_BYTES);
}

void gh_public_key_free(struct gh_public_key *key)
{
    if (key != NULL) {
        EVP_MD_CTX_free(key->whole);
        EVP_PKEY_CTX_free(key->hashed);
        EVP_PKEY_free(key->pkey);
        free(key);
    }
}

/* --- private keys --- */

static bool p256_number(const EVP_PKEY *pkey, const char *name, uint8_t out[GH_P256_NUMBER_BYTES])
{
    BIGNUM *number = NULL;
    bool good = EVP_PKEY_get_bn_param(pkey, name, &number) == 1 &&
                BN_bn2binpad(number, out, GH_P256_NUMBER_BYTES) == GH_P256_NUMBER_BYTES;
    BN_free(number);
    return good;
}

static bool export_raw(struct gh_private_key *key)
{
    key->raw_size = sizeof(key->raw);
    if (key->type == GH_KEY_ED25519) {
        return EVP_PKEY_get_raw_public_key(key->pkey, key->raw, &key->raw_size) == 1;
    }
    key->raw[0] = 4;
    return p256_number(key->pkey, OSSL_PKEY_PARAM_EC_PUB_X, key->raw + 1) &&
           p256_number(key->pkey, OSSL_PKEY_PARAM_EC_PUB_Y, key->raw + 1 + GH_P256_NUMBER_BYTES);
}

enum gh_status gh_private_key_wrap(enum gh_key_type type, EVP_PKEY *pkey,
                                   struct gh_private_key **out)
{
    struct gh_private_key *key = pkey != NULL ? calloc(1, sizeof(*key)) : NULL;
    if (key == NULL) {
        EVP_PKEY_free(pkey);
        return GH_ERR_NOMEM;
    }
    key->type = type;
    key->pkey = pkey;
    if (!export_raw(key)) {
        gh_private_key_free(key);
        return GH_ERR_NOMEM;
    }
    *out = key;
    return GH_OK;
}

enum gh_status gh_private_key_generate(enum gh_key_type type, struct gh_private_key **out)
{
    *out = NULL;
    if (type != GH_KEY_ED25519 && type != GH_KEY_P256) {
        return GH_ERR_INVALID;
    }
    ERR_set_mark();
    EVP_PKEY *pkey = type == GH_KEY_ED25519 ? EVP_PKEY_Q_keygen(NULL, NULL, "ED25519")
                                            : EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");
    enum gh_status status = gh_private_key_wrap(type, pkey, out);
    ERR_pop_to_mark();
    return status;
}

enum gh_key_type gh_private_key_type(const struct gh_private_key *key)
{
    return key->type;
}

enum gh_status gh_private_key_public(const struct gh_private_key *key, struct gh_public_key **out)
{
    return gh_public_key_from_raw(key->type, (struct gh_bytes){key->raw, key->raw_size}, out);
}

void gh_private_key_free(struct gh_private_key *key)
{
    if (key != NULL) {
        EVP_PKEY_free(key->pkey); /* libcrypto wipes the secret */
        gh_wipe(key, sizeof(*key));
        free(key);
    }
}
