/* SPDX-License-Identifier: Apache-2.0 */
/* door_keeper.c: a gate that hangs, what is meant for longer, and a keeper that is gone. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <poll.h>
#include <sys/wait.h>

#include "door_keeper_scene.h"

/* --- a gate that hangs --- */

/* for a test that wants to be quicker than the keeper */
static const struct gh_door_options slow = {.pulse_ms = 2000};

static void test_a_busy_gate_leaves_no_open_door(void **state)
{
    (void)state;
    struct gh_door_io inner = bare();
    struct gh_door_io door = keep(&inner, &secure);
    int64_t before_ns = now_ns();
    assert_set(&door, RELAY | GREEN);
    /* and the gate does nothing more */
    assert_true(become(GREEN));
    assert_int_equal(lines->was, RELAY | GREEN);
    assert_true(lines->changed_ns - before_ns >= (PULSE_MS + GH_DOOR_GRACE_MS) * GH_NS_PER_MS);
    door.free(door.context);
    assert_true(lines->freed);
}

static void test_fail_safe_is_locked_by_its_relay(void **state)
{
    (void)state;
    struct gh_door_io inner = bare();
    struct gh_door_io door = keep(&inner, &safe);
    assert_set(&door, GREEN);
    assert_true(become(RELAY | GREEN));
    door.free(door.context);
}

static void test_a_gate_that_locks_is_left_alone(void **state)
{
    (void)state;
    struct gh_door_io inner = bare();
    struct gh_door_io door = keep(&inner, &slow);
    assert_set(&door, RELAY);
    assert_set(&door, GREEN);
    /* Longer than the keeper would have waited: a bound on how soon it may act, not a pause to
     * settle. */
    pause_ms(slow.pulse_ms + GH_DOOR_GRACE_MS + 100);
    assert_int_equal(lines->sets, 2);
    door.free(door.context);
}

static void test_lamps_do_not_make_it_longer(void **state)
{
    (void)state;
    struct gh_door_io inner = bare();
    struct gh_door_io door = keep(&inner, &secure);
    int64_t end_ns = now_ns() + DEADLINE_MS * GH_NS_PER_MS;
    assert_set(&door, RELAY);
    /* A gate whose buzzer goes on and on, and which forgets the relay. */
    unsigned sets = 1;
    while (atomic_load(&lines->sets) == sets && now_ns() < end_ns) {
        assert_set(&door, RELAY | (sets % 2 ? GREEN : 0));
        sets++;
        pause_ms(1);
    }
    assert_true(now_ns() < end_ns);
    door.free(door.context);
}

static void test_a_lock_that_fails_is_tried_again(void **state)
{
    (void)state;
    struct gh_door_io inner = bare();
    struct gh_door_io door = keep(&inner, &slow);
    assert_set(&door, RELAY);
    atomic_store(&lines->failures, 2);
    assert_true(become(0));
    assert_int_equal(lines->sets, 4);
    door.free(door.context);
}

static void test_the_gates_lock_that_fails_is_tried_by_the_keeper(void **state)
{
    (void)state;
    struct gh_door_io inner = bare();
    struct gh_door_io door = keep(&inner, &slow);
    assert_set(&door, RELAY);
    atomic_store(&lines->failures, 1);
    assert_int_equal(door.set(door.context, 0, NULL), GH_ERR_IO);
    assert_true(become(0));
    door.free(door.context);
}

static void test_a_set_that_fails_may_have_unlocked(void **state)
{
    (void)state;
    struct gh_door_io inner = bare();
    struct gh_door_io door = keep(&inner, &secure);
    atomic_store(&lines->failures, 1);
    atomic_store(&lines->now, RELAY); /* half of it was done */
    assert_int_equal(door.set(door.context, RELAY | GREEN, NULL), GH_ERR_IO);
    assert_true(become(GREEN));
    door.free(door.context);
}

/* --- what is meant for longer --- */

static void test_renewed_is_unlocked_until_it_is_renewed_no_more(void **state)
{
    (void)state;
    struct gh_door_io inner = bare();
    struct gh_door_io door = keep(&inner, &secure);
    assert_set(&door, RELAY);
    int64_t renewed_ns = 0, end_ns = now_ns() + 4 * PULSE_MS * GH_NS_PER_MS;
    while (now_ns() < end_ns) {
        renewed_ns = now_ns();
        assert_int_equal(door.renew(door.context, 5000, NULL), GH_OK);
        assert_int_equal(atomic_load(&lines->now), RELAY);
        pause_ms(20);
    }
    assert_int_equal(door.renew(door.context, 50, NULL), GH_OK);
    assert_true(become(0));
    assert_true(lines->changed_ns - renewed_ns >= 50 * GH_NS_PER_MS);
    door.free(door.context);
}

