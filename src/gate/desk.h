/* SPDX-License-Identifier: Apache-2.0 */
/* What the control socket answers (control.h): `status`, `metrics`, `test WHAT`. */
#ifndef GATEHOUSE_SRC_GATE_DESK_H
#define GATEHOUSE_SRC_GATE_DESK_H

#include "gate/report.h"
#include "gate/watch.h"

/* Where it looks; all borrowed. */
struct gh_desk {
    const struct gh_clock *clock;
    int64_t start_ns; /* of the program, monotonic */
    struct gh_gate *gate;
    const struct gh_watch *watch;
    struct gh_courier *courier;
    struct gh_see *see;
    unsigned lines_wired; /* a set of GH_LINE_BIT */
    bool has_camera;      /* one is configured */
    struct gh_queue *sightings;
    struct gh_readers *readers;
    struct gh_thermometer *thermometer; /* NULL: none is configured */
    struct gh_voice *voice;
    bool has_sound; /* a sound device is configured */
};

/* `test relay`, `test buzzer`, `test lamp_green` and so on, `test voice` are answered with `ok`, or
 * with what is wrong (with `not there: ` before it, what is not configured); call gh_gate_tick
 * afterwards. Everything else that is not known is answered with a sentence, too. context: a struct
 * gh_desk. */
void gh_desk_answer(void *context, const char *line, struct gh_writer *answer);

#endif
