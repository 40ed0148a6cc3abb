/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "gatehouse/file.h"
#include "list_fixture.h"

/* --- opening ---------------------------------------------------------------------------------- */

static enum gh_status open_status(const struct place *place, const struct gh_public_key *key)
{
    struct gh_error err = {0};
    struct gh_list *list = (struct gh_list *)1;
    enum gh_status status = gh_list_open(place->path, key, &list, &err);
    if (status == GH_OK) {
        gh_list_close(list);
    } else {
        assert_null(list);
        assert_int_equal(err.status, status);
    }
    return status;
}

static void what_is_no_list_is_not_opened(void **state)
{
    const struct place *place = *state;
    struct offer offer = small(1);
    sqlite3 *db;
    assert_int_equal(open_status(place, list_public), GH_ERR_NOTFOUND);
    assert_false(exists(place, ""));
    put_file(place, "", "", 0);
    assert_int_equal(open_status(place, list_public), GH_ERR_CORRUPT);
    put_file(place, "", "no database, but long enough to be taken for one, if one did not look",
             69);
    assert_int_equal(open_status(place, list_public), GH_ERR_CORRUPT);
    assert_int_equal(unlink(place->path), 0);
    assert_int_equal(sqlite3_open(place->path, &db), SQLITE_OK); /* another program's */
    assert_int_equal(sqlite3_exec(db, "CREATE TABLE subject(id)", NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
    assert_int_equal(open_status(place, list_public), GH_ERR_CORRUPT);
    assert_int_equal(build(place, &offer), GH_OK); /* and is no hindrance */
    assert_int_equal(open_status(place, list_public), GH_OK);
    assert_int_equal(open_status(place, other_public), GH_ERR_SIGNATURE);
    offer_free(&offer);
}

/* A gate that was upgraded holds a list file of the version before: that is as good as none, and is
 * fetched again, also in the same generation. */
static void a_list_of_another_version_is_replaced(void **state)
{
    const struct place *place = *state;
    struct offer offer = small(3);
    static const char *const versions[] = {"PRAGMA user_version = 1", "PRAGMA user_version = 3"};
    for (size_t i = 0; i < GH_ARRAY_SIZE(versions); i++) {
        sqlite3 *db;
        assert_int_equal(build(place, &offer), GH_OK);
        assert_int_equal(sqlite3_open(place->path, &db), SQLITE_OK);
        assert_int_equal(
            sqlite3_exec(db, "DROP TABLE recalled; DROP TABLE holder;", NULL, NULL, NULL),
            SQLITE_OK);
        assert_int_equal(sqlite3_exec(db, versions[i], NULL, NULL, NULL), SQLITE_OK);
        sqlite3_close(db);
        struct gh_list *list;
        struct gh_error err = {0};
        assert_int_equal(gh_list_open(place->path, list_public, &list, &err), GH_ERR_CORRUPT);
        assert_non_null(strstr(err.text, "is not a list of this version"));
        assert_int_equal(refresh(place, &offer), GH_ERR_CORRUPT); /* so it is fetched whole */
        assert_int_equal(build(place, &offer), GH_OK);
        assert_stands(place, 3);
    }
    offer_free(&offer);
}

static void a_list_of_another_key_is_replaced(void **state)
{
    const struct place *place = *state;
    struct offer other = small(9), offer = small(1);
    offer_sign(&other, other_key);
    assert_int_equal(
        gh_list_build(place->path, other_public, manifest_of(&other), snapshot_of(&other), NULL),
        GH_OK);
    assert_int_equal(build(place, &offer), GH_OK);
    assert_stands(place, 1);
    offer_free(&other);
    offer_free(&offer);
}

/* A card that loses bits: whatever is opened and asked, nothing falls over, and a manifest that is
 * believed is a true one. */
static void damaged_files_take_nothing_down(void **state)
{
    const struct place *place = *state;
    struct offer offer = small(1);
    uint8_t *data;
    size_t size;
    assert_int_equal(build(place, &offer), GH_OK);
    assert_int_equal(gh_file_read(place->path, 1 << 20, &data, &size, NULL), GH_OK);
    unsigned opened = 0, refused = 0;
    for (size_t i = 0; i < size; i += i < 200 ? 1 : 37) {
        struct gh_list *list;
        data[i] ^= 0x81;
        put_file(place, "", data, size);
        if (gh_list_open(place->path, list_public, &list, NULL) == GH_OK) {
            struct gh_credential health = {.id = 90, .subject = 1};
            struct gh_credential housing = {.id = 91, .home = 5};
            struct gh_answers answers;
            struct gh_list_counts counts;
            enum gh_status status = gh_list_ask(list, &health, &housing, &answers);
            assert_true(status == GH_OK || !answers.have_list);
            status = gh_list_count(list, &counts);
            assert_int_equal(gh_list_manifest(list)->generation, 1);
            gh_list_close(list);
            opened++;
        } else {
            refused++;
        }
        data[i] ^= 0x81;
    }
    assert_true(opened > 0 && refused > 0); /* both ways were gone */
    for (size_t cut = 0; cut < size; cut += 512) {
        put_file(place, "", data, cut);
        enum gh_status status = open_status(place, list_public);
        assert_true(status == GH_OK || status == GH_ERR_CORRUPT || status == GH_ERR_SIGNATURE);
    }
    free(data);
    offer_free(&offer);
}

static void a_failing_look_up_lets_nobody_in(void **state)
{
    const struct place *place = *state;
    struct offer offer = large(1, 5000);
    struct gh_list *list;
    struct gh_answers answers;
    struct gh_credential health = {.id = 1000, .subject = UINT64_MAX / 5001 * 2500};
    assert_int_equal(build(place, &offer), GH_OK);
    assert_int_equal(gh_list_open(place->path, list_public, &list, NULL), GH_OK);
    assert_int_equal(truncate(place->path, 8192), 0);
    memset(&answers, 0xff, sizeof(answers));
    enum gh_status status = gh_list_ask(list, &health, NULL, &answers);
    assert_true(status == GH_ERR_CORRUPT || status == GH_ERR_IO);
    assert_false(answers.have_list);
    assert_false(answers.subject_known);
    assert_false(answers.subject_has_home);
    gh_list_close(list);
    offer_free(&offer);
}

/* --- swapping --------------------------------------------------------------------------------- */

static void a_reader_goes_on_with_its_own_list(void **state)
{
    const struct place *place = *state;
    struct offer first = large(1, 5000), second = small(2);
    struct gh_list *list;
    const uint64_t step = UINT64_MAX / 5001;
    assert_int_equal(build(place, &first), GH_OK);
    assert_int_equal(gh_list_open(place->path, list_public, &list, NULL), GH_OK);
    assert_true(ask(list, step, 5000 * step).member);
    assert_int_equal(build(place, &second), GH_OK);
    for (uint64_t i = 1; i <= 5000; i += 7) { /* pages that were not read before the swap */
        struct gh_answers answers = ask(list, i * step, (5001 - i) * step);
        assert_true(answers.subject_known && answers.member);
        assert_int_equal(answers.generation, 1);
    }
    assert_stands(place, 2);
    gh_list_close(list);
    assert_stands(place, 2);
    offer_free(&first);
    offer_free(&second);
}

/* What an earlier file of this name left beside it must never be applied to the new file. */
static void a_hot_journal_of_another_file_is_not_applied(void **state)
{
    const struct place *place = *state;
    struct offer first = small(1), second = small(2);
    char victim[160], command[512];
    assert_int_equal(build(place, &first), GH_OK);
    snprintf(victim, sizeof(victim), "%s-victim", place->path);
    uint8_t *data;
    size_t size;
    assert_int_equal(gh_file_read(place->path, 1 << 20, &data, &size, NULL), GH_OK);
    put_file(place, "-victim", data, size);
    free(data);
    /* A process that dies within a transaction whose pages are in the file already. */
    pid_t child = fork();
    assert_int_not_equal(child, -1);
    if (child == 0) {
        sqlite3 *db;
        sqlite3_stmt *statement;
        if (sqlite3_open(victim, &db) != SQLITE_OK ||
            sqlite3_exec(db,
                         "PRAGMA journal_mode = DELETE; PRAGMA cache_size = 1; BEGIN IMMEDIATE;"
                         "UPDATE subject SET colour = 3; DELETE FROM revoked;"
                         "UPDATE manifest SET bytes = zeroblob(40000);",
                         NULL, NULL, NULL) != SQLITE_OK ||
            sqlite3_prepare_v2(db, "SELECT 1", -1, &statement, NULL) != SQLITE_OK ||
            sqlite3_db_cacheflush(db) != SQLITE_OK) {
            _exit(1);
        }
        raise(SIGKILL);
    }
    int result;
    assert_int_equal(waitpid(child, &result, 0), child);
    assert_true(WIFSIGNALED(result));
    assert_true(exists(place, "-victim-journal"));
    snprintf(command, sizeof(command), "%s-journal", victim);
    char beside[160];
    snprintf(beside, sizeof(beside), "%s-journal", place->path);
    assert_int_equal(build(place, &second), GH_OK);
    assert_int_equal(rename(command, beside), 0);
    assert_stands(place, 2);
    assert_int_equal(build(place, &second), GH_OK);
    assert_stands(place, 2);
    offer_free(&first);
    offer_free(&second);
}

static void left_over_temporary_files_are_replaced(void **state)
{
    const struct place *place = *state;
    struct offer first = small(1), second = small(2);
    char temporary[160], target[160];
    assert_int_equal(build(place, &first), GH_OK);
    put_file(place, ".new", "half a list", 11);
    put_file(place, ".new-journal", "\xd9\xd5\x05\xf9\x20\xa1\x63\xd7 and more", 17);
    put_file(place, ".new-wal", "nonsense", 8);
    assert_stands(place, 1);
    assert_int_equal(build(place, &second), GH_OK);
    assert_stands(place, 2);
    assert_false(exists(place, ".new") || exists(place, ".new-journal") ||
                 exists(place, ".new-wal"));
    /* A link is never written through. */
    snprintf(temporary, sizeof(temporary), "%s.new", place->path);
    snprintf(target, sizeof(target), "%s-target", place->path);
    put_file(place, "-target", "precious", 8);
    assert_int_equal(symlink(target, temporary), 0);
    assert_int_equal(build(place, &second), GH_OK);
    assert_int_equal(link(target, temporary), 0);
    assert_int_equal(build(place, &second), GH_OK);
    assert_stands(place, 2);
    uint8_t *data;
    size_t size;
    assert_int_equal(gh_file_read(target, 100, &data, &size, NULL), GH_OK);
    assert_int_equal(size, 8);
    free(data);
    offer_free(&first);
    offer_free(&second);
}

static void two_builders_do_not_meet(void **state)
{
    const struct place *place = *state;
    struct offer first = small(1), second = small(2);
    char temporary[160];
    assert_int_equal(build(place, &first), GH_OK);
    snprintf(temporary, sizeof(temporary), "%s.new", place->path);
    int fd = open(temporary, O_RDWR | O_CREAT, 0600);
    assert_true(fd >= 0);
    assert_int_equal(flock(fd, LOCK_EX), 0);
    assert_int_equal(build(place, &second), GH_ERR_BUSY);
    assert_true(exists(place, ".new")); /* the other one's */
    assert_stands(place, 1);
    close(fd);
    assert_int_equal(build(place, &second), GH_OK);
    assert_stands(place, 2);
    offer_free(&first);
    offer_free(&second);
}

/* Killed at any moment, a builder leaves the old list or the new one. */
static void a_killed_builder_leaves_a_whole_list(void **state)
{
    const struct place *place = *state;
    struct offer first = small(1), second = large(2, 3000);
    assert_int_equal(build(place, &first), GH_OK);
    unsigned killed = 0;
    for (int i = 0; i < 40; i++) {
        pid_t child = fork();
        assert_int_not_equal(child, -1);
        if (child == 0) {
            for (;;) {
                if (gh_list_build(place->path, list_public, manifest_of(&second),
                                  snapshot_of(&second), NULL) != GH_OK) {
                    _exit(1);
                }
            }
        }
        struct timespec pause = {.tv_nsec = 1000000L * (i % 20) + 317000};
        nanosleep(&pause, NULL);
        kill(child, SIGKILL);
        int result;
        assert_int_equal(waitpid(child, &result, 0), child);
        killed += WIFSIGNALED(result) ? 1 : 0;
        struct gh_list *list;
        struct gh_error err = {0};
        if (gh_list_open(place->path, list_public, &list, &err) != GH_OK) {
            fail_msg("%s", err.text);
        }
        struct gh_list_counts counts;
        assert_int_equal(gh_list_count(list, &counts), GH_OK);
        assert_int_equal(counts.subjects, gh_list_manifest(list)->generation == 1 ? 2 : 3000);
        gh_list_close(list);
    }
    assert_int_equal(killed, 40);
    offer_free(&first);
    first = small(3);
    assert_int_equal(build(place, &first), GH_OK);
    assert_stands(place, 3);
    offer_free(&first);
    offer_free(&second);
}

/* --- disks ------------------------------------------------------------------------------------ */

static void a_full_disk_leaves_the_old_list(void **state)
{
    const struct place *place = *state;
    struct offer first = small(1), second = large(2, 20000);
    if (!mount_small(place, "size=512k")) {
        print_message("no small file system may be mounted here\n");
        skip();
    }
    assert_int_equal(build(place, &first), GH_OK);
    assert_int_equal(build(place, &second), GH_ERR_NOSPACE);
    assert_false(exists(place, ".new")); /* and the room is free again */
    assert_stands(place, 1);
    offer_free(&second);
    second = small(2);
    assert_int_equal(build(place, &second), GH_OK);
    assert_stands(place, 2);
    /* Full to the last byte: not even a newer manifest fits. */
    FILE *filler = fopen(strcat(strcpy((char[160]){0}, place->folder), "/filler"), "wb");
    assert_non_null(filler);
    char block[4096] = {1};
    setbuf(filler, NULL);
    while (fwrite(block, sizeof(block), 1, filler) == 1) {
    }
    int64_t before_s = issue_time(place);
    second.manifest.issued_at_s += 100;
    offer_sign(&second, list_key);
    assert_int_equal(refresh(place, &second), GH_ERR_NOSPACE);
    assert_int_equal(issue_time(place), before_s);
    assert_int_equal(build(place, &second), GH_ERR_NOSPACE);
    assert_stands(place, 2);
    assert_int_equal(ftruncate(fileno(filler), 0), 0);
    fclose(filler);
    assert_int_equal(refresh(place, &second), GH_OK);
    assert_int_equal(issue_time(place), before_s + 100);
    assert_int_equal(umount(place->folder), 0);
    offer_free(&first);
    offer_free(&second);
}

/* The same without a disk of our own: over a limit of the process. */
static void a_file_size_limit_leaves_the_old_list(void **state)
{
    const struct place *place = *state;
    struct offer first = small(1), second = large(2, 20000);
    struct rlimit before, narrow;
    assert_int_equal(build(place, &first), GH_OK);
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    narrow = before;
    narrow.rlim_cur = 100 * 1024;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &narrow), 0);
    enum gh_status status = build(place, &second);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    assert_int_equal(status, GH_ERR_NOSPACE);
    assert_false(exists(place, ".new"));
    assert_stands(place, 1);
    offer_free(&first);
    offer_free(&second);
}

