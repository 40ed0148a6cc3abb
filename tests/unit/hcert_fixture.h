/* SPDX-License-Identifier: Apache-2.0 */
/* Signers, trusts and readings that the tests of HCERTs share. Include it after cmocka.h. */
#ifndef GATEHOUSE_TESTS_UNIT_HCERT_FIXTURE_H
#define GATEHOUSE_TESTS_UNIT_HCERT_FIXTURE_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fakes/cbor_text.h"
#include "fakes/hcert_writer.h"
#include "gatehouse/code.h"

#define NOW (HCERT_IAT + 3600)

static struct hcert_signer *es256, *ps256; /* both may sign all groups */
static struct gh_trust *trust;             /* in both */
static const uint8_t holder_secret[GH_HOLDER_SECRET_BYTES] = "an area's secret, 32 bytes long.";

static inline struct gh_trust *trust_in(const struct gh_issuer_key *keys, size_t count)
{
    struct gh_trust *out = NULL;
    assert_int_equal(gh_trust_new(keys, count, holder_secret, &out), GH_OK);
    return out;
}

static inline int setup(void **state)
{
    (void)state;
    es256 = hcert_signer_new(GH_KEY_P256, 0, 0);
    ps256 = hcert_signer_new(GH_KEY_PS256, 2048, 0);
    const struct gh_issuer_key keys[] = {hcert_signer_key(es256), hcert_signer_key(ps256)};
    trust = trust_in(keys, 2);
    return 0;
}

static inline int teardown(void **state)
{
    (void)state;
    gh_trust_unref(trust);
    hcert_signer_free(es256);
    hcert_signer_free(ps256);
    return 0;
}

static inline struct gh_credential read_bytes(const struct gh_trust *keys, const void *text,
                                              size_t size, int64_t now_s)
{
    uint8_t *copy = malloc(size + (size == 0)); /* of exactly its size, for the sanitizer */
    assert_non_null(copy);
    memcpy(copy, text, size);
    struct gh_credential credential;
    memset(&credential, 0xa5, sizeof(credential));
    gh_code_read(keys, (struct gh_bytes){copy, size}, now_s, &credential);
    free(copy);
    assert_int_equal(credential.kind, GH_KIND_HCERT);
    return credential;
}

static inline struct gh_credential read_text(const char *text)
{
    return read_bytes(trust, text, strlen(text), NOW);
}

static inline struct gh_credential read_hcert(const struct hcert *hcert)
{
    static char text[HCERT_TEXT_BYTES];
    hcert_write(es256, hcert, text);
    return read_text(text);
}

static inline struct gh_credential read_claims(const char *claims)
{
    return read_hcert(&(struct hcert){.claims = claims});
}

/* A certificate with this content (of -260: 1) and the default names. */
static inline struct gh_credential read_content(const char *content)
{
    static char claims[16384];
    snprintf(claims, sizeof(claims), "{1: 'AT', 4: 1651536000, 6: 1620000000, -260: {1: {%s, %s}}}",
             content, HCERT_NAME);
    return read_claims(claims);
}

static inline void assert_reason(const struct gh_credential *credential, enum gh_reason reason)
{
    assert_string_equal(gh_reason_info(credential->reason)->token, gh_reason_info(reason)->token);
}

/* Refused, and nothing of what it claims is let out: all but these fields are 0. */
static inline void assert_refused(struct gh_credential credential, enum gh_reason reason)
{
    static const struct gh_credential nothing;
    static const uint8_t no_identity[GH_IDENTITY_BYTES];
    assert_reason(&credential, reason);
    assert_memory_not_equal(credential.identity, no_identity, sizeof(no_identity));
    credential.kind = GH_KIND_UNKNOWN;
    credential.reason = (enum gh_reason)0;
    memset(credential.key_id, 0, sizeof(credential.key_id));
    memset(credential.identity, 0, sizeof(credential.identity));
    assert_memory_equal(&credential, &nothing, sizeof(nothing));
}

#endif
