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
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/timex.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "chaos/shim_log.h"

_Static_assert(sizeof(off_t) == 8, "open and open64 are one here");

#define EXPORT __attribute__((visibility("default")))
#define DESCRIPTORS 65536
#define BOOT_ID "/proc/sys/kernel/random/boot_id"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static char folder[PATH_MAX];
static size_t folder_bytes;
static const char *orders; /* mapped; NULL: none */
static const char *boot;
static int log_fd = -1;
static uint32_t handles;                /* given out so far */
static uint32_t handle_of[DESCRIPTORS]; /* 0: not ours */

/* The next one of this name, libc's. */
#define REAL(name) ((__typeof__(&name))real(#name))
static void *real(const char *name)
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
    boot = getenv("CHAOS_BOOT");
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

static char full(void)
{
    return orders == NULL ? '0' : orders[SHIM_ORDERS_FULL_AT];
}

static int64_t shift_ms(void)
{
    return orders == NULL ? 0 : strtoll(orders + SHIM_ORDERS_SHIFT_AT, NULL, 10);
}

/* --- the log -----------------------------------------------------------------------------------
 */

static void put(const struct shim_record *what, const char *name, const char *second,
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
static const char *resolve(int at, const char *path, char *out)
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
    if (boot != NULL && path != NULL && strcmp(path, BOOT_ID) == 0)
        path = boot;
    int saved_errno = errno;
    const char *name = resolve(at, path, where);
    errno = saved_errno;
    if (name == NULL) {
        int fd = plain_open(at, path, flags, mode);
        if (fd >= 0 && fd < DESCRIPTORS)
            handle_of[fd] = 0;
        return fd;
    }
    pthread_mutex_lock(&lock);
    struct stat info;
    bool there = syscall(SYS_newfstatat, AT_FDCWD, where, &info, AT_SYMLINK_NOFOLLOW) == 0;
    int fd = -1;
    if (!there && (flags & O_CREAT) != 0 && full() != '0')
        errno = ENOSPC;
    else
        fd = plain_open(at, path, flags, mode);
    if (fd >= 0 && fd < DESCRIPTORS) {
        struct shim_record record = {.act = SHIM_OPEN, .handle = ++handles, .made = !there};
        handle_of[fd] = record.handle;
        fstat(fd, &info);
        record.number = info.st_mode;
        put(&record, name, NULL, NULL);
        if (there && (flags & O_TRUNC) != 0) {
            struct shim_record cut = {.act = SHIM_CUT, .handle = record.handle};
            put(&cut, NULL, NULL, NULL);
        }
    }
    pthread_mutex_unlock(&lock);
    return fd;
}

static mode_t mode_from(int flags, va_list *arguments)
{
    return (flags & (O_CREAT | __O_TMPFILE)) != 0 ? va_arg(*arguments, mode_t) : 0;
}

#define OPEN(name)                                                                                 \
    EXPORT int name(const char *path, int flags, ...);                                             \
    EXPORT int name(const char *path, int flags, ...)                                              \
    {                                                                                              \
        va_list arguments;                                                                         \
        va_start(arguments, flags);                                                                \
        mode_t mode = mode_from(flags, &arguments);                                                \
        va_end(arguments);                                                                         \
        return shim_open(AT_FDCWD, path, flags, mode);                                             \
    }
#define OPENAT(name)                                                                               \
    EXPORT int name(int at, const char *path, int flags, ...);                                     \
    EXPORT int name(int at, const char *path, int flags, ...)                                      \
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

EXPORT int creat(const char *path, mode_t mode)
{
    return shim_open(AT_FDCWD, path, O_WRONLY | O_CREAT | O_TRUNC, mode);
}

EXPORT int close(int fd)
{
    if (fd == log_fd) { /* whoever closes what is not theirs */
        errno = EBADF;
        return -1;
    }
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
    if (full() == '0' || size == 0)
        return (ssize_t)size;
    if (full() == '2' && fstat(fd, &info) == 0 && offset < info.st_size) {
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
    pthread_mutex_lock(&lock);
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
        put(&record, NULL, NULL, data);
    }
    pthread_mutex_unlock(&lock);
    return done;
}

static void say(int fd, const void *data, size_t size)
{
    struct shim_record record = {
        .act = SHIM_SAID, .number = (uint64_t)fd, .data_bytes = (uint32_t)size};
    pthread_mutex_lock(&lock);
    put(&record, NULL, NULL, data);
    pthread_mutex_unlock(&lock);
}

EXPORT ssize_t write(int fd, const void *data, size_t size)
{
    if (handle(fd) != 0)
        return shim_write(fd, data, size, -1);
    if (fd == STDERR_FILENO || fd == STDOUT_FILENO)
        say(fd, data, size);
    return syscall(SYS_write, fd, data, size);
}

EXPORT ssize_t pwrite(int fd, const void *data, size_t size, off_t offset)
{
    return handle(fd) != 0 ? shim_write(fd, data, size, offset)
                           : syscall(SYS_pwrite64, fd, data, size, offset);
}

