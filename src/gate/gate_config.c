/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/gate_config.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "gate/time_zone.h"
#include "gatehouse/bytes.h"
#include "gatehouse/config.h"

#define IIO_ROOT "/sys/bus/iio/devices"

static const char *const door_choices[] = {"gpio", "trace", NULL};
static const char *const fail_choices[] = {"secure", "safe", NULL};
static const char *const contact_choices[] = {"open", "closed", NULL};
static const char *const direction_choices[] = {"both", "in", "out", NULL};
static const char *const relay_choices[] = {"pulse", "hold", "toggle", NULL};
static const char *const framing_choices[] = {"line", "pause", "stx-etx", NULL};
static const char *const level_choices[] = {"error", "warning", "notice", "info", "debug", NULL};

#define FIELD(name) .offset = offsetof(struct gh_gate_config, name)
#define TEXT(name)                                                                                 \
    .type = GH_CONFIG_TEXT, FIELD(name), .size = sizeof(((struct gh_gate_config *)0)->name)
#define INT(name, least, most)                                                                     \
    .type = GH_CONFIG_INT, FIELD(name), .minimum = (least), .maximum = (most)
#define BOOL(name) .type = GH_CONFIG_BOOL, FIELD(name)
#define CHOICE(name, of) .type = GH_CONFIG_CHOICE, FIELD(name), .choices = (of)

static const struct gh_config_key keys[] = {
    {"gate", "state_dir", TEXT(state_dir)},
    {"gate", "camera", TEXT(camera)},
    {"gate", "door", CHOICE(door, door_choices)},
    {"gate", "log_level", CHOICE(log_level, level_choices), .initial = "info"},
    {"gate", "time_zone", TEXT(time_zone), .initial = ""},
    {"gate", "direction", CHOICE(direction, direction_choices), .initial = "both"},
    {"gate", "control", TEXT(control), .initial = ""},
    {"gate", "sandbox", BOOL(sandbox), .initial = "yes"},
    {"camera", "max_width", INT(max_width, 160, 1920), .initial = "1280"},
    {"camera", "max_height", INT(max_height, 120, 1080), .initial = "720"},
    {"replay", "follow", BOOL(follow), .initial = "no"},
    {"replay", "frame_interval_ms", INT(frame_interval_ms, 0, 60000), .initial = "100"},
    {"replay", "frames_a_still", INT(frames_a_still, 1, 1000), .initial = "5"},
    {"replay", "blanks_a_still", INT(blanks_a_still, 0, 1000), .initial = "2"},
    {"door", "chip", TEXT(wiring.chip), .initial = ""},
    {"door", "relay", TEXT(wiring.lines[GH_LINE_RELAY].name), .initial = ""},
    {"door", "buzzer", TEXT(wiring.lines[GH_LINE_BUZZER].name), .initial = ""},
    {"door", "lamp_green", TEXT(wiring.lines[GH_LINE_GREEN].name), .initial = ""},
    {"door", "lamp_yellow", TEXT(wiring.lines[GH_LINE_YELLOW].name), .initial = ""},
    {"door", "lamp_red", TEXT(wiring.lines[GH_LINE_RED].name), .initial = ""},
    {"door", "active_low", TEXT(active_low), .initial = ""},
    {"door", "pull_up", TEXT(pull_up), .initial = ""},
    {"door", "pull_down", TEXT(pull_down), .initial = ""},
    {"door", "fail", CHOICE(fail, fail_choices), .initial = "secure"},
    {"door", "pulse_ms", INT(pulse_ms, 100, 60000), .initial = "3000"},
    {"door", "contact", TEXT(wiring.inputs[GH_INPUT_CONTACT].name), .initial = ""},
    {"door", "contact_active", CHOICE(contact_active, contact_choices), .initial = "open"},
    {"door", "exit", TEXT(wiring.inputs[GH_INPUT_EXIT].name), .initial = ""},
    {"door", "guard", TEXT(wiring.inputs[GH_INPUT_GUARD].name), .initial = ""},
    {"door", "tamper", TEXT(wiring.inputs[GH_INPUT_TAMPER].name), .initial = ""},
    {"door", "fire", TEXT(wiring.inputs[GH_INPUT_FIRE].name), .initial = ""},
    {"door", "other_door", TEXT(wiring.inputs[GH_INPUT_OTHER_DOOR].name), .initial = ""},
    {"door", "this_door", TEXT(wiring.lines[GH_LINE_THIS_DOOR].name), .initial = ""},
    {"door", "inputs_file", TEXT(inputs_file), .initial = ""},
    {"door", "debounce_ms", INT(debounce_ms, 0, 1000), .initial = "50"},
    {"door", "relay_mode", CHOICE(relay_mode, relay_choices), .initial = "pulse"},
    {"door", "hold_max_s", INT(hold_max_s, 1, 3600), .initial = "60"},
    {"door", "opening_hours", BOOL(opening_hours), .initial = "yes"},
    {"door", "held_open_s", INT(held_open_s, 1, 3600), .initial = "30"},
    {"sound", "device", TEXT(sound_device), .initial = ""},
    {"sound", "languages", TEXT(sound_languages), .initial = "zh,en"},
    {"sound", "folder", TEXT(sound_folder), .initial = ""},
    {"scanner", "device", TEXT(scanner_device), .initial = ""},
    {"scanner", "baud", INT(scanner_baud, 1200, 921600), .initial = "115200"},
    {"scanner", "framing", CHOICE(scanner_framing, framing_choices), .initial = "line"},
    {"keyboard", "device", TEXT(keyboard_device), .initial = ""},
    {"temperature", "sensor", TEXT(temperature_sensor), .initial = ""},
    {"temperature", "offset_millic", INT(temperature_offset_millic, -20000, 20000), .initial = "0"},
    {"temperature", "least_millic",
     INT(temperature_least_millic, GH_BODY_MIN_MILLIC, GH_BODY_LEAST_MAX_MILLIC),
     .initial = "30000"},
    {"journal", "limit_mib", INT(journal_limit_mib, 16, 1048576), .initial = "512"},
    {"journal", "shared", BOOL(journal_shared), .initial = "no"},
    {"clock", "battery", BOOL(battery_clock), .initial = "no"},
    {"courier", "ca_file", TEXT(ca_file), .initial = ""},
    {"courier", "allow_plain_http", BOOL(allow_plain_http), .initial = "no"},
    {"courier", "poll_ms", INT(poll_ms, 100, 3600000), .initial = "5000"},
    {"courier", "backoff_first_ms", INT(backoff_first_ms, 10, 60000), .initial = "1000"},
    {"courier", "backoff_max_ms", INT(backoff_max_ms, 10, 3600000), .initial = "300000"},
};

