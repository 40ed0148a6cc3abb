/* SPDX-License-Identifier: Apache-2.0 */
/* Which of the pictures that a V4L2 device offers we take. Everything a driver says is checked:
 * some are buggy, and a USB device says what it likes. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "gate/camera_v4l2.h"

#define FORMATS_MAX 64 /* lists end by themselves; these bound devices whose lists do not */
#define SIZES_MAX 128
#define INTERVALS_MAX 64

#define SLOW_FPS 10   /* slower than this only when nothing else is there */
#define WANTED_FPS 30 /* faster than this is work without use */

/* In order of preference at equal size: the least work first. */
static const struct {
    uint32_t pixel_format;
    uint32_t step_bytes; /* from one luma to the next; 0: JPEG */
} formats[] = {
    {V4L2_PIX_FMT_GREY, 1},  {V4L2_PIX_FMT_NV12, 1}, {V4L2_PIX_FMT_YUYV, 2},
    {V4L2_PIX_FMT_MJPEG, 0}, {V4L2_PIX_FMT_JPEG, 0},
};

#define UNKNOWN_FORMAT GH_ARRAY_SIZE(formats)

static size_t format_rank(uint32_t pixel_format)
{
    size_t rank = 0;
    while (rank < UNKNOWN_FORMAT && formats[rank].pixel_format != pixel_format) {
        rank++;
    }
    return rank;
}

bool gh_v4l2_is_jpeg(uint32_t pixel_format)
{
    return pixel_format == V4L2_PIX_FMT_MJPEG || pixel_format == V4L2_PIX_FMT_JPEG;
}

void gh_v4l2_format_name(uint32_t pixel_format, char out[5])
{
    for (unsigned i = 0; i < 4; i++) {
        unsigned char letter = (unsigned char)(pixel_format >> (8 * i));
        out[i] = letter > ' ' && letter < 0x7f ? (char)letter : '?';
    }
    out[4] = '\0';
}

int gh_v4l2_ioctl(const struct gh_v4l2_sys *sys, int fd, unsigned long request, void *arg)
{
    int result;
    do {
        result = sys->ioctl(sys->context, fd, request, arg);
    } while (result < 0 && errno == EINTR);
    return result;
}

enum gh_status gh_v4l2_check_device(const struct gh_v4l2_sys *sys, int fd, struct gh_error *err)
{
    struct v4l2_capability what = {0};
    if (gh_v4l2_ioctl(sys, fd, VIDIOC_QUERYCAP, &what) != 0) {
        return gh_fail(err, GH_ERR_UNSUPPORTED, "not a video device: %s", strerror(errno));
    }
    uint32_t can = what.capabilities & V4L2_CAP_DEVICE_CAPS ? what.device_caps : what.capabilities;
    if ((can & V4L2_CAP_VIDEO_CAPTURE) == 0) {
        return gh_fail(err, GH_ERR_UNSUPPORTED,
                       can & V4L2_CAP_VIDEO_CAPTURE_MPLANE
                           ? "gives pictures in several planes only, which is not supported"
                           : "not a camera (perhaps the next number is)");
    }
    if ((can & V4L2_CAP_STREAMING) == 0) {
        return gh_fail(err, GH_ERR_UNSUPPORTED, "the camera cannot stream");
    }
    return GH_OK;
}

/* --- the list of modes, best first --- */

static bool is_slow(const struct gh_v4l2_mode *mode)
{
    const struct v4l2_fract *interval = &mode->interval; /* 0/0 is not slow: nobody said so */
    return (uint64_t)interval->numerator * SLOW_FPS > interval->denominator;
}

static bool is_better(const struct gh_v4l2_mode *a, const struct gh_v4l2_mode *b)
{
    if (is_slow(a) != is_slow(b)) {
        return is_slow(b);
    }
    uint64_t a_pixels = (uint64_t)a->width * a->height;
    uint64_t b_pixels = (uint64_t)b->width * b->height;
    if (a_pixels != b_pixels) {
        return a_pixels > b_pixels;
    }
    return format_rank(a->pixel_format) < format_rank(b->pixel_format);
}

struct mode_list {
    struct gh_v4l2_mode *modes;
    unsigned count;
};

static void insert(struct mode_list *list, const struct gh_v4l2_mode *mode)
{
    unsigned at = list->count;
    while (at > 0 && is_better(mode, &list->modes[at - 1])) {
        at--;
    }
    if (at == GH_V4L2_MODES_MAX) {
        return;
    }
    unsigned behind = list->count - at;
    if (list->count == GH_V4L2_MODES_MAX) {
        behind--;
    } else {
        list->count++;
    }
    memmove(&list->modes[at + 1], &list->modes[at], behind * sizeof(*mode));
    list->modes[at] = *mode;
}

