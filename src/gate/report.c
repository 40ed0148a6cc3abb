/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/report.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "gatehouse/file.h"

uint64_t gh_resident_bytes(void)
{
    GH_CLEANUP_FILE FILE *file = fopen("/proc/self/statm", "re");
    unsigned long long whole, resident;

    if (!file || fscanf(file, "%llu %llu", &whole, &resident) != 2)
        return 0;
    return (uint64_t)resident * (uint64_t)sysconf(_SC_PAGESIZE);
}

/* --- JSON; a member that could not be made makes the whole NULL in the end --- */

static json_t *number(uint64_t value)
{
    return json_integer(value > INT64_MAX ? INT64_MAX : (json_int_t)value);
}

static json_t *time_text(int64_t time_s)
{
    char text[GH_TIME_TEXT_BYTES];

    gh_time_format(time_s, text);
    return json_string(text);
}

/* What failed may say so in a server's own words, cut anywhere: a text that is no UTF-8 has '?' in
 * place of all that is not ASCII. */
static json_t *trouble_text(const char *trouble)
{
    char plain[GH_ERROR_TEXT_BYTES];
    size_t size = 0;
    json_t *text = json_string(trouble);

    if (text)
        return text;
    for (; size < sizeof(plain) - 1 && trouble[size] != '\0'; size++)
        plain[size] = (char)((unsigned char)trouble[size] < 0x80 ? trouble[size] : '?');
    plain[size] = '\0';
    return json_string(plain);
}

static json_t *gate_json(const struct gh_gate_state *gate)
{
    char id[GH_ID_TEXT_BYTES];

    if (!gate->enrolled)
        return json_pack("{s:b}", "enrolled", 0);
    gh_id_format(gate->id, id);
    return json_pack("{s:b, s:s, s:s, s:s, s:s}", "enrolled", 1, "id", id, "name", gate->name,
                     "area", gate->area, "server", gate->url);
}

static json_t *list_json(const struct gh_gate_state *gate)
{
    if (!gate->list.usable)
        return json_pack("{s:b}", "usable", 0);
    return json_pack("{s:b, s:o, s:o, s:o, s:o, s:I, s:b, s:b}", "usable", 1, "generation",
                     number(gate->list.generation), "persons", number(gate->list.persons), "homes",
                     number(gate->list.homes), "issued_at", time_text(gate->list.issued_at_s),
                     "age_s", (json_int_t)gate->list.age_s, "stale", gate->list.stale, "too_old",
                     gate->list.too_old);
}

static int64_t seconds_since(const struct gh_report *report, int64_t at_ns)
{
    return (report->now_ns - at_ns) / GH_NS_PER_S;
}

/* The server has taken none for as long as it takes a list to be stale. */
static int64_t entries_held_s(const struct gh_report *report)
{
    const struct gh_courier_state *courier = &report->courier;
    int64_t held_s = courier->entries_fail ? seconds_since(report, courier->entries_failing_ns) : 0;
    int64_t limit_s = report->gate.list.stale_age_s > 0 ? report->gate.list.stale_age_s
                                                        : gh_policy_initial().list_stale_age_s;

    return held_s > limit_s ? held_s : 0;
}

static json_t *server_json(const struct gh_report *report)
{
    const struct gh_courier_state *courier = &report->courier;
    json_t *object = json_pack("{s:b, s:b, s:o, s:I}", "heard", courier->heard, "refuses",
                               courier->refused, "trouble", trouble_text(courier->trouble),
                               "entries_held_s", (json_int_t)entries_held_s(report));

    if (courier->heard)
        (void)json_object_set_new(
            object, "heard_s_ago",
            json_integer((json_int_t)seconds_since(report, courier->heard_ns)));
    return object;
}

static json_t *journal_json(const struct gh_gate_state *gate)
{
    return json_pack("{s:b, s:b, s:o, s:o, s:o, s:o, s:o, s:o}", "open", gate->journal.open,
                     "large", gate->journal.large, "last", number(gate->journal.last),
                     "acknowledged", number(gate->journal.acknowledged), "bytes",
                     number(gate->journal.bytes), "waiting", number(gate->journal.waiting), "lost",
                     number(gate->journal.lost), "omitted", number(gate->journal.omitted));
}

