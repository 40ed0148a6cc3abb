/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/gate.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "gate/gate_parts.h"
#include "gatehouse/log.h"

/* An older sighting opens nothing: whoever it was may have left. */
#define SIGHTING_MAX_AGE_NS (2 * GH_NS_PER_S)

int64_t gh_gate_now_ns(const struct gh_gate *gate)
{
    return gh_clock_monotonic_ns(gate->options.clock);
}

void gh_gate_write(struct gh_gate *gate, struct gh_entry *entry)
{
    entry->clock_trusted = gate->keeper.trusted;
    gh_record_somehow(&gate->record, entry);
    gate->options.peers.entry(gate->options.peers.context);
}

/* --- before the gate is enrolled --- */

/* Whether this is the code that was last shown before the gate was enrolled, still held up. */
static bool still_held_up(struct gh_gate *gate, const struct gh_credential *credential)
{
    int64_t now = gh_gate_now_ns(gate);

    if (memcmp(gate->stranger, credential->identity, GH_IDENTITY_BYTES) != 0 ||
        now - gate->stranger_ns >= gate->policy.debounce_ms * GH_NS_PER_MS)
        return false;
    gate->stranger_ns = now;
    return true;
}

static void see_stranger(struct gh_gate *gate, const struct gh_sighting *sighting)
{
    const struct gh_credential *credential = &sighting->credential;

    if (still_held_up(gate, credential))
        return;
    memcpy(gate->stranger, credential->identity, GH_IDENTITY_BYTES);
    gate->stranger_ns = gh_gate_now_ns(gate);
    if (credential->kind == GH_KIND_ENROLMENT && credential->reason == GH_REASON_OK) {
        gh_log(GH_LOG_NOTICE, "gate", "an enrolment code was shown");
        gate->options.peers.enrol(gate->options.peers.context, &sighting->enrolment);
        gh_gate_show(gate, GH_REASON_WAIT_HEALTH, false);
        return;
    }
    bool enrolment = credential->kind == GH_KIND_ENROLMENT;
    enum gh_reason reason = enrolment ? credential->reason : GH_REASON_NOT_ENROLLED;
    gh_log(GH_LOG_WARNING, "gate", "a code was shown, but this gate is not enrolled: %s",
           gh_reason_info(reason)->text);
    gh_gate_show(gate, reason, false);
}

/* --- the outside --- */

/* A phone's presentation that was shown before is a copy. false: pass it over. */
static bool prove(struct gh_gate *gate, struct gh_credential *credential)
{
    const struct gh_time_look *look = &gate->keeper.last;
    struct gh_fresh_time time = {
        .seen_ns = gate->passage_ns,
        .wall_ns = look->wall_ns - (look->monotonic_ns - gate->passage_ns),
        .trusted = gate->keeper.trusted,
    };

    switch (gh_fresh_see(&gate->fresh, credential, &time, gate->passage.debounce_ns)) {
    case GH_FRESH_FIRST:
        break;
    case GH_FRESH_COPY:
        credential->reason = GH_REASON_REPLAYED;
        break;
    case GH_FRESH_EARLY:
        return false;
    }
    return true;
}

/* At passage_ns. */
static void see_code(struct gh_gate *gate, const struct gh_credential *credential)
{
    bool news = gh_passage_see(&gate->passage, credential, gate->passage_ns);

    if (news && gh_reason_info(credential->reason)->outcome == GH_OUTCOME_WAIT)
        gh_gate_show(gate, credential->reason, false);
    gh_gate_decide(gate, gate->passage_ns);
}

void gh_gate_sighting(struct gh_gate *gate, const struct gh_sighting *sighting)
{
    if (!gate->identity.enrolled) {
        see_stranger(gate, sighting);
        return;
    }
    /* The enrolment code itself is on its way down: no attempt to pass. */
    if (sighting->credential.kind == GH_KIND_ENROLMENT &&
        still_held_up(gate, &sighting->credential))
        return;
    if (gh_gate_read_too_early(gate, sighting))
        return;
    (void)gh_gate_look(gate);
    int64_t now = gh_gate_now_ns(gate);
    int64_t seen_ns = sighting->captured_ns < now ? sighting->captured_ns : now;
    if (now - seen_ns > SIGHTING_MAX_AGE_NS) {
        gh_log(GH_LOG_WARNING, "gate",
               "a code that was seen too long ago was passed over: the disk is slow");
        return;
    }
    /* It was read by a clock that has been set since: whether it is in time is not known. */
    if (sighting->captured_ns < gate->keeper.jumped_ns)
        return;
    if (seen_ns > gate->passage_ns)
        gate->passage_ns = seen_ns;
    struct gh_credential credential = sighting->credential;
    if (prove(gate, &credential))
        see_code(gate, &credential);
}

