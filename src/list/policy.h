/* SPDX-License-Identifier: Apache-2.0 */
/* The policy inside a manifest: docs/protocol.md, section 4. */
#ifndef GATEHOUSE_SRC_LIST_POLICY_H
#define GATEHOUSE_SRC_LIST_POLICY_H

#include "code/cbor.h"
#include "gatehouse/policy.h"

/* One that gh_policy_misfit has nothing against. */
void gh_policy_put(struct gh_writer *writer, const struct gh_policy *policy);
/* What is there: gh_policy_misfit says whether it may be so. */
void gh_policy_get(struct gh_cbor_reader *reader, struct gh_policy *policy);

#endif