static json_t *passages_json(const struct gh_gate_state *gate)
{
    json_t *object =
        json_pack("{s:o, s:o, s:o}", "open", number(gate->passages.decided[GH_OUTCOME_OPEN]),
                  "guard", number(gate->passages.decided[GH_OUTCOME_GUARD]), "deny",
                  number(gate->passages.decided[GH_OUTCOME_DENY]));

    if (gate->passages.any &&
        json_object_set_new(object, "last",
                            json_pack("{s:s, s:s, s:s, s:o, s:o}", "outcome",
                                      gh_outcome_token(gate->passages.outcome), "reason",
                                      gh_reason_info(gate->passages.reason)->token, "text",
                                      gh_reason_info(gate->passages.reason)->text, "at",
                                      time_text(gate->passages.at_ms / 1000), "entry",
                                      number(gate->passages.entry))) != 0) {
        json_decref(object);
        return NULL;
    }
    return object;
}

static json_t *names_json(unsigned set, unsigned count, const char *(*name)(unsigned))
{
    json_t *array = json_array();

    for (unsigned i = 0; i < count; i++)
        if (set & (1u << i))
            (void)json_array_append_new(array, json_string(name(i)));
    return array;
}

static const char *cause_name(unsigned cause)
{
    return gh_cause_name((enum gh_cause)cause);
}

static const char *line_name(unsigned line)
{
    return gh_line_name((enum gh_line)line);
}

static const char *input_name(unsigned input)
{
    return gh_input_name((enum gh_input)input);
}

static json_t *inputs_json(const struct gh_gate_door *door)
{
    json_t *object = json_object();

    for (int input = 0; input < GH_INPUT_COUNT; input++) {
        unsigned bit = GH_INPUT_BIT(input);
        const char *level = door->unknown & bit  ? "unknown"
                            : door->active & bit ? "active"
                                                 : "inactive";
        if (door->wired & bit)
            (void)json_object_set_new(object, gh_input_name((enum gh_input)input),
                                      json_string(level));
    }
    return object;
}

/* Lines and inputs that the configuration does not name. */
static json_t *not_wired_json(const struct gh_report *report)
{
    json_t *array = names_json(~report->lines_wired, GH_LINE_COUNT, line_name);
    json_t *inputs = names_json(~report->gate.door.wired, GH_INPUT_COUNT, input_name);

    (void)json_array_extend(array, inputs);
    json_decref(inputs);
    return array;
}

static json_t *door_json(const struct gh_report *report)
{
    const struct gh_gate_door *door = &report->gate.door;

    return json_pack("{s:b, s:b, s:b, s:b, s:b, s:o, s:o, s:o, s:o, s:o}", "stuck",
                     !door->lines_known, "keeper_late", report->keeper_late, "interlocked",
                     door->interlocked, "forced", door->forced, "held", door->held, "unlocked_by",
                     names_json(door->causes, GH_CAUSE_COUNT, cause_name), "lines",
                     names_json(door->lines, GH_LINE_COUNT, line_name), "inputs", inputs_json(door),
                     "not_wired", not_wired_json(report), "chattering",
                     names_json(door->chattering, GH_INPUT_COUNT, input_name));
}

static json_t *reader_json(const struct gh_reader_state *reader)
{
    return json_pack("{s:b, s:o, s:o, s:o}", "open", reader->open, "trouble",
                     trouble_text(reader->trouble), "codes", number(reader->codes), "rejected",
                     number(reader->rejected));
}

