/* SPDX-License-Identifier: Apache-2.0 */
/* An announcement's sound on its way: a file that grows until it is whole, over cuts and restarts,
 * and gets its name when its hash is the one that was signed. */
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

#define TIMEOUT_MS 86400000 /* as long as it moves */
#define STALL_MS 30000
#define ERROR_MAX_BYTES 4096
#define JOURNAL_ROOM_BYTES (UINT64_C(8) << 20) /* entries are written meanwhile */
#define STEP_BACK_NS (2 * GH_NS_PER_S)         /* news wait no longer than that for a sound */

struct part {
    struct gh_courier *courier;
    int fd;
    uint64_t size, total;
    struct gh_sha256_context *hash; /* of all that is in it */
    int64_t began_ns;
    enum gh_status broken; /* why it does not go on */
};

/* --- what comes --- */

static bool start_anew(struct part *part)
{
    uint8_t ignored[GH_SHA256_BYTES];

    gh_sha256_finish(part->hash, ignored);
    part->size = 0;
    part->hash = NULL;
    part->broken = gh_sha256_new(&part->hash);
    if (part->broken == GH_OK && (ftruncate(part->fd, 0) != 0 || lseek(part->fd, 0, SEEK_SET) != 0))
        part->broken = gh_status_from_errno(errno);
    return part->broken == GH_OK;
}

static bool on_begin(void *context, int status, uint64_t from)
{
    struct part *part = context;

    (void)status;
    return from == part->size || start_anew(part);
}

static bool put(struct part *part, struct gh_bytes piece)
{
    gh_sha256_update(part->hash, piece.data, piece.size);
    enum gh_status status = gh_file_write(part->fd, piece.data, piece.size, &part->size);
    if (status != GH_OK)
        part->broken = status;
    return status == GH_OK;
}

static bool on_piece(void *context, struct gh_bytes piece)
{
    struct part *part = context;
    const struct gh_courier *courier = part->courier;

    if (piece.size > part->total - part->size) {
        part->broken = GH_ERR_CORRUPT;
        return false;
    }
    if (!put(part, piece))
        return false;
    /* A cancellation, say, or another one that is more urgent. */
    return part->size == part->total ||
           gh_clock_monotonic_ns(courier->options.clock) - part->began_ns < STEP_BACK_NS ||
           !gh_courier_has_news(part->courier);
}

/* --- fetching --- */

/* What is there already counts in the hash. */
static enum gh_status read_on(struct part *part)
{
    uint8_t buffer[16384];

    while (part->size <= part->total) {
        ssize_t got = read(part->fd, buffer, sizeof(buffer));
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return gh_status_from_errno(errno);
        if (got == 0)
            return GH_OK;
        gh_sha256_update(part->hash, buffer, (size_t)got);
        part->size += (uint64_t)got;
    }
    return start_anew(part) ? GH_OK : part->broken;
}

static enum gh_status open_part(const char *path, struct part *part, struct gh_error *err)
{
    part->fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    enum gh_status status = part->fd < 0 ? gh_status_from_errno(errno) : gh_sha256_new(&part->hash);
    if (status == GH_OK)
        status = read_on(part);
    return status == GH_OK ? GH_OK
                           : gh_fail(err, status, "it cannot be kept: %s", gh_status_text(status));
}

static enum gh_status check_room(const struct part *part, struct gh_error *err)
{
    struct statvfs disk;

    if (fstatvfs(part->fd, &disk) != 0)
        return GH_OK;
    uint64_t room = (uint64_t)disk.f_bavail * disk.f_frsize;
    uint64_t need = part->total - part->size + JOURNAL_ROOM_BYTES;
    if (need <= room)
        return GH_OK;
    return gh_fail(err, GH_ERR_NOSPACE,
                   "no room for it: %" PRIu64 " KiB are needed, %" PRIu64 " are there",
                   need / 1024 + 1, room / 1024);
}

