/* SPDX-License-Identifier: Apache-2.0 */
/* Batches of entries against the database: once each, in any order, poison and forgeries among
 * them. */
#include "test_server_chain.h"

/* --- once each --- */

static void test_stored_once(void **state)
{
    struct fixture *fixture = *state;
    struct outcome outcome = send(fixture, run_of(fixture, 1, 3));
    expect(&outcome, 3, 3, 0, 0);
    outcome = send(fixture, run_of(fixture, 1, 3));
    expect(&outcome, 3, 0, 3, 0);
    outcome = send(fixture, run_of(fixture, 2, 5)); /* overlapping */
    expect(&outcome, 5, 2, 2, 0);
    assert_int_equal(count_stored(fixture), 5);
    assert_int_equal(gate_now(fixture).last_sequence, 5);
    assert_int_equal(gate_now(fixture).alarms, 0);
    assert_int_equal(gate_now(fixture).last_seen_at, 1000);
}

static void test_empty_batch(void **state)
{
    struct fixture *fixture = *state;
    struct outcome outcome = send(fixture, json_array());
    expect(&outcome, 0, 0, 0, 0);
    (void)send(fixture, run_of(fixture, 1, 4));
    outcome = send(fixture, json_array());
    expect(&outcome, 4, 0, 0, 0);
}

static void test_twice_in_one_batch(void **state)
{
    struct fixture *fixture = *state;
    json_t *entries = run_of(fixture, 1, 2);
    json_array_append(entries, fixture->chain[1]);
    json_array_append(entries, fixture->chain[2]);
    struct outcome outcome = send(fixture, entries);
    expect(&outcome, 2, 2, 2, 0);
    assert_int_equal(count_stored(fixture), 2);
}

static void test_the_largest_batch(void **state)
{
    struct fixture *fixture = *state;
    struct outcome outcome = send(fixture, run_of(fixture, 1, 500));
    expect(&outcome, 500, 500, 0, 0);
    outcome = send(fixture, run_of(fixture, 401, 600));
    expect(&outcome, 600, 100, 100, 0);
}

/* A gate that lost what was acknowledged begins again; the answer never runs ahead of it. */
static void test_from_the_beginning(void **state)
{
    struct fixture *fixture = *state;
    (void)send(fixture, run_of(fixture, 1, 500));
    struct outcome outcome = send(fixture, run_of(fixture, 1, 200));
    expect(&outcome, 200, 0, 200, 0);
}

/* --- any order --- */

static void test_reordered(void **state)
{
    struct fixture *fixture = *state;
    json_t *entries = json_array();
    for (uint64_t i = 10; i >= 1; i--)
        json_array_append(entries, fixture->chain[i]);
    struct outcome outcome = send(fixture, entries);
    expect(&outcome, 10, 10, 0, 0);
    assert_int_equal(gate_now(fixture).alarms, 0);
}

static void test_later_batch_first(void **state)
{
    struct fixture *fixture = *state;
    struct outcome outcome = send(fixture, run_of(fixture, 4, 6));
    expect(&outcome, 0, 3, 0, 0); /* stored, and what is before is asked for */
    outcome = send(fixture, run_of(fixture, 1, 3));
    expect(&outcome, 3, 3, 0, 0);
    outcome = send(fixture, run_of(fixture, 4, 7));
    expect(&outcome, 7, 1, 3, 0);
    assert_int_equal(gate_now(fixture).alarms, 0);
}

/* What the gate cannot send again must not hold it up for ever. */
static void test_a_gap_that_stays(void **state)
{
    struct fixture *fixture = *state;
    struct outcome outcome;
    (void)send(fixture, run_of(fixture, 1, 2));
    outcome = send(fixture, run_of(fixture, 6, 8));
    expect(&outcome, 2, 3, 0, 0);
    outcome = send(fixture, run_of(fixture, 6, 8));
    expect(&outcome, 2, 0, 3, 0);
    outcome = send(fixture, run_of(fixture, 6, 8));
    expect(&outcome, 2, 0, 3, 0);
    assert_int_equal(gate_now(fixture).alarms, 0);
    outcome = send(fixture, run_of(fixture, 6, 8));
    expect(&outcome, 8, 0, 3, 0);
    assert_int_equal(gate_now(fixture).alarms, 1);
    outcome = send(fixture, run_of(fixture, 9, 9));
    expect(&outcome, 9, 1, 0, 0);
    assert_int_equal(gate_now(fixture).alarms, 1);
    /* found after all */
    outcome = send(fixture, run_of(fixture, 3, 5));
    expect(&outcome, 5, 3, 0, 0);
    assert_int_equal(count_stored(fixture), 9);
}

