/* SPDX-License-Identifier: Apache-2.0 */
/* gate.c: the entry comes before the door, and what if it cannot be written. That an opening finds
 * its entry in the journal already is checked by the rig on every set (fakes/gate_rig.c). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fakes/gate_rig.h"

#define LONG_MS 60000

static struct rig rig;
static char rita[FIXTURE_CODE_BYTES];

static int setup(void **state)
{
    (void)state;
    rig_init(&rig);
    fixture_health(&rig.fixture, RITA, rita);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    rig_destroy(&rig);
    return 0;
}

static void let_in(const char *person, const char *home)
{
    rig_show(&rig, person);
    rig_show(&rig, home);
}

/* The order is the thing: at the moment at which the relay is told to move, another reader of the
 * journal sees the entry, whole and chained. */
static void see_entry_first(void *context, unsigned active)
{
    unsigned *seen = context;

    if (!(active & GH_LINE_BIT(GH_LINE_RELAY)) || rig_is_open(&rig))
        return;
    rig_assert_last(&rig, 2, GH_REASON_OK); /* reads and verifies the chain */
    assert_true(rig_last_entry(&rig)->subject == ANNA);
    ++*seen;
}

static void test_entry_before_relay(void **state)
{
    (void)state;
    unsigned seen = 0;

    rig_start_with_list(&rig);
    rig.door.before = see_entry_first;
    rig.door.before_context = &seen;
    let_in(rig.anna, rig.home1);
    assert_int_equal(seen, 1);
    assert_true(rig_is_open(&rig));
}

static void test_full_disk(void **state)
{
    (void)state;

    rig_start_with_list(&rig);
    let_in(rig.anna, rig.home1);
    rig_pass_ms(&rig, 10000);
    fixture_fill_disk(&rig.fixture);
    let_in(rig.dora, rig.home2);
    assert_false(rig_is_open(&rig));
    assert_true(gh_fake_door_is_active(&rig.door, GH_LINE_YELLOW)); /* the guard is called */
    rig_pass_ms(&rig, 1000);
    rig_show(&rig, rita);
    rig_pass_ms(&rig, LONG_MS);
    let_in(rig.anna, rig.home1);
    rig_pass_ms(&rig, LONG_MS);
    assert_int_equal(rig_count_entries(&rig), 2);
    assert_int_equal(rig_count_openings(&rig), 1);
    unsigned kicks = rig.kicks;
    fixture_empty_disk();
    int64_t wait_ns = gh_gate_tick(rig.gate) - gh_clock_monotonic_ns(rig.options.clock);
    assert_in_range(wait_ns, 1, 10 * GH_NS_PER_S);
    rig_pass_ms(&rig, LONG_MS);     /* by itself */
    assert_true(rig.kicks > kicks); /* and the courier hears of it */
    assert_int_equal(rig_count_entries(&rig), 5);
    static const enum gh_reason reasons[] = {GH_REASON_JOURNAL_UNAVAILABLE, GH_REASON_RED,
                                             GH_REASON_JOURNAL_UNAVAILABLE};
    static const gh_id subjects[] = {DORA, RITA, ANNA};
    for (size_t i = 0; i < 3; i++) {
        const struct gh_entry *entry = &rig.entries.entry[2 + i];
        assert_string_equal(gh_reason_info(entry->reason)->token,
                            gh_reason_info(reasons[i])->token);
        assert_int_equal(entry->outcome, gh_reason_info(reasons[i])->outcome);
        assert_true(entry->subject == subjects[i]);
    }
    assert_true(rig.entries.entry[2].wall_ms == FIXTURE_NOW_S * 1000 + 10000);
    assert_true(rig.entries.entry[3].wall_ms == FIXTURE_NOW_S * 1000 + 11000);
    let_in(rig.dora, rig.home2);
    rig_assert_last(&rig, 6, GH_REASON_OK);
    assert_int_equal(rig_count_openings(&rig), 2);
}

