/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "gatehouse/file.h"
#include "journal_fixture.h"

static void verify_finds(const struct place *place, const char *sql, uint64_t expected)
{
    uint8_t *data;
    size_t size;
    assert_int_equal(gh_file_read(place->path, 1 << 24, &data, &size, NULL), GH_OK);
    change(place, sql);
    struct gh_journal *reader = open_reader(place);
    uint64_t bad = 0;
    enum gh_status status = gh_journal_verify(reader, NULL, 0, &bad);
    if (status != GH_ERR_CORRUPT || bad != expected) {
        fail_msg("%s: %s at %llu", sql, gh_status_text(status), (unsigned long long)bad);
    }
    gh_journal_close(reader);
    FILE *file = fopen(place->path, "wb");
    assert_int_equal(fwrite(data, 1, size, file), size);
    fclose(file);
    free(data);
}

static void tampering_is_found(void **state)
{
    const struct place *place = *state;
    struct gh_journal *journal = open_journal(place);
    append(journal, 10);
    gh_journal_close(journal);
    assert_whole(place, 10);
    verify_finds(place, "UPDATE entry SET body = replace(body, 'open', 'deny') WHERE sequence = 4",
                 4);
    verify_finds(place, "UPDATE entry SET hash = zeroblob(32) WHERE sequence = 5", 5);
    verify_finds(place, "UPDATE entry SET hash = zeroblob(0) WHERE sequence = 10", 10);
    verify_finds(place, "DELETE FROM entry WHERE sequence = 1", 1);
    verify_finds(place, "DELETE FROM entry WHERE sequence = 6", 6);
    verify_finds(place, "DELETE FROM entry WHERE sequence < 6", 1);
    verify_finds(place, "UPDATE entry SET sequence = 12 WHERE sequence = 10", 10);
    verify_finds(place,
                 "INSERT INTO entry(sequence, body, hash) SELECT 11, body, hash FROM entry WHERE "
                 "sequence = 10",
                 11);
    verify_finds(place,
                 "INSERT INTO entry(sequence, body, hash) SELECT 0, body, hash FROM entry WHERE "
                 "sequence = 1",
                 1);
    verify_finds(place,
                 "INSERT INTO entry(sequence, body, hash) SELECT -7, body, hash FROM entry WHERE "
                 "sequence = 1",
                 1);
    verify_finds(place, "INSERT INTO entry(sequence, body, hash) VALUES (11, '', x'')", 11);
    verify_finds(place, "UPDATE entry SET body = x'00ff' WHERE sequence = 3", 3);
    assert_whole(place, 10);
}

/* ,"type":"passage","v":1} becomes ,"v":1,"type":"passage"} */
static void swap_last_members(char *text)
{
    char *at = strstr(text, ",\"type\":\"passage\",\"v\":1}");
    assert_non_null(at);
    memcpy(at, ",\"v\":1,\"type\":\"passage\"}", strlen(at));
}

