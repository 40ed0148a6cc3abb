/* SPDX-License-Identifier: Apache-2.0 */
/* The lines that are listened to. Edges only wake; what counts is the level that is read after
 * them, so that edges that got lost in a full queue lose nothing. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "gate/gpio.h"
#include "gatehouse/log.h"

enum reading { UNKNOWN, INACTIVE, ACTIVE };

struct pin {
    struct gh_gpio_input *input; /* NULL: not wired, or its chip is gone */
    bool edges;                  /* or else it is asked every GH_GPIO_POLL_MS */
    bool stormy;                 /* so is one whose edges come too often: they are left alone */
    unsigned edge_count;         /* since window_ns */
    int64_t window_ns;
    enum reading reading; /* in this turn */
};

/* The inputs on one chip. */
struct bank {
    struct gh_gpio_seat seat;
    unsigned inputs; /* a set of GH_INPUT_BIT */
    unsigned offsets[GH_INPUT_COUNT];
    struct gh_gpio_chip *chip; /* NULL: it is gone */
    bool doubt;                /* it does not answer */
    int64_t retry_ns;
};

struct gh_gpio_inputs {
    const struct gh_gpio_world *world;
    int epoll_fd;
    struct pin pins[GH_INPUT_COUNT];
    struct bank banks[GH_INPUT_COUNT];
    unsigned count;
};

static unsigned all_pins(const struct bank *bank)
{
    return bank->inputs << GH_LINE_COUNT;
}

static bool has(const struct bank *bank, unsigned input)
{
    return (bank->inputs & GH_INPUT_BIT(input)) != 0;
}

/* --- one line --- */

/* The events of a line that is left alone are none; that its chip is gone comes all the same. */
static int watch(const struct gh_gpio_inputs *inputs, unsigned input, int operation)
{
    const struct pin *pin = &inputs->pins[input];
    struct epoll_event event = {.events = pin->stormy ? 0 : EPOLLIN, .data.u32 = input};
    return epoll_ctl(inputs->epoll_fd, operation, gh_gpio_input_fd(pin->input), &event);
}

/* Taken out of the epoll by hand: a forked process has the descriptor as well, and as long as one
 * of them is open the epoll would go on about it. */
static void release_pin(struct gh_gpio_inputs *inputs, unsigned input)
{
    struct pin *pin = &inputs->pins[input];
    if (pin->input != NULL && pin->edges) {
        (void)watch(inputs, input, EPOLL_CTL_DEL);
    }
    gh_gpio_input_release(pin->input);
    *pin = (struct pin){0};
}

/* Whoever cannot give edges may still have levels. */
static bool is_about_edges(int error)
{
    return error != EBUSY && error != EPERM && error != EACCES && error != ENOMEM &&
           error != EMFILE && error != ENFILE;
}

static int request_pin(struct gh_gpio_inputs *inputs, const struct bank *bank, unsigned input)
{
    struct pin *pin = &inputs->pins[input];
    const struct gh_gpio_line *line = &inputs->world->wiring->inputs[input];
    struct gh_gpio_input_wish wish = {.offset = bank->offsets[input],
                                      .active_low = line->active_low,
                                      .pull = line->pull,
                                      .edges = true,
                                      .debounce_us = inputs->world->wiring->debounce_us};
    pin->input = gh_gpio_input_new(bank->chip, &wish);
    pin->edges = pin->input != NULL;
    if (pin->input == NULL && is_about_edges(errno)) {
        wish.edges = false;
        pin->input = gh_gpio_input_new(bank->chip, &wish);
        if (pin->input != NULL) {
            gh_log(
                GH_LOG_NOTICE, "door", "%s: line %u of %s has no interrupt, it is read every %d ms",
                gh_input_name((enum gh_input)input), wish.offset, bank->seat.path, GH_GPIO_POLL_MS);
        }
    }
    if (pin->input == NULL) {
        return -1;
    }
    pin->window_ns = gh_clock_monotonic_ns(inputs->world->clock);
    return pin->edges ? watch(inputs, input, EPOLL_CTL_ADD) : 0;
}

