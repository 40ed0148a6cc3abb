/* SPDX-License-Identifier: Apache-2.0 */
/* GPIO chips of the imagination, below either libgpiod: what the kernel would know. In a folder of
 * its own, because these files define the library's names: only test_gpio includes them, so that no
 * other program gets them by chance from the library of fakes. */
#ifndef GATEHOUSE_TESTS_FAKES_GPIOD_CHIPS_H
#define GATEHOUSE_TESTS_FAKES_GPIOD_CHIPS_H

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <semaphore.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FAKE_LINES 8
#define FAKE_CHIPS 4
#define FAKE_QUEUE 16 /* edges that the kernel keeps of a line */

struct fake_line {
    const char *name;
    const char *user; /* who has it; NULL: nobody. "" is somebody without a name */
    bool is_output;   /* since it was requested, */
    bool is_input;    /* or this, */
    bool has_edges;   /* and with edges */
    bool is_dead;     /* an output that lost its direction: setting it moves nothing */
    int pull;         /* -1, 0, 1 */
    unsigned long debounce_us;
    int level;         /* on the wire */
    int level_changes; /* as an output */
    int queued;        /* edges, */
    int lost;          /* and those that did not fit */
    int queue[2];      /* a pipe with a byte for each */
};

struct fake_chip {
    const char *device; /* "gpiochip0"; NULL: not plugged in (any more) */
    const char *label;
    struct fake_line lines[FAKE_LINES];
    unsigned hidden;   /* as many of the last lines are not there */
    int open;          /* how often it is open now */
    int opened;        /* or ever was */
    int requests;      /* how many requests are out */
    int open_errno;    /* open fails with it; 0: it does not */
    int set_errno;     /* as does setting values, */
    int get_errno;     /* and reading one */
    int request_errno; /* as does requesting, */
    int edge_errno;    /* with edges */
    unsigned sets;     /* how often values were set */
    unsigned reads;    /* how often edges were read */
    sem_t *set_begun;  /* NULL, or the next set says that it has begun, */
    sem_t *set_may;    /* and waits for that */
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
    chip->opened++;
    return chip;
}

/* Every call on a chip that was unplugged fails so. */
static inline int fake_fails(const struct fake_chip *chip, int error)
{
    errno = chip->device == NULL ? ENODEV : error;
    return errno != 0;
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
    if (fake_fails(chip, chip->request_errno)) {
        return -1;
    }
    for (size_t i = 0; i < count; i++) {
        lines[i]->user = consumer;
        lines[i]->is_output = true;
        lines[i]->is_dead = false;
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
    if (chip->set_begun != NULL) {
        sem_post(chip->set_begun);
        sem_wait(chip->set_may);
    }
    if (fake_fails(chip, chip->set_errno)) {
        return -1;
    }
    if (line->is_dead) {
        return 0;
    }
    line->level_changes += line->level != level;
    line->level = level;
    return 0;
}

struct fake_wish {
    bool edges;
    int pull;
    unsigned long debounce_us;
};

static inline int fake_request_input(struct fake_chip *chip, struct fake_line *line,
                                     const struct fake_wish *wish, const char *consumer)
{
    if (chip->open == 0) {
        fake_violations++;
    }
    if (fake_fails(chip, line->user != NULL         ? EBUSY
                         : chip->request_errno != 0 ? chip->request_errno
                         : wish->edges              ? chip->edge_errno
                                                    : 0)) {
        return -1;
    }
    if (wish->edges && pipe2(line->queue, O_CLOEXEC) != 0) {
        return -1;
    }
    line->user = consumer;
    line->is_input = true;
    line->has_edges = wish->edges;
    line->pull = wish->pull;
    line->debounce_us = wish->debounce_us;
    line->queued = line->lost = 0;
    chip->requests++;
    return 0;
}

static inline int fake_get(const struct fake_chip *chip, const struct fake_line *line)
{
    if ((!line->is_input && !line->is_output) || line->user == NULL) {
        fake_violations++;
    }
    return fake_fails(chip, chip->get_errno) ? -1 : line->level;
}

static inline void fake_queue(struct fake_line *line)
{
    if (!line->has_edges) {
        return;
    }
    if (line->queued == FAKE_QUEUE) {
        line->lost++;
        return;
    }
    line->queued++;
    if (write(line->queue[1], "!", 1) != 1) {
        fake_violations++;
    }
}

/* The wire goes there, if it is not there already. */
static inline void fake_edge(struct fake_line *line, int level)
{
    if (line->level != level) {
        line->level = level;
        fake_queue(line);
    }
}

/* Waits for ever when there is none, as the kernel does: nobody may come so far. */
static inline int fake_read_edges(struct fake_chip *chip, struct fake_line *line, size_t most)
{
    char taken[FAKE_QUEUE];
    chip->reads++;
    if (!line->has_edges || most > sizeof(taken)) {
        fake_violations++;
    }
    ssize_t size = read(line->queue[0], taken, most);
    if (size <= 0 || fake_fails(chip, 0)) {
        return -1;
    }
    line->queued -= (int)size;
    return (int)size;
}

/* There are no more edges: whoever waits for them is told, and told again. */
static inline void fake_hang_up(struct fake_line *line)
{
    if (line->has_edges && line->queue[1] >= 0) {
        close(line->queue[1]);
        line->queue[1] = -1;
    }
}

/* The device goes; those who have it open still have the struct, and errors. Who waits for edges
 * is told. */
static inline void fake_unplug(struct fake_chip *chip)
{
    chip->device = NULL;
    for (size_t i = 0; i < FAKE_LINES; i++) {
        fake_hang_up(&chip->lines[i]);
    }
}

/* The same sort of chip again, as a device of its own. */
static inline void fake_plug(struct fake_chip *chip, const char *device,
                             const struct fake_chip *like)
{
    *chip = (struct fake_chip){.device = device, .label = like->label};
    for (size_t i = 0; i < FAKE_LINES; i++) {
        chip->lines[i].name = like->lines[i].name;
    }
}

/* The level stays: what a pin does after that is the driver's business. */
static inline void fake_release(struct fake_line *line)
{
    if (line->user == NULL) {
        fake_violations++;
    }
    if (line->has_edges) {
        close(line->queue[0]);
        if (line->queue[1] >= 0) {
            close(line->queue[1]);
        }
    }
    line->user = NULL;
    line->is_output = line->is_input = line->has_edges = false;
}

#endif
