/* SPDX-License-Identifier: Apache-2.0 */
/* courier_snapshot.c: a snapshot comes in over cuts, restarts and full disks. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
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
    /* Something to cut. */
    fixture->extra_subjects = 300;
    fixture->revoked_count = GH_ARRAY_SIZE(fixture->revoked);
    for (size_t i = 0; i < fixture->revoked_count; i++)
        fixture->revoked[i] = (i + 1) * UINT64_C(0x0123456789abcdef);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    desk_destroy(&desk);
    return 0;
}

static enum gh_status give_snapshot(void *context, const struct gh_http_request *request,
                                    struct gh_http_response *response)
{
    (void)context;
    assert_null(request->bearer);
    response->status = 200;
    response->body = calloc(1, fixture->snapshot_size + 1);
    memcpy(response->body, fixture->snapshot, fixture->snapshot_size);
    response->size = fixture->snapshot_size;
    return GH_OK;
}

/* Breaks after so many bytes, each time that it is asked. */
static void offer_cut(size_t after, bool no_ranges, uint32_t times)
{
    struct gh_fake_answer answer = {.path = desk.snapshot_path,
                                    .times = times,
                                    .handler = give_snapshot,
                                    .no_ranges = no_ranges,
                                    .cut = true,
                                    .cut_after = after};
    gh_fake_transport_add(&desk.server, &answer);
}

/* The list is made and offered; its snapshot is not, yet. */
static void offer_answer(void)
{
    fixture_make_list(fixture);
    desk_offer_snapshot(&desk, 1);
    gh_fake_transport_forget(&desk.server);
    desk_offer_answer(&desk, GH_FAKE_FOREVER);
}

static void assert_range(size_t request, uint64_t from)
{
    const struct gh_fake_request *asked =
        gh_fake_transport_request(&desk.server, desk.snapshot_path, request);

    assert_non_null(asked);
    assert_true(asked->range_from == from);
}

static void part_path(char path[PATH_MAX])
{
    char digest[2 * GH_SHA256_BYTES + 1], name[128];

    gh_hex_encode(fixture->manifest.snapshot_sha256, GH_SHA256_BYTES, digest);
    snprintf(name, sizeof(name), "snapshot-%s.part", digest);
    fixture_path(fixture, name, path);
}

static void write_part(const void *data, size_t size)
{
    char path[PATH_MAX];

    part_path(path);
    assert_int_equal(gh_file_replace(path, 0600, data, size, NULL), GH_OK);
}

/* Once after each number of bytes; what came before the cut is not asked for again. */
static void test_cut_anywhere(void **state)
{
    (void)state;

    desk_start(&desk);
    offer_answer();
    assert_true(fixture->snapshot_size > 300);
    desk_stop(&desk);
    for (size_t at = 0; at <= fixture->snapshot_size; at += at < 10 ? 1 : 37) {
        desk_start(&desk);
        offer_cut(at, false, 1);
        desk_offer_snapshot(&desk, 1);
        (void)desk_turn(&desk);
        if (at < fixture->snapshot_size) {
            assert_int_equal(desk_count_events(&desk, GH_COURIER_LIST), 0);
            desk_run_ms(&desk, 2 * DESK_FIRST_MS);
            assert_range(1, at);
        }
        assert_int_equal(desk_count_events(&desk, GH_COURIER_LIST), 1);
        assert_int_equal(desk_count_events(&desk, GH_COURIER_TROUBLE), 0);
        desk_assert_at_hand(&desk, 5, fixture->manifest.issued_at_s);
        assert_int_equal(desk_parts(&desk), 0);
        desk_stop(&desk);
        (void)teardown(NULL);
        (void)setup(NULL);
        offer_answer();
    }
}

/* The part is there after a start, too. */
static void test_restart(void **state)
{
    (void)state;

    desk_start(&desk);
    offer_answer();
    offer_cut(100, false, 1);
    (void)desk_turn(&desk);
    assert_int_equal(desk_parts(&desk), 1);
    for (int i = 0; i < 3; i++) {
        desk_restart(&desk);
        gh_fake_transport_forget(&desk.server);
        desk_offer_answer(&desk, 1);
        offer_cut(50, false, 1);
        (void)desk_turn(&desk);
        assert_range(0, 100 + 50 * (uint64_t)i);
    }
    desk_restart(&desk);
    gh_fake_transport_forget(&desk.server);
    desk_offer_answer(&desk, 1);
    desk_offer_snapshot(&desk, 1);
    (void)desk_turn(&desk);
    assert_range(0, 250);
    desk_assert_at_hand(&desk, 5, fixture->manifest.issued_at_s);
    assert_int_equal(desk_parts(&desk), 0);
}

