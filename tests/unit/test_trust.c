/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gatehouse/jwk.h"
#include "gatehouse/trust.h"

static struct gh_issuer_key new_key(enum gh_key_type type, const char *issuer)
{
    struct gh_private_key *private_key = NULL;
    struct gh_public_key *key = NULL;
    assert_int_equal(gh_private_key_generate(type, &private_key), GH_OK);
    assert_int_equal(gh_private_key_public(private_key, &key), GH_OK);
    struct gh_issuer_key out = {.type = type, .purposes = GH_PURPOSE(GH_KIND_HEALTH)};
    out.raw_bytes = gh_public_key_raw(key, out.raw);
    snprintf(out.issuer, sizeof(out.issuer), "%s", issuer);
    gh_public_key_free(key);
    gh_private_key_free(private_key);
    return out;
}

static void key_id_of(const struct gh_issuer_key *key, uint8_t out[GH_KEY_ID_BYTES])
{
    uint8_t hash[GH_SHA256_BYTES];
    gh_sha256((struct gh_bytes){.data = key->raw, .size = key->raw_bytes}, hash);
    memcpy(out, hash, GH_KEY_ID_BYTES);
}

/* --- a set of keys ------------------------------------------------------------------------------
 */

static void test_find(void **state)
{
    (void)state;
    struct gh_issuer_key keys[] = {new_key(GH_KEY_ED25519, "one"), new_key(GH_KEY_P256, "two"),
                                   new_key(GH_KEY_ED25519, "three")};
    struct gh_trust *trust = NULL;
    assert_int_equal(gh_trust_new(keys, GH_ARRAY_SIZE(keys), NULL, &trust), GH_OK);
    for (size_t i = 0; i < GH_ARRAY_SIZE(keys); i++) {
        uint8_t id[GH_KEY_ID_BYTES], raw[GH_PUBLIC_KEY_MAX_BYTES];
        key_id_of(&keys[i], id);
        struct gh_trusted_key found;
        assert_true(gh_trust_find(trust, GH_KIND_HEALTH, id, 0, &found));
        assert_string_equal(found.issuer->issuer, keys[i].issuer);
        assert_int_equal(gh_public_key_raw(found.key, raw), keys[i].raw_bytes);
        assert_memory_equal(raw, keys[i].raw, keys[i].raw_bytes);
        for (size_t bit = 0; bit < 8 * sizeof(id); bit++) {
            id[bit / 8] ^= (uint8_t)(1u << bit % 8);
            assert_false(gh_trust_find(trust, GH_KIND_HEALTH, id, 0, &found));
            assert_null(found.key);
            id[bit / 8] ^= (uint8_t)(1u << bit % 8);
        }
    }
    keys[0].issuer[0] = 'X'; /* they were copied */
    uint8_t id[GH_KEY_ID_BYTES];
    key_id_of(&keys[0], id);
    struct gh_trusted_key found;
    assert_true(gh_trust_find(trust, GH_KIND_HEALTH, id, 0, &found));
    assert_string_equal(found.issuer->issuer, "one");
    gh_trust_unref(trust);
}

static void test_nothing_trusted(void **state)
{
    (void)state;
    static const uint8_t id[GH_KEY_ID_BYTES];
    struct gh_trusted_key found;
    assert_false(gh_trust_find(NULL, GH_KIND_HEALTH, id, 0, &found));
    struct gh_trust *trust = NULL;
    assert_int_equal(gh_trust_new(NULL, 0, NULL, &trust), GH_OK);
    assert_false(gh_trust_find(trust, GH_KIND_HEALTH, id, 0, &found));
    gh_trust_unref(trust);
    gh_trust_unref(NULL);
    assert_null(gh_trust_ref(NULL));
}

