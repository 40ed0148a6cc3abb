/* SPDX-License-Identifier: Apache-2.0 */
/* The gate's clock: looks at it, and says and writes what became of it. */
#include <inttypes.h>

#include "gate/gate_parts.h"
#include "gatehouse/log.h"

#define LOOK_NS (5 * GH_NS_PER_S)
#define SLOW_NS (100 * GH_NS_PER_MS)

/* Both times at one moment: were the process put to sleep between the two, the clock would seem to
 * have been set. */
static struct gh_time_look look_at(const struct gh_clock *clock)
{
    struct gh_time_look look = {.synchronised = gh_clock_synchronised(clock)};

    for (int tries = 0; tries < 5; tries++) {
        look.monotonic_ns = gh_clock_monotonic_ns(clock);
        look.wall_ns = gh_clock_wall_ns(clock);
        if (gh_clock_monotonic_ns(clock) - look.monotonic_ns < SLOW_NS)
            break;
    }
    return look;
}

static void say_trust(const struct gh_timekeeper *keeper)
{
    char floor[GH_TIME_TEXT_BYTES];

    gh_time_format(keeper->floor_ms / 1000, floor);
    if (keeper->trusted)
        gh_log(GH_LOG_NOTICE, "clock", "trusted");
    else if (keeper->last.wall_ns / GH_NS_PER_MS < keeper->floor_ms)
        gh_log(GH_LOG_WARNING, "clock",
               "not trusted: it was at least %s already; nobody is let in until it is set", floor);
    else
        gh_log(GH_LOG_WARNING, "clock",
               "not trusted: nobody has confirmed it; nobody is let in until then");
}

static void tell(struct gh_gate *gate)
{
    struct gh_entry entry;

    if (!gh_timekeeper_tell(&gate->keeper, gate->keeper.last.monotonic_ns, &entry))
        return;
    if (entry.jump_ms != 0)
        gh_log(GH_LOG_WARNING, "clock", "it was set %s by %" PRId64 ".%03d s",
               entry.jump_ms > 0 ? "forwards" : "back",
               (entry.jump_ms > 0 ? entry.jump_ms : -entry.jump_ms) / 1000,
               (int)((entry.jump_ms > 0 ? entry.jump_ms : -entry.jump_ms) % 1000));
    say_trust(&gate->keeper);
    if (gate->identity.enrolled)
        gh_gate_write(gate, &entry);
}

/* The list, and the journal once it can be read, know times that have been. */
static void learn(struct gh_gate *gate)
{
    struct gh_record_found found;
    int64_t issued_at_s = gate->identity.list_issued_at_s;

    if (!gate->identity.enrolled)
        return;
    if (gate->list && gh_list_manifest(gate->list)->issued_at_s > issued_at_s)
        issued_at_s = gh_list_manifest(gate->list)->issued_at_s;
    gh_timekeeper_raise(&gate->keeper, (issued_at_s - GH_CODE_SKEW_S) * 1000);
    if (!gh_record_take_found(&gate->record, &found))
        return;
    if (found.trusted_ms != INT64_MIN)
        gh_timekeeper_raise(&gate->keeper, found.trusted_ms - GH_TIME_JUMP_MS);
    if (found.has_last)
        gh_timekeeper_take_entry(&gate->keeper, &found.last, gate->record.boot_id);
}

static void look(struct gh_gate *gate)
{
    struct gh_time_look now = look_at(gate->options.clock);

    (void)gh_timekeeper_look(&gate->keeper, &now);
    learn(gate);
    (void)gh_timekeeper_look(&gate->keeper, &now);
    gate->look_ns = now.monotonic_ns + LOOK_NS;
}

bool gh_gate_look(struct gh_gate *gate)
{
    look(gate);
    tell(gate);
    return gate->keeper.trusted;
}

void gh_gate_write_start(struct gh_gate *gate)
{
    struct gh_entry entry = {.type = GH_ENTRY_START};

    look(gate);
    if (!gate->keeper.trusted)
        say_trust(&gate->keeper);
    gh_timekeeper_told(&gate->keeper);
    gh_gate_write(gate, &entry);
}

void gh_gate_server_time(struct gh_gate *gate, const struct gh_courier_event *event)
{
    int64_t ahead_ms;

    look(gate);
    enum gh_server_time word = gh_timekeeper_take_server(
        &gate->keeper, event->server_s, event->round_trip_ns, event->received_ns, &ahead_ms);
    if (word == GH_SERVER_TIME_FAR && !gate->server_far)
        gh_log(GH_LOG_WARNING, "clock", "it is %" PRId64 " s %s the server's",
               (ahead_ms > 0 ? ahead_ms : -ahead_ms) / 1000, ahead_ms > 0 ? "ahead of" : "behind");
    if (word != GH_SERVER_TIME_NOTHING)
        gate->server_far = word == GH_SERVER_TIME_FAR;
    (void)gh_gate_look(gate);
}
