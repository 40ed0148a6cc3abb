/* SPDX-License-Identifier: Apache-2.0 */
/* courier_note.c: what was acknowledged, and the server's receipt for it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <inttypes.h>
#include <jansson.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fakes/courier_desk.h"
#include "gatehouse/file.h"

static struct desk desk;
static struct fixture *const fixture = &desk.fixture;

static int setup(void **state)
{
    (void)state;
    desk_init(&desk);
    desk.entries.receipts_by = fixture->list_key;
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    desk_destroy(&desk);
    return 0;
}

static void note_path(char path[PATH_MAX])
{
    fixture_path(fixture, "acknowledged", path);
}

/* The last one that the gate was told; NULL: none. */
static const struct gh_receipt *told(void)
{
    const struct gh_receipt *last = NULL;

    for (size_t i = 0; i < desk.event_count; i++) {
        if (desk.events[i].type == GH_COURIER_RECEIPT)
            last = &desk.events[i].receipt;
    }
    return last;
}

static void assert_told(uint64_t through)
{
    const struct gh_receipt *receipt = told();
    struct fixture_entries *entries = calloc(1, sizeof(*entries));
    uint8_t hash[GH_SHA256_BYTES];

    assert_non_null(receipt);
    assert_true(receipt->through == through);
    assert_int_equal(gh_receipt_verify(fixture->list_public, FIXTURE_GATE, receipt), GH_OK);
    fixture_read_journal(fixture, entries);
    const char *text = entries->text[through - 1];
    gh_entry_hash((struct gh_bytes){(const uint8_t *)text, strlen(text)}, hash);
    assert_memory_equal(hash, receipt->hash, sizeof(hash));
    fixture_free_entries(entries);
    free(entries);
}

/* --- receipts --- */

static void test_receipt(void **state)
{
    (void)state;

    desk_append(&desk, 3);
    desk_serve_entries(&desk, GH_FAKE_FOREVER);
    desk_start(&desk);
    desk_run_ms(&desk, 1000);
    assert_told(3);
    assert_int_equal(desk_count_events(&desk, GH_COURIER_RECEIPT), 1);
    desk_append(&desk, 1);
    desk_run_ms(&desk, 1000);
    assert_told(4);
    assert_int_equal(desk_count_events(&desk, GH_COURIER_RECEIPT), 2);
    desk_forget_events(&desk);
    desk_restart(&desk); /* kept, and told again without asking anybody */
    (void)desk_turn(&desk);
    assert_told(4);
    assert_int_equal(desk_asked(&desk, ENTRIES_PATH), 2);
    desk_run_ms(&desk, 120000);
    assert_int_equal(desk_count_events(&desk, GH_COURIER_RECEIPT), 1);
}

/* Acknowledged, but not receipted: some were refused, say. */
static void test_none(void **state)
{
    (void)state;

    desk.entries.receipts_by = NULL;
    desk_append(&desk, 3);
    desk_serve_entries(&desk, GH_FAKE_FOREVER);
    desk_start(&desk);
    desk_run_ms(&desk, 1000);
    assert_null(told());
    assert_int_equal(desk.entries.known, 3);
}

static void test_by_a_stranger(void **state)
{
    (void)state;

    desk.entries.receipts_by = fixture->stranger_key;
    desk_append(&desk, 3);
    desk_serve_entries(&desk, GH_FAKE_FOREVER);
    desk_start(&desk);
    desk_run_ms(&desk, 1000);
    assert_null(told());
    desk.entries.receipts_by = fixture->list_key;
    desk_append(&desk, 1); /* the acknowledgement was good all the same */
    desk_run_ms(&desk, 1000);
    desk_assert_batch(&desk, 1, 4, 1);
    assert_told(4);
}

/* An answer with a receipt of the test's making. */
static void answer_with(uint64_t acknowledged, const struct gh_receipt *receipt, const char *more)
{
    char text[1024], hash[65], signature[129];
    struct gh_fake_answer answer = {.path = ENTRIES_PATH, .body = text};

    gh_hex_encode(receipt->hash, sizeof(receipt->hash), hash);
    gh_hex_encode(receipt->signature, sizeof(receipt->signature), signature);
    snprintf(text, sizeof(text),
             "{\"acknowledged\": %" PRIu64 ", \"refused\": [], \"receipt\": {\"through\": %" PRIu64
             ", \"hash\": \"%s\", \"signature\": \"%s\"%s}}",
             acknowledged, receipt->through, hash, signature, more);
    gh_fake_transport_add(&desk.server, &answer);
    (void)desk_turn(&desk);
}

