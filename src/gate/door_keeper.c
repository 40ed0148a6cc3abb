/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/door_keeper.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "gatehouse/file.h"
#include "gatehouse/log.h"
#include "gatehouse/sandbox.h"

#define NEVER INT64_MAX
#define LAST_TRIES 5
#define LOOK_NS (GH_DOOR_KEEPER_LOOK_MS * GH_NS_PER_MS)
#define LATE_NS (GH_DOOR_KEEPER_LATE_MS * GH_NS_PER_MS)
/* How long each waits for the other to have moved the lines. The gate may be stopped in the middle
 * of it, so the keeper goes on without; but then it comes back until it had the lines to itself. */
#define GATE_WAIT_MS 1000
#define KEEPER_WAIT_MS 50

/* What both processes see. Written by whoever moves the lines, with the lock where it is to be had.
 */
struct shared {
    pthread_mutex_t lock; /* robust: who dies with it leaves it */
    atomic_uint lines;    /* as the gate set them last */
    _Atomic int64_t deadline_ns;
    atomic_bool fire;     /* the gate says so */
    atomic_bool acted;    /* the keeper has moved the relay since */
    atomic_bool for_fire; /* which unlocked it, since there is a fire */
    atomic_bool over;     /* the gate ended in good order */
    /* How often the gate has asked for a sign of life; and as the keeper has seen it last. */
    atomic_uint asked, answered;
};

struct keeper {
    struct gh_door_io inner;
    struct shared *shared;
    unsigned locked_relay; /* the relay's bit as it is while the door is locked */
    int64_t pulse_ms;
    int socket; /* each end sees when the other process is gone */
    pid_t pid;
    /* in the keeper's process: */
    unsigned acts;         /* how often it has moved the relay */
    int64_t fire_since_ns; /* the fire input has been so at every look since then */
    bool fire_level;
};

static int64_t now_ns(void)
{
    return gh_clock_monotonic_ns(gh_clock_system());
}

/* --- what both do --- */

static bool take_lines(struct shared *shared, int64_t wait_ms)
{
    struct timespec until;

    clock_gettime(CLOCK_MONOTONIC, &until);
    int64_t ns = until.tv_nsec + wait_ms * GH_NS_PER_MS;
    until.tv_sec += (time_t)(ns / GH_NS_PER_S);
    until.tv_nsec = (long)(ns % GH_NS_PER_S);
    int failed = pthread_mutex_clocklock(&shared->lock, CLOCK_MONOTONIC, &until);
    if (failed == EOWNERDEAD)
        failed = pthread_mutex_consistent(&shared->lock);
    return failed == 0;
}

static void leave_lines(struct shared *shared, bool taken)
{
    if (taken)
        pthread_mutex_unlock(&shared->lock);
}

static bool unlocks(const struct keeper *keeper, unsigned lines)
{
    return (lines & GH_LINE_BIT(GH_LINE_RELAY)) != keeper->locked_relay;
}

static bool has_fire_input(const struct keeper *keeper)
{
    return keeper->inner.inputs && (keeper->inner.inputs_wired & GH_INPUT_BIT(GH_INPUT_FIRE));
}

/* unknown: what it is taken for when it cannot be read. */
static bool fire_input(const struct keeper *keeper, bool unknown)
{
    struct gh_door_inputs inputs = keeper->inner.inputs(keeper->inner.context);

    if ((inputs.known & GH_INPUT_BIT(GH_INPUT_FIRE)) == 0)
        return unknown;
    return (inputs.active & GH_INPUT_BIT(GH_INPUT_FIRE)) != 0;
}

static bool is_fire(const struct keeper *keeper)
{
    bool said = atomic_load(&keeper->shared->fire);

    return has_fire_input(keeper) ? fire_input(keeper, said) : said;
}

/* --- the keeper's process --- */

/* When to look again. */
static int64_t lock_door(struct keeper *keeper)
{
    struct shared *shared = keeper->shared;
    struct gh_error err = {0};
    int64_t again_ns = now_ns() + GH_DOOR_KEEPER_RETRY_MS * GH_NS_PER_MS;

    if (is_fire(keeper))
        return again_ns;
    bool taken = take_lines(shared, KEEPER_WAIT_MS);
    if (atomic_load(&shared->deadline_ns) > now_ns()) {
        leave_lines(shared, taken);
        return atomic_load(&shared->deadline_ns);
    }
    unsigned lines =
        (atomic_load(&shared->lines) & ~GH_LINE_BIT(GH_LINE_RELAY)) | keeper->locked_relay;
    enum gh_status status = keeper->inner.set(keeper->inner.context, lines, &err);
    if (status == GH_OK)
        atomic_store(&shared->acted, true);
    if (status == GH_OK && taken) {
        atomic_store(&shared->deadline_ns, NEVER);
        again_ns = NEVER;
    }
    leave_lines(shared, taken);
    if (status == GH_OK)
        /* numbered, since a log that is silent on repeats would say it once for ever */
        gh_log(GH_LOG_WARNING, "door",
               "locked without the gate, which is busy (%u since the start)", ++keeper->acts);
    else
        gh_log(GH_LOG_ERR, "door", "it cannot be locked: %s", err.text);
    return again_ns;
}