static json_t *devices_json(const struct gh_report *report)
{
    const struct gh_thermometer_state *thermometer = &report->thermometer;
    json_t *object = json_object();

    if (report->has_camera)
        (void)json_object_set_new(object, "camera",
                                  json_pack("{s:b, s:o, s:o, s:o, s:o, s:b}", "open",
                                            report->camera_trouble[0] == '\0', "trouble",
                                            trouble_text(report->camera_trouble), "frames",
                                            number(report->see.frames), "broken_frames",
                                            number(report->see.broken_frames), "codes",
                                            number(report->see.codes), "over", report->see.over));
    if (report->readers.scanner.wired)
        (void)json_object_set_new(object, "scanner", reader_json(&report->readers.scanner));
    if (report->readers.keyboard.wired)
        (void)json_object_set_new(object, "keyboard", reader_json(&report->readers.keyboard));
    /* What it reads may be somebody's temperature: only whether it does. */
    if (report->has_thermometer)
        (void)json_object_set_new(object, "thermometer",
                                  json_pack("{s:b, s:o}", "reads", thermometer->reads, "trouble",
                                            trouble_text(thermometer->trouble)));
    if (report->has_sound)
        (void)json_object_set_new(object, "sound",
                                  json_pack("{s:b, s:o, s:o, s:o, s:o}", "open",
                                            report->voice.device_open, "trouble",
                                            trouble_text(report->voice.trouble), "prompts_missing",
                                            number(report->voice.prompts_missing), "prompts",
                                            number(report->voice.prompts), "announcements",
                                            number(report->voice.announcements)));
    return object;
}

enum gh_status gh_report_json(const struct gh_report *report, struct gh_writer *writer)
{
    const struct gh_gate_state *gate = &report->gate;
    json_t *object =
        json_pack("{s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:{s:b, s:b, s:o}, s:o, s:o, s:o, s:o}",
                  "version", GH_VERSION, "uptime_s", number((uint64_t)report->uptime_s),
                  "memory_bytes", number(report->memory_bytes), "dropped", number(report->dropped),
                  "gate", gate_json(gate), "server", server_json(report), "list", list_json(gate),
                  "clock", "trusted", gate->clock.trusted, "zone_missing", gate->clock.zone_missing,
                  "time", time_text(gate->clock.now_s), "journal", journal_json(gate), "passages",
                  passages_json(gate), "door", door_json(report), "devices", devices_json(report));
    char *text = object ? json_dumps(object, JSON_COMPACT) : NULL;

    json_decref(object);
    if (!text)
        return GH_ERR_NOMEM;
    gh_writer_put_text(writer, text);
    gh_writer_put_byte(writer, '\n');
    free(text);
    return GH_OK;
}

/* --- metrics --- */

static void put_head(struct gh_writer *writer, const char *name, const char *type, const char *help)
{
    char text[256];

    snprintf(text, sizeof(text), "# HELP gatehouse_gate_%s %s\n# TYPE gatehouse_gate_%s %s\n", name,
             help, name, type);
    gh_writer_put_text(writer, text);
}

static void put_value(struct gh_writer *writer, const char *name, const char *labels,
                      uint64_t value)
{
    char text[160];

    snprintf(text, sizeof(text), "gatehouse_gate_%s%s %" PRIu64 "\n", name, labels, value);
    gh_writer_put_text(writer, text);
}

static void put(struct gh_writer *writer, const char *name, const char *type, const char *help,
                uint64_t value)
{
    put_head(writer, name, type, help);
    put_value(writer, name, "", value);
}

static void put_passages(struct gh_writer *writer, const struct gh_gate_state *gate)
{
    static const enum gh_outcome outcomes[] = {GH_OUTCOME_OPEN, GH_OUTCOME_GUARD, GH_OUTCOME_DENY};

    put_head(writer, "passages_total", "counter", "decisions since the start, by outcome");
    for (size_t i = 0; i < GH_ARRAY_SIZE(outcomes); i++) {
        char labels[32];
        snprintf(labels, sizeof(labels), "{outcome=\"%s\"}", gh_outcome_token(outcomes[i]));
        put_value(writer, "passages_total", labels, gate->passages.decided[outcomes[i]]);
    }
}

static void put_inputs(struct gh_writer *writer, const struct gh_gate_state *gate)
{
    put_head(writer, "input_active", "gauge", "the door's inputs that can be read");
    for (int input = 0; input < GH_INPUT_COUNT; input++) {
        char labels[48];
        if (!(gate->door.wired & ~gate->door.unknown & GH_INPUT_BIT(input)))
            continue;
        snprintf(labels, sizeof(labels), "{input=\"%s\"}", gh_input_name((enum gh_input)input));
        put_value(writer, "input_active", labels, (gate->door.active & GH_INPUT_BIT(input)) != 0);
    }
}

