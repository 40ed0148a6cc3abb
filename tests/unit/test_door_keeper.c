/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants the four above */
#include <cmocka.h>
#include <pthread.h>
#include <string.h>
#include <time.h>

#include "gate/door_keeper.h"

#define RELAY GH_LINE_BIT(GH_LINE_RELAY)
#define GREEN GH_LINE_BIT(GH_LINE_GREEN)
#define DEADLINE_MS 10000

/* The lines themselves: set from two threads, watched by the test's. */
struct lines {
    pthread_mutex_t lock;
    unsigned now, sets;
    int64_t changed_ns;
    unsigned failures; /* how many sets still fail */
    bool freed;
};

static int64_t now_ns(void)
{
    return gh_clock_monotonic_ns(gh_clock_system());
}

static enum gh_status lines_set(void *context, unsigned active, struct gh_error *err)
{
    struct lines *lines = context;
    enum gh_status status = GH_OK;

    pthread_mutex_lock(&lines->lock);
    lines->sets++;
    if (lines->failures > 0) {
        lines->failures--;
        status = gh_fail(err, GH_ERR_IO, "told to fail");
    } else {
        lines->now = active;
        lines->changed_ns = now_ns();
    }
    pthread_mutex_unlock(&lines->lock);
    return status;
}

static void lines_free(void *context)
{
    ((struct lines *)context)->freed = true;
}

static struct lines lines_at(struct lines *lines)
{
    pthread_mutex_lock(&lines->lock);
    struct lines copy = *lines;
    pthread_mutex_unlock(&lines->lock);
    return copy;
}

static bool become(struct lines *lines, unsigned wanted)
{
    int64_t end_ns = now_ns() + DEADLINE_MS * GH_NS_PER_MS;
    const struct timespec pause = {.tv_nsec = 1000000};

    while (lines_at(lines).now != wanted) {
        if (now_ns() > end_ns)
            return false;
        nanosleep(&pause, NULL);
    }
    return true;
}

struct fixture {
    struct lines lines;
    struct gh_door_io door;
};

static struct fixture start(bool fail_safe)
{
    return (struct fixture){
        .lines = {.lock = PTHREAD_MUTEX_INITIALIZER, .now = fail_safe ? RELAY : 0}};
}

static void open_keeper(struct fixture *fixture, bool fail_safe)
{
    struct gh_door_io inner = {.set = lines_set, .free = lines_free, .context = &fixture->lines};
    struct gh_door_options options = {.pulse_ms = 100, .fail_safe = fail_safe};

    assert_int_equal(gh_door_keeper_new(&inner, &options, &fixture->door, NULL), GH_OK);
}

static void test_a_busy_gate_leaves_no_open_door(void **state)
{
    (void)state;
    struct fixture fixture = start(false);
    open_keeper(&fixture, false);
    int64_t before_ns = now_ns();
    assert_int_equal(fixture.door.set(fixture.door.context, RELAY | GREEN, NULL), GH_OK);
    assert_int_equal(lines_at(&fixture.lines).now, RELAY | GREEN);
    /* and the gate does nothing more */
    assert_true(become(&fixture.lines, GREEN));
    assert_true(lines_at(&fixture.lines).changed_ns - before_ns >=
                (100 + GH_DOOR_GRACE_MS) * GH_NS_PER_MS);
    fixture.door.free(fixture.door.context);
    assert_true(fixture.lines.freed);
}

static void test_fail_safe_is_locked_by_its_relay(void **state)
{
    (void)state;
    struct fixture fixture = start(true);
    open_keeper(&fixture, true);
    assert_int_equal(fixture.door.set(fixture.door.context, GREEN, NULL), GH_OK);
    assert_true(become(&fixture.lines, RELAY | GREEN));
    fixture.door.free(fixture.door.context);
}

static void test_a_gate_that_locks_is_left_alone(void **state)
{
    (void)state;
    struct fixture fixture = start(false);
    open_keeper(&fixture, false);
    assert_int_equal(fixture.door.set(fixture.door.context, RELAY, NULL), GH_OK);
    assert_int_equal(fixture.door.set(fixture.door.context, GREEN, NULL), GH_OK);
    /* Longer than the keeper would have waited: a bound on how soon it may act, not a pause to
     * settle. */
    const struct timespec longer = {.tv_nsec = (100 + GH_DOOR_GRACE_MS + 100) * 1000000L};
    nanosleep(&longer, NULL);
    assert_int_equal(lines_at(&fixture.lines).sets, 2);
    fixture.door.free(fixture.door.context);
}

static void test_a_lock_that_fails_is_tried_again(void **state)
{
    (void)state;
    struct fixture fixture = start(false);
    open_keeper(&fixture, false);
    assert_int_equal(fixture.door.set(fixture.door.context, RELAY, NULL), GH_OK);
    pthread_mutex_lock(&fixture.lines.lock);
    fixture.lines.failures = 2;
    pthread_mutex_unlock(&fixture.lines.lock);
    assert_true(become(&fixture.lines, 0));
    assert_int_equal(lines_at(&fixture.lines).sets, 4);
    fixture.door.free(fixture.door.context);
}

static void test_a_set_that_fails_may_have_unlocked(void **state)
{
    (void)state;
    struct fixture fixture = start(false);
    open_keeper(&fixture, false);
    fixture.lines.failures = 1;
    fixture.lines.now = RELAY; /* half of it was done */
    assert_int_equal(fixture.door.set(fixture.door.context, RELAY | GREEN, NULL), GH_ERR_IO);
    assert_true(become(&fixture.lines, GREEN));
    fixture.door.free(fixture.door.context);
}

static enum gh_contact contact_of(void *context)
{
    struct lines *lines = context;

    return lines->freed ? GH_CONTACT_UNKNOWN : GH_CONTACT_OPEN;
}

static void test_the_contact_is_passed_on(void **state)
{
    (void)state;
    struct fixture fixture = start(false);
    open_keeper(&fixture, false);
    assert_null(fixture.door.contact);
    fixture.door.free(fixture.door.context);

    fixture = start(false);
    struct gh_door_io inner = {
        .set = lines_set, .free = lines_free, .context = &fixture.lines, .contact = contact_of};
    struct gh_door_options options = {.pulse_ms = 100};
    assert_int_equal(gh_door_keeper_new(&inner, &options, &fixture.door, NULL), GH_OK);
    assert_int_equal(fixture.door.contact(fixture.door.context), GH_CONTACT_OPEN);
    fixture.door.free(fixture.door.context);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_contact_is_passed_on),
        cmocka_unit_test(test_a_busy_gate_leaves_no_open_door),
        cmocka_unit_test(test_fail_safe_is_locked_by_its_relay),
        cmocka_unit_test(test_a_gate_that_locks_is_left_alone),
        cmocka_unit_test(test_a_lock_that_fails_is_tried_again),
        cmocka_unit_test(test_a_set_that_fails_may_have_unlocked),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
