/* SPDX-License-Identifier: Apache-2.0 */
/* What is wrong with a gate's chain is noticed, once; what is whole is said to be. */
#include "test_server_chain.h"

static void expect_no_alarm(struct fixture *fixture)
{
    struct alarms alarms = alarms_now(fixture);
    if (alarms.count > 0)
        fail_msg("%s: %s", gh_alarm_name(alarms.list[0].kind), alarms.text[0]);
}

/* --- each kind --- */

static void test_gap(void **state)
{
    struct fixture *fixture = *state;
    (void)send(fixture, run_of(fixture, 1, 2));
    for (int i = 0; i < 3; i++)
        (void)send(fixture, run_of(fixture, 6, 8));
    expect_no_alarm(fixture);
    (void)send(fixture, run_of(fixture, 6, 8));
    struct gh_db_alarm alarm = expect_alarm(fixture, GH_ALARM_GAP, 3, 1, "3 to 5");
    assert_int_equal(alarm.at, 1000);
}

static void test_fork(void **state)
{
    struct fixture *fixture = *state;
    (void)send(fixture, run_of(fixture, 1, 3));
    json_t *entries = json_array();
    json_array_append_new(entries, changed(fixture, "time_ms", json_integer(1)));
    (void)send(fixture, entries);
    (void)expect_alarm(fixture, GH_ALARM_FORK, 3, 1, "another entry");
}

static void test_broken(void **state)
{
    struct fixture *fixture = *state;
    struct branch branch = {.last = 2, .hash = {7}, .boot = BOOT_A};
    (void)send(fixture, run_of(fixture, 1, 2));
    (void)send(fixture, grown(&branch, GH_ENTRY_PASSAGE, 1));
    (void)expect_alarm(fixture, GH_ALARM_BROKEN, 3, 1, "does not follow");
}

static void test_not_an_entry(void **state)
{
    struct fixture *fixture = *state;
    json_t *entries = run_of(fixture, 1, 2);
    json_array_append_new(entries, json_true());
    (void)send(fixture, entries);
    (void)expect_alarm(fixture, GH_ALARM_NOT_AN_ENTRY, 3, 1, "not an entry");
}

/* Stored like any other, and said. */
static void test_list_refused(void **state)
{
    struct fixture *fixture = *state;
    struct branch branch = {.boot = BOOT_A};
    struct outcome outcome = send(fixture, grown(&branch, GH_ENTRY_LIST, 1));
    expect(&outcome, 1, 1, 0, 0);
    branch = (struct branch){.boot = BOOT_A};
    outcome = send(fixture, grown(&branch, GH_ENTRY_LIST, 1)); /* known: said already */
    expect(&outcome, 1, 0, 1, 0);
    (void)expect_alarm(fixture, GH_ALARM_LIST_REFUSED, 1, 1, "older than its own");
}

/* --- pruning at the gate --- */

static json_t *prune_entry(struct fixture *fixture, uint64_t sequence, uint64_t erased,
                           uint64_t through, const uint8_t *hash, const struct gh_private_key *key)
{
    struct gh_entry entry = entry_of(GATE, sequence, fixture->hash[sequence - 1]);
    uint8_t own_hash[GH_SHA256_BYTES];
    entry.type = GH_ENTRY_PRUNE;
    entry.erased = erased;
    entry.receipt.through = through;
    memcpy(entry.receipt.hash, hash, GH_SHA256_BYTES);
    assert_int_equal(gh_receipt_sign(key, GATE, &entry.receipt), GH_OK);
    json_t *entries = json_array();
    json_array_append_new(entries, json_of(&entry, own_hash));
    return entries;
}

static void test_pruned_by_a_receipt(void **state)
{
    struct fixture *fixture = *state;
    struct outcome outcome = send(fixture, run_of(fixture, 1, 9));
    assert_true(outcome.result.whole);
    outcome = send(fixture, prune_entry(fixture, 10, 5, 9, fixture->hash[9], fixture->list_key));
    expect(&outcome, 10, 1, 0, 0);
    expect_no_alarm(fixture);
}

static void test_pruned_by_a_forged_receipt(void **state)
{
    struct fixture *fixture = *state;
    struct gh_private_key *forger;
    assert_int_equal(gh_private_key_generate(GH_KEY_ED25519, &forger), GH_OK);
    (void)send(fixture, run_of(fixture, 1, 9));
    struct outcome outcome =
        send(fixture, prune_entry(fixture, 10, 5, 9, fixture->hash[9], forger));
    expect(&outcome, 10, 1, 0, 0); /* it happened: it is stored */
    (void)expect_alarm(fixture, GH_ALARM_PRUNED_EARLY, 10, 1, "never gave");
    gh_private_key_free(forger);
}

