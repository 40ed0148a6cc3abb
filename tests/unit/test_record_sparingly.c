/* SPDX-License-Identifier: Apache-2.0 */
/* record.c: entries that let nobody in and name nobody, when they come without end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "fakes/gate_fixture.h"
#include "gate/record.h"

#define EVERY_MS (GH_RECORD_SPARING_EVERY_NS / GH_NS_PER_MS)
#define BURST GH_RECORD_SPARING_BURST

static struct fixture fixture;
static struct gh_record record; /* large: not on the stack */
static struct fixture_entries entries;
static char path[PATH_MAX], said[65536];

static int setup(void **state)
{
    (void)state;
    fixture_init(&fixture);
    assert_int_equal(gh_courier_journal_path(fixture.dir, FIXTURE_GATE, path), GH_OK);
    memset(&record, 0xa5, sizeof(record));
    gh_record_open(&record, &fixture.clock.clock, path, FIXTURE_GATE);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    gh_record_close(&record);
    fixture_free_entries(&entries);
    fixture_destroy(&fixture);
    return 0;
}

static bool nonsense(void)
{
    struct gh_entry entry = {.type = GH_ENTRY_PASSAGE,
                             .outcome = GH_OUTCOME_DENY,
                             .reason = GH_REASON_NOT_A_CODE,
                             .sequence = 99,
                             .clock_trusted = true};
    bool written = gh_record_sparingly(&record, &entry);

    assert_true(entry.wall_ms == gh_clock_wall_ns(&fixture.clock.clock) / GH_NS_PER_MS);
    assert_true(written || entry.sequence == 0);
    return written;
}

static void somebody(gh_id subject)
{
    struct gh_entry entry = {.type = GH_ENTRY_PASSAGE,
                             .outcome = GH_OUTCOME_DENY,
                             .reason = GH_REASON_RED,
                             .subject = subject,
                             .clock_trusted = true};
    gh_record_somehow(&record, &entry);
}

static void pass_ms(int64_t ms)
{
    gh_fake_clock_advance_ms(&fixture.clock, ms);
}

static const struct gh_entry *last_of(size_t count)
{
    fixture_free_entries(&entries);
    fixture_read_journal(&fixture, &entries); /* and verifies the chain */
    assert_int_equal(entries.count, count);
    return count > 0 ? &entries.entry[count - 1] : NULL;
}

/* How many decisions the journal tells of; sum of nameless ones, and how many entries these are. */
static uint64_t told(size_t *nameless)
{
    uint64_t sum = 0;

    fixture_free_entries(&entries);
    fixture_read_journal(&fixture, &entries);
    *nameless = 0;
    for (size_t i = 0; i < entries.count; i++) {
        if (entries.entry[i].subject == 0) {
            sum += 1 + entries.entry[i].omitted;
            ++*nameless;
        }
    }
    return sum;
}

static void spend_burst(void)
{
    for (int i = 0; i < BURST; i++)
        assert_true(nonsense());
}

/* --- */

static void test_a_few_are_written_at_once(void **state)
{
    (void)state;

    for (size_t i = 0; i < BURST; i++) {
        struct gh_entry entry = {.type = GH_ENTRY_PASSAGE, .outcome = GH_OUTCOME_DENY};
        assert_true(gh_record_sparingly(&record, &entry));
        assert_true(entry.sequence == i + 1);
        assert_int_equal(last_of(i + 1)->omitted, 0);
        assert_true(gh_record_next_ns(&record) == INT64_MAX);
        assert_int_equal(gh_record_unwritten(&record), 0);
    }
    assert_false(nonsense());
    last_of(BURST);
    assert_int_equal(gh_record_unwritten(&record), 1);
}

static void test_the_rest_is_one_entry(void **state)
{
    (void)state;

    spend_burst();
    int64_t began_ns = gh_clock_monotonic_ns(&fixture.clock.clock);
    pass_ms(100);
    for (int i = 0; i < 50; i++) {
        assert_false(nonsense());
        pass_ms(200);
    }
    assert_true(gh_record_next_ns(&record) == began_ns + GH_RECORD_SPARING_EVERY_NS);
    pass_ms(EVERY_MS - 100 - 50 * 200 - 1);
    assert_false(gh_record_tick(&record));
    last_of(BURST);
    pass_ms(1);
    assert_true(gh_record_tick(&record)); /* nobody has to come for it */
    const struct gh_entry *entry = last_of(BURST + 1);
    assert_true(entry->omitted == 49);
    assert_true(entry->wall_ms == FIXTURE_NOW_S * 1000 + 100); /* of the first of them */
    assert_int_equal(entry->reason, GH_REASON_NOT_A_CODE);
    assert_true(gh_record_next_ns(&record) == INT64_MAX);
    assert_false(gh_record_tick(&record));
    /* That was the token: what comes now is counted again. */
    assert_false(nonsense());
    pass_ms(EVERY_MS);
    assert_true(gh_record_tick(&record));
    assert_int_equal(last_of(BURST + 2)->omitted, 0);
}

