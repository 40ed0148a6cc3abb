/* SPDX-License-Identifier: Apache-2.0 */
/* courier_list.c: lists come in whole, and never back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "courier_scene.h"

/* --- what should be --- */

static void test_first_list(void **state)
{
    (void)state;
    char bearer[GH_BEARER_BYTES], boot[GH_BOOT_ID_TEXT_BYTES], expected[256];

    desk_start(&desk);
    desk_offer_list(&desk, 1);
    (void)desk_turn(&desk);
    gh_boot_id(boot);
    gh_identity_bearer(&fixture->identity, bearer);
    const struct gh_fake_request *request = gh_fake_transport_request(&desk.server, LIST_PATH, 0);
    assert_non_null(request);
    assert_string_equal(request->method, "GET");
    assert_string_equal(request->bearer, bearer);
    snprintf(expected, sizeof(expected),
             LIST_PATH "?generation=0&tag=0000000000000000&wait_s=0&boot=%s&news=0", boot);
    assert_string_equal(request->path, expected);
    request = gh_fake_transport_request(&desk.server, desk.snapshot_path, 0);
    assert_non_null(request);
    assert_string_equal(request->method, "GET");
    assert_string_equal(request->bearer, ""); /* whoever keeps copies of it learns no secret */
    assert_int_equal(desk.event_count, 1);
    assert_int_equal(desk.events[0].type, GH_COURIER_LIST);
    assert_true(desk.events[0].identity.generation == 5); /* the gate's pin */
    assert_true(desk.events[0].identity.list_issued_at_s == fixture->manifest.issued_at_s);
    assert_true(desk.events[0].identity.enrolled);
    desk_assert_at_hand(&desk, 5, fixture->manifest.issued_at_s);
    assert_memory_equal(desk_saved_identity(&desk).list_tag, fixture->manifest.tag,
                        GH_LIST_TAG_BYTES);
    assert_int_equal(desk_parts(&desk), 0);
    desk_turn(&desk); /* from now on it says what it has, and waits */
    request = gh_fake_transport_request(&desk.server, LIST_PATH, 1);
    assert_non_null(request);
    snprintf(expected, sizeof(expected),
             LIST_PATH "?generation=5&tag=0504030201000000&wait_s=50&boot=%s&news=0", boot);
    assert_string_equal(request->path, expected);
    assert_in_range(request->stall_ms, 51000, 75000);
    assert_true(request->timeout_ms >= request->stall_ms);
}

/* The same list, signed anew: its age starts anew, and nothing is fetched. */
static void test_renewed(void **state)
{
    (void)state;

    desk_start_with_list(&desk);
    const int64_t issued_at_s = fixture->manifest.issued_at_s;
    fixture->manifest.issued_at_s += 5;
    desk_offer_list(&desk, 1);
    (void)desk_turn(&desk);
    assert_int_equal(desk_asked(&desk, desk.snapshot_path), 0);
    assert_int_equal(desk.event_count, 1);
    assert_int_equal(desk.events[0].type, GH_COURIER_AGE);
    assert_true(desk.events[0].identity.list_issued_at_s == fixture->manifest.issued_at_s);
    desk_assert_at_hand(&desk, 5, issued_at_s); /* the card is spared */
    fixture->manifest.issued_at_s += GH_LIST_RENEW_S;
    desk_offer_list(&desk, 1);
    desk_run_ms(&desk, DESK_POLL_MS);
    desk_assert_at_hand(&desk, 5, fixture->manifest.issued_at_s);
    assert_int_equal(desk_count_events(&desk, GH_COURIER_AGE), 2);
    assert_int_equal(desk_count_events(&desk, GH_COURIER_LIST), 0);
}

/* What was said already is not said again. */
static void test_the_same_again(void **state)
{
    (void)state;

    desk_start_with_list(&desk);
    desk_offer_list(&desk, GH_FAKE_FOREVER);
    desk_run_ms(&desk, 100 * DESK_POLL_MS);
    assert_int_equal(desk_asked(&desk, desk.snapshot_path), 0);
    assert_int_equal(desk.event_count, 0);
}

static enum gh_colour colour_of(gh_id subject)
{
    char folder[PATH_MAX];
    struct gh_list *list = NULL;
    struct gh_answers answers;
    const struct gh_credential health = {
        .kind = GH_KIND_HEALTH, .authentic = true, .subject = subject, .id = CODE_ID(subject)};

