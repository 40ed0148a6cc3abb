/* SPDX-License-Identifier: Apache-2.0 */
/* door_keeper.c: a fire begins, and the gate, which is there, does nothing about it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants the four above */
#include <cmocka.h>
#include <sys/wait.h>

#include "door_keeper_scene.h"

/* A pulse that no test outlasts. */
static const struct gh_door_options long_pulse = {.pulse_ms = 60000};

static struct gh_door_io keep_with_fire(const struct gh_door_options *options)
{
    struct gh_door_io inner = bare_with_fire();

    atomic_store(&lines->inputs_known, FIRE);
    return keep(&inner, options);
}

/* The keeper has looked so often since; the gate does not in these tests. */
static void wait_looks(unsigned count)
{
    int64_t end_ns = now_ns() + DEADLINE_MS * GH_NS_PER_MS;
    unsigned before = atomic_load(&lines->looks);

    while (atomic_load(&lines->looks) - before < count && now_ns() < end_ns)
        pause_ms(1);
    assert_true(atomic_load(&lines->looks) - before >= count);
}
/* More than it takes to act. */
#define SOME_LOOKS (GH_DOOR_KEEPER_LATE_MS / GH_DOOR_KEEPER_LOOK_MS + 3)

static void assert_follows_fire(const struct gh_door_options *options, unsigned locked)
{
    struct gh_door_io door = keep_with_fire(options);

    assert_set(&door, GREEN | locked);
    int64_t before_ns = now_ns();
    atomic_store(&lines->inputs_active, FIRE);
    assert_true(become((GREEN | locked) ^ RELAY));
    assert_true(lines->changed_ns - before_ns >=
                (GH_DOOR_KEEPER_LATE_MS - GH_DOOR_KEEPER_LOOK_MS) * GH_NS_PER_MS);
    wait_looks(SOME_LOOKS); /* and stays so */
    assert_int_equal(atomic_load(&lines->now), (GREEN | locked) ^ RELAY);
    assert_int_equal(atomic_load(&lines->sets), 2);
    atomic_store(&lines->inputs_active, 0);
    assert_true(become(GREEN | locked));
    door.free(door.context);
}

static void test_a_door_that_is_locked(void **state)
{
    (void)state;
    assert_follows_fire(&secure, 0);
}

static void test_a_door_that_is_locked_by_its_relay(void **state)
{
    (void)state;
    assert_follows_fire(&safe, RELAY);
}

static void test_a_door_that_the_keeper_has_locked(void **state)
{
    (void)state;
    struct gh_door_io door = keep_with_fire(&secure);
    assert_set(&door, RELAY);
    assert_true(become(0)); /* the gate hangs, its pulse is over */
    atomic_store(&lines->inputs_active, FIRE);
    assert_true(become(RELAY));
    atomic_store(&lines->inputs_active, 0);
    assert_true(become(0));
    /* The gate is back, and means what it meant. */
    assert_int_equal(door.renew(door.context, 60000, NULL), GH_OK);
    assert_int_equal(atomic_load(&lines->now), RELAY);
    door.free(door.context);
}

static void test_a_gate_that_acts_itself(void **state)
{
    (void)state;
    struct gh_door_io door = keep_with_fire(&long_pulse);
    atomic_store(&lines->inputs_active, FIRE);
    assert_set(&door, RELAY);
    assert_int_equal(door.renew(door.context, GH_DOOR_RENEW_FIRE, NULL), GH_OK);
    wait_looks(SOME_LOOKS);
    atomic_store(&lines->inputs_active, 0);
    assert_set(&door, 0);
    wait_looks(SOME_LOOKS);
    assert_int_equal(atomic_load(&lines->sets), 2);
    assert_int_equal(atomic_load(&lines->now), 0);
    door.free(door.context);
}

static void test_the_gate_wakes_up_meanwhile(void **state)
{
    (void)state;
    struct gh_door_io door = keep_with_fire(&long_pulse);
    assert_set(&door, 0);
    atomic_store(&lines->inputs_active, FIRE);
    assert_true(become(RELAY));
    assert_set(&door, RELAY | GREEN); /* for whatever cause */
    atomic_store(&lines->inputs_active, 0);
    wait_looks(SOME_LOOKS);
    assert_int_equal(atomic_load(&lines->now), RELAY | GREEN);
    assert_int_equal(atomic_load(&lines->sets), 3);
    door.free(door.context);
}

