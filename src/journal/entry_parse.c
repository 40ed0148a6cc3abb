/* SPDX-License-Identifier: Apache-2.0 */
/* Reading an entry's members. */
#include <jansson.h>
#include <string.h>

#include "journal/entry_parts.h"
#include "journal/entry_scan.h"

/* Reads members one after another; after the first failure the rest do nothing. */
struct members {
    const json_t *object;             /* from there, */
    const struct gh_scanned *scanned; /* or from there */
    enum gh_status status;
    struct gh_error *err;
};

struct value {
    enum { NONE, INTEGER, STRING, OTHER } type;
    int64_t number;
    const char *text;
};

static void fail_member(struct members *members, const char *name, const char *what)
{
    if (members->status == GH_OK) {
        members->status =
            gh_fail(members->err, GH_ERR_INVALID, "the entry's \"%s\" %s", name, what);
    }
}

static struct value scanned_value(const struct gh_scanned *scanned, const char *name)
{
    const struct gh_scanned_member *member = gh_scanned_find(scanned, name);
    if (member == NULL) {
        return (struct value){.type = NONE};
    }
    return (struct value){.type = member->text != NULL ? STRING : INTEGER,
                          .number = member->number,
                          .text = member->text};
}

static struct value json_value(const json_t *object, const char *name)
{
    const json_t *value = json_object_get(object, name);
    if (value == NULL) {
        return (struct value){.type = NONE};
    }
    if (json_is_integer(value) && gh_entry_canonical_value(value)) {
        return (struct value){.type = INTEGER, .number = json_integer_value(value)};
    }
    /* The length: a NUL inside must not make one text look like another. */
    if (json_is_string(value) && gh_entry_canonical_value(value) &&
        strlen(json_string_value(value)) == json_string_length(value)) {
        return (struct value){.type = STRING, .text = json_string_value(value)};
    }
    return (struct value){.type = OTHER};
}

static struct value get(struct members *members, const char *name, bool required)
{
    struct value value = {.type = NONE};
    if (members->status == GH_OK) {
        value = members->scanned != NULL ? scanned_value(members->scanned, name)
                                         : json_value(members->object, name);
    }
    if (value.type == NONE && required) {
        fail_member(members, name, "is missing");
    }
    return value;
}

static int64_t get_integer(struct members *members, const char *name, bool required, int64_t least)
{
    struct value value = get(members, name, required);
    if (value.type == NONE) {
        return 0;
    }
    if (value.type != INTEGER || value.number < least) {
        fail_member(members, name, "is not a fitting integer");
        return 0;
    }
    return value.number;
}

/* NULL when it is not there, or not a string. */
static const char *get_string(struct members *members, const char *name, bool required)
{
    struct value value = get(members, name, required);
    if (value.type != NONE && value.type != STRING) {
        fail_member(members, name, "is not a plain string");
    }
    return value.type == STRING ? value.text : NULL;
}

static gh_id get_id(struct members *members, const char *name, bool required)
{
    gh_id id = 0;
    const char *text = get_string(members, name, required);
    if (text != NULL && gh_id_parse(text, strlen(text), &id) != GH_OK) {
        fail_member(members, name, "is not an identifier");
        return 0;
    }
    return id;
}

static bool is_lower_hex(const char *text, size_t digits)
{
    return strlen(text) == digits && strspn(text, "0123456789abcdef") == digits;
}

static void get_type(struct members *members, struct gh_entry *out)
{
    const char *text = get_string(members, "type", true);
    if (text == NULL) {
        return;
    }
    for (int type = GH_ENTRY_PASSAGE; type < GH_ENTRY_TYPES; type++) {
        if (strcmp(text, gh_entry_type_name((enum gh_entry_type)type)) == 0) {
            out->type = (enum gh_entry_type)type;
            return;
        }
    }
    fail_member(members, "type", "is not known");
}

/* So many bytes in hex: a hash, a signature. */
static void get_bytes(struct members *members, const char *name, bool required, uint8_t *out,
                      size_t size)
{
    const char *text = get_string(members, name, required);
    if (text != NULL &&
        (!is_lower_hex(text, 2 * size) || gh_hex_decode(text, 2 * size, out, size) != GH_OK)) {
        fail_member(members, name,
                    size == GH_SHA256_BYTES ? "is not a hash" : "is not a signature");
    }
}

static void get_clock(struct members *members, struct gh_entry *out)
{
    const char *text = get_string(members, "clock", true);
    if (text == NULL) {
        return;
    }
    out->clock_trusted = strcmp(text, "trusted") == 0;
    if (!out->clock_trusted && strcmp(text, "untrusted") != 0) {
        fail_member(members, "clock", "is neither trusted nor untrusted");
    }
}

