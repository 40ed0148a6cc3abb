/* SPDX-License-Identifier: Apache-2.0 */
/* A whole gate on a bench: real list, real journal, real codes; the clock and the door are fakes.
 * On every opening it checks that the entry for it is durable already, but that a fire waits for
 * none. */
#ifndef GATEHOUSE_TESTS_GATE_RIG_H
#define GATEHOUSE_TESTS_GATE_RIG_H

#include "fakes/fake_door.h"
#include "fakes/gate_fixture.h"
#include "gate/gate.h"

struct rig {
    struct fixture fixture;
    struct gh_fake_door door;
    struct gh_door_io io;
    struct gh_gate_options options;
    struct gh_gate *gate;
    struct gh_trust *trust;                     /* what the gate gave out last */
    unsigned trusts, enrols, kicks, complaints; /* how often it called */
    unsigned prompts;
    enum gh_prompt prompt; /* spoken last */
    struct gh_enrolment enrolment;
    bool unwritten_is_fine;         /* a button opens also when the disk is full */
    struct gh_policy policy;        /* as told last */
    struct fixture_entries entries; /* as read last */
    char anna[FIXTURE_CODE_BYTES], dora[FIXTURE_CODE_BYTES], home1[FIXTURE_CODE_BYTES],
        home2[FIXTURE_CODE_BYTES];
};

/* Neither a list nor a gate is there yet. */
void rig_init(struct rig *rig);
void rig_destroy(struct rig *rig);
/* With fixture.identity and options as they are. */
void rig_start(struct rig *rig);
void rig_stop(struct rig *rig);
/* Install fixture's list, then start: the usual case. */
void rig_start_with_list(struct rig *rig);

/* One code in one frame, read as the see thread would. */
void rig_show(struct rig *rig, const char *text);
/* The same for what was read already, as if in a frame of now. */
void rig_show_credential(struct rig *rig, const struct gh_credential *credential);
/* Somebody moves an input, and the gate is told. */
void rig_input(struct rig *rig, enum gh_input input, bool active);
/* Let time go by as the daemon does: tick whenever the gate wants to be called, and at the end. */
void rig_pass_ms(struct rig *rig, int64_t ms);
void rig_news(struct rig *rig, enum gh_courier_event_type type);
void rig_server_time(struct rig *rig, int64_t server_s); /* comes in just now, at once */

const struct gh_entry *rig_last_entry(struct rig *rig); /* reads the journal */
const struct gh_entry *rig_last_passage(struct rig *rig);
size_t rig_count_entries(struct rig *rig); /* likewise */
/* The last entry is a passage that ended so; and there are so many entries, the start included. */
void rig_assert_last(struct rig *rig, size_t count, enum gh_reason reason);
/* The door's entries and faults after the start, in words, one blank between two. */
void rig_assert_door_entries(struct rig *rig, const char *expected);
unsigned rig_count_openings(const struct rig *rig);
bool rig_is_open(const struct rig *rig); /* the relay, fail-secure */

#endif
