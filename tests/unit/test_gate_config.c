/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "gate/gate_config.h"
#include "gatehouse/bytes.h"
#include "one_file.h"

#define LINES_ALL ((1u << GH_LINE_COUNT) - 1)
#define LEAST "[gate]\nstate_dir = /var/lib/gatehouse\ncamera = /dev/video0\ndoor = trace\n"

static int setup(void **state)
{
    (void)state;
    return make_folder_for("gate.ini");
}

static enum gh_status load(const char *text, struct gh_gate_config *config, struct gh_error *err)
{
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
    memset(config, 0xa5, sizeof(*config));
    *err = (struct gh_error){.status = GH_OK};
    return gh_gate_config_load(path, config, err);
}

static void assert_loads(const char *text, struct gh_gate_config *config)
{
    struct gh_error err;

    if (load(text, config, &err) != GH_OK)
        fail_msg("%s", err.text);
}

/* Refused, with a sentence that names what it is about. */
static void assert_refused(const char *text, const char *about)
{
    struct gh_gate_config config;
    struct gh_error err;

    if (load(text, &config, &err) == GH_OK)
        fail_msg("taken: %s", text);
    if (!strstr(err.text, about))
        fail_msg("\"%s\" does not name %s", err.text, about);
}

static void test_defaults(void **state)
{
    (void)state;
    struct gh_gate_config config;

    assert_loads(LEAST, &config);
    assert_string_equal(config.state_dir, "/var/lib/gatehouse");
    assert_string_equal(config.camera, "/dev/video0");
    assert_int_equal(config.door, GH_DOOR_TRACE);
    assert_int_equal(gh_gate_config_log_level(&config), GH_LOG_INFO);
    assert_int_equal(config.fail, GH_FAIL_SECURE);
    assert_false(config.follow);
    assert_false(config.allow_plain_http);
    assert_false(config.battery_clock); /* a Raspberry Pi has none */
    assert_string_equal(config.ca_file, "");
    assert_true(config.backoff_first_ms == 1000); /* docs/protocol.md, section 5 */
    assert_true(config.backoff_max_ms == 300000);
    for (int line = 0; line < GH_LINE_COUNT; line++) {
        assert_string_equal(config.wiring.lines[line].name, "");
        assert_false(config.wiring.lines[line].active_low);
    }
    assert_true((gh_gate_config_lines(&config) & LINES_ALL) == LINES_ALL); /* a trace has all */
    struct gh_door_options door = gh_gate_config_door(&config);
    assert_false(door.fail_safe);
    assert_true(door.pulse_ms >= 100 && door.pulse_ms <= 60000);
    assert_true(door.held_open_s == 30);
    assert_true(config.opening_hours);
    assert_false(config.journal_shared);
    assert_string_equal(config.wiring.inputs[GH_INPUT_CONTACT].name, "");
    assert_int_equal(door.relay_mode, GH_RELAY_PULSE);
    assert_true(door.hold_max_s == 60 && door.debounce_ms == 50);
    assert_false(door.this_door);
    assert_true(config.journal_limit_mib == 512);
}

static void test_lines_that_are_wired(void **state)
{
    (void)state;
    struct gh_gate_config config;
    const unsigned two = GH_LINE_BIT(GH_LINE_RELAY) | GH_LINE_BIT(GH_LINE_RED);

    assert_loads("[gate]\nstate_dir = /s\ncamera = /c\ndoor = gpio\n"
                 "[door]\nrelay = GPIO17\nlamp_red = GPIO24\nbuzzer =\n",
                 &config);
    assert_true(gh_gate_config_lines(&config) == two);
    assert_loads("[gate]\nstate_dir = /s\ncamera = /c\ndoor = trace\n"
                 "[door]\nrelay = GPIO17\nlamp_red = GPIO24\n",
                 &config);
    assert_true(gh_gate_config_lines(&config) == two);
}

