/* SPDX-License-Identifier: Apache-2.0 */
/* What the server builds, read by what the gate reads it with. */
#include "test_server_lists.h"

/* --- */

static void test_an_empty_list(void **state)
{
    struct fixture *fixture = *state;
    struct gh_list_counts counts;
    struct gh_list *list = build_list(fixture);
    assert_int_equal(gh_list_count(list, &counts), GH_OK);
    assert_int_equal(counts.subjects + counts.homes + counts.members + counts.revoked, 0);
    gh_list_close(list);
}

static void test_what_the_manifest_says(void **state)
{
    struct fixture *fixture = *state;
    struct gh_manifest manifest = read_manifest(fixture);
    assert_string_equal(manifest.area, "riverside");
    assert_int_equal(manifest.issued_at_s, 1700000000);
    assert_int_equal(manifest.policy.home_rule, GH_HOME_CODE);
    assert_int_equal(manifest.key_count, 2);
    assert_int_equal(manifest.keys[0].purposes, GH_PURPOSE(GH_KIND_HEALTH));
    assert_int_equal(manifest.keys[1].purposes, GH_PURPOSE(GH_KIND_HOUSING));
    assert_string_equal(manifest.keys[0].issuer, "riverside");
    assert_memory_equal(manifest.holder_secret, fixture->keys.holder_secret,
                        GH_HOLDER_SECRET_BYTES);
    struct gh_trust *trust;
    assert_int_equal(gh_trust_new(manifest.keys, manifest.key_count, NULL, &trust), GH_OK);
    gh_trust_unref(trust);
}

static void test_everything_in_it(void **state)
{
    struct fixture *fixture = *state;
    struct gh_db *db = fixture->db;
    struct gh_db_user owner = {.name = "owner", .role = GH_ROLE_LANDLORD, .password = "x"};
    struct gh_list_counts counts;
    struct gh_answers answers;
    gh_id people[20], home = gh_random_id(), applied = gh_random_id(), now = 1700000000;
    char ref[16];
    for (int i = 0; i < 20; i++) {
        snprintf(ref, sizeof(ref), "%d", i);
        people[i] = add_person(fixture, ref, i == 0 ? GH_COLOUR_RED : GH_COLOUR_GREEN);
    }
    assert_int_equal(gh_db_user_add(db, &owner), GH_OK);
    assert_int_equal(gh_db_home_add(db, home, "1 Main St", "owner", 1), GH_OK);
    assert_int_equal(gh_db_home_add(db, applied, "2 Main St", "owner", 1), GH_OK);
    assert_int_equal(gh_db_home_inspect(db, home, true, NULL), GH_OK);
    assert_int_equal(gh_db_home_approve(db, home), GH_OK);
    for (int i = 0; i < 10; i++)
        assert_int_equal(gh_db_home_put_member(db, home, people[i]), GH_OK);
    /* revoked, the second one of which ended so long ago that it needs no mention */
    const struct gh_db_credential credentials[] = {
        {.id = 1, .kind = GH_KIND_HEALTH, .about = people[1], .expires_at = (int64_t)now + 9},
        {.id = 2, .kind = GH_KIND_HEALTH, .about = people[1], .expires_at = (int64_t)now - 700000},
        {.id = UINT64_MAX, .kind = GH_KIND_HOUSING, .about = home, .expires_at = INT64_MAX},
        {.id = 4, .kind = GH_KIND_HEALTH, .about = people[1], .expires_at = INT64_MAX},
    };
    for (size_t i = 0; i < GH_ARRAY_SIZE(credentials); i++) {
        assert_int_equal(gh_db_credential_add(db, &credentials[i]), GH_OK);
        if (i < 3)
            assert_int_equal(gh_db_credential_revoke(db, credentials[i].id, 5), GH_OK);
    }
    struct gh_list *list = build_list(fixture);
    assert_int_equal(gh_list_count(list, &counts), GH_OK);
    assert_int_equal(counts.subjects, 20);
    assert_int_equal(counts.homes, 1);
    assert_int_equal(counts.members, 10);
    assert_int_equal(counts.revoked, 2);
    const struct gh_credential health = {
        .kind = GH_KIND_HEALTH, .authentic = true, .id = 1, .subject = people[0]};
    const struct gh_credential housing = {
        .kind = GH_KIND_HOUSING, .authentic = true, .id = 77, .home = home};
    assert_int_equal(gh_list_ask(list, &health, &housing, &answers), GH_OK);
    assert_true(answers.have_list && answers.subject_known && answers.member);
    assert_true(answers.home_approved && answers.health_revoked && !answers.housing_revoked);
    assert_int_equal(answers.subject_colour, GH_COLOUR_RED);
    gh_list_close(list);
}

