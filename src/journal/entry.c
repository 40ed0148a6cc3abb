/* SPDX-License-Identifier: Apache-2.0 */
#include "gatehouse/entry.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "journal/entry_parts.h"

static const char *const type_names[GH_ENTRY_TYPES] = {
    [GH_ENTRY_PASSAGE] = "passage", [GH_ENTRY_START] = "start",
    [GH_ENTRY_FAULT] = "fault",     [GH_ENTRY_CLOCK] = "clock",
    [GH_ENTRY_DOOR] = "door",       [GH_ENTRY_LIST] = "list",
    [GH_ENTRY_PRUNE] = "prune",     [GH_ENTRY_ANNOUNCEMENT] = "announcement",
};

static const char *const door_event_names[] = {
    [GH_DOOR_EVENT_NONE] = "none",
    [GH_DOOR_EVENT_OPENED] = "opened",
    [GH_DOOR_EVENT_PASSED] = "passed",
    [GH_DOOR_EVENT_HELD] = "held",
    [GH_DOOR_EVENT_SHUT] = "shut",
    [GH_DOOR_EVENT_UNUSED] = "unused",
    [GH_DOOR_EVENT_FORCED] = "forced",
    [GH_DOOR_EVENT_EXIT] = "exit",
    [GH_DOOR_EVENT_GUARD] = "guard",
    [GH_DOOR_EVENT_TEST] = "test",
    [GH_DOOR_EVENT_HOURS_OPEN] = "hours_open",
    [GH_DOOR_EVENT_HOURS_SHUT] = "hours_shut",
    [GH_DOOR_EVENT_FIRE] = "fire",
    [GH_DOOR_EVENT_FIRE_OVER] = "fire_over",
    [GH_DOOR_EVENT_TAMPER] = "tamper",
    [GH_DOOR_EVENT_TAMPER_OVER] = "tamper_over",
    [GH_DOOR_EVENT_TOGGLED] = "toggled",
};

static const char *const direction_names[] = {
    [GH_DIRECTION_NONE] = "none",
    [GH_DIRECTION_IN] = "in",
    [GH_DIRECTION_OUT] = "out",
};

static const char *const announcement_event_names[] = {
    [GH_ANNOUNCEMENT_NONE] = "none",       [GH_ANNOUNCEMENT_PLAYED] = "played",
    [GH_ANNOUNCEMENT_EXPIRED] = "expired", [GH_ANNOUNCEMENT_FAILED] = "failed",
    [GH_ANNOUNCEMENT_SILENT] = "silent",
};

static const char *const list_trouble_names[] = {
    [GH_LIST_TROUBLE_NONE] = "none",
    [GH_LIST_TROUBLE_ROLLBACK] = "rollback",
    [GH_LIST_TROUBLE_AREA] = "wrong_area",
    [GH_LIST_TROUBLE_SIGNATURE] = "bad_signature",
    [GH_LIST_TROUBLE_RETIRED_KEY] = "retired_key",
    [GH_LIST_TROUBLE_CORRUPT] = "corrupt",
};

const char *gh_entry_type_name(enum gh_entry_type type)
{
    return (unsigned)type < GH_ARRAY_SIZE(type_names) ? type_names[type] : "unknown";
}

const char *gh_door_event_name(enum gh_door_event event)
{
    return (unsigned)event < GH_ARRAY_SIZE(door_event_names) ? door_event_names[event] : "none";
}

const char *gh_direction_name(enum gh_direction direction)
{
    return (unsigned)direction < GH_ARRAY_SIZE(direction_names) ? direction_names[direction]
                                                                : "none";
}

const char *gh_announcement_event_name(enum gh_announcement_event event)
{
    return (unsigned)event < GH_ARRAY_SIZE(announcement_event_names)
               ? announcement_event_names[event]
               : "none";
}

const char *gh_list_trouble_name(enum gh_list_trouble trouble)
{
    return (unsigned)trouble < GH_ARRAY_SIZE(list_trouble_names) ? list_trouble_names[trouble]
                                                                 : "none";
}

void gh_entry_hash(struct gh_bytes canonical, uint8_t out[GH_SHA256_BYTES])
{
    gh_sha256(canonical, out);
}

/* --- writing: the members sorted by name, as RFC 8785 wants them ------------------------------ */

static void put_name(struct gh_writer *writer, const char *name)
{
    gh_writer_put_text(writer, writer->size == 0 ? "{\"" : ",\"");
    gh_writer_put_text(writer, name);
    gh_writer_put_text(writer, "\":");
}

