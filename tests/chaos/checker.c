/* SPDX-License-Identifier: Apache-2.0 */
/* checker: whether the promises were kept.
 *
 *   checker watch STATE TRUTH            look at the gate's journal again and again and write down
 *                                        all that it ever holds, until standard input ends
 *   checker collect STATE TRUTH          the same, once, and compare everything that is there
 *   checker judge STATE TRUTH DB S       wait until the server has all that the journal has, at
 * most S seconds; then each entry of the truth is in the server's database DB once, in order, byte
 * for byte; both chains are whole; nothing was refused; no alarm was raised that nobody provoked
 *   checker acknowledged STATE DB        the server's database has all that the gate has noted as
 *                                        acknowledged
 *   checker enrol CODE WITNESS URL       CODE, a file, holds an enrolment code: of the witness
 *                                        (witness.h), whose folder is WITNESS
 *   checker lists STATE WITNESS URL S    wait until the gate has the list that the server at URL
 * has now, at most S seconds; then both hold the same
 *
 * STATE is the gate's state folder, TRUTH a file of truth.h. Exit 0: yes; 1: no, and why is on
 * standard output; 2: it cannot be told. */
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <poll.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "chaos/disk.h"
#include "chaos/truth.h"
#include "chaos/witness.h"
#include "gate/identity.h"
#include "gatehouse/file.h"
#include "server/db_entries.h"

#define LOOK_MS 50

/* --- the gate's side ---------------------------------------------------------------------------
 */

static int watch(const char *state, const char *truth_path)
{
    struct truth truth;
    struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};
    enum gh_status status = GH_OK, before;
    truth_open(&truth, truth_path, true);
    do {
        before = status;
        status = truth_collect(&truth, state, false); /* what cannot be read now is read later */
        if (status != before && status != GH_OK)
            printf("the journal cannot be read now: %s\n", gh_status_text(status));
    } while (status != GH_ERR_CORRUPT && poll(&input, 1, LOOK_MS) == 0);
    truth_close(&truth);
    return status == GH_ERR_CORRUPT ? 1 : 0;
}

static int collect(const char *state, const char *truth_path)
{
    struct truth truth;
    truth_open(&truth, truth_path, true);
    enum gh_status status = truth_collect(&truth, state, true);
    printf("%" PRIu64 " entries, %" PRIu64 " openings\n", truth.count,
           truth_openings(&truth, truth.count));
    truth_close(&truth);
    if (status == GH_OK || status == GH_ERR_NOTFOUND)
        return 0;
    printf("the journal: %s\n", gh_status_text(status));
    return 1;
}

static struct gh_identity identity_of(const char *state)
{
    char path[PATH_MAX];
    struct gh_identity identity;
    struct gh_error err = {0};
    snprintf(path, sizeof(path), "%s/identity.json", state);
    if (gh_identity_load(path, &identity, &err) != GH_OK)
        chaos_die("the gate does not know who it is: %s", err.text);
    return identity;
}

static bool journal_is_whole(const char *state)
{
    char path[PATH_MAX];
    struct gh_journal *journal;
    struct gh_error err = {0};
    struct gh_identity identity = identity_of(state);
    struct gh_public_key *key = NULL;
    uint64_t bad = 0;
    if (!chaos_journal_path(state, path) || gh_journal_open_reader(path, &journal, &err) != GH_OK ||
        gh_public_key_from_raw(GH_KEY_ED25519,
                               (struct gh_bytes){identity.list_key, sizeof(identity.list_key)},
                               &key) != GH_OK)
        chaos_die("the journal cannot be opened: %s", err.text);
    const struct gh_public_key *keys[] = {key};
    enum gh_status status = gh_journal_verify(journal, keys, 1, &bad);
    gh_journal_close(journal);
    gh_public_key_free(key);
    if (status != GH_OK)
        printf("the gate's chain breaks at entry %" PRIu64 ": %s\n", bad, gh_status_text(status));
    return status == GH_OK;
}

/* --- the server's side -------------------------------------------------------------------------
 */