    assert_int_equal(gh_courier_list_path(fixture->dir, folder), GH_OK);
    assert_int_equal(gh_list_open_latest(folder, fixture->list_public, &list, NULL), GH_OK);
    assert_int_equal(gh_list_ask(list, &health, NULL, &answers), GH_OK);
    gh_list_close(list);
    return answers.subject_colour;
}

/* One change after the other, none of them by a snapshot. */
static void test_deltas(void **state)
{
    (void)state;
    static const enum gh_colour colours[] = {GH_COLOUR_RED, GH_COLOUR_YELLOW, GH_COLOUR_GREEN};

    desk_start_with_list(&desk);
    for (size_t i = 0; i < GH_ARRAY_SIZE(colours); i++) {
        desk_make_delta(&desk, desk_generation(&desk), colours[i]);
        fixture->manifest.issued_at_s++;
        desk_offer_answer(&desk, 1);
        (void)desk_turn(&desk);
        desk_assert_at_hand(&desk, 6 + i, fixture->manifest.issued_at_s);
        assert_int_equal(colour_of(ANNA), colours[i]);
        assert_int_equal(desk_count_events(&desk, GH_COURIER_LIST), i + 1);
    }
    assert_int_equal(desk_asked(&desk, desk.snapshot_path), 0);
    desk_restart(&desk);
    (void)desk_turn(&desk);
    desk_assert_asked(&desk, GH_ARRAY_SIZE(colours), 8, 0);
}

/* Too far behind: the snapshot, which need not be the newest, and what leads on from it. */
static void test_snapshot_and_delta(void **state)
{
    (void)state;

    desk_start(&desk);
    fixture_make_list(fixture);
    desk_make_delta(&desk, desk_generation(&desk), GH_COLOUR_RED);
    desk_offer_answer(&desk, 1);
    desk_offer_snapshot(&desk, 1);
    (void)desk_turn(&desk);
    desk_assert_at_hand(&desk, 6, fixture->manifest.issued_at_s);
    assert_int_equal(colour_of(ANNA), GH_COLOUR_RED);
    assert_int_equal(colour_of(DORA), GH_COLOUR_GREEN);
    (void)desk_turn(&desk);
    desk_assert_asked(&desk, 1, 6, 50);
}

/* The server's database was put back and went on from there: another state of the same number. */
static void test_another_tag(void **state)
{
    (void)state;

    desk_start_with_list(&desk);
    fixture->manifest.tag[0] ^= 1;
    fixture->manifest.issued_at_s++;
    fixture->colours[ANNA] = GH_COLOUR_RED;
    desk_offer_list(&desk, 1);
    (void)desk_turn(&desk);
    desk_assert_at_hand(&desk, 5, fixture->manifest.issued_at_s);
    assert_memory_equal(desk_saved_identity(&desk).list_tag, fixture->manifest.tag,
                        GH_LIST_TAG_BYTES);
    assert_int_equal(colour_of(ANNA), GH_COLOUR_RED);
}

/* A delta that leads from where the server thinks we are: asked again, with nothing at hand. */
static void test_delta_from_elsewhere(void **state)
{
    (void)state;
    struct gh_generation elsewhere = {.number = 4, .tag = "nowhere"};

    desk_start_with_list(&desk);
    const int64_t issued_at_s = fixture->manifest.issued_at_s;
    desk_make_delta(&desk, elsewhere, GH_COLOUR_RED);
    desk_offer_answer(&desk, 1);
    (void)desk_turn(&desk);
    assert_int_equal(desk.event_count, 0); /* no harm, and no trouble yet */
    desk_offer_same_answer(&desk, 1);
    (void)desk_turn(&desk); /* at once */
    desk_assert_asked(&desk, 1, 0, 0);
    assert_int_equal(desk.event_count, 1);
    assert_int_equal(desk.events[0].type, GH_COURIER_TROUBLE);
    assert_int_equal(desk.events[0].trouble, GH_LIST_TROUBLE_CORRUPT);
    desk_assert_at_hand(&desk, 5, issued_at_s);
    desk_offer_list(&desk, 1);
    desk_run_ms(&desk, 2 * DESK_FIRST_MS);
    desk_assert_at_hand(&desk, 6, issued_at_s);
}

