/* SPDX-License-Identifier: Apache-2.0 */
/* What of all that a device offers is taken, and what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>

#include "fakes/v4l2_rig.h"
#include "gatehouse/log.h"

/* --- what is chosen --- */

static void expect_choice(uint32_t max_width, uint32_t max_height, uint32_t pixel_format,
                          uint32_t width, uint32_t height)
{
    open_camera(max_width, max_height);
    struct gh_frame frame = expect_frame();
    assert_int_equal(fake.pix.pixelformat, pixel_format);
    assert_int_equal(frame.width, width);
    assert_int_equal(frame.height, height);
    (void)sequence_of(&frame);
}

static void add_usual_sizes(uint32_t pixel_format)
{
    fake_v4l2_add(&fake, pixel_format, 640, 480, 1, 30);
    fake_v4l2_add(&fake, pixel_format, 1280, 720, 1, 30);
    fake_v4l2_add(&fake, pixel_format, 1920, 1080, 1, 30);
    fake_v4l2_add(&fake, pixel_format, 320, 240, 1, 30);
}

static void the_largest_that_is_allowed(void **state)
{
    (void)state;
    add_usual_sizes(YUYV);
    expect_choice(1280, 800, YUYV, 1280, 720);
}

static void both_sides_are_limits(void **state)
{
    (void)state;
    add_usual_sizes(YUYV);
    expect_choice(1920, 719, YUYV, 640, 480);
}

static void grey_before_the_others_at_equal_size(void **state)
{
    (void)state;
    add_usual_sizes(YUYV);
    add_usual_sizes(NV12);
    add_usual_sizes(GREY);
    expect_choice(1280, 720, GREY, 1280, 720);
}

static void nv12_before_yuyv(void **state)
{
    (void)state;
    add_usual_sizes(V4L2_PIX_FMT_RGB24); /* nothing for us */
    add_usual_sizes(YUYV);
    add_usual_sizes(NV12);
    expect_choice(1280, 720, NV12, 1280, 720);
}

static void size_before_format(void **state)
{
    (void)state;
    fake_v4l2_add(&fake, GREY, 640, 480, 1, 30);
    fake_v4l2_add(&fake, YUYV, 1280, 720, 1, 10);
    expect_choice(1280, 720, YUYV, 1280, 720);
}

static void not_slower_than_ten_a_second(void **state)
{
    (void)state;
    fake_v4l2_add(&fake, YUYV, 640, 480, 1, 30);
    fake_v4l2_add(&fake, YUYV, 1280, 720, 1, 9);
    expect_choice(1280, 720, YUYV, 640, 480);
}

static void slow_is_better_than_nothing(void **state)
{
    (void)state;
    fake_v4l2_add(&fake, YUYV, 640, 480, 1, 2);
    fake_v4l2_add(&fake, YUYV, 1280, 720, 1, 5);
    expect_choice(1280, 720, YUYV, 1280, 720);
}

static void thirty_a_second_are_asked_for(void **state)
{
    (void)state;
    fake_v4l2_add(&fake, GREY, 640, 480, 1, 5);
    fake_v4l2_add(&fake, GREY, 640, 480, 1, 90);
    fake_v4l2_add(&fake, GREY, 640, 480, 1, 25);
    fake_v4l2_add(&fake, GREY, 640, 480, 1, 60);
    expect_choice(640, 480, GREY, 640, 480);
    assert_int_equal(fake.interval.numerator, 1);
    assert_int_equal(fake.interval.denominator, 25);
}

static void too_fast_is_better_than_slow(void **state)
{
    (void)state;
    fake_v4l2_add(&fake, GREY, 640, 480, 1, 5);
    fake_v4l2_add(&fake, GREY, 640, 480, 1, 90);
    fake_v4l2_add(&fake, GREY, 640, 480, 1, 60);
    expect_choice(640, 480, GREY, 640, 480);
    assert_int_equal(fake.interval.denominator, 60);
}

