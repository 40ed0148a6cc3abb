/* SPDX-License-Identifier: Apache-2.0 */
#include "fakes/power_vfs.h"

#include <pthread.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SECTOR_BYTES 512

struct version {
    uint64_t at;      /* the step; 0: what was synced */
    bool was_cut_off; /* by a truncation: zeros, if that has happened */
    uint8_t content[SECTOR_BYTES];
};

/* What a sector has held: first what was synced, then after each write. */
struct sector {
    unsigned count;
    struct version *versions;
};

struct length {
    uint64_t at;
    int64_t bytes;
};

/* One file, whatever its name is by now. */
struct image {
    struct image *next;       /* of all */
    struct sector **changed;  /* by number; NULL: as it was synced */
    uint64_t changed_count;   /* how long that array is */
    struct length *lengths;   /* first the synced one, then each that followed */
    unsigned length_count;    /* at least 1 */
    uint8_t *removed_content; /* when it has no name any more */
    int64_t removed_size;
};

/* Which file a name has stood for: first the durable one, last the present one; NULL: none. */
struct name {
    struct name *next;
    char *path;
    struct image **states;
    unsigned count;
};

struct power_file {
    sqlite3_file base;
    sqlite3_file *real;
    struct image *image; /* NULL: not looked at */
    const char *path;
    bool syncs_folder; /* with its next sync */
};

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static sqlite3_vfs vfs, *real_vfs;
static struct image *images;
static struct name *names;
static uint64_t steps, last_step;
static bool cut, syncs_ignored;
static unsigned open_files;

static void *must(void *memory)
{
    if (memory == NULL) {
        fprintf(stderr, "power_vfs: no memory\n");
        abort();
    }
    return memory;
}

/* --- what has changed ------------------------------------------------------------------------- */

static void add_length(struct image *image, int64_t bytes)
{
    image->lengths =
        must(realloc(image->lengths, (image->length_count + 1) * sizeof(*image->lengths)));
    image->lengths[image->length_count++] = (struct length){.at = steps, .bytes = bytes};
}

static void add_version(sqlite3_file *real, struct sector *sector, uint64_t number,
                        bool was_cut_off)
{
    sector->versions =
        must(realloc(sector->versions, (sector->count + 1) * sizeof(*sector->versions)));
    struct version *version = &sector->versions[sector->count];
    memset(version, 0, sizeof(*version));
    version->at = sector->count++ == 0 ? 0 : steps;
    version->was_cut_off = was_cut_off;
    /* What lies behind the end is read as zeros. */
    (void)real->pMethods->xRead(real, version->content, SECTOR_BYTES,
                                (sqlite3_int64)number * SECTOR_BYTES);
}

enum moment { BEFORE, AFTER_WRITE, AFTER_TRUNCATION };

/* Called before a change of these sectors, and after it. */
static void note(struct power_file *file, int64_t from, int64_t to, enum moment moment)
{
    struct image *image = file->image;
    uint64_t last = to > from ? (uint64_t)(to - 1) / SECTOR_BYTES : 0;
    if (to <= from) {
        return;
    }
    if (last >= image->changed_count) {
        uint64_t count = 2 * last + 16;
        image->changed = must(realloc(image->changed, count * sizeof(struct sector *)));
        memset(image->changed + image->changed_count, 0,
               (count - image->changed_count) * sizeof(struct sector *));
        image->changed_count = count;
    }
    for (uint64_t i = (uint64_t)from / SECTOR_BYTES; i <= last; i++) {
        bool first = image->changed[i] == NULL;
        if (first) {
            image->changed[i] = must(calloc(1, sizeof(struct sector)));
        }
        if (first || moment != BEFORE) {
            add_version(file->real, image->changed[i], i, moment == AFTER_TRUNCATION);
        }
    }
}

static void forget_sectors(struct image *image)
{
    for (uint64_t i = 0; i < image->changed_count; i++) {
        if (image->changed[i] != NULL) {
            free(image->changed[i]->versions);
            free(image->changed[i]);
        }
    }
    free(image->changed);
    image->changed = NULL;
    image->changed_count = 0;
}

