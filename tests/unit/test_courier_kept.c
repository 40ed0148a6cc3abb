/* SPDX-License-Identifier: Apache-2.0 */
/* courier_kept.c: announcements are verified, kept over restarts, told, and never told again once
 * it is known what became of them. */
#include "test_courier_kept.h"

#include <fcntl.h>
#include <sys/syscall.h>

/* --- in which order --- */

static bool sound_went_unmarked;

/* Ours, in place of libc's. */
int unlink(const char *path)
{
    const char *slash = strrchr(path, '/'), *dot = strrchr(path, '.');
    char mark[PATH_MAX];

    if (slash && dot && strcmp(dot, ".wav") == 0) {
        snprintf(mark, sizeof(mark), "%.*s/" ID_TEXT ".done", (int)(slash - path), path);
        sound_went_unmarked = sound_went_unmarked || access(mark, F_OK) != 0;
    }
    return (int)syscall(SYS_unlinkat, AT_FDCWD, path, 0);
}

/* --- told --- */

static void test_is_told_with_its_sound(void **state)
{
    (void)state;
    be_told(&(struct gh_announcement){.id = ID, .repeat = 3, .gate = FIXTURE_GATE});
    const struct gh_announcement_job *job = told(0);
    assert_true(job->announcement.id == ID && job->announcement.gate == FIXTURE_GATE);
    assert_int_equal(job->announcement.repeat, 3);
    assert_int_equal(job->announcement.until_s, FIXTURE_NOW_S + 600);
    assert_sound(job->path);
    assert_true(is_there(ID_TEXT ".cose"));
    assert_int_equal(count_files(), 2);
    const struct gh_fake_request *request =
        gh_fake_transport_request(&desk.server, sound_path(), 0);
    assert_true(request->bearer[0] != '\0');
    assert_int_equal(request->range_from, 0);
    turns(3); /* once */
    assert_int_equal(desk_count_events(&desk, GH_COURIER_ANNOUNCEMENT), 1);
    assert_int_equal(desk_asked(&desk, sound_path()), 1);
}

static void test_what_is_not_believed(void **state)
{
    const struct gh_announcement good = {.id = ID};
    char list[4096];

    (void)state;
    desk_start_with_list(&desk);
    offer_number(1);
    snprintf(list, sizeof(list), "%s,%s,%s,\"\",\"AAAA\",\"no base64!\",17,null",
             announcement_by(fixture->stranger_key, FIXTURE_AREA, &good),
             announcement_by(fixture->list_key, "New Town", &good),
             announcement(&(struct gh_announcement){.id = ID, .gate = FIXTURE_GATE + 1}));
    offer_news(1, MOVEMENT("11", "in", "1"), list, false);
    offer_sound(1);
    turns(4);
    assert_int_equal(desk_count_events(&desk, GH_COURIER_ANNOUNCEMENT), 0);
    assert_int_equal(desk_count_events(&desk, GH_COURIER_PRESENCE), 1);
    assert_int_equal(desk_asked(&desk, NEWS_PATH), 1); /* and asks for them no more */
    assert_int_equal(count_files(), 0);
}

/* --- restarts --- */

static void test_told_again_without_a_server(void **state)
{
    (void)state;
    be_told(&(struct gh_announcement){.id = ID});
    restart();
    (void)gh_courier_turn(desk.courier, GH_COURIER_LANE_NEWS);
    turns(2);
    assert_int_equal(desk_count_events(&desk, GH_COURIER_ANNOUNCEMENT), 1);
    assert_sound(told(0)->path);
    assert_int_equal(desk_asked(&desk, sound_path()) + desk_asked(&desk, NEWS_PATH), 0);
}

static void test_never_twice(void **state)
{
    (void)state;
    be_told(&(struct gh_announcement){.id = ID});
    gh_courier_announced(desk.courier, ID);
    gh_courier_announced(desk.courier, ID); /* as before */
    gh_courier_announced(desk.courier, 1234);
    turns(2);
    assert_int_equal(count_files(), 1);
    assert_true(is_there(ID_TEXT ".done"));
    for (int i = 0; i < 2; i++) {
        restart();
        offer_number(1);
        offer_news(1, "", announcement(&(struct gh_announcement){.id = ID}), false);
        offer_sound(1);
        turns(3);
        assert_int_equal(desk_count_events(&desk, GH_COURIER_ANNOUNCEMENT), 0);
        assert_int_equal(desk_asked(&desk, NEWS_PATH), 1);
        assert_int_equal(desk_asked(&desk, sound_path()), 0);
        assert_int_equal(count_files(), 1);
    }
}

