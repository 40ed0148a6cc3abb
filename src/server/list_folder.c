/* SPDX-License-Identifier: Apache-2.0 */
#include "server/list_folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "gatehouse/file.h"
#include "server/list_files.h"

#define KEPT 4 /* with the one in use */

bool gh_list_folder_has(const char *folder, const struct gh_db_snapshot *snapshot)
{
    char name[GH_SNAPSHOT_NAME_BYTES], path[PATH_MAX];
    struct stat info;
    gh_hex_encode(snapshot->sha256, sizeof(snapshot->sha256), name);
    return gh_path_join(folder, name, path, sizeof(path)) == GH_OK && stat(path, &info) == 0 &&
           S_ISREG(info.st_mode) && (uint64_t)info.st_size == snapshot->bytes;
}

void gh_list_folder_clean(const char *path, const struct gh_db_snapshot *in_use)
{
    char current[GH_SNAPSHOT_NAME_BYTES];
    DIR *folder = opendir(path);
    struct {
        char name[GH_SNAPSHOT_NAME_BYTES];
        struct timespec time;
    } kept[KEPT] = {0};
    struct dirent *entry;
    gh_hex_encode(in_use->sha256, sizeof(in_use->sha256), current);
    while (folder != NULL && (entry = readdir(folder)) != NULL) {
        struct stat info;
        size_t oldest = 0;
        if (strlen(entry->d_name) != GH_SNAPSHOT_NAME_BYTES - 1 ||
            strcmp(entry->d_name, current) == 0 ||
            fstatat(dirfd(folder), entry->d_name, &info, 0) != 0)
            continue;
        for (size_t i = 1; i < KEPT - 1; i++) /* and the current one */
            if (kept[i].time.tv_sec < kept[oldest].time.tv_sec ||
                (kept[i].time.tv_sec == kept[oldest].time.tv_sec &&
                 kept[i].time.tv_nsec < kept[oldest].time.tv_nsec))
                oldest = i;
        bool newer = info.st_mtim.tv_sec > kept[oldest].time.tv_sec ||
                     (info.st_mtim.tv_sec == kept[oldest].time.tv_sec &&
                      info.st_mtim.tv_nsec >= kept[oldest].time.tv_nsec);
        const char *victim = newer ? kept[oldest].name : entry->d_name;
        if (victim[0] != '\0')
            (void)unlinkat(dirfd(folder), victim, 0);
        if (newer) {
            memcpy(kept[oldest].name, entry->d_name, GH_SNAPSHOT_NAME_BYTES);
            kept[oldest].time = info.st_mtim;
        }
    }
    if (folder != NULL)
        closedir(folder);
}

enum gh_status gh_list_folder_open(const char *folder, const char *name, int *fd, uint64_t *size)
{
    char path[PATH_MAX];
    struct stat info;
    *fd = -1;
    if (strlen(name) != GH_SNAPSHOT_NAME_BYTES - 1 ||
        name[strspn(name, "0123456789abcdef")] != '\0' ||
        gh_path_join(folder, name, path, sizeof(path)) != GH_OK)
        return GH_ERR_NOTFOUND;
    GH_CLEANUP_FD int opened = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (opened < 0 || fstat(opened, &info) != 0 || !S_ISREG(info.st_mode))
        return opened < 0 ? gh_status_from_errno(errno) : GH_ERR_NOTFOUND;
    *size = (uint64_t)info.st_size;
    *fd = opened;
    opened = -1;
    return GH_OK;
}
