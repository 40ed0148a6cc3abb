/* SPDX-License-Identifier: Apache-2.0 */
/* The journal: one table in SQLite, WAL, synchronous=FULL. One append is one INSERT in a
 * transaction of its own, that is one write to the WAL and one fsync; the last hash is kept in
 * memory, so that nothing is read for it. */
#include "gatehouse/journal.h"

#include <jansson.h>
#include <string.h>

#include "journal/store.h"

#define SEQUENCE_MAX (UINT64_C(1) << 53)

static struct gh_bytes column_bytes(sqlite3_stmt *statement, int column)
{
    const void *data = sqlite3_column_blob(statement, column);
    return (struct gh_bytes){.data = data, .size = (size_t)sqlite3_column_bytes(statement, column)};
}

/* Before the only entry that is left there is none, or all of them were removed by it. */
static enum gh_status check_alone(struct gh_journal *journal, const struct gh_chain_link *link)
{
    static const struct gh_chain_link none;
    if (gh_chain_follows(link, &none)) {
        return GH_OK;
    }
    struct gh_entry entry;
    enum gh_status status = gh_journal_entry(journal, link->sequence, &entry);
    if (status == GH_ERR_UNSUPPORTED ||
        (status == GH_OK &&
         (entry.type != GH_ENTRY_PRUNE || entry.through != link->sequence - 1))) {
        status = GH_ERR_CORRUPT;
    }
    return status;
}

enum gh_status gh_journal_stored_head(struct gh_journal *journal, struct gh_chain_link *head)
{
    struct gh_chain_link link[2] = {{0}};
    sqlite3_stmt *statement = journal->query[GH_JOURNAL_HEAD];
    enum gh_status status = GH_OK;
    int rows = 0, result;
    while (status == GH_OK && (result = sqlite3_step(statement)) != SQLITE_DONE) {
        if (result != SQLITE_ROW) {
            status = gh_journal_status(journal, result);
        } else if (rows == 0 || sqlite3_column_type(statement, 1) != SQLITE_BLOB) {
            status = gh_chain_link_read((uint64_t)sqlite3_column_int64(statement, 0),
                                        column_bytes(statement, 1), column_bytes(statement, 2),
                                        &link[rows++]);
        }
    }
    sqlite3_reset(statement);
    if (status == GH_OK && rows == 1 && !link[0].erased) {
        status = check_alone(journal, &link[0]);
    } else if (status == GH_OK && rows > 0 &&
               (link[0].erased || !gh_chain_follows(&link[0], &link[1]))) {
        status = GH_ERR_CORRUPT;
    }
    *head = link[0];
    return status;
}

/* --- appending -------------------------------------------------------------------------------- */

static uint64_t trusted_with(const struct gh_journal *journal, const struct gh_entry *entry)
{
    return entry->clock_trusted ? entry->sequence : journal->trusted;
}

static int insert(struct gh_journal *journal, const struct gh_entry *entry, const char *body,
                  size_t size, const uint8_t hash[GH_SHA256_BYTES])
{
    sqlite3_stmt *statement = journal->query[GH_JOURNAL_APPEND];
    sqlite3_int64 trusted = (sqlite3_int64)trusted_with(journal, entry);
    int result = sqlite3_bind_int64(statement, 1, (sqlite3_int64)entry->sequence);
    if (result == SQLITE_OK) {
        result = sqlite3_bind_text(statement, 2, body, (int)size, SQLITE_STATIC);
    }
    if (result == SQLITE_OK) {
        result = sqlite3_bind_blob(statement, 3, hash, GH_SHA256_BYTES, SQLITE_STATIC);
    }
    if (result == SQLITE_OK) {
        result = sqlite3_bind_int64(statement, 4, trusted);
    }
    if (result == SQLITE_OK) {
        result = sqlite3_step(statement); /* returns after the commit, and so after the fsync */
    }
    return result;
}

enum gh_status gh_journal_write(struct gh_journal *journal, const struct gh_entry *entry,
                                struct gh_journal_step *out, struct gh_error *err)
{
    if (journal->query[GH_JOURNAL_APPEND] == NULL) {
        return gh_fail(err, GH_ERR_READONLY, "the journal is open for reading only");
    }
    if (journal->head.sequence >= SEQUENCE_MAX) {
        return gh_fail(err, GH_ERR_NOSPACE, "the journal has no sequence numbers left");
    }
    struct gh_journal_step step = {.entry = *entry};
    step.entry.sequence = step.link.sequence = journal->head.sequence + 1;
    memcpy(step.entry.previous, journal->head.hash, GH_SHA256_BYTES);
    memcpy(step.link.previous, journal->head.hash, GH_SHA256_BYTES);
    char body[GH_ENTRY_MAX_BYTES];
    size_t size = gh_entry_format(&step.entry, body);
    gh_entry_hash((struct gh_bytes){.data = (const uint8_t *)body, .size = size}, step.link.hash);

