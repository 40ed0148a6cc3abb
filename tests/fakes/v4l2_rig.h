/* SPDX-License-Identifier: Apache-2.0 */
/* What the tests of the V4L2 camera have in common: one fake device, one camera on it, and what may
 * be said of them after every test. To be included after cmocka. */
#ifndef GATEHOUSE_TESTS_FAKES_V4L2_RIG_H
#define GATEHOUSE_TESTS_FAKES_V4L2_RIG_H

#include <string.h>

#include "fakes/v4l2_fake.h"
#include "gate/camera_v4l2.h"

#define GREY V4L2_PIX_FMT_GREY
#define NV12 V4L2_PIX_FMT_NV12
#define YUYV V4L2_PIX_FMT_YUYV
#define MJPEG V4L2_PIX_FMT_MJPEG

static struct fake_v4l2 fake;
static struct gh_camera camera;

static inline int unplug_nothing(void **state)
{
    (void)state;
    fake_v4l2_init(&fake);
    camera = (struct gh_camera){0};
    return 0;
}

/* After every test, whatever happened in it: the kernel's contract was kept and all was given back.
 */
static inline int everything_is_closed(void **state)
{
    (void)state;
    if (camera.free != NULL) {
        camera.free(camera.context);
    }
    if (fake.violation[0] != '\0') {
        print_error("violation: %s\n", fake.violation);
        return -1;
    }
    if (!fake_v4l2_is_clean(&fake)) {
        print_error("the device is open, or buffers are mapped\n");
        return -1;
    }
    return 0;
}

static inline void open_camera(uint32_t max_width, uint32_t max_height)
{
    assert_int_equal(gh_camera_v4l2_new_over(&fake.sys, "/dev/video0", max_width, max_height,
                                             &fake.clock, &camera, NULL),
                     GH_OK);
    assert_int_equal(camera.max_width, max_width);
    assert_int_equal(camera.max_height, max_height);
}

static inline enum gh_status next(int64_t timeout_ms, struct gh_frame *frame, struct gh_error *err)
{
    return camera.next(camera.context, timeout_ms, frame, err);
}

static inline void expect_status(enum gh_status status, int64_t timeout_ms, const char *text)
{
    struct gh_frame frame = {.luma = (const uint8_t *)""};
    struct gh_error err = {0};
    assert_int_equal(next(timeout_ms, &frame, &err), status);
    assert_null(frame.luma);
    if (strstr(err.text, text) == NULL) {
        fail_msg("'%s' does not say '%s'", err.text, text);
    }
}

static inline struct gh_frame expect_frame(void)
{
    struct gh_frame frame = {0};
    struct gh_error err = {0};
    enum gh_status status = next(1000, &frame, &err);
    if (status != GH_OK) {
        fail_msg("%s: %s", gh_status_text(status), err.text);
    }
    return frame;
}

/* The number of the frame by its first pixel, with every pixel checked. */
static inline uint32_t sequence_of(const struct gh_frame *frame)
{
    for (uint32_t sequence = 0; sequence < 256; sequence++) {
        if (frame->luma[0] != fake_v4l2_luma(0, 0, sequence)) {
            continue;
        }
        for (uint32_t y = 0; y < frame->height; y++) {
            for (uint32_t x = 0; x < frame->width; x++) {
                assert_int_equal(frame->luma[y * frame->stride_bytes + x * frame->step_bytes],
                                 fake_v4l2_luma(x, y, sequence));
            }
        }
        return sequence;
    }
    fail_msg("not a frame of this camera");
    return 0;
}

#define TEST(function)                                                                             \
    cmocka_unit_test_setup_teardown(function, unplug_nothing, everything_is_closed)

#endif
