/* SPDX-License-Identifier: Apache-2.0 */
/* prune.c: the WAL is emptied, and keeps the room that it has on the disk. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "gatehouse/file.h"
#include "journal/store.h"
#include "journal_prune_fixture.h"

#define WAL_MAX_BYTES ((size_t)1 << 24)

static unsigned synced_empty; /* files without a byte */

static int sync_of(long number, int fd)
{
    struct stat info;
    synced_empty += fstat(fd, &info) == 0 && S_ISREG(info.st_mode) && info.st_size == 0 ? 1 : 0;
    return (int)syscall(number, fd);
}

int fsync(int fd)
{
    return sync_of(SYS_fsync, fd);
}

int fdatasync(int fd)
{
    return sync_of(SYS_fdatasync, fd);
}

static struct gh_journal *journal_with(const struct place *place, int64_t count)
{
    struct gh_journal *journal = open_journal(place);
    for (int64_t i = 1; i <= count; i++) {
        append_of(journal, GH_ENTRY_PASSAGE, i, true);
    }
    return journal;
}

/* Those before `before`, so many in one call. */
static struct gh_journal_cut cut_before(struct gh_journal *journal, int64_t before, unsigned step)
{
    struct gh_journal_cut cut = cut_at(journal, head_of(journal), 0, 0);
    cut.passages_before_ms = cut.others_before_ms = before;
    cut.max_entries = step;
    return cut;
}

static void read_wal(const struct place *place, uint8_t **data, size_t *size)
{
    char name[PATH_MAX];
    (void)snprintf(name, sizeof(name), "%s-wal", place->path);
    assert_int_equal(gh_file_read(name, WAL_MAX_BYTES, data, size, NULL), GH_OK);
}

static size_t wal_bytes(const struct place *place)
{
    GH_CLEANUP_FREE uint8_t *data = NULL;
    size_t size;
    read_wal(place, &data, &size);
    return size;
}

static bool is_blank(const struct place *place)
{
    GH_CLEANUP_FREE uint8_t *data = NULL;
    size_t size, at = 0;
    read_wal(place, &data, &size);
    while (at < size && data[at] == 0) {
        at++;
    }
    return at == size;
}

/* A WAL that grows with each entry is the most expensive of all. */
static void it_keeps_its_room(void **state)
{
    const struct place *place = *state;
    struct gh_journal *journal = journal_with(place, 20);
    assert_in_range(wal_bytes(place), 1, GH_JOURNAL_WAL_BYTES / 2);
    struct gh_journal_cut cut = cut_before(journal, 10, 100);
    assert_int_equal(prune(journal, &cut, 1000, NULL), 9);
    assert_true(is_blank(place));
    for (int64_t i = 0; i < 700; i++) { /* over some checkpoints */
        assert_int_equal(wal_bytes(place), GH_JOURNAL_WAL_BYTES);
        append_of(journal, GH_ENTRY_PASSAGE, 1001 + i, true);
    }
    assert_false(is_blank(place));
    gh_journal_close(journal);
}

/* Each time is half a megabyte: once for all that goes. */
static void it_is_emptied_when_there_is_no_more(void **state)
{
    const struct place *place = *state;
    struct gh_journal *journal = journal_with(place, 50);
    struct gh_journal_cut cut = cut_before(journal, 41, 20);
    bool more;
    assert_int_equal(prune(journal, &cut, 1000, &more), 20);
    assert_true(more);
    assert_false(is_blank(place));
    for (unsigned calls = 0; more; calls++) {
        assert_in_range(calls, 0, 5);
        (void)prune(journal, &cut, 1000, &more);
        assert_true(is_blank(place) == !more);
    }
    append_of(journal, GH_ENTRY_PASSAGE, 1001, true);
    assert_int_equal(prune(journal, &cut, 1000, &more), 0);
    assert_false(is_blank(place)); /* nothing went, so nothing is to be wiped */
    gh_journal_close(journal);
}

/* Old frames before the first zero, from a file system that kept the one and not the other, would
 * be read as if nothing had come after them. */
static void its_end_is_durable_before_the_first_zero(void **state)
{
    const struct place *place = *state;
    struct gh_journal *journal = journal_with(place, 20);
    struct gh_journal_cut cut = cut_before(journal, 10, 100);
    synced_empty = 0;
    assert_int_equal(prune(journal, &cut, 1000, NULL), 9);
    assert_int_equal(synced_empty, 1);
    gh_journal_close(journal);
}

/* The power goes while it is laid out: as many zeros as there may be are an empty one. */
static void zeros_are_an_empty_one(void **state)
{
    static const size_t sizes[] = {
        0, 1, 24, 31, 32, 33, 56, 1080, 4096, 8192, GH_JOURNAL_WAL_BYTES};
    static const uint8_t zeros[GH_JOURNAL_WAL_BYTES];
    const struct place *place = *state;
    for (size_t i = 0; i < GH_ARRAY_SIZE(sizes); i++) {
        char name[PATH_MAX];
        struct gh_journal *journal = open_journal(place);
        append_of(journal, GH_ENTRY_PASSAGE, (int64_t)i, true);
        gh_journal_close(journal); /* takes its WAL along */
        (void)snprintf(name, sizeof(name), "%s-wal", place->path);
        assert_int_equal(gh_file_replace(name, 0600, zeros, sizes[i], NULL), GH_OK);
        assert_whole(place, i + 1);
        journal = open_journal(place);
        assert_int_equal(head_of(journal), i + 1);
        gh_journal_close(journal);
    }
}

/* Where there is no room for it, entries have what there is. */
static void without_room_it_grows_again(void **state)
{
    const struct place *place = *state;
    struct rlimit before, narrow;
    struct gh_journal *journal = journal_with(place, 20);
    struct gh_journal_cut cut = cut_before(journal, 10, 100);
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    narrow = before;
    narrow.rlim_cur = GH_JOURNAL_WAL_BYTES / 4;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &narrow), 0);
    uint64_t removed = prune(journal, &cut, 1000, NULL);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    assert_int_equal(removed, 9);
    assert_true(is_blank(place));
    assert_in_range(wal_bytes(place), 0, GH_JOURNAL_WAL_BYTES / 4);
    for (int64_t i = 0; i < 300; i++) {
        append_of(journal, GH_ENTRY_PASSAGE, 1001 + i, true);
    }
    assert_int_equal(head_of(journal), 321);
    gh_journal_close(journal);
    journal = open_journal(place);
    assert_int_equal(head_of(journal), 321);
    gh_journal_close(journal);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(it_keeps_its_room),
        TEST(it_is_emptied_when_there_is_no_more),
        TEST(its_end_is_durable_before_the_first_zero),
        TEST(zeros_are_an_empty_one),
        TEST(without_room_it_grows_again),
    };
    return cmocka_run_group_tests(tests, make_key, free_key);
}
