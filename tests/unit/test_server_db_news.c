/* SPDX-License-Identifier: Apache-2.0 */
/* News in the database: movements as entries make them, and their numbers. */
#include "test_server_db_news.h"

static void leave_unused(struct gh_db *db, struct chain *chain, uint64_t about)
{
    struct gh_db_item item = next_item(chain, GH_ENTRY_DOOR);
    item.unused = about;
    store(db, chain, &item, 1);
}

/* --- movements --- */

static void test_others_hear_of_it(void **state)
{
    struct gh_db *db = db_of(state);
    assert_int_equal(number_for(db, NORTH), 0);
    pass(db, &north, ANNA, GH_DIRECTION_IN, 30);
    expect(db, SOUTH, 0, "N anna in30 ");
    expect(db, EAST, 0, "N anna in30 ");
    expect(db, NORTH, 0, "");
    assert_int_equal(number_for(db, SOUTH), 1);
    assert_int_equal(number_for(db, NORTH), 0); /* its own */
    expect(db, SOUTH, 1, "");
    pass(db, &south, BEN, GH_DIRECTION_OUT, 20);
    expect(db, SOUTH, 1, "");
    expect(db, NORTH, 0, "S ben out20 ");
    expect(db, EAST, 1, "S ben out20 ");
    assert_int_equal(number_for(db, SOUTH), 1);
    assert_int_equal(number_for(db, NORTH), 2);
    assert_int_equal(number_for(db, EAST), 2);
}

static void test_what_is_no_movement(void **state)
{
    struct gh_db *db = db_of(state);
    struct gh_db_item item = next_item(&north, GH_ENTRY_PASSAGE);
    item.subject = ANNA;
    item.time_ms = NOW * 1000;
    store(db, &north, &item, 1); /* of a gate that leads both ways */
    pass(db, &north, 0, GH_DIRECTION_IN, 10);
    pass_at(db, &north, ANNA, GH_DIRECTION_IN, 0); /* by a clock that was not trusted */
    pass(db, &north, ANNA, GH_DIRECTION_IN, FORGIVE_S + 1);
    expect(db, SOUTH, 0, "");
    pass(db, &north, ANNA, GH_DIRECTION_IN, FORGIVE_S);
    expect(db, SOUTH, 0, "N anna in3600 ");
    gh_db_movements_keep(db, 0); /* anti-passback is off: nothing is made, nothing told */
    pass(db, &north, ANNA, GH_DIRECTION_IN, 1);
    expect(db, SOUTH, 0, "");
    gh_db_movements_keep(db, FORGIVE_S);
    expect(db, SOUTH, 0, "N anna in3600 ");
}

/* A clock that is ahead must not make a movement that nothing follows. */
static void test_nothing_is_later_than_now(void **state)
{
    struct gh_db *db = db_of(state);
    pass_at(db, &north, ANNA, GH_DIRECTION_IN, INT64_C(4000000000000));
    expect(db, SOUTH, 0, "N anna in0 ");
}

static void test_the_last_one_alone(void **state)
{
    struct gh_db *db = db_of(state);
    pass(db, &north, ANNA, GH_DIRECTION_IN, 300);
    pass(db, &south, ANNA, GH_DIRECTION_OUT, 200);
    pass(db, &north, BEN, GH_DIRECTION_IN, 150);
    pass(db, &north, ANNA, GH_DIRECTION_IN, 100);
    expect(db, EAST, 0, "N ben in150 N anna in100 ");
    expect(db, SOUTH, 0, "N ben in150 N anna in100 ");
    expect(db, NORTH, 0, ""); /* it knows best itself */
    /* one that comes late does not hide what was later */
    pass(db, &south, ANNA, GH_DIRECTION_OUT, 250);
    expect(db, EAST, 0, "N ben in150 N anna in100 ");
}

static void test_undone(void **state)
{
    struct gh_db *db = db_of(state);
    pass(db, &north, ANNA, GH_DIRECTION_IN, 300);
    pass(db, &south, 0, GH_DIRECTION_OUT, 250); /* so that the numbers differ */
    uint64_t passage = pass(db, &south, ANNA, GH_DIRECTION_OUT, 200);
    expect(db, EAST, 0, "S anna out200 ");
    uint64_t known = number_for(db, EAST);
    leave_unused(db, &south, passage);
    assert_true(number_for(db, EAST) > known);
    /* and hears of the one before, which it never did */
    expect(db, EAST, known, "S anna out200 undone N anna in300 ");
    expect(db, NORTH, known, "S anna out200 undone ");
    expect(db, EAST, 0, "N anna in300 "); /* nothing to forget */
    expect(db, SOUTH, known, "N anna in300 ");
    /* twice, and about what is none, is nothing */
    known = number_for(db, EAST);
    leave_unused(db, &south, passage);
    leave_unused(db, &south, 999);
    leave_unused(db, &north, passage); /* another gate's number */
    assert_int_equal(number_for(db, EAST), known);
}

