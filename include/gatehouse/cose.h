/* SPDX-License-Identifier: Apache-2.0 */
/* COSE_Sign1 (RFC 9052, section 4.2): parse, verify, write. Parsing and verifying are two steps
 * because the key is chosen by what the headers say. */
#ifndef GATEHOUSE_COSE_H
#define GATEHOUSE_COSE_H

#include <stdbool.h>

#include "gatehouse/bytes.h"
#include "gatehouse/crypto.h"
#include "gatehouse/status.h"

struct gh_cose_sign1 {
    struct gh_bytes protected_bytes; /* exactly as received; all views borrow from the input */
    struct gh_bytes payload;
    struct gh_bytes signature;
    int64_t algorithm; /* alg, from the protected header, else from the unprotected one; 0: none */
    struct gh_bytes key_id; /* kid, likewise; size 0: none */
    struct gh_bytes cwt; /* kcwt (label 13, RFC 9528) of the protected header, a whole item; size 0:
                            none */
    bool unprotected_empty; /* the unprotected header says nothing: all that is not signed is what
                               CBOR needs */
    bool headers_protected; /* that, and both alg and kid are there */
};

/* Bare, under tag 18, or under 61(18). GH_ERR_INVALID for anything else, critical headers (crit), a
 * payload that is not there, strings in chunks, and containers of indefinite length unless
 * `indefinite` allows them; GH_ERR_EXISTS for a label that is twice in one header (in both is read
 * from the protected one); GH_ERR_TRAILING for trailing bytes; GH_ERR_TRUNCATED for an early end;
 * GH_ERR_TOOBIG for what is nested too deep; GH_ERR_UNSUPPORTED, when all else is in form, for an
 * alg that is no integer (of 64 bits with its sign): a name, which COSE knows too, or something
 * else. *out is all zero on error. */
GH_MUST_CHECK enum gh_status gh_cose_parse(struct gh_bytes input, bool indefinite,
                                           struct gh_cose_sign1 *out);

/* Verify over Sig_structure ["Signature1", protected, external_aad, payload], built from the bytes
 * as received. GH_ERR_UNSUPPORTED unless the algorithm is the key's own; then as gh_verify;
 * GH_ERR_TOOBIG above GH_COSE_PAYLOAD_MAX_BYTES; GH_ERR_NOMEM. Up to 17 KiB to
 * be signed it allocates nothing of its own. */
#define GH_COSE_PAYLOAD_MAX_BYTES 65536
GH_MUST_CHECK enum gh_status gh_cose_verify(const struct gh_cose_sign1 *message,
                                            const struct gh_public_key *key,
                                            struct gh_bytes external_aad);

/* Append tag 18 [protected {1: alg, 4: kid}, {}, payload, signature]. Limits as above, and
 * GH_ERR_TOOBIG when the writer overflows. */
GH_MUST_CHECK enum gh_status gh_cose_write(struct gh_writer *writer,
                                           const struct gh_private_key *key,
                                           struct gh_bytes payload, struct gh_bytes external_aad);
/* The same with a protected header that the caller encoded: it has to name the key's algorithm. */
GH_MUST_CHECK enum gh_status gh_cose_write_under(struct gh_writer *writer,
                                                 const struct gh_private_key *key,
                                                 struct gh_bytes protected_bytes,
                                                 struct gh_bytes payload,
                                                 struct gh_bytes external_aad);
/* Append a message as it was signed already, in the form that gh_cose_write gives it. The
 * unprotected header is left out. */
void gh_cose_put(struct gh_writer *writer, const struct gh_cose_sign1 *message);

#endif