/* --- how the lines are wired --- */

static struct gh_gpio_line *line_named(struct gh_gpio_wiring *wiring, const char *name)
{
    for (int line = 0; line < GH_LINE_COUNT; line++) {
        if (strcmp(name, gh_line_name((enum gh_line)line)) == 0)
            return &wiring->lines[line];
    }
    return NULL;
}

static struct gh_gpio_line *input_named(struct gh_gpio_wiring *wiring, const char *name)
{
    for (int input = 0; input < GH_INPUT_COUNT; input++) {
        if (strcmp(name, gh_input_name((enum gh_input)input)) == 0)
            return &wiring->inputs[input];
    }
    return NULL;
}

/* A key that names lines, separated by commas. true: the name may stand there. */
typedef bool mark_fn(struct gh_gpio_wiring *wiring, const char *name);

static enum gh_status mark(struct gh_gpio_wiring *wiring, const char *path, const char *key,
                           const char names[GH_NAMES_BYTES], mark_fn *take, struct gh_error *err)
{
    char text[GH_NAMES_BYTES];
    char *rest = text;

    memcpy(text, names, sizeof(text));
    for (char *name = strtok_r(text, ", ", &rest); name; name = strtok_r(NULL, ", ", &rest)) {
        if (!take(wiring, name))
            return gh_fail(err, GH_ERR_INVALID,
                           "%s: %s names \"%.40s\", which is no line that can be so", path, key,
                           name);
    }
    return GH_OK;
}

static const char *behind(const char *text, const char *prefix)
{
    size_t length = strlen(prefix);

    return strncmp(text, prefix, length) == 0 ? text + length : NULL;
}

static enum gh_status check_readers(const struct gh_gate_config *config, const char *path,
                                    struct gh_error *err)
{
    if (config->scanner_device[0] && config->scanner_device[0] != '/')
        return gh_fail(err, GH_ERR_INVALID, "%s: [scanner] device = %.80s is no path", path,
                       config->scanner_device);
    if (config->keyboard_device[0] && config->keyboard_device[0] != '/')
        return gh_fail(err, GH_ERR_INVALID, "%s: [keyboard] device = %.80s is no path", path,
                       config->keyboard_device);
    if (!gh_serial_baud_is_known(config->scanner_baud))
        return gh_fail(err, GH_ERR_INVALID,
                       "%s: baud = %" PRId64 " is none of the usual speeds (9600, 115200, ...)",
                       path, config->scanner_baud);
    if (!config->camera[0] && !config->scanner_device[0] && !config->keyboard_device[0])
        return gh_fail(err, GH_ERR_INVALID,
                       "%s: there is neither a camera nor a scanner: name one, [gate] camera, "
                       "[scanner] device or [keyboard] device",
                       path);
    return GH_OK;
}

