/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <jansson.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "gatehouse/file.h"
#include "journal_fixture.h"

static struct gh_private_key *list_key;

static atomic_bool sync_fails, sync_skipped;

int fdatasync(int fd)
{
    if (atomic_load(&sync_fails)) {
        errno = EIO;
        return -1;
    }
    return atomic_load(&sync_skipped) ? 0 : (int)syscall(SYS_fdatasync, fd);
}

int fsync(int fd)
{
    return fdatasync(fd);
}

/* What each entry is now: its type's letter, '-' without content, ' ' when it is gone. */
struct picture {
    char letters[256];
};

static bool draw(void *context, uint64_t sequence, struct gh_bytes canonical)
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

static void assert_looks(struct gh_journal *journal, const char *expected)
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
static struct gh_journal *journal_of(const struct place *place, const char *letters)
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

static struct gh_journal_cut cut_at(struct gh_journal *journal, uint64_t receipt,
                                    int64_t passages_s, int64_t others_s)
{
    return (struct gh_journal_cut){.receipt = receipt_for(journal, receipt, list_key),
                                   .passages_before_ms = passages_s * 1000,
                                   .others_before_ms = others_s * 1000,
                                   .max_entries = 1000};
}

/* --- what goes -------------------------------------------------------------------------------- */

static void contents_go_and_numbers_go(void **state)
{
    static const struct {
        const char *before;
        uint64_t receipt;
        int64_t passages_s, others_s;
        uint64_t removed;
        const char *after;
    } cases[] = {
        {"ppdpp", 5, 0, 0, 0, "ppdpp"},     /* nothing is old enough */
        {"ppdpp", 5, 1, 1, 0, "ppdpp"},     /* "less than" */
        {"ppdpp", 5, 4, 0, 3, "   ppp"},    /* from the first on: whole */
        {"ppdpp", 2, 6, 6, 2, "  dppp"},    /* no further than the receipt */
        {"ppdpp", 5, 6, 6, 5, "     p"},    /* all */
        {"sppdsp", 6, 5, 0, 3, "s---spp"},  /* a start stays, what is behind it is emptied */
        {"sppdsp", 6, 5, 3, 4, "    spp"},  /* or goes with it */
        {"sppdsp", 6, 0, 99, 1, " ppdspp"}, /* passages stay longer */
        {"scflpd", 6, 99, 0, 2, "scfl--p"}, /* only passages and doors lose contents */
        {"scflpd", 6, 0, 99, 4, "    pdp"}, /* the others go, too */
        {"scflpd", 6, 99, 3, 4, "  fl--p"}, /* the first two, and two contents */
        {"slsl", 4, 99, 0, 0, "slsl"},      /* no contents of this kind: nothing is written */
        {"s", 1, 99, 99, 1, " p"},          /* the last entry stays: it is the prune entry */
        {"sppppppppp", 9, 99, 0, 8, "s--------pp"}, /* the receipt ends it */
    };
    const struct place *place = *state;
    for (size_t i = 0; i < GH_ARRAY_SIZE(cases); i++) {
        struct gh_journal *journal = journal_of(place, cases[i].before);
        struct gh_journal_cut cut =
            cut_at(journal, cases[i].receipt, cases[i].passages_s, cases[i].others_s);
        bool more = true;
        uint64_t removed = prune(journal, &cut, 500000, &more);
        if (removed != cases[i].removed || more) {
            fail_msg("case %zu: %d removed", i, (int)removed);
        }
        assert_looks(journal, cases[i].after);
        assert_int_equal(prune(journal, &cut, 500000, &more), 0); /* the call comes twice */
        assert_false(more);
        assert_looks(journal, cases[i].after);
        gh_journal_close(journal);
        journal = open_journal(place);
        assert_looks(journal, cases[i].after);
        struct gh_journal *reader = open_reader(place);
        assert_looks(reader, cases[i].after);
        gh_journal_close(reader);
        append(journal, 1);
        gh_journal_close(journal);
        assert_int_equal(unlink(place->path), 0);
    }
}

