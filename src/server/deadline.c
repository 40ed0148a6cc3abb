/* SPDX-License-Identifier: Apache-2.0 */
#include "server/deadline.h"

#include <stdlib.h>
#include <sys/socket.h>

void gh_deadlines_init(struct gh_deadline *ring)
{
    ring->before = ring->after = ring;
}

struct gh_deadline *gh_deadline_add(struct gh_deadline *ring, int fd, int64_t at_ns)
{
    struct gh_deadline *deadline = calloc(1, sizeof(*deadline));
    if (deadline == NULL)
        return NULL;
    deadline->fd = fd;
    deadline->at_ns = at_ns;
    deadline->before = ring->before;
    deadline->after = ring;
    ring->before->after = deadline;
    ring->before = deadline;
    return deadline;
}

void gh_deadline_remove(struct gh_deadline *deadline)
{
    if (deadline == NULL)
        return;
    deadline->before->after = deadline->after;
    deadline->after->before = deadline->before;
    free(deadline);
}

unsigned gh_deadlines_sweep(struct gh_deadline *ring, int64_t now_ns)
{
    unsigned over = 0;
    for (struct gh_deadline *one = ring->after; one != ring; one = one->after) {
        if (one->at_ns <= now_ns) {
            (void)shutdown(one->fd, SHUT_RDWR);
            one->at_ns = INT64_MAX;
            over++;
        }
    }
    return over;
}