    int result = insert(journal, &step.entry, body, size, step.link.hash);
    enum gh_status status = GH_OK;
    if (result == SQLITE_DONE) {
        *out = step;
    } else {
        status = gh_journal_fail(journal, result, "write", err);
    }
    sqlite3_reset(journal->query[GH_JOURNAL_APPEND]);
    sqlite3_clear_bindings(journal->query[GH_JOURNAL_APPEND]);
    return status;
}

void gh_journal_wrote(struct gh_journal *journal, const struct gh_journal_step *step)
{
    journal->head = step->link;
    journal->trusted = trusted_with(journal, &step->entry);
}

enum gh_status gh_journal_append(struct gh_journal *journal, struct gh_entry *entry,
                                 struct gh_error *err)
{
    struct gh_journal_step step = {0};
    enum gh_status status = gh_journal_write(journal, entry, &step, err);
    if (status == GH_OK) {
        gh_journal_wrote(journal, &step);
        *entry = step.entry;
    }
    return status;
}

/* --- reading ---------------------------------------------------------------------------------- */

enum gh_status gh_journal_head(struct gh_journal *journal, uint64_t *sequence,
                               uint8_t hash[GH_SHA256_BYTES])
{
    struct gh_chain_link head = journal->head;
    enum gh_status status = GH_OK;
    if (journal->query[GH_JOURNAL_APPEND] == NULL) {
        status = gh_journal_stored_head(journal, &head);
    }
    if (status != GH_OK) {
        memset(&head, 0, sizeof(head));
    }
    *sequence = head.sequence;
    memcpy(hash, head.hash, GH_SHA256_BYTES);
    return status;
}

enum gh_status gh_journal_rows(struct gh_journal *journal, uint64_t after, int64_t limit,
                               gh_journal_row_fn *each, void *context)
{
    if (after > INT64_MAX) {
        return GH_OK;
    }
    sqlite3_stmt *statement = journal->query[GH_JOURNAL_READ];
    int result = sqlite3_bind_int64(statement, 1, (sqlite3_int64)after);
    if (result == SQLITE_OK) {
        result = sqlite3_bind_int64(statement, 2, limit);
    }
    while (result == SQLITE_OK || result == SQLITE_ROW) {
        result = sqlite3_step(statement);
        if (result == SQLITE_ROW && !each(context, (uint64_t)sqlite3_column_int64(statement, 0),
                                          column_bytes(statement, 1), column_bytes(statement, 2))) {
            break;
        }
    }
    enum gh_status status = gh_journal_status(journal, result);
    sqlite3_reset(statement);
    return status;
}

struct reading {
    gh_journal_entry_fn *each;
    void *context;
};

static bool hand_over(void *context, uint64_t sequence, struct gh_bytes body, struct gh_bytes hash)
{
    const struct reading *reading = context;
    (void)hash;
    return reading->each(reading->context, sequence, body);
}

enum gh_status gh_journal_read(struct gh_journal *journal, uint64_t after, unsigned max_entries,
                               gh_journal_entry_fn *each, void *context)
{
    struct reading reading = {.each = each, .context = context};
    return gh_journal_rows(journal, after, max_entries, hand_over, &reading);
}

/* --- the last ones -----------------------------------------------------------------------------
 */

/* What an entry's row says of the newest trusted one: its number, 0: that there is none; false: it
 * does not say. In canonical form these words stand nowhere else. */
#define ROW_QUERY(column)                                                                          \
    "SELECT sequence, " column ", instr(body, '\"clock\":\"trusted\"') FROM entry"                 \
    " ORDER BY sequence DESC LIMIT ?1"

static bool row_says(sqlite3_stmt *statement, uint64_t *trusted)
{
    int64_t sequence = sqlite3_column_int64(statement, 0);
    int64_t noted = sqlite3_column_int64(statement, 1);
    if (sqlite3_column_int(statement, 2) > 0) {
        noted = sequence;
    } else if (sqlite3_column_type(statement, 1) != SQLITE_INTEGER || noted < 0 ||
               noted >= sequence) {
        return false;
    }
    *trusted = (uint64_t)noted;
    return true;
}

