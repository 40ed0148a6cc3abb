/* SPDX-License-Identifier: Apache-2.0 */
/* The lines that are moved. */
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "gate/forks.h"
#include "gate/gpio.h"
#include "gatehouse/log.h"

/* The outputs on one chip. */
struct bank {
    struct gh_gpio_seat seat;
    unsigned pins;
    struct gh_gpio_set set;
    struct gh_gpio_chip *chip;
    struct gh_gpio_request *request; /* NULL: the chip is gone */
    bool doubt;                      /* it did not answer: direction and all are to be said again */
    int64_t retry_ns;                /* not looked for again before that */
};

struct gh_gpio_outputs {
    const struct gh_gpio_world *world;
    unsigned forks; /* gh_forks of the process that may open chips */
    /* Between set and tick, which may be two threads. A child has one of its own. */
    pthread_mutex_t lock;
    /* What was asked for last, by this process or one that was forked. */
    _Atomic unsigned *asked;
    struct bank banks[GH_LINE_COUNT];
    unsigned count;
};

static bool is_child(const struct gh_gpio_outputs *outputs)
{
    return outputs->forks != gh_forks();
}

static void logical_values(const struct bank *bank, unsigned active, int values[GH_LINE_COUNT])
{
    for (unsigned i = 0; i < bank->set.count; i++) {
        values[i] = (active & GH_LINE_BIT(bank->set.lines[i])) != 0;
    }
}

/* --- a chip that goes and comes --- */

static void close_bank(struct bank *bank)
{
    gh_gpio_request_release(bank->request);
    bank->request = NULL;
    gh_gpio_chip_close(bank->chip);
    bank->chip = NULL;
}

static void lose(struct bank *bank)
{
    char pins[GH_GPIO_PINS_BYTES];
    gh_gpio_pins_text(bank->pins, pins);
    gh_log(GH_LOG_ERR, "door", "GPIO chip %s is gone, with %s", bank->seat.path, pins);
    close_bank(bank);
    bank->doubt = false;
}

/* Whoever set while the lines were being requested could not reach them. */
static void catch_up(const struct gh_gpio_outputs *outputs, struct bank *bank, unsigned done)
{
    int values[GH_LINE_COUNT] = {0};
    unsigned asked = atomic_load(outputs->asked);
    if (asked != done) {
        logical_values(bank, asked, values);
        bank->doubt = gh_gpio_request_set(bank->request, values) != 0;
    }
}

static bool request_again(const struct gh_gpio_outputs *outputs, struct bank *bank,
                          const unsigned offsets[GH_GPIO_PINS])
{
    int values[GH_LINE_COUNT] = {0};
    unsigned asked = atomic_load(outputs->asked);
    for (unsigned i = 0; i < bank->set.count; i++) {
        bank->set.offsets[i] = offsets[bank->set.lines[i]];
    }
    logical_values(bank, asked, values);
    bank->request = gh_gpio_request_new(bank->chip, &bank->set, values);
    if (bank->request == NULL) {
        gh_log(GH_LOG_ERR, "door", "GPIO chip %s is back, but its lines cannot be had: %s",
               bank->seat.path, strerror(errno));
        return false;
    }
    catch_up(outputs, bank, asked);
    return true;
}

static bool come_back(const struct gh_gpio_outputs *outputs, struct bank *bank)
{
    unsigned offsets[GH_GPIO_PINS];
    char pins[GH_GPIO_PINS_BYTES];
    int64_t now_ns = gh_clock_monotonic_ns(outputs->world->clock);
    if (now_ns < bank->retry_ns || is_child(outputs)) {
        return false;
    }
    bank->retry_ns = now_ns + GH_GPIO_PAUSE_NS(GH_GPIO_RETRY_MS);
    bank->chip = gh_gpio_find_again(outputs->world, &bank->seat, bank->pins, offsets);
    if (bank->chip == NULL || !request_again(outputs, bank, offsets)) {
        close_bank(bank);
        return false;
    }
    gh_gpio_pins_text(bank->pins, pins);
    gh_log(GH_LOG_NOTICE, "door", "GPIO chip %s is back, with %s", bank->seat.path, pins);
    gh_gpio_came_back(outputs->world, &bank->seat);
    return true;
}

/* --- set --- */

