/* SPDX-License-Identifier: Apache-2.0 */
/* courier_entries.c: every entry goes out, whatever became of the files. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <inttypes.h>
#include <jansson.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "courier_scene.h"
#include "gatehouse/file.h"

static void write_note(const char *text)
{
    char path[PATH_MAX];

    fixture_path(&desk.fixture, "acknowledged", path);
    assert_int_equal(gh_file_replace(path, 0600, text, strlen(text), NULL), GH_OK);
}

/* Whatever became of the note: no entry is left behind. At worst some are sent twice. */
static void test_note(void **state)
{
    (void)state;
    static const char *const notes[] = {
        "",
        "garbage",
        "00000000000000a1",
        "00000000000000a1 \n",
        "00000000000000a2 3\n",  /* of another gate */
        "00000000000000a1 99\n", /* of a journal that was lost since */
        "00000000000000a1 -1\n",
        "00000000000000a1 18446744073709551615\n",
        "00000000000000a1 99999999999999999999999\n",
        "00000000000000a1 0000000000000000000000000000000000000000000000000000000000000003\n",
    };

    desk_append(&desk, 4);
    for (size_t i = 0; i < GH_ARRAY_SIZE(notes); i++) {
        write_note(notes[i]);
        desk.entries.known = 0;
        gh_fake_transport_forget(&desk.server);
        desk_serve_entries(&desk, GH_FAKE_FOREVER);
        desk_start(&desk);
        desk_run_ms(&desk, 1000);
        if (desk.entries.known != 4)
            fail_msg("\"%s\": only %" PRIu64, notes[i], desk.entries.known);
        desk_stop(&desk);
    }
}

static void test_note_cannot_be_saved(void **state)
{
    (void)state;
    struct gh_journal *gates = NULL; /* the gate has it open: there is a log to read from */
    char path[PATH_MAX];

    desk_append(&desk, 2);
    assert_int_equal(gh_courier_journal_path(desk.fixture.dir, FIXTURE_GATE, path), GH_OK);
    assert_int_equal(gh_journal_open(path, &gates, NULL), GH_OK);
    desk_start(&desk);
    desk_serve_entries(&desk, GH_FAKE_FOREVER);
    fixture_forbid_writing();
    desk_run_ms(&desk, 1000);
    fixture_empty_disk();
    assert_int_equal(desk.entries.known, 2);
    gh_journal_close(gates);
    desk_append(&desk, 1);
    desk_run_ms(&desk, 1000);
    assert_int_equal(desk_asked(&desk, ENTRIES_PATH),
                     2); /* it knows all the same, as long as it runs */
    desk_assert_batch(&desk, 1, 3, 1);
}

/* The journal was put away, damaged, while the courier had read it: a new chain begins at 1. */
static void test_new_journal(void **state)
{
    (void)state;
    char path[PATH_MAX], name[PATH_MAX + 8];
    static const char *const suffixes[] = {"", "-wal", "-shm"};

    desk_append(&desk, 5);
    desk_start(&desk);
    desk_serve_entries(&desk, GH_FAKE_FOREVER);
    desk_run_ms(&desk, 1000);
    assert_int_equal(desk.entries.known, 5);
    desk_stop(&desk);
    assert_int_equal(gh_courier_journal_path(desk.fixture.dir, FIXTURE_GATE, path), GH_OK);
    for (size_t i = 0; i < GH_ARRAY_SIZE(suffixes); i++) {
        snprintf(name, sizeof(name), "%s%s", path, suffixes[i]);
        unlink(name);
    }
    desk_append(&desk, 2);
    desk.entries.known = 0;
    gh_fake_transport_forget(&desk.server); /* nobody is there just then */
    desk_start(&desk);
    desk_run_ms(&desk, 1000);
    desk_stop(&desk);
    desk_append(&desk, 5); /* and it has grown longer than the old note */
    desk_start(&desk);
    desk_serve_entries(&desk, GH_FAKE_FOREVER);
    desk_run_ms(&desk, 1000);
    assert_int_equal(desk.entries.known, 7); /* the server says what it thinks of them */
}