static void test_everything(void **state)
{
    (void)state;
    struct gh_gate_config config;

    assert_loads("[gate]\nstate_dir = /s\ncamera = replay:/r\ndoor = gpio\nlog_level = debug\n"
                 "[camera]\nmax_width = 640\nmax_height = 480\n"
                 "[replay]\nfollow = yes\nframe_interval_ms = 0\nframes_a_still = 1\n"
                 "blanks_a_still = 0\n"
                 "[door]\nchip = gpiochip0\nrelay = GPIO17\nbuzzer = 18\nlamp_green = GPIO22\n"
                 "lamp_yellow = GPIO23\nlamp_red = GPIO24\nactive_low = relay, lamp_red\n"
                 "fail = safe\npulse_ms = 500\ncontact = GPIO25\ncontact_active = closed\n"
                 "held_open_s = 3600\nrelay_mode = toggle\nhold_max_s = 7\ndebounce_ms = 11\n"
                 "this_door = GPIO26\nopening_hours = no\n"
                 "[journal]\nlimit_mib = 16\nshared = yes\n"
                 "[clock]\nbattery = yes\n"
                 "[courier]\nca_file = /ca.pem\nallow_plain_http = yes\npoll_ms = 700\n"
                 "backoff_first_ms = 50\nbackoff_max_ms = 60\n",
                 &config);
    assert_int_equal(gh_gate_config_log_level(&config), GH_LOG_DEBUG);
    assert_int_equal(config.door, GH_DOOR_GPIO);
    assert_true(config.max_width == 640 && config.max_height == 480);
    assert_true(config.follow);
    assert_true(config.frame_interval_ms == 0 && config.frames_a_still == 1);
    assert_true(config.blanks_a_still == 0);
    assert_string_equal(config.wiring.chip, "gpiochip0");
    assert_string_equal(config.wiring.lines[GH_LINE_RELAY].name, "GPIO17");
    assert_string_equal(config.wiring.lines[GH_LINE_BUZZER].name, "18");
    assert_string_equal(config.wiring.lines[GH_LINE_GREEN].name, "GPIO22");
    assert_string_equal(config.wiring.lines[GH_LINE_YELLOW].name, "GPIO23");
    assert_string_equal(config.wiring.lines[GH_LINE_RED].name, "GPIO24");
    assert_true(config.wiring.lines[GH_LINE_RELAY].active_low);
    assert_false(config.wiring.lines[GH_LINE_BUZZER].active_low);
    assert_false(config.wiring.lines[GH_LINE_GREEN].active_low);
    assert_false(config.wiring.lines[GH_LINE_YELLOW].active_low);
    assert_true(config.wiring.lines[GH_LINE_RED].active_low);
    assert_true(gh_gate_config_lines(&config) == LINES_ALL);
    struct gh_door_options door = gh_gate_config_door(&config);
    assert_true(door.fail_safe);
    assert_true(door.pulse_ms == 500);
    assert_true(door.held_open_s == 3600);
    assert_false(config.opening_hours);
    assert_true(config.journal_shared);
    assert_string_equal(config.wiring.inputs[GH_INPUT_CONTACT].name, "GPIO25");
    assert_true(config.wiring.inputs[GH_INPUT_CONTACT].active_low);
    assert_int_equal(door.relay_mode, GH_RELAY_TOGGLE);
    assert_true(door.hold_max_s == 7 && door.debounce_ms == 11);
    assert_true(door.this_door);
    assert_true(config.journal_limit_mib == 16);
    assert_true(config.battery_clock);
    assert_string_equal(config.ca_file, "/ca.pem");
    assert_true(config.allow_plain_http);
    assert_true(config.poll_ms == 700 && config.backoff_first_ms == 50);
    assert_true(config.backoff_max_ms == 60);
}

