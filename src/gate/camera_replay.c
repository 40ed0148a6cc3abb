/* SPDX-License-Identifier: Apache-2.0 */
/* Frames from files: for the demo, for tests of the whole program, for a bug report's picture. */
#include "gate/camera_replay.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "gate/camera.h"
#include "gatehouse/file.h"
#include "gatehouse/picture.h"
#include "gatehouse/y4m.h"

#define WHITE 0xFF
#define FOLDER_RETRY_NS (500 * GH_NS_PER_MS) /* between looks for a folder that is gone */

static const char y4m_magic[] = "YUV4MPEG2";

struct replay {
    struct gh_replay_options options;
    const struct gh_clock *clock;
    int wake_fd;
    char *file;                      /* a single file, until it was taken */
    struct gh_replay_folder *folder; /* or a folder */
    int64_t folder_retry_ns;         /* a folder that is gone is not looked for before */

    char *name; /* of the file that is open */
    struct gh_picture still;
    unsigned stills_left, blanks_left;
    struct gh_y4m *stream;
    bool stream_ready; /* luma holds its next frame */
    uint8_t *luma;     /* of a stream's frame */
    size_t luma_bytes;
    uint8_t *white; /* kept from still to still */
    size_t white_bytes;
    int64_t due_ns; /* the next frame's time; INT64_MIN: at once */
};

/* --- files --- */

static void close_file(struct replay *replay)
{
    gh_picture_free(&replay->still);
    replay->stills_left = 0;
    replay->blanks_left = 0;
    gh_y4m_close(replay->stream);
    replay->stream = NULL;
    replay->stream_ready = false;
    free(replay->name);
    replay->name = NULL;
}

static bool reserve(uint8_t **buffer, size_t *capacity, size_t needed)
{
    if (needed <= *capacity) {
        return true;
    }
    free(*buffer);
    *capacity = 0;
    *buffer = (uint8_t *)malloc(needed);
    if (*buffer == NULL) {
        return false;
    }
    *capacity = needed;
    return true;
}

static bool is_y4m(const char *path)
{
    char head[sizeof(y4m_magic) - 1];
    GH_CLEANUP_FD int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    return fd >= 0 && read(fd, head, sizeof(head)) == (ssize_t)sizeof(head) &&
           memcmp(head, y4m_magic, sizeof(head)) == 0;
}

static enum gh_status open_still(struct replay *replay, struct gh_error *err)
{
    enum gh_status status = gh_picture_load(replay->name, &replay->still, err);
    if (status != GH_OK) {
        return status;
    }
    size_t bytes = (size_t)replay->still.width * replay->still.height;
    if (replay->options.blanks_a_still > 0 && bytes > replay->white_bytes) {
        if (!reserve(&replay->white, &replay->white_bytes, bytes)) {
            return gh_fail(err, GH_ERR_NOMEM, "no memory for an empty frame");
        }
        memset(replay->white, WHITE, bytes);
    }
    replay->stills_left = replay->options.frames_a_still;
    replay->blanks_left = replay->options.blanks_a_still;
    return GH_OK;
}

static enum gh_status open_stream(struct replay *replay, struct gh_error *err)
{
    enum gh_status status = gh_y4m_open(replay->name, &replay->stream, err);
    if (status != GH_OK) {
        return status;
    }
    const struct gh_y4m_info *info = gh_y4m_info(replay->stream);
    if (!reserve(&replay->luma, &replay->luma_bytes, (size_t)info->width * info->height)) {
        return gh_fail(err, GH_ERR_NOMEM, "no memory for a frame");
    }
    return GH_OK;
}

/* Whatever is wrong with a file, the next one may be better. */
static enum gh_status pass_over(struct replay *replay, enum gh_status status,
                                const struct gh_error *why, struct gh_error *err)
{
    status = gh_fail(err, GH_ERR_CORRUPT, "%s: %s", replay->name,
                     why->text[0] != '\0' ? why->text : gh_status_text(status));
    close_file(replay);
    return status;
}

/* GH_ERR_END: no file is there now. */
static enum gh_status open_next(struct replay *replay, struct gh_error *err)
{
    struct gh_error why = {0};
    close_file(replay);
    if (replay->folder != NULL) {
        replay->name = gh_replay_folder_next(replay->folder);
    } else {
        replay->name = replay->file;
        replay->file = NULL;
    }
    if (replay->name == NULL) {
        return GH_ERR_END;
    }
    enum gh_status status =
        is_y4m(replay->name) ? open_stream(replay, &why) : open_still(replay, &why);
    return status == GH_OK ? GH_OK : pass_over(replay, status, &why, err);
}

