/* SPDX-License-Identifier: Apache-2.0 */
/* Retention: what may go, goes, and the chain says so. All in one transaction; what is looked at is
 * held against the chain first, for what does not fit together is evidence, and stays. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "journal/store.h"

/* A place up to which something is done, and the sum of all hashes up to there. */
struct mark {
    uint64_t sequence;
    uint8_t sum[GH_SHA256_BYTES];
};

struct pruning {
    struct gh_journal *journal;
    const struct gh_journal_cut *cut;
    uint64_t limit;       /* no entry behind this one may go */
    struct mark through;  /* numbers are gone up to here */
    struct mark erased;   /* contents */
    struct mark was;      /* `erased`, as the newest prune entry says */
    uint64_t was_through; /* likewise */
    uint64_t *doomed;     /* whose contents go: at most cut->max_entries, owned */
    unsigned doomed_count;
};

/* --- looking: a window of entries ------------------------------------------------------------- */

struct window {
    const struct pruning *pruning;
    bool whole;      /* entries may go as a whole, else passages and doors lose their contents */
    uint64_t passed; /* so far all may go: a trusted clock says so further on */
    unsigned left;
    struct gh_chain_link last;
    struct mark seen, reach; /* looked at; and of that, what may go up to here */
    unsigned doomed, doomed_reach;
    enum gh_status status;
};

static bool is_personal(const struct gh_entry *entry)
{
    return entry->type == GH_ENTRY_PASSAGE || entry->type == GH_ENTRY_DOOR;
}

/* An entry that this version cannot read is one of the others: it has no contents to lose. */
static enum gh_status read_body(struct gh_bytes body, struct gh_entry *entry)
{
    enum gh_status status = gh_journal_body(body, entry);
    if (status == GH_ERR_UNSUPPORTED) {
        *entry = (struct gh_entry){.type = GH_ENTRY_START, .wall_ms = INT64_MAX};
        status = GH_OK;
    }
    return status;
}

/* By which a trusted clock lets everything go that came before. */
static int64_t first_before_ms(const struct gh_journal_cut *cut, bool whole)
{
    return whole && cut->others_before_ms < cut->passages_before_ms ? cut->others_before_ms
                                                                    : cut->passages_before_ms;
}

/* May this entry go, and may all before it, whatever their clocks said? For a clock that ran ahead
 * and was set right does not keep entries for ever. */
static void judge(const struct window *window, const struct gh_entry *entry, bool *due, bool *all)
{
    const struct gh_journal_cut *cut = window->pruning->cut;
    if (window->seen.sequence <= window->passed) {
        *due = true;
    } else if (is_personal(entry)) {
        *due = entry->wall_ms < cut->passages_before_ms;
    } else {
        *due = !window->whole || entry->wall_ms < cut->others_before_ms;
    }
    *all = entry->clock_trusted && entry->wall_ms < first_before_ms(cut, window->whole);
}

static bool fail_window(struct window *window, enum gh_status status)
{
    window->status = status;
    return false;
}

/* Each entry counts when the one behind it has been seen to follow it; the receipt holds the one
 * that it names. */
static bool look(void *context, uint64_t sequence, struct gh_bytes body, struct gh_bytes hash)
{
    struct window *window = context;
    const struct pruning *pruning = window->pruning;
    struct gh_chain_link link;
    struct gh_entry entry = {0};
    enum gh_status status = gh_chain_link_read(sequence, body, hash, &link);
    bool first = window->last.sequence == 0;
    if (status == GH_OK && (sequence != window->seen.sequence + 1 ||
                            (!first && !gh_chain_follows(&link, &window->last)) ||
                            (link.erased && sequence > pruning->was.sequence))) {
        status = GH_ERR_CORRUPT;
    }
    if (status == GH_OK && !link.erased) {
        status = read_body(body, &entry);
    }
    if (status != GH_OK) {
        return fail_window(window, status);
    }
    if (window->left == 0 || sequence > pruning->limit) {
        return false; /* it was only to follow */
    }
    window->left--;
    window->last = link;
    window->seen.sequence = sequence;
    gh_chain_sum(window->seen.sum, link.hash);
    if (sequence == pruning->was.sequence &&
        memcmp(window->seen.sum, pruning->was.sum, GH_SHA256_BYTES) != 0) {
        return fail_window(window, GH_ERR_CORRUPT);
    }
    bool due = true, all = false;
    if (!link.erased) {
        judge(window, &entry, &due, &all);
        if (!window->whole && is_personal(&entry)) {
            pruning->doomed[window->doomed++] = sequence;
        }
    }
    if (all || (due && sequence == window->reach.sequence + 1)) {
        window->reach = window->seen;
        window->doomed_reach = window->doomed;
    }
    return true;
}

/* *sequence: the newest entry up to `end` whose clock was trusted; 0: none behind `after`, or too
 * far back. */
