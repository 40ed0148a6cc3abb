/* SPDX-License-Identifier: Apache-2.0 */
/* What is old goes, bit by bit, and the chain stays checkable all the way. */
#include "test_server_chain.h"

#include <sqlite3.h>

#include "server/chain.h"
#include "server/retention.h"

#define DAY INT64_C(86400)
#define T0 (1000 * DAY)

static const struct gh_retention_days days = {
    .entries = {[GH_ENTRY_PASSAGE] = 90,
                [GH_ENTRY_START] = 365,
                [GH_ENTRY_FAULT] = 365,
                [GH_ENTRY_CLOCK] = 365,
                [GH_ENTRY_DOOR] = 90,
                [GH_ENTRY_LIST] = 365,
                [GH_ENTRY_PRUNE] = 365},
    .refused = 90,
    .alarms = 365,
};

/* Steps, each followed by what the server's thread does, until nothing more happens. */
static void keep_to(struct fixture *fixture, int64_t now)
{
    static struct gh_retention_run run;
    memset(&run, 0, sizeof(run));
    for (int i = 0; i < 6; i++) {
        assert_int_equal(gh_retention_step(fixture->db, &days, now, &run), GH_OK);
        for (size_t k = 0; k < run.wanted_count; k++)
            assert_int_equal(
                gh_receipt_sign(fixture->list_key, run.wanted[k].gate, &run.wanted[k].receipt),
                GH_OK);
    }
}

static struct gh_chain_report check(struct fixture *fixture)
{
    struct gh_chain_report report;
    const struct gh_public_key *const list[] = {fixture->list_public};
    const struct gh_receipt_keys keys = {list, 1};
    static atomic_bool stop;
    assert_int_equal(gh_chain_check(fixture->db, GATE, &keys, &stop, &report), GH_OK);
    return report;
}

static void expect_chain(struct fixture *fixture, uint64_t through, uint64_t first, uint64_t last,
                         uint64_t erased)
{
    struct gh_chain_report report = check(fixture);
    assert_int_equal(report.breaks_at, 0);
    assert_int_equal(report.checkpoint.through, through);
    assert_int_equal(report.first, first);
    assert_int_equal(report.last, last);
    assert_int_equal(report.erased, erased);
}

