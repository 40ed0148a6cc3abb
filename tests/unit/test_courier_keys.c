/* SPDX-License-Identifier: Apache-2.0 */
/* courier_keys.c: the list key is followed by another one, and by nobody else's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fakes/courier_desk.h"

#define KEYS 5

static struct desk desk;
static struct fixture *const fixture = &desk.fixture;
static struct gh_private_key *keys[KEYS]; /* the first one is the fixture's */

static int setup(void **state)
{
    (void)state;
    desk_init(&desk);
    keys[0] = fixture->list_key;
    for (int i = 1; i < KEYS; i++)
        assert_int_equal(gh_private_key_generate(GH_KEY_ED25519, &keys[i]), GH_OK);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    fixture->list_key = keys[0];
    desk_destroy(&desk);
    for (int i = 1; i < KEYS; i++)
        gh_private_key_free(keys[i]);
    return 0;
}

static void forget_handovers(void)
{
    desk.handovers_size = desk.handover_count = 0;
}

/* As a server with so many rotations behind it says. */
static void hand_over_up_to(int newest)
{
    forget_handovers();
    for (int i = 1; i <= newest; i++)
        desk_hand_over(&desk, keys[i - 1], (uint64_t)i, keys[i]);
}

static void offer_by(int key)
{
    gh_fake_transport_forget(&desk.server);
    fixture->list_key = keys[key];
    fixture->manifest.generation++;
    fixture->manifest.issued_at_s++;
    desk_offer_list(&desk, 4);
}

static bool is_key(const uint8_t raw[GH_LIST_KEY_BYTES], int key)
{
    uint8_t own[GH_PUBLIC_KEY_MAX_BYTES];
    struct gh_public_key *public = NULL;

    assert_int_equal(gh_private_key_public(keys[key], &public), GH_OK);
    assert_int_equal(gh_public_key_raw(public, own), GH_LIST_KEY_BYTES);
    gh_public_key_free(public);
    return memcmp(own, raw, GH_LIST_KEY_BYTES) == 0;
}

static void assert_pinned(int key)
{
    struct gh_identity saved = desk_saved_identity(&desk);

    assert_true(is_key(saved.list_key, key));
    assert_int_equal(saved.list_key_number, key);
    assert_int_equal(saved.retired_count, key);
    for (int i = 0; i < key; i++)
        assert_true(is_key(saved.retired_keys[i], i));
}

/* Nothing of it counts. */
static void assert_refused(enum gh_list_trouble trouble, int still, uint64_t generation)
{
    desk_run_ms(&desk, 10 * DESK_FIRST_MS);
    assert_int_equal(desk.event_count, 1);
    assert_int_equal(desk.events[0].type, GH_COURIER_TROUBLE);
    assert_int_equal(desk.events[0].trouble, trouble);
    assert_true(desk.events[0].offered == 0);
    assert_pinned(still);
    assert_true(desk_saved_manifest(&desk).generation == generation);
    desk_forget_events(&desk);
}

static void test_followed(void **state)
{
    (void)state;

    desk_start_with_list(&desk);
    for (int key = 1; key < KEYS; key++) {
        hand_over_up_to(key);
        offer_by(key);
        (void)desk_turn(&desk);
        assert_int_equal(desk.event_count, 1);
        assert_int_equal(desk.events[0].type, GH_COURIER_LIST);
        assert_true(is_key(desk.events[0].identity.list_key, key)); /* the gate needs it */
        assert_pinned(key);
        desk_assert_at_hand(&desk, 5 + (uint64_t)key, fixture->manifest.issued_at_s);
        desk_forget_events(&desk);
        if (key == 2)
            desk_restart(&desk);
    }
}

/* The gate was away for long. */
static void test_several_at_once(void **state)
{
    (void)state;

    desk_start_with_list(&desk);
    hand_over_up_to(4);
    offer_by(4);
    (void)desk_turn(&desk);
    assert_int_equal(desk_count_events(&desk, GH_COURIER_LIST), 1);
    assert_pinned(4);
    desk_assert_at_hand(&desk, 6, fixture->manifest.issued_at_s);
}

/* Only the key changed; what is at hand was signed by the one before, and is brought anew. */
static void test_same_generation(void **state)
{
    (void)state;

    desk_start_with_list(&desk);
    hand_over_up_to(1);
    fixture->manifest.generation--;
    offer_by(1);
    (void)desk_turn(&desk);
    assert_int_equal(desk_count_events(&desk, GH_COURIER_LIST), 1);
    assert_pinned(1);
    desk_assert_at_hand(&desk, 5, fixture->manifest.issued_at_s);
    desk_restart(&desk);
    (void)desk_turn(&desk);
    desk_assert_asked(&desk, 1, 5, 0);
}

