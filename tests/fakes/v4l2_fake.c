/* SPDX-License-Identifier: Apache-2.0 */
#include "fakes/v4l2_fake_parts.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define FAKE_FD 100000 /* no real one: a call that goes past the fake fails */

int fake_v4l2_violate(struct fake_v4l2 *fake, const char *what)
{
    if (fake->violation[0] == '\0') {
        snprintf(fake->violation, sizeof(fake->violation), "%s", what);
    }
    errno = EINVAL;
    return -1;
}

int fake_v4l2_refuse(int error)
{
    errno = error;
    return -1;
}

/* --- time and frames --- */

uint8_t fake_v4l2_luma(uint32_t x, uint32_t y, uint32_t sequence)
{
    return (uint8_t)(x * 3 + y * 7 + sequence * 31);
}

uint32_t fake_v4l2_paint_luma(struct fake_v4l2 *fake, uint32_t sequence, uint8_t *data,
                              uint32_t size, uint32_t *flags)
{
    const struct v4l2_pix_format *pix = &fake->pix;
    uint32_t step = pix->pixelformat == V4L2_PIX_FMT_YUYV ? 2 : 1;
    (void)flags;
    memset(data, 0xA5, size);
    for (uint32_t y = 0; y < pix->height; y++) {
        for (uint32_t x = 0; x < pix->width; x++) {
            size_t at = (size_t)y * pix->bytesperline + (size_t)x * step;
            if (at < size) {
                data[at] = fake_v4l2_luma(x, y, sequence);
            }
        }
    }
    return pix->sizeimage < size ? pix->sizeimage : size;
}

static void frame_arrives(struct fake_v4l2 *fake)
{
    uint32_t sequence = fake->sequence++;
    if (fake->queued_count == 0) {
        return; /* nowhere to put it: lost */
    }
    unsigned index = fake->queued[0];
    fake->queued_count--;
    memmove(fake->queued, fake->queued + 1, fake->queued_count * sizeof(fake->queued[0]));
    struct fake_v4l2_buffer *buffer = &fake->buffers[index];
    buffer->flags = 0;
    buffer->sequence = sequence;
    buffer->bytesused = fake->paint(fake, sequence, buffer->mapped, buffer->length, &buffer->flags);
    buffer->owner = FAKE_V4L2_FILLED;
    fake->filled[fake->filled_count++] = index;
}

static bool gives_frames(const struct fake_v4l2 *fake)
{
    return fake->plugged && fake->streaming && !fake->formats[fake->format_at].starves &&
           !fake->error_state && !fake->spurious;
}

static void pass_ns(struct fake_v4l2 *fake, int64_t until_ns)
{
    while (gives_frames(fake) && fake->frame_due_ns <= until_ns) {
        fake->now_ns = fake->frame_due_ns;
        fake->frame_due_ns += fake->interval_ns;
        frame_arrives(fake);
    }
    fake->now_ns = until_ns;
}

void fake_v4l2_pass(struct fake_v4l2 *fake, int64_t ms)
{
    pass_ns(fake, fake->now_ns + ms * GH_NS_PER_MS);
}

static int64_t fake_time(void *context)
{
    return ((struct fake_v4l2 *)context)->now_ns;
}

/* --- open and close --- */

static bool interrupted(struct fake_v4l2 *fake)
{
    return fake->calls++ % 2 == 0 && fake->interrupts;
}

static int fake_open(void *context, const char *path, int flags)
{
    struct fake_v4l2 *fake = (struct fake_v4l2 *)context;
    fake->opens++;
    if (interrupted(fake)) {
        return fake_v4l2_refuse(EINTR);
    }
    if ((flags & (O_NONBLOCK | O_CLOEXEC | O_RDWR)) != (O_NONBLOCK | O_CLOEXEC | O_RDWR)) {
        return fake_v4l2_violate(fake, "opened without O_NONBLOCK, O_CLOEXEC or O_RDWR");
    }
    if (!fake->plugged || strcmp(path, fake->path) != 0) {
        return fake_v4l2_refuse(ENOENT);
    }
    if (fake->open_errno != 0) {
        return fake_v4l2_refuse(fake->open_errno);
    }
    if (fake->fd >= 0) {
        return fake_v4l2_violate(fake, "opened twice");
    }
    fake->fd = FAKE_FD + (int)fake->opens;
    fake->fd_plugged_count = fake->plugged_count;
    return fake->fd;
}

