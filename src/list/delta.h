/* SPDX-License-Identifier: Apache-2.0 */
/* A delta's records on their way into a list. */
#ifndef GATEHOUSE_SRC_LIST_DELTA_H
#define GATEHOUSE_SRC_LIST_DELTA_H

#include "list/store.h"

/* Verify a delta that leads from one generation to the manifest's, of its area; GH_ERR_CORRUPT,
 * GH_ERR_SIGNATURE. *records (malloc'ed, decompressed) is the caller's, NULL on error. */
GH_MUST_CHECK enum gh_status gh_delta_open(const struct gh_public_key *list_key,
                                           const struct gh_delta *delta,
                                           const struct gh_generation *from,
                                           const struct gh_manifest *to, uint8_t **records,
                                           size_t *size, struct gh_error *err);
/* Every record, each thing once, goes into the store; sorted, so that each page is changed once. */
GH_MUST_CHECK enum gh_status gh_delta_apply(struct gh_list_store *store, struct gh_bytes records);

#endif
