/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <jansson.h>
#include <limits.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "journal_fixture.h"

/* Between SQLite and the kernel: what is synced is counted, and can be made to fail. */
static atomic_uint syncs;
static atomic_bool sync_fails;

static int count_sync(long number, int fd)
{
    atomic_fetch_add(&syncs, 1);
    if (atomic_load(&sync_fails)) {
        errno = EIO;
        return -1;
    }
    return (int)syscall(number, fd);
}

int fsync(int fd)
{
    return count_sync(SYS_fsync, fd);
}

int fdatasync(int fd)
{
    return count_sync(SYS_fdatasync, fd);
}

/* --- appending and reading -------------------------------------------------------------------- */

static void entries_are_chained(void **state)
{
    const struct place *place = *state;
    struct gh_journal *journal = open_journal(place);
    uint64_t sequence = 99;
    uint8_t hash[GH_SHA256_BYTES], expected[GH_SHA256_BYTES] = {0};
    assert_int_equal(gh_journal_head(journal, &sequence, hash), GH_OK);
    assert_int_equal(sequence, 0);
    assert_memory_equal(hash, expected, GH_SHA256_BYTES);
    for (unsigned i = 1; i <= 3; i++) {
        struct gh_entry entry = sample();
        char text[GH_ENTRY_MAX_BYTES];
        memset(entry.previous, 0xee, sizeof(entry.previous)); /* not the caller's to say */
        entry.sequence = 1000;
        assert_int_equal(gh_journal_append(journal, &entry, NULL), GH_OK);
        assert_int_equal(entry.sequence, i);
        assert_memory_equal(entry.previous, expected, GH_SHA256_BYTES);
        size_t size = gh_entry_format(&entry, text);
        gh_entry_hash((struct gh_bytes){(const uint8_t *)text, size}, expected);
        assert_int_equal(gh_journal_head(journal, &sequence, hash), GH_OK);
        assert_int_equal(sequence, i);
        assert_memory_equal(hash, expected, GH_SHA256_BYTES);
    }
    gh_journal_close(journal);
    /* Opened again it goes on where it was. */
    journal = open_journal(place);
    struct gh_entry entry = sample();
    assert_int_equal(gh_journal_append(journal, &entry, NULL), GH_OK);
    assert_int_equal(entry.sequence, 4);
    assert_memory_equal(entry.previous, expected, GH_SHA256_BYTES);
    gh_journal_close(journal);
    gh_journal_close(NULL);
    assert_whole(place, 4);
}

struct collected {
    uint64_t next;
    unsigned count, stop_after;
};

static bool collect(void *context, uint64_t sequence, struct gh_bytes canonical)
{
    struct collected *collected = context;
    struct gh_entry entry;
    assert_int_equal(sequence, collected->next);
    collected->next++;
    json_t *object = json_loadb((const char *)canonical.data, canonical.size, 0, NULL);
    assert_non_null(object);
    assert_int_equal(gh_entry_parse(object, &entry, NULL), GH_OK);
    assert_int_equal(entry.sequence, sequence);
    json_decref(object);
    collected->count++;
    return collected->count != collected->stop_after;
}

static unsigned read_some(struct gh_journal *journal, uint64_t after, unsigned max, unsigned stop)
{
    struct collected collected = {.next = after + 1, .stop_after = stop};
    assert_int_equal(gh_journal_read(journal, after, max, collect, &collected), GH_OK);
    return collected.count;
}

static void entries_are_read_in_order(void **state)
{
    const struct place *place = *state;
    struct gh_journal *journal = open_journal(place);
    struct gh_journal *reader = open_reader(place);
    assert_int_equal(read_some(reader, 0, 10, 0), 0);
    append(journal, 25);
    struct gh_journal *both[] = {journal, reader};
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(read_some(both[i], 0, 100, 0), 25);
        assert_int_equal(read_some(both[i], 0, 10, 0), 10);
        assert_int_equal(read_some(both[i], 20, 10, 0), 5);
        assert_int_equal(read_some(both[i], 24, 10, 0), 1);
        assert_int_equal(read_some(both[i], 25, 10, 0), 0);
        assert_int_equal(read_some(both[i], 1000, 10, 0), 0);
        assert_int_equal(read_some(both[i], 0, 0, 0), 0);
        assert_int_equal(read_some(both[i], 5, 10, 3), 3); /* the callback has had enough */
        assert_int_equal(read_some(both[i], 5, 10, 0), 10);
        struct collected collected = {0};
        assert_int_equal(gh_journal_read(both[i], UINT64_MAX, 10, collect, &collected), GH_OK);
        assert_int_equal(collected.count, 0);
        assert_int_equal(head_of(both[i]), 25);
    }
    append(journal, 1);
    assert_int_equal(head_of(reader), 26);
    assert_int_equal(read_some(reader, 25, 10, 0), 1);
    gh_journal_close(reader);
    gh_journal_close(journal);
}

