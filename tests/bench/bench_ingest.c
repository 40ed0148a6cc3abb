/* SPDX-License-Identifier: Apache-2.0 */
/* Entries into the database: bare inserts of the same rows into the same table with the same
 * indexes, batch by batch, beside what the server does. The ways take turns batch by batch, each
 * with a database of its own, so that the machine's moods fall on all alike. */
#include <pthread.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench/bench.h"
#include "gatehouse/clock.h"
#include "gatehouse/compress.h"
#include "gatehouse/file.h"
#include "server/batch.h"
#include "server/ingest.h"

#define GATES 50
#define BATCHES 4 /* of each gate's */
#define ENTRIES 200
#define TOTAL ((int64_t)GATES * BATCHES * ENTRIES)

static int64_t now_ns(void)
{
    return gh_clock_monotonic_ns(gh_clock_system());
}

/* --- what comes in --- */

struct body {
    uint8_t *plain, *packed;
    size_t plain_size, packed_size;
};
static struct body bodies[GATES][BATCHES];
static const struct gh_receipt_keys no_keys = {NULL, 0};

static gh_id gate_id(size_t gate)
{
    return UINT64_C(0x9e3779b97f4a7c15) * (gate + 1);
}

static struct gh_entry passage(gh_id gate, uint64_t sequence, const uint8_t *previous)
{
    struct gh_entry entry = {
        .type = GH_ENTRY_PASSAGE,
        .gate = gate,
        .sequence = sequence,
        .wall_ms = INT64_C(1600000000000) + (int64_t)sequence * 977,
        .clock_trusted = true,
        .monotonic_ms = (int64_t)sequence * 977,
        .boot_id = "00112233445566778899aabbccddeeff",
        .outcome = GH_OUTCOME_OPEN,
        .reason = GH_REASON_OK,
        .kind = GH_KIND_HEALTH,
        .colour = GH_COLOUR_GREEN,
        .form = GH_FORM_PHONE,
        .subject = gate_id(sequence % 5000),
        .home = gate_id(sequence % 2000 + 5000),
        .health_code = gate_id(sequence + 10000),
        .housing_code = gate_id(sequence % 2000 + 7000),
        .generation = 42,
    };
    memcpy(entry.previous, previous, GH_SHA256_BYTES);
    return entry;
}

static void make_body(struct body *body, gh_id gate, uint64_t first, uint8_t hash[GH_SHA256_BYTES])
{
    const size_t room = (size_t)ENTRIES * (GH_ENTRY_MAX_BYTES + 1) + 32;
    body->plain = malloc(room);
    if (body->plain == NULL)
        bench_stop("malloc", "no memory");
    struct gh_writer writer = gh_writer_over(body->plain, room);
    gh_writer_put_text(&writer, "{\"entries\":[");
    for (uint64_t i = first; i < first + ENTRIES; i++) {
        char text[GH_ENTRY_MAX_BYTES];
        struct gh_entry entry = passage(gate, i, hash);
        size_t size = gh_entry_format(&entry, text);
        gh_entry_hash((struct gh_bytes){(const uint8_t *)text, size}, hash);
        gh_writer_put_text(&writer, i > first ? "," : "");
        gh_writer_put(&writer, text, size);
    }
    gh_writer_put_text(&writer, "]}");
    body->plain_size = writer.size;
    MUST(gh_zstd_compress((struct gh_bytes){body->plain, body->plain_size}, &body->packed,
                          &body->packed_size));
}

static void make_bodies(void)
{
    for (size_t gate = 0; gate < GATES; gate++) {
        uint8_t hash[GH_SHA256_BYTES] = {0};
        for (size_t i = 0; i < BATCHES; i++)
            make_body(&bodies[gate][i], gate_id(gate), i * ENTRIES + 1, hash);
    }
}

static struct gh_bytes plain(const struct body *body)
{
    return (struct gh_bytes){body->plain, body->plain_size};
}

/* --- databases --- */

static char folder[] = "/tmp/gatehouse-bench-XXXXXX";

static const char *path_of(const char *name)
{
    static char path[128];
    snprintf(path, sizeof(path), "%s/%s", folder, name);
    return path;
}

