/* SPDX-License-Identifier: Apache-2.0 */
/* courier_list.c: nothing that is wrong with a list on offer harms the one at hand, or the entries
 * on their way out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "code/cbor.h"
#include "courier_scene.h"

/* Each way to be wrong: sets up the server, given a newer list to offer (generation 6). */
static void wrong_signature(void)
{
    struct gh_private_key *own = fixture->list_key;
    fixture->list_key = fixture->stranger_key;
    desk_offer_list(&desk, 1);
    fixture->list_key = own;
}

static void older_generation(void)
{
    fixture->manifest.generation = 4;
    desk_offer_list(&desk, 1);
}

static void older_issue(void)
{
    fixture->manifest.generation = 5;
    fixture->manifest.issued_at_s = FIXTURE_NOW_S - 11;
    desk_offer_list(&desk, 1);
}

static void older_issue_of_another(void)
{
    fixture->manifest.tag[0] ^= 1;
    older_issue();
}

static void wrong_area(void)
{
    snprintf(fixture->manifest.area, sizeof(fixture->manifest.area), "New Town");
    desk_offer_list(&desk, 1);
}

/* --- the snapshot --- */

/* Well signed, but the snapshot's bytes are not those: cut, longer, changed. */
static void offer_spoiled_snapshot(size_t keep, size_t more, bool change)
{
    static uint8_t bytes[9000];
    struct gh_fake_answer answer = {.path = desk.snapshot_path, .body = bytes};

    desk_offer_list(&desk, 1);
    desk.server.answer_count--; /* its path is what we wanted */
    memcpy(bytes, fixture->snapshot, fixture->snapshot_size);
    answer.size = keep > 0 ? keep : fixture->snapshot_size;
    answer.size += more;
    if (change)
        bytes[answer.size / 2] ^= 1;
    gh_fake_transport_add(&desk.server, &answer);
}

static void truncated_snapshot(void)
{
    offer_spoiled_snapshot(20, 0, false);
}

static void longer_snapshot(void)
{
    offer_spoiled_snapshot(0, 5, false);
}

static void endless_snapshot(void)
{
    offer_spoiled_snapshot(0, 8000, false);
}

static void changed_snapshot(void)
{
    offer_spoiled_snapshot(0, 0, true);
}

/* Truly signed, with its true hash, and not a list all the same. */
static void bad_blocks(void)
{
    static const uint8_t nonsense[] = {0x83, 0x01, 0x05, 0x01, 0x83, 0x01, 0x04, 0x01};

    fixture_make_list(fixture);
    memcpy(fixture->snapshot, nonsense, sizeof(nonsense));
    fixture->snapshot_size = fixture->manifest.snapshot_bytes = sizeof(nonsense);
    gh_sha256((struct gh_bytes){nonsense, sizeof(nonsense)}, fixture->manifest.snapshot_sha256);
    desk_offer_answer(&desk, 1);
    desk_offer_snapshot(&desk, 1);
}

static void huge_snapshot(void)
{
    fixture_make_list(fixture);
    fixture->manifest.snapshot_bytes = UINT64_C(1) << 50;
    desk_offer_answer(&desk, 1);
}

static void fail_snapshot(const struct gh_fake_answer *answer)
{
    desk_offer_list(&desk, 1);
    desk.server.answer_count--;
    gh_fake_transport_add(&desk.server, answer);
}

static void snapshot_half(void)
{
    fail_snapshot(&(struct gh_fake_answer){.path = desk.snapshot_path, .failure = GH_ERR_NETWORK});
}

static void snapshot_late(void)
{
    fail_snapshot(&(struct gh_fake_answer){.path = desk.snapshot_path, .failure = GH_ERR_TIMEOUT});
}

static void snapshot_404(void)
{
    fail_snapshot(&(struct gh_fake_answer){
        .path = desk.snapshot_path, .status = 404, .body = "{\"error\": \"not_found\"}"});
}

