/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants the four above */
#include <arpa/inet.h>
#include <cmocka.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <netdb.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "gatehouse/bytes.h"
#include "gatehouse/file.h"
#include "gatehouse/log.h"
#include "gatehouse/sandbox.h"

/* A folder with: read/file, links/file -> ../read/file, write/, replaced/file, elsewhere/file. */
static char base[] = "/tmp/gatehouse-sandbox.XXXXXX";

static const char *at(const char *name)
{
    static char paths[4][512];
    static unsigned next;
    char *path = paths[next++ % 4];

    snprintf(path, sizeof(paths[0]), "%s/%s", base, name);
    return path;
}

static bool has_landlock(void)
{
    return syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION) >= 2;
}

static bool has_landlock_net(void)
{
    return syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION) >= 4;
}

static void put(const char *path, const char *text)
{
    assert_int_equal(gh_file_replace(path, 0644, text, strlen(text), NULL), GH_OK);
}

static int make_folders(void **state)
{
    static const char *const folders[] = {"read", "links", "write", "replaced", "elsewhere"};

    (void)state;
    if (mkdtemp(base) == NULL)
        return 1;
    for (size_t i = 0; i < GH_ARRAY_SIZE(folders); i++)
        assert_int_equal(mkdir(at(folders[i]), 0700), 0);
    put(at("read/file"), "read");
    put(at("replaced/file"), "before");
    put(at("elsewhere/file"), "elsewhere");
    assert_int_equal(symlink(at("read/file"), at("links/file")), 0);
    gh_log_set_level(GH_LOG_NOTICE);
    return 0;
}

static int remove_folders(void **state)
{
    char command[128];

    (void)state;
    snprintf(command, sizeof(command), "rm -rf '%s'", base);
    return system(command) == 0 ? 0 : 1;
}

/* --- a process in the sandbox --- */

typedef int body_fn(void); /* 0: as it should be; else which of its checks was not met */

static void build(struct gh_sandbox *sandbox)
{
    gh_sandbox_allow(sandbox, GH_SANDBOX_READ, "/usr");
    gh_sandbox_allow(sandbox, GH_SANDBOX_READ, "/lib");
    gh_sandbox_allow(sandbox, GH_SANDBOX_READ, "/lib64");
    gh_sandbox_allow(sandbox, GH_SANDBOX_READ, "/etc/hosts");
    gh_sandbox_allow(sandbox, GH_SANDBOX_READ, at("read"));
    gh_sandbox_allow(sandbox, GH_SANDBOX_WRITE, at("write"));
    gh_sandbox_allow(sandbox, GH_SANDBOX_DEVICES, "/dev");
    gh_sandbox_allow(sandbox, GH_SANDBOX_READ, at("is not there"));
    gh_sandbox_allow(sandbox, GH_SANDBOX_READ, "");
    gh_sandbox_allow(sandbox, GH_SANDBOX_READ, NULL);
    gh_sandbox_allow(sandbox, GH_SANDBOX_REPLACE, at("replaced/file"));
    gh_sandbox_allow(sandbox, GH_SANDBOX_REPLACE, at("links/file"));
}

/* How a process ended that did this in the sandbox, as waitpid says. */
static int ended(const struct gh_sandbox *sandbox, body_fn *body)
{
    int status;
    pid_t pid = fork();

    assert_true(pid >= 0);
    if (pid == 0) {
        struct gh_error err = {0};
        if (gh_sandbox_enter(sandbox, &err) != GH_OK) {
            fprintf(stderr, "%s\n", err.text);
            _exit(100);
        }
        _exit(body());
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return status;
}

static void assert_all_met(bool keeper, bool listens, body_fn *body)
{
    struct gh_sandbox sandbox = {.keeper = keeper, .listens = listens};

    build(&sandbox);
    assert_int_equal(ended(&sandbox, body), 0);
}

static void assert_killed(bool keeper, body_fn *body)
{
    struct gh_sandbox sandbox = {.keeper = keeper};

    build(&sandbox);
    int status = ended(&sandbox, body);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGSYS);
}

#define MEET(number, condition)                                                                    \
    if (!(condition))                                                                              \
    return number

static bool opens(const char *path, int flags)
{
    int fd = open(path, flags, 0600);

    if (fd >= 0)
        close(fd);
    return fd >= 0;
}

/* --- files --- */