static void test_signed_anew_when_old(void **state)
{
    struct fixture *fixture = *state;
    struct gh_manifest first = read_manifest(fixture);
    forward(fixture, GH_MANIFEST_FRESH_S - 1);
    assert_int_equal(read_manifest(fixture).issued_at_s, first.issued_at_s);
    forward(fixture, 1);
    struct gh_manifest second = read_manifest(fixture);
    assert_int_equal(second.issued_at_s, first.issued_at_s + GH_MANIFEST_FRESH_S);
    assert_int_equal(second.generation, first.generation);
    assert_memory_equal(second.snapshot_sha256, first.snapshot_sha256, GH_SHA256_BYTES);
}

/* A clock that is put right by a second does not make the newer list the older one. */
static void test_a_clock_set_back(void **state)
{
    struct fixture *fixture = *state;
    struct gh_manifest first = read_manifest(fixture);
    fixture->wall_ns -= 5 * GH_NS_PER_S;
    add_person(fixture, "1", GH_COLOUR_GREEN);
    struct gh_manifest second = read_manifest(fixture);
    assert_true(second.generation > first.generation);
    assert_true(second.issued_at_s >= first.issued_at_s);
    /* One that was wrong by years is put right all the same. */
    fixture->wall_ns -= INT64_C(86400) * GH_NS_PER_S;
    assert_int_equal(read_manifest(fixture).issued_at_s, fixture->wall_ns / GH_NS_PER_S);
}

/* One that was far ahead has to be overtaken by a later generation: gates go by that. */
static void test_a_clock_that_was_far_ahead(void **state)
{
    struct fixture *fixture = *state;
    forward(fixture, 10 * 86400);
    struct gh_manifest ahead = read_manifest(fixture);
    fixture->wall_ns -= 10 * 86400 * GH_NS_PER_S;
    struct gh_manifest right = read_manifest(fixture);
    assert_true(right.generation > ahead.generation);
    assert_true(right.issued_at_s < ahead.issued_at_s);
    struct gh_manifest again = read_manifest(fixture); /* once is enough */
    assert_true(again.generation == right.generation);
}

/* Also by a server that was not there when it was set. */
static void test_a_clock_set_back_meanwhile(void **state)
{
    struct fixture *fixture = *state;
    forward(fixture, 10 * 86400);
    struct gh_manifest ahead = read_manifest(fixture);
    close_all(fixture);
    fixture->wall_ns -= 10 * 86400 * GH_NS_PER_S;
    open_all(fixture, false);
    struct gh_manifest right = read_manifest(fixture);
    assert_true(right.generation > ahead.generation);
    assert_int_equal(right.issued_at_s, fixture->wall_ns / GH_NS_PER_S);
    close_all(fixture);
    fixture->wall_ns -= 30 * GH_NS_PER_S;
    open_all(fixture, false);
    struct gh_manifest again = read_manifest(fixture);
    assert_true(again.generation == right.generation);
    assert_int_equal(again.issued_at_s, right.issued_at_s);
}

static void test_generations_never_go_back(void **state)
{
    struct fixture *fixture = *state;
    uint64_t last = 0;
    for (int i = 0; i < 6; i++) {
        char ref[16];
        snprintf(ref, sizeof(ref), "%d", i);
        add_person(fixture, ref, GH_COLOUR_GREEN);
        struct gh_manifest manifest = read_manifest(fixture);
        assert_true(manifest.generation > last);
        last = manifest.generation;
        restart(fixture);
        assert_int_equal(read_manifest(fixture).generation, last);
    }
}

