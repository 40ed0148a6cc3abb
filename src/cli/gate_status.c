/* SPDX-License-Identifier: Apache-2.0 */
/* `gate status`: how the gate on this board is, in one glance; what is wrong comes last, and makes
 * the exit code 1. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "cli/client.h"
#include "cli/local.h"
#include "cli/options.h"
#include "cli/output.h"
#include "gatehouse/bytes.h"
#include "gatehouse/file.h"

#define WRONG_MAX 24
#define WRONG_BYTES 320

/* What is wrong, in sentences. */
struct wrong {
    char text[WRONG_MAX][WRONG_BYTES];
    size_t count;
};

static void GH_PRINTF(2, 3) say_wrong(struct wrong *wrong, const char *format, ...)
{
    va_list arguments;

    if (wrong->count == WRONG_MAX)
        return;
    va_start(arguments, format);
    (void)vsnprintf(wrong->text[wrong->count++], WRONG_BYTES, format, arguments);
    va_end(arguments);
}

static long long number_of(const json_t *object, const char *name)
{
    return (long long)json_integer_value(json_object_get(object, name));
}

static bool is_true(const json_t *object, const char *name)
{
    return json_is_true(json_object_get(object, name));
}

/* What stands before each line. */
static void head(const char *what)
{
    (void)printf("%-12s", what);
}

static void plain(const char *text)
{
    gh_put_plain(text, stdout);
}

static void print_gate(const json_t *state, struct wrong *wrong)
{
    const json_t *gate = json_object_get(state, "gate");

    head("gate");
    if (!is_true(gate, "enrolled")) {
        (void)printf("not enrolled\n");
        say_wrong(wrong, "the gate is not enrolled: show it an enrolment code");
        return;
    }
    plain(gh_json_text(gate, "name"));
    (void)printf(" in ");
    plain(gh_json_text(gate, "area"));
    (void)printf(" at ");
    plain(gh_json_text(gate, "server"));
    (void)printf("\n");
}

static void print_words(const json_t *array, const char *none)
{
    size_t index;
    json_t *word;

    if (json_array_size(array) == 0)
        (void)printf("%s", none);
    json_array_foreach(array, index, word)
    {
        (void)printf(index > 0 ? ", " : "");
        plain(json_string_value(word));
    }
}

static void print_inputs(const json_t *door, struct wrong *wrong)
{
    json_t *inputs = json_object_get(door, "inputs"), *level;
    const char *name, *comma = "";

    if (json_object_size(inputs) == 0)
        return;
    head("inputs");
    json_object_foreach(inputs, name, level)
    {
        const char *text = json_string_value(level);
        (void)printf("%s", comma);
        plain(name);
        (void)printf(" ");
        plain(text ? text : "");
        comma = ", ";
        if (text && strcmp(text, "unknown") == 0)
            say_wrong(wrong, "the input %.20s cannot be read", name);
        if (text && strcmp(text, "active") == 0 &&
            (strcmp(name, "fire") == 0 || strcmp(name, "tamper") == 0))
            say_wrong(wrong, "the input %.20s is active", name);
    }
    (void)printf("\n");
}

/* As the door's contact and inputs have it. */
static void print_door_troubles(const json_t *door, struct wrong *wrong)
{
    size_t index;
    json_t *name;

    if (is_true(door, "stuck"))
        say_wrong(wrong, "the door's lines cannot be set");
    if (is_true(door, "keeper_late"))
        say_wrong(wrong, "the door's keeper does not answer: the gate is about to start anew");
    if (is_true(door, "forced"))
        say_wrong(wrong, "the door was forced, and is not shut again");
    if (is_true(door, "held"))
        say_wrong(wrong, "the door is held open");
    json_array_foreach(json_object_get(door, "chattering"), index, name)
    {
        const char *input = json_string_value(name);
        say_wrong(wrong, "the input %.20s does not come to rest", input ? input : "");
    }
}

static void print_door(const json_t *state, struct wrong *wrong)
{
    const json_t *door = json_object_get(state, "door");
    const json_t *causes = json_object_get(door, "unlocked_by");

    head("door");
    (void)printf(json_array_size(causes) > 0 ? "unlocked by " : "locked");
    print_words(causes, "");
    (void)printf("; lines on: ");
    print_words(json_object_get(door, "lines"), "none");
    (void)printf("\n");
    print_door_troubles(door, wrong);
    print_inputs(door, wrong);
}

static void print_list(const json_t *state, struct wrong *wrong)
{
    const json_t *list = json_object_get(state, "list");

    head("list");
    if (!is_true(list, "usable")) {
        (void)printf("none\n");
        say_wrong(wrong, "there is no list: nobody is let in");
        return;
    }
    (void)printf("generation %lld: %lld people, %lld homes; the server's word of %s\n",
                 number_of(list, "generation"), number_of(list, "persons"),
                 number_of(list, "homes"), gh_json_text(list, "issued_at"));
}

static void print_clock(const json_t *state, struct wrong *wrong)
{
    const json_t *clock = json_object_get(state, "clock");

    head("clock");
    (void)printf("%s, %s\n", gh_json_text(clock, "time"),
                 is_true(clock, "trusted") ? "trusted" : "not trusted");
    if (!is_true(clock, "trusted"))
        say_wrong(wrong, "the clock is not trusted: nobody is let in until NTP or the server has "
                         "confirmed it");
    if (is_true(clock, "zone_missing"))
        say_wrong(wrong, "the gate's time_zone is not known on this machine: opening hours unlock "
                         "nothing");
}

