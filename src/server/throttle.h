/* SPDX-License-Identifier: Apache-2.0 */
/* Slows the guessing of passwords down, per user name (known or not) and over all, since every
 * check costs the one thread a good part of a second. In memory only: a restart forgives. */
#ifndef GATEHOUSE_SRC_SERVER_THROTTLE_H
#define GATEHOUSE_SRC_SERVER_THROTTLE_H

#include <stdbool.h>
#include <stdint.h>

#include "gatehouse/status.h"

#define GH_THROTTLE_FREE 5   /* failures that cost nothing; then 1, 2, 4 ... s */
#define GH_THROTTLE_MAX_S 60 /* and no more than that */
#define GH_THROTTLE_BURST 30 /* failures over all users at once */
#define GH_THROTTLE_PER_S 3  /* and then so many a second */

struct gh_throttle; /* opaque */
GH_MUST_CHECK enum gh_status gh_throttle_new(struct gh_throttle **out);
void gh_throttle_free(struct gh_throttle *throttle);

/* Seconds to wait until this user's password may be checked; 0: now. Times are monotonic. */
int64_t gh_throttle_wait_s(struct gh_throttle *throttle, const char *user, int64_t now_ns);
void gh_throttle_failed(struct gh_throttle *throttle, const char *user, int64_t now_ns);
void gh_throttle_succeeded(struct gh_throttle *throttle, const char *user);

#endif
