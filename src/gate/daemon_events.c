/* SPDX-License-Identifier: Apache-2.0 */
/* What the daemon's loop waits for, and what it does then. */
#include <signal.h>
#include <systemd/sd-daemon.h>

#include "gate/daemon_parts.h"
#include "gate/door_keeper.h"
#include "gatehouse/log.h"

/* Both: systemd starts it anew. */
#define EXIT_KEEPER_GONE 1
#define EXIT_OUTGROWN 1
#define WATCH_EVERY_US UINT64_C(10000000) /* without a watchdog */
#define WATCH_SLACK_US 100000

/* The door's keeper does not reach lines of a chip that has come back: a gate that has them starts
 * anew, with a keeper that does, once the door is locked. */
static void leave_outgrown(struct gh_daemon *daemon)
{
    const struct gh_door_io *io = &daemon->io;

    if (!io->outgrown || !io->outgrown(io->context) ||
        gh_gate_look_at_door(daemon->gate).causes != 0)
        return;
    gh_log(GH_LOG_NOTICE, "gate",
           "starts anew, so that the door's keeper has the chip that is back");
    (void)sd_event_exit(daemon->event, EXIT_OUTGROWN);
}

void gh_daemon_tick(struct gh_daemon *daemon)
{
    int64_t next_ns = gh_gate_tick(daemon->gate);

    leave_outgrown(daemon);
    if (next_ns == INT64_MAX) {
        sd_event_source_set_enabled(daemon->timer, SD_EVENT_OFF);
        return;
    }
    /* Rounded up: a timer that comes a moment early would find nothing due and spin. */
    sd_event_source_set_time(daemon->timer, next_ns > 0 ? (uint64_t)next_ns / 1000 + 1 : 0);
    sd_event_source_set_enabled(daemon->timer, SD_EVENT_ONESHOT);
}

static int on_timer(sd_event_source *source, uint64_t usec, void *context)
{
    (void)source;
    (void)usec;
    gh_daemon_tick(context);
    return 0;
}

static int on_sightings(sd_event_source *source, int fd, uint32_t revents, void *context)
{
    struct gh_daemon *daemon = context;
    struct gh_sighting sighting;

    (void)source;
    (void)fd;
    (void)revents;
    while (gh_queue_pop(daemon->sightings, &sighting))
        gh_gate_sighting(daemon->gate, &sighting);
    gh_wipe(&sighting.enrolment, sizeof(sighting.enrolment));
    gh_daemon_tick(daemon);
    return 0;
}

static int on_inputs(sd_event_source *source, int fd, uint32_t revents, void *context)
{
    struct gh_daemon *daemon = context;

    (void)source;
    (void)fd;
    (void)revents;
    gh_gate_inputs(daemon->gate);
    gh_daemon_tick(daemon);
    return 0;
}

static int on_answers(sd_event_source *source, int fd, uint32_t revents, void *context)
{
    struct gh_daemon *daemon = context;
    struct gh_credential answer;

    (void)source;
    (void)fd;
    (void)revents;
    while (gh_queue_pop(daemon->answers, &answer))
        gh_gate_answered(daemon->gate, &answer);
    gh_daemon_tick(daemon);
    return 0;
}

static int on_readings(sd_event_source *source, int fd, uint32_t revents, void *context)
{
    struct gh_daemon *daemon = context;
    struct gh_temperature_reading reading;

    (void)source;
    (void)fd;
    (void)revents;
    while (gh_queue_pop(daemon->readings, &reading))
        gh_gate_temperature(daemon->gate, reading.at_ns, reading.millic);
    gh_daemon_tick(daemon);
    return 0;
}

static int on_announced(sd_event_source *source, int fd, uint32_t revents, void *context)
{
    struct gh_daemon *daemon = context;
    struct gh_announced announced;

    (void)source;
    (void)fd;
    (void)revents;
    while (gh_queue_pop(daemon->announced, &announced)) {
        gh_gate_announced(daemon->gate, &announced);
        if (daemon->courier)
            gh_courier_announced(daemon->courier, announced.id);
    }
    gh_daemon_tick(daemon);
    return 0;
}

