/* SPDX-License-Identifier: Apache-2.0 */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "gatehouse/file.h"

/* Each test works in a folder of its own and by names relative to it. */
static char folder[64];
static int home = -1;

static int enter_folder(void **state)
{
    (void)state;
    strcpy(folder, "/tmp/gatehouse-file-XXXXXX");
    home = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return home >= 0 && mkdtemp(folder) != NULL && chmod(folder, 0755) == 0 ? chdir(folder) : -1;
}

static void remove_tree(const char *path)
{
    DIR *dir = opendir(path);
    if (dir != NULL) {
        for (struct dirent *entry; (entry = readdir(dir)) != NULL;) {
            char inner[PATH_MAX];
            if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0 &&
                gh_path_join(path, entry->d_name, inner, sizeof(inner)) == GH_OK &&
                unlink(inner) != 0) {
                remove_tree(inner);
            }
        }
        closedir(dir);
    }
    rmdir(path);
}

static int leave_folder(void **state)
{
    (void)state;
    int result = fchdir(home);
    close(home);
    remove_tree(folder);
    return result;
}

static void put(const char *path, const void *data, size_t size)
{
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    assert_int_equal(fwrite(data, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}

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

static void assert_refused(const char *path, size_t max_bytes, enum gh_status status)
{
    uint8_t *data = (uint8_t *)"";
    size_t size;
    struct gh_error err = {0};
    assert_int_equal(gh_file_read(path, max_bytes, &data, &size, &err), status);
    assert_null(data);
    assert_int_equal(err.status, status);
    assert_non_null(strstr(err.text, path));
}

/* Root may do anything: the tests of permissions act as nobody for a while. */
static bool drop_root(void)
{
    return geteuid() != 0 || seteuid(65534) == 0;
}

static void regain_root(void)
{
    if (getuid() == 0) {
        assert_int_equal(seteuid(0), 0);
    }
}

/* --- cleanup -------------------------------------------------------------------------------------
 */

static void scopes_release_what_they_hold(void **state)
{
    (void)state;
    int fd_before, stream_before;
    {
        GH_CLEANUP_FD int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
        GH_CLEANUP_FILE FILE *stream = fopen("/dev/null", "re");
        GH_CLEANUP_FREE char *text = strdup("released, or the leak checker complains");
        GH_CLEANUP_FD int no_fd = -1;
        GH_CLEANUP_FILE FILE *no_stream = NULL;
        GH_CLEANUP_FREE void *nothing = NULL;
        assert_non_null(text);
        (void)no_fd, (void)no_stream, (void)nothing;
        fd_before = fd;
        stream_before = fileno(stream);
        assert_true(fcntl(fd_before, F_GETFD) >= 0);
        errno = 77;
    }
    assert_int_equal(errno, 77);
    assert_int_equal(fcntl(fd_before, F_GETFD), -1);
    assert_int_equal(fcntl(stream_before, F_GETFD), -1);
}

static void cleanup_keeps_errno_when_closing_fails(void **state)
{
    (void)state;
    int fd = 9999;
    errno = 77;
    gh_cleanup_fd(&fd);
    assert_int_equal(errno, 77);
    assert_int_equal(fd, -1);
}

/* --- reading -------------------------------------------------------------------------------------
 */

static void a_file_is_read_whole(void **state)
{
    (void)state;
    static char big[100000];
    for (size_t i = 0; i < sizeof(big); i++) {
        big[i] = (char)(i * 31 >> 3);
    }
    put("big", big, sizeof(big));
    uint8_t *data;
    size_t size;
    assert_int_equal(gh_file_read("big", sizeof(big), &data, &size, NULL), GH_OK);
    assert_int_equal(size, sizeof(big));
    assert_memory_equal(data, big, size);
    assert_int_equal(data[size], 0);
    free(data);
    assert_refused("big", sizeof(big) - 1, GH_ERR_TOOBIG);
    assert_refused("big", 0, GH_ERR_TOOBIG);
}

static void an_empty_file_is_a_text_without_letters(void **state)
{
    (void)state;
    put("empty", "", 0);
    uint8_t *data;
    size_t size = 42;
    assert_int_equal(gh_file_read("empty", 0, &data, &size, NULL), GH_OK);
    assert_int_equal(size, 0);
    assert_non_null(data);
    assert_int_equal(data[0], 0);
    free(data);
    assert_int_equal(gh_file_read("empty", SIZE_MAX, &data, &size, NULL), GH_OK);
    free(data);
}

/* Files in /proc say that their size is 0. */
static void a_file_of_unknown_size_is_read_whole(void **state)
{
    (void)state;
    uint8_t *data;
    size_t size;
    assert_int_equal(gh_file_read("/proc/self/status", 1 << 20, &data, &size, NULL), GH_OK);
    assert_true(size > 100);
    assert_int_equal(strlen((const char *)data), size);
    assert_non_null(strstr((const char *)data, "\nUid:"));
    free(data);
    assert_refused("/proc/self/status", 10, GH_ERR_TOOBIG);
    if (access("/proc/kallsyms", R_OK) == 0) { /* megabytes: the buffer must grow often */
        assert_int_equal(gh_file_read("/proc/kallsyms", 1 << 28, &data, &size, NULL), GH_OK);
        assert_int_equal(strlen((const char *)data), size);
        free(data);
    }
}

static void what_is_not_a_regular_file_is_refused(void **state)
{
    (void)state;
    assert_int_equal(mkdir("dir", 0755), 0);
    assert_int_equal(mkfifo("fifo", 0600), 0);
    assert_int_equal(symlink("loop", "loop"), 0);
    GH_CLEANUP_FD int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "socket"};
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);

    assert_refused("dir", 1000, GH_ERR_INVALID);
    assert_refused("fifo", 1000, GH_ERR_INVALID); /* and does not wait for a writer */
    assert_refused("socket", 1000, GH_ERR_INVALID);
    assert_refused("loop", 1000, GH_ERR_INVALID);
    assert_refused("/dev/zero", 1000, GH_ERR_INVALID);
}