static void get_boot(struct members *members, struct gh_entry *out)
{
    const char *text = get_string(members, "boot", false);
    if (text == NULL) {
        return;
    }
    if (!is_lower_hex(text, GH_BOOT_ID_TEXT_BYTES - 1)) {
        fail_member(members, "boot", "is not a boot id");
        return;
    }
    memcpy(out->boot_id, text, GH_BOOT_ID_TEXT_BYTES);
}

static void get_outcome(struct members *members, struct gh_entry *out)
{
    if (!gh_entry_has_outcome(out->type)) {
        return;
    }
    const char *text = get_string(members, "outcome", true);
    if (text != NULL) {
        static const enum gh_outcome outcomes[] = {GH_OUTCOME_OPEN, GH_OUTCOME_GUARD,
                                                   GH_OUTCOME_DENY};
        size_t i = 0;
        while (i < GH_ARRAY_SIZE(outcomes) && strcmp(text, gh_outcome_token(outcomes[i])) != 0) {
            i++;
        }
        if (i == GH_ARRAY_SIZE(outcomes)) {
            fail_member(members, "outcome", "is not known");
            return;
        }
        out->outcome = outcomes[i];
    }
    text = get_string(members, "reason", true);
    if (text != NULL && gh_reason_from_token(text, &out->reason) != GH_OK) {
        fail_member(members, "reason", "is not known");
    }
}

static void get_kind(struct members *members, struct gh_entry *out)
{
    const char *text = get_string(members, "kind", false);
    if (text == NULL) {
        return;
    }
    for (int kind = GH_KIND_HEALTH; kind <= GH_KIND_SHC; kind++) {
        if (strcmp(text, gh_kind_name((enum gh_kind)kind)) == 0) {
            out->kind = (enum gh_kind)kind;
            return;
        }
    }
    fail_member(members, "kind", "is not known");
}

static void get_colour(struct members *members, struct gh_entry *out)
{
    const char *text = get_string(members, "colour", false);
    if (text != NULL &&
        (gh_colour_parse(text, &out->colour) != GH_OK || out->colour == GH_COLOUR_NONE)) {
        fail_member(members, "colour", "is not a colour");
    }
}

static void get_form(struct members *members, struct gh_entry *out)
{
    const char *text = get_string(members, "form", false);
    if (text == NULL) {
        return;
    }
    for (int form = GH_FORM_PAPER; form <= GH_FORM_PHONE; form++) {
        if (strcmp(text, gh_form_name((enum gh_form)form)) == 0) {
            out->form = (enum gh_form)form;
            return;
        }
    }
    fail_member(members, "form", "is neither paper nor phone");
}

static void get_door(struct members *members, struct gh_entry *out)
{
    const char *text = get_string(members, "event", true);
    int event = GH_DOOR_EVENT_OPENED;
    while (text != NULL && event < GH_DOOR_EVENT_COUNT &&
           strcmp(text, gh_door_event_name((enum gh_door_event)event)) != 0) {
        event++;
    }
    if (event == GH_DOOR_EVENT_COUNT) {
        fail_member(members, "event", "is not known");
    }
    out->door = (enum gh_door_event)event;
    out->about = (uint64_t)get_integer(members, "about", false, 1);
    out->after_ms = get_integer(members, "after_ms", false, 0);
    if (out->after_ms != 0 && out->about == 0) {
        fail_member(members, "after_ms", "says after what in no \"about\"");
    }
}

static void get_list_trouble(struct members *members, struct gh_entry *out)
{
    const char *text = get_string(members, "trouble", true);
    int trouble = GH_LIST_TROUBLE_ROLLBACK;
    while (text != NULL && trouble <= GH_LIST_TROUBLE_CORRUPT &&
           strcmp(text, gh_list_trouble_name((enum gh_list_trouble)trouble)) != 0) {
        trouble++;
    }
    if (trouble > GH_LIST_TROUBLE_CORRUPT) {
        fail_member(members, "trouble", "is not known");
    }
    out->trouble = (enum gh_list_trouble)trouble;
    out->offered = (uint64_t)get_integer(members, "offered", false, 1);
}

static void get_prune(struct members *members, struct gh_entry *out)
{
    out->through = (uint64_t)get_integer(members, "through", false, 1);
    get_bytes(members, "through_sum", out->through != 0, out->through_sum, GH_SHA256_BYTES);
    out->erased = (uint64_t)get_integer(members, "erased", true, 1);
    get_bytes(members, "erased_sum", true, out->erased_sum, GH_SHA256_BYTES);
    out->receipt.through = (uint64_t)get_integer(members, "receipt_seq", true, 1);
    get_bytes(members, "receipt_hash", true, out->receipt.hash, GH_SHA256_BYTES);
    get_bytes(members, "receipt", true, out->receipt.signature, GH_SIGNATURE_BYTES);
    if (out->through > out->erased) {
        fail_member(members, "through", "is more than was erased");
    }
    if (out->erased > out->receipt.through) {
        fail_member(members, "erased", "is more than the receipt is for");
    }
    if (out->receipt.through >= out->sequence) {
        fail_member(members, "receipt_seq", "is not an entry before this one");
    }
}