/* What the daemon would find out at its start, again and again. */
static enum gh_status check_devices(const struct gh_gate_config *config, const char *path,
                                    struct gh_error *err)
{
    struct gh_error why = {0};
    const char *device = behind(config->camera, "v4l2:");

    if (config->camera[0] != '\0' && !behind(config->camera, "replay:") &&
        (device ? device : config->camera)[0] != '/')
        return gh_fail(err, GH_ERR_INVALID,
                       "%s: camera = %.80s is neither a device such as /dev/video0 nor replay:PATH",
                       path, config->camera);
    if (gh_voice_check_languages(config->sound_languages, &why) != GH_OK)
        return gh_fail(err, GH_ERR_INVALID, "%s: [sound] %s", path, why.text);
    if (gh_time_zone_check(config->time_zone, &why) == GH_ERR_INVALID)
        return gh_fail(err, GH_ERR_INVALID, "%s: %s", path, why.text);
    return check_readers(config, path, err);
}

/* The contact has a key of its own for that, contact_active. */
static bool take_active_low(struct gh_gpio_wiring *wiring, const char *name)
{
    struct gh_gpio_line *line = line_named(wiring, name);

    if (!line)
        line = input_named(wiring, name);
    if (!line || line == &wiring->inputs[GH_INPUT_CONTACT])
        return false;
    line->active_low = true;
    return true;
}

static bool take_pull(struct gh_gpio_wiring *wiring, const char *name, enum gh_gpio_pull pull)
{
    struct gh_gpio_line *input = input_named(wiring, name);

    if (!input || (input->pull != GH_GPIO_PULL_AS_IS && input->pull != pull))
        return false;
    input->pull = pull;
    return true;
}

static bool take_pull_up(struct gh_gpio_wiring *wiring, const char *name)
{
    return take_pull(wiring, name, GH_GPIO_PULL_UP);
}

static bool take_pull_down(struct gh_gpio_wiring *wiring, const char *name)
{
    return take_pull(wiring, name, GH_GPIO_PULL_DOWN);
}

#define PIN_COUNT (GH_LINE_COUNT + GH_INPUT_COUNT)

static const char *pin_what(int pin)
{
    return pin < GH_LINE_COUNT ? gh_line_name((enum gh_line)pin)
                               : gh_input_name((enum gh_input)(pin - GH_LINE_COUNT));
}

static const char *pin_name(const struct gh_gpio_wiring *wiring, int pin)
{
    return pin < GH_LINE_COUNT ? wiring->lines[pin].name : wiring->inputs[pin - GH_LINE_COUNT].name;
}

static enum gh_status check_twice(const struct gh_gpio_wiring *wiring, const char *path,
                                  struct gh_error *err)
{
    for (int a = 0; a < PIN_COUNT; a++) {
        for (int b = 0; b < a; b++) {
            if (pin_name(wiring, a)[0] && strcmp(pin_name(wiring, a), pin_name(wiring, b)) == 0)
                return gh_fail(err, GH_ERR_INVALID, "%s: %s and %s are both %s", path, pin_what(b),
                               pin_what(a), pin_name(wiring, a));
        }
    }
    return GH_OK;
}

#define KERNEL_DEBOUNCE_MS 5

static enum gh_status finish_wiring(struct gh_gate_config *config, const char *path,
                                    struct gh_error *err)
{
    struct gh_gpio_wiring *wiring = &config->wiring;

    wiring->inputs[GH_INPUT_CONTACT].active_low = config->contact_active == GH_ACTIVE_WHILE_CLOSED;
    /* The worst of a contact's chatter need not wake anybody; the door does the rest. */
    wiring->debounce_us = 1000 * (config->debounce_ms < KERNEL_DEBOUNCE_MS ? config->debounce_ms
                                                                           : KERNEL_DEBOUNCE_MS);
    if (config->door == GH_DOOR_GPIO && wiring->lines[GH_LINE_RELAY].name[0] == '\0')
        return gh_fail(err, GH_ERR_INVALID, "%s: door = gpio needs a relay in [door]", path);
    enum gh_status status = check_twice(wiring, path, err);
    if (status == GH_OK)
        status = mark(wiring, path, "active_low", config->active_low, take_active_low, err);
    if (status == GH_OK)
        status = mark(wiring, path, "pull_up", config->pull_up, take_pull_up, err);
    if (status == GH_OK)
        status = mark(wiring, path, "pull_down", config->pull_down, take_pull_down, err);
    return status;
}

