/* SPDX-License-Identifier: Apache-2.0 */
/* What is refused by more than one credential's identifier: a person's codes, foreign certificates.
 */
#include "server/db_sqlite.h"

/* What expired is still kept for a while: a server whose clock was wrong for a day lost nothing. */
#define EXPIRED_KEPT_S (INT64_C(90) * 86400)

/* --- a person's codes --- */

enum gh_status gh_db_person_recalled(struct gh_db *db, gh_id person, int64_t *before)
{
    enum gh_status status =
        gh_sql_number(db, before, "SELECT before_s FROM recalls WHERE person = ?", "d", person);
    if (status == GH_ERR_NOTFOUND) {
        *before = INT64_MIN;
        return GH_OK;
    }
    return status;
}

enum gh_status gh_db_person_recall(struct gh_db *db, gh_id person, int64_t now, int64_t *before)
{
    int64_t old = INT64_MIN;
    *before = now + 1; /* what was issued this very second is meant too */
    enum gh_status status = gh_sql_begin(db);
    if (status == GH_OK)
        status = gh_db_person_read(db, person, NULL, NULL);
    if (status == GH_OK)
        status = gh_db_person_recalled(db, person, &old);
    if (status == GH_OK && old < *before)
        status = gh_sql_run(db, NULL, "INSERT OR REPLACE INTO recalls VALUES (?, ?)", "di", person,
                            *before);
    if (status == GH_OK && old < *before)
        status = gh_sql_changed(db, GH_SQL_RECALLED, person);
    if (old > *before)
        *before = old;
    return gh_sql_end(db, status);
}

/* --- foreign certificates --- */

static int64_t later(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

struct batch {
    int64_t now, cutoff;
    uint64_t added;
};

static enum gh_status write_down(struct gh_db *db, const struct gh_db_revocation *one,
                                 int64_t before, int64_t expires_at, bool on_list_as_before)
{
    enum gh_status status =
        gh_sql_run(db, NULL, "INSERT OR REPLACE INTO revocations VALUES (?, ?, ?)", "bii",
                   (const void *)one->hash, sizeof(one->hash), before, expires_at);
    return status == GH_OK && !on_list_as_before ? gh_sql_changed_hash(db, one->hash) : status;
}

static enum gh_status put(struct gh_db *db, const struct gh_db_revocation *one, struct batch *batch)
{
    GH_SQL sqlite3_stmt *row = NULL;
    int64_t before = one->before, expires_at = one->expires_at;
    bool known = false, on_list_as_before = false;
    enum gh_status status =
        gh_sql_open(db, &row, "SELECT before_s, expires_at FROM revocations WHERE hash = ?", "b",
                    (const void *)one->hash, sizeof(one->hash));
    if (status == GH_OK)
        status = gh_sql_step(db, row);
    if (status == GH_OK) {
        int64_t old_before = sqlite3_column_int64(row, 0), old_end = sqlite3_column_int64(row, 1);
        known = old_before >= before && (old_end >= expires_at || old_end > batch->now);
        if (known && old_end >= expires_at)
            return GH_OK;
        before = later(before, old_before);
        expires_at = later(expires_at, old_end);
        on_list_as_before = before == old_before && old_end >= batch->cutoff;
    }
    if (status != GH_OK && status != GH_ERR_END)
        return status;
    batch->added += known ? 0 : 1;
    return write_down(db, one, before, expires_at, on_list_as_before);
}

/* Only what is not on the list any more. */
static enum gh_status forget_expired(struct gh_db *db, const struct batch *batch)
{
    int64_t kept_from = batch->now - EXPIRED_KEPT_S;
    return gh_sql_run(db, NULL, "DELETE FROM revocations WHERE expires_at < ?", "i",
                      kept_from < batch->cutoff ? kept_from : batch->cutoff);
}

enum gh_status gh_db_revocations_add(struct gh_db *db, const struct gh_db_revocation *list,
                                     size_t count, uint64_t limit, int64_t now, uint64_t *added)
{
    int64_t total = 0;
    struct batch batch = {.now = now};
    enum gh_status status = gh_sql_begin(db);
    if (status == GH_OK)
        status = gh_sql_cutoff(db, &batch.cutoff);
    if (status == GH_OK)
        status = forget_expired(db, &batch);
    for (size_t i = 0; status == GH_OK && i < count; i++)
        status = put(db, &list[i], &batch);
    if (status == GH_OK && batch.added > 0)
        status = gh_sql_number(db, &total, "SELECT count(*) FROM revocations", "");
    if (status == GH_OK && (uint64_t)total > limit)
        status = GH_ERR_TOOBIG;
    *added = batch.added;
    return gh_sql_end(db, status);
}

enum gh_status gh_db_revocation_find(struct gh_db *db, const uint8_t hash[GH_REVOCATION_BYTES],
                                     int64_t issued_at, int64_t now, bool *revoked)
{
    int64_t one;
    enum gh_status status =
        gh_sql_number(db, &one,
                      "SELECT 1 FROM revocations WHERE hash = ?1 AND expires_at > ?2 AND "
                      "(before_s = 9223372036854775807 OR before_s > ?3)",
                      "bii", (const void *)hash, (size_t)GH_REVOCATION_BYTES, now, issued_at);
    *revoked = status == GH_OK;
    return status == GH_ERR_NOTFOUND ? GH_OK : status;
}
