/* SPDX-License-Identifier: Apache-2.0 */
/* Entries that an older server has left: how far each chain is whole is found out once. */
#include "test_server_chain.h"

#include <sqlite3.h>

#include "server/chain.h"

/* Back to what schema 3 was. */
static const char to_schema_3[] = "DROP TABLE news; DROP TABLE announced; DROP TABLE announcements;"
                                  "DROP TABLE alarms; DROP TABLE husks; DROP TABLE chains;"
                                  "DROP INDEX refused_received_at; DROP INDEX refused_gate;"
                                  "PRAGMA user_version = 3;";

static void upgrade(struct fixture *fixture, const char *before)
{
    sqlite3 *db;
    gh_db_close(fixture->db);
    assert_int_equal(sqlite3_open(fixture->path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, to_schema_3, NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, before, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
    assert_int_equal(gh_db_open(fixture->path, &fixture->db, NULL), GH_OK);
}

static uint64_t breaks_at(struct fixture *fixture)
{
    struct gh_chain_report report;
    const struct gh_receipt_keys keys = {NULL, 0};
    atomic_bool stop = false;
    assert_int_equal(gh_chain_check(fixture->db, GATE, &keys, &stop, &report), GH_OK);
    return report.breaks_at;
}

static void test_a_whole_chain(void **state)
{
    struct fixture *fixture = *state;
    add_gate(fixture->db, 5);
    (void)send(fixture, run_of(fixture, 1, 300));
    upgrade(fixture, "");
    assert_int_equal(count_stored(fixture), 300);
    assert_int_equal(breaks_at(fixture), 0);
    struct outcome outcome = send(fixture, run_of(fixture, 250, 310));
    expect(&outcome, 310, 10, 51, 0);
    assert_true(outcome.result.whole);
    assert_memory_equal(outcome.result.hash, fixture->hash[310], GH_SHA256_BYTES);
}

static void test_a_gate_without_entries(void **state)
{
    struct fixture *fixture = *state;
    upgrade(fixture, "");
    struct outcome outcome = send(fixture, run_of(fixture, 1, 2));
    expect(&outcome, 2, 2, 0, 0);
    assert_true(outcome.result.whole);
}

static void test_a_chain_with_a_hole(void **state)
{
    struct fixture *fixture = *state;
    json_t *entries = run_of(fixture, 1, 5);
    json_array_append_new(entries, json_null());
    (void)send(fixture, entries);
    (void)send(fixture, run_of(fixture, 7, 9));
    upgrade(fixture, "");
    assert_int_equal(gate_now(fixture).alarms, 1); /* as it was counted before */
    assert_int_equal(breaks_at(fixture), 6);
    struct outcome outcome = send(fixture, run_of(fixture, 1, 5));
    assert_true(outcome.result.whole);
    outcome = send(fixture, run_of(fixture, 10, 10));
    expect(&outcome, 10, 1, 0, 0);
    assert_false(outcome.result.whole);
}

static void test_a_chain_whose_beginning_is_missing(void **state)
{
    struct fixture *fixture = *state;
    (void)send(fixture, run_of(fixture, 3, 5));
    upgrade(fixture, "");
    struct outcome outcome = send(fixture, run_of(fixture, 1, 5));
    expect(&outcome, 5, 2, 3, 0);
    assert_true(outcome.result.whole);
}

/* The power fails in the middle of the step: all of it is undone, and done the next time. */
static void test_a_step_is_whole(void **state)
{
    struct fixture *fixture = *state;
    struct gh_db *db;
    sqlite3 *other;
    (void)send(fixture, run_of(fixture, 1, 3));
    gh_db_close(fixture->db);
    fixture->db = NULL;
    assert_int_equal(sqlite3_open(fixture->path, &other), SQLITE_OK);
    assert_int_equal(sqlite3_exec(other, to_schema_3, NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(
        sqlite3_exec(other, "CREATE TABLE chains (in_the_way INTEGER)", NULL, NULL, NULL),
        SQLITE_OK);
    assert_int_not_equal(gh_db_open(fixture->path, &db, NULL), GH_OK);
    assert_int_equal(sqlite3_exec(other, "DROP TABLE chains", NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(other);
    assert_int_equal(gh_db_open(fixture->path, &fixture->db, NULL), GH_OK);
    assert_int_equal(breaks_at(fixture), 0);
    assert_int_equal(count_stored(fixture), 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_a_whole_chain),       TEST(test_a_gate_without_entries),
        TEST(test_a_chain_with_a_hole), TEST(test_a_chain_whose_beginning_is_missing),
        TEST(test_a_step_is_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
