/* SPDX-License-Identifier: Apache-2.0 */
/* power: what a cut of power leaves.
 *
 *   power cut BASE LOG OUT SEED            the folder BASE, as it is when the power is back after
 *                                          everything that LOG (shim_log.h) tells, goes to OUT
 *   power explore BASE LOG SCRATCH SEED N DIGESTS
 *                                          the gate's state folder was BASE; in each moment in
 * which LOG's program opened the door, and in N others, drawn by SEED, the power is cut: the
 * journal can be opened and is whole, and holds an opening's entry for each opening; what was said
 * to be the list's generation is there power explore-server BASE LOG SCRATCH SEED N the same for
 * the server's folder: its database is whole, no entry that was in it is gone
 *
 * Exit 0: all is well, with a line of counts; 1: not so, why, and SCRATCH is that folder; 2: it
 * cannot be told. */
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "chaos/disk.h"
#include "chaos/truth.h"
#include "chaos/witness.h"
#include "gatehouse/file.h"
#include "gatehouse/list.h"

static int cut(char **arguments)
{
    struct disk *disk = disk_new(arguments[0]);
    struct shim_reader *reader = shim_reader_open(arguments[1]);
    struct dice dice = {strtoull(arguments[3], NULL, 10)};
    struct shim_record record;
    const char *name, *second;
    const uint8_t *data;
    while (shim_reader_next(reader, &record, &name, &second, &data))
        disk_act(disk, &record, name, second, data);
    disk_write_out(disk, POWER_ANY, &dice, arguments[2]);
    shim_reader_close(reader);
    disk_free(disk);
    return 0;
}

/* --- exploring ---------------------------------------------------------------------------------
 */

/* What must be true of a folder, by what the program has said until then. */
struct said {
    const char *digests;
    uint64_t generation; /* of the list that it last said it has */
    uint64_t at_least;   /* so many openings (of a server: entries) are there, */
    uint64_t found;      /* and so many were found at the last look */
};

static uint64_t count_words(const uint8_t *data, size_t size, const char *words)
{
    uint64_t count = 0;
    const uint8_t *at = data, *end = data + size;
    while (at < end && (at = memmem(at, (size_t)(end - at), words, strlen(words))) != NULL) {
        count++;
        at += strlen(words);
    }
    return count;
}

static void listen_to(struct said *said, const struct shim_record *record, const uint8_t *data)
{
    static const char list[] = " list: generation ";
    const char *at = memmem(data, record->data_bytes, list, strlen(list));
    if (at != NULL)
        said->generation = strtoull(at + strlen(list), NULL, 10);
}

struct looking {
    uint64_t openings;
};

static bool look_at_entry(void *context, uint64_t sequence, struct gh_bytes canonical)
{
    struct looking *looking = context;
    (void)sequence;
    looking->openings += count_words(canonical.data, canonical.size, "\"type\":\"passage\"") > 0 &&
                         count_words(canonical.data, canonical.size, "\"outcome\":\"open\"") > 0;
    return true;
}

/* A gate starts with this journal. */
static bool read_journal(const char *state, uint64_t *openings)
{
    char path[PATH_MAX];
    struct gh_journal *journal;
    struct gh_error err = {0};
    struct looking looking = {0};
    uint64_t bad;
    *openings = 0;
    if (!chaos_journal_path(state, path))
        return true;
    enum gh_status status = gh_journal_open(path, &journal, &err);
    if (status != GH_OK) {
        printf("the journal cannot be opened: %s\n", err.text);
        return false;
    }
    status = gh_journal_verify(journal, NULL, 0, &bad);
    if (status == GH_OK)
        status = gh_journal_read(journal, 0, UINT32_MAX, look_at_entry, &looking);
    else
        printf("the chain breaks at entry %" PRIu64 "\n", bad);
    gh_journal_close(journal);
    *openings = looking.openings;
    return status == GH_OK;
}

