/* SPDX-License-Identifier: Apache-2.0 */
/* What systemd is to a service with Type=notify, as far as a test needs it:
 *
 *     service_manager WATCHDOG_USEC COMMAND...
 *
 * starts the command with a NOTIFY_SOCKET, and prints each line that it sends there, at once. Reads
 * orders from standard input, a line each: "stick NAME" stops the thread of that name alone
 * (ptrace), "stick-in-sync" stops the first thread when it next has something written to the disk,
 * as a disk that hangs would, "unstick" lets it go on, "end" or the end of the input sends SIGTERM.
 * Ends as the command ends. */
#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

static pid_t service, stuck;

static _Noreturn void fail(const char *what)
{
    fprintf(stderr, "service_manager: %s: %s\n", what, strerror(errno));
    if (service > 0)
        kill(service, SIGKILL);
    exit(9);
}

/* In the abstract namespace, so that nothing is left behind. */
static int listen_for_words(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    char *name = address.sun_path + 1;
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    snprintf(name, sizeof(address.sun_path) - 1, "gatehouse-service-manager-%d", (int)getpid());
    socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + strlen(name));
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, size) != 0)
        fail("the socket");
    char variable[sizeof(address.sun_path) + 1] = "@";
    snprintf(variable + 1, sizeof(variable) - 1, "%s", name);
    setenv("NOTIFY_SOCKET", variable, 1);
    return fd;
}

static pid_t thread_named(const char *wanted)
{
    char path[512], name[64];
    pid_t found = 0;

    snprintf(path, sizeof(path), "/proc/%d/task", (int)service);
    DIR *folder = opendir(path);
    if (!folder)
        fail(path);
    for (struct dirent *entry; !found && (entry = readdir(folder));) {
        snprintf(path, sizeof(path), "/proc/%d/task/%.32s/comm", (int)service, entry->d_name);
        FILE *file = fopen(path, "re");
        if (file && fgets(name, sizeof(name), file)) {
            name[strcspn(name, "\n")] = '\0';
            if (strcmp(name, wanted) == 0)
                found = (pid_t)strtol(entry->d_name, NULL, 10);
        }
        if (file)
            fclose(file);
    }
    closedir(folder);
    return found;
}

static void stick(const char *name)
{
    stuck = thread_named(name);
    if (stuck == 0 || ptrace(PTRACE_SEIZE, stuck, NULL, NULL) != 0 ||
        ptrace(PTRACE_INTERRUPT, stuck, NULL, NULL) != 0 || waitpid(stuck, NULL, __WALL) != stuck)
        printf("cannot be stopped: %s\n", strerror(errno));
    else
        puts("stuck");
}

/* At each system call that the first thread begins or ends, and each signal: on with it, until it
 * is one of those. */
static void on_stop(int status)
{
    struct __ptrace_syscall_info info = {0};
    int signal = WSTOPSIG(status);
    bool event = (status >> 16) != 0, call = signal == (SIGTRAP | 0x80);

    if (call)
        (void)ptrace(PTRACE_GET_SYSCALL_INFO, service, sizeof(info), &info);
    if (call && info.op == PTRACE_SYSCALL_INFO_ENTRY &&
        (info.entry.nr == SYS_fdatasync || info.entry.nr == SYS_fsync)) {
        puts("stuck");
        return;
    }
    if (ptrace(PTRACE_SYSCALL, service, NULL, event || call ? 0L : (long)signal) != 0)
        fail("the first thread cannot go on");
}

static void stick_in_sync(void)
{
    stuck = service;
    if (ptrace(PTRACE_SEIZE, service, NULL, PTRACE_O_TRACESYSGOOD) != 0 ||
        ptrace(PTRACE_INTERRUPT, service, NULL, NULL) != 0)
        printf("cannot be stopped: %s\n", strerror(errno));
    else
        puts("waits for a sync");
}

static void obey(char *order)
{
    order[strcspn(order, "\n")] = '\0';
    if (strcmp(order, "stick-in-sync") == 0) {
        stick_in_sync();
    } else if (strncmp(order, "stick ", 6) == 0) {
        stick(order + 6);
    } else if (strcmp(order, "unstick") == 0) {
        if (ptrace(PTRACE_DETACH, stuck, NULL, NULL) != 0)
            fail("the thread cannot go on");
        puts("unstuck");
    } else {
        kill(service, SIGTERM);
    }
}

static void start_service(char **command, const sigset_t *before)
{
    service = fork();
    if (service == 0) {
        sigprocmask(SIG_SETMASK, before, NULL);
        execv(command[0], command);
        _exit(127);
    }
    if (service < 0)
        fail("fork");
}

static void print_words(int fd)
{
    char words[1024];
    ssize_t size = recv(fd, words, sizeof(words) - 1, 0);

    if (size < 0)
        fail("the socket");
    words[size] = '\0';
    puts(words);
}

/* The command's exit code once it has ended, as a shell gives it; -1 before. */
static int look_for_end(void)
{
    int status;

    for (;;) {
        if (waitpid(service, &status, WNOHANG) != service)
            return -1;
        if (!WIFSTOPPED(status))
            break;
        on_stop(status);
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int main(int argc, char **argv)
{
    sigset_t child, before;
    char order[64];
    int code;

    if (argc < 3)
        return 2;
    setvbuf(stdout, NULL, _IOLBF, 0);
    setvbuf(stdin, NULL, _IONBF, 0); /* or poll would not see what waits in the buffer */
    sigemptyset(&child);
    sigaddset(&child, SIGCHLD);
    sigprocmask(SIG_BLOCK, &child, &before);
    int words = listen_for_words(), ends = signalfd(-1, &child, SFD_CLOEXEC);
    setenv("WATCHDOG_USEC", argv[1], 1);
    start_service(argv + 2, &before);
    struct pollfd ready[] = {{.fd = words, .events = POLLIN},
                             {.fd = 0, .events = POLLIN},
                             {.fd = ends, .events = POLLIN}};
    while ((code = look_for_end()) < 0) {
        struct signalfd_siginfo info;
        if (poll(ready, 3, -1) < 0 && errno != EINTR)
            fail("poll");
        if (ready[0].revents & POLLIN)
            print_words(words);
        if (ready[1].revents) {
            if (!fgets(order, sizeof(order), stdin)) {
                ready[1].fd = -1;
                memcpy(order, "end", 4);
            }
            obey(order);
        }
        if ((ready[2].revents & POLLIN) && read(ends, &info, sizeof(info)) < 0)
            fail("signalfd");
    }
    return code;
}
