/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "gate/voice_queue.h"
#include "gatehouse/clock.h"

#define S GH_NS_PER_S
#define NOW_S INT64_C(1900000000)

static struct gh_announcement_job job(gh_id id, unsigned repeat)
{
    struct gh_announcement_job made = {
        .announcement = {.id = id, .from_s = NOW_S, .until_s = NOW_S + 600, .repeat = repeat}};

    strcpy(made.path, "/sounds/a.wav");
    return made;
}

static void announce(struct gh_voice_queue *queue, gh_id id)
{
    struct gh_announcement_job made = job(id, 1);

    assert_true(gh_voice_queue_announce(queue, &made));
}

static struct gh_voice_turn next(struct gh_voice_queue *queue, int64_t now_ns)
{
    struct gh_voice_turn turn;

    gh_voice_queue_next(queue, now_ns, NOW_S, &turn);
    return turn;
}

static void test_nothing(void **state)
{
    (void)state;
    struct gh_voice_queue queue;

    gh_voice_queue_init(&queue);
    struct gh_voice_turn turn = next(&queue, 1);
    assert_int_equal(turn.type, GH_TURN_NOTHING);
    assert_int_equal(turn.wake_ns, INT64_MAX);
    gh_voice_queue_prompt(&queue, GH_PROMPT_NONE, 1);
    assert_int_equal(next(&queue, 1).type, GH_TURN_NOTHING);
}

static void test_a_later_prompt_counts(void **state)
{
    (void)state;
    struct gh_voice_queue queue;

    gh_voice_queue_init(&queue);
    gh_voice_queue_prompt(&queue, GH_PROMPT_SHOW_HOUSING, 1 * S);
    struct gh_voice_turn first = next(&queue, 1 * S);
    assert_int_equal(first.type, GH_TURN_PROMPT);
    assert_int_equal(first.prompt, GH_PROMPT_SHOW_HOUSING);
    assert_true(gh_voice_queue_goes_on(&queue, &first, 2 * S, NOW_S));

    gh_voice_queue_prompt(&queue, GH_PROMPT_MOMENT, 2 * S);
    gh_voice_queue_prompt(&queue, GH_PROMPT_WELCOME, 2 * S);
    assert_false(gh_voice_queue_goes_on(&queue, &first, 2 * S, NOW_S));
    assert_int_equal(next(&queue, 2 * S).prompt, GH_PROMPT_WELCOME);
    assert_int_equal(next(&queue, 2 * S).type, GH_TURN_NOTHING);
}

/* The same one once more begins anew: somebody else stands there. */
static void test_the_same_prompt_again(void **state)
{
    (void)state;
    struct gh_voice_queue queue;

    gh_voice_queue_init(&queue);
    gh_voice_queue_prompt(&queue, GH_PROMPT_WELCOME, 1 * S);
    struct gh_voice_turn first = next(&queue, 1 * S);
    gh_voice_queue_prompt(&queue, GH_PROMPT_WELCOME, 1 * S);
    assert_false(gh_voice_queue_goes_on(&queue, &first, 1 * S, NOW_S));
}

static void test_an_old_prompt_is_forgotten(void **state)
{
    (void)state;
    struct gh_voice_queue queue;
    int64_t fresh_ns = GH_PROMPT_FRESH_MS * GH_NS_PER_MS;

    gh_voice_queue_init(&queue);
    gh_voice_queue_prompt(&queue, GH_PROMPT_WELCOME, 1 * S);
    assert_int_equal(next(&queue, 1 * S + fresh_ns + 1).type, GH_TURN_NOTHING);
    assert_int_equal(next(&queue, 1 * S).type, GH_TURN_NOTHING);
    gh_voice_queue_prompt(&queue, GH_PROMPT_WELCOME, 1 * S);
    assert_int_equal(next(&queue, 1 * S + fresh_ns).type, GH_TURN_PROMPT);
}

static void test_announcements_come_first(void **state)
{
    (void)state;
    struct gh_voice_queue queue;

    gh_voice_queue_init(&queue);
    gh_voice_queue_prompt(&queue, GH_PROMPT_WELCOME, 1 * S);
    struct gh_voice_turn prompt = next(&queue, 1 * S);
    announce(&queue, 7);
    announce(&queue, 3);
    assert_false(gh_voice_queue_goes_on(&queue, &prompt, 1 * S, NOW_S));
    gh_voice_queue_prompt(&queue, GH_PROMPT_MOMENT, 1 * S);

    struct gh_voice_turn turn = next(&queue, 1 * S);
    assert_int_equal(turn.type, GH_TURN_ANNOUNCEMENT);
    assert_int_equal(turn.announcement, 7); /* the one that came first */
    assert_string_equal(turn.path, "/sounds/a.wav");
    gh_voice_queue_prompt(&queue, GH_PROMPT_FIRE, 1 * S);
    assert_true(gh_voice_queue_goes_on(&queue, &turn, 1 * S, NOW_S));
    assert_true(gh_voice_queue_played(&queue, 7, 2 * S));
    assert_int_equal(next(&queue, 2 * S).announcement, 3);
    assert_true(gh_voice_queue_played(&queue, 3, 3 * S));
    assert_int_equal(next(&queue, 3 * S).prompt, GH_PROMPT_FIRE);
}

