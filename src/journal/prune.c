/* SPDX-License-Identifier: Apache-2.0 */
/* Retention: what may go, goes, and the chain says so. */
#include "gatehouse/journal.h"

#include <string.h>

enum gh_status gh_journal_measure(struct gh_journal *journal, struct gh_journal_size *out)
{
    (void)journal;
    memset(out, 0, sizeof(*out));
    return GH_ERR_UNSUPPORTED;
}

enum gh_status gh_journal_prune(struct gh_journal *journal, const struct gh_journal_cut *cut,
                                struct gh_entry *entry, uint64_t *removed, bool *more,
                                struct gh_error *err)
{
    (void)journal, (void)cut, (void)entry;
    *removed = 0;
    *more = false;
    return gh_fail(err, GH_ERR_UNSUPPORTED, "the journal cannot be pruned");
}
