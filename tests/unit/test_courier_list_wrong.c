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

#include "fakes/courier_desk.h"

static struct desk desk;
static struct fixture *const fixture = &desk.fixture;

static int setup(void **state)
{
    (void)state;
    desk_init(&desk);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    desk_destroy(&desk);
    return 0;
}

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

static void wrong_area(void)
{
    snprintf(fixture->manifest.area, sizeof(fixture->manifest.area), "New Town");
    desk_offer_list(&desk, 1);
}

/* Well signed, but the snapshot's bytes are not those: cut, longer, changed, none at all. */
static void offer_spoiled_snapshot(size_t keep, size_t more, bool change)
{
    static uint8_t bytes[9000];
    struct gh_fake_answer answer = {.path = desk.snapshot_path, .body = bytes};

    desk_offer_manifest(&desk, 1);
    desk_offer_snapshot(&desk, 1); /* for its path; the other one is asked for first */
    desk.server.answer_count--;
    memcpy(bytes, fixture->snapshot, fixture->snapshot_size);
    answer.size = fixture->snapshot_size;
    if (keep > 0)
        answer.size = keep;
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

static void changed_snapshot(void)
{
    offer_spoiled_snapshot(0, 0, true);
}

/* Truly signed, with its true hash, and not a list all the same. */
static void bad_records(void)
{
    static const uint8_t nonsense[] = {0x83, 0x01, 0x05, 0x01, 0x83, 0x01, 0x04, 0x01};
    struct gh_writer writer =
        gh_writer_over(fixture->manifest_bytes, sizeof(fixture->manifest_bytes));

    desk_offer_manifest(&desk, 1);
    memcpy(fixture->snapshot, nonsense, sizeof(nonsense)); /* not in order */
    fixture->snapshot_size = fixture->manifest.snapshot_bytes = sizeof(nonsense);
    gh_sha256((struct gh_bytes){nonsense, sizeof(nonsense)}, fixture->manifest.snapshot_sha256);
    assert_int_equal(gh_manifest_write(fixture->list_key, &fixture->manifest, &writer), GH_OK);
    fixture->manifest_size = writer.size;
    desk_offer_snapshot(&desk, 1);
}

/* As if there were not enough memory in the world. */
static void huge_snapshot(void)
{
    struct gh_writer writer =
        gh_writer_over(fixture->manifest_bytes, sizeof(fixture->manifest_bytes));

    desk_offer_list(&desk, 1);
    writer.size = 0;
    fixture->manifest.snapshot_bytes = UINT64_C(1) << 50;
    assert_int_equal(gh_manifest_write(fixture->list_key, &fixture->manifest, &writer), GH_OK);
    fixture->manifest_size = writer.size;
}

static void cut_manifest(void)
{
    desk_offer_manifest(&desk, 1);
    fixture->manifest_size /= 2;
}

static void manifest_garbage(void)
{
    desk_answer(&desk, LIST_PATH, 200, "<html>Please log in to the hotel's network</html>");
}

static void manifest_empty(void)
{
    desk_answer(&desk, LIST_PATH, 200, "");
}

static void manifest_500(void)
{
    desk_answer(&desk, LIST_PATH, 500, "{\"error\": \"internal\"}");
}

static void manifest_401(void)
{
    desk_answer(&desk, LIST_PATH, 401, "not even JSON");
}

static void manifest_half(void)
{
    desk_fail(&desk, LIST_PATH, GH_ERR_NETWORK);
}

static void manifest_late(void)
{
    desk_fail(&desk, LIST_PATH, GH_ERR_TIMEOUT);
}

static void manifest_too_long(void)
{
    desk_fail(&desk, LIST_PATH, GH_ERR_TOOBIG);
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

static const struct {
    const char *name;
    void (*offer)(void);
} wrong[] = {
    {"wrong signature", wrong_signature},
    {"older generation", older_generation},
    {"older issue", older_issue},
    {"wrong area", wrong_area},
    {"truncated snapshot", truncated_snapshot},
    {"longer snapshot", longer_snapshot},
    {"changed snapshot", changed_snapshot},
    {"bad records", bad_records},
    {"huge snapshot", huge_snapshot},
    {"cut manifest", cut_manifest},
    {"manifest: garbage", manifest_garbage},
    {"manifest: empty", manifest_empty},
    {"manifest: 500", manifest_500},
    {"manifest: 401", manifest_401},
    {"manifest: half a body", manifest_half},
    {"manifest: too late", manifest_late},
    {"manifest: too long", manifest_too_long},
    {"snapshot: half a body", snapshot_half},
    {"snapshot: too late", snapshot_late},
    {"snapshot: 404", snapshot_404},
    {"snapshot: 500", snapshot_500},
    {"snapshot: garbage", snapshot_garbage},
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
        assert_int_equal(desk.event_count, 0);
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
        desk_stop(&desk);
        desk_destroy(&desk);
        desk_init(&desk);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_wrong, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
