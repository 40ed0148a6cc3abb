/* SPDX-License-Identifier: Apache-2.0 */
/* The gates in memory: who each one is, when it was seen, what it said about itself. What asks the
 * most, and the most often, costs the database nothing. For the server's thread. */
#ifndef GATEHOUSE_SRC_SERVER_ROSTER_H
#define GATEHOUSE_SRC_SERVER_ROSTER_H

#include "gatehouse/list.h"
#include "server/db.h"

#define GH_BOOT_BYTES 16
#define GH_BOOTS_KEPT 4

struct gh_poll;
struct gh_roster_gate {
    gh_id id;
    bool enrolled; /* else it was shut out */
    uint8_t secret_sha256[GH_SHA256_BYTES];
    int64_t seen_at;      /* 0: never */
    bool seen_is_new;     /* not written down yet */
    uint64_t generation;  /* of the list it said it has; 0: none, or it has not asked */
    uint64_t news;        /* the last announcement to it alone, since the start */
    uint64_t news_asked;  /* the highest number that it was told to ask after, since the start */
    struct gh_poll *poll; /* while it waits for the list (polls.h) */
    uint8_t boots[GH_BOOTS_KEPT][GH_BOOT_BYTES]; /* newest first */
    size_t boot_count;
    int64_t cloned_at; /* when that was said last; 0: never */
};

struct gh_roster; /* opaque */

/* All gates that have enrolled at some time. */
GH_MUST_CHECK enum gh_status gh_roster_new(struct gh_db *db, struct gh_roster **out);
void gh_roster_free(struct gh_roster *roster); /* NULL is fine */

/* Lives as long as the roster. NULL: it has never enrolled. */
struct gh_roster_gate *gh_roster_find(const struct gh_roster *roster, gh_id id);
/* It has enrolled; known ones get another secret. GH_ERR_NOMEM. */
GH_MUST_CHECK enum gh_status gh_roster_enrol(struct gh_roster *roster, gh_id id,
                                             const uint8_t secret_sha256[GH_SHA256_BYTES]);

void gh_roster_seen(struct gh_roster_gate *gate, int64_t now);
/* It said that it runs under this boot id. True: it did so before another one, which no board does:
 * there are two of it. */
bool gh_roster_boot(struct gh_roster_gate *gate, const uint8_t boot[GH_BOOT_BYTES]);
/* Write down, in one transaction, when each was seen last. */
GH_MUST_CHECK enum gh_status gh_roster_write(struct gh_roster *roster, struct gh_db *db);

size_t gh_roster_connected(const struct gh_roster *roster); /* how many wait for the list */

#endif
