/* SPDX-License-Identifier: Apache-2.0 */
/* The list's generations, and its snapshot. */
#include <string.h>

#include "server/db_sqlite.h"

enum gh_status gh_db_list_distance(struct gh_db *db, const struct gh_generation *from,
                                   uint64_t *changes)
{
    int64_t number = 0;
    enum gh_status status =
        gh_sql_number(db, &number,
                      "SELECT (SELECT changes FROM generations ORDER BY number DESC LIMIT 1) - "
                      "changes FROM generations WHERE number = ?1 AND tag = ?2 AND "
                      "number >= (SELECT floor FROM meta)",
                      "ib", (int64_t)from->number, (const void *)from->tag, sizeof(from->tag));
    *changes = (uint64_t)number;
    return status;
}

static enum gh_status tag_of(struct gh_db *db, struct gh_generation *generation)
{
    GH_SQL sqlite3_stmt *row = NULL;
    enum gh_status status = gh_sql_open(db, &row, "SELECT tag FROM generations WHERE number = ?",
                                        "i", (int64_t)generation->number);
    if (status == GH_OK)
        status = gh_sql_step(db, row);
    if (status != GH_OK)
        return status == GH_ERR_END ? GH_ERR_NOTFOUND : status;
    return gh_sql_blob(row, 0, generation->tag, sizeof(generation->tag)) ? GH_OK : GH_ERR_CORRUPT;
}

enum gh_status gh_db_list_is_other(struct gh_db *db, const struct gh_generation *generation,
                                   bool *other)
{
    struct gh_generation ours = {.number = generation->number};
    enum gh_status status = tag_of(db, &ours);
    *other = status == GH_OK && !gh_generation_same(&ours, generation);
    return status == GH_ERR_NOTFOUND ? GH_OK : status;
}

static enum gh_status read_meta(struct gh_db *db, struct gh_db_list_state *out)
{
    GH_SQL sqlite3_stmt *row = NULL;
    enum gh_status status =
        gh_sql_open(db, &row,
                    "SELECT generation, built, built_sha256, built_bytes, built_at, built_people "
                    "FROM meta",
                    "");
    if (status == GH_OK)
        status = gh_sql_step(db, row);
    if (status != GH_OK)
        return status == GH_ERR_END ? GH_ERR_CORRUPT : status;
    out->now.number = (uint64_t)sqlite3_column_int64(row, 0);
    out->snapshot.generation.number = (uint64_t)sqlite3_column_int64(row, 1);
    if (!gh_sql_blob(row, 2, out->snapshot.sha256, GH_SHA256_BYTES))
        out->snapshot.generation.number = 0;
    out->snapshot.bytes = (uint64_t)sqlite3_column_int64(row, 3);
    out->snapshot.made_at = sqlite3_column_int64(row, 4);
    out->snapshot.people = (uint64_t)sqlite3_column_int64(row, 5);
    return GH_OK;
}

static enum gh_status read_state(struct gh_db *db, struct gh_db_list_state *out)
{
    enum gh_status status = read_meta(db, out);
    if (status == GH_OK && (status = tag_of(db, &out->now)) == GH_ERR_NOTFOUND)
        status = GH_ERR_CORRUPT;
    if (status != GH_OK || out->snapshot.generation.number == 0)
        return status;
    status = tag_of(db, &out->snapshot.generation);
    if (status == GH_OK)
        status = gh_db_list_distance(db, &out->snapshot.generation, &out->changes);
    if (status == GH_ERR_NOTFOUND) {
        out->changes = UINT64_MAX;
        return GH_OK;
    }
    return status;
}

enum gh_status gh_db_list_state(struct gh_db *db, struct gh_db_list_state *out)
{
    memset(out, 0, sizeof(*out));
    out->changes = UINT64_MAX;
    enum gh_status status = gh_sql_begin_reading(db);
    if (status == GH_OK)
        status = read_state(db, out);
    return gh_sql_end(db, status);
}

enum gh_status gh_db_list_built(struct gh_db *db, const struct gh_db_snapshot *snapshot)
{
    return gh_sql_run(db, NULL,
                      "UPDATE meta SET built = ?, built_sha256 = ?, built_bytes = ?, built_at = ?, "
                      "built_people = ?",
                      "ihiii", (int64_t)snapshot->generation.number, snapshot->sha256,
                      (int64_t)snapshot->bytes, snapshot->made_at, (int64_t)snapshot->people);
}

