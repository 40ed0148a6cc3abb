/* SPDX-License-Identifier: Apache-2.0 */
/* Keys and signatures. A public key carries a context that is ready to verify: copying it takes a
 * tenth of a microsecond, setting a new one up takes two, most of it looking algorithms up. */
#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <string.h>

#include "gatehouse/crypto.h"
#include "gatehouse/file.h"

#define KEY_FILE_BYTES_MAX 16384
#define ED25519_PUBLIC_BYTES 32
#define P256_PUBLIC_BYTES 65
#define P256_NUMBER_BYTES 32
#define DER_SIGNATURE_BYTES_MAX 72 /* SEQUENCE of two INTEGERs of at most 33 bytes each */

struct gh_private_key {
    enum gh_key_type type;
    EVP_PKEY *pkey;
    uint8_t raw[GH_PUBLIC_KEY_MAX_BYTES]; /* of the public half */
    size_t raw_size;
};

struct gh_public_key {
    enum gh_key_type type;
    EVP_PKEY *pkey;
    EVP_MD_CTX *ed25519; /* ready to verify; never used itself, only copied */
    EVP_PKEY_CTX *p256;  /* the same for P-256 */
    uint8_t raw[GH_PUBLIC_KEY_MAX_BYTES];
    size_t raw_size;
    uint8_t id[GH_KEY_ID_BYTES];
};

/* --- raw public keys
 * ------------------------------------------------------------------------------- */

/* The y coordinates of the points of small order, big-endian: 0, 1, -1 and the two of order 8. With
 * such a key, one signature fits many messages. */
static const char *const small_order[] = {
    "00",
    "01",
    "7fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffec",
    "7a03ac9277fdc74ec6cc392cfa53202a0f67100d760b3cba4fd84d3d706a17c7",
    "05fc536d880238b13933c6d305acdfd5f098eff289f4c345b027b2c28f95e826",
};

static bool is_small_order(const BIGNUM *y)
{
    for (size_t i = 0; i < GH_ARRAY_SIZE(small_order); i++) {
        BIGNUM *known = NULL;
        bool equal = BN_hex2bn(&known, small_order[i]) == 0 || BN_cmp(y, known) == 0;
        BN_free(known);
        if (equal) {
            return true;
        }
    }
    return false;
}

/* RFC 8032, section 5.1.3: there is an x with -x^2 + y^2 = 1 + d x^2 y^2 (mod p) if and only if
 * u/v is a square, and so u*v, where u = y^2 - 1 and v = d y^2 + 1. */
static bool has_x(const BIGNUM *y, const BIGNUM *p, const BIGNUM *d, BN_CTX *context)
{
    BN_CTX_start(context);
    BIGNUM *square = BN_CTX_get(context);
    BIGNUM *u = BN_CTX_get(context);
    BIGNUM *v = BN_CTX_get(context);
    bool found = v != NULL && BN_mod_sqr(square, y, p, context) == 1 &&
                 BN_mod_sub(u, square, BN_value_one(), p, context) == 1 &&
                 BN_mod_mul(v, square, d, p, context) == 1 &&
                 BN_mod_add(v, v, BN_value_one(), p, context) == 1 &&
                 BN_mod_mul(u, u, v, p, context) == 1 && BN_kronecker(u, p, context) == 1;
    BN_CTX_end(context);
    return found;
}

/* libcrypto takes any 32 bytes for an Ed25519 key and finds out when it verifies. */
static bool is_ed25519_point(const uint8_t raw[ED25519_PUBLIC_BYTES])
{
    uint8_t bytes[ED25519_PUBLIC_BYTES];
    memcpy(bytes, raw, sizeof(bytes));
    bytes[31] &= 0x7F; /* the top bit is the sign of x */

    BIGNUM *p = NULL;
    BIGNUM *d = NULL;
    BN_CTX *context = BN_CTX_new();
    BIGNUM *y = BN_lebin2bn(bytes, sizeof(bytes), NULL);
    bool good =
        context != NULL && y != NULL &&
        BN_hex2bn(&p, "7fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffed") > 0 &&
        BN_hex2bn(&d, "52036cee2b6ffe738cc740797779e89800700a4d4141d8ab75eb4dca135978a3") > 0 &&
        BN_cmp(y, p) < 0 && !is_small_order(y) && has_x(y, p, d, context);
    BN_free(y);
    BN_free(d);
    BN_free(p);
    BN_CTX_free(context);
    return good;
}