static void outside(struct fixture *fixture, const char *sql)
{
    sqlite3 *other;
    assert_int_equal(sqlite3_open(fixture->path, &other), SQLITE_OK);
    assert_int_equal(sqlite3_exec(other, sql, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(other);
}

/* --- what goes, and what stays --- */

static void test_nothing_is_old(void **state)
{
    struct fixture *fixture = *state;
    (void)send_at(fixture, run_of(fixture, 1, 10), T0);
    keep_to(fixture, T0 + 90 * DAY);
    assert_int_equal(count_stored(fixture), 10);
    expect_chain(fixture, 0, 1, 10, 0);
}

static void test_contents_then_numbers(void **state)
{
    struct fixture *fixture = *state;
    struct branch branch = {.boot = BOOT_A};
    json_t *entries = grown(&branch, GH_ENTRY_PASSAGE, 3);
    grow(entries, &branch, GH_ENTRY_START, 1); /* 4: stays longer */
    grow(entries, &branch, GH_ENTRY_DOOR, 3);
    (void)send_at(fixture, entries, T0);
    (void)send_at(fixture, grown(&branch, GH_ENTRY_PASSAGE, 2), T0 + 50 * DAY);
    keep_to(fixture, T0 + 91 * DAY);
    assert_int_equal(count_stored(fixture), 3); /* 4, 8, 9 */
    expect_chain(fixture, 3, 4, 9, 7);
    keep_to(fixture, T0 + 141 * DAY);
    assert_int_equal(count_stored(fixture), 1);
    expect_chain(fixture, 3, 4, 9, 9);
    keep_to(fixture, T0 + 366 * DAY);
    assert_int_equal(count_stored(fixture), 0);
    expect_chain(fixture, 9, 0, 0, 9);
    /* and it goes on */
    struct outcome outcome = send_at(fixture, grown(&branch, GH_ENTRY_PASSAGE, 2), T0 + 367 * DAY);
    expect(&outcome, 11, 2, 0, 0);
    assert_true(outcome.result.whole);
    expect_chain(fixture, 9, 10, 11, 9);
    assert_int_equal(alarms_now(fixture).count, 0);
}

static void test_names_and_homes_go(void **state)
{
    struct fixture *fixture = *state;
    sqlite3 *other;
    sqlite3_stmt *row;
    (void)send_at(fixture, run_of(fixture, 1, 4), T0);
    outside(fixture, "UPDATE entries SET subject = 7, home = 8, type = 1 WHERE seq = 1");
    keep_to(fixture, T0 + 91 * DAY);
    assert_int_equal(sqlite3_open(fixture->path, &other), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(other,
                                        "SELECT count(*), min(seq), min(length(hash)), "
                                        "min(length(prev)), min(received_at) FROM husks",
                                        -1, &row, NULL),
                     SQLITE_OK);
    assert_int_equal(sqlite3_step(row), SQLITE_ROW);
    assert_int_equal(sqlite3_column_int(row, 0), 3);
    assert_int_equal(sqlite3_column_int(row, 1), 2);
    assert_int_equal(sqlite3_column_int(row, 2), 32);
    assert_int_equal(sqlite3_column_int(row, 3), 32);
    assert_int_equal(sqlite3_column_int64(row, 4), T0);
    sqlite3_finalize(row);
    sqlite3_close(other);
}

/* More than one step's worth, in bounded steps. */
static void test_steps_are_bounded(void **state)
{
    struct fixture *fixture = *state;
    static struct gh_retention_run run;
    struct branch branch = {.boot = BOOT_A};
    memset(&run, 0, sizeof(run));
    for (int i = 0; i < 10; i++)
        (void)send_at(fixture, grown(&branch, GH_ENTRY_PASSAGE, 500), T0);
    assert_int_equal(gh_retention_step(fixture->db, &days, T0 + 91 * DAY, &run), GH_OK);
    struct gh_chain_report report = check(fixture);
    assert_int_equal(report.last, 5000);
    assert_int_equal(report.erased, 2048);
    keep_to(fixture, T0 + 91 * DAY);
    keep_to(fixture, T0 + 91 * DAY);
    expect_chain(fixture, 5000, 0, 0, 5000);
}

static bool count_one(void *context, const struct gh_db_refused *refused)
{
    assert_int_equal(refused->sequence, 3);
    ++*(size_t *)context;
    return true;
}

static size_t count_refused(struct fixture *fixture)
{
    size_t count = 0;
    assert_int_equal(gh_db_refused_read(fixture->db, 0, GATE, 10, count_one, &count), GH_OK);
    return count;
}

static void test_dead_letters_and_alarms_go(void **state)
{
    struct fixture *fixture = *state;
    struct gh_db_counts counts;
    json_t *entries = run_of(fixture, 1, 2);
    json_array_append_new(entries, json_null());
    (void)send_at(fixture, entries, T0);
    keep_to(fixture, T0 + 90 * DAY);
    assert_int_equal(count_refused(fixture), 1);
    keep_to(fixture, T0 + 91 * DAY);
    assert_int_equal(count_refused(fixture), 0);
    assert_int_equal(alarms_now(fixture).count, 1);
    keep_to(fixture, T0 + 366 * DAY);
    struct alarms alarms = {.count = 0};
    assert_int_equal(gh_db_alarms_read(fixture->db, 0, 0, 16, keep_alarm, &alarms), GH_OK);
    assert_int_equal(alarms.count, 0);
    assert_int_equal(gh_db_count(fixture->db, &counts), GH_OK);
    assert_int_equal(counts.refused, 1); /* there was one */
    assert_int_equal(counts.entries, 2);
}

/* What came while the clock was ahead waits for its time, and holds nothing else up. */
static void test_from_the_future(void **state)
{
    struct fixture *fixture = *state;
    struct branch branch = {.boot = BOOT_A};
    for (int i = 0; i < 2; i++)
        (void)send_at(fixture, grown(&branch, GH_ENTRY_PASSAGE, 300), T0 + 9000 * DAY);
    (void)send_at(fixture, grown(&branch, GH_ENTRY_PASSAGE, 5), T0);
    keep_to(fixture, T0 + 91 * DAY);
    struct gh_chain_report report = check(fixture);
    assert_int_equal(report.erased, 605);
    assert_int_equal(report.breaks_at, 0);
    assert_int_equal(count_stored(fixture), 600);
}

/* --- a gate that sends again what is gone --- */

static void test_sent_again_as_husks(void **state)
{
    struct fixture *fixture = *state;
    struct branch branch = {.boot = BOOT_A};
    (void)send_at(fixture, grown(&branch, GH_ENTRY_START, 1), T0); /* no checkpoint before it */
    struct branch old = branch;
    (void)send_at(fixture, grown(&branch, GH_ENTRY_PASSAGE, 4), T0);
    keep_to(fixture, T0 + 91 * DAY);
    expect_chain(fixture, 0, 1, 5, 5);
    struct branch other = old;
    struct outcome outcome = send_at(fixture, grown(&old, GH_ENTRY_PASSAGE, 4), T0 + 92 * DAY);
    expect(&outcome, 5, 0, 4, 0);
    assert_true(outcome.result.whole);
    other.wall_ms = 5;
    outcome = send_at(fixture, grown(&other, GH_ENTRY_PASSAGE, 1), T0 + 92 * DAY);
    expect(&outcome, 2, 0, 0, 1);
    assert_non_null(strstr(outcome.reason, "fork"));
}

static void test_sent_again_behind_a_checkpoint(void **state)
{
    struct fixture *fixture = *state;
    struct branch branch = {.boot = BOOT_A, .wall_ms = T0 * 1000};
    (void)send_at(fixture, grown(&branch, GH_ENTRY_PASSAGE, 5), T0);
    keep_to(fixture, T0 + 91 * DAY);
    expect_chain(fixture, 5, 0, 0, 5);
    struct branch again = {.boot = BOOT_A, .wall_ms = T0 * 1000};
    struct outcome outcome = send_at(fixture, grown(&again, GH_ENTRY_PASSAGE, 5), T0 + 92 * DAY);
    expect(&outcome, 5, 0, 5, 0);
    assert_true(outcome.result.whole);
    assert_memory_equal(outcome.result.hash, branch.hash, GH_SHA256_BYTES);
    assert_int_equal(alarms_now(fixture).count, 0);
}

/* Their hashes are gone, but neither the last one's nor the time. */
static void test_another_chain_behind_a_checkpoint(void **state)
{
    struct fixture *fixture = *state;
    struct branch branch = {.boot = BOOT_A, .wall_ms = T0 * 1000};
    (void)send_at(fixture, grown(&branch, GH_ENTRY_PASSAGE, 5), T0);
    keep_to(fixture, T0 + 91 * DAY);
    struct branch anew = {.boot = BOOT_B, .wall_ms = (T0 + 92 * DAY) * 1000};
    struct outcome outcome = send_at(fixture, grown(&anew, GH_ENTRY_PASSAGE, 3), T0 + 92 * DAY);
    expect(&outcome, 3, 0, 0, 3);
    (void)expect_alarm(fixture, GH_ALARM_FORK, 1, 3, "fork");
    struct branch older = {.boot = BOOT_C, .wall_ms = T0 * 1000 - 5};
    outcome = send_at(fixture, grown(&older, GH_ENTRY_PASSAGE, 5), T0 + 92 * DAY);
    expect(&outcome, 5, 0, 4, 1);
    assert_int_equal(outcome.refused_sequence[0], 5);
}

/* Nothing is signed for what is missing: husks stay. */
static void test_no_checkpoint_over_a_gap(void **state)
{
    struct fixture *fixture = *state;
    (void)send_at(fixture, run_of(fixture, 1, 2), T0);
    for (int i = 0; i < 4; i++)
        (void)send_at(fixture, run_of(fixture, 6, 8), T0);
    keep_to(fixture, T0 + 91 * DAY);
    struct gh_chain_report report = check(fixture);
    assert_int_equal(report.checkpoint.through, 2);
    assert_int_equal(report.first, 6);
    assert_int_equal(report.last, 8);
    assert_int_equal(report.breaks_at, 3);
}

static void test_a_checkpoint_that_does_not_fit(void **state)
{
    struct fixture *fixture = *state;
    struct gh_receipt receipt = {.through = 3};
    (void)send_at(fixture, run_of(fixture, 1, 4), T0);
    assert_int_equal(gh_db_checkpoint_set(fixture->db, GATE, &receipt), GH_ERR_REFUSED);
    outside(fixture, "UPDATE entries SET type = 1 WHERE seq = 2");
    keep_to(fixture, T0 + 91 * DAY); /* 1 is gone; 3 and 4 are husks, 2 is not */
    memcpy(receipt.hash, fixture->hash[3], GH_SHA256_BYTES);
    assert_int_equal(gh_db_checkpoint_set(fixture->db, GATE, &receipt), GH_ERR_REFUSED);
    struct gh_chain_report report = check(fixture);
    assert_int_equal(report.checkpoint.through, 1);
    assert_int_equal(report.last, 4);
}

/* --- checking: whatever was done to it is found --- */

static void expect_break(struct fixture *fixture, uint64_t at)
{
    struct gh_chain_report report = check(fixture);
    assert_int_equal(report.breaks_at, at);
}

static void test_an_empty_chain(void **state)
{
    struct fixture *fixture = *state;
    struct gh_chain_report report;
    const struct gh_receipt_keys keys = {NULL, 0};
    atomic_bool stop = false;
    expect_chain(fixture, 0, 0, 0, 0);
    assert_int_equal(gh_chain_check(fixture->db, 99, &keys, &stop, &report), GH_ERR_NOTFOUND);
    stop = true;
    assert_int_equal(gh_chain_check(fixture->db, GATE, &keys, &stop, &report), GH_ERR_AGAIN);
}

/* Three stretches: gone, husks, entries; several pages. */
static void make_stretches(struct fixture *fixture)
{
    (void)send_at(fixture, run_of(fixture, 1, 500), T0);
    (void)send_at(fixture, run_of(fixture, 501, 600), T0 + 80 * DAY);
    outside(fixture, "UPDATE entries SET type = 1 WHERE seq = 11");
    keep_to(fixture, T0 + 91 * DAY);
    expect_chain(fixture, 10, 11, 600, 500);
}

#define TAMPER(name, sql, at)                                                                      \
    static void test_tampered_##name(void **state)                                                 \
    {                                                                                              \
        struct fixture *fixture = *state;                                                          \
        make_stretches(fixture);                                                                   \
        outside(fixture, sql);                                                                     \
        expect_break(fixture, at);                                                                 \
    }
TAMPER(text, "UPDATE entries SET text = replace(text, 'deny', 'open') WHERE seq = 555", 555)
TAMPER(hash, "UPDATE entries SET hash = randomblob(32) WHERE seq = 555", 555)
TAMPER(previous, "UPDATE entries SET prev = randomblob(32) WHERE seq = 555", 555)
TAMPER(number, "UPDATE entries SET seq = 1555 WHERE seq = 555", 555)
TAMPER(two_numbers,
       "UPDATE entries SET seq = 1555 WHERE seq = 555; UPDATE entries SET seq = 555 "
       "WHERE seq = 556; UPDATE entries SET seq = 556 WHERE seq = 1555",
       555)
TAMPER(missing, "DELETE FROM entries WHERE seq = 555", 555)
TAMPER(the_end, "DELETE FROM entries WHERE seq > 590", 591)
TAMPER(husk, "UPDATE husks SET hash = randomblob(32) WHERE seq = 100", 101)
TAMPER(missing_husk, "DELETE FROM husks WHERE seq = 100", 100)
TAMPER(checkpoint, "UPDATE chains SET hash = randomblob(32)", 10)
TAMPER(checkpoint_number, "UPDATE chains SET through = 9", 9)
TAMPER(signature, "UPDATE chains SET signature = randomblob(64)", 10)
TAMPER(no_checkpoint,
       "UPDATE chains SET through = 0, hash = NULL, signature = NULL, received_at = NULL", 1)

/* A row and its text that agree, but are another gate's. */
static void test_tampered_gate(void **state)
{
    struct fixture *fixture = *state;
    add_gate(fixture->db, 5);
    (void)send_at(fixture, run_of(fixture, 1, 3), T0);
    /* as they are stored, the top bit of an identifier is flipped: the other gate's is below 0 */
    outside(fixture, "UPDATE entries SET gate = (SELECT min(id) FROM gates)");
    struct gh_chain_report report;
    const struct gh_receipt_keys keys = {NULL, 0};
    atomic_bool stop = false;
    assert_int_equal(gh_chain_check(fixture->db, 5, &keys, &stop, &report), GH_OK);
    assert_int_equal(report.last, 3);
    assert_int_equal(report.breaks_at, 1);
}

/* Canonical, but with a character that needs a backslash: what the scanner leaves to jansson. */
static void test_escapes_in_a_chain(void **state)
{
    struct fixture *fixture = *state;
    json_t *entries = json_array(), *odd = json_deep_copy(fixture->chain[1]);
    json_object_set_new(odd, "extra", json_string("a \"quoted\" \\ word"));
    json_array_append_new(entries, odd);
    struct outcome outcome = send_at(fixture, entries, T0);
    expect(&outcome, 1, 1, 0, 0);
    expect_chain(fixture, 0, 1, 1, 0);
    outside(fixture, "UPDATE entries SET text = replace(text, 'quoted', 'QUOTED')");
    expect_break(fixture, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_nothing_is_old),
        TEST(test_contents_then_numbers),
        TEST(test_names_and_homes_go),
        TEST(test_steps_are_bounded),
        TEST(test_dead_letters_and_alarms_go),
        TEST(test_from_the_future),
        TEST(test_sent_again_as_husks),
        TEST(test_sent_again_behind_a_checkpoint),
        TEST(test_another_chain_behind_a_checkpoint),
        TEST(test_no_checkpoint_over_a_gap),
        TEST(test_a_checkpoint_that_does_not_fit),
        TEST(test_an_empty_chain),
        TEST(test_tampered_text),
        TEST(test_tampered_hash),
        TEST(test_tampered_previous),
        TEST(test_tampered_number),
        TEST(test_tampered_two_numbers),
        TEST(test_tampered_missing),
        TEST(test_tampered_the_end),
        TEST(test_tampered_husk),
        TEST(test_tampered_missing_husk),
        TEST(test_tampered_checkpoint),
        TEST(test_tampered_checkpoint_number),
        TEST(test_tampered_signature),
        TEST(test_tampered_no_checkpoint),
        TEST(test_tampered_gate),
        TEST(test_escapes_in_a_chain),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
