/* SPDX-License-Identifier: Apache-2.0 */
/* file.c: files are replaced and committed whole or not at all, whoever else writes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>

#include "file_fixture.h"

static void assert_holds(const char *path, const char *text)
{
    uint8_t *data = NULL;
    size_t size = 0;
    assert_int_equal(gh_file_read(path, 1 << 20, &data, &size, NULL), GH_OK);
    assert_int_equal(size, strlen(text));
    assert_memory_equal(data, text, size + 1);
    free(data);
}

static int count_entries(const char *path)
{
    int count = -2; /* "." and ".." */
    DIR *dir = opendir(path);
    assert_non_null(dir);
    while (readdir(dir) != NULL) {
        count++;
    }
    closedir(dir);
    return count;
}

/* --- replacing --- */

static void a_file_is_written_and_replaced(void **state)
{
    (void)state;
    assert_int_equal(gh_file_replace("file", 0644, "first", 5, NULL), GH_OK);
    assert_holds("file", "first");
    assert_int_equal(gh_file_replace("./file", 0644, "2nd", 3, NULL), GH_OK);
    assert_holds("file", "2nd");
    assert_int_equal(gh_file_replace("file", 0644, NULL, 0, NULL), GH_OK);
    assert_holds("file", "");
    char path[128];
    assert_int_equal(gh_path_join(folder, "file", path, sizeof(path)), GH_OK);
    assert_int_equal(gh_file_replace(path, 0644, "absolute", 8, NULL), GH_OK);
    assert_holds("file", "absolute");
    assert_int_equal(count_entries("."), 1);
}

static void the_mode_is_exact(void **state)
{
    (void)state;
    static const mode_t modes[] = {0600, 0644, 0666, 0400, 0640};
    static const mode_t masks[] = {0, 022, 077, 0777};
    for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
        for (size_t j = 0; j < sizeof(masks) / sizeof(masks[0]); j++) {
            mode_t old = umask(masks[j]);
            enum gh_status status = gh_file_replace("file", modes[i], "x", 1, NULL);
            umask(old);
            assert_int_equal(status, GH_OK);
            struct stat info;
            assert_int_equal(stat("file", &info), 0);
            assert_int_equal(info.st_mode & 07777, modes[i]);
        }
    }
}

static void assert_replace_fails(const char *path, enum gh_status status)
{
    struct gh_error err = {0};
    assert_int_equal(gh_file_replace(path, 0644, "new", 3, &err), status);
    assert_int_equal(err.status, status);
    assert_true(strlen(err.text) > 0);
}

static void a_full_disk_leaves_the_old_file(void **state)
{
    (void)state;
    static char big[64 * 1024];
    memset(big, 'x', sizeof(big));
    assert_int_equal(gh_file_replace("file", 0644, "old", 3, NULL), GH_OK);

    struct rlimit before, limit;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    limit = before;
    limit.rlim_cur = 10000; /* so that the first part is written, and the rest is not */
    void (*handler)(int) = signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
    struct gh_error err = {0};
    enum gh_status status = gh_file_replace("file", 0644, big, sizeof(big), &err);
    enum gh_status fresh = gh_file_replace("fresh", 0644, big, sizeof(big), NULL);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    signal(SIGXFSZ, handler);

    assert_int_equal(status, GH_ERR_NOSPACE);
    assert_int_equal(fresh, GH_ERR_NOSPACE);
    assert_int_equal(err.status, GH_ERR_NOSPACE);
    assert_holds("file", "old");
    assert_int_equal(count_entries("."), 1);
}

static void a_missing_folder_is_not_found(void **state)
{
    (void)state;
    put("file", "x", 1);
    assert_replace_fails("missing/file", GH_ERR_NOTFOUND);
    assert_replace_fails("file/inside", GH_ERR_NOTFOUND);
}

