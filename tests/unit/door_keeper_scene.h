/* SPDX-License-Identifier: Apache-2.0 */
/* A door's keeper and the lines it keeps, which gate, keeper and test all see. Include it after
 * cmocka.h. */
#ifndef GATEHOUSE_TESTS_UNIT_DOOR_KEEPER_SCENE_H
#define GATEHOUSE_TESTS_UNIT_DOOR_KEEPER_SCENE_H

#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
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
    atomic_bool chatters; /* what is active is so every third time only; see lines_inputs */
    atomic_uint times;
    _Atomic int64_t looked_ns;
    _Atomic pid_t stop_in_set; /* this process stops itself before it moves anything */
    _Atomic pid_t gate, keeper;
};

static struct lines *lines; /* shared by all processes */

static inline int64_t now_ns(void)
{
    return gh_clock_monotonic_ns(gh_clock_system());
}

static inline enum gh_status lines_set(void *context, unsigned active, struct gh_error *err)
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

static inline void lines_free(void *context)
{
    (void)context;
    atomic_store(&lines->now, 0);
    atomic_store(&lines->freed, true);
}

static inline void lines_leave(void *context)
{
    (void)context;
    atomic_store(&lines->left, true);
}

static inline struct gh_door_inputs lines_inputs(void *context)
{
    (void)context;
    atomic_fetch_add(&lines->looks, 1);
    /* Who asks twice in a row hears the same: that is one time. */
    if (now_ns() - atomic_load(&lines->looked_ns) > 100 * GH_NS_PER_MS)
        atomic_fetch_add(&lines->times, 1);
    atomic_store(&lines->looked_ns, now_ns());
    bool seen = !atomic_load(&lines->chatters) || atomic_load(&lines->times) % 3 == 0;
    return (struct gh_door_inputs){.active = seen ? atomic_load(&lines->inputs_active) : 0,
                                   .known = atomic_load(&lines->inputs_known)};
}

static inline struct gh_door_io bare(void)
{
    return (struct gh_door_io){.set = lines_set, .free = lines_free, .leave = lines_leave};
}

/* With a fire input that is wired, and read as lines->inputs_* say. */
static inline struct gh_door_io bare_with_fire(void)
{
    struct gh_door_io io = bare();

    io.inputs = lines_inputs;
    io.inputs_wired = FIRE;
    io.inputs_fd = -1;
    io.inputs_poll_ms = 20;
    return io;
}

static const struct gh_door_options secure = {.pulse_ms = PULSE_MS};
static const struct gh_door_options safe = {.pulse_ms = PULSE_MS, .fail_safe = true};

static inline int set_up(void **state)
{
    (void)state;
    memset(lines, 0, sizeof(*lines));
    return 0;
}

static inline struct gh_door_io keep(const struct gh_door_io *inner,
                                     const struct gh_door_options *options)
{
    struct gh_door_io door;

    assert_int_equal(gh_door_keeper_new(inner, options, &door, NULL), GH_OK);
    return door;
}

static inline void assert_set(struct gh_door_io *door, unsigned active)
{
    assert_int_equal(door->set(door->context, active, NULL), GH_OK);
}

static inline void pause_ms(int64_t ms)
{
    const struct timespec pause = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000L};
    nanosleep(&pause, NULL);
}

static inline bool become(unsigned wanted)
{
    int64_t end_ns = now_ns() + DEADLINE_MS * GH_NS_PER_MS;

    while (atomic_load(&lines->now) != wanted) {
        if (now_ns() > end_ns)
            return false;
        pause_ms(1);
    }
    return true;
}

/* For the whole group of tests. The keepers of gates that are gone become ours. */
static inline int share_lines(void **state)
{
    (void)state;
    lines = mmap(NULL, sizeof(*lines), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    return lines != MAP_FAILED && prctl(PR_SET_CHILD_SUBREAPER, 1) == 0 ? 0 : -1;
}

#endif