enum gh_status gh_gate_config_load(const char *path, struct gh_gate_config *out,
                                   struct gh_error *err)
{
    memset(out, 0, sizeof(*out));
    enum gh_status status = gh_config_load(path, keys, GH_ARRAY_SIZE(keys), out, err);
    if (status != GH_OK)
        return status;
    if (out->backoff_first_ms > out->backoff_max_ms)
        return gh_fail(err, GH_ERR_INVALID, "%s: backoff_first_ms is greater than backoff_max_ms",
                       path);
    status = check_devices(out, path, err);
    if (status != GH_OK)
        return status;
    return finish_wiring(out, path, err);
}

enum gh_log_level gh_gate_config_log_level(const struct gh_gate_config *config)
{
    return (enum gh_log_level)(GH_LOG_ERR + config->log_level);
}

struct gh_door_options gh_gate_config_door(const struct gh_gate_config *config)
{
    return (struct gh_door_options){
        .relay_mode = (enum gh_relay_mode)config->relay_mode,
        .hold_max_s = config->hold_max_s,
        .debounce_ms = config->debounce_ms,
        .pulse_ms = config->pulse_ms,
        .fail_safe = config->fail == GH_FAIL_SAFE,
        .held_open_s = config->held_open_s,
        .this_door = config->wiring.lines[GH_LINE_THIS_DOOR].name[0] != '\0',
    };
}

unsigned gh_gate_config_lines(const struct gh_gate_config *config)
{
    unsigned lines = 0;

    for (int line = 0; line < GH_LINE_COUNT; line++)
        if (config->wiring.lines[line].name[0] != '\0')
            lines |= GH_LINE_BIT(line);
    return config->door == GH_DOOR_TRACE && lines == 0 ? ~0u : lines;
}

enum gh_status gh_gate_config_camera(const struct gh_gate_config *config,
                                     const struct gh_clock *clock, struct gh_camera *out,
                                     struct gh_error *err)
{
    const char *path = behind(config->camera, "replay:");

    if (config->camera[0] == '\0')
        return gh_camera_none_new(out, err);
    if (path) {
        struct gh_replay_options options = {
            .frame_interval_ms = config->frame_interval_ms,
            .frames_a_still = (unsigned)config->frames_a_still,
            .blanks_a_still = (unsigned)config->blanks_a_still,
            .follow = config->follow,
        };
        return gh_camera_replay_new(path, &options, clock, out, err);
    }
    path = behind(config->camera, "v4l2:");
    if (!path)
        path = config->camera;
    return gh_camera_v4l2_new(path, (uint32_t)config->max_width, (uint32_t)config->max_height,
                              clock, out, err);
}

enum gh_status gh_gate_config_door_io(const struct gh_gate_config *config, unsigned initial,
                                      const struct gh_clock *clock, struct gh_door_io *out,
                                      struct gh_error *err)
{
    struct gh_door_options door = gh_gate_config_door(config);
    unsigned relay = GH_LINE_BIT(GH_LINE_RELAY);
    unsigned in_fire = (initial & ~relay) | (relay & ~gh_door_rest_lines(&door));

    if (config->door == GH_DOOR_TRACE)
        return gh_door_trace_new(clock, config->inputs_file, out, err);
    return gh_door_gpio_new(&config->wiring, clock, initial, in_fire, out, err);
}

struct gh_readers_options gh_gate_config_readers(const struct gh_gate_config *config,
                                                 const struct gh_clock *clock)
{
    return (struct gh_readers_options){.scanner = config->scanner_device,
                                       .scanner_baud = config->scanner_baud,
                                       .scanner_framing = (enum gh_framing)config->scanner_framing,
                                       .keyboard = config->keyboard_device,
                                       .clock = clock};
}

struct gh_thermometer_options gh_gate_config_thermometer(const struct gh_gate_config *config,
                                                         const struct gh_clock *clock,
                                                         struct gh_queue *readings)
{
    return (struct gh_thermometer_options){.sensor = config->temperature_sensor,
                                           .iio_root = IIO_ROOT,
                                           .offset_millic = config->temperature_offset_millic,
                                           .least_millic = config->temperature_least_millic,
                                           .clock = clock,
                                           .readings = readings};
}

struct gh_voice_options gh_gate_config_voice(const struct gh_gate_config *config,
                                             const struct gh_clock *clock,
                                             struct gh_queue *announced)
{
    return (struct gh_voice_options){
        .device = config->sound_device,
        .languages = config->sound_languages,
        .folders = {config->sound_folder, GH_VOICE_LOCAL_SOUNDS, GH_VOICE_SOUNDS},
        .clock = clock,
        .announced = announced,
    };
}