static void a_missing_file_is_not_found(void **state)
{
    (void)state;
    put("file", "x", 1);
    assert_int_equal(symlink("nowhere", "dangling"), 0);
    assert_refused("missing", 1000, GH_ERR_NOTFOUND);
    assert_refused("missing/file", 1000, GH_ERR_NOTFOUND);
    assert_refused("file/inside", 1000, GH_ERR_NOTFOUND);
    assert_refused("dangling", 1000, GH_ERR_NOTFOUND);
}

static void a_forbidden_file_is_denied(void **state)
{
    (void)state;
    put("secret", "x", 1);
    assert_int_equal(chmod("secret", 0), 0);
    if (!drop_root()) {
        skip();
    }
    uint8_t *data;
    size_t size;
    enum gh_status status = gh_file_read("secret", 1000, &data, &size, NULL);
    regain_root();
    assert_int_equal(status, GH_ERR_DENIED);
}

/* --- replacing -----------------------------------------------------------------------------------
 */

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

/* --- committing
 * ------------------------------------------------------------------------------------ */

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

/* --- folders and paths ---------------------------------------------------------------------------
 */

static void a_folder_is_made_once(void **state)
{
    (void)state;
    struct stat info;
    assert_int_equal(gh_dir_make("dir", 0700, NULL), GH_OK);
    assert_int_equal(stat("dir", &info), 0);
    assert_true(S_ISDIR(info.st_mode));
    assert_int_equal(info.st_mode & 0777, 0700);
    assert_int_equal(gh_dir_make("dir", 0755, NULL), GH_OK);
    assert_int_equal(gh_dir_make("dir/", 0755, NULL), GH_OK);
    assert_int_equal(gh_dir_make("dir/sub/", 0755, NULL), GH_OK);
    assert_int_equal(gh_dir_make("/", 0755, NULL), GH_OK);
    assert_int_equal(symlink("dir", "link"), 0);
    assert_int_equal(gh_dir_make("link", 0755, NULL), GH_OK);
}

static void a_folder_that_cannot_be_made(void **state)
{
    (void)state;
    put("file", "x", 1);
    assert_int_equal(symlink("nowhere", "dangling"), 0);
    struct gh_error err = {0};
    assert_int_equal(gh_dir_make("file", 0755, &err), GH_ERR_EXISTS);
    assert_int_equal(err.status, GH_ERR_EXISTS);
    assert_int_equal(gh_dir_make("dangling", 0755, NULL), GH_ERR_EXISTS);
    assert_int_equal(gh_dir_make("missing/dir", 0755, NULL), GH_ERR_NOTFOUND);
    assert_int_equal(gh_dir_make("file/dir", 0755, NULL), GH_ERR_NOTFOUND);
    assert_int_equal(gh_dir_make("", 0755, NULL), GH_ERR_NOTFOUND);
}

static void paths_are_joined(void **state)
{
    (void)state;
    static const char *const cases[][3] = {
        {"/var/lib", "list", "/var/lib/list"},
        {"/var/lib/", "list", "/var/lib/list"},
        {"/", "list", "/list"},
        {".", "list", "./list"},
        {"", "list", "list"},
        {"a", "", "a/"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char out[64];
        size_t wanted = strlen(cases[i][2]) + 1;
        for (size_t room = 0; room < sizeof(out); room++) {
            memset(out, '~', sizeof(out));
            enum gh_status status = gh_path_join(cases[i][0], cases[i][1], out, room);
            assert_int_equal(status, room < wanted ? GH_ERR_TOOBIG : GH_OK);
            assert_int_equal(out[room], '~');
            if (room > 0) {
                assert_string_equal(out, room < wanted ? "" : cases[i][2]);
            }
        }
    }
}

#define FILE_TEST(name) cmocka_unit_test_setup_teardown(name, enter_folder, leave_folder)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(scopes_release_what_they_hold),
        cmocka_unit_test(cleanup_keeps_errno_when_closing_fails),
        FILE_TEST(a_file_is_read_whole),
        FILE_TEST(an_empty_file_is_a_text_without_letters),
        FILE_TEST(a_file_of_unknown_size_is_read_whole),
        FILE_TEST(what_is_not_a_regular_file_is_refused),
        FILE_TEST(a_missing_file_is_not_found),
        FILE_TEST(a_forbidden_file_is_denied),
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
        FILE_TEST(a_folder_is_made_once),
        FILE_TEST(a_folder_that_cannot_be_made),
        FILE_TEST(paths_are_joined),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