/* A day later, one is due. */
static struct gh_manifest new_snapshot(struct fixture *fixture)
{
    uint64_t before = read_manifest(fixture).snapshot.number;
    forward(fixture, 86400);
    add_person(fixture, "due", fixture->followers++ % 2 == 0 ? GH_COLOUR_GREEN : GH_COLOUR_RED);
    (void)read_manifest(fixture); /* nobody waits for it */
    deliver(fixture);
    struct gh_manifest manifest = read_manifest(fixture);
    assert_true(manifest.snapshot.number > before);
    return manifest;
}

static bool keep_trusted(void *context, const struct gh_db_trusted *trusted)
{
    *(gh_id *)context = trusted->id;
    return true;
}

/* Records of the greatest size, by the hundred: none is lost where one chunk ends. */
static void test_large_records(void **state)
{
    struct fixture *fixture = *state;
    enum { COUNT = 300 };
    struct gh_issuer_key *keys = calloc(COUNT, sizeof(*keys));
    uint64_t added;
    gh_id id = 0;
    struct gh_private_key *key;
    struct gh_public_key *public;
    assert_non_null(keys);
    assert_int_equal(gh_private_key_generate(GH_KEY_P256, &key), GH_OK);
    assert_int_equal(gh_private_key_public(key, &public), GH_OK);
    for (int i = 0; i < COUNT; i++) {
        keys[i] = (struct gh_issuer_key){.type = GH_KEY_P256,
                                         .purposes = GH_PURPOSE(GH_KIND_SHC),
                                         .not_before_s = INT64_MIN,
                                         .not_after_s = INT64_MAX};
        keys[i].raw_bytes = gh_public_key_raw(public, keys[i].raw);
        snprintf(keys[i].issuer, sizeof(keys[i].issuer), "https://%0230d.example", i);
    }
    assert_int_equal(gh_db_trust_add(fixture->db, keys, COUNT, 4000, &added), GH_OK);
    assert_int_equal(added, COUNT);
    assert_int_equal(gh_db_trust_read(fixture->db, keep_trusted, &id), GH_OK);
    assert_int_equal(gh_db_trust_revoke(fixture->db, id, 1), GH_OK);
    struct gh_list *list = build_list(fixture);
    struct gh_trust *trust;
    assert_int_equal(gh_list_trust(list, &trust), GH_OK);
    gh_trust_unref(trust);
    gh_list_close(list);
    gh_public_key_free(public);
    gh_private_key_free(key);
    free(keys);
}

static void test_old_snapshots_go(void **state)
{
    struct fixture *fixture = *state;
    char names[8][65];
    int fd;
    uint64_t size;
    for (int i = 0; i < 8; i++) {
        char ref[16];
        snprintf(ref, sizeof(ref), "%d", i);
        add_person(fixture, ref, GH_COLOUR_GREEN);
        struct gh_manifest manifest = i == 0 ? read_manifest(fixture) : new_snapshot(fixture);
        snapshot_name(&manifest, names[i]);
        /* the order of their making, whatever the file system's clock */
        char path[PATH_MAX];
        snprintf(path, sizeof(path), "%s/%s", fixture->lists, names[i]);
        const struct timespec made[2] = {{.tv_sec = 1000 + i}, {.tv_sec = 1000 + i}};
        assert_int_equal(utimensat(AT_FDCWD, path, made, 0), 0);
    }
    assert_int_equal(files_in(fixture->lists), 4);
    for (int i = 4; i < 8; i++) {
        assert_int_equal(gh_publisher_open(fixture->publisher, names[i], &fd, &size), GH_OK);
        close(fd);
    }
    assert_int_equal(gh_publisher_open(fixture->publisher, names[0], &fd, &size), GH_ERR_NOTFOUND);
}

