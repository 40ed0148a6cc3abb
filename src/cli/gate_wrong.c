/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/gate_wrong.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "cli/client.h"
#include "gatehouse/bytes.h"
#include "gatehouse/status.h"

/* A member of a part of the state; before, what the number says, after. */
static const struct rule {
    const char *part, *member;
    enum { NOT_TRUE, TRUE, MORE_THAN_0 } when;
    bool enrolled; /* only of a gate that is */
    bool seconds;  /* the number is one of seconds, and said as a time */
    const char *before, *number, *after;
} rules[] = {
    {"gate", "enrolled", NOT_TRUE, false, false,
     "the gate is not enrolled: show it an enrolment code", NULL, ""},
    {"server", "refuses", TRUE, true, false,
     "the server refuses this gate: was it removed there? It goes on by the list that it has", NULL,
     ""},
    {"server", "entries_held_s", MORE_THAN_0, true, true,
     "the server has taken none of this gate's entries for ", "entries_held_s", ""},
    {"door", "stuck", TRUE, false, false, "the door's lines cannot be set", NULL, ""},
    {"door", "keeper_late", TRUE, false, false,
     "the door's keeper does not answer: the gate is about to start anew", NULL, ""},
    {"door", "forced", TRUE, false, false, "the door was forced, and is not shut again", NULL, ""},
    {"door", "held", TRUE, false, false, "the door is held open", NULL, ""},
    {"list", "usable", NOT_TRUE, false, false, "there is no list: nobody is let in", NULL, ""},
    {"list", "too_old", TRUE, true, true,
     "the list is too old, nobody is let in by it: the server confirmed it last ", "age_s", " ago"},
    {"list", "stale", TRUE, true, true, "the list is stale: the server confirmed it last ", "age_s",
     " ago"},
    {"clock", "trusted", NOT_TRUE, false, false,
     "the clock is not trusted: nobody is let in until NTP or the server has confirmed it", NULL,
     ""},
    {"clock", "zone_missing", TRUE, false, false,
     "the gate's time_zone is not known on this machine: opening hours unlock nothing", NULL, ""},
    {"journal", "open", NOT_TRUE, true, false, "the journal cannot be opened: nobody is let in",
     NULL, ""},
    {"journal", "large", TRUE, true, false,
     "the journal is larger than its limit, and the server has not acknowledged what fills it",
     NULL, ""},
    {"journal", "waiting", MORE_THAN_0, false, false, "", "waiting",
     " entries could not be written yet: is the disk full?"},
    {"journal", "lost", MORE_THAN_0, false, false, "", "lost", " entries are lost"},
};

static void GH_PRINTF(2, 3) say(struct gh_wrong *wrong, const char *format, ...)
{
    va_list arguments;

    if (wrong->count == GH_WRONG_MAX)
        return;
    va_start(arguments, format);
    (void)vsnprintf(wrong->text[wrong->count++], GH_WRONG_BYTES, format, arguments);
    va_end(arguments);
}

/* In the unit that a person would take. */
static void put_duration(long long seconds, char text[32])
{
    static const struct {
        long long seconds;
        const char *name;
    } units[] = {{86400, "days"}, {3600, "hours"}, {60, "minutes"}, {1, "seconds"}};
    size_t i = 0;

    while (i + 1 < GH_ARRAY_SIZE(units) && seconds < 2 * units[i].seconds)
        i++;
    (void)snprintf(text, 32, "%lld %s", seconds / units[i].seconds, units[i].name);
}

static bool holds(const json_t *part, const struct rule *rule)
{
    const json_t *member = json_object_get(part, rule->member);

    switch (rule->when) {
    case NOT_TRUE:
        return !json_is_true(member);
    case TRUE:
        return json_is_true(member);
    default:
        return json_integer_value(member) > 0;
    }
}

static void look_at_rules(const json_t *state, struct gh_wrong *wrong)
{
    bool enrolled = json_is_true(json_object_get(json_object_get(state, "gate"), "enrolled"));

    for (size_t i = 0; i < GH_ARRAY_SIZE(rules); i++) {
        const struct rule *rule = &rules[i];
        const json_t *part = json_object_get(state, rule->part);
        char number[32] = "";
        if ((rule->enrolled && !enrolled) || !holds(part, rule))
            continue;
        if (rule->seconds)
            put_duration(gh_json_number(part, rule->number), number);
        else if (rule->number)
            (void)snprintf(number, sizeof(number), "%lld", gh_json_number(part, rule->number));
        say(wrong, "%s%s%s", rule->before, number, rule->after);
    }
}

/* Fire and tamper are alarms; the others may well be active. */
static void look_at_inputs(const json_t *door, struct gh_wrong *wrong)
{
    json_t *inputs = json_object_get(door, "inputs"), *level, *input;
    const char *name;
    size_t index;

    json_object_foreach(inputs, name, level)
    {
        const char *text = json_string_value(level);
        if (text && strcmp(text, "unknown") == 0)
            say(wrong, "the input %.20s cannot be read", name);
        if (text && strcmp(text, "active") == 0 &&
            (strcmp(name, "fire") == 0 || strcmp(name, "tamper") == 0))
            say(wrong, "the input %.20s is active", name);
    }
    json_array_foreach(json_object_get(door, "chattering"), index, input)
    {
        const char *text = json_string_value(input);
        say(wrong, "the input %.20s does not come to rest", text ? text : "");
    }
}

static void look_at_devices(const json_t *devices, struct gh_wrong *wrong)
{
    static const char *const names[] = {"camera", "scanner", "keyboard", "thermometer", "sound"};
    long long missing = gh_json_number(json_object_get(devices, "sound"), "prompts_missing");

    for (size_t i = 0; i < GH_ARRAY_SIZE(names); i++) {
        const char *trouble = gh_json_text(json_object_get(devices, names[i]), "trouble");
        if (trouble[0])
            say(wrong, "%s: %s", names[i], trouble);
    }
    if (missing > 0)
        say(wrong, "%lld prompts have no sound file", missing);
}

void gh_gate_wrong(const json_t *state, struct gh_wrong *wrong)
{
    wrong->count = 0;
    look_at_rules(state, wrong);
    look_at_inputs(json_object_get(state, "door"), wrong);
    look_at_devices(json_object_get(state, "devices"), wrong);
}
