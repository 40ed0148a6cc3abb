/* SPDX-License-Identifier: Apache-2.0 */
/* The door's inputs: how they are, and what is done about it. */
#include "gate/gate_parts.h"
#include "gatehouse/log.h"

/* Inputs that do not say when they change, and do not say how often to ask. */
#define ASK_NS (50 * GH_NS_PER_MS)

#define IS_WIRED(gate, input) (((gate)->watch.wired & GH_INPUT_BIT(input)) != 0)

/* --- how they are --- */

static void say_lost(enum gh_input input, bool lost)
{
    static const char *const so[GH_INPUT_COUNT] = {
        [GH_INPUT_CONTACT] = "what becomes of those who are let in is not known",
        [GH_INPUT_EXIT] = "nobody is let out by it",
        [GH_INPUT_GUARD] = "it unlocks nothing",
        [GH_INPUT_TAMPER] = "nobody would be told",
        [GH_INPUT_FIRE] = "a fire alarm would not unlock the door",
        [GH_INPUT_OTHER_DOOR] = "it counts as not shut, and this door stays locked",
    };

    if (lost)
        gh_log(GH_LOG_ERR, "door", "its %s cannot be read: %s", gh_input_name(input), so[input]);
    else
        gh_log(GH_LOG_NOTICE, "door", "its %s is read again", gh_input_name(input));
}

static void say_chatter(enum gh_input input, bool chatters)
{
    bool active = (GH_INPUTS_SAFE_ACTIVE & GH_INPUT_BIT(input)) != 0;

    if (chatters)
        gh_log(GH_LOG_ERR, "door", "its %s chatters: it counts %s until it is at rest",
               gh_input_name(input), active ? "as active" : "as it was");
    else
        gh_log(GH_LOG_NOTICE, "door", "its %s is at rest again", gh_input_name(input));
}

static void say_trouble(struct gh_gate *gate)
{
    for (unsigned i = 0; i < GH_INPUT_COUNT; i++) {
        const struct gh_door_input *input = &gate->watch.inputs[i];
        unsigned bit = GH_INPUT_BIT(i);
        bool at_rest = input->restless_ns == INT64_MIN;
        bool lost = at_rest && input->level == GH_LEVEL_UNKNOWN;
        if ((gate->watch.wired & bit) == 0)
            continue;
        if (at_rest && lost != ((gate->inputs_lost & bit) != 0)) {
            gate->inputs_lost ^= bit;
            say_lost((enum gh_input)i, lost);
        }
        if (input->chatters != ((gate->inputs_chattering & bit) != 0)) {
            gate->inputs_chattering ^= bit;
            say_chatter((enum gh_input)i, input->chatters);
        }
    }
}

/* Looks at them, and does nothing about it yet. */
static void find(struct gh_gate *gate, bool told)
{
    const struct gh_door_io *io = gate->options.io;

    if (!io->inputs) /* or to be called all the same: outputs may have gone (door.h) */
        return;
    struct gh_door_inputs found = io->inputs(io->context);
    gate->input_changes |=
        gh_door_watch_look(&gate->watch, &found, told && !found.by_time, gh_gate_now_ns(gate));
    if (found.lines_gone) /* said, and tried again, before somebody wants to go through */
        gate->applied_known = false;
    say_trouble(gate);
}

void gh_gate_init_inputs(struct gh_gate *gate)
{
    const struct gh_door_io *io = gate->options.io;

    gh_door_watch_init(&gate->watch, io->inputs ? io->inputs_wired : 0,
                       gate->options.door.debounce_ms);
    gh_wall_init(&gate->wall);
    gate->renew_ns = INT64_MAX;
    gate->hours_retry_ns = INT64_MIN;
    gate->prompted_ns = INT64_MIN;
    gate->standing = GH_STANDING_COUNT;
}

int64_t gh_gate_inputs_next_ns(const struct gh_gate *gate)
{
    const struct gh_door_io *io = gate->options.io;
    int64_t next_ns = gh_door_watch_next_ns(&gate->watch);
    int64_t wall_ns = gh_wall_next_ns(&gate->wall), after_ns = gh_after_next_ns(&gate->after);
    int64_t poll_ns = io->inputs_poll_ms * GH_NS_PER_MS;

    if (gate->watch.wired == 0)
        return INT64_MAX;
    next_ns = wall_ns < next_ns ? wall_ns : next_ns;
    next_ns = after_ns < next_ns ? after_ns : next_ns;
    if (gate->input_changes != 0) /* found while something else was done */
        return gh_gate_now_ns(gate);
    if (poll_ns == 0 && io->inputs_fd < 0)
        poll_ns = ASK_NS;
    if (poll_ns != 0 && gh_gate_now_ns(gate) + poll_ns < next_ns)
        next_ns = gh_gate_now_ns(gate) + poll_ns;
    return next_ns;
}

