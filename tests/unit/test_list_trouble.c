/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <signal.h>
#include <sqlite3.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "gatehouse/file.h"
#include "list_fixture.h"

static void put_file(const struct place *place, const char *name, const void *data, size_t size)
{
    char path[256];
    snprintf(path, sizeof(path), "%s/%s", place->path, name);
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(data, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}

static bool exists(const struct place *place, const char *name)
{
    char path[256];
    struct stat info;
    snprintf(path, sizeof(path), "%s/%s", place->path, name);
    return lstat(path, &info) == 0;
}

/* --- opening ---------------------------------------------------------------------------------- */

static enum gh_status open_status(const struct place *place, const struct gh_public_key *key)
{
    struct gh_error err = {0};
    struct gh_list *list = (struct gh_list *)1;
    enum gh_status status = gh_list_open_latest(place->path, key, &list, &err);
    if (status == GH_OK) {
        gh_list_close(list);
    } else {
        assert_null(list);
        check_sentence(status, &err);
    }
    return status;
}

#define FIRST "0000000000000001-0000.db"

static void what_is_no_list_is_not_opened(void **state)
{
    const struct place *place = *state;
    struct offer offer = small(place, 1);
    char path[256];
    sqlite3 *db;
    assert_int_equal(open_status(place, list_public), GH_ERR_NOTFOUND);
    assert_int_equal(access(place->path, F_OK), -1);
    assert_int_equal(mkdir(place->path, 0700), 0);
    assert_int_equal(open_status(place, list_public), GH_ERR_NOTFOUND);
    put_file(place, "list.db", "", 0); /* other names are others' */
    put_file(place, "000000000000000g-0000.db", "", 0);
    put_file(place, "0000000000000001-0000.db-x", "", 0);
    put_file(place, "0000000000000001-0000.dbx", "", 0);
    assert_int_equal(open_status(place, list_public), GH_ERR_NOTFOUND);
    put_file(place, FIRST, "", 0);
    assert_int_equal(open_status(place, list_public), GH_ERR_CORRUPT);
    put_file(place, FIRST, "no database, but long enough to be taken for one, if nobody looked",
             67);
    assert_int_equal(open_status(place, list_public), GH_ERR_CORRUPT);
    snprintf(path, sizeof(path), "%s/%s", place->path, FIRST);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK); /* another program's */
    assert_int_equal(sqlite3_exec(db, "CREATE TABLE subject(id)", NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
    assert_int_equal(open_status(place, list_public), GH_ERR_CORRUPT);
    assert_int_equal(install(place, &offer), GH_OK); /* and is no hindrance */
    assert_int_equal(open_status(place, list_public), GH_OK);
    assert_int_equal(open_status(place, other_public), GH_ERR_SIGNATURE);
    assert_true(exists(place, "list.db"));
    assert_int_equal(count_files(place, ".db"), 3); /* the two of others, and the list */
}

/* The newest that can be read: a newer one that was damaged does not hide it. */
static void the_last_good_list_is_opened(void **state)
{
    const struct place *place = *state;
    struct offer offer = small(place, 1);
    assert_int_equal(install(place, &offer), GH_OK);
    put_file(place, "0000000000000002-0000.db", "half", 4);
    put_file(place, "ffffffffffffffff-0000.db", "half", 4);
    assert_stands(place, 1);
    struct offer next = small(place, 3);
    assert_int_equal(install(place, &next), GH_OK);
    assert_stands(place, 3);
    assert_int_equal(count_files(place, ".db"), 1);
}

static void execute(const struct place *place, const char *sql)
{
    sqlite3 *db;
    char path[256];
    find_file(place, path);
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

/* A gate that was upgraded holds a list file of another version: that is as good as none, and is
 * fetched again, also in the same generation. */
static void a_list_of_another_version_is_replaced(void **state)
{
    const struct place *place = *state;
    struct offer offer = small(place, 3);
    struct change change;
    static const char *const versions[] = {
        "PRAGMA user_version = 2",           "PRAGMA user_version = 4",
        "PRAGMA application_id = 1",         "DELETE FROM manifest",
        "UPDATE manifest SET bytes = x'00'", "DELETE FROM meta",
        "UPDATE meta SET generation = 4",    "UPDATE meta SET tag = zeroblob(8)",
        "UPDATE meta SET tag = x''",         "UPDATE manifest SET bytes = zeroblob(40000)"};
    change_small(&change, 3, 4);
    for (size_t i = 0; i < GH_ARRAY_SIZE(versions); i++) {
        assert_int_equal(install(place, &offer), GH_OK);
        execute(place, versions[i]);
        assert_int_equal(open_status(place, list_public), GH_ERR_CORRUPT);
        assert_int_equal(renew(place, &offer), GH_ERR_NOTFOUND); /* so it is fetched whole */
        assert_int_equal(apply(place, &change), GH_ERR_NOTFOUND);
        assert_int_equal(install(place, &offer), GH_OK);
        assert_stands(place, 3);
    }
    change_free(&change);
}

/* A card that loses bits: whatever is opened, asked and changed, nothing falls over, and a manifest
 * that is believed is a true one. */
static void damaged_files_take_nothing_down(void **state)
{
    const struct place *place = *state;
    struct offer offer = small(place, 1);
    struct change change;
    uint8_t *data;
    size_t size;
    char path[256];
    unsigned opened = 0, refused = 0;
    change_small(&change, 1, 2);
    assert_int_equal(install(place, &offer), GH_OK);
    find_file(place, path);
    assert_int_equal(gh_file_read(path, 1 << 20, &data, &size, NULL), GH_OK);
    for (size_t i = 0; i < size; i += i < 200 ? 1 : 37) {
        struct gh_list *list;
        empty_folder(open(place->path, O_RDONLY | O_DIRECTORY));
        data[i] ^= 0x81;
        put_file(place, FIRST, data, size);
        if (gh_list_open_latest(place->path, list_public, &list, NULL) == GH_OK) {
            struct gh_credential health = {.id = 90, .subject = 1};
            struct gh_credential housing = {.id = 91, .home = 5};
            struct gh_answers answers;
            uint8_t digest[GH_SHA256_BYTES];
            struct gh_trust *trust;
            enum gh_status status = gh_list_ask(list, &health, &housing, &answers);
            assert_true(status == GH_OK || !answers.have_list);
            status = gh_list_digest(list, digest);
            status = gh_list_trust(list, &trust);
            gh_trust_unref(trust);
            assert_int_equal(gh_list_manifest(list)->generation, 1);
            gh_list_close(list);
            opened++;
        } else {
            refused++;
        }
        (void)!apply(place, &change);
        data[i] ^= 0x81;
    }
    assert_true(opened > 0 && refused > 0); /* both ways were gone */
    for (size_t cut = 0; cut < size; cut += 512) {
        empty_folder(open(place->path, O_RDONLY | O_DIRECTORY));
        put_file(place, FIRST, data, cut);
        enum gh_status status = open_status(place, list_public);
        assert_true(status == GH_OK || status == GH_ERR_CORRUPT || status == GH_ERR_SIGNATURE);
    }
    free(data);
    change_free(&change);
}

static void a_failing_look_up_lets_nobody_in(void **state)
{
    const struct place *place = *state;
    struct offer offer = large(place, 1, 5000);
    struct gh_list *list = open_offer(place, &offer);
    struct gh_answers answers;
    struct gh_credential health = {.id = 1000, .subject = UINT64_MAX / 5001 * 2500};
    char path[256];
    find_file(place, path);
    assert_int_equal(truncate(path, 8192), 0);
    memset(&answers, 0xff, sizeof(answers));
    enum gh_status status = gh_list_ask(list, &health, NULL, &answers);
    assert_true(status == GH_ERR_CORRUPT || status == GH_ERR_IO);
    assert_false(answers.have_list);
    assert_false(answers.subject_known);
    assert_false(answers.subject_has_home);
    gh_list_close(list);
}

/* What no list that we wrote says: the card's. */
static void impossible_rows_let_nobody_in(void **state)
{
    const struct place *place = *state;
    static const char *const rows[] = {
        "UPDATE subject SET state = 0", "UPDATE subject SET state = 8 + 1",
        "UPDATE subject SET state = -1", "UPDATE subject SET state = 4"};
    for (size_t i = 0; i < GH_ARRAY_SIZE(rows); i++) {
        struct offer offer = small(place, 1);
        struct gh_answers answers;
        struct gh_credential health = {.id = 1000, .subject = 1};
        assert_int_equal(install(place, &offer), GH_OK);
        execute(place, rows[i]);
        struct gh_list *list = open_list(place);
        assert_int_equal(gh_list_ask(list, &health, NULL, &answers), GH_ERR_CORRUPT);
        assert_false(answers.have_list || answers.subject_known);
        gh_list_close(list);
    }
}

/* --- what lies about -------------------------------------------------------------------------- */

static void what_cannot_be_read_is_not_tidied_up(void **state)
{
    const struct place *place = *state;
    struct offer first = small(place, 1);
    gh_list_tidy(place->path, list_public); /* no folder yet */
    assert_int_equal(install(place, &first), GH_OK);
    put_file(place, "new.tmp", "half a list", 11);
    put_file(place, "0000000000000000-0000.db", "another one", 11);
    gh_list_tidy(place->path, other_public); /* its key is followed by another one */
    assert_false(exists(place, "new.tmp"));
    assert_stands(place, 1);
    assert_true(exists(place, "0000000000000000-0000.db"));
    gh_list_tidy(place->path, list_public);
    assert_false(exists(place, "0000000000000000-0000.db"));
    put_file(place, "new.tmp", "somebody writes it", 18);
    int lock = open(place->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_true(lock >= 0);
    assert_int_equal(flock(lock, LOCK_EX | LOCK_NB), 0);
    gh_list_tidy(place->path, list_public);
    assert_true(exists(place, "new.tmp"));
    close(lock);
    assert_stands(place, 1);
}

static void left_over_files_are_removed(void **state)
{
    const struct place *place = *state;
    struct offer first = small(place, 1), second = small(place, 2);
    char temporary[256], target[256];
    assert_int_equal(install(place, &first), GH_OK);
    put_file(place, "new.tmp", "half a list", 11);
    put_file(place, "0000000000000002-0000.db-wal", "another one's", 13);
    put_file(place, "0000000000000007-0000.db-journal", "\xd9\xd5\x05\xf9\x20\xa1\x63\xd7", 8);
    assert_stands(place, 1);
    assert_int_equal(install(place, &second), GH_OK);
    assert_stands(place, 2);
    assert_true(exists(place, "0000000000000002-0001.db")); /* behind what had left a trace */
    assert_false(exists(place, "0000000000000002-0000.db-wal"));
    assert_false(exists(place, "0000000000000007-0000.db-journal"));
    assert_false(exists(place, "new.tmp"));
    /* A link is never written through. */
    snprintf(temporary, sizeof(temporary), "%s/new.tmp", place->path);
    snprintf(target, sizeof(target), "%s/precious", place->folder);
    FILE *file = fopen(target, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite("precious", 1, 8, file), 8);
    fclose(file);
    assert_int_equal(symlink(target, temporary), 0);
    assert_int_equal(install(place, &second), GH_OK);
    assert_int_equal(link(target, temporary), 0);
    assert_int_equal(install(place, &second), GH_OK);
    assert_int_equal(mkfifo(temporary, 0600), 0);
    assert_int_equal(install(place, &second), GH_OK);
    assert_stands(place, 2);
    uint8_t *data;
    size_t size;
    assert_int_equal(gh_file_read(target, 100, &data, &size, NULL), GH_OK);
    assert_int_equal(size, 8);
    free(data);
}

/* --- disks ------------------------------------------------------------------------------------ */

/* The snapshots are fetched to somewhere else, so that the card is full of nothing but the list. */
static struct place elsewhere(const struct place *place)
{
    struct place other = *place;
    strcat(other.folder, "-fetched");
    assert_int_equal(mkdir(other.folder, 0700), 0);
    return other;
}

static void leave_elsewhere(struct place *other)
{
    empty_folder(open(other->folder, O_RDONLY | O_DIRECTORY));
    assert_int_equal(rmdir(other->folder), 0);
}

static void a_full_disk_leaves_the_old_list(void **state)
{
    const struct place *place = *state;
    if (!mount_small(place, "size=512k")) {
        print_message("no small file system may be mounted here\n");
        skip();
    }
    struct place other = elsewhere(place);
    struct offer first = small(&other, 1), second = large(&other, 2, 40000);
    struct change change;
    change_small(&change, 2, 3);
    assert_int_equal(install(place, &first), GH_OK);
    assert_int_equal(install(place, &second), GH_ERR_NOSPACE);
    assert_int_equal(count_files(place, ".tmp"), 0); /* and the room is free again */
    assert_stands(place, 1);
    second = small(&other, 2);
    assert_int_equal(install(place, &second), GH_OK);
    struct gh_list *list = open_list(place);
    /* Full to the last byte. */
    char path[256], block[4096] = {1};
    snprintf(path, sizeof(path), "%s/filler", place->folder);
    FILE *filler = fopen(path, "wb");
    assert_non_null(filler);
    setbuf(filler, NULL);
    while (fwrite(block, sizeof(block), 1, filler) == 1) {
    }
    int64_t before_s = issue_time(place);
    second.manifest.issued_at_s += GH_LIST_RENEW_S;
    offer_sign_again(&second, list_key);
    assert_int_equal(renew(place, &second), GH_ERR_NOSPACE);
    assert_int_equal(apply(place, &change), GH_ERR_NOSPACE);
    assert_int_equal(issue_time(place), before_s);
    assert_int_equal(install(place, &second), GH_ERR_NOSPACE);
    assert_true(ask(list, 1, 5).member);
    assert_stands(place, 2);
    assert_int_equal(ftruncate(fileno(filler), 0), 0);
    fclose(filler);
    assert_int_equal(renew(place, &second), GH_OK);
    assert_int_equal(issue_time(place), before_s + GH_LIST_RENEW_S);
    change.manifest.issued_at_s += GH_LIST_RENEW_S;
    assert_int_equal(apply(place, &change), GH_OK);
    assert_stands(place, 3);
    gh_list_close(list);
    assert_int_equal(umount(place->folder), 0);
    leave_elsewhere(&other);
    change_free(&change);
}

/* After a restart: nobody has the list open, and there is not one byte left. */
static void a_list_on_a_full_disk_is_opened(void **state)
{
    const struct place *place = *state;
    if (!mount_small(place, "size=512k")) {
        print_message("no small file system may be mounted here\n");
        skip();
    }
    struct place other = elsewhere(place);
    struct offer offer = small(&other, 1);
    struct change change;
    change_small(&change, 1, 2);
    assert_int_equal(install(place, &offer), GH_OK);
    assert_int_equal(apply(place, &change), GH_OK);
    char path[256], block[4096] = {1};
    snprintf(path, sizeof(path), "%s/filler", place->folder);
    FILE *filler = fopen(path, "wb");
    assert_non_null(filler);
    setbuf(filler, NULL);
    while (fwrite(block, sizeof(block), 1, filler) == 1) {
    }
    assert_stands(place, 2);
    fclose(filler);
    assert_int_equal(umount(place->folder), 0);
    leave_elsewhere(&other);
    change_free(&change);
}

/* The same without a disk of our own: over a limit of the process. */
static void a_file_size_limit_leaves_the_old_list(void **state)
{
    const struct place *place = *state;
    struct offer first = small(place, 1), second = large(place, 2, 20000);
    struct rlimit before, narrow;
    assert_int_equal(install(place, &first), GH_OK);
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    narrow = before;
    narrow.rlim_cur = 100 * 1024;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &narrow), 0);
    enum gh_status status = install(place, &second);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    assert_int_equal(status, GH_ERR_NOSPACE);
    assert_int_equal(count_files(place, ".tmp"), 0);
    assert_stands(place, 1);
}

static void a_read_only_disk_leaves_the_old_list(void **state)
{
    const struct place *place = *state;
    if (!mount_small(place, "size=512k")) {
        print_message("no small file system may be mounted here\n");
        skip();
    }
    struct place other = elsewhere(place);
    struct offer first = small(&other, 1), second = small(&other, 2);
    struct change change;
    change_small(&change, 1, 2);
    assert_int_equal(install(place, &first), GH_OK);
    /* Built, and never opened since. */
    assert_int_equal(mount(NULL, place->folder, NULL, MS_REMOUNT | MS_RDONLY, "size=512k"), 0);
    assert_stands(place, 1);
    assert_int_equal(mount(NULL, place->folder, NULL, MS_REMOUNT, "size=512k"), 0);
    struct gh_list *list = open_list(place);
    first.manifest.issued_at_s += GH_LIST_RENEW_S;
    offer_sign_again(&first, list_key);
    assert_int_equal(mount(NULL, place->folder, NULL, MS_REMOUNT | MS_RDONLY, "size=512k"), -1);
    gh_list_close(list); /* it is mapped to be written while anybody has it open */
    assert_int_equal(mount(NULL, place->folder, NULL, MS_REMOUNT | MS_RDONLY, "size=512k"), 0);
    assert_int_equal(install(place, &second), GH_ERR_READONLY);
    assert_int_equal(renew(place, &first), GH_ERR_READONLY);
    assert_int_equal(apply(place, &change), GH_ERR_READONLY);
    assert_stands(place, 1);
    assert_int_equal(umount(place->folder), 0);
    leave_elsewhere(&other);
    change_free(&change);
}

static void a_folder_that_is_not_there_is_said(void **state)
{
    const struct place *place = *state;
    struct place nowhere = {.path = "/nonexistent/gatehouse/list"};
    struct offer offer = small(place, 1);
    assert_int_equal(install(&nowhere, &offer), GH_ERR_NOTFOUND);
    assert_int_equal(open_status(&nowhere, list_public), GH_ERR_NOTFOUND);
    FILE *file = fopen(place->path, "wb"); /* no folder at all */
    assert_non_null(file);
    fclose(file);
    assert_int_equal(install(place, &offer), GH_ERR_EXISTS);
    assert_int_equal(open_status(place, list_public), GH_ERR_NOTFOUND);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_is_no_list_is_not_opened),         TEST(the_last_good_list_is_opened),
        TEST(a_list_of_another_version_is_replaced), TEST(damaged_files_take_nothing_down),
        TEST(a_failing_look_up_lets_nobody_in),      TEST(impossible_rows_let_nobody_in),
        TEST(left_over_files_are_removed),           TEST(what_cannot_be_read_is_not_tidied_up),
        TEST(a_full_disk_leaves_the_old_list),       TEST(a_list_on_a_full_disk_is_opened),
        TEST(a_file_size_limit_leaves_the_old_list), TEST(a_read_only_disk_leaves_the_old_list),
        TEST(a_folder_that_is_not_there_is_said),
    };
    return cmocka_run_group_tests(tests, make_keys, free_keys);
}
