/* SPDX-License-Identifier: Apache-2.0 */
/* A snapshot on its way: a file in the state folder, named by its digest, that grows until it is
 * whole, over cuts and restarts. Nothing in it is believed before all of it was checked. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "gate/courier_parts.h"
#include "gatehouse/file.h"
#include "gatehouse/log.h"

#define PREFIX "snapshot-"
#define SUFFIX ".part"
#define DIGEST_BYTES (sizeof("") + (size_t)2 * GH_SHA256_BYTES)
#define NAME_BYTES (sizeof(PREFIX) + DIGEST_BYTES + sizeof(SUFFIX))
#define TIMEOUT_MS 86400000 /* as long as it moves */
#define STALL_MS 30000
#define ERROR_MAX_BYTES 4096
#define GROWS 3                                /* a list beside its snapshot: 2.8 times as large */
#define JOURNAL_ROOM_BYTES (UINT64_C(8) << 20) /* entries are written meanwhile */

struct part {
    int fd;
    uint64_t size, total;
    enum gh_status broken; /* why it does not go on */
};

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

/* --- what comes --- */

static bool on_begin(void *context, int status, uint64_t from)
{
    struct part *part = context;

    (void)status;
    if (from == part->size)
        return true;
    /* All of it, from a server that does not know of ranges. */
    part->size = 0;
    if (ftruncate(part->fd, 0) == 0 && lseek(part->fd, 0, SEEK_SET) == 0)
        return true;
    part->broken = gh_status_from_errno(errno);
    return false;
}

static bool on_piece(void *context, struct gh_bytes piece)
{
    struct part *part = context;

    if (piece.size > part->total - part->size) {
        part->broken = GH_ERR_CORRUPT;
        return false;
    }
    enum gh_status status = gh_file_write(part->fd, piece.data, piece.size, &part->size);
    if (status != GH_OK)
        part->broken = status;
    return status == GH_OK;
}

/* --- fetching --- */

static enum gh_status open_part(const char *path, struct part *part, struct gh_error *err)
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

/* Said before it is tried: the journal is on the same disk, and nobody is let in while it is full.
 * What is built lies beside the list that is there. */
static enum gh_status check_room(const struct part *part, struct gh_error *err)
{
    struct statvfs disk;

    if (fstatvfs(part->fd, &disk) != 0)
        return GH_OK;
    uint64_t room = (uint64_t)disk.f_bavail * disk.f_frsize;
    uint64_t need = part->total - part->size + GROWS * part->total + JOURNAL_ROOM_BYTES;
    if (need <= room)
        return GH_OK;
    return gh_fail(err, GH_ERR_NOSPACE,
                   "no room for the new list: %" PRIu64 " KiB are needed, %" PRIu64 " are there",
                   need / 1024 + 1, room / 1024);
}

static enum gh_status fetch_rest(struct gh_courier *courier, const struct gh_manifest *manifest,
                                 struct part *part, struct gh_list_outcome *outcome,
                                 struct gh_error *err)
{
    char digest[DIGEST_BYTES], path[128];
    struct gh_http_response response;
    const uint64_t before = part->size;

    gh_hex_encode(manifest->snapshot_sha256, GH_SHA256_BYTES, digest);
    snprintf(path, sizeof(path), "/api/v1/list/snapshots/%s", digest);
    struct gh_http_request request = {
        .method = "GET",
        .path = path,
        .timeout_ms = TIMEOUT_MS,
        .stall_ms = STALL_MS,
        /* Also room for the server to say why not. */
        .max_response_bytes = part->total > ERROR_MAX_BYTES ? part->total : ERROR_MAX_BYTES,
        .range_from = before,
        .begin = on_begin,
        .sink = on_piece,
        .sink_context = part,
    };
    enum gh_status status = gh_lane_fetch(&courier->list, &request, &response, err);
    /* Longer than it should be; or there is nothing behind what we have, which is too short. */
    if (status == GH_ERR_TOOBIG || (status == GH_ERR_REFUSED && response.status == 416))
        part->broken = GH_ERR_CORRUPT;
    outcome->retry_after_s = response.retry_after_s;
    outcome->progress = part->size > before;
    gh_http_response_free(&response);
    if (part->broken == GH_OK)
        return status;
    if (err)
        *err = (struct gh_error){0}; /* that we broke it off is not why */
    return gh_fail(err, part->broken, "the new list cannot be kept: %s",
                   gh_status_text(part->broken));
}

enum gh_status gh_courier_fetch_snapshot(struct gh_courier *courier,
                                         const struct gh_manifest *manifest, char path[PATH_MAX],
                                         bool *resumed, struct gh_list_outcome *outcome,
                                         struct gh_error *err)
{
    struct part part = {.fd = -1, .total = manifest->snapshot_bytes};
    char name[NAME_BYTES];

    *resumed = false;
    name_of(manifest, name);
    if (gh_path_join(courier->options.state_dir, name, path, PATH_MAX) != GH_OK)
        return gh_fail(err, GH_ERR_TOOBIG, "the state folder's name is too long");
    courier->watch.parts_gone = false;
    gh_courier_remove_parts(courier, name);
    enum gh_status status = open_part(path, &part, err);
    *resumed = status == GH_OK && part.size > 0;
    if (status == GH_OK)
        status = check_room(&part, err);
    if (status == GH_OK && part.size < part.total)
        status = fetch_rest(courier, manifest, &part, outcome, err);
    if (part.fd >= 0)
        close(part.fd);
    /* What came is good to go on from, unless it is the disk that will not have it: then the
     * journal needs the room more. */
    bool keep = status == GH_OK || status == GH_ERR_NETWORK || status == GH_ERR_TIMEOUT ||
                status == GH_ERR_AGAIN || status == GH_ERR_REFUSED || status == GH_ERR_NOMEM;
    if (!keep)
        (void)unlink(path);
    return status;
}
