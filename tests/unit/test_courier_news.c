/* SPDX-License-Identifier: Apache-2.0 */
/* courier_news.c: asks what is new when there is something, and holds nothing else up. What becomes
 * of announcements: test_courier_kept.c. */
#include "test_courier_news.h"

#include <time.h>

/* --- when it asks --- */

static void test_asks_when_told(void **state)
{
    (void)state;
    desk_start_with_list(&desk);
    offer_number(0);
    turns(2);
    assert_int_equal(desk_asked(&desk, NEWS_PATH), 0);
    offer_number(5);
    offer_news(5, "", "", false);
    turns(1);
    assert_asked(0, 0);
    turns(3);
    assert_int_equal(desk_asked(&desk, NEWS_PATH), 1);
    assert_non_null(gh_fake_transport_request(&desk.server, LIST_PATH, 3)->path);
    assert_true(list_question_says(1, "&news=0"));
    assert_true(list_question_says(3, "&news=5"));
    offer_number(8);
    offer_news(9, "", "", false); /* one came meanwhile */
    turns(2);
    assert_asked(1, 5);
    offer_number(9);
    turns(3);
    assert_int_equal(desk_asked(&desk, NEWS_PATH), 2);
    offer_number(10);
    offer_news(10, "", "", false);
    turns(1);
    assert_asked(2, 9);
}

/* To be woken for news is what waiting is for: nothing on the way spoils it. */
static void test_waiting_goes_well(void **state)
{
    (void)state;
    desk_start_with_list(&desk);
    for (uint64_t number = 1; number <= 5; number++) {
        offer_number(number);
        offer_news(number, "", "", false);
        turns(1);
    }
    assert_true(list_question_says(4, "&news=4"));
    assert_non_null(
        strstr(gh_fake_transport_request(&desk.server, LIST_PATH, 4)->path, "wait_s=50"));
    assert_true(desk.courier->watch.waits);
    assert_int_equal(desk.courier->watch.spoiled, 0);
}

/* With the gate's token, and it is not enrolled for nothing. */
static void test_who_asks(void **state)
{
    char bearer[GH_BEARER_BYTES];

    (void)state;
    desk_start_with_list(&desk);
    offer_number(1);
    offer_news(1, "", "", false);
    turns(1);
    gh_identity_bearer(&fixture->identity, bearer);
    const struct gh_fake_request *request = gh_fake_transport_request(&desk.server, NEWS_PATH, 0);
    assert_non_null(request);
    assert_string_equal(request->method, "GET");
    assert_string_equal(request->bearer, bearer);
}

/* A start is the beginning: what was heard before was in memory only. */
static void test_after_a_restart(void **state)
{
    (void)state;
    desk_start_with_list(&desk);
    offer_number(5);
    offer_news(5, "", "", false);
    turns(2);
    desk_restart(&desk);
    gh_fake_transport_forget(&desk.server);
    offer_number(5);
    offer_news(5, "", "", false);
    turns(2);
    assert_asked(0, 0);
}

static void test_pages(void **state)
{
    (void)state;
    desk_start_with_list(&desk);
    offer_number(20);
    offer_news(7, MOVEMENT("01", "in", "1"), "", true);
    offer_news(15, MOVEMENT("02", "in", "2"), "", true);
    offer_news(20, MOVEMENT("03", "out", "3"), "", false);
    turns(4);
    assert_asked(0, 0);
    assert_asked(1, 7);
    assert_asked(2, 15);
    assert_int_equal(desk_asked(&desk, NEWS_PATH), 3);
    assert_int_equal(desk_count_events(&desk, GH_COURIER_PRESENCE), 3);
}

/* The server's database is an older copy of itself. */
static void test_numbers_begin_anew(void **state)
{
    (void)state;
    desk_start_with_list(&desk);
    offer_number(50);
    offer_news(50, "", "", false);
    turns(2);
    offer_number(20);
    offer_news(20, "", "", false);
    turns(2);
    assert_asked(0, 0);
    assert_asked(1, 0);
    offer_number(21);
    offer_news(21, "", "", false);
    turns(2);
    assert_asked(2, 20);
}

