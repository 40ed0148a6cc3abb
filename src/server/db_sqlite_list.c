/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "server/db_sqlite.h"

enum gh_status gh_db_list_state(struct gh_db *db, struct gh_db_list_state *out)
{
    GH_SQL sqlite3_stmt *row = NULL;
    memset(out, 0, sizeof(*out));
    enum gh_status status =
        gh_sql_open(db, &row, "SELECT generation, built, built_sha256, built_bytes FROM meta", "");
    if (status == GH_OK)
        status = gh_sql_step(db, row);
    if (status != GH_OK)
        return status == GH_ERR_END ? GH_ERR_CORRUPT : status;
    out->generation = (uint64_t)sqlite3_column_int64(row, 0);
    out->built = (uint64_t)sqlite3_column_int64(row, 1);
    if (!gh_sql_blob(row, 2, out->sha256, GH_SHA256_BYTES))
        out->built = 0;
    out->bytes = (uint64_t)sqlite3_column_int64(row, 3);
    return GH_OK;
}

enum gh_status gh_db_list_built(struct gh_db *db, const struct gh_db_list_state *state)
{
    return gh_sql_run(db, NULL, "UPDATE meta SET built = ?, built_sha256 = ?, built_bytes = ?",
                      "ihi", (int64_t)state->built, state->sha256, (int64_t)state->bytes);
}

enum gh_status gh_db_list_bump(struct gh_db *db)
{
    return gh_sql_bump(db);
}

enum gh_status gh_db_list_settings(struct gh_db *db, const uint8_t fingerprint[GH_SHA256_BYTES])
{
    return gh_sql_run(db, NULL,
                      "UPDATE meta SET settings = ?1, generation = generation + 1 "
                      "WHERE settings IS NOT ?1",
                      "h", fingerprint);
}

enum gh_status gh_db_count(struct gh_db *db, struct gh_db_counts *out)
{
    int64_t entries = 0, refused = 0, gates = 0, generation = 0;
    /* The rows are numbered without gaps and for ever: the last number is the count. */
    enum gh_status status = gh_sql_number(
        db, &entries, "SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'entries'",
        "");
    if (status == GH_OK)
        status = gh_sql_number(
            db, &refused,
            "SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'refused'", "");
    if (status == GH_OK)
        status = gh_sql_number(db, &gates, "SELECT count(*) FROM gates WHERE state = ?", "i",
                               (int64_t)GH_GATE_ENROLLED);
    if (status == GH_OK)
        status = gh_sql_number(db, &generation, "SELECT generation FROM meta", "");
    *out = (struct gh_db_counts){
        .entries = (uint64_t)entries,
        .refused = (uint64_t)refused,
        .gates = (uint64_t)gates,
        .generation = (uint64_t)generation,
    };
    return status;
}

/* --- the snapshot's content --- */

typedef bool visit_fn(const struct gh_db_list_visitor *visitor, sqlite3_stmt *row);

static bool visit_subject(const struct gh_db_list_visitor *visitor, sqlite3_stmt *row)
{
    return visitor->subject(visitor->context, gh_sql_id(row, 0),
                            (enum gh_colour)sqlite3_column_int(row, 1));
}

static bool visit_home(const struct gh_db_list_visitor *visitor, sqlite3_stmt *row)
{
    return visitor->home(visitor->context, gh_sql_id(row, 0));
}

static bool visit_member(const struct gh_db_list_visitor *visitor, sqlite3_stmt *row)
{
    return visitor->member(visitor->context, gh_sql_id(row, 0), gh_sql_id(row, 1));
}

static bool visit_revoked(const struct gh_db_list_visitor *visitor, sqlite3_stmt *row)
{
    return visitor->revoked(visitor->context, gh_sql_id(row, 0));
}

static bool visit_recalled(const struct gh_db_list_visitor *visitor, sqlite3_stmt *row)
{
    return visitor->recalled(visitor->context, gh_sql_id(row, 0), sqlite3_column_int64(row, 1));
}