static void test_log_levels(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        enum gh_log_level level;
    } levels[] = {
        {"error", GH_LOG_ERR}, {"warning", GH_LOG_WARNING}, {"notice", GH_LOG_NOTICE},
        {"info", GH_LOG_INFO}, {"debug", GH_LOG_DEBUG},
    };
    struct gh_gate_config config;

    for (size_t i = 0; i < GH_ARRAY_SIZE(levels); i++) {
        char text[256];
        snprintf(text, sizeof(text), LEAST "log_level = %s\n", levels[i].name);
        assert_loads(text, &config);
        assert_int_equal(gh_gate_config_log_level(&config), levels[i].level);
    }
    assert_refused(LEAST "log_level = loud\n", "log_level");
}

static void test_missing(void **state)
{
    (void)state;
    struct gh_gate_config config;
    struct gh_error err = {0};

    assert_refused("", "state_dir");
    assert_refused("[gate]\ncamera = /dev/video0\ndoor = trace\n", "state_dir");
    assert_refused("[gate]\nstate_dir = /s\ndoor = trace\n", "camera");
    assert_refused("[gate]\nstate_dir = /s\ncamera = /dev/video0\n", "door");
    unlink(path);
    assert_int_equal(gh_gate_config_load(path, &config, &err), GH_ERR_NOTFOUND);
    assert_true(err.text[0] != '\0');
}

static void test_refused(void **state)
{
    (void)state;
    static const struct {
        const char *section, *key, *value;
    } wrong[] = {
        {"door", "pulse_ms", "99"},
        {"door", "pulse_ms", "60001"},
        {"door", "pulse_ms", "-1"},
        {"door", "pulse_ms", "3s"},
        {"door", "pulse_ms", ""},
        {"door", "fail", "open"},
        {"door", "active_low", "relay, bell"},
        {"door", "active_low", "relay lamp"},
        {"door", "relais", "GPIO17"},
        {"camera", "max_width", "0"},
        {"camera", "max_width", "100000"},
        {"camera", "max_height", "1e3"},
        {"replay", "follow", "perhaps"},
        {"replay", "frames_a_still", "0"},
        {"replay", "blanks_a_still", "-1"},
        {"replay", "frame_interval_ms", "-1"},
        {"courier", "poll_ms", "0"},
        {"courier", "backoff_first_ms", "0"},
        {"courier", "backoff_max_ms", "99999999999999999999"},
        {"courier", "allow_plain_http", "2"},
        {"clock", "battery", "full"},
    };

    for (size_t i = 0; i < GH_ARRAY_SIZE(wrong); i++) {
        char text[256];
        snprintf(text, sizeof(text), LEAST "[%s]\n%s = %s\n", wrong[i].section, wrong[i].key,
                 wrong[i].value);
        assert_refused(text, wrong[i].key);
    }
    assert_refused("[gate]\nstate_dir = /s\ncamera = /dev/video0\ndoor = magic\n", "door");
    assert_refused(LEAST "[postman]\npoll_ms = 1000\n", "postman");
    assert_refused(LEAST "[door]\nheld_open_s = 0\n", "held_open_s");
    assert_refused(LEAST "[door]\nheld_open_s = 3601\n", "held_open_s");
    assert_refused(LEAST "[door]\ncontact_active = shut\n", "contact_active");
    assert_refused(LEAST "[journal]\nlimit_mib = 15\n", "limit_mib");
    assert_refused(LEAST "[journal]\nlimit_mib = 1048577\n", "limit_mib");
}

/* Each by itself is fine; together they cannot be meant. */
static void test_contradictions(void **state)
{
    (void)state;
    struct gh_gate_config config;

    assert_refused("[gate]\nstate_dir = /s\ncamera = /dev/video0\ndoor = gpio\n", "relay");
    assert_refused(LEAST "[courier]\nbackoff_first_ms = 2000\nbackoff_max_ms = 1999\n",
                   "backoff_first_ms");
    assert_loads(LEAST "[courier]\nbackoff_first_ms = 2000\nbackoff_max_ms = 2000\n", &config);
    /* One line cannot be two things: the buzzer's pattern would work the relay. */
    assert_refused(LEAST "[door]\nrelay = GPIO17\nbuzzer = GPIO17\n", "GPIO17");
    assert_refused(LEAST "[door]\nrelay = GPIO5\nlamp_green = 6\nlamp_red = 6\n", "6");
    assert_refused(LEAST "[door]\nrelay = GPIO5\nlamp_green = 6\ncontact = 6\n", "contact");
    assert_refused(LEAST "[door]\ncontact = 6\nactive_low = contact\n", "active_low");
}

