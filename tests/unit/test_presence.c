/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "gate/presence.h"
#include "random_below.h"

static struct gh_presence *presence;

static int set_up(void **state)
{
    (void)state;
    return gh_presence_new(&presence) == GH_OK ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    gh_presence_free(presence);
    presence = NULL;
    return 0;
}

static void take(gh_id subject, enum gh_direction direction, int64_t at_ms, bool undone)
{
    struct gh_presence_record record = {subject, direction, at_ms, undone};
    assert_int_equal(gh_presence_take(presence, &record), GH_OK);
}

static void went(gh_id subject, enum gh_direction direction, int64_t at_ms)
{
    take(subject, direction, at_ms, false);
}

static void went_not(gh_id subject, enum gh_direction direction, int64_t at_ms)
{
    take(subject, direction, at_ms, true);
}

static bool passed(gh_id subject, enum gh_direction direction)
{
    return gh_presence_passed(presence, subject, direction, INT64_MIN, INT64_MAX);
}

#define IN GH_DIRECTION_IN
#define OUT GH_DIRECTION_OUT

static void nobody_went_anywhere(void **state)
{
    (void)state;
    assert_false(passed(1, IN));
    assert_false(passed(0, IN));
    went_not(1, IN, 5);
    assert_int_equal(gh_presence_count(presence), 0);
    gh_presence_free(NULL);
}

static void the_last_movement_counts(void **state)
{
    (void)state;
    went(1, IN, 1000);
    assert_true(passed(1, IN));
    assert_false(passed(1, OUT));
    assert_false(passed(2, IN));
    went(1, OUT, 2000);
    assert_false(passed(1, IN));
    assert_true(passed(1, OUT));
    went(1, IN, 1500); /* told late */
    assert_true(passed(1, OUT));
    went(1, IN, 3000);
    assert_true(passed(1, IN));
    assert_int_equal(gh_presence_count(presence), 1);
}

static void only_within_the_time(void **state)
{
    (void)state;
    went(1, IN, 1000);
    assert_true(gh_presence_passed(presence, 1, IN, 1000, 1000));
    assert_false(gh_presence_passed(presence, 1, IN, 1001, INT64_MAX));
    assert_false(gh_presence_passed(presence, 1, IN, 0, 999));
}

static void nobody_and_nowhere_are_passed_over(void **state)
{
    (void)state;
    went(0, IN, 1);
    went(1, GH_DIRECTION_NONE, 1);
    went(1, (enum gh_direction)3, 1);
    assert_int_equal(gh_presence_count(presence), 0);
    went(1, IN, 1);
    went_not(1, GH_DIRECTION_NONE, 0);
    assert_true(passed(1, IN));
}

static void what_is_undone_has_not_been(void **state)
{
    (void)state;
    went(1, IN, 1000);
    went_not(1, IN, 999); /* another one */
    went_not(1, OUT, 1000);
    went_not(2, IN, 1000);
    assert_true(passed(1, IN));
    went_not(1, IN, 1000);
    assert_false(passed(1, IN));
    assert_int_equal(gh_presence_count(presence), 0);
    went_not(1, IN, 1000); /* twice */
    assert_int_equal(gh_presence_count(presence), 0);
}

/* Inside, shows the code at the way out, does not go: is inside still. Else whoever is let have
 * the code could come in by it. */
static void the_movement_before_is_the_last_again(void **state)
{
    (void)state;
    went(1, IN, 1000);
    went(1, OUT, 2000);
    went_not(1, OUT, 2000);
    assert_true(passed(1, IN));
    went(1, OUT, 3000);
    went_not(1, IN, 1000); /* the one before, afterwards */
    assert_true(passed(1, OUT));
    went_not(1, OUT, 3000);
    assert_int_equal(gh_presence_count(presence), 0);
    /* The same for what is told late, and for what is told twice. */
    went(1, OUT, 2000);
    went(1, IN, 1000);
    went(1, IN, 500);
    went(1, OUT, 2000);
    went(1, IN, 1000);
    went_not(1, OUT, 2000);
    assert_true(passed(1, IN));
    assert_true(gh_presence_passed(presence, 1, IN, 1000, 1000));
}

static void two_at_one_moment(void **state)
{
    (void)state;
    went(1, IN, 1000);
    went(1, OUT, 1000);
    assert_true(passed(1, OUT)); /* as told last */
    went_not(1, OUT, 1000);
    assert_true(passed(1, IN));
}

