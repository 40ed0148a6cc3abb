/* SPDX-License-Identifier: Apache-2.0 */
/* Files below the folder: opening, writing, syncing. What opens a file that is not below it, or
 * writes to one, passes through. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "chaos/shim.h"

_Static_assert(sizeof(off_t) == 8, "open and open64 are one here");

#define DESCRIPTORS 65536
#define BOOT_ID "/proc/sys/kernel/random/boot_id"

static uint32_t handles;                /* given out so far */
static uint32_t handle_of[DESCRIPTORS]; /* 0: not ours */

static uint32_t handle(int fd)
{
    return fd >= 0 && fd < DESCRIPTORS ? handle_of[fd] : 0;
}

/* --- opening -----------------------------------------------------------------------------------
 */

typedef int open_fn(int at, const char *path, int flags, mode_t mode);

static int plain_open(int at, const char *path, int flags, mode_t mode)
{
    return (int)syscall(SYS_openat, at, path, flags, mode);
}

static int shim_open(int at, const char *path, int flags, mode_t mode)
{
    char where[PATH_MAX];
    if (shim_boot != NULL && path != NULL && strcmp(path, BOOT_ID) == 0)
        path = shim_boot;
    int saved_errno = errno;
    const char *name = shim_resolve(at, path, where);
    errno = saved_errno;
    if (name == NULL) {
        int fd = plain_open(at, path, flags, mode);
        if (fd >= 0 && fd < DESCRIPTORS)
            handle_of[fd] = 0;
        return fd;
    }
    pthread_mutex_lock(&shim_lock);
    struct stat info;
    bool there = syscall(SYS_newfstatat, AT_FDCWD, where, &info, AT_SYMLINK_NOFOLLOW) == 0;
    int fd = -1;
    if (!there && (flags & O_CREAT) != 0 && shim_full() != '0')
        errno = ENOSPC;
    else
        fd = plain_open(at, path, flags, mode);
    if (fd >= 0 && fd < DESCRIPTORS) {
        struct shim_record record = {.act = SHIM_OPEN, .handle = ++handles, .made = !there};
        handle_of[fd] = record.handle;
        fstat(fd, &info);
        record.number = info.st_mode;
        shim_put(&record, name, NULL, NULL);
        if (there && (flags & O_TRUNC) != 0) {
            struct shim_record cut = {.act = SHIM_CUT, .handle = record.handle};
            shim_put(&cut, NULL, NULL, NULL);
        }
    }
    pthread_mutex_unlock(&shim_lock);
    return fd;
}

static mode_t mode_from(int flags, va_list *arguments)
{
    return (flags & (O_CREAT | __O_TMPFILE)) != 0 ? va_arg(*arguments, mode_t) : 0;
}

#define OPEN(name)                                                                                 \
    SHIM_EXPORT int name(const char *path, int flags, ...);                                        \
    SHIM_EXPORT int name(const char *path, int flags, ...)                                         \
    {                                                                                              \
        va_list arguments;                                                                         \
        va_start(arguments, flags);                                                                \
        mode_t mode = mode_from(flags, &arguments);                                                \
        va_end(arguments);                                                                         \
        return shim_open(AT_FDCWD, path, flags, mode);                                             \
    }
#define OPENAT(name)                                                                               \
    SHIM_EXPORT int name(int at, const char *path, int flags, ...);                                \
    SHIM_EXPORT int name(int at, const char *path, int flags, ...)                                 \
    {                                                                                              \
        va_list arguments;                                                                         \
        va_start(arguments, flags);                                                                \
        mode_t mode = mode_from(flags, &arguments);                                                \
        va_end(arguments);                                                                         \
        return shim_open(at, path, flags, mode);                                                   \
    }
OPEN(open)
OPEN(open64)
OPEN(__open_2)
OPEN(__open64_2)
OPENAT(openat)
OPENAT(openat64)
OPENAT(__openat_2)
OPENAT(__openat64_2)

