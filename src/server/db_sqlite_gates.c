/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "server/db_sqlite.h"

#define COLUMNS                                                                                    \
    "id, name, state, token, token_expires_at, secret, last_seen_at, last_sequence, alarms"

static void read_row(sqlite3_stmt *row, struct gh_db_gate *gate)
{
    memset(gate, 0, sizeof(*gate));
    gate->id = gh_sql_id(row, 0);
    snprintf(gate->name, sizeof(gate->name), "%s", gh_sql_text(row, 1));
    gate->state = (enum gh_gate_state)sqlite3_column_int(row, 2);
    gate->token_expires_at = sqlite3_column_int64(row, 4);
    gate->last_seen_at = sqlite3_column_int64(row, 6);
    gate->last_sequence = (uint64_t)sqlite3_column_int64(row, 7);
    gate->alarms = (uint64_t)sqlite3_column_int64(row, 8);
    bool token = gh_sql_blob(row, 3, gate->token_sha256, GH_SHA256_BYTES);
    bool secret = gh_sql_blob(row, 5, gate->secret_sha256, GH_SHA256_BYTES);
    /* A row that contradicts itself lets nobody in. */
    if (!token || (gate->state == GH_GATE_ENROLLED && !secret))
        gate->state = GH_GATE_SHUT_OUT;
}

enum gh_status gh_db_gate_add(struct gh_db *db, const struct gh_db_gate *gate, int64_t now)
{
    return gh_sql_run(db, NULL, "INSERT INTO gates VALUES (?, ?, ?, ?, ?, NULL, ?, 0, 0, 0, 0, 0)",
                      "dtihii", gate->id, gate->name, (int64_t)GH_GATE_WAITING, gate->token_sha256,
                      gate->token_expires_at, now);
}

enum gh_status gh_db_gate_find(struct gh_db *db, gh_id id, struct gh_db_gate *out)
{
    GH_SQL sqlite3_stmt *row = NULL;
    memset(out, 0, sizeof(*out));
    enum gh_status status =
        gh_sql_open(db, &row, "SELECT " COLUMNS " FROM gates WHERE id = ?", "d", id);
    if (status == GH_OK)
        status = gh_sql_step(db, row);
    if (status != GH_OK)
        return status == GH_ERR_END ? GH_ERR_NOTFOUND : status;
    read_row(row, out);
    return GH_OK;
}

enum gh_status gh_db_gates_read(struct gh_db *db, gh_db_gate_fn *each, void *context)
{
    GH_SQL sqlite3_stmt *row = NULL;
    struct gh_db_gate gate;
    enum gh_status status =
        gh_sql_open(db, &row, "SELECT " COLUMNS " FROM gates ORDER BY created_at, id", "");
    while (status == GH_OK && (status = gh_sql_step(db, row)) == GH_OK) {
        read_row(row, &gate);
        if (!each(context, &gate))
            return GH_OK;
    }
    return status == GH_ERR_END ? GH_OK : status;
}

enum gh_status gh_db_gate_enrol(struct gh_db *db, gh_id id,
                                const uint8_t secret_sha256[GH_SHA256_BYTES], int64_t now)
{
    int changes = 0;
    enum gh_status status = gh_sql_run(
        db, &changes,
        "UPDATE gates SET state = ?, secret = ?, last_seen_at = ? WHERE id = ? AND "
        "state = ?",
        "ihidi", (int64_t)GH_GATE_ENROLLED, secret_sha256, now, id, (int64_t)GH_GATE_WAITING);
    return status == GH_OK && changes == 0 ? GH_ERR_REFUSED : status;
}

enum gh_status gh_db_gate_shut_out(struct gh_db *db, gh_id id)
{
    int changes = 0;
    enum gh_status status = gh_sql_run(db, &changes, "UPDATE gates SET state = ? WHERE id = ?",
                                       "id", (int64_t)GH_GATE_SHUT_OUT, id);
    return status == GH_OK && changes == 0 ? GH_ERR_NOTFOUND : status;
}

enum gh_status gh_db_gates_seen(struct gh_db *db, const struct gh_db_seen *seen, size_t count)
{
    enum gh_status status = gh_sql_begin(db);
    for (size_t i = 0; status == GH_OK && i < count; i++)
        status = gh_sql_run(db, NULL, "UPDATE gates SET last_seen_at = ? WHERE id = ?", "id",
                            seen[i].at, seen[i].gate);
    return gh_sql_end(db, status);
}
