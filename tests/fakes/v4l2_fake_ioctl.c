/* SPDX-License-Identifier: Apache-2.0 */
/* What the fake device offers, and what it does at each ioctl. */
#include "fakes/v4l2_fake_parts.h"

#include <errno.h>
#include <string.h>

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
        return fake_v4l2_refuse(EINVAL);
    }
    out->pixelformat = fake->formats[index].pixel_format;
    out->flags = fake->formats[index].flags;
    return 0;
}

static int do_enum_sizes(struct fake_v4l2 *fake, struct v4l2_frmsizeenum *out)
{
    const struct fake_v4l2_format *format = offered(fake, out->pixel_format);
    if (format == NULL) {
        return fake_v4l2_refuse(EINVAL);
    }
    if (format->tells_no_sizes) {
        return fake_v4l2_refuse(ENOTTY);
    }
    if (format->stepwise.max_width != 0) {
        out->type = V4L2_FRMSIZE_TYPE_STEPWISE;
        out->stepwise = format->stepwise;
        return out->index == 0 ? 0 : fake_v4l2_refuse(EINVAL);
    }
    uint32_t index = fake->endless_lists ? 0 : out->index;
    if (index >= FAKE_V4L2_SIZES || format->sizes[index].width == 0) {
        return fake_v4l2_refuse(EINVAL);
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
            return fake_v4l2_refuse(EINVAL);
        }
        out->type = V4L2_FRMIVAL_TYPE_DISCRETE;
        out->discrete = size->intervals[index];
        return 0;
    }
    return fake_v4l2_refuse(EINVAL);
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
        return fake_v4l2_violate(fake, "S_FMT of another type");
    }
    if (fake->buffer_count > 0) {
        return fake_v4l2_violate(fake, "S_FMT while there are buffers");
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
        return fake_v4l2_violate(fake, "PARM of another type");
    }
    if (set) {
        if (fake->streaming) {
            return fake_v4l2_refuse(EBUSY);
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
        return fake_v4l2_violate(fake, "REQBUFS of another type");
    }
    if (fake->streaming || fake_v4l2_any_mapped(fake)) {
        return fake_v4l2_violate(fake, "REQBUFS while streaming or mapped");
    }
    fake->queued_count = 0;
    fake->filled_count = 0;
    fake->buffer_count = request->count < VIDEO_MAX_FRAME ? request->count : VIDEO_MAX_FRAME;
    if (request->count == 0) {
        return 0;
    }
    if (!fake->has_format) {
        return fake_v4l2_violate(fake, "REQBUFS without a format");
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
        return fake_v4l2_refuse(EINVAL);
    }
    buffer->length = fake->buffers[buffer->index].length;
    buffer->m.offset = (buffer->index + 1) * FAKE_V4L2_OFFSET_STEP;
    return 0;
}

static int do_qbuf(struct fake_v4l2 *fake, const struct v4l2_buffer *buffer)
{
    if (buffer->index >= fake->buffer_count || buffer->type != V4L2_BUF_TYPE_VIDEO_CAPTURE ||
        buffer->memory != V4L2_MEMORY_MMAP) {
        return fake_v4l2_violate(fake, "queued what is not a buffer");
    }
    struct fake_v4l2_buffer *mine = &fake->buffers[buffer->index];
    if (mine->owner != FAKE_V4L2_IDLE) {
        return fake_v4l2_violate(fake, "queued a buffer that is queued");
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
        return fake_v4l2_violate(fake, "DQBUF while not streaming");
    }
    if (fake->filled_count == 0 || fake->error_state || fake->spurious) {
        return fake_v4l2_refuse(EAGAIN);
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
        return fake_v4l2_violate(fake, "STREAMON of another type");
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
        return fake_v4l2_violate(fake, "STREAMON with fewer than two queued buffers");
    }
    if (format->streamon_errno != 0) {
        return fake_v4l2_refuse(format->streamon_errno);
    }
    if (format->broken_width != 0 && format->broken_width == fake->pix.width) {
        return fake_v4l2_refuse(ENOSPC);
    }
    fake->streaming = true;
    fake->sequence = 0;
    fake->frame_due_ns = fake->now_ns + fake->interval_ns;
    return 0;
}

/* --- all of them --- */

int fake_v4l2_do(struct fake_v4l2 *fake, unsigned long request, void *arg)
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
        return fake_v4l2_refuse(ENOTTY);
    }
}
