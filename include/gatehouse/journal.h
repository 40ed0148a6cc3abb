/* SPDX-License-Identifier: Apache-2.0 */
/* The gate's append-only store of entries: SQLite, WAL, synchronous=FULL. What gh_journal_append
 * returned GH_OK for survives a cut of power. */
#ifndef GATEHOUSE_JOURNAL_H
#define GATEHOUSE_JOURNAL_H

#include "gatehouse/entry.h"

struct gh_journal; /* opaque; one thread at a time; any number of readers beside the one writer, in
                      any process (but see base/sqlite.h, gh_sqlite_alone) */

/* Create or open for appending. The last entry's hash and its link are checked. GH_ERR_CORRUPT,
 * GH_ERR_NOSPACE, GH_ERR_READONLY, GH_ERR_IO, GH_ERR_BUSY (it is open for appending already, in
 * this or another process: said at once), GH_ERR_UNSUPPORTED (a file system without shared memory).
 * `<path>.lock` stays beside it, empty. */
GH_MUST_CHECK enum gh_status gh_journal_open(const char *path, struct gh_journal **out,
                                             struct gh_error *err);
/* For reading only; the file must be there (GH_ERR_NOTFOUND). GH_ERR_CORRUPT, GH_ERR_IO,
 * GH_ERR_DENIED. */
GH_MUST_CHECK enum gh_status gh_journal_open_reader(const char *path, struct gh_journal **out,
                                                    struct gh_error *err);
void gh_journal_close(struct gh_journal *journal);

/* Fill entry's sequence and previous, write it, make it durable. On error nothing was written, the
 * journal stays usable, *entry is as it was, and a later call may succeed (room on the disk again).
 * GH_ERR_NOSPACE, GH_ERR_READONLY, GH_ERR_IO, GH_ERR_BUSY, GH_ERR_CORRUPT. */
GH_MUST_CHECK enum gh_status gh_journal_append(struct gh_journal *journal, struct gh_entry *entry,
                                               struct gh_error *err);

/* The last entry: sequence 0 and zeros when empty. */
GH_MUST_CHECK enum gh_status gh_journal_head(struct gh_journal *journal, uint64_t *sequence,
                                             uint8_t hash[GH_SHA256_BYTES]);

/* The last entry, whole. GH_ERR_NOTFOUND when there is none; GH_ERR_UNSUPPORTED when a later
 * version wrote it and this one cannot read it; GH_ERR_CORRUPT, GH_ERR_IO. *out is all zero on
 * error. */
GH_MUST_CHECK enum gh_status gh_journal_last(struct gh_journal *journal, struct gh_entry *out);
/* The time of the newest entry whose clock was trusted. Reads two rows, however many entries there
 * are; where a version before this one wrote the last of them, the last 1000 are looked through.
 * GH_ERR_NOTFOUND when there is none, else as gh_journal_last. *wall_ms is 0 on error. */
GH_MUST_CHECK enum gh_status gh_journal_last_trusted(struct gh_journal *journal, int64_t *wall_ms);

/* Entries after `after`, oldest first, at most max_entries; each canonical text is borrowed until
 * the callback returns. Size 0: its content was pruned; the server has acknowledged it, or that
 * could not be, so it needs no sending. Numbers that were pruned are passed over. A callback that
 * returns false ends the reading (GH_OK). */
typedef bool gh_journal_entry_fn(void *context, uint64_t sequence, struct gh_bytes canonical);
GH_MUST_CHECK enum gh_status gh_journal_read(struct gh_journal *journal, uint64_t after,
                                             unsigned max_entries, gh_journal_entry_fn *each,
                                             void *context);

/* Check the whole chain, by what is stored now; *bad_sequence: the number at which it breaks (the
 * first entry that is altered, or missing), with GH_ERR_CORRUPT, else 0. What was pruned must be
 * accounted for by the newest prune entry: the chain begins behind what it says, contents are
 * missing only where it says, the hashes that are left add up to what it says, the entry that its
 * receipt names has that hash, and its receipt is true under one of the keys (list_keys NULL or
 * count 0: signatures are not looked at). Where the prune entry itself says what is not so, its own
 * number is the bad one.
 *
 * What this proves: whoever changes the file has to write every entry anew from there on. Between
 * what is erased and the entry that the receipt names not even that helps, beyond removing what the
 * server has. What came after that entry, only the server can hold against its own copy. */
GH_MUST_CHECK enum gh_status gh_journal_verify(struct gh_journal *journal,
                                               const struct gh_public_key *const *list_keys,
                                               size_t key_count, uint64_t *bad_sequence);

/* --- retention --- */

struct gh_journal_size {
    uint64_t first, last; /* sequence numbers that are there; both 0: none */
    uint64_t bytes;       /* of the file, without what is free in it for new entries */
};
GH_MUST_CHECK enum gh_status gh_journal_measure(struct gh_journal *journal,
                                                struct gh_journal_size *out);

/* What may go: entries that the receipt covers, whose clock said less than these times, or of which
 * a later one, with a trusted clock, did: a clock that ran ahead keeps nothing for ever. Passages
 * and what the door did lose their contents as soon as they are old enough; numbers go from the
 * first on, as far as everything is. INT64_MIN: none. While `entry`'s clock is not trusted, the
 * newest entry with one that was stays. */
struct gh_journal_cut {
    struct gh_receipt receipt; /* verified by the caller; must name our entry's own hash, else
                                  GH_ERR_INVALID: a server that has something else has nothing */
    int64_t passages_before_ms, others_before_ms;
    unsigned max_entries; /* looked at in one call, for numbers and again for contents: the caller's
                             thread waits that long. Not 0 */
};
/* In one transaction: append `entry` (of type PRUNE, stamped by the caller; through, erased and
 * receipt are filled here), then remove; the text is overwritten, in the WAL too by the call
 * after which there is no more (while somebody reads that, by a later one, which is why a call is
 * of use when nothing is due). *removed: how many entries lost their content or their number; 0:
 * nothing was due, and nothing is written (so also with a receipt that is older than what was
 * erased with a newer one). *more: there is more that is due. The newest prune entry, and the last
 * entry, always stay. As each call that removes adds an entry, it is for once a day or an hour, not
 * for each minute. Errors as of gh_journal_append, and GH_ERR_CORRUPT where what would go is not a
 * whole chain: that is evidence; then nothing has changed. */
GH_MUST_CHECK enum gh_status gh_journal_prune(struct gh_journal *journal,
                                              const struct gh_journal_cut *cut,
                                              struct gh_entry *entry, uint64_t *removed, bool *more,
                                              struct gh_error *err);

#endif