/* --- the other door of a lock --- */

static bool other_door_is_open(const struct gh_gate *gate)
{
    const struct gh_door_input *other = &gate->watch.inputs[GH_INPUT_OTHER_DOOR];

    return IS_WIRED(gate, GH_INPUT_OTHER_DOOR) &&
           (other->level != GH_LEVEL_OFF || other->seen != GH_LEVEL_OFF);
}

bool gh_gate_is_interlocked(struct gh_gate *gate)
{
    if (!IS_WIRED(gate, GH_INPUT_OTHER_DOOR))
        return false;
    find(gate, false);
    return other_door_is_open(gate);
}

bool gh_gate_claim_door(struct gh_gate *gate)
{
    int64_t next_ns;

    if (gh_gate_is_interlocked(gate))
        return false;
    if (!IS_WIRED(gate, GH_INPUT_OTHER_DOOR))
        return true;
    /* Lines that cannot be moved are said, and the relay will not be moved either. */
    gh_door_claim(&gate->door, true);
    (void)gh_gate_apply_door(gate, gh_gate_now_ns(gate), &next_ns);
    if (!gh_gate_is_interlocked(gate)) {
        /* The door may not have been told yet that the other one has become shut just now. */
        gh_door_interlock(&gate->door, false, gh_gate_now_ns(gate));
        return true;
    }
    gh_door_claim(&gate->door, false);
    (void)gh_gate_apply_door(gate, gh_gate_now_ns(gate), &next_ns);
    return false;
}

/* --- what is asked for --- */

static void unlock_by_button(struct gh_gate *gate, enum gh_cause cause, enum gh_door_event event)
{
    int64_t now_ns = gh_gate_now_ns(gate);
    bool known = (gh_door_causes(&gate->door, now_ns) & GH_CAUSE_BIT(cause)) != 0;
    const struct gh_button *button = cause == GH_CAUSE_EXIT ? &gate->wall.exit : &gate->wall.guard;

    gh_log(GH_LOG_NOTICE, "door", "the %s button was pressed",
           cause == GH_CAUSE_EXIT ? "exit" : "guard's");
    if (!known) /* and where it cannot be written it follows: nobody is kept in by a full disk */
        gh_gate_write_door(gate, event);
    now_ns = gh_gate_now_ns(gate);
    (void)gh_door_unlock(&gate->door, cause, now_ns);
    gh_door_press(&gate->door, cause, gh_button_is_pressed(button), now_ns);
    if (!gh_gate_show(gate, GH_REASON_UNLOCKED, false) && !known)
        gh_gate_write_door_fault(gate);
}

static void guard_is_here(struct gh_gate *gate)
{
    gh_door_silence(&gate->door, gh_gate_now_ns(gate));
    unlock_by_button(gate, GH_CAUSE_GUARD, GH_DOOR_EVENT_GUARD);
}

static void somebody_wants_out(struct gh_gate *gate)
{
    if (gh_gate_claim_door(gate)) {
        unlock_by_button(gate, GH_CAUSE_EXIT, GH_DOOR_EVENT_EXIT);
        return;
    }
    gh_wall_wait(&gate->wall, gh_gate_now_ns(gate));
    (void)gh_gate_show(gate, GH_REASON_INTERLOCK, false);
}

static void let_go(struct gh_gate *gate, enum gh_cause cause)
{
    gh_door_press(&gate->door, cause, false, gh_gate_now_ns(gate));
}

/* The door first: nobody waits for a disk. */
static void fire_alarm(struct gh_gate *gate, bool fire)
{
    int64_t now_ns = gh_gate_now_ns(gate), next_ns;

    gh_door_stand(&gate->door, GH_STANDING_FIRE, fire, now_ns);
    if (fire)
        (void)gh_door_unlock(&gate->door, GH_CAUSE_FIRE, now_ns);
    else
        gh_door_end(&gate->door, GH_CAUSE_FIRE, now_ns);
    bool moved = gh_gate_apply_door(gate, now_ns, &next_ns);
    gh_log(fire ? GH_LOG_ERR : GH_LOG_NOTICE, "door",
           fire ? "fire alarm: it is unlocked" : "the fire alarm is over");
    gh_gate_write_door(gate, fire ? GH_DOOR_EVENT_FIRE : GH_DOOR_EVENT_FIRE_OVER);
    if (fire && !moved)
        gh_gate_write_door_fault(gate);
}

