/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>

#include "fakes/jpeg_picture.h"
#include "fakes/v4l2_rig.h"
#include "gatehouse/log.h"

/* --- frames --- */

static void one_frame_after_the_other(void **state)
{
    (void)state;
    static const uint32_t formats[] = {GREY, NV12, YUYV};
    for (size_t i = 0; i < GH_ARRAY_SIZE(formats); i++) {
        fake_v4l2_init(&fake);
        fake_v4l2_add(&fake, formats[i], 70, 50, 1, 30); /* padded to 96 */
        open_camera(1280, 720);
        for (uint32_t n = 0; n < 20; n++) {
            struct gh_frame frame = expect_frame();
            assert_int_equal(sequence_of(&frame), n);
            assert_int_equal(frame.width, 70);
            assert_int_equal(frame.height, 50);
            assert_int_equal(frame.step_bytes, formats[i] == YUYV ? 2 : 1);
            assert_true(frame.captured_ns == fake.now_ns);
        }
        assert_int_equal(gh_camera_v4l2_counts(&camera).given, 20);
        assert_int_equal(gh_camera_v4l2_counts(&camera).skipped, 0);
        camera.free(camera.context);
        camera.free = NULL;
        assert_string_equal(fake.violation, "");
    }
}

static void a_borrowed_frame_is_left_alone_by_the_device(void **state)
{
    (void)state;
    fake_v4l2_add(&fake, GREY, 64, 48, 1, 30);
    open_camera(1280, 720);
    struct gh_frame frame = expect_frame();
    fake_v4l2_pass(&fake, 3000);
    assert_int_equal(sequence_of(&frame), 0);
}

/* Three buffers are with the device while one is looked at: the last of the three is the newest. */
static void a_slow_looker_gets_the_newest(void **state)
{
    (void)state;
    fake_v4l2_add(&fake, GREY, 64, 48, 1, 30);
    open_camera(1280, 720);
    struct gh_frame frame = expect_frame();
    assert_int_equal(sequence_of(&frame), 0);
    fake_v4l2_pass(&fake, 70); /* two frames */
    frame = expect_frame();
    assert_int_equal(sequence_of(&frame), 2);
    assert_int_equal(gh_camera_v4l2_counts(&camera).skipped, 1);
    fake_v4l2_pass(&fake, 1000);
    frame = expect_frame();
    assert_int_equal(sequence_of(&frame), 5);
    assert_int_equal(gh_camera_v4l2_counts(&camera).skipped, 3);
    assert_int_equal(gh_camera_v4l2_counts(&camera).given, 3);
    frame = expect_frame(); /* and then it is up to date */
    assert_true(sequence_of(&frame) >= 30);
}

static uint32_t paint_faults(struct fake_v4l2 *device, uint32_t sequence, uint8_t *data,
                             uint32_t size, uint32_t *flags)
{
    uint32_t bytes = fake_v4l2_paint_luma(device, sequence, data, size, flags);
    switch (sequence) {
    case 1:
        *flags = V4L2_BUF_FLAG_ERROR;
        return bytes;
    case 2:
        return 0;
    case 3:
        return 63 * 48;
    case 4:
        return bytes + 1;
    case 5:
        return UINT32_MAX;
    default:
        return bytes;
    }
}

static void damaged_frames_are_counted_and_passed_over(void **state)
{
    (void)state;
    fake_v4l2_add(&fake, GREY, 64, 48, 1, 30);
    fake.paint = paint_faults;
    open_camera(1280, 720);
    struct gh_frame frame = expect_frame();
    assert_int_equal(sequence_of(&frame), 0);
    for (unsigned i = 1; i <= 5; i++) {
        expect_status(GH_ERR_CORRUPT, 1000, "damaged");
        assert_int_equal(gh_camera_v4l2_counts(&camera).damaged, i);
    }
    for (uint32_t i = 6; i < 20; i++) {
        frame = expect_frame();
        assert_int_equal(sequence_of(&frame), i);
    }
}

static void a_good_frame_before_a_damaged_one_is_given(void **state)
{
    (void)state;
    fake_v4l2_add(&fake, GREY, 64, 48, 1, 30);
    fake.paint = paint_faults;
    open_camera(1280, 720);
    (void)next(0, &(struct gh_frame){0}, NULL); /* streams */
    fake_v4l2_pass(&fake, 70);                  /* 0 is good, 1 is not */
    struct gh_frame frame = expect_frame();
    assert_int_equal(sequence_of(&frame), 0);
    assert_int_equal(gh_camera_v4l2_counts(&camera).damaged, 1);
    assert_int_equal(gh_camera_v4l2_counts(&camera).skipped, 0);
}

