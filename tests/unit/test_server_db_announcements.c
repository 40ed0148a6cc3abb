/* SPDX-License-Identifier: Apache-2.0 */
/* Announcements in the database: to whom, cancelled, what became of them, and when they go. */
#include "test_server_db_news.h"

static struct gh_db_announcement announcement_of(gh_id id, gh_id gate, const char *signature)
{
    return (struct gh_db_announcement){
        .said = {.id = id,
                 .gate = gate,
                 .sha256 = {1, 2, 3},
                 .bytes = 44,
                 .from_s = NOW - 300,
                 .until_s = NOW + 600,
                 .repeat = 2},
        .sent_at = NOW,
        .ms = 1500,
        .text = "Please leave",
        .signature = {(const uint8_t *)signature, strlen(signature)},
    };
}

static uint64_t announce(struct gh_db *db, gh_id id, gh_id gate, const char *signature)
{
    const struct gh_db_announcement announcement = announcement_of(id, gate, signature);
    uint64_t number;
    assert_int_equal(gh_db_announcement_add(db, &announcement, &number), GH_OK);
    return number;
}

static void test_announcements_to_one_and_all(void **state)
{
    struct gh_db *db = db_of(state);
    assert_int_equal(announce(db, 7, 0, "all"), 1);
    assert_int_equal(announce(db, 8, NORTH, "north"), 2);
    expect(db, NORTH, 0, "\"all\" \"north\" ");
    expect(db, SOUTH, 0, "\"all\" ");
    expect(db, NORTH, 1, "\"north\" ");
    assert_int_equal(number_for(db, SOUTH), 1); /* what is for one gate, its keeper knows */
    struct heard late = news_at(db, NORTH, 0, NOW + 600);
    assert_int_equal(late.count, 0);
    pass(db, &south, ANNA, GH_DIRECTION_IN, 5);
    expect(db, NORTH, 1, "\"north\" S anna in5 ");
    gh_db_movements_keep(db, 0);
    expect(db, NORTH, 1, "\"north\" ");
}

static void test_cancelled(void **state)
{
    struct gh_db *db = db_of(state);
    const struct gh_bytes again = {(const uint8_t *)"signed anew", 11},
                          no = {(const uint8_t *)"cancelled", 9};
    uint64_t number;
    announce(db, 7, 0, "all");
    announce(db, 8, NORTH, "north");
    assert_int_equal(gh_db_announcement_sign(db, 7, again, false, &number), GH_OK);
    expect(db, SOUTH, 0, "\"signed anew\" ");
    expect(db, SOUTH, 1, ""); /* that is not news */
    assert_int_equal(gh_db_announcement_sign(db, 7, no, true, &number), GH_OK);
    assert_int_equal(number, 3);
    assert_int_equal(number_for(db, SOUTH), 3);
    expect(db, SOUTH, 1, "\"cancelled\" ");
    expect(db, NORTH, 0, "\"north\" \"cancelled\" ");
    assert_int_equal(gh_db_announcement_sign(db, 9, no, true, &number), GH_ERR_NOTFOUND);
}

static void test_so_many_are_alive(void **state)
{
    struct gh_db *db = db_of(state);
    uint64_t number;
    const struct gh_bytes no = {(const uint8_t *)"no", 2};
    for (gh_id id = 1; id <= GH_ANNOUNCEMENTS_MAX; id++)
        announce(db, id, 0, "x");
    struct gh_db_announcement more = announcement_of(99, 0, "x");
    assert_int_equal(gh_db_announcement_add(db, &more, &number), GH_ERR_TOOBIG);
    assert_int_equal(gh_db_announcement_sign(db, 3, no, true, &number), GH_OK);
    assert_int_equal(gh_db_announcement_add(db, &more, &number), GH_OK);
    more.said.id = 100;
    assert_int_equal(gh_db_announcement_add(db, &more, &number), GH_ERR_TOOBIG);
    more.sent_at = NOW + 600; /* the others have expired */
    more.said.until_s = NOW + 700;
    assert_int_equal(gh_db_announcement_add(db, &more, &number), GH_OK);
}

struct seen {
    struct gh_db_announcement list[8];
    char text[8][64];
    size_t count;
};

static bool see(void *context, const struct gh_db_announcement *announcement)
{
    struct seen *seen = context;
    assert_true(seen->count < 8);
    snprintf(seen->text[seen->count], sizeof(seen->text[0]), "%s", announcement->text);
    seen->list[seen->count++] = *announcement;
    return true;
}

static void say(struct gh_db *db, struct chain *chain, gh_id id, enum gh_announcement_event event)
{
    struct gh_db_item item = next_item(chain, GH_ENTRY_ANNOUNCEMENT);
    item.announcement = id;
    item.announced = event;
    store(db, chain, &item, 1);
}