static void snapshot_500(void)
{
    fail_snapshot(&(struct gh_fake_answer){.path = desk.snapshot_path, .status = 500, .body = ""});
}

static void snapshot_garbage(void)
{
    fail_snapshot(&(struct gh_fake_answer){.path = desk.snapshot_path, .body = "hello"});
}

/* --- the delta --- */

static void offer_delta(struct gh_generation from)
{
    fixture->manifest.generation = 5; /* where it leads from */
    fixture_make_list(fixture);
    desk_make_delta(&desk, from, GH_COLOUR_RED);
}

static void delta_by_a_stranger(void)
{
    struct gh_private_key *own = fixture->list_key;
    struct gh_generation at_hand = {.number = 5, .tag = {5, 4, 3, 2, 1}};

    fixture->list_key = fixture->stranger_key;
    offer_delta(at_hand);
    fixture->list_key = own;
    desk_offer_answer(&desk, 1);
}

static void delta_to_elsewhere(void)
{
    struct gh_generation at_hand = {.number = 5, .tag = {5, 4, 3, 2, 1}};

    offer_delta(at_hand);
    fixture->manifest.generation++;
    desk_offer_answer(&desk, 1);
}

static void delta_to_another_tag(void)
{
    struct gh_generation at_hand = {.number = 5, .tag = {5, 4, 3, 2, 1}};

    offer_delta(at_hand);
    fixture->manifest.tag[7]++;
    desk_offer_answer(&desk, 1);
}

static void delta_with_other_records(void)
{
    struct gh_generation at_hand = {.number = 5, .tag = {5, 4, 3, 2, 1}};

    offer_delta(at_hand);
    desk.delta_records[desk.delta_records_size / 2] ^= 1;
    desk_offer_answer(&desk, 1);
}

static void delta_of_another_area(void)
{
    struct gh_generation at_hand = {.number = 5, .tag = {5, 4, 3, 2, 1}};
    char own[GH_AREA_BYTES];

    memcpy(own, fixture->manifest.area, sizeof(own));
    snprintf(fixture->manifest.area, sizeof(fixture->manifest.area), "New Town");
    offer_delta(at_hand);
    memcpy(fixture->manifest.area, own, sizeof(own));
    desk_offer_answer(&desk, 1);
}

/* --- the answer --- */

static uint8_t spoiled[65536 + 64];

static void offer_spoiled(size_t size)
{
    gh_fake_transport_add(
        &desk.server,
        &(struct gh_fake_answer){.path = LIST_PATH, .times = 1, .body = spoiled, .size = size});
}

static size_t good_answer(void)
{
    desk_offer_list(&desk, 0);
    gh_fake_transport_forget(&desk.server);
    desk_offer_snapshot(&desk, 1);
    memcpy(spoiled, desk.answer, desk.answer_size);
    return desk.answer_size;
}

static void answer_half(void)
{
    offer_spoiled(good_answer() / 2);
}

static void answer_trailing(void)
{
    size_t size = good_answer();
    spoiled[size] = 0;
    offer_spoiled(size + 1);
}

static void answer_of_three(void)
{
    size_t size = good_answer();
    spoiled[0] = 0x83;
    offer_spoiled(size - 1);
}

static void answer_of_five(void)
{
    size_t size = good_answer();
    spoiled[0] = 0x85;
    spoiled[size] = 0x80;
    offer_spoiled(size + 1);
}

static void answer_in_another_order(void)
{
    struct gh_writer writer = gh_writer_over(spoiled, sizeof(spoiled));

    (void)good_answer();
    gh_cbor_put_array(&writer, 5);
    gh_cbor_put_bytes(&writer, NULL, 0);
    gh_cbor_put_bytes(&writer, fixture->manifest_bytes, fixture->manifest_size);
    gh_cbor_put_bytes(&writer, NULL, 0);
    gh_cbor_put_array(&writer, 0);
    gh_cbor_put_uint(&writer, 0);
    offer_spoiled(writer.size);
}