static void test_active_low(void **state)
{
    (void)state;
    struct gh_gate_config config;

    assert_loads(LEAST "[door]\nactive_low = relay,buzzer,lamp_green,lamp_yellow,lamp_red,"
                       "this_door,exit,guard,tamper,fire,other_door\n",
                 &config);
    for (int line = 0; line < GH_LINE_COUNT; line++)
        assert_true(config.wiring.lines[line].active_low);
    for (int input = 0; input < GH_INPUT_COUNT; input++)
        assert_int_equal(config.wiring.inputs[input].active_low, input != GH_INPUT_CONTACT);
    assert_loads(LEAST "[door]\nactive_low = , buzzer ,\n", &config);
    for (int line = 0; line < GH_LINE_COUNT; line++)
        assert_int_equal(config.wiring.lines[line].active_low, line == GH_LINE_BUZZER);
}

static void test_inputs(void **state)
{
    (void)state;
    struct gh_gate_config config;

    assert_loads(LEAST "[door]\ncontact = A\nexit = B\nguard = C\ntamper = D\nfire = E\n"
                       "other_door = F\nthis_door = G\npull_up = exit fire, contact\n"
                       "pull_down = tamper\ndebounce_ms = 3\n",
                 &config);
    for (int input = 0; input < GH_INPUT_COUNT; input++) {
        const struct gh_gpio_line *line = &config.wiring.inputs[input];
        char name[] = {(char)('A' + input), '\0'};

        assert_string_equal(line->name, name);
        assert_int_equal(line->pull, input == GH_INPUT_TAMPER ? GH_GPIO_PULL_DOWN
                                     : input == GH_INPUT_GUARD || input == GH_INPUT_OTHER_DOOR
                                         ? GH_GPIO_PULL_AS_IS
                                         : GH_GPIO_PULL_UP);
    }
    assert_string_equal(config.wiring.lines[GH_LINE_THIS_DOOR].name, "G");
    assert_true(config.wiring.debounce_us == 3000);
    assert_loads(LEAST "[door]\ndebounce_ms = 1000\n", &config);
    assert_true(config.wiring.debounce_us == 5000);             /* the rest is the door's */
    assert_refused(LEAST "[door]\npull_up = relay\n", "relay"); /* an output drives itself */
    assert_refused(LEAST "[door]\npull_down = bell\n", "bell");
    assert_refused(LEAST "[door]\npull_up = exit\npull_down = exit\n", "pull_down");
    assert_refused(LEAST "[door]\nexit = 5\nfire = 5\n", "exit and fire are both 5");
    assert_refused(LEAST "[door]\nrelay = 5\nother_door = 5\n", "relay and other_door");
}

/* A value that is as long as its field, and one byte longer. */
static void test_long_values(void **state)
{
    (void)state;
    struct gh_gate_config config;
    char name[65], text[512];

    memset(name, 'n', sizeof(name) - 1);
    name[63] = '\0';
    snprintf(text, sizeof(text), LEAST "[door]\nrelay = %s\n", name);
    assert_loads(text, &config);
    assert_string_equal(config.wiring.lines[GH_LINE_RELAY].name, name);
    name[63] = 'n';
    name[64] = '\0';
    snprintf(text, sizeof(text), LEAST "[door]\nrelay = %s\n", name);
    assert_refused(text, "relay");
}

static enum gh_status open_camera(const char *name, struct gh_error *err)
{
    struct gh_gate_config config;
    struct gh_camera camera;