bool fake_v4l2_any_mapped(const struct fake_v4l2 *fake)
{
    for (unsigned i = 0; i < VIDEO_MAX_FRAME; i++) {
        if (fake->buffers[i].mapped != NULL) {
            return true;
        }
    }
    return false;
}

static int fake_close(void *context, int fd)
{
    struct fake_v4l2 *fake = (struct fake_v4l2 *)context;
    if (fd != fake->fd || fd < 0) {
        return fake_v4l2_violate(fake, "closed a file descriptor that is not open");
    }
    if (fake_v4l2_any_mapped(fake)) {
        return fake_v4l2_violate(fake, "closed while buffers are mapped");
    }
    fake->fd = -1;
    fake->streaming = false;
    fake->buffer_count = 0;
    fake->queued_count = 0;
    fake->filled_count = 0;
    return 0;
}

bool fake_v4l2_is_clean(const struct fake_v4l2 *fake)
{
    return fake->fd < 0 && !fake_v4l2_any_mapped(fake);
}

/* --- the calls --- */

static void *fake_mmap(void *context, size_t size, int fd, int64_t offset)
{
    struct fake_v4l2 *fake = (struct fake_v4l2 *)context;
    int64_t index = offset / FAKE_V4L2_OFFSET_STEP - 1;
    if (fd != fake->fd || offset % FAKE_V4L2_OFFSET_STEP != 0 || index < 0 ||
        index >= fake->buffer_count || size != fake->buffers[index].length ||
        fake->buffers[index].mapped != NULL) {
        fake_v4l2_violate(fake, "mapped what is not a buffer");
        return MAP_FAILED;
    }
    /* Exactly as long as it was said to be: the sanitizer sees who reads beyond. */
    fake->buffers[index].mapped = (uint8_t *)malloc(size);
    memset(fake->buffers[index].mapped, 0xEE, size);
    return fake->buffers[index].mapped;
}

static int fake_munmap(void *context, void *address, size_t size)
{
    struct fake_v4l2 *fake = (struct fake_v4l2 *)context;
    for (unsigned i = 0; i < VIDEO_MAX_FRAME; i++) {
        if (fake->buffers[i].mapped == address && fake->buffers[i].length == size) {
            free(address);
            fake->buffers[i].mapped = NULL;
            return 0;
        }
    }
    return fake_v4l2_violate(fake, "unmapped what is not mapped");
}

static int fault_of(struct fake_v4l2 *fake, unsigned long request)
{
    for (size_t i = 0; i < FAKE_V4L2_FAULTS; i++) {
        struct fake_v4l2_fault *fault = &fake->faults[i];
        if (fault->request == request && fault->errors[0] != 0) {
            int error = fault->errors[0];
            memmove(fault->errors, fault->errors + 1, sizeof(fault->errors) - sizeof(int));
            fault->errors[GH_ARRAY_SIZE(fault->errors) - 1] = 0;
            return error;
        }
    }
    return 0;
}

static int fake_ioctl(void *context, int fd, unsigned long request, void *arg)
{
    struct fake_v4l2 *fake = (struct fake_v4l2 *)context;
    if (fd != fake->fd || fd < 0) {
        return fake_v4l2_violate(fake, "ioctl on a file descriptor that is not open");
    }
    if (interrupted(fake)) {
        return fake_v4l2_refuse(EINTR);
    }
    if (!fake->plugged || fake->fd_plugged_count != fake->plugged_count) {
        return fake_v4l2_refuse(ENODEV);
    }
    int error = fault_of(fake, request);
    return error != 0 ? fake_v4l2_refuse(error) : fake_v4l2_do(fake, request, arg);
}

static short device_events(const struct fake_v4l2 *fake)
{
    if (!fake->plugged || fake->fd_plugged_count != fake->plugged_count) {
        return POLLERR | POLLHUP;
    }
    if (!fake->streaming || fake->error_state ||
        (fake->queued_count == 0 && fake->filled_count == 0)) {
        return POLLERR;
    }
    return fake->filled_count > 0 || fake->spurious ? POLLIN : 0;
}