static void test_what_became_of_it(void **state)
{
    struct gh_db *db = db_of(state);
    struct seen seen = {.count = 0};
    announce(db, 7, 0, "x");
    say(db, &north, 7, GH_ANNOUNCEMENT_PLAYED);
    say(db, &north, 7, GH_ANNOUNCEMENT_FAILED); /* a gate says it once */
    say(db, &south, 7, GH_ANNOUNCEMENT_SILENT);
    say(db, &east, 7, GH_ANNOUNCEMENT_PLAYED);
    say(db, &east, 1234, GH_ANNOUNCEMENT_PLAYED); /* none that is known */
    assert_int_equal(gh_db_announcements_read(db, 0, INT64_MIN, see, &seen), GH_OK);
    assert_int_equal(seen.count, 1);
    const struct gh_db_announcement *one = &seen.list[0];
    assert_true(one->said.id == 7 && one->said.gate == 0 && !one->said.cancelled);
    assert_int_equal(one->said.repeat, 2);
    assert_int_equal(one->said.bytes, 44);
    assert_int_equal(one->said.from_s, NOW - 300);
    assert_int_equal(one->said.until_s, NOW + 600);
    assert_int_equal(one->said.sha256[2], 3);
    assert_int_equal(one->ms, 1500);
    assert_int_equal(one->sent_at, NOW);
    assert_string_equal(seen.text[0], "Please leave");
    assert_int_equal(one->told[GH_ANNOUNCEMENT_PLAYED], 2);
    assert_int_equal(one->told[GH_ANNOUNCEMENT_SILENT], 1);
    assert_int_equal(one->told[GH_ANNOUNCEMENT_FAILED], 0);
    assert_int_equal(one->told[GH_ANNOUNCEMENT_EXPIRED], 0);
}

static void test_which_are_read(void **state)
{
    struct gh_db *db = db_of(state);
    struct seen seen = {.count = 0};
    announce(db, 7, 0, "x");
    struct gh_db_announcement later = announcement_of(8, SOUTH, "y");
    uint64_t number;
    later.sent_at++;
    later.said.until_s = NOW + 900;
    assert_int_equal(gh_db_announcement_add(db, &later, &number), GH_OK);
    assert_int_equal(gh_db_announcements_read(db, 0, INT64_MIN, see, &seen), GH_OK);
    assert_int_equal(seen.count, 2);
    assert_true(seen.list[0].said.id == 8 && seen.list[0].said.gate == SOUTH);
    seen.count = 0;
    assert_int_equal(gh_db_announcements_read(db, 0, NOW + 600, see, &seen), GH_OK);
    assert_int_equal(seen.count, 1);
    seen.count = 0;
    assert_int_equal(gh_db_announcements_read(db, 7, INT64_MIN, see, &seen), GH_OK);
    assert_int_equal(seen.count, 1);
    assert_true(seen.list[0].said.id == 7);
    assert_int_equal(gh_db_announcements_read(db, 9, INT64_MIN, see, &seen), GH_OK);
    assert_int_equal(seen.count, 1);
}

/* --- with movements among them --- */

static void test_what_is_old_goes(void **state)
{
    struct gh_db *db = db_of(state);
    struct seen seen = {.count = 0};
    announce(db, 7, 0, "x");
    say(db, &north, 7, GH_ANNOUNCEMENT_PLAYED);
    pass(db, &north, ANNA, GH_DIRECTION_IN, 100);
    pass(db, &north, BEN, GH_DIRECTION_IN, 50);
    assert_int_equal(gh_db_news_drop(db, NOW, NOW, 100), GH_OK);
    assert_int_equal(count_rows(state, "SELECT count(*) FROM news"), 3);
    assert_int_equal(gh_db_news_drop(db, NOW + FORGIVE_S - 99, NOW, 100), GH_OK);
    assert_int_equal(count_rows(state, "SELECT count(*) FROM news"), 1); /* Ben's */
    /* it is kept that it was sent, and what came of it */
    assert_int_equal(gh_db_announcements_read(db, 0, INT64_MIN, see, &seen), GH_OK);
    assert_int_equal(seen.count, 1);
    assert_int_equal(gh_db_news_drop(db, NOW + FORGIVE_S, NOW + 1, 100), GH_OK);
    assert_int_equal(count_rows(state, "SELECT count(*) FROM announcements"), 0);
    assert_int_equal(count_rows(state, "SELECT count(*) FROM announced"), 0);
    gh_db_movements_keep(db, 0); /* who turned it off wants none kept */
    assert_int_equal(gh_db_news_drop(db, NOW, 0, 100), GH_OK);
    assert_int_equal(count_rows(state, "SELECT count(*) FROM news"), 0);
}

static void test_an_upgrade(void **state)
{
    struct fixture *fixture = *state;
    gh_db_close(fixture->db);
    outside(state, "DROP TABLE news; DROP TABLE announced; DROP TABLE announcements;"
                   "PRAGMA user_version = 4;");
    assert_int_equal(gh_db_open(fixture->path, &fixture->db, NULL), GH_OK);
    gh_db_movements_keep(fixture->db, FORGIVE_S);
    assert_int_equal(number_for(fixture->db, NORTH), 0);
    pass(fixture->db, &north, ANNA, GH_DIRECTION_IN, 5);
    announce(fixture->db, 7, 0, "all");
    reopen(state);
    gh_db_movements_keep(fixture->db, FORGIVE_S);
    expect(fixture->db, SOUTH, 0, "N anna in5 \"all\" ");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        NEWS(test_announcements_to_one_and_all),
        NEWS(test_cancelled),
        NEWS(test_so_many_are_alive),
        NEWS(test_what_became_of_it),
        NEWS(test_which_are_read),
        NEWS(test_what_is_old_goes),
        NEWS(test_an_upgrade),
    };
    return cmocka_run_group_tests_name("server_db_announcements", tests, NULL, NULL);
}
