/* SPDX-License-Identifier: Apache-2.0 */
/* Certificates of TLS servers; those of document signers are in certificate_signer.c. */
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdlib.h>

#include "gatehouse/crypto.h"
#include "gatehouse/file.h"

#define FILE_BYTES_MAX (1u << 20)

/* A program without a terminal must never ask for a pass phrase. */
static int no_pass_phrase(char *buffer, int size, int writing, void *context)
{
    (void)buffer, (void)size, (void)writing, (void)context;
    return -1;
}

static enum gh_status open_pem(const char *path, uint8_t **text, size_t *size, BIO **bio,
                               struct gh_error *err)
{
    enum gh_status status = gh_file_read(path, FILE_BYTES_MAX, text, size, err);
    if (status != GH_OK)
        return status;
    *bio = BIO_new_mem_buf(*text, (int)*size);
    return *bio != NULL ? GH_OK : gh_fail(err, GH_ERR_NOMEM, "no memory to read %.200s", path);
}

static enum gh_status load_certificate(const char *path, X509 **out, struct gh_error *err)
{
    GH_CLEANUP_FREE uint8_t *text = NULL;
    size_t size = 0;
    BIO *bio = NULL;
    enum gh_status status = open_pem(path, &text, &size, &bio, err);
    *out = NULL;
    if (status != GH_OK)
        return status;
    *out = PEM_read_bio_X509(bio, NULL, no_pass_phrase, NULL);
    BIO_free(bio);
    return *out != NULL ? GH_OK
                        : gh_fail(err, GH_ERR_CORRUPT, "%.180s holds no PEM certificate", path);
}

static enum gh_status load_key(const char *path, EVP_PKEY **out, struct gh_error *err)
{
    uint8_t *text = NULL;
    size_t size = 0;
    BIO *bio = NULL;
    enum gh_status status = open_pem(path, &text, &size, &bio, err);
    *out = NULL;
    if (status != GH_OK) {
        free(text);
        return status;
    }
    *out = PEM_read_bio_PrivateKey(bio, NULL, no_pass_phrase, NULL);
    BIO_free(bio);
    gh_wipe(text, size);
    free(text);
    return *out != NULL ? GH_OK
                        : gh_fail(err, GH_ERR_CORRUPT,
                                  "%.160s holds no PEM private key without a pass phrase", path);
}

enum gh_status gh_certificate_spki_sha256(const char *path, uint8_t out[GH_SHA256_BYTES],
                                          struct gh_error *err)
{
    X509 *certificate = NULL;
    unsigned char *der = NULL;
    ERR_set_mark();
    enum gh_status status = load_certificate(path, &certificate, err);
    if (status == GH_OK) {
        int size = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(certificate), &der);
        if (size > 0)
            gh_sha256((struct gh_bytes){der, (size_t)size}, out);
        else
            status = gh_fail(err, GH_ERR_CORRUPT, "%.180s holds no public key", path);
    }
    OPENSSL_free(der);
    X509_free(certificate);
    ERR_pop_to_mark();
    return status;
}

enum gh_status gh_certificate_check(const char *path, const char *key_path, struct gh_error *err)
{
    X509 *certificate = NULL;
    EVP_PKEY *key = NULL;
    ERR_set_mark();
    enum gh_status status = load_certificate(path, &certificate, err);
    if (status == GH_OK)
        status = load_key(key_path, &key, err);
    if (status == GH_OK && X509_check_private_key(certificate, key) != 1)
        status =
            gh_fail(err, GH_ERR_INVALID, "the key in %.100s is not that of %.100s", key_path, path);
    EVP_PKEY_free(key);
    X509_free(certificate);
    ERR_pop_to_mark();
    return status;
}