static bool visit_revoked_hash(const struct gh_db_list_visitor *visitor, sqlite3_stmt *row)
{
    uint8_t hash[GH_REVOCATION_BYTES];
    return gh_sql_blob(row, 0, hash, sizeof(hash)) &&
           visitor->revoked_hash(visitor->context, hash, sqlite3_column_int64(row, 1));
}

static bool visit_holder(const struct gh_db_list_visitor *visitor, sqlite3_stmt *row)
{
    return visitor->holder(visitor->context, gh_sql_id(row, 0), gh_sql_id(row, 1));
}

static bool visit_key(const struct gh_db_list_visitor *visitor, sqlite3_stmt *row)
{
    struct gh_db_trusted trusted;
    return gh_sql_trusted(row, &trusted) == GH_OK && visitor->key(visitor->context, &trusted.key);
}

static enum gh_status visit(struct gh_db *db, sqlite3_stmt *row,
                            const struct gh_db_list_visitor *visitor, visit_fn *each)
{
    enum gh_status status;
    while ((status = gh_sql_step(db, row)) == GH_OK)
        if (!each(visitor, row))
            return GH_ERR_AGAIN;
    return status == GH_ERR_END ? GH_OK : status;
}

static enum gh_status visit_all(struct gh_db *db, const char *text, const char *format,
                                int64_t argument, const struct gh_db_list_visitor *visitor,
                                visit_fn *each)
{
    GH_SQL sqlite3_stmt *row = NULL;
    enum gh_status status = gh_sql_open(db, &row, text, format, argument);
    return status == GH_OK ? visit(db, row, visitor, each) : status;
}

static enum gh_status visit_people_and_homes(struct gh_db *db,
                                             const struct gh_db_list_visitor *visitor)
{
    const int64_t approved = GH_HOME_STATE_APPROVED;
    enum gh_status status =
        visit_all(db, "SELECT id, status FROM people ORDER BY id", "", 0, visitor, visit_subject);
    if (status == GH_OK)
        status = visit_all(db, "SELECT id FROM homes WHERE state = ? ORDER BY id", "i", approved,
                           visitor, visit_home);
    if (status == GH_OK)
        status = visit_all(db,
                           "SELECT members.home, members.person FROM members JOIN homes ON "
                           "homes.id = members.home AND homes.state = ? "
                           "ORDER BY members.home, members.person",
                           "i", approved, visitor, visit_member);
    return status;
}

static enum gh_status visit_what_is_void(struct gh_db *db, int64_t revoked_from,
                                         const struct gh_db_list_visitor *visitor)
{
    enum gh_status status =
        visit_all(db,
                  "SELECT id FROM credentials WHERE revoked_at <> 0 AND expires_at >= ? "
                  "ORDER BY id",
                  "i", revoked_from, visitor, visit_revoked);
    if (status == GH_OK)
        status = visit_all(
            db, "SELECT person, before_s FROM recalls WHERE before_s >= ? ORDER BY person", "i",
            revoked_from - GH_HEALTH_VALID_MAX_S, visitor, visit_recalled);
    if (status == GH_OK)
        status = visit_all(
            db, "SELECT hash, before_s FROM revocations WHERE expires_at >= ? ORDER BY hash", "i",
            revoked_from, visitor, visit_revoked_hash);
    return status;
}

enum gh_status gh_db_list_read(struct gh_db *db, int64_t revoked_from,
                               const struct gh_db_list_visitor *visitor, uint64_t *generation)
{
    struct gh_db_list_state state = {0};
    enum gh_status status = gh_sql_run(db, NULL, "BEGIN", "");
    if (status == GH_OK)
        status = gh_db_list_state(db, &state);
    if (status == GH_OK)
        status = visit_people_and_homes(db, visitor);
    if (status == GH_OK)
        status = visit_what_is_void(db, revoked_from, visitor);
    if (status == GH_OK)
        status = visit_all(db, "SELECT holder, person FROM holders ORDER BY holder", "", 0, visitor,
                           visit_holder);
    if (status == GH_OK)
        status = visit_all(db, GH_SQL_TRUSTED, "", 0, visitor, visit_key);
    *generation = status == GH_OK ? state.generation : 0;
    return gh_sql_end(db, status);
}