static uint32_t paint_damage(struct fake_v4l2 *device, uint32_t sequence, uint8_t *data,
                             uint32_t size, uint32_t *flags)
{
    *flags = V4L2_BUF_FLAG_ERROR;
    uint32_t ignored;
    return fake_v4l2_paint_luma(device, sequence, data, size, &ignored);
}

static void a_camera_of_nothing_but_damage_is_begun_anew(void **state)
{
    (void)state;
    fake_v4l2_add(&fake, GREY, 64, 48, 1, 30);
    fake_v4l2_add(&fake, GREY, 32, 24, 1, 30);
    fake.paint = paint_damage;
    open_camera(1280, 720);
    int64_t began_ns = fake.now_ns;
    struct gh_frame frame;
    enum gh_status status;
    while ((status = next(500, &frame, NULL)) == GH_ERR_CORRUPT) {
    }
    assert_int_equal(status, GH_ERR_GONE);
    assert_in_range((fake.now_ns - began_ns) / GH_NS_PER_MS, 5000, 5100);
    fake.paint = fake_v4l2_paint_luma;
    frame = expect_frame();
    assert_int_equal(frame.width, 32); /* a smaller mode may get through a bad cable */
}

static void waiting_is_no_longer_than_asked_for(void **state)
{
    (void)state;
    fake_v4l2_add(&fake, GREY, 64, 48, 1, 30);
    fake.interval_ns = 2 * GH_NS_PER_S;
    open_camera(1280, 720);
    int64_t began_ns = fake.now_ns;
    expect_status(GH_ERR_AGAIN, 300, "");
    assert_int_equal((fake.now_ns - began_ns) / GH_NS_PER_MS, 300);
    expect_status(GH_ERR_AGAIN, 0, "");
    expect_status(GH_ERR_AGAIN, -5, "");
    assert_int_equal((fake.now_ns - began_ns) / GH_NS_PER_MS, 300);
    struct gh_frame frame;
    assert_int_equal(next(INT64_MAX, &frame, NULL), GH_OK);
    assert_int_equal((fake.now_ns - began_ns) / GH_NS_PER_MS, 2000);
}

static void wake_from_elsewhere(struct fake_v4l2 *device)
{
    (void)device;
    camera.wake(camera.context);
}

static void wake_ends_a_wait(void **state)
{
    (void)state;
    fake_v4l2_add(&fake, GREY, 64, 48, 1, 30);
    fake.interval_ns = 2 * GH_NS_PER_S;
    open_camera(1280, 720);
    int64_t began_ns = fake.now_ns;
    fake.meanwhile = wake_from_elsewhere;
    expect_status(GH_ERR_AGAIN, 1000, "");
    assert_true(fake.now_ns - began_ns < 100 * GH_NS_PER_MS);
    fake.meanwhile = NULL;

    camera.wake(camera.context); /* before the wait: not lost either */
    camera.wake(camera.context);
    began_ns = fake.now_ns;
    expect_status(GH_ERR_AGAIN, 1000, "");
    assert_true(fake.now_ns == began_ns);
    expect_status(GH_ERR_AGAIN, 1000, ""); /* once is enough */
    assert_int_equal((fake.now_ns - began_ns) / GH_NS_PER_MS, 1000);
    (void)expect_frame();
}

static void wake_comes_before_a_frame_and_loses_none(void **state)
{
    (void)state;
    fake_v4l2_add(&fake, GREY, 64, 48, 1, 30);
    open_camera(1280, 720);
    (void)expect_frame();
    fake_v4l2_pass(&fake, 40);
    camera.wake(camera.context);
    expect_status(GH_ERR_AGAIN, 1000, "");
    struct gh_frame frame = expect_frame();
    assert_int_equal(sequence_of(&frame), 1);
}

static void wake_ends_the_wait_for_a_device(void **state)
{
    (void)state;
    fake.plugged = false;
    open_camera(1280, 720);
    expect_status(GH_ERR_GONE, 1000, "no camera at /dev/video0");
    int64_t began_ns = fake.now_ns;
    fake.meanwhile = wake_from_elsewhere;
    expect_status(GH_ERR_AGAIN, 1000, "");
    assert_true(fake.now_ns - began_ns < 100 * GH_NS_PER_MS);
}

