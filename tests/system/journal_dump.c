/* SPDX-License-Identifier: Apache-2.0 */
/* journal_dump FILE: the chain is checked, then every entry printed, a line each. Exit 1 when the
 * chain is broken. */
#include <inttypes.h>
#include <stdio.h>

#include "gatehouse/journal.h"

static bool print(void *context, uint64_t sequence, struct gh_bytes canonical)
{
    *(uint64_t *)context = sequence;
    printf("%.*s\n", (int)canonical.size, (const char *)canonical.data);
    return true;
}

int main(int argc, char **argv)
{
    struct gh_journal *journal;
    struct gh_error err = {0};
    uint64_t bad, after = 0, before;

    if (argc != 2 || gh_journal_open_reader(argv[1], &journal, &err) != GH_OK) {
        fprintf(stderr, "journal_dump: %s\n", err.text);
        return 2;
    }
    if (gh_journal_verify(journal, NULL, 0, &bad) != GH_OK) {
        fprintf(stderr, "journal_dump: the chain is broken at entry %" PRIu64 "\n", bad);
        return 1;
    }
    do {
        before = after;
        if (gh_journal_read(journal, after, 1000, print, &after) != GH_OK)
            return 1;
    } while (after > before);
    gh_journal_close(journal);
    return 0;
}