static EVP_PKEY *p256_from_raw(const uint8_t raw[P256_PUBLIC_BYTES])
{
    char group[] = "prime256v1";
    uint8_t point[P256_PUBLIC_BYTES];
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

static enum gh_status import_raw(struct gh_public_key *key, struct gh_bytes raw)
{
    if (key->type == GH_KEY_ED25519) {
        if (raw.size != ED25519_PUBLIC_BYTES || !is_ed25519_point(raw.data)) {
            return GH_ERR_INVALID;
        }
        key->pkey = EVP_PKEY_new_raw_public_key_ex(NULL, "ED25519", NULL, raw.data, raw.size);
        return key->pkey != NULL ? GH_OK : GH_ERR_NOMEM;
    }
    /* Only the uncompressed form: one key, one text. */
    if (key->type != GH_KEY_P256 || raw.size != P256_PUBLIC_BYTES || raw.data[0] != 4) {
        return GH_ERR_INVALID;
    }
    key->pkey = p256_from_raw(raw.data);
    return key->pkey != NULL ? GH_OK : GH_ERR_INVALID;
}

static bool make_ready(struct gh_public_key *key)
{
    if (key->type == GH_KEY_ED25519) {
        key->ed25519 = EVP_MD_CTX_new();
        return key->ed25519 != NULL &&
               EVP_DigestVerifyInit_ex(key->ed25519, NULL, NULL, NULL, NULL, key->pkey, NULL) == 1;
    }
    key->p256 = EVP_PKEY_CTX_new_from_pkey(NULL, key->pkey, NULL);
    return key->p256 != NULL && EVP_PKEY_verify_init(key->p256) == 1;
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
        EVP_MD_CTX_free(key->ed25519);
        EVP_PKEY_CTX_free(key->p256);
        EVP_PKEY_free(key->pkey);
        free(key);
    }
}

/* --- PEM
 * ------------------------------------------------------------------------------------------- */

/* A daemon must never ask for a pass phrase at a terminal. */
static int no_pass_phrase(char *buffer, int size, int writing, void *context)
{
    (void)buffer, (void)size, (void)writing, (void)context;
    return -1;
}

/* The DER inside the first PEM block of that name; free with OPENSSL_clear_free. */
static enum gh_status read_pem(const char *path, const char *name, unsigned char **der,
                               size_t *der_size, struct gh_error *err)
{
    uint8_t *text;
    size_t text_size;
    enum gh_status status = gh_file_read(path, KEY_FILE_BYTES_MAX, &text, &text_size, err);
    if (status != GH_OK) {
        return status;
    }
    long size = 0;
    *der = NULL;
    BIO *bio = BIO_new_mem_buf(text, (int)text_size);
    if (bio == NULL) {
        status = gh_fail(err, GH_ERR_NOMEM, "no memory to read %s", path);
    } else if (PEM_bytes_read_bio(der, &size, NULL, name, bio, no_pass_phrase, NULL) != 1) {
        bool encrypted = strstr((const char *)text, "ENCRYPTED") != NULL;
        status = gh_fail(err, encrypted ? GH_ERR_UNSUPPORTED : GH_ERR_CORRUPT,
                         encrypted ? "%s is encrypted, which is not supported (%s wanted)"
                                   : "%s holds no whole PEM block \"%s\"",
                         path, name);
    }
    *der_size = (size_t)size;
    BIO_free(bio);
    gh_wipe(text, text_size);
    free(text);
    return status;
}

static enum gh_status unsupported_key(const char *path, struct gh_error *err)
{
    return gh_fail(err, GH_ERR_UNSUPPORTED, "%s is neither an Ed25519 nor a P-256 key", path);
}

