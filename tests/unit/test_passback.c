/* SPDX-License-Identifier: Apache-2.0 */
/* passback.c: what is remembered of this gate's own openings, of the others', and of the time
 * before the start. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "gate/passback.h"
#include "journal_prune_fixture.h"

#define IN GH_DIRECTION_IN
#define OUT GH_DIRECTION_OUT
#define NOW_MS INT64_C(1900000000000)
#define FORGIVE_MS INT64_C(43200000)

static const struct gh_passback_policy hard = {GH_PASSBACK_HARD, FORGIVE_MS / 1000};
static const struct gh_passback_policy off = {GH_PASSBACK_OFF, FORGIVE_MS / 1000};
static struct gh_passback passback;
static struct gh_journal *journal;
static char folder[64], path[128];

static int setup(void **state)
{
    (void)state;
    snprintf(folder, sizeof(folder), "/tmp/gatehouse-test-XXXXXX");
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof(path), "%s/journal.db", folder);
    assert_int_equal(gh_journal_open(path, &journal, NULL), GH_OK);
    return gh_passback_init(&passback, IN) == GH_OK ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    static const char *const ends[] = {"", "-wal", "-shm", ".lock"};
    gh_passback_clear(&passback);
    gh_journal_close(journal);
    for (size_t i = 0; i < GH_ARRAY_SIZE(ends); i++) {
        char file[160];
        snprintf(file, sizeof(file), "%s%s", path, ends[i]);
        (void)unlink(file);
    }
    return rmdir(folder);
}

static struct gh_entry passage(gh_id subject, enum gh_direction direction, int64_t at_ms)
{
    return (struct gh_entry){.type = GH_ENTRY_PASSAGE,
                             .gate = 1,
                             .wall_ms = at_ms,
                             .clock_trusted = true,
                             .boot_id = "00000000000000000000000000000000",
                             .outcome = GH_OUTCOME_OPEN,
                             .reason = GH_REASON_OK,
                             .kind = GH_KIND_HEALTH,
                             .subject = subject,
                             .direction = direction};
}

static bool passed_at(gh_id subject, int64_t now_ms)
{
    return gh_passback_passed(&passback, &hard, subject, now_ms);
}

static bool passed(gh_id subject)
{
    return passed_at(subject, NOW_MS);
}

static void went(uint64_t sequence, gh_id subject, int64_t at_ms)
{
    struct gh_entry entry = passage(subject, passback.direction, at_ms);
    entry.sequence = sequence;
    gh_passback_went(&passback, &entry);
}

/* --- what happens --- */

static void test_remembers_for_a_time(void **state)
{
    (void)state;
    assert_false(passed(7));
    went(1, 7, NOW_MS - 1000);
    assert_true(passed(7));
    assert_false(passed(8));
    assert_false(passed(0));
    assert_false(gh_passback_passed(&passback, &off, 7, NOW_MS));
    assert_true(passed_at(7, NOW_MS - 1000 + FORGIVE_MS));
    assert_false(passed_at(7, NOW_MS - 1000 + FORGIVE_MS + 1));
    /* A clock that is set back a little does not forgive; a movement of next year says nothing. */
    assert_true(passed_at(7, NOW_MS - 1000 - FORGIVE_MS));
    assert_false(passed_at(7, NOW_MS - 1000 - FORGIVE_MS - 1));
}

static void test_unused(void **state)
{
    (void)state;
    went(1, 7, NOW_MS);
    went(2, 8, NOW_MS);
    gh_passback_unused(&passback, 1);
    gh_passback_unused(&passback, 1);
    gh_passback_unused(&passback, 99);
    gh_passback_unused(&passback, 0);
    assert_false(passed(7));
    assert_true(passed(8));
    /* The ways of very many people later it is too late to say so. */
    for (uint64_t i = 0; i < GH_PASSBACK_OPENINGS; i++)
        went(100 + i, 1000 + i, NOW_MS);
    gh_passback_unused(&passback, 2);
    assert_true(passed(8));
    gh_passback_unused(&passback, 100);
    assert_false(passed(1000));
}

static void test_the_others(void **state)
{
    (void)state;
    struct gh_presence_record records[] = {{7, OUT, NOW_MS, false}, {8, IN, NOW_MS - 5, false}};
    went(1, 7, NOW_MS - 10);
    gh_passback_heard(&passback, records, 2);
    assert_false(passed(7)); /* left elsewhere */
    assert_true(passed(8));  /* came in elsewhere */
    records[0].undone = records[1].undone = true;
    gh_passback_heard(&passback, records, 2);
    assert_true(passed(7));
    assert_false(passed(8));
}

