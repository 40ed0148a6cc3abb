/* SPDX-License-Identifier: Apache-2.0 */
/* Between the files of the SQLite database; nobody else includes this. */
#ifndef GATEHOUSE_SRC_SERVER_DB_SQLITE_H
#define GATEHOUSE_SRC_SERVER_DB_SQLITE_H

#include <pthread.h>
#include <sqlite3.h>
#include <stdatomic.h>

#include "server/db_entries.h"
#include "server/db_list.h"
#include "server/db_news.h"

#define GH_SQL_CACHE 200

/* What a transaction makes known when it is committed. */
struct gh_sql_tidings {
    struct gh_db_news news;
    uint64_t raised[GH_ALARM_END];
};

/* What the connections to one database share. */
struct gh_sql_shared {
    char *path;
    atomic_uint connections;
    atomic_ullong generation;  /* the newest that was committed */
    atomic_uint waiting;       /* connections that do not yield and wait for their turn to write */
    _Atomic int64_t forgive_s; /* gh_db_movements_keep */
    pthread_mutex_t lock;      /* of tidings */
    struct gh_sql_tidings tidings;
};

struct gh_db {
    sqlite3 *handle;
    struct gh_sql_shared *shared;
    bool yields;
    bool waits;             /* counted in shared->waiting */
    int64_t waits_since_ns; /* for its turn to write */
    struct {
        const char *text; /* compared by address: every query is one literal */
        sqlite3_stmt *statement;
    } cache[GH_SQL_CACHE];
    size_t cached;
    /* the generation that the transaction makes; number 0: none */
    struct {
        int64_t number, rows;
        bool bulk; /* too many changes to name them */
    } making;
    struct gh_sql_tidings tidings; /* of the transaction */
};

/* The status that stands for a result; failures are logged (SQLite's words name tables and columns,
 * never values). */
enum gh_status gh_sql_status(struct gh_db *db, int result);

/* A statement for one use, reset when its scope ends. format binds the arguments: i int64_t,
 * d gh_id (0 is NULL), t const char * (NULL is NULL), h a SHA-256, b const void * and size_t.
 * The texts and blobs must outlive the use. */
#define GH_SQL __attribute__((cleanup(gh_sql_release)))
void gh_sql_release(sqlite3_stmt **statement);
GH_MUST_CHECK enum gh_status gh_sql_open(struct gh_db *db, sqlite3_stmt **out, const char *text,
                                         const char *format, ...);
/* GH_OK: a row is there; GH_ERR_END: no more. */
GH_MUST_CHECK enum gh_status gh_sql_step(struct gh_db *db, sqlite3_stmt *statement);
/* A statement that gives no rows; *changes (may be NULL): how many rows it changed. */
GH_MUST_CHECK enum gh_status gh_sql_run(struct gh_db *db, int *changes, const char *text,
                                        const char *format, ...);
/* One number from the first row; GH_ERR_NOTFOUND without a row. */
GH_MUST_CHECK enum gh_status gh_sql_number(struct gh_db *db, int64_t *out, const char *text,
                                           const char *format, ...);

GH_MUST_CHECK enum gh_status gh_sql_begin(struct gh_db *db);
/* All that is read until gh_sql_end is of one moment. */
GH_MUST_CHECK enum gh_status gh_sql_begin_reading(struct gh_db *db);
/* Commit if status is GH_OK, else roll back; returns the first error. */
GH_MUST_CHECK enum gh_status gh_sql_end(struct gh_db *db, enum gh_status status);

/* Identifiers are stored with their top bit flipped: then SQLite's signed order is their unsigned
 * one, which is the order of pages and of the list's snapshot. */
static inline int64_t gh_sql_from_id(gh_id id)
{
    return (int64_t)(id ^ (UINT64_C(1) << 63));
}
gh_id gh_sql_id(sqlite3_stmt *statement, int column);         /* NULL gives 0 */
const char *gh_sql_text(sqlite3_stmt *statement, int column); /* NULL gives NULL */
/* False unless the column is a blob of that size. */
bool gh_sql_blob(sqlite3_stmt *statement, int column, void *out, size_t size);
/* The columns that GH_SQL_TRUSTED names. GH_ERR_CORRUPT. */
#define GH_SQL_TRUSTED                                                                             \
    "SELECT id, purposes, key_id, raw, issuer, type, fact_groups, not_before, not_after, "         \
    "revoked_at FROM trust ORDER BY purposes, key_id, raw, issuer"
GH_MUST_CHECK enum gh_status gh_sql_trusted(sqlite3_stmt *row, struct gh_db_trusted *out);

/* --- the list's change log (db_sqlite_changes.c). In a transaction of gh_sql_begin; all that it
 * changes is one generation. --- */
enum gh_sql_thing {
    GH_SQL_SUBJECT = 1, /* a person: colour, homes */
    GH_SQL_HOME = 2,
    GH_SQL_REVOKED = 4, /* a credential */
    GH_SQL_RECALLED = 5,
    GH_SQL_HASH = 6, /* a foreign certificate */
    GH_SQL_HOLDER = 7,
    GH_SQL_KEYS = 8, /* foreign keys, as a whole: id 0 */
};
/* The thing may stand otherwise from here. */
GH_MUST_CHECK enum gh_status gh_sql_changed(struct gh_db *db, enum gh_sql_thing kind, gh_id id);
GH_MUST_CHECK enum gh_status gh_sql_changed_hash(struct gh_db *db,
                                                 const uint8_t hash[GH_REVOCATION_BYTES]);
/* Likewise every identifier in the first column of what is left of ids. */
GH_MUST_CHECK enum gh_status gh_sql_changed_rows(struct gh_db *db, enum gh_sql_thing kind,
                                                 sqlite3_stmt *ids);
/* A new generation in which no thing stands otherwise: what the manifest says did change. */
GH_MUST_CHECK enum gh_status gh_sql_bump(struct gh_db *db);
GH_MUST_CHECK enum gh_status gh_sql_bump_to(struct gh_db *db, int64_t number);
/* For gh_sql_end. */
GH_MUST_CHECK enum gh_status gh_sql_finish_generation(struct gh_db *db);
/* What expired before it is not on the list. */
GH_MUST_CHECK enum gh_status gh_sql_cutoff(struct gh_db *db, int64_t *cutoff);
/* The newest generation of the moment that is being read. */
GH_MUST_CHECK enum gh_status gh_sql_read_now(struct gh_db *db, struct gh_generation *now);
GH_MUST_CHECK enum gh_status gh_sql_visit_keys(struct gh_db *db,
                                               const struct gh_db_list_visitor *visitor);

/* --- news (db_sqlite_news.c) --- */

/* In a transaction: what an entry that was stored is news of. in_order: it is its gate's last. */
GH_MUST_CHECK enum gh_status gh_sql_take_news(struct gh_db *db, gh_id gate,
                                              const struct gh_db_item *item, int64_t now,
                                              bool in_order);
/* What was said last goes before what was known. */
void gh_sql_merge_news(struct gh_db_news *known, const struct gh_db_news *fresh);
/* At the opening: numbers go on where they were. */
GH_MUST_CHECK enum gh_status gh_sql_begin_news(struct gh_db *db);

GH_MUST_CHECK enum gh_status gh_sql_migrate(struct gh_db *db, struct gh_error *err);

#endif