/* The power goes between the mark and the rest, or in the middle of the mark. */
static void test_cut_short(void **state)
{
    (void)state;
    be_told(&(struct gh_announcement){.id = ID});
    desk_stop(&desk);
    assert_int_equal(gh_file_replace(path_in(ID_TEXT ".done"), 0600, "1900000600\n", 11, NULL),
                     GH_OK);
    desk_start(&desk);
    desk_forget_events(&desk);
    turns(2);
    assert_int_equal(desk_count_events(&desk, GH_COURIER_ANNOUNCEMENT), 0);
    assert_int_equal(count_files(), 1);
    desk_stop(&desk);
    assert_int_equal(gh_file_replace(path_in(ID_TEXT ".done"), 0600, "", 0, NULL), GH_OK);
    desk_start(&desk);
    gh_fake_transport_forget(&desk.server);
    offer_number(1);
    offer_news(1, "", announcement(&(struct gh_announcement){.id = ID}), false);
    turns(3);
    assert_int_equal(desk_count_events(&desk, GH_COURIER_ANNOUNCEMENT), 0);
}

/* At no moment does it look as if its sound had never come: it would be fetched, and played. */
static void test_marked_before_its_sound_goes(void **state)
{
    (void)state;
    be_told(&(struct gh_announcement){.id = ID});
    sound_went_unmarked = false;
    gh_courier_announced(desk.courier, ID);
    turns(1);
    assert_false(sound_is("wav"));
    assert_true(is_there(ID_TEXT ".done"));
    assert_false(sound_went_unmarked);
}

/* What was left there by whoever, or turned over on the card. */
static void test_what_lies_there(void **state)
{
    static const char *const names[] = {
        "left-over", "x.cose", "00000000000000d9.cose", "00000000000000D1.done", "abc.wav",
        "abc.part",  "y.done"};
    char wav[80];

    (void)state;
    be_told(&(struct gh_announcement){.id = ID});
    desk_stop(&desk);
    for (size_t i = 0; i < GH_ARRAY_SIZE(names); i++)
        assert_int_equal(gh_file_replace(path_in(names[i]), 0600, "x", 1, NULL), GH_OK);
    desk_start(&desk);
    desk_forget_events(&desk);
    (void)gh_courier_turn(desk.courier, GH_COURIER_LANE_NEWS);
    assert_int_equal(count_files(), 2);
    turns(1);
    assert_int_equal(desk_count_events(&desk, GH_COURIER_ANNOUNCEMENT), 1);
    /* a bit of its sound */
    desk_stop(&desk);
    sound.data[500] ^= 1;
    snprintf(wav, sizeof(wav), "%s", strrchr(told(0)->path, '/') + 1);
    assert_int_equal(gh_file_replace(path_in(wav), 0600, sound.data, sound.size, NULL), GH_OK);
    sound.data[500] ^= 1;
    desk_start(&desk);
    desk_forget_events(&desk);
    turns(1);
    assert_int_equal(desk_count_events(&desk, GH_COURIER_ANNOUNCEMENT), 0);
    offer_sound(1);
    desk_run_ms(&desk, 3 * DESK_FIRST_MS);
    assert_int_equal(desk_count_events(&desk, GH_COURIER_ANNOUNCEMENT), 1);
    /* a bit of what was signed: gone, and the server gives it again */
    desk_stop(&desk);
    assert_int_equal(gh_file_replace(path_in(ID_TEXT ".cose"), 0600, "x", 1, NULL), GH_OK);
    desk_start(&desk);
    desk_forget_events(&desk);
    turns(1);
    assert_int_equal(count_files(), 0);
}

/* --- cancelled --- */

static void test_cancelled(void **state)
{
    (void)state;
    be_told(&(struct gh_announcement){.id = ID});
    offer_number(2);
    offer_news(2, "", announcement(&(struct gh_announcement){.id = ID, .cancelled = true}), false);
    turns(2);
    assert_int_equal(desk_count_events(&desk, GH_COURIER_ANNOUNCEMENT), 2);
    assert_true(told(1)->announcement.cancelled && told(1)->announcement.id == ID);
    assert_int_equal(count_files(), 1);
    restart();
    turns(2);
    assert_int_equal(desk_count_events(&desk, GH_COURIER_ANNOUNCEMENT), 0);
}

static void test_cancelled_before_its_sound_came(void **state)
{
    (void)state;
    desk_start_with_list(&desk);
    offer_number(1);
    offer_news(1, "", announcement(&(struct gh_announcement){.id = ID}), false);
    turns(2);
    offer_number(2);
    offer_news(2, "", announcement(&(struct gh_announcement){.id = ID, .cancelled = true}), false);
    offer_sound(1);
    desk_run_ms(&desk, 5 * DESK_FIRST_MS);
    assert_int_equal(desk_count_events(&desk, GH_COURIER_ANNOUNCEMENT), 1);
    assert_true(told(0)->announcement.cancelled);
    assert_int_equal(count_files(), 1);
}