static void the_prune_entry_says_what_went(void **state)
{
    const struct place *place = *state;
    struct gh_journal *journal = journal_of(place, "pspdsp");
    struct gh_journal_cut cut = cut_at(journal, 5, 99, 2);
    struct gh_entry entry = prune_entry(77000), last;
    uint8_t head[GH_SHA256_BYTES], sum[GH_SHA256_BYTES] = {0}, both[2 * GH_SHA256_BYTES];
    uint8_t sums[7][GH_SHA256_BYTES] = {{0}};
    uint64_t sequence, removed;
    bool more;
    assert_int_equal(gh_journal_head(journal, &sequence, head), GH_OK);
    for (uint64_t i = 1; i <= 6; i++) {
        memcpy(both, sum, sizeof(sum));
        memcpy(both + sizeof(sum), seek(journal, i).hash, sizeof(sum));
        gh_sha256((struct gh_bytes){both, sizeof(both)}, sum);
        memcpy(sums[i], sum, sizeof(sum));
    }
    entry.sequence = 99;
    entry.through = entry.erased = 99; /* not the caller's to say */
    assert_int_equal(gh_journal_prune(journal, &cut, &entry, &removed, &more, NULL), GH_OK);
    assert_int_equal(removed, 3);
    assert_int_equal(entry.sequence, 7);
    assert_memory_equal(entry.previous, head, GH_SHA256_BYTES);
    assert_int_equal(gh_journal_last(journal, &last), GH_OK);
    assert_int_equal(last.type, GH_ENTRY_PRUNE);
    assert_int_equal(last.wall_ms, 77000);
    assert_int_equal(last.sequence, 7);
    assert_int_equal(last.through, 1);
    assert_int_equal(last.erased, 5);
    assert_memory_equal(last.through_sum, sums[1], GH_SHA256_BYTES);
    assert_memory_equal(last.erased_sum, sums[5], GH_SHA256_BYTES);
    assert_memory_equal(&last.receipt, &cut.receipt, sizeof(last.receipt));
    assert_looks(journal, " s--spp");
    /* The sums go on from one prune entry to the next, also in a journal opened again. */
    gh_journal_close(journal);
    journal = open_journal(place);
    cut = cut_at(journal, 6, 99, 3);
    assert_int_equal(prune(journal, &cut, 78000, NULL), 4);
    assert_int_equal(gh_journal_last(journal, &last), GH_OK);
    assert_int_equal(last.through, 4);
    assert_int_equal(last.erased, 6);
    assert_memory_equal(last.through_sum, sums[4], GH_SHA256_BYTES);
    assert_memory_equal(last.erased_sum, sums[6], GH_SHA256_BYTES);
    assert_looks(journal, "    s-pp");
    gh_journal_close(journal);
}

/* A clock that ran ahead, or fell back, keeps nothing for ever. */
static void a_wrong_clock_does_not_keep_entries(void **state)
{
    const struct place *place = *state;
    struct gh_journal *journal = journal_of(place, "pp");
    append_of(journal, GH_ENTRY_PASSAGE, INT64_C(1) << 50, true);
    append_of(journal, GH_ENTRY_START, INT64_C(1) << 50, true);
    append_of(journal, GH_ENTRY_PASSAGE, 5000, false); /* does not know better */
    struct gh_journal_cut cut = cut_at(journal, 5, 20, 20);
    assert_int_equal(prune(journal, &cut, 500000, NULL), 2);
    append_of(journal, GH_ENTRY_CLOCK, 6000, true); /* it was set right */
    append_of(journal, GH_ENTRY_PASSAGE, 30000, true);
    cut = cut_at(journal, 8, 20, 0);
    assert_int_equal(prune(journal, &cut, 500000, NULL), 2); /* contents, and no more than that */
    assert_looks(journal, "  -s-pcpp");
    cut = cut_at(journal, 8, 20, 20);
    assert_int_equal(prune(journal, &cut, 500000, NULL), 5);
    assert_looks(journal, "       ppp");
    cut = cut_at(journal, 8, INT64_MIN / 1000, INT64_MIN / 1000);
    cut.passages_before_ms = cut.others_before_ms = INT64_MIN;
    append_of(journal, GH_ENTRY_PASSAGE, INT64_MIN, true);
    assert_int_equal(prune(journal, &cut, 500000, NULL), 0);
    gh_journal_close(journal);
}

