/* SPDX-License-Identifier: Apache-2.0 */
/* In the guest: holds a picture up to the camera. Writes it to the output of the kernel's vivid
 * driver, which loops it to its capture side, for so many seconds, or until it is ended.
 *
 *   vivid_show SECONDS PICTURE...
 *
 * Several are shown in turn, each for a moment. They are raw brightness, one byte a pixel, as large
 * as the output.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/v4l2-dv-timings.h>
#include <linux/videodev2.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define NODES 16
#define BUFFERS 2
#define MOMENT_MS 2000
#define PICTURES 4
#define WHITE 0xeb
#define BLACK 0x10

struct output {
    int fd;
    unsigned width, height;
    unsigned count;
    struct {
        unsigned char *data;
        size_t size;
        const unsigned char *frame; /* what is in it */
    } buffers[BUFFERS];
};

static void die(const char *what)
{
    fprintf(stderr, "vivid_show: %s: %s\n", what, strerror(errno));
    exit(1);
}

static int open_node(unsigned wanted)
{
    char path[32];

    for (unsigned i = 0; i < NODES; i++) {
        snprintf(path, sizeof(path), "/dev/video%u", i);
        int fd = open(path, O_RDWR | O_CLOEXEC);
        struct v4l2_capability what = {0};
        if (fd >= 0 && ioctl(fd, VIDIOC_QUERYCAP, &what) == 0 &&
            strcmp((const char *)what.driver, "vivid") == 0 && (what.device_caps & wanted) != 0)
            return fd;
        if (fd >= 0)
            close(fd);
    }
    errno = ENODEV;
    die(wanted == V4L2_CAP_VIDEO_OUTPUT ? "vivid's output" : "vivid's camera");
    return -1;
}

/* What the camera shows by itself goes: the text over the picture. Until Linux 6.10 the loop is a
 * switch of the camera, later a menu of the outputs that it may be connected to; always the last
 * choice is ours. */
static void loop_to_camera(void)
{
    int fd = open_node(V4L2_CAP_VIDEO_CAPTURE);
    struct v4l2_queryctrl query = {.id = V4L2_CTRL_FLAG_NEXT_CTRL};
    bool looped = false;

    while (ioctl(fd, VIDIOC_QUERYCTRL, &query) == 0) {
        const char *name = (const char *)query.name;
        bool loop = strcmp(name, "Loop Video") == 0 || strstr(name, "Is Connected To") != NULL;
        if (loop || strcmp(name, "OSD Text Mode") == 0) {
            struct v4l2_control control = {.id = query.id, .value = query.maximum};
            if (ioctl(fd, VIDIOC_S_CTRL, &control) != 0)
                die(name);
            looped = looped || loop;
        }
        query.id |= V4L2_CTRL_FLAG_NEXT_CTRL;
    }
    close(fd);
    if (!looped) {
        errno = ENOTSUP;
        die("vivid's loop");
    }
}

/* As the camera has it, but 25 pictures a second instead of 60: with more than an emulated board
 * can do, the driver fills the kernel's log with complaints about itself. */
static void slow_down(int fd)
{
    struct v4l2_dv_timings timings = V4L2_DV_BT_CEA_1280X720P25;

    if (ioctl(fd, VIDIOC_S_DV_TIMINGS, &timings) != 0)
        die("the output does not take 25 pictures a second");
}

static void open_output(struct output *output)
{
    struct v4l2_format format = {.type = V4L2_BUF_TYPE_VIDEO_OUTPUT};
    struct v4l2_requestbuffers wanted = {
        .count = BUFFERS, .type = V4L2_BUF_TYPE_VIDEO_OUTPUT, .memory = V4L2_MEMORY_MMAP};

    output->fd = open_node(V4L2_CAP_VIDEO_OUTPUT);
    slow_down(output->fd);
    if (ioctl(output->fd, VIDIOC_G_FMT, &format) != 0)
        die("no format");
    format.fmt.pix.pixelformat = V4L2_PIX_FMT_GREY;
    format.fmt.pix.bytesperline = 0;
    format.fmt.pix.sizeimage = 0;
    if (ioctl(output->fd, VIDIOC_S_FMT, &format) != 0 ||
        format.fmt.pix.pixelformat != V4L2_PIX_FMT_GREY ||
        format.fmt.pix.bytesperline != format.fmt.pix.width)
        die("the output does not take brightness alone");
    output->width = format.fmt.pix.width;
    output->height = format.fmt.pix.height;
    if (ioctl(output->fd, VIDIOC_REQBUFS, &wanted) != 0 || wanted.count < BUFFERS)
        die("no buffers");
    output->count = BUFFERS;
    for (unsigned i = 0; i < BUFFERS; i++) {
        struct v4l2_buffer info = {
            .index = i, .type = V4L2_BUF_TYPE_VIDEO_OUTPUT, .memory = V4L2_MEMORY_MMAP};
        if (ioctl(output->fd, VIDIOC_QUERYBUF, &info) != 0)
            die("cannot query a buffer");
        output->buffers[i].size = info.length;
        output->buffers[i].data = mmap(NULL, info.length, PROT_READ | PROT_WRITE, MAP_SHARED,
                                       output->fd, (off_t)info.m.offset);
        if (output->buffers[i].data == MAP_FAILED)
            die("cannot map a buffer");
    }
}

