/* SPDX-License-Identifier: Apache-2.0 */
/* What the fuzz targets share. Signatures cannot be guessed, so a target takes its input in one of
 * several ways, told by the first byte: as the text itself, or as what lies deeper, which the
 * target then signs, packs and spells with keys that it trusts. */
#ifndef GATEHOUSE_TESTS_FUZZ_H
#define GATEHOUSE_TESTS_FUZZ_H

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "gatehouse/code.h"

#define FUZZ_NOW_S 1630000000 /* a time within the seeds' validity */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What must hold whatever was read. A finding is an abort. */
static inline void fuzz_require(bool holds)
{
    if (!holds)
        abort();
}

static inline void fuzz_check(const struct gh_credential *credential)
{
    fuzz_require((unsigned)credential->reason < GH_REASON_COUNT);
    fuzz_require(credential->reason != GH_REASON_OK || credential->authentic);
    fuzz_require(credential->fact_count <= GH_FACTS_MAX);
    fuzz_require(credential->revocation_count <= GH_REVOCATIONS_MAX);
    fuzz_require(memchr(credential->issuer, 0, sizeof(credential->issuer)) != NULL);
    if (!credential->authentic)
        fuzz_require(credential->subject == 0 && credential->home == 0 && credential->id == 0 &&
                     credential->fact_count == 0 && credential->colour == GH_COLOUR_NONE);
}

/* A trust in these keys, or abort. */
static inline struct gh_trust *fuzz_trust(const struct gh_issuer_key *keys, size_t count)
{
    static const uint8_t secret[GH_HOLDER_SECRET_BYTES] = {1};
    struct gh_trust *trust = NULL;
    if (gh_trust_new(keys, count, secret, &trust) != GH_OK)
        abort();
    return trust;
}

/* A new key of the target's own, and its public half as an issuer of these kinds. */
static inline struct gh_private_key *fuzz_issuer(enum gh_key_type type, unsigned purposes,
                                                 struct gh_issuer_key *issuer)
{
    struct gh_private_key *key = NULL;
    struct gh_public_key *public_key = NULL;
    if (gh_private_key_generate(type, &key) != GH_OK ||
        gh_private_key_public(key, &public_key) != GH_OK)
        abort();
    *issuer =
        (struct gh_issuer_key){.type = type,
                               .purposes = purposes,
                               .groups = purposes == GH_PURPOSE(GH_KIND_HCERT) ? GH_GROUPS_ALL : 0,
                               .not_before_s = INT64_MIN,
                               .not_after_s = INT64_MAX};
    issuer->raw_bytes = gh_public_key_raw(public_key, issuer->raw);
    gh_public_key_id(public_key, issuer->key_id);
    gh_public_key_free(public_key);
    return key;
}

#endif