/* Does an AlgorithmIdentifier name one of our two kinds? The curve must be named, not described. */
static bool known_algorithm(const ASN1_OBJECT *oid, int parameter_type, const void *parameter,
                            enum gh_key_type *type)
{
    int nid = OBJ_obj2nid(oid);
    *type = nid == NID_ED25519 ? GH_KEY_ED25519 : GH_KEY_P256;
    return nid == NID_ED25519 ||
           (nid == NID_X9_62_id_ecPublicKey && parameter_type == V_ASN1_OBJECT &&
            parameter != NULL && OBJ_obj2nid(parameter) == NID_X9_62_prime256v1);
}

static enum gh_status public_from_info(const X509_PUBKEY *info, const char *path,
                                       struct gh_public_key **out, struct gh_error *err)
{
    ASN1_OBJECT *oid;
    X509_ALGOR *algorithm;
    const unsigned char *raw;
    int raw_size, parameter_type;
    const void *parameter;
    enum gh_key_type type;
    if (X509_PUBKEY_get0_param(&oid, &raw, &raw_size, &algorithm, info) != 1) {
        return gh_fail(err, GH_ERR_CORRUPT, "%s is not a public key", path);
    }
    X509_ALGOR_get0(NULL, &parameter_type, &parameter, algorithm);
    if (!known_algorithm(oid, parameter_type, parameter, &type)) {
        return unsupported_key(path, err);
    }
    enum gh_status status =
        gh_public_key_from_raw(type, (struct gh_bytes){raw, (size_t)raw_size}, out);
    if (status == GH_ERR_NOMEM) {
        return gh_fail(err, status, "no memory for the key in %s", path);
    }
    return status == GH_OK
               ? GH_OK
               : gh_fail(err, GH_ERR_CORRUPT, "%s holds a point that is no public key", path);
}

enum gh_status gh_public_key_load(const char *path, struct gh_public_key **out,
                                  struct gh_error *err)
{
    *out = NULL;
    unsigned char *der = NULL;
    size_t der_size = 0;
    ERR_set_mark();
    enum gh_status status = read_pem(path, PEM_STRING_PUBLIC, &der, &der_size, err);
    if (status == GH_OK) {
        const unsigned char *cursor = der;
        X509_PUBKEY *info = d2i_X509_PUBKEY(NULL, &cursor, (long)der_size);
        status = info != NULL && cursor == der + der_size
                     ? public_from_info(info, path, out, err)
                     : gh_fail(err, GH_ERR_CORRUPT, "%s is not a public key", path);
        X509_PUBKEY_free(info);
    }
    OPENSSL_clear_free(der, der_size);
    ERR_pop_to_mark();
    return status;
}

enum gh_status gh_public_key_pem(const struct gh_public_key *key, char *out, size_t out_bytes)
{
    enum gh_status status = GH_ERR_NOMEM;
    char *text = NULL;
    ERR_set_mark();
    BIO *bio = BIO_new(BIO_s_mem());
    if (bio != NULL && PEM_write_bio_PUBKEY(bio, key->pkey) == 1) {
        size_t size = (size_t)BIO_get_mem_data(bio, &text);
        status = size < out_bytes ? GH_OK : GH_ERR_TOOBIG;
        if (status == GH_OK) {
            memcpy(out, text, size);
            out[size] = '\0';
        }
    }
    BIO_free(bio);
    ERR_pop_to_mark();
    return status;
}

/* --- private keys --------------------------------------------------------------------------------
 */

static bool p256_number(const EVP_PKEY *pkey, const char *name, uint8_t out[P256_NUMBER_BYTES])
{
    BIGNUM *number = NULL;
    bool good = EVP_PKEY_get_bn_param(pkey, name, &number) == 1 &&
                BN_bn2binpad(number, out, P256_NUMBER_BYTES) == P256_NUMBER_BYTES;
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
           p256_number(key->pkey, OSSL_PKEY_PARAM_EC_PUB_Y, key->raw + 1 + P256_NUMBER_BYTES);
}

/* Takes pkey over, also when it fails. */
static enum gh_status wrap_private(enum gh_key_type type, EVP_PKEY *pkey,
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
    enum gh_status status = wrap_private(type, pkey, out);
    ERR_pop_to_mark();
    return status;
}