static void test_keys_that_are_none(void **state)
{
    (void)state;
    struct gh_trust *trust;
    struct gh_issuer_key good = new_key(GH_KEY_P256, "good"), keys[2];

    keys[0] = keys[1] = good;
    trust = (struct gh_trust *)1;
    assert_int_equal(gh_trust_new(keys, 2, NULL, &trust), GH_ERR_EXISTS);
    assert_null(trust);

    keys[1] = new_key(GH_KEY_P256, "off the curve");
    keys[1].raw[64] ^= 1;
    assert_int_equal(gh_trust_new(keys, 2, NULL, &trust), GH_ERR_INVALID);
    keys[1] = new_key(GH_KEY_P256, "short");
    keys[1].raw_bytes--;
    assert_int_equal(gh_trust_new(keys, 2, NULL, &trust), GH_ERR_INVALID);
    keys[1].raw_bytes = SIZE_MAX;
    assert_int_equal(gh_trust_new(keys, 2, NULL, &trust), GH_ERR_INVALID);
    keys[1] = new_key(GH_KEY_ED25519, "another type");
    keys[1].type = GH_KEY_P256;
    assert_int_equal(gh_trust_new(keys, 2, NULL, &trust), GH_ERR_INVALID);
    keys[1] = new_key(GH_KEY_ED25519, "");
    memset(keys[1].issuer, 'x', sizeof(keys[1].issuer));
    assert_int_equal(gh_trust_new(keys, 2, NULL, &trust), GH_ERR_INVALID);
    assert_null(trust);
}

/* --- foreign keys --- */

static struct gh_issuer_key hcert_key(const struct gh_issuer_key *key, uint64_t key_id)
{
    struct gh_issuer_key out = *key;
    out.purposes = GH_PURPOSE(GH_KIND_HCERT);
    out.groups = GH_GROUPS_ALL;
    out.issuer[0] = '\0';
    gh_put_be64(out.key_id, key_id);
    return out;
}

static struct gh_issuer_key card_key(const struct gh_issuer_key *key, const char *issuer)
{
    struct gh_issuer_key out = *key;
    out.purposes = GH_PURPOSE(GH_KIND_SHC);
    snprintf(out.issuer, sizeof(out.issuer), "%s", issuer);
    return out;
}

static void thumbprint_id(const struct gh_issuer_key *key, uint8_t out[GH_KEY_ID_BYTES])
{
    struct gh_jwk jwk = {.type = key->type, .raw_bytes = key->raw_bytes};
    uint8_t thumbprint[GH_SHA256_BYTES];
    memcpy(jwk.raw, key->raw, key->raw_bytes);
    gh_jwk_thumbprint(&jwk, thumbprint);
    memcpy(out, thumbprint, GH_KEY_ID_BYTES);
}

/* A DER RSAPublicKey: nobody can tell whether the modulus is the product of two primes. */
static struct gh_issuer_key rsa_key(void)
{
    static const uint8_t head[] = {0x30, 0x82, 1, 10, 2, 0x82, 1, 1, 0, 0x80};
    static const uint8_t tail[] = {1, 2, 3, 1, 0, 1};
    struct gh_issuer_key out = {.type = GH_KEY_PS256, .raw_bytes = 270};
    memcpy(out.raw, head, sizeof(head));
    memcpy(out.raw + 270 - sizeof(tail), tail, sizeof(tail));
    return out;
}