/* a/b < c/d, without division. */
static bool is_shorter(struct v4l2_fract a, struct v4l2_fract b)
{
    return (uint64_t)a.numerator * b.denominator < (uint64_t)b.numerator * a.denominator;
}

/* The interval closest to WANTED_FPS from the slower side, else the slowest of the faster ones. */
static bool suits_better(struct v4l2_fract a, struct v4l2_fract b)
{
    const struct v4l2_fract wanted = {1, WANTED_FPS};
    bool a_fast = is_shorter(a, wanted);
    bool b_fast = is_shorter(b, wanted);
    if (a_fast != b_fast) {
        /* Slower than wanted is fine only as long as it is not slow. */
        struct gh_v4l2_mode slower = {.interval = a_fast ? b : a};
        return is_slow(&slower) ? a_fast : b_fast;
    }
    return a_fast ? is_shorter(b, a) : is_shorter(a, b);
}

static struct v4l2_fract best_interval(const struct gh_v4l2_sys *sys, int fd,
                                       const struct gh_v4l2_mode *mode)
{
    struct v4l2_fract best = {0, 0};
    for (uint32_t i = 0; i < INTERVALS_MAX; i++) {
        struct v4l2_frmivalenum offer = {
            .index = i,
            .pixel_format = mode->pixel_format,
            .width = mode->width,
            .height = mode->height,
        };
        if (gh_v4l2_ioctl(sys, fd, VIDIOC_ENUM_FRAMEINTERVALS, &offer) != 0) {
            break;
        }
        struct v4l2_fract interval = offer.discrete;
        if (offer.type != V4L2_FRMIVAL_TYPE_DISCRETE) {
            const struct v4l2_fract wanted = {1, WANTED_FPS};
            interval = offer.stepwise.min;
            if (is_shorter(interval, wanted) && is_shorter(wanted, offer.stepwise.max)) {
                interval = wanted; /* the device rounds it to a step */
            }
        }
        bool sane = interval.numerator != 0 && interval.denominator != 0;
        if (sane && (best.denominator == 0 || suits_better(interval, best))) {
            best = interval;
        }
        if (offer.type != V4L2_FRMIVAL_TYPE_DISCRETE) {
            break; /* such a list has one row */
        }
    }
    return best;
}

static void add_size(const struct gh_v4l2_sys *sys, int fd, struct mode_list *list,
                     uint32_t pixel_format, uint32_t width, uint32_t height)
{
    struct gh_v4l2_mode mode = {.pixel_format = pixel_format, .width = width, .height = height};
    mode.interval = best_interval(sys, fd, &mode);
    insert(list, &mode);
}

/* The largest of min, min + step, ... up to max and to limit; 0: none. */
static uint32_t largest_step(uint32_t min, uint32_t max, uint32_t step, uint32_t limit)
{
    uint32_t most = max < limit ? max : limit;
    if (min == 0 || min > most) {
        return 0;
    }
    return step == 0 ? most : min + (most - min) / step * step;
}

static void list_sizes(const struct gh_v4l2_sys *sys, int fd, uint32_t pixel_format,
                       uint32_t max_width, uint32_t max_height, struct mode_list *list)
{
    for (uint32_t i = 0; i < SIZES_MAX; i++) {
        struct v4l2_frmsizeenum offer = {.index = i, .pixel_format = pixel_format};
        if (gh_v4l2_ioctl(sys, fd, VIDIOC_ENUM_FRAMESIZES, &offer) != 0) {
            if (i == 0) {
                /* It does not tell: ask for the largest and see. */
                add_size(sys, fd, list, pixel_format, max_width, max_height);
            }
            return;
        }
        uint32_t width = offer.discrete.width;
        uint32_t height = offer.discrete.height;
        if (offer.type != V4L2_FRMSIZE_TYPE_DISCRETE) {
            const struct v4l2_frmsize_stepwise *step = &offer.stepwise;
            width = largest_step(step->min_width, step->max_width, step->step_width, max_width);
            height =
                largest_step(step->min_height, step->max_height, step->step_height, max_height);
        }
        if (width > 0 && height > 0 && width <= max_width && height <= max_height) {
            add_size(sys, fd, list, pixel_format, width, height);
        }
        if (offer.type != V4L2_FRMSIZE_TYPE_DISCRETE) {
            return; /* such a list has one row */
        }
    }
}

