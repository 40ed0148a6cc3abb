/* SPDX-License-Identifier: Apache-2.0 */
/* A list of so many people (argument or LIST_ROWS), with 6 homes and 1 revocation for each 100 of
 * them: its size on the wire; installing it, beside a bare sorted bulk insert of the same rows into
 * the same tables; asking it, beside bare prepared look-ups that answer the same question; a small
 * delta; and the memory of a process that does nothing but install. Baselines are of the same run,
 * on the same file system (TMPDIR). `bench_list 10000000` is the size that Gatehouse is made for.
 */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <inttypes.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "bench/bench.h"
#include "gatehouse/clock.h"
#include "gatehouse/file.h"
#include "gatehouse/list.h"
#include "list/store.h"

#define ROWS_DEFAULT 300000
#define LOOK_UPS 200000
#define DELTAS 20

#define SQL(expression)                                                                            \
    do {                                                                                           \
        int sql_ = (expression);                                                                   \
        if (sql_ != SQLITE_OK)                                                                     \
            bench_stop(#expression, sqlite3_errstr(sql_));                                         \
    } while (0)

static double now_s(void)
{
    return (double)gh_clock_monotonic_ns(gh_clock_system()) / 1e9;
}

/* --- rows: sorted, the same in every run --- */

static struct {
    size_t people, homes, revoked;
    gh_id *person, *home, *credential;
    uint8_t *colour;
    uint32_t *lives_in, *also_in; /* index of a home from 1; 0: none */
} town;

static uint64_t next_random(void)
{
    static uint64_t state = UINT64_C(0x9e3779b97f4a7c15);
    uint64_t x = state += UINT64_C(0x9e3779b97f4a7c15); /* splitmix64 */
    x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
    return x ^ (x >> 31);
}

static int compare(const void *a, const void *b)
{
    gh_id x = *(const gh_id *)a, y = *(const gh_id *)b;
    return (x > y) - (x < y);
}

static void *allocate(size_t count, size_t size)
{
    void *memory = calloc(count, size);
    if (memory == NULL)
        bench_stop("calloc", "no memory");
    return memory;
}

static gh_id *random_ids(size_t count)
{
    gh_id *ids = allocate(count, sizeof(*ids));
    for (size_t i = 0; i < count; i++)
        ids[i] = next_random() | 1;
    qsort(ids, count, sizeof(*ids), compare);
    for (size_t i = 1; i < count; i++) /* random numbers of 63 bits may meet, if seldom */
        if (ids[i] <= ids[i - 1])
            ids[i] = ids[i - 1] + 1;
    return ids;
}

/* Of 100 people 92 have a home, and 2 of them another one. */
static void make_town(size_t people)
{
    town.people = people;
    town.homes = people * 6 / 100 + 2;
    town.revoked = people / 100;
    town.person = random_ids(people);
    town.home = random_ids(town.homes);
    town.credential = random_ids(town.revoked);
    town.colour = allocate(people, sizeof(*town.colour));
    town.lives_in = allocate(people, sizeof(*town.lives_in));
    town.also_in = allocate(people, sizeof(*town.also_in));
    for (size_t i = 0; i < people; i++) {
        uint64_t chance = next_random() % 100;
        town.colour[i] = chance < 95 ? 1 : chance < 98 ? 2 : 3;
        chance = next_random() % 100;
        if (chance < 92)
            town.lives_in[i] = 1 + (uint32_t)(next_random() % (town.homes - 1));
        if (chance < 2)
            town.also_in[i] = (uint32_t)town.homes;
    }
}

/* --- the list under test --- */

static char folder[4096], list_folder[4200], snapshot_path[4200], manifest_path[4200],
    key_path[4200];
static struct gh_private_key *list_key;
static struct gh_public_key *list_public;

static size_t homes_of(size_t i, gh_id homes[2])
{
    size_t count = 0;
    if (town.lives_in[i] != 0)
        homes[count++] = town.home[town.lives_in[i] - 1];
    if (town.also_in[i] != 0)
        homes[count++] = town.home[town.also_in[i] - 1];
    return count;
}

static void write_snapshot(struct gh_manifest *manifest)
{
    struct gh_snapshot_writer *writer;
    int fd = open(snapshot_path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    MUST(gh_snapshot_writer_new(fd, &writer));
    for (size_t i = 0; i < town.homes; i++)
        gh_snapshot_writer_home(writer, town.home[i]);
    for (size_t i = 0; i < town.people; i++) {
        gh_id homes[2];
        size_t count = homes_of(i, homes);
        gh_snapshot_writer_subject(writer, town.person[i], (enum gh_colour)town.colour[i], homes,
                                   count);
    }
    for (size_t i = 0; i < town.revoked; i++)
        gh_snapshot_writer_revoked(writer, town.credential[i]);
    MUST(gh_snapshot_writer_finish(writer, manifest->snapshot_sha256, &manifest->snapshot_bytes));
    gh_snapshot_writer_free(writer);
    close(fd);
}

static void write_manifest(const struct gh_manifest *manifest)
{
    uint8_t bytes[GH_MANIFEST_MAX_BYTES];
    struct gh_writer writer = gh_writer_over(bytes, sizeof(bytes));
    MUST(gh_manifest_write(list_key, manifest, &writer));
    MUST(gh_file_replace(manifest_path, 0600, bytes, writer.size, NULL));
}

static struct gh_manifest first_manifest(void)
{
    struct gh_manifest manifest = {.area = "Bench",
                                   .generation = 1,
                                   .issued_at_s = 1,
                                   .snapshot = {.number = 1},
                                   .policy = gh_policy_initial()};
    return manifest;
}

/* --- the child: install, and nothing else --- */

static long status_kib(const char *name)
{
    char line[256];
    long kib = 0;
    FILE *file = fopen("/proc/self/status", "r");
    while (file != NULL && fgets(line, sizeof(line), file) != NULL)
        if (strncmp(line, name, strlen(name)) == 0)
            kib = strtol(line + strlen(name) + 1, NULL, 10);
    if (file != NULL)
        fclose(file);
    return kib;
}

static atomic_bool watching = true;
static long anonymous_kib;

static void *watch(void *unused)
{
    while (atomic_load(&watching)) {
        long kib = status_kib("RssAnon");
        anonymous_kib = kib > anonymous_kib ? kib : anonymous_kib;
        nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
    }
    return unused;
}

static int install_child(const char *place)
{
    struct gh_error err = {0};
    uint8_t *bytes;
    size_t size;
    pthread_t watcher;
    snprintf(list_folder, sizeof(list_folder), "%s/list", place);
    snprintf(snapshot_path, sizeof(snapshot_path), "%s/snapshot", place);
    snprintf(manifest_path, sizeof(manifest_path), "%s/manifest", place);
    snprintf(key_path, sizeof(key_path), "%s/key", place);
    MUST(gh_private_key_load(key_path, &list_key, &err));
    MUST(gh_private_key_public(list_key, &list_public));
    MUST(gh_file_read(manifest_path, GH_MANIFEST_MAX_BYTES, &bytes, &size, &err));
    if (pthread_create(&watcher, NULL, watch, NULL) != 0)
        bench_stop("pthread_create", "no thread");
    double start = now_s();
    enum gh_status status = gh_list_install(
        list_folder, list_public, (struct gh_bytes){bytes, size}, snapshot_path, NULL, NULL, &err);
    double took = now_s() - start;
    atomic_store(&watching, false);
    pthread_join(watcher, NULL);
    if (status != GH_OK)
        bench_stop("gh_list_install", err.text);
    printf("%f %ld %ld\n", took, anonymous_kib, status_kib("VmHWM"));
    return 0;
}

static double run_install(const char *self, long *anonymous, long *peak)
{
    char command[10000];
    double took = 0;
    snprintf(command, sizeof(command), "'%s' --install '%s'", self, folder);
    FILE *child = popen(command, "r");
    if (child == NULL || fscanf(child, "%lf %ld %ld", &took, anonymous, peak) != 3 ||
        pclose(child) != 0)
        bench_stop("the installing child", "failed");
    return took;
}

static double least(double a, double b)
{
    return a < b ? a : b;
}

/* --- bare SQLite --- */

static sqlite3_stmt *prepare(sqlite3 *db, const char *sql)
{
    sqlite3_stmt *statement;
    SQL(sqlite3_prepare_v3(db, sql, -1, SQLITE_PREPARE_PERSISTENT, &statement, NULL));
    return statement;
}

static void must_step(sqlite3_stmt *statement)
{
    if (sqlite3_step(statement) != SQLITE_DONE)
        bench_stop("sqlite3_step", "no end");
    sqlite3_reset(statement);
}

static void insert_ids(sqlite3 *db, const char *sql, const gh_id *ids, size_t count)
{
    sqlite3_stmt *statement = prepare(db, sql);
    for (size_t i = 0; i < count; i++) {
        sqlite3_bind_int64(statement, 1, gh_list_from_id(ids[i]));
        must_step(statement);
    }
    sqlite3_finalize(statement);
}

static void insert_people(sqlite3 *db)
{
    sqlite3_stmt *subject = prepare(db, "INSERT INTO subject(id, state, home) VALUES (?1, ?2, ?3)");
    sqlite3_stmt *further = prepare(db, "INSERT INTO further_home(subject, home) VALUES (?1, ?2)");
    for (size_t i = 0; i < town.people; i++) {
        gh_id homes[2];
        size_t count = homes_of(i, homes);
        sqlite3_bind_int64(subject, 1, gh_list_from_id(town.person[i]));
        sqlite3_bind_int(subject, 2, town.colour[i] | (count > 1 ? GH_LIST_MORE_HOMES : 0));
        if (count > 0)
            sqlite3_bind_int64(subject, 3, gh_list_from_id(homes[0]));
        else
            sqlite3_bind_null(subject, 3);
        must_step(subject);
        if (count > 1) {
            sqlite3_bind_int64(further, 1, gh_list_from_id(town.person[i]));
            sqlite3_bind_int64(further, 2, gh_list_from_id(homes[1]));
            must_step(further);
        }
    }
    sqlite3_finalize(subject);
    sqlite3_finalize(further);
}

/* As fast as SQLite goes: no journal, no locks, one transaction; synced at its end, as the list is.
 */
static double run_bare(void)
{
    char path[4300];
    sqlite3 *db;
    snprintf(path, sizeof(path), "%s/bare.db", folder);
    double start = now_s();
    SQL(sqlite3_open(path, &db));
    SQL(sqlite3_exec(db,
                     "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;"
                     "PRAGMA locking_mode = EXCLUSIVE; PRAGMA cache_size = -8192; BEGIN;",
                     NULL, NULL, NULL));
    SQL(sqlite3_exec(db, gh_list_tables, NULL, NULL, NULL));
    insert_ids(db, "INSERT INTO home(id) VALUES (?1)", town.home, town.homes);
    insert_people(db);
    insert_ids(db, "INSERT INTO revoked(id) VALUES (?1)", town.credential, town.revoked);
    SQL(sqlite3_exec(db, "COMMIT", NULL, NULL, NULL));
    SQL(sqlite3_close(db));
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fsync(fd) != 0)
        bench_stop("fsync", strerror(errno));
    close(fd);
    double took = now_s() - start;
    unlink(path);
    return took;
}

/* --- asking --- */

struct bare {
    sqlite3 *db;
    sqlite3_stmt *begin, *commit, *subject, *further, *home, *revoked, *recalled;
};

static bool bare_row(sqlite3_stmt *statement, gh_id id)
{
    sqlite3_bind_int64(statement, 1, gh_list_from_id(id));
    bool found = sqlite3_step(statement) == SQLITE_ROW;
    sqlite3_reset(statement);
    return found;
}

/* The same question: the person's colour and homes, whether this is one of them, whether it is
 * approved, and whether one of the codes is revoked; of one state of the list. */
static bool ask_bare(struct bare *bare, gh_id person, gh_id home)
{
    bool member = false;
    sqlite3_step(bare->begin);
    sqlite3_reset(bare->begin);
    sqlite3_bind_int64(bare->subject, 1, gh_list_from_id(person));
    if (sqlite3_step(bare->subject) == SQLITE_ROW) {
        int state = sqlite3_column_int(bare->subject, 0);
        member = sqlite3_column_int64(bare->subject, 1) == gh_list_from_id(home);
        if (!member && (state & GH_LIST_MORE_HOMES) != 0) {
            sqlite3_bind_int64(bare->further, 2, gh_list_from_id(home));
            member = bare_row(bare->further, person);
        }
    }
    sqlite3_reset(bare->subject);
    bool good = bare_row(bare->home, home) && !bare_row(bare->revoked, person ^ 1) &&
                !bare_row(bare->revoked, home ^ 1) && !bare_row(bare->recalled, person);
    sqlite3_step(bare->commit);
    sqlite3_reset(bare->commit);
    return member && good;
}

static bool ask_list(struct gh_list *list, gh_id person, gh_id home)
{
    struct gh_credential health = {.kind = GH_KIND_HEALTH, .id = person ^ 1, .subject = person};
    struct gh_credential housing = {.kind = GH_KIND_HOUSING, .id = home ^ 1, .home = home};
    struct gh_answers answers;
    MUST(gh_list_ask(list, &health, &housing, &answers));
    return answers.member && answers.home_approved && !answers.health_revoked &&
           !answers.housing_revoked;
}

static void open_bare(struct bare *bare)
{
    char command[10000], path[4300] = "";
    snprintf(command, sizeof(command), "ls '%s'/*.db", list_folder);
    FILE *listing = popen(command, "r");
    if (listing == NULL || fscanf(listing, "%4299[^\n]", path) != 1 || pclose(listing) != 0)
        bench_stop("the list's file", "not found");
    SQL(sqlite3_open_v2(path, &bare->db, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX, NULL));
    bare->begin = prepare(bare->db, "BEGIN");
    bare->commit = prepare(bare->db, "COMMIT");
    bare->subject = prepare(bare->db, "SELECT state, home FROM subject WHERE id = ?1");
    bare->further =
        prepare(bare->db, "SELECT 1 FROM further_home WHERE subject = ?1 AND home = ?2");
    bare->home = prepare(bare->db, "SELECT 1 FROM home WHERE id = ?1");
    bare->revoked = prepare(bare->db, "SELECT 1 FROM revoked WHERE id = ?1");
    bare->recalled = prepare(bare->db, "SELECT before_s FROM recalled WHERE subject = ?1");
}

static void close_bare(struct bare *bare)
{
    sqlite3_stmt *all[] = {bare->begin, bare->commit,  bare->subject, bare->further,
                           bare->home,  bare->revoked, bare->recalled};
    for (size_t i = 0; i < GH_ARRAY_SIZE(all); i++)
        sqlite3_finalize(all[i]);
    SQL(sqlite3_close(bare->db));
}

/* In turns of a thousand, so that the machine's moods fall on both alike. */
static void measure_asking(void)
{
    struct gh_list *list;
    struct bare bare;
    double list_s = 0, bare_s = 0;
    size_t list_good = 0, bare_good = 0;
    MUST(gh_list_open_latest(list_folder, list_public, &list, NULL));
    open_bare(&bare);
    for (size_t turn = 0; turn < LOOK_UPS / 1000; turn++) {
        size_t who[1000];
        for (size_t i = 0; i < 1000; i++)
            who[i] = next_random() % town.people;
        for (int side = 0; side < 2; side++) {
            bool of_list = (side == 0) == (turn % 2 == 0); /* who goes first warms the cache */
            double start = now_s();
            for (size_t i = 0; i < 1000; i++) {
                gh_id home = town.home[town.lives_in[who[i]] % town.homes];
                if (town.lives_in[who[i]] != 0)
                    home = town.home[town.lives_in[who[i]] - 1];
                if (of_list)
                    list_good += ask_list(list, town.person[who[i]], home);
                else
                    bare_good += ask_bare(&bare, town.person[who[i]], home);
            }
            *(of_list ? &list_s : &bare_s) += now_s() - start;
        }
    }
    if (list_good != bare_good || list_good == 0)
        bench_stop("look-ups", "differ");
    gh_list_close(list);
    close_bare(&bare);
    printf("  %-40s %10.2f us, bare %.2f us, ratio %.2f\n", "asking for one passage",
           list_s * 1e6 / LOOK_UPS, bare_s * 1e6 / LOOK_UPS, list_s / bare_s);
}

/* --- deltas --- */

/* One person each. What is written to the card: the WAL grows by the pages that change. */
static void measure_deltas(void)
{
    double took = 0;
    struct gh_manifest manifest = first_manifest();
    for (uint64_t i = 1; i <= DELTAS; i++) {
        uint8_t plain[64], header[GH_DELTA_HEADER_MAX_BYTES], bytes[GH_MANIFEST_MAX_BYTES];
        struct gh_writer records = gh_writer_over(plain, sizeof(plain));
        struct gh_writer sealed = gh_writer_over(header, sizeof(header));
        struct gh_writer signed_ = gh_writer_over(bytes, sizeof(bytes));
        struct gh_delta_header way = {
            .area = "Bench", .from = {.number = i}, .to = {.number = i + 1}};
        uint8_t *packed;
        size_t size;
        struct gh_error err = {0};
        manifest.generation = i + 1;
        gh_delta_put_subject(&records, town.person[next_random() % town.people], GH_COLOUR_RED,
                             NULL, 0);
        MUST(gh_delta_seal(list_key, &way, (struct gh_bytes){plain, records.size}, &sealed, &packed,
                           &size));
        MUST(gh_manifest_write(list_key, &manifest, &signed_));
        struct gh_delta delta = {.header = {header, sealed.size}, .records = {packed, size}};
        double start = now_s();
        if (gh_list_apply(list_folder, list_public, (struct gh_bytes){bytes, signed_.size}, &delta,
                          &err) != GH_OK)
            bench_stop("gh_list_apply", err.text);
        took += now_s() - start;
        free(packed);
    }
    printf("  %-40s %10.2f ms\n", "applying a delta of one person", took * 1e3 / DELTAS);
}

/* --- all --- */

static int remove_entry(const char *path, const struct stat *info, int type, struct FTW *where)
{
    (void)info;
    (void)type;
    (void)where;
    return remove(path);
}

static void clean_up(void)
{
    nftw(folder, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

static void make_folder(void)
{
    const char *temporary = getenv("TMPDIR");
    snprintf(folder, sizeof(folder), "%s/bench-list-XXXXXX",
             temporary != NULL && temporary[0] != '\0' ? temporary : "/tmp");
    if (mkdtemp(folder) == NULL)
        bench_stop(folder, strerror(errno));
    atexit(clean_up);
    snprintf(list_folder, sizeof(list_folder), "%s/list", folder);
    snprintf(snapshot_path, sizeof(snapshot_path), "%s/snapshot", folder);
    snprintf(manifest_path, sizeof(manifest_path), "%s/manifest", folder);
    snprintf(key_path, sizeof(key_path), "%s/key", folder);
    MUST(gh_private_key_generate(GH_KEY_ED25519, &list_key));
    MUST(gh_private_key_public(list_key, &list_public));
    MUST(gh_private_key_save(list_key, key_path, NULL));
}

int main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "--install") == 0)
        return install_child(argv[2]);
    const char *rows = argc > 1 ? argv[1] : getenv("LIST_ROWS");
    size_t people = rows != NULL ? strtoul(rows, NULL, 10) : ROWS_DEFAULT;
    if (people < 1000 || people > 60000000)
        bench_stop("rows", "1000 to 60000000");
    make_folder();
    make_town(people);
    struct gh_manifest manifest = first_manifest();
    double start = now_s();
    write_snapshot(&manifest);
    double writing_s = now_s() - start;
    write_manifest(&manifest);
    printf("A list of %zu people, %zu homes, %zu revocations\n", town.people, town.homes,
           town.revoked);
    printf("  %-40s %10.2f s\n", "writing the snapshot", writing_s);
    printf("  %-40s %10.1f MiB, %.2f bytes for each person\n", "snapshot on the wire",
           (double)manifest.snapshot_bytes / (1 << 20),
           (double)manifest.snapshot_bytes / (double)people);
    /* In turns, and the best of each: others use the machine too. */
    long anonymous, peak;
    double bare_s = run_bare(), install_s = run_install(argv[0], &anonymous, &peak);
    for (int turn = 0; turn < (people > 2000000 ? 1 : 3); turn++) {
        bare_s = least(bare_s, run_bare());
        install_s = least(install_s, run_install(argv[0], &anonymous, &peak));
    }
    printf("  %-40s %10.1f MiB anonymous, %.1f MiB with all that is mapped\n",
           "memory of the installing process", (double)anonymous / 1024, (double)peak / 1024);
    measure_asking();
    measure_deltas();
    printf("  %-40s %10.2f s, bare insert %.2f s, ratio %.2f\n", "installing the list", install_s,
           bare_s, install_s / bare_s);
    return 0;
}