/* One key, of each class: found as that only, under the id of that class. */
static void test_classes(void **state)
{
    (void)state;
    struct gh_issuer_key base = new_key(GH_KEY_P256, "own");
    struct gh_issuer_key keys[] = {card_key(&base, "https://a"), hcert_key(&base, 77), base};
    uint8_t ids[3][GH_KEY_ID_BYTES];
    static const enum gh_kind kinds[] = {GH_KIND_SHC, GH_KIND_HCERT, GH_KIND_HEALTH};
    memset(keys[0].key_id, 0xee, GH_KEY_ID_BYTES); /* not looked at: it is computed */
    memset(keys[2].key_id, 0xee, GH_KEY_ID_BYTES);
    thumbprint_id(&base, ids[0]);
    gh_put_be64(ids[1], 77);
    key_id_of(&base, ids[2]);
    struct gh_trust *trust = NULL;
    assert_int_equal(gh_trust_new(keys, 3, NULL, &trust), GH_OK);
    for (size_t i = 0; i < 3; i++) {
        for (size_t k = 0; k < 3; k++) {
            struct gh_trusted_key found;
            assert_int_equal(gh_trust_find(trust, kinds[k], ids[i], 0, &found), i == k);
            if (i == k) {
                assert_string_equal(found.issuer->issuer, keys[i].issuer);
                assert_memory_equal(found.issuer->key_id, ids[i], GH_KEY_ID_BYTES);
            }
            assert_false(gh_trust_find(trust, kinds[k], ids[i], 1, &found));
        }
    }
    struct gh_trusted_key found;
    uint8_t none[GH_KEY_ID_BYTES];
    memset(none, 0xee, sizeof(none));
    for (size_t k = 0; k < 3; k++)
        assert_false(gh_trust_find(trust, kinds[k], none, 0, &found));
    /* all our own kinds are one class, whatever the key is for */
    static const enum gh_kind own[] = {GH_KIND_HOUSING, GH_KIND_VISITOR, GH_KIND_STAFF};
    for (size_t i = 0; i < GH_ARRAY_SIZE(own); i++) {
        assert_true(gh_trust_find(trust, own[i], ids[2], 0, &found));
        assert_int_equal(gh_issuer_key_allows(found.issuer, own[i], 0, 0,
                                              (struct gh_bytes){(const uint8_t *)"own", 3}),
                         GH_REASON_WRONG_KEY);
    }
    gh_trust_unref(trust);
}

/* Kids are 8 bytes of a hash that others choose the input of: some share one. */
static void test_shared_key_ids(void **state)
{
    (void)state;
    struct gh_issuer_key one = new_key(GH_KEY_P256, ""), two = new_key(GH_KEY_P256, "");
    struct gh_issuer_key three = rsa_key();
    struct gh_issuer_key keys[] = {
        hcert_key(&one, 8),          hcert_key(&two, 7), hcert_key(&one, 7),
        hcert_key(&three, 7),        hcert_key(&two, 6), card_key(&one, "https://b"),
        card_key(&one, "https://a"),
    };
    struct gh_trust *trust = NULL;
    assert_int_equal(gh_trust_new(keys, GH_ARRAY_SIZE(keys), NULL, &trust), GH_OK);
    uint8_t id[GH_KEY_ID_BYTES];
    struct gh_trusted_key found;
    gh_put_be64(id, 7);
    for (size_t nth = 0; nth < 3; nth++) { /* in the order in which they were given */
        assert_true(gh_trust_find(trust, GH_KIND_HCERT, id, nth, &found));
        assert_int_equal(found.issuer->type, keys[1 + nth].type);
        assert_memory_equal(found.issuer->raw, keys[1 + nth].raw, keys[1 + nth].raw_bytes);
        assert_int_equal(gh_public_key_type(found.key), keys[1 + nth].type);
    }
    assert_false(gh_trust_find(trust, GH_KIND_HCERT, id, 3, &found));
    assert_false(gh_trust_find(trust, GH_KIND_HCERT, id, SIZE_MAX, &found));
    assert_null(found.key);
    thumbprint_id(&one, id);
    for (size_t nth = 0; nth < 2; nth++) {
        assert_true(gh_trust_find(trust, GH_KIND_SHC, id, nth, &found));
        assert_string_equal(found.issuer->issuer, keys[5 + nth].issuer);
    }
    assert_false(gh_trust_find(trust, GH_KIND_SHC, id, 2, &found));
    gh_trust_unref(trust);
}

static enum gh_status try_two(const struct gh_issuer_key *one, const struct gh_issuer_key *other)
{
    struct gh_issuer_key keys[2] = {*one, *other};
    struct gh_trust *trust = (struct gh_trust *)1;
    enum gh_status status = gh_trust_new(keys, 2, NULL, &trust);
    assert_int_equal(status == GH_OK, trust != NULL);
    gh_trust_unref(trust);
    return status;
}