static void test_next_generation(void **state)
{
    (void)state;

    desk_start_with_list(&desk);
    fixture->manifest.generation = 9;
    fixture->manifest.issued_at_s++;
    fixture->colours[ANNA] = GH_COLOUR_RED;
    desk_offer_list(&desk, 1);
    desk_run_ms(&desk, 2 * DESK_POLL_MS);
    desk_assert_at_hand(&desk, 9, fixture->manifest.issued_at_s);
    assert_int_equal(desk_count_events(&desk, GH_COURIER_LIST), 1);
}

/* A list was signed while the server's clock was ahead: those that follow are taken all the same.
 */
static void test_next_generation_of_an_earlier_time(void **state)
{
    (void)state;

    desk_start_with_list(&desk);
    for (int way = 0; way < 2; way++) { /* with the same snapshot, and with another */
        fixture->manifest.generation++;
        fixture->manifest.issued_at_s -= 3600;
        fixture->colours[ANNA] = way ? GH_COLOUR_RED : GH_COLOUR_GREEN;
        desk_offer_list(&desk, 1);
        desk_run_ms(&desk, 3 * DESK_POLL_MS);
        assert_int_equal(desk_count_events(&desk, GH_COURIER_LIST), way + 1);
        assert_true(desk_saved_manifest(&desk).generation == fixture->manifest.generation);
        assert_true(desk_saved_manifest(&desk).issued_at_s == fixture->manifest.issued_at_s);
        assert_true(desk_saved_identity(&desk).generation == fixture->manifest.generation);
        gh_fake_transport_forget(&desk.server);
    }
    desk_restart(&desk); /* and it is not forgotten which one was the newest */
    desk_offer_list(&desk, GH_FAKE_FOREVER);
    desk_run_ms(&desk, 2 * DESK_POLL_MS);
    assert_int_equal(desk_count_events(&desk, GH_COURIER_LIST), 2);
    assert_int_equal(desk_asked(&desk, desk.snapshot_path), 0);
}

/* Another generation with the same persons: the policy was changed, or somebody who was red for an
 * hour, which this gate never heard of, is green again. */
static void test_same_snapshot_of_another_generation(void **state)
{
    (void)state;

    desk_start_with_list(&desk);
    fixture->manifest.generation = 7;
    fixture->manifest.issued_at_s++;
    fixture->manifest.policy.home_rule = GH_HOME_MEMBER;
    desk_offer_list(&desk, GH_FAKE_FOREVER);
    desk_run_ms(&desk, 2 * DESK_POLL_MS);
    desk_assert_at_hand(&desk, 7, fixture->manifest.issued_at_s);
    assert_int_equal(desk_saved_manifest(&desk).policy.home_rule, GH_HOME_MEMBER);
    assert_int_equal(desk_count_events(&desk, GH_COURIER_LIST), 1);
}

static void test_restart(void **state)
{
    (void)state;

    desk_start_with_list(&desk);
    desk_restart(&desk);
    desk_offer_list(&desk, GH_FAKE_FOREVER);
    desk_run_ms(&desk, 2 * DESK_POLL_MS);
    desk_assert_asked(&desk, 0, 5, 0);
    assert_int_equal(desk_asked(&desk, desk.snapshot_path), 0); /* it is there */
    assert_int_equal(desk.event_count, 0);
    desk_assert_at_hand(&desk, 5, fixture->manifest.issued_at_s);
}

/* An empty town. */
static void test_small_snapshot(void **state)
{
    (void)state;
    static const char mercy[] = "{\"error\": \"unavailable\", \"message\": \"the disk is full\"}";
    struct gh_fake_answer later = {
        .path = desk.snapshot_path, .status = 503, .body = mercy, .retry_after_s = 40};

    for (int i = ANNA; i <= HUGO; i++)
        fixture->colours[i] = GH_COLOUR_NONE;
    desk_start(&desk);
    desk_offer_list(&desk, 1); /* for its path */
    gh_fake_transport_forget(&desk.server);
    desk_offer_answer(&desk, GH_FAKE_FOREVER);
    gh_fake_transport_add(&desk.server, &later); /* longer than the snapshot itself */
    desk_offer_snapshot(&desk, GH_FAKE_FOREVER);
    (void)desk_turn(&desk);
    desk_run_ms(&desk, 39 * 1000);
    assert_int_equal(desk_asked(&desk, LIST_PATH), 1); /* obeyed */
    desk_run_ms(&desk, 10 * 1000);
    desk_assert_at_hand(&desk, 5, fixture->manifest.issued_at_s);
}