static void sizes_in_steps(void **state)
{
    (void)state;
    fake_v4l2_format(&fake, NV12)->stepwise = (struct v4l2_frmsize_stepwise){.min_width = 32,
                                                                             .max_width = 2592,
                                                                             .step_width = 16,
                                                                             .min_height = 32,
                                                                             .max_height = 1944,
                                                                             .step_height = 2};
    expect_choice(1290, 723, NV12, 1280, 722);
}

static void steps_of_nothing_do_no_harm(void **state)
{
    (void)state;
    fake_v4l2_format(&fake, GREY)->stepwise =
        (struct v4l2_frmsize_stepwise){.min_width = 1,
                                       .max_width = UINT32_MAX,
                                       .step_width = 0,
                                       .min_height = 1,
                                       .max_height = UINT32_MAX,
                                       .step_height = UINT32_MAX};
    expect_choice(333, 222, GREY, 333, 1);
}

static void a_device_that_tells_no_sizes_is_asked(void **state)
{
    (void)state;
    fake_v4l2_format(&fake, GREY)->tells_no_sizes = true;
    expect_choice(800, 600, GREY, 800, 600);
}

static void formats_made_by_a_library_are_passed_over(void **state)
{
    (void)state;
    add_usual_sizes(GREY);
    fake_v4l2_format(&fake, GREY)->flags = V4L2_FMT_FLAG_EMULATED;
    fake_v4l2_add(&fake, YUYV, 640, 480, 1, 30);
    expect_choice(1280, 720, YUYV, 640, 480);
}

static void the_next_mode_when_the_bus_is_too_narrow(void **state)
{
    (void)state;
    add_usual_sizes(YUYV);
    fake_v4l2_format(&fake, YUYV)->broken_width = 1280;
    expect_choice(1280, 720, YUYV, 640, 480);
}

static void the_next_format_when_one_cannot_stream(void **state)
{
    (void)state;
    add_usual_sizes(GREY);
    add_usual_sizes(YUYV);
    fake_v4l2_format(&fake, GREY)->streamon_errno = EIO;
    expect_choice(1280, 720, YUYV, 1280, 720);
}

static void the_next_mode_when_one_gives_no_frames(void **state)
{
    (void)state;
    add_usual_sizes(GREY);
    add_usual_sizes(YUYV);
    fake_v4l2_format(&fake, GREY)->starves = true;
    open_camera(1280, 720);
    int64_t began_ns = fake.now_ns;
    struct gh_frame frame;
    struct gh_error err = {0};
    enum gh_status status;
    while ((status = next(500, &frame, &err)) == GH_ERR_AGAIN) {
    }
    assert_int_equal(status, GH_ERR_GONE);
    assert_non_null(strstr(err.text, "no good frames"));
    assert_int_equal((fake.now_ns - began_ns) / GH_NS_PER_MS, 5000);
    frame = expect_frame();
    assert_int_equal(fake.pix.pixelformat, YUYV);
    (void)sequence_of(&frame);

    /* what is plugged in next is another camera, and gets its own chance */
    fake_v4l2_format(&fake, GREY)->starves = false;
    fake_v4l2_unplug(&fake);
    fake_v4l2_plug(&fake);
    expect_status(GH_ERR_GONE, 1000, "unplugged");
    (void)expect_frame();
    assert_int_equal(fake.pix.pixelformat, GREY);
}

static void failures_on_the_way_lead_to_the_next_mode(void **state)
{
    (void)state;
    static const unsigned long requests[] = {VIDIOC_S_FMT, VIDIOC_REQBUFS, VIDIOC_QUERYBUF,
                                             VIDIOC_QBUF, VIDIOC_STREAMON};
    for (size_t i = 0; i < GH_ARRAY_SIZE(requests); i++) {
        fake_v4l2_init(&fake);
        add_usual_sizes(YUYV);
        fake_v4l2_fault(&fake, requests[i], EIO, 0);
        expect_choice(1280, 720, YUYV, 640, 480);
        camera.free(camera.context);
        camera.free = NULL;
        assert_true(fake_v4l2_is_clean(&fake));
        assert_string_equal(fake.violation, "");
    }
}

