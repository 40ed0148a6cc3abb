/* SPDX-License-Identifier: Apache-2.0 */
/* The part of libgpiod 2.x that the gate uses, over chips.h. */
#ifndef GATEHOUSE_TESTS_FAKES_GPIOD_V2_H
#define GATEHOUSE_TESTS_FAKES_GPIOD_V2_H

#include <gpiod.h>
#include <stdlib.h>

#include "fakes/gpiod/chips.h"

struct gpiod_line_settings {
    bool is_output, active_low;
    enum gpiod_line_value value;
    struct fake_wish wish; /* of an input */
};

struct gpiod_line_config {
    size_t count;
    unsigned offsets[FAKE_LINES];
    struct gpiod_line_settings settings[FAKE_LINES];
};

struct gpiod_request_config {
    const char *consumer;
};

struct gpiod_line_request {
    struct fake_chip *chip;
    struct gpiod_line_config config;
};

static int fake_level(const struct gpiod_line_settings *settings, enum gpiod_line_value value)
{
    return (value == GPIOD_LINE_VALUE_ACTIVE) != settings->active_low;
}

struct gpiod_chip *gpiod_chip_open(const char *path)
{
    return (struct gpiod_chip *)fake_open(path);
}

void gpiod_chip_close(struct gpiod_chip *chip)
{
    struct fake_chip *fake = (struct fake_chip *)chip;
    if (fake->open == 0) {
        fake_violations++;
    }
    fake->open--;
}

int gpiod_chip_get_line_offset_from_name(struct gpiod_chip *chip, const char *name)
{
    struct fake_chip *fake = (struct fake_chip *)chip;
    if (fake_fails(fake, 0)) {
        return -1;
    }
    for (size_t i = 0; i < FAKE_LINES; i++) {
        if (fake->lines[i].name != NULL && strcmp(fake->lines[i].name, name) == 0) {
            return (int)i;
        }
    }
    errno = ENOENT;
    return -1;
}

struct gpiod_chip_info {
    const char *label;
    size_t lines;
};

struct gpiod_chip_info *gpiod_chip_get_info(struct gpiod_chip *chip)
{
    struct fake_chip *fake = (struct fake_chip *)chip;
    struct gpiod_chip_info *info =
        fake_fails(fake, 0) ? NULL
                            : (struct gpiod_chip_info *)calloc(1, sizeof(struct gpiod_chip_info));
    if (info != NULL) {
        info->label = fake->label;
        info->lines = FAKE_LINES - fake->hidden;
    }
    return info;
}

const char *gpiod_chip_info_get_label(struct gpiod_chip_info *info)
{
    return info->label != NULL ? info->label : "";
}

size_t gpiod_chip_info_get_num_lines(struct gpiod_chip_info *info)
{
    return info->lines;
}

void gpiod_chip_info_free(struct gpiod_chip_info *info)
{
    free(info);
}

struct gpiod_line_info {
    struct fake_line line;
};

struct gpiod_line_info *gpiod_chip_get_line_info(struct gpiod_chip *chip, unsigned int offset)
{
    if (offset >= FAKE_LINES || fake_fails((struct fake_chip *)chip, 0)) {
        return NULL;
    }
    struct gpiod_line_info *info = (struct gpiod_line_info *)malloc(sizeof(*info));
    if (info != NULL) {
        info->line = ((struct fake_chip *)chip)->lines[offset];
    }
    return info;
}

const char *gpiod_line_info_get_name(struct gpiod_line_info *info)
{
    return info->line.name;
}

bool gpiod_line_info_is_used(struct gpiod_line_info *info)
{
    return info->line.user != NULL;
}

const char *gpiod_line_info_get_consumer(struct gpiod_line_info *info)
{
    const char *user = info->line.user;
    return user != NULL && user[0] != '\0' ? user : NULL;
}

void gpiod_line_info_free(struct gpiod_line_info *info)
{
    free(info);
}