/* GH_OK: a frame can be given. GH_ERR_END: the open file, if there is one, is used up. */
static enum gh_status prepare(struct replay *replay, struct gh_error *err)
{
    if (replay->stills_left > 0 || replay->blanks_left > 0 || replay->stream_ready) {
        return GH_OK;
    }
    if (replay->stream == NULL) {
        return GH_ERR_END;
    }
    struct gh_error why = {0};
    enum gh_status status = gh_y4m_next(replay->stream, replay->luma, replay->luma_bytes, &why);
    if (status == GH_OK || status == GH_ERR_END) {
        replay->stream_ready = status == GH_OK;
        return status;
    }
    return pass_over(replay, status, &why, err);
}

static void give(struct replay *replay, struct gh_frame *frame)
{
    if (replay->stream_ready) {
        const struct gh_y4m_info *info = gh_y4m_info(replay->stream);
        *frame = (struct gh_frame){
            .luma = replay->luma,
            .width = info->width,
            .height = info->height,
            .stride_bytes = info->width,
            .step_bytes = 1,
        };
        replay->stream_ready = false;
    } else {
        *frame = gh_picture_frame(&replay->still);
        if (replay->stills_left > 0) {
            replay->stills_left--;
        } else {
            frame->luma = replay->white;
            frame->stride_bytes = frame->width;
            frame->step_bytes = 1;
            replay->blanks_left--;
        }
    }
    frame->captured_ns = gh_clock_monotonic_ns(replay->clock);
}

/* --- time --- */

static int64_t now_ns(const struct replay *replay)
{
    return gh_clock_monotonic_ns(replay->clock);
}

static int64_t later(int64_t time_ns, int64_t more_ms)
{
    int64_t more_ns;
    int64_t sum_ns;
    if (__builtin_mul_overflow(more_ms > 0 ? more_ms : 0, GH_NS_PER_MS, &more_ns) ||
        __builtin_add_overflow(time_ns, more_ns, &sum_ns)) {
        return INT64_MAX;
    }
    return sum_ns;
}

/* Once, for as long as the clock says now; the caller asks the clock again. */
static void wait_until(struct replay *replay, int64_t until_ns, int other_fd, bool *woken)
{
    struct pollfd fds[2] = {
        {.fd = replay->wake_fd, .events = POLLIN},
        {.fd = other_fd, .events = POLLIN},
    };
    int64_t left_ns = until_ns - now_ns(replay);
    int64_t left_ms = left_ns > 0 ? (left_ns - 1) / GH_NS_PER_MS + 1 : 0;
    eventfd_t count;
    (void)poll(fds, 2, left_ms < INT_MAX ? (int)left_ms : INT_MAX); /* EINTR is as good as early */
    *woken = eventfd_read(replay->wake_fd, &count) == 0;
}

