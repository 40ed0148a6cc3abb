/* SPDX-License-Identifier: Apache-2.0 */
/* door_keeper.c: what a keeper does when the gate is gone, in whatever way. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <sys/wait.h>

#include "door_keeper_scene.h"

enum end { KILLED, ABORTED, CRASHED, LEFT, STOPPED, ENDED };

/* What a gate does: as its options say, and then its end. */
static _Noreturn void gate(const struct gh_door_io *inner, const struct gh_door_options *options,
                           unsigned active, int64_t renew_ms, enum end end)
{
    struct gh_door_io door;

    if (gh_door_keeper_new(inner, options, &door, NULL) != GH_OK ||
        door.set(door.context, active, NULL) != GH_OK ||
        (renew_ms > 0 && door.renew(door.context, renew_ms, NULL) != GH_OK))
        _exit(9);
    if (end == ABORTED || end == CRASHED)
        signal(end == ABORTED ? SIGABRT : SIGSEGV, SIG_DFL); /* not cmocka's, nor a sanitizer's */
    if (end == KILLED)
        raise(SIGKILL);
    if (end == ABORTED)
        abort();
    if (end == CRASHED)
        raise(SIGSEGV);
    if (end == STOPPED)
        raise(SIGSTOP);
    if (end == ENDED)
        door.free(door.context);
    _exit(0);
}

static pid_t start_gate(const struct gh_door_io *inner, const struct gh_door_options *options,
                        unsigned active, int64_t renew_ms, enum end end)
{
    pid_t pid = fork();

    assert_true(pid >= 0);
    if (pid == 0)
        gate(inner, options, active, renew_ms, end);
    return pid;
}

/* The gate's end, and its keeper's (an orphan that has become ours), in whatever order: the
 * keeper's exit code is 0, and nothing else of them is left. */
static void wait_for_both(pid_t gate_pid)
{
    int status, left = 0;
    pid_t pid;

    while ((pid = waitpid(-1, &status, 0)) > 0) {
        if (pid != gate_pid)
            assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
        else
            assert_false(WIFEXITED(status) && WEXITSTATUS(status) == 9);
        left++;
    }
    assert_int_equal(errno, ECHILD);
    assert_int_equal(left, 2);
}

static void test_whatever_ends_the_gate_all_lines_rest(void **state)
{
    (void)state;
    struct gh_door_io inner = bare();
    /* unlocked for much longer than the test takes */
    const struct gh_door_options options = {.pulse_ms = 3600 * 1000};
    static const enum end ends[] = {KILLED, ABORTED, CRASHED, LEFT};

    for (size_t i = 0; i < GH_ARRAY_SIZE(ends); i++) {
        atomic_store(&lines->now, 0);
        wait_for_both(start_gate(&inner, &options, RELAY | GREEN, 0, ends[i]));
        assert_int_equal(lines->now, 0);
        assert_int_equal(lines->sets, 2 * (i + 1));
    }
    assert_false(lines->freed);
}

static void test_fail_safe_unlocks_without_a_gate(void **state)
{
    (void)state;
    struct gh_door_io inner = bare();
    wait_for_both(start_gate(&inner, &safe, RELAY, 0, KILLED));
    assert_int_equal(lines->now, 0);
    assert_int_equal(lines->sets, 2);
}

static void test_rest_is_tried_again(void **state)
{
    (void)state;
    struct gh_door_io inner = bare();
    pid_t pid = start_gate(&inner, &secure, RELAY, 5000, STOPPED);
    siginfo_t info;
    assert_int_equal(waitid(P_PID, (id_t)pid, &info, WSTOPPED), 0);
    atomic_store(&lines->failures, 2);
    kill(pid, SIGKILL);
    wait_for_both(pid);
    assert_int_equal(lines->now, 0);
    assert_int_equal(lines->sets, 4);
}

static void test_a_gate_that_ended_well_is_not_missed(void **state)
{
    (void)state;
    struct gh_door_io inner = bare();
    pid_t pid = start_gate(&inner, &secure, RELAY, 0, ENDED);
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1); /* it took its keeper with it */
    assert_int_equal(errno, ECHILD);
    assert_int_equal(lines->sets, 1);
    assert_true(lines->freed);
}

static void test_a_stopped_gate_leaves_no_open_door(void **state)
{
    (void)state;
    struct gh_door_io inner = bare();
    pid_t pid = start_gate(&inner, &secure, RELAY | GREEN, 0, STOPPED);
    siginfo_t info;
    assert_int_equal(waitid(P_PID, (id_t)pid, &info, WSTOPPED), 0);
    assert_true(become(GREEN)); /* the relay alone: it may yet come back */
    assert_int_equal(lines->was, RELAY | GREEN);
    kill(pid, SIGKILL);
    wait_for_both(pid);
    assert_int_equal(lines->now, 0);
}