/* Signed by us, for what another board of this identity sent. */
static void test_pruned_by_a_receipt_for_another_chain(void **state)
{
    struct fixture *fixture = *state;
    const uint8_t other[GH_SHA256_BYTES] = {1, 2, 3};
    (void)send(fixture, run_of(fixture, 1, 9));
    (void)send(fixture, prune_entry(fixture, 10, 5, 9, other, fixture->list_key));
    (void)expect_alarm(fixture, GH_ALARM_PRUNED_EARLY, 10, 1, "another chain");
}

/* --- two boards, one identity --- */

/* The same board, however often it starts: no alarm. */
static void test_a_board_that_starts_again(void **state)
{
    struct fixture *fixture = *state;
    struct branch branch = {.last = 0};
    char boot[40];
    for (int i = 0; i < 100; i++) {
        snprintf(boot, sizeof(boot), "%032x", i + 1);
        branch.boot = boot;
        struct branch before = branch;
        (void)send(fixture, grown(&branch, GH_ENTRY_START, 3));
        (void)send(fixture, grown(&before, GH_ENTRY_START, 3)); /* the answer was lost */
    }
    expect_no_alarm(fixture);
}

/* A board's card is written anew, its identity put back: it begins at 1 again, another chain. */
static void test_a_board_that_was_flashed_anew(void **state)
{
    struct fixture *fixture = *state;
    struct branch first = {.boot = BOOT_A}, second = {.boot = BOOT_B, .wall_ms = 1700000000000};
    struct outcome outcome = send(fixture, grown(&first, GH_ENTRY_PASSAGE, 10));
    assert_true(outcome.result.whole);
    outcome = send(fixture, grown(&second, GH_ENTRY_PASSAGE, 5));
    expect(&outcome, 5, 0, 0, 5);
    (void)expect_alarm(fixture, GH_ALARM_FORK, 1, 5, "fork");
    /* past the old one's end, what it writes is stored again, behind a break */
    outcome = send(fixture, grown(&second, GH_ENTRY_PASSAGE, 10));
    expect(&outcome, 15, 4, 0, 6);
    struct alarms alarms = alarms_now(fixture);
    assert_int_equal(alarms.count, 2);
    assert_int_equal(alarms.list[1].kind, GH_ALARM_BROKEN);
    assert_false(outcome.result.whole); /* no receipt ever again */
    assert_int_equal(count_stored(fixture), 14);
}

/* Two boards from one card, taking turns. */
static void test_a_board_that_was_cloned(void **state)
{
    struct fixture *fixture = *state;
    struct branch first = {.boot = BOOT_A};
    (void)send(fixture, grown(&first, GH_ENTRY_PASSAGE, 3));
    struct branch second = first;
    second.boot = BOOT_B;
    second.wall_ms = 1700000000000;
    (void)send(fixture, grown(&second, GH_ENTRY_PASSAGE, 2)); /* 4 and 5 are the second's */
    expect_no_alarm(fixture);
    (void)send(fixture, grown(&first, GH_ENTRY_PASSAGE, 2));
    struct alarms alarms = alarms_now(fixture);
    assert_int_equal(alarms.count, 2);
    assert_int_equal(alarms.list[0].kind, GH_ALARM_FORK);
    assert_int_equal(alarms.list[1].kind, GH_ALARM_CLONED);
    assert_int_equal(alarms.list[1].sequence, 4);
    /* each turn is one more, in the same row */
    (void)send(fixture, grown(&second, GH_ENTRY_PASSAGE, 2));
    (void)send(fixture, grown(&first, GH_ENTRY_PASSAGE, 2));
    alarms = alarms_now(fixture);
    assert_int_equal(alarms.list[1].count, 3);
}

/* What fills a gap is from before, not from another board. */
static void test_an_old_boot_in_a_gap(void **state)
{
    struct fixture *fixture = *state;
    struct branch branch = {.boot = BOOT_A};
    (void)send(fixture, grown(&branch, GH_ENTRY_PASSAGE, 2));
    json_t *late = grown(&branch, GH_ENTRY_PASSAGE, 2);
    branch.boot = BOOT_B;
    (void)send(fixture, grown(&branch, GH_ENTRY_PASSAGE, 2));
    struct outcome outcome = send(fixture, late);
    expect(&outcome, 4, 2, 0, 0);
    expect_no_alarm(fixture);
}

/* --- episodes --- */

/* A board that forks every entry is one alarm an hour, which counts. */
static void test_an_episode_is_one_row(void **state)
{
    struct fixture *fixture = *state;
    struct branch other = {.boot = BOOT_B, .wall_ms = 1700000000000};
    (void)send_at(fixture, run_of(fixture, 1, 600 - 100), 1000);
    for (int i = 0; i < 4; i++)
        (void)send_at(fixture, grown(&other, GH_ENTRY_PASSAGE, 100), 1000 + i * 1000);
    struct gh_db_alarm alarm = expect_alarm(fixture, GH_ALARM_FORK, 1, 400, "fork");
    assert_int_equal(alarm.at, 1000);
    assert_int_equal(alarm.last_at, 4000);
    (void)send_at(fixture, grown(&other, GH_ENTRY_PASSAGE, 10), 1000 + 3600);
    struct alarms alarms = alarms_now(fixture);
    assert_int_equal(alarms.count, 2);
    assert_int_equal(alarms.list[1].count, 10);
    (void)send_at(fixture, grown(&other, GH_ENTRY_PASSAGE, 10), 500); /* the clock was set back */
    assert_int_equal(alarms_now(fixture).count, 3);
}

