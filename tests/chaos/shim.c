/* SPDX-License-Identifier: Apache-2.0 */
/* shim.so, for LD_PRELOAD: stands between a program and its disk and clock.
 *
 *   CHAOS_FOLDER   the folder that is watched (absolute, without symbolic links)
 *   CHAOS_LOG      every change below it, and what was said, goes there (shim_log.h)
 *   CHAOS_ORDERS   a file of shim_log.h's format, read by mapping it: a full disk, another time
 *   CHAOS_BOOT     what /proc/sys/kernel/random/boot_id reads like instead
 *
 * One lock is held over each change and its record, so that the log's order is the real one. What
 * SQLite does through shared memory (-shm) is not looked at: no power cut keeps that. */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "chaos/shim.h"

pthread_mutex_t shim_lock = PTHREAD_MUTEX_INITIALIZER;
static char folder[PATH_MAX];
static size_t folder_bytes;
static const char *orders; /* mapped; NULL: none */
const char *shim_boot;
static int log_fd = -1;

void *shim_next(const char *name)
{
    void *found = dlsym(RTLD_NEXT, name);
    if (found == NULL)
        abort();
    return found;
}

__attribute__((constructor)) static void set_up(void)
{
    const char *path = getenv("CHAOS_FOLDER");
    if (path != NULL && realpath(path, folder) != NULL)
        folder_bytes = strlen(folder);
    shim_boot = getenv("CHAOS_BOOT");
    path = getenv("CHAOS_LOG");
    if (path != NULL)
        log_fd = (int)syscall(SYS_openat, AT_FDCWD, path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC,
                              0600);
    path = getenv("CHAOS_ORDERS");
    int fd = path == NULL ? -1 : (int)syscall(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC);
    if (fd >= 0) {
        void *mapped = mmap(NULL, SHIM_ORDERS_BYTES, PROT_READ, MAP_SHARED, fd, 0);
        orders = mapped == MAP_FAILED ? NULL : mapped;
        syscall(SYS_close, fd);
    }
}

/* --- orders ------------------------------------------------------------------------------------
 */

char shim_full(void)
{
    return orders == NULL ? '0' : orders[SHIM_ORDERS_FULL_AT];
}

int64_t shim_shift_ms(void)
{
    return orders == NULL ? 0 : strtoll(orders + SHIM_ORDERS_SHIFT_AT, NULL, 10);
}

/* --- the log -----------------------------------------------------------------------------------
 */

void shim_put(const struct shim_record *what, const char *name, const char *second,
              const void *data)
{
    struct shim_record record = *what;
    record.magic = SHIM_MAGIC;
    record.name_bytes = (uint16_t)(name == NULL ? 0 : strlen(name));
    record.second_bytes = (uint16_t)(second == NULL ? 0 : strlen(second));
    struct iovec parts[] = {{&record, sizeof(record)},
                            {(void *)(uintptr_t)name, record.name_bytes},
                            {(void *)(uintptr_t)second, record.second_bytes},
                            {(void *)(uintptr_t)data, record.data_bytes}};
    int saved_errno = errno;
    size_t size = sizeof(record) + record.name_bytes + record.second_bytes + record.data_bytes;
    if (log_fd >= 0 && syscall(SYS_writev, log_fd, parts, 4) != (long)size)
        abort(); /* a log with holes proves nothing */
    errno = saved_errno;
}

/* The name below the folder, or NULL: not ours. */
static const char *below(const char *path)
{
    size_t size = strlen(path);
    if (folder_bytes == 0 || strncmp(path, folder, folder_bytes) != 0 ||
        (path[folder_bytes] != '/' && path[folder_bytes] != '\0'))
        return NULL;
    if (size > 4 && strcmp(path + size - 4, "-shm") == 0)
        return NULL;
    return path[folder_bytes] == '/' ? path + folder_bytes + 1 : path + folder_bytes;
}

/* Where path leads, looked at from the folder at; out holds PATH_MAX. Its last part need not be
 * there. */
const char *shim_resolve(int at, const char *path, char *out)
{
    char whole[2 * PATH_MAX], start[64], *slash;
    if (folder_bytes == 0 || path == NULL)
        return NULL;
    if (path[0] == '/') {
        snprintf(whole, sizeof(whole), "%s", path);
    } else {
        char from[PATH_MAX];
        snprintf(start, sizeof(start), at == AT_FDCWD ? "/proc/self/cwd" : "/proc/self/fd/%d", at);
        ssize_t got = readlink(start, from, sizeof(from) - 1);
        if (got < 0)
            return NULL;
        snprintf(whole, sizeof(whole), "%.*s/%s", (int)got, from, path);
    }
    if (strncmp(whole, folder, folder_bytes) != 0) {
        /* The folder itself may be named another way. */
        char parent[PATH_MAX];
        slash = strrchr(whole, '/');
        const char *last = slash + 1;
        *slash = '\0';
        if (realpath(whole[0] == '\0' ? "/" : whole, parent) == NULL)
            return NULL;
        if (snprintf(out, PATH_MAX, "%s/%s", parent, last) >= PATH_MAX)
            return NULL;
    } else if (snprintf(out, PATH_MAX, "%s", whole) >= PATH_MAX) {
        return NULL;
    }
    return below(out);
}