static void signals_interrupt_nothing(void **state)
{
    (void)state;
    fake_v4l2_add(&fake, YUYV, 640, 480, 1, 30);
    fake.interrupts = true;
    open_camera(640, 480);
    for (uint32_t i = 0; i < 5; i++) {
        struct gh_frame frame = expect_frame();
        assert_int_equal(sequence_of(&frame), i);
    }
    assert_int_equal(fake.pix.width, 640);
}

/* --- gone and back --- */

static void unplug_it(struct fake_v4l2 *device)
{
    if (device->plugged) {
        fake_v4l2_unplug(device);
    }
}

/* Waits of next until it is there; how long that took. */
static int64_t frames_again_after_ms(void)
{
    int64_t began_ns = fake.now_ns;
    for (unsigned i = 0; i < 1000; i++) {
        struct gh_frame frame;
        enum gh_status status = next(500, &frame, NULL);
        if (status == GH_OK) {
            (void)sequence_of(&frame);
            return (fake.now_ns - began_ns) / GH_NS_PER_MS;
        }
        assert_true(status == GH_ERR_AGAIN || status == GH_ERR_GONE);
    }
    fail_msg("the camera does not come back");
    return 0;
}

static void unplugged_while_waiting(void **state)
{
    (void)state;
    fake_v4l2_add(&fake, GREY, 64, 48, 1, 30);
    open_camera(1280, 720);
    (void)expect_frame();
    fake.meanwhile = unplug_it;
    expect_status(GH_ERR_GONE, 1000, "unplugged");
    assert_true(fake_v4l2_is_clean(&fake));
    fake.meanwhile = NULL;

    /* meanwhile: patient, and not busy */
    unsigned opens = fake.opens;
    int64_t until_ns = fake.now_ns + 60 * GH_NS_PER_S;
    unsigned gone = 0;
    while (fake.now_ns < until_ns) {
        struct gh_frame frame;
        struct gh_error err = {0};
        enum gh_status status = next(500, &frame, &err);
        assert_true(status == GH_ERR_AGAIN || status == GH_ERR_GONE);
        gone += status == GH_ERR_GONE;
    }
    assert_in_range(fake.opens - opens, 25, 40);
    assert_int_equal(gone, fake.opens - opens);

    fake_v4l2_plug(&fake);
    assert_in_range(frames_again_after_ms(), 0, 2100);
    assert_int_equal(gh_camera_v4l2_counts(&camera).opened, 2);
}

static void unplugged_while_a_frame_is_borrowed(void **state)
{
    (void)state;
    fake_v4l2_add(&fake, GREY, 64, 48, 1, 30);
    open_camera(1280, 720);
    struct gh_frame frame = expect_frame();
    fake_v4l2_unplug(&fake);
    fake_v4l2_pass(&fake, 1000);
    assert_int_equal(sequence_of(&frame), 0); /* still there */
    expect_status(GH_ERR_GONE, 1000, "unplugged");
    assert_true(fake_v4l2_is_clean(&fake));
    fake_v4l2_plug(&fake);
    assert_in_range(frames_again_after_ms(), 0, 400);
}

static void unplugged_and_back_at_once(void **state)
{
    (void)state;
    fake_v4l2_add(&fake, GREY, 64, 48, 1, 30);
    open_camera(1280, 720);
    (void)expect_frame();
    for (unsigned i = 0; i < 10; i++) {
        fake_v4l2_unplug(&fake);
        fake_v4l2_plug(&fake); /* the old file descriptor is dead all the same */
        expect_status(GH_ERR_GONE, 1000, "unplugged");
        assert_in_range(frames_again_after_ms(), 0, 400);
    }
}

static void not_there_yet(void **state)
{
    (void)state;
    fake_v4l2_add(&fake, GREY, 64, 48, 1, 30);
    fake.plugged = false;
    open_camera(1280, 720);
    expect_status(GH_ERR_GONE, 10, "/dev/video0: No such file");
    expect_status(GH_ERR_AGAIN, 10, "");
    fake_v4l2_plug(&fake);
    assert_in_range(frames_again_after_ms(), 0, 400);
}

/* It is there, but another program has it. */
static void in_use_at_first(void **state)
{
    (void)state;
    fake_v4l2_add(&fake, GREY, 64, 48, 1, 30);
    fake_v4l2_fault(&fake, VIDIOC_S_FMT, EBUSY, 0);
    open_camera(1280, 720);
    expect_status(GH_ERR_BUSY, 10, "in use by another program");
    expect_status(GH_ERR_AGAIN, 10, "");
    assert_in_range(frames_again_after_ms(), 0, 400);
}

