/* SPDX-License-Identifier: Apache-2.0 */
/* The daemon: what starts it, in which order, and what ends it. */
#include <inttypes.h>
#include <limits.h>
#include <signal.h>
#include <systemd/sd-daemon.h>

#include "base/sqlite.h"
#include "gate/daemon_parts.h"
#include "gate/door_keeper.h"
#include "gate/time_zone.h"
#include "gatehouse/file.h"

#define SIGHTINGS_MAX 32
#define NEWS_MAX 32
#define ANSWERS_MAX 32
#define READINGS_MAX 16
#define ANNOUNCED_MAX 32

/* --- what the gate asks for --- */

static void peer_trust(void *context, struct gh_trust *trust)
{
    struct gh_daemon *daemon = context;

    if (daemon->see)
        gh_see_set_trust(daemon->see, trust);
}

static void peer_policy(void *context, const struct gh_policy *policy)
{
    gh_inquiry_set_policy(((struct gh_daemon *)context)->inquiry, &policy->upstream);
}

/* In the thread that sees. */
static bool ask_upstream(void *context, struct gh_bytes text,
                         const struct gh_credential *credential)
{
    return gh_inquiry_ask(context, text, credential);
}

static void peer_enrol(void *context, const struct gh_enrolment *enrolment)
{
    gh_courier_enrol(((struct gh_daemon *)context)->courier, enrolment);
}

static void peer_unreadable(void *context)
{
    const struct gh_daemon *daemon = context;

    if (daemon->courier)
        gh_courier_renew_list(daemon->courier);
}

static void peer_prompt(void *context, enum gh_prompt prompt)
{
    gh_voice_prompt(((struct gh_daemon *)context)->voice, prompt);
}

static void peer_entry(void *context)
{
    struct gh_daemon *daemon = context;

    if (daemon->courier)
        gh_courier_kick(daemon->courier);
}

/* --- start and end --- */

static enum gh_status start_courier(struct gh_daemon *daemon, const struct gh_identity *identity,
                                    struct gh_error *err)
{
    struct gh_courier_options options = {
        .state_dir = daemon->config.state_dir,
        .ca_file = daemon->config.ca_file,
        .allow_insecure = daemon->config.allow_plain_http,
        .poll_ms = daemon->config.poll_ms,
        .backoff_first_ms = daemon->config.backoff_first_ms,
        .backoff_max_ms = daemon->config.backoff_max_ms,
        .clock = daemon->clock,
        .events = daemon->news,
        .connect = gh_http_new,
    };

    enum gh_status status = gh_courier_new(&options, identity, &daemon->courier, err);
    return status == GH_OK ? gh_courier_start(daemon->courier, err) : status;
}

/* Before the gate, which hands it its policy; after the eyes, which ask it. */
static enum gh_status start_inquiry(struct gh_daemon *daemon, const struct gh_identity *identity,
                                    struct gh_error *err)
{
    struct gh_inquiry_options options = {
        .ca_file = daemon->config.ca_file,
        .allow_insecure = daemon->config.allow_plain_http,
        .clock = daemon->clock,
        .answers = daemon->answers,
        .connect = gh_http_new,
    };

    enum gh_status status = gh_inquiry_new(&options, &daemon->inquiry, err);
    if (status == GH_OK)
        status = gh_inquiry_start(daemon->inquiry, err);
    if (status != GH_OK)
        return status;
    gh_inquiry_set_identity(daemon->inquiry, identity);
    gh_see_set_asker(daemon->see, ask_upstream, daemon->inquiry);
    return GH_OK;
}

static enum gh_status start_voice(struct gh_daemon *daemon, struct gh_error *err)
{
    struct gh_voice_options options =
        gh_gate_config_voice(&daemon->config, daemon->clock, daemon->announced);

    return gh_voice_start(&options, &daemon->voice, err);
}

static enum gh_status start_gate(struct gh_daemon *daemon, const struct gh_identity *identity,
                                 struct gh_error *err)
{
    struct gh_gate_options options = {
        .state_dir = daemon->config.state_dir,
        .clock = daemon->clock,
        .door = gh_gate_config_door(&daemon->config),
        .io = &daemon->io,
        .peers = {.trust = peer_trust,
                  .policy = peer_policy,
                  .enrol = peer_enrol,
                  .entry = peer_entry,
                  .prompt = peer_prompt,
                  .unreadable = peer_unreadable,
                  .context = daemon},
        .time_floor_s = gh_build_time_s(),
        .journal_limit_bytes = (uint64_t)daemon->config.journal_limit_mib << 20,
        .battery_clock = daemon->config.battery_clock,
        .direction = (enum gh_direction)daemon->config.direction,
        .zone_missing = daemon->zone_missing,
        .no_hours = !daemon->config.opening_hours,
    };