/* The server leads on from the list at hand, as it was asked to. */
static void test_delta_by_the_new_key(void **state)
{
    (void)state;
    struct gh_generation at_hand;

    desk_start_with_list(&desk);
    at_hand = desk_generation(&desk);
    hand_over_up_to(1);
    fixture->list_key = keys[1];
    desk_make_delta(&desk, at_hand, GH_COLOUR_RED);
    fixture->manifest.snapshot = (struct gh_generation){.number = 3, .tag = "three"};
    desk_offer_answer(&desk, 1);
    (void)desk_turn(&desk);
    assert_int_equal(desk.event_count, 0);
    assert_pinned(0);
    offer_by(1);
    (void)desk_turn(&desk); /* at once */
    desk_assert_asked(&desk, 0, 0, 0);
    assert_int_equal(desk_count_events(&desk, GH_COURIER_LIST), 1);
    assert_pinned(1);
}

/* Enrolled after some rotations: the number is not in the enrolment code. */
static void test_enrolled_late(void **state)
{
    (void)state;

    fixture->list_key = keys[2];
    gh_public_key_free(fixture->list_public);
    assert_int_equal(gh_private_key_public(keys[2], &fixture->list_public), GH_OK);
    (void)gh_public_key_raw(fixture->list_public, fixture->identity.list_key);
    hand_over_up_to(2);
    desk_start_with_list(&desk);
    assert_int_equal(desk_saved_identity(&desk).retired_count, 0);

    offer_by(1); /* never known here, but named before ours */
    (void)desk_turn(&desk);
    assert_int_equal(desk.event_count, 1);
    assert_int_equal(desk.events[0].trouble, GH_LIST_TROUBLE_RETIRED_KEY);
    desk_forget_events(&desk);

    hand_over_up_to(3);
    offer_by(3);
    desk_run_ms(&desk, 4 * DESK_FIRST_MS);
    assert_int_equal(desk_count_events(&desk, GH_COURIER_LIST), 1);
    struct gh_identity saved = desk_saved_identity(&desk);
    assert_int_equal(saved.list_key_number, 3);
    assert_true(is_key(saved.list_key, 3));
    assert_true(is_key(saved.retired_keys[0], 2));
}

/* A list by a key that was followed: also with the handovers of its time, or none at all. */
static void test_replayed(void **state)
{
    (void)state;

    desk_start_with_list(&desk);
    hand_over_up_to(2);
    offer_by(2);
    (void)desk_turn(&desk);
    assert_pinned(2);
    desk_forget_events(&desk);
    for (int key = 0; key < 2; key++) {
        for (int with = 0; with < 3; with++) {
            hand_over_up_to(with);
            offer_by(key);
            if (with == 1)
                desk_restart(&desk);
            desk_run_ms(&desk, DESK_MOST_MS);
            desk_stop(&desk); /* another one is told again */
            assert_int_equal(desk.event_count >= 1, 1);
            assert_int_equal(desk.events[0].trouble, GH_LIST_TROUBLE_RETIRED_KEY);
            assert_pinned(2);
            desk_forget_events(&desk);
            fixture->identity = desk_saved_identity(&desk);
            desk_start(&desk);
        }
    }
    assert_true(desk_saved_manifest(&desk).generation == 6);
}

/* Followed in the very answer that an earlier key has signed. */
static void test_signed_by_one_in_between(void **state)
{
    (void)state;

    desk_start_with_list(&desk);
    hand_over_up_to(2);
    offer_by(1);
    assert_refused(GH_LIST_TROUBLE_RETIRED_KEY, 0, 5);
}

/* --- what is no handover --- */

static void test_without_one(void **state)
{
    (void)state;

    desk_start_with_list(&desk);
    offer_by(1);
    assert_refused(GH_LIST_TROUBLE_SIGNATURE, 0, 5);
}

static void test_by_a_stranger(void **state)
{
    (void)state;

    desk_start_with_list(&desk);
    desk_hand_over(&desk, fixture->stranger_key, 1, keys[1]);
    offer_by(1);
    assert_refused(GH_LIST_TROUBLE_SIGNATURE, 0, 5);
}

/* By itself. */
static void test_by_the_new_one(void **state)
{
    (void)state;

    desk_start_with_list(&desk);
    desk_hand_over(&desk, keys[1], 1, keys[1]);
    offer_by(1);
    assert_refused(GH_LIST_TROUBLE_SIGNATURE, 0, 5);
}