static void lists_without_end_come_to_an_end(void **state)
{
    (void)state;
    add_usual_sizes(YUYV);
    add_usual_sizes(GREY);
    fake.endless_lists = true;
    expect_choice(640, 480, GREY, 640, 480);
    assert_true(fake.calls < 50000);
}

static void of_many_modes_the_best_are_kept(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < FAKE_V4L2_SIZES - 1; i++) {
        fake_v4l2_add(&fake, GREY, 100 + 10 * (i * 17 % 39), 100, 1, 30);
    }
    struct gh_v4l2_mode modes[GH_V4L2_MODES_MAX];
    fake.fd = fake.sys.open(&fake, "/dev/video0", O_RDWR | O_NONBLOCK | O_CLOEXEC);
    unsigned count = gh_v4l2_list_modes(&fake.sys, fake.fd, 1000, 1000, modes);
    assert_int_equal(count, GH_V4L2_MODES_MAX);
    for (unsigned i = 0; i < count; i++) {
        assert_int_equal(modes[i].width, 100 + 10 * (38 - i));
    }
    fake.sys.close(&fake, fake.fd);
}

/* --- what is refused --- */

static void expect_refused(enum gh_status status, const char *text)
{
    open_camera(1280, 720);
    expect_status(status, 100, text);
    assert_true(fake_v4l2_is_clean(&fake));
}

static void expect_none(const char *text)
{
    expect_refused(GH_ERR_GONE, text);
}

static void nothing_fits(void **state)
{
    (void)state;
    fake_v4l2_add(&fake, YUYV, 1920, 1080, 1, 30);
    add_usual_sizes(V4L2_PIX_FMT_RGB24);
    expect_none("1280x720");
}

static void a_metadata_node_is_no_camera(void **state)
{
    (void)state;
    fake.capabilities = V4L2_CAP_META_CAPTURE | V4L2_CAP_STREAMING;
    expect_none("not a camera");
}

static void several_planes_are_not_supported(void **state)
{
    (void)state;
    fake.capabilities = V4L2_CAP_VIDEO_CAPTURE_MPLANE | V4L2_CAP_STREAMING;
    expect_none("planes");
}

static void an_old_driver_has_no_device_capabilities(void **state)
{
    (void)state;
    add_usual_sizes(GREY);
    fake.capabilities = 0;
    fake.lie_capabilities = V4L2_CAP_VIDEO_CAPTURE | V4L2_CAP_STREAMING;
    expect_choice(1280, 720, GREY, 1280, 720);
}

static void reading_only_is_not_streaming(void **state)
{
    (void)state;
    fake.capabilities = V4L2_CAP_VIDEO_CAPTURE | V4L2_CAP_READWRITE;
    expect_none("stream");
}

static void not_a_video_device(void **state)
{
    (void)state;
    fake_v4l2_fault(&fake, VIDIOC_QUERYCAP, ENOTTY, 0);
    expect_none("not a video device");
}

static void used_by_another_program(void **state)
{
    (void)state;
    add_usual_sizes(YUYV);
    fake_v4l2_fault(&fake, VIDIOC_S_FMT, EBUSY, 0);
    expect_refused(GH_ERR_BUSY, "in use");
}

static void may_not_be_opened(void **state)
{
    (void)state;
    add_usual_sizes(YUYV);
    fake.open_errno = EACCES;
    expect_none("Permission denied");
}

