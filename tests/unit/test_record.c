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
#include <unistd.h>

#include "fakes/gate_fixture.h"
#include "gate/record.h"
#include "gatehouse/file.h"

#define LONG_MS 60000 /* longer than any pause before it is tried again */

static struct fixture fixture;
static struct gh_record record; /* large: not on the stack */
static struct fixture_entries entries;
static char path[PATH_MAX];

static int setup(void **state)
{
    (void)state;
    fixture_init(&fixture);
    assert_int_equal(gh_courier_journal_path(fixture.dir, FIXTURE_GATE, path), GH_OK);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    fixture_free_entries(&entries);
    fixture_destroy(&fixture);
    return 0;
}

/* Told apart by their subject. */
static struct gh_entry passage(gh_id subject)
{
    return (struct gh_entry){.type = GH_ENTRY_PASSAGE,
                             .outcome = GH_OUTCOME_OPEN,
                             .reason = GH_REASON_OK,
                             .kind = GH_KIND_HEALTH,
                             .clock_trusted = true,
                             .subject = subject};
}

static enum gh_status record_now(gh_id subject)
{
    struct gh_entry entry = passage(subject);
    return gh_record_now(&record, &entry);
}

/* As the gate does it: what cannot be written now is kept. */
static void record_somehow(gh_id subject)
{
    struct gh_entry entry = passage(subject);
    if (gh_record_now(&record, &entry) != GH_OK)
        gh_record_later(&record, &entry);
}

static void read_journal(void)
{
    fixture_free_entries(&entries);
    fixture_read_journal(&fixture, &entries);
}

/* The start, then these subjects, in this order and nothing else. */
static void assert_journal(const gh_id *subjects, size_t count)
{
    read_journal();
    assert_int_equal(entries.count, count + 1);
    assert_int_equal(entries.entry[0].type, GH_ENTRY_START);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(entries.entry[i + 1].type, GH_ENTRY_PASSAGE);
        assert_true(entries.entry[i + 1].subject == subjects[i]);
    }
}

static void open_record_at(bool clock_trusted)
{
    memset(&record, 0xa5, sizeof(record));
    gh_record_open(&record, &fixture.clock.clock, path, FIXTURE_GATE);
    struct gh_entry entry = {.type = GH_ENTRY_START, .clock_trusted = clock_trusted};
    gh_record_somehow(&record, &entry);
}

static void open_record(void)
{
    open_record_at(true);
}

static void test_start(void **state)
{
    (void)state;
    char boot[GH_BOOT_ID_TEXT_BYTES];

    open_record();
    read_journal();
    assert_int_equal(entries.count, 1);
    assert_int_equal(entries.entry[0].type, GH_ENTRY_START);
    assert_true(entries.entry[0].gate == FIXTURE_GATE);
    assert_true(entries.entry[0].clock_trusted);
    assert_true(entries.entry[0].wall_ms == FIXTURE_NOW_S * 1000);
    assert_true(entries.entry[0].monotonic_ms == GH_FAKE_CLOCK_START_NS / GH_NS_PER_MS);
    gh_boot_id(boot);
    assert_string_equal(entries.entry[0].boot_id, boot);
    assert_true(record.retry_ns == INT64_MAX);
    assert_false(gh_record_tick(&record));
    gh_record_close(&record);

    open_record_at(false); /* the chain goes on */
    read_journal();
    assert_int_equal(entries.count, 2);
    assert_int_equal(entries.entry[1].type, GH_ENTRY_START);
    assert_false(entries.entry[1].clock_trusted);
    gh_record_close(&record);
}

static void test_now(void **state)
{
    (void)state;
    struct gh_entry entry = passage(1);

    open_record();
    gh_fake_clock_advance_ms(&fixture.clock, 1234);
    entry.gate = 5; /* whatever stood there */
    entry.wall_ms = 6;
    assert_int_equal(gh_record_now(&record, &entry), GH_OK);
    assert_true(entry.sequence == 2); /* for the log */
    read_journal();                   /* durable now, not when closed */
    assert_int_equal(entries.count, 2);
    assert_true(entries.entry[1].gate == FIXTURE_GATE);
    assert_true(entries.entry[1].wall_ms == FIXTURE_NOW_S * 1000 + 1234);
    assert_true(entries.entry[1].monotonic_ms == GH_FAKE_CLOCK_START_NS / GH_NS_PER_MS + 1234);
    assert_true(entries.entry[1].subject == 1);
    assert_int_equal(entries.entry[1].reason, GH_REASON_OK);
    gh_record_close(&record);
}