static void answer_with(const void *item, size_t size)
{
    struct gh_writer writer = gh_writer_over(spoiled, sizeof(spoiled));

    (void)good_answer();
    gh_cbor_put_array(&writer, 5);
    gh_cbor_put_bytes(&writer, fixture->manifest_bytes, fixture->manifest_size);
    gh_cbor_put_bytes(&writer, NULL, 0);
    gh_cbor_put_bytes(&writer, NULL, 0);
    gh_writer_put(&writer, item, size);
    gh_cbor_put_uint(&writer, 0);
    offer_spoiled(writer.size);
}

static void answer_with_text_for_handovers(void)
{
    answer_with("\x64text", 5);
}

static void answer_with_numbers_for_handovers(void)
{
    answer_with("\x82\x01\x02", 3);
}

static void answer_with_endless_handovers(void)
{
    answer_with("\x9b\xff\xff\xff\xff\xff\xff\xff\xff", 9);
}

static void answer_with_too_many_handovers(void)
{
    static uint8_t items[3 + 10000] = {0x99, 0x27, 0x10};

    memset(items + 3, 0x40, 10000);
    answer_with(items, sizeof(items));
}

static void answer_with_records_alone(void)
{
    struct gh_writer writer = gh_writer_over(spoiled, sizeof(spoiled));

    (void)good_answer();
    gh_cbor_put_array(&writer, 5);
    gh_cbor_put_bytes(&writer, fixture->manifest_bytes, fixture->manifest_size);
    gh_cbor_put_bytes(&writer, NULL, 0);
    gh_cbor_put_bytes(&writer, "records", 7);
    gh_cbor_put_array(&writer, 0);
    gh_cbor_put_uint(&writer, 0);
    offer_spoiled(writer.size);
}

static void manifest_of_nothing(void)
{
    struct gh_writer writer = gh_writer_over(spoiled, sizeof(spoiled));

    gh_cbor_put_array(&writer, 5);
    for (int i = 0; i < 3; i++)
        gh_cbor_put_bytes(&writer, NULL, 0);
    gh_cbor_put_array(&writer, 0);
    gh_cbor_put_uint(&writer, 0);
    offer_spoiled(writer.size);
}

/* A whole answer in form and type, of somebody else. */
static void another_type(void)
{
    size_t size = good_answer();
    gh_fake_transport_add(&desk.server, &(struct gh_fake_answer){.path = LIST_PATH,
                                                                 .body = spoiled,
                                                                 .size = size,
                                                                 .content_type = "text/html"});
}

static void answer_garbage(void)
{
    desk_answer(&desk, LIST_PATH, 200, "<html>Please log in to the hotel's network</html>");
}

static void answer_empty(void)
{
    desk_answer(&desk, LIST_PATH, 200, "");
}

static void answer_500(void)
{
    desk_answer(&desk, LIST_PATH, 500, "{\"error\": \"internal\"}");
}

static void answer_401(void)
{
    desk_answer(&desk, LIST_PATH, 401, "not even JSON");
}

static void answer_lost(void)
{
    desk_fail(&desk, LIST_PATH, GH_ERR_NETWORK);
}

static void answer_late(void)
{
    desk_fail(&desk, LIST_PATH, GH_ERR_TIMEOUT);
}

static void answer_too_long(void)
{
    desk_fail(&desk, LIST_PATH, GH_ERR_TOOBIG);
}

