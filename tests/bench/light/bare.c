/* SPDX-License-Identifier: Apache-2.0 */
/* What tests/bench/light.sh measures beside the real gate.
 *
 * What is written is told in bytes: as the kernel counts it for the process, and as it came to the
 * device, when BARE_DEVICE names the /sys/block/NAME/stat of one that nobody else writes to.
 *
 * bare rows FILE COUNT BYTES: durable commits of rows of that size by SQLite alone; what one costs.
 * bare rows-alone FILE COUNT BYTES, bare journal-alone FILE COUNT, bare journal-shared FILE COUNT:
 *   likewise, and all that is waiting to be written is, before the next one: as when half a minute
 *   passes between them. By SQLite alone; by the gate's journal as the gate has it, or with
 *   `shared = yes`. COUNT are made first that do not count: files grow but once.
 * bare journal-day FILE COUNT: what each of COUNT entries costs that go because they are old, all
 * at once; as many went before them, and as many stay. bare note FILE COUNT: what one note costs of
 * what was acknowledged. bare ready COMMAND...: runs it until it says READY=1 (sd_notify); prints
 * the microseconds since it was started. bare exit COMMAND...: likewise, until it ends by itself.
 */
#include <errno.h>
#include <fcntl.h>
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

#include "base/sqlite.h"
#include "gate/keep.h"
#include "gatehouse/file.h"
#include "gatehouse/journal.h"

#define PATIENCE_MS 20000
#define BEGAN_MS INT64_C(1790000000000) /* a second from entry to entry */

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

/* Until now; device_bytes 0 without a device. */
struct written {
    int64_t counted_bytes, device_bytes;
};

static int64_t counted_bytes(void)
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

static int64_t device_bytes(void)
{
    const char *device = getenv("BARE_DEVICE");
    char line[256];
    int64_t sectors = 0;
    FILE *file = device ? fopen(device, "re") : NULL;

    if (device && (!file || !fgets(line, sizeof(line), file) ||
                   sscanf(line, "%*d %*d %*d %*d %*d %*d %" SCNd64, &sectors) != 1))
        fail("no such device");
    if (file)
        fclose(file);
    return 512 * sectors;
}

static struct written written_until_now(void)
{
    return (struct written){counted_bytes(), device_bytes()};
}

static void print_since(const struct written *before, int count)
{
    struct written now = written_until_now();

    printf("%" PRId64 " %" PRId64 "\n", (now.counted_bytes - before->counted_bytes) / count,
           (now.device_bytes - before->device_bytes) / count);
}

static void must(int code, int wanted)
{
    if (code != wanted)
        fail(sqlite3_errstr(code));
}

/* Adds one, durably. */
typedef void add_fn(void *context, int number);

/* And then it is another moment, also by the clock of the file system: a new time for the next. */
static void write_all_of(int fd)
{
    const struct timespec moment = {.tv_nsec = 10000000};

    if (fd >= 0 && syncfs(fd) != 0)
        fail(strerror(errno));
    if (fd >= 0)
        nanosleep(&moment, NULL);
}

static int measure(const char *path, int count, bool alone, add_fn *add, void *context)
{
    int fd = alone ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    struct written before = written_until_now();

    for (int i = 0; i < (alone ? 2 : 1) * count; i++) {
        if (i == count)
            before = written_until_now();
        add(context, i);
        write_all_of(fd);
    }
    print_since(&before, count);
    if (fd >= 0)
        close(fd);
    return 0;
}

/* --- rows of SQLite --- */

struct rows {
    sqlite3_stmt *insert;
    int bytes;
};

static void add_row(void *context, int number)
{
    struct rows *rows = context;

    (void)number;
    must(sqlite3_bind_int(rows->insert, 1, rows->bytes), SQLITE_OK);
    must(sqlite3_step(rows->insert), SQLITE_DONE);
    must(sqlite3_reset(rows->insert), SQLITE_OK);
}

static int measure_rows(const char *path, int count, int bytes, bool alone)
{
    sqlite3 *database;
    struct rows rows = {.bytes = bytes};

    must(sqlite3_open(path, &database), SQLITE_OK);
    must(sqlite3_exec(database,
                      "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
                      "CREATE TABLE entry (seq INTEGER PRIMARY KEY, text BLOB)",
                      NULL, NULL, NULL),
         SQLITE_OK);
    must(sqlite3_prepare_v2(database, "INSERT INTO entry VALUES (NULL, randomblob(?))", -1,
                            &rows.insert, NULL),
         SQLITE_OK);
    int code = measure(path, count, alone, add_row, &rows);
    sqlite3_finalize(rows.insert);
    sqlite3_close(database);
    return code;
}

/* --- entries of the journal --- */

struct journals {
    struct gh_journal *writer;
    struct gh_journal *reader; /* as the courier has one */
};