static void put(struct output *output, unsigned index, const unsigned char *frame)
{
    struct v4l2_buffer buffer = {.index = index,
                                 .type = V4L2_BUF_TYPE_VIDEO_OUTPUT,
                                 .memory = V4L2_MEMORY_MMAP,
                                 .field = V4L2_FIELD_NONE,
                                 .bytesused = output->width * output->height};

    if (output->buffers[index].frame != frame)
        memcpy(output->buffers[index].data, frame, (size_t)output->width * output->height);
    output->buffers[index].frame = frame;
    if (ioctl(output->fd, VIDIOC_QBUF, &buffer) != 0)
        die("cannot queue a buffer");
}

static unsigned take_back(struct output *output)
{
    struct v4l2_buffer buffer = {.type = V4L2_BUF_TYPE_VIDEO_OUTPUT, .memory = V4L2_MEMORY_MMAP};

    if (ioctl(output->fd, VIDIOC_DQBUF, &buffer) != 0)
        die("the output gives no buffer back");
    return buffer.index;
}

static long long now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

static void bad_picture(const char *path)
{
    errno = EINVAL;
    die(path);
}

/* The picture in the middle of a white frame. */
static unsigned char *load(const char *path, const struct output *output)
{
    unsigned char *frame = malloc((size_t)output->width * output->height);
    FILE *file = fopen(path, "rb");
    unsigned width, height;

    if (file == NULL || frame == NULL)
        die(path);
    if (fscanf(file, "P4 %u %u", &width, &height) != 2 || getc(file) != '\n' || width == 0 ||
        height == 0 || width > output->width || height > output->height)
        bad_picture(path);
    memset(frame, WHITE, (size_t)output->width * output->height);
    unsigned scale = output->height / height;
    if (scale > output->width / width)
        scale = output->width / width;
    unsigned left = (output->width - width * scale) / 2;
    unsigned top = (output->height - height * scale) / 2;
    for (unsigned y = 0; y < height; y++) {
        int byte = 0;
        for (unsigned x = 0; x < width; x++) {
            byte = x % 8 == 0 ? getc(file) : byte << 1;
            if (byte == EOF)
                bad_picture(path);
            for (unsigned row = 0; (byte & 0x80) != 0 && row < scale; row++)
                memset(frame + (size_t)(top + y * scale + row) * output->width + left + x * scale,
                       BLACK, scale);
        }
    }
    fclose(file);
    return frame;
}

int main(int argc, char **argv)
{
    static struct output output;
    static unsigned char *pictures[PICTURES];
    int type = V4L2_BUF_TYPE_VIDEO_OUTPUT;
    long long seconds = argc > 2 ? atol(argv[1]) : 0;
    unsigned count = argc > 2 ? (unsigned)argc - 2 : 0;

    if (seconds <= 0 || count > PICTURES) {
        fputs("usage: vivid_show SECONDS PICTURE...\n", stderr);
        return 2;
    }
    loop_to_camera();
    open_output(&output);
    for (unsigned i = 0; i < count; i++)
        pictures[i] = load(argv[2 + i], &output);
    for (unsigned i = 0; i < output.count; i++)
        put(&output, i, pictures[0]);
    if (ioctl(output.fd, VIDIOC_STREAMON, &type) != 0)
        die("cannot start streaming");
    long long began_ms = now_ms();
    for (long long ms = 0; ms < seconds * 1000; ms = now_ms() - began_ms)
        put(&output, take_back(&output), pictures[(unsigned)(ms / MOMENT_MS) % count]);
    return 0;
}
