/* SPDX-License-Identifier: Apache-2.0 */
/* A folder of chips of the imagination and a door over them, for the tests of gpio_*.c. The
 * libgpiod that this build has is covered by a fake of the same names in the test's program: the
 * linker takes those of the program before those of the shared library. */
#ifndef GATEHOUSE_TESTS_FAKES_GPIOD_RIG_H
#define GATEHOUSE_TESTS_FAKES_GPIOD_RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <gpiod.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

#ifdef GPIOD_LINE_BULK_MAX_LINES
#include "fakes/gpiod/gpiod_v1.h"
#define RIG_HAS_DEBOUNCE false
#else
#include "fakes/gpiod/gpiod_v2.h"
#define RIG_HAS_DEBOUNCE true
#endif

#include "gate/gpio.h"
#include "gatehouse/bytes.h"

#define RELAY GH_LINE_BIT(GH_LINE_RELAY)
#define GREEN GH_LINE_BIT(GH_LINE_GREEN)
#define RED GH_LINE_BIT(GH_LINE_RED)

static char folder[] = "/tmp/gatehouse-gpio-XXXXXX";

static int64_t rig_now_ns;

static int64_t rig_time(void *context)
{
    (void)context;
    return rig_now_ns;
}

static const struct gh_clock rig_clock = {.wall_ns = rig_time, .monotonic_ns = rig_time};

static inline void make_file(const char *name)
{
    char path[64];
    snprintf(path, sizeof(path), "%s/%s", folder, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fclose(file);
}

static inline void remove_file(const char *name)
{
    char path[64];
    snprintf(path, sizeof(path), "%s/%s", folder, name);
    assert_int_equal(unlink(path), 0);
}

static inline int make_folder(void **state)
{
    (void)state;
    if (mkdtemp(folder) == NULL) {
        return -1;
    }
    make_file("gpiochip0");
    make_file("gpiochip10");
    make_file("gpiochip7"); /* a file that is no chip */
    make_file("random");
    char path[64];
    snprintf(path, sizeof(path), "%s/gpiochip", folder);
    return symlink("gpiochip0", path); /* a second name, which comes first */
}

static inline int remove_folder(void **state)
{
    (void)state;
    static const char *const names[] = {"gpiochip0", "gpiochip10", "gpiochip7", "random",
                                        "gpiochip"};
    for (size_t i = 0; i < GH_ARRAY_SIZE(names); i++) {
        char path[64];
        snprintf(path, sizeof(path), "%s/%s", folder, names[i]);
        (void)unlink(path);
    }
    return rmdir(folder);
}

static inline int plug_chips(void **state)
{
    (void)state;
    memset(fake_chips, 0, sizeof(fake_chips));
    fake_violations = 0;
    rig_now_ns = 1000 * GH_NS_PER_S;
    fake_chips[0].device = "gpiochip0";
    fake_chips[0].label = "board";
    fake_chips[0].lines[2].name = "GPIO2";
    fake_chips[0].lines[3].name = "GPIO3";
    fake_chips[0].lines[4].name = "GPIO4";
    fake_chips[0].lines[6].name = "LED";
    fake_chips[0].lines[6].user = "led-driver";
    fake_chips[0].lines[7].user = "";
    fake_chips[1].device = "gpiochip10";
    fake_chips[1].label = "expander";
    fake_chips[1].lines[1].name = "BUZZ";
    fake_chips[1].lines[2].name = "GPIO3"; /* the first chip's comes first */
    return 0;
}

/* Whatever happened, nothing is left open and nothing was asked that may not be asked. */
static inline int unplug_chips(void **state)
{
    (void)state;
    for (size_t i = 0; i < FAKE_CHIPS; i++) {
        if (fake_chips[i].open != 0 || fake_chips[i].requests != 0) {
            print_error("%s is still open\n", fake_chips[i].device);
            return -1;
        }
    }
    return fake_violations == 0 ? 0 : -1;
}

static inline struct gh_gpio_wiring wire(enum gh_line line, const char *name, bool active_low,
                                         struct gh_gpio_wiring wiring)
{
    snprintf(wiring.lines[line].name, sizeof(wiring.lines[line].name), "%s", name);
    wiring.lines[line].active_low = active_low;
    return wiring;
}

static const struct gh_gpio_wiring nothing = {.lines = {{.name = ""}}};

static inline struct gh_gpio_wiring wire_input(enum gh_input input, const char *name,
                                               bool active_low, struct gh_gpio_wiring wiring)
{
    snprintf(wiring.inputs[input].name, sizeof(wiring.inputs[input].name), "%s", name);
    wiring.inputs[input].active_low = active_low;
    return wiring;
}

static inline enum gh_status open_door(const char *chip, struct gh_gpio_wiring wiring,
                                       unsigned initial, struct gh_door_io *io,
                                       struct gh_error *err)
{
    snprintf(wiring.chip, sizeof(wiring.chip), "%s", chip);
    return gh_door_gpio_new_in(folder, &wiring, &rig_clock, initial, initial ^ RELAY, io, err);
}

/* Is there a word now, or, with wait, within a time that only a broken timer takes? */
static inline bool is_readable(const struct gh_door_io *io, bool wait)
{
    struct pollfd fd = {.fd = io->inputs_fd, .events = POLLIN};
    return poll(&fd, 1, wait ? 20000 : 0) == 1;
}

/* Does this process have a timer that comes every so often? (From its descriptors, rather than by
 * waiting for it.) */
static inline bool has_timer(int64_t ms)
{
    bool found = false;
    char wanted[64], text[512];
    snprintf(wanted, sizeof(wanted), "it_interval: (%lld, %lld)", (long long)(ms / 1000),
             (long long)(ms % 1000 * GH_NS_PER_MS));
    for (int fd = 0; fd < 64 && !found; fd++) {
        char path[64];
        snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
        FILE *file = fopen(path, "r");
        if (file != NULL) {
            text[fread(text, 1, sizeof(text) - 1, file)] = '\0';
            fclose(file);
            found = strstr(text, wanted) != NULL;
        }
    }
    return found;
}

static inline void pass_ms(int64_t ms)
{
    rig_now_ns += ms * GH_NS_PER_MS;
}

/* What the program says on standard error from begin to end, in place of the terminal. */
static inline int begin_log(FILE **file)
{
    int terminal = dup(STDERR_FILENO);
    *file = tmpfile();
    assert_non_null(*file);
    fflush(stderr);
    assert_true(dup2(fileno(*file), STDERR_FILENO) >= 0);
    return terminal;
}

static inline void end_log(FILE *file, int terminal, char *text, size_t text_bytes)
{
    fflush(stderr);
    dup2(terminal, STDERR_FILENO);
    close(terminal);
    rewind(file);
    text[fread(text, 1, text_bytes - 1, file)] = '\0';
    fclose(file);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, plug_chips, unplug_chips)

#endif