struct gpiod_line_settings *gpiod_line_settings_new(void)
{
    return (struct gpiod_line_settings *)calloc(1, sizeof(struct gpiod_line_settings));
}

void gpiod_line_settings_free(struct gpiod_line_settings *settings)
{
    free(settings);
}

void gpiod_line_settings_reset(struct gpiod_line_settings *settings)
{
    *settings = (struct gpiod_line_settings){0};
}

int gpiod_line_settings_set_direction(struct gpiod_line_settings *settings,
                                      enum gpiod_line_direction direction)
{
    settings->is_output = direction == GPIOD_LINE_DIRECTION_OUTPUT;
    return 0;
}

void gpiod_line_settings_set_active_low(struct gpiod_line_settings *settings, bool active_low)
{
    settings->active_low = active_low;
}

int gpiod_line_settings_set_output_value(struct gpiod_line_settings *settings,
                                         enum gpiod_line_value value)
{
    settings->value = value;
    return 0;
}

int gpiod_line_settings_set_edge_detection(struct gpiod_line_settings *settings,
                                           enum gpiod_line_edge edge)
{
    settings->wish.edges = edge == GPIOD_LINE_EDGE_BOTH;
    return 0;
}

int gpiod_line_settings_set_bias(struct gpiod_line_settings *settings, enum gpiod_line_bias bias)
{
    settings->wish.pull = bias == GPIOD_LINE_BIAS_PULL_UP     ? 1
                          : bias == GPIOD_LINE_BIAS_PULL_DOWN ? -1
                                                              : 0;
    return 0;
}

void gpiod_line_settings_set_debounce_period_us(struct gpiod_line_settings *settings,
                                                unsigned long period)
{
    settings->wish.debounce_us = period;
}

struct gpiod_line_config *gpiod_line_config_new(void)
{
    return (struct gpiod_line_config *)calloc(1, sizeof(struct gpiod_line_config));
}

void gpiod_line_config_free(struct gpiod_line_config *config)
{
    free(config);
}

int gpiod_line_config_add_line_settings(struct gpiod_line_config *config,
                                        const unsigned int *offsets, size_t num_offsets,
                                        struct gpiod_line_settings *settings)
{
    for (size_t i = 0; i < num_offsets; i++) {
        config->offsets[config->count] = offsets[i];
        config->settings[config->count] = *settings;
        config->count++;
    }
    return 0;
}

struct gpiod_request_config *gpiod_request_config_new(void)
{
    return (struct gpiod_request_config *)calloc(1, sizeof(struct gpiod_request_config));
}

void gpiod_request_config_free(struct gpiod_request_config *config)
{
    free(config);
}

void gpiod_request_config_set_consumer(struct gpiod_request_config *config, const char *consumer)
{
    config->consumer = consumer;
}

struct gpiod_line_request *gpiod_chip_request_lines(struct gpiod_chip *chip,
                                                    struct gpiod_request_config *req_cfg,
                                                    struct gpiod_line_config *line_cfg)
{
    struct fake_chip *fake = (struct fake_chip *)chip;
    struct fake_line *lines[FAKE_LINES];
    int levels[FAKE_LINES];
    for (size_t i = 0; i < line_cfg->count; i++) {
        lines[i] = &fake->lines[line_cfg->offsets[i]];
        levels[i] = fake_level(&line_cfg->settings[i], line_cfg->settings[i].value);
        if (!line_cfg->settings[i].is_output && line_cfg->count > 1) {
            fake_violations++; /* the input is requested alone */
        }
    }
    bool input = line_cfg->count == 1 && !line_cfg->settings[0].is_output;
    if ((input ? fake_request_input(fake, lines[0], &line_cfg->settings[0].wish, req_cfg->consumer)
               : fake_request(fake, line_cfg->count, lines, levels, req_cfg->consumer)) != 0) {
        return NULL;
    }
    struct gpiod_line_request *request = (struct gpiod_line_request *)calloc(1, sizeof(*request));
    if (request != NULL) {
        request->chip = fake;
        request->config = *line_cfg;
    }
    return request;
}