/* What the gate does in a fire, when it does not. The input is asked once more with the lines to
 * itself: the gate may have locked them a moment ago, when the fire was over. Without that it notes
 * nothing, and so does it again. */
static void move_for_fire(struct keeper *keeper, bool fire)
{
    struct shared *shared = keeper->shared;
    struct gh_error err = {0};

    if (!fire && !atomic_load(&shared->for_fire))
        return;
    bool taken = take_lines(shared, KEEPER_WAIT_MS);
    unsigned asked = atomic_load(&shared->lines);
    bool unlocked = unlocks(keeper, asked) != atomic_load(&shared->acted);
    bool due = fire ? !unlocked && fire_input(keeper, false) : atomic_load(&shared->for_fire);
    unsigned relay = keeper->locked_relay ^ (fire ? GH_LINE_BIT(GH_LINE_RELAY) : 0);
    unsigned lines = (asked & ~GH_LINE_BIT(GH_LINE_RELAY)) | relay;
    enum gh_status status = GH_OK;
    if (fire) /* it is shut and locked no more */
        lines &= ~GH_LINE_BIT(GH_LINE_THIS_DOOR);

    if (due)
        status = keeper->inner.set(keeper->inner.context, lines, &err);
    if (due && status == GH_OK && taken) {
        atomic_store(&shared->acted, unlocks(keeper, asked) != fire);
        atomic_store(&shared->for_fire, fire);
    }
    leave_lines(shared, taken);
    if (status != GH_OK)
        gh_log(GH_LOG_ERR, "door", "it cannot be moved for the fire: %s", err.text);
    else if (due)
        gh_log(GH_LOG_WARNING, "door", "%s without the gate, which is busy (%u since the start)",
               fire ? "unlocked for a fire" : "locked after a fire", ++keeper->acts);
}

/* When to look again. */
static int64_t look_for_fire(struct keeper *keeper)
{
    int64_t at_ns = now_ns();
    bool level = fire_input(keeper, keeper->fire_level);

    if (level != keeper->fire_level) {
        keeper->fire_level = level;
        keeper->fire_since_ns = at_ns;
    }
    if (at_ns - keeper->fire_since_ns >= LATE_NS)
        move_for_fire(keeper, level);
    return at_ns + LOOK_NS;
}

static void rest(struct keeper *keeper)
{
    const struct timespec pause = {.tv_nsec = GH_DOOR_KEEPER_RETRY_MS * GH_NS_PER_MS};
    struct gh_error err = {0};
    bool fire = is_fire(keeper);
    unsigned lines = fire ? GH_LINE_BIT(GH_LINE_RELAY) & ~keeper->locked_relay : 0;

    bool taken = take_lines(keeper->shared, KEEPER_WAIT_MS);
    enum gh_status status = keeper->inner.set(keeper->inner.context, lines, &err);
    for (int i = 1; status != GH_OK && i < LAST_TRIES; i++) {
        nanosleep(&pause, NULL);
        status = keeper->inner.set(keeper->inner.context, lines, &err);
    }
    leave_lines(keeper->shared, taken);
    if (status != GH_OK)
        gh_log(GH_LOG_ERR, "door", "the gate is gone, and its lines cannot be moved: %s", err.text);
    else
        gh_log(GH_LOG_WARNING, "door", "the gate is gone: %s",
               fire ? "unlocked, since there is a fire" : "all lines are at rest");
}

static int wait_ms(int64_t until_ns)
{
    if (until_ns == NEVER)
        return -1;
    int64_t ms = (until_ns - now_ns()) / GH_NS_PER_MS + 1;
    return ms < 0 ? 0 : ms > INT32_MAX ? INT32_MAX : (int)ms;
}

/* false: the gate is gone. */
static bool heard(struct keeper *keeper, bool *told)
{
    char bytes[64];
    ssize_t size;

    do {
        size = recv(keeper->socket, bytes, sizeof(bytes), MSG_DONTWAIT);
        *told = *told || size > 0;
    } while (size > 0 || (size < 0 && errno == EINTR));
    return size < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
}

