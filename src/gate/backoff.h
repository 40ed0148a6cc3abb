/* SPDX-License-Identifier: Apache-2.0 */
/* When to try again: a pause that doubles with each failure, with jitter, so that a thousand gates
 * do not come back at once. Pure but for its randomness. */
#ifndef GATEHOUSE_SRC_GATE_BACKOFF_H
#define GATEHOUSE_SRC_GATE_BACKOFF_H

#include <stdint.h>

struct gh_backoff {
    int64_t first_ms, greatest_ms; /* set by the owner */
    int64_t delay_ms;              /* of the last failure; 0: the last try went well */
    int64_t next_ns;               /* do not try before */
};

/* It went well: the next one is due after_ms from now, a quarter more or less. */
void gh_backoff_succeeded(struct gh_backoff *backoff, int64_t now_ns, int64_t after_ms);
/* It did not: after half to all of the doubled pause, but never before retry_after_s (-1: not said;
 * at most an hour is believed). */
void gh_backoff_failed(struct gh_backoff *backoff, int64_t now_ns, int64_t retry_after_s);

#endif