int gpiod_line_request_set_values_subset(struct gpiod_line_request *request, size_t num_values,
                                         const unsigned int *offsets,
                                         const enum gpiod_line_value *values)
{
    request->chip->sets++;
    for (size_t i = 0; i < num_values; i++) {
        size_t at = 0;
        while (at < request->config.count && request->config.offsets[at] != offsets[i]) {
            at++;
        }
        if (at == request->config.count) {
            errno = EINVAL;
            return -1;
        }
        if (fake_set(request->chip, &request->chip->lines[offsets[i]],
                     fake_level(&request->config.settings[at], values[i])) != 0) {
            return -1;
        }
    }
    return 0;
}

int gpiod_line_request_reconfigure_lines(struct gpiod_line_request *request,
                                         struct gpiod_line_config *config)
{
    unsigned offsets[FAKE_LINES];
    enum gpiod_line_value values[FAKE_LINES];
    if (config->count != request->config.count) {
        fake_violations++;
    }
    for (size_t i = 0; i < config->count; i++) {
        offsets[i] = config->offsets[i];
        values[i] = config->settings[i].value;
        request->chip->lines[offsets[i]].is_dead = !config->settings[i].is_output;
    }
    request->config = *config;
    return gpiod_line_request_set_values_subset(request, config->count, offsets, values);
}

static enum gpiod_line_value value_at(struct gpiod_line_request *request, size_t at)
{
    int level = fake_get(request->chip, &request->chip->lines[request->config.offsets[at]]);
    if (level < 0) {
        return GPIOD_LINE_VALUE_ERROR;
    }
    return (level != 0) != request->config.settings[at].active_low ? GPIOD_LINE_VALUE_ACTIVE
                                                                   : GPIOD_LINE_VALUE_INACTIVE;
}

int gpiod_line_request_get_values(struct gpiod_line_request *request, enum gpiod_line_value *values)
{
    for (size_t i = 0; i < request->config.count; i++) {
        values[i] = value_at(request, i);
        if (values[i] == GPIOD_LINE_VALUE_ERROR) {
            return -1;
        }
    }
    return 0;
}

enum gpiod_line_value gpiod_line_request_get_value(struct gpiod_line_request *request,
                                                   unsigned int offset)
{
    if (request->config.count != 1 || request->config.offsets[0] != offset) {
        fake_violations++;
        errno = EINVAL;
        return GPIOD_LINE_VALUE_ERROR;
    }
    return value_at(request, 0);
}

int gpiod_line_request_get_fd(struct gpiod_line_request *request)
{
    return request->chip->lines[request->config.offsets[0]].queue[0];
}

struct gpiod_edge_event_buffer {
    size_t capacity;
};

struct gpiod_edge_event_buffer *gpiod_edge_event_buffer_new(size_t capacity)
{
    struct gpiod_edge_event_buffer *buffer =
        (struct gpiod_edge_event_buffer *)malloc(sizeof(*buffer));
    if (buffer != NULL) {
        buffer->capacity = capacity;
    }
    return buffer;
}

void gpiod_edge_event_buffer_free(struct gpiod_edge_event_buffer *buffer)
{
    free(buffer);
}

int gpiod_line_request_read_edge_events(struct gpiod_line_request *request,
                                        struct gpiod_edge_event_buffer *buffer, size_t max_events)
{
    return fake_read_edges(request->chip, &request->chip->lines[request->config.offsets[0]],
                           max_events < buffer->capacity ? max_events : buffer->capacity);
}

void gpiod_line_request_release(struct gpiod_line_request *request)
{
    for (size_t i = 0; i < request->config.count; i++) {
        fake_release(&request->chip->lines[request->config.offsets[i]]);
    }
    request->chip->requests--;
    free(request);
}

#endif