static void test_a_filled_gap_is_forgotten(void **state)
{
    struct fixture *fixture = *state;
    (void)send(fixture, run_of(fixture, 1, 2));
    for (int i = 0; i < 3; i++)
        (void)send(fixture, run_of(fixture, 6, 8));
    (void)send(fixture, run_of(fixture, 3, 8));
    for (int i = 0; i < 3; i++) {
        struct outcome outcome = send(fixture, run_of(fixture, 12, 13));
        assert_int_equal(outcome.result.acknowledged, 8);
    }
    assert_int_equal(gate_now(fixture).alarms, 0);
}

/* --- poison --- */

static void expect_poison(struct fixture *fixture, json_t *poison, const char *word)
{
    json_t *entries = run_of(fixture, 1, 2);
    json_array_append_new(entries, poison);
    json_array_append(entries, fixture->chain[4]);
    json_array_append(entries, fixture->chain[5]);
    struct outcome outcome = send(fixture, json_incref(entries));
    expect(&outcome, 5, 4, 0, 1);
    assert_int_equal(outcome.refused_sequence[0], 3);
    if (strstr(outcome.reason, word) == NULL)
        fail_msg("\"%s\" does not say \"%s\"", outcome.reason, word);
    assert_int_equal(gate_now(fixture).alarms, 1);
    /* once more: the same answer, and no second alarm */
    outcome = send(fixture, entries);
    expect(&outcome, 5, 0, 4, 1);
    assert_int_equal(gate_now(fixture).alarms, 1);
    struct gh_db_counts counts;
    assert_int_equal(gh_db_count(fixture->db, &counts), GH_OK);
    assert_int_equal(counts.entries, 4);
    assert_int_equal(counts.refused, 1);
    assert_int_equal(counts.gates, 1);
}

#define POISON(name, make, word)                                                                   \
    static void test_poison_##name(void **state)                                                   \
    {                                                                                              \
        struct fixture *fixture = *state;                                                          \
        expect_poison(fixture, make, word);                                                        \
    }
POISON(null, json_null(), "not an entry")
POISON(number, json_integer(7), "not an entry")
POISON(text, json_string("entry"), "not an entry")
POISON(array, json_array(), "not an entry")
POISON(empty, json_object(), "not an entry")
POISON(without_gate, changed(fixture, "gate", NULL), "not an entry")
POISON(without_sequence, changed(fixture, "seq", NULL), "not an entry")
POISON(sequence_zero, changed(fixture, "seq", json_integer(0)), "not an entry")
POISON(sequence_huge, changed(fixture, "seq", json_integer(INT64_MAX)), "not an entry")
POISON(sequence_text, changed(fixture, "seq", json_string("3")), "not an entry")
POISON(sequence_real, changed(fixture, "seq", json_real(3.0)), "not an entry")
POISON(version, changed(fixture, "v", json_integer(2)), "not an entry")
POISON(type, changed(fixture, "type", json_string("party")), "not an entry")
POISON(reason, changed(fixture, "reason", json_string("because")), "not an entry")
POISON(float, changed(fixture, "time_ms", json_real(1.5)), "not an entry")
POISON(nested, changed(fixture, "extra", json_object()), "not an entry")
POISON(not_ascii, changed(fixture, "extra", json_string("\xC3\xB6")), "not an entry")
POISON(previous, changed(fixture, "prev", json_string("12")), "not an entry")
POISON(other_gate, changed(fixture, "gate", json_string("0000000000000001")), "another gate")
POISON(wrong_previous,
       changed(fixture, "prev",
               json_string("00000000000000000000000000000000"
                           "00000000000000000000000000000000")),
       "does not follow")