enum gh_status gh_journal_find_trusted(struct gh_journal *journal, uint64_t *sequence)
{
    *sequence = 0;
    sqlite3_stmt *statement = NULL;
    int result = sqlite3_prepare_v2(journal->db,
                                    journal->has_trusted ? ROW_QUERY(GH_JOURNAL_TRUSTED_COLUMN)
                                                         : ROW_QUERY("NULL"),
                                    -1, &statement, NULL);
    if (result == SQLITE_OK) {
        result = sqlite3_bind_int(statement, 1, GH_JOURNAL_LOOK_BACK);
    }
    while (result == SQLITE_OK || result == SQLITE_ROW) {
        result = sqlite3_step(statement);
        if (result == SQLITE_ROW && row_says(statement, sequence)) {
            break;
        }
    }
    enum gh_status status = gh_journal_status(journal, result);
    sqlite3_finalize(statement);
    return status;
}

struct found {
    struct gh_entry entry;
    enum gh_status status;
};

enum gh_status gh_journal_body(struct gh_bytes body, struct gh_entry *out)
{
    json_t *object = json_loadb((const char *)body.data, body.size, JSON_REJECT_DUPLICATES, NULL);
    if (object == NULL) {
        return GH_ERR_NOMEM; /* its form was checked before */
    }
    enum gh_status status = gh_entry_parse(object, out, NULL) == GH_OK ? GH_OK : GH_ERR_UNSUPPORTED;
    json_decref(object);
    return status;
}

static bool take_entry(void *context, uint64_t sequence, struct gh_bytes body, struct gh_bytes hash)
{
    struct found *found = context;
    struct gh_chain_link link;
    found->status = gh_chain_link_read(sequence, body, hash, &link);
    if (found->status == GH_OK) {
        found->status = link.erased ? GH_ERR_CORRUPT : gh_journal_body(body, &found->entry);
    }
    return false;
}

enum gh_status gh_journal_entry(struct gh_journal *journal, uint64_t sequence, struct gh_entry *out)
{
    struct found found = {.status = GH_ERR_CORRUPT}; /* unless it is there */
    enum gh_status status = gh_journal_rows(journal, sequence - 1, 1, take_entry, &found);
    if (status == GH_OK) {
        status = found.status;
    }
    if (status == GH_OK && found.entry.sequence != sequence) {
        status = GH_ERR_CORRUPT;
    }
    if (status == GH_OK) {
        *out = found.entry;
    }
    return status;
}

enum gh_status gh_journal_last(struct gh_journal *journal, struct gh_entry *out)
{
    uint64_t sequence;
    uint8_t hash[GH_SHA256_BYTES];
    memset(out, 0, sizeof(*out));
    enum gh_status status = gh_journal_head(journal, &sequence, hash);
    if (status == GH_OK) {
        status = sequence > 0 ? gh_journal_entry(journal, sequence, out) : GH_ERR_NOTFOUND;
    }
    return status;
}

enum gh_status gh_journal_last_trusted(struct gh_journal *journal, int64_t *wall_ms)
{
    *wall_ms = 0;
    uint64_t sequence = journal->trusted;
    enum gh_status status = GH_OK;
    if (journal->query[GH_JOURNAL_APPEND] == NULL) {
        status = gh_journal_find_trusted(journal, &sequence);
    }
    if (status == GH_OK && sequence == 0) {
        status = GH_ERR_NOTFOUND;
    }
    struct gh_entry entry;
    if (status == GH_OK) {
        status = gh_journal_entry(journal, sequence, &entry);
    }
    if (status == GH_OK && !entry.clock_trusted) {
        status = GH_ERR_CORRUPT;
    }
    if (status == GH_OK) {
        *wall_ms = entry.wall_ms;
    }
    return status;
}

/* --- size ------------------------------------------------------------------------------------- */

enum gh_status gh_journal_measure(struct gh_journal *journal, struct gh_journal_size *out)
{
    static const char *const queries[] = {
        ("SELECT coalesce((SELECT sequence FROM entry WHERE NOT " GH_JOURNAL_BLANK
         " ORDER BY sequence LIMIT 1), 0)"),
        "SELECT coalesce(max(sequence), 0) FROM entry",
        "PRAGMA page_count",
        "PRAGMA freelist_count",
        "PRAGMA page_size",
    };
    int64_t values[GH_ARRAY_SIZE(queries)];
    memset(out, 0, sizeof(*out));
    enum gh_status status = GH_OK;
    for (size_t i = 0; i < GH_ARRAY_SIZE(queries) && status == GH_OK; i++) {
        status = gh_journal_integer(journal, queries[i], &values[i], NULL);
    }
    if (status == GH_OK) {
        out->first = (uint64_t)values[0];
        out->last = (uint64_t)values[1];
        out->bytes = (uint64_t)((values[2] - values[3]) * values[4]);
    }
    return status;
}