EXPORT ssize_t pwrite64(int fd, const void *data, size_t size, off64_t offset);
EXPORT ssize_t pwrite64(int fd, const void *data, size_t size, off64_t offset)
{
    return pwrite(fd, data, size, offset);
}

EXPORT ssize_t writev(int fd, const struct iovec *parts, int count)
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
EXPORT size_t fwrite(const void *data, size_t size, size_t count, FILE *stream)
{
    static __typeof__(&fwrite) next;
    if (next == NULL)
        next = REAL(fwrite);
    if (stream == stdout)
        say(STDOUT_FILENO, data, size * count);
    return next(data, size, count, stream);
}

static int shim_cut(int fd, off_t size)
{
    struct stat info;
    int result = -1;
    pthread_mutex_lock(&lock);
    if (full() != '0' && fstat(fd, &info) == 0 && size > info.st_size)
        errno = ENOSPC;
    else
        result = (int)syscall(SYS_ftruncate, fd, size);
    if (result == 0 && handle(fd) != 0) {
        struct shim_record record = {
            .act = SHIM_CUT, .handle = handle(fd), .number = (uint64_t)size};
        put(&record, NULL, NULL, NULL);
    }
    pthread_mutex_unlock(&lock);
    return result;
}

EXPORT int ftruncate(int fd, off_t size)
{
    return handle(fd) != 0 ? shim_cut(fd, size) : (int)syscall(SYS_ftruncate, fd, size);
}

EXPORT int ftruncate64(int fd, off64_t size);
EXPORT int ftruncate64(int fd, off64_t size)
{
    return ftruncate(fd, size);
}

/* Room that is taken before it is needed: nothing here needs it, and who asks must do without. */
EXPORT int fallocate(int fd, int mode, off_t offset, off_t size)
{
    if (handle(fd) == 0)
        return (int)syscall(SYS_fallocate, fd, mode, offset, size);
    errno = EOPNOTSUPP;
    return -1;
}

EXPORT int fallocate64(int fd, int mode, off64_t offset, off64_t size);
EXPORT int fallocate64(int fd, int mode, off64_t offset, off64_t size)
{
    return fallocate(fd, mode, offset, size);
}

EXPORT int posix_fallocate(int fd, off_t offset, off_t size)
{
    return handle(fd) != 0                                    ? EOPNOTSUPP
           : syscall(SYS_fallocate, fd, 0, offset, size) == 0 ? 0
                                                              : errno;
}

EXPORT int posix_fallocate64(int fd, off64_t offset, off64_t size);
EXPORT int posix_fallocate64(int fd, off64_t offset, off64_t size)
{
    return posix_fallocate(fd, offset, size);
}

static int shim_sync(int fd, long call)
{
    if (handle(fd) == 0)
        return (int)syscall(call, fd);
    pthread_mutex_lock(&lock);
    struct shim_record record = {.act = SHIM_SYNC, .handle = handle(fd)};
    /* Not for real: nobody pulls this machine's plug, and the log is what counts. */
    put(&record, NULL, NULL, NULL);
    pthread_mutex_unlock(&lock);
    return 0;
}

EXPORT int fsync(int fd)
{
    return shim_sync(fd, SYS_fsync);
}

EXPORT int fdatasync(int fd)
{
    return shim_sync(fd, SYS_fdatasync);
}

EXPORT int fchmod(int fd, mode_t mode)
{
    int result = (int)syscall(SYS_fchmod, fd, mode);
    if (result == 0 && handle(fd) != 0) {
        struct shim_record record = {.act = SHIM_MODE, .handle = handle(fd), .number = mode};
        pthread_mutex_lock(&lock);
        put(&record, NULL, NULL, NULL);
        pthread_mutex_unlock(&lock);
    }
    return result;
}

/* --- names -------------------------------------------------------------------------------------
 */

static int shim_rename(int from_at, const char *from, int to_at, const char *to, unsigned flags)
{
    char from_path[PATH_MAX], to_path[PATH_MAX];
    const char *name = resolve(from_at, from, from_path), *second = resolve(to_at, to, to_path);
    pthread_mutex_lock(&lock);
    int result = (int)syscall(SYS_renameat2, from_at, from, to_at, to, flags);
    if (result == 0 && (name == NULL) != (second == NULL))
        abort(); /* into the folder, or out of it: disk.c knows nothing of outside */
    if (result == 0 && name != NULL) {
        struct shim_record record = {.act = SHIM_RENAME};
        put(&record, name, second, NULL);
    }
    pthread_mutex_unlock(&lock);
    return result;
}

EXPORT int rename(const char *from, const char *to)
{
    return shim_rename(AT_FDCWD, from, AT_FDCWD, to, 0);
}

EXPORT int renameat(int from_at, const char *from, int to_at, const char *to)
{
    return shim_rename(from_at, from, to_at, to, 0);
}