/* Nor where it ran ahead for longer than one call looks. */
static void a_clock_that_was_wrong_for_long_does_not_either(void **state)
{
    const struct place *place = *state;
    for (int trusted = 0; trusted < 2; trusted++) {
        struct gh_journal *journal = journal_of(place, "pp");
        for (int i = 0; i < 40; i++) {
            append_of(journal, GH_ENTRY_PASSAGE, INT64_C(1) << 50, trusted != 0);
        }
        append_of(journal, GH_ENTRY_CLOCK, 6000, true); /* 43: it was set right */
        append_of(journal, GH_ENTRY_PASSAGE, 7000, true);
        for (int i = 0; i < 20; i++) {
            append_of(journal, GH_ENTRY_PASSAGE, 30000 + i, true);
        }
        struct gh_journal_cut cut = cut_at(journal, 64, 20, 0);
        uint64_t contents = 0, all = 0, bad;
        cut.max_entries = 3;
        for (bool more = true; more;) {
            contents += prune(journal, &cut, 500000, &more);
        }
        assert_int_equal(contents, 2 + 2 * 40 + 1); /* and what is empty goes as a whole */
        cut.others_before_ms = 20000;
        for (bool more = true; more;) {
            all += prune(journal, &cut, 500000, &more);
        }
        assert_int_equal(all, 2);
        struct gh_journal_size size;
        assert_int_equal(gh_journal_measure(journal, &size), GH_OK);
        assert_int_equal(size.first, 45);
        assert_int_equal(verify_with(journal, list_key, &bad), GH_OK);
        gh_journal_close(journal);
        assert_int_equal(unlink(place->path), 0);
    }
}

/* However much is due, one call looks at so many, and says that there is more. */
static void one_call_is_bounded(void **state)
{
    const struct place *place = *state;
    for (unsigned max = 1; max <= 7; max += 2) {
        for (int contents = 0; contents < 2; contents++) {
            struct gh_journal *journal = journal_of(place, "sppppllllllllllddddpppp");
            struct gh_journal_cut cut = cut_at(journal, 23, 99, contents ? 0 : 99);
            cut.max_entries = max;
            uint64_t removed = 0, expected = contents ? 12 : 23;
            bool more = true;
            for (unsigned calls = 0; more; calls++) {
                assert_true(calls < 30);
                uint64_t now = prune(journal, &cut, 500000, &more);
                assert_true(now <= 2 * max); /* numbers, and contents */
                removed += now;
                uint64_t bad;
                assert_int_equal(verify_with(journal, list_key, &bad), GH_OK);
            }
            assert_int_equal(removed, expected);
            gh_journal_close(journal);
            assert_int_equal(unlink(place->path), 0);
        }
    }
}

static void prune_entries_are_pruned_in_turn(void **state)
{
    const struct place *place = *state;
    struct gh_journal *journal = journal_of(place, "pp");
    for (unsigned i = 1; i <= 20; i++) {
        struct gh_journal_cut cut = cut_at(journal, head_of(journal), 99, 99);
        assert_int_equal(prune(journal, &cut, 50000, NULL), i == 1 ? 2 : 1);
        struct gh_journal_size size;
        assert_int_equal(gh_journal_measure(journal, &size), GH_OK);
        assert_int_equal(size.first, 2 + i);
        assert_int_equal(size.last, 2 + i);
        gh_journal_close(journal); /* opened again with just that */
        journal = open_journal(place);
    }
    append(journal, 3);
    struct gh_journal_cut cut = cut_at(journal, head_of(journal), 99, 0);
    assert_int_equal(prune(journal, &cut, 50000, NULL), 0);
    cut.passages_before_ms = INT64_MAX;
    assert_int_equal(prune(journal, &cut, 50000, NULL), 3);
    gh_journal_close(journal);
}

/* --- what does not go ------------------------------------------------------------------------- */

static void assert_refused(struct gh_journal *journal, const struct gh_journal_cut *cut,
                           enum gh_status expected)
{
    struct gh_entry entry = prune_entry(500000), before = entry;
    struct gh_error err = {0};
    uint64_t removed = 99, head = head_of(journal);
    bool more = true;
    enum gh_status status = gh_journal_prune(journal, cut, &entry, &removed, &more, &err);
    if (status != expected || err.status != expected || err.text[0] == '\0') {
        fail_msg("%s: %s", gh_status_text(status), err.text);
    }
    assert_int_equal(removed, 0);
    assert_false(more);
    assert_memory_equal(&entry, &before, sizeof(entry));
    assert_int_equal(head_of(journal), head);
}

