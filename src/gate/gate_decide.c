/* SPDX-License-Identifier: Apache-2.0 */
/* What the gate does about those who come by: ask, decide, write it down, and only then act. */
#include "gate/decide.h"

#include <inttypes.h>

#include "gate/gate_parts.h"
#include "gatehouse/log.h"

/* The code that tells who it is: of a person, or one that is decided alone; NULL: none that is to
 * be believed. */
static const struct gh_credential *whose(const struct gh_passage_step *step)
{
    if (step->has_health)
        return step->health.authentic ? &step->health : NULL;
    return step->has_other && step->other.authentic && step->other.kind != GH_KIND_HOUSING
               ? &step->other
               : NULL;
}

static const struct gh_credential *which_home(const struct gh_passage_step *step)
{
    if (step->has_housing)
        return step->housing.authentic ? &step->housing : NULL;
    return step->has_other && step->other.authentic && step->other.kind == GH_KIND_HOUSING
               ? &step->other
               : NULL;
}

/* Of a certificate, the person that the list knows its holder as; 0: nobody. */
static gh_id subject_of(const struct gh_passage_step *step, const struct gh_answers *answers)
{
    const struct gh_credential *person = whose(step);

    if (!person)
        return 0;
    return answers->subject != 0 ? answers->subject : person->subject;
}

static struct gh_entry passage_entry(const struct gh_gate *gate, const struct gh_passage_step *step,
                                     const struct gh_answers *answers,
                                     const struct gh_decision *decision)
{
    const struct gh_credential *person = whose(step), *housing = which_home(step);
    struct gh_entry entry = {
        .type = GH_ENTRY_PASSAGE,
        .clock_trusted = gate->keeper.trusted,
        .outcome = decision->outcome,
        .reason = decision->reason,
        .kind = decision->kind,
        .colour = decision->colour,
        .generation = answers->generation,
        .list_age_s = decision->list_age_s,
        .direction = gate->options.direction,
        .subject = subject_of(step, answers),
    };

    if (person) {
        entry.health_code = person->id;
        entry.form = person->form;
    }
    if (housing) {
        entry.home = housing->home;
        entry.housing_code = housing->id;
    }
    return entry;
}

/* Nobody went this way by it, as the area's other gates, and this one after a start, have to know:
 * they count movements by entries. */
static void write_unused(struct gh_gate *gate, uint64_t about)
{
    struct gh_entry entry = {.type = GH_ENTRY_DOOR,
                             .clock_trusted = gate->keeper.trusted,
                             .door = GH_DOOR_EVENT_UNUSED,
                             .about = about};

    gh_record_somehow(&gate->record, &entry);
}

/* Nobody is let in, and it says of nobody that they were there: no code was shown that an issuer
 * has signed. An enrolment code vouches for itself: anybody can make as many as they like. */
static bool is_nameless(const struct gh_passage_step *step, const struct gh_decision *decision)
{
    return decision->outcome != GH_OUTCOME_OPEN &&
           (decision->kind == GH_KIND_ENROLMENT || (!whose(step) && !which_home(step)));
}

/* It is shown like any other, at once; whether there is an entry of its own is up to the record. */
static void turn_away(struct gh_gate *gate, const struct gh_decision *decision,
                      struct gh_entry *entry)
{
    bool written = gh_record_sparingly(&gate->record, entry);

    gh_gate_show(gate, decision->reason, false);
    gh_gate_count(gate, entry);
    if (!written)
        return;
    gh_log(GH_LOG_INFO, "passage", "%s (entry %" PRIu64 ")", gh_outcome_token(decision->outcome),
           entry->sequence);
    gate->options.peers.entry(gate->options.peers.context);
}

/* The entry is durable before the door moves; where it cannot be, nobody is let in. */
static void carry_out(struct gh_gate *gate, struct gh_decision decision, struct gh_entry entry)
{
    if (gh_record_now(&gate->record, &entry) != GH_OK) {
        if (decision.outcome == GH_OUTCOME_OPEN) {
            decision.reason = entry.reason = GH_REASON_JOURNAL_UNAVAILABLE;
            decision.outcome = entry.outcome = gh_reason_info(decision.reason)->outcome;
        }
        gh_record_later(&gate->record, &entry);
    }
    bool opens = decision.outcome == GH_OUTCOME_OPEN;
    bool moved = gh_gate_show(gate, decision.reason, opens);
    /* The reason may be somebody's health: it is in the entry, and nowhere else. */
    gh_log(GH_LOG_INFO, "passage", "%s (entry %" PRIu64 ")", gh_outcome_token(decision.outcome),
           entry.sequence);
    gh_gate_count(gate, &entry);
    if (moved && opens) {
        gh_passback_went(&gate->passback, &entry);
        gh_gate_follow(gate, &entry);
    }
    if (!moved && opens) {
        /* What the entry says now is that nobody got in: a later try must not let somebody in after
         * all. */
        gh_door_lock(&gate->door);
        gh_gate_show(gate, GH_REASON_DOOR_FAILED, false);
        entry.type = GH_ENTRY_FAULT;
        entry.outcome = GH_OUTCOME_GUARD;
        entry.reason = GH_REASON_DOOR_FAILED;
        uint64_t about = entry.sequence;
        gh_record_somehow(&gate->record, &entry);
        if (gate->options.direction != GH_DIRECTION_NONE)
            write_unused(gate, about);
    }
    gate->options.peers.entry(gate->options.peers.context);
}