EXPORT int renameat2(int from_at, const char *from, int to_at, const char *to, unsigned flags)
{
    return shim_rename(from_at, from, to_at, to, flags);
}

static int shim_unlink(int at, const char *path, int flags)
{
    char where[PATH_MAX];
    const char *name = resolve(at, path, where);
    pthread_mutex_lock(&lock);
    int result = (int)syscall(SYS_unlinkat, at, path, flags);
    if (result == 0 && name != NULL) {
        struct shim_record record = {.act = (flags & AT_REMOVEDIR) != 0 ? SHIM_RMDIR : SHIM_UNLINK};
        put(&record, name, NULL, NULL);
    }
    pthread_mutex_unlock(&lock);
    return result;
}

EXPORT int unlink(const char *path)
{
    return shim_unlink(AT_FDCWD, path, 0);
}

EXPORT int unlinkat(int at, const char *path, int flags)
{
    return shim_unlink(at, path, flags);
}

EXPORT int rmdir(const char *path)
{
    return shim_unlink(AT_FDCWD, path, AT_REMOVEDIR);
}

EXPORT int remove(const char *path)
{
    int result = unlink(path);
    return result != 0 && errno == EISDIR ? rmdir(path) : result;
}

static int shim_mkdir(int at, const char *path, mode_t mode)
{
    char where[PATH_MAX];
    const char *name = resolve(at, path, where);
    int result = -1;
    pthread_mutex_lock(&lock);
    struct stat info;
    bool there = name != NULL && syscall(SYS_newfstatat, AT_FDCWD, where, &info, 0) == 0;
    if (name != NULL && !there && full() != '0')
        errno = ENOSPC;
    else
        result = (int)syscall(SYS_mkdirat, at, path, mode);
    if (result == 0 && name != NULL) {
        struct shim_record record = {.act = SHIM_MKDIR, .number = mode};
        put(&record, name, NULL, NULL);
    }
    pthread_mutex_unlock(&lock);
    return result;
}

EXPORT int mkdir(const char *path, mode_t mode)
{
    return shim_mkdir(AT_FDCWD, path, mode);
}

EXPORT int mkdirat(int at, const char *path, mode_t mode)
{
    return shim_mkdir(at, path, mode);
}

/* A hard or symbolic link below the folder, or a copy inside the kernel, is what disk.c does not
 * know: nothing here makes any, and whoever begins to must teach it. */
EXPORT int link(const char *from, const char *to)
{
    char where[PATH_MAX];
    if (resolve(AT_FDCWD, to, where) != NULL)
        abort();
    return (int)syscall(SYS_linkat, AT_FDCWD, from, AT_FDCWD, to, 0);
}

EXPORT int linkat(int from_at, const char *from, int to_at, const char *to, int flags)
{
    char where[PATH_MAX];
    if (resolve(to_at, to, where) != NULL)
        abort();
    return (int)syscall(SYS_linkat, from_at, from, to_at, to, flags);
}

EXPORT FILE *fopen64(const char *path, const char *mode)
{
    char where[PATH_MAX];
    static __typeof__(&fopen64) next;
    if (next == NULL)
        next = REAL(fopen64);
    if (strpbrk(mode, "wa+") != NULL && resolve(AT_FDCWD, path, where) != NULL)
        abort(); /* its writes would not be seen */
    return next(path, mode);
}

/* --- time --------------------------------------------------------------------------------------
 */

static void shift(struct timespec *time)
{
    int64_t off_ms = shift_ms();
    int64_t ns = time->tv_nsec + off_ms % 1000 * 1000000;
    time->tv_sec += off_ms / 1000 + (ns >= 1000000000) - (ns < 0);
    time->tv_nsec = ns >= 1000000000 ? ns - 1000000000 : ns < 0 ? ns + 1000000000 : ns;
}

EXPORT int clock_gettime(clockid_t id, struct timespec *now)
{
    static __typeof__(&clock_gettime) next;
    if (next == NULL)
        next = REAL(clock_gettime);
    int result = next(id, now);
    if (result == 0 && (id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE))
        shift(now);
    return result;
}

EXPORT int gettimeofday(struct timeval *now, void *zone)
{
    struct timespec precise;
    (void)zone;
    int result = clock_gettime(CLOCK_REALTIME, &precise);
    *now = (struct timeval){.tv_sec = precise.tv_sec, .tv_usec = precise.tv_nsec / 1000};
    return result;
}

EXPORT time_t time(time_t *out)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (out != NULL)
        *out = now.tv_sec;
    return now.tv_sec;
}

/* The kernel of this machine may say that its clock is right. Of a shifted one it says nothing. */
EXPORT int adjtimex(struct timex *request)
{
    static __typeof__(&adjtimex) next;
    if (next == NULL)
        next = REAL(adjtimex);
    int state = next(request);
    if (shift_ms() == 0)
        return state;
    request->status |= STA_UNSYNC;
    return TIME_ERROR;
}
