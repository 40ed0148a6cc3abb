/* SPDX-License-Identifier: Apache-2.0 */
/* What opening a journal (open.c), using it (journal.c), checking it (verify.c) and pruning it
 * (prune.c) share. */
#ifndef GATEHOUSE_SRC_JOURNAL_STORE_H
#define GATEHOUSE_SRC_JOURNAL_STORE_H

#include <sqlite3.h>

#include "gatehouse/journal.h"
#include "journal/chain.h"

enum gh_journal_query { GH_JOURNAL_APPEND, GH_JOURNAL_HEAD, GH_JOURNAL_READ, GH_JOURNAL_QUERIES };

struct gh_journal {
    sqlite3 *db;
    sqlite3_stmt *query[GH_JOURNAL_QUERIES]; /* GH_JOURNAL_APPEND: NULL for a reader */
    int lock;                                /* the writer's, else -1 */
    struct gh_chain_link head;               /* the writer's */
    uint64_t trusted; /* the writer's: the newest entry whose clock was trusted; 0: none */
    bool has_trusted; /* the table has the column; a writer adds it */
    /* The writer's: up to `looked` there is nothing to erase, as was seen since it was opened; the
     * sum up to there. */
    uint64_t looked;
    uint8_t looked_sum[GH_SHA256_BYTES];
    bool text_left; /* the writer's: the WAL may hold text that was removed */
};

/* Beside each entry stands the number of the newest one, up to itself, whose clock was trusted: so
 * one row tells, however many have followed. It is no part of the chain: what it points to is. */
#define GH_JOURNAL_TRUSTED_COLUMN "trusted"
/* Without it (a journal of an earlier version) so many entries are looked through, no more. */
#define GH_JOURNAL_LOOK_BACK 1000
GH_MUST_CHECK enum gh_status gh_journal_find_trusted(struct gh_journal *journal,
                                                     uint64_t *sequence);

/* SQLite's result, the newest of the journal's connection, as a status, and with a sentence:
 * "cannot <what> the journal: ...". */
enum gh_status gh_journal_status(struct gh_journal *journal, int result);
enum gh_status gh_journal_fail(struct gh_journal *journal, int result, const char *what,
                               struct gh_error *err);
/* The first column of a statement's first row. */
GH_MUST_CHECK enum gh_status gh_journal_integer(struct gh_journal *journal, const char *sql,
                                                int64_t *value, struct gh_error *err);
/* The last entry as it is stored, checked by itself and, where there is one before it, against
 * that. GH_ERR_CORRUPT. */
GH_MUST_CHECK enum gh_status gh_journal_stored_head(struct gh_journal *journal,
                                                    struct gh_chain_link *head);

/* Removed entries at the front stay as blank rows for a while (prune.c): nobody sees them. */
#define GH_JOURNAL_BLANK "(typeof(body) = 'blob')"

/* One row; false ends the reading. */
typedef bool gh_journal_row_fn(void *context, uint64_t sequence, struct gh_bytes body,
                               struct gh_bytes hash);
/* Rows after `after`, at most limit (negative: all of them). */
GH_MUST_CHECK enum gh_status gh_journal_rows(struct gh_journal *journal, uint64_t after,
                                             int64_t limit, gh_journal_row_fn *each, void *context);
/* A body as an entry: GH_ERR_UNSUPPORTED when this version cannot read it. */
GH_MUST_CHECK enum gh_status gh_journal_body(struct gh_bytes body, struct gh_entry *out);
/* The entry of this number, checked by itself. GH_ERR_CORRUPT when it is not there, or without its
 * content. */
GH_MUST_CHECK enum gh_status gh_journal_entry(struct gh_journal *journal, uint64_t sequence,
                                              struct gh_entry *out);

/* An append in two steps: what is written within a transaction counts when that is committed. */
struct gh_journal_step {
    struct gh_entry entry; /* as it was written */
    struct gh_chain_link link;
};
GH_MUST_CHECK enum gh_status gh_journal_write(struct gh_journal *journal,
                                              const struct gh_entry *entry,
                                              struct gh_journal_step *out, struct gh_error *err);
void gh_journal_wrote(struct gh_journal *journal, const struct gh_journal_step *step);

/* SQL without results or parameters; what it began is rolled back when it fails. */
GH_MUST_CHECK enum gh_status gh_journal_execute(struct gh_journal *journal, const char *sql,
                                                const char *what, struct gh_error *err);

/* A checkpoint for every 200 entries or so. A larger one saves nothing, since entries stand side by
 * side, but costs more whenever it is laid out anew (prune.c). */
#define GH_JOURNAL_WAL_BYTES 524288
/* What was removed is gone from the file with the WAL's end: SQLite overwrites it there
 * (secure_delete), but the WAL has the pages as they were. A reader in the middle of something is
 * not waited for: journal->text_left says so, and the next call tries again. */
void gh_journal_empty_wal(struct gh_journal *journal);

/* How long somebody who looks at the file with another tool, or recovers its WAL, is waited for. */
#define GH_JOURNAL_BUSY_MS 1000

#endif