/* The other door of a lock goes by this line: unlocked is not shut and locked. */
static void test_the_other_door_is_not_told_that_it_is_shut(void **state)
{
    (void)state;
    const unsigned this_door = GH_LINE_BIT(GH_LINE_THIS_DOOR);
    struct gh_door_io door = keep_with_fire(&secure);
    assert_set(&door, GREEN | this_door);
    atomic_store(&lines->inputs_active, FIRE);
    assert_true(become(RELAY | GREEN));
    atomic_store(&lines->inputs_active, 0);
    assert_true(become(GREEN | this_door)); /* as the gate said last */
    door.free(door.context);
}

static void test_the_gate_locks_it_meanwhile(void **state)
{
    (void)state;
    struct gh_door_io door = keep_with_fire(&secure);
    assert_set(&door, 0);
    atomic_store(&lines->inputs_active, FIRE);
    assert_true(become(RELAY));
    assert_set(&door, GREEN); /* which has not seen the fire */
    assert_true(become(RELAY | GREEN));
    door.free(door.context);
}

static void test_what_is_no_fire(void **state)
{
    (void)state;
    struct gh_door_io door = keep_with_fire(&secure);
    assert_set(&door, 0);
    atomic_store(&lines->chatters, true);
    atomic_store(&lines->inputs_active, FIRE);
    wait_looks(2 * SOME_LOOKS);
    atomic_store(&lines->inputs_active, 0);
    atomic_store(&lines->chatters, false);
    wait_looks(2);
    atomic_store(&lines->inputs_known, 0); /* or cannot be read */
    atomic_store(&lines->inputs_active, FIRE);
    wait_looks(SOME_LOOKS);
    assert_int_equal(atomic_load(&lines->sets), 1);
    door.free(door.context);
}

static void test_lines_that_do_not_move_are_tried_again(void **state)
{
    (void)state;
    struct gh_door_io door = keep_with_fire(&secure);
    assert_set(&door, 0);
    atomic_store(&lines->failures, 2);
    atomic_store(&lines->inputs_active, FIRE);
    assert_true(become(RELAY));
    assert_int_equal(atomic_load(&lines->sets), 4);
    door.free(door.context);
}

static void test_a_gate_that_is_stopped_among_its_lines(void **state)
{
    (void)state;
    struct gh_door_io inner = bare_with_fire();
    siginfo_t info;
    int status;
    atomic_store(&lines->inputs_known, FIRE);
    pid_t pid = fork();
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL); /* not left behind, should this fail */
        struct gh_door_io door = keep(&inner, &secure);
        atomic_store(&lines->stop_in_set, getpid());
        (void)door.set(door.context, GREEN, NULL);
        raise(SIGSTOP);
        door.free(door.context);
        _exit(0);
    }
    assert_int_equal(waitid(P_PID, (id_t)pid, &info, WSTOPPED), 0);
    atomic_store(&lines->inputs_active, FIRE);
    assert_true(become(RELAY | GREEN));
    /* It goes on with what it was about to do, which is to lock. */
    atomic_store(&lines->stop_in_set, 0);
    kill(pid, SIGCONT);
    assert_int_equal(waitid(P_PID, (id_t)pid, &info, WSTOPPED), 0);
    assert_true(become(RELAY | GREEN));
    kill(pid, SIGCONT);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_a_door_that_is_locked, set_up),
        cmocka_unit_test_setup(test_a_door_that_is_locked_by_its_relay, set_up),
        cmocka_unit_test_setup(test_a_door_that_the_keeper_has_locked, set_up),
        cmocka_unit_test_setup(test_a_gate_that_acts_itself, set_up),
        cmocka_unit_test_setup(test_the_gate_wakes_up_meanwhile, set_up),
        cmocka_unit_test_setup(test_the_other_door_is_not_told_that_it_is_shut, set_up),
        cmocka_unit_test_setup(test_the_gate_locks_it_meanwhile, set_up),
        cmocka_unit_test_setup(test_what_is_no_fire, set_up),
        cmocka_unit_test_setup(test_lines_that_do_not_move_are_tried_again, set_up),
        cmocka_unit_test_setup(test_a_gate_that_is_stopped_among_its_lines, set_up),
    };
    return cmocka_run_group_tests(tests, share_lines, NULL);
}
