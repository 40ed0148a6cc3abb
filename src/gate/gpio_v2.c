/* SPDX-License-Identifier: Apache-2.0 */
/* libgpiod 2.x (Debian 13). */
#include <errno.h>
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

bool gh_gpio_chip_is_used(struct gh_gpio_chip *chip, unsigned offset,
                          char consumer[GH_GPIO_CONSUMER_BYTES])
{
    consumer[0] = '\0';
    struct gpiod_line_info *info = gpiod_chip_get_line_info(real_chip(chip), offset);
    if (info == NULL) {
        return false;
    }
    bool used = gpiod_line_info_is_used(info);
    const char *name = used ? gpiod_line_info_get_consumer(info) : NULL;
    snprintf(consumer, GH_GPIO_CONSUMER_BYTES, "%s", name == NULL ? "" : name);
    gpiod_line_info_free(info);
    return used;
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
                     unsigned offset, bool active_low)
{
    gpiod_line_settings_set_active_low(settings, active_low);
    if (gpiod_line_settings_set_direction(settings, GPIOD_LINE_DIRECTION_INPUT) != 0) {
        return -1;
    }
    return gpiod_line_config_add_line_settings(config, &offset, 1, settings);
}

/* What is to be requested: outputs, or one input. */
struct wish {
    const struct gh_gpio_set *set; /* NULL: the input */
    const int *values;
    unsigned offset;
    bool active_low;
};

static int add_wish(struct gpiod_line_config *config, struct gpiod_line_settings *settings,
                    const struct wish *wish)
{
    if (wish->set != NULL) {
        return add_lines(config, settings, wish->set, wish->values);
    }
    return add_input(config, settings, wish->offset, wish->active_low);
}

static struct gpiod_line_request *request_lines(struct gh_gpio_chip *chip, const struct wish *wish)
{
    struct gpiod_line_request *lines = NULL;
    struct gpiod_line_settings *settings = gpiod_line_settings_new();
    struct gpiod_line_config *config = gpiod_line_config_new();
    struct gpiod_request_config *request = gpiod_request_config_new();

    if (settings != NULL && config != NULL && request != NULL &&
        add_wish(config, settings, wish) == 0) {
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
    if (settings != NULL) {
        gpiod_line_settings_free(settings);
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

void gh_gpio_request_release(struct gh_gpio_request *request)
{
    if (request != NULL) {
        gpiod_line_request_release(request->lines);
        free(request);
    }
}

/* --- the input --- */

struct gh_gpio_input {
    struct gpiod_line_request *lines;
    unsigned offset;
};

struct gh_gpio_input *gh_gpio_input_new(struct gh_gpio_chip *chip, unsigned offset, bool active_low)
{
    struct gh_gpio_input *input = (struct gh_gpio_input *)calloc(1, sizeof(*input));
    if (input == NULL) {
        return NULL;
    }
    struct wish wish = {.offset = offset, .active_low = active_low};
    input->offset = offset;
    input->lines = request_lines(chip, &wish);
    if (input->lines == NULL) {
        int saved_errno = errno;
        free(input);
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

void gh_gpio_input_release(struct gh_gpio_input *input)
{
    if (input != NULL) {
        gpiod_line_request_release(input->lines);
        free(input);
    }
}
