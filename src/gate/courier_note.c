/* SPDX-License-Identifier: Apache-2.0 */
/* What the server has acknowledged, and its receipt for it, in one small file:
 *     <gate id> <sequence>
 *     <through> <hash in hex> <signature in hex>
 * the second line once there was a receipt. Losing it costs a few entries sent twice, which the
 * server counts once, and a receipt that comes again with the next batch. */
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "gate/courier_parts.h"
#include "gatehouse/file.h"
#include "gatehouse/log.h"

#define NOTE_MAX_BYTES 512
/* Between two: what was acknowledged since is sent once more after a start that no stop came
 * before, and known there: some 200 entries, one batch. Every write is a card's, 12 KiB with what
 * the file system writes for a file that replaces another. */
#define SAVE_NS (3600 * GH_NS_PER_S)
#define TELL_NS GH_NS_PER_S /* likewise to the gate, while batch follows on batch */

/* --- receipts --- */

/* Once it was verified, one that a key before this one signed is as good. */
static bool verify_kept(const struct gh_identity *identity, const struct gh_receipt *receipt)
{
    bool good = false;

    for (size_t i = 0; i <= identity->retired_count && !good; i++) {
        const uint8_t *raw =
            i < identity->retired_count ? identity->retired_keys[i] : identity->list_key;
        struct gh_public_key *key = NULL;
        good = gh_public_key_from_raw(GH_KEY_ED25519, (struct gh_bytes){raw, GH_LIST_KEY_BYTES},
                                      &key) == GH_OK &&
               gh_receipt_verify(key, identity->gate, receipt) == GH_OK;
        gh_public_key_free(key);
    }
    return good;
}

static bool hash_row(void *context, uint64_t sequence, struct gh_bytes canonical)
{
    struct gh_receipt *own = context;

    if (canonical.size > 0) {
        own->through = sequence;
        gh_entry_hash(canonical, own->hash);
    }
    return false;
}

/* Whether there is an entry of that number, and it is the one that the receipt names. One whose
 * content is gone cannot be asked. */
static bool find_receipted(struct gh_journal *journal, const struct gh_receipt *receipt, bool *ours)
{
    struct gh_receipt own = {0};

    bool found = gh_journal_read(journal, receipt->through - 1, 1, hash_row, &own) == GH_OK &&
                 own.through == receipt->through;
    *ours = found && memcmp(own.hash, receipt->hash, sizeof(own.hash)) == 0;
    return found;
}

static bool parse_receipt(const json_t *object, struct gh_receipt *out)
{
    const char *hash = json_string_value(json_object_get(object, "hash"));
    const char *signature = json_string_value(json_object_get(object, "signature"));
    json_int_t through = json_integer_value(json_object_get(object, "through"));

    out->through = through > 0 ? (uint64_t)through : 0;
    return through > 0 && hash && signature &&
           gh_hex_decode(hash, strlen(hash), out->hash, sizeof(out->hash)) == GH_OK &&
           gh_hex_decode(signature, strlen(signature), out->signature, sizeof(out->signature)) ==
               GH_OK;
}

void gh_outbox_take_receipt(struct gh_courier *courier, const json_t *object)
{
    struct gh_outbox *outbox = &courier->outbox;
    const struct gh_lane *lane = &courier->entries;
    struct gh_receipt receipt = {0};
    bool ours;

    if (!object || !parse_receipt(object, &receipt) || receipt.through <= outbox->receipt.through)
        return;
    /* By the newest key alone: one that is retired may be in anybody's hands. Where this gate has
     * not heard of the newest yet, the next receipt will do. */
    if (gh_receipt_verify(lane->list_key, lane->identity.gate, &receipt) != GH_OK) {
        gh_log(GH_LOG_WARNING, GH_COURIER_MODULE,
               "entries: a receipt that is not signed by the list key");
        return;
    }
    if (!find_receipted(outbox->journal, &receipt, &ours) || !ours) {
        gh_log(GH_LOG_ERR, GH_COURIER_MODULE,
               "entries: the server's receipt names another entry %" PRIu64 " than ours",
               receipt.through);
        return;
    }
    outbox->receipt = receipt;
    outbox->receipt_told = false;
}

static void drop_receipt(struct gh_outbox *outbox)
{
    outbox->receipt_told = outbox->receipt_told && outbox->receipt.through == 0;
    outbox->receipt = (struct gh_receipt){0};
}

void gh_outbox_go_back(struct gh_courier *courier, uint64_t sequence)
{
    struct gh_outbox *outbox = &courier->outbox;

    outbox->acknowledged = sequence;
    outbox->unsaved = true;
    outbox->saved_ns = 0; /* a start by the old note would let go of what the server wants again */
    if (outbox->receipt.through > sequence)
        drop_receipt(outbox);
}

