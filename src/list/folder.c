/* SPDX-License-Identifier: Apache-2.0 */
#include "list/folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "gatehouse/file.h"

#define TEMPORARY "new.tmp"

enum gh_status gh_list_lock(const char *folder, int *lock, struct gh_error *err)
{
    *lock = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (*lock < 0) {
        return gh_fail(err, gh_status_from_errno(errno), "cannot open %s: %m", folder);
    }
    if (flock(*lock, LOCK_EX | LOCK_NB) != 0) {
        return gh_fail(err, errno == EWOULDBLOCK ? GH_ERR_BUSY : GH_ERR_IO,
                       "somebody else is writing in %s", folder);
    }
    return GH_OK;
}

/* --- names ------------------------------------------------------------------------------------ */

static enum gh_status join(const char *folder, const char *name, char out[PATH_MAX],
                           struct gh_error *err)
{
    return folder[0] != '\0' && gh_path_join(folder, name, out, PATH_MAX) == GH_OK
               ? GH_OK
               : gh_fail(err, GH_ERR_INVALID, "the list's path is empty or too long");
}

enum gh_status gh_list_file_path(const char *folder, struct gh_list_file file, char out[PATH_MAX],
                                 struct gh_error *err)
{
    char name[48];
    (void)snprintf(name, sizeof(name), "%016" PRIx64 "-%04x.db", file.generation, file.serial);
    return join(folder, name, out, err);
}

static bool parse_hex(const char *text, size_t digits, uint64_t *out)
{
    *out = 0;
    for (size_t i = 0; i < digits; i++) {
        const char *digit = text[i] != '\0' ? strchr("0123456789abcdef", text[i]) : NULL;
        if (digit == NULL) {
            return false;
        }
    }
    *out = strtoull(text, NULL, 16);
    return true;
}

/* A list's name, or that of something beside it: *beside. */
static bool parse_name(const char *name, struct gh_list_file *file, bool *beside)
{
    uint64_t serial;
    if (strnlen(name, 24) < 24 || !parse_hex(name, 16, &file->generation) || name[16] != '-' ||
        !parse_hex(name + 17, 4, &serial) || strncmp(name + 21, ".db", 3) != 0) {
        return false;
    }
    file->serial = (unsigned)serial;
    *beside = name[24] != '\0';
    return !*beside || strcmp(name + 24, "-wal") == 0 || strcmp(name + 24, "-shm") == 0 ||
           strcmp(name + 24, "-journal") == 0;
}

bool gh_list_file_of(const char *path, struct gh_list_file *out)
{
    const char *slash = strrchr(path, '/');
    bool beside = true;
    return parse_name(slash != NULL ? slash + 1 : path, out, &beside) && !beside;
}

static int compare_files(struct gh_list_file a, struct gh_list_file b)
{
    if (a.generation != b.generation) {
        return a.generation < b.generation ? -1 : 1;
    }
    return (a.serial > b.serial) - (a.serial < b.serial);
}

/* --- what is there ---------------------------------------------------------------------------- */

typedef void visit_fn(void *context, int folder, const char *name, struct gh_list_file file,
                      bool beside);

static void visit(const char *folder, visit_fn *each, void *context)
{
    DIR *stream = opendir(folder);
    struct dirent *entry;
    if (stream == NULL) {
        return;
    }
    while ((entry = readdir(stream)) != NULL) {
        struct gh_list_file file;
        bool beside;
        if (parse_name(entry->d_name, &file, &beside)) {
            each(context, dirfd(stream), entry->d_name, file, beside);
        }
    }
    closedir(stream);
}

struct newest {
    struct gh_list_file *file; /* GH_LIST_FILES_MAX, the last one first */
    size_t count;
};

static void add_newest(void *context, int folder, const char *name, struct gh_list_file file,
                       bool beside)
{
    struct newest *newest = context;
    size_t at = newest->count;
    (void)folder;
    (void)name;
    if (beside) {
        return;
    }
    while (at > 0 && compare_files(file, newest->file[at - 1]) > 0) {
        at--;
    }
    if (at == GH_LIST_FILES_MAX) {
        return;
    }
    if (newest->count < GH_LIST_FILES_MAX) {
        newest->count++;
    }
    for (size_t i = newest->count - 1; i > at; i--) {
        newest->file[i] = newest->file[i - 1];
    }
    newest->file[at] = file;
}

size_t gh_list_files(const char *folder, struct gh_list_file out[GH_LIST_FILES_MAX])
{
    struct newest newest = {.file = out};
    visit(folder, add_newest, &newest);
    return newest.count;
}

static void go_behind(void *context, int folder, const char *name, struct gh_list_file file,
                      bool beside)
{
    struct gh_list_file *next = context;
    (void)folder;
    (void)name;
    (void)beside;
    if (file.generation == next->generation && file.serial >= next->serial) {
        next->serial = file.serial + 1;
    }
}

struct gh_list_file gh_list_new_file(const char *folder, uint64_t generation)
{
    struct gh_list_file file = {.generation = generation};
    visit(folder, go_behind, &file);
    return file;
}

struct sweep {
    struct gh_list_file keep;
    bool beside;
};

static void remove_other(void *context, int folder, const char *name, struct gh_list_file file,
                         bool beside)
{
    const struct sweep *sweep = context;
    if (beside == sweep->beside && compare_files(file, sweep->keep) != 0) {
        unlinkat(folder, name, 0);
    }
}

void gh_list_remove_others(const char *folder, struct gh_list_file keep)
{
    visit(folder, remove_other, &(struct sweep){.keep = keep});
    visit(folder, remove_other, &(struct sweep){.keep = keep, .beside = true});
}

/* --- the temporary file ----------------------------------------------------------------------- */

static enum gh_status fail_temporary(const char *path, struct gh_error *err)
{
    enum gh_status status = gh_status_from_errno(errno);
    return gh_fail(err, status == GH_ERR_DENIED ? GH_ERR_READONLY : status, "cannot write %s: %m",
                   path);
}

void gh_list_remove_temporary(int folder)
{
    unlinkat(folder, TEMPORARY, 0);
}

/* Made anew, and never written through: whatever lies there is a killed writer's, or a link. */
enum gh_status gh_list_temporary(const char *folder, char path[PATH_MAX], int *fd,
                                 struct gh_error *err)
{
    enum gh_status status = join(folder, TEMPORARY, path, err);
    if (status != GH_OK) {
        return status;
    }
    if (unlink(path) != 0 && errno != ENOENT) {
        return fail_temporary(path, err);
    }
    *fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (*fd < 0 || fchmod(*fd, 0600) != 0) {
        return fail_temporary(path, err);
    }
    return GH_OK;
}