static sqlite3 *open_database(const char *path)
{
    sqlite3 *db = NULL;
    if (sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY, NULL) != SQLITE_OK)
        chaos_die("cannot open %s", path);
    sqlite3_busy_timeout(db, 5000);
    return db;
}

/* As src/server/db_sqlite.h keeps identifiers: signed, in the order of the unsigned. */
static sqlite3_int64 from_id(gh_id id)
{
    return (sqlite3_int64)(id ^ (UINT64_C(1) << 63));
}

static sqlite3_stmt *ask(sqlite3 *db, const char *query, gh_id gate)
{
    sqlite3_stmt *rows = NULL;
    if (sqlite3_prepare_v2(db, query, -1, &rows, NULL) != SQLITE_OK ||
        sqlite3_bind_int64(rows, 1, from_id(gate)) != SQLITE_OK)
        chaos_die("the server's database cannot be asked: %s", sqlite3_errmsg(db));
    return rows;
}

static uint64_t number(sqlite3 *db, const char *query, gh_id gate)
{
    sqlite3_stmt *rows = ask(db, query, gate);
    uint64_t found = sqlite3_step(rows) == SQLITE_ROW ? (uint64_t)sqlite3_column_int64(rows, 0) : 0;
    sqlite3_finalize(rows);
    return found;
}

static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* The gate goes on writing: what counts is what there was when both had the same. */
static bool wait_until_drained(struct truth *truth, const char *state, sqlite3 *db, gh_id gate,
                               int seconds)
{
    int64_t until_ms = now_ms() + (int64_t)seconds * 1000;
    while (true) {
        enum gh_status status = truth_collect(truth, state, false);
        uint64_t there = number(db, "SELECT max(seq) FROM entries WHERE gate = ?", gate);
        if (status == GH_OK && there == truth->count)
            return true;
        if (status == GH_ERR_CORRUPT || now_ms() > until_ms) {
            printf("after %d s the gate has %" PRIu64 " entries (%s) and the server %" PRIu64 "\n",
                   seconds, truth->count, gh_status_text(status), there);
            return false;
        }
        poll(NULL, 0, LOOK_MS);
    }
}

static bool hash_is(sqlite3_stmt *rows, int column, const uint8_t hash[GH_SHA256_BYTES])
{
    return sqlite3_column_bytes(rows, column) == GH_SHA256_BYTES &&
           memcmp(sqlite3_column_blob(rows, column), hash, GH_SHA256_BYTES) == 0;
}

/* In the order in which they were stored. Every fault is said, to the tenth. */
static unsigned compare(const struct truth *truth, sqlite3 *db, gh_id gate)
{
    unsigned wrong = 0;
    uint64_t next = 1;
    uint8_t hash[GH_SHA256_BYTES] = {0}, previous[GH_SHA256_BYTES] = {0};
    sqlite3_stmt *rows =
        ask(db, "SELECT seq, text, hash, prev FROM entries WHERE gate = ? ORDER BY row", gate);
    for (; wrong < 10 && next <= truth->count && sqlite3_step(rows) == SQLITE_ROW; next++) {
        uint64_t sequence = (uint64_t)sqlite3_column_int64(rows, 0);
        const char *text = (const char *)sqlite3_column_text(rows, 1), *why = NULL;
        struct gh_bytes bytes = {(const uint8_t *)text, text == NULL ? 0 : strlen(text)};
        memcpy(previous, hash, sizeof(previous));
        gh_entry_hash(bytes, hash);
        if (sequence != next)
            why = sequence < next ? "comes twice, or late" : "comes too early: one is missing";
        else if (text == NULL || strcmp(text, truth->texts[next - 1]) != 0)
            why = "is not what the gate's journal held";
        else if (!hash_is(rows, 2, hash) || !hash_is(rows, 3, previous))
            why = "has a hash that does not follow";
        if (why != NULL) {
            printf("the server's entry %" PRIu64 " (in place %" PRIu64 ") %s\n", sequence, next,
                   why);
            wrong++;
        }
    }
    sqlite3_finalize(rows);
    if (wrong == 0 && next != truth->count + 1) {
        printf("the server has %" PRIu64 " entries of %" PRIu64 "\n", next - 1, truth->count);
        wrong++;
    }
    return wrong;
}

