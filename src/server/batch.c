/* SPDX-License-Identifier: Apache-2.0 */
#include "server/batch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SEQUENCE_MAX (INT64_C(1) << 53)

static uint64_t sequence_of(const json_t *value)
{
    const json_t *sequence = json_object_get(value, "seq");
    json_int_t number = json_integer_value(sequence);
    return number >= 1 && number <= SEQUENCE_MAX ? (uint64_t)number : 0;
}

/* What cannot be an entry is kept as it came. */
static enum gh_status keep_raw(const json_t *value, struct gh_db_item *item)
{
    char *text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
    if (text == NULL)
        return GH_ERR_NOMEM;
    item->text = text;
    item->text_size = strlen(text);
    return GH_OK;
}

/* What a prune entry says that it was allowed by. */
static void read_prune(const struct gh_entry *entry, const struct gh_receipt_keys *keys,
                       struct gh_db_item *item)
{
    bool covered = entry->through <= entry->erased && entry->erased <= entry->receipt.through;
    bool good = false;
    for (size_t i = 0; covered && !good && i < keys->count; i++)
        good = gh_receipt_verify(keys->keys[i], entry->gate, &entry->receipt) == GH_OK;
    if (good) {
        item->receipt_through = entry->receipt.through;
        memcpy(item->receipt_hash, entry->receipt.hash, GH_SHA256_BYTES);
        return;
    }
    item->alarm = GH_ALARM_PRUNED_EARLY;
    item->alarm_text = covered ? "entries were removed by a receipt that this server never gave"
                               : "entries were removed that no receipt covers";
}

static const char *text_of_trouble(enum gh_list_trouble trouble)
{
    switch (trouble) {
    case GH_LIST_TROUBLE_ROLLBACK:
        return "the gate refused a list that is older than its own";
    case GH_LIST_TROUBLE_AREA:
        return "the gate refused another area's list";
    case GH_LIST_TROUBLE_SIGNATURE:
        return "the gate refused a list that no key of its area has signed";
    case GH_LIST_TROUBLE_RETIRED_KEY:
        return "the gate refused a list that a retired key has signed";
    case GH_LIST_TROUBLE_CORRUPT:
        return "the gate refused a list that is not what it says it is";
    default:
        return "the gate refused a list";
    }
}

/* What a door says that an administrator must hear of. */
static void read_door(const struct gh_entry *entry, struct gh_db_item *item)
{
    static const struct {
        enum gh_alarm alarm;
        const char *text;
    } alarms[GH_DOOR_EVENT_COUNT] = {
        [GH_DOOR_EVENT_FORCED] = {GH_ALARM_FORCED, "the door was opened without a decision"},
        [GH_DOOR_EVENT_TAMPER] = {GH_ALARM_TAMPER, "the housing was opened"},
        [GH_DOOR_EVENT_FIRE] = {GH_ALARM_FIRE, "the fire input unlocked the door"},
    };
    if (entry->door == GH_DOOR_EVENT_UNUSED)
        item->unused = entry->about;
    if ((unsigned)entry->door < GH_DOOR_EVENT_COUNT && alarms[entry->door].alarm != 0) {
        item->alarm = alarms[entry->door].alarm;
        item->alarm_text = alarms[entry->door].text;
    }
}

static void accept(const struct gh_entry *entry, gh_id gate, const struct gh_receipt_keys *keys,
                   struct gh_db_item *item)
{
    if (entry->gate != gate) {
        item->alarm = GH_ALARM_NOT_AN_ENTRY;
        snprintf(item->refusal, sizeof(item->refusal), "another gate's");
        return;
    }
    memcpy(item->previous, entry->previous, GH_SHA256_BYTES);
    item->sequence = entry->sequence;
    item->type = entry->type;
    item->subject = entry->subject;
    item->home = entry->home;
    item->time_ms = entry->clock_trusted ? entry->wall_ms : 0;
    if (entry->boot_id[0] != '\0' && gh_hex_decode(entry->boot_id, strlen(entry->boot_id),
                                                   item->boot, sizeof(item->boot)) != GH_OK)
        memset(item->boot, 0, sizeof(item->boot));
    if (entry->type == GH_ENTRY_PASSAGE && entry->outcome == GH_OUTCOME_OPEN)
        item->direction = entry->direction;
    if (entry->type == GH_ENTRY_DOOR)
        read_door(entry, item);
    if (entry->type == GH_ENTRY_ANNOUNCEMENT) {
        item->announcement = entry->announcement;
        item->announced = entry->announced;
    }
    if (entry->type == GH_ENTRY_PRUNE)
        read_prune(entry, keys, item);
    if (entry->type == GH_ENTRY_LIST) {
        item->alarm = GH_ALARM_LIST_REFUSED;
        item->alarm_text = text_of_trouble(entry->trouble);
    }
}

static enum gh_status read_item(const json_t *value, gh_id gate, const struct gh_receipt_keys *keys,
                                struct gh_db_item *item)
{
    struct gh_entry entry;
    struct gh_error why = {0};
    char *text = NULL;
    size_t size = 0;