static void test_renew_unlocks_again_what_the_keeper_locked(void **state)
{
    (void)state;
    struct gh_door_io inner = bare();
    struct gh_door_io door = keep(&inner, &secure);
    assert_set(&door, RELAY | GREEN);
    assert_true(become(GREEN));
    atomic_store(&lines->failures, 1);
    assert_int_equal(door.renew(door.context, 5000, NULL), GH_ERR_IO);
    assert_int_equal(door.renew(door.context, 5000, NULL), GH_OK);
    assert_int_equal(atomic_load(&lines->now), RELAY | GREEN);
    unsigned sets = atomic_load(&lines->sets);
    assert_int_equal(door.renew(door.context, 5000, NULL), GH_OK);
    assert_int_equal(atomic_load(&lines->sets), sets); /* nothing to do but to wait on */
    assert_int_equal(door.renew(door.context, 50, NULL), GH_OK);
    assert_true(become(GREEN));
    door.free(door.context);
}

static void test_renew_unlocks_nothing(void **state)
{
    (void)state;
    struct gh_door_io inner = bare();
    struct gh_door_io door = keep(&inner, &secure);
    assert_int_equal(door.renew(door.context, 5000, NULL), GH_OK);
    assert_set(&door, GREEN);
    assert_int_equal(door.renew(door.context, GH_DOOR_RENEW_FIRE, NULL), GH_OK);
    assert_int_equal(lines->sets, 1);
    assert_int_equal(lines->now, GREEN);
    door.free(door.context);
}

static void test_a_hang_locks_nobody_into_a_fire(void **state)
{
    (void)state;
    struct gh_door_io inner = bare();
    struct gh_door_io door = keep(&inner, &secure);
    assert_set(&door, RELAY);
    assert_int_equal(door.renew(door.context, GH_DOOR_RENEW_FIRE, NULL), GH_OK);
    pause_ms(PULSE_MS + GH_DOOR_GRACE_MS + 100); /* how soon it may act, see above */
    assert_int_equal(atomic_load(&lines->now), RELAY);
    /* It is over, and something else keeps the door unlocked for a while. */
    assert_int_equal(door.renew(door.context, 50, NULL), GH_OK);
    assert_true(become(0));
    door.free(door.context);
}

static void test_a_fire_that_the_gate_has_not_seen(void **state)
{
    (void)state;
    struct gh_door_io inner = bare_with_fire();
    struct gh_door_io door = keep(&inner, &secure);
    atomic_store(&lines->inputs_known, FIRE);
    atomic_store(&lines->inputs_active, FIRE);
    assert_set(&door, RELAY);
    int64_t end_ns = now_ns() + DEADLINE_MS * GH_NS_PER_MS;
    while (atomic_load(&lines->looks) < 3 && now_ns() < end_ns)
        pause_ms(1);
    assert_true(atomic_load(&lines->looks) >= 3);
    assert_int_equal(atomic_load(&lines->now), RELAY);
    atomic_store(&lines->inputs_active, 0);
    assert_true(become(0));
    door.free(door.context);
}

/* --- what is passed on --- */

static void test_without_inputs(void **state)
{
    (void)state;
    struct gh_door_io inner = bare();
    struct gh_door_io door = keep(&inner, &secure);
    assert_null(door.inputs);
    assert_int_equal(door.inputs_fd, -1);
    door.free(door.context);
}

static bool is_readable(int fd, int wait_ms)
{
    struct pollfd word = {.fd = fd, .events = POLLIN};
    return poll(&word, 1, wait_ms) == 1;
}

static void test_the_inputs_are_passed_on(void **state)
{
    (void)state;
    struct gh_door_io inner = bare_with_fire();
    inner.inputs_fd = STDIN_FILENO; /* any */
    struct gh_door_io door = keep(&inner, &secure);
    assert_int_equal(door.inputs_wired, FIRE);
    assert_int_equal(door.inputs_poll_ms, 20);
    atomic_store(&lines->inputs_known, FIRE);
    assert_int_equal(door.inputs_fd, inner.inputs_fd);
    assert_int_equal(door.inputs(door.context).known, FIRE);
    door.free(door.context);
}

/* --- a keeper that is gone --- */

static enum gh_status note_keeper(void *context, unsigned active, struct gh_error *err)
{
    if (getpid() != atomic_load(&lines->gate))
        atomic_store(&lines->keeper, getpid());
    return lines_set(context, active, err);
}