static void test_rounds(void **state)
{
    (void)state;
    struct gh_voice_queue queue;
    struct gh_announcement_job made = job(9, 3);
    int64_t pause_ns = GH_VOICE_PAUSE_MS * GH_NS_PER_MS;

    gh_voice_queue_init(&queue);
    assert_true(gh_voice_queue_announce(&queue, &made));
    assert_false(gh_voice_queue_played(&queue, 9, 10 * S));
    struct gh_voice_turn turn = next(&queue, 10 * S + pause_ns - 1);
    assert_int_equal(turn.type, GH_TURN_NOTHING);
    assert_true(turn.wake_ns <= 11 * S + pause_ns);
    assert_int_equal(next(&queue, 10 * S + pause_ns).announcement, 9);
    assert_true(gh_voice_queue_announce(&queue, &made)); /* told twice: it is the same one */
    assert_false(gh_voice_queue_played(&queue, 9, 20 * S));
    assert_true(gh_voice_queue_played(&queue, 9, 30 * S));
    assert_int_equal(next(&queue, 40 * S).type, GH_TURN_NOTHING);
    assert_false(gh_voice_queue_played(&queue, 9, 40 * S));
}

static void test_its_time(void **state)
{
    (void)state;
    struct gh_voice_queue queue;
    struct gh_announcement_job made = job(9, 1);
    struct gh_voice_turn turn;
    gh_id id = 0;

    gh_voice_queue_init(&queue);
    assert_true(gh_voice_queue_announce(&queue, &made));
    gh_voice_queue_next(&queue, 1 * S, NOW_S - 1, &turn);
    assert_int_equal(turn.type, GH_TURN_NOTHING);
    assert_int_equal(turn.wake_ns, 2 * S); /* the wall clock may be set meanwhile */
    gh_voice_queue_next(&queue, 1 * S, NOW_S, &turn);
    assert_int_equal(turn.type, GH_TURN_ANNOUNCEMENT);
    assert_true(gh_voice_queue_goes_on(&queue, &turn, 1 * S, NOW_S + 599));
    assert_false(gh_voice_queue_expired(&queue, NOW_S + 599, &id));
    assert_false(gh_voice_queue_goes_on(&queue, &turn, 1 * S, NOW_S + 600));
    assert_true(gh_voice_queue_expired(&queue, NOW_S + 600, &id));
    assert_int_equal(id, 9);
    assert_false(gh_voice_queue_expired(&queue, NOW_S + 600, &id));
    assert_int_equal(next(&queue, 1 * S).type, GH_TURN_NOTHING);
}

static void test_cancelled(void **state)
{
    (void)state;
    struct gh_voice_queue queue;
    struct gh_announcement_job made = job(9, 5);

    gh_voice_queue_init(&queue);
    assert_true(gh_voice_queue_announce(&queue, &made));
    struct gh_voice_turn turn = next(&queue, 1 * S);
    made.announcement.cancelled = true;
    assert_true(gh_voice_queue_announce(&queue, &made));
    assert_false(gh_voice_queue_goes_on(&queue, &turn, 1 * S, NOW_S));
    assert_int_equal(next(&queue, 1 * S).type, GH_TURN_NOTHING);
    assert_true(gh_voice_queue_announce(&queue, &made)); /* one that was never there */
}

static void test_full(void **state)
{
    (void)state;
    struct gh_voice_queue queue;
    struct gh_announcement_job made = job(100, 1);

    gh_voice_queue_init(&queue);
    for (gh_id id = 1; id <= GH_ANNOUNCEMENTS_MAX; id++)
        announce(&queue, id);
    assert_false(gh_voice_queue_announce(&queue, &made));
    gh_voice_queue_drop(&queue, 4);
    assert_true(gh_voice_queue_announce(&queue, &made));
    assert_int_equal(next(&queue, 1).announcement, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing),
        cmocka_unit_test(test_a_later_prompt_counts),
        cmocka_unit_test(test_the_same_prompt_again),
        cmocka_unit_test(test_an_old_prompt_is_forgotten),
        cmocka_unit_test(test_announcements_come_first),
        cmocka_unit_test(test_rounds),
        cmocka_unit_test(test_its_time),
        cmocka_unit_test(test_cancelled),
        cmocka_unit_test(test_full),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