static int on_news(sd_event_source *source, int fd, uint32_t revents, void *context)
{
    struct gh_daemon *daemon = context;
    struct gh_courier_event event;

    (void)source;
    (void)fd;
    (void)revents;
    while (gh_queue_pop(daemon->news, &event)) {
        if (event.type == GH_COURIER_ENROLLED)
            gh_inquiry_set_identity(daemon->inquiry, &event.identity);
        else if (event.type == GH_COURIER_ANNOUNCEMENT)
            gh_voice_announce(daemon->voice, &event.announcement);
        gh_gate_news(daemon->gate, &event);
    }
    gh_wipe(&event, sizeof(event));
    gh_daemon_tick(daemon);
    return 0;
}

/* There is no forking a new one among threads: systemd starts all of it anew. */
static int on_keeper_gone(sd_event_source *source, int fd, uint32_t revents, void *context)
{
    (void)fd;
    (void)revents;
    (void)context;
    gh_log(GH_LOG_ERR, "door", "its keeper was killed: a door without one is not safe");
    return sd_event_exit(sd_event_source_get_event(source), EXIT_KEEPER_GONE);
}

/* The gate alone would go on, but nothing would lock the door were it to hang, too. */
static int leave_silent_keeper(struct gh_daemon *daemon)
{
    gh_log(GH_LOG_ERR, "door",
           "its keeper is stopped or stuck, and does not answer: a door without one is not safe");
    return sd_event_exit(daemon->event, EXIT_KEEPER_GONE);
}

static int on_end(sd_event_source *source, const struct signalfd_siginfo *info, void *context)
{
    (void)info;
    (void)context;
    gh_log(GH_LOG_NOTICE, "gate", "asked to stop");
    sd_notify(0, "STOPPING=1");
    return sd_event_exit(sd_event_source_get_event(source), 0);
}

static int on_reload(sd_event_source *source, const struct signalfd_siginfo *info, void *context)
{
    struct gh_daemon *daemon = context;
    struct gh_gate_config config;
    struct gh_error err = {0};

    (void)source;
    (void)info;
    if (gh_gate_config_load(daemon->config_path, &config, &err) != GH_OK) {
        gh_log(GH_LOG_ERR, "gate", "%s; the old configuration stands", err.text);
        return 0;
    }
    struct gh_door_options door = gh_gate_config_door(&config);
    gh_log_set_level(gh_gate_config_log_level(&config));
    gh_door_keeper_set_pulse(&daemon->io, door.pulse_ms);
    gh_gate_set_door(daemon->gate, &door);
    gh_daemon_tick(daemon);
    gh_log(GH_LOG_NOTICE, "gate",
           "log level, relay mode, door times and held-open time read anew; other keys take a "
           "restart");
    return 0;
}

/* --- the watchdog --- */

static uint64_t watch_every_us(void)
{
    uint64_t watchdog_us;

    return sd_watchdog_enabled(0, &watchdog_us) > 0 ? watchdog_us / 3 : WATCH_EVERY_US;
}

static void tell_systemd(struct gh_daemon *daemon, bool well, const char *status)
{
    if (sd_notifyf(0, "STATUS=%s%s", status, well ? "\nWATCHDOG=1" : "") == 0)
        return; /* nobody listens */
    if (well != daemon->well)
        gh_log(well ? GH_LOG_NOTICE : GH_LOG_ERR, "gate", "%s%s",
               well ? "well again: " : "systemd is not told any more that all is well: ", status);
    daemon->well = well;
}