/* --- trouble --- */

/* A server that is hard of hearing is not shouted at. */
static void test_retry_after(void **state)
{
    (void)state;
    struct gh_fake_answer busy = {.path = LIST_PATH,
                                  .status = 503,
                                  .body = "{}",
                                  .retry_after_s = 20,
                                  .takes_ms = 9000}; /* it takes its time to say so */

    desk_start(&desk);
    gh_fake_transport_add(&desk.server, &busy);
    (void)desk_turn(&desk);
    desk_run_ms(&desk, 19999);
    assert_int_equal(desk_asked(&desk, LIST_PATH), 1);
    desk_offer_list(&desk, 1);
    desk_run_ms(&desk, 5000);
    desk_assert_at_hand(&desk, 5, fixture->manifest.issued_at_s);
}

static void test_full_disk(void **state)
{
    (void)state;

    desk_start_with_list(&desk);
    const int64_t issued_at_s = fixture->manifest.issued_at_s;
    fixture->manifest.generation = 6;
    fixture->manifest.issued_at_s++;
    desk_offer_list(&desk, GH_FAKE_FOREVER);
    fixture_forbid_writing();
    desk_run_ms(&desk, 2 * DESK_POLL_MS);
    fixture_empty_disk();
    assert_int_equal(desk.event_count, 0);
    desk_assert_at_hand(&desk, 5, issued_at_s);
    desk_run_ms(&desk, 60000);
    desk_assert_at_hand(&desk, 6, fixture->manifest.issued_at_s);
}

/* --- what happened to the file --- */

static void spoil_list(bool remove_it)
{
    char folder[PATH_MAX], path[PATH_MAX + 256];

    if (remove_it) {
        fixture_remove_list(fixture);
        return;
    }
    assert_int_equal(gh_courier_list_path(fixture->dir, folder), GH_OK);
    DIR *stream = opendir(folder);
    const struct dirent *entry;
    assert_non_null(stream);
    while ((entry = readdir(stream))) {
        snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
        if (entry->d_name[0] != '.')
            assert_int_equal(truncate(path, 100), 0);
    }
    closedir(stream);
}

/* What the courier looks at is whole, and what the gate asks is not: it says so. */
static void test_gate_cannot_read_it(void **state)
{
    (void)state;

    desk_start_with_list(&desk);
    desk_offer_list(&desk, GH_FAKE_FOREVER);
    const size_t asked = desk_asked(&desk, desk.snapshot_path);
    gh_courier_renew_list(desk.courier);
    desk_run_ms(&desk, 10 * DESK_POLL_MS);
    assert_int_equal(desk_asked(&desk, desk.snapshot_path), asked + 1); /* once is enough */
    assert_int_equal(desk_count_events(&desk, GH_COURIER_LIST), 1);
    desk_assert_at_hand(&desk, 5, fixture->manifest.issued_at_s);
}

/* Gone or broken under the courier's hands: the next list puts it right without anybody's help. */
static void test_file_is_lost_while_running(void **state)
{
    (void)state;

    for (int way = 0; way < 2; way++) {
        desk_start_with_list(&desk);
        spoil_list(way == 0);
        fixture->manifest.issued_at_s += 60; /* what a server does now and then */
        desk_offer_list(&desk, GH_FAKE_FOREVER);
        desk_run_ms(&desk, 10 * DESK_POLL_MS);
        desk_assert_at_hand(&desk, 5, fixture->manifest.issued_at_s);
        assert_true(desk_count_events(&desk, GH_COURIER_LIST) >= 1);
        desk_stop(&desk);
        desk_destroy(&desk);
        desk_init(&desk);
    }
}

static void test_file_is_lost_before_a_start(void **state)
{
    (void)state;

    for (int way = 0; way < 2; way++) {
        desk_start_with_list(&desk);
        desk_stop(&desk);
        spoil_list(way == 0);
        fixture->identity = desk_saved_identity(&desk);
        desk_start(&desk);
        desk_offer_list(&desk, 1); /* the very same as before */
        (void)desk_turn(&desk);
        desk_assert_at_hand(&desk, 5, fixture->manifest.issued_at_s);
        assert_int_equal(desk_count_events(&desk, GH_COURIER_LIST), 1);
        desk_stop(&desk);
        desk_destroy(&desk);
        desk_init(&desk);
    }
}