/* What was for this gate is less than the list's answer said (it expired, say): it is not asked for
 * again and again. */
static void test_less_than_it_said(void **state)
{
    (void)state;
    desk_start_with_list(&desk);
    offer_number(50);
    offer_news(40, "", "", false);
    turns(5);
    assert_int_equal(desk_asked(&desk, NEWS_PATH), 1);
    offer_number(51);
    offer_news(51, "", "", false);
    turns(2);
    assert_asked(1, 40);
}

/* --- movements --- */

static void test_movements(void **state)
{
    (void)state;
    desk_start_with_list(&desk);
    offer_number(9);
    offer_news(9,
               MOVEMENT("11", "in", "1900000000123") "," MOVEMENT(
                   "12", "out", "5") ","
                                     "{\"subject\":\"0000000000000013\",\"direction\":\"in\",\"at_"
                                     "ms\":7,\"undone\":true}",
               "", false);
    turns(1);
    assert_int_equal(desk_count_events(&desk, GH_COURIER_PRESENCE), 1);
    const struct gh_courier_event *event = event_of(GH_COURIER_PRESENCE, 0);
    assert_int_equal(event->presence_count, 3);
    const struct gh_presence_record *records = event->presence;
    assert_true(records[0].subject == 0x11 && records[0].direction == GH_DIRECTION_IN &&
                records[0].at_ms == 1900000000123 && !records[0].undone);
    assert_true(records[1].subject == 0x12 && records[1].direction == GH_DIRECTION_OUT &&
                records[1].at_ms == 5 && !records[1].undone);
    assert_true(records[2].subject == 0x13 && records[2].undone);
}

/* One that cannot be read keeps none of the others away. */
static void test_what_is_no_movement(void **state)
{
    (void)state;
    desk_start_with_list(&desk);
    offer_number(9);
    offer_news(9,
               "1,null,[],{},"
               "{\"subject\":\"11\",\"direction\":\"in\",\"at_ms\":1},"
               "{\"subject\":\"0000000000000011\",\"direction\":\"up\",\"at_ms\":1},"
               "{\"subject\":\"0000000000000011\",\"direction\":\"in\",\"at_ms\":\"1\"},"
               "{\"subject\":\"0000000000000011\",\"direction\":\"in\"},"
               "{\"subject\":\"0000000000000000\",\"direction\":\"in\",\"at_ms\":1},"
               "{\"subject\":\"0000000000000011\",\"direction\":\"in\",\"at_ms\":1,\"undone\":1}"
               "," MOVEMENT("15", "in", "1"),
               "", false);
    turns(2);
    assert_int_equal(desk_count_events(&desk, GH_COURIER_PRESENCE), 1);
    assert_int_equal(event_of(GH_COURIER_PRESENCE, 0)->presence_count, 1);
    assert_true(event_of(GH_COURIER_PRESENCE, 0)->presence[0].subject == 0x15);
    assert_int_equal(desk_asked(&desk, NEWS_PATH), 1);
}

static void test_many_movements(void **state)
{
    static char list[70 * 96];
    (void)state;
    for (unsigned i = 1; i <= 70; i++)
        snprintf(list + strlen(list), sizeof(list) - strlen(list),
                 "%s{\"subject\":\"%016x\",\"direction\":\"in\",\"at_ms\":%u}", i > 1 ? "," : "", i,
                 i);
    desk_start_with_list(&desk);
    offer_number(70);
    offer_news(70, list, "", false);
    turns(1);
    assert_int_equal(desk_count_events(&desk, GH_COURIER_PRESENCE), 3);
    unsigned next = 1;
    for (unsigned i = 0; i < 3; i++) {
        const struct gh_courier_event *event = event_of(GH_COURIER_PRESENCE, i);
        for (size_t j = 0; j < event->presence_count; j++)
            assert_true(event->presence[j].subject == next++);
    }
    assert_int_equal(next, 71);
}

/* --- what goes wrong --- */

