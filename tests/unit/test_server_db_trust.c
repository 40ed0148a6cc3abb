/* SPDX-License-Identifier: Apache-2.0 */
#include "test_server_db.h"

#define LIMIT 5

static struct gh_issuer_key hcert_key(uint8_t first)
{
    struct gh_issuer_key key = {.type = GH_KEY_PS256,
                                .raw_bytes = 270,
                                .purposes = GH_PURPOSE(GH_KIND_HCERT),
                                .groups = GH_GROUP(GH_FACT_TEST),
                                .not_before_s = INT64_MIN,
                                .not_after_s = 1700000000};
    memset(key.raw, first, key.raw_bytes);
    memset(key.key_id, first, sizeof(key.key_id));
    return key;
}

static struct gh_issuer_key shc_key(const char *issuer)
{
    struct gh_issuer_key key = {.type = GH_KEY_P256,
                                .raw_bytes = 65,
                                .purposes = GH_PURPOSE(GH_KIND_SHC),
                                .not_before_s = INT64_MIN,
                                .not_after_s = INT64_MAX,
                                .key_id = {1}};
    snprintf(key.issuer, sizeof(key.issuer), "%s", issuer);
    return key;
}

struct seen {
    struct gh_db_trusted list[8];
    size_t count;
};

static bool see(void *context, const struct gh_db_trusted *trusted)
{
    struct seen *seen = context;
    seen->list[seen->count++] = *trusted;
    return seen->count < GH_ARRAY_SIZE(seen->list);
}

static struct seen read_all(struct gh_db *db)
{
    struct seen seen = {.count = 0};
    assert_int_equal(gh_db_trust_read(db, see, &seen), GH_OK);
    return seen;
}

static uint64_t add(struct gh_db *db, const struct gh_issuer_key *keys, size_t count)
{
    uint64_t added;
    assert_int_equal(gh_db_trust_add(db, keys, count, LIMIT, &added), GH_OK);
    return added;
}

static void test_kept_as_they_are_and_in_order(void **state)
{
    struct gh_db *db = db_of(state);
    const struct gh_issuer_key keys[] = {shc_key("https://b.example"), hcert_key(0x80),
                                         shc_key("https://a.example"), hcert_key(0x7f),
                                         hcert_key(0x80)};
    uint64_t at = generation(db);
    assert_int_equal(add(db, keys, GH_ARRAY_SIZE(keys)), 4); /* one is there twice */
    assert_int_equal(generation(db), at + 1);
    reopen(state);
    db = db_of(state);
    struct seen seen = read_all(db);
    assert_int_equal(seen.count, 4);
    const struct gh_issuer_key *const wanted[] = {&keys[3], &keys[1], &keys[2], &keys[0]};
    for (size_t i = 0; i < 4; i++) {
        assert_memory_equal(&seen.list[i].key, wanted[i], sizeof(*wanted[i]));
        assert_int_not_equal(seen.list[i].id, 0);
    }
    assert_int_equal(add(db, keys, 3), 0);
    assert_int_equal(generation(db), at + 1);
}

static void test_revoked_and_forgotten(void **state)
{
    struct gh_db *db = db_of(state);
    const struct gh_issuer_key key = hcert_key(1);
    assert_int_equal(add(db, &key, 1), 1);
    gh_id id = read_all(db).list[0].id;
    uint64_t at = generation(db);
    assert_int_equal(gh_db_trust_revoke(db, id, 50), GH_OK);
    assert_int_equal(gh_db_trust_revoke(db, id, 60), GH_OK);
    assert_int_equal(generation(db), at + 1);
    struct seen seen = read_all(db);
    assert_true(seen.list[0].key.revoked);
    assert_int_equal(seen.list[0].revoked_at, 50);
    /* Handed in again by somebody who has not heard: it stays revoked. */
    assert_int_equal(add(db, &key, 1), 0);
    assert_true(read_all(db).list[0].key.revoked);
    assert_int_equal(gh_db_trust_forget(db, id), GH_OK);
    assert_int_equal(generation(db), at + 2);
    assert_int_equal(read_all(db).count, 0);
    assert_int_equal(gh_db_trust_forget(db, id), GH_ERR_NOTFOUND);
    assert_int_equal(gh_db_trust_revoke(db, id, 1), GH_ERR_NOTFOUND);
    assert_int_equal(add(db, &key, 1), 1);
    assert_false(read_all(db).list[0].key.revoked);
}

static void test_not_more_than_the_limit(void **state)
{
    struct gh_db *db = db_of(state);
    struct gh_issuer_key keys[LIMIT + 1];
    uint64_t added, at = generation(db);
    for (size_t i = 0; i <= LIMIT; i++)
        keys[i] = hcert_key((uint8_t)i);
    assert_int_equal(gh_db_trust_add(db, keys, LIMIT + 1, LIMIT, &added), GH_ERR_TOOBIG);
    assert_int_equal(read_all(db).count, 0);
    assert_int_equal(generation(db), at);
    assert_int_equal(add(db, keys, LIMIT), LIMIT);
    assert_int_equal(add(db, keys, LIMIT), 0); /* full, and known */
    assert_int_equal(gh_db_trust_add(db, &keys[LIMIT], 1, LIMIT, &added), GH_ERR_TOOBIG);
}

static void test_damaged_rows_are_noticed(void **state)
{
    struct gh_db *db = db_of(state);
    const struct gh_issuer_key key = hcert_key(1);
    struct seen seen = {.count = 0};
    add(db, &key, 1);
    outside(state, "UPDATE trust SET raw = zeroblob(545)");
    assert_int_equal(gh_db_trust_read(db, see, &seen), GH_ERR_CORRUPT);
    outside(state, "UPDATE trust SET raw = zeroblob(32), key_id = x'00'");
    assert_int_equal(gh_db_trust_read(db, see, &seen), GH_ERR_CORRUPT);
    assert_int_equal(seen.count, 0);
}

static void test_holders(void **state)
{
    struct gh_db *db = db_of(state);
    gh_id ada = add_person(db, "ada", GH_COLOUR_GREEN), bob = add_person(db, "bob", GH_COLOUR_RED);
    uint64_t at = generation(db);
    assert_int_equal(gh_db_holder_link(db, 77, ada), GH_OK);
    assert_int_equal(generation(db), at + 1);
    assert_int_equal(gh_db_holder_link(db, 77, ada), GH_OK);
    assert_int_equal(gh_db_holder_link(db, 77, bob), GH_ERR_EXISTS);
    assert_int_equal(gh_db_holder_link(db, 78, ada ^ 1), GH_ERR_NOTFOUND);
    assert_int_equal(generation(db), at + 1);
    assert_int_equal(gh_db_holder_link(db, 78, ada), GH_OK);
    assert_int_equal(gh_db_holders_unlink(db, ada), GH_OK);
    assert_int_equal(generation(db), at + 3);
    assert_int_equal(gh_db_holders_unlink(db, ada), GH_OK);
    assert_int_equal(generation(db), at + 3);
    assert_int_equal(gh_db_holders_unlink(db, ada ^ 1), GH_ERR_NOTFOUND);
    assert_int_equal(gh_db_holder_link(db, 77, bob), GH_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_kept_as_they_are_and_in_order),
        TEST(test_revoked_and_forgotten),
        TEST(test_not_more_than_the_limit),
        TEST(test_damaged_rows_are_noticed),
        TEST(test_holders),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