/* --- one chip --- */

static void close_bank(struct gh_gpio_inputs *inputs, struct bank *bank)
{
    for (unsigned input = 0; input < GH_INPUT_COUNT; input++) {
        if (has(bank, input)) {
            release_pin(inputs, input);
        }
    }
    gh_gpio_chip_close(bank->chip);
    bank->chip = NULL;
    bank->doubt = false;
}

/* -1 with errno set; *failed: the input that could not be had. */
static int request_bank(struct gh_gpio_inputs *inputs, struct bank *bank, unsigned *failed)
{
    for (unsigned input = 0; input < GH_INPUT_COUNT; input++) {
        if (has(bank, input) && request_pin(inputs, bank, input) != 0) {
            *failed = input;
            return -1;
        }
    }
    return 0;
}

static void lose(struct gh_gpio_inputs *inputs, struct bank *bank)
{
    char pins[GH_GPIO_PINS_BYTES];
    gh_gpio_pins_text(all_pins(bank), pins);
    gh_log(GH_LOG_ERR, "door", "GPIO chip %s is gone, with %s", bank->seat.path, pins);
    close_bank(inputs, bank);
}

static void come_back(struct gh_gpio_inputs *inputs, struct bank *bank)
{
    unsigned offsets[GH_GPIO_PINS], failed = 0;
    char pins[GH_GPIO_PINS_BYTES];
    int64_t now_ns = gh_clock_monotonic_ns(inputs->world->clock);
    if (now_ns < bank->retry_ns) {
        return;
    }
    bank->retry_ns = now_ns + GH_GPIO_PAUSE_NS(GH_GPIO_RETRY_MS);
    bank->chip = gh_gpio_find_again(inputs->world, &bank->seat, all_pins(bank), offsets);
    if (bank->chip == NULL) {
        return;
    }
    for (unsigned input = 0; input < GH_INPUT_COUNT; input++) {
        if (has(bank, input)) {
            bank->offsets[input] = offsets[GH_LINE_COUNT + input];
        }
    }
    if (request_bank(inputs, bank, &failed) != 0) {
        struct gh_error err = {0};
        (void)gh_gpio_refused(bank->seat.path, bank->chip, GH_LINE_COUNT + failed,
                              bank->offsets[failed], errno, &err);
        gh_log(GH_LOG_ERR, "door", "GPIO chip %s is back, but %s", bank->seat.path, err.text);
        close_bank(inputs, bank);
        return;
    }
    gh_gpio_pins_text(all_pins(bank), pins);
    gh_log(GH_LOG_NOTICE, "door", "GPIO chip %s is back, with %s", bank->seat.path, pins);
    gh_gpio_came_back(inputs->world, &bank->seat);
}

static struct bank *bank_of(struct gh_gpio_inputs *inputs, unsigned input)
{
    struct bank *bank = inputs->banks;
    while (!has(bank, input)) {
        bank++;
    }
    return bank;
}

/* --- edges --- */

static void count_edges(struct gh_gpio_inputs *inputs, unsigned input, int edges)
{
    struct pin *pin = &inputs->pins[input];
    int64_t now_ns = gh_clock_monotonic_ns(inputs->world->clock);
    if (now_ns - pin->window_ns >= GH_NS_PER_S) {
        pin->window_ns = now_ns;
        pin->edge_count = 0;
    }
    pin->edge_count += edges > 0 ? (unsigned)edges : 0;
    if (pin->edge_count > GH_GPIO_EDGES_A_SECOND) {
        gh_log(GH_LOG_WARNING, "door",
               "%s: over %d edges within a second; it is read every %d ms until they end",
               gh_input_name((enum gh_input)input), GH_GPIO_EDGES_A_SECOND, GH_GPIO_POLL_MS);
        pin->stormy = true;
        pin->window_ns = now_ns;
        (void)watch(inputs, input, EPOLL_CTL_MOD);
    }
}