static _Noreturn void keep(struct keeper *keeper)
{
    struct pollfd word = {.fd = keeper->socket, .events = POLLIN};
    int64_t look_ns = NEVER, fire_ns = has_fire_input(keeper) ? now_ns() : NEVER;
    bool told = false;

    keeper->fire_since_ns = now_ns();
    while (heard(keeper, &told)) {
        atomic_store(&keeper->shared->answered, atomic_load(&keeper->shared->asked));
        /* What is due again after a failure waits, unless the gate has said something. */
        if (told)
            look_ns = atomic_load(&keeper->shared->deadline_ns);
        told = false;
        if (look_ns != NEVER && now_ns() >= look_ns)
            look_ns = lock_door(keeper);
        if (fire_ns != NEVER && now_ns() >= fire_ns)
            fire_ns = look_for_fire(keeper);
        (void)poll(&word, 1, wait_ms(look_ns < fire_ns ? look_ns : fire_ns));
    }
    if (!atomic_load(&keeper->shared->over))
        rest(keeper);
    _exit(0);
}

/* A keeper that is locked in too little is better than none. */
static void enter_sandbox(const struct keeper *keeper)
{
    struct gh_sandbox sandbox = {.keeper = true};
    struct gh_error err = {0};

    gh_sandbox_allow(&sandbox, GH_SANDBOX_REPLACE, keeper->inner.inputs_path);
    if (gh_sandbox_enter(&sandbox, &err) != GH_OK)
        gh_log(GH_LOG_WARNING, "sandbox", "the door's keeper goes without: %s", err.text);
}

static _Noreturn void keeper_main(struct keeper *keeper, int socket, int gates_socket)
{
    sigset_t all;

    /* The terminal's keys and systemd's SIGTERM are for the gate: the keeper sees it end. */
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, NULL);
    (void)setsid();
    (void)prctl(PR_SET_NAME, "gate-keeper");
    close(gates_socket);
    close(STDIN_FILENO);
    keeper->socket = socket;
    enter_sandbox(keeper);
    keep(keeper);
}

/* --- the gate's side --- */

static void tell(struct keeper *keeper)
{
    const char word = 0;
    ssize_t sent = send(keeper->socket, &word, sizeof(word), MSG_DONTWAIT | MSG_NOSIGNAL);

    (void)sent; /* full: it will wake up anyway; gone: gh_door_keeper_fd says so */
}

static enum gh_status keeper_set(void *context, unsigned active, struct gh_error *err)
{
    struct keeper *keeper = context;
    struct shared *shared = keeper->shared;
    bool unlocking = unlocks(keeper, active);

    bool taken = take_lines(shared, GATE_WAIT_MS);
    bool unlocked = unlocks(keeper, atomic_load(&shared->lines)) && !atomic_load(&shared->acted);
    /* Before the try: one that fails half-way may have unlocked, and one may not come back. */
    atomic_store(&shared->lines, active);
    atomic_store(&shared->acted, false);
    atomic_store(&shared->for_fire, false);
    if (unlocking && !unlocked) {
        atomic_store(&shared->fire, false);
        atomic_store(&shared->deadline_ns,
                     now_ns() + (keeper->pulse_ms + GH_DOOR_GRACE_MS) * GH_NS_PER_MS);
        tell(keeper);
    }
    enum gh_status status = keeper->inner.set(keeper->inner.context, active, err);
    if (!unlocking) {
        atomic_store(&shared->fire, false);
        atomic_store(&shared->deadline_ns,
                     status == GH_OK ? NEVER : now_ns() + GH_DOOR_GRACE_MS * GH_NS_PER_MS);
        if (status != GH_OK)
            tell(keeper);
    }
    leave_lines(shared, taken);
    return status;
}

static enum gh_status keeper_renew(void *context, int64_t for_ms, struct gh_error *err)
{
    struct keeper *keeper = context;
    struct shared *shared = keeper->shared;
    enum gh_status status = GH_OK;

    bool taken = take_lines(shared, GATE_WAIT_MS);
    unsigned lines = atomic_load(&shared->lines);
    if (unlocks(keeper, lines)) {
        bool fire = for_ms == GH_DOOR_RENEW_FIRE;
        atomic_store(&shared->for_fire, false);
        atomic_store(&shared->fire, fire);
        atomic_store(&shared->deadline_ns, fire ? NEVER : now_ns() + for_ms * GH_NS_PER_MS);
        if (!fire)
            tell(keeper);
        if (atomic_load(&shared->acted)) {
            status = keeper->inner.set(keeper->inner.context, lines, err);
            atomic_store(&shared->acted, status != GH_OK);
        }
    }
    leave_lines(shared, taken);
    return status;
}

static struct gh_door_inputs keeper_inputs(void *context)
{
    struct keeper *keeper = context;

    return keeper->inner.inputs(keeper->inner.context);
}

static bool keeper_outgrown(void *context)
{
    struct keeper *keeper = context;

    return keeper->inner.outgrown(keeper->inner.context);
}

static void let_go(struct keeper *keeper)
{
    gh_cleanup_fd(&keeper->socket);
    if (keeper->shared)
        munmap(keeper->shared, sizeof(*keeper->shared));
    free(keeper);
}

