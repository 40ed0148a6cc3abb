/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <jansson.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "gatehouse/file.h"
#include "gatehouse/journal.h"

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

struct place {
    char folder[64];
    char path[96];
};

static struct gh_entry sample(void)
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

static struct gh_journal *open_journal(const struct place *place)
{
    struct gh_journal *journal;
    struct gh_error err = {0};
    if (gh_journal_open(place->path, &journal, &err) != GH_OK) {
        fail_msg("%s", err.text);
    }
    return journal;
}

static struct gh_journal *open_reader(const struct place *place)
{
    struct gh_journal *journal;
    struct gh_error err = {0};
    if (gh_journal_open_reader(place->path, &journal, &err) != GH_OK) {
        fail_msg("%s", err.text);
    }
    return journal;
}

static void append(struct gh_journal *journal, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        struct gh_entry entry = sample();
        struct gh_error err = {0};
        if (gh_journal_append(journal, &entry, &err) != GH_OK) {
            fail_msg("%s", err.text);
        }
    }
}

static uint64_t head_of(struct gh_journal *journal)
{
    uint64_t sequence;
    uint8_t hash[GH_SHA256_BYTES];
    assert_int_equal(gh_journal_head(journal, &sequence, hash), GH_OK);
    return sequence;
}

/* The chain is whole and has so many entries. */
static void assert_whole(const struct place *place, uint64_t count)
{
    struct gh_journal *reader = open_reader(place);
    uint64_t bad = 99;
    enum gh_status status = gh_journal_verify(reader, &bad);
    if (status != GH_OK || bad != 0) {
        fail_msg("%s at %llu", gh_status_text(status), (unsigned long long)bad);
    }
    assert_int_equal(head_of(reader), count);
    gh_journal_close(reader);
}

static enum gh_status status_of_open(const struct place *place)
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

static enum gh_status status_of_reader(const struct place *place)
{
    struct gh_journal *journal = (struct gh_journal *)1;
    struct gh_error err = {0};
    enum gh_status status = gh_journal_open_reader(place->path, &journal, &err);
    assert_int_equal(err.status, status);
    gh_journal_close(journal);
    return status;
}

static int make_place(void **state)
{
    struct place *place = calloc(1, sizeof(*place));
    if (place == NULL) {
        return -1;
    }
    strcpy(place->folder, "/tmp/gatehouse journal?#XXXXXX");
    if (mkdtemp(place->folder) == NULL) {
        free(place);
        return -1;
    }
    snprintf(place->path, sizeof(place->path), "%s/journal%%41.db", place->folder);
    *state = place;
    return 0;
}

static int remove_place(void **state)
{
    struct place *place = *state;
    DIR *folder = opendir(place->folder);
    if (folder != NULL) {
        struct dirent *entry;
        while ((entry = readdir(folder)) != NULL) {
            unlinkat(dirfd(folder), entry->d_name, 0);
        }
        closedir(folder);
    }
    int result = rmdir(place->folder);
    free(place);
    return result;
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

struct watching {
    const struct place *place;
    atomic_bool done;
    uint64_t seen;
    const char *complaint;
};

static void *watch(void *context)
{
    struct watching *watching = context;
    struct gh_journal *reader;
    if (gh_journal_open_reader(watching->place->path, &reader, NULL) != GH_OK) {
        watching->complaint = "cannot open";
        return NULL;
    }
    while (!atomic_load(&watching->done)) {
        uint64_t sequence, bad;
        uint8_t hash[GH_SHA256_BYTES];
        if (gh_journal_verify(reader, &bad) != GH_OK ||
            gh_journal_head(reader, &sequence, hash) != GH_OK || sequence < watching->seen) {
            watching->complaint = "not whole";
            break;
        }
        watching->seen = sequence;
    }
    gh_journal_close(reader);
    return NULL;
}

static void readers_see_a_whole_chain_while_it_grows(void **state)
{
    const struct place *place = *state;
    struct watching watching = {.place = place};
    struct gh_journal *journal = open_journal(place);
    pthread_t thread;
    append(journal, 1);
    atomic_init(&watching.done, false);
    assert_int_equal(pthread_create(&thread, NULL, watch, &watching), 0);
    append(journal, 1200); /* over more than one checkpoint */
    atomic_store(&watching.done, true);
    assert_int_equal(pthread_join(thread, NULL), 0);
    if (watching.complaint != NULL) {
        fail_msg("%s", watching.complaint);
    }
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
        assert_int_equal(gh_journal_verify(journal, &bad), GH_OK);
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
    assert_true(wal_size > 12 * 4096);
    uint64_t last = 0;
    for (size_t cut = 0; cut <= wal_size; cut += 1021) {
        size_t size = cut + 1021 > wal_size ? wal_size : cut;
        FILE *file = fopen(place->path, "wb");
        assert_int_equal(fwrite(main_data, 1, main_size, file), main_size);
        fclose(file);
        file = fopen(wal, "wb");
        assert_int_equal(fwrite(wal_data, 1, size, file), size);
        fclose(file);
        unlink(shm);
        journal = open_journal(place);
        uint64_t bad, head = head_of(journal);
        assert_int_equal(gh_journal_verify(journal, &bad), GH_OK);
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

static bool mount_small(const struct place *place, const char *options)
{
    static bool own_namespace;
    if (!own_namespace) {
        own_namespace =
            unshare(CLONE_NEWNS) == 0 && mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0;
    }
    return own_namespace && mount("none", place->folder, "tmpfs", 0, options) == 0;
}

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

/* --- tampering -------------------------------------------------------------------------------- */

static void change(const struct place *place, const char *sql)
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

static void verify_finds(const struct place *place, const char *sql, uint64_t expected)
{
    uint8_t *data;
    size_t size;
    assert_int_equal(gh_file_read(place->path, 1 << 24, &data, &size, NULL), GH_OK);
    change(place, sql);
    struct gh_journal *reader = open_reader(place);
    uint64_t bad = 0;
    enum gh_status status = gh_journal_verify(reader, &bad);
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

#define TEST(function) cmocka_unit_test_setup_teardown(function, make_place, remove_place)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(entries_are_chained),
        TEST(entries_are_read_in_order),
        TEST(a_reader_cannot_write),
        TEST(the_file_is_private_and_durable),
        TEST(every_append_is_synced),
        TEST(a_failed_sync_is_no_entry),
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
        TEST(tampering_is_found),
        TEST(a_well_made_forgery_breaks_the_link),
        TEST(a_broken_end_is_not_continued),
        TEST(what_is_no_journal_is_not_touched),
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
