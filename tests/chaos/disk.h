/* SPDX-License-Identifier: Apache-2.0 */
/* A disk as the power leaves it. Fed with a folder and the log of what a program did to it
 * (shim_log.h), it knows at each point what is durable for certain and what only may be: data since
 * the file's last fsync, names since the folder's last fsync. */
#ifndef GATEHOUSE_TESTS_DISK_H
#define GATEHOUSE_TESTS_DISK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "chaos/shim_log.h"

/* The same numbers for the same seed, on every machine (splitmix64). */
struct dice {
    uint64_t state;
};
uint64_t dice_roll(struct dice *dice, uint64_t sides); /* 0..sides-1 */

struct disk; /* opaque */

/* What is in the folder now is durable. What cannot be done here ends the program (exit 2) with a
 * word on standard error: it is a test's tool. */
struct disk *disk_new(const char *folder);
void disk_free(struct disk *disk);

/* One record; name, second and data as in the log. */
void disk_act(struct disk *disk, const struct shim_record *record, const char *name,
              const char *second, const uint8_t *data);

/* The folder, made anew at path, as it is found when the power is back.
 * POWER_SYNCED: nothing but what is certain. POWER_ANY: what is not certain is there, or is not, or
 * is there in parts: data by sectors of 512 bytes, names in the order in which they were made. */
enum power { POWER_SYNCED, POWER_ANY };
void disk_write_out(const struct disk *disk, enum power power, struct dice *dice, const char *path);

/* The log, record by record. */
struct shim_reader; /* opaque */
struct shim_reader *shim_reader_open(const char *path);
/* false: the end, also where the last record was broken off. The pointers hold until the next
 * call. */
bool shim_reader_next(struct shim_reader *reader, struct shim_record *record, const char **name,
                      const char **second, const uint8_t **data);
void shim_reader_close(struct shim_reader *reader);

void chaos_die(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));
/* Everything below path, and path; nothing where it is not there. */
void chaos_remove(const char *path);

#endif
