/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "fakes/gate_fixture.h"
#include "gate/keep.h"

#define DAY_MS (INT64_C(24) * 3600 * 1000)
#define LARGE (UINT64_C(1) << 40)
#define HASHES_MAX 8192
#define MANY 1500 /* the journal keeps the places of a few hundred for a while */

static struct fixture fixture;
static struct gh_record record; /* large: not on the stack */
static struct gh_keep keep;
static struct gh_retention retention;
static char path[PATH_MAX];
static uint8_t hashes[HASHES_MAX][GH_SHA256_BYTES]; /* by sequence number */

static int setup(void **state)
{
    (void)state;
    fixture_init(&fixture);
    assert_int_equal(gh_courier_journal_path(fixture.dir, FIXTURE_GATE, path), GH_OK);
    gh_record_open(&record, &fixture.clock.clock, path, FIXTURE_GATE);
    retention = (struct gh_retention){.passages_days = 30, .others_days = 30};
    gh_keep_init(&keep, LARGE, gh_clock_monotonic_ns(&fixture.clock.clock));
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    fixture_empty_disk();
    gh_record_close(&record);
    fixture_destroy(&fixture);
    return 0;
}

/* --- what is there --- */

static void remember_hash(void)
{
    uint8_t hash[GH_SHA256_BYTES];
    uint64_t sequence;

    assert_int_equal(gh_journal_head(record.journal, &sequence, hash), GH_OK);
    assert_true(sequence < HASHES_MAX);
    memcpy(hashes[sequence], hash, sizeof(hash));
}

static void append(unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        struct gh_entry entry = {.type = GH_ENTRY_PASSAGE,
                                 .clock_trusted = true,
                                 .outcome = GH_OUTCOME_OPEN,
                                 .reason = GH_REASON_OK,
                                 .kind = GH_KIND_HEALTH,
                                 .subject = 1 + i};
        assert_int_equal(gh_record_now(&record, &entry), GH_OK);
        remember_hash();
    }
}

static struct gh_receipt receipt_of(uint64_t through)
{
    struct gh_receipt receipt = {.through = through};

    memcpy(receipt.hash, hashes[through], sizeof(receipt.hash));
    assert_int_equal(gh_receipt_sign(fixture.list_key, FIXTURE_GATE, &receipt), GH_OK);
    return receipt;
}

static void acknowledge(uint64_t through)
{
    struct gh_receipt receipt = receipt_of(through);
    gh_keep_receipt(&keep, &receipt);
}

static struct gh_journal_size measure(void)
{
    struct gh_journal_size size;

    assert_int_equal(gh_record_measure(&record, &size), GH_OK);
    return size;
}

static uint64_t head(void)
{
    uint8_t hash[GH_SHA256_BYTES];
    uint64_t sequence;

    assert_int_equal(gh_journal_head(record.journal, &sequence, hash), GH_OK);
    return sequence;
}

static struct gh_entry last_entry(void)
{
    struct gh_entry entry;

    assert_int_equal(gh_journal_last(record.journal, &entry), GH_OK);
    return entry;
}

/* The chain, with its receipts, and whatever is missing from it accounted for. */
static void assert_whole(void)
{
    const struct gh_public_key *keys[] = {fixture.list_public};
    uint64_t bad = 1;

    assert_int_equal(gh_journal_verify(record.journal, keys, 1, &bad), GH_OK);
    assert_true(bad == 0);
}

static bool tick(bool trusted)
{
    return gh_keep_tick(&keep, &record, &retention, trusted);
}

/* As the gate does it: whenever it is due; returns how often something was written. */
static unsigned pass_ms(int64_t ms, bool trusted)
{
    const struct gh_clock *clock = &fixture.clock.clock;
    int64_t end_ns = gh_clock_monotonic_ns(clock) + ms * GH_NS_PER_MS;
    unsigned written = 0;

    for (;;) {
        int64_t now_ns = gh_clock_monotonic_ns(clock);
        written += tick(trusted);
        assert_true(keep.next_ns > now_ns);
        if (keep.next_ns > end_ns)
            break;
        gh_fake_clock_advance_ns(&fixture.clock, keep.next_ns - now_ns);
    }
    gh_fake_clock_advance_ns(&fixture.clock, end_ns - gh_clock_monotonic_ns(clock));
    return written;
}