unsigned gh_v4l2_list_modes(const struct gh_v4l2_sys *sys, int fd, uint32_t max_width,
                            uint32_t max_height, struct gh_v4l2_mode modes[GH_V4L2_MODES_MAX])
{
    struct mode_list list = {.modes = modes};
    bool seen[UNKNOWN_FORMAT + 1] = {false};
    for (uint32_t i = 0; i < FORMATS_MAX; i++) {
        struct v4l2_fmtdesc offer = {.index = i, .type = V4L2_BUF_TYPE_VIDEO_CAPTURE};
        if (gh_v4l2_ioctl(sys, fd, VIDIOC_ENUM_FMT, &offer) != 0) {
            break;
        }
        size_t rank = format_rank(offer.pixelformat);
        /* Formats that a library makes from another one are not worth the detour. */
        if (rank < UNKNOWN_FORMAT && !seen[rank] && (offer.flags & V4L2_FMT_FLAG_EMULATED) == 0) {
            seen[rank] = true;
            list_sizes(sys, fd, offer.pixelformat, max_width, max_height, &list);
        }
    }
    return list.count;
}

/* --- one mode --- */

/* Where is the luma in a raw picture, by the driver's own numbers? */
static enum gh_status lay_out(const struct v4l2_pix_format *pix, struct gh_v4l2_layout *layout,
                              struct gh_error *err)
{
    uint32_t step = formats[format_rank(pix->pixelformat)].step_bytes;
    uint64_t row = (uint64_t)pix->width * step;
    uint64_t stride = pix->bytesperline != 0 ? pix->bytesperline : row;
    if (stride < row) {
        return gh_fail(err, GH_ERR_UNSUPPORTED,
                       "the driver's lines of %" PRIu32 " bytes are too short for %" PRIu32
                       " pixels",
                       pix->bytesperline, pix->width);
    }
    layout->stride_bytes = (size_t)stride;
    layout->step_bytes = step;
    layout->needed_bytes = stride * (pix->height - 1) + row;
    if (layout->needed_bytes > UINT32_MAX) {
        return gh_fail(err, GH_ERR_UNSUPPORTED,
                       "the driver's lines of %" PRIu32 " bytes are too long", pix->bytesperline);
    }
    return GH_OK;
}

/* Only a wish: a device that cannot goes on at its own pace. */
static void set_interval(const struct gh_v4l2_sys *sys, int fd, struct v4l2_fract interval)
{
    struct v4l2_streamparm parameters = {.type = V4L2_BUF_TYPE_VIDEO_CAPTURE};
    if (interval.denominator == 0 || gh_v4l2_ioctl(sys, fd, VIDIOC_G_PARM, &parameters) != 0 ||
        (parameters.parm.capture.capability & V4L2_CAP_TIMEPERFRAME) == 0) {
        return;
    }
    parameters.parm.capture.timeperframe = interval;
    (void)gh_v4l2_ioctl(sys, fd, VIDIOC_S_PARM, &parameters);
}

enum gh_status gh_v4l2_set_mode(const struct gh_v4l2_sys *sys, int fd,
                                const struct gh_v4l2_mode *mode, uint32_t max_width,
                                uint32_t max_height, struct gh_v4l2_layout *layout,
                                struct gh_error *err)
{
    struct v4l2_format format = {.type = V4L2_BUF_TYPE_VIDEO_CAPTURE};
    struct v4l2_pix_format *pix = &format.fmt.pix;
    pix->width = mode->width;
    pix->height = mode->height;
    pix->pixelformat = mode->pixel_format;
    pix->field = V4L2_FIELD_NONE;
    if (gh_v4l2_ioctl(sys, fd, VIDIOC_S_FMT, &format) != 0) {
        if (errno == EBUSY) {
            return gh_fail(err, GH_ERR_BUSY, "the camera is in use by another program");
        }
        return gh_fail(err, GH_ERR_UNSUPPORTED, "the camera refuses its own format: %s",
                       strerror(errno));
    }
    if (pix->pixelformat != mode->pixel_format || pix->width == 0 || pix->height == 0 ||
        pix->width > max_width || pix->height > max_height) {
        return gh_fail(err, GH_ERR_UNSUPPORTED,
                       "the camera offers %" PRIu32 "x%" PRIu32 ", but sets %" PRIu32 "x%" PRIu32,
                       mode->width, mode->height, pix->width, pix->height);
    }
    *layout = (struct gh_v4l2_layout){
        .pixel_format = pix->pixelformat,
        .width = pix->width,
        .height = pix->height,
        .needed_bytes = 1,
    };
    if (!gh_v4l2_is_jpeg(pix->pixelformat)) {
        enum gh_status status = lay_out(pix, layout, err);
        if (status != GH_OK) {
            return status;
        }
    }
    set_interval(sys, fd, mode->interval);
    return GH_OK;
}
