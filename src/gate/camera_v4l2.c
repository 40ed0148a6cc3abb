/* SPDX-License-Identifier: Apache-2.0 */
/* Streaming from a V4L2 device that may be unplugged, wedged or lying at any moment. */
#include "gate/camera_v4l2.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "gatehouse/log.h"

#define RETRY_FIRST_NS (250 * GH_NS_PER_MS)
#define RETRY_MAX_NS (2 * GH_NS_PER_S)
#define STARVED_NS (5 * GH_NS_PER_S) /* this long without one good frame: begin anew */

struct v4l2_camera {
    struct gh_v4l2_device device;
    const struct gh_clock *clock;
    char *path;
    uint32_t max_width, max_height;
    int wake_fd;
    int held;               /* the buffer whose luma the caller has borrowed; -1: none */
    struct gh_mjpeg *mjpeg; /* made when first needed */
    int64_t retry_ns;       /* not opened before */
    int64_t retry_after_ns; /* next time's wait */
    int64_t starved_ns;     /* how long next has waited since the last good frame */
    unsigned first_mode;    /* modes before it gave no frames */
    bool mode_works;
    struct gh_v4l2_counts counts;
};

static void retry_later(struct v4l2_camera *camera)
{
    camera->retry_ns = gh_clock_monotonic_ns(camera->clock) + camera->retry_after_ns;
    camera->retry_after_ns *= 2;
    if (camera->retry_after_ns > RETRY_MAX_NS) {
        camera->retry_after_ns = RETRY_MAX_NS;
    }
}

static void close_device(struct v4l2_camera *camera)
{
    gh_v4l2_device_close(&camera->device);
    camera->held = -1;
}

static enum gh_status open_device(struct v4l2_camera *camera, struct gh_error *err)
{
    struct gh_error why = {0};
    struct gh_v4l2_layout *layout = &camera->device.layout;
    enum gh_status status = gh_v4l2_device_open(&camera->device, camera->path, camera->max_width,
                                                camera->max_height, &camera->first_mode, &why);
    if (status == GH_OK && gh_v4l2_is_jpeg(layout->pixel_format) && camera->mjpeg == NULL) {
        status = gh_mjpeg_new(camera->max_width, camera->max_height, &camera->mjpeg);
        if (status != GH_OK) {
            status = gh_fail(&why, status, "no memory for JPEG");
        }
    }
    if (status != GH_OK) {
        close_device(camera);
        retry_later(camera);
        return gh_fail(err, status == GH_ERR_BUSY ? status : GH_ERR_GONE, "no camera at %s: %s",
                       camera->path, why.text);
    }
    char name[5];
    gh_v4l2_format_name(layout->pixel_format, name);
    gh_log(GH_LOG_NOTICE, "camera", "%s: %" PRIu32 "x%" PRIu32 " %s", camera->path, layout->width,
           layout->height, name);
    camera->starved_ns = 0;
    camera->mode_works = false;
    camera->counts.opened++;
    return GH_OK;
}

static enum gh_status lose(struct v4l2_camera *camera, const char *why, struct gh_error *err)
{
    close_device(camera);
    retry_later(camera);
    gh_log(GH_LOG_INFO, "camera",
           "%s: %" PRIu64 " frames, %" PRIu64 " skipped, %" PRIu64 " damaged so far", camera->path,
           camera->counts.given, camera->counts.skipped, camera->counts.damaged);
    return gh_fail(err, GH_ERR_GONE, "lost the camera at %s: %s", camera->path, why);
}

static enum gh_status lose_by_errno(struct v4l2_camera *camera, int err_number,
                                    struct gh_error *err)
{
    if (err_number == ENODEV) {
        camera->first_mode = 0; /* what comes back may be another one */
        return lose(camera, "it was unplugged", err);
    }
    if (err_number == EPROTO) {
        return lose(camera, "the driver gives a buffer that it does not have", err);
    }
    return lose(camera, strerror(err_number), err);
}

/* --- frames --- */

static bool is_damaged(const struct v4l2_camera *camera, const struct v4l2_buffer *buffer)
{
    return (buffer->flags & V4L2_BUF_FLAG_ERROR) != 0 ||
           buffer->bytesused < camera->device.layout.needed_bytes ||
           buffer->bytesused > camera->device.buffers[buffer->index].size;
}

/* Everything that is ready comes off the queue, and all but the newest good one goes back: people
 * are at the gate now. GH_OK: *newest, and nothing of it is with the device. */
