/* SPDX-License-Identifier: Apache-2.0 */
/* libgpiod 1.6 (Debian 12). Its flags hold for a whole request, so that a line that is active low
 * is turned round here: relay and lamps stay one request, which moves them at the same moment. */
#include <errno.h>
#include <gpiod.h>
#include <stdio.h>
#include <stdlib.h>

#include "gate/gpio.h"

struct gh_gpio_request {
    struct gpiod_line_bulk bulk;
    const struct gh_gpio_set *set;
};

static struct gpiod_chip *real_chip(struct gh_gpio_chip *chip)
{
    return (struct gpiod_chip *)chip;
}

struct gh_gpio_chip *gh_gpio_chip_open(const char *path)
{
    return (struct gh_gpio_chip *)gpiod_chip_open(path);
}

void gh_gpio_chip_close(struct gh_gpio_chip *chip)
{
    if (chip != NULL) {
        gpiod_chip_close(real_chip(chip));
    }
}

int gh_gpio_chip_find(struct gh_gpio_chip *chip, const char *name)
{
    errno = 0;
    struct gpiod_line *line = gpiod_chip_find_line(real_chip(chip), name);
    if (line == NULL) {
        if (errno == 0) {
            errno = ENOENT;
        }
        return -1;
    }
    return (int)gpiod_line_offset(line);
}

unsigned gh_gpio_chip_line_count(struct gh_gpio_chip *chip)
{
    return gpiod_chip_num_lines(real_chip(chip));
}

bool gh_gpio_chip_is_used(struct gh_gpio_chip *chip, unsigned offset,
                          char consumer[GH_GPIO_CONSUMER_BYTES])
{
    consumer[0] = '\0';
    struct gpiod_line *line = gpiod_chip_get_line(real_chip(chip), offset);
    if (line == NULL || !gpiod_line_is_used(line)) {
        return false;
    }
    const char *name = gpiod_line_consumer(line);
    snprintf(consumer, GH_GPIO_CONSUMER_BYTES, "%s", name == NULL ? "" : name);
    return true;
}

static void levels(const struct gh_gpio_set *set, const int *values, int out[GH_LINE_COUNT])
{
    for (unsigned i = 0; i < set->count; i++) {
        out[i] = set->active_low[i] ? !values[i] : values[i];
    }
}

struct gh_gpio_request *gh_gpio_request_new(struct gh_gpio_chip *chip,
                                            const struct gh_gpio_set *set, const int *values)
{
    struct gh_gpio_request *request = (struct gh_gpio_request *)calloc(1, sizeof(*request));
    if (request == NULL) {
        return NULL;
    }
    request->set = set;
    gpiod_line_bulk_init(&request->bulk);
    for (unsigned i = 0; i < set->count; i++) {
        struct gpiod_line *line = gpiod_chip_get_line(real_chip(chip), set->offsets[i]);
        if (line == NULL) {
            goto failed;
        }
        gpiod_line_bulk_add(&request->bulk, line);
    }
    int first[GH_LINE_COUNT] = {0};
    levels(set, values, first);
    if (gpiod_line_request_bulk_output(&request->bulk, GH_GPIO_CONSUMER, first) != 0) {
        goto failed;
    }
    return request;

failed:;
    int saved_errno = errno;
    free(request);
    errno = saved_errno;
    return NULL;
}

int gh_gpio_request_set(struct gh_gpio_request *request, const int *values)
{
    int next[GH_LINE_COUNT] = {0};
    levels(request->set, values, next);
    return gpiod_line_set_value_bulk(&request->bulk, next);
}

void gh_gpio_request_release(struct gh_gpio_request *request)
{
    if (request != NULL) {
        gpiod_line_release_bulk(&request->bulk);
        free(request);
    }
}

/* --- the input --- */

struct gh_gpio_input {
    struct gpiod_line *line;
    bool active_low;
};

struct gh_gpio_input *gh_gpio_input_new(struct gh_gpio_chip *chip, unsigned offset, bool active_low)
{
    struct gh_gpio_input *input = (struct gh_gpio_input *)calloc(1, sizeof(*input));
    if (input == NULL) {
        return NULL;
    }
    input->active_low = active_low;
    input->line = gpiod_chip_get_line(real_chip(chip), offset);
    if (input->line == NULL || gpiod_line_request_input(input->line, GH_GPIO_CONSUMER) != 0) {
        int saved_errno = errno;
        free(input);
        errno = saved_errno;
        return NULL;
    }
    return input;
}

int gh_gpio_input_get(struct gh_gpio_input *input)
{
    int level = gpiod_line_get_value(input->line);
    if (level < 0) {
        return -1;
    }
    return (level != 0) != input->active_low;
}

void gh_gpio_input_release(struct gh_gpio_input *input)
{
    if (input != NULL) {
        gpiod_line_release(input->line);
        free(input);
    }
}
