/* SPDX-License-Identifier: Apache-2.0 */
/* What opening a journal (open.c) and using it (journal.c) share. */
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

#endif
