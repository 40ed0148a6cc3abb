/* SPDX-License-Identifier: Apache-2.0 */
/* Temperatures at the gate: whose they are. They are in memory only, while they count; neither an
 * entry nor the log holds any. */
#include "gate/decide.h"
#include "gate/gate_parts.h"
#include "gate/thermometer.h"

int64_t gh_gate_measured(struct gh_gate *gate)
{
    const struct gh_temperature_policy *policy = &gate->policy.temperature;
    int64_t now_ns = gh_gate_now_ns(gate), millic;

    if (policy->rule == GH_TEMPERATURE_OFF)
        gh_measure_init(&gate->measure);
    else if (gh_measure_counts(&gate->measure, policy, now_ns, &millic))
        (void)gh_passage_measured(&gate->passage, now_ns);
    return gh_measure_deadline_ns(&gate->measure, now_ns);
}

void gh_gate_temperature(struct gh_gate *gate, int64_t at_ns, int64_t millic)
{
    const struct gh_temperature_policy *policy = &gate->policy.temperature;
    int64_t now_ns = gh_gate_now_ns(gate);

    if (!gate->identity.enrolled || policy->rule == GH_TEMPERATURE_OFF ||
        millic < GH_BODY_MIN_MILLIC || millic > GH_BODY_MAX_MILLIC)
        return;
    (void)gh_gate_look(gate);
    gh_measure_take(&gate->measure, policy, at_ns < now_ns ? at_ns : now_ns, millic);
    (void)gh_gate_measured(gate);
    gh_gate_decide(gate, now_ns);
}

void gh_gate_put_temperature(const struct gh_gate *gate, struct gh_decide_input *input)
{
    input->measured = gh_measure_counts(&gate->measure, &gate->policy.temperature, gate->passage_ns,
                                        &input->temperature_millic);
}

/* Also where something else was decided by: they stood there. But where none counted yet, the next
 * moment may bring it. */
void gh_gate_use_temperature(struct gh_gate *gate, enum gh_reason reason)
{
    if (gh_reason_info(reason)->outcome != GH_OUTCOME_WAIT &&
        reason != GH_REASON_TEMPERATURE_MISSING)
        gh_measure_use(&gate->measure);
}