SHIM_EXPORT int creat(const char *path, mode_t mode)
{
    return shim_open(AT_FDCWD, path, O_WRONLY | O_CREAT | O_TRUNC, mode);
}

SHIM_EXPORT int close(int fd)
{
    if (fd >= 0 && fd < DESCRIPTORS)
        handle_of[fd] = 0;
    return (int)syscall(SYS_close, fd);
}

/* --- writing -----------------------------------------------------------------------------------
 */

/* How much of a write the disk takes; -1: nothing, errno is set. */
static ssize_t room_for(int fd, off_t offset, size_t size)
{
    struct stat info;
    if (shim_full() == '0' || size == 0)
        return (ssize_t)size;
    if (shim_full() == '2' && fstat(fd, &info) == 0 && offset < info.st_size) {
        off_t left = info.st_size - offset;
        return (off_t)size <= left ? (ssize_t)size : (ssize_t)left;
    }
    errno = ENOSPC;
    return -1;
}

static off_t place(int fd)
{
    struct stat info;
    int flags = fcntl(fd, F_GETFL);
    if (flags >= 0 && (flags & O_APPEND) != 0 && fstat(fd, &info) == 0)
        return info.st_size;
    return lseek(fd, 0, SEEK_CUR);
}

/* offset below 0: where the descriptor stands. */
static ssize_t shim_write(int fd, const void *data, size_t size, off_t offset)
{
    pthread_mutex_lock(&shim_lock);
    off_t at = offset < 0 ? place(fd) : offset;
    ssize_t done = room_for(fd, at, size);
    if (done >= 0)
        done = offset < 0 ? syscall(SYS_write, fd, data, done)
                          : syscall(SYS_pwrite64, fd, data, done, offset);
    if (done > 0) {
        struct shim_record record = {.act = SHIM_WRITE,
                                     .handle = handle(fd),
                                     .number = (uint64_t)at,
                                     .data_bytes = (uint32_t)done};
        shim_put(&record, NULL, NULL, data);
    }
    pthread_mutex_unlock(&shim_lock);
    return done;
}

static void say(int fd, const void *data, size_t size)
{
    struct shim_record record = {
        .act = SHIM_SAID, .number = (uint64_t)fd, .data_bytes = (uint32_t)size};
    pthread_mutex_lock(&shim_lock);
    shim_put(&record, NULL, NULL, data);
    pthread_mutex_unlock(&shim_lock);
}

SHIM_EXPORT ssize_t write(int fd, const void *data, size_t size)
{
    if (handle(fd) != 0)
        return shim_write(fd, data, size, -1);
    if (fd == STDERR_FILENO || fd == STDOUT_FILENO)
        say(fd, data, size);
    return syscall(SYS_write, fd, data, size);
}

SHIM_EXPORT ssize_t pwrite(int fd, const void *data, size_t size, off_t offset)
{
    return handle(fd) != 0 ? shim_write(fd, data, size, offset)
                           : syscall(SYS_pwrite64, fd, data, size, offset);
}

SHIM_EXPORT ssize_t pwrite64(int fd, const void *data, size_t size, off64_t offset);
SHIM_EXPORT ssize_t pwrite64(int fd, const void *data, size_t size, off64_t offset)
{
    return pwrite(fd, data, size, offset);
}

SHIM_EXPORT ssize_t writev(int fd, const struct iovec *parts, int count)
{
    ssize_t all = 0;
    if (handle(fd) == 0)
        return syscall(SYS_writev, fd, parts, count);
    for (int i = 0; i < count; i++) {
        ssize_t done = shim_write(fd, parts[i].iov_base, parts[i].iov_len, -1);
        if (done < 0)
            return all > 0 ? all : -1;
        all += done;
        if ((size_t)done < parts[i].iov_len)
            break;
    }
    return all;
}

/* The door's trace goes through stdio, whose own writes nobody sees. Written down before it is
 * out: what must have been before it, must have been before this. */