    item->sequence = sequence_of(value);
    enum gh_status status =
        json_is_object(value) ? gh_entry_canonical(value, &text, &size) : GH_ERR_INVALID;
    item->text = text;
    item->text_size = size;
    if (status == GH_OK)
        status = gh_entry_parse(value, &entry, &why);
    if (status == GH_ERR_NOMEM)
        return status;
    if (status == GH_OK) {
        accept(&entry, gate, keys, item);
    } else {
        item->alarm = GH_ALARM_NOT_AN_ENTRY;
        snprintf(item->refusal, sizeof(item->refusal), "not an entry: %.100s",
                 why.text[0] != '\0' ? why.text : gh_status_text(status));
    }
    if (text == NULL)
        status = keep_raw(value, item);
    else
        status = GH_OK;
    if (status == GH_OK)
        gh_entry_hash((struct gh_bytes){(const uint8_t *)item->text, item->text_size}, item->hash);
    return status;
}

enum gh_status gh_batch_open(const json_t *entries, gh_id gate, const struct gh_receipt_keys *keys,
                             struct gh_batch *out)
{
    size_t count = json_array_size(entries);
    *out = (struct gh_batch){0};
    if (count == 0)
        return GH_OK;
    out->items = calloc(count, sizeof(*out->items));
    if (out->items == NULL)
        return GH_ERR_NOMEM;
    out->count = count;
    for (size_t i = 0; i < count; i++) {
        enum gh_status status = read_item(json_array_get(entries, i), gate, keys, &out->items[i]);
        if (status != GH_OK) {
            gh_batch_close(out);
            return status;
        }
    }
    return GH_OK;
}

/* Exactly the member `entries`. */
static enum gh_status check_body(const json_t *json, const json_error_t *error,
                                 struct gh_error *err)
{
    const json_t *entries = json_object_get(json, "entries");
    if (json == NULL && json_error_code(error) == json_error_out_of_memory)
        return GH_ERR_NOMEM;
    if (json == NULL && json_error_code(error) == json_error_duplicate_key)
        return gh_fail(err, GH_ERR_INVALID, "the body has a member twice");
    if (!json_is_object(json))
        return gh_fail(err, GH_ERR_INVALID, "the body is not a JSON object");
    if (entries == NULL)
        return gh_fail(err, GH_ERR_INVALID, "the member \"entries\" is missing");
    if (json_object_size(json) != 1)
        return gh_fail(err, GH_ERR_INVALID, "the body has an unknown member");
    if (!json_is_array(entries) || json_array_size(entries) > GH_BATCH_MAX_ENTRIES)
        return gh_fail(err, GH_ERR_INVALID, "entries must be an array of at most %d items",
                       GH_BATCH_MAX_ENTRIES);
    return GH_OK;
}

static enum gh_status read_tree(struct gh_bytes body, gh_id gate,
                                const struct gh_receipt_keys *keys, struct gh_batch *out,
                                struct gh_error *err)
{
    json_error_t error;
    json_t *json = json_loadb((const char *)body.data, body.size, JSON_REJECT_DUPLICATES, &error);
    enum gh_status status = check_body(json, &error, err);
    if (status == GH_OK)
        status = gh_batch_open(json_object_get(json, "entries"), gate, keys, out);
    json_decref(json);
    return status;
}

/* --- a body whose entries all stand in canonical form, as every gate's does --- */

static bool take(struct gh_bytes *body, const char *text)
{
    size_t size = strlen(text);
    if (body->size < size || memcmp(body->data, text, size) != 0)
        return false;
    *body = (struct gh_bytes){body->data + size, body->size - size};
    return true;
}

static bool scan_item(struct gh_bytes *body, gh_id gate, const struct gh_receipt_keys *keys,
                      struct gh_db_item *item)
{
    struct gh_entry entry;
    size_t size;
    if (gh_entry_scan(*body, &entry, &size, NULL) != GH_OK)
        return false;
    item->sequence = entry.sequence;
    item->text = (const char *)body->data;
    item->text_size = size;
    accept(&entry, gate, keys, item);
    gh_entry_hash((struct gh_bytes){body->data, size}, item->hash);
    *body = (struct gh_bytes){body->data + size, body->size - size};
    return true;
}

/* False: something in it is not plainly so. The items' texts stand in body then. */
static bool scan(struct gh_bytes body, gh_id gate, const struct gh_receipt_keys *keys,
                 struct gh_batch *out)
{
    if (!take(&body, "{\"entries\":["))
        return false;
    do {
        if (out->count == GH_BATCH_MAX_ENTRIES ||
            !scan_item(&body, gate, keys, &out->items[out->count]))
            return false;
        out->count++;
    } while (take(&body, ","));
    return take(&body, "]}") && body.size == 0;
}

enum gh_status gh_batch_read(struct gh_bytes body, gh_id gate, const struct gh_receipt_keys *keys,
                             struct gh_batch *out, struct gh_error *err)
{
    *out = (struct gh_batch){0};
    out->texts = malloc(body.size + 1);
    out->items = calloc(GH_BATCH_MAX_ENTRIES, sizeof(*out->items));
    if (out->texts == NULL || out->items == NULL) {
        gh_batch_close(out);
        return GH_ERR_NOMEM;
    }
    if (body.size > 0)
        memcpy(out->texts, body.data, body.size);
    if (scan((struct gh_bytes){(const uint8_t *)out->texts, body.size}, gate, keys, out))
        return GH_OK;
    gh_batch_close(out);
    return read_tree(body, gate, keys, out, err);
}

void gh_batch_close(struct gh_batch *batch)
{
    for (size_t i = 0; batch->texts == NULL && i < batch->count; i++)
        free((void *)(uintptr_t)batch->items[i].text);
    free(batch->texts);
    free(batch->items);
    *batch = (struct gh_batch){0};
}