/* A gate that leads both ways, and people without an identifier. */
static void test_nothing_to_remember(void **state)
{
    (void)state;
    struct gh_presence_record record = {7, IN, NOW_MS, false};
    went(1, 0, NOW_MS);
    gh_passback_unused(&passback, 1);
    assert_false(passed(0));
    gh_passback_clear(&passback);
    assert_int_equal(gh_passback_init(&passback, GH_DIRECTION_NONE), GH_OK);
    went(2, 7, NOW_MS);
    gh_passback_heard(&passback, &record, 1);
    gh_passback_unused(&passback, 2);
    assert_false(passed(7));
    assert_false(gh_passback_recall(&passback, &hard, journal, NOW_MS));
}

/* --- what happened before the start --- */

static uint64_t write_down(struct gh_entry entry)
{
    assert_int_equal(gh_journal_append(journal, &entry, NULL), GH_OK);
    return entry.sequence;
}

static void write_door(enum gh_door_event event, uint64_t about, int64_t at_ms)
{
    struct gh_entry entry = passage(0, GH_DIRECTION_NONE, at_ms);
    entry.type = GH_ENTRY_DOOR;
    entry.door = event;
    entry.about = about;
    (void)write_down(entry);
}

static void write_starts(unsigned count)
{
    while (count-- > 0) {
        struct gh_entry entry = passage(0, GH_DIRECTION_NONE, NOW_MS - 1000);
        entry.type = GH_ENTRY_START;
        (void)write_down(entry);
    }
}

static unsigned recall_all(void)
{
    unsigned steps = 1;
    while (gh_passback_recall(&passback, &hard, journal, NOW_MS))
        assert_true(++steps < 1000);
    return steps;
}

static void test_recalls(void **state)
{
    (void)state;
    struct gh_entry refused = passage(10, IN, NOW_MS - 500), other = passage(11, IN, NOW_MS - 500);
    refused.outcome = GH_OUTCOME_DENY;
    refused.reason = GH_REASON_PASSBACK;
    other.direction = GH_DIRECTION_NONE; /* from when the gate led both ways */
    (void)write_down(passage(6, IN, NOW_MS - FORGIVE_MS - 1));
    uint64_t used = write_down(passage(7, IN, NOW_MS - FORGIVE_MS));
    write_door(GH_DOOR_EVENT_PASSED, used, NOW_MS - 4000);
    uint64_t unused = write_down(passage(8, IN, NOW_MS - 3000));
    (void)write_down(passage(9, IN, NOW_MS - 2000));
    write_door(GH_DOOR_EVENT_UNUSED, unused, NOW_MS - 1000);
    (void)write_down(passage(9, OUT, NOW_MS - 900)); /* from when it led out */
    (void)write_down(refused);
    (void)write_down(other);
    assert_false(gh_passback_recall(&passback, &off, journal, NOW_MS)); /* nobody asks */
    assert_false(passed(7));
    assert_false(gh_passback_recall(&passback, &hard, journal, NOW_MS));
    assert_true(passed(7));
    assert_false(passed(6) || passed(8) || passed(9) || passed(10) || passed(11));
    assert_int_equal(gh_presence_count(passback.presence), 2);
    /* Once: what comes later is told by went. */
    (void)write_down(passage(12, IN, NOW_MS));
    assert_false(gh_passback_recall(&passback, &hard, journal, NOW_MS));
    assert_false(passed(12));
}

static void test_an_empty_journal(void **state)
{
    (void)state;
    assert_false(gh_passback_recall(&passback, &hard, journal, NOW_MS));
    assert_int_equal(gh_presence_count(passback.presence), 0);
}

