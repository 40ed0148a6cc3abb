/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/gate.h"

#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "gate/decide.h"
#include "gate/passage.h"
#include "gate/record.h"
#include "gatehouse/log.h"

#define DOOR_RETRY_NS (200 * GH_NS_PER_MS)
/* An older sighting opens nothing: whoever it was may have left. */
#define SIGHTING_MAX_AGE_NS (2 * GH_NS_PER_S)

struct gh_gate {
    struct gh_gate_options options;
    struct gh_identity identity;
    struct gh_policy policy;
    struct gh_public_key *list_key;
    struct gh_list *list; /* NULL: none */
    struct gh_trust *trust;
    struct gh_record record; /* open once the gate is enrolled */
    struct gh_passage passage;
    int64_t passage_ns; /* the passage's own time: that of the frames, which never goes back */
    struct gh_door door;
    unsigned applied; /* lines as they were set last */
    bool applied_known;
    int64_t door_retry_ns;
    /* a code shown to a gate that is not enrolled, so that it is answered once while it is held up
     */
    uint8_t stranger[GH_IDENTITY_BYTES];
    int64_t stranger_ns;
};

static int64_t now_ns(const struct gh_gate *gate)
{
    return gh_clock_monotonic_ns(gate->options.clock);
}

/* --- door --- */

/* Moves the lines to where they should be; false when they could not be moved. */
static bool apply_door(struct gh_gate *gate, int64_t now, int64_t *next_ns)
{
    struct gh_error err = {0};
    unsigned lines = gh_door_lines(&gate->door, now, next_ns);

    if (gate->applied_known && lines == gate->applied)
        return true;
    enum gh_status status = gate->options.io->set(gate->options.io->context, lines, &err);
    gate->applied_known = status == GH_OK;
    gate->applied = lines;
    gate->door_retry_ns = status == GH_OK ? INT64_MAX : now + DOOR_RETRY_NS;
    if (status != GH_OK)
        gh_log(GH_LOG_ERR, "door", "%s", err.text[0] ? err.text : gh_status_text(status));
    return status == GH_OK;
}

static bool show(struct gh_gate *gate, enum gh_reason reason, bool unlock)
{
    int64_t now = now_ns(gate), next_ns;

    gh_door_signal(&gate->door, gh_reason_info(reason), unlock, now);
    return apply_door(gate, now, &next_ns);
}

/* --- list --- */

static void use_policy(struct gh_gate *gate)
{
    gate->policy = gate->list ? gh_list_manifest(gate->list)->policy : gh_policy_initial();
    gh_passage_set_policy(&gate->passage, &gate->policy);
}

static void use_keys(struct gh_gate *gate)
{
    struct gh_trust *trust = NULL;

    if (gate->list) {
        const struct gh_manifest *manifest = gh_list_manifest(gate->list);
        enum gh_status status = gh_trust_new(manifest->keys, manifest->key_count, &trust);
        if (status != GH_OK)
            gh_log(GH_LOG_ERR, "list", "its issuers' keys cannot be used: %s",
                   gh_status_text(status));
    }
    gh_trust_unref(gate->trust);
    gate->trust = trust;
    gate->options.peers.trust(gate->options.peers.context, trust);
}

static enum gh_status open_list(struct gh_gate *gate, struct gh_list **out, struct gh_error *err)
{
    char path[PATH_MAX];

    *out = NULL;
    enum gh_status status = gh_courier_list_path(gate->options.state_dir, path);
    if (status == GH_OK)
        status = gh_list_open(path, gate->list_key, out, err);
    if (status != GH_OK)
        return status;
    /* Somebody may have put an old file back. */
    const struct gh_manifest *manifest = gh_list_manifest(*out);
    if (manifest->generation < gate->identity.generation) {
        gh_list_close(*out);
        *out = NULL;
        return gh_fail(err, GH_ERR_ROLLBACK, "the list file is older than the newest list known");
    }
    return GH_OK;
}

static void load_list(struct gh_gate *gate)
{
    struct gh_error err = {0};
    struct gh_list *list;

    enum gh_status status = open_list(gate, &list, &err);
    if (status != GH_OK) {
        /* The one in use, if any, goes on being used. */
        if (status != GH_ERR_NOTFOUND)
            gh_log(GH_LOG_ERR, "list", "%s", err.text[0] ? err.text : gh_status_text(status));
        return;
    }
    bool other = !gate->list ||
                 gh_list_manifest(gate->list)->generation != gh_list_manifest(list)->generation;
    gh_list_close(gate->list);
    gate->list = list;
    use_policy(gate);
    use_keys(gate);

    struct gh_list_counts counts;
    if (other && gh_list_count(list, &counts) == GH_OK)
        gh_log(GH_LOG_NOTICE, "list",
               "generation %" PRIu64 ": %" PRIu64 " persons, %" PRIu64 " homes",
               gh_list_manifest(list)->generation, counts.subjects, counts.homes);
}

