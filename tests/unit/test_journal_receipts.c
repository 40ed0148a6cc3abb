/* SPDX-License-Identifier: Apache-2.0 */
/* What somebody who can write to a pruned journal's file cannot do unseen. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <jansson.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gatehouse/file.h"
#include "journal_fixture.h"

static struct gh_private_key *list_key, *other_key;
static const char *doing = "";

/* Twelve entries, the server has nine. Then: 1 to 3 are gone, 4 is a start, 5 to 7 have no
 * contents, 8 and 9 are passages, 10 to 12 are not acknowledged, 13 is the prune entry. */
static void make_pruned(const struct place *place, const struct gh_private_key *key)
{
    static const char letters[] = "pppspdpppsps";
    struct gh_journal *journal = open_journal(place);
    for (size_t i = 0; letters[i] != '\0'; i++) {
        append_of(journal,
                  letters[i] == 'p'   ? GH_ENTRY_PASSAGE
                  : letters[i] == 'd' ? GH_ENTRY_DOOR
                                      : GH_ENTRY_START,
                  (int64_t)(i + 1) * 1000, true);
    }
    struct gh_journal_cut cut = {.receipt = receipt_for(journal, 9, key),
                                 .passages_before_ms = 8000,
                                 .others_before_ms = 0,
                                 .max_entries = 100};
    assert_int_equal(prune(journal, &cut, 99000, NULL), 6);
    gh_journal_close(journal);
}

static void assert_verify(const struct place *place, bool with_keys, uint64_t expected)
{
    struct gh_journal *reader = open_reader(place);
    uint64_t bad = 0;
    enum gh_status status =
        with_keys ? verify_with(reader, list_key, &bad) : gh_journal_verify(reader, NULL, 0, &bad);
    if (status != (expected == 0 ? GH_OK : GH_ERR_CORRUPT) || bad != expected) {
        fail_msg("%s: %s at %llu, not at %llu", doing, gh_status_text(status),
                 (unsigned long long)bad, (unsigned long long)expected);
    }
    gh_journal_close(reader);
}

/* With and without the signature. */
static void assert_bad(const struct place *place, uint64_t expected)
{
    assert_verify(place, true, expected);
    assert_verify(place, false, expected);
}

static void changes_to_a_pruned_journal_are_found(void **state)
{
    static const struct {
        const char *sql;
        uint64_t bad;
    } cases[] = {
        {"DELETE FROM entry WHERE sequence <= 4", 4}, /* more of the beginning */
        {"DELETE FROM entry WHERE sequence <= 8", 4},
        {"DELETE FROM entry WHERE sequence < 13", 4},
        {"DELETE FROM entry WHERE sequence = 5", 5}, /* one of those without content */
        {"DELETE FROM entry WHERE sequence = 8", 8},
        {"DELETE FROM entry WHERE sequence = 10", 10}, /* one that nobody else has */
        {"DELETE FROM entry WHERE sequence = 12", 12},
        {"DELETE FROM entry WHERE sequence = 13", 1},         /* the word for all that is missing */
        {"UPDATE entry SET body = '' WHERE sequence = 8", 8}, /* emptied without a word */
        {"UPDATE entry SET body = '' WHERE sequence = 10", 10},
        {"UPDATE entry SET body = '' WHERE sequence = 12", 12},
        {"UPDATE entry SET body = '' WHERE sequence = 13", 1},
        {"UPDATE entry SET hash = zeroblob(32) WHERE sequence = 6", 13}, /* nothing else names it */
        {"UPDATE entry SET hash = (SELECT hash FROM entry WHERE sequence = 6) WHERE sequence = 5",
         13},
        {"UPDATE entry SET hash = zeroblob(32) WHERE sequence = 7", 13},
        {"UPDATE entry SET hash = zeroblob(31) WHERE sequence = 6", 6},
        {"UPDATE entry SET body = replace(body, 'start', 'fault') WHERE sequence = 4", 4},
        {"UPDATE entry SET body = replace(body, 'open', 'deny') WHERE sequence = 9", 9},
        {"UPDATE entry SET body = replace(body, '\"through\":3', '\"through\":2')"
         " WHERE sequence = 13",
         3},
        {"UPDATE entry SET body = replace(body, '\"erased\":7', '\"erased\":6')"
         " WHERE sequence = 13",
         13},
        {"UPDATE entry SET body = x'', hash = zeroblob(32) WHERE sequence = 5", 5}, /* as if gone */
        {"UPDATE entry SET body = x'', hash = zeroblob(32) WHERE sequence = 10", 10},
        {"UPDATE entry SET body = x'', hash = zeroblob(32) WHERE sequence = 13", 1},
        {"INSERT INTO entry(sequence, body, hash) VALUES (14, x'', zeroblob(32))", 14},
        {"INSERT INTO entry(sequence, body, hash) VALUES (14, '', zeroblob(32))", 14},
        {"INSERT INTO entry(sequence, body, hash) VALUES (0, x'', zeroblob(32))", 1},
    };
    const struct place *place = *state;
    uint8_t *data;
    size_t size;
    make_pruned(place, list_key);
    assert_bad(place, 0);
    assert_int_equal(gh_file_read(place->path, 1 << 24, &data, &size, NULL), GH_OK);
    for (size_t i = 0; i < GH_ARRAY_SIZE(cases); i++) {
        doing = cases[i].sql;
        change(place, cases[i].sql);
        assert_bad(place, cases[i].bad);
        FILE *file = fopen(place->path, "wb");
        assert_int_equal(fwrite(data, 1, size, file), size);
        fclose(file);
    }
    free(data);
    assert_bad(place, 0);
}

