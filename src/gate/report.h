/* SPDX-License-Identifier: Apache-2.0 */
/* How everything on the wall is, as JSON and as Prometheus metrics: what the control socket
 * answers. */
#ifndef GATEHOUSE_SRC_GATE_REPORT_H
#define GATEHOUSE_SRC_GATE_REPORT_H

#include "gate/courier.h"
#include "gate/gate_state.h"
#include "gate/readers.h"
#include "gate/see.h"
#include "gate/thermometer.h"
#include "gate/voice.h"

struct gh_report {
    int64_t now_ns; /* monotonic */
    struct gh_gate_state gate;
    struct gh_courier_state courier;
    unsigned lines_wired; /* a set of GH_LINE_BIT: those that are configured */
    bool keeper_late;     /* the door's keeper owes the gate a sign of life */
    struct gh_see_counts see;
    bool has_camera;
    char camera_trouble[GH_ERROR_TEXT_BYTES]; /* gh_see_trouble */
    struct gh_readers_state readers;
    bool has_thermometer;
    struct gh_thermometer_state thermometer;
    bool has_sound;
    struct gh_voice_state voice;
    uint64_t dropped;      /* sightings that found no place */
    int64_t uptime_s;      /* of the program */
    uint64_t memory_bytes; /* resident */
};

/* One JSON object in one line (gatehouse(1) names its members). GH_ERR_NOMEM. */
GH_MUST_CHECK enum gh_status gh_report_json(const struct gh_report *report,
                                            struct gh_writer *writer);
/* https://prometheus.io/docs/instrumenting/exposition_formats/, version 0.0.4 */
void gh_report_metrics(const struct gh_report *report, struct gh_writer *writer);
/* /proc/self/statm; 0 where it cannot be told. */
uint64_t gh_resident_bytes(void);

#endif