static void test_the_same_foreign_key_twice(void **state)
{
    (void)state;
    struct gh_issuer_key base = new_key(GH_KEY_P256, "");
    struct gh_issuer_key one = hcert_key(&base, 7), other = one;
    other.groups = GH_GROUP(GH_FACT_TEST); /* what it may do does not make it another */
    assert_int_equal(try_two(&one, &other), GH_ERR_EXISTS);
    other = hcert_key(&base, 8); /* another certificate for the same key */
    assert_int_equal(try_two(&one, &other), GH_OK);

    one = other = card_key(&base, "https://a");
    other.not_after_s = 5;
    assert_int_equal(try_two(&one, &other), GH_ERR_EXISTS);
    other = card_key(&base, "https://b");
    assert_int_equal(try_two(&one, &other), GH_OK);

    one = other = base; /* our own: by its id alone */
    other.purposes = GH_PURPOSE(GH_KIND_STAFF);
    snprintf(other.issuer, sizeof(other.issuer), "another");
    assert_int_equal(try_two(&one, &other), GH_ERR_EXISTS);
}

static enum gh_status try_key(const struct gh_issuer_key *base, unsigned purposes)
{
    struct gh_issuer_key key = *base;
    struct gh_trust *trust = (struct gh_trust *)1;
    key.purposes = purposes;
    enum gh_status status = gh_trust_new(&key, 1, NULL, &trust);
    assert_int_equal(status == GH_OK, trust != NULL);
    gh_trust_unref(trust);
    return status;
}

static void test_purposes_are_not_mixed(void **state)
{
    (void)state;
    struct gh_issuer_key key = new_key(GH_KEY_P256, "https://issuer");
    for (unsigned purposes = 0; purposes < 1u << 10; purposes++) {
        bool own = purposes != 0 && (purposes & ~GH_PURPOSES_OWN) == 0;
        bool foreign = purposes == GH_PURPOSE(GH_KIND_HCERT) || purposes == GH_PURPOSE(GH_KIND_SHC);
        assert_int_equal(try_key(&key, purposes), own || foreign ? GH_OK : GH_ERR_INVALID);
    }
    assert_int_equal(try_key(&key, ~0u), GH_ERR_INVALID);
    assert_int_equal(try_key(&key, 1u << 31), GH_ERR_INVALID);
}

static void test_types_go_with_purposes(void **state)
{
    (void)state;
    static const unsigned purposes[] = {GH_PURPOSES_OWN, GH_PURPOSE(GH_KIND_HCERT),
                                        GH_PURPOSE(GH_KIND_SHC)};
    struct gh_issuer_key keys[] = {new_key(GH_KEY_ED25519, "https://issuer"),
                                   new_key(GH_KEY_P256, "https://issuer"), rsa_key()};
    static const bool good[3][3] = {{true, false, false}, {true, true, true}, {false, true, false}};
    snprintf(keys[2].issuer, sizeof(keys[2].issuer), "https://issuer");
    for (size_t k = 0; k < GH_ARRAY_SIZE(keys); k++)
        for (size_t p = 0; p < GH_ARRAY_SIZE(purposes); p++)
            assert_int_equal(try_key(&keys[k], purposes[p]), good[k][p] ? GH_OK : GH_ERR_INVALID);
    keys[1].issuer[0] = '\0'; /* a card's issuer is never left open */
    assert_int_equal(try_key(&keys[1], purposes[2]), GH_ERR_INVALID);
    assert_int_equal(try_key(&keys[1], purposes[1]), GH_OK);
    assert_int_equal(try_key(&keys[1], purposes[0]), GH_OK);
}

/* --- keys that were checked before --- */

struct finder {
    struct gh_trust *trust;
    const struct gh_issuer_key *keys;
    size_t count;
    const struct gh_public_key *found[64];
};