static void paths_that_name_no_file_are_refused(void **state)
{
    (void)state;
    assert_int_equal(mkdir("dir", 0755), 0);
    char name[300] = "";
    memset(name, 'n', 252);
    assert_replace_fails("", GH_ERR_INVALID);
    assert_replace_fails("/", GH_ERR_INVALID);
    assert_replace_fails("dir/", GH_ERR_INVALID);
    assert_replace_fails("dir", GH_ERR_INVALID);
    assert_replace_fails(name, GH_ERR_INVALID); /* no room for the suffix */
    name[251] = '\0';
    assert_int_equal(gh_file_replace(name, 0644, "x", 1, NULL), GH_OK);
    static char deep[PATH_MAX + 100];
    memset(deep, 'd', sizeof(deep) - 3);
    memcpy(deep + sizeof(deep) - 3, "/f", 3);
    assert_replace_fails(deep, GH_ERR_INVALID);
    assert_int_equal(count_entries("."), 2);
    assert_int_equal(count_entries("dir"), 0);
}

static void a_folder_without_permission_is_read_only(void **state)
{
    (void)state;
    assert_int_equal(mkdir("dir", 0755), 0);
    assert_int_equal(gh_file_replace("dir/file", 0644, "old", 3, NULL), GH_OK);
    put("loose", "x", 1);
    assert_int_equal(chmod("dir", 0555), 0);
    if (!drop_root()) {
        skip();
    }
    struct gh_error err = {0};
    enum gh_status replaced = gh_file_replace("dir/file", 0644, "new", 3, &err);
    enum gh_status made = gh_dir_make("dir/sub", 0755, NULL);
    enum gh_status committed = gh_file_commit("loose", "dir/file", NULL);
    regain_root();
    assert_int_equal(replaced, GH_ERR_READONLY);
    assert_int_equal(err.status, GH_ERR_READONLY);
    assert_int_equal(made, GH_ERR_READONLY);
    assert_int_equal(committed, GH_ERR_READONLY);
    assert_holds("dir/file", "old");
    assert_holds("loose", "x");
    assert_int_equal(count_entries("dir"), 1);
    assert_int_equal(chmod("dir", 0755), 0);
}

/* After a power cut an old temporary file may lie there, with anything in it and any mode. */
static void a_left_over_temporary_file_does_no_harm(void **state)
{
    (void)state;
    put("file.tmp", "a much longer text that was never finished", 42);
    assert_int_equal(chmod("file.tmp", 0400), 0);
    assert_int_equal(gh_file_replace("file", 0600, "new", 3, NULL), GH_OK);
    assert_holds("file", "new");
    assert_int_equal(count_entries("."), 1);
}

static void what_root_left_over_does_not_stop_a_service(void **state)
{
    (void)state;
    assert_int_equal(mkdir("dir", 0755), 0);
    put("dir/file.tmp", "left over", 9);
    assert_int_equal(chmod("dir/file.tmp", 0400), 0);
    if (geteuid() == 0) {
        assert_int_equal(chown("dir", 65534, (gid_t)-1), 0);
    }
    if (!drop_root()) {
        skip();
    }
    enum gh_status status = gh_file_replace("dir/file", 0644, "new", 3, NULL);
    regain_root();
    assert_int_equal(status, GH_OK);
    assert_holds("dir/file", "new");
    assert_int_equal(count_entries("dir"), 1);
}

static void links_in_place_of_the_temporary_file_are_not_followed(void **state)
{
    (void)state;
    put("victim", "untouched", 9);
    assert_int_equal(symlink("victim", "file.tmp"), 0);
    assert_int_equal(gh_file_replace("file", 0644, "one", 3, NULL), GH_OK);
    assert_holds("victim", "untouched");
    assert_holds("file", "one");
    assert_int_equal(link("victim", "file.tmp"), 0);
    assert_int_equal(gh_file_replace("file", 0644, "two", 3, NULL), GH_OK);
    assert_holds("victim", "untouched");
    assert_holds("file", "two");
    assert_int_equal(mkfifo("file.tmp", 0600), 0);
    assert_int_equal(gh_file_replace("file", 0644, "three", 5, NULL), GH_OK);
    assert_holds("file", "three");
    assert_int_equal(mkdir("file.tmp", 0755), 0);
    assert_replace_fails("file", GH_ERR_INVALID);
    assert_holds("file", "three");
}

static void a_link_is_replaced_itself(void **state)
{
    (void)state;
    put("target", "target", 6);
    assert_int_equal(symlink("target", "file"), 0);
    assert_int_equal(gh_file_replace("file", 0644, "own", 3, NULL), GH_OK);
    assert_holds("file", "own");
    assert_holds("target", "target");
}

