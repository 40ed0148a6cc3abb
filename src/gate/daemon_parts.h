/* SPDX-License-Identifier: Apache-2.0 */
/* What the daemon's own files share: all that runs, and the loop that holds it together. */
#ifndef GATEHOUSE_SRC_GATE_DAEMON_PARTS_H
#define GATEHOUSE_SRC_GATE_DAEMON_PARTS_H

#include <systemd/sd-event.h>

#include "gate/control.h"
#include "gate/daemon.h"
#include "gate/desk.h"
#include "gate/gate.h"
#include "gate/inquiry.h"
#include "gate/voice.h"
#include "gate/watch.h"

struct gh_daemon {
    const char *config_path;
    struct gh_gate_config config;
    const struct gh_clock *clock;
    int64_t start_ns;
    sd_event *event;
    sd_event_source *timer, *watch_timer;
    bool zone_missing; /* gate.h */
    struct gh_watch watch;
    bool well; /* as systemd was told last */
    struct gh_queue *sightings, *news, *answers, *readings, *announced;
    struct gh_door_io io;
    struct gh_courier *courier;
    struct gh_inquiry *inquiry;
    struct gh_voice *voice;
    struct gh_see *see;
    struct gh_readers *readers;
    struct gh_thermometer *thermometer; /* NULL: there is none */
    struct gh_gate *gate;
    struct gh_desk desk;
    struct gh_control *control; /* NULL: nobody is listened to */
};

/* The gate's tick, and when the next one is due. After everything that may have changed it. */
void gh_daemon_tick(struct gh_daemon *daemon);
/* Signals, queues, inputs, timers and the watchdog: what each of them does is in daemon_events.c.
 * Blocks the signals, which threads that are made later then leave to the loop. GH_ERR_IO. */
GH_MUST_CHECK enum gh_status gh_daemon_listen(struct gh_daemon *daemon, struct gh_error *err);

#endif