static void a_receipt_for_something_else_is_refused(void **state)
{
    const struct place *place = *state;
    struct gh_journal *journal = journal_of(place, "ppppp");
    struct gh_journal_cut good = cut_at(journal, 3, 99, 99), cut = good;
    cut.receipt.hash[31] ^= 1;
    assert_refused(journal, &cut, GH_ERR_INVALID);
    cut = good;
    cut.receipt.through = 4;
    assert_refused(journal, &cut, GH_ERR_INVALID);
    cut.receipt.through = 6;
    assert_refused(journal, &cut, GH_ERR_INVALID);
    cut.receipt.through = UINT64_MAX;
    assert_refused(journal, &cut, GH_ERR_INVALID);
    cut.receipt.through = 0;
    assert_refused(journal, &cut, GH_ERR_INVALID);
    cut = good;
    cut.max_entries = 0;
    assert_refused(journal, &cut, GH_ERR_INVALID);
    assert_looks(journal, "ppppp");
    struct gh_entry wrong = sample();
    uint64_t removed;
    bool more;
    assert_int_equal(gh_journal_prune(journal, &good, &wrong, &removed, &more, NULL),
                     GH_ERR_INVALID);
    assert_int_equal(prune(journal, &good, 500000, NULL), 3);
    cut = good;
    cut.receipt.through = 2; /* what it is for is gone: there is nothing to compare, nor to do */
    assert_int_equal(prune(journal, &cut, 500000, NULL), 0);
    gh_journal_close(journal);
    struct gh_journal *reader = open_reader(place);
    assert_refused(reader, &good, GH_ERR_READONLY);
    gh_journal_close(reader);
}

/* Receipts out of order: what an older one would allow has to wait for one as new as was used. */
static void an_older_receipt_allows_nothing(void **state)
{
    const struct place *place = *state;
    struct gh_journal *journal = journal_of(place, "sspsps");
    struct gh_journal_cut old = cut_at(journal, 2, 99, 99), new = cut_at(journal, 5, 99, 0);
    struct gh_journal_cut newer = cut_at(journal, 6, 99, 99);
    assert_int_equal(prune(journal, &new, 500000, NULL), 2);
    assert_looks(journal, "ss-s-sp");
    assert_int_equal(prune(journal, &old, 500000, NULL), 0);
    assert_looks(journal, "ss-s-sp");
    assert_int_equal(prune(journal, &newer, 500000, NULL), 6);
    assert_looks(journal, "      pp");
    gh_journal_close(journal);
    assert_int_equal(unlink(place->path), 0);
    /* And what was only looked at with a newer one is not said to be erased. */
    journal = journal_of(place, "sssp");
    old = cut_at(journal, 1, 99, 99);
    new = cut_at(journal, 3, 99, 0);
    assert_int_equal(prune(journal, &new, 500000, NULL), 0);
    assert_int_equal(prune(journal, &old, 500000, NULL), 1);
    assert_looks(journal, " sspp");
    gh_journal_close(journal);
}

/* As the version before this one left it: no column, and nothing that says what was pruned. */
static void an_earlier_version_s_journal_is_pruned(void **state)
{
    const struct place *place = *state;
    gh_journal_close(journal_of(place, "sppps"));
    change(place, "CREATE TABLE old(sequence INTEGER PRIMARY KEY, body TEXT NOT NULL, hash BLOB NOT"
                  " NULL); INSERT INTO old SELECT sequence, body, hash FROM entry;"
                  "DROP TABLE entry; ALTER TABLE old RENAME TO entry");
    struct gh_journal *journal = open_journal(place);
    struct gh_journal_cut cut = cut_at(journal, 5, 4, 0);
    int64_t wall_ms;
    assert_int_equal(prune(journal, &cut, 500000, NULL), 2);
    assert_looks(journal, "s--psp");
    assert_int_equal(gh_journal_last_trusted(journal, &wall_ms), GH_OK);
    assert_int_equal(wall_ms, 500000);
    gh_journal_close(journal);
}