/* --- forgers who know the format -------------------------------------------------------------- */

struct row {
    bool there; /* with its content */
    struct gh_entry entry;
};

static bool take_row(void *context, uint64_t sequence, struct gh_bytes canonical)
{
    struct row *row = (struct row *)context + sequence;
    row->there = canonical.size > 0;
    if (row->there) {
        json_t *object = json_loadb((const char *)canonical.data, canonical.size, 0, NULL);
        assert_int_equal(gh_entry_parse(object, &row->entry, NULL), GH_OK);
        json_decref(object);
    }
    return true;
}

static struct gh_entry entry_of(const struct place *place, uint64_t sequence)
{
    struct row rows[32] = {{0}};
    struct gh_journal *reader = open_reader(place);
    assert_int_equal(gh_journal_read(reader, 0, 100, take_row, rows), GH_OK);
    gh_journal_close(reader);
    return rows[sequence].entry;
}

/* This entry instead of the one with its number, and all behind it chained to it anew. */
static void forge(const struct place *place, struct gh_entry entry)
{
    struct row rows[32] = {{0}};
    struct gh_journal *reader = open_reader(place);
    assert_int_equal(gh_journal_read(reader, 0, 100, take_row, rows), GH_OK);
    gh_journal_close(reader);
    rows[entry.sequence].entry = entry;
    for (uint64_t i = entry.sequence; i < 32 && rows[i].there; i++) {
        char text[GH_ENTRY_MAX_BYTES], hex[2 * GH_SHA256_BYTES + 1], sql[2 * GH_ENTRY_MAX_BYTES];
        uint8_t hash[GH_SHA256_BYTES];
        size_t size = gh_entry_format(&rows[i].entry, text);
        gh_entry_hash((struct gh_bytes){(const uint8_t *)text, size}, hash);
        gh_hex_encode(hash, sizeof(hash), hex);
        snprintf(sql, sizeof(sql),
                 "UPDATE entry SET body = '%s', hash = x'%s' WHERE sequence = %llu", text, hex,
                 (unsigned long long)i);
        change(place, sql);
        if (i + 1 < 32) {
            memcpy(rows[i + 1].entry.previous, hash, GH_SHA256_BYTES);
        }
    }
}

static void an_entry_before_erased_ones_cannot_be_altered(void **state)
{
    const struct place *place = *state;
    make_pruned(place, list_key);
    struct gh_entry entry = entry_of(place, 4);
    entry.wall_ms++;
    forge(place, entry); /* up to the first without content: from there on nothing names it */
    assert_bad(place, 13);
}

static void what_the_receipt_names_cannot_be_altered(void **state)
{
    const struct place *place = *state;
    make_pruned(place, list_key);
    struct gh_entry entry = entry_of(place, 8);
    entry.outcome = GH_OUTCOME_DENY;
    forge(place, entry); /* and the rest of the chain, and the prune entry */
    assert_bad(place, 9);
}

static void a_prune_entry_cannot_say_what_is_not_so(void **state)
{
    const struct place *place = *state;
    for (int i = 0; i < 8; i++) {
        make_pruned(place, list_key);
        struct gh_entry entry = entry_of(place, 13);
        uint64_t bad = 13;
        bool needs_key = false;
        switch (i) {
        case 0:
            entry.receipt.signature[5] ^= 1;
            needs_key = true;
            break;
        case 1: /* for more than the server has */
            entry.receipt.through = 10;
            memcpy(entry.receipt.hash, entry_of(place, 11).previous, GH_SHA256_BYTES);
            needs_key = true;
            break;
        case 2:
            entry.receipt.hash[0] ^= 1;
            bad = 9;
            break;
        case 3:
            entry.erased_sum[0] ^= 1;
            break;
        case 4:
            entry.through_sum[0] ^= 1;
            break;
        case 5:
            entry.through = 4; /* it is still there */
            bad = 5;
            break;
        case 6:
            entry.through = 2; /* it is not */
            bad = 3;
            break;
        case 7: /* for another gate's entries */
            entry.gate = 0xb2;
            needs_key = true;
            break;
        }
        forge(place, entry);
        assert_verify(place, true, bad);
        assert_verify(place, false, needs_key ? 0 : bad);
        char name[128];
        snprintf(name, sizeof(name), "%s", place->path);
        assert_int_equal(remove(name), 0);
    }
}