static enum gh_status trusted_before(struct gh_journal *journal, uint64_t after, uint64_t end,
                                     int64_t *sequence)
{
    char sql[320];
    (void)snprintf(sql, sizeof(sql),
                   "SELECT coalesce(max(sequence), 0) FROM (SELECT sequence, body FROM entry"
                   " WHERE sequence > %" PRIu64 " AND sequence <= %" PRIu64
                   " ORDER BY sequence DESC LIMIT %d) WHERE instr(body, '\"clock\":\"trusted\"')",
                   after, end, GH_JOURNAL_LOOK_BACK);
    return gh_journal_integer(journal, sql, sequence, NULL);
}

/* The time of an entry with a trusted clock; one that cannot be read says nothing. */
static bool time_of(struct gh_journal *journal, uint64_t sequence, int64_t *wall_ms)
{
    struct gh_entry entry;
    if (sequence == 0 || gh_journal_entry(journal, sequence, &entry) != GH_OK) {
        return false;
    }
    *wall_ms = entry.wall_ms;
    return true;
}

/* Nothing goes as far as one call looks, for a clock that ran ahead says that all of it is new.
 * *passed: an entry further on, whose trusted clock lets it go all the same; 0: none was found. By
 * halves: what is later than the newest time that is known is no reason to look before it. */
static enum gh_status find_passed(const struct pruning *pruning, uint64_t after, bool whole,
                                  uint64_t *passed)
{
    struct gh_journal *journal = pruning->journal;
    const int64_t first_ms = first_before_ms(pruning->cut, whole);
    uint64_t low = after, high = pruning->limit;
    int64_t newest_ms = INT64_MAX, wall_ms;
    enum gh_status status = GH_OK;
    *passed = 0;
    (void)time_of(journal, journal->trusted, &newest_ms);
    while (status == GH_OK && low < high) {
        const uint64_t middle = low + (high - low + 1) / 2;
        int64_t sequence = 0;
        status = trusted_before(journal, after, middle, &sequence);
        bool known = status == GH_OK && time_of(journal, (uint64_t)sequence, &wall_ms);
        if (known && wall_ms < first_ms) {
            *passed = (uint64_t)sequence;
        }
        if (known && wall_ms >= first_ms && wall_ms <= newest_ms) {
            high = middle - 1;
        } else {
            low = middle;
        }
    }
    return status;
}

static enum gh_status look_at_window(struct pruning *pruning, const struct mark *from, bool whole,
                                     uint64_t passed, struct window *window)
{
    *window = (struct window){.pruning = pruning,
                              .whole = whole,
                              .passed = passed,
                              .left = pruning->cut->max_entries,
                              .seen = *from,
                              .reach = *from};
    enum gh_status status = gh_journal_rows(pruning->journal, from->sequence,
                                            (int64_t)pruning->cut->max_entries + 1, look, window);
    return status == GH_OK ? window->status : status;
}

/* From `from` on; *full: as much as may be looked at in one call, and all of it may go. */
static enum gh_status look_from(struct pruning *pruning, const struct mark *from, bool whole,
                                struct window *window, bool *full)
{
    uint64_t passed = 0;
    enum gh_status status = look_at_window(pruning, from, whole, 0, window);
    if (status == GH_OK && window->left == 0 && window->reach.sequence == from->sequence) {
        status = find_passed(pruning, window->seen.sequence, whole, &passed);
    }
    if (status == GH_OK && passed != 0) {
        status = look_at_window(pruning, from, whole, passed, window);
    }
    *full = window->left == 0 && window->reach.sequence == window->seen.sequence;
    return status;
}

/* First the numbers; only when they do not go on, contents. */
static enum gh_status look_what_goes(struct pruning *pruning, bool *more)
{
    struct window window;
    struct mark from = pruning->through;
    enum gh_status status = look_from(pruning, &from, true, &window, more);
    if (status != GH_OK) {
        return status;
    }
    pruning->through = window.reach;
    if (pruning->through.sequence > pruning->erased.sequence) {
        pruning->erased = pruning->through;
    }
    if (*more) {
        return GH_OK;
    }
    const struct gh_journal *journal = pruning->journal;
    from = pruning->erased;
    if (journal->looked > from.sequence && journal->looked <= pruning->limit) {
        from.sequence = journal->looked;
        memcpy(from.sum, journal->looked_sum, GH_SHA256_BYTES);
    }
    status = look_from(pruning, &from, false, &window, more);
    if (status == GH_OK) {
        pruning->erased = window.reach;
        pruning->doomed_count = window.doomed_reach;
    }
    return status;
}

/* --- what there is ---------------------------------------------------------------------------- */

/* The newest prune entry's number has a table of its own, beside the chain, so that nobody has to
 * look for it; it is there once something was pruned. */
