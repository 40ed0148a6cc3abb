/* SPDX-License-Identifier: Apache-2.0 */
/* The door made of lines: outputs, inputs, and a timer for when no edge will come. */
#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "gate/forks.h"
#include "gate/gpio.h"

struct gpio {
    struct gh_gpio_wiring wiring;
    char folder[GH_GPIO_PATH_BYTES];
    struct gh_gpio_world world;
    struct gh_gpio_outputs *outputs;
    struct gh_gpio_inputs *inputs;
    int wake_fd;  /* an epoll over the inputs' and the timer */
    int timer_fd; /* every timer_ms */
    int64_t timer_ms;
    int64_t tick_ns;       /* when the outputs' chips are to be looked at */
    int64_t tick_ms;       /* how often */
    bool lines_gone;       /* as it was then */
    unsigned forks;        /* gh_forks of the process that listens */
    _Atomic bool outgrown; /* a chip has come back since the start */
};

static enum gh_status gpio_set(void *context, unsigned active, struct gh_error *err)
{
    return gh_gpio_outputs_set(((struct gpio *)context)->outputs, active, err);
}

static int set_timer(struct gpio *gpio, int64_t ms)
{
    struct timespec every = {.tv_sec = (time_t)(ms / 1000),
                             .tv_nsec = (long)(ms % 1000 * GH_NS_PER_MS)};
    struct itimerspec timer = {.it_interval = every, .it_value = every};
    if (ms == gpio->timer_ms) {
        return 0;
    }
    gpio->timer_ms = ms;
    return timerfd_settime(gpio->timer_fd, 0, &timer, NULL);
}

static struct gh_door_inputs gpio_inputs(void *context)
{
    struct gpio *gpio = (struct gpio *)context;
    uint64_t expired;
    int64_t ask_ms;
    bool told;
    if (gpio->forks != gh_forks()) {
        return gh_gpio_inputs_levels(gpio->inputs);
    }
    bool in_time = read(gpio->timer_fd, &expired, sizeof(expired)) > 0;
    struct gh_door_inputs inputs = gh_gpio_inputs_take(gpio->inputs, &told, &ask_ms);
    inputs.by_time = in_time && !told;
    int64_t now_ns = gh_clock_monotonic_ns(gpio->world.clock);
    if (now_ns >= gpio->tick_ns) {
        gpio->lines_gone = !gh_gpio_outputs_tick(gpio->outputs);
        gpio->tick_ms = gpio->lines_gone ? GH_GPIO_RETRY_MS : GH_GPIO_TICK_MS;
        gpio->tick_ns = now_ns + GH_GPIO_PAUSE_NS(gpio->tick_ms);
    }
    (void)set_timer(gpio, ask_ms < gpio->tick_ms ? ask_ms : gpio->tick_ms);
    inputs.lines_gone = gpio->lines_gone;
    return inputs;
}

static void gpio_leave(void *context)
{
    struct gpio *gpio = (struct gpio *)context;
    if (gpio == NULL) {
        return;
    }
    gh_gpio_outputs_leave(gpio->outputs);
    gh_gpio_inputs_free(gpio->inputs);
    if (gpio->wake_fd >= 0) {
        close(gpio->wake_fd);
    }
    if (gpio->timer_fd >= 0) {
        close(gpio->timer_fd);
    }
    free(gpio);
}

static void gpio_free(void *context)
{
    struct gpio *gpio = (struct gpio *)context;
    if (gpio != NULL) {
        gh_gpio_outputs_free(gpio->outputs);
        gpio->outputs = NULL;
    }
    gpio_leave(gpio);
}

static int add_to_wake(const struct gpio *gpio, int fd)
{
    struct epoll_event event = {.events = EPOLLIN};
    return epoll_ctl(gpio->wake_fd, EPOLL_CTL_ADD, fd, &event);
}

