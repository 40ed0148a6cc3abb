/* SPDX-License-Identifier: Apache-2.0 */
/* gatehouse-gate --check: looks at everything that the configuration names, and says what is there
 * and what is wrong. */
#include "gate/daemon.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "gate/courier.h"
#include "gate/time_zone.h"
#include "gatehouse/file.h"

/* says: behind "ok". */
static bool report_words(const char *what, enum gh_status status, const char *says,
                         const struct gh_error *err)
{
    const char *detail = err->text[0] ? err->text : gh_status_text(status);

    if (status == GH_OK)
        printf("%-12s ok%s%s\n", what, says[0] ? ", " : "", says);
    else
        printf("%-12s WRONG: %s\n", what, detail);
    return status == GH_OK;
}

static bool report(const char *what, enum gh_status status, const struct gh_error *err)
{
    return report_words(what, status, "", err);
}

/* What another program holds is there: the gate that runs for one has whatever is configured. */
static bool report_device(const char *what, enum gh_status status, const char *says,
                          const struct gh_error *err)
{
    if (status != GH_ERR_BUSY)
        return report_words(what, status, says, err);
    printf("%-12s there, in use by another program: by the gate, if it runs\n", what);
    return true;
}

static bool check_state(const struct gh_gate_config *config)
{
    char path[PATH_MAX];
    struct gh_error err = {0};
    struct gh_identity identity;

    enum gh_status status = gh_dir_make(config->state_dir, 0700, &err);
    if (status == GH_OK && access(config->state_dir, W_OK | X_OK) != 0)
        status = gh_fail(&err, GH_ERR_DENIED, "%s cannot be written", config->state_dir);
    bool good = report("state", status, &err);

    err = (struct gh_error){0};
    status = gh_courier_identity_path(config->state_dir, path);
    if (status == GH_OK)
        status = gh_identity_load(path, &identity, &err);
    if (status == GH_ERR_NOTFOUND || (status == GH_OK && !identity.enrolled)) {
        printf("%-12s not enrolled: show it an enrolment code\n", "enrolment");
    } else if (status == GH_OK) {
        printf("%-12s \"%s\" in \"%s\" at %s\n", "enrolment", identity.name, identity.area,
               identity.url);
    } else {
        good = report("enrolment", status, &err) && good;
    }
    gh_wipe(&identity, sizeof(identity));
    return good;
}

static bool check_camera(const struct gh_gate_config *config)
{
    struct gh_error err = {0};
    struct gh_camera camera;
    struct gh_frame frame;

    if (config->camera[0] == '\0') {
        printf("%-12s none: scanners read the codes\n", "camera");
        return true;
    }
    enum gh_status status = gh_gate_config_camera(config, gh_clock_system(), &camera, &err);
    if (status != GH_OK)
        return report("camera", status, &err);
    status = camera.next(camera.context, 3000, &frame, &err);
    if (status == GH_OK)
        printf("%-12s ok, %ux%u\n", "camera", frame.width, frame.height);
    /* An empty folder that is followed, or a camera that is slow to wake up, is no fault of the
     * configuration. */
    else if (status == GH_ERR_AGAIN || status == GH_ERR_END)
        printf("%-12s there, but no frame came within 3 s\n", "camera");
    else
        (void)report_device("camera", status, "", &err);
    camera.free(camera.context);
    return status == GH_OK || status == GH_ERR_AGAIN || status == GH_ERR_END ||
           status == GH_ERR_BUSY;
}

/* --- the door --- */

static bool check_line(const struct gh_gpio_seen *seen)
{
    if (seen->name[0] == '\0')
        return true;
    if (seen->wrong[0] != '\0') {
        printf("%-12s WRONG: %s\n", seen->what, seen->wrong);
        return false;
    }
    printf("%-12s ok, line %d of %s (%s)", seen->what, seen->offset, seen->chip, seen->label);
    if (seen->line_name[0] != '\0')
        printf(", named %s", seen->line_name);
    if (seen->user[0] != '\0')
        printf(", in use by %s", seen->user);
    printf("\n");
    return true;
}

/* Somebody believes it to be wired, and nothing listens there. */
static bool check_left_out(const char *what, const struct gh_gpio_line *line, bool marked)
{
    if (line->name[0] != '\0' || !marked)
        return true;
    printf("%-12s WRONG: active_low, pull_up or pull_down names it, and %s = names no line\n", what,
           what);
    return false;
}

static bool check_marks(const struct gh_gpio_wiring *wiring)
{
    bool good = true;

    for (unsigned i = 0; i < GH_LINE_COUNT; i++) {
        const struct gh_gpio_line *line = &wiring->lines[i];
        good = check_left_out(gh_line_name((enum gh_line)i), line, line->active_low) && good;
    }
    for (unsigned i = 0; i < GH_INPUT_COUNT; i++) {
        const struct gh_gpio_line *line = &wiring->inputs[i];
        /* The contact's level has a key of its own, which may stand there without one. */
        bool marked =
            line->pull != GH_GPIO_PULL_AS_IS || (line->active_low && i != GH_INPUT_CONTACT);
        good = check_left_out(gh_input_name((enum gh_input)i), line, marked) && good;
    }
    return good;
}

/* Of two doors the other one goes by what this one's contact says. */
static bool check_interlock(const struct gh_gpio_wiring *wiring)
{
    if (wiring->lines[GH_LINE_THIS_DOOR].name[0] == '\0' ||
        wiring->inputs[GH_INPUT_CONTACT].name[0] != '\0')
        return true;
    printf("%-12s WRONG: without a contact it cannot tell the other gate that this door stands "
           "open\n",
           gh_line_name(GH_LINE_THIS_DOOR));
    return false;
}