enum gh_status gh_db_list_bump(struct gh_db *db)
{
    enum gh_status status = gh_sql_begin(db);
    if (status == GH_OK)
        status = gh_sql_bump(db);
    return gh_sql_end(db, status);
}

enum gh_status gh_db_list_jump(struct gh_db *db, uint64_t number)
{
    if (number <= gh_db_generation(db) || number > INT64_MAX)
        return GH_ERR_INVALID;
    enum gh_status status = gh_sql_begin(db);
    if (status == GH_OK)
        status = gh_sql_bump_to(db, (int64_t)number);
    return gh_sql_end(db, status);
}

enum gh_status gh_db_list_settings(struct gh_db *db, const uint8_t fingerprint[GH_SHA256_BYTES])
{
    int changes = 0;
    enum gh_status status = gh_sql_begin(db);
    if (status == GH_OK)
        status = gh_sql_run(db, &changes, "UPDATE meta SET settings = ?1 WHERE settings IS NOT ?1",
                            "h", fingerprint);
    if (status == GH_OK && changes > 0)
        status = gh_sql_bump(db);
    return gh_sql_end(db, status);
}

enum gh_status gh_db_list_cutoff(struct gh_db *db, int64_t *cutoff)
{
    return gh_sql_cutoff(db, cutoff);
}

enum gh_status gh_db_list_signed(struct gh_db *db, int64_t *at)
{
    return gh_sql_number(db, at, "SELECT signed_at FROM meta", "");
}

enum gh_status gh_db_list_set_signed(struct gh_db *db, int64_t at)
{
    return gh_sql_run(db, NULL, "UPDATE meta SET signed_at = ?", "i", at);
}

enum gh_status gh_db_count(struct gh_db *db, struct gh_db_counts *out)
{
    int64_t entries = 0, refused = 0, alarms = 0, gates = 0, generation = 0;
    /* The rows are numbered without gaps and for ever: the last number is the count. */
    enum gh_status status = gh_sql_number(
        db, &entries, "SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'entries'",
        "");
    if (status == GH_OK)
        status = gh_sql_number(
            db, &refused,
            "SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'refused'", "");
    if (status == GH_OK)
        status = gh_sql_number(
            db, &alarms, "SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'alarms'",
            "");
    if (status == GH_OK)
        status = gh_sql_number(db, &gates, "SELECT count(*) FROM gates WHERE state = ?", "i",
                               (int64_t)GH_GATE_ENROLLED);
    if (status == GH_OK)
        status = gh_sql_number(db, &generation, "SELECT generation FROM meta", "");
    *out = (struct gh_db_counts){
        .entries = (uint64_t)entries,
        .refused = (uint64_t)refused,
        .alarms = (uint64_t)alarms,
        .gates = (uint64_t)gates,
        .generation = (uint64_t)generation,
    };
    return status;
}

/* --- the snapshot's content --- */

typedef bool visit_fn(const struct gh_db_list_visitor *visitor, sqlite3_stmt *row);

static bool visit_home(const struct gh_db_list_visitor *visitor, sqlite3_stmt *row)
{
    return visitor->home(visitor->context, gh_sql_id(row, 0));
}

static bool visit_revoked(const struct gh_db_list_visitor *visitor, sqlite3_stmt *row)
{
    return visitor->revoked(visitor->context, gh_sql_id(row, 0));
}

static bool visit_recalled(const struct gh_db_list_visitor *visitor, sqlite3_stmt *row)
{
    return visitor->recalled(visitor->context, gh_sql_id(row, 0), sqlite3_column_int64(row, 1));
}