/* Room again, but not yet tried: the next passage finds out, and writes what waits first. */
static void test_room_again_at_once(void **state)
{
    (void)state;

    rig_start_with_list(&rig);
    fixture_fill_disk(&rig.fixture);
    let_in(rig.anna, rig.home1);
    fixture_empty_disk();
    let_in(rig.dora, rig.home2);
    rig_assert_last(&rig, 3, GH_REASON_OK);
    assert_true(rig.entries.entry[1].subject == ANNA);
    assert_true(rig.entries.entry[2].subject == DORA);
    assert_int_equal(rig_count_openings(&rig), 1);
}

/* The one before has not ended, or a folder lies where the journal should. */
static void test_cannot_be_opened(void **state)
{
    (void)state;
    char path[PATH_MAX];

    fixture_install_list(&rig.fixture);
    assert_int_equal(gh_courier_journal_path(rig.fixture.dir, FIXTURE_GATE, path), GH_OK);
    assert_int_equal(mkdir(path, 0700), 0);
    rig_start(&rig); /* starts all the same */
    let_in(rig.anna, rig.home1);
    assert_true(gh_fake_door_is_active(&rig.door, GH_LINE_YELLOW));
    rig_show(&rig, rita);
    assert_true(gh_fake_door_is_active(&rig.door, GH_LINE_RED)); /* red is red */
    rig_pass_ms(&rig, LONG_MS);
    assert_int_equal(rig_count_openings(&rig), 0);
    assert_int_equal(rmdir(path), 0);
    rig_pass_ms(&rig, LONG_MS);
    assert_int_equal(rig_count_entries(&rig), 3);
    assert_int_equal(rig.entries.entry[0].type, GH_ENTRY_START);
    assert_int_equal(rig.entries.entry[1].reason, GH_REASON_JOURNAL_UNAVAILABLE);
    assert_int_equal(rig.entries.entry[2].reason, GH_REASON_RED);
    let_in(rig.anna, rig.home1);
    rig_assert_last(&rig, 4, GH_REASON_OK);
}

static void test_two_gates_on_one_journal(void **state)
{
    (void)state;
    struct gh_gate *other = NULL;
    char path[PATH_MAX];
    struct gh_journal *journal = NULL;

    rig_start_with_list(&rig);
    assert_int_equal(gh_courier_journal_path(rig.fixture.dir, FIXTURE_GATE, path), GH_OK);
    assert_int_equal(gh_journal_open(path, &journal, NULL), GH_ERR_BUSY);
    assert_int_equal(gh_gate_new(&rig.options, &rig.fixture.identity, &other, NULL), GH_OK);
    struct gh_gate *first = rig.gate;
    rig.gate = other; /* the second lets nobody in */
    let_in(rig.anna, rig.home1);
    assert_false(rig_is_open(&rig));
    rig.gate = first;
    gh_gate_free(other);
    let_in(rig.dora, rig.home2);
    rig_assert_last(&rig, 2, GH_REASON_OK);
}

/* The fault cannot be written either: it waits, behind nothing and before nothing. */
static bool spoil_disk;

static void spoil_before_set(void *context, unsigned active)
{
    (void)context;
    if (spoil_disk && (active & GH_LINE_BIT(GH_LINE_RELAY))) {
        fixture_fill_disk(&rig.fixture);
        spoil_disk = false;
    }
}

static void test_fault_waits_too(void **state)
{
    (void)state;

    rig_start_with_list(&rig);
    spoil_disk = true;
    rig.door.before = spoil_before_set;
    gh_fake_door_fail(&rig.door, UINT_MAX, GH_ERR_IO);
    let_in(rig.anna, rig.home1);
    assert_false(spoil_disk);
    rig_assert_last(&rig, 2, GH_REASON_OK);
    gh_fake_door_fail(&rig.door, 0, GH_OK);
    fixture_empty_disk();
    rig_pass_ms(&rig, LONG_MS);
    assert_int_equal(rig_last_entry(&rig)->type, GH_ENTRY_FAULT);
    assert_int_equal(rig_last_entry(&rig)->reason, GH_REASON_DOOR_FAILED);
    assert_int_equal(rig.entries.count, 3);
}