/* In steps, the newest first; what is undone in one step may have been done in the one before. */
static void test_recalls_in_steps(void **state)
{
    (void)state;
    (void)write_down(passage(7, IN, NOW_MS - 9000));
    write_starts(GH_PASSBACK_STEP);
    uint64_t unused = write_down(passage(8, IN, NOW_MS - 8000));
    (void)write_down(passage(9, IN, NOW_MS - 7000));
    write_door(GH_DOOR_EVENT_UNUSED, unused, NOW_MS - 6000);
    write_starts(GH_PASSBACK_STEP - 2);
    (void)write_down(passage(10, IN, NOW_MS - 5000));
    /* the steps are cut between 9 and what undoes 8 */
    assert_true(gh_passback_recall(&passback, &hard, journal, NOW_MS));
    assert_true(passed(10));
    assert_false(passed(9) || passed(7));
    went(5000, 11, NOW_MS); /* meanwhile */
    assert_true(gh_passback_recall(&passback, &hard, journal, NOW_MS));
    assert_true(passed(9));
    assert_false(passed(8));
    assert_false(gh_passback_recall(&passback, &hard, journal, NOW_MS));
    assert_true(passed(7) && passed(9) && passed(10) && passed(11));
    assert_false(passed(8));
}

static void test_goes_no_further_back_than_is_remembered(void **state)
{
    (void)state;
    (void)write_down(passage(6, IN, NOW_MS - FORGIVE_MS - 2));
    write_starts(3 * GH_PASSBACK_STEP);
    (void)write_down(passage(7, IN, NOW_MS - FORGIVE_MS - 1));
    write_starts(5);
    (void)write_down(passage(8, IN, NOW_MS - 5000));
    assert_int_equal(recall_all(), 1);
    assert_true(passed(8));
}

/* An entry that a clock made which nobody believed is not the end of it. */
static void test_a_clock_that_was_wrong(void **state)
{
    (void)state;
    struct gh_entry start = passage(0, GH_DIRECTION_NONE, 5000);
    start.type = GH_ENTRY_START;
    start.clock_trusted = false;
    (void)write_down(passage(7, IN, NOW_MS - 5000));
    write_starts(GH_PASSBACK_STEP);
    (void)write_down(start);
    assert_int_equal(recall_all(), 2);
    assert_true(passed(7));
}

/* Above its limit a journal lets go of what the server has, however young: of who went then nothing
 * is known, of those who came after all is. */
static void test_a_journal_that_was_pruned(void **state)
{
    (void)state;
    struct gh_entry pruned = passage(0, GH_DIRECTION_NONE, NOW_MS - 3000);
    uint64_t removed = 0;
    bool more = false;
    pruned.type = GH_ENTRY_PRUNE;
    write_starts(1);
    (void)write_down(passage(7, IN, NOW_MS - 5000));
    uint64_t last = write_down(passage(8, IN, NOW_MS - 4000));
    struct gh_journal_cut cut = {.receipt = receipt_for(journal, last, list_key),
                                 .passages_before_ms = NOW_MS - 4500,
                                 .max_entries = 100};
    assert_int_equal(gh_journal_prune(journal, &cut, &pruned, &removed, &more, NULL), GH_OK);
    assert_int_equal(removed, 1);
    assert_int_equal(recall_all(), 1);
    assert_false(passed(7));
    assert_true(passed(8));
}

static void test_a_journal_that_cannot_be_read(void **state)
{
    (void)state;
    struct gh_journal *broken = NULL;
    (void)write_down(passage(7, IN, NOW_MS - 5000));
    /* Its file is cut short behind its back. */
    gh_journal_close(journal);
    journal = NULL;
    assert_int_equal(gh_journal_open_reader(path, &broken, NULL), GH_OK);
    assert_int_equal(truncate(path, 0), 0);
    assert_false(gh_passback_recall(&passback, &hard, broken, NOW_MS));
    gh_journal_close(broken);
    assert_false(passed(7)); /* not known */
    went(1, 7, NOW_MS);
    assert_true(passed(7));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_remembers_for_a_time, setup, teardown),
        cmocka_unit_test_setup_teardown(test_unused, setup, teardown),
        cmocka_unit_test_setup_teardown(test_the_others, setup, teardown),
        cmocka_unit_test_setup_teardown(test_nothing_to_remember, setup, teardown),
        cmocka_unit_test_setup_teardown(test_recalls, setup, teardown),
        cmocka_unit_test_setup_teardown(test_an_empty_journal, setup, teardown),
        cmocka_unit_test_setup_teardown(test_recalls_in_steps, setup, teardown),
        cmocka_unit_test_setup_teardown(test_goes_no_further_back_than_is_remembered, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_a_clock_that_was_wrong, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_journal_that_was_pruned, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_journal_that_cannot_be_read, setup, teardown),
    };
    return cmocka_run_group_tests(tests, make_key, free_key);
}
