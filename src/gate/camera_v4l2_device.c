/* SPDX-License-Identifier: Apache-2.0 */
/* One open V4L2 device that streams: from open to close, and the way of its buffers. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "gate/camera_v4l2.h"

#define BUFFERS_WANTED 4
#define BUFFERS_MIN 2 /* one with the caller, one with the device */

/* --- the kernel's calls --- */

static int kernel_open(void *context, const char *path, int flags)
{
    (void)context;
    return open(path, flags);
}

static int kernel_close(void *context, int fd)
{
    (void)context;
    return close(fd);
}

static int kernel_ioctl(void *context, int fd, unsigned long request, void *arg)
{
    (void)context;
    return ioctl(fd, request, arg);
}

static void *kernel_mmap(void *context, size_t size, int fd, int64_t offset)
{
    (void)context;
    return mmap64(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, offset);
}

static int kernel_munmap(void *context, void *address, size_t size)
{
    (void)context;
    return munmap(address, size);
}

static int kernel_poll(void *context, struct pollfd *fds, nfds_t count, int timeout_ms)
{
    (void)context;
    return poll(fds, count, timeout_ms);
}

const struct gh_v4l2_sys gh_v4l2_kernel = {
    .open = kernel_open,
    .close = kernel_close,
    .ioctl = kernel_ioctl,
    .mmap = kernel_mmap,
    .munmap = kernel_munmap,
    .poll = kernel_poll,
};

static int control(struct gh_v4l2_device *device, unsigned long request, void *arg)
{
    return gh_v4l2_ioctl(device->sys, device->fd, request, arg);
}

/* --- buffers --- */

int gh_v4l2_queue(struct gh_v4l2_device *device, unsigned index)
{
    struct v4l2_buffer buffer = {
        .index = index,
        .type = V4L2_BUF_TYPE_VIDEO_CAPTURE,
        .memory = V4L2_MEMORY_MMAP,
    };
    if (control(device, VIDIOC_QBUF, &buffer) != 0) {
        return -1;
    }
    device->buffers[index].queued = true;
    return 0;
}

static void drop_buffers(struct gh_v4l2_device *device)
{
    for (unsigned i = 0; i < device->buffer_count; i++) {
        struct gh_v4l2_buffer *buffer = &device->buffers[i];
        if (buffer->data != NULL) {
            device->sys->munmap(device->sys->context, buffer->data, buffer->size);
        }
        *buffer = (struct gh_v4l2_buffer){0};
    }
    device->buffer_count = 0;
    struct v4l2_requestbuffers none = {
        .count = 0,
        .type = V4L2_BUF_TYPE_VIDEO_CAPTURE,
        .memory = V4L2_MEMORY_MMAP,
    };
    (void)control(device, VIDIOC_REQBUFS, &none); /* a device that is gone has none */
}

static enum gh_status map_buffer(struct gh_v4l2_device *device, unsigned index,
                                 struct gh_error *err)
{
    struct v4l2_buffer info = {
        .index = index,
        .type = V4L2_BUF_TYPE_VIDEO_CAPTURE,
        .memory = V4L2_MEMORY_MMAP,
    };
    if (control(device, VIDIOC_QUERYBUF, &info) != 0) {
        return gh_fail(err, GH_ERR_IO, "cannot query a buffer: %s", strerror(errno));
    }
    if (info.length < device->layout.needed_bytes) {
        return gh_fail(err, GH_ERR_UNSUPPORTED,
                       "the driver's buffers of %" PRIu32 " bytes are too small for %" PRIu32
                       "x%" PRIu32,
                       info.length, device->layout.width, device->layout.height);
    }
    void *data = device->sys->mmap(device->sys->context, info.length, device->fd, info.m.offset);
    if (data == MAP_FAILED) {
        return gh_fail(err, GH_ERR_IO, "cannot map a buffer: %s", strerror(errno));
    }
    device->buffers[index] = (struct gh_v4l2_buffer){.data = (uint8_t *)data, .size = info.length};
    return GH_OK;
}