static bool clock_trusted(const struct gh_gate *gate, int64_t wall_s)
{
    int64_t floor_s = gate->options.time_floor_s;

    if (gate->list && gh_list_manifest(gate->list)->issued_at_s - GH_CODE_SKEW_S > floor_s)
        floor_s = gh_list_manifest(gate->list)->issued_at_s - GH_CODE_SKEW_S;
    return wall_s >= floor_s;
}

/* --- decisions --- */

static struct gh_entry passage_entry(const struct gh_gate *gate, const struct gh_passage_step *step,
                                     const struct gh_decision *decision, bool trusted)
{
    struct gh_entry entry = {
        .type = GH_ENTRY_PASSAGE,
        .clock_trusted = trusted,
        .outcome = decision->outcome,
        .reason = decision->reason,
        .kind = decision->kind,
        .colour = decision->colour,
        .generation = gate->list ? gh_list_manifest(gate->list)->generation : 0,
    };

    if (step->has_health && step->health.authentic) {
        entry.subject = step->health.subject;
        entry.health_code = step->health.id;
    }
    if (step->has_housing && step->housing.authentic) {
        entry.home = step->housing.home;
        entry.housing_code = step->housing.id;
    }
    if (step->has_other && step->other.authentic) {
        entry.subject = step->other.subject;
        entry.home = step->other.home;
        if (step->other.kind == GH_KIND_HOUSING)
            entry.housing_code = step->other.id;
        else
            entry.health_code = step->other.id;
        entry.colour = step->other.colour;
    }
    return entry;
}

/* The entry is durable before the door moves; where it cannot be, nobody is let in. */
static void carry_out(struct gh_gate *gate, const struct gh_passage_step *step,
                      struct gh_decision decision, bool trusted)
{
    struct gh_entry entry = passage_entry(gate, step, &decision, trusted);

    if (gh_record_now(&gate->record, &entry) != GH_OK) {
        if (decision.outcome == GH_OUTCOME_OPEN) {
            decision.reason = entry.reason = GH_REASON_JOURNAL_UNAVAILABLE;
            decision.outcome = entry.outcome = gh_reason_info(decision.reason)->outcome;
        }
        gh_record_later(&gate->record, &entry);
    }
    bool moved = show(gate, decision.reason, decision.outcome == GH_OUTCOME_OPEN);
    /* The reason may be somebody's health: it is in the entry, and nowhere else. */
    gh_log(GH_LOG_INFO, "passage", "%s (entry %" PRIu64 ")", gh_outcome_token(decision.outcome),
           entry.sequence);
    if (!moved && decision.outcome == GH_OUTCOME_OPEN) {
        /* What the entry says now is that nobody got in: a later try must not let somebody in after
         * all. */
        gh_door_lock(&gate->door);
        show(gate, GH_REASON_DOOR_FAILED, false);
        entry.type = GH_ENTRY_FAULT;
        entry.outcome = GH_OUTCOME_GUARD;
        entry.reason = GH_REASON_DOOR_FAILED;
        if (gh_record_now(&gate->record, &entry) != GH_OK)
            gh_record_later(&gate->record, &entry);
    }
    gate->options.peers.entry(gate->options.peers.context);
}

/* A code may have been read under the list before: its issuer's key may be withdrawn, or allowed
 * less, since. */
static void believe_again(const struct gh_gate *gate, struct gh_credential *credential)
{
    struct gh_trusted_key key;
    struct gh_bytes issuer = {(const uint8_t *)credential->issuer, strlen(credential->issuer)};

    if (!gate->list)
        return;
    if (!gh_trust_find(gate->trust, credential->key_id, &key))
        credential->reason = GH_REASON_FOREIGN;
    else if (!gh_issuer_key_may_sign(key.issuer, credential->kind, credential->issued_at_s, issuer))
        credential->reason = GH_REASON_WRONG_KEY;
    else
        return;
    credential->authentic = false;
}

static void decide_step(struct gh_gate *gate, struct gh_passage_step *step)
{
    struct gh_answers answers;

    if (step->has_health)
        believe_again(gate, &step->health);
    if (step->has_housing)
        believe_again(gate, &step->housing);
    enum gh_status status = gh_list_ask(gate->list, step->has_health ? &step->health : NULL,
                                        step->has_housing ? &step->housing : NULL, &answers);
    if (status != GH_OK)
        gh_log(GH_LOG_ERR, "list", "it cannot be read: %s", gh_status_text(status));

    int64_t wall_s = gh_clock_wall_s(gate->options.clock);
    struct gh_decide_input input = {
        .policy = &gate->policy,
        .answers = &answers,
        .health = step->has_health ? &step->health : NULL,
        .housing = step->has_housing ? &step->housing : NULL,
        .other = step->has_other ? &step->other : NULL,
        .now_s = wall_s,
        .clock_trusted = clock_trusted(gate, wall_s),
        .final = step->final,
    };
    struct gh_decision decision = gh_decide(&input);
    if (!gh_passage_answer(&gate->passage, decision.outcome, gate->passage_ns))
        return;
    if (decision.outcome == GH_OUTCOME_WAIT)
        show(gate, decision.reason, false);
    else
        carry_out(gate, step, decision, input.clock_trusted);
}