/* --- by age --- */

static void test_until_old_enough(void **state)
{
    (void)state;

    append(10);
    acknowledge(8);
    assert_int_equal(pass_ms(30 * DAY_MS, true), 0);
    assert_true(measure().first == 1);
    assert_int_equal(pass_ms(GH_KEEP_OLD_NS / GH_NS_PER_MS, true), 1);
    assert_true(measure().first == 9); /* what the server has not stored stays */
    struct gh_entry entry = last_entry();
    assert_int_equal(entry.type, GH_ENTRY_PRUNE);
    assert_true(entry.sequence == 11 && entry.through == 8 && entry.receipt.through == 8);
    assert_true(entry.clock_trusted && entry.gate == FIXTURE_GATE);
    assert_true(entry.wall_ms > FIXTURE_NOW_S * 1000 + 30 * DAY_MS);
    assert_whole();
    assert_int_equal(pass_ms(30 * DAY_MS, true), 0); /* once */
}

/* Each time costs the journal's WAL anew. */
static void test_once_a_day(void **state)
{
    (void)state;

    append(10);
    acknowledge(10);
    gh_fake_clock_advance_ms(&fixture.clock, 31 * DAY_MS);
    assert_true(tick(true));
    remember_hash();
    append(10);
    acknowledge(21);
    gh_fake_clock_set_wall_s(&fixture.clock, FIXTURE_NOW_S + 70 * DAY_MS / 1000);
    assert_int_equal(pass_ms(GH_KEEP_OLD_NS / GH_NS_PER_MS - 1, true), 0);
    assert_true(measure().first == 11);
    assert_int_equal(pass_ms(GH_KEEP_PAUSE_NS / GH_NS_PER_MS, true), 1);
    assert_true(measure().first > 11);
    assert_whole();
}

static void test_without_a_receipt(void **state)
{
    (void)state;

    append(10);
    assert_int_equal(pass_ms(400 * DAY_MS, true), 0);
    assert_true(measure().first == 1 && measure().last == 10);
    acknowledge(10); /* and then it is not an hour until it counts */
    assert_int_equal(pass_ms(1000, true), 1);
    assert_true(measure().first > 1);
}

static void test_clock_not_trusted(void **state)
{
    (void)state;

    append(10);
    acknowledge(10);
    gh_fake_clock_set_wall_s(&fixture.clock, FIXTURE_NOW_S + 400 * DAY_MS / 1000);
    assert_int_equal(pass_ms(DAY_MS, false), 0);
    assert_true(measure().first == 1);
    assert_int_equal(pass_ms(DAY_MS, true), 1);
}

/* The server was set back: what it has lost is not removed, whatever it once signed. */
static void test_newest_receipt(void **state)
{
    (void)state;

    append(10);
    acknowledge(9);
    acknowledge(4);
    assert_int_equal(pass_ms(40 * DAY_MS, true), 1);
    assert_true(measure().first == 5);
    assert_whole();
}

static void test_in_steps(void **state)
{
    (void)state;
    const struct gh_clock *clock = &fixture.clock.clock;

    append(2 * GH_KEEP_STEP_ENTRIES + 50);
    acknowledge(2 * GH_KEEP_STEP_ENTRIES + 50);
    gh_fake_clock_advance_ms(&fixture.clock, 31 * DAY_MS);
    uint64_t before = 1;
    for (int step = 0; step < 3; step++) {
        assert_true(tick(true));
        uint64_t first = measure().first;
        assert_in_range(first - before, 1, GH_KEEP_STEP_ENTRIES);
        before = first;
        assert_false(tick(true)); /* not before it is time */
        acknowledge(2 * GH_KEEP_STEP_ENTRIES + 50);
        assert_false(tick(true)); /* not even then */
        if (step < 2)
            assert_true(keep.next_ns == gh_clock_monotonic_ns(clock) + GH_KEEP_STEP_NS);
        gh_fake_clock_advance_ms(&fixture.clock, 1000);
    }
    assert_true(before == 2 * GH_KEEP_STEP_ENTRIES + 51);
    assert_true(keep.next_ns > gh_clock_monotonic_ns(clock) + 1000 * GH_NS_PER_S);
    assert_whole();
}