static bool visit_hash(const struct gh_db_list_visitor *visitor, sqlite3_stmt *row)
{
    uint8_t hash[GH_REVOCATION_BYTES];
    return gh_sql_blob(row, 0, hash, sizeof(hash)) &&
           visitor->hash(visitor->context, hash, sqlite3_column_int64(row, 1));
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

static enum gh_status visit_all(struct gh_db *db, const char *text, const char *format,
                                int64_t argument, const struct gh_db_list_visitor *visitor,
                                visit_fn *each)
{
    GH_SQL sqlite3_stmt *row = NULL;
    enum gh_status status = gh_sql_open(db, &row, text, format, argument);
    while (status == GH_OK && (status = gh_sql_step(db, row)) == GH_OK)
        if (!each(visitor, row))
            return GH_ERR_AGAIN;
    return status == GH_ERR_END ? GH_OK : status;
}

/* --- people with their homes: two readings side by side, both by person --- */

struct members {
    sqlite3_stmt *row;
    bool more;
};

static enum gh_status next_member(struct gh_db *db, struct members *members)
{
    enum gh_status status = gh_sql_step(db, members->row);
    members->more = status == GH_OK;
    return status == GH_ERR_END ? GH_OK : status;
}

static enum gh_status homes_of(struct gh_db *db, struct members *members, gh_id person,
                               gh_id homes[GH_LIST_HOMES_MAX], size_t *count)
{
    enum gh_status status = GH_OK;
    *count = 0;
    while (status == GH_OK && members->more && gh_sql_id(members->row, 0) <= person) {
        if (gh_sql_id(members->row, 0) == person && *count < GH_LIST_HOMES_MAX)
            homes[(*count)++] = gh_sql_id(members->row, 1);
        status = next_member(db, members);
    }
    return status;
}

static enum gh_status visit_people(struct gh_db *db, const struct gh_db_list_visitor *visitor)
{
    GH_SQL sqlite3_stmt *people = NULL, *memberships = NULL;
    gh_id homes[GH_LIST_HOMES_MAX];
    size_t count = 0;
    enum gh_status status =
        gh_sql_open(db, &people, "SELECT id, status FROM people ORDER BY id", "");
    if (status == GH_OK)
        status = gh_sql_open(db, &memberships,
                             "SELECT person, home FROM members INDEXED BY members_person WHERE "
                             "(SELECT state FROM homes WHERE id = home) = ? ORDER BY person, home",
                             "i", (int64_t)GH_HOME_STATE_APPROVED);
    struct members members = {.row = memberships};
    if (status == GH_OK)
        status = next_member(db, &members);
    while (status == GH_OK && (status = gh_sql_step(db, people)) == GH_OK) {
        gh_id person = gh_sql_id(people, 0);
        status = homes_of(db, &members, person, homes, &count);
        if (status == GH_OK &&
            !visitor->subject(visitor->context, person,
                              (enum gh_colour)sqlite3_column_int(people, 1), homes, count))
            return GH_ERR_AGAIN;
    }
    return status == GH_ERR_END ? GH_OK : status;
}

static enum gh_status visit_what_is_void(struct gh_db *db, const struct gh_db_list_visitor *visitor)
{
    int64_t cutoff = 0;
    enum gh_status status = gh_sql_cutoff(db, &cutoff);
    if (status == GH_OK)
        status = visit_all(db,
                           "SELECT id FROM credentials WHERE revoked_at <> 0 AND expires_at >= ? "
                           "ORDER BY id",
                           "i", cutoff, visitor, visit_revoked);
    if (status == GH_OK)
        status = visit_all(
            db, "SELECT person, before_s FROM recalls WHERE before_s >= ? ORDER BY person", "i",
            cutoff - GH_HEALTH_VALID_MAX_S, visitor, visit_recalled);
    if (status == GH_OK)
        status = visit_all(
            db, "SELECT hash, before_s FROM revocations WHERE expires_at >= ? ORDER BY hash", "i",
            cutoff, visitor, visit_hash);
    return status;
}

enum gh_status gh_sql_visit_keys(struct gh_db *db, const struct gh_db_list_visitor *visitor)
{
    return visit_all(db, GH_SQL_TRUSTED, "", 0, visitor, visit_key);
}

enum gh_status gh_sql_read_now(struct gh_db *db, struct gh_generation *now)
{
    int64_t number = 0;
    enum gh_status status = gh_sql_number(db, &number, "SELECT generation FROM meta", "");
    now->number = (uint64_t)number;
    return status == GH_OK ? tag_of(db, now) : status;
}

enum gh_status gh_db_list_read(struct gh_db *db, const struct gh_db_list_visitor *visitor,
                               struct gh_generation *generation)
{
    memset(generation, 0, sizeof(*generation));
    enum gh_status status = gh_sql_begin_reading(db);
    if (status == GH_OK)
        status = gh_sql_read_now(db, generation);
    if (status == GH_OK)
        status = visit_all(db, "SELECT id FROM homes WHERE state = ? ORDER BY id", "i",
                           (int64_t)GH_HOME_STATE_APPROVED, visitor, visit_home);
    if (status == GH_OK)
        status = visit_people(db, visitor);
    if (status == GH_OK)
        status = visit_what_is_void(db, visitor);
    if (status == GH_OK)
        status = visit_all(db, "SELECT holder, person FROM holders ORDER BY holder", "", 0, visitor,
                           visit_holder);
    if (status == GH_OK)
        status = gh_sql_visit_keys(db, visitor);
    return gh_sql_end(db, status);
}