SHIM_EXPORT size_t fwrite(const void *data, size_t size, size_t count, FILE *stream)
{
    static __typeof__(&fwrite) next;
    if (next == NULL)
        next = SHIM_NEXT(fwrite);
    if (stream == stdout)
        say(STDOUT_FILENO, data, size * count);
    return next(data, size, count, stream);
}

static int shim_cut(int fd, off_t size)
{
    struct stat info;
    int result = -1;
    pthread_mutex_lock(&shim_lock);
    if (shim_full() != '0' && fstat(fd, &info) == 0 && size > info.st_size)
        errno = ENOSPC;
    else
        result = (int)syscall(SYS_ftruncate, fd, size);
    if (result == 0 && handle(fd) != 0) {
        struct shim_record record = {
            .act = SHIM_CUT, .handle = handle(fd), .number = (uint64_t)size};
        shim_put(&record, NULL, NULL, NULL);
    }
    pthread_mutex_unlock(&shim_lock);
    return result;
}

SHIM_EXPORT int ftruncate(int fd, off_t size)
{
    return handle(fd) != 0 ? shim_cut(fd, size) : (int)syscall(SYS_ftruncate, fd, size);
}

SHIM_EXPORT int ftruncate64(int fd, off64_t size);
SHIM_EXPORT int ftruncate64(int fd, off64_t size)
{
    return ftruncate(fd, size);
}

/* Room that is taken before it is needed: nothing here needs it, and who asks must do without. */
SHIM_EXPORT int fallocate(int fd, int mode, off_t offset, off_t size)
{
    if (handle(fd) == 0)
        return (int)syscall(SYS_fallocate, fd, mode, offset, size);
    errno = EOPNOTSUPP;
    return -1;
}

SHIM_EXPORT int fallocate64(int fd, int mode, off64_t offset, off64_t size);
SHIM_EXPORT int fallocate64(int fd, int mode, off64_t offset, off64_t size)
{
    return fallocate(fd, mode, offset, size);
}

SHIM_EXPORT int posix_fallocate(int fd, off_t offset, off_t size)
{
    return handle(fd) != 0                                    ? EOPNOTSUPP
           : syscall(SYS_fallocate, fd, 0, offset, size) == 0 ? 0
                                                              : errno;
}

SHIM_EXPORT int posix_fallocate64(int fd, off64_t offset, off64_t size);
SHIM_EXPORT int posix_fallocate64(int fd, off64_t offset, off64_t size)
{
    return posix_fallocate(fd, offset, size);
}

static int shim_sync(int fd, long call)
{
    if (handle(fd) == 0)
        return (int)syscall(call, fd);
    pthread_mutex_lock(&shim_lock);
    struct shim_record record = {.act = SHIM_SYNC, .handle = handle(fd)};
    /* Not for real: nobody pulls this machine's plug, and the log is what counts. */
    shim_put(&record, NULL, NULL, NULL);
    pthread_mutex_unlock(&shim_lock);
    return 0;
}

SHIM_EXPORT int fsync(int fd)
{
    return shim_sync(fd, SYS_fsync);
}

SHIM_EXPORT int fdatasync(int fd)
{
    return shim_sync(fd, SYS_fdatasync);
}

SHIM_EXPORT int fchmod(int fd, mode_t mode)
{
    int result = (int)syscall(SYS_fchmod, fd, mode);
    if (result == 0 && handle(fd) != 0) {
        struct shim_record record = {.act = SHIM_MODE, .handle = handle(fd), .number = mode};
        pthread_mutex_lock(&shim_lock);
        shim_put(&record, NULL, NULL, NULL);
        pthread_mutex_unlock(&shim_lock);
    }
    return result;
}

SHIM_EXPORT FILE *fopen64(const char *path, const char *mode)
{
    char where[PATH_MAX];
    static __typeof__(&fopen64) next;
    if (next == NULL)
        next = SHIM_NEXT(fopen64);
    if (strpbrk(mode, "wa+") != NULL && shim_resolve(AT_FDCWD, path, where) != NULL)
        abort(); /* its writes would not be seen */
    return next(path, mode);
}