static struct gh_receipt receipt_for(uint64_t entry)
{
    struct gh_receipt receipt = {.through = entry};
    struct fixture_entries *entries = calloc(1, sizeof(*entries));

    fixture_read_journal(fixture, entries);
    const char *text = entries->text[entry - 1];
    gh_entry_hash((struct gh_bytes){(const uint8_t *)text, strlen(text)}, receipt.hash);
    fixture_free_entries(entries);
    free(entries);
    assert_int_equal(gh_receipt_sign(fixture->list_key, FIXTURE_GATE, &receipt), GH_OK);
    return receipt;
}

/* Truly signed, and not for our own entry, or not for this gate: nothing that may be pruned by. */
static void test_not_ours(void **state)
{
    (void)state;

    for (int way = 0; way < 6; way++) {
        char log[4096];
        desk_append(&desk, 4);
        struct gh_receipt receipt = receipt_for(3);
        desk_start(&desk);
        if (way == 0)
            receipt.hash[5] ^= 1; /* what the server has is something else */
        if (way == 1)
            receipt.through = 2; /* the hash of another one */
        if (way == 2)
            receipt.through = 9; /* not written yet */
        if (way < 3)
            assert_int_equal(gh_receipt_sign(fixture->list_key, FIXTURE_GATE, &receipt), GH_OK);
        if (way == 3)
            assert_int_equal(gh_receipt_sign(fixture->list_key, FIXTURE_GATE + 1, &receipt), GH_OK);
        if (way == 4)
            receipt.signature[9] ^= 1;
        if (way == 5)
            receipt.through = 0;
        fixture_capture_log(fixture);
        answer_with(4, &receipt, "");
        desk_run_ms(&desk, 1000);
        fixture_take_log(fixture, log, sizeof(log));
        assert_null(told());
        assert_true(way == 5 || strstr(log, "receipt") != NULL);
        desk_stop(&desk);
        (void)teardown(NULL);
        (void)setup(NULL);
    }
}

/* An earlier one, for what was receipted already: the newer stands. */
static void test_goes_not_back(void **state)
{
    (void)state;

    desk_append(&desk, 4);
    desk_start(&desk);
    struct gh_receipt third = receipt_for(3), fourth = receipt_for(4);
    answer_with(4, &fourth, "");
    desk_run_ms(&desk, 1000);
    assert_told(4);
    desk_append(&desk, 1);
    answer_with(5, &third, "");
    desk_run_ms(&desk, 1000);
    assert_told(4);
    desk_forget_events(&desk);
    desk_restart(&desk);
    (void)desk_turn(&desk);
    assert_told(4);
}

/* Beyond this batch, where our own note was lost: the entry is looked up. */
static void test_further_on(void **state)
{
    (void)state;

    desk_append(&desk, FIXTURE_ENTRIES_MAX);
    desk_start(&desk);
    struct gh_receipt receipt = receipt_for(510);
    answer_with(510, &receipt, "");
    desk_serve_entries(&desk, GH_FAKE_FOREVER);
    desk.entries.known = 510;
    desk.entries.receipts_by = NULL;
    desk_run_ms(&desk, 1000);
    assert_told(510);
}

/* The server's database was put back from a backup: what its receipt was for may be nowhere but
 * here. */
static void test_server_falls_back(void **state)
{
    (void)state;

    desk_append(&desk, 4);
    desk_start(&desk);
    struct gh_receipt third = receipt_for(3), fourth = receipt_for(4);
    answer_with(4, &fourth, "");
    desk_run_ms(&desk, 1000);
    assert_told(4);
    desk_append(&desk, 1);
    desk_answer(&desk, ENTRIES_PATH, 200, "{\"acknowledged\": 2, \"refused\": []}");
    desk_run_ms(&desk, 10);
    assert_int_equal(desk_count_events(&desk, GH_COURIER_RECEIPT), 2);
    assert_true(told()->through == 0);
    desk_forget_events(&desk);
    desk_restart(&desk);
    answer_with(4, &third, ""); /* less than before, and as good */
    desk_run_ms(&desk, 10000);
    assert_told(3);
    assert_int_equal(desk_count_events(&desk, GH_COURIER_RECEIPT), 1);
}

/* And whatever becomes of the gate then, it does not know of that receipt any more: by it, what the
 * server lost would be let go of here, too. */