static void a_reader_cannot_write(void **state)
{
    const struct place *place = *state;
    struct gh_journal *journal = open_journal(place);
    append(journal, 2);
    gh_journal_close(journal);
    struct gh_journal *reader = open_reader(place);
    struct gh_entry entry = sample();
    assert_int_equal(gh_journal_append(reader, &entry, NULL), GH_ERR_READONLY);
    assert_int_equal(entry.sequence, 0);
    gh_journal_close(reader);
    assert_whole(place, 2);
}

static void the_file_is_private_and_durable(void **state)
{
    const struct place *place = *state;
    struct gh_journal *journal = open_journal(place);
    struct stat info;
    append(journal, 1);
    assert_int_equal(stat(place->path, &info), 0);
    assert_int_equal(info.st_mode & 07777, 0600);
    gh_journal_close(journal);
    sqlite3 *db;
    sqlite3_stmt *statement;
    assert_int_equal(sqlite3_open(place->path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db, "PRAGMA journal_mode", -1, &statement, NULL),
                     SQLITE_OK);
    assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
    assert_string_equal((const char *)sqlite3_column_text(statement, 0), "wal");
    sqlite3_finalize(statement);
    sqlite3_close(db);
}

/* Of whatever size its pages are: an earlier version's have 4 KiB. */
static void the_log_stays_small(void **state)
{
    static const char *const pages[] = {"", "PRAGMA page_size = 4096; VACUUM;"};
    const struct place *place = *state;
    for (size_t i = 0; i < GH_ARRAY_SIZE(pages); i++) {
        char log[PATH_MAX + 8], sql[128];
        struct stat info;
        sqlite3 *db;
        gh_journal_close(open_journal(place));
        (void)snprintf(sql, sizeof(sql),
                       "PRAGMA journal_mode = DELETE; %s PRAGMA journal_mode = WAL", pages[i]);
        assert_int_equal(sqlite3_open(place->path, &db), SQLITE_OK);
        assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
        sqlite3_close(db);
        struct gh_journal *journal = open_journal(place);
        append(journal, 700);
        (void)snprintf(log, sizeof(log), "%s-wal", place->path);
        assert_int_equal(stat(log, &info), 0);
        assert_in_range(info.st_size, 1, 600000);
        gh_journal_close(journal);
    }
}

/* Each append is synced before it is acknowledged, and not more than once. */
static void every_append_is_synced(void **state)
{
    const struct place *place = *state;
    struct gh_journal *journal = open_journal(place);
    append(journal, 1);
    for (int i = 0; i < 50; i++) {
        unsigned before = atomic_load(&syncs);
        append(journal, 1);
        assert_int_equal(atomic_load(&syncs) - before, 1);
    }
    gh_journal_close(journal);
}

static void a_failed_sync_is_no_entry(void **state)
{
    const struct place *place = *state;
    struct gh_journal *journal = open_journal(place);
    append(journal, 3);
    atomic_store(&sync_fails, true);
    for (int i = 0; i < 3; i++) {
        struct gh_entry entry = sample();
        assert_int_equal(gh_journal_append(journal, &entry, NULL), GH_ERR_IO);
        assert_int_equal(entry.sequence, 0);
        assert_int_equal(head_of(journal), 3);
    }
    atomic_store(&sync_fails, false);
    assert_whole(place, 3);
    append(journal, 2);
    gh_journal_close(journal);
    assert_whole(place, 5);
}

/* --- the last ones -----------------------------------------------------------------------------
 */

static void append_at(struct gh_journal *journal, int64_t wall_ms, bool trusted)
{
    struct gh_entry entry = sample();
    entry.wall_ms = wall_ms;
    entry.clock_trusted = trusted;
    entry.monotonic_ms = wall_ms / 2;
    assert_int_equal(gh_journal_append(journal, &entry, NULL), GH_OK);
}

/* Writer, a reader beside it, and the journal opened again say the same. */
static void assert_trusted_in(struct gh_journal *journal, int64_t expected)
{
    int64_t wall_ms = 99;
    enum gh_status status = gh_journal_last_trusted(journal, &wall_ms);
    assert_int_equal(status, expected == 0 ? GH_ERR_NOTFOUND : GH_OK);
    assert_true(wall_ms == expected);
}

static struct gh_journal *assert_trusted(const struct place *place, struct gh_journal *journal,
                                         int64_t expected)
{
    struct gh_journal *reader = open_reader(place);
    assert_trusted_in(reader, expected);
    gh_journal_close(reader);
    assert_trusted_in(journal, expected);
    gh_journal_close(journal);
    journal = open_journal(place);
    assert_trusted_in(journal, expected);
    return journal;
}