/* Whether a code that was in time when it was seen is known to have been: not, if the clock that it
 * was read by has been set since. */
static bool clock_is_trusted_for(struct gh_gate *gate, const struct gh_passage_step *step)
{
    return gh_gate_look(gate) && step->seen_ns >= gate->keeper.jumped_ns;
}

static enum gh_status ask_once(struct gh_gate *gate, struct gh_passage_step *step,
                               struct gh_answers *answers)
{
    if (step->has_health)
        gh_gate_believe_again(gate, &step->health);
    if (step->has_housing)
        gh_gate_believe_again(gate, &step->housing);
    const struct gh_credential *person = whose(step);
    return gh_list_ask(gate->list, person && gh_is_person(person) ? person : NULL, which_home(step),
                       answers);
}

/* What the list says. Where it has changed since it was opened it is opened anew, so that answers,
 * keys and policy are of one generation. Without an answer nobody is let in. */
static void ask_list(struct gh_gate *gate, struct gh_passage_step *step, struct gh_answers *answers)
{
    enum gh_status status = ask_once(gate, step, answers);

    for (int tries = 1; status == GH_ERR_AGAIN && tries < GH_GATE_LIST_TRIES; tries++) {
        gh_gate_load_list(gate);
        status = ask_once(gate, step, answers);
    }
    if (gate->list && !gate->trust) /* there were no keys to read codes with */
        gh_gate_list_unreadable(gate, GH_ERR_CORRUPT);
    if (status == GH_OK)
        return;
    gh_gate_list_unreadable(gate, status);
    *answers = (struct gh_answers){.have_list = false};
}

static void decide_step(struct gh_gate *gate, struct gh_passage_step *step)
{
    struct gh_answers answers;

    gh_record_try(&gate->record); /* it knows times that have been */
    ask_list(gate, step, &answers);
    bool trusted = clock_is_trusted_for(gate, step);
    (void)gh_gate_recall(gate); /* nobody is quicker than the newest entries */

    struct gh_decide_input input = {
        .policy = &gate->policy,
        .answers = &answers,
        .health = step->has_health ? &step->health : NULL,
        .housing = step->has_housing ? &step->housing : NULL,
        .other = step->has_other ? &step->other : NULL,
        .passed_back =
            gh_passback_passed(&gate->passback, &gate->policy.passback, subject_of(step, &answers),
                               gate->keeper.last.wall_ns / GH_NS_PER_MS),
        .clock_trusted = trusted,
        .now_s = gate->keeper.last.wall_ns / GH_NS_PER_S,
        .interlocked = gh_gate_is_interlocked(gate),
        .final = step->final,
    };
    gh_gate_put_temperature(gate, &input);
    struct gh_decision decision = gh_decide(&input);
    if (decision.outcome == GH_OUTCOME_OPEN && !gh_gate_claim_door(gate)) {
        input.interlocked = true;
        decision = gh_decide(&input);
    }
    if (!gh_passage_answer(&gate->passage, decision.reason, gate->passage_ns))
        return;
    if (step->has_health)
        gh_gate_use_temperature(gate, decision.reason);
    if (decision.outcome == GH_OUTCOME_WAIT) {
        gh_gate_show(gate, decision.reason, false);
        return;
    }
    struct gh_entry entry = passage_entry(gate, step, &answers, &decision);
    if (is_nameless(step, &decision))
        turn_away(gate, &decision, &entry);
    else
        carry_out(gate, decision, entry);
}

void gh_gate_decide(struct gh_gate *gate, int64_t at_ns)
{
    struct gh_passage_step step;

    if (at_ns > gate->passage_ns)
        gate->passage_ns = at_ns;
    while (gh_passage_next(&gate->passage, gate->passage_ns, &step))
        decide_step(gate, &step);
}
