/* SPDX-License-Identifier: Apache-2.0 */
/* Pictures that are parsed, or must be refused. Include it after cmocka.h. */
#ifndef GATEHOUSE_TESTS_UNIT_PICTURE_FIXTURE_H
#define GATEHOUSE_TESTS_UNIT_PICTURE_FIXTURE_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "gatehouse/bytes.h"
#include "gatehouse/picture.h"

#define WIDTH 37
#define HEIGHT 23

struct file {
    char *data;
    size_t size;
};

/* The picture must be refused so, with a text, and left empty. */
static inline void assert_refused(const void *data, size_t size, enum gh_status status)
{
    struct gh_picture picture = {(uint8_t *)1, 1, 1};
    struct gh_error err = {0};

    assert_string_equal(gh_status_text(gh_picture_parse(data, size, &picture, &err)),
                        gh_status_text(status));
    assert_int_equal(err.status, status);
    assert_true(strlen(err.text) > 0);
    assert_null(picture.luma);
    assert_int_equal(picture.width, 0);
}

static inline struct gh_picture parse(const void *data, size_t size)
{
    struct gh_picture picture = {0};
    struct gh_error err = {0};

    if (gh_picture_parse(data, size, &picture, &err) != GH_OK)
        fail_msg("%s", err.text);
    return picture;
}

static inline void assert_pixels(const struct gh_picture *picture, const uint8_t *luma,
                                 unsigned within)
{
    assert_int_equal(picture->width, WIDTH);
    assert_int_equal(picture->height, HEIGHT);
    for (size_t i = 0; i < WIDTH * HEIGHT; i++)
        assert_in_range(picture->luma[i], luma[i] < within ? 0 : luma[i] - within,
                        luma[i] + within);
}

#endif