static const struct {
    const char *name;
    void (*offer)(void);
    enum gh_list_trouble trouble; /* that the gate is told; NONE: it is not worth an entry */
    uint64_t offered;
} wrong[] = {
    {"wrong signature", wrong_signature, GH_LIST_TROUBLE_SIGNATURE, 0},
    {"older generation", older_generation, GH_LIST_TROUBLE_ROLLBACK, 4},
    {"older issue", older_issue, GH_LIST_TROUBLE_ROLLBACK, 5},
    {"older issue, other tag", older_issue_of_another, GH_LIST_TROUBLE_ROLLBACK, 5},
    {"wrong area", wrong_area, GH_LIST_TROUBLE_AREA, 6},
    {"truncated snapshot", truncated_snapshot, GH_LIST_TROUBLE_CORRUPT, 6},
    {"longer snapshot", longer_snapshot, GH_LIST_TROUBLE_CORRUPT, 6},
    {"endless snapshot", endless_snapshot, GH_LIST_TROUBLE_CORRUPT, 6},
    {"changed snapshot", changed_snapshot, GH_LIST_TROUBLE_CORRUPT, 6},
    {"bad blocks", bad_blocks, GH_LIST_TROUBLE_CORRUPT, 6},
    {"huge snapshot", huge_snapshot, GH_LIST_TROUBLE_NONE, 0},
    {"snapshot: half a body", snapshot_half, GH_LIST_TROUBLE_NONE, 0},
    {"snapshot: too late", snapshot_late, GH_LIST_TROUBLE_NONE, 0},
    {"snapshot: 404", snapshot_404, GH_LIST_TROUBLE_NONE, 0},
    {"snapshot: 500", snapshot_500, GH_LIST_TROUBLE_NONE, 0},
    {"snapshot: garbage", snapshot_garbage, GH_LIST_TROUBLE_CORRUPT, 6},
    {"delta: by a stranger", delta_by_a_stranger, GH_LIST_TROUBLE_CORRUPT, 6},
    {"delta: to elsewhere", delta_to_elsewhere, GH_LIST_TROUBLE_CORRUPT, 7},
    {"delta: to another tag", delta_to_another_tag, GH_LIST_TROUBLE_CORRUPT, 6},
    {"delta: other records", delta_with_other_records, GH_LIST_TROUBLE_CORRUPT, 6},
    {"delta: of another area", delta_of_another_area, GH_LIST_TROUBLE_CORRUPT, 6},
    {"answer: half", answer_half, GH_LIST_TROUBLE_NONE, 0},
    {"answer: trailing byte", answer_trailing, GH_LIST_TROUBLE_NONE, 0},
    {"answer: three items", answer_of_three, GH_LIST_TROUBLE_NONE, 0},
    {"answer: five items", answer_of_five, GH_LIST_TROUBLE_NONE, 0},
    {"answer: another order", answer_in_another_order, GH_LIST_TROUBLE_CORRUPT, 0},
    {"answer: handovers are a text", answer_with_text_for_handovers, GH_LIST_TROUBLE_NONE, 0},
    {"answer: handovers are numbers", answer_with_numbers_for_handovers, GH_LIST_TROUBLE_NONE, 0},
    {"answer: endless handovers", answer_with_endless_handovers, GH_LIST_TROUBLE_NONE, 0},
    {"answer: too many handovers", answer_with_too_many_handovers, GH_LIST_TROUBLE_NONE, 0},
    {"answer: records alone", answer_with_records_alone, GH_LIST_TROUBLE_NONE, 0},
    {"answer: empty manifest", manifest_of_nothing, GH_LIST_TROUBLE_CORRUPT, 0},
    {"answer: another type", another_type, GH_LIST_TROUBLE_NONE, 0},
    {"answer: garbage", answer_garbage, GH_LIST_TROUBLE_NONE, 0},
    {"answer: empty", answer_empty, GH_LIST_TROUBLE_NONE, 0},
    {"answer: 500", answer_500, GH_LIST_TROUBLE_NONE, 0},
    {"answer: 401", answer_401, GH_LIST_TROUBLE_NONE, 0},
    {"answer: half a body", answer_lost, GH_LIST_TROUBLE_NONE, 0},
    {"answer: too late", answer_late, GH_LIST_TROUBLE_NONE, 0},
    {"answer: too long", answer_too_long, GH_LIST_TROUBLE_NONE, 0},
};

