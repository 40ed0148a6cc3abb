/* SPDX-License-Identifier: Apache-2.0 */
/* What leads from one generation to the newest: the things that the change log names since, as they
 * stand now. */
#include <string.h>

#include "server/db_sqlite.h"

struct reading {
    struct gh_db *db;
    const struct gh_db_list_visitor *put;
    const struct gh_db_drop_visitor *drop;
    int64_t cutoff;
};

static enum gh_status visited(bool go_on)
{
    return go_on ? GH_OK : GH_ERR_AGAIN;
}

static enum gh_status read_homes(struct gh_db *db, gh_id person, gh_id homes[GH_LIST_HOMES_MAX],
                                 size_t *count)
{
    GH_SQL sqlite3_stmt *row = NULL;
    *count = 0;
    enum gh_status status =
        gh_sql_open(db, &row,
                    "SELECT home FROM members INDEXED BY members_person WHERE person = ? AND "
                    "(SELECT state FROM homes WHERE id = home) = ? ORDER BY home LIMIT ?",
                    "dii", person, (int64_t)GH_HOME_STATE_APPROVED, (int64_t)GH_LIST_HOMES_MAX);
    while (status == GH_OK && (status = gh_sql_step(db, row)) == GH_OK)
        homes[(*count)++] = gh_sql_id(row, 0);
    return status == GH_ERR_END ? GH_OK : status;
}

static enum gh_status visit_subject(const struct reading *reading, gh_id id)
{
    gh_id homes[GH_LIST_HOMES_MAX];
    size_t count = 0;
    int64_t colour = 0;
    enum gh_status status =
        gh_sql_number(reading->db, &colour, "SELECT status FROM people WHERE id = ?", "d", id);
    if (status == GH_ERR_NOTFOUND)
        return visited(reading->drop->subject(reading->drop->context, id));
    if (status == GH_OK)
        status = read_homes(reading->db, id, homes, &count);
    return status == GH_OK ? visited(reading->put->subject(reading->put->context, id,
                                                           (enum gh_colour)colour, homes, count))
                           : status;
}

static enum gh_status visit_home(const struct reading *reading, gh_id id)
{
    int64_t one;
    enum gh_status status =
        gh_sql_number(reading->db, &one, "SELECT 1 FROM homes WHERE id = ? AND state = ?", "di", id,
                      (int64_t)GH_HOME_STATE_APPROVED);
    if (status == GH_ERR_NOTFOUND)
        return visited(reading->drop->home(reading->drop->context, id));
    return status == GH_OK ? visited(reading->put->home(reading->put->context, id)) : status;
}

static enum gh_status visit_revoked(const struct reading *reading, gh_id id)
{
    int64_t one;
    enum gh_status status = gh_sql_number(
        reading->db, &one,
        "SELECT 1 FROM credentials WHERE id = ? AND revoked_at <> 0 AND expires_at >= ?", "di", id,
        reading->cutoff);
    if (status == GH_ERR_NOTFOUND)
        return visited(reading->drop->revoked(reading->drop->context, id));
    return status == GH_OK ? visited(reading->put->revoked(reading->put->context, id)) : status;
}

static enum gh_status visit_recalled(const struct reading *reading, gh_id id)
{
    int64_t before;
    enum gh_status status = gh_sql_number(
        reading->db, &before, "SELECT before_s FROM recalls WHERE person = ? AND before_s >= ?",
        "di", id, reading->cutoff - GH_HEALTH_VALID_MAX_S);
    if (status == GH_ERR_NOTFOUND)
        return visited(reading->drop->recalled(reading->drop->context, id));
    return status == GH_OK ? visited(reading->put->recalled(reading->put->context, id, before))
                           : status;
}

static enum gh_status visit_hash(const struct reading *reading, const uint8_t *hash)
{
    int64_t before;
    enum gh_status status = gh_sql_number(
        reading->db, &before, "SELECT before_s FROM revocations WHERE hash = ? AND expires_at >= ?",
        "bi", (const void *)hash, (size_t)GH_REVOCATION_BYTES, reading->cutoff);
    if (status == GH_ERR_NOTFOUND)
        return visited(reading->drop->hash(reading->drop->context, hash));
    return status == GH_OK ? visited(reading->put->hash(reading->put->context, hash, before))
                           : status;
}

static enum gh_status visit_holder(const struct reading *reading, gh_id id)
{
    GH_SQL sqlite3_stmt *row = NULL;
    enum gh_status status =
        gh_sql_open(reading->db, &row, "SELECT person FROM holders WHERE holder = ?", "d", id);
    if (status == GH_OK)
        status = gh_sql_step(reading->db, row);
    if (status == GH_ERR_END)
        return visited(reading->drop->holder(reading->drop->context, id));
    return status == GH_OK
               ? visited(reading->put->holder(reading->put->context, id, gh_sql_id(row, 0)))
               : status;
}

static enum gh_status visit_keys(const struct reading *reading)
{
    if (!reading->drop->keys(reading->drop->context))
        return GH_ERR_AGAIN;
    return gh_sql_visit_keys(reading->db, reading->put);
}

static enum gh_status visit_thing(const struct reading *reading, sqlite3_stmt *row)
{
    uint8_t hash[GH_REVOCATION_BYTES];
    gh_id id = gh_sql_id(row, 1); /* 0: it is no number */
    switch ((enum gh_sql_thing)sqlite3_column_int(row, 0)) {
    case GH_SQL_SUBJECT:
        return visit_subject(reading, id);
    case GH_SQL_HOME:
        return visit_home(reading, id);
    case GH_SQL_REVOKED:
        return visit_revoked(reading, id);
    case GH_SQL_RECALLED:
        return visit_recalled(reading, id);
    case GH_SQL_HASH:
        return gh_sql_blob(row, 1, hash, sizeof(hash)) ? visit_hash(reading, hash) : GH_ERR_CORRUPT;
    case GH_SQL_HOLDER:
        return visit_holder(reading, id);
    case GH_SQL_KEYS:
        return visit_keys(reading);
    }
    return GH_ERR_CORRUPT;
}

static enum gh_status visit_things(const struct reading *reading, uint64_t from)
{
    GH_SQL sqlite3_stmt *row = NULL;
    enum gh_status status = gh_sql_open(
        reading->db, &row,
        "SELECT DISTINCT kind, thing FROM changes WHERE generation > ? ORDER BY kind, thing", "i",
        (int64_t)from);
    while (status == GH_OK && (status = gh_sql_step(reading->db, row)) == GH_OK)
        status = visit_thing(reading, row);
    return status == GH_ERR_END ? GH_OK : status;
}

enum gh_status gh_db_list_read_since(struct gh_db *db, const struct gh_generation *from,
                                     const struct gh_db_list_visitor *put,
                                     const struct gh_db_drop_visitor *drop,
                                     struct gh_generation *to)
{
    struct reading reading = {.db = db, .put = put, .drop = drop};
    uint64_t changes;
    memset(to, 0, sizeof(*to));
    enum gh_status status = gh_sql_begin_reading(db);
    if (status == GH_OK)
        status = gh_db_list_distance(db, from, &changes);
    if (status == GH_OK)
        status = gh_sql_read_now(db, to);
    if (status == GH_OK)
        status = gh_sql_cutoff(db, &reading.cutoff);
    if (status == GH_OK)
        status = visit_things(&reading, from->number);
    return gh_sql_end(db, status);
}
