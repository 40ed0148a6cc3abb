/* SPDX-License-Identifier: Apache-2.0 */
/* What the server builds, read by what the gate reads it with. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "gatehouse/file.h"
#include "server/snapshot.h"

struct fixture {
    char folder[64], lists[96], keys_folder[96], database[96], list[96];
    struct gh_db *db;
    struct gh_server_keys keys;
    struct gh_public_key *list_key;
    struct gh_clock clock;
    int64_t wall_ns, monotonic_ns;
    struct gh_snapshots *snapshots;
};

static int64_t wall(void *context)
{
    return ((struct fixture *)context)->wall_ns;
}

static int64_t monotonic(void *context)
{
    return ((struct fixture *)context)->monotonic_ns;
}

static void forward(struct fixture *fixture, int64_t seconds)
{
    fixture->wall_ns += seconds * GH_NS_PER_S;
    fixture->monotonic_ns += seconds * GH_NS_PER_S;
}

static void open_snapshots(struct fixture *fixture)
{
    const struct gh_policy policy = gh_policy_initial();
    assert_int_equal(gh_snapshots_new(fixture->lists, fixture->db, &fixture->keys, "riverside",
                                      &fixture->clock, &fixture->snapshots, NULL),
                     GH_OK);
    assert_int_equal(gh_snapshots_set_policy(fixture->snapshots, &policy), GH_OK);
}

static int set_up(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));
    assert_non_null(fixture);
    snprintf(fixture->folder, sizeof(fixture->folder), "/tmp/gatehouse-test-XXXXXX");
    assert_non_null(mkdtemp(fixture->folder));
    snprintf(fixture->lists, sizeof(fixture->lists), "%s/lists", fixture->folder);
    snprintf(fixture->keys_folder, sizeof(fixture->keys_folder), "%s/keys", fixture->folder);
    snprintf(fixture->database, sizeof(fixture->database), "%s/db", fixture->folder);
    snprintf(fixture->list, sizeof(fixture->list), "%s/list.db", fixture->folder);
    fixture->wall_ns = INT64_C(1700000000) * GH_NS_PER_S;
    fixture->monotonic_ns = 1000 * GH_NS_PER_S;
    fixture->clock = (struct gh_clock){wall, monotonic, fixture};
    assert_int_equal(gh_db_open(fixture->database, &fixture->db, NULL), GH_OK);
    assert_int_equal(
        gh_server_keys_open(fixture->keys_folder, "riverside", true, &fixture->keys, NULL), GH_OK);
    assert_int_equal(gh_private_key_public(fixture->keys.list, &fixture->list_key), GH_OK);
    open_snapshots(fixture);
    *state = fixture;
    return 0;
}

static int remove_one(const char *path, const struct stat *info, int type, struct FTW *ftw)
{
    (void)info, (void)type, (void)ftw;
    return remove(path);
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    gh_snapshots_free(fixture->snapshots);
    gh_public_key_free(fixture->list_key);
    gh_server_keys_close(&fixture->keys);
    gh_db_close(fixture->db);
    assert_int_equal(nftw(fixture->folder, remove_one, 16, FTW_DEPTH | FTW_PHYS), 0);
    free(fixture);
    return 0;
}

static bool keep_id(void *context, const struct gh_db_person *person)
{
    *(gh_id *)context = person->id;
    return true;
}

static gh_id add_person(struct fixture *fixture, const char *ref, enum gh_colour colour)
{
    gh_id id = 0;
    enum gh_db_change change;
    assert_int_equal(gh_db_import_begin(fixture->db), GH_OK);
    assert_int_equal(gh_db_import_put(fixture->db, ref, "Name", colour, &change), GH_OK);
    assert_int_equal(gh_db_import_end(fixture->db, true), GH_OK);
    assert_int_equal(gh_db_people_read(fixture->db, ref, 0, 1, keep_id, &id), GH_OK);
    return id;
}

/* The manifest, verified. */
static struct gh_manifest read_manifest(struct fixture *fixture)
{
    static struct gh_manifest manifest;
    struct gh_bytes bytes;
    struct gh_error err = {0};
    if (gh_snapshots_manifest(fixture->snapshots, &bytes, &err) != GH_OK ||
        gh_manifest_read(fixture->list_key, bytes, &manifest, &err) != GH_OK)
        fail_msg("%s", err.text);
    return manifest;
}