static void the_newest_trusted_time_is_known(void **state)
{
    const struct place *place = *state;
    struct gh_journal *journal = open_journal(place);
    journal = assert_trusted(place, journal, 0);
    append_at(journal, 100, false);
    journal = assert_trusted(place, journal, 0);
    append_at(journal, 2000, true);
    journal = assert_trusted(place, journal, 2000);
    append_at(journal, 9000, false);
    append_at(journal, 9001, false);
    journal = assert_trusted(place, journal, 2000);
    append_at(journal, 9002, false); /* opened again it goes on */
    journal = assert_trusted(place, journal, 2000);
    append_at(journal, 1500, true); /* the newest, not the greatest */
    journal = assert_trusted(place, journal, 1500);
    gh_journal_close(journal);
    assert_whole(place, 6);
}

/* An entry that was not written is not the newest. */
static void a_failed_append_is_not_trusted(void **state)
{
    const struct place *place = *state;
    struct gh_journal *journal = open_journal(place);
    struct gh_entry entry = sample();
    append_at(journal, 1000, true);
    atomic_store(&sync_fails, true);
    entry.clock_trusted = true;
    assert_int_equal(gh_journal_append(journal, &entry, NULL), GH_ERR_IO);
    atomic_store(&sync_fails, false);
    journal = assert_trusted(place, journal, 1000);
    gh_journal_close(journal);
}

static void the_last_entry_is_read_whole(void **state)
{
    const struct place *place = *state;
    static const struct gh_entry zero;
    struct gh_journal *journal = open_journal(place);
    struct gh_entry last;
    memset(&last, 0xff, sizeof(last));
    assert_int_equal(gh_journal_last(journal, &last), GH_ERR_NOTFOUND);
    assert_memory_equal(&last, &zero, sizeof(last));
    append_at(journal, 1000, false);
    append_at(journal, 3000, true);
    struct gh_journal *reader = open_reader(place);
    struct gh_journal *both[] = {journal, reader};
    for (size_t i = 0; i < 2; i++) {
        struct gh_entry expected = sample();
        assert_int_equal(gh_journal_last(both[i], &last), GH_OK);
        assert_int_equal(last.sequence, 2);
        assert_int_equal(last.wall_ms, 3000);
        assert_int_equal(last.monotonic_ms, 1500);
        assert_true(last.clock_trusted);
        assert_string_equal(last.boot_id, expected.boot_id);
        assert_int_equal(last.subject, 77);
    }
    gh_journal_close(reader);
    gh_journal_close(journal);
}

/* A journal that a version without the column wrote. */
static void make_old(const struct place *place)
{
    char sql[4 * GH_ENTRY_MAX_BYTES];
    sqlite3 *db;
    assert_int_equal(sqlite3_open(place->path, &db), SQLITE_OK);
    snprintf(sql, sizeof(sql),
             "BEGIN; CREATE TABLE old(sequence INTEGER PRIMARY KEY, body TEXT NOT NULL,"
             " hash BLOB NOT NULL); INSERT INTO old SELECT sequence, body, hash FROM entry;"
             "DROP TABLE entry; ALTER TABLE old RENAME TO entry; COMMIT;");
    char *message = NULL;
    if (sqlite3_exec(db, sql, NULL, NULL, &message) != SQLITE_OK) {
        fail_msg("%s", message);
    }
    sqlite3_close(db);
}

static void an_earlier_version_s_journal_goes_on(void **state)
{
    const struct place *place = *state;
    struct gh_journal *journal = open_journal(place);
    append_at(journal, 1000, true);
    append_at(journal, 2000, false);
    gh_journal_close(journal);
    make_old(place);
    struct gh_journal *reader = open_reader(place); /* also before a writer came */
    assert_trusted_in(reader, 1000);
    gh_journal_close(reader);
    journal = open_journal(place);
    journal = assert_trusted(place, journal, 1000);
    append_at(journal, 3000, false);
    journal = assert_trusted(place, journal, 1000);
    gh_journal_close(journal);
    assert_whole(place, 3);
    /* And that version goes on with ours: it leaves the column empty. */
    change(place, "UPDATE entry SET trusted = NULL WHERE sequence = 3");
    journal = assert_trusted(place, open_journal(place), 1000);
    gh_journal_close(journal);
}

/* Of an old journal only the last thousand entries are looked through; with the column it is exact,
 * and no row between is read. */
