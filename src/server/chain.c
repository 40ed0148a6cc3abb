/* SPDX-License-Identifier: Apache-2.0 */
#include "server/chain.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#define PAGE 500 /* entries in one go: no writer's log grows meanwhile */

struct checking {
    gh_id gate;
    struct gh_chain_report *report;
    uint64_t at;                   /* the number that was looked at last */
    uint8_t hash[GH_SHA256_BYTES]; /* of that one */
    size_t seen;                   /* in this page */
};

static bool same_text(const json_t *json, struct gh_bytes text)
{
    char *canonical = NULL;
    size_t size;
    bool same = gh_entry_canonical(json, &canonical, &size) == GH_OK && size == text.size &&
                memcmp(canonical, text.data, size) == 0;
    free(canonical);
    return same;
}

/* The text is an entry in canonical form. */
static bool read_text(struct gh_bytes text, struct gh_entry *out)
{
    size_t size;
    enum gh_status status = gh_entry_scan(text, out, &size, NULL);
    if (status != GH_ERR_UNSUPPORTED)
        return status == GH_OK && size == text.size;
    json_t *json = json_loadb((const char *)text.data, text.size, JSON_REJECT_DUPLICATES, NULL);
    bool good = json != NULL && same_text(json, text) && gh_entry_parse(json, out, NULL) == GH_OK;
    json_decref(json);
    return good;
}

/* What the row says beside its text is what its text says. */
static bool agrees(const struct checking *checking, const struct gh_db_link *link)
{
    uint8_t hash[GH_SHA256_BYTES];
    struct gh_entry entry;
    if (link->text.size == 0)
        return true;
    gh_entry_hash(link->text, hash);
    return memcmp(hash, link->hash, GH_SHA256_BYTES) == 0 && read_text(link->text, &entry) &&
           entry.gate == checking->gate && entry.sequence == link->sequence &&
           memcmp(entry.previous, link->previous, GH_SHA256_BYTES) == 0;
}

static bool check_link(void *context, const struct gh_db_link *link)
{
    struct checking *checking = context;
    struct gh_chain_report *report = checking->report;
    bool next = link->sequence == checking->at + 1;
    checking->seen++;
    if (report->first == 0)
        report->first = link->sequence;
    report->last = link->sequence;
    if (link->text.size == 0)
        report->erased = link->sequence;
    if (report->breaks_at == 0 && !next)
        report->breaks_at = checking->at + 1;
    if (report->breaks_at == 0 &&
        (memcmp(link->previous, checking->hash, GH_SHA256_BYTES) != 0 || !agrees(checking, link)))
        report->breaks_at = link->sequence;
    checking->at = link->sequence;
    memcpy(checking->hash, link->hash, GH_SHA256_BYTES);
    return true;
}

static bool is_signed(gh_id gate, const struct gh_receipt *checkpoint,
                      const struct gh_receipt_keys *keys)
{
    for (size_t i = 0; i < keys->count; i++)
        if (gh_receipt_verify(keys->keys[i], gate, checkpoint) == GH_OK)
            return true;
    return false;
}

enum gh_status gh_chain_check(struct gh_db *db, gh_id gate, const struct gh_receipt_keys *keys,
                              const atomic_bool *stop, struct gh_chain_report *out)
{
    struct gh_db_chain chain;
    struct checking checking = {.gate = gate, .report = out};
    *out = (struct gh_chain_report){0};
    enum gh_status status = gh_db_chain_find(db, gate, &chain);
    if (status != GH_OK)
        return status;
    out->checkpoint = chain.checkpoint;
    out->erased = checking.at = chain.checkpoint.through;
    memcpy(checking.hash, chain.checkpoint.hash, GH_SHA256_BYTES);
    if (chain.checkpoint.through > 0 && !is_signed(gate, &chain.checkpoint, keys))
        out->breaks_at = chain.checkpoint.through;
    do {
        checking.seen = 0;
        if (atomic_load(stop))
            return GH_ERR_AGAIN;
        status = gh_db_chain_read(db, gate, checking.at, PAGE, check_link, &checking);
    } while (status == GH_OK && checking.seen == PAGE);
    /* The end is cut off: what came last was more. */
    if (status == GH_OK && out->breaks_at == 0 && checking.at < chain.last)
        out->breaks_at = checking.at + 1;
    return status;
}