/* What does not fit together is evidence. */
static void a_broken_chain_is_not_pruned(void **state)
{
    const struct place *place = *state;
    static const char *const changes[] = {
        "UPDATE entry SET body = replace(body, 'open', 'deny') WHERE sequence = 3",
        "UPDATE entry SET hash = zeroblob(32) WHERE sequence = 3",
        "UPDATE entry SET body = '' WHERE sequence = 3",
        "DELETE FROM entry WHERE sequence = 3",
        "DELETE FROM entry WHERE sequence < 4",
        "UPDATE entry SET body = (SELECT body FROM entry WHERE sequence = 2) WHERE sequence = 3",
    };
    for (size_t i = 0; i < GH_ARRAY_SIZE(changes); i++) {
        for (int contents = 0; contents < 2; contents++) {
            struct gh_journal *journal = journal_of(place, "sppppppp");
            struct gh_journal_cut cut = cut_at(journal, 6, 99, contents ? 0 : 99);
            gh_journal_close(journal);
            change(place, changes[i]);
            journal = open_journal(place);
            assert_refused(journal, &cut, GH_ERR_CORRUPT);
            gh_journal_close(journal);
            assert_int_equal(unlink(place->path), 0);
        }
    }
    /* Numbers that point elsewhere, and contents that went since. */
    static const char *const later[] = {
        "UPDATE pruned SET entry = 1",
        "UPDATE pruned SET entry = -1",
        "UPDATE pruned SET entry = 'x'",
        "DROP TABLE pruned",
        "DELETE FROM pruned",
        "UPDATE entry SET body = '' WHERE sequence = 7",
        "UPDATE entry SET hash = zeroblob(32) WHERE sequence = 4",
        "DELETE FROM entry WHERE sequence < 4",
    };
    for (size_t i = 0; i < GH_ARRAY_SIZE(later); i++) {
        struct gh_journal *journal = journal_of(place, "sppppppps");
        struct gh_journal_cut cut = cut_at(journal, 6, 99, 0);
        assert_int_equal(prune(journal, &cut, 500000, NULL), 5);
        cut = cut_at(journal, 8, 99, 99);
        gh_journal_close(journal);
        sqlite3 *db;
        assert_int_equal(sqlite3_open(place->path, &db), SQLITE_OK);
        assert_int_equal(sqlite3_exec(db, later[i], NULL, NULL, NULL), SQLITE_OK);
        sqlite3_close(db);
        journal = open_journal(place);
        assert_refused(journal, &cut, GH_ERR_CORRUPT);
        gh_journal_close(journal);
        assert_int_equal(unlink(place->path), 0);
    }
}

static void a_failed_sync_removes_nothing(void **state)
{
    const struct place *place = *state;
    struct gh_journal *journal = journal_of(place, "sppppp");
    struct gh_journal_cut cut = cut_at(journal, 5, 99, 0);
    atomic_store(&sync_fails, true);
    assert_refused(journal, &cut, GH_ERR_IO);
    assert_looks(journal, "sppppp");
    atomic_store(&sync_fails, false);
    assert_looks(journal, "sppppp");
    append(journal, 1);
    assert_int_equal(prune(journal, &cut, 500000, NULL), 4);
    assert_looks(journal, "s----ppp");
    gh_journal_close(journal);
}

/* --- last ones, and the size ------------------------------------------------------------------ */

static void the_last_trusted_time_stays_known(void **state)
{
    const struct place *place = *state;
    struct gh_journal *journal = journal_of(place, "ppp");
    append_of(journal, GH_ENTRY_PASSAGE, 100, false);
    struct gh_journal_cut cut = cut_at(journal, 4, 99, 99);
    struct gh_entry entry = prune_entry(200), last;
    uint64_t removed;
    bool more;
    int64_t wall_ms;
    entry.clock_trusted = false;
    assert_int_equal(gh_journal_prune(journal, &cut, &entry, &removed, &more, NULL), GH_OK);
    assert_int_equal(removed, 2); /* the third is the newest that knew the time */
    assert_looks(journal, "  ppp");
    assert_int_equal(gh_journal_last_trusted(journal, &wall_ms), GH_OK);
    assert_int_equal(wall_ms, 3000);
    gh_journal_close(journal);
    journal = open_journal(place);
    assert_int_equal(gh_journal_last_trusted(journal, &wall_ms), GH_OK);
    assert_int_equal(wall_ms, 3000);
    assert_int_equal(prune(journal, &cut, 90000, NULL), 2); /* now one that does comes after */
    assert_int_equal(gh_journal_last_trusted(journal, &wall_ms), GH_OK);
    assert_int_equal(wall_ms, 90000);
    assert_int_equal(gh_journal_last(journal, &last), GH_OK);
    assert_int_equal(last.sequence, 6);
    append_of(journal, GH_ENTRY_PASSAGE, 100, false);
    struct gh_journal *reader = open_reader(place);
    assert_int_equal(gh_journal_last_trusted(reader, &wall_ms), GH_OK);
    assert_int_equal(wall_ms, 90000);
    assert_int_equal(head_of(reader), 7);
    gh_journal_close(reader);
    gh_journal_close(journal);
}

