/* SPDX-License-Identifier: Apache-2.0 */
/* News over HTTP: what gates hear of each other and when, what doors raise. */
#include "test_server_alone.h"

#include "test_server_news.h"

#define SUBJECT UINT64_C(0x00000000a11ce001)

static uint64_t pass(const struct test_gate *who, gh_id subject, enum gh_direction direction)
{
    struct gh_entry entry = {.type = GH_ENTRY_PASSAGE,
                             .outcome = GH_OUTCOME_OPEN,
                             .reason = GH_REASON_OK,
                             .subject = subject,
                             .direction = direction};
    post_entry(who, &entry);
    return entry.sequence;
}

static void door(const struct test_gate *who, enum gh_door_event event, uint64_t about)
{
    struct gh_entry entry = {.type = GH_ENTRY_DOOR, .door = event, .about = about};
    post_entry(who, &entry);
}

/* Movements are shown twice a second at most. */
static json_t *news_when_shown(const struct test_gate *who, long long after, size_t movements)
{
    int64_t deadline = now_ms() + DEADLINE_MS;
    for (;;) {
        json_t *json = news_of(who, after);
        if (json_array_size(json_object_get(json, "presence")) >= movements)
            return json;
        json_decref(json);
        if (now_ms() > deadline)
            fail_msg("movements are never shown");
        pause_ms(5);
    }
}

/* --- movements --- */

static void test_nothing_yet(void **state)
{
    (void)state;
    json_t *json = news_of(&gate, 0);
    assert_int_equal(number_of(json, "news"), 0);
    assert_int_equal(count_of(json, "presence") + count_of(json, "announcements"), 0);
    assert_true(json_is_false(json_object_get(json, "more")));
    json_decref(json);
    assert_int_equal(number_now(&gate), 0);
}

static void test_others_hear_of_a_passage(void **state)
{
    (void)state;
    uint64_t passage = pass(&gate, SUBJECT, GH_DIRECTION_IN);
    json_t *json = news_when_shown(&south, 0, 1);
    const json_t *movement = json_array_get(json_object_get(json, "presence"), 0);
    assert_string_equal(text_of(movement, "gate"), gate.id_text);
    assert_string_equal(text_of(movement, "subject"), "00000000a11ce001");
    assert_string_equal(text_of(movement, "direction"), "in");
    assert_true(llabs(number_of(movement, "at_ms") / 1000 - now_s()) < 100);
    assert_null(json_object_get(movement, "undone"));
    long long known = number_of(json, "news");
    assert_int_equal(number_now(&south), known);
    json_decref(json);
    json = news_of(&gate, 0);
    assert_int_equal(count_of(json, "presence"), 0);
    json_decref(json);
    json = news_of(&south, known);
    assert_int_equal(count_of(json, "presence"), 0);
    json_decref(json);
    door(&gate, GH_DOOR_EVENT_UNUSED, passage);
    json = news_when_shown(&south, known, 1);
    movement = json_array_get(json_object_get(json, "presence"), 0);
    assert_true(json_is_true(json_object_get(movement, "undone")));
    assert_true(number_of(json, "news") > known);
    json_decref(json);
}

/* Refused ones, and those at gates that lead both ways, are nobody's movements. */
static void test_what_is_no_movement(void **state)
{
    (void)state;
    uint64_t before = number_now(&south);
    struct gh_entry refused = {.type = GH_ENTRY_PASSAGE,
                               .outcome = GH_OUTCOME_DENY,
                               .reason = GH_REASON_RED,
                               .subject = SUBJECT,
                               .direction = GH_DIRECTION_IN};
    post_entry(&gate, &refused);
    pass(&gate, SUBJECT, GH_DIRECTION_NONE);
    pass(&gate, 0, GH_DIRECTION_IN);
    pass(&gate, SUBJECT + 1, GH_DIRECTION_OUT); /* and one that is, so that we see when */
    json_t *json = news_when_shown(&south, (long long)before, 1);
    assert_int_equal(count_of(json, "presence"), 1);
    assert_string_equal(text_of(json_array_get(json_object_get(json, "presence"), 0), "direction"),
                        "out");
    json_decref(json);
}

/* --- waiting --- */

static void test_woken_for_movements(void **state)
{
    (void)state;
    uint64_t known = number_now(&south);
    int fd = wait_for_news(&south, pathf("&news=%llu", (unsigned long long)known));
    wait_for_polls(1);
    pass(&gate, SUBJECT, GH_DIRECTION_OUT);
    assert_int_equal(status_of(fd, true), 200);
    close(fd);
    wait_for_polls(0);
    assert_true(number_now(&south) > known);
}

/* Whose news it is not, who has it, and who did not ask are left alone; a wake that comes later
 * shows that they were passed over. */