static int try_files(void)
{
    MEET(1, opens(at("read/file"), O_RDONLY));
    MEET(2, !opens(at("read/file"), O_WRONLY) && errno == EACCES);
    MEET(3, !opens(at("read/new"), O_WRONLY | O_CREAT) && errno == EACCES);
    MEET(4, unlink(at("read/file")) != 0 && errno == EACCES);
    MEET(5, !opens("/etc/shadow", O_RDONLY) && errno == EACCES);
    MEET(6, !opens(at("elsewhere/file"), O_RDONLY) && errno == EACCES);
    MEET(7, opens(at("write/new"), O_RDWR | O_CREAT | O_TRUNC));
    MEET(8, mkdir(at("write/folder"), 0700) == 0);
    MEET(9, rename(at("write/new"), at("write/folder/new")) == 0);
    MEET(10, rename(at("write/folder/new"), at("elsewhere/new")) != 0);
    MEET(11, unlink(at("write/folder/new")) == 0 && rmdir(at("write/folder")) == 0);
    MEET(12, opens("/dev/null", O_RDWR));
    MEET(13, !opens("/dev/gatehouse-file", O_WRONLY | O_CREAT));
    return 0;
}

static void test_files(void **state)
{
    (void)state;
    if (!has_landlock())
        skip();
    assert_all_met(false, false, try_files);
}

static bool says(const char *path, const char *wanted)
{
    char text[32] = "";
    GH_CLEANUP_FD int fd = open(path, O_RDONLY);

    return fd >= 0 && read(fd, text, sizeof(text) - 1) >= 0 && strcmp(text, wanted) == 0;
}

/* Each turn of the pipe: somebody outside has replaced the file. */
static int turn[2], turned[2];

static int try_replaced(void)
{
    char byte = 0;

    MEET(1, says(at("replaced/file"), "before"));
    MEET(2, says(at("links/file"), "read"));
    MEET(3, write(turn[1], &byte, 1) == 1 && read(turned[0], &byte, 1) == 1);
    MEET(4, says(at("replaced/file"), "after"));
    MEET(5, says(at("links/file"), "read anew"));
    return 0;
}

static void test_a_file_that_is_replaced_is_still_read(void **state)
{
    (void)state;
    if (!has_landlock())
        skip();
    assert_int_equal(pipe(turn), 0);
    assert_int_equal(pipe(turned), 0);
    pid_t pid = fork();
    if (pid == 0) {
        char byte;
        if (read(turn[0], &byte, 1) != 1)
            _exit(1);
        put(at("replaced/file"), "after");
        put(at("read/file"), "read anew");
        _exit(write(turned[1], &byte, 1) == 1 ? 0 : 1);
    }
    assert_all_met(false, false, try_replaced);
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    for (int i = 0; i < 2; i++) {
        close(turn[i]);
        close(turned[i]);
    }
}

/* --- addresses --- */

static bool binds(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    GH_CLEANUP_FD int fd = socket(AF_INET, SOCK_STREAM, 0);

    return fd >= 0 && bind(fd, (struct sockaddr *)&address, sizeof(address)) == 0;
}

static int try_bind(void)
{
    MEET(1, binds());
    return 0;
}

static int try_not_to_bind(void)
{
    MEET(1, !binds() && errno == EACCES);
    return 0;
}

static void test_who_listens(void **state)
{
    (void)state;
    assert_all_met(false, true, try_bind);
    if (has_landlock_net())
        assert_all_met(false, false, try_not_to_bind);
}

/* --- system calls --- */

static int start_a_shell(void)
{
    char *const arguments[] = {(char *)"true", NULL};

    execve("/bin/true", arguments, NULL);
    return 0;
}

static int look_into_another(void)
{
    ptrace(PTRACE_ATTACH, getppid(), NULL, NULL);
    return 0;
}

static int get_another_name(void)
{
    (void)syscall(SYS_setuid, 12345);
    return 0;
}

static int mount_something(void)
{
    (void)syscall(SYS_mount, "none", "/mnt", "tmpfs", 0, NULL);
    return 0;
}

static void test_deadly_calls(void **state)
{
    static body_fn *const deadly[] = {start_a_shell, look_into_another, get_another_name,
                                      mount_something};

    (void)state;
    for (size_t i = 0; i < GH_ARRAY_SIZE(deadly); i++) {
        assert_killed(false, deadly[i]);
        assert_killed(true, deadly[i]);
    }
}

static int try_calls(void)
{
    const size_t page = 4096;

    MEET(1, syscall(SYS_io_uring_setup, 1, NULL) < 0 && errno == ENOSYS);
    MEET(2, syscall(100000) < 0 && errno == ENOSYS);
    MEET(3, fork() < 0 && errno == ENOSYS);
    MEET(4, socket(AF_PACKET, SOCK_RAW, 0) < 0 && errno == ENOSYS);
    MEET(5, mmap(NULL, page, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1,
                 0) == MAP_FAILED);
    void *memory = mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    MEET(6, memory != MAP_FAILED);
    MEET(7, mprotect(memory, page, PROT_READ | PROT_EXEC) < 0 && errno == ENOSYS);
    MEET(8, mprotect(memory, page, PROT_READ) == 0);
    return 0;
}