/* One is left out. */
static void test_skipped(void **state)
{
    (void)state;

    desk_start_with_list(&desk);
    hand_over_up_to(1);
    offer_by(1);
    (void)desk_turn(&desk);
    assert_pinned(1);
    desk_forget_events(&desk);

    forget_handovers(); /* the chain has a hole */
    desk_hand_over(&desk, keys[2], 3, keys[3]);
    offer_by(3);
    assert_refused(GH_LIST_TROUBLE_SIGNATURE, 1, 6);
    forget_handovers(); /* or the number has */
    desk_hand_over(&desk, keys[1], 3, keys[3]);
    desk_restart(&desk);
    offer_by(3);
    assert_refused(GH_LIST_TROUBLE_SIGNATURE, 1, 6);
    forget_handovers(); /* or it goes back */
    desk_hand_over(&desk, keys[1], 1, keys[3]);
    desk_restart(&desk);
    offer_by(3);
    assert_refused(GH_LIST_TROUBLE_SIGNATURE, 1, 6);
}

static void test_of_another_area(void **state)
{
    (void)state;
    char own[GH_AREA_BYTES];

    desk_start_with_list(&desk);
    memcpy(own, fixture->manifest.area, sizeof(own));
    memcpy(fixture->manifest.area, "New Town", sizeof("New Town"));
    desk_hand_over(&desk, keys[0], 1, keys[1]);
    memcpy(fixture->manifest.area, own, sizeof(own));
    offer_by(1);
    assert_refused(GH_LIST_TROUBLE_SIGNATURE, 0, 5);
}

/* Every bit of it counts. */
static void test_altered(void **state)
{
    (void)state;

    desk_start_with_list(&desk);
    for (size_t at = 2; at < 200; at += 3) {
        hand_over_up_to(1);
        if (at >= desk.handovers_size)
            break;
        desk.handovers[at] ^= 1;
        offer_by(1);
        (void)desk_turn(&desk);
        assert_int_equal(desk_count_events(&desk, GH_COURIER_LIST), 0);
        assert_pinned(0);
        gh_fake_clock_advance_ms(&fixture->clock, DESK_MOST_MS);
    }
    assert_true(desk_saved_manifest(&desk).generation == 5);
}

/* --- the disk --- */

/* What cannot be pinned is not believed: after a cut of power the old key would be back. */
static void test_cannot_be_pinned(void **state)
{
    (void)state;
    char path[PATH_MAX], kept[PATH_MAX];

    desk_start_with_list(&desk);
    assert_int_equal(gh_courier_identity_path(fixture->dir, path), GH_OK);
    fixture_path(fixture, "kept", kept);
    assert_int_equal(rename(path, kept), 0);
    assert_int_equal(mkdir(path, 0700), 0); /* cannot be replaced by a file */
    hand_over_up_to(1);
    offer_by(1);
    desk_run_ms(&desk, 4 * DESK_FIRST_MS);
    assert_int_equal(desk.event_count, 0);
    assert_int_equal(rmdir(path), 0);
    assert_int_equal(rename(kept, path), 0);
    assert_true(desk_saved_manifest(&desk).generation == 5); /* by the old key still */
    assert_pinned(0);
    offer_by(1); /* how often it has asked by now is chance */
    desk_run_ms(&desk, 64 * DESK_FIRST_MS);
    assert_int_equal(desk_count_events(&desk, GH_COURIER_LIST), 1);
    assert_pinned(1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_followed, setup, teardown),
        cmocka_unit_test_setup_teardown(test_several_at_once, setup, teardown),
        cmocka_unit_test_setup_teardown(test_same_generation, setup, teardown),
        cmocka_unit_test_setup_teardown(test_delta_by_the_new_key, setup, teardown),
        cmocka_unit_test_setup_teardown(test_enrolled_late, setup, teardown),
        cmocka_unit_test_setup_teardown(test_replayed, setup, teardown),
        cmocka_unit_test_setup_teardown(test_signed_by_one_in_between, setup, teardown),
        cmocka_unit_test_setup_teardown(test_without_one, setup, teardown),
        cmocka_unit_test_setup_teardown(test_by_a_stranger, setup, teardown),
        cmocka_unit_test_setup_teardown(test_by_the_new_one, setup, teardown),
        cmocka_unit_test_setup_teardown(test_skipped, setup, teardown),
        cmocka_unit_test_setup_teardown(test_of_another_area, setup, teardown),
        cmocka_unit_test_setup_teardown(test_altered, setup, teardown),
        cmocka_unit_test_setup_teardown(test_cannot_be_pinned, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