static void test_undone_with_nothing_before(void **state)
{
    struct gh_db *db = db_of(state);
    leave_unused(db, &north, pass(db, &north, ANNA, GH_DIRECTION_IN, 10));
    expect(db, SOUTH, 1, "N anna in10 undone ");
    expect(db, SOUTH, 0, "");
}

/* Out of the gap the gate says where somebody was, not where they are. */
static void test_what_fills_a_gap(void **state)
{
    struct gh_db *db = db_of(state);
    struct gh_db_item first = next_item(&north, GH_ENTRY_PASSAGE);
    first.subject = ANNA;
    first.direction = GH_DIRECTION_IN;
    first.time_ms = NOW * 1000;
    pass(db, &north, BEN, GH_DIRECTION_IN, 5);
    store(db, &north, &first, 1);
    expect(db, SOUTH, 0, "N ben in5 ");
}

/* The door may say so in the batch of the passage, or in a later one that fills a gap. */
static void test_unused_in_one_batch(void **state)
{
    struct gh_db *db = db_of(state);
    struct gh_db_item items[2];
    items[0] = next_item(&north, GH_ENTRY_PASSAGE);
    items[0].subject = ANNA;
    items[0].direction = GH_DIRECTION_IN;
    items[0].time_ms = NOW * 1000;
    items[1] = next_item(&north, GH_ENTRY_DOOR);
    items[1].unused = items[0].sequence;
    store(db, &north, items, 2);
    expect(db, SOUTH, 0, "");
    expect(db, SOUTH, 1, "N anna in0 undone ");
}

static void test_a_busy_person_is_a_few_rows(void **state)
{
    struct gh_db *db = db_of(state);
    for (int i = 0; i < 100; i++)
        pass(db, i % 2 ? &north : &south, ANNA, i % 2 ? GH_DIRECTION_IN : GH_DIRECTION_OUT,
             200 - i);
    pass(db, &north, BEN, GH_DIRECTION_IN, 3);
    assert_int_equal(count_rows(state, "SELECT count(*) FROM news"), 9);
    expect(db, EAST, 0, "N anna in101 N ben in3 ");
}

/* What is rolled back was never said; what follows has a number of its own. */
static void test_numbers_are_of_what_is_committed(void **state)
{
    struct gh_db *db = db_of(state);
    struct gh_db_group group;
    struct gh_db_batch result;
    struct chain before = north;
    struct gh_db_item item = next_item(&north, GH_ENTRY_PASSAGE);
    item.subject = ANNA;
    item.direction = GH_DIRECTION_IN;
    item.time_ms = NOW * 1000;
    assert_int_equal(gh_db_group_begin(db, &group), GH_OK);
    assert_int_equal(gh_db_group_put(&group, NORTH, &item, 1, NOW, &result), GH_OK);
    assert_int_equal(number_for(db, SOUTH), 0); /* not before it is durable */
    group.lost = GH_ERR_IO;
    assert_int_equal(gh_db_group_end(&group), GH_ERR_IO);
    assert_int_equal(number_for(db, SOUTH), 0);
    expect(db, SOUTH, 0, "");
    north = before;
    pass(db, &north, ANNA, GH_DIRECTION_IN, 5);
    assert_int_equal(number_for(db, SOUTH), 1);
}

/* One batch of a group fails in the middle; what the others said counts. */
static void test_a_batch_that_fails_says_nothing(void **state)
{
    struct gh_db *db = db_of(state);
    struct gh_db_group group;
    struct gh_db_batch result;
    struct gh_db_item lost[3], good = next_item(&north, GH_ENTRY_PASSAGE);
    for (size_t i = 0; i < GH_ARRAY_SIZE(lost); i++)
        lost[i] = next_item(&south, GH_ENTRY_PASSAGE);
    lost[0].subject = good.subject = ANNA;
    lost[0].direction = good.direction = GH_DIRECTION_IN;
    lost[0].time_ms = good.time_ms = NOW * 1000;
    lost[1].alarm = GH_ALARM_FIRE;
    lost[1].alarm_text = "fire";
    lost[2].text = NULL; /* the table takes none such */
    assert_int_equal(gh_db_group_begin(db, &group), GH_OK);
    assert_int_not_equal(gh_db_group_put(&group, SOUTH, lost, 3, NOW, &result), GH_OK);
    assert_int_equal(gh_db_group_put(&group, NORTH, &good, 1, NOW, &result), GH_OK);
    assert_int_equal(gh_db_group_end(&group), GH_OK);
    const struct gh_db_news news = gh_db_news_now(db);
    assert_int_equal(news.moved, 1);
    assert_true(news.moved_at == NORTH);
    assert_int_equal(news.moved_before, 0);
    uint64_t raised[GH_ALARM_END];
    gh_db_alarms_raised(db, raised);
    assert_int_equal(raised[GH_ALARM_FIRE], 0);
}

