/* SPDX-License-Identifier: Apache-2.0 */
#include "gatehouse/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

void gh_cleanup_fd(int *fd)
{
    if (*fd >= 0) {
        int saved_errno = errno;
        close(*fd);
        *fd = -1;
        errno = saved_errno;
    }
}

void gh_cleanup_free(void *pointer_to_pointer)
{
    int saved_errno = errno;
    void *pointer;
    memcpy(&pointer, pointer_to_pointer, sizeof(pointer));
    free(pointer);
    errno = saved_errno;
}

void gh_cleanup_file(FILE **file)
{
    if (*file != NULL) {
        int saved_errno = errno;
        (void)fclose(*file);
        *file = NULL;
        errno = saved_errno;
    }
}

/* What errno means for somebody who reads, and for somebody who writes: there, a missing permission
 * and a read-only file system are the same trouble. */
static enum gh_status fail_read(struct gh_error *err, const char *what, const char *path)
{
    return gh_fail(err, gh_status_from_errno(errno), "%s %s: %m", what, path);
}

static enum gh_status fail_write(struct gh_error *err, const char *what, const char *path)
{
    enum gh_status status = gh_status_from_errno(errno);
    return gh_fail(err, status == GH_ERR_DENIED ? GH_ERR_READONLY : status, "%s %s: %m", what,
                   path);
}

/* Open a regular file, and nothing else. */
static enum gh_status open_regular(const char *path, int *fd, struct stat *info,
                                   struct gh_error *err)
{
    /* O_NONBLOCK: a FIFO must not hold us up before fstat tells that it is one. */
    *fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (*fd < 0 && errno != ENXIO) { /* a socket, or a device without a driver */
        return fail_read(err, "cannot open", path);
    }
    if (*fd < 0 || fstat(*fd, info) != 0 || !S_ISREG(info->st_mode)) {
        return gh_fail(err, GH_ERR_INVALID, "%s is not a regular file", path);
    }
    return GH_OK;
}

/* --- reading -------------------------------------------------------------------------------------
 */

/* Make room for at least one byte more (and the NUL behind it). */
static bool grow(uint8_t **buffer, size_t *capacity, size_t limit)
{
    size_t wanted = *capacity < 2048 ? 4096 : *capacity * 2;
    if (wanted > limit || wanted < *capacity) {
        wanted = limit;
    }
    uint8_t *bigger = realloc(*buffer, wanted);
    if (bigger == NULL) {
        return false;
    }
    *buffer = bigger;
    *capacity = wanted;
    return true;
}

/* Read to the end, whatever fstat said the size was: a file may grow, and in /proc it is 0. The
 * buffer's last byte is the NUL's, so that a file of exactly the expected size needs no growth. The
 * buffer is the caller's, also after a failure. */
static enum gh_status read_all(int fd, const char *path, size_t max_bytes, size_t capacity,
                               uint8_t **buffer, size_t *used, struct gh_error *err)
{
    size_t limit = max_bytes > SIZE_MAX - 2 ? SIZE_MAX : max_bytes + 2;
    for (;;) {
        if (*used + 1 == capacity && !grow(buffer, &capacity, limit)) {
            return gh_fail(err, GH_ERR_NOMEM, "no memory to read %s", path);
        }
        ssize_t got = read(fd, *buffer + *used, capacity - 1 - *used);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            return fail_read(err, "cannot read", path);
        }
        if (got == 0) {
            (*buffer)[*used] = 0;
            return GH_OK;
        }
        *used += (size_t)got;
        if (*used > max_bytes) {
            return gh_fail(err, GH_ERR_TOOBIG, "%s is larger than %zu bytes", path, max_bytes);
        }
    }
}

