/* SPDX-License-Identifier: Apache-2.0 */
/* What the shim's own files share: shim.c sets it up, shim_files.c and shim_names.c stand before
 * the folder, shim_time.c before the clock. */
#ifndef GATEHOUSE_TESTS_SHIM_H
#define GATEHOUSE_TESTS_SHIM_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "chaos/shim_log.h"

#define SHIM_EXPORT __attribute__((visibility("default")))

/* The next function of this name, libc's; of its own type. */
#define SHIM_NEXT(name) ((__typeof__(&name))shim_next(#name))
void *shim_next(const char *name);

/* Held over each change and its record. */
extern pthread_mutex_t shim_lock;
extern const char *shim_boot; /* a file to read for the boot id; NULL: the kernel's */

/* Orders. */
char shim_full(void); /* '0', '1', '2' */
int64_t shim_shift_ms(void);

/* A record into the log; under the lock. data: record->data_bytes; names and data may be NULL. */
void shim_put(const struct shim_record *record, const char *name, const char *second,
              const void *data);
/* The name below the watched folder that path stands for, looked at from the folder `at`, or NULL:
 * it is not there. It lives in out, of PATH_MAX bytes. The last part need not exist. */
const char *shim_resolve(int at, const char *path, char *out);

#endif