static void test_falling_back_is_written(void **state)
{
    (void)state;
    GH_CLEANUP_FREE uint8_t *text = NULL;
    char path[PATH_MAX], gate[GH_ID_TEXT_BYTES], expected[64];
    size_t size;

    desk_append(&desk, 4);
    desk_start(&desk);
    struct gh_receipt fourth = receipt_for(4);
    answer_with(4, &fourth, "");
    desk_run_ms(&desk, 1000);
    desk_append(&desk, 1);
    desk_answer(&desk, ENTRIES_PATH, 200, "{\"acknowledged\": 2, \"refused\": []}");
    desk_run_ms(&desk, 10);
    note_path(path);
    assert_int_equal(gh_file_read(path, 512, &text, &size, NULL), GH_OK);
    gh_id_format(FIXTURE_GATE, gate);
    snprintf(expected, sizeof(expected), "%s 2\n", gate);
    assert_string_equal((const char *)text, expected);
}

/* Back to where the receipt reaches: that holds. */
static void test_server_falls_back_a_little(void **state)
{
    (void)state;

    desk_append(&desk, 4);
    desk_start(&desk);
    struct gh_receipt third = receipt_for(3);
    answer_with(4, &third, "");
    desk_run_ms(&desk, 1000);
    desk_append(&desk, 1);
    desk_answer(&desk, ENTRIES_PATH, 200, "{\"acknowledged\": 3, \"refused\": []}");
    desk_run_ms(&desk, 10);
    assert_told(3);
    assert_int_equal(desk_count_events(&desk, GH_COURIER_RECEIPT), 1);
}

/* The journal was lost, and the new one is longer by now than what was acknowledged of it. */
static void test_note_of_another_journal(void **state)
{
    (void)state;
    char path[PATH_MAX];
    struct gh_journal *journal = NULL;
    struct gh_entry entry = {.type = GH_ENTRY_START, .gate = FIXTURE_GATE};

    desk_append(&desk, 3);
    desk_serve_entries(&desk, GH_FAKE_FOREVER);
    desk_start(&desk);
    desk_run_ms(&desk, 1000);
    assert_told(3);
    desk_stop(&desk);
    assert_int_equal(gh_courier_journal_path(fixture->dir, FIXTURE_GATE, path), GH_OK);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(gh_journal_open(path, &journal, NULL), GH_OK);
    gh_boot_id(entry.boot_id);
    assert_int_equal(gh_journal_append(journal, &entry, NULL), GH_OK);
    gh_journal_close(journal);
    desk_append(&desk, 5);
    desk_forget_events(&desk);
    desk_start(&desk);
    gh_fake_transport_forget(&desk.server);
    desk_answer(&desk, ENTRIES_PATH, 200, "{\"acknowledged\": 6, \"refused\": []}");
    desk_run_ms(&desk, 1000);
    desk_assert_batch(&desk, 0, 1, 6);
    assert_true(told()->through == 0);
}

/* The list key was followed by another one: what the old one signed then stands, new ones are by
 * the new one. */
static void test_after_a_handover(void **state)
{
    (void)state;
    struct gh_private_key *next = fixture->stranger_key, *old = fixture->list_key;

    desk_append(&desk, 2);
    desk_serve_entries(&desk, GH_FAKE_FOREVER);
    desk_start_with_list(&desk);
    desk_append(&desk, 1);
    desk_serve_entries(&desk, GH_FAKE_FOREVER);
    desk_run_ms(&desk, 1000);
    assert_told(3);
    gh_fake_transport_forget(&desk.server);
    desk_hand_over(&desk, old, 1, next);
    fixture->list_key = next;
    fixture->manifest.generation++;
    desk_offer_list(&desk, 1);
    desk_run_ms(&desk, 4 * DESK_FIRST_MS);
    assert_int_equal(desk_saved_identity(&desk).list_key_number, 1);
    desk_forget_events(&desk);
    desk_restart(&desk);
    (void)desk_turn(&desk);
    assert_told(3); /* list_public is the old one still */

    desk_forget_events(&desk);
    desk_append(&desk, 1);
    desk_serve_entries(&desk, GH_FAKE_FOREVER); /* by the old one: anybody's by now */
    desk_run_ms(&desk, 1000);
    assert_null(told());
    desk.entries.receipts_by = next;
    desk_append(&desk, 1);
    desk_run_ms(&desk, 1000);
    const struct gh_receipt *receipt = told();
    fixture->list_key = old; /* for the fixture to free */
    assert_non_null(receipt);
    assert_true(receipt->through == 5);
}