/* One whose file is lost, or is not what it was, is made anew before its name is signed again. */
static void lose_snapshot(struct fixture *fixture, bool cut)
{
    struct gh_manifest before = read_manifest(fixture);
    char name[65], path[192];
    snapshot_name(&before, name);
    snprintf(path, sizeof(path), "%s/%s", fixture->lists, name);
    if (cut)
        assert_int_equal(gh_file_replace(path, 0600, "cut", 3, NULL), GH_OK);
    else
        assert_int_equal(unlink(path), 0);
    add_person(fixture, cut ? "cut" : "lost", GH_COLOUR_GREEN);
    struct gh_manifest after = read_manifest(fixture);
    assert_int_equal(after.generation, before.generation + 1);
    assert_int_equal(after.snapshot.number, after.generation);
    gh_list_close(build_list(fixture));
}

static void test_a_lost_snapshot(void **state)
{
    lose_snapshot(*state, false);
}

static void test_a_damaged_snapshot(void **state)
{
    lose_snapshot(*state, true);
}

/* The same generation once more gives the same list, whatever the file. */
static void test_a_snapshot_lost_without_a_change(void **state)
{
    struct fixture *fixture = *state;
    char name[65], path[192];
    follow_once(fixture, &fixture->gate);
    snapshot_name(&fixture->gate.manifest, name);
    snprintf(path, sizeof(path), "%s/%s", fixture->lists, name);
    assert_int_equal(unlink(path), 0);
    forward(fixture, GH_MANIFEST_FRESH_S);
    assert_same_list(fixture, &fixture->gate);
    restart(fixture);
    assert_int_equal(unlink(path), 0);
    assert_same_list(fixture, &fixture->gate);
}

static void test_names_are_names(void **state)
{
    struct fixture *fixture = *state;
    int fd;
    uint64_t size;
    char name[65];
    static const char *const bad[] = {
        "",
        ".",
        "building",
        "../db",
        "../keys/list.pem",
        "0000000000000000000000000000000000000000000000000000000000000000",
        "../../../../../../../../../../../../../../../../../../etc/passwd",
    };
    struct gh_manifest manifest = read_manifest(fixture);
    snapshot_name(&manifest, name);
    for (size_t i = 0; i < GH_ARRAY_SIZE(bad); i++)
        assert_int_equal(gh_publisher_open(fixture->publisher, bad[i], &fd, &size),
                         GH_ERR_NOTFOUND);
    name[0] = name[0] == 'a' ? 'A' : 'Z';
    assert_int_equal(gh_publisher_open(fixture->publisher, name, &fd, &size), GH_ERR_NOTFOUND);
}

/* No room (or no folder): what was said stays what it is, and afterwards all is well again. */
static void test_it_cannot_be_written(void **state)
{
    struct fixture *fixture = *state;
    struct gh_answer *answer;
    bool news;
    char away[128];
    snprintf(away, sizeof(away), "%s/away", fixture->folder);
    follow_once(fixture, &fixture->gate);
    const struct gh_generation have = fixture->gate.have;
    add_person(fixture, "1", GH_COLOUR_GREEN);
    assert_int_equal(rename(fixture->lists, away), 0);
    assert_int_equal(gh_publisher_answer(fixture->publisher, &have, 0, &answer, &news),
                     GH_ERR_AGAIN);
    deliver(fixture);
    /* It has failed, and is not tried again at once. */
    assert_int_equal(gh_publisher_answer(fixture->publisher, &have, 0, &answer, &news),
                     GH_ERR_AGAIN);
    assert_int_equal(gh_publisher_last(fixture->publisher, &have, 0, &answer), GH_OK);
    struct list_answer last = take_apart(answer->body);
    verify_answer(fixture->list_key, &last, &fixture->gate.manifest);
    assert_int_equal(fixture->gate.manifest.generation, have.number);
    assert_int_equal(rename(away, fixture->lists), 0);
    forward(fixture, 10);
    follow_once(fixture, &fixture->gate);
    assert_int_equal(fixture->gate.have.number, have.number + 1);
}

