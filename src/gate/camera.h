/* SPDX-License-Identifier: Apache-2.0 */
/* Where frames come from. Used by the see thread only, but for wake. */
#ifndef GATEHOUSE_SRC_GATE_CAMERA_H
#define GATEHOUSE_SRC_GATE_CAMERA_H

#include "gatehouse/clock.h"
#include "gatehouse/frame.h"
#include "gatehouse/status.h"

/* Contract:
 * - next waits up to timeout_ms for a frame. GH_OK: *frame is borrowed until the next call of next
 * or free. GH_ERR_AGAIN: none came (time-out or wake). GH_ERR_GONE: the device is not there
 * (unplugged, or not yet there), GH_ERR_BUSY: another program has it: said in err; the caller may
 * call again at once, next itself waits between tries to open it anew and answers GH_ERR_AGAIN
 * meanwhile. GH_ERR_CORRUPT: one frame or file was broken, said in err; the next call goes on
 * behind it. GH_ERR_END: a replay is over and nothing more will ever come.
 * - wake: from any thread; a waiting next returns GH_ERR_AGAIN soon.
 * - frames are at most max_width x max_height pixels.
 * - no allocation after the first frame of a size. */
struct gh_camera {
    enum gh_status (*next)(void *context, int64_t timeout_ms, struct gh_frame *frame,
                           struct gh_error *err);
    void (*wake)(void *context);
    void (*free)(void *context);
    void *context;
    uint32_t max_width, max_height;
};

/* V4L2 mmap streaming: GREY, YUYV, NV12, MJPEG (through libjpeg-turbo); the largest size up to
 * max_width x max_height at which the device gives frames. The device need not be there yet. path
 * such as "/dev/video0". */
GH_MUST_CHECK enum gh_status gh_camera_v4l2_new(const char *path, uint32_t max_width,
                                                uint32_t max_height, const struct gh_clock *clock,
                                                struct gh_camera *out, struct gh_error *err);

/* None: no frame ever comes. For a gate that has scanners only. */
GH_MUST_CHECK enum gh_status gh_camera_none_new(struct gh_camera *out, struct gh_error *err);

struct gh_replay_options {
    int64_t frame_interval_ms; /* pace; 0: as fast as they are taken */
    unsigned
        frames_a_still; /* how often a still picture is given before the next one: at least 1 */
    unsigned blanks_a_still; /* empty frames (white) after each still */
    bool follow;             /* a folder: wait for files that appear later instead of GH_ERR_END */
};
/* path: a PNG, JPEG or PGM file, a Y4M file, or a folder of such (in name order; names that start
 * with a dot or end in ".part" are passed over; with follow, a file counts once it was renamed or
 * written and closed into the folder). Larger pictures than GH_PICTURE_MAX_PIXELS and broken ones
 * are GH_ERR_CORRUPT and passed over. */
GH_MUST_CHECK enum gh_status gh_camera_replay_new(const char *path,
                                                  const struct gh_replay_options *options,
                                                  const struct gh_clock *clock,
                                                  struct gh_camera *out, struct gh_error *err);

#endif