/* The other lane hears of it without a restart. */
static void test_handover_while_running(void **state)
{
    (void)state;
    struct gh_private_key *next = fixture->stranger_key, *old = fixture->list_key;

    desk_append(&desk, 1);
    desk_start(&desk);
    desk_serve_entries(&desk, GH_FAKE_FOREVER);
    desk_offer_list(&desk, 1);
    desk_run_ms(&desk, 1000);
    assert_told(1);
    desk_hand_over(&desk, old, 1, next);
    fixture->list_key = next;
    desk.entries.receipts_by = next;
    fixture->manifest.generation++;
    gh_fake_transport_forget(&desk.server);
    desk_serve_entries(&desk, GH_FAKE_FOREVER);
    desk_offer_list(&desk, 1);
    desk_run_ms(&desk, 4 * DESK_FIRST_MS);
    fixture->list_key = old; /* for the fixture to free */
    desk_append(&desk, 1);
    desk_run_ms(&desk, 1000);
    assert_non_null(told());
    assert_true(told()->through == 2);
}

/* --- the file --- */

/* Whatever became of its second line: no receipt, and no harm. */
static void test_spoiled_note(void **state)
{
    (void)state;
    char path[PATH_MAX];

    desk_append(&desk, 3);
    desk_serve_entries(&desk, GH_FAKE_FOREVER);
    desk_start(&desk);
    desk_run_ms(&desk, 1000);
    desk_stop(&desk);
    note_path(path);
    uint8_t *text = NULL;
    size_t size = 0;
    assert_int_equal(gh_file_read(path, 512, &text, &size, NULL), GH_OK);
    const size_t second = (size_t)((uint8_t *)memchr(text, '\n', size) - text) + 1;
    for (size_t at = second; at + 1 < size; at += 7) {
        uint8_t *spoiled = malloc(size);
        memcpy(spoiled, text, size);
        spoiled[at] = spoiled[at] == '1' ? '2' : '1';
        assert_int_equal(gh_file_replace(path, 0600, spoiled, size, NULL), GH_OK);
        free(spoiled);
        desk_forget_events(&desk);
        desk_start(&desk);
        (void)desk_turn(&desk);
        assert_null(told());
        desk_stop(&desk);
        assert_int_equal(gh_file_replace(path, 0600, text, at, NULL), GH_OK); /* cut there */
        desk_start(&desk);
        (void)desk_turn(&desk);
        assert_null(told());
        desk_stop(&desk);
    }
    free(text);
    assert_int_equal(desk_asked(&desk, ENTRIES_PATH), 1); /* what was acknowledged stands */
}

static unsigned writes; /* of the note */
static ino_t last_inode;

static void count_writes(void)
{
    char path[PATH_MAX];
    struct stat info;

    note_path(path);
    if (stat(path, &info) == 0 && info.st_ino != last_inode) {
        last_inode = info.st_ino;
        writes++;
    }
}

/* A fsync for each batch would be most of what a drain does, and for each entry the half of what a
 * quiet gate writes to its card. */
static void test_rarely_while_draining(void **state)
{
    (void)state;

    desk_start(&desk);
    desk_append(&desk, 40);
    struct gh_receipt receipts[41];
    for (uint64_t i = 1; i <= 40; i++)
        receipts[i] = receipt_for(i);
    writes = 0;
    last_inode = 0;
    for (uint64_t i = 1; i <= 39; i++) { /* one entry at a time is acknowledged; each in 100 ms */
        gh_fake_clock_advance_ms(&fixture->clock, 100);
        answer_with(i, &receipts[i], "");
        count_writes();
    }
    assert_int_equal(writes, 1);
    assert_in_range(desk_count_events(&desk, GH_COURIER_RECEIPT), 3, 5);
    answer_with(40, &receipts[40], "");
    (void)desk_turn(&desk); /* there is nothing more: told at once */
    assert_told(40);
    count_writes();
    assert_int_equal(writes, 1);
    desk_forget_events(&desk);
    desk_restart(&desk);
    (void)desk_turn(&desk);
    assert_told(40);
    assert_int_equal(desk_asked(&desk, ENTRIES_PATH), 40);
}

