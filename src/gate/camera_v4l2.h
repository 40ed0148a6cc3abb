/* SPDX-License-Identifier: Apache-2.0 */
/* Inside of the V4L2 camera: the system calls behind it, so that tests can put a fake device there,
 * what a mode is and how one is chosen, and the decoder of motion JPEG. */
#ifndef GATEHOUSE_SRC_GATE_CAMERA_V4L2_H
#define GATEHOUSE_SRC_GATE_CAMERA_V4L2_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <linux/videodev2.h>

#include "gate/camera.h"
#include "gatehouse/bytes.h"

/* As the system calls of these names, errno included; mmap is always shared, read and write. */
struct gh_v4l2_sys {
    int (*open)(void *context, const char *path, int flags);
    int (*close)(void *context, int fd);
    int (*ioctl)(void *context, int fd, unsigned long request, void *arg);
    void *(*mmap)(void *context, size_t size, int fd, int64_t offset);
    int (*munmap)(void *context, void *address, size_t size);
    int (*poll)(void *context, struct pollfd *fds, nfds_t count, int timeout_ms);
    void *context;
};

/* gh_camera_v4l2_new over other system calls than the kernel's; sys is borrowed until free. */
GH_MUST_CHECK enum gh_status gh_camera_v4l2_new_over(const struct gh_v4l2_sys *sys,
                                                     const char *path, uint32_t max_width,
                                                     uint32_t max_height,
                                                     const struct gh_clock *clock,
                                                     struct gh_camera *out, struct gh_error *err);

/* Since the camera was made. */
struct gh_v4l2_counts {
    uint64_t given;   /* frames that next handed out */
    uint64_t skipped; /* whole frames passed over because a newer one was there */
    uint64_t damaged; /* frames with errors: in the transfer, in their size, in their JPEG */
    uint64_t opened;  /* how often streaming began */
};
struct gh_v4l2_counts gh_camera_v4l2_counts(const struct gh_camera *camera);

/* --- camera_v4l2_format.c --- */

/* ioctl that goes on after a signal. */
int gh_v4l2_ioctl(const struct gh_v4l2_sys *sys, int fd, unsigned long request, void *arg);

#define GH_V4L2_MODES_MAX 32

/* One way to get frames, as the device offers it. */
struct gh_v4l2_mode {
    uint32_t pixel_format; /* V4L2_PIX_FMT_x */
    uint32_t width, height;
    struct v4l2_fract interval; /* between two frames; 0/0 where the device does not say */
};

/* What the device promised to give. */
struct gh_v4l2_layout {
    uint32_t pixel_format;
    uint32_t width, height;
    size_t stride_bytes, step_bytes; /* of the luma; 0 for JPEG */
    uint64_t
        needed_bytes; /* of a whole picture's luma, from its first to its last byte; 1 for JPEG */
};

bool gh_v4l2_is_jpeg(uint32_t pixel_format);
/* Its four letters. */
void gh_v4l2_format_name(uint32_t pixel_format, char out[5]);

/* GH_OK when it captures video by streaming. GH_ERR_UNSUPPORTED else. */
GH_MUST_CHECK enum gh_status gh_v4l2_check_device(const struct gh_v4l2_sys *sys, int fd,
                                                  struct gh_error *err);
/* The modes worth trying, best first. Bounded whatever the device says. */
unsigned gh_v4l2_list_modes(const struct gh_v4l2_sys *sys, int fd, uint32_t max_width,
                            uint32_t max_height, struct gh_v4l2_mode modes[GH_V4L2_MODES_MAX]);
/* Set the mode; the device may choose a smaller size than asked for. GH_ERR_UNSUPPORTED when what
 * it answers is of no use or contradicts itself. */
GH_MUST_CHECK enum gh_status gh_v4l2_set_mode(const struct gh_v4l2_sys *sys, int fd,
                                              const struct gh_v4l2_mode *mode, uint32_t max_width,
                                              uint32_t max_height, struct gh_v4l2_layout *layout,
                                              struct gh_error *err);

/* --- camera_v4l2_device.c --- */

extern const struct gh_v4l2_sys gh_v4l2_kernel;

struct gh_v4l2_buffer {
    uint8_t *data;
    size_t size;
    bool queued; /* the device has it */
};

/* One open device that streams. Begins with sys set and fd -1. */
struct gh_v4l2_device {
    const struct gh_v4l2_sys *sys;
    int fd; /* -1: not open */
    struct gh_v4l2_layout layout;
    struct gh_v4l2_buffer buffers[VIDEO_MAX_FRAME];
    unsigned buffer_count;
};

/* Open, choose a mode, stream; the modes are tried from *first_mode on, round and round, and it is
 * set to the one that was taken. The error's text is only the reason, without the path. */
GH_MUST_CHECK enum gh_status gh_v4l2_device_open(struct gh_v4l2_device *device, const char *path,
                                                 uint32_t max_width, uint32_t max_height,
                                                 unsigned *first_mode, struct gh_error *err);
void gh_v4l2_device_close(struct gh_v4l2_device *device); /* twice is fine; the buffers go */
/* 0, or -1 with errno. */
int gh_v4l2_queue(struct gh_v4l2_device *device, unsigned index);
/* 0: buffer->index is one of ours that the device had. -1 with errno: EAGAIN (none is ready),
 * EPROTO (the driver gives one that it does not have), ENODEV and what else the driver says. */
int gh_v4l2_dequeue(struct gh_v4l2_device *device, struct v4l2_buffer *buffer);

/* --- camera_mjpeg.c --- */

struct gh_mjpeg; /* opaque: one JPEG decoder with its luma plane, used again and again */

/* For pictures of up to max_width x max_height. */
GH_MUST_CHECK enum gh_status gh_mjpeg_new(uint32_t max_width, uint32_t max_height,
                                          struct gh_mjpeg **out);
void gh_mjpeg_free(struct gh_mjpeg *mjpeg);
/* The luma is borrowed until the next call or free. The bytes may be hostile: GH_ERR_CORRUPT for
 * what is not a whole baseline JPEG picture, GH_ERR_TOOBIG for one that is larger. Does not set
 * captured_ns. */
GH_MUST_CHECK enum gh_status gh_mjpeg_decode(struct gh_mjpeg *mjpeg, struct gh_bytes jpeg,
                                             struct gh_frame *frame, struct gh_error *err);

#endif
