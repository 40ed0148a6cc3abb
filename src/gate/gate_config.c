/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/gate_config.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "gatehouse/bytes.h"
#include "gatehouse/config.h"

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
    {"camera", "max_width", INT(max_width, 160, 1920), .initial = "1280"},
    {"camera", "max_height", INT(max_height, 120, 1080), .initial = "720"},
    {"replay", "follow", BOOL(follow), .initial = "no"},
    {"replay", "frame_interval_ms", INT(frame_interval_ms, 0, 60000), .initial = "100"},
    {"replay", "frames_a_still", INT(frames_a_still, 1, 1000), .initial = "5"},
    {"replay", "blanks_a_still", INT(blanks_a_still, 0, 1000), .initial = "2"},
    {"door", "chip", TEXT(chip), .initial = ""},
    {"door", "relay", TEXT(line_names[GH_LINE_RELAY]), .initial = ""},
    {"door", "buzzer", TEXT(line_names[GH_LINE_BUZZER]), .initial = ""},
    {"door", "lamp_green", TEXT(line_names[GH_LINE_GREEN]), .initial = ""},
    {"door", "lamp_yellow", TEXT(line_names[GH_LINE_YELLOW]), .initial = ""},
    {"door", "lamp_red", TEXT(line_names[GH_LINE_RED]), .initial = ""},
    {"door", "active_low", TEXT(active_low), .initial = ""},
    {"door", "fail", CHOICE(fail, fail_choices), .initial = "secure"},
    {"door", "pulse_ms", INT(pulse_ms, 100, 60000), .initial = "3000"},
    {"door", "contact", TEXT(contact), .initial = ""},
    {"door", "contact_active", CHOICE(contact_active, contact_choices), .initial = "open"},
    {"door", "contact_file", TEXT(contact_file), .initial = ""},
    {"door", "exit", TEXT(inputs[GH_INPUT_EXIT]), .initial = ""},
    {"door", "guard", TEXT(inputs[GH_INPUT_GUARD]), .initial = ""},
    {"door", "tamper", TEXT(inputs[GH_INPUT_TAMPER]), .initial = ""},
    {"door", "fire", TEXT(inputs[GH_INPUT_FIRE]), .initial = ""},
    {"door", "other_door", TEXT(inputs[GH_INPUT_OTHER_DOOR]), .initial = ""},
    {"door", "this_door", TEXT(line_names[GH_LINE_THIS_DOOR]), .initial = ""},
    {"door", "inputs_file", TEXT(inputs_file), .initial = ""},
    {"door", "debounce_ms", INT(debounce_ms, 0, 1000), .initial = "50"},
    {"door", "relay_mode", CHOICE(relay_mode, relay_choices), .initial = "pulse"},
    {"door", "hold_max_s", INT(hold_max_s, 1, 3600), .initial = "60"},
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
    {"journal", "limit_mib", INT(journal_limit_mib, 16, 1048576), .initial = "512"},
    {"clock", "battery", BOOL(battery_clock), .initial = "no"},
    {"courier", "ca_file", TEXT(ca_file), .initial = ""},
    {"courier", "allow_plain_http", BOOL(allow_plain_http), .initial = "no"},
    {"courier", "poll_ms", INT(poll_ms, 100, 3600000), .initial = "5000"},
    {"courier", "backoff_first_ms", INT(backoff_first_ms, 10, 60000), .initial = "1000"},
    {"courier", "backoff_max_ms", INT(backoff_max_ms, 10, 3600000), .initial = "300000"},
};

static enum gh_status mark_active_low(struct gh_gate_config *config, const char *path,
                                      struct gh_error *err)
{
    char names[sizeof(config->active_low)];
    char *rest = names;

    memcpy(names, config->active_low, sizeof(names));
    for (char *name = strtok_r(names, ", ", &rest); name; name = strtok_r(NULL, ", ", &rest)) {
        bool known = false;
        for (int line = 0; line < GH_LINE_COUNT; line++) {
            if (strcmp(name, gh_line_name((enum gh_line)line)) == 0)
                known = config->lines[line].active_low = true;
        }
        if (!known)
            return gh_fail(err, GH_ERR_INVALID, "%s: active_low names \"%.40s\", which is no line",
                           path, name);
    }
    return GH_OK;
}

static enum gh_status check_line_names(const struct gh_gate_config *config, const char *path,
                                       struct gh_error *err)
{
    for (int a = 0; a < GH_LINE_COUNT; a++) {
        if (config->contact[0] && strcmp(config->line_names[a], config->contact) == 0)
            return gh_fail(err, GH_ERR_INVALID, "%s: %s and contact are both %s", path,
                           gh_line_name((enum gh_line)a), config->contact);
        for (int b = 0; b < a; b++) {
            if (config->line_names[a][0] &&
                strcmp(config->line_names[a], config->line_names[b]) == 0)
                return gh_fail(err, GH_ERR_INVALID, "%s: %s and %s are both %s", path,
                               gh_line_name((enum gh_line)b), gh_line_name((enum gh_line)a),
                               config->line_names[a]);
        }
    }
    return GH_OK;
}

enum gh_status gh_gate_config_load(const char *path, struct gh_gate_config *out,
                                   struct gh_error *err)
{
    memset(out, 0, sizeof(*out));
    enum gh_status status = gh_config_load(path, keys, GH_ARRAY_SIZE(keys), out, err);
    if (status != GH_OK)
        return status;
    for (int line = 0; line < GH_LINE_COUNT; line++)
        memcpy(out->lines[line].name, out->line_names[line], sizeof(out->lines[line].name));
    memcpy(out->contact_line.name, out->contact, sizeof(out->contact_line.name));
    out->contact_line.active_low = out->contact_active == GH_ACTIVE_WHILE_CLOSED;
    if (out->door == GH_DOOR_GPIO && out->line_names[GH_LINE_RELAY][0] == '\0')
        return gh_fail(err, GH_ERR_INVALID, "%s: door = gpio needs a relay in [door]", path);
    if (out->backoff_first_ms > out->backoff_max_ms)
        return gh_fail(err, GH_ERR_INVALID, "%s: backoff_first_ms is greater than backoff_max_ms",
                       path);
    status = check_line_names(out, path, err);
    return status == GH_OK ? mark_active_low(out, path, err) : status;
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
        .this_door = config->line_names[GH_LINE_THIS_DOOR][0] != '\0',
    };
}

static const char *behind(const char *text, const char *prefix)
{
    size_t length = strlen(prefix);

    return strncmp(text, prefix, length) == 0 ? text + length : NULL;
}

enum gh_status gh_gate_config_camera(const struct gh_gate_config *config,
                                     const struct gh_clock *clock, struct gh_camera *out,
                                     struct gh_error *err)
{
    const char *path = behind(config->camera, "replay:");

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
    if (path[0] != '/')
        return gh_fail(err, GH_ERR_INVALID,
                       "camera = %.80s is neither a device such as /dev/video0 nor replay:PATH",
                       config->camera);
    return gh_camera_v4l2_new(path, (uint32_t)config->max_width, (uint32_t)config->max_height,
                              clock, out, err);
}

enum gh_status gh_gate_config_door_io(const struct gh_gate_config *config,
                                      const struct gh_clock *clock, struct gh_door_io *out,
                                      struct gh_error *err)
{
    struct gh_door_options door = gh_gate_config_door(config);

    if (config->door == GH_DOOR_TRACE)
        return gh_door_trace_new(clock, config->contact_file, out, err);
    return gh_door_gpio_new(config->chip, config->lines, &config->contact_line,
                            gh_door_rest_lines(&door), out, err);
}
