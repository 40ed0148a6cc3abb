/* SPDX-License-Identifier: Apache-2.0 */
#include "gatehouse/entry.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define VERSION 1
#define HASH_DIGITS ((size_t)2 * GH_SHA256_BYTES)
#define INTEGER_MAX (INT64_C(1) << 53) /* what every reader of JSON keeps exactly */

static const char *const type_names[] = {
    [GH_ENTRY_PASSAGE] = "passage",
    [GH_ENTRY_START] = "start",
    [GH_ENTRY_FAULT] = "fault",
    [GH_ENTRY_CLOCK] = "clock",
};

const char *gh_entry_type_name(enum gh_entry_type type)
{
    unsigned index = (unsigned)type;
    return index < GH_ARRAY_SIZE(type_names) ? type_names[index] : "unknown";
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
    int64_t kept = value > INTEGER_MAX ? INTEGER_MAX : value < -INTEGER_MAX ? -INTEGER_MAX : value;
    (void)snprintf(text, sizeof(text), "%" PRId64, kept);
    put_name(writer, name);
    gh_writer_put_text(writer, text);
}

static void put_count(struct gh_writer *writer, const char *name, uint64_t value)
{
    put_integer(writer, name, value > INTEGER_MAX ? INTEGER_MAX : (int64_t)value);
}

static void put_id(struct gh_writer *writer, const char *name, gh_id id)
{
    if (id != 0) {
        char text[GH_ID_TEXT_BYTES];
        gh_id_format(id, text);
        put_string(writer, name, text);
    }
}

static bool has_outcome(enum gh_entry_type type)
{
    return type == GH_ENTRY_PASSAGE || type == GH_ENTRY_FAULT;
}

