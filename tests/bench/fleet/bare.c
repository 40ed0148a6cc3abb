/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/fleet/bare.h"

#include <inttypes.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "gatehouse/entry.h"

#define COLUMNS_MAX 32
#define SQL_BYTES 2048

/* --- SQLite, or the end --- */

static sqlite3 *open_database(const char *path, int flags)
{
    sqlite3 *handle = NULL;
    if (sqlite3_open_v2(path, &handle, flags, NULL) != SQLITE_OK)
        fleet_fail("%s: %s", path, sqlite3_errmsg(handle));
    return handle;
}

static sqlite3 *open_server_database(const struct fleet_town *town)
{
    char path[600];
    snprintf(path, sizeof(path), "%s/gatehouse.db", town->state_dir);
    return open_database(path, SQLITE_OPEN_READWRITE);
}

static void run(sqlite3 *handle, const char *text)
{
    if (sqlite3_exec(handle, text, NULL, NULL, NULL) != SQLITE_OK)
        fleet_fail("%s: %s", text, sqlite3_errmsg(handle));
}

static sqlite3_stmt *prepare(sqlite3 *handle, const char *text)
{
    sqlite3_stmt *statement = NULL;
    if (sqlite3_prepare_v2(handle, text, -1, &statement, NULL) != SQLITE_OK)
        fleet_fail("%s: %s", text, sqlite3_errmsg(handle));
    return statement;
}

static bool step(sqlite3 *handle, sqlite3_stmt *statement)
{
    int result = sqlite3_step(statement);
    if (result != SQLITE_ROW && result != SQLITE_DONE)
        fleet_fail("%s: %s", sqlite3_sql(statement), sqlite3_errmsg(handle));
    return result == SQLITE_ROW;
}

static int64_t number(sqlite3 *handle, const char *text)
{
    sqlite3_stmt *statement = prepare(handle, text);
    int64_t value = step(handle, statement) ? sqlite3_column_int64(statement, 0) : -1;
    sqlite3_finalize(statement);
    return value;
}

/* --- what is stored --- */

static void check_chain(sqlite3 *handle, sqlite3_stmt *rows, gh_id gate,
                        const struct fleet_batch *batch)
{
    uint8_t hash[GH_SHA256_BYTES], previous[GH_SHA256_BYTES] = {0};
    /* Identifiers are kept with their highest bit turned, so that they sort. */
    sqlite3_bind_int64(rows, 1, (int64_t)(gate ^ (UINT64_C(1) << 63)));
    for (int64_t sequence = 1; sequence <= FLEET_BATCH_ENTRIES; sequence++) {
        if (!step(handle, rows) || sqlite3_column_int64(rows, 0) != sequence)
            fleet_fail("entry %" PRId64 " of gate %016" PRIx64 " is missing", sequence, gate);
        const struct gh_bytes text = {sqlite3_column_blob(rows, 3),
                                      (size_t)sqlite3_column_bytes(rows, 3)};
        gh_entry_hash(text, hash);
        if (sqlite3_column_bytes(rows, 1) != GH_SHA256_BYTES ||
            memcmp(sqlite3_column_blob(rows, 1), hash, sizeof(hash)) != 0 ||
            sqlite3_column_bytes(rows, 2) != GH_SHA256_BYTES ||
            memcmp(sqlite3_column_blob(rows, 2), previous, sizeof(previous)) != 0)
            fleet_fail("entry %" PRId64 " of gate %016" PRIx64 " is not what was sent", sequence,
                       gate);
        memcpy(previous, hash, sizeof(previous));
    }
    if (step(handle, rows) || memcmp(previous, batch->last_hash, sizeof(previous)) != 0)
        fleet_fail("the chain of gate %016" PRIx64 " does not end as it was sent", gate);
    sqlite3_reset(rows);
}

static void expect(sqlite3 *handle, const char *text, uint64_t wanted)
{
    int64_t found = number(handle, text);
    if (found < 0 || (uint64_t)found != wanted)
        fleet_fail("%s: %" PRId64 " in place of %" PRIu64, text, found, wanted);
}

void fleet_stored_check(const struct fleet_town *town, const struct fleet_batches *batches)
{
    sqlite3 *handle = open_server_database(town);
    expect(handle, "SELECT count(*) FROM entries", batches->count * UINT64_C(200));
    expect(handle, "SELECT count(*) FROM refused", 0);
    expect(handle, "SELECT coalesce(sum(alarms), 0) FROM gates", 0);
    sqlite3_stmt *rows =
        prepare(handle, "SELECT seq, hash, prev, text FROM entries WHERE gate = ? ORDER BY seq");
    for (size_t i = 0; i < batches->count; i++) {
        check_chain(handle, rows, town->gates[i].id, &batches->batch[i]);
        fleet_check_stopped();
    }
    sqlite3_finalize(rows);
    sqlite3_close(handle);
}

