/* SPDX-License-Identifier: Apache-2.0 */
/* The key of the phone that a health code is bound to: the claim cnf (RFC 8747) with one COSE_Key
 * (RFC 9052, section 7), in the one form that docs/codes.md gives it. */
#ifndef GATEHOUSE_SRC_CODE_CNF_H
#define GATEHOUSE_SRC_CODE_CNF_H

#include "code/cbor.h"
#include "gatehouse/crypto.h"

struct gh_cnf {
    enum gh_key_type type; /* GH_KEY_ED25519 or GH_KEY_P256 */
    uint8_t x[32];         /* of Ed25519 the whole key */
    bool y_is_odd;         /* of P-256 */
};

/* The claim's value; the reader fails with GH_ERR_INVALID for any other form of key. Whether x is a
 * point is not looked at: that takes longer than reading all the rest. */
struct gh_cnf gh_cnf_read(struct gh_cbor_reader *reader);
void gh_cnf_put(struct gh_writer *writer, const struct gh_cnf *cnf);

/* GH_ERR_INVALID: a phone has no such key. */
GH_MUST_CHECK enum gh_status gh_cnf_of(const struct gh_public_key *key, struct gh_cnf *out);
/* The key, ready to verify, which the caller frees. GH_ERR_INVALID: no point of the curve. */
GH_MUST_CHECK enum gh_status gh_cnf_key(const struct gh_cnf *cnf, struct gh_public_key **out);

#endif
