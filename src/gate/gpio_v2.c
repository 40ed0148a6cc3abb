/* SPDX-License-Identifier: Apache-2.0 */
/* libgpiod 2.x (Debian 13). */
#include <errno.h>
#include <fcntl.h>
#include <gpiod.h>
#include <stdio.h>
#include <stdlib.h>

#include "gate/gpio.h"

struct gh_gpio_request {
    struct gpiod_line_request *lines;
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
    return gpiod_chip_get_line_offset_from_name(real_chip(chip), name);
}

unsigned gh_gpio_chip_line_count(struct gh_gpio_chip *chip)
{
    struct gpiod_chip_info *info = gpiod_chip_get_info(real_chip(chip));
    if (info == NULL) {
        return 0;
    }
    size_t count = gpiod_chip_info_get_num_lines(info);
    gpiod_chip_info_free(info);
    return (unsigned)count;
}

void gh_gpio_chip_label(struct gh_gpio_chip *chip, char label[GH_GPIO_NAME_BYTES])
{
    struct gpiod_chip_info *info = gpiod_chip_get_info(real_chip(chip));
    const char *text = info == NULL ? NULL : gpiod_chip_info_get_label(info);
    snprintf(label, GH_GPIO_NAME_BYTES, "%s", text == NULL ? "" : text);
    if (info != NULL) {
        gpiod_chip_info_free(info);
    }
}

int gh_gpio_chip_line(struct gh_gpio_chip *chip, unsigned offset, struct gh_gpio_line_info *out)
{
    struct gpiod_line_info *info = gpiod_chip_get_line_info(real_chip(chip), offset);
    *out = (struct gh_gpio_line_info){0};
    if (info == NULL) {
        return -1;
    }
    const char *name = gpiod_line_info_get_name(info);
    const char *consumer = gpiod_line_info_get_consumer(info);
    out->used = gpiod_line_info_is_used(info);
    snprintf(out->name, sizeof(out->name), "%s", name == NULL ? "" : name);
    if (out->used) {
        snprintf(out->consumer, sizeof(out->consumer), "%s", consumer == NULL ? "" : consumer);
    }
    gpiod_line_info_free(info);
    return 0;
}

static enum gpiod_line_value real_value(int value)
{
    return value != 0 ? GPIOD_LINE_VALUE_ACTIVE : GPIOD_LINE_VALUE_INACTIVE;
}

/* One line at a time: the settings differ in polarity and in first value. */
static int add_lines(struct gpiod_line_config *config, struct gpiod_line_settings *settings,
                     const struct gh_gpio_set *set, const int *values)
{
    for (unsigned i = 0; i < set->count; i++) {
        gpiod_line_settings_reset(settings);
        gpiod_line_settings_set_active_low(settings, set->active_low[i]);
        if (gpiod_line_settings_set_direction(settings, GPIOD_LINE_DIRECTION_OUTPUT) != 0 ||
            gpiod_line_settings_set_output_value(settings, real_value(values[i])) != 0 ||
            gpiod_line_config_add_line_settings(config, &set->offsets[i], 1, settings) != 0) {
            return -1;
        }
    }
    return 0;
}

static int add_input(struct gpiod_line_config *config, struct gpiod_line_settings *settings,
                     const struct gh_gpio_input_wish *wish)
{
    static const enum gpiod_line_bias biases[] = {
        [GH_GPIO_PULL_AS_IS] = GPIOD_LINE_BIAS_AS_IS,
        [GH_GPIO_PULL_UP] = GPIOD_LINE_BIAS_PULL_UP,
        [GH_GPIO_PULL_DOWN] = GPIOD_LINE_BIAS_PULL_DOWN,
    };
    gpiod_line_settings_set_active_low(settings, wish->active_low);
    if (gpiod_line_settings_set_direction(settings, GPIOD_LINE_DIRECTION_INPUT) != 0 ||
        gpiod_line_settings_set_bias(settings, biases[wish->pull]) != 0) {
        return -1;
    }
    if (wish->edges) {
        gpiod_line_settings_set_debounce_period_us(settings, (unsigned long)wish->debounce_us);
        if (gpiod_line_settings_set_edge_detection(settings, GPIOD_LINE_EDGE_BOTH) != 0) {
            return -1;
        }
    }
    return gpiod_line_config_add_line_settings(config, &wish->offset, 1, settings);
}

/* What lines are to be: outputs, or one input. */
struct wish {
    const struct gh_gpio_set *set; /* NULL: the input */
    const int *values;
    const struct gh_gpio_input_wish *input;
};

/* NULL with errno set. */
static struct gpiod_line_config *new_config(const struct wish *wish)
{
    struct gpiod_line_settings *settings = gpiod_line_settings_new();
    struct gpiod_line_config *config = gpiod_line_config_new();
    bool good = settings != NULL && config != NULL &&
                (wish->set != NULL ? add_lines(config, settings, wish->set, wish->values)
                                   : add_input(config, settings, wish->input)) == 0;
    int saved_errno = errno;
    if (settings != NULL) {
        gpiod_line_settings_free(settings);
    }
    if (!good && config != NULL) {
        gpiod_line_config_free(config);
    }
    errno = saved_errno;
    return good ? config : NULL;
}

