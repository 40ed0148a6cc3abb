/* SPDX-License-Identifier: Apache-2.0 */
/* Keys, signatures, hashes, randomness: libcrypto (OpenSSL 3) behind one header. All functions may
 * be called from any thread; one key object may be used by several threads at once for verifying.
 */
#ifndef GATEHOUSE_CRYPTO_H
#define GATEHOUSE_CRYPTO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gatehouse/bytes.h"
#include "gatehouse/status.h"

/* The names are also COSE algorithm numbers (RFC 9053, section 2); a key has exactly one. */
enum gh_key_type {
    GH_KEY_ED25519 = -8, /* EdDSA over Ed25519 (RFC 8032) */
    GH_KEY_P256 = -7,    /* ES256: ECDSA P-256 with SHA-256, signature as r||s (RFC 9053, 2.1) */
};

#define GH_SIGNATURE_BYTES 64 /* of either type */
#define GH_SHA256_BYTES 32
#define GH_KEY_ID_BYTES 8
#define GH_PUBLIC_KEY_MAX_BYTES 65 /* Ed25519: 32; P-256: 65, uncompressed (SEC 1, 2.3.3) */

struct gh_private_key; /* opaque, wiped when freed */
struct gh_public_key;  /* opaque */

GH_MUST_CHECK enum gh_status gh_private_key_generate(enum gh_key_type type,
                                                     struct gh_private_key **out);
/* PKCS #8 PEM file, at most 16 KiB. Refuses other key types (GH_ERR_UNSUPPORTED) and broken files
 * (GH_ERR_CORRUPT). */
GH_MUST_CHECK enum gh_status gh_private_key_load(const char *path, struct gh_private_key **out,
                                                 struct gh_error *err);
/* Mode 0600, durable (gh_file_replace). */
GH_MUST_CHECK enum gh_status gh_private_key_save(const struct gh_private_key *key, const char *path,
                                                 struct gh_error *err);
enum gh_key_type gh_private_key_type(const struct gh_private_key *key);
/* The public half, a new object that the caller frees. */
GH_MUST_CHECK enum gh_status gh_private_key_public(const struct gh_private_key *key,
                                                   struct gh_public_key **out);
void gh_private_key_free(struct gh_private_key *key); /* NULL is fine */

/* Raw bytes as in GH_PUBLIC_KEY_MAX_BYTES; GH_ERR_INVALID for a wrong length or a point off the
 * curve. */
GH_MUST_CHECK enum gh_status gh_public_key_from_raw(enum gh_key_type type, struct gh_bytes raw,
                                                    struct gh_public_key **out);
/* SubjectPublicKeyInfo PEM ("PUBLIC KEY") file, at most 16 KiB. */
GH_MUST_CHECK enum gh_status gh_public_key_load(const char *path, struct gh_public_key **out,
                                                struct gh_error *err);
/* SubjectPublicKeyInfo PEM text into out (NUL-terminated); GH_ERR_TOOBIG when it does not fit (256
 * bytes always do). */
GH_MUST_CHECK enum gh_status gh_public_key_pem(const struct gh_public_key *key, char *out,
                                               size_t out_bytes);
enum gh_key_type gh_public_key_type(const struct gh_public_key *key);
/* Raw bytes into out; returns how many. */
size_t gh_public_key_raw(const struct gh_public_key *key, uint8_t out[GH_PUBLIC_KEY_MAX_BYTES]);
/* Key id: the first 8 bytes of SHA-256 over the raw public key. */
void gh_public_key_id(const struct gh_public_key *key, uint8_t out[GH_KEY_ID_BYTES]);
void gh_public_key_free(struct gh_public_key *key); /* NULL is fine */

GH_MUST_CHECK enum gh_status gh_sign(const struct gh_private_key *key, struct gh_bytes message,
                                     uint8_t signature[GH_SIGNATURE_BYTES]);
/* GH_OK, GH_ERR_SIGNATURE when it does not verify (or is not exactly 64 bytes), GH_ERR_NOMEM. */
GH_MUST_CHECK enum gh_status gh_verify(const struct gh_public_key *key, struct gh_bytes message,
                                       struct gh_bytes signature);

void gh_sha256(struct gh_bytes message, uint8_t out[GH_SHA256_BYTES]);
/* Incremental; a NULL context is never returned with GH_OK. */
struct gh_sha256_context;
GH_MUST_CHECK enum gh_status gh_sha256_new(struct gh_sha256_context **out);
void gh_sha256_update(struct gh_sha256_context *context, const void *data, size_t size);
void gh_sha256_finish(struct gh_sha256_context *context,
                      uint8_t out[GH_SHA256_BYTES]); /* frees context too */

/* Cryptographic randomness; a system that cannot give any is stopped (abort), never served weak
 * bytes. */
void gh_random(void *out, size_t size);
gh_id gh_random_id(void); /* never 0 */

/* Constant time in size. */
bool gh_crypto_equal(const void *a, const void *b, size_t size);
void gh_wipe(void *data, size_t size); /* not optimised away */

/* --- X.509 certificates in PEM files (src/crypto/certificate.c) --- */

/* SHA-256 over the DER SubjectPublicKeyInfo of the file's first certificate: what a client that
 * pins the server's key compares (RFC 7469, section 2.4). The file holds at most 1 MiB. */
GH_MUST_CHECK enum gh_status
gh_certificate_spki_sha256(const char *path, uint8_t out[GH_SHA256_BYTES], struct gh_error *err);
/* Whether both files can be read and the private key (any type, not encrypted) belongs to the first
 * certificate: GH_ERR_INVALID when it does not. */
GH_MUST_CHECK enum gh_status gh_certificate_check(const char *path, const char *key_path,
                                                  struct gh_error *err);

#endif
