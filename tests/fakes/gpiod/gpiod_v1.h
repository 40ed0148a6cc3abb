/* SPDX-License-Identifier: Apache-2.0 */
/* The part of libgpiod 1.6 that the gate uses, over chips.h. */
#ifndef GATEHOUSE_TESTS_FAKES_GPIOD_V1_H
#define GATEHOUSE_TESTS_FAKES_GPIOD_V1_H

#include <gpiod.h>

#include "fakes/gpiod/chips.h"

static struct fake_line *fake_of(struct gpiod_line *line)
{
    return (struct fake_line *)line;
}

static struct fake_chip *fake_chip_of(struct gpiod_line *line)
{
    for (size_t i = 0; i < FAKE_CHIPS; i++) {
        if (fake_of(line) >= fake_chips[i].lines &&
            fake_of(line) < fake_chips[i].lines + FAKE_LINES) {
            return &fake_chips[i];
        }
    }
    fake_violations++;
    return &fake_chips[0];
}

struct gpiod_chip *gpiod_chip_open(const char *path)
{
    return (struct gpiod_chip *)fake_open(path);
}

void gpiod_chip_close(struct gpiod_chip *chip)
{
    struct fake_chip *fake = (struct fake_chip *)chip;
    if (fake->open == 0 || fake->requests > 0) {
        fake_violations++; /* 1.6 takes the lines away with the chip: levels were not restored */
    }
    fake->open--;
}

unsigned int gpiod_chip_num_lines(struct gpiod_chip *chip)
{
    (void)chip;
    return FAKE_LINES;
}

struct gpiod_line *gpiod_chip_get_line(struct gpiod_chip *chip, unsigned int offset)
{
    if (offset >= FAKE_LINES) {
        errno = EINVAL;
        return NULL;
    }
    return (struct gpiod_line *)&((struct fake_chip *)chip)->lines[offset];
}

struct gpiod_line *gpiod_chip_find_line(struct gpiod_chip *chip, const char *name)
{
    struct fake_chip *fake = (struct fake_chip *)chip;
    for (size_t i = 0; i < FAKE_LINES; i++) {
        if (fake->lines[i].name != NULL && strcmp(fake->lines[i].name, name) == 0) {
            return (struct gpiod_line *)&fake->lines[i];
        }
    }
    errno = ENOENT;
    return NULL;
}

unsigned int gpiod_line_offset(struct gpiod_line *line)
{
    return (unsigned)(fake_of(line) - fake_chip_of(line)->lines);
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

int gpiod_line_request_bulk_output(struct gpiod_line_bulk *bulk, const char *consumer,
                                   const int *default_vals)
{
    struct fake_line *lines[GPIOD_LINE_BULK_MAX_LINES];
    for (unsigned i = 0; i < bulk->num_lines; i++) {
        lines[i] = fake_of(bulk->lines[i]);
        if (fake_chip_of(bulk->lines[i]) != fake_chip_of(bulk->lines[0])) {
            errno = EINVAL;
            return -1;
        }
    }
    return fake_request(fake_chip_of(bulk->lines[0]), bulk->num_lines, lines, default_vals,
                        consumer);
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

int gpiod_line_request_input(struct gpiod_line *line, const char *consumer)
{
    return fake_request_input(fake_chip_of(line), fake_of(line), consumer);
}

int gpiod_line_get_value(struct gpiod_line *line)
{
    return fake_get(fake_chip_of(line), fake_of(line));
}

void gpiod_line_release(struct gpiod_line *line)
{
    fake_release(fake_of(line));
    fake_chip_of(line)->requests--;
}

void gpiod_line_release_bulk(struct gpiod_line_bulk *bulk)
{
    for (unsigned i = 0; i < bulk->num_lines; i++) {
        fake_release(fake_of(bulk->lines[i]));
    }
    fake_chip_of(bulk->lines[0])->requests--;
}

#endif