static void a_read_only_disk_leaves_the_old_list(void **state)
{
    const struct place *place = *state;
    struct offer first = small(1), second = small(2);
    bool mounted = mount_small(place, "size=512k");
    assert_int_equal(build(place, &first), GH_OK);
    if (mounted) {
        assert_int_equal(mount(NULL, place->folder, NULL, MS_REMOUNT | MS_RDONLY, "size=512k"), 0);
    } else if (geteuid() != 0) {
        assert_int_equal(chmod(place->folder, 0500), 0);
    } else {
        print_message("nothing can be made read-only here\n");
        skip();
    }
    assert_int_equal(build(place, &second), GH_ERR_READONLY);
    assert_stands(place, 1);
    first.manifest.issued_at_s++;
    offer_sign(&first, list_key);
    assert_int_equal(refresh(place, &first), GH_ERR_READONLY);
    assert_stands(place, 1);
    if (mounted) {
        assert_int_equal(umount(place->folder), 0);
    } else {
        assert_int_equal(chmod(place->folder, 0700), 0);
    }
    offer_free(&first);
    offer_free(&second);
}

static void a_folder_that_is_not_there_is_said(void **state)
{
    struct place nowhere = {.path = "/nonexistent/gatehouse/list.db"};
    struct offer offer = small(1);
    (void)state;
    assert_int_equal(build(&nowhere, &offer), GH_ERR_NOTFOUND);
    assert_int_equal(open_status(&nowhere, list_public), GH_ERR_NOTFOUND);
    offer_free(&offer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_is_no_list_is_not_opened),
        TEST(a_list_of_another_version_is_replaced),
        TEST(a_list_of_another_key_is_replaced),
        TEST(damaged_files_take_nothing_down),
        TEST(a_failing_look_up_lets_nobody_in),
        TEST(a_reader_goes_on_with_its_own_list),
        TEST(a_hot_journal_of_another_file_is_not_applied),
        TEST(left_over_temporary_files_are_replaced),
        TEST(two_builders_do_not_meet),
        TEST(a_killed_builder_leaves_a_whole_list),
        TEST(a_full_disk_leaves_the_old_list),
        TEST(a_file_size_limit_leaves_the_old_list),
        TEST(a_read_only_disk_leaves_the_old_list),
        TEST(a_folder_that_is_not_there_is_said),
    };
    return cmocka_run_group_tests(tests, make_keys, free_keys);
}