static void *find_all(void *argument)
{
    struct finder *finder = argument;
    for (size_t i = 0; i < finder->count; i++) {
        struct gh_trusted_key found;
        if (gh_trust_find(finder->trust, GH_KIND_HCERT, finder->keys[i].key_id, 0, &found))
            finder->found[i] = found.key;
    }
    return NULL;
}

/* The first who looks for a key makes it; all others find that one, also at the same moment. */
static void test_made_when_found(void **state)
{
    (void)state;
    enum { KEYS = 64, THREADS = 4 };
    struct gh_issuer_key keys[KEYS];
    for (size_t i = 0; i < KEYS; i++) {
        struct gh_issuer_key base = new_key(GH_KEY_P256, "");
        keys[i] = hcert_key(&base, i);
    }
    struct gh_trust *trust = NULL;
    assert_int_equal(gh_trust_new_checked(keys, KEYS, NULL, &trust), GH_OK);
    struct finder finders[THREADS];
    pthread_t threads[THREADS];
    for (size_t i = 0; i < THREADS; i++) {
        finders[i] = (struct finder){.trust = trust, .keys = keys, .count = KEYS};
        assert_int_equal(pthread_create(&threads[i], NULL, find_all, &finders[i]), 0);
    }
    for (size_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    for (size_t k = 0; k < KEYS; k++) {
        uint8_t raw[GH_PUBLIC_KEY_MAX_BYTES];
        assert_non_null(finders[0].found[k]);
        assert_int_equal(gh_public_key_raw(finders[0].found[k], raw), keys[k].raw_bytes);
        assert_memory_equal(raw, keys[k].raw, keys[k].raw_bytes);
        for (size_t i = 1; i < THREADS; i++)
            assert_ptr_equal(finders[i].found[k], finders[0].found[k]);
    }
    gh_trust_unref(trust);
}

static void test_none_after_all(void **state)
{
    (void)state;
    struct gh_issuer_key own = new_key(GH_KEY_P256, "own"), base = new_key(GH_KEY_P256, "");
    struct gh_issuer_key keys[] = {hcert_key(&base, 1), hcert_key(&base, 2), own};
    struct gh_trust *trust = NULL;
    struct gh_trusted_key found;
    keys[0].raw[64] ^= 1; /* off the curve */
    assert_int_equal(gh_trust_new_checked(keys, GH_ARRAY_SIZE(keys), NULL, &trust), GH_OK);
    assert_false(gh_trust_find(trust, GH_KIND_HCERT, keys[0].key_id, 0, &found));
    assert_null(found.key);
    assert_true(gh_trust_find(trust, GH_KIND_HCERT, keys[1].key_id, 0, &found));
    uint8_t id[GH_KEY_ID_BYTES];
    key_id_of(&own, id);
    assert_true(gh_trust_find(trust, GH_KIND_HEALTH, id, 0, &found));
    gh_trust_unref(trust);
    keys[2].raw[64] ^= 1; /* our own are made at once */
    assert_int_equal(gh_trust_new_checked(keys, GH_ARRAY_SIZE(keys), NULL, &trust), GH_ERR_INVALID);
    keys[0] = keys[1];
    assert_int_equal(gh_trust_new_checked(keys, 2, NULL, &trust), GH_ERR_EXISTS);
}

/* As many as there may be, their ids in no order: each is found, and what is between them is not.
 */
static void test_many_keys(void **state)
{
    (void)state;
    struct gh_issuer_key *keys = calloc(GH_TRUST_KEYS_MAX + 1, sizeof(*keys));
    assert_non_null(keys);
    struct gh_issuer_key base = new_key(GH_KEY_P256, "");
    for (size_t i = 0; i <= GH_TRUST_KEYS_MAX; i++)
        keys[i] = hcert_key(&base, i * UINT64_C(0x9e3779b97f4a7c15));
    for (size_t i = 0; i < 64; i++)
        keys[i * 50] = new_key(i % 2 ? GH_KEY_ED25519 : GH_KEY_P256, "own");
    struct gh_trust *trust = NULL;
    assert_int_equal(gh_trust_new(keys, GH_TRUST_KEYS_MAX + 1, NULL, &trust), GH_ERR_TOOBIG);
    assert_null(trust);
    assert_int_equal(gh_trust_new(keys, GH_TRUST_KEYS_MAX, NULL, &trust), GH_OK);
    for (size_t i = 0; i < GH_TRUST_KEYS_MAX; i++) {
        uint8_t id[GH_KEY_ID_BYTES];
        struct gh_trusted_key found;
        bool own = i % 50 == 0 && i / 50 < 64;
        enum gh_kind kind = own ? GH_KIND_VISITOR : GH_KIND_HCERT;
        if (own)
            key_id_of(&keys[i], id);
        else
            memcpy(id, keys[i].key_id, sizeof(id));
        assert_true(gh_trust_find(trust, kind, id, 0, &found));
        assert_memory_equal(found.issuer->raw, keys[i].raw, keys[i].raw_bytes);
        assert_false(gh_trust_find(trust, kind, id, 1, &found));
        id[7] ^= 1;
        assert_false(gh_trust_find(trust, kind, id, 0, &found));
    }
    gh_trust_unref(trust);
    free(keys);
}

/* --- what a key may sign --- */

static void test_allows(void **state)
{
    (void)state;
    struct gh_issuer_key key = {
        .purposes = GH_PURPOSE(GH_KIND_HEALTH) | GH_PURPOSE(GH_KIND_STAFF),
        .not_before_s = 100,
        .not_after_s = 200,
        .issuer = "town",
    };
    struct gh_bytes town = {(const uint8_t *)"town", 4}, other = {(const uint8_t *)"towns", 5};
    struct gh_bytes begin = {(const uint8_t *)"town", 3}, nobody = {NULL, 0};
    assert_int_equal(gh_issuer_key_allows(&key, GH_KIND_HEALTH, 0, 150, town), GH_REASON_OK);
    assert_int_equal(gh_issuer_key_allows(&key, GH_KIND_STAFF, 0, 100, town), GH_REASON_OK);
    assert_int_equal(gh_issuer_key_allows(&key, GH_KIND_HEALTH, 0, 200, town), GH_REASON_OK);
    assert_int_equal(gh_issuer_key_allows(&key, GH_KIND_HEALTH, 0, 99, town),
                     GH_REASON_KEY_RETIRED);
    assert_int_equal(gh_issuer_key_allows(&key, GH_KIND_HEALTH, 0, 201, town),
                     GH_REASON_KEY_RETIRED);
    static const enum gh_kind others[] = {GH_KIND_UNKNOWN,   GH_KIND_HOUSING, GH_KIND_VISITOR,
                                          GH_KIND_ENROLMENT, GH_KIND_HCERT,   GH_KIND_SHC};
    for (size_t i = 0; i < GH_ARRAY_SIZE(others); i++)
        assert_int_equal(gh_issuer_key_allows(&key, others[i], 0, 150, town), GH_REASON_WRONG_KEY);
    assert_int_equal(gh_issuer_key_allows(&key, GH_KIND_HEALTH, 0, 150, other),
                     GH_REASON_WRONG_ISSUER);
    assert_int_equal(gh_issuer_key_allows(&key, GH_KIND_HEALTH, 0, 150, begin),
                     GH_REASON_WRONG_ISSUER);
    assert_int_equal(gh_issuer_key_allows(&key, GH_KIND_HEALTH, 0, 150, nobody),
                     GH_REASON_WRONG_ISSUER);
    key.issuer[0] = '\0'; /* any */
    assert_int_equal(gh_issuer_key_allows(&key, GH_KIND_HEALTH, 0, 150, other), GH_REASON_OK);
    assert_int_equal(gh_issuer_key_allows(&key, GH_KIND_HEALTH, 0, 150, nobody), GH_REASON_OK);
    key.revoked = true; /* whatever else is wrong, or right */
    assert_int_equal(gh_issuer_key_allows(&key, GH_KIND_HEALTH, 0, 150, town),
                     GH_REASON_KEY_REVOKED);
    assert_int_equal(gh_issuer_key_allows(&key, GH_KIND_HOUSING, 0, 999, other),
                     GH_REASON_KEY_REVOKED);
}

static void test_allows_groups(void **state)
{
    (void)state;
    static const unsigned groups[] = {GH_GROUP(GH_FACT_VACCINATION), GH_GROUP(GH_FACT_TEST),
                                      GH_GROUP(GH_FACT_RECOVERY)};
    struct gh_bytes issuer = {(const uint8_t *)"AT", 2};
    for (unsigned may = 0; may < 8; may++) {
        struct gh_issuer_key key = {.purposes = GH_PURPOSE(GH_KIND_HCERT), .not_after_s = 9};
        for (size_t g = 0; g < 3; g++)
            key.groups |= may & 1u << g ? groups[g] : 0;
        for (unsigned has = 1; has < 8; has++) {
            unsigned wanted = 0;
            for (size_t g = 0; g < 3; g++)
                wanted |= has & 1u << g ? groups[g] : 0;
            assert_int_equal(gh_issuer_key_allows(&key, GH_KIND_HCERT, wanted, 5, issuer),
                             (has & ~may) == 0 ? GH_REASON_OK : GH_REASON_WRONG_KEY);
        }
    }
}

/* --- the secret, and sharing --- */

static void test_holder_secret(void **state)
{
    (void)state;
    uint8_t secret[GH_HOLDER_SECRET_BYTES], copy[GH_HOLDER_SECRET_BYTES];
    gh_random(secret, sizeof(secret));
    memcpy(copy, secret, sizeof(copy));
    struct gh_trust *trust = NULL;
    assert_int_equal(gh_trust_new(NULL, 0, secret, &trust), GH_OK);
    memset(secret, 0, sizeof(secret));
    assert_memory_equal(gh_trust_holder_secret(trust), copy, sizeof(copy));
    gh_trust_unref(trust);
    assert_int_equal(gh_trust_new(NULL, 0, NULL, &trust), GH_OK);
    assert_null(gh_trust_holder_secret(trust));
    gh_trust_unref(trust);
    assert_null(gh_trust_holder_secret(NULL));
}

static void *ref_and_unref(void *context)
{
    struct gh_trust *trust = context;
    for (int i = 0; i < 10000; i++)
        gh_trust_unref(gh_trust_ref(trust));
    gh_trust_unref(trust); /* the reference that was taken for this thread */
    return NULL;
}

/* Freed once, by the last one; a sanitizer sees both too early and never. */
static void test_shared_between_threads(void **state)
{
    (void)state;
    struct gh_issuer_key key = new_key(GH_KEY_ED25519, "shared");
    struct gh_trust *trust = NULL;
    assert_int_equal(gh_trust_new(&key, 1, NULL, &trust), GH_OK);
    pthread_t threads[4];
    for (size_t i = 0; i < GH_ARRAY_SIZE(threads); i++)
        assert_int_equal(pthread_create(&threads[i], NULL, ref_and_unref, gh_trust_ref(trust)), 0);
    gh_trust_unref(trust);
    for (size_t i = 0; i < GH_ARRAY_SIZE(threads); i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_find),
        cmocka_unit_test(test_nothing_trusted),
        cmocka_unit_test(test_keys_that_are_none),
        cmocka_unit_test(test_classes),
        cmocka_unit_test(test_shared_key_ids),
        cmocka_unit_test(test_the_same_foreign_key_twice),
        cmocka_unit_test(test_purposes_are_not_mixed),
        cmocka_unit_test(test_types_go_with_purposes),
        cmocka_unit_test(test_made_when_found),
        cmocka_unit_test(test_none_after_all),
        cmocka_unit_test(test_many_keys),
        cmocka_unit_test(test_allows),
        cmocka_unit_test(test_allows_groups),
        cmocka_unit_test(test_holder_secret),
        cmocka_unit_test(test_shared_between_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