/* Thousands that ask meanwhile hear what was so far: it is not tried again for each of them. */
static void test_settings_cannot_be_written(void **state)
{
    struct fixture *fixture = *state;
    struct gh_policy policy = gh_policy_initial();
    struct gh_answer *first, *second;
    bool news;
    policy.debounce_ms = 777;
    const struct gh_manifest before = read_manifest(fixture);
    const struct gh_generation now = {.number = before.generation};
    outside(fixture, "CREATE TRIGGER full BEFORE UPDATE OF settings ON meta "
                     "BEGIN SELECT RAISE(ABORT, 'full'); END");
    assert_int_not_equal(gh_publisher_set_policy(fixture->publisher, &policy), GH_OK);
    assert_int_equal(gh_publisher_answer(fixture->publisher, &now, 0, &first, &news), GH_OK);
    assert_int_equal(gh_publisher_answer(fixture->publisher, &now, 0, &second, &news), GH_OK);
    assert_ptr_equal(first, second);
    forward(fixture, 10);
    assert_int_not_equal(read_manifest(fixture).policy.debounce_ms, 777);
    assert_int_equal(read_manifest(fixture).issued_at_s, before.issued_at_s + 10);
    outside(fixture, "DROP TRIGGER full");
    forward(fixture, 10);
    assert_int_equal(read_manifest(fixture).policy.debounce_ms, 777);
    assert_true(read_manifest(fixture).generation > before.generation);
}

/* --- keys --- */

static enum gh_status open_keys(struct fixture *fixture, bool create, struct gh_server_keys *out,
                                struct gh_error *err)
{
    return gh_server_keys_open(fixture->keys_folder, "riverside", fixture->db,
                               fixture->wall_ns / GH_NS_PER_S, create, out, err);
}

static void test_keys_are_kept_and_private(void **state)
{
    struct fixture *fixture = *state;
    struct gh_server_keys again;
    struct stat info;
    char path[192];
    static const char *const names[] = {"list.pem", "health.pem", "housing.pem", "holder.secret"};
    for (size_t i = 0; i < GH_ARRAY_SIZE(names); i++) {
        snprintf(path, sizeof(path), "%s/%s", fixture->keys_folder, names[i]);
        assert_int_equal(stat(path, &info), 0);
        assert_int_equal(info.st_mode & 0777, 0600);
    }
    assert_int_equal(open_keys(fixture, false, &again, NULL), GH_OK);
    assert_memory_equal(again.list_raw, fixture->keys.list_raw, sizeof(again.list_raw));
    assert_int_equal(again.own_count, 2);
    assert_memory_equal(again.own[0].row.raw, fixture->keys.own[0].row.raw, GH_OWN_KEY_BYTES);
    assert_memory_equal(again.holder_secret, fixture->keys.holder_secret, GH_HOLDER_SECRET_BYTES);
    gh_server_keys_close(&again);
    gh_server_keys_close(&again);
}

static void test_a_lost_key_is_not_replaced(void **state)
{
    struct fixture *fixture = *state;
    struct gh_server_keys again;
    struct gh_error err = {0};
    char path[192];
    snprintf(path, sizeof(path), "%s/housing.pem", fixture->keys_folder);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(open_keys(fixture, true, &again, &err), GH_ERR_NOTFOUND);
    assert_non_null(strstr(err.text, "housing.pem"));
    assert_int_not_equal(access(path, F_OK), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_an_empty_list),
        TEST(test_what_the_manifest_says),
        TEST(test_everything_in_it),
        TEST(test_signed_anew_when_old),
        TEST(test_a_clock_set_back),
        TEST(test_a_clock_that_was_far_ahead),
        TEST(test_a_clock_set_back_meanwhile),
        TEST(test_generations_never_go_back),
        TEST(test_large_records),
        TEST(test_old_snapshots_go),
        TEST(test_a_lost_snapshot),
        TEST(test_a_damaged_snapshot),
        TEST(test_a_snapshot_lost_without_a_change),
        TEST(test_names_are_names),
        TEST(test_it_cannot_be_written),
        TEST(test_settings_cannot_be_written),
        TEST(test_keys_are_kept_and_private),
        TEST(test_a_lost_key_is_not_replaced),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