void gh_outbox_check(struct gh_courier *courier)
{
    const struct gh_outbox *outbox = &courier->outbox;
    uint8_t hash[GH_SHA256_BYTES];
    uint64_t head;
    bool ours;

    bool more =
        gh_journal_head(outbox->journal, &head, hash) == GH_OK && outbox->acknowledged > head;
    if (more || (outbox->receipt.through != 0 &&
                 find_receipted(outbox->journal, &outbox->receipt, &ours) && !ours))
        gh_outbox_go_back(courier, 0);
}

static void tell_receipt(struct gh_courier *courier)
{
    struct gh_outbox *outbox = &courier->outbox;
    struct gh_courier_event event = {.type = GH_COURIER_RECEIPT, .receipt = outbox->receipt};

    if (outbox->receipt_told)
        return;
    outbox->receipt_told = true;
    outbox->told_ns = gh_clock_monotonic_ns(courier->options.clock);
    gh_lane_push(&courier->entries, &event);
}

void gh_outbox_tell(struct gh_courier *courier, bool now)
{
    if (now || gh_clock_monotonic_ns(courier->options.clock) - courier->outbox.told_ns >= TELL_NS)
        tell_receipt(courier);
}

/* --- the file --- */

static void load(struct gh_courier *courier, const char *text)
{
    const struct gh_identity *identity = &courier->entries.identity;
    struct gh_outbox *outbox = &courier->outbox;
    struct gh_receipt receipt = {0};
    char gate[GH_ID_TEXT_BYTES], saved[GH_ID_TEXT_BYTES], hash[65], signature[129];
    uint64_t sequence;

    gh_id_format(identity->gate, gate);
    if (sscanf(text, "%16s %20" SCNu64, saved, &sequence) != 2 || strcmp(gate, saved) != 0)
        return;
    outbox->acknowledged = sequence;
    const char *line = strchr(text, '\n');
    if (line && sscanf(line, "%20" SCNu64 " %64s %128s", &receipt.through, hash, signature) == 3 &&
        gh_hex_decode(hash, strlen(hash), receipt.hash, sizeof(receipt.hash)) == GH_OK &&
        gh_hex_decode(signature, strlen(signature), receipt.signature, sizeof(receipt.signature)) ==
            GH_OK &&
        verify_kept(identity, &receipt))
        outbox->receipt = receipt;
}

void gh_outbox_load(struct gh_courier *courier)
{
    GH_CLEANUP_FREE uint8_t *data = NULL;
    size_t size;

    courier->outbox.acknowledged = 0;
    courier->outbox.receipt = (struct gh_receipt){0};
    if (gh_file_read(courier->note_path, NOTE_MAX_BYTES, &data, &size, NULL) == GH_OK)
        load(courier, (const char *)data);
    courier->outbox.receipt_told = courier->outbox.receipt.through == 0;
    tell_receipt(courier);
}

static void save(struct gh_courier *courier)
{
    const struct gh_outbox *outbox = &courier->outbox;
    char text[NOTE_MAX_BYTES], gate[GH_ID_TEXT_BYTES], hash[65], signature[129];
    struct gh_error err = {0};

    gh_id_format(courier->entries.identity.gate, gate);
    int length = snprintf(text, sizeof(text), "%s %" PRIu64 "\n", gate, outbox->acknowledged);
    if (outbox->receipt.through > 0) {
        gh_hex_encode(outbox->receipt.hash, sizeof(outbox->receipt.hash), hash);
        gh_hex_encode(outbox->receipt.signature, sizeof(outbox->receipt.signature), signature);
        length += snprintf(text + length, sizeof(text) - (size_t)length, "%" PRIu64 " %s %s\n",
                           outbox->receipt.through, hash, signature);
    }
    if (gh_file_replace(courier->note_path, 0600, text, (size_t)length, &err) != GH_OK)
        gh_log(GH_LOG_WARNING, GH_COURIER_MODULE, "what was acknowledged cannot be saved: %s",
               err.text);
}

void gh_outbox_save(struct gh_courier *courier, bool now)
{
    struct gh_outbox *outbox = &courier->outbox;

    if (!outbox->unsaved)
        return;
    int64_t now_ns = gh_clock_monotonic_ns(courier->options.clock);
    if (!now && outbox->saved_ns != 0 && now_ns - outbox->saved_ns < SAVE_NS)
        return;
    outbox->saved_ns = now_ns;
    /* Also when it failed: it is tried again with the next batch that is acknowledged. */
    outbox->unsaved = false;
    save(courier);
}
