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
#include <poll.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "gatehouse/file.h"
#include "server/publish.h"
#include "test_server_follow.h"

struct fixture {
    char folder[64], lists[96], keys_folder[96], database[96];
    struct gh_db *db;
    struct gh_server_keys keys;
    struct gh_public_key *list_key;
    struct gh_clock clock;
    int64_t wall_ns, monotonic_ns;
    struct gh_publisher *publisher;
    struct follower gate; /* one that follows all the time */
    unsigned followers;
};

static inline int64_t wall(void *context)
{
    return ((struct fixture *)context)->wall_ns;
}

static inline int64_t monotonic(void *context)
{
    return ((struct fixture *)context)->monotonic_ns;
}

/* Or back, which only the clock on the wall can. */
static inline void forward(struct fixture *fixture, int64_t seconds)
{
    fixture->wall_ns += seconds * GH_NS_PER_S;
    if (seconds > 0)
        fixture->monotonic_ns += seconds * GH_NS_PER_S;
}

static inline void open_publisher(struct fixture *fixture)
{
    const struct gh_policy policy = gh_policy_initial();
    assert_int_equal(gh_publisher_new(fixture->lists, fixture->db, &fixture->keys, "riverside",
                                      &fixture->clock, &fixture->publisher, NULL),
                     GH_OK);
    assert_int_equal(gh_publisher_set_policy(fixture->publisher, &policy), GH_OK);
}

static inline void close_all(struct fixture *fixture)
{
    gh_publisher_free(fixture->publisher);
    gh_server_keys_close(&fixture->keys);
    gh_db_close(fixture->db);
}

static inline void open_all(struct fixture *fixture, bool create)
{
    assert_int_equal(gh_db_open(fixture->database, &fixture->db, NULL), GH_OK);
    assert_int_equal(gh_server_keys_open(fixture->keys_folder, "riverside", fixture->db,
                                         fixture->wall_ns / GH_NS_PER_S, create, &fixture->keys,
                                         NULL),
                     GH_OK);
    open_publisher(fixture);
}

/* The server as after a crash or a restart. */
static inline void restart(struct fixture *fixture)
{
    close_all(fixture);
    open_all(fixture, false);
}

/* A gate without a list. */
static inline struct follower new_follower(struct fixture *fixture)
{
    struct follower follower = {0};
    snprintf(follower.folder, sizeof(follower.folder), "%s/gate-%u", fixture->folder,
             fixture->followers++);
    return follower;
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
    fixture->wall_ns = INT64_C(1700000000) * GH_NS_PER_S;
    fixture->monotonic_ns = 1000 * GH_NS_PER_S;
    fixture->clock =
        (struct gh_clock){.wall_ns = wall, .monotonic_ns = monotonic, .context = fixture};
    open_all(fixture, true);
    assert_int_equal(gh_private_key_public(fixture->keys.list, &fixture->list_key), GH_OK);
    fixture->gate = new_follower(fixture);
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
    close_all(fixture);
    gh_public_key_free(fixture->list_key);
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

/* By another program. */
static inline void outside(const struct fixture *fixture, const char *sql)
{
    sqlite3 *db;
    assert_int_equal(sqlite3_open(fixture->database, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
}

/* --- what the server says --- */

static inline void deliver(struct fixture *fixture)
{
    struct pollfd ready = {.fd = gh_publisher_fd(fixture->publisher), .events = POLLIN};
    assert_int_equal(poll(&ready, 1, 20000), 1);
    gh_publisher_deliver(fixture->publisher);
}

/* Borrowed until the publisher's next call. *news may be NULL. */
static inline struct gh_bytes answer_for(struct fixture *fixture, const struct gh_generation *have,
                                         bool *news)
{
    struct gh_answer *answer;
    bool is_news;
    enum gh_status status;
    while ((status = gh_publisher_answer(fixture->publisher, have, 0, &answer, &is_news)) ==
           GH_ERR_AGAIN)
        deliver(fixture);
    assert_int_equal(status, GH_OK);
    if (news != NULL)
        *news = is_news;
    return answer->body;
}

/* One step of a gate: ask, take. */
static inline void follow_once(struct fixture *fixture, struct follower *follower)
{
    char path[PATH_MAX], name[65];
    struct gh_manifest *manifest = malloc(sizeof(*manifest));
    assert_non_null(manifest);
    struct gh_bytes body = answer_for(fixture, &follower->have, NULL);
    struct list_answer answer = take_apart(body);
    verify_answer(fixture->list_key, &answer, manifest);
    snapshot_name(manifest, name);
    free(manifest);
    snprintf(path, sizeof(path), "%s/%s", fixture->lists, name);
    follow(follower, fixture->list_key, body, path);
}

/* The newest manifest, verified; lives until the next call. */
static inline struct gh_manifest read_manifest(struct fixture *fixture)
{
    static const struct gh_generation nothing;
    static struct gh_manifest manifest;
    struct list_answer answer = take_apart(answer_for(fixture, &nothing, NULL));
    verify_answer(fixture->list_key, &answer, &manifest);
    return manifest;
}

/* The list as a gate has it that begins now. */
static inline struct gh_list *build_list(struct fixture *fixture)
{
    struct follower *follower = malloc(sizeof(*follower));
    assert_non_null(follower);
    *follower = new_follower(fixture);
    follow_once(fixture, follower);
    struct gh_list *list = open_followed(follower, fixture->list_key);
    free(follower);
    return list;
}

/* What a gate believes that followed all the time is what one believes that begins now. */
static inline void assert_same_list(struct fixture *fixture, struct follower *gate)
{
    uint8_t followed[GH_SHA256_BYTES], begun[GH_SHA256_BYTES];
    struct follower *other = malloc(sizeof(*other));
    assert_non_null(other);
    *other = new_follower(fixture);
    follow_once(fixture, gate);
    follow_once(fixture, other);
    assert_true(gh_generation_same(&gate->have, &other->have));
    digest_of(gate, fixture->list_key, followed);
    digest_of(other, fixture->list_key, begun);
    assert_memory_equal(followed, begun, GH_SHA256_BYTES);
    free(other);
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