static void offer_wrong(size_t index)
{
    const struct gh_manifest good = fixture->manifest;

    fixture->manifest.generation = 6;
    fixture->manifest.issued_at_s = FIXTURE_NOW_S - 9;
    fixture->colours[ANNA] = GH_COLOUR_RED;
    wrong[index].offer();
    desk_serve_entries(&desk, GH_FAKE_FOREVER);
    fixture_append(fixture, 3);
    gh_courier_kick(desk.courier);
    (void)desk_turn(&desk); /* what is offered is made here: only then may it be mended */
    fixture->manifest = good;
}

static void assert_told(size_t i)
{
    assert_int_equal(desk.event_count, wrong[i].trouble != GH_LIST_TROUBLE_NONE);
    if (wrong[i].trouble == GH_LIST_TROUBLE_NONE)
        return;
    assert_int_equal(desk.events[0].type, GH_COURIER_TROUBLE);
    assert_int_equal(desk.events[0].trouble, wrong[i].trouble);
    assert_true(desk.events[0].offered == wrong[i].offered);
}

static void test_wrong(void **state)
{
    (void)state;

    for (size_t i = 0; i < GH_ARRAY_SIZE(wrong); i++) {
        print_message("# %s\n", wrong[i].name);
        desk_start_with_list(&desk);
        const int64_t issued_at_s = fixture->manifest.issued_at_s;
        gh_fake_clock_advance_ms(&fixture->clock, 2 * DESK_POLL_MS);
        offer_wrong(i);
        assert_int_equal(desk_asked(&desk, LIST_PATH), 1);
        assert_told(i);
        desk_assert_at_hand(&desk, 5, issued_at_s);
        assert_int_equal(desk.entries.known, 3); /* the entries went out all the same */
        gh_fake_clock_advance_ms(&fixture->clock, DESK_FIRST_MS / 2 - 1);
        (void)desk_turn(&desk);
        assert_int_equal(desk_asked(&desk, LIST_PATH), 1); /* after a pause */

        gh_fake_transport_forget(&desk.server);
        fixture->manifest.generation = 6; /* and a good one is taken, also after a restart */
        if (i % 2)
            desk_restart(&desk);
        desk_offer_list(&desk, 1);
        desk_run_ms(&desk, 2 * DESK_FIRST_MS);
        desk_assert_at_hand(&desk, 6, issued_at_s);
        assert_int_equal(desk_parts(&desk), 0);
        desk_stop(&desk);
        desk_destroy(&desk);
        desk_init(&desk);
    }
}

/* Each trouble is an entry: one, however often it comes. After a list was accepted, another one. */
static void test_told_once(void **state)
{
    (void)state;

    desk_start_with_list(&desk);
    for (int round = 0; round < 3; round++) {
        const struct gh_manifest good = fixture->manifest;
        for (int i = 0; i < 20; i++) {
            gh_fake_transport_forget(&desk.server);
            fixture->manifest.generation = 1;
            desk_offer_list(&desk, 1);
            desk_run_ms(&desk, 2 * DESK_MOST_MS);
            gh_fake_transport_forget(&desk.server);
            fixture->manifest.generation = good.generation + 1;
            wrong_area();
            desk_run_ms(&desk, 2 * DESK_MOST_MS);
            fixture->manifest = good;
        }
        assert_int_equal(desk.event_count, 2);
        assert_int_equal(desk_count_events(&desk, GH_COURIER_TROUBLE), 2);
        gh_fake_transport_forget(&desk.server);
        fixture->manifest.generation++;
        desk_offer_list(&desk, 1);
        desk_run_ms(&desk, 2 * DESK_MOST_MS);
        assert_int_equal(desk_count_events(&desk, GH_COURIER_LIST), 1);
        desk_forget_events(&desk);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_wrong, setup, teardown),
        cmocka_unit_test_setup_teardown(test_told_once, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
