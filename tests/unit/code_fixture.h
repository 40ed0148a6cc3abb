/* SPDX-License-Identifier: Apache-2.0 */
/* Keys, codes and readings that the tests of codes share. Include it after cmocka.h. The keys are
 * published with the tests: tests/vectors/codes. */
#ifndef GATEHOUSE_TESTS_UNIT_CODE_FIXTURE_H
#define GATEHOUSE_TESTS_UNIT_CODE_FIXTURE_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "code/base32.h"
#include "code/base45.h"
#include "gatehouse/code.h"

#define VECTORS "tests/vectors/codes"
#define ISSUER "test"
#define IAT INT64_C(1583020800) /* 2020-03-01T00:00:00Z */
#define EXP INT64_C(1583625600) /* a week later */
#define NOW (IAT + 3600)
#define ID UINT64_C(0x1122334455667788)
#define PERSON UINT64_C(0xa1b2c3d4e5f60718)
#define HOME UINT64_C(0x0123456789abcdef)
#define OWN_PURPOSES                                                                               \
    (GH_PURPOSE(GH_KIND_HEALTH) | GH_PURPOSE(GH_KIND_HOUSING) | GH_PURPOSE(GH_KIND_VISITOR) |      \
     GH_PURPOSE(GH_KIND_STAFF))
#define TEXT_BYTES (GH_CODE_OWN_MAX_BYTES + 1)

/* --- keys and codes -------------------------------------------------------------------------- */

static struct gh_private_key *issuer_key, *p256_key, *stranger_key;
static struct gh_private_key *phone_key, *phone_p256_key;
static struct gh_trust *trust; /* the first two, for anything, under any name */

static inline struct gh_private_key *load_key(const char *path)
{
    struct gh_private_key *key = NULL;
    assert_int_equal(gh_private_key_load(path, &key, NULL), GH_OK);
    return key;
}

static inline int setup(void **state)
{
    (void)state;
    issuer_key = load_key(VECTORS "/issuer.ed25519.key");
    p256_key = load_key(VECTORS "/issuer.p256.key");
    stranger_key = load_key(VECTORS "/stranger.ed25519.key");
    phone_key = load_key(VECTORS "/phone.ed25519.key");
    phone_p256_key = load_key(VECTORS "/phone.p256.key");
    return gh_trust_load(VECTORS "/trust", &trust, NULL) != GH_OK;
}

static inline int teardown(void **state)
{
    (void)state;
    gh_private_key_free(issuer_key);
    gh_private_key_free(p256_key);
    gh_private_key_free(stranger_key);
    gh_private_key_free(phone_key);
    gh_private_key_free(phone_p256_key);
    gh_trust_unref(trust);
    return 0;
}

/* A trust in one key, as described. */
static inline struct gh_trust *trust_in(const struct gh_private_key *private_key, unsigned purposes,
                                        int64_t not_before_s, int64_t not_after_s,
                                        const char *issuer)
{
    struct gh_issuer_key description = {.type = gh_private_key_type(private_key),
                                        .purposes = purposes,
                                        .not_before_s = not_before_s,
                                        .not_after_s = not_after_s};
    struct gh_public_key *key = NULL;
    assert_int_equal(gh_private_key_public(private_key, &key), GH_OK);
    description.raw_bytes = gh_public_key_raw(key, description.raw);
    gh_public_key_free(key);
    snprintf(description.issuer, sizeof(description.issuer), "%s", issuer);
    struct gh_trust *out = NULL;
    assert_int_equal(gh_trust_new(&description, 1, NULL, &out), GH_OK);
    return out;
}

static inline struct gh_claims claims_of(enum gh_kind kind)
{
    return (struct gh_claims){
        .kind = kind,
        .id = ID,
        .about = kind == GH_KIND_HOUSING ? HOME : PERSON,
        .colour = kind == GH_KIND_HEALTH ? GH_COLOUR_GREEN : GH_COLOUR_NONE,
        .issued_at_s = IAT,
        .expires_at_s = EXP,
        .issuer = ISSUER,
        .host = "gate.example",
    };
}

static inline void write_code(const struct gh_private_key *key, const struct gh_claims *claims,
                              char out[TEXT_BYTES])
{
    assert_int_equal(gh_code_write(key, claims, out, TEXT_BYTES), GH_OK);
}

static inline void write_kind(enum gh_kind kind, char out[TEXT_BYTES])
{
    struct gh_claims claims = claims_of(kind);
    write_code(issuer_key, &claims, out);
}

