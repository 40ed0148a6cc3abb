/* SPDX-License-Identifier: Apache-2.0 */
#include "test_server_db.h"

/* --- as a whole --- */

static void test_reopened_and_private(void **state)
{
    struct fixture *fixture = *state;
    struct stat info;
    uint64_t before = generation(fixture->db);
    assert_int_equal(gh_db_list_bump(fixture->db), GH_OK);
    reopen(state);
    assert_int_equal(generation(fixture->db), before + 1);
    assert_int_equal(stat(fixture->path, &info), 0);
    assert_int_equal(info.st_mode & 0777, 0600);
    assert_int_equal(gh_db_probe(fixture->db), GH_OK);
}

static void test_newer_schema_is_refused(void **state)
{
    struct fixture *fixture = *state;
    struct gh_db *db = NULL;
    struct gh_error err = {0};
    outside(state, "PRAGMA user_version = 99");
    assert_int_equal(gh_db_open(fixture->path, &db, &err), GH_ERR_UNSUPPORTED);
    assert_null(db);
    assert_non_null(strstr(err.text, "newer"));
}

static void test_not_a_database(void **state)
{
    struct gh_db *db = NULL;
    char path[] = "/tmp/gatehouse-test-XXXXXX", text[8192];
    (void)state;
    int fd = mkstemp(path);
    memset(text, 'x', sizeof(text));
    assert_int_equal(write(fd, text, sizeof(text)), sizeof(text));
    close(fd);
    assert_int_equal(gh_db_open(path, &db, NULL), GH_ERR_CORRUPT);
    assert_null(db);
    unlink(path);
    assert_int_not_equal(gh_db_open("/nonexistent/db", &db, NULL), GH_OK);
    assert_null(db);
}

/* --- users --- */

static void add_user(struct gh_db *db, const char *name, enum gh_role role)
{
    struct gh_db_user user = {.role = role, .password = "hash", .one_time = true};
    snprintf(user.name, sizeof(user.name), "%s", name);
    assert_int_equal(gh_db_user_add(db, &user), GH_OK);
}

static void test_users_and_sessions(void **state)
{
    struct gh_db *db = db_of(state);
    struct gh_db_user user;
    uint8_t token[GH_SHA256_BYTES] = {1}, other[GH_SHA256_BYTES] = {2};
    char name[GH_USER_BYTES];
    enum gh_role role;
    uint64_t count;

    add_user(db, "ada", GH_ROLE_LANDLORD);
    assert_int_equal(gh_db_user_find(db, "ada", &user), GH_OK);
    assert_true(user.one_time);
    assert_int_equal(gh_db_user_add(db, &user), GH_ERR_EXISTS);
    assert_int_equal(gh_db_user_find(db, "Ada", &user), GH_ERR_NOTFOUND);
    assert_int_equal(gh_db_user_count(db, &count), GH_OK);
    assert_int_equal(count, 1);

    assert_int_equal(gh_db_session_add(db, token, "ada", 1000, 2000), GH_OK);
    assert_int_equal(gh_db_session_find(db, token, 1999, name, &role), GH_OK);
    assert_string_equal(name, "ada");
    assert_int_equal(role, GH_ROLE_LANDLORD);
    assert_int_equal(gh_db_session_find(db, token, 2000, name, &role), GH_ERR_NOTFOUND);
    assert_int_equal(gh_db_session_find(db, other, 1999, name, &role), GH_ERR_NOTFOUND);
    assert_int_equal(gh_db_session_add(db, other, "nobody", 1000, 2000), GH_ERR_EXISTS);

    /* another password ends all sessions */
    assert_int_equal(gh_db_user_set_password(db, "ada", "other"), GH_OK);
    assert_int_equal(gh_db_session_find(db, token, 1999, name, &role), GH_ERR_NOTFOUND);
    assert_int_equal(gh_db_user_find(db, "ada", &user), GH_OK);
    assert_false(user.one_time);
    assert_string_equal(user.password, "other");
}

/* --- people, homes, credentials and the generation --- */

static void put(struct gh_db *db, const char *ref, const char *name, enum gh_colour colour,
                enum gh_db_change wanted)
{
    enum gh_db_change change;
    assert_int_equal(gh_db_import_begin(db), GH_OK);
    assert_int_equal(gh_db_import_put(db, ref, name, colour, &change), GH_OK);
    assert_int_equal(change, wanted);
    assert_int_equal(gh_db_import_end(db, true), GH_OK);
}