static void any_time_will_do(void **state)
{
    (void)state;
    went(1, IN, INT64_MIN);
    went(2, IN, INT64_MAX);
    went(1, OUT, INT64_MAX);
    went(2, OUT, INT64_MIN);
    assert_true(passed(1, OUT));
    assert_true(passed(2, IN));
}

static gh_id subject_of(uint32_t number)
{
    return ((gh_id)number + 1) * UINT64_C(0x2545f4914f6cdd1d);
}

static void the_one_longest_ago_is_forgotten_first(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < GH_PRESENCE_MAX; i++)
        went(subject_of(i), IN, 1000 + (int64_t)(i * 7919u % GH_PRESENCE_MAX));
    assert_int_equal(gh_presence_count(presence), GH_PRESENCE_MAX);
    went(1, IN, 999); /* longer ago than all */
    assert_false(passed(1, IN));
    for (uint32_t i = 0; i < GH_PRESENCE_MAX; i++)
        assert_true(passed(subject_of(i), IN));
    went(subject_of(0), OUT, 1000000); /* is the latest now */
    went(1, IN, 1000001);
    went(2, IN, 1000002);
    assert_int_equal(gh_presence_count(presence), GH_PRESENCE_MAX);
    assert_true(passed(1, IN) && passed(2, IN) && passed(subject_of(0), OUT));
    unsigned forgotten = 0;
    for (uint32_t i = 1; i < GH_PRESENCE_MAX; i++) {
        bool still = passed(subject_of(i), IN);
        int64_t at_ms = 1000 + (int64_t)(i * 7919u % GH_PRESENCE_MAX);
        assert_true(still || at_ms <= 1002);
        forgotten += !still;
    }
    assert_int_equal(forgotten, 2);
}

/* --- against a list of everything that happened --- */

#define PEOPLE 700
#define EVENTS 40000
struct plain {
    int64_t last_ms, before_ms;
    enum gh_direction last, before;
};

static void plain_take(struct plain *plain, const struct gh_presence_record *record)
{
    bool is_last = plain->last == record->direction && plain->last_ms == record->at_ms;
    bool is_before = plain->before == record->direction && plain->before_ms == record->at_ms;

    if (record->undone) {
        if (is_last) {
            plain->last = plain->before;
            plain->last_ms = plain->before_ms;
        }
        if (is_last || is_before)
            plain->before = GH_DIRECTION_NONE;
    } else if (!is_last && !is_before) {
        if (plain->last == GH_DIRECTION_NONE || record->at_ms >= plain->last_ms) {
            plain->before = plain->last;
            plain->before_ms = plain->last_ms;
            plain->last = record->direction;
            plain->last_ms = record->at_ms;
        } else if (plain->before == GH_DIRECTION_NONE || record->at_ms > plain->before_ms) {
            plain->before = record->direction;
            plain->before_ms = record->at_ms;
        }
    }
}

static void in_any_order(void **state)
{
    (void)state;
    struct plain *plain = calloc(PEOPLE, sizeof(*plain));
    assert_non_null(plain);
    random_state = 5;
    for (int i = 0; i < EVENTS; i++) {
        unsigned who = random_below(PEOPLE);
        struct gh_presence_record record = {
            /* neighbours in the table, and some that are far apart */
            .subject = who % 2 ? who + 1 : subject_of(who),
            .direction = random_below(2) ? IN : OUT,
            .at_ms = random_below(30),
            .undone = random_below(3) == 0,
        };
        assert_int_equal(gh_presence_take(presence, &record), GH_OK);
        plain_take(&plain[who], &record);
        who = random_below(PEOPLE);
        gh_id subject = who % 2 ? who + 1 : subject_of(who);
        assert_int_equal(passed(subject, IN), plain[who].last == IN);
        assert_int_equal(passed(subject, OUT), plain[who].last == OUT);
    }
    size_t count = 0;
    for (unsigned who = 0; who < PEOPLE; who++)
        count += plain[who].last != GH_DIRECTION_NONE;
    assert_int_equal(gh_presence_count(presence), count);
    free(plain);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(nobody_went_anywhere, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_last_movement_counts, set_up, tear_down),
        cmocka_unit_test_setup_teardown(only_within_the_time, set_up, tear_down),
        cmocka_unit_test_setup_teardown(nobody_and_nowhere_are_passed_over, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_undone_has_not_been, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_movement_before_is_the_last_again, set_up, tear_down),
        cmocka_unit_test_setup_teardown(two_at_one_moment, set_up, tear_down),
        cmocka_unit_test_setup_teardown(any_time_will_do, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_one_longest_ago_is_forgotten_first, set_up, tear_down),
        cmocka_unit_test_setup_teardown(in_any_order, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