    return gh_gate_new(&options, identity, &daemon->gate, err);
}

static enum gh_status start_see(struct gh_daemon *daemon, struct gh_error *err)
{
    struct gh_camera camera;

    enum gh_status status = gh_gate_config_camera(&daemon->config, daemon->clock, &camera, err);
    if (status != GH_OK)
        return status;
    status = gh_see_start(&camera, daemon->clock, daemon->sightings, &daemon->see, err);
    if (status != GH_OK)
        camera.free(camera.context);
    return status;
}

static enum gh_status start_readers(struct gh_daemon *daemon, struct gh_error *err)
{
    const struct gh_gate_config *config = &daemon->config;
    struct gh_readers_options options = gh_gate_config_readers(config, daemon->clock);
    struct gh_thermometer_options thermometer =
        gh_gate_config_thermometer(config, daemon->clock, daemon->readings);

    enum gh_status status = gh_readers_start(&options, daemon->see, &daemon->readers, err);
    if (status == GH_OK && config->temperature_sensor[0] != '\0')
        status = gh_thermometer_start(&thermometer, &daemon->thermometer, err);
    return status;
}

static enum gh_status start_door(struct gh_daemon *daemon, struct gh_error *err)
{
    struct gh_door_options options = gh_gate_config_door(&daemon->config);
    struct gh_door_io lines;

    enum gh_status status = gh_gate_config_door_io(&daemon->config, gh_door_rest_lines(&options),
                                                   daemon->clock, &lines, err);
    if (status != GH_OK)
        return status;
    status = gh_door_keeper_new(&lines, &options, &daemon->io, err);
    if (status != GH_OK)
        lines.free(lines.context);
    return status;
}

static void on_question(void *context, const char *line, struct gh_writer *answer)
{
    struct gh_daemon *daemon = context;

    gh_desk_answer(&daemon->desk, line, answer);
    gh_daemon_tick(daemon);
}

/* After everything that it looks at. A gate that cannot be asked opens all the same. */
static void start_control(struct gh_daemon *daemon)
{
    struct gh_error err = {0};

    daemon->desk = (struct gh_desk){
        .clock = daemon->clock,
        .start_ns = daemon->start_ns,
        .gate = daemon->gate,
        .watch = &daemon->watch,
        .courier = daemon->courier,
        .see = daemon->see,
        .lines_wired = gh_gate_config_lines(&daemon->config),
        .has_camera = daemon->config.camera[0] != '\0',
        .sightings = daemon->sightings,
        .readers = daemon->readers,
        .thermometer = daemon->thermometer,
        .voice = daemon->voice,
        .has_sound = daemon->config.sound_device[0] != '\0',
    };
    if (daemon->config.control[0] != '\0' &&
        gh_control_new(daemon->event, daemon->config.control, on_question, daemon, &daemon->control,
                       &err) != GH_OK)
        gh_log(GH_LOG_ERR, "control", "%s; nobody at the board is answered", err.text);
}

/* Names of zones go with an upgrade of the system: that is no reason for a gate not to start. */
static enum gh_status use_time_zone(struct gh_daemon *daemon, struct gh_error *err)
{
    struct gh_error why = {0};

    enum gh_status status = gh_time_zone_use(daemon->config.time_zone, &why);
    daemon->zone_missing = status == GH_ERR_NOTFOUND;
    if (status == GH_OK)
        return GH_OK;
    if (!daemon->zone_missing)
        return gh_fail(err, status, "%s", why.text);
    gh_log(GH_LOG_ERR, "gate", "%s; opening hours unlock nothing", why.text);
    return GH_OK;
}

/* One that cannot be read opens for no code any more, but a fire and the guard's button still want
 * a gate. All zero: not enrolled. */
static enum gh_status load_identity(const char *path, struct gh_identity *identity,
                                    struct gh_error *err)
{
    struct gh_error why = {0};
    enum gh_status status = gh_identity_load(path, identity, &why);

    if (status == GH_ERR_CORRUPT || status == GH_ERR_IO)
        gh_log(GH_LOG_ERR, "gate", "%s; until then it lets nobody in by a code", why.text);
    else if (status != GH_OK && status != GH_ERR_NOTFOUND)
        return gh_fail(err, status, "%s", why.text);
    return GH_OK;
}

static enum gh_status start(struct gh_daemon *daemon, struct gh_error *err)
{
    char path[PATH_MAX];
    struct gh_identity identity;