static void test_alarms_of_others(void **state)
{
    struct fixture *fixture = *state;
    struct alarms alarms = {.count = 0};
    add_gate(fixture->db, 5);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(gh_db_alarm_add(fixture->db, 5, GH_ALARM_OLDER_DATABASE, 0, "older", 50),
                         GH_OK);
        assert_int_equal(gh_db_alarm_add(fixture->db, GATE, GH_ALARM_OLDER_DATABASE, 0, "x", 50),
                         GH_OK);
    }
    assert_int_equal(gh_db_alarms_read(fixture->db, 0, 5, 16, keep_alarm, &alarms), GH_OK);
    assert_int_equal(alarms.count, 1);
    assert_true(alarms.list[0].gate == 5);
    assert_int_equal(alarms.list[0].count, 3);
    assert_string_equal(gh_alarm_name(alarms.list[0].kind), "older_database");
    alarms.count = 0;
    assert_int_equal(gh_db_alarms_read(fixture->db, 1, 0, 16, keep_alarm, &alarms), GH_OK);
    assert_int_equal(alarms.count, 1);
    assert_int_equal(gh_db_alarm_add(fixture->db, 77, GH_ALARM_GAP, 0, "no such gate", 50),
                     GH_ERR_EXISTS); /* a constraint */
}

/* --- whole: what a receipt may be given for --- */

static void expect_whole(const struct outcome *outcome, const uint8_t *hash)
{
    assert_true(outcome->result.whole);
    assert_memory_equal(outcome->result.hash, hash, GH_SHA256_BYTES);
}

static void test_whole(void **state)
{
    struct fixture *fixture = *state;
    struct outcome outcome = send(fixture, json_array());
    assert_false(outcome.result.whole); /* nothing: nothing to sign for */
    outcome = send(fixture, run_of(fixture, 1, 3));
    expect_whole(&outcome, fixture->hash[3]);
    outcome = send(fixture, run_of(fixture, 1, 2)); /* again: for what this batch has */
    expect_whole(&outcome, fixture->hash[2]);
    outcome = send(fixture, json_array());
    expect_whole(&outcome, fixture->hash[3]);
    outcome = send(fixture, run_of(fixture, 5, 6));
    assert_int_equal(outcome.result.acknowledged, 3);
    expect_whole(&outcome, fixture->hash[3]);
    outcome = send(fixture, run_of(fixture, 4, 6));
    expect_whole(&outcome, fixture->hash[6]);
}

static void test_not_whole_behind_a_refusal(void **state)
{
    struct fixture *fixture = *state;
    json_t *entries = run_of(fixture, 1, 2);
    json_array_append_new(entries, json_null());
    json_array_append(entries, fixture->chain[4]);
    struct outcome outcome = send(fixture, entries);
    expect(&outcome, 4, 3, 0, 1);
    assert_false(outcome.result.whole);
    outcome = send(fixture, run_of(fixture, 5, 6));
    assert_int_equal(outcome.result.acknowledged, 6);
    assert_false(outcome.result.whole);
    outcome = send(fixture, run_of(fixture, 1, 2)); /* up to there it is */
    expect_whole(&outcome, fixture->hash[2]);
    outcome = send(fixture, run_of(fixture, 3, 3)); /* found after all */
    expect_whole(&outcome, fixture->hash[3]);
    outcome = send(fixture, run_of(fixture, 7, 7));
    expect_whole(&outcome, fixture->hash[7]);
}

static void test_not_whole_behind_a_gap(void **state)
{
    struct fixture *fixture = *state;
    (void)send(fixture, run_of(fixture, 1, 2));
    for (int i = 0; i < 4; i++)
        (void)send(fixture, run_of(fixture, 6, 8));
    struct outcome outcome = send(fixture, run_of(fixture, 9, 9));
    assert_int_equal(outcome.result.acknowledged, 9);
    assert_false(outcome.result.whole);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_gap),
        TEST(test_fork),
        TEST(test_broken),
        TEST(test_not_an_entry),
        TEST(test_list_refused),
        TEST(test_pruned_by_a_receipt),
        TEST(test_pruned_by_a_forged_receipt),
        TEST(test_pruned_by_a_receipt_for_another_chain),
        TEST(test_a_board_that_starts_again),
        TEST(test_a_board_that_was_flashed_anew),
        TEST(test_a_board_that_was_cloned),
        TEST(test_an_old_boot_in_a_gap),
        TEST(test_an_episode_is_one_row),
        TEST(test_alarms_of_others),
        TEST(test_whole),
        TEST(test_not_whole_behind_a_refusal),
        TEST(test_not_whole_behind_a_gap),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