/* A line that breaks every few bytes gets there without ever longer pauses. */
static void test_breaks_often(void **state)
{
    (void)state;

    desk_start(&desk);
    offer_answer();
    offer_cut(10, false, GH_FAKE_FOREVER);
    desk_run_ms(&desk, (int64_t)(fixture->snapshot_size / 10 + 2) * DESK_FIRST_MS);
    desk_assert_at_hand(&desk, 5, fixture->manifest.issued_at_s);
}

/* Without a byte it is a failure like any other. */
static void test_never_comes(void **state)
{
    (void)state;

    desk_start(&desk);
    offer_answer();
    offer_cut(0, false, GH_FAKE_FOREVER);
    desk_run_ms(&desk, 60000);
    assert_in_range(desk_asked(&desk, desk.snapshot_path), 5, 8);
}

/* A cache that does not know of ranges sends all of it. */
static void test_no_ranges(void **state)
{
    (void)state;

    desk_start(&desk);
    offer_answer();
    offer_cut(200, true, 2);
    offer_cut(fixture->snapshot_size, true, 1);
    desk_run_ms(&desk, 4 * DESK_FIRST_MS);
    assert_range(1, 200);
    assert_range(2, 200);
    desk_assert_at_hand(&desk, 5, fixture->manifest.issued_at_s);
}

/* Whatever lies there under its name: in the end it is the snapshot, and it is nobody's fault. */
static void test_spoiled_part(void **state)
{
    (void)state;
    uint8_t bytes[sizeof(fixture->snapshot) + 10];

    for (int way = 0; way < 4; way++) {
        offer_answer();
        desk_offer_snapshot(&desk, GH_FAKE_FOREVER);
        memcpy(bytes, fixture->snapshot, fixture->snapshot_size);
        bytes[50] ^= way < 2 ? 1 : 0;
        write_part(bytes, way == 0   ? 100                        /* changed, the beginning of it */
                          : way == 1 ? fixture->snapshot_size     /* changed, all of it */
                          : way == 2 ? fixture->snapshot_size + 5 /* longer */
                                     : fixture->snapshot_size);   /* all of it, and true */
        desk_start(&desk);
        (void)desk_turn(&desk);
        assert_int_equal(desk_count_events(&desk, GH_COURIER_LIST), way >= 2);
        desk_run_ms(&desk, 2 * DESK_FIRST_MS);
        assert_int_equal(desk_asked(&desk, desk.snapshot_path), way == 0 ? 2 : way == 3 ? 0 : 1);
        assert_int_equal(desk_count_events(&desk, GH_COURIER_TROUBLE), 0);
        desk_assert_at_hand(&desk, 5, fixture->manifest.issued_at_s);
        assert_int_equal(desk_parts(&desk), 0);
        desk_stop(&desk);
        (void)teardown(NULL);
        (void)setup(NULL);
    }
}

/* What somebody else might have put there is not written through. */
static void test_part_is_a_link(void **state)
{
    (void)state;
    char path[PATH_MAX], target[PATH_MAX];
    struct stat info;

    offer_answer();
    desk_offer_snapshot(&desk, GH_FAKE_FOREVER);
    part_path(path);
    fixture_path(fixture, "precious", target);
    assert_int_equal(gh_file_replace(target, 0600, "gold", 4, NULL), GH_OK);
    assert_int_equal(symlink(target, path), 0);
    desk_start(&desk);
    desk_run_ms(&desk, 10 * DESK_FIRST_MS);
    assert_int_equal(stat(target, &info), 0);
    assert_int_equal(info.st_size, 4);
    desk_assert_at_hand(&desk, 5, fixture->manifest.issued_at_s);
}

/* The list went on while a part of an earlier snapshot was here: it is no use any more. */
static void test_another_one(void **state)
{
    (void)state;

    desk_start(&desk);
    offer_answer();
    offer_cut(100, false, 1);
    (void)desk_turn(&desk);
    assert_int_equal(desk_parts(&desk), 1);
    gh_fake_transport_forget(&desk.server);
    fixture->manifest.generation = 6;
    fixture->colours[ANNA] = GH_COLOUR_RED;
    offer_answer();
    offer_cut(70, false, 1);
    desk_run_ms(&desk, 2 * DESK_FIRST_MS);
    assert_range(0, 0); /* from the beginning, and the other one is gone */
    assert_int_equal(desk_parts(&desk), 1);
    desk_offer_snapshot(&desk, 1);
    desk_run_ms(&desk, 4 * DESK_FIRST_MS);
    desk_assert_at_hand(&desk, 6, fixture->manifest.issued_at_s);
    assert_int_equal(desk_parts(&desk), 0);
}