/* Other connections' movements are known to all. */
static void test_beside(void **state)
{
    struct gh_db *db = db_of(state), *other;
    assert_int_equal(gh_db_open_beside(db, true, &other, NULL), GH_OK);
    pass(other, &north, ANNA, GH_DIRECTION_IN, 5);
    assert_int_equal(number_for(db, SOUTH), 1);
    expect(db, SOUTH, 0, "N anna in5 ");
    gh_db_close(other);
}

static void test_numbers_go_on_after_a_restart(void **state)
{
    struct fixture *fixture = *state;
    pass(fixture->db, &north, ANNA, GH_DIRECTION_IN, 5);
    pass(fixture->db, &north, BEN, GH_DIRECTION_IN, 5);
    assert_int_equal(gh_db_news_drop(fixture->db, NOW + 2 * FORGIVE_S, 0, 100), GH_OK);
    assert_int_equal(count_rows(state, "SELECT count(*) FROM news"), 0);
    reopen(state);
    gh_db_movements_keep(fixture->db, FORGIVE_S);
    assert_int_equal(number_for(fixture->db, NORTH), 2); /* for all: who knows it is not woken */
    pass(fixture->db, &south, ANNA, GH_DIRECTION_IN, 5);
    assert_int_equal(number_for(fixture->db, NORTH), 3);
    assert_int_equal(number_for(fixture->db, SOUTH), 2);
}

/* Numbers as they merge, in whatever order commits are told. */
static void test_the_last_of_another_gate(void **state)
{
    struct gh_db *db = db_of(state);
    pass(db, &north, ANNA, GH_DIRECTION_IN, 9); /* 1 */
    pass(db, &south, ANNA, GH_DIRECTION_IN, 8); /* 2 */
    pass(db, &south, ANNA, GH_DIRECTION_IN, 7); /* 3 */
    assert_int_equal(number_for(db, SOUTH), 1);
    assert_int_equal(number_for(db, NORTH), 3);
    pass(db, &east, ANNA, GH_DIRECTION_IN, 6); /* 4 */
    assert_int_equal(number_for(db, EAST), 3);
    assert_int_equal(number_for(db, SOUTH), 4);
}

static void test_pages(void **state)
{
    struct gh_db *db = db_of(state);
    for (gh_id person = 1; person <= 30; person++)
        pass(db, &north, person, GH_DIRECTION_IN, 5);
    struct heard heard = {.count = 0};
    assert_int_equal(gh_db_news_read(db, SOUTH, 0, INT64_MAX, NOW, 10, hear, &heard), GH_OK);
    assert_int_equal(heard.count, 10);
    assert_int_equal(gh_db_news_read(db, SOUTH, heard.last, 25, NOW, 100, hear, &heard), GH_OK);
    assert_int_equal(heard.count, 25);
}

/* --- trimming --- */

static void test_steps_are_bounded(void **state)
{
    struct gh_db *db = db_of(state);
    for (gh_id person = 1; person <= 10; person++)
        pass(db, &north, person, GH_DIRECTION_IN, 5);
    assert_int_equal(gh_db_news_drop(db, NOW + 2 * FORGIVE_S, 0, 4), GH_OK);
    assert_int_equal(count_rows(state, "SELECT count(*) FROM news"), 6);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        NEWS(test_others_hear_of_it),
        NEWS(test_what_is_no_movement),
        NEWS(test_nothing_is_later_than_now),
        NEWS(test_the_last_one_alone),
        NEWS(test_undone),
        NEWS(test_undone_with_nothing_before),
        NEWS(test_what_fills_a_gap),
        NEWS(test_unused_in_one_batch),
        NEWS(test_a_busy_person_is_a_few_rows),
        NEWS(test_numbers_are_of_what_is_committed),
        NEWS(test_a_batch_that_fails_says_nothing),
        NEWS(test_beside),
        NEWS(test_numbers_go_on_after_a_restart),
        NEWS(test_the_last_of_another_gate),
        NEWS(test_pages),
        NEWS(test_steps_are_bounded),
    };
    return cmocka_run_group_tests_name("server_db_news", tests, NULL, NULL);
}