    assert_loads(LEAST, &config);
    snprintf(config.camera, sizeof(config.camera), "%s", name);
    *err = (struct gh_error){.status = GH_OK};
    enum gh_status status = gh_gate_config_camera(&config, gh_clock_system(), &camera, err);
    if (status == GH_OK) {
        assert_true(camera.max_width > 0 && camera.max_height > 0);
        camera.free(camera.context);
    }
    return status;
}

static void test_camera(void **state)
{
    (void)state;
    struct gh_error err;
    char replay[160];

    /* The device need not be there yet. */
    assert_int_equal(open_camera("/dev/gatehouse-no-such-camera", &err), GH_OK);
    assert_int_equal(open_camera("v4l2:/dev/gatehouse-no-such-camera", &err), GH_OK);
    snprintf(replay, sizeof(replay), "replay:%s", folder);
    assert_int_equal(open_camera(replay, &err), GH_OK);
    snprintf(replay, sizeof(replay), "replay:%s/nothing-here", folder);
    assert_int_not_equal(open_camera(replay, &err), GH_OK);
    assert_true(err.text[0] != '\0');
}

#define NO_CAMERA "[gate]\nstate_dir = /s\ncamera =\ndoor = trace\n"

/* A gate may have scanners only; but nothing to read codes with it may not have. */
static void test_no_camera(void **state)
{
    (void)state;
    struct gh_gate_config config;
    struct gh_camera camera;
    struct gh_error err = {0};

    assert_refused(NO_CAMERA, "neither a camera nor a scanner");
    assert_refused(NO_CAMERA "[scanner]\ndevice =\nbaud = 9600\n", "neither");
    assert_loads(NO_CAMERA "[scanner]\ndevice = /dev/ttyACM0\n", &config);
    assert_loads(NO_CAMERA "[keyboard]\ndevice = /dev/input/event0\n", &config);
    assert_int_equal(gh_gate_config_camera(&config, gh_clock_system(), &camera, &err), GH_OK);
    camera.free(camera.context);
}

static void test_readers(void **state)
{
    (void)state;
    struct gh_gate_config config;
    const struct gh_clock *clock = gh_clock_system();

    assert_loads(LEAST, &config);
    struct gh_readers_options readers = gh_gate_config_readers(&config, clock);
    assert_string_equal(readers.scanner, "");
    assert_string_equal(readers.keyboard, "");
    assert_true(readers.scanner_baud == 115200);
    assert_int_equal(readers.scanner_framing, GH_FRAMING_LINE);
    assert_ptr_equal(readers.clock, clock);
    assert_null(readers.evdev_ioctl);
    assert_string_equal(gh_gate_config_thermometer(&config, clock, NULL).sensor, "");

    assert_loads(LEAST "[scanner]\ndevice = /dev/serial/by-id/x\nbaud = 9600\nframing = stx-etx\n"
                       "[keyboard]\ndevice = /dev/input/by-id/y\n"
                       "[temperature]\nsensor = mlx90614\noffset_millic = -300\n"
                       "least_millic = 34500\n",
                 &config);
    readers = gh_gate_config_readers(&config, clock);
    assert_string_equal(readers.scanner, "/dev/serial/by-id/x");
    assert_string_equal(readers.keyboard, "/dev/input/by-id/y");
    assert_true(readers.scanner_baud == 9600);
    assert_int_equal(readers.scanner_framing, GH_FRAMING_STX_ETX);
    struct gh_thermometer_options thermometer = gh_gate_config_thermometer(&config, clock, NULL);
    assert_string_equal(thermometer.sensor, "mlx90614");
    assert_string_equal(thermometer.iio_root, "/sys/bus/iio/devices");
    assert_true(thermometer.offset_millic == -300);
    assert_true(thermometer.least_millic == 34500);

    assert_refused(LEAST "[scanner]\nbaud = 14400\n", "14400");
    assert_refused(LEAST "[scanner]\nbaud = 300\n", "baud");
    assert_refused(LEAST "[scanner]\nframing = lines\n", "framing");
    assert_refused(LEAST "[scanner]\ndevice = ttyACM0\n", "ttyACM0");
    assert_refused(LEAST "[keyboard]\ndevice = event0\n", "event0");
    assert_refused(LEAST "[temperature]\noffset_millic = 20001\n", "offset_millic");
    assert_refused(LEAST "[temperature]\nleast_millic = 29999\n", "least_millic");
    assert_refused(LEAST "[temperature]\nleast_millic = 36001\n", "least_millic");
}

