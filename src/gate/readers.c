/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/readers.h"

#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "gate/reader.h"
#include "gatehouse/log.h"

enum { SCANNER, KEYBOARD, PLACES };

struct place {
    bool wired;
    struct gh_readers *readers;
    struct gh_reader reader;
    struct gh_reading_source source; /* a card in chunks that is scanned here */
    int64_t text_ns;                 /* when the last text came */
};

struct gh_readers {
    struct gh_readers_options options;
    struct gh_see *see;
    pthread_t thread;
    bool thread_runs;
    atomic_bool stop;
    int wake_fd;
    struct place places[PLACES];
    pthread_mutex_t lock;
    struct gh_reader_state states[PLACES]; /* as of the last turn */
};

/* --- the thread --- */

static void hand_on(void *context, struct gh_bytes text)
{
    struct place *place = context;

    place->text_ns = gh_clock_monotonic_ns(place->readers->options.clock);
    gh_see_text(place->readers->see, &place->source, text);
}

/* Who has gone leaves no chunk behind; those that are here are forgotten at: */
static int64_t forget_ns(const struct place *place)
{
    return place->source.parts.count == 0 ? INT64_MAX
                                          : place->text_ns + GH_PARTS_PAUSE_S * GH_NS_PER_S;
}

static int64_t earlier(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int wait_ms(const struct gh_readers *readers, int64_t now_ns)
{
    int64_t next_ns = INT64_MAX;

    for (int i = 0; i < PLACES; i++) {
        const struct place *place = &readers->places[i];
        if (!place->wired)
            continue;
        next_ns = earlier(next_ns, gh_reader_deadline_ns(&place->reader));
        next_ns = earlier(next_ns, forget_ns(place));
    }
    if (next_ns == INT64_MAX)
        return -1;
    if (next_ns <= now_ns)
        return 0;
    /* Rounded up: a moment early there would be nothing to do but to wait again. */
    int64_t ms = (next_ns - now_ns) / GH_NS_PER_MS + 1;
    return ms < INT_MAX ? (int)ms : INT_MAX;
}

static void turn(struct gh_readers *readers, const struct pollfd *fds)
{
    int64_t now_ns = gh_clock_monotonic_ns(readers->options.clock);

    for (int i = 0; i < PLACES; i++) {
        struct place *place = &readers->places[i];
        if (!place->wired)
            continue;
        gh_reader_turn(&place->reader, fds[i].revents, now_ns);
        if (now_ns >= forget_ns(place))
            gh_reading_forget(&place->source);
        pthread_mutex_lock(&readers->lock);
        readers->states[i] = place->reader.state;
        pthread_mutex_unlock(&readers->lock);
    }
}

static void *readers_main(void *argument)
{
    struct gh_readers *readers = argument;

    while (!atomic_load(&readers->stop)) {
        struct pollfd fds[PLACES + 1];
        for (int i = 0; i < PLACES; i++)
            fds[i] = (struct pollfd){.fd = readers->places[i].reader.fd, .events = POLLIN};
        fds[PLACES] = (struct pollfd){.fd = readers->wake_fd, .events = POLLIN};
        int ready =
            poll(fds, PLACES + 1, wait_ms(readers, gh_clock_monotonic_ns(readers->options.clock)));
        if (ready < 0) { /* EINTR, or no memory for the moment */
            for (int i = 0; i < PLACES; i++)
                fds[i].revents = 0;
        }
        turn(readers, fds);
    }
    return NULL;
}

/* --- start and end --- */

static void wire(struct gh_readers *readers, int i, const struct gh_reader_driver *driver,
                 const char *path)
{
    struct place *place = &readers->places[i];

    place->readers = readers;
    gh_reader_init(&place->reader, driver, &readers->options, hand_on, place);
    place->wired = place->reader.state.wired = path[0] != '\0';
    readers->states[i] = place->reader.state;
}

/* Signals are the main loop's: block them all before the thread starts. */
static enum gh_status start_thread(struct gh_readers *readers, struct gh_error *err)
{
    sigset_t all, before;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int failed = pthread_create(&readers->thread, NULL, readers_main, readers);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (failed)
        return gh_fail(err, gh_status_from_errno(failed), "the scanners' thread cannot start: %s",
                       strerror(failed));
    readers->thread_runs = true;
    return GH_OK;
}

enum gh_status gh_readers_start(const struct gh_readers_options *options, struct gh_see *see,
                                struct gh_readers **out, struct gh_error *err)
{
    *out = NULL;
    struct gh_readers *readers = calloc(1, sizeof(*readers));
    if (!readers)
        return gh_fail(err, GH_ERR_NOMEM, "no memory for the scanners");
    readers->options = *options;
    readers->see = see;
    pthread_mutex_init(&readers->lock, NULL);
    wire(readers, SCANNER, &gh_reader_serial, options->scanner);
    wire(readers, KEYBOARD, &gh_reader_keyboard, options->keyboard);
    enum gh_status status = GH_OK;
    readers->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (readers->wake_fd < 0)
        status = gh_fail(err, gh_status_from_errno(errno), "the scanners' thread cannot start: %s",
                         strerror(errno));
    else if (readers->places[SCANNER].wired || readers->places[KEYBOARD].wired)
        status = start_thread(readers, err);
    if (status != GH_OK) {
        gh_readers_stop(readers);
        return status;
    }
    *out = readers;
    return GH_OK;
}

struct gh_readers_state gh_readers_look(struct gh_readers *readers)
{
    pthread_mutex_lock(&readers->lock);
    struct gh_readers_state state = {.scanner = readers->states[SCANNER],
                                     .keyboard = readers->states[KEYBOARD]};
    pthread_mutex_unlock(&readers->lock);
    return state;
}

void gh_readers_stop(struct gh_readers *readers)
{
    if (!readers)
        return;
    if (readers->thread_runs) {
        const uint64_t one = 1;
        atomic_store(&readers->stop, true);
        ssize_t written = write(readers->wake_fd, &one, sizeof(one));
        (void)written; /* it cannot fail: nobody else writes */
        pthread_join(readers->thread, NULL);
    }
    for (int i = 0; i < PLACES; i++) {
        gh_reader_close(&readers->places[i].reader);
        gh_reading_forget(&readers->places[i].source);
    }
    if (readers->wake_fd >= 0)
        close(readers->wake_fd);
    pthread_mutex_destroy(&readers->lock);
    free(readers);
}

/* --- for --check --- */

static void pass_over(void *context, struct gh_bytes text)
{
    (void)context;
    (void)text;
}

static enum gh_status check(const struct gh_readers_options *options,
                            const struct gh_reader_driver *driver, char says[GH_READER_SAYS_BYTES],
                            struct gh_error *err)
{
    struct gh_reader *reader = malloc(sizeof(*reader));

    says[0] = '\0';
    if (!reader)
        return gh_fail(err, GH_ERR_NOMEM, "no memory for a scanner");
    gh_reader_init(reader, driver, options, pass_over, NULL);
    enum gh_status status = driver->open(reader, err);
    if (status == GH_OK)
        driver->describe(reader, says);
    gh_reader_close(reader);
    free(reader);
    return status;
}

enum gh_status gh_readers_check_scanner(const struct gh_readers_options *options,
                                        char says[GH_READER_SAYS_BYTES], struct gh_error *err)
{
    return check(options, &gh_reader_serial, says, err);
}

enum gh_status gh_readers_check_keyboard(const struct gh_readers_options *options,
                                         char says[GH_READER_SAYS_BYTES], struct gh_error *err)
{
    return check(options, &gh_reader_keyboard, says, err);
}