static enum gh_status read_newest(struct pruning *pruning, struct gh_error *err)
{
    struct gh_journal *journal = pruning->journal;
    int64_t newest = 0;
    struct gh_entry entry = {0};
    enum gh_status status = gh_journal_execute(
        journal, "CREATE TABLE IF NOT EXISTS pruned(entry INTEGER NOT NULL)", "prune", err);
    if (status == GH_OK) {
        status =
            gh_journal_integer(journal, "SELECT coalesce(max(entry), 0) FROM pruned", &newest, err);
    }
    if (status != GH_OK || newest == 0) {
        return status;
    }
    status = newest > 0 ? gh_journal_entry(journal, (uint64_t)newest, &entry) : GH_ERR_CORRUPT;
    if (status == GH_OK && entry.type != GH_ENTRY_PRUNE) {
        status = GH_ERR_CORRUPT;
    }
    if (status != GH_OK) {
        return gh_fail(err, status, "the journal's prune entry cannot be read: %s",
                       gh_status_text(status));
    }
    pruning->was_through = pruning->through.sequence = entry.through;
    pruning->was.sequence = entry.erased;
    memcpy(pruning->through.sum, entry.through_sum, GH_SHA256_BYTES);
    memcpy(pruning->was.sum, entry.erased_sum, GH_SHA256_BYTES);
    pruning->erased = pruning->was;
    return GH_OK;
}

struct sought {
    uint64_t sequence;
    struct gh_chain_link link;
    enum gh_status status;
};

static bool take_link(void *context, uint64_t sequence, struct gh_bytes body, struct gh_bytes hash)
{
    struct sought *sought = context;
    sought->status = sequence == sought->sequence
                         ? gh_chain_link_read(sequence, body, hash, &sought->link)
                         : GH_ERR_CORRUPT;
    return false;
}

/* *covers: there may be something that the receipt covers. One that is older than what was erased
 * cannot stand in an entry that says so. */
static enum gh_status check_receipt(const struct pruning *pruning, bool *covers,
                                    struct gh_error *err)
{
    const struct gh_receipt *receipt = &pruning->cut->receipt;
    *covers =
        receipt->through > pruning->through.sequence && receipt->through >= pruning->was.sequence;
    if (receipt->through == 0 || receipt->through > pruning->journal->head.sequence) {
        return gh_fail(err, GH_ERR_INVALID, "the receipt is for entries that are not here");
    }
    if (!*covers) {
        return GH_OK;
    }
    struct sought sought = {.sequence = receipt->through, .status = GH_ERR_CORRUPT};
    enum gh_status status =
        gh_journal_rows(pruning->journal, receipt->through - 1, 1, take_link, &sought);
    if (status == GH_OK) {
        status = sought.status;
    }
    if (status != GH_OK) {
        return gh_fail(err, status, "the entry that the receipt names cannot be read: %s",
                       gh_status_text(status));
    }
    if (memcmp(sought.link.hash, receipt->hash, GH_SHA256_BYTES) != 0) {
        return gh_fail(err, GH_ERR_INVALID, "the receipt is for other entries than these");
    }
    return GH_OK;
}

/* While the clock is not trusted, the newest entry with one that was stays: nothing else tells what
 * time it was then. */
static uint64_t limit_of(const struct gh_journal *journal, const struct gh_entry *entry,
                         const struct gh_receipt *receipt)
{
    uint64_t limit = receipt->through;
    if (!entry->clock_trusted && journal->trusted != 0 && journal->trusted <= limit) {
        limit = journal->trusted - 1;
    }
    return limit;
}

/* --- removing --------------------------------------------------------------------------------- */

static enum gh_status run_with(struct gh_journal *journal, const char *sql, const uint64_t *numbers,
                               unsigned count, struct gh_error *err)
{
    sqlite3_stmt *statement = NULL;
    int result = sqlite3_prepare_v2(journal->db, sql, -1, &statement, NULL);
    for (unsigned i = 0; i < count && (result == SQLITE_OK || result == SQLITE_DONE); i++) {
        sqlite3_reset(statement);
        result = sqlite3_bind_int64(statement, 1, (sqlite3_int64)numbers[i]);
        if (result == SQLITE_OK) {
            result = sqlite3_step(statement);
        }
    }
    enum gh_status status = result == SQLITE_OK || result == SQLITE_DONE
                                ? GH_OK
                                : gh_journal_fail(journal, result, "prune", err);
    sqlite3_finalize(statement);
    return status;
}

/* Where SQLite joins pages that have become too empty, what stood in them stays behind, even with
 * secure_delete: so before a row is taken out, no row with text may be in its page or in one that
 * could be joined with it. That is three pages at most, of rows of at least 41 bytes: 300. Until so
 * many without text follow, what is gone stays as a blank row. */
#define CUSHION 300

