/* SPDX-License-Identifier: Apache-2.0 */
/* file.c: what scopes let go, files that are read, folders and paths. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "file_fixture.h"

/* --- cleanup --- */

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

/* --- reading --- */

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

/* --- folders and paths --- */

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
        FILE_TEST(a_folder_is_made_once),
        FILE_TEST(a_folder_that_cannot_be_made),
        FILE_TEST(paths_are_joined),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
