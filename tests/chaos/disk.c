/* SPDX-License-Identifier: Apache-2.0 */
#include "chaos/disk.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SECTOR_BYTES 512
#define HANDLES_MAX (1u << 20)

static void *grow(void *block, size_t bytes)
{
    void *bigger = realloc(block, bytes == 0 ? 1 : bytes);
    if (bigger == NULL)
        chaos_die("no memory");
    return bigger;
}

uint64_t dice_roll(struct dice *dice, uint64_t sides)
{
    uint64_t mixed = dice->state += UINT64_C(0x9e3779b97f4a7c15);
    mixed = (mixed ^ (mixed >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    mixed = (mixed ^ (mixed >> 27)) * UINT64_C(0x94d049bb133111eb);
    return sides == 0 ? 0 : (mixed ^ (mixed >> 31)) % sides;
}

/* --- files -------------------------------------------------------------------------------------
 */

struct content {
    uint8_t *data;
    size_t size;
};

/* A change of a file's data that no fsync has followed. */
struct change {
    bool cut; /* to `at` bytes; else data at `at` */
    uint64_t at;
    struct content content;
};

struct file {
    bool folder;
    mode_t mode;
    struct content durable;
    struct change *changes;
    size_t change_count;
};

static void content_cut(struct content *content, size_t size)
{
    if (size > content->size) {
        content->data = grow(content->data, size);
        memset(content->data + content->size, 0, size - content->size);
    }
    content->size = size;
}

static void content_put(struct content *content, uint64_t at, const uint8_t *data, size_t size)
{
    if (at + size > content->size)
        content_cut(content, at + size);
    memcpy(content->data + at, data, size);
}

static void change_apply(const struct change *change, struct content *content)
{
    if (change->cut)
        content_cut(content, change->at);
    else
        content_put(content, change->at, change->content.data, change->content.size);
}

static void file_sync(struct file *file)
{
    for (size_t i = 0; i < file->change_count; i++) {
        change_apply(&file->changes[i], &file->durable);
        free(file->changes[i].content.data);
    }
    file->change_count = 0;
}

static void file_change(struct file *file, const struct change *change)
{
    if ((file->change_count & (file->change_count + 1)) == 0) /* room for twice as many */
        file->changes =
            grow(file->changes, (2 * file->change_count + 2) * sizeof(file->changes[0]));
    file->changes[file->change_count++] = *change;
}

/* --- names -------------------------------------------------------------------------------------
 */

struct name {
    char *text;
    struct file *file;
};
struct names {
    struct name *all;
    size_t count;
};

/* A change of names that no fsync of the folder has followed. */
struct renaming {
    enum shim_act act;
    bool done;
    char *name, *second;
    struct file *file; /* OPEN and MKDIR: the new one */
};

struct disk {
    struct names now, durable;
    struct renaming *renamings;
    size_t renaming_count;
    struct file **by_handle;
    char **handle_name; /* under which it was opened: a folder's */
    uint32_t handles;
    struct file **files; /* all that ever were */
    size_t file_count;
};

static struct file *file_new(struct disk *disk, bool folder, mode_t mode)
{
    struct file *file = grow(NULL, sizeof(*file));
    *file = (struct file){.folder = folder, .mode = mode & 07777};
    disk->files = grow(disk->files, (disk->file_count + 1) * sizeof(disk->files[0]));
    disk->files[disk->file_count++] = file;
    return file;
}

static struct name *names_find(const struct names *names, const char *text)
{
    for (size_t i = 0; i < names->count; i++)
        if (strcmp(names->all[i].text, text) == 0)
            return &names->all[i];
    return NULL;
}

static void names_drop(struct names *names, const char *text)
{
    struct name *name = names_find(names, text);
    if (name != NULL) {
        free(name->text);
        *name = names->all[--names->count];
    }
}

static void names_put(struct names *names, const char *text, struct file *file)
{
    names_drop(names, text);
    names->all = grow(names->all, (names->count + 1) * sizeof(names->all[0]));
    names->all[names->count++] = (struct name){.text = strdup(text), .file = file};
}

static struct names names_copy(const struct names *from)
{
    struct names copy = {0};
    for (size_t i = 0; i < from->count; i++)
        names_put(&copy, from->all[i].text, from->all[i].file);
    return copy;
}

static void names_free(struct names *names)
{
    for (size_t i = 0; i < names->count; i++)
        free(names->all[i].text);
    free(names->all);
    *names = (struct names){0};
}

/* A folder takes along what is in it. */
static void names_rename(struct names *names, const char *from, const char *to)
{
    struct name *name = names_find(names, from);
    if (name == NULL)
        return; /* its making is not durable, so neither is this */
    struct file *file = name->file;
    names_drop(names, from);
    names_put(names, to, file);
    size_t size = strlen(from);
    for (size_t i = 0; file->folder && i < names->count; i++) {
        char *text = names->all[i].text, path[PATH_MAX];
        if (strncmp(text, from, size) == 0 && text[size] == '/') {
            snprintf(path, sizeof(path), "%s%s", to, text + size);
            names->all[i].text = strdup(path);
            free(text);
        }
    }
}

static void renaming_apply(const struct renaming *renaming, struct names *names)
{
    switch (renaming->act) {
    case SHIM_OPEN:
    case SHIM_MKDIR:
        names_put(names, renaming->name, renaming->file);
        break;
    case SHIM_RENAME:
        names_rename(names, renaming->name, renaming->second);
        break;
    default:
        names_drop(names, renaming->name);
        break;
    }
}

static bool is_in(const char *name, const char *folder)
{
    size_t size = strlen(folder);
    if (name == NULL)
        return false;
    if (size > 0 && (strncmp(name, folder, size) != 0 || name[size] != '/'))
        return false;
    return strchr(name + size + (size > 0), '/') == NULL;
}

static void folder_sync(struct disk *disk, const char *folder)
{
    for (size_t i = 0; i < disk->renaming_count; i++) {
        struct renaming *renaming = &disk->renamings[i];
        if (!renaming->done && (is_in(renaming->name, folder) || is_in(renaming->second, folder))) {
            renaming_apply(renaming, &disk->durable);
            renaming->done = true;
        }
    }
}

/* --- what a program does -----------------------------------------------------------------------
 */

static void rename_now(struct disk *disk, enum shim_act act, const char *name, const char *second,
                       struct file *file)
{
    struct renaming renaming = {.act = act, .name = strdup(name), .file = file};
    if (act == SHIM_RENAME)
        renaming.second = strdup(second);
    renaming_apply(&renaming, &disk->now);
    disk->renamings = grow(disk->renamings, (disk->renaming_count + 1) * sizeof(renaming));
    disk->renamings[disk->renaming_count++] = renaming;
}

static void open_now(struct disk *disk, const struct shim_record *record, const char *name)
{
    bool folder = S_ISDIR((mode_t)record->number);
    struct name *found = name[0] == '\0' ? NULL : names_find(&disk->now, name);
    struct file *file = found == NULL ? NULL : found->file;
    if (record->handle >= HANDLES_MAX)
        chaos_die("more files were opened than a log is for");
    if (file == NULL && name[0] != '\0') {
        if (!record->made)
            chaos_die("the log opens %s, which is not there", name);
        file = file_new(disk, folder, (mode_t)record->number);
        rename_now(disk, SHIM_OPEN, name, NULL, file);
    }
    if (record->handle >= disk->handles) {
        uint32_t wanted = 2 * record->handle + 64;
        disk->by_handle = grow(disk->by_handle, wanted * sizeof(disk->by_handle[0]));
        disk->handle_name = grow(disk->handle_name, wanted * sizeof(disk->handle_name[0]));
        for (; disk->handles < wanted; disk->handles++) {
            disk->by_handle[disk->handles] = NULL;
            disk->handle_name[disk->handles] = NULL;
        }
    }
    disk->by_handle[record->handle] = folder ? NULL : file;
    free(disk->handle_name[record->handle]);
    disk->handle_name[record->handle] = folder ? strdup(name) : NULL;
}

static struct file *file_of(const struct disk *disk, const struct shim_record *record)
{
    struct file *file = record->handle < disk->handles ? disk->by_handle[record->handle] : NULL;
    if (file == NULL)
        chaos_die("the log writes to what it has not opened");
    return file;
}

static void sync_now(struct disk *disk, const struct shim_record *record)
{
    const char *folder = record->handle < disk->handles ? disk->handle_name[record->handle] : NULL;
    if (folder != NULL)
        folder_sync(disk, folder);
    else
        file_sync(file_of(disk, record));
}

void disk_act(struct disk *disk, const struct shim_record *record, const char *name,
              const char *second, const uint8_t *data)
{
    struct change change = {.cut = record->act == SHIM_CUT, .at = record->number};
    switch (record->act) {
    case SHIM_OPEN:
        open_now(disk, record, name);
        break;
    case SHIM_WRITE:
        change.content.size = record->data_bytes;
        change.content.data = memcpy(grow(NULL, record->data_bytes), data, record->data_bytes);
        file_change(file_of(disk, record), &change);
        break;
    case SHIM_CUT:
        file_change(file_of(disk, record), &change);
        break;
    case SHIM_SYNC:
        sync_now(disk, record);
        break;
    case SHIM_MKDIR:
        rename_now(disk, SHIM_MKDIR, name, NULL, file_new(disk, true, (mode_t)record->number));
        break;
    case SHIM_RENAME:
    case SHIM_UNLINK:
    case SHIM_RMDIR:
        rename_now(disk, record->act, name, second, NULL);
        break;
    case SHIM_MODE:
        if (record->handle < disk->handles && disk->by_handle[record->handle] != NULL)
            disk->by_handle[record->handle]->mode = (mode_t)record->number & 07777;
        break;
    case SHIM_SAID:
        break;
    default:
        chaos_die("the log has a record of an unknown kind");
    }
}

/* --- the power goes ----------------------------------------------------------------------------
 */

/* What one write leaves: by sectors, as they lie on the disk. */
static void apply_in_part(const struct change *change, struct content *content, struct dice *dice)
{
    uint64_t at = change->at, end = change->at + change->content.size;
    while (at < end) {
        uint64_t next = (at / SECTOR_BYTES + 1) * SECTOR_BYTES;
        if (next > end)
            next = end;
        if (dice_roll(dice, 2) == 0)
            content_put(content, at, change->content.data + (at - change->at), next - at);
        at = next;
    }
}

static struct content content_after(const struct file *file, enum power power, struct dice *dice)
{
    struct content content = {0};
    content_put(&content, 0, file->durable.data, file->durable.size);
    if (power == POWER_SYNCED || file->change_count == 0)
        return content;
    /* nothing of it, all of it, the first ones, or whatever */
    uint64_t manner = dice_roll(dice, 4), first = dice_roll(dice, file->change_count + 1);
    for (size_t i = 0; i < file->change_count && manner > 0; i++) {
        const struct change *change = &file->changes[i];
        if (manner == 1 || (manner == 2 && i < first))
            change_apply(change, &content);
        else if (manner == 2 && i == first && !change->cut)
            apply_in_part(change, &content, dice);
        else if (manner == 3 && change->cut && dice_roll(dice, 2) == 0)
            change_apply(change, &content);
        else if (manner == 3 && !change->cut)
            apply_in_part(change, &content, dice);
    }
    return content;
}

static void write_file(const char *path, const struct file *file, const struct content *content)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    size_t done = 0;
    while (fd >= 0 && done < content->size) {
        ssize_t written = write(fd, content->data + done, content->size - done);
        if (written <= 0)
            break;
        done += (size_t)written;
    }
    if (fd < 0 || done < content->size || fchmod(fd, file->mode) != 0)
        chaos_die("cannot write %s: %s", path, strerror(errno));
    close(fd);
}

static int by_text(const void *a, const void *b)
{
    return strcmp(((const struct name *)a)->text, ((const struct name *)b)->text);
}

void disk_write_out(const struct disk *disk, enum power power, struct dice *dice, const char *path)
{
    struct names names = names_copy(&disk->durable);
    size_t open_ones = 0;
    for (size_t i = 0; i < disk->renaming_count; i++)
        open_ones += !disk->renamings[i].done;
    size_t kept = power == POWER_SYNCED ? 0 : dice_roll(dice, open_ones + 1);
    for (size_t i = 0; i < disk->renaming_count && kept > 0; i++) {
        if (!disk->renamings[i].done) {
            renaming_apply(&disk->renamings[i], &names);
            kept--;
        }
    }
    if (names.count > 0)
        qsort(names.all, names.count, sizeof(names.all[0]),
              by_text); /* folders before their files */
    chaos_remove(path);
    if (mkdir(path, 0700) != 0)
        chaos_die("cannot make %s: %s", path, strerror(errno));
    for (size_t i = 0; i < names.count; i++) {
        char whole[PATH_MAX], parent[PATH_MAX];
        snprintf(whole, sizeof(whole), "%s/%s", path, names.all[i].text);
        snprintf(parent, sizeof(parent), "%.*s", (int)(strrchr(whole, '/') - whole), whole);
        if (access(parent, F_OK) != 0)
            continue; /* the folder's own name was not durable */
        if (names.all[i].file->folder) {
            if (mkdir(whole, 0700) != 0)
                chaos_die("cannot make %s: %s", whole, strerror(errno));
            continue;
        }
        struct content content = content_after(names.all[i].file, power, dice);
        write_file(whole, names.all[i].file, &content);
        free(content.data);
    }
    names_free(&names);
}

/* --- from a folder -------------------------------------------------------------
 */

static void take_file(struct file *file, const char *path)
{
    uint8_t buffer[65536];
    FILE *stream = fopen(path, "rb");
    size_t got;
    if (stream == NULL)
        chaos_die("cannot read %s: %s", path, strerror(errno));
    while ((got = fread(buffer, 1, sizeof(buffer), stream)) > 0)
        content_put(&file->durable, file->durable.size, buffer, got);
    fclose(stream);
}

static void take_folder(struct disk *disk, const char *root, const char *name)
{
    char path[PATH_MAX], inside[PATH_MAX];
    snprintf(path, sizeof(path), "%s%s%s", root, name[0] == '\0' ? "" : "/", name);
    DIR *folder = opendir(path);
    struct dirent *entry;
    if (folder == NULL)
        chaos_die("cannot read %s: %s", path, strerror(errno));
    while ((entry = readdir(folder)) != NULL) {
        struct stat info;
        size_t size = strlen(entry->d_name);
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0 ||
            (size > 4 && strcmp(entry->d_name + size - 4, "-shm") == 0))
            continue;
        if (snprintf(inside, sizeof(inside), "%s%s%s", name, name[0] == '\0' ? "" : "/",
                     entry->d_name) >= (int)sizeof(inside) ||
            snprintf(path, sizeof(path), "%s/%s", root, inside) >= (int)sizeof(path) ||
            lstat(path, &info) != 0)
            chaos_die("cannot read %s: %s", path, strerror(errno));
        struct file *file = file_new(disk, S_ISDIR(info.st_mode), info.st_mode);
        names_put(&disk->now, inside, file);
        names_put(&disk->durable, inside, file);
        if (file->folder)
            take_folder(disk, root, inside);
        else
            take_file(file, path);
    }
    closedir(folder);
}

struct disk *disk_new(const char *folder)
{
    struct disk *disk = grow(NULL, sizeof(*disk));
    *disk = (struct disk){0};
    take_folder(disk, folder, "");
    return disk;
}

void disk_free(struct disk *disk)
{
    for (size_t i = 0; i < disk->file_count; i++) {
        file_sync(disk->files[i]);
        free(disk->files[i]->durable.data);
        free(disk->files[i]->changes);
        free(disk->files[i]);
    }
    for (size_t i = 0; i < disk->renaming_count; i++) {
        free(disk->renamings[i].name);
        free(disk->renamings[i].second);
    }
    for (uint32_t i = 0; i < disk->handles; i++)
        free(disk->handle_name[i]);
    names_free(&disk->now);
    names_free(&disk->durable);
    free(disk->renamings);
    free(disk->by_handle);
    free(disk->handle_name);
    free(disk->files);
    free(disk);
}
