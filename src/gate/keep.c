/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/keep.h"

#include <inttypes.h>

#include "gatehouse/log.h"

#define MS_PER_DAY INT64_C(86400000)

void gh_keep_init(struct gh_keep *keep, uint64_t limit_bytes, int64_t now_ns)
{
    *keep = (struct gh_keep){
        .limit_bytes = limit_bytes,
        .next_ns = now_ns,
        .stepped_ns = now_ns - GH_KEEP_STEP_NS,
        .old_next_ns = now_ns,
    };
}

void gh_keep_receipt(struct gh_keep *keep, const struct gh_receipt *receipt)
{
    bool waited_for = keep->receipt.through == 0 || keep->said_bytes != 0;

    keep->receipt = *receipt;
    if (waited_for && keep->next_ns > keep->stepped_ns + GH_KEEP_STEP_NS)
        keep->next_ns = keep->stepped_ns + GH_KEEP_STEP_NS;
}

static struct gh_journal_cut cut_now(const struct gh_keep *keep, const struct gh_record *record,
                                     const struct gh_retention *retention, bool too_large)
{
    int64_t wall_ms = gh_clock_wall_ns(record->clock) / GH_NS_PER_MS;
    struct gh_journal_cut cut = {
        .receipt = keep->receipt,
        .passages_before_ms = wall_ms - retention->passages_days * MS_PER_DAY,
        .others_before_ms = wall_ms - retention->others_days * MS_PER_DAY,
        .max_entries = GH_KEEP_STEP_ENTRIES,
    };

    if (too_large)
        cut.passages_before_ms = cut.others_before_ms = INT64_MAX;
    return cut;
}

/* true: something was removed. */
static bool prune(struct gh_keep *keep, struct gh_record *record, const struct gh_journal_cut *cut,
                  bool clock_trusted, bool *more)
{
    struct gh_entry entry = {.type = GH_ENTRY_PRUNE, .clock_trusted = clock_trusted};
    uint64_t removed;

    enum gh_status status = gh_record_prune(record, cut, &entry, &removed, more);
    if (status == GH_ERR_INVALID) {
        gh_log(GH_LOG_ERR, "journal",
               "the server's receipt is not about this journal: it has stored something else");
        keep->receipt.through = 0;
    } else if (status != GH_OK) {
        keep->next_ns = keep->stepped_ns + GH_KEEP_RETRY_NS;
    } else {
        /* Until there is no more, also where room was made: the last step wipes the WAL. */
        keep->old_next_ns = *more ? keep->stepped_ns : keep->stepped_ns + GH_KEEP_OLD_NS;
        if (removed > 0)
            gh_log(GH_LOG_INFO, "journal", "%" PRIu64 " acknowledged entries removed", removed);
    }
    return status == GH_OK && removed > 0;
}

/* true: that was news. */
static bool say_large(struct gh_keep *keep, struct gh_record *record, uint64_t bytes,
                      bool clock_trusted)
{
    struct gh_entry entry = {.type = GH_ENTRY_FAULT,
                             .clock_trusted = clock_trusted,
                             .outcome = gh_reason_info(GH_REASON_JOURNAL_LARGE)->outcome,
                             .reason = GH_REASON_JOURNAL_LARGE};

    if (keep->said_bytes != 0 && bytes < keep->said_bytes + keep->limit_bytes / 10)
        return false;
    gh_log(GH_LOG_ERR, "journal",
           "it holds %" PRIu64 " MiB, more than its limit of %" PRIu64
           ", and the server has not acknowledged what fills it",
           bytes >> 20, keep->limit_bytes >> 20);
    keep->said_bytes = bytes;
    gh_record_somehow(record, &entry);
    return true;
}

bool gh_keep_tick(struct gh_keep *keep, struct gh_record *record,
                  const struct gh_retention *retention, bool clock_trusted)
{
    int64_t now_ns = gh_clock_monotonic_ns(record->clock);
    struct gh_journal_size size;
    size_t unwritten = gh_record_unwritten(record); /* is written before anything is removed */
    bool pruned = false, more = false;

    if (now_ns < keep->next_ns)
        return false;
    keep->stepped_ns = now_ns;
    keep->next_ns = now_ns + GH_KEEP_PAUSE_NS;
    if (gh_record_measure(record, &size) != GH_OK) {
        keep->next_ns = now_ns + GH_KEEP_RETRY_NS;
        return false;
    }
    bool too_large = size.bytes > keep->limit_bytes;
    if (!too_large)
        keep->said_bytes = 0;
    bool old = clock_trusted && now_ns >= keep->old_next_ns;
    if (keep->receipt.through != 0 && (too_large || old)) {
        struct gh_journal_cut cut = cut_now(keep, record, retention, too_large);
        pruned = prune(keep, record, &cut, clock_trusted, &more);
    }
    if (pruned && (more || too_large))
        keep->next_ns = now_ns + GH_KEEP_STEP_NS;
    bool written = pruned || gh_record_unwritten(record) < unwritten;
    if (too_large && !pruned)
        return say_large(keep, record, size.bytes, clock_trusted) || written;
    return written;
}