/* It is opened, and lost at once, again and again: that must not become a busy loop. */
static void a_device_that_fails_at_once_is_not_hammered(void **state)
{
    (void)state;
    fake_v4l2_add(&fake, GREY, 64, 48, 1, 30);
    fake.error_state = true;
    open_camera(1280, 720);
    int64_t until_ns = fake.now_ns + 60 * GH_NS_PER_S;
    unsigned calls = 0;
    while (fake.now_ns < until_ns) {
        struct gh_frame frame;
        assert_int_not_equal(next(500, &frame, NULL), GH_OK);
        assert_true(++calls < 1000);
    }
    assert_in_range(fake.opens, 25, 40);
    fake.error_state = false;
    assert_in_range(frames_again_after_ms(), 0, 2200);
}

static void errors_of_the_driver_end_in_a_new_beginning(void **state)
{
    (void)state;
    static const int errors[] = {EIO, EPIPE, EINVAL, EPROTO};
    for (size_t i = 0; i < GH_ARRAY_SIZE(errors); i++) {
        fake_v4l2_init(&fake);
        fake_v4l2_add(&fake, GREY, 64, 48, 1, 30);
        open_camera(1280, 720);
        (void)expect_frame();
        fake_v4l2_fault(&fake, VIDIOC_DQBUF, errors[i], 0);
        expect_status(GH_ERR_GONE, 1000, "lost the camera at /dev/video0");
        assert_in_range(frames_again_after_ms(), 0, 400);
        (void)expect_frame();
        fake_v4l2_fault(&fake, VIDIOC_QBUF, errors[i], 0);
        expect_status(GH_ERR_GONE, 1000, "lost the camera at /dev/video0");
        assert_in_range(frames_again_after_ms(), 0, 800);
        camera.free(camera.context);
        camera.free = NULL;
        assert_true(fake_v4l2_is_clean(&fake));
        assert_string_equal(fake.violation, "");
    }
}

static void a_buffer_that_the_driver_does_not_have(void **state)
{
    (void)state;
    static const uint32_t indexes[] = {4, 31, 32, UINT32_MAX - 1};
    for (size_t i = 0; i < GH_ARRAY_SIZE(indexes); i++) {
        fake_v4l2_init(&fake);
        fake_v4l2_add(&fake, GREY, 64, 48, 1, 30);
        open_camera(1280, 720);
        fake.lie_index = 1 + indexes[i];
        expect_status(GH_ERR_GONE, 1000, "does not have");
        fake.lie_index = 0;
        assert_in_range(frames_again_after_ms(), 0, 400);
        camera.free(camera.context);
        camera.free = NULL;
    }
}

static void the_same_buffer_twice(void **state)
{
    (void)state;
    fake_v4l2_add(&fake, GREY, 64, 48, 1, 30);
    open_camera(1280, 720);
    (void)next(0, &(struct gh_frame){0}, NULL);
    fake_v4l2_pass(&fake, 70);
    fake.lie_index = 1; /* both are the first, it says */
    expect_status(GH_ERR_GONE, 1000, "does not have");
    fake.lie_index = 0;
    assert_in_range(frames_again_after_ms(), 0, 400);
}

static void ready_without_a_frame_is_survived(void **state)
{
    (void)state;
    fake_v4l2_add(&fake, GREY, 64, 48, 1, 30);
    open_camera(1280, 720);
    fake.spurious = true;
    for (unsigned i = 0; i < 100; i++) {
        expect_status(GH_ERR_AGAIN, 1000, "");
    }
    fake.spurious = false;
    (void)expect_frame();
}

static void a_wedged_camera_is_begun_anew(void **state)
{
    (void)state;
    fake_v4l2_add(&fake, GREY, 64, 48, 1, 30);
    fake_v4l2_add(&fake, GREY, 32, 24, 1, 30);
    open_camera(1280, 720);
    (void)expect_frame();
    fake.formats[0].starves = true;
    int64_t began_ns = fake.now_ns;
    struct gh_frame frame;
    enum gh_status status;
    while ((status = next(500, &frame, NULL)) == GH_ERR_AGAIN) {
    }
    assert_int_equal(status, GH_ERR_GONE);
    assert_int_equal((fake.now_ns - began_ns) / GH_NS_PER_MS, 5000);
    fake.formats[0].starves = false;
    frame = expect_frame();
    assert_int_equal(frame.width, 64); /* the size was not to blame */
}

