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

/* --- pruning ---------------------------------------------------------------------------------- */

static inline void append_of(struct gh_journal *journal, enum gh_entry_type type, int64_t wall_ms,
                             bool trusted)
{
    struct gh_entry entry = sample();
    struct gh_error err = {0};
    entry.type = type;
    entry.wall_ms = wall_ms;
    entry.clock_trusted = trusted;
    if (type != GH_ENTRY_PASSAGE) {
        entry.kind = GH_KIND_UNKNOWN;
        entry.subject = 0;
    }
    entry.door = GH_DOOR_EVENT_PASSED;
    entry.trouble = GH_LIST_TROUBLE_ROLLBACK;
    if (gh_journal_append(journal, &entry, &err) != GH_OK) {
        fail_msg("%s", err.text);
    }
}

struct seeking {
    uint64_t sequence;
    size_t size;
    uint8_t hash[GH_SHA256_BYTES];
};

static inline bool seek_one(void *context, uint64_t sequence, struct gh_bytes canonical)
{
    struct seeking *seeking = (struct seeking *)context;
    seeking->sequence = sequence;
    seeking->size = canonical.size;
    gh_entry_hash(canonical, seeking->hash);
    return false;
}

/* The first entry from this number on. */
static inline struct seeking seek(struct gh_journal *journal, uint64_t sequence)
{
    struct seeking seeking = {0};
    assert_int_equal(gh_journal_read(journal, sequence - 1, 1, seek_one, &seeking), GH_OK);
    return seeking;
}

/* A server's word for an entry that is there with its content. */
static inline struct gh_receipt receipt_for(struct gh_journal *journal, uint64_t through,
                                            const struct gh_private_key *list_key)
{
    struct gh_receipt receipt = {.through = through};
    struct seeking found = seek(journal, through);
    assert_int_equal(found.sequence, through);
    assert_true(found.size > 0);
    memcpy(receipt.hash, found.hash, GH_SHA256_BYTES);
    assert_int_equal(gh_receipt_sign(list_key, sample().gate, &receipt), GH_OK);
    return receipt;
}

static inline struct gh_entry prune_entry(int64_t wall_ms)
{
    return (struct gh_entry){
        .type = GH_ENTRY_PRUNE, .gate = sample().gate, .wall_ms = wall_ms, .clock_trusted = true};
}

/* How many were removed. */
static inline uint64_t prune(struct gh_journal *journal, const struct gh_journal_cut *cut,
                             int64_t wall_ms, bool *more)
{
    struct gh_entry entry = prune_entry(wall_ms);
    struct gh_error err = {0};
    uint64_t removed = 99;
    bool again;
    if (gh_journal_prune(journal, cut, &entry, &removed, more != NULL ? more : &again, &err) !=
        GH_OK) {
        fail_msg("%s", err.text);
    }
    return removed;
}

/* With the receipt looked at. */
static inline enum gh_status verify_with(struct gh_journal *journal,
                                         const struct gh_private_key *list_key, uint64_t *bad)
{
    struct gh_public_key *key;
    assert_int_equal(gh_private_key_public(list_key, &key), GH_OK);
    const struct gh_public_key *const keys[] = {key};
    enum gh_status status = gh_journal_verify(journal, keys, 1, bad);
    gh_public_key_free(key);
    return status;
}

static inline int make_place(void **state)
{
    return make_place_of(state, "/tmp/gatehouse journal?#XXXXXX", "journal%41.db");
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, make_place, remove_place)

#endif
