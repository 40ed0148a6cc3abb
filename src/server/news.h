/* SPDX-License-Identifier: Apache-2.0 */
/* News (docs/protocol.md, section 7): what gates are told besides the list, and when. Movements are
 * shown to all gates together, twice a second at most, and less often the more gates wait; so what
 * a gate has asked for lasts until then. Announcements are shown at once. Their sounds are files in
 * state_dir/announcements, named by their SHA-256. For the server's thread. */
#ifndef GATEHOUSE_SRC_SERVER_NEWS_H
#define GATEHOUSE_SRC_SERVER_NEWS_H

#include "gatehouse/wav.h"
#include "server/db.h"
#include "server/roster.h"

struct gh_server;
struct gh_news; /* opaque */

/* Beside the server's database, roster, publisher and keys, which outlive it. Makes the folder. */
GH_MUST_CHECK enum gh_status gh_news_new(struct gh_server *server, struct gh_news **out,
                                         struct gh_error *err);
void gh_news_free(struct gh_news *news); /* NULL is fine */
/* In server->event, until stop. */
GH_MUST_CHECK enum gh_status gh_news_start(struct gh_news *news, struct gh_error *err);
void gh_news_stop(struct gh_news *news);

/* The settings' policy is another one, perhaps. */
void gh_news_take_policy(struct gh_news *news);
/* At the end of a turn of the loop: wakes who waits if there is something to show. */
void gh_news_look(struct gh_news *news);
/* The list key is another one: what has not expired is signed by it. */
void gh_news_sign_again(struct gh_news *news);

/* The number of the last news for this gate, as far as it may be shown; never less than before. */
uint64_t gh_news_number(const struct gh_news *news, const struct gh_roster_gate *gate);
/* What may be shown to this gate has at most this number. */
uint64_t gh_news_through(const struct gh_news *news, const struct gh_roster_gate *gate);

/* After which number to look for what a gate asks for: from the beginning (0), if the number that
 * it has is none of this database's. An older copy of it may have passed that number since. */
uint64_t gh_news_after(const struct gh_news *news, const struct gh_roster_gate *gate,
                       uint64_t asked);

/* To one gate, or (NULL) to all: may be played until so many seconds from now. Takes effect at
 * once. GH_ERR_TOOBIG: GH_ANNOUNCEMENTS_MAX are alive. */
struct gh_news_announcement {
    struct gh_roster_gate *gate;
    const char *text;
    struct gh_bytes sound; /* a whole file */
    struct gh_wav wav;     /* of it */
    unsigned repeat;
    int64_t expires_s;
};
GH_MUST_CHECK enum gh_status
gh_news_announce(struct gh_news *news, const struct gh_news_announcement *announcement, gh_id *id);
/* GH_OK also when it was cancelled before, or has expired; GH_ERR_NOTFOUND. */
GH_MUST_CHECK enum gh_status gh_news_cancel(struct gh_news *news, gh_id id);

/* A sound by name (64 lower-case hex digits), for reading; the caller closes *fd.
 * GH_ERR_NOTFOUND. */
GH_MUST_CHECK enum gh_status gh_news_open_sound(const struct gh_news *news, const char *name,
                                                int *fd, uint64_t *size);

#endif
