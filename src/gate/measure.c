/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/measure.h"

#include "gatehouse/clock.h"

#define SETTLE_NS (GH_MEASURE_SETTLE_MS * GH_NS_PER_MS)
#define GAP_NS (GH_MEASURE_GAP_MS * GH_NS_PER_MS)

void gh_measure_init(struct gh_measure *measure)
{
    *measure = (struct gh_measure){.state = GH_MEASURE_NOBODY};
}

static void begin(struct gh_measure *measure, int64_t at_ns, int64_t millic)
{
    *measure = (struct gh_measure){.state = GH_MEASURE_SOMEBODY,
                                   .last_ns = at_ns,
                                   .millic = millic,
                                   .highest_ns = at_ns,
                                   .risen_millic = millic,
                                   .risen_ns = at_ns};
}

void gh_measure_take(struct gh_measure *measure, const struct gh_temperature_policy *policy,
                     int64_t at_ns, int64_t millic)
{
    if (measure->state != GH_MEASURE_NOBODY && at_ns < measure->last_ns)
        at_ns = measure->last_ns;
    if (measure->state == GH_MEASURE_NOBODY || at_ns - measure->last_ns > GAP_NS) {
        begin(measure, at_ns, millic);
        return;
    }
    measure->last_ns = at_ns;
    if (measure->state == GH_MEASURE_USED)
        return;
    if (at_ns - measure->highest_ns > policy->valid_ms * GH_NS_PER_MS) {
        begin(measure, at_ns, millic); /* whoever was so warm is not there any more */
        return;
    }
    if (millic > measure->risen_millic + GH_MEASURE_NOISE_MILLIC) {
        measure->risen_millic = millic;
        measure->risen_ns = at_ns;
    }
    if (millic >= measure->millic - GH_MEASURE_NOISE_MILLIC)
        measure->highest_ns = at_ns;
    if (millic > measure->millic)
        measure->millic = millic;
}

bool gh_measure_counts(const struct gh_measure *measure, const struct gh_temperature_policy *policy,
                       int64_t now_ns, int64_t *millic)
{
    *millic = 0;
    if (measure->state != GH_MEASURE_SOMEBODY ||
        now_ns - measure->highest_ns > policy->valid_ms * GH_NS_PER_MS)
        return false;
    if (now_ns - measure->risen_ns < SETTLE_NS && measure->millic < policy->limit_millic)
        return false;
    *millic = measure->millic;
    return true;
}

void gh_measure_use(struct gh_measure *measure)
{
    if (measure->state == GH_MEASURE_SOMEBODY)
        measure->state = GH_MEASURE_USED;
    measure->millic = measure->risen_millic = 0;
}

int64_t gh_measure_deadline_ns(const struct gh_measure *measure, int64_t now_ns)
{
    if (measure->state != GH_MEASURE_SOMEBODY || now_ns - measure->risen_ns >= SETTLE_NS)
        return INT64_MAX;
    return measure->risen_ns + SETTLE_NS;
}
