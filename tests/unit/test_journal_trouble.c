/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "gatehouse/file.h"
#include "journal_fixture.h"
#include "journal_watch.h"

/* --- one writer ------------------------------------------------------------------------------- */

static void a_second_writer_is_busy_at_once(void **state)
{
    const struct place *place = *state;
    struct gh_journal *journal = open_journal(place);
    struct timespec before, after;
    append(journal, 1);
    clock_gettime(CLOCK_MONOTONIC, &before);
    assert_int_equal(status_of_open(place), GH_ERR_BUSY); /* in this process */
    pid_t child = fork();                                 /* and in another */
    assert_int_not_equal(child, -1);
    if (child == 0) {
        struct gh_journal *second;
        _exit(gh_journal_open(place->path, &second, NULL) == GH_ERR_BUSY ? 7 : 1);
    }
    int result;
    assert_int_equal(waitpid(child, &result, 0), child);
    clock_gettime(CLOCK_MONOTONIC, &after);
    assert_true(WIFEXITED(result));
    assert_int_equal(WEXITSTATUS(result), 7);
    assert_true(after.tv_sec - before.tv_sec < 3);
    append(journal, 1); /* the first one is not disturbed */
    gh_journal_close(journal);
    journal = open_journal(place);
    append(journal, 1);
    gh_journal_close(journal);
    assert_whole(place, 3);
}

/* Another tool wrote behind our back: the number is taken, the chain does not fork. */
static void a_stranger_s_entry_is_not_overwritten(void **state)
{
    const struct place *place = *state;
    struct gh_journal *journal = open_journal(place);
    sqlite3 *db;
    append(journal, 2);
    assert_int_equal(sqlite3_open(place->path, &db), SQLITE_OK);
    assert_int_equal(
        sqlite3_exec(db, "INSERT INTO entry(sequence, body, hash) VALUES (3, 'mine', x'00')", NULL,
                     NULL, NULL),
        SQLITE_OK);
    struct gh_entry entry = sample();
    assert_int_equal(gh_journal_append(journal, &entry, NULL), GH_ERR_BUSY);
    assert_int_equal(entry.sequence, 0);
    assert_int_equal(head_of(journal), 2);
    assert_int_equal(sqlite3_exec(db, "DELETE FROM entry WHERE sequence = 3", NULL, NULL, NULL),
                     SQLITE_OK);
    sqlite3_close(db);
    append(journal, 1);
    gh_journal_close(journal);
    assert_whole(place, 3);
}