static void test_restart_goes_on(void **state)
{
    (void)state;

    rig_start_with_list(&rig);
    let_in(rig.anna, rig.home1);
    rig_stop(&rig);
    rig_start(&rig);
    let_in(rig.dora, rig.home2);
    rig_assert_last(&rig, 4, GH_REASON_OK);
    assert_int_equal(rig.entries.entry[2].type, GH_ENTRY_START);
}

/* What waits when the gate ends is written then, if it can be. */
static void test_end_writes_what_waits(void **state)
{
    (void)state;

    rig_start_with_list(&rig);
    fixture_fill_disk(&rig.fixture);
    let_in(rig.anna, rig.home1);
    fixture_empty_disk();
    rig_stop(&rig);
    rig_assert_last(&rig, 2, GH_REASON_JOURNAL_UNAVAILABLE);
}

/* --- how long it is kept --- */

static void acknowledge_all(void)
{
    struct gh_courier_event event = {.type = GH_COURIER_RECEIPT};
    const struct gh_entry *last = rig_last_entry(&rig);
    const char *text = rig.entries.text[rig.entries.count - 1];

    event.receipt.through = last->sequence;
    gh_entry_hash((struct gh_bytes){(const uint8_t *)text, strlen(text)}, event.receipt.hash);
    assert_int_equal(gh_receipt_sign(rig.fixture.list_key, FIXTURE_GATE, &event.receipt), GH_OK);
    gh_gate_news(rig.gate, &event);
}

/* By the list's policy, not by what a gate without one would do; others than passages stay. */
static void test_acknowledged_grows_old(void **state)
{
    (void)state;

    rig.fixture.manifest.policy.retention.passages_days = 2;
    rig_start_with_list(&rig);
    let_in(rig.anna, rig.home1);
    rig_pass_ms(&rig, 1000);
    acknowledge_all();
    rig_pass_ms(&rig, LONG_MS);
    assert_int_equal(rig_count_entries(&rig), 2); /* it is of today */
    unsigned kicks = rig.kicks;
    gh_fake_clock_advance_ms(&rig.fixture.clock, INT64_C(3) * 24 * 3600 * 1000);
    rig_pass_ms(&rig, LONG_MS);
    assert_int_equal(rig_last_entry(&rig)->type, GH_ENTRY_PRUNE);
    assert_int_equal(rig.entries.count, 3);
    assert_true(rig_last_entry(&rig)->clock_trusted);
    assert_int_equal(rig.kicks, kicks + 1);
    assert_non_null(rig.entries.text[0]);
    assert_null(rig.entries.text[1]); /* Anna's */
}

static void test_too_large(void **state)
{
    (void)state;

    rig.options.journal_limit_bytes = 1;
    rig_start_with_list(&rig);
    rig_pass_ms(&rig, LONG_MS);
    assert_int_equal(rig_last_entry(&rig)->type, GH_ENTRY_FAULT);
    assert_int_equal(rig_last_entry(&rig)->reason, GH_REASON_JOURNAL_LARGE);
    assert_int_equal(rig.entries.count, 2);
    let_in(rig.anna, rig.home1); /* it goes on */
    rig_assert_last(&rig, 3, GH_REASON_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_entry_before_relay, setup, teardown),
        cmocka_unit_test_setup_teardown(test_full_disk, setup, teardown),
        cmocka_unit_test_setup_teardown(test_room_again_at_once, setup, teardown),
        cmocka_unit_test_setup_teardown(test_cannot_be_opened, setup, teardown),
        cmocka_unit_test_setup_teardown(test_two_gates_on_one_journal, setup, teardown),
        cmocka_unit_test_setup_teardown(test_fault_waits_too, setup, teardown),
        cmocka_unit_test_setup_teardown(test_restart_goes_on, setup, teardown),
        cmocka_unit_test_setup_teardown(test_end_writes_what_waits, setup, teardown),
        cmocka_unit_test_setup_teardown(test_acknowledged_grows_old, setup, teardown),
        cmocka_unit_test_setup_teardown(test_too_large, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