static void test_poison_too_long(void **state)
{
    struct fixture *fixture = *state;
    char text[6000];
    memset(text, 'x', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    expect_poison(fixture, changed(fixture, "extra", json_string(text)), "not an entry");
}

/* Nothing but poison: numbered on from what is there, and out of the way. */
static void test_only_poison(void **state)
{
    struct fixture *fixture = *state;
    json_t *entries = json_array();
    (void)send(fixture, run_of(fixture, 1, 2));
    json_array_append_new(entries, json_null());
    json_array_append_new(entries, json_true());
    struct outcome outcome = send(fixture, entries);
    expect(&outcome, 4, 0, 0, 2);
    outcome = send(fixture, run_of(fixture, 5, 6));
    expect(&outcome, 6, 2, 0, 0);
}

static void test_poison_first(void **state)
{
    struct fixture *fixture = *state;
    json_t *entries = json_array();
    json_array_append_new(entries, json_null());
    json_array_append(entries, fixture->chain[2]);
    struct outcome outcome = send(fixture, entries);
    expect(&outcome, 2, 1, 0, 1);
    assert_int_equal(outcome.refused_sequence[0], 1);
}

/* More poison before the first good one than there are numbers for it. */
static void test_poison_before_the_beginning(void **state)
{
    struct fixture *fixture = *state;
    json_t *entries = json_array();
    for (int i = 0; i < 5; i++)
        json_array_append_new(entries, json_integer(i));
    json_array_append(entries, fixture->chain[1]);
    struct outcome outcome = send(fixture, entries);
    expect(&outcome, 1, 1, 0, 5);
}

/* A member that a later build adds is kept, and counts in the hash. */
static void test_unknown_members(void **state)
{
    struct fixture *fixture = *state;
    struct gh_batch batch;
    json_t *entries = json_array(), *more = json_deep_copy(fixture->chain[1]);
    json_object_set_new(more, "temperature_mc", json_integer(36600));
    json_array_append_new(entries, more);
    assert_int_equal(gh_batch_open(entries, GATE, &no_keys, &batch), GH_OK);
    assert_memory_not_equal(batch.items[0].hash, fixture->hash[1], GH_SHA256_BYTES);
    assert_non_null(strstr(batch.items[0].text, "\"temperature_mc\":36600"));
    gh_batch_close(&batch);
    struct outcome outcome = send(fixture, entries);
    expect(&outcome, 1, 1, 0, 0);
}

/* The order of members and white space are the sender's affair. */
static void test_hash_is_of_the_canonical_form(void **state)
{
    struct fixture *fixture = *state;
    json_t *shuffled = json_object(), *entries = json_array(), *value;
    const char *names[64], *name;
    size_t count = 0;
    json_object_foreach(fixture->chain[1], name, value) names[count++] = name;
    while (count-- > 0)
        json_object_set(shuffled, names[count], json_object_get(fixture->chain[1], names[count]));
    json_array_append_new(entries, shuffled);
    struct outcome outcome = send(fixture, entries);
    expect(&outcome, 1, 1, 0, 0);
    outcome = send(fixture, run_of(fixture, 1, 2));
    expect(&outcome, 2, 1, 1, 0);
}

/* --- forgeries --- */

static void test_fork(void **state)
{
    struct fixture *fixture = *state;
    (void)send(fixture, run_of(fixture, 1, 3));
    json_t *entries = json_array();
    json_array_append_new(entries, changed(fixture, "time_ms", json_integer(1)));
    struct outcome outcome = send(fixture, entries);
    expect(&outcome, 3, 0, 0, 1);
    assert_non_null(strstr(outcome.reason, "fork"));
    assert_int_equal(gate_now(fixture).alarms, 1);
    assert_int_equal(count_stored(fixture), 3);
    outcome = send(fixture, run_of(fixture, 3, 4)); /* the first one stands */
    expect(&outcome, 4, 1, 1, 0);
}

static void test_fork_in_one_batch(void **state)
{
    struct fixture *fixture = *state;
    json_t *entries = run_of(fixture, 1, 3);
    json_array_append_new(entries, changed(fixture, "time_ms", json_integer(1)));
    struct outcome outcome = send(fixture, entries);
    expect(&outcome, 3, 3, 0, 1);
}

/* The first entry of a journal has no predecessor. */
static void test_first_with_predecessor(void **state)
{
    struct fixture *fixture = *state;
    uint8_t hash[GH_SHA256_BYTES];
    struct gh_entry entry = entry_of(GATE, 1, fixture->hash[5]);
    json_t *entries = json_array();
    json_array_append_new(entries, json_of(&entry, hash));
    struct outcome outcome = send(fixture, entries);
    expect(&outcome, 1, 0, 0, 1);
    assert_non_null(strstr(outcome.reason, "does not follow"));
}

/* One that is put in before a stored one must be the one that it names. */
static void test_successor_is_checked(void **state)
{
    struct fixture *fixture = *state;
    (void)send(fixture, run_of(fixture, 4, 4));
    json_t *entries = run_of(fixture, 1, 2);
    json_array_append_new(entries, changed(fixture, "time_ms", json_integer(1)));
    struct outcome outcome = send(fixture, entries);
    assert_int_equal(outcome.refused, 1);
    assert_non_null(strstr(outcome.reason, "successor"));
    outcome = send(fixture, run_of(fixture, 1, 5));
    expect(&outcome, 5, 2, 3, 0);
}

/* Broken once, and one alarm: what follows the break follows. */
static void test_after_a_break(void **state)
{
    struct fixture *fixture = *state;
    uint8_t hash[GH_SHA256_BYTES], next[GH_SHA256_BYTES];
    json_t *entries = run_of(fixture, 1, 2);
    memset(hash, 0xab, sizeof(hash));
    for (uint64_t i = 3; i <= 6; i++) {
        struct gh_entry entry = entry_of(GATE, i, hash);
        json_array_append_new(entries, json_of(&entry, next));
        memcpy(hash, next, sizeof(hash));
    }
    struct outcome outcome = send(fixture, entries);
    expect(&outcome, 6, 5, 0, 1);
    assert_int_equal(gate_now(fixture).alarms, 1);
}

/* Each gate its own numbers. */
static void test_two_gates(void **state)
{
    struct fixture *fixture = *state;
    uint8_t zeros[GH_SHA256_BYTES] = {0}, hash[GH_SHA256_BYTES];
    struct gh_batch batch;
    struct gh_db_batch result;
    struct gh_db_group group;
    add_gate(fixture->db, 5);
    (void)send(fixture, run_of(fixture, 1, 3));
    struct gh_entry entry = entry_of(5, 1, zeros);
    json_t *entries = json_array();
    json_array_append_new(entries, json_of(&entry, hash));
    assert_int_equal(gh_batch_open(entries, 5, &no_keys, &batch), GH_OK);
    assert_int_equal(gh_db_group_begin(fixture->db, &group), GH_OK);
    assert_int_equal(gh_db_group_put(&group, 5, batch.items, 1, 1000, &result), GH_OK);
    assert_int_equal(gh_db_group_end(&group), GH_OK);
    assert_int_equal(result.acknowledged, 1);
    assert_int_equal(result.stored, 1);
    gh_batch_close(&batch);
    json_decref(entries);
}

/* --- reading --- */

static void test_filters(void **state)
{
    struct fixture *fixture = *state;
    struct gh_entry start = entry_of(GATE, 4, fixture->hash[3]);
    uint8_t hash[GH_SHA256_BYTES];
    json_t *entries = run_of(fixture, 1, 3);
    start.type = GH_ENTRY_START;
    json_array_append_new(entries, json_of(&start, hash));
    struct outcome outcome = send(fixture, entries);
    expect(&outcome, 4, 4, 0, 0);
    const struct {
        struct gh_db_entry_filter filter;
        size_t count;
        uint64_t first;
    } rows[] = {
        {{.limit = 10, .any_type = true}, 4, 1},
        {{.limit = 2, .any_type = true}, 2, 1},
        {{.limit = 2, .after = 2, .any_type = true}, 2, 3},
        {{.limit = 10, .gate = GATE, .any_type = true}, 4, 1},
        {{.limit = 10, .gate = 1, .any_type = true}, 0, 0},
        {{.limit = 10, .type = GH_ENTRY_START}, 1, 4},
        {{.limit = 10, .gate = GATE, .type = GH_ENTRY_PASSAGE}, 3, 1},
        {{.limit = 10, .gate = GATE, .type = GH_ENTRY_FAULT}, 0, 0},
    };
    for (size_t i = 0; i < GH_ARRAY_SIZE(rows); i++) {
        static struct reading reading;
        reading.count = 0;
        assert_int_equal(gh_db_entries_read(fixture->db, &rows[i].filter, keep, &reading), GH_OK);
        assert_int_equal(reading.count, rows[i].count);
        if (reading.count > 0)
            assert_int_equal(reading.sequences[0], rows[i].first);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_stored_once),
        TEST(test_empty_batch),
        TEST(test_twice_in_one_batch),
        TEST(test_the_largest_batch),
        TEST(test_from_the_beginning),
        TEST(test_reordered),
        TEST(test_later_batch_first),
        TEST(test_a_gap_that_stays),
        TEST(test_a_filled_gap_is_forgotten),
        TEST(test_poison_null),
        TEST(test_poison_number),
        TEST(test_poison_text),
        TEST(test_poison_array),
        TEST(test_poison_empty),
        TEST(test_poison_without_gate),
        TEST(test_poison_without_sequence),
        TEST(test_poison_sequence_zero),
        TEST(test_poison_sequence_huge),
        TEST(test_poison_sequence_text),
        TEST(test_poison_sequence_real),
        TEST(test_poison_version),
        TEST(test_poison_type),
        TEST(test_poison_reason),
        TEST(test_poison_float),
        TEST(test_poison_nested),
        TEST(test_poison_not_ascii),
        TEST(test_poison_previous),
        TEST(test_poison_other_gate),
        TEST(test_poison_wrong_previous),
        TEST(test_poison_too_long),
        TEST(test_only_poison),
        TEST(test_poison_first),
        TEST(test_poison_before_the_beginning),
        TEST(test_unknown_members),
        TEST(test_hash_is_of_the_canonical_form),
        TEST(test_fork),
        TEST(test_fork_in_one_batch),
        TEST(test_first_with_predecessor),
        TEST(test_successor_is_checked),
        TEST(test_after_a_break),
        TEST(test_two_gates),
        TEST(test_filters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
