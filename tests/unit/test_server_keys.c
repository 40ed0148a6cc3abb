/* SPDX-License-Identifier: Apache-2.0 */
/* The server's keys over time, over crashes, and over what people do to files. */
#include "test_server_db.h"

#include <dirent.h>
#include <ftw.h>
#include <limits.h>

#include "gatehouse/file.h"
#include "server/keys.h"

#define NOW INT64_C(1700000000)
#define DAY INT64_C(86400)
#define YEAR INT64_C(31536000)

struct world {
    struct fixture base; /* first: the helpers of test_server_db.h take it */
    char keys_folder[96];
    struct gh_server_keys keys;
};

static enum gh_status open_keys(struct world *world, int64_t now, bool create, struct gh_error *err)
{
    gh_server_keys_close(&world->keys);
    return gh_server_keys_open(world->keys_folder, "riverside", world->base.db, now, create,
                               &world->keys, err);
}

static int set_up_world(void **state)
{
    struct world *world = calloc(1, sizeof(*world));
    void *base = NULL;
    assert_non_null(world);
    assert_int_equal(set_up(&base), 0);
    world->base = *(struct fixture *)base;
    free(base);
    snprintf(world->keys_folder, sizeof(world->keys_folder), "%s/keys", world->base.folder);
    assert_int_equal(open_keys(world, NOW, true, NULL), GH_OK);
    *state = world;
    return 0;
}

static int remove_one(const char *path, const struct stat *info, int type, struct FTW *ftw)
{
    (void)info, (void)type, (void)ftw;
    return remove(path);
}

