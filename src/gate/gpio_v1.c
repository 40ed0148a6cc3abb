/* SPDX-License-Identifier: Apache-2.0 */
/* libgpiod 1.6 (Debian 12). Its flags hold for a whole request, so that a line that is active low
 * is turned round here: relay and lamps stay one request, which moves them at the same moment. */
#include <errno.h>
#include <fcntl.h>
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

void gh_gpio_chip_label(struct gh_gpio_chip *chip, char label[GH_GPIO_NAME_BYTES])
{
    const char *text = gpiod_chip_label(real_chip(chip));
    snprintf(label, GH_GPIO_NAME_BYTES, "%s", text == NULL ? "" : text);
}

int gh_gpio_chip_line(struct gh_gpio_chip *chip, unsigned offset, struct gh_gpio_line_info *out)
{
    struct gpiod_line *line = gpiod_chip_get_line(real_chip(chip), offset);
    *out = (struct gh_gpio_line_info){0};
    if (line == NULL) {
        return -1;
    }
    const char *name = gpiod_line_name(line);
    const char *consumer = gpiod_line_consumer(line);
    out->used = gpiod_line_is_used(line);
    snprintf(out->name, sizeof(out->name), "%s", name == NULL ? "" : name);
    if (out->used) {
        snprintf(out->consumer, sizeof(out->consumer), "%s", consumer == NULL ? "" : consumer);
    }
    return 0;
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

int gh_gpio_request_renew(struct gh_gpio_request *request, const int *values)
{
    int next[GH_LINE_COUNT] = {0};
    levels(request->set, values, next);
    return gpiod_line_set_config_bulk(&request->bulk, GPIOD_LINE_REQUEST_DIRECTION_OUTPUT, 0, next);
}

int gh_gpio_request_test(struct gh_gpio_request *request)
{
    int values[GH_LINE_COUNT];
    return gpiod_line_get_value_bulk(&request->bulk, values);
}

void gh_gpio_request_release(struct gh_gpio_request *request)
{
    if (request != NULL) {
        gpiod_line_release_bulk(&request->bulk);
        free(request);
    }
}

/* --- inputs --- */

struct gh_gpio_input {
    struct gpiod_line *line;
    bool active_low;
};

static int bias(enum gh_gpio_pull pull)
{
    return pull == GH_GPIO_PULL_UP     ? GPIOD_LINE_REQUEST_FLAG_BIAS_PULL_UP
           : pull == GH_GPIO_PULL_DOWN ? GPIOD_LINE_REQUEST_FLAG_BIAS_PULL_DOWN
                                       : 0;
}

static int request_input(struct gpiod_line *line, const struct gh_gpio_input_wish *wish)
{
    if (!wish->edges) {
        return gpiod_line_request_input_flags(line, GH_GPIO_CONSUMER, bias(wish->pull));
    }
    if (gpiod_line_request_both_edges_events_flags(line, GH_GPIO_CONSUMER, bias(wish->pull)) != 0) {
        return -1;
    }
    int fd = gpiod_line_event_get_fd(line);
    if (fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK) != 0) {
        int saved_errno = errno;
        gpiod_line_release(line);
        errno = saved_errno;
        return -1;
    }
    return 0;
}

struct gh_gpio_input *gh_gpio_input_new(struct gh_gpio_chip *chip,
                                        const struct gh_gpio_input_wish *wish)
{
    struct gh_gpio_input *input = (struct gh_gpio_input *)calloc(1, sizeof(*input));
    if (input == NULL) {
        return NULL;
    }
    input->active_low = wish->active_low;
    input->line = gpiod_chip_get_line(real_chip(chip), wish->offset);
    if (input->line == NULL || request_input(input->line, wish) != 0) {
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

int gh_gpio_input_fd(struct gh_gpio_input *input)
{
    return gpiod_line_event_get_fd(input->line);
}

int gh_gpio_input_drain(struct gh_gpio_input *input)
{
    struct gpiod_line_event events[GH_GPIO_EDGES_A_DRAIN];
    return gpiod_line_event_read_multiple(input->line, events, GH_GPIO_EDGES_A_DRAIN);
}

void gh_gpio_input_release(struct gh_gpio_input *input)
{
    if (input != NULL) {
        gpiod_line_release(input->line);
        free(input);
    }
}