enum gh_status gh_file_read(const char *path, size_t max_bytes, uint8_t **data, size_t *size,
                            struct gh_error *err)
{
    *data = NULL;
    *size = 0;
    GH_CLEANUP_FD int fd = -1;
    struct stat info = {0};
    enum gh_status status = open_regular(path, &fd, &info, err);
    if (status != GH_OK) {
        return status;
    }
    if ((uintmax_t)info.st_size > max_bytes || (uintmax_t)info.st_size > SIZE_MAX - 2) {
        return gh_fail(err, GH_ERR_TOOBIG, "%s is larger than %zu bytes", path, max_bytes);
    }
    size_t capacity = (size_t)info.st_size + 2;
    size_t used = 0;
    uint8_t *buffer = malloc(capacity);
    if (buffer == NULL) {
        return gh_fail(err, GH_ERR_NOMEM, "no memory to read %s", path);
    }
    status = read_all(fd, path, max_bytes, capacity, &buffer, &used, err);
    if (status != GH_OK) {
        free(buffer);
        return status;
    }
    *data = buffer;
    *size = used;
    return GH_OK;
}

/* --- replacing -----------------------------------------------------------------------------------
 */

/* Open the folder that holds path; *name points to the last part. The folder is opened before
 * anything changes, so that one that cannot be synced is found out while the old file still stands.
 */
static enum gh_status open_folder(const char *path, int *fd, const char **name,
                                  struct gh_error *err)
{
    char folder[PATH_MAX];
    const char *slash = strrchr(path, '/');
    *name = slash != NULL ? slash + 1 : path;
    size_t folder_size = slash == NULL ? 1 : slash == path ? 1 : (size_t)(slash - path);
    if (**name == '\0' || folder_size >= sizeof(folder)) {
        return gh_fail(err, GH_ERR_INVALID, "%s is not a file's path", path);
    }
    memcpy(folder, slash != NULL ? path : ".", folder_size);
    folder[folder_size] = '\0';
    *fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return *fd < 0 ? fail_write(err, "cannot open the folder of", path) : GH_OK;
}

static enum gh_status sync_folder(int folder, const char *path, struct gh_error *err)
{
    /* EINVAL: a file system that has nothing to sync for a folder. */
    if (fsync(folder) != 0 && errno != EINVAL) {
        return fail_write(err, "cannot sync the folder of", path);
    }
    return GH_OK;
}

/* The file that `name` stands for right now is the one open as fd, and nothing but that name. */
static bool is_still_there(int folder, const char *name, int fd)
{
    struct stat by_fd, by_name;
    return fstat(fd, &by_fd) == 0 && fstatat(folder, name, &by_name, AT_SYMLINK_NOFOLLOW) == 0 &&
           by_fd.st_dev == by_name.st_dev && by_fd.st_ino == by_name.st_ino;
}

/* Take a descriptor away from its scope's cleanup. */
static int keep(int *fd)
{
    int kept = *fd;
    *fd = -1;
    return kept;
}

/* The temporary file has a fixed name, so that power cuts leave at most one behind, and is locked
 * while it is written, so that two who replace the same file at once take turns. */
static int open_temporary(int folder, const char *name)
{
    for (;;) {
        GH_CLEANUP_FD int fd =
            openat(folder, name, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600);
        struct stat info;
        if (fd < 0 && errno != ELOOP && errno != ENXIO && errno != EACCES) {
            return -1;
        }
        if (fd < 0 || fstat(fd, &info) != 0 || !S_ISREG(info.st_mode) || info.st_nlink > 1) {
            /* Something else lies where our temporary file belongs: a link, which is never written
             * through, or what another user left behind. */
            int open_errno = fd < 0 ? errno : EEXIST;
            if (unlinkat(folder, name, 0) != 0) {
                errno = open_errno;
                return -1;
            }
            continue;
        }
        while (flock(fd, LOCK_EX) != 0) {
            if (errno != EINTR) {
                return -1;
            }
        }
        if (is_still_there(folder, name, fd)) { /* else its last owner has just renamed it */
            return keep(&fd);
        }
    }
}

enum gh_status gh_file_write(int fd, const void *data, size_t size, uint64_t *written)
{
    const uint8_t *at = data;