size_t gh_entry_format(const struct gh_entry *entry, char out[GH_ENTRY_MAX_BYTES])
{
    struct gh_writer writer = gh_writer_over(out, GH_ENTRY_MAX_BYTES - 1);
    char previous[HASH_DIGITS + 1];
    gh_hex_encode(entry->previous, GH_SHA256_BYTES, previous);
    if (entry->boot_id[0] != '\0') {
        char boot[GH_BOOT_ID_TEXT_BYTES];
        (void)snprintf(boot, sizeof(boot), "%.*s", (int)sizeof(boot) - 1, entry->boot_id);
        put_string(&writer, "boot", boot);
    }
    put_string(&writer, "clock", entry->clock_trusted ? "trusted" : "untrusted");
    if (entry->colour != GH_COLOUR_NONE) {
        put_string(&writer, "colour", gh_colour_name(entry->colour));
    }
    if (entry->form != GH_FORM_NONE) {
        put_string(&writer, "form", gh_form_name(entry->form));
    }
    put_id(&writer, "gate", entry->gate);
    put_id(&writer, "health_code", entry->health_code);
    put_id(&writer, "home", entry->home);
    put_id(&writer, "housing_code", entry->housing_code);
    if (entry->type == GH_ENTRY_CLOCK && entry->jump_ms != 0) {
        put_integer(&writer, "jump_ms", entry->jump_ms);
    }
    if (entry->kind != GH_KIND_UNKNOWN) {
        put_string(&writer, "kind", gh_kind_name(entry->kind));
    }
    if (entry->generation != 0) {
        put_count(&writer, "list", entry->generation);
    }
    put_integer(&writer, "mono_ms", entry->monotonic_ms);
    if (has_outcome(entry->type)) {
        put_string(&writer, "outcome", gh_outcome_token(entry->outcome));
    }
    put_string(&writer, "prev", previous);
    if (has_outcome(entry->type)) {
        put_string(&writer, "reason", gh_reason_info(entry->reason)->token);
    }
    put_count(&writer, "seq", entry->sequence);
    put_id(&writer, "subject", entry->subject);
    put_integer(&writer, "time_ms", entry->wall_ms);
    put_string(&writer, "type", gh_entry_type_name(entry->type));
    put_integer(&writer, "v", VERSION);
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

static bool canonical_value(const json_t *value)
{
    switch (json_typeof(value)) {
    case JSON_STRING:
        return printable(json_string_value(value), json_string_length(value));
    case JSON_INTEGER:
        return json_integer_value(value) <= INTEGER_MAX &&
               json_integer_value(value) >= -INTEGER_MAX;
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
        if (!printable(name, strlen(name)) || !canonical_value(json_object_iter_value(i))) {
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

/* --- reading ---------------------------------------------------------------------------------- */

/* Reads members one after another; after the first failure the rest do nothing. */
struct members {
    const json_t *object;
    enum gh_status status;
    struct gh_error *err;
};

static void fail_member(struct members *members, const char *name, const char *what)
{
    if (members->status == GH_OK) {
        members->status =
            gh_fail(members->err, GH_ERR_INVALID, "the entry's \"%s\" %s", name, what);
    }
}

static const json_t *get(struct members *members, const char *name, bool required)
{
    const json_t *value = members->status == GH_OK ? json_object_get(members->object, name) : NULL;
    if (value == NULL && required) {
        fail_member(members, name, "is missing");
    }
    return value;
}

static int64_t get_integer(struct members *members, const char *name, bool required, int64_t least)
{
    const json_t *value = get(members, name, required);
    if (value == NULL) {
        return 0;
    }
    if (!json_is_integer(value) || !canonical_value(value) || json_integer_value(value) < least) {
        fail_member(members, name, "is not a fitting integer");
        return 0;
    }
    return json_integer_value(value);
}

/* NULL when it is not there, or not a string. */
static const char *get_string(struct members *members, const char *name, bool required)
{
    const json_t *value = get(members, name, required);
    if (value == NULL) {
        return NULL;
    }
    /* The length: a NUL inside must not make one text look like another. */
    if (!json_is_string(value) || !canonical_value(value) ||
        strlen(json_string_value(value)) != json_string_length(value)) {
        fail_member(members, name, "is not a plain string");
        return NULL;
    }
    return json_string_value(value);
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
    for (size_t i = 0; i < GH_ARRAY_SIZE(type_names); i++) {
        if (strcmp(text, type_names[i]) == 0) {
            out->type = (enum gh_entry_type)i;
            return;
        }
    }
    fail_member(members, "type", "is not known");
}

static void get_previous(struct members *members, struct gh_entry *out)
{
    const char *text = get_string(members, "prev", true);
    if (text != NULL &&
        (!is_lower_hex(text, HASH_DIGITS) ||
         gh_hex_decode(text, HASH_DIGITS, out->previous, GH_SHA256_BYTES) != GH_OK)) {
        fail_member(members, "prev", "is not a hash");
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
    if (!has_outcome(out->type)) {
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

enum gh_status gh_entry_parse(const struct json_t *object, struct gh_entry *out,
                              struct gh_error *err)
{
    struct gh_entry entry = {0};
    memset(out, 0, sizeof(*out));
    if (!json_is_object(object)) {
        return gh_fail(err, GH_ERR_INVALID, "an entry is a JSON object");
    }
    struct members members = {.object = object, .err = err};
    if (get_integer(&members, "v", true, 0) != VERSION) {
        fail_member(&members, "v", "is not a version that this program knows");
    }
    get_type(&members, &entry);
    entry.gate = get_id(&members, "gate", true);
    entry.sequence = (uint64_t)get_integer(&members, "seq", true, 1);
    get_previous(&members, &entry);
    entry.wall_ms = get_integer(&members, "time_ms", true, -INTEGER_MAX);
    get_clock(&members, &entry);
    entry.monotonic_ms = get_integer(&members, "mono_ms", true, 0);
    get_boot(&members, &entry);
    get_outcome(&members, &entry);
    get_kind(&members, &entry);
    get_colour(&members, &entry);
    get_form(&members, &entry);
    if (entry.type == GH_ENTRY_CLOCK) {
        entry.jump_ms = get_integer(&members, "jump_ms", false, -INTEGER_MAX);
    }
    entry.subject = get_id(&members, "subject", false);
    entry.home = get_id(&members, "home", false);
    entry.health_code = get_id(&members, "health_code", false);
    entry.housing_code = get_id(&members, "housing_code", false);
    entry.generation = (uint64_t)get_integer(&members, "list", false, 1);
    if (members.status == GH_OK) {
        *out = entry;
    }
    return members.status;
}
