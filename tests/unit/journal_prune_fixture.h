/* SPDX-License-Identifier: Apache-2.0 */
/* Journals to prune, and what they look like then. Include it after cmocka.h. */
#ifndef GATEHOUSE_TESTS_UNIT_JOURNAL_PRUNE_FIXTURE_H
#define GATEHOUSE_TESTS_UNIT_JOURNAL_PRUNE_FIXTURE_H

#include <jansson.h>
#include <stdbool.h>
#include <string.h>

#include "journal_fixture.h"

static struct gh_private_key *list_key;

/* What each entry is now: its type's letter, '-' without content, ' ' when it is gone. */
struct picture {
    char letters[256];
};

static inline bool draw(void *context, uint64_t sequence, struct gh_bytes canonical)
{
    struct picture *picture = context;
    assert_in_range(sequence, 1, sizeof(picture->letters) - 1);
    char letter = '-';
    if (canonical.size > 0) {
        json_t *object = json_loadb((const char *)canonical.data, canonical.size, 0, NULL);
        letter = json_string_value(json_object_get(object, "type"))[0];
        json_decref(object);
    }
    picture->letters[sequence - 1] = letter;
    return true;
}

static inline void assert_looks(struct gh_journal *journal, const char *expected)
{
    struct picture picture = {{0}};
    memset(picture.letters, ' ', sizeof(picture.letters) - 1);
    assert_int_equal(gh_journal_read(journal, 0, 10000, draw, &picture), GH_OK);
    for (size_t end = sizeof(picture.letters) - 1; end > 0 && picture.letters[end - 1] == ' ';) {
        picture.letters[--end] = '\0';
    }
    assert_string_equal(picture.letters, expected);
    uint64_t bad = 99;
    assert_int_equal(verify_with(journal, list_key, &bad), GH_OK);
    assert_int_equal(bad, 0);
}

/* Of each letter (p, d, s, f, c, l) an entry, a second after the one before, from second 1 on. */
static inline struct gh_journal *journal_of(const struct place *place, const char *letters)
{
    static const char types[] = {
        [GH_ENTRY_PASSAGE] = 'p', [GH_ENTRY_START] = 's', [GH_ENTRY_FAULT] = 'f',
        [GH_ENTRY_CLOCK] = 'c',   [GH_ENTRY_DOOR] = 'd',  [GH_ENTRY_LIST] = 'l'};
    struct gh_journal *journal = open_journal(place);
    for (size_t i = 0; letters[i] != '\0'; i++) {
        const char *at = memchr(types, letters[i], sizeof(types));
        assert_non_null(at);
        append_of(journal, (enum gh_entry_type)(at - types), (int64_t)(i + 1) * 1000, true);
    }
    return journal;
}

static inline struct gh_journal_cut cut_at(struct gh_journal *journal, uint64_t receipt,
                                           int64_t passages_s, int64_t others_s)
{
    return (struct gh_journal_cut){.receipt = receipt_for(journal, receipt, list_key),
                                   .passages_before_ms = passages_s * 1000,
                                   .others_before_ms = others_s * 1000,
                                   .max_entries = 1000};
}

static inline int make_key(void **state)
{
    (void)state;
    return gh_private_key_generate(GH_KEY_ED25519, &list_key) == GH_OK ? 0 : -1;
}

static inline int free_key(void **state)
{
    (void)state;
    gh_private_key_free(list_key);
    return 0;
}

#endif
