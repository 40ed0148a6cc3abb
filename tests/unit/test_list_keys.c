/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

#include "list_fixture.h"

/* RFC 7515, appendix A.3: a P-256 point; and RFC 8032, section 7.1, test 1. */
#define P256_X "7fcdce2770f6c45d4183cbee6fdb4b7b580733357be9ef13bacf6e3c7bd15445"
#define P256_Y "c7f144cd1bbd9b7e872cdfedb9eeb9f4b3695d6ea90b24ad8a4623288588e5ad"
#define ED25519_RAW "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"

static struct gh_issuer_key own_key(void)
{
    struct gh_issuer_key key = {.type = GH_KEY_ED25519,
                                .raw_bytes = 32,
                                .purposes = GH_PURPOSE(GH_KIND_HEALTH),
                                .not_before_s = 3,
                                .not_after_s = 4,
                                .issuer = "us"};
    assert_int_equal(gh_hex_decode(ED25519_RAW, 64, key.raw, 32), GH_OK);
    return key;
}

static struct gh_issuer_key foreign_key(enum gh_kind kind)
{
    struct gh_issuer_key key = {.type = GH_KEY_P256,
                                .raw_bytes = 65,
                                .purposes = GH_PURPOSE(kind),
                                .groups = kind == GH_KIND_HCERT ? GH_GROUP(GH_FACT_TEST) : 0,
                                .not_before_s = 5,
                                .not_after_s = 6,
                                .revoked = true,
                                .issuer = "https://foreign.example",
                                .key_id = {9, 8, 7, 6, 5, 4, 3, 2}};
    key.raw[0] = 4;
    assert_int_equal(gh_hex_decode(P256_X P256_Y, 128, key.raw + 1, 64), GH_OK);
    return key;
}

static struct offer with_keys(const struct place *place, uint64_t generation)
{
    struct offer offer;
    struct gh_issuer_key hcert = foreign_key(GH_KIND_HCERT), shc = foreign_key(GH_KIND_SHC);
    offer_start(&offer, place, generation);
    put_small(&offer, generation);
    offer.manifest.keys[0] = own_key();
    offer.manifest.key_count = 1;
    gh_snapshot_writer_key(offer.snapshot, &hcert);
    gh_snapshot_writer_key(offer.snapshot, &shc);
    memset(offer.manifest.holder_secret, 0x5e, GH_HOLDER_SECRET_BYTES);
    offer_sign(&offer, list_key);
    return offer;
}

static void assert_key(const struct gh_issuer_key *key, const struct gh_issuer_key *expected)
{
    assert_int_equal(key->type, expected->type);
    assert_int_equal(key->raw_bytes, expected->raw_bytes);
    assert_memory_equal(key->raw, expected->raw, expected->raw_bytes);
    assert_int_equal(key->purposes, expected->purposes);
    assert_int_equal(key->groups, expected->groups);
    assert_true(key->not_before_s == expected->not_before_s);
    assert_true(key->not_after_s == expected->not_after_s);
    assert_int_equal(key->revoked, expected->revoked);
    assert_string_equal(key->issuer, expected->issuer);
}

static void the_trust_holds_the_keys_of_both(void **state)
{
    const struct place *place = *state;
    struct offer offer = with_keys(place, 1);
    struct gh_list *list = open_offer(place, &offer);
    struct gh_trust *trust = NULL;
    struct gh_trusted_key found;
    assert_int_equal(gh_list_trust(list, &trust), GH_OK);
    gh_list_close(list); /* the trust lives on */
    assert_non_null(gh_trust_holder_secret(trust));
    assert_memory_equal(gh_trust_holder_secret(trust), offer.manifest.holder_secret,
                        GH_HOLDER_SECRET_BYTES);
    struct gh_issuer_key expected = own_key();
    uint8_t key_id[GH_SHA256_BYTES];
    gh_sha256((struct gh_bytes){expected.raw, expected.raw_bytes}, key_id);
    assert_true(gh_trust_find(trust, GH_KIND_HEALTH, key_id, 0, &found));
    assert_key(found.issuer, &expected);
    assert_false(gh_trust_find(trust, GH_KIND_HEALTH, expected.key_id, 0, &found));
    expected = foreign_key(GH_KIND_HCERT);
    assert_true(gh_trust_find(trust, GH_KIND_HCERT, expected.key_id, 0, &found));
    assert_key(found.issuer, &expected);
    assert_false(gh_trust_find(trust, GH_KIND_HCERT, expected.key_id, 1, &found));
    /* RFC 7638 over the JWK, by another program. */
    static const uint8_t thumbprint[] = {0xa0, 0xa2, 0x32, 0xc2, 0xf1, 0x94, 0xa5, 0x35};
    expected = foreign_key(GH_KIND_SHC);
    assert_true(gh_trust_find(trust, GH_KIND_SHC, thumbprint, 0, &found));
    assert_key(found.issuer, &expected);
    gh_trust_unref(trust);
}