/* A gate whose clock nobody ever set prunes all the same. */
static void without_any_trusted_clock_it_goes_on(void **state)
{
    const struct place *place = *state;
    struct gh_journal *journal = open_journal(place);
    append_of(journal, GH_ENTRY_PASSAGE, 1000, false);
    append_of(journal, GH_ENTRY_PASSAGE, 2000, false);
    struct gh_journal_cut cut = cut_at(journal, 2, 99, 99);
    struct gh_entry entry = prune_entry(200000);
    uint64_t removed;
    bool more;
    int64_t wall_ms;
    entry.clock_trusted = false;
    assert_int_equal(gh_journal_prune(journal, &cut, &entry, &removed, &more, NULL), GH_OK);
    assert_int_equal(removed, 2);
    assert_int_equal(gh_journal_last_trusted(journal, &wall_ms), GH_ERR_NOTFOUND);
    gh_journal_close(journal);
}

static void its_size_is_measured(void **state)
{
    const struct place *place = *state;
    struct gh_journal *journal = open_journal(place);
    struct gh_journal_size empty, full, less;
    assert_int_equal(gh_journal_measure(journal, &empty), GH_OK);
    assert_int_equal(empty.first, 0);
    assert_int_equal(empty.last, 0);
    for (int i = 0; i < 2000; i++) {
        append_of(journal, GH_ENTRY_PASSAGE, i, true);
    }
    assert_int_equal(gh_journal_measure(journal, &full), GH_OK);
    assert_int_equal(full.first, 1);
    assert_int_equal(full.last, 2000);
    assert_true(full.bytes > 2000 * 300 && full.bytes < 2000 * 700);
    struct gh_journal_cut cut = cut_at(journal, 2000, 99, 99);
    cut.passages_before_ms = 1500;
    bool more = true;
    while (more) {
        prune(journal, &cut, 500000, &more);
    }
    struct gh_journal *reader = open_reader(place);
    assert_int_equal(gh_journal_measure(reader, &less), GH_OK);
    assert_int_equal(less.first, 1501);
    assert_int_equal(less.last, 2002);
    assert_true(less.bytes < full.bytes / 2);
    gh_journal_close(reader);
    /* What is free is taken before the file grows. */
    for (int i = 0; i < 1000; i++) {
        append_of(journal, GH_ENTRY_PASSAGE, i, true);
    }
    gh_journal_close(journal);
    struct stat info;
    assert_int_equal(stat(place->path, &info), 0);
    assert_true((uint64_t)info.st_size <= full.bytes + 16384);
}

/* --- the text is gone ------------------------------------------------------------------------- */

/* How often the bytes stand in a file; 0 when there is no file. */
static unsigned count_in(const char *path, const char *text)
{
    uint8_t *data;
    size_t size;
    unsigned count = 0;
    if (gh_file_read(path, 1 << 26, &data, &size, NULL) != GH_OK) {
        return 0;
    }
    for (uint8_t *at = data; (at = memmem(at, size - (size_t)(at - data), text, strlen(text)));
         at++) {
        count++;
    }
    free(data);
    return count;
}

static unsigned count_on_disk(const struct place *place, const char *text)
{
    char wal[160];
    snprintf(wal, sizeof(wal), "%s-wal", place->path);
    return count_in(place->path, text) + count_in(wal, text);
}

static void name_of(uint64_t i, char text[32])
{
    snprintf(text, 32, "\"subject\":\"%016llx\"", 0xabcd000000000000ULL + (unsigned long long)i);
}

static void append_named(struct gh_journal *journal, uint64_t i)
{
    struct gh_entry entry = sample();
    entry.subject = 0xabcd000000000000ULL + i;
    entry.wall_ms = (int64_t)i;
    entry.clock_trusted = true;
    assert_int_equal(gh_journal_append(journal, &entry, NULL), GH_OK);
}

