/* SPDX-License-Identifier: Apache-2.0 */
/* Entries as people read them. */
#include "server/db_sqlite.h"

/* *out: the first row that was received at that time or later, or one behind all. Rows come in the
 * order of their times, but where the clock was set: there it is one of the places that fit. */
static enum gh_status first_row_at(struct gh_db *db, int64_t time, int64_t *out)
{
    int64_t low = 1, high = 0;
    enum gh_status status =
        gh_sql_number(db, &high, "SELECT coalesce(max(row), 0) + 1 FROM entries", "");
    while (status == GH_OK && low < high) {
        GH_SQL sqlite3_stmt *row = NULL;
        int64_t middle = low + (high - low) / 2;
        status = gh_sql_open(
            db, &row, "SELECT row, received_at FROM entries WHERE row >= ? ORDER BY row LIMIT 1",
            "i", middle);
        if (status == GH_OK)
            status = gh_sql_step(db, row);
        if (status == GH_OK && sqlite3_column_int64(row, 1) < time)
            low = sqlite3_column_int64(row, 0) + 1;
        else
            high = middle;
        status = status == GH_ERR_END ? GH_OK : status;
    }
    *out = low;
    return status;
}

static enum gh_status open_reading(struct gh_db *db, const struct gh_db_entry_filter *filter,
                                   int64_t first, int64_t end, sqlite3_stmt **row)
{
    /* Each combination its own query, so that each uses the index that fits: of gate and type the
     * gate's, since most entries are of one type. */
#define QUERY(conditions)                                                                          \
    "SELECT entries.row, entries.gate, gates.name, entries.received_at, people.name, "             \
    "homes.address, entries.text FROM entries JOIN gates ON gates.id = entries.gate "              \
    "LEFT JOIN people ON people.id = entries.subject "                                             \
    "LEFT JOIN homes ON homes.id = entries.home "                                                  \
    "WHERE entries.row >= ? AND entries.row < ? " conditions " ORDER BY entries.row LIMIT ?"
    int64_t limit = filter->limit, type = filter->type;
    if (filter->gate != 0 && !filter->any_type)
        return gh_sql_open(db, row, QUERY("AND entries.gate = ? AND +entries.type = ?"), "iidii",
                           first, end, filter->gate, type, limit);
    if (filter->gate != 0)
        return gh_sql_open(db, row, QUERY("AND entries.gate = ?"), "iidi", first, end, filter->gate,
                           limit);
    if (!filter->any_type)
        return gh_sql_open(db, row, QUERY("AND entries.type = ?"), "iiii", first, end, type, limit);
    return gh_sql_open(db, row, QUERY(""), "iii", first, end, limit);
}

/* The rows that are asked for: from `first`, before `end`. */
static enum gh_status find_range(struct gh_db *db, const struct gh_db_entry_filter *filter,
                                 int64_t *first, int64_t *end)
{
    int64_t from = 0;
    enum gh_status status = GH_OK;
    *first = (int64_t)(filter->after < INT64_MAX ? filter->after + 1 : INT64_MAX);
    *end = INT64_MAX;
    if (filter->from != 0)
        status = first_row_at(db, filter->from, &from);
    if (status == GH_OK && filter->until != 0)
        status = first_row_at(db, filter->until, end);
    if (from > *first)
        *first = from;
    return status;
}

enum gh_status gh_db_entries_read(struct gh_db *db, const struct gh_db_entry_filter *filter,
                                  gh_db_entry_fn *each, void *context)
{
    GH_SQL sqlite3_stmt *row = NULL;
    int64_t first, end;
    enum gh_status status = find_range(db, filter, &first, &end);
    if (status == GH_OK)
        status = open_reading(db, filter, first, end, &row);
    while (status == GH_OK && (status = gh_sql_step(db, row)) == GH_OK) {
        const struct gh_db_entry entry = {
            .row = (uint64_t)sqlite3_column_int64(row, 0),
            .gate = gh_sql_id(row, 1),
            .gate_name = gh_sql_text(row, 2),
            .received_at = sqlite3_column_int64(row, 3),
            .name = gh_sql_text(row, 4),
            .address = gh_sql_text(row, 5),
            .text = gh_sql_text(row, 6),
        };
        if (!each(context, &entry))
            return GH_OK;
    }
    return status == GH_ERR_END ? GH_OK : status;
}