/* A second later: do they still come? What the queue holds is older. */
static void look_at_storm(struct gh_gpio_inputs *inputs, unsigned input)
{
    struct pin *pin = &inputs->pins[input];
    int64_t now_ns = gh_clock_monotonic_ns(inputs->world->clock);
    if (!pin->stormy || now_ns - pin->window_ns < GH_NS_PER_S) {
        return;
    }
    pin->window_ns = now_ns;
    pin->edge_count = 0;
    if (gh_gpio_input_drain(pin->input) < GH_GPIO_EDGES_A_DRAIN) {
        pin->stormy = false;
        (void)watch(inputs, input, EPOLL_CTL_MOD);
    }
}

/* Were there any? */
static bool take_edges(struct gh_gpio_inputs *inputs)
{
    struct epoll_event events[GH_INPUT_COUNT];
    int count = epoll_wait(inputs->epoll_fd, events, GH_INPUT_COUNT, 0);
    for (int i = 0; i < count; i++) {
        unsigned input = events[i].data.u32;
        struct pin *pin = &inputs->pins[input];
        if (pin->input == NULL) { /* its chip went a moment ago */
            continue;
        }
        if ((events[i].events & (EPOLLERR | EPOLLHUP)) != 0) {
            lose(inputs, bank_of(inputs, input));
        } else {
            count_edges(inputs, input, gh_gpio_input_drain(pin->input));
        }
    }
    for (unsigned input = 0; input < GH_INPUT_COUNT; input++) {
        look_at_storm(inputs, input);
    }
    return count > 0;
}

/* --- levels --- */

static void say_doubt(struct bank *bank, bool doubt, int error)
{
    if (doubt && !bank->doubt) {
        gh_log(GH_LOG_ERR, "door", "GPIO chip %s does not answer: %s", bank->seat.path,
               strerror(error));
    } else if (!doubt && bank->doubt) {
        gh_log(GH_LOG_NOTICE, "door", "GPIO chip %s answers again", bank->seat.path);
    }
    bank->doubt = doubt;
}

/* errno of a level that cannot be read; 0: all could be. */
static int read_levels(struct gh_gpio_inputs *inputs, const struct bank *bank)
{
    int error = 0;
    for (unsigned input = 0; input < GH_INPUT_COUNT; input++) {
        if (has(bank, input)) {
            int value = gh_gpio_input_get(inputs->pins[input].input);
            error = value < 0 ? errno : error;
            inputs->pins[input].reading = value < 0 ? UNKNOWN : value > 0 ? ACTIVE : INACTIVE;
        }
    }
    return error;
}

static void read_bank(struct gh_gpio_inputs *inputs, struct bank *bank)
{
    int error = bank->chip != NULL ? read_levels(inputs, bank) : ENODEV;
    if (bank->chip != NULL && error != ENODEV) {
        say_doubt(bank, error != 0, error);
        return;
    }
    if (bank->chip != NULL) {
        lose(inputs, bank);
    }
    come_back(inputs, bank);
    if (bank->chip != NULL) {
        (void)read_levels(inputs, bank);
    }
}

static int64_t ask_ms(const struct gh_gpio_inputs *inputs)
{
    int64_t ms = GH_GPIO_TICK_MS;
    for (unsigned i = 0; i < inputs->count; i++) {
        if (inputs->banks[i].chip == NULL || inputs->banks[i].doubt) {
            ms = GH_GPIO_RETRY_MS;
        }
    }
    for (unsigned input = 0; input < GH_INPUT_COUNT; input++) {
        const struct pin *pin = &inputs->pins[input];
        if (pin->input != NULL && (!pin->edges || pin->stormy)) {
            ms = GH_GPIO_POLL_MS;
        }
    }
    return ms;
}

static struct gh_door_inputs sum_up(const struct gh_gpio_inputs *inputs)
{
    struct gh_door_inputs now = {0};
    for (unsigned input = 0; input < GH_INPUT_COUNT; input++) {
        enum reading reading = inputs->pins[input].reading;
        now.known |= reading != UNKNOWN ? GH_INPUT_BIT(input) : 0;
        now.active |= reading == ACTIVE ? GH_INPUT_BIT(input) : 0;
    }
    return now;
}

