/* SPDX-License-Identifier: Apache-2.0 */
/* One gate with a list, and what the tests of gate_list.c do with it. Include it after cmocka.h. */
#ifndef GATEHOUSE_TESTS_UNIT_GATE_LIST_FIXTURE_H
#define GATEHOUSE_TESTS_UNIT_GATE_LIST_FIXTURE_H

#include "fakes/gate_rig.h"

static struct rig rig;
static struct fixture *const fixture = &rig.fixture;

static inline int setup(void **state)
{
    (void)state;
    rig_init(&rig);
    return 0;
}

static inline int teardown(void **state)
{
    (void)state;
    rig_destroy(&rig);
    return 0;
}

/* As the courier does it: the file, the pin, the news. */
static inline void swap_list(void)
{
    fixture->manifest.generation++;
    fixture_install_list(fixture);
    fixture_pin_list(fixture);
    rig_news(&rig, GH_COURIER_LIST);
}

/* Somebody with everything in order comes by; returns what came of it. */
static inline enum gh_reason try_anna(void)
{
    size_t before = rig_count_entries(&rig);

    rig_show(&rig, rig.anna);
    rig_show(&rig, rig.home1);
    rig_pass_ms(&rig, 20000); /* gone again */
    const struct gh_entry *entry = rig_last_passage(&rig);
    assert_true(rig.entries.count > before);
    return entry->reason;
}

static inline void assert_reason(enum gh_reason is, enum gh_reason expected)
{
    assert_string_equal(gh_reason_info(is)->token, gh_reason_info(expected)->token);
}

#endif
