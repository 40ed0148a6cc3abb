/* SPDX-License-Identifier: Apache-2.0 */
/* The issuers' keys that codes are verified against, ours and foreign ones: an immutable set,
 * shared between threads by reference count. */
#ifndef GATEHOUSE_TRUST_H
#define GATEHOUSE_TRUST_H

#include "gatehouse/credential.h"
#include "gatehouse/crypto.h"

#define GH_PURPOSE(kind) (1u << (kind)) /* what a key may sign, a set of enum gh_kind */
#define GH_PURPOSES_OWN                                                                            \
    (GH_PURPOSE(GH_KIND_HEALTH) | GH_PURPOSE(GH_KIND_HOUSING) | GH_PURPOSE(GH_KIND_VISITOR) |      \
     GH_PURPOSE(GH_KIND_STAFF))

struct gh_issuer_key {
    enum gh_key_type type;
    uint8_t raw[GH_PUBLIC_KEY_MAX_BYTES];
    size_t raw_bytes;
    /* GH_PURPOSE(...) | ...: some of our own kinds, or HCERT alone, or SHC alone */
    unsigned purposes;
    unsigned groups;      /* GH_GROUP(...) | ...: of an HCERT key, what it may sign; else 0 */
    int64_t not_before_s; /* codes issued (iat, nbf) outside this span, both ends included, are */
    int64_t not_after_s;  /* refused: a retired key's span has ended */
    bool revoked;         /* refuse whatever it signed, whenever */
    /* The iss that its codes must name, byte for byte; "": any. Never "" for SHC. */
    char issuer[GH_ISSUER_BYTES];
    /* Of an HCERT key the first 8 bytes of SHA-256 over its certificate, which the raw key does not
     * tell. Ignored for others: there it is that of the key (crypto.h), or for SHC the first 8
     * bytes of its RFC 7638 thumbprint. */
    uint8_t key_id[GH_KEY_ID_BYTES];
};
#define GH_TRUST_KEYS_MAX 4096
#define GH_HOLDER_SECRET_BYTES 32

/* GH_REASON_OK, or why such a code may not be signed by this key: KEY_REVOKED, WRONG_KEY (its kind,
 * or a group of an HCERT: groups is 0 for other kinds), WRONG_ISSUER, KEY_RETIRED (also: not in use
 * yet). */
enum gh_reason gh_issuer_key_allows(const struct gh_issuer_key *key, enum gh_kind kind,
                                    unsigned groups, int64_t issued_at_s, struct gh_bytes issuer);

/* A document signer's, for HCERT: nobody's by name, good at any time up to not_after_s. */
struct gh_issuer_key gh_issuer_key_of_signer(const struct gh_signer *signer, int64_t not_after_s);

struct gh_trust; /* opaque */

/* keys are copied. holder_secret: GH_HOLDER_SECRET_BYTES, the key of the hashes that stand for the
 * holders and the numbers of foreign certificates; NULL: these are then not identified (0). It is
 * the same for all gates of an area and secret, since names and birth dates can be tried.
 * GH_ERR_INVALID for a key that is none, or whose purposes are mixed; GH_ERR_EXISTS for two of our
 * own keys of one id, or twice the same foreign one; GH_ERR_TOOBIG for more than
 * GH_TRUST_KEYS_MAX. */
GH_MUST_CHECK enum gh_status gh_trust_new(const struct gh_issuer_key *keys, size_t count,
                                          const uint8_t *holder_secret, struct gh_trust **out);
/* The same of keys that gh_trust_new took before: a foreign one is made when it is found first, so
 * that thousands cost nothing (each is a point on a curve to check: some 50 us). One that is none
 * after all is not found, nor those of its id behind it. */
GH_MUST_CHECK enum gh_status gh_trust_new_checked(const struct gh_issuer_key *keys, size_t count,
                                                  const uint8_t *holder_secret,
                                                  struct gh_trust **out);
/* The keys in a folder, for a person at a terminal:
 * - `*.pem` with PUBLIC KEY: an Ed25519 or P-256 key that may sign any of our own kinds, at any
 *   time, under any issuer's name (a file's name proves nothing);
 * - `*.pem` with CERTIFICATE blocks, `*.der`: document signers, for HCERT, at any time;
 * - `*.jwks.json`: a JWK set with an added top-level member `iss`: that issuer's keys, for SMART
 *   Health Cards, at any time.
 * Other endings, and names that begin with a dot, are passed over. A file of these that is not what
 * its ending says fails the whole, since a folder trusted in part would look like one that is
 * trusted; but keys of a type that codes are not signed with are passed over, and so is a foreign
 * key that is there already (bundles overlap). A public key and certificates in one file are
 * refused, since the key would become one of our own. GH_ERR_NOTFOUND: no such folder. */
GH_MUST_CHECK enum gh_status gh_trust_load(const char *folder, struct gh_trust **out,
                                           struct gh_error *err);
struct gh_trust *gh_trust_ref(struct gh_trust *trust); /* returns its argument; any thread */
void gh_trust_unref(struct gh_trust *trust);           /* any thread; NULL is fine */

/* GH_HOLDER_SECRET_BYTES, or NULL; lives as long as the trust. NULL trust has none. */
const uint8_t *gh_trust_holder_secret(const struct gh_trust *trust);

struct gh_trusted_key {
    const struct gh_public_key *key;    /* lives as long as the trust */
    const struct gh_issuer_key *issuer; /* likewise */
};
/* What gh_issuer_key_allows says, over every listing of a key that was found: several issuers may
 * list one foreign key, and one that allows it is enough. But a key that was revoked under one name
 * is in a stranger's hands, whatever name the stranger uses. */
enum gh_reason gh_trust_allows(const struct gh_trust *trust, const struct gh_trusted_key *key,
                               enum gh_kind kind, unsigned groups, int64_t issued_at_s,
                               struct gh_bytes issuer);
/* The nth (from 0) key of that id that is for that kind of code: all our own kinds are one, since
 * their key ids are unique (a key that is not for this very kind is found; see
 * gh_issuer_key_allows). Only foreign ones may share an id. false when there is none. NULL trust
 * holds no keys. */
bool gh_trust_find(const struct gh_trust *trust, enum gh_kind kind,
                   const uint8_t key_id[GH_KEY_ID_BYTES], size_t nth, struct gh_trusted_key *out);

#endif