static void test_who_is_not_woken(void **state)
{
    (void)state;
    uint64_t before = number_now(&south); /* a gate that asks once more waits no longer */
    int own = wait_for_news(&gate, pathf("&news=%llu", (unsigned long long)number_now(&gate)));
    wait_for_polls(1);
    int without = wait_for_news(&south, "");
    wait_for_polls(2);
    pass(&gate, SUBJECT, GH_DIRECTION_IN);
    json_decref(news_when_shown(&south, (long long)before, 1));
    assert_int_equal(metric("gatehouse_polls"), 2);
    assert_int_equal(status_of(own, false), 0);
    assert_int_equal(status_of(without, false), 0);
    json_decref(admin("POST", "/api/v1/keys", "{\"purpose\":\"health\"}")); /* the list changes */
    assert_int_equal(status_of(own, true), 200);
    assert_int_equal(status_of(without, true), 200);
    close(own);
    close(without);
    wait_for_polls(0);
}

/* However many there are: twice a second, and nobody is told of them before, however they ask. */
static void test_shown_together(void **state)
{
    (void)state;
    harness_forward(&harness, 1);
    harness_freeze(&harness, true);
    uint64_t before = number_now(&south);
    pass(&gate, SUBJECT, GH_DIRECTION_OUT);
    json_decref(news_when_shown(&south, (long long)before, 1));
    uint64_t shown = number_now(&south);
    assert_true(shown > before);
    for (int i = 0; i < 5; i++) {
        pass(&gate, SUBJECT, i % 2 ? GH_DIRECTION_OUT : GH_DIRECTION_IN);
        assert_int_equal(number_now(&south), shown);
        json_t *json = news_of(&south, (long long)shown);
        assert_int_equal(count_of(json, "presence"), 0);
        assert_int_equal(number_of(json, "news"), shown);
        json_decref(json);
    }
    harness_freeze(&harness, false);
    json_decref(news_when_shown(&south, (long long)shown, 1));
    assert_int_equal(number_now(&south), shown + 5);
}

/* At once: there are news already; or fewer than the gate says it has heard of: the database is an
 * older copy. */
static void test_answered_at_once(void **state)
{
    (void)state;
    int fd = wait_for_news(&south, "&news=0");
    assert_int_equal(status_of(fd, true), 200);
    close(fd);
    fd = wait_for_news(&south, "&news=4000000000");
    assert_int_equal(status_of(fd, true), 200);
    close(fd);
    json_t *json = news_of(&south, 4000000000);
    assert_int_equal(number_of(json, "news"), number_now(&south));
    json_decref(json);
    ask_error(&harness, 400, "bad_request", "GET",
              "/api/v1/list?generation=0&tag=0000000000000000&news=-1", south.bearer, NULL);
    ask_error(&harness, 400, "bad_request", "GET", "/api/v1/news?after=x", south.bearer, NULL);
}

/* --- the policy --- */

static void test_turned_off(void **state)
{
    (void)state;
    uint64_t before = number_now(&south);
    pass(&gate, SUBJECT, GH_DIRECTION_IN);
    json_decref(news_when_shown(&south, (long long)before, 1)); /* or it is counted later */
    configure("anti_passback = off");
    assert_int_equal(kill(harness.pid, SIGHUP), 0);
    int64_t deadline = now_ms() + DEADLINE_MS;
    for (size_t count = 1; count > 0;) {
        json_t *json = news_of(&south, 0);
        count = count_of(json, "presence");
        json_decref(json);
        assert_true(now_ms() < deadline);
    }
    before = number_now(&south);
    pass(&gate, SUBJECT, GH_DIRECTION_OUT);
    assert_int_equal(number_now(&south), before);
}

/* --- doors --- */

static void test_doors_raise_alarms(void **state)
{
    (void)state;
    static const struct {
        enum gh_door_event event;
        const char *kind;
    } alarms[] = {{GH_DOOR_EVENT_FORCED, "forced"},
                  {GH_DOOR_EVENT_TAMPER, "tamper"},
                  {GH_DOOR_EVENT_FIRE, "fire"}};
    door(&south, GH_DOOR_EVENT_HELD, 0); /* is none */
    for (size_t i = 0; i < GH_ARRAY_SIZE(alarms); i++) {
        door(&south, alarms[i].event, 0);
        assert_int_equal(
            metric(pathf("gatehouse_alarms_raised_total{kind=\"%s\"}", alarms[i].kind)), 1);
    }
    door(&south, GH_DOOR_EVENT_FIRE_OVER, 0);
    json_t *json = admin("GET", pathf("/api/v1/alarms?gate=%s", south.id_text), NULL);
    const json_t *rows = json_object_get(json, "alarms");
    assert_int_equal(json_array_size(rows), GH_ARRAY_SIZE(alarms));
    for (size_t i = 0; i < GH_ARRAY_SIZE(alarms); i++)
        assert_string_equal(text_of(json_array_get(rows, i), "kind"), alarms[i].kind);
    json_decref(json);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing_yet),         cmocka_unit_test(test_others_hear_of_a_passage),
        cmocka_unit_test(test_what_is_no_movement), cmocka_unit_test(test_woken_for_movements),
        cmocka_unit_test(test_who_is_not_woken),    cmocka_unit_test(test_shown_together),
        cmocka_unit_test(test_answered_at_once),    cmocka_unit_test(test_doors_raise_alarms),
        cmocka_unit_test(test_turned_off),
    };
    return cmocka_run_group_tests_name("server_news", tests, start, tear_down_town);
}