static int tear_down_world(void **state)
{
    struct world *world = *state;
    gh_server_keys_close(&world->keys);
    gh_db_close(world->base.db);
    (void)nftw(world->base.folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
    free(world);
    return 0;
}

static char *file_of(const struct world *world, const char *name)
{
    static char path[PATH_MAX];
    assert_int_equal(gh_path_join(world->keys_folder, name, path, sizeof(path)), GH_OK);
    return path;
}

static gh_id rotate(struct world *world, enum gh_kind purpose, int64_t from, int64_t now)
{
    gh_id id = 0;
    struct gh_error err = {0};
    if (gh_server_keys_rotate(&world->keys, purpose, from, now, &id, &err) != GH_OK)
        fail_msg("%s", err.text);
    return id;
}

static enum gh_status try_rotate(struct world *world, int64_t from, int64_t now)
{
    gh_id id;
    return gh_server_keys_rotate(&world->keys, GH_KIND_HEALTH, from, now, &id, NULL);
}

static gh_id id_of(const struct gh_private_key *key)
{
    struct gh_public_key *public;
    uint8_t id[GH_KEY_ID_BYTES];
    assert_int_equal(gh_private_key_public(key, &public), GH_OK);
    gh_public_key_id(public, id);
    gh_public_key_free(public);
    return gh_be64(id);
}

/* Which key signs then; 0: none. */
static gh_id signer(struct world *world, enum gh_kind purpose, int64_t at)
{
    const struct gh_private_key *key;
    enum gh_status status = gh_server_keys_signer(&world->keys, purpose, at, &key);
    assert_int_equal(status, key != NULL ? GH_OK : GH_ERR_BUSY);
    return key != NULL ? id_of(key) : 0;
}

static size_t index_of(struct world *world, gh_id id)
{
    size_t i = 0;
    while (i < world->keys.own_count && world->keys.own[i].row.id != id)
        i++;
    assert_true(i < world->keys.own_count);
    return i;
}

static enum gh_key_state state_of(struct world *world, gh_id id, int64_t now)
{
    return gh_server_keys_state(&world->keys, index_of(world, id), now);
}

/* The key as the gates get it then; NULL: they do not get it. */
static const struct gh_issuer_key *public_of(struct world *world, gh_id id, int64_t now)
{
    static struct gh_issuer_key keys[GH_LIST_KEYS_MAX];
    size_t count;
    assert_int_equal(gh_server_keys_public(&world->keys, now, keys, &count), GH_OK);
    for (size_t i = 0; i < count; i++)
        if (gh_be64(keys[i].key_id) == id)
            return &keys[i];
    return NULL;
}

/* --- one after the other --- */

static void test_the_first_ones_are_valid_since_ever(void **state)
{
    struct world *world = *state;
    gh_id health = signer(world, GH_KIND_HEALTH, NOW), housing = signer(world, GH_KIND_HOUSING, 5);
    assert_true(health != 0 && housing != 0 && health != housing);
    assert_int_equal(signer(world, GH_KIND_VISITOR, NOW), 0);
    const struct gh_issuer_key *key = public_of(world, health, NOW);
    assert_non_null(key);
    assert_int_equal(key->purposes, GH_PURPOSE(GH_KIND_HEALTH));
    assert_true(key->not_before_s == 0 && key->not_after_s == INT64_MAX && !key->revoked);
    assert_string_equal(key->issuer, "riverside");
}

static void test_a_rotation(void **state)
{
    struct world *world = *state;
    gh_id old = signer(world, GH_KIND_HEALTH, NOW), housing = signer(world, GH_KIND_HOUSING, NOW);
    uint64_t at = generation(world->base.db), version = world->keys.version;
    gh_id new = rotate(world, GH_KIND_HEALTH, NOW + DAY, NOW);
    assert_int_equal(generation(world->base.db), at + 1);
    assert_true(world->keys.version > version);
    /* there at once, in use later; no second without one that signs, one with two that may */
    assert_non_null(public_of(world, new, NOW));
    assert_true(public_of(world, new, NOW)->not_before_s == NOW + DAY);
    assert_true(public_of(world, old, NOW)->not_after_s == NOW + DAY);
    assert_true(signer(world, GH_KIND_HEALTH, NOW) == old);
    assert_true(signer(world, GH_KIND_HEALTH, NOW + DAY - 1) == old);
    assert_true(signer(world, GH_KIND_HEALTH, NOW + DAY) == new);
    assert_true(signer(world, GH_KIND_HOUSING, NOW + DAY) == housing);
    assert_int_equal(state_of(world, old, NOW), GH_KEY_ACTIVE);
    assert_int_equal(state_of(world, new, NOW), GH_KEY_NEXT);
    assert_int_equal(state_of(world, old, NOW + DAY), GH_KEY_RETIRED);
    assert_int_equal(state_of(world, new, NOW + DAY), GH_KEY_ACTIVE);
    /* after a restart too */
    assert_int_equal(open_keys(world, NOW + DAY + 1, false, NULL), GH_OK);
    assert_true(signer(world, GH_KIND_HEALTH, NOW + DAY + 1) == new);
    /* also when the clock was put back a little */
    assert_true(signer(world, GH_KIND_HEALTH, NOW + DAY - 5) == old);
}

static void test_one_waits_at_a_time(void **state)
{
    struct world *world = *state;
    uint64_t at;
    rotate(world, GH_KIND_HEALTH, NOW + DAY, NOW);
    at = generation(world->base.db);
    assert_int_equal(try_rotate(world, NOW + 2 * DAY, NOW), GH_ERR_REFUSED);
    assert_int_equal(try_rotate(world, NOW, NOW), GH_ERR_REFUSED);
    assert_int_equal(generation(world->base.db), at);
    rotate(world, GH_KIND_HOUSING, NOW + DAY, NOW); /* another purpose is another matter */
    assert_int_equal(try_rotate(world, NOW + DAY, NOW + DAY), GH_OK);
}

static void test_at_once(void **state)
{
    struct world *world = *state;
    gh_id first = signer(world, GH_KIND_HEALTH, NOW);
    gh_id second = rotate(world, GH_KIND_HEALTH, NOW, NOW);
    assert_true(signer(world, GH_KIND_HEALTH, NOW) == second);
    gh_id third = rotate(world, GH_KIND_HEALTH, NOW, NOW); /* within one second */
    assert_true(signer(world, GH_KIND_HEALTH, NOW) == third);
    assert_int_equal(state_of(world, first, NOW), GH_KEY_RETIRED);
    assert_int_equal(state_of(world, second, NOW), GH_KEY_RETIRED);
    assert_int_equal(gh_server_keys_revoke(&world->keys, second, NOW), GH_OK);
    assert_true(signer(world, GH_KIND_HEALTH, NOW) == third);
}

/* --- revoked --- */

static void test_the_only_one_cannot_be_revoked(void **state)
{
    struct world *world = *state;
    gh_id only = signer(world, GH_KIND_HEALTH, NOW);
    uint64_t at = generation(world->base.db);
    assert_int_equal(gh_server_keys_revoke(&world->keys, only, NOW), GH_ERR_REFUSED);
    assert_int_equal(gh_server_keys_revoke(&world->keys, only ^ 1, NOW), GH_ERR_NOTFOUND);
    assert_int_equal(generation(world->base.db), at);
    assert_true(signer(world, GH_KIND_HEALTH, NOW) == only);
}

static void test_the_next_takes_over_at_once(void **state)
{
    struct world *world = *state;
    gh_id old = signer(world, GH_KIND_HEALTH, NOW);
    gh_id next = rotate(world, GH_KIND_HEALTH, NOW + DAY, NOW);
    assert_int_equal(gh_server_keys_revoke(&world->keys, old, NOW + 10), GH_OK);
    assert_true(signer(world, GH_KIND_HEALTH, NOW + 10) == next);
    assert_true(public_of(world, old, NOW + 10)->revoked);
    assert_true(public_of(world, next, NOW + 10)->not_before_s == NOW + 10);
    assert_int_equal(gh_server_keys_revoke(&world->keys, old, NOW + 11), GH_OK); /* twice */
    assert_int_equal(gh_server_keys_revoke(&world->keys, next, NOW + 11), GH_ERR_REFUSED);
    assert_int_equal(open_keys(world, NOW + 11, false, NULL), GH_OK);
    assert_int_equal(state_of(world, old, NOW + 11), GH_KEY_REVOKED);
}

static void test_without_the_next_the_old_goes_on(void **state)
{
    struct world *world = *state;
    gh_id old = signer(world, GH_KIND_HEALTH, NOW);
    gh_id next = rotate(world, GH_KIND_HEALTH, NOW + DAY, NOW);
    assert_int_equal(gh_server_keys_revoke(&world->keys, next, NOW + 1), GH_OK);
    assert_true(signer(world, GH_KIND_HEALTH, NOW + 2 * DAY) == old);
    assert_true(public_of(world, old, NOW)->not_after_s == INT64_MAX);
    gh_id other = rotate(world, GH_KIND_HEALTH, NOW + DAY, NOW + 2);
    assert_true(signer(world, GH_KIND_HEALTH, NOW + DAY) == other);
    /* One that is retired can go at any time. */
    assert_int_equal(gh_server_keys_revoke(&world->keys, old, NOW + 2 * DAY), GH_OK);
    assert_true(signer(world, GH_KIND_HEALTH, NOW + 2 * DAY) == other);
}

/* --- what the gates get --- */

static void test_for_as_long_as_codes_are_in_use(void **state)
{
    struct world *world = *state;
    gh_id health = signer(world, GH_KIND_HEALTH, NOW),
          housing = signer(world, GH_KIND_HOUSING, NOW);
    rotate(world, GH_KIND_HEALTH, NOW, NOW);
    rotate(world, GH_KIND_HOUSING, NOW, NOW);
    assert_non_null(public_of(world, health, NOW + YEAR));
    assert_null(public_of(world, health, NOW + YEAR + 61));
    assert_non_null(public_of(world, housing, NOW + 50 * YEAR));
}

static void test_too_many_for_a_list(void **state)
{
    struct world *world = *state;
    gh_id ids[40];
    gh_id housing = signer(world, GH_KIND_HOUSING, NOW);
    ids[0] = signer(world, GH_KIND_HEALTH, NOW);
    for (int i = 1; i < 40; i++)
        ids[i] = rotate(world, GH_KIND_HEALTH, NOW + i, NOW + i);
    gh_id next = rotate(world, GH_KIND_HEALTH, NOW + DAY, NOW + 40);
    assert_int_equal(gh_server_keys_revoke(&world->keys, ids[38], NOW + 41), GH_OK);
    const int64_t now = NOW + 42;
    struct gh_issuer_key keys[GH_LIST_KEYS_MAX];
    size_t count;
    struct gh_trust *trust;
    assert_int_equal(gh_server_keys_public(&world->keys, now, keys, &count), GH_OK);
    assert_int_equal(count, GH_LIST_KEYS_MAX);
    assert_int_equal(gh_trust_new(keys, count, world->keys.holder_secret, &trust), GH_OK);
    gh_trust_unref(trust);
    assert_non_null(public_of(world, housing, now));
    assert_non_null(public_of(world, next, now));
    assert_non_null(public_of(world, ids[39], now));
    assert_null(public_of(world, ids[38], now)); /* refused without it, too */
    /* 3 of use, and of 38 that are retired the newest 29 */
    assert_non_null(public_of(world, ids[37], now));
    assert_non_null(public_of(world, ids[9], now));
    assert_null(public_of(world, ids[8], now));
}

/* --- crashes and files --- */

static void test_an_older_server_s_keys(void **state)
{
    struct world *world = *state;
    gh_id health = signer(world, GH_KIND_HEALTH, NOW),
          housing = signer(world, GH_KIND_HOUSING, NOW);
    outside(state, "DELETE FROM issuer_keys; UPDATE meta SET holder_secret = NULL");
    assert_int_equal(unlink(file_of(world, "holder.secret")), 0);
    assert_int_equal(open_keys(world, NOW, false, NULL), GH_OK);
    assert_true(signer(world, GH_KIND_HEALTH, NOW) == health);
    assert_true(signer(world, GH_KIND_HOUSING, NOW) == housing);
    assert_true(public_of(world, health, NOW)->not_before_s == 0);
    assert_int_equal(access(file_of(world, "holder.secret"), R_OK), 0);
}

/* Between the key's file and its row the power fails. */
static void test_a_file_without_a_row(void **state)
{
    struct world *world = *state;
    struct gh_private_key *orphan;
    gh_id old = signer(world, GH_KIND_HEALTH, NOW);
    assert_int_equal(gh_private_key_generate(GH_KEY_ED25519, &orphan), GH_OK);
    assert_int_equal(
        gh_private_key_save(orphan, file_of(world, "health-00000000000000aa.pem"), NULL), GH_OK);
    gh_private_key_free(orphan);
    assert_int_equal(open_keys(world, NOW, false, NULL), GH_OK);
    assert_true(signer(world, GH_KIND_HEALTH, NOW) == old);
    /* the same, by a database that cannot be written to just then */
    outside(state, "CREATE TRIGGER broken BEFORE INSERT ON issuer_keys "
                   "BEGIN SELECT RAISE(ABORT, 'broken'); END");
    assert_int_not_equal(try_rotate(world, NOW, NOW), GH_OK);
    assert_true(signer(world, GH_KIND_HEALTH, NOW) == old);
    assert_int_equal(open_keys(world, NOW, false, NULL), GH_OK);
    assert_true(signer(world, GH_KIND_HEALTH, NOW + DAY) == old);
    outside(state, "DROP TRIGGER broken");
    assert_true(rotate(world, GH_KIND_HEALTH, NOW, NOW) != old);
}

/* In the first start of all, after a key and before its row, or before the secret's hash. */
static void test_a_first_start_that_was_cut_off(void **state)
{
    struct world *world = *state;
    gh_id health = signer(world, GH_KIND_HEALTH, NOW);
    uint8_t secret[GH_HOLDER_SECRET_BYTES];
    memcpy(secret, world->keys.holder_secret, sizeof(secret));
    outside(state, "DELETE FROM issuer_keys; UPDATE meta SET holder_secret = NULL");
    assert_int_equal(unlink(file_of(world, "housing.pem")), 0);
    assert_int_equal(open_keys(world, NOW, true, NULL), GH_OK);
    assert_true(signer(world, GH_KIND_HEALTH, NOW) == health);
    assert_true(signer(world, GH_KIND_HOUSING, NOW) != 0);
    assert_memory_equal(world->keys.holder_secret, secret, sizeof(secret));
}

static void expect_no_open(struct world *world, int64_t now, const char *word)
{
    struct gh_error err = {0};
    assert_int_not_equal(open_keys(world, now, false, &err), GH_OK);
    if (strstr(err.text, word) == NULL)
        fail_msg("\"%s\" does not say \"%s\"", err.text, word);
    assert_null(world->keys.list); /* nothing is half open */
}

static void test_files_that_are_gone_or_others(void **state)
{
    struct world *world = *state;
    char away[PATH_MAX];
    rotate(world, GH_KIND_HEALTH, NOW + DAY, NOW);
    snprintf(away, sizeof(away), "%s/away", world->base.folder);
    assert_int_equal(rename(file_of(world, "health.pem"), away), 0);
    expect_no_open(world, NOW, "health.pem is missing");
    /* once it is retired nobody needs it */
    assert_int_equal(open_keys(world, NOW + DAY + 1, false, NULL), GH_OK);
    assert_true(signer(world, GH_KIND_HEALTH, NOW + DAY + 1) != 0);
    struct gh_private_key *other;
    assert_int_equal(gh_private_key_generate(GH_KEY_ED25519, &other), GH_OK);
    assert_int_equal(gh_private_key_save(other, file_of(world, "health.pem"), NULL), GH_OK);
    gh_private_key_free(other);
    expect_no_open(world, NOW, "health.pem is not the key");
    assert_int_equal(rename(away, file_of(world, "health.pem")), 0);
    assert_int_equal(open_keys(world, NOW, false, NULL), GH_OK);
}

static void test_the_secret_is_made_once(void **state)
{
    struct world *world = *state;
    char *path = file_of(world, "holder.secret");
    uint8_t secret[GH_HOLDER_SECRET_BYTES], other[GH_HOLDER_SECRET_BYTES] = {1};
    memcpy(secret, world->keys.holder_secret, sizeof(secret));
    assert_int_equal(open_keys(world, NOW, false, NULL), GH_OK);
    assert_memory_equal(world->keys.holder_secret, secret, sizeof(secret));
    assert_int_equal(unlink(path), 0);
    expect_no_open(world, NOW, "holder.secret is missing");
    assert_int_not_equal(access(path, F_OK), 0);
    assert_int_equal(gh_file_replace(path, 0600, other, sizeof(other), NULL), GH_OK);
    expect_no_open(world, NOW, "holder.secret is not the one");
    assert_int_equal(gh_file_replace(path, 0600, secret, 31, NULL), GH_OK);
    expect_no_open(world, NOW, "holder.secret is damaged");
    assert_int_equal(gh_file_replace(path, 0600, secret, 32, NULL), GH_OK);
    assert_int_equal(open_keys(world, NOW, false, NULL), GH_OK);
}

#define KEYS_TEST(name) cmocka_unit_test_setup_teardown(name, set_up_world, tear_down_world)

/* --- a clock that woke up in the past --- */

static void write_down_code(struct world *world, gh_id id, enum gh_kind kind, int64_t issued_at)
{
    const struct gh_db_credential credential = {
        .id = id, .kind = kind, .about = 1, .issued_at = issued_at, .expires_at = INT64_MAX};
    assert_int_equal(gh_db_credential_add(world->base.db, &credential), GH_OK);
}

static size_t files_in(const char *folder)
{
    size_t count = 0;
    DIR *open = opendir(folder);
    assert_non_null(open);
    for (const struct dirent *entry; (entry = readdir(open)) != NULL;)
        count += entry->d_name[0] != '.';
    closedir(open);
    return count;
}

/* What the old key has signed must not fall out of its span: all printed codes would be worthless.
 */
static void test_a_new_key_never_begins_before_codes_that_are_out(void **state)
{
    struct world *world = *state;
    write_down_code(world, 1, GH_KIND_HEALTH, NOW);
    write_down_code(world, 2, GH_KIND_HOUSING, NOW + DAY);
    size_t files = files_in(world->keys_folder);
    struct gh_error err = {0};
    gh_id id;
    assert_int_equal(gh_server_keys_rotate(&world->keys, GH_KIND_HEALTH, 1000, 1000, &id, &err),
                     GH_ERR_INVALID);
    assert_non_null(strstr(err.text, "is the clock right?"));
    assert_int_equal(try_rotate(world, NOW - 61, NOW - 61), GH_ERR_INVALID);
    assert_int_equal(files_in(world->keys_folder), files); /* nothing is left of the attempts */
    /* codes that a recall dated a second ahead: the key begins with them */
    write_down_code(world, 3, GH_KIND_HEALTH, NOW + 1);
    rotate(world, GH_KIND_HEALTH, NOW, NOW);
    assert_int_equal(try_rotate(world, NOW + DAY, NOW), GH_ERR_REFUSED); /* that one waits */
    for (size_t i = 0; i < world->keys.own_count; i++)
        if (world->keys.own[i].row.purpose == GH_KIND_HEALTH)
            assert_int_equal(world->keys.own[i].row.not_before == 0
                                 ? world->keys.own[i].row.not_after
                                 : world->keys.own[i].row.not_before,
                             NOW + 1);
    assert_int_equal(files_in(world->keys_folder), files + 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        KEYS_TEST(test_the_first_ones_are_valid_since_ever),
        KEYS_TEST(test_a_rotation),
        KEYS_TEST(test_one_waits_at_a_time),
        KEYS_TEST(test_at_once),
        KEYS_TEST(test_the_only_one_cannot_be_revoked),
        KEYS_TEST(test_the_next_takes_over_at_once),
        KEYS_TEST(test_without_the_next_the_old_goes_on),
        KEYS_TEST(test_for_as_long_as_codes_are_in_use),
        KEYS_TEST(test_too_many_for_a_list),
        KEYS_TEST(test_an_older_server_s_keys),
        KEYS_TEST(test_a_file_without_a_row),
        KEYS_TEST(test_a_first_start_that_was_cut_off),
        KEYS_TEST(test_files_that_are_gone_or_others),
        KEYS_TEST(test_the_secret_is_made_once),
        KEYS_TEST(test_a_new_key_never_begins_before_codes_that_are_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