static void assert_rollback_told(uint64_t offered)
{
    assert_int_equal(desk.event_count, 1);
    assert_int_equal(desk.events[0].type, GH_COURIER_TROUBLE);
    assert_int_equal(desk.events[0].trouble, GH_LIST_TROUBLE_ROLLBACK);
    assert_true(desk.events[0].offered == offered);
}

/* Power was cut after the rename and before the pin: the file is what was accepted. */
static void test_file_newer_than_the_pin(void **state)
{
    (void)state;

    fixture->identity.generation = 4;
    fixture->identity.list_issued_at_s = FIXTURE_NOW_S - 1000;
    fixture_install_list(fixture);
    desk_start(&desk);
    fixture->manifest.generation = 4; /* a server that was set back */
    fixture->manifest.issued_at_s = FIXTURE_NOW_S - 900;
    desk_offer_list(&desk, 1);
    (void)desk_turn(&desk);
    assert_rollback_told(4);
    assert_true(desk_saved_manifest(&desk).generation == 5);
}

/* Somebody put an old file back, and the server has nothing newer than what was known. */
static void test_file_older_than_the_pin(void **state)
{
    (void)state;

    fixture->manifest.generation = 4;
    fixture->manifest.issued_at_s = FIXTURE_NOW_S - 500;
    fixture_install_list(fixture);
    fixture->identity.generation = 5;
    fixture->identity.list_issued_at_s = FIXTURE_NOW_S - 10;
    desk_start(&desk);
    fixture->manifest.generation = 5;
    fixture->manifest.issued_at_s = FIXTURE_NOW_S - 10;
    desk_offer_list(&desk, 1);
    (void)desk_turn(&desk);
    desk_assert_at_hand(&desk, 5, FIXTURE_NOW_S - 10);
    assert_int_equal(desk_count_events(&desk, GH_COURIER_LIST), 1);
}

/* The same, but of the same generation: an older manifest with older keys. */
static void test_manifest_older_than_the_pin(void **state)
{
    (void)state;

    fixture->manifest.issued_at_s = FIXTURE_NOW_S - 500;
    fixture_install_list(fixture);
    fixture->identity.generation = 5;
    fixture->identity.list_issued_at_s = FIXTURE_NOW_S - 10;
    desk_start(&desk);
    fixture->manifest.issued_at_s = FIXTURE_NOW_S - 100; /* newer than the file's */
    desk_offer_list(&desk, 1);
    (void)desk_turn(&desk);
    assert_rollback_told(5);
    fixture->manifest.issued_at_s = FIXTURE_NOW_S - 10;
    gh_fake_transport_forget(&desk.server);
    desk_offer_list(&desk, 1);
    desk_run_ms(&desk, 2 * DESK_FIRST_MS);
    /* The gate knows its age by the pin: the card is spared. */
    assert_true(desk_saved_manifest(&desk).generation == 5);
    assert_true(desk_saved_identity(&desk).list_issued_at_s == FIXTURE_NOW_S - 10);
    assert_int_equal(desk_asked(&desk, desk.snapshot_path), 0);
    assert_int_equal(desk.event_count, 1);
}

/* The list's own file is gone: there is nothing to compare with but the pin. */
static void test_no_file_but_a_pin(void **state)
{
    (void)state;
    static const struct {
        uint64_t generation;
        int64_t issued_at_s;
    } older[] = {{4, FIXTURE_NOW_S}, {5, FIXTURE_NOW_S - 11}};

    fixture->identity.generation = 5;
    fixture->identity.list_issued_at_s = FIXTURE_NOW_S - 10;
    desk_start(&desk);
    for (size_t i = 0; i < GH_ARRAY_SIZE(older); i++) {
        gh_fake_transport_forget(&desk.server);
        fixture->manifest.generation = older[i].generation;
        fixture->manifest.issued_at_s = older[i].issued_at_s;
        desk_offer_list(&desk, 1);
        (void)desk_turn(&desk);
        assert_int_equal(desk_asked(&desk, LIST_PATH), 1);
        assert_true(desk_saved_manifest(&desk).generation == 0);
        gh_fake_clock_advance_ms(&fixture->clock, DESK_MOST_MS);
    }
    assert_rollback_told(4); /* the second one, too, was said by it */
}