    while (size > 0) {
        ssize_t put = write(fd, at, size);
        if (put < 0 && errno == EINTR) {
            continue;
        }
        if (put <= 0) {
            errno = put == 0 ? ENOSPC : errno;
            return gh_status_from_errno(errno);
        }
        at += put;
        size -= (size_t)put;
        if (written != NULL) {
            *written += (uint64_t)put;
        }
    }
    return GH_OK;
}

enum gh_status gh_file_replace(const char *path, mode_t mode, const void *data, size_t size,
                               struct gh_error *err)
{
    GH_CLEANUP_FD int folder = -1;
    const char *name;
    enum gh_status status = open_folder(path, &folder, &name, err);
    if (status != GH_OK) {
        return status;
    }
    char temporary[NAME_MAX + 1];
    if (snprintf(temporary, sizeof(temporary), "%s.tmp", name) >= (int)sizeof(temporary)) {
        return gh_fail(err, GH_ERR_INVALID, "the name of %s is too long", path);
    }
    GH_CLEANUP_FD int fd = open_temporary(folder, temporary);
    if (fd < 0) {
        return fail_write(err, "cannot write", path);
    }
    /* The mode comes before the data: what is secret is never readable, not even for a moment. */
    if (fchmod(fd, mode & 07777) != 0 || ftruncate(fd, 0) != 0 ||
        gh_file_write(fd, data, size, NULL) != GH_OK || fsync(fd) != 0 ||
        renameat(folder, temporary, folder, name) != 0) {
        status = fail_write(err, "cannot write", path);
        unlinkat(folder, temporary, 0);
        return status;
    }
    return sync_folder(folder, path, err);
}

enum gh_status gh_file_commit(const char *from, const char *to, struct gh_error *err)
{
    GH_CLEANUP_FD int folder = -1;
    const char *name;
    enum gh_status status = open_folder(to, &folder, &name, err);
    if (status != GH_OK) {
        return status;
    }
    GH_CLEANUP_FD int fd = -1;
    struct stat info = {0};
    status = open_regular(from, &fd, &info, err);
    if (status != GH_OK) {
        return status;
    }
    if (fsync(fd) != 0) {
        return fail_write(err, "cannot sync", from);
    }
    if (renameat(AT_FDCWD, from, folder, name) != 0) {
        return fail_write(err, "cannot write", to);
    }
    return sync_folder(folder, to, err);
}

/* --- folders and paths ---------------------------------------------------------------------------
 */

enum gh_status gh_dir_make(const char *path, mode_t mode, struct gh_error *err)
{
    struct stat info;
    if (mkdir(path, mode) == 0) {
        /* Best effort: what is put into the folder is synced by whoever puts it there. */
        GH_CLEANUP_FD int folder = -1;
        const char *name;
        if (open_folder(path, &folder, &name, NULL) == GH_OK) {
            fsync(folder);
        }
        return GH_OK;
    }
    if (errno != EEXIST) {
        return fail_write(err, "cannot create the folder", path);
    }
    if (stat(path, &info) != 0 || !S_ISDIR(info.st_mode)) {
        return gh_fail(err, GH_ERR_EXISTS, "%s is there already and is not a folder", path);
    }
    return GH_OK;
}

enum gh_status gh_path_join(const char *folder, const char *name, char *out, size_t out_bytes)
{
    size_t folder_size = strlen(folder);
    size_t name_size = strlen(name);
    bool slash = folder_size > 0 && folder[folder_size - 1] != '/';
    if (folder_size >= out_bytes || name_size >= out_bytes - folder_size ||
        folder_size + name_size + (slash ? 1 : 0) >= out_bytes) {
        if (out_bytes > 0) {
            out[0] = '\0';
        }
        return GH_ERR_TOOBIG;
    }
    memcpy(out, folder, folder_size);
    if (slash) {
        out[folder_size++] = '/';
    }
    memcpy(out + folder_size, name, name_size + 1);
    return GH_OK;
}