static void test_wrong_receipt(void **state)
{
    (void)state;
    char log[4096];

    append(10);
    struct gh_receipt wrong = receipt_of(10);
    wrong.hash[0] ^= 1;
    fixture_capture_log(&fixture);
    for (int i = 0; i < 3; i++) { /* it comes with every batch */
        gh_keep_receipt(&keep, &wrong);
        assert_int_equal(pass_ms(40 * DAY_MS, true), 0);
    }
    fixture_take_log(&fixture, log, sizeof(log));
    const char *said = strstr(log, "not about this journal");
    assert_non_null(said);
    assert_null(strstr(said + 1, "not about this journal"));
    assert_true(measure().first == 1 && head() == 10);
    acknowledge(10);
    assert_int_equal(pass_ms(1000, true), 1);
}

static void test_full_disk(void **state)
{
    (void)state;

    append(10);
    acknowledge(10);
    gh_fake_clock_advance_ms(&fixture.clock, 31 * DAY_MS);
    fixture_fill_disk(&fixture);
    assert_int_equal(pass_ms(600 * 1000, true), 0);
    assert_true(measure().first == 1 && head() == 10);
    fixture_empty_disk();
    assert_int_equal(pass_ms(60 * 1000, true), 1);
    assert_whole();
}

/* What waits happened before. */
static void test_order(void **state)
{
    (void)state;
    struct gh_entry entry = {.type = GH_ENTRY_START, .clock_trusted = true};

    append(3);
    acknowledge(3);
    gh_fake_clock_advance_ms(&fixture.clock, 31 * DAY_MS);
    fixture_fill_disk(&fixture);
    gh_record_somehow(&record, &entry);
    fixture_empty_disk();
    assert_true(tick(true));
    assert_true(last_entry().sequence == 5);
    assert_int_equal(last_entry().type, GH_ENTRY_PRUNE);
}

static void test_no_journal(void **state)
{
    (void)state;

    gh_record_close(&record);
    char folder[PATH_MAX];
    fixture_path(&fixture, "none", folder);
    assert_int_equal(gh_courier_journal_path(folder, FIXTURE_GATE, path), GH_OK);
    gh_record_open(&record, &fixture.clock.clock, path, FIXTURE_GATE);
    assert_int_equal(pass_ms(600 * 1000, true), 0);
    assert_true(keep.next_ns <= gh_clock_monotonic_ns(&fixture.clock.clock) + GH_KEEP_RETRY_NS);
}

/* --- by size --- */

static void set_limit(uint64_t bytes)
{
    gh_keep_init(&keep, bytes, gh_clock_monotonic_ns(&fixture.clock.clock));
}

static void test_too_large_and_acknowledged(void **state)
{
    (void)state;

    append(MANY);
    uint64_t limit = measure().bytes / 2;
    set_limit(limit);
    acknowledge(MANY);
    assert_in_range(pass_ms(60 * 1000, false), 1,
                    MANY / GH_KEEP_STEP_ENTRIES); /* no age is asked for, so no clock either */
    assert_true(measure().bytes <= limit);
    assert_in_range(measure().first, 2,
                    MANY - GH_KEEP_STEP_ENTRIES); /* and no more than has to go */
    assert_int_equal(last_entry().type, GH_ENTRY_PRUNE);
    assert_false(last_entry().clock_trusted);
    assert_true(keep.said_bytes == 0);
    assert_whole();
}

static void assert_fault(void)
{
    struct gh_entry entry = last_entry();

    assert_int_equal(entry.type, GH_ENTRY_FAULT);
    assert_int_equal(entry.reason, GH_REASON_JOURNAL_LARGE);
    assert_int_equal(entry.outcome, GH_OUTCOME_GUARD);
    remember_hash();
}