static void test_failures(void **state)
{
    (void)state;
    desk_start_with_list(&desk);
    offer_number(5);
    desk_answer(&desk, NEWS_PATH, 503, "{\"error\":\"unavailable\"}");
    desk_fail(&desk, NEWS_PATH, GH_ERR_NETWORK);
    offer_news(5, MOVEMENT("11", "in", "1"), "", false);
    turns(1);
    size_t lists = desk_asked(&desk, LIST_PATH);
    assert_int_equal(desk_asked(&desk, NEWS_PATH), 1);
    turns(3); /* not before its pause is over; the list goes on meanwhile */
    assert_int_equal(desk_asked(&desk, NEWS_PATH), 1);
    assert_true(desk_asked(&desk, LIST_PATH) > lists);
    desk_run_ms(&desk, 10 * DESK_FIRST_MS);
    assert_int_equal(desk_asked(&desk, NEWS_PATH), 3);
    assert_asked(2, 0);
    assert_int_equal(desk_count_events(&desk, GH_COURIER_PRESENCE), 1);
}

static void test_nonsense(void **state)
{
    static const char *const answers[] = {
        "",
        "no JSON",
        "[]",
        "{}",
        "{\"news\":\"5\",\"presence\":[],\"announcements\":[],\"more\":false}",
        "{\"news\":-5,\"presence\":[],\"announcements\":[],\"more\":false}",
        "{\"news\":5,\"presence\":{},\"announcements\":[],\"more\":false}",
        "{\"news\":5,\"presence\":[],\"more\":false}",
        "{\"news\":5,\"presence\":[],\"announcements\":[]}",
        "{\"news\":0,\"presence\":[],\"announcements\":[],\"more\":true}", /* for ever */
        "{\"news\":5,\"news\":5,\"presence\":[],\"announcements\":[],\"more\":false}",
    };
    (void)state;
    desk_start_with_list(&desk);
    offer_number(5);
    for (size_t i = 0; i < GH_ARRAY_SIZE(answers); i++) {
        desk_answer(&desk, NEWS_PATH, 200, answers[i]);
        desk_run_ms(&desk, DESK_MOST_MS + 1000);
        size_t asked = desk_asked(&desk, NEWS_PATH); /* once more, and there was no answer at all */
        assert_true(asked > 0);
        assert_asked(asked - 1, 0); /* it has learnt nothing */
        gh_fake_transport_forget_requests(&desk.server);
        desk_forget_events(&desk);
    }
    offer_news(5, "", "", false);
    desk_run_ms(&desk, DESK_MOST_MS + 1000);
    desk_run_ms(&desk, DESK_MOST_MS + 1000);
    assert_int_equal(desk_asked(&desk, NEWS_PATH), 1);
}

/* A gate that is busy is not buried; nothing is lost. */
static void test_a_gate_that_does_not_listen(void **state)
{
    struct gh_queue *whole = desk.queue, *small;

    (void)state;
    assert_int_equal(gh_queue_new(sizeof(struct gh_courier_event), 17, &small), GH_OK);
    desk.queue = desk.options.events = small;
    desk_start_with_list(&desk);
    static char list[70 * 96];
    list[0] = '\0';
    for (unsigned i = 1; i <= 40; i++)
        snprintf(list + strlen(list), sizeof(list) - strlen(list),
                 "%s{\"subject\":\"%016x\",\"direction\":\"in\",\"at_ms\":%u}", i > 1 ? "," : "", i,
                 i);
    offer_number(40);
    offer_news(40, list, "", false);
    offer_news(40, MOVEMENT("01", "in", "1"), "", false);
    (void)gh_courier_turn(desk.courier, GH_COURIER_LANE_LIST);
    (void)gh_courier_turn(desk.courier, GH_COURIER_LANE_NEWS); /* room for one more than is left */
    assert_int_equal(desk_asked(&desk, NEWS_PATH), 1);
    desk_run_ms(&desk, 4 * DESK_FIRST_MS);
    assert_asked(1, 0);
    assert_int_equal(gh_queue_dropped(small), 0);
    assert_int_equal(desk_count_events(&desk, GH_COURIER_PRESENCE), 2);
    desk_stop(&desk);
    gh_queue_free(small);
    desk.queue = desk.options.events = whole;
}