static void test_damaged_journal(void **state)
{
    (void)state;
    char path[PATH_MAX];

    assert_int_equal(gh_courier_journal_path(desk.fixture.dir, FIXTURE_GATE, path), GH_OK);
    assert_int_equal(gh_file_replace(path, 0600, "not a journal at all", 20, NULL), GH_OK);
    desk_start(&desk);
    desk_serve_entries(&desk, GH_FAKE_FOREVER);
    desk_offer_list(&desk, 1);
    desk_run_ms(&desk, 60000);
    assert_int_equal(desk_asked(&desk, ENTRIES_PATH), 0);
    assert_int_equal(desk_count_events(&desk, GH_COURIER_LIST), 1);
    assert_int_equal(unlink(path), 0);
    desk_append(&desk, 1);
    desk_run_ms(&desk, 120000);
    assert_int_equal(desk.entries.known, 1);
}

/* One row was spoiled on the card: it is said so, and those behind it go out. */
static void test_spoiled_row(void **state)
{
    (void)state;
    static const char *const spoils[] = {
        "UPDATE entry SET body = replace(body, 'passage', 'passgae') WHERE sequence = 2",
        "UPDATE entry SET body = substr(body, 1, 40) WHERE sequence = 2",
        "UPDATE entry SET body = replace(body, '\"seq\":2', '\"seq\":3') WHERE sequence = 2",
        "UPDATE entry SET body = replace(body, ',', ' ,') WHERE sequence = 2",
        "UPDATE entry SET body = body || ' ' WHERE sequence = 2",
        "UPDATE entry SET body = hex(zeroblob(500000)) WHERE sequence = 2",
    };
    char path[PATH_MAX];
    sqlite3 *db = NULL;

    assert_int_equal(gh_courier_journal_path(desk.fixture.dir, FIXTURE_GATE, path), GH_OK);
    for (size_t i = 0; i < GH_ARRAY_SIZE(spoils); i++) {
        fixture_append(&desk.fixture, 3);
        assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
        assert_int_equal(sqlite3_exec(db, spoils[i], NULL, NULL, NULL), SQLITE_OK);
        assert_int_equal(sqlite3_close(db), SQLITE_OK);
        gh_fake_transport_forget(&desk.server);
        desk_answer(&desk, ENTRIES_PATH, 200,
                    "{\"acknowledged\": 3, \"stored\": 2, \"known\": 0, \"refused\": []}");
        desk_start(&desk);
        desk_run_ms(&desk, 100);
        assert_int_equal(desk_asked(&desk, ENTRIES_PATH), 1);
        const struct gh_fake_request *request =
            gh_fake_transport_request(&desk.server, ENTRIES_PATH, 0);
        json_t *body = json_loadb((const char *)request->body, request->size, 0, NULL);
        const json_t *list = json_object_get(body, "entries");
        assert_int_equal(json_array_size(list), 3);
        for (int k = 0; k < 3; k += 2)
            assert_int_equal(
                json_integer_value(json_object_get(json_array_get(list, (size_t)k), "seq")), k + 1);
        /* A change within a text cannot be told from here: its hash tells the server. */
        if (i > 0)
            assert_true(json_is_string(json_array_get(list, 1)));
        json_decref(body);
        desk_stop(&desk);
        desk_destroy(&desk);
        desk_init(&desk);
        assert_int_equal(gh_courier_journal_path(desk.fixture.dir, FIXTURE_GATE, path), GH_OK);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_note, setup, teardown),
        cmocka_unit_test_setup_teardown(test_note_cannot_be_saved, setup, teardown),
        cmocka_unit_test_setup_teardown(test_new_journal, setup, teardown),
        cmocka_unit_test_setup_teardown(test_damaged_journal, setup, teardown),
        cmocka_unit_test_setup_teardown(test_spoiled_row, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
