/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/entry_row.h"

#include <stdio.h>
#include <string.h>

#include "cli/client.h"
#include "gatehouse/bytes.h"
#include "gatehouse/clock.h"
#include "gatehouse/reason.h"

void gh_entry_table_init(struct gh_table *table)
{
    static const char *const headings[] = {"TIME",   "GATE", "OUTCOME", "REASON",
                                           "COLOUR", "NAME", "HOME"};
    gh_table_init(table, headings, GH_ARRAY_SIZE(headings));
}

/* The first that is not empty. */
static const char *either(const char *a, const char *b)
{
    return a[0] != 0 ? a : b;
}

static const char *clock_text(const json_t *entry)
{
    json_int_t jump_ms = json_integer_value(json_object_get(entry, "jump_ms")); /* 0: not there */
    if (jump_ms != 0) {
        return jump_ms > 0 ? "The clock was set forwards" : "The clock was set back";
    }
    return strcmp(gh_json_text(entry, "clock"), "trusted") == 0 ? "The clock is trusted"
                                                                : "The clock is not trusted";
}

/* What a token stands for; itself when it is of a newer gate than this tool. */
struct said {
    const char *token, *text;
};

static const char *text_of(const char *token, const struct said *table, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(table[i].token, token) == 0) {
            return table[i].text;
        }
    }
    return token;
}

static const char *door_text(const json_t *entry)
{
    static const struct said table[] = {
        {"opened", "The door was opened"},
        {"passed", "Somebody went through"},
        {"held", "The door is held open"},
        {"shut", "The door is shut again"},
        {"unused", "Nobody opened the door"},
        {"forced", "The door was forced open"},
        {"exit", "The exit button unlocked the door"},
        {"guard", "The guard's button unlocked the door"},
        {"test", "Somebody at the board unlocked the door"},
        {"hours_open", "Opening hours: the door is unlocked"},
        {"hours_shut", "Opening hours: the door is locked again"},
        {"fire", "Fire alarm: the door is unlocked"},
        {"fire_over", "The fire alarm is over"},
        {"tamper", "The housing was opened"},
        {"tamper_over", "The housing is shut again"},
        {"toggled", "The decision locked the door again"},
    };
    return text_of(gh_json_text(entry, "event"), table, GH_ARRAY_SIZE(table));
}

static const char *announcement_text(const json_t *entry)
{
    static const struct said table[] = {
        {"played", "An announcement was played"},
        {"expired", "An announcement expired before it was played"},
        {"failed", "An announcement could not be played"},
        {"silent", "An announcement, and no sound device"},
    };
    return text_of(gh_json_text(entry, "event"), table, GH_ARRAY_SIZE(table));
}

static const char *list_text(const json_t *entry)
{
    static const struct said table[] = {
        {"rollback", "A list was refused: older than one before"},
        {"wrong_area", "A list was refused: another area's"},
        {"bad_signature", "A list was refused: signed by no known key"},
        {"retired_key", "A list was refused: signed by a retired key"},
        {"corrupt", "A list was refused: not what it says it is"},
    };
    return text_of(gh_json_text(entry, "trouble"), table, GH_ARRAY_SIZE(table));
}

static const char *reason_text(const json_t *entry)
{
    const char *token = gh_json_text(entry, "reason");
    enum gh_reason reason;
    if (gh_reason_from_token(token, &reason) == GH_OK) {
        return gh_reason_info(reason)->text;
    }
    const char *type = gh_json_text(entry, "type");
    if (token[0] == 0 && strcmp(type, "start") == 0) {
        return "The gate started";
    }
    if (token[0] == 0 && strcmp(type, "clock") == 0) {
        return clock_text(entry);
    }
    if (token[0] == 0 && strcmp(type, "door") == 0) {
        return door_text(entry);
    }
    if (token[0] == 0 && strcmp(type, "list") == 0) {
        return list_text(entry);
    }
    if (token[0] == 0 && strcmp(type, "announcement") == 0) {
        return announcement_text(entry);
    }
    if (token[0] == 0 && strcmp(type, "prune") == 0) {
        return "Old entries were removed at the gate";
    }
    return token; /* of a newer gate than this tool */
}

#define REASON_BYTES 256

/* With how many there were like it, where the entry stands for more than itself. */
static const char *whole_reason(const json_t *entry, char buffer[REASON_BYTES])
{
    const char *text = reason_text(entry);
    long long omitted = gh_json_number(entry, "omitted");
    if (omitted <= 0) {
        return text;
    }
    (void)snprintf(buffer, REASON_BYTES, "%.200s, and %lld more like it", text, omitted);
    return buffer;
}

enum gh_status gh_entry_row_add(struct gh_table *table, const json_t *row)
{
    const json_t *entry = json_object_get(row, "entry");
    const char *type = gh_json_text(entry, "type");
    const json_t *time_ms = json_object_get(entry, "time_ms");
    const char *doubt = strcmp(gh_json_text(entry, "clock"), "untrusted") == 0 ? "?" : "";
    char plain[GH_TIME_TEXT_BYTES];
    char time[GH_TIME_TEXT_BYTES + 2] = "";
    if (json_is_integer(time_ms)) {
        gh_time_format(json_integer_value(time_ms) / 1000, plain);
        (void)snprintf(time, sizeof(time), "%s%s", plain, doubt);
    }
    /* What is no passage says what it is instead of an outcome. */
    const char *outcome = strcmp(type, "passage") == 0 ? gh_json_text(entry, "outcome") : type;
    char reason[REASON_BYTES];
    const char *cells[] = {
        time,
        either(gh_json_text(row, "gate_name"), gh_json_text(row, "gate")),
        outcome,
        whole_reason(entry, reason),
        gh_json_text(entry, "colour"),
        either(gh_json_text(row, "name"), gh_json_text(entry, "subject")),
        either(gh_json_text(row, "address"), gh_json_text(entry, "home")),
    };
    return gh_table_add(table, cells);
}