static void test_a_keeper_that_is_killed_is_missed(void **state)
{
    (void)state;
    struct gh_door_io inner = bare();
    inner.set = note_keeper;
    atomic_store(&lines->gate, getpid());
    struct gh_door_io door = keep(&inner, &secure);
    assert_set(&door, RELAY);
    assert_true(become(0));
    assert_false(is_readable(gh_door_keeper_fd(&door), 0));
    kill(atomic_load(&lines->keeper), SIGTERM); /* systemd sends that to all of them */
    kill(atomic_load(&lines->keeper), SIGINT);
    assert_set(&door, RELAY);
    assert_true(become(0));
    kill(atomic_load(&lines->keeper), SIGKILL);
    assert_true(is_readable(gh_door_keeper_fd(&door), DEADLINE_MS));
    assert_set(&door, RELAY); /* the lines are the gate's own */
    assert_int_equal(door.renew(door.context, 50, NULL), GH_OK);
    assert_set(&door, 0);
    door.free(door.context);
    assert_true(lines->freed);
}

static bool answers(const struct gh_door_io *door)
{
    int64_t end_ns = now_ns() + DEADLINE_MS * GH_NS_PER_MS;

    while (!gh_door_keeper_answered(door)) {
        if (now_ns() > end_ns)
            return false;
        pause_ms(1);
    }
    return true;
}

static void wait_until_stopped(pid_t pid)
{
    int status;

    assert_int_equal(waitpid(pid, &status, WUNTRACED), pid);
    assert_true(WIFSTOPPED(status));
}

/* A door whose keeper is known: it has moved the lines. */
static struct gh_door_io keep_and_meet(const struct gh_door_io *inner)
{
    atomic_store(&lines->gate, getpid());
    struct gh_door_io door = keep(inner, &secure);
    assert_set(&door, RELAY);
    assert_true(become(0));
    return door;
}

static void test_a_keeper_that_is_stopped_does_not_answer(void **state)
{
    (void)state;
    struct gh_door_io inner = bare();
    inner.set = note_keeper;
    struct gh_door_io door = keep_and_meet(&inner);
    pid_t keeper = atomic_load(&lines->keeper);
    assert_true(gh_door_keeper_answered(&door)); /* nothing was asked */
    for (int i = 0; i < 3; i++) {
        gh_door_keeper_ask(&door);
        assert_true(answers(&door));
    }
    kill(keeper, SIGSTOP);
    wait_until_stopped(keeper);
    for (int i = 0; i < 10000; i++) { /* more than the socket holds: nobody waits */
        gh_door_keeper_ask(&door);
        assert_false(gh_door_keeper_answered(&door));
    }
    kill(keeper, SIGCONT);
    assert_true(answers(&door));
    assert_set(&door, RELAY); /* and it keeps the door */
    assert_true(become(0));
    door.free(door.context);
}

/* The driver does not come back, and the keeper has the lines. */
static void test_a_keeper_that_is_stuck_does_not_answer(void **state)
{
    (void)state;
    struct gh_door_io inner = bare();
    inner.set = note_keeper;
    struct gh_door_io door = keep_and_meet(&inner);
    pid_t keeper = atomic_load(&lines->keeper);
    atomic_store(&lines->stop_in_set, keeper);
    assert_set(&door, RELAY);
    wait_until_stopped(keeper);
    gh_door_keeper_ask(&door);
    assert_false(gh_door_keeper_answered(&door));
    assert_int_equal(lines->now, RELAY);
    door.free(door.context); /* the gate ends, and has the lines all the same */
    assert_true(lines->freed);
    assert_int_equal(lines->now, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_a_busy_gate_leaves_no_open_door, set_up),
        cmocka_unit_test_setup(test_fail_safe_is_locked_by_its_relay, set_up),
        cmocka_unit_test_setup(test_a_gate_that_locks_is_left_alone, set_up),
        cmocka_unit_test_setup(test_lamps_do_not_make_it_longer, set_up),
        cmocka_unit_test_setup(test_a_lock_that_fails_is_tried_again, set_up),
        cmocka_unit_test_setup(test_the_gates_lock_that_fails_is_tried_by_the_keeper, set_up),
        cmocka_unit_test_setup(test_a_set_that_fails_may_have_unlocked, set_up),
        cmocka_unit_test_setup(test_renewed_is_unlocked_until_it_is_renewed_no_more, set_up),
        cmocka_unit_test_setup(test_renew_unlocks_again_what_the_keeper_locked, set_up),
        cmocka_unit_test_setup(test_renew_unlocks_nothing, set_up),
        cmocka_unit_test_setup(test_a_hang_locks_nobody_into_a_fire, set_up),
        cmocka_unit_test_setup(test_a_fire_that_the_gate_has_not_seen, set_up),
        cmocka_unit_test_setup(test_without_inputs, set_up),
        cmocka_unit_test_setup(test_the_inputs_are_passed_on, set_up),
        cmocka_unit_test_setup(test_a_keeper_that_is_killed_is_missed, set_up),
        cmocka_unit_test_setup(test_a_keeper_that_is_stopped_does_not_answer, set_up),
        cmocka_unit_test_setup(test_a_keeper_that_is_stuck_does_not_answer, set_up),
    };
    return cmocka_run_group_tests(tests, share_lines, NULL);
}
