/* SPDX-License-Identifier: Apache-2.0 */
#include "fakes/power_disk.h"

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
struct power_image {
    struct power_image *next; /* of all */
    struct sector **changed;  /* by number; NULL: as it was synced */
    uint64_t changed_count;   /* how long that array is */
    struct length *lengths;   /* first the synced one, then each that followed */
    unsigned length_count;    /* at least 1 */
    uint8_t *removed_content; /* when it has no name any more */
    int64_t removed_size;
};

/* Which file a name has stood for: first the durable one, last the present one; NULL: none. */
struct power_name {
    struct power_name *next;
    char *path;
    struct power_image **states;
    unsigned count;
};

static struct power_image *images;
static struct power_name *names;

static void *must(void *memory)
{
    if (memory == NULL) {
        fprintf(stderr, "power_vfs: no memory\n");
        abort();
    }
    return memory;
}

/* --- what has changed ------------------------------------------------------------------------- */

static void add_length(struct power_image *image, int64_t bytes, uint64_t step)
{
    image->lengths =
        must(realloc(image->lengths, (image->length_count + 1) * sizeof(*image->lengths)));
    image->lengths[image->length_count++] = (struct length){.at = step, .bytes = bytes};
}

static void add_version(sqlite3_file *real, struct sector *sector, uint64_t number,
                        bool was_cut_off, uint64_t step)
{
    sector->versions =
        must(realloc(sector->versions, (sector->count + 1) * sizeof(*sector->versions)));
    struct version *version = &sector->versions[sector->count];
    memset(version, 0, sizeof(*version));
    version->at = sector->count++ == 0 ? 0 : step;
    version->was_cut_off = was_cut_off;
    /* What lies behind the end is read as zeros. */
    (void)real->pMethods->xRead(real, version->content, SECTOR_BYTES,
                                (sqlite3_int64)number * SECTOR_BYTES);
}

static void make_room(struct power_image *image, uint64_t last)
{
    if (last >= image->changed_count) {
        uint64_t count = 2 * last + 16;
        image->changed = must(realloc(image->changed, count * sizeof(struct sector *)));
        memset(image->changed + image->changed_count, 0,
               (count - image->changed_count) * sizeof(struct sector *));
        image->changed_count = count;
    }
}

void power_disk_note(struct power_image *image, sqlite3_file *real, int64_t from, int64_t to,
                     enum power_moment moment, uint64_t step)
{
    if (to > from) {
        uint64_t last = (uint64_t)(to - 1) / SECTOR_BYTES;
        make_room(image, last);
        for (uint64_t i = (uint64_t)from / SECTOR_BYTES; i <= last; i++) {
            bool first = image->changed[i] == NULL;
            if (first) {
                image->changed[i] = must(calloc(1, sizeof(struct sector)));
            }
            if (first || moment != POWER_BEFORE) {
                add_version(real, image->changed[i], i, moment == POWER_AFTER_TRUNCATION, step);
            }
        }
    }
    sqlite3_int64 bytes;
    if (moment != POWER_BEFORE && real->pMethods->xFileSize(real, &bytes) == SQLITE_OK) {
        add_length(image, bytes, step);
    }
}

static void forget_sectors(struct power_image *image)
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

void power_disk_sync(struct power_image *image)
{
    forget_sectors(image);
    image->lengths[0] = image->lengths[image->length_count - 1];
    image->length_count = 1;
}

/* --- names ------------------------------------------------------------------------------------ */

static void add_state(struct power_name *name, struct power_image *image)
{
    name->states = must(realloc(name->states, (name->count + 1) * sizeof(struct power_image *)));
    name->states[name->count++] = image;
}

static struct power_image *new_image(int64_t size, uint64_t step)
{
    struct power_image *image = must(calloc(1, sizeof(*image)));
    add_length(image, size, step);
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
struct power_name *power_disk_name(const char *path)
{
    for (struct power_name *name = names; name != NULL; name = name->next) {
        if (strcmp(name->path, path) == 0) {
            return name;
        }
    }
    struct power_name *name = must(calloc(1, sizeof(*name)));
    int64_t size = size_on_disk(path);
    name->path = must(strdup(path));
    add_state(name, size >= 0 ? new_image(size, 0) : NULL);
    name->next = names;
    names = name;
    return name;
}

const char *power_disk_path(const struct power_name *name)
{
    return name->path;
}

struct power_image *power_disk_present(const struct power_name *name)
{
    return name->states[name->count - 1];
}

struct power_image *power_disk_create(struct power_name *name, uint64_t step)
{
    add_state(name, new_image(0, step));
    return power_disk_present(name);
}

static size_t folder_length(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash == NULL ? 0 : (size_t)(slash - path);
}

/* What no name and no open file stands for any more is only memory: it goes with the next restore.
 */
void power_disk_sync_folder(const char *path)
{
    size_t length = folder_length(path);
    for (struct power_name *name = names; name != NULL; name = name->next) {
        if (folder_length(name->path) == length && strncmp(name->path, path, length) == 0) {
            name->states[0] = power_disk_present(name);
            name->count = 1;
        }
    }
}

void power_disk_remove(struct power_name *name)
{
    struct power_image *image = power_disk_present(name);
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

/* --- after the cut ---------------------------------------------------------------------------- */

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
static void put_back(const char *path, struct power_image *image)
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

static void put_name_back(struct power_name *name)
{
    char index[4096];
    struct power_image *image = name->states[draw(name->count)];
    if (image == NULL) {
        (void)unlink(name->path);
    } else {
        put_back(name->path, image);
    }
    if (snprintf(index, sizeof(index), "%s-shm", name->path) < (int)sizeof(index)) {
        (void)unlink(index);
    }
}

void power_disk_forget(void)
{
    for (struct power_name *name = names, *next; name != NULL; name = next) {
        next = name->next;
        free(name->states);
        free(name->path);
        free(name);
    }
    for (struct power_image *image = images, *next; image != NULL; image = next) {
        next = image->next;
        forget_sectors(image);
        free(image->lengths);
        free(image->removed_content);
        free(image);
    }
    names = NULL;
    images = NULL;
}

void power_disk_restore(uint64_t seed)
{
    random_state = (seed + 1) * UINT64_C(0x9e3779b97f4a7c15);
    for (struct power_name *name = names; name != NULL; name = name->next) {
        put_name_back(name);
    }
    power_disk_forget();
}