/* Whoever alters an entry and its hash has to alter every one behind it. */
static void a_well_made_forgery_breaks_the_link(void **state)
{
    const struct place *place = *state;
    struct gh_journal *journal = open_journal(place);
    struct gh_entry entry = sample();
    append(journal, 2);
    assert_int_equal(gh_journal_append(journal, &entry, NULL), GH_OK);
    append(journal, 2);
    gh_journal_close(journal);
    char text[GH_ENTRY_MAX_BYTES], hex[2 * GH_SHA256_BYTES + 1], sql[2 * GH_ENTRY_MAX_BYTES];
    uint8_t hash[GH_SHA256_BYTES];
    entry.outcome = GH_OUTCOME_DENY;
    size_t size = gh_entry_format(&entry, text);
    gh_entry_hash((struct gh_bytes){(const uint8_t *)text, size}, hash);
    gh_hex_encode(hash, sizeof(hash), hex);
    snprintf(sql, sizeof(sql), "UPDATE entry SET body = '%s', hash = x'%s' WHERE sequence = 3",
             text, hex);
    verify_finds(place, sql, 4);
    /* With the right hash of the wrong bytes: white space within, white space behind, members in
     * another order, another number. */
    entry.outcome = GH_OUTCOME_OPEN;
    for (int i = 0; i < 4; i++) {
        size = gh_entry_format(&entry, text);
        if (i == 0) {
            memmove(text + 2, text + 1, size);
            text[1] = ' ';
        } else if (i == 1) {
            strcat(text, " ");
        } else if (i == 2) {
            swap_last_members(text);
        } else {
            entry.sequence = 4;
            gh_entry_format(&entry, text);
        }
        gh_entry_hash((struct gh_bytes){(const uint8_t *)text, strlen(text)}, hash);
        gh_hex_encode(hash, sizeof(hash), hex);
        snprintf(sql, sizeof(sql), "UPDATE entry SET body = '%s', hash = x'%s' WHERE sequence = 3",
                 text, hex);
        verify_finds(place, sql, 3);
    }
}

/* A writer does not go on behind an end that is not sound. */
static void a_broken_end_is_not_continued(void **state)
{
    const struct place *place = *state;
    static const char *const changes[] = {
        "UPDATE entry SET body = replace(body, 'open', 'deny') WHERE sequence = 10",
        "UPDATE entry SET hash = zeroblob(32) WHERE sequence = 10",
        "DELETE FROM entry WHERE sequence = 9",
        "DELETE FROM entry WHERE sequence < 10",
        ("INSERT INTO entry(sequence, body, hash) SELECT 11, body, hash FROM entry"
         " WHERE sequence = 10"),
        "INSERT INTO entry(sequence, body, hash) VALUES (12, '{}', x'')",
    };
    for (size_t i = 0; i < GH_ARRAY_SIZE(changes); i++) {
        struct gh_journal *journal = open_journal(place);
        append(journal, 10);
        gh_journal_close(journal);
        change(place, changes[i]);
        assert_int_equal(status_of_open(place), GH_ERR_CORRUPT);
        assert_int_equal(unlink(place->path), 0);
    }
}

static void what_is_no_journal_is_not_touched(void **state)
{
    const struct place *place = *state;
    static const char text[] = "some other file that is here by a mistake, longer than a header of "
                               "SQLite, which is one hundred bytes";
    FILE *file = fopen(place->path, "wb");
    assert_int_equal(fwrite(text, 1, sizeof(text), file), sizeof(text));
    fclose(file);
    assert_int_equal(status_of_open(place), GH_ERR_CORRUPT);
    assert_int_equal(status_of_reader(place), GH_ERR_CORRUPT);
    uint8_t *data;
    size_t size;
    assert_int_equal(gh_file_read(place->path, 4096, &data, &size, NULL), GH_OK);
    assert_int_equal(size, sizeof(text));
    assert_memory_equal(data, text, size);
    free(data);
    assert_int_equal(unlink(place->path), 0);
    sqlite3 *db; /* a database, but another program's */
    assert_int_equal(sqlite3_open(place->path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "CREATE TABLE entry(sequence, body, hash)", NULL, NULL, NULL),
                     SQLITE_OK);
    sqlite3_close(db);
    assert_int_equal(status_of_open(place), GH_ERR_CORRUPT);
    assert_int_equal(status_of_reader(place), GH_ERR_CORRUPT);
    assert_int_equal(unlink(place->path), 0);
    file = fopen(place->path, "wb"); /* an empty file: killed before the first word */
    fclose(file);
    assert_int_equal(status_of_reader(place), GH_ERR_CORRUPT);
    assert_int_equal(status_of_open(place), GH_OK);
    assert_int_equal(status_of_reader(place), GH_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(tampering_is_found),
        TEST(a_well_made_forgery_breaks_the_link),
        TEST(a_broken_end_is_not_continued),
        TEST(what_is_no_journal_is_not_touched),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