/* Nobody's card is that large: it is not even asked for. */
static void test_huge_snapshot(void **state)
{
    (void)state;

    desk_start(&desk);
    fixture_make_list(fixture);
    fixture->manifest.snapshot_bytes = UINT64_C(1) << 40;
    desk_offer_answer(&desk, 1);
    desk_offer_snapshot(&desk, 1);
    (void)desk_turn(&desk);
    assert_int_equal(desk_asked(&desk, LIST_PATH), 1);
    assert_int_equal(desk_asked(&desk, desk.snapshot_path), 0);
    assert_int_equal(desk.event_count, 0);
}

/* A delta that does not lead to where it should: nothing is fetched for it. */
static void test_delta_to_elsewhere(void **state)
{
    (void)state;

    for (int way = 0; way < 2; way++) {
        desk_start(&desk);
        fixture_make_list(fixture);
        desk_make_delta(&desk, desk_generation(&desk), GH_COLOUR_RED);
        if (way == 0)
            fixture->manifest.generation++;
        else
            fixture->manifest.tag[3]++;
        desk_offer_answer(&desk, 1);
        desk_offer_snapshot(&desk, 1);
        (void)desk_turn(&desk);
        assert_int_equal(desk.event_count, 1);
        assert_int_equal(desk.events[0].trouble, GH_LIST_TROUBLE_CORRUPT);
        assert_int_equal(desk_asked(&desk, desk.snapshot_path), 0);
        desk_stop(&desk);
        desk_destroy(&desk);
        desk_init(&desk);
    }
}

/* What versions before this one called the list. */
static void test_old_files_go(void **state)
{
    (void)state;
    static const char *const names[] = {"list.db", "list.db.manifest"};
    char path[PATH_MAX];

    for (size_t i = 0; i < GH_ARRAY_SIZE(names); i++) {
        fixture_path(fixture, names[i], path);
        fclose(fopen(path, "w"));
    }
    desk_start_with_list(&desk);
    for (size_t i = 0; i < GH_ARRAY_SIZE(names); i++) {
        fixture_path(fixture, names[i], path);
        assert_int_equal(access(path, F_OK), -1);
    }
    desk_assert_at_hand(&desk, 5, fixture->manifest.issued_at_s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_first_list, setup, teardown),
        cmocka_unit_test_setup_teardown(test_renewed, setup, teardown),
        cmocka_unit_test_setup_teardown(test_the_same_again, setup, teardown),
        cmocka_unit_test_setup_teardown(test_deltas, setup, teardown),
        cmocka_unit_test_setup_teardown(test_snapshot_and_delta, setup, teardown),
        cmocka_unit_test_setup_teardown(test_another_tag, setup, teardown),
        cmocka_unit_test_setup_teardown(test_delta_from_elsewhere, setup, teardown),
        cmocka_unit_test_setup_teardown(test_next_generation, setup, teardown),
        cmocka_unit_test_setup_teardown(test_next_generation_of_an_earlier_time, setup, teardown),
        cmocka_unit_test_setup_teardown(test_same_snapshot_of_another_generation, setup, teardown),
        cmocka_unit_test_setup_teardown(test_restart, setup, teardown),
        cmocka_unit_test_setup_teardown(test_small_snapshot, setup, teardown),
        cmocka_unit_test_setup_teardown(test_retry_after, setup, teardown),
        cmocka_unit_test_setup_teardown(test_full_disk, setup, teardown),
        cmocka_unit_test_setup_teardown(test_file_is_lost_while_running, setup, teardown),
        cmocka_unit_test_setup_teardown(test_gate_cannot_read_it, setup, teardown),
        cmocka_unit_test_setup_teardown(test_file_is_lost_before_a_start, setup, teardown),
        cmocka_unit_test_setup_teardown(test_file_newer_than_the_pin, setup, teardown),
        cmocka_unit_test_setup_teardown(test_file_older_than_the_pin, setup, teardown),
        cmocka_unit_test_setup_teardown(test_manifest_older_than_the_pin, setup, teardown),
        cmocka_unit_test_setup_teardown(test_no_file_but_a_pin, setup, teardown),
        cmocka_unit_test_setup_teardown(test_huge_snapshot, setup, teardown),
        cmocka_unit_test_setup_teardown(test_delta_to_elsewhere, setup, teardown),
        cmocka_unit_test_setup_teardown(test_old_files_go, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
