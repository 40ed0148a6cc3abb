/* SPDX-License-Identifier: Apache-2.0 */
#include "test_server_db.h"

#define NOW INT64_C(1700000000)
#define DAY INT64_C(86400)
#define LIMIT 3

/* --- a person's codes --- */

static void test_a_recall(void **state)
{
    struct gh_db *db = db_of(state);
    gh_id ada = add_person(db, "ada", GH_COLOUR_GREEN);
    int64_t before;
    assert_int_equal(gh_db_person_recalled(db, ada, &before), GH_OK);
    assert_true(before == INT64_MIN);
    uint64_t at = generation(db);
    assert_int_equal(gh_db_person_recall(db, ada, NOW, &before), GH_OK);
    assert_int_equal(before, NOW + 1);
    assert_int_equal(generation(db), at + 1);
    /* a second time in that second, and with a clock that was set back */
    assert_int_equal(gh_db_person_recall(db, ada, NOW, &before), GH_OK);
    assert_int_equal(before, NOW + 1);
    assert_int_equal(gh_db_person_recall(db, ada, NOW - DAY, &before), GH_OK);
    assert_int_equal(before, NOW + 1);
    assert_int_equal(generation(db), at + 1);
    assert_int_equal(gh_db_person_recall(db, ada, NOW + 5, &before), GH_OK);
    assert_int_equal(generation(db), at + 2);
    assert_int_equal(gh_db_person_recalled(db, ada, &before), GH_OK);
    assert_int_equal(before, NOW + 6);
    assert_int_equal(gh_db_person_recall(db, ada ^ 1, NOW, &before), GH_ERR_NOTFOUND);
}

/* --- certificates --- */

static struct gh_db_revocation one(uint8_t first, int64_t before, int64_t expires_at)
{
    return (struct gh_db_revocation){.hash = {first}, .before = before, .expires_at = expires_at};
}

static uint64_t put(struct gh_db *db, struct gh_db_revocation revocation, int64_t now)
{
    uint64_t added;
    assert_int_equal(gh_db_revocations_add(db, &revocation, 1, LIMIT, now, &added), GH_OK);
    return added;
}

static bool revoked(struct gh_db *db, uint8_t first, int64_t issued_at, int64_t now)
{
    const uint8_t hash[GH_REVOCATION_BYTES] = {first};
    bool yes = false;
    assert_int_equal(gh_db_revocation_find(db, hash, issued_at, now, &yes), GH_OK);
    return yes;
}

static void test_sets(void **state)
{
    struct gh_db *db = db_of(state);
    const struct gh_db_revocation batch[] = {one(1, INT64_MAX, INT64_MAX), one(2, NOW, NOW + DAY),
                                             one(1, INT64_MAX, INT64_MAX)};
    uint64_t added, at = generation(db);
    assert_int_equal(gh_db_revocations_add(db, batch, 3, LIMIT, NOW, &added), GH_OK);
    assert_int_equal(added, 2);
    assert_int_equal(generation(db), at + 1);
    assert_int_equal(gh_db_revocations_add(db, batch, 3, LIMIT, NOW, &added), GH_OK);
    assert_int_equal(added, 0);
    assert_int_equal(generation(db), at + 1);
    assert_true(revoked(db, 1, NOW, NOW));
    assert_true(revoked(db, 2, NOW - 1, NOW));
    assert_false(revoked(db, 2, NOW, NOW)); /* issued later */
    assert_false(revoked(db, 3, NOW, NOW));
    assert_false(revoked(db, 2, NOW - 1, NOW + DAY));
}

static void test_the_stronger_counts(void **state)
{
    struct gh_db *db = db_of(state);
    assert_int_equal(put(db, one(1, NOW, NOW + DAY), NOW), 1);
    assert_int_equal(put(db, one(1, NOW - 1, NOW + DAY), NOW), 0);
    assert_true(revoked(db, 1, NOW - 1, NOW));
    assert_int_equal(put(db, one(1, INT64_MAX, NOW + 1), NOW), 1);
    assert_true(revoked(db, 1, NOW + 1, NOW + DAY - 1)); /* and for as long as the other said */
    /* longer: the list is no other one by it */
    uint64_t at = generation(db);
    assert_int_equal(put(db, one(1, NOW, NOW + 2 * DAY), NOW), 0);
    assert_int_equal(generation(db), at);
    assert_true(revoked(db, 1, NOW + 1, NOW + 2 * DAY - 1));
    /* said anew when it had expired, but was on the list still */
    assert_int_equal(put(db, one(1, NOW, NOW + 4 * DAY), NOW + 3 * DAY), 1);
    assert_int_equal(generation(db), at);
    assert_true(revoked(db, 1, 0, NOW + 3 * DAY));
    /* and when it was not any more */
    assert_int_equal(gh_db_list_age(db, NOW + 5 * DAY), GH_OK);
    assert_int_equal(generation(db), at + 1);
    assert_int_equal(put(db, one(1, NOW, NOW + 9 * DAY), NOW + 5 * DAY), 1);
    assert_int_equal(generation(db), at + 2);
    assert_true(revoked(db, 1, 0, NOW + 6 * DAY));
}

