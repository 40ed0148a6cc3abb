/* SPDX-License-Identifier: Apache-2.0 */
/* One link of the hash chain, as read from a stored row. */
#ifndef GATEHOUSE_SRC_JOURNAL_CHAIN_H
#define GATEHOUSE_SRC_JOURNAL_CHAIN_H

#include "gatehouse/entry.h"

/* All zero: the link before the first. */
struct gh_chain_link {
    uint64_t sequence;
    uint8_t previous[GH_SHA256_BYTES];
    uint8_t hash[GH_SHA256_BYTES];
};

/* Check a row by itself: the body is an entry's canonical form, names this sequence number, and has
 * this hash. GH_ERR_CORRUPT otherwise. */
GH_MUST_CHECK enum gh_status gh_chain_link_read(uint64_t sequence, struct gh_bytes body,
                                                struct gh_bytes hash, struct gh_chain_link *out);
/* Does link come next after before? */
bool gh_chain_follows(const struct gh_chain_link *link, const struct gh_chain_link *before);

#endif