/* Nothing is left that the receipt names: then the first entry names its hash. */
static void the_first_entry_follows_the_receipt(void **state)
{
    const struct place *place = *state;
    struct gh_journal *journal = open_journal(place);
    append(journal, 6);
    struct gh_journal_cut cut = {.receipt = receipt_for(journal, 4, list_key),
                                 .passages_before_ms = INT64_MAX,
                                 .others_before_ms = INT64_MAX,
                                 .max_entries = 100};
    assert_int_equal(prune(journal, &cut, 99000, NULL), 4);
    gh_journal_close(journal);
    assert_bad(place, 0);
    struct gh_entry entry = entry_of(place, 5);
    entry.previous[0] ^= 1;
    forge(place, entry);
    assert_bad(place, 5);
    entry.previous[0] ^= 1;
    forge(place, entry);
    assert_bad(place, 0);
    change(place, "DELETE FROM entry WHERE sequence = 5");
    assert_bad(place, 5);
}

static void only_known_keys_count(void **state)
{
    const struct place *place = *state;
    struct gh_public_key *known[2];
    assert_int_equal(gh_private_key_public(other_key, &known[0]), GH_OK);
    assert_int_equal(gh_private_key_public(list_key, &known[1]), GH_OK);
    const struct gh_public_key *const keys[] = {known[0], known[1]};
    make_pruned(place, list_key);
    struct gh_journal *reader = open_reader(place);
    uint64_t bad = 99;
    assert_int_equal(gh_journal_verify(reader, keys, 2, &bad), GH_OK);
    assert_int_equal(bad, 0);
    assert_int_equal(gh_journal_verify(reader, keys, 1, &bad), GH_ERR_CORRUPT);
    assert_int_equal(bad, 13);
    assert_int_equal(gh_journal_verify(reader, keys, 0, &bad), GH_OK);
    assert_int_equal(gh_journal_verify(reader, NULL, 2, &bad), GH_OK);
    gh_journal_close(reader);
    gh_public_key_free(known[0]);
    gh_public_key_free(known[1]);
}

/* A writer goes on behind an end that is sound, and only there. */
static void the_end_of_a_pruned_journal_is_checked(void **state)
{
    const struct place *place = *state;
    static const char *const changes[] = {
        "UPDATE entry SET body = '' WHERE sequence = 5",
        "UPDATE entry SET body = replace(body, '\"through\":4', '\"through\":3')",
        "UPDATE entry SET sequence = 6 WHERE sequence = 5",
        "UPDATE entry SET body = x'', hash = zeroblob(32) WHERE sequence = 5",
    };
    for (size_t i = 0; i <= GH_ARRAY_SIZE(changes); i++) {
        struct gh_journal *journal = open_journal(place);
        append(journal, 4);
        struct gh_journal_cut cut = {.receipt = receipt_for(journal, 4, list_key),
                                     .passages_before_ms = INT64_MAX,
                                     .max_entries = 100};
        assert_int_equal(prune(journal, &cut, 99000, NULL), 4);
        gh_journal_close(journal);
        if (i < GH_ARRAY_SIZE(changes)) {
            change(place, changes[i]);
        }
        assert_int_equal(status_of_open(place),
                         i < GH_ARRAY_SIZE(changes) ? GH_ERR_CORRUPT : GH_OK);
        assert_int_equal(remove(place->path), 0);
    }
}

static int make_keys(void **state)
{
    (void)state;
    return gh_private_key_generate(GH_KEY_ED25519, &list_key) == GH_OK &&
                   gh_private_key_generate(GH_KEY_ED25519, &other_key) == GH_OK
               ? 0
               : -1;
}

static int free_keys(void **state)
{
    (void)state;
    gh_private_key_free(list_key);
    gh_private_key_free(other_key);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(changes_to_a_pruned_journal_are_found),
        TEST(an_entry_before_erased_ones_cannot_be_altered),
        TEST(what_the_receipt_names_cannot_be_altered),
        TEST(a_prune_entry_cannot_say_what_is_not_so),
        TEST(the_first_entry_follows_the_receipt),
        TEST(only_known_keys_count),
        TEST(the_end_of_a_pruned_journal_is_checked),
    };
    return cmocka_run_group_tests(tests, make_keys, free_keys);
}
