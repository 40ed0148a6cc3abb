/* SPDX-License-Identifier: Apache-2.0 */
/* A snapshot on its way: a file in the state folder, named by its digest, that grows until it is
 * whole, over cuts and restarts. Nothing in it is believed before all of it was checked. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "gate/courier_parts.h"
#include "gatehouse/file.h"

#define PREFIX "snapshot-"
#define SUFFIX ".part"
#define DIGEST_BYTES (sizeof("") + (size_t)2 * GH_SHA256_BYTES)
#define NAME_BYTES (sizeof(PREFIX) + DIGEST_BYTES + sizeof(SUFFIX))
#define GROWS 3 /* a list beside its snapshot: 2.8 times as large */

static void name_of(const struct gh_manifest *manifest, char out[NAME_BYTES])
{
    char digest[DIGEST_BYTES];

    gh_hex_encode(manifest->snapshot_sha256, GH_SHA256_BYTES, digest);
    snprintf(out, NAME_BYTES, PREFIX "%s" SUFFIX, digest);
}

static bool is_part(const char *name)
{
    size_t size = strlen(name), suffix = sizeof(SUFFIX) - 1;

    return strncmp(name, PREFIX, sizeof(PREFIX) - 1) == 0 && size > suffix &&
           strcmp(name + size - suffix, SUFFIX) == 0;
}

void gh_courier_remove_parts(struct gh_courier *courier, const char *keep)
{
    DIR *folder = courier->watch.parts_gone ? NULL : opendir(courier->options.state_dir);
    const struct dirent *entry;

    if (!folder)
        return;
    while ((entry = readdir(folder))) {
        if (is_part(entry->d_name) && (!keep || strcmp(entry->d_name, keep) != 0))
            (void)unlinkat(dirfd(folder), entry->d_name, 0);
    }
    closedir(folder);
    courier->watch.parts_gone = !keep;
}

/* --- fetching --- */

static enum gh_status open_part(const char *path, struct gh_part *part, struct gh_error *err)
{
    struct stat info;

    part->fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (part->fd < 0 || fstat(part->fd, &info) != 0)
        return gh_fail(err, gh_status_from_errno(errno), "the new list cannot be kept: %s",
                       strerror(errno));
    part->size = (uint64_t)info.st_size <= part->total ? (uint64_t)info.st_size : 0;
    if ((part->size == 0 && ftruncate(part->fd, 0) != 0) ||
        lseek(part->fd, (off_t)part->size, SEEK_SET) < 0)
        return gh_fail(err, gh_status_from_errno(errno), "the new list cannot be kept: %s",
                       strerror(errno));
    return GH_OK;
}

static enum gh_status fetch_rest(struct gh_courier *courier, const struct gh_manifest *manifest,
                                 struct gh_part *part, struct gh_list_outcome *outcome,
                                 struct gh_error *err)
{
    char digest[DIGEST_BYTES], path[128];
    const uint64_t before = part->size;

    gh_hex_encode(manifest->snapshot_sha256, GH_SHA256_BYTES, digest);
    snprintf(path, sizeof(path), "/api/v1/list/snapshots/%s", digest);
    enum gh_status status =
        gh_part_fetch(part, &courier->list, gh_lane_fetch, path, &outcome->retry_after_s, err);
    outcome->progress = part->size > before;
    return status;
}

enum gh_status gh_courier_fetch_snapshot(struct gh_courier *courier,
                                         const struct gh_manifest *manifest, char path[PATH_MAX],
                                         bool *resumed, struct gh_list_outcome *outcome,
                                         struct gh_error *err)
{
    struct gh_part part = {.what = "the new list", .fd = -1, .total = manifest->snapshot_bytes};
    char name[NAME_BYTES];

    *resumed = false;
    name_of(manifest, name);
    if (gh_path_join(courier->options.state_dir, name, path, PATH_MAX) != GH_OK)
        return gh_fail(err, GH_ERR_TOOBIG, "the state folder's name is too long");
    courier->watch.parts_gone = false;
    gh_courier_remove_parts(courier, name);
    enum gh_status status = open_part(path, &part, err);
    *resumed = status == GH_OK && part.size > 0;
    if (status == GH_OK) /* what is built lies beside the list that is there */
        status = gh_part_check_room(&part, GROWS * part.total, err);
    if (status == GH_OK && part.size < part.total)
        status = fetch_rest(courier, manifest, &part, outcome, err);
    gh_part_close(&part, path, status);
    return status;
}
