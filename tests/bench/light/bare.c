/* SPDX-License-Identifier: Apache-2.0 */
/* Baselines for tests/bench/light/run: what the least that could do the work costs.
 *
 *     bare commits DATABASE COUNT BYTES   so many durable commits of rows of that size by SQLite
 * alone, as the journal makes them; prints the bytes that went to the disk bare ready COMMAND...
 * runs it until it says READY=1 (sd_notify); prints the microseconds since it was started bare exit
 * COMMAND...                likewise, until it ends by itself */
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PATIENCE_MS 20000

static void fail(const char *what)
{
    fprintf(stderr, "bare: %s\n", what);
    exit(1);
}

static int64_t now_us(void)
{
    struct timespec at;

    clock_gettime(CLOCK_MONOTONIC, &at);
    return (int64_t)at.tv_sec * 1000000 + at.tv_nsec / 1000;
}

static int64_t written_bytes(void)
{
    char line[128];
    int64_t bytes = -1;
    FILE *file = fopen("/proc/self/io", "re");

    while (file && fgets(line, sizeof(line), file))
        (void)sscanf(line, "write_bytes: %" SCNd64, &bytes);
    if (file)
        fclose(file);
    return bytes;
}

static void must(int code, int wanted)
{
    if (code != wanted)
        fail(sqlite3_errstr(code));
}

static int commits(const char *path, int count, int bytes)
{
    sqlite3 *database;
    sqlite3_stmt *insert;

    must(sqlite3_open(path, &database), SQLITE_OK);
    must(sqlite3_exec(database,
                      "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
                      "CREATE TABLE entry (seq INTEGER PRIMARY KEY, text BLOB)",
                      NULL, NULL, NULL),
         SQLITE_OK);
    must(sqlite3_prepare_v2(database, "INSERT INTO entry VALUES (NULL, randomblob(?))", -1, &insert,
                            NULL),
         SQLITE_OK);
    int64_t before = written_bytes();
    for (int i = 0; i < count; i++) {
        must(sqlite3_bind_int(insert, 1, bytes), SQLITE_OK);
        must(sqlite3_step(insert), SQLITE_DONE);
        must(sqlite3_reset(insert), SQLITE_OK);
    }
    sqlite3_finalize(insert);
    sqlite3_close(database);
    printf("%" PRId64 "\n", written_bytes() - before);
    return 0;
}

static pid_t start(char **command)
{
    pid_t child = fork();

    if (child == 0) {
        if (!freopen("/dev/null", "w", stdout) || !freopen("/dev/null", "w", stderr))
            _exit(127);
        execv(command[0], command);
        _exit(127);
    }
    if (child < 0)
        fail(strerror(errno));
    return child;
}

static int until_exit(char **command)
{
    int status;
    int64_t began = now_us();
    pid_t child = start(command);

    if (waitpid(child, &status, 0) != child || status != 0)
        fail("it did not end well");
    printf("%" PRId64 "\n", now_us() - began);
    return 0;
}

/* An abstract socket, so that nothing is left behind. */
static int listen_for_notes(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    char name[64];
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    int length = snprintf(name, sizeof(name), "@gatehouse-bare-%ld", (long)getpid());
    memcpy(address.sun_path, name, (size_t)length);
    address.sun_path[0] = '\0';
    socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + (size_t)length);
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, size) != 0)
        fail(strerror(errno));
    setenv("NOTIFY_SOCKET", name, 1);
    return fd;
}

static int until_ready(char **command)
{
    int fd = listen_for_notes();
    int64_t began = now_us();
    pid_t child = start(command);
    bool ready = false;

    while (!ready) {
        char note[4096] = "";
        struct pollfd wait = {.fd = fd, .events = POLLIN};
        if (poll(&wait, 1, PATIENCE_MS) != 1 || recv(fd, note, sizeof(note) - 1, 0) <= 0)
            break;
        ready = strstr(note, "READY=1") != NULL;
    }
    int64_t took = now_us() - began;
    kill(child, SIGTERM);
    waitpid(child, NULL, 0);
    if (!ready)
        fail("it was never ready");
    printf("%" PRId64 "\n", took);
    return 0;
}

int main(int argc, char **argv)
{
    if (argc == 5 && strcmp(argv[1], "commits") == 0)
        return commits(argv[2], atoi(argv[3]), atoi(argv[4]));
    if (argc > 2 && strcmp(argv[1], "ready") == 0)
        return until_ready(argv + 2);
    if (argc > 2 && strcmp(argv[1], "exit") == 0)
        return until_exit(argv + 2);
    fail("usage: bare commits|ready|exit ...");
}