static void set_synced(struct image *image)
{
    forget_sectors(image);
    image->lengths[0] = image->lengths[image->length_count - 1];
    image->length_count = 1;
}

/* --- names ------------------------------------------------------------------------------------ */

static void add_state(struct name *name, struct image *image)
{
    name->states = must(realloc(name->states, (name->count + 1) * sizeof(struct image *)));
    name->states[name->count++] = image;
}

static struct image *new_image(int64_t size)
{
    struct image *image = must(calloc(1, sizeof(*image)));
    add_length(image, size);
    image->next = images;
    images = image;
    return image;
}

static int64_t size_on_disk(const char *path)
{
    FILE *file = fopen(path, "rb");
    int64_t size = -1;
    if (file != NULL) {
        size = fseeko(file, 0, SEEK_END) == 0 ? ftello(file) : -1;
        fclose(file);
    }
    return size;
}

/* What was there before anybody looked is durable. */
static struct name *find_name(const char *path)
{
    for (struct name *name = names; name != NULL; name = name->next) {
        if (strcmp(name->path, path) == 0) {
            return name;
        }
    }
    struct name *name = must(calloc(1, sizeof(*name)));
    int64_t size = size_on_disk(path);
    name->path = must(strdup(path));
    add_state(name, size >= 0 ? new_image(size) : NULL);
    name->next = names;
    names = name;
    return name;
}

static struct image **present(struct name *name)
{
    return &name->states[name->count - 1];
}

static size_t folder_length(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash == NULL ? 0 : (size_t)(slash - path);
}

/* What no name and no open file stands for any more is only memory: it goes with the next restore.
 */
static void sync_folder(const char *path)
{
    size_t length = folder_length(path);
    for (struct name *name = names; name != NULL; name = name->next) {
        if (folder_length(name->path) == length && strncmp(name->path, path, length) == 0) {
            name->states[0] = *present(name);
            name->count = 1;
        }
    }
}

static void remove_name(struct name *name)
{
    struct image *image = *present(name);
    if (image == NULL) {
        return;
    }
    int64_t size = size_on_disk(name->path);
    image->removed_size = size > 0 ? size : 0;
    image->removed_content = must(malloc((size_t)image->removed_size + 1));
    FILE *file = fopen(name->path, "rb");
    if (file != NULL) {
        image->removed_size =
            (int64_t)fread(image->removed_content, 1, (size_t)image->removed_size, file);
        fclose(file);
    }
    add_state(name, NULL);
}

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
        note(file, offset, offset + size, BEFORE);
        result = file->real->pMethods->xWrite(file->real, data, size, offset);
        note(file, offset, offset + size, AFTER_WRITE);
        add_length(file->image, size_of(file->real));
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
        note(file, size, before, BEFORE);
        result = file->real->pMethods->xTruncate(file->real, size);
        note(file, size, before, AFTER_TRUNCATION);
        add_length(file->image, size_of(file->real));
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
            set_synced(file->image);
            if (file->syncs_folder) {
                sync_folder(file->path);
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
    struct name *name = find_name(path);
    int result = real_vfs->xOpen(real_vfs, path, file->real, flags, out_flags);
    if (result != SQLITE_OK) {
        return result;
    }
    if (*present(name) == NULL) {
        add_state(name, new_image(0));
        file->syncs_folder =
            (flags & (SQLITE_OPEN_WAL | SQLITE_OPEN_MAIN_JOURNAL | SQLITE_OPEN_SUPER_JOURNAL)) != 0;
    }
    file->image = *present(name);
    file->path = name->path;
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
        remove_name(find_name(path));
        result = real_vfs->xDelete(real_vfs, path, 0);
        if (with_folder && !last && !syncs_ignored) {
            sync_folder(path);
        }
        result = last ? SQLITE_IOERR_DELETE : result;
    }
    pthread_mutex_unlock(&mutex);
    return result;
}