static void without_keys_or_secret_there_is_a_trust(void **state)
{
    const struct place *place = *state;
    struct offer offer = small(place, 1);
    struct gh_list *list = open_offer(place, &offer);
    struct gh_trust *trust = NULL;
    assert_int_equal(gh_list_trust(list, &trust), GH_OK);
    assert_non_null(trust);
    assert_null(gh_trust_holder_secret(trust)); /* zeros are no secret */
    gh_trust_unref(trust);
    gh_list_close(list);
}

/* 0: off the curve; 1: too short; 2: one key under two ids, which are not what names it. */
static size_t bad_keys(int which, struct gh_issuer_key keys[2])
{
    keys[0] = keys[1] = foreign_key(GH_KIND_SHC);
    if (which == 0)
        keys[0].raw[64] ^= 1;
    if (which == 1)
        keys[0].raw_bytes = 64;
    keys[1].key_id[0]++;
    return which == 2 ? 2 : 1;
}

static void assert_said(int which, const struct gh_error *err)
{
    assert_string_equal(err->text, which == 2 ? "an issuer's key is in the list twice"
                                              : "the list's issuer's key 1 (0908070605040302) is "
                                                "not valid");
}

/* A list whose keys make no trust would shut everybody out: the one before stands. */
static void keys_that_are_none_replace_no_list(void **state)
{
    const struct place *place = *state;
    struct offer first = small(place, 1);
    assert_int_equal(install(place, &first), GH_OK);
    for (int i = 0; i < 3; i++) {
        struct offer offer;
        struct gh_issuer_key keys[2];
        struct gh_error err = {0};
        offer_start(&offer, place, 2);
        put_small(&offer, 2);
        size_t count = bad_keys(i, keys);
        for (size_t k = 0; k < count; k++)
            gh_snapshot_writer_key(offer.snapshot, &keys[k]);
        offer_sign(&offer, list_key);
        assert_int_equal(gh_list_install(place->path, list_public, manifest_of(&offer), offer.path,
                                         NULL, NULL, &err),
                         GH_ERR_CORRUPT);
        assert_said(i, &err);
        assert_stands(place, 1);
        assert_int_equal(count_files(place, ".tmp"), 0);
    }
}

/* --- deltas ----------------------------------------------------------------------------------- */

static void keys_that_are_none_change_no_list(void **state)
{
    const struct place *place = *state;
    struct offer first = with_keys(place, 1);
    uint8_t before[GH_SHA256_BYTES], after[GH_SHA256_BYTES];
    assert_int_equal(install(place, &first), GH_OK);
    digest_of(place, before);
    for (int i = 0; i < 3; i++) {
        struct change change;
        struct gh_issuer_key keys[2];
        struct gh_error err = {0};
        change_start(&change, 1, 2, 4096);
        gh_delta_clear_keys(&change.records);
        size_t count = bad_keys(i, keys);
        for (size_t k = 0; k < count; k++)
            gh_delta_put_key(&change.records, &keys[k]);
        change_sign(&change, list_key);
        assert_int_equal(gh_list_apply(place->path, list_public,
                                       (struct gh_bytes){change.bytes, change.size}, &change.delta,
                                       &err),
                         GH_ERR_CORRUPT);
        assert_said(i, &err);
        digest_of(place, after);
        assert_memory_equal(before, after, sizeof(before));
        change_free(&change);
    }
}

static bool finds(const struct place *place, enum gh_kind kind, const uint8_t *key_id)
{
    struct gh_list *list = open_list(place);
    struct gh_trust *trust;
    struct gh_trusted_key found;
    assert_int_equal(gh_list_trust(list, &trust), GH_OK);
    bool there = gh_trust_find(trust, kind, key_id, 0, &found);
    gh_trust_unref(trust);
    gh_list_close(list);
    return there;
}

/* Keys change as a whole, in any order, and end as a snapshot would have them. */
static void a_delta_changes_the_keys(void **state)
{
    const struct place *place = *state;
    struct offer offer = with_keys(place, 1);
    struct gh_issuer_key hcert = foreign_key(GH_KIND_HCERT), shc = foreign_key(GH_KIND_SHC);
    uint8_t before[GH_SHA256_BYTES], after[GH_SHA256_BYTES];
    struct change change;
    assert_int_equal(install(place, &offer), GH_OK);
    change_start(&change, 1, 2, 4096);
    gh_delta_clear_keys(&change.records);
    change_sign(&change, list_key);
    assert_true(finds(place, GH_KIND_HCERT, hcert.key_id));
    assert_int_equal(apply(place, &change), GH_OK);
    assert_false(finds(place, GH_KIND_HCERT, hcert.key_id));
    change_free(&change);

    for (int i = 0; i < 2; i++) { /* not without that, nor before it */
        change_start(&change, 2, 3, 4096);
        gh_delta_put_key(&change.records, &hcert);
        if (i == 1)
            gh_delta_clear_keys(&change.records);
        change_sign(&change, list_key);
        assert_int_equal(apply(place, &change), GH_ERR_CORRUPT);
        change_free(&change);
    }
    change_start(&change, 2, 3, 4096);
    change.manifest.keys[0] = own_key();
    change.manifest.key_count = 1;
    memset(change.manifest.holder_secret, 0x5e, GH_HOLDER_SECRET_BYTES);
    gh_delta_clear_keys(&change.records);
    gh_delta_put_key(&change.records, &shc);
    gh_delta_put_key(&change.records, &hcert);
    change_sign(&change, list_key);
    assert_int_equal(apply(place, &change), GH_OK);
    assert_true(finds(place, GH_KIND_HCERT, hcert.key_id));
    digest_of(place, before);
    change_free(&change);
    offer = with_keys(place, 3);
    offer.manifest.issued_at_s++;
    offer_sign_again(&offer, list_key);
    assert_int_equal(install(place, &offer), GH_OK);
    digest_of(place, after);
    assert_memory_equal(before, after, sizeof(before));
}

