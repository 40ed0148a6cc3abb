/* SPDX-License-Identifier: Apache-2.0 */
/* A delta's records go into a list: each thing once, in the order of the list's pages. */
#include <stdlib.h>
#include <string.h>

#include "list/delta.h"

/* Where the records begin. There may be millions, so this is all that is kept of each. */
struct index {
    struct gh_bytes records;
    uint32_t *start;
    size_t count, capacity;
    gh_id *dropped; /* homes */
    size_t dropped_count;
};

static bool read_at(const struct index *index, uint32_t start, gh_id homes[GH_LIST_HOMES_MAX],
                    struct gh_record *record)
{
    struct gh_cbor_reader cbor = gh_cbor_reader_over(
        (struct gh_bytes){index->records.data + start, index->records.size - start});
    return gh_record_read(&cbor, homes, record);
}

static bool add(struct index *index, size_t start)
{
    if (index->count == index->capacity) {
        size_t capacity = index->count > 0 ? 2 * index->count : 256;
        uint32_t *more = realloc(index->start, capacity * sizeof(*more));
        if (more == NULL)
            return false;
        index->start = more;
        index->capacity = capacity;
    }
    index->start[index->count++] = (uint32_t)start;
    return true;
}

/* All that are there, whole; and the homes that are dropped, counted. Keys come only behind what
 * clears them. */
static enum gh_status find_all(struct index *index, struct gh_error *err)
{
    struct gh_cbor_reader cbor = gh_cbor_reader_over(index->records);
    bool cleared = false;
    while (cbor.offset < index->records.size) {
        gh_id homes[GH_LIST_HOMES_MAX];
        struct gh_record record;
        size_t start = cbor.offset;
        if (!gh_record_read(&cbor, homes, &record) ||
            (record.kind == GH_RECORD_KEY && !record.drop && !cleared))
            return gh_fail(err, GH_ERR_CORRUPT, "record %zu of the delta is none",
                           index->count + 1);
        cleared = cleared || record.kind == GH_RECORD_KEY;
        index->dropped_count += record.kind == GH_RECORD_HOME && record.drop;
        if (!add(index, start))
            return gh_fail(err, GH_ERR_NOMEM, "no memory for the delta's records");
    }
    return GH_OK;
}

static int compare_at(const void *a, const void *b, void *context)
{
    gh_id homes[GH_LIST_HOMES_MAX];
    struct gh_record one, other;
    bool good = read_at(context, *(const uint32_t *)a, homes, &one) &&
                read_at(context, *(const uint32_t *)b, homes, &other);
    return good ? gh_record_compare(&one, &other) : 0; /* all were read before */
}

static enum gh_status apply_all(struct index *index, struct gh_list_store *store)
{
    enum gh_status status = GH_OK;
    size_t dropped = 0;
    for (size_t i = 0; i < index->count && status == GH_OK; i++) {
        gh_id homes[GH_LIST_HOMES_MAX];
        struct gh_record record;
        if (!read_at(index, index->start[i], homes, &record) ||
            (i > 0 && compare_at(&index->start[i - 1], &index->start[i], index) == 0))
            return gh_fail(store->err, GH_ERR_CORRUPT, "the delta says something twice, of %s",
                           gh_record_name(record.kind));
        if (record.kind == GH_RECORD_HOME && record.drop)
            index->dropped[dropped++] = record.id;
        status = gh_list_store_change(store, &record);
    }
    return status;
}

enum gh_status gh_delta_apply(struct gh_list_store *store, struct gh_bytes records)
{
    struct index index = {.records = records};
    enum gh_status status = find_all(&index, store->err);
    if (status == GH_OK && index.dropped_count > 0) {
        index.dropped = calloc(index.dropped_count, sizeof(*index.dropped));
        if (index.dropped == NULL)
            status = gh_fail(store->err, GH_ERR_NOMEM, "no memory for the delta's records");
    }
    if (status == GH_OK && index.count > 0) {
        qsort_r(index.start, index.count, sizeof(*index.start), compare_at, &index);
        status = apply_all(&index, store);
    }
    if (status == GH_OK && index.dropped_count > 0)
        status = gh_list_store_check_dropped(store, index.dropped, index.dropped_count);
    free(index.dropped);
    free(index.start);
    return status;
}