static int ready(struct fake_v4l2 *fake, struct pollfd *fds, nfds_t count)
{
    int found = 0;
    for (nfds_t i = 0; i < count; i++) {
        fds[i].revents = 0;
        if (fds[i].fd >= 0 && fds[i].fd == fake->fd) {
            fds[i].revents = device_events(fake);
        } else if (fds[i].fd >= FAKE_FD) {
            fds[i].revents = POLLNVAL;
        } else if (fds[i].fd >= 0) {
            (void)poll(&fds[i], 1, 0); /* a real one: the camera's event counter */
        }
        found += fds[i].revents != 0;
    }
    return found;
}

static int fake_poll(void *context, struct pollfd *fds, nfds_t count, int timeout_ms)
{
    struct fake_v4l2 *fake = (struct fake_v4l2 *)context;
    fake->polls++;
    if (timeout_ms < 0) {
        return fake_v4l2_violate(fake, "waits for ever");
    }
    if (interrupted(fake)) {
        return fake_v4l2_refuse(EINTR);
    }
    int64_t until_ns = fake->now_ns + timeout_ms * GH_NS_PER_MS;
    for (;;) {
        int found = ready(fake, fds, count);
        if (found > 0 || fake->now_ns >= until_ns) {
            return found;
        }
        if (fake->meanwhile != NULL) {
            fake->meanwhile(fake);
            found = ready(fake, fds, count);
            if (found > 0) {
                return found;
            }
        }
        int64_t next_ns = fake->now_ns + 10 * GH_NS_PER_MS;
        if (gives_frames(fake) && fake->frame_due_ns < next_ns) {
            next_ns = fake->frame_due_ns;
        }
        pass_ns(fake, next_ns < until_ns ? next_ns : until_ns);
    }
}

/* --- for the test --- */

void fake_v4l2_init(struct fake_v4l2 *fake)
{
    *fake = (struct fake_v4l2){
        .path = "/dev/video0",
        .plugged = true,
        .capabilities = V4L2_CAP_VIDEO_CAPTURE | V4L2_CAP_STREAMING,
        .interval_ns = GH_NS_PER_S / 30,
        .paint = fake_v4l2_paint_luma,
        .now_ns = 5000 * GH_NS_PER_S,
        .fd = -1,
        .sys = {.open = fake_open,
                .close = fake_close,
                .ioctl = fake_ioctl,
                .mmap = fake_mmap,
                .munmap = fake_munmap,
                .poll = fake_poll,
                .context = fake},
        .clock = {.wall_ns = fake_time, .monotonic_ns = fake_time, .context = fake},
    };
}

struct fake_v4l2_format *fake_v4l2_format(struct fake_v4l2 *fake, uint32_t pixel_format)
{
    for (size_t i = 0; i < FAKE_V4L2_FORMATS; i++) {
        if (fake->formats[i].pixel_format == 0 || fake->formats[i].pixel_format == pixel_format) {
            fake->formats[i].pixel_format = pixel_format;
            return &fake->formats[i];
        }
    }
    abort();
}

void fake_v4l2_add(struct fake_v4l2 *fake, uint32_t pixel_format, uint32_t width, uint32_t height,
                   uint32_t numerator, uint32_t denominator)
{
    struct fake_v4l2_size *size = fake_v4l2_format(fake, pixel_format)->sizes;
    while (size->width != 0 && (size->width != width || size->height != height)) {
        size++;
    }
    size->width = width;
    size->height = height;
    struct v4l2_fract *interval = size->intervals;
    while (interval->denominator != 0) {
        interval++;
    }
    interval->numerator = numerator;
    interval->denominator = denominator;
}

void fake_v4l2_unplug(struct fake_v4l2 *fake)
{
    fake->plugged = false;
    fake->streaming = false;
}

void fake_v4l2_plug(struct fake_v4l2 *fake)
{
    fake->plugged = true;
    fake->plugged_count++;
    fake->has_format = false;
}

void fake_v4l2_fault(struct fake_v4l2 *fake, unsigned long request, int first, int second)
{
    for (size_t i = 0; i < FAKE_V4L2_FAULTS; i++) {
        if (fake->faults[i].errors[0] == 0) {
            fake->faults[i] =
                (struct fake_v4l2_fault){.request = request, .errors = {first, second}};
            return;
        }
    }
    abort();
}
