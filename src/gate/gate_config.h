/* SPDX-License-Identifier: Apache-2.0 */
/* The gate's INI file: docs/gatehouse-gate.ini shows every key. */
#ifndef GATEHOUSE_SRC_GATE_GATE_CONFIG_H
#define GATEHOUSE_SRC_GATE_GATE_CONFIG_H

#include "gate/camera.h"
#include "gate/door.h"
#include "gate/readers.h"
#include "gate/thermometer.h"
#include "gate/voice.h"
#include "gatehouse/log.h"

enum gh_door_kind { GH_DOOR_GPIO, GH_DOOR_TRACE };
enum gh_fail_state { GH_FAIL_SECURE, GH_FAIL_SAFE };
enum gh_contact_active { GH_ACTIVE_WHILE_OPEN, GH_ACTIVE_WHILE_CLOSED };

#define GH_NAMES_BYTES 256

struct gh_gate_config {
    /* [gate] */
    char state_dir[512];
    char camera[512];   /* "v4l2:/dev/video0", "/dev/video0", "replay:PATH"; "": none */
    int door;           /* enum gh_door_kind */
    int log_level;      /* index: error, warning, notice, info, debug */
    char time_zone[64]; /* "Asia/Shanghai"; "": the board's own */
    int direction;      /* enum gh_direction */
    char control[108];  /* the socket's path; "": none */
    /* [camera] */
    int64_t max_width, max_height;
    /* [replay] */
    bool follow;
    int64_t frame_interval_ms, frames_a_still, blanks_a_still;
    /* [door] */
    struct gh_gpio_wiring wiring;    /* complete: with what the next keys say */
    char active_low[GH_NAMES_BYTES]; /* names of lines and inputs, separated by commas */
    char pull_up[GH_NAMES_BYTES];    /* names of inputs, likewise */
    char pull_down[GH_NAMES_BYTES];
    int contact_active;    /* enum gh_contact_active */
    char inputs_file[512]; /* door = trace */
    int64_t debounce_ms;
    int relay_mode; /* enum gh_relay_mode */
    int64_t hold_max_s;
    int64_t held_open_s;
    bool opening_hours;
    int fail; /* enum gh_fail_state */
    int64_t pulse_ms;
    /* [sound] */
    char sound_device[128]; /* an ALSA PCM; "": no sound */
    char sound_languages[32];
    char sound_folder[512]; /* the installer's own recordings, which come first */
    /* [scanner]: a barcode scanner on a serial line */
    char scanner_device[512]; /* "": none */
    int64_t scanner_baud;     /* one that gh_serial_baud_is_known */
    int scanner_framing;      /* enum gh_framing */
    /* [keyboard]: one that types like a keyboard */
    char keyboard_device[512]; /* "": none */
    /* [temperature] */
    char temperature_sensor[512]; /* a folder of an IIO device, or the device's name; "": none */
    int64_t temperature_offset_millic, temperature_least_millic;
    /* [journal] */
    int64_t journal_limit_mib;
    bool journal_shared;
    /* [clock] */
    bool battery_clock;
    bool sandbox; /* [gate]; here for its size */
    /* [courier] */
    char ca_file[512];
    bool allow_plain_http;
    int64_t poll_ms, backoff_first_ms, backoff_max_ms;
};

/* Values out of range, unknown keys and lines that contradict each other are refused with one
 * sentence in err. */
GH_MUST_CHECK enum gh_status gh_gate_config_load(const char *path, struct gh_gate_config *out,
                                                 struct gh_error *err);
enum gh_log_level gh_gate_config_log_level(const struct gh_gate_config *config);
struct gh_door_options gh_gate_config_door(const struct gh_gate_config *config);
/* Which of the door's lines are wired: a set of GH_LINE_BIT. A trace that names none has all. */
unsigned gh_gate_config_lines(const struct gh_gate_config *config);
/* Opens what the configuration names. */
GH_MUST_CHECK enum gh_status gh_gate_config_camera(const struct gh_gate_config *config,
                                                   const struct gh_clock *clock,
                                                   struct gh_camera *out, struct gh_error *err);
/* initial: the lines that are active from the first moment; 0 moves nothing that is at rest. While
 * the fire input is active the relay is where it unlocks. */
GH_MUST_CHECK enum gh_status gh_gate_config_door_io(const struct gh_gate_config *config,
                                                    unsigned initial, const struct gh_clock *clock,
                                                    struct gh_door_io *out, struct gh_error *err);
/* [scanner] and [keyboard]: views into *config. */
struct gh_readers_options gh_gate_config_readers(const struct gh_gate_config *config,
                                                 const struct gh_clock *clock);
/* [temperature], likewise, among the kernel's devices; readings may be NULL for a check. */
struct gh_voice_options gh_gate_config_voice(const struct gh_gate_config *config,
                                             const struct gh_clock *clock,
                                             struct gh_queue *announced);
struct gh_thermometer_options gh_gate_config_thermometer(const struct gh_gate_config *config,
                                                         const struct gh_clock *clock,
                                                         struct gh_queue *readings);

#endif
