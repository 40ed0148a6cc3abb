/* SPDX-License-Identifier: Apache-2.0 */
#include "fakes/v4l2_fake.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define FAKE_FD 100000 /* no real one: a call that goes past the fake fails */
#define OFFSET_STEP 0x100000

static int violate(struct fake_v4l2 *fake, const char *what)
{
    if (fake->violation[0] == '\0') {
        snprintf(fake->violation, sizeof(fake->violation), "%s", what);
    }
    errno = EINVAL;
    return -1;
}

static int refuse(int error)
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
        return refuse(EINTR);
    }
    if ((flags & (O_NONBLOCK | O_CLOEXEC | O_RDWR)) != (O_NONBLOCK | O_CLOEXEC | O_RDWR)) {
        return violate(fake, "opened without O_NONBLOCK, O_CLOEXEC or O_RDWR");
    }
    if (!fake->plugged || strcmp(path, fake->path) != 0) {
        return refuse(ENOENT);
    }
    if (fake->open_errno != 0) {
        return refuse(fake->open_errno);
    }
    if (fake->fd >= 0) {
        return violate(fake, "opened twice");
    }
    fake->fd = FAKE_FD + (int)fake->opens;
    fake->fd_plugged_count = fake->plugged_count;
    return fake->fd;
}

static bool any_mapped(const struct fake_v4l2 *fake)
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
        return violate(fake, "closed a file descriptor that is not open");
    }
    if (any_mapped(fake)) {
        return violate(fake, "closed while buffers are mapped");
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
    return fake->fd < 0 && !any_mapped(fake);
}

/* --- what it offers --- */

static struct fake_v4l2_format *offered(struct fake_v4l2 *fake, uint32_t pixel_format)
{
    for (size_t i = 0; i < FAKE_V4L2_FORMATS; i++) {
        if (fake->formats[i].pixel_format == pixel_format && pixel_format != 0) {
            return &fake->formats[i];
        }
    }
    return NULL;
}

static int do_querycap(struct fake_v4l2 *fake, struct v4l2_capability *what)
{
    *what = (struct v4l2_capability){.capabilities = fake->capabilities | V4L2_CAP_DEVICE_CAPS,
                                     .device_caps = fake->capabilities};
    /* The physical device may do more than this node of it. */
    what->capabilities |= V4L2_CAP_VIDEO_CAPTURE | V4L2_CAP_STREAMING;
    if (fake->lie_capabilities != 0) {
        what->capabilities = fake->lie_capabilities;
    }
    return 0;
}

static int do_enum_fmt(struct fake_v4l2 *fake, struct v4l2_fmtdesc *out)
{
    uint32_t index = fake->endless_lists ? out->index % 2 : out->index;
    if (out->type != V4L2_BUF_TYPE_VIDEO_CAPTURE || index >= FAKE_V4L2_FORMATS ||
        fake->formats[index].pixel_format == 0) {
        return refuse(EINVAL);
    }
    out->pixelformat = fake->formats[index].pixel_format;
    out->flags = fake->formats[index].flags;
    return 0;
}

static int do_enum_sizes(struct fake_v4l2 *fake, struct v4l2_frmsizeenum *out)
{
    const struct fake_v4l2_format *format = offered(fake, out->pixel_format);
    if (format == NULL) {
        return refuse(EINVAL);
    }
    if (format->tells_no_sizes) {
        return refuse(ENOTTY);
    }
    if (format->stepwise.max_width != 0) {
        out->type = V4L2_FRMSIZE_TYPE_STEPWISE;
        out->stepwise = format->stepwise;
        return out->index == 0 ? 0 : refuse(EINVAL);
    }
    uint32_t index = fake->endless_lists ? 0 : out->index;
    if (index >= FAKE_V4L2_SIZES || format->sizes[index].width == 0) {
        return refuse(EINVAL);
    }
    out->type = V4L2_FRMSIZE_TYPE_DISCRETE;
    out->discrete.width = format->sizes[index].width;
    out->discrete.height = format->sizes[index].height;
    return 0;
}