static void keys_are_limited(void **state)
{
    const struct place *place = *state;
    struct gh_issuer_key key = foreign_key(GH_KIND_HCERT);
    struct offer offer;
    struct gh_error err = {0};
    offer_start(&offer, place, 1);
    for (unsigned i = 0; i < GH_TRUST_KEYS_MAX; i++) {
        key.key_id[0] = (uint8_t)(i >> 8);
        key.key_id[1] = (uint8_t)i;
        gh_snapshot_writer_key(offer.snapshot, &key);
    }
    offer_sign(&offer, list_key);
    assert_int_equal(install(place, &offer), GH_OK);
    assert_true(finds(place, GH_KIND_HCERT, key.key_id));
    /* One more, of our own: together they are too many. So also by a delta that has none. */
    struct change change;
    change_start(&change, 1, 2, 64);
    change.manifest.keys[0] = own_key();
    change.manifest.key_count = 1;
    change_sign(&change, list_key);
    assert_int_equal(gh_list_apply(place->path, list_public,
                                   (struct gh_bytes){change.bytes, change.size}, &change.delta,
                                   &err),
                     GH_ERR_CORRUPT);
    assert_string_equal(err.text, "the list has more than 4096 issuers' keys");
    offer.manifest.keys[0] = own_key();
    offer.manifest.key_count = 1;
    offer_sign_again(&offer, list_key);
    assert_int_equal(install(place, &offer), GH_ERR_CORRUPT);
    change_free(&change);
    /* More than that is not even written. */
    uint64_t bytes;
    uint8_t hash[GH_SHA256_BYTES];
    offer_start(&offer, place, 2);
    for (unsigned i = 0; i <= GH_TRUST_KEYS_MAX; i++) {
        key.key_id[0] = (uint8_t)(i >> 8);
        key.key_id[1] = (uint8_t)i;
        gh_snapshot_writer_key(offer.snapshot, &key);
    }
    assert_int_equal(gh_snapshot_writer_finish(offer.snapshot, hash, &bytes), GH_ERR_INVALID);
    gh_snapshot_writer_free(offer.snapshot);
    close(offer.fd);
}

/* A stored key is read by the rules of the snapshot: what the card made of it is not believed. */
static void damaged_keys_make_no_trust(void **state)
{
    const struct place *place = *state;
    static const char *const changes[] = {
        "UPDATE issuer_key SET record = x'' WHERE number = 1",
        "UPDATE issuer_key SET record = record || x'00' WHERE number = 1",
        "UPDATE issuer_key SET record = x'820205' WHERE number = 2",
        "UPDATE issuer_key SET record = x'8127' WHERE number = 2",
        "UPDATE issuer_key SET record = x'8401010105' WHERE number = 2", /* a person */
        "UPDATE issuer_key SET record = substr(record, 1, 30) WHERE number = 2",
        "UPDATE issuer_key SET record = (SELECT record FROM issuer_key WHERE number = 1)",
    };
    for (size_t i = 0; i < GH_ARRAY_SIZE(changes); i++) {
        struct offer offer = with_keys(place, 1);
        sqlite3 *db;
        char path[256];
        struct gh_trust *trust = (struct gh_trust *)1;
        empty_folder(open(place->path, O_RDONLY | O_DIRECTORY));
        assert_int_equal(install(place, &offer), GH_OK);
        find_file(place, path);
        assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
        assert_int_equal(sqlite3_exec(db, changes[i], NULL, NULL, NULL), SQLITE_OK);
        assert_true(sqlite3_changes(db) > 0);
        sqlite3_close(db);
        struct gh_list *list = open_list(place);
        assert_int_equal(gh_list_trust(list, &trust), GH_ERR_CORRUPT);
        assert_null(trust);
        gh_list_close(list);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_trust_holds_the_keys_of_both),   TEST(without_keys_or_secret_there_is_a_trust),
        TEST(keys_that_are_none_replace_no_list), TEST(keys_that_are_none_change_no_list),
        TEST(a_delta_changes_the_keys),           TEST(keys_are_limited),
        TEST(damaged_keys_make_no_trust),
    };
    return cmocka_run_group_tests(tests, make_keys, free_keys);
}