static void looking_back_ends(void **state)
{
    const struct place *place = *state;
    struct gh_journal *journal = open_journal(place);
    append_at(journal, 1000, true);
    for (int i = 0; i < 999; i++) {
        append_at(journal, 5000, false);
    }
    gh_journal_close(journal);
    make_old(place);
    struct gh_journal *reader = open_reader(place);
    assert_trusted_in(reader, 1000);
    gh_journal_close(reader);
    journal = open_journal(place);
    append_at(journal, 5000, false);
    gh_journal_close(journal);
    journal = assert_trusted(place, open_journal(place), 1000);
    gh_journal_close(journal);
    make_old(place);
    reader = open_reader(place);
    assert_trusted_in(reader, 0);
    gh_journal_close(reader);
}

static void what_points_elsewhere_is_not_believed(void **state)
{
    const struct place *place = *state;
    static const struct {
        const char *change;
        enum gh_status status;
        int64_t wall_ms;
    } cases[] = {
        {"UPDATE entry SET trusted = 99 WHERE sequence = 3", GH_OK,
         1000}, /* not said: looked for */
        {"UPDATE entry SET trusted = -1 WHERE sequence = 3", GH_OK, 1000},
        {"UPDATE entry SET trusted = 'x' WHERE sequence = 3", GH_OK, 1000},
        {"UPDATE entry SET trusted = 3 WHERE sequence = 3", GH_OK, 1000},
        {"UPDATE entry SET trusted = 2 WHERE sequence = 3", GH_ERR_CORRUPT, 0},
        {"UPDATE entry SET body = replace(body, '1000', '9000') WHERE sequence = 1", GH_ERR_CORRUPT,
         0},
        {"DELETE FROM entry WHERE sequence = 1", GH_ERR_CORRUPT, 0},
    };
    for (size_t i = 0; i < GH_ARRAY_SIZE(cases); i++) {
        struct gh_journal *journal = open_journal(place);
        append_at(journal, 1000, true);
        append_at(journal, 2000, false);
        append_at(journal, 3000, false);
        gh_journal_close(journal);
        change(place, cases[i].change);
        struct gh_journal *reader = open_reader(place);
        int64_t wall_ms = 99;
        enum gh_status status = gh_journal_last_trusted(reader, &wall_ms);
        if (status != cases[i].status || wall_ms != cases[i].wall_ms) {
            fail_msg("%s: %s, %lld", cases[i].change, gh_status_text(status), (long long)wall_ms);
        }
        gh_journal_close(reader);
        assert_int_equal(unlink(place->path), 0);
    }
}

/* An entry of a type that this version does not know is not taken for another. */
static void a_later_version_s_entry_is_said(void **state)
{
    const struct place *place = *state;
    struct gh_journal *journal = open_journal(place);
    struct gh_entry entry = sample();
    char text[GH_ENTRY_MAX_BYTES], hex[2 * GH_SHA256_BYTES + 1], sql[2 * GH_ENTRY_MAX_BYTES];
    uint8_t hash[GH_SHA256_BYTES];
    entry.clock_trusted = true;
    assert_int_equal(gh_journal_append(journal, &entry, NULL), GH_OK);
    gh_journal_close(journal);
    size_t size = gh_entry_format(&entry, text);
    memcpy(strstr(text, "\"passage\""), "\"weather\"", 9);
    gh_entry_hash((struct gh_bytes){(const uint8_t *)text, size}, hash);
    gh_hex_encode(hash, sizeof(hash), hex);
    snprintf(sql, sizeof(sql), "UPDATE entry SET body = '%s', hash = x'%s' WHERE sequence = 1",
             text, hex);
    change(place, sql);
    journal = open_journal(place); /* it is a whole link of the chain */
    struct gh_entry last;
    int64_t wall_ms;
    assert_int_equal(gh_journal_last(journal, &last), GH_ERR_UNSUPPORTED);
    assert_int_equal(last.sequence, 0);
    assert_int_equal(gh_journal_last_trusted(journal, &wall_ms), GH_ERR_UNSUPPORTED);
    append(journal, 1);
    assert_int_equal(gh_journal_last(journal, &last), GH_OK);
    gh_journal_close(journal);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(entries_are_chained),
        TEST(entries_are_read_in_order),
        TEST(a_reader_cannot_write),
        TEST(the_file_is_private_and_durable),
        TEST(the_log_stays_small),
        TEST(every_append_is_synced),
        TEST(a_failed_sync_is_no_entry),
        TEST(the_newest_trusted_time_is_known),
        TEST(a_failed_append_is_not_trusted),
        TEST(the_last_entry_is_read_whole),
        TEST(an_earlier_version_s_journal_goes_on),
        TEST(looking_back_ends),
        TEST(what_points_elsewhere_is_not_believed),
        TEST(a_later_version_s_entry_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
