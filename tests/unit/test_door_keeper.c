/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants the four above */
#include <cmocka.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "gate/door_keeper.h"
#include "gatehouse/bytes.h"

#define RELAY GH_LINE_BIT(GH_LINE_RELAY)
#define GREEN GH_LINE_BIT(GH_LINE_GREEN)
#define FIRE GH_INPUT_BIT(GH_INPUT_FIRE)
#define DEADLINE_MS 20000
#define PULSE_MS 100

/* The lines themselves: moved by the gate and by its keeper, watched by the test. */
struct lines {
    atomic_uint now, sets;
    atomic_uint was; /* whatever was ever active */
    _Atomic int64_t changed_ns;
    atomic_uint failures; /* how many sets still fail */
    atomic_bool freed, left;
    atomic_uint inputs_active, inputs_known, looks;
    _Atomic pid_t stop_in_set; /* this process stops itself before it moves anything */
    _Atomic pid_t gate, keeper;
};

static struct lines *lines; /* shared by all processes */

static int64_t now_ns(void)
{
    return gh_clock_monotonic_ns(gh_clock_system());
}

static enum gh_status lines_set(void *context, unsigned active, struct gh_error *err)
{
    (void)context;
    atomic_fetch_add(&lines->sets, 1);
    if (atomic_load(&lines->stop_in_set) == getpid())
        raise(SIGSTOP);
    if (atomic_load(&lines->failures) > 0) {
        atomic_fetch_sub(&lines->failures, 1);
        return gh_fail(err, GH_ERR_IO, "told to fail");
    }
    atomic_store(&lines->changed_ns, now_ns());
    atomic_fetch_or(&lines->was, active);
    atomic_store(&lines->now, active);
    return GH_OK;
}

static void lines_free(void *context)
{
    (void)context;
    atomic_store(&lines->now, 0);
    atomic_store(&lines->freed, true);
}

static void lines_leave(void *context)
{
    (void)context;
    atomic_store(&lines->left, true);
}

static struct gh_door_inputs lines_inputs(void *context)
{
    (void)context;
    atomic_fetch_add(&lines->looks, 1);
    return (struct gh_door_inputs){.active = atomic_load(&lines->inputs_active),
                                   .known = atomic_load(&lines->inputs_known)};
}

static struct gh_door_io bare(void)
{
    return (struct gh_door_io){.set = lines_set, .free = lines_free, .leave = lines_leave};
}

/* With a fire input that is wired, and read as lines->inputs_* say. */
static struct gh_door_io bare_with_fire(void)
{
    struct gh_door_io io = bare();

    io.inputs = lines_inputs;
    io.inputs_wired = FIRE;
    io.inputs_fd = -1;
    io.inputs_poll_ms = 20;
    return io;
}

static const struct gh_door_options secure = {.pulse_ms = PULSE_MS};
/* for tests that want to be quicker than the keeper */
static const struct gh_door_options slow = {.pulse_ms = 2000};
static const struct gh_door_options safe = {.pulse_ms = PULSE_MS, .fail_safe = true};

static int set_up(void **state)
{
    (void)state;
    memset(lines, 0, sizeof(*lines));
    return 0;
}

static struct gh_door_io keep(const struct gh_door_io *inner, const struct gh_door_options *options)
{
    struct gh_door_io door;

    assert_int_equal(gh_door_keeper_new(inner, options, &door, NULL), GH_OK);
    return door;
}

static void assert_set(struct gh_door_io *door, unsigned active)
{
    assert_int_equal(door->set(door->context, active, NULL), GH_OK);
}

static void pause_ms(int64_t ms)
{
    const struct timespec pause = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000L};
    nanosleep(&pause, NULL);
}

static bool become(unsigned wanted)
{
    int64_t end_ns = now_ns() + DEADLINE_MS * GH_NS_PER_MS;

    while (atomic_load(&lines->now) != wanted) {
        if (now_ns() > end_ns)
            return false;
        pause_ms(1);
    }
    return true;
}

/* --- a gate that hangs --- */

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
    struct gh_door_io door = keep(&inner, &secure);
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

/* --- a gate that is gone --- */

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
        cmocka_unit_test_setup(test_whatever_ends_the_gate_all_lines_rest, set_up),
        cmocka_unit_test_setup(test_fail_safe_unlocks_without_a_gate, set_up),
        cmocka_unit_test_setup(test_rest_is_tried_again, set_up),
        cmocka_unit_test_setup(test_a_gate_that_ended_well_is_not_missed, set_up),
        cmocka_unit_test_setup(test_a_stopped_gate_leaves_no_open_door, set_up),
        cmocka_unit_test_setup(test_a_gate_that_is_stopped_while_it_unlocks, set_up),
        cmocka_unit_test_setup(test_a_gate_that_dies_in_a_fire_leaves_the_door_unlocked, set_up),
        cmocka_unit_test_setup(test_a_gate_that_ends_well_in_a_fire_does_too, set_up),
        cmocka_unit_test_setup(test_a_keeper_that_is_killed_is_missed, set_up),
    };

    lines = mmap(NULL, sizeof(*lines), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (lines == MAP_FAILED || prctl(PR_SET_CHILD_SUBREAPER, 1) != 0)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
