/* SPDX-License-Identifier: Apache-2.0 */
/* From what a contactless thermometer reads to one person's temperature. Pure: no thread, no clock,
 * no I/O.
 *
 * Somebody who comes closer is read as warmer and warmer, until they stand there: their temperature
 * is the highest reading, once it has not risen for GH_MEASURE_SETTLE_MS. What is a fever already
 * cannot become less, and counts at once. It counts for as long as the policy says after it was
 * read last, or as good as that. It is one person's: used up, it counts no more, and nobody else is
 * measured until the thermometer has seen nobody for GH_MEASURE_GAP_MS. */
#ifndef GATEHOUSE_SRC_GATE_MEASURE_H
#define GATEHOUSE_SRC_GATE_MEASURE_H

#include <stdbool.h>
#include <stdint.h>

#include "gatehouse/policy.h"

#define GH_MEASURE_SETTLE_MS 500
#define GH_MEASURE_GAP_MS 1000 /* nobody was there: the next reading is of somebody else */
#define GH_MEASURE_NOISE_MILLIC 100

struct gh_measure {
    enum { GH_MEASURE_NOBODY, GH_MEASURE_SOMEBODY, GH_MEASURE_USED } state;
    int64_t last_ns;                /* when somebody was read last */
    int64_t millic, highest_ns;     /* the highest, and when it was read last, noise aside */
    int64_t risen_millic, risen_ns; /* when it rose last, noise aside, and to what */
};

void gh_measure_init(struct gh_measure *measure);
/* at_ns: monotonic, when it was read. */
void gh_measure_take(struct gh_measure *measure, const struct gh_temperature_policy *policy,
                     int64_t at_ns, int64_t millic);
/* Whether there is one that counts. */
bool gh_measure_counts(const struct gh_measure *measure, const struct gh_temperature_policy *policy,
                       int64_t now_ns, int64_t *millic);
/* Somebody was decided about: it was theirs. */
void gh_measure_use(struct gh_measure *measure);
/* When it begins to count though nothing more is read; INT64_MAX: never, or it does already. */
int64_t gh_measure_deadline_ns(const struct gh_measure *measure, int64_t now_ns);

#endif