/* One in eight is of the kind that has no name and stays longer. */
static void append_sized(struct gh_journal *journal, uint64_t i)
{
    if (rand() % 8 == 0) {
        append_of(journal, GH_ENTRY_LIST, (int64_t)i, true);
        return;
    }
    struct gh_entry entry = sample();
    entry.subject = 0xabcd000000000000ULL + i;
    entry.wall_ms = (int64_t)i;
    entry.clock_trusted = true;
    entry.home = rand() % 2 == 0 ? 5 : 0;
    entry.health_code = rand() % 2 == 0 ? 6 : 0;
    entry.housing_code = rand() % 2 == 0 ? 7 : 0;
    assert_int_equal(gh_journal_append(journal, &entry, NULL), GH_OK);
}

/* The least of these names anywhere in the files; UINT64_MAX: none. */
static uint64_t least_on_disk(const struct place *place)
{
    static const char mark[] = "\"subject\":\"abcd";
    char names[2][160];
    uint64_t least = UINT64_MAX;
    snprintf(names[0], sizeof(names[0]), "%s", place->path);
    snprintf(names[1], sizeof(names[1]), "%s-wal", place->path);
    for (int i = 0; i < 2; i++) {
        uint8_t *data;
        size_t size, mark_size = strlen(mark);
        if (gh_file_read(names[i], 1 << 26, &data, &size, NULL) != GH_OK) {
            continue;
        }
        const uint8_t *at = data, *end = data + size;
        while ((at = memmem(at, (size_t)(end - at), mark, mark_size)) != NULL) {
            at += mark_size;
            char digits[13] = "";
            memcpy(digits, at, end - at < 12 ? (size_t)(end - at) : 12);
            uint64_t number = strtoull(digits, NULL, 16);
            least = number < least ? number : least;
        }
        free(data);
    }
    return least;
}

static void erased_text_is_gone_from_the_files(void **state)
{
    const struct place *place = *state;
    for (int contents = 0; contents < 2; contents++) {
        struct gh_journal *journal = open_journal(place);
        char text[32];
        append_of(journal, GH_ENTRY_START, 0, true);
        for (uint64_t i = 2; i <= 300; i++) {
            append_named(journal, i);
        }
        name_of(150, text);
        assert_true(count_on_disk(place, text) > 0);
        struct gh_journal_cut cut = cut_at(journal, 290, 99, 99);
        cut.passages_before_ms = 201;
        cut.others_before_ms = contents ? 0 : 201;
        assert_int_equal(prune(journal, &cut, 500000, NULL), contents ? 199 : 200);
        for (uint64_t i = 2; i <= 300; i++) {
            name_of(i, text);
            if ((count_on_disk(place, text) > 0) != (i > 200)) {
                fail_msg("%s: %u", text, count_on_disk(place, text));
            }
        }
        gh_journal_close(journal);
        assert_int_equal(unlink(place->path), 0);
    }
}

/* A reader in the middle of something keeps the WAL; the next call, with nothing else to do, gets
 * it; so does the first call after a crash. */
