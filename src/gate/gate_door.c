/* SPDX-License-Identifier: Apache-2.0 */
/* The gate's door: its lines, what is shown and spoken, and what its contact tells. */
#include "gate/gate_parts.h"
#include "gatehouse/log.h"

#define RETRY_NS (200 * GH_NS_PER_MS)
#define RENEW_NS (GH_DOOR_RENEW_EVERY_MS * GH_NS_PER_MS)
/* A reason that is shown again so soon is not spoken again. */
#define SPOKEN_NS (2 * GH_NS_PER_S)
/* What stands is. */
#define STANDING_NS (30 * GH_NS_PER_S)
/* Where it is meant to stand unlocked. */
#define FREE_CAUSES (GH_CAUSE_BIT(GH_CAUSE_HOURS) | GH_CAUSE_BIT(GH_CAUSE_FIRE))

/* --- the lines --- */

static bool lines_failed(struct gh_gate *gate, enum gh_status status, const struct gh_error *err,
                         int64_t now_ns)
{
    gate->applied_known = false;
    gate->granted_ms = 0;
    gate->door_retry_ns = now_ns + RETRY_NS;
    gh_log(GH_LOG_ERR, "door", "%s", err->text[0] ? err->text : gh_status_text(status));
    return false;
}

/* Tells the door's keeper for how long it is meant to be unlocked (door.h). */
static enum gh_status renew(struct gh_gate *gate, int64_t now_ns, struct gh_error *err)
{
    const struct gh_door_io *io = gate->options.io;
    int64_t for_ms = gh_door_grant_ms(&gate->door, now_ns);
    int64_t until_ns = gh_door_unlocked_until(&gate->door, GH_CAUSES_ALL);
    bool again = for_ms == GH_DOOR_RENEW_MS;

    if (for_ms == 0 || !io->renew) {
        gate->granted_ms = 0;
        gate->renew_ns = INT64_MAX;
        return GH_OK;
    }
    bool same = gate->granted_ms != 0 && gate->granted_until_ns == until_ns &&
                (gate->granted_ms == GH_DOOR_RENEW_FIRE) == (for_ms == GH_DOOR_RENEW_FIRE);
    bool early = now_ns < gate->renew_ns &&
                 (gate->renew_ns == INT64_MAX || gate->renew_ns - now_ns <= RENEW_NS);
    if (same && early)
        return GH_OK;
    enum gh_status status = io->renew(io->context, for_ms, err);
    if (status != GH_OK)
        return status;
    gate->granted_ms = for_ms;
    gate->granted_until_ns = until_ns;
    gate->renew_ns = again ? now_ns + RENEW_NS : INT64_MAX;
    return GH_OK;
}

/* At the start, for as long as the fire input was not the same for long enough to count. */
static bool may_be_on_fire(const struct gh_gate *gate)
{
    const struct gh_door_input *fire = &gate->watch.inputs[GH_INPUT_FIRE];

    return fire->level == GH_LEVEL_UNKNOWN && fire->seen == GH_LEVEL_ON;
}

/* this_door comes on by itself, behind all others: a relay that cannot be moved is not known to be
 * locked, and may be on another chip, which fails alone. */
static enum gh_status set_lines(const struct gh_gate *gate, unsigned lines, struct gh_error *err)
{
    const struct gh_door_io *io = gate->options.io;
    unsigned on = gate->applied_known ? gate->applied : 0;
    unsigned last = lines & ~on & GH_LINE_BIT(GH_LINE_THIS_DOOR);
    enum gh_status status = GH_OK;

    if (last != 0)
        status = io->set(io->context, lines & ~last, err);
    return status == GH_OK ? io->set(io->context, lines, err) : status;
}

bool gh_gate_apply_door(struct gh_gate *gate, int64_t now_ns, int64_t *next_ns)
{
    struct gh_error err = {0};
    unsigned lines = gh_door_lines(&gate->door, now_ns, next_ns);
    enum gh_status status = GH_OK;

    if (!gate->applied_known && may_be_on_fire(gate))
        return true; /* the lines are as they were requested: unlocked (door.h) */
    if (!gate->applied_known || lines != gate->applied)
        status = set_lines(gate, lines, &err);
    if (status == GH_OK)
        status = renew(gate, now_ns, &err);
    if (status != GH_OK)
        return lines_failed(gate, status, &err, now_ns);
    gate->applied_known = true;
    gate->applied = lines;
    gate->door_retry_ns = INT64_MAX;
    return true;
}

/* --- what is shown and spoken --- */

static void speak(struct gh_gate *gate, enum gh_reason reason, int64_t now_ns)
{
    enum gh_prompt prompt = gh_reason_info(reason)->prompt;
    bool again = gate->prompted_ns != INT64_MIN && gate->prompted == reason &&
                 now_ns >= gate->prompted_ns && now_ns - gate->prompted_ns < SPOKEN_NS;

    gate->prompted = reason;
    gate->prompted_ns = now_ns;
    if (!again && prompt != GH_PROMPT_NONE && gate->options.peers.prompt)
        gate->options.peers.prompt(gate->options.peers.context, prompt);
}

