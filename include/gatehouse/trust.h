/* SPDX-License-Identifier: Apache-2.0 */
/* The issuers' keys that codes are verified against: an immutable set, shared between threads by
 * reference count. */
#ifndef GATEHOUSE_TRUST_H
#define GATEHOUSE_TRUST_H

#include "gatehouse/credential.h"
#include "gatehouse/crypto.h"

#define GH_PURPOSE(kind) (1u << (kind)) /* what a key may sign, a set of enum gh_kind */

struct gh_issuer_key {
    enum gh_key_type type;
    uint8_t raw[GH_PUBLIC_KEY_MAX_BYTES];
    size_t raw_bytes;
    unsigned purposes; /* GH_PURPOSE(...) | ... */
    int64_t
        not_before_s; /* codes issued (iat) outside this span, both ends included, are refused */
    int64_t not_after_s;
    char issuer[GH_ISSUER_BYTES]; /* the iss that its codes must name; "": any */
};
#define GH_TRUST_KEYS_MAX 64

/* Whether such a code may be signed by this key: its kind, when it was issued, and by whom it says.
 */
bool gh_issuer_key_may_sign(const struct gh_issuer_key *key, enum gh_kind kind, int64_t issued_at_s,
                            struct gh_bytes issuer);

struct gh_trust; /* opaque */

/* keys are copied. GH_ERR_INVALID for a key that is none; GH_ERR_EXISTS for two keys of one id;
 * GH_ERR_TOOBIG for more than GH_TRUST_KEYS_MAX. */
GH_MUST_CHECK enum gh_status gh_trust_new(const struct gh_issuer_key *keys, size_t count,
                                          struct gh_trust **out);
/* The public keys in a folder: every `*.pem` is an Ed25519 or P-256 public key that may sign any of
 * our own kinds, at any time, under any issuer's name (a file's name proves nothing). Other
 * endings, names that begin with a dot, and PEM files of certificates (they are for foreign health
 * codes) are passed over; a `*.pem` that is neither fails the whole. GH_ERR_NOTFOUND: no such
 * folder. */
GH_MUST_CHECK enum gh_status gh_trust_load(const char *folder, struct gh_trust **out,
                                           struct gh_error *err);
struct gh_trust *gh_trust_ref(struct gh_trust *trust); /* returns its argument; any thread */
void gh_trust_unref(struct gh_trust *trust);           /* any thread; NULL is fine */

struct gh_trusted_key {
    const struct gh_public_key *key;    /* lives as long as the trust */
    const struct gh_issuer_key *issuer; /* likewise */
};
/* By key id; false when there is none. NULL trust holds no keys. */
bool gh_trust_find(const struct gh_trust *trust, const uint8_t key_id[GH_KEY_ID_BYTES],
                   struct gh_trusted_key *out);

#endif
