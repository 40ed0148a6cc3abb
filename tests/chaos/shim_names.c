/* SPDX-License-Identifier: Apache-2.0 */
/* Names below the folder: they come, go, and change. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "chaos/shim.h"

static int shim_rename(int from_at, const char *from, int to_at, const char *to, unsigned flags)
{
    char from_path[PATH_MAX], to_path[PATH_MAX];
    const char *name = shim_resolve(from_at, from, from_path),
               *second = shim_resolve(to_at, to, to_path);
    pthread_mutex_lock(&shim_lock);
    int result = (int)syscall(SYS_renameat2, from_at, from, to_at, to, flags);
    if (result == 0 && (name == NULL) != (second == NULL))
        abort(); /* into the folder, or out of it: disk.c knows nothing of outside */
    if (result == 0 && name != NULL) {
        struct shim_record record = {.act = SHIM_RENAME};
        shim_put(&record, name, second, NULL);
    }
    pthread_mutex_unlock(&shim_lock);
    return result;
}

SHIM_EXPORT int rename(const char *from, const char *to)
{
    return shim_rename(AT_FDCWD, from, AT_FDCWD, to, 0);
}

SHIM_EXPORT int renameat(int from_at, const char *from, int to_at, const char *to)
{
    return shim_rename(from_at, from, to_at, to, 0);
}

SHIM_EXPORT int renameat2(int from_at, const char *from, int to_at, const char *to, unsigned flags)
{
    return shim_rename(from_at, from, to_at, to, flags);
}

static int shim_unlink(int at, const char *path, int flags)
{
    char where[PATH_MAX];
    const char *name = shim_resolve(at, path, where);
    pthread_mutex_lock(&shim_lock);
    int result = (int)syscall(SYS_unlinkat, at, path, flags);
    if (result == 0 && name != NULL) {
        struct shim_record record = {.act = (flags & AT_REMOVEDIR) != 0 ? SHIM_RMDIR : SHIM_UNLINK};
        shim_put(&record, name, NULL, NULL);
    }
    pthread_mutex_unlock(&shim_lock);
    return result;
}

SHIM_EXPORT int unlink(const char *path)
{
    return shim_unlink(AT_FDCWD, path, 0);
}

SHIM_EXPORT int unlinkat(int at, const char *path, int flags)
{
    return shim_unlink(at, path, flags);
}

SHIM_EXPORT int rmdir(const char *path)
{
    return shim_unlink(AT_FDCWD, path, AT_REMOVEDIR);
}

SHIM_EXPORT int remove(const char *path)
{
    int result = unlink(path);
    return result != 0 && errno == EISDIR ? rmdir(path) : result;
}

static int shim_mkdir(int at, const char *path, mode_t mode)
{
    char where[PATH_MAX];
    const char *name = shim_resolve(at, path, where);
    int result = -1;
    pthread_mutex_lock(&shim_lock);
    struct stat info;
    bool there = name != NULL && syscall(SYS_newfstatat, AT_FDCWD, where, &info, 0) == 0;
    if (name != NULL && !there && shim_full() != '0')
        errno = ENOSPC;
    else
        result = (int)syscall(SYS_mkdirat, at, path, mode);
    if (result == 0 && name != NULL) {
        struct shim_record record = {.act = SHIM_MKDIR, .number = mode};
        shim_put(&record, name, NULL, NULL);
    }
    pthread_mutex_unlock(&shim_lock);
    return result;
}

SHIM_EXPORT int mkdir(const char *path, mode_t mode)
{
    return shim_mkdir(AT_FDCWD, path, mode);
}

SHIM_EXPORT int mkdirat(int at, const char *path, mode_t mode)
{
    return shim_mkdir(at, path, mode);
}

/* A hard or symbolic link below the folder, or a copy inside the kernel, is what disk.c does not
 * know: nothing here makes any, and whoever begins to must teach it. */
SHIM_EXPORT int link(const char *from, const char *to)
{
    char where[PATH_MAX];
    if (shim_resolve(AT_FDCWD, to, where) != NULL)
        abort();
    return (int)syscall(SYS_linkat, AT_FDCWD, from, AT_FDCWD, to, 0);
}

SHIM_EXPORT int linkat(int from_at, const char *from, int to_at, const char *to, int flags)
{
    char where[PATH_MAX];
    if (shim_resolve(to_at, to, where) != NULL)
        abort();
    return (int)syscall(SYS_linkat, from_at, from, to_at, to, flags);
}
