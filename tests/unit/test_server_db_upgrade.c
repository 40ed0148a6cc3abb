/* SPDX-License-Identifier: Apache-2.0 */
/* A database that an older server has left. */
#include "test_server_db.h"

/* Back to what schema 1 was: every later step's tables and columns gone. */
static const char to_schema_1[] = "DROP TABLE issuer_keys; DROP TABLE trust; DROP TABLE recalls;"
                                  "DROP TABLE holders; DROP TABLE revocations;"
                                  "DROP TABLE generations; DROP TABLE changes;"
                                  "DROP TABLE news; DROP TABLE announced;"
                                  "DROP TABLE announcements;"
                                  "DROP TABLE alarms; DROP TABLE husks; DROP TABLE chains;"
                                  "DROP INDEX refused_received_at; DROP INDEX refused_gate;"
                                  "ALTER TABLE meta DROP COLUMN floor;"
                                  "ALTER TABLE meta DROP COLUMN cutoff;"
                                  "ALTER TABLE meta DROP COLUMN built_at;"
                                  "ALTER TABLE meta DROP COLUMN built_people;"
                                  "ALTER TABLE meta DROP COLUMN signed_at;"
                                  "ALTER TABLE meta DROP COLUMN holder_secret;"
                                  "PRAGMA user_version = 1;";

static bool count_key(void *context, const struct gh_db_key *key)
{
    (void)key;
    ++*(size_t *)context;
    return true;
}

static void test_what_was_there_stays(void **state)
{
    struct fixture *fixture = *state;
    struct gh_db_credential credential = {
        .id = 7, .kind = GH_KIND_HEALTH, .about = 8, .issued_at = 1, .expires_at = 2};
    gh_id person = add_person(fixture->db, "p", GH_COLOUR_YELLOW), found = 0;
    int64_t before;
    size_t keys = 0;
    assert_int_equal(gh_db_credential_add(fixture->db, &credential), GH_OK);
    uint64_t at = generation(fixture->db);
    gh_db_close(fixture->db);
    outside(state, to_schema_1);
    assert_int_equal(gh_db_open(fixture->path, &fixture->db, NULL), GH_OK);
    assert_int_equal(generation(fixture->db), at);
    assert_int_equal(gh_db_people_read(fixture->db, "p", 0, 1, keep_id, &found), GH_OK);
    assert_true(found == person);
    assert_int_equal(gh_db_credential_find(fixture->db, 7, &credential), GH_OK);
    /* and what is new works */
    assert_int_equal(gh_db_person_recall(fixture->db, person, 100, &before), GH_OK);
    assert_int_equal(gh_db_keys_read(fixture->db, count_key, &keys), GH_OK);
    assert_int_equal(keys, 0);
    uint8_t hash[GH_SHA256_BYTES];
    assert_int_equal(gh_db_secret_find(fixture->db, hash), GH_ERR_NOTFOUND);
    reopen(state);
    assert_int_equal(gh_db_person_recalled(fixture->db, person, &before), GH_OK);
    assert_int_equal(before, 101);
}

struct home_code {
    gh_id credential;
    char text[64];
};

static bool keep_code(void *context, const struct gh_db_home *home)
{
    struct home_code *code = context;
    code->credential = home->credential;
    snprintf(code->text, sizeof(code->text), "%s", home->code != NULL ? home->code : "none");
    return true;
}

static gh_id add_home_with_code(struct gh_db *db, gh_id credential_id)
{
    const struct gh_db_user owner = {.name = "owner", .role = GH_ROLE_LANDLORD, .password = "x"};
    const struct gh_db_credential credential = {.id = credential_id,
                                                .kind = GH_KIND_HOUSING,
                                                .about = 5,
                                                .issued_at = 1,
                                                .expires_at = INT64_MAX};
    assert_int_equal(gh_db_user_add(db, &owner), GH_OK);
    assert_int_equal(gh_db_home_add(db, 5, "Lime Lane 1", "owner", 1), GH_OK);
    assert_int_equal(gh_db_home_inspect(db, 5, true, NULL), GH_OK);
    assert_int_equal(gh_db_home_approve(db, 5), GH_OK);
    assert_int_equal(gh_db_home_set_code(db, 5, "HTTPS://OLD/H/CODE", &credential), GH_OK);
    return 5;
}

/* The old housing codes are forgeries to the gates: none is handed out again, and the one that
 * follows takes the old one's place. */
static void test_old_housing_codes_are_not_handed_out(void **state)
{
    struct fixture *fixture = *state;
    struct home_code code;
    struct gh_db_credential credential;
    gh_id home = add_home_with_code(fixture->db, 70);
    gh_db_close(fixture->db);
    outside(state, to_schema_1);
    assert_int_equal(gh_db_open(fixture->path, &fixture->db, NULL), GH_OK);
    assert_int_equal(gh_db_home_read(fixture->db, home, keep_code, &code), GH_OK);
    assert_string_equal(code.text, "none");
    assert_true(code.credential == 70);
    const struct gh_db_credential fresh = {
        .id = 71, .kind = GH_KIND_HOUSING, .about = home, .issued_at = 9, .expires_at = INT64_MAX};
    assert_int_equal(gh_db_home_set_code(fixture->db, home, "HTTPS://NEW/H/CODE", &fresh), GH_OK);
    assert_int_equal(gh_db_credential_find(fixture->db, 70, &credential), GH_OK);
    assert_true(credential.revoked_at != 0);
    reopen(state); /* once, not at every start */
    assert_int_equal(gh_db_home_read(fixture->db, home, keep_code, &code), GH_OK);
    assert_string_equal(code.text, "HTTPS://NEW/H/CODE");
    assert_true(code.credential == 71);
}

/* The power fails in the middle of the step: all of it is undone, and done the next time. */
static void test_a_step_is_whole(void **state)
{
    struct fixture *fixture = *state;
    struct gh_db *db = NULL;
    gh_db_close(fixture->db);
    outside(state, to_schema_1);
    outside(state, "CREATE TABLE holders (in_the_way INTEGER)");
    assert_int_not_equal(gh_db_open(fixture->path, &db, NULL), GH_OK);
    outside(state, "DROP TABLE holders");
    assert_int_equal(gh_db_open(fixture->path, &fixture->db, NULL), GH_OK);
    assert_int_equal(gh_db_holders_unlink(fixture->db, 1), GH_ERR_NOTFOUND);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_what_was_there_stays),
        TEST(test_old_housing_codes_are_not_handed_out),
        TEST(test_a_step_is_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
