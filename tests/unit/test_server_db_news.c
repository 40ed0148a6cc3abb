/* SPDX-License-Identifier: Apache-2.0 */
/* News in the database: movements as entries make them, announcements, what each gate hears. */
#include "test_server_db.h"

#define NORTH UINT64_C(0xfedcba9876543210)
#define SOUTH UINT64_C(0x0123456789abcdef)
#define EAST UINT64_C(0x00000000000000e1)
#define ANNA UINT64_C(0xa11a)
#define BEN UINT64_C(0x8000000000000b0b)
#define NOW INT64_C(1600000000)
#define FORGIVE_S 3600

/* --- gates and their chains --- */

struct chain {
    gh_id gate;
    uint64_t last;
    uint8_t head[GH_SHA256_BYTES];
};
static struct chain north, south, east;

static void begin_chain(struct gh_db *db, struct chain *chain, gh_id id)
{
    struct gh_db_gate gate = {.id = id, .name = "a gate"};
    const uint8_t secret[GH_SHA256_BYTES] = {1};
    assert_int_equal(gh_db_gate_add(db, &gate, 1), GH_OK);
    assert_int_equal(gh_db_gate_enrol(db, id, secret, 1), GH_OK);
    *chain = (struct chain){.gate = id};
}

static int set_up_gates(void **state)
{
    set_up(state);
    gh_db_movements_keep(db_of(state), FORGIVE_S);
    begin_chain(db_of(state), &north, NORTH);
    begin_chain(db_of(state), &south, SOUTH);
    begin_chain(db_of(state), &east, EAST);
    return 0;
}

/* The next entry of the chain, or the one behind a gap. */
static struct gh_db_item next_item(struct chain *chain, enum gh_entry_type type)
{
    struct gh_db_item item = {
        .sequence = ++chain->last, .text = "{}", .text_size = 2, .type = type};
    memcpy(item.previous, chain->head, sizeof(chain->head));
    gh_random(item.hash, sizeof(item.hash));
    memcpy(chain->head, item.hash, sizeof(chain->head));
    return item;
}

static void store(struct gh_db *db, const struct chain *chain, struct gh_db_item *items,
                  size_t count)
{
    struct gh_db_group group;
    struct gh_db_batch result;
    assert_int_equal(gh_db_group_begin(db, &group), GH_OK);
    assert_int_equal(gh_db_group_put(&group, chain->gate, items, count, NOW, &result), GH_OK);
    assert_int_equal(gh_db_group_end(&group), GH_OK);
    assert_int_equal(result.stored, count);
}

static uint64_t pass_at(struct gh_db *db, struct chain *chain, gh_id subject,
                        enum gh_direction direction, int64_t time_ms)
{
    struct gh_db_item item = next_item(chain, GH_ENTRY_PASSAGE);
    item.subject = subject;
    item.direction = direction;
    item.time_ms = time_ms;
    store(db, chain, &item, 1);
    return item.sequence;
}

/* So many seconds ago. */
static uint64_t pass(struct gh_db *db, struct chain *chain, gh_id subject,
                     enum gh_direction direction, int64_t ago_s)
{
    return pass_at(db, chain, subject, direction, (NOW - ago_s) * 1000);
}

static void leave_unused(struct gh_db *db, struct chain *chain, uint64_t about)
{
    struct gh_db_item item = next_item(chain, GH_ENTRY_DOOR);
    item.unused = about;
    store(db, chain, &item, 1);
}

/* --- what a gate hears --- */

struct heard {
    char text[2048];
    size_t count;
    uint64_t last;
};

static bool hear(void *context, const struct gh_db_news_row *row)
{
    struct heard *heard = context;
    size_t used = strlen(heard->text);
    assert_true(row->number > heard->last);
    heard->last = row->number;
    heard->count++;
    if (row->announcement.size > 0)
        snprintf(heard->text + used, sizeof(heard->text) - used, "\"%.*s\" ",
                 (int)row->announcement.size, (const char *)row->announcement.data);
    else
        snprintf(heard->text + used, sizeof(heard->text) - used, "%s %s %s%lld%s ",
                 row->gate == NORTH   ? "N"
                 : row->gate == SOUTH ? "S"
                                      : "E",
                 row->subject == ANNA ? "anna" : "ben",
                 row->direction == GH_DIRECTION_IN ? "in" : "out",
                 (long long)(NOW - row->at_ms / 1000), row->undone ? " undone" : "");
    return true;
}

static struct heard news_at(struct gh_db *db, gh_id gate, uint64_t after, int64_t now)
{
    struct heard heard = {.count = 0};
    assert_int_equal(gh_db_news_read(db, gate, after, INT64_MAX, now, 100, hear, &heard), GH_OK);
    return heard;
}

static void expect(struct gh_db *db, gh_id gate, uint64_t after, const char *text)
{
    struct heard heard = news_at(db, gate, after, NOW);
    assert_string_equal(heard.text, text);
}

static uint64_t number_for(struct gh_db *db, gh_id gate)
{
    const struct gh_db_news news = gh_db_news_now(db);
    return gh_db_news_number(&news, gate);
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

static int64_t count_rows(void **state, const char *sql)
{
    const struct fixture *fixture = *state;
    sqlite3 *other;
    sqlite3_stmt *row;
    assert_int_equal(sqlite3_open(fixture->path, &other), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(other, sql, -1, &row, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(row), SQLITE_ROW);
    int64_t count = sqlite3_column_int64(row, 0);
    sqlite3_finalize(row);
    sqlite3_close(other);
    return count;
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

/* --- announcements --- */

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

/* --- trimming --- */

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

static void test_steps_are_bounded(void **state)
{
    struct gh_db *db = db_of(state);
    for (gh_id person = 1; person <= 10; person++)
        pass(db, &north, person, GH_DIRECTION_IN, 5);
    assert_int_equal(gh_db_news_drop(db, NOW + 2 * FORGIVE_S, 0, 4), GH_OK);
    assert_int_equal(count_rows(state, "SELECT count(*) FROM news"), 6);
}

/* --- from schema 4 --- */

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

#define NEWS(name) cmocka_unit_test_setup_teardown(name, set_up_gates, tear_down)

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
        NEWS(test_announcements_to_one_and_all),
        NEWS(test_cancelled),
        NEWS(test_so_many_are_alive),
        NEWS(test_what_became_of_it),
        NEWS(test_which_are_read),
        NEWS(test_what_is_old_goes),
        NEWS(test_steps_are_bounded),
        NEWS(test_an_upgrade),
    };
    return cmocka_run_group_tests_name("server_db_news", tests, NULL, NULL);
}
