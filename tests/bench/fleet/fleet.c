/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/fleet/fleet.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "gatehouse/clock.h"

#define CHILDREN_MAX 4
#define END_WAIT_MS 10000
#define STEP_MS 20
#define PATH_BYTES 512
#define LOG_BYTES 4096

static char folder[PATH_BYTES];
static pid_t children[CHILDREN_MAX];
static volatile sig_atomic_t stop_signal;

/* --- the end --- */

static int remove_one(const char *path, const struct stat *info, int type, struct FTW *ftw)
{
    (void)info, (void)type, (void)ftw;
    return remove(path);
}

static void tidy_up(void)
{
    for (size_t i = 0; i < CHILDREN_MAX; i++)
        if (children[i] != 0)
            fleet_child_end(children[i]);
    if (folder[0] != '\0')
        (void)nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* What the server said last. */
static void show_log(void)
{
    char path[PATH_BYTES + 32], text[LOG_BYTES + 1];
    snprintf(path, sizeof(path), "%s/" FLEET_LOG, folder);
    int fd = folder[0] != '\0' ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    if (fd < 0)
        return;
    off_t size = lseek(fd, 0, SEEK_END);
    ssize_t read_bytes = pread(fd, text, LOG_BYTES, size > LOG_BYTES ? size - LOG_BYTES : 0);
    close(fd);
    if (read_bytes > 0)
        fprintf(stderr, "--- the end of the server's log\n%.*s", (int)read_bytes, text);
}

void fleet_fail(const char *format, ...)
{
    va_list arguments;
    fflush(stdout);
    fputs("\nbench-fleet: ", stderr);
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
    show_log();
    exit(1);
}

void fleet_must(enum gh_status status, const char *what)
{
    if (status != GH_OK)
        fleet_fail("%s: %s", what, gh_status_text(status));
}

void *fleet_allocate(size_t count, size_t size)
{
    void *made = calloc(count > 0 ? count : 1, size);
    if (made == NULL)
        fleet_fail("no memory");
    return made;
}

static void on_signal(int number)
{
    stop_signal = number;
}

void fleet_check_stopped(void)
{
    if (stop_signal != 0)
        fleet_fail("stopped by signal %d", (int)stop_signal);
}

void fleet_begin(void)
{
    struct sigaction action = {.sa_handler = on_signal};
    const char *parent = getenv("TMPDIR");
    char path[PATH_BYTES];
    (void)sigaction(SIGINT, &action, NULL);
    (void)sigaction(SIGTERM, &action, NULL);
    (void)sigaction(SIGHUP, &action, NULL);
    (void)signal(SIGPIPE, SIG_IGN);
    int size = snprintf(path, sizeof(path), "%s/gatehouse-fleet.XXXXXX",
                        parent != NULL && parent[0] != '\0' ? parent : "/tmp");
    if (size < 0 || (size_t)size >= sizeof(path) || mkdtemp(path) == NULL)
        fleet_fail("no temporary folder: %s", strerror(errno));
    memcpy(folder, path, sizeof(folder));
    if (atexit(tidy_up) != 0)
        fleet_fail("atexit");
}

const char *fleet_folder(void)
{
    return folder;
}

/* --- children --- */

void fleet_child_add(pid_t pid)
{
    for (size_t i = 0; i < CHILDREN_MAX; i++) {
        if (children[i] == 0) {
            children[i] = pid;
            return;
        }
    }
    (void)kill(pid, SIGKILL);
    fleet_fail("too many children");
}

/* Nothing of ours outlives us, and the folder is the parent's to remove. */
void fleet_child_begin(void)
{
    folder[0] = '\0';
    memset(children, 0, sizeof(children));
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    (void)signal(SIGINT, SIG_IGN); /* the parent says when */
    (void)signal(SIGTERM, SIG_DFL);
    (void)signal(SIGHUP, SIG_DFL);
}

static void forget_child(pid_t pid)
{
    for (size_t i = 0; i < CHILDREN_MAX; i++)
        if (children[i] == pid)
            children[i] = 0;
}

void fleet_child_end(pid_t pid)
{
    const struct timespec step = {.tv_nsec = STEP_MS * GH_NS_PER_MS};
    forget_child(pid);
    (void)kill(pid, SIGTERM);
    for (int waited_ms = 0; waited_ms < END_WAIT_MS; waited_ms += STEP_MS) {
        if (waitpid(pid, NULL, WNOHANG) != 0)
            return;
        (void)nanosleep(&step, NULL);
    }
    (void)kill(pid, SIGKILL);
    (void)waitpid(pid, NULL, 0);
}

/* --- time and figures --- */

int64_t fleet_now_ns(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * GH_NS_PER_S + now.tv_nsec;
}

double fleet_ms(int64_t ns)
{
    return (double)ns / (double)GH_NS_PER_MS;
}

double fleet_s(int64_t ns)
{
    return (double)ns / (double)GH_NS_PER_S;
}

int64_t fleet_cpu_ns(pid_t pid)
{
    clockid_t clock;
    struct timespec spent = {0};
    if (clock_getcpuclockid(pid, &clock) != 0 || clock_gettime(clock, &spent) != 0)
        return 0;
    return spent.tv_sec * GH_NS_PER_S + spent.tv_nsec;
}

static int compare(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return x < y ? -1 : x > y;
}

struct fleet_spread fleet_spread_of(int64_t *durations_ns, size_t count)
{
    struct fleet_spread spread = {0};
    if (count == 0)
        return spread;
    qsort(durations_ns, count, sizeof(*durations_ns), compare);
    spread.p50_ns = durations_ns[(count - 1) / 2];
    spread.p99_ns = durations_ns[(count * 99 + 99) / 100 - 1];
    spread.last_ns = durations_ns[count - 1];
    return spread;
}

static size_t kib_of(const char *text, const char *name)
{
    const char *at = strstr(text, name);
    return at != NULL ? strtoul(at + strlen(name), NULL, 10) : 0;
}

struct fleet_memory fleet_memory_of(pid_t pid)
{
    char path[64], text[8192];
    snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t size = fd >= 0 ? read(fd, text, sizeof(text) - 1) : -1;
    if (fd >= 0)
        close(fd);
    if (size <= 0)
        fleet_fail("the server's memory cannot be read (has it ended?)");
    text[size] = '\0';
    return (struct fleet_memory){kib_of(text, "\nVmRSS:"), kib_of(text, "\nRssAnon:"),
                                 kib_of(text, "\nVmHWM:")};
}
