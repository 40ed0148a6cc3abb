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
    GH_KEY_PS256 =
        -37, /* RSASSA-PSS, SHA-256, MGF1 with SHA-256, salt of 32 bytes (RFC 8230), of
                2048 to 4096 bits: verifies foreign certificates; nothing signs with it */
};

#define GH_SIGNATURE_BYTES 64      /* of the first two; of PS256 as long as the modulus */
#define GH_SIGNATURE_MAX_BYTES 512 /* of any */
#define GH_SHA256_BYTES 32
#define GH_KEY_ID_BYTES 8
#define GH_PUBLIC_KEY_MAX_BYTES                                                                    \
    544 /* Ed25519: 32; P-256: 65, uncompressed (SEC 1, 2.3.3); PS256: DER RSAPublicKey (RFC 8017) \
         */
#define GH_HOLDER_KEY_MAX_BYTES 65 /* of the two types that a phone may have */

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

/* Raw bytes as in GH_PUBLIC_KEY_MAX_BYTES; GH_ERR_INVALID for a wrong length, a point off the
 * curve, an RSA modulus outside 2048 to 4096 bits or not in DER, an even or 1 as its exponent, or
 * one above 32 bits. */
GH_MUST_CHECK enum gh_status gh_public_key_from_raw(enum gh_key_type type, struct gh_bytes raw,
                                                    struct gh_public_key **out);
/* The raw, uncompressed form of a P-256 point of which only x and the parity of y are given
 * (RFC 9053, 7.1.1). GH_ERR_INVALID when there is no such point. */
GH_MUST_CHECK enum gh_status gh_p256_decompress(const uint8_t x[32], bool y_is_odd,
                                                uint8_t out[65]);
/* SubjectPublicKeyInfo PEM ("PUBLIC KEY") file, at most 16 KiB, of a key that may be one of our
 * own: GH_ERR_UNSUPPORTED for other types than Ed25519 and P-256. */
GH_MUST_CHECK enum gh_status gh_public_key_load(const char *path, struct gh_public_key **out,
                                                struct gh_error *err);
/* SubjectPublicKeyInfo PEM text into out (NUL-terminated); GH_ERR_TOOBIG when it does not fit (256
 * bytes always do, for Ed25519 and P-256). */
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
/* GH_OK; GH_ERR_SIGNATURE when it does not verify; GH_ERR_INVALID when it is not as long as the
 * key's signatures are (so also for one in DER); GH_ERR_RANGE when r or s of an ES256 signature is
 * 0 or not below the group's order; GH_ERR_NOMEM. */
GH_MUST_CHECK enum gh_status gh_verify(const struct gh_public_key *key, struct gh_bytes message,
                                       struct gh_bytes signature);

void gh_sha256(struct gh_bytes message, uint8_t out[GH_SHA256_BYTES]);
/* RFC 2104 with SHA-256. */
void gh_hmac_sha256(struct gh_bytes key, struct gh_bytes message, uint8_t out[GH_SHA256_BYTES]);
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

/* --- X.509 certificates (src/crypto/certificate*.c) --- */

/* A document signer's certificate, as far as codes are concerned. No chain is checked: who hands it
 * in trusts it. */
struct gh_signer {
    enum gh_key_type type;
    uint8_t raw[GH_PUBLIC_KEY_MAX_BYTES];
    size_t raw_bytes;
    uint8_t sha256[GH_SHA256_BYTES]; /* over its DER: the first 8 bytes are its kid in an HCERT */
    bool may_vaccination, may_test, may_recovery; /* by its extended key usage
        (1.3.6.1.4.1.1847.2021.1.{1 test, 2 vaccination, 3 recovery}, also as
        1.3.6.1.4.1.0.1847.2021.1.*); all three without one, with an empty one, and with foreign
        usages only */
    int64_t not_before_s, not_after_s;            /* of the certificate */
};
/* One certificate in DER, nothing behind it. GH_ERR_CORRUPT: none; GH_ERR_UNSUPPORTED: its key is
 * of a type that codes are not signed with (also: RSA of another size, or for other hashes only).
 * *out is all zero on error. */
GH_MUST_CHECK enum gh_status gh_signer_from_der(struct gh_bytes der, struct gh_signer *out,
                                                struct gh_error *err);
/* Every certificate in a PEM text, in order; what is not a CERTIFICATE block is passed over, and so
 * is a certificate whose key is of a type that codes are not signed with, since issuers publish all
 * that they have: *passed_over (may be NULL) is counted up for these. GH_ERR_NOTFOUND when there is
 * no certificate at all; the first other error ends it. each returns false to end it too (GH_OK).
 */
typedef bool gh_signer_fn(void *context, const struct gh_signer *signer);
GH_MUST_CHECK enum gh_status gh_signers_from_pem(struct gh_bytes text, gh_signer_fn *each,
                                                 void *context, size_t *passed_over,
                                                 struct gh_error *err);

/* SHA-256 over the DER SubjectPublicKeyInfo of the file's first certificate: what a client that
 * pins the server's key compares (RFC 7469, section 2.4). The file holds at most 1 MiB. */
GH_MUST_CHECK enum gh_status
gh_certificate_spki_sha256(const char *path, uint8_t out[GH_SHA256_BYTES], struct gh_error *err);
/* Whether both files can be read and the private key (any type, not encrypted) belongs to the first
 * certificate: GH_ERR_INVALID when it does not. */
GH_MUST_CHECK enum gh_status gh_certificate_check(const char *path, const char *key_path,
                                                  struct gh_error *err);

#endif
