/* SPDX-License-Identifier: Apache-2.0 */
/* The issuers' keys of a list, the manifest's and the snapshot's, on their way into a trust. */
#ifndef GATEHOUSE_SRC_LIST_KEYS_H
#define GATEHOUSE_SRC_LIST_KEYS_H

#include "gatehouse/list.h"
#include "list/record.h"

/* Zero it first. Grows as it is filled, to GH_TRUST_KEYS_MAX. */
struct gh_list_keys {
    struct gh_issuer_key *key;
    size_t count, capacity;
    bool checked; /* they made a trust before, when the list was written */
};
/* GH_ERR_NOMEM; GH_ERR_CORRUPT for more than GH_TRUST_KEYS_MAX. */
GH_MUST_CHECK enum gh_status gh_list_keys_add_manifest(struct gh_list_keys *keys,
                                                       const struct gh_manifest *manifest,
                                                       struct gh_error *err);
GH_MUST_CHECK enum gh_status gh_list_keys_add(struct gh_list_keys *keys,
                                              const struct gh_record *record, struct gh_error *err);
/* GH_ERR_NOMEM; GH_ERR_CORRUPT for a key that is none, or there twice, with a sentence that tells
 * which where it is one alone. */
GH_MUST_CHECK enum gh_status gh_list_keys_trust(const struct gh_list_keys *keys,
                                                const struct gh_manifest *manifest,
                                                struct gh_trust **out, struct gh_error *err);
void gh_list_keys_free(struct gh_list_keys *keys);

/* NULL: there is none. */
const uint8_t *gh_manifest_holder_secret(const struct gh_manifest *manifest);

#endif
