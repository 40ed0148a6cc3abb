/* SPDX-License-Identifier: Apache-2.0 */
#include "fakes/power_vfs.h"

#include <pthread.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fakes/power_disk.h"

struct power_file {
    sqlite3_file base;
    sqlite3_file *real;
    struct power_image *image; /* NULL: not looked at */
    const char *path;
    bool syncs_folder; /* with its next sync */
};

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static sqlite3_vfs vfs, *real_vfs;
static uint64_t steps, last_step;
static bool cut, syncs_ignored;
static unsigned open_files;

/* --- the files' methods ----------------------------------------------------------------------- */

/* May a step begin? At the last one: it happens, more or less, and fails. */
static bool step(bool *last)
{
    *last = false;
    if (cut) {
        return false;
    }
    steps++;
    *last = cut = last_step != 0 && steps >= last_step;
    return true;
}

static int64_t size_of(sqlite3_file *real)
{
    sqlite3_int64 size = 0;
    return real->pMethods->xFileSize(real, &size) == SQLITE_OK ? size : 0;
}

static int power_close(sqlite3_file *base)
{
    struct power_file *file = (struct power_file *)base;
    pthread_mutex_lock(&mutex);
    open_files--;
    pthread_mutex_unlock(&mutex);
    return file->real->pMethods->xClose(file->real);
}

static int power_read(sqlite3_file *base, void *data, int size, sqlite3_int64 offset)
{
    sqlite3_file *real = ((struct power_file *)base)->real;
    return real->pMethods->xRead(real, data, size, offset);
}

static int power_write(sqlite3_file *base, const void *data, int size, sqlite3_int64 offset)
{
    struct power_file *file = (struct power_file *)base;
    bool last;
    if (file->image == NULL) {
        return file->real->pMethods->xWrite(file->real, data, size, offset);
    }
    pthread_mutex_lock(&mutex);
    int result = SQLITE_IOERR_WRITE;
    if (step(&last)) {
        power_disk_note(file->image, file->real, offset, offset + size, POWER_BEFORE, steps);
        result = file->real->pMethods->xWrite(file->real, data, size, offset);
        power_disk_note(file->image, file->real, offset, offset + size, POWER_AFTER_WRITE, steps);
        result = last ? SQLITE_IOERR_WRITE : result;
    }
    pthread_mutex_unlock(&mutex);
    return result;
}

static int power_truncate(sqlite3_file *base, sqlite3_int64 size)
{
    struct power_file *file = (struct power_file *)base;
    bool last;
    if (file->image == NULL) {
        return file->real->pMethods->xTruncate(file->real, size);
    }
    pthread_mutex_lock(&mutex);
    int result = SQLITE_IOERR_TRUNCATE;
    if (step(&last)) {
        int64_t before = size_of(file->real);
        power_disk_note(file->image, file->real, size, before, POWER_BEFORE, steps);
        result = file->real->pMethods->xTruncate(file->real, size);
        power_disk_note(file->image, file->real, size, before, POWER_AFTER_TRUNCATION, steps);
        result = last ? SQLITE_IOERR_TRUNCATE : result;
    }
    pthread_mutex_unlock(&mutex);
    return result;
}

static int power_sync(sqlite3_file *base, int flags)
{
    struct power_file *file = (struct power_file *)base;
    bool last;
    (void)flags;
    pthread_mutex_lock(&mutex);
    int result = SQLITE_IOERR_FSYNC;
    if (step(&last) && !last) {
        result = SQLITE_OK;
        if (!syncs_ignored && file->image != NULL) {
            power_disk_sync(file->image);
            if (file->syncs_folder) {
                power_disk_sync_folder(file->path);
                file->syncs_folder = false;
            }
        }
    }
    pthread_mutex_unlock(&mutex);
    return result;
}

static int power_file_size(sqlite3_file *base, sqlite3_int64 *size)
{
    sqlite3_file *real = ((struct power_file *)base)->real;
    return real->pMethods->xFileSize(real, size);
}

static int power_lock(sqlite3_file *base, int level)
{
    sqlite3_file *real = ((struct power_file *)base)->real;
    return real->pMethods->xLock(real, level);
}

static int power_unlock(sqlite3_file *base, int level)
{
    sqlite3_file *real = ((struct power_file *)base)->real;
    return real->pMethods->xUnlock(real, level);
}

static int power_check_lock(sqlite3_file *base, int *out)
{
    sqlite3_file *real = ((struct power_file *)base)->real;
    return real->pMethods->xCheckReservedLock(real, out);
}

static int power_control(sqlite3_file *base, int operation, void *argument)
{
    sqlite3_file *real = ((struct power_file *)base)->real;
    return real->pMethods->xFileControl(real, operation, argument);
}

static int power_sector_size(sqlite3_file *base)
{
    sqlite3_file *real = ((struct power_file *)base)->real;
    return real->pMethods->xSectorSize(real);
}

static int power_characteristics(sqlite3_file *base)
{
    sqlite3_file *real = ((struct power_file *)base)->real;
    return real->pMethods->xDeviceCharacteristics(real);
}

/* The WAL's index is memory: the first to open it after a cut makes it anew. */
static int power_shm_map(sqlite3_file *base, int page, int size, int extend, void volatile **out)
{
    sqlite3_file *real = ((struct power_file *)base)->real;
    return real->pMethods->xShmMap(real, page, size, extend, out);
}

static int power_shm_lock(sqlite3_file *base, int offset, int count, int flags)
{
    sqlite3_file *real = ((struct power_file *)base)->real;
    return real->pMethods->xShmLock(real, offset, count, flags);
}

