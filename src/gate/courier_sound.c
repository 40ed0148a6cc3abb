/* SPDX-License-Identifier: Apache-2.0 */
/* An announcement's sound on its way: a file that grows until it is whole, over cuts and restarts,
 * and gets its name when its hash is the one that was signed. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "gate/courier_parts.h"
#include "gatehouse/file.h"

#define STEP_BACK_NS (2 * GH_NS_PER_S) /* news wait no longer than that for a sound */

struct fetch {
    struct gh_courier *courier;
    int64_t began_ns;
};

/* Unless there is a cancellation, say, or another one that is more urgent. */
static bool goes_on(const void *context)
{
    const struct fetch *fetch = context;

    return gh_clock_monotonic_ns(fetch->courier->options.clock) - fetch->began_ns < STEP_BACK_NS ||
           !gh_courier_has_news(fetch->courier);
}

/* --- fetching --- */

/* What is there already counts in the hash. */
static enum gh_status read_on(struct gh_part *part)
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
    return gh_part_start_anew(part) ? GH_OK : part->broken;
}

static enum gh_status open_part(const char *path, struct gh_part *part, struct gh_error *err)
{
    part->fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    enum gh_status status = part->fd < 0 ? gh_status_from_errno(errno) : gh_sha256_new(&part->hash);
    if (status == GH_OK)
        status = read_on(part);
    return status == GH_OK ? GH_OK
                           : gh_fail(err, status, "it cannot be kept: %s", gh_status_text(status));
}

static enum gh_status fetch_rest(struct fetch *fetch, const struct gh_announcement *said,
                                 struct gh_part *part, int64_t *retry_after_s, struct gh_error *err)
{
    char digest[2 * GH_SHA256_BYTES + 1], path[128];

    gh_hex_encode(said->sha256, GH_SHA256_BYTES, digest);
    snprintf(path, sizeof(path), "/api/v1/announcements/%s", digest);
    fetch->began_ns = gh_clock_monotonic_ns(fetch->courier->options.clock);
    return gh_part_fetch(part, &fetch->courier->news, gh_lane_request, path, retry_after_s, err);
}

static enum gh_status finish(const struct gh_announcement *said, struct gh_part *part,
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

enum gh_status gh_courier_fetch_sound(struct gh_courier *courier,
                                      const struct gh_announcement *said, int64_t *retry_after_s,
                                      bool *progress, struct gh_error *err)
{
    struct fetch fetch = {.courier = courier};
    struct gh_part part = {
        .what = "it", .fd = -1, .total = said->bytes, .goes_on = goes_on, .context = &fetch};
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
        status = gh_part_check_room(&part, 0, err);
    if (status == GH_OK && part.size < part.total)
        status = fetch_rest(&fetch, said, &part, retry_after_s, err);
    *progress = part.size > before;
    if (status == GH_OK)
        status = finish(said, &part, path, whole, err);
    gh_part_close(&part, path, status);
    return status;
}