static void test_import(void **state)
{
    struct gh_db *db = db_of(state);
    enum gh_db_change change;
    gh_id id = 0;
    uint64_t at = generation(db);

    put(db, "1", "Ada", GH_COLOUR_GREEN, GH_DB_ADDED);
    assert_int_equal(generation(db), ++at);
    put(db, "1", "Ada", GH_COLOUR_GREEN, GH_DB_UNCHANGED);
    assert_int_equal(generation(db), at);
    put(db, "1", "Ada L", GH_COLOUR_GREEN, GH_DB_UPDATED); /* names are not on the list */
    assert_int_equal(generation(db), at);
    put(db, "1", "Ada L", GH_COLOUR_RED, GH_DB_UPDATED);
    assert_int_equal(generation(db), ++at);

    assert_int_equal(gh_db_import_begin(db), GH_OK);
    assert_int_equal(gh_db_import_put(db, "2", "Bob", GH_COLOUR_GREEN, &change), GH_OK);
    assert_int_equal(gh_db_import_put(db, "1", "Eve", GH_COLOUR_GREEN, &change), GH_OK);
    assert_int_equal(gh_db_import_end(db, false), GH_OK);
    assert_int_equal(generation(db), at);
    assert_int_equal(gh_db_people_read(db, "2", 0, 1, keep_id, &id), GH_OK);
    assert_int_equal(id, 0);
}

struct ids {
    gh_id list[64];
    size_t count;
};

static bool collect(void *context, const struct gh_db_person *person)
{
    struct ids *ids = context;
    ids->list[ids->count++] = person->id;
    return true;
}

/* Random identifiers use all 64 bits; the order is theirs as unsigned numbers. */
static void test_pages_are_in_order(void **state)
{
    struct gh_db *db = db_of(state);
    struct ids all = {0}, paged = {0};
    char ref[16];
    bool large = false;
    for (int i = 0; i < 40; i++) {
        snprintf(ref, sizeof(ref), "%d", i);
        add_person(db, ref, GH_COLOUR_GREEN);
    }
    assert_int_equal(gh_db_people_read(db, NULL, 0, 100, collect, &all), GH_OK);
    assert_int_equal(all.count, 40);
    for (size_t i = 1; i < all.count; i++)
        assert_true(all.list[i - 1] < all.list[i]);
    large = all.list[39] > INT64_MAX && all.list[0] < INT64_MAX;
    assert_true(large); /* but for one time in 2^39 */
    while (paged.count < 40) {
        size_t before = paged.count;
        gh_id after = before > 0 ? paged.list[before - 1] : 0;
        assert_int_equal(gh_db_people_read(db, NULL, after, 7, collect, &paged), GH_OK);
        assert_true(paged.count > before);
    }
    assert_memory_equal(all.list, paged.list, sizeof(all.list));
}

static void test_status(void **state)
{
    struct gh_db *db = db_of(state);
    gh_id id = add_person(db, "1", GH_COLOUR_GREEN);
    uint64_t at = generation(db);
    assert_int_equal(gh_db_person_set_status(db, id, GH_COLOUR_RED), GH_OK);
    assert_int_equal(generation(db), at + 1);
    assert_int_equal(gh_db_person_set_status(db, id, GH_COLOUR_RED), GH_OK);
    assert_int_equal(generation(db), at + 1);
    assert_int_equal(gh_db_person_set_status(db, id + 1, GH_COLOUR_RED), GH_ERR_NOTFOUND);
    assert_int_equal(generation(db), at + 1);
}

struct home {
    gh_id credential;
    enum gh_home_state state;
    bool has_code;
    char code[32];
};

static bool keep_home(void *context, const struct gh_db_home *home)
{
    struct home *kept = context;
    kept->credential = home->credential;
    kept->state = home->state;
    kept->has_code = home->code != NULL;
    snprintf(kept->code, sizeof(kept->code), "%s", home->code != NULL ? home->code : "");
    return true;
}

static struct home read_home(struct gh_db *db, gh_id id)
{
    struct home home = {0};
    assert_int_equal(gh_db_home_read(db, id, keep_home, &home), GH_OK);
    return home;
}

static void approve(struct gh_db *db, gh_id id)
{
    add_user(db, "owner", GH_ROLE_LANDLORD);
    assert_int_equal(gh_db_home_add(db, id, "1 Main St", "owner", 1000), GH_OK);
    assert_int_equal(gh_db_home_inspect(db, id, true, NULL), GH_OK);
    assert_int_equal(gh_db_home_approve(db, id), GH_OK);
}