void gh_gate_answered(struct gh_gate *gate, const struct gh_credential *credential)
{
    struct gh_credential answered = *credential;
    int64_t now = gh_gate_now_ns(gate);

    if (!gate->identity.enrolled)
        return;
    answered.upstream = true;
    if (now > gate->passage_ns)
        gate->passage_ns = now;
    if (gh_passage_is_here(&gate->passage, &answered, gate->passage_ns))
        see_code(gate, &answered);
    else
        gh_log(GH_LOG_INFO, "gate", "an answer came for somebody who has left");
}

static enum gh_status become(struct gh_gate *gate, const struct gh_identity *identity)
{
    char path[PATH_MAX];
    struct gh_bytes raw = {identity->list_key, sizeof(identity->list_key)};

    gate->identity = *identity;
    if (!identity->enrolled)
        return GH_OK;
    enum gh_status status = gh_public_key_from_raw(GH_KEY_ED25519, raw, &gate->list_key);
    if (status == GH_OK)
        status = gh_courier_journal_path(gate->options.state_dir, identity->gate, path);
    if (status != GH_OK)
        return status;
    gh_gate_load_list(gate);
    gh_record_open(&gate->record, gate->options.clock, path, identity->gate);
    gh_keep_init(&gate->keep,
                 gate->options.journal_limit_bytes != 0 ? gate->options.journal_limit_bytes
                                                        : GH_GATE_JOURNAL_LIMIT_BYTES,
                 gh_gate_now_ns(gate));
    gh_gate_write_start(gate);
    return GH_OK;
}

void gh_gate_news(struct gh_gate *gate, const struct gh_courier_event *event)
{
    switch (event->type) {
    case GH_COURIER_ENROLLED:
        if (gate->identity.enrolled)
            break;
        if (become(gate, &event->identity) == GH_OK) {
            gh_gate_show(gate, GH_REASON_OK, false);
        } else {
            gate->identity.enrolled = false;
            gh_log(GH_LOG_ERR, "gate", "the enrolment cannot be used");
        }
        break;
    case GH_COURIER_REFUSED:
        if (!gate->identity.enrolled)
            gh_gate_show(gate, GH_REASON_NOT_ENROLLED, false);
        break;
    case GH_COURIER_LIST:
        gh_gate_list_came(gate, &event->identity);
        break;
    case GH_COURIER_AGE:
        gh_gate_list_renewed(gate, &event->identity);
        break;
    case GH_COURIER_TROUBLE:
        if (gate->identity.enrolled)
            gh_gate_list_refused(gate, event->trouble, event->offered);
        break;
    case GH_COURIER_RECEIPT:
        gh_keep_receipt(&gate->keep, &event->receipt);
        break;
    case GH_COURIER_CLOCK:
        gh_gate_server_time(gate, event);
        break;
    case GH_COURIER_PRESENCE:
        gh_passback_heard(&gate->passback, event->presence, event->presence_count);
        break;
    case GH_COURIER_ANNOUNCEMENT: /* the daemon's, which has the voice */
        break;
    }
}

void gh_gate_inputs(struct gh_gate *gate)
{
    gh_gate_look_at_inputs(gate, true);
}

void gh_gate_announced(struct gh_gate *gate, const struct gh_announced *announced)
{
    struct gh_entry entry = {.type = GH_ENTRY_ANNOUNCEMENT,
                             .announced = announced->event,
                             .announcement = announced->id};

    if (gate->identity.enrolled)
        gh_gate_write(gate, &entry);
}

