/* SPDX-License-Identifier: Apache-2.0 */
/* The part of libgpiod 1.6 that the gate uses, over chips.h. */
#ifndef GATEHOUSE_TESTS_FAKES_GPIOD_V1_H
#define GATEHOUSE_TESTS_FAKES_GPIOD_V1_H

#include <gpiod.h>

#include "fakes/gpiod/chips.h"

struct gpiod_line {
    struct gpiod_chip *chip;
    unsigned offset;
};

/* One time that a chip is open. */
struct gpiod_chip {
    struct fake_chip *fake;
    int requests; /* that were made through it */
    struct gpiod_line lines[FAKE_LINES];
};

static struct fake_line *fake_of(const struct gpiod_line *line)
{
    return &line->chip->fake->lines[line->offset];
}

static struct fake_chip *fake_chip_of(const struct gpiod_line *line)
{
    return line->chip->fake;
}

struct gpiod_chip *gpiod_chip_open(const char *path)
{
    struct fake_chip *fake = fake_open(path);
    struct gpiod_chip *chip =
        fake == NULL ? NULL : (struct gpiod_chip *)calloc(1, sizeof(struct gpiod_chip));
    if (chip != NULL) {
        chip->fake = fake;
    }
    return chip;
}

void gpiod_chip_close(struct gpiod_chip *chip)
{
    if (chip->fake->open == 0 || chip->requests > 0) {
        fake_violations++; /* 1.6 takes the lines away with the chip: levels were not restored */
    }
    chip->fake->open--;
    free(chip);
}

const char *gpiod_chip_label(struct gpiod_chip *chip)
{
    return chip->fake->label;
}

unsigned int gpiod_chip_num_lines(struct gpiod_chip *chip)
{
    return FAKE_LINES - chip->fake->hidden;
}

struct gpiod_line *gpiod_chip_get_line(struct gpiod_chip *chip, unsigned int offset)
{
    if (offset >= FAKE_LINES) {
        errno = EINVAL;
        return NULL;
    }
    if (fake_fails(chip->fake, 0)) {
        return NULL;
    }
    chip->lines[offset] = (struct gpiod_line){.chip = chip, .offset = offset};
    return &chip->lines[offset];
}

struct gpiod_line *gpiod_chip_find_line(struct gpiod_chip *chip, const char *name)
{
    for (unsigned i = 0; i < FAKE_LINES; i++) {
        if (chip->fake->lines[i].name != NULL && strcmp(chip->fake->lines[i].name, name) == 0) {
            return gpiod_chip_get_line(chip, i);
        }
    }
    errno = ENOENT;
    return NULL;
}

unsigned int gpiod_line_offset(struct gpiod_line *line)
{
    return line->offset;
}

const char *gpiod_line_name(struct gpiod_line *line)
{
    return fake_of(line)->name;
}

bool gpiod_line_is_used(struct gpiod_line *line)
{
    return fake_of(line)->user != NULL;
}

const char *gpiod_line_consumer(struct gpiod_line *line)
{
    const char *user = fake_of(line)->user;
    return user != NULL && user[0] != '\0' ? user : NULL;
}

/* --- outputs --- */

int gpiod_line_request_bulk_output(struct gpiod_line_bulk *bulk, const char *consumer,
                                   const int *default_vals)
{
    struct fake_line *lines[GPIOD_LINE_BULK_MAX_LINES];
    for (unsigned i = 0; i < bulk->num_lines; i++) {
        lines[i] = fake_of(bulk->lines[i]);
        if (bulk->lines[i]->chip != bulk->lines[0]->chip) {
            errno = EINVAL;
            return -1;
        }
    }
    if (fake_request(fake_chip_of(bulk->lines[0]), bulk->num_lines, lines, default_vals,
                     consumer) != 0) {
        return -1;
    }
    bulk->lines[0]->chip->requests++;
    return 0;
}

int gpiod_line_set_value_bulk(struct gpiod_line_bulk *bulk, const int *values)
{
    fake_chip_of(bulk->lines[0])->sets++;
    for (unsigned i = 0; i < bulk->num_lines; i++) {
        if (fake_set(fake_chip_of(bulk->lines[i]), fake_of(bulk->lines[i]), values[i]) != 0) {
            return -1;
        }
    }
    return 0;
}

int gpiod_line_set_config_bulk(struct gpiod_line_bulk *bulk, int direction, int flags,
                               const int *values)
{
    if (direction != GPIOD_LINE_REQUEST_DIRECTION_OUTPUT || flags != 0) {
        fake_violations++;
    }
    for (unsigned i = 0; i < bulk->num_lines; i++) {
        fake_of(bulk->lines[i])->is_dead = false;
    }
    return gpiod_line_set_value_bulk(bulk, values);
}

int gpiod_line_get_value_bulk(struct gpiod_line_bulk *bulk, int *values)
{
    for (unsigned i = 0; i < bulk->num_lines; i++) {
        values[i] = fake_get(fake_chip_of(bulk->lines[i]), fake_of(bulk->lines[i]));
        if (values[i] < 0) {
            return -1;
        }
    }
    return 0;
}

/* --- inputs --- */

static int request_input(struct gpiod_line *line, bool edges, int flags, const char *consumer)
{
    struct fake_wish wish = {.edges = edges,
                             .pull = flags == GPIOD_LINE_REQUEST_FLAG_BIAS_PULL_UP     ? 1
                                     : flags == GPIOD_LINE_REQUEST_FLAG_BIAS_PULL_DOWN ? -1
                                                                                       : 0};
    if (wish.pull == 0 && flags != 0) {
        fake_violations++;
    }
    if (fake_request_input(fake_chip_of(line), fake_of(line), &wish, consumer) != 0) {
        return -1;
    }
    line->chip->requests++;
    return 0;
}

int gpiod_line_request_input_flags(struct gpiod_line *line, const char *consumer, int flags)
{
    return request_input(line, false, flags, consumer);
}

int gpiod_line_request_both_edges_events_flags(struct gpiod_line *line, const char *consumer,
                                               int flags)
{
    return request_input(line, true, flags, consumer);
}

int gpiod_line_get_value(struct gpiod_line *line)
{
    return fake_get(fake_chip_of(line), fake_of(line));
}

int gpiod_line_event_get_fd(struct gpiod_line *line)
{
    return fake_of(line)->queue[0];
}

int gpiod_line_event_read_multiple(struct gpiod_line *line, struct gpiod_line_event *events,
                                   unsigned int num_events)
{
    memset(events, 0, num_events * sizeof(*events));
    return fake_read_edges(fake_chip_of(line), fake_of(line), num_events);
}

/* --- both --- */

void gpiod_line_release(struct gpiod_line *line)
{
    fake_release(fake_of(line));
    fake_chip_of(line)->requests--;
    line->chip->requests--;
}

void gpiod_line_release_bulk(struct gpiod_line_bulk *bulk)
{
    for (unsigned i = 0; i < bulk->num_lines; i++) {
        fake_release(fake_of(bulk->lines[i]));
    }
    fake_chip_of(bulk->lines[0])->requests--;
    bulk->lines[0]->chip->requests--;
}

#endif