static enum gh_status dequeue_newest(struct v4l2_camera *camera, struct v4l2_buffer *newest,
                                     struct gh_error *err)
{
    bool found = false;
    bool damaged = false;
    /* The bound is for a device that fills buffers faster than we can return them. */
    for (unsigned i = 0; i < 2 * camera->device.buffer_count; i++) {
        struct v4l2_buffer buffer;
        if (gh_v4l2_dequeue(&camera->device, &buffer) != 0) {
            if (errno == EAGAIN) {
                break;
            }
            return lose_by_errno(camera, errno, err);
        }
        unsigned back = buffer.index;
        if (is_damaged(camera, &buffer)) {
            damaged = true;
            camera->counts.damaged++;
        } else {
            back = found ? newest->index : VIDEO_MAX_FRAME;
            camera->counts.skipped += found ? 1 : 0;
            found = true;
            *newest = buffer;
        }
        if (back != VIDEO_MAX_FRAME && gh_v4l2_queue(&camera->device, back) != 0) {
            return lose_by_errno(camera, errno, err);
        }
    }
    if (found) {
        return GH_OK;
    }
    return damaged ? gh_fail(err, GH_ERR_CORRUPT, "a frame from %s arrived damaged", camera->path)
                   : GH_ERR_AGAIN;
}

static enum gh_status give_jpeg(struct v4l2_camera *camera, const struct v4l2_buffer *buffer,
                                struct gh_frame *frame, struct gh_error *err)
{
    struct gh_error why = {0};
    struct gh_bytes jpeg = {camera->device.buffers[buffer->index].data, buffer->bytesused};
    enum gh_status status = gh_mjpeg_decode(camera->mjpeg, jpeg, frame, &why);
    if (gh_v4l2_queue(&camera->device, buffer->index) != 0) {
        return lose_by_errno(camera, errno, err);
    }
    if (status != GH_OK) {
        camera->counts.damaged++;
        return gh_fail(err, GH_ERR_CORRUPT, "%s: %s", camera->path, why.text);
    }
    return GH_OK;
}

static enum gh_status take_frame(struct v4l2_camera *camera, struct gh_frame *frame,
                                 struct gh_error *err)
{
    struct v4l2_buffer newest = {0};
    enum gh_status status = dequeue_newest(camera, &newest, err);
    if (status != GH_OK) {
        return status;
    }
    int64_t now_ns = gh_clock_monotonic_ns(camera->clock);
    if (gh_v4l2_is_jpeg(camera->device.layout.pixel_format)) {
        status = give_jpeg(camera, &newest, frame, err);
        if (status != GH_OK) {
            *frame = (struct gh_frame){0};
            return status;
        }
    } else {
        camera->held = (int)newest.index;
        *frame = (struct gh_frame){
            .luma = camera->device.buffers[newest.index].data,
            .width = camera->device.layout.width,
            .height = camera->device.layout.height,
            .stride_bytes = camera->device.layout.stride_bytes,
            .step_bytes = camera->device.layout.step_bytes,
        };
    }
    frame->captured_ns = now_ns;
    camera->starved_ns = 0;
    camera->mode_works = true;
    camera->retry_after_ns = RETRY_FIRST_NS;
    camera->counts.given++;
    return GH_OK;
}

/* --- waiting --- */

struct waited {
    bool woken;
    short device; /* its revents */
    int error;    /* errno of poll; 0: none */
};

static struct waited wait_until(struct v4l2_camera *camera, int64_t until_ns)
{
    struct pollfd fds[2] = {
        {.fd = camera->wake_fd, .events = POLLIN},
        {.fd = camera->device.fd, .events = POLLIN}, /* poll passes over -1 */
    };
    struct waited waited = {0};
    int ready;
    do {
        int64_t left_ns = until_ns - gh_clock_monotonic_ns(camera->clock);
        int64_t left_ms = left_ns > 0 ? (left_ns - 1) / GH_NS_PER_MS + 1 : 0;
        ready = camera->device.sys->poll(camera->device.sys->context, fds, 2,
                                         left_ms < INT_MAX ? (int)left_ms : INT_MAX);
    } while (ready < 0 && errno == EINTR);
    if (ready < 0) {
        waited.error = errno;
        return waited;
    }
    waited.device = ready > 0 ? fds[1].revents : 0;
    if (ready > 0 && (fds[0].revents & POLLIN) != 0) {
        eventfd_t count;
        waited.woken = eventfd_read(camera->wake_fd, &count) == 0;
    }
    return waited;
}

static enum gh_status starved(struct v4l2_camera *camera, struct gh_error *err)
{
    if (!camera->mode_works) {
        camera->first_mode++; /* streaming at this size is only promised, not done */
    }
    return lose(camera, "it gives no good frames", err);
}

