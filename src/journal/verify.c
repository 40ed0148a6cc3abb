/* SPDX-License-Identifier: Apache-2.0 */
/* Checking the whole chain, and what its newest prune entry says is missing. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "journal/store.h"

struct verifying {
    struct gh_entry prune; /* the newest; all zero: none */
    bool known_before;     /* the hash in front of the first row */
    struct gh_chain_link last;
    uint8_t sum[GH_SHA256_BYTES];
    enum gh_status status;
    uint64_t bad; /* with GH_ERR_CORRUPT */
};

/* The newest row that is a prune entry, whatever its hash: that is looked at in its place. In
 * canonical form the words are there wherever that is the type. */
static enum gh_status find_prune(struct gh_journal *journal, struct gh_entry *out)
{
    sqlite3_stmt *statement = NULL;
    int result = sqlite3_prepare_v2(journal->db,
                                    "SELECT body FROM entry WHERE sequence > 0 AND"
                                    " instr(body, '\"type\":\"prune\"') > 0 ORDER BY sequence DESC",
                                    -1, &statement, NULL);
    memset(out, 0, sizeof(*out));
    while (result == SQLITE_OK || result == SQLITE_ROW) {
        result = sqlite3_step(statement);
        struct gh_bytes body = {.data = sqlite3_column_blob(statement, 0),
                                .size = (size_t)sqlite3_column_bytes(statement, 0)};
        if (result == SQLITE_ROW && gh_journal_body(body, out) == GH_OK) {
            if (out->type == GH_ENTRY_PRUNE) {
                break;
            }
            memset(out, 0, sizeof(*out));
        }
    }
    enum gh_status status = gh_journal_status(journal, result);
    sqlite3_finalize(statement);
    return status;
}

static bool fail_at(struct verifying *verifying, uint64_t sequence)
{
    verifying->status = GH_ERR_CORRUPT;
    verifying->bad = sequence;
    return false;
}

static bool follows(const struct verifying *verifying, const struct gh_chain_link *link)
{
    if (link->sequence == verifying->prune.through + 1 && !verifying->known_before) {
        return true;
    }
    return gh_chain_follows(link, &verifying->last);
}

static bool verify_row(void *context, uint64_t sequence, struct gh_bytes body, struct gh_bytes hash)
{
    struct verifying *verifying = context;
    const struct gh_entry *prune = &verifying->prune;
    struct gh_chain_link link;
    enum gh_status status = gh_chain_link_read(sequence, body, hash, &link);
    if (status != GH_OK && status != GH_ERR_CORRUPT) {
        verifying->status = status;
        return false;
    }
    if (status != GH_OK || !follows(verifying, &link) ||
        (link.erased && sequence > prune->erased)) {
        return fail_at(verifying, verifying->last.sequence + 1);
    }
    verifying->last = link;
    if (sequence <= prune->erased) {
        gh_chain_sum(verifying->sum, link.hash);
        if (sequence == prune->erased &&
            memcmp(verifying->sum, prune->erased_sum, GH_SHA256_BYTES) != 0) {
            return fail_at(verifying, prune->sequence);
        }
    }
    if (sequence == prune->receipt.through &&
        memcmp(link.hash, prune->receipt.hash, GH_SHA256_BYTES) != 0) {
        return fail_at(verifying, sequence);
    }
    return true;
}

/* Where the chain begins, by what the prune entry says. */
static void begin(struct verifying *verifying)
{
    const struct gh_entry *prune = &verifying->prune;
    verifying->last.sequence = prune->through;
    memcpy(verifying->sum, prune->through_sum, GH_SHA256_BYTES);
    verifying->known_before = prune->through == 0;
    if (prune->through != 0 && prune->through == prune->receipt.through) {
        memcpy(verifying->last.hash, prune->receipt.hash, GH_SHA256_BYTES);
        verifying->known_before = true;
    }
    if (prune->through != 0 && prune->through == prune->erased &&
        memcmp(prune->through_sum, prune->erased_sum, GH_SHA256_BYTES) != 0) {
        fail_at(verifying, prune->sequence);
    }
}

/* Is there a row that can have no place in the chain: before the first number, or a blank one
 * behind the last? Between entries blank ones are as good as missing. */
static enum gh_status check_strays(struct gh_journal *journal, uint64_t last)
{
    char sql[128];
    int64_t strays = 0;
    (void)snprintf(
        sql, sizeof(sql),
        "SELECT EXISTS (SELECT 1 FROM entry WHERE sequence < 1 OR sequence > %" PRIu64 ")", last);
    enum gh_status status = gh_journal_integer(journal, sql, &strays, NULL);
    return status == GH_OK && strays != 0 ? GH_ERR_CORRUPT : status;
}

static enum gh_status verify_receipt(const struct gh_entry *prune,
                                     const struct gh_public_key *const *list_keys, size_t key_count)
{
    enum gh_status status = GH_ERR_SIGNATURE;
    for (size_t i = 0; i < key_count && status != GH_OK; i++) {
        status = gh_receipt_verify(list_keys[i], prune->gate, &prune->receipt);
        if (status == GH_ERR_NOMEM) {
            return status;
        }
    }
    return status == GH_OK ? GH_OK : GH_ERR_CORRUPT;
}

static enum gh_status verify(struct gh_journal *journal,
                             const struct gh_public_key *const *list_keys, size_t key_count,
                             uint64_t *bad_sequence)
{
    struct verifying verifying = {.status = GH_OK};
    enum gh_status status = check_strays(journal, INT64_MAX);
    if (status != GH_OK) {
        *bad_sequence = status == GH_ERR_CORRUPT ? 1 : 0;
        return status;
    }
    status = find_prune(journal, &verifying.prune);
    if (status == GH_OK) {
        begin(&verifying);
    }
    if (status == GH_OK && verifying.status == GH_OK) {
        status = gh_journal_rows(journal, 0, -1, verify_row, &verifying);
    }
    if (status == GH_OK && verifying.status == GH_OK) {
        status = check_strays(journal, verifying.last.sequence);
    }
    if (status != GH_OK) {
        *bad_sequence = status == GH_ERR_CORRUPT ? verifying.last.sequence + 1 : 0;
        return status;
    }
    if (verifying.status == GH_OK && verifying.prune.sequence != 0 && list_keys != NULL &&
        key_count > 0) {
        verifying.status = verify_receipt(&verifying.prune, list_keys, key_count);
        verifying.bad = verifying.status == GH_ERR_CORRUPT ? verifying.prune.sequence : 0;
    }
    *bad_sequence = verifying.bad;
    return verifying.status;
}

/* One transaction: what is pruned meanwhile by another process is not seen half. */
enum gh_status gh_journal_verify(struct gh_journal *journal,
                                 const struct gh_public_key *const *list_keys, size_t key_count,
                                 uint64_t *bad_sequence)
{
    *bad_sequence = 0;
    enum gh_status status = gh_journal_execute(journal, "BEGIN", "read", NULL);
    if (status == GH_OK) {
        status = verify(journal, list_keys, key_count, bad_sequence);
        sqlite3_exec(journal->db, "ROLLBACK", NULL, NULL, NULL); /* nothing was written */
    }
    return status;
}