/* Nobody asked for an hour (the board slept): that is not the camera's fault. */
static void a_pause_of_the_looker_is_no_starvation(void **state)
{
    (void)state;
    fake_v4l2_add(&fake, GREY, 64, 48, 1, 30);
    open_camera(1280, 720);
    (void)expect_frame();
    fake.now_ns += 3600 * GH_NS_PER_S;
    fake.frame_due_ns = fake.now_ns + 300 * GH_NS_PER_MS;
    (void)expect_frame();
    assert_int_equal(gh_camera_v4l2_counts(&camera).opened, 1);
}

/* --- motion JPEG --- */

static uint32_t paint_jpeg(struct fake_v4l2 *device, uint32_t sequence, uint8_t *data,
                           uint32_t size, uint32_t *flags)
{
    (void)flags;
    if (sequence % 3 == 1) { /* every third frame is a broken one */
        memset(data, 0x55, 100);
        return 100;
    }
    make_jpeg(device->pix.width, device->pix.height, sequence, true, false);
    assert_true(jpeg_size <= size);
    memcpy(data, jpeg_bytes, jpeg_size);
    return (uint32_t)jpeg_size;
}

static void motion_jpeg_from_the_camera(void **state)
{
    (void)state;
    fake_v4l2_add(&fake, MJPEG, 320, 240, 1, 30);
    fake_v4l2_add(&fake, YUYV, 160, 120, 1, 30);
    fake.paint = paint_jpeg;
    open_camera(640, 480);
    for (uint32_t i = 0; i < 12; i++) {
        if (i % 3 == 1) {
            expect_status(GH_ERR_CORRUPT, 1000, "JPEG");
            continue;
        }
        struct gh_frame frame = expect_frame();
        fake_v4l2_pass(&fake, 1); /* the device has its buffer back: the luma is ours */
        assert_hill(&frame, 320, 240, i);
        assert_true(frame.captured_ns > 0);
    }
    assert_int_equal(gh_camera_v4l2_counts(&camera).damaged, 4);
    assert_int_equal(gh_camera_v4l2_counts(&camera).given, 8);
    fake_v4l2_unplug(&fake);
    expect_status(GH_ERR_GONE, 1000, "unplugged");
}

/* --- the real kernel, as far as it has anything to say here --- */

static void a_real_path_that_is_no_camera(void **state)
{
    (void)state;
    struct gh_error err = {0};
    struct gh_frame frame;
    assert_int_equal(gh_camera_v4l2_new("/dev/null", 640, 480, gh_clock_system(), &camera, NULL),
                     GH_OK);
    assert_int_equal(next(0, &frame, &err), GH_ERR_GONE);
    assert_non_null(strstr(err.text, "/dev/null: not a video device"));
    camera.free(camera.context);

    assert_int_equal(
        gh_camera_v4l2_new("/dev/gatehouse-none", 640, 480, gh_clock_system(), &camera, NULL),
        GH_OK);
    err = (struct gh_error){0};
    assert_int_equal(next(0, &frame, &err), GH_ERR_GONE);
    assert_int_equal(next(1, &frame, &err), GH_ERR_AGAIN);
}

int main(void)
{
    gh_log_set_level(GH_LOG_WARNING); /* the cameras come and go by the hundred */
    const struct CMUnitTest tests[] = {
        TEST(one_frame_after_the_other),
        TEST(a_borrowed_frame_is_left_alone_by_the_device),
        TEST(a_slow_looker_gets_the_newest),
        TEST(damaged_frames_are_counted_and_passed_over),
        TEST(a_good_frame_before_a_damaged_one_is_given),
        TEST(a_camera_of_nothing_but_damage_is_begun_anew),
        TEST(waiting_is_no_longer_than_asked_for),
        TEST(wake_ends_a_wait),
        TEST(wake_comes_before_a_frame_and_loses_none),
        TEST(wake_ends_the_wait_for_a_device),
        TEST(signals_interrupt_nothing),
        TEST(unplugged_while_waiting),
        TEST(unplugged_while_a_frame_is_borrowed),
        TEST(unplugged_and_back_at_once),
        TEST(not_there_yet),
        TEST(in_use_at_first),
        TEST(a_device_that_fails_at_once_is_not_hammered),
        TEST(errors_of_the_driver_end_in_a_new_beginning),
        TEST(a_buffer_that_the_driver_does_not_have),
        TEST(the_same_buffer_twice),
        TEST(ready_without_a_frame_is_survived),
        TEST(a_wedged_camera_is_begun_anew),
        TEST(a_pause_of_the_looker_is_no_starvation),
        TEST(motion_jpeg_from_the_camera),
        TEST(a_real_path_that_is_no_camera),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