struct gh_door_inputs gh_gpio_inputs_take(struct gh_gpio_inputs *inputs, bool *told,
                                          int64_t *next_ms)
{
    *told = take_edges(inputs); /* before the levels: what comes after them wakes again */
    for (unsigned i = 0; i < inputs->count; i++) {
        read_bank(inputs, &inputs->banks[i]);
    }
    *next_ms = ask_ms(inputs);
    return sum_up(inputs);
}

struct gh_door_inputs gh_gpio_inputs_levels(struct gh_gpio_inputs *inputs)
{
    for (unsigned i = 0; i < inputs->count; i++) {
        if (inputs->banks[i].chip != NULL) {
            (void)read_levels(inputs, &inputs->banks[i]);
        }
    }
    return sum_up(inputs);
}

int gh_gpio_inputs_fd(const struct gh_gpio_inputs *inputs)
{
    return inputs->epoll_fd;
}

/* --- start and end --- */

static void add_inputs(struct gh_gpio_inputs *inputs, const struct gh_gpio_map *map)
{
    for (unsigned input = 0; input < GH_INPUT_COUNT; input++) {
        const struct gh_gpio_place *place = &map->places[GH_LINE_COUNT + input];
        if (!place->found) {
            continue;
        }
        const struct gh_gpio_seat *seat = &map->chips[place->chip].seat;
        unsigned at = 0;
        while (at < inputs->count && strcmp(inputs->banks[at].seat.path, seat->path) != 0) {
            at++;
        }
        struct bank *bank = &inputs->banks[at];
        if (at == inputs->count) {
            bank->seat = *seat;
            inputs->count++;
        }
        bank->inputs |= GH_INPUT_BIT(input);
        bank->offsets[input] = place->offset;
    }
}

static enum gh_status open_bank(struct gh_gpio_inputs *inputs, struct bank *bank,
                                struct gh_error *err)
{
    unsigned failed = 0;
    bank->chip = gh_gpio_chip_open(bank->seat.path);
    if (bank->chip == NULL) {
        int saved_errno = errno;
        return gh_fail(err, gh_status_from_errno(saved_errno), "cannot open GPIO chip %s: %s",
                       bank->seat.path, strerror(saved_errno));
    }
    if (request_bank(inputs, bank, &failed) != 0) {
        return gh_gpio_refused(bank->seat.path, bank->chip, GH_LINE_COUNT + failed,
                               bank->offsets[failed], errno, err);
    }
    return GH_OK;
}

enum gh_status gh_gpio_inputs_new(const struct gh_gpio_map *map, const struct gh_gpio_world *world,
                                  struct gh_gpio_inputs **out, struct gh_error *err)
{
    *out = NULL;
    struct gh_gpio_inputs *inputs = (struct gh_gpio_inputs *)calloc(1, sizeof(*inputs));
    if (inputs == NULL) {
        return gh_fail(err, GH_ERR_NOMEM, "no memory for the door's inputs");
    }
    enum gh_status status = GH_OK;
    inputs->world = world;
    inputs->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (inputs->epoll_fd < 0) {
        status = gh_fail(err, gh_status_from_errno(errno), "cannot listen to the door's inputs");
    }
    add_inputs(inputs, map);
    for (unsigned i = 0; i < inputs->count && status == GH_OK; i++) {
        status = open_bank(inputs, &inputs->banks[i], err);
    }
    if (status != GH_OK) {
        gh_gpio_inputs_free(inputs);
        return status;
    }
    *out = inputs;
    return GH_OK;
}

void gh_gpio_inputs_free(struct gh_gpio_inputs *inputs)
{
    if (inputs == NULL) {
        return;
    }
    for (unsigned i = 0; i < inputs->count; i++) {
        close_bank(inputs, &inputs->banks[i]);
    }
    if (inputs->epoll_fd >= 0) {
        close(inputs->epoll_fd);
    }
    free(inputs);
}
