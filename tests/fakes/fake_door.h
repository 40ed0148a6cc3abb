/* SPDX-License-Identifier: Apache-2.0 */
/* A door that writes down how its lines were set. Obeys gh_door_io of gate/door.h: a set moves
 * exactly the lines it names, or fails and moves none. */
#ifndef GATEHOUSE_TESTS_FAKE_DOOR_H
#define GATEHOUSE_TESTS_FAKE_DOOR_H

#include "gate/door.h"

#define GH_FAKE_DOOR_SETS_MAX 4096

struct gh_fake_door_set {
    int64_t at_ns; /* monotonic */
    unsigned active;
    enum gh_status status; /* what was answered */
};

struct gh_fake_door {
    const struct gh_clock *clock;
    struct gh_fake_door_set sets[GH_FAKE_DOOR_SETS_MAX];
    size_t count;    /* beyond the most there is room for they are only counted */
    unsigned active; /* the lines as they are now */
    unsigned failing;
    enum gh_status failure;
    /* Called with what is about to be set, before anything moves; may be NULL. */
    void (*before)(void *context, unsigned active);
    void *before_context;
    bool freed;
    struct gh_door_inputs inputs; /* as the next look finds them */
    unsigned looks;
    /* What renew was told; granted_ms is that of the last one. */
    unsigned renews;
    int64_t granted_ms;
};

void gh_fake_door_init(struct gh_fake_door *fake, const struct gh_clock *clock);
/* Without inputs; a test that wants some wires them. Who moves one tells the gate, or lets it find
 * out by itself. */
struct gh_door_io gh_fake_door_io(struct gh_fake_door *fake);
void gh_fake_door_wire(struct gh_fake_door *fake, struct gh_door_io *io, unsigned wired);
void gh_fake_door_input(struct gh_fake_door *fake, enum gh_input input, bool active);
void gh_fake_door_lose(struct gh_fake_door *fake, enum gh_input input);
/* The next `times` sets fail with `status`; UINT_MAX: all, until told otherwise with 0. */
void gh_fake_door_fail(struct gh_fake_door *fake, unsigned times, enum gh_status status);
bool gh_fake_door_is_active(const struct gh_fake_door *fake, enum gh_line line);

#endif