static struct gh_db *open_db(const char *name)
{
    struct gh_db *db;
    uint8_t secret[GH_SHA256_BYTES] = {1};
    MUST(gh_db_open(path_of(name), &db, NULL));
    for (size_t i = 0; i < GATES; i++) {
        const struct gh_db_gate gate = {.id = gate_id(i), .name = "North"};
        MUST(gh_db_gate_add(db, &gate, 1));
        MUST(gh_db_gate_enrol(db, gate.id, secret, 1));
    }
    return db;
}

static void remove_db(const char *name)
{
    static const char *const endings[] = {"", "-wal", "-shm"};
    char path[160];
    for (size_t i = 0; i < GH_ARRAY_SIZE(endings); i++) {
        snprintf(path, sizeof(path), "%s%s", path_of(name), endings[i]);
        (void)unlink(path);
    }
}

/* --- bare SQLite: one prepared insert, the same rows, the same settings --- */

static void run_sql(sqlite3 *db, const char *sql)
{
    if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK)
        bench_stop(sql, sqlite3_errmsg(db));
}

static sqlite3 *open_bare(const char *name, sqlite3_stmt **insert)
{
    sqlite3 *db;
    gh_db_close(open_db(name));
    if (sqlite3_open(path_of(name), &db) != SQLITE_OK)
        bench_stop(name, sqlite3_errmsg(db));
    run_sql(db, "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; "
                "PRAGMA secure_delete = ON; PRAGMA cache_size = -8192");
    if (sqlite3_prepare_v2(db,
                           "INSERT INTO entries (gate, seq, received_at, type, subject, home, "
                           "hash, prev, text) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                           -1, insert, NULL) != SQLITE_OK)
        bench_stop(name, sqlite3_errmsg(db));
    return db;
}

static int64_t flipped(gh_id id) /* as src/server/db_sqlite.h has it */
{
    return (int64_t)(id ^ (UINT64_C(1) << 63));
}

static void insert_bare(sqlite3 *db, sqlite3_stmt *insert, gh_id gate, const struct gh_batch *batch)
{
    run_sql(db, "BEGIN IMMEDIATE");
    for (size_t i = 0; i < batch->count; i++) {
        const struct gh_db_item *item = &batch->items[i];
        sqlite3_bind_int64(insert, 1, flipped(gate));
        sqlite3_bind_int64(insert, 2, (int64_t)item->sequence);
        sqlite3_bind_int64(insert, 3, 1000);
        sqlite3_bind_int64(insert, 4, item->type);
        sqlite3_bind_int64(insert, 5, flipped(item->subject));
        sqlite3_bind_int64(insert, 6, flipped(item->home));
        sqlite3_bind_blob(insert, 7, item->hash, GH_SHA256_BYTES, SQLITE_STATIC);
        sqlite3_bind_blob(insert, 8, item->previous, GH_SHA256_BYTES, SQLITE_STATIC);
        sqlite3_bind_text(insert, 9, item->text, (int)item->text_size, SQLITE_STATIC);
        if (sqlite3_step(insert) != SQLITE_DONE)
            bench_stop("insert", sqlite3_errmsg(db));
        sqlite3_reset(insert);
    }
    run_sql(db, "COMMIT");
}

/* --- one after the other, in turns --- */

struct times {
    int64_t bare, store, read, read_store;
};

static struct gh_batch read_body(gh_id gate, const struct body *body)
{
    struct gh_batch batch;
    MUST(gh_batch_read(plain(body), gate, &no_keys, &batch, NULL));
    return batch;
}

static void store_batch(struct gh_db *db, gh_id gate, struct gh_batch *batch)
{
    struct gh_db_batch result;
    struct gh_db_group group;
    MUST(gh_db_group_begin(db, &group));
    MUST(gh_db_group_put(&group, gate, batch->items, batch->count, 1000, &result));
    MUST(gh_db_group_end(&group));
    if (result.stored != ENTRIES)
        bench_stop("store", "not all of it was");
}

static void take_turns(struct times *times)
{
    sqlite3_stmt *insert;
    sqlite3 *bare = open_bare("bare", &insert);
    struct gh_db *store = open_db("store"), *both = open_db("both");
    for (size_t i = 0; i < (size_t)GATES * BATCHES; i++) {
        size_t gate = i % GATES;
        const struct body *body = &bodies[gate][i / GATES];
        int64_t at[5];
        at[0] = now_ns();
        struct gh_batch batch = read_body(gate_id(gate), body);
        at[1] = now_ns();
        insert_bare(bare, insert, gate_id(gate), &batch);
        at[2] = now_ns();
        store_batch(store, gate_id(gate), &batch);
        at[3] = now_ns();
        struct gh_batch again = read_body(gate_id(gate), body);
        store_batch(both, gate_id(gate), &again);
        at[4] = now_ns();
        times->read += at[1] - at[0];
        times->bare += at[2] - at[1];
        times->store += at[3] - at[2];
        times->read_store += at[4] - at[3];
        gh_batch_close(&batch);
        gh_batch_close(&again);
    }
    sqlite3_finalize(insert);
    sqlite3_close(bare);
    gh_db_close(store);
    gh_db_close(both);
}

/* --- as the server does it: compressed, threads, many batches a transaction --- */

static void on_done(void *context, const struct gh_ingest_answer *answer)
{
    if (answer->status != GH_OK || answer->result.stored != ENTRIES)
        bench_stop("ingest", gh_status_text(answer->status));
    ++*(size_t *)context;
}

static int64_t run_ingest(void)
{
    struct gh_db *db = open_db("ingest");
    struct gh_ingest *ingest;
    size_t given = 0, done = 0;
    MUST(gh_ingest_new(db, gh_clock_system(), &ingest, NULL));
    int64_t from = now_ns();
    while (done < (size_t)GATES * BATCHES) {
        /* Gates have one batch on its way each. */
        while (given < (size_t)GATES * BATCHES && given < done + GATES &&
               given - done < GH_INGEST_WAITING_MAX) {
            const struct body *body = &bodies[given % GATES][given / GATES];
            struct gh_sending *sending;
            uint8_t *copy = malloc(body->packed_size);
            if (copy == NULL)
                bench_stop("malloc", "no memory");
            memcpy(copy, body->packed, body->packed_size);
            MUST(gh_ingest_give(ingest, gate_id(given % GATES), copy, body->packed_size,
                                GH_CODING_ZSTD, on_done, &done, &sending));
            given++;
        }
        gh_ingest_deliver(ingest);
        usleep(200);
    }
    int64_t spent = now_ns() - from;
    gh_ingest_free(ingest);
    gh_db_close(db);
    return spent;
}

static void print(const char *name, int64_t spent)
{
    double us = (double)spent / 1e3 / (double)TOTAL;
    printf("  %-44s %7.2f us an entry %9.0f entries/s\n", name, us, 1e6 / us);
}

int main(void)
{
    static const char *const names[] = {"bare", "store", "both", "ingest"};
    struct times times = {0};
    if (mkdtemp(folder) == NULL)
        bench_stop(folder, "cannot be made");
    make_bodies();
    printf("bench_ingest: %d gates, batches of %d entries, %zu bytes each, %zu compressed\n", GATES,
           ENTRIES, bodies[0][1].plain_size, bodies[0][1].packed_size);
    take_turns(&times);
    int64_t ingest = run_ingest();
    print("bare SQLite insert, one batch a transaction", times.bare);
    print("gh_db_group of one batch, likewise", times.store);
    print("gh_batch_read alone", times.read);
    print("gh_batch_read and such a group", times.read_store);
    print("ingest: zstd, 2 threads, shared transactions", ingest);
    printf("  rate beside bare: store %.2f, read and store %.2f, ingest %.2f\n",
           (double)times.bare / (double)times.store, (double)times.bare / (double)times.read_store,
           (double)times.bare / (double)ingest);
    for (size_t i = 0; i < GH_ARRAY_SIZE(names); i++)
        remove_db(names[i]);
    (void)rmdir(folder);
    for (size_t i = 0; i < (size_t)GATES * BATCHES; i++) {
        free(bodies[i % GATES][i / GATES].plain);
        free(bodies[i % GATES][i / GATES].packed);
    }
    return 0;
}
