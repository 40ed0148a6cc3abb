/* SPDX-License-Identifier: Apache-2.0 */
/* What the tests of a gate's door share: a whole gate with all inputs wired. Include it after
 * cmocka.h. */
#ifndef GATEHOUSE_TESTS_UNIT_GATE_DOOR_SCENE_H
#define GATEHOUSE_TESTS_UNIT_GATE_DOOR_SCENE_H

#include <string.h>

#include "fakes/gate_rig.h"
#include "gate/door_inputs.h"

#define DEBOUNCE_MS 50
#define RELAY GH_LINE_BIT(GH_LINE_RELAY)
#define THIS_DOOR GH_LINE_BIT(GH_LINE_THIS_DOOR)

static struct rig rig;

static inline int setup(void **state)
{
    (void)state;
    rig_init(&rig);
    rig.options.door.debounce_ms = DEBOUNCE_MS;
    rig.options.door.this_door = true;
    gh_fake_door_wire(&rig.door, &rig.io, GH_INPUT_BIT(GH_INPUT_COUNT) - 1);
    return 0;
}

static inline int teardown(void **state)
{
    (void)state;
    rig_destroy(&rig);
    return 0;
}

static inline void start(void)
{
    rig_start_with_list(&rig);
    rig_pass_ms(&rig, 1000);
    assert_int_equal(rig_count_entries(&rig), 1);
}

static inline void settle(enum gh_input input, bool active)
{
    rig_input(&rig, input, active);
    rig_pass_ms(&rig, DEBOUNCE_MS);
}

static inline void press(enum gh_input button)
{
    settle(button, true);
    settle(button, false);
}

static inline void let_anna_in(enum gh_reason reason)
{
    rig_show(&rig, rig.anna);
    rig_show(&rig, rig.home1);
    assert_string_equal(gh_reason_info(rig_last_passage(&rig)->reason)->token,
                        gh_reason_info(reason)->token);
}

static inline bool lit(enum gh_line line)
{
    return gh_fake_door_is_active(&rig.door, line);
}

#endif