static int do_enum_intervals(struct fake_v4l2 *fake, struct v4l2_frmivalenum *out)
{
    const struct fake_v4l2_format *format = offered(fake, out->pixel_format);
    for (size_t i = 0; format != NULL && i < FAKE_V4L2_SIZES; i++) {
        const struct fake_v4l2_size *size = &format->sizes[i];
        if (size->width != out->width || size->height != out->height || size->width == 0) {
            continue;
        }
        uint32_t index = fake->endless_lists ? 0 : out->index;
        if (index >= FAKE_V4L2_INTERVALS || size->intervals[index].denominator == 0) {
            return refuse(EINVAL);
        }
        out->type = V4L2_FRMIVAL_TYPE_DISCRETE;
        out->discrete = size->intervals[index];
        return 0;
    }
    return refuse(EINVAL);
}

/* --- format and pace --- */

static bool takes_size(const struct fake_v4l2_format *format, uint32_t width, uint32_t height)
{
    const struct v4l2_frmsize_stepwise *step = &format->stepwise;
    if (format->tells_no_sizes) {
        return width <= 4000 && height <= 3000;
    }
    if (step->max_width != 0) {
        return width >= step->min_width && width <= step->max_width &&
               (width - step->min_width) % (step->step_width != 0 ? step->step_width : 1) == 0 &&
               height >= step->min_height && height <= step->max_height &&
               (height - step->min_height) % (step->step_height != 0 ? step->step_height : 1) == 0;
    }
    for (size_t i = 0; i < FAKE_V4L2_SIZES; i++) {
        if (format->sizes[i].width == width && format->sizes[i].height == height) {
            return true;
        }
    }
    return false;
}

static void lay_out(struct fake_v4l2 *fake, struct v4l2_pix_format *pix)
{
    uint32_t padded = (pix->width + 31) / 32 * 32;
    switch (pix->pixelformat) {
    case V4L2_PIX_FMT_YUYV:
        pix->bytesperline = padded * 2;
        pix->sizeimage = pix->bytesperline * pix->height;
        break;
    case V4L2_PIX_FMT_NV12:
        pix->bytesperline = padded;
        pix->sizeimage = padded * pix->height * 3 / 2;
        break;
    case V4L2_PIX_FMT_GREY:
        pix->bytesperline = padded;
        pix->sizeimage = padded * pix->height;
        break;
    default:
        pix->bytesperline = 0;
        pix->sizeimage = pix->width * pix->height;
        break;
    }
    if (fake->lie_bytesperline != 0) {
        pix->bytesperline = fake->lie_bytesperline;
    }
}

static int do_s_fmt(struct fake_v4l2 *fake, struct v4l2_format *format)
{
    struct v4l2_pix_format *pix = &format->fmt.pix;
    if (format->type != V4L2_BUF_TYPE_VIDEO_CAPTURE) {
        return violate(fake, "S_FMT of another type");
    }
    if (fake->buffer_count > 0) {
        return violate(fake, "S_FMT while there are buffers");
    }
    struct fake_v4l2_format *found = offered(fake, pix->pixelformat);
    if (found == NULL) {
        found = &fake->formats[0];
        pix->pixelformat = found->pixel_format;
    }
    if (!takes_size(found, pix->width, pix->height)) {
        pix->width = found->sizes[0].width;
        pix->height = found->sizes[0].height;
    }
    if (fake->lie_width != 0) {
        pix->width = fake->lie_width;
    }
    if (fake->lie_height != 0) {
        pix->height = fake->lie_height;
    }
    if (fake->lie_pixel_format != 0) {
        pix->pixelformat = fake->lie_pixel_format;
    }
    lay_out(fake, pix);
    fake->pix = *pix;
    fake->format_at = (size_t)(found - fake->formats);
    fake->has_format = true;
    return 0;
}