/* Half a list would be another one under the same number. */
static bool is_as_before(const char *digests, const struct gh_manifest *manifest,
                         const uint8_t digest[GH_SHA256_BYTES])
{
    char line[128], known[128], tag[2 * GH_LIST_TAG_BYTES + 1], hex[2 * GH_SHA256_BYTES + 1];
    GH_CLEANUP_FILE FILE *file = fopen(digests, "a+");
    if (file == NULL)
        chaos_die("cannot open %s: %s", digests, strerror(errno));
    gh_hex_encode(manifest->tag, sizeof(manifest->tag), tag);
    gh_hex_encode(digest, GH_SHA256_BYTES, hex);
    int name = snprintf(line, sizeof(line), "%" PRIu64 ".%s ", manifest->generation, tag);
    snprintf(line + name, sizeof(line) - (size_t)name, "%s\n", hex);
    rewind(file);
    while (fgets(known, sizeof(known), file) != NULL) {
        if (strncmp(known, line, (size_t)name) == 0 && strcmp(known, line) != 0) {
            printf("half a list: generation %" PRIu64 " has another content than it had\n",
                   manifest->generation);
            return false;
        }
        if (strcmp(known, line) == 0)
            return true;
    }
    fputs(line, file);
    return true;
}

/* A generation that the gate has said it has is there, whole, or a later one. */
static bool list_is_there(const char *state, const struct said *said)
{
    char path[PATH_MAX];
    struct gh_list *list = NULL;
    uint8_t digest[GH_SHA256_BYTES];
    struct gh_error err = {0};
    snprintf(path, sizeof(path), "%s/identity.json", state);
    if (access(path, F_OK) != 0 && said->generation == 0)
        return true; /* it was never enrolled */
    enum gh_status status = witness_open_list(state, &list, &err);
    if (status == GH_OK)
        status = gh_list_digest(list, digest);
    uint64_t there = status == GH_OK ? gh_list_manifest(list)->generation : 0;
    bool same = status != GH_OK || is_as_before(said->digests, gh_list_manifest(list), digest);
    gh_list_close(list);
    if (!same || there >= said->generation)
        return same;
    printf("the list was generation %" PRIu64 ", and is %" PRIu64 ": %s\n", said->generation, there,
           err.text[0] != '\0' ? err.text : gh_status_text(status));
    return false;
}

static bool gate_is_well(const char *state, struct said *said)
{
    if (!read_journal(state, &said->found))
        return false;
    if (said->found < said->at_least) {
        printf("the door was opened before there was an entry of it: %" PRIu64
               " openings of %" PRIu64 "\n",
               said->found, said->at_least);
        return false;
    }
    return list_is_there(state, said);
}

static bool server_entries(const char *state, uint64_t *entries)
{
    char path[PATH_MAX];
    sqlite3 *db = NULL;
    sqlite3_stmt *rows = NULL;
    snprintf(path, sizeof(path), "%s/gatehouse.db", state);
    *entries = 0;
    if (access(path, F_OK) != 0)
        return true;
    bool good = sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE, NULL) == SQLITE_OK &&
                sqlite3_prepare_v2(db, "PRAGMA integrity_check", -1, &rows, NULL) == SQLITE_OK &&
                sqlite3_step(rows) == SQLITE_ROW &&
                strcmp((const char *)sqlite3_column_text(rows, 0), "ok") == 0;
    sqlite3_finalize(rows);
    rows = NULL;
    if (good &&
        sqlite3_prepare_v2(db, "SELECT count(*) FROM entries", -1, &rows, NULL) ==
            SQLITE_OK && /* no such table: it was never started */
        sqlite3_step(rows) == SQLITE_ROW)
        *entries = (uint64_t)sqlite3_column_int64(rows, 0);
    sqlite3_finalize(rows);
    sqlite3_close(db);
    if (!good)
        printf("the server's database is damaged\n");
    return good;
}

static bool server_is_well(const char *state, struct said *said)
{
    if (!server_entries(state, &said->found))
        return false;
    if (said->found >= said->at_least)
        return true;
    printf("the server had %" PRIu64 " entries, and has %" PRIu64 "\n", said->at_least,
           said->found);
    return false;
}

/* --- the moments -------------------------------------------------------------------------------
 */

/* The door's relay, in what the program said: it was locked before, and is open now, or the other
 * way round. */
static bool moves(const struct shim_record *record, const uint8_t *data, const char *words)
{
    return record->act == SHIM_SAID && record->number == STDOUT_FILENO &&
           count_words(data, record->data_bytes, words) > 0;
}
#define OPENS "relay on\n"
#define LOCKS "relay off\n"

