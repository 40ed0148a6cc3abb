/* SPDX-License-Identifier: Apache-2.0 */
/* One picture of brightness, as a camera gives it: the luma plane where it lies. */
#ifndef GATEHOUSE_FRAME_H
#define GATEHOUSE_FRAME_H

#include <stddef.h>
#include <stdint.h>

/* Borrowed; whoever fills it says for how long. Pixel (x, y) is luma[y * stride_bytes + x *
 * step_bytes]: step 1 for planar formats (GREY, NV12, decoded JPEG), 2 for YUYV. */
struct gh_frame {
    const uint8_t *luma;
    uint32_t width;
    uint32_t height;
    size_t stride_bytes;
    size_t step_bytes;
    int64_t captured_ns; /* gh_clock monotonic */
};

#endif
