/* SPDX-License-Identifier: Apache-2.0 */
/* JSON Web Keys (RFC 7517, RFC 8037): the public keys of phones' browsers and of SMART Health Card
 * issuers. */
#ifndef GATEHOUSE_JWK_H
#define GATEHOUSE_JWK_H

#include "gatehouse/crypto.h"
#include "gatehouse/trust.h"

struct json_t;

struct gh_jwk {
    enum gh_key_type type; /* Ed25519 (OKP) or P-256 (EC) */
    uint8_t raw[GH_HOLDER_KEY_MAX_BYTES];
    size_t raw_bytes;
};
/* A public key: kty, crv, x and y are looked at, other members are passed over, but a private one
 * (`d`) is GH_ERR_INVALID: it should never have been sent. GH_ERR_UNSUPPORTED for other types;
 * GH_ERR_INVALID for members that are missing, of another length, or no point. */
GH_MUST_CHECK enum gh_status gh_jwk_parse(const struct json_t *object, struct gh_jwk *out,
                                          struct gh_error *err);
/* SHA-256 over the required members in their order (RFC 7638, section 3). */
void gh_jwk_thumbprint(const struct gh_jwk *jwk, uint8_t out[GH_SHA256_BYTES]);

/* A JWK set with the member `iss` that says whose it is, as SMART Health Card keys
 * (spec.smarthealth.cards, "Determining keys associated with an issuer"). Every P-256 key with use
 * `sig` and alg `ES256` is put out, in order, until `each` returns false; others are passed over,
 * and *passed_over (may be NULL) is counted up for them.
 * GH_ERR_INVALID, with one sentence: not such a set, an `iss` that is no https URL or ends in `/`,
 * a `kid` that is not the key's thumbprint, a private key in it; GH_ERR_TOOBIG above
 * GH_JWKS_MAX_BYTES; GH_ERR_NOMEM. Keys before the one that is wrong have been put out by then. */
#define GH_JWKS_MAX_BYTES 1048576
typedef bool gh_jwks_key_fn(void *context, const struct gh_issuer_key *key);
GH_MUST_CHECK enum gh_status gh_jwks_read(struct gh_bytes text, gh_jwks_key_fn *each, void *context,
                                          size_t *passed_over, struct gh_error *err);

#endif