/* --- the power -------------------------------------------------------------------------------- */

static uint64_t random_state;

static uint64_t draw(uint64_t below)
{
    random_state ^= random_state << 13; /* xorshift64, Marsaglia 2003 */
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return (random_state >> 11) % below;
}

enum survival { NOTHING, EVERYTHING, ANYTHING };

static unsigned pick(enum survival survival, unsigned count)
{
    return survival == NOTHING ? 0 : survival == EVERYTHING ? count - 1 : (unsigned)draw(count);
}

/* A file's length tells whether it was truncated: if it was, what the sector held before is gone;
 * if not, it still is there. */
static const struct version *pick_version(enum survival survival, const struct sector *sector,
                                          uint64_t length_at)
{
    const struct version *versions = sector->versions;
    unsigned first = 0, last = 0, picked;
    for (unsigned i = 0; i < sector->count; i++) {
        if (versions[i].was_cut_off && versions[i].at <= length_at) {
            first = i;
        }
        if (!versions[i].was_cut_off || versions[i].at <= length_at) {
            last = i;
        }
    }
    do {
        picked = first + pick(survival, last - first + 1);
    } while (versions[picked].was_cut_off && versions[picked].at > length_at);
    return &versions[picked];
}

/* The file under its name, as the disk has it. */
static void put_back(const char *path, struct image *image)
{
    static const enum survival kinds[] = {NOTHING, EVERYTHING, ANYTHING, ANYTHING};
    enum survival survival = kinds[draw(4)];
    FILE *file = fopen(path, image->removed_content != NULL ? "wb" : "rb+");
    if (file == NULL) {
        fprintf(stderr, "power_vfs: cannot open %s\n", path);
        abort();
    }
    bool good = image->removed_size == 0 ||
                fwrite(image->removed_content, (size_t)image->removed_size, 1, file) == 1;
    struct length length = image->lengths[pick(survival, image->length_count)];
    for (uint64_t i = 0; i < image->changed_count; i++) {
        if (image->changed[i] != NULL) {
            const struct version *version = pick_version(survival, image->changed[i], length.at);
            good = good && fseeko(file, (off_t)(i * SECTOR_BYTES), SEEK_SET) == 0 &&
                   fwrite(version->content, SECTOR_BYTES, 1, file) == 1;
        }
    }
    if (fflush(file) != 0 || !good || ftruncate(fileno(file), length.bytes) != 0) {
        fprintf(stderr, "power_vfs: cannot write %s\n", path);
        abort();
    }
    fclose(file);
}

static void put_name_back(struct name *name)
{
    char index[4096];
    struct image *image = name->states[draw(name->count)];
    if (image == NULL) {
        (void)unlink(name->path);
    } else {
        put_back(name->path, image);
    }
    if (snprintf(index, sizeof(index), "%s-shm", name->path) < (int)sizeof(index)) {
        (void)unlink(index);
    }
}

static void forget(void)
{
    for (struct name *name = names, *next; name != NULL; name = next) {
        next = name->next;
        free(name->states);
        free(name->path);
        free(name);
    }
    for (struct image *image = images, *next; image != NULL; image = next) {
        next = image->next;
        forget_sectors(image);
        free(image->lengths);
        free(image->removed_content);
        free(image);
    }
    names = NULL;
    images = NULL;
}

void power_vfs_restore(uint64_t seed)
{
    pthread_mutex_lock(&mutex);
    if (open_files != 0) {
        fprintf(stderr, "power_vfs: %u files are still open\n", open_files);
        abort();
    }
    random_state = (seed + 1) * UINT64_C(0x9e3779b97f4a7c15);
    for (struct name *name = names; name != NULL; name = name->next) {
        put_name_back(name);
    }
    forget();
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

uint64_t power_vfs_steps(void)
{
    pthread_mutex_lock(&mutex);
    uint64_t count = steps;
    pthread_mutex_unlock(&mutex);
    return count;
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
    forget();
}