static void a_foreign_lock_is_busy_then_over(void **state)
{
    const struct place *place = *state;
    struct gh_journal *journal = open_journal(place);
    sqlite3 *db;
    append(journal, 1);
    assert_int_equal(sqlite3_open(place->path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
    struct gh_entry entry = sample();
    assert_int_equal(gh_journal_append(journal, &entry, NULL), GH_ERR_BUSY);
    assert_int_equal(head_of(journal), 1);
    sqlite3_close(db);
    append(journal, 1);
    gh_journal_close(journal);
    assert_whole(place, 2);
}

static void readers_see_a_whole_chain_while_it_grows(void **state)
{
    const struct place *place = *state;
    struct watching watching;
    struct gh_journal *journal = open_journal(place);
    append(journal, 1);
    start_watching(&watching, place);
    append(journal, 1200); /* over more than one checkpoint */
    stop_watching(&watching);
    gh_journal_close(journal);
    assert_whole(place, 1201);
}

/* --- power cuts ------------------------------------------------------------------------------- */

/* Killed at any moment while it appends and says what it has appended: all that was said is there,
 * and at most the one entry more that was written but not yet said. */
static void nothing_acknowledged_is_lost_by_a_kill(void **state)
{
    const struct place *place = *state;
    uint64_t known = 0;
    unsigned progress = 0;
    for (int round = 0; round < 25; round++) {
        int said[2];
        assert_int_equal(pipe(said), 0);
        pid_t child = fork();
        assert_int_not_equal(child, -1);
        if (child == 0) {
            struct gh_journal *journal;
            if (gh_journal_open(place->path, &journal, NULL) != GH_OK) {
                _exit(1);
            }
            for (;;) {
                struct gh_entry entry = sample();
                if (gh_journal_append(journal, &entry, NULL) != GH_OK ||
                    write(said[1], &entry.sequence, sizeof(entry.sequence)) !=
                        sizeof(entry.sequence)) {
                    _exit(2);
                }
            }
        }
        close(said[1]);
        uint64_t last = known, sequence;
        for (int i = 0; i < 3 + 17 * round; i++) { /* at another point in the WAL each time */
            if (read(said[0], &sequence, sizeof(sequence)) != sizeof(sequence)) {
                break;
            }
            assert_int_equal(sequence, last + 1);
            last = sequence;
        }
        kill(child, SIGKILL);
        int result;
        assert_int_equal(waitpid(child, &result, 0), child);
        assert_true(WIFSIGNALED(result));
        while (read(said[0], &sequence, sizeof(sequence)) == sizeof(sequence)) {
            assert_int_equal(sequence, last + 1);
            last = sequence;
        }
        close(said[0]);
        struct gh_journal *journal = open_journal(place);
        uint64_t head = head_of(journal), bad;
        assert_true(head == last || head == last + 1);
        assert_int_equal(gh_journal_verify(journal, NULL, 0, &bad), GH_OK);
        gh_journal_close(journal);
        progress += head > known ? 1 : 0;
        known = head;
    }
    assert_int_equal(progress, 25);
    assert_whole(place, known);
}

/* The WAL cut off at any byte, as by a power cut: what is left is a whole chain. */
static void a_cut_wal_leaves_a_whole_chain(void **state)
{
    const struct place *place = *state;
    struct gh_journal *journal = open_journal(place);
    char wal[160], shm[160];
    uint8_t *main_data, *wal_data;
    size_t main_size, wal_size;
    append(journal, 12);
    snprintf(wal, sizeof(wal), "%s-wal", place->path);
    snprintf(shm, sizeof(shm), "%s-shm", place->path);
    assert_int_equal(gh_file_read(place->path, 1 << 24, &main_data, &main_size, NULL), GH_OK);
    assert_int_equal(gh_file_read(wal, 1 << 24, &wal_data, &wal_size, NULL), GH_OK);
    gh_journal_close(journal);
    assert_true(wal_size > 12 * 1024);
    uint64_t last = 0;
    for (size_t cut = 0; cut <= wal_size; cut += 251) {
        size_t size = cut + 251 > wal_size ? wal_size : cut;
        FILE *file = fopen(place->path, "wb");
        assert_int_equal(fwrite(main_data, 1, main_size, file), main_size);
        fclose(file);
        file = fopen(wal, "wb");
        assert_int_equal(fwrite(wal_data, 1, size, file), size);
        fclose(file);
        unlink(shm);
        journal = open_journal(place);
        uint64_t bad, head = head_of(journal);
        assert_int_equal(gh_journal_verify(journal, NULL, 0, &bad), GH_OK);
        assert_true(head >= last);
        last = head;
        append(journal, 1); /* and it goes on */
        gh_journal_close(journal);
        assert_whole(place, head + 1);
    }
    assert_int_equal(last, 12);
    free(main_data);
    free(wal_data);
}

/* --- disks ------------------------------------------------------------------------------------ */

/* Append until it fails; how often it worked. */
static unsigned append_until(struct gh_journal *journal, enum gh_status expected)
{
    for (unsigned count = 0; count < 100000; count++) {
        struct gh_entry entry = sample(), before = sample();
        struct gh_error err = {0};
        uint64_t head = head_of(journal);
        enum gh_status status = gh_journal_append(journal, &entry, &err);
        if (status != GH_OK) {
            assert_int_equal(status, expected);
            assert_int_equal(err.status, expected);
            assert_int_equal(head_of(journal), head);
            assert_int_equal(entry.sequence, before.sequence);
            return count;
        }
    }
    fail_msg("it never failed");
    return 0;
}

static void a_full_disk_is_said_and_got_over(void **state)
{
    const struct place *place = *state;
    char filler_path[160];
    if (!mount_small(place, "size=1m")) {
        print_message("no small file system may be mounted here\n");
        skip();
    }
    struct gh_journal *journal = open_journal(place);
    append(journal, 10);
    snprintf(filler_path, sizeof(filler_path), "%s/filler", place->folder);
    FILE *filler = fopen(filler_path, "wb");
    assert_non_null(filler);
    setbuf(filler, NULL);
    static const char block[4096];
    while (fwrite(block, sizeof(block), 1, filler) == 1) {
    }
    uint64_t head = 10 + append_until(journal, GH_ERR_NOSPACE);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(append_until(journal, GH_ERR_NOSPACE), 0);
    }
    assert_int_equal(head_of(journal), head);
    assert_whole(place, head);
    assert_int_equal(ftruncate(fileno(filler), 0), 0);
    append(journal, 20); /* room again: the same journal goes on */
    assert_whole(place, head + 20);
    gh_journal_close(journal);
    fclose(filler);
    assert_int_equal(unlink(filler_path), 0);
    journal = open_journal(place);
    assert_int_equal(head_of(journal), head + 20);
    gh_journal_close(journal);
    assert_whole(place, head + 20);
    assert_int_equal(umount(place->folder), 0);
}

static void a_full_disk_at_the_start_is_said(void **state)
{
    const struct place *place = *state;
    if (!mount_small(place, "size=64k")) {
        print_message("no small file system may be mounted here\n");
        skip();
    }
    char filler_path[160];
    snprintf(filler_path, sizeof(filler_path), "%s/filler", place->folder);
    FILE *filler = fopen(filler_path, "wb");
    static const char block[4096];
    setbuf(filler, NULL);
    while (fwrite(block, sizeof(block), 1, filler) == 1) {
    }
    assert_int_equal(status_of_open(place), GH_ERR_NOSPACE);
    assert_int_equal(ftruncate(fileno(filler), 0), 0);
    fclose(filler);
    assert_int_equal(status_of_open(place), GH_OK);
    assert_int_equal(umount(place->folder), 0);
}

static void a_file_size_limit_is_said_and_got_over(void **state)
{
    const struct place *place = *state;
    struct rlimit before, narrow;
    struct gh_journal *journal = open_journal(place);
    append(journal, 3);
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    narrow = before;
    narrow.rlim_cur = 100 * 1024;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &narrow), 0);
    uint64_t head = 3 + append_until(journal, GH_ERR_NOSPACE);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    assert_true(head > 3);
    append(journal, 5);
    gh_journal_close(journal);
    assert_whole(place, head + 5);
}