static void add_entry(void *context, int number)
{
    struct journals *journals = context;
    struct gh_entry entry = {.type = GH_ENTRY_PASSAGE,
                             .gate = 0x1234567812345678,
                             .wall_ms = BEGAN_MS + number * INT64_C(1000),
                             .clock_trusted = true,
                             .monotonic_ms = number * INT64_C(1000),
                             .outcome = GH_OUTCOME_OPEN,
                             .reason = GH_REASON_OK,
                             .kind = GH_KIND_HEALTH,
                             .colour = GH_COLOUR_GREEN,
                             .form = GH_FORM_PAPER,
                             .subject = 0x1111222233334444 + (gh_id)number,
                             .health_code = 0x2222333344445555 + (gh_id)number,
                             .generation = 5};
    uint8_t hash[GH_SHA256_BYTES];
    uint64_t sequence;
    struct gh_error err = {0};

    memset(entry.boot_id, 'b', sizeof(entry.boot_id) - 1);
    if (gh_journal_append(journals->writer, &entry, &err) != GH_OK ||
        gh_journal_head(journals->reader, &sequence, hash) != GH_OK)
        fail(err.text);
}

static void open_both(const char *path, struct journals *out)
{
    struct gh_error err = {0};

    if (gh_journal_open(path, &out->writer, &err) != GH_OK ||
        gh_journal_open_reader(path, &out->reader, &err) != GH_OK)
        fail(err.text);
}

static void close_both(struct journals *journals)
{
    gh_journal_close(journals->reader);
    gh_journal_close(journals->writer);
}

static int measure_journal(const char *path, int count, bool shared)
{
    struct journals journals;

    if (!shared)
        gh_sqlite_alone();
    open_both(path, &journals);
    int code = measure(path, count, true, add_entry, &journals);
    close_both(&journals);
    return code;
}

/* Entries whose clock said less than before_ms. */
static void remove_old(struct gh_journal *journal, int64_t before_ms, int64_t now_ms, int fd)
{
    struct gh_entry entry = {
        .type = GH_ENTRY_PRUNE, .gate = 0x1234567812345678, .clock_trusted = true};
    struct gh_journal_cut cut = {.passages_before_ms = before_ms,
                                 .others_before_ms = INT64_MIN,
                                 .max_entries = GH_KEEP_STEP_ENTRIES};
    struct gh_error err = {0};
    uint64_t removed;
    bool more = true;

    memset(entry.boot_id, 'b', sizeof(entry.boot_id) - 1);
    entry.wall_ms = now_ms;
    while (more) {
        if (gh_journal_head(journal, &cut.receipt.through, cut.receipt.hash) != GH_OK ||
            gh_journal_prune(journal, &cut, &entry, &removed, &more, &err) != GH_OK)
            fail(err.text);
        write_all_of(fd);
    }
}

static int measure_day(const char *path, int count)
{
    struct journals journals;

    gh_sqlite_alone();
    open_both(path, &journals);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    for (int i = 0; i < 3 * count; i++)
        add_entry(&journals, i);
    const int64_t day_ms = count * INT64_C(1000);
    remove_old(journals.writer, BEGAN_MS + day_ms, BEGAN_MS + 3 * day_ms, fd);
    struct written before = written_until_now();
    remove_old(journals.writer, BEGAN_MS + 2 * day_ms, BEGAN_MS + 3 * day_ms, fd);
    print_since(&before, count);
    close(fd);
    close_both(&journals);
    return 0;
}

/* --- the courier's note --- */

#define NOTE_BYTES 240 /* with a receipt */

static void write_note(void *context, int number)
{
    char text[NOTE_BYTES];

    memset(text, '0' + number % 10, sizeof(text));
    if (gh_file_replace(context, 0600, text, sizeof(text), NULL) != GH_OK)
        fail("no note");
}

static int measure_note(char *path, int count)
{
    write_note(path, 0);
    return measure(path, count, true, write_note, path);
}

/* --- programs --- */

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
    bool alone = argc > 1 && strcmp(argv[1], "rows-alone") == 0;
    if (argc == 5 && (alone || strcmp(argv[1], "rows") == 0))
        return measure_rows(argv[2], atoi(argv[3]), atoi(argv[4]), alone);
    bool shared = argc > 1 && strcmp(argv[1], "journal-shared") == 0;
    if (argc == 4 && (shared || strcmp(argv[1], "journal-alone") == 0))
        return measure_journal(argv[2], atoi(argv[3]), shared);
    if (argc == 4 && strcmp(argv[1], "journal-day") == 0)
        return measure_day(argv[2], atoi(argv[3]));
    if (argc == 4 && strcmp(argv[1], "note") == 0)
        return measure_note(argv[2], atoi(argv[3]));
    if (argc > 2 && strcmp(argv[1], "ready") == 0)
        return until_ready(argv + 2);
    if (argc > 2 && strcmp(argv[1], "exit") == 0)
        return until_exit(argv + 2);
    fail(
        "usage: bare rows|rows-alone|journal-alone|journal-shared|journal-day|note|ready|exit ...");
}