static void test_too_large(void **state)
{
    (void)state;
    char log[4096];

    append(MANY);
    uint64_t limit = measure().bytes / 2;
    set_limit(limit);
    fixture_capture_log(&fixture);
    assert_int_equal(pass_ms(DAY_MS, true), 1); /* said once */
    fixture_take_log(&fixture, log, sizeof(log));
    assert_non_null(strstr(log, "more than its limit"));
    assert_fault();
    assert_true(head() == MANY + 1); /* and nothing is gone */
    assert_true(measure().first == 1);

    append(10);
    assert_int_equal(pass_ms(DAY_MS, true), 0);
    append(MANY / 10); /* a tenth of the limit more */
    assert_int_equal(pass_ms(DAY_MS, true), 1);
    assert_fault();

    uint64_t all = head();
    acknowledge(all); /* the network is back */
    assert_in_range(pass_ms(60 * 1000, true), 1, 20);
    assert_true(measure().bytes <= limit);
    assert_int_equal(pass_ms(2 * DAY_MS, true), 0);
    append(MANY * 3 / 4);                          /* less than before, but too much again */
    assert_in_range(pass_ms(DAY_MS, true), 1, 20); /* what was acknowledged goes, and it is said */
    assert_true(measure().first > all);
    assert_fault();
    assert_whole();
}

/* However often it is filled and emptied, the files do not grow. */
static void test_files_do_not_grow(void **state)
{
    (void)state;
    char log[PATH_MAX + 8];
    struct stat file, wal;
    off_t once = 0;

    snprintf(log, sizeof(log), "%s-wal", path);
    for (int round = 0; round < 8; round++) {
        append(400);
        acknowledge(head());
        gh_fake_clock_advance_ms(&fixture.clock, 31 * DAY_MS);
        (void)pass_ms(60 * 1000, true);
        remember_hash();
        assert_int_equal(stat(path, &file), 0);
        assert_int_equal(stat(log, &wal), 0);
        if (round == 2)
            once = file.st_size + wal.st_size;
        if (round > 2)
            assert_true(file.st_size + wal.st_size <= once + once / 4);
    }
    assert_true(measure().bytes < (uint64_t)once);
    assert_whole();
}

/* Nobody else would tell the courier of it. */
static void test_what_waited_is_said_to_be_written(void **state)
{
    (void)state;
    struct gh_entry entry = {.type = GH_ENTRY_CLOCK, .clock_trusted = true, .gate = FIXTURE_GATE};

    gh_boot_id(entry.boot_id);
    append(3);
    acknowledge(3);
    gh_record_later(&record, &entry);
    assert_true(tick(true));
    assert_int_equal(record.count, 0);
    assert_true(head() == 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_until_old_enough, setup, teardown),
        cmocka_unit_test_setup_teardown(test_once_a_day, setup, teardown),
        cmocka_unit_test_setup_teardown(test_without_a_receipt, setup, teardown),
        cmocka_unit_test_setup_teardown(test_clock_not_trusted, setup, teardown),
        cmocka_unit_test_setup_teardown(test_newest_receipt, setup, teardown),
        cmocka_unit_test_setup_teardown(test_in_steps, setup, teardown),
        cmocka_unit_test_setup_teardown(test_wrong_receipt, setup, teardown),
        cmocka_unit_test_setup_teardown(test_full_disk, setup, teardown),
        cmocka_unit_test_setup_teardown(test_order, setup, teardown),
        cmocka_unit_test_setup_teardown(test_what_waited_is_said_to_be_written, setup, teardown),
        cmocka_unit_test_setup_teardown(test_no_journal, setup, teardown),
        cmocka_unit_test_setup_teardown(test_too_large_and_acknowledged, setup, teardown),
        cmocka_unit_test_setup_teardown(test_too_large, setup, teardown),
        cmocka_unit_test_setup_teardown(test_files_do_not_grow, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
