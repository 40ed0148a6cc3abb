/* SPDX-License-Identifier: Apache-2.0 */
/* Inside of the door's GPIO half. gpio_lines.c finds out which lines on which chips; gpio_v1.c and
 * gpio_v2.c say it to libgpiod 1.6 or 2.x, whichever this build has. */
#ifndef GATEHOUSE_SRC_GATE_GPIO_H
#define GATEHOUSE_SRC_GATE_GPIO_H

#include <stdbool.h>

#include "gate/door.h"

#define GH_GPIO_CONSUMER "gatehouse"
#define GH_GPIO_CONSUMER_BYTES 64

/* The wired lines of one chip, in parallel arrays. */
struct gh_gpio_set {
    unsigned count;
    unsigned offsets[GH_LINE_COUNT];
    bool active_low[GH_LINE_COUNT];
    enum gh_line lines[GH_LINE_COUNT]; /* what each is for */
};

/* These return NULL or -1 with errno set when they fail; values are logical: 1 is active. */
struct gh_gpio_chip;    /* an open chip */
struct gh_gpio_request; /* lines that are ours */
struct gh_gpio_chip *gh_gpio_chip_open(const char *path);
void gh_gpio_chip_close(struct gh_gpio_chip *chip); /* NULL is fine */
/* -1 with ENOENT: the chip has no line of that name. */
int gh_gpio_chip_find(struct gh_gpio_chip *chip, const char *name);
unsigned gh_gpio_chip_line_count(struct gh_gpio_chip *chip); /* 0: cannot be told */
/* Is the line in use? By whom goes into consumer, "" where the kernel does not say. */
bool gh_gpio_chip_is_used(struct gh_gpio_chip *chip, unsigned offset,
                          char consumer[GH_GPIO_CONSUMER_BYTES]);
/* All lines of the set at once, as outputs at these values from the first moment. The set is
 * borrowed until the release, the chip stays open until then. */
struct gh_gpio_request *gh_gpio_request_new(struct gh_gpio_chip *chip,
                                            const struct gh_gpio_set *set, const int *values);
int gh_gpio_request_set(struct gh_gpio_request *request, const int *values);
void gh_gpio_request_release(struct gh_gpio_request *request); /* NULL is fine */
/* One line as an input, its pull as it is. The chip stays open until the release. */
struct gh_gpio_input;
struct gh_gpio_input *gh_gpio_input_new(struct gh_gpio_chip *chip, unsigned offset,
                                        bool active_low);
int gh_gpio_input_get(struct gh_gpio_input *input);      /* 1: active, 0: not, -1: cannot be read */
void gh_gpio_input_release(struct gh_gpio_input *input); /* NULL is fine */

/* gh_door_gpio_new with its chips in another folder than /dev: for tests. */
GH_MUST_CHECK enum gh_status gh_door_gpio_new_in(const char *folder,
                                                 const struct gh_gpio_wiring *wiring,
                                                 const struct gh_clock *clock, unsigned initial,
                                                 struct gh_door_io *out, struct gh_error *err);

#endif
