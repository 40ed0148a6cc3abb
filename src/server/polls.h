/* SPDX-License-Identifier: Apache-2.0 */
/* The gates that wait for the list (docs/protocol.md, section 4): each is answered in the moment in
 * which the list changes or there are news for it (section 7), or when its time is over. For the
 * server's thread. */
#ifndef GATEHOUSE_SRC_SERVER_POLLS_H
#define GATEHOUSE_SRC_SERVER_POLLS_H

#include "server/request.h"
#include "server/roster.h"

struct gh_polls; /* opaque */

/* At most `most` at once. In server->event. GH_ERR_NOMEM. */
GH_MUST_CHECK enum gh_status gh_polls_new(struct gh_server *server, size_t most,
                                          struct gh_polls **out);
void gh_polls_free(struct gh_polls *polls); /* nobody waits any more; NULL is fine */

/* In the handler of the gate's request: answers, or keeps it for up to wait_s (0 to
 * GH_POLL_WAIT_MAX_S), for which `have` is not the newest. news: the number of the last that it
 * has; GH_POLL_NO_NEWS: it is not to be woken for any. */
#define GH_POLL_WAIT_MAX_S 55
#define GH_POLL_NO_NEWS UINT64_MAX
void gh_polls_take(struct gh_polls *polls, struct gh_request *request, struct gh_roster_gate *gate,
                   const struct gh_generation *have, uint64_t news, int64_t wait_s);
/* There is something to say, perhaps: the list has changed, what was being made is made, or there
 * are news. */
void gh_polls_wake(struct gh_polls *polls);
/* The gate was shut out: it hears so at once. */
void gh_polls_shut_out(struct gh_roster_gate *gate);

size_t gh_polls_open(const struct gh_polls *polls);
uint64_t gh_polls_answered(const struct gh_polls *polls); /* with a list, since the start */

#endif