/* What no start would get over is refused where it stands, not by each start anew. */
static void test_what_no_start_gets_over(void **state)
{
    (void)state;
    static const char *const nonsense[] = {"video0", "v4l2:", "v4l2:video0", "usb:/dev/video0"};
    char text[128];

    for (size_t i = 0; i < GH_ARRAY_SIZE(nonsense); i++) {
        snprintf(text, sizeof(text), "[gate]\nstate_dir = /s\ncamera = %s\ndoor = trace\n",
                 nonsense[i]);
        assert_refused(text, "neither a device");
    }
    assert_refused("[gate]\nstate_dir = /s\ncamera =\ndoor = trace\ntime_zone = ../etc\n"
                   "[scanner]\ndevice = /d\n",
                   "no name of a time zone");
    assert_refused(LEAST "[sound]\nlanguages = ../zh\n", "../zh");
    assert_refused(LEAST "[sound]\nlanguages = a,b,c,d,e\n", "at most 4");
    assert_refused(LEAST "[sound]\nlanguages = a-language-of-one-name\n", "[sound]");
}

static void test_door_io(void **state)
{
    (void)state;
    struct gh_gate_config config;
    struct gh_door_io io;
    struct gh_error err = {0};

    assert_loads(LEAST, &config);
    assert_int_equal(gh_gate_config_door_io(&config, 0, gh_clock_system(), &io, &err), GH_OK);
    assert_int_equal(io.inputs_wired, 0);
    io.free(io.context);
    assert_loads(LEAST "[door]\ncontact_active = open\ninputs_file = /none\n", &config);
    assert_false(config.wiring.inputs[GH_INPUT_CONTACT].active_low);
    assert_int_equal(gh_gate_config_door_io(&config, 0, gh_clock_system(), &io, &err), GH_OK);
    assert_int_equal(io.inputs(io.context).known, 0);
    io.free(io.context);
    assert_loads("[gate]\nstate_dir = /s\ncamera = /dev/video0\ndoor = gpio\n"
                 "[door]\nchip = gatehouse-no-such-chip\nrelay = GPIO17\n",
                 &config);
    assert_int_equal(gh_gate_config_door_io(&config, 0, gh_clock_system(), &io, &err),
                     GH_ERR_NOTFOUND);
    assert_true(err.text[0] != '\0');
}

/* What is shipped as the example can be used as it is. */
static void test_example(void **state)
{
    (void)state;
    static const char example[] = "docs/gatehouse-gate.ini";
    struct gh_gate_config config;
    struct gh_error err = {0};

    if (access(example, R_OK) != 0)
        skip(); /* not run from the top of the tree */
    if (gh_gate_config_load(example, &config, &err) != GH_OK)
        fail_msg("%s", err.text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_defaults),       cmocka_unit_test(test_lines_that_are_wired),
        cmocka_unit_test(test_everything),     cmocka_unit_test(test_log_levels),
        cmocka_unit_test(test_missing),        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_contradictions), cmocka_unit_test(test_active_low),
        cmocka_unit_test(test_inputs),         cmocka_unit_test(test_long_values),
        cmocka_unit_test(test_camera),         cmocka_unit_test(test_door_io),
        cmocka_unit_test(test_example),        cmocka_unit_test(test_no_camera),
        cmocka_unit_test(test_readers),        cmocka_unit_test(test_what_no_start_gets_over),
    };
    return cmocka_run_group_tests(tests, setup, remove_folder);
}