static struct gpiod_line_request *request_lines(struct gh_gpio_chip *chip, const struct wish *wish)
{
    struct gpiod_line_request *lines = NULL;
    struct gpiod_line_config *config = new_config(wish);
    struct gpiod_request_config *request = config == NULL ? NULL : gpiod_request_config_new();
    if (request != NULL) {
        gpiod_request_config_set_consumer(request, GH_GPIO_CONSUMER);
        lines = gpiod_chip_request_lines(real_chip(chip), request, config);
    }
    int saved_errno = errno;
    if (request != NULL) {
        gpiod_request_config_free(request);
    }
    if (config != NULL) {
        gpiod_line_config_free(config);
    }
    errno = saved_errno;
    return lines;
}

struct gh_gpio_request *gh_gpio_request_new(struct gh_gpio_chip *chip,
                                            const struct gh_gpio_set *set, const int *values)
{
    struct gh_gpio_request *request = (struct gh_gpio_request *)calloc(1, sizeof(*request));
    if (request == NULL) {
        return NULL;
    }
    request->set = set;
    struct wish wish = {.set = set, .values = values};
    request->lines = request_lines(chip, &wish);
    if (request->lines == NULL) {
        int saved_errno = errno;
        free(request);
        errno = saved_errno;
        return NULL;
    }
    return request;
}

int gh_gpio_request_set(struct gh_gpio_request *request, const int *values)
{
    enum gpiod_line_value next[GH_LINE_COUNT];
    for (unsigned i = 0; i < request->set->count; i++) {
        next[i] = real_value(values[i]);
    }
    return gpiod_line_request_set_values_subset(request->lines, request->set->count,
                                                request->set->offsets, next);
}

int gh_gpio_request_renew(struct gh_gpio_request *request, const int *values)
{
    struct wish wish = {.set = request->set, .values = values};
    struct gpiod_line_config *config = new_config(&wish);
    if (config == NULL) {
        return -1;
    }
    int result = gpiod_line_request_reconfigure_lines(request->lines, config);
    int saved_errno = errno;
    gpiod_line_config_free(config);
    errno = saved_errno;
    return result;
}

int gh_gpio_request_test(struct gh_gpio_request *request)
{
    enum gpiod_line_value values[GH_LINE_COUNT];
    return gpiod_line_request_get_values(request->lines, values);
}

void gh_gpio_request_release(struct gh_gpio_request *request)
{
    if (request != NULL) {
        gpiod_line_request_release(request->lines);
        free(request);
    }
}

/* --- inputs --- */

struct gh_gpio_input {
    struct gpiod_line_request *lines;
    struct gpiod_edge_event_buffer *events; /* NULL: without edges */
    unsigned offset;
};

static int prepare_edges(struct gh_gpio_input *input)
{
    int fd = gpiod_line_request_get_fd(input->lines);
    input->events = gpiod_edge_event_buffer_new(GH_GPIO_EDGES_A_DRAIN);
    return input->events != NULL ? fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK) : -1;
}

struct gh_gpio_input *gh_gpio_input_new(struct gh_gpio_chip *chip,
                                        const struct gh_gpio_input_wish *wish)
{
    struct gh_gpio_input *input = (struct gh_gpio_input *)calloc(1, sizeof(*input));
    if (input == NULL) {
        return NULL;
    }
    struct wish lines = {.input = wish};
    input->offset = wish->offset;
    input->lines = request_lines(chip, &lines);
    if (input->lines == NULL || (wish->edges && prepare_edges(input) != 0)) {
        int saved_errno = errno;
        gh_gpio_input_release(input);
        errno = saved_errno;
        return NULL;
    }
    return input;
}

int gh_gpio_input_get(struct gh_gpio_input *input)
{
    enum gpiod_line_value value = gpiod_line_request_get_value(input->lines, input->offset);
    if (value == GPIOD_LINE_VALUE_ERROR) {
        return -1;
    }
    return value == GPIOD_LINE_VALUE_ACTIVE;
}

int gh_gpio_input_fd(struct gh_gpio_input *input)
{
    return gpiod_line_request_get_fd(input->lines);
}

int gh_gpio_input_drain(struct gh_gpio_input *input)
{
    return gpiod_line_request_read_edge_events(input->lines, input->events, GH_GPIO_EDGES_A_DRAIN);
}

void gh_gpio_input_release(struct gh_gpio_input *input)
{
    if (input == NULL) {
        return;
    }
    if (input->lines != NULL) {
        gpiod_line_request_release(input->lines);
    }
    if (input->events != NULL) {
        gpiod_edge_event_buffer_free(input->events);
    }
    free(input);
}