/* The loop was busy elsewhere: the next one finds the token, and is told with those before it. */
static void test_next_one_finds_the_token(void **state)
{
    (void)state;
    struct gh_entry entry = {.type = GH_ENTRY_PASSAGE, .outcome = GH_OUTCOME_GUARD};

    spend_burst();
    assert_false(nonsense());
    assert_false(nonsense());
    pass_ms(EVERY_MS + 5);
    assert_true(gh_record_sparingly(&record, &entry));
    assert_true(entry.sequence == BURST + 1);
    assert_true(last_of(BURST + 1)->omitted == 2);
    assert_int_equal(last_of(BURST + 1)->outcome, GH_OUTCOME_DENY);
    assert_int_equal(gh_record_unwritten(&record), 0);
}

static void test_others_come_behind(void **state)
{
    (void)state;

    spend_burst();
    assert_false(nonsense());
    pass_ms(10);
    assert_false(nonsense());
    assert_false(nonsense());
    pass_ms(10);
    somebody(7);
    assert_false(nonsense());
    assert_true(last_of(BURST + 2)->subject == 7);
    assert_true(entries.entry[BURST].omitted == 2);
    assert_true(entries.entry[BURST].wall_ms == FIXTURE_NOW_S * 1000);
    assert_true(entries.entry[BURST + 1].wall_ms == FIXTURE_NOW_S * 1000 + 20);
    assert_int_equal(gh_record_unwritten(&record), 1); /* what came behind */
}

static void test_end_writes_what_was_counted(void **state)
{
    (void)state;

    spend_burst();
    for (int i = 0; i < 5; i++)
        assert_false(nonsense());
    gh_record_close(&record);
    assert_true(last_of(BURST + 1)->omitted == 4);
    gh_record_open(&record, &fixture.clock.clock, path, FIXTURE_GATE);
    assert_true(nonsense()); /* and anew */
    assert_int_equal(last_of(BURST + 2)->omitted, 0);
}

static void test_pruning_comes_behind(void **state)
{
    (void)state;
    struct gh_journal_cut cut = {.receipt = {.through = 0}};
    struct gh_entry prune = {.type = GH_ENTRY_PRUNE};
    uint64_t removed;
    bool more;

    spend_burst();
    assert_false(nonsense());
    assert_int_equal(gh_record_prune(&record, &cut, &prune, &removed, &more),
                     GH_ERR_INVALID); /* by no receipt */
    assert_int_equal(last_of(BURST + 1)->type, GH_ENTRY_PASSAGE);
    assert_int_equal(gh_record_unwritten(&record), 0);
}

/* --- the disk is full --- */

/* However many there are, they take one place in memory, and those who have a name the others. */
static void test_full_disk(void **state)
{
    (void)state;
    size_t nameless;

    spend_burst();
    pass_ms(BURST * EVERY_MS);
    fixture_fill_disk(&fixture);
    assert_true(nonsense()); /* waits */
    assert_int_equal(record.count, 1);
    for (int i = 0; i < 1000; i++)
        assert_false(nonsense());
    pass_ms(EVERY_MS);
    assert_false(gh_record_tick(&record));
    assert_false(nonsense());
    assert_int_equal(record.count, 1);
    somebody(1);
    assert_int_equal(record.count, 3);
    assert_false(nonsense());
    assert_int_equal(gh_record_unwritten(&record), 4);
    last_of(BURST);

    fixture_empty_disk();
    pass_ms(EVERY_MS);
    assert_true(gh_record_tick(&record)); /* what waits, */
    assert_true(last_of(BURST + 3)->subject == 1);
    assert_true(entries.entry[BURST + 1].omitted == 1000);
    assert_true(gh_record_tick(&record)); /* and then what was counted */
    assert_int_equal(last_of(BURST + 4)->omitted, 0);
    assert_true(told(&nameless) == BURST + 1003);
    assert_int_equal(nameless, BURST + 3);
    assert_int_equal(record.lost, 0);
}

/* No place is left for what was counted: all of it is said to be lost. */
static void test_no_room_in_memory(void **state)
{
    (void)state;

    spend_burst();
    for (int i = 0; i < 10; i++)
        assert_false(nonsense());
    fixture_fill_disk(&fixture);
    somebody(1);
    for (int i = 0; i < 10; i++)
        assert_false(nonsense());
    for (gh_id i = 2; record.count < GH_RECORD_WAITING_MAX; i++)
        somebody(i);
    assert_int_equal(record.lost, 0);
    for (int i = 0; i < 7; i++)
        assert_false(nonsense());
    somebody(1000);
    assert_int_equal(record.lost, 7 + 1);
    fixture_empty_disk();
}

/* --- the clock --- */

static void test_clock_goes_back(void **state)
{
    (void)state;

    spend_burst();
    assert_false(nonsense());
    assert_false(nonsense());
    fixture.clock.monotonic_ns -= 500 * GH_NS_PER_S;
    assert_false(gh_record_tick(&record));
    pass_ms(EVERY_MS);
    assert_true(gh_record_tick(&record)); /* not 500 s later */
    assert_true(last_of(BURST + 1)->omitted == 1);
}