static int try_personality(void)
{
    (void)syscall(SYS_personality, 0xffffffff);
    return 0;
}

static void test_calls_that_do_not_exist(void **state)
{
    (void)state;
    assert_killed(false, try_personality);
    assert_all_met(false, false, try_calls);
}

/* --- what has to go on --- */

static void *in_a_thread(void *argument)
{
    (void)argument;
    return opens(at("read/file"), O_RDONLY) && !opens(at("elsewhere/file"), O_RDONLY) ? argument
                                                                                      : NULL;
}

static int localhost; /* what getaddrinfo says of it without a sandbox: not every root knows it */

static int try_what_libraries_do(void)
{
    struct addrinfo *found = NULL;
    struct tm local;
    time_t now = 0;
    pthread_t thread;
    void *result = NULL;
    int word = 0;

    MEET(1, pthread_create(&thread, NULL, in_a_thread, &word) == 0);
    MEET(2, pthread_join(thread, &result) == 0 && (!has_landlock() || result == &word));
    MEET(3, getaddrinfo("localhost", "443", NULL, &found) == localhost);
    if (localhost == 0)
        freeaddrinfo(found);
    MEET(4, localtime_r(&now, &local) != NULL);
    MEET(5, dlopen("libasound.so.2", RTLD_NOW) != NULL || access("/usr/share/alsa", R_OK) != 0);
    void *large = malloc((size_t)64 << 20);
    MEET(6, large != NULL);
    free(large);
    return 0;
}

static void test_libraries_go_on(void **state)
{
    struct addrinfo *found = NULL;

    (void)state;
    localhost = getaddrinfo("localhost", "443", NULL, &found);
    if (localhost == 0)
        freeaddrinfo(found);
    assert_all_met(false, false, try_what_libraries_do);
}

static pthread_barrier_t barrier;

static void *early_thread(void *argument)
{
    pthread_barrier_wait(&barrier);
    /* in the sandbox that the main thread entered meanwhile */
    return syscall(SYS_io_uring_setup, 1, NULL) < 0 && errno == ENOSYS ? argument : NULL;
}

static void test_calls_hold_for_threads_that_were_there(void **state)
{
    (void)state;
    int status;
    pid_t pid = fork();
    if (pid == 0) {
        struct gh_sandbox sandbox = {0};
        pthread_t thread;
        void *result = NULL;
        build(&sandbox);
        pthread_barrier_init(&barrier, NULL, 2);
        if (pthread_create(&thread, NULL, early_thread, &barrier) != 0 ||
            gh_sandbox_enter(&sandbox, NULL) != GH_OK)
            _exit(1);
        pthread_barrier_wait(&barrier);
        _exit(pthread_join(thread, &result) == 0 && result == &barrier ? 0 : 2);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
}

/* --- the keeper's --- */

static int try_as_keeper(void)
{
    MEET(1, socket(AF_UNIX, SOCK_STREAM, 0) < 0 && errno == ENOSYS);
    MEET(2, !opens(at("write/new"), O_RDWR | O_CREAT) && errno == ENOSYS);
    MEET(3, opens(at("read/file"), O_RDONLY));
    MEET(4, !opens(at("elsewhere/file"), O_RDONLY) || !has_landlock());
    MEET(5, rename(at("write/a"), at("write/b")) < 0 && errno == ENOSYS);
    MEET(6, kill(getppid(), 0) < 0 && errno == ENOSYS);
    return 0;
}

static void test_the_keeper_may_less(void **state)
{
    (void)state;
    assert_all_met(true, false, try_as_keeper);
}

static void test_too_many_paths(void **state)
{
    (void)state;
    struct gh_sandbox sandbox = {0};
    for (int i = 0; i <= GH_SANDBOX_PATHS_MAX; i++)
        gh_sandbox_allow(&sandbox, GH_SANDBOX_READ, "/usr");
    assert_int_equal(gh_sandbox_enter(&sandbox, NULL), GH_ERR_TOOBIG);
    assert_true(opens("/proc/self/stat", O_RDONLY)); /* and nothing was done */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_files),
        cmocka_unit_test(test_a_file_that_is_replaced_is_still_read),
        cmocka_unit_test(test_who_listens),
        cmocka_unit_test(test_deadly_calls),
        cmocka_unit_test(test_calls_that_do_not_exist),
        cmocka_unit_test(test_libraries_go_on),
        cmocka_unit_test(test_calls_hold_for_threads_that_were_there),
        cmocka_unit_test(test_the_keeper_may_less),
        cmocka_unit_test(test_too_many_paths),
    };

    if (gh_sandbox_is_left_out()) {
        puts("1..1\nok 1 - the sandbox # SKIP there are sanitizers in this program");
        return 0;
    }
    return cmocka_run_group_tests(tests, make_folders, remove_folders);
}