/* By a delta it is at hand before its snapshot was: the part goes. */
static void test_overtaken(void **state)
{
    (void)state;

    desk_start_with_list(&desk);
    struct gh_generation at_hand = desk_generation(&desk);
    write_part("old", 3);
    desk_restart(&desk);
    desk_make_delta(&desk, at_hand, GH_COLOUR_RED);
    desk_offer_answer(&desk, 1);
    (void)desk_turn(&desk);
    assert_int_equal(desk_count_events(&desk, GH_COURIER_LIST), 1);
    assert_int_equal(desk_parts(&desk), 0);
}

/* Said, the list at hand stands, nothing is left lying; and with room again it comes. */
static void test_full_while_it_comes(void **state)
{
    (void)state;
    char log[8192];

    desk_start_with_list(&desk);
    const int64_t issued_at_s = fixture->manifest.issued_at_s;
    fixture->manifest.generation = 6;
    fixture->colours[ANNA] = GH_COLOUR_RED;
    offer_answer();
    desk_offer_snapshot(&desk, GH_FAKE_FOREVER);
    fixture_capture_log(fixture);
    fixture_limit_files(150);
    desk_run_ms(&desk, 30000);
    fixture_empty_disk();
    fixture_take_log(fixture, log, sizeof(log));
    assert_non_null(strstr(log, "the new list cannot be kept"));
    assert_int_equal(desk_count_events(&desk, GH_COURIER_TROUBLE), 0);
    desk_assert_at_hand(&desk, 5, issued_at_s);
    assert_int_equal(desk_parts(&desk), 0); /* the journal needs the room more */
    desk_run_ms(&desk, 120000);
    desk_assert_at_hand(&desk, 6, fixture->manifest.issued_at_s);
}

/* Where it cannot fit it is not even begun: neither it, nor what is built from it, nor what the
 * journal needs meanwhile. */
static void test_no_room(void **state)
{
    (void)state;
    char log[8192];

    desk_start(&desk);
    fixture_make_list(fixture);
    fixture->manifest.snapshot_bytes = UINT64_C(4) << 20;
    if (mount("none", fixture->dir, "tmpfs", 0, "size=20m") != 0)
        skip(); /* no right to */
    desk_offer_answer(&desk, GH_FAKE_FOREVER);
    desk_offer_snapshot(&desk, GH_FAKE_FOREVER);
    fixture_path(fixture, "log", log);
    close(open(log, O_CREAT | O_WRONLY, 0600));
    fixture_capture_log(fixture);
    (void)desk_turn(&desk);
    fixture_take_log(fixture, log, sizeof(log));
    assert_int_equal(umount2(fixture->dir, MNT_DETACH), 0);
    assert_non_null(strstr(log, "no room for the new list"));
    assert_int_equal(desk_asked(&desk, desk.snapshot_path), 0);
}

/* A kill left half a list, and there will be need for its room. */
static void test_left_behind(void **state)
{
    (void)state;
    char path[PATH_MAX];

    desk_start_with_list(&desk);
    fixture_path(fixture, "list/new.tmp", path);
    assert_int_equal(gh_file_replace(path, 0600, "half", 4, NULL), GH_OK);
    desk_restart(&desk);
    (void)desk_turn(&desk);
    assert_int_equal(access(path, F_OK), -1);
    desk_assert_at_hand(&desk, 5, fixture->manifest.issued_at_s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_cut_anywhere, setup, teardown),
        cmocka_unit_test_setup_teardown(test_restart, setup, teardown),
        cmocka_unit_test_setup_teardown(test_breaks_often, setup, teardown),
        cmocka_unit_test_setup_teardown(test_never_comes, setup, teardown),
        cmocka_unit_test_setup_teardown(test_no_ranges, setup, teardown),
        cmocka_unit_test_setup_teardown(test_spoiled_part, setup, teardown),
        cmocka_unit_test_setup_teardown(test_part_is_a_link, setup, teardown),
        cmocka_unit_test_setup_teardown(test_another_one, setup, teardown),
        cmocka_unit_test_setup_teardown(test_overtaken, setup, teardown),
        cmocka_unit_test_setup_teardown(test_full_while_it_comes, setup, teardown),
        cmocka_unit_test_setup_teardown(test_no_room, setup, teardown),
        cmocka_unit_test_setup_teardown(test_left_behind, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