    /* A reader of the trace, or a server, that goes away is an error to handle, not the end. */
    signal(SIGPIPE, SIG_IGN);
    enum gh_status status = use_time_zone(daemon, err);
    /* The door first: its keeper forks, and takes nothing along that it has no use for. */
    if (status == GH_OK)
        status = start_door(daemon, err);
    if (status == GH_OK)
        status = gh_dir_make(daemon->config.state_dir, 0700, err);
    if (status == GH_OK)
        status = gh_gate_sandbox(daemon->config_path, &daemon->config, err);
    if (!daemon->config.journal_shared)
        gh_sqlite_alone();
    if (status == GH_OK)
        status = gh_http_global_init();
    if (status == GH_OK)
        status = gh_courier_identity_path(daemon->config.state_dir, path);
    if (status == GH_OK)
        status = load_identity(path, &identity, err);
    if (status == GH_OK)
        status = gh_queue_new(sizeof(struct gh_sighting), SIGHTINGS_MAX, &daemon->sightings);
    if (status == GH_OK)
        status = gh_queue_new(sizeof(struct gh_courier_event), NEWS_MAX, &daemon->news);
    if (status == GH_OK)
        status = gh_queue_new(sizeof(struct gh_credential), ANSWERS_MAX, &daemon->answers);
    if (status == GH_OK)
        status =
            gh_queue_new(sizeof(struct gh_temperature_reading), READINGS_MAX, &daemon->readings);
    if (status == GH_OK)
        status = gh_queue_new(sizeof(struct gh_announced), ANNOUNCED_MAX, &daemon->announced);
    if (status == GH_OK)
        status = gh_daemon_listen(daemon, err);
    /* Eyes first, so that the gate can hand them its keys; what they see meanwhile waits in the
     * queue. */
    if (status == GH_OK)
        status = start_see(daemon, err);
    if (status == GH_OK)
        status = start_inquiry(daemon, &identity, err);
    if (status == GH_OK)
        status = start_voice(daemon, err);
    if (status == GH_OK)
        status = start_gate(daemon, &identity, err);
    if (status == GH_OK)
        status = start_courier(daemon, &identity, err);
    /* They are not as patient as a camera, whose codes stay in sight: last, when the gate has keys.
     */
    if (status == GH_OK)
        status = start_readers(daemon, err);
    if (status == GH_OK)
        start_control(daemon);
    gh_wipe(&identity, sizeof(identity));
    return status;
}

static void say_counts(const struct gh_daemon *daemon)
{
    struct gh_see_counts counts = gh_see_count(daemon->see);

    gh_log(GH_LOG_NOTICE, "see",
           "%" PRIu64 " frames, %" PRIu64 " of them broken; %" PRIu64 " codes, %" PRIu64
           " of them dropped",
           counts.frames, counts.broken_frames, counts.codes, gh_queue_dropped(daemon->sightings));
}

static void end(struct gh_daemon *daemon)
{
    if (daemon->see)
        say_counts(daemon);
    gh_control_free(daemon->control);
    daemon->control = NULL;
    gh_readers_stop(daemon->readers); /* they hand on to the eyes */
    daemon->readers = NULL;
    gh_see_stop(daemon->see);
    daemon->see = NULL;
    gh_inquiry_stop(daemon->inquiry); /* nobody asks it any more */
    daemon->inquiry = NULL;
    gh_courier_stop(daemon->courier);
    daemon->courier = NULL;
    gh_gate_free(daemon->gate);
    gh_voice_stop(daemon->voice);             /* the gate may prompt until its end */
    gh_thermometer_stop(daemon->thermometer); /* late: a sensor may not come back from a read */
    daemon->thermometer = NULL;
    if (daemon->io.free)
        daemon->io.free(daemon->io.context);
    sd_event_source_unref(daemon->timer);
    sd_event_source_unref(daemon->watch_timer);
    sd_event_unref(daemon->event);
    gh_queue_free(daemon->sightings);
    gh_queue_free(daemon->news);
    gh_queue_free(daemon->answers);
    gh_queue_free(daemon->readings);
    gh_queue_free(daemon->announced);
}

enum gh_status gh_daemon_run(const char *config_path, const struct gh_gate_config *config,
                             struct gh_error *err)
{
    struct gh_daemon daemon = {
        .config_path = config_path,
        .config = *config,
        .clock = gh_clock_system(),
        .start_ns = gh_clock_monotonic_ns(gh_clock_system()),
        .well = true,
    };

    gh_watch_init(&daemon.watch);
    gh_log_set_level(gh_gate_config_log_level(config));
    enum gh_status status = start(&daemon, err);
    if (status == GH_OK) {
        gh_log(GH_LOG_NOTICE, "gate", "version %s ready", GH_VERSION);
        gh_daemon_tick(&daemon);
        sd_notify(0, "READY=1");
        int r = sd_event_loop(daemon.event);
        if (r != 0)
            status = gh_fail(err, GH_ERR_IO,
                             r < 0 ? "the event loop failed" : "stopped, to be started anew");
    } else {
        gh_fail(err, status, "%s", gh_status_text(status));
    }
    end(&daemon);
    return status;
}
