/* SPDX-License-Identifier: Apache-2.0 */
/* The gate's door: its lines, and what its contact tells after a decision. */
#include "gate/gate_parts.h"
#include "gatehouse/log.h"

#define RETRY_NS (200 * GH_NS_PER_MS)

/* --- the lines --- */

bool gh_gate_apply_door(struct gh_gate *gate, int64_t now_ns, int64_t *next_ns)
{
    struct gh_error err = {0};
    unsigned lines = gh_door_lines(&gate->door, now_ns, next_ns);

    if (gate->applied_known && lines == gate->applied)
        return true;
    enum gh_status status = gate->options.io->set(gate->options.io->context, lines, &err);
    gate->applied_known = status == GH_OK;
    gate->applied = lines;
    gate->door_retry_ns = status == GH_OK ? INT64_MAX : now_ns + RETRY_NS;
    if (status != GH_OK)
        gh_log(GH_LOG_ERR, "door", "%s", err.text[0] ? err.text : gh_status_text(status));
    return status == GH_OK;
}

bool gh_gate_show(struct gh_gate *gate, enum gh_reason reason, bool unlock)
{
    int64_t now_ns = gh_gate_now_ns(gate), next_ns;

    gh_door_signal(&gate->door, gh_reason_info(reason), unlock, now_ns);
    return gh_gate_apply_door(gate, now_ns, &next_ns);
}

/* --- the contact --- */

static void write_events(struct gh_gate *gate, const struct gh_after_event *events, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct gh_entry entry = {.type = GH_ENTRY_DOOR,
                                 .door = events[i].event,
                                 .about = events[i].about,
                                 .after_ms = events[i].after_ms};
        if (events[i].event == GH_DOOR_EVENT_FORCED)
            gh_log(GH_LOG_WARNING, "door", "it was opened without a decision");
        if (events[i].event == GH_DOOR_EVENT_UNUSED)
            gh_passback_unused(&gate->passback, events[i].about);
        gh_gate_write(gate, &entry);
    }
}

void gh_gate_follow(struct gh_gate *gate, const struct gh_entry *passage)
{
    struct gh_after_event events[GH_AFTER_EVENTS];

    if (!gate->options.io->contact)
        return;
    write_events(gate, events,
                 gh_after_opening(&gate->after, passage->sequence,
                                  passage->monotonic_ms * GH_NS_PER_MS,
                                  gate->door.unlocked_until_ns, events));
    gate->contact_ns = gh_gate_now_ns(gate);
}

static void say_contact(struct gh_gate *gate, enum gh_contact contact)
{
    bool lost = contact == GH_CONTACT_UNKNOWN;

    if (lost != gate->contact_lost)
        gh_log(lost ? GH_LOG_ERR : GH_LOG_NOTICE, "door", "its contact %s",
               lost ? "cannot be read: what becomes of those who are let in is not known"
                    : "is read again");
    gate->contact_lost = lost;
}

void gh_gate_look_at_contact(struct gh_gate *gate)
{
    struct gh_after_event events[GH_AFTER_EVENTS];
    const struct gh_door_io *io = gate->options.io;
    int64_t now_ns = gh_gate_now_ns(gate);

    if (now_ns < gate->contact_ns)
        return;
    enum gh_contact contact = io->contact(io->context);
    say_contact(gate, contact);
    size_t count = gh_after_look(&gate->after, contact, now_ns, events);
    write_events(gate, events, count);
    gate->contact_ns = now_ns + GH_NS_PER_MS * (gh_after_is_near(&gate->after) ? GH_AFTER_NEAR_MS
                                                                               : GH_AFTER_FAR_MS);
}
