/* SPDX-License-Identifier: Apache-2.0 */
/* One link of the hash chain, as read from a stored row. */
#ifndef GATEHOUSE_SRC_JOURNAL_CHAIN_H
#define GATEHOUSE_SRC_JOURNAL_CHAIN_H

#include "gatehouse/entry.h"

/* All zero: the link before the first. */
struct gh_chain_link {
    uint64_t sequence;
    bool erased; /* its content is gone, and previous with it: zeros */
    uint8_t previous[GH_SHA256_BYTES];
    uint8_t hash[GH_SHA256_BYTES];
};

/* Check a row by itself: the body is an entry's canonical form, names this sequence number, and has
 * this hash; or it is empty, then the hash cannot be checked. GH_ERR_CORRUPT otherwise. */
GH_MUST_CHECK enum gh_status gh_chain_link_read(uint64_t sequence, struct gh_bytes body,
                                                struct gh_bytes hash, struct gh_chain_link *out);
/* Does link come next after before? Of one without content only the number tells. */
bool gh_chain_follows(const struct gh_chain_link *link, const struct gh_chain_link *before);
/* The sums of a prune entry (gatehouse/entry.h). */
void gh_chain_sum(uint8_t sum[GH_SHA256_BYTES], const uint8_t hash[GH_SHA256_BYTES]);

#endif
