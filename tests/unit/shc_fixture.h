/* SPDX-License-Identifier: Apache-2.0 */
/* Keys and readings that the tests of SMART Health Cards share. Include it after cmocka.h. The keys
 * are published with the tests: tests/vectors/shc. */
#ifndef GATEHOUSE_TESTS_UNIT_SHC_FIXTURE_H
#define GATEHOUSE_TESTS_UNIT_SHC_FIXTURE_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fakes/shc_writer.h"
#include "gatehouse/code.h"

#define SHC_VECTORS "tests/vectors/shc"
#define NOW (SHC_NBF + 3600)

static struct gh_private_key *issuer_key, *stranger_key;
static struct gh_trust *trust; /* in the first, as SHC_ISS, with a holder secret */
static const uint8_t holder_secret[GH_HOLDER_SECRET_BYTES] = {1, 2, 3};

static inline struct gh_trust *trust_in(const struct gh_issuer_key *keys, size_t count)
{
    struct gh_trust *out = NULL;
    assert_int_equal(gh_trust_new(keys, count, holder_secret, &out), GH_OK);
    return out;
}

static inline int setup(void **state)
{
    (void)state;
    assert_int_equal(gh_private_key_load(SHC_VECTORS "/issuer.p256.key", &issuer_key, NULL), GH_OK);
    assert_int_equal(gh_private_key_load(SHC_VECTORS "/stranger.p256.key", &stranger_key, NULL),
                     GH_OK);
    struct gh_issuer_key key = shc_issuer_key(issuer_key, SHC_ISS);
    trust = trust_in(&key, 1);
    return 0;
}

static inline int teardown(void **state)
{
    (void)state;
    gh_private_key_free(issuer_key);
    gh_private_key_free(stranger_key);
    gh_trust_unref(trust);
    return 0;
}

/* --- reading --------------------------------------------------------------------------------- */

/* Each text in a block of exactly its size, for the sanitizer. */
static inline struct gh_credential read_texts(const struct gh_trust *keys, char *const *texts,
                                              size_t count, int64_t now_s)
{
    struct gh_bytes bytes[64];
    struct gh_credential credential;
    memset(&credential, 0xa5, sizeof(credential));
    assert_true(count <= GH_ARRAY_SIZE(bytes));
    for (size_t i = 0; i < count; i++) {
        size_t size = strlen(texts[i]);
        uint8_t *copy = malloc(size + (size == 0));
        assert_non_null(copy);
        memcpy(copy, texts[i], size);
        bytes[i] = (struct gh_bytes){.data = copy, .size = size};
    }
    gh_code_read_parts(keys, bytes, count, now_s, &credential);
    for (size_t i = 0; i < count; i++)
        free((uint8_t *)bytes[i].data);
    return credential;
}

static inline struct gh_credential read_one(const struct gh_trust *keys, const char *text,
                                            int64_t now_s)
{
    char *texts[] = {(char *)text};
    return read_texts(keys, texts, 1, now_s);
}

/* A JWS in as many texts as it takes. */
static inline struct gh_credential read_jws(const struct gh_trust *keys, const char *jws,
                                            int64_t now_s)
{
    char *texts[8] = {NULL};
    size_t count = strlen(jws) * 2 / 6000 + 1;
    assert_true(count <= GH_ARRAY_SIZE(texts));
    for (size_t i = 0; i < count; i++)
        texts[i] = count == 1 ? shc_text(jws) : shc_chunk(jws, i + 1, count);
    struct gh_credential credential = read_texts(keys, texts, count, now_s);
    for (size_t i = 0; i < count; i++)
        free(texts[i]);
    return credential;
}

/* Writes, reads by `trust` at NOW. */
static inline struct gh_credential read_spec(const struct shc_spec *spec)
{
    char *jws = shc_jws(spec);
    struct gh_credential credential = read_jws(trust, jws, NOW);
    free(jws);
    return credential;
}

static inline struct gh_credential read_payload(const char *payload)
{
    struct shc_spec spec = {.key = issuer_key, .payload = payload};
    return read_spec(&spec);
}

/* --- what was read --------------------------------------------------------------------------- */

static inline void assert_reason(const struct gh_credential *credential, enum gh_reason reason)
{
    assert_string_equal(gh_reason_info(credential->reason)->token, gh_reason_info(reason)->token);
    assert_int_equal(credential->kind, GH_KIND_SHC);
}

/* Nothing of what an unproven card claims may get into an entry. */
static inline void assert_refused(const struct gh_credential *credential, enum gh_reason reason)
{
    struct gh_credential nothing;
    memset(&nothing, 0, sizeof(nothing));
    assert_reason(credential, reason);
    nothing.kind = GH_KIND_SHC;
    nothing.reason = reason;
    memcpy(nothing.key_id, credential->key_id, sizeof(nothing.key_id));
    memcpy(nothing.identity, credential->identity, sizeof(nothing.identity));
    assert_memory_equal(&nothing, credential, sizeof(nothing));
    static const uint8_t none[GH_IDENTITY_BYTES];
    assert_memory_not_equal(credential->identity, none, sizeof(none));
}

static inline void assert_authentic(const struct gh_credential *credential, enum gh_reason reason)
{
    assert_reason(credential, reason);
    assert_true(credential->authentic);
    assert_true(credential->id != 0);
}

static inline bool same_identity(const struct gh_credential *a, const struct gh_credential *b)
{
    return memcmp(a->identity, b->identity, GH_IDENTITY_BYTES) == 0;
}

#endif