static enum gh_status start_waking(struct gpio *gpio, struct gh_error *err)
{
    gpio->wake_fd = epoll_create1(EPOLL_CLOEXEC);
    gpio->timer_fd = timerfd_create(CLOCK_BOOTTIME, TFD_NONBLOCK | TFD_CLOEXEC);
    if (gpio->wake_fd < 0 || gpio->timer_fd < 0 || add_to_wake(gpio, gpio->timer_fd) != 0 ||
        add_to_wake(gpio, gh_gpio_inputs_fd(gpio->inputs)) != 0 ||
        set_timer(gpio, GH_GPIO_TICK_MS) != 0) {
        int saved_errno = errno;
        return gh_fail(err, gh_status_from_errno(saved_errno),
                       "cannot wait for the door's lines: %s", strerror(saved_errno));
    }
    return GH_OK;
}

static bool gpio_outgrown(void *context)
{
    return atomic_load(&((struct gpio *)context)->outgrown);
}

/* Everything is found before anything is requested: half a door moves nothing. */
static enum gh_status find_and_request(struct gpio *gpio, struct gh_gpio_map *map, unsigned initial,
                                       unsigned in_fire, struct gh_error *err)
{
    enum gh_status status = GH_OK;
    for (unsigned pin = 0; pin < GH_GPIO_PINS && status == GH_OK; pin++) {
        status = gh_gpio_map_find(map, pin, err);
    }
    gpio->world.strangers = gh_gpio_map_strangers(map);
    if (status == GH_OK) {
        status = gh_gpio_inputs_new(map, &gpio->world, &gpio->inputs, err);
    }
    if (status == GH_OK) {
        status = start_waking(gpio, err);
    }
    if (status != GH_OK) {
        return status;
    }
    /* A gate that starts in a fire locks nobody in for the moment that it takes. */
    struct gh_door_inputs now = gh_gpio_inputs_levels(gpio->inputs);
    bool fire = (now.active & GH_INPUT_BIT(GH_INPUT_FIRE)) != 0;
    /* Last: what fails before has not moved anything. */
    return gh_gpio_outputs_new(map, &gpio->world, fire ? in_fire : initial, &gpio->outputs, err);
}

enum gh_status gh_door_gpio_new_in(const char *folder, const struct gh_gpio_wiring *wiring,
                                   const struct gh_clock *clock, unsigned initial, unsigned in_fire,
                                   struct gh_door_io *out, struct gh_error *err)
{
    *out = (struct gh_door_io){.inputs_fd = -1};
    struct gpio *gpio = (struct gpio *)calloc(1, sizeof(*gpio));
    struct gh_gpio_map map;
    if (gpio == NULL) {
        return gh_fail(err, GH_ERR_NOMEM, "no memory for the door's lines");
    }
    gpio->wiring = *wiring;
    snprintf(gpio->folder, sizeof(gpio->folder), "%s", folder);
    gpio->world = (struct gh_gpio_world){.folder = gpio->folder,
                                         .wiring = &gpio->wiring,
                                         .clock = clock,
                                         .outgrown = &gpio->outgrown};
    gpio->wake_fd = gpio->timer_fd = -1;
    gpio->forks = gh_forks();
    gpio->tick_ms = GH_GPIO_TICK_MS;
    gpio->tick_ns = gh_clock_monotonic_ns(clock) + GH_GPIO_PAUSE_NS(GH_GPIO_TICK_MS);
    gh_gpio_map_init(&map, gpio->folder, &gpio->wiring);
    enum gh_status status = find_and_request(gpio, &map, initial, in_fire, err);
    gh_gpio_map_close(&map);
    if (status != GH_OK) {
        gpio_free(gpio);
        return status;
    }
    *out = (struct gh_door_io){.set = gpio_set,
                               .free = gpio_free,
                               .leave = gpio_leave,
                               .outgrown = gpio_outgrown,
                               .context = gpio,
                               .inputs = gpio_inputs,
                               .inputs_fd = gpio->wake_fd};
    for (unsigned input = 0; input < GH_INPUT_COUNT; input++) {
        out->inputs_wired |= wiring->inputs[input].name[0] != '\0' ? GH_INPUT_BIT(input) : 0;
    }
    return GH_OK;
}

enum gh_status gh_door_gpio_new(const struct gh_gpio_wiring *wiring, const struct gh_clock *clock,
                                unsigned initial, unsigned in_fire, struct gh_door_io *out,
                                struct gh_error *err)
{
    return gh_door_gpio_new_in("/dev", wiring, clock, initial, in_fire, out, err);
}
