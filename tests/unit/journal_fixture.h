/* SPDX-License-Identifier: Apache-2.0 */
/* Journals to write in and to look into. Include it after cmocka.h. */
#ifndef GATEHOUSE_TESTS_UNIT_JOURNAL_FIXTURE_H
#define GATEHOUSE_TESTS_UNIT_JOURNAL_FIXTURE_H

#include <sqlite3.h>
#include <stdio.h>
#include <string.h>

#include "gatehouse/journal.h"
#include "place_fixture.h"

static inline struct gh_entry sample(void)
{
    struct gh_entry entry = {.type = GH_ENTRY_PASSAGE,
                             .gate = 0xa1,
                             .wall_ms = INT64_C(1583046000000),
                             .outcome = GH_OUTCOME_OPEN,
                             .reason = GH_REASON_OK,
                             .kind = GH_KIND_HEALTH,
                             .subject = 77};
    gh_boot_id(entry.boot_id);
    return entry;
}

static inline struct gh_journal *open_journal(const struct place *place)
{
    struct gh_journal *journal;
    struct gh_error err = {0};
    if (gh_journal_open(place->path, &journal, &err) != GH_OK) {
        fail_msg("%s", err.text);
    }
    return journal;
}

static inline struct gh_journal *open_reader(const struct place *place)
{
    struct gh_journal *journal;
    struct gh_error err = {0};
    if (gh_journal_open_reader(place->path, &journal, &err) != GH_OK) {
        fail_msg("%s", err.text);
    }
    return journal;
}

static inline void append(struct gh_journal *journal, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        struct gh_entry entry = sample();
        struct gh_error err = {0};
        if (gh_journal_append(journal, &entry, &err) != GH_OK) {
            fail_msg("%s", err.text);
        }
    }
}

static inline uint64_t head_of(struct gh_journal *journal)
{
    uint64_t sequence;
    uint8_t hash[GH_SHA256_BYTES];
    assert_int_equal(gh_journal_head(journal, &sequence, hash), GH_OK);
    return sequence;
}

/* The chain is whole and has so many entries. */
static inline void assert_whole(const struct place *place, uint64_t count)
{
    struct gh_journal *reader = open_reader(place);
    uint64_t bad = 99;
    enum gh_status status = gh_journal_verify(reader, NULL, 0, &bad);
    if (status != GH_OK || bad != 0) {
        fail_msg("%s at %llu", gh_status_text(status), (unsigned long long)bad);
    }
    assert_int_equal(head_of(reader), count);
    gh_journal_close(reader);
}

static inline enum gh_status status_of_open(const struct place *place)
{
    struct gh_journal *journal = (struct gh_journal *)1;
    struct gh_error err = {0};
    enum gh_status status = gh_journal_open(place->path, &journal, &err);
    assert_int_equal(err.status, status);
    if (status != GH_OK) {
        assert_null(journal);
        assert_true(strlen(err.text) > 0);
    }
    gh_journal_close(journal);
    return status;
}

static inline enum gh_status status_of_reader(const struct place *place)
{
    struct gh_journal *journal = (struct gh_journal *)1;
    struct gh_error err = {0};
    enum gh_status status = gh_journal_open_reader(place->path, &journal, &err);
    assert_int_equal(err.status, status);
    gh_journal_close(journal);
    return status;
}

static inline void change(const struct place *place, const char *sql)
{
    sqlite3 *db;
    char *message = NULL;
    assert_int_equal(sqlite3_open(place->path, &db), SQLITE_OK);
    if (sqlite3_exec(db, sql, NULL, NULL, &message) != SQLITE_OK) {
        fail_msg("%s: %s", sql, message);
    }
    assert_true(sqlite3_changes(db) > 0);
    sqlite3_close(db);
}

static inline int make_place(void **state)
{
    return make_place_of(state, "/tmp/gatehouse journal?#XXXXXX", "journal%41.db");
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, make_place, remove_place)

#endif