static void say_fire_goes_on(const struct gh_gate *gate)
{
    int64_t since_ns = gate->door.causes[GH_CAUSE_FIRE].from_ns;

    gh_log(GH_LOG_ERR, "door", "the fire alarm has lasted for %d h: it is unlocked",
           (int)((gh_gate_now_ns(gate) - since_ns) / (3600 * GH_NS_PER_S)));
}

static void tamper_alarm(struct gh_gate *gate, bool tamper)
{
    int64_t next_ns;

    gh_door_stand(&gate->door, GH_STANDING_TAMPER, tamper, gh_gate_now_ns(gate));
    (void)gh_gate_apply_door(gate, gh_gate_now_ns(gate), &next_ns);
    gh_log(tamper ? GH_LOG_ERR : GH_LOG_NOTICE, "door", "the gate's housing %s",
           tamper ? "was opened" : "is shut again");
    gh_gate_write_door(gate, tamper ? GH_DOOR_EVENT_TAMPER : GH_DOOR_EVENT_TAMPER_OVER);
}

static void say_stuck(const char *button, bool stuck)
{
    if (stuck)
        gh_log(GH_LOG_ERR, "door",
               "the %s button has been pressed for %d s: it hangs, and unlocks nothing until it is "
               "let go",
               button, GH_WALL_STUCK_S);
    else
        gh_log(GH_LOG_NOTICE, "door", "the %s button does not hang any more", button);
}

static void act(struct gh_gate *gate, enum gh_wall_event event)
{
    switch (event) {
    case GH_WALL_FIRE:
    case GH_WALL_FIRE_OVER:
        fire_alarm(gate, event == GH_WALL_FIRE);
        break;
    case GH_WALL_FIRE_STILL:
        say_fire_goes_on(gate);
        break;
    case GH_WALL_GUARD:
        guard_is_here(gate);
        break;
    case GH_WALL_GUARD_LET_GO:
        let_go(gate, GH_CAUSE_GUARD);
        break;
    case GH_WALL_GUARD_STUCK:
    case GH_WALL_GUARD_FREE:
        say_stuck("guard's", event == GH_WALL_GUARD_STUCK);
        break;
    case GH_WALL_EXIT:
        somebody_wants_out(gate);
        break;
    case GH_WALL_EXIT_LET_GO:
        let_go(gate, GH_CAUSE_EXIT);
        break;
    case GH_WALL_EXIT_STUCK:
    case GH_WALL_EXIT_FREE:
        say_stuck("exit", event == GH_WALL_EXIT_STUCK);
        break;
    case GH_WALL_EXIT_WAITS:
        (void)gh_gate_show(gate, GH_REASON_INTERLOCK, false);
        break;
    case GH_WALL_EXIT_IN_VAIN:
        gh_log(GH_LOG_NOTICE, "door",
               "the exit button was pressed, but the other door was not shut within %d s",
               GH_WALL_WAIT_S);
        break;
    case GH_WALL_TAMPER:
    case GH_WALL_TAMPER_OVER:
        tamper_alarm(gate, event == GH_WALL_TAMPER);
        break;
    case GH_WALL_EVENTS:
        break;
    }
}

/* --- look, and do --- */

static void look_at_contact(struct gh_gate *gate, unsigned changed, int64_t now_ns)
{
    const struct gh_door_input *contact = &gate->watch.inputs[GH_INPUT_CONTACT];
    bool shut = contact->level == GH_LEVEL_OFF;

    if (!IS_WIRED(gate, GH_INPUT_CONTACT))
        return;
    gh_door_set_not_shut(&gate->door, !shut || contact->seen != GH_LEVEL_OFF);
    if ((changed & GH_INPUT_BIT(GH_INPUT_CONTACT)) != 0 && shut &&
        gate->after.contact == GH_CONTACT_OPEN)
        gh_door_passed(&gate->door, contact->since_ns, now_ns);
}

void gh_gate_look_at_inputs(struct gh_gate *gate, bool told)
{
    enum gh_wall_event events[GH_WALL_EVENTS];
    int64_t now_ns = gh_gate_now_ns(gate), next_ns;

    find(gate, told);
    if (gate->watch.wired == 0)
        return;
    unsigned changed = gate->input_changes;
    gate->input_changes = 0;
    look_at_contact(gate, changed, now_ns);
    if (IS_WIRED(gate, GH_INPUT_OTHER_DOOR))
        gh_door_interlock(&gate->door,
                          gate->watch.inputs[GH_INPUT_OTHER_DOOR].level != GH_LEVEL_OFF, now_ns);
    size_t count =
        gh_wall_look(&gate->wall, &gate->watch, other_door_is_open(gate), now_ns, events);
    for (size_t i = 0; i < count; i++)
        act(gate, events[i]);
    gh_gate_look_after(gate);
    (void)gh_gate_apply_door(gate, gh_gate_now_ns(gate), &next_ns);
}