static void test_a_gate_that_is_stopped_while_it_unlocks(void **state)
{
    (void)state;
    struct gh_door_io inner = bare();
    struct gh_door_options options = {.pulse_ms = PULSE_MS};
    pid_t pid = fork();
    if (pid == 0) {
        atomic_store(&lines->stop_in_set, getpid());
        gate(&inner, &options, RELAY | GREEN, 0, STOPPED);
    }
    siginfo_t info;
    assert_int_equal(waitid(P_PID, (id_t)pid, &info, WSTOPPED), 0);
    /* It stands before the lines, and has the keeper's word that it will be looked after. */
    int64_t end_ns = now_ns() + DEADLINE_MS * GH_NS_PER_MS;
    while (atomic_load(&lines->sets) < 3 && now_ns() < end_ns)
        pause_ms(1);
    assert_true(atomic_load(&lines->sets) >= 3); /* the keeper keeps at it */
    /* Long after its time, the gate goes on with what it was about to do. */
    atomic_store(&lines->now, 0);
    kill(pid, SIGCONT);
    assert_int_equal(waitid(P_PID, (id_t)pid, &info, WSTOPPED), 0); /* having done it */
    assert_true(become(GREEN));
    kill(pid, SIGKILL);
    wait_for_both(pid);
    assert_int_equal(lines->now, 0);
}

static void test_a_gate_that_dies_in_a_fire_leaves_the_door_unlocked(void **state)
{
    (void)state;
    struct gh_door_io inner = bare(), with_input = bare_with_fire();

    /* By the gate's last word, where the input is not there to be asked. */
    wait_for_both(start_gate(&inner, &secure, RELAY | GREEN, GH_DOOR_RENEW_FIRE, KILLED));
    assert_int_equal(lines->now, RELAY);
    wait_for_both(start_gate(&inner, &safe, 0, GH_DOOR_RENEW_FIRE, KILLED));
    assert_int_equal(lines->now, 0);
    /* or cannot be read. */
    wait_for_both(start_gate(&with_input, &secure, RELAY, GH_DOOR_RENEW_FIRE, KILLED));
    assert_int_equal(lines->now, RELAY);
    /* What the input says counts for more: it is over; */
    atomic_store(&lines->inputs_known, FIRE);
    wait_for_both(start_gate(&with_input, &secure, RELAY, GH_DOOR_RENEW_FIRE, KILLED));
    assert_int_equal(lines->now, 0);
    /* it broke out since, and the door was locked. */
    atomic_store(&lines->inputs_active, FIRE);
    wait_for_both(start_gate(&with_input, &secure, GREEN, 0, KILLED));
    assert_int_equal(lines->now, RELAY);
}

static void end_well(const struct gh_door_options *options, unsigned active)
{
    struct gh_door_io inner = bare_with_fire(), door = keep(&inner, options);

    atomic_store(&lines->freed, false);
    atomic_store(&lines->left, false);
    assert_set(&door, active);
    door.free(door.context);
    assert_true(lines->freed != lines->left);
}

static void test_a_gate_that_ends_well_in_a_fire_does_too(void **state)
{
    (void)state;

    atomic_store(&lines->inputs_known, FIRE);
    atomic_store(&lines->inputs_active, FIRE);
    end_well(&secure, RELAY);
    assert_int_equal(lines->now, RELAY);
    assert_true(lines->left);
    end_well(&secure, GREEN); /* it broke out a moment ago */
    assert_int_equal(lines->now, RELAY);
    end_well(&safe, 0); /* at rest it is unlocked */
    assert_int_equal(lines->now, 0);
    assert_true(lines->freed);
    atomic_store(&lines->inputs_active, 0);
    end_well(&secure, RELAY);
    assert_int_equal(lines->now, 0);
    assert_true(lines->freed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_whatever_ends_the_gate_all_lines_rest, set_up),
        cmocka_unit_test_setup(test_fail_safe_unlocks_without_a_gate, set_up),
        cmocka_unit_test_setup(test_rest_is_tried_again, set_up),
        cmocka_unit_test_setup(test_a_gate_that_ended_well_is_not_missed, set_up),
        cmocka_unit_test_setup(test_a_stopped_gate_leaves_no_open_door, set_up),
        cmocka_unit_test_setup(test_a_gate_that_is_stopped_while_it_unlocks, set_up),
        cmocka_unit_test_setup(test_a_gate_that_dies_in_a_fire_leaves_the_door_unlocked, set_up),
        cmocka_unit_test_setup(test_a_gate_that_ends_well_in_a_fire_does_too, set_up),
    };
    return cmocka_run_group_tests(tests, share_lines, NULL);
}
