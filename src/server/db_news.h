/* SPDX-License-Identifier: Apache-2.0 */
/* What the server keeps for gates to hear (protocol.md, section 7): movements, and announcements.
 * They are numbered together, and a number is never given twice. The contract is db.h's. */
#ifndef GATEHOUSE_SRC_SERVER_DB_NEWS_H
#define GATEHOUSE_SRC_SERVER_DB_NEWS_H

#include "gatehouse/announcement.h"
#include "gatehouse/entry.h"
#include "server/db.h"

/* From memory, of any thread: what is committed. Of a database that was opened anew `common` is the
 * last number that was given. */
struct gh_db_news {
    uint64_t common;       /* announcements to all */
    uint64_t moved;        /* the last movement, */
    gh_id moved_at;        /* at which gate, */
    uint64_t moved_before; /* and the last one at any other gate */
};
struct gh_db_news gh_db_news_now(const struct gh_db *db);
/* The last number that is for this gate, which did not see its own movements as news. */
uint64_t gh_db_news_number(const struct gh_db_news *news, gh_id gate);

/* Movements are made of entries that are stored from now on, for all connections: those of the last
 * forgive_s seconds by a clock that was trusted. 0: none are. */
void gh_db_movements_keep(struct gh_db *db, int64_t forgive_s);

struct gh_db_news_row {
    uint64_t number;
    struct gh_bytes announcement; /* as it was signed; empty: it is a movement */
    gh_id gate, subject;
    enum gh_direction direction;
    int64_t at_ms;
    bool undone;
};
typedef bool gh_db_news_fn(void *context, const struct gh_db_news_row *row);
/* What there is for the gate, by number, after `after` and up to `through`: other gates' movements,
 * each person's last one alone, and what was undone (not after 0: who asks so has nothing to
 * forget); announcements to it or to all that have not expired, cancelled ones too. */
GH_MUST_CHECK enum gh_status gh_db_news_read(struct gh_db *db, gh_id gate, uint64_t after,
                                             uint64_t through, int64_t now, unsigned limit,
                                             gh_db_news_fn *each, void *context);
/* What is nobody's news any more, at most `limit` rows of each kind; and announcements that were
 * sent before `before` and have expired, with what became of them. */
GH_MUST_CHECK enum gh_status gh_db_news_drop(struct gh_db *db, int64_t now, int64_t before,
                                             unsigned limit);

#define GH_ANNOUNCEMENT_TEXT_BYTES 201
struct gh_db_announcement {
    struct gh_announcement said; /* until_s: when it expires */
    int64_t sent_at, ms;         /* ms: how long it takes, once */
    const char *text;
    struct gh_bytes signature;                 /* the whole of what is signed */
    uint64_t told[GH_ANNOUNCEMENT_SILENT + 1]; /* read only: how many gates said so, by event */
};
typedef bool gh_db_announcement_fn(void *context, const struct gh_db_announcement *announcement);
/* *number: of the news that it is. GH_ERR_TOOBIG: GH_ANNOUNCEMENTS_MAX are alive at `sent_at`. */
GH_MUST_CHECK enum gh_status gh_db_announcement_add(struct gh_db *db,
                                                    const struct gh_db_announcement *announcement,
                                                    uint64_t *number);
/* Another signature in the place of the one there; `cancelled`: it is news once more, and *number
 * the new one. GH_ERR_NOTFOUND. */
GH_MUST_CHECK enum gh_status gh_db_announcement_sign(struct gh_db *db, gh_id id,
                                                     struct gh_bytes signature, bool cancelled,
                                                     uint64_t *number);
/* Those that expire after `alive_at` (INT64_MIN: all); id 0: any. Newest first. GH_OK also when
 * there are none. */
GH_MUST_CHECK enum gh_status gh_db_announcements_read(struct gh_db *db, gh_id id, int64_t alive_at,
                                                      gh_db_announcement_fn *each, void *context);

#endif
