/* SPDX-License-Identifier: Apache-2.0 */
/* For the tests of news in the database: three gates, their chains, and what each of them hears. */
#ifndef GATEHOUSE_TESTS_SERVER_DB_NEWS_H
#define GATEHOUSE_TESTS_SERVER_DB_NEWS_H

#include "server/db_entries.h"
#include "server/db_news.h"
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

static inline void begin_chain(struct gh_db *db, struct chain *chain, gh_id id)
{
    struct gh_db_gate gate = {.id = id, .name = "a gate"};
    const uint8_t secret[GH_SHA256_BYTES] = {1};
    assert_int_equal(gh_db_gate_add(db, &gate, 1), GH_OK);
    assert_int_equal(gh_db_gate_enrol(db, id, secret, 1), GH_OK);
    *chain = (struct chain){.gate = id};
}

static inline int set_up_gates(void **state)
{
    set_up(state);
    gh_db_movements_keep(db_of(state), FORGIVE_S);
    begin_chain(db_of(state), &north, NORTH);
    begin_chain(db_of(state), &south, SOUTH);
    begin_chain(db_of(state), &east, EAST);
    return 0;
}

/* The next entry of the chain, or the one behind a gap. */
static inline struct gh_db_item next_item(struct chain *chain, enum gh_entry_type type)
{
    struct gh_db_item item = {
        .sequence = ++chain->last, .text = "{}", .text_size = 2, .type = type};
    memcpy(item.previous, chain->head, sizeof(chain->head));
    gh_random(item.hash, sizeof(item.hash));
    memcpy(chain->head, item.hash, sizeof(chain->head));
    return item;
}

static inline void store(struct gh_db *db, const struct chain *chain, struct gh_db_item *items,
                         size_t count)
{
    struct gh_db_group group;
    struct gh_db_batch result;
    assert_int_equal(gh_db_group_begin(db, &group), GH_OK);
    assert_int_equal(gh_db_group_put(&group, chain->gate, items, count, NOW, &result), GH_OK);
    assert_int_equal(gh_db_group_end(&group), GH_OK);
    assert_int_equal(result.stored, count);
}

static inline uint64_t pass_at(struct gh_db *db, struct chain *chain, gh_id subject,
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
static inline uint64_t pass(struct gh_db *db, struct chain *chain, gh_id subject,
                            enum gh_direction direction, int64_t ago_s)
{
    return pass_at(db, chain, subject, direction, (NOW - ago_s) * 1000);
}

/* --- what a gate hears --- */

struct heard {
    char text[2048];
    size_t count;
    uint64_t last;
};

static inline bool hear(void *context, const struct gh_db_news_row *row)
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

static inline struct heard news_at(struct gh_db *db, gh_id gate, uint64_t after, int64_t now)
{
    struct heard heard = {.count = 0};
    assert_int_equal(gh_db_news_read(db, gate, after, INT64_MAX, now, 100, hear, &heard), GH_OK);
    return heard;
}

static inline void expect(struct gh_db *db, gh_id gate, uint64_t after, const char *text)
{
    struct heard heard = news_at(db, gate, after, NOW);
    assert_string_equal(heard.text, text);
}

static inline uint64_t number_for(struct gh_db *db, gh_id gate)
{
    const struct gh_db_news news = gh_db_news_now(db);
    return gh_db_news_number(&news, gate);
}

static inline int64_t count_rows(void **state, const char *sql)
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

#define NEWS(name) cmocka_unit_test_setup_teardown(name, set_up_gates, tear_down)

#endif