static void test_a_home_in_order(void **state)
{
    struct gh_db *db = db_of(state);
    gh_id home = gh_random_id(), person = add_person(db, "1", GH_COLOUR_GREEN);
    uint64_t at = generation(db);
    add_user(db, "owner", GH_ROLE_LANDLORD);
    assert_int_equal(gh_db_home_add(db, home, "1 Main St", "owner", 1000), GH_OK);
    assert_int_equal(gh_db_home_approve(db, home), GH_ERR_REFUSED);
    assert_int_equal(gh_db_home_put_member(db, home, person), GH_ERR_REFUSED);
    assert_int_equal(gh_db_home_inspect(db, home, true, "fine"), GH_OK);
    assert_int_equal(gh_db_home_inspect(db, home, true, "fine"), GH_ERR_REFUSED);
    assert_int_equal(gh_db_home_inspect(db, home + 1, true, NULL), GH_ERR_NOTFOUND);
    assert_int_equal(generation(db), at);
    assert_int_equal(gh_db_home_approve(db, home), GH_OK);
    assert_int_equal(generation(db), ++at);
    assert_int_equal(gh_db_home_approve(db, home), GH_ERR_REFUSED);

    assert_int_equal(gh_db_home_put_member(db, home, person), GH_OK);
    assert_int_equal(generation(db), ++at);
    assert_int_equal(gh_db_home_put_member(db, home, person), GH_OK);
    assert_int_equal(generation(db), at);
    assert_int_equal(gh_db_home_put_member(db, home, person + 1), GH_ERR_NOTFOUND);
    assert_int_equal(gh_db_home_put_member(db, home + 1, person), GH_ERR_NOTFOUND);
    assert_int_equal(gh_db_home_drop_member(db, home, person), GH_OK);
    assert_int_equal(generation(db), ++at);
    assert_int_equal(gh_db_home_drop_member(db, home, person), GH_OK);
    assert_int_equal(generation(db), at);
}

static void test_refused_home(void **state)
{
    struct gh_db *db = db_of(state);
    gh_id home = gh_random_id();
    add_user(db, "owner", GH_ROLE_LANDLORD);
    assert_int_equal(gh_db_home_add(db, home, "1 Main St", "nobody", 1000), GH_ERR_EXISTS);
    assert_int_equal(gh_db_home_add(db, home, "1 Main St", "owner", 1000), GH_OK);
    assert_int_equal(gh_db_home_inspect(db, home, false, "no stairs"), GH_OK);
    assert_int_equal(read_home(db, home).state, GH_HOME_STATE_REFUSED);
    assert_int_equal(gh_db_home_approve(db, home), GH_ERR_REFUSED);
}

static void set_code(struct gh_db *db, gh_id home, const char *code, gh_id id)
{
    const struct gh_db_credential credential = {
        .id = id, .kind = GH_KIND_HOUSING, .about = home, .issued_at = 5, .expires_at = INT64_MAX};
    assert_int_equal(gh_db_home_set_code(db, home, code, &credential), GH_OK);
}

static void test_one_code_a_home(void **state)
{
    struct gh_db *db = db_of(state);
    struct gh_db_credential credential;
    gh_id home = gh_random_id();
    approve(db, home);
    uint64_t at = generation(db);

    set_code(db, home, "FIRST", 11);
    assert_int_equal(generation(db), at); /* a new credential is not on the list */
    set_code(db, home, "SECOND", 12);
    assert_int_equal(generation(db), ++at); /* but that the old one is revoked */
    assert_int_equal(read_home(db, home).credential, 12);
    assert_string_equal(read_home(db, home).code, "SECOND");
    assert_int_equal(gh_db_credential_find(db, 11, &credential), GH_OK);
    assert_int_not_equal(credential.revoked_at, 0);
    assert_int_equal(credential.about, home);
    assert_int_equal(gh_db_credential_find(db, 12, &credential), GH_OK);
    assert_int_equal(credential.revoked_at, 0);
    assert_int_equal(credential.expires_at, INT64_MAX);

    /* revoked by hand: the home has none any more, and gets another when asked */
    assert_int_equal(gh_db_credential_revoke(db, 12, 77), GH_OK);
    assert_int_equal(generation(db), ++at);
    assert_false(read_home(db, home).has_code);
    assert_int_equal(gh_db_credential_revoke(db, 12, 78), GH_OK);
    assert_int_equal(generation(db), at);
    assert_int_equal(gh_db_credential_find(db, 12, &credential), GH_OK);
    assert_int_equal(credential.revoked_at, 77);
    assert_int_equal(gh_db_credential_revoke(db, 13, 78), GH_ERR_NOTFOUND);
}