static enum gh_status fetch_rest(const struct gh_announcement *said, struct part *part,
                                 int64_t *retry_after_s, struct gh_error *err)
{
    char digest[2 * GH_SHA256_BYTES + 1], path[128];
    struct gh_http_response response;

    gh_hex_encode(said->sha256, GH_SHA256_BYTES, digest);
    snprintf(path, sizeof(path), "/api/v1/announcements/%s", digest);
    struct gh_http_request request = {
        .method = "GET",
        .path = path,
        .timeout_ms = TIMEOUT_MS,
        .stall_ms = STALL_MS,
        /* Also room for the server to say why not. */
        .max_response_bytes = part->total > ERROR_MAX_BYTES ? part->total : ERROR_MAX_BYTES,
        .range_from = part->size,
        .begin = on_begin,
        .sink = on_piece,
        .sink_context = part,
    };
    part->began_ns = gh_clock_monotonic_ns(part->courier->options.clock);
    enum gh_status status = gh_lane_request(&part->courier->news, &request, &response, err);
    /* Longer than it should be; or there is nothing behind what we have, which is too short. */
    if (status == GH_ERR_TOOBIG || (status == GH_ERR_REFUSED && response.status == 416))
        part->broken = GH_ERR_CORRUPT;
    *retry_after_s = response.retry_after_s;
    gh_http_response_free(&response);
    if (part->broken == GH_OK)
        return status;
    if (err)
        *err = (struct gh_error){0}; /* that we broke it off is not why */
    return gh_fail(err, part->broken, "it cannot be kept: %s", gh_status_text(part->broken));
}

static enum gh_status finish(const struct gh_announcement *said, struct part *part,
                             const char *path, const char *whole, struct gh_error *err)
{
    uint8_t hash[GH_SHA256_BYTES];

    if (part->size < part->total) /* the server has less than it signed */
        return gh_fail(err, GH_ERR_CORRUPT, "it is shorter than what was signed");
    gh_sha256_finish(part->hash, hash);
    part->hash = NULL;
    if (memcmp(hash, said->sha256, sizeof(hash)) != 0)
        return gh_fail(err, GH_ERR_CORRUPT, "it is not the one that was signed");
    return gh_file_commit(path, whole, err);
}

static void close_part(struct part *part)
{
    uint8_t ignored[GH_SHA256_BYTES];

    if (part->hash)
        gh_sha256_finish(part->hash, ignored);
    if (part->fd >= 0)
        close(part->fd);
}

enum gh_status gh_courier_fetch_sound(struct gh_courier *courier,
                                      const struct gh_announcement *said, int64_t *retry_after_s,
                                      bool *progress, struct gh_error *err)
{
    struct part part = {.courier = courier, .fd = -1, .total = said->bytes};
    char path[PATH_MAX], whole[PATH_MAX];

    *progress = false;
    if (gh_kept_sound_path(courier, said, "part", path, sizeof(path)) != GH_OK ||
        gh_kept_sound_path(courier, said, "wav", whole, sizeof(whole)) != GH_OK)
        return gh_fail(err, GH_ERR_TOOBIG, "the state folder's name is too long");
    enum gh_status status = gh_dir_make(courier->desk.folder, 0700, err);
    if (status == GH_OK)
        status = open_part(path, &part, err);
    uint64_t before = part.size;
    if (status == GH_OK)
        status = check_room(&part, err);
    if (status == GH_OK && part.size < part.total)
        status = fetch_rest(said, &part, retry_after_s, err);
    *progress = part.size > before;
    if (status == GH_OK)
        status = finish(said, &part, path, whole, err);
    close_part(&part);
    /* What came is good to go on from, unless it is the disk that will not have it, or it is wrong.
     */
    bool keep = status == GH_OK || status == GH_ERR_NETWORK || status == GH_ERR_TIMEOUT ||
                status == GH_ERR_AGAIN || status == GH_ERR_REFUSED || status == GH_ERR_NOMEM;
    if (!keep)
        (void)unlink(path);
    return status;
}
