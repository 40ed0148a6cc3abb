/* SPDX-License-Identifier: Apache-2.0 */
/* The gate's side of the journal: opens it as soon as that is possible, keeps what could not be
 * written, and writes it as soon as there is room again, in order.
 *
 * Codes that let nobody in and name nobody may be held up without end: an animated picture makes
 * four or five a second, and written one by one they would wear out the card. So there is a token
 * for each such entry. Where none is left, the first of them is kept in memory and those behind it
 * are counted in its `omitted`: one entry for all of them, written as soon as a token is there, and
 * before any other entry. Lost power, or a crash, loses that count, of a few seconds. */
#ifndef GATEHOUSE_SRC_GATE_RECORD_H
#define GATEHOUSE_SRC_GATE_RECORD_H

#include "gatehouse/bucket.h"
#include "gatehouse/clock.h"
#include "gatehouse/journal.h"

#define GH_RECORD_WAITING_MAX 256
/* More than somebody makes who holds up whatever they have until something works; and around the
 * clock 4,320 entries, fewer than the 5,000 a day that a board is made for. */
#define GH_RECORD_SPARING_BURST 20
#define GH_RECORD_SPARING_EVERY_NS (20 * GH_NS_PER_S)

/* What the journal held when it was opened. */
struct gh_record_found {
    bool has_last;
    struct gh_entry last;
    int64_t trusted_ms; /* wall time of the newest entry with a trusted clock; INT64_MIN: none */
};

struct gh_record {
    const struct gh_clock *clock;
    gh_id gate;
    char path[4096];
    char boot_id[GH_BOOT_ID_TEXT_BYTES];
    struct gh_journal *journal; /* NULL: cannot be opened now */
    int64_t retry_ns;           /* when to try again what waits; INT64_MAX: nothing waits */
    struct gh_entry waiting[GH_RECORD_WAITING_MAX];
    size_t first, count;
    uint64_t lost;    /* what found no place any more; said in the log */
    uint64_t omitted; /* decisions that another one's entry tells of */
    struct gh_bucket sparing;
    bool counting, said_counting;
    struct gh_entry counted; /* while counting: stamped, with how many more there were */
    bool has_found;
    struct gh_record_found found;
};

/* Opens the journal, if it can be opened now. */
void gh_record_open(struct gh_record *record, const struct gh_clock *clock, const char *path,
                    gh_id gate);
/* Opens the journal if it is not open and can be now. Before a decision: what it holds may change
 * it. */
void gh_record_try(struct gh_record *record);
/* true, once: the journal was opened (it may be later than gh_record_open), and *found is what it
 * held then. */
bool gh_record_take_found(struct gh_record *record, struct gh_record_found *found);
void gh_record_close(struct gh_record *record);
/* Stamp the entry (gate, times, boot) and make it durable. On error it is not in the journal and
 * nobody may be let in by it: the caller hands what happened instead to gh_record_later. */
GH_MUST_CHECK enum gh_status gh_record_now(struct gh_record *record, struct gh_entry *entry);
/* The same for an entry that lets nobody in and names nobody: no person, home or authentic code. It
 * is made durable at once, or waits, or is counted. true: the journal is told of it, and of those
 * counted before it, by an entry that has *entry's sequence now (0: it waits). false: it is
 * counted. */
bool gh_record_sparingly(struct gh_record *record, struct gh_entry *entry);
/* Stamp it and make it durable, or let it wait: for entries that let nobody in. */
void gh_record_somehow(struct gh_record *record, struct gh_entry *entry);
/* Keep a stamped entry until it can be written. */
void gh_record_later(struct gh_record *record, const struct gh_entry *entry);
/* As gh_journal_measure and gh_journal_prune; entry is stamped here, and what waits is written
 * before it. All errors but GH_ERR_INVALID are said in the log. */
GH_MUST_CHECK enum gh_status gh_record_measure(struct gh_record *record,
                                               struct gh_journal_size *out);
GH_MUST_CHECK enum gh_status gh_record_prune(struct gh_record *record,
                                             const struct gh_journal_cut *cut,
                                             struct gh_entry *entry, uint64_t *removed, bool *more);
/* Write what waits, if it is time to try, and what was counted, if it is time to write it; true
 * when something was written. */
bool gh_record_tick(struct gh_record *record);
/* When it will be; INT64_MAX: nothing is left to be written. */
int64_t gh_record_next_ns(const struct gh_record *record);
/* How many entries are not written yet, for want of room or of a token. */
size_t gh_record_unwritten(const struct gh_record *record);

#endif