/* at_ns: when what is decided about happened; a disk that stalled in between makes nobody stand
 * there longer than they did. */
static void decide_all(struct gh_gate *gate, int64_t at_ns)
{
    struct gh_passage_step step;

    if (at_ns > gate->passage_ns)
        gate->passage_ns = at_ns;
    while (gh_passage_next(&gate->passage, gate->passage_ns, &step))
        decide_step(gate, &step);
}

/* --- before the gate is enrolled --- */

/* Whether this is the code that was last shown before the gate was enrolled, still held up. */
static bool still_held_up(struct gh_gate *gate, const struct gh_credential *credential)
{
    int64_t now = now_ns(gate);

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
    gate->stranger_ns = now_ns(gate);
    if (credential->kind == GH_KIND_ENROLMENT && credential->reason == GH_REASON_OK) {
        gh_log(GH_LOG_NOTICE, "gate", "an enrolment code was shown");
        gate->options.peers.enrol(gate->options.peers.context, &sighting->enrolment);
        show(gate, GH_REASON_WAIT_HEALTH, false);
        return;
    }
    bool enrolment = credential->kind == GH_KIND_ENROLMENT;
    enum gh_reason reason = enrolment ? credential->reason : GH_REASON_NOT_ENROLLED;
    gh_log(GH_LOG_WARNING, "gate", "a code was shown, but this gate is not enrolled: %s",
           gh_reason_info(reason)->text);
    show(gate, reason, false);
}

/* --- the outside --- */

/* Read before this list's keys had reached the see thread: the next frame will be read with them.
 */
static bool read_too_early(const struct gh_gate *gate, const struct gh_credential *credential)
{
    struct gh_trusted_key key;

    return credential->reason == GH_REASON_FOREIGN &&
           gh_trust_find(gate->trust, credential->key_id, &key);
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
    if (read_too_early(gate, &sighting->credential))
        return;
    int64_t now = now_ns(gate);
    int64_t seen_ns = sighting->captured_ns < now ? sighting->captured_ns : now;
    if (now - seen_ns > SIGHTING_MAX_AGE_NS) {
        gh_log(GH_LOG_WARNING, "gate",
               "a code that was seen too long ago was passed over: the disk is slow");
        return;
    }
    if (seen_ns > gate->passage_ns)
        gate->passage_ns = seen_ns;
    gh_passage_see(&gate->passage, &sighting->credential, gate->passage_ns);
    decide_all(gate, seen_ns);
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
    load_list(gate);
    bool trusted = clock_trusted(gate, gh_clock_wall_s(gate->options.clock));
    gh_record_open(&gate->record, gate->options.clock, path, identity->gate, trusted);
    gate->options.peers.entry(gate->options.peers.context);
    return GH_OK;
}

void gh_gate_news(struct gh_gate *gate, const struct gh_courier_event *event)
{
    switch (event->type) {
    case GH_COURIER_ENROLLED:
        if (gate->identity.enrolled)
            break;
        if (become(gate, &event->identity) == GH_OK) {
            show(gate, GH_REASON_OK, false);
        } else {
            gate->identity.enrolled = false;
            gh_log(GH_LOG_ERR, "gate", "the enrolment cannot be used");
        }
        break;
    case GH_COURIER_REFUSED:
        if (!gate->identity.enrolled)
            show(gate, GH_REASON_NOT_ENROLLED, false);
        break;
    case GH_COURIER_LIST:
        gate->identity.generation = event->identity.generation;
        gate->identity.list_issued_at_s = event->identity.list_issued_at_s;
        load_list(gate);
        break;
    }
}

static int64_t earlier(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

int64_t gh_gate_tick(struct gh_gate *gate)
{
    int64_t next_ns;

    if (gate->identity.enrolled) {
        decide_all(gate, now_ns(gate));
        if (gh_record_tick(&gate->record))
            gate->options.peers.entry(gate->options.peers.context);
    }
    (void)apply_door(gate, now_ns(gate), &next_ns);
    next_ns = earlier(next_ns, gate->door_retry_ns);
    if (gate->identity.enrolled) {
        next_ns = earlier(next_ns, gh_passage_deadline_ns(&gate->passage));
        next_ns = earlier(next_ns, gate->record.retry_ns);
    }
    return next_ns;
}

void gh_gate_set_door(struct gh_gate *gate, const struct gh_door_options *door)
{
    gate->door.options.pulse_ms = door->pulse_ms;
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
    gate->policy = gh_policy_initial();
    gh_door_init(&gate->door, &options->door);
    gh_passage_init(&gate->passage, &gate->policy);
    enum gh_status status = become(gate, identity);
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
    unsigned rest = gh_door_rest_lines(&gate->options.door);
    if (gate->options.io->set(gate->options.io->context, rest, &err) != GH_OK)
        gh_log(GH_LOG_ERR, "door", "it cannot be locked: %s", err.text);
    if (gate->identity.enrolled)
        gh_record_close(&gate->record);
    gh_list_close(gate->list);
    gh_trust_unref(gate->trust);
    gh_public_key_free(gate->list_key);
    gh_wipe(gate, sizeof(*gate));
    free(gate);
}