/* In the end it is written also when nobody comes any more. */
static void test_written_after_a_while(void **state)
{
    (void)state;

    desk_start(&desk);
    desk_append(&desk, 2);
    struct gh_receipt first = receipt_for(1), second = receipt_for(2);
    writes = 0;
    last_inode = 0;
    answer_with(1, &first, "");
    answer_with(2, &second, "");
    count_writes();
    assert_int_equal(writes, 1);
    desk_run_ms(&desk, 3590 * 1000);
    count_writes();
    assert_int_equal(writes, 1);
    /* A turn with nothing to send comes within 75 s of the one before; that may have been a moment
     * before the hour was over. */
    desk_run_ms(&desk, (10 + 75 + 1) * 1000);
    count_writes();
    assert_int_equal(writes, 2);
}

/* Ended in the middle of a drain: what was acknowledged by then is written. */
static void test_written_at_the_end(void **state)
{
    (void)state;

    desk_start(&desk);
    desk_append(&desk, 10);
    struct gh_receipt second = receipt_for(2), third = receipt_for(3);
    answer_with(2, &second, "");
    answer_with(3, &third, "");
    desk_forget_events(&desk);
    desk_restart(&desk);
    (void)desk_turn(&desk);
    assert_told(3);
    desk_assert_batch(&desk, 2, 4, 7);
}

/* --- pruned entries --- */

static void erase(const char *which)
{
    char path[PATH_MAX], sql[128];
    sqlite3 *db = NULL;

    assert_int_equal(gh_courier_journal_path(fixture->dir, FIXTURE_GATE, path), GH_OK);
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    snprintf(sql, sizeof(sql), "UPDATE entry SET body = '' WHERE %s", which);
    assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

/* The server's database was put back, and it wants again what has lost its content since: what is
 * there goes out, until the server gives up. */
static void test_erased(void **state)
{
    (void)state;
    static const char again[] = "{\"acknowledged\": 1, \"refused\": []}";

    desk_append(&desk, 510);
    erase("sequence BETWEEN 2 AND 505 OR sequence = 507");
    desk_start(&desk);
    desk_answer(&desk, ENTRIES_PATH, 200, again); /* the first one */
    for (int i = 0; i < 3; i++)
        desk_answer(&desk, ENTRIES_PATH, 200, again);
    desk_answer(&desk, ENTRIES_PATH, 200, "{\"acknowledged\": 510, \"refused\": []}");
    desk_run_ms(&desk, 60000);
    assert_int_equal(desk_asked(&desk, ENTRIES_PATH), 5);
    for (size_t i = 1; i < 5; i++) {
        const struct gh_fake_request *request =
            gh_fake_transport_request(&desk.server, ENTRIES_PATH, i);
        json_t *body = json_loadb((const char *)request->body, request->size, 0, NULL);
        const json_t *entries = json_object_get(body, "entries");
        assert_int_equal(json_array_size(entries), 4);
        static const int expected[] = {506, 508, 509, 510};
        for (size_t k = 0; k < 4; k++)
            assert_int_equal(json_integer_value(json_object_get(json_array_get(entries, k), "seq")),
                             expected[k]);
        json_decref(body);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_receipt, setup, teardown),
        cmocka_unit_test_setup_teardown(test_none, setup, teardown),
        cmocka_unit_test_setup_teardown(test_by_a_stranger, setup, teardown),
        cmocka_unit_test_setup_teardown(test_not_ours, setup, teardown),
        cmocka_unit_test_setup_teardown(test_goes_not_back, setup, teardown),
        cmocka_unit_test_setup_teardown(test_further_on, setup, teardown),
        cmocka_unit_test_setup_teardown(test_server_falls_back, setup, teardown),
        cmocka_unit_test_setup_teardown(test_falling_back_is_written, setup, teardown),
        cmocka_unit_test_setup_teardown(test_server_falls_back_a_little, setup, teardown),
        cmocka_unit_test_setup_teardown(test_note_of_another_journal, setup, teardown),
        cmocka_unit_test_setup_teardown(test_after_a_handover, setup, teardown),
        cmocka_unit_test_setup_teardown(test_handover_while_running, setup, teardown),
        cmocka_unit_test_setup_teardown(test_spoiled_note, setup, teardown),
        cmocka_unit_test_setup_teardown(test_rarely_while_draining, setup, teardown),
        cmocka_unit_test_setup_teardown(test_written_after_a_while, setup, teardown),
        cmocka_unit_test_setup_teardown(test_written_at_the_end, setup, teardown),
        cmocka_unit_test_setup_teardown(test_erased, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