static void test_wall_clock_does_not_matter(void **state)
{
    (void)state;

    spend_burst();
    assert_false(nonsense());
    gh_fake_clock_set_wall_s(&fixture.clock, FIXTURE_NOW_S + 86400);
    assert_false(gh_record_tick(&record));
    assert_false(nonsense());
    gh_fake_clock_set_wall_s(&fixture.clock, 0);
    pass_ms(EVERY_MS);
    assert_true(gh_record_tick(&record));
    assert_true(last_of(BURST + 1)->omitted == 1);
}

/* --- what is said --- */

static size_t times_said(const char *text)
{
    size_t times = 0;

    for (const char *at = said; (at = strstr(at, text)); at++)
        times++;
    return times;
}

static void test_is_said_once(void **state)
{
    (void)state;

    fixture_capture_log(&fixture);
    spend_burst();
    for (int i = 0; i < 1000; i++) {
        (void)nonsense();
        pass_ms(200);
        (void)gh_record_tick(&record);
    }
    fixture_take_log(&fixture, said, sizeof(said));
    assert_int_equal(times_said("come one after the other"), 1);
    assert_int_equal(times_said("stands for"), 10); /* once in 20 s, of 200 */

    pass_ms((BURST + 1) * EVERY_MS); /* calm, */
    (void)gh_record_tick(&record);
    pass_ms((BURST + 1) * EVERY_MS);
    fixture_capture_log(&fixture);
    for (int i = 0; i < BURST + 5; i++) /* and again */
        (void)nonsense();
    fixture_take_log(&fixture, said, sizeof(said));
    assert_int_equal(times_said("come one after the other"), 1);
}

/* --- all at once --- */

struct story {
    unsigned seed, restarts;
    uint64_t came;
    size_t named;
    bool full;
};

static void empty_disk(struct story *story)
{
    if (story->full)
        fixture_empty_disk();
    story->full = false;
}

static void something_happens(struct story *story)
{
    int dice = rand_r(&story->seed) % 1000;

    if (dice < 4) {
        somebody(++story->named);
    } else if (dice < 6) {
        empty_disk(story);
        gh_record_close(&record);
        gh_record_open(&record, &fixture.clock.clock, path, FIXTURE_GATE);
        somebody(++story->named); /* the start */
        story->restarts++;
    } else if (dice < 10 && !story->full) {
        fixture_fill_disk(&fixture);
        story->full = true;
    } else if (dice < 30) {
        empty_disk(story);
    } else {
        (void)nonsense();
        story->came++;
    }
}

/* Whatever comes in whatever order: every decision is told, in the order of what happened; and
 * there are few entries. */
static void test_nothing_is_lost(void **state)
{
    (void)state;
    struct story story = {.seed = 7};
    size_t nameless;
    int64_t began_ns = gh_clock_monotonic_ns(&fixture.clock.clock);

    somebody(++story.named);
    for (int i = 0; i < 3000; i++) {
        something_happens(&story);
        pass_ms(rand_r(&story.seed) % 400);
        (void)gh_record_tick(&record);
    }
    empty_disk(&story);
    int64_t most =
        (gh_clock_monotonic_ns(&fixture.clock.clock) - began_ns) / GH_RECORD_SPARING_EVERY_NS +
        BURST * (1 + (int64_t)story.restarts) + (int64_t)story.named;
    for (int i = 0; i < 3 && gh_record_unwritten(&record) > 0; i++) {
        pass_ms(EVERY_MS);
        (void)gh_record_tick(&record);
    }
    assert_int_equal(gh_record_unwritten(&record), 0);
    assert_int_equal(record.lost, 0);
    assert_true(told(&nameless) == story.came);
    assert_int_equal(entries.count, story.named + nameless);
    assert_in_range(nameless, 1, most + 1);
    assert_true(story.restarts > 0 && story.came > 2000);
    for (size_t i = 1; i < entries.count; i++)
        assert_true(entries.entry[i].monotonic_ms >= entries.entry[i - 1].monotonic_ms);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_few_are_written_at_once, setup, teardown),
        cmocka_unit_test_setup_teardown(test_the_rest_is_one_entry, setup, teardown),
        cmocka_unit_test_setup_teardown(test_next_one_finds_the_token, setup, teardown),
        cmocka_unit_test_setup_teardown(test_others_come_behind, setup, teardown),
        cmocka_unit_test_setup_teardown(test_end_writes_what_was_counted, setup, teardown),
        cmocka_unit_test_setup_teardown(test_pruning_comes_behind, setup, teardown),
        cmocka_unit_test_setup_teardown(test_full_disk, setup, teardown),
        cmocka_unit_test_setup_teardown(test_no_room_in_memory, setup, teardown),
        cmocka_unit_test_setup_teardown(test_clock_goes_back, setup, teardown),
        cmocka_unit_test_setup_teardown(test_wall_clock_does_not_matter, setup, teardown),
        cmocka_unit_test_setup_teardown(test_is_said_once, setup, teardown),
        cmocka_unit_test_setup_teardown(test_nothing_is_lost, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