#define WRITERS 4
#define ROUNDS 20

/* A writer's text is one letter many times over: another length for each. */
static void *write_rounds(void *argument)
{
    int number = *(const int *)argument;
    char text[WRITERS * 10000];
    size_t size = (size_t)(number + 1) * 10000;
    memset(text, 'a' + number, size);
    for (int i = 0; i < ROUNDS; i++) {
        if (gh_file_replace("shared", 0644, text, size, NULL) != GH_OK) {
            return argument;
        }
    }
    return NULL;
}

static void writers_at_once_take_turns(void **state)
{
    (void)state;
    pthread_t threads[WRITERS];
    int numbers[WRITERS];
    put("shared", "", 0);
    for (int i = 0; i < WRITERS; i++) {
        numbers[i] = i;
        assert_int_equal(pthread_create(&threads[i], NULL, write_rounds, &numbers[i]), 0);
    }
    bool whole = true;
    for (int i = 0; i < 500; i++) {
        uint8_t *data = NULL;
        size_t size = 0;
        whole = gh_file_read("shared", 1 << 20, &data, &size, NULL) == GH_OK && whole;
        if (data != NULL && size > 0) {
            whole = whole && size == (size_t)(data[0] - 'a' + 1) * 10000 &&
                    strspn((const char *)data, (const char[]){(char)data[0], '\0'}) == size;
        }
        free(data);
    }
    for (int i = 0; i < WRITERS; i++) {
        void *failed;
        assert_int_equal(pthread_join(threads[i], &failed), 0);
        assert_null(failed);
    }
    assert_true(whole);
    assert_int_equal(count_entries("."), 1);
}

/* --- committing --- */

static void a_file_is_committed(void **state)
{
    (void)state;
    put("new", "new", 3);
    put("file", "old", 3);
    assert_int_equal(gh_file_commit("new", "file", NULL), GH_OK);
    assert_holds("file", "new");
    assert_int_equal(count_entries("."), 1);
    assert_int_equal(mkdir("dir", 0755), 0);
    char path[128];
    assert_int_equal(gh_path_join(folder, "dir/there", path, sizeof(path)), GH_OK);
    assert_int_equal(gh_file_commit("file", path, NULL), GH_OK);
    assert_holds("dir/there", "new");
}

static void a_commit_that_fails_changes_nothing(void **state)
{
    (void)state;
    static const struct {
        const char *from, *to;
        enum gh_status status;
    } cases[] = {
        {"missing", "file", GH_ERR_NOTFOUND},    {"new", "missing/file", GH_ERR_NOTFOUND},
        {"new", "file/inside", GH_ERR_NOTFOUND}, {"new", "dir", GH_ERR_INVALID},
        {"new", "dir/", GH_ERR_INVALID},         {"new", "", GH_ERR_INVALID},
        {"dir", "file", GH_ERR_INVALID},         {"fifo", "file", GH_ERR_INVALID},
    };
    put("new", "new", 3);
    put("file", "old", 3);
    assert_int_equal(mkdir("dir", 0755), 0);
    assert_int_equal(mkfifo("fifo", 0600), 0);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct gh_error err = {0};
        assert_int_equal(gh_file_commit(cases[i].from, cases[i].to, &err), cases[i].status);
        assert_int_equal(err.status, cases[i].status);
    }
    assert_holds("new", "new");
    assert_holds("file", "old");
    assert_int_equal(count_entries("."), 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FILE_TEST(a_file_is_written_and_replaced),
        FILE_TEST(the_mode_is_exact),
        FILE_TEST(a_full_disk_leaves_the_old_file),
        FILE_TEST(a_missing_folder_is_not_found),
        FILE_TEST(paths_that_name_no_file_are_refused),
        FILE_TEST(a_folder_without_permission_is_read_only),
        FILE_TEST(a_left_over_temporary_file_does_no_harm),
        FILE_TEST(what_root_left_over_does_not_stop_a_service),
        FILE_TEST(links_in_place_of_the_temporary_file_are_not_followed),
        FILE_TEST(a_link_is_replaced_itself),
        FILE_TEST(writers_at_once_take_turns),
        FILE_TEST(a_file_is_committed),
        FILE_TEST(a_commit_that_fails_changes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
