/* SPDX-License-Identifier: Apache-2.0 */
/* What the tests of the replay have in common: a folder of pictures of one grey each, and a camera.
 * To be included after cmocka. */
#ifndef GATEHOUSE_TESTS_FAKES_REPLAY_RIG_H
#define GATEHOUSE_TESTS_FAKES_REPLAY_RIG_H

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "gate/camera.h"

#define SIDE 6 /* of most pictures here */
#define WHITE 255
#define LONG_MS 20000 /* longer than anything takes that works */

static char folder[64];
static struct gh_camera camera;
static int64_t fake_now_ns;

static inline int64_t fake_time(void *context)
{
    (void)context;
    return fake_now_ns;
}

static const struct gh_clock fake_clock = {.wall_ns = fake_time, .monotonic_ns = fake_time};
/* --- files --- */

static inline int make_folder(void **state)
{
    (void)state;
    snprintf(folder, sizeof(folder), "/tmp/gatehouse-replay-XXXXXX");
    camera = (struct gh_camera){0};
    fake_now_ns = 7 * GH_NS_PER_S;
    return mkdtemp(folder) != NULL ? 0 : -1;
}

static inline void remove_files(void)
{
    DIR *dir = opendir(folder);
    struct dirent *entry;
    while (dir != NULL && (entry = readdir(dir)) != NULL) {
        if (unlinkat(dirfd(dir), entry->d_name, 0) != 0) {
            (void)unlinkat(dirfd(dir), entry->d_name, AT_REMOVEDIR);
        }
    }
    if (dir != NULL) {
        closedir(dir);
    }
}

static inline int remove_folder(void **state)
{
    (void)state;
    if (camera.free != NULL) {
        camera.free(camera.context);
    }
    remove_files();
    return rmdir(folder);
}

static inline const char *path_of(const char *name)
{
    static char paths[4][160];
    static unsigned at;
    char *path = paths[at++ % 4];
    snprintf(path, sizeof(paths[0]), "%s/%s", folder, name);
    return path;
}

static inline void write_bytes(const char *name, const void *data, size_t size)
{
    FILE *file = fopen(path_of(name), "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(data, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}

static inline size_t pgm(char *out, size_t out_bytes, unsigned width, unsigned height,
                         unsigned grey)
{
    int head = snprintf(out, out_bytes, "P5 %u %u 255\n", width, height);
    assert_true(head > 0 && (size_t)head + (size_t)width * height <= out_bytes);
    memset(out + head, (int)grey, (size_t)width * height);
    return (size_t)head + (size_t)width * height;
}

static inline void write_pgm(const char *name, unsigned grey)
{
    char bytes[128];
    write_bytes(name, bytes, pgm(bytes, sizeof(bytes), SIDE, SIDE, grey));
}

static inline void rename_in(const char *name, unsigned grey)
{
    write_pgm(".hidden", grey);
    assert_int_equal(rename(path_of(".hidden"), path_of(name)), 0);
}

static inline void write_y4m(const char *name, unsigned frames, unsigned first_grey, size_t cut)
{
    char bytes[4096];
    size_t size = (size_t)snprintf(bytes, sizeof(bytes), "YUV4MPEG2 W4 H2 F30:1 Cmono\n");
    for (unsigned i = 0; i < frames; i++) {
        memcpy(bytes + size, "FRAME\n", 6);
        memset(bytes + size + 6, (int)(first_grey + i), 8);
        size += 14;
    }
    write_bytes(name, bytes, size - cut);
}

/* --- frames --- */

static inline void open_with(const char *path, const struct gh_replay_options *options,
                             const struct gh_clock *clock)
{
    struct gh_error err = {0};
    enum gh_status status = gh_camera_replay_new(path, options, clock, &camera, &err);
    if (status != GH_OK) {
        fail_msg("%s: %s", gh_status_text(status), err.text);
    }
}

static inline enum gh_status next(int64_t timeout_ms, struct gh_frame *frame)
{
    return camera.next(camera.context, timeout_ms, frame, NULL);
}

static inline void expect_size(unsigned width, unsigned height, unsigned grey)
{
    struct gh_frame frame = {0};
    struct gh_error err = {0};
    enum gh_status status = camera.next(camera.context, LONG_MS, &frame, &err);
    if (status != GH_OK) {
        fail_msg("%s instead of %u: %s", gh_status_text(status), grey, err.text);
    }
    assert_int_equal(frame.width, width);
    assert_int_equal(frame.height, height);
    assert_true(width <= camera.max_width && height <= camera.max_height);
    for (unsigned y = 0; y < height; y++) {
        for (unsigned x = 0; x < width; x++) {
            assert_int_equal(frame.luma[y * frame.stride_bytes + x * frame.step_bytes], grey);
        }
    }
}

static inline void expect_grey(unsigned grey)
{
    expect_size(SIDE, SIDE, grey);
}

static inline void expect_corrupt(const char *text)
{
    struct gh_frame frame = {.luma = (const uint8_t *)""};
    struct gh_error err = {0};
    assert_int_equal(camera.next(camera.context, LONG_MS, &frame, &err), GH_ERR_CORRUPT);
    assert_null(frame.luma);
    if (strstr(err.text, text) == NULL) {
        fail_msg("'%s' does not say '%s'", err.text, text);
    }
}

static inline void expect_status(enum gh_status status)
{
    struct gh_frame frame = {.luma = (const uint8_t *)""};
    assert_int_equal(next(0, &frame), status);
    assert_null(frame.luma);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, make_folder, remove_folder)

#endif
