/* SPDX-License-Identifier: Apache-2.0 */
/* A few threads for what would hold the server's thread up: jobs go out, and come back done. But
 * for gh_crew_finish all functions are for the server's thread. */
#ifndef GATEHOUSE_SRC_SERVER_CREW_H
#define GATEHOUSE_SRC_SERVER_CREW_H

#include <stdbool.h>
#include <stddef.h>

#include "gatehouse/status.h"

struct gh_crew; /* opaque */

/* The first member of what is to be done; whoever gives it owns it, and leaves it alone until done
 * is called. */
struct gh_job {
    void (*work)(struct gh_job *job); /* in one of the threads; gh_crew_finish sooner or later */
    void (*done)(struct gh_job *job); /* in the server's thread; may free the job */
    bool called_off;                  /* for done: work was never called */
    struct gh_job *next;
};

GH_MUST_CHECK enum gh_status gh_crew_new(unsigned threads, struct gh_crew **out,
                                         struct gh_error *err);
/* What has begun is finished, the rest called off; all is delivered. NULL is fine. */
void gh_crew_free(struct gh_crew *crew);

void gh_crew_give(struct gh_crew *crew, struct gh_job *job); /* never blocks */
/* From work, or from the work of another job. */
void gh_crew_finish(struct gh_crew *crew, struct gh_job *job);

int gh_crew_fd(const struct gh_crew *crew); /* readable: deliver */
void gh_crew_deliver(struct gh_crew *crew); /* calls done for each that is */

#endif