static void test_a_limit(void **state)
{
    struct gh_db *db = db_of(state);
    const struct gh_db_revocation more[] = {one(3, INT64_MAX, INT64_MAX),
                                            one(4, INT64_MAX, INT64_MAX)};
    uint64_t added, at;
    put(db, one(1, INT64_MAX, NOW + 1), NOW);
    put(db, one(2, INT64_MAX, INT64_MAX), NOW);
    at = generation(db);
    assert_int_equal(gh_db_revocations_add(db, more, 2, LIMIT, NOW, &added), GH_ERR_TOOBIG);
    assert_false(revoked(db, 3, 0, NOW));
    assert_int_equal(generation(db), at);
    /* what expired long ago makes room; what expired lately stays: was it the clock? */
    assert_int_equal(gh_db_revocations_add(db, more, 2, LIMIT, NOW + 2 * DAY, &added),
                     GH_ERR_TOOBIG);
    /* ... and nothing goes that is on the list */
    assert_int_equal(gh_db_revocations_add(db, more, 2, LIMIT, NOW + 91 * DAY, &added),
                     GH_ERR_TOOBIG);
    assert_int_equal(gh_db_list_age(db, NOW + 84 * DAY), GH_OK);
    assert_int_equal(gh_db_revocations_add(db, more, 2, LIMIT, NOW + 91 * DAY, &added), GH_OK);
    assert_int_equal(added, 2);
    assert_true(revoked(db, 4, 0, NOW));
}

/* --- as the snapshot has them --- */

struct seen {
    gh_id recalled[4];
    uint8_t hashes[4];
    size_t recalled_count, hash_count;
};

static bool pass_subject(void *context, gh_id id, enum gh_colour colour, const gh_id *homes,
                         size_t home_count)
{
    (void)context, (void)id, (void)colour, (void)homes, (void)home_count;
    return true;
}

static bool see_recalled(void *context, gh_id id, int64_t before_s)
{
    struct seen *seen = context;
    assert_int_equal(before_s, NOW + 1);
    seen->recalled[seen->recalled_count++] = id;
    return true;
}

static bool see_hash(void *context, const uint8_t hash[GH_REVOCATION_BYTES], int64_t before_s)
{
    struct seen *seen = context;
    assert_true(before_s == INT64_MAX);
    seen->hashes[seen->hash_count++] = hash[0];
    return true;
}

static struct seen list_at(struct gh_db *db, int64_t from)
{
    struct seen seen = {.hash_count = 0};
    struct gh_generation read;
    const struct gh_db_list_visitor visitor = {
        .subject = pass_subject, .recalled = see_recalled, .hash = see_hash, .context = &seen};
    assert_int_equal(gh_db_list_age(db, from), GH_OK);
    assert_int_equal(gh_db_list_read(db, &visitor, &read), GH_OK);
    return seen;
}

static void test_what_the_list_says(void **state)
{
    struct gh_db *db = db_of(state);
    gh_id people[2] = {add_person(db, "a", GH_COLOUR_GREEN), add_person(db, "b", GH_COLOUR_GREEN)};
    int64_t before;
    for (int i = 0; i < 2; i++)
        assert_int_equal(gh_db_person_recall(db, people[i], NOW, &before), GH_OK);
    put(db, one(0x90, INT64_MAX, INT64_MAX), NOW);
    put(db, one(0x10, INT64_MAX, NOW + DAY), NOW);
    struct seen seen = list_at(db, NOW);
    assert_int_equal(seen.recalled_count, 2);
    assert_true(seen.recalled[0] < seen.recalled[1]);
    assert_int_equal(seen.hash_count, 2);
    assert_int_equal(seen.hashes[0], 0x10);
    seen = list_at(db, NOW + 1 + GH_HEALTH_VALID_MAX_S);
    assert_int_equal(seen.recalled_count, 2);
    assert_int_equal(seen.hash_count, 1); /* the other one has expired */
    assert_int_equal(seen.hashes[0], 0x90);
    /* no code from before the recall is in time any more */
    assert_int_equal(list_at(db, NOW + 2 + GH_HEALTH_VALID_MAX_S).recalled_count, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_a_recall),
        TEST(test_sets),
        TEST(test_the_stronger_counts),
        TEST(test_a_limit),
        TEST(test_what_the_list_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