/* A health code that is bound to a phone, and the phone's presentation of it. */
static inline void write_bound(const struct gh_private_key *issuer,
                               const struct gh_private_key *phone, char out[TEXT_BYTES])
{
    struct gh_claims claims = claims_of(GH_KIND_HEALTH);
    struct gh_public_key *holder = NULL;
    assert_int_equal(gh_private_key_public(phone, &holder), GH_OK);
    claims.holder = holder;
    write_code(issuer, &claims, out);
    gh_public_key_free(holder);
}

static inline void write_presentation(const struct gh_private_key *issuer,
                                      const struct gh_private_key *phone, int64_t at_s,
                                      char out[TEXT_BYTES])
{
    char code[TEXT_BYTES];
    write_bound(issuer, phone, code);
    struct gh_bytes text = {.data = (const uint8_t *)code, .size = strlen(code)};
    assert_int_equal(gh_code_present(phone, text, at_s, out, TEXT_BYTES), GH_OK);
}

static inline struct gh_credential read_bytes(const struct gh_trust *keys, const void *text,
                                              size_t size, int64_t now_s)
{
    /* In a block of exactly its size, for the sanitizer. */
    uint8_t *copy = malloc(size + (size == 0));
    assert_non_null(copy);
    memcpy(copy, text, size);
    struct gh_credential credential;
    memset(&credential, 0xa5, sizeof(credential));
    gh_code_read(keys, (struct gh_bytes){.data = copy, .size = size}, now_s, &credential);
    free(copy);
    return credential;
}

static inline struct gh_credential read_text(const char *text)
{
    return read_bytes(trust, text, strlen(text), NOW);
}

/* Nothing of what an unproven code claims may get into an entry. */
static inline void assert_says_nothing(const struct gh_credential *credential)
{
    assert_false(credential->authentic);
    assert_int_not_equal(credential->reason, GH_REASON_OK);
    assert_true(credential->id == 0);
    assert_true(credential->subject == 0);
    assert_true(credential->home == 0);
    assert_int_equal(credential->colour, GH_COLOUR_NONE);
    assert_true(credential->issued_at_s == 0);
    assert_true(credential->expires_at_s == 0);
    assert_int_equal(credential->form, GH_FORM_NONE);
    assert_true(credential->presented_at_s == 0);
    for (size_t i = 0; i < sizeof(credential->issuer); i++)
        assert_int_equal(credential->issuer[i], 0);
    static const uint8_t nothing[GH_IDENTITY_BYTES];
    assert_memory_not_equal(credential->identity, nothing, sizeof(nothing));
    assert_memory_equal(credential->presentation, nothing, sizeof(nothing));
}

static inline void assert_refused(const struct gh_credential *credential, enum gh_kind kind,
                                  enum gh_reason reason)
{
    assert_string_equal(gh_reason_info(credential->reason)->token, gh_reason_info(reason)->token);
    assert_string_equal(gh_kind_name(credential->kind), gh_kind_name(kind));
    assert_says_nothing(credential);
}

static inline bool same_identity(const struct gh_credential *a, const struct gh_credential *b)
{
    return memcmp(a->identity, b->identity, GH_IDENTITY_BYTES) == 0;
}

/* --- messages -------------------------------------------------------------------------------- */

struct decoded {
    uint8_t data[GH_CODE_OWN_MAX_BYTES];
    size_t size;
};

static inline bool is_link(const char *text)
{
    return strncasecmp(text, "https://", 8) == 0;
}

/* Behind the prefix, or the link's beginning. */
static inline const char *body_of(const char *text)
{
    return is_link(text) ? strchr(text + 8, '/') + 3 : strchr(text, ':') + 1;
}

static inline void decode(const char *text, struct decoded *out)
{
    struct gh_writer writer = gh_writer_over(out->data, sizeof(out->data));
    bool link = is_link(text);
    const char *body = body_of(text);
    struct gh_bytes bytes = {.data = (const uint8_t *)body, .size = strlen(body)};
    assert_int_equal(link ? gh_base32_decode(bytes, &writer) : gh_base45_decode(bytes, &writer),
                     GH_OK);
    out->size = writer.size;
}

static inline size_t encode_as(const char *prefix, const uint8_t *data, size_t size,
                               char out[TEXT_BYTES])
{
    struct gh_writer writer = gh_writer_over(out, TEXT_BYTES - 1);
    struct gh_bytes bytes = {.data = data, .size = size};
    gh_writer_put_text(&writer, prefix);
    if (is_link(prefix))
        gh_base32_put(&writer, bytes);
    else
        gh_base45_put(&writer, bytes);
    assert_false(writer.overflow);
    out[writer.size] = '\0';
    return writer.size;
}

#define LINK "HTTPS://GATE.EXAMPLE/H/"

static inline size_t encode(const uint8_t *data, size_t size, bool link, char out[TEXT_BYTES])
{
    return encode_as(link ? LINK : "GH1:", data, size, out);
}

#endif