static void a_read_only_disk_is_said(void **state)
{
    const struct place *place = *state;
    bool mounted = mount_small(place, "size=1m");
    struct gh_journal *journal = open_journal(place);
    append(journal, 4);
    gh_journal_close(journal);
    if (mounted) {
        assert_int_equal(mount(NULL, place->folder, NULL, MS_REMOUNT | MS_RDONLY, "size=1m"), 0);
    } else if (geteuid() != 0) {
        assert_int_equal(chmod(place->folder, 0500), 0);
        assert_int_equal(chmod(place->path, 0400), 0);
    } else {
        print_message("nothing can be made read-only here\n");
        skip();
    }
    assert_int_equal(status_of_open(place), GH_ERR_READONLY);
    assert_whole(place, 4); /* and still can be read */
    if (mounted) {
        assert_int_equal(umount(place->folder), 0);
    } else {
        assert_int_equal(chmod(place->folder, 0700), 0);
    }
}

static void no_folder_no_journal(void **state)
{
    const struct place *place = *state;
    struct place nowhere = {.path = "/nonexistent/gatehouse/journal.db"};
    assert_int_equal(status_of_open(&nowhere), GH_ERR_NOTFOUND);
    assert_int_equal(status_of_reader(&nowhere), GH_ERR_NOTFOUND);
    assert_int_equal(status_of_reader(place), GH_ERR_NOTFOUND);
    assert_int_equal(access(place->path, F_OK), -1); /* a reader makes nothing */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_second_writer_is_busy_at_once),
        TEST(a_stranger_s_entry_is_not_overwritten),
        TEST(a_foreign_lock_is_busy_then_over),
        TEST(readers_see_a_whole_chain_while_it_grows),
        TEST(nothing_acknowledged_is_lost_by_a_kill),
        TEST(a_cut_wal_leaves_a_whole_chain),
        TEST(a_full_disk_is_said_and_got_over),
        TEST(a_full_disk_at_the_start_is_said),
        TEST(a_file_size_limit_is_said_and_got_over),
        TEST(a_read_only_disk_is_said),
        TEST(no_folder_no_journal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