/* What was signed before it was cancelled, played back by whoever. */
static void test_cancelled_and_told_again(void **state)
{
    (void)state;
    desk_start_with_list(&desk);
    offer_number(1);
    offer_news(1, "", announcement(&(struct gh_announcement){.id = ID, .cancelled = true}), false);
    offer_news(2, "", announcement(&(struct gh_announcement){.id = ID}), false);
    offer_sound(1);
    turns(2);
    offer_number(2);
    turns(3);
    assert_int_equal(desk_asked(&desk, NEWS_PATH), 2);
    assert_int_equal(desk_count_events(&desk, GH_COURIER_ANNOUNCEMENT), 0);
}

/* --- times --- */

static void test_expired_before_its_sound_came(void **state)
{
    (void)state;
    desk_start_with_list(&desk);
    offer_number(1);
    offer_news(1, "",
               announcement(&(struct gh_announcement){.id = ID, .until_s = FIXTURE_NOW_S + 60}),
               false);
    desk_run_ms(&desk, 59000);
    assert_int_equal(desk_count_events(&desk, GH_COURIER_ANNOUNCEMENT), 0);
    desk_run_ms(&desk, 2000);
    assert_int_equal(desk_count_events(&desk, GH_COURIER_ANNOUNCEMENT), 1);
    assert_string_equal(told(0)->path, "");
    assert_false(told(0)->announcement.cancelled);
    restart(); /* nobody has said yet what became of it */
    turns(1);
    assert_int_equal(desk_count_events(&desk, GH_COURIER_ANNOUNCEMENT), 1);
    gh_courier_announced(desk.courier, ID);
    turns(1);
    restart();
    turns(1);
    assert_int_equal(desk_count_events(&desk, GH_COURIER_ANNOUNCEMENT), 0);
}

static void test_marks_go(void **state)
{
    (void)state;
    be_told(&(struct gh_announcement){.id = ID});
    gh_courier_announced(desk.courier, ID);
    turns(1);
    assert_int_equal(count_files(), 1);
    gh_fake_clock_set_wall_s(&fixture->clock, FIXTURE_NOW_S + 600 + 86399);
    turns(1);
    assert_int_equal(count_files(), 1);
    gh_fake_clock_set_wall_s(&fixture->clock, FIXTURE_NOW_S + 600 + 86401);
    turns(1);
    assert_int_equal(count_files(), 0);
}

/* As late, and as early, as can be signed. */
static void test_the_end_of_time(void **state)
{
    (void)state;
    be_told(&(struct gh_announcement){.id = ID, .until_s = INT64_MAX});
    gh_courier_announced(desk.courier, ID);
    turns(1);
    assert_true(is_there(ID_TEXT ".done"));
    restart();
    offer_number(2);
    offer_news(2, "",
               announcement(&(struct gh_announcement){
                   .id = 3, .from_s = INT64_MIN, .until_s = INT64_MIN + 1}),
               false);
    turns(2);
    assert_false(is_there("0000000000000003.cose"));
    assert_true(is_there(ID_TEXT ".done"));
}

/* The gate that was told has never said anything. */
static void test_not_for_ever(void **state)
{
    (void)state;
    be_told(&(struct gh_announcement){.id = ID});
    gh_fake_clock_set_wall_s(&fixture->clock, FIXTURE_NOW_S + 600 + 86401);
    turns(2);
    assert_int_equal(count_files(), 0);
}

/* --- bounds --- */

static void test_so_many(void **state)
{
    static char list[(GH_ANNOUNCEMENTS_MAX + 4) * 512];

    (void)state;
    list[0] = '\0';
    for (gh_id id = 1; id <= GH_ANNOUNCEMENTS_MAX + 4; id++) {
        strcat(list, id > 1 ? "," : "");
        strcat(list, announcement(&(struct gh_announcement){.id = id}));
    }
    desk_start_with_list(&desk);
    offer_number(1);
    offer_news(1, "", list, false);
    offer_sound(1);
    turns(GH_ANNOUNCEMENTS_MAX + 4);
    assert_int_equal(desk_asked(&desk, sound_path()), 1);
    assert_int_equal(desk_count_events(&desk, GH_COURIER_ANNOUNCEMENT), GH_ANNOUNCEMENTS_MAX);
    assert_int_equal(count_files(), GH_ANNOUNCEMENTS_MAX + 1);
    assert_int_equal(desk_asked(&desk, NEWS_PATH), 1);
}

