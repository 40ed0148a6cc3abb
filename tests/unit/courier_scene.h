/* SPDX-License-Identifier: Apache-2.0 */
/* A courier at its desk, and nothing else. Include it after cmocka.h. */
#ifndef GATEHOUSE_TESTS_UNIT_COURIER_SCENE_H
#define GATEHOUSE_TESTS_UNIT_COURIER_SCENE_H

#include "fakes/courier_desk.h"

static struct desk desk;
static struct fixture *const fixture = &desk.fixture;

static inline int setup(void **state)
{
    (void)state;
    desk_init(&desk);
    return 0;
}

static inline int teardown(void **state)
{
    (void)state;
    desk_destroy(&desk);
    return 0;
}

#endif