static void power_shm_barrier(sqlite3_file *base)
{
    sqlite3_file *real = ((struct power_file *)base)->real;
    real->pMethods->xShmBarrier(real);
}

static int power_shm_unmap(sqlite3_file *base, int delete)
{
    sqlite3_file *real = ((struct power_file *)base)->real;
    return real->pMethods->xShmUnmap(real, delete);
}

static int power_fetch(sqlite3_file *base, sqlite3_int64 offset, int size, void **out)
{
    sqlite3_file *real = ((struct power_file *)base)->real;
    return real->pMethods->xFetch(real, offset, size, out);
}

static int power_unfetch(sqlite3_file *base, sqlite3_int64 offset, void *page)
{
    sqlite3_file *real = ((struct power_file *)base)->real;
    return real->pMethods->xUnfetch(real, offset, page);
}

static const sqlite3_io_methods methods = {
    .iVersion = 3,
    .xClose = power_close,
    .xRead = power_read,
    .xWrite = power_write,
    .xTruncate = power_truncate,
    .xSync = power_sync,
    .xFileSize = power_file_size,
    .xLock = power_lock,
    .xUnlock = power_unlock,
    .xCheckReservedLock = power_check_lock,
    .xFileControl = power_control,
    .xSectorSize = power_sector_size,
    .xDeviceCharacteristics = power_characteristics,
    .xShmMap = power_shm_map,
    .xShmLock = power_shm_lock,
    .xShmBarrier = power_shm_barrier,
    .xShmUnmap = power_shm_unmap,
    .xFetch = power_fetch,
    .xUnfetch = power_unfetch,
};

/* --- the VFS's methods ------------------------------------------------------------------------ */

static int open_tracked(struct power_file *file, const char *path, int flags, int *out_flags)
{
    struct power_name *name = power_disk_name(path);
    int result = real_vfs->xOpen(real_vfs, path, file->real, flags, out_flags);
    if (result != SQLITE_OK) {
        return result;
    }
    file->image = power_disk_present(name);
    if (file->image == NULL) {
        file->image = power_disk_create(name, steps);
        file->syncs_folder =
            (flags & (SQLITE_OPEN_WAL | SQLITE_OPEN_MAIN_JOURNAL | SQLITE_OPEN_SUPER_JOURNAL)) != 0;
    }
    file->path = power_disk_path(name);
    return SQLITE_OK;
}

static int power_open(sqlite3_vfs *self, const char *path, sqlite3_file *base, int flags,
                      int *out_flags)
{
    struct power_file *file = (struct power_file *)base;
    (void)self;
    memset(file, 0, sizeof(*file));
    file->real = (sqlite3_file *)(file + 1);
    pthread_mutex_lock(&mutex);
    int result = SQLITE_CANTOPEN;
    if (!cut) {
        result = path == NULL || (flags & SQLITE_OPEN_DELETEONCLOSE) != 0
                     ? real_vfs->xOpen(real_vfs, path, file->real, flags, out_flags)
                     : open_tracked(file, path, flags, out_flags);
    }
    if (result == SQLITE_OK) {
        file->base.pMethods = &methods;
        open_files++;
    }
    pthread_mutex_unlock(&mutex);
    return result;
}

static int power_delete(sqlite3_vfs *self, const char *path, int with_folder)
{
    bool last;
    (void)self;
    pthread_mutex_lock(&mutex);
    int result = SQLITE_IOERR_DELETE;
    if (step(&last)) {
        power_disk_remove(power_disk_name(path));
        result = real_vfs->xDelete(real_vfs, path, 0);
        if (with_folder && !last && !syncs_ignored) {
            power_disk_sync_folder(path);
        }
        result = last ? SQLITE_IOERR_DELETE : result;
    }
    pthread_mutex_unlock(&mutex);
    return result;
}

/* --- the power -------------------------------------------------------------------------------- */

void power_vfs_restore(uint64_t seed)
{
    pthread_mutex_lock(&mutex);
    if (open_files != 0) {
        fprintf(stderr, "power_vfs: %u files are still open\n", open_files);
        abort();
    }
    power_disk_restore(seed);
    cut = false;
    last_step = 0;
    pthread_mutex_unlock(&mutex);
}

void power_vfs_cut_at(uint64_t at)
{
    pthread_mutex_lock(&mutex);
    last_step = at == 0 ? 0 : steps + at;
    pthread_mutex_unlock(&mutex);
}

bool power_vfs_is_cut(void)
{
    pthread_mutex_lock(&mutex);
    bool is_cut = cut;
    pthread_mutex_unlock(&mutex);
    return is_cut;
}

void power_vfs_ignore_syncs(bool ignore)
{
    pthread_mutex_lock(&mutex);
    syncs_ignored = ignore;
    pthread_mutex_unlock(&mutex);
}

void power_vfs_install(void)
{
    real_vfs = sqlite3_vfs_find(NULL);
    vfs = *real_vfs; /* all else is the real one's, and it uses pAppData as it needs */
    vfs.pNext = NULL;
    vfs.zName = "power";
    vfs.szOsFile = (int)sizeof(struct power_file) + real_vfs->szOsFile;
    vfs.xOpen = power_open;
    vfs.xDelete = power_delete;
    steps = last_step = 0;
    cut = syncs_ignored = false;
    if (sqlite3_vfs_register(&vfs, 1) != SQLITE_OK) {
        fprintf(stderr, "power_vfs: cannot be registered\n");
        abort();
    }
}

void power_vfs_uninstall(void)
{
    sqlite3_vfs_unregister(&vfs);
    sqlite3_vfs_register(real_vfs, 1);
    power_disk_forget();
}
