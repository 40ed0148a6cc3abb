/* SPDX-License-Identifier: Apache-2.0 */
/* How long each connection may go on with what it is doing, however busily it trickles. */
#ifndef GATEHOUSE_SRC_SERVER_DEADLINE_H
#define GATEHOUSE_SRC_SERVER_DEADLINE_H

#include <stdint.h>

/* One connection, in a ring. */
struct gh_deadline {
    struct gh_deadline *before, *after;
    int fd;
    int64_t at_ns;
};

/* An empty ring; its head is no connection. */
void gh_deadlines_init(struct gh_deadline *ring);
/* NULL when there is no memory: the connection then goes without. fd stays the caller's. */
struct gh_deadline *gh_deadline_add(struct gh_deadline *ring, int fd, int64_t at_ns);
void gh_deadline_remove(struct gh_deadline *deadline); /* and frees it; NULL is fine */
/* Shut down, once, the sockets whose time is over (their owner sees the end and closes them).
 * Returns how many. */
unsigned gh_deadlines_sweep(struct gh_deadline *ring, int64_t now_ns);

#endif