static int on_watch(sd_event_source *source, uint64_t usec, void *context)
{
    struct gh_daemon *daemon = context;
    uint64_t every_us = watch_every_us();
    struct gh_see_counts counts = gh_see_count(daemon->see);
    struct gh_gate_health health = gh_gate_health(daemon->gate);
    struct gh_watch_facts facts = {
        .monotonic_ns = gh_clock_monotonic_ns(daemon->clock),
        .wall_s = gh_clock_wall_s(daemon->clock),
        .every_ms = (int64_t)(every_us / 1000),
        .keeper_answered = gh_door_keeper_answered(&daemon->io),
        .eyes = !counts.over,
        .camera = daemon->config.camera[0] != '\0',
        .turns = counts.turns,
        .frames = counts.frames,
        .enrolled = health.enrolled,
        .list_usable = health.list_usable,
        .clock_trusted = health.clock_trusted,
        .journal_open = health.journal_open,
        .waiting = health.waiting,
    };
    char status[GH_WATCH_STATUS_BYTES];

    (void)usec;
    tell_systemd(daemon, gh_watch_look(&daemon->watch, &facts, status), status);
    if (gh_watch_keeper_is_silent(&daemon->watch))
        return leave_silent_keeper(daemon);
    gh_door_keeper_ask(&daemon->io);
    (void)sd_event_source_set_time_relative(source, every_us);
    return sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
}

static int add_sources(struct gh_daemon *daemon)
{
    static const int signals[] = {SIGTERM, SIGINT, SIGHUP};
    sigset_t blocked;

    sigemptyset(&blocked);
    for (size_t i = 0; i < GH_ARRAY_SIZE(signals); i++)
        sigaddset(&blocked, signals[i]);
    int r = -pthread_sigmask(SIG_BLOCK, &blocked, NULL);
    if (r >= 0)
        r = sd_event_new(&daemon->event);
    for (size_t i = 0; r >= 0 && i < GH_ARRAY_SIZE(signals); i++)
        r = sd_event_add_signal(daemon->event, NULL, signals[i],
                                signals[i] == SIGHUP ? on_reload : on_end, daemon);
    if (r >= 0)
        r = sd_event_add_io(daemon->event, NULL, gh_queue_fd(daemon->sightings), EPOLLIN,
                            on_sightings, daemon);
    if (r >= 0)
        r = sd_event_add_io(daemon->event, NULL, gh_queue_fd(daemon->news), EPOLLIN, on_news,
                            daemon);
    if (r >= 0)
        r = sd_event_add_io(daemon->event, NULL, gh_queue_fd(daemon->answers), EPOLLIN, on_answers,
                            daemon);
    if (r >= 0 && daemon->io.inputs && daemon->io.inputs_fd >= 0)
        r = sd_event_add_io(daemon->event, NULL, daemon->io.inputs_fd, EPOLLIN, on_inputs, daemon);
    if (r >= 0)
        r = sd_event_add_io(daemon->event, NULL, gh_queue_fd(daemon->readings), EPOLLIN,
                            on_readings, daemon);
    if (r >= 0)
        r = sd_event_add_io(daemon->event, NULL, gh_queue_fd(daemon->announced), EPOLLIN,
                            on_announced, daemon);
    if (r >= 0)
        r = sd_event_add_time(daemon->event, &daemon->timer, CLOCK_BOOTTIME, 0, 1000, on_timer,
                              daemon);
    if (r >= 0)
        r = sd_event_add_io(daemon->event, NULL, gh_door_keeper_fd(&daemon->io), EPOLLIN,
                            on_keeper_gone, daemon);
    if (r >= 0)
        r = sd_event_add_time_relative(daemon->event, &daemon->watch_timer, CLOCK_MONOTONIC, 0,
                                       WATCH_SLACK_US, on_watch, daemon);
    return r;
}

enum gh_status gh_daemon_listen(struct gh_daemon *daemon, struct gh_error *err)
{
    return add_sources(daemon) < 0 ? gh_fail(err, GH_ERR_IO, "the event loop cannot start") : GH_OK;
}