static enum gh_status get_buffers(struct gh_v4l2_device *device, struct gh_error *err)
{
    struct v4l2_requestbuffers wanted = {
        .count = BUFFERS_WANTED,
        .type = V4L2_BUF_TYPE_VIDEO_CAPTURE,
        .memory = V4L2_MEMORY_MMAP,
    };
    if (control(device, VIDIOC_REQBUFS, &wanted) != 0) {
        return gh_fail(err, errno == EBUSY ? GH_ERR_BUSY : GH_ERR_IO, "cannot have buffers: %s",
                       strerror(errno));
    }
    if (wanted.count < BUFFERS_MIN) {
        return gh_fail(err, GH_ERR_NOMEM, "the driver gives only %" PRIu32 " buffers",
                       wanted.count);
    }
    unsigned count = wanted.count < VIDEO_MAX_FRAME ? wanted.count : VIDEO_MAX_FRAME;
    device->buffer_count = count; /* those without data are not mapped yet */
    for (unsigned i = 0; i < count; i++) {
        enum gh_status status = map_buffer(device, i, err);
        if (status != GH_OK) {
            return status;
        }
    }
    return GH_OK;
}

/* --- opening and closing --- */

static enum gh_status start_mode(struct gh_v4l2_device *device, const struct gh_v4l2_mode *mode,
                                 uint32_t max_width, uint32_t max_height, struct gh_error *err)
{
    enum gh_status status = gh_v4l2_set_mode(device->sys, device->fd, mode, max_width, max_height,
                                             &device->layout, err);
    if (status == GH_OK) {
        status = get_buffers(device, err);
    }
    for (unsigned i = 0; i < device->buffer_count && status == GH_OK; i++) {
        if (gh_v4l2_queue(device, i) != 0) {
            status = gh_fail(err, GH_ERR_IO, "cannot queue a buffer: %s", strerror(errno));
        }
    }
    int type = V4L2_BUF_TYPE_VIDEO_CAPTURE;
    if (status == GH_OK && control(device, VIDIOC_STREAMON, &type) != 0) {
        /* ENOSPC: not enough room on the bus for this mode, perhaps for the next one. */
        status = gh_fail(err, GH_ERR_IO, "cannot start streaming: %s", strerror(errno));
    }
    if (status != GH_OK) {
        drop_buffers(device);
    }
    return status;
}

static enum gh_status start(struct gh_v4l2_device *device, uint32_t max_width, uint32_t max_height,
                            unsigned *first_mode, struct gh_error *err)
{
    struct gh_v4l2_mode modes[GH_V4L2_MODES_MAX];
    enum gh_status status = gh_v4l2_check_device(device->sys, device->fd, err);
    if (status != GH_OK) {
        return status;
    }
    unsigned count = gh_v4l2_list_modes(device->sys, device->fd, max_width, max_height, modes);
    if (count == 0) {
        return gh_fail(err, GH_ERR_UNSUPPORTED,
                       "offers no picture of at most %" PRIu32 "x%" PRIu32
                       " as GREY, NV12, YUYV or MJPEG",
                       max_width, max_height);
    }
    for (unsigned i = 0; i < count; i++) {
        unsigned at = (*first_mode + i) % count;
        status = start_mode(device, &modes[at], max_width, max_height, err);
        if (status == GH_OK) {
            *first_mode = at;
        }
        if (status == GH_OK || status == GH_ERR_BUSY) {
            break;
        }
    }
    return status;
}

enum gh_status gh_v4l2_device_open(struct gh_v4l2_device *device, const char *path,
                                   uint32_t max_width, uint32_t max_height, unsigned *first_mode,
                                   struct gh_error *err)
{
    do {
        device->fd = device->sys->open(device->sys->context, path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
    } while (device->fd < 0 && errno == EINTR);
    if (device->fd < 0) {
        return gh_fail(err, gh_status_from_errno(errno), "%s", strerror(errno));
    }
    enum gh_status status = start(device, max_width, max_height, first_mode, err);
    if (status != GH_OK) {
        gh_v4l2_device_close(device);
    }
    return status;
}

void gh_v4l2_device_close(struct gh_v4l2_device *device)
{
    if (device->fd < 0) {
        return;
    }
    int type = V4L2_BUF_TYPE_VIDEO_CAPTURE;
    (void)control(device, VIDIOC_STREAMOFF, &type); /* it may be gone */
    drop_buffers(device);
    device->sys->close(device->sys->context, device->fd);
    device->fd = -1;
}

int gh_v4l2_dequeue(struct gh_v4l2_device *device, struct v4l2_buffer *buffer)
{
    *buffer = (struct v4l2_buffer){
        .type = V4L2_BUF_TYPE_VIDEO_CAPTURE,
        .memory = V4L2_MEMORY_MMAP,
    };
    if (control(device, VIDIOC_DQBUF, buffer) != 0) {
        return -1;
    }
    if (buffer->index >= device->buffer_count || !device->buffers[buffer->index].queued) {
        errno = EPROTO; /* the driver gives a buffer that it does not have */
        return -1;
    }
    device->buffers[buffer->index].queued = false;
    return 0;
}