struct moments {
    uint64_t records, openings;
};

static struct moments count_moments(const char *log)
{
    struct shim_reader *reader = shim_reader_open(log);
    struct moments moments = {0};
    struct shim_record record;
    const char *name, *second;
    const uint8_t *data;
    for (; shim_reader_next(reader, &record, &name, &second, &data); moments.records++)
        moments.openings += moves(&record, data, OPENS);
    shim_reader_close(reader);
    return moments;
}

typedef bool look_fn(const char *state, struct said *said);

struct expedition {
    struct disk *disk;
    struct dice dice;
    const char *scratch;
    look_fn *look;
    struct said said;
    uint64_t looks;
    bool locked_known; /* how many openings there were when the door was locked last */
};

static bool look(struct expedition *expedition, enum power power)
{
    expedition->looks++;
    disk_write_out(expedition->disk, power, &expedition->dice, expedition->scratch);
    return expedition->look(expedition->scratch, &expedition->said);
}

#define OPENINGS_LOOKED_AT 12

/* Since the door was locked there has been one more decision that opens it, whose entry is to be on
 * the disk before it moves. Who comes while it is open moves nothing: what there is by the time
 * that it is locked counts from there. Of many openings not all are looked at. */
static bool follow_door(struct expedition *expedition, const struct moments *moments,
                        const struct shim_record *record, const uint8_t *data)
{
    struct said *said = &expedition->said;
    bool good = true;
    if (moves(record, data, OPENS) && expedition->locked_known) {
        said->at_least++;
        good = look(expedition, POWER_SYNCED);
    } else if (moves(record, data, LOCKS)) {
        expedition->locked_known =
            dice_roll(&expedition->dice, moments->openings) < OPENINGS_LOOKED_AT;
        if (expedition->locked_known) {
            good = look(expedition, POWER_SYNCED);
            said->at_least = said->found;
        }
    }
    return good;
}

static bool walk(struct expedition *expedition, const char *log, uint64_t others)
{
    struct moments moments = count_moments(log);
    struct shim_reader *reader = shim_reader_open(log);
    struct shim_record record;
    const char *name, *second;
    const uint8_t *data;
    bool good = true;
    for (uint64_t i = 0; good && shim_reader_next(reader, &record, &name, &second, &data); i++) {
        disk_act(expedition->disk, &record, name, second, data);
        if (record.act == SHIM_SAID)
            listen_to(&expedition->said, &record, data);
        good = follow_door(expedition, &moments, &record, data);
        if (good && dice_roll(&expedition->dice, moments.records) < others)
            good = look(expedition, POWER_ANY);
        if (!good)
            printf("when the power is cut behind record %" PRIu64 " of %s\n", i, log);
    }
    shim_reader_close(reader);
    return good;
}

static int explore(char **arguments, bool server)
{
    struct expedition expedition = {
        .disk = disk_new(arguments[0]),
        .scratch = arguments[2],
        .dice = {strtoull(arguments[3], NULL, 10)},
        .look = server ? server_is_well : gate_is_well,
        .said = {.digests = arguments[5]},
        .locked_known = true,
    };
    disk_write_out(expedition.disk, POWER_SYNCED, &expedition.dice, expedition.scratch);
    bool good = server ? server_entries(expedition.scratch, &expedition.said.at_least)
                       : read_journal(expedition.scratch, &expedition.said.at_least);
    if (good)
        good = walk(&expedition, arguments[1], strtoull(arguments[4], NULL, 10));
    disk_free(expedition.disk);
    if (!good)
        return 1;
    chaos_remove(expedition.scratch);
    printf("%" PRIu64 "\n", expedition.looks);
    return 0;
}

int main(int argc, char **argv)
{
    if (argc == 6 && strcmp(argv[1], "cut") == 0)
        return cut(argv + 2);
    if (argc == 8 && strcmp(argv[1], "explore") == 0)
        return explore(argv + 2, false);
    if (argc == 8 && strcmp(argv[1], "explore-server") == 0)
        return explore(argv + 2, true);
    fprintf(stderr, "usage: power cut|explore|explore-server ... (power.c says what)\n");
    return 2;
}
