/* SPDX-License-Identifier: Apache-2.0 */
/* `gate status`: how the gate on this board is, in one glance; what is wrong comes last, and makes
 * the exit code 1. */
#include <stdio.h>
#include <string.h>

#include "cli/client.h"
#include "cli/gate_wrong.h"
#include "cli/local.h"
#include "cli/options.h"
#include "cli/output.h"
#include "gatehouse/bytes.h"
#include "gatehouse/file.h"

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

static void print_gate(const json_t *state)
{
    const json_t *gate = json_object_get(state, "gate");

    head("gate");
    if (!is_true(gate, "enrolled")) {
        (void)printf("not enrolled\n");
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

static void print_inputs(const json_t *door)
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
    }
    (void)printf("\n");
}

static void print_door(const json_t *state)
{
    const json_t *door = json_object_get(state, "door");
    const json_t *causes = json_object_get(door, "unlocked_by");

    head("door");
    (void)printf(json_array_size(causes) > 0 ? "unlocked by " : "locked");
    print_words(causes, "");
    (void)printf("; lines on: ");
    print_words(json_object_get(door, "lines"), "none");
    (void)printf("\n");
    print_inputs(door);
}

static void print_server(const json_t *state)
{
    const json_t *server = json_object_get(state, "server");
    const char *trouble = gh_json_text(server, "trouble");

    if (!server || !is_true(json_object_get(state, "gate"), "enrolled"))
        return;
    head("server");
    if (is_true(server, "heard"))
        (void)printf("answered %lld s ago", gh_json_number(server, "heard_s_ago"));
    else
        (void)printf("has not answered since the start");
    if (trouble[0]) {
        (void)printf("; ");
        plain(trouble);
    }
    (void)printf("\n");
}

static void print_list(const json_t *state)
{
    const json_t *list = json_object_get(state, "list");

    head("list");
    if (!is_true(list, "usable")) {
        (void)printf("none\n");
        return;
    }
    (void)printf("generation %lld: %lld people, %lld homes; the server's word of %s\n",
                 gh_json_number(list, "generation"), gh_json_number(list, "persons"),
                 gh_json_number(list, "homes"), gh_json_text(list, "issued_at"));
}

static void print_clock(const json_t *state)
{
    const json_t *clock = json_object_get(state, "clock");

    head("clock");
    (void)printf("%s, %s\n", gh_json_text(clock, "time"),
                 is_true(clock, "trusted") ? "trusted" : "not trusted");
}

static void print_journal(const json_t *state)
{
    const json_t *journal = json_object_get(state, "journal");
    long long last = gh_json_number(journal, "last"), had = gh_json_number(journal, "acknowledged");

    head("journal");
    if (!is_true(journal, "open"))
        (void)printf("cannot be opened\n");
    else
        (void)printf("entries up to %lld, the server has them up to %lld; %.1f MiB\n", last, had,
                     (double)gh_json_number(journal, "bytes") / (1 << 20));
}

static void print_passages(const json_t *state)
{
    const json_t *passages = json_object_get(state, "passages");
    const json_t *last = json_object_get(passages, "last");
    long long omitted = gh_json_number(json_object_get(state, "journal"), "omitted");

    head("passages");
    (void)printf("open %lld, guard %lld, deny %lld since the start",
                 gh_json_number(passages, "open"), gh_json_number(passages, "guard"),
                 gh_json_number(passages, "deny"));
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
    if (gh_json_number(last, "entry") > 0)
        (void)printf(", entry %lld", gh_json_number(last, "entry"));
    (void)puts(")");
}

/* A device that is or is not there, and what is wrong with it. */
static void print_device(const json_t *devices, const char *name, const char *there)
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
    }
    (void)printf("\n");
}

static void print_devices(const json_t *state)
{
    const json_t *devices = json_object_get(state, "devices");
    const json_t *camera = json_object_get(devices, "camera");

    print_device(devices, "camera", "open");
    if (camera) {
        head("");
        (void)printf("%lld frames, %lld broken; %lld codes from all sources\n",
                     gh_json_number(camera, "frames"), gh_json_number(camera, "broken_frames"),
                     gh_json_number(camera, "codes"));
    }
    print_device(devices, "scanner", "open");
    print_device(devices, "keyboard", "open");
    print_device(devices, "thermometer", "reads");
    print_device(devices, "sound", "open");
}

static int print_state(const json_t *state)
{
    struct gh_wrong wrong;

    print_gate(state);
    print_door(state);
    print_passages(state);
    print_server(state);
    print_list(state);
    print_clock(state);
    print_journal(state);
    print_devices(state);
    head("program");
    (void)printf("version %s, up %lld s, %.1f MiB\n", gh_json_text(state, "version"),
                 gh_json_number(state, "uptime_s"),
                 (double)gh_json_number(state, "memory_bytes") / (1 << 20));
    gh_gate_wrong(state, &wrong);
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
