/* SPDX-License-Identifier: Apache-2.0 */
/* Opening hours: the door is unlocked by the clock on the wall, as long as that is trusted. Only
 * the gate's own time zone counts (time_zone.h). */
#include <time.h>

#include "gate/gate_parts.h"
#include "gatehouse/log.h"

#define JOURNAL_RETRY_NS (2 * GH_NS_PER_S)
#define LOCK_RETRY_NS GH_NS_PER_S

static bool are_open_now(const struct gh_gate *gate)
{
    time_t now_s = (time_t)(gate->keeper.last.wall_ns / GH_NS_PER_S);
    struct tm at;

    if (gate->options.no_hours || gate->options.zone_missing || !gate->keeper.trusted ||
        gate->policy.opening.hours_count == 0 || !localtime_r(&now_s, &at))
        return false;
    struct gh_local_time local = {.year = at.tm_year + 1900,
                                  .month = at.tm_mon + 1,
                                  .day = at.tm_mday,
                                  .minute = at.tm_hour * 60 + at.tm_min};
    return gh_opening_is_open(&gate->policy.opening, &local);
}

/* The entry is durable before the door moves; where it cannot be, the door stays locked. Two doors
 * of a lock that want to be unlocked by the same minute do not try again at the same moment. */
static void unlock(struct gh_gate *gate, int64_t now_ns)
{
    struct gh_entry entry = {.type = GH_ENTRY_DOOR,
                             .door = GH_DOOR_EVENT_HOURS_OPEN,
                             .clock_trusted = gate->keeper.trusted};
    int64_t next_ns;

    if (gate->hours_retry_ns != INT64_MIN && now_ns < gate->hours_retry_ns)
        return;
    if (!gh_gate_claim_door(gate)) {
        gate->hours_retry_ns =
            now_ns + LOCK_RETRY_NS + (int64_t)(gate->identity.gate % 1000) * GH_NS_PER_MS;
        return;
    }
    if (gh_record_now(&gate->record, &entry) != GH_OK) {
        gh_log(GH_LOG_ERR, "door", "opening hours: it stays locked, the entry cannot be written");
        gate->hours_retry_ns = now_ns + JOURNAL_RETRY_NS;
        return;
    }
    gate->hours_retry_ns = INT64_MIN;
    gate->hours_open = true;
    now_ns = gh_gate_now_ns(gate);
    (void)gh_door_unlock(&gate->door, GH_CAUSE_HOURS, now_ns);
    gh_log(GH_LOG_NOTICE, "door", "opening hours: it is unlocked");
    gate->options.peers.entry(gate->options.peers.context);
    if (!gh_gate_apply_door(gate, now_ns, &next_ns))
        gh_gate_write_door_fault(gate);
}

static void lock(struct gh_gate *gate, const char *why)
{
    int64_t now_ns = gh_gate_now_ns(gate), next_ns;

    gh_door_end(&gate->door, GH_CAUSE_HOURS, now_ns);
    (void)gh_gate_apply_door(gate, now_ns, &next_ns);
    gate->hours_open = false;
    gh_log(GH_LOG_NOTICE, "door", "opening hours: it is not unlocked any more%s", why);
    gh_gate_write_door(gate, GH_DOOR_EVENT_HOURS_SHUT);
}

void gh_gate_look_at_hours(struct gh_gate *gate)
{
    int64_t now_ns = gh_gate_now_ns(gate);
    bool unlocked = (gh_door_causes(&gate->door, now_ns) & GH_CAUSE_BIT(GH_CAUSE_HOURS)) != 0;
    bool open = are_open_now(gate);

    if (gate->hours_open && !unlocked)
        lock(gate, ": the other door is not shut");
    else if (gate->hours_open && !open)
        lock(gate, gate->keeper.trusted ? "" : ": the clock is not trusted");
    if (!open)
        gate->hours_retry_ns = INT64_MIN;
    else if (!gate->hours_open)
        unlock(gate, now_ns);
}

int64_t gh_gate_hours_next_ns(const struct gh_gate *gate)
{
    int64_t into_ns = gate->keeper.last.wall_ns % (60 * GH_NS_PER_S);
    int64_t next_ns = gate->keeper.last.monotonic_ns + 60 * GH_NS_PER_S - into_ns;

    if (gate->policy.opening.hours_count == 0)
        return INT64_MAX;
    if (gate->hours_retry_ns != INT64_MIN && gate->hours_retry_ns < next_ns && !gate->hours_open)
        return gate->hours_retry_ns;
    return next_ns;
}