static void get_direction(struct members *members, struct gh_entry *out)
{
    const char *text = get_string(members, "direction", false);
    if (text == NULL) {
        return;
    }
    for (int way = GH_DIRECTION_IN; way <= GH_DIRECTION_OUT; way++) {
        if (strcmp(text, gh_direction_name((enum gh_direction)way)) == 0) {
            out->direction = (enum gh_direction)way;
            return;
        }
    }
    fail_member(members, "direction", "is neither in nor out");
}

static void get_omitted(struct members *members, struct gh_entry *out)
{
    out->omitted = (uint64_t)get_integer(members, "omitted", false, 1);
    if (out->omitted != 0 && out->outcome == GH_OUTCOME_OPEN) {
        fail_member(members, "omitted", "stands in one that opens");
    }
}

static void get_announcement(struct members *members, struct gh_entry *out)
{
    const char *text = get_string(members, "event", true);
    int event = GH_ANNOUNCEMENT_PLAYED;
    while (text != NULL && event <= GH_ANNOUNCEMENT_SILENT &&
           strcmp(text, gh_announcement_event_name((enum gh_announcement_event)event)) != 0) {
        event++;
    }
    if (event > GH_ANNOUNCEMENT_SILENT) {
        fail_member(members, "event", "is not known");
    }
    out->announced = (enum gh_announcement_event)event;
    out->announcement = get_id(members, "announcement", true);
}

/* What only entries of one type have. */
static void get_particulars(struct members *members, struct gh_entry *out)
{
    switch (out->type) {
    case GH_ENTRY_PASSAGE:
        out->list_age_s = get_integer(members, "list_age_s", false, 1);
        get_direction(members, out);
        get_omitted(members, out);
        break;
    case GH_ENTRY_CLOCK:
        out->jump_ms = get_integer(members, "jump_ms", false, -GH_ENTRY_INTEGER_MAX);
        break;
    case GH_ENTRY_DOOR:
        get_door(members, out);
        break;
    case GH_ENTRY_LIST:
        get_list_trouble(members, out);
        break;
    case GH_ENTRY_PRUNE:
        get_prune(members, out);
        break;
    case GH_ENTRY_ANNOUNCEMENT:
        get_announcement(members, out);
        break;
    case GH_ENTRY_START:
    case GH_ENTRY_FAULT:
        break;
    }
}

static enum gh_status read_members(struct members *members, struct gh_entry *out)
{
    struct gh_entry entry = {0};
    if (get_integer(members, "v", true, 0) != GH_ENTRY_VERSION) {
        fail_member(members, "v", "is not a version that this program knows");
    }
    get_type(members, &entry);
    entry.gate = get_id(members, "gate", true);
    entry.sequence = (uint64_t)get_integer(members, "seq", true, 1);
    get_bytes(members, "prev", true, entry.previous, GH_SHA256_BYTES);
    entry.wall_ms = get_integer(members, "time_ms", true, -GH_ENTRY_INTEGER_MAX);
    get_clock(members, &entry);
    entry.monotonic_ms = get_integer(members, "mono_ms", true, 0);
    get_boot(members, &entry);
    get_outcome(members, &entry);
    get_kind(members, &entry);
    get_colour(members, &entry);
    get_form(members, &entry);
    get_particulars(members, &entry);
    entry.subject = get_id(members, "subject", false);
    entry.home = get_id(members, "home", false);
    entry.health_code = get_id(members, "health_code", false);
    entry.housing_code = get_id(members, "housing_code", false);
    entry.generation = (uint64_t)get_integer(members, "list", false, 1);
    if (members->status == GH_OK) {
        *out = entry;
    }
    return members->status;
}

enum gh_status gh_entry_parse(const struct json_t *object, struct gh_entry *out,
                              struct gh_error *err)
{
    memset(out, 0, sizeof(*out));
    if (!json_is_object(object)) {
        return gh_fail(err, GH_ERR_INVALID, "an entry is a JSON object");
    }
    struct members members = {.object = object, .err = err};
    return read_members(&members, out);
}

enum gh_status gh_entry_scan(struct gh_bytes text, struct gh_entry *out, size_t *size,
                             struct gh_error *err)
{
    struct gh_scanned scanned = {.count = 0};
    struct members members = {.scanned = &scanned, .err = err};
    memset(out, 0, sizeof(*out));
    *size = gh_entry_scan_members(text, &scanned);
    return *size > 0 ? read_members(&members, out) : GH_ERR_UNSUPPORTED;
}
