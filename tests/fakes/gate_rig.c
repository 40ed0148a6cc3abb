/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "fakes/gate_rig.h"

/* --- whom the gate calls --- */

static void take_trust(void *context, struct gh_trust *trust)
{
    struct rig *rig = context;

    gh_trust_unref(rig->trust);
    rig->trust = trust ? gh_trust_ref(trust) : NULL;
    rig->trusts++;
}

static void take_enrolment(void *context, const struct gh_enrolment *enrolment)
{
    struct rig *rig = context;

    rig->enrolment = *enrolment;
    rig->enrols++;
}

static void take_kick(void *context)
{
    struct rig *rig = context;
    rig->kicks++;
}

static void take_complaint(void *context)
{
    struct rig *rig = context;
    rig->complaints++;
}

static void take_prompt(void *context, enum gh_prompt prompt)
{
    struct rig *rig = context;
    rig->prompts++;
    rig->prompt = prompt;
}

static void take_policy(void *context, const struct gh_policy *policy)
{
    struct rig *rig = context;
    rig->policy = *policy;
}

static void read_journal(struct rig *rig)
{
    fixture_free_entries(&rig->entries);
    fixture_read_journal(&rig->fixture, &rig->entries);
}

static bool unlocked(const struct rig *rig, unsigned lines)
{
    return (lines ^ gh_door_rest_lines(&rig->options.door)) & GH_LINE_BIT(GH_LINE_RELAY);
}

static bool is_opening(const struct gh_entry *entry)
{
    if (entry->type == GH_ENTRY_PASSAGE)
        return entry->outcome == GH_OUTCOME_OPEN;
    return entry->type == GH_ENTRY_DOOR &&
           (entry->door == GH_DOOR_EVENT_EXIT || entry->door == GH_DOOR_EVENT_GUARD ||
            entry->door == GH_DOOR_EVENT_TEST || entry->door == GH_DOOR_EVENT_HOURS_OPEN ||
            entry->door == GH_DOOR_EVENT_FIRE);
}

/* Promise 1: no opening without a durable entry, and one for each. */
static void before_set(void *context, unsigned active)
{
    struct rig *rig = context;
    unsigned said = 0;

    if (!unlocked(rig, active) || unlocked(rig, rig->door.active) || rig->unwritten_is_fine ||
        (rig->door.inputs.active & GH_INPUT_BIT(GH_INPUT_FIRE)))
        return;
    read_journal(rig);
    for (size_t i = 0; i < rig->entries.count; i++)
        said += is_opening(&rig->entries.entry[i]);
    if (said < rig_count_openings(rig) + 1)
        fail_msg("opening without an entry: the journal knows of %u", said);
}

/* --- life --- */

void rig_init(struct rig *rig)
{
    memset(rig, 0, sizeof(*rig));
    fixture_init(&rig->fixture);
    gh_fake_door_init(&rig->door, &rig->fixture.clock.clock);
    rig->door.before = before_set;
    rig->door.before_context = rig;
    rig->io = gh_fake_door_io(&rig->door);
    rig->options = (struct gh_gate_options){
        .state_dir = rig->fixture.dir,
        .clock = &rig->fixture.clock.clock,
        .door = {.pulse_ms = 3000},
        .io = &rig->io,
        .peers = {.trust = take_trust,
                  .enrol = take_enrolment,
                  .entry = take_kick,
                  .policy = take_policy,
                  .unreadable = take_complaint,
                  .prompt = take_prompt,
                  .context = rig},
        .time_floor_s = FIXTURE_NOW_S - 1000 * 1000,
    };
    fixture_health(&rig->fixture, ANNA, rig->anna);
    fixture_health(&rig->fixture, DORA, rig->dora);
    fixture_housing(&rig->fixture, HOME_1, rig->home1);
    fixture_housing(&rig->fixture, HOME_2, rig->home2);
}

void rig_start(struct rig *rig)
{
    struct gh_error err = {0};

    if (gh_gate_new(&rig->options, &rig->fixture.identity, &rig->gate, &err) != GH_OK)
        fail_msg("%s", err.text);
    (void)gh_gate_tick(rig->gate);
}

void rig_stop(struct rig *rig)
{
    gh_gate_free(rig->gate);
    rig->gate = NULL;
    gh_trust_unref(rig->trust);
    rig->trust = NULL;
}

void rig_start_with_list(struct rig *rig)
{
    fixture_install_list(&rig->fixture);
    fixture_pin_list(&rig->fixture);
    rig_start(rig);
}

void rig_destroy(struct rig *rig)
{
    rig_stop(rig);
    fixture_free_entries(&rig->entries);
    fixture_destroy(&rig->fixture);
}