/* Only our own words and hex digits: nothing in them needs escaping. */
static void put_string(struct gh_writer *writer, const char *name, const char *value)
{
    put_name(writer, name);
    gh_writer_put_byte(writer, '"');
    gh_writer_put_text(writer, value);
    gh_writer_put_byte(writer, '"');
}

static void put_integer(struct gh_writer *writer, const char *name, int64_t value)
{
    char text[24];
    int64_t kept = value > GH_ENTRY_INTEGER_MAX    ? GH_ENTRY_INTEGER_MAX
                   : value < -GH_ENTRY_INTEGER_MAX ? -GH_ENTRY_INTEGER_MAX
                                                   : value;
    (void)snprintf(text, sizeof(text), "%" PRId64, kept);
    put_name(writer, name);
    gh_writer_put_text(writer, text);
}

static void put_count(struct gh_writer *writer, const char *name, uint64_t value)
{
    put_integer(writer, name, value > GH_ENTRY_INTEGER_MAX ? GH_ENTRY_INTEGER_MAX : (int64_t)value);
}

static void put_id(struct gh_writer *writer, const char *name, gh_id id)
{
    if (id != 0) {
        char text[GH_ID_TEXT_BYTES];
        gh_id_format(id, text);
        put_string(writer, name, text);
    }
}

static void put_hash(struct gh_writer *writer, const char *name,
                     const uint8_t hash[GH_SHA256_BYTES])
{
    char text[GH_ENTRY_HASH_DIGITS + 1];
    gh_hex_encode(hash, GH_SHA256_BYTES, text);
    put_string(writer, name, text);
}

bool gh_entry_has_outcome(enum gh_entry_type type)
{
    return type == GH_ENTRY_PASSAGE || type == GH_ENTRY_FAULT;
}

static void put_about_to_gate(struct gh_writer *writer, const struct gh_entry *entry)
{
    if (entry->type == GH_ENTRY_DOOR && entry->about != 0) {
        put_count(writer, "about", entry->about);
        put_integer(writer, "after_ms", entry->after_ms);
    }
    if (entry->type == GH_ENTRY_ANNOUNCEMENT) {
        put_id(writer, "announcement", entry->announcement);
    }
    if (entry->boot_id[0] != '\0') {
        char boot[GH_BOOT_ID_TEXT_BYTES];
        (void)snprintf(boot, sizeof(boot), "%.*s", (int)sizeof(boot) - 1, entry->boot_id);
        put_string(writer, "boot", boot);
    }
    put_string(writer, "clock", entry->clock_trusted ? "trusted" : "untrusted");
    if (entry->colour != GH_COLOUR_NONE) {
        put_string(writer, "colour", gh_colour_name(entry->colour));
    }
    if (entry->type == GH_ENTRY_PASSAGE && entry->direction != GH_DIRECTION_NONE) {
        put_string(writer, "direction", gh_direction_name(entry->direction));
    }
    if (entry->type == GH_ENTRY_PRUNE) {
        put_count(writer, "erased", entry->erased);
        put_hash(writer, "erased_sum", entry->erased_sum);
    }
    if (entry->type == GH_ENTRY_DOOR) {
        put_string(writer, "event", gh_door_event_name(entry->door));
    }
    if (entry->type == GH_ENTRY_ANNOUNCEMENT) {
        put_string(writer, "event", gh_announcement_event_name(entry->announced));
    }
    if (entry->form != GH_FORM_NONE) {
        put_string(writer, "form", gh_form_name(entry->form));
    }
    put_id(writer, "gate", entry->gate);
}

/* Nobody is let in but by an entry of their own. */
static bool may_stand_for_more(const struct gh_entry *entry)
{
    return entry->type == GH_ENTRY_PASSAGE && entry->outcome != GH_OUTCOME_OPEN;
}

static void put_health_code_to_outcome(struct gh_writer *writer, const struct gh_entry *entry)
{
    put_id(writer, "health_code", entry->health_code);
    put_id(writer, "home", entry->home);
    put_id(writer, "housing_code", entry->housing_code);
    if (entry->type == GH_ENTRY_CLOCK && entry->jump_ms != 0) {
        put_integer(writer, "jump_ms", entry->jump_ms);
    }
    if (entry->kind != GH_KIND_UNKNOWN) {
        put_string(writer, "kind", gh_kind_name(entry->kind));
    }
    if (entry->generation != 0) {
        put_count(writer, "list", entry->generation);
    }
    if (entry->type == GH_ENTRY_PASSAGE && entry->list_age_s > 0) {
        put_integer(writer, "list_age_s", entry->list_age_s);
    }
    put_integer(writer, "mono_ms", entry->monotonic_ms);
    if (entry->type == GH_ENTRY_LIST && entry->offered != 0) {
        put_count(writer, "offered", entry->offered);
    }
    if (may_stand_for_more(entry) && entry->omitted != 0) {
        put_count(writer, "omitted", entry->omitted);
    }
    if (gh_entry_has_outcome(entry->type)) {
        put_string(writer, "outcome", gh_outcome_token(entry->outcome));
    }
}