/* Their free would lock a door that is fail-secure, which nobody is to be locked in by. */
static void free_lines(struct keeper *keeper)
{
    struct gh_error err = {0};

    if (keeper->locked_relay != 0 || !is_fire(keeper) ||
        keeper->inner.set(keeper->inner.context, GH_LINE_BIT(GH_LINE_RELAY), &err) != GH_OK) {
        keeper->inner.free(keeper->inner.context);
        return;
    }
    keeper->inner.leave(keeper->inner.context);
    gh_log(GH_LOG_WARNING, "door", "left unlocked, since there is a fire");
}

static void keeper_free(void *context)
{
    struct keeper *keeper = context;
    struct shared *shared = keeper->shared;

    bool taken = take_lines(shared, GATE_WAIT_MS);
    atomic_store(&shared->deadline_ns, NEVER);
    free_lines(keeper);
    atomic_store(&shared->over, true);
    leave_lines(shared, taken);
    gh_cleanup_fd(&keeper->socket); /* it ends by itself; */
    /* with the lines at rest nothing is lost by not waiting for one that is stuck. */
    kill(keeper->pid, SIGKILL);
    while (waitpid(keeper->pid, NULL, 0) < 0 && errno == EINTR)
        ;
    let_go(keeper);
}

/* --- the start --- */

static bool set_up_lock(pthread_mutex_t *lock)
{
    pthread_mutexattr_t attributes;

    pthread_mutexattr_init(&attributes);
    bool good = pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED) == 0 &&
                pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST) == 0 &&
                pthread_mutex_init(lock, &attributes) == 0;
    pthread_mutexattr_destroy(&attributes);
    return good;
}

static bool set_up_shared(struct keeper *keeper, unsigned lines)
{
    void *memory = mmap(NULL, sizeof(*keeper->shared), PROT_READ | PROT_WRITE,
                        /* cppcheck-suppress invalidFunctionArg */
                        MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    if (memory == MAP_FAILED)
        return false;
    keeper->shared = memory;
    atomic_store(&keeper->shared->lines, lines);
    atomic_store(&keeper->shared->deadline_ns, NEVER);
    return set_up_lock(&keeper->shared->lock);
}

static bool start_process(struct keeper *keeper)
{
    int sockets[2];

    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets) != 0)
        return false;
    keeper->socket = sockets[0];
    (void)fflush(stdout); /* what waits in it would be said twice */
    keeper->pid = fork();
    if (keeper->pid == 0)
        keeper_main(keeper, sockets[1], sockets[0]);
    int saved_errno = errno;
    close(sockets[1]);
    errno = saved_errno;
    return keeper->pid > 0;
}

enum gh_status gh_door_keeper_new(const struct gh_door_io *inner,
                                  const struct gh_door_options *options, struct gh_door_io *out,
                                  struct gh_error *err)
{
    struct keeper *keeper = calloc(1, sizeof(*keeper));

    if (!keeper)
        return gh_fail(err, GH_ERR_NOMEM, "no memory for the door");
    *keeper = (struct keeper){.inner = *inner, .pulse_ms = options->pulse_ms, .socket = -1};
    keeper->locked_relay = gh_door_rest_lines(options) & GH_LINE_BIT(GH_LINE_RELAY);
    if (!set_up_shared(keeper, keeper->locked_relay) || !start_process(keeper)) {
        int saved_errno = errno;
        let_go(keeper);
        return gh_fail(err, gh_status_from_errno(saved_errno), "the door's keeper cannot start: %s",
                       strerror(saved_errno));
    }
    *out = *inner; /* which inputs are wired, and when to ask for them */
    out->set = keeper_set;
    out->free = keeper_free;
    out->leave = NULL; /* free knows when */
    out->renew = keeper_renew;
    out->inputs = inner->inputs ? keeper_inputs : NULL;
    out->outgrown = inner->outgrown ? keeper_outgrown : NULL;
    if (!inner->inputs)
        out->inputs_fd = -1;
    out->context = keeper;
    return GH_OK;
}

int gh_door_keeper_fd(const struct gh_door_io *io)
{
    return ((const struct keeper *)io->context)->socket;
}

void gh_door_keeper_ask(struct gh_door_io *io)
{
    struct keeper *keeper = io->context;

    atomic_fetch_add(&keeper->shared->asked, 1);
    tell(keeper);
}

bool gh_door_keeper_answered(const struct gh_door_io *io)
{
    const struct shared *shared = ((const struct keeper *)io->context)->shared;

    return atomic_load(&shared->answered) == atomic_load(&shared->asked);
}

void gh_door_keeper_set_pulse(struct gh_door_io *io, int64_t pulse_ms)
{
    ((struct keeper *)io->context)->pulse_ms = pulse_ms;
}