static enum gh_status gone(const struct bank *bank, struct gh_error *err)
{
    char pins[GH_GPIO_PINS_BYTES];
    gh_gpio_pins_text(bank->pins, pins);
    return gh_fail(err, GH_ERR_GONE, "GPIO chip %s is gone, and %s with it", bank->seat.path, pins);
}

/* A child whose lines are gone has no others. */
static enum gh_status move(const struct gh_gpio_outputs *outputs, struct bank *bank,
                           unsigned active, struct gh_error *err)
{
    int values[GH_LINE_COUNT] = {0};
    if (bank->request == NULL) { /* comes back with what was asked for */
        return come_back(outputs, bank) ? GH_OK : gone(bank, err);
    }
    logical_values(bank, active, values);
    if ((bank->doubt && !is_child(outputs) ? gh_gpio_request_renew(bank->request, values)
                                           : gh_gpio_request_set(bank->request, values)) == 0) {
        bank->doubt = false;
        return GH_OK;
    }
    int saved_errno = errno;
    if (saved_errno == ENODEV && !is_child(outputs)) {
        lose(bank);
        return come_back(outputs, bank) ? GH_OK : gone(bank, err);
    }
    bank->doubt = true;
    return gh_fail(err, gh_status_from_errno(saved_errno), "cannot set lines of %s: %s",
                   bank->seat.path, strerror(saved_errno));
}

enum gh_status gh_gpio_outputs_set(struct gh_gpio_outputs *outputs, unsigned active,
                                   struct gh_error *err)
{
    enum gh_status first = GH_OK;
    pthread_mutex_lock(&outputs->lock);
    atomic_store(outputs->asked, active);
    for (unsigned i = 0; i < outputs->count; i++) {
        /* A chip that fails must not keep the others from moving. */
        enum gh_status status = move(outputs, &outputs->banks[i], active, err);
        if (first == GH_OK) {
            first = status;
        }
    }
    pthread_mutex_unlock(&outputs->lock);
    return first;
}

/* --- tick --- */

/* A chip on a cable may answer with errors for a while, and then with lines as after power-on. */
static void say_again(const struct gh_gpio_outputs *outputs, struct bank *bank)
{
    int values[GH_LINE_COUNT] = {0};
    unsigned asked = atomic_load(outputs->asked);
    logical_values(bank, asked, values);
    if (gh_gpio_request_renew(bank->request, values) == 0) {
        bank->doubt = false;
        catch_up(outputs, bank, asked);
        gh_log(GH_LOG_NOTICE, "door", "GPIO chip %s answers again", bank->seat.path);
    } else if (errno == ENODEV) {
        lose(bank);
    }
}

static void test(struct bank *bank)
{
    if (gh_gpio_request_test(bank->request) == 0) {
        return;
    }
    int saved_errno = errno;
    if (saved_errno == ENODEV) {
        lose(bank);
        return;
    }
    gh_log(GH_LOG_ERR, "door", "GPIO chip %s does not answer: %s", bank->seat.path,
           strerror(saved_errno));
    bank->doubt = true;
}

bool gh_gpio_outputs_tick(struct gh_gpio_outputs *outputs)
{
    bool good = true;
    if (pthread_mutex_trylock(&outputs->lock) != 0) {
        return true;
    }
    for (unsigned i = 0; i < outputs->count; i++) {
        struct bank *bank = &outputs->banks[i];
        if (bank->request != NULL) {
            bank->doubt ? say_again(outputs, bank) : test(bank);
        }
        if (bank->request == NULL) {
            (void)come_back(outputs, bank);
        }
        good = good && bank->request != NULL && !bank->doubt;
    }
    pthread_mutex_unlock(&outputs->lock);
    return good;
}

/* --- start and end --- */

static struct bank *bank_at(struct gh_gpio_outputs *outputs, const struct gh_gpio_map *map,
                            unsigned chip)
{
    const struct gh_gpio_seat *seat = &map->chips[chip].seat;
    for (unsigned i = 0; i < outputs->count; i++) {
        if (strcmp(outputs->banks[i].seat.path, seat->path) == 0) {
            return &outputs->banks[i];
        }
    }
    struct bank *bank = &outputs->banks[outputs->count++];
    bank->seat = *seat;
    return bank;
}

