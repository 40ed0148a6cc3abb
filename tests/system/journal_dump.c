/* SPDX-License-Identifier: Apache-2.0 */
/* journal_dump FILE [LIST_KEY.pem]: the chain is checked, and with the key (a public one) the
 * receipt of what was pruned; then every entry that still has its content is printed, a line each.
 * Exit 1 when the chain is broken. */
#include <inttypes.h>
#include <stdio.h>

#include "gatehouse/journal.h"

static bool print(void *context, uint64_t sequence, struct gh_bytes canonical)
{
    *(uint64_t *)context = sequence;
    if (canonical.size > 0) {
        printf("%.*s\n", (int)canonical.size, (const char *)canonical.data);
    }
    return true;
}

int main(int argc, char **argv)
{
    struct gh_journal *journal;
    struct gh_public_key *key = NULL;
    struct gh_error err = {0};
    uint64_t bad, after = 0, before;

    if (argc < 2 || argc > 3 || (argc == 3 && gh_public_key_load(argv[2], &key, &err) != GH_OK) ||
        gh_journal_open_reader(argv[1], &journal, &err) != GH_OK) {
        fprintf(stderr, "journal_dump: %s\n", err.text);
        return 2;
    }
    const struct gh_public_key *const keys[] = {key};
    if (gh_journal_verify(journal, keys, key != NULL ? 1 : 0, &bad) != GH_OK) {
        fprintf(stderr, "journal_dump: the chain is broken at entry %" PRIu64 "\n", bad);
        return 1;
    }
    do {
        before = after;
        if (gh_journal_read(journal, after, 1000, print, &after) != GH_OK)
            return 1;
    } while (after > before);
    gh_journal_close(journal);
    gh_public_key_free(key);
    return 0;
}