static void snapshot_name(const struct gh_manifest *manifest, char out[65])
{
    gh_hex_encode(manifest->snapshot_sha256, GH_SHA256_BYTES, out);
}

/* What a gate does: fetch both, build its list, open it. */
static struct gh_list *build_list(struct fixture *fixture)
{
    struct gh_manifest manifest = read_manifest(fixture);
    struct gh_bytes bytes;
    struct gh_list *list = NULL;
    char name[65];
    int fd;
    uint64_t size;
    uint8_t *copy = malloc(GH_MANIFEST_MAX_BYTES), *data = NULL;
    struct gh_error err = {0};
    assert_int_equal(gh_snapshots_manifest(fixture->snapshots, &bytes, NULL), GH_OK);
    assert_non_null(copy);
    memcpy(copy, bytes.data, bytes.size);
    bytes.data = copy;
    snapshot_name(&manifest, name);
    assert_int_equal(gh_snapshots_open(fixture->snapshots, name, &fd, &size), GH_OK);
    assert_int_equal(size, manifest.snapshot_bytes);
    data = malloc(size + 1);
    assert_int_equal(read(fd, data, size + 1), size);
    close(fd);
    if (gh_list_build(fixture->list, fixture->list_key, bytes, (struct gh_bytes){data, size},
                      &err) != GH_OK ||
        gh_list_open(fixture->list, fixture->list_key, &list, &err) != GH_OK)
        fail_msg("%s", err.text);
    free(copy);
    free(data);
    return list;
}

static size_t files_in(const char *path)
{
    DIR *folder = opendir(path);
    size_t count = 0;
    assert_non_null(folder);
    for (struct dirent *entry; (entry = readdir(folder)) != NULL;)
        count += entry->d_name[0] != '.';
    closedir(folder);
    return count;
}

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
    struct gh_trust *trust;
    assert_int_equal(gh_trust_new(manifest.keys, manifest.key_count, &trust), GH_OK);
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
        gh_snapshots_free(fixture->snapshots);
        gh_db_close(fixture->db);
        assert_int_equal(gh_db_open(fixture->database, &fixture->db, NULL), GH_OK);
        open_snapshots(fixture);
        assert_int_equal(read_manifest(fixture).generation, last);
    }
}

static void test_another_policy(void **state)
{
    struct fixture *fixture = *state;
    struct gh_policy policy = gh_policy_initial();
    uint64_t generation = read_manifest(fixture).generation;
    assert_int_equal(gh_snapshots_set_policy(fixture->snapshots, &policy), GH_OK);
    assert_int_equal(read_manifest(fixture).generation, generation);
    policy.home_rule = GH_HOME_NONE;
    assert_int_equal(gh_snapshots_set_policy(fixture->snapshots, &policy), GH_OK);
    struct gh_manifest manifest = read_manifest(fixture);
    assert_int_equal(manifest.generation, generation + 1);
    assert_int_equal(manifest.policy.home_rule, GH_HOME_NONE);
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
        struct gh_manifest manifest = read_manifest(fixture);
        snapshot_name(&manifest, names[i]);
        /* the order of their making, whatever the file system's clock */
        char path[PATH_MAX];
        snprintf(path, sizeof(path), "%s/%s", fixture->lists, names[i]);
        const struct timespec made[2] = {{.tv_sec = 1000 + i}, {.tv_sec = 1000 + i}};
        assert_int_equal(utimensat(AT_FDCWD, path, made, 0), 0);
    }
    assert_int_equal(files_in(fixture->lists), 4);
    for (int i = 4; i < 8; i++) {
        assert_int_equal(gh_snapshots_open(fixture->snapshots, names[i], &fd, &size), GH_OK);
        close(fd);
    }
    assert_int_equal(gh_snapshots_open(fixture->snapshots, names[0], &fd, &size), GH_ERR_NOTFOUND);
}