static int do_parm(struct fake_v4l2 *fake, struct v4l2_streamparm *parameters, bool set)
{
    if (parameters->type != V4L2_BUF_TYPE_VIDEO_CAPTURE) {
        return violate(fake, "PARM of another type");
    }
    if (set) {
        if (fake->streaming) {
            return refuse(EBUSY);
        }
        fake->interval = parameters->parm.capture.timeperframe;
    }
    parameters->parm.capture.capability = V4L2_CAP_TIMEPERFRAME;
    parameters->parm.capture.timeperframe = fake->interval;
    return 0;
}

/* --- buffers --- */

static int do_reqbufs(struct fake_v4l2 *fake, struct v4l2_requestbuffers *request)
{
    if (request->type != V4L2_BUF_TYPE_VIDEO_CAPTURE || request->memory != V4L2_MEMORY_MMAP) {
        return violate(fake, "REQBUFS of another type");
    }
    if (fake->streaming || any_mapped(fake)) {
        return violate(fake, "REQBUFS while streaming or mapped");
    }
    fake->queued_count = 0;
    fake->filled_count = 0;
    fake->buffer_count = request->count < VIDEO_MAX_FRAME ? request->count : VIDEO_MAX_FRAME;
    if (request->count == 0) {
        return 0;
    }
    if (!fake->has_format) {
        return violate(fake, "REQBUFS without a format");
    }
    if (fake->lie_buffers != 0) {
        fake->buffer_count =
            fake->lie_buffers < VIDEO_MAX_FRAME ? fake->lie_buffers : VIDEO_MAX_FRAME;
    }
    for (unsigned i = 0; i < fake->buffer_count; i++) {
        fake->buffers[i] = (struct fake_v4l2_buffer){
            .length = fake->lie_length != 0 ? fake->lie_length : fake->pix.sizeimage};
    }
    request->count = fake->lie_buffers != 0 ? fake->lie_buffers : fake->buffer_count;
    return 0;
}

static int do_querybuf(struct fake_v4l2 *fake, struct v4l2_buffer *buffer)
{
    if (buffer->index >= fake->buffer_count || buffer->type != V4L2_BUF_TYPE_VIDEO_CAPTURE) {
        return refuse(EINVAL);
    }
    buffer->length = fake->buffers[buffer->index].length;
    buffer->m.offset = (buffer->index + 1) * OFFSET_STEP;
    return 0;
}

