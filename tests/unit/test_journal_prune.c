/* SPDX-License-Identifier: Apache-2.0 */
/* prune.c: what goes, and what does not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "journal_prune_fixture.h"

static atomic_bool sync_fails;

int fdatasync(int fd)
{
    if (atomic_load(&sync_fails)) {
        errno = EIO;
        return -1;
    }
    return (int)syscall(SYS_fdatasync, fd);
}

int fsync(int fd)
{
    return fdatasync(fd);
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
    };
    return cmocka_run_group_tests(tests, make_key, free_key);
}
