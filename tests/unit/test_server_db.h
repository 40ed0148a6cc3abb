/* SPDX-License-Identifier: Apache-2.0 */
/* For the tests of the server's database: one of their own each. */
#ifndef GATEHOUSE_TESTS_SERVER_DB_H
#define GATEHOUSE_TESTS_SERVER_DB_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "server/db_list.h"

struct fixture {
    char folder[64];
    char path[128];
    struct gh_db *db;
};

static inline int set_up(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));
    assert_non_null(fixture);
    snprintf(fixture->folder, sizeof(fixture->folder), "/tmp/gatehouse-test-XXXXXX");
    assert_non_null(mkdtemp(fixture->folder));
    snprintf(fixture->path, sizeof(fixture->path), "%s/db", fixture->folder);
    assert_int_equal(gh_db_open(fixture->path, &fixture->db, NULL), GH_OK);
    *state = fixture;
    return 0;
}

static inline int tear_down(void **state)
{
    struct fixture *fixture = *state;
    static const char *const endings[] = {"", "-wal", "-shm"};
    char path[160];
    gh_db_close(fixture->db);
    for (size_t i = 0; i < GH_ARRAY_SIZE(endings); i++) {
        snprintf(path, sizeof(path), "%s%s", fixture->path, endings[i]);
        (void)unlink(path);
    }
    assert_int_equal(rmdir(fixture->folder), 0);
    free(fixture);
    return 0;
}

static inline struct gh_db *db_of(void **state)
{
    return ((struct fixture *)*state)->db;
}

static inline void reopen(void **state)
{
    struct fixture *fixture = *state;
    gh_db_close(fixture->db);
    assert_int_equal(gh_db_open(fixture->path, &fixture->db, NULL), GH_OK);
}

static inline uint64_t generation(struct gh_db *db)
{
    struct gh_db_list_state list;
    assert_int_equal(gh_db_list_state(db, &list), GH_OK);
    assert_int_equal(gh_db_generation(db), list.now.number);
    return list.now.number;
}

/* Run statements beside the server's own connection. */
static inline void outside(void **state, const char *sql)
{
    struct fixture *fixture = *state;
    sqlite3 *other;
    assert_int_equal(sqlite3_open(fixture->path, &other), SQLITE_OK);
    assert_int_equal(sqlite3_exec(other, sql, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(other);
}

static inline bool keep_id(void *context, const struct gh_db_person *person)
{
    *(gh_id *)context = person->id;
    return true;
}

static inline gh_id add_person(struct gh_db *db, const char *ref, enum gh_colour colour)
{
    gh_id id = 0;
    enum gh_db_change change;
    assert_int_equal(gh_db_import_begin(db), GH_OK);
    assert_int_equal(gh_db_import_put(db, ref, "name", colour, &change), GH_OK);
    assert_int_equal(change, GH_DB_ADDED);
    assert_int_equal(gh_db_import_end(db, true), GH_OK);
    assert_int_equal(gh_db_people_read(db, ref, 0, 1, keep_id, &id), GH_OK);
    assert_int_not_equal(id, 0);
    return id;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

#endif