static void what_a_reader_held_back_goes_later(void **state)
{
    const struct place *place = *state;
    struct gh_journal *journal = open_journal(place);
    char text[32];
    sqlite3 *db;
    for (uint64_t i = 1; i <= 20; i++) {
        append_named(journal, i);
    }
    name_of(7, text);
    struct gh_journal_cut cut = cut_at(journal, 20, 99, 99);
    assert_int_equal(sqlite3_open(place->path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "BEGIN; SELECT * FROM entry", NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(prune(journal, &cut, 500000, NULL), 20);
    assert_true(count_on_disk(place, text) > 0);
    assert_int_equal(prune(journal, &cut, 500000, NULL), 0);
    assert_true(count_on_disk(place, text) > 0);
    sqlite3_close(db);
    assert_int_equal(prune(journal, &cut, 500000, NULL), 0);
    assert_int_equal(count_on_disk(place, text), 0);
    gh_journal_close(journal);
}

/* Pages that became too empty are joined, and their rows moved: of what was erased nothing is left
 * behind where it was before. (It is rare: without the rows that prune.c leaves for it, seed 733
 * finds it.) */
static void nothing_is_left_behind_by_moved_pages(void **state)
{
    const struct place *place = *state;
    atomic_store(&sync_skipped, true); /* nobody cuts the power here */
    for (unsigned seed = 720; seed <= 740; seed++) {
        srand(seed);
        struct gh_journal *journal = open_journal(place);
        uint64_t numbers = 0, contents = 0; /* that are gone */
        for (int round = 0; round < 12; round++) {
            for (int i = rand() % (seed % 10 == 0 ? 400 : 60); i >= 0; i--) {
                append_sized(journal, head_of(journal) + 1);
            }
            uint64_t head = head_of(journal);
            contents += (uint64_t)rand() % (head - contents + 1);
            numbers += rand() % 2 == 0 ? 0 : (uint64_t)rand() % (contents - numbers + 1);
            struct gh_journal_cut cut = cut_at(journal, head, 0, 0);
            cut.passages_before_ms = (int64_t)contents + 1;
            cut.others_before_ms = (int64_t)numbers + 1;
            for (bool more = true; more;) {
                prune(journal, &cut, (int64_t)head + 1, &more);
            }
            uint64_t left = least_on_disk(place);
            if (left <= contents) {
                fail_msg("seed %u, round %d: %llu of %llu", seed, round, (unsigned long long)left,
                         (unsigned long long)contents);
            }
        }
        gh_journal_close(journal);
        assert_int_equal(unlink(place->path), 0);
    }
    atomic_store(&sync_skipped, false);
}

/* --- beside others ---------------------------------------------------------------------------- */

struct watching {
    const struct place *place;
    atomic_bool done;
    const char *complaint;
};

static void *watch(void *context)
{
    struct watching *watching = context;
    struct gh_journal *reader;
    if (gh_journal_open_reader(watching->place->path, &reader, NULL) != GH_OK) {
        watching->complaint = "cannot open";
        return NULL;
    }
    while (!atomic_load(&watching->done)) {
        uint64_t sequence, bad;
        uint8_t hash[GH_SHA256_BYTES];
        if (gh_journal_verify(reader, NULL, 0, &bad) != GH_OK ||
            gh_journal_head(reader, &sequence, hash) != GH_OK) {
            watching->complaint = "not whole";
            break;
        }
    }
    gh_journal_close(reader);
    return NULL;
}

static void readers_see_a_whole_chain_while_it_is_pruned(void **state)
{
    const struct place *place = *state;
    struct watching watching = {.place = place};
    struct gh_journal *journal = journal_of(place, "s");
    pthread_t thread;
    atomic_init(&watching.done, false);
    assert_int_equal(pthread_create(&thread, NULL, watch, &watching), 0);
    for (int64_t i = 2; i < 600; i++) {
        append_of(journal, GH_ENTRY_PASSAGE, i * 1000, true);
        if (i % 5 == 0) {
            struct gh_journal_cut cut = cut_at(journal, head_of(journal), i - 20, i - 300);
            prune(journal, &cut, i * 1000, NULL);
        }
    }
    atomic_store(&watching.done, true);
    assert_int_equal(pthread_join(thread, NULL), 0);
    if (watching.complaint != NULL) {
        fail_msg("%s", watching.complaint);
    }
    gh_journal_close(journal);
}

static int make_key(void **state)
{
    (void)state;
    return gh_private_key_generate(GH_KEY_ED25519, &list_key) == GH_OK ? 0 : -1;
}

static int free_key(void **state)
{
    (void)state;
    gh_private_key_free(list_key);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(contents_go_and_numbers_go),
        TEST(the_prune_entry_says_what_went),
        TEST(a_wrong_clock_does_not_keep_entries),
        TEST(a_clock_that_was_wrong_for_long_does_not_either),
        TEST(one_call_is_bounded),
        TEST(prune_entries_are_pruned_in_turn),
        TEST(a_receipt_for_something_else_is_refused),
        TEST(an_older_receipt_allows_nothing),
        TEST(an_earlier_version_s_journal_is_pruned),
        TEST(a_broken_chain_is_not_pruned),
        TEST(a_failed_sync_removes_nothing),
        TEST(the_last_trusted_time_stays_known),
        TEST(without_any_trusted_clock_it_goes_on),
        TEST(its_size_is_measured),
        TEST(erased_text_is_gone_from_the_files),
        TEST(what_a_reader_held_back_goes_later),
        TEST(nothing_is_left_behind_by_moved_pages),
        TEST(readers_see_a_whole_chain_while_it_is_pruned),
    };
    return cmocka_run_group_tests(tests, make_key, free_key);
}