static int64_t earlier(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* Frames keep their pace on average; after a gap the pace begins anew. */
static void pace(struct replay *replay)
{
    int64_t now = now_ns(replay);
    bool late = replay->due_ns == INT64_MIN ||
                now > later(replay->due_ns, replay->options.frame_interval_ms);
    replay->due_ns = later(late ? now : replay->due_ns, replay->options.frame_interval_ms);
}

static enum gh_status look_into_folder(struct replay *replay, struct gh_error *err)
{
    enum gh_status status = gh_replay_folder_update(replay->folder, err);
    if (status == GH_ERR_GONE) {
        replay->folder_retry_ns = now_ns(replay) + FOLDER_RETRY_NS;
    }
    return status;
}

/* For files to come. GH_OK: look again. */
static enum gh_status wait_for_files(struct replay *replay, int64_t until_ns, struct gh_error *err)
{
    bool woken;
    if (gh_replay_folder_fd(replay->folder) < 0) { /* the folder is gone */
        int64_t retry_ns = replay->folder_retry_ns;
        wait_until(replay, earlier(until_ns, retry_ns), -1, &woken);
        if (woken || now_ns(replay) < retry_ns) {
            return GH_ERR_AGAIN;
        }
    } else {
        wait_until(replay, until_ns, gh_replay_folder_fd(replay->folder), &woken);
        if (woken) {
            return GH_ERR_AGAIN;
        }
    }
    return look_into_folder(replay, err);
}

/* --- from outside --- */

static enum gh_status find_frame(struct replay *replay, int64_t until_ns, struct gh_error *err)
{
    bool waited = false;
    for (;;) {
        enum gh_status status = prepare(replay, err);
        if (status != GH_ERR_END) {
            return status;
        }
        if (replay->folder != NULL && gh_replay_folder_fd(replay->folder) >= 0) {
            /* files on the queue may have been taken away again */
            status = look_into_folder(replay, err);
            if (status != GH_OK) {
                return status;
            }
        }
        status = open_next(replay, err);
        if (status == GH_OK) {
            continue;
        }
        if (status != GH_ERR_END || replay->folder == NULL || !replay->options.follow) {
            return status;
        }
        if (waited) {
            return GH_ERR_AGAIN; /* what happened in the folder was no file for us */
        }
        status = wait_for_files(replay, until_ns, err);
        if (status != GH_OK) {
            return status;
        }
        waited = true;
    }
}

static enum gh_status replay_next(void *context, int64_t timeout_ms, struct gh_frame *frame,
                                  struct gh_error *err)
{
    struct replay *replay = (struct replay *)context;
    int64_t until_ns = later(now_ns(replay), timeout_ms);
    eventfd_t count;

    *frame = (struct gh_frame){0};
    if (eventfd_read(replay->wake_fd, &count) == 0) {
        return GH_ERR_AGAIN;
    }
    enum gh_status status = find_frame(replay, until_ns, err);
    if (status != GH_OK) {
        return status;
    }
    if (now_ns(replay) < replay->due_ns) {
        bool woken;
        wait_until(replay, earlier(until_ns, replay->due_ns), -1, &woken);
        if (woken || now_ns(replay) < replay->due_ns) {
            return GH_ERR_AGAIN;
        }
    }
    pace(replay);
    give(replay, frame);
    return GH_OK;
}

static void replay_wake(void *context)
{
    struct replay *replay = (struct replay *)context;
    (void)eventfd_write(replay->wake_fd, 1); /* full: it is awake already */
}

static void replay_free(void *context)
{
    struct replay *replay = (struct replay *)context;
    if (replay == NULL) {
        return;
    }
    close_file(replay);
    gh_replay_folder_close(replay->folder);
    if (replay->wake_fd >= 0) {
        close(replay->wake_fd);
    }
    free(replay->luma);
    free(replay->white);
    free(replay->file);
    free(replay);
}

static enum gh_status open_path(struct replay *replay, const char *path, struct gh_error *err)
{
    struct stat info;
    if (stat(path, &info) != 0) {
        int saved_errno = errno;
        return gh_fail(err, gh_status_from_errno(saved_errno), "cannot replay %s: %s", path,
                       strerror(saved_errno));
    }
    if (S_ISDIR(info.st_mode)) {
        return gh_replay_folder_open(path, replay->options.follow, &replay->folder, err);
    }
    if (!S_ISREG(info.st_mode)) {
        return gh_fail(err, GH_ERR_INVALID, "cannot replay %s: neither a file nor a folder", path);
    }
    replay->file = strdup(path);
    return replay->file != NULL ? GH_OK : gh_fail(err, GH_ERR_NOMEM, "no memory for the replay");
}

enum gh_status gh_camera_replay_new(const char *path, const struct gh_replay_options *options,
                                    const struct gh_clock *clock, struct gh_camera *out,
                                    struct gh_error *err)
{
    *out = (struct gh_camera){0};
    if (options->frame_interval_ms < 0 || options->frames_a_still < 1) {
        return gh_fail(err, GH_ERR_INVALID,
                       "a replay needs a pace that is not negative and frames for each picture");
    }
    struct replay *replay = (struct replay *)calloc(1, sizeof(*replay));
    if (replay == NULL) {
        return gh_fail(err, GH_ERR_NOMEM, "no memory for the replay");
    }
    replay->options = *options;
    replay->clock = clock;
    replay->due_ns = INT64_MIN;
    replay->folder_retry_ns = INT64_MIN;
    replay->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    enum gh_status status = replay->wake_fd < 0 ? gh_fail(err, gh_status_from_errno(errno),
                                                          "no event counter: %s", strerror(errno))
                                                : open_path(replay, path, err);
    if (status != GH_OK) {
        replay_free(replay);
        return status;
    }
    *out = (struct gh_camera){
        .next = replay_next,
        .wake = replay_wake,
        .free = replay_free,
        .context = replay,
        .max_width = GH_PICTURE_MAX_SIDE,
        .max_height = GH_PICTURE_MAX_SIDE,
    };
    return GH_OK;
}