static unsigned letters_and_alarms(sqlite3 *db, gh_id gate)
{
    unsigned wrong = 0;
    sqlite3_stmt *rows =
        ask(db, "SELECT seq, reason FROM refused WHERE gate = ? ORDER BY row LIMIT 10", gate);
    for (; sqlite3_step(rows) == SQLITE_ROW; wrong++)
        printf("entry %lld was refused: %s\n", (long long)sqlite3_column_int64(rows, 0),
               (const char *)sqlite3_column_text(rows, 1));
    sqlite3_finalize(rows);
    rows = ask(db, "SELECT kind, seq, text FROM alarms WHERE gate = ? ORDER BY row LIMIT 10", gate);
    for (; sqlite3_step(rows) == SQLITE_ROW;) {
        if (sqlite3_column_int(rows, 0) == GH_ALARM_LIST_REFUSED)
            continue; /* which has its entry, and `run` knows whether it was provoked */
        printf("an alarm, of entry %lld: %s\n", (long long)sqlite3_column_int64(rows, 1),
               (const char *)sqlite3_column_text(rows, 2));
        wrong++;
    }
    sqlite3_finalize(rows);
    return wrong;
}

static int judge(const char *state, const char *truth_path, const char *database, int seconds)
{
    struct truth truth;
    sqlite3 *db = open_database(database);
    gh_id gate = identity_of(state).gate;
    truth_open(&truth, truth_path, false);
    unsigned wrong = wait_until_drained(&truth, state, db, gate, seconds) ? 0 : 1;
    wrong += compare(&truth, db, gate);
    wrong += truth_collect(&truth, state, true) == GH_OK ? 0 : 1;
    wrong += journal_is_whole(state) ? 0 : 1;
    wrong += letters_and_alarms(db, gate);
    sqlite3_close(db);
    truth_close(&truth);
    return wrong == 0 ? 0 : 1;
}

/* The first line of the gate's note is `<gate id> <sequence>`. Read first: it may only lag. */
static int acknowledged(const char *state, const char *database)
{
    char path[PATH_MAX];
    GH_CLEANUP_FILE FILE *file = NULL;
    unsigned long long noted = 0;
    snprintf(path, sizeof(path), "%s/acknowledged", state);
    file = fopen(path, "r");
    if (file != NULL && fscanf(file, "%*16s %20llu", &noted) != 1)
        chaos_die("%s is not what it was", path);
    sqlite3 *db = open_database(database);
    uint64_t there =
        number(db, "SELECT max(seq) FROM entries WHERE gate = ?", identity_of(state).gate);
    sqlite3_close(db);
    if (noted <= there)
        return 0;
    printf("%llu entries were acknowledged, and the server has %" PRIu64 "\n", noted, there);
    return 1;
}

int main(int argc, char **argv)
{
    setvbuf(stdout, NULL, _IOLBF, 0);
    if (argc == 4 && strcmp(argv[1], "watch") == 0)
        return watch(argv[2], argv[3]);
    if (argc == 4 && strcmp(argv[1], "collect") == 0)
        return collect(argv[2], argv[3]);
    if (argc == 6 && strcmp(argv[1], "judge") == 0)
        return judge(argv[2], argv[3], argv[4], atoi(argv[5]));
    if (argc == 4 && strcmp(argv[1], "acknowledged") == 0)
        return acknowledged(argv[2], argv[3]);
    if (argc == 5 && strcmp(argv[1], "enrol") == 0)
        return witness_enrol(argv[2], argv[3], argv[4]);
    if (argc == 7 && strcmp(argv[1], "lists") == 0)
        return witness_compare(argv[2], argv[3], argv[4], argv[5], atoi(argv[6]));
    fprintf(
        stderr,
        "usage: checker watch|collect|judge|acknowledged|enrol|lists ... (checker.c says what)\n");
    return 2;
}