/* The two halves must belong together: a file may hold both, and one may have been altered. */
static bool halves_match(EVP_PKEY *pkey)
{
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_pkey(NULL, pkey, NULL);
    bool match = context != NULL && EVP_PKEY_pairwise_check(context) == 1;
    EVP_PKEY_CTX_free(context);
    return match;
}

static enum gh_status private_from_info(const PKCS8_PRIV_KEY_INFO *info, const char *path,
                                        struct gh_private_key **out, struct gh_error *err)
{
    const ASN1_OBJECT *oid;
    const X509_ALGOR *algorithm;
    int parameter_type;
    const void *parameter;
    enum gh_key_type type;
    if (PKCS8_pkey_get0(&oid, NULL, NULL, &algorithm, info) != 1) {
        return gh_fail(err, GH_ERR_CORRUPT, "%s is not a private key", path);
    }
    X509_ALGOR_get0(NULL, &parameter_type, &parameter, algorithm);
    if (!known_algorithm(oid, parameter_type, parameter, &type)) {
        return unsupported_key(path, err);
    }
    EVP_PKEY *pkey = EVP_PKCS82PKEY(info);
    if (pkey == NULL || !halves_match(pkey)) {
        EVP_PKEY_free(pkey);
        return gh_fail(err, GH_ERR_CORRUPT, "%s is not a private key", path);
    }
    enum gh_status status = wrap_private(type, pkey, out);
    return status == GH_OK ? GH_OK : gh_fail(err, status, "no memory for the key in %s", path);
}

enum gh_status gh_private_key_load(const char *path, struct gh_private_key **out,
                                   struct gh_error *err)
{
    *out = NULL;
    unsigned char *der = NULL;
    size_t der_size = 0;
    ERR_set_mark();
    enum gh_status status = read_pem(path, PEM_STRING_PKCS8INF, &der, &der_size, err);
    if (status == GH_OK) {
        const unsigned char *cursor = der;
        PKCS8_PRIV_KEY_INFO *info = d2i_PKCS8_PRIV_KEY_INFO(NULL, &cursor, (long)der_size);
        status = info != NULL && cursor == der + der_size
                     ? private_from_info(info, path, out, err)
                     : gh_fail(err, GH_ERR_CORRUPT, "%s is not a private key", path);
        PKCS8_PRIV_KEY_INFO_free(info);
    }
    OPENSSL_clear_free(der, der_size);
    ERR_pop_to_mark();
    return status;
}

