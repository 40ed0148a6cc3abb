/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "server/db_sqlite.h"

#define EPISODE_S 3600 /* what comes again within it is counted in the same row */

const char *gh_alarm_name(enum gh_alarm alarm)
{
    static const char *const names[] = {
        [GH_ALARM_GAP] = "gap",
        [GH_ALARM_FORK] = "fork",
        [GH_ALARM_BROKEN] = "broken",
        [GH_ALARM_NOT_AN_ENTRY] = "not_an_entry",
        [GH_ALARM_CLONED] = "cloned",
        [GH_ALARM_LIST_REFUSED] = "list_refused",
        [GH_ALARM_PRUNED_EARLY] = "pruned_early",
        [GH_ALARM_OLDER_DATABASE] = "older_database",
        [GH_ALARM_FORCED] = "forced",
        [GH_ALARM_TAMPER] = "tamper",
        [GH_ALARM_FIRE] = "fire",
    };
    unsigned index = (unsigned)alarm;
    return index > 0 && index < GH_ARRAY_SIZE(names) ? names[index] : "unknown";
}

static enum gh_status begin_episode(struct gh_db *db, gh_id gate, enum gh_alarm alarm,
                                    uint64_t sequence, const char *text, int64_t now)
{
    enum gh_status status = gh_sql_run(db, NULL,
                                       "INSERT INTO alarms (gate, kind, at, last_at, count, seq, "
                                       "text) VALUES (?1, ?2, ?3, ?3, 1, ?4, ?5)",
                                       "diiit", gate, (int64_t)alarm, now, (int64_t)sequence, text);
    if (status == GH_OK)
        status =
            gh_sql_run(db, NULL, "UPDATE gates SET alarms = alarms + 1 WHERE id = ?", "d", gate);
    return status;
}

static enum gh_status add(struct gh_db *db, gh_id gate, enum gh_alarm alarm, uint64_t sequence,
                          const char *text, int64_t now)
{
    int64_t row = 0;
    if ((unsigned)alarm < GH_ALARM_END)
        db->tidings.raised[alarm]++;
    /* Also when the clock was set back: that begins another episode. */
    enum gh_status status =
        gh_sql_number(db, &row,
                      "SELECT row FROM alarms WHERE gate = ? AND kind = ? AND at > ? AND at <= ? "
                      "ORDER BY row DESC LIMIT 1",
                      "diii", gate, (int64_t)alarm, now - EPISODE_S, now);
    if (status == GH_ERR_NOTFOUND)
        return begin_episode(db, gate, alarm, sequence, text, now);
    if (status != GH_OK)
        return status;
    return gh_sql_run(db, NULL, "UPDATE alarms SET count = count + 1, last_at = ? WHERE row = ?",
                      "ii", now, row);
}

enum gh_status gh_db_alarm_add(struct gh_db *db, gh_id gate, enum gh_alarm alarm, uint64_t sequence,
                               const char *text, int64_t now)
{
    if (sqlite3_get_autocommit(db->handle) == 0)
        return add(db, gate, alarm, sequence, text, now);
    enum gh_status status = gh_sql_begin(db);
    if (status == GH_OK)
        status = add(db, gate, alarm, sequence, text, now);
    return gh_sql_end(db, status);
}

/* --- reading --- */

#define ALARMS(condition)                                                                          \
    "SELECT a.row, a.at, a.last_at, a.count, a.gate, gates.name, a.kind, a.seq, a.text "           \
    "FROM alarms AS a JOIN gates ON gates.id = a.gate WHERE a.row > ? " condition                  \
    "ORDER BY a.row LIMIT ?"

enum gh_status gh_db_alarms_read(struct gh_db *db, uint64_t after, gh_id gate, unsigned limit,
                                 gh_db_alarm_fn *each, void *context)
{
    GH_SQL sqlite3_stmt *row = NULL;
    const int64_t first = (int64_t)after, most = limit;
    enum gh_status status =
        gate != 0 ? gh_sql_open(db, &row, ALARMS("AND a.gate = ? "), "idi", first, gate, most)
                  : gh_sql_open(db, &row, ALARMS(""), "ii", first, most);
    while (status == GH_OK && (status = gh_sql_step(db, row)) == GH_OK) {
        const struct gh_db_alarm alarm = {
            .row = (uint64_t)sqlite3_column_int64(row, 0),
            .at = sqlite3_column_int64(row, 1),
            .last_at = sqlite3_column_int64(row, 2),
            .count = (uint64_t)sqlite3_column_int64(row, 3),
            .gate = gh_sql_id(row, 4),
            .gate_name = gh_sql_text(row, 5),
            .kind = (enum gh_alarm)sqlite3_column_int(row, 6),
            .sequence = (uint64_t)sqlite3_column_int64(row, 7),
            .text = gh_sql_text(row, 8),
        };
        if (!each(context, &alarm))
            return GH_OK;
    }
    return status == GH_ERR_END ? GH_OK : status;
}

#define REFUSED(condition)                                                                         \
    "SELECT r.row, r.received_at, r.gate, gates.name, r.seq, r.reason, r.text "                    \
    "FROM refused AS r JOIN gates ON gates.id = r.gate WHERE r.row > ? " condition                 \
    "ORDER BY r.row LIMIT ?"

enum gh_status gh_db_refused_read(struct gh_db *db, uint64_t after, gh_id gate, unsigned limit,
                                  gh_db_refused_fn *each, void *context)
{
    GH_SQL sqlite3_stmt *row = NULL;
    const int64_t first = (int64_t)after, most = limit;
    enum gh_status status =
        gate != 0 ? gh_sql_open(db, &row, REFUSED("AND r.gate = ? "), "idi", first, gate, most)
                  : gh_sql_open(db, &row, REFUSED(""), "ii", first, most);
    while (status == GH_OK && (status = gh_sql_step(db, row)) == GH_OK) {
        const struct gh_db_refused refused = {
            .row = (uint64_t)sqlite3_column_int64(row, 0),
            .received_at = sqlite3_column_int64(row, 1),
            .gate = gh_sql_id(row, 2),
            .gate_name = gh_sql_text(row, 3),
            .sequence = (uint64_t)sqlite3_column_int64(row, 4),
            .reason = gh_sql_text(row, 5),
            .text = {sqlite3_column_blob(row, 6), (size_t)sqlite3_column_bytes(row, 6)},
        };
        if (!each(context, &refused))
            return GH_OK;
    }
    return status == GH_ERR_END ? GH_OK : status;
}
