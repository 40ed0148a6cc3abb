/* SPDX-License-Identifier: Apache-2.0 */
/* A person at the board tries the door out. */
#include "gate/gate_parts.h"
#include "gatehouse/log.h"

/* Durable before the door moves, like every opening that nobody's life hangs on. */
static enum gh_status write_first(struct gh_gate *gate, struct gh_error *err)
{
    struct gh_entry entry = {
        .type = GH_ENTRY_DOOR, .door = GH_DOOR_EVENT_TEST, .clock_trusted = gate->keeper.trusted};

    gh_log(GH_LOG_NOTICE, "door", "a person at the board unlocks it%s",
           gate->identity.enrolled ? "" : "; there is no journal yet");
    if (!gate->identity.enrolled)
        return GH_OK;
    enum gh_status status = gh_record_now(&gate->record, &entry);
    if (status != GH_OK)
        return gh_fail(err, status, "the door stays locked: the entry cannot be written (%s)",
                       gh_status_text(status));
    gate->options.peers.entry(gate->options.peers.context);
    return GH_OK;
}

enum gh_status gh_gate_test_relay(struct gh_gate *gate, struct gh_error *err)
{
    if (!gh_gate_claim_door(gate))
        return gh_fail(err, GH_ERR_BUSY,
                       "the door stays locked: the other door is not shut and locked");
    enum gh_status status = write_first(gate, err);
    if (status != GH_OK)
        return status;
    (void)gh_door_unlock(&gate->door, GH_CAUSE_TEST, gh_gate_now_ns(gate));
    if (gh_gate_show(gate, GH_REASON_UNLOCKED, false))
        return GH_OK;
    gh_door_end(&gate->door, GH_CAUSE_TEST, gh_gate_now_ns(gate));
    gh_gate_write_door_fault(gate);
    return gh_fail(err, GH_ERR_IO, "the door cannot be driven: its log says why");
}

enum gh_status gh_gate_test_line(struct gh_gate *gate, enum gh_line line, struct gh_error *err)
{
    int64_t now_ns = gh_gate_now_ns(gate), next_ns;

    enum gh_status status = gh_door_blink(&gate->door, line, now_ns);
    if (status != GH_OK)
        return gh_fail(err, status, "%s is no lamp, and not the buzzer", gh_line_name(line));
    if (!gh_gate_apply_door(gate, now_ns, &next_ns))
        return gh_fail(err, GH_ERR_IO, "%s cannot be driven: the log says why", gh_line_name(line));
    return GH_OK;
}

struct gh_gate_door gh_gate_look_at_door(const struct gh_gate *gate)
{
    const struct gh_door_watch *watch = &gate->watch;

    return (struct gh_gate_door){
        .causes = gh_door_causes(&gate->door, gh_gate_now_ns(gate)),
        .lines = gate->applied,
        .lines_known = gate->applied_known,
        .wired = watch->wired,
        .active = gh_door_watch_at(watch, GH_LEVEL_ON),
        .unknown = gh_door_watch_at(watch, GH_LEVEL_UNKNOWN),
        .chattering = gate->inputs_chattering,
        .blinks = watch->blinks,
        .interlocked = gate->door.interlocked,
        .forced = gh_after_is_forced(&gate->after),
        .held = gh_after_is_held(&gate->after),
    };
}
