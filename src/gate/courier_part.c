/* SPDX-License-Identifier: Apache-2.0 */
/* A file on its way from the server: it grows until it is whole, over cuts and restarts. What it
 * says is somebody else's to check. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "gate/courier_parts.h"
#include "gatehouse/file.h"

#define TIMEOUT_MS 86400000 /* as long as it moves */
#define STALL_MS 30000
#define ERROR_MAX_BYTES 4096
#define JOURNAL_ROOM_BYTES (UINT64_C(8) << 20) /* entries are written meanwhile */

bool gh_part_start_anew(struct gh_part *part)
{
    uint8_t ignored[GH_SHA256_BYTES];

    part->size = 0;
    if (part->hash) {
        gh_sha256_finish(part->hash, ignored);
        part->hash = NULL;
        part->broken = gh_sha256_new(&part->hash);
    }
    if (part->broken == GH_OK && (ftruncate(part->fd, 0) != 0 || lseek(part->fd, 0, SEEK_SET) != 0))
        part->broken = gh_status_from_errno(errno);
    return part->broken == GH_OK;
}

/* Said before it is tried: the journal is on the same disk, and nobody is let in while it is full.
 */
enum gh_status gh_part_check_room(const struct gh_part *part, uint64_t beside_bytes,
                                  struct gh_error *err)
{
    struct statvfs disk;

    if (fstatvfs(part->fd, &disk) != 0)
        return GH_OK;
    uint64_t room = (uint64_t)disk.f_bavail * disk.f_frsize;
    uint64_t need = part->total - part->size + beside_bytes + JOURNAL_ROOM_BYTES;
    if (need <= room)
        return GH_OK;
    return gh_fail(err, GH_ERR_NOSPACE,
                   "no room for %s: %" PRIu64 " KiB are needed, %" PRIu64 " are there", part->what,
                   need / 1024 + 1, room / 1024);
}

/* --- what comes --- */

/* From another place than asked for: all of it, from a server that does not know of ranges. */
static bool on_begin(void *context, int status, uint64_t from)
{
    struct gh_part *part = context;

    (void)status;
    return from == part->size || gh_part_start_anew(part);
}

static bool on_piece(void *context, struct gh_bytes piece)
{
    struct gh_part *part = context;

    if (piece.size > part->total - part->size) {
        part->broken = GH_ERR_CORRUPT;
        return false;
    }
    if (part->hash)
        gh_sha256_update(part->hash, piece.data, piece.size);
    part->broken = gh_file_write(part->fd, piece.data, piece.size, &part->size);
    if (part->broken != GH_OK)
        return false;
    return part->size == part->total || !part->goes_on || part->goes_on(part->context);
}

enum gh_status gh_part_fetch(struct gh_part *part, struct gh_lane *lane, gh_lane_request_fn *ask,
                             const char *path, int64_t *retry_after_s, struct gh_error *err)
{
    struct gh_http_response response;
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
    enum gh_status status = ask(lane, &request, &response, err);
    /* Longer than it should be; or there is nothing behind what we have, which is too short. */
    if (status == GH_ERR_TOOBIG || (status == GH_ERR_REFUSED && response.status == 416))
        part->broken = GH_ERR_CORRUPT;
    *retry_after_s = response.retry_after_s;
    gh_http_response_free(&response);
    if (part->broken == GH_OK)
        return status;
    if (err)
        *err = (struct gh_error){0}; /* that we broke it off is not why */
    return gh_fail(err, part->broken, "%s cannot be kept: %s", part->what,
                   gh_status_text(part->broken));
}

void gh_part_close(struct gh_part *part, const char *path, enum gh_status status)
{
    uint8_t ignored[GH_SHA256_BYTES];

    if (part->hash)
        gh_sha256_finish(part->hash, ignored);
    part->hash = NULL;
    if (part->fd >= 0)
        close(part->fd);
    part->fd = -1;
    bool keep = status == GH_OK || status == GH_ERR_NETWORK || status == GH_ERR_TIMEOUT ||
                status == GH_ERR_AGAIN || status == GH_ERR_REFUSED || status == GH_ERR_NOMEM;
    if (!keep)
        (void)unlink(path);
}