static enum gh_status wait_for_frame(struct v4l2_camera *camera, int64_t until_ns,
                                     struct gh_frame *frame, struct gh_error *err)
{
    int64_t began_ns = gh_clock_monotonic_ns(camera->clock);
    int64_t starved_at_ns = began_ns + STARVED_NS - camera->starved_ns;
    struct waited waited = wait_until(camera, starved_at_ns < until_ns ? starved_at_ns : until_ns);
    enum gh_status status = GH_ERR_AGAIN;
    if (waited.error != 0) {
        return lose_by_errno(camera, waited.error, err);
    }
    if (waited.woken) {
        return GH_ERR_AGAIN; /* the frame, if there is one, waits in its buffer */
    }
    if (waited.device != 0) {
        status = take_frame(camera, frame, err);
        if (status == GH_OK || status == GH_ERR_GONE) {
            return status;
        }
        if (status == GH_ERR_AGAIN && (waited.device & (POLLERR | POLLHUP | POLLNVAL)) != 0) {
            return lose(camera, "the driver reports an error", err);
        }
    }
    int64_t now_ns = gh_clock_monotonic_ns(camera->clock);
    camera->starved_ns += now_ns - began_ns;
    if (camera->starved_ns >= STARVED_NS) {
        return starved(camera, err);
    }
    return status;
}

static int64_t deadline(int64_t now_ns, int64_t timeout_ms)
{
    int64_t timeout_ns;
    int64_t until_ns;
    if (timeout_ms <= 0) {
        return now_ns;
    }
    if (__builtin_mul_overflow(timeout_ms, GH_NS_PER_MS, &timeout_ns) ||
        __builtin_add_overflow(now_ns, timeout_ns, &until_ns)) {
        return INT64_MAX;
    }
    return until_ns;
}

static enum gh_status camera_next(void *context, int64_t timeout_ms, struct gh_frame *frame,
                                  struct gh_error *err)
{
    struct v4l2_camera *camera = (struct v4l2_camera *)context;
    int64_t now_ns = gh_clock_monotonic_ns(camera->clock);
    int64_t until_ns = deadline(now_ns, timeout_ms);

    *frame = (struct gh_frame){0};
    if (camera->held >= 0) {
        unsigned index = (unsigned)camera->held;
        camera->held = -1;
        if (gh_v4l2_queue(&camera->device, index) != 0) {
            return lose_by_errno(camera, errno, err);
        }
    }
    if (camera->device.fd < 0) {
        if (now_ns < camera->retry_ns) {
            struct waited waited =
                wait_until(camera, camera->retry_ns < until_ns ? camera->retry_ns : until_ns);
            if (waited.woken || gh_clock_monotonic_ns(camera->clock) < camera->retry_ns) {
                return GH_ERR_AGAIN;
            }
        }
        enum gh_status status = open_device(camera, err);
        if (status != GH_OK) {
            return status;
        }
    }
    return wait_for_frame(camera, until_ns, frame, err);
}

static void camera_wake(void *context)
{
    struct v4l2_camera *camera = (struct v4l2_camera *)context;
    (void)eventfd_write(camera->wake_fd, 1); /* full: it is awake already */
}

static void camera_free(void *context)
{
    struct v4l2_camera *camera = (struct v4l2_camera *)context;
    if (camera == NULL) {
        return;
    }
    close_device(camera);
    gh_mjpeg_free(camera->mjpeg);
    if (camera->wake_fd >= 0) {
        close(camera->wake_fd);
    }
    free(camera->path);
    free(camera);
}

struct gh_v4l2_counts gh_camera_v4l2_counts(const struct gh_camera *camera)
{
    return ((const struct v4l2_camera *)camera->context)->counts;
}

enum gh_status gh_camera_v4l2_new_over(const struct gh_v4l2_sys *sys, const char *path,
                                       uint32_t max_width, uint32_t max_height,
                                       const struct gh_clock *clock, struct gh_camera *out,
                                       struct gh_error *err)
{
    *out = (struct gh_camera){0};
    if (max_width == 0 || max_height == 0) {
        return gh_fail(err, GH_ERR_INVALID, "a camera without pixels");
    }
    struct v4l2_camera *camera = (struct v4l2_camera *)calloc(1, sizeof(*camera));
    if (camera == NULL) {
        return gh_fail(err, GH_ERR_NOMEM, "no memory for the camera");
    }
    camera->device.sys = sys;
    camera->clock = clock;
    camera->max_width = max_width;
    camera->max_height = max_height;
    camera->device.fd = -1;
    camera->held = -1;
    camera->retry_ns = INT64_MIN;
    camera->retry_after_ns = RETRY_FIRST_NS;
    camera->path = strdup(path);
    camera->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (camera->path == NULL || camera->wake_fd < 0) {
        camera_free(camera);
        return gh_fail(err, GH_ERR_NOMEM, "no memory for the camera");
    }
    *out = (struct gh_camera){
        .next = camera_next,
        .wake = camera_wake,
        .free = camera_free,
        .context = camera,
        .max_width = max_width,
        .max_height = max_height,
    };
    return GH_OK;
}

enum gh_status gh_camera_v4l2_new(const char *path, uint32_t max_width, uint32_t max_height,
                                  const struct gh_clock *clock, struct gh_camera *out,
                                  struct gh_error *err)
{
    return gh_camera_v4l2_new_over(&gh_v4l2_kernel, path, max_width, max_height, clock, out, err);
}
