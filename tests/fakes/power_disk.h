/* SPDX-License-Identifier: Apache-2.0 */
/* What power_vfs.c knows of the disk under it: what has changed since it was synced. Not for tests.
 * One thread at a time. What cannot be remembered ends the test (abort). */
#ifndef GATEHOUSE_TESTS_POWER_DISK_H
#define GATEHOUSE_TESTS_POWER_DISK_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>

struct power_image; /* one file, whatever its name is by now */
struct power_name;  /* one path; both live until the next restore */

/* What is there already counts as synced. */
struct power_name *power_disk_name(const char *path);
const char *power_disk_path(const struct power_name *name);
struct power_image *power_disk_present(const struct power_name *name); /* NULL: no such file */
/* A new, empty file under this name. */
struct power_image *power_disk_create(struct power_name *name, uint64_t step);
/* To be called before the file goes. */
void power_disk_remove(struct power_name *name);
/* All names in this path's folder are durable as they are. */
void power_disk_sync_folder(const char *path);

enum power_moment { POWER_BEFORE, POWER_AFTER_WRITE, POWER_AFTER_TRUNCATION };
/* Called before a change of these bytes, and after it: then with the file's new length, too. */
void power_disk_note(struct power_image *image, sqlite3_file *real, int64_t from, int64_t to,
                     enum power_moment moment, uint64_t step);
void power_disk_sync(struct power_image *image);

/* Files and names as they are found, then forget everything. */
void power_disk_restore(uint64_t seed);
void power_disk_forget(void);

#endif