static int64_t earlier(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

int64_t gh_gate_recall(struct gh_gate *gate)
{
    const struct gh_time_look *last = &gate->keeper.last;

    if (!gate->record.journal || !gate->keeper.trusted ||
        !gh_passback_recall(&gate->passback, &gate->policy.passback, gate->record.journal,
                            last->wall_ns / GH_NS_PER_MS))
        return INT64_MAX;
    return last->monotonic_ns;
}

int64_t gh_gate_tick(struct gh_gate *gate)
{
    int64_t next_ns, passback_ns = INT64_MAX, measure_ns = INT64_MAX;

    gh_gate_look_at_inputs(gate, false); /* a fire waits for nothing */
    (void)gh_gate_look(gate);
    if (gate->identity.enrolled) {
        passback_ns = gh_gate_recall(gate);
        measure_ns = gh_gate_measured(gate);
        gh_gate_decide(gate, gh_gate_now_ns(gate));
        if (gh_record_tick(&gate->record))
            gate->options.peers.entry(gate->options.peers.context);
        gh_gate_look_at_hours(gate);
        if (gh_keep_tick(&gate->keep, &gate->record, &gate->policy.retention, gate->keeper.trusted))
            gate->options.peers.entry(gate->options.peers.context);
    }
    gh_gate_look_after(gate);
    gh_door_claim(&gate->door, false);
    (void)gh_gate_apply_door(gate, gh_gate_now_ns(gate), &next_ns);
    next_ns = earlier(next_ns, gate->door_retry_ns);
    next_ns = earlier(next_ns, gate->renew_ns);
    next_ns = earlier(next_ns, gh_gate_inputs_next_ns(gate));
    next_ns = earlier(next_ns, gate->look_ns);
    next_ns = earlier(next_ns, gh_timekeeper_deadline_ns(&gate->keeper));
    if (gate->identity.enrolled) {
        next_ns = earlier(next_ns, gh_passage_deadline_ns(&gate->passage));
        next_ns = earlier(next_ns, gh_record_next_ns(&gate->record));
        next_ns = earlier(next_ns, gh_gate_hours_next_ns(gate));
        next_ns = earlier(next_ns, gate->keep.next_ns);
        next_ns = earlier(next_ns, earlier(passback_ns, measure_ns));
    }
    return next_ns;
}

void gh_gate_set_door(struct gh_gate *gate, const struct gh_door_options *door)
{
    gh_door_set_options(&gate->door, door);
    gh_door_watch_set_debounce(&gate->watch, door->debounce_ms);
    gh_after_set_held_open(&gate->after, door->held_open_s);
}

enum gh_status gh_gate_new(const struct gh_gate_options *options,
                           const struct gh_identity *identity, struct gh_gate **out,
                           struct gh_error *err)
{
    *out = NULL;
    struct gh_gate *gate = calloc(1, sizeof(*gate));
    if (!gate)
        return gh_fail(err, GH_ERR_NOMEM, "no memory for the gate");
    gate->options = *options;
    gate->door_retry_ns = INT64_MAX;
    gate->complain_ns = INT64_MIN;
    gate->policy = gh_policy_initial();
    gh_door_init(&gate->door, &options->door);
    gh_after_init(&gate->after, options->door.held_open_s);
    gh_gate_init_inputs(gate);
    gh_passage_init(&gate->passage, &gate->policy);
    gh_timekeeper_init(&gate->keeper, options->time_floor_s, options->battery_clock);
    gh_fresh_init(&gate->fresh, gh_gate_now_ns(gate));
    gh_measure_init(&gate->measure);
    enum gh_status status = gh_passback_init(&gate->passback, options->direction);
    if (status == GH_OK)
        status = become(gate, identity);
    if (status != GH_OK) {
        gh_gate_free(gate);
        return gh_fail(err, status, "the enrolment cannot be used: %s", gh_status_text(status));
    }
    *out = gate;
    return GH_OK;
}

void gh_gate_free(struct gh_gate *gate)
{
    struct gh_error err = {0};

    if (!gate)
        return;
    bool fire =
        (gh_door_causes(&gate->door, gh_gate_now_ns(gate)) & GH_CAUSE_BIT(GH_CAUSE_FIRE)) != 0;
    unsigned lines = gh_door_rest_lines(&gate->options.door);
    lines ^= fire ? GH_LINE_BIT(GH_LINE_RELAY) : 0; /* nobody is locked in by a restart */
    if (gate->options.io->set(gate->options.io->context, lines, &err) != GH_OK)
        gh_log(GH_LOG_ERR, "door", "it cannot be %s: %s", fire ? "left unlocked" : "locked",
               err.text);
    if (gate->identity.enrolled)
        gh_record_close(&gate->record);
    gh_passback_clear(&gate->passback);
    gh_list_close(gate->list);
    gh_trust_unref(gate->trust);
    gh_public_key_free(gate->list_key);
    gh_wipe(gate, sizeof(*gate));
    free(gate);
}