static void put_readers(struct gh_writer *writer, const struct gh_report *report)
{
    const struct {
        const char *labels;
        const struct gh_reader_state *state;
    } readers[] = {{"{reader=\"scanner\"}", &report->readers.scanner},
                   {"{reader=\"keyboard\"}", &report->readers.keyboard}};

    put_head(writer, "reader_open", "gauge", "barcode scanners that are there");
    for (size_t i = 0; i < GH_ARRAY_SIZE(readers); i++)
        if (readers[i].state->wired)
            put_value(writer, "reader_open", readers[i].labels, readers[i].state->open);
    put_head(writer, "reader_codes_total", "counter", "texts that they gave");
    for (size_t i = 0; i < GH_ARRAY_SIZE(readers); i++)
        if (readers[i].state->wired)
            put_value(writer, "reader_codes_total", readers[i].labels, readers[i].state->codes);
}

void gh_report_metrics(const struct gh_report *report, struct gh_writer *writer)
{
    const struct gh_gate_state *gate = &report->gate;

    put(writer, "enrolled", "gauge", "whether the gate is", gate->enrolled);
    put(writer, "list_generation", "gauge", "of the list in use, 0: none", gate->list.generation);
    put(writer, "list_issued_at_seconds", "gauge", "when the server last spoke for it",
        (uint64_t)(gate->list.issued_at_s > 0 ? gate->list.issued_at_s : 0));
    put(writer, "list_stale", "gauge", "whether the policy calls it that",
        gate->list.stale || gate->list.too_old);
    put(writer, "server_refuses", "gauge", "whether the server shuts this gate out",
        report->courier.refused);
    if (report->courier.heard)
        put(writer, "server_heard_seconds_ago", "gauge", "since it answered",
            (uint64_t)seconds_since(report, report->courier.heard_ns));
    put(writer, "clock_trusted", "gauge", "whether the clock is", gate->clock.trusted);
    put(writer, "journal_open", "gauge", "whether the journal can be written", gate->journal.open);
    put(writer, "journal_last", "gauge", "number of the last entry", gate->journal.last);
    put(writer, "journal_acknowledged", "gauge", "number of the last one that the server has",
        gate->journal.acknowledged);
    put(writer, "journal_bytes", "gauge", "size of the journal", gate->journal.bytes);
    put(writer, "journal_waiting", "gauge", "entries that could not be written yet",
        gate->journal.waiting);
    put(writer, "journal_lost_total", "counter", "entries that never will be", gate->journal.lost);
    put(writer, "journal_omitted_total", "counter", "decisions that another one's entry tells of",
        gate->journal.omitted);
    put_passages(writer, gate);
    put(writer, "door_unlocked", "gauge", "whether the door is", gate->door.causes != 0);
    put(writer, "door_stuck", "gauge", "whether its lines cannot be set", !gate->door.lines_known);
    put(writer, "door_keeper_late", "gauge", "whether its keeper owes a sign of life",
        report->keeper_late);
    put(writer, "door_forced", "gauge", "whether it was, and is not shut again", gate->door.forced);
    put(writer, "door_held", "gauge", "whether it is open for too long", gate->door.held);
    put_inputs(writer, gate);
    if (report->has_camera)
        put(writer, "camera_open", "gauge", "whether the camera is there",
            report->camera_trouble[0] == '\0');
    put(writer, "frames_total", "counter", "that the camera gave", report->see.frames);
    put(writer, "broken_frames_total", "counter", "of them", report->see.broken_frames);
    put(writer, "codes_total", "counter", "that were read, by whatever reads them",
        report->see.codes);
    put(writer, "dropped_codes_total", "counter", "that the gate had no time for", report->dropped);
    put_readers(writer, report);
    if (report->has_sound)
        put(writer, "sound_open", "gauge", "whether the sound device is there",
            report->voice.device_open);
    if (report->has_thermometer)
        put(writer, "thermometer_reads", "gauge", "whether it does", report->thermometer.reads);
    put(writer, "resident_memory_bytes", "gauge", "of the program", report->memory_bytes);
    put(writer, "uptime_seconds", "counter", "of the program", (uint64_t)report->uptime_s);
}