/* A second server's write, or a failure between: nothing half done. */
static void test_a_failed_change_changes_nothing(void **state)
{
    struct gh_db *db = db_of(state);
    gh_id home = gh_random_id();
    approve(db, home);
    set_code(db, home, "FIRST", 11);
    uint64_t at = generation(db);
    const struct gh_db_credential again = {
        .id = 11, .kind = GH_KIND_HOUSING, .about = home, .issued_at = 5, .expires_at = INT64_MAX};
    /* The same id again fails at the insertion, after the old one was revoked. */
    assert_int_equal(gh_db_home_set_code(db, home, "SECOND", &again), GH_ERR_EXISTS);
    struct gh_db_credential credential;
    assert_int_equal(gh_db_credential_find(db, 11, &credential), GH_OK);
    assert_int_equal(credential.revoked_at, 0);
    assert_string_equal(read_home(db, home).code, "FIRST");
    assert_int_equal(generation(db), at);
}

static void test_what_the_manifest_says(void **state)
{
    struct gh_db *db = db_of(state);
    uint8_t one[GH_SHA256_BYTES] = {1}, two[GH_SHA256_BYTES] = {2};
    uint64_t at = generation(db);
    assert_int_equal(gh_db_list_settings(db, one), GH_OK);
    assert_int_equal(generation(db), ++at);
    assert_int_equal(gh_db_list_settings(db, one), GH_OK);
    reopen(state);
    db = db_of(state);
    assert_int_equal(gh_db_list_settings(db, one), GH_OK);
    assert_int_equal(generation(db), at);
    assert_int_equal(gh_db_list_settings(db, two), GH_OK);
    assert_int_equal(generation(db), ++at);
}

/* --- gates --- */

static void test_gates(void **state)
{
    struct gh_db *db = db_of(state);
    struct gh_db_gate gate = {
        .id = UINT64_MAX, .name = "North", .token_sha256 = {7}, .token_expires_at = 500};
    struct gh_db_gate found;
    uint8_t secret[GH_SHA256_BYTES] = {9};
    assert_int_equal(gh_db_gate_add(db, &gate, 100), GH_OK);
    assert_int_equal(gh_db_gate_find(db, UINT64_MAX, &found), GH_OK);
    assert_int_equal(found.state, GH_GATE_WAITING);
    assert_memory_equal(found.token_sha256, gate.token_sha256, GH_SHA256_BYTES);
    assert_int_equal(found.token_expires_at, 500);
    assert_int_equal(gh_db_gate_enrol(db, UINT64_MAX, secret, 200), GH_OK);
    assert_int_equal(gh_db_gate_enrol(db, UINT64_MAX, secret, 200), GH_ERR_REFUSED);
    assert_int_equal(gh_db_gate_find(db, UINT64_MAX, &found), GH_OK);
    assert_int_equal(found.state, GH_GATE_ENROLLED);
    assert_memory_equal(found.secret_sha256, secret, GH_SHA256_BYTES);
    assert_int_equal(found.last_seen_at, 200);
    const struct gh_db_seen seen[] = {{UINT64_MAX, 260}, {77, 260}};
    assert_int_equal(gh_db_gates_seen(db, seen, 2), GH_OK); /* one of no gate is none */
    assert_int_equal(gh_db_gate_find(db, UINT64_MAX, &found), GH_OK);
    assert_int_equal(found.last_seen_at, 260);
    assert_int_equal(gh_db_gate_shut_out(db, UINT64_MAX), GH_OK);
    assert_int_equal(gh_db_gate_find(db, UINT64_MAX, &found), GH_OK);
    assert_int_equal(found.state, GH_GATE_SHUT_OUT);
    assert_int_equal(gh_db_gate_enrol(db, UINT64_MAX, secret, 200), GH_ERR_REFUSED);
    assert_int_equal(gh_db_gate_shut_out(db, 5), GH_ERR_NOTFOUND);
}

/* A row that lost its secret does not let everybody in. */
static void test_a_gate_without_secret(void **state)
{
    struct gh_db *db = db_of(state);
    struct gh_db_gate gate = {.id = 3, .name = "North"}, found;
    uint8_t secret[GH_SHA256_BYTES] = {9};
    assert_int_equal(gh_db_gate_add(db, &gate, 100), GH_OK);
    assert_int_equal(gh_db_gate_enrol(db, 3, secret, 200), GH_OK);
    outside(state, "UPDATE gates SET secret = NULL");
    assert_int_equal(gh_db_gate_find(db, 3, &found), GH_OK);
    assert_int_equal(found.state, GH_GATE_SHUT_OUT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_reopened_and_private),
        TEST(test_newer_schema_is_refused),
        TEST(test_not_a_database),
        TEST(test_users_and_sessions),
        TEST(test_import),
        TEST(test_pages_are_in_order),
        TEST(test_status),
        TEST(test_a_home_in_order),
        TEST(test_refused_home),
        TEST(test_one_code_a_home),
        TEST(test_a_failed_change_changes_nothing),
        TEST(test_what_the_manifest_says),
        TEST(test_gates),
        TEST(test_a_gate_without_secret),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
