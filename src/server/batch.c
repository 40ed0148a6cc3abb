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

static void accept(const struct gh_entry *entry, gh_id gate, struct gh_db_item *item)
{
    if (entry->gate != gate) {
        snprintf(item->refusal, sizeof(item->refusal), "another gate's");
        return;
    }
    memcpy(item->previous, entry->previous, GH_SHA256_BYTES);
    item->sequence = entry->sequence;
    item->type = entry->type;
    item->subject = entry->subject;
    item->home = entry->home;
}

static enum gh_status read_item(const json_t *value, gh_id gate, struct gh_db_item *item)
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
    if (status != GH_OK)
        snprintf(item->refusal, sizeof(item->refusal), "not an entry: %.100s",
                 why.text[0] != '\0' ? why.text : gh_status_text(status));
    else
        accept(&entry, gate, item);
    if (text == NULL)
        status = keep_raw(value, item);
    else
        status = GH_OK;
    if (status == GH_OK)
        gh_entry_hash((struct gh_bytes){(const uint8_t *)item->text, item->text_size}, item->hash);
    return status;
}

enum gh_status gh_batch_open(const json_t *entries, gh_id gate, struct gh_batch *out)
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
        enum gh_status status = read_item(json_array_get(entries, i), gate, &out->items[i]);
        if (status != GH_OK) {
            gh_batch_close(out);
            return status;
        }
    }
    return GH_OK;
}

void gh_batch_close(struct gh_batch *batch)
{
    for (size_t i = 0; i < batch->count; i++)
        free((void *)(uintptr_t)batch->items[i].text);
    free(batch->items);
    *batch = (struct gh_batch){0};
}