static void *fake_mmap(void *context, size_t size, int fd, int64_t offset)
{
    struct fake_v4l2 *fake = (struct fake_v4l2 *)context;
    int64_t index = offset / OFFSET_STEP - 1;
    if (fd != fake->fd || offset % OFFSET_STEP != 0 || index < 0 || index >= fake->buffer_count ||
        size != fake->buffers[index].length || fake->buffers[index].mapped != NULL) {
        violate(fake, "mapped what is not a buffer");
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
    return violate(fake, "unmapped what is not mapped");
}

static int do_qbuf(struct fake_v4l2 *fake, const struct v4l2_buffer *buffer)
{
    if (buffer->index >= fake->buffer_count || buffer->type != V4L2_BUF_TYPE_VIDEO_CAPTURE ||
        buffer->memory != V4L2_MEMORY_MMAP) {
        return violate(fake, "queued what is not a buffer");
    }
    struct fake_v4l2_buffer *mine = &fake->buffers[buffer->index];
    if (mine->owner != FAKE_V4L2_IDLE) {
        return violate(fake, "queued a buffer that is queued");
    }
    mine->owner = FAKE_V4L2_QUEUED;
    memset(mine->mapped, 0xEE, mine->length); /* from now on the hardware may write to it */
    fake->queued[fake->queued_count++] = buffer->index;
    return 0;
}

static int do_dqbuf(struct fake_v4l2 *fake, struct v4l2_buffer *buffer)
{
    if (!fake->streaming || buffer->type != V4L2_BUF_TYPE_VIDEO_CAPTURE ||
        buffer->memory != V4L2_MEMORY_MMAP) {
        return violate(fake, "DQBUF while not streaming");
    }
    if (fake->filled_count == 0 || fake->error_state || fake->spurious) {
        return refuse(EAGAIN);
    }
    unsigned index = fake->filled[0];
    fake->filled_count--;
    memmove(fake->filled, fake->filled + 1, fake->filled_count * sizeof(fake->filled[0]));
    struct fake_v4l2_buffer *mine = &fake->buffers[index];
    mine->owner = FAKE_V4L2_IDLE;
    buffer->index = fake->lie_index != 0 ? fake->lie_index - 1 : index;
    buffer->bytesused = mine->bytesused;
    buffer->length = mine->length;
    buffer->flags = mine->flags | V4L2_BUF_FLAG_TIMESTAMP_MONOTONIC;
    buffer->sequence = mine->sequence;
    return 0;
}

static int do_stream(struct fake_v4l2 *fake, const int *type, bool on)
{
    const struct fake_v4l2_format *format = &fake->formats[fake->format_at];
    if (*type != V4L2_BUF_TYPE_VIDEO_CAPTURE) {
        return violate(fake, "STREAMON of another type");
    }
    if (!on) {
        fake->streaming = false;
        fake->queued_count = 0;
        fake->filled_count = 0;
        for (unsigned i = 0; i < fake->buffer_count; i++) {
            fake->buffers[i].owner = FAKE_V4L2_IDLE;
        }
        return 0;
    }
    if (fake->queued_count < 2) {
        return violate(fake, "STREAMON with fewer than two queued buffers");
    }
    if (format->streamon_errno != 0) {
        return refuse(format->streamon_errno);
    }
    if (format->broken_width != 0 && format->broken_width == fake->pix.width) {
        return refuse(ENOSPC);
    }
    fake->streaming = true;
    fake->sequence = 0;
    fake->frame_due_ns = fake->now_ns + fake->interval_ns;
    return 0;
}

/* --- the calls --- */

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

static int dispatch(struct fake_v4l2 *fake, unsigned long request, void *arg)
{
    switch (request) {
    case VIDIOC_QUERYCAP:
        return do_querycap(fake, (struct v4l2_capability *)arg);
    case VIDIOC_ENUM_FMT:
        return do_enum_fmt(fake, (struct v4l2_fmtdesc *)arg);
    case VIDIOC_ENUM_FRAMESIZES:
        return do_enum_sizes(fake, (struct v4l2_frmsizeenum *)arg);
    case VIDIOC_ENUM_FRAMEINTERVALS:
        return do_enum_intervals(fake, (struct v4l2_frmivalenum *)arg);
    case VIDIOC_S_FMT:
        return do_s_fmt(fake, (struct v4l2_format *)arg);
    case VIDIOC_G_PARM:
        return do_parm(fake, (struct v4l2_streamparm *)arg, false);
    case VIDIOC_S_PARM:
        return do_parm(fake, (struct v4l2_streamparm *)arg, true);
    case VIDIOC_REQBUFS:
        return do_reqbufs(fake, (struct v4l2_requestbuffers *)arg);
    case VIDIOC_QUERYBUF:
        return do_querybuf(fake, (struct v4l2_buffer *)arg);
    case VIDIOC_QBUF:
        return do_qbuf(fake, (const struct v4l2_buffer *)arg);
    case VIDIOC_DQBUF:
        return do_dqbuf(fake, (struct v4l2_buffer *)arg);
    case VIDIOC_STREAMON:
        return do_stream(fake, (const int *)arg, true);
    case VIDIOC_STREAMOFF:
        return do_stream(fake, (const int *)arg, false);
    default:
        return refuse(ENOTTY);
    }
}

static int fake_ioctl(void *context, int fd, unsigned long request, void *arg)
{
    struct fake_v4l2 *fake = (struct fake_v4l2 *)context;
    if (fd != fake->fd || fd < 0) {
        return violate(fake, "ioctl on a file descriptor that is not open");
    }
    if (interrupted(fake)) {
        return refuse(EINTR);
    }
    if (!fake->plugged || fake->fd_plugged_count != fake->plugged_count) {
        return refuse(ENODEV);
    }
    int error = fault_of(fake, request);
    return error != 0 ? refuse(error) : dispatch(fake, request, arg);
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
        return violate(fake, "waits for ever");
    }
    if (interrupted(fake)) {
        return refuse(EINTR);
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