enum gh_status gh_private_key_save(const struct gh_private_key *key, const char *path,
                                   struct gh_error *err)
{
    char *text = NULL;
    enum gh_status status;
    ERR_set_mark();
    PKCS8_PRIV_KEY_INFO *info = EVP_PKEY2PKCS8(key->pkey);
    BIO *bio = BIO_new(BIO_s_mem()); /* wiped when freed */
    if (info == NULL || bio == NULL || PEM_write_bio_PKCS8_PRIV_KEY_INFO(bio, info) != 1) {
        status = gh_fail(err, GH_ERR_NOMEM, "no memory to write %s", path);
    } else {
        size_t size = (size_t)BIO_get_mem_data(bio, &text);
        status = gh_file_replace(path, 0600, text, size, err);
    }
    BIO_free(bio);
    PKCS8_PRIV_KEY_INFO_free(info);
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

/* --- signatures
 * ------------------------------------------------------------------------------------ */

/* A pointer for libcrypto also where there is nothing to point to. */
static const unsigned char *bytes_of(struct gh_bytes message)
{
    return message.size > 0 ? message.data : (const unsigned char *)"";
}

static bool der_to_raw(const unsigned char *der, size_t der_size,
                       uint8_t signature[GH_SIGNATURE_BYTES])
{
    ECDSA_SIG *parsed = d2i_ECDSA_SIG(NULL, &der, (long)der_size);
    bool good = parsed != NULL &&
                BN_bn2binpad(ECDSA_SIG_get0_r(parsed), signature, P256_NUMBER_BYTES) >= 0 &&
                BN_bn2binpad(ECDSA_SIG_get0_s(parsed), signature + P256_NUMBER_BYTES,
                             P256_NUMBER_BYTES) >= 0;
    ECDSA_SIG_free(parsed);
    return good;
}

enum gh_status gh_sign(const struct gh_private_key *key, struct gh_bytes message,
                       uint8_t signature[GH_SIGNATURE_BYTES])
{
    unsigned char der[DER_SIGNATURE_BYTES_MAX];
    bool is_p256 = key->type == GH_KEY_P256;
    unsigned char *out = is_p256 ? der : signature;
    size_t size = is_p256 ? sizeof(der) : GH_SIGNATURE_BYTES;
    ERR_set_mark();
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    bool good = context != NULL &&
                EVP_DigestSignInit_ex(context, NULL, is_p256 ? "SHA256" : NULL, NULL, NULL,
                                      key->pkey, NULL) == 1 &&
                EVP_DigestSign(context, out, &size, bytes_of(message), message.size) == 1 &&
                (is_p256 ? der_to_raw(der, size, signature) : size == GH_SIGNATURE_BYTES);
    EVP_MD_CTX_free(context);
    ERR_pop_to_mark();
    return good ? GH_OK : GH_ERR_NOMEM;
}

/* One DER INTEGER from 32 big-endian bytes; returns its size. */
static size_t put_integer(const uint8_t number[P256_NUMBER_BYTES], unsigned char *out)
{
    size_t skip = 0;
    while (skip < P256_NUMBER_BYTES - 1 && number[skip] == 0) {
        skip++;
    }
    size_t size = P256_NUMBER_BYTES - skip;
    size_t pad = number[skip] >= 0x80 ? 1 : 0; /* a leading 1 bit would mean a negative number */
    out[0] = 0x02;
    out[1] = (unsigned char)(size + pad);
    out[2] = 0;
    memcpy(out + 2 + pad, number + skip, size);
    return 2 + pad + size;
}

static size_t raw_to_der(const uint8_t *signature, unsigned char der[DER_SIGNATURE_BYTES_MAX])
{
    size_t size = put_integer(signature, der + 2);
    size += put_integer(signature + P256_NUMBER_BYTES, der + 2 + size);
    der[0] = 0x30;
    der[1] = (unsigned char)size;
    return size + 2;
}

static enum gh_status verify_ed25519(const struct gh_public_key *key, struct gh_bytes message,
                                     const uint8_t *signature)
{
    enum gh_status status = GH_ERR_NOMEM;
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    if (context != NULL && EVP_MD_CTX_copy_ex(context, key->ed25519) == 1) {
        int result = EVP_DigestVerify(context, signature, GH_SIGNATURE_BYTES, bytes_of(message),
                                      message.size);
        status = result == 1 ? GH_OK : GH_ERR_SIGNATURE;
    }
    EVP_MD_CTX_free(context);
    return status;
}

static enum gh_status verify_p256(const struct gh_public_key *key, struct gh_bytes message,
                                  const uint8_t *signature)
{
    unsigned char der[DER_SIGNATURE_BYTES_MAX];
    size_t der_size = raw_to_der(signature, der);
    uint8_t hash[GH_SHA256_BYTES];
    gh_sha256(message, hash);
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_dup(key->p256);
    if (context == NULL) {
        return GH_ERR_NOMEM;
    }
    int result = EVP_PKEY_verify(context, der, der_size, hash, sizeof(hash));
    EVP_PKEY_CTX_free(context);
    return result == 1 ? GH_OK : GH_ERR_SIGNATURE;
}

enum gh_status gh_verify(const struct gh_public_key *key, struct gh_bytes message,
                         struct gh_bytes signature)
{
    if (signature.size != GH_SIGNATURE_BYTES) {
        return GH_ERR_SIGNATURE;
    }
    ERR_set_mark(); /* a forged code must not leave its traces for curl to find */
    enum gh_status status = key->type == GH_KEY_ED25519
                                ? verify_ed25519(key, message, signature.data)
                                : verify_p256(key, message, signature.data);
    ERR_pop_to_mark();
    return status;
}
