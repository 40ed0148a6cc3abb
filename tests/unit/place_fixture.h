/* SPDX-License-Identifier: Apache-2.0 */
/* A temporary folder for a database, and a small file system on it. Include it after cmocka.h. */
#ifndef GATEHOUSE_TESTS_UNIT_PLACE_FIXTURE_H
#define GATEHOUSE_TESTS_UNIT_PLACE_FIXTURE_H

#include <dirent.h>
#include <fcntl.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

struct place {
    char folder[64];
    char path[96];
};

/* A new folder from mkdtemp's template, and the path of this file in it, which is not there yet. */
static inline int make_place_of(void **state, const char *template, const char *file)
{
    struct place *place = calloc(1, sizeof(*place));
    if (place == NULL) {
        return -1;
    }
    snprintf(place->folder, sizeof(place->folder), "%s", template);
    if (mkdtemp(place->folder) == NULL) {
        free(place);
        return -1;
    }
    snprintf(place->path, sizeof(place->path), "%s/%s", place->folder, file);
    *state = place;
    return 0;
}

/* All that is in a folder, and in the folders there. */
static inline void empty_folder(int fd)
{
    DIR *folder = fd < 0 ? NULL : fdopendir(fd);
    if (folder == NULL) {
        return;
    }
    struct dirent *entry;
    while ((entry = readdir(folder)) != NULL) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) {
            continue;
        }
        if (unlinkat(dirfd(folder), entry->d_name, 0) != 0) {
            empty_folder(openat(dirfd(folder), entry->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
            unlinkat(dirfd(folder), entry->d_name, AT_REMOVEDIR);
        }
    }
    closedir(folder);
}

static inline int remove_place(void **state)
{
    struct place *place = *state;
    empty_folder(open(place->folder, O_RDONLY | O_DIRECTORY));
    int result = rmdir(place->folder);
    free(place);
    return result;
}

/* A small file system of our own on the test's folder, gone when the process is; false where we may
 * not. */
static inline bool mount_small(const struct place *place, const char *options)
{
    static bool own_namespace;
    if (!own_namespace) {
        own_namespace =
            unshare(CLONE_NEWNS) == 0 && mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0;
    }
    return own_namespace && mount("none", place->folder, "tmpfs", 0, options) == 0;
}

#endif