static void the_driver_lies(void **state)
{
    (void)state;
    struct lie {
        uint32_t width, height, pixel_format, bytesperline, length, buffers;
        const char *text;
    };
    static const struct lie lies[] = {
        {.width = 1281, .text = "1281"},
        {.height = 721, .text = "721"},
        {.width = UINT32_MAX, .height = UINT32_MAX, .text = "4294967295"},
        {.pixel_format = V4L2_PIX_FMT_RGB24, .text = "sets"},
        {.bytesperline = 1, .text = "too short"},
        {.bytesperline = 639 * 2, .text = "too short"},
        {.bytesperline = UINT32_MAX, .text = "too long"},
        {.bytesperline = UINT32_MAX / 480, .text = "too small"},
        {.length = 1, .text = "too small"},
        {.length = 640 * 2 * 480 - 1, .text = "too small"},
        {.buffers = 1, .text = "only 1 buffers"},
    };
    for (size_t i = 0; i < GH_ARRAY_SIZE(lies); i++) {
        fake_v4l2_init(&fake);
        fake_v4l2_add(&fake, YUYV, 640, 480, 1, 30);
        fake.lie_width = lies[i].width;
        fake.lie_height = lies[i].height;
        fake.lie_pixel_format = lies[i].pixel_format;
        fake.lie_bytesperline = lies[i].bytesperline;
        fake.lie_length = lies[i].length;
        fake.lie_buffers = lies[i].buffers;
        expect_none(lies[i].text);
        assert_string_equal(fake.violation, "");
        camera.free(camera.context);
        camera.free = NULL;
    }
}

static void more_buffers_than_there_can_be(void **state)
{
    (void)state;
    fake_v4l2_add(&fake, GREY, 64, 48, 1, 30);
    fake.lie_buffers = 1000000;
    expect_choice(1280, 720, GREY, 64, 48);
    assert_int_equal(fake.buffer_count, VIDEO_MAX_FRAME);
}

static void exactly_enough_bytes_are_enough(void **state)
{
    (void)state;
    fake_v4l2_add(&fake, YUYV, 100, 10, 1, 30); /* its lines are padded to 128 pixels */
    fake.lie_length = 9 * 128 * 2 + 200;
    expect_choice(1280, 720, YUYV, 100, 10);
}

static void a_camera_without_pixels_is_a_mistake(void **state)
{
    (void)state;
    struct gh_error err = {0};
    assert_int_equal(gh_camera_v4l2_new("/dev/video0", 0, 480, &fake.clock, &camera, &err),
                     GH_ERR_INVALID);
    assert_null(camera.context);
}

int main(void)
{
    gh_log_set_level(GH_LOG_WARNING); /* the cameras come and go by the hundred */
    const struct CMUnitTest tests[] = {
        TEST(the_largest_that_is_allowed),
        TEST(both_sides_are_limits),
        TEST(grey_before_the_others_at_equal_size),
        TEST(nv12_before_yuyv),
        TEST(size_before_format),
        TEST(not_slower_than_ten_a_second),
        TEST(slow_is_better_than_nothing),
        TEST(thirty_a_second_are_asked_for),
        TEST(too_fast_is_better_than_slow),
        TEST(sizes_in_steps),
        TEST(steps_of_nothing_do_no_harm),
        TEST(a_device_that_tells_no_sizes_is_asked),
        TEST(formats_made_by_a_library_are_passed_over),
        TEST(the_next_mode_when_the_bus_is_too_narrow),
        TEST(the_next_format_when_one_cannot_stream),
        TEST(the_next_mode_when_one_gives_no_frames),
        TEST(failures_on_the_way_lead_to_the_next_mode),
        TEST(lists_without_end_come_to_an_end),
        TEST(of_many_modes_the_best_are_kept),
        TEST(nothing_fits),
        TEST(a_metadata_node_is_no_camera),
        TEST(several_planes_are_not_supported),
        TEST(an_old_driver_has_no_device_capabilities),
        TEST(reading_only_is_not_streaming),
        TEST(not_a_video_device),
        TEST(used_by_another_program),
        TEST(may_not_be_opened),
        TEST(the_driver_lies),
        TEST(more_buffers_than_there_can_be),
        TEST(exactly_enough_bytes_are_enough),
        TEST(a_camera_without_pixels_is_a_mistake),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
