/* SPDX-License-Identifier: Apache-2.0 */
/* Hashes, randomness, comparing and wiping; keys and signatures are in key*.c and
 * sign.c. */
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <pthread.h>
#include <stdlib.h>

#include "gatehouse/crypto.h"
#include "gatehouse/log.h"

#define BLOCK_BYTES 64 /* of SHA-256 */

struct gh_sha256_context {
    EVP_MD_CTX *md;
};

/* Fetched once: looking an algorithm up takes longer than hashing a short message. Lives as long as
 * the process. */
static EVP_MD *sha256;
static pthread_once_t sha256_once = PTHREAD_ONCE_INIT;

static void fetch_sha256(void)
{
    sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
}

/* HMAC with SHA-256, set up but for its key; never used itself, only copied. */
static EVP_MAC_CTX *hmac;
static pthread_once_t hmac_once = PTHREAD_ONCE_INIT;

static void fetch_hmac(void)
{
    char digest[] = "SHA256";
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
        OSSL_PARAM_construct_end(),
    };
    EVP_MAC *mac = EVP_MAC_fetch(NULL, "HMAC", NULL);
    hmac = mac != NULL ? EVP_MAC_CTX_new(mac) : NULL;
    if (hmac != NULL && EVP_MAC_CTX_set_params(hmac, params) != 1) {
        EVP_MAC_CTX_free(hmac);
        hmac = NULL;
    }
    EVP_MAC_free(mac); /* the context holds it */
}

/* For what must not fail, and cannot unless the machine is out of memory or libcrypto is broken:
 * going on would mean weak randomness or a wrong hash in the journal. */
static _Noreturn void stop(const char *why)
{
    gh_log(GH_LOG_ERR, "crypto", "%s: stopping", why);
    abort();
}

static EVP_MD_CTX *sha256_start(void)
{
    pthread_once(&sha256_once, fetch_sha256);
    EVP_MD_CTX *context = sha256 != NULL ? EVP_MD_CTX_new() : NULL;
    if (context != NULL && EVP_DigestInit_ex2(context, sha256, NULL) != 1) {
        EVP_MD_CTX_free(context);
        context = NULL;
    }
    return context;
}

static void sha256_add(EVP_MD_CTX *context, const void *data, size_t size)
{
    if (size > 0 && EVP_DigestUpdate(context, data, size) != 1) {
        stop("cannot hash");
    }
}

static void sha256_end(EVP_MD_CTX *context, uint8_t out[GH_SHA256_BYTES])
{
    if (EVP_DigestFinal_ex(context, out, NULL) != 1) {
        stop("cannot hash");
    }
    EVP_MD_CTX_free(context);
}

void gh_sha256(struct gh_bytes message, uint8_t out[GH_SHA256_BYTES])
{
    EVP_MD_CTX *context = sha256_start();
    if (context == NULL) {
        stop("no memory to hash");
    }
    sha256_add(context, message.data, message.size);
    sha256_end(context, out);
}

void gh_hmac_sha256(struct gh_bytes key, struct gh_bytes message, uint8_t out[GH_SHA256_BYTES])
{
    static const unsigned char nothing[1];
    uint8_t hashed_key[GH_SHA256_BYTES];
    if (key.size > BLOCK_BYTES) { /* what RFC 2104 does with it; here no size is too large */
        gh_sha256(key, hashed_key);
        key = (struct gh_bytes){hashed_key, sizeof(hashed_key)};
    }
    pthread_once(&hmac_once, fetch_hmac);
    EVP_MAC_CTX *context = hmac != NULL ? EVP_MAC_CTX_dup(hmac) : NULL;
    size_t size = 0;
    if (context == NULL ||
        EVP_MAC_init(context, key.size > 0 ? key.data : nothing, key.size, NULL) != 1 ||
        (message.size > 0 && EVP_MAC_update(context, message.data, message.size) != 1) ||
        EVP_MAC_final(context, out, &size, GH_SHA256_BYTES) != 1 || size != GH_SHA256_BYTES) {
        stop("cannot hash");
    }
    EVP_MAC_CTX_free(context);
    gh_wipe(hashed_key, sizeof(hashed_key));
}

enum gh_status gh_sha256_new(struct gh_sha256_context **out)
{
    *out = NULL;
    struct gh_sha256_context *context = calloc(1, sizeof(*context));
    if (context == NULL || (context->md = sha256_start()) == NULL) {
        free(context);
        return GH_ERR_NOMEM;
    }
    *out = context;
    return GH_OK;
}

void gh_sha256_update(struct gh_sha256_context *context, const void *data, size_t size)
{
    sha256_add(context->md, data, size);
}

void gh_sha256_finish(struct gh_sha256_context *context, uint8_t out[GH_SHA256_BYTES])
{
    sha256_end(context->md, out);
    free(context);
}

void gh_random(void *out, size_t size)
{
    unsigned char *bytes = out;
    while (size > 0) {
        int part = size > 65536 ? 65536 : (int)size;
        if (RAND_bytes(bytes, part) != 1) {
            stop("no randomness");
        }
        bytes += part;
        size -= (size_t)part;
    }
}

gh_id gh_random_id(void)
{
    gh_id id = 0;
    while (id == 0) {
        gh_random(&id, sizeof(id));
    }
    return id;
}

bool gh_crypto_equal(const void *a, const void *b, size_t size)
{
    return size == 0 || CRYPTO_memcmp(a, b, size) == 0;
}

void gh_wipe(void *data, size_t size)
{
    if (size > 0) {
        OPENSSL_cleanse(data, size);
    }
}