static void print_journal(const json_t *state, struct wrong *wrong)
{
    const json_t *journal = json_object_get(state, "journal");
    long long last = number_of(journal, "last"), had = number_of(journal, "acknowledged");

    head("journal");
    if (!is_true(journal, "open")) {
        (void)printf("cannot be opened\n");
        if (is_true(json_object_get(state, "gate"), "enrolled"))
            say_wrong(wrong, "the journal cannot be opened: nobody is let in");
    } else {
        (void)printf("entries up to %lld, the server has them up to %lld; %.1f MiB\n", last, had,
                     (double)number_of(journal, "bytes") / (1 << 20));
    }
    if (number_of(journal, "waiting") > 0)
        say_wrong(wrong, "%lld entries could not be written yet: is the disk full?",
                  number_of(journal, "waiting"));
    if (number_of(journal, "lost") > 0)
        say_wrong(wrong, "%lld entries are lost", number_of(journal, "lost"));
}

static void print_passages(const json_t *state)
{
    const json_t *passages = json_object_get(state, "passages");
    const json_t *last = json_object_get(passages, "last");
    long long omitted = number_of(json_object_get(state, "journal"), "omitted");

    head("passages");
    (void)printf("open %lld, guard %lld, deny %lld since the start", number_of(passages, "open"),
                 number_of(passages, "guard"), number_of(passages, "deny"));
    if (omitted > 0)
        (void)printf("; %lld of them without an entry of their own", omitted);
    (void)putchar('\n');
    if (!last)
        return;
    head("last");
    plain(gh_json_text(last, "outcome"));
    (void)printf(": ");
    plain(gh_json_text(last, "text"));
    (void)printf(" (%s", gh_json_text(last, "at"));
    if (number_of(last, "entry") > 0)
        (void)printf(", entry %lld", number_of(last, "entry"));
    (void)puts(")");
}

/* A device that is or is not there, and what is wrong with it. */
static void print_device(const json_t *devices, const char *name, const char *there,
                         struct wrong *wrong)
{
    const json_t *device = json_object_get(devices, name);

    if (!device)
        return;
    bool good = is_true(device, there);
    const char *trouble = gh_json_text(device, "trouble");
    head(name);
    (void)printf(good ? "ok" : "not in use");
    if (trouble[0]) {
        (void)printf(": ");
        plain(trouble);
        say_wrong(wrong, "%s: %s", name, trouble);
    }
    (void)printf("\n");
}

static void print_devices(const json_t *state, struct wrong *wrong)
{
    const json_t *devices = json_object_get(state, "devices");
    const json_t *camera = json_object_get(devices, "camera");

    print_device(devices, "camera", "open", wrong);
    if (camera) {
        head("");
        (void)printf("%lld frames, %lld broken; %lld codes from all sources\n",
                     number_of(camera, "frames"), number_of(camera, "broken_frames"),
                     number_of(camera, "codes"));
    }
    print_device(devices, "scanner", "open", wrong);
    print_device(devices, "keyboard", "open", wrong);
    print_device(devices, "thermometer", "reads", wrong);
    print_device(devices, "sound", "open", wrong);
    if (number_of(json_object_get(devices, "sound"), "prompts_missing") > 0)
        say_wrong(wrong, "%lld prompts have no sound file",
                  number_of(json_object_get(devices, "sound"), "prompts_missing"));
}

static int print_state(const json_t *state)
{
    struct wrong wrong = {.count = 0};

    print_gate(state, &wrong);
    print_door(state, &wrong);
    print_passages(state);
    print_list(state, &wrong);
    print_clock(state, &wrong);
    print_journal(state, &wrong);
    print_devices(state, &wrong);
    head("program");
    (void)printf("version %s, up %lld s, %.1f MiB\n", gh_json_text(state, "version"),
                 number_of(state, "uptime_s"),
                 (double)number_of(state, "memory_bytes") / (1 << 20));
    for (size_t i = 0; i < wrong.count; i++) {
        head(i == 0 ? "WRONG" : "");
        plain(wrong.text[i]);
        (void)printf("\n");
    }
    return wrong.count == 0 ? GH_EXIT_OK : GH_EXIT_NO;
}

static int print_metrics(const char *socket_path)
{
    GH_CLEANUP_FREE char *answer = NULL;
    struct gh_error err = {0};

    if (gh_local_ask(socket_path, "metrics", &answer, &err) != GH_OK)
        return gh_complain(&err);
    (void)fputs(answer, stdout);
    return GH_EXIT_OK;
}

int gh_command_gate_status(const char *usage, int argc, char **argv)
{
    const char *socket_path = GH_LOCAL_SOCKET;
    bool json = false, metrics = false;
    const struct gh_option options[] = {{.name = "socket", .value = &socket_path},
                                        {.name = "json", .flag = &json},
                                        {.name = "metrics", .flag = &metrics}};
    const struct gh_syntax syntax = {"gate status", usage, options, GH_ARRAY_SIZE(options), 0, 0};
    GH_CLEANUP_JSON json_t *state = NULL;
    struct gh_error err = {0};
    char **operands;
    int count;

    int code = gh_options_parse(&syntax, argc, argv, &operands, &count);
    if (code != GH_GO_ON)
        return code;
    if (metrics)
        return print_metrics(socket_path);
    if (gh_local_state(socket_path, &state, &err) != GH_OK)
        return gh_complain(&err);
    if (!json)
        return print_state(state);
    gh_print_json(state);
    return GH_EXIT_OK;
}