/* --- a full disk --- */

static void test_full_disk(void **state)
{
    (void)state;
    static const gh_id all[] = {1, 2, 3, 4};

    open_record();
    record_somehow(1);
    fixture_fill_disk(&fixture);
    int64_t failed_ns = gh_clock_monotonic_ns(&fixture.clock.clock);
    assert_int_not_equal(record_now(77), GH_OK); /* not kept: nobody asked for it */
    record_somehow(2);
    gh_fake_clock_advance_ms(&fixture.clock, 100);
    record_somehow(3);
    assert_journal(all, 1);
    assert_true(record.retry_ns > failed_ns && record.retry_ns < INT64_MAX);
    assert_false(gh_record_tick(&record));
    gh_fake_clock_advance_ms(&fixture.clock, LONG_MS); /* still full */
    assert_false(gh_record_tick(&record));
    assert_true(record.retry_ns > gh_clock_monotonic_ns(&fixture.clock.clock));
    assert_journal(all, 1);

    fixture_empty_disk();
    assert_false(gh_record_tick(&record)); /* not before its time */
    gh_fake_clock_advance_ms(&fixture.clock, LONG_MS);
    assert_true(gh_record_tick(&record));
    assert_true(record.retry_ns == INT64_MAX);
    assert_journal(all, 3);
    /* With the time at which it happened, not that at which it could be written. */
    assert_true(entries.entry[2].wall_ms == FIXTURE_NOW_S * 1000);
    assert_true(entries.entry[3].wall_ms == FIXTURE_NOW_S * 1000 + 100);
    record_somehow(4);
    assert_journal(all, 4);
    assert_int_equal(record.lost, 0);
    gh_record_close(&record);
}

/* Something new happens before it is time to try again: the order is kept. */
static void test_order(void **state)
{
    (void)state;
    static const gh_id all[] = {1, 2, 3};

    open_record();
    fixture_fill_disk(&fixture);
    record_somehow(1);
    record_somehow(2);
    fixture_empty_disk();
    assert_int_equal(record_now(3), GH_OK);
    assert_journal(all, 3);
    assert_true(record.retry_ns == INT64_MAX);
    assert_false(gh_record_tick(&record));
    gh_record_close(&record);
    assert_journal(all, 3);
}

static void test_close_writes_what_waits(void **state)
{
    (void)state;
    static const gh_id all[] = {1, 2};

    open_record();
    fixture_fill_disk(&fixture);
    record_somehow(1);
    record_somehow(2);
    fixture_empty_disk();
    gh_record_close(&record);
    assert_journal(all, 2);
}

/* More than there is room for: the oldest are kept, in order, and the rest is counted. */
static void test_too_many(void **state)
{
    (void)state;
    static gh_id all[GH_RECORD_WAITING_MAX + 3];

    open_record();
    record_somehow(1); /* the ring does not begin at its beginning */
    fixture_fill_disk(&fixture);
    record_somehow(2);
    fixture_empty_disk();
    gh_fake_clock_advance_ms(&fixture.clock, LONG_MS);
    assert_true(gh_record_tick(&record));

    fixture_fill_disk(&fixture);
    for (gh_id i = 0; i < GH_RECORD_WAITING_MAX + 10; i++)
        record_somehow(3 + i);
    assert_int_equal(record.lost, 10);
    fixture_empty_disk();
    gh_fake_clock_advance_ms(&fixture.clock, LONG_MS);
    assert_true(gh_record_tick(&record));
    record_somehow(1000);
    for (gh_id i = 0; i < GH_RECORD_WAITING_MAX + 2; i++)
        all[i] = 1 + i;
    all[GH_RECORD_WAITING_MAX + 2] = 1000;
    assert_journal(all, GH_RECORD_WAITING_MAX + 3);
    gh_record_close(&record);
}

/* --- no journal at all --- */

