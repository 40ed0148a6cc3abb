/* SPDX-License-Identifier: Apache-2.0 */
/* A V4L2 capture device with its own time, which obeys the contract of the kernel's: formats can be
 * set only while there are no buffers, buffers go round from the queue to the filled ones, a device
 * that was unplugged says ENODEV for ever. What a caller does that a real device would punish less
 * clearly is a violation. Its lies and faults are what the tests turn on. */
#ifndef GATEHOUSE_TESTS_FAKES_V4L2_FAKE_H
#define GATEHOUSE_TESTS_FAKES_V4L2_FAKE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gate/camera_v4l2.h"

#define FAKE_V4L2_FORMATS 6
#define FAKE_V4L2_SIZES 40
#define FAKE_V4L2_INTERVALS 4
#define FAKE_V4L2_FAULTS 8

struct fake_v4l2_size {
    uint32_t width, height;                           /* 0: the list's end */
    struct v4l2_fract intervals[FAKE_V4L2_INTERVALS]; /* 0/0: the list's end */
};

struct fake_v4l2_format {
    uint32_t pixel_format, flags;
    struct fake_v4l2_size sizes[FAKE_V4L2_SIZES];
    struct v4l2_frmsize_stepwise stepwise; /* instead of sizes, when max_width is not 0 */
    bool tells_no_sizes;                   /* takes any up to 4000x3000 */
    int streamon_errno;                    /* cannot stream in this format; 0: can */
    uint32_t broken_width;                 /* cannot stream at this width */
    bool starves;                          /* streams, but gives no frames */
};

/* The next calls of this ioctl fail with these; 0 ends the list. */
struct fake_v4l2_fault {
    unsigned long request;
    int errors[4];
};

enum fake_v4l2_owner { FAKE_V4L2_IDLE, FAKE_V4L2_QUEUED, FAKE_V4L2_FILLED };

struct fake_v4l2_buffer {
    uint8_t *mapped;
    uint32_t length;
    enum fake_v4l2_owner owner;
    uint32_t bytesused, flags, sequence;
};

struct fake_v4l2 {
    /* what it is; set before it is used */
    const char *path;
    bool plugged;
    uint32_t capabilities;
    struct fake_v4l2_format formats[FAKE_V4L2_FORMATS];
    int64_t interval_ns; /* between frames */
    /* what it does to the frame of this number; returns its bytesused */
    uint32_t (*paint)(struct fake_v4l2 *fake, uint32_t sequence, uint8_t *data, uint32_t size,
                      uint32_t *flags);
    /* before time passes in poll: another thread's deed */
    void (*meanwhile)(struct fake_v4l2 *fake);
    void *owner; /* of the test */

    /* lies and faults */
    int open_errno;
    uint32_t lie_capabilities;
    uint32_t lie_width, lie_height, lie_pixel_format, lie_bytesperline, lie_length, lie_buffers;
    uint32_t lie_index; /* 1 + the index that DQBUF gives */
    bool endless_lists; /* enumerations never end */
    bool error_state;   /* poll says POLLERR, DQBUF says EAGAIN */
    bool spurious;      /* poll says POLLIN, DQBUF says EAGAIN */
    bool interrupts;    /* every second call is interrupted */
    struct fake_v4l2_fault faults[FAKE_V4L2_FAULTS];

    /* its state */
    int64_t now_ns;
    unsigned plugged_count; /* file descriptors of earlier ones are dead */
    int fd;                 /* -1: not open */
    unsigned fd_plugged_count;
    bool has_format;
    struct v4l2_pix_format pix;
    size_t format_at;
    struct fake_v4l2_buffer buffers[VIDEO_MAX_FRAME];
    unsigned buffer_count;
    unsigned queued[VIDEO_MAX_FRAME], queued_count; /* first in, first out */
    unsigned filled[VIDEO_MAX_FRAME], filled_count;
    bool streaming;
    int64_t frame_due_ns;
    uint32_t sequence;
    struct v4l2_fract interval; /* as set */
    unsigned calls, opens, polls;
    char violation[160]; /* the first one; "" none */

    struct gh_v4l2_sys sys;
    struct gh_clock clock;
};

/* One that is plugged in, has no formats yet, gives 30 frames a second painted with
 * fake_v4l2_paint_luma, at a time far from 0. */
void fake_v4l2_init(struct fake_v4l2 *fake);
/* Add a discrete size; interval 0/0: the device does not say. */
void fake_v4l2_add(struct fake_v4l2 *fake, uint32_t pixel_format, uint32_t width, uint32_t height,
                   uint32_t numerator, uint32_t denominator);
struct fake_v4l2_format *fake_v4l2_format(struct fake_v4l2 *fake, uint32_t pixel_format);
void fake_v4l2_unplug(struct fake_v4l2 *fake);
void fake_v4l2_plug(struct fake_v4l2 *fake);
/* Time in which nobody calls: frames come in as long as they find buffers. */
void fake_v4l2_pass(struct fake_v4l2 *fake, int64_t ms);
void fake_v4l2_fault(struct fake_v4l2 *fake, unsigned long request, int first, int second);
/* Nothing is open or mapped any more. */
bool fake_v4l2_is_clean(const struct fake_v4l2 *fake);

/* Every luma is fake_v4l2_luma(its place, the frame's number), everything else is noise. */
uint8_t fake_v4l2_luma(uint32_t x, uint32_t y, uint32_t sequence);
uint32_t fake_v4l2_paint_luma(struct fake_v4l2 *fake, uint32_t sequence, uint8_t *data,
                              uint32_t size, uint32_t *flags);

#endif