/* --- as threads --- */

/* While a sound comes over a line that hangs, a new list is there at once; and the end is not held
 * up either. */
static void test_nothing_waits_for_a_sound(void **state)
{
    const struct gh_fake_answer hangs = {.path = sound_path(), .times = 1, .blocks = true};
    const struct timespec pause = {.tv_nsec = 5 * GH_NS_PER_MS};
    struct gh_courier_event event = {0};
    int64_t deadline_ns = gh_clock_monotonic_ns(gh_clock_system()) + 20 * GH_NS_PER_S;

    (void)state;
    desk_start_with_list(&desk);
    gh_fake_transport_add(&desk.server, &hangs);
    offer_news(1, "", announcement(&(struct gh_announcement){.id = 1}), false);
    desk.news = 1;
    desk_offer_answer(&desk, 1);
    assert_int_equal(gh_courier_start(desk.courier, NULL), GH_OK);
    assert_true(gh_fake_transport_wait_blocked(&desk.server, 20000)); /* the sound */
    desk_make_delta(&desk, desk_generation(&desk), GH_COLOUR_RED);
    desk_offer_answer(&desk, 1);
    while (event.type != GH_COURIER_LIST) {
        assert_true(gh_clock_monotonic_ns(gh_clock_system()) < deadline_ns);
        (void)nanosleep(&pause, NULL);
        gh_fake_clock_advance_ms(&fixture->clock, 1000);
        gh_lane_wake(&desk.courier->list); /* its pause after the answer before is over */
        while (event.type != GH_COURIER_LIST && gh_queue_pop(desk.queue, &event))
            ;
    }
    desk_stop(&desk); /* not held up either */
}

/* A sound on its way gives way to news, and goes on behind them. */
static enum gh_status give_slowly(void *context, const struct gh_http_request *request,
                                  struct gh_http_response *response)
{
    gh_fake_clock_advance_ms(&fixture->clock, 3000); /* so long after it began */
    gh_courier_hear_of_news(desk.courier, 2);
    return give_sound(context, request, response);
}

static void test_news_come_before_sounds(void **state)
{
    const struct gh_fake_answer slowly = {
        .path = sound_path(), .times = 2, .handler = give_slowly, .content_type = "audio/wav"};

    (void)state;
    desk_start_with_list(&desk);
    offer_number(1);
    offer_news(1, "", announcement(&(struct gh_announcement){.id = 1}), false);
    offer_news(2, MOVEMENT("11", "in", "1"), "", false);
    gh_fake_transport_add(&desk.server, &slowly);
    turns(2); /* asks, and begins to fetch */
    assert_int_equal(desk_asked(&desk, sound_path()), 1);
    assert_int_equal(desk_count_events(&desk, GH_COURIER_ANNOUNCEMENT), 0);
    (void)gh_courier_turn(desk.courier, GH_COURIER_LANE_NEWS);
    assert_asked(1, 1);
    (void)gh_courier_turn(desk.courier, GH_COURIER_LANE_NEWS);
    offer_number(2);
    turns(1);
    assert_int_equal(desk_asked(&desk, sound_path()), 2);
    assert_true(gh_fake_transport_request(&desk.server, sound_path(), 1)->range_from > 0);
    assert_int_equal(desk_count_events(&desk, GH_COURIER_ANNOUNCEMENT), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        NEWS_TEST(test_asks_when_told),
        NEWS_TEST(test_waiting_goes_well),
        NEWS_TEST(test_who_asks),
        NEWS_TEST(test_after_a_restart),
        NEWS_TEST(test_pages),
        NEWS_TEST(test_numbers_begin_anew),
        NEWS_TEST(test_less_than_it_said),
        NEWS_TEST(test_movements),
        NEWS_TEST(test_what_is_no_movement),
        NEWS_TEST(test_many_movements),
        NEWS_TEST(test_failures),
        NEWS_TEST(test_nonsense),
        NEWS_TEST(test_a_gate_that_does_not_listen),
        NEWS_TEST(test_nothing_waits_for_a_sound),
        NEWS_TEST(test_news_come_before_sounds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