static enum gh_status take_out(struct pruning *pruning, struct gh_error *err)
{
    const uint64_t through = pruning->through.sequence, erased = pruning->erased.sequence;
    enum gh_status status = run_with(
        pruning->journal,
        "UPDATE entry SET body = x'', hash = zeroblob(32), " GH_JOURNAL_TRUSTED_COLUMN " = NULL"
        " WHERE sequence <= ?1 AND NOT " GH_JOURNAL_BLANK,
        &through, 1, err);
    if (status == GH_OK && erased > CUSHION) {
        uint64_t out = through < erased - CUSHION ? through : erased - CUSHION;
        status = run_with(pruning->journal, "DELETE FROM entry WHERE sequence <= ?1", &out, 1, err);
    }
    return status;
}

static enum gh_status remove_all(struct pruning *pruning, const struct gh_entry *entry,
                                 struct gh_journal_step *step, struct gh_error *err)
{
    struct gh_journal *journal = pruning->journal;
    enum gh_status status = gh_journal_write(journal, entry, step, err);
    if (status == GH_OK) {
        status = run_with(journal, "UPDATE entry SET body = '' WHERE sequence = ?1",
                          pruning->doomed, pruning->doomed_count, err);
    }
    if (status == GH_OK) {
        status = take_out(pruning, err);
    }
    if (status == GH_OK) {
        status = run_with(journal, "INSERT OR REPLACE INTO pruned(rowid, entry) VALUES (1, ?1)",
                          &step->entry.sequence, 1, err);
    }
    return status == GH_OK ? gh_journal_execute(journal, "COMMIT", "prune", err) : status;
}

static void remember(struct gh_journal *journal, const struct mark *looked)
{
    journal->looked = looked->sequence;
    memcpy(journal->looked_sum, looked->sum, GH_SHA256_BYTES);
}

static enum gh_status prune(struct pruning *pruning, struct gh_entry *entry, uint64_t *removed,
                            bool *more, struct gh_error *err)
{
    struct gh_journal *journal = pruning->journal;
    bool covers = false;
    enum gh_status status = read_newest(pruning, err);
    if (status == GH_OK) {
        status = check_receipt(pruning, &covers, err);
    }
    if (status != GH_OK || !covers) {
        return status;
    }
    pruning->limit = limit_of(journal, entry, &pruning->cut->receipt);
    status = look_what_goes(pruning, more);
    if (status != GH_OK) {
        return gh_fail(err, status, "what is to be pruned cannot be read: %s",
                       gh_status_text(status));
    }
    uint64_t count = pruning->through.sequence - pruning->was_through + pruning->doomed_count;
    if (count == 0) {
        remember(journal, &pruning->erased);
        return GH_OK;
    }
    struct gh_entry next = *entry;
    next.through = pruning->through.sequence;
    next.erased = pruning->erased.sequence;
    memcpy(next.through_sum, pruning->through.sum, GH_SHA256_BYTES);
    memcpy(next.erased_sum, pruning->erased.sum, GH_SHA256_BYTES);
    next.receipt = pruning->cut->receipt;
    struct gh_journal_step step = {0};
    status = remove_all(pruning, &next, &step, err);
    if (status == GH_OK) {
        gh_journal_wrote(journal, &step);
        remember(journal, &pruning->erased);
        journal->text_left = true;
        *entry = step.entry;
        *removed = count;
    }
    return status;
}

enum gh_status gh_journal_prune(struct gh_journal *journal, const struct gh_journal_cut *cut,
                                struct gh_entry *entry, uint64_t *removed, bool *more,
                                struct gh_error *err)
{
    *removed = 0;
    *more = false;
    if (entry->type != GH_ENTRY_PRUNE || cut->max_entries == 0) {
        return gh_fail(err, GH_ERR_INVALID, "this is not how the journal is pruned");
    }
    if (journal->query[GH_JOURNAL_APPEND] == NULL) {
        return gh_fail(err, GH_ERR_READONLY, "the journal is open for reading only");
    }
    struct pruning pruning = {.journal = journal, .cut = cut};
    pruning.doomed = calloc(cut->max_entries, sizeof(*pruning.doomed));
    if (pruning.doomed == NULL) {
        return gh_fail(err, GH_ERR_NOMEM, "no memory for pruning the journal");
    }
    enum gh_status status = gh_journal_execute(journal, "BEGIN IMMEDIATE", "prune", err);
    if (status == GH_OK) {
        status = prune(&pruning, entry, removed, more, err);
        if (sqlite3_get_autocommit(journal->db) == 0) {
            sqlite3_exec(journal->db, "ROLLBACK", NULL, NULL, NULL);
        }
    }
    free(pruning.doomed);
    if (status != GH_OK) {
        *more = false;
    } else if (journal->text_left && !*more) { /* once for all that goes */
        gh_journal_empty_wal(journal);
    }
    return status;
}