static void test_cannot_be_opened(void **state)
{
    (void)state;
    static const gh_id all[] = {1, 2};
    char folder[PATH_MAX];

    fixture_path(&fixture, "later", folder);
    assert_int_equal(gh_courier_journal_path(folder, FIXTURE_GATE, path), GH_OK);
    open_record();
    assert_int_not_equal(record_now(55), GH_OK);
    record_somehow(1);
    gh_fake_clock_advance_ms(&fixture.clock, LONG_MS);
    assert_false(gh_record_tick(&record));
    assert_int_equal(gh_dir_make(folder, 0700, NULL), GH_OK);
    gh_fake_clock_advance_ms(&fixture.clock, LONG_MS);
    assert_true(gh_record_tick(&record));
    record_somehow(2);
    snprintf(fixture.dir, sizeof(fixture.dir), "%.60s", folder);
    assert_journal(all, 2);
    gh_record_close(&record);
    fixture.dir[strlen(fixture.dir) - strlen("/later")] = '\0';
}

static void test_damaged(void **state)
{
    (void)state;
    static const gh_id all[] = {1};
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    for (int i = 0; i < 4096; i++)
        fputc('x', file);
    assert_int_equal(fclose(file), 0);
    open_record();
    record_somehow(1);
    gh_fake_clock_advance_ms(&fixture.clock, LONG_MS);
    assert_false(gh_record_tick(&record));
    assert_int_equal(unlink(path), 0); /* somebody looked at it, and put it away */
    gh_fake_clock_advance_ms(&fixture.clock, LONG_MS);
    assert_true(gh_record_tick(&record));
    assert_journal(all, 1);
    gh_record_close(&record);
}

/* The one before has not quite ended yet. */
static void test_busy(void **state)
{
    (void)state;
    struct gh_journal *other = NULL;
    static const gh_id all[] = {1};

    assert_int_equal(gh_journal_open(path, &other, NULL), GH_OK);
    open_record();
    assert_int_not_equal(record_now(66), GH_OK);
    record_somehow(1);
    gh_journal_close(other);
    gh_fake_clock_advance_ms(&fixture.clock, LONG_MS);
    assert_true(gh_record_tick(&record));
    assert_journal(all, 1);
    gh_record_close(&record);
}

/* --- what the journal held --- */

static void test_found(void **state)
{
    (void)state;
    struct gh_record_found found;

    open_record(); /* empty before */
    assert_true(gh_record_take_found(&record, &found));
    assert_false(found.has_last);
    assert_true(found.trusted_ms == INT64_MIN);
    assert_false(gh_record_take_found(&record, &found)); /* once */
    gh_fake_clock_advance_ms(&fixture.clock, 5000);
    struct gh_entry entry = passage(7);
    entry.clock_trusted = false;
    assert_int_equal(gh_record_now(&record, &entry), GH_OK);
    gh_record_close(&record);

    open_record();
    assert_true(gh_record_take_found(&record, &found));
    assert_true(found.has_last);
    assert_true(found.last.subject == 7 && !found.last.clock_trusted); /* not the new start */
    assert_true(found.last.wall_ms == FIXTURE_NOW_S * 1000 + 5000);
    assert_true(found.trusted_ms == FIXTURE_NOW_S * 1000);
    gh_record_close(&record);
}

/* It can be opened later only: then it is told then. */
static void test_found_later(void **state)
{
    (void)state;
    struct gh_record_found found;
    struct gh_journal *other = NULL;

    open_record();
    gh_record_close(&record);
    assert_int_equal(gh_journal_open(path, &other, NULL), GH_OK);
    open_record();
    assert_false(gh_record_take_found(&record, &found));
    gh_journal_close(other);
    gh_fake_clock_advance_ms(&fixture.clock, LONG_MS);
    assert_true(gh_record_tick(&record));
    assert_true(gh_record_take_found(&record, &found));
    assert_true(found.has_last && found.last.sequence == 1);
    gh_record_close(&record);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_start, setup, teardown),
        cmocka_unit_test_setup_teardown(test_now, setup, teardown),
        cmocka_unit_test_setup_teardown(test_full_disk, setup, teardown),
        cmocka_unit_test_setup_teardown(test_order, setup, teardown),
        cmocka_unit_test_setup_teardown(test_close_writes_what_waits, setup, teardown),
        cmocka_unit_test_setup_teardown(test_too_many, setup, teardown),
        cmocka_unit_test_setup_teardown(test_cannot_be_opened, setup, teardown),
        cmocka_unit_test_setup_teardown(test_damaged, setup, teardown),
        cmocka_unit_test_setup_teardown(test_busy, setup, teardown),
        cmocka_unit_test_setup_teardown(test_found, setup, teardown),
        cmocka_unit_test_setup_teardown(test_found_later, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
