/* SPDX-License-Identifier: Apache-2.0 */
/* Keys in PEM files. */
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/keys.h"
#include "gatehouse/file.h"

#define KEY_FILE_BYTES_MAX 16384

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

/* --- private keys --- */

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
    enum gh_status status = gh_private_key_wrap(type, pkey, out);
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
