/* SPDX-License-Identifier: Apache-2.0 */
/* GPIO chips of the imagination, below either libgpiod: what the kernel would know. In a folder of
 * its own, because these files define the library's names: only test_gpio includes them, so that no
 * other program gets them by chance from the library of fakes. */
#ifndef GATEHOUSE_TESTS_FAKES_GPIOD_CHIPS_H
#define GATEHOUSE_TESTS_FAKES_GPIOD_CHIPS_H

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FAKE_LINES 8
#define FAKE_CHIPS 2
#define FAKE_CHANGES 64

struct fake_line {
    const char *name;
    const char *user;  /* who has it; NULL: nobody. "" is somebody without a name */
    bool is_output;    /* since it was requested, */
    bool is_input;     /* or this */
    int level;         /* on the wire */
    int level_changes; /* as an output */
};

struct fake_chip {
    const char *device; /* "gpiochip0" */
    struct fake_line lines[FAKE_LINES];
    int open;          /* how often it is open now */
    int requests;      /* how many requests are out */
    int open_errno;    /* open fails with it; 0: it does not */
    int set_errno;     /* as does setting values, */
    int get_errno;     /* and reading one */
    int request_errno; /* as does requesting */
    unsigned sets;     /* how often values were set */
};

static struct fake_chip fake_chips[FAKE_CHIPS];
static unsigned fake_violations; /* of the library's contract */

static inline struct fake_chip *fake_chip_at(const char *path)
{
    char real[PATH_MAX];
    if (realpath(path, real) == NULL) {
        return NULL;
    }
    const char *device = strrchr(real, '/') + 1;
    for (size_t i = 0; i < FAKE_CHIPS; i++) {
        if (fake_chips[i].device != NULL && strcmp(fake_chips[i].device, device) == 0) {
            return &fake_chips[i];
        }
    }
    return NULL;
}

static inline struct fake_chip *fake_open(const char *path)
{
    FILE *file = fopen(path, "r"); /* the folder is real */
    if (file == NULL) {
        return NULL;
    }
    fclose(file);
    struct fake_chip *chip = fake_chip_at(path);
    if (chip == NULL || chip->open_errno != 0) {
        errno = chip == NULL ? ENOTTY : chip->open_errno;
        return NULL;
    }
    chip->open++;
    return chip;
}

/* All of them or none, outputs at these levels from the first moment. */
static inline int fake_request(struct fake_chip *chip, size_t count,
                               struct fake_line *const lines[], const int levels[],
                               const char *consumer)
{
    if (chip->open == 0 || count == 0) {
        fake_violations++;
    }
    for (size_t i = 0; i < count; i++) {
        for (size_t j = 0; j < i; j++) {
            if (lines[i] == lines[j]) {
                errno = EBUSY;
                return -1;
            }
        }
        if (lines[i]->user != NULL) {
            errno = EBUSY;
            return -1;
        }
    }
    if (chip->request_errno != 0) {
        errno = chip->request_errno;
        return -1;
    }
    for (size_t i = 0; i < count; i++) {
        lines[i]->user = consumer;
        lines[i]->is_output = true;
        lines[i]->level = levels[i];
        lines[i]->level_changes = 0;
    }
    chip->requests++;
    return 0;
}

static inline int fake_set(struct fake_chip *chip, struct fake_line *line, int level)
{
    if (!line->is_output || line->user == NULL) {
        fake_violations++;
        errno = EPERM;
        return -1;
    }
    if (chip->set_errno != 0) {
        errno = chip->set_errno;
        return -1;
    }
    line->level_changes += line->level != level;
    line->level = level;
    return 0;
}

static inline int fake_request_input(struct fake_chip *chip, struct fake_line *line,
                                     const char *consumer)
{
    if (chip->open == 0) {
        fake_violations++;
    }
    if (line->user != NULL || chip->request_errno != 0) {
        errno = line->user != NULL ? EBUSY : chip->request_errno;
        return -1;
    }
    line->user = consumer;
    line->is_input = true;
    chip->requests++;
    return 0;
}

static inline int fake_get(const struct fake_chip *chip, const struct fake_line *line)
{
    if (!line->is_input || line->user == NULL) {
        fake_violations++;
    }
    if (chip->get_errno != 0) {
        errno = chip->get_errno;
        return -1;
    }
    return line->level;
}

/* The level stays: what a pin does after that is the driver's business. */
static inline void fake_release(struct fake_line *line)
{
    if (line->user == NULL) {
        fake_violations++;
    }
    line->user = NULL;
    line->is_output = line->is_input = false;
}

#endif
