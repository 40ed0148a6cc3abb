/* SPDX-License-Identifier: Apache-2.0 */
/* A receipt: the server's word, signed with the list key, that it has stored all entries of a gate
 * up to one, by that one's hash. With it in hand a gate may forget them; what it leaves behind in
 * its chain shows to anybody that nothing else was forgotten. */
#ifndef GATEHOUSE_RECEIPT_H
#define GATEHOUSE_RECEIPT_H

#include "gatehouse/bytes.h"
#include "gatehouse/crypto.h"

struct gh_receipt {
    uint64_t through; /* 0: none */
    uint8_t hash[GH_SHA256_BYTES];
    uint8_t signature[GH_SIGNATURE_BYTES]; /* Ed25519 */
};

/* Over the text "gatehouse receipt v1 <gate> <through> <hash in hex>". Fills signature. */
GH_MUST_CHECK enum gh_status gh_receipt_sign(const struct gh_private_key *list_key, gh_id gate,
                                             struct gh_receipt *receipt);
/* GH_ERR_SIGNATURE. */
GH_MUST_CHECK enum gh_status gh_receipt_verify(const struct gh_public_key *list_key, gh_id gate,
                                               const struct gh_receipt *receipt);

#endif