/* A generation stands for one content: one whose snapshot is gone is not built a second time. */
static void test_a_lost_snapshot(void **state)
{
    struct fixture *fixture = *state;
    struct gh_manifest before = read_manifest(fixture);
    char name[65], path[192];
    snapshot_name(&before, name);
    snprintf(path, sizeof(path), "%s/%s", fixture->lists, name);
    assert_int_equal(unlink(path), 0);
    forward(fixture, GH_MANIFEST_FRESH_S);
    struct gh_manifest after = read_manifest(fixture);
    assert_true(after.generation > before.generation);
    gh_list_close(build_list(fixture));
}

static void test_a_damaged_snapshot(void **state)
{
    struct fixture *fixture = *state;
    struct gh_manifest before = read_manifest(fixture);
    char name[65], path[192];
    snapshot_name(&before, name);
    snprintf(path, sizeof(path), "%s/%s", fixture->lists, name);
    assert_int_equal(gh_file_replace(path, 0600, "cut", 3, NULL), GH_OK);
    forward(fixture, GH_MANIFEST_FRESH_S);
    assert_true(read_manifest(fixture).generation > before.generation);
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
        assert_int_equal(gh_snapshots_open(fixture->snapshots, bad[i], &fd, &size),
                         GH_ERR_NOTFOUND);
    name[0] = name[0] == 'a' ? 'A' : 'Z';
    assert_int_equal(gh_snapshots_open(fixture->snapshots, name, &fd, &size), GH_ERR_NOTFOUND);
}

/* No room (or no folder): an error, and afterwards all is well again. */
static void test_it_cannot_be_written(void **state)
{
    struct fixture *fixture = *state;
    struct gh_bytes bytes;
    char away[128];
    snprintf(away, sizeof(away), "%s/away", fixture->folder);
    uint64_t generation = read_manifest(fixture).generation;
    add_person(fixture, "1", GH_COLOUR_GREEN);
    assert_int_equal(rename(fixture->lists, away), 0);
    assert_int_not_equal(gh_snapshots_manifest(fixture->snapshots, &bytes, NULL), GH_OK);
    assert_int_equal(rename(away, fixture->lists), 0);
    assert_int_equal(read_manifest(fixture).generation, generation + 1);
}

/* --- keys --- */

static void test_keys_are_kept_and_private(void **state)
{
    struct fixture *fixture = *state;
    struct gh_server_keys again;
    struct stat info;
    char path[192];
    static const char *const names[] = {"list.pem", "health.pem", "housing.pem"};
    for (size_t i = 0; i < GH_ARRAY_SIZE(names); i++) {
        snprintf(path, sizeof(path), "%s/%s", fixture->keys_folder, names[i]);
        assert_int_equal(stat(path, &info), 0);
        assert_int_equal(info.st_mode & 0777, 0600);
    }
    assert_int_equal(gh_server_keys_open(fixture->keys_folder, "riverside", false, &again, NULL),
                     GH_OK);
    assert_memory_equal(again.list_raw, fixture->keys.list_raw, sizeof(again.list_raw));
    assert_memory_equal(again.issuers[0].raw, fixture->keys.issuers[0].raw, 32);
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
    assert_int_equal(gh_server_keys_open(fixture->keys_folder, "riverside", false, &again, &err),
                     GH_ERR_NOTFOUND);
    assert_non_null(strstr(err.text, "housing.pem"));
    assert_int_not_equal(access(path, F_OK), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_an_empty_list),
        TEST(test_what_the_manifest_says),
        TEST(test_everything_in_it),
        TEST(test_signed_anew_when_old),
        TEST(test_a_clock_set_back),
        TEST(test_a_clock_that_was_far_ahead),
        TEST(test_generations_never_go_back),
        TEST(test_another_policy),
        TEST(test_old_snapshots_go),
        TEST(test_a_lost_snapshot),
        TEST(test_a_damaged_snapshot),
        TEST(test_names_are_names),
        TEST(test_it_cannot_be_written),
        TEST(test_keys_are_kept_and_private),
        TEST(test_a_lost_key_is_not_replaced),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