bool gh_gate_show(struct gh_gate *gate, enum gh_reason reason, bool unlock)
{
    int64_t now_ns = gh_gate_now_ns(gate), next_ns;

    bool seen = gh_door_signal(&gate->door, gh_reason_info(reason), unlock, now_ns);
    gh_door_claim(&gate->door, false);
    bool moved = gh_gate_apply_door(gate, now_ns, &next_ns);
    if (seen)
        speak(gate, reason, now_ns);
    return moved;
}

/* What stands is spoken about when it begins, and again while it lasts. */
static void speak_of_standing(struct gh_gate *gate, int64_t now_ns)
{
    enum gh_standing standing = gh_door_top_standing(&gate->door);
    bool same = standing == gate->standing && now_ns >= gate->standing_ns;

    if (standing == GH_STANDING_COUNT || (same && now_ns - gate->standing_ns < STANDING_NS)) {
        gate->standing = standing;
        return;
    }
    gate->standing = standing;
    gate->standing_ns = now_ns;
    speak(gate, gh_standing_reason(standing), now_ns);
}

/* --- what is written --- */

void gh_gate_write_door(struct gh_gate *gate, enum gh_door_event event)
{
    struct gh_entry entry = {.type = GH_ENTRY_DOOR, .door = event};

    if (gate->identity.enrolled)
        gh_gate_write(gate, &entry);
}

void gh_gate_write_door_fault(struct gh_gate *gate)
{
    struct gh_entry entry = {
        .type = GH_ENTRY_FAULT, .outcome = GH_OUTCOME_GUARD, .reason = GH_REASON_DOOR_FAILED};

    if (gate->identity.enrolled)
        gh_gate_write(gate, &entry);
}

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
        if (gate->identity.enrolled)
            gh_gate_write(gate, &entry);
    }
}

/* --- the contact --- */

static unsigned free_causes(const struct gh_gate *gate)
{
    bool toggles = gate->door.options.relay_mode == GH_RELAY_TOGGLE;

    return FREE_CAUSES | (toggles ? GH_CAUSE_BIT(GH_CAUSE_DECISION) : 0);
}

static struct gh_after_view view_of(const struct gh_gate *gate)
{
    static const enum gh_contact contacts[] = {[GH_LEVEL_UNKNOWN] = GH_CONTACT_UNKNOWN,
                                               [GH_LEVEL_OFF] = GH_CONTACT_SHUT,
                                               [GH_LEVEL_ON] = GH_CONTACT_OPEN};
    const struct gh_door_input *contact = &gate->watch.inputs[GH_INPUT_CONTACT];
    const struct gh_door *door = &gate->door;

    return (struct gh_after_view){
        .contact = contacts[contact->level],
        .since_ns = contact->since_ns,
        .settled = gh_door_watch_is_settled(&gate->watch, GH_INPUT_CONTACT),
        .decided_until_ns = gh_door_unlocked_until(door, GH_CAUSE_BIT(GH_CAUSE_DECISION)),
        .unlocked_until_ns = gh_door_unlocked_until(door, GH_CAUSES_ALL),
        .free_until_ns = gh_door_unlocked_until(door, free_causes(gate)),
    };
}

void gh_gate_look_after(struct gh_gate *gate)
{
    struct gh_after_event events[GH_AFTER_EVENTS];
    int64_t now_ns = gh_gate_now_ns(gate);

    if ((gate->watch.wired & GH_INPUT_BIT(GH_INPUT_CONTACT)) != 0) {
        struct gh_after_view view = view_of(gate);
        size_t count = gh_after_look(&gate->after, &view, now_ns, events);
        write_events(gate, events, count);
        gh_door_stand(&gate->door, GH_STANDING_FORCED, gh_after_is_forced(&gate->after), now_ns);
        gh_door_stand(&gate->door, GH_STANDING_HELD, gh_after_is_held(&gate->after), now_ns);
    }
    speak_of_standing(gate, now_ns);
}

void gh_gate_follow(struct gh_gate *gate, const struct gh_entry *passage)
{
    struct gh_after_event events[GH_AFTER_EVENTS];
    struct gh_entry toggled = {
        .type = GH_ENTRY_DOOR, .door = GH_DOOR_EVENT_TOGGLED, .about = passage->sequence};

    if (gh_door_has_locked_again(&gate->door)) {
        gh_gate_write(gate, &toggled);
        return;
    }
    if ((gate->watch.wired & GH_INPUT_BIT(GH_INPUT_CONTACT)) == 0)
        return;
    write_events(gate, events,
                 gh_after_opening(&gate->after, passage->sequence,
                                  passage->monotonic_ms * GH_NS_PER_MS, events));
    gh_gate_look_after(gate);
}