/* --- the same by SQLite alone --- */

struct copy {
    sqlite3 *from, *to;
    sqlite3_stmt *rows, *insert;
    int columns;
    size_t rows_each;
    sqlite3_value **values; /* of rows_each rows */
};

/* The table and its indexes, as the server has made them. */
static void copy_schema(struct copy *copy)
{
    sqlite3_stmt *schema = prepare(copy->from, "SELECT sql FROM sqlite_schema WHERE tbl_name = "
                                               "'entries' AND sql IS NOT NULL ORDER BY rootpage");
    while (step(copy->from, schema))
        run(copy->to, (const char *)sqlite3_column_text(schema, 0));
    sqlite3_finalize(schema);
}

/* All columns but the row's number, which SQLite gives. */
static void prepare_both(struct copy *copy)
{
    char names[SQL_BYTES] = "", marks[4 * COLUMNS_MAX] = "", text[2 * SQL_BYTES];
    size_t used = 0;
    sqlite3_stmt *columns = prepare(
        copy->from, "SELECT name FROM pragma_table_info('entries') WHERE pk = 0 ORDER BY cid");
    while (step(copy->from, columns)) {
        used += (size_t)snprintf(names + used, sizeof(names) - used, "%s%s", used > 0 ? ", " : "",
                                 (const char *)sqlite3_column_text(columns, 0));
        strcat(marks, copy->columns++ > 0 ? ", ?" : "?");
        if (used >= sizeof(names) || copy->columns == COLUMNS_MAX)
            fleet_fail("too many columns");
    }
    sqlite3_finalize(columns);
    snprintf(text, sizeof(text), "SELECT %s FROM entries ORDER BY row", names);
    copy->rows = prepare(copy->from, text);
    snprintf(text, sizeof(text), "INSERT INTO entries (%s) VALUES (%s)", names, marks);
    copy->insert = prepare(copy->to, text);
}

static size_t read_some(struct copy *copy)
{
    size_t count = 0;
    while (count < copy->rows_each && step(copy->from, copy->rows)) {
        for (int i = 0; i < copy->columns; i++) {
            sqlite3_value *value = sqlite3_value_dup(sqlite3_column_value(copy->rows, i));
            if (value == NULL)
                fleet_fail("no memory for rows");
            copy->values[count * (size_t)copy->columns + (size_t)i] = value;
        }
        count++;
    }
    return count;
}

static void insert_some(struct copy *copy, size_t count)
{
    run(copy->to, "BEGIN IMMEDIATE");
    for (size_t row = 0; row < count; row++) {
        for (int i = 0; i < copy->columns; i++)
            sqlite3_bind_value(copy->insert, i + 1,
                               copy->values[row * (size_t)copy->columns + (size_t)i]);
        (void)step(copy->to, copy->insert);
        sqlite3_reset(copy->insert);
    }
    run(copy->to, "COMMIT");
}

static int64_t copy_all(struct copy *copy)
{
    int64_t took_ns = 0;
    size_t count;
    while ((count = read_some(copy)) > 0) {
        int64_t began_ns = fleet_now_ns();
        insert_some(copy, count);
        took_ns += fleet_now_ns() - began_ns;
        for (size_t i = 0; i < count * (size_t)copy->columns; i++)
            sqlite3_value_free(copy->values[i]);
        fleet_check_stopped();
    }
    return took_ns;
}

static void remove_database(const char *path)
{
    static const char *const ends[] = {"", "-wal", "-shm"};
    char name[620];
    for (size_t i = 0; i < GH_ARRAY_SIZE(ends); i++) {
        snprintf(name, sizeof(name), "%s%s", path, ends[i]);
        (void)unlink(name);
    }
}

int64_t fleet_bare_insert(const struct fleet_town *town, size_t rows_each)
{
    struct copy copy = {.rows_each = rows_each};
    char path[600];
    snprintf(path, sizeof(path), "%s/bare.db", fleet_folder());
    copy.from = open_server_database(town);
    copy.to = open_database(path, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE);
    run(copy.to, "PRAGMA journal_mode = WAL");
    run(copy.to, "PRAGMA synchronous = FULL");
    run(copy.to, "PRAGMA cache_size = -32768"); /* as the server has it */
    copy_schema(&copy);
    prepare_both(&copy);
    copy.values = fleet_allocate(rows_each * (size_t)copy.columns, sizeof(sqlite3_value *));
    int64_t took_ns = copy_all(&copy);
    free(copy.values);
    sqlite3_finalize(copy.rows);
    sqlite3_finalize(copy.insert);
    sqlite3_close(copy.from);
    sqlite3_close(copy.to);
    remove_database(path);
    return took_ns;
}
