/* SPDX-License-Identifier: Apache-2.0 */
/* A whole gate with a door at which anything may happen. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>

#include "gate_door_scene.h"

/* What unlocks it, as the journal and the inputs tell; on every set. */
static void check_set(void *context, unsigned active)
{
    (void)context;
    bool opens = (active & RELAY) != 0 && (rig.door.active & RELAY) == 0;
    unsigned said = 0, openings = 0;

    if (!opens)
        return;
    (void)rig_count_entries(&rig);
    for (size_t i = 0; i < rig.entries.count; i++) {
        const struct gh_entry *entry = &rig.entries.entry[i];
        said += entry->type == GH_ENTRY_PASSAGE && entry->outcome == GH_OUTCOME_OPEN;
        said += entry->type == GH_ENTRY_DOOR &&
                (entry->door == GH_DOOR_EVENT_EXIT || entry->door == GH_DOOR_EVENT_GUARD ||
                 entry->door == GH_DOOR_EVENT_TEST || entry->door == GH_DOOR_EVENT_FIRE);
    }
    openings = rig_count_openings(&rig);
    bool fire = (gh_gate_look_at_door(rig.gate).causes & GH_CAUSE_BIT(GH_CAUSE_FIRE)) != 0;
    assert_true(said + fire > openings);
}

static void check_promises(void)
{
    struct gh_gate_door door = gh_gate_look_at_door(rig.gate);

    assert_int_equal(rig_is_open(&rig), door.causes != 0); /* never without a cause */
    if (door.interlocked)
        assert_int_equal(door.causes & GH_CAUSES_INTERLOCKED, 0);
    if (door.active & GH_INPUT_BIT(GH_INPUT_FIRE))
        assert_true(rig_is_open(&rig));
    bool told = door.causes == 0 && (rig.door.inputs.active & 1) == 0 &&
                (rig.door.inputs.known & 1) != 0 && (door.active & 1) == 0 &&
                (door.unknown & 1) == 0;
    assert_int_equal(lit(GH_LINE_THIS_DOOR), told);
}

static void do_something(unsigned dice)
{
    if (dice < 70)
        rig_input(&rig, (enum gh_input)(rand() % GH_INPUT_COUNT), rand() % 2);
    else if (dice < 74)
        gh_fake_door_lose(&rig.door, (enum gh_input)(rand() % GH_INPUT_COUNT));
    else if (dice < 90)
        rig_show(&rig, rand() % 2 ? rig.anna : rig.home1);
    else if (dice < 93 && gh_gate_test_relay(rig.gate, NULL) != GH_OK)
        return;
    else if (dice < 95 &&
             gh_gate_test_line(rig.gate, (enum gh_line)(rand() % GH_LINE_COUNT), NULL) != GH_OK)
        return;
}

static void test_whatever_happens(void **state)
{
    (void)state;

    for (unsigned seed = 1; seed <= 15; seed++) {
        enum gh_relay_mode mode = (enum gh_relay_mode)(seed % 3);
        if (seed > 1)
            setup(NULL);
        srand(seed);
        rig.options.door.relay_mode = mode;
        rig.options.door.hold_max_s = 20;
        rig.door.before = check_set;
        rig_start_with_list(&rig);
        for (int i = 0; i < 120; i++) {
            do_something((unsigned)rand() % 100);
            rig_pass_ms(&rig, rand() % 5 == 0 ? rand() % 30000 : rand() % 200);
            check_promises();
            if (i % 40 == 39) { /* nobody comes, and what is pressed hangs */
                unsigned lasting = GH_CAUSE_BIT(GH_CAUSE_FIRE);
                if (mode == GH_RELAY_TOGGLE)
                    lasting |= GH_CAUSE_BIT(GH_CAUSE_DECISION);
                rig_pass_ms(&rig, 90000);
                assert_int_equal(gh_gate_look_at_door(rig.gate).causes & ~lasting, 0);
            }
        }
        for (int i = 0; i < GH_INPUT_COUNT; i++)
            rig_input(&rig, (enum gh_input)i, false);
        rig_pass_ms(&rig, 100000);
        if (mode != GH_RELAY_TOGGLE)
            assert_false(rig_is_open(&rig)); /* every cause ends */
        if (seed < 15)
            teardown(NULL);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_whatever_happens),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