/* *held: a gate that runs, say, has the lines. */
static bool check_lines(const struct gh_gate_config *config, bool *held)
{
    struct gh_gpio_look look;
    bool good = true;

    gh_door_gpio_look(&config->wiring, &look);
    for (size_t i = 0; i < GH_LINE_COUNT; i++)
        good = check_line(&look.lines[i]) && good;
    for (size_t i = 0; i < GH_INPUT_COUNT; i++)
        good = check_line(&look.inputs[i]) && good;
    *held = look.lines[GH_LINE_RELAY].user[0] != '\0';
    good = check_marks(&config->wiring) && good;
    return check_interlock(&config->wiring) && good;
}

/* One that cannot be read now may be in a file that somebody has yet to write. */
static void check_inputs(const struct gh_door_io *io)
{
    static const char *const words[GH_INPUT_COUNT][2] = {
        [GH_INPUT_CONTACT] = {"the door is shut", "the door is open"},
        [GH_INPUT_EXIT] = {"not pressed", "pressed"},
        [GH_INPUT_GUARD] = {"not pressed", "pressed"},
        [GH_INPUT_TAMPER] = {"the housing is shut", "the housing is open"},
        [GH_INPUT_FIRE] = {"no alarm", "fire alarm"},
        [GH_INPUT_OTHER_DOOR] = {"shut and locked", "not shut and locked"},
    };
    struct gh_door_inputs found = {0};

    if (io->inputs)
        found = io->inputs(io->context);
    if ((io->inputs_wired & GH_INPUT_BIT(GH_INPUT_CONTACT)) == 0)
        printf("%-12s none: what becomes of those who are let in is not known\n", "contact");
    for (unsigned i = 0; i < GH_INPUT_COUNT; i++) {
        unsigned bit = GH_INPUT_BIT(i);
        if ((io->inputs_wired & bit) == 0)
            continue;
        if (found.known & bit)
            printf("%-12s ok, %s\n", gh_input_name((enum gh_input)i),
                   words[i][(found.active & bit) != 0]);
        else
            printf("%-12s there, but it cannot be read\n", gh_input_name((enum gh_input)i));
    }
}

static bool check_door(const struct gh_gate_config *config)
{
    struct gh_error err = {0};
    struct gh_door_io io;
    bool held = false;

    bool there = config->door != GH_DOOR_GPIO || check_lines(config, &held);
    if (!there || held)
        return there;
    enum gh_status status = gh_gate_config_door_io(config, 0, gh_clock_system(), &io, &err);
    bool good = report_words(
        "door", status, config->door == GH_DOOR_TRACE ? "a trace on standard output" : "", &err);
    if (status != GH_OK)
        return good;
    check_inputs(&io);
    io.free(io.context);
    return good;
}

/* The daemon starts without, and never reaches its server. */
static bool check_ca_file(const struct gh_gate_config *config)
{
    struct gh_error err = {0};

    if (config->ca_file[0] == '\0')
        return true;
    if (access(config->ca_file, R_OK) != 0)
        (void)gh_fail(&err, gh_status_from_errno(errno), "%s: %s", config->ca_file,
                      strerror(errno));
    return report("ca_file", err.status, &err);
}

static bool check_time_zone(const struct gh_gate_config *config)
{
    struct gh_error err = {0};

    if (config->time_zone[0] == '\0')
        return true;
    return report("time zone", gh_time_zone_check(config->time_zone, &err), &err);
}

/* --- what else is plugged in --- */

static bool check_readers(const struct gh_gate_config *config)
{
    struct gh_readers_options options = gh_gate_config_readers(config, gh_clock_system());
    char says[GH_READER_SAYS_BYTES] = "";
    struct gh_error err = {0};
    bool good = true;

    if (config->scanner_device[0]) {
        enum gh_status status = gh_readers_check_scanner(&options, says, &err);
        good = report_device("scanner", status, says, &err);
    }
    if (config->keyboard_device[0]) {
        err = (struct gh_error){0};
        enum gh_status status = gh_readers_check_keyboard(&options, says, &err);
        good = report_device("keyboard", status, says, &err) && good;
    }
    return good;
}

static bool check_thermometer(const struct gh_gate_config *config)
{
    char says[GH_THERMOMETER_SAYS_BYTES] = "";
    struct gh_error err = {0};

    if (config->temperature_sensor[0] == '\0')
        return true;
    struct gh_thermometer_options options =
        gh_gate_config_thermometer(config, gh_clock_system(), NULL);
    return report_words("thermometer", gh_thermometer_check(&options, says, &err), says, &err);
}

/* A device that another program holds, the gate that runs for one, is there. */
static bool check_sound(const struct gh_gate_config *config)
{
    struct gh_voice_options options = gh_gate_config_voice(config, gh_clock_system(), NULL);
    char says[GH_VOICE_SAYS_BYTES] = "";
    struct gh_error err = {0};

    if (config->sound_device[0] == '\0')
        return true;
    return report_words("sound", gh_voice_check(&options, says, &err), says, &err);
}

enum gh_status gh_daemon_check(const struct gh_gate_config *config)
{
    bool state = check_state(config);
    bool camera = check_camera(config);
    bool door = check_door(config);
    bool readers = check_readers(config);
    bool thermometer = check_thermometer(config);
    bool sound = check_sound(config);
    bool zone = check_time_zone(config);
    bool ca_file = check_ca_file(config);

    return state && camera && door && readers && thermometer && sound && zone && ca_file
               ? GH_OK
               : GH_ERR_INVALID;
}