/* Marks are bounded, too: those that could be told again for the shortest time go. */
static void test_many_that_are_done(void **state)
{
    (void)state;
    be_told(&(struct gh_announcement){.id = ID});
    for (gh_id id = 1000; id < 1000 + 2 * GH_KEPT_MAX; id++) {
        offer_number(2 + id - 1000);
        offer_news(2 + id - 1000, "",
                   announcement(&(struct gh_announcement){
                       .id = id, .cancelled = true, .until_s = FIXTURE_NOW_S + (int64_t)id}),
                   false);
        turns(1);
        gh_fake_transport_forget(&desk.server);
        free(bodies[--body_count]);
    }
    turns(1);
    assert_int_equal(count_files(), GH_KEPT_MAX - 1 + 2);
    assert_true(is_there(ID_TEXT ".cose"));
    assert_false(is_there("00000000000003e8.done"));
}

/* --- a full disk --- */

static void test_full_disk(void **state)
{
    (void)state;
    desk_start_with_list(&desk);
    offer_number(1);
    offer_news(1, MOVEMENT("11", "in", "1"), announcement(&(struct gh_announcement){.id = ID}),
               false);
    offer_news(1, "", announcement(&(struct gh_announcement){.id = ID}), false);
    fixture_forbid_writing();
    turns(2);
    assert_int_equal(desk_count_events(&desk, GH_COURIER_PRESENCE), 1); /* that needs none */
    assert_int_equal(desk_asked(&desk, NEWS_PATH), 1);
    fixture_empty_disk();
    desk_run_ms(&desk, 3 * DESK_FIRST_MS);
    assert_int_equal(desk_asked(&desk, NEWS_PATH), 2); /* once more, since it was not kept */
    fixture_limit_files(1000);
    offer_sound(GH_FAKE_FOREVER);
    desk_run_ms(&desk, 5 * DESK_FIRST_MS);
    assert_int_equal(desk_count_events(&desk, GH_COURIER_ANNOUNCEMENT), 0);
    assert_false(sound_is("part"));
    fixture_empty_disk();
    desk_run_ms(&desk, 20 * DESK_FIRST_MS);
    assert_int_equal(desk_count_events(&desk, GH_COURIER_ANNOUNCEMENT), 1);
    /* the mark is tried again, and it is not told meanwhile */
    fixture_forbid_writing();
    gh_courier_announced(desk.courier, ID);
    turns(2);
    assert_false(is_there(ID_TEXT ".done"));
    fixture_empty_disk();
    desk_run_ms(&desk, 20 * DESK_FIRST_MS);
    assert_true(is_there(ID_TEXT ".done"));
    assert_int_equal(desk_count_events(&desk, GH_COURIER_ANNOUNCEMENT), 1);
}

/* --- another list key --- */

static void test_another_list_key(void **state)
{
    struct gh_private_key *next;

    (void)state;
    be_told(&(struct gh_announcement){.id = ID});
    assert_int_equal(gh_private_key_generate(GH_KEY_ED25519, &next), GH_OK);
    desk_hand_over(&desk, fixture->list_key, 1, next);
    struct gh_private_key *first = fixture->list_key;
    fixture->list_key = next;
    fixture->manifest.generation++;
    fixture->manifest.issued_at_s++;
    desk.news = 1;
    gh_fake_transport_forget(&desk.server);
    desk_offer_list(&desk, 4);
    offer_news(1, "", announcement_by(first, FIXTURE_AREA, &(struct gh_announcement){.id = 2}),
               false); /* by the old one: no more */
    offer_news(2, "", announcement(&(struct gh_announcement){.id = ID}), false);
    turns(3);
    assert_asked(0, 0); /* all that the new one has signed */
    assert_int_equal(desk_count_events(&desk, GH_COURIER_ANNOUNCEMENT), 1);
    offer_number(2);
    turns(2);
    restart(); /* what is kept is the one by the new key */
    turns(2);
    assert_int_equal(desk_count_events(&desk, GH_COURIER_ANNOUNCEMENT), 1);
    gh_private_key_free(first);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        NEWS_TEST(test_is_told_with_its_sound),
        NEWS_TEST(test_what_is_not_believed),
        NEWS_TEST(test_told_again_without_a_server),
        NEWS_TEST(test_never_twice),
        NEWS_TEST(test_cut_short),
        NEWS_TEST(test_marked_before_its_sound_goes),
        NEWS_TEST(test_what_lies_there),
        NEWS_TEST(test_cancelled),
        NEWS_TEST(test_cancelled_before_its_sound_came),
        NEWS_TEST(test_cancelled_and_told_again),
        NEWS_TEST(test_expired_before_its_sound_came),
        NEWS_TEST(test_marks_go),
        NEWS_TEST(test_the_end_of_time),
        NEWS_TEST(test_not_for_ever),
        NEWS_TEST(test_so_many),
        NEWS_TEST(test_many_that_are_done),
        NEWS_TEST(test_full_disk),
        NEWS_TEST(test_another_list_key),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
