/* SPDX-License-Identifier: Apache-2.0 */
/* For the tests of the server's lists: a database, keys, a clock in the test's hand, and a gate
 * that reads what is built. */
#ifndef GATEHOUSE_TESTS_SERVER_LISTS_H
#define GATEHOUSE_TESTS_SERVER_LISTS_H

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

static inline int64_t wall(void *context)
{
    return ((struct fixture *)context)->wall_ns;
}

static inline int64_t monotonic(void *context)
{
    return ((struct fixture *)context)->monotonic_ns;
}

static inline void forward(struct fixture *fixture, int64_t seconds)
{
    fixture->wall_ns += seconds * GH_NS_PER_S;
    fixture->monotonic_ns += seconds * GH_NS_PER_S;
}

static inline void open_snapshots(struct fixture *fixture)
{
    const struct gh_policy policy = gh_policy_initial();
    assert_int_equal(gh_snapshots_new(fixture->lists, fixture->db, &fixture->keys, "riverside",
                                      &fixture->clock, &fixture->snapshots, NULL),
                     GH_OK);
    assert_int_equal(gh_snapshots_set_policy(fixture->snapshots, &policy), GH_OK);
}

static inline int set_up(void **state)
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
    fixture->clock =
        (struct gh_clock){.wall_ns = wall, .monotonic_ns = monotonic, .context = fixture};
    assert_int_equal(gh_db_open(fixture->database, &fixture->db, NULL), GH_OK);
    assert_int_equal(gh_server_keys_open(fixture->keys_folder, "riverside", fixture->db,
                                         fixture->wall_ns / GH_NS_PER_S, true, &fixture->keys,
                                         NULL),
                     GH_OK);
    assert_int_equal(gh_private_key_public(fixture->keys.list, &fixture->list_key), GH_OK);
    open_snapshots(fixture);
    *state = fixture;
    return 0;
}

static inline int remove_one(const char *path, const struct stat *info, int type, struct FTW *ftw)
{
    (void)info, (void)type, (void)ftw;
    return remove(path);
}

static inline int tear_down(void **state)
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

static inline bool keep_id(void *context, const struct gh_db_person *person)
{
    *(gh_id *)context = person->id;
    return true;
}

static inline gh_id add_person(struct fixture *fixture, const char *ref, enum gh_colour colour)
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
static inline struct gh_manifest read_manifest(struct fixture *fixture)
{
    static struct gh_manifest manifest;
    struct gh_bytes bytes;
    struct gh_error err = {0};
    if (gh_snapshots_manifest(fixture->snapshots, &bytes, &err) != GH_OK ||
        gh_manifest_read(fixture->list_key, bytes, &manifest, &err) != GH_OK)
        fail_msg("%s", err.text);
    return manifest;
}

static inline void snapshot_name(const struct gh_manifest *manifest, char out[65])
{
    gh_hex_encode(manifest->snapshot_sha256, GH_SHA256_BYTES, out);
}

/* What a gate does: fetch both, build its list, open it. */
static inline struct gh_list *build_list(struct fixture *fixture)
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

static inline size_t files_in(const char *path)
{
    DIR *folder = opendir(path);
    size_t count = 0;
    assert_non_null(folder);
    for (struct dirent *entry; (entry = readdir(folder)) != NULL;)
        count += entry->d_name[0] != '.';
    closedir(folder);
    return count;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

#endif