static void add_lines(struct gh_gpio_outputs *outputs, const struct gh_gpio_map *map)
{
    for (unsigned line = 0; line < GH_LINE_COUNT; line++) {
        const struct gh_gpio_place *place = &map->places[line];
        if (!place->found) {
            continue;
        }
        struct bank *bank = bank_at(outputs, map, place->chip);
        struct gh_gpio_set *set = &bank->set;
        bank->pins |= 1u << line;
        set->offsets[set->count] = place->offset;
        set->active_low[set->count] = map->wiring->lines[line].active_low;
        set->lines[set->count] = (enum gh_line)line;
        set->count++;
    }
}

static enum gh_status refused(const struct bank *bank, int error, struct gh_error *err)
{
    for (unsigned i = 0; error == EBUSY && i < bank->set.count; i++) {
        struct gh_gpio_line_info info;
        unsigned offset = bank->set.offsets[i];
        if (gh_gpio_chip_line(bank->chip, offset, &info) == 0 && info.used) {
            return gh_gpio_refused(bank->seat.path, bank->chip, bank->set.lines[i], offset, error,
                                   err);
        }
    }
    return gh_fail(err, gh_status_from_errno(error), "cannot have the lines of GPIO chip %s: %s",
                   bank->seat.path, error == EBUSY ? "one is in use" : strerror(error));
}

static enum gh_status request(struct bank *bank, unsigned initial, struct gh_error *err)
{
    int values[GH_LINE_COUNT] = {0};
    bank->chip = gh_gpio_chip_open(bank->seat.path);
    if (bank->chip == NULL) {
        int saved_errno = errno;
        return gh_fail(err, gh_status_from_errno(saved_errno), "cannot open GPIO chip %s: %s",
                       bank->seat.path, strerror(saved_errno));
    }
    logical_values(bank, initial, values);
    bank->request = gh_gpio_request_new(bank->chip, &bank->set, values);
    return bank->request != NULL ? GH_OK : refused(bank, errno, err);
}

static enum gh_status set_up(struct gh_gpio_outputs *outputs, const struct gh_gpio_map *map,
                             unsigned initial, struct gh_error *err)
{
    enum gh_status status = GH_OK;
    void *shared = mmap(NULL, sizeof(*outputs->asked), PROT_READ | PROT_WRITE,
                        /* cppcheck-suppress invalidFunctionArg */
                        MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED) {
        return gh_fail(err, GH_ERR_NOMEM, "no memory for the door's lines");
    }
    outputs->asked = (_Atomic unsigned *)shared;
    atomic_store(outputs->asked, initial);
    add_lines(outputs, map);
    for (unsigned i = 0; i < outputs->count && status == GH_OK; i++) {
        status = request(&outputs->banks[i], initial, err);
    }
    return status;
}

enum gh_status gh_gpio_outputs_new(const struct gh_gpio_map *map, const struct gh_gpio_world *world,
                                   unsigned initial, struct gh_gpio_outputs **out,
                                   struct gh_error *err)
{
    *out = NULL;
    struct gh_gpio_outputs *outputs = (struct gh_gpio_outputs *)calloc(1, sizeof(*outputs));
    if (outputs == NULL) {
        return gh_fail(err, GH_ERR_NOMEM, "no memory for the door's lines");
    }
    outputs->world = world;
    outputs->forks = gh_forks();
    pthread_mutex_init(&outputs->lock, NULL);
    enum gh_status status = set_up(outputs, map, initial, err);
    if (status != GH_OK) {
        gh_gpio_outputs_free(outputs);
        return status;
    }
    *out = outputs;
    return GH_OK;
}

void gh_gpio_outputs_free(struct gh_gpio_outputs *outputs)
{
    for (unsigned i = 0; outputs != NULL && i < outputs->count; i++) {
        struct bank *bank = &outputs->banks[i];
        int inactive[GH_LINE_COUNT] = {0};
        if (bank->request != NULL) {
            (void)gh_gpio_request_set(bank->request, inactive); /* the release follows anyway */
        }
    }
    gh_gpio_outputs_leave(outputs);
}

void gh_gpio_outputs_leave(struct gh_gpio_outputs *outputs)
{
    if (outputs == NULL) {
        return;
    }
    for (unsigned i = 0; i < outputs->count; i++) {
        close_bank(&outputs->banks[i]);
    }
    if (outputs->asked != NULL) {
        munmap((void *)outputs->asked, sizeof(*outputs->asked));
    }
    pthread_mutex_destroy(&outputs->lock);
    free(outputs);
}