static void put_prev_to_subject(struct gh_writer *writer, const struct gh_entry *entry)
{
    put_hash(writer, "prev", entry->previous);
    if (gh_entry_has_outcome(entry->type)) {
        put_string(writer, "reason", gh_reason_info(entry->reason)->token);
    }
    if (entry->type == GH_ENTRY_PRUNE) {
        char signature[2 * GH_SIGNATURE_BYTES + 1];
        gh_hex_encode(entry->receipt.signature, GH_SIGNATURE_BYTES, signature);
        put_string(writer, "receipt", signature);
        put_hash(writer, "receipt_hash", entry->receipt.hash);
        put_count(writer, "receipt_seq", entry->receipt.through);
    }
    put_count(writer, "seq", entry->sequence);
    put_id(writer, "subject", entry->subject);
}

static void put_through_to_v(struct gh_writer *writer, const struct gh_entry *entry)
{
    if (entry->type == GH_ENTRY_PRUNE && entry->through != 0) {
        put_count(writer, "through", entry->through);
        put_hash(writer, "through_sum", entry->through_sum);
    }
    put_integer(writer, "time_ms", entry->wall_ms);
    if (entry->type == GH_ENTRY_LIST) {
        put_string(writer, "trouble", gh_list_trouble_name(entry->trouble));
    }
    put_string(writer, "type", gh_entry_type_name(entry->type));
    put_integer(writer, "v", GH_ENTRY_VERSION);
}

size_t gh_entry_format(const struct gh_entry *entry, char out[GH_ENTRY_MAX_BYTES])
{
    struct gh_writer writer = gh_writer_over(out, GH_ENTRY_MAX_BYTES - 1);
    put_about_to_gate(&writer, entry);
    put_health_code_to_outcome(&writer, entry);
    put_prev_to_subject(&writer, entry);
    put_through_to_v(&writer, entry);
    gh_writer_put_byte(&writer, '}');
    out[writer.size] = '\0';
    return writer.size;
}

/* --- the canonical form of what came from elsewhere ------------------------------------------- */

static bool printable(const char *text, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        if (text[i] < 0x20 || text[i] > 0x7e) {
            return false;
        }
    }
    return true;
}

bool gh_entry_canonical_value(const json_t *value)
{
    switch (json_typeof(value)) {
    case JSON_STRING:
        return printable(json_string_value(value), json_string_length(value));
    case JSON_INTEGER:
        return json_integer_value(value) <= GH_ENTRY_INTEGER_MAX &&
               json_integer_value(value) >= -GH_ENTRY_INTEGER_MAX;
    default:
        return false;
    }
}

enum gh_status gh_entry_canonical(const struct json_t *object, char **out, size_t *size)
{
    *out = NULL;
    *size = 0;
    if (!json_is_object(object)) {
        return GH_ERR_INVALID;
    }
    json_t *members = (json_t *)object; /* jansson's iterator is not const; nothing is changed */
    for (void *i = json_object_iter(members); i != NULL; i = json_object_iter_next(members, i)) {
        const char *name = json_object_iter_key(i);
        if (!printable(name, strlen(name)) ||
            !gh_entry_canonical_value(json_object_iter_value(i))) {
            return GH_ERR_INVALID;
        }
    }
    /* For ASCII strings and integers alone, jansson's compact form with sorted members is that of
     * RFC 8785: no white space, only `"` and `\` escaped, integers without exponent. */
    char buffer[GH_ENTRY_MAX_BYTES];
    size_t needed = json_dumpb(object, buffer, sizeof(buffer), JSON_COMPACT | JSON_SORT_KEYS);
    if (needed == 0) {
        return GH_ERR_NOMEM;
    }
    if (needed >= sizeof(buffer)) {
        return GH_ERR_TOOBIG;
    }
    *out = malloc(needed + 1);
    if (*out == NULL) {
        return GH_ERR_NOMEM;
    }
    memcpy(*out, buffer, needed);
    (*out)[needed] = '\0';
    *size = needed;
    return GH_OK;
}
