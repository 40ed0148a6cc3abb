/* SPDX-License-Identifier: Apache-2.0 */
/* courier_sound.c: an announcement's sound is fetched, gone on with, and believed by its hash. */
#include "test_courier_kept.h"

static void offer_cut_sound(size_t after, bool no_ranges)
{
    const struct gh_fake_answer answer = {.path = sound_path(),
                                          .times = 1,
                                          .handler = give_sound,
                                          .cut = true,
                                          .cut_after = after,
                                          .no_ranges = no_ranges};
    gh_fake_transport_add(&desk.server, &answer);
}

static void test_cuts(void **state)
{
    (void)state;
    desk_start_with_list(&desk);
    offer_number(1);
    offer_news(1, "", announcement(&(struct gh_announcement){.id = ID}), false);
    offer_cut_sound(100, false);
    offer_cut_sound(7000, false);
    turns(2);
    desk_run_ms(&desk, DESK_FIRST_MS);
    assert_true(sound_is("part"));
    assert_int_equal(desk_count_events(&desk, GH_COURIER_ANNOUNCEMENT), 0);
    restart(); /* goes on where it was, also then; though the signature comes first */
    offer_number(1);
    offer_news(1, "", announcement(&(struct gh_announcement){.id = ID}), false);
    offer_sound(1);
    desk_run_ms(&desk, 10 * DESK_FIRST_MS);
    assert_true(gh_fake_transport_request(&desk.server, sound_path(), 0)->range_from >= 7000);
    assert_int_equal(desk_count_events(&desk, GH_COURIER_ANNOUNCEMENT), 1);
    assert_sound(told(0)->path);
    assert_false(sound_is("part"));
}

static void test_a_server_without_ranges(void **state)
{
    (void)state;
    desk_start_with_list(&desk);
    offer_number(1);
    offer_news(1, "", announcement(&(struct gh_announcement){.id = ID}), false);
    offer_cut_sound(5000, true);
    offer_cut_sound(1000000, true);
    desk_run_ms(&desk, 4 * DESK_FIRST_MS);
    assert_int_equal(desk_count_events(&desk, GH_COURIER_ANNOUNCEMENT), 1);
    assert_sound(told(0)->path);
}

static void offer_other(const void *data, size_t size)
{
    const struct gh_fake_answer answer = {
        .path = sound_path(), .body = data, .size = size, .times = 1};
    gh_fake_transport_add(&desk.server, &answer);
}

/* Another one, a longer one, a shorter one, none: not told; and in the end the right one is. */
static void test_another_sound(void **state)
{
    uint8_t *other = malloc(sound.size), *longer = malloc(sound.size + 1);

    (void)state;
    assert_true(other && longer);
    memcpy(other, sound.data, sound.size);
    other[sound.size / 2] ^= 1;
    memcpy(longer, sound.data, sound.size);
    longer[sound.size] = 0;
    desk_start_with_list(&desk);
    offer_number(1);
    offer_news(1, "", announcement(&(struct gh_announcement){.id = ID}), false);
    offer_other(other, sound.size);
    offer_other(sound.data, sound.size - 1);
    offer_other(longer, sound.size + 1);
    desk_answer(&desk, sound_path(), 404, "{\"error\":\"not_found\"}");
    desk_run_ms(&desk, 40 * DESK_FIRST_MS);
    assert_true(desk_asked(&desk, sound_path()) >= 4);
    for (size_t i = 0; i < 4; i++) /* nothing of a wrong one is gone on from */
        assert_int_equal(gh_fake_transport_request(&desk.server, sound_path(), i)->range_from, 0);
    assert_int_equal(desk_count_events(&desk, GH_COURIER_ANNOUNCEMENT), 0);
    assert_false(sound_is("wav"));
    offer_sound(1);
    /* The longest pause that can have begun by now: six were before it, half of each at least. */
    desk_run_ms(&desk, (64 + 1) * DESK_FIRST_MS);
    assert_int_equal(desk_count_events(&desk, GH_COURIER_ANNOUNCEMENT), 1);
    free(other);
    free(longer);
}

/* One that does not come keeps no other waiting; the newest is fetched first. */
static void test_several(void **state)
{
    char list[2048];
    const struct gh_announcement missing = {
        .id = 3, .sha256 = {9, 9, 9}, .from_s = FIXTURE_NOW_S + 5};

    (void)state;
    desk_start_with_list(&desk);
    offer_number(1);
    snprintf(list, sizeof(list), "%s,%s", announcement(&(struct gh_announcement){.id = ID}),
             announcement(&missing));
    offer_news(1, "", list, false);
    offer_sound(1);
    turns(4);
    assert_int_equal(desk_count_events(&desk, GH_COURIER_ANNOUNCEMENT), 1);
    assert_true(told(0)->announcement.id == ID);
    char digest[65], path[128];
    gh_hex_encode(missing.sha256, 32, digest);
    snprintf(path, sizeof(path), "/api/v1/announcements/%s", digest);
    assert_int_equal(desk_asked(&desk, path), 1);
    assert_true(gh_fake_transport_request(&desk.server, path, 0)->at_ns <
                gh_fake_transport_request(&desk.server, sound_path(), 0)->at_ns);
}

/* The second one needs no fetching; and what the first leaves is the second's. */
static void test_one_sound_for_two(void **state)
{
    (void)state;
    be_told(&(struct gh_announcement){.id = ID});
    offer_number(2);
    offer_news(2, "", announcement(&(struct gh_announcement){.id = 2}), false);
    turns(2);
    assert_int_equal(desk_asked(&desk, sound_path()), 1);
    assert_int_equal(desk_count_events(&desk, GH_COURIER_ANNOUNCEMENT), 2);
    gh_courier_announced(desk.courier, ID);
    turns(1);
    assert_sound(told(1)->path);
    gh_courier_announced(desk.courier, 2);
    turns(1);
    assert_false(sound_is("wav"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        NEWS_TEST(test_cuts),
        NEWS_TEST(test_a_server_without_ranges),
        NEWS_TEST(test_another_sound),
        NEWS_TEST(test_several),
        NEWS_TEST(test_one_sound_for_two),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
