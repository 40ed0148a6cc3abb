/* SPDX-License-Identifier: Apache-2.0 */
/* Two connections to one database, in two threads. */
#include "test_server_db.h"

#include <pthread.h>
#include <stdatomic.h>

static void test_each_sees_what_the_other_has_committed(void **state)
{
    struct gh_db *db = db_of(state), *beside = NULL;
    assert_int_equal(gh_db_open_beside(db, false, &beside, NULL), GH_OK);
    uint64_t before = generation(beside);
    assert_int_equal(gh_db_list_bump(db), GH_OK);
    assert_int_equal(generation(beside), before + 1);
    assert_int_equal(gh_db_list_bump(beside), GH_OK);
    assert_int_equal(generation(db), before + 2);
    gh_db_close(beside);
}

static void test_the_first_may_close_first(void **state)
{
    struct fixture *fixture = *state;
    struct gh_db *beside = NULL;
    assert_int_equal(gh_db_open_beside(fixture->db, false, &beside, NULL), GH_OK);
    gh_db_close(fixture->db);
    fixture->db = NULL;
    assert_int_equal(gh_db_list_bump(beside), GH_OK);
    assert_int_equal(gh_db_open_beside(beside, true, &fixture->db, NULL), GH_OK);
    gh_db_close(beside);
    assert_int_equal(gh_db_probe(fixture->db), GH_OK);
}

/* --- taking turns --- */

struct writer {
    struct gh_db *db;
    atomic_bool stop;
    atomic_ulong written;
};

static bool write_some(struct gh_db *db)
{
    enum gh_db_change change;
    bool good = gh_db_import_begin(db) == GH_OK;
    char name[GH_ID_TEXT_BYTES];
    gh_id_format(gh_random_id(), name);
    for (int i = 0; good && i < 100; i++) {
        char ref[16];
        snprintf(ref, sizeof(ref), "%d", i);
        good = gh_db_import_put(db, ref, name, GH_COLOUR_GREEN, &change) == GH_OK;
    }
    return good && gh_db_import_end(db, true) == GH_OK;
}

/* One transaction behind the other, as from a backlog of entries. */
static void *write_all_the_time(void *context)
{
    struct writer *writer = context;
    while (!atomic_load(&writer->stop) && write_some(writer->db))
        atomic_fetch_add(&writer->written, 1);
    return NULL;
}

#define TURNS 20
static void test_a_busy_writer_lets_the_other_write(void **state)
{
    struct writer writer = {0};
    pthread_t thread;
    assert_int_equal(gh_db_open_beside(db_of(state), true, &writer.db, NULL), GH_OK);
    assert_int_equal(pthread_create(&thread, NULL, write_all_the_time, &writer), 0);
    int in_turn = 0;
    for (int i = 0; i < TURNS; i++) {
        unsigned long from = atomic_load(&writer.written);
        while (atomic_load(&writer.written) == from) /* the other one is at it */
            sched_yield();
        from = atomic_load(&writer.written);
        assert_int_equal(gh_db_list_bump(db_of(state)), GH_OK);
        in_turn += atomic_load(&writer.written) - from <= 2;
    }
    /* Without yielding most of ours would wait for many of the other's. Not each is counted: the
     * processor may be somebody else's for a while. */
    assert_in_range(in_turn, TURNS / 2, TURNS);
    atomic_store(&writer.stop, true);
    assert_int_equal(pthread_join(thread, NULL), 0);
    gh_db_close(writer.db);
}

static void *end_later(void *context)
{
    struct timespec time = {.tv_nsec = 50000000};
    (void)nanosleep(&time, NULL);
    return gh_db_import_end(context, true) == GH_OK ? context : NULL;
}

static void test_waits_for_a_long_transaction(void **state)
{
    struct gh_db *beside = NULL;
    enum gh_db_change change;
    pthread_t thread;
    void *ended = NULL;
    assert_int_equal(gh_db_open_beside(db_of(state), false, &beside, NULL), GH_OK);
    assert_int_equal(gh_db_import_begin(beside), GH_OK);
    assert_int_equal(gh_db_import_put(beside, "a", "Ada", GH_COLOUR_GREEN, &change), GH_OK);
    uint64_t before = generation(db_of(state));
    assert_int_equal(pthread_create(&thread, NULL, end_later, beside), 0);
    assert_int_equal(gh_db_list_bump(db_of(state)), GH_OK);
    assert_int_equal(pthread_join(thread, &ended), 0);
    assert_ptr_equal(ended, beside);
    assert_int_equal(generation(db_of(state)), before + 2);
    gh_db_close(beside);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_each_sees_what_the_other_has_committed),
        TEST(test_the_first_may_close_first),
        TEST(test_a_busy_writer_lets_the_other_write),
        TEST(test_waits_for_a_long_transaction),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