/* --- what happens at the gate --- */

void rig_show(struct rig *rig, const char *text)
{
    const struct gh_clock *clock = &rig->fixture.clock.clock;
    struct gh_sighting sighting;

    gh_see_read((struct gh_bytes){(const uint8_t *)text, strlen(text)}, rig->trust,
                gh_clock_wall_s(clock), gh_clock_monotonic_ns(clock), &sighting);
    gh_gate_sighting(rig->gate, &sighting);
}

void rig_show_credential(struct rig *rig, const struct gh_credential *credential)
{
    struct gh_sighting sighting = {.captured_ns = gh_clock_monotonic_ns(&rig->fixture.clock.clock),
                                   .credential = *credential};

    gh_gate_sighting(rig->gate, &sighting);
}

void rig_input(struct rig *rig, enum gh_input input, bool active)
{
    gh_fake_door_input(&rig->door, input, active);
    gh_gate_inputs(rig->gate);
}

void rig_pass_ms(struct rig *rig, int64_t ms)
{
    const struct gh_clock *clock = &rig->fixture.clock.clock;
    int64_t end_ns = gh_clock_monotonic_ns(clock) + ms * GH_NS_PER_MS;
    int rounds = 0;

    for (;;) {
        int64_t next_ns = gh_gate_tick(rig->gate), now_ns = gh_clock_monotonic_ns(clock);
        if (now_ns >= end_ns)
            return;
        if (next_ns > end_ns)
            next_ns = end_ns;
        if (next_ns > now_ns)
            gh_fake_clock_advance_ns(&rig->fixture.clock, next_ns - now_ns);
        assert_true(++rounds < 10000); /* it must not spin */
    }
}

void rig_news(struct rig *rig, enum gh_courier_event_type type)
{
    struct gh_courier_event event = {.type = type, .identity = rig->fixture.identity};
    gh_gate_news(rig->gate, &event);
}

void rig_server_time(struct rig *rig, int64_t server_s)
{
    struct gh_courier_event event = {
        .type = GH_COURIER_CLOCK,
        .server_s = server_s,
        .received_ns = gh_clock_monotonic_ns(&rig->fixture.clock.clock),
    };
    gh_gate_news(rig->gate, &event);
}

/* --- what came of it --- */

size_t rig_count_entries(struct rig *rig)
{
    read_journal(rig);
    return rig->entries.count;
}

const struct gh_entry *rig_last_entry(struct rig *rig)
{
    assert_true(rig_count_entries(rig) > 0);
    return &rig->entries.entry[rig->entries.count - 1];
}

const struct gh_entry *rig_last_passage(struct rig *rig)
{
    size_t i = rig_count_entries(rig);

    while (i > 0 && rig->entries.entry[i - 1].type != GH_ENTRY_PASSAGE)
        i--;
    assert_true(i > 0);
    return &rig->entries.entry[i - 1];
}

void rig_assert_last(struct rig *rig, size_t count, enum gh_reason reason)
{
    const struct gh_entry *entry = rig_last_entry(rig);

    assert_string_equal(gh_reason_info(entry->reason)->token, gh_reason_info(reason)->token);
    assert_int_equal(entry->type, GH_ENTRY_PASSAGE);
    assert_int_equal(entry->outcome, gh_reason_info(reason)->outcome);
    assert_int_equal(rig->entries.count, count);
}

void rig_assert_door_entries(struct rig *rig, const char *expected)
{
    char words[1024] = "";

    (void)rig_count_entries(rig);
    for (size_t i = 0; i < rig->entries.count; i++) {
        const struct gh_entry *entry = &rig->entries.entry[i];
        if (entry->type != GH_ENTRY_DOOR && entry->type != GH_ENTRY_FAULT)
            continue;
        if (words[0])
            strcat(words, " ");
        strcat(words, entry->type == GH_ENTRY_DOOR ? gh_door_event_name(entry->door) : "fault");
    }
    assert_string_equal(words, expected);
}

unsigned rig_count_openings(const struct rig *rig)
{
    unsigned openings = 0;
    bool open = false;

    assert_true(rig->door.count <= GH_FAKE_DOOR_SETS_MAX);
    for (size_t i = 0; i < rig->door.count; i++) {
        if (rig->door.sets[i].status != GH_OK)
            continue;
        bool opens = unlocked(rig, rig->door.sets[i].active);
        openings += opens && !open;
        open = opens;
    }
    return openings;
}

bool rig_is_open(const struct rig *rig)
{
    return gh_fake_door_is_active(&rig->door, GH_LINE_RELAY);
}
